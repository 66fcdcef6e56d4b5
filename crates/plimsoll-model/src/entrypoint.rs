//! The entrypoint: what is PID 1 in each phase of a container's life, and what runs before the app.

use plimsoll_source::{Derived, DerivedBuilder, FileId, Span, TextRange};
use plimsoll_syntax::shell::{
    self, Command, CommandId, CommandKind, Connector, Dialect, Item, ListId, PartKind, Script,
    WordId,
};

use crate::Delivery;
use crate::container::Container;
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
    /// The program.
    pub script: Script,
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
const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "busybox"];

/// What starts in a container of `image`; `container` may override entrypoint, command and init.
#[must_use]
pub fn startup(
    delivery: &Delivery,
    image: &Image,
    container: Option<&Container>,
    package: Option<&Package>,
) -> Option<Startup> {
    let stage = image.target?;
    let config = &image.stages.get(stage)?.config;
    let own_entrypoint = container.and_then(|c| c.entrypoint.as_ref());
    let entrypoint = own_entrypoint.or(config.entrypoint.as_ref());
    let command = match container.and_then(|c| c.command.as_ref()) {
        Some(command) => Some(command),
        // An overridden entrypoint clears the image's command.
        None if own_entrypoint.is_some() => None,
        None => config.cmd.as_ref(),
    };
    let at = entrypoint.or(command)?.span;
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
            unknown: None,
        },
        has_init: false,
        depth: 0,
    };
    if let Some(init) = container.map(|c| &c.init)
        && init.known() == Some(&true)
    {
        walk.phase(Pid1::Init("docker-init".to_owned()), init.span().unwrap_or(at), false);
        walk.has_init = true;
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
    has_init: bool,
    depth: usize,
}

impl Walk<'_> {
    fn phase(&mut self, pid1: Pid1, span: Span, runs_commands: bool) {
        self.startup.phases.push(Phase { pid1, span, runs_commands });
    }

    /// A process is started as PID 1, or in the place of the one that was.
    fn becomes(&mut self, pid1: Pid1, span: Span, runs_commands: bool) {
        if self.has_init {
            return;
        }
        self.has_init = matches!(pid1, Pid1::Init(_));
        self.phase(pid1, span, runs_commands);
    }

    fn unknown(&mut self, why: Why, span: Span) {
        self.becomes(Pid1::Unknown(why), span, false);
        self.startup.unknown.get_or_insert((why, span));
    }

    /// Follows an argument vector to the application.
    fn words(&mut self, words: &[(String, Span)]) {
        self.depth += 1;
        if self.depth > 16 {
            return;
        }
        let Some((first, span)) = words.first() else { return };
        let name = base_name(first);
        let rest = &words[1..];
        if INITS.contains(&name) || first == "/init" {
            self.becomes(Pid1::Init(name.to_owned()), *span, false);
            self.words(after_options(name, rest));
        } else if EXECUTORS.contains(&name) {
            self.words(after_executor(name, rest));
        } else if SHELLS.contains(&name) {
            self.shell(words);
        } else {
            match self.script_at(first, *span) {
                Located::Is(script) => self.script(script, rest, *span),
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
                let script = shell::parse(text.text(), Dialect::Bash);
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
                    self.script(script, words.get(index + 1..).unwrap_or_default(), *at);
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

    /// A shell program: what it runs before it becomes (or runs) the application.
    fn program(&mut self, mut entry: EntryScript, args: &[(String, Span)], span: Span, keep: bool) {
        let Some(root) = entry.script.root else { return self.unknown(Why::Unparsed, span) };
        let mut steps = Vec::new();
        let mut state = Flow { errexit: entry.errexit.or(shebang_errexit(&entry)), pipefail: None };
        collect(&entry, root, &mut state, &mut steps, 0, None);
        entry.errexit = state.errexit;
        let exec_at = steps.iter().position(|s| s.exec);
        let last = exec_at.or_else(|| steps.len().checked_sub(1));
        let runs_commands =
            last.is_some_and(|last| steps[..last].iter().any(|s| s.long(self.package)));
        if exec_at.is_some() && last == Some(0) && !keep {
            // Nothing runs before the exec.
        } else {
            self.becomes(Pid1::Shell, span, runs_commands);
        }
        for step in steps.iter().take(last.unwrap_or(0)) {
            let words = step.words.clone();
            self.startup.before.push(BeforeStart {
                migrates: migrates(&words, self.package),
                long: step.long(self.package),
                words,
                span: step.span,
                on_failure: step.on_failure.clone(),
            });
        }
        let next: Option<Vec<(String, Span)>> = last.and_then(|last| steps.get(last)).map(|step| {
            let mut words: Vec<(String, Span)> = Vec::new();
            for (word, at) in &step.placed {
                if matches!(&**word, "$@" | "$*") {
                    words.extend(args.iter().cloned())
                } else {
                    words.push((word.clone(), *at))
                }
            }
            words
        });
        if let Some(exec) = exec_at.and_then(|i| steps.get(i)) {
            entry.exec = Some(exec.span);
        }
        let execs = exec_at.is_some();
        if keep && self.startup.script.is_none() {
            self.startup.script = Some(entry);
        }
        match next {
            Some(words) if execs => self.words(&words),
            // The shell stays; the application is its child.
            Some(words) => {
                self.has_init = true;
                self.words(&words);
            }
            None => {}
        }
    }

    /// The shell script at a path of the image.
    fn script_at(&self, path: &str, span: Span) -> Located {
        let workdir =
            self.image.stages[self.stage].config.workdir.clone().unwrap_or_else(|| "/".to_owned());
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
                        return Located::Is(script);
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
        let base = self.image.root_base(self.stage).map(|s| &s.base);
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
        let script = shell::parse(text.text(), Dialect::Bash);
        Located::Is(EntryScript {
            path: path.to_owned(),
            source: ScriptSource::Tracked(file),
            text,
            script,
            errexit: None,
            exec: None,
        })
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
        let script = shell::parse(text.text(), Dialect::Bash);
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

/// What a word that should be a program turns out to be.
enum Located {
    /// A shell script.
    Is(EntryScript),
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
            return &words[index + 1..];
        }
        if !word.starts_with('-') {
            break;
        }
        index += if takes_value(word) { 2 } else { 1 };
    }
    words.get(index..).unwrap_or_default()
}

fn after_executor<'w>(name: &str, words: &'w [(String, Span)]) -> &'w [(String, Span)] {
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
        index += 1;
    }
    if matches!(name, "gosu" | "su-exec") {
        index += 1; // The user.
    }
    words.get(index..).unwrap_or_default()
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

/// Shell options in effect.
struct Flow {
    errexit: Option<Span>,
    pipefail: Option<Span>,
}

/// A command of a program on its straight way, functions inlined.
struct Step {
    words: Vec<String>,
    placed: Vec<(String, Span)>,
    span: Span,
    on_failure: OnFailure,
    exec: bool,
}

/// Commands that no one waits for.
const QUICK: [&str; 29] = [
    "echo", "printf", "set", "export", "cd", "mkdir", "chmod", "chown", "test", "[", "[[", ":",
    "true", "unset", "shift", "trap", "umask", "ulimit", "local", "readonly", "exit", "cat", "cp",
    "ln", "rm", "touch", "id", "date", "sed",
];

impl Step {
    fn long(&self, package: Option<&Package>) -> bool {
        let name = self.words.first().map_or("", |w| base_name(w));
        !self.words.is_empty() && (migrates(&self.words, package) || !QUICK.contains(&name))
    }
}

/// The commands of a list in the order in which they run, with what their failure does.
fn collect(
    entry: &EntryScript,
    list: ListId,
    flow: &mut Flow,
    out: &mut Vec<Step>,
    depth: usize,
    handled: Option<&OnFailure>,
) {
    if depth > 32 || out.len() > 10_000 {
        return;
    }
    let script = &entry.script;
    let items = &script.list(list).items;
    for (index, item) in items.iter().enumerate() {
        let failure = match handled {
            Some(handled) => handled.clone(),
            None => on_failure(entry, items, index, flow),
        };
        let Some(&last) = item.pipeline.last() else { continue };
        for &id in &item.pipeline {
            // In a pipeline, only the last command's failure is seen, unless `pipefail` is set.
            let failure = match flow.pipefail {
                None if id != last => OnFailure::Ignored(entry.text.span(item.range)),
                _ => failure.clone(),
            };
            command(entry, id, flow, out, depth, failure);
        }
    }
}

fn command(
    entry: &EntryScript,
    id: CommandId,
    flow: &mut Flow,
    out: &mut Vec<Step>,
    depth: usize,
    failure: OnFailure,
) {
    let script = &entry.script;
    let Command { kind, range, .. } = script.command(id);
    let span = entry.text.span(*range);
    match kind {
        CommandKind::Simple { words, .. } => simple(entry, words, span, flow, out, depth, failure),
        CommandKind::Group(list) | CommandKind::Subshell(list) => {
            let handled = matches!(failure, OnFailure::Ignored(_)).then_some(&failure);
            collect(entry, *list, flow, out, depth + 1, handled);
        }
        CommandKind::If { branches, otherwise } => {
            for (condition, body) in branches {
                let handled = condition_failure(entry, *condition, *body, *otherwise, span);
                collect(entry, *condition, flow, out, depth + 1, Some(&handled));
                collect(entry, *body, flow, out, depth + 1, None);
            }
            if let Some(otherwise) = otherwise {
                collect(entry, *otherwise, flow, out, depth + 1, None);
            }
        }
        // A loop until it works: the start waits.
        CommandKind::Loop { condition, body, .. } => {
            collect(entry, *condition, flow, out, depth + 1, Some(&OnFailure::Stops(span)));
            collect(entry, *body, flow, out, depth + 1, None);
        }
        CommandKind::For { body, .. } => collect(entry, *body, flow, out, depth + 1, None),
        CommandKind::Case { arms, .. } => {
            for (_, body) in arms {
                collect(entry, *body, flow, out, depth + 1, None);
            }
        }
        CommandKind::Function { .. } | CommandKind::Test(_) | CommandKind::Arithmetic => {}
    }
}

fn simple(
    entry: &EntryScript,
    ids: &[WordId],
    span: Span,
    flow: &mut Flow,
    out: &mut Vec<Step>,
    depth: usize,
    failure: OnFailure,
) {
    let script = &entry.script;
    let placed: Vec<(String, Span)> =
        ids.iter().map(|&w| (spoken(script, w), entry.text.span(script.word(w).range))).collect();
    let Some((name, _)) = placed.first() else { return };
    if name == "set" {
        for (option, _) in &placed[1..] {
            let on = option.starts_with('-');
            if !option.starts_with("--") && option.starts_with(['-', '+']) && option.contains('e') {
                flow.errexit = on.then_some(span);
            }
            if option == "pipefail" {
                flow.pipefail = Some(span);
            }
            if option == "errexit" {
                flow.errexit = Some(span);
            }
        }
        return;
    }
    if let Some(body) = function(script, name) {
        let handled = matches!(failure, OnFailure::Ignored(_)).then_some(failure);
        let before = out.len();
        inline(entry, body, flow, out, depth, handled.as_ref());
        if out.len() > before {
            return;
        }
        return;
    }
    let exec = name == "exec" && placed.len() > 1;
    let placed = if exec { placed[1..].to_vec() } else { placed };
    // `exec > log` and `exec "$@"` differ by their words.
    let words = placed.iter().map(|(w, _)| w.clone()).collect();
    out.push(Step { words, placed, span, on_failure: failure, exec });
}

fn inline(
    entry: &EntryScript,
    body: CommandId,
    flow: &mut Flow,
    out: &mut Vec<Step>,
    depth: usize,
    handled: Option<&OnFailure>,
) {
    match &entry.script.command(body).kind {
        CommandKind::Group(list) | CommandKind::Subshell(list) => {
            collect(entry, *list, flow, out, depth + 1, handled)
        }
        _ => {}
    }
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
        && let PartKind::Variable { name, op: None, length: false } = &part.kind
        && matches!(&**name, "@" | "*")
    {
        return format!("${name}");
    }
    script.word_text(id)
}

/// What the failure of one pipeline of a list leads to.
fn on_failure(entry: &EntryScript, items: &[Item], index: usize, flow: &Flow) -> OnFailure {
    let script = &entry.script;
    let item = &items[index];
    let span = entry.text.span(item.range);
    // Along an and-or chain: `||` handles the failure, `&&` skips what follows it.
    let mut at = index;
    while let Some(item) = items.get(at) {
        match item.then {
            Connector::Or => {
                let Some(next) = items.get(at + 1) else { break };
                let place = entry.text.span(next.range);
                return if exits(script, next) {
                    OnFailure::Stops(place)
                } else {
                    OnFailure::Ignored(place)
                };
            }
            Connector::Background => return OnFailure::Ignored(span),
            Connector::And => at += 1,
            Connector::Seq => break,
        }
    }
    let chained = at > index;
    if chained {
        // The application starts at the end of the same chain: it is not reached.
        let reaches_exec =
            items[index + 1..=at.min(items.len() - 1)].iter().any(|i| is_exec(script, i))
                || at + 1 >= items.len();
        if reaches_exec {
            return OnFailure::Stops(span);
        }
        // `set -e` does not see a failure within a chain, only that of its last command.
        return OnFailure::Ignored(span);
    }
    if let Some(set) = flow.errexit {
        return if item.negated { OnFailure::Ignored(span) } else { OnFailure::Stops(set) };
    }
    // `if [ $? -ne 0 ]; then exit 1; fi` right after it.
    if let Some(next) = items.get(index + 1)
        && let Some(place) = checks_status(entry, next)
    {
        return OnFailure::Stops(place);
    }
    if index + 1 == items.len() { OnFailure::Stops(span) } else { OnFailure::Ignored(span) }
}

fn is_exec(script: &Script, item: &Item) -> bool {
    item.pipeline.last().is_some_and(|&id| {
        script
            .argv(id)
            .and_then(|words| words.first())
            .is_some_and(|&w| script.literal(w).as_deref() == Some("exec"))
    })
}

/// Whether a pipeline ends the program with a failure: `exit 1`, `return 1`, or a group that does.
fn exits(script: &Script, item: &Item) -> bool {
    item.pipeline.iter().any(|&id| match &script.command(id).kind {
        CommandKind::Simple { words, .. } => {
            let words: Vec<String> = words.iter().map(|&w| script.word_text(w)).collect();
            match words.first().map(|w| &**w) {
                Some("exit" | "return") => words.get(1).is_none_or(|code| code != "0"),
                Some("false") => true,
                // A function that exits.
                Some(name) => {
                    function(script, name).is_some_and(|body| match &script.command(body).kind {
                        CommandKind::Group(list) => list_exits(script, *list),
                        _ => false,
                    })
                }
                None => false,
            }
        }
        CommandKind::Group(list) => list_exits(script, *list),
        _ => false,
    })
}

fn list_exits(script: &Script, list: ListId) -> bool {
    script.list(list).items.iter().any(|item| {
        item.pipeline.iter().any(|&id| {
            script.argv(id).is_some_and(|words| {
                let words: Vec<String> = words.iter().map(|&w| script.word_text(w)).collect();
                matches!(words.first().map(|w| &**w), Some("exit" | "return"))
                    && words.get(1).is_none_or(|code| code != "0")
            })
        })
    })
}

/// The place of `if [ $? -ne 0 ]; then … exit …; fi`.
fn checks_status(entry: &EntryScript, item: &Item) -> Option<Span> {
    let script = &entry.script;
    let &id = item.pipeline.first()?;
    let CommandKind::If { branches, .. } = &script.command(id).kind else { return None };
    let (condition, body) = branches.first()?;
    let text = script.list(*condition).range.slice(entry.text.text());
    let asks = memchr::memmem::find(text, b"$?").is_some();
    (asks && list_exits(script, *body)).then(|| entry.text.span(script.command(id).range))
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
