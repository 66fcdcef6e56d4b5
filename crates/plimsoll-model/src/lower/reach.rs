//! What a command reaches: the roles of the scripts, Makefile targets and package scripts it runs.
//!
//! Each script is walked once, for what it does itself and what it runs next; what is reached from
//! somewhere is the closure over those edges. So cycles end, and the answer does not depend on
//! where one asks first.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_source::{Derived, EntryKind, FileId, Span, TextRange, Tracking};
use plimsoll_syntax::shell::{self, Dialect, Script};
use plimsoll_syntax::yaml;

use super::calls::{self, Call, Start, positional_from};
use super::cx::Cx;
use super::makefile::{self, Makefile};
use super::roles::{self, Done};
use crate::delivery::Problem;
use crate::flow::Heed;
use crate::pipeline::{Role, RoleKind};

/// The most scripts that one command is followed into.
const MAX_REACHED: usize = 64;
/// Longer scripts are not read.
pub(super) const MAX_SCRIPT: u64 = 1024 * 1024;

/// Something that can be run by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Script(FileId),
    Make(FileId, Option<String>),
    Package(FileId, String),
    PreCommit(FileId),
}

/// What a program does itself, and what it runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Direct {
    done: Vec<Done>,
    next: Vec<Next>,
}

#[derive(Clone, Debug)]
struct Next {
    node: Node,
    masked: Option<Span>,
    heed: Heed,
    remote: bool,
}

/// Follows commands into the files that they run.
pub(super) struct Reach<'a> {
    cx: &'a Cx<'a>,
    nodes: Mutex<HashMap<Node, Arc<Direct>>>,
    makefiles: Mutex<HashMap<FileId, Arc<Makefile>>>,
}

impl<'a> Reach<'a> {
    pub(super) fn new(cx: &'a Cx<'a>) -> Self {
        Self { cx, nodes: Mutex::default(), makefiles: Mutex::default() }
    }

    /// What some calls do. `starts` are the directories that the program may be started in.
    pub(super) fn direct<'c>(
        &self,
        calls: impl IntoIterator<Item = &'c Call>,
        starts: &[&str],
    ) -> Direct {
        let mut direct = Direct::default();
        for call in calls {
            direct.done.extend(roles::of_call(call));
            if call.kind == calls::Kind::Function {
                continue;
            }
            match self.next(call, starts) {
                Target::None => {}
                Target::Named(kind) => direct.done.push(named(kind, call)),
                Target::Nodes(nodes) => {
                    direct.next.extend(nodes.into_iter().map(|node| Next {
                        node,
                        masked: call.masked,
                        heed: call.heed(),
                        remote: call.remote,
                    }));
                }
            }
        }
        direct
    }

    /// Everything that is done, here and in what is run.
    pub(super) fn closure(&self, direct: &Direct) -> Vec<Done> {
        let mut done = direct.done.clone();
        let mut queue: Vec<(Next, usize)> = direct.next.iter().cloned().map(|n| (n, 0)).collect();
        queue.reverse();
        let mut seen = HashSet::new();
        while let Some((next, depth)) = queue.pop() {
            if seen.len() >= MAX_REACHED || !seen.insert(next.node.clone()) {
                continue;
            }
            let direct = self.node(&next.node);
            done.extend(direct.done.iter().cloned().map(|mut inner| {
                inner.role.masked = next.masked.or(inner.role.masked);
                inner.role.heed = next.heed.max(inner.role.heed);
                inner.remote |= next.remote;
                inner
            }));
            queue.extend(direct.next.iter().rev().map(|further| {
                let further = Next {
                    node: further.node.clone(),
                    masked: next.masked.or(further.masked),
                    heed: next.heed.max(further.heed),
                    remote: next.remote || further.remote,
                };
                (further, depth + 1)
            }));
        }
        let mut seen = HashSet::new();
        done.retain(|d| seen.insert((d.role.kind, d.role.span, d.role.masked, d.made.clone())));
        done
    }

    fn node(&self, node: &Node) -> Arc<Direct> {
        if let Some(known) = lock(&self.nodes).get(node) {
            return Arc::clone(known);
        }
        let direct = Arc::new(match node {
            Node::Script(file) => self.script(*file),
            Node::Make(file, target) => self.make(*file, target.as_deref()),
            Node::Package(file, name) => self.package(*file, name),
            Node::PreCommit(file) => self.pre_commit(*file),
        });
        lock(&self.nodes).insert(node.clone(), Arc::clone(&direct));
        direct
    }

    fn script(&self, file: FileId) -> Direct {
        let Some((text, script)) = read_script(self.cx, file) else { return Direct::default() };
        let path = self.cx.tree.path(file);
        let dir = parent(path);
        let calls = calls::calls(&text, &script, &[], &Start::script(path));
        self.direct(&calls, &["", dir])
    }

    /// The parsed Makefile at `file`.
    pub(super) fn makefile(&self, file: FileId) -> Arc<Makefile> {
        if let Some(known) = lock(&self.makefiles).get(&file) {
            return Arc::clone(known);
        }
        let small = self.cx.tree.entry(file).len <= MAX_SCRIPT;
        let text = small.then(|| self.cx.text(file, "Makefile")).flatten();
        let parsed = Arc::new(text.map(|text| makefile::parse(&text)).unwrap_or_default());
        lock(&self.makefiles).insert(file, Arc::clone(&parsed));
        parsed
    }

    /// What a target of a Makefile does, its prerequisites counted in.
    pub(super) fn target(&self, file: FileId, name: &str) -> Vec<Done> {
        self.closure(&self.node(&Node::Make(file, Some(name.to_owned()))))
    }

    fn make(&self, file: FileId, target: Option<&str>) -> Direct {
        let makefile = self.makefile(file);
        let found = makefile.targets.iter().filter(|t| target.is_none_or(|name| t.name == name));
        let mut direct = Direct::default();
        let dir = parent(self.cx.tree.path(file));
        // Without a target make makes the first; double-colon rules make all of a name.
        for target in found.take(if target.is_none() { 1 } else { 8 }) {
            let mut start = Start::recipe(dir);
            start.lines_apart = !makefile.one_shell;
            let script = shell::parse(target.recipe.text(), Dialect::Bash);
            let calls = calls::calls(&target.recipe, &script, &[], &start);
            let own = self.direct(&calls, &[""]);
            direct.next.extend(target.needs.iter().take(64).map(|need| Next {
                node: Node::Make(file, Some(need.clone())),
                masked: None,
                heed: Heed::Taken,
                remote: false,
            }));
            direct.done.extend(own.done);
            direct.next.extend(own.next);
        }
        direct
    }

    fn package(&self, file: FileId, name: &str) -> Direct {
        let Some(text) = self.cx.text(file, "package.json") else { return Direct::default() };
        let parsed = yaml::parse_json(text);
        let Some(value) = parsed.tree.root().and_then(|root| root.path(&["scripts", name])) else {
            return Direct::default();
        };
        let text = value.derived();
        let script = shell::parse(text.text(), Dialect::Posix);
        let dir = parent(self.cx.tree.path(file));
        let mut start = Start::recipe(dir);
        start.errexit = false;
        let calls = calls::calls(&text, &script, &[], &start);
        let mut direct = self.direct(&calls, &[""]);
        // A body that runs something unknown under a name that everybody uses for one purpose.
        if !calls.is_empty()
            && let Some(kind) = kind_of_name(name)
            && direct.done.iter().all(|done| done.role.kind != kind)
            && direct.next.is_empty()
        {
            direct.done.push(Done {
                role: Role { span: value.span(), ..roles::of_one(&calls[0], kind) },
                made: None,
                keeps: Vec::new(),
                remote: false,
            });
        }
        direct
    }

    /// The hooks of a pre-commit configuration.
    fn pre_commit(&self, file: FileId) -> Direct {
        const SECRETS: &[&str] = &[
            "gitleaks",
            "gitleaks-docker",
            "gitleaks-system",
            "detect-secrets",
            "trufflehog",
            "ggshield",
        ];
        let mut direct = Direct::default();
        let Some(text) = self.cx.text(file, "pre-commit configuration") else { return direct };
        let parsed = yaml::parse(text);
        let repos = parsed.tree.root().and_then(|root| root.get("repos"));
        for hook in repos.into_iter().flat_map(|r| r.items()).filter_map(|r| r.get("hooks")) {
            for id in hook.items().filter_map(|hook| hook.get("id")).take(200) {
                if let Some(name) = id.text().filter(|name| SECRETS.contains(name)) {
                    direct.done.push(Done {
                        role: Role {
                            kind: RoleKind::ScanSecrets,
                            span: id.span(),
                            words: vec![name.to_owned()],
                            masked: None,
                            heed: Heed::Taken,
                        },
                        made: None,
                        keeps: Vec::new(),
                        remote: false,
                    });
                }
            }
        }
        direct
    }

    /// What the root's pre-commit configuration does.
    pub(super) fn hooks(&self) -> Vec<Done> {
        self.cx
            .tree
            .find(".pre-commit-config.yaml")
            .map_or_else(Vec::new, |file| self.node(&Node::PreCommit(file)).done.clone())
    }

    fn file(&self, path: &str) -> Option<FileId> {
        let file = self.cx.tree.find(path)?;
        (self.cx.tree.entry(file).tracking != Tracking::Ignored).then_some(file)
    }

    /// What a call runs that is in the tree.
    fn next(&self, call: &Call, starts: &[&str]) -> Target {
        let words = &call.words;
        let find =
            |index: usize| starts.iter().find_map(|start| self.file(&call.path(index, start)?));
        match call.program() {
            "bash" | "sh" | "zsh" | "dash" | "ash" | "ksh" | "source" | "." => {
                let file = positional_from(words, 1, &["-o", "-O"]).and_then(find);
                file.map_or(Target::None, |file| Target::Nodes(vec![Node::Script(file)]))
            }
            "make" | "gmake" => self.makes(call, starts),
            "npm" | "yarn" | "pnpm" | "bun" => self.runs(call, starts),
            "pre-commit" if words.get(1).is_some_and(|w| w == "run") => self
                .file(".pre-commit-config.yaml")
                .map_or(Target::None, |file| Target::Nodes(vec![Node::PreCommit(file)])),
            _ if words[0].contains('/') => match find(0) {
                Some(file) if is_script(self.cx, file) => Target::Nodes(vec![Node::Script(file)]),
                _ => Target::None,
            },
            _ => Target::None,
        }
    }

    fn makes(&self, call: &Call, starts: &[&str]) -> Target {
        let words = &call.words;
        let value = |names: [&str; 2]| {
            words.iter().position(|w| names.contains(&w.as_str())).and_then(|at| words.get(at + 1))
        };
        let below = value(["-C", "--directory"]).map_or(".", String::as_str);
        let name = value(["-f", "--file"]).map(String::as_str);
        let makefile = starts.iter().find_map(|start| {
            let names: &[&str] = match &name {
                Some(name) => std::slice::from_ref(name),
                None => &["GNUmakefile", "makefile", "Makefile"],
            };
            names
                .iter()
                .find_map(|name| self.file(&call.path_of(&format!("{below}/{name}"), start)?))
        });
        let valued = ["-C", "--directory", "-f", "--file", "-j", "-o", "-W", "-I"];
        let mut targets = Vec::new();
        let mut at = 1;
        while let Some(next) = positional_from(words, at, &valued) {
            if !words[next].contains('=') && words[next].parse::<u32>().is_err() {
                targets.push(words[next].clone());
            }
            at = next + 1;
        }
        match makefile {
            Some(file) if targets.is_empty() => Target::Nodes(vec![Node::Make(file, None)]),
            Some(file) => Target::Nodes(
                targets.into_iter().take(32).map(|t| Node::Make(file, Some(t))).collect(),
            ),
            None => {
                targets.iter().find_map(|t| kind_of_name(t)).map_or(Target::None, Target::Named)
            }
        }
    }

    fn runs(&self, call: &Call, starts: &[&str]) -> Target {
        let words = &call.words;
        let valued = ["--prefix", "-C", "--cwd", "--dir", "-w", "--workspace", "--filter", "-F"];
        let mut below = ".".to_owned();
        let mut elsewhere = false;
        let mut plain = Vec::new();
        let mut at = 1;
        while let Some(word) = words.get(at) {
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) if word.starts_with('-') => (name, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            if word == "--" {
                break;
            } else if valued.contains(&name) {
                let value =
                    inline.clone().or_else(|| words.get(at + 1).cloned()).unwrap_or_default();
                match name {
                    "--prefix" | "-C" | "--cwd" | "--dir" => below = value,
                    _ => {
                        below = value;
                        elsewhere = true;
                    }
                }
                at += usize::from(inline.is_none());
            } else if !word.starts_with('-') {
                plain.push(word.as_str());
            }
            at += 1;
        }
        let program = call.program();
        let script = match plain.as_slice() {
            ["run" | "run-script", name, ..] => *name,
            ["test" | "t" | "tst", ..] => "test",
            ["start", ..] => "start",
            ["workspace", package, "run", name, ..] | ["workspace", package, name, ..]
                if program == "yarn" =>
            {
                below = (*package).to_owned();
                elsewhere = true;
                *name
            }
            [name, ..] if matches!(program, "yarn" | "pnpm" | "bun") => *name,
            _ => return Target::None,
        };
        let manifest = starts
            .iter()
            .find_map(|start| self.file(&call.path_of(&format!("{below}/package.json"), start)?));
        match manifest {
            Some(file) => Target::Nodes(vec![Node::Package(file, script.to_owned())]),
            // The package is not found: a workspace by its name, a directory made earlier.
            None if elsewhere || !matches!(call.cwd, calls::Cwd::Tree(_)) => {
                kind_of_name(script).map_or(Target::None, Target::Named)
            }
            None => Target::None,
        }
    }
}

enum Target {
    None,
    /// It is not in the tree, but its name says what it does.
    Named(RoleKind),
    Nodes(Vec<Node>),
}

fn named(kind: RoleKind, call: &Call) -> Done {
    Done { role: roles::of_one(call, kind), made: None, keeps: Vec::new(), remote: call.remote }
}

/// What a package script or a make target of this name does, by everybody's habit.
fn kind_of_name(name: &str) -> Option<RoleKind> {
    let lower = name.to_lowercase();
    let first = lower.split([':', '-', '_', '.']).next().unwrap_or("");
    if ["rollback", "down", "create", "make", "status", "generate", "reset", "undo", "watch"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return None;
    }
    match first {
        "test" | "tests" | "coverage" | "e2e" | "unittest" => Some(RoleKind::Test),
        "lint" | "eslint" => Some(RoleKind::Lint),
        "typecheck" | "tsc" => Some(RoleKind::Typecheck),
        "type" | "check" if lower.contains("type") => Some(RoleKind::Typecheck),
        "build" | "compile" => Some(RoleKind::Build),
        "migrate" => Some(RoleKind::Migrate),
        "db" if lower.contains("migrate") => Some(RoleKind::Migrate),
        _ => None,
    }
}

/// The directory of a path.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a file may be a shell script, by its name and its execute bit.
pub(super) fn is_script(cx: &Cx<'_>, file: FileId) -> bool {
    let entry = cx.tree.entry(file);
    let name = entry.path.rsplit('/').next().unwrap_or("");
    if [".sh", ".bash", ".zsh", ".ksh"].iter().any(|end| name.ends_with(end)) {
        return true;
    }
    matches!(entry.kind, EntryKind::File { executable: true })
        && !name.trim_start_matches('.').contains('.')
}

/// A script of the tree with its program; `None` when its first line names another interpreter.
pub(super) fn read_script(cx: &Cx<'_>, file: FileId) -> Option<(Derived, Script)> {
    let entry = cx.tree.entry(file);
    if entry.len > MAX_SCRIPT {
        if entry.path.ends_with(".sh") {
            let message = "larger than 1 MiB: it is not read".to_owned();
            let span = Span::new(file, TextRange::default());
            cx.problem(Problem { span, message, what: "script" });
        }
        return None;
    }
    let named = entry.path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let text = if named {
        cx.text(file, "script")?
    } else {
        // Anything may be executable: only what turns out to be a script is worth a word.
        let bytes = cx.bytes(file).ok()?;
        bytes.starts_with(b"#!").then(|| cx.text(file, "script")).flatten()?
    };
    let dialect = dialect(text.text())?;
    let script = shell::parse(text.text(), dialect);
    Some((text, script))
}

/// The dialect that a script's first line asks for; bash where it has none.
fn dialect(text: &[u8]) -> Option<Dialect> {
    let Some(line) = text.strip_prefix(b"#!") else { return Some(Dialect::Bash) };
    let end = memchr::memchr(b'\n', line).unwrap_or(line.len()).min(200);
    let line = String::from_utf8_lossy(&line[..end]);
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(""));
    let mut shell = words.next()?;
    if shell == "env" || shell == "busybox" {
        shell = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    }
    match shell {
        "sh" | "dash" | "ash" => Some(Dialect::Posix),
        "bash" | "zsh" | "ksh" | "mksh" => Some(Dialect::Bash),
        _ => None,
    }
}
