//! Which version of its language a package asks for, and which one its images bring.

use plimsoll_model::Why;
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::version::{Interval, intervals};
use plimsoll_source::Span;

use crate::evidence::clip;
use crate::{Cx, Evidence, ServiceSubject, Verdict, bases};

/// A language's name, and where its version is best pinned.
pub(crate) const fn names(ecosystem: Ecosystem) -> (&'static str, &'static str) {
    match ecosystem {
        Ecosystem::Node => ("Node", "`engines.node`"),
        Ecosystem::Python => ("Python", "`requires-python`"),
        Ecosystem::Go => ("Go", "a `go` directive"),
        Ecosystem::Rust => ("Rust", "rust-toolchain.toml"),
        Ecosystem::Java => ("Java", "`maven.compiler.release` or a toolchain"),
        Ecosystem::Ruby => ("Ruby", "`ruby` in the Gemfile"),
        Ecosystem::Php => ("PHP", "`require.php`"),
        Ecosystem::Dotnet => (".NET", "`TargetFramework`"),
        Ecosystem::Other => ("its language", "a version"),
    }
}

/// Whether what the package says of its language's version is bounded and holds the base's.
pub(crate) fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, package: &Package) -> Verdict {
    let (language, how) = names(package.ecosystem);
    if package.broken {
        let evidence = Evidence::context(package.place, "does not parse");
        return Verdict::unknown(Why::Unparsed, "the manifest does not parse", evidence);
    }
    let Some(first) = package.runtimes.first() else {
        let evidence = Evidence::missing_in(package.place, format!("no version of {language}"));
        let elsewhere = package.open.filter(|_| package.ecosystem != Ecosystem::Ruby);
        return match elsewhere {
            Some((why, at)) => {
                let message =
                    format!("which {language} it asks for cannot be told from what is read");
                Verdict::unknown(why, message, Evidence::context(at, "may say it"))
            }
            None => Verdict::fail(format!("the package pins no {language}: add {how}"), evidence),
        };
    };
    let bases = versions(cx, service, package.ecosystem);
    // A channel (`stable`) admits all that will come; a variable is not known.
    let channel = |written: &str| matches!(written, "stable" | "beta" | "nightly" | "*");
    for runtime in &package.runtimes {
        if runtime.held.is_none() && !channel(&runtime.written) {
            let message = format!("`{}` is no version that can be read", clip(&runtime.written));
            let evidence = Evidence::context(runtime.span, "is no version");
            return Verdict::unknown(Why::Dynamic, message, evidence);
        }
        let Some(held) = &runtime.held else { continue };
        let outside = bases.iter().find(|(version, _)| !held.iter().any(|one| meet(one, version)));
        if let Some((version, base)) = outside {
            let brings = format!("{language} {}", show(package.ecosystem, version));
            let message = format!(
                "{} says {}, the base brings {brings}: agree",
                runtime.what,
                clip(&runtime.written)
            );
            return Verdict::fail(
                message,
                Evidence::contradicts(runtime.span, format!("without {brings}")),
            )
            .and(Evidence::contradicts(*base, brings));
        }
    }
    let bounded = package.runtimes.iter().find(|runtime| {
        let closed = |held: &Vec<Interval>| held.iter().all(|(_, end)| end.is_some());
        runtime.floor || runtime.held.as_ref().is_some_and(closed)
    });
    let Some(pin) = bounded else {
        let message = format!("{} is `{}`: give it an end", first.what, clip(&first.written));
        return Verdict::partial(message, Evidence::contradicts(first.span, "has no end"));
    };
    match bases.first() {
        Some((version, _)) => {
            let brings = format!("{language} {}", show(package.ecosystem, version));
            let message = format!("{} pins {language}, and the base image agrees", pin.what);
            Verdict::pass(message, Evidence::shows(pin.span, format!("holds {brings}")))
                .and_all(bases.iter().map(|(_, base)| Evidence::context(*base, brings.clone())))
        }
        None => {
            let message = format!("which {language} the image brings cannot be told");
            let base = service.images.iter().find_map(|&id| {
                let image = &cx.delivery[id];
                Some(image.root_base(image.target?)?.base_span)
            });
            let says = format!("the version of {language} is not named by its base");
            let evidence = Evidence::context(base.unwrap_or(service.place), says);
            Verdict::unknown(Why::NeedsNetwork, message, evidence)
        }
    }
}

/// A version as people say it: `3.14`, `1.26`, `21`.
fn show(ecosystem: Ecosystem, (from, _): &Interval) -> String {
    match ecosystem {
        Ecosystem::Java | Ecosystem::Dotnet | Ecosystem::Node => from[0].to_string(),
        _ => format!("{}.{}", from[0], from[1]),
    }
}

/// Whether two runs of versions have one in common.
fn meet(a: &Interval, b: &Interval) -> bool {
    a.1.is_none_or(|end| b.0 < end) && b.1.is_none_or(|end| a.0 < end)
}

/// The versions of a language in the images that a service is built from, as far as tags say: of
/// what ships, else of what builds it.
pub(crate) fn versions(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    ecosystem: Ecosystem,
) -> Vec<(Interval, Span)> {
    let mut found = Vec::new();
    for &id in &service.images {
        let image = &cx.delivery[id];
        let ships = image.target.and_then(|target| image.root_base(target));
        let built = image.stages_built();
        let stages = ships.into_iter().chain(built.iter().filter_map(|&at| image.stages.get(at)));
        let version = stages.map(|stage| (bases::named(image, stage), stage.base_span)).find_map(
            |(named, span)| {
                let named = named?;
                Some((version(ecosystem, &named.name, named.tag.as_deref())?, span))
            },
        );
        found.extend(version);
    }
    found
}

/// The versions that an image's name stands for: `python:3.13-slim`, `maven:3.9-eclipse-temurin-21`,
/// `uv:python3.12-bookworm`, `java21-debian12`.
fn version(ecosystem: Ecosystem, name: &str, tag: Option<&str>) -> Option<Interval> {
    // Images whose tag begins with the version; words before the version in others' tags or names.
    let (own, before): (&[&str], &[&str]) = match ecosystem {
        Ecosystem::Python => (&["python"], &["python"]),
        Ecosystem::Go => (&["golang", "go"], &["golang", "go"]),
        Ecosystem::Rust => (&["rust"], &["rust"]),
        Ecosystem::Java => (
            &["eclipse-temurin", "openjdk", "amazoncorretto", "ibm-semeru-runtimes", "sapmachine"],
            &["temurin", "jdk", "jre", "java", "corretto", "openjdk"],
        ),
        Ecosystem::Ruby => (&["ruby"], &["ruby"]),
        Ecosystem::Php => (&["php"], &["php"]),
        Ecosystem::Dotnet => (&["sdk", "aspnet", "runtime", "runtime-deps"], &["dotnet"]),
        Ecosystem::Node | Ecosystem::Other => return None,
    };
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let version = text.get(..end)?.trim_end_matches('.');
        let version: Vec<&str> = version.split('.').take(3).collect();
        let version = version.join(".");
        let found = intervals(&version).filter(|_| !version.is_empty())?;
        found.first().copied().filter(|(_, end)| end.is_some())
    };
    let tag = tag.unwrap_or_default();
    if own.contains(&name) {
        return digits(tag.trim_start_matches('v'));
    }
    let parts: Vec<&str> = name.split('-').chain(tag.split('-')).collect();
    parts.iter().enumerate().find_map(|(at, part)| {
        let rest = before.iter().find_map(|word| part.strip_prefix(word))?;
        match rest {
            "" => digits(parts.get(at + 1)?),
            rest => digits(rest),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ecosystem: Ecosystem, image: &str, expected: &str) {
        let (name, tag) = image.split_once(':').unwrap_or((image, ""));
        let found = version(ecosystem, name, Some(tag));
        let text = found.map_or("-".to_owned(), |version| show(ecosystem, &version));
        assert_eq!(text, expected, "{image}");
    }

    #[test]
    fn images_say_versions() {
        check(Ecosystem::Python, "python:3.13-slim", "3.13");
        check(Ecosystem::Python, "uv:python3.12-bookworm-slim", "3.12");
        check(Ecosystem::Python, "python3-debian12", "3.0");
        check(Ecosystem::Python, "node:22", "-");
        check(Ecosystem::Go, "golang:1.26-alpine3.23", "1.26");
        check(Ecosystem::Go, "golang:alpine", "-");
        check(Ecosystem::Rust, "cargo-chef:latest-rust-1.80.1", "1.80");
        check(Ecosystem::Java, "maven:3.9-eclipse-temurin-21-alpine", "21");
        check(Ecosystem::Java, "gradle:8-jdk17", "17");
        check(Ecosystem::Java, "java21-debian12", "21");
        check(Ecosystem::Java, "eclipse-temurin:17.0.9_9-jre", "17");
        check(Ecosystem::Php, "php:8.3-fpm", "8.3");
        check(Ecosystem::Dotnet, "sdk:10.0.102-noble@sha256", "10");
    }
}
