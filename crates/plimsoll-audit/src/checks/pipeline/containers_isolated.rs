//! # Containers that jobs start do not get the runner
//!
//! No step runs a container with `--privileged`, with the engine's socket or the host's root mounted, in the host's
//! process or network space, or with `seccomp` or AppArmor off; no job's container asks for it in `options:`.
//!
//! What runs in such a container has the machine: its other jobs, its keys, its cloud identity. On a self-hosted
//! runner it stays there.
//!
//! Give the container what it needs: a port, a volume, one capability. Builds go through the builder, not through a
//! container with the socket.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     container:
//!       image: node:22.11.0
//!       options: --privileged # <- `--privileged`
//!     steps:
//!       - run: docker run -v /var/run/docker.sock:/var/run/docker.sock tool # <- the engine's socket
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     container:
//!       image: node:22.11.0
//!     steps:
//!       - run: docker run -v "$PWD:/src" tool
//! ```
//!
//! ## Passes
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   script: docker run --rm --cap-drop ALL tool
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No pipeline.
//! ```

use crate::conditions::RUNS_PIPELINES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/containers-isolated",
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
            Equivalent { tool: "catalogue", rule: "iso-docker", relation: Relation::Same },
            Equivalent { tool: "glsec", rule: "GL055", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL056", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL057", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL058", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL060", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL061", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL076", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL077", relation: Relation::Narrower },
        ],
    }],
    when: &[&RUNS_PIPELINES],
    source: include_str!("containers_isolated.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut bad = Vec::new();
    for job in workflows::started(cx).flat_map(|pipeline| &pipeline.jobs) {
        for (text, span) in job.containers.iter().filter_map(|c| c.options.as_ref()) {
            let words: Vec<&str> = text.split_whitespace().collect();
            bad.extend(opens(&words).map(|what| (*span, what)));
        }
    }
    for (.., step) in workflows::steps(workflows::live(cx)) {
        for command in &step.commands {
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            let args = match words.as_slice() {
                ["docker" | "podman", "run" | "create" | "exec", args @ ..] => args,
                ["docker" | "podman", "container", "run" | "create" | "exec", args @ ..] => args,
                _ => continue,
            };
            bad.extend(opens(args).map(|what| (command.span, what)));
        }
    }
    bad.sort();
    bad.dedup();
    let bad = bad.into_iter().map(|(span, what)| {
        Evidence::contradicts(span, format!("gives the container the machine: {what}"))
    });
    let bad = bad.collect();
    let wrong = "a container gets the machine that it runs on: give it what it needs";
    workflows::none(cx, bad, wrong, "no container that a job starts gets the machine")
}

/// What among the arguments of a container gives it the machine.
fn opens(args: &[&str]) -> Option<&'static str> {
    // Behind the image stand the program's own words; no flag of the engine's is looked for there.
    const PLAIN: [&str; 8] = ["--rm", "-i", "-t", "-it", "-ti", "-d", "--init", "--detach"];
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
        let (name, inline) = arg.split_once('=').map_or((*arg, None), |(n, v)| (n, Some(v)));
        let value = inline.or(args.get(at + 1).copied()).unwrap_or_default();
        let host = value == "host";
        match name {
            "--privileged" if inline != Some("false") => return Some("`--privileged`"),
            "-v" | "--volume" | "--mount" if value.contains("docker.sock") => {
                return Some("the engine's socket");
            }
            "-v" | "--volume" if value.starts_with("/:") => return Some("its root directory"),
            "--pid" if host => return Some("its processes"),
            "--net" | "--network" if host => return Some("its network"),
            "--ipc" if host => return Some("its shared memory"),
            "--security-opt"
                if value.ends_with("=unconfined") || value.ends_with(":unconfined") =>
            {
                return Some("a profile is off");
            }
            "--cap-add" if matches!(value, "ALL" | "SYS_ADMIN" | "all") => {
                return Some("the capability for everything");
            }
            _ => {}
        }
        let alone = inline.is_some() || PLAIN.contains(&name) || name == "--privileged";
        at += if alone { 1 } else { 2 };
    }
    None
}
