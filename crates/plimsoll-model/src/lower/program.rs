//! Programs: shell scripts and Makefile targets, what they call and what that makes them.

use plimsoll_source::{DerivedBuilder, FileId, Span, Tracking, normalize_path};
use plimsoll_syntax::shell::{self, Dialect};
use rayon::prelude::*;

use super::calls::{self, Call, Start};
use super::cx::Cx;
use super::makefile;
use super::migration::literals::Source;
use super::purpose;
use super::reach::{Reach, is_script, parent, read_script};
use crate::package::{Package, script};
use crate::script::{Process, Program};

/// Every shell script and every Makefile target, in (file, place) order.
pub(super) fn read(cx: &Cx<'_>) -> Vec<Program> {
    let reach = Reach::new(cx);
    let files: Vec<FileId> = cx
        .tree
        .entries()
        .filter(|(file, entry)| {
            let name = entry.path.rsplit('/').next().unwrap_or("");
            entry.tracking != Tracking::Ignored
                && (makefile::is_makefile(name) || is_script(cx, *file))
                && !purpose::is_vendored(&entry.path)
        })
        .map(|(file, _)| file)
        .collect();
    let programs: Vec<Vec<Program>> =
        files.into_par_iter().map(|file| one(cx, &reach, file)).collect();
    programs.into_iter().flatten().collect()
}

/// The scripts of manifests that run containers or deploy: programs like a Makefile's targets.
pub(super) fn of_packages(cx: &Cx<'_>, packages: &[Package]) -> Vec<Program> {
    const TOOLS: [&str; 5] = ["docker", "podman", "kubectl", "helm", "ssh"];
    let reach = Reach::new(cx);
    let scripts =
        packages.iter().flat_map(|package| package.scripts.iter().map(move |s| (package, s)));
    scripts
        .filter(|(_, script)| TOOLS.iter().any(|tool| script.command.contains(tool)))
        .map(|(package, script)| {
            let mut text = DerivedBuilder::new();
            text.computed(script.command.as_bytes(), script.span);
            let text = text.finish(script.span);
            let mut program = Program {
                file: package.manifest,
                target: Some(script.name.clone()),
                script: shell::parse(text.text(), Dialect::Bash),
                text,
                one_shell: true,
                roles: Vec::new(),
                calls: Vec::new(),
                runs: Vec::new(),
                purpose: purpose::of_path(cx.tree.path(package.manifest)),
            };
            let calls = calls_of(cx, &program);
            let done = reach.closure(&reach.direct(&calls, &[&*package.dir]));
            program.roles = done.into_iter().map(|done| done.role).collect();
            program.calls =
                calls.into_iter().filter(|c| !c.function).map(|c| (c.words, c.span)).collect();
            program
        })
        .collect()
}

fn one(cx: &Cx<'_>, reach: &Reach<'_>, file: FileId) -> Vec<Program> {
    let path = cx.tree.path(file);
    let purpose = purpose::of_path(path);
    if is_script(cx, file) {
        let Some((text, script)) = read_script(cx, file) else { return Vec::new() };
        let mut program = Program {
            file,
            target: None,
            text,
            script,
            one_shell: true,
            roles: Vec::new(),
            calls: Vec::new(),
            runs: Vec::new(),
            purpose,
        };
        fill(cx, reach, &mut program, &["", parent(path)]);
        return vec![program];
    }
    let makefile = reach.makefile(file);
    let targets = makefile.targets.iter().map(|target| {
        let mut program = Program {
            file,
            target: Some(target.name.clone()),
            text: target.recipe.clone(),
            script: shell::parse(target.recipe.text(), Dialect::Bash),
            one_shell: makefile.one_shell,
            roles: Vec::new(),
            calls: Vec::new(),
            runs: Vec::new(),
            purpose: purpose.clone(),
        };
        fill(cx, reach, &mut program, &[""]);
        program
    });
    targets.collect()
}

fn fill(cx: &Cx<'_>, reach: &Reach<'_>, program: &mut Program, starts: &[&str]) {
    let calls = calls_of(cx, program);
    let done = match &program.target {
        Some(target) => reach.target(program.file, target),
        None => reach.closure(&reach.direct(&calls, starts)),
    };
    program.roles = done.into_iter().map(|done| done.role).collect();
    if program.target.is_some() {
        program.runs = calls.iter().filter_map(runs).collect();
    }
    program.calls = calls
        .into_iter()
        .filter(|call| !call.function)
        .map(|call| (call.words, call.span))
        .collect();
}

/// The script that a call runs by a path of the tree: itself, or given to an interpreter.
fn runs(call: &Call) -> Option<(String, Span)> {
    const INTERPRETERS: [&str; 9] =
        ["sh", "bash", "zsh", "python", "python3", "node", "ruby", "perl", "source"];
    // With these alone the next word is still the script.
    let plain = |word: &str| {
        word.strip_prefix('-').is_some_and(|word| word.bytes().all(|b| b"euxv".contains(&b)))
    };
    if call.masked.is_some() || call.remote || call.looped {
        return None;
    }
    let first = call.words.first()?;
    let at = match first.contains('/') {
        true => 0,
        false if INTERPRETERS.contains(&&**first) => {
            call.words.iter().skip(1).position(|word| !plain(word))? + 1
        }
        false => return None,
    };
    Some((call.path(at, "")?, call.span))
}

/// What PM2's configurations start.
pub(super) fn processes(cx: &Cx<'_>, packages: &[Package]) -> Vec<Process> {
    const NAMES: [&str; 6] = [
        "ecosystem.config.js",
        "ecosystem.config.cjs",
        "ecosystem.json",
        "pm2.config.js",
        "pm2.config.cjs",
        "pm2.json",
    ];
    const MAX_LEN: u64 = 256 * 1024;
    let mut found = Vec::new();
    for (file, entry) in cx.tree.entries() {
        let (dir, name) = (parent(&entry.path), entry.path.rsplit('/').next().unwrap_or(""));
        if !NAMES.contains(&name)
            || entry.tracking == Tracking::Ignored
            || entry.len > MAX_LEN
            || !purpose::of_path(&entry.path).is_production()
        {
            continue;
        }
        let Ok(bytes) = cx.bytes(file) else { continue };
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        let source = Source::new(text);
        let members = source.members();
        // A `cwd` moves the path that `script` starts from.
        if members.iter().any(|member| member.key == "cwd") {
            continue;
        }
        for member in members {
            let Some(written) = member.value.filter(|_| member.quoted) else { continue };
            let is_file = written.contains('/') || written.ends_with(".js");
            if member.key != "script" || !member.above.contains(&"apps") || !is_file {
                continue;
            }
            let Some(path) = normalize_path(&format!("{dir}/{written}")) else { continue };
            let state = script::state_of(cx.tree, packages, dir, written);
            let span = Span::new(file, member.range);
            found.push(Process { file, span, written: written.to_owned(), path, state });
        }
    }
    found
}

/// The commands that a program runs.
pub(super) fn calls_of(cx: &Cx<'_>, program: &Program) -> Vec<Call> {
    let path = cx.tree.path(program.file);
    let start = match program.target {
        None => Start::script(path),
        Some(_) => Start { lines_apart: !program.one_shell, ..Start::recipe(parent(path)) },
    };
    calls::calls(&program.text, &program.script, &[], &start)
}
