//! # Jobs do not run a Docker daemon of their own without TLS
//!
//! No job has a `docker:dind` service, none talks to a daemon without TLS (`tcp://docker:2375`, an empty
//! `DOCKER_TLS_CERTDIR`).
//!
//! A daemon in a container needs a privileged runner: whoever gets code into the job has the machine and every
//! later job on it. Without TLS all containers beside it may command the daemon.
//!
//! Build with BuildKit rootless, Kaniko's successors or a remote builder. Where it must be a daemon, on runners
//! of its own and with TLS, it is PARTIAL.
//!
//! ## Fails
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! variables:
//!   DOCKER_HOST: tcp://docker:2375 # <- without TLS
//!   DOCKER_TLS_CERTDIR: ""
//! build:
//!   services: ["docker:27-dind"] # <- a daemon
//!   script: docker build .
//! ```
//!
//! ## Fixed
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! build:
//!   image: moby/buildkit:rootless
//!   script: buildctl-daemonless.sh build --frontend dockerfile.v0
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker build .
//! ```
//!
//! ## Partial
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! build:
//!   services: ["docker:27-dind"] # <- a daemon
//!   variables: { DOCKER_TLS_CERTDIR: "/certs" }
//!   script: docker build .
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use std::collections::BTreeSet;

use crate::conditions::RUNS_PIPELINES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Section,
    Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/no-docker-in-docker",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "daemon",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "iso-dind", relation: Relation::Same },
                Equivalent { tool: "glsec", rule: "GL054", relation: Relation::Same },
            ],
        },
        Part {
            name: "plaintext",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "iso-dind", relation: Relation::Wider },
                Equivalent { tool: "glsec", rule: "GL031", relation: Relation::Same },
            ],
        },
    ],
    when: &[&RUNS_PIPELINES],
    source: include_str!("no_docker_in_docker.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut daemons) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for job in workflows::started(cx).flat_map(|pipeline| &pipeline.jobs) {
        for (image, span) in job.containers.iter().filter_map(|c| c.image.as_ref()) {
            let tag = image.rsplit(':').next().unwrap_or_default();
            let docker = image.contains("docker") && (tag == "dind" || tag.ends_with("-dind"));
            if docker && !tag.contains("rootless") && seen.insert(*span) {
                let says = "a daemon of its own: its runner is privileged";
                daemons.push(Evidence::contradicts(*span, says).part("daemon"));
            }
        }
        let steps = job.steps.iter().flat_map(|step| &step.env);
        for (name, value, span) in job.env.iter().chain(steps) {
            let value = value.known().map(|value| value.trim());
            let open = match &**name {
                "DOCKER_HOST" => {
                    value.is_some_and(|v| v.starts_with("tcp:") && v.ends_with(":2375"))
                }
                "DOCKER_TLS_CERTDIR" => value == Some(""),
                _ => false,
            };
            if open && seen.insert(*span) {
                let says = "the daemon is spoken to without TLS";
                bad.push(Evidence::contradicts(*span, says).part("plaintext"));
            }
        }
    }
    let right = "no job runs a Docker daemon of its own";
    if bad.is_empty() {
        let wrong =
            "a job runs a Docker daemon of its own on a privileged runner: build without one";
        return workflows::judged(cx, daemons, Verdict::partial, wrong, right, None);
    }
    bad.extend(daemons);
    workflows::none(
        cx,
        bad,
        "a Docker daemon is spoken to without TLS: use its certificates",
        right,
    )
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "build without a daemon, or by one of your own that is reached with TLS";
    let text = "script:\n  - buildah build --tag \"$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA\" .\n  - \
                buildah push \"$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA\"\n";
    mending::sketched(cx, finding, does, "yaml", text)
}
