//! `cargo xtask conformance [SUITE]…`: the cases of other tools, each answered by the parts of our
//! checks that name the case's rule.
//!
//! A case is a text and whether its author's rule fires on it. The text becomes a tree of one file,
//! the tree is audited, and our answer is «fires» where some evidence against a part speaks that
//! names the rule among its equivalents. Rules that no part names are counted, not guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plimsoll_audit::{Outcome, Policy, Report, all, audit};
use plimsoll_source::Tree;
use serde_json::Value;

use crate::{read, root};

/// A suite below the folder of cases, what its tool is called here, and the file its text is.
struct Suite {
    path: &'static str,
    tool: &'static str,
    file: &'static str,
}

const fn suite(path: &'static str, tool: &'static str, file: &'static str) -> Suite {
    Suite { path, tool, file }
}

/// Suites whose cases are one file each.
const SUITES: [Suite; 22] = [
    suite("compose/compose-lint/cases", "compose-lint", "compose.yaml"),
    suite("compose/kics/cases", "kics", "compose.yaml"),
    suite("compose/dclint/cases", "dclint", "compose.yaml"),
    suite("dockerfile/buildkit/cases", "buildkit", "Dockerfile"),
    suite("dockerfile/buildkit/docs", "buildkit", "Dockerfile"),
    suite("dockerfile/checkov/cases", "checkov", "Dockerfile"),
    suite("dockerfile/droast/cases", "droast", "Dockerfile"),
    suite("dockerfile/kics/cases", "kics", "Dockerfile"),
    suite("dockerfile/trivy/examples", "trivy", "Dockerfile"),
    suite("dockerfile/trivy/rego_tests", "trivy", "Dockerfile"),
    suite("k8s/kics/cases", "kics", "k8s/case.yaml"),
    suite("k8s/kube-linter/cases", "kube-linter", "k8s/case.yaml"),
    suite("k8s/kube-score/cases", "kube-score", "k8s/case.yaml"),
    suite("k8s/polaris/cases", "polaris", "k8s/case.yaml"),
    suite("k8s/trivy-checks/cases", "trivy", "k8s/case.yaml"),
    suite("ci/actionlint/single-file", "actionlint", ".github/workflows/case.yml"),
    suite("ci/checkov/oracle", "checkov", ".github/workflows/case.yml"),
    suite("ci/glsec/fixtures", "glsec", ".gitlab-ci.yml"),
    suite("ci/kics/cicd", "kics", ".github/workflows/case.yml"),
    suite("ci/poutine/inventory", "poutine", ".github/workflows/case.yml"),
    suite("ci/zizmor/snapshots", "zizmor", ".github/workflows/case.yml"),
    suite("dockerfile/buildkit/parser", "buildkit", "Dockerfile"),
];

/// The least share of the answered cases of a suite on which we have to agree.
const FLOORS: [(&str, f64); 2] =
    [("compose/compose-lint/cases", 95.0), ("compose/kics/cases", 95.0)];

/// What came of one case.
enum Answer {
    Agrees,
    Differs,
    /// No part of a check names the rule.
    Unmapped,
    /// Not a case that has one file and one answer.
    Other,
}

/// Runs the suites, all or those whose path holds one of the arguments.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let folder = root().join("../shared/conformance");
    if !folder.is_dir() {
        println!("conformance: SKIPPED, there is no ../shared/conformance");
        return Ok(());
    }
    let reasons = read(&root().join("docs/conformance.md")).unwrap_or_default();
    let wanted = |suite: &&Suite| {
        arguments.is_empty() || arguments.iter().any(|part| suite.path.contains(&**part))
    };
    let mut low = Vec::new();
    println!("| suite | cases | answered | agree | of those | rules without a check |");
    println!("|---|---|---|---|---|---|");
    let mut deviations = Vec::new();
    for suite in SUITES.iter().filter(wanted) {
        let path: PathBuf = folder.join(suite.path).with_extension("jsonl");
        if !path.is_file() {
            continue;
        }
        let share = report(suite, &path, &mut deviations)?;
        let floor = FLOORS.iter().find(|(of, _)| *of == suite.path).map_or(0.0, |(_, f)| *f);
        if share < floor {
            low.push(format!("{} agrees on {share:.1} %, below {floor} %", suite.path));
        }
    }
    println!();
    for (name, says) in &deviations {
        let explained = if reasons.contains(&**name) { "" } else { " (no reason is given yet)" };
        println!("- {name}: {says}{explained}");
    }
    if low.is_empty() { Ok(()) } else { Err(low.join("; ")) }
}

/// Prints a suite's line; the share of the answered cases on which we agree, in percent.
fn report(
    suite: &Suite,
    path: &Path,
    deviations: &mut Vec<(String, String)>,
) -> Result<f64, String> {
    let text = read(path)?;
    let cases: Vec<Value> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).map_err(|why| format!("{}: {why}", suite.path)))
        .collect::<Result<_, _>>()?;
    // An audit is parallel in itself; audits within each other's threads would pile up their stacks.
    let answers: Vec<Answer> = cases.iter().map(|case| answer(suite, case)).collect();
    let count = |wanted: fn(&Answer) -> bool| answers.iter().filter(|a| wanted(a)).count();
    let agree = count(|a| matches!(a, Answer::Agrees));
    let answered = agree + count(|a| matches!(a, Answer::Differs));
    let unmapped: BTreeSet<&str> = cases
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| matches!(answer, Answer::Unmapped))
        .filter_map(|(case, _)| case["rule_id"].as_str())
        .collect();
    let share = if answered == 0 { 100.0 } else { percent(agree, answered) };
    println!(
        "| {} | {} | {answered} | {agree} | {share:.1} % | {} |",
        suite.path,
        cases.len(),
        unmapped.len()
    );
    for (case, answer) in cases.iter().zip(&answers) {
        if matches!(answer, Answer::Differs) {
            let field = |key: &str| case[key].as_str().unwrap_or_default();
            let name = format!("{} {}", suite.tool, field("name"));
            let says = format!("theirs ({}) says `{}`", field("rule_id"), field("expect"));
            deviations.push((name, says));
        }
    }
    Ok(share)
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases are small")]
fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole as f64
}

fn answer(suite: &Suite, case: &Value) -> Answer {
    let field = |key: &str| case[key].as_str();
    let text = field("file_text").or_else(|| field("dockerfile_text"));
    let (Some(text), Some(rule), Some(expect)) = (text, field("rule_id"), field("expect")) else {
        return Answer::Other;
    };
    let fires = match expect {
        "fires" => true,
        "clean" => false,
        _ => return Answer::Other,
    };
    let named = parts_of(suite.tool, rule);
    if named.is_empty() {
        return Answer::Unmapped;
    }
    let tree = Tree::from_memory([(suite.file, text)]);
    let report = audit(&tree, &Policy::default(), &());
    if speaks(&report, &named) == fires { Answer::Agrees } else { Answer::Differs }
}

/// The parts that name a tool's rule: check and part. KICS' ids are cut to their first eight digits
/// by everyone who writes them down.
fn parts_of(tool: &str, rule: &str) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let same = |theirs: &str| {
        theirs == rule || (tool == "kics" && theirs.len() == 8 && rule.starts_with(theirs))
    };
    let mut found: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
    for check in all() {
        for part in check.parts {
            let names = part.equivalents.iter().any(|other| other.tool == tool && same(other.rule));
            if names {
                found.entry(check.id).or_default().insert(part.name);
            }
        }
    }
    found
}

/// Whether evidence speaks against one of some parts.
fn speaks(report: &Report, named: &BTreeMap<&'static str, BTreeSet<&'static str>>) -> bool {
    report.findings.iter().any(|finding| {
        let Some(parts) = named.get(finding.check.id) else { return false };
        let failed = matches!(finding.outcome, Outcome::Fail | Outcome::Partial);
        let against = finding.evidence.iter().filter(|evidence| evidence.is_against());
        let mut parts = against.map(|evidence| evidence.part).filter(|part| parts.contains(part));
        failed && parts.next().is_some()
    })
}
