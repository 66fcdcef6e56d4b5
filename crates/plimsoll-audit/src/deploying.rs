//! Scripts that deploy: what those called so run, what Makefiles call, what PM2 starts.

use plimsoll_model::package::script::FileState;
use plimsoll_model::pipeline::RoleKind;
use plimsoll_model::script::{Process, Program};
use plimsoll_source::{Span, TextRange};

use crate::evidence::clip;
use crate::owner::{of_none, of_service, owner};
use crate::{Cx, Evidence, Severity, Subject, Verdict, Why};

/// A verdict on each of them that belongs to a service, or to none.
pub(crate) fn verdicts(cx: &Cx<'_>, subject: Subject) -> Vec<Verdict> {
    let path = |program: &Program| cx.path(program.file);
    let (programs, dir, severity) = match subject {
        Subject::Service(id) => {
            let service = cx.service(id);
            // What a descriptor starts as well does not wait for PM2.
            let other = !service.containers.is_empty() || !service.images.is_empty();
            let severity = if other { Severity::Low } else { Severity::High };
            let own = of_service(cx, service, &cx.delivery.programs, path);
            (own, Some(&*service.service.dir), severity)
        }
        _ => (of_none(cx, &cx.delivery.programs, path), None, Severity::High),
    };
    let mut found = Vec::new();
    for program in programs.iter().filter(|program| program.purpose.is_production()) {
        if deploys_by_name(cx, program) {
            found.extend(deploys(cx, program));
        }
        found.extend(program.runs.iter().filter_map(|(path, at)| runs(cx, program, path, *at)));
    }
    let processes = cx.delivery.processes.iter();
    let processes = processes.filter(|process| owner(cx, &process.path) == dir);
    found.extend(processes.filter_map(|process| starts(process, severity)));
    found
}

/// Whether its name says that it deploys: `deploy.sh`, `deploy-prod`, `scripts/deploy`.
fn deploys_by_name(cx: &Cx<'_>, program: &Program) -> bool {
    let name = match &program.target {
        Some(target) => target,
        None => cx.path(program.file).rsplit('/').next().unwrap_or_default(),
    };
    name.split(['.', '-', '_', ':']).any(|word| matches!(word, "deploy" | "deployment" | "rollout"))
}

/// Whether a program called so runs anything; `None` for a target that only has prerequisites.
fn deploys(cx: &Cx<'_>, program: &Program) -> Option<Verdict> {
    let name = program.target.as_deref().unwrap_or_else(|| cx.path(program.file));
    let name = clip(name);
    if program.script.commands.is_empty() {
        return None;
    }
    let first = program.text.span(program.script.commands.first()?.range);
    if let Some(role) = program.roles.iter().find(|role| role.kind == RoleKind::Deploy) {
        return Some(pass(Evidence::shows(role.span, "deploys")));
    }
    if let Some(call) = program.calls().find(|call| !is_idle(&call.words)) {
        let what = clip(call.words.first().map_or("", String::as_str));
        return Some(pass(Evidence::shows(call.span, format!("runs `{what}`"))));
    }
    Some(if program.script.errors.is_empty() {
        let message = format!("`{name}` only prints: write what deploys, or delete it");
        let whole = TextRange::new(0, u32::try_from(program.text.text().len()).unwrap_or(0));
        let at = if program.target.is_some() { first } else { program.text.span(whole) };
        Verdict::fail(message, Evidence::contradicts(at, "only prints"))
    } else {
        let evidence = Evidence::context(first, "does not parse");
        Verdict::unknown(Why::Unparsed, format!("`{name}` does not parse"), evidence)
    })
}

/// Whether a command changes nothing.
fn is_idle(words: &[String]) -> bool {
    const IDLE: [&str; 22] = [
        "[", "[[", "basename", "cat", "clear", "date", "dirname", "exit", "false", "hostname",
        "id", "pwd", "read", "return", "set", "shift", "sleep", "test", "tput", "uname", "wait",
        "whoami",
    ];
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["git", verb, ..] => matches!(verb, "rev-parse" | "describe" | "log" | "status" | "show"),
        [first, ..] => IDLE.contains(&first),
        [] => true,
    }
}

/// Whether a script that a target runs is in the tree; `None` where something may make it.
fn runs(cx: &Cx<'_>, program: &Program, path: &str, at: Span) -> Option<Verdict> {
    const SCRIPTS: [&str; 9] = [".sh", ".bash", ".zsh", ".py", ".js", ".mjs", ".cjs", ".rb", ".pl"];
    const MADE: [&str; 12] = [
        "bin",
        "build",
        "coverage",
        "dist",
        "generated",
        "lib",
        "node_modules",
        "out",
        "target",
        "tmp",
        "vendor",
        "venv",
    ];
    let tree = &cx.delivery.tree;
    if !SCRIPTS.iter().any(|end| path.ends_with(end)) {
        return None;
    }
    if tree.find(path).is_some() {
        return Some(pass(Evidence::shows(at, format!("`{}` is there", clip(path)))));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let theirs = cx.delivery.programs.iter().filter(|other| other.file == program.file);
    let mut others = theirs.flat_map(Program::calls).filter(|call| call.span != at);
    let runner = |word: &String| word.ends_with(name);
    // Fetched, written, unpacked or looked for by another command.
    let made = others.any(|call| {
        let words = &call.words;
        let own = words.iter().take(2).any(runner) && words.len() <= 2;
        !own && words.iter().any(|word| word.contains(name))
    });
    let unsure = made
        || tree.unlisted(path).is_some()
        || path.split('/').any(|part| MADE.contains(&part) || part.starts_with('.'));
    (!unsure).then(|| {
        let target = clip(program.target.as_deref().unwrap_or_default());
        let message = format!("`make {target}` runs `{}`, which is not there", clip(path));
        Verdict::fail(message, Evidence::contradicts(at, "is not there"))
            .and(Evidence::missing_file(path, "no such file"))
    })
}

/// Whether what PM2 starts is there; `None` where a build may make it.
fn starts(process: &Process, severity: Severity) -> Option<Verdict> {
    let name = clip(&process.written);
    match &process.state {
        FileState::Exists(_) | FileState::Emitted(_) | FileState::Directory => {
            Some(pass(Evidence::shows(process.span, "starts what is there")))
        }
        FileState::Missing(_) => {
            let says = Evidence::contradicts(process.span, "is not there").severity(severity);
            let missing = Evidence::missing_file(process.path.clone(), "no such file");
            let message = format!("PM2 is to start `{name}`, which is not there: mend the list");
            Some(Verdict::fail(message, says).and(missing.severity(severity)))
        }
        FileState::Unknown(why) => {
            let evidence = Evidence::context(process.span, why.decide());
            let message = format!("whether `{name}`, which PM2 is to start, exists is not known");
            Some(Verdict::unknown(*why, message, evidence))
        }
    }
}

fn pass(evidence: Evidence) -> Verdict {
    Verdict::pass("what is to deploy runs something that is there", evidence)
}
