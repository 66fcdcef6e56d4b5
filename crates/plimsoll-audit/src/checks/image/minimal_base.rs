//! # What ships stands on a minimal base image
//!
//! The final stage starts from nothing, or from a distroless, Chainguard, Alpine, slim, chiselled,
//! minimal or micro image. What builders start from does not ship, and does not count.
//!
//! A full system brings hundreds of packages that the service never calls: each is pulled at every
//! start, scanned every night, and there for whoever gets in.
//!
//! Take the small variant of the same image, and compile in a stage of its own.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! RUN npm ci
//!
//! FROM node:20 # <- `node:20` is not minimal
//! COPY --from=builder /app /app
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20 AS builder
//! RUN npm ci
//!
//! FROM node:20-bookworm-slim # <- minimal
//! COPY --from=builder /app /app
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! RUN go build -o /app .
//!
//! FROM scratch # <- starts from nothing
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! The stage that ships starts from another, and the variant is written out:
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG NODE
//! FROM node:${NODE}-alpine AS base # <- minimal
//!
//! FROM base
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! RUN apt-get update && apt-get install -y build-essential && rm -rf /var/lib/apt/lists/* # <- a tool chain
//! COPY . /app
//! CMD ["python", "/app/main.py"]
//! ```
//!
//! ## Cannot tell
//!
//! Only its registry knows what is in it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM ghcr.io/acme/base:1 # <- what is in it is not known
//! CMD ["/app"]
//! ```
//!
//! ## See also
//!
//! - `build/multi-stage`: where the compilers go.

use plimsoll_model::Why;
use plimsoll_model::base::{self, Family};
use plimsoll_model::image::{Base, EffectKind, Image, Manager, Stage};
use plimsoll_model::reference::ImageRef;

use crate::conditions::HAS_IMAGE;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, ImageSubject, Part, Run, Safety, Section,
    Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "image/minimal-base",
    section: Section::BaseImage,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.3"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE],
    source: include_str!("minimal_base.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let Some((target, stage)) =
        image.target.and_then(|target| Some((target, image.root_base(target)?)))
    else {
        return cx.unparsed(image);
    };
    // A file that does not parse may have a later stage.
    if image.broken {
        return cx.unparsed(image);
    }
    let vouched = matches!(&stage.base, Base::External(reference)
        if cx.policy.at(&image.path).vouches(reference));
    match size(stage) {
        Size::Unknown(_) if vouched => Verdict::pass(
            "what ships stands on a base image that is vouched for",
            Evidence::shows(stage.base_span, "one of `base-images` in `plimsoll.toml`"),
        ),
        Size::None => Verdict::pass(
            "what ships starts from nothing",
            Evidence::shows(stage.from, "starts from nothing"),
        ),
        Size::Minimal => {
            let says = Evidence::shows(stage.base_span, "minimal");
            match tool_chain(image.image, target) {
                Some(evidence) => {
                    Verdict::partial("a tool chain is installed on the slim base image", evidence)
                        .and(says)
                }
                None => Verdict::pass("what ships stands on a minimal base image", says),
            }
        }
        Size::Full(name) => Verdict::fail(
            format!("`{name}` is not minimal: take its -alpine or -slim variant"),
            Evidence::contradicts(stage.base_span, format!("`{name}` is not minimal")),
        ),
        Size::Unknown(why) => {
            let says = match why {
                Why::Dynamic => "depends on a variable",
                _ => "what is in it is not known",
            };
            let evidence = Evidence::context(stage.base_span, says);
            Verdict::unknown(why, "what the base image holds is not known", evidence)
        }
    }
}

enum Size {
    None,
    Minimal,
    Full(String),
    Unknown(Why),
}

fn size(stage: &Stage) -> Size {
    // Built here: what it is built on decides.
    if let Some(image) = &stage.ours {
        let root = image.target.and_then(|target| image.origin(target));
        return root.map_or(Size::Unknown(Why::Unparsed), size);
    }
    let reference = match &stage.base {
        Base::Scratch => return Size::None,
        Base::External(reference) => reference,
        // Behind the last variable, the variant is written out.
        Base::Dynamic(text) => {
            let tail = text.rsplit('}').next().unwrap_or_default();
            let written = text.contains('}') && is_small_variant(tail.trim_start_matches('-'));
            return if written { Size::Minimal } else { Size::Unknown(Why::Dynamic) };
        }
        Base::Stage(_) => return Size::Unknown(Why::Internal),
    };
    let tag = reference.tag.as_deref().unwrap_or_default();
    let named_small = is_small_variant(reference.name())
        || reference.repository.contains("distroless")
        || base::is_below(reference, "docker.io/chainguard");
    match base::family(reference) {
        _ if is_small_variant(tag) || named_small => Size::Minimal,
        Family::Alpine | Family::Busybox | Family::Distroless => Size::Minimal,
        Family::Debian | Family::Rhel => Size::Full(reference.to_string()),
        Family::Unknown if is_full(reference) => Size::Full(reference.to_string()),
        Family::Unknown => Size::Unknown(Why::NeedsNetwork),
    }
}

/// Whether a tag (or the last part of a repository) is that of a small variant.
fn is_small_variant(tag: &str) -> bool {
    tag.split(['-', '_', '.']).any(|part| {
        matches!(part, "slim" | "minimal" | "micro" | "distroless" | "chiseled" | "busybox")
            || part.starts_with("alpine")
    })
}

/// Official images that are built on full systems, beyond the model's table.
fn is_full(reference: &ImageRef) -> bool {
    const FULL: [&str; 20] = [
        "buildpack-deps",
        "clojure",
        "elixir",
        "erlang",
        "gcc",
        "haskell",
        "ibmjava",
        "jenkins",
        "jruby",
        "julia",
        "mono",
        "oraclelinux",
        "perl",
        "pypy",
        "r-base",
        "sapmachine",
        "sbt",
        "swift",
        "tomcat",
        "wordpress",
    ];
    reference.is_official() && FULL.contains(&reference.name())
}

/// The command that leaves a full build tool chain in a Debian image's stage.
fn tool_chain(image: &Image, target: usize) -> Option<Evidence> {
    let is_chain = |name: &String| {
        let name = name.split(['=', '/']).next().unwrap_or(name);
        matches!(name, "build-essential" | "gcc" | "g++" | "clang")
    };
    let effects = image.effects(target);
    effects.iter().enumerate().find_map(|(at, (step, effect))| {
        let EffectKind::Install(install) = &effect.kind else { return None };
        if install.manager != Manager::Apt || !install.packages.iter().any(is_chain) {
            return None;
        }
        // Taken away again in the same RUN, it is in no layer.
        let gone = effects.iter().skip(at).filter(|(s, _)| s.index == step.index).any(|(_, e)| {
            // What is not named, `apt-mark` says.
            let named = |names: &[String]| {
                names.is_empty() || names.iter().any(|n| is_chain(n) || n.contains('$'))
            };
            matches!(&e.kind, EffectKind::Uninstall(_, names) if named(names))
                || matches!(&e.kind, EffectKind::Other(words)
                    if words.first().is_some_and(|word| word == "apt-mark"))
        });
        (!gone).then(|| Evidence::contradicts(effect.span, "installs a tool chain"))
    })
}

/// The variants of official images by name; nothing for those that have none.
fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let (image, stage) = service.images.iter().find_map(|&id| {
        let image = &cx.delivery[id];
        let stage = image.root_base(image.target?)?;
        matches!(size(stage), Size::Full(_)).then_some((image, stage))
    })?;
    let Base::External(reference) = &stage.base else { return None };
    let variant = match reference.name() {
        "node" | "ruby" | "golang" | "nginx" | "php" | "redis" | "postgres" | "httpd"
        | "elixir" => "alpine",
        "python" | "debian" | "rust" | "perl" => "slim",
        _ => return None,
    };
    let tag = reference.tag.as_deref().unwrap_or_default();
    let version: &str = tag.split('-').next().unwrap_or_default();
    let tag = if crate::bases::starts_with_version(version) {
        format!("{version}-{variant}")
    } else {
        return None;
    };
    Some(Fix {
        does: format!("start what ships from `{}:{tag}`", reference.name()).into(),
        safety: Safety::Review,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "dockerfile",
            text: format!("FROM {}:{tag}\n", reference.name()),
        }),
        patch: None,
    })
}
