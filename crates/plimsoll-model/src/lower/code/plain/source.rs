//! The files of a Go program: its packages in the tree, their functions, and what is sure to run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_source::{EntryKind, FileId, Span, Tracking};
use plimsoll_syntax::tokens::{Dialect, Tokens, lex};

use crate::lower::cx::Cx;
use crate::path;

/// The most files of a program, and bytes of one, that are read.
const MAX_FILES: usize = 1_000;
const MAX_BYTES: usize = 2_000_000;

/// A package: its directory, and the path by which others import it.
#[derive(Clone)]
struct Package {
    dir: String,
    path: String,
}

/// The texts of a program, and whether these are all.
pub(super) struct Texts {
    files: Vec<(FileId, Package, Arc<[u8]>)>,
    whole: bool,
}

/// The files of the packages of a module that are reached by imports, the first package first.
pub(super) fn texts(cx: &Cx<'_>, module: (&str, &str), dir: &str) -> Texts {
    let (root, name) = module;
    let mut texts = Texts { files: Vec::new(), whole: true };
    let mut met: BTreeSet<String> = BTreeSet::from([dir.to_owned()]);
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        let path = match path::below(root, &dir) {
            Some(below) if !below.is_empty() => format!("{name}/{below}"),
            _ => name.to_owned(),
        };
        let package = Package { dir: dir.clone(), path };
        for id in cx.tree.under(&dir) {
            let entry = cx.tree.entry(id);
            let own = path::parent(&entry.path) == dir;
            let is_source = entry.path.ends_with(".go") && !entry.path.ends_with("_test.go");
            let known = entry.tracking != Tracking::Ignored;
            if !own || !is_source || !known || !matches!(entry.kind, EntryKind::File { .. }) {
                continue;
            }
            let read = cx.bytes(id).ok().filter(|bytes| bytes.len() <= MAX_BYTES);
            let Some(bytes) = read.filter(|_| texts.files.len() < MAX_FILES) else {
                texts.whole = false;
                continue;
            };
            for (_, import) in imports(&lex(&bytes, Dialect::Go)) {
                let below = match import.strip_prefix(name) {
                    Some("") => Some(root.to_owned()),
                    Some(rest) => rest.strip_prefix('/').and_then(|rest| path::join(root, rest)),
                    None => None,
                };
                if let Some(below) = below.filter(|below| met.insert(below.clone())) {
                    todo.push(below);
                }
            }
            texts.files.push((id, package.clone(), bytes));
        }
    }
    texts
}

/// The imports of a file: the name in it, the path.
fn imports(tokens: &Tokens<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens.word(at) {
            "import" => {
                let open = tokens.word(at + 1) == "(";
                let end = if open { tokens.close(at + 1) } else { Some(at + 3) };
                let Some(end) = end else { break };
                for one in at + 1..end.min(tokens.len()) {
                    let Some(path) = tokens.text(one) else { continue };
                    let name = match tokens.name(one - 1) {
                        Some(name) if name != "import" => name.to_owned(),
                        _ => last(&path).to_owned(),
                    };
                    found.push((name, path));
                }
                at = end;
            }
            "func" | "var" | "const" | "type" => break,
            _ => {}
        }
        at += 1;
    }
    found
}

/// The name of a package by its path: versions aside.
fn last(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let version = last.strip_prefix('v').is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit()));
    let last = if version { parts.next().unwrap_or(last) } else { last };
    last.split('.').next().unwrap_or(last).trim_start_matches("go-")
}

/// What a `{` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// A function's body: one that runs where it stands, or whenever it is called.
    Body { now: bool },
    /// What runs under a condition, or again and again.
    Control,
}

/// A file.
pub(super) struct File<'t> {
    pub(super) id: FileId,
    pub(super) dir: &'t str,
    /// The path by which others import its package.
    pub(super) path: &'t str,
    pub(super) tokens: Tokens<'t>,
    pub(super) imports: BTreeMap<String, String>,
    blocks: BTreeMap<usize, Block>,
}

/// A function with a body.
pub(super) struct Function {
    pub(super) file: usize,
    pub(super) name: String,
    /// The type that it is a method of.
    pub(super) receiver: Option<String>,
    pub(super) params: Vec<String>,
    /// Its braces.
    pub(super) body: (usize, usize),
}

/// A program.
pub(super) struct Program<'t> {
    pub(super) files: Vec<File<'t>>,
    pub(super) functions: Vec<Function>,
    /// All that its own packages hold was read.
    pub(super) whole: bool,
}

impl Texts {
    pub(super) fn program(&self) -> Program<'_> {
        let mut program = Program { files: Vec::new(), functions: Vec::new(), whole: self.whole };
        for (id, package, bytes) in &self.files {
            let tokens = lex(bytes, Dialect::Go);
            let imports = imports(&tokens).into_iter().collect();
            let index = program.files.len();
            let mut file = File {
                id: *id,
                dir: &package.dir,
                path: &package.path,
                tokens,
                imports,
                blocks: BTreeMap::new(),
            };
            program.functions.extend(file.functions(index));
            file.control();
            program.files.push(file);
        }
        program
    }
}

impl File<'_> {
    pub(super) fn span(&self, from: usize, last: usize) -> Span {
        Span::new(self.id, self.tokens.range(from, last))
    }

    /// The arguments of the call whose bracket opens here: first token, and the one behind the last.
    pub(super) fn args(&self, open: usize) -> Vec<(usize, usize)> {
        let Some(close) = self.tokens.close(open) else { return Vec::new() };
        self.list(open + 1, close)
    }

    /// What commas part, brackets passed over.
    pub(super) fn list(&self, from: usize, end: usize) -> Vec<(usize, usize)> {
        let (mut found, mut start, mut at) = (Vec::new(), from, from);
        while at < end {
            if self.tokens.word(at) == "," {
                found.push((start, at));
                start = at + 1;
            }
            at = self.tokens.close(at).map_or(at + 1, |close| close + 1);
        }
        found.push((start, end));
        found.retain(|(from, end)| from < end);
        found
    }

    /// Where the statement of a token begins.
    pub(super) fn statement(&self, at: usize) -> usize {
        (0..at)
            .rev()
            .find(|&one| matches!(self.tokens.word(one), "\n" | ";" | "{" | "}"))
            .map_or(0, |one| one + 1)
    }

    /// Where it ends: at the line's end that ends it, or before its block.
    pub(super) fn end(&self, from: usize) -> usize {
        let mut at = from;
        while at < self.tokens.len() && !matches!(self.tokens.word(at), "\n" | ";" | "}") {
            if self.blocks.contains_key(&at) && self.blocks[&at] == Block::Control {
                break;
            }
            at = self.tokens.close(at).map_or(at + 1, |close| close + 1);
        }
        at
    }

    /// Its functions that have a name; the bodies of all are noted.
    fn functions(&mut self, index: usize) -> Vec<Function> {
        let tokens = &self.tokens;
        let (mut found, mut blocks) = (Vec::new(), BTreeMap::new());
        for at in (0..tokens.len()).filter(|&at| tokens.word(at) == "func") {
            let mut next = at + 1;
            let mut receiver = None;
            let mut name = None;
            if tokens.word(next) == "("
                && let Some(close) = tokens.close(next)
                && tokens.name(close + 1).is_some()
                && tokens.word(close + 2) == "("
                && self.statement(at) == at
            {
                receiver = (next..close).rev().find_map(|one| {
                    let named = tokens.name(one)?;
                    (!matches!(tokens.word(one + 1), "," | "]")).then(|| named.to_owned())
                });
                next = close + 1;
            }
            if let Some(own) = tokens.name(next) {
                name = Some(own.to_owned());
                next += 1;
            }
            if tokens.word(next) == "[" {
                next = tokens.close(next).map_or(next, |close| close + 1);
            }
            let Some(close) = tokens.close(next).filter(|_| tokens.word(next) == "(") else {
                continue;
            };
            let params = self.list(next + 1, close).into_iter();
            let params =
                params.filter_map(|(from, _)| Some(tokens.name(from)?.to_owned())).collect();
            let mut open = close + 1;
            while !matches!(tokens.word(open), "{" | "\n" | ";" | "," | "=" | "" | ")" | "}")
                || tokens.word(open) == "{"
                    && matches!(tokens.word(open - 1), "interface" | "struct")
            {
                open = tokens.close(open).map_or(open + 1, |close| close + 1);
                if open >= tokens.len() {
                    break;
                }
            }
            let Some(end) = tokens.close(open).filter(|_| tokens.word(open) == "{") else {
                continue;
            };
            // `go func() {}`, `group.Go(func() …)`, `r.Route("/", func(r chi.Router) …)`.
            let called = || {
                let opens = (0..at).rev().take(64).find(|&one| {
                    tokens.word(one) == "(" && tokens.close(one).is_some_and(|close| close > end)
                });
                opens.is_some_and(|one| {
                    matches!(tokens.word(one - 1), "Go" | "Do" | "Route" | "Group")
                })
            };
            let now = name.is_none() && (tokens.word(at.wrapping_sub(1)) == "go" || called());
            blocks.insert(open, Block::Body { now });
            if let Some(name) = name {
                found.push(Function { file: index, name, receiver, params, body: (open, end) });
            }
        }
        self.blocks = blocks;
        found
    }

    /// Notes the blocks of `if`, `for`, `switch`, `select` and `else`.
    fn control(&mut self) {
        let tokens = &self.tokens;
        let mut start = 0;
        let mut depth = 0usize;
        let mut found = Vec::new();
        for at in 0..tokens.len() {
            match tokens.word(at) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                "\n" | ";" if tokens.word(at) == "\n" || depth > 0 => start = at + 1,
                "}" => start = at + 1,
                "{" => {
                    if let Some(Block::Body { .. }) = self.blocks.get(&at) {
                        start = at + 1;
                        depth = 0;
                    } else if matches!(
                        tokens.word(start),
                        "if" | "for" | "switch" | "select" | "else"
                    ) && !matches!(tokens.word(at - 1), "struct" | "interface")
                    {
                        found.push(at);
                        start = at + 1;
                        depth = 0;
                    }
                }
                _ => {}
            }
        }
        self.blocks.extend(found.into_iter().map(|at| (at, Block::Control)));
    }

    /// The head of the `if` in whose block a token stands, where no other block is between.
    pub(super) fn condition(&self, at: usize) -> Option<(usize, usize)> {
        let around = self.blocks.range(..at).rev();
        let (&open, block) = around
            .clone()
            .find(|(open, _)| self.tokens.close(**open).is_some_and(|close| close > at))?;
        let from = (0..open).rev().take(60).find(|&one| self.tokens.word(one) == "if")?;
        let plain = (from..open).all(|one| !matches!(self.tokens.word(one), "{" | "}" | "\n"));
        (*block == Block::Control && plain).then_some((from, open))
    }

    /// Whether what stands at a token of a body runs when the body does: `None` within functions that
    /// are only handed over.
    pub(super) fn runs(&self, body: (usize, usize), at: usize) -> Option<bool> {
        let mut sure = true;
        for (&open, block) in self.blocks.range(body.0 + 1..at) {
            if self.tokens.close(open).is_none_or(|close| close < at) {
                continue;
            }
            match block {
                Block::Body { now: true } => {}
                Block::Body { now: false } => return None,
                Block::Control => sure = false,
            }
        }
        Some(sure)
    }
}
