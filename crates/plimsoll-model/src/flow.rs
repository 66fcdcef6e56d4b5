//! What a program does, command by command: the order, the conditions, what flows where.
//!
//! [`Flow::commands`] is flat and in the order in which the program runs them, both sides of every
//! branch taken, functions followed at each call, nested programs (`sh -c '…'`, `docker exec x sh -c
//! '…'`, `ssh host <<EOF`) and sourced files read in place. What surrounds a command is a chain of
//! [`Region`]s, from its own to the program. On these two stand all questions:
//!
//! - [`Flow::passes`]: every way to `b` passes `a` («a backup is taken before the migration»),
//! - [`Flow::guards`]: on which commands' outcome it depends whether `b` runs,
//! - [`Command::if_fails`]: what becomes of the program when a command fails,
//! - [`Flow::output`]: where its output goes, through pipes and out of containers.

use plimsoll_source::{Span, TextRange, normalize_path};

use crate::compose_call::Compose;
pub use plimsoll_syntax::shell::RedirectOp;

/// Stands at the start of a value that is an absolute path in the tree: what follows it is
/// relative to the root. No text of a repository starts so: YAML and shells refuse the character.
pub(crate) const ROOT: char = '\u{1}';

/// What a program does.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// Every command that may run, in order.
    pub commands: Vec<Command>,
    /// What surrounds them; the first is the program itself.
    pub regions: Vec<Region>,
    /// Every variable that is read, in order.
    pub reads: Vec<Read>,
    /// Every variable that is set, in order.
    pub sets: Vec<Set>,
    /// The program was followed to its end; `false` where it was too much.
    pub complete: bool,
    /// The words of its script's or target's name, in small letters.
    pub name: Vec<String>,
    /// Of each region; see [`Flow::sealed`].
    extents: Vec<Extent>,
}

/// What a region holds.
#[derive(Clone, Copy, Debug)]
struct Extent {
    /// Its number, a region's before those within it.
    from: u32,
    /// The number after the last one within it.
    to: u32,
    /// Its first command, and the one after its last.
    commands: (usize, usize),
}

/// Index of a [`Region`] in its [`Flow`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(pub u32);

/// Where a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cwd {
    /// In this directory, relative to the tree's root.
    Tree(String),
    /// In this directory, relative to wherever the program was started.
    Start(String),
    /// Not known, or outside the tree.
    Unknown,
}

/// What a command is to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// A program is run.
    Run,
    /// The shell's own: `echo`, `cd`, `set`, `exit`, `export`, `read`, `trap` ….
    Builtin,
    /// `[[ … ]]`, with words `[[`, …, `]]`.
    Test,
    /// `(( … ))`, with words `((`, the expression, `))`.
    Arithmetic,
    /// A function of the program is called; what that does follows in a region of its own.
    Function,
}

/// What becomes of the program after an outcome of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It goes on.
    GoesOn,
    /// It ends, and says that all is well.
    Ends,
    /// It ends with a failure.
    Fails,
}

/// Whether anybody learns that a command fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heed {
    /// The program fails, too.
    Taken,
    /// It may be that something does.
    Unclear,
    /// For certain nobody does.
    Lost,
}

/// One command.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its index in [`Flow::commands`].
    pub at: usize,
    /// What it is.
    pub kind: CommandKind,
    /// What surrounds it.
    pub region: RegionId,
    /// Its words, wrappers (`sudo`, `timeout`) taken off: values where every way through the
    /// program agrees on them, else the source text (`$IMAGE@$DIGEST`, `${ROOT:-/srv}/x`). A path
    /// that is known to lie in the tree is written from the root with a leading `./`.
    pub words: Vec<String>,
    /// The wrappers that were taken off (`sudo`, `timeout`), outermost first.
    pub wrappers: Vec<&'static str>,
    /// The words as paths: [`ROOT`] begins each that is one.
    pub(crate) raw: Vec<String>,
    /// The whole command; of a nested program's commands that of the command that runs it.
    pub span: Span,
    /// Its own redirections, in order; see [`Flow::redirects`] for those of what surrounds it.
    pub redirects: Vec<Redirection>,
    /// Assignments before it, and the values from outside.
    pub env: Vec<(String, String)>,
    /// Where it runs.
    pub cwd: Cwd,
    /// It stands in a loop.
    pub looped: bool,
    /// It runs on another machine.
    pub remote: bool,
    /// Nobody learns of its failure, and where that is decided.
    pub masked: Option<Span>,
    /// What follows makes nothing of its failure for certain, or only says so.
    pub(crate) in_vain: bool,
    /// `set -e` is in force.
    pub errexit: bool,
    /// `set -o pipefail` is in force.
    pub pipefail: bool,
    /// `set -u` is in force.
    pub nounset: bool,
    /// `set -x` is in force on every way: it is printed with its values.
    pub xtrace: bool,
    /// It is a condition, or stands left of `&&` or `||`, or behind `!`: `set -e` ignores it.
    pub tested: bool,
    /// What its failure makes of the program.
    pub if_fails: After,
    /// What its success makes of the program.
    pub if_succeeds: After,
    /// What it reads: a file (`< x`), or the program before it in a pipe as `|name`.
    pub(crate) stdin: Option<String>,
    /// The file its output goes to.
    pub(crate) stdout: Option<String>,
    /// What the variables in its words that have no single value were set to, here and there.
    pub possible: Vec<String>,
    /// The variables and substitutions in its words, in order.
    pub expansions: Vec<Expansion>,
}

/// A variable, or what a command prints, in a word of a command.
#[derive(Clone, Debug)]
pub struct Expansion {
    /// The index of its word, where no word before it becomes several.
    pub word: usize,
    /// The variable without a subscript: `name`, `1`, `@`; empty where it is what a command prints.
    pub name: String,
    /// What stands behind the name in braces, the operator alone (`:-`).
    pub op: Option<String>,
    /// It stands outside quotes, and is not known to be one word without a pattern.
    pub splits: bool,
    /// Where it stands.
    pub span: Span,
}

/// A redirection.
#[derive(Clone, Debug)]
pub struct Redirection {
    /// The descriptor: as written, else the operator's own. `&>` counts as 1.
    pub fd: u32,
    /// The operator.
    pub op: RedirectOp,
    /// The file, descriptor or delimiter.
    pub target: String,
    /// Of a here-document or here-string the text, as written.
    pub text: Option<String>,
    /// Where that stands.
    pub body: Option<Span>,
    /// It, without a here-document's body.
    pub span: Span,
}

/// What surrounds commands.
#[derive(Clone, Debug)]
pub struct Region {
    /// What surrounds it; `None` for the program.
    pub parent: Option<RegionId>,
    /// What it is.
    pub kind: RegionKind,
    /// What comes after it has passed through it: it stands under no condition, or every other
    /// way ends the program.
    pub certain: bool,
    /// What makes it: the call, the substitution, the `if`.
    pub span: Span,
}

/// Kinds of regions.
#[derive(Clone, Debug)]
pub enum RegionKind {
    /// The program itself.
    Program,
    /// The body of a function, for one call of it.
    Function {
        /// Its name.
        name: String,
        /// The command that calls it; `None` where nothing is seen to.
        call: Option<usize>,
    },
    /// A file that `source` reads, by its path.
    Sourced(String),
    /// A program that a command runs: `sh -c`, `ssh`, `docker exec`, a here-document fed to a shell.
    Nested {
        /// The command.
        host: usize,
    },
    /// What `trap` is to run, on these signals.
    Trap(Vec<String>),
    /// `( … )`.
    Subshell,
    /// `$( … )` or `<( … )`.
    Substitution,
    /// `… &`.
    Background,
    /// A part of a pipeline of several.
    Pipe {
        /// The same for all parts of it.
        pipeline: u32,
        /// From 0.
        position: usize,
        /// How many parts there are.
        length: usize,
    },
    /// A compound command with redirections.
    Redirected(Vec<Redirection>),
    /// What runs where conditions came out so: branches of `if`, the right side of `&&` and `||`.
    Branch(Vec<Condition>),
    /// An arm of `case`.
    Arm {
        /// What is matched.
        subject: String,
        /// Against what.
        patterns: Vec<String>,
    },
    /// The condition of `while` or `until`.
    LoopTest,
    /// The body of a loop.
    Loop {
        /// Its condition, for `while` and `until`.
        condition: Option<Condition>,
    },
    /// The rest of a function behind a `return` that may have been taken.
    Rest,
}

/// Commands whose outcome decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The first of them.
    pub from: usize,
    /// The one after the last.
    pub to: usize,
    /// Whether they must succeed.
    pub succeeds: bool,
}

/// A variable that is read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The variable, without a subscript.
    pub name: String,
    /// What stands behind the name in braces: the operator and its word (`:-`, `latest`).
    pub op: Option<(String, String)>,
    /// The expansion.
    pub span: Span,
    /// How many commands came before.
    pub at: usize,
    /// What surrounds it.
    pub region: RegionId,
    /// `set -u` is in force.
    pub nounset: bool,
}

/// A variable that is set.
#[derive(Clone, Debug)]
pub struct Set {
    /// The variable, without a subscript.
    pub name: String,
    /// To what: the value or the source text; empty where it is read or computed.
    pub value: String,
    /// The assignment.
    pub span: Span,
    /// How many commands came before.
    pub at: usize,
    /// What surrounds it.
    pub region: RegionId,
    /// It is local to a function.
    pub local: bool,
    /// `eval` of a computed text may set it: the text holds its name.
    pub evaluated: bool,
}

/// Where a command's output goes.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// To a file.
    File(&'a Redirection),
    /// To the next part of a pipeline.
    Pipe {
        /// The pipeline.
        pipeline: u32,
        /// The part that reads it.
        position: usize,
    },
    /// It is substituted.
    Captured,
    /// To wherever the program's goes.
    Inherited,
}

impl Flow {
    /// A program of which nothing is known yet but where it stands.
    pub(crate) fn of(program: Region) -> Self {
        Self { regions: vec![program], complete: true, ..Self::default() }
    }

    /// What surrounds `region`, from itself to the program.
    pub fn around(&self, region: RegionId) -> impl Iterator<Item = (RegionId, &Region)> {
        let get = |id: RegionId| Some((id, self.regions.get(id.0 as usize)?));
        std::iter::successors(get(region), move |(_, region)| region.parent.and_then(get))
    }

    /// The same, all of it known: regions are numbered so that it is told at once which surrounds
    /// which, however many there are.
    #[must_use]
    pub(crate) fn sealed(mut self) -> Self {
        // A region comes after the one that surrounds it.
        let parents: Vec<Option<usize>> =
            self.regions.iter().map(|region| region.parent.map(|id| id.0 as usize)).collect();
        let mut sizes = vec![1_u32; parents.len()];
        let mut commands = vec![(usize::MAX, 0); parents.len()];
        for (at, command) in self.commands.iter().enumerate() {
            if let Some((first, past)) = commands.get_mut(command.region.0 as usize) {
                (*first, *past) = ((*first).min(at), (*past).max(at + 1));
            }
        }
        for (index, parent) in parents.iter().enumerate().rev() {
            if let Some(parent) = *parent {
                sizes[parent] += sizes[index];
                let (first, past) = commands[index];
                let outer = &mut commands[parent];
                *outer = (outer.0.min(first), outer.1.max(past));
            }
        }
        let mut free = 0;
        let mut next = vec![0; parents.len()];
        self.extents = Vec::with_capacity(parents.len());
        for (index, parent) in parents.iter().enumerate() {
            let slot = parent.map_or(&mut free, |parent| &mut next[parent]);
            let from = *slot;
            *slot += sizes[index];
            next[index] = from + 1;
            self.extents.push(Extent { from, to: from + sizes[index], commands: commands[index] });
        }
        self
    }

    /// Whether `outer` is `inner` or surrounds it.
    #[must_use]
    pub fn surrounds(&self, outer: RegionId, inner: RegionId) -> bool {
        let extent = |id: RegionId| self.extents.get(id.0 as usize);
        match (extent(outer), extent(inner)) {
            (Some(outer), Some(inner)) => (outer.from..outer.to).contains(&inner.from),
            _ => false,
        }
    }

    /// The commands within a region, in order.
    pub fn within(&self, region: RegionId) -> impl Iterator<Item = &Command> {
        let (first, past) = self.extents.get(region.0 as usize).map_or((0, 0), |e| e.commands);
        let near = self.commands.get(first..past).unwrap_or_default();
        near.iter().filter(move |command| self.surrounds(region, command.region))
    }

    /// Whether every way to `b` passes `a`.
    #[must_use]
    pub fn passes(&self, a: &Command, b: &Command) -> bool {
        a.at < b.at && self.leads(a.region, b.region)
    }

    /// Whether what comes later in `to` has passed through `from`.
    fn leads(&self, from: RegionId, to: RegionId) -> bool {
        self.around(from)
            .take_while(|(id, _)| !self.surrounds(*id, to))
            .all(|(_, region)| region.certain)
    }

    /// The commands that every way to `command` passes, the latest first.
    pub fn before<'a>(&'a self, command: &'a Command) -> impl Iterator<Item = &'a Command> {
        let earlier = self.commands.get(..command.at).unwrap_or_default().iter().rev();
        earlier.filter(|earlier| self.leads(earlier.region, command.region))
    }

    /// The commands that come after `command` on some way, in order.
    pub fn after(&self, command: &Command) -> &[Command] {
        self.commands.get(command.at + 1..).unwrap_or_default()
    }

    /// The commands on whose outcome it depends whether `command` runs: conditions of what
    /// surrounds it, and those before it whose one outcome ends the program.
    pub fn guards<'a>(&'a self, command: &'a Command) -> impl Iterator<Item = &'a Command> {
        let conditions = self.around(command.region).flat_map(|(_, region)| match &region.kind {
            RegionKind::Branch(conditions) => conditions.as_slice(),
            RegionKind::Loop { condition: Some(condition) } => std::slice::from_ref(condition),
            _ => &[],
        });
        let inner = conditions.flat_map(|c| self.commands.get(c.from..c.to).unwrap_or_default());
        // `set -e` alone makes no guard of a command: what it does is done all the same.
        let gates = self.before(command).filter(|earlier| {
            earlier.tested
                && (earlier.if_fails != After::GoesOn || earlier.if_succeeds != After::GoesOn)
        });
        inner.chain(gates)
    }

    /// The command that runs the nested program in which `command` stands, if it does.
    #[must_use]
    pub fn host(&self, command: &Command) -> Option<&Command> {
        self.around(command.region).find_map(|(_, region)| match region.kind {
            RegionKind::Nested { host } => self.commands.get(host),
            _ => None,
        })
    }

    /// Where `command` is asked for: the call of the function that it stands in, or itself.
    #[must_use]
    pub fn call_site(&self, command: &Command) -> Span {
        let mut calls = self.around(command.region).filter_map(|(_, region)| match region.kind {
            RegionKind::Function { call: Some(call), .. } => self.commands.get(call),
            _ => None,
        });
        calls.next().map_or(command.span, |call| call.span)
    }

    /// The part of a pipeline in which `command` stands, in its own program.
    #[must_use]
    pub fn pipe(&self, command: &Command) -> Option<(u32, usize, usize)> {
        for (_, region) in self.around(command.region) {
            match region.kind {
                RegionKind::Pipe { pipeline, position, length } => {
                    return Some((pipeline, position, length));
                }
                RegionKind::Substitution | RegionKind::Nested { .. } | RegionKind::Trap(_) => break,
                _ => {}
            }
        }
        None
    }

    /// The commands of one part of a pipeline, or of several.
    pub fn parts(
        &self,
        pipeline: u32,
        positions: std::ops::Range<usize>,
    ) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(move |command| {
            self.around(command.region).any(|(_, region)| {
                matches!(region.kind, RegionKind::Pipe { pipeline: p, position, .. }
                    if p == pipeline && positions.contains(&position))
            })
        })
    }

    /// The redirections that hold for `command`: its own, then those of what surrounds it, as far
    /// as the data of a descriptor flows that way (out of functions, containers and shells).
    pub fn redirects<'a>(&'a self, command: &'a Command) -> impl Iterator<Item = &'a Redirection> {
        let of_call = |at: usize| self.commands.get(at).map_or(&[][..], |c| &c.redirects);
        let outer = self
            .around(command.region)
            .take_while(|(_, r)| {
                !matches!(
                    r.kind,
                    RegionKind::Pipe { .. } | RegionKind::Substitution | RegionKind::Trap(_)
                )
            })
            .flat_map(move |(_, region)| match &region.kind {
                RegionKind::Redirected(redirects) => redirects.as_slice(),
                RegionKind::Function { call: Some(call), .. } => of_call(*call),
                RegionKind::Nested { host } => of_call(*host),
                _ => &[],
            });
        command.redirects.iter().rev().chain(outer)
    }

    /// Where what `command` prints goes.
    #[must_use]
    pub fn output<'a>(&'a self, command: &'a Command) -> Output<'a> {
        match command.redirects.iter().rev().find(|redirect| redirect.writes()) {
            Some(file) => Output::File(file),
            None => self.output_of(command.region),
        }
    }

    /// Where what is printed in a region goes.
    fn output_of(&self, region: RegionId) -> Output<'_> {
        for (_, region) in self.around(region) {
            let redirects = match &region.kind {
                RegionKind::Pipe { pipeline, position, length } if position + 1 < *length => {
                    return Output::Pipe { pipeline: *pipeline, position: position + 1 };
                }
                RegionKind::Substitution => return Output::Captured,
                RegionKind::Redirected(redirects) => redirects.as_slice(),
                RegionKind::Function { call: Some(at), .. } | RegionKind::Nested { host: at } => {
                    self.commands.get(*at).map_or(&[][..], |c| &c.redirects)
                }
                _ => &[],
            };
            let file = redirects.iter().rev().find(|redirect| redirect.writes());
            if let Some(file) = file {
                return Output::File(file);
            }
        }
        Output::Inherited
    }

    /// The region in which what `command` sets is lost to the rest of the program, the innermost.
    #[must_use]
    pub fn lost_in(&self, region: RegionId) -> Option<RegionId> {
        self.around(region).find(|(_, region)| region.loses_state()).map(|(id, _)| id)
    }

    /// Whether `command` may be on no way at all: a trap's, or of a function that nothing calls.
    #[must_use]
    pub fn is_aside(&self, command: &Command) -> bool {
        self.around(command.region).any(|(_, region)| {
            matches!(region.kind, RegionKind::Trap(_) | RegionKind::Function { call: None, .. })
        })
    }
}

impl Region {
    /// Whether variables set in it are lost behind it.
    #[must_use]
    pub fn loses_state(&self) -> bool {
        matches!(
            self.kind,
            RegionKind::Subshell
                | RegionKind::Substitution
                | RegionKind::Background
                | RegionKind::Pipe { .. }
                | RegionKind::Nested { .. }
        )
    }
}

impl Redirection {
    /// Whether standard output goes to a file by it.
    #[must_use]
    pub fn writes(&self) -> bool {
        use RedirectOp::{Append, AppendBoth, Write, WriteBoth};
        self.fd == 1 && matches!(self.op, Write | Append | WriteBoth | AppendBoth)
    }

    /// The line of the here-document that holds a byte of its text.
    #[must_use]
    pub fn line(&self, at: usize) -> Span {
        let (Some(text), Some(body)) = (&self.text, self.body) else { return self.span };
        if body.range.len() as usize != text.len() || at > text.len() {
            return body;
        }
        let start = text.as_bytes()[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        let end = text.as_bytes()[at..].iter().position(|b| *b == b'\n');
        let end = end.map_or(text.len(), |n| at + n);
        let base = body.range.start as usize;
        Span::new(body.file, TextRange::of(base + start, base + end))
    }

    /// Whether standard input comes from it.
    #[must_use]
    pub fn feeds(&self) -> bool {
        use RedirectOp::{DupIn, HereString, Heredoc, Read, ReadWrite};
        self.fd == 0 && matches!(self.op, Read | ReadWrite | Heredoc | HereString | DupIn)
    }
}

impl Command {
    /// Whether anybody learns that it fails.
    #[must_use]
    pub fn heed(&self) -> Heed {
        match self.if_fails {
            After::GoesOn if self.in_vain => Heed::Lost,
            After::GoesOn => Heed::Unclear,
            _ if self.masked.is_some() => Heed::Unclear,
            _ => Heed::Taken,
        }
    }

    /// The word of this index as a path in the tree, where its place is known. `start` is where
    /// the program is taken to be started, relative to the root.
    #[must_use]
    pub fn path(&self, word: usize, start: &str) -> Option<String> {
        resolve(self.raw.get(word)?, &self.cwd, start)
    }

    /// A text found in a word (the value of `--file=x`) as a path in the tree.
    #[must_use]
    pub fn path_of(&self, text: &str, start: &str) -> Option<String> {
        let raw = self.raw.iter().find_map(|raw| {
            let at = raw.find(ROOT)?;
            (show(&raw[at..]) == text).then(|| &raw[at..])
        });
        resolve(raw.unwrap_or(text), &self.cwd, start)
    }

    /// The program's name without its directory.
    #[must_use]
    pub fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word))
    }

    /// The words behind the program's name.
    #[must_use]
    pub fn args(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Whether it is among the programs that are run, neither the shell's own nor a function.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.kind == CommandKind::Run
    }

    /// Whether its failure ends the program with a failure.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.if_fails == After::Fails
    }

    /// Its parts, where it is `docker compose` with a verb.
    #[must_use]
    pub fn compose(&self) -> Option<Compose<'_>> {
        Compose::of(&self.words)
    }

    /// The image that `docker run` starts.
    #[must_use]
    pub fn run_image(&self) -> Option<&str> {
        crate::lower::run_image(&self.words)
    }

    /// This command with other words: the ones a wrapper runs.
    pub(crate) fn with_words(&self, from: usize) -> Self {
        let mut command = self.clone();
        command.words.drain(..from.min(command.words.len()));
        command.raw.drain(..from.min(command.raw.len()));
        command.expansions.retain(|expansion| expansion.word >= from);
        command.expansions.iter_mut().for_each(|expansion| expansion.word -= from);
        command
    }

    /// This command with its words changed.
    pub(crate) fn mapped(&self, put: &dyn Fn(&str) -> String) -> Self {
        let mut command = self.clone();
        for word in command.words.iter_mut().chain(&mut command.raw) {
            *word = put(word);
        }
        command
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
pub(crate) fn show(value: &str) -> String {
    if !value.contains(ROOT) {
        return value.to_owned();
    }
    value.replace(&format!("{ROOT}/"), "./").replace(ROOT, ".")
}
