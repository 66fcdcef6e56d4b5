//! Evidence is causal: without the lines that it shows, the answer is another.
#![allow(clippy::disallowed_methods, reason = "tests read fixtures and the environment")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Case, Files, cases, findings, lines, located, report_on, show};
use plimsoll_audit::{Outcome, Role};

/// Outcomes that stay when the lines shown are deleted, by check, with the reason. Their evidence
/// must still change.
const STAYS: &[(&str, Outcome, &str)] = &[
    (
        "build/effective-dockerignore",
        Outcome::Partial,
        "an ignore file without a weak pattern keeps out even less",
    ),
    (
        "health/awaited-checks-exist",
        Outcome::Pass,
        "who waits for nothing waits for nothing that is missing, either",
    ),
    (
        "network/no-ports-on-all-interfaces",
        Outcome::Pass,
        "who publishes nothing publishes nothing to all, either",
    ),
    (
        "pipeline/gates-fail-closed",
        Outcome::Fail,
        "a test of a status that takes one for a failure, and none at all",
    ),
    ("runtime/bounded-logs", Outcome::Fail, "a log that is thrown away, and one without a bound"),
    ("runtime/no-new-privileges", Outcome::Fail, "an option that is off, and none at all"),
    ("runtime/pids-limited", Outcome::Fail, "a limit that is none, and none at all"),
    ("runtime/restart-policy-set", Outcome::Fail, "a policy that is none, and none at all"),
    ("runtime/non-root", Outcome::Pass, "an earlier USER that is no root either"),
    ("build/no-dev-dependencies", Outcome::Pass, "an image without packages has none of them, too"),
    (
        "network/database-tls-verified",
        Outcome::Pass,
        "the configuration of migrations turns nothing off, either",
    ),
    (
        "migrations/run-before-start",
        Outcome::Fail,
        "a script that migrates what it has started, and none at all",
    ),
    ("network/headers-inherited", Outcome::Pass, "headers that are repeated, and a block without"),
    (
        "network/host-header-not-spoofable",
        Outcome::Pass,
        "without a word the upstream gets its own name",
    ),
    ("network/http-redirected", Outcome::Fail, "without `listen` nginx takes port 80"),
    ("network/http-redirected", Outcome::Pass, "without `listen` nginx takes port 80"),
    ("network/proxy-configs-agree", Outcome::Fail, "a lock that asks for less, and none at all"),
    (
        "network/proxy-tls-verified",
        Outcome::Fail,
        "a look at certificates that is turned off, and none at all",
    ),
    (
        "network/no-published-datastores",
        Outcome::Pass,
        "a datastore that publishes nothing is not published, either",
    ),
    ("packages/engine-pinned", Outcome::Fail, "a range that is wrong, and none at all"),
    ("release/immutable-images", Outcome::Fail, "an image that moves, and none at all"),
    (
        "release/rollback-documented",
        Outcome::Partial,
        "a way back that cannot work has more than one reason not to",
    ),
    (
        "pipeline/least-privilege-and-timeouts",
        Outcome::Fail,
        "a right to everything, and none said at all",
    ),
    ("packages/start-script", Outcome::Fail, "a script that is wrong, and none at all"),
    ("runtime/immutable-code", Outcome::Pass, "who gets nothing owns nothing, either"),
    ("secrets/none-in-compose", Outcome::Pass, "a service that is given no secret passes, too"),
    (
        "runtime/stops-gracefully",
        Outcome::Fail,
        "a program that does not ignore SIGTERM still has nothing that handles it",
    ),
];

#[test]
fn without_the_lines_shown_the_answer_changes() {
    let complaints: Vec<String> = cases().iter().filter_map(|case| stays(case).err()).collect();
    let count = complaints.len();
    assert!(complaints.is_empty(), "{count} answers stay the same\n\n{}", complaints.join("\n"));
}

/// Complains when the answer of an example stays although the lines that decide it are deleted.
fn stays(case: &Case) -> Result<(), String> {
    let outcome = case.example.outcome;
    if !matches!(outcome, Outcome::Pass | Outcome::Partial | Outcome::Fail) {
        return Ok(());
    }
    let report = report_on(&case.files);
    let Some(finding) = findings(&report, case.check).into_iter().next() else { return Ok(()) };
    let shown = |role: Role| {
        let mut shown: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
        let places = located(&report, finding);
        for ((place, _), _) in places.iter().zip(&finding.evidence).filter(|(_, e)| e.role == role)
        {
            if let Some((first, last)) = lines(place) {
                shown.entry(place.path.clone()).or_default().extend(first..=last);
            }
        }
        shown
    };
    let against = shown(Role::Contradicts);
    let decides =
        if outcome == Outcome::Pass || against.is_empty() { shown(Role::Shows) } else { against };
    if decides.is_empty() {
        return Ok(());
    }
    let before = show(&report, finding);
    let without = report_on(&delete(&case.files, &decides));
    let Some(finding) = findings(&without, case.check).into_iter().next() else { return Ok(()) };
    let after = show(&without, finding);
    let excused = STAYS.iter().any(|(id, stays, _)| *id == case.check.id && *stays == outcome);
    if finding.outcome != outcome || (excused && before != after) {
        return Ok(());
    }
    Err(format!("{}, without {decides:?}:\nbefore\n{before}after\n{after}", case.name()))
}

fn delete(files: &Files, lines: &BTreeMap<String, BTreeSet<u32>>) -> Files {
    let mut files = files.clone();
    for (path, gone) in lines {
        if let Some(bytes) = files.get_mut(path) {
            let kept = bytes.split_inclusive(|&b| b == b'\n').zip(1..);
            *bytes =
                kept.filter(|(_, n)| !gone.contains(n)).flat_map(|(l, _)| l).copied().collect();
        }
    }
    files
}

#[test]
fn every_exception_is_of_a_check_that_exists() {
    for (id, _, reason) in STAYS {
        assert!(plimsoll_audit::all().iter().any(|check| check.id == *id), "{id}");
        assert!(!reason.is_empty(), "{id} needs a reason");
    }
}
