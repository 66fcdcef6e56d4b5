//! # The process does not run as root
//!
//! The last USER of the stage that ships names a user other than root, and that user exists.
//!
//! A process that runs as root owns every file of its container, and whoever takes it over is one
//! kernel or mount mistake away from root on the host.
//!
//! Create a user with fixed numbers, give it what it writes, and switch to it with USER. A
//! descriptor that sets another user helps its own deployment only; and a name that nothing creates
//! stops the container from starting.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- no USER
//! COPY main.js /app/
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! The last one counts:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! USER node
//! RUN npm ci
//! USER root # <- root
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! A name that nothing creates:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! COPY app /usr/bin/app
//! USER web # <- nothing creates `web`
//! CMD ["app"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY main.js /app/
//! USER 1000:1000 # <- `1000`
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! At the end, too:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! USER node
//! RUN npm ci
//! USER 1000:1000 # <- `1000`
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! The user that is meant:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! COPY app /usr/bin/app
//! RUN addgroup -g 1001 -S web && adduser -S -u 1001 -G web web # <- created here
//! USER web # <- `web`
//! CMD ["app"]
//! ```
//!
//! ## Passes
//!
//! Where USER stands among the instructions does not matter to the image:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS base
//! RUN addgroup -g 1001 -S web && adduser -S web -u 1001 -G web # <- created here
//!
//! FROM base
//! CMD ["node", "/app/main.js"]
//! USER web # <- `web`
//! ```
//!
//! A number needs no account, and some bases set a user of their own:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM gcr.io/distroless/static-debian12:nonroot # <- 65532
//! COPY app /app
//! ENTRYPOINT ["/app"]
//! ```
//!
//! ## Partial
//!
//! Whoever builds the image can make it root's:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ARG RUN_AS=node
//! USER ${RUN_AS} # <- variable
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! Only the descriptor sets a user:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     user: "1000:1000" # <- 1000
//! ```
//!
//! Or takes the image's away:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! USER node
//! CMD ["node", "/app/main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     user: root # <- root
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/team/base:4 # <- base
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM scratch
//! COPY dist /dist
//! ```
//!
//! ## See also
//!
//! - `runtime/explicit-uid-gid`: the user has fixed numbers.
//! - `runtime/owned-by-user`: it can use the files it needs.

use plimsoll_model::Fact;
use plimsoll_model::base::{self, Family};
use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{Base, EffectKind, Image};
use plimsoll_model::mend::{self, dockerfile};
use plimsoll_model::user::{self, RunsAs, Who};
use plimsoll_source::Edit;
use plimsoll_syntax::dockerfile::Keyword;

use crate::conditions::{HAS_IMAGE, STARTS_A_PROCESS};
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Safety, Section, ServiceSubject, Severity, Status, Subject, Verdict, mending, ownership,
    program,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/non-root",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "sets a user",
            equivalents: &[
                Equivalent { tool: "trivy", rule: "DS-0002", relation: Relation::Wider },
                Equivalent { tool: "checkov", rule: "CKV_DOCKER_3", relation: Relation::Same },
                Equivalent {
                    tool: "kics",
                    rule: "missing_user_instruction",
                    relation: Relation::Same,
                },
                Equivalent { tool: "semgrep", rule: "missing-user", relation: Relation::Same },
                Equivalent { tool: "dockle", rule: "CIS-DI-0001", relation: Relation::Wider },
            ],
        },
        Part {
            name: "the last is not root",
            equivalents: &[
                Equivalent { tool: "hadolint", rule: "DL3002", relation: Relation::Same },
                Equivalent { tool: "trivy", rule: "DS-0002", relation: Relation::Wider },
                Equivalent { tool: "checkov", rule: "CKV_DOCKER_8", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "last_user_is_root", relation: Relation::Same },
                Equivalent { tool: "semgrep", rule: "last-user-is-root", relation: Relation::Same },
                Equivalent { tool: "dockle", rule: "CIS-DI-0001", relation: Relation::Wider },
            ],
        },
        Part { name: "exists", equivalents: &[] },
        Part { name: "descriptors agree", equivalents: &[] },
    ],
    when: &[&HAS_IMAGE, &STARTS_A_PROCESS],
    source: include_str!("non_root.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let starts = startup::starts(cx, Subject::Service(service.id));
    startup::judge(cx, service, &starts, |start| of_start(cx, start))
}

/// The image's user, as its container may override it.
fn of_start(cx: &Cx<'_>, start: &Start<'_>) -> Verdict {
    let own = of_image(cx, start.image);
    let Some(container) = start.container else { return own };
    match &container.user {
        Fact::Known { value, at, .. } => {
            let at = at.span.unwrap_or(container.span);
            let file = cx.path(container.file);
            match (own.outcome(), user::is_root(value)) {
                (Outcome::Pass | Outcome::Partial, true) => {
                    let evidence = Evidence::contradicts(at, "runs it as root all the same")
                        .part("descriptors agree");
                    Verdict::partial(
                        format!("{file} runs the image as root: take `user` out"),
                        evidence,
                    )
                }
                (Outcome::Unknown, true) => Verdict::fail(
                    format!("{file} runs the image as root: take `user` out"),
                    Evidence::contradicts(at, "runs as root").part("descriptors agree"),
                ),
                (_, true) => own.and(Evidence::context(at, "as root here too")),
                (Outcome::Fail | Outcome::Unknown, false) => {
                    let message = "only the descriptor sets a user: set USER in the Dockerfile too";
                    let evidence = Evidence::shows(at, format!("runs as `{value}` here"));
                    Verdict::partial(message, evidence).and_all(own.evidence)
                }
                (_, false) => own.and(Evidence::context(at, format!("runs as `{value}` here"))),
            }
        }
        Fact::Unknown(why, at) if own.outcome() != Outcome::Fail => {
            let evidence = Evidence::context(at.unwrap_or(container.span), "overrides USER");
            Verdict::unknown(
                *why,
                "the user that the descriptor sets depends on a variable",
                evidence,
            )
        }
        _ if container.run_as_non_root.known() == Some(&true)
            && matches!(own.outcome(), Outcome::Fail | Outcome::Unknown) =>
        {
            let at = container.run_as_non_root.span().unwrap_or(container.span);
            let message = "only the descriptor refuses root: set a numeric USER in the Dockerfile";
            Verdict::partial(message, Evidence::shows(at, "refuses root")).and_all(own.evidence)
        }
        _ => own,
    }
}

fn of_image(cx: &Cx<'_>, image: &Image) -> Verdict {
    let Some(RunsAs { at, name, variable, who, .. }) =
        image.target.and_then(|stage| user::runs_as(image, stage))
    else {
        return startup::unparsed(cx, image);
    };
    let sets = image.final_stage().is_some_and(|stage| stage.config.user.is_some());
    let created = match who {
        Who::Created { at, .. } => Some(Evidence::shows(at, "created here")),
        _ => None,
    };
    match who {
        Who::Root if !sets => {
            let place = image.final_stage().map_or(at, |stage| stage.from);
            let message = "no USER: the image runs as root; create a user and switch to it";
            Verdict::fail(
                message,
                Evidence::missing_in(place, "no USER in this stage or its bases")
                    .part("sets a user"),
            )
        }
        Who::Root => Verdict::fail(
            "the last USER is root: switch to another user at the end",
            Evidence::contradicts(at, "runs as root").part("the last is not root"),
        ),
        Who::Nowhere => Verdict::fail(
            format!(
                "nothing creates `{name}`: the container does not start; create it before USER"
            ),
            Evidence::missing_in(at, format!("nothing creates `{name}`")).part("exists"),
        ),
        Who::Unknown(why, place) => Verdict::unknown(
            why,
            "it cannot be told which user the image runs as: write USER with numbers",
            Evidence::context(at, "what sets the user"),
        )
        .and(Evidence::context(place, "decides it: a base, a variable or a script")),
        _ if image.broken => startup::unparsed(cx, image),
        _ if variable => Verdict::partial(
            "USER depends on a variable: write the user itself",
            Evidence::contradicts(at, format!("a variable, `{name}` by default"))
                .part("the last is not root"),
        ),
        _ => Verdict::pass(
            format!("the image runs as `{name}`"),
            Evidence::shows(at, format!("runs as `{name}`")),
        )
        .and_all(created),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let image = &cx.delivery[*service.images.first()?];
    let edits = service.images.iter().flat_map(|&id| switch(cx, service, &cx.delivery[id]));
    Some(Fix::of_edits(
        "run as a user of its own with fixed numbers; look what it writes",
        Safety::Review,
        mending::snippet(&image.path, "dockerfile", startup::create_user(image)),
        edits.flatten().collect(),
    ))
}

/// The user created and switched to before the command, and given what is known to be written.
/// `None` where a server or a base of its own switches users itself, or needs root to start.
fn switch(cx: &Cx<'_>, service: ServiceSubject<'_>, image: &Image) -> Option<Vec<Edit>> {
    const LANGUAGES: [&str; 14] = [
        "node",
        "python",
        "golang",
        "ruby",
        "rust",
        "bun",
        "deno",
        "eclipse-temurin",
        "openjdk",
        "amazoncorretto",
        "alpine",
        "debian",
        "ubuntu",
        "aspnet",
    ];
    let tree = &cx.delivery.tree;
    let (target, stage) = image.target.zip(image.final_stage())?;
    let runs_as = user::runs_as(image, target)?;
    let name = startup::base_name(image);
    let starts = startup::starts(cx, Subject::Service(service.id));
    let serves = |start: &Start<'_>| {
        let app = start.startup().map(|startup| &*startup.app).unwrap_or_default();
        startup::program(app).is_some_and(|(name, _)| startup::is_known_server(name))
    };
    let mut own = starts.iter().filter(|start| std::ptr::eq(start.image, image));
    if !LANGUAGES.contains(&name)
        || own.any(serves)
        || switches(cx, image, target)
        || mending::is_for_developers(stage)
    {
        return None;
    }
    // Below 1024 some platforms ask for root.
    let low =
        |port: &str| port.split('/').next().is_some_and(|p| p.parse().is_ok_and(|p: u16| p < 1024));
    if stage.config.expose.iter().any(|(port, _)| port.known().is_some_and(|port| low(port))) {
        return None;
    }
    if runs_as.who == Who::Nowhere {
        // The user that is meant, made right before it is named.
        let name = &runs_as.name;
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let at = image.syntax.instructions.iter().find(|one| one.span == runs_as.at)?;
        let (run, _) = create(image, name).filter(|_| plain)?;
        return Some(vec![dockerfile::insert_before(tree, image, at, &[&format!("RUN {run}")])?]);
    }
    if runs_as.who != Who::Root || runs_as.variable {
        return None;
    }
    let written = written(service, image, target);
    let (mut lines, numbers) = match name {
        // The base has a user for it, in a group of its own.
        "node" | "bun" => (Vec::new(), "1000:1000"),
        _ => {
            let (run, numbers) = create(image, "app")?;
            (vec![run], numbers)
        }
    };
    if !written.is_empty() {
        let paths = written.join(" ");
        lines.push(format!("mkdir -p {paths}"));
        lines.push(format!("chown -R {numbers} {paths}"));
    }
    let user = format!("USER {numbers}");
    let run = (!lines.is_empty()).then(|| format!("RUN {}", lines.join(" \\\n    && ")));
    let lines: Vec<&str> =
        run.iter().flat_map(|run| run.lines()).chain(std::iter::once(&*user)).collect();
    // A USER that says root is the one to change.
    let says = image
        .syntax
        .instructions
        .iter()
        .find(|one| one.span == runs_as.at && one.keyword == Keyword::User && lines.len() == 1);
    match says.and_then(|one| one.words.first()) {
        Some(word) => Some(vec![mend::replace(word.span, numbers)]),
        None => Some(vec![dockerfile::settle(tree, image, stage, &lines)?]),
    }
}

/// Whether something in the image starts as root to switch users itself: a tool made for that, or an
/// account that the Dockerfile creates and does not name.
fn switches(cx: &Cx<'_>, image: &Image, target: usize) -> bool {
    const TOOLS: [&str; 6] = ["su-exec", "gosu", "setpriv", "runuser", "s6-setuidgid", "chroot"];
    let brings = image.effects(target).into_iter().any(|(_, effect)| match &effect.kind {
        EffectKind::AddUser { .. } => true,
        EffectKind::Install(install) => install
            .packages
            .iter()
            .any(|package| TOOLS.iter().any(|tool| package.starts_with(tool))),
        _ => false,
    });
    let starts = image.final_stage().and_then(|stage| stage.config.entrypoint.as_ref());
    let script = starts.and_then(|exec| exec.words.first()).map(|(word, _)| &**word);
    let script = script.and_then(|word| {
        let path = match word.starts_with('/') {
            true => word.to_owned(),
            false => return None,
        };
        match Filesystem::new(cx.delivery, image).find(target, &path) {
            Found::File { file, .. } => cx.delivery.tree.read(file).ok(),
            _ => None,
        }
    });
    let words = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let is_word = |c: char| !c.is_alphanumeric() && c != '-';
        text.split(is_word).any(|word| TOOLS.contains(&word) || word == "su" || word == "chown")
    };
    brings || script.is_some_and(|text| words(&text))
}

/// The command that creates a user in a group of its own, and their numbers.
fn create(image: &Image, name: &str) -> Option<(String, &'static str)> {
    let base = match image.target.and_then(|t| image.root_base(t)).map(|stage| &stage.base) {
        Some(Base::External(reference)) => base::family(reference),
        _ => return None,
    };
    let run = match base {
        Family::Alpine | Family::Busybox => {
            format!("addgroup -g 1001 -S {name} && adduser -S -u 1001 -G {name} {name}")
        }
        Family::Debian | Family::Rhel => {
            format!("groupadd -g 1001 {name} && useradd -r -u 1001 -g {name} {name}")
        }
        Family::Distroless | Family::Unknown => return None,
    };
    Some((run, "1001:1001"))
}

/// Directories that are known to be written: made to be, or written by the program. Those that every
/// user may write are left out.
fn written(service: ServiceSubject<'_>, image: &Image, target: usize) -> Vec<String> {
    let workdir = image.final_stage().and_then(|stage| stage.config.workdir.as_deref());
    let made = image.effects(target).into_iter().flat_map(|(_, effect)| match &effect.kind {
        EffectKind::MakeDir(dirs) => dirs.clone(),
        _ => Vec::new(),
    });
    let made = made.filter(|dir| ownership::is_for_writing(dir));
    let code = program::code(service).ok();
    let paths = code.into_iter().flat_map(|code| &code.writes);
    let dirs = paths.filter_map(|write| {
        let path = write.path.known()?;
        let path = match path.starts_with('/') {
            true => path.clone(),
            false => format!("{}/{path}", workdir?.trim_end_matches('/')),
        };
        let path = plimsoll_source::normalize_path(path.trim_start_matches('/'))?;
        let (dir, last) = path.rsplit_once('/')?;
        // What has a name with a point is a file; another may be a directory.
        Some(if last.contains('.') { format!("/{dir}") } else { format!("/{path}") })
    });
    let own = |dir: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        let open = ["/tmp", "/var/tmp", "/dev", "/proc"];
        dir.chars().all(plain)
            && dir.matches('/').count() > 1
            && !open.iter().any(|o| dir == o || dir.starts_with(&format!("{o}/")))
    };
    let all: std::collections::BTreeSet<String> = made.chain(dirs).filter(own).collect();
    all.into_iter().collect()
}
