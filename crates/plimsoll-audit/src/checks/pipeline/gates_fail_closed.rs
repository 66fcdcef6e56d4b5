//! # Tests, linters and scans of the pipeline fail when they find something
//!
//! No test, linter or scan of a pipeline that runs is told to succeed whatever it finds: not by a flag
//! of its own (`--exit-zero`), not by what stands around it (`|| true`, `continue-on-error: true`,
//! `allow_failure: true`, a pipe into `tee` without `pipefail`, an `if` that only says so), in the step
//! or in the script, Makefile or package script that it runs; not by a test that takes all but one
//! exit code for success, nor by `find -exec … \;`, which never fails for what its command says.
//!
//! A gate that cannot close is worse than none: everybody sees it green. A scanner that crashed, a
//! test that failed, a script that does not parse all pass through it.
//!
//! Let the tool's own exit status end the step; the fix, for review, does. Where a finding must wait, list it in the tool's
//! baseline or ignore file. Write `set -o pipefail` (or `shell: bash`) before a pipe, treat every exit
//! code but 0 as a failure, and give files to a checker by `find … -exec … {} +` or `xargs`.
//!
//! What only reports is no gate: a scan whose result a later command reads, one that never had a
//! threshold, a lenient run beside a strict one of the same tool. Linters weigh less than tests and scans.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: bandit -r app --exit-zero # <- whatever it finds
//!       - run: pytest 2>&1 | tee pytest.log # <- only the last command
//!       - run: npm audit || true # <- swallows
//!       - run: find ops -name "*.sh" -exec bash -n {} \; # <- never fails
//! ```
//!
//! By what follows it: without `set -e` only the last command's status counts, and `set -e` does not
//! look at what stands before `&&`.
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./ci/test.sh
//!       - run: npm test
//!       - run: |
//!           mypy src && ruff check src # <- swallows
//!           echo checked
//!       - run: |
//!           if pytest -q; then echo ok; else echo "::warning::tests failed"; fi # <- swallows
//! ```
//! `ci/test.sh`:
//! ```sh
//! #!/bin/sh
//! go test ./... # <- swallows
//! echo "tests done"
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "test": "jest || true" } } // <- swallows
//! ```
//!
//! Only one exit code:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           set +e
//!           trivy image --exit-code 1 --severity CRITICAL app:ci > /dev/null
//!           if [ $? -eq 1 ]; then # <- every other exit code
//!             echo RESULT=1 >> $GITHUB_ENV
//!           else
//!             echo RESULT=0 >> $GITHUB_ENV
//!           fi
//! ```
//!
//! By an input of an action:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: aquasecurity/trivy-action@0.24.0
//!         with:
//!           image-ref: acme/web:1.2.0
//!           exit-code: "0" # <- whatever it finds
//! ```
//!
//! GitLab's:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   script: pytest
//!   allow_failure: true # <- swallows
//! ```
//!
//! In every run of its matrix:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     strategy:
//!       matrix:
//!         experimental: [true]
//!     continue-on-error: ${{ matrix.experimental }} # <- swallows
//!     steps:
//!       - run: pytest
//! ```
//!
//! Nobody has to start it:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! scan:
//!   script: gitleaks detect
//!   when: manual # <- waits for somebody
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: bandit -r app # <- fails when it finds something
//!       - run: pytest 2>&1 | tee pytest.log # <- fails when it finds something
//!         shell: bash
//!       - run: npm audit # <- fails when it finds something
//!       - run: find ops -name "*.sh" -exec bash -n {} +
//! ```
//!
//! ## Passes
//!
//! A report that something reads, a lenient run beside a strict one:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: npm audit --json > audit.json || true
//!       - run: jq -e '.metadata.vulnerabilities.critical == 0' audit.json
//!       - run: |
//!           flake8 . --select=E9,F63 # <- fails when it finds something
//!           flake8 . --exit-zero --max-complexity=10
//!       - run: grype db status || true
//!       - run: |
//!           set +e
//!           pytest # <- fails when it finds something
//!           status=$?
//!           if [ $status -eq 1 ]; then echo failed; fi
//!           exit $status
//! ```
//!
//! Some runs of a matrix may fail, a status is kept until all have run:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     strategy:
//!       matrix:
//!         experimental: [true, false]
//!     continue-on-error: ${{ matrix.experimental }}
//!     steps:
//!       - run: pytest # <- fails when it finds something
//!       - run: |
//!           failed=0
//!           npm test || failed=1
//!           npm run lint || failed=1
//!           exit $failed
//! ```
//!
//! ## Cannot tell
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: [push, workflow_dispatch]
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pytest
//!         continue-on-error: ${{ vars.LENIENT == 'yes' }} # <- not followed
//! ```
//!
//! ## Does not apply
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   hello:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ls missing || true
//! ```
//!
//! ## See also
//!
//! - `build/unmasked-steps`, `scripts/no-dead-error-branch`

use std::collections::BTreeSet;

use plimsoll_model::mend::{Data, replace, shell};
use plimsoll_model::pipeline::{JobStep, Loss, LostGate, Role, RoleKind};
use plimsoll_source::{Edit, Span, TextRange};

use crate::conditions::RUNS_GATES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, Why, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/gates-fail-closed",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "proc-weakened", relation: Relation::Same },
            Equivalent { tool: "glsec", rule: "GL008", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL039", relation: Relation::Narrower },
        ],
    }],
    when: &[&RUNS_GATES],
    source: include_str!("gates_fail_closed.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut bad = Vec::new();
    let mut good = Vec::new();
    let mut unclear = None;
    for (_, job, step) in workflows::steps(workflows::started(cx)) {
        for lost in &step.lost {
            let says = match lost.how {
                Loss::Flag => "a flag makes it succeed whatever it finds",
                Loss::Masked => "swallows the failure of a gate",
                Loss::Pipe => "of this pipe only the last command's failure counts",
                Loss::OneCode => "every other exit code passes for success",
                Loss::FindExec => "`find` never fails for what this command says",
                Loss::ByHand => "waits for somebody to start it, and nothing waits for that",
                Loss::Unclear => {
                    unclear.get_or_insert(lost.span);
                    continue;
                }
            };
            let evidence = Evidence::contradicts(lost.span, says);
            let lesser = matches!(lost.kind, RoleKind::Lint | RoleKind::Typecheck);
            bad.push(if lesser { evidence.severity(Severity::High) } else { evidence });
        }
        let gates = step.roles.iter().filter(|role| {
            let lenient = ["--exit-zero", "--soft-fail", "--no-fail"];
            role.masked.is_none()
                && job.by_hand.is_none()
                && heeds(step, role)
                && role.span.file == step.span.file
                && is_gate(role.kind)
                && !role.words.iter().any(|word| lenient.contains(&&**word))
        });
        good.extend(gates.map(|role| Evidence::shows(role.span, "fails when it finds something")));
    }
    let wrong = "a gate of the pipeline cannot fail: let its exit status end the step";
    let right = "tests, linters and scans of the pipeline fail when they find something";
    if let Some(at) = unclear.filter(|_| bad.is_empty()) {
        let says = "what is made of its failure is not followed";
        let place = Evidence::context(at, says);
        return Verdict::unknown(Why::Unsupported, "whether a gate can fail is not known", place);
    }
    workflows::judged(cx, bad, Verdict::fail, wrong, right, good)
}

/// Whether a scan ends its step when it finds something: Trivy only where it is told to.
fn heeds(step: &JobStep, role: &Role) -> bool {
    if role.kind == (RoleKind::ScanImage { blocking: false }) {
        return false;
    }
    let code = |code: &str| code.trim().parse::<u32>().is_ok_and(|code| code != 0);
    let action = role.words.first().is_some_and(|word| word.contains("trivy-action"));
    let called = role.words.first().is_some_and(|word| word.ends_with("trivy"));
    let mut pairs = role.words.windows(2);
    match (action, called) {
        (true, _) => workflows::input(step, "exit-code").is_some_and(|(text, _)| code(text)),
        (_, true) => {
            pairs.any(|pair| pair[0] == "--exit-code" && code(&pair[1]))
                || role.words.iter().filter_map(|w| w.strip_prefix("--exit-code=")).any(code)
        }
        _ => true,
    }
}

fn is_gate(kind: RoleKind) -> bool {
    use RoleKind as K;
    matches!(
        kind,
        K::Test | K::Lint | K::Typecheck | K::ScanImage { .. } | K::ScanFiles | K::ScanSecrets
    )
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: BTreeSet<Span> = mending::against(finding).collect();
    let mut edits = BTreeSet::new();
    for (.., step) in workflows::steps(workflows::started(cx)) {
        for lost in step.lost.iter().filter(|lost| places.contains(&lost.span)) {
            edits.extend(closed(cx, step, lost).unwrap_or_default());
        }
    }
    let does = "let it fail when it finds something: what it finds today ends the step";
    let edits: Vec<Edit> = edits.into_iter().collect();
    Some(Fix::of_edits(does, Safety::Review, None, edits)).filter(|fix| fix.patch.is_some())
}

/// Whether a workflow or a step says by its name that it does what it can, and no more.
fn is_best_effort(path: &str, step: &JobStep) -> bool {
    const WORDS: [&str; 8] =
        ["autofix", "beta", "canary", "experimental", "fix", "format", "nightly", "optional"];
    let file = path.rsplit('/').next().unwrap_or(path);
    [Some(file), step.name.as_deref()].into_iter().flatten().any(|name| {
        let name = name.to_ascii_lowercase();
        name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
    })
}

/// What lets the failure of a gate count.
fn closed(cx: &Cx<'_>, step: &JobStep, lost: &LostGate) -> Option<Vec<Edit>> {
    let document = mending::document(cx, lost.span.file)?;
    let in_script = || step.run.as_ref().filter(|(text, _)| text.file() == lost.span.file);
    match lost.how {
        Loss::Masked => {
            let unmasked = in_script().and_then(|(text, script)| {
                shell::unmask(&cx.delivery.tree, text, script, lost.gate)
            });
            // A workflow that mends or tries something may go on without it: that is for who wrote it.
            let meant = || is_best_effort(cx.path(lost.span.file), step);
            Some(vec![unmasked.or_else(|| document.remove(lost.span).filter(|_| !meant()))?])
        }
        Loss::Flag => {
            let (text, script) = in_script()?;
            let words = shell::words(text, script, lost.gate)?;
            let flags = ["--exit-zero", "--soft-fail", "--no-fail"];
            let at = words.iter().position(|(word, _)| flags.contains(&&**word))?;
            // With the blanks before it.
            let (before, (_, flag)) = (words.get(at.checked_sub(1)?)?.1, words.get(at)?);
            let range = TextRange::new(before.range.end, flag.range.end);
            Some(vec![replace(Span::new(flag.file, range), "")])
        }
        Loss::Pipe => {
            let map = document.map_at(step.span)?;
            let free = map.get("shell").is_none() && map.get("run").is_some();
            free.then(|| document.set_behind(map, "run", "shell", &Data::scalar("bash")))?
        }
        Loss::FindExec => {
            let written = cx.text_of(lost.span)?;
            let tail = ["\\;", "';'", "\";\""].into_iter().find(|tail| written.ends_with(tail))?;
            let end = lost.span.range.end;
            let start = end - u32::try_from(tail.len()).ok()?;
            Some(vec![replace(Span::new(lost.span.file, TextRange::new(start, end)), "+")])
        }
        Loss::OneCode | Loss::ByHand | Loss::Unclear => None,
    }
}
