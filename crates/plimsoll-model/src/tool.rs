//! Tools: whether an image holds a program that a probe or an entrypoint calls.

use plimsoll_source::Span;

use crate::Delivery;
use crate::base::{self, Family};
use crate::fact::{Fact, Why};
use crate::filesystem::{Filesystem, Found};
use crate::image::{Base, Effect, EffectKind, Image, Install, Manager, Step, StepKind};
use crate::reference::ImageRef;

/// Where programs are looked for.
const BIN: [&str; 6] =
    ["/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin"];

impl Delivery {
    /// Whether the stage that is built holds a program: a name, or a path (relative to WORKDIR).
    #[must_use]
    pub fn has_tool(&self, image: &Image, program: &str) -> Fact<bool> {
        let Some((target, stage)) = image.target.zip(image.final_stage()) else {
            return Fact::Unknown(Why::Unparsed, None);
        };
        if program.contains(['$', '`']) {
            return Fact::Unknown(Why::Dynamic, None);
        }
        let (dir, name) = program.rsplit_once('/').unwrap_or(("", program));
        if !dir.is_empty() && !BIN.contains(&dir) {
            let workdir = stage.config.workdir.as_deref();
            let Some(workdir) = workdir.or_else(|| program.starts_with('/').then_some("/")) else {
                return Fact::Unknown(Why::Dynamic, None);
            };
            return self.has_file(image, &crate::lower::absolute(workdir, program));
        }
        let steps = image.steps_with_bases(target);
        let brought = steps.iter().rposition(|step| brings(step, name).is_some());
        let taken = steps.get(brought.unwrap_or(0)..).unwrap_or_default();
        if let Some((sure, span)) =
            taken.iter().rev().find_map(|step| takes_out(&steps, step, name))
        {
            return match sure {
                // What BusyBox holds stays.
                Some(Manager::Apk) if base::family_tools(Family::Alpine).contains(&name) => {
                    Fact::inferred(true, Some(span))
                }
                Some(_) => Fact::inferred(false, Some(span)),
                None => Fact::Unknown(Why::Dynamic, Some(span)),
            };
        }
        if let Some(span) = brought.and_then(|at| brings(steps.get(at)?, name)) {
            return Fact::inferred(true, Some(span));
        }
        let root = image.root_base(target);
        // What makes the base says what it holds.
        let ours = root.and_then(|stage| Some((stage.ours.as_deref()?, stage.base_span)));
        let of_ours = ours.map(|(base, at)| match self.has_tool(base, name) {
            Fact::Known { value, .. } => Fact::inferred(value, Some(at)),
            unknown => unknown,
        });
        let of_table = |(base, span): (&Base, Span)| match base {
            Base::Scratch => Fact::inferred(false, Some(span)),
            Base::External(reference) => match in_base(reference, name) {
                Some(has) => Fact::inferred(has, Some(span)),
                None => Fact::Unknown(Why::NeedsNetwork, Some(span)),
            },
            _ => Fact::Unknown(Why::Dynamic, Some(span)),
        };
        let of_table = || root.map(|stage| of_table((&stage.base, stage.base_span)));
        let of_base = of_ours.or_else(of_table).unwrap_or(Fact::Unknown(Why::Unparsed, None));
        if of_base.known() != Some(&false) {
            return of_base;
        }
        match steps.iter().find_map(|step| may_bring(step, name)) {
            Some(span) => Fact::Unknown(Why::NeedsBuild, Some(span)),
            None if image.broken => Fact::Unknown(Why::Unparsed, None),
            None => of_base,
        }
    }

    /// Whether something stands at an absolute path of the stage that is built.
    #[must_use]
    pub fn has_file(&self, image: &Image, path: &str) -> Fact<bool> {
        let Some(target) = image.target else { return Fact::Unknown(Why::Unparsed, None) };
        let found = Filesystem::new(self, image).find(target, path);
        match found {
            Found::Unknown(why, at) => Fact::Unknown(why, at),
            // A base of one language keeps its interpreter where it likes: `/nodejs/bin/node`.
            Found::Absent => match image.origin(target).map(|stage| &stage.base) {
                Some(Base::External(reference))
                    if reference.repository.contains("distroless") || image.broken =>
                {
                    Fact::Unknown(Why::NeedsNetwork, None)
                }
                _ => Fact::inferred(false, None),
            },
            found => Fact::inferred(true, found.via()),
        }
    }
}

/// Where a step puts the program for sure.
fn brings(step: &Step, name: &str) -> Option<Span> {
    let is_it = |path: &str| {
        path.rsplit_once('/').is_some_and(|(dir, last)| last == name && BIN.contains(&dir))
    };
    let into_bin = |dest: &str, sources: Vec<&str>| {
        is_it(dest)
            || BIN.contains(&dest.trim_end_matches('/'))
                && sources.iter().any(|source| source.rsplit('/').next() == Some(name))
    };
    match &step.kind {
        StepKind::Copy(copy) => {
            let sources = copy.sources.iter().map(|s| &*s.path).collect();
            into_bin(copy.dest.known()?, sources).then_some(step.span)
        }
        StepKind::Run(run) => {
            // Whatever ran a line in a shell has one.
            if name == "sh" && !run.exec {
                return Some(step.span);
            }
            let found = run.effects.iter().find(|effect| match &effect.kind {
                EffectKind::Install(install) => installs(install, name),
                EffectKind::Write { path, .. } => is_it(path),
                EffectKind::Chmod { paths, .. } => paths.iter().any(|path| is_it(path)),
                EffectKind::Place(sources, dest) => {
                    into_bin(dest, sources.iter().map(String::as_str).collect())
                }
                _ => false,
            });
            found.map(|effect| effect.span)
        }
        _ => None,
    }
}

/// Where a step takes out a package that holds the program, after what it installs itself: by which
/// manager; none where a variable says which packages.
fn takes_out(steps: &[&Step], step: &Step, name: &str) -> Option<(Option<Manager>, Span)> {
    let StepKind::Run(run) = &step.kind else { return None };
    let installed = |effect: &Effect| matches!(&effect.kind, EffectKind::Install(install) if installs(install, name));
    let own = run.effects.iter().rposition(installed).map_or(0, |at| at + 1);
    let groups: Vec<&str> = steps
        .iter()
        .filter_map(|step| match &step.kind {
            StepKind::Run(run) => Some(&run.effects),
            _ => None,
        })
        .flatten()
        .filter(|effect| installed(effect))
        .filter_map(|effect| match &effect.kind {
            EffectKind::Install(install) => install.group.as_deref(),
            _ => None,
        })
        .collect();
    run.effects.get(own..)?.iter().rev().find_map(|effect| {
        let EffectKind::Uninstall(manager, packages) = &effect.kind else { return None };
        let named =
            |package: &String| provides(bare(package), name) || groups.contains(&package.as_str());
        if packages.iter().any(named) {
            return Some((Some(*manager), effect.span));
        }
        packages.iter().any(|package| package.contains('$')).then_some((None, effect.span))
    })
}

/// Where a step may put it there, as far as can be seen.
fn may_bring(step: &Step, name: &str) -> Option<Span> {
    match &step.kind {
        StepKind::Copy(copy) => match copy.dest.known() {
            None => Some(step.span),
            // A directory of programs, or a whole file system.
            Some(dest) => {
                let dest = dest.trim_end_matches('/');
                let whole = dest.is_empty()
                    || BIN.contains(&dest)
                    || matches!(dest, "/usr" | "/usr/local" | "/opt");
                whole.then_some(step.span)
            }
        },
        StepKind::Run(run) => {
            let text = String::from_utf8_lossy(run.text.text());
            let word = |c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_');
            let runs_more = run.effects.iter().any(|effect| match &effect.kind {
                EffectKind::Install(Install { packages, .. }) => {
                    packages.iter().any(|package| package.contains('$'))
                }
                EffectKind::Fetch(_) => true,
                EffectKind::Other(words) => words.first().is_some_and(|first| {
                    first.contains('/') || first.contains('$') || matches!(&**first, "sh" | "bash")
                }),
                _ => false,
            });
            (runs_more || text.split(word).any(|part| part == name)).then_some(step.span)
        }
        _ => None,
    }
}

/// Whether installed packages bring a program.
fn installs(install: &Install, name: &str) -> bool {
    match install.manager {
        Manager::Apk | Manager::Apt | Manager::Dnf | Manager::Zypper | Manager::Pacman => {
            install.packages.iter().any(|package| provides(bare(package), name))
        }
        Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun if !install.global => false,
        _ => install.packages.iter().any(|package| bare(package) == name),
    }
}

/// A package's name without its version.
fn bare(package: &str) -> &str {
    package.split(['=', '<', '>', '~', ':', '@']).next().unwrap_or(package)
}

/// Whether a distribution's package holds a program.
fn provides(package: &str, name: &str) -> bool {
    let starts = |start: &str| package.starts_with(start);
    package == name
        || match name {
            "curl" => package == "curl-minimal",
            "nc" | "netcat" | "ncat" => {
                starts("netcat") || matches!(package, "ncat" | "nmap-ncat" | "busybox-extras")
            }
            "pg_isready" | "psql" => starts("postgresql"),
            "redis-cli" => starts("redis"),
            "mysql" | "mysqladmin" => package.contains("mysql-client") || starts("mariadb"),
            "ps" | "pgrep" | "pkill" => starts("procps"),
            "python" | "python3" => package == "python3",
            "node" => starts("nodejs"),
            "http" => package == "httpie",
            "grpc_health_probe" => package == "grpc-health-probe",
            "wget" => package == "busybox",
            _ => false,
        }
}

/// Whether a base image holds a program, as far as its published contents are known.
fn in_base(reference: &ImageRef, name: &str) -> Option<bool> {
    let row = base::known(reference)?;
    let family = base::family(reference);
    let tag = reference.tag.as_deref().unwrap_or("");
    if row.tools.contains(&name) || base::family_tools(family).contains(&name) {
        return Some(true);
    }
    if reference.repository.contains("distroless") {
        // Those of one language hold its interpreter; `debug` ones hold BusyBox.
        let language =
            ["nodejs", "python", "java"].iter().any(|l| reference.repository.contains(l));
        let shell = matches!(
            name,
            "sh" | "bash" | "ash" | "curl" | "wget" | "nc" | "cat" | "test" | "grep" | "ps"
        );
        return (!tag.contains("debug") && (shell || !language)).then_some(false);
    }
    let official = reference.repository.strip_prefix("library/")?;
    // What the images of these repositories do not hold beyond what the table says.
    let bare = matches!(official, "alpine" | "debian" | "ubuntu" | "busybox");
    let language = matches!(official, "node" | "python" | "ruby" | "golang" | "rust");
    let full = language && family == Family::Debian && !tag.contains("slim");
    if full && matches!(name, "curl" | "wget" | "ps" | "pgrep") {
        // Built on buildpack-deps.
        return Some(true);
    }
    let missing = match family {
        Family::Alpine | Family::Busybox => matches!(name, "curl" | "bash" | "ncat" | "http"),
        Family::Debian => {
            matches!(name, "curl" | "wget" | "nc" | "netcat" | "ncat" | "http" | "ps" | "pgrep")
        }
        _ => false,
    } || matches!(
        name,
        "grpc_health_probe"
            | "pg_isready"
            | "redis-cli"
            | "mysqladmin"
            | "python3"
            | "python"
            | "node"
    );
    // None of them has an init: their manuals say to add one, or to run with `--init`.
    let init = matches!(name, "tini" | "dumb-init" | "catatonit" | "tini-static");
    let known = bare || language && !full;
    // The hosts of languages bring Python to build with.
    (known && missing || (bare || language) && init).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, tool: &str, expected: Option<bool>) {
        let reference = ImageRef::parse(image).expect("a reference");
        assert_eq!(in_base(&reference, tool), expected, "{tool} in {image}");
    }

    #[test]
    fn programs_of_bases() {
        check("node:20-alpine", "wget", Some(true));
        check("node:20-alpine", "curl", Some(false));
        check("node:20-alpine", "node", Some(true));
        check("node:20", "curl", Some(true));
        check("node:20-slim", "curl", Some(false));
        check("node:20", "nc", None);
        check("nginx:1.29-alpine", "curl", Some(true));
        check("php:8-fpm-alpine", "curl", None);
        check("gcr.io/distroless/static-debian12", "sh", Some(false));
        check("gcr.io/distroless/nodejs20-debian12", "node", None);
        check("gcr.io/distroless/base:debug", "sh", None);
        check("acme/base:1", "curl", None);
        check("debian:bookworm-slim", "bash", Some(true));
    }

    #[test]
    fn packages_with_programs() {
        for (package, tool) in
            [("netcat-openbsd", "nc"), ("postgresql16-client", "pg_isready"), ("procps", "ps")]
        {
            assert!(provides(package, tool));
        }
        assert!(!provides("curl-dev", "curl"));
    }
}
