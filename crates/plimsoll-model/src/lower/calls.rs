//! The commands a shell program runs, in order, with what surrounds each: where it runs, whether
//! its failure counts, what its variables stand for.
//!
//! The program is walked as the shell would run it, taking both sides of every branch: functions
//! at each call with their arguments, `for` over literal words once a word, wrappers (`sudo`,
//! `timeout`, `xargs`) taken off, nested programs (`sh -c '…'`, `ssh host '…'`, here-documents fed
//! to a shell) read as programs. A variable has a value only while every path agrees on it.
//! Everything is bounded by [`MAX_CALLS`], [`MAX_VISITS`] and the nesting of [`MAX_DEPTH`].

use std::collections::{HashMap, HashSet};

use plimsoll_source::{Derived, DerivedBuilder, Span, TextRange, normalize_path};
use plimsoll_syntax::shell::{
    self, Assignment, CommandId, CommandKind, Connector, Dialect, Item, ListId, PartKind, Redirect,
    RedirectOp, Script, WordId,
};

/// The most calls that one program is followed for.
const MAX_CALLS: usize = 20_000;
/// The most commands that one walk visits, functions counted at each call.
const MAX_VISITS: usize = 100_000;
/// How deep lists, functions and nested programs may lie in each other.
const MAX_DEPTH: usize = 160;
/// The most words a `for` is followed for.
const MAX_LOOP: usize = 64;
/// The most bytes a value may grow to.
const MAX_VALUE: usize = 16 * 1024;

/// Stands at the start of a value that is an absolute path in the tree: what follows it is
/// relative to the root. No text of a repository starts so: YAML and shells refuse the character.
const ROOT: char = '\u{1}';

/// Where a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cwd {
    /// In this directory, relative to the tree's root.
    Tree(String),
    /// In this directory, relative to wherever the program was started.
    Start(String),
    /// Not known, or outside the tree.
    Unknown,
}

/// How a program starts.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// `set -e` is in effect.
    pub(super) errexit: bool,
    /// `set -o pipefail` is in effect.
    pub(super) pipefail: bool,
    /// Where it runs.
    pub(super) cwd: Cwd,
    /// The program's own path in the tree: what `$0` stands for.
    pub(super) me: Option<String>,
    /// Variables set from outside.
    pub(super) vars: Vec<(String, String)>,
    /// Each line is a program of its own, as in a Makefile.
    pub(super) lines_apart: bool,
    /// It runs on another machine.
    pub(super) remote: bool,
}

impl Start {
    /// A script: run from wherever, without options.
    pub(super) fn script(path: &str) -> Self {
        Self {
            errexit: false,
            pipefail: false,
            cwd: Cwd::Start(String::new()),
            me: Some(path.to_owned()),
            vars: Vec::new(),
            lines_apart: false,
            remote: false,
        }
    }

    /// Commands that run in a directory of the tree under `set -e`.
    pub(super) fn recipe(dir: &str) -> Self {
        Self {
            errexit: true,
            pipefail: false,
            cwd: Cwd::Tree(dir.to_owned()),
            me: None,
            vars: Vec::new(),
            lines_apart: false,
            remote: false,
        }
    }
}

/// One command that is run.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Its words: values where they are known, else the source text (`$IMAGE@$DIGEST`). A path
    /// that is known to lie in the tree is written from the root with a leading `./`.
    pub(super) words: Vec<String>,
    /// The words as paths: `Some` of a root-relative path for each word that is one.
    raw: Vec<String>,
    /// The whole command.
    pub(super) span: Span,
    /// Its failure is swallowed, and where.
    pub(super) masked: Option<Span>,
    /// Where it runs.
    pub(super) cwd: Cwd,
    /// It stands in a loop.
    pub(super) looped: bool,
    /// It calls a function of the program; what that does follows.
    pub(super) function: bool,
    /// It runs on another machine.
    pub(super) remote: bool,
    /// What it reads: a file (`< x`), or the program before it in a pipe as `|name`.
    pub(super) stdin: Option<String>,
    /// The file its output goes to.
    pub(super) stdout: Option<String>,
    /// Assignments before it, and the values from outside.
    pub(super) env: Vec<(String, String)>,
    /// What the variables in its words that have no single value were set to, here and there.
    pub(super) possible: Vec<String>,
}

impl Call {
    /// The word of this index as a path in the tree, where its place is known. `start` is where
    /// the program is taken to be started, relative to the root.
    pub(super) fn path(&self, word: usize, start: &str) -> Option<String> {
        resolve(self.raw.get(word)?, &self.cwd, start)
    }

    /// A text found in a word (the value of `--file=x`) as a path in the tree.
    pub(super) fn path_of(&self, text: &str, start: &str) -> Option<String> {
        let raw = self.raw.iter().find_map(|raw| {
            let at = raw.find(ROOT)?;
            (show(&raw[at..]) == text).then(|| &raw[at..])
        });
        resolve(raw.unwrap_or(text), &self.cwd, start)
    }

    /// The program's name without its directory.
    pub(super) fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word))
    }

    /// This call with other words: the ones a wrapper runs.
    pub(super) fn with_words(&self, from: usize) -> Self {
        let mut call = self.clone();
        call.words.drain(..from.min(call.words.len()));
        call.raw.drain(..from.min(call.raw.len()));
        call
    }
}

fn resolve(text: &str, cwd: &Cwd, start: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix(ROOT) {
        return normalize_path(rest);
    }
    if text.starts_with(['/', '~']) || text.contains(['$', '`', ROOT]) || text.contains("://") {
        return None;
    }
    match cwd {
        Cwd::Tree(dir) => normalize_path(&format!("{dir}/{text}")),
        Cwd::Start(dir) => normalize_path(&format!("{start}/{dir}/{text}")),
        Cwd::Unknown => None,
    }
}

/// A value as people read it.
fn show(value: &str) -> String {
    if !value.contains(ROOT) {
        return value.to_owned();
    }
    value.replace(&format!("{ROOT}/"), "./").replace(ROOT, ".")
}

/// The commands that `script`, parsed from `text`, runs. Where `text` holds `${{ … }}`, `exprs`
/// are their ranges (the script was parsed with something else in their place).
pub(super) fn calls(
    text: &Derived,
    script: &Script,
    exprs: &[TextRange],
    start: &Start,
) -> Vec<Call> {
    let mut shared = Shared { calls: Vec::new(), visits: 0 };
    run(text, script, exprs, start, &mut shared, Ctx::top(start), 0);
    shared.calls
}

struct Shared {
    calls: Vec<Call>,
    visits: usize,
}

#[derive(Clone, Copy)]
struct Ctx {
    /// Everything here fails in vain, and why.
    masked: Option<Span>,
    /// Within a loop.
    looped: bool,
    /// The exit status is looked at: a condition.
    checked: bool,
    /// The last command's status is the program's.
    tail: bool,
    /// It runs on another machine.
    remote: bool,
}

impl Ctx {
    fn top(start: &Start) -> Self {
        Self { masked: None, looped: false, checked: false, tail: true, remote: start.remote }
    }
}

fn run(
    text: &Derived,
    script: &Script,
    exprs: &[TextRange],
    start: &Start,
    shared: &mut Shared,
    ctx: Ctx,
    depth: usize,
) {
    let Some(root) = script.root else { return };
    let functions = script
        .commands
        .iter()
        .filter_map(|command| match &command.kind {
            CommandKind::Function { name, body } => Some((name.as_str(), *body)),
            _ => None,
        })
        .collect();
    let mut walker = Walker {
        text,
        script,
        exprs,
        start,
        shared,
        functions,
        failing: HashSet::new(),
        vars: start.vars.iter().map(|(k, v)| (k.clone(), Value::One(v.clone()))).collect(),
        log: Vec::new(),
        seen: HashMap::new(),
        frames: Vec::new(),
        cwd: start.cwd.clone(),
        errexit: start.errexit,
        pipefail: start.pipefail,
        depth,
    };
    if script
        .shebang
        .as_deref()
        .is_some_and(|line| line.split_whitespace().skip(1).any(|word| is_option(word, 'e')))
    {
        walker.errexit = true;
    }
    walker.find_failing();
    walker.list(root, ctx, start.lines_apart);
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    One(String),
    Many(Vec<String>),
    /// Set, to what depends on the way taken.
    Unknown,
}

struct Walker<'a> {
    text: &'a Derived,
    script: &'a Script,
    exprs: &'a [TextRange],
    start: &'a Start,
    shared: &'a mut Shared,
    functions: HashMap<&'a str, CommandId>,
    /// Functions that may end in a failure on purpose.
    failing: HashSet<&'a str>,
    vars: HashMap<String, Value>,
    /// What assignments replaced, so that a branch can be taken back.
    log: Vec<(String, Option<Value>)>,
    /// Texts that a variable was set to anywhere so far; at most a few each.
    seen: HashMap<String, Vec<String>>,
    /// The arguments of the functions that run.
    frames: Vec<Vec<String>>,
    cwd: Cwd,
    errexit: bool,
    pipefail: bool,
    depth: usize,
}

/// What a list's end means for what follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Goes,
    /// `exit`, `return` or `exec` was met on every way.
    Ends,
}

impl<'a> Walker<'a> {
    fn span(&self, range: TextRange) -> Span {
        self.text.span(range)
    }

    fn source(&self, range: TextRange) -> String {
        String::from_utf8_lossy(range.slice(self.text.text())).into_owned()
    }

    fn list(&mut self, id: ListId, ctx: Ctx, lines_apart: bool) -> Flow {
        if self.depth >= MAX_DEPTH {
            return Flow::Goes;
        }
        self.depth += 1;
        let list = self.script.list(id);
        let fates = self.fates(&list.items);
        let mut flow = Flow::Goes;
        for (index, item) in list.items.iter().enumerate() {
            let next = list.items.get(index + 1);
            let before = index.checked_sub(1).and_then(|i| list.items.get(i));
            let guarded = before.is_some_and(|i| matches!(i.then, Connector::And | Connector::Or));
            let mut inner = ctx;
            inner.masked = ctx.masked.or(fates[index]);
            inner.tail = ctx.tail && next.is_none();
            if inner.masked.is_none() && !ctx.checked {
                inner.masked = self.fails_in_vain(item, next, ctx.tail);
            }
            let mark = self.log.len();
            let ends = self.item(item, inner);
            if guarded {
                self.forget_since(mark);
            } else if ends == Flow::Ends {
                let alone = !matches!(item.then, Connector::And | Connector::Or);
                if alone && item.pipeline.len() == 1 && !lines_apart {
                    flow = Flow::Ends;
                    break;
                }
            }
            if lines_apart && self.line_ends(item, next) {
                self.cwd = self.start.cwd.clone();
            }
        }
        self.depth -= 1;
        flow
    }

    /// Whether a line of the text ends between two items.
    fn line_ends(&self, item: &Item, next: Option<&Item>) -> bool {
        next.is_some_and(|next| {
            TextRange::new(item.range.end, next.range.start)
                .slice(self.text.text())
                .contains(&b'\n')
        })
    }

    /// For each item, where its failure is swallowed by what follows it in its chain.
    fn fates(&self, items: &[Item]) -> Vec<Option<Span>> {
        let mut fates: Vec<Option<Span>> = vec![None; items.len()];
        for index in (0..items.len()).rev() {
            let after = fates.get(index + 1).copied().flatten();
            fates[index] = match items[index].then {
                Connector::Seq => None,
                Connector::And => after,
                Connector::Background => Some(self.span(items[index].range)),
                Connector::Or => items.get(index + 1).and_then(|rhs| {
                    if self.item_may_fail(rhs) { after } else { Some(self.span(rhs.range)) }
                }),
            };
        }
        fates
    }

    /// Where an item's failure is lost for want of `set -e`, or by `!`.
    fn fails_in_vain(&self, item: &Item, next: Option<&Item>, tail: bool) -> Option<Span> {
        if item.negated {
            return Some(self.span(item.range));
        }
        if self.errexit || !matches!(item.then, Connector::Seq) {
            return None;
        }
        if next.is_none() {
            return (!tail).then(|| self.span(item.range));
        }
        let looked_at = next.is_some_and(|next| {
            let text = next.range.slice(self.text.text());
            let head = &text[..text.len().min(200)];
            memchr::memmem::find(head, b"$?").is_some()
                || memchr::memmem::find(head, b"PIPESTATUS").is_some()
        });
        (!looked_at).then(|| self.span(item.range))
    }

    fn item(&mut self, item: &Item, ctx: Ctx) -> Flow {
        let mut flow = Flow::Goes;
        let mut stdin: Option<String> = None;
        for (index, &id) in item.pipeline.iter().enumerate() {
            let last = index + 1 == item.pipeline.len();
            let mut inner = ctx;
            if !last && !self.pipefail && inner.masked.is_none() {
                inner.masked = Some(self.span(item.range));
            }
            let (mark, cwd) = (self.log.len(), self.cwd.clone());
            flow = self.command(id, inner, stdin.take());
            if item.pipeline.len() > 1 {
                self.undo_to(mark);
                self.cwd = cwd;
                stdin = Some(format!("|{}", self.name_of(id)));
            }
        }
        flow
    }

    fn name_of(&self, id: CommandId) -> String {
        match &self.script.command(id).kind {
            CommandKind::Simple { words, .. } => {
                words.first().map_or_else(String::new, |&w| self.source(self.script.word(w).range))
            }
            _ => String::new(),
        }
    }

    /// Walks one of several ways, and takes its effects on variables back; what it set comes out.
    fn branch(&mut self, list: ListId, ctx: Ctx, changed: &mut Vec<String>) -> Flow {
        let (mark, cwd) = (self.log.len(), self.cwd.clone());
        let (errexit, pipefail) = (self.errexit, self.pipefail);
        let flow = self.list(list, ctx, false);
        if flow == Flow::Goes {
            changed.extend(self.log[mark..].iter().map(|(name, _)| name.clone()));
            if self.cwd != cwd {
                changed.push(String::new());
            }
        }
        self.undo_to(mark);
        self.cwd = cwd;
        (self.errexit, self.pipefail) = (errexit, pipefail);
        flow
    }

    fn join(&mut self, mut changed: Vec<String>) {
        changed.sort();
        changed.dedup();
        for name in changed {
            if name.is_empty() {
                self.cwd = Cwd::Unknown;
            } else {
                self.set(&name, Value::Unknown);
            }
        }
    }

    fn undo_to(&mut self, mark: usize) {
        while self.log.len() > mark {
            let Some((name, old)) = self.log.pop() else { return };
            match old {
                Some(value) => self.vars.insert(name, value),
                None => self.vars.remove(&name),
            };
        }
    }

    /// After something that may not have run: what it set has no single value.
    fn forget_since(&mut self, mark: usize) {
        let names = self.log[mark..].iter().map(|(name, _)| name.clone()).collect();
        self.join(names);
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Value::One(text) = &value {
            let seen = self.seen.entry(name.to_owned()).or_default();
            if seen.len() < 8 && !text.is_empty() && !seen.contains(text) {
                seen.push(text.clone());
            }
        }
        let old = self.vars.insert(name.to_owned(), value);
        self.log.push((name.to_owned(), old));
    }

    fn command(&mut self, id: CommandId, ctx: Ctx, stdin: Option<String>) -> Flow {
        self.shared.visits += 1;
        if self.shared.visits > MAX_VISITS || self.shared.calls.len() > MAX_CALLS {
            return Flow::Goes;
        }
        let command = self.script.command(id);
        match &command.kind {
            CommandKind::Simple { assignments, words } => {
                return self.simple(id, assignments, words, &command.redirects, ctx, stdin);
            }
            CommandKind::Subshell(list) => {
                let mut ignored = Vec::new();
                self.branch(*list, ctx, &mut ignored);
            }
            CommandKind::Group(list) => return self.list(*list, ctx, false),
            CommandKind::If { branches, otherwise } => {
                return self.if_command(id, branches, *otherwise, ctx);
            }
            CommandKind::Loop { condition, body, .. } => {
                let mut changed = Vec::new();
                let looped = Ctx { looped: true, ..ctx };
                self.branch(*condition, Ctx { checked: true, ..looped }, &mut changed);
                self.branch(*body, looped, &mut changed);
                self.join(changed);
            }
            CommandKind::For { name, words, body } => {
                self.for_loop(name, words.as_deref(), *body, ctx)
            }
            CommandKind::Case { subject, arms } => {
                self.substitutions(*subject, ctx);
                let mut changed = Vec::new();
                for (_, body) in arms {
                    self.branch(*body, ctx, &mut changed);
                }
                self.join(changed);
            }
            CommandKind::Test(words) => {
                for &word in words {
                    self.substitutions(word, ctx);
                }
            }
            CommandKind::Function { .. } | CommandKind::Arithmetic => {}
        }
        Flow::Goes
    }

    fn if_command(
        &mut self,
        id: CommandId,
        branches: &[(ListId, ListId)],
        otherwise: Option<ListId>,
        ctx: Ctx,
    ) -> Flow {
        let acts = branches.iter().map(|(_, body)| *body).chain(otherwise);
        let decides = acts
            .clone()
            .any(|body| self.list_may_end(body, 0) || (ctx.looped && self.leaves_loop(body)));
        let mut condition = Ctx { checked: true, ..ctx };
        if !decides && condition.masked.is_none() {
            condition.masked = Some(self.span(self.script.command(id).range));
        }
        let mut changed = Vec::new();
        let mut all_end = otherwise.is_some();
        for (test, body) in branches {
            self.branch(*test, condition, &mut changed);
            all_end &= self.branch(*body, ctx, &mut changed) == Flow::Ends;
        }
        if let Some(body) = otherwise {
            all_end &= self.branch(body, ctx, &mut changed) == Flow::Ends;
        }
        self.join(changed);
        if all_end { Flow::Ends } else { Flow::Goes }
    }

    fn for_loop(&mut self, name: &str, words: Option<&[WordId]>, body: ListId, ctx: Ctx) {
        let ctx = Ctx { looped: true, ..ctx };
        let mut values = Vec::new();
        for &word in words.unwrap_or_default() {
            self.substitutions(word, ctx);
            self.fields(word, &mut values);
        }
        let literal = words.is_some()
            && (1..=MAX_LOOP).contains(&values.len())
            && values.iter().all(|v| !v.contains(['$', '`', '*', '?', '[', '{']));
        let mut changed = Vec::new();
        for value in if literal { values } else { vec![String::new()] } {
            let mark = self.log.len();
            if !name.is_empty() {
                self.set(name, if literal { Value::One(value) } else { Value::Unknown });
            }
            self.branch(body, ctx, &mut changed);
            self.undo_to(mark);
        }
        self.join(changed);
    }

    // ---- simple commands ------------------------------------------------------------------------

    fn simple(
        &mut self,
        id: CommandId,
        assignments: &[Assignment],
        words: &[WordId],
        redirects: &[Redirect],
        ctx: Ctx,
        stdin: Option<String>,
    ) -> Flow {
        let script = self.script;
        let span = self.span(script.command(id).range);
        // A substitution's failure is the command's only where nothing else is run.
        let mut within = ctx;
        if !words.is_empty() && within.masked.is_none() {
            within.masked = Some(span);
        }
        for &word in words {
            self.substitutions(word, within);
        }
        for assignment in assignments {
            for &word in assignment.value.iter().chain(&assignment.array) {
                self.substitutions(word, within);
            }
        }
        for redirect in redirects {
            self.substitutions(redirect.target, within);
        }
        if words.is_empty() {
            for assignment in assignments {
                self.assign(assignment);
            }
            return Flow::Goes;
        }
        let mut raw = Vec::new();
        for &word in words {
            self.fields(word, &mut raw);
        }
        if raw.is_empty() {
            return Flow::Goes;
        }
        let mut env = self.start.vars.clone();
        for assignment in assignments {
            if let Some(value) = assignment.value {
                env.push((assignment.name.clone(), show(&self.value(value))));
            }
        }
        let (mut input, mut output) = (stdin, None);
        let mut heredoc = None;
        for redirect in redirects {
            match redirect.op {
                RedirectOp::Read => input = Some(self.value(redirect.target)),
                RedirectOp::Write | RedirectOp::Append | RedirectOp::WriteBoth
                    if redirect.fd.is_none_or(|fd| fd == 1) =>
                {
                    output = Some(show(&self.value(redirect.target)));
                }
                RedirectOp::Heredoc => heredoc = redirect.heredoc.as_ref().map(|h| h.range),
                RedirectOp::HereString => heredoc = Some(script.word(redirect.target).range),
                _ => {}
            }
        }
        let possible = self.possible(words);
        let call = Call {
            words: raw.iter().map(|word| show(word)).collect(),
            raw,
            span,
            masked: ctx.masked,
            cwd: self.cwd.clone(),
            looped: ctx.looped,
            function: false,
            remote: ctx.remote,
            stdin: input.map(|text| show(&text)),
            stdout: output,
            env,
            possible,
        };
        self.dispatch(call, heredoc, ctx)
    }

    /// Texts that the words' variables without a single value were set to.
    fn possible(&self, words: &[WordId]) -> Vec<String> {
        let mut found = Vec::new();
        for &word in words {
            for part in &self.script.word(word).parts {
                if let PartKind::Variable { name, .. } = &part.kind
                    && !matches!(self.vars.get(name.as_str()), Some(Value::One(_)))
                    && let Some(seen) = self.seen.get(name)
                {
                    found.extend(seen.iter().cloned());
                }
            }
        }
        found
    }

    /// Builtins, functions, wrappers and nested programs; then the call itself.
    fn dispatch(&mut self, call: Call, heredoc: Option<TextRange>, ctx: Ctx) -> Flow {
        let call = unwrap(call);
        let name = call.words.first().cloned().unwrap_or_default();
        match name.as_str() {
            "" | ":" | "true" | "echo" | "printf" => {}
            "cd" | "pushd" => {
                let target = call.raw.iter().skip(1).find(|w| !w.starts_with('-')).cloned();
                self.cwd = match target {
                    Some(target) => moved(&self.cwd, &target),
                    None => Cwd::Unknown,
                };
            }
            "popd" => self.cwd = Cwd::Unknown,
            "set" => self.options(&call.words),
            "export" | "local" | "readonly" | "declare" | "typeset" => {
                for word in call.raw.iter().skip(1) {
                    if let Some((name, value)) = word.split_once('=') {
                        self.set(name, known(value.to_owned()));
                    }
                }
            }
            "read" | "mapfile" | "readarray" | "getopts" => {
                for word in call.words.iter().skip(1).filter(|w| !w.starts_with('-')) {
                    self.set(word, Value::Unknown);
                }
            }
            "unset" => {
                for word in call.words.iter().skip(1) {
                    self.set(word, Value::Unknown);
                }
            }
            "shift" => {
                if let Some(frame) = self.frames.last_mut()
                    && !frame.is_empty()
                {
                    frame.remove(0);
                }
            }
            "exit" | "return" => return Flow::Ends,
            "eval" => {
                let text = call.words[1..].join(" ");
                self.nested(&text, None, &call, ctx, call.remote);
            }
            _ if self.functions.contains_key(name.as_str()) => {
                return self.function(&name, &call, ctx);
            }
            _ => {
                self.shared.calls.push(call.clone());
                self.inner_programs(&call, heredoc, ctx);
                if call.raw.first().is_some_and(|_| name == "exec") {
                    return Flow::Ends;
                }
            }
        }
        Flow::Goes
    }

    fn function(&mut self, name: &str, call: &Call, ctx: Ctx) -> Flow {
        let Some(&body) = self.functions.get(name) else { return Flow::Goes };
        if self.depth + 8 >= MAX_DEPTH || self.frames.len() >= 16 {
            return Flow::Goes;
        }
        // The call itself is kept: that a function called `rollback` is called is worth knowing.
        self.shared.calls.push(Call { function: true, ..call.clone() });
        self.frames.push(call.raw[1..].to_vec());
        self.depth += 4;
        self.command(body, ctx, None);
        self.depth -= 4;
        self.frames.pop();
        Flow::Goes
    }

    fn options(&mut self, words: &[String]) {
        let mut words = words.iter().skip(1);
        while let Some(word) = words.next() {
            let on = word.starts_with('-');
            if !on && !word.starts_with('+') || word == "--" {
                return;
            }
            if is_option(word, 'e') {
                self.errexit = on;
            }
            if is_option(word, 'o') {
                match words.next().map(String::as_str) {
                    Some("pipefail") => self.pipefail = on,
                    Some("errexit") => self.errexit = on,
                    _ => {}
                }
            }
        }
    }

    /// Programs handed to another shell, here or elsewhere.
    fn inner_programs(&mut self, call: &Call, heredoc: Option<TextRange>, ctx: Ctx) {
        let words = &call.words;
        match call.program() {
            "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" => {
                let flag = words.iter().skip(1).take_while(|w| w.starts_with('-')).count();
                let command = words[1..=flag].iter().any(|w| is_option(w, 'c'));
                if let Some(text) = words.get(flag + 1).filter(|_| command) {
                    let errexit = words[1..=flag].iter().any(|w| is_option(w, 'e'));
                    self.nested(text, Some(errexit), call, ctx, call.remote);
                } else if words.len() == flag + 1
                    || words[1..=flag].iter().any(|w| is_option(w, 's'))
                {
                    self.fed(heredoc, call, ctx, call.remote);
                }
            }
            "su" | "runuser" => {
                if let Some(at) = words.iter().position(|w| w == "-c" || w == "--command")
                    && let Some(text) = words.get(at + 1)
                {
                    self.nested(text, None, call, ctx, call.remote);
                }
            }
            "ssh" => {
                let host = positional_from(words, 1, SSH_VALUES);
                match host.and_then(|host| words.get(host + 1..)).filter(|rest| !rest.is_empty()) {
                    Some(rest) if rest[0] != "bash" && rest[0] != "sh" || rest.len() > 2 => {
                        self.nested(&rest.join(" "), None, call, ctx, true);
                    }
                    _ => self.fed(heredoc, call, ctx, true),
                }
            }
            "docker" | "podman" | "nerdctl" | "docker-compose" | "kubectl" => {
                if let Some(from) = inside(words) {
                    let mut inner = call.with_words(from);
                    inner.cwd = Cwd::Unknown;
                    if !inner.words.is_empty() && self.depth + 8 < MAX_DEPTH {
                        self.depth += 4;
                        let inner = unwrap(inner);
                        self.shared.calls.push(inner.clone());
                        self.inner_programs(&inner, None, ctx);
                        self.depth -= 4;
                    }
                }
            }
            _ => {}
        }
    }

    /// A program given as a here-document.
    fn fed(&mut self, heredoc: Option<TextRange>, call: &Call, ctx: Ctx, remote: bool) {
        if let Some(range) = heredoc {
            let mut builder = DerivedBuilder::new();
            builder.append(self.text, range);
            let text = builder.finish(call.span);
            self.nested_text(&text, None, call, ctx, remote);
        }
    }

    fn nested(&mut self, text: &str, errexit: Option<bool>, call: &Call, ctx: Ctx, remote: bool) {
        let mut builder = DerivedBuilder::new();
        builder.computed(text.as_bytes(), call.span);
        let text = builder.finish(call.span);
        self.nested_text(&text, errexit, call, ctx, remote);
    }

    fn nested_text(
        &mut self,
        text: &Derived,
        errexit: Option<bool>,
        call: &Call,
        ctx: Ctx,
        remote: bool,
    ) {
        if self.depth + 32 >= MAX_DEPTH {
            return;
        }
        let script = shell::parse(text.text(), Dialect::Bash);
        let vars = self.vars.iter().filter_map(|(name, value)| match value {
            Value::One(text) if !remote => Some((name.clone(), text.clone())),
            _ => None,
        });
        let mut vars: Vec<_> = vars.collect();
        vars.sort();
        let start = Start {
            errexit: errexit.unwrap_or(false),
            pipefail: false,
            cwd: if remote { Cwd::Unknown } else { call.cwd.clone() },
            me: None,
            vars,
            lines_apart: false,
            remote,
        };
        let ctx = Ctx { remote, tail: true, masked: call.masked, ..ctx };
        run(text, &script, &[], &start, self.shared, ctx, self.depth + 24);
    }

    // ---- what may fail --------------------------------------------------------------------------

    /// Finds the functions that fail on purpose, those that call them too, a few calls deep.
    fn find_failing(&mut self) {
        for _ in 0..8 {
            let before = self.failing.len();
            let functions: Vec<_> =
                self.functions.iter().map(|(&name, &body)| (name, body)).collect();
            let found = functions.into_iter().filter(|&(_, body)| self.may_end(body, 0));
            let found: Vec<&str> = found.map(|(name, _)| name).collect();
            self.failing.extend(found);
            if self.failing.len() == before {
                return;
            }
        }
    }

    /// Whether the right side of `||` can itself end in a failure on purpose.
    fn item_may_fail(&self, item: &Item) -> bool {
        item.pipeline.last().is_some_and(|&id| self.may_end(id, 0))
    }

    /// Whether a list leaves the loop around it: what a loop that tries again does on success.
    fn leaves_loop(&self, list: ListId) -> bool {
        self.script.list(list).items.iter().flat_map(|item| &item.pipeline).any(|&id| {
            match &self.script.command(id).kind {
                CommandKind::Simple { words, .. } => words
                    .first()
                    .and_then(|&word| self.script.literal(word))
                    .is_some_and(|name| matches!(name.as_str(), "exit" | "return" | "break")),
                _ => false,
            }
        })
    }

    fn list_may_end(&self, list: ListId, depth: usize) -> bool {
        let items = &self.script.list(list).items;
        depth < 24 && items.iter().any(|i| i.pipeline.iter().any(|&c| self.may_end(c, depth + 1)))
    }

    /// Whether a command contains an `exit`, `return` or `false` that fails, or calls what does.
    fn may_end(&self, id: CommandId, depth: usize) -> bool {
        if depth >= 24 {
            return false;
        }
        match &self.script.command(id).kind {
            CommandKind::Simple { words, .. } => {
                let word = |i: usize| words.get(i).and_then(|&w| self.script.literal(w));
                let Some(name) = word(0) else { return false };
                match name.as_str() {
                    "exit" | "return" => word(1).as_deref() != Some("0"),
                    "false" => true,
                    // Undefined here, some names say that they stop.
                    name => {
                        self.failing.contains(name)
                            || (!self.functions.contains_key(name)
                                && matches!(name, "die" | "fail" | "fatal" | "abort" | "bail"))
                    }
                }
            }
            CommandKind::Subshell(list) | CommandKind::Group(list) => {
                self.list_may_end(*list, depth)
            }
            CommandKind::If { branches, otherwise } => branches
                .iter()
                .map(|(_, body)| *body)
                .chain(*otherwise)
                .any(|body| self.list_may_end(body, depth)),
            CommandKind::Loop { body, .. } | CommandKind::For { body, .. } => {
                self.list_may_end(*body, depth)
            }
            CommandKind::Case { arms, .. } => {
                arms.iter().any(|(_, body)| self.list_may_end(*body, depth))
            }
            CommandKind::Test(_) | CommandKind::Arithmetic => true,
            CommandKind::Function { .. } => false,
        }
    }

    // ---- words and values -----------------------------------------------------------------------

    /// Walks the programs that a word substitutes.
    fn substitutions(&mut self, word: WordId, ctx: Ctx) {
        let script = self.script;
        for part in &script.word(word).parts {
            match &part.kind {
                PartKind::Substitution(list) | PartKind::ProcessSubstitution(list) => {
                    let mut ignored = Vec::new();
                    self.branch(*list, Ctx { tail: true, ..ctx }, &mut ignored);
                }
                PartKind::Variable { op: Some((_, inner)), .. } if self.depth < MAX_DEPTH => {
                    self.depth += 1;
                    self.substitutions(*inner, ctx);
                    self.depth -= 1;
                }
                _ => {}
            }
        }
    }

    fn assign(&mut self, assignment: &Assignment) {
        let value = match assignment.value {
            Some(word) => known(self.value(word)),
            None => {
                let mut fields = Vec::new();
                for &word in &assignment.array {
                    self.fields(word, &mut fields);
                }
                Value::Many(fields)
            }
        };
        let value = if assignment.append {
            match (self.vars.get(&assignment.name), value) {
                (Some(Value::One(old)), Value::One(new)) => known(format!("{old}{new}")),
                (Some(Value::Many(old)), Value::Many(new)) if old.len() + new.len() < 256 => {
                    Value::Many([old.as_slice(), &new].concat())
                }
                (_, Value::One(new)) => {
                    self.set(&assignment.name, Value::One(new));
                    Value::Unknown
                }
                _ => Value::Unknown,
            }
        } else {
            value
        };
        self.set(&assignment.name, value);
    }

    /// A word as one text.
    fn value(&self, word: WordId) -> String {
        let mut text = String::new();
        for index in 0..self.script.word(word).parts.len() {
            text.push_str(&self.part(word, index));
            if text.len() > MAX_VALUE {
                break;
            }
        }
        text
    }

    /// A word as the fields it becomes.
    fn fields(&self, word: WordId, out: &mut Vec<String>) {
        if out.len() > 4096 {
            return;
        }
        let parts = &self.script.word(word).parts;
        if let [part] = parts.as_slice()
            && let PartKind::Variable { name, op: None, length: false } = &part.kind
        {
            if matches!(name.as_str(), "@" | "*")
                && let Some(frame) = self.frames.last()
            {
                out.extend(frame.iter().cloned());
                return;
            }
            let array = name.strip_suffix("[@]").or_else(|| name.strip_suffix("[*]"));
            if let Some(Value::Many(values)) = array.and_then(|array| self.vars.get(array)) {
                out.extend(values.iter().cloned());
                return;
            }
            if !part.quoted
                && let Some(value) = self.lookup(name)
            {
                out.extend(value.split_whitespace().map(str::to_owned));
                return;
            }
        }
        out.push(self.value(word));
    }

    fn part(&self, word: WordId, index: usize) -> String {
        let part = &self.script.word(word).parts[index];
        let known = match &part.kind {
            PartKind::Literal(text) => {
                if !self.has_expression(part.range) {
                    return text.clone();
                }
                let source = self.source(part.range);
                return source.trim_matches(['"', '\'']).to_owned();
            }
            PartKind::Variable { name, op: None, length: false } => self.lookup(name),
            PartKind::Variable { name, op: Some((op, rest)), length: false } => {
                match (name.as_str(), op.as_str()) {
                    // `${0%/*}` and `${BASH_SOURCE[0]%/*}`: the script's directory.
                    (_, "%") if self.script.literal(*rest).as_deref() == Some("/*") => {
                        self.lookup(name).map(|path| parent(&path))
                    }
                    (_, ":-" | "-" | ":=" | "=" | ":?" | "?") => self.lookup(name),
                    _ => None,
                }
            }
            PartKind::Substitution(list) => self.place(*list),
            _ => None,
        };
        known.unwrap_or_else(|| self.source(part.range).trim_matches('"').to_owned())
    }

    fn has_expression(&self, range: TextRange) -> bool {
        let from = self.exprs.partition_point(|e| e.end <= range.start);
        self.exprs.get(from).is_some_and(|e| e.start < range.end)
    }

    fn lookup(&self, name: &str) -> Option<String> {
        if let Some(value) = self.vars.get(name) {
            return match value {
                Value::One(text) => Some(text.clone()),
                _ => None,
            };
        }
        if name == "0" || name.starts_with("BASH_SOURCE") {
            return self.start.me.as_ref().map(|me| format!("{ROOT}/{me}"));
        }
        if let (Ok(n), Some(frame)) = (name.parse::<usize>(), self.frames.last()) {
            return frame.get(n.checked_sub(1)?).cloned();
        }
        match name {
            "PWD" => match &self.cwd {
                Cwd::Tree(dir) => Some(format!("{ROOT}/{dir}")),
                _ => None,
            },
            "GITHUB_WORKSPACE" | "CI_PROJECT_DIR" => Some(format!("{ROOT}/")),
            _ => None,
        }
    }

    /// The directory that a substitution prints, in the few idioms that everybody uses.
    fn place(&self, list: ListId) -> Option<String> {
        let items = &self.script.list(list).items;
        let mut cwd = self.cwd.clone();
        let mut printed = None;
        for item in items {
            let [id] = item.pipeline.as_slice() else { return None };
            let CommandKind::Simple { words, .. } = &self.script.command(*id).kind else {
                return None;
            };
            let mut fields = Vec::new();
            if self.depth >= MAX_DEPTH || words.len() > 8 {
                return None;
            }
            for &word in words {
                // One level only: a substitution within is the same few idioms.
                fields.push(self.shallow(word)?);
            }
            let text: Vec<&str> = fields.iter().map(String::as_str).collect();
            match text.as_slice() {
                ["cd", "--" | "-P", dir] | ["cd", dir] => cwd = moved(&cwd, dir),
                ["pwd"] | ["pwd", "-P"] => match &cwd {
                    Cwd::Tree(dir) => printed = Some(format!("{ROOT}/{dir}")),
                    _ => return None,
                },
                ["dirname", "--", path] | ["dirname", path] => printed = Some(parent(path)),
                ["realpath" | "readlink", path] | ["readlink", "-f", path] => {
                    printed = Some((*path).to_owned());
                }
                ["git", "rev-parse", "--show-toplevel"] => printed = Some(format!("{ROOT}/")),
                _ => return None,
            }
        }
        printed
    }

    fn shallow(&self, word: WordId) -> Option<String> {
        let mut text = String::new();
        for part in &self.script.word(word).parts {
            match &part.kind {
                PartKind::Literal(literal) => text.push_str(literal),
                PartKind::Variable { name, length: false, .. } => {
                    text.push_str(&self.lookup(name)?);
                }
                PartKind::Substitution(list) => {
                    // Nesting is bounded by the parser; each list is read once a mention.
                    let items = &self.script.list(*list).items;
                    let [item] = items.as_slice() else { return None };
                    let [id] = item.pipeline.as_slice() else { return None };
                    let CommandKind::Simple { words, .. } = &self.script.command(*id).kind else {
                        return None;
                    };
                    let words: Option<Vec<String>> = words
                        .iter()
                        .map(|&w| {
                            let parts = &self.script.word(w).parts;
                            parts.iter().try_fold(String::new(), |text, part| match &part.kind {
                                PartKind::Literal(literal) => Some(text + literal),
                                PartKind::Variable { name, length: false, .. } => {
                                    Some(text + &self.lookup(name)?)
                                }
                                _ => None,
                            })
                        })
                        .collect();
                    match words?.as_slice() {
                        [name, path] if name == "dirname" => text.push_str(&parent(path)),
                        [name, dashes, path] if name == "dirname" && dashes == "--" => {
                            text.push_str(&parent(path));
                        }
                        [name, path] if name == "realpath" => text.push_str(path),
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        Some(text)
    }
}

fn known(text: String) -> Value {
    if text.len() > MAX_VALUE { Value::Unknown } else { Value::One(text) }
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').map_or_else(
        || ".".to_owned(),
        |(dir, _)| {
            if dir == ROOT.to_string() { format!("{ROOT}/") } else { dir.to_owned() }
        },
    )
}

fn moved(cwd: &Cwd, target: &str) -> Cwd {
    if let Some(rest) = target.strip_prefix(ROOT) {
        return normalize_path(rest).map_or(Cwd::Unknown, Cwd::Tree);
    }
    if target.is_empty() || target.starts_with(['/', '~', '-']) || target.contains(['$', '`', ROOT])
    {
        return Cwd::Unknown;
    }
    match cwd {
        Cwd::Tree(dir) => {
            normalize_path(&format!("{dir}/{target}")).map_or(Cwd::Unknown, Cwd::Tree)
        }
        // Not normalised: `..` may climb out of the start, which is somewhere in the tree.
        Cwd::Start(dir) if dir.len() + target.len() < 4096 => Cwd::Start(format!("{dir}/{target}")),
        _ => Cwd::Unknown,
    }
}

/// Whether `word` is a bundle of single-letter options (`-eu`) that holds `letter`.
fn is_option(word: &str, letter: char) -> bool {
    let rest = word.strip_prefix(['-', '+']).unwrap_or("");
    !rest.starts_with('-') && rest.chars().all(char::is_alphanumeric) && rest.contains(letter)
}

const SSH_VALUES: &[&str] =
    &["-i", "-p", "-o", "-l", "-F", "-J", "-L", "-R", "-D", "-b", "-c", "-m", "-S", "-W", "-E"];

/// Wrappers, how many words of their own they take after their flags, and which flags take a value.
const WRAPPERS: &[(&str, usize, &[&str])] = &[
    ("sudo", 0, &["-u", "-g", "-h", "-p", "-C", "-T", "--user", "--group"]),
    ("doas", 0, &["-u", "-C"]),
    ("env", 0, &["-u", "-C", "--unset", "--chdir"]),
    ("time", 0, &["-f", "-o"]),
    ("nohup", 0, &[]),
    ("exec", 0, &["-a"]),
    ("command", 0, &[]),
    ("builtin", 0, &[]),
    ("nice", 0, &["-n"]),
    ("ionice", 0, &["-c", "-n"]),
    ("stdbuf", 0, &["-i", "-o", "-e"]),
    ("setsid", 0, &[]),
    ("chronic", 0, &[]),
    ("timeout", 1, &["-k", "-s", "--kill-after", "--signal"]),
    ("flock", 1, &["-w", "-E", "--timeout"]),
    ("xargs", 0, &["-I", "-n", "-P", "-d", "-L", "-a", "-E", "-s", "--max-args", "--max-procs"]),
    ("retry", 0, &["-t", "-d", "--times", "--delay", "-n"]),
];

/// The call that wrappers run, their own words taken off.
fn unwrap(mut call: Call) -> Call {
    for _ in 0..8 {
        let Some((name, own, values)) =
            WRAPPERS.iter().find(|(name, ..)| *name == call.program()).copied()
        else {
            return call;
        };
        // `command -v x` asks, it does not run.
        if name == "command" && call.words.get(1).is_some_and(|w| w == "-v" || w == "-V") {
            return call;
        }
        let Some(mut from) = positional_from(&call.words, 1, values) else { return call };
        while matches!(name, "env" | "sudo")
            && let Some((key, value)) = call.words.get(from).and_then(|w| w.split_once('='))
        {
            call.env.push((key.to_owned(), value.to_owned()));
            from += 1;
        }
        if call.words.len() <= from + own {
            return call;
        }
        call = call.with_words(from + own);
    }
    call
}

/// The index of the first word from `at` on that is no flag and no flag's value.
pub(super) fn positional_from(words: &[String], mut at: usize, values: &[&str]) -> Option<usize> {
    while let Some(word) = words.get(at) {
        if word == "--" {
            return (at + 1 < words.len()).then_some(at + 1);
        }
        if !word.starts_with('-') || word == "-" {
            return Some(at);
        }
        at += if values.contains(&word.as_str()) { 2 } else { 1 };
    }
    None
}

/// Flags of `docker run` and `exec` that take no value; every other one without `=` does.
const RUN_SWITCHES: &[&str] = &[
    "--rm",
    "--detach",
    "--interactive",
    "--tty",
    "--init",
    "--privileged",
    "--read-only",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--publish-all",
    "--sig-proxy",
    "--no-deps",
    "--no-TTY",
    "--build",
    "--quiet",
    "--service-ports",
    "--use-aliases",
    "--remove-orphans",
];

/// Where the command that is run inside a container starts in the words of a container tool.
fn inside(words: &[String]) -> Option<usize> {
    let program = words[0].rsplit('/').next().unwrap_or("");
    if program == "kubectl" {
        let at = words.iter().position(|w| w == "--")?;
        return words[..at].iter().any(|w| w == "exec" || w == "run").then_some(at + 1);
    }
    let mut at = 1;
    let mut compose = program == "docker-compose";
    loop {
        let word = words.get(at)?;
        if word.starts_with('-') {
            let valued = matches!(
                word.as_str(),
                "-f" | "--file"
                    | "-p"
                    | "--project-name"
                    | "--profile"
                    | "--env-file"
                    | "--project-directory"
                    | "-H"
                    | "--host"
                    | "-c"
                    | "--context"
                    | "--ansi"
            );
            at += if valued { 2 } else { 1 };
        } else if word == "compose" && !compose {
            compose = true;
            at += 1;
        } else if word == "container" {
            at += 1;
        } else {
            break;
        }
    }
    if !matches!(words[at].as_str(), "exec" | "run") {
        return None;
    }
    at += 1;
    while let Some(word) = words.get(at).filter(|w| w.starts_with('-')) {
        let switch = RUN_SWITCHES.contains(&word.as_str())
            || word.contains('=')
            || (!word.starts_with("--") && word[1..].chars().all(|c| "itdTPqd".contains(c)));
        at += if switch { 1 } else { 2 };
    }
    Some(at + 1)
}

impl Call {
    /// This call with its words changed.
    pub(super) fn mapped(&self, put: &dyn Fn(&str) -> String) -> Self {
        let mut call = self.clone();
        for word in call.words.iter_mut().chain(&mut call.raw) {
            *word = put(word);
        }
        call
    }
}
