//! Bad input: each ends with a clear message or an UNKNOWN, and the other services are answered.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test makes trees on disk and runs the binary"
)]

use std::path::Path;
use std::process::{Command, Output};

const FORMATS: [&str; 9] =
    ["text", "markdown", "json", "sarif", "html", "junit", "github", "gitlab", "csv"];

fn plimsoll(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .arg("audit")
        .arg(dir)
        .args(arguments)
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .unwrap()
}

fn put(dir: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

const GOOD: &str = "FROM node:20-alpine\nCOPY . .\nCMD [\"node\", \"main.js\"]\n";

/// Audits a tree made by `make` beside a good service; the good one is answered in every format,
/// and nothing of what `hostile` lists reaches the output.
fn check(make: impl Fn(&Path), hostile: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "good/Dockerfile", GOOD);
    make(dir.path());
    for format in FORMATS {
        let output = plimsoll(dir.path(), &["--format", format, "--show", "all"]);
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{format}: {:?} {err}", output.status);
        assert!(out.contains("image/pinned-digest") && out.contains("good"), "{format}: {out}");
        assert!(!out.contains("\"internal\""), "{format}: {out}");
        // A forge's runner obeys such lines in the log of what it runs.
        let commands = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
        if matches!(format, "text" | "markdown") {
            assert_eq!(out.lines().find(|line| commands(line)), None, "{format}");
        }
        // A page may break lines where it likes: they mean nothing there.
        for text in hostile.iter().filter(|text| format != "html" || !text.contains('\n')) {
            assert!(!out.contains(text), "{format} holds {text:?}: {out}");
        }
    }
}

#[test]
fn a_directory_called_dockerfile() {
    check(|dir| put(dir, "odd/Dockerfile/inner.txt", "FROM x"), &[]);
}

#[test]
fn bytes_that_are_no_text() {
    check(
        |dir| {
            put(
                dir,
                "odd/Dockerfile",
                [0xff, 0xfe, 0, 1, 2, b'\n', b'F', b'R', b'O', b'M', b' ', 0x80],
            );
            put(dir, "odd/docker-compose.yml", [0x80, 0x81, b':', b' ', 0xff]);
            put(dir, "odd/package.json", [b'{', 0xc3, 0x28]);
            put(dir, ".github/workflows/ci.yml", [0, 159, 146, 150]);
        },
        &[],
    );
}

#[test]
fn byte_order_marks_and_carriage_returns() {
    check(
        |dir| {
            put(
                dir,
                "odd/Dockerfile",
                "\u{feff}FROM node:20\r\nRUN echo a \\\r\n  && echo b\r\nCMD [\"node\"]\r\n",
            );
            put(dir, "odd/docker-compose.yml", "\u{feff}services:\r\n  odd:\r\n    build: .\r\n");
        },
        &[],
    );
}

#[test]
fn names_that_would_command_a_terminal_or_a_forge() {
    check(
        |dir| {
            put(dir, "a|b/Dockerfile", GOOD);
            put(dir, "esc\u{1b}[31m/Dockerfile", GOOD);
            put(dir, "line\nbreak/Dockerfile", GOOD);
            put(dir, "::set-output name=x::y/Dockerfile", GOOD);
            put(dir, "##[error]x/Dockerfile", GOOD);
            put(dir, "<script>alert(1)</Dockerfile", GOOD);
        },
        &["\u{1b}[31m", "line\nbreak"],
    );
}

#[test]
fn deep_nesting_and_alias_bombs() {
    check(
        |dir| {
            put(dir, "deep/docker-compose.yml", format!("services: {}", "[".repeat(100_000)));
            put(dir, "deep/package.json", "[".repeat(100_000));
            put(dir, "deep/Dockerfile", format!("FROM node:20\nRUN {}\n", "(".repeat(100_000)));
            let mut bomb = "a0: &a0 [x, x]\n".to_owned();
            for i in 1..40 {
                bomb.push_str(&format!("a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1));
            }
            put(dir, "bomb/compose.yaml", bomb);
        },
        &[],
    );
}

#[test]
fn links_that_loop_or_leave() {
    #[cfg(unix)]
    check(
        |dir| {
            let link = |target: &str, at: &str| {
                std::fs::create_dir_all(dir.join(at).parent().unwrap()).unwrap();
                std::os::unix::fs::symlink(target, dir.join(at)).unwrap();
            };
            link("Dockerfile", "loop/Dockerfile");
            link("../../../../../../etc/passwd", "out/Dockerfile");
            link("/etc/shadow", "abs/docker-compose.yml");
            link("..", "up/parent");
        },
        &["root:x:"],
    );
}

#[test]
fn a_secret_is_never_printed() {
    let canary = "canary-4f1d0c2b9a8e-not-a-real-secret";
    check(
        |dir| {
            put(
                dir,
                "odd/Dockerfile",
                format!(
                    "FROM node:20\nENV API_TOKEN={canary}\nARG DB_PASSWORD={canary}\nRUN curl -H 'Authorization: {canary}' https://registry.example\nCOPY . .\nCMD [\"node\"]\n"
                ),
            );
            put(
                dir,
                "odd/docker-compose.yml",
                format!(
                    "services:\n  odd:\n    build: .\n    environment:\n      DB_PASSWORD: {canary}\n      URL: postgres://u:{canary}@db/x\n    command: redis-server --requirepass {canary}\n    healthcheck:\n      test: [CMD, redis-cli, -a, '{canary}', ping]\n"
                ),
            );
            put(dir, "odd/.env", format!("JWT_SECRET={canary}\n"));
        },
        &[canary],
    );
}

#[test]
fn every_truncation_of_real_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ticketing");
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let dockerfile = text("backend/services/event-service/Dockerfile");
    let compose = text("docker-compose.yml");
    let package = text("backend/services/event-service/package.json");
    let longest = dockerfile.len().max(compose.len()).max(package.len());
    for step in 0..=60 {
        let cut = |text: &str| text.as_bytes()[..(text.len() * step / 60).min(text.len())].to_vec();
        let tree = plimsoll_source::Tree::from_memory([
            ("s/Dockerfile".to_owned(), cut(&dockerfile)),
            ("docker-compose.yml".to_owned(), cut(&compose)),
            ("s/package.json".to_owned(), cut(&package)),
            ("good/Dockerfile".to_owned(), GOOD.as_bytes().to_vec()),
        ]);
        let report = plimsoll_audit::audit(&tree, &plimsoll_audit::Policy::default(), &());
        let internal =
            report.findings.iter().any(|f| f.unknown == Some(plimsoll_audit::Why::Internal));
        assert!(!internal, "step {step} of {longest}");
        assert!(
            report.services.iter().any(|s| report.delivery[s.id].name == "good"),
            "step {step}"
        );
    }
}

#[test]
fn an_empty_repository_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let output = plimsoll(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Nothing to audit"), "{output:?}");
}

#[test]
fn wrong_requests_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        (&["--check", "image/pinned-digets"][..], "image/pinned-digest"),
        (&["--area", "imag"][..], "did you mean `image`?"),
        (&["--area", "weather"][..], "there are build, "),
        (&["--check", "DL3002"][..], "here `runtime/non-root`"),
        (&["--check", "runtime/nonroot"][..], "did you mean `runtime/non-root`?"),
        (&["--service", "x"][..], "there are no services here"),
        (&["--min-score", "101"][..], "between 0 and 100"),
        (&["--min-coverage", "NaN"][..], "between 0 and 100"),
        (&["--jobs", "0"][..], "zero"),
        (&["--date", "yesterday"][..], "YYYY-MM-DD"),
        (&["--output", "yaml=x"][..], "there are text, markdown, json"),
    ] {
        let output = plimsoll(dir.path(), arguments);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
        assert!(err.contains(says), "{arguments:?}: {err}");
    }
    let output = plimsoll(&dir.path().join("gone"), &[]);
    assert_eq!(output.status.code(), Some(2));
    put(dir.path(), "plimsoll.toml", "exlude = []\n");
    let output = plimsoll(dir.path(), &[]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(err.contains("exclude") && err.contains("plimsoll.toml:1:1"), "{err}");
}
