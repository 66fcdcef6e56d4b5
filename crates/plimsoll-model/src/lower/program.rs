//! Programs: shell scripts and Makefile targets, what they call and what that makes them.

use plimsoll_source::{DerivedBuilder, FileId, Span, Tracking, normalize_path};
use plimsoll_syntax::shell::{self, Dialect};
use rayon::prelude::*;

use super::calls::{self, Call, Library, Start};
use super::cx::Cx;
use super::makefile;
use super::migration::literals::Source;
use super::purpose;
use super::reach::{Reach, is_script, parent, read_script};
use crate::flow::Flow;
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
        files.into_par_iter().map(|file| parsed(cx, &reach, file)).collect();
    let mut programs: Vec<Program> = programs.into_iter().flatten().collect();
    let mut library = Library::default();
    for program in programs.iter().filter(|program| program.target.is_none()) {
        library.add(cx.tree.path(program.file), &program.text, &program.script);
    }
    let flows: Vec<Flow> =
        programs.par_iter().map(|program| flow_of(cx, program, &library)).collect();
    for (program, flow) in programs.iter_mut().zip(flows) {
        program.flow = flow;
    }
    programs.par_iter_mut().for_each(|program| fill(cx, &reach, program));
    programs
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
                flow: Flow::default(),
                runs: Vec::new(),
                purpose: purpose::of_script(cx.tree.path(package.manifest), &script.name),
            };
            program.flow = flow_of(cx, &program, &Library::default());
            let done = reach.closure(&reach.direct(calls_of(&program), &[&*package.dir]));
            program.roles = done.into_iter().map(|done| done.role).collect();
            program
        })
        .collect()
}

/// The programs of a file, without what they do.
fn parsed(cx: &Cx<'_>, reach: &Reach<'_>, file: FileId) -> Vec<Program> {
    let path = cx.tree.path(file);
    let stem = path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or(path);
    let program = |target: Option<String>, text, script, one_shell| Program {
        file,
        purpose: purpose::of_script(path, target.as_deref().unwrap_or(stem)),
        target,
        text,
        script,
        one_shell,
        roles: Vec::new(),
        flow: Flow::default(),
        runs: Vec::new(),
    };
    if is_script(cx, file) {
        let script = read_script(cx, file);
        return script
            .map(|(text, script)| program(None, text, script, true))
            .into_iter()
            .collect();
    }
    let makefile = reach.makefile(file);
    let targets = makefile.targets.iter().map(|target| {
        let script = shell::parse(target.recipe.text(), Dialect::Bash);
        program(Some(target.name.clone()), target.recipe.clone(), script, makefile.one_shell)
    });
    targets.collect()
}

fn fill(cx: &Cx<'_>, reach: &Reach<'_>, program: &mut Program) {
    let done = match &program.target {
        Some(target) => reach.target(program.file, target),
        None => {
            let starts = ["", parent(cx.tree.path(program.file))];
            reach.closure(&reach.direct(calls_of(program), &starts))
        }
    };
    program.roles = done.into_iter().map(|done| done.role).collect();
    if program.target.is_some() {
        program.runs = calls_of(program).filter_map(runs).collect();
    }
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

/// The programs and functions that a program runs.
fn calls_of(program: &Program) -> impl Iterator<Item = &Call> {
    program.flow.commands.iter().filter(|call| calls::is_call(&program.flow, call))
}

fn flow_of(cx: &Cx<'_>, program: &Program, library: &Library<'_>) -> Flow {
    let path = cx.tree.path(program.file);
    let start = match program.target {
        None => Start::script(path),
        Some(_) => Start { lines_apart: !program.one_shell, ..Start::recipe(parent(path)) },
    };
    let mut flow = calls::flow(&program.text, &program.script, &[], &start, library);
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = program.target.as_deref().unwrap_or(file).to_ascii_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    flow.name = words.map(str::to_owned).collect();
    flow
}
