//! What a service's program does, read from the module that it starts through its imports.
//!
//! One shape for every language. Whatever is not listed is absent only when [`Code::gaps`] is
//! empty: each gap is a place behind which more may lie.

use plimsoll_source::{FileId, Span};

use crate::Delivery;
use crate::fact::{Fact, Why};
use crate::migration::MigrationTool;

/// The program of a service, as far as delivery asks.
#[derive(Clone, Debug)]
pub struct Code {
    /// Its language.
    pub language: Language,
    /// The module that the container starts, as a file of the tree (`dist/index.js` is mapped back
    /// to `src/index.ts`); its place is the word of CMD or of the script that names it.
    pub entry: Fact<FileId>,
    /// The files reached from it through imports, the entry first.
    pub modules: Vec<FileId>,
    /// What could not be followed: a module that does not parse, a computed import, a bound.
    pub gaps: Vec<Gap>,
    /// Where it listens, in order.
    pub listens: Vec<Listen>,
    /// The HTTP routes it answers, prefixes composed, in path order.
    pub routes: Vec<Route>,
    /// What happens on SIGTERM, SIGINT and the like: one entry a registration.
    pub handlers: Vec<Handler>,
    /// These are all such registrations, whatever else is not read.
    pub all_handlers: bool,
    /// What it opens or starts that should be closed or stopped.
    pub opens: Vec<Opened>,
    /// What becomes of a failure to start.
    pub start_failure: StartFailure,
    /// Environment variables that it reads, in (file, place) order.
    pub environment: Vec<EnvironmentRead>,
    /// Paths it writes to.
    pub writes: Vec<Write>,
    /// Packages it imports, in (file, place) order, type-only imports left out.
    pub imports: Vec<PackageImport>,
    /// Where it turns the verification of certificates off: `rejectUnauthorized: false`.
    pub unverified: Vec<Unverified>,
    /// Where every start waits for the migrations of a tool before anything listens.
    pub migrates: Option<(MigrationTool, Span)>,
}

impl Code {
    /// Whether only what is certain by its text was taken from it: of a compiled language.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        !matches!(self.language, Language::JavaScript | Language::Python)
    }

    /// Where a package is imported by modules that are reached.
    pub fn imports_of(&self, package: &str) -> impl Iterator<Item = &PackageImport> {
        self.imports.iter().filter(move |import| import.package == package)
    }
}

/// A place that turns the verification of certificates off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// The key and its value.
    pub at: Span,
    /// The keys of the objects around it, outermost first: `production`, `connection`, `ssl`.
    pub keys: Vec<String>,
    /// Whether it may hold in production: neither a key around it nor the condition that it hangs
    /// on says development or test.
    pub production: bool,
    /// Where certificates are verified after all.
    pub unless: Unless,
}

/// What a setting that turns verification off hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unless {
    /// Nothing: it is off.
    Never,
    /// A variable of the environment: `process.env.X === 'true'`.
    Variable {
        /// Its name.
        name: String,
        /// What the program takes where it is not set.
        default: Option<String>,
        /// What it is compared with; none where any value will do.
        equals: Option<String>,
        /// Verified where that holds (`true`), or where it does not.
        is: bool,
    },
    /// Something that cannot be told from the text: a parameter, a value of another module.
    Unknown,
}

impl Unless {
    /// Whether certificates are verified where the variable has this value, or none; `None` where
    /// that cannot be told.
    #[must_use]
    pub fn verifies(&self, value: Option<&str>) -> Option<bool> {
        match self {
            Self::Never => Some(false),
            Self::Unknown => None,
            Self::Variable { default, equals, is, .. } => {
                let value = value.or(default.as_deref());
                let holds = match equals {
                    Some(equals) => value == Some(equals),
                    None => value.is_some_and(|value| !value.is_empty()),
                };
                Some(holds == *is)
            }
        }
    }
}

/// Where a file of JavaScript, Python or settings (`.ini`) turns the verification of certificates
/// off: for configurations that no service reaches (`knexfile.ts`). Reads the file.
///
/// # Errors
/// Why the file cannot be read, and where.
pub fn unverified(delivery: &Delivery, file: FileId) -> Result<Vec<Unverified>, (Why, Span)> {
    crate::lower::code::unverified(&delivery.tree, file)
}

/// Languages whose programs are read, and those that are only met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of the languages")]
pub enum Language {
    JavaScript,
    Python,
    Go,
    Rust,
    Java,
    Ruby,
    Php,
    Dotnet,
}

/// A place that could not be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// Why.
    pub why: Why,
    /// Where.
    pub at: Span,
    /// What may lie behind it.
    pub hides: Hides,
}

/// What a gap may hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hides {
    /// Anything: a module that was not read.
    Anything,
    /// Routes only: a router that is computed.
    Routes,
    /// Anything but routes: pages that are not read.
    Deeds,
    /// What is opened, listened on, written and handled, by functions that are not followed: neither
    /// routes, nor what is imported or read of the environment.
    Calls,
    /// Imports only: what a build may take in.
    Imports,
    /// What is read of the environment only.
    Environment,
}

/// A call that listens for connections.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The port where no variable is set; unknown where it is computed.
    pub port: Fact<u16>,
    /// The environment variables that may set the port, in order of precedence.
    pub variables: Vec<String>,
    /// The address where no variable is set: `0.0.0.0`; absent where none is given.
    pub host: Fact<String>,
    /// The environment variables that may set the address.
    pub host_variables: Vec<String>,
    /// Only TLS is spoken there.
    pub tls: bool,
    /// The call.
    pub at: Span,
}

/// A registered HTTP route.
#[derive(Clone, Debug)]
pub struct Route {
    /// `GET`, `POST`, …; `*` for any.
    pub method: String,
    /// Its path with every prefix: `/health/ready`, parameters as the framework writes them.
    pub path: Fact<String>,
    /// A `/` at the end more or less makes no other path of it.
    pub loose: bool,
    /// The registration.
    pub at: Span,
    /// What stands before it.
    pub guard: Guard,
    /// What it answers.
    pub answers: Answers,
}

/// What stands before a route: hooks, middleware, guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing that turns a request without credentials away.
    Open,
    /// This turns it away.
    Rejects(Span),
    /// This answers in its place: a route for every path that is registered first.
    Shadows(Span),
    /// Something that may.
    Unknown(Why, Span),
}

/// What a route answers, as far as a probe looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Always the same success, whatever the dependencies do.
    Constant(Span),
    /// Success or an error, depending on what it asks (a database, a cache).
    Depends(Span),
    /// Always an error status.
    Error(u16, Span),
    /// Nothing, however long one waits.
    Silent(Span),
    /// It cannot be told.
    Unknown(Why),
}

/// A registered signal handler.
#[derive(Clone, Debug)]
pub struct Handler {
    /// `SIGTERM`.
    pub signal: String,
    /// The registration.
    pub at: Span,
    /// What had already been started when it is registered: the first `listen` or connection that
    /// stands before it.
    pub late: Option<Span>,
    /// Indices into [`Code::opens`] of what it closes or stops, with the call that does.
    pub closes: Vec<(usize, Span)>,
    /// Where it ends the process, and with what code.
    pub exits: Option<(Fact<i32>, Span)>,
    /// Where it ends the process in the moment in which it begins to close: what it closes has no time
    /// to end.
    pub cuts: Option<Span>,
    /// The signal is ignored.
    pub ignored: bool,
    /// A forced end after some time.
    pub timeout: Option<Timeout>,
    /// What in it could not be followed.
    pub unknown: Option<(Why, Span)>,
}

/// A forced end of the process after some time.
#[derive(Clone, Debug)]
pub struct Timeout {
    /// Milliseconds, where no variable is set.
    pub after: Fact<u64>,
    /// The environment variables that may set it.
    pub variables: Vec<String>,
    /// Where it ends the process.
    pub at: Span,
}

/// Something opened or started that outlives the call.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it is.
    pub kind: Resource,
    /// Its name in the source: `pool`, `mintWorker`.
    pub name: String,
    /// Where it is opened or started.
    pub at: Span,
    /// Whether the way from the entry module's start leads through it.
    pub at_start: bool,
    /// The statement of the entry module from which it is reached.
    pub via: Option<Span>,
    /// For a connection: the variables that say where to, and the default they have in the source.
    pub address: Option<Address>,
}

/// Where a connection goes to.
#[derive(Clone, Debug)]
pub struct Address {
    /// The variables read for it, in order of precedence.
    pub variables: Vec<String>,
    /// What it is where none is set: `mongodb://localhost:27017`; absent for none.
    pub default: Fact<String>,
    /// Where that is said.
    pub at: Span,
}

/// Kinds of things that are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// An HTTP (or other) server.
    Server,
    /// A connection or pool to a relational database.
    Database,
    /// A connection to MongoDB.
    Mongo,
    /// A connection to Redis, Memcached.
    Cache,
    /// A connection to a message broker, or a queue.
    Queue,
    /// A worker: a consumer, a job processor.
    Worker,
    /// A timer: `setInterval`, a cron job.
    Timer,
}

/// What becomes of a failure to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartFailure {
    /// The process exits with another code than 0: by this call, or because nothing catches it.
    Exits(Option<Span>),
    /// It is caught and the process goes on or exits with 0.
    Swallowed(Span),
    /// It cannot be told.
    Unknown(Why, Option<Span>),
}

/// An environment variable that the program reads.
#[derive(Clone, Debug)]
pub struct EnvironmentRead {
    /// Its name.
    pub name: String,
    /// What the program takes where it is not set; absent for nothing.
    pub default: Fact<String>,
    /// Whether the program refuses to go on without it.
    pub required: bool,
    /// Where.
    pub at: Span,
}

/// A path that the program writes to.
#[derive(Clone, Debug)]
pub struct Write {
    /// The path in the image, as written; relative ones are below the working directory.
    pub path: Fact<String>,
    /// It is made as a directory, or files are put into it.
    pub dir: bool,
    /// Where.
    pub at: Span,
}

/// An import of a package.
#[derive(Clone, Debug)]
pub struct PackageImport {
    /// The package's name: `@scope/name`, without the path in it.
    pub package: String,
    /// The file that imports it.
    pub file: FileId,
    /// Where.
    pub at: Span,
}
