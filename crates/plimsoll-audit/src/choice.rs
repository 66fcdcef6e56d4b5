//! How an installation chooses what it installs: a lockfile, exact versions, or the day.

use plimsoll_model::Fact;
use plimsoll_model::filesystem::Found;
use plimsoll_model::image::{Install, Manager};
use plimsoll_model::package::{Dependency, Ecosystem, Lockfile, Package};

use crate::installs::{Requirements, has_version, is_node, package_at, requirements};
use crate::locked::is_frozen;
use crate::manifests::{Lock, Site, ancestors, find, lock};
use crate::{Cx, Evidence, ImageSubject, Why};

/// How an installation chooses what it installs.
pub(crate) enum Choice {
    /// It does not: a lockfile or exact versions decide.
    None(&'static str),
    /// It may.
    Free(&'static str),
    /// It always does: what decides, and what is to be seen there.
    Broken(Evidence),
    /// It always does: it does not see what would decide.
    Blind(&'static str),
    /// It cannot be told.
    Unknown(Why),
}

/// How one installation chooses; not asked for a system's packages.
pub(crate) fn choice(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>) -> Choice {
    let Site { stage, effect, install, .. } = site;
    let (span, dir) = (effect.span, &*effect.workdir);
    let locked = install.locked || is_frozen(image.image, site);
    let named = install.packages.iter().filter(|name| !matches!(&***name, "." | "./"));
    let names: Vec<&String> = named.collect();
    if install.global || !names.is_empty() {
        let pinned = names.iter().all(|name| has_version(install.manager, name));
        return match install.manager {
            Manager::Gem | Manager::Maven | Manager::Gradle | Manager::Dotnet => {
                Choice::Unknown(Why::Unsupported)
            }
            _ if names.is_empty() => Choice::Free("may change what is installed"),
            _ if pinned => Choice::None("with their versions"),
            _ => Choice::Free("installs packages without a version"),
        };
    }
    match install.manager {
        manager if is_node(manager) => {
            let Some(package) = package_at(cx, image, stage, dir) else {
                return by_lock(install);
            };
            let Some(lockfile) = &package.lockfile else {
                let name = if package.dir.is_empty() {
                    "package-lock.json".to_owned()
                } else {
                    format!("{}/package-lock.json", package.dir)
                };
                return Choice::Broken(Evidence::missing_file(name, "there is no lockfile"));
            };
            match &lockfile.in_sync {
                Fact::Known { value: false, at, .. } => {
                    let at = at.span.unwrap_or(lockfile.place);
                    Choice::Broken(Evidence::contradicts(at, "the lockfile does not agree"))
                }
                Fact::Unknown(why, _) if install.locked => Choice::Unknown(*why),
                _ if install.locked && is_left(cx, image, site, lockfile) => {
                    Choice::Blind("no COPY brings its lockfile in time")
                }
                _ => by_lock(install),
            }
        }
        Manager::Pip | Manager::Uv if !install.locked => {
            match requirements(cx, image, stage, span, dir) {
                Requirements::Pinned => Choice::None("every requirement is pinned"),
                Requirements::Loose => Choice::Free("has requirements that are not pinned"),
                Requirements::None => Choice::Free("may change what is installed"),
                Requirements::Unknown => Choice::Unknown(Why::Dynamic),
            }
        }
        Manager::Maven | Manager::Gradle | Manager::Dotnet => by_manifest(cx, image, site),
        Manager::Gem => Choice::Unknown(Why::Unsupported),
        _ if locked => match lock(cx, image, site) {
            None | Some(Lock::There) => Choice::None("follows its lockfile"),
            Some(Lock::Needless) => Choice::None("has nothing to choose"),
            Some(Lock::Missing(path)) => {
                Choice::Broken(Evidence::missing_file(path, "there is no lockfile"))
            }
            Some(Lock::Ignored(path)) => {
                Choice::Broken(Evidence::missing_file(path, "the lockfile is ignored by git"))
            }
            Some(Lock::Left) => Choice::Blind("no COPY brings its lockfile in time"),
            Some(Lock::Unknown(why)) => Choice::Unknown(why),
        },
        _ => by_lock(install),
    }
}

/// Maven, Gradle and NuGet take what the manifest says, to the version: it must say versions that
/// nobody can change (no ranges, no snapshots), unless a lockfile is enforced.
fn by_manifest(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>) -> Choice {
    let package = image.service.and_then(|service| service.package).map(|id| &cx.delivery[id]);
    let manager = site.install.manager;
    let is_it = |package: &&Package| match package.ecosystem {
        Ecosystem::Java => matches!(manager, Manager::Maven | Manager::Gradle),
        Ecosystem::Dotnet => manager == Manager::Dotnet,
        _ => false,
    };
    let Some(package) = package.filter(is_it).filter(|package| !package.broken) else {
        return Choice::Unknown(Why::Unsupported);
    };
    if package.lockfile.is_some() && (manager == Manager::Gradle || site.install.locked) {
        return Choice::None("follows its lockfile");
    }
    let moves = |version: &str| {
        version.contains(['[', '(', '+', '*', ','])
            || ["LATEST", "RELEASE"].contains(&version)
            || version.ends_with("-SNAPSHOT")
            || version.starts_with("latest.")
    };
    let own = |dependency: &&Dependency| dependency.local.is_none();
    let all = || package.dependencies.iter().filter(own);
    if let Some(one) = all().find(|d| moves(&d.requirement)) {
        let says = format!("`{}` is not one version", crate::evidence::clip(&one.name));
        return Choice::Broken(Evidence::contradicts(one.span, says));
    }
    // What a variable or a catalogue says.
    if all().any(|d| d.requirement.contains('$')) {
        return Choice::Unknown(Why::Unsupported);
    }
    match manager {
        // Without a version of its own, a parent or a platform says it, which has one itself.
        Manager::Maven => Choice::None("every version is exact"),
        Manager::Gradle if !package.dependencies.is_empty() => {
            Choice::None("every version is exact")
        }
        Manager::Dotnet if all().all(|d| !d.requirement.is_empty()) && package.open.is_none() => {
            Choice::None("every version is exact")
        }
        _ => Choice::Unknown(Why::Unsupported),
    }
}

/// Whether the manifest is there when the command runs, and the lockfile is not, there or above.
fn is_left(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>, lockfile: &Lockfile) -> bool {
    let name = cx.path(lockfile.file);
    let name = name.rsplit('/').next().unwrap_or(name);
    let dir = &*site.effect.workdir;
    let manifest = find(cx, image, site, &format!("{}/package.json", dir.trim_end_matches('/')));
    manifest.exists()
        && ancestors(dir).all(|above| {
            let at = format!("{}/{name}", above.trim_end_matches('/'));
            matches!(find(cx, image, site, &at), Found::Absent)
        })
}

fn by_lock(install: &Install) -> Choice {
    match install.locked {
        true => Choice::None("follows its lockfile"),
        false => Choice::Free("may change what is installed"),
    }
}
