//! # What is probed says whether the service is ready
//!
//! Where the program has a route that says whether it is ready, the health check asks that one, and
//! not a route that always answers the same.
//!
//! A route that answers 200 whatever happens tells that the process runs. With the database gone, all
//! requests fail and the container stays healthy: nothing is restarted, nothing waits, no deployment
//! stops.
//!
//! Ask the readiness route where others wait for the service (`depends_on`, a deployment) and where a
//! restart helps. In Kubernetes, it belongs into `readinessProbe`; a constant route is right for
//! `livenessProbe`.
//!
//! A readiness route is one that says so by its path (`/ready`, `/health/readiness`, `/readyz`) and
//! does not always answer the same. Where there is none, a constant route passes.
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health/ready # <- asks /health/ready
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "express": "4.21.2", "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const express = require("express");
//! const { Pool } = require("pg");
//! const pool = new Pool({ connectionString: process.env.DATABASE_URL });
//! const app = express();
//! app.get("/health", (req, res) => res.json({ status: "ok" }));
//! app.get("/health/ready", async (req, res) => { // <- depends on what it asks
//!   try {
//!     await pool.query("SELECT 1");
//!     res.json({ status: "ready" });
//!   } catch (error) {
//!     res.status(503).json({ status: "down" });
//!   }
//! });
//! app.listen(3000);
//! ```
//!
//! Nothing else to ask:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- asks /health
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "express": "4.21.2" } }
//! ```
//! `main.js`:
//! ```js
//! const express = require("express");
//! const app = express();
//! app.get("/health", (req, res) => res.json({ status: "ok" }));
//! app.listen(3000);
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- asks /health
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "express": "4.21.2", "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const express = require("express");
//! const { Pool } = require("pg");
//! const pool = new Pool({ connectionString: process.env.DATABASE_URL });
//! const app = express();
//! app.get("/health", (req, res) => res.json({ status: "ok" })); // <- always answers the same
//! app.get("/health/ready", async (req, res) => { // <- says whether it is ready
//!   try {
//!     await pool.query("SELECT 1");
//!     res.json({ status: "ready" });
//!   } catch (error) {
//!     res.status(503).json({ status: "down" });
//!   }
//! });
//! app.listen(3000);
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY main.py /app/
//! HEALTHCHECK CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:3000/health')"
//! CMD ["/app/main"]
//! ```
//! `main.py`:
//! ```python
//! ```
//!
//! ## See also
//!
//! - `health/endpoint-exists`: that what is asked is answered at all.

use std::collections::BTreeMap;

use plimsoll_model::Why;
use plimsoll_model::code::{Answers, Code, Guard, Route};
use plimsoll_model::image::Healthcheck;
use plimsoll_model::mend::replace;
use plimsoll_source::{Edit, Span, TextRange};

use crate::conditions::{HAS_IMAGE, IS_PROBED, RUNS_AS_A_SERVICE};
use crate::evidence::clip;
use crate::health::{Deployment, each};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, mending, program,
};

pub(super) static CHECK: Check = Check {
    id: "health/readiness-probed",
    section: Section::HealthChecks,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &["health/check-defined"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &RUNS_AS_A_SERVICE, &IS_PROBED],
    source: include_str!("readiness_probed.rs"),
    run: Run::Service(|cx, service| each(cx, service, |d| judge(cx, service, d))),
    fix: Some(fix),
};

/// The route that answers a GET of a path.
fn find<'c>(code: &'c Code, path: &str) -> Option<&'c Route> {
    let same = |route: &str| route.trim_end_matches('/') == path.trim_end_matches('/');
    let gets = |route: &&Route| matches!(&*route.method, "GET" | "HEAD" | "*" | "ALL");
    code.routes.iter().filter(gets).find(|r| r.path.known().is_some_and(|p| same(p)))
}

/// A route that says whether the service is ready.
fn readiness(code: &Code) -> Option<&Route> {
    let says = |path: &str| {
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        last.split(['-', '_', '.', ':']).any(|word| {
            matches!(&*word.to_ascii_lowercase(), "ready" | "readiness" | "readyz" | "isready")
        })
    };
    code.routes.iter().find(|route| {
        matches!(&*route.method, "GET" | "*" | "ALL")
            && route.path.known().is_some_and(|path| says(path))
            && !matches!(route.guard, Guard::Rejects(_))
            && matches!(route.answers, Answers::Depends(_) | Answers::Unknown(_))
    })
}

fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>) -> Verdict {
    let code = match program::code_in(cx, service, d.container) {
        Ok(code) => code,
        Err(why) => return program::unread(why),
    };
    let asked = if d.is_kubernetes() {
        let probes = d.container.map(|c| (c.readiness.as_ref(), c.healthcheck.as_ref()));
        probes.and_then(|(ready, live)| ready.or(live).cloned())
    } else {
        d.healthcheck(cx)
    };
    match asked {
        Some(health) => of(cx, d, code, &health),
        None => match d.hidden(cx, service) {
            Some((why, says, at)) => {
                let message = "whether anything probes the service is not known";
                Verdict::unknown(why, message, Evidence::context(at, says))
            }
            None => Verdict::not_applicable(
                "nothing probes it here",
                Evidence::context(service.place, "no probe"),
            ),
        },
    }
}

fn of(cx: &Cx<'_>, d: Deployment<'_>, code: &Code, health: &Healthcheck) -> Verdict {
    let at = health.span;
    let unknown = |why, message: &'static str| {
        Verdict::unknown(why, message, Evidence::context(at, "the probe"))
    };
    let Some(probe) = cx.delivery.probe(&health.test, d.image) else {
        return unknown(Why::Unparsed, "what the health check asks cannot be read");
    };
    let ready = readiness(code);
    let (asks, route) = match probe.path.as_deref() {
        Some(path) => (path.to_owned(), find(code, path)),
        None if probe.scheme.as_deref() == Some("tcp") => ("the port alone".to_owned(), None),
        None => return unknown(Why::Unsupported, "which route the health check asks is not read"),
    };
    let constant = match route.map(|route| &route.answers) {
        Some(Answers::Constant(_)) => true,
        Some(Answers::Depends(place)) => {
            return Verdict::pass(
                "what the health check asks depends on what the service needs",
                Evidence::shows(at, format!("asks {}", clip(&asks))),
            )
            .and_all(route.map(|route| Evidence::shows(route.at, "depends on what it asks")))
            .and(Evidence::context(*place, "asked"));
        }
        None if probe.path.is_none() => true,
        Some(Answers::Error(..) | Answers::Silent(_) | Answers::Unknown(_)) | None => false,
    };
    let shows = |route: &Route, says: &'static str| Evidence::context(route.at, says);
    match (ready, route) {
        (Some(ready), _) if constant => {
            let path = ready.path.known().map_or("", |path| path.as_str());
            let message = format!(
                "the probe asks `{}`, which always answers the same: ask `{}`",
                clip(&asks),
                clip(path)
            );
            let same = route.map(|r| Evidence::contradicts(r.at, "always answers the same"));
            Verdict::partial(message, Evidence::contradicts(at, format!("asks {}", clip(&asks))))
                .and_all(same)
                .and(shows(ready, "says whether it is ready, and is not asked"))
        }
        (Some(ready), Some(asked)) if ready.at == asked.at => Verdict::pass(
            "the health check asks the route that says whether it is ready",
            Evidence::shows(at, format!("asks {}", clip(&asks))),
        )
        .and(Evidence::shows(asked.at, "says whether it is ready")),
        (None, _) if program::gap_of_routes(code).is_none() && (constant || route.is_some()) => {
            Verdict::pass(
                "the program has no other route that says whether it is ready",
                Evidence::shows(at, format!("asks {}", clip(&asks))),
            )
            .and_all(route.map(|route| shows(route, "answers it")))
        }
        (None, _) if constant || route.is_some() => {
            program::unread(program::gap_of_routes(code).unwrap_or((Why::Unsupported, at)))
        }
        _ => unknown(Why::Unsupported, "what answers the health check is not read"),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    // Each container may start another program of the same image: the one that is ready somehow.
    let ready = |container| {
        let code = program::code_in(cx, service, container).ok()?;
        readiness(code)?.path.known().cloned()
    };
    let places: Vec<Span> = mending::against(finding).collect();
    let containers = service.containers.iter().map(|&id| Some(&cx.delivery[id]));
    let containers: Vec<_> = containers.chain([None]).collect();
    let images = service.images.iter().map(|&id| &cx.delivery[id]);
    let asked = images.flat_map(|image| {
        containers.iter().filter_map(move |&c| Some((c, cx.delivery.healthcheck(c, Some(image))?)))
    });
    let edits: BTreeMap<Edit, String> = asked
        .filter(|(_, health)| places.contains(&health.span))
        .filter_map(|(container, health)| {
            let path = cx.delivery.probe(&health.test, None)?.path?;
            let text = cx.text_of(health.span)?;
            // As an address ends: what is longer is another route.
            let ends = |at: usize| {
                let next = text.get(at + path.len()..).and_then(|rest| rest.chars().next());
                !next.is_some_and(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c))
            };
            let mut found = text.match_indices(&*path).map(|(at, _)| at).filter(|at| ends(*at));
            let start = health.span.range.start + u32::try_from(found.next()?).ok()?;
            let end = start + u32::try_from(path.len()).ok()?;
            let only = found.next().is_none() && path.len() > 1;
            let at = Span::new(health.span.file, TextRange::new(start, end));
            let ready = ready(container).filter(|_| only)?;
            Some((replace(at, ready.clone()), ready))
        })
        .collect();
    let does = format!(
        "ask `{}`: where what the service needs is away, it is no longer healthy",
        clip(edits.values().next()?)
    );
    Some(Fix::of_edits(does, Safety::Review, None, edits.into_keys().collect()))
}
