//! # What the health checks ask is answered
//!
//! Every probe (HEALTHCHECK, compose, Kubernetes; if there is none, `/health`) asks a route that
//! the program registers, at the port that it listens on.
//!
//! A probe for a route that does not exist gets 404: the service is unhealthy from the first
//! minute, or, with a client that ignores the status, healthy for ever.
//!
//! Register the route in the program, and ask it at the port that the program listens on.
//!
//! Routes stand in the program's source, which is not read yet: the answer is then that it cannot
//! be told. It is decided for what needs no program, a site that nginx serves as its image is
//! configured: there a route is a file of the image.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! COPY site /usr/share/nginx/html
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1/health # <- no file answers /health
//! ```
//! `site/about.html`:
//! ```html
//! <p>About</p>
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! COPY site /usr/share/nginx/html # <- answers /about.html
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1/about.html
//! ```
//!
//! ## Passes
//!
//! The image's own page:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1/ # <- asks 80/
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:8080/ # <- nginx listens on 80
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health # <- the program's source
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `health/check-defined`: the probe itself, its program and its port.

use plimsoll_model::Why;
use plimsoll_model::image::Healthcheck;
use plimsoll_model::probe::probe;
use plimsoll_source::Span;

use crate::conditions::RUNS_AS_A_SERVICE;
use crate::health::{Deployment, each};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict, static_site,
};

pub(super) static CHECK: Check = Check {
    id: "health/endpoint-exists",
    section: Section::HealthChecks,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &["health/check-defined"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&RUNS_AS_A_SERVICE],
    source: include_str!("endpoint_exists.rs"),
    run: Run::Service(|cx, service| each(cx, service, |d| judge(cx, service, d))),
    fix: None,
};

fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>) -> Verdict {
    let mut asked: Vec<Healthcheck> = d.healthcheck(cx).into_iter().collect();
    if let Some(container) = d.container.filter(|_| d.is_kubernetes()) {
        asked.extend(container.healthcheck.iter().chain(&container.readiness).cloned());
    }
    let mut judged: Vec<Verdict> = asked
        .iter()
        .map(|health| {
            let probe = probe(&health.test).unwrap_or_default();
            let port = probe.port.as_deref().and_then(|port| d.port_number(port));
            route(cx, d, probe.path.as_deref(), port, health.span)
        })
        .collect();
    if judged.is_empty() {
        let at = d.places().first().copied().unwrap_or(service.place);
        judged.push(route(cx, d, Some("/health"), None, at));
    }
    judged.sort_by_key(|verdict| std::cmp::Reverse(verdict.outcome.rank()));
    let mut judged = judged.into_iter();
    let Some(worst) = judged.next() else {
        let evidence = Evidence::context(service.place, "no probe");
        return Verdict::unknown(Why::Internal, "no probe was judged", evidence);
    };
    worst.and_all(judged.flat_map(|verdict| verdict.evidence))
}

/// Whether a path is answered at a port (`None`: wherever it listens).
fn route(
    cx: &Cx<'_>,
    d: Deployment<'_>,
    path: Option<&str>,
    port: Option<u16>,
    at: Span,
) -> Verdict {
    let path_name = path.unwrap_or("");
    let asks = match port {
        Some(port) => format!("{port}{path_name}"),
        None => path_name.to_owned(),
    };
    let unknown = |why| {
        let message = format!("whether the program answers `{asks}` stands in its source");
        Verdict::unknown(
            why,
            message,
            Evidence::context(at, format!("`{asks}` is answered by the program's source")),
        )
    };
    let Some((site, path)) = static_site::of(d).zip(path) else { return unknown(Why::Unsupported) };
    match site.serves(cx, path) {
        Err(why) => unknown(why),
        Ok(None) => Verdict::fail(
            format!("nginx answers 404 to `{path}`: add the file, or ask another path"),
            Evidence::missing_in(at, format!("no file answers {path}")),
        ),
        Ok(Some(_)) if port.is_some_and(|port| port != site.port) => Verdict::partial(
            format!("the probe asks `{asks}`, nginx listens on {}: ask that port", site.port),
            Evidence::contradicts(at, format!("nginx listens on {}", site.port)),
        ),
        Ok(Some(via)) => Verdict::pass(
            "what the health checks ask is a file that nginx serves",
            Evidence::shows(via, format!("answers {path}")),
        )
        .and(Evidence::shows(at, format!("asks {asks}"))),
    }
}
