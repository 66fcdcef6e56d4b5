//! # A deployment waits until the service is healthy
//!
//! Something that deploys waits for this service's health: another service starts when it is
//! `service_healthy`, a readiness probe holds traffic back, or a deploy script waits for its health
//! route and rolls back when it does not come.
//!
//! A HEALTHCHECK alone gates nothing: a version that starts and answers nothing replaces one that
//! worked, and the first to notice is a user.
//!
//! Give the pod a readiness probe, let what needs the service wait for `service_healthy`, or wait
//! for it in the deploy job and roll back when it does not come.
//!
//! That this service waits for others says nothing about its own health. Where nothing waits, the
//! answer depends on whether the program has a health route at all (in part) or not (it fails).
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! COPY site /usr/share/nginx/html
//! ```
//! `site/about.html`:
//! ```html
//! <p>About</p>
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   site: # <- nothing waits for it
//!     build: .
//! ```
//!
//! A program without a health route:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- nothing waits for it
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("fastify")();
//! app.get("/orders", async () => []);
//! app.listen({ port: 3000 });
//! ```
//!
//! A route that tells how something else is:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- nothing waits for it
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("fastify")();
//! app.get("/api/v1/search/status", async () => ({ documents: 7 }));
//! app.get("/live/scores", async () => []);
//! app.listen({ port: 3000 });
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!   proxy:
//!     image: caddy:2.10
//!     depends_on:
//!       api:
//!         condition: service_healthy # <- `proxy` waits until it is healthy
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1/ # <- it could be waited for
//! ```
//!
//! It waits for its database; nothing waits for it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("fastify")();
//! app.get("/health/ready", async () => ({ up: true })); // <- nothing waits for /health/ready
//! app.listen({ port: 3000 });
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: # <- nothing waits for it
//!     build: .
//!     depends_on:
//!       database:
//!         condition: service_healthy
//!   database:
//!     image: postgres:17
//!     healthcheck:
//!       test: ["CMD-SHELL", "pg_isready"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/orders"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: # <- nothing waits for it
//!     build: .
//!     depends_on:
//!       database:
//!         condition: service_healthy
//!   database:
//!     image: postgres:17
//!     healthcheck:
//!       test: ["CMD-SHELL", "pg_isready"]
//! ```
//!
//! ## See also
//!
//! - `health/check-defined`: the check that the wait asks.

use plimsoll_model::Why;
use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::pipeline::{Role, RoleKind, Runs};
use plimsoll_source::Span;

use crate::composed;
use crate::conditions::RUNS_AS_A_SERVICE;
use crate::evidence::clip;
use crate::health::{Deployment, each_asked};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, mending, program, served, startup, static_site,
};

pub(super) static CHECK: Check = Check {
    id: "health/gates-deployment",
    section: Section::HealthChecks,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &["health/check-defined"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&RUNS_AS_A_SERVICE],
    source: include_str!("gates_deployment.rs"),
    run: Run::Service(|cx, service| each_asked(cx, service, |d| judge(cx, service, d))),
    fix: Some(fix),
};

fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>) -> Verdict {
    let gate =
        d.container.and_then(|c| by_descriptor(cx, d, c)).or_else(|| by_steps(cx, service, d));
    if let Some((span, says)) = gate {
        return Verdict::pass(
            "a deployment waits for the service's health",
            Evidence::shows(span, says),
        );
    }
    let at = d.places().first().copied().unwrap_or(service.place);
    let health = d.healthcheck(cx);
    let path = health
        .as_ref()
        .and_then(|h| cx.delivery.probe(&h.test, d.image)?.path)
        .unwrap_or("/health".to_owned());
    let says = "nothing waits for it";
    match static_site::of(d).map(|site| site.serves(cx, &path)) {
        Some(Ok(Some(via))) => {
            let could = Evidence::contradicts(
                health.map_or(via, |health| health.span),
                "it could be waited for",
            );
            Verdict::partial(
                format!("nothing waits for `{path}`: gate the deployment on it"),
                could,
            )
            .and(Evidence::missing_in(at, says))
        }
        Some(Ok(None)) if d.hidden(cx, service).is_none() => Verdict::fail(
            format!("no `{path}`, and nothing waits for the service: add both"),
            Evidence::missing_in(at, says),
        ),
        Some(_) => Verdict::unknown(
            Why::Unsupported,
            "nothing waits for its health; whether it has a health route cannot be told",
            Evidence::context(at, says),
        ),
        None => by_program(cx, service, d, at),
    }
}

/// Nothing waits for it: whether the program has a route that could be waited for.
fn by_program(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>, at: Span) -> Verdict {
    const SHOWN: usize = 8;
    let says = "nothing waits for it";
    let unknown = |reason| {
        let message = "nothing waits for its health; whether it has a health route is not known";
        served::unread(cx, service, reason, message).and(Evidence::context(at, says))
    };
    let code = match program::code_in(cx, service, d.container) {
        Ok(code) => code,
        Err(reason) => return unknown(reason),
    };
    let mut routes = served::health_routes(code).take(SHOWN).map(|route| {
        let path = route.path.known().map_or("", |path| path);
        Evidence::contradicts(route.at, format!("nothing waits for {}", clip(path)))
    });
    let verdict = match routes.next() {
        Some(first) => {
            let message = "the program has health routes that nothing waits for: gate on them";
            Verdict::partial(message, first).and_all(routes)
        }
        None => {
            let open = code.routes.iter().find(|route| route.path.known().is_none());
            let open = open.map(|route| (Why::Dynamic, route.at));
            let empty = code.routes.is_empty();
            let empty = empty.then(|| (Why::NeedsRun, code.entry.span().unwrap_or(at)));
            let doubt = program::gap_of_routes(code).or(open).or(served::by_package(code));
            if let Some(reason) = doubt.or(empty) {
                return unknown(reason);
            }
            let message = "the program has no health route, and nothing waits for it: add both";
            Verdict::fail(message, Evidence::missing_in(at, says))
        }
    };
    startup::unless_elsewhere(cx, service, verdict.and(Evidence::missing_in(at, says)))
}

/// What a descriptor lets wait for this container.
fn by_descriptor(cx: &Cx<'_>, d: Deployment<'_>, container: &Container) -> Option<(Span, String)> {
    match &container.kind {
        ContainerKind::Kubernetes { .. } => {
            let ready = container.readiness.as_ref()?;
            Some((ready.span, "a readiness probe holds traffic back".to_owned()))
        }
        ContainerKind::Compose { .. } => {
            d.healthcheck(cx)?;
            let ids = &composed::project_of(cx, container)?.containers;
            ids.iter().map(|&id| &cx.delivery[id]).find_map(|other| {
                let wait = other
                    .depends_on
                    .iter()
                    .find(|on| on.service == container.name && on.condition == "service_healthy")?;
                Some((wait.span, format!("`{}` waits until it is healthy", other.name)))
            })
        }
    }
}

/// A script or pipeline that deploys, then waits for this service, and rolls back.
fn by_steps(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>) -> Option<(Span, String)> {
    let scripts =
        service.programs.iter().map(|&id| cx.delivery[id].roles.iter().collect::<Vec<_>>());
    let pipelines = service
        .pipelines
        .iter()
        .map(|&id| &cx.delivery[id])
        .filter(|pipeline| matches!(pipeline.runs, Runs::Yes | Runs::OnCall))
        .filter(|pipeline| pipeline.refused.is_none());
    let pipelines = pipelines.map(|pipeline| {
        let steps = pipeline.jobs.iter().flat_map(|job| &job.steps);
        steps.flat_map(|step| &step.roles).collect::<Vec<_>>()
    });
    scripts.chain(pipelines).find_map(|roles| {
        let has = |kind| roles.iter().find(|role| role.kind == kind && role.masked.is_none());
        has(RoleKind::Deploy)?;
        has(RoleKind::RollBack)?;
        let waits = roles.iter().find(|role| {
            role.kind == RoleKind::AwaitHealth
                && role.masked.is_none()
                && is_about(service, d, role)
        })?;
        Some((waits.span, "waits for it, and a failure rolls back".to_owned()))
    })
}

/// Whether a wait is for this service: it names it, asks a port that it publishes, or is for all
/// that compose starts.
fn is_about(service: ServiceSubject<'_>, d: Deployment<'_>, role: &Role) -> bool {
    let words = &role.words;
    let name = d.container.map_or(&*service.service.name, |container| &*container.name);
    let named = |word: &str| {
        word.split(['/', ':', '=', '.', ','])
            .any(|part| part == name || part == service.service.name)
    };
    let all = words.iter().any(|word| word == "--wait")
        && words.iter().skip_while(|word| *word != "up").skip(1).all(|word| word.starts_with('-'));
    let published = d.container.into_iter().flat_map(|container| &container.ports);
    let mut hosts =
        published.filter_map(|port| port.host.as_deref()).filter(|host| !host.is_empty());
    all || words.iter().any(|word| named(word))
        || hosts.any(|host| {
            let port = format!(":{host}");
            words.iter().any(|word| word.ends_with(&port) || word.contains(&format!("{port}/")))
        })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let container = containers.into_iter().find(|container| mending::is_compose(container))?;
    let text = format!("docker compose up --detach --wait --wait-timeout 120 {}\n", container.name);
    let does = "let the deployment wait until it is healthy, and fail where it does not become so";
    let snippet = mending::snippet(cx.path(container.file), "sh", text);
    Some(Fix::of_edits(does, Safety::Sketch, snippet, Vec::new()))
}
