//! What fixes of workflows share: keys of steps and jobs, and expressions given as variables.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;

use plimsoll_model::mend::{Data, after, replace, shell};
use plimsoll_model::near::is_slip;
use plimsoll_model::pipeline::{FaultKind, Forge, JobStep, Pipeline, Placed, Slot};
use plimsoll_source::{Derived, Edit, Span};
use plimsoll_syntax::shell::{PartKind, Script};

use super::{against, document};
use crate::{Cx, Finding, Fix, Safety, workflows};

/// Actions that do their work with the right to read, or with none: owners and names, in lower case.
const READERS: [&str; 34] = [
    "actions/cache",
    "actions/cache/restore",
    "actions/cache/save",
    "actions/checkout",
    "actions/download-artifact",
    "actions/setup-dotnet",
    "actions/setup-go",
    "actions/setup-java",
    "actions/setup-node",
    "actions/setup-python",
    "actions/upload-artifact",
    "astral-sh/setup-uv",
    "azure/setup-helm",
    "azure/setup-kubectl",
    "bufbuild/buf-setup-action",
    "codecov/codecov-action",
    "denoland/setup-deno",
    "docker/bake-action",
    "docker/build-push-action",
    "docker/metadata-action",
    "docker/setup-buildx-action",
    "docker/setup-qemu-action",
    "dtolnay/rust-toolchain",
    "gitleaks/gitleaks-action",
    "golangci/golangci-lint-action",
    "gradle/actions/setup-gradle",
    "hadolint/hadolint-action",
    "hashicorp/setup-terraform",
    "ludeeus/action-shellcheck",
    "oven-sh/setup-bun",
    "pnpm/action-setup",
    "ruby/setup-ruby",
    "shivammathur/setup-php",
    "swatinem/rust-cache",
];

/// Whether nothing in a workflow needs more than to read: no step is given its token, none pushes, and
/// of its actions it is known.
pub(crate) fn only_reads(pipeline: &Pipeline) -> bool {
    let token = |placed: &Placed| {
        let mut paths = placed.expression.contexts.iter().map(|context| &*context.path);
        paths.any(|path| {
            let path = path.to_ascii_lowercase();
            path == "github.token"
                || path == "secrets.github_token"
                || path == "github"
                || path == "secrets"
        })
    };
    let steps = || pipeline.jobs.iter().flat_map(|job| &job.steps);
    let known = |step: &JobStep| match workflows::action(step) {
        Some(action) => READERS.contains(&&*action),
        None => !step.commands.iter().any(|command| {
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            matches!(words[..], ["git", .., "push"] | ["git", "push", ..] | ["gh", ..])
                || words.contains(&"push")
        }),
    };
    let called = pipeline.jobs.iter().any(|job| job.runs_on.is_none());
    !pipeline.expressions.iter().any(token)
        && !called
        && pipeline.unread.is_empty()
        && steps().all(known)
}

/// Names in workflows that a finding stands on become those that are near, where they are the forge's.
pub(crate) fn corrected(cx: &Cx<'_>, finding: &Finding, kind: FaultKind) -> Option<Fix> {
    let places: Vec<Span> = against(finding).collect();
    let faults = workflows::live(cx).flat_map(|pipeline| &pipeline.faults);
    let found = faults.filter(|fault| fault.kind == kind && places.contains(&fault.span));
    let edits = found.filter_map(|fault| {
        let text = cx.text_of(fault.span)?;
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.map_or(String::new(), String::from);
        let written = text.trim_matches(['"', '\'']);
        let meant = fault.meant.as_deref().filter(|meant| is_meant(written, meant))?;
        // A key that is there already is not written twice.
        let document = document(cx, fault.span.file)?;
        if document.holder(fault.span).is_some_and(|map| map.get(meant).is_some()) {
            return None;
        }
        Some(replace(fault.span, format!("{quote}{meant}{quote}")))
    });
    let does = "write what is near it, and known: look whether that is meant";
    let fix = Fix::of_edits(does, Safety::Review, None, edits.collect());
    fix.patch.is_some().then_some(fix)
}

/// Whether the word that is near one is what it was to be: it is written with a slip, or in part. Of two
/// words that begin alike another may be meant.
fn is_meant(written: &str, near: &str) -> bool {
    is_slip(written, near) || near.contains(written) || written.contains(near)
}

/// The step that a place lies in whose program stands in the file as it is, and that program.
fn program_at<'a>(cx: &Cx<'a>, at: Span) -> Option<&'a (Derived, Arc<Script>)> {
    document(cx, at.file)?.is_verbatim(at).then_some(())?;
    let steps = workflows::live(cx).flat_map(|p| &p.jobs).flat_map(|job| &job.steps);
    let mut own = steps.filter(|step| {
        step.span.file == at.file
            && step.span.range.start <= at.range.start
            && at.range.end <= step.span.range.end
    });
    own.find_map(|step| step.run.as_ref())
}

/// Edits of the commands of steps and scripts that a finding stands on, each given as its words are
/// written.
pub(crate) fn commands(
    cx: &Cx<'_>,
    finding: &Finding,
    make: impl Fn(&[(String, Span)]) -> Option<Vec<Edit>>,
) -> Vec<Edit> {
    let tree = &cx.delivery.tree;
    let of_place = |at: Span| {
        let of_step = program_at(cx, at).map(|(text, script)| (text, &**script));
        let of_script = || {
            let mut programs = cx.delivery.programs.iter();
            let own = programs.find(|program| program.file == at.file && program.target.is_none());
            let own = own.filter(|program| program.purpose.is_production())?;
            Some((&own.text, &own.script))
        };
        let (text, script) = of_step.or_else(of_script)?;
        make(&shell::written(tree, text, script, at)?)
    };
    let edits: BTreeSet<Edit> = against(finding).filter_map(of_place).flatten().collect();
    edits.into_iter().collect()
}

/// A command that hands its runner a value becomes a line of the file that the runner reads.
pub(crate) fn through_files(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: Vec<Span> = against(finding).collect();
    let faults = workflows::live(cx).flat_map(|pipeline| &pipeline.faults);
    let found =
        faults.filter(|fault| fault.kind == FaultKind::Command && places.contains(&fault.span));
    let edits = found.filter_map(|fault| {
        let (text, script) = program_at(cx, fault.span)?;
        let holds = |span: Span| {
            span.file == fault.span.file
                && span.range.start <= fault.span.range.start
                && fault.span.range.end <= span.range.end
        };
        let spans = script.simple_commands().map(|id| text.span(script.command(id).range));
        let at = spans.filter(|span| holds(*span)).min_by_key(|span| span.range.len())?;
        let words = shell::written(&cx.delivery.tree, text, script, at)?;
        let [(echo, _), (word, place)] = &words[..] else { return None };
        let quote = word.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.map_or(String::new(), String::from);
        let inner = word.strip_prefix(&*quote)?.strip_suffix(&*quote)?;
        let line = match inner.strip_prefix("::add-path::") {
            Some(path) => path.to_owned(),
            None => {
                let (name, value) =
                    inner.strip_prefix("::")?.split_once(" name=")?.1.split_once("::")?;
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                name.chars().all(plain).then(|| format!("{name}={value}"))?
            }
        };
        // `%0A` stands for a line end there, and for itself in a file.
        let plain = echo == "echo" && !line.contains(['%', '\n']) && !line.contains("${{");
        let file = fault.meant.as_deref()?;
        let end = after(*place, format!(" >> \"{file}\""));
        plain.then(|| vec![replace(*place, format!("{quote}{line}{quote}")), end])
    });
    let edits: BTreeSet<Edit> = edits.flatten().collect();
    let does = "write it to the file that the runner reads";
    let fix = Fix::of_edits(does, Safety::Review, None, edits.into_iter().collect());
    fix.patch.is_some().then_some(fix)
}

/// Expressions in scripts that a finding stands on become variables of their steps, where the shell
/// expands them in the same place.
pub(crate) fn as_variables(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: Vec<Span> = against(finding).collect();
    let mut by_step: BTreeMap<Span, Vec<(&Pipeline, &Placed)>> = BTreeMap::new();
    for pipeline in workflows::live(cx) {
        for placed in pipeline.expressions.iter().filter(|placed| places.contains(&placed.span)) {
            if let Some(step) = placed.step.filter(|_| placed.slot == Slot::Run) {
                let own = by_step.entry(step).or_default();
                if own.iter().all(|(_, other)| other.span != placed.span) {
                    own.push((pipeline, placed));
                }
            }
        }
    }
    let mut edits = Vec::new();
    for (at, placed) in by_step {
        edits.extend(step_with(cx, at, &placed).unwrap_or_default());
    }
    let does = "give it to the script as a variable";
    let fix = Fix::of_edits(does, Safety::Review, None, edits);
    fix.patch.is_some().then_some(fix)
}

/// The edits of one step: all of its expressions, or none.
fn step_with(cx: &Cx<'_>, at: Span, placed: &[(&Pipeline, &Placed)]) -> Option<Vec<Edit>> {
    let (pipeline, _) = placed.first()?;
    let mut steps = pipeline.jobs.iter().flat_map(|job| &job.steps);
    let step = steps.find(|step| step.span == at)?;
    let (text, script) = step.run.as_ref()?;
    let document = document(cx, at.file)?;
    let map = document.map_at(at)?;
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut edits = Vec::new();
    for (_, one) in placed {
        let expression = cx.text_of(one.span)?;
        let inner = expression.strip_prefix("${{")?.strip_suffix("}}")?.trim();
        let name = variable(inner)?;
        // The script has a variable of that name, which is another.
        if memchr::memmem::find(text.text(), format!("{name}=").as_bytes()).is_some() {
            return None;
        }
        let value = format!("${{{{ {inner} }}}}");
        // What the step, its job or the workflow sets by that name is something else.
        let taken = step.env_texts.iter().any(|(key, text)| *key == name && *text != value)
            || names.get(&name).is_some_and(|other| *other != value);
        let range = (0..text.text().len()).map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        let mut starts = range.filter(|&start| {
            let range = plimsoll_source::TextRange::new(start, start + one.span.range.len());
            text.span(range) == one.span
        });
        let start = starts.next().filter(|_| !taken)?;
        let put = match within(script, start)? {
            Within::Quotes => format!("${{{name}}}"),
            Within::Word => format!("\"${{{name}}}\""),
        };
        edits.push(replace(one.span, put));
        names.insert(name, value);
    }
    let flow = map.get("env").is_some_and(|env| env.is_flow()) || map.is_flow();
    let written = |value: String| if flow { format!("\"{value}\"") } else { value };
    let names = names.into_iter().map(|(name, value)| (name, Data::scalar(written(value))));
    edits.extend(document.set(map, "env", &Data::Map(names.collect()))?);
    Some(edits)
}

/// Where in a word of the shell a place stands.
enum Within {
    /// In double quotes or a here-document that is expanded.
    Quotes,
    /// In a word without quotes.
    Word,
}

/// Where an offset of a program stands, if the shell expands variables there.
fn within(script: &Script, at: u32) -> Option<Within> {
    let inside = script.words.iter().filter(|word| word.range.start <= at && at < word.range.end);
    // The smallest word is the one that the shell reads there.
    let word = inside.min_by_key(|word| word.range.len())?;
    let part = word.parts.iter().find(|part| part.range.start <= at && at < part.range.end)?;
    let heredoc =
        script.commands.iter().flat_map(|command| &command.redirects).find_map(|r| {
            r.heredoc.as_ref().filter(|doc| doc.range.start <= at && at < doc.range.end)
        });
    match (&part.kind, heredoc) {
        (_, Some(doc)) => doc.expand.then_some(Within::Quotes),
        (PartKind::Literal(_), None) if part.quoted => Some(Within::Quotes),
        (PartKind::Literal(_), None) => Some(Within::Word),
        _ => None,
    }
}

/// The name of a variable for a context: `github.event.issue.title` is `ISSUE_TITLE`. `None` for more
/// than a context.
fn variable(path: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !path.chars().all(plain) || !path.contains('.') {
        return None;
    }
    let parts: Vec<&str> = path.split('.').collect();
    let (lead, rest) = match parts[..] {
        ["github", "event", "inputs", ..] => ("INPUT_", &parts[3..]),
        ["inputs", ..] => ("INPUT_", &parts[1..]),
        ["github", "event", ..] => ("", &parts[2..]),
        ["secrets" | "github" | "vars", ..] => ("", &parts[1..]),
        ["steps" | "needs", _, "outputs", ..] => ("", &parts[3..]),
        _ => ("", &parts[..]),
    };
    let name = format!("{lead}{}", rest.join("_").replace('-', "_").to_ascii_uppercase());
    // These are the runner's own, or the shell's.
    let own = name.starts_with("GITHUB_") || name.starts_with("RUNNER_") || name == "PATH";
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    (starts && !own).then_some(name)
}

/// Whether a workflow is started by changes alone, so that a newer one may end what an older one does.
pub(crate) fn only_proposes(pipeline: &Pipeline) -> bool {
    pipeline.forge == Forge::GitHub
        && pipeline.triggers.iter().all(|trigger| trigger.event == "pull_request")
}
