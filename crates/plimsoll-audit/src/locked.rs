//! Whether an installation follows the lockfile that the repository has.

use plimsoll_model::image::{Image, Install, Manager, StepKind};

use crate::installs::{Requirements, has_version, is_node, package_at, requirements};
use crate::manifests::{Lock, Site, lock};
use crate::{Cx, ImageSubject, Why};

/// What an installation does with a lockfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It follows it, or exact versions.
    It(&'static str),
    /// It may install something else.
    Not(&'static str),
    /// There is none for it.
    Nothing,
    /// It cannot be told.
    Unknown(Why),
}

/// Whether one installation follows the lockfile of what it installs.
pub(crate) fn follows(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>) -> Follows {
    let Site { install, effect, stage, .. } = site;
    if install.manager.is_system() {
        return Follows::Nothing;
    }
    if let Some(named) = by_name(install) {
        return named;
    }
    let locked = install.locked || is_frozen(image.image, site);
    let judged = match locked {
        true => Follows::It("follows the lockfile"),
        false => Follows::Not("may change what is installed"),
    };
    match install.manager {
        Manager::Pip => {
            let asked = requirements(cx, image, stage, effect.span, &effect.workdir);
            match asked {
                _ if install.locked => judged,
                Requirements::Pinned => Follows::It("every requirement is pinned"),
                Requirements::Unknown => Follows::Nothing,
                _ if python_lock(cx, image) => Follows::Not("looks at no lockfile"),
                _ => Follows::Nothing,
            }
        }
        manager if is_node(manager) => match node_lock(cx, image, site) {
            true => judged,
            false => Follows::Nothing,
        },
        _ => match lock(cx, image, site) {
            Some(Lock::There | Lock::Left) => judged,
            // What it would follow may be there; whether it would is written out.
            Some(Lock::Unknown(_)) if locked => judged,
            Some(Lock::Unknown(why)) => Follows::Unknown(why),
            Some(Lock::Needless | Lock::Missing(_) | Lock::Ignored(_)) | None => Follows::Nothing,
        },
    }
}

/// Of packages that are installed by name: whether with their versions. `None`: none is named.
fn by_name(install: &Install) -> Option<Follows> {
    let local = |name: &str| {
        name.starts_with(['.', '/', '$'])
            || name.contains("://")
            || [".whl", ".tgz", ".tar.gz", ".gem"].iter().any(|end| name.ends_with(end))
    };
    // Installers of what follows are brought up to date; by themselves they ship nothing.
    let installer = |name: &str| {
        install.manager == Manager::Pip && matches!(name, "pip" | "setuptools" | "wheel")
    };
    let mut here = false;
    let mut names = Vec::new();
    for name in &install.packages {
        match &**name {
            "." | "./" => here = true,
            name if local(name) || installer(name) => here |= name.starts_with('.'),
            name => names.push(name),
        }
    }
    if names.is_empty() {
        let nothing = !here && !install.packages.is_empty() || install.global;
        return nothing.then_some(Follows::Nothing);
    }
    if matches!(install.manager, Manager::Gem | Manager::Maven | Manager::Gradle | Manager::Dotnet)
    {
        return Some(Follows::Nothing);
    }
    Some(match names.iter().all(|name| has_version(install.manager, name)) {
        true => Follows::It("with their versions"),
        false => Follows::Not("installs packages without a version"),
    })
}

/// Whether the repository has a lockfile for what npm and its like install there.
fn node_lock(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>) -> bool {
    let own = || image.service.and_then(|service| service.package).map(|id| &cx.delivery[id]);
    let package = package_at(cx, image, site.stage, &site.effect.workdir).or_else(own);
    package.is_some_and(|package| package.lockfile.is_some())
}

/// Whether a lockfile that pip does not read lies beside the service.
fn python_lock(cx: &Cx<'_>, image: ImageSubject<'_>) -> bool {
    let Some(service) = image.service else { return false };
    let package = service.package.map_or(&*service.service.dir, |id| &*cx.delivery[id].dir);
    ["poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock"].iter().any(|name| {
        let path =
            if package.is_empty() { (*name).to_owned() } else { format!("{package}/{name}") };
        cx.delivery.tree.find(&path).is_some()
    })
}

/// Bundler follows its lockfile where an earlier command told it to: `bundle config set frozen 1`.
pub(crate) fn is_frozen(image: &Image, site: Site<'_>) -> bool {
    site.install.manager == Manager::Bundler
        && image.steps_with_bases(site.stage).iter().any(|step| match &step.kind {
            StepKind::Run(run) => {
                let text = String::from_utf8_lossy(run.text.text());
                text.lines().any(|line| {
                    line.split("&&").any(|command| {
                        command.contains("bundle config")
                            && ["frozen", "deployment"].iter().any(|word| command.contains(word))
                            && !command.contains("false")
                    })
                })
            }
            _ => false,
        })
}
