//! Compose files in the order in which they are named: with `-f` by scripts, in `COMPOSE_FILE` by a
//! project's `.env` file.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::FileId;

use crate::compose_call::{Compose, files_named};
use crate::flow::Command;
use crate::lower::cx::Cx;
use crate::lower::reach;
use crate::script::Program;

/// The most files of one order.
const MAX_FILES: usize = 64;

/// Orders of files that production scripts start projects with, each once; empty where a script
/// names none, and compose takes what it finds.
pub(super) fn of_programs(cx: &Cx<'_>, programs: &[Program]) -> BTreeSet<Vec<FileId>> {
    let mut found = BTreeSet::new();
    for program in programs.iter().filter(|program| program.purpose.is_production()) {
        let own = reach::parent(cx.tree.path(program.file));
        for command in program.calls() {
            let Some(compose) = command.compose().filter(|c| matches!(c.verb, "up" | "create"))
            else {
                continue;
            };
            let mut named = compose.files();
            named.truncate(MAX_FILES);
            let resolve = |start: &str| -> Option<Vec<FileId>> {
                named.iter().map(|name| find(cx, command, name, start)).collect()
            };
            // A script is started from the root, or from where it lies.
            found.extend(resolve("").or_else(|| resolve(own)));
        }
    }
    found
}

/// The directories where scripts that deploy start projects without a word of files: compose takes the
/// automatic override file there, too.
pub(super) fn bare(cx: &Cx<'_>, programs: &[Program]) -> BTreeSet<String> {
    const DEPLOYS: [&str; 7] =
        ["deploy", "prod", "production", "release", "rollout", "update", "upgrade"];
    let deploys = |program: &&Program| {
        program.purpose.is_production()
            && program.flow.name.iter().any(|word| DEPLOYS.contains(&&**word))
    };
    let mut found = BTreeSet::new();
    for program in programs.iter().filter(deploys) {
        let own = reach::parent(cx.tree.path(program.file));
        for command in program.calls() {
            let starts = |compose: &Compose<'_>| matches!(compose.verb, "up" | "create");
            let compose = command.compose().filter(starts);
            if compose.is_some_and(|compose| compose.files().is_empty()) {
                found.extend(["", own].iter().filter_map(|start| command.path_of(".", start)));
            }
        }
    }
    found
}

/// The file of variables that production scripts start the projects of a directory with, where they
/// name one, always the same: it takes the place of `.env`.
pub(super) fn variables(cx: &Cx<'_>, programs: &[Program]) -> BTreeMap<String, FileId> {
    let mut named: BTreeMap<String, BTreeSet<Option<FileId>>> = BTreeMap::new();
    for program in programs.iter().filter(|program| program.purpose.is_production()) {
        let own = reach::parent(cx.tree.path(program.file));
        for command in program.calls() {
            let starts = |compose: &Compose<'_>| matches!(compose.verb, "up" | "create");
            let Some(compose) = command.compose().filter(starts) else { continue };
            for start in ["", own] {
                let file = compose.files().first().and_then(|name| find(cx, command, name, start));
                let dir = match file {
                    Some(file) => Some(reach::parent(cx.tree.path(file)).to_owned()),
                    None => command.path_of(".", start).filter(|_| compose.files().is_empty()),
                };
                let mut variables = compose.env_files().into_iter();
                let variables = variables.next_back().and_then(|n| find(cx, command, n, start));
                if let Some(dir) = dir {
                    named.entry(dir).or_default().insert(variables);
                }
            }
        }
    }
    let one = |(dir, files): (String, BTreeSet<Option<FileId>>)| {
        let file = files.first().copied().flatten()?;
        (files.len() == 1).then_some((dir, file))
    };
    named.into_iter().filter_map(one).collect()
}

/// The lists of files that any command names, each once: those of one list are read together.
pub(super) fn lists(cx: &Cx<'_>, programs: &[Program]) -> BTreeSet<Vec<FileId>> {
    let mut found = BTreeSet::new();
    for program in programs {
        let own = reach::parent(cx.tree.path(program.file));
        for command in program.calls() {
            let mut named = files_named(&command.words);
            named.truncate(MAX_FILES);
            let resolve = |start: &str| -> Option<Vec<FileId>> {
                named.iter().map(|name| find(cx, command, name, start)).collect()
            };
            let list = resolve("").or_else(|| resolve(own)).filter(|list| !list.is_empty());
            found.extend(list);
        }
    }
    found
}

fn find(cx: &Cx<'_>, command: &Command, name: &str, start: &str) -> Option<FileId> {
    cx.tree.find(&command.path_of(name, start)?)
}
