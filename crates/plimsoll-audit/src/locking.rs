//! Installations made to follow the lockfile that lies beside them.

use plimsoll_model::Fact;
use plimsoll_model::image::{CopyFrom, Ignore, Install, Manager, StepKind};
use plimsoll_model::mend::{after, replace, shell};
use plimsoll_source::Edit;

use crate::context::in_context;
use crate::ignored::excluded;
use crate::installs::{has_version, installs, package_at};
use crate::manifests::Site;
use crate::{Cx, ImageSubject, mending};

/// What lets the installations of an image follow their lockfiles: where there is one that agrees
/// with its manifest, and a COPY brings it in time.
pub(crate) fn follow(cx: &Cx<'_>, image: ImageSubject<'_>) -> Vec<Edit> {
    let all = installs(image.image);
    all.flat_map(|site| {
        one(cx, image, site).map(|edit| vec![edit]).or_else(|| tools(cx, image, site))
    })
    .flatten()
    .collect()
}

/// Gives tools that npm installs by name the versions that the service's own lockfile has of them.
fn tools(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>) -> Option<Vec<Edit>> {
    let install = site.install;
    if !install.global || install.manager != Manager::Npm {
        return None;
    }
    let package = &cx.delivery[image.service?.package?];
    let pinned = &package.lockfile.as_ref()?.installed;
    let words = mending::words(site.run(), site.effect)?;
    let bare = install.packages.iter().filter(|name| !has_version(install.manager, name));
    // All of them: a command is mended or not.
    bare.map(|name| {
        let (version, _) = pinned.get(name)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let exact = version.starts_with(|c: char| c.is_ascii_digit()) && version.bytes().all(plain);
        let (_, at) = words.iter().find(|(word, _)| word == name).filter(|_| exact)?;
        Some(after(*at, format!("@{version}")))
    })
    .collect()
}

/// What a human asks where an installation follows nothing: the command that would, or for tools the
/// versions that there are.
pub(crate) fn by_hand(install: &Install, follows: &str) -> String {
    match install.global {
        true => install.packages.iter().map(|name| format!("npm view {name} version\n")).collect(),
        false => format!("RUN {follows}\n"),
    }
}

fn one(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>) -> Option<Edit> {
    let install = site.install;
    if install.locked || install.global || !install.packages.is_empty() {
        return None;
    }
    let package = package_at(cx, image, site.stage, &site.effect.workdir)?;
    let lock = package.lockfile.as_ref()?;
    let agrees = matches!(lock.in_sync, Fact::Known { value: true, .. });
    let name = cx.path(lock.file).rsplit('/').next()?;
    let path = in_context(image.image, cx.path(lock.file))?;
    let kept = match &image.ignore {
        Ignore::Effective { patterns, .. } => excluded(patterns, path).is_none(),
        Ignore::None { .. } => true,
        Ignore::Unknown => false,
    };
    if !agrees || !kept || !is_brought(image, site, path) {
        return None;
    }
    let words = mending::words(site.run(), site.effect)?;
    match (install.manager, name) {
        (Manager::Npm, "package-lock.json" | "npm-shrinkwrap.json") => {
            let is_install = |(word, _): &&(String, _)| matches!(&**word, "install" | "i");
            let (_, at) = words.iter().skip(1).find(is_install)?;
            Some(replace(*at, "ci"))
        }
        (Manager::Yarn, "yarn.lock") => {
            // Yarn's second generation and later know the other name.
            let new = package.manager.as_deref().and_then(|m| m.strip_prefix("yarn@"));
            let new = new.is_some_and(|version| !version.starts_with("1."));
            let flag = if new { "--immutable" } else { "--frozen-lockfile" };
            shell::add_word(&words, &["install"], flag)
        }
        (Manager::Pnpm, "pnpm-lock.yaml") => {
            shell::add_word(&words, &["install", "i"], "--frozen-lockfile")
        }
        _ => None,
    }
}

/// Whether a COPY of the build context brings the lockfile before the command runs: by its name, or with
/// a directory that holds it.
fn is_brought(image: ImageSubject<'_>, site: Site<'_>, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let steps = image.steps_with_bases(site.stage).into_iter();
    let before = steps.take_while(|step| step.span.range.end <= site.effect.span.range.start);
    before.into_iter().any(|step| match &step.kind {
        StepKind::Copy(copy) if copy.from == CopyFrom::Context => {
            copy.sources.iter().any(|source| {
                let from = source.path.trim_start_matches("./").trim_matches('/');
                let last = from.rsplit('/').next().unwrap_or(from);
                let below = path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/'));
                matches!(last, "" | "." | "package*.json" | "package*" | "*.json")
                    || last == name
                    || below
            })
        }
        _ => false,
    })
}
