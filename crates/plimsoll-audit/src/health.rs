//! What the checks of health checks share: a service's deployments, what is in effect in each, and
//! what is known of its ports.

use plimsoll_model::base;
use plimsoll_model::container::{Container, ContainerKind, Said};
use plimsoll_model::image::{Base, HealthTest, Healthcheck, Image};
use plimsoll_model::probe::Probe;
use plimsoll_model::{Fact, Why, mend};
use plimsoll_source::Span;
use plimsoll_syntax::dockerfile::{Instruction, Keyword};

use crate::{Cx, Evidence, Finding, Fix, Safety, ServiceSubject, Verdict, mending, program};

/// One way in which a service runs: a container that is no batch job, or an image that nothing
/// deploys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deployment<'a> {
    pub(crate) container: Option<&'a Container>,
    pub(crate) image: Option<&'a Image>,
}

/// The deployments of a service.
pub(crate) fn deployments<'a>(cx: &Cx<'a>, service: ServiceSubject<'a>) -> Vec<Deployment<'a>> {
    let delivery = cx.delivery;
    if service.containers.is_empty() {
        let images = service.service.images.iter();
        return images
            .map(|&id| Deployment { container: None, image: Some(&delivery[id]) })
            .collect();
    }
    let containers = service.service.containers.iter().map(|&id| &delivery[id]);
    containers
        .filter(|container| !container.job)
        .map(|container| Deployment {
            container: Some(container),
            image: container.image_id.map(|id| &delivery[id]),
        })
        .collect()
}

/// One verdict for all deployments of a service, the worst first.
pub(crate) fn each(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    judge: impl Fn(Deployment<'_>) -> Verdict,
) -> Verdict {
    let judged = deployments(cx, service).into_iter().map(|d| (d.name(), judge(d)));
    crate::driver::join(judged.collect(), "runs as a service", service.place)
}

/// The same for what asks for routes: of a worker beside what listens, nobody asks any.
pub(crate) fn each_asked(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    judge: impl Fn(Deployment<'_>) -> Verdict,
) -> Verdict {
    let asked = deployments(cx, service)
        .into_iter()
        .filter(|d| !d.asked(cx).is_empty() || !program::is_worker(cx, service, d.container));
    let judged = asked.map(|d| (d.name(), judge(d)));
    crate::driver::join(judged.collect(), "runs as a service", service.place)
}

impl<'a> Deployment<'a> {
    fn name(&self) -> String {
        match (self.container, self.image) {
            (Some(container), _) => container.label.to_string(),
            (None, image) => image.map_or_else(String::new, |image| image.path.clone()),
        }
    }

    pub(crate) fn is_kubernetes(&self) -> bool {
        self.container.is_some_and(|c| matches!(c.kind, ContainerKind::Kubernetes { .. }))
    }

    /// The health check that the engine runs, unless there is none or it is disabled.
    pub(crate) fn healthcheck(&self, cx: &Cx<'_>) -> Option<Healthcheck> {
        cx.delivery
            .healthcheck(self.container, self.image)
            .filter(|health| !matches!(health.test, HealthTest::Disabled))
    }

    /// Everything that is asked to find out about its health: the engine's check, and the probes
    /// of Kubernetes.
    pub(crate) fn asked(&self, cx: &Cx<'_>) -> Vec<Healthcheck> {
        let mut asked: Vec<Healthcheck> = self.healthcheck(cx).into_iter().collect();
        if let Some(container) = self.container.filter(|_| self.is_kubernetes()) {
            asked.extend(container.healthcheck.iter().chain(&container.readiness).cloned());
        }
        asked
    }

    /// Where a health check would stand, by file.
    pub(crate) fn places(&self) -> Vec<Span> {
        let of_image = self.image.and_then(|image| {
            let stage = image.final_stage()?;
            let config = &stage.config;
            let exposed = config.expose.last().map(|(_, span)| *span);
            Some(exposed.or(config.user.as_ref().map(|(_, span)| *span)).unwrap_or(stage.from))
        });
        self.container.map(|c| c.span).into_iter().chain(of_image).collect()
    }

    /// Why a health check may be set by something that is not read: what is in the way, and where.
    pub(crate) fn hidden(
        &self,
        cx: &Cx<'_>,
        service: ServiceSubject<'_>,
    ) -> Option<(Why, &'static str, Span)> {
        let place = self.places().first().copied().unwrap_or(service.place);
        if let Some((why, span)) = self.container.and_then(|c| c.open) {
            return Some((why, "not all of what describes the container is read", span));
        }
        let Some(image) = self.image else {
            return Some((Why::NeedsNetwork, "its image is not built here", place));
        };
        if image.broken {
            return Some((Why::Unparsed, "the Dockerfile does not parse", cx.start_of(image.file)));
        }
        match image.target.and_then(|target| image.origin(target)) {
            None => return Some((Why::Unparsed, "no FROM can be read", place)),
            Some(stage) => match &stage.base {
                Base::Dynamic(_) => {
                    return Some((Why::Dynamic, "its base depends on a variable", stage.base_span));
                }
                // Docker's own images set no health check: their rules say so.
                Base::External(reference)
                    if base::known(reference).is_none()
                        && !reference.repository.starts_with("library/") =>
                {
                    return Some((Why::NeedsNetwork, "its base may set one", stage.base_span));
                }
                _ => {}
            },
        }
        if self.container.is_some() {
            return None;
        }
        if let Some(&file) = service.service.unread.first() {
            return Some((Why::Unsupported, "a descriptor is not read", cx.start_of(file)));
        }
        let outside = cx.delivery.tree.outside().is_some();
        outside.then_some((Why::OutOfTree, "what deploys it may lie above the audited tree", place))
    }

    /// The ports that descriptors say it listens on: number, place, what says so.
    pub(crate) fn ports(&self) -> Vec<(u16, Span, &'static str)> {
        let mut found = Vec::new();
        if let Some(stage) = self.image.and_then(Image::final_stage) {
            for (port, span) in &stage.config.expose {
                let Some(port) = port.known() else { continue };
                found.extend(numbers(port).map(|n| (n, *span, "EXPOSE")));
            }
            for setting in stage.config.env.iter().filter(|setting| setting.name == "PORT") {
                let value = setting.value.as_ref().and_then(|value| value.known());
                found.extend(
                    value.into_iter().flat_map(|v| numbers(v)).map(|n| (n, setting.span, "PORT")),
                );
            }
        }
        if let Some(container) = self.container {
            for port in &container.ports {
                found.extend(numbers(&port.container).map(|n| (n, port.span, "a published port")));
            }
            if let Ok(Some(port)) = self.variable("PORT") {
                found.extend(numbers(&port.0).map(|n| (n, port.1, "PORT")));
            }
        }
        found
    }

    /// The value of a variable in the container, as far as descriptors and Dockerfile say; none
    /// where nothing sets it.
    ///
    /// # Errors
    /// Why it is not known, and where.
    pub(crate) fn variable(&self, name: &str) -> Result<Option<(String, Span)>, (Why, Span)> {
        match self.container.map_or(Said::Nothing, |container| container.says(name)) {
            Said::Value(text, at) => return Ok(Some((text.to_owned(), at))),
            Said::Unknown(why, at) | Said::Hidden(why, at) => return Err((why, at)),
            Said::Nothing => {}
        }
        let stage = self.image.and_then(Image::final_stage);
        let set = stage.and_then(|s| s.config.env.iter().find(|setting| setting.name == name));
        let Some(setting) = set else { return Ok(None) };
        let value = setting.value.as_ref().and_then(|value| value.known());
        value.map(|value| Some((value.clone(), setting.span))).ok_or((Why::Dynamic, setting.span))
    }

    /// A probe's port as a number: `3000`, `$PORT`, `${process.env.PORT || 3000}`.
    pub(crate) fn port_number(&self, port: &str) -> Option<u16> {
        if let Ok(number) = port.parse() {
            return Some(number);
        }
        let inner = port.trim_start_matches(['$', '{']).trim_end_matches('}');
        let inner = inner.strip_prefix("process.env.").unwrap_or(inner);
        let end =
            inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        if let Some((value, _)) = self.variable(name).ok()? {
            return value.parse().ok();
        }
        let default = rest.trim_start_matches([':', '-', ' ', '|', '?', '"', '\'']);
        default.trim_end_matches(['"', '\'', ' ']).parse().ok()
    }
}

/// The numbers of a port or a short range, protocol aside: `3000/tcp`, `3000-3002`.
fn numbers(port: &str) -> impl Iterator<Item = u16> {
    let port = port.split('/').next().unwrap_or(port);
    let (first, last) = port.split_once('-').unwrap_or((port, port));
    let range = first.trim().parse::<u16>().ok().zip(last.trim().parse::<u16>().ok());
    let short = range.filter(|(first, last)| last.saturating_sub(*first) < 1000);
    short.into_iter().flat_map(|(first, last)| first..=last)
}

/// Whether a health check can find out anything.
pub(crate) fn works(cx: &Cx<'_>, d: Deployment<'_>, health: &Healthcheck) -> Verdict {
    let at = health.span;
    let Some(probe) = cx.delivery.probe(&health.test, d.image) else {
        return Verdict::unknown(
            Why::Unparsed,
            "what the health check runs cannot be read",
            Evidence::context(at, "cannot be read"),
        );
    };
    let partial =
        |message: String, says: String| Verdict::partial(message, Evidence::contradicts(at, says));
    match probe.always {
        Some(true) => {
            return partial(
                "the health check succeeds whatever the service answers: let it fail".to_owned(),
                "succeeds whatever the service answers".to_owned(),
            );
        }
        Some(false) => {
            return partial(
                "the health check fails whatever the service answers: let it succeed".to_owned(),
                "fails whatever the service answers".to_owned(),
            );
        }
        None => {}
    }
    let mut doubt: Option<(Why, String, Span)> = None;
    for tool in probe.tools.iter().chain(&probe.scripts) {
        let has = match d.image {
            Some(image) if probe.scripts.contains(tool) && !tool.contains('/') => {
                cx.delivery.has_tool(image, &format!("./{tool}"))
            }
            Some(image) => cx.delivery.has_tool(image, tool),
            None => Fact::Unknown(Why::NeedsNetwork, None),
        };
        match has {
            Fact::Known { value: false, .. } => {
                return partial(
                    format!("the health check calls `{tool}`, which is not in the image: add it"),
                    format!("`{tool}` is not in the image"),
                );
            }
            Fact::Known { .. } => {}
            Fact::Absent => doubt = doubt.or(Some((Why::NeedsBuild, tool.clone(), at))),
            Fact::Unknown(why, span) => {
                doubt = doubt.or_else(|| Some((why, tool.clone(), span.unwrap_or(at))));
            }
        }
    }
    match port(d, &probe) {
        Err(Ok(port)) => {
            let names = d.ports();
            let named = names
                .iter()
                .map(|(n, span, what)| Evidence::context(*span, format!("{what} says {n}")));
            partial(
                format!("the health check asks port {port}, which nothing here names: mend one"),
                format!("asks port {port}"),
            )
            .and_all(named)
        }
        _ if doubt.is_some() => {
            let (why, tool, span) = doubt.unwrap_or((Why::NeedsBuild, String::new(), at));
            let message = format!("whether the image holds `{tool}` cannot be told");
            Verdict::unknown(why, message, Evidence::context(at, format!("calls `{tool}`")))
                .and(Evidence::context(span, "not looked into"))
        }
        Err(Err(why)) => Verdict::unknown(
            why,
            "the port that the health check asks cannot be compared with the service's",
            Evidence::context(at, "asks a port that nothing here names"),
        ),
        Ok(asks) => {
            let with = probe.tools.first().map_or(String::new(), |tool| format!(", with `{tool}`"));
            Verdict::pass(
                "a health check is defined and can work",
                Evidence::shows(at, format!("{asks}{with}")),
            )
        }
    }
}

/// What it asks, where the port is one that the service names; else the port, or why it cannot be
/// told.
fn port(d: Deployment<'_>, probe: &Probe) -> Result<String, Result<u16, Why>> {
    let Some(port) = &probe.port else {
        // A program of one's own knows what it asks, and is not read.
        let own = !probe.scripts.is_empty()
            || probe.tools.first().is_some_and(|tool| tool.contains('/') || tool.ends_with(".sh"));
        return if own && probe.scheme.is_none() {
            Err(Err(Why::Unsupported))
        } else {
            Ok("asks without a port".to_owned())
        };
    };
    let Some(number) = d.port_number(port) else {
        // Kubernetes looks a named port up among the container's own.
        let named = d.is_kubernetes() && !port.contains(['$', '?']);
        return if named { Ok(format!("asks port {port}")) } else { Err(Err(Why::Dynamic)) };
    };
    let names = d.ports();
    if names.iter().any(|(n, ..)| *n == number) {
        Ok(format!("asks port {number}"))
    } else if names.is_empty() {
        Err(Err(Why::Unsupported))
    } else {
        Err(Ok(number))
    }
}

/// A setting of a health check.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    /// As a flag: `interval`.
    pub(crate) flag: &'static str,
    /// As a compose key.
    pub(crate) key: &'static str,
    /// What to write.
    pub(crate) value: &'static str,
    /// What the engine takes when it is left out.
    pub(crate) default: &'static str,
    /// Its value in a health check.
    pub(crate) of: fn(&Healthcheck) -> Option<&(String, Span)>,
}

/// Whether every health check in effect sets it, to more than nothing.
pub(crate) fn is_set(cx: &Cx<'_>, service: ServiceSubject<'_>, setting: Setting) -> Verdict {
    let flag = setting.flag;
    let checks = settable(cx, service);
    let verdicts = checks.into_iter().map(|(name, health)| {
        let verdict = match (setting.of)(&health) {
            None => Verdict::fail(
                format!("the health check leaves --{flag} at {}: set it", setting.default),
                Evidence::missing_in(health.span, format!("no {flag}: {}", setting.default)),
            ),
            Some((text, span)) => match is_positive(text) {
                Some(true) => Verdict::pass(
                    format!("the health check sets --{flag}"),
                    Evidence::shows(*span, format!("{flag} is {text}")),
                ),
                Some(false) => Verdict::fail(
                    format!("the health check sets --{flag} to nothing: write a value above 0"),
                    Evidence::contradicts(*span, format!("{flag} is {text}: the default holds")),
                ),
                None => Verdict::unknown(
                    Why::Dynamic,
                    format!("the health check's --{flag} depends on a variable"),
                    Evidence::context(*span, "depends on a variable"),
                ),
            },
        };
        (name, verdict)
    });
    crate::driver::join(verdicts.collect(), "defines a HEALTHCHECK", service.place)
}

/// The health checks whose settings are judged: those that an engine runs, and the image's own
/// where only Kubernetes runs the image.
pub(crate) fn settable(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Vec<(String, Healthcheck)> {
    let mut found: Vec<(String, Healthcheck)> = Vec::new();
    for deployment in deployments(cx, service) {
        let of = if deployment.is_kubernetes() {
            Deployment { container: None, ..deployment }
        } else {
            deployment
        };
        let Some(health) = of.healthcheck(cx) else { continue };
        if !found.iter().any(|(_, known)| known.span == health.span) {
            found.push((of.name(), health));
        }
    }
    found
}

/// Whether a duration (`1m30s`, Go's form) or a count is more than nothing; `None` for a variable.
/// What is neither stops the build, and sets nothing.
fn is_positive(text: &str) -> Option<bool> {
    if text.contains('$') {
        return None;
    }
    let well_formed = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.')
        && text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    Some(well_formed && text.bytes().any(|b| matches!(b, b'1'..=b'9')))
}

/// The flag or keyword of a HEALTHCHECK behind which another flag stands, in the order of the manual.
fn before(instruction: &Instruction, flag: &str) -> Span {
    const ORDER: [&str; 5] = ["interval", "timeout", "start-period", "start-interval", "retries"];
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    let earlier = instruction.flags.iter().rfind(|other| place(&other.name) < place(flag));
    earlier.map_or(instruction.keyword_span, |other| other.span)
}

/// Sets it where the health check stands.
pub(crate) fn set(cx: &Cx<'_>, finding: &Finding, setting: Setting) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let Setting { flag, key, value, .. } = setting;
    let mut edits = Vec::new();
    let mut snippet = None;
    for (_, health) in settable(cx, service) {
        let current = (setting.of)(&health);
        if current.is_some_and(|(text, _)| is_positive(text) != Some(false)) {
            continue;
        }
        let image = service
            .images
            .iter()
            .map(|&id| &cx.delivery[id])
            .find(|image| image.syntax.instructions.iter().any(|i| i.span == health.span));
        let instruction = image.and_then(|image| {
            let mut all = image.syntax.instructions.iter();
            all.find(|i| i.span == health.span && i.keyword == Keyword::Healthcheck)
        });
        match instruction {
            Some(instruction) => {
                let at = before(instruction, flag);
                let text = format!("--{flag}={value}");
                edits.push(match current {
                    Some((_, span)) => mend::replace(*span, text),
                    None => mend::after(at, format!(" {text}")),
                });
            }
            None => {
                let file = health.span.file;
                snippet = mending::snippet(
                    cx.path(file),
                    "yaml",
                    format!("healthcheck:\n  {key}: {value}\n"),
                );
                let mut containers = service.containers.iter().map(|&id| &cx.delivery[id]);
                let own = containers.find(|container| {
                    let own = container.healthcheck.as_ref();
                    mending::is_compose(container) && own.is_some_and(|own| own.span == health.span)
                });
                let data = mend::Data::map(key, mend::Data::scalar(value));
                let set = own.and_then(|own| mending::set(cx, own, &[("healthcheck", data)]));
                edits.extend(set.into_iter().flatten());
            }
        }
    }
    if edits.is_empty() && snippet.is_none() {
        return None;
    }
    // Written out, the engine's own value changes nothing.
    let safety = if value == setting.default { Safety::Safe } else { Safety::Review };
    Some(Fix::of_edits(format!("set {flag} to {value}"), safety, snippet, edits))
}
