//! Compose files in the order in which they are named: with `-f` by scripts, in `COMPOSE_FILE` by a
//! project's `.env` file.

use std::collections::BTreeSet;

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
