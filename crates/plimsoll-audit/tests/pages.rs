//! The page is the test: every example of every check's page is audited and says what the page says.
//!
//! `CHECK=build/copies cargo test -p plimsoll-audit --test pages` runs the pages of the checks
//! whose id holds that text.
#![allow(clippy::disallowed_methods, reason = "tests read fixtures and the environment")]

mod common;

use std::path::Path;

use common::{Case, base, cases, findings, lines, located, policy_of, report_on, show};
use plimsoll_audit::{Expectation, Finding, Outcome, Policy, Report, Safety, joined};
use plimsoll_model::Why;
use plimsoll_model::mend::outside;
use plimsoll_source::{Tree, TreeBuilder};

/// The most characters of a message.
const MAX_MESSAGE: usize = 100;

/// Fails with every complaint, not only the first.
#[track_caller]
fn report_all(what: &str, complaints: &[String]) {
    let count = complaints.len();
    assert!(complaints.is_empty(), "{count} {what}\n\n{}", complaints.join("\n"));
}

#[test]
fn every_example_says_what_its_page_says() {
    let complaints: Vec<String> = cases().iter().filter_map(|case| wrong(case).err()).collect();
    report_all("examples are not judged as their page says", &complaints);
}

fn wrong(case: &Case) -> Result<(), String> {
    let report = report_on(&case.files);
    let wanted = case.example.outcome.name();
    let complain = |what: String| format!("{}: expected {wanted}, {what}", case.name());
    let finding = match findings(&report, case.check)[..] {
        [finding] => finding,
        ref many => {
            let names: Vec<&str> = many.iter().map(|f| report.subject_name(f.subject)).collect();
            return Err(complain(format!("found {} services: {names:?}\n", many.len())));
        }
    };
    let shown = show(&report, finding);
    if finding.outcome != case.example.outcome {
        return Err(complain(format!("but\n{shown}")));
    }
    let missed: Vec<String> = case
        .example
        .expected
        .iter()
        .filter(|expected| !is_met(&report, finding, expected))
        .map(|e| match &e.at {
            Some((path, line)) => format!("`{}` at {path}:{line}", e.says),
            None => format!("`{}` without a place", e.says),
        })
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    Err(complain(format!("and evidence {}, but\n{shown}", missed.join(", "))))
}

/// Whether some evidence stands on that line, and it or the message says so.
fn is_met(report: &Report, finding: &Finding, expected: &Expectation) -> bool {
    located(report, finding).iter().any(|(place, says)| {
        let said = says.contains(&expected.says) || finding.message.contains(&expected.says);
        let there = match (&expected.at, lines(place)) {
            (None, None) => true,
            (Some((path, line)), Some((first, last))) => {
                place.path == *path && (first..=last).contains(line)
            }
            _ => false,
        };
        said && there
    })
}

#[test]
fn every_base_is_one_service_without_broken_files() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for folder in std::fs::read_dir(fixtures).expect("there are bases").flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let report = report_on(&base(&name));
        assert_eq!(report.services.len(), 1, "{name}");
        assert_eq!(report.delivery.problems, [], "{name}");
    }
}

#[test]
fn no_check_breaks_on_the_examples_of_another() {
    let mut complaints = Vec::new();
    for case in cases() {
        let report = report_on(&case.files);
        for finding in report.findings.iter().filter(|f| f.unknown == Some(Why::Internal)) {
            complaints.push(format!("{} breaks on {}", finding.check.id, case.name()));
        }
    }
    report_all("checks broke", &complaints);
}

#[test]
fn messages_fit_on_a_line_and_evidence_answers_a_part() {
    let mut complaints = Vec::new();
    for case in cases() {
        let report = report_on(&case.files);
        for finding in findings(&report, case.check) {
            let message = &finding.message;
            if message.chars().count() > MAX_MESSAGE || message.ends_with('.') {
                let why = format!("{MAX_MESSAGE} characters at most, no full stop");
                complaints.push(format!("{}: {why}: {message}", case.name()));
            }
            if finding.evidence.is_empty() {
                complaints.push(format!("{}: no evidence", case.name()));
            }
            for evidence in &finding.evidence {
                if !case.check.parts.iter().any(|part| part.name == evidence.part) {
                    complaints.push(format!("{}: no part `{}`", case.name(), evidence.part));
                }
            }
        }
    }
    report_all("messages or parts are wrong", &complaints);
}

/// A tree sorts its files, so that this holds by construction; a sample of the examples shows it.
#[test]
fn the_order_of_files_does_not_matter() {
    for case in cases().iter().step_by(16) {
        let mut reversed = TreeBuilder::new();
        for (path, bytes) in case.files.iter().rev() {
            reversed.file(path, bytes);
        }
        let again = plimsoll_audit::audit(&reversed.build(), &policy_of(&case.files), &());
        assert_eq!(as_text(&report_on(&case.files)), as_text(&again), "{}", case.name());
    }
}

fn as_text(report: &Report) -> String {
    let of = |f: &Finding| format!("{} {:?}\n{}", f.check.id, f.subject, show(report, f));
    report.findings.iter().map(of).collect()
}

/// A fix makes what the page shows for its example, makes the finding better wherever it offers a
/// patch, and applied twice changes nothing.
#[test]
fn fixes_make_what_the_page_shows_and_applied_twice_change_nothing() {
    let mut complaints = Vec::new();
    let cases = cases();
    for case in cases.iter().filter(|c| matches!(&*c.example.section, "Fails" | "Partial")) {
        let tree = Tree::from_memory(&case.files);
        let Some((was, mended)) = mend(case, &tree) else { continue };
        let fixed = cases.iter().find(|other| {
            other.check.id == case.check.id
                && case.example.section == "Fails"
                && other.example.section == "Fixed"
                && other.example.index == case.example.index
        });
        let files = fixed.map(|fixed| Tree::from_memory(&fixed.files));
        if files.is_some_and(|files| contents(&files) != contents(&mended)) {
            let made = made(case, &mended);
            complaints.push(format!("{}: its fix does not make «Fixed» but\n{made}", case.name()));
        } else if mend(case, &mended)
            .is_some_and(|(_, again)| contents(&again) != contents(&mended))
        {
            complaints.push(format!("{}: its fix applied twice changes more", case.name()));
        } else {
            let report = plimsoll_audit::audit(&mended, &Policy::default(), &());
            let now = findings(&report, case.check).first().map(|finding| standing(finding));
            if now.is_none_or(|now| now <= was) {
                let made = made(case, &mended);
                complaints
                    .push(format!("{}: its fix makes nothing better but\n{made}", case.name()));
            }
        }
    }
    report_all("fixes are not what their page shows", &complaints);
}

/// The files that a fix changed.
fn made(case: &Case, mended: &Tree) -> String {
    let changed = contents(mended).into_iter().filter(|(path, text)| {
        case.files.get(path).is_none_or(|old| String::from_utf8_lossy(old) != **text)
    });
    changed.map(|(path, text)| format!("  {path}:\n{text}")).collect()
}

/// How good a finding is: its outcome, then how little speaks against it.
fn standing(finding: &Finding) -> (u8, isize) {
    let worth = match finding.outcome {
        Outcome::Fail | Outcome::Unknown => 0,
        Outcome::Partial => 1,
        Outcome::Pass | Outcome::NotApplicable => 2,
    };
    let against = finding.evidence.iter().filter(|evidence| evidence.is_against()).count();
    (worth, -isize::try_from(against).expect("few"))
}

/// How the finding stood, and the tree with the check's patch applied; `None` where it offers none.
fn mend(case: &Case, tree: &Tree) -> Option<((u8, isize), Tree)> {
    let policy = Policy::default();
    let report = plimsoll_audit::audit(tree, &policy, &());
    let findings = findings(&report, case.check);
    let finding = findings.iter().find(|finding| finding.is_problem())?;
    let fix = report.fix(finding)?;
    let patch = joined(&[fix.patch?]).expect("a fix does not collide with itself");
    assert!(fix.safety < Safety::Sketch, "{}: a sketch has no patch", case.name());
    let mended = tree.apply(&patch).unwrap_or_else(|why| panic!("{}: {why}", case.name()));
    let misread = outside::misread(tree, &mended, &patch);
    if let Some(path) = misread {
        panic!("{}: {path} reads otherwise where nothing was changed", case.name());
    }
    Some((standing(finding), mended))
}

fn contents(tree: &Tree) -> Vec<(String, String)> {
    let text = |id| tree.read(id).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    tree.entries()
        .map(|(id, entry)| (entry.path.to_string(), text(id).expect("in memory")))
        .collect()
}
