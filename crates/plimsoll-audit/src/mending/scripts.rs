//! What fixes of scripts share: each program that a finding speaks against, and what `set -e` would
//! make of it.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::flow::{Command, CommandKind, Flow, Read, RedirectOp, RegionKind};
use plimsoll_model::mend::shell::{self, Source};
use plimsoll_model::script::Program;
use plimsoll_source::{Edit, FileId, Span};
use plimsoll_syntax::shell::PartKind;

use super::{against, snippet};
use crate::{Cx, Finding, Fix, Safety, Snippet};

/// A fix of the scripts that a finding speaks against, as far as `make` knows how: it is given each of
/// them once, and the places in it.
pub(crate) fn mended(
    cx: &Cx<'_>,
    finding: &Finding,
    does: &'static str,
    sample: Option<Snippet>,
    make: impl Fn(&Program, &Source<'_>, &[Span]) -> Vec<Edit>,
) -> Option<Fix> {
    let mut places: BTreeMap<FileId, Vec<Span>> = BTreeMap::new();
    for at in against(finding) {
        let own = places.entry(at.file).or_default();
        if !own.contains(&at) {
            own.push(at);
        }
    }
    let mut edits = BTreeSet::new();
    for (file, places) in places {
        let mut programs = cx.delivery.programs.iter();
        let script = programs.find(|program| program.file == file && program.target.is_none());
        let Some(program) = script.filter(|program| program.purpose.is_production()) else {
            continue;
        };
        if let Some(source) = shell::open(&cx.delivery.tree, &program.text, &program.script) {
            edits.extend(make(program, &source, &places));
        }
    }
    let edits: Vec<Edit> = edits.into_iter().collect();
    let fix = Fix::of_edits(does, Safety::Review, sample, edits);
    (fix.patch.is_some() || fix.snippet.is_some()).then_some(fix)
}

/// The same, one place after the other.
pub(crate) fn each(
    cx: &Cx<'_>,
    finding: &Finding,
    does: &'static str,
    sample: Option<Snippet>,
    make: impl Fn(&Program, &Source<'_>, Span) -> Option<Vec<Edit>>,
) -> Option<Fix> {
    mended(cx, finding, does, sample, |program, source, places| {
        places.iter().filter_map(|at| make(program, source, *at)).flatten().collect()
    })
}

/// What one would write into the first script that a finding speaks against.
pub(crate) fn sample(cx: &Cx<'_>, finding: &Finding, text: &str) -> Option<Snippet> {
    let at = against(finding).next()?;
    snippet(cx.path(at.file), "sh", text)
}

/// The command of a program at a place.
pub(crate) fn command(program: &Program, at: Span) -> Option<&Command> {
    program.flow.commands.iter().find(|command| command.span == at)
}

/// Lets a script stop at the first failure, and at variables that are not set where all that it reads
/// are; nothing where it goes on behind failures that it expects.
pub(crate) fn stop_early(program: &Program, source: &Source<'_>) -> Vec<Edit> {
    let flow = &program.flow;
    if flow.commands.iter().any(|command| expects_failure(flow, command)) || asks_status(program) {
        return Vec::new();
    }
    let letters = if flow.reads.iter().all(|read| is_set(flow, read)) { "eu" } else { "e" };
    let pipefail = source.is_bash() && !ends_pipes_early(flow);
    source.set_options(letters, pipefail).into_iter().collect()
}

/// Lets the failure of any part of a pipe be the pipe's: in bash, unless a part ends before the one
/// that feeds it does.
pub(crate) fn fail_in_pipes(program: &Program, source: &Source<'_>) -> Vec<Edit> {
    let mends = source.is_bash() && !ends_pipes_early(&program.flow) && !asks_status(program);
    mends.then(|| source.set_options("", true)).flatten().into_iter().collect()
}

/// Whether a pipe has a part that stops reading early, or one whose failure says «nothing found».
fn ends_pipes_early(flow: &Flow) -> bool {
    const EARLY: [&str; 10] =
        ["head", "grep", "egrep", "fgrep", "rg", "awk", "sed", "diff", "cmp", "yes"];
    flow.commands.iter().any(|command| {
        EARLY.contains(&command.program())
            && flow
                .around(command.region)
                .any(|(_, region)| matches!(region.kind, RegionKind::Pipe { .. }))
    })
}

/// Whether the status of a command is asked for by `$?`, in whatever depth: under `set -e` it is
/// always zero.
fn asks_status(program: &Program) -> bool {
    let mut parts = program.script.words.iter().flat_map(|word| &word.parts);
    parts.any(|part| match &part.kind {
        PartKind::Variable { name, .. } => name == "?" || name.starts_with("PIPESTATUS"),
        PartKind::Arithmetic => {
            let text = part.range.slice(program.text.text());
            memchr::memmem::find(text, b"$?").is_some()
        }
        _ => false,
    })
}

/// Whether a command may well fail where all is well: nothing asks for its outcome, and it has no
/// other way to say «no».
fn expects_failure(flow: &Flow, command: &Command) -> bool {
    if command.tested || flow.is_aside(command) {
        return false;
    }
    let args = command.args();
    let first = args.first().map_or("", String::as_str);
    let quiet = command.redirects.iter().any(|redirect| {
        redirect.fd == 2 || matches!(redirect.op, RedirectOp::WriteBoth | RedirectOp::AppendBoth)
    });
    match command.program() {
        _ if command.kind == CommandKind::Arithmetic || command.kind == CommandKind::Test => true,
        "grep" | "egrep" | "rg" | "diff" | "cmp" | "expr" | "test" | "[" | "let" | "which"
        | "pgrep" | "pkill" | "killall" | "kill" | "read" | "umount" | "ping" | "nc" | "false" => {
            true
        }
        "docker" | "podman" => {
            let ends = matches!(first, "stop" | "rm" | "kill" | "rmi");
            let makes = matches!(first, "network" | "volume")
                && args.get(1).is_some_and(|verb| matches!(&**verb, "create" | "rm"));
            ends || makes
        }
        "systemctl" | "service" => args.iter().any(|word| word == "stop" || word == "status"),
        "rm" => !args.iter().any(|word| word.starts_with('-') && word.contains('f')),
        "mkdir" => !args.iter().any(|word| word.starts_with('-') && word.contains('p')),
        "git" => first == "commit",
        "useradd" | "adduser" | "groupadd" | "addgroup" | "createdb" | "createuser" => true,
        _ => quiet,
    }
}

/// Whether a variable is set wherever it is read: by the script, or by every shell.
fn is_set(flow: &Flow, read: &Read) -> bool {
    const GIVEN: [&str; 12] =
        ["HOME", "PATH", "PWD", "IFS", "#", "@", "*", "$", "!", "0", "-", "OPTIND"];
    read.op.as_ref().is_some_and(|(op, _)| op.contains(['-', '=', '?', '+']))
        || GIVEN.contains(&&*read.name)
        || flow.sets.iter().any(|set| set.name == read.name && set.at <= read.at)
}

/// Lets a script change to the directory of the project whose compose files it is about.
pub(crate) fn change_directory(cx: &Cx<'_>, program: &Program, source: &Source<'_>) -> Vec<Edit> {
    let path = cx.path(program.file);
    let own: Vec<&str> = path.split('/').rev().skip(1).filter(|part| !part.is_empty()).collect();
    let mut dirs: BTreeSet<&str> = BTreeSet::new();
    dirs.extend(cx.delivery.projects.iter().filter(|p| p.purpose.is_production()).map(|p| &*p.dir));
    // Of several projects it is not known which is meant; and a file that is given by a path would be
    // looked for elsewhere.
    let given = program.flow.reads.iter().any(|read| matches!(&*read.name, "1" | "2" | "@" | "*"));
    let [dir] = dirs.into_iter().collect::<Vec<_>>()[..] else { return Vec::new() };
    if given {
        return Vec::new();
    }
    let from: Vec<&str> = own.into_iter().rev().collect();
    let to: Vec<&str> = dir.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - same);
    let way: Vec<&str> = up.chain(to.iter().skip(same).copied()).collect();
    let plain =
        |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !way.iter().all(plain) {
        return Vec::new();
    }
    let way = way.join("/");
    let slash = if way.is_empty() { "" } else { "/" };
    let line = format!("cd \"$(dirname \"$0\"){slash}{way}\"");
    source.begin_with(&line).into_iter().collect()
}
