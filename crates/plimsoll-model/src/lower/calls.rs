//! The commands a shell program runs, in order, with what surrounds each: where it runs, whether
//! its failure counts, what its variables stand for.
//!
//! The program is walked as the shell would run it, taking both sides of every branch: functions
//! at each call with their arguments, `for` over literal words once a word, wrappers (`sudo`,
//! `timeout`, `xargs`) taken off, nested programs (`sh -c '…'`, `ssh host '…'`, here-documents fed
//! to a shell) read as programs, sourced files of the tree in place. A variable has a value only
//! while every path agrees on it.
//! Everything is bounded by [`MAX_CALLS`], [`MAX_VISITS`] and the nesting of [`MAX_DEPTH`].

use std::collections::{HashMap, HashSet};

use plimsoll_source::{Derived, DerivedBuilder, Span, TextRange, normalize_path};
use plimsoll_syntax::shell::{
    self, Assignment, CommandId, CommandKind, Connector, Dialect, Item, ListId, Part, PartKind,
    Redirect, RedirectOp, Script, WordId,
};

use crate::compose_call::{self, Compose};
use crate::flow::{
    After, Condition, Expansion, Flow, ROOT, Read, Redirection, Region, RegionId, RegionKind, Set,
    show,
};
pub(super) use crate::flow::{Command as Call, CommandKind as Kind, Cwd};

/// The most commands that one program is followed for, and the most settings noted. Questions look
/// from each command of a kind at those before it: what is longer is not known to its end.
const MAX_CALLS: usize = 10_000;
/// The most commands that one walk visits, functions counted at each call.
const MAX_VISITS: usize = 200_000;
/// The most regions that are told apart.
const MAX_REGIONS: usize = 50_000;
/// The most expansions that are noted.
const MAX_READS: usize = 200_000;
/// The most branches of an `if` whose conditions a later branch remembers.
const MAX_ELSE: usize = 32;
/// How deep lists, functions and nested programs may lie in each other.
const MAX_DEPTH: usize = 160;
/// The most words a `for` is followed for.
const MAX_LOOP: usize = 64;
/// The most variables that a trap's functions are handed.
const MAX_HANDED: usize = 512;
/// The most bytes a value may grow to.
const MAX_VALUE: usize = 16 * 1024;

/// Stands before each field of an array in the value of `local name=(…)`.
const ARRAY: char = '\u{2}';

/// How a program starts.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// `set -e` is in effect.
    pub(super) errexit: bool,
    /// `set -o pipefail` is in effect.
    pub(super) pipefail: bool,
    /// `set -u` is in effect.
    pub(super) nounset: bool,
    /// `set -x` is in effect.
    pub(super) xtrace: bool,
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
            nounset: false,
            xtrace: false,
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
            nounset: false,
            xtrace: false,
            cwd: Cwd::Tree(dir.to_owned()),
            me: None,
            vars: Vec::new(),
            lines_apart: false,
            remote: false,
        }
    }
}

/// One parsed text.
#[derive(Clone, Copy)]
pub(super) struct Unit<'a> {
    text: &'a Derived,
    script: &'a Script,
    exprs: &'a [TextRange],
    /// Its path, where it is a file of the tree.
    path: Option<&'a str>,
}

/// The scripts of the tree by path: what `source` may read.
#[derive(Default)]
pub(super) struct Library<'a>(HashMap<&'a str, Unit<'a>>);

impl<'a> Library<'a> {
    pub(super) fn add(&mut self, path: &'a str, text: &'a Derived, script: &'a Script) {
        self.0.insert(path, Unit { text, script, exprs: &[], path: Some(path) });
    }
}

/// The programs and functions that `script`, parsed from `text`, runs. Where `text` holds
/// `${{ … }}`, `exprs` are their ranges (the script was parsed with something else in their place).
pub(super) fn calls(
    text: &Derived,
    script: &Script,
    exprs: &[TextRange],
    start: &Start,
) -> Vec<Call> {
    let mut flow = flow(text, script, exprs, start, &Library::default());
    let keep: Vec<bool> = flow.commands.iter().map(|call| is_call(&flow, call)).collect();
    let mut keep = keep.into_iter();
    flow.commands.retain(|_| keep.next().unwrap_or(false));
    flow.commands
}

/// Whether a command is a program or function that is run on some way.
pub(super) fn is_call(flow: &Flow, call: &Call) -> bool {
    matches!(call.kind, Kind::Run | Kind::Function) && !flow.is_aside(call)
}

/// All that `script` does.
pub(super) fn flow(
    text: &Derived,
    script: &Script,
    exprs: &[TextRange],
    start: &Start,
    library: &Library<'_>,
) -> Flow {
    let program =
        Region { parent: None, kind: RegionKind::Program, certain: true, span: text.whole() };
    let flow = Flow::of(program);
    let mut shared = Shared { flow, visits: 0, pipelines: 0 };
    let unit = Unit { text, script, exprs, path: start.me.as_deref() };
    run(unit, library, start, &mut shared, Ctx::top(start), 0, &HashMap::new());
    shared.flow.sealed()
}

struct Shared {
    flow: Flow,
    visits: usize,
    pipelines: u32,
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
    /// What surrounds it.
    region: RegionId,
    /// `set -e` does not apply.
    tested: bool,
    /// What the failure and success of what stands here make of the program.
    if_fails: After,
    if_succeeds: After,
}

impl Ctx {
    fn top(start: &Start) -> Self {
        Self {
            masked: None,
            looped: false,
            checked: false,
            tail: true,
            remote: start.remote,
            region: RegionId(0),
            tested: false,
            if_fails: After::Fails,
            if_succeeds: After::GoesOn,
        }
    }

    /// A place whose outcome leads nowhere by itself.
    fn idle(self) -> Self {
        Self { if_fails: After::GoesOn, if_succeeds: After::GoesOn, ..self }
    }
}

/// Where the functions of a program are.
type Functions<'a> = HashMap<&'a str, (Unit<'a>, CommandId)>;

fn run<'a>(
    unit: Unit<'a>,
    library: &'a Library<'a>,
    start: &'a Start,
    shared: &'a mut Shared,
    ctx: Ctx,
    depth: usize,
    inherited: &Functions<'a>,
) {
    let Some(root) = unit.script.root else { return };
    let mut walker = Walker {
        unit,
        library,
        start,
        shared,
        functions: inherited.clone(),
        failing: HashSet::new(),
        ending: HashMap::new(),
        walked: HashSet::new(),
        sourcing: unit.path.into_iter().collect(),
        vars: start.vars.iter().map(|(k, v)| (k.clone(), Value::One(v.clone()))).collect(),
        log: Vec::new(),
        seen: HashMap::new(),
        frames: Vec::new(),
        inside: Vec::new(),
        sites: Vec::new(),
        returns: Vec::new(),
        returned: false,
        cwd: start.cwd.clone(),
        errexit: start.errexit,
        by_trap: false,
        errtrace: false,
        pipefail: start.pipefail,
        nounset: start.nounset,
        xtrace: start.xtrace,
        depth,
    };
    if let Some(line) = &unit.script.shebang {
        let mut words = line.split_whitespace();
        let by_env = words.next().is_some_and(|program| program.ends_with("env"));
        // `env -S bash -euo pipefail`: the shell's options stand behind its name.
        let options = words.skip_while(|word| by_env && word.starts_with('-'));
        let options: Vec<String> = options.skip(usize::from(by_env)).map(str::to_owned).collect();
        walker.options(&options, true);
    }
    for &(unit, body) in inherited.values() {
        walker.learn_endings(unit, &[("", body)]);
    }
    walker.learn(unit);
    walker.list(root, ctx, start.lines_apart);
    if depth == 0 {
        walker.uncalled(ctx);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    One(String),
    Many(Vec<String>),
    /// Set, to what depends on the way taken.
    Unknown,
}

struct Walker<'a> {
    unit: Unit<'a>,
    library: &'a Library<'a>,
    start: &'a Start,
    shared: &'a mut Shared,
    functions: Functions<'a>,
    /// Functions that may end in a failure on purpose.
    failing: HashSet<&'a str>,
    /// Functions that end the program, and how.
    ending: HashMap<&'a str, After>,
    /// Functions that were followed.
    walked: HashSet<&'a str>,
    /// The files that are being sourced.
    sourcing: Vec<&'a str>,
    vars: HashMap<String, Value>,
    /// What assignments replaced, so that a branch can be taken back.
    log: Vec<(String, Option<Value>)>,
    /// Texts that a variable was set to anywhere so far; at most a few each.
    seen: HashMap<String, Vec<String>>,
    /// The arguments of the functions that run.
    frames: Vec<Vec<String>>,
    /// The functions whose bodies are being followed, the outermost first, with the variables that
    /// each has made local.
    inside: Vec<(&'a str, HashSet<String>)>,
    /// Where they were called.
    sites: Vec<Span>,
    /// What failure and success of the functions that run make of the program.
    returns: Vec<(After, After)>,
    /// A `return` was met in the function that runs.
    returned: bool,
    cwd: Cwd,
    errexit: bool,
    /// `errexit` holds by a trap on `ERR` that ends the program.
    by_trap: bool,
    /// Functions inherit that trap: `set -E`.
    errtrace: bool,
    pipefail: bool,
    nounset: bool,
    xtrace: bool,
    depth: usize,
}

/// What the items behind one ask of its status.
#[derive(Clone, Copy, Default)]
struct Asked {
    /// They look at it.
    looks: bool,
    /// What they see may end the program.
    ends: bool,
    /// They look at each part of a pipe.
    parts: bool,
}

/// What a list's end means for what follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Goes,
    /// `return` was met on some way, and this or an end on all.
    Returns,
    /// `exit` or `exec` was met on every way.
    Exits,
}

impl<'a> Walker<'a> {
    fn span(&self, range: TextRange) -> Span {
        self.unit.text.span(range)
    }

    fn source(&self, range: TextRange) -> String {
        String::from_utf8_lossy(range.slice(self.unit.text.text())).into_owned()
    }

    /// A region within `parent`.
    fn open(&mut self, parent: RegionId, kind: RegionKind, span: Span, certain: bool) -> RegionId {
        let regions = &mut self.shared.flow.regions;
        if regions.len() >= MAX_REGIONS {
            self.shared.flow.complete = false;
            return parent;
        }
        regions.push(Region { parent: Some(parent), kind, certain, span });
        RegionId(u32::try_from(regions.len() - 1).unwrap_or(0))
    }

    fn list(&mut self, id: ListId, ctx: Ctx, lines_apart: bool) -> Way {
        if self.depth >= MAX_DEPTH {
            return Way::Goes;
        }
        self.depth += 1;
        let list = self.unit.script.list(id);
        let fates = self.fates(&list.items);
        let outcomes = self.outcomes(&list.items, ctx);
        let returned = std::mem::take(&mut self.returned);
        let mut way = Way::Goes;
        let mut region = ctx.region;
        let mut chain = self.shared.flow.commands.len();
        for (index, item) in list.items.iter().enumerate() {
            let next = list.items.get(index + 1);
            let before = index.checked_sub(1).and_then(|i| list.items.get(i));
            let guarded = before.is_some_and(|i| matches!(i.then, Connector::And | Connector::Or));
            if self.returned && region == ctx.region {
                let span = self.span(item.range);
                region = self.open(region, RegionKind::Rest, span, false);
            }
            let mut inner = Ctx { region, ..ctx };
            inner.masked = ctx.masked.or(fates[index]);
            inner.tail = ctx.tail && next.is_none();
            let asked = self.asked(list.items.get(index + 1..).unwrap_or_default());
            if inner.masked.is_none() && !ctx.checked {
                inner.masked = self.fails_in_vain(item, next, ctx.tail, asked);
            }
            inner.tested |= item.negated || matches!(item.then, Connector::And | Connector::Or);
            let (fails, succeeds) = outcomes[index];
            let ignored = inner.tested || item.then == Connector::Background;
            inner.if_fails = if self.errexit && !ignored { After::Fails } else { fails };
            inner.if_succeeds = succeeds;
            if item.negated {
                std::mem::swap(&mut inner.if_fails, &mut inner.if_succeeds);
            }
            if guarded && let Some(before) = before {
                let to = self.shared.flow.commands.len();
                let succeeds = before.then == Connector::And;
                let alone = index < 2
                    || matches!(list.items[index - 2].then, Connector::Seq | Connector::Background);
                let succeeds = succeeds ^ (alone && before.negated);
                let kind = RegionKind::Branch(vec![Condition { from: chain, to, succeeds }]);
                inner.region = self.open(region, kind, self.span(item.range), false);
            } else {
                chain = self.shared.flow.commands.len();
            }
            if item.then == Connector::Background {
                let span = self.span(item.range);
                inner.region = self.open(inner.region, RegionKind::Background, span, true);
            }
            let mark = self.log.len();
            let ends = self.item(item, inner, asked);
            if guarded {
                self.forget_since(mark);
            } else if ends != Way::Goes {
                let alone = !matches!(item.then, Connector::And | Connector::Or);
                if alone && item.pipeline.len() == 1 && !lines_apart {
                    way = ends;
                    break;
                }
            }
            if lines_apart && self.line_ends(item, next) {
                self.cwd = self.start.cwd.clone();
            }
        }
        self.returned |= returned;
        self.depth -= 1;
        way
    }

    /// What the failure and the success of each item make of the program, `set -e` aside.
    fn outcomes(&self, items: &[Item], ctx: Ctx) -> Vec<(After, After)> {
        let mut outcomes = vec![(After::GoesOn, After::GoesOn); items.len()];
        // Where a chain goes that skips its next item, having failed or succeeded.
        let (mut failed, mut succeeded) = (After::GoesOn, After::GoesOn);
        for (index, item) in items.iter().enumerate().rev() {
            let next = items.get(index + 1);
            let then = || next.and_then(|next| self.item_ends(next)).unwrap_or(After::GoesOn);
            match item.then {
                Connector::Seq => {
                    (failed, succeeded) = match next {
                        None => (ctx.if_fails, ctx.if_succeeds),
                        Some(_) if self.asked(&items[index + 1..]).ends => {
                            (After::Fails, After::GoesOn)
                        }
                        Some(_) => (After::GoesOn, After::GoesOn),
                    };
                    outcomes[index] = (failed, succeeded);
                }
                Connector::Background => (failed, succeeded) = (After::GoesOn, After::GoesOn),
                Connector::And => {
                    let then = then();
                    outcomes[index] = (failed, then);
                    succeeded = then;
                }
                Connector::Or => {
                    let then = then();
                    outcomes[index] = (then, succeeded);
                    failed = then;
                }
            }
        }
        outcomes
    }

    /// What the items behind one ask of its status: the next by itself, or later ones of the
    /// variable in which the next keeps it.
    fn asked(&self, rest: &[Item]) -> Asked {
        const MAX_LATER: usize = 32;
        let Some(next) = rest.first() else { return Asked::default() };
        let holds = |item: &Item, needle: &[u8], most: usize| {
            let text = item.range.slice(self.unit.text.text());
            memchr::memmem::find(&text[..text.len().min(most)], needle).is_some()
        };
        let parts = holds(next, b"PIPESTATUS", 200);
        let looks = parts || holds(next, b"$?", 200);
        // `[ $? -eq 0 ] || exit 1`: what the chain comes to.
        let chain = |from: usize| {
            let items = rest.get(from..).unwrap_or_default();
            let goes_on = |item: &Item| matches!(item.then, Connector::And | Connector::Or);
            let length = items.iter().take_while(|item| goes_on(item)).count() + 1;
            items.iter().take(length).any(|item| self.item_may_fail(item))
        };
        let mut ends = looks && chain(0);
        if looks && let Some(name) = self.kept_in(next) {
            let (plain, braced) = (format!("${name}"), format!("${{{name}"));
            let reads = |item: &Item| {
                holds(item, plain.as_bytes(), 4096) || holds(item, braced.as_bytes(), 4096)
            };
            let mut later = rest.iter().enumerate().skip(1).take(MAX_LATER);
            ends |= later.any(|(at, item)| reads(item) && chain(at));
        }
        Asked { looks, ends, parts }
    }

    /// The variable that an item sets and does nothing else.
    fn kept_in(&self, item: &Item) -> Option<&'a str> {
        let [id] = item.pipeline.as_slice() else { return None };
        match &self.unit.script.command(*id).kind {
            CommandKind::Simple { assignments, words } if words.is_empty() => {
                assignments.first().map(|assignment| assignment.name.as_str())
            }
            _ => None,
        }
    }

    /// Whether a line of the text ends between two items.
    fn line_ends(&self, item: &Item, next: Option<&Item>) -> bool {
        next.is_some_and(|next| {
            TextRange::new(item.range.end, next.range.start)
                .slice(self.unit.text.text())
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
    fn fails_in_vain(
        &self,
        item: &Item,
        next: Option<&Item>,
        tail: bool,
        asked: Asked,
    ) -> Option<Span> {
        if item.negated {
            return Some(self.span(item.range));
        }
        if self.errexit || !matches!(item.then, Connector::Seq) {
            return None;
        }
        if next.is_none() {
            return (!tail).then(|| self.span(item.range));
        }
        (!asked.looks).then(|| self.span(item.range))
    }

    fn item(&mut self, item: &Item, ctx: Ctx, asked: Asked) -> Way {
        let mut way = Way::Goes;
        let mut stdin: Option<String> = None;
        let length = item.pipeline.len();
        self.shared.pipelines += u32::from(length > 1);
        let pipeline = self.shared.pipelines;
        for (position, &id) in item.pipeline.iter().enumerate() {
            let last = position + 1 == length;
            let mut inner = ctx;
            if length > 1 {
                let span = self.span(self.unit.script.command(id).range);
                let kind = RegionKind::Pipe { pipeline, position, length };
                inner.region = self.open(ctx.region, kind, span, true);
            }
            if !last {
                let counts = self.pipefail || asked.parts;
                if !counts && inner.masked.is_none() {
                    inner.masked = Some(self.span(item.range));
                }
                inner.if_succeeds = After::GoesOn;
                if !counts {
                    inner.if_fails = After::GoesOn;
                }
            }
            let (mark, cwd) = (self.log.len(), self.cwd.clone());
            way = self.command(id, inner, stdin.take());
            if length > 1 {
                self.undo_to(mark);
                self.cwd = cwd;
                stdin = Some(format!("|{}", self.name_of(id)));
            }
        }
        way
    }

    fn name_of(&self, id: CommandId) -> String {
        match &self.unit.script.command(id).kind {
            CommandKind::Simple { words, .. } => words
                .first()
                .map_or_else(String::new, |&w| self.source(self.unit.script.word(w).range)),
            _ => String::new(),
        }
    }

    /// Walks one of several ways, and takes its effects on variables back; what it set comes out.
    fn branch(&mut self, list: ListId, ctx: Ctx, changed: &mut Vec<String>) -> Way {
        let (mark, cwd) = (self.log.len(), self.cwd.clone());
        let options = (self.errexit, self.pipefail, self.nounset, self.xtrace);
        let way = self.list(list, ctx, false);
        if way == Way::Goes {
            changed.extend(self.changed_since(mark).into_iter().map(|(name, _)| name));
            if self.cwd != cwd {
                changed.push(String::new());
            }
        }
        self.undo_to(mark);
        self.cwd = cwd;
        (self.errexit, self.pipefail, self.nounset, self.xtrace) = options;
        way
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
        let grown: Vec<(String, Option<Value>)> = self.grown_since(mark);
        let names = self.changed_since(mark).into_iter().map(|(name, _)| name).collect();
        self.join(names);
        for (name, old) in grown {
            if let Some(old) = old {
                self.set(&name, old);
            }
        }
    }

    /// What was set since, but for what only grew, with its value before.
    fn changed_since(&self, mark: usize) -> Vec<(String, Option<Value>)> {
        self.set_since(mark, false)
    }

    /// The arrays that only grew since: on every way they begin as they did before.
    fn grown_since(&self, mark: usize) -> Vec<(String, Option<Value>)> {
        self.set_since(mark, true)
    }

    fn set_since(&self, mark: usize, grown: bool) -> Vec<(String, Option<Value>)> {
        let mut seen = HashSet::new();
        let first = self.log[mark..].iter().filter(|(name, _)| seen.insert(name));
        let grew = |name: &String, old: &Option<Value>| {
            matches!((old, self.vars.get(name)), (Some(Value::Many(old)), Some(Value::Many(new)))
                if new.starts_with(old))
        };
        first.filter(|(name, old)| grew(name, old) == grown).cloned().collect()
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

    fn command(&mut self, id: CommandId, mut ctx: Ctx, stdin: Option<String>) -> Way {
        self.shared.visits += 1;
        if self.shared.visits > MAX_VISITS || self.shared.flow.commands.len() > MAX_CALLS {
            self.shared.flow.complete = false;
            return Way::Goes;
        }
        let command = self.unit.script.command(id);
        let span = self.span(command.range);
        if let CommandKind::Simple { assignments, words } = &command.kind {
            return self.simple(id, assignments, words, &command.redirects, ctx, stdin);
        }
        if !command.redirects.is_empty() {
            let redirects = self.redirects(&command.redirects, ctx);
            ctx.region = self.open(ctx.region, RegionKind::Redirected(redirects), span, true);
        }
        match &command.kind {
            CommandKind::Subshell(list) => {
                let mut ignored = Vec::new();
                let region = self.open(ctx.region, RegionKind::Subshell, span, true);
                self.branch(*list, Ctx { region, ..ctx }, &mut ignored);
            }
            CommandKind::Group(list) => return self.list(*list, ctx, false),
            CommandKind::If { branches, otherwise } => {
                return self.if_command(id, branches, *otherwise, ctx);
            }
            CommandKind::Loop { condition, body, until } => {
                let mut changed = Vec::new();
                let looped = Ctx { looped: true, ..ctx };
                let region = self.open(ctx.region, RegionKind::LoopTest, span, true);
                let test = Ctx { checked: true, tested: true, region, ..looped }.idle();
                let condition = self.condition(*condition, test, !until, &mut changed);
                let kind = RegionKind::Loop { condition: Some(condition) };
                let region = self.open(ctx.region, kind, span, false);
                self.branch(*body, Ctx { region, ..looped }, &mut changed);
                self.join(changed);
            }
            CommandKind::For { name, words, body } => {
                self.for_loop(name, words.as_deref(), *body, ctx, command.range);
            }
            CommandKind::Case { subject, arms } => {
                self.substitutions(*subject, ctx);
                let subject = show(&self.value(*subject));
                let mut changed = Vec::new();
                let mut ways = Vec::new();
                let mut any = false;
                for (patterns, body) in arms {
                    let patterns: Vec<String> =
                        patterns.iter().map(|&word| show(&self.value(word))).collect();
                    any |= patterns.iter().any(|pattern| pattern == "*");
                    let kind = RegionKind::Arm { subject: subject.clone(), patterns };
                    let region = self.open(ctx.region, kind, span, false);
                    ways.push((region, self.branch(*body, Ctx { region, ..ctx }, &mut changed)));
                }
                self.join(changed);
                return self.joined(&ways, any);
            }
            CommandKind::Test(words) => {
                let mut raw = vec!["[[".to_owned()];
                for &word in words {
                    self.substitutions(word, ctx);
                    raw.push(self.value(word));
                }
                raw.push("]]".to_owned());
                self.push(Kind::Test, raw, span, ctx);
            }
            CommandKind::Arithmetic => {
                let text = self.source(command.range);
                let text = text.strip_prefix("((").unwrap_or(&text);
                let text = text.strip_suffix("))").unwrap_or(text).trim().to_owned();
                self.arithmetic(&text, span, ctx);
                let raw = vec!["((".to_owned(), text, "))".to_owned()];
                self.push(Kind::Arithmetic, raw, span, ctx);
            }
            CommandKind::Function { .. } | CommandKind::Simple { .. } => {}
        }
        Way::Goes
    }

    /// Records a command without redirections of its own.
    fn push(&mut self, kind: Kind, raw: Vec<String>, span: Span, ctx: Ctx) {
        let call = self.call(kind, raw, span, ctx);
        self.record(call);
    }

    fn call(&self, kind: Kind, raw: Vec<String>, span: Span, ctx: Ctx) -> Call {
        Call {
            at: 0,
            kind,
            region: ctx.region,
            words: raw.iter().map(|word| show(word).replace(ARRAY, " ")).collect(),
            wrappers: Vec::new(),
            raw,
            span,
            redirects: Vec::new(),
            env: Vec::new(),
            cwd: self.cwd.clone(),
            looped: ctx.looped,
            remote: ctx.remote,
            masked: ctx.masked,
            errexit: self.errexit,
            pipefail: self.pipefail,
            nounset: self.nounset,
            xtrace: self.xtrace,
            tested: ctx.tested,
            if_fails: ctx.if_fails,
            if_succeeds: ctx.if_succeeds,
            stdin: None,
            stdout: None,
            possible: Vec::new(),
            expansions: Vec::new(),
        }
    }

    fn record(&mut self, mut call: Call) -> usize {
        let commands = &mut self.shared.flow.commands;
        call.at = commands.len();
        commands.push(call);
        commands.len() - 1
    }

    /// Walks a condition; `succeeds` is what it must come to.
    fn condition(
        &mut self,
        list: ListId,
        ctx: Ctx,
        succeeds: bool,
        changed: &mut Vec<String>,
    ) -> Condition {
        let from = self.shared.flow.commands.len();
        self.branch(list, ctx, changed);
        let negated =
            matches!(self.unit.script.list(list).items.as_slice(), [item] if item.negated);
        Condition { from, to: self.shared.flow.commands.len(), succeeds: succeeds ^ negated }
    }

    /// What several ways come to; `all` says that one of them is taken. Where all but one end,
    /// what follows has passed through that one.
    fn joined(&mut self, ways: &[(RegionId, Way)], all: bool) -> Way {
        let going = ways.iter().filter(|(_, way)| *way == Way::Goes).count();
        if !all || going > 1 {
            return Way::Goes;
        }
        for (region, way) in ways {
            if *way == Way::Goes
                && let Some(region) = self.shared.flow.regions.get_mut(region.0 as usize)
            {
                region.certain = true;
                return Way::Goes;
            }
        }
        match ways.iter().any(|(_, way)| *way == Way::Returns) {
            true => Way::Returns,
            false => Way::Exits,
        }
    }

    fn if_command(
        &mut self,
        id: CommandId,
        branches: &[(ListId, ListId)],
        otherwise: Option<ListId>,
        ctx: Ctx,
    ) -> Way {
        let acts = branches.iter().map(|(_, body)| *body).chain(otherwise);
        let decides = acts
            .clone()
            .any(|body| self.list_may_end(body, 0) || (ctx.looped && self.leaves_loop(body)));
        let mut test_ctx = Ctx { checked: true, tested: true, ..ctx };
        if !decides && test_ctx.masked.is_none() {
            test_ctx.masked = Some(self.span(self.unit.script.command(id).range));
        }
        let mut changed = Vec::new();
        let mut ways = Vec::new();
        let mut conditions: Vec<Condition> = Vec::new();
        for (index, (test, body)) in branches.iter().enumerate() {
            let mut test_ctx = test_ctx;
            if index > 0 {
                let span = self.span(self.unit.script.list(*test).range);
                let kind = RegionKind::Branch(conditions.clone());
                test_ctx.region = self.open(ctx.region, kind, span, false);
            }
            let last = index + 1 == branches.len();
            let behind = otherwise.filter(|_| last);
            let failed = behind.and_then(|list| self.list_ends(list, 0));
            test_ctx.if_succeeds = self.list_ends(*body, 0).unwrap_or(After::GoesOn);
            test_ctx.if_fails = failed.unwrap_or(After::GoesOn);
            let condition = self.condition(*test, test_ctx, true, &mut changed);
            let failed = Condition { succeeds: !condition.succeeds, ..condition.clone() };
            let mut held = conditions.clone();
            held.push(condition);
            let span = self.span(self.unit.script.list(*body).range);
            let region = self.open(ctx.region, RegionKind::Branch(held), span, false);
            ways.push((region, self.branch(*body, Ctx { region, ..ctx }, &mut changed)));
            if conditions.len() < MAX_ELSE {
                conditions.push(failed);
            }
        }
        if let Some(body) = otherwise {
            let span = self.span(self.unit.script.list(body).range);
            let region = self.open(ctx.region, RegionKind::Branch(conditions), span, false);
            ways.push((region, self.branch(body, Ctx { region, ..ctx }, &mut changed)));
        }
        self.join(changed);
        self.joined(&ways, otherwise.is_some())
    }

    fn for_loop(
        &mut self,
        name: &str,
        words: Option<&[WordId]>,
        body: ListId,
        ctx: Ctx,
        range: TextRange,
    ) {
        let ctx = Ctx { looped: true, ..ctx };
        let span = self.span(range);
        let mut values = Vec::new();
        for &word in words.unwrap_or_default() {
            self.substitutions(word, ctx);
            self.fields(word, &mut values);
        }
        if name.is_empty() {
            // `for ((i = 0; …))`
            let end = self.unit.script.list(body).range.start.max(range.start);
            let text = self.source(TextRange::new(range.start, end));
            self.arithmetic(&text, span, ctx);
        } else {
            self.noted(name, String::new(), span, ctx.region, false);
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
            let kind = RegionKind::Loop { condition: None };
            let region = self.open(ctx.region, kind, span, literal);
            self.branch(body, Ctx { region, ..ctx }, &mut changed);
            self.undo_to(mark);
        }
        self.join(changed);
    }

    /// Walks functions that nothing is seen to call: another program may, or a name in a variable.
    fn uncalled(&mut self, ctx: Ctx) {
        let unit = self.unit;
        for command in &unit.script.commands {
            let CommandKind::Function { name, body } = &command.kind else { continue };
            if !self.walked.insert(name.as_str()) {
                continue;
            }
            let kind = RegionKind::Function { name: name.clone(), call: None };
            let region = self.open(ctx.region, kind, self.span(command.range), false);
            self.command(*body, Ctx { region, ..ctx }.idle(), None);
        }
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
    ) -> Way {
        let script = self.unit.script;
        let mut span = self.span(script.command(id).range);
        // `"$@"` runs what the function was called with: that stands where it was called.
        let handed = words.first().is_some_and(|&word| {
            matches!(script.word(word).parts.as_slice(), [Part {
                kind: PartKind::Variable { name, op: None, .. }, ..
            }] if matches!(name.as_str(), "@" | "*"))
        });
        if handed && let Some(site) = self.sites.last() {
            span = *site;
        }
        // A substitution's failure is the command's only where nothing else is run.
        let mut within = ctx;
        if !words.is_empty() {
            within.masked = within.masked.or(Some(span));
            within = within.idle();
        }
        for &word in words {
            self.substitutions(word, within);
        }
        for assignment in assignments {
            for &word in assignment.value.iter().chain(&assignment.array) {
                self.substitutions(word, within);
            }
        }
        let redirected = self.redirects(redirects, within);
        if words.is_empty() {
            for assignment in assignments {
                self.assign(assignment, ctx.region);
            }
            return Way::Goes;
        }
        let mut raw = Vec::new();
        let mut expansions = Vec::new();
        for (index, &word) in words.iter().enumerate() {
            self.expanded(word, raw.len(), &mut expansions);
            self.fields_at(word, index == 0, &mut raw);
        }
        if raw.is_empty() {
            return Way::Goes;
        }
        let mut call = self.call(Kind::Run, raw, span, ctx);
        call.env = self.start.vars.clone();
        for assignment in assignments {
            if let Some(value) = assignment.value {
                call.env.push((assignment.name.clone(), show(&self.value(value))));
            }
        }
        call.stdin = stdin;
        let mut heredoc = None;
        for (redirect, found) in redirects.iter().zip(&redirected) {
            match redirect.op {
                RedirectOp::Read => call.stdin = Some(found.target.clone()),
                RedirectOp::Heredoc => heredoc = redirect.heredoc.as_ref().map(|h| h.range),
                RedirectOp::HereString => heredoc = Some(script.word(redirect.target).range),
                _ if found.writes() => call.stdout = Some(found.target.clone()),
                _ => {}
            }
        }
        call.redirects = redirected;
        call.possible = self.possible(words);
        call.expansions = expansions;
        self.dispatch(call, heredoc, ctx)
    }

    /// Notes the expansions of a word that becomes those from `at` on.
    fn expanded(&self, word: WordId, at: usize, out: &mut Vec<Expansion>) {
        // One word, whatever stands around it.
        let plain = |value: &str| {
            !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || "*?[$`".contains(c))
        };
        for part in &self.unit.script.word(word).parts {
            let (name, op, known) = match &part.kind {
                PartKind::Variable { name, length: true, .. } => (name.as_str(), None, true),
                PartKind::Variable { name, op, .. } => {
                    let one = matches!(self.vars.get(name.as_str()),
                        Some(Value::One(value)) if plain(value));
                    let number = matches!(name.as_str(), "?" | "#" | "$" | "!" | "-");
                    (name.as_str(), op.as_ref().map(|(op, _)| op.clone()), number || one)
                }
                PartKind::Substitution(_) => ("", None, false),
                _ => continue,
            };
            let name = name.split('[').next().unwrap_or(name).to_owned();
            let (splits, span) = (!part.quoted && !known, self.span(part.range));
            out.push(Expansion { word: at, name, op, splits, span });
        }
    }

    /// Redirections as facts; what they substitute is walked.
    fn redirects(&mut self, redirects: &[Redirect], ctx: Ctx) -> Vec<Redirection> {
        let mut found = Vec::new();
        for redirect in redirects {
            self.substitutions(redirect.target, ctx);
            let text = match &redirect.heredoc {
                Some(heredoc) => {
                    if heredoc.expand {
                        self.substitutions(heredoc.body, ctx);
                    }
                    Some(self.source(heredoc.range))
                }
                None if redirect.op == RedirectOp::HereString => {
                    Some(show(&self.value(redirect.target)))
                }
                None => None,
            };
            let reads = matches!(
                redirect.op,
                RedirectOp::Read
                    | RedirectOp::ReadWrite
                    | RedirectOp::DupIn
                    | RedirectOp::Heredoc
                    | RedirectOp::HereString
            );
            found.push(Redirection {
                fd: redirect.fd.unwrap_or(u32::from(!reads)),
                op: redirect.op,
                target: show(&self.value(redirect.target)),
                text,
                body: redirect.heredoc.as_ref().map(|heredoc| self.span(heredoc.range)),
                span: self.span(redirect.range),
            });
        }
        found
    }

    /// Texts that the words' variables without a single value were set to.
    fn possible(&self, words: &[WordId]) -> Vec<String> {
        let mut found = Vec::new();
        for &word in words {
            for part in &self.unit.script.word(word).parts {
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
    fn dispatch(&mut self, call: Call, heredoc: Option<TextRange>, ctx: Ctx) -> Way {
        const OWN: [&str; 28] = [
            ":",
            "true",
            "false",
            "echo",
            "printf",
            "cd",
            "pushd",
            "popd",
            "set",
            "shopt",
            "export",
            "local",
            "readonly",
            "declare",
            "typeset",
            "read",
            "mapfile",
            "readarray",
            "getopts",
            "unset",
            "shift",
            "exit",
            "return",
            "break",
            "continue",
            "eval",
            "trap",
            "let",
        ];
        let replaces =
            call.program() == "exec" && positional_from(&call.words, 1, &["-a"]).is_some();
        let mut call = unwrap(call);
        let name = call.words.first().cloned().unwrap_or_default();
        if name.is_empty() {
            return Way::Goes;
        }
        if self.functions.contains_key(name.as_str()) {
            return self.function(&name, call, ctx);
        }
        call.kind = match name.as_str() {
            "[" | "test" => Kind::Test,
            name if OWN.contains(&name) => Kind::Builtin,
            _ => Kind::Run,
        };
        let words = call.words.get(1..).unwrap_or_default().to_vec();
        let raw = call.raw.get(1..).unwrap_or_default().to_vec();
        let span = call.span;
        let at = self.record(call);
        match name.as_str() {
            "cd" | "pushd" => {
                self.cwd = match raw.iter().find(|word| !word.starts_with('-')) {
                    Some(target) => moved(&self.cwd, target),
                    None => Cwd::Unknown,
                };
            }
            "popd" => self.cwd = Cwd::Unknown,
            "set" => {
                let region = self.shared.flow.regions.get(ctx.region.0 as usize);
                let sure = !region.is_some_and(|r| matches!(r.kind, RegionKind::Branch(_)));
                self.options(&words, sure);
            }
            "export" | "local" | "readonly" | "declare" | "typeset" => {
                let local = name == "local" || name != "export" && !self.frames.is_empty();
                for word in &raw {
                    match word.split_once('=') {
                        Some((name, value)) => {
                            let name = name.trim_end_matches('+');
                            self.noted(name, show(value), span, ctx.region, local);
                            self.set(name, declared(value));
                        }
                        None if local => self.noted(word, String::new(), span, ctx.region, local),
                        None => {}
                    }
                }
            }
            "read" | "mapfile" | "readarray" | "getopts" | "unset" => {
                for word in words.iter().filter(|word| !word.starts_with('-')) {
                    self.set(word, Value::Unknown);
                    self.noted(word, String::new(), span, ctx.region, false);
                }
                if name == "read" {
                    self.noted("REPLY", String::new(), span, ctx.region, false);
                }
            }
            "printf" => {
                if let [flag, name, ..] = words.as_slice()
                    && flag == "-v"
                {
                    self.set(name, Value::Unknown);
                    self.noted(name, String::new(), span, ctx.region, false);
                }
            }
            "let" => self.arithmetic(&words.join(" "), span, ctx),
            "shift" => {
                if let Some(frame) = self.frames.last_mut()
                    && !frame.is_empty()
                {
                    frame.remove(0);
                }
            }
            "exit" => return Way::Exits,
            "return" => {
                self.returned = true;
                return Way::Returns;
            }
            "eval" => {
                let text = words.join(" ");
                self.evaluated(&text, span, ctx);
                self.nested(&text, None, at, ctx, Shell::Same);
            }
            "trap" => {
                if let [body, signals @ ..] = words.as_slice()
                    && !signals.is_empty()
                    && body != "-"
                {
                    let kind = RegionKind::Trap(signals.to_vec());
                    let region = self.open(ctx.region, kind, span, false);
                    self.nested(body, None, at, Ctx { region, ..ctx }.idle(), Shell::Same);
                    let on_error = signals.iter().any(|signal| signal == "ERR");
                    if on_error && !self.errexit && self.trap_ends(body) {
                        (self.errexit, self.by_trap) = (true, true);
                    }
                }
            }
            "source" | "." => self.sourced(at, ctx),
            _ => {
                let call = self.shared.flow.commands[at].clone();
                if call.kind == Kind::Run {
                    self.inner_programs(&call, heredoc, ctx);
                }
                if replaces {
                    return Way::Exits;
                }
            }
        }
        Way::Goes
    }

    fn function(&mut self, name: &str, mut call: Call, ctx: Ctx) -> Way {
        let Some((&key, &(unit, body))) = self.functions.get_key_value(name) else {
            return Way::Goes;
        };
        // The call itself is kept: that a function called `rollback` is called is worth knowing.
        call.kind = Kind::Function;
        let (span, words) = (call.span, call.raw[1..].to_vec());
        let at = self.record(call);
        // Once more may differ by the arguments; a menu of functions that call each other would
        // be followed along every way through it.
        let again = self.inside.iter().filter(|(name, _)| *name == key).count() > 1;
        if again || self.depth + 8 >= MAX_DEPTH || self.frames.len() >= 16 {
            self.shared.flow.complete &= self.frames.len() < 16;
            return Way::Goes;
        }
        self.walked.insert(key);
        self.inside.push((key, HashSet::new()));
        let kind = RegionKind::Function { name: name.to_owned(), call: Some(at) };
        let region = self.open(ctx.region, kind, span, true);
        self.frames.push(words);
        let errexit = self.errexit;
        let inherits = !self.by_trap || self.errtrace;
        self.errexit &= inherits;
        self.sites.push(span);
        self.returns.push((ctx.if_fails, ctx.if_succeeds));
        self.depth += 4;
        let outer = std::mem::replace(&mut self.unit, unit);
        let returned = std::mem::take(&mut self.returned);
        let way = self.command(body, Ctx { region, ..ctx }, None);
        self.returned = returned;
        self.unit = outer;
        self.depth -= 4;
        self.returns.pop();
        self.sites.pop();
        self.frames.pop();
        self.inside.pop();
        self.errexit |= errexit && !inherits;
        if way == Way::Exits { Way::Exits } else { Way::Goes }
    }

    /// Reads a file of the tree in place.
    fn sourced(&mut self, at: usize, ctx: Ctx) {
        let call = &self.shared.flow.commands[at];
        let dir = self.unit.path.map_or("", super::reach::parent);
        let unit = [dir, ""]
            .iter()
            .find_map(|start| self.library.0.get(call.path(1, start)?.as_str()).copied());
        let Some((unit, path, root)) =
            unit.and_then(|unit| Some((unit, unit.path?, unit.script.root?)))
        else {
            return;
        };
        if self.sourcing.contains(&path) || self.sourcing.len() > 16 || self.depth + 8 >= MAX_DEPTH
        {
            return;
        }
        let span = call.span;
        let region = self.open(ctx.region, RegionKind::Sourced(path.to_owned()), span, true);
        self.sourcing.push(path);
        self.learn(unit);
        self.depth += 4;
        let outer = std::mem::replace(&mut self.unit, unit);
        self.list(root, Ctx { region, ..ctx }.idle(), false);
        self.unit = outer;
        self.depth -= 4;
        self.sourcing.pop();
    }

    /// Takes the options of `set`; tracing counts only where that is `sure` to be reached.
    fn options(&mut self, words: &[String], sure: bool) {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let on = word.starts_with('-');
            if !on && !word.starts_with('+') || word == "--" {
                return;
            }
            if is_option(word, 'e') {
                (self.errexit, self.by_trap) = (on, false);
            }
            if is_option(word, 'E') {
                self.errtrace = on;
            }
            if is_option(word, 'u') {
                self.nounset = on;
            }
            if is_option(word, 'x') {
                self.xtrace = on && (sure || self.xtrace);
            }
            if is_option(word, 'o') {
                match words.next().map(String::as_str) {
                    Some("pipefail") => self.pipefail = on,
                    Some("errexit") => (self.errexit, self.by_trap) = (on, false),
                    Some("errtrace") => self.errtrace = on,
                    Some("nounset") => self.nounset = on,
                    Some("xtrace") => self.xtrace = on && (sure || self.xtrace),
                    _ => {}
                }
            }
        }
    }

    /// Notes that a variable is set.
    fn noted(&mut self, name: &str, value: String, span: Span, region: RegionId, local: bool) {
        let name = name.split('[').next().unwrap_or(name);
        if let Some((_, locals)) = self.inside.last_mut().filter(|_| local) {
            locals.insert(name.to_owned());
        }
        // What a function has made its own stays so, in what it calls as well.
        let local = local || self.inside.iter().any(|(_, locals)| locals.contains(name));
        let sets = &mut self.shared.flow.sets;
        if is_name(name) && sets.len() < MAX_CALLS {
            let at = self.shared.flow.commands.len();
            sets.push(Set {
                name: name.to_owned(),
                value,
                span,
                at,
                region,
                local,
                evaluated: false,
            });
        }
    }

    /// Notes what an arithmetic expression reads and sets.
    fn arithmetic(&mut self, text: &str, span: Span, ctx: Ctx) {
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let before = rest[..start].trim_end();
            let number = rest[..start].ends_with(|c: char| c.is_ascii_digit());
            let name = &rest[start..];
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, behind) = name.split_at(end.unwrap_or(name.len()));
            let next = behind.trim_start();
            rest = behind;
            if number || before.ends_with("${") {
                continue;
            }
            let assigns = next.starts_with('=') && !next.starts_with("==");
            let sets = assigns
                || ["++", "--", "+=", "-=", "*=", "/=", "%="].iter().any(|op| next.starts_with(op))
                || before.ends_with("++")
                || before.ends_with("--");
            if !assigns {
                self.reading(name, None, span, ctx);
            }
            if sets {
                self.noted(name, String::new(), span, ctx.region, false);
                self.set(name, Value::Unknown);
            }
        }
    }

    fn reading(&mut self, name: &str, op: Option<(String, String)>, span: Span, ctx: Ctx) {
        let name = name.split('[').next().unwrap_or(name);
        let reads = &mut self.shared.flow.reads;
        if is_name(name) && reads.len() < MAX_READS {
            let at = self.shared.flow.commands.len();
            let nounset = self.nounset;
            reads.push(Read { name: name.to_owned(), op, span, at, region: ctx.region, nounset });
        }
    }

    /// Notes the variables that `eval` of a computed text may set: it holds their names.
    fn evaluated(&mut self, text: &str, span: Span, ctx: Ctx) {
        if !text.contains(['$', '`']) {
            return;
        }
        let mut seen = HashSet::new();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in words.filter(|word| word.len() > 1 && is_name(word)).take(4096) {
            if seen.len() < 256 && seen.insert(name) {
                let at = self.shared.flow.commands.len();
                self.shared.flow.sets.push(Set {
                    name: name.to_owned(),
                    value: String::new(),
                    span,
                    at,
                    region: ctx.region,
                    local: false,
                    evaluated: true,
                });
            }
        }
    }

    /// Programs handed to another shell, here or elsewhere.
    fn inner_programs(&mut self, call: &Call, heredoc: Option<TextRange>, ctx: Ctx) {
        let words = &call.words;
        let at = call.at;
        match call.program() {
            "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" => {
                let flag = words.iter().skip(1).take_while(|w| w.starts_with('-')).count();
                let command = words[1..=flag].iter().any(|w| is_option(w, 'c'));
                if let Some(text) = words.get(flag + 1).filter(|_| command) {
                    let errexit = words[1..=flag].iter().any(|w| is_option(w, 'e'));
                    let text = text.clone();
                    self.nested(&text, Some(errexit), at, ctx, Shell::Other);
                } else if words.len() == flag + 1
                    || words[1..=flag].iter().any(|w| is_option(w, 's'))
                {
                    let errexit = words[1..=flag].iter().any(|w| is_option(w, 'e'));
                    self.fed(heredoc, Some(errexit), at, ctx, Shell::Other);
                }
            }
            "su" | "runuser" => {
                if let Some(flag) = words.iter().position(|w| w == "-c" || w == "--command")
                    && let Some(text) = words.get(flag + 1)
                {
                    self.nested(text, None, at, ctx, Shell::Other);
                }
            }
            "ssh" => {
                let host = positional_from(words, 1, SSH_VALUES);
                let rest = host.and_then(|host| words.get(host + 1..)).unwrap_or_default();
                let text = rest.join(" ");
                match fed_to_shell(&text) {
                    Some(errexit) => self.fed(heredoc, Some(errexit), at, ctx, Shell::Remote),
                    None => self.nested(&text, None, at, ctx, Shell::Remote),
                }
            }
            "docker" | "podman" | "nerdctl" | "docker-compose" | "kubectl" => {
                if let Some(from) = inside(words) {
                    let mut inner = call.with_words(from);
                    if let Some(program) = entered(words, from) {
                        inner.words.insert(0, program.clone());
                        inner.raw.insert(0, program);
                    }
                    inner.cwd = Cwd::Unknown;
                    inner.redirects = Vec::new();
                    inner.wrappers = Vec::new();
                    if !inner.words.is_empty() && self.depth + 8 < MAX_DEPTH {
                        self.depth += 4;
                        let mut inner = unwrap(inner);
                        let kind = RegionKind::Nested { host: at };
                        let region = self.open(ctx.region, kind, call.span, true);
                        inner.region = region;
                        inner.at = self.record(inner.clone());
                        self.inner_programs(&inner, heredoc, Ctx { region, ..ctx });
                        self.depth -= 4;
                    }
                }
            }
            _ => {}
        }
    }

    /// A program given as a here-document.
    fn fed(
        &mut self,
        heredoc: Option<TextRange>,
        errexit: Option<bool>,
        host: usize,
        ctx: Ctx,
        shell: Shell,
    ) {
        if let Some(range) = heredoc {
            let mut builder = DerivedBuilder::new();
            builder.append(self.unit.text, range);
            let text = builder.finish(self.shared.flow.commands[host].span);
            self.nested_text(&text, errexit, host, ctx, shell);
        }
    }

    fn nested(&mut self, text: &str, errexit: Option<bool>, host: usize, ctx: Ctx, shell: Shell) {
        let span = self.shared.flow.commands[host].span;
        let mut builder = DerivedBuilder::new();
        builder.computed(text.as_bytes(), span);
        self.nested_text(&builder.finish(span), errexit, host, ctx, shell);
    }

    fn nested_text(
        &mut self,
        text: &Derived,
        errexit: Option<bool>,
        host: usize,
        mut ctx: Ctx,
        shell: Shell,
    ) {
        if self.depth + 32 >= MAX_DEPTH {
            return;
        }
        let script = shell::parse(text.text(), Dialect::Bash);
        let call = &self.shared.flow.commands[host];
        let (span, masked, cwd) = (call.span, call.masked, call.cwd.clone());
        let remote = ctx.remote || shell == Shell::Remote;
        let mut inherited = HashMap::new();
        if shell == Shell::Same {
            let names = script.words.iter().filter_map(|word| match word.parts.as_slice() {
                [part] => match &part.kind {
                    PartKind::Literal(name) => Some(name.as_str()),
                    _ => None,
                },
                _ => None,
            });
            for name in names {
                if let Some((&name, &found)) = self.functions.get_key_value(name) {
                    inherited.insert(name, found);
                }
            }
            self.walked.extend(inherited.keys());
        }
        // Only what the text speaks of is handed on: many programs may be nested in one. Functions
        // that it calls speak of others.
        let mut vars = Vec::new();
        if shell != Shell::Remote {
            let names = script.words.iter().flat_map(|word| &word.parts);
            let names = names.filter_map(|part| match &part.kind {
                PartKind::Variable { name, .. } => Some(name),
                _ => None,
            });
            let handed = !inherited.is_empty() && self.vars.len() <= MAX_HANDED;
            let all = self.vars.keys().filter(|_| handed);
            let mut seen = HashSet::new();
            for name in names.chain(all) {
                if let Some(Value::One(value)) = self.vars.get(name)
                    && seen.insert(name)
                {
                    vars.push((name.clone(), value.clone()));
                }
            }
            vars.sort();
        }
        let same = shell == Shell::Same;
        let start = Start {
            errexit: errexit.unwrap_or(same && self.errexit),
            pipefail: same && self.pipefail,
            nounset: same && self.nounset,
            xtrace: same && self.xtrace,
            cwd: if remote { Cwd::Unknown } else { cwd },
            me: None,
            vars,
            lines_apart: false,
            remote,
        };
        if !same {
            ctx.region = self.open(ctx.region, RegionKind::Nested { host }, span, true);
            ctx.tested = false;
        }
        let ctx = Ctx { remote, tail: true, masked, ..ctx };
        let unit = Unit { text, script: &script, exprs: &[], path: None };
        run(unit, self.library, &start, self.shared, ctx, self.depth + 24, &inherited);
    }

    // ---- what may fail --------------------------------------------------------------------------

    /// Makes the functions of a text known: which fail on purpose, which end the program; those
    /// that call them too, a few calls deep.
    fn learn(&mut self, unit: Unit<'a>) {
        let mut bodies = Vec::new();
        for command in &unit.script.commands {
            if let CommandKind::Function { name, body } = &command.kind {
                self.functions.insert(name, (unit, *body));
                bodies.push((name.as_str(), *body));
            }
        }
        self.learn_endings(unit, &bodies);
    }

    fn learn_endings(&mut self, unit: Unit<'a>, bodies: &[(&'a str, CommandId)]) {
        let outer = std::mem::replace(&mut self.unit, unit);
        let returns = std::mem::take(&mut self.returns);
        for _ in 0..8 {
            let before = self.failing.len() + self.ending.len();
            for &(name, body) in bodies {
                if !self.failing.contains(name) && self.may_end(body, 0) {
                    self.failing.insert(name);
                }
                if !self.ending.contains_key(name)
                    && let Some(after) = self.ends(body, 0)
                {
                    self.ending.insert(name, after);
                }
            }
            if self.failing.len() + self.ending.len() == before {
                break;
            }
        }
        self.returns = returns;
        self.unit = outer;
    }

    /// What a list makes of the program, where it ends it on every way.
    fn list_ends(&self, list: ListId, depth: usize) -> Option<After> {
        if depth >= 24 {
            return None;
        }
        let items = &self.unit.script.list(list).items;
        let mut guarded = false;
        for item in items {
            let chained = matches!(item.then, Connector::And | Connector::Or);
            if !guarded
                && item.then != Connector::Background
                && let [id] = item.pipeline.as_slice()
                && let Some(after) = self.ends(*id, depth + 1)
            {
                return Some(after);
            }
            guarded = chained;
        }
        None
    }

    /// Whether what a trap runs ends the program with a failure.
    fn trap_ends(&self, body: &str) -> bool {
        let script = shell::parse(body.as_bytes(), Dialect::Bash);
        let Some(root) = script.root else { return false };
        script.list(root).items.iter().any(|item| {
            let [id] = item.pipeline.as_slice() else { return false };
            let CommandKind::Simple { words, .. } = &script.command(*id).kind else { return false };
            let word = |at: usize| words.get(at).and_then(|&word| script.literal(word));
            match word(0).as_deref() {
                Some("exit") => word(1).as_deref() != Some("0"),
                Some(name) => self.ending.get(name) == Some(&After::Fails),
                None => false,
            }
        })
    }

    fn item_ends(&self, item: &Item) -> Option<After> {
        match item.pipeline.as_slice() {
            [id] => self.ends(*id, 0),
            _ => None,
        }
    }

    /// What a command makes of the program, where it ends it on every way.
    fn ends(&self, id: CommandId, depth: usize) -> Option<After> {
        if depth >= 24 {
            return None;
        }
        match &self.unit.script.command(id).kind {
            CommandKind::Simple { words, .. } => {
                let word = |i: usize| words.get(i).and_then(|&w| self.unit.script.literal(w));
                let name = word(0)?;
                let well = words.len() < 2 || word(1).as_deref() == Some("0");
                match name.as_str() {
                    "exit" if well => Some(After::Ends),
                    "exit" => Some(After::Fails),
                    "return" => {
                        let &(fails, succeeds) = self.returns.last()?;
                        let after = if well { succeeds } else { fails };
                        (after != After::GoesOn).then_some(after)
                    }
                    "exec" if words.len() > 1 => Some(After::Ends),
                    name => match self.ending.get(name) {
                        Some(after) => Some(*after),
                        None => (!self.functions.contains_key(name)
                            && matches!(name, "die" | "fail" | "fatal" | "abort" | "bail"))
                        .then_some(After::Fails),
                    },
                }
            }
            CommandKind::Group(list) => self.list_ends(*list, depth),
            CommandKind::If { branches, otherwise: Some(otherwise) } => {
                let mut lists = branches.iter().map(|(_, body)| *body).chain([*otherwise]);
                lists.try_fold(After::Fails, |all, list| match self.list_ends(list, depth)? {
                    After::Fails => Some(all),
                    other => Some(other),
                })
            }
            _ => None,
        }
    }

    /// Whether the right side of `||` can itself end in a failure on purpose.
    fn item_may_fail(&self, item: &Item) -> bool {
        item.pipeline.last().is_some_and(|&id| self.may_end(id, 0))
    }

    /// Whether a list leaves the loop around it: what a loop that tries again does on success.
    fn leaves_loop(&self, list: ListId) -> bool {
        self.unit.script.list(list).items.iter().flat_map(|item| &item.pipeline).any(|&id| {
            match &self.unit.script.command(id).kind {
                CommandKind::Simple { words, .. } => words
                    .first()
                    .and_then(|&word| self.unit.script.literal(word))
                    .is_some_and(|name| matches!(name.as_str(), "exit" | "return" | "break")),
                _ => false,
            }
        })
    }

    fn list_may_end(&self, list: ListId, depth: usize) -> bool {
        let items = &self.unit.script.list(list).items;
        depth < 24 && items.iter().any(|i| i.pipeline.iter().any(|&c| self.may_end(c, depth + 1)))
    }

    /// Whether a command contains an `exit`, `return` or `false` that fails, or calls what does.
    fn may_end(&self, id: CommandId, depth: usize) -> bool {
        if depth >= 24 {
            return false;
        }
        match &self.unit.script.command(id).kind {
            CommandKind::Simple { words, .. } => {
                let word = |i: usize| words.get(i).and_then(|&w| self.unit.script.literal(w));
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

    /// Walks the programs that a word substitutes, and notes the variables it reads.
    fn substitutions(&mut self, word: WordId, ctx: Ctx) {
        let script = self.unit.script;
        for part in &script.word(word).parts {
            let span = self.span(part.range);
            match &part.kind {
                PartKind::Substitution(list) | PartKind::ProcessSubstitution(list) => {
                    let mut ignored = Vec::new();
                    let region = self.open(ctx.region, RegionKind::Substitution, span, true);
                    self.branch(*list, Ctx { tail: true, region, ..ctx }, &mut ignored);
                }
                PartKind::Variable { name, op: Some((op, inner)), length }
                    if self.depth < MAX_DEPTH =>
                {
                    let text = (!length).then(|| (op.clone(), script.word_text(*inner)));
                    self.reading(name, text, span, ctx);
                    self.depth += 1;
                    self.substitutions(*inner, ctx);
                    self.depth -= 1;
                    if matches!(op.as_str(), ":=" | "=") {
                        self.noted(name, script.word_text(*inner), span, ctx.region, false);
                    }
                }
                PartKind::Variable { name, .. } => self.reading(name, None, span, ctx),
                PartKind::Arithmetic => {
                    let text = self.source(part.range);
                    self.arithmetic(&text, span, ctx);
                }
                _ => {}
            }
        }
    }

    fn assign(&mut self, assignment: &Assignment, region: RegionId) {
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
        let shown = match &value {
            Value::One(text) => show(text),
            Value::Many(_) | Value::Unknown => String::new(),
        };
        self.noted(&assignment.name, shown, self.span(assignment.range), region, false);
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
        for part in &self.unit.script.word(word).parts {
            text.push_str(&self.part(part));
            if text.len() > MAX_VALUE {
                break;
            }
        }
        text
    }

    /// A word as the fields it becomes.
    fn fields(&self, word: WordId, out: &mut Vec<String>) {
        self.fields_at(word, false, out);
    }

    /// The same; where it stands `first` and names the command, a default counts as the value.
    fn fields_at(&self, word: WordId, first: bool, out: &mut Vec<String>) {
        if out.len() > 4096 {
            return;
        }
        let parts = &self.unit.script.word(word).parts;
        if let [head, elements @ .., tail] = parts.as_slice()
            && let (PartKind::Literal(head), PartKind::Literal(tail)) = (&head.kind, &tail.kind)
            && let Some(name) = head.strip_suffix("=(")
            && tail == ")"
        {
            // `local name=(a b)`: a literal blank is what the reader put between elements.
            let glue = |part: &Part| {
                !part.quoted && matches!(&part.kind, PartKind::Literal(text) if text == " ")
            };
            let mut text = format!("{name}={ARRAY}");
            for element in elements.split(glue).filter(|element| !element.is_empty()) {
                let array = match element {
                    [Part { kind: PartKind::Variable { name, op: None, .. }, .. }] => {
                        match (name.as_str(), name.strip_suffix("[@]")) {
                            ("@", _) => self.frames.last(),
                            (_, Some(name)) => match self.vars.get(name) {
                                Some(Value::Many(values)) => Some(values),
                                _ => None,
                            },
                            _ => None,
                        }
                    }
                    _ => None,
                };
                if let Some(values) = array {
                    values.iter().for_each(|value| text.extend([ARRAY.to_string(), value.clone()]));
                } else {
                    text.push(ARRAY);
                    element.iter().for_each(|part| text.push_str(&self.part(part)));
                }
            }
            out.push(text);
            return;
        }
        if let [part] = parts.as_slice()
            && let PartKind::Variable { name, op, length: false } = &part.kind
        {
            let rest = op.as_ref().map(|(op, rest)| (op.as_str(), self.unit.script.literal(*rest)));
            if matches!(name.as_str(), "@" | "*")
                && let Some(frame) = self.frames.last()
            {
                let from = match &rest {
                    None => Some(1),
                    Some((":", Some(from))) => from.trim().parse::<usize>().ok(),
                    Some(_) => None,
                };
                if let Some(from) = from {
                    out.extend(frame.iter().skip(from.saturating_sub(1)).cloned());
                    return;
                }
            }
            let array = name.strip_suffix("[@]").or_else(|| name.strip_suffix("[*]"));
            if op.is_none()
                && let Some(Value::Many(values)) = array.and_then(|array| self.vars.get(array))
            {
                out.extend(values.iter().cloned());
                return;
            }
            let value = match &rest {
                None => self.lookup(name),
                Some((":-" | "-", rest)) if first => self.lookup(name).or_else(|| rest.clone()),
                Some(_) => None,
            };
            if !part.quoted
                && let Some(value) = value
            {
                let value = default_of(&value).filter(|_| first).unwrap_or(&value);
                out.extend(value.split_whitespace().map(str::to_owned));
                return;
            }
        }
        out.push(self.value(word));
    }

    fn part(&self, part: &Part) -> String {
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
                    (_, "%") if self.unit.script.literal(*rest).as_deref() == Some("/*") => {
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
        let from = self.unit.exprs.partition_point(|e| e.end <= range.start);
        self.unit.exprs.get(from).is_some_and(|e| e.start < range.end)
    }

    fn lookup(&self, name: &str) -> Option<String> {
        if let Some(value) = self.vars.get(name) {
            return match value {
                Value::One(text) => Some(text.clone()),
                _ => None,
            };
        }
        if name == "0" || name.starts_with("BASH_SOURCE") {
            let me = if name == "0" { self.start.me.as_deref() } else { self.unit.path };
            return me.map(|me| format!("{ROOT}/{me}"));
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
        let items = &self.unit.script.list(list).items;
        let mut cwd = self.cwd.clone();
        let mut printed = None;
        for item in items {
            let [id] = item.pipeline.as_slice() else { return None };
            let CommandKind::Simple { words, .. } = &self.unit.script.command(*id).kind else {
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
                ["git", "rev-parse", "--show-toplevel"]
                | ["git", "-C", _, "rev-parse", "--show-toplevel"] => {
                    printed = Some(format!("{ROOT}/"));
                }
                _ => return None,
            }
        }
        printed
    }

    fn shallow(&self, word: WordId) -> Option<String> {
        let mut text = String::new();
        for part in &self.unit.script.word(word).parts {
            match &part.kind {
                PartKind::Literal(literal) => text.push_str(literal),
                PartKind::Variable { name, length: false, .. } => {
                    text.push_str(&self.lookup(name)?);
                }
                PartKind::Substitution(list) => {
                    // Nesting is bounded by the parser; each list is read once a mention.
                    let items = &self.unit.script.list(*list).items;
                    let [item] = items.as_slice() else { return None };
                    let [id] = item.pipeline.as_slice() else { return None };
                    let CommandKind::Simple { words, .. } = &self.unit.script.command(*id).kind
                    else {
                        return None;
                    };
                    let words: Option<Vec<String>> = words
                        .iter()
                        .map(|&w| {
                            let parts = &self.unit.script.word(w).parts;
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

/// Which shell runs a nested program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shell {
    /// The one that runs the program: `eval`, `trap`.
    Same,
    /// Another one.
    Other,
    /// One on another machine.
    Remote,
}

/// The default in a text that is nothing but `${NAME:-default}`.
fn default_of(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?;
    let (name, default) = inner.split_once(":-")?;
    (is_name(name) && !default.contains('}')).then_some(default)
}

/// Whether a text is a variable's name.
fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The value in `local name=value`: an array where it is written as one.
fn declared(value: &str) -> Value {
    match value.strip_prefix(ARRAY) {
        Some(fields) => Value::Many(fields.split(ARRAY).skip(1).map(str::to_owned).collect()),
        None => known(value.to_owned()),
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

/// Whether what `ssh` runs is a shell that reads its program from the standard input, and then
/// whether under `-e`: nothing, `bash -s`, `sudo -u app bash -e`.
fn fed_to_shell(text: &str) -> Option<bool> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let wrapper = WRAPPERS.iter().find(|(name, own, _)| name == word && *own == 0);
        at = match wrapper {
            Some((_, _, values)) => positional_from(&words, at + 1, values)?,
            None if word.split_once('=').is_some_and(|(name, _)| is_name(name)) => at + 1,
            None => break,
        };
    }
    let Some(program) = words.get(at) else { return Some(false) };
    let flags = words.get(at + 1..).unwrap_or_default();
    let reads = flags.iter().all(|word| word.starts_with('-') && !is_option(word, 'c'))
        || flags.iter().take_while(|word| word.starts_with('-')).any(|word| is_option(word, 's'));
    let shell = matches!(
        program.rsplit('/').next().unwrap_or(program),
        "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh"
    );
    (shell && reads).then(|| flags.iter().any(|word| is_option(word, 'e')))
}

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
        call.wrappers.push(name);
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
    let mut rest = match Compose::of(words) {
        Some(call) => &words[words.len() - call.args.len() - 1..],
        None => match compose_call::of_docker(words)? {
            [first, rest @ ..] if first == "container" => rest,
            rest => rest,
        },
    };
    if !matches!(rest.first()?.as_str(), "exec" | "run") {
        return None;
    }
    rest = &rest[1..];
    while let Some(word) = rest.first().filter(|w| w.starts_with('-')) {
        let switch = RUN_SWITCHES.contains(&word.as_str())
            || word.contains('=')
            || (!word.starts_with("--") && word[1..].chars().all(|c| "itdTPqd".contains(c)));
        rest = rest.get(if switch { 1 } else { 2 }..).unwrap_or_default();
    }
    Some(words.len() - rest.len() + 1)
}

/// The image that `docker run` starts.
pub(crate) fn run_image(words: &[String]) -> Option<&str> {
    let at = words.first().and_then(|_| inside(words))?.checked_sub(1)?;
    words.get(at).filter(|_| Compose::of(words).is_none()).map(String::as_str)
}

/// The program that a container is entered by and that its words do not name: `--entrypoint`, or
/// that of an image which is one tool. `from` is where the command starts.
fn entered(words: &[String], from: usize) -> Option<String> {
    const TOOLS: [(&str, &str); 5] = [
        ("aws-cli", "aws"),
        ("mc", "mc"),
        ("rclone", "rclone"),
        ("restic", "restic"),
        ("s3cmd", "s3cmd"),
    ];
    let before = words.get(..from).unwrap_or_default();
    let told = before.iter().enumerate().find_map(|(at, word)| match word.as_str() {
        "--entrypoint" => before.get(at + 1).cloned(),
        word => word.strip_prefix("--entrypoint=").map(str::to_owned),
    });
    if told.is_some() {
        return told.filter(|program| !program.is_empty());
    }
    let runs = before.iter().any(|word| word == "run") && !before.iter().any(|w| w == "compose");
    let image = before.last().filter(|_| runs)?;
    let name = image.rsplit('/').next()?.split([':', '@']).next()?;
    let (_, tool) = TOOLS.iter().find(|(image, _)| *image == name)?;
    let own = words.get(from).is_some_and(|word| word == tool || word == "sh" || word == "bash");
    (!own).then(|| (*tool).to_owned())
}

#[cfg(test)]
mod tests;
