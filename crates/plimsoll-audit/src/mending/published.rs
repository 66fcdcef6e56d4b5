//! What is added behind the step that builds, or builds and pushes, a service's image, in the job that
//! has it.

use plimsoll_model::mend::Data;
use plimsoll_model::pipeline::{Forge, Job, JobStep, Pipeline, RoleKind};
use plimsoll_source::Edit;
use plimsoll_syntax::shell::{Command, CommandKind, Connector};

use super::{delivery, document};
use crate::ci::{Ci, Whose};
use crate::{Cx, Finding, Fix, Safety, workflows};

/// The one step that builds and pushes an image, and how the image is called in its job.
struct Published<'a> {
    pipeline: &'a Pipeline,
    job: &'a Job,
    step: &'a JobStep,
    /// Without a tag, or with the first of several.
    image: String,
}

/// The one step that builds an image and leaves it on its machine, and how it is called there.
struct Built<'a> {
    step: &'a JobStep,
    image: String,
}

/// The step that builds the image of a finding's service by a command, where there is no other.
fn built<'a>(cx: &Cx<'a>, finding: &Finding) -> Option<Built<'a>> {
    let ci = Ci::of(cx, cx.service_of(finding)?);
    let builds = ci.roles(|kind| kind == RoleKind::BuildImage);
    let [ran] = &builds.iter().filter(|ran| ran.whose != Whose::Others).collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let (job, step) = (ran.job, ran.step());
    let own = ran.whose == Whose::Ours
        && ran.pipeline.forge == Forge::GitHub
        && [job.span.file, step.span.file] == [ran.pipeline.file; 2]
        && !job.labels.iter().any(|label| label.starts_with("windows"))
        && job.matrix.is_empty();
    let always = step.condition.is_none()
        && step.continue_on_error.is_none()
        && ran.role.masked.is_none()
        && ran.role.span.file == step.span.file
        && step.span.range.contains(ran.role.span.range.start)
        && one_by_one(step);
    // The builders of others leave nothing behind.
    let other = job.steps.iter().any(|step| {
        workflows::action(step).is_some_and(|action| action == "docker/setup-buildx-action")
    });
    let words: Vec<&str> = ran.role.words.iter().map(String::as_str).collect();
    let ["docker", "build", flags @ ..] = &words[..] else { return None };
    let leaves = |word: &&str| {
        !["--push", "--output", "-o", "--builder", "--platform"]
            .contains(&word.split('=').next().unwrap_or(word))
    };
    let tags: Vec<&str> = flags
        .iter()
        .enumerate()
        .filter_map(|(at, word)| match word.split_once('=') {
            Some(("--tag" | "-t", tag)) => Some(tag),
            _ if ["--tag", "-t"].contains(word) => flags.get(at + 1).copied(),
            _ => None,
        })
        .collect();
    let [tag] = tags[..] else { return None };
    let image = tag.replace("${GITHUB_SHA}", "$GITHUB_SHA");
    let image = image.replace("$GITHUB_SHA", "${{ github.sha }}");
    let plain = |c: char| c.is_ascii_alphanumeric() || "./:_-".contains(c);
    let known = image.replace("${{ github.sha }}", "").chars().all(plain);
    let fits = own && always && !other && known && flags.iter().all(leaves);
    fits.then_some(Built { step, image })
}

/// Whether a step runs command after command, none of them only on a condition.
fn one_by_one(step: &JobStep) -> bool {
    step.run.as_ref().is_some_and(|(_, script)| {
        let simple = |command: &Command| matches!(command.kind, CommandKind::Simple { .. });
        script.commands.iter().all(simple)
            && script.lists.iter().flat_map(|list| &list.items).all(|i| i.then == Connector::Seq)
    })
}

/// Steps behind the one that builds it.
fn behind(cx: &Cx<'_>, built: &Built<'_>, steps: &str) -> Option<Vec<Edit>> {
    Some(vec![document(cx, built.step.span.file)?.item_behind(built.step.span, steps)?])
}

/// The step that pushes the image of a finding's service, where there is no other and it always does.
fn published<'a>(cx: &Cx<'a>, finding: &Finding) -> Option<Published<'a>> {
    let ci = Ci::of(cx, cx.service_of(finding)?);
    let pushes = ci.roles(|kind| kind == RoleKind::Push);
    let [ran] = &pushes.iter().filter(|ran| ran.whose != Whose::Others).collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let (pipeline, job, step) = (ran.pipeline, ran.job, ran.step());
    let input = |key| workflows::input(step, key).map(|(text, _)| text);
    let tags = input("tags").filter(|tags| !tags.contains(','))?;
    let always = ran.whose == Whose::Ours
        && workflows::action(step)? == "docker/build-push-action"
        && input("push") == Some("true")
        && ["outputs", "load", "call"].iter().all(|key| input(key).is_none())
        && step.condition.is_none()
        && step.continue_on_error.is_none();
    // Runs of a matrix would each push another image under the same name.
    let one = job.matrix.is_empty() || tags.contains("matrix.");
    let own = pipeline.forge == Forge::GitHub
        && [job.span.file, step.span.file] == [pipeline.file; 2]
        && !job.labels.iter().any(|label| label.starts_with("windows"));
    let image = named(job, tags).filter(|_| always && one && own)?;
    Some(Published { pipeline, job, step, image })
}

/// The image of the first tag: as it is written, or as the action says that computes it.
fn named(job: &Job, tags: &str) -> Option<String> {
    let first = tags.lines().map(str::trim).find(|tag| !tag.is_empty())?;
    let computed = first.strip_prefix("${{").and_then(|rest| rest.strip_suffix(".outputs.tags }}"));
    if let Some(id) = computed.and_then(|rest| rest.trim().strip_prefix("steps.")) {
        let meta = job.steps.iter().find(|step| step.id.as_deref() == Some(id))?;
        let is_it = workflows::action(meta)? == "docker/metadata-action";
        let (images, _) = workflows::input(meta, "images").filter(|_| is_it)?;
        let plain = images.trim().lines().count() == 1 && !images.contains([',', '=']);
        return plain.then(|| format!("${{{{ fromJSON(steps.{id}.outputs.json).tags[0] }}}}"));
    }
    // The tag begins behind the last part of the path; a colon within an expression is none.
    let mut inside = false;
    let mut tag = None;
    for (at, c) in first.char_indices() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            '/' if !inside => tag = None,
            ':' if !inside => tag = tag.or(Some(at)),
            _ => {}
        }
    }
    let name = first.get(..tag.unwrap_or(first.len()))?;
    let known = !name.contains(['@', '"', '\'', '#', ' ']) || name.contains("${{");
    (known && name.contains('/') && !name.contains("steps.")).then(|| name.to_owned())
}

impl Published<'_> {
    /// The name by which other steps refer to it, and what gives it one.
    fn id(&self, cx: &Cx<'_>) -> Option<(String, Vec<Edit>)> {
        if let Some(id) = &self.step.id {
            return Some((id.clone(), Vec::new()));
        }
        let document = document(cx, self.step.span.file)?;
        let taken = self.job.steps.iter().any(|step| step.id.as_deref() == Some("build"));
        let map = document.map_at(self.step.span).filter(|map| !taken && !map.is_flow())?;
        let behind = if map.get("name").is_some() { "name" } else { "uses" };
        let edits = document.set_behind(map, behind, "id", &Data::scalar("build"))?;
        Some(("build".to_owned(), edits))
    }

    /// Steps behind it, and behind those that scan what it pushed.
    fn then(&self, cx: &Cx<'_>, steps: &str) -> Option<Edit> {
        let scans = |step: &&JobStep| {
            step.roles.iter().any(|role| matches!(role.kind, RoleKind::ScanImage { .. }))
        };
        let at = self.job.steps.iter().position(|step| step.span == self.step.span)?;
        let last = self.job.steps.iter().skip(at).rfind(scans).unwrap_or(self.step);
        document(cx, self.step.span.file)?.item_behind(last.span, steps)
    }

    /// Lets its job sign without a key; `None` where what else its job may do is not said.
    fn may_sign(&self, cx: &Cx<'_>) -> Option<Vec<Edit>> {
        let document = document(cx, self.job.span.file)?;
        let job = document.map_at(self.job.span)?;
        let mut given = Vec::new();
        if self.job.permissions.is_none() {
            if self.pipeline.permissions.is_empty() {
                return None;
            }
            // What its job says holds instead of what the workflow does.
            for (scope, level, _) in &self.pipeline.permissions {
                match (&**scope, &**level) {
                    ("*", "none") | ("id-token", _) => {}
                    ("*", _) => return None,
                    _ => given.push((scope.clone(), Data::scalar(level.clone()))),
                }
            }
        }
        given.push(("id-token".to_owned(), Data::scalar("write")));
        document.set_behind(job, "runs-on", "permissions", &Data::Map(given))
    }
}

/// A scan of what is pushed, right behind the push: what comes after it waits for it. What is only
/// built is scanned behind that.
pub(crate) fn scanned(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if let Some(built) = built(cx, finding) {
        let edits = behind(cx, &built, &delivery::scan_step(&built.image)?)?;
        let does = "scan what is built: a severe finding ends the job, and what waits for it";
        return Some(Fix::of_edits(does, Safety::Review, None, edits));
    }
    let published = published(cx, finding)?;
    let (id, mut edits) = published.id(cx)?;
    let image = format!("{}@${{{{ steps.{id}.outputs.digest }}}}", published.image);
    edits.push(published.then(cx, &delivery::scan_step(&image)?)?);
    let does = "scan what is pushed, by its digest: a severe finding ends the job, and what waits \
                for it; it is pushed by then";
    Some(Fix::of_edits(does, Safety::Review, None, edits))
}

/// A signature of what is pushed, without a key.
pub(crate) fn signed(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let published = published(cx, finding)?;
    let (id, mut edits) = published.id(cx)?;
    edits.push(published.then(cx, &delivery::sign_steps(&id, &published.image)?)?);
    edits.extend(published.may_sign(cx)?);
    let does = "sign what is pushed by its digest, as this workflow: the signature, and the \
                repository's name with it, are public";
    Some(Fix::of_edits(does, Safety::Review, None, edits))
}

/// A bill of materials that the builder makes and pushes with the image, or that the run keeps of one
/// that is only built.
pub(crate) fn listed(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if let Some(built) = built(cx, finding) {
        let edits = behind(cx, &built, &delivery::list_step(&built.image)?)?;
        let does = "list what is built, and keep the list with the run";
        return Some(Fix::of_edits(does, Safety::Review, None, edits));
    }
    let Published { job, step, .. } = published(cx, finding)?;
    let lacks = |key| workflows::input(step, key).is_none();
    let (uses, _) = step.uses.as_ref()?;
    // Before its fourth version it had none; the builder that Docker brings keeps none.
    let old = ["@v1", "@v2", "@v3"].iter().any(|tag| uses.contains(tag));
    let builder = |step: &JobStep| {
        workflows::action(step).is_some_and(|action| action == "docker/setup-buildx-action")
            && step.with.is_empty()
    };
    let can = !old && lacks("sbom") && lacks("provenance") && lacks("attests");
    let document = document(cx, step.span.file)?;
    let with = document.map_at(step.span)?.get("with");
    let with = with.filter(|_| can && job.steps.iter().any(builder))?;
    let edits = document.set(with, "sbom", &Data::scalar("true"))?;
    let does = "have the builder list what the image holds, and push that with it";
    Some(Fix::of_edits(does, Safety::Review, None, edits))
}
