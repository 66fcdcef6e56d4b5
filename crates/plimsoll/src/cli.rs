//! The command line, as written: what clap reads, before anything is resolved.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Audits how services are built, shipped and run: every question answered, with proof.
#[derive(Parser)]
#[command(name = "plimsoll", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 nothing at or above the threshold; 1 findings at or above \
it, or a service below --min-score or --min-coverage; 2 the request is wrong; 3 a bug in Plimsoll";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Audits a tree and prints the scorecard
    #[command(after_help = EXIT_CODES)]
    Audit(Box<AuditArgs>),
    /// Mends what it finds: safe fixes, each proved by another audit
    Fix(FixArgs),
    /// Prints a check's page
    Explain(ExplainArgs),
    /// Lists every check
    Checks(ChecksArgs),
    /// Writes the baseline of known instances, or takes what is fixed out of it
    Baseline(BaselineArgs),
    /// Writes a commented plimsoll.toml, and what CI and pre-commit need; never over a file
    Init(InitArgs),
    /// Prints a shell's completions
    Completions(CompletionsArgs),
    /// Prints the manual page
    Man,
}

#[derive(Args)]
pub(crate) struct AuditArgs {
    /// Directories to audit
    #[arg(default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// How to write the report to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Writes a report to a file as well, any number of times; `markdown=DIR/` writes one file a
    /// service. A file that git tracks is replaced only where it is such a report already
    #[arg(long = "output", value_name = "FORMAT=FILE")]
    pub(crate) outputs: Vec<String>,
    /// Which report
    #[arg(long, value_enum, default_value_t = ReportArg::Service)]
    pub(crate) report: ReportArg,
    /// Which findings: text, sarif, github and gitlab show problems, the others all, unless told
    /// otherwise
    #[arg(long, value_enum)]
    pub(crate) show: Option<ShowArg>,
    /// Only services whose name matches
    #[arg(long = "service", value_name = "GLOB")]
    pub(crate) services: Vec<String>,
    /// Only checks of this area
    #[arg(long = "area", value_name = "AREA")]
    pub(crate) areas: Vec<String>,
    /// Only this check
    #[arg(long = "check", value_name = "CHECK")]
    pub(crate) checks: Vec<String>,
    /// Only this severity and worse
    #[arg(long, value_enum)]
    pub(crate) severity: Option<SeverityArg>,
    /// What is audited besides production: development, test, example, vendored, or all
    #[arg(long = "purpose", value_name = "PURPOSE", value_enum)]
    pub(crate) purposes: Vec<PurposeArg>,
    /// Audits a git revision instead of what is on disk
    #[arg(long, value_name = "REV", conflicts_with = "tracked_only")]
    pub(crate) rev: Option<String>,
    /// Only files that git tracks: what a fresh clone, and CI, sees
    #[arg(long)]
    pub(crate) tracked_only: bool,
    /// Fails at findings of this severity and worse, else as plimsoll.toml says, else at high; a
    /// PARTIAL counts one severity lower
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOn>,
    /// Fails when a question of this severity and worse has no answer
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) fail_on_unknown: Option<SeverityArg>,
    /// Fails when a service's coverage is below this per cent
    #[arg(long, value_name = "PERCENT")]
    pub(crate) min_coverage: Option<f64>,
    /// Fails when a service's score is below this
    #[arg(long, value_name = "SCORE")]
    pub(crate) min_score: Option<f64>,
    /// Fails only at what is not in this baseline, which `plimsoll baseline` writes
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Shows, and fails at, only what was not there where our history and this revision's part
    #[arg(long, value_name = "REV", conflicts_with = "rev")]
    pub(crate) since: Option<String>,
    /// The date in report headers, YYYY-MM-DD; acceptances are over after theirs
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<String>,
    /// No colours
    #[arg(long)]
    pub(crate) no_color: bool,
    /// Prints nothing but the exit code's reason
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// How many threads
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Args)]
pub(crate) struct FixArgs {
    /// The directory to mend
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// Also makes fixes that may change behaviour: look at what they did
    #[arg(long)]
    pub(crate) review: bool,
    /// Asks registries and git repositories what tags name, to pin images and actions to that: the
    /// only option that uses the network, through `curl` and `git`
    #[arg(long)]
    pub(crate) resolve: bool,
    /// Prints what would change as a patch for `git apply`, and changes nothing. The patch is the
    /// real text: secrets in it are not masked
    #[arg(long)]
    pub(crate) diff: bool,
    /// Changes nothing; exits with 1 when something would change
    #[arg(long)]
    pub(crate) check: bool,
    /// Only what this check finds, any number of times
    #[arg(long = "only", value_name = "CHECK")]
    pub(crate) only: Vec<String>,
    /// Only services whose name matches, any number of times
    #[arg(long = "service", value_name = "GLOB")]
    pub(crate) services: Vec<String>,
    /// Shows each fix, those for review too, and asks
    #[arg(long, conflicts_with_all = ["diff", "check", "quiet"])]
    pub(crate) interactive: bool,
    /// Writes although there are changes that git could not bring back
    #[arg(long)]
    pub(crate) allow_dirty: bool,
    /// Today, YYYY-MM-DD: acceptances are over after theirs
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<String>,
    /// No colours
    #[arg(long)]
    pub(crate) no_color: bool,
    /// Prints nothing but what went wrong
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// A check's id, or another tool's: `DL3008`, `CKV_DOCKER_2`
    pub(crate) check: String,
}

#[derive(Args)]
pub(crate) struct ChecksArgs {
    /// Only this area
    #[arg(long)]
    pub(crate) area: Option<String>,
    /// What another tool's rules are here: `hadolint`, `checkov`, `trivy` …
    #[arg(long, value_name = "TOOL")]
    pub(crate) equivalents: Option<String>,
    /// How to write the list
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(crate) format: ListFormat,
}

#[derive(Args)]
pub(crate) struct BaselineArgs {
    /// The directory to audit
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// The file, else PATH/.plimsoll-baseline.json
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Takes new instances into a baseline that is there
    #[arg(long)]
    pub(crate) add: bool,
    /// Only files that git tracks: what a fresh clone, and CI, sees
    #[arg(long)]
    pub(crate) tracked_only: bool,
    /// Today, YYYY-MM-DD: acceptances are over after theirs
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<String>,
    /// No colours
    #[arg(long)]
    pub(crate) no_color: bool,
}

#[derive(Args)]
pub(crate) struct InitArgs {
    /// The directory to write into
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A scorecard for a terminal
    Text,
    /// The service report
    Markdown,
    /// All there is to know (docs/report.schema.json)
    Json,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// The service report as one page that loads nothing
    Html,
    /// JUnit XML, for test reports
    Junit,
    /// Annotations of GitHub Actions, and a job summary
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// A row a finding, for spreadsheets
    Csv,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportArg {
    /// On each service
    Service,
    /// On the repository: four domains, priorities and a roadmap
    Operations,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowArg {
    Problems,
    All,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeverityArg {
    Critical,
    High,
    Medium,
    Low,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PurposeArg {
    Production,
    Development,
    Test,
    Example,
    Vendored,
    All,
}
