//! The files of a program in Rust: which package an image starts, its functions, and expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_source::{Derived, EntryKind, FileId, Span, TextRange, Tracking};
use plimsoll_syntax::tokens::{Dialect, Tokens, lex};
use plimsoll_syntax::toml::{self, Value as Toml};

use super::super::graph::Graph;
use super::value::{Part, Value, plain, text, unknown};
use crate::entrypoint::Startup;
use crate::filesystem::{Filesystem, Found};
use crate::image::{CopyFrom, EffectKind, Image, StepKind};
use crate::package::{DependencyKind, Ecosystem, Package};
use crate::path;

/// The most files of a program, and bytes of one, that are read.
const MAX_FILES: usize = 1_000;
const MAX_BYTES: usize = 2_000_000;
/// How deep values are followed.
const DEEP: usize = 24;
/// What a closure says that only parses what it is given.
const PARSES: [&str; 13] =
    ["|", ".", "(", ")", "::", "<", ">", "parse", "ok", "unwrap", "u16", "to_string", "_"];

/// The package whose binary an image builds and starts, and the file of its `main`.
pub(super) fn started<'g>(
    graph: &'g Graph<'_>,
    image: &Image,
    startup: &Startup,
) -> Option<(&'g Package, FileId)> {
    let (program, _) = startup.app.first()?;
    let mut name = path::name(program).to_owned();
    // The directories of the tree in which `cargo build` runs, and names that a COPY changes.
    let files = Filesystem::new(graph.delivery, image);
    let mut roots: BTreeSet<String> = BTreeSet::new();
    for index in image.stages_built() {
        let stage = image.stages.get(index)?;
        for (at, step) in stage.steps.iter().enumerate() {
            match &step.kind {
                StepKind::Run(run) => {
                    for effect in &run.effects {
                        let EffectKind::Build { words } = &effect.kind else { continue };
                        let words: Vec<&str> = words.iter().map(|word| &**word).collect();
                        let builds = matches!(&*words, ["cargo", rest @ ..]
                            if rest.iter().take(2).any(|word| matches!(*word, "build" | "b"))
                                || rest.contains(&"install") && rest.contains(&"--path"));
                        if !builds {
                            continue;
                        }
                        let manifest =
                            format!("{}/Cargo.toml", effect.workdir.trim_end_matches('/'));
                        let Found::File { file, .. } = files.find_at(index, at, &manifest) else {
                            return None;
                        };
                        roots.insert(path::parent(graph.cx.tree.path(file)).to_owned());
                    }
                }
                StepKind::Copy(copy) if matches!(copy.from, CopyFrom::Stage(_)) => {
                    let Some(dest) = copy.dest.known().filter(|dest| !dest.ends_with('/')) else {
                        continue;
                    };
                    if let [source] = &*copy.sources
                        && path::name(dest) == path::name(program)
                        && source.path.contains("/release/")
                    {
                        path::name(&source.path).clone_into(&mut name);
                    }
                }
                _ => {}
            }
        }
    }
    let mut roots = roots.into_iter();
    let root = roots.next().filter(|_| roots.next().is_none())?;
    let below =
        graph.delivery.packages.iter().filter(|one| {
            one.ecosystem == Ecosystem::Rust && path::below(&root, &one.dir).is_some()
        });
    let mut found = below.filter_map(|one| Some((one, binary(graph, one, &name)?)));
    found.next().filter(|_| found.next().is_none())
}

/// The file of a package's binary.
fn binary(graph: &Graph<'_>, package: &Package, name: &str) -> Option<FileId> {
    let find = |below: &str| graph.cx.tree.find(&path::join(&package.dir, below)?);
    let bytes = graph.cx.bytes(package.manifest).ok()?;
    let whole = Span::new(package.manifest, TextRange::of(0, bytes.len()));
    let parsed = toml::parse(&Derived::verbatim(bytes, whole));
    let listed = parsed.tree.root().at(&["bin"]).into_iter().flat_map(Toml::items);
    for one in listed {
        if one.at(&["name"]).and_then(Toml::text) == Some(name) {
            return match one.at(&["path"]).and_then(Toml::text) {
                Some(path) => find(path),
                None => find(&format!("src/bin/{name}.rs")).or_else(|| find("src/main.rs")),
            };
        }
    }
    if package.name.as_deref() == Some(name) {
        return find("src/main.rs");
    }
    find(&format!("src/bin/{name}.rs")).or_else(|| find(&format!("src/bin/{name}/main.rs")))
}

/// The texts of a program, and whether these are all.
pub(super) struct Texts {
    files: Vec<(FileId, String, Arc<[u8]>)>,
    whole: bool,
}

/// The files of a package: its binary's, and its library's.
pub(super) fn texts(graph: &Graph<'_>, package: &Package, main: FileId) -> Texts {
    // What else of the tree it is built of is not read.
    let local = package.dependencies.iter().any(|dependency| {
        graph.delivery.packages.iter().any(|other| {
            other.ecosystem == Ecosystem::Rust && other.name.as_deref() == Some(&*dependency.name)
        })
    });
    let mut texts = Texts { files: Vec::new(), whole: !local };
    let Some(dir) = path::join(&package.dir, "src") else { return texts };
    for id in graph.cx.tree.under(&dir) {
        let entry = graph.cx.tree.entry(id);
        let below = path::below(&dir, &entry.path).unwrap_or_default();
        let other = below.starts_with("bin/") || below == "main.rs";
        let beside = below.starts_with("bin/")
            && path::name(graph.cx.tree.path(main)) == "main.rs"
            && path::below(path::parent(graph.cx.tree.path(main)), &entry.path).is_some();
        let is_source = entry.path.ends_with(".rs") && entry.tracking != Tracking::Ignored;
        let is_file = matches!(entry.kind, EntryKind::File { .. });
        if !is_source || other && id != main && !beside || !is_file {
            continue;
        }
        let read = graph.cx.bytes(id).ok().filter(|bytes| bytes.len() <= MAX_BYTES);
        match read.filter(|_| texts.files.len() < MAX_FILES) {
            Some(bytes) => texts.files.push((id, entry.path.to_string(), bytes)),
            None => texts.whole = false,
        }
    }
    texts
}

/// A file.
pub(super) struct File<'t> {
    pub(super) id: FileId,
    path: &'t str,
    pub(super) tokens: Tokens<'t>,
    /// Names that it uses, and their paths.
    uses: BTreeMap<String, String>,
}

/// A function with a body, tests aside.
pub(super) struct Function {
    pub(super) file: usize,
    pub(super) name: String,
    /// The type or trait that it belongs to.
    owner: Option<String>,
    /// The brackets of its parameters, and its braces.
    pub(super) params: (usize, usize),
    pub(super) body: (usize, usize),
    /// The attributes before it, as far as they have arguments: `get("/health")`.
    pub(super) attributes: Vec<(usize, usize)>,
}

/// A call in a chain: `.name(…)`.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) name: usize,
    /// The bracket that opens its arguments.
    pub(super) open: Option<usize>,
}

/// A program.
pub(super) struct Program<'t> {
    pub(super) files: Vec<File<'t>>,
    pub(super) functions: Vec<Function>,
    /// Packages that it depends on, as source names them.
    pub(super) packages: BTreeSet<String>,
    /// Its own name, as source says it.
    name: String,
    pub(super) whole: bool,
    /// What the image may hold sets variables that nothing else sets.
    pub(super) dotenv: bool,
}

impl Texts {
    pub(super) fn program(&self, package: &Package) -> Program<'_> {
        let packages = package.dependencies.iter();
        let packages = packages.filter(|one| one.kind != DependencyKind::Development);
        let mut program = Program {
            files: Vec::new(),
            functions: Vec::new(),
            packages: packages.map(|one| one.name.replace('-', "_")).collect(),
            name: package.name.as_deref().unwrap_or_default().replace('-', "_"),
            whole: self.whole,
            dotenv: false,
        };
        for (id, path, bytes) in &self.files {
            let tokens = lex(bytes, Dialect::Rust);
            let uses = uses(&tokens);
            let file = File { id: *id, path, tokens, uses };
            program.functions.extend(file.functions(program.files.len()));
            program.files.push(file);
        }
        program
    }
}

/// What `use` brings: of each leaf its path; of `*`, that there is one.
fn uses(tokens: &Tokens<'_>) -> BTreeMap<String, String> {
    fn leaf(above: &[String], path: &str, found: &mut BTreeMap<String, String>) {
        let whole = format!("{}{path}", above.concat());
        let whole = whole.strip_suffix("::self").unwrap_or(&whole);
        let last = whole.rsplit("::").next().unwrap_or_default();
        if !path.is_empty() {
            found.insert(last.to_owned(), whole.to_owned());
        }
    }
    let mut found = BTreeMap::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens.word(at) == "use" {
            let mut above: Vec<String> = Vec::new();
            let mut path = String::new();
            at += 1;
            while !matches!(tokens.word(at), ";" | "") {
                match tokens.word(at) {
                    "{" => above.push(std::mem::take(&mut path)),
                    "," => leaf(&above, &std::mem::take(&mut path), &mut found),
                    "}" => {
                        leaf(&above, &std::mem::take(&mut path), &mut found);
                        above.pop();
                    }
                    "as" => {
                        let whole = format!("{}{path}", above.concat());
                        found.insert(tokens.word(at + 1).to_owned(), whole);
                        path.clear();
                        at += 1;
                    }
                    word => path.push_str(word),
                }
                at += 1;
            }
            leaf(&above, &path, &mut found);
        }
        at += 1;
    }
    found
}

impl File<'_> {
    fn functions(&self, index: usize) -> Vec<Function> {
        let tokens = &self.tokens;
        let (mut found, mut attributes, mut at) = (Vec::new(), Vec::new(), 0);
        let mut owners: Vec<(usize, String)> = Vec::new();
        while at < tokens.len() {
            owners.retain(|(end, _)| at < *end);
            match tokens.word(at) {
                "impl" | "trait" => owners.extend(self.owner(at)),
                "#" if tokens.word(at + 1) == "[" => {
                    let close = tokens.close(at + 1).unwrap_or(at + 1);
                    attributes.push((at + 2, close));
                    at = close;
                }
                // What is built for tests only.
                "{" if attributes.iter().any(|&(from, end)| {
                    tokens.word(from) == "cfg" && (from..end).any(|at| tokens.word(at) == "test")
                }) =>
                {
                    attributes.clear();
                    at = tokens.close(at).unwrap_or(at);
                }
                "fn" if tokens.name(at + 1).is_some() => {
                    let name = tokens.word(at + 1).to_owned();
                    let mut open = at + 2;
                    while !matches!(tokens.word(open), "(" | "{" | ";" | "") {
                        open += 1;
                    }
                    let close = tokens.close(open).filter(|_| tokens.word(open) == "(");
                    let Some(close) = close else { break };
                    let mut body = close + 1;
                    while !matches!(tokens.word(body), "{" | ";") && body < tokens.len() {
                        body = tokens.close(body).map_or(body + 1, |close| close + 1);
                    }
                    let test = attributes.iter().any(|&(from, end)| {
                        (from..end).any(|at| matches!(tokens.word(at), "test" | "cfg"))
                    });
                    let attributes = std::mem::take(&mut attributes);
                    if let Some(end) = tokens.close(body).filter(|_| !test) {
                        found.push(Function {
                            file: index,
                            name,
                            owner: owners.last().map(|(_, name)| name.clone()),
                            params: (open, close),
                            body: (body, end),
                            attributes,
                        });
                    }
                    at = body;
                }
                ";" | "}" | "{" => attributes.clear(),
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// What an `impl` or a `trait` is of, and where it ends.
    fn owner(&self, at: usize) -> Option<(usize, String)> {
        let tokens = &self.tokens;
        let (mut depth, mut name, mut one) = (0u32, None, at + 1);
        while !matches!(tokens.word(one), "{" | ";" | "" | "where" | "(") {
            match tokens.word(one) {
                "<" => depth += 1,
                ">" => depth = depth.saturating_sub(1),
                ":" if tokens.word(at) == "trait" => break,
                word if depth == 0 && tokens.name(one).is_some() => name = Some(word.to_owned()),
                _ => {}
            }
            one += 1;
        }
        let open = (one..tokens.len()).find(|&one| matches!(tokens.word(one), "{" | ";"))?;
        Some((tokens.close(open)?, name?))
    }

    pub(super) fn span(&self, from: usize, last: usize) -> Span {
        Span::new(self.id, self.tokens.range(from, last))
    }

    /// What commas part between brackets.
    pub(super) fn args(&self, open: usize) -> Vec<(usize, usize)> {
        let Some(close) = self.tokens.close(open) else { return Vec::new() };
        let (mut found, mut start, mut at) = (Vec::new(), open + 1, open + 1);
        while at < close {
            if self.tokens.word(at) == "," {
                found.push((start, at));
                start = at + 1;
            }
            at = self.tokens.close(at).map_or(at + 1, |close| close + 1);
        }
        found.push((start, close));
        found.retain(|(from, end)| from < end);
        found
    }

    /// An expression: what it begins with, and the calls behind it.
    pub(super) fn chain(&self, from: usize, end: usize) -> ((usize, usize), Vec<Link>) {
        let tokens = &self.tokens;
        let mut from = from;
        while matches!(tokens.word(from), "&" | "*" | "mut") && from < end {
            from += 1;
        }
        let (mut head, mut links, mut at) = (None, Vec::new(), from);
        while at < end {
            let word = tokens.word(at);
            if word == "." && tokens.name(at + 1).is_some() {
                head = head.or(Some(at));
                let mut open = at + 2;
                if tokens.word(open) == "::" {
                    while open < end && tokens.word(open) != "(" {
                        open += 1;
                    }
                }
                let open = Some(open).filter(|&open| tokens.word(open) == "(" && open < end);
                links.push(Link { name: at + 1, open });
                at = open.and_then(|open| tokens.close(open)).map_or(at + 2, |close| close + 1);
            } else if word == "?" {
                head = head.or(Some(at));
                at += 1;
            } else {
                at = tokens.close(at).map_or(at + 1, |close| close + 1);
            }
        }
        ((from, head.unwrap_or(end)), links)
    }

    /// Whether what stands at a token of a body runs whenever the body does.
    pub(super) fn is_sure(&self, body: (usize, usize), at: usize) -> bool {
        let sure = (body.0 + 1..at).filter(|&open| self.tokens.word(open) == "{").all(|open| {
            self.tokens.close(open).is_none_or(|close| close < at)
                || matches!(self.tokens.word(open - 1), "async" | "unsafe")
                || self.tokens.word(open - 1) == "move" && self.tokens.word(open - 2) == "async"
        });
        sure && self.is_built(body, at)
    }

    /// Whether no attribute stands before the statement of a token: `#[cfg(feature = "x")]`.
    fn is_built(&self, body: (usize, usize), at: usize) -> bool {
        let ends = |one: &usize| matches!(self.tokens.word(*one), ";" | "{" | "}");
        let start = (body.0..at).rev().find(ends).unwrap_or(body.0);
        self.tokens.word(start + 1) != "#"
    }

    /// Whether a token of a body stands in no brackets within it.
    pub(super) fn is_flat(&self, body: (usize, usize), at: usize) -> bool {
        (body.0 + 1..at).all(|open| self.tokens.close(open).is_none_or(|close| close < at))
    }

    /// The expression with which a body ends.
    pub(super) fn tail(&self, body: (usize, usize)) -> (usize, usize) {
        let (mut start, mut at) = (body.0 + 1, body.0 + 1);
        while at < body.1 {
            if self.tokens.word(at) == ";" {
                start = at + 1;
            }
            at = self.tokens.close(at).map_or(at + 1, |close| close + 1);
        }
        (start, body.1)
    }
}

impl Program<'_> {
    /// Whether a package is among those that are depended on.
    pub(super) fn depends(&self, words: &[&str]) -> bool {
        self.packages.iter().any(|own| words.iter().any(|word| own.contains(word)))
    }

    /// The path that the tokens before and with a name say, its `use` taken in.
    pub(super) fn path(&self, file: usize, at: usize) -> String {
        let own = &self.files[file];
        let mut start = at;
        while start >= 2
            && own.tokens.word(start - 1) == "::"
            && own.tokens.name(start - 2).is_some()
        {
            start -= 2;
        }
        let written: String = (start..=at).map(|one| own.tokens.word(one)).collect();
        let (first, rest) = written.split_once("::").unwrap_or((&written, ""));
        match (own.uses.get(first), rest) {
            (Some(path), "") => path.clone(),
            (Some(path), rest) => format!("{path}::{rest}"),
            (None, _) => written,
        }
    }

    /// The function of its own that a name is, where there is but one that it can be.
    pub(super) fn named(&self, file: usize, at: usize) -> Option<usize> {
        let own = &self.files[file];
        let name = own.tokens.name(at)?;
        let before = own.tokens.word(at.wrapping_sub(1));
        if matches!(before, "." | "fn") {
            return None;
        }
        let path = self.path(file, at);
        let parts: Vec<&str> = path.split("::").collect();
        let (first, above) = (*parts.first()?, parts.iter().rev().nth(1).copied());
        let owner = above.filter(|above| above.starts_with(|c: char| c.is_ascii_uppercase()));
        // What is not imported by its name is here, or comes by `*`.
        let here = parts.len() == 1 || parts.len() == 2 && owner.is_some();
        let module = |name: &str| {
            self.files.iter().any(|file| {
                let mut parts = file.path.trim_end_matches(".rs").split('/');
                parts.any(|part| part == name)
            })
        };
        let is_own = here
            || matches!(first, "crate" | "self" | "super")
            || first == self.name
            || !self.packages.contains(first) && module(first);
        let foreign =
            self.packages.contains(first) || matches!(first, "std" | "core" | "alloc") || !is_own;
        let mut all = self
            .functions
            .iter()
            .enumerate()
            .filter(|(_, one)| one.name == name && one.owner.as_deref() == owner);
        let (found, function) = all.next().filter(|_| !foreign)?;
        let near = !here || function.file == file || own.uses.contains_key("*");
        (all.next().is_none() && near).then_some(found)
    }

    /// Where a name of a function is set last before a token; `None` where that is not sure.
    pub(super) fn set(&self, function: usize, name: &str, before: usize) -> Option<(usize, usize)> {
        let own = &self.functions[function];
        let file = &self.files[own.file];
        let tokens = &file.tokens;
        let named = |at: usize| tokens.name(at) == Some(name);
        // The block of each is one that the use stands in, too.
        let around = |at: usize| {
            let mut open = (own.body.0 + 1..at).filter(|&open| tokens.word(open) == "{");
            open.all(|open| tokens.close(open).is_none_or(|close| close < at || close > before))
        };
        let mut last = None;
        for at in own.body.0 + 1..before {
            let is_let = tokens.word(at) == "let";
            let assigns = named(at)
                && tokens.word(at + 1) == "="
                && matches!(tokens.word(at - 1), ";" | "{" | "}");
            if !is_let && !assigns {
                continue;
            }
            let Some(sign) = (at..before).find(|&one| matches!(tokens.word(one), "=" | ";")) else {
                continue;
            };
            let mut pattern = (at..sign).filter(|&one| named(one));
            let Some(one) = pattern.next() else { continue };
            let mut end = sign + 1;
            while end < own.body.1 && tokens.word(end) != ";" {
                end = tokens.close(end).map_or(end + 1, |close| close + 1);
            }
            // Its own right side is what it was before; `if let` binds within its block.
            let alone = assigns || matches!(tokens.word(at.wrapping_sub(1)), ";" | "{" | "}");
            if end >= before && alone {
                continue;
            }
            let plain = assigns || one == at + 1 || one == at + 2 && tokens.word(at + 1) == "mut";
            let typed = matches!(tokens.word(one + 1), "=" | ":");
            let sure = plain && typed && alone && tokens.word(sign) == "=" && around(at);
            if !sure {
                return None;
            }
            last = Some((sign + 1, end));
        }
        last
    }

    /// What an expression comes to.
    pub(super) fn value(&self, function: usize, from: usize, end: usize, depth: usize) -> Value {
        let own = &self.functions[function];
        let file = &self.files[own.file];
        let tokens = &file.tokens;
        if depth > DEEP || from >= end {
            return unknown();
        }
        let ((head, stop), links) = file.chain(from, end);
        let mut value = self.head(function, head, stop, depth + 1);
        for link in links {
            let args = link.open.map(|open| file.args(open)).unwrap_or_default();
            match tokens.word(link.name) {
                "unwrap" | "expect" | "parse" | "to_string" | "to_owned" | "into" | "as_str"
                | "clone" | "context" | "ok" | "map_err" | "trim" | "as_ref" | "await" => {}
                // `.and_then(|port| port.parse().ok())`
                "and_then" | "map"
                    if args.iter().all(|&(from, end)| {
                        let name = tokens.word(from + 1);
                        (from..end)
                            .all(|at| tokens.word(at) == name || PARSES.contains(&tokens.word(at)))
                    }) => {}
                "unwrap_or" | "unwrap_or_else" => {
                    let Some(&(from, end)) = args.first() else { return unknown() };
                    let closure = (from..end).find(|&at| tokens.word(at) == "|" && at > from);
                    let from = match tokens.word(from) {
                        "||" => from + 1,
                        "|" => closure.map_or(end, |at| at + 1),
                        _ => from,
                    };
                    let default = plain(&self.value(function, from, end, depth + 1));
                    value = match (&*value, default) {
                        ([Part::Env(name, None)], Some(default)) => {
                            vec![Part::Env(name.clone(), Some(default))]
                        }
                        _ => return unknown(),
                    };
                }
                _ => return unknown(),
            }
        }
        value
    }

    fn head(&self, function: usize, from: usize, end: usize, depth: usize) -> Value {
        let own = &self.functions[function];
        let file = &self.files[own.file];
        let tokens = &file.tokens;
        if depth > DEEP || from >= end {
            return unknown();
        }
        if end == from + 1 {
            if let Some(said) = tokens.text(from) {
                return text(said);
            }
            if let Some(number) = tokens.number(from) {
                let digits = number.replace('_', "");
                return text(digits.trim_end_matches("u16").trim_end_matches("i32"));
            }
            let Some(name) = tokens.name(from) else { return unknown() };
            return match self.set(function, name, from) {
                Some((from, end)) => self.value(function, from, end, depth + 1),
                None => self.given(function, name, from, depth + 1),
            };
        }
        let open = (from..end).find(|&at| tokens.word(at) == "(");
        let Some(open) = open.filter(|&open| tokens.close(open) == Some(end - 1)) else {
            return unknown();
        };
        let args = file.args(open);
        let of = |index: usize| {
            args.get(index)
                .map_or_else(unknown, |&(from, end)| self.value(function, from, end, depth + 1))
        };
        if open == from {
            // `("0.0.0.0", 8080)`, `([0, 0, 0, 0], 8080)`
            return if args.len() == 2 { [text(":"), of(1)].concat() } else { of(0) };
        }
        if tokens.word(open - 1) == "!" && tokens.word(open.wrapping_sub(2)) == "format" {
            let Some(format) = args.first().and_then(|(from, _)| tokens.text(*from)) else {
                return unknown();
            };
            return self.printed(function, &format, open, |index| of(index + 1), depth);
        }
        match &*self.path(own.file, open - 1) {
            "std::env::var" | "env::var" | "dotenvy::var" | "dotenv::var" => match plain(&of(0)) {
                Some(name) if !self.dotenv => vec![Part::Env(name, None)],
                _ => unknown(),
            },
            path if path.ends_with("SocketAddr::from") || path.ends_with("String::from") => of(0),
            path if path.ends_with("SocketAddr::new") => [text(":"), of(1)].concat(),
            _ => unknown(),
        }
    }

    /// What `format!` makes of `{}` and `{name}`.
    fn printed(
        &self,
        function: usize,
        format: &str,
        at: usize,
        arg: impl Fn(usize) -> Value,
        depth: usize,
    ) -> Value {
        let (mut parts, mut index, mut rest) = (Value::new(), 0, format);
        while let Some((before, after)) = rest.split_once('{') {
            parts.push(Part::Text(before.to_owned()));
            let Some((name, behind)) = after.split_once('}') else { return unknown() };
            if name.is_empty() {
                parts.extend(arg(index));
                index += 1;
            } else {
                let set = self.set(function, name, at);
                let value = set.map(|(from, end)| self.value(function, from, end, depth + 1));
                parts.extend(value.unwrap_or_else(|| self.given(function, name, at, depth + 1)));
            }
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        parts
    }

    /// What a parameter is given by the only call, or a constant.
    fn given(&self, function: usize, name: &str, at: usize, depth: usize) -> Value {
        let own = &self.functions[function];
        let file = &self.files[own.file];
        // Something sets it in a way that is not sure.
        let is_set = (own.body.0..at).filter(|&one| file.tokens.word(one) == "let").any(|one| {
            let mut pattern = (one..at).take_while(|&one| file.tokens.word(one) != "=");
            pattern.any(|one| file.tokens.name(one) == Some(name))
        });
        if is_set || depth > DEEP {
            return unknown();
        }
        let params = file.args(own.params.0);
        // A method is called in ways that are not followed.
        if params
            .first()
            .is_some_and(|&(from, end)| (from..end).any(|at| file.tokens.word(at) == "self"))
        {
            return unknown();
        }
        if let Some(index) = params.iter().position(|&(from, end)| {
            (from..end).take(2).any(|at| file.tokens.name(at) == Some(name))
        }) {
            let mut found = None;
            for (caller, other) in self.functions.iter().enumerate() {
                let file = &self.files[other.file];
                for at in other.body.0..other.body.1 {
                    let named =
                        file.tokens.name(at) == Some(&own.name) && file.tokens.word(at + 1) == "(";
                    if !named || file.tokens.word(at - 1) == "fn" {
                        continue;
                    }
                    if self.named(other.file, at) != Some(function) {
                        return unknown();
                    }
                    let args = file.args(at + 1);
                    let (Some(&(from, end)), None) = (args.get(index), found.as_ref()) else {
                        return unknown();
                    };
                    found = Some(self.value(caller, from, end, depth + 1));
                }
            }
            return found.unwrap_or_else(unknown);
        }
        let mut found = self.files.iter().flat_map(|file| {
            let tokens = &file.tokens;
            (1..tokens.len()).filter_map(move |at| {
                let constant = matches!(tokens.word(at - 1), "const" | "static");
                let named = constant && tokens.name(at) == Some(name);
                let sign = (at..at + 8).find(|&one| tokens.word(one) == "=").filter(|_| named)?;
                let value = tokens.text(sign + 1).filter(|_| tokens.word(sign + 2) == ";");
                let number = tokens.number(sign + 1).filter(|_| tokens.word(sign + 2) == ";");
                value.or_else(|| number.map(str::to_owned))
            })
        });
        match (found.next(), found.next()) {
            (Some(said), None) => text(said),
            _ => unknown(),
        }
    }
}
