//! # Nothing that the pipeline installs comes from a moving address unchecked
//!
//! No step gives what it downloads to a shell or an interpreter (`curl … | sh`, `bash <(curl …)`, a
//! file that is fetched and run without its checksum being compared), and no step installs a package
//! by its name alone beside the lockfile (`npm i playwright`).
//!
//! The pipeline holds the keys: tokens, registries, deployments. Whoever can change the script behind
//! that address, or publishes the next version of that package, runs code with them today, and nobody
//! sees a change in this repository.
//!
//! Install a released version and compare its checksum or signature; take the tool's own action by its
//! commit; name packages with their version. An address that names a full commit is as good as a
//! checksum. One that names a version, and a package without one, are PARTIAL.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           curl -sSfL https://raw.githubusercontent.com/anchore/syft/main/install.sh | sh -s -- -b /usr/local/bin # <- is run unchecked
//!           bash <(curl -s https://example.com/install) # <- is run unchecked
//!       - run: npm i -D --no-save playwright # <- without a version
//! ```
//!
//! Fetched, then run:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! setup:
//!   script:
//!     - curl -fsSL https://example.com/install.sh -o install.sh && bash install.sh # <- is run unchecked
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: anchore/sbom-action/download-syft@7b36ad622f042cab6f59a75c2ac24ccb256e9b45
//!       - run: npm i -D --no-save playwright@1.49.1
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           curl -fsSLo install.sh https://example.com/1.2.3/install.sh
//!           echo "0a1b  install.sh" | sha256sum --check
//!           sh install.sh
//!       - run: curl -s http://localhost:8080/health | python -m json.tool
//!       - run: npm ci && npm install -g npm@10.9.0
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: curl -fsSL https://example.com/v1.2.3/install.sh | sh # <- names a version
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No pipeline.
//! ```

use plimsoll_model::pipeline::Command;

use crate::conditions::RUNS_PIPELINES;
use crate::downloads::{CHECKERS, Moves, OTHERS, SHELLS, is_remote};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/verified-installers",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "scripts",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "dl-pipe-shell", relation: Relation::Same },
                Equivalent {
                    tool: "poutine",
                    rule: "unverified_script_exec",
                    relation: Relation::Same,
                },
                Equivalent { tool: "semgrep", rule: "curl-eval", relation: Relation::Narrower },
                Equivalent { tool: "glsec", rule: "GL011", relation: Relation::Same },
            ],
        },
        Part {
            name: "packages",
            equivalents: &[Equivalent {
                tool: "catalogue",
                rule: "pin-pkg",
                relation: Relation::Wider,
            }],
        },
    ],
    when: &[&RUNS_PIPELINES],
    source: include_str!("verified_installers.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut packages, mut versioned) = (Vec::new(), Vec::new(), Vec::new());
    for (.., step) in workflows::steps(workflows::live(cx)) {
        for (at, command) in step.commands.iter().enumerate() {
            if let Some(fetched) = runs_download(&step.commands, at) {
                match Moves::of(&fetched) {
                    Moves::Yes => {
                        let says = "what is downloaded is run unchecked";
                        bad.push(Evidence::contradicts(command.span, says).part("scripts"));
                    }
                    Moves::Version => {
                        let says = "is run unchecked; its address names a version";
                        let evidence = Evidence::contradicts(command.span, says).part("scripts");
                        versioned.push(evidence.severity(Severity::Low));
                    }
                    Moves::No => {}
                }
            }
            if let Some(name) = unversioned(command) {
                let says = format!("installs `{}` without a version", crate::evidence::clip(name));
                let evidence = Evidence::contradicts(command.span, says).part("packages");
                packages.push(evidence.severity(Severity::Medium));
            }
        }
    }
    let right = "nothing that the pipeline installs comes from a moving address unchecked";
    let wrong = "the pipeline runs what it downloads unchecked: name a version, compare a checksum";
    let made = if bad.is_empty() { Verdict::partial } else { Verdict::fail };
    bad.extend(packages);
    bad.extend(versioned);
    workflows::judged(cx, bad, made, wrong, right, None)
}

fn program(command: &Command) -> &str {
    command.words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word))
}

fn is_fetch(command: &Command) -> bool {
    matches!(program(command), "curl" | "wget" | "aria2c")
}

/// What the command of this index runs out of a download: the text that names its address.
fn runs_download(commands: &[Command], at: usize) -> Option<String> {
    let command = commands.get(at)?;
    let name = program(command);
    let (shell, other) = (SHELLS.contains(&name), OTHERS.contains(&name));
    if !shell && !other {
        return None;
    }
    let args: Vec<&str> = command.words.iter().skip(1).map(String::as_str).collect();
    // `bash <(curl …)`, `sh -c "$(curl …)"`.
    let inner = args.iter().find(|arg| {
        let starts = ["<(curl", "<(wget", "$(curl", "$(wget", "`curl", "`wget"];
        starts.iter().any(|start| arg.contains(start))
    });
    if let Some(inner) = inner {
        return is_remote(inner).then(|| (*inner).to_owned());
    }
    let before = commands.get(..at).unwrap_or_default();
    // `curl … | sh`: what it reads is its program when no file is named.
    let reads = args.first().is_none_or(|arg| matches!(*arg, "-" | "-s" | "-e" | "-x" | "-eux"))
        || args.iter().any(|arg| matches!(*arg, "-s" | "-es" | "-xs"));
    if command.stdin.as_deref().is_some_and(|from| from.starts_with('|')) && reads {
        let near = before.iter().rev().take(3);
        let text = near.filter(|near| is_fetch(near)).map(|near| near.words.join(" ")).next();
        return text.filter(|text| is_remote(text));
    }
    // Fetched into a file, run by its name.
    let file = args.iter().find(|arg| !arg.starts_with('-'))?;
    let bare = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let fetched = before.iter().rposition(|earlier| {
        is_fetch(earlier)
            && (earlier.stdout.as_deref().is_some_and(|out| bare(out) == bare(file))
                || earlier.words.iter().any(|word| bare(word) == bare(file)))
    })?;
    let checked = before.iter().skip(fetched).any(|between| CHECKERS.contains(&program(between)));
    let text = before.get(fetched)?.words.join(" ");
    (!checked && is_remote(&text)).then_some(text)
}

/// The first package that a command installs by its name alone.
fn unversioned(command: &Command) -> Option<&str> {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let packages = match words.as_slice() {
        ["npm", "install" | "i" | "add", rest @ ..]
        | ["pnpm" | "yarn" | "bun", "add", rest @ ..]
        | ["yarn", "global", "add", rest @ ..] => rest,
        _ => return None,
    };
    let valued =
        ["--prefix", "-C", "--registry", "--workspace", "-w", "--cwd", "--dir", "--filter"];
    let mut skip = false;
    packages.iter().copied().find(|word| {
        if std::mem::replace(&mut skip, valued.contains(word)) || word.starts_with('-') {
            return false;
        }
        let version = word.trim_start_matches('@').split_once('@').map(|(_, version)| version);
        let local = word.starts_with(['.', '/', '~', '$']) || word.contains(['$', ':', '*']);
        let is_file = word.ends_with(".tgz");
        !local && !is_file && version.is_none_or(|v| matches!(v, "latest" | "next" | "*"))
    })
}
