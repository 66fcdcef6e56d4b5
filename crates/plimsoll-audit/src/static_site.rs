//! Static sites: what nginx serves with the configuration that its image brings, the one server
//! whose routes are files of the image.

use plimsoll_model::Why;
use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{Base, CopyFrom, Image, StepKind};
use plimsoll_source::Span;

use crate::Cx;
use crate::health::Deployment;

/// Where nginx's own configuration serves from.
const ROOT: &str = "/usr/share/nginx/html";

/// A site that nginx serves as its image is configured.
#[derive(Clone, Copy)]
pub(crate) struct StaticSite<'a> {
    image: &'a Image,
    stage: usize,
    base: Span,
    /// The port that it listens on.
    pub(crate) port: u16,
}

/// The site of a deployment whose image is nginx with files and nothing else.
pub(crate) fn of<'a>(deployment: Deployment<'a>) -> Option<StaticSite<'a>> {
    let image = deployment.image.filter(|image| !image.broken)?;
    let stage = image.target?;
    let root = image.root_base(stage)?;
    let Base::External(reference) = &root.base else { return None };
    let port = match &*reference.repository {
        "library/nginx" => 80,
        "nginxinc/nginx-unprivileged" => 8080,
        _ => return None,
    };
    let config = &image.stages.get(stage)?.config;
    let own = |span: Option<Span>| span.is_none_or(|span| span == root.base_span);
    let started = own(config.cmd.as_ref().map(|cmd| cmd.span))
        && own(config.entrypoint.as_ref().map(|entry| entry.span));
    let configured = image.steps_with_bases(stage).into_iter().any(|step| match &step.kind {
        StepKind::Copy(copy) => {
            let dest = copy.dest.known().map(|dest| dest.trim_end_matches('/'));
            let site = dest.is_some_and(|dest| dest.starts_with(ROOT));
            let elsewhere = dest.is_some_and(|dest| {
                !dest.is_empty() && !["/etc", "/usr", "/docker"].iter().any(|d| dest.starts_with(d))
            });
            !site && !elsewhere || matches!(copy.from, CopyFrom::Dynamic(_))
        }
        StepKind::Run(run) => {
            let text = String::from_utf8_lossy(run.text.text());
            ["/etc/nginx", "nginx.conf", "default.conf"].iter().any(|name| text.contains(name))
        }
        _ => false,
    });
    let overridden = deployment.container.is_some_and(|c| {
        c.command.is_some()
            || c.entrypoint.is_some()
            || c.open.is_some()
            || c.mounts.iter().any(|m| m.target.starts_with("/etc") || m.target.starts_with("/usr"))
    });
    let plain = started && !configured && !overridden;
    plain.then_some(StaticSite { image, stage, base: root.base_span, port })
}

impl StaticSite<'_> {
    /// Whether a path is answered with a file, and the step that brings it.
    pub(crate) fn serves(&self, cx: &Cx<'_>, path: &str) -> Result<Option<Span>, Why> {
        let file = if path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
        // What the base image brings itself.
        if matches!(&*file, "/index.html" | "/50x.html") {
            return Ok(Some(self.base));
        }
        let found =
            Filesystem::new(cx.delivery, self.image).find(self.stage, &format!("{ROOT}{file}"));
        match found {
            Found::Unknown(Why::NeedsNetwork, Some(at)) if at == self.base => Ok(None),
            Found::Unknown(why, _) => Err(why),
            Found::Absent => Ok(None),
            found => Ok(found.via()),
        }
    }
}
