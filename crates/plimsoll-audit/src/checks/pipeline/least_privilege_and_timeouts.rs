//! # Workflows say what their token may do, how long they may take and how often
//!
//! Every workflow sets `permissions` at its top or in each of its jobs, and none asks for everything
//! (`write-all`); every job has `timeout-minutes`; a workflow of pull requests has `concurrency`.
//!
//! Without `permissions` the token has what the repository's settings give, in many repositories the
//! right to write everything; a hijacked action then pushes code. A job that hangs bills six hours, and
//! each push to a pull request starts another one beside it.
//!
//! Write `permissions: {}` or `contents: read` at the top and what a job needs into that job; a
//! `timeout-minutes` of twice what it takes; `concurrency` with `cancel-in-progress` for pull requests.
//! Without permissions it FAILs; where only limits are missing, or a right to write stands at the top
//! of several jobs, it is PARTIAL. The fix, for review, gives the right to read to a workflow whose steps are
//! known to need no more, half an hour to each job (an hour and a half where images are built), and ends what a newer push makes useless. A workflow that only others call has what its caller gives.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: pull_request # <- sets no `permissions`
//! jobs:
//!   test: # <- no `timeout-minutes`
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! Everything at once:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! permissions: write-all # <- every permission
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     timeout-minutes: 10
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: pull_request
//! permissions:
//!   contents: read # <- says what its token may do
//! concurrency:
//!   group: ${{ github.workflow }}-${{ github.ref }}
//!   cancel-in-progress: true
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     timeout-minutes: 30
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
//!     permissions: { contents: read } # <- says what its token may do
//!     runs-on: ubuntu-latest
//!     timeout-minutes: 10
//!     steps:
//!       - run: make test
//!   called:
//!     permissions: {}
//!     uses: ./.github/workflows/called.yml
//! ```
//! `.github/workflows/called.yml`:
//! ```yaml
//! on: workflow_call
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     timeout-minutes: 10
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: [push, pull_request] # <- no `concurrency`
//! permissions:
//!   contents: read
//! jobs:
//!   test: # <- no `timeout-minutes`
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! For every job:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! permissions:
//!   contents: write # <- every job may write
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     timeout-minutes: 10
//!     steps:
//!       - run: make test
//!   tag:
//!     runs-on: ubuntu-latest
//!     timeout-minutes: 10
//!     steps:
//!       - run: git push --tags
//! ```
//!
//! ## Does not apply
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   script: make test
//! ```

use plimsoll_model::mend::Data;
use plimsoll_model::pipeline::{Pipeline, RoleKind};
use plimsoll_source::{Edit, Span};

use crate::conditions::RUNS_WORKFLOWS;
use crate::evidence::{Place, Role};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/least-privilege-and-timeouts",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "permissions",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "perm-missing", relation: Relation::Same },
                Equivalent {
                    tool: "zizmor",
                    rule: "excessive-permissions",
                    relation: Relation::Wider,
                },
                Equivalent {
                    tool: "scorecard",
                    rule: "Token-Permissions",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "checkov", rule: "CKV2_GHA_1", relation: Relation::Wider },
                Equivalent {
                    tool: "kics",
                    rule: "unspecified_workflows_permissions",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "poutine",
                    rule: "default_permissions_on_risky_events",
                    relation: Relation::Narrower,
                },
            ],
        },
        Part {
            name: "blanket",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "perm-write-all", relation: Relation::Same },
                Equivalent { tool: "catalogue", rule: "perm-wide", relation: Relation::Wider },
                Equivalent {
                    tool: "zizmor",
                    rule: "excessive-permissions",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "checkov", rule: "CKV2_GHA_1", relation: Relation::Wider },
                Equivalent {
                    tool: "kics",
                    rule: "workflow_write_all_permissions",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "kics",
                    rule: "workflow_with_overly_permissive_permissions",
                    relation: Relation::Wider,
                },
            ],
        },
        Part {
            name: "timeout",
            equivalents: &[Equivalent {
                tool: "catalogue",
                rule: "proc-timeout",
                relation: Relation::Same,
            }],
        },
        Part {
            name: "concurrency",
            equivalents: &[
                Equivalent {
                    tool: "catalogue",
                    rule: "proc-concurrency",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "zizmor",
                    rule: "concurrency-limits",
                    relation: Relation::Wider,
                },
            ],
        },
    ],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("least_privilege_and_timeouts.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut partial, mut good) = (Vec::new(), Vec::new(), Vec::new());
    for pipeline in workflows::github(cx) {
        rights(cx, pipeline, &mut bad, &mut partial, &mut good);
        let start = cx.start_of(pipeline.file);
        // What is only labelled or closed has no new push to run for.
        let changes = workflows::on(pipeline, &["pull_request"]).filter(|trigger| {
            trigger.types.is_empty() || trigger.types.iter().any(|kind| kind == "synchronize")
        });
        if let Some(trigger) = changes
            && pipeline.concurrency.is_none()
            && pipeline.jobs.iter().all(|job| job.concurrency.is_none())
        {
            let place = if pipeline.permissions.is_empty() { start } else { trigger.span };
            let says = "no `concurrency`: each push to a pull request runs beside the last";
            let evidence = Evidence::missing_in(place, says).part("concurrency");
            partial.push(evidence.severity(Severity::Low));
        }
        let calls = |job: &&plimsoll_model::pipeline::Job| job.runs_on.is_none();
        for job in pipeline.jobs.iter().filter(|job| job.timeout.is_none() && !calls(job)) {
            let evidence = Evidence::missing_in(job.span, "no `timeout-minutes`").part("timeout");
            partial.push(evidence.severity(Severity::Low));
        }
    }
    let right = "workflows limit what their token may do, how long they take and how often";
    if bad.is_empty() {
        let wrong =
            "workflows have limits missing: set timeouts, concurrency and rights for each job";
        return workflows::judged(cx, partial, Verdict::partial, wrong, right, good);
    }
    bad.extend(partial);
    let wrong =
        "a workflow's token may do more than it needs: set `permissions` to what each job needs";
    workflows::none(cx, bad, wrong, right)
}

/// What is wrong with the permissions of a workflow.
fn rights(
    cx: &Cx<'_>,
    pipeline: &Pipeline,
    bad: &mut Vec<Evidence>,
    partial: &mut Vec<Evidence>,
    good: &mut Vec<Evidence>,
) {
    let own = pipeline.jobs.iter().filter_map(|job| job.permissions.as_ref());
    for (scope, level, span) in pipeline.permissions.iter().chain(own.flatten()) {
        match (&**scope, &**level) {
            ("*", "write") => {
                bad.push(Evidence::contradicts(*span, "gives every permission").part("blanket"));
            }
            ("*", "read") => {
                let says = "gives every permission to read: name what is needed";
                let evidence = Evidence::contradicts(*span, says).part("blanket");
                partial.push(evidence.severity(Severity::Low));
            }
            _ => {}
        }
    }
    // What one job alone needs is as narrow at the top.
    let wide =
        pipeline.permissions.iter().filter(|(scope, level, _)| scope != "*" && level == "write");
    let alone = pipeline.jobs.len() == 1;
    if !alone && pipeline.jobs.iter().any(|job| job.permissions.is_none()) {
        partial.extend(wide.map(|(scope, _, span)| {
            let says = format!("every job may write `{scope}`: give it to the job that does");
            Evidence::contradicts(*span, says).part("blanket").severity(Severity::Medium)
        }));
    }
    let called = !pipeline.triggers.is_empty()
        && pipeline.triggers.iter().all(|trigger| trigger.event == "workflow_call");
    let open = pipeline.jobs.iter().any(|job| job.permissions.is_none());
    if pipeline.permissions.is_empty() && open && !called {
        let place = cx.start_of(pipeline.file);
        bad.push(Evidence::missing_in(place, "sets no `permissions`").part("permissions"));
    } else {
        let first = pipeline
            .permissions
            .first()
            .or_else(|| pipeline.jobs.iter().find_map(|job| job.permissions.as_ref()?.first()));
        good.extend(first.map(|(.., span)| {
            Evidence::shows(*span, "says what its token may do").part("permissions")
        }));
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let mut edits = Vec::new();
    for pipeline in workflows::github(cx) {
        edits.extend(limits(cx, finding, pipeline).unwrap_or_default());
    }
    let text = "permissions:\n  contents: read\n";
    let at = finding.evidence.iter().find_map(|e| e.file());
    let sample = at.and_then(|file| mending::snippet(cx.path(file), "yaml", text));
    let does = "limit its token to reading, jobs to half an hour (90 minutes with images: starting \
                points, look at how long they take), runs to the newest";
    Some(Fix::of_edits(does, Safety::Review, sample, edits))
}

/// What a workflow lacks of permissions, limits of time and concurrency.
fn limits(cx: &Cx<'_>, finding: &Finding, pipeline: &Pipeline) -> Option<Vec<Edit>> {
    let lacks = |part: &str, at: Option<Span>| {
        finding.evidence.iter().any(|evidence| {
            let there = at.is_none_or(|at| evidence.place == Place::Span(at));
            let open = evidence.role == Role::Missing && evidence.waived.is_none();
            open && evidence.part == part && there && evidence.file() == Some(pipeline.file)
        })
    };
    let document = mending::document(cx, pipeline.file)?;
    let mut edits = Vec::new();
    let scalar = |key: &str, value: &str| (key.to_owned(), Data::scalar(value));
    if lacks("permissions", None) && mending::workflows::only_reads(pipeline) {
        let read = Data::Map(vec![scalar("contents", "read")]);
        edits.extend(document.set_before("jobs", "permissions", "permissions:", &read));
    }
    if lacks("concurrency", None) {
        let cancel = match mending::workflows::only_proposes(pipeline) {
            true => "true",
            false => "${{ github.event_name == 'pull_request' }}",
        };
        let group = scalar("group", "${{ github.workflow }}-${{ github.ref }}");
        let data = Data::Map(vec![group, scalar("cancel-in-progress", cancel)]);
        edits.extend(document.set_before("jobs", "concurrency", "concurrency:", &data));
    }
    for job in pipeline.jobs.iter().filter(|job| lacks("timeout", Some(job.span))) {
        // Images for several platforms are emulated, and take long.
        let builds = job.steps.iter().any(|step| {
            workflows::action(step).is_some_and(|name| name.starts_with("docker/"))
                || step.roles.iter().any(|role| role.kind == RoleKind::BuildImage)
        });
        let late = Data::scalar(if builds { "90" } else { "30" });
        let set = document
            .map_at(job.span)
            .and_then(|map| document.set_behind(map, "runs-on", "timeout-minutes", &late));
        edits.extend(set.unwrap_or_default());
    }
    Some(edits)
}
