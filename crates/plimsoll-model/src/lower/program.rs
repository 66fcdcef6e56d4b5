//! Programs: shell scripts and Makefile targets, what they call and what that makes them.

use plimsoll_source::{DerivedBuilder, FileId, Tracking};
use plimsoll_syntax::shell::{self, Dialect};
use rayon::prelude::*;

use super::calls::{self, Call, Start};
use super::cx::Cx;
use super::makefile;
use super::purpose;
use super::reach::{Reach, is_script, parent, read_script};
use crate::package::Package;
use crate::script::Program;

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
    program.calls = calls
        .into_iter()
        .filter(|call| !call.function)
        .map(|call| (call.words, call.span))
        .collect();
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
