//! # Every condition can be false
//!
//! No `if:` holds more than one expression in `${{ }}`: text around it, or the line break that `|` leaves at its
//! end.
//!
//! GitHub puts the value into the text, and a text that is not empty is true. A deployment that should wait for
//! `main` runs for every branch.
//!
//! Write the condition without braces: `if: github.ref == 'refs/heads/main'`; over several lines with `>-`.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     if: ${{ github.ref == 'refs/heads/main' }} && ${{ github.actor != 'x' }} # <- always true
//!     steps:
//!       - run: ./deploy.sh
//!         if: | # <- always true
//!           ${{ github.event_name == 'push' }}
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     if: ${{ github.ref == 'refs/heads/main' && github.actor != 'x' }}
//!     steps:
//!       - run: ./deploy.sh
//!         if: ${{ github.event_name == 'push' }}
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh
//!         if: >-
//!           ${{ github.event_name == 'push'
//!               && github.ref == 'refs/heads/main' }}
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use std::collections::BTreeSet;

use plimsoll_model::pipeline::Slot;

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/conditions-can-be-false",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "cond-always-true", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "unsound-condition", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "if-cond", relation: Relation::Wider },
            Equivalent { tool: "poutine", rule: "if_always_true", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("conditions_can_be_false.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut seen = BTreeSet::new();
    let all = workflows::live(cx).flat_map(|pipeline| &pipeline.expressions);
    let bad = all
        .filter(|placed| placed.slot == Slot::Condition && placed.partial)
        .filter(|placed| seen.insert(placed.value))
        .map(|placed| Evidence::contradicts(placed.value, "a text, and so always true"));
    let bad = bad.collect();
    let wrong = "a condition is always true: put all of it into one expression";
    workflows::none(cx, bad, wrong, "every condition can be false")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let edits = mending::in_places(cx, finding, |document, at| {
        document.rewrite_whole(at, &one_expression(&cx.text_of(at)?)?)
    });
    let does = "put all of the condition into one expression: what always ran may now be left out";
    let fix = Fix::of_edits(does, Safety::Review, None, edits);
    fix.patch.is_some().then_some(fix)
}

/// A condition with text around its expressions, as one; `None` where that text is more than operators,
/// or YAML would read the result otherwise.
fn one_expression(written: &str) -> Option<String> {
    let text = written.trim();
    // The indicator of a block and its chomping.
    let text = match text.starts_with(['|', '>']) {
        true => text.split_once('\n')?.1.trim(),
        false => text,
    };
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${{") {
        let (inner, behind) = after.split_once("}}")?;
        out += before;
        let inner = inner.trim();
        let loose = inner.contains("&&") || inner.contains("||");
        let alone = before.trim().is_empty() && behind.trim().is_empty() && out.trim().is_empty();
        out += &if loose && !alone { format!("({inner})") } else { inner.to_owned() };
        if !before.bytes().all(is_operator) {
            return None;
        }
        rest = behind;
    }
    let joined = format!("{out}{rest}");
    let one: Vec<&str> = joined.split_whitespace().collect();
    let one = one.join(" ");
    let plain = rest.bytes().all(is_operator) && !one.contains(": ") && !one.contains(" #");
    plain.then(|| format!("${{{{ {one} }}}}"))
}

const fn is_operator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'&' | b'|' | b'!' | b'(' | b')')
}

#[cfg(test)]
mod tests {
    use super::one_expression;

    #[test]
    fn what_stands_around_expressions_joins_them() {
        for (written, expected) in [
            ("${{ a }} && ${{ b || c }}", Some("${{ a && (b || c) }}")),
            ("!${{ a }}", Some("${{ !a }}")),
            ("|\n  ${{ a ||\n     b }}\n", Some("${{ a || b }}")),
            ("${{ a }} == 'x'", None),
            ("'${{ a }}' && ${{ b }}", None),
            ("${{ a }} && ${{ b", None),
            ("${{ a == ': ' }} && b", None),
        ] {
            assert_eq!(one_expression(written).as_deref(), expected, "{written}");
        }
    }
}
