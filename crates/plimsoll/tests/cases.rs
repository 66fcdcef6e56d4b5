//! Whole small repositories and their full expected reports. `UPDATE_CASES=1` writes them anew.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test runs the binary and reads expected reports"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn report(repository: &str, profile: &str, format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(root())
        .args(["audit", repository, "--report", profile, "--format", format])
        .args(["--date", "2026-01-01", "--show", "all"])
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // The commit that this repository stands at is no fact of the case.
    let revision = text.find("\"revision\":\"").map(|at| (at + 12, at + 12 + 40));
    match revision {
        Some((start, end)) if format == "json" => {
            format!("{}(any){}", &text[..start], &text[end..])
        }
        _ => text,
    }
}

/// Compares the reports on `repository` with those in `tests/cases/<name>/`.
fn check(name: &str, repository: &str, profile: &str) {
    let mut stale = Vec::new();
    for (format, file) in
        [("markdown", "report.md"), ("text", "report.txt"), ("json", "report.json")]
    {
        let path = root().join("tests/cases").join(name).join(file);
        let got = report(repository, profile, format);
        if std::env::var_os("UPDATE_CASES").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &got).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some((line, (got, expected))) = got
            .lines()
            .zip(expected.lines().chain(std::iter::repeat("")))
            .enumerate()
            .find(|(_, (a, b))| a != b)
        {
            let cut = |text: &str| text.chars().take(400).collect::<String>();
            stale.push(format!(
                "{file}:{}: got {:?}, expected {:?}",
                line + 1,
                cut(got),
                cut(expected)
            ));
        } else if got.lines().count() != expected.lines().count() {
            stale.push(format!(
                "{file}: {} lines, expected {}",
                got.lines().count(),
                expected.lines().count()
            ));
        }
    }
    assert!(stale.is_empty(), "{}\nUPDATE_CASES=1 writes the reports anew", stale.join("\n"));
}

#[test]
fn ticketing() {
    check("ticketing", "examples/ticketing", "service");
}

#[test]
fn booking() {
    check("booking", "examples/booking", "operations");
    check("booking-mended", "examples/booking-mended", "operations");
}

/// What fails or is partial, by check, in the operations report on an example.
fn issues(repository: &str) -> BTreeMap<String, String> {
    let report = report(repository, "operations", "json");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let issues = report["operations"]["issues"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    issues.map(|issue| (text(&issue["check"]), text(&issue["severity"]))).collect()
}

#[test]
fn the_mended_twin_has_none_of_the_faults() {
    let faulty = issues("examples/booking");
    let mended = issues("examples/booking-mended");
    let worst = ["critical", "high"];
    let left: Vec<_> = mended.iter().filter(|(_, s)| worst.contains(&s.as_str())).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(faulty.len() > 3 * mended.len(), "{} and {}", faulty.len(), mended.len());
}

/// The example's own table: check → service → verdict.
#[test]
fn the_example_has_the_verdicts_that_it_says() {
    let text = std::fs::read_to_string(root().join("examples/ticketing/expected.json")).unwrap();
    let mut expected: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let open = expected.remove("may-need-program-source").unwrap();
    let open: Vec<&str> = open.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let report: serde_json::Value =
        serde_json::from_str(&report("examples/ticketing", "service", "json")).unwrap();
    let mut wrong = Vec::new();
    for (check, services) in &expected {
        for (service, verdict) in services.as_object().unwrap() {
            let found =
                report["findings"].as_array().unwrap().iter().find(|f| {
                    f["check"] == check.as_str() && f["subject"]["name"] == service.as_str()
                });
            let got = found.map_or("(none)", |f| f["outcome"].as_str().unwrap());
            let expected = verdict.as_str().unwrap();
            if got != expected && !(got == "unknown" && open.contains(&check.as_str())) {
                let message = found.map_or("", |f| f["message"].as_str().unwrap());
                wrong.push(format!("{check} of {service}: {got}, expected {expected}: {message}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
