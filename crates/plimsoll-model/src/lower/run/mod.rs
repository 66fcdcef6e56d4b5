//! What the commands of a RUN do to the image: the program is walked as the shell would run it.
//!
//! Lists, groups and functions are followed with the working directory and the variables that hold
//! there; of branches, all are. What a command's failure leads to is known at each point, so that a
//! swallowed one can be shown. A budget in proportion to the program's length bounds everything:
//! loops over words and functions that call each other would take for ever otherwise.

mod commands;
mod packages;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use packages::is_build_script;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::{Derived, Span, TextRange};
use plimsoll_syntax::shell::{
    self, Assignment, CommandId, CommandKind, Connector, Dialect, Item, ListId, Redirect,
    RedirectOp, Script, WordId,
};

use self::words::{Field, Output};
use super::image::absolute;
use crate::base::Family;
use crate::image::{Effect, EffectKind, Manager};

/// A RUN's program and where it runs.
pub(super) struct Program<'a> {
    /// Its text.
    pub(super) text: &'a Derived,
    /// Its syntax.
    pub(super) script: &'a Script,
    /// The shell that runs it, with its options (`/bin/bash -o pipefail -c`).
    pub(super) shell: &'a [String],
    /// The working directory (absolute).
    pub(super) workdir: &'a str,
    /// `--mount` values with their places.
    pub(super) mounts: &'a [(String, Span)],
    /// The base's family, where known: BusyBox and shadow tools differ.
    pub(super) family: Option<Family>,
    /// The value of a build variable, where known.
    pub(super) variables: &'a dyn Fn(&str) -> Option<String>,
}

/// The effects of its commands, in order.
pub(super) fn effects(program: &Program<'_>) -> Vec<Effect> {
    let shell = Shell::named(program.shell.first().map_or("sh", |s| s), program.family);
    let mut walk = Walk {
        program,
        effects: Vec::new(),
        variables: BTreeMap::new(),
        environment: BTreeMap::new(),
        args: Vec::new(),
        workdir: program.workdir.to_owned(),
        errexit: false,
        pipefail: false,
        retried: false,
        doubt: false,
        output: None,
        strips: false,
        depth: 0,
        room: program.text.text().len().saturating_mul(64).saturating_add(1 << 14),
    };
    walk.options(program.shell.get(1..).unwrap_or_default().iter().map(|o| &**o));
    let source = Source::new(program.text, program.script, shell);
    match (&program.script.shebang, program.script.root) {
        // A here-document for another interpreter.
        (Some(line), _) if !line.split(['/', ' ']).any(is_shell) => {
            let span = program.text.whole();
            let words = line.split_whitespace().map(str::to_owned).collect();
            walk.emit(&Call { span, fate: None, guarded: false }, EffectKind::Other(words));
        }
        (shebang, Some(root)) => {
            if let Some(line) = shebang {
                walk.options(line.split_whitespace().skip(1));
            }
            walk.list(&source, root, None, false);
        }
        (_, None) => {}
    }
    let mut effects = walk.effects;
    mark_clean(&mut effects, program.mounts, program.variables);
    effects
}

/// An installation whose cache is removed later in the same RUN, or lies in a mount, keeps none.
fn mark_clean(
    effects: &mut [Effect],
    mounts: &[(String, Span)],
    variables: &dyn Fn(&str) -> Option<String>,
) {
    // Where a tool is told to keep its cache.
    const CACHES: [(&str, Manager); 6] = [
        ("PIP_CACHE_DIR", Manager::Pip),
        ("UV_CACHE_DIR", Manager::Uv),
        ("POETRY_CACHE_DIR", Manager::Poetry),
        ("PIPENV_CACHE_DIR", Manager::Pipenv),
        ("npm_config_cache", Manager::Npm),
        ("YARN_CACHE_FOLDER", Manager::Yarn),
    ];
    let mut clean: BTreeSet<Manager> = BTreeSet::new();
    for (mount, _) in mounts {
        let option = |names: &[&str]| {
            mount.split(',').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                names.contains(&name.trim()).then_some(value)
            })
        };
        if option(&["type"]) == Some("cache")
            && let Some(target) = option(&["target", "dst", "destination"])
        {
            let named = target.strip_prefix('$').map(|name| name.trim_matches(['{', '}']));
            let target = named.and_then(variables).unwrap_or_else(|| target.to_owned());
            let told = CACHES.iter().filter(|(name, _)| variables(name).as_ref() == Some(&target));
            clean.extend(told.map(|(_, manager)| *manager));
            clean.extend(packages::caches(&target));
            if target.trim_end_matches('/').ends_with("/var/cache/apt") {
                clean.insert(Manager::Apt);
            }
        }
    }
    for effect in effects.iter_mut().rev() {
        match &mut effect.kind {
            EffectKind::CleanCache(manager) => {
                clean.insert(*manager);
            }
            EffectKind::Install(install) => install.cache_free |= clean.contains(&install.manager),
            _ => {}
        }
    }
}

/// How many effects of one RUN are kept.
const MAX_EFFECTS: usize = 10_000;
/// How deep lists, functions and nested programs are followed.
const MAX_DEPTH: usize = 32;
/// How many times a command may be tried again: `a || a || a`.
const MAX_RETRIES: usize = 8;
/// How many words a `for` may have for its body to be read once for each.
const MAX_UNROLLED: usize = 64;

/// The shells, as far as their `echo` and braces differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shell {
    Bash,
    Dash,
    Busybox,
    Unknown,
}

impl Shell {
    fn named(program: &str, family: Option<Family>) -> Self {
        match (base_name(program), family) {
            ("bash" | "zsh", _) | (_, Some(Family::Rhel)) => Self::Bash,
            ("dash", _) | (_, Some(Family::Debian)) => Self::Dash,
            ("ash", _) | (_, Some(Family::Alpine | Family::Busybox)) => Self::Busybox,
            _ => Self::Unknown,
        }
    }
}

/// A text with its program: the RUN's own, or the string of a `sh -c`.
struct Source<'s> {
    text: &'s Derived,
    script: &'s Script,
    shell: Shell,
    functions: BTreeMap<&'s str, CommandId>,
}

impl<'s> Source<'s> {
    fn new(text: &'s Derived, script: &'s Script, shell: Shell) -> Self {
        let functions = script.commands.iter().filter_map(|command| match &command.kind {
            CommandKind::Function { name, body } => Some((&**name, *body)),
            _ => None,
        });
        Self { text, script, shell, functions: functions.collect() }
    }
}

/// What swallows a failure.
#[derive(Clone, Copy, Debug)]
struct Mask {
    span: Span,
    /// Whether it is meant to (`|| true`), rather than what comes next (`;`): that counts for
    /// installations and builds only.
    meant: bool,
}

/// What a failure leads to: `None` when it ends the program.
type Fate = Option<Mask>;

/// A command that is being run.
#[derive(Clone, Copy, Debug)]
struct Call {
    span: Span,
    fate: Fate,
    /// Whether `set -e` looks away here: in a condition, or before `&&` and `||`.
    guarded: bool,
}

/// Where the walk stands.
struct Walk<'p> {
    program: &'p Program<'p>,
    effects: Vec<Effect>,
    /// What the program assigned; `None`: to something that is not known.
    variables: BTreeMap<String, Option<String>>,
    /// What stands before the command that is being run: `A=b cmd`.
    environment: BTreeMap<String, String>,
    /// `$@` in a function.
    args: Vec<String>,
    workdir: String,
    errexit: bool,
    pipefail: bool,
    /// Within a loop behind which the program fails: success has left it by `exit 0`.
    retried: bool,
    /// Whether the commands may not run: behind `||` or a test.
    doubt: bool,
    /// What is written to the standard output goes here; `None`: nobody asks.
    output: Option<Output>,
    /// The command before this one in the pipeline finds all SUID and SGID files.
    strips: bool,
    depth: usize,
    /// How many more bytes may be made or commands run.
    room: usize,
}

impl Walk<'_> {
    /// Takes a part of the budget; whether there was enough.
    fn spend(&mut self, cost: usize) -> bool {
        let enough = self.room >= cost && self.effects.len() < MAX_EFFECTS;
        self.room = if enough { self.room - cost } else { 0 };
        enough
    }

    fn emit(&mut self, call: &Call, kind: EffectKind) {
        self.emit_in(call, self.workdir.clone(), kind);
    }

    fn emit_in(&mut self, call: &Call, workdir: String, kind: EffectKind) {
        if !self.spend(workdir.len()) {
            return;
        }
        let serious = matches!(kind, EffectKind::Install(_) | EffectKind::Build { .. });
        let masked = call.fate.filter(|mask| mask.meant || serious).map(|mask| mask.span);
        self.effects.push(Effect { span: call.span, kind, masked, workdir });
    }

    /// A path as the command sees it; one that starts with something unknown stays as it is.
    fn path(&mut self, path: &str) -> String {
        if !self.spend(self.workdir.len() + path.len()) {
            return path.to_owned();
        }
        if let Some(rest) = path.strip_prefix("~/")
            && let Some(home) = self.value("HOME")
        {
            return absolute(&home, rest);
        }
        if path.starts_with(['$', '~']) {
            path.to_owned()
        } else if self.workdir.starts_with('/') || path.starts_with('/') {
            absolute(&self.workdir, path)
        } else {
            format!("{}/{path}", self.workdir)
        }
    }

    fn paths(&mut self, words: &[String]) -> Vec<String> {
        words.iter().map(|word| self.path(word)).collect()
    }

    /// What a variable holds, where known.
    fn value(&self, name: &str) -> Option<String> {
        match self.variables.get(name) {
            Some(value) => value.clone(),
            None => (self.program.variables)(name),
        }
    }

    /// The value of a variable in the environment of the command that is being run.
    fn setting(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned().or_else(|| self.value(name))
    }

    /// `set` and shell options.
    fn options<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        let mut on = true;
        for word in words {
            match word {
                "errexit" => self.errexit = on,
                "pipefail" => self.pipefail = on,
                "+e" => self.errexit = false,
                "+o" => on = false,
                "--" => return,
                _ if word.starts_with("--") => {}
                _ => {
                    let cluster = word.strip_prefix('-').unwrap_or_default();
                    self.errexit |= cluster.contains('e');
                    on |= !cluster.is_empty();
                }
            }
        }
    }

    fn list(&mut self, source: &Source<'_>, id: ListId, outer: Fate, guarded: bool) {
        let items = &source.script.list(id).items;
        if self.depth >= MAX_DEPTH || !self.spend(items.len()) {
            return;
        }
        self.depth += 1;
        // Where the `&&` chain that each item stands in ends.
        let mut ends: Vec<usize> = (0..items.len()).collect();
        for (index, item) in items.iter().enumerate().rev() {
            if item.then == Connector::And
                && let Some(&end) = ends.get(index + 1)
                && let Some(here) = ends.get_mut(index)
            {
                *here = end;
            }
        }
        let doubt = self.doubt;
        let mut before: Option<&Item> = None;
        for (index, item) in items.iter().enumerate() {
            if !self.spend(16) {
                break;
            }
            let fate = self.fate(source, items, &ends, index, outer, guarded);
            self.doubt = doubt
                || match before.map(|item| item.then) {
                    Some(Connector::Or) => true,
                    Some(Connector::And) => {
                        self.doubt || before.is_some_and(|item| is_test(source, item))
                    }
                    _ => false,
                };
            let joined = matches!(item.then, Connector::And | Connector::Or);
            let retried = self.retried;
            self.retried |= item.then == Connector::Seq
                && is_loop(source, item)
                && items.get(index + 1).is_some_and(|next| fails(source, next, 0));
            self.pipeline(source, item, fate, guarded || joined || item.negated);
            self.retried = retried;
            before = Some(item);
        }
        self.doubt = doubt;
        self.depth -= 1;
    }

    /// What the failure of an item leads to, followed along its chain.
    fn fate(
        &self,
        source: &Source<'_>,
        items: &[Item],
        ends: &[usize],
        index: usize,
        outer: Fate,
        guarded: bool,
    ) -> Fate {
        let mut at = index;
        let mut failed = index;
        let mask = |from: &Item, to: &Item, sign: u8, meant| {
            // From the sign between both, where there is one.
            let between = TextRange::new(from.range.end, to.range.start);
            let signs = between.slice(source.text.text());
            let start = signs.iter().position(|&b| b == sign);
            let start = start.map_or(to.range.start, |found| {
                from.range.end.saturating_add(u32::try_from(found).unwrap_or(0))
            });
            let span = source.text.span(TextRange::new(start, to.range.end));
            Some(Mask { span, meant })
        };
        for _ in 0..MAX_RETRIES {
            let end = ends.get(at).copied().unwrap_or(at);
            let ran = failed == end;
            at = end;
            let (Some(item), next) = (items.get(at), items.get(at + 1)) else { break };
            match (item.then, next) {
                (Connector::Or, Some(next)) => {
                    if fails(source, next, 0) {
                        return None;
                    }
                    if !items.get(index).is_some_and(|item| is_retry(source, item, next)) {
                        return mask(item, next, b'|', true);
                    }
                    at += 1;
                    failed = at;
                }
                (Connector::Background, _) => {
                    return Some(Mask { span: source.text.span(item.range), meant: false });
                }
                (Connector::Seq, Some(_))
                    if self.retried && at > index && is_left(source, item) =>
                {
                    return None;
                }
                (Connector::Seq, Some(next)) => {
                    if self.errexit && !guarded && ran || fails(source, next, 0) {
                        return None;
                    }
                    return mask(item, next, b';', false);
                }
                _ => break,
            }
        }
        if self.errexit && !guarded && failed == at { None } else { outer }
    }

    fn pipeline(&mut self, source: &Source<'_>, item: &Item, fate: Fate, guarded: bool) {
        let Some((&last, others)) = item.pipeline.split_last() else { return };
        let behind = source.text.span(source.script.command(last).range);
        let lost = if self.pipefail { fate } else { Some(Mask { span: behind, meant: false }) };
        let mut input = None;
        self.strips = false;
        for &id in others {
            let outer = self.output.replace(Output::default());
            self.command(source, id, lost, guarded, input);
            input = std::mem::replace(&mut self.output, outer);
        }
        self.command(source, last, fate, guarded, input);
        self.strips = false;
    }

    fn command(
        &mut self,
        source: &Source<'_>,
        id: CommandId,
        fate: Fate,
        guarded: bool,
        input: Option<Output>,
    ) {
        if !self.spend(16) {
            return;
        }
        let command = source.script.command(id);
        let call = Call { span: source.text.span(command.range), fate, guarded };
        let input = self.input(source, &command.redirects).or(input);
        let Some((target, append)) = self.target(source, &command.redirects) else {
            self.kind(source, &command.kind, &call, input);
            return;
        };
        let kept = matches!(&target, Some(path) if !path.starts_with("/dev/"));
        let outer = std::mem::replace(&mut self.output, kept.then(Output::default));
        self.kind(source, &command.kind, &call, input);
        let written = std::mem::replace(&mut self.output, outer);
        if let (Some(path), Some(written)) = (target, written) {
            let (text, dynamic) = written.finish(call.span);
            self.emit(&call, EffectKind::Write { path, text, append, dynamic });
        }
    }

    fn kind(
        &mut self,
        source: &Source<'_>,
        kind: &CommandKind,
        call: &Call,
        input: Option<Output>,
    ) {
        let Call { fate, guarded, .. } = *call;
        match kind {
            CommandKind::Simple { assignments, words } => {
                self.simple(source, assignments, words, call, input);
            }
            CommandKind::Group(list) => self.list(source, *list, fate, guarded),
            CommandKind::Subshell(list) => self.apart(|walk| {
                walk.list(source, *list, fate, guarded);
            }),
            CommandKind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    let left = self.retried
                        && source.script.list(*body).items.iter().any(|item| is_left(source, item));
                    let fate = match left {
                        true => None,
                        false => condition_fate(source, *condition, *body, *otherwise),
                    };
                    self.list(source, *condition, fate, true);
                    self.branch(source, *body, call);
                }
                if let Some(otherwise) = otherwise {
                    self.branch(source, *otherwise, call);
                }
            }
            // A loop until it works: nothing is swallowed.
            CommandKind::Loop { condition, body, .. } => {
                self.list(source, *condition, None, true);
                self.branch(source, *body, call);
            }
            CommandKind::For { name, words, body } => {
                self.each(source, name, words.as_deref(), *body, call);
            }
            CommandKind::Case { arms, .. } => {
                for (_, body) in arms {
                    self.branch(source, *body, call);
                }
            }
            CommandKind::Function { .. } | CommandKind::Test(_) | CommandKind::Arithmetic => {}
        }
    }

    /// Runs what does not change directory, variables and options for what comes after it.
    fn apart(&mut self, run: impl FnOnce(&mut Self)) {
        if !self.spend(self.variables.len() * 16) {
            return;
        }
        let workdir = self.workdir.clone();
        let variables = self.variables.clone();
        let options = (self.errexit, self.pipefail);
        run(self);
        self.workdir = workdir;
        self.variables = variables;
        (self.errexit, self.pipefail) = options;
    }

    /// A list that may run or not: what it assigns is not known afterwards.
    fn branch(&mut self, source: &Source<'_>, list: ListId, call: &Call) {
        if !self.spend(self.variables.len() * 16) {
            return;
        }
        let workdir = self.workdir.clone();
        let before = self.variables.clone();
        let doubt = std::mem::replace(&mut self.doubt, true);
        self.list(source, list, call.fate, call.guarded);
        self.doubt = doubt;
        self.workdir = workdir;
        for (name, value) in &mut self.variables {
            if before.get(name) != Some(value) {
                *value = None;
            }
        }
    }

    fn each(
        &mut self,
        source: &Source<'_>,
        name: &str,
        words: Option<&[WordId]>,
        body: ListId,
        call: &Call,
    ) {
        let mut values = Vec::new();
        for &word in words.unwrap_or_default() {
            values.extend(self.expand(source, word, true));
        }
        // Only the last turn's failure is the loop's.
        let lost = call.fate.or(Some(Mask { span: call.span, meant: false }));
        let literal = values.iter().all(|field| field.known && !field.has_glob());
        if words.is_none() || values.is_empty() || values.len() > MAX_UNROLLED || !literal {
            self.variables.insert(name.to_owned(), None);
            self.branch(source, body, &Call { fate: lost, ..*call });
            self.variables.insert(name.to_owned(), None);
            return;
        }
        let last = values.len() - 1;
        for (index, value) in values.into_iter().enumerate() {
            self.assign(name, Some(value.string()));
            let fate = if index == last { call.fate } else { lost };
            self.list(source, body, fate, call.guarded);
        }
    }

    fn assign(&mut self, name: &str, value: Option<String>) {
        let value = value.filter(|_| !self.doubt);
        self.variables.insert(name.to_owned(), value);
    }

    fn simple(
        &mut self,
        source: &Source<'_>,
        assignments: &[Assignment],
        words: &[WordId],
        call: &Call,
        input: Option<Output>,
    ) {
        let mut set = BTreeMap::new();
        for assignment in assignments {
            let value = match assignment.value {
                Some(word) => {
                    let fields = self.expand(source, word, false);
                    fields.iter().all(|f| f.known).then(|| join(&fields, ""))
                }
                None => None,
            };
            let value = value.filter(|_| !assignment.append);
            if words.is_empty() {
                self.assign(&assignment.name, value);
            } else if let Some(value) = value {
                set.insert(assignment.name.clone(), value);
            }
        }
        let mut fields = Vec::new();
        for &word in words {
            fields.extend(self.expand(source, word, true));
        }
        if fields.is_empty() {
            return;
        }
        let outer = std::mem::replace(&mut self.environment, set);
        self.run(source, &fields, call, input);
        self.environment = outer;
    }

    /// Runs a function of the program.
    fn function(&mut self, source: &Source<'_>, body: CommandId, args: &[Field], call: &Call) {
        if self.depth >= MAX_DEPTH {
            return;
        }
        self.depth += 1;
        let args = args.iter().map(Field::string).collect();
        let outer = std::mem::replace(&mut self.args, args);
        self.command(source, body, call.fate, call.guarded, None);
        self.args = outer;
        self.depth -= 1;
    }

    /// Runs a program that stands in a word or a here-document, in a process of its own.
    fn nested(&mut self, text: &Derived, shell: Shell, options: &[String], call: &Call) {
        if self.depth >= MAX_DEPTH || !self.spend(text.text().len()) {
            return;
        }
        let dialect = if shell == Shell::Bash { Dialect::Bash } else { Dialect::default() };
        let script = shell::parse(text.text(), dialect);
        let Some(root) = script.root else { return };
        let source = Source::new(text, &script, shell);
        self.depth += 1;
        self.apart(|walk| {
            (walk.errexit, walk.pipefail) = (false, false);
            walk.options(options.iter().map(|o| &**o));
            let outer = std::mem::take(&mut walk.args);
            walk.list(&source, root, call.fate, false);
            walk.args = outer;
        });
        self.depth -= 1;
    }

    /// Runs a text in the shell itself: `eval`.
    fn evaluated(&mut self, text: &Derived, shell: Shell, call: &Call) {
        if self.depth >= MAX_DEPTH || !self.spend(text.text().len()) {
            return;
        }
        let script = shell::parse(text.text(), Dialect::default());
        let Some(root) = script.root else { return };
        self.list(&Source::new(text, &script, shell), root, call.fate, call.guarded);
    }

    /// The standard input that redirections give, where its text is known.
    fn input(&mut self, source: &Source<'_>, redirects: &[Redirect]) -> Option<Output> {
        let redirect = redirects.iter().rev().find(|r| {
            use RedirectOp::{HereString, Heredoc, Read};
            matches!(r.op, Heredoc | HereString | Read) && r.fd.is_none_or(|fd| fd == 0)
        })?;
        match (redirect.op, &redirect.heredoc) {
            (RedirectOp::Heredoc, Some(document)) => {
                let mut fields = self.expand(source, document.body, false);
                for field in &mut fields {
                    if document.strip_tabs {
                        field.strip_tabs();
                    }
                }
                let mut output = Output::default();
                for field in &fields {
                    output.put(source.text, field);
                }
                Some(output)
            }
            (RedirectOp::HereString, _) => {
                let mut output = Output::default();
                for field in self.expand(source, redirect.target, false) {
                    output.put(source.text, &field);
                }
                output.computed(b"\n", source.text.span(redirect.range));
                Some(output)
            }
            (RedirectOp::Read, _) => Some(Output::unknown()),
            _ => None,
        }
    }

    /// Where redirections send the standard output: `Some(None)` for somewhere that is no file.
    fn target(
        &mut self,
        source: &Source<'_>,
        redirects: &[Redirect],
    ) -> Option<(Option<String>, bool)> {
        let redirect = redirects.iter().rev().find(|r| {
            use RedirectOp::{Append, AppendBoth, DupOut, Write, WriteBoth};
            matches!(r.op, Write | Append | WriteBoth | AppendBoth | DupOut)
                && r.fd.is_none_or(|fd| fd == 1)
                && r.fd_variable.is_none()
        })?;
        let append = matches!(redirect.op, RedirectOp::Append | RedirectOp::AppendBoth);
        if redirect.op == RedirectOp::DupOut {
            return Some((None, false));
        }
        let fields = self.expand(source, redirect.target, false);
        Some((fields.first().map(|field| self.path(&field.string())), append))
    }
}

/// Whether the second does what the first should have done: then its failure is the one that
/// counts.
fn is_retry(source: &Source<'_>, first: &Item, second: &Item) -> bool {
    let (first, second) = (kind(source, first, 0), kind(source, second, 0));
    first.is_some() && first == second
}

/// What a pipeline is there for: an installation, a build, a download, else its program. That of a
/// group is its last one's: `install || (update && install)`.
fn kind(source: &Source<'_>, item: &Item, depth: usize) -> Option<String> {
    if let CommandKind::Group(list) | CommandKind::Subshell(list) =
        &source.script.command(*item.pipeline.last()?).kind
    {
        let last = source.script.list(*list).items.last().filter(|_| depth < 8)?;
        return kind(source, last, depth + 1);
    }
    let words = first_words(source, item)?;
    packages::kind(&words).or_else(|| {
        let program = words.into_iter().next()?;
        Some(if matches!(&*program, "curl" | "wget") { "fetch".to_owned() } else { program })
    })
}

/// Whether a command line builds or compiles.
pub(crate) fn is_build(words: &[String]) -> bool {
    packages::kind(words).as_deref() == Some("build")
}

fn join(fields: &[Field], between: &str) -> String {
    fields.iter().map(Field::string).collect::<Vec<_>>().join(between)
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_shell(program: &str) -> bool {
    matches!(base_name(program), "sh" | "bash" | "ash" | "dash" | "zsh")
}

/// The words of a pipeline's last command, as far as literal.
fn first_words(source: &Source<'_>, item: &Item) -> Option<Vec<String>> {
    let words = source.script.argv(*item.pipeline.last()?)?;
    Some(words.iter().take(16).map(|&word| source.script.word_text(word)).collect())
}

/// Whether a pipeline only asks something.
fn is_test(source: &Source<'_>, item: &Item) -> bool {
    let Some(&last) = item.pipeline.last() else { return false };
    let asks = matches!(source.script.command(last).kind, CommandKind::Test(_));
    let asks_by_name = first_words(source, item).is_some_and(|words| {
        words.first().is_some_and(|word| {
            matches!(base_name(word), "[" | "test" | "grep" | "command" | "which" | "id" | "false")
        })
    });
    asks || asks_by_name || item.negated
}

/// Whether a pipeline ends the program with a failure: `exit 1`, `false`, or a group or function
/// that does.
fn fails(source: &Source<'_>, item: &Item, depth: usize) -> bool {
    item.pipeline.last().is_some_and(|&id| command_fails(source, id, depth))
}

fn command_fails(source: &Source<'_>, id: CommandId, depth: usize) -> bool {
    if depth > 8 {
        return false;
    }
    match &source.script.command(id).kind {
        CommandKind::Simple { words, .. } => {
            let Some(name) = words.first().and_then(|&word| source.script.literal(word)) else {
                return false;
            };
            match &*name {
                "exit" | "return" => {
                    words.get(1).is_none_or(|&code| source.script.word_text(code) != "0")
                }
                "false" => true,
                name => source
                    .functions
                    .get(name)
                    .is_some_and(|&body| command_fails(source, body, depth + 1)),
            }
        }
        CommandKind::Group(list) | CommandKind::Subshell(list) => {
            list_fails(source, *list, depth + 1)
        }
        CommandKind::If { branches, otherwise } => branches
            .iter()
            .map(|(_, body)| *body)
            .chain(*otherwise)
            .any(|body| list_fails(source, body, depth + 1)),
        _ => false,
    }
}

/// Whether an item is a loop.
fn is_loop(source: &Source<'_>, item: &Item) -> bool {
    let kind = |id: &CommandId| &source.script.command(*id).kind;
    matches!(
        item.pipeline.last().map(kind),
        Some(CommandKind::Loop { .. } | CommandKind::For { .. })
    )
}

/// Whether an item ends the program well: `exit 0`.
fn is_left(source: &Source<'_>, item: &Item) -> bool {
    let [id] = item.pipeline.as_slice() else { return false };
    let CommandKind::Simple { words, .. } = &source.script.command(*id).kind else { return false };
    let word = |at: usize| words.get(at).and_then(|&word| source.script.literal(word));
    word(0).as_deref() == Some("exit") && word(1).as_deref() == Some("0")
}

/// Looks at a list's last items only: what ends it stands there.
fn list_fails(source: &Source<'_>, list: ListId, depth: usize) -> bool {
    source.script.list(list).items.iter().rev().take(4).any(|item| fails(source, item, depth))
}

/// What the failure of an `if` condition leads to: the branch that is then taken decides.
fn condition_fate(
    source: &Source<'_>,
    condition: ListId,
    body: ListId,
    otherwise: Option<ListId>,
) -> Fate {
    let list = source.script.list(condition);
    let negated = list.items.last().is_some_and(|item| item.negated);
    let taken = if negated { Some(body) } else { otherwise };
    if taken.is_some_and(|list| list_fails(source, list, 0)) {
        return None;
    }
    Some(Mask { span: source.text.span(list.range), meant: true })
}
