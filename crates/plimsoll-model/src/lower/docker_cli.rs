//! Builds that somebody calls: `docker build` in scripts, Makefiles and steps, and the actions that
//! build images. What a bake file adds is [`super::bake`]'s.
//!
//! Source of the rules: the reference of `docker buildx build` and of `docker compose`, and the
//! inputs of docker/build-push-action (without `context` it builds the repository itself).

use plimsoll_source::Span;
use plimsoll_syntax::shell::{self, CommandKind, Connector, Dialect, ListId, Script};

use super::calls::{Call, positional_from};
use super::cx::Cx;
use super::link::BuildCall;
use super::{bake, pipeline, reach};
use crate::compose_call;
use crate::fact::{Fact, Why};
use crate::image::{BuildArg, Builder};
use crate::pipeline::{Forge, Job, JobStep, Pipeline, Runs};
use crate::script::Program;
use crate::{PipelineId, ProgramId};

/// How deep choices of a step's output may lie in each other.
const MAX_CHOICES: usize = 16;

/// Flags of `build` that take a value.
const VALUED: &[&str] = &[
    "-f",
    "--file",
    "-t",
    "--tag",
    "--target",
    "--build-arg",
    "--build-context",
    "--cache-from",
    "--cache-to",
    "--label",
    "--platform",
    "--secret",
    "--ssh",
    "-o",
    "--output",
    "--progress",
    "--network",
    "--add-host",
    "--iidfile",
    "--metadata-file",
    "--attest",
    "--builder",
    "-m",
    "--memory",
    "--memory-swap",
    "--shm-size",
    "--ulimit",
    "--isolation",
    "--cpu-period",
    "--cpu-quota",
    "--cpu-shares",
    "-c",
    "--cpuset-cpus",
    "--cpuset-mems",
    "--cgroup-parent",
    "--allow",
    "--annotation",
    "--no-cache-filter",
    "--security-opt",
    "--call",
    "--format",
    "--policy",
];

/// Every build that scripts, Makefiles and pipelines that run call for, as far as its Dockerfile
/// is known.
pub(super) fn builds(cx: &Cx<'_>, pipelines: &[Pipeline], programs: &[Program]) -> Vec<BuildCall> {
    let mut found = Vec::new();
    for (id, program) in (0u32..).zip(programs) {
        let own = reach::parent(cx.tree.path(program.file));
        let starts: &[&str] = if program.target.is_some() { &[""] } else { &["", own] };
        for call in program.calls() {
            of_call(cx, call, starts, Builder::Script(ProgramId(id)), &mut found);
            bake::of_call(cx, call, starts, Builder::Script(ProgramId(id)), &mut found);
        }
    }
    for (id, pipeline) in (0u32..).zip(pipelines) {
        let runs = !matches!(pipeline.runs, Runs::No(_)) && pipeline.forge != Forge::GitHubAction;
        for job in pipeline.jobs.iter().filter(|_| runs) {
            for step in &job.steps {
                of_step(cx, job, step, Builder::Pipeline(PipelineId(id)), &mut found);
            }
        }
    }
    found
}

/// Where the arguments of a `build` command start.
fn build_words(words: &[String]) -> Option<usize> {
    let program = words.first()?.rsplit('/').next()?;
    let first = positional_from(words, 1, compose_call::OPTIONS)?;
    let word = words[first].as_str();
    match (program, word) {
        ("docker" | "podman" | "nerdctl", "build") | ("buildah", "build" | "bud") => {
            Some(first + 1)
        }
        ("docker" | "podman", "buildx" | "image" | "builder") => {
            let second = positional_from(words, first + 1, compose_call::OPTIONS)?;
            (words[second] == "build").then_some(second + 1)
        }
        _ => None,
    }
}

struct Flags<'a> {
    file: Option<&'a str>,
    target: Option<String>,
    tags: Vec<String>,
    args: Vec<String>,
    context: Option<usize>,
}

fn flags(words: &[String], mut at: usize) -> Flags<'_> {
    let mut found =
        Flags { file: None, target: None, tags: Vec::new(), args: Vec::new(), context: None };
    while let Some(word) = words.get(at) {
        at += 1;
        if !word.starts_with('-') || word == "-" {
            found.context = Some(at - 1);
            continue;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value),
            None if VALUED.contains(&word.as_str()) => {
                at += 1;
                (word.as_str(), words.get(at - 1).map_or("", String::as_str))
            }
            None => continue,
        };
        match name {
            "-f" | "--file" => found.file = Some(value),
            "--target" => found.target = Some(value.to_owned()),
            "-t" | "--tag" => found.tags.push(value.to_owned()),
            "--build-arg" => found.args.push(value.to_owned()),
            _ => {}
        }
    }
    found
}

fn of_call(cx: &Cx<'_>, call: &Call, starts: &[&str], by: Builder, out: &mut Vec<BuildCall>) {
    let Some(at) = build_words(&call.words) else { return };
    let flags = flags(&call.words, at);
    let Some(context) = flags.context else { return };
    let word = &call.words[context];
    // A context from standard input or from elsewhere is none of this tree's.
    if word == "-" || word.contains("://") || word.starts_with("git@") {
        return;
    }
    let mut candidates: Vec<(String, Option<String>)> = Vec::new();
    for start in starts {
        let context = call.path(context, start);
        let dockerfile = match flags.file {
            Some(file) => call.path_of(file, start),
            None => context.as_ref().map(|dir| join(dir, "Dockerfile")),
        };
        if let Some(dockerfile) = dockerfile
            && cx.tree.find(&dockerfile).is_some()
            && !candidates.iter().any(|(known, _)| *known == dockerfile)
        {
            candidates.push((dockerfile, context));
        }
    }
    let conflicting = candidates.len() > 1;
    for (dockerfile, context) in candidates {
        let context = match context {
            _ if conflicting => Fact::Unknown(Why::Conflicting, Some(call.span)),
            Some(dir) => Fact::declared(dir, call.span),
            None => Fact::Unknown(Why::Dynamic, Some(call.span)),
        };
        out.push(BuildCall {
            by,
            span: call.span,
            context,
            dockerfile: Fact::declared(dockerfile, call.span),
            target: flags.target.clone(),
            tags: flags.tags.clone(),
            args: flags.args.iter().map(|arg| build_arg(arg, call.span)).collect(),
        });
    }
}

fn join(dir: &str, file: &str) -> String {
    if dir.is_empty() { file.to_owned() } else { format!("{dir}/{file}") }
}

fn build_arg(text: &str, span: Span) -> BuildArg {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) if value.contains(['$', '`']) => {
            (name, Fact::Unknown(Why::Dynamic, Some(span)))
        }
        Some((name, value)) => (name, Fact::declared(value.to_owned(), span)),
        // Without a value it comes from the environment of the build.
        None => (text, Fact::Unknown(Why::Dynamic, Some(span))),
    };
    let refs = text.split_once('=').map_or_else(Vec::new, |(_, value)| refs(value));
    BuildArg { name: name.to_owned(), value, refs, span }
}

/// The variables that a value refers to: `$NAME`, `${NAME}`, `${{ secrets.NAME }}`.
fn refs(value: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let names = value.split('$').skip(1).map(|rest| {
        let rest = rest.trim_start_matches(['{', ' ']);
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let path = rest.get(..end).unwrap_or_default();
        path.rsplit('.').next().unwrap_or(path).to_owned()
    });
    names.filter(|name| !name.is_empty()).collect()
}

fn of_step(cx: &Cx<'_>, job: &Job, step: &JobStep, by: Builder, out: &mut Vec<BuildCall>) {
    let calls = if step.roles.iter().any(|r| r.kind == crate::pipeline::RoleKind::BuildImage) {
        pipeline::calls_of(job, step)
    } else {
        return;
    };
    // What another step decides may hang on the matrix as well.
    let asked = step.with.iter().filter_map(|(_, value, _)| teller(job, value)?.0.run.as_ref());
    let asked = asked.map(|(text, _)| String::from_utf8_lossy(text.text()).into_owned());
    let asked: String = asked.collect();
    let named: Vec<_> = step.with.iter().filter_map(|(_, v, _)| computed(job, v)).collect();
    let texts: String = calls
        .iter()
        .flat_map(|call| call.words.iter())
        .chain(step.with.iter().map(|(_, value, _)| value))
        .chain([&asked])
        .chain(job.env_texts.iter().chain(&step.env_texts).map(|(_, value)| value))
        .chain(named.iter().flatten())
        .flat_map(|text| [text.as_str(), "\n"])
        .collect();
    for combination in job.ways(&|name| texts.contains(&format!("matrix.{name}"))) {
        let put = |text: &str| {
            // What is nearer wins, and may hold the matrix in turn.
            let variables = job.env_texts.iter().chain(&step.env_texts).rev();
            let text = variables
                .filter(|_| text.contains("env."))
                .fold(text.to_owned(), |text, (name, value)| substitute(&text, "env", name, value));
            let of_row = combination.iter();
            of_row.fold(text, |text, (name, value)| substitute(&text, "matrix", name, value))
        };
        for call in &calls {
            let call = call.mapped(&put);
            of_call(cx, &call, &[""], by, out);
            bake::of_call(cx, &call, &[""], by, out);
        }
        let action = step.uses.as_ref().map_or("", |(u, _)| u.split('@').next().unwrap_or(""));
        if action.ends_with("/build-push-action") {
            let told = |text: &str| match computed(job, text) {
                Some(names) => put(&names.join("\n")),
                None => told(job, text, &put).unwrap_or_else(|| put(text)),
            };
            of_action(cx, step, &told, by, out);
        }
        if action.ends_with("/bake-action") {
            bake::of_action(cx, step, &put, by, out);
        }
    }
}

/// The step whose output a text is, and the output's name: `${{ steps.id.outputs.name }}`.
fn teller<'j, 't>(job: &'j Job, text: &'t str) -> Option<(&'j JobStep, &'t str)> {
    let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    let (id, name) = inner.strip_prefix("steps.")?.split_once(".outputs.")?;
    let step = job.steps.iter().find(|step| step.id.as_deref() == Some(id))?;
    Some((step, name))
}

/// What a text is that another step tells, where that step's program needs nothing to be run for it.
fn told(job: &Job, text: &str, put: &dyn Fn(&str) -> String) -> Option<String> {
    let (step, name) = teller(job, text)?;
    let (program, _) = step.run.as_ref()?;
    let program = put(std::str::from_utf8(program.text()).ok()?);
    if program.contains("${{") {
        return None;
    }
    let script = shell::parse(program.as_bytes(), Dialect::Bash);
    if !script.errors.is_empty() {
        return None;
    }
    let mut value = None;
    tell(&script, script.root?, name, 0, &mut value)?;
    value
}

/// Follows a list that only chooses what to write out; `None` where anything else may matter.
fn tell(
    script: &Script,
    list: ListId,
    name: &str,
    depth: usize,
    value: &mut Option<String>,
) -> Option<()> {
    if depth > MAX_CHOICES {
        return None;
    }
    for item in &script.list(list).items {
        let [id] = item.pipeline.as_slice() else { return None };
        if item.then != Connector::Seq || item.negated {
            return None;
        }
        match &script.command(*id).kind {
            CommandKind::Simple { words, .. } => {
                let words: Option<Vec<String>> = words.iter().map(|&w| script.literal(w)).collect();
                let words = words?;
                match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    ["echo", pair] => {
                        if let Some((key, said)) = pair.split_once('=')
                            && key == name
                            && !script.command(*id).redirects.is_empty()
                        {
                            *value = Some(said.to_owned());
                        }
                    }
                    ["set", ..] | [":"] => {}
                    _ => return None,
                }
            }
            CommandKind::If { branches, otherwise } => {
                let mut taken = *otherwise;
                for (condition, body) in branches {
                    if compares(script, *condition)? {
                        taken = Some(*body);
                        break;
                    }
                }
                if let Some(taken) = taken {
                    tell(script, taken, name, depth + 1, value)?;
                }
            }
            _ => return None,
        }
    }
    Some(())
}

/// Whether two words that are written out are the same: `[ api = web ]`.
fn compares(script: &Script, condition: ListId) -> Option<bool> {
    let [item] = script.list(condition).items.as_slice() else { return None };
    let [id] = item.pipeline.as_slice() else { return None };
    let words = match &script.command(*id).kind {
        CommandKind::Simple { words, .. } | CommandKind::Test(words) => words,
        _ => return None,
    };
    let words: Option<Vec<String>> = words.iter().map(|&word| script.literal(word)).collect();
    let words = words?;
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|w| !matches!(*w, "[" | "]" | "[[" | "]]" | "test"))
        .collect();
    let same = match words.as_slice() {
        [left, "=" | "==", right] if !right.contains(['*', '?']) => left == right,
        [left, "!=", right] if !right.contains(['*', '?']) => left != right,
        _ => return None,
    };
    Some(same != item.negated)
}

/// `${{ matrix.name }}` replaced in a text, whatever blanks stand in it.
fn substitute(text: &str, context: &str, name: &str, value: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("${{") {
        let inner = from.split_once("}}");
        let path =
            inner.and_then(|(inner, _)| inner.trim().strip_prefix(context)?.strip_prefix('.'));
        out.push_str(before);
        match (path, inner) {
            (Some(path), Some((_, behind))) if path == name => {
                out.push_str(value);
                rest = behind;
            }
            _ => {
                out.push_str("${{");
                rest = from;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The names that the images of a `docker/metadata-action` step get, without the tags that it
/// computes: `images:`, one a line.
fn computed(job: &Job, text: &str) -> Option<Vec<String>> {
    let (step, _) = teller(job, text)?;
    let action = step.uses.as_ref()?.0.split('@').next()?;
    if action != "docker/metadata-action" {
        return None;
    }
    let (_, images, _) = step.with.iter().find(|(key, ..)| key == "images")?;
    let names = images.split(['\n', ',']).map(str::trim).filter(|name| !name.is_empty());
    Some(names.map(|name| name.strip_prefix("name=").unwrap_or(name).to_owned()).collect())
}

fn of_action(
    cx: &Cx<'_>,
    step: &JobStep,
    put: &dyn Fn(&str) -> String,
    by: Builder,
    out: &mut Vec<BuildCall>,
) {
    let input = |key: &str| {
        let found = step.with.iter().find(|(k, ..)| k.eq_ignore_ascii_case(key));
        found.map(|(_, value, span)| (put(value.trim()), *span))
    };
    let lines = |key: &str| -> Vec<String> {
        let text = input(key).map_or_else(String::new, |(text, _)| text);
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let place = step.uses.as_ref().map_or(step.span, |(_, span)| *span);
    let context = match input("context") {
        None => Fact::inferred(String::new(), Some(place)),
        Some((text, span)) => {
            let text = text
                .strip_prefix("{{defaultContext}}")
                .map_or_else(|| text.clone(), |rest| rest.trim_start_matches(':').to_owned());
            let text = text.replace("${{ github.workspace }}", ".");
            if text.contains("://") {
                return;
            }
            match plimsoll_source::normalize_path(&text) {
                Some(dir) if !text.contains('$') => Fact::declared(dir, span),
                _ => Fact::Unknown(Why::Dynamic, Some(span)),
            }
        }
    };
    let dockerfile = match (input("file"), context.known()) {
        (Some((file, span)), _) => plimsoll_source::normalize_path(&file)
            .filter(|path| !path.contains('$'))
            .map(|path| Fact::declared(path, span)),
        (None, Some(dir)) => Some(Fact::inferred(join(dir, "Dockerfile"), Some(place))),
        (None, None) => None,
    };
    let Some(dockerfile) = dockerfile else { return };
    if dockerfile.known().is_none_or(|path| cx.tree.find(path).is_none()) {
        return;
    }
    out.push(BuildCall {
        by,
        span: place,
        context,
        dockerfile,
        target: input("target").map(|(target, _)| target).filter(|t| !t.is_empty()),
        tags: lines("tags").iter().flat_map(|l| l.split(',').map(str::to_owned)).collect(),
        args: lines("build-args").iter().map(|arg| build_arg(arg, place)).collect(),
    });
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    /// Every image that a workflow's job builds, with the names that it gives it.
    #[track_caller]
    fn check(job: &str, expected: &[&str]) {
        let workflow = format!("on: push\njobs:\n  j:\n{job}");
        let files = [
            ("a/Dockerfile", "FROM node:22\nCOPY . .\n"),
            ("b/Dockerfile", "FROM node:22\nCOPY . .\n"),
            (".github/workflows/ci.yml", &workflow),
        ];
        let delivery = crate::lower(&Tree::from_memory(files));
        let shown: Vec<String> =
            delivery.images.iter().map(|i| format!("{} {}", i.path, i.names.join(" "))).collect();
        assert_eq!(shown, expected);
    }

    const STEP: &str = "    steps:\n      - uses: docker/build-push-action@v6\n        with: {context: ., push: true, file: '${{ matrix.package.path }}/Dockerfile', tags: 'acme/${{ matrix.package.name }}'}\n";

    #[test]
    fn the_fields_of_one_element_belong_together() {
        let elements = "    strategy:\n      matrix:\n        package: [{name: z, path: a}, {name: z-2, path: a}, {name: c, path: b}]\n";
        let expected = ["a/Dockerfile acme/z acme/z-2", "b/Dockerfile acme/c"];
        check(&format!("{elements}{STEP}"), &expected);
        let included = "    strategy:\n      matrix:\n        include:\n          - package: {name: z, path: a}\n          - package: {name: z-2, path: a}\n          - package: {name: c, path: b}\n";
        check(&format!("{included}{STEP}"), &expected);
        let excluded = "    strategy:\n      matrix:\n        os: [linux, mac]\n        package: [{name: z, path: a}, {name: c, path: b}]\n        exclude:\n          - os: linux\n            package: {name: c, path: b}\n          - os: mac\n            package: {name: c, path: b}\n";
        check(&format!("{excluded}{STEP}"), &["a/Dockerfile acme/z", "b/Dockerfile "]);
    }

    #[test]
    fn what_is_included_joins_the_rows_that_it_is_about() {
        let step =
            STEP.replace("matrix.package.path", "matrix.path").replace(".package.name", ".name");
        let matrix = "    strategy:\n      matrix:\n        name: [x, y]\n        include:\n          - {name: x, path: b}\n          - {name: y, path: a}\n";
        check(&format!("{matrix}{step}"), &["a/Dockerfile acme/y", "b/Dockerfile acme/x"]);
        let blanks = step.replace("${{ matrix.path }}", "${{matrix.path}}");
        check(&format!("{matrix}{blanks}"), &["a/Dockerfile acme/y", "b/Dockerfile acme/x"]);
        let blanks = step.replace("${{ matrix.path }}", "${{ matrix.path}}");
        check(&format!("{matrix}{blanks}"), &["a/Dockerfile acme/y", "b/Dockerfile acme/x"]);
        let open = "    strategy:\n      matrix:\n        name: ${{ fromJSON(vars.X) }}\n        path: [a]\n";
        let named = "a/Dockerfile acme/${{ matrix.name }}";
        check(&format!("{open}{step}"), &[named, "b/Dockerfile "]);
    }

    /// The services of a tree, by name and directory.
    fn services(files: &[(&str, &str)]) -> Vec<String> {
        let delivery = crate::lower(&Tree::from_memory(files.iter().copied()));
        let shown = delivery.services.iter().map(|s| format!("{} {}", s.name, s.dir));
        shown.collect()
    }

    #[test]
    fn names_are_put_together_from_variables_and_what_the_forge_knows() {
        let named = |env: &str, steps: &str, tags: &str, runs: &str| {
            let workflow = format!(
                "on: push\nenv: {env}\njobs:\n  j:\n    steps:\n{steps}      - uses: docker/build-push-action@v6\n        with: {{context: a, push: true, tags: '{tags}'}}\n"
            );
            let compose = format!("services:\n  x: {{image: '{runs}'}}\n");
            let files = [
                ("a/Dockerfile", "FROM node:22\n"),
                ("compose.yaml", &*compose),
                (".github/workflows/ci.yml", &*workflow),
            ];
            let delivery = crate::lower(&Tree::from_memory(files));
            delivery.containers.iter().any(|container| container.image_id.is_some())
        };
        let check = |tags: &str, runs: &str, expected: bool| {
            assert_eq!(named("{}", "", tags, runs), expected, "{tags} {runs}");
        };
        let repository = "ghcr.io/${{ github.repository }}";
        check(&format!("{repository}-api:1"), "ghcr.io/acme/shop-api:1", true);
        check(&format!("{repository}/api:1"), "ghcr.io/Acme/shop/api:${TAG:?}", true);
        check(&format!("{repository}-api"), "ghcr.io/acme/shop-web:1", false);
        check(&format!("{repository}-api"), "quay.io/acme/shop-api:1", false);
        check(&format!("{repository}-api"), "ghcr.io/shop-api:1", false);
        // Anything may be called like a repository.
        check(repository, "ghcr.io/acme/shop:1", false);
        let owner = "ghcr.io/${{ github.repository_owner }}/api:${{ github.sha }}";
        check(owner, "ghcr.io/acme/api", true);
        check(owner, "ghcr.io/acme/shop/api", false);
        let env = "{IMAGE: ghcr.io/acme/api}";
        assert!(named(env, "", "${{ env.IMAGE }}:1", "ghcr.io/acme/api:2"));
        let meta = "      - {id: meta, uses: docker/metadata-action@v5, with: {images: '${{ env.IMAGE }}'}}\n";
        assert!(named(env, meta, "${{ steps.meta.outputs.tags }}", "ghcr.io/acme/api:2"));
        assert!(!named("{}", meta, "${{ steps.meta.outputs.tags }}", "ghcr.io/acme/api:2"));
    }

    const SHARED: (&str, &str) = (
        "docker/service.Dockerfile",
        "FROM node:22\nARG SERVICE\nARG MODE=a\nWORKDIR /app/services/${SERVICE}\nCOPY . /app\n",
    );
    const API: (&str, &str) = ("services/api/package.json", "{\"name\": \"@acme/api\"}");
    const JOBS: (&str, &str) = ("services/jobs/package.json", "{\"name\": \"@acme/jobs\"}");

    #[test]
    fn a_dockerfile_that_an_argument_shares_is_several_services() {
        let compose = |argument: &str| {
            let service = |name: &str| {
                format!(
                    "  {name}:\n    build: {{context: ., dockerfile: docker/service.Dockerfile, args: {{{argument}: {name}}}}}\n"
                )
            };
            format!("services:\n{}{}", service("api"), service("jobs"))
        };
        let of =
            |argument: &str| services(&[SHARED, API, JOBS, ("compose.yaml", &compose(argument))]);
        let both = ["api services/api", "jobs services/jobs"];
        assert_eq!(of("SERVICE"), both);
        // What no path holds makes no service.
        assert_eq!(of("MODE").len(), 1);
        let workflow = "on: push\njobs:\n  j:\n    strategy: {matrix: {name: [api, jobs, web]}}\n    steps:\n      - id: file\n        run: |\n          if [ \"${{ matrix.name }}\" = \"web\" ]; then\n            echo \"path=docker/web.Dockerfile\" >> \"$GITHUB_OUTPUT\"\n          else\n            echo \"path=docker/service.Dockerfile\" >> \"$GITHUB_OUTPUT\"\n          fi\n      - uses: docker/build-push-action@v6\n        with:\n          context: .\n          push: true\n          file: ${{ steps.file.outputs.path }}\n          tags: acme/${{ matrix.name }}\n          build-args: |\n            SERVICE=${{ matrix.name }}\n";
        let files = [SHARED, API, JOBS, (".github/workflows/ci.yml", workflow)];
        assert_eq!(services(&files), both);
    }
}
