//! What a script asks before it does what cannot be undone: a person, or the environment.

use plimsoll_model::data;
use plimsoll_model::flow::{After, Command, CommandKind, Flow, Read, RegionKind, Set};
use plimsoll_model::script::Program;
use plimsoll_source::Span;

use crate::Cx;
use crate::scripts::is_named;

/// Words of variables that say that something is meant.
const MEANT: [&str; 29] = [
    "accept",
    "allow",
    "allowed",
    "answer",
    "approve",
    "assume",
    "choice",
    "confirm",
    "confirmation",
    "confirmed",
    "continue",
    "delete",
    "destroy",
    "destructive",
    "dry",
    "dryrun",
    "force",
    "interactive",
    "proceed",
    "purge",
    "really",
    "remove",
    "reply",
    "reset",
    "response",
    "sure",
    "unsafe",
    "wipe",
    "yes",
];
/// Words of variables that say where a script runs: they are to be compared.
const WHERE: [&str; 6] = ["env", "environment", "hostname", "prod", "production", "stage"];
/// Words of programs that ask, or of functions that are not in the tree.
const ASKING: [&str; 6] = ["approve", "ask", "confirm", "confirmation", "consent", "prompt"];
/// Words of scripts, targets, functions and subcommands that say that something goes away.
const SAYING: [&str; 25] = [
    "clean",
    "cleanall",
    "cleanup",
    "clear",
    "delete",
    "destroy",
    "down",
    "drop",
    "erase",
    "flush",
    "fresh",
    "nuke",
    "prune",
    "purge",
    "recreate",
    "remove",
    "reset",
    "rm",
    "teardown",
    "tear",
    "undeploy",
    "uninstall",
    "wipe",
    "rebuild",
    "reinstall",
];

/// The variables that are read while the words of a command are put together.
fn read_by<'a>(flow: &'a Flow, command: &Command) -> impl Iterator<Item = &'a Read> {
    let from = flow.reads.partition_point(|read| read.at < command.at);
    let at = command.at;
    flow.reads.get(from..).unwrap_or_default().iter().take_while(move |read| read.at == at)
}

/// Whether a command waits for a person: `read`, neither of a file nor in a pipe or a loop.
fn waits_for_someone(flow: &Flow, command: &Command) -> bool {
    let terminal = |command: &Command| {
        let feeds = |r: &&plimsoll_model::flow::Redirection| r.feeds() && !r.target.contains("tty");
        !command.redirects.iter().any(|redirect| feeds(&redirect))
    };
    command.program() == "read"
        && terminal(command)
        && flow.around(command.region).all(|(_, region)| {
            !matches!(region.kind, RegionKind::Redirected(_) | RegionKind::Pipe { .. })
        })
}

/// Whether a variable holds what a person answered.
fn is_answer(flow: &Flow, name: &str, before: usize) -> bool {
    let by_read = |set: &&Set| {
        let by = set.at.checked_sub(1).and_then(|at| flow.commands.get(at));
        by.is_some_and(|by| waits_for_someone(flow, by))
    };
    flow.sets.iter().filter(|set| set.name == name && set.at <= before).any(|set| by_read(&set))
}

fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    name.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase)
}

fn holds(name: &str, list: &[&str]) -> bool {
    words(name).any(|word| list.contains(&word.as_str()))
}

/// What asks before a command runs: the answer of a person, a word that the caller must give, a
/// variable that says where the script runs or that this is meant.
pub(crate) fn of(flow: &Flow, command: &Command) -> Option<Span> {
    let place = |name: &str| holds(name, &["file", "path", "dir", "root", "url"]);
    let meant =
        |name: &str| !place(name) && holds(name, &MEANT) || is_answer(flow, name, command.at);
    let asks = |guard: &Command| {
        let has = |tests: &[&str]| guard.words.iter().any(|word| tests.contains(&word.as_str()));
        let compares = has(&["=", "==", "!=", "=~"]);
        let file = has(&["-f", "-e", "-d", "-r", "-s", "-x"]);
        let own = guard.expansions.iter().map(|expansion| expansion.name.as_str());
        let mut names = own.chain(read_by(flow, guard).map(|read| read.name.as_str()));
        let positional = |name: &str| name.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty();
        matches!(guard.program(), "whiptail" | "dialog" | "gum" | "zenity")
            || guard.kind == CommandKind::Run && holds(guard.program(), &ASKING)
            || !file
                && names.any(|name| {
                    meant(name)
                        || compares && (positional(name) || !place(name) && holds(name, &WHERE))
                })
    };
    let asks = |guard: &Command| asks(guard) && !lets_all(flow, guard, command);
    if let Some(guard) = flow.guards(command).find(|guard| asks(guard)) {
        return Some(guard.span);
    }
    let arm = flow.around(command.region).find(|(_, region)| match &region.kind {
        RegionKind::Arm { subject, patterns } if !patterns.iter().any(|p| p == "*") => {
            let mut names = subject.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            names.any(|name| is_answer(flow, name, command.at) || holds(name, &WHERE))
        }
        _ => false,
    });
    // «Press Enter»: an answer that nobody looks at is none.
    let pause = || {
        let bare = |c: &&Command| {
            let mut sets = flow.sets.iter().filter(|set| set.at == c.at + 1);
            waits_for_someone(flow, c) && !sets.any(|set| !matches!(&*set.name, "REPLY" | "_"))
        };
        flow.before(command).find(bare)
    };
    arm.map(|(_, region)| region.span).or_else(|| Some(pause()?.span))
}

/// What a test of a text comes to where nobody has set what it reads: `[ "${CONFIRM:-yes}" = yes ]`.
fn by_default(test: &Command) -> Option<bool> {
    let inner = test.words.iter().skip(1).take_while(|word| !matches!(word.as_str(), "]" | "]]"));
    let words: Vec<String> =
        inner.map(|word| data::with_defaults(word.trim_matches('"'))).collect();
    let words: Vec<&str> = words.iter().map(|word| word.trim_matches(['"', '\''])).collect();
    let has_default = test.words.iter().any(|word| word.contains(":-"));
    if test.kind != CommandKind::Test || !has_default || words.iter().any(|word| word.contains('$'))
    {
        return None;
    }
    match words.as_slice() {
        [left, "=" | "==", right] => Some(left == right),
        [left, "!=", right] => Some(left != right),
        ["-n", text] => Some(!text.is_empty()),
        ["-z", text] => Some(text.is_empty()),
        _ => None,
    }
}

/// Whether a guard lets a command run where nobody has set anything: it asks nobody.
fn lets_all(flow: &Flow, guard: &Command, command: &Command) -> bool {
    let conditions = || {
        flow.around(command.region).find_map(|(_, region)| {
            let RegionKind::Branch(conditions) = &region.kind else { return None };
            conditions.iter().find(|c| (c.from..c.to).contains(&guard.at)).map(|c| c.succeeds)
        })
    };
    let ends = |after: After| after != After::GoesOn;
    let needed = match (ends(guard.if_succeeds), ends(guard.if_fails)) {
        (true, _) => Some(false),
        (_, true) => Some(true),
        _ => conditions(),
    };
    needed.is_some() && by_default(guard) == needed
}

/// The test for whose sake a command does not run where nobody has set anything.
pub(crate) fn off_by_default<'a>(flow: &'a Flow, command: &'a Command) -> Option<&'a Command> {
    flow.around(command.region).find_map(|(_, region)| {
        let RegionKind::Branch(conditions) = &region.kind else { return None };
        conditions.iter().find_map(|condition| {
            let tests = flow.commands.get(condition.from..condition.to)?;
            let [test] = tests else { return None };
            (by_default(test) == Some(!condition.succeeds)).then_some(test)
        })
    })
}

/// Whether whoever starts this asks for it: the script, its target, the function or the subcommand
/// is called so.
pub(crate) fn says_so(cx: &Cx<'_>, program: &Program, command: &Command) -> bool {
    is_named(cx, program, &SAYING)
        || program.flow.around(command.region).any(|(_, region)| match &region.kind {
            RegionKind::Function { name, .. } => holds(name, &SAYING),
            RegionKind::Arm { patterns, .. } => patterns.iter().any(|p| holds(p, &SAYING)),
            _ => false,
        })
}

/// Whether a script is, by its name, a test's or a developer's, whose data are there to be lost.
pub(crate) fn is_play(cx: &Cx<'_>, program: &Program) -> bool {
    const NAMES: [&str; 14] = [
        "bench",
        "ci",
        "demo",
        "dev",
        "develop",
        "development",
        "drill",
        "e2e",
        "example",
        "local",
        "playground",
        "sandbox",
        "test",
        "tests",
    ];
    is_named(cx, program, &NAMES)
}

/// Whether a name is one of a database, a project or a file that a test fills.
pub(crate) fn is_scratch(name: &str) -> bool {
    const WORDS: [&str; 12] = [
        "test", "tests", "tmp", "temp", "scratch", "drill", "verify", "sandbox", "e2e", "ci",
        "dev", "smoke",
    ];
    // What a command prints is not known.
    !name.contains("$(")
        && !name.contains('`')
        && words(&name.replace(['$', '{', '}'], " ")).any(|word| WORDS.contains(&word.as_str()))
}

/// What a command destroys of what outlives it, and nobody can bring back but from a backup.
pub(crate) fn destroyed(flow: &Flow, command: &Command) -> Option<&'static str> {
    if !command.is_run() {
        return None;
    }
    if let Some(compose) = command.compose() {
        let has = |names: &[&str]| compose.args.iter().any(|arg| names.contains(&&**arg));
        let scratch = compose.options.iter().any(|option| is_scratch(option));
        let volumes = has(&["-v", "--volumes"]) && compose.verb == "down";
        return (volumes && !scratch).then_some("deletes the volumes");
    }
    let args: Vec<&str> = command.args().iter().map(String::as_str).collect();
    let has = |name: &str| args.contains(&name);
    let found = match (command.program(), args.as_slice()) {
        ("docker" | "podman", ["volume", "rm", names @ ..]) => {
            let last = names.iter().filter(|name| !name.starts_with('-'));
            (!last.clone().all(|name| is_scratch(name))).then_some("deletes volumes")
        }
        ("docker" | "podman", ["volume", "prune", ..]) => Some("deletes volumes"),
        ("docker" | "podman", ["system", "prune", ..]) if has("--volumes") => {
            Some("deletes volumes")
        }
        ("terraform" | "tofu", ["destroy", ..]) => Some("destroys the infrastructure"),
        ("pulumi", ["destroy", ..]) => Some("destroys the infrastructure"),
        ("kubectl", ["delete", rest @ ..]) => {
            let kinds = ["ns", "namespace", "namespaces", "pvc", "pv", "persistentvolumeclaim"];
            let kind = rest.iter().find(|word| !word.starts_with('-'))?;
            let kind = kind.split('/').next().unwrap_or(kind);
            kinds.contains(&kind).then_some("deletes volumes or a namespace")
        }
        ("redis-cli" | "valkey-cli", rest) => rest
            .iter()
            .any(|w| matches!(&*w.to_ascii_lowercase(), "flushall" | "flushdb"))
            .then_some("empties the store"),
        ("aws", ["s3", "rb", ..]) if has("--force") => Some("deletes a bucket"),
        ("zfs", ["destroy", ..]) => Some("destroys a file system"),
        (name, _) if name.starts_with("mkfs") => Some("makes a file system anew"),
        _ => None,
    };
    let follows = |words: [&str; 2]| command.words.windows(2).any(|pair| pair == words);
    let resets = follows(["migrate", "reset"])
        || follows(["manage.py", "flush"])
        || has("--force-reset")
        || command.words.iter().any(|word| {
            matches!(
                &**word,
                "db:drop" | "db:reset" | "migrate:fresh" | "migrate:reset" | "db:wipe"
            )
        });
    let dropped = || {
        let drop = data::drops_database(flow, command)?;
        (!is_scratch(drop.name)).then_some("drops a database")
    };
    found.or(resets.then_some("drops what the database holds")).or_else(dropped)
}
