//! Acceptances on whole trees: what each covers, and what it leaves to fail.
use plimsoll_audit::{Config, Date, Outcome, Policy, Report, audit};
use plimsoll_source::Tree;

const APP: &str = "CMD [\"node\", \"main.js\"]\n";

fn report(files: &[(&str, &str)], config: &str) -> Report {
    let mut policy = Policy::of(Config::parse(config).expect("it is right"));
    policy.today = Date::parse("2026-06-15");
    let own = (!config.is_empty()).then_some(("plimsoll.toml", config));
    audit(&Tree::from_memory(files.iter().copied().chain(own)), &policy, &())
}

/// The finding of a check, `service: outcome` and the reason for which it is accepted.
fn of(report: &Report, check: &str) -> String {
    let found = report.findings.iter().filter(|f| f.check.id == check);
    let found = found.filter(|f| f.outcome != Outcome::NotApplicable);
    let shown: Vec<String> = found
        .map(|f| {
            let name = report.subject_name(f.subject);
            let why = f.accepted.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
            format!("{name}: {}{why}", f.outcome.name())
        })
        .collect();
    shown.join(", ")
}

/// What the check of acceptances says: its outcome and the lines that it shows.
fn stale(report: &Report) -> String {
    let check = "policy/acceptances-current";
    let found = report.findings.iter().find(|f| f.check.id == check).expect("it is asked");
    let says: Vec<&str> =
        found.evidence.iter().filter(|e| e.is_against()).map(|e| &*e.says).collect();
    format!("{}: {}", found.outcome.name(), says.join("; "))
}

const ADDS: &str = "build/copies-not-adds";

#[test]
fn an_instance_is_accepted_and_the_others_are_not() {
    let two = "FROM node:20\n# plimsoll: accept build/copies-not-adds -- unpacked by hand\n\
               ADD a /a\nADD b /b\n";
    let report_two = report(&[("s/Dockerfile", &format!("{two}{APP}"))], "");
    assert_eq!(of(&report_two, ADDS), "s: fail");
    let waived: Vec<bool> = report_two
        .findings
        .iter()
        .filter(|f| f.check.id == ADDS)
        .flat_map(|f| f.evidence.iter().filter(|e| e.is_against()).map(|e| e.waived.is_some()))
        .collect();
    assert_eq!(waived, [true, false]);
    assert_eq!(stale(&report_two), "pass: ");

    let one = two.replace("ADD b /b\n", "");
    let report_one = report(&[("s/Dockerfile", &format!("{one}{APP}"))], "");
    assert_eq!(of(&report_one, ADDS), "s: fail (unpacked by hand)");
    // It keeps its place in the rate.
    let plain = one.replace("# plimsoll: accept build/copies-not-adds -- unpacked by hand\n", "");
    let plain = report(&[("s/Dockerfile", &format!("{plain}{APP}"))], "");
    assert_eq!(report_one.services[0].scores.rate, plain.services[0].scores.rate);
}

#[test]
fn a_file_and_a_service_are_accepted() {
    let add = format!("FROM node:20\nADD a /a\n{APP}");
    let top = format!("# plimsoll: accept-file build/copies-not-adds -- all of it\n{add}");
    let files = [("s/Dockerfile", &*top), ("t/Dockerfile", &*add), ("u/Dockerfile", &*add)];
    let config = "[[accept]]\ncheck = 'build/copies-not-adds'\nservice = 't'\nreason = 'r'\n";
    let found = report(&files, config);
    assert_eq!(of(&found, ADDS), "s: fail (all of it), t: fail (r), u: fail");
    assert_eq!(stale(&found), "pass: ");
    let config = "[[accept]]\ncheck = 'build/copies-not-adds'\npath = 'u'\nreason = 'p'\n";
    assert_eq!(of(&report(&files, config), ADDS), "s: fail (all of it), t: fail, u: fail (p)");
}

#[test]
fn what_is_over_counts_again_and_is_told() {
    let day = |until: &str| {
        let text = format!(
            "FROM node:20\n# plimsoll: accept build/copies-not-adds until {until} -- soon\nADD a /a\n{APP}"
        );
        let config = format!(
            "[[accept]]\ncheck = 'image/pinned-digest'\nuntil = {until}\nreason = 'mirror'\n"
        );
        let found = report(&[("s/Dockerfile", &text)], &config);
        format!("{} | {} | {}", of(&found, ADDS), of(&found, "image/pinned-digest"), stale(&found))
    };
    assert_eq!(
        day("2026-06-15"),
        "s: fail (soon (until 2026-06-15)) | s: fail (mirror (until 2026-06-15)) | pass: "
    );
    assert_eq!(
        day("2026-06-14"),
        "s: fail | s: fail | fail: `image/pinned-digest` was accepted until 2026-06-14; \
         `build/copies-not-adds` was accepted until 2026-06-14"
    );
}

#[test]
fn what_meets_nothing_is_told_where_it_was_asked() {
    let copy = format!("FROM node:20\nCOPY a /a\n{APP}");
    let entry = |rest: &str| {
        let config = format!("[[accept]]\ncheck = 'build/copies-not-adds'\nreason = 'r'\n{rest}");
        let files = [("s/Dockerfile", &*copy), ("examples/e/Dockerfile", &*copy)];
        stale(&report(&files, &config))
    };
    let told = "fail: `build/copies-not-adds` finds nothing here to accept";
    assert_eq!(entry(""), told);
    assert_eq!(entry("service = 's'"), told);
    assert_eq!(entry("service = 'gone'"), format!("{told}: there is no service `gone`"));
    assert_eq!(entry("path = 'gone'"), told);
    // The example is not audited: whether it is needed there is not known.
    assert_eq!(entry("service = 'e'"), "pass: ");
    assert_eq!(entry("path = 'examples'"), "pass: ");
}

#[test]
fn other_tools_comments_accept_just_what_they_silence() {
    let digest = |comment: &str| {
        let text = format!("{comment}FROM node:latest\nUSER root\n{APP}");
        of(&report(&[("s/Dockerfile", &text)], ""), "image/pinned-version")
    };
    assert_eq!(digest(""), "s: fail");
    assert!(digest("# hadolint ignore=DL3007\n").starts_with("s: fail (`hadolint ignore=DL3007`"));
    assert_eq!(digest("# hadolint ignore=DL3008\n"), "s: fail");
    // The rule fires on less than our check, and of a whole file nobody can say on what.
    assert_eq!(digest("# hadolint global ignore=DL3007\n"), "s: fail");
    let user = |lines: &str| {
        let text = format!("FROM node:20\n{lines}{APP}");
        of(&report(&[("s/Dockerfile", &text)], ""), "runtime/non-root")
    };
    assert!(user("# hadolint ignore=DL3002\nUSER root\n").contains("hadolint"));
    // What it silences is `USER root`, not that there is no USER.
    assert_eq!(user("# hadolint ignore=DL3002\nRUN ls\n"), "s: fail");
    // Of a whole file, each rule just the part of our check that it asks.
    assert!(user("# hadolint global ignore=DL3002\nUSER root\n").contains("hadolint"));
    assert!(user("# checkov:skip=CKV_DOCKER_3:why\nRUN ls\n").contains("checkov"));
    assert_eq!(user("# checkov:skip=CKV_DOCKER_3:why\nUSER root\n"), "s: fail");
    assert_eq!(user("# checkov:skip=CKV_DOCKER_8:why\nUSER nobody-made-me\n"), "s: fail");
}

#[test]
fn settings_change_what_is_asked_and_how_it_counts() {
    let add = format!("FROM node:20\nADD a /a\n{APP}");
    let files = [("s/Dockerfile", &*add)];
    let plain = report(&files, "");
    let config = "disable = ['build/copies-not-adds']\nareas = ['build', 'image']\n\
                  edition = '0.0.1'\n[severity]\n'image/pinned-digest' = 'low'\n";
    let found = report(&files, config);
    assert_eq!(of(&found, ADDS), "");
    assert_eq!(found.not_asked.get(ADDS), Some(&1));
    assert!(found.findings.iter().all(|f| matches!(f.check.area(), "build" | "image")));
    assert!(found.findings.iter().all(|f| f.newer && !f.counts()));
    let digest = |report: &Report| {
        let mut all = report.findings.iter();
        all.find(|f| f.check.id == "image/pinned-digest").map(|f| f.severity)
    };
    assert_eq!(digest(&found), Some(plimsoll_audit::Severity::Low));
    assert_ne!(digest(&plain), digest(&found));
    assert_eq!(found.services[0].scores.rate.applicable, 0);
}

#[test]
fn hints_are_heeded() {
    let text = format!("FROM node:20-alpine\nEXPOSE 80\n{APP}");
    let files = [("examples/e/Dockerfile", &*text)];
    assert!(report(&files, "").services.is_empty());
    let config = "[[service]]\npath = 'examples/e'\npurpose = 'production'\nports = [80]\n\
                  owner = '@team'\n";
    let found = report(&files, config);
    let service = &found.delivery[found.services[0].id];
    assert_eq!((service.owner.as_deref(), &*service.ports), (Some("@team"), &[80][..]));
    let ports = found.findings.iter().find(|f| f.check.id == "runtime/only-required-ports");
    assert_eq!(ports.map(|f| f.outcome), Some(Outcome::Pass));
}

/// What a file lacks as a whole is shown at its first line: where the comment stands then.
#[test]
fn what_a_file_lacks_is_accepted_at_its_top() {
    let accept = |check| format!("plimsoll: accept {check} -- by hand");
    let (lint, back) = ("packages/lint-script", "migrations/can-roll-back");
    let files = [
        ("p/Dockerfile", "FROM python:3.13-slim\nCOPY . .\nCMD [\"python\", \"main.py\"]\n"),
        ("p/main.py", "import flask\n"),
        ("p/requirements.txt", &*format!("# {}\nflask==3.1.0\n", accept(lint))),
        ("r/Dockerfile", "FROM rust:1.91\nCOPY . .\nRUN cargo build\nCMD [\"./r\"]\n"),
        ("r/Cargo.toml", "[package]\nname = \"r\"\n\n[dependencies]\nsqlx = \"0.8\"\n"),
        (
            "r/migrations/1_orders.sql",
            &*format!("-- {}\nCREATE TABLE orders (id bigint);\n", accept(back)),
        ),
    ];
    let found = report(&files, "");
    assert!(of(&found, lint).contains("p: fail (by hand)"), "{}", of(&found, lint));
    assert_eq!(of(&found, back), "r: fail (by hand)");
    assert_eq!(stale(&found), "pass: ");
}
