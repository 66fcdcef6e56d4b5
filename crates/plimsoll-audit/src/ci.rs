//! What pipelines do for a service: the steps that run when it changes, and whose they are.
//!
//! A step is about a service when it names it (its directory, its name, its image, in its own text
//! or in the variables and matrix values that it refers to), or when it works on the whole tree. A
//! step about an image that names none is about what its job, then its pipeline, names.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use plimsoll_model::image::StepKind;
use plimsoll_model::pipeline::{Forge, Job, JobStep, Pipeline, Role, RoleKind, Runs, Slot};
use plimsoll_model::service::Service;
use plimsoll_model::{PipelineId, UnsupportedKind, Why};
use plimsoll_source::{FileId, Span, normalize_path};

use crate::conditions::reads_context;
use crate::{Cx, Evidence, ServiceSubject, Snippet, Verdict, pushed};

/// Above this many services, only directories tell another service's steps.
const MAX_NAMED: usize = 2_000;
/// How many directories of shared code are followed.
const MAX_SHARED: usize = 64;
/// How deep workflows may call each other (GitHub allows four).
const MAX_CALLS: usize = 4;
/// Programs that build, test or deploy, before which a variable stands that decides whether they run.
const PREFIXED: [&str; 9] =
    ["docker", "podman", "buildah", "npm", "pnpm", "yarn", "make", "helm", "kubectl"];
/// How many variables of a step, and how much of the steps that build images, is read.
const MAX_VALUES: usize = 200;
const MAX_BUILDS: usize = 64 * 1024;
/// Directories that are called so tell no service from a word of a command.
const COMMON: &[&str] =
    &["app", "build", "ci", "deploy", "docker", "image", "push", "run", "src", "test", "tests"];
/// Words of commands that work on every package below.
const RECURSIVE: &[&str] =
    &["--workspaces", "-ws", "-r", "--recursive", "turbo", "nx", "lerna", "run-many", "foreach"];

/// Whose step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// It is about the service.
    Ours,
    /// It is about something else.
    Others,
    /// It cannot be told.
    Open,
}

/// Something that a pipeline does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran<'a> {
    /// The pipeline that the forge starts.
    pub(crate) pipeline: &'a Pipeline,
    /// The job that does it, in that pipeline or in one that it calls.
    pub(crate) job: &'a Job,
    /// The job that calls that one.
    caller: Option<&'a Job>,
    /// The step.
    step: &'a JobStep,
    /// What it does.
    pub(crate) role: &'a Role,
    /// Whether it is about the service.
    pub(crate) whose: Whose,
}

impl<'a> Ran<'a> {
    /// The step that does it.
    pub(crate) const fn step(&self) -> &'a JobStep {
        self.step
    }

    /// An input of its action.
    pub(crate) fn input(&self, key: &str) -> Option<&str> {
        self.step.with.iter().find(|(k, ..)| k == key).map(|(_, value, _)| &**value)
    }

    /// Whether what it names by its digest is what an action of the same job builds, and nothing in
    /// that job pushes.
    pub(crate) fn is_unpushed(&self) -> bool {
        let mut text = String::new();
        let env = self.step.env_texts.iter().chain(&self.job.env_texts).map(|(_, value)| value);
        for part in self.step.with.iter().map(|(_, value, _)| value).chain(env) {
            text.push_str(part);
        }
        if let Some((run, _)) = &self.step.run {
            text.push_str(&String::from_utf8_lossy(run.text()));
        }
        let named = |step: &&JobStep| {
            let id = step.id.as_ref();
            id.is_some_and(|id| text.contains(&format!("steps.{id}.outputs.digest")))
        };
        let mut roles = self.job.steps.iter().flat_map(|step| &step.roles);
        !roles.any(|role| role.kind == RoleKind::Push)
            && self.job.steps.iter().find(named).and_then(pushed::pushes) == Some(false)
    }

    /// Whether its job has a permission to write.
    pub(crate) fn may_write(&self, scope: &str) -> bool {
        let own = self.job.permissions.as_ref();
        let given = own.or(self.caller.and_then(|job| job.permissions.as_ref()));
        let given = given.unwrap_or(&self.pipeline.permissions);
        given.iter().any(|(name, level, _)| (name == scope || name == "*") && level == "write")
            || given.iter().any(|(name, level, _)| name == "*" && level == "write-all")
    }
}

/// Whether a pipeline, or a job at its place, names the service, and others.
type Named = HashMap<(FileId, Option<Span>), (bool, bool)>;

/// The pipelines that run when a service changes.
pub(crate) struct Ci<'a> {
    cx: Cx<'a>,
    service: &'a Service,
    /// Names of the service, and of the others.
    ours: HashSet<&'a str>,
    others: HashSet<&'a str>,
    /// The pipeline that is started, its job or one that it calls, and the calling job.
    jobs: Vec<(&'a Pipeline, &'a Job, Option<&'a Job>)>,
    /// What jobs and pipelines name, and what the steps that build images say.
    named_in: RefCell<Named>,
    builds: OnceCell<String>,
}

/// Whether the forge runs it: by itself, or by hand.
pub(crate) fn runs(pipeline: &Pipeline) -> bool {
    let by_hand = || pipeline.triggers.iter().any(|t| t.event == "workflow_dispatch");
    pipeline.forge != Forge::GitHubAction
        && pipeline.refused.is_none()
        && (pipeline.runs == Runs::Yes || (pipeline.runs == Runs::OnCall && by_hand()))
}

/// The pipelines that run.
pub(crate) fn running(cx: &Cx<'_>) -> Arc<[PipelineId]> {
    let all = || (0u32..).map(PipelineId).zip(&cx.delivery.pipelines);
    cx.once(|once| &once.running, || all().filter(|(_, p)| runs(p)).map(|(id, _)| id).collect())
}

impl<'a> Ci<'a> {
    /// Those of this service.
    pub(crate) fn of(cx: &Cx<'a>, service: ServiceSubject<'a>) -> Self {
        let service = service.service;
        let ours = names(cx, service);
        let all = &cx.delivery.services;
        // Without a pipeline there is nothing to tell apart.
        let wanted = !service.pipelines.is_empty() && all.len() <= MAX_NAMED;
        let others = all.iter().filter(|_| wanted);
        let others = others
            .flat_map(|other| [last(&other.name), last(&other.dir)])
            .filter(|name| !name.is_empty() && !ours.contains(name) && !COMMON.contains(name));
        let mut ci = Self {
            cx: *cx,
            service,
            others: others.collect(),
            ours,
            jobs: Vec::new(),
            named_in: RefCell::default(),
            builds: OnceCell::new(),
        };
        for &id in &service.pipelines {
            let pipeline = &cx.delivery[id];
            // What is left of a file that does not parse is no evidence: the forge refuses it.
            if runs(pipeline) && !pipeline.broken {
                ci.add(pipeline, id, None, 0);
            }
        }
        ci
    }

    fn add(&mut self, root: &'a Pipeline, id: PipelineId, caller: Option<&'a Job>, depth: usize) {
        for job in cx_jobs(&self.cx, id) {
            let filtered = !job.paths.is_empty();
            let out = filtered && !job.reaches(&self.service.touches(self.cx.delivery));
            if out || self.jobs.len() > 10_000 {
                continue;
            }
            self.jobs.push((root, job, caller));
            if let Some(called) = job.calls.filter(|_| depth < MAX_CALLS) {
                self.add(root, called, Some(caller.unwrap_or(job)), depth + 1);
            }
        }
    }

    /// The pipelines.
    pub(crate) fn pipelines(&self) -> impl Iterator<Item = &'a Pipeline> + '_ {
        self.service.pipelines.iter().map(|&id| &self.cx.delivery[id]).filter(|p| runs(p))
    }

    /// What they do of these kinds, in order.
    pub(crate) fn roles(&self, wanted: impl Fn(RoleKind) -> bool) -> Vec<Ran<'a>> {
        let mut found = Vec::new();
        for &(pipeline, job, caller) in &self.jobs {
            for step in &job.steps {
                for role in step.roles.iter().filter(|role| wanted(role.kind)) {
                    let ran = Ran { pipeline, job, caller, step, role, whose: Whose::Open };
                    found.push(Ran { whose: self.whose(&ran), ..ran });
                }
            }
        }
        found
    }

    fn whose(&self, ran: &Ran<'_>) -> Whose {
        let dir = &*self.service.dir;
        let place = self.cx.path(ran.role.span.file);
        if !dir.is_empty() && within(place, dir) {
            return Whose::Ours;
        }
        if ran.role.kind == RoleKind::BuildImage
            && let Some(whose) = self.whose_composed(ran)
        {
            return whose;
        }
        if is_of_image(ran.role.kind)
            && let Some(image) = reference(ran)
            && let Some(whose) = self.whose_named(ran, image)
        {
            return whose;
        }
        if let Some(whose) = self.whose_filtered(&ran.role.words) {
            return whose;
        }
        let mut text = self.text(ran.step, ran.job, ran.caller);
        text.push_str(&ran.role.words.join(" "));
        let named = self.named(&text, ran.step.workdir.known().map(String::as_str));
        match named {
            (true, _) => return Whose::Ours,
            (_, true) => return Whose::Others,
            _ if dir_of(&self.cx, place).is_some_and(|other| other != dir) => return Whose::Others,
            _ => {}
        }
        if is_of_image(ran.role.kind)
            && let Some(whose) = computed(ran).find_map(|image| self.whose_listed(ran, image))
        {
            return whose;
        }
        if is_of_image(ran.role.kind) { self.whose_image(ran) } else { self.whose_tree(ran, place) }
    }

    /// Whose a command is that picks packages of the workspace: `pnpm --filter api test`. `None`
    /// where it picks none, or picks by what cannot be told.
    fn whose_filtered(&self, words: &[String]) -> Option<Whose> {
        const TOOLS: [&str; 6] = ["pnpm", "npm", "yarn", "turbo", "lerna", "bun"];
        let tool = words.iter().map(|word| last(word)).find(|word| TOOLS.contains(word))?;
        let mut picked: Vec<&str> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let next = || words.get(at + 1).map(String::as_str);
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (&**word, next()),
            };
            let picks = match name {
                "--filter" | "--workspace" | "--scope" => true,
                "-F" => tool == "pnpm",
                "-w" => tool == "npm",
                "workspace" => tool == "yarn",
                _ => false,
            };
            picked.extend(value.filter(|_| picks));
        }
        // What changed, what is left out, and what a variable says may be anything.
        let open = |pick: &&str| pick.contains(['$', '[', '!']) || pick.contains("XXXX");
        if picked.is_empty() || picked.iter().any(open) {
            return None;
        }
        if picked.iter().any(|pick| self.is_picked(pick.trim_matches(['.', '^']))) {
            return Some(Whose::Ours);
        }
        // With what it depends on, or what depends on it.
        let around = picked.iter().any(|pick| pick.contains("..."));
        Some(if around { Whose::Open } else { Whose::Others })
    }

    /// Whether the name, the directory or the pattern of a package means the service's.
    fn is_picked(&self, pick: &str) -> bool {
        let pick = pick.trim_matches(['{', '}', '"', '\'']);
        let package = self.service.package.and_then(|id| self.cx.delivery[id].name.as_deref());
        let dir = &*self.service.dir;
        if let Some(path) = pick.strip_prefix("./").or(pick.strip_prefix('/')) {
            return pick.ends_with('*') || covers(path, dir) || path == dir;
        }
        let names = package.into_iter().flat_map(|name| [name, last(name)]).chain([dir, last(dir)]);
        names.chain([&*self.service.name]).any(|name| !name.is_empty() && covers(pick, name))
    }

    /// Whose a step is that works on what lies below its directory.
    fn whose_tree(&self, ran: &Ran<'_>, place: &str) -> Whose {
        let dir = &*self.service.dir;
        match ran.step.workdir.known() {
            None => return Whose::Open,
            Some(at) if at == dir || within(dir, at) => {}
            Some(_) => return Whose::Others,
        }
        let Some(manifest) = place.strip_suffix("package.json") else { return Whose::Ours };
        // A script of a package above: of the workspace, or of nothing but itself.
        let manifest = manifest.trim_end_matches('/');
        let package = self.service.package.map(|id| &self.cx.delivery[id]);
        let alone = package.is_some_and(|package| {
            package.dir != manifest && package.workspace.as_deref() != Some(manifest)
        });
        let recursive = ran.role.words.iter().any(|word| RECURSIVE.contains(&&**word));
        match (manifest == dir || within(dir, manifest)) && (!alone || recursive) {
            true => Whose::Ours,
            false => Whose::Others,
        }
    }

    /// Whose an image is by the name that a step gives it, wherever the step stands.
    fn whose_named(&self, ran: &Ran<'_>, image: &str) -> Option<Whose> {
        if let Some(listed) = self.whose_listed(ran, image) {
            return Some(listed).filter(|whose| *whose != Whose::Ours);
        }
        if image.contains('$') || self.named(image, None).0 {
            return None;
        }
        let built = self.builds.get_or_init(|| self.build_texts()).contains(repository(image));
        (!built).then(|| if repository(image).contains('/') { Whose::Open } else { Whose::Others })
    }

    /// Whose an image is whose name a matrix says: that of the services that it lists. `None` where
    /// no matrix does.
    fn whose_listed(&self, ran: &Ran<'_>, image: &str) -> Option<Whose> {
        let name = repository(image);
        let (key, values) = ran.job.matrix.iter().find(|(key, values)| {
            !values.is_empty()
                && name.contains(&format!("matrix.{key}"))
                && values.iter().all(|value| !value.contains('$'))
        })?;
        let single =
            self.cx.delivery.services.len() == 1 && values.len() == 1 && name.contains('/');
        if single || self.named(name, None).0 || values.iter().any(|v| self.named(v, None).0) {
            return Some(Whose::Ours);
        }
        // `app-${{ matrix.variant }}` may be one of ours, built in several ways.
        let whole = |part: &str| part.starts_with("${{") && part.ends_with("}}");
        let mut parts = name.split('/').filter(|part| part.contains(&format!("matrix.{key}")));
        Some(if parts.all(|part| whole(part.trim())) { Whose::Others } else { Whose::Open })
    }

    /// Whose a step about an image is that names no service itself.
    fn whose_image(&self, ran: &Ran<'_>) -> Whose {
        let file = ran.pipeline.file;
        for key in [(file, Some(ran.job.span)), (file, None)] {
            let known = self.named_in.borrow().get(&key).copied();
            let named = known.unwrap_or_else(|| self.named_around(ran, key.1.is_some()));
            self.named_in.borrow_mut().insert(key, named);
            match named {
                (true, false) => return Whose::Ours,
                (false, true) => return Whose::Others,
                (true, true) => return Whose::Open,
                (false, false) => {}
            }
        }
        let images =
            |service: &&Service| !service.images.is_empty() && service.purpose.is_production();
        let single = self.cx.delivery.services.iter().filter(images).take(2).count() == 1;
        let builds_all = ran.role.words.iter().any(|w| w.contains("compose") || w.contains("bake"));
        if single || builds_all { Whose::Ours } else { Whose::Open }
    }

    /// Whose images `docker compose -f ci.yml up --build` builds: those that the named files say how
    /// to build, or of these the ones that are named. `None` where it is no such command, or which
    /// files it reads is not known.
    fn whose_composed(&self, ran: &Ran<'_>) -> Option<Whose> {
        const TAKES: [&str; 12] = [
            "-f",
            "--file",
            "-p",
            "--project-name",
            "--profile",
            "--env-file",
            "--project-directory",
            "--timeout",
            "-t",
            "--scale",
            "--wait-timeout",
            "--build-arg",
        ];
        let words = &ran.role.words;
        let at =
            words.iter().position(|word| matches!(last(word), "compose" | "docker-compose"))?;
        let (mut files, mut named, mut verb) = (Vec::new(), Vec::new(), None);
        let mut rest = words.get(at + 1..)?.iter();
        while let Some(word) = rest.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if name.starts_with('-') => (name, Some(value)),
                _ => (&**word, None),
            };
            match name {
                "-f" | "--file" if verb.is_none() => {
                    files.push(value.or_else(|| rest.next().map(String::as_str))?);
                }
                "--project-directory" | "--profile" => return None,
                _ if TAKES.contains(&name) => {
                    if value.is_none() {
                        rest.next();
                    }
                }
                _ if name.starts_with('-') => {}
                _ if verb.is_none() => verb = Some(name),
                _ => named.push(name),
            }
        }
        let dir = ran.step.workdir.known()?;
        if files.is_empty() || !matches!(verb, Some("up" | "build")) {
            return None;
        }
        let files: Option<Vec<FileId>> = files
            .into_iter()
            .map(|file| {
                let path = normalize_path(&format!("{dir}/{file}"))?;
                self.cx.delivery.tree.find(path.trim_start_matches('/'))
            })
            .collect();
        let files = files?;
        let all = self.service.containers.iter().chain(&self.service.other_containers);
        let mut ours = all.map(|&id| &self.cx.delivery[id]).filter(|container| {
            container.build.is_some()
                && files.contains(&container.file)
                && (named.is_empty() || named.contains(&&*container.name))
        });
        Some(if ours.next().is_some() { Whose::Ours } else { Whose::Others })
    }

    /// What the job of a step names, or the whole pipeline.
    fn named_around(&self, ran: &Ran<'_>, job_only: bool) -> (bool, bool) {
        let mut text = String::new();
        for (pipeline, job, caller) in &self.jobs {
            if pipeline.file != ran.pipeline.file || (job_only && job.span != ran.job.span) {
                continue;
            }
            text.extend([&*job.id, " ", caller.map_or("", |caller| &caller.id)]);
            for step in &job.steps {
                text.push(' ');
                text.push_str(&self.text(step, job, *caller));
            }
            text.push(' ');
        }
        if !job_only {
            let paths = ran.pipeline.triggers.iter().flat_map(|trigger| &trigger.paths);
            text.extend(paths.flat_map(|path| [" ", &**path]));
        }
        self.named(&text, None)
    }

    /// What the steps say that build images, as far as anyone reads.
    fn build_texts(&self) -> String {
        let mut text = String::new();
        for (_, job, caller) in &self.jobs {
            for step in &job.steps {
                if step.roles.iter().any(|role| role.kind == RoleKind::BuildImage)
                    && text.len() < MAX_BUILDS
                {
                    text.push(' ');
                    text.push_str(&self.text(step, job, *caller));
                }
            }
        }
        text
    }

    /// What a step says, with the variables and the matrix values that it refers to.
    fn text(&self, step: &JobStep, job: &Job, caller: Option<&Job>) -> String {
        let mut text = step.workdir.known().cloned().unwrap_or_default();
        for part in step.with.iter().map(|(_, value, _)| &**value) {
            text.push(' ');
            text.push_str(part);
        }
        if let Some((run, _)) = &step.run {
            text.push(' ');
            text.push_str(&String::from_utf8_lossy(run.text()));
        }
        if let Some((_, span)) = step.workdir.unknown()
            && let Some(span) = span
            && let Ok(bytes) = self.cx.delivery.tree.read(span.file)
        {
            text.push(' ');
            text.push_str(&String::from_utf8_lossy(span.range.slice(&bytes)));
        }
        let mut more = String::from(" ");
        for (name, value) in job.env_texts.iter().chain(&step.env_texts).take(MAX_VALUES) {
            if text.contains(&**name) {
                more.push_str(value);
                more.push(' ');
            }
        }
        let both = format!("{text}{more}");
        for (name, values) in job.matrix.iter().take(MAX_VALUES) {
            if [format!("matrix.{name}"), format!("${name}"), format!("${{{name}")]
                .iter()
                .any(|word| both.contains(&**word))
            {
                more.push_str(&values.join(" "));
                more.push(' ');
            }
        }
        if let Some(caller) = caller.filter(|_| both.contains("inputs.")) {
            let values = caller.steps.iter().flat_map(|step| &step.with).map(|(_, v, _)| &**v);
            let matrix = caller.matrix.iter().flat_map(|(_, values)| values).map(String::as_str);
            for value in values.chain(matrix) {
                more.push_str(value);
                more.push(' ');
            }
        }
        if both.contains("needs.") {
            more.push_str(&self.published(step, job));
        }
        text + &more
    }

    /// What the steps say whose outputs a step takes from jobs before its own.
    fn published(&self, step: &JobStep, job: &Job) -> String {
        let file = job.span.file;
        let Some(own) = self.cx.delivery.pipelines.iter().find(|own| own.file == file) else {
            return String::new();
        };
        let taken = own.expressions.iter().filter(|placed| placed.step == Some(step.span));
        let mut makers: Vec<Span> = Vec::new();
        for path in taken.flat_map(|placed| placed.expression.flowing()).take(MAX_VALUES) {
            makers.extend(maker(own, path).map(|step| step.span));
        }
        makers.sort_unstable();
        makers.dedup();
        let steps = own.jobs.iter().flat_map(|job| job.steps.iter().map(move |step| (job, step)));
        // What such a step takes from jobs before it is not followed: one of them names it.
        let said = steps.filter(|(_, step)| makers.contains(&step.span)).map(|(job, step)| {
            let given = step.with.iter().map(|(_, value, _)| &**value);
            let set = step.env_texts.iter().chain(&job.env_texts).map(|(_, value)| &**value);
            let run = step.run.as_ref().map(|(text, _)| String::from_utf8_lossy(text.text()));
            let words: Vec<&str> = given.chain(set).chain(run.as_deref()).collect();
            words.join(" ")
        });
        said.take(MAX_VALUES).collect::<Vec<_>>().join(" ")
    }

    /// Whether a text names the service, and whether it names another, or a directory elsewhere.
    fn named(&self, text: &str, workdir: Option<&str>) -> (bool, bool) {
        let (mut ours, mut others) = (false, false);
        let mut enters = false;
        let dir = &*self.service.dir;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
        for token in text.split(|c| !is_part(c)).filter(|token| !token.is_empty()) {
            let path = normalize_path(token).unwrap_or_default();
            if enters
                && let Some(at) = workdir.and_then(|w| normalize_path(&format!("{w}/{token}")))
            {
                let ancestor = at == dir || within(dir, &at);
                others |= !ancestor && !within(&at, dir) && self.cx.delivery.tree.is_dir(&at);
                ours |= !dir.is_empty() && (at == dir || within(&at, dir));
            }
            enters = matches!(token, "cd" | "-C" | "--prefix" | "--cwd" | "--dir" | "pushd");
            if !dir.is_empty() && (path == dir || within(&path, dir)) {
                ours = true;
            } else if dir_of(&self.cx, &path).is_some_and(|other| other != dir) {
                others = true;
            } else {
                for part in token.split('/') {
                    ours |= self.ours.contains(part);
                    others |= self.others.contains(part);
                }
            }
        }
        (ours, others)
    }

    /// What may do it and is not read: a verdict of UNKNOWN in place of «none does».
    pub(crate) fn unread(&self) -> Option<Verdict> {
        let evidence = |span, says| Evidence::context(span, says);
        let delivery = self.cx.delivery;
        for pipeline in with_called(&self.cx, self.pipelines()) {
            if pipeline.broken {
                let place = evidence(self.cx.start_of(pipeline.file), "does not parse");
                return Some(Verdict::unknown(Why::Unparsed, "a workflow does not parse", place));
            }
            let unread = pipeline.unread.iter().find(|(what, _)| !is_neutral(what));
            if let Some((_, span)) = unread {
                let message = "what a workflow takes in from elsewhere is not known";
                let place = evidence(*span, "is not in the tree");
                return Some(Verdict::unknown(Why::OutOfTree, message, place));
            }
            // `run: ${{ matrix.command }}`; `$DRY docker build` runs, or shows, what follows.
            let steps = pipeline.jobs.iter().flat_map(|job| &job.steps);
            let mut commands = steps.flat_map(|step| &step.commands);
            let open = |command: &&plimsoll_model::pipeline::Command| match &*command.words {
                [first, ..] if first.starts_with("${{") => true,
                [first, second, ..] => first.starts_with('$') && PREFIXED.contains(&&**second),
                _ => false,
            };
            if let Some(open) = commands.find(open) {
                let message = "what a workflow runs is named by an expression: not known";
                let place = evidence(open.span, "runs what an expression says");
                return Some(Verdict::unknown(Why::Dynamic, message, place));
            }
        }
        if let Some(other) = delivery.unsupported.iter().find(|u| is_forge(u.kind)) {
            let message = "the pipeline of this forge is not read yet: look by hand";
            let place = evidence(self.cx.start_of(other.file), "is not read yet");
            return Some(Verdict::unknown(Why::Unsupported, message, place));
        }
        if delivery.tree.outside().is_some() {
            let message = "what the repository's root runs lies outside the audited tree";
            let place = Evidence::missing_file(".github/workflows", "may lie above");
            return Some(Verdict::unknown(Why::OutOfTree, message, place));
        }
        delivery.tree.unlisted(".github/workflows").map(|note| {
            let place = Evidence::missing_file(".github/workflows", note.says.to_string());
            Verdict::unknown(Why::Unreadable, "the workflows cannot be listed", place)
        })
    }

    /// Workflows that lie where no forge looks: context for «none does».
    pub(crate) fn inert(&self) -> impl Iterator<Item = Evidence> + '_ {
        let inert = self.cx.delivery.pipelines.iter().filter_map(|pipeline| match &pipeline.runs {
            Runs::No(why) => Some(Evidence::context(
                self.cx.start_of(pipeline.file),
                format!("never runs: {why}"),
            )),
            _ => pipeline.refused.map(|at| Evidence::context(at, "the forge refuses the workflow")),
        });
        inert.take(5)
    }
}

/// Pipelines, and those of the repository that they call.
fn with_called<'a>(
    cx: &Cx<'a>,
    pipelines: impl Iterator<Item = &'a Pipeline>,
) -> Vec<&'a Pipeline> {
    let mut found: Vec<&Pipeline> = pipelines.collect();
    let mut seen: HashSet<FileId> = found.iter().map(|pipeline| pipeline.file).collect();
    let mut at = 0;
    while let Some(pipeline) = found.get(at).copied() {
        let called = pipeline.jobs.iter().filter_map(|job| job.calls);
        let called = called.map(|id| &cx.delivery[id]);
        found.extend(called.filter(|called| seen.insert(called.file)));
        at += 1;
    }
    found
}

/// What a pipeline of the repository may do and is not read: a verdict of UNKNOWN.
pub(crate) fn not_read(cx: &Cx<'_>) -> Option<Verdict> {
    let delivery = cx.delivery;
    let started = delivery.pipelines.iter().filter(|pipeline| runs(pipeline));
    for pipeline in with_called(cx, started) {
        if pipeline.broken {
            let place = Evidence::context(cx.start_of(pipeline.file), "does not parse");
            return Some(Verdict::unknown(Why::Unparsed, "a workflow does not parse", place));
        }
        if let Some((_, span)) = pipeline.unread.iter().find(|(what, _)| !is_neutral(what)) {
            let message = "what a workflow takes in from elsewhere is not known";
            let place = Evidence::context(*span, "is not in the tree");
            return Some(Verdict::unknown(Why::OutOfTree, message, place));
        }
    }
    let other = delivery.unsupported.iter().find(|u| is_forge(u.kind))?;
    let message = "the pipeline of this forge is not read yet: look by hand";
    let place = Evidence::context(cx.start_of(other.file), "is not read yet");
    Some(Verdict::unknown(Why::Unsupported, message, place))
}

/// Where a pipeline would be, for «none does».
pub(crate) fn nowhere(cx: &Cx<'_>, says: &'static str) -> Evidence {
    let root = running(cx).first().map(|&id| &cx.delivery[id]);
    match root.and_then(|pipeline| pipeline.jobs.last()) {
        Some(job) => Evidence::missing_in(job.span, says),
        None => Evidence::missing_file(".github/workflows", says),
    }
}

/// The step whose output `needs.JOB.outputs.NAME` is: that which the job's own output names.
fn maker<'p>(pipeline: &'p Pipeline, path: &str) -> Option<&'p JobStep> {
    let (id, name) = path.strip_prefix("needs.")?.split_once(".outputs.")?;
    let at = pipeline.jobs.iter().position(|job| job.id.eq_ignore_ascii_case(id))?;
    let output = pipeline.expressions.iter().find(|placed| {
        placed.slot == Slot::Output
            && placed.job == Some(at)
            && placed.key.eq_ignore_ascii_case(name)
    })?;
    let made = output.expression.flowing().find_map(|path| path.strip_prefix("steps."))?;
    let (id, _) = made.split_once(".outputs.")?;
    let is = |step: &&JobStep| step.id.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(id));
    pipeline.jobs.get(at)?.steps.iter().find(is)
}

fn cx_jobs<'a>(cx: &Cx<'a>, id: PipelineId) -> &'a [Job] {
    &cx.delivery[id].jobs
}

/// What the service and its image are called.
pub(crate) fn names<'a>(cx: &Cx<'a>, service: &'a Service) -> HashSet<&'a str> {
    let delivery = cx.delivery;
    let package = service.package.and_then(|id| delivery[id].name.as_deref());
    let images = service.images.iter().flat_map(|&id| &delivery[id].names);
    let images = images.map(|name| last(name).split(['@', ':', '$']).next().unwrap_or(name));
    // `ghcr.io/${{ github.repository }}-api`: what is written out behind the expression.
    let ends = service.images.iter().flat_map(|&id| &delivery[id].names).filter_map(|name| {
        let (_, end) = name.rsplit_once("}}-")?;
        let start = name.len() - end.len() - 1;
        name.get(start..)?.split([':', '@', '/', '$']).next().filter(|end| end.len() > 2)
    });
    let containers = service.containers.iter().map(|&id| &*delivery[id].name);
    [&*service.name, last(&service.dir)]
        .into_iter()
        .chain(package.map(last))
        .chain(images)
        .chain(ends)
        .chain(containers)
        .filter(|name| !name.is_empty() && !COMMON.contains(name))
        .collect()
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a path lies below a directory; everything lies below the root.
pub(crate) fn within(path: &str, dir: &str) -> bool {
    dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether it is done to an image, rather than to the tree.
fn is_of_image(kind: RoleKind) -> bool {
    matches!(
        kind,
        RoleKind::BuildImage
            | RoleKind::ScanImage { .. }
            | RoleKind::Sbom { .. }
            | RoleKind::Sign { .. }
            | RoleKind::Attest
            | RoleKind::Provenance
            | RoleKind::Verify { .. }
            | RoleKind::Push
    )
}

/// Whether a name, or a pattern with one `*`, means a text.
fn covers(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => {
            let rest = text.strip_prefix(before);
            rest.is_some_and(|rest| rest.ends_with(after.trim_start_matches('*')))
        }
        None => pattern == text,
    }
}

/// The name of an image without tag and digest.
fn repository(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

/// What a step says that may be the name of an image, or the path of its Dockerfile, and is put
/// together from a matrix.
fn computed<'r>(ran: &'r Ran<'_>) -> impl Iterator<Item = &'r str> {
    const INPUTS: [&str; 6] = ["image-ref", "image", "images", "subject-name", "tags", "file"];
    let given = INPUTS.iter().filter_map(|key| ran.input(key));
    let words = ran.role.words.iter().map(String::as_str);
    given
        .flat_map(|text| text.split(['\n', ',']))
        .chain(words)
        .map(str::trim)
        .filter(|text| text.contains("matrix.") && text.contains('/'))
}

/// The image that a step about a finished one names.
fn reference<'r>(ran: &'r Ran<'_>) -> Option<&'r str> {
    if matches!(ran.role.kind, RoleKind::BuildImage | RoleKind::Push | RoleKind::Provenance) {
        return None;
    }
    let given = ["image-ref", "image", "subject-name"].iter().find_map(|key| ran.input(key));
    let words = &ran.role.words;
    let dynamic = |word: &String| word.contains('$') || word.contains("XXXX");
    let is_image = |word: &&String| {
        word.contains(['/', ':'])
            && !word.starts_with('-')
            && !word.contains(['=', ' '])
            && !word.ends_with(".json")
    };
    let written = || words.iter().skip(1).rev().find(is_image).map(String::as_str);
    given.or_else(|| if words.iter().any(dynamic) { None } else { written() })
}

/// Whether a format that is not read is a forge's pipelines.
pub(crate) fn is_forge(kind: UnsupportedKind) -> bool {
    use UnsupportedKind as K;
    !matches!(kind, K::Helm | K::Kustomize | K::Terraform | K::Skaffold | K::Nomad)
}

/// Templates of GitLab's own that do one known thing.
fn is_neutral(what: &str) -> bool {
    what.strip_prefix("template: ").is_some_and(|name| {
        ["Security/", "Jobs/"].iter().any(|dir| name.starts_with(dir))
            && ["SAST", "Secret-Detection", "Dependency-Scanning", "License", "Code-Quality"]
                .iter()
                .any(|known| name.contains(known))
    })
}

/// Where a template of this name is taken in.
pub(crate) fn template(ci: &Ci<'_>, name: &str) -> Option<Span> {
    let mut unread = ci.pipelines().flat_map(|pipeline| &pipeline.unread);
    unread.find(|(what, _)| what.starts_with("template: ") && what.contains(name)).map(|u| u.1)
}

/// Directories of packages outside its own that the service depends on or its image is built from.
pub(crate) fn shared(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Vec<String> {
    let delivery = cx.delivery;
    let mut found: Vec<String> = Vec::new();
    let mut todo: Vec<String> = vec![service.dir.clone()];
    for image in service.images.iter().map(|&id| &delivery[id]) {
        let Some(context) = image.context.known() else { continue };
        let steps = image.stages.iter().flat_map(|stage| &stage.steps);
        let copies = steps.filter_map(|step| match &step.kind {
            StepKind::Copy(copy) if reads_context(copy) => Some(copy),
            _ => None,
        });
        let sources = copies.flat_map(|copy| &copy.sources).filter(|s| !s.remote && !s.dynamic);
        todo.extend(
            sources.filter_map(|source| normalize_path(&format!("{context}/{}", source.path))),
        );
    }
    while let Some(dir) = todo.pop().filter(|_| found.len() < MAX_SHARED) {
        let Some(file) = delivery.tree.find(&format!("{dir}/package.json")) else { continue };
        let Some(package) = delivery.package_of(file) else { continue };
        if dir != service.dir {
            if dir.is_empty() || within(&dir, &service.dir) || found.contains(&dir) {
                continue;
            }
            found.push(dir);
        }
        todo.extend(package.dependencies.iter().filter_map(|d| d.local.clone()));
    }
    found.sort();
    found
}

/// The directory of the service that a path lies in, the root's left out.
pub(crate) fn dir_of<'a>(cx: &Cx<'a>, path: &str) -> Option<&'a str> {
    let services = &cx.delivery.services;
    let mut path = path;
    while !path.is_empty() {
        if let Ok(at) = services.binary_search_by(|service| (*service.dir).cmp(path)) {
            return services.get(at).map(|service| &*service.dir);
        }
        path = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    }
    None
}

/// A directory of code that the service uses and whose change does not start the pipeline, and the
/// trigger that leaves it out.
pub(crate) fn left_out(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    pipeline: &Pipeline,
) -> Option<(String, Span)> {
    shared(cx, service).into_iter().find_map(|dir| {
        let paths = [format!("{dir}/src/index.ts"), format!("{dir}/package.json")];
        let reached = pipeline.reaches(&paths);
        let trigger =
            pipeline.triggers.iter().find(|t| !t.paths.is_empty() || !t.paths_ignore.is_empty());
        trigger.filter(|_| !reached).map(|trigger| (dir, trigger.span))
    })
}

/// A workflow of GitHub's that builds and tests a service.
pub(crate) fn workflow(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Snippet {
    let (name, dir) = (&service.name, if service.dir.is_empty() { "." } else { &service.dir });
    let mut paths: Vec<String> =
        if service.dir.is_empty() { Vec::new() } else { shared(cx, service) };
    paths.extend((!service.dir.is_empty()).then(|| service.dir.clone()));
    let list: String = paths.iter().map(|path| format!("\"{path}/**\", ")).collect();
    let path = format!(".github/workflows/{name}.yml");
    let filter = match list.is_empty() {
        true => String::new(),
        false => format!("\n    paths: [{list}\"{path}\"]"),
    };
    let image = service.images.first().map(|&id| &cx.delivery[id]);
    let context = image.and_then(|image| image.context.known()).filter(|c| !c.is_empty());
    let context = context.map_or(".", String::as_str);
    let build = image.map_or_else(String::new, |image| {
        format!(
            "      - run: docker build --file {} --tag {name}:${{{{ github.sha }}}} {context}\n",
            image.path
        )
    });
    let package = service.package.map(|id| &cx.delivery[id]).filter(|package| package.is_node());
    let scripts = package.map_or_else(String::new, |package| {
        let known =
            ["typecheck", "test", "build"].into_iter().filter(|s| package.script(s).is_some());
        let lines =
            known.map(|s| format!("      - run: npm run {s}\n        working-directory: {dir}\n"));
        format!(
            "      - run: npm ci\n        working-directory: {dir}\n{}",
            lines.collect::<String>()
        )
    });
    let text = format!(
        "on:\n  push:{filter}\n  pull_request:{filter}\npermissions:\n  contents: read\njobs:\n  {job}:\n    runs-on: ubuntu-24.04\n    steps:\n      # Pin the action: git ls-remote https://github.com/actions/checkout v5\n      - uses: actions/checkout@v5\n{scripts}{build}",
        job = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
    );
    Snippet { path, language: "yaml", text }
}
