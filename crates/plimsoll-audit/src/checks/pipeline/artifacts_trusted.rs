//! # What a stranger's run made is data, not code
//!
//! A workflow that another one's end starts (`workflow_run`) and that takes the artifacts of that run puts them
//! beside the work tree, and runs nothing of them.
//!
//! The run before may have been a stranger's proposal: it decides what is in the artifact. Unpacked over the work
//! tree, it replaces the script, the action or the manifest that the next step runs, with the repository's token
//! and secrets.
//!
//! Download to a directory of its own, `path: ${{ runner.temp }}/artifact`, read single values of it, and compare
//! them with what they may be (a number, a list of names). Or let the job run only for the repository's own runs:
//! `github.event.workflow_run.head_repository.full_name == github.repository`. PARTIAL: it is unpacked over the work
//! tree, and nothing is run.
//!
//! ## Fails
//!
//! `.github/workflows/report.yml`:
//! ```yaml
//! on:
//!   workflow_run:
//!     workflows: [CI]
//!     types: [completed]
//! jobs:
//!   report:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!       - uses: actions/download-artifact@v4 # <- over the work tree
//!         with:
//!           run-id: ${{ github.event.workflow_run.id }}
//!           github-token: ${{ github.token }}
//!       - run: npm run report # <- runs it
//! ```
//!
//! By another action, and from a directory of its own:
//!
//! `.github/workflows/report.yml`:
//! ```yaml
//! on:
//!   workflow_run:
//!     workflows: [CI]
//! jobs:
//!   report:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: dawidd6/action-download-artifact@v6 # <- of a run that strangers start
//!         with:
//!           workflow: ci.yml
//!           path: built
//!       - run: bash built/publish.sh # <- runs it
//! ```
//!
//! What it holds becomes the environment of later steps:
//!
//! `.github/workflows/report.yml`:
//! ```yaml
//! on:
//!   workflow_run:
//!     workflows: [CI]
//! jobs:
//!   report:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: gh run download "$RUN" --dir made # <- of a run that strangers start
//!         env:
//!           RUN: ${{ github.event.workflow_run.id }}
//!       - run: cat made/values >> "$GITHUB_ENV" # <- runs it
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/report.yml`:
//! ```yaml
//! on:
//!   workflow_run:
//!     workflows: [CI]
//!     types: [completed]
//! jobs:
//!   report:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!       - uses: actions/download-artifact@v4
//!         with:
//!           run-id: ${{ github.event.workflow_run.id }}
//!           github-token: ${{ github.token }}
//!           path: ${{ runner.temp }}/artifact
//!       - run: npm run report -- "$(tr -cd 0-9 < "$RUNNER_TEMP/artifact/number")"
//! ```
//!
//! ## Passes
//!
//! Its own artifacts, and those of the repository's own runs:
//!
//! `.github/workflows/report.yml`:
//! ```yaml
//! on:
//!   workflow_run:
//!     workflows: [CI]
//! jobs:
//!   report:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/download-artifact@v4
//!       - run: ./publish.sh
//!   own:
//!     if: github.event.workflow_run.head_repository.full_name == github.repository
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/download-artifact@v4
//!         with:
//!           run-id: ${{ github.event.workflow_run.id }}
//!       - run: ./publish.sh
//! ```
//!
//! Checking out afterwards takes away what was there:
//!
//! `.github/workflows/report.yml`:
//! ```yaml
//! on:
//!   workflow_run:
//!     workflows: [CI]
//! jobs:
//!   report:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/download-artifact@v4
//!         with:
//!           run-id: ${{ github.event.workflow_run.id }}
//!       - run: echo "$(cat number)"
//!       - uses: actions/checkout@v4
//!       - run: make report
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/report.yml`:
//! ```yaml
//! on:
//!   workflow_run:
//!     workflows: [CI]
//! jobs:
//!   report:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!       - uses: actions/download-artifact@v4 # <- over the work tree
//!         with:
//!           run-id: ${{ github.event.workflow_run.id }}
//!       - uses: actions/github-script@v7
//!         with:
//!           script: console.log("done")
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::pipeline::{Command, Job, JobStep};
use plimsoll_source::Span;

use super::no_untrusted_checkout::runs;
use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/artifacts-trusted",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CICD-SEC-4"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "art-poison", relation: Relation::Same },
            Equivalent {
                tool: "codeql",
                rule: "actions/artifact-poisoning/critical",
                relation: Relation::Same,
            },
            Equivalent { tool: "zizmor", rule: "dangerous-triggers", relation: Relation::Wider },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("artifacts_trusted.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut idle) = (Vec::new(), Vec::new());
    let after_others =
        workflows::github(cx).filter(|p| workflows::on(p, &["workflow_run"]).is_some());
    for job in after_others.flat_map(|p| &p.jobs).filter(|job| !is_of_own_runs(job)) {
        let mut taken: Option<Taken> = None;
        for step in &job.steps {
            if let Some(found) = takes(step) {
                let over = found.dir.is_none();
                taken = Some(found);
                if over {
                    continue;
                }
            } else if workflows::action(step).as_deref() == Some("actions/checkout") {
                // It empties the work tree.
                taken = taken.filter(|taken| taken.dir.is_some());
            }
            let Some(used) = taken.as_ref().and_then(|taken| taken.used_by(step)) else { continue };
            let taken = taken.take().map(|taken| taken.evidence());
            bad.extend(taken.into_iter().chain([Evidence::contradicts(used, "runs it")]));
            break;
        }
        idle.extend(taken.filter(|taken| taken.dir.is_none()).map(|taken| taken.evidence()));
    }
    let right = "no workflow runs what a stranger's run made";
    if bad.is_empty() {
        let wrong = "what a stranger's run made is unpacked over the work tree: set `path`";
        return workflows::judged(cx, idle, Verdict::partial, wrong, right, None);
    }
    let wrong = "a workflow runs what a stranger's run made: download it beside the work tree";
    workflows::none(cx, bad, wrong, right)
}

/// Artifacts of another run.
struct Taken {
    at: Span,
    /// Where they are put; `None` is the work tree.
    dir: Option<String>,
}

impl Taken {
    fn evidence(&self) -> Evidence {
        let says = match self.dir {
            None => "unpacks over the work tree what a run that strangers start has made",
            Some(_) => "takes what is made by others, of a run that strangers start",
        };
        Evidence::contradicts(self.at, says)
    }

    /// Where a step runs something of it.
    fn used_by(&self, step: &JobStep) -> Option<Span> {
        let Some(dir) = &self.dir else { return runs(step).or_else(|| becomes_environment(step)) };
        let of_it = |word: &String| {
            let word = word.trim_start_matches("./").replace("${RUNNER_TEMP}", "$RUNNER_TEMP");
            word == *dir || word.strip_prefix(&**dir).is_some_and(|rest| rest.starts_with('/'))
        };
        const RUN: [&str; 9] =
            ["bash", "sh", "source", ".", "node", "python", "python3", "npm", "make"];
        let after = |command: &&Command| {
            command.span.file != self.at.file || command.span.range.start > self.at.range.start
        };
        let command = step.commands.iter().filter(after).find(|command| {
            let [program, arguments @ ..] = command.words.as_slice() else { return false };
            of_it(program) || RUN.contains(&&**program) && arguments.iter().any(of_it)
        });
        let local = step.uses.as_ref().filter(|(uses, _)| of_it(uses));
        let reads = step.commands.iter().any(|command| command.words.iter().any(of_it));
        let environment = becomes_environment(step).filter(|_| reads);
        command.map(|command| command.span).or(local.map(|(_, at)| *at)).or(environment)
    }
}

/// Where a step reads a file into the environment of later steps.
fn becomes_environment(step: &JobStep) -> Option<Span> {
    let found = step.commands.iter().find(|command| {
        let into = command
            .stdout
            .as_deref()
            .is_some_and(|file| file.contains("GITHUB_ENV") || file.contains("GITHUB_PATH"));
        into && command.words.first().is_some_and(|word| word == "cat")
    });
    found.map(|command| command.span)
}

/// What a step takes of another run.
fn takes(step: &JobStep) -> Option<Taken> {
    let dir = |given: &str| {
        let given = given.trim_start_matches("./").trim_end_matches('/');
        let own = !matches!(given, "" | "." | "${{ github.workspace }}" | "$GITHUB_WORKSPACE");
        own.then(|| {
            given
                .replace("${{ runner.temp }}", "$RUNNER_TEMP")
                .replace("${{runner.temp}}", "$RUNNER_TEMP")
        })
    };
    let action = workflows::action(step).unwrap_or_default();
    let of_another = match &*action {
        "actions/download-artifact" => workflows::input(step, "run-id").is_some(),
        "dawidd6/action-download-artifact" => true,
        _ => false,
    };
    if of_another {
        let path = workflows::input(step, "path").map_or("", |(path, _)| path);
        return Some(Taken { at: step.span, dir: dir(path) });
    }
    step.commands.iter().find_map(|command| {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        let ["gh", "run", "download", rest @ ..] = words.as_slice() else { return None };
        let flag = rest.iter().position(|word| matches!(*word, "--dir" | "-D"));
        let value = flag.and_then(|at| rest.get(at + 1)).copied();
        let joined = rest.iter().find_map(|word| word.strip_prefix("--dir="));
        Some(Taken { at: command.span, dir: dir(value.or(joined).unwrap_or("")) })
    })
}

/// Whether a job is only for runs of the repository itself: of its own branches, or of what nobody
/// outside can start.
fn is_of_own_runs(job: &Job) -> bool {
    let condition = job.condition.as_ref().map_or("", |(text, _)| text);
    let squeezed: String = condition.chars().filter(|c| !c.is_whitespace()).collect();
    let event = |name: &str| squeezed.contains(&format!("workflow_run.event=='{name}'"));
    workflows::is_own(job)
        || !squeezed.contains("||") && ["push", "schedule", "release"].into_iter().any(event)
}
