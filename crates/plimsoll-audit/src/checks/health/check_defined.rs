//! # A health check is defined and can work
//!
//! The image has a HEALTHCHECK, or the compose service a `healthcheck`, or the pod a liveness and a
//! readiness probe; what it calls is in the image, and the port that it asks is one that Dockerfile
//! or descriptor names.
//!
//! A process that hangs still runs: without a health check nothing restarts it and nothing takes it
//! out of rotation. A check that calls `curl` in an image without `curl` is worse than none: the
//! service is unhealthy for ever, or whoever looks learns to ignore it.
//!
//! Ask the service over HTTP with a program that the image holds, at the port that it listens on.
//!
//! A check that asks a path which the program has no route for counts in part; what else stands
//! before the answer is the question of `health/endpoint-exists`. A check that succeeds whatever the answer (`|| true`) counts in part. Kubernetes
//! does not run a HEALTHCHECK: where it deploys the image without probes, the HEALTHCHECK counts in
//! part. Of several deployments the worst counts.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY main.js ./
//! EXPOSE 3000 # <- no HEALTHCHECK
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.send("well"));
//! app.listen(3000);
//! ```
//!
//! Disabled by the descriptor:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/health
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     healthcheck:
//!       disable: true # <- disabled
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY main.js ./
//! EXPOSE 3000
//! HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \ # <- asks port 3000
//!   CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/health"]
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-slim
//! EXPOSE 3006
//! HEALTHCHECK --interval=30s \
//!   CMD node -e "require('http').get('http://localhost:3006/health', r => process.exit(r.statusCode === 200 ? 0 : 1))" # <- with `node`
//! CMD ["node", "main.js"]
//! ```
//!
//! The compose file knows the port:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.12-slim
//! CMD ["python", "main.py"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     ports: ["8000:8000"]
//!     healthcheck:
//!       test: ["CMD", "python", "-c", "import urllib.request as u; u.urlopen('http://localhost:8000/health')"] # <- asks port 8000
//! ```
//!
//! ## Partial
//!
//! The program is not in the image:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000
//! HEALTHCHECK CMD curl -f http://localhost:3000/health || exit 1 # <- `curl` is not in the image
//! CMD ["node", "main.js"]
//! ```
//!
//! Taken out again:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN apk add --no-cache curl
//! RUN apk del curl
//! EXPOSE 3000
//! HEALTHCHECK CMD curl -f http://localhost:3000/health || exit 1 # <- `curl` is not in the image
//! CMD ["node", "main.js"]
//! ```
//!
//! With the group that brought it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN apk add --no-cache --virtual .build curl make && make && apk del .build
//! EXPOSE 3000
//! HEALTHCHECK CMD curl -f http://localhost:3000/health || exit 1 # <- `curl` is not in the image
//! CMD ["node", "main.js"]
//! ```
//!
//! Of a base that holds it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20
//! RUN apt-get purge -y curl
//! EXPOSE 3000
//! HEALTHCHECK CMD curl -f http://localhost:3000/health || exit 1 # <- `curl` is not in the image
//! CMD ["node", "main.js"]
//! ```
//!
//! Another port:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000
//! HEALTHCHECK CMD wget -q --spider http://localhost:8080/health # <- asks port 8080
//! CMD ["node", "main.js"]
//! ```
//!
//! A path that the program has no route for:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! EXPOSE 3000
//! HEALTHCHECK CMD wget -q --spider http://127.0.0.1:3000/healthz # <- asks /healthz
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/health", (request, reply) => reply.send("well"));
//! app.listen(3000);
//! ```
//!
//! It cannot fail:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000
//! HEALTHCHECK CMD wget -q --spider http://localhost:3000/health || true # <- succeeds whatever
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! What the base holds, and sets, only the registry knows:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/team/base:1 # <- its base may set one
//! CMD ["/app"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "nightly.js"]
//! ```
//! `job.yaml`:
//! ```yaml
//! apiVersion: batch/v1
//! kind: CronJob
//! metadata: {name: nightly}
//! spec:
//!   schedule: "0 3 * * *"
//!   jobTemplate:
//!     spec:
//!       template:
//!         spec:
//!           containers:
//!             - name: nightly
//!               image: nightly:1.0.0
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   nightly:
//!     image: nightly:1.0.0
//!     build: .
//!     profiles: [dev]
//! ```

use plimsoll_model::code::{Answers, Guard};
use plimsoll_model::container::ContainerKind;
use plimsoll_model::image::{HealthTest, Healthcheck, Image};
use plimsoll_model::mend::dockerfile;

use crate::conditions::RUNS_AS_A_SERVICE;
use crate::evidence::clip;
use crate::health::{Deployment, deployments, each, works};
use crate::served::{self, Found};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Safety, Section, ServiceSubject, Severity, Status, Verdict, Why, composed, mending, program,
    static_site,
};

pub(super) static CHECK: Check = Check {
    id: "health/check-defined",
    section: Section::HealthChecks,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 4.6", "CIS-D 5.27"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "defined",
            equivalents: &[
                Equivalent { tool: "kics", rule: "698ed579", relation: Relation::Same },
                Equivalent {
                    tool: "docksec",
                    rule: "compose-missing-healthcheck",
                    relation: Relation::Same,
                },
                Equivalent { tool: "catalogue", rule: "CMP046", relation: Relation::Same },
                Equivalent { tool: "catalogue", rule: "CMP047", relation: Relation::Narrower },
                Equivalent { tool: "catalogue", rule: "CMP048", relation: Relation::Narrower },
                Equivalent { tool: "hadolint", rule: "DL3057", relation: Relation::Same },
                Equivalent { tool: "checkov", rule: "CKV_DOCKER_2", relation: Relation::Same },
                Equivalent { tool: "trivy", rule: "DS-0026", relation: Relation::Same },
                Equivalent {
                    tool: "kics",
                    rule: "healthcheck_instruction_missing",
                    relation: Relation::Same,
                },
                Equivalent { tool: "checkov", rule: "CKV_K8S_8", relation: Relation::Narrower },
                Equivalent { tool: "checkov", rule: "CKV_K8S_9", relation: Relation::Narrower },
                Equivalent {
                    tool: "kube-linter",
                    rule: "no-liveness-probe",
                    relation: Relation::Narrower,
                },
            ],
        },
        Part {
            name: "livenessProbe",
            equivalents: &[
                Equivalent { tool: "checkov", rule: "CKV_K8S_8", relation: Relation::Same },
                Equivalent {
                    tool: "kube-linter",
                    rule: "no-liveness-probe",
                    relation: Relation::Same,
                },
            ],
        },
        Part {
            name: "readinessProbe",
            equivalents: &[Equivalent {
                tool: "checkov",
                rule: "CKV_K8S_9",
                relation: Relation::Same,
            }],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&RUNS_AS_A_SERVICE],
    source: include_str!("check_defined.rs"),
    run: Run::Both(|cx, service| each(cx, service, |d| judge(cx, service, d)), of_no_service),
    fix: Some(fix),
};

fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>) -> Verdict {
    if let Some(container) = d.container.filter(|_| d.is_kubernetes()) {
        return match (&container.healthcheck, &container.readiness) {
            (Some(live), Some(ready)) => {
                let ask = |health| answered(cx, service, d, health);
                let (live, ready) = (ask(live), ask(ready));
                // The worse of the two decides, the evidence of both is shown.
                let (worse, other) = if ready.outcome.rank() > live.outcome.rank() {
                    (ready, live)
                } else {
                    (live, ready)
                };
                worse.and_all(other.evidence)
            }
            (Some(one), None) => half(container.span, one, "liveness", "readinessProbe"),
            (None, Some(one)) => half(container.span, one, "readiness", "livenessProbe"),
            (None, None) => {
                match d.image.and_then(|image| cx.delivery.healthcheck(None, Some(image))) {
                    Some(health) if container.open.is_none() => Verdict::partial(
                        "Kubernetes runs no HEALTHCHECK: add livenessProbe and readinessProbe",
                        Evidence::context(health.span, "Kubernetes does not run it"),
                    )
                    .and(Evidence::missing_in(container.span, "no probes").part("defined")),
                    _ => none(cx, service, d),
                }
            }
        };
    }
    match cx.delivery.healthcheck(d.container, d.image) {
        None => none(cx, service, d),
        Some(health) if matches!(health.test, HealthTest::Disabled) => Verdict::fail(
            "the health check is disabled: define one",
            Evidence::contradicts(health.span, "disabled").part("defined"),
        ),
        Some(health) => answered(cx, service, d, &health),
    }
}

/// Whether it can work, and asks for a route that the program has: without one it never succeeds.
/// Why it is missing is `health/endpoint-exists`' question.
fn answered(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    d: Deployment<'_>,
    health: &Healthcheck,
) -> Verdict {
    let works = works(cx, d, health);
    let probe = cx.delivery.probe(&health.test, d.image);
    let path = probe.and_then(|probe| probe.path).filter(|path| !path.contains('$'));
    let code = program::code_in(cx, service, d.container);
    let (Outcome::Pass, Some(path), Ok(code)) = (works.outcome, path, code) else {
        return works;
    };
    let path = if path.is_empty() { "/" } else { &*path };
    if static_site::of(d).is_some() || !matches!(served::find(code, path), Found::Nothing) {
        return works;
    }
    Verdict::partial(
        format!("the health check asks `{}`, which the program does not answer", clip(path)),
        Evidence::contradicts(health.span, format!("asks {}", clip(path))),
    )
}

/// Of others' images, what compose says counts; Docker's own set no health check, of the rest only
/// the registry knows.
fn of_no_service(cx: &Cx<'_>) -> Verdict {
    composed::of_no_service(cx, RUNS_AS_A_SERVICE.name, |container| {
        let compose = matches!(container.kind, ContainerKind::Compose { .. });
        if !compose || container.job || container.build.is_some() {
            return None;
        }
        let name = clip(&container.name);
        if let Some(health) = &container.healthcheck {
            return Some(match health.test {
                HealthTest::Disabled => Verdict::fail(
                    format!("the health check of `{name}` is disabled: define one"),
                    Evidence::contradicts(health.span, "disabled")
                        .part("defined")
                        .severity(Severity::Medium),
                ),
                _ => Verdict::pass(
                    "a health check is defined",
                    Evidence::shows(health.span, "is checked"),
                ),
            });
        }
        if let Some((why, at)) = container.open {
            let message = "not all of what describes the container is read";
            return Some(Verdict::unknown(why, message, Evidence::context(at, why.decide())));
        }
        let reference = container.named.as_ref()?;
        // Nor do those of Grafana and Prometheus.
        let bare = ["grafana/", "prom/"].iter().any(|of| reference.repository.starts_with(of));
        Some(if reference.is_official() || bare {
            Verdict::fail(
                format!("`{name}` has no health check: add one in compose"),
                Evidence::missing_in(container.span, "no health check")
                    .part("defined")
                    .severity(Severity::Medium),
            )
        } else {
            let says = "its image may set one";
            let message = format!("whether the image of `{name}` sets a health check is not known");
            Verdict::unknown(Why::NeedsNetwork, message, Evidence::context(container.span, says))
        })
    })
}

fn half(at: plimsoll_source::Span, one: &Healthcheck, has: &str, lacks: &'static str) -> Verdict {
    Verdict::partial(
        format!("the pod has a {has} probe and no {lacks}: add it"),
        Evidence::missing_in(at, format!("no {lacks}")).part(lacks),
    )
    .and(Evidence::context(one.span, format!("a {has} probe")))
}

fn none(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>) -> Verdict {
    if let Some((why, says, at)) = d.hidden(cx, service) {
        let message = format!("no health check is seen, and {says}");
        return Verdict::unknown(why, message, Evidence::context(at, says));
    }
    let mut places = d.places().into_iter().map(|at| {
        let dockerfile = d.image.is_some_and(|image| image.file == at.file);
        Evidence::missing_in(at, if dockerfile { "no HEALTHCHECK" } else { "no health check" })
            .part("defined")
    });
    let nowhere = || Evidence::missing_in(service.place, "none").part("defined");
    let first = places.next().unwrap_or_else(nowhere);
    Verdict::fail("no health check: add HEALTHCHECK, or a `healthcheck` in compose", first)
        .and_all(places)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if finding.outcome != Outcome::Fail {
        return None;
    }
    let service = cx.service_of(finding)?;
    let all = deployments(cx, service);
    let d = all.iter().find(|d| d.image.is_some())?;
    let image = d.image?;
    let asked = route(cx, service, *d);
    let (path, port) = match &asked {
        Some((path, port)) => (path.clone(), *port),
        None => ("/health".to_owned(), d.ports().first()?.0),
    };
    let times = "--interval=30s --timeout=5s --start-period=30s --retries=3";
    let lines = format!("HEALTHCHECK {times} \\\n  CMD {}", call(cx, image, &path, port)?);
    // Elsewhere somebody chose to have none, or another kind of platform asks.
    let plain = |d: &Deployment<'_>| {
        !d.is_kubernetes() && cx.delivery.healthcheck(d.container, d.image).is_none()
    };
    let edit = asked.filter(|_| all.iter().all(plain)).and_then(|_| {
        let stage = image.final_stage()?;
        let lines: Vec<&str> = lines.lines().collect();
        dockerfile::settle(&cx.delivery.tree, image, stage, &lines)
    });
    Some(Fix::of_edits(
        "ask the service's health route from the image",
        Safety::Review,
        mending::snippet(&image.path, "dockerfile", format!("{lines}\n")),
        edit.into_iter().collect(),
    ))
}

/// What asks a URL, by a tool that the image holds: an array, which needs no shell. Every exit code
/// but 0 is unhealthy to the engine.
fn call(cx: &Cx<'_>, image: &Image, path: &str, port: u16) -> Option<String> {
    let url = format!("http://127.0.0.1:{port}{path}");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    if !path.chars().all(plain) {
        return None;
    }
    let has = |tool: &str| mending::has(cx, image, tool);
    let fetch =
        format!("fetch('{url}').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))");
    let open = format!("import urllib.request as u; u.urlopen('{url}')");
    let words: &[&str] = if has("wget") {
        &["wget", "-q", "-O", "/dev/null", &url]
    } else if has("curl") {
        &["curl", "-fsS", "-o", "/dev/null", &url]
    } else if has("node") {
        &["node", "-e", &fetch]
    } else if has("python3") {
        &["python3", "-c", &open]
    } else {
        return None;
    };
    Some(format!("[\"{}\"]", words.join("\", \"")))
}

/// A route that is known to answer a probe, and the port that it answers at: of several, the one
/// that says whether the service is ready, not only that it runs.
fn route(cx: &Cx<'_>, service: ServiceSubject<'_>, d: Deployment<'_>) -> Option<(String, u16)> {
    let named = |port: u16| d.ports().iter().any(|(known, ..)| *known == port);
    if let Some(site) = static_site::of(d) {
        let answers = matches!(site.serves(cx, "/"), Ok(Some(_)));
        return (answers && named(site.port)).then(|| ("/".to_owned(), site.port));
    }
    let code = program::code(service).ok()?;
    let (port, _) = code.listens.iter().find_map(|listen| served::port(d, listen).ok())?;
    let open = served::health_routes(code).filter(|route| route.guard == Guard::Open);
    let mut found: Vec<_> = open.filter_map(|route| Some((route, route.path.known()?))).collect();
    found.sort_by_key(|(route, path)| {
        let depends = match route.answers {
            Answers::Depends(_) => 0,
            Answers::Unknown(_) => 1,
            Answers::Constant(_) => 2,
            Answers::Error(..) | Answers::Silent(_) => 3,
        };
        let last = path.rsplit('/').next().unwrap_or(path);
        (depends, !last.contains("ready"), path.len(), *path)
    });
    let answered = |path: &str| matches!(served::find(code, path), Found::Route(_));
    let (_, path) = found.into_iter().find(|(_, path)| answered(path))?;
    named(port).then(|| (path.clone(), port))
}
