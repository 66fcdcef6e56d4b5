//! Configurations, baselines, revisions and the files of `init`, through the binary.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test makes trees on disk and runs the binary and git"
)]

use std::path::Path;
use std::process::{Command, Output};

fn run(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(dir)
        .env_remove("SOURCE_DATE_EPOCH")
        .args(arguments)
        .output()
        .unwrap();
    let text = [stdout, stderr].concat();
    (status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
}

/// Runs the binary: its exit code, and words that it says.
#[track_caller]
fn check(dir: &Path, arguments: &[&str], code: i32, says: &[&str]) -> String {
    let (got, text) = run(dir, arguments);
    assert_eq!(got, code, "{arguments:?}: {text}");
    for words in says {
        assert!(text.contains(words), "{arguments:?} does not say {words:?}: {text}");
    }
    text
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read(dir: &Path, path: &str) -> String {
    std::fs::read_to_string(dir.join(path)).unwrap()
}

fn git(dir: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(dir).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
    assert!(git.args(arguments).output().unwrap().status.success(), "{arguments:?}");
}

const BAD: &str = "FROM node:20\nADD src /src\nCMD [\"node\", \"main.js\"]\n";
const WORSE: &str = "FROM node:20\nADD src /src\nADD test /test\nCMD [\"node\", \"main.js\"]\n";

/// A repository with one commit. A second ADD makes two findings worse: that it is no COPY, and that
/// nothing keeps secrets out of the context.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "s/Dockerfile", BAD);
    git(dir.path(), &["init", "-q", "-b", "main"]);
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-q", "-m", "first"]);
    dir
}

#[test]
fn a_baseline_lets_only_what_is_new_fail() {
    let dir = repository();
    let dir = dir.path();
    let audit = ["audit", "--fail-on", "low", "--baseline", ".plimsoll-baseline.json"];
    check(dir, &audit, 2, &["there is no baseline", "plimsoll baseline"]);
    check(dir, &["baseline"], 0, &["wrote", "known; commit it"]);
    let first = read(dir, ".plimsoll-baseline.json");
    check(dir, &audit, 0, &[" 0 new"]);

    put(dir, "s/Dockerfile", &format!("# moved\n\n{WORSE}"));
    let text = check(dir, &audit, 1, &["build/copies-not-adds", " 2 new"]);
    assert!(!text.contains("image/pinned-digest"), "what is known is not shown: {text}");
    // SARIF says of each instance whether it was there.
    let sarif = [&audit[..], &["--format", "sarif", "--show", "all"]].concat();
    let sarif: serde_json::Value = serde_json::from_str(&run(dir, &sarif).1).unwrap();
    let state = |at: &str| -> Vec<&serde_json::Value> {
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        let of = results.iter().filter(|r| r["ruleId"] == at && r["kind"] == "fail");
        of.map(|r| &r["baselineState"]).collect()
    };
    assert_eq!(state("build/copies-not-adds"), ["unchanged", "new"]);
    assert_eq!(state("image/pinned-digest"), ["unchanged"]);
    check(dir, &["baseline"], 0, &["is as it was", "2 new instances not taken in"]);
    assert_eq!(read(dir, ".plimsoll-baseline.json"), first);
    check(dir, &["baseline", "--add"], 0, &["2 new instances taken in"]);
    check(dir, &audit, 0, &[" 0 new"]);

    put(dir, "s/Dockerfile", &BAD.replace("ADD src /src\n", ""));
    check(dir, &audit, 0, &[" fixed"]);
    check(dir, &["baseline"], 0, &["fixed: build/copies-not-adds in s/Dockerfile"]);
    assert!(!read(dir, ".plimsoll-baseline.json").contains("copies-not-adds"));
}

/// What is accepted later leaves a baseline too, under its own name.
#[test]
fn what_is_accepted_is_not_called_fixed() {
    let dir = repository();
    let dir = dir.path();
    check(dir, &["baseline"], 0, &["wrote .plimsoll-baseline.json: "]);
    let comment = "# plimsoll: accept build/copies-not-adds -- unpacks soon\nADD src";
    put(dir, "s/Dockerfile", &BAD.replace("ADD src", comment));
    let audit = ["audit", "--baseline", ".plimsoll-baseline.json"];
    check(dir, &audit, 0, &[" 0 fixed", "accepted: unpacks soon"]);
    let text = check(dir, &["baseline"], 0, &["accepted: build/copies-not-adds in s/Dockerfile"]);
    assert!(text.contains("1 taken out") && !text.contains("fixed"), "{text}");
    // Without the comment it is new again.
    put(dir, "s/Dockerfile", BAD);
    let low = [&audit[..], &["--fail-on", "low"]].concat();
    check(dir, &low, 1, &[" 1 new"]);
}

/// An annotation stands at what is new only, not at each place of a finding that got worse.
#[test]
fn annotations_stand_at_what_is_new() {
    let dir = repository();
    let dir = dir.path();
    put(dir, "s/Dockerfile", WORSE);
    let since = ["audit", "--since", "main", "--format", "github"];
    let text = check(dir, &[&since[..], &["--check", "build/copies-not-adds"]].concat(), 0, &[]);
    assert!(text.contains("line=3") && !text.contains("line=2"), "{text}");
}

#[test]
fn a_baseline_that_cannot_be_read_is_not_written_over() {
    let dir = repository();
    let dir = dir.path();
    check(dir, &["baseline"], 0, &[]);
    let good = read(dir, ".plimsoll-baseline.json");
    for (bad, says) in [
        (&good[..good.len() / 2], "not JSON"),
        ("", "not JSON"),
        (&*good.replace("\"version\": 1", "\"version\": 2"), "reads baselines of version 1"),
        (&*good.replace("\"instances\": [", "\"instances\": 7, \"x\": ["), "must be an array"),
    ] {
        put(dir, ".plimsoll-baseline.json", bad);
        let of = ".plimsoll-baseline.json:";
        check(dir, &["baseline", "--add"], 2, &[says, of]);
        check(dir, &["audit", "--baseline", ".plimsoll-baseline.json"], 2, &[says, of]);
        assert_eq!(read(dir, ".plimsoll-baseline.json"), bad);
    }
    #[cfg(unix)]
    {
        let elsewhere = tempfile::tempdir().unwrap();
        put(elsewhere.path(), "passwords", "correct horse");
        std::fs::remove_file(dir.join(".plimsoll-baseline.json")).unwrap();
        let to = elsewhere.path().join("passwords");
        std::os::unix::fs::symlink(to, dir.join(".plimsoll-baseline.json")).unwrap();
        let said = check(dir, &["baseline"], 2, &["not JSON", ".plimsoll-baseline.json:"]);
        assert!(!said.contains("horse"), "{said}");
        assert_eq!(read(elsewhere.path(), "passwords"), "correct horse");
    }
    let left: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}

#[test]
fn a_branch_fails_at_what_it_makes_worse() {
    let dir = repository();
    let dir = dir.path();
    let since = ["audit", "--fail-on", "low", "--since", "main"];
    git(dir, &["switch", "-q", "-c", "change"]);
    check(dir, &since, 0, &["Compared with main: 0 new"]);
    put(dir, "s/Dockerfile", WORSE);
    git(dir, &["commit", "-q", "-am", "worse"]);
    check(dir, &since, 1, &["build/copies-not-adds", "Compared with main: 2 new"]);
    // What others mend meanwhile is not made worse here.
    git(dir, &["switch", "-q", "main"]);
    put(dir, "s/Dockerfile", &BAD.replace("ADD", "COPY"));
    git(dir, &["commit", "-q", "-am", "better"]);
    git(dir, &["switch", "-q", "change"]);
    let text = check(dir, &since, 1, &["Compared with main: 2 new"]);
    assert!(!text.contains("image/pinned-digest"), "{text}");
    check(dir, &["audit", "--since", "nowhere"], 2, &["revision `nowhere`"]);
    // A directory that is new is all new.
    put(dir, "later/Dockerfile", BAD);
    check(dir, &["audit", "later", "--since", "main"], 1, &["0 known"]);
}

#[test]
fn a_revision_is_audited_with_its_own_configuration() {
    let dir = repository();
    let dir = dir.path();
    put(dir, "plimsoll.toml", "fail-on = 'never'\n");
    check(dir, &["audit"], 0, &[]);
    check(dir, &["audit", "--rev", "HEAD"], 1, &["image/pinned-digest"]);
    put(dir, "s/Dockerfile", "FROM scratch\n");
    check(dir, &["audit", "--rev", "HEAD"], 1, &["image/pinned-digest"]);
    check(dir, &["audit", "--rev", "v9"], 2, &["git knows no such commit"]);
}

#[test]
fn configurations_hold_for_their_directories() {
    let dir = repository();
    let dir = dir.path();
    put(dir, "t/Dockerfile", BAD);
    put(dir, "s/plimsoll.toml", "fail-on = 'never'\n");
    check(dir, &["audit", "--service", "s"], 0, &[]);
    check(dir, &["audit", "--service", "t"], 1, &[]);
    check(dir, &["audit", "--service", "s", "--fail-on", "high"], 1, &[]);
    // From below, what stands above counts, until a root.
    put(dir, "plimsoll.toml", "disable = ['build/copies-not-adds']\n");
    check(dir, &["audit", "s"], 0, &["Not asked, by plimsoll.toml: build/copies-not-adds (1)"]);
    put(dir, "s/plimsoll.toml", "root = true\nexclude = ['Dockerfile']\n");
    check(dir, &["audit", "s"], 0, &["Nothing to audit"]);
    let text = check(dir, &["audit"], 1, &["Not asked"]);
    assert!(!text.contains("s  s\n"), "a nested file excludes, too: {text}");
}

#[test]
fn wrong_configurations_are_shown_with_their_place() {
    let dir = repository();
    let dir = dir.path();
    for (files, says) in [
        (&[("plimsoll.toml", "fail-on = 3")][..], &["plimsoll.toml:1:11", "must be a string"][..]),
        (
            &[("plimsoll.toml", "root = false\ndisable = ['image/pinned-digset']")],
            &["plimsoll.toml:2:12", "did you mean `image/pinned-digest`?"],
        ),
        (
            &[("plimsoll.toml", "[[accept]]\ncheck = 'image/pinned-digest'\n")],
            &["plimsoll.toml:1:1", "no `reason`"],
        ),
        (
            &[("plimsoll.toml", "extends = 'a.toml'"), ("a.toml", "extends = 'plimsoll.toml'")],
            &[
                "a.toml:1:11",
                "extends itself",
                "plimsoll.toml extends a.toml extends plimsoll.toml",
            ],
        ),
        (
            &[("plimsoll.toml", ""), ("s/plimsoll.toml", "edition = '99.0'")],
            &["s/plimsoll.toml:1:11", "newer than this Plimsoll"],
        ),
        (&[("plimsoll.toml", "exclude = [")], &["plimsoll.toml:1:"]),
        (&[("plimsoll.toml", "areas = []")], &["plimsoll.toml:1:9", "leave `areas` out"]),
        (&[("plimsoll.toml", "disable = ['DL3002']")], &["here `runtime/non-root`"]),
        (&[("plimsoll.toml", "[severity]\na/b = 'low'")], &["plimsoll.toml:2:2", "in quotes"]),
        (&[("plimsoll.toml", "extends = 's'")], &["plimsoll.toml:1:11", "it is a directory"]),
    ] {
        for (path, text) in files {
            put(dir, path, text);
        }
        put(dir, "r.json", "");
        for command in [&["audit", "--output", "json=r.json"][..], &["baseline"]] {
            check(dir, command, 2, says);
        }
        assert_eq!(read(dir, "r.json"), "", "nothing is written");
        for (path, _) in files {
            std::fs::remove_file(dir.join(path)).unwrap();
        }
    }
    assert!(!dir.join(".plimsoll-baseline.json").exists());
    put(dir, "s/Dockerfile", &format!("# plimsoll: accept-file image/pinned-digest\n{BAD}"));
    let says = ["policy/acceptances-current", "gives no reason", "s/Dockerfile:1:1"];
    check(dir, &["audit"], 1, &says);
}

#[test]
fn acceptances_are_over_after_their_day() {
    let dir = repository();
    let dir = dir.path();
    let accepted = "FROM node:20\n# plimsoll: accept build/copies-not-adds until 2027-01-31 -- soon\n\
                    ADD src /src\nCMD [\"node\", \"main.js\"]\n";
    put(dir, "s/Dockerfile", accepted);
    let only = ["audit", "--check", "build/copies-not-adds", "--fail-on", "low", "--date"];
    let with = |day| [&only[..], &[day]].concat();
    check(dir, &with("2027-01-31"), 0, &["accepted: soon"]);
    check(dir, &with("2027-02-01"), 1, &[]);
}

/// The hooks look at what the commit holds: what lies beside it untracked stops nobody.
#[test]
fn hooks_ask_about_the_commit_alone() {
    let dir = repository();
    let dir = dir.path();
    let hooks = include_str!("../../../.pre-commit-hooks.yaml");
    check(dir, &["init"], 0, &[]);
    for text in [hooks, &read(dir, ".pre-commit-config.yaml")] {
        let entries = text.lines().filter_map(|line| line.trim().strip_prefix("entry: "));
        let told: Vec<&str> = entries.map(|entry| entry.trim_start_matches('/')).collect();
        assert!(!told.is_empty(), "{text}");
        for entry in told {
            assert_eq!(entry, "plimsoll audit . --tracked-only --since HEAD");
        }
    }
    let hook = ["audit", ".", "--tracked-only", "--since", "HEAD"];
    put(dir, "new/Dockerfile", BAD);
    check(dir, &hook, 0, &["0 new"]);
    git(dir, &["add", "new"]);
    check(dir, &hook, 1, &["new/Dockerfile"]);
}

#[test]
fn init_writes_what_is_missing_and_nothing_else() {
    let dir = repository();
    let dir = dir.path();
    put(dir, ".pre-commit-config.yaml", "repos: []\n");
    check(dir, &["init"], 0, &["wrote plimsoll.toml", "add to its `repos`", "PLIMSOLL_REVISION"]);
    // The workflow passes our own audit: it is pinned, and may do little.
    let workflow = read(dir, ".github/workflows/plimsoll.yml");
    for line in workflow.lines().filter(|line| line.contains("uses:")) {
        let (_, commit) = line.split_once('@').unwrap();
        assert!(commit.split(' ').next().unwrap().len() == 40, "{line}");
    }
    assert_eq!(read(dir, ".pre-commit-config.yaml"), "repos: []\n");
    put(dir, "plimsoll.toml", "fail-on = 'never'\n");
    check(dir, &["init"], 0, &["plimsoll.toml is there: left as it is"]);
    assert_eq!(read(dir, "plimsoll.toml"), "fail-on = 'never'\n");

    // What is written is right, as it is and with every line of it in use.
    let other = repository();
    check(other.path(), &["init"], 0, &[]);
    check(other.path(), &["audit", "--fail-on", "never"], 0, &[]);
    let text = read(other.path(), "plimsoll.toml");
    let (head, keys) = text.split_once("\n# What is not").unwrap();
    let used: Vec<&str> = keys
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.starts_with(['[', '"']) || line.split(" = ").count() == 2)
        .filter(|line| !line.starts_with("Beside"))
        .collect();
    assert!(used.len() > 15, "{used:#?}");
    put(other.path(), "plimsoll.toml", &format!("{head}\n{}\n", used.join("\n")));
    // `min-score` is in use now.
    check(other.path(), &["audit", "--fail-on", "never"], 1, &["Not asked, by plimsoll.toml"]);
}

#[test]
fn checks_are_listed_for_people_and_machines() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    check(dir, &["checks"], 0, &["image/pinned-digest"]);
    let list = check(dir, &["checks", "--format", "json", "--area", "image"], 0, &[]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert!(list.as_array().unwrap().iter().all(|check| check["area"] == "image"));
    check(dir, &["checks", "--equivalents", "hadolint"], 0, &["DL3002", "runtime/non-root"]);
    check(dir, &["checks", "--equivalents", "hadolnt"], 2, &["did you mean `hadolint`?"]);
    check(dir, &["checks", "--equivalents", "nobody"], 2, &["there are actionlint, "]);
    check(dir, &["checks", "--equivalents", "Hadolint"], 0, &["DL3002"]);
    check(dir, &["checks", "--area", "imag"], 2, &["did you mean `image`?"]);
    check(dir, &["explain", "AVD-DS-0002"], 0, &["runtime/non-root"]);
    check(dir, &["explain", "hadolint:DL3002"], 0, &["runtime/non-root"]);
    for shell in ["bash", "zsh", "fish"] {
        check(dir, &["completions", shell], 0, &["plimsoll", "fail-on"]);
    }
    check(dir, &["man"], 0, &[".TH plimsoll 1", "PLIMSOLL AUDIT", "min\\-score", "NO_COLOR"]);
}

#[test]
fn a_page_is_as_wide_as_the_reader_wants_it() {
    let dir = tempfile::tempdir().unwrap();
    for (columns, most) in [("40", 40), ("80", 80), ("200", 100)] {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .current_dir(dir.path())
            .env("COLUMNS", columns)
            .args(["explain", "DL3002"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // Code is to be copied, and stays as it is.
        let prose = text.lines().filter(|line| !line.starts_with("    "));
        let widest = prose.map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= most && widest > most / 2, "{columns}: {widest}\n{text}");
        assert!(text.contains("    USER root  <- root\n") && !text.contains("```"), "{text}");
    }
}

#[test]
fn a_service_that_is_not_there_is_named() {
    let dir = repository();
    let dir = dir.path();
    check(dir, &["audit", "--service", "S2"], 2, &["no service is called `S2`", "there are s"]);
    put(dir, "payment/Dockerfile", BAD);
    check(dir, &["audit", "--service", "paymnet"], 2, &["did you mean `payment`?"]);
    check(dir, &["audit", "--service", "pay*", "--fail-on", "never"], 0, &["payment  payment"]);
    put(
        dir,
        "plimsoll.toml",
        "[[service]]\nname = 'paymnet'\nowner = 'x'\n[[service]]\npath = 'pay'\n\
         [[accept]]\ncheck = 'build/copies-not-adds'\nreason = 'x'\nservice = 'paymnet'\n",
    );
    let says = [
        "note: plimsoll.toml: [[service]]: there is no service `paymnet`: did you mean `payment`?",
        "note: plimsoll.toml: [[service]]: no service lies at `pay`",
        "`build/copies-not-adds` finds nothing here to accept: there is no service",
    ];
    let text = check(dir, &["audit"], 1, &[]).replace("\n  ", " ");
    for words in says {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn a_configuration_that_is_a_link_stays_in_the_work_tree() {
    let (dir, elsewhere) = (repository(), tempfile::tempdir().unwrap());
    let dir = dir.path();
    put(elsewhere.path(), "secret", "canary = 'do not show'\n");
    let link = |to: &Path| {
        let _ = std::fs::remove_file(dir.join("plimsoll.toml"));
        std::os::unix::fs::symlink(to, dir.join("plimsoll.toml")).unwrap();
    };
    link(&elsewhere.path().join("secret"));
    let text = check(dir, &["audit"], 2, &["a link that leaves the work tree"]);
    assert!(!text.contains("canary"), "{text}");
    link(&dir.join("gone"));
    check(dir, &["audit"], 2, &["a link to nothing"]);
    put(dir, "policy/base.toml", "fail-on = 'never'\n");
    link(&dir.join("policy/base.toml"));
    check(dir, &["audit"], 0, &[]);
}

#[test]
fn what_is_known_of_a_service_decides() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    git(dir, &["init", "-q", "-b", "main"]);
    let dockerfile =
        "FROM node:20\nCOPY main.js package.json ./\nEXPOSE 3000\nCMD [\"node\", \"main.js\"]\n";
    put(dir, "a/Dockerfile", dockerfile);
    put(dir, "a/package.json", "{}\n");
    put(dir, "a/main.js", "require(process.env.MAIN)\n");
    put(dir, ".dockerignore", "**\n!main.js\n");
    let ports = ["audit", "--check", "runtime/only-required-ports", "--fail-on", "low"];
    check(dir, &ports, 0, &["UNKNOWN dynamic", "runtime/only-required-ports"]);
    put(dir, "plimsoll.toml", "[[service]]\npath = 'a'\nports = [8080]\n");
    check(dir, &ports, 1, &["runtime/only-required-ports", "a/Dockerfile:3:8"]);
    put(dir, "plimsoll.toml", "[[service]]\npath = 'a'\nports = [3000]\n");
    check(
        dir,
        &[&ports[..], &["--show", "all"]].concat(),
        0,
        &["PASS runtime/only-required-ports"],
    );

    let ignore = ["audit", "--check", "build/effective-dockerignore", "--show", "all"];
    check(dir, &ignore, 1, &["a/.dockerignore (no such file)"]);
    put(dir, "plimsoll.toml", "[[service]]\npath = 'a'\ncontext = '.'\n");
    check(dir, &ignore, 0, &["PASS build/effective-dockerignore"]);
    put(dir, "plimsoll.toml", "[[service]]\npath = 'a'\ncontext = 'b'\n");
    check(dir, &ignore, 1, &["there is no directory `b` to build from"]);
    put(dir, "plimsoll.toml", "[[service]]\npath = 'a'\ncontext = '../b'\n");
    check(dir, &ignore, 1, &["leads out of what is audited"]);
}

#[test]
fn settings_of_other_tools_accept_the_same() {
    let dir = repository();
    let dir = dir.path();
    put(dir, ".hadolint.yaml", "ignored: [DL3020]\n");
    let only = ["audit", "--check", "build/copies-not-adds", "--fail-on", "low"];
    check(dir, &only, 0, &["accepted: `DL3020` in `.hadolint.yaml`, for hadolint"]);
    put(dir, ".hadolint.yaml", "ignored: [DL3002]\n");
    check(dir, &only, 1, &[]);
    put(dir, ".trivyignore", "AVD-DS-0005 exp:2027-01-31\n");
    check(dir, &[&only[..], &["--date", "2027-01-31"]].concat(), 0, &["until 2027-01-31"]);
    check(dir, &[&only[..], &["--date", "2027-02-01"]].concat(), 1, &[]);
    std::fs::remove_file(dir.join(".trivyignore")).unwrap();
    put(dir, ".trivyignore.yaml", "misconfigurations:\n  - id: AVD-DS-0005\n    paths: ['**']\n");
    check(dir, &only, 0, &["accepted: `AVD-DS-0005` in `.trivyignore.yaml`, for trivy"]);
    put(dir, ".trivyignore.yaml", "misconfigurations:\n  - id: AVD-DS-0005\n    paths: [x/**]\n");
    check(dir, &only, 1, &[]);
    put(
        dir,
        ".github/workflows/a.yml",
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    \
        steps:\n      - uses: actions/checkout@v4\n      - uses: actions/cache@v4\n",
    );
    let only = ["audit", "--check", "supply/actions-pinned", "--fail-on", "low"];
    check(dir, &only, 1, &[]);
    put(dir, "zizmor.yml", "rules:\n  unpinned-uses:\n    ignore: ['a.yml:6']\n");
    check(dir, &only, 1, &["a.yml:7"]);
    put(dir, "zizmor.yml", "rules:\n  unpinned-uses:\n    ignore: ['a.yml:6', 'a.yml:7:9']\n");
    check(dir, &only, 0, &["accepted: `a.yml:6` in `zizmor.yml`, for zizmor"]);
}
