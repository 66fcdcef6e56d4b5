//! Checks of manifests, their scripts and their dependencies; what those of scripts share.

use plimsoll_model::Why;
use plimsoll_model::image::EffectKind;
use plimsoll_model::mend::json;
use plimsoll_model::package::script::{
    self, FileRole, FileState, NamedFile, Provided, ScriptCommand,
};
use plimsoll_model::package::{Package, PackageScript};

use crate::evidence::clip;
use crate::migrations_in::unversioned;
use crate::{Check, Cx, Evidence, Fix, Safety, ServiceSubject, Verdict, mending};

mod build_script;
mod clean_script;
mod coverage_script;
mod engine_pinned;
mod imports_declared;
mod lint_script;
mod local_dependencies_resolve;
mod lockfile_in_sync;
mod migrate_script;
mod none_deprecated;
mod script_targets_exist;
mod start_script;
mod test_script;
mod typecheck_script;

pub(super) static CHECKS: &[&Check] = &[
    &build_script::CHECK,
    &clean_script::CHECK,
    &coverage_script::CHECK,
    &engine_pinned::CHECK,
    &imports_declared::CHECK,
    &lint_script::CHECK,
    &local_dependencies_resolve::CHECK,
    &lockfile_in_sync::CHECK,
    &migrate_script::CHECK,
    &none_deprecated::CHECK,
    &script_targets_exist::CHECK,
    &start_script::CHECK,
    &test_script::CHECK,
    &typecheck_script::CHECK,
];

/// A script that a package should have.
struct Wanted {
    /// Names that count, best first; the first is asked for.
    names: &'static [&'static str],
    /// Another one counts by what it runs: the words of its command.
    by_command: fn(&[&str]) -> bool,
}

/// Names decide alone.
const BY_NAME: fn(&[&str]) -> bool = |_| false;

impl Wanted {
    /// The package's script that counts.
    fn find<'p>(&self, package: &'p Package) -> Option<&'p PackageScript> {
        let named = self.names.iter().find_map(|name| package.script(name));
        named.or_else(|| {
            package.scripts.iter().find(|script| {
                let words: Vec<&str> = script.command.split_whitespace().collect();
                (self.by_command)(&words)
            })
        })
    }

    /// Whether the script is there, its programs are declared and its files exist or are emitted.
    fn judge(&self, cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
        let Some(package) = package(cx, service) else { return no_package(service) };
        let name = self.names.first().copied().unwrap_or_default();
        if package.broken {
            let evidence = Evidence::context(package.place, "does not parse");
            return Verdict::unknown(Why::Unparsed, "package.json does not parse", evidence);
        }
        let Some(found) = self.find(package) else {
            let place = package.scripts_span.unwrap_or(package.place);
            let evidence = Evidence::missing_in(place, format!("no script `{name}`"));
            return Verdict::fail(
                format!("package.json has no `{name}` script: add one"),
                evidence,
            );
        };
        let commands = script::commands(&cx.delivery.tree, &cx.delivery.packages, package, found);
        if commands.iter().all(is_idle) && name != "build" {
            let message = format!("the script `{}` does nothing: let it run a tool", found.name);
            return Verdict::fail(message, Evidence::missing_in(found.span, "runs no tool"));
        }
        let mut troubles: Vec<Verdict> = Vec::new();
        let mut shown = vec![Evidence::shows(found.span, format!("the script `{}`", found.name))];
        for command in &commands {
            let what = self::command(cx, service, package, found, command);
            troubles.extend(what.0);
            shown.extend(what.1);
        }
        // The worst decides: stable, so the first of the worst.
        troubles.sort_by_key(|verdict| std::cmp::Reverse(verdict.outcome().rank()));
        let mut troubles = troubles.into_iter();
        match troubles.next() {
            Some(worst) => worst.and_all(troubles.flat_map(|verdict| verdict.evidence)),
            None => {
                let message =
                    format!("`{}` runs what is declared, on files that exist", found.name);
                let mut shown = shown.into_iter();
                let first = shown.next().unwrap_or_else(|| Evidence::shows(found.span, "runs"));
                Verdict::pass(message, first).and_all(shown)
            }
        }
    }

    /// What to write for it: the script with this command; added where there is none and all that
    /// it runs is declared and there.
    fn fix(&self, cx: &Cx<'_>, service: ServiceSubject<'_>, command: &str) -> Option<Fix> {
        let package = package(cx, service)?;
        let found = self.find(package);
        let name = found.map_or(*self.names.first()?, |script| &*script.name);
        let edit = (found.is_none() && self.is_certain(cx, service, package, command)).then(|| {
            let manifest = json::open(&cx.delivery.tree, package.manifest)?;
            manifest.set(&["scripts", name], command)
        });
        Some(Fix::of_edits(
            format!("let `npm run {name}` run what is installed, on files that exist"),
            Safety::Review,
            mending::snippet(
                cx.path(package.manifest),
                "json",
                format!("\"scripts\": {{\n  {name:?}: {command:?}\n}}\n"),
            ),
            edit.flatten().into_iter().collect(),
        ))
    }

    /// The script that is there with another command, where that would pass.
    fn rewritten(
        &self,
        cx: &Cx<'_>,
        service: ServiceSubject<'_>,
        other: impl Fn(&str) -> Option<String>,
    ) -> Option<Fix> {
        let package = package(cx, service)?;
        let script = self.find(package)?;
        let command = other(script.command.trim())?;
        self.is_certain(cx, service, package, &command).then_some(())?;
        let manifest = json::open(&cx.delivery.tree, package.manifest)?;
        let edit = manifest.set(&["scripts", &script.name], &command)?;
        let does = format!("let `npm run {}` run `{}`", script.name, clip(&command));
        Some(Fix::of_edits(does, Safety::Review, None, vec![edit]))
    }

    /// Whether a script with this command would pass.
    fn is_certain(
        &self,
        cx: &Cx<'_>,
        service: ServiceSubject<'_>,
        package: &Package,
        text: &str,
    ) -> bool {
        let name = self.names.first().copied().unwrap_or_default().to_owned();
        let span = package.scripts_span.unwrap_or(package.place);
        let script = PackageScript { name, command: text.to_owned(), span };
        let commands = script::commands(&cx.delivery.tree, &cx.delivery.packages, package, &script);
        !package.broken
            && !commands.is_empty()
            && commands.iter().all(|one| command(cx, service, package, &script, one).0.is_empty())
    }
}

/// The service's package, where it is one of Node's.
fn package<'a>(cx: &Cx<'a>, service: ServiceSubject<'_>) -> Option<&'a Package> {
    service.package.map(|id| &cx.delivery[id]).filter(|package| package.is_node())
}

/// The service's package, where it is one of another language's.
fn other<'a>(cx: &Cx<'a>, service: ServiceSubject<'_>) -> Option<&'a Package> {
    service.package.map(|id| &cx.delivery[id]).filter(|package| !package.is_node())
}

/// For want of a package: the conditions ask before, so this is never seen.
fn no_package(service: ServiceSubject<'_>) -> Verdict {
    let evidence = Evidence::context(service.place, "no package.json");
    Verdict::unknown(Why::Unsupported, "the service has no package.json", evidence)
}

/// Whether a command does nothing that its script could be for: `echo "no tests" && exit 1`.
fn is_idle(command: &ScriptCommand) -> bool {
    matches!(&*command.binary, "echo" | "exit" | "true" | "false" | ":" | "printf" | "sleep")
        && command.provided == Provided::Builtin
}

/// What is wrong with a command, and what shows that it is right.
fn command(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    package: &Package,
    script: &PackageScript,
    command: &ScriptCommand,
) -> (Vec<Verdict>, Vec<Evidence>) {
    let (mut troubles, mut shown) = (Vec::new(), Vec::new());
    let programs = std::iter::once((&command.binary, &command.provided));
    for (name, provided) in programs.chain(command.modules.iter().map(|(name, by)| (name, by))) {
        match provider(cx, service, package, script, command, name, provided) {
            Ok(evidence) => shown.extend(evidence),
            Err(trouble) => troubles.push(trouble),
        }
    }
    for file in &command.files {
        match named(cx, script, command, file) {
            Ok(evidence) => shown.extend(evidence),
            Err(trouble) => troubles.push(trouble),
        }
    }
    (troubles, shown)
}

/// Whether a program or module is declared.
fn provider(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    package: &Package,
    script: &PackageScript,
    command: &ScriptCommand,
    name: &str,
    provided: &Provided,
) -> Result<Option<Evidence>, Verdict> {
    let (runs, name) = (clip(&script.name), clip(name));
    let at = command.span;
    match provided {
        Provided::Builtin | Provided::File => Ok(None),
        Provided::Declared { package, span, .. } => {
            Ok(Some(Evidence::shows(*span, format!("`{}` brings `{name}`", clip(package)))))
        }
        Provided::Transitive { package, span } => {
            let says = format!("`{}` is there only because others need it", clip(package));
            Err(Verdict::partial(
                format!("`{runs}` runs `{name}`, which is not declared: add it to devDependencies"),
                Evidence::contradicts(at, format!("`{name}` is not declared")),
            )
            .and(Evidence::context(*span, says)))
        }
        Provided::Downloaded(what) => Err(Verdict::partial(
            format!("`{runs}` downloads `{}` each time: declare it", clip(what)),
            Evidence::contradicts(at, "is not declared: downloaded when it runs"),
        )),
        Provided::NotInstallable(place) => {
            if let Some((by, span)) = installed_by_image(cx, service, &command.binary) {
                return Err(Verdict::partial(
                    format!("`{runs}` runs `{name}`, which only the image installs: declare it"),
                    Evidence::contradicts(at, format!("`{name}` is not declared")),
                )
                .and(Evidence::context(span, format!("installs `{}`", clip(&by)))));
            }
            let lock = package.lockfile.as_ref().is_some_and(|lock| lock.place == *place);
            let says = if lock { "no package in it brings it" } else { "declares nothing" };
            Err(Verdict::fail(
                format!("`{runs}` runs `{name}`, which nothing installs: declare it"),
                Evidence::missing_in(at, format!("`{name}` is not installed")),
            )
            .and(Evidence::context(*place, says)))
        }
        Provided::NoScript(wanted, place) => Err(Verdict::fail(
            format!("`{runs}` runs the script `{}`, which is not there: add it", clip(wanted)),
            Evidence::missing_in(at, format!("no script `{}`", clip(wanted))),
        )
        .and(Evidence::context(*place, "it would stand here"))),
        Provided::System => Err(Verdict::unknown(
            Why::NeedsRun,
            format!("`{runs}` runs `{name}`, which the machine must bring"),
            Evidence::context(at, format!("`{name}` is a program of the machine")),
        )),
        Provided::Unknown(why) => Err(Verdict::unknown(
            *why,
            format!("who brings `{name}` to `{runs}` cannot be told: pin it in a lockfile"),
            Evidence::context(at, why.decide()),
        )),
    }
}

/// Whether a file that a command names is there.
fn named(
    cx: &Cx<'_>,
    script: &PackageScript,
    command: &ScriptCommand,
    file: &NamedFile,
) -> Result<Option<Evidence>, Verdict> {
    let (runs, name) = (clip(&script.name), clip(&file.written));
    match &file.state {
        FileState::Exists(id) => Ok(Some(Evidence::shows(cx.start_of(*id), "exists"))),
        FileState::Emitted(id) => {
            Ok(Some(Evidence::shows(cx.start_of(*id), format!("the build makes `{name}` of it"))))
        }
        FileState::Directory => Ok(None),
        FileState::Missing(looked) => {
            let message = match file.role {
                FileRole::Config => {
                    format!("`{runs}` needs `{name}`, which is not there: write it")
                }
                FileRole::Program | FileRole::Input => {
                    format!("`{runs}` names `{name}`, which nothing makes: name a file that exists")
                }
            };
            let more = looked.len().saturating_sub(1);
            let says = match more {
                0 => "is not there".to_owned(),
                _ => format!("is not there, nor {more} other names for it"),
            };
            let path = looked.first().unwrap_or(&file.written).clone();
            Err(Verdict::fail(message, Evidence::missing_in(command.span, "needs it"))
                .and(Evidence::missing_file(path, says)))
        }
        FileState::Unknown(why) => Err(Verdict::unknown(
            *why,
            format!("whether `{name}` exists when `{runs}` runs cannot be told"),
            Evidence::context(command.span, format!("names `{name}`")),
        )),
    }
}

/// The global install of a Dockerfile that brings a binary: the package and the command.
fn installed_by_image(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    binary: &str,
) -> Option<(String, plimsoll_source::Span)> {
    service.images.iter().map(|&id| &cx.delivery[id]).find_map(|image| {
        image.stages_built().into_iter().flat_map(|stage| image.effects(stage)).find_map(
            |(_, effect)| match &effect.kind {
                EffectKind::Install(install) if install.global => {
                    let mut names = install.packages.iter().map(|package| unversioned(package));
                    let found = names.find(|package| script::brings(package, binary))?;
                    Some((found.to_owned(), effect.span))
                }
                _ => None,
            },
        )
    })
}

/// Whether a runner of tests is declared.
fn has_runner(package: &Package) -> bool {
    package.any_dependency(&["jest", "vitest", "mocha", "ava", "tap"]).is_some()
}

/// How to run a test runner that the package declares: its name and with coverage.
fn runner(package: &Package) -> (&'static str, &'static str) {
    let known = [
        ("jest", "jest", "jest --coverage"),
        ("vitest", "vitest run", "vitest run --coverage"),
        ("mocha", "mocha", "c8 mocha"),
        ("ava", "ava", "c8 ava"),
        ("tap", "tap", "tap"),
    ];
    let declared = known.iter().find(|(name, ..)| package.dependency(name).is_some());
    declared
        .map_or(("node --test", "node --test --experimental-test-coverage"), |row| (row.1, row.2))
}
