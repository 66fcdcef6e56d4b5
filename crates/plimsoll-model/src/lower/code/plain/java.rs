//! The files of a program in Java: which package an image starts, its classes, and their methods.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll_source::{EntryKind, FileId, Span, Tracking};
use plimsoll_syntax::tokens::{Dialect, Tokens, lex};

use super::super::graph::Graph;
use crate::entrypoint::Startup;
use crate::filesystem::{Filesystem, Found};
use crate::image::{CopyFrom, EffectKind, Image, StepKind};
use crate::package::{Ecosystem, Package};
use crate::path;

/// The most files of a program, and bytes of one, that are read.
const MAX_FILES: usize = 2_000;
const MAX_BYTES: usize = 1_000_000;
/// What says how a package is built.
const MANIFESTS: [&str; 3] = ["pom.xml", "build.gradle", "build.gradle.kts"];

/// The package whose archive an image starts, where all that it builds or copies is of one.
pub(super) fn started<'g>(
    graph: &'g Graph<'_>,
    image: &Image,
    startup: &Startup,
) -> Option<&'g Package> {
    let first = startup.app.first().map(|(word, _)| path::name(word));
    let archive = startup.app.iter().any(|(word, _)| word == "-jar" || word.ends_with("Launcher"));
    if first != Some("java") || !archive {
        return None;
    }
    let files = Filesystem::new(graph.delivery, image);
    let mut found: BTreeSet<Option<String>> = BTreeSet::new();
    // The package in whose directory of a stage an archive was built.
    let at = |stage: usize, before: usize, path: &str| {
        let dir = built_in(path)?;
        let manifest = MANIFESTS.iter().find_map(|name| {
            let path = format!("{}/{name}", dir.trim_end_matches('/'));
            match files.find_at(stage, before, &path) {
                Found::File { file, .. } => Some(file),
                _ => None,
            }
        });
        let own = |manifest| graph.delivery.packages.iter().find(|one| one.manifest == manifest);
        Some(manifest.and_then(own).map(|one| one.dir.clone()))
    };
    for index in image.stages_built() {
        let stage = image.stages.get(index)?;
        for (step, one) in stage.steps.iter().enumerate() {
            match &one.kind {
                StepKind::Copy(copy) => {
                    for source in &copy.sources {
                        match copy.from {
                            CopyFrom::Stage(from) => {
                                found.extend(at(from, usize::MAX, &source.path));
                            }
                            CopyFrom::Context if built_in(&source.path).is_some() => {
                                let context = image.context.known()?;
                                let dir = built_in(&source.path)?;
                                found.insert(path::join(context, dir.trim_start_matches('/')));
                            }
                            _ => {}
                        }
                    }
                }
                StepKind::Run(run) => {
                    for effect in &run.effects {
                        let words = match &effect.kind {
                            EffectKind::Other(words) | EffectKind::Place(words, _) => words,
                            _ => continue,
                        };
                        for word in words {
                            let path = crate::lower::absolute(&effect.workdir, word);
                            found.extend(at(index, step, &path));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let target = image.target?;
    let workdir = image.final_stage()?.config.workdir.clone().unwrap_or_else(|| "/".to_owned());
    for (word, _) in &startup.app {
        let path = crate::lower::absolute(&workdir, word);
        found.extend(at(target, usize::MAX, &path));
    }
    let mut found = found.into_iter();
    let dir = found.next().filter(|_| found.next().is_none())??;
    let is_own = |one: &&Package| one.dir == dir && one.ecosystem == Ecosystem::Java;
    graph.delivery.packages.iter().find(is_own)
}

/// The directory in whose `target` or `build/libs` a path is.
fn built_in(path: &str) -> Option<&str> {
    ["target/", "build/libs/"].iter().find_map(|output| {
        let at = path.rfind(output)?;
        let before = &path[..at];
        (before.is_empty() || before.ends_with('/')).then_some(before)
    })
}

/// The texts of packages, and whether these are all.
pub(super) struct Texts {
    files: Vec<(FileId, Arc<[u8]>)>,
    pub(super) whole: bool,
}

pub(super) fn texts(graph: &Graph<'_>, dirs: &[&str]) -> Texts {
    let mut texts = Texts { files: Vec::new(), whole: true };
    for dir in dirs {
        let Some(sources) = path::join(dir, "src/main") else { continue };
        for id in graph.cx.tree.under(&sources) {
            let entry = graph.cx.tree.entry(id);
            let is_source = entry.path.ends_with(".java") && entry.tracking != Tracking::Ignored;
            // Another language of the same machine.
            if entry.path.ends_with(".kt") || entry.path.ends_with(".groovy") {
                texts.whole = false;
            }
            if !is_source || !matches!(entry.kind, EntryKind::File { .. }) {
                continue;
            }
            let read = graph.cx.bytes(id).ok().filter(|bytes| bytes.len() <= MAX_BYTES);
            match read.filter(|_| texts.files.len() < MAX_FILES) {
                Some(bytes) => texts.files.push((id, bytes)),
                None => texts.whole = false,
            }
        }
    }
    texts
}

/// An annotation: `@GetMapping("/x")`.
#[derive(Clone, Debug)]
pub(super) struct Annotation {
    pub(super) name: String,
    /// The tokens between its brackets.
    pub(super) args: (usize, usize),
    /// Its own tokens, the last included.
    pub(super) tokens: (usize, usize),
}

/// A method with annotations.
pub(super) struct Method {
    pub(super) annotations: Vec<Annotation>,
    /// The brackets of its parameters, and its braces.
    pub(super) params: (usize, usize),
    pub(super) body: (usize, usize),
}

/// A class.
pub(super) struct Class {
    pub(super) annotations: Vec<Annotation>,
    /// It has another class or an interface above it.
    pub(super) inherits: bool,
    pub(super) methods: Vec<Method>,
}

/// A file.
pub(super) struct File<'t> {
    pub(super) id: FileId,
    pub(super) package: String,
    pub(super) tokens: Tokens<'t>,
    pub(super) classes: Vec<Class>,
}

impl Texts {
    pub(super) fn files(&self) -> Vec<File<'_>> {
        self.files.iter().map(|(id, bytes)| File::read(*id, bytes)).collect()
    }
}

impl<'t> File<'t> {
    fn read(id: FileId, bytes: &'t [u8]) -> Self {
        let tokens = lex(bytes, Dialect::Java);
        let mut file = Self { id, package: String::new(), tokens, classes: Vec::new() };
        let mut pending = Vec::new();
        let mut at = 0;
        while at < file.tokens.len() {
            match file.tokens.word(at) {
                "package" if file.package.is_empty() => {
                    at += 1;
                    while !matches!(file.tokens.word(at), ";" | "") {
                        file.package.push_str(file.tokens.word(at));
                        at += 1;
                    }
                }
                "@" if file.tokens.word(at + 1) != "interface" => {
                    let one = file.annotation(at);
                    at = one.tokens.1;
                    pending.push(one);
                }
                "class" => {
                    let open = (at..file.tokens.len()).find(|&one| file.tokens.word(one) == "{");
                    let Some(open) = open else { break };
                    let Some(close) = file.tokens.close(open) else { break };
                    let inherits = (at..open)
                        .any(|one| matches!(file.tokens.word(one), "extends" | "implements"));
                    let class = Class {
                        annotations: std::mem::take(&mut pending),
                        inherits,
                        methods: file.methods(open, close),
                    };
                    file.classes.push(class);
                    at = close;
                }
                "(" => at = file.tokens.close(at).unwrap_or(at),
                "{" => {
                    pending.clear();
                    at = file.tokens.close(at).unwrap_or(at);
                }
                ";" => pending.clear(),
                _ => {}
            }
            at += 1;
        }
        file
    }

    fn annotation(&self, at: usize) -> Annotation {
        let mut last = at + 1;
        while self.tokens.word(last + 1) == "." && self.tokens.name(last + 2).is_some() {
            last += 2;
        }
        let name = self.tokens.word(last).to_owned();
        match self.tokens.close(last + 1).filter(|_| self.tokens.word(last + 1) == "(") {
            Some(close) => Annotation { name, args: (last + 2, close), tokens: (at, close) },
            None => Annotation { name, args: (last, last), tokens: (at, last) },
        }
    }

    fn methods(&self, open: usize, close: usize) -> Vec<Method> {
        let (mut found, mut pending, mut params) = (Vec::new(), Vec::new(), None);
        let mut at = open + 1;
        while at < close {
            match self.tokens.word(at) {
                "@" if self.tokens.word(at + 1) != "interface" => {
                    let one = self.annotation(at);
                    at = one.tokens.1;
                    pending.push(one);
                }
                "(" => {
                    let end = self.tokens.close(at).unwrap_or(at);
                    params = params.or(Some((at, end)));
                    at = end;
                }
                "{" => {
                    let end = self.tokens.close(at).unwrap_or(at);
                    let annotations = std::mem::take(&mut pending);
                    if let Some(params) = params.take().filter(|_| !annotations.is_empty()) {
                        found.push(Method { annotations, params, body: (at, end) });
                    }
                    at = end;
                }
                ";" => {
                    pending.clear();
                    params = None;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    pub(super) fn span(&self, (from, last): (usize, usize)) -> Span {
        Span::new(self.id, self.tokens.range(from, last))
    }

    /// The names and keywords among tokens.
    pub(super) fn words(&self, (from, end): (usize, usize)) -> impl Iterator<Item = &'t str> {
        (from..end).filter_map(|at| self.tokens.name(at))
    }

    /// What an annotation is given: key (`value` for none) and tokens.
    pub(super) fn given(&self, one: &Annotation) -> Vec<(&'t str, (usize, usize))> {
        let (mut found, mut start, mut at) = (Vec::new(), one.args.0, one.args.0);
        while at <= one.args.1 && one.args.0 < one.args.1 {
            if at == one.args.1 || self.tokens.word(at) == "," {
                let named = self.tokens.word(start + 1) == "=";
                let key = if named { self.tokens.word(start) } else { "value" };
                found.push((key, (if named { start + 2 } else { start }, at)));
                start = at + 1;
            }
            at = self.tokens.close(at).map_or(at + 1, |close| close + 1);
        }
        found
    }

    /// The literals of `"a"` or `{"a", "b"}`; nothing where it is anything else.
    pub(super) fn literals(&self, (from, end): (usize, usize)) -> Option<Vec<String>> {
        if end == from + 1 {
            return Some(vec![self.tokens.text(from)?]);
        }
        let list = self.tokens.word(from) == "{" && self.tokens.close(from) == Some(end - 1);
        let items = (from + 1..end - 1).filter(|&at| self.tokens.word(at) != ",");
        items.map(|at| self.tokens.text(at)).collect::<Option<Vec<_>>>().filter(|_| list)
    }
}
