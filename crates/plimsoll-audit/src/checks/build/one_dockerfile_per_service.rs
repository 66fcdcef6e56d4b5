//! # A service has one Dockerfile
//!
//! No second Dockerfile builds the service otherwise than the one that is deployed: a copy at the root of
//! the repository, a `Dockerfile.prod` beside the `Dockerfile`.
//!
//! Copies drift: one gets the fix, `docker build .` takes the other. Which of both runs depends on who
//! types the command.
//!
//! Keep the one that is deployed, delete the other, and name it with `-f` where it is built.
//!
//! Two that do the same pass. What is called after something else (`Dockerfile.worker`,
//! `Dockerfile.alpine`), starts another program, or is for development and tests is not a second one.
//!
//! ## Fails
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY api ./
//! RUN npm ci --omit=dev # <- not in `Dockerfile`
//! CMD ["node", "main.js"]
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY api ./
//! RUN npm install # <- builds it otherwise
//! CMD ["node", "main.js"]
//! ```
//! `api/package.json`:
//! ```json
//! { "name": "api" }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: registry.example/api:1.4.2
//!     build: { context: ., dockerfile: api/Dockerfile }
//! ```
//!
//! By its name:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! COPY . .
//! RUN go build -o /app .
//! CMD ["/app"]
//! ```
//! `Dockerfile.prod`:
//! ```dockerfile
//! FROM golang:1.26
//! COPY . .
//! RUN go build -o /app .
//! USER 1001 # <- builds it otherwise
//! CMD ["/app", "--production"] # <- builds it otherwise
//! ```
//! `go.mod`:
//! ```text
//! module example.test/orders
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! (absent)
//! ```
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- the only one
//! WORKDIR /app
//! COPY api ./
//! RUN npm ci --omit=dev
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- the only one
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `Dockerfile.dev`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["npm", "run", "dev"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api" }
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! # no FROM
//! ```

use std::collections::BTreeSet;

use plimsoll_model::ImageId;
use plimsoll_model::image::Image;

use crate::conditions::HAS_IMAGE;
use crate::evidence::clip;
use crate::twins::{does, lacks};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict, startup,
};

pub(super) static CHECK: Check = Check {
    id: "build/one-dockerfile-per-service",
    section: Section::BuildSecurity,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE],
    source: include_str!("one_dockerfile_per_service.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

/// The most places of each file that are shown.
const MAX_SHOWN: usize = 6;

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let Some(own) = service.images.first().map(|&id| &cx.delivery[id]) else {
        let nothing = Evidence::context(service.place, "no image");
        return Verdict::not_applicable("does not apply: it builds no image", nothing);
    };
    let Some(from) = own.final_stage().map(|stage| stage.from) else {
        return startup::unparsed(cx, own);
    };
    let mut same = Vec::new();
    for other in seconds(cx, service, own) {
        if own.broken || other.broken {
            return startup::unparsed(cx, if own.broken { own } else { other });
        }
        let (mine, theirs) = (does(cx, own), does(cx, other));
        let less = lacks(&mine, &theirs);
        let more = lacks(&theirs, &mine);
        let path = clip(&other.path);
        let less = less.into_iter().take(MAX_SHOWN);
        let less = less.map(|at| Evidence::contradicts(at, format!("not in `{path}`")));
        let more = more.into_iter().take(MAX_SHOWN);
        let more = more.map(|at| Evidence::contradicts(at, "builds it otherwise"));
        let mut differs = more.chain(less);
        if let Some(first) = differs.next() {
            let message = format!("`{path}` builds it, too, and otherwise: keep one of both");
            return Verdict::fail(message, first).and_all(differs);
        }
        same.extend(other.final_stage().map(|stage| stage.from));
    }
    let says = if same.is_empty() { "the only one that builds it" } else { "builds it" };
    let rest = same.into_iter().map(|at| Evidence::shows(at, "builds it the same way"));
    Verdict::pass("no second Dockerfile builds it otherwise", Evidence::shows(from, says))
        .and_all(rest)
}

/// The Dockerfiles for production that build the same service, by their place, name and program.
fn seconds<'a>(cx: &Cx<'a>, service: ServiceSubject<'a>, own: &Image) -> Vec<&'a Image> {
    // Others of the same directory that something deploys stand as services of their own.
    let all = &cx.delivery.services;
    let from = all.partition_point(|other| *other.dir < *service.dir);
    let to = all.partition_point(|other| *other.dir <= *service.dir);
    let beside =
        all.get(from..to).unwrap_or_default().iter().filter(|other| {
            !std::ptr::eq(*other, service.service) && other.package == service.package
        });
    let beside = beside.flat_map(|other| other.images.iter().take(1).copied());
    let ids: Vec<ImageId> = service.service.other_images.iter().copied().chain(beside).collect();
    let mut paths = BTreeSet::from([&*own.path]);
    let mut found = Vec::new();
    for image in ids.into_iter().map(|id| &cx.delivery[id]) {
        let named = is_called_after(&own.path, service) && is_called_after(&image.path, service);
        let said = suffix(&own.path).is_some() || suffix(&image.path).is_some();
        if image.purpose.is_production()
            && named
            && (said || starts_the_same(own, image))
            && paths.insert(&image.path)
        {
            found.push(image);
        }
    }
    found
}

/// What stands beside `Dockerfile` in a file's name: `prod` of `Dockerfile.prod`.
fn suffix(path: &str) -> Option<String> {
    let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let rest = file.replace("dockerfile", "").replace("containerfile", "");
    let rest = rest.trim_matches(['.', '-', '_']).to_owned();
    (!rest.is_empty()).then_some(rest)
}

/// Whether a Dockerfile's name says that it is the service's, rather than one of its variants'.
fn is_called_after(path: &str, service: ServiceSubject<'_>) -> bool {
    const SAME: [&str; 18] = [
        "prod",
        "production",
        "release",
        "deploy",
        "deployment",
        "live",
        "main",
        "final",
        "old",
        "new",
        "bak",
        "backup",
        "orig",
        "original",
        "copy",
        "legacy",
        "service",
        "2",
    ];
    const PLATFORMS: [&str; 12] = [
        "alpine",
        "debian",
        "ubuntu",
        "ubi",
        "slim",
        "distroless",
        "windows",
        "arm64",
        "armv7",
        "amd64",
        "cuda",
        "gpu",
    ];
    let dir = path.rsplit('/').nth(1).unwrap_or_default();
    let name = service.name.to_ascii_lowercase();
    let own: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let words = suffix(path).unwrap_or_default();
    let mut words = words.split(['.', '-', '_']).filter(|word| !word.is_empty());
    !PLATFORMS.contains(&dir) && words.all(|word| SAME.contains(&word) || own.contains(&word))
}

/// Whether two images start the same program.
fn starts_the_same(one: &Image, other: &Image) -> bool {
    let words = |image: &Image| {
        let config = &image.final_stage()?.config;
        let exec = config.cmd.as_ref().or(config.entrypoint.as_ref())?;
        Some(exec.words.iter().map(|(word, _)| word.clone()).collect::<Vec<String>>())
    };
    words(one).is_some() && words(one) == words(other)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let own = &cx.delivery[*service.images.first()?];
    let other = *seconds(cx, service, own).first()?;
    let text = format!("git rm -- '{}'\n", other.path.replace('\'', "'\\''"));
    Some(Fix {
        does: "delete the one that is not deployed, after taking over what it has".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet { path: "shell".to_owned(), language: "sh", text }),
        patch: None,
    })
}
