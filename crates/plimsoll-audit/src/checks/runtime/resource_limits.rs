//! # Memory and processor time are limited
//!
//! Every deployment limits memory and processor time: `deploy.resources.limits` (or `mem_limit`
//! and `cpus`) in compose, `resources.limits` with `resources.requests` in Kubernetes.
//!
//! A service that leaks or loops takes its neighbours with it: the host runs out of memory, and
//! the kernel picks whom to kill.
//!
//! Measure what it uses under load, and allow somewhat more. Zero means no limit. Deployments that
//! disagree are PARTIAL.
//!
//! Given: node-service
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders: # <- no limits
//!     build: .
//! ```
//!
//! Zero is none:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders: # <- no limits
//!     build: .
//!     mem_limit: 0
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     deploy:
//!       resources:
//!         limits:
//!           cpus: "1.0" # <- processor time
//!           memory: 512M # <- memory
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     cpus: 1.5 # <- processor time
//!     mem_limit: 512m # <- memory
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     mem_limit: 512m # <- no processor
//! ```
//!
//! Two deployments disagree:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     cpus: 1.5
//!     mem_limit: 512m
//!   worker: # <- no limits
//!     build: .
//!     command: ["node", "dist/worker.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     cpus: 1.5
//!     mem_limit: ${MEMORY} # <- variable
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! (absent)
//! ```

use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::mend::Data;
use plimsoll_model::{Fact, Why};
use plimsoll_source::Span;

use crate::conditions::HAS_DESCRIPTOR;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Safety, Section, ServiceSubject, Severity, Status, Verdict, composed, mending, startup,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/resource-limits",
    section: Section::Compose,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.11", "CIS-D 5.12"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "memory",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0026", relation: Relation::Narrower },
                Equivalent { tool: "kics", rule: "bb9ac4f7", relation: Relation::Narrower },
                Equivalent {
                    tool: "docksec",
                    rule: "compose-no-resource-limits",
                    relation: Relation::Narrower,
                },
                Equivalent { tool: "checkov", rule: "CKV_K8S_13", relation: Relation::Narrower },
                Equivalent { tool: "trivy", rule: "KSV-0018", relation: Relation::Narrower },
                Equivalent {
                    tool: "kube-linter",
                    rule: "unset-memory-requirements",
                    relation: Relation::Narrower,
                },
                Equivalent { tool: "catalogue", rule: "CMP042", relation: Relation::Narrower },
                Equivalent { tool: "catalogue", rule: "K8S026", relation: Relation::Narrower },
            ],
        },
        Part {
            name: "cpu",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0026", relation: Relation::Narrower },
                Equivalent { tool: "kics", rule: "6b610c50", relation: Relation::Narrower },
                Equivalent {
                    tool: "docksec",
                    rule: "compose-no-resource-limits",
                    relation: Relation::Narrower,
                },
                Equivalent { tool: "checkov", rule: "CKV_K8S_11", relation: Relation::Narrower },
                Equivalent { tool: "trivy", rule: "KSV-0011", relation: Relation::Narrower },
                Equivalent {
                    tool: "kube-linter",
                    rule: "unset-cpu-requirements",
                    relation: Relation::Narrower,
                },
                Equivalent { tool: "catalogue", rule: "CMP043", relation: Relation::Narrower },
                Equivalent { tool: "catalogue", rule: "K8S024", relation: Relation::Narrower },
            ],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("resource_limits.rs"),
    run: Run::Both(run, of_no_service),
    fix: Some(fix),
};

fn of_no_service(cx: &Cx<'_>) -> Verdict {
    composed::of_no_service(cx, HAS_DESCRIPTOR.name, |container| {
        let name = clip(&container.name);
        let unknown = |why: Why, at| {
            let message = format!("a limit of `{name}` depends on what is not known here");
            Verdict::unknown(why, message, Evidence::context(at, why.decide()))
        };
        let (outcome, evidence) = match (of_container(&container), container.open) {
            (Err((why, at)), _) => return Some(unknown(why, at)),
            (Ok((outcome, _)), Some((why, at))) if outcome != Outcome::Pass => {
                return Some(unknown(why, at));
            }
            (Ok(found), _) => found,
        };
        let mut evidence = evidence.into_iter();
        let first = evidence.next()?;
        let verdict = match outcome {
            Outcome::Fail => Verdict::fail(
                format!("nothing limits memory or processor time of `{name}`: set both"),
                first,
            ),
            Outcome::Partial => Verdict::partial(
                format!("not all limits of `{name}` are set: memory and processor time"),
                first,
            ),
            _ => Verdict::pass("memory and processor time are limited", first),
        };
        Some(verdict.and_all(evidence))
    })
}

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let mut judged: Vec<(Outcome, Vec<Evidence>)> = Vec::new();
    for &id in &service.containers {
        match of_container(&cx.delivery[id]) {
            Ok(verdict) => judged.push(verdict),
            Err((why, at)) => {
                let message = "a limit depends on a variable: give it a default";
                return Verdict::unknown(why, message, Evidence::context(at, "a variable"));
            }
        }
    }
    // The worst first.
    judged.sort_by_key(|(outcome, _)| match outcome {
        Outcome::Fail => 0,
        Outcome::Partial => 1,
        _ => 2,
    });
    let best = judged.last().map(|(outcome, _)| *outcome);
    let worst = judged.first().map(|(outcome, _)| *outcome);
    let mut evidence = judged.into_iter().flat_map(|(_, evidence)| evidence);
    let (Some(worst), Some(best), Some(first)) = (worst, best, evidence.next()) else {
        return Verdict::not_applicable(
            "does not apply: nothing here is deployed",
            Evidence::context(service.place, "no container"),
        );
    };
    match (worst, best) {
        (Outcome::Fail, Outcome::Fail) => {
            let message = "nothing limits memory or processor time: set both";
            startup::unless_elsewhere(cx, service, Verdict::fail(message, first).and_all(evidence))
        }
        (Outcome::Fail, _) => {
            Verdict::partial("only some deployments have limits: set them in all", first)
                .and_all(evidence)
        }
        (Outcome::Partial, _) => {
            Verdict::partial("not all limits are set: set memory and processor time", first)
                .and_all(evidence)
        }
        _ => Verdict::pass("memory and processor time are limited", first).and_all(evidence),
    }
}

fn of_container(container: &Container) -> Result<(Outcome, Vec<Evidence>), (Why, Span)> {
    let limit = |fact: &Fact<String>| match fact {
        // Zero is no limit, nor is less.
        Fact::Known { value, at, .. }
            if value.bytes().any(|b| (b'1'..=b'9').contains(&b)) && !value.starts_with('-') =>
        {
            Ok(Some(at.span.unwrap_or(container.span)))
        }
        Fact::Known { .. } | Fact::Absent => Ok(None),
        Fact::Unknown(why, at) => Err((*why, at.unwrap_or(container.span))),
    };
    let (cpu, memory) = (limit(&container.cpu_limit)?, limit(&container.memory_limit)?);
    let kubernetes = matches!(container.kind, ContainerKind::Kubernetes { .. });
    Ok(match (cpu, memory) {
        (Some(cpu), Some(memory)) if kubernetes && container.requests.known() != Some(&true) => (
            Outcome::Partial,
            vec![
                Evidence::missing_in(container.span, "requests no memory and processor time"),
                Evidence::shows(cpu, "limits processor time"),
                Evidence::shows(memory, "limits memory"),
            ],
        ),
        (Some(cpu), Some(memory)) => (
            Outcome::Pass,
            vec![
                Evidence::shows(cpu, "limits processor time"),
                Evidence::shows(memory, "limits memory"),
            ],
        ),
        (Some(cpu), None) => (
            Outcome::Partial,
            vec![Evidence::contradicts(cpu, "limits processor time, no memory").part("memory")],
        ),
        (None, Some(memory)) => (
            Outcome::Partial,
            vec![Evidence::contradicts(memory, "limits memory, no processor time").part("cpu")],
        ),
        (None, None) => (
            Outcome::Fail,
            vec![
                Evidence::missing_in(container.span, "no limits of memory").part("memory"),
                Evidence::missing_in(container.span, "no limits of processor time").part("cpu"),
            ],
        ),
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let Some(service) = cx.service_of(finding) else {
        // What others made needs what its makers say, and a store all that it can get.
        let containers = mending::containers::against(cx, finding);
        let container = containers.into_iter().find(|container| mending::is_compose(container))?;
        let text = format!(
            "services:\n  {}:\n    mem_limit: 1g # measure it, with `docker stats`\n    cpus: \"2.0\"\n",
            container.name
        );
        let snippet = mending::snippet(cx.path(container.file), "yaml", text);
        let does = "limit memory and processor time to what it was measured to need";
        return Some(Fix::of_edits(does, Safety::Sketch, snippet, Vec::new()));
    };
    let container = &cx.delivery[*service.containers.first()?];
    let name = &container.name;
    let text = match &container.kind {
        ContainerKind::Compose { .. } => format!(
            "services:\n  {name}:\n    deploy:\n      resources:\n        limits:\n          cpus: \"1.0\"\n          memory: 512M\n"
        ),
        ContainerKind::Kubernetes { .. } => format!(
            "containers:\n  - name: {name}\n    resources:\n      requests: {{cpu: 250m, memory: 256Mi}}\n      limits: {{cpu: \"1\", memory: 512Mi}}\n"
        ),
    };
    let map = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), Data::scalar(*value)));
        Data::Map(pairs.collect())
    };
    let edits = mending::set_in_each(cx, service, |container| {
        // What is half set (in whatever way) is for whoever set it.
        if !container.cpu_limit.is_absent() || !container.memory_limit.is_absent() {
            return Vec::new();
        }
        // A database in too little memory is killed when it is needed most.
        if mending::containers::is_large(cx, container) {
            return Vec::new();
        }
        match &container.kind {
            ContainerKind::Compose { .. } => {
                let limits = map(&[("cpus", "\"1.0\""), ("memory", "512M")]);
                vec![("deploy", Data::map("resources", Data::map("limits", limits)))]
            }
            ContainerKind::Kubernetes { .. } => {
                let limits = map(&[("cpu", "\"1\""), ("memory", "512Mi")]);
                let mut resources = Vec::new();
                if container.requests.known() != Some(&true) {
                    let requests = map(&[("cpu", "250m"), ("memory", "256Mi")]);
                    resources.push(("requests".to_owned(), requests));
                }
                resources.push(("limits".to_owned(), limits));
                vec![("resources", Data::Map(resources))]
            }
        }
    });
    Some(Fix::of_edits(
        "limit memory and processor time; one core and 512 MB are a starting point: measure",
        Safety::Review,
        mending::snippet(cx.path(container.file), "yaml", text),
        edits,
    ))
}
