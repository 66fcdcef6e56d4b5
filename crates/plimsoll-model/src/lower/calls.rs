//! The commands a shell program runs, in order, with what surrounds each: where it runs, whether
//! its failure counts, what its variables stand for.
//!
//! The program is walked as the shell would run it, taking both sides of every branch: functions
//! at each call with their arguments, `for` over literal words once a word, wrappers (`sudo`,
//! `timeout`, `xargs`) taken off, nested programs (`sh -c '…'`, `ssh host '…'`, here-documents fed
//! to a shell) read as programs, sourced files of the tree in place. A variable has a value only
//! while every path agrees on it.
//! Everything is bounded by [`MAX_CALLS`], [`MAX_VISITS`] and the nesting of [`MAX_DEPTH`].

mod endings;
mod nested;
mod values;
mod wrappers;

use foldhash::{HashMap, HashSet};
use plimsoll_source::{Derived, Span, TextRange, normalize_path};
use plimsoll_syntax::shell::{
    Assignment, CommandId, CommandKind, Connector, Item, ListId, Part, PartKind, Redirect,
    RedirectOp, Script, WordId,
};

use self::nested::Shell;
use self::values::{Value, declared};
pub(super) use self::wrappers::positional_from;
use self::wrappers::{inside, is_option, unwrap};
use crate::compose_call::Compose;
use crate::flow::{After, Condition, Flow, ROOT, Redirection, Region, RegionId, RegionKind, show};
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

/// All that a RUN of a Dockerfile does.
pub(crate) fn of_build(text: &Derived, script: &Script) -> Flow {
    flow(text, script, &[], &Start::recipe(""), &Library::default())
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
    run(unit, library, start, &mut shared, Ctx::top(start), 0, &HashMap::default());
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
    /// What surrounds it makes nothing of that for certain.
    in_vain: bool,
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
    /// The outcome of this command is asked for, and `set -e` does not apply to it.
    tested: bool,
    /// Of what surrounds it the outcome is asked for: `set -e` does not apply within, either.
    ignores: bool,
    /// What the failure and success of what stands here make of the program.
    if_fails: After,
    if_succeeds: After,
}

impl Ctx {
    fn top(start: &Start) -> Self {
        Self {
            masked: None,
            in_vain: false,
            looped: false,
            checked: false,
            tail: true,
            remote: start.remote,
            region: RegionId(0),
            tested: false,
            ignores: false,
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
        failing: HashSet::default(),
        ending: HashMap::default(),
        walked: HashSet::default(),
        sourcing: unit.path.into_iter().collect(),
        vars: start.vars.iter().map(|(k, v)| (k.clone(), Value::One(v.clone()))).collect(),
        log: Vec::new(),
        seen: HashMap::default(),
        frames: Vec::new(),
        inside: Vec::new(),
        sites: Vec::new(),
        returns: Vec::new(),
        exits: Vec::new(),
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
    /// What failure and success of the subshells that run make of the program: an `exit` ends those.
    exits: Vec<(After, After)>,
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
            if let (None, Some((span, in_vain))) = (ctx.masked, fates[index]) {
                (inner.masked, inner.in_vain) = (Some(span), in_vain);
            }
            inner.tail = ctx.tail && next.is_none();
            let asked = self.asked(list.items.get(index + 1..).unwrap_or_default());
            // Within what is asked for, only the last command's outcome is the answer.
            inner.tested &= !ctx.ignores || next.is_none();
            let asked_for = ctx.checked && (!ctx.ignores || next.is_none());
            if inner.masked.is_none() && !asked_for {
                inner.masked = self.fails_in_vain(item, next, ctx, asked);
                inner.in_vain |= inner.masked.is_some() && !item.negated;
                inner.in_vain |= self.is_forgotten(&list.items[index..]);
            }
            inner.tested |= item.negated || matches!(item.then, Connector::And | Connector::Or);
            let (fails, succeeds) = outcomes[index];
            let ignored = inner.tested || item.then == Connector::Background;
            let stops = self.errexit && !ignored && !ctx.ignores;
            inner.if_fails = if stops { After::Fails } else { fails };
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
                    let then = if self.keeps(&items[index + 1..]) { After::Fails } else { then() };
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
        let Some(next) = rest.first() else { return Asked::default() };
        let holds = |item: &Item, needle: &[u8], most: usize| {
            let text = item.range.slice(self.unit.text.text());
            memchr::memmem::find(&text[..text.len().min(most)], needle).is_some()
        };
        let parts = holds(next, b"PIPESTATUS", 200);
        let looks = parts || holds(next, b"$?", 200);
        let kept = || self.kept_in(next).is_some_and(|name| self.ends_by(name, &rest[1..]));
        let ends = looks && (self.chain_may_end(rest) || kept());
        Asked { looks, ends, parts }
    }

    /// Whether the chain that some items begin with may end in a failure on purpose.
    fn chain_may_end(&self, items: &[Item]) -> bool {
        let goes_on = |item: &&Item| matches!(item.then, Connector::And | Connector::Or);
        let length = items.iter().take_while(goes_on).count() + 1;
        items.iter().take(length).any(|item| self.item_may_fail(item))
    }

    /// Whether one of some items reads a variable and may end the program by it.
    fn ends_by(&self, name: &str, items: &[Item]) -> bool {
        const MAX_LATER: usize = 32;
        let (plain, braced) = (format!("${name}"), format!("${{{name}"));
        let reads = |item: &Item| {
            let text = item.range.slice(self.unit.text.text());
            let text = &text[..text.len().min(4096)];
            // Within `(( … ))` a name needs no sign.
            let bare = text.starts_with(b"((") || text.starts_with(b"if ((");
            let needles = [&*plain, &*braced, if bare { name } else { &*plain }];
            needles.iter().any(|needle| memchr::memmem::find(text, needle.as_bytes()).is_some())
        };
        let mut later = items.iter().enumerate().take(MAX_LATER);
        later.any(|(at, item)| reads(item) && self.chain_may_end(&items[at..]))
    }

    /// Whether the first item only sets a variable by which a later one may end the program:
    /// `|| failed=1 … exit $failed`.
    fn keeps(&self, items: &[Item]) -> bool {
        let Some((first, rest)) = items.split_first() else { return false };
        self.kept_in(first).is_some_and(|name| self.ends_by(name, rest))
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

    /// For each item, where its failure is swallowed by what follows it in its chain, and whether that
    /// only says something.
    fn fates(&self, items: &[Item]) -> Vec<Option<(Span, bool)>> {
        let mut fates: Vec<Option<(Span, bool)>> = vec![None; items.len()];
        for index in (0..items.len()).rev() {
            let after = fates.get(index + 1).copied().flatten();
            fates[index] = match items[index].then {
                Connector::Seq => None,
                Connector::And => after,
                Connector::Background => Some((self.span(items[index].range), false)),
                Connector::Or => items.get(index + 1).and_then(|rhs| {
                    let only_says = self.item_only_says(rhs, 0);
                    if self.item_may_fail(rhs) || self.keeps(&items[index + 1..]) {
                        after
                    } else {
                        Some((self.span(rhs.range), only_says))
                    }
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
        ctx: Ctx,
        asked: Asked,
    ) -> Option<Span> {
        if item.negated {
            return Some(self.span(item.range));
        }
        if self.errexit && !ctx.ignores || !matches!(item.then, Connector::Seq) {
            return None;
        }
        if next.is_none() {
            return (!ctx.tail && !ctx.tested).then(|| self.span(item.range));
        }
        (!asked.looks).then(|| self.span(item.range))
    }

    /// Whether the failure of the first item is forgotten: it ends a chain of `&&` that is not its
    /// program's last, or its status is kept to be said and nothing else.
    fn is_forgotten(&self, items: &[Item]) -> bool {
        let Some((item, rest)) = items.split_first() else { return false };
        match item.then {
            Connector::And => {
                let goes_on = |item: &&Item| item.then == Connector::And;
                let length = rest.iter().take_while(goes_on).count() + 1;
                let last = rest.get(length - 1);
                let behind = rest.get(length..).unwrap_or_default();
                // What goes elsewhere on success leaves what follows to a failure.
                let leaves = |item: &Item| self.pipeline_leaves(&item.pipeline);
                last.is_some_and(|last| last.then == Connector::Seq)
                    && !rest.iter().take(length).any(leaves)
                    && !behind.is_empty()
                    && !self.asked(behind).looks
            }
            Connector::Seq => {
                let asked = self.asked(rest);
                let Some(next) = rest.first().filter(|_| asked.looks && !asked.ends) else {
                    return false;
                };
                let Some(name) = self.kept_in(next) else { return self.item_only_says(next, 0) };
                let text = self.unit.text.text();
                let reads = |text: &[u8]| {
                    let [plain, braced] = [format!("${name}"), format!("${{{name}")];
                    memchr::memmem::find_iter(text, &plain).count()
                        + memchr::memmem::find_iter(text, &braced).count()
                };
                let says = rest.iter().filter(|item| self.item_only_says(item, 0));
                let said: usize = says.map(|item| reads(item.range.slice(text))).sum();
                reads(text) == said
            }
            _ => false,
        }
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
                    inner.in_vain = self.passes_on(item);
                }
                inner.if_succeeds = After::GoesOn;
                if !counts {
                    inner.if_fails = After::GoesOn;
                }
            }
            let (mark, cwd) = (self.log.len(), self.cwd.clone());
            if length > 1 {
                self.exits.push((inner.if_fails, inner.if_succeeds));
            }
            way = self.command(id, inner, stdin.take());
            if length > 1 {
                self.exits.pop();
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
        ctx.ignores |=
            ctx.tested && !matches!(command.kind, CommandKind::Test(_) | CommandKind::Arithmetic);
        if !command.redirects.is_empty() {
            let redirects = self.redirects(&command.redirects, ctx);
            ctx.region = self.open(ctx.region, RegionKind::Redirected(redirects), span, true);
        }
        match &command.kind {
            CommandKind::Subshell(list) => {
                let mut ignored = Vec::new();
                let region = self.open(ctx.region, RegionKind::Subshell, span, true);
                self.exits.push((ctx.if_fails, ctx.if_succeeds));
                self.branch(*list, Ctx { region, ..ctx }, &mut ignored);
                self.exits.pop();
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
            in_vain: ctx.in_vain,
            errexit: self.errexit && !ctx.ignores,
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
            test_ctx.in_vain = acts.clone().all(|body| self.list_only_says(body, 0));
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
            within.in_vain &= within.masked.is_some();
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
        self.inside.push((key, HashSet::default()));
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
        let ignores = ctx.ignores || ctx.tested;
        let way = self.command(body, Ctx { region, ignores, ..ctx }, None);
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

    // ---- words and values -----------------------------------------------------------------------
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

/// The image that `docker run` starts.
pub(crate) fn run_image(words: &[String]) -> Option<&str> {
    let at = words.first().and_then(|_| inside(words))?.checked_sub(1)?;
    words.get(at).filter(|_| Compose::of(words).is_none()).map(String::as_str)
}

#[cfg(test)]
mod tests;
