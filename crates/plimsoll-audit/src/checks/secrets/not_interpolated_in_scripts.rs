//! # Secrets reach scripts as variables, not as text
//!
//! No `run:` script holds `${{ secrets.NAME }}` itself, nor does code given to an action.
//!
//! The value becomes part of the script's text: in the file that the runner writes, in the arguments of a process
//! for everybody on the machine to list, in a trace. A quote or a dollar in it breaks the script, or runs.
//!
//! Give it by name: `env: { TOKEN: "${{ secrets.TOKEN }}" }` and `"$TOKEN"`. It is PARTIAL.
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   push:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: echo "$PASSWORD" | docker login -u ci --password-stdin
//!         env: { PASSWORD: "${{ secrets.REGISTRY_PASSWORD }}" }
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   push:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker login -u ci -p ${{ secrets.REGISTRY_PASSWORD }} # <- part of the text
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No pipeline.
//! ```

use crate::conditions::RUNS_WORKFLOWS;
use crate::evidence::clip;
use crate::taint;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Section,
    Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/not-interpolated-in-scripts",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "sec-inline-run", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "template-injection", relation: Relation::Wider },
            Equivalent { tool: "checkov", rule: "CKV_GHA_3", relation: Relation::Wider },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("not_interpolated_in_scripts.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let all = workflows::live(cx)
        .flat_map(|pipeline| pipeline.expressions.iter().map(move |placed| (pipeline, placed)));
    let bad = all.filter(|(pipeline, placed)| taint::is_code(pipeline, placed)).filter_map(
        |(_, placed)| {
            let path = placed.expression.flowing().find(|path| path.starts_with("secrets."))?;
            let says = format!("`{}` becomes part of the text", clip(path));
            Some(Evidence::contradicts(placed.span, says))
        },
    );
    let bad = bad.collect();
    let (wrong, right) = (
        "a secret becomes part of a script's text: pass it in `env:`",
        "secrets reach scripts as variables",
    );
    workflows::judged(cx, bad, Verdict::partial, wrong, right, None)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::workflows::as_variables(cx, finding)
}
