//! Dockerfiles to images: stages with their steps, and what is in effect at each stage's end.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_source::{Derived, EntryKind, FileId, Span, TextRange};
use plimsoll_syntax::dockerfile::{self, Dockerfile, Instruction, Keyword, Word};
use plimsoll_syntax::{envvar, shell};

use super::cx::Cx;
use super::{purpose, run};
use crate::base;
use crate::built::Built;
use crate::delivery::Problem;
use crate::fact::{Fact, Why};
use crate::image::{
    Base, Config, Copy, CopyFrom, CopySource, Exec, HealthTest, Healthcheck, Ignore, Image, Run,
    Setting, Stage, Step, StepKind,
};
use crate::reference::ImageRef;

/// How many images of the repository may start from each other.
const MAX_BASES: usize = 8;

/// Every Dockerfile of the tree, in path order; contexts and builders are linked later.
pub(super) fn read(cx: &Cx<'_>) -> Vec<Image> {
    use rayon::prelude::*;
    let files: Vec<FileId> =
        cx.tree.entries().filter(|(_, entry)| is_dockerfile(entry)).map(|(id, _)| id).collect();
    files
        .into_par_iter()
        .filter(|&file| {
            purpose::of_path(cx.tree.path(file)).kind != crate::purpose::PurposeKind::Vendored
        })
        .filter_map(|file| {
            let text = cx.text(file, "Dockerfile")?;
            let mut image = lower(cx, file, cx.tree.path(file).to_owned(), &text);
            share(cx, &mut image);
            Some(image)
        })
        .collect()
}

/// Lets what an image runs be one with what others run.
pub(super) fn share(cx: &Cx<'_>, image: &mut Image) {
    for step in image.stages.iter_mut().flat_map(|stage| &mut stage.steps) {
        if let StepKind::Run(run) = &mut step.kind {
            cx.once(&mut run.script);
        }
    }
}

fn is_dockerfile(entry: &plimsoll_source::Entry) -> bool {
    matches!(entry.kind, EntryKind::File { .. })
        && entry.tracking != plimsoll_source::Tracking::Ignored
        && is_dockerfile_name(&entry.path)
}

/// Whether a file is a Dockerfile by its name: `Dockerfile`, `Dockerfile.worker`,
/// `api.Dockerfile`, `Containerfile`.
pub(crate) fn is_dockerfile_name(path: &str) -> bool {
    let lower = crate::path::name(path).to_ascii_lowercase();
    if [
        ".dockerignore",
        ".md",
        ".bak",
        ".orig",
        ".j2",
        ".tmpl",
        ".template",
        ".txt",
        ".rs",
        ".go",
        ".py",
        ".js",
        ".ts",
        ".sh",
        ".yml",
        ".yaml",
        ".json",
        ".erb",
        ".tpl",
        ".jinja",
        ".jinja2",
        ".mustache",
        ".hbs",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
    {
        return false;
    }
    ["dockerfile", "containerfile"].iter().any(|stem| {
        lower == *stem
            || lower.strip_prefix(stem).is_some_and(|rest| rest.starts_with(['.', '-', '_']))
            || lower.strip_suffix(stem).is_some_and(|rest| rest.ends_with('.'))
    })
}

/// One Dockerfile's text as an image whose builders are not known yet.
pub(super) fn lower(cx: &Cx<'_>, file: FileId, path: String, text: &Derived) -> Image {
    let parsed = dockerfile::parse(text);
    for error in &parsed.errors {
        cx.problem(Problem {
            span: error.span,
            message: error.message.clone(),
            what: "Dockerfile",
        });
    }
    let stages = filled(&parsed.tree, &Passed::new(), &|_| None);
    let target = stages.len().checked_sub(1);
    Image {
        file,
        purpose: purpose::of_path(&path),
        path,
        stages,
        target,
        context: Fact::Absent,
        ignore: Ignore::Unknown,
        builds: Vec::new(),
        names: Vec::new(),
        build_args: Vec::new(),
        shared: None,
        broken: parsed.errors.iter().any(|e| e.fatal),
        syntax: parsed.tree,
    }
}

/// Arguments that a build passes, by name: they win over an ARG's default.
type Passed = BTreeMap<String, Fact<String>>;

/// Reads the stages again, with the arguments that the image's builds pass.
pub(super) fn pass_arguments(image: &mut Image) {
    let passed = passed(image);
    if !passed.is_empty() {
        image.stages = filled(&image.syntax, &passed, &|_| None);
    }
}

/// Reads the stages again that start from images of this repository, bases first.
pub(super) fn start_from_ours(images: &mut [Image], built: &Built) {
    let bases: Vec<BTreeSet<usize>> = images
        .iter()
        .map(|image| {
            let ours = image.stages.iter().filter_map(|stage| built.base(&stage.base));
            ours.map(|id| id.0 as usize).collect()
        })
        .collect();
    let mut settled: Vec<bool> = bases.iter().map(BTreeSet::is_empty).collect();
    // Those that start from each other in a circle never settle.
    for _ in 0..MAX_BASES {
        let ready: Vec<usize> = (0..images.len())
            .filter(|&i| !settled[i])
            .filter(|&i| bases[i].iter().all(|&base| settled.get(base) == Some(&true)))
            .collect();
        if ready.is_empty() {
            return;
        }
        let shared: BTreeMap<usize, Arc<Image>> = ready
            .iter()
            .flat_map(|&i| &bases[i])
            .filter_map(|&base| Some((base, Arc::new(images.get(base)?.clone()))))
            .collect();
        for i in ready {
            settled[i] = true;
            let ours = |base: &Base| shared.get(&(built.base(base)?.0 as usize)).cloned();
            let stages = filled(&images[i].syntax, &passed(&images[i]), &ours);
            images[i].stages = stages;
        }
    }
}

/// What the builds of an image pass.
fn passed(image: &Image) -> Passed {
    let mut passed = Passed::new();
    for arg in &image.build_args {
        passed
            .entry(arg.name.clone())
            .and_modify(|before| {
                if before.known() != arg.value.known() {
                    *before = Fact::Unknown(Why::Conflicting, Some(arg.span));
                }
            })
            .or_insert_with(|| arg.value.clone());
    }
    passed
}

/// The image of this repository that a base is.
type Ours<'a> = &'a dyn Fn(&Base) -> Option<Arc<Image>>;

fn filled(syntax: &Dockerfile, passed: &Passed, ours: Ours<'_>) -> Vec<Stage> {
    let mut stages = stages(syntax, passed);
    for stage in &mut stages {
        stage.ours = ours(&stage.base);
    }
    for index in 0..stages.len() {
        let (before, rest) = stages.split_at_mut(index);
        if let Some(stage) = rest.first_mut() {
            fill(syntax, stage, before, passed);
        }
    }
    stages
}

/// The stages with their FROM read, in order; steps and settings are filled in afterwards.
fn stages(syntax: &Dockerfile, passed: &Passed) -> Vec<Stage> {
    let mut globals = Scope::new(syntax.escape, passed);
    let mut stages: Vec<Stage> = Vec::new();
    for (index, instruction) in syntax.instructions.iter().enumerate() {
        if let Some(last) = stages.last_mut() {
            last.end = index;
        }
        match instruction.keyword {
            Keyword::Arg if stages.is_empty() => globals.args(instruction),
            Keyword::From => stages.push(from(instruction, index, &globals, &stages)),
            _ => {}
        }
    }
    if let Some(last) = stages.last_mut() {
        last.end = syntax.instructions.len();
    }
    stages
}

fn from(instruction: &Instruction, index: usize, globals: &Scope<'_>, before: &[Stage]) -> Stage {
    let word = instruction.words.first();
    let name = match instruction.words.get(1..3) {
        Some([keyword, name]) if keyword.text.eq_ignore_ascii_case("as") => {
            Some(name.text.to_lowercase())
        }
        _ => None,
    };
    let written = word.map_or("", |w| &w.text);
    let base = match globals.expand(written) {
        Fact::Known { value, .. } => {
            let lower = value.to_lowercase();
            if value == "scratch" {
                Base::Scratch
            } else if let Some(i) = before.iter().rposition(|s| s.name.as_deref() == Some(&lower)) {
                Base::Stage(i)
            } else {
                ImageRef::parse(&value)
                    .map_or_else(|| Base::Dynamic(written.to_owned()), Base::External)
            }
        }
        _ => Base::Dynamic(written.to_owned()),
    };
    let base_arg = written.contains('$').then(|| globals.defined_by(written)).flatten();
    Stage {
        name,
        base,
        from: instruction.span,
        base_span: word.map_or(instruction.span, |w| w.span),
        base_arg,
        first: index,
        end: index + 1,
        steps: Vec::new(),
        config: Config::default(),
        ours: None,
    }
}

/// Reads a stage's instructions in order; `before` are the stages that it can start from.
fn fill(syntax: &Dockerfile, stage: &mut Stage, before: &[Stage], passed: &Passed) {
    let mut scope = Scope::new(syntax.escape, passed);
    for instruction in syntax.instructions.iter().take_while(|i| i.keyword != Keyword::From) {
        if instruction.keyword == Keyword::Arg {
            scope.globals(instruction);
        }
    }
    let inherited = stage.ours.as_ref().and_then(|image| image.final_stage());
    let mut config = match &stage.base {
        _ if inherited.is_some() => inherited.map(|s| s.config.clone()).unwrap_or_default(),
        Base::Stage(i) => before.get(*i).map(|s| s.config.clone()).unwrap_or_default(),
        Base::External(reference) => base::config(reference, stage.base_span),
        Base::Scratch => Config::default(),
        Base::Dynamic(_) => Config { base_unknown: true, ..Config::default() },
    };
    scope.open = !matches!(stage.base, Base::Scratch);
    for setting in &config.env {
        scope.set(
            &setting.name,
            setting.value.clone().unwrap_or_else(|| Fact::default_of(String::new())),
            setting.span,
        );
    }
    // The command that comes from the base image.
    let command = match inherited {
        Some(_) => config.cmd.as_ref().map_or(stage.base_span, |cmd| cmd.span),
        None => stage.base_span,
    };
    let mut workdir = config.workdir.clone().unwrap_or_else(|| "/".to_owned());
    let mut shell: Vec<String> = vec!["/bin/sh".to_owned(), "-c".to_owned()];
    let family = root_reference(stage, before).map(base::family);
    for index in stage.first + 1..stage.end {
        let Some(instruction) = syntax.instructions.get(index) else { break };
        let user = config.user.as_ref().and_then(|(user, _)| user.known().cloned());
        let mut kind = StepKind::Other;
        match instruction.keyword {
            Keyword::Env => {
                let settings = scope.settings(instruction);
                for setting in &settings {
                    config.env.retain(|s| s.name != setting.name);
                    config.env.push(setting.clone());
                }
                kind = StepKind::Env(settings);
            }
            Keyword::Arg => {
                scope.args(instruction);
                if let Some(pair) = instruction.pairs.first() {
                    let value = pair.value.as_ref().map(|w| scope.expand_word(w));
                    let name = pair.key.text.clone();
                    kind = StepKind::Arg(Box::new(Setting { name, value, span: pair.span }));
                }
            }
            Keyword::Workdir => {
                let text = instruction.args.text();
                match scope.expand(String::from_utf8_lossy(text).trim()) {
                    Fact::Known { value, .. } => {
                        workdir = absolute(&workdir, &value);
                        config.workdir = Some(workdir.clone());
                    }
                    _ => config.workdir = None,
                }
            }
            Keyword::User => {
                let text = String::from_utf8_lossy(instruction.args.text()).trim().to_owned();
                config.user = Some((at(scope.expand(&text), instruction.span), instruction.span));
            }
            Keyword::Expose => {
                config
                    .expose
                    .extend(instruction.words.iter().map(|w| (scope.expand_word(w), w.span)));
            }
            Keyword::Volume => {
                config.volumes.extend(instruction.words.iter().map(|w| (w.text.clone(), w.span)))
            }
            Keyword::StopSignal => {
                config.stop_signal =
                    instruction.words.first().map(|w| (w.text.clone(), instruction.span));
            }
            Keyword::Shell if instruction.json => {
                shell = instruction.words.iter().map(|w| w.text.clone()).collect();
            }
            Keyword::Entrypoint => {
                config.entrypoint = Some(exec(instruction, &shell));
                // ENTRYPOINT resets a CMD that came from the base image.
                if config.cmd.as_ref().is_some_and(|cmd| cmd.span == command) {
                    config.cmd = None;
                }
            }
            Keyword::Cmd => config.cmd = Some(exec(instruction, &shell)),
            Keyword::Healthcheck => config.healthcheck = healthcheck(instruction),
            Keyword::Copy | Keyword::Add => {
                kind = StepKind::Copy(Box::new(copy(instruction, &scope, &workdir, before)))
            }
            Keyword::Run => {
                kind =
                    StepKind::Run(Box::new(program(instruction, &shell, &workdir, &scope, family)));
            }
            _ => {}
        }
        stage.steps.push(Step {
            index,
            span: instruction.span,
            workdir: workdir.clone(),
            user,
            kind,
        });
    }
    stage.config = config;
}

fn root_reference<'a>(stage: &'a Stage, before: &'a [Stage]) -> Option<&'a ImageRef> {
    let mut root = stage;
    for _ in 0..=before.len() {
        if let Some(ours) = &root.ours {
            root = ours.origin(ours.target?)?;
        }
        match &root.base {
            Base::Stage(i) => root = before.get(*i)?,
            Base::External(reference) => return Some(reference),
            _ => return None,
        }
    }
    None
}

fn exec(instruction: &Instruction, shell: &[String]) -> Exec {
    let words = if instruction.json {
        instruction.words.iter().map(|w| (w.text.clone(), w.span)).collect()
    } else {
        let line = String::from_utf8_lossy(instruction.args.text()).trim().to_owned();
        vec![(line, instruction.args.whole())]
    };
    Exec { words, shell: !instruction.json, shell_words: shell.to_vec(), span: instruction.span }
}

fn healthcheck(instruction: &Instruction) -> Option<Healthcheck> {
    let setting = |name: &str| {
        let flag = instruction.flag(name)?;
        Some((flag.value.clone().unwrap_or_default(), flag.span))
    };
    let test = match &instruction.inner {
        Some(inner) if inner.json => {
            HealthTest::Exec(inner.words.iter().map(|w| w.text.clone()).collect())
        }
        Some(inner) => {
            HealthTest::Shell(String::from_utf8_lossy(inner.args.text()).trim().to_owned())
        }
        None if String::from_utf8_lossy(instruction.args.text())
            .trim()
            .eq_ignore_ascii_case("none") =>
        {
            HealthTest::Disabled
        }
        None => HealthTest::Unknown,
    };
    Some(Healthcheck {
        test,
        span: instruction.span,
        interval: setting("interval"),
        timeout: setting("timeout"),
        start_period: setting("start-period"),
        retries: setting("retries"),
    })
}

fn copy(instruction: &Instruction, scope: &Scope<'_>, workdir: &str, before: &[Stage]) -> Copy {
    let flag =
        |name: &str| instruction.flag(name).map(|f| (f.value.clone().unwrap_or_default(), f.span));
    let expanded = |value: (String, Span)| match scope.expand(&value.0) {
        Fact::Known { value: text, .. } => (text, value.1),
        _ => value,
    };
    let from = match flag("from") {
        None => CopyFrom::Context,
        Some((name, _)) => copy_from(&name, scope, before),
    };
    let add = instruction.keyword == Keyword::Add;
    let (sources, dest) = match instruction.words.split_last() {
        Some((dest, sources)) => (sources, Some(dest)),
        None => (&[][..], None),
    };
    let dest_fact = match dest {
        None => Fact::Absent,
        Some(word) => match scope.expand_word(word) {
            Fact::Known { value, .. } => {
                let directory =
                    value.ends_with('/') || matches!(&*value, "." | "..") || value.ends_with("/.");
                let mut path = absolute(workdir, &value);
                if directory && !path.ends_with('/') {
                    path.push('/');
                }
                Fact::declared(path, word.span)
            }
            other => other,
        },
    };
    let mut written = Vec::new();
    let mut files = Vec::new();
    for word in sources {
        if let Some(doc) = instruction.heredocs.iter().find(|h| h.span == word.span) {
            if let Some(dest) = dest_fact.known() {
                let path =
                    if dest.ends_with('/') { format!("{dest}{}", doc.name) } else { dest.clone() };
                written.push((path, doc.body.clone()));
            }
            continue;
        }
        let (path, dynamic) = match scope.expand_word(word) {
            Fact::Known { value, .. } => (value, false),
            _ => (word.text.clone(), true),
        };
        let remote =
            add && (path.contains("://") || path.starts_with("git@") || path.ends_with(".git"));
        files.push(CopySource { path, span: word.span, remote, dynamic });
    }
    // A here-document's word may be left out of the words: its target is the destination then.
    if written.is_empty() && files.is_empty() {
        for doc in &instruction.heredocs {
            if let Some(dest) = dest_fact.known() {
                let path =
                    if dest.ends_with('/') { format!("{dest}{}", doc.name) } else { dest.clone() };
                written.push((path, doc.body.clone()));
            }
        }
    }
    Copy {
        add,
        from,
        sources: files,
        written,
        dest: dest_fact,
        chown: flag("chown").map(expanded),
        chmod: flag("chmod"),
        checksum: flag("checksum").is_some(),
        parents: flag("parents").is_some(),
        exclude: instruction
            .flags
            .iter()
            .filter(|f| f.name == "exclude")
            .filter_map(|f| f.value.clone())
            .collect(),
    }
}

fn copy_from(name: &str, scope: &Scope<'_>, before: &[Stage]) -> CopyFrom {
    let Fact::Known { value, .. } = scope.expand(name) else {
        return CopyFrom::Dynamic(name.to_owned());
    };
    let lower = value.to_lowercase();
    if let Some(index) = before.iter().rposition(|s| s.name.as_deref() == Some(&lower)) {
        return CopyFrom::Stage(index);
    }
    match value.parse::<usize>() {
        Ok(index) if index < before.len() => CopyFrom::Stage(index),
        _ => CopyFrom::Image(value),
    }
}

fn program(
    instruction: &Instruction,
    shell_words: &[String],
    workdir: &str,
    scope: &Scope<'_>,
    family: Option<base::Family>,
) -> Run {
    let mounts: Vec<(String, Span)> = instruction
        .flags
        .iter()
        .filter(|f| f.name == "mount")
        .map(|f| (f.value.clone().unwrap_or_default(), f.span))
        .collect();
    let words: Vec<&str> = instruction.words.iter().map(|w| &*w.text).collect();
    let (text, exec) = match (instruction.json, &*words) {
        // `["sh", "-c", "line"]` runs a shell program all the same.
        (true, [program, flags, _])
            if is_shell(program) && flags.starts_with('-') && flags.contains('c') =>
        {
            (joined(&instruction.words[2..], instruction.span), false)
        }
        (true, _) => (joined(&instruction.words, instruction.span), true),
        // `RUN <<EOF` alone: the body is the program.
        (false, _) if instruction.heredocs.len() == 1 && is_one_document(instruction) => {
            (instruction.heredocs[0].body.clone(), false)
        }
        (false, _) => (with_documents(instruction), false),
    };
    let own = instruction.words.get(..2).filter(|_| instruction.json && !exec);
    let own: Option<Vec<String>> = own.map(|words| words.iter().map(|w| w.text.clone()).collect());
    let dialect = if shell_words.first().is_some_and(|s| s.contains("bash")) {
        shell::Dialect::Bash
    } else {
        shell::Dialect::default()
    };
    let script = Arc::new(shell::parse(text.text(), dialect));
    let variables = |name: &str| scope.value(name);
    let effects = run::effects(&run::Program {
        text: &text,
        script: &script,
        shell: own.as_deref().unwrap_or(shell_words),
        workdir,
        mounts: &mounts,
        family,
        variables: &variables,
    });
    Run { text, script, mounts, shell: shell_words.to_vec(), exec, effects }
}

/// Whether a RUN's text is `<<EOF` and nothing more.
fn is_one_document(instruction: &Instruction) -> bool {
    let text = instruction.args.text().trim_ascii();
    text.starts_with(b"<<") && !text.iter().any(|b| b.is_ascii_whitespace() || b";&|>".contains(b))
}

/// A RUN's text with the here-documents that its commands read, as the shell gets it.
fn with_documents(instruction: &Instruction) -> Derived {
    if instruction.heredocs.is_empty() {
        return instruction.args.clone();
    }
    let mut builder = plimsoll_source::DerivedBuilder::new();
    let args = &instruction.args;
    builder.append(args, TextRange::of(0, args.text().len()));
    for doc in &instruction.heredocs {
        builder.computed(b"\n", doc.span);
        builder.append(&doc.body, TextRange::of(0, doc.body.text().len()));
        builder.computed(doc.name.as_bytes(), doc.span);
    }
    builder.finish(instruction.span)
}

fn is_shell(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash" | "zsh"))
}

/// The words of an exec form as one shell-quoted line that maps back to them.
fn joined(words: &[Word], fallback: Span) -> Derived {
    let mut builder = plimsoll_source::DerivedBuilder::new();
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            builder.computed(b" ", word.span);
        }
        let plain =
            word.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&b));
        if plain && !word.text.is_empty() || words.len() == 1 {
            builder.computed(word.text.as_bytes(), word.span);
        } else {
            builder
                .computed(format!("'{}'", word.text.replace('\'', r"'\''")).as_bytes(), word.span);
        }
    }
    builder.finish(fallback)
}

/// A path in an image, made absolute against the working directory and normalised.
pub(crate) fn absolute(workdir: &str, path: &str) -> String {
    if path.starts_with('/') && plimsoll_source::is_normal(path) {
        return path.to_owned();
    }
    let base = if path.starts_with('/') { "" } else { workdir };
    let mut out = String::with_capacity(base.len() + path.len() + 2);
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => out.truncate(out.rfind('/').unwrap_or(0)),
            part => {
                out.push('/');
                out.push_str(part);
            }
        }
    }
    if out.is_empty() {
        out.push('/');
    }
    out
}

fn at(fact: Fact<String>, span: Span) -> Fact<String> {
    match fact {
        Fact::Known { value, how, .. } => Fact::Known { value, at: crate::Origin::at(span), how },
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why, _) => Fact::Unknown(why, Some(span)),
    }
}

/// The variables in scope.
struct Scope<'p> {
    escape: u8,
    passed: &'p Passed,
    values: BTreeMap<String, (Fact<String>, Span)>,
    globals: BTreeMap<String, (Fact<String>, Span)>,
    /// A base image may set variables that the Dockerfile does not.
    open: bool,
}

/// Set by the builder, different on each machine.
const PREDEFINED: [&str; 8] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
];

impl<'p> Scope<'p> {
    fn new(escape: u8, passed: &'p Passed) -> Self {
        Self { escape, passed, values: BTreeMap::new(), globals: BTreeMap::new(), open: false }
    }

    fn set(&mut self, name: &str, value: Fact<String>, span: Span) {
        self.values.insert(name.to_owned(), (value, span));
    }

    /// `ARG` before the first FROM: only what a later `ARG name` brings into a stage.
    fn globals(&mut self, instruction: &Instruction) {
        for pair in &instruction.pairs {
            let passed = self.passed.get(&pair.key.text).cloned();
            let value = match (passed, &pair.value) {
                (Some(value), _) => value,
                (None, Some(word)) => {
                    std::mem::swap(&mut self.values, &mut self.globals);
                    let value = self.expand_word(word);
                    std::mem::swap(&mut self.values, &mut self.globals);
                    value
                }
                (None, None) => Fact::Unknown(Why::Dynamic, Some(pair.span)),
            };
            self.globals.insert(pair.key.text.clone(), (value, pair.span));
        }
    }

    fn args(&mut self, instruction: &Instruction) {
        for pair in &instruction.pairs {
            let passed = self.passed.get(&pair.key.text).cloned();
            let value = match (passed, &pair.value) {
                (Some(value), _) => value,
                (None, Some(word)) => self.expand_word(word),
                (None, None) => match self.globals.get(&pair.key.text) {
                    Some((value, _)) => value.clone(),
                    None => Fact::Unknown(Why::Dynamic, Some(pair.span)),
                },
            };
            // An ENV of the same name wins over an ARG; ENVs are set afterwards or from the base.
            self.set(&pair.key.text, value, pair.span);
        }
    }

    fn settings(&mut self, instruction: &Instruction) -> Vec<Setting> {
        // All pairs of one ENV see the values from before it.
        let settings: Vec<Setting> = instruction
            .pairs
            .iter()
            .map(|pair| Setting {
                name: pair.key.text.clone(),
                value: pair.value.as_ref().map(|w| self.expand_word(w)),
                span: pair.span,
            })
            .collect();
        for setting in &settings {
            if let Some(value) = &setting.value {
                self.set(&setting.name, value.clone(), setting.span);
            }
        }
        settings
    }

    fn value(&self, name: &str) -> Option<String> {
        self.values.get(name).and_then(|(value, _)| value.known().cloned())
    }

    /// Where the first variable of `word` that is known here was given its value.
    fn defined_by(&self, word: &str) -> Option<Span> {
        let found = Cell::new(None);
        let _ = envvar::expand(word, self.escape, &|name| {
            let known = self.values.get(name);
            if let (Some((_, span)), None) = (known, found.get()) {
                found.set(Some(*span));
            }
            known.and_then(|(value, _)| value.known().cloned())
        });
        found.get()
    }

    fn expand_word(&self, word: &Word) -> Fact<String> {
        at(self.expand(&word.text), word.span)
    }

    fn expand(&self, word: &str) -> Fact<String> {
        let unknown = Cell::new(None);
        let expanded = envvar::expand(word, self.escape, &|name| match self.values.get(name) {
            Some((Fact::Known { value, .. }, _)) => Some(value.clone()),
            Some((Fact::Unknown(why, _), _)) => {
                unknown.set(Some(*why));
                None
            }
            Some((Fact::Absent, _)) => None,
            None if PREDEFINED.contains(&name) => {
                unknown.set(Some(Why::Dynamic));
                None
            }
            None if self.open => {
                // A base image may set it: PATH, NODE_VERSION.
                unknown.set(Some(Why::NeedsNetwork));
                None
            }
            None => None,
        });
        match (expanded, unknown.get()) {
            (Ok(expanded), None) => Fact::default_of(expanded.value),
            // The word that `:-` gives stands where the variable is not known to be set.
            (Ok(expanded), Some(_)) if word.contains(":-") && !expanded.value.is_empty() => {
                Fact::default_of(expanded.value)
            }
            (Ok(_), Some(why)) => Fact::Unknown(why, None),
            (Err(_), _) => Fact::Unknown(Why::Unparsed, None),
        }
    }
}

/// The whole of a file, to stand for it.
pub(super) fn whole(file: FileId, len: usize) -> Span {
    Span::new(file, TextRange::of(0, len))
}
