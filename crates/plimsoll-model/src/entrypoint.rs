//! The entrypoint: what is PID 1 in each phase of a container's life, and what runs before the app.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_source::{Derived, DerivedBuilder, FileId, Span, TextRange};
use plimsoll_syntax::shell::{
    self, Command, CommandId, CommandKind, Connector, Dialect, Item, ListId, PartKind, Script,
    WordId,
};

use crate::Delivery;
use crate::container::{Container, EnvValue};
use crate::fact::Why;
use crate::filesystem::{Filesystem, Found};
use crate::image::{Base, EffectKind, Exec, Image, StepKind};
use crate::migration::is_migrate_command;
use crate::package::Package;

/// What starts in a container of an image, phase by phase.
#[derive(Clone, Debug)]
pub struct Startup {
    /// ENTRYPOINT, CMD or the descriptor's override: where it stands.
    pub at: Span,
    /// What is PID 1, in order: first the wrapper, last the application.
    pub phases: Vec<Phase>,
    /// The entrypoint script, where there is one that could be read.
    pub script: Option<EntryScript>,
    /// Commands that run before the application, in order.
    pub before: Vec<BeforeStart>,
    /// The application's words after all wrappers (`node dist/index.js`); empty when unknown.
    pub app: Vec<(String, Span)>,
    /// Where a script starts the application as its child and stays before it: signals end there.
    pub below_shell: Option<Span>,
    /// Why parts are not known, where they are not.
    pub unknown: Option<(Why, Span)>,
}

/// One phase: who is PID 1.
#[derive(Clone, Debug)]
pub struct Phase {
    /// PID 1 in it.
    pub pid1: Pid1,
    /// The words that started it.
    pub span: Span,
    /// Whether other commands run under it while it lasts (a wrapper that runs migrations).
    pub runs_commands: bool,
}

/// Who is PID 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pid1 {
    /// An init: `tini`, `dumb-init`, `catatonit`, `s6` …, or the platform's (`init: true`).
    Init(String),
    /// A shell: a script, or a shell-form command that does not `exec`.
    Shell,
    /// The application itself.
    App(String),
    /// Not known.
    Unknown(Why),
}

/// The entrypoint script.
#[derive(Clone, Debug)]
pub struct EntryScript {
    /// Its path in the image.
    pub path: String,
    /// Where it comes from.
    pub source: ScriptSource,
    /// Its text, which maps back to the real file.
    pub text: Derived,
    /// The program; equal texts share one.
    pub script: Arc<Script>,
    /// `set -e` is in effect (shebang or command), and where.
    pub errexit: Option<Span>,
    /// It ends in `exec "$@"` (or an `exec` of the application), and where.
    pub exec: Option<Span>,
}

/// Where an entrypoint script comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptSource {
    /// A file of the tree.
    Tracked(FileId),
    /// RUN instructions (or a COPY here-document) write it: the first of them.
    Generated(Span),
}

/// A command that runs before the application.
#[derive(Clone, Debug)]
pub struct BeforeStart {
    /// Its words, as far as literal.
    pub words: Vec<String>,
    /// Where it stands.
    pub span: Span,
    /// Whether it migrates a database (directly or through a package script).
    pub migrates: bool,
    /// What happens when it fails.
    pub on_failure: OnFailure,
    /// The command waits for something or runs long: migrations, `wait-for-it`, `sleep`, builds.
    pub long: bool,
    /// It is the condition of an `if` or a loop: its failure is an answer.
    pub asked: bool,
}

/// What happens when a command before the application fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The start ends with a failure: by `set -e`, `|| exit`, `&&` before the exec; where that is said.
    Stops(Span),
    /// The failure is swallowed, and where (`|| true`, `set +e`, `;` without `set -e`).
    Ignored(Span),
    /// It cannot be told.
    Unknown(Why),
}

/// Inits: the programs that are made to be PID 1.
const INITS: [&str; 8] = [
    "tini",
    "tini-static",
    "dumb-init",
    "catatonit",
    "docker-init",
    "s6-svscan",
    "pid1",
    "podman-init",
];
/// Programs that replace themselves with the rest of their words.
const EXECUTORS: [&str; 7] = ["gosu", "su-exec", "setpriv", "nice", "chpst", "exec", "env"];
/// Shells by name.
const SHELLS: [&str; 5] = ["sh", "bash", "ash", "dash", "zsh"];

/// ENTRYPOINT and CMD in effect for an image's target, or for a container that overrides them.
#[must_use]
pub fn commands<'a>(
    image: &'a Image,
    container: Option<&'a Container>,
) -> (Option<&'a Exec>, Option<&'a Exec>) {
    let config = image.final_stage().map(|stage| &stage.config);
    let own = container.and_then(|c| c.entrypoint.as_ref());
    let entrypoint = own.or(config.and_then(|c| c.entrypoint.as_ref()));
    let command = match container.and_then(|c| c.command.as_ref()) {
        Some(command) => Some(command),
        // An overridden entrypoint clears the image's command.
        None if own.is_some() => None,
        None => config.and_then(|c| c.cmd.as_ref()),
    };
    (entrypoint, command)
}

/// What starts in a container of `image`; `container` may override entrypoint, command and init.
#[must_use]
pub fn startup(
    delivery: &Delivery,
    image: &Image,
    container: Option<&Container>,
    package: Option<&Package>,
) -> Option<Startup> {
    let stage = image.target?;
    let (entrypoint, command) = commands(image, container);
    // What a base sets stands nowhere here: shown is what this repository says.
    let base = image.root_base(stage).map(|root| root.base_span);
    let own = entrypoint.into_iter().chain(command).find(|exec| Some(exec.span) != base);
    let at = own.or(entrypoint).or(command)?.span;
    let words = match entrypoint {
        Some(exec) if exec.shell => shell_form(exec),
        Some(exec) => {
            let mut words = exec.words.clone();
            if let Some(command) = command {
                words.extend(if command.shell {
                    shell_form(command)
                } else {
                    command.words.clone()
                });
            }
            words
        }
        None => command
            .map(|c| if c.shell { shell_form(c) } else { c.words.clone() })
            .unwrap_or_default(),
    };
    let mut walk = Walk {
        delivery,
        image,
        stage,
        package,
        startup: Startup {
            at,
            phases: Vec::new(),
            script: None,
            before: Vec::new(),
            app: Vec::new(),
            below_shell: None,
            unknown: None,
        },
        settled: false,
        depth: 0,
        environment: container.and_then(|container| environment(image, container)),
    };
    if let Some(init) = container.map(|c| &c.init)
        && init.known() == Some(&true)
    {
        walk.phase(Pid1::Init("docker-init".to_owned()), init.span().unwrap_or(at), false);
        walk.settled = true;
    }
    walk.words(&words);
    Some(walk.startup)
}

fn shell_form(exec: &Exec) -> Vec<(String, Span)> {
    let mut words: Vec<(String, Span)> =
        exec.shell_words.iter().map(|w| (w.clone(), exec.span)).collect();
    if words.is_empty() {
        words = vec![("/bin/sh".to_owned(), exec.span), ("-c".to_owned(), exec.span)];
    }
    words.extend(exec.words.iter().cloned());
    words
}

/// A line as a text: byte for byte where it stands so in the file.
fn line_text(line: &str, at: Span) -> Derived {
    let mut builder = DerivedBuilder::new();
    if line.len() == at.range.len() as usize {
        builder.copy(line.as_bytes(), at);
    } else {
        builder.computed(line.as_bytes(), at);
    }
    builder.finish(at)
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

struct Walk<'a> {
    delivery: &'a Delivery,
    image: &'a Image,
    stage: usize,
    package: Option<&'a Package>,
    startup: Startup,
    /// PID 1 is who it will be to the end: an init, or a shell that does not `exec`.
    settled: bool,
    depth: usize,
    environment: Option<Environment>,
}

impl Walk<'_> {
    fn phase(&mut self, pid1: Pid1, span: Span, runs_commands: bool) {
        self.startup.phases.push(Phase { pid1, span, runs_commands });
    }

    /// A process is started as PID 1, or in the place of the one that was.
    fn becomes(&mut self, pid1: Pid1, span: Span, runs_commands: bool) {
        if self.settled {
            return;
        }
        self.settled = matches!(pid1, Pid1::Init(_));
        self.phase(pid1, span, runs_commands);
    }

    fn unknown(&mut self, why: Why, span: Span) {
        self.becomes(Pid1::Unknown(why), span, false);
        self.startup.unknown.get_or_insert((why, span));
    }

    /// Follows an argument vector to the application.
    fn words(&mut self, words: &[(String, Span)]) {
        let Some(((first, span), rest)) = words.split_first() else { return };
        self.depth += 1;
        if self.depth > 16 {
            return self.unknown(Why::TooLarge, *span);
        }
        let name = base_name(first);
        if first.contains('$') {
            self.unknown(Why::Dynamic, *span);
        } else if INITS.contains(&name) || first == "/init" {
            self.becomes(Pid1::Init(name.to_owned()), *span, false);
            self.words(after_options(name, rest));
        } else if EXECUTORS.contains(&name) {
            self.words(after_executor(name, rest));
        } else if name == "busybox" {
            self.words(rest);
        } else if SHELLS.contains(&name) {
            self.shell(words);
        } else {
            match self.script_at(first, *span) {
                Located::Is(script) => self.script(*script, rest, *span),
                Located::Transparent => self.words(rest),
                Located::NotShell => self.app(words),
                Located::Unknown(why, at) => {
                    self.unknown(why, at);
                    self.startup.app = rest.to_vec();
                }
            }
        }
    }

    fn app(&mut self, words: &[(String, Span)]) {
        if let Some((first, span)) = words.first() {
            self.becomes(Pid1::App(base_name(first).to_owned()), *span, false);
            self.startup.app = words.to_vec();
        }
    }

    /// `sh -c line …` or `sh script …`.
    fn shell(&mut self, words: &[(String, Span)]) {
        let Some((_, span)) = words.first() else { return };
        let mut errexit = false;
        let mut index = 1;
        while let Some((word, at)) = words.get(index) {
            if !word.starts_with(['-', '+']) || word == "--" {
                break;
            }
            errexit |= word.starts_with('-') && !word.starts_with("--") && word.contains('e');
            if word.starts_with('-') && !word.starts_with("--") && word.contains('c') {
                let Some((line, line_at)) = words.get(index + 1) else {
                    return self.unknown(Why::Unparsed, *at);
                };
                let text = line_text(line, *line_at);
                let script = Arc::new(shell::parse(text.text(), Dialect::Bash));
                let entry = EntryScript {
                    path: "-c".to_owned(),
                    source: ScriptSource::Generated(*line_at),
                    errexit: errexit.then_some(*at),
                    exec: None,
                    text,
                    script,
                };
                // `sh -c "exec x"` is x from the start.
                return self.program(
                    entry,
                    words.get(index + 3..).unwrap_or_default(),
                    *span,
                    false,
                );
            }
            index += 1;
        }
        match words.get(index) {
            Some((path, at)) => match self.script_at(path, *at) {
                Located::Is(mut script) => {
                    script.errexit = script.errexit.or(errexit.then_some(*span));
                    self.script(*script, words.get(index + 1..).unwrap_or_default(), *at);
                }
                Located::Unknown(why, at) => self.unknown(why, at),
                Located::Transparent | Located::NotShell => self.unknown(Why::NeedsBuild, *at),
            },
            None => self.app(words),
        }
    }

    fn script(&mut self, script: EntryScript, args: &[(String, Span)], span: Span) {
        self.program(script, args, span, true);
    }

    /// A shell program: what it runs before it becomes (or runs) the application. `keep`: it is a
    /// script of its own, not a line for `-c`.
    fn program(&mut self, mut entry: EntryScript, args: &[(String, Span)], span: Span, keep: bool) {
        let Some(root) = entry.script.root else { return self.unknown(Why::Unparsed, span) };
        let (steps, errexit) = followed(&entry, root, self.environment.as_ref(), self.package);
        entry.errexit = errexit;
        let app = application(&steps);
        let execs = app.is_some_and(|app| app.exec.is_some());
        let before = app.and_then(|app| steps.iter().position(|step| std::ptr::eq(step, app)));
        let before = steps.get(..before.unwrap_or(steps.len())).unwrap_or_default();
        // An `exec` in a branch is another way out.
        let before: Vec<&Step> = before.iter().filter(|step| step.exec.is_none()).collect();
        let runs_commands = before.iter().any(|step| step.long(self.package));
        if keep || !execs || !before.is_empty() {
            self.becomes(Pid1::Shell, span, runs_commands);
        }
        self.startup.before.extend(before.iter().map(|step| step.before(self.package)));
        let mut next: Vec<(String, Span)> = Vec::new();
        for (word, at) in app.map_or(&[][..], |app| &app.placed) {
            match &**word {
                "$@" | "$*" => next.extend(args.iter().cloned()),
                _ => next.push((word.clone(), *at)),
            }
        }
        entry.exec = app.and_then(|app| app.exec);
        if keep && self.startup.script.is_none() {
            self.startup.script = Some(entry);
        }
        if !execs {
            // The shell stays; the application is its child.
            self.settled = true;
            if keep && let Some(app) = app {
                self.startup.below_shell.get_or_insert(app.span);
            }
        } else if next.is_empty() {
            self.unknown(Why::NeedsRun, span);
        }
        self.words(&next);
    }

    /// The shell script at a path of the image.
    fn script_at(&self, path: &str, span: Span) -> Located {
        let config = self.image.stages.get(self.stage).map(|stage| &stage.config);
        let workdir = config.and_then(|c| c.workdir.clone()).unwrap_or_else(|| "/".to_owned());
        let fs = Filesystem::new(self.delivery, self.image);
        let candidates: Vec<String> = if path.contains('/') {
            vec![crate::lower::absolute(&workdir, path)]
        } else {
            ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/bin"]
                .iter()
                .map(|dir| format!("{dir}/{path}"))
                .collect()
        };
        let mut doubt = None;
        for candidate in &candidates {
            match fs.find(self.stage, candidate) {
                Found::File { file, .. } => return self.tree_script(file, candidate),
                Found::Made { .. } => {
                    if let Some(script) = self.generated(candidate) {
                        return Located::Is(Box::new(script));
                    }
                    doubt.get_or_insert((Why::NeedsBuild, span));
                }
                Found::Built { .. } => return Located::NotShell,
                Found::Unknown(why, at) => {
                    doubt.get_or_insert((why, at.unwrap_or(span)));
                }
                Found::Directory { .. } | Found::Absent => {}
            }
        }
        // The entrypoint of a known base ends in `exec "$@"`.
        let base = self.image.origin(self.stage).map(|s| &s.base);
        if let Some(Base::External(reference)) = base
            && crate::base::known(reference)
                .is_some_and(|row| row.entrypoint.first() == Some(&path))
        {
            return Located::Transparent;
        }
        // A name without a slash is a program on the PATH; a path that nothing brought is one of
        // the base's, where it is one of its system directories.
        match doubt {
            Some((why, at)) if path.ends_with(".sh") || path.contains("entrypoint") => {
                Located::Unknown(why, at)
            }
            _ if path.ends_with(".sh") => Located::Unknown(Why::NeedsBuild, span),
            _ => Located::NotShell,
        }
    }

    fn tree_script(&self, file: FileId, path: &str) -> Located {
        let Ok(bytes) = self.delivery.tree.read(file) else { return Located::NotShell };
        let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first).into_owned();
        let is_shell = if first.starts_with("#!") {
            SHELLS.iter().any(|s| first.split([' ', '/', '\r']).any(|part| part == *s))
        } else {
            path.ends_with(".sh")
        };
        if !is_shell {
            return Located::NotShell;
        }
        let text =
            Derived::verbatim(bytes.to_vec(), Span::new(file, TextRange::of(0, bytes.len())));
        let script = Arc::new(shell::parse(text.text(), Dialect::Bash));
        Located::Is(Box::new(EntryScript {
            path: path.to_owned(),
            source: ScriptSource::Tracked(file),
            text,
            script,
            errexit: None,
            exec: None,
        }))
    }

    /// A script that RUN instructions or a COPY here-document write.
    fn generated(&self, path: &str) -> Option<EntryScript> {
        let mut builder = DerivedBuilder::new();
        let mut first: Option<Span> = None;
        for step in self.image.steps_with_bases(self.stage) {
            match &step.kind {
                StepKind::Run(run) => {
                    for effect in &run.effects {
                        if let EffectKind::Write { path: written, text, append, dynamic } =
                            &effect.kind
                            && written == path
                        {
                            if *dynamic {
                                return None;
                            }
                            if !append {
                                builder = DerivedBuilder::new();
                                first = None;
                            }
                            first.get_or_insert(effect.span);
                            builder.append(text, TextRange::of(0, text.text().len()));
                        }
                    }
                }
                StepKind::Copy(copy) => {
                    if let Some((_, text)) =
                        copy.written.iter().find(|(written, _)| written == path)
                    {
                        builder = DerivedBuilder::new();
                        first = Some(text.whole());
                        builder.append(text, TextRange::of(0, text.text().len()));
                    }
                }
                _ => {}
            }
        }
        let first = first?;
        let text = builder.finish(first);
        let script = Arc::new(shell::parse(text.text(), Dialect::Bash));
        Some(EntryScript {
            path: path.to_owned(),
            source: ScriptSource::Generated(first),
            text,
            script,
            errexit: None,
            exec: None,
        })
    }
}

/// What a line of a package's script runs before the last of its commands, which is the
/// application; `at` is its place.
#[must_use]
pub fn before_last(line: &str, at: Span, package: Option<&Package>) -> Vec<BeforeStart> {
    let text = line_text(line, at);
    let script = shell::parse(text.text(), Dialect::Bash);
    let Some(root) = script.root else { return Vec::new() };
    let entry = EntryScript {
        path: "-c".to_owned(),
        source: ScriptSource::Generated(at),
        errexit: None,
        exec: None,
        text,
        script: script.into(),
    };
    let (steps, _) = followed(&entry, root, None, package);
    let app = application(&steps);
    let before = steps.iter().take_while(|step| !app.is_some_and(|app| std::ptr::eq(*step, app)));
    before.map(|step| step.before(package)).collect()
}

/// The commands of a program in the order in which they run, and whether `set -e` is in effect at
/// its end. Of what is only substituted into other commands, migrations alone are commands.
fn followed(
    entry: &EntryScript,
    root: ListId,
    environment: Option<&Environment>,
    package: Option<&Package>,
) -> (Vec<Step>, Option<Span>) {
    let mut flow = Flow {
        errexit: entry.errexit.or(shebang_errexit(entry)),
        pipefail: None,
        trap: None,
        substituted: false,
        steps: Vec::new(),
        environment,
    };
    flow.list(entry, root, &Around::default());
    let mut steps = flow.steps;
    steps.retain(|step| !step.substituted || migrates(&step.words, package));
    (steps, flow.errexit)
}

/// What a word that should be a program turns out to be.
enum Located {
    /// A shell script.
    Is(Box<EntryScript>),
    /// A known base's entrypoint that becomes its arguments.
    Transparent,
    /// Some other program.
    NotShell,
    /// It cannot be read.
    Unknown(Why, Span),
}

fn after_options<'w>(name: &str, words: &'w [(String, Span)]) -> &'w [(String, Span)] {
    let takes_value = |word: &str| match name {
        "tini" | "tini-static" | "docker-init" => matches!(word, "-p" | "-e"),
        "dumb-init" => matches!(word, "-r" | "--rewrite"),
        _ => false,
    };
    let mut index = 0;
    while let Some((word, _)) = words.get(index) {
        if word == "--" {
            return words.get(index + 1..).unwrap_or_default();
        }
        if !word.starts_with('-') {
            break;
        }
        index += if takes_value(word) { 2 } else { 1 };
    }
    words.get(index..).unwrap_or_default()
}

fn after_executor<'w>(name: &str, words: &'w [(String, Span)]) -> &'w [(String, Span)] {
    let takes_value = |word: &str| match name {
        "nice" => word == "-n",
        "chpst" => matches!(word, "-u" | "-U" | "-b" | "-e" | "-/" | "-n" | "-l" | "-L"),
        "setpriv" => matches!(word, "--reuid" | "--regid" | "--groups"),
        "env" => matches!(word, "-u" | "-C"),
        "exec" => word == "-a",
        _ => false,
    };
    let mut index = 0;
    while let Some((word, _)) = words.get(index) {
        let option = word.starts_with('-') || name == "env" && word.contains('=');
        if word == "--" {
            index += 1;
            break;
        }
        if !option {
            break;
        }
        index += if takes_value(word) { 2 } else { 1 };
    }
    if matches!(name, "gosu" | "su-exec") {
        index += 1; // The user.
    }
    words.get(index..).unwrap_or_default()
}

/// The variables of a container's environment; `None` where the value is not known. What is not
/// among them is not set.
type Environment = BTreeMap<String, Option<String>>;

/// The environment of a container, where all that sets it is read.
fn environment(image: &Image, container: &Container) -> Option<Environment> {
    if container.hides_variables().is_some() {
        return None;
    }
    let config = &image.final_stage()?.config;
    let of_image = config.env.iter().map(|setting| {
        let value = setting.value.as_ref().and_then(|value| value.known().cloned());
        (setting.name.clone(), value)
    });
    let own = container.env.iter().map(|var| {
        let value = match &var.value {
            EnvValue::Literal(text) => Some(text.clone()),
            _ => None,
        };
        (var.name.clone(), value)
    });
    let whole = container.given.iter().filter(|given| !given.single);
    let given = whole.filter_map(|given| given.variables.known()).flat_map(|vars| vars.iter());
    let given = given.map(|var| (var.name.clone(), var.value.clone()));
    Some(of_image.chain(given).chain(own).collect())
}

/// The text of a word of a script, where literals and the environment say it.
fn value(
    entry: &EntryScript,
    environment: &Environment,
    id: WordId,
    depth: usize,
) -> Option<String> {
    let script = &entry.script;
    let mut text = String::new();
    for part in script.word(id).parts.iter().take(64) {
        match &part.kind {
            PartKind::Literal(literal) => text.push_str(literal),
            PartKind::Variable { name, op, length: false } if depth < 4 => {
                let set = environment.get(name).cloned();
                if sets(entry, name) || matches!(set, Some(None)) {
                    return None;
                }
                let set = set.flatten();
                match op.as_ref().map(|(op, word)| (op.as_str(), *word)) {
                    None => text.push_str(&set.unwrap_or_default()),
                    Some((":-", word)) => match set.filter(|set| !set.is_empty()) {
                        Some(set) => text.push_str(&set),
                        None => text.push_str(&value(entry, environment, word, depth + 1)?),
                    },
                    Some(("-", word)) => match set {
                        Some(set) => text.push_str(&set),
                        None => text.push_str(&value(entry, environment, word, depth + 1)?),
                    },
                    Some(_) => return None,
                }
            }
            _ => return None,
        }
    }
    Some(text)
}

/// Whether a name is no variable of the environment (`1`, `?`), or a script may set it.
fn sets(entry: &EntryScript, name: &str) -> bool {
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return true;
    }
    entry.script.commands.iter().any(|command| match &command.kind {
        CommandKind::Simple { assignments, words } => {
            let mut texts = words.iter().filter_map(|&word| entry.script.literal(word));
            let first = texts.next();
            let reads = ["read", ".", "source", "eval", "export", "local", "declare", "typeset"];
            assignments.iter().any(|assignment| assignment.name == name)
                || match first.as_deref() {
                    Some("." | "source" | "eval") => true,
                    Some(first) if reads.contains(&first) => {
                        texts.any(|word| word.split('=').next() == Some(name))
                    }
                    _ => false,
                }
        }
        CommandKind::For { .. } => true,
        _ => false,
    })
}

fn shebang_errexit(entry: &EntryScript) -> Option<Span> {
    let line = entry.script.shebang.as_deref()?;
    let option = line
        .split_whitespace()
        .skip(1)
        .any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains('e'));
    option.then(|| entry.text.span(TextRange::of(0, line.len() + 2)))
}

/// Whether a command migrates a database: by itself, or by the package script that it runs.
fn migrates(words: &[String], package: Option<&Package>) -> bool {
    if is_migrate_command(words) {
        return true;
    }
    let script = match words {
        [tool, run, name, ..]
            if matches!(base_name(tool), "npm" | "pnpm" | "yarn" | "bun") && run == "run" =>
        {
            name
        }
        [tool, name, ..] if matches!(base_name(tool), "yarn" | "pnpm") => name,
        _ => return false,
    };
    package.and_then(|p| p.script(script)).is_some_and(|s| {
        let words: Vec<String> = s.command.split_whitespace().map(str::to_owned).collect();
        is_migrate_command(&words)
    })
}

/// A command of a program, functions inlined.
struct Step {
    words: Vec<String>,
    placed: Vec<(String, Span)>,
    span: Span,
    on_failure: OnFailure,
    /// It replaces the shell, and where that is said.
    exec: Option<Span>,
    /// Only some starts come here: a branch, an arm, a loop's body.
    conditional: bool,
    /// It is a condition.
    asked: bool,
    /// It stands in the words of another command: `$(…)`.
    substituted: bool,
}

/// Commands that no one waits for.
const QUICK: [&str; 50] = [
    "echo", "printf", "set", "export", "cd", "mkdir", "chmod", "chown", "test", "[", "[[", ":",
    "true", "false", "unset", "shift", "trap", "umask", "ulimit", "local", "readonly", "exit",
    "return", "break", "continue", "cat", "cp", "mv", "ln", "rm", "touch", "id", "date", "sed",
    "grep", "awk", "tr", "cut", "head", "tail", "ls", "which", "command", "hostname", "whoami",
    "dirname", "basename", "exec", ".", "source",
];

impl Step {
    fn before(&self, package: Option<&Package>) -> BeforeStart {
        BeforeStart {
            migrates: migrates(&self.words, package),
            long: self.long(package),
            asked: self.asked,
            words: self.words.clone(),
            span: self.span,
            on_failure: self.on_failure.clone(),
        }
    }

    fn long(&self, package: Option<&Package>) -> bool {
        let name = self.words.first().map_or("", |w| base_name(w));
        migrates(&self.words, package) || !QUICK.contains(&name)
    }
}

/// The step that is the application: the `exec` that every start reaches; else the last command
/// that every start reaches, where no `exec` in a branch comes after it; else such an `exec`.
fn application(steps: &[Step]) -> Option<&Step> {
    let execs = || steps.iter().filter(|step| step.exec.is_some());
    if let Some(always) = execs().find(|step| !step.conditional) {
        return Some(always);
    }
    let passes_arguments = |step: &&Step| step.placed.iter().any(|(word, _)| word == "$@");
    let after = steps.iter().rposition(|step| step.exec.is_some()).map_or(0, |last| last + 1);
    let last = steps.get(after..)?.iter().rfind(|step| !step.conditional);
    last.or_else(|| execs().find(passes_arguments))
        .or_else(|| execs().next_back())
        .or_else(|| steps.last())
}

/// What surrounds a list of commands.
#[derive(Clone, Default)]
struct Around {
    /// What a failure of the list as a whole leads to; `None` where it ends the program.
    end: Option<OnFailure>,
    /// `set -e` is off: the list is a condition, or stands before `&&` or `||`, or after `!`.
    tested: bool,
    /// Only some starts come here.
    conditional: bool,
    /// It is the condition of `if` or `while`, whose `end` has looked at its `!`.
    condition: bool,
    /// It stands within such a condition.
    asked: bool,
    depth: usize,
}

impl Around {
    fn inside(&self, end: OnFailure, tested: bool, conditional: bool) -> Self {
        Self {
            end: Some(end),
            tested: self.tested || tested,
            conditional: self.conditional || conditional,
            condition: false,
            asked: self.asked,
            depth: self.depth + 1,
        }
    }

    fn condition(&self, end: OnFailure) -> Self {
        Self { condition: true, asked: true, ..self.inside(end, true, false) }
    }
}

/// Follows a program: the options in effect, and its commands in the order in which they run.
struct Flow<'e> {
    errexit: Option<Span>,
    pipefail: Option<Span>,
    /// A trap that ends the shell with 0 whenever it ends, and whether it always does.
    trap: Option<(Span, bool)>,
    /// What is followed stands in another command's words.
    substituted: bool,
    steps: Vec<Step>,
    environment: Option<&'e Environment>,
}

impl Flow<'_> {
    fn list(&mut self, entry: &EntryScript, list: ListId, around: &Around) {
        // Functions may call themselves.
        if around.depth > 32 || self.steps.len() > 10_000 {
            return;
        }
        let items = &entry.script.list(list).items;
        let mut conditional = false;
        let mut skipped = false;
        for (index, item) in items.iter().enumerate() {
            // `[ "$MIGRATE" = 1 ] && migrate`, where it is known not to be.
            if std::mem::take(&mut skipped) && matches!(item.then, Connector::Seq) {
                continue;
            }
            skipped = matches!(item.then, Connector::And)
                && !item.negated
                && self.holds(entry, std::slice::from_ref(item)) == Some(false);
            let failure = self.on_failure(entry, items, index, around);
            let tested = item.negated || matches!(item.then, Connector::And | Connector::Or);
            for &id in &item.pipeline {
                // Of a pipeline, only the last command's failure is seen, unless `pipefail` is set.
                let failure = match self.pipefail {
                    None if Some(&id) != item.pipeline.last() => {
                        OnFailure::Ignored(entry.text.span(item.range))
                    }
                    _ => failure.clone(),
                };
                self.command(entry, id, &around.inside(failure, tested, conditional));
            }
            conditional = match item.then {
                Connector::Or => true,
                Connector::And => conditional || is_test(&entry.script, item),
                Connector::Seq | Connector::Background => false,
            };
        }
    }

    /// Whether a condition holds, where it is a comparison of variables that the container's
    /// environment decides and the script does not set.
    fn holds(&self, entry: &EntryScript, condition: &[Item]) -> Option<bool> {
        let environment = self.environment?;
        let [item] = condition else { return None };
        let [id] = item.pipeline[..] else { return None };
        let script = &entry.script;
        let words = match &script.command(id).kind {
            CommandKind::Test(words) => &words[..],
            CommandKind::Simple { words, .. } => {
                let (first, rest) = words.split_first()?;
                match &*script.literal(*first)? {
                    "test" => rest,
                    "[" => rest.split_last()?.1,
                    _ => return None,
                }
            }
            _ => return None,
        };
        let text = |id: &WordId| value(entry, environment, *id, 0);
        let holds = match words {
            [one] => !text(one)?.is_empty(),
            [op, one] if script.literal(*op)? == "-n" => !text(one)?.is_empty(),
            [op, one] if script.literal(*op)? == "-z" => text(one)?.is_empty(),
            [one, op, other] => match &*script.literal(*op)? {
                "=" | "==" => text(one)? == text(other)?,
                "!=" => text(one)? != text(other)?,
                _ => return None,
            },
            _ => return None,
        };
        Some(holds != item.negated)
    }

    /// A command whose own failure leads to the `end` of `around`.
    fn command(&mut self, entry: &EntryScript, id: CommandId, around: &Around) {
        let script = &entry.script;
        let Command { kind, range, .. } = script.command(id);
        let span = entry.text.span(*range);
        let failure = || around.end.clone().unwrap_or(OnFailure::Stops(span));
        match kind {
            CommandKind::Simple { assignments, words } => {
                // `x=$(a)` ends as `a` does; other commands do not look at what is substituted.
                let values = assignments.iter().flat_map(|a| a.value.iter().chain(&a.array));
                let end = if words.is_empty() { failure() } else { OnFailure::Ignored(span) };
                for &word in values.chain(words) {
                    self.substitutions(entry, word, &end, around);
                }
                self.simple(entry, words, span, around);
            }
            CommandKind::Group(list) => self.list(entry, *list, around),
            CommandKind::Subshell(list) => {
                let options = (self.errexit, self.pipefail);
                self.list(entry, *list, around);
                (self.errexit, self.pipefail) = options;
            }
            CommandKind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    if self.holds(entry, &entry.script.list(*condition).items) == Some(false) {
                        continue;
                    }
                    let handled = condition_failure(entry, *condition, *body, *otherwise, span);
                    self.list(entry, *condition, &around.condition(handled));
                    self.list(entry, *body, &around.inside(failure(), false, true));
                }
                if let Some(otherwise) = otherwise {
                    self.list(entry, *otherwise, &around.inside(failure(), false, true));
                }
            }
            CommandKind::Loop { condition, body, .. } => {
                // A loop until it works: the start waits.
                self.list(entry, *condition, &around.condition(OnFailure::Stops(span)));
                let again = around.inside(OnFailure::Ignored(span), false, true);
                self.list(entry, *body, &again);
            }
            CommandKind::For { body, .. } => {
                let next = around.inside(OnFailure::Ignored(span), false, true);
                self.list(entry, *body, &next);
            }
            CommandKind::Case { arms, .. } => {
                for (_, body) in arms {
                    self.list(entry, *body, &around.inside(failure(), false, true));
                }
            }
            CommandKind::Function { .. } | CommandKind::Test(_) | CommandKind::Arithmetic => {}
        }
    }

    fn simple(&mut self, entry: &EntryScript, ids: &[WordId], span: Span, around: &Around) {
        let script = &entry.script;
        let placed: Vec<(String, Span)> = ids
            .iter()
            .map(|&w| (spoken(script, w), entry.text.span(script.word(w).range)))
            .collect();
        let Some(((name, at), rest)) = placed.split_first() else { return };
        if name == "set" {
            return self.set(rest, span);
        }
        if name == "trap" {
            return self.set_trap(script, rest, span);
        }
        if let Some(body) = function(script, name) {
            let (CommandKind::Group(list) | CommandKind::Subshell(list)) =
                script.command(body).kind
            else {
                return;
            };
            let mut inside = around.clone();
            inside.depth += 1;
            return self.list(entry, list, &inside);
        }
        // `exec > log` replaces nothing.
        let exec = (name == "exec" && !rest.is_empty()).then_some(span);
        let placed = if exec.is_some() { after_executor("exec", rest) } else { &placed };
        self.steps.push(Step {
            words: placed.iter().map(|(w, _)| w.clone()).collect(),
            placed: placed.to_vec(),
            span,
            on_failure: self.trapped(around.end.clone().unwrap_or(OnFailure::Stops(*at))),
            exec,
            conditional: around.conditional,
            asked: around.asked,
            substituted: self.substituted,
        });
    }

    /// The commands that are substituted into a word, whose failure leads to `end`.
    fn substitutions(
        &mut self,
        entry: &EntryScript,
        word: WordId,
        end: &OnFailure,
        around: &Around,
    ) {
        for part in &entry.script.word(word).parts {
            let PartKind::Substitution(list) = &part.kind else { continue };
            let options = (self.errexit, self.pipefail, self.trap, self.substituted);
            let from = self.steps.len();
            self.substituted = true;
            self.list(entry, *list, &around.inside(end.clone(), false, true));
            (self.errexit, self.pipefail, self.trap, self.substituted) = options;
            // What ends the inner shell only makes the substitution fail.
            let end = self.trapped(end.clone());
            for step in self.steps.iter_mut().skip(from) {
                if let OnFailure::Stops(_) = step.on_failure {
                    step.on_failure.clone_from(&end);
                }
            }
        }
    }

    /// `trap 'exit 0' EXIT`: from there on, the shell ends well however it ends.
    fn set_trap(&mut self, script: &Script, words: &[(String, Span)], span: Span) {
        let mut words = words.iter().map(|(word, _)| word.as_str()).filter(|word| *word != "--");
        let Some(body) = words.next() else { return };
        if words.any(|signal| matches!(signal, "EXIT" | "0")) {
            self.trap = ends_well(script, body, 0).map(|always| (span, always));
        }
    }

    /// What a failure leads to where a trap decides how the shell ends.
    fn trapped(&self, end: OnFailure) -> OnFailure {
        match (end, self.trap) {
            (OnFailure::Stops(_), Some((at, true))) => OnFailure::Ignored(at),
            (OnFailure::Stops(_), Some((_, false))) => OnFailure::Unknown(Why::Dynamic),
            (end, _) => end,
        }
    }

    /// `set -euo pipefail`, `set +e`, `set -o errexit`.
    fn set(&mut self, options: &[(String, Span)], span: Span) {
        for (option, _) in options {
            let on = match option.as_bytes() {
                [b'-', b'-', ..] => return,
                [b'-', ..] => Some(span),
                [b'+', ..] => None,
                // The name after `-o`, which decides together with what stands before it.
                _ => match &**option {
                    "errexit" | "pipefail" => {
                        let off = options.iter().any(|(o, _)| o == "+o");
                        let on = (!off).then_some(span);
                        if option == "errexit" {
                            self.errexit = on
                        } else {
                            self.pipefail = on
                        }
                        continue;
                    }
                    _ => continue,
                },
            };
            if option.contains('e') {
                self.errexit = on;
            }
        }
    }

    /// What the failure of one pipeline of a list leads to.
    fn on_failure(
        &self,
        entry: &EntryScript,
        items: &[Item],
        index: usize,
        around: &Around,
    ) -> OnFailure {
        let script = &entry.script;
        let Some(item) = items.get(index) else { return OnFailure::Unknown(Why::Internal) };
        let span = entry.text.span(item.range);
        let errexit = self.errexit.filter(|_| !around.tested);
        let end = || around.end.clone().unwrap_or(OnFailure::Stops(span));
        // Along an and-or chain: `||` handles the failure, `&&` skips what follows it.
        let mut at = index;
        while let Some(item) = items.get(at) {
            match item.then {
                Connector::Or => {
                    let Some(next) = items.get(at + 1) else { break };
                    let place = entry.text.span(next.range);
                    return match outcome(script, next, 0) {
                        Outcome::Exits => OnFailure::Stops(place),
                        // A function's `return 1` is the failure of the function.
                        Outcome::Returns => around.end.clone().unwrap_or(OnFailure::Stops(place)),
                        Outcome::Fails if errexit.is_some() => OnFailure::Stops(place),
                        Outcome::Fails if at + 2 == items.len() => end(),
                        Outcome::Fails | Outcome::Succeeds => OnFailure::Ignored(place),
                        // Something else is tried: its failure decides.
                        Outcome::Runs if at + 1 > index && around.depth < 32 => {
                            let deeper = Around { depth: around.depth + 1, ..around.clone() };
                            self.on_failure(entry, items, at + 1, &deeper)
                        }
                        Outcome::Runs => OnFailure::Ignored(place),
                    };
                }
                Connector::Background => return OnFailure::Ignored(span),
                Connector::And => at += 1,
                Connector::Seq => break,
            }
        }
        let is_last = at + 1 >= items.len();
        if at > index {
            // The application starts at the end of the same chain: it is not reached. `set -e`
            // does not see a failure within a chain, only that of its last command.
            let chain = items.get(index + 1..=at).unwrap_or_default();
            return if chain.iter().any(|item| is_exec(script, item)) {
                OnFailure::Stops(span)
            } else if is_last {
                end()
            } else {
                OnFailure::Ignored(span)
            };
        }
        if item.negated {
            return if around.condition && is_last { end() } else { OnFailure::Ignored(span) };
        }
        if let Some(set) = errexit {
            return OnFailure::Stops(set);
        }
        if let Some(place) = checks_status(entry, items, index) {
            return OnFailure::Stops(place);
        }
        if is_last { end() } else { OnFailure::Ignored(span) }
    }
}

/// Whether what a trap runs ends the shell with 0: always, or on some way; `None` where it leaves the
/// status as it is.
fn ends_well(script: &Script, body: &str, depth: usize) -> Option<bool> {
    let own = shell::parse(body.as_bytes(), Dialect::Bash);
    ends_well_in(script, &own, own.root?, depth)
}

fn ends_well_in(script: &Script, own: &Script, list: ListId, depth: usize) -> Option<bool> {
    if depth > 8 {
        return Some(false);
    }
    let mut sure = true;
    for item in &own.list(list).items {
        let &id = item.pipeline.last()?;
        let well = match &own.command(id).kind {
            CommandKind::Simple { words, .. } => {
                let words: Vec<String> = words.iter().map(|&word| own.word_text(word)).collect();
                match words.first().map(String::as_str) {
                    Some("exit") if words.get(1).is_some_and(|code| code == "0") => Some(true),
                    Some("exit") if sure => return None,
                    Some(name) => {
                        function(script, name).and_then(|body| match &script.command(body).kind {
                            CommandKind::Group(list) => {
                                ends_well_in(script, script, *list, depth + 1)
                            }
                            _ => None,
                        })
                    }
                    None => None,
                }
            }
            CommandKind::Group(list) => ends_well_in(script, own, *list, depth + 1),
            CommandKind::If { branches, otherwise } => {
                let bodies = branches.iter().map(|(_, body)| *body).chain(*otherwise);
                let mut ends = bodies.map(|body| ends_well_in(script, own, body, depth + 1));
                ends.any(|end| end.is_some()).then_some(false)
            }
            _ => None,
        };
        if let Some(always) = well {
            return Some(always && sure);
        }
        sure = matches!(item.then, Connector::Seq | Connector::Background);
    }
    None
}

fn function(script: &Script, name: &str) -> Option<CommandId> {
    script.commands.iter().find_map(|c| match &c.kind {
        CommandKind::Function { name: defined, body } if defined == name => Some(*body),
        _ => None,
    })
}

/// A word with `$@` and variables shown as such.
fn spoken(script: &Script, id: WordId) -> String {
    if let [part] = &*script.word(id).parts
        && let PartKind::Variable { name, op, length: false } = &part.kind
    {
        match op {
            None if matches!(&**name, "@" | "*") => return format!("${name}"),
            // `${1+"$@"}`: the arguments, where there are any.
            Some((op, word)) if op == "+" && script.word_text(*word) == "$@" => {
                return "$@".to_owned();
            }
            _ => {}
        }
    }
    script.word_text(id)
}

/// Whether a pipeline only asks something: `[ … ]`, `test …`, `[[ … ]]`.
fn is_test(script: &Script, item: &Item) -> bool {
    item.pipeline.last().is_some_and(|&id| match &script.command(id).kind {
        CommandKind::Test(_) | CommandKind::Arithmetic => true,
        _ => matches!(&*command_name(script, id), "[" | "test" | "[["),
    })
}

fn is_exec(script: &Script, item: &Item) -> bool {
    item.pipeline.last().is_some_and(|&id| command_name(script, id) == "exec")
}

/// The name of a simple command; empty for others.
fn command_name(script: &Script, id: CommandId) -> String {
    let first = script.argv(id).and_then(|words| words.first());
    first.map(|&word| script.word_text(word)).unwrap_or_default()
}

/// How a command that handles a failure ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The program ends with a failure.
    Exits,
    /// The function ends with a failure.
    Returns,
    /// It fails.
    Fails,
    /// It succeeds: the failure is gone.
    Succeeds,
    /// It is a command of its own, which may fail or not.
    Runs,
}

fn outcome(script: &Script, item: &Item, depth: usize) -> Outcome {
    let Some(&id) = item.pipeline.last() else { return Outcome::Succeeds };
    match &script.command(id).kind {
        CommandKind::Simple { words, .. } => {
            let words: Vec<String> = words.iter().map(|&w| script.word_text(w)).collect();
            simple_outcome(script, &words, depth)
        }
        CommandKind::Group(list) => list_outcome(script, *list, depth),
        CommandKind::Subshell(list) => match list_outcome(script, *list, depth) {
            Outcome::Exits | Outcome::Returns => Outcome::Fails,
            other => other,
        },
        CommandKind::Test(_) | CommandKind::Arithmetic => Outcome::Succeeds,
        _ => Outcome::Runs,
    }
}

fn simple_outcome(script: &Script, words: &[String], depth: usize) -> Outcome {
    let code = words.get(1).map(|w| &**w);
    match words.first().map_or("", |w| base_name(w)) {
        "exit" if code == Some("0") => Outcome::Succeeds,
        "exit" => Outcome::Exits,
        "return" if code == Some("0") => Outcome::Succeeds,
        "return" => Outcome::Returns,
        "false" => Outcome::Fails,
        "" | "true" | ":" | "echo" | "printf" | "logger" | "sleep" | "date" | "break"
        | "continue" => Outcome::Succeeds,
        name => match function(script, name).map(|body| &script.command(body).kind) {
            Some(CommandKind::Group(list)) if depth < 8 => list_outcome(script, *list, depth + 1),
            _ => Outcome::Runs,
        },
    }
}

/// How a list ends: at its first `exit` or `return`, else as its last command.
fn list_outcome(script: &Script, list: ListId, depth: usize) -> Outcome {
    if depth > 8 {
        return Outcome::Runs;
    }
    let items = &script.list(list).items;
    let mut last = Outcome::Succeeds;
    for (index, item) in items.iter().enumerate() {
        last = outcome(script, item, depth + 1);
        let Some(&id) = item.pipeline.last() else { continue };
        let words = script.argv(id).unwrap_or_default();
        let ends = matches!(&*command_name(script, id), "exit" | "return");
        // After `echo`, the last status is echo's: `exit` and `exit $?` end well.
        let status = words.get(1).map(|&word| script.word_text(word));
        let passes_on = matches!(status.as_deref(), None | Some("$?"));
        match last {
            Outcome::Exits | Outcome::Returns if !ends || index == 0 || !passes_on => return last,
            Outcome::Exits | Outcome::Returns => return Outcome::Succeeds,
            Outcome::Succeeds if ends => return last,
            _ => {}
        }
    }
    last
}

fn list_exits(script: &Script, list: ListId) -> bool {
    matches!(list_outcome(script, list, 0), Outcome::Exits | Outcome::Returns)
}

/// Where the status of an item is asked right after it and ends the program: `if [ $? -ne 0 ];
/// then … exit 1; fi`, `[ $? -eq 0 ] || exit 1`, either with the status in a variable.
fn checks_status(entry: &EntryScript, items: &[Item], index: usize) -> Option<Span> {
    let script = &entry.script;
    let mut asked = "$?".to_owned();
    for (at, item) in items.iter().enumerate().skip(index + 1).take(4) {
        let &id = item.pipeline.first()?;
        let mentions = |range: TextRange| {
            let text = range.slice(entry.text.text());
            let bare = asked.trim_start_matches('$');
            memchr::memmem::find(text, asked.as_bytes()).is_some()
                || memchr::memmem::find(text, format!("${{{bare}}}").as_bytes()).is_some()
        };
        let span = entry.text.span(item.range);
        match &script.command(id).kind {
            CommandKind::Simple { assignments, words } if words.is_empty() => {
                let takes = assignments
                    .iter()
                    .find(|a| a.value.is_some_and(|value| script.word_text(value) == "$?"));
                match takes {
                    Some(taken) => asked = format!("${}", taken.name),
                    None if asked == "$?" => return None,
                    None => {}
                }
            }
            CommandKind::If { branches, otherwise } => {
                let asks = branches
                    .first()
                    .is_some_and(|(condition, _)| mentions(script.list(*condition).range));
                let bodies = branches.iter().map(|(_, body)| *body).chain(*otherwise);
                if asks {
                    return bodies.into_iter().any(|b| list_exits(script, b)).then_some(span);
                }
                if asked == "$?" {
                    return None;
                }
            }
            _ => {
                let joined = matches!(item.then, Connector::And | Connector::Or);
                let exits = items
                    .get(at + 1)
                    .is_some_and(|next| outcome(script, next, 0) == Outcome::Exits);
                if joined && exits && mentions(item.range) {
                    return Some(span);
                }
                // `exit $status`
                if command_name(script, id) == "exit" && mentions(item.range) {
                    return Some(span);
                }
                if asked == "$?" {
                    return None;
                }
            }
        }
    }
    None
}

/// What the failure of an `if` condition leads to: the branch that is then taken decides.
fn condition_failure(
    entry: &EntryScript,
    condition: ListId,
    body: ListId,
    otherwise: Option<ListId>,
    span: Span,
) -> OnFailure {
    let script = &entry.script;
    let negated = script.list(condition).items.last().is_some_and(|i| i.negated);
    let taken = if negated { Some(body) } else { otherwise };
    match taken {
        Some(list) if list_exits(script, list) => {
            OnFailure::Stops(entry.text.span(script.list(list).range))
        }
        _ => OnFailure::Ignored(span),
    }
}

#[cfg(test)]
mod tests;
