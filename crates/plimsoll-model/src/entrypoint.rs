//! The entrypoint: what is PID 1 in each phase of a container's life, and what runs before the app.

use plimsoll_source::{Derived, FileId, Span};
use plimsoll_syntax::shell::Script;

use crate::fact::Why;

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
