//! # ENTRYPOINT and CMD are arrays, and a script they call is a file
//!
//! The commands are JSON arrays, which no shell stands before; a script that they start is a file
//! of the repository and ends in `exec "$@"`.
//!
//! The shell form puts a shell in front of the process: it takes the signals that were meant for
//! it. A script that `echo` writes line by line is seen by no linter, no review and no editor.
//!
//! Write arrays, and copy the script: `COPY --chmod=0555 docker/entrypoint.sh /app/entrypoint.sh`.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD node /app/main.js # <- shell form
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/main.js"] # <- an array
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY docker/entrypoint.sh ./
//! ENTRYPOINT ["./entrypoint.sh"] # <- an array
//! CMD ["node", "main.js"]
//! ```
//! `docker/entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! exec "$@" # <- hands over
//! ```
//!
//! ## Partial
//!
//! Nobody can lint what is written by `echo`:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN echo '#!/bin/sh' > /start.sh && \ # <- written by a RUN
//!     echo 'exec "$@"' >> /start.sh && \
//!     chmod +x /start.sh
//! ENTRYPOINT ["/start.sh"]
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! A script that stays in front of its process, and a program in a string:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY start.sh /
//! CMD ["/start.sh"]
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! node /app/main.js # <- not by `exec`
//! ```
//!
//! Or:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["sh", "-c", "npm run migrate && exec node /app/main.js"] # <- a shell
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY --from=registry.example/tools:2 /start.sh /start.sh
//! ENTRYPOINT ["/start.sh"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! COPY site /usr/share/nginx/html
//! ```

use plimsoll_model::ImageId;
use plimsoll_model::entrypoint::{self, BeforeStart, OnFailure, ScriptSource};
use plimsoll_model::image::{Effect, EffectKind, Ignore, Image, StepKind};
use plimsoll_model::mend::{self, dockerfile};
use plimsoll_source::{Create, Edit, Patch};

use crate::conditions::SETS_A_COMMAND;
use crate::context::surely_in_context;
use crate::ignored::excluded;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Status, Verdict, mending, startup,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/exec-form-entrypoint",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "form",
            equivalents: &[
                Equivalent { tool: "hadolint", rule: "DL3025", relation: Relation::Same },
                Equivalent {
                    tool: "buildkit",
                    rule: "JSONArgsRecommended",
                    relation: Relation::Narrower,
                },
                Equivalent {
                    tool: "kics",
                    rule: "not_using_json_in_cmd_and_entrypoint_arguments",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "semgrep",
                    rule: "prefer-json-notation",
                    relation: Relation::Same,
                },
            ],
        },
        Part { name: "script", equivalents: &[] },
    ],
    when: &[&SETS_A_COMMAND],
    source: include_str!("exec_form_entrypoint.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let (entrypoint, command) = entrypoint::commands(image.image, None);
    let set = || entrypoint.into_iter().chain(command);
    let mut shell = set().filter(|exec| exec.shell);
    if let Some(first) = shell.next() {
        return Verdict::fail(
            "a command is in shell form: write it as a JSON array",
            Evidence::contradicts(first.span, "shell form").part("form"),
        )
        .and_all(shell.map(|exec| Evidence::contradicts(exec.span, "shell form").part("form")));
    }
    let startup = cx.delivery.startup(image.id, None);
    let Some(startup) = startup.filter(|_| !image.broken) else {
        return startup::unparsed(cx, image.image);
    };
    // Those of the base stand nowhere here.
    let base = image.root_base(image.target.unwrap_or_default()).map(|stage| stage.base_span);
    let own = set().filter(|exec| Some(exec.span) != base);
    let arrays = own.clone().map(|exec| Evidence::shows(exec.span, "an array"));
    let pass = |message: &'static str| {
        let mut arrays = arrays.clone();
        let first = arrays.next().unwrap_or_else(|| Evidence::shows(startup.at, "an array"));
        Verdict::pass(message, first).and_all(arrays)
    };
    let first = own.clone().next().map_or(&[][..], |exec| &exec.words);
    if let [(program, at), (option, _), ..] = first
        && matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"))
        && option.starts_with('-')
        && option.contains('c')
    {
        return Verdict::partial(
            "the array starts a shell with a program in a string: put it into a script",
            Evidence::contradicts(*at, "a shell with a program in a string").part("script"),
        );
    }
    let Some(script) = &startup.script else {
        return match startup.unknown {
            Some((why, at)) => Verdict::unknown(
                why,
                "what the entrypoint starts cannot be read: keep the script in the repository",
                Evidence::context(at, why.decide()),
            ),
            None => pass("the commands are arrays and no script stands before them"),
        };
    };
    match (&script.source, script.exec) {
        (ScriptSource::Generated(at), _) => Verdict::partial(
            format!("{} is written by the Dockerfile: keep it as a file", script.path),
            Evidence::contradicts(*at, "written by a RUN, not a file").part("script"),
        )
        .and_all(arrays),
        (ScriptSource::Tracked(file), None) => {
            let at = startup.below_shell.unwrap_or_else(|| cx.start_of(*file));
            Verdict::partial(
                format!("{} does not hand over: end it with `exec \"$@\"`", script.path),
                Evidence::missing_in(at, "started not by `exec`").part("script"),
            )
            .and_all(arrays)
        }
        (ScriptSource::Tracked(_), Some(exec)) => {
            pass("the commands are arrays, and the script is a file that hands over")
                .and(Evidence::shows(exec, "hands over to the process"))
        }
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let &id = service.images.first()?;
    let image = &cx.delivery[id];
    let (entrypoint, command) = entrypoint::commands(image, None);
    let shell = [entrypoint, command].into_iter().flatten().find(|exec| exec.shell);
    let text = match shell {
        Some(exec) => {
            let words: Vec<&str> = exec.words.first()?.0.split_whitespace().collect();
            let plain =
                |w: &&str| w.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./=:@".contains(&b));
            if !words.iter().all(plain) {
                return None;
            }
            let keyword = if entrypoint.is_some_and(|e| e.shell) { "ENTRYPOINT" } else { "CMD" };
            format!("{keyword} [\"{}\"]\n", words.join("\", \""))
        }
        None => {
            let path = &cx.delivery.startup(id, None)?.script.as_ref()?.path;
            let name = path.rsplit('/').next()?;
            format!("COPY --chmod=0555 docker/{name} {path}\n")
        }
    };
    let mut patch = Patch::default();
    for &id in &service.images {
        if let Some((file, copy)) = tracked(cx, id) {
            patch.create.push(file);
            patch.edits.push(copy);
        } else {
            patch.edits.extend(array(cx, &cx.delivery[id]));
        }
    }
    let fix = Fix::of_edits(
        "start by an array, and keep the script as a file",
        Safety::Review,
        mending::snippet(&image.path, "dockerfile", text),
        patch.edits.clone(),
    );
    Some(Fix { patch: fix.patch.is_some().then_some(patch), ..fix })
}

/// The script that a RUN of its own writes as a file of the context, and the COPY that brings it.
fn tracked(cx: &Cx<'_>, id: ImageId) -> Option<(Create, Edit)> {
    let image = &cx.delivery[id];
    let startup = cx.delivery.startup(id, None)?;
    let script = startup.script.as_ref()?;
    let ScriptSource::Generated(at) = script.source else { return None };
    // As a script of the repository it must not go on behind a failure: first that is mended.
    let lost = |command: &BeforeStart| {
        let matters = (command.migrates || command.long) && !command.asked;
        matters && matches!(command.on_failure, OnFailure::Ignored(_))
    };
    if startup.before.iter().any(lost) {
        return None;
    }
    let stage = image.final_stage().filter(|_| dockerfile::is_editable(image))?;
    let writes = |effect: &Effect| match &effect.kind {
        EffectKind::Write { path, dynamic, .. } => *path == script.path && !dynamic,
        EffectKind::Chmod { paths, .. } => paths.iter().all(|path| *path == script.path),
        _ => false,
    };
    let mut own = stage.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Run(run) if run.effects.iter().any(writes) => Some((step, run)),
        _ => None,
    });
    let (step, run) = own.next()?;
    // The RUN does nothing else, and nothing else writes the script.
    let alone = own.next().is_none()
        && run.effects.iter().all(writes)
        && run.script.simple_commands().count() == run.effects.len()
        && step.span.file == at.file;
    let instruction = image.instruction(step).filter(|one| one.heredocs.is_empty() && alone)?;
    let dir = image.path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let slash = if dir.is_empty() { "" } else { "/" };
    let path = format!("{dir}{slash}docker-entrypoint.sh");
    let inside = surely_in_context(&cx.delivery.tree, image, &path)?;
    let kept = match &image.ignore {
        Ignore::Effective { patterns, .. } => excluded(patterns, inside).is_some(),
        _ => false,
    };
    let tree = &cx.delivery.tree;
    if kept || tree.find(&path).is_some() || path.contains(char::is_whitespace) {
        return None;
    }
    let mut bytes = script.text.text().to_vec();
    if bytes.last() != Some(&b'\n') {
        bytes.push(b'\n');
    }
    let copy = format!("COPY --chmod=0755 {inside} {}", script.path);
    Some((Create { path, bytes, executable: true }, mend::replace(instruction.span, copy)))
}

/// The one command in shell form as an array, where a shell would make the same words of it.
fn array(cx: &Cx<'_>, image: &Image) -> Option<Edit> {
    let (entrypoint, command) = entrypoint::commands(image, None);
    // Beside an ENTRYPOINT, CMD's shell is part of what that is given.
    let exec = match (entrypoint, command) {
        (Some(exec), _) | (None, Some(exec)) if exec.shell => exec,
        _ => return None,
    };
    let at = image.syntax.instructions.iter().find(|one| one.span == exec.span)?;
    if !dockerfile::is_editable(image) || cx.text_of(at.span)?.lines().nth(1).is_some() {
        return None;
    }
    let line = exec.words.first()?.0.trim();
    let line = line.strip_prefix("exec ").unwrap_or(line);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" -_./:@,%+".contains(&b);
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    // `A=1 program` sets a variable, and `cd` is the shell's own.
    let own = ["cd", "export", "source", ".", "set", "eval", "ulimit", "umask"];
    if !line.bytes().all(plain) || words.first().is_none_or(|word| own.contains(word)) {
        return None;
    }
    let text = format!("[\"{}\"]", words.join("\", \""));
    Some(mend::replace(at.args.whole(), text))
}
