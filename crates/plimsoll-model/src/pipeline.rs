//! Pipelines: what the forge runs, its jobs and steps, and the role of each step.

use std::sync::Arc;

use plimsoll_source::{Derived, FileId, Span};
use plimsoll_syntax::expression::Expression;
use plimsoll_syntax::shell::Script;

use crate::PipelineId;
use crate::fact::Fact;
use crate::flow::Heed;
use crate::secret::WrittenSecret;

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
    /// Its own variables, which every job has too.
    pub env: Vec<(String, Fact<String>, Span)>,
    /// `concurrency:` of the whole.
    pub concurrency: Option<Span>,
    /// What a caller or whoever starts it by hand may give, or the inputs of an action.
    pub inputs: Vec<Input>,
    /// Every expression in it, in text order: what stands in called actions is in their own.
    pub expressions: Vec<Placed>,
    /// What the forge refuses in it, or never does (GitHub's workflows), in text order.
    pub faults: Vec<Fault>,
    /// For which of them the forge runs none of it: a job without steps, or one that calls a
    /// workflow which is refused.
    pub refused: Option<Span>,
    /// Secrets that are written out in it.
    pub secrets: Vec<WrittenSecret>,
    /// Its jobs.
    pub jobs: Vec<Job>,
    /// What it takes in from elsewhere, or from a file that is not there, and so is not read:
    /// called workflows of other repositories, included templates. What they do is not known.
    pub unread: Vec<(String, Span)>,
    /// It does not parse.
    pub broken: bool,
}

/// Something in a workflow that is not as its forge has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What of.
    pub kind: FaultKind,
    /// Where.
    pub span: Span,
    /// What is wrong, in words.
    pub says: String,
    /// What is meant, to be written in its place, if that is near.
    pub meant: Option<String>,
}

/// What a [`Fault`] is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A key that is not known there, one that is missing, a value of the wrong form.
    Schema,
    /// What starts it.
    Event,
    /// A pattern of branches, tags or paths.
    Glob,
    /// A permission of its token.
    Permission,
    /// The name of a job or a step.
    Id,
    /// What a job waits for.
    Need,
    /// The shell of a step.
    Shell,
    /// A command to the runner that it no longer takes.
    Command,
    /// An expression.
    Expression,
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

/// An input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name, in lower case as expressions refer to it.
    pub name: String,
    /// `string`, `choice`, `boolean`, `number`, `environment`; `string` where none is given.
    pub kind: String,
    /// The event that takes it: `workflow_dispatch`, `workflow_call`; `action` for an action's.
    pub event: &'static str,
}

/// An expression with its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// What it stands in.
    pub slot: Slot,
    /// The key there: of a variable, an input, an output.
    pub key: String,
    /// The index of its job.
    pub job: Option<usize>,
    /// The step it stands in, by that step's own place.
    pub step: Option<Span>,
    /// The expression, braces included where it has them.
    pub span: Span,
    /// The whole value that it stands in.
    pub value: Span,
    /// There is more in the value than this expression.
    pub partial: bool,
    /// What it says.
    pub expression: Expression,
}

/// What an expression stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// `run:` of a step.
    Run,
    /// `with:` of a step or of a called workflow.
    Input,
    /// `env:` of a step, a job, a container or the whole.
    Env,
    /// `if:`.
    Condition,
    /// `runs-on:`.
    RunsOn,
    /// `outputs:` of a job.
    Output,
    /// Anything else: names, matrices, concurrency groups.
    Other,
}

/// A container that a job runs in or beside.
#[derive(Clone, Debug, Default)]
pub struct JobContainer {
    /// `services:` key; `None` for the one that the job runs in.
    pub name: Option<String>,
    /// Its image as written, and its place.
    pub image: Option<(String, Span)>,
    /// Its variables as written.
    pub env: Vec<(String, String, Span)>,
    /// `credentials:`.
    pub credentials: Vec<(String, String, Span)>,
    /// `options:`.
    pub options: Option<(String, Span)>,
}

/// A command that a step runs.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its words, as [`crate::script::Program::calls`] has them.
    pub words: Vec<String>,
    /// The whole command.
    pub span: Span,
    /// Its failure is swallowed, and where.
    pub masked: Option<Span>,
    /// What it reads: a file, or the program before it in a pipe as `|name`.
    pub stdin: Option<String>,
    /// The file that its output goes to.
    pub stdout: Option<String>,
    /// Where it runs, relative to the root, where that is known.
    pub cwd: Option<String>,
}

/// A gate whose failure is lost.
#[derive(Clone, Debug)]
pub struct LostGate {
    /// What it would find out.
    pub kind: RoleKind,
    /// The place that loses it.
    pub span: Span,
    /// The gate.
    pub gate: Span,
    /// How.
    pub how: Loss,
}

/// How the failure of a gate is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its own flag: `--exit-zero`.
    Flag,
    /// What stands around it: `|| true`, `continue-on-error`.
    Masked,
    /// Of a pipe only the last command's status counts.
    Pipe,
    /// Only one exit code is taken for a failure.
    OneCode,
    /// `find -exec … ;` is content whatever the command says.
    FindExec,
    /// Somebody has to start it, and nothing waits for that.
    ByHand,
    /// Not for certain: what is made of it is not followed.
    Unclear,
}

/// What starts a pipeline.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// `push`, `pull_request`, `schedule` …
    pub event: String,
    /// `types:`.
    pub types: Vec<String>,
    /// `branches:` patterns; empty means all, unless `tags` has some.
    pub branches: Vec<String>,
    /// `tags:` patterns.
    pub tags: Vec<String>,
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
    /// Path patterns one of which must be changed for it to run (GitLab's `rules: changes`);
    /// empty means all.
    pub paths: Vec<String>,
    /// Its own permissions; `None` when it has the pipeline's.
    pub permissions: Option<Vec<(String, String, Span)>>,
    /// `environment:`.
    pub environment: Option<(String, Span)>,
    /// `timeout-minutes:` / `timeout:`.
    pub timeout: Option<Span>,
    /// `concurrency:` / `resource_group:`.
    pub concurrency: Option<Span>,
    /// `runs-on:` / `tags:`: labels as written.
    pub labels: Vec<String>,
    /// The containers that it runs in and beside.
    pub containers: Vec<JobContainer>,
    /// `secrets: inherit`.
    pub inherits_secrets: Option<Span>,
    /// Its failure does not fail the pipeline, and whether that is certain.
    pub continue_on_error: Option<(Span, bool)>,
    /// Where it is said that somebody has to start it by hand (GitLab's `when: manual`), and whether
    /// the pipeline waits for that.
    pub by_hand: Option<(Span, bool)>,
    /// It calls this workflow of the repository.
    pub calls: Option<PipelineId>,
    /// Its steps; those of called local actions are spliced in.
    pub steps: Vec<JobStep>,
    /// `runs-on` / `image` place, where there is one.
    pub runs_on: Option<Span>,
    /// Its `env:` and the pipeline's.
    pub env: Vec<(String, Fact<String>, Span)>,
    /// The same as written, expressions included.
    pub env_texts: Vec<(String, String)>,
    /// `strategy.matrix` values: name → values as written.
    pub matrix: Vec<(String, Vec<String>)>,
    /// What each run of the job gets of them together, fields of mappings by their path
    /// (`package.name`); none where they are not written, or too many.
    pub rows: Vec<Vec<(String, String)>>,
}

/// A step.
#[derive(Clone, Debug)]
pub struct JobStep {
    /// `id:`.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The whole step.
    pub span: Span,
    /// `uses:` as written and its place.
    pub uses: Option<(String, Span)>,
    /// `with:` of it.
    pub with: Vec<(String, String, Span)>,
    /// `run:` with its parsed program; `None` too where its shell is none that is read. The
    /// program was parsed with a run of `X` in place of each `${{ … }}`, which is as long.
    pub run: Option<(Derived, Arc<Script>)>,
    /// How that shell treats failures.
    pub shell: Shell,
    /// `if:`.
    pub condition: Option<(String, Span)>,
    /// Its failure does not fail the job, and whether that is certain.
    pub continue_on_error: Option<(Span, bool)>,
    /// Where it runs, relative to the root, as far as known.
    pub workdir: Fact<String>,
    /// What it does.
    pub roles: Vec<Role>,
    /// What it runs, in order: functions followed, wrappers taken off.
    pub commands: Vec<Command>,
    /// Gates in it whose failure is lost.
    pub lost: Vec<LostGate>,
    /// `env:` of it.
    pub env: Vec<(String, Fact<String>, Span)>,
    /// The same as written, expressions included.
    pub env_texts: Vec<(String, String)>,
}

/// How a shell treats failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shell {
    /// `set -e` is in effect.
    pub errexit: bool,
    /// `set -o pipefail` is in effect.
    pub pipefail: bool,
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
    /// Whether anybody learns of its failure, as far as its own program says.
    pub heed: Heed,
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
    /// Validates a configuration: of compose, of a proxy, of a cluster.
    Validate,
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
    /// Whether a change of one of these files starts it, as far as path filters say. Paths are
    /// relative to the root.
    #[must_use]
    pub fn reaches(&self, paths: &[String]) -> bool {
        self.triggers.is_empty() || self.triggers.iter().any(|trigger| trigger.reaches(paths))
    }
}

impl Job {
    /// The ways in which the values come together that the matrix gives to the names asked for, as
    /// far as they are written out; one that gives none where no run gets any.
    #[must_use]
    pub fn ways(&self, asked: &dyn Fn(&str) -> bool) -> Vec<Vec<(&str, &str)>> {
        let written = |value: &str| !value.is_empty() && !value.contains("${{");
        let mut seen = std::collections::BTreeSet::new();
        let mut found = Vec::new();
        for row in &self.rows {
            let pairs = row.iter().map(|(name, value)| (&**name, &**value));
            let way: Vec<_> = pairs.filter(|(name, v)| asked(name) && written(v)).collect();
            if seen.insert(way.clone()) {
                found.push(way);
            }
        }
        if found.is_empty() { vec![Vec::new()] } else { found }
    }

    /// Whether a change of one of these files lets it run, as far as its own path filters say.
    #[must_use]
    pub fn reaches(&self, paths: &[String]) -> bool {
        self.paths.is_empty() || paths.iter().any(|path| filter(&self.paths, path))
    }
}

impl Trigger {
    /// Whether a change of one of these files fires it. Events without a filter, and those that
    /// no change causes (`schedule`), always do.
    #[must_use]
    pub fn reaches(&self, paths: &[String]) -> bool {
        let included = |path: &String| self.paths.is_empty() || filter(&self.paths, path);
        let ignored =
            |path: &String| !self.paths_ignore.is_empty() && filter(&self.paths_ignore, path);
        (self.paths.is_empty() && self.paths_ignore.is_empty())
            || paths.iter().any(|path| included(path) && !ignored(path))
    }
}

/// Whether a path is in what a list of GitHub filter patterns selects: the last pattern that
/// matches decides, one that starts with `!` takes out («Filter pattern cheat sheet»).
fn filter(patterns: &[String], path: &str) -> bool {
    patterns.iter().fold(false, |selected, pattern| match pattern.strip_prefix('!') {
        Some(negated) => selected && !matches(negated, path),
        None => selected || matches(pattern, path),
    })
}

/// A step of a pattern, as a state of the automaton that it is.
enum Token {
    /// `*`: any number of characters but `/`.
    Star,
    /// `**`: any number of characters.
    Deep,
    /// `**/`: no directory, or any number; what follows is [`Token::Inside`].
    Fork,
    /// Within the directories of `**/`.
    Inside,
    /// One character of these ranges.
    One(Vec<(char, char)>),
    /// None or one.
    Optional(Vec<(char, char)>),
    /// One or more.
    Many(Vec<(char, char)>),
}

/// Whether a filter pattern matches a whole path: `*` within a part, `**` across parts, `?` and `+`
/// as in regular expressions (of the character before), `[…]` a class, `\` an escape. Time is
/// pattern times path, whatever they hold.
fn matches(pattern: &str, path: &str) -> bool {
    let literal = pattern.find(['*', '?', '+', '[', '\\', '!']).unwrap_or(pattern.len());
    // A quantifier takes back the character before it.
    let sure = pattern[..literal].char_indices().next_back().map_or(0, |(at, _)| at);
    if !path.starts_with(&pattern[..sure]) {
        return false;
    }
    let tokens = tokens(pattern);
    let mut now = vec![false; tokens.len() + 1];
    let mut next = now.clone();
    now[0] = true;
    skip(&tokens, &mut now);
    for c in path.chars() {
        next.fill(false);
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| now[*at]) {
            let holds = |ranges: &[(char, char)]| ranges.iter().any(|&(a, b)| a <= c && c <= b);
            match token {
                Token::Star => next[at] |= c != '/',
                Token::Deep => next[at] = true,
                Token::Fork => {}
                Token::Inside => {
                    next[at] = true;
                    next[at + 1] |= c == '/';
                }
                Token::One(ranges) | Token::Optional(ranges) => next[at + 1] |= holds(ranges),
                Token::Many(ranges) => {
                    next[at] |= holds(ranges);
                    next[at + 1] |= holds(ranges);
                }
            }
        }
        skip(&tokens, &mut next);
        std::mem::swap(&mut now, &mut next);
    }
    now[tokens.len()]
}

/// Marks what is reached without a character.
fn skip(tokens: &[Token], states: &mut [bool]) {
    for (at, token) in tokens.iter().enumerate() {
        if states[at] {
            states[at + 1] |=
                matches!(token, Token::Star | Token::Deep | Token::Fork | Token::Optional(_));
            if matches!(token, Token::Fork) {
                states[at + 2] = true;
            }
        }
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '*' if rest.starts_with("**/")
                && pattern[..pattern.len() - rest.len()].ends_with(['/']) =>
            {
                tokens.extend([Token::Fork, Token::Inside]);
                taken = 3;
            }
            '*' if rest.starts_with("**/") && tokens.is_empty() => {
                tokens.extend([Token::Fork, Token::Inside]);
                taken = 3;
            }
            '*' if rest.starts_with("**") => {
                tokens.push(Token::Deep);
                taken = 2;
            }
            '*' => tokens.push(Token::Star),
            '?' | '+' if matches!(tokens.last(), Some(Token::One(_))) => {
                if let Some(Token::One(ranges)) = tokens.pop() {
                    tokens.push(if c == '?' {
                        Token::Optional(ranges)
                    } else {
                        Token::Many(ranges)
                    });
                }
            }
            '[' if rest.find(']').is_some_and(|end| end > 1) => {
                let end = rest.find(']').unwrap_or(rest.len());
                let class: Vec<char> = rest[1..end].chars().collect();
                let mut ranges = Vec::new();
                let mut at = 0;
                while at < class.len() {
                    if class.get(at + 1) == Some(&'-') && at + 2 < class.len() {
                        ranges.push((class[at], class[at + 2]));
                        at += 3;
                    } else {
                        ranges.push((class[at], class[at]));
                        at += 1;
                    }
                }
                tokens.push(Token::One(ranges));
                taken = end + 1;
            }
            '\\' if rest.len() > 1 => {
                let escaped = rest[1..].chars().next().unwrap_or(c);
                tokens.push(Token::One(vec![(escaped, escaped)]));
                taken += escaped.len_utf8();
            }
            c => tokens.push(Token::One(vec![(c, c)])),
        }
        rest = &rest[taken..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_select_paths_as_the_forge_does() {
        let check = |patterns: &[&str], path: &str, expected: bool| {
            let patterns: Vec<String> = patterns.iter().map(|&p| p.to_owned()).collect();
            assert_eq!(filter(&patterns, path), expected, "{patterns:?} {path}");
        };
        check(&["services/api/**"], "services/api/src/a.ts", true);
        check(&["services/api/**"], "services/api2/a.ts", false);
        check(&["services/*"], "services/api/a", false);
        check(&["**.js"], "a/b.js", true);
        check(&["**/docs/**"], "docs/hello.md", true);
        check(&["**/*-post.md"], "a/my-post.md", true);
        check(&["*.jsx?"], "page.js", true);
        check(&["**", "!docs/**"], "docs/a", false);
        check(&["**", "!docs/**", "docs/a"], "docs/a", true);
        check(&["*"], "a/b", false);
        check(&["[CB]at.js"], "Cat.js", true);
        check(&["a(b"], "a(b", true);
        check(&["[z"], "[z", true);
    }

    #[test]
    fn a_trigger_is_reached_by_any_change_that_is_not_ignored() {
        let trigger = |paths: &[&str], ignore: &[&str]| Trigger {
            event: "push".to_owned(),
            types: Vec::new(),
            branches: Vec::new(),
            tags: Vec::new(),
            paths: paths.iter().map(|&p| p.to_owned()).collect(),
            paths_ignore: ignore.iter().map(|&p| p.to_owned()).collect(),
            span: Span::new(FileId(0), plimsoll_source::TextRange::new(0, 0)),
        };
        let paths = ["api/a.ts".to_owned(), "docs/b.md".to_owned()];
        assert!(trigger(&[], &[]).reaches(&paths));
        assert!(trigger(&["api/**"], &[]).reaches(&paths));
        assert!(!trigger(&["web/**"], &[]).reaches(&paths));
        assert!(trigger(&[], &["docs/**"]).reaches(&paths));
        assert!(!trigger(&[], &["**"]).reaches(&paths));
    }
}
