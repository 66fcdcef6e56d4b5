//! `plimsoll fix --resolve`, through the binary: a registry on loopback that wants a token, and git
//! repositories that a configuration of git puts in the place of GitHub's.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test makes trees on disk, listens on loopback and runs the binary, curl and git"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

const DIGEST: &str = "sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c";

/// A registry that knows `acme/app:1.2` and shows it to who brings its token. Returns its host.
fn registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let name = host.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), &name);
        }
    });
    host
}

fn serve(mut stream: TcpStream, host: &str) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let request: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let first = request.first().cloned().unwrap_or_default();
    let knows = |header: &str| request.iter().any(|line| line == header);
    let ask = format!("Www-Authenticate: Bearer realm=\"http://{host}/token\",service=\"here\"");
    let (status, header, body) = match &*first {
        "GET /token?service=here&scope=repository%3Aacme%2Fapp%3Apull HTTP/1.1" => {
            ("200 OK", String::new(), "{\"token\": \"let.me-in\"}")
        }
        _ if !knows("Authorization: Bearer let.me-in") => ("401 Unauthorized", ask, ""),
        "HEAD /v2/acme/app/manifests/1.2 HTTP/1.1" => {
            ("200 OK", format!("Docker-Content-Digest: {DIGEST}"), "")
        }
        "HEAD /v2/acme/app/manifests/odd HTTP/1.1" => {
            ("200 OK", "Docker-Content-Digest: sha256:abc".to_owned(), "")
        }
        _ => ("404 Not Found", String::new(), ""),
    };
    let header = if header.is_empty() { header } else { format!("{header}\r\n") };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read(dir: &Path, path: &str) -> String {
    std::fs::read_to_string(dir.join(path)).unwrap()
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(dir).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let out = git.args(arguments).output().unwrap();
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// The checks that ask, run on `dir` with GitHub's place taken by `forge`.
fn fix(dir: &Path, forge: &Path, more: &[&str]) -> String {
    let config = forge.join("gitconfig");
    let base = forge.display();
    std::fs::write(
        &config,
        format!("[url \"file://{base}/\"]\n\tinsteadOf = https://github.com/\n\tinsteadOf = https://gitlab.example/\n"),
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(dir).env("GIT_CONFIG_GLOBAL", &config).env("NO_PROXY", "*");
    command.args(["fix", "--review", "--date", "2026-08-03"]);
    for only in [
        "image/pinned-digest",
        "supply/actions-pinned",
        "supply/gitlab-includes-pinned",
        "supply/job-images-pinned",
    ] {
        command.args(["--only", only]);
    }
    let Output { status, stdout, stderr } = command.args(more).output().unwrap();
    let all = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(0), "{all}");
    all
}

fn has_curl() -> bool {
    let there = Command::new("curl").arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: curl is not installed, so no registry was asked");
    }
    there
}

#[test]
fn tags_become_what_the_registry_and_the_repository_say_that_they_are() {
    if !has_curl() {
        return;
    }
    let host = registry();
    let (tree, forge) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (dir, forge) = (tree.path(), forge.path());
    let action = forge.join("acme/deploy");
    put(&action, "action.yml", "runs: { using: composite, steps: [] }\n");
    git(&action, &["init", "-q", "-b", "main"]);
    git(&action, &["add", "-A"]);
    git(&action, &["commit", "-qm", "first"]);
    git(&action, &["tag", "v2.1.0"]);
    // A tag with a message is an object of its own, and not the commit.
    git(&action, &["tag", "-a", "v2", "-m", "two"]);
    let commit = git(&action, &["rev-parse", "HEAD"]);

    let dockerfile = format!("FROM {host}/acme/app:1.2\nUSER 1000\nCMD [\"/app\"]\n");
    let workflow = format!(
        "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    container: {host}/acme/app:9\n    \
         steps:\n      - uses: acme/deploy@v2\n      - uses: docker://{host}/acme/app:1.2\n      - \
         uses: acme/gone@v1\n"
    );
    put(dir, "Dockerfile", &dockerfile);
    put(dir, ".github/workflows/ci.yml", &workflow);
    let compose = format!("services:\n  app:\n    image: {host}/acme/app:odd\n");
    put(dir, "compose.yaml", &compose);

    // Nothing is asked, and nothing known, without the option.
    fix(dir, forge, &[]);
    assert_eq!(read(dir, "Dockerfile"), dockerfile);
    assert_eq!(read(dir, ".github/workflows/ci.yml"), workflow);

    let said = fix(dir, forge, &["--resolve"]);
    assert_eq!(
        read(dir, "Dockerfile"),
        dockerfile.replace("app:1.2", &format!("app:1.2@{DIGEST}")),
        "{said}"
    );
    assert_eq!(
        read(dir, ".github/workflows/ci.yml"),
        workflow
            .replace("acme/deploy@v2", &format!("acme/deploy@{commit} # v2.1.0"))
            .replace("app:1.2\n", &format!("app:1.2@{DIGEST}\n")),
        "{said}"
    );
    assert_eq!(read(dir, "compose.yaml"), compose, "no digest is invented");
    assert!(said.contains("app:odd: its registry names no digest"), "{said}");
    assert!(said.contains("https://github.com/acme/gone@v1: `git` could not ask"), "{said}");
    assert!(said.contains("on 2026-08-03"), "{said}");

    let again = fix(dir, forge, &["--resolve"]);
    assert!(again.contains("0 fixes made"), "{again}");
}

#[test]
fn what_a_gitlab_pipeline_includes_is_pinned_on_the_forge_of_the_repository() {
    let (tree, forge) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (dir, forge) = (tree.path(), forge.path());
    let mut commits = Vec::new();
    for name in ["acme/templates", "parts/scan"] {
        let project = forge.join(name);
        put(&project, "job.yml", "job: { script: make }\n");
        git(&project, &["init", "-q", "-b", "main"]);
        git(&project, &["add", "-A"]);
        git(&project, &["commit", "-qm", name]);
        commits.push(git(&project, &["rev-parse", "HEAD"]));
    }
    git(&forge.join("parts/scan"), &["tag", "1"]);
    let pipeline = "include:\n  - project: acme/templates\n    file: /job.yml\n  - project: acme/templates\n    \
                    ref: main\n    file: /job.yml\n  - component: gitlab.example/parts/scan/sast@1\n  - \
                    project: acme/gone\n    file: /job.yml\nbuild:\n  script: make\n";
    put(dir, ".gitlab-ci.yml", pipeline);
    git(dir, &["init", "-q"]);
    git(dir, &["remote", "add", "origin", "git@gitlab.example:acme/app.git"]);
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-qm", "first"]);

    let said = fix(dir, forge, &[]);
    assert_eq!(read(dir, ".gitlab-ci.yml"), pipeline);
    assert!(said.contains("git ls-remote \"$CI_SERVER_URL/acme/templates\" main"), "{said}");

    let said = fix(dir, forge, &["--resolve"]);
    let (first, second) = (&commits[0], &commits[1]);
    let expected = pipeline
        .replacen("file: /job.yml\n", &format!("file: /job.yml\n    ref: {first}\n"), 1)
        .replace("ref: main\n", &format!("ref: {first} # main\n"))
        .replace("sast@1\n", &format!("sast@{second} # 1\n"));
    assert_eq!(read(dir, ".gitlab-ci.yml"), expected, "{said}");
    assert!(said.contains("acme/gone@HEAD: `git` could not ask"), "{said}");
}

#[test]
fn a_registry_that_is_not_there_leaves_a_sketch() {
    if !has_curl() {
        return;
    }
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (tree, forge) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dockerfile = format!("FROM 127.0.0.1:{port}/acme/app:1.2\nUSER 1000\nCMD [\"/app\"]\n");
    put(tree.path(), "Dockerfile", &dockerfile);
    let said = fix(tree.path(), forge.path(), &["--resolve"]);
    assert_eq!(read(tree.path(), "Dockerfile"), dockerfile);
    let note = format!("note: 127.0.0.1:{port}/acme/app:1.2: `curl` could not ask: curl: (7)");
    assert!(said.contains(&note) && said.contains("docker buildx imagetools inspect"), "{said}");
}
