//! # Installations follow a lockfile
//!
//! Every installation of a language's packages in the Dockerfile follows a lockfile that is
//! committed and agrees with its manifest: `npm ci`, `yarn install --immutable`, `pnpm install
//! --frozen-lockfile`, `uv sync --frozen`, `poetry install`, `cargo --locked`, Go with `go.sum`, pip
//! with hashes or every requirement `==`. Tools that are installed by name carry their version.
//!
//! An installation that may choose brings another package than the one that was tested, on the day
//! that somebody has published a bad one.
//!
//! Write `npm ci` for `npm install` in every stage, and `name@version` for tools.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm install # <- may change what is installed
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0" }
//! ```
//! `package-lock.json`:
//! ```json
//! { "name": "a", "version": "1.0.0", "lockfileVersion": 3, "packages": { "": { "name": "a", "version": "1.0.0" } } }
//! ```
//!
//! A tool without its version, in what ships:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN npm install -g pm2 # <- without a version
//! CMD ["pm2-runtime", "main.js"]
//! ```
//!
//! Requirements that say what is wanted, not what is had:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY requirements.txt ./
//! RUN pip install --no-cache-dir -r requirements.txt # <- requirements that are not pinned
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! flask>=3
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci # <- follows its lockfile
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY requirements.txt ./
//! RUN pip install -r requirements.txt # <- every requirement is pinned
//! RUN pip install gunicorn==23.0.0 # <- with their versions
//! CMD ["gunicorn", "main:app"]
//! ```
//! `requirements.txt`:
//! ```text
//! # made by pip-compile
//! flask==3.1.2 ; python_version >= "3.9"
//! jinja2==3.1.6
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! WORKDIR /src
//! COPY go.mod go.sum ./
//! RUN go mod download # <- follows its lockfile
//! RUN go install example.test/tool@latest # <- without a version
//!
//! FROM scratch
//! COPY --from=builder /go/bin/tool /tool
//! CMD ["/tool"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! ARG WHICH
//! RUN pip install -r $WHICH
//! CMD ["python", "main.py"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! RUN apk add --no-cache tini
//! CMD ["tini", "/app"]
//! ```

use plimsoll_model::Fact;
use plimsoll_model::image::{Install, Manager};
use plimsoll_source::Span;

use crate::conditions::INSTALLS_DEPENDENCIES;
use crate::installs::{Requirements, has_version, installs, is_node, package_at, requirements};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, ServiceSubject, Severity, Snippet, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "build/reproducible-install",
    section: Section::Packages,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "droast", rule: "DF031", relation: Relation::Narrower }],
    }],
    when: &[&INSTALLS_DEPENDENCIES],
    source: include_str!("reproducible_install.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

/// How an installation chooses what it installs.
enum Choice {
    /// It does not: a lockfile or exact versions decide.
    None(&'static str),
    /// It may.
    Free(&'static str),
    /// It always does: what decides, and what is to be seen there.
    Broken(Evidence),
    Unknown(Why),
}

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    if image.broken {
        return cx.unparsed(image);
    }
    let (mut good, mut free, mut bad, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (stage, span, dir, install) in installs(image.image) {
        if install.manager.is_system() {
            continue;
        }
        match choice(cx, image, stage, span, dir, install) {
            Choice::None(says) => good.push(Evidence::shows(span, says)),
            Choice::Free(says) if install.global && image.ships(stage) => {
                bad.push(Evidence::contradicts(span, says));
            }
            Choice::Free(says) => free.push(Evidence::contradicts(span, says)),
            Choice::Broken(evidence) => {
                bad.extend([evidence, Evidence::context(span, "installs by it")])
            }
            Choice::Unknown(why) => open.push((why, Evidence::context(span, why.decide()))),
        }
    }
    let fails = !bad.is_empty() || good.is_empty() && open.is_empty() && !free.is_empty();
    let why = open.first().map(|(why, _)| *why);
    let partial = !free.is_empty();
    let mut evidence =
        bad.into_iter().chain(free).chain(open.into_iter().map(|(_, e)| e)).chain(good);
    let Some(first) = evidence.next() else { return cx.unparsed(image) };
    match why {
        _ if fails => {
            let message =
                format!("{}: install by a lockfile (`npm ci`), tools with a version", first.says);
            Verdict::fail(message, first)
        }
        Some(why) => Verdict::unknown(why, "how packages are chosen is not known", first),
        None if partial => {
            let message =
                "some installations may choose what they install: `npm ci` in every stage";
            Verdict::partial(message, first)
        }
        None => Verdict::pass("every installation follows a lockfile or exact versions", first),
    }
    .and_all(evidence)
}

fn choice(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    stage: usize,
    span: Span,
    dir: &str,
    install: &Install,
) -> Choice {
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
        Manager::Maven | Manager::Gradle | Manager::Dotnet | Manager::Gem => {
            Choice::Unknown(Why::Unsupported)
        }
        _ => by_lock(install),
    }
}

fn by_lock(install: &Install) -> Choice {
    match install.locked {
        true => Choice::None("follows its lockfile"),
        false => Choice::Free("may change what is installed"),
    }
}

fn fix(cx: &Cx<'_>, service: ServiceSubject<'_>, _: &Finding) -> Option<Fix> {
    let image =
        service.images.iter().map(|&id| &cx.delivery[id]).find(|image| {
            installs(image).any(|(_, _, _, i)| i.manager == Manager::Npm && !i.locked)
        })?;
    Some(Fix {
        does: "follow the lockfile in every stage".into(),
        safety: Safety::Review,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "dockerfile",
            text: "RUN npm ci\n".to_owned(),
        }),
        patch: None,
    })
}
