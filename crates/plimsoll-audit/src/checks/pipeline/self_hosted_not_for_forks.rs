//! # Strangers' proposals do not run on the organisation's own machines
//!
//! No job on a self-hosted runner is started by `pull_request`, `pull_request_target` or an event that
//! strangers cause.
//!
//! A pull request of a fork brings its own workflow and scripts. On a machine of the organisation they stay:
//! they see the network, the cache and the next job's secrets.
//!
//! Run proposals on GitHub's runners, and self-hosted jobs after the merge; or let the machine live for one job
//! and demand an approval for every outside contributor. In a private repository without forks it is no risk:
//! accept it there.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: pull_request
//! jobs:
//!   test:
//!     runs-on: [self-hosted, linux] # <- a machine of its own
//!     steps:
//!       - run: make test
//! ```
//!
//! By a matrix:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: pull_request
//! jobs:
//!   test:
//!     strategy: { matrix: { os: [ubuntu-latest, self-hosted] } }
//!     runs-on: ${{ matrix.os }} # <- a machine of its own
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: pull_request
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: self-hosted
//!     steps:
//!       - run: make test
//! ```
//!
//! For proposals of the repository itself only:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: pull_request
//! jobs:
//!   test:
//!     if: github.event.pull_request.head.repo.full_name == github.repository
//!     runs-on: self-hosted
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::pipeline::Job;

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/self-hosted-not-for-forks",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent {
                tool: "catalogue",
                rule: "runner-selfhosted-pr",
                relation: Relation::Same,
            },
            Equivalent { tool: "zizmor", rule: "self-hosted-runner", relation: Relation::Wider },
            Equivalent {
                tool: "poutine",
                rule: "pr_runs_on_self_hosted",
                relation: Relation::Same,
            },
            Equivalent { tool: "octoscan", rule: "runner-label", relation: Relation::Wider },
            Equivalent {
                tool: "kics",
                rule: "self_hosted_runner_in_pull_request_workflow",
                relation: Relation::Same,
            },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("self_hosted_not_for_forks.rs"),
    run: Run::Repository(run),
    fix: None,
};

/// The labels of a job's machines, those of its matrix among them.
fn labels(job: &Job) -> impl Iterator<Item = &str> {
    let of_matrix = job.matrix.iter().filter(|(name, _)| {
        let name = format!("matrix.{name}");
        job.labels.iter().any(|label| label.contains(&name))
    });
    let of_matrix = of_matrix.flat_map(|(_, values)| values).map(String::as_str);
    job.labels.iter().map(String::as_str).chain(of_matrix)
}

fn run(cx: &Cx<'_>) -> Verdict {
    let mut bad = Vec::new();
    for pipeline in workflows::github(cx) {
        let Some(trigger) =
            workflows::on(pipeline, &["pull_request"]).or_else(|| workflows::privileged(pipeline))
        else {
            continue;
        };
        for job in pipeline.jobs.iter().filter(|job| !workflows::is_own(job)) {
            let own = labels(job).any(|label| label.trim() == "self-hosted");
            if let Some(span) = job.runs_on.filter(|_| own) {
                let says = format!("a machine of its own, reached by `{}`", trigger.event);
                bad.push(Evidence::contradicts(span, says));
            }
        }
    }
    let wrong = "a pull request runs on a self-hosted machine: run proposals elsewhere";
    workflows::none(cx, bad, wrong, "no proposal of strangers runs on a self-hosted machine")
}
