//! # The root file system is read-only
//!
//! Every deployment sets `read_only: true` (compose) or `readOnlyRootFilesystem: true`
//! (Kubernetes), and gives the process a place for what it writes.
//!
//! Whoever gets into a container first writes a tool, then changes the program. Where nothing can
//! be written, neither works, and no state hides in a layer that the next deployment drops.
//!
//! Set it, and mount memory over the paths that are written: `/tmp`, npm's `~/.npm`, log
//! directories, what the program's source writes. A container that has set it and lacks one of these
//! is PARTIAL, and so are deployments that disagree. A program that writes to a path that is computed
//! is UNKNOWN; of programs in languages that are not read, what they write is not known here.
//!
//! Given: node-service
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders: # <- sets no `read_only`
//!     build: .
//! ```
//!
//! A file that is written below `/tmp` needs no mount of its own:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! WORKDIR /app
//! COPY . .
//! USER 1000:1000
//! CMD ["node", "receipt.js"]
//! ```
//! `receipt.js`:
//! ```js
//! require("fs").writeFileSync("/tmp/receipt.txt", "");
//! require("http").createServer().listen(3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders: # <- sets no `read_only`
//!     build: .
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     read_only: true # <- read-only
//!     tmpfs:
//!       - /tmp
//! ```
//!
//! Only `/tmp`:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     read_only: true # <- read-only
//!     tmpfs:
//!       - /tmp
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! (absent)
//! ```
//! `deploy/orders.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: orders
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: orders
//!           image: orders
//!           securityContext:
//!             readOnlyRootFilesystem: true # <- read-only
//! ```
//! `scripts/build.sh`:
//! ```sh
//! docker build -t orders .
//! ```
//!
//! ## Partial
//!
//! Nothing is mounted over `/tmp`:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     read_only: true # <- /tmp
//! ```
//!
//! The program writes elsewhere:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! WORKDIR /app
//! COPY . .
//! USER 1000:1000
//! CMD ["node", "write.js"]
//! ```
//! `write.js`:
//! ```js
//! const fs = require("fs");
//! fs.mkdirSync("uploads");
//! require("http").createServer().listen(3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     read_only: true # <- nothing is mounted over /app/uploads
//!     tmpfs: [/tmp]
//! ```
//!
//! Two deployments disagree:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     read_only: true
//!     tmpfs: [/tmp]
//!   worker: # <- sets no `read_only`
//!     build: .
//!     command: ["node", "dist/worker.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     read_only: ${READ_ONLY} # <- variable
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! (absent)
//! ```

use plimsoll_model::container::{Container, ContainerKind, MountKind};
use plimsoll_model::image::EffectKind;
use plimsoll_model::mend::Data;
use plimsoll_model::{Fact, Why};
use plimsoll_source::Span;

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, ServiceSubject, Severity, Status, Subject, Verdict, composed, mending, program,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/read-only-rootfs",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Hours,
    within: None,
    after: &["runtime/non-root"],
    controls: &["CIS-D 5.13"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "CMP024", relation: Relation::Narrower },
            Equivalent {
                tool: "docksec",
                rule: "compose-writable-root-fs",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "compose-lint", rule: "CL-0007", relation: Relation::Narrower },
            Equivalent {
                tool: "semgrep",
                rule: "writable-filesystem-service",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "semgrep",
                rule: "writable-filesystem-container",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "checkov", rule: "CKV_K8S_22", relation: Relation::Narrower },
            Equivalent { tool: "trivy", rule: "KSV-0014", relation: Relation::Narrower },
            Equivalent { tool: "kics", rule: "a9c2f49d", relation: Relation::Narrower },
            Equivalent {
                tool: "kube-linter",
                rule: "no-read-only-root-fs",
                relation: Relation::Narrower,
            },
        ],
    }],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("read_only_rootfs.rs"),
    run: Run::Both(run, of_no_service),
    fix: Some(fix),
};

/// What others' images write is not known: that the file system is read-only is all that is asked.
fn of_no_service(cx: &Cx<'_>) -> Verdict {
    composed::of_no_service(cx, HAS_DESCRIPTOR.name, |container| {
        let mut asked = Asked::default();
        match &container.read_only {
            Fact::Known { value, at, .. } => {
                let at = at.span.unwrap_or(container.span);
                match value {
                    true => asked.good.push(Evidence::shows(at, "read-only")),
                    false => asked.bad.push(Evidence::contradicts(at, "writable")),
                }
            }
            Fact::Absent => {
                asked.bad.push(Evidence::missing_in(container.span, "sets no `read_only`"));
            }
            Fact::Unknown(why, at) => asked.open = Some((*why, at.unwrap_or(container.span))),
        }
        Some(asked.verdict(&container, &WORDS))
    })
}

const WORDS: Words = Words {
    fail: "has a writable file system: set it read-only and mount what is written",
    partial: "",
    pass: "the file system is read-only",
    none: "",
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let starts = startup::starts(cx, Subject::Service(service.id));
    let (mut good, mut partly, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for &id in &service.containers {
        let container = &cx.delivery[id];
        match &container.read_only {
            Fact::Known { value: true, at, .. } => {
                let at = at.span.unwrap_or(container.span);
                let start =
                    starts.iter().find(|s| s.container.is_some_and(|c| std::ptr::eq(c, container)));
                match uncovered(service, container, start) {
                    None => good.push(Evidence::shows(at, "read-only")),
                    Some(path) => partly.push((
                        path.clone(),
                        Evidence::contradicts(
                            at,
                            format!("read-only, and nothing is mounted over {path}"),
                        ),
                    )),
                }
            }
            Fact::Known { at, .. } => {
                bad.push(Evidence::contradicts(at.span.unwrap_or(container.span), "writable"))
            }
            Fact::Absent => bad.push(Evidence::missing_in(container.span, "sets no `read_only`")),
            Fact::Unknown(why, at) => {
                let evidence = Evidence::context(at.unwrap_or(container.span), "a variable");
                let message = "whether the file system is read-only depends on a variable";
                return Verdict::unknown(*why, message, evidence);
            }
        }
    }
    if let Some((why, at)) = blind(service).filter(|_| partly.is_empty() && bad.is_empty()) {
        let message = "the file system is read-only; what the program writes cannot be told";
        return Verdict::unknown(why, message, Evidence::context(at, "may write elsewhere"))
            .and_all(good);
    }
    let some = !good.is_empty() || !partly.is_empty();
    let mut bad = bad.into_iter();
    let (path, partly): (Vec<String>, Vec<Evidence>) = partly.into_iter().unzip();
    let mut partly = partly.into_iter();
    let mut good = good.into_iter();
    match (bad.next(), partly.next(), good.next()) {
        (Some(first), second, third) if some => {
            let message = "only some deployments have a read-only file system: set it in all";
            Verdict::partial(message, first)
                .and_all(bad)
                .and_all(second)
                .and_all(partly)
                .and_all(third)
                .and_all(good)
        }
        (Some(first), ..) => {
            let message = "the file system is writable: set it read-only and mount what is written";
            startup::unless_elsewhere(cx, service, Verdict::fail(message, first).and_all(bad))
        }
        (None, Some(first), third) => {
            let path = path.first().map_or("/tmp", |path| path);
            let message =
                format!("{path} is written and read-only: mount memory or a volume over it");
            Verdict::partial(message, first).and_all(partly).and_all(third).and_all(good)
        }
        (None, None, Some(first)) => {
            Verdict::pass("every deployment has a read-only file system", first).and_all(good)
        }
        (None, None, None) => Verdict::not_applicable(
            "does not apply: nothing here is deployed",
            Evidence::context(service.place, "no container"),
        ),
    }
}

/// A place of the program that writes to a path that is not known, or that is not followed.
fn blind(service: ServiceSubject<'_>) -> Option<(Why, Span)> {
    let code = program::code(service).ok().filter(|code| !code.is_plain())?;
    let open = code.writes.iter().find_map(|write| Some((write.path.unknown()?.0, write.at)));
    open.or(program::gap(code))
}

/// A path that is known to be written and has no mount over it.
fn uncovered(
    service: ServiceSubject<'_>,
    container: &Container,
    start: Option<&Start<'_>>,
) -> Option<String> {
    written(service, container, start).into_iter().next().map(|(path, _)| path)
}

/// The paths that are known to be written and have no mount over them: directories that the image
/// makes to be written in, npm's, and `/tmp`, for which the definition asks in compose files. Of
/// each, whether it is a directory.
fn written(
    service: ServiceSubject<'_>,
    container: &Container,
    start: Option<&Start<'_>>,
) -> Vec<(String, bool)> {
    let writable = |path: &str| {
        container.mounts.iter().any(|mount| {
            let kind = matches!(mount.kind, MountKind::Tmpfs | MountKind::Volume | MountKind::Bind);
            let target = mount.target.trim_end_matches('/');
            let below = path
                .strip_prefix(target)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            kind && !mount.read_only && below
        })
    };
    let mut written = Vec::new();
    if matches!(container.kind, ContainerKind::Compose { .. }) {
        written.push(("/tmp".to_owned(), true));
    }
    if let Some(start) = start {
        let stage = start.image.final_stage();
        let workdir = stage.and_then(|stage| stage.config.workdir.as_deref()).unwrap_or("/");
        let code = program::code(service).ok();
        let paths = code.into_iter().flat_map(|code| &code.writes);
        written.extend(paths.filter_map(|write| {
            Some((program::absolute(workdir, write.path.known()?)?, write.dir))
        }));
        if let Some(target) = start.image.target {
            written.extend(start.image.effects(target).into_iter().flat_map(|(_, effect)| {
                match &effect.kind {
                    EffectKind::MakeDir(dirs) => dirs
                        .iter()
                        .filter(|dir| crate::ownership::is_for_writing(dir))
                        .map(|dir| (dir.clone(), true))
                        .collect(),
                    _ => Vec::new(),
                }
            }));
        }
        let volumes = start.image.final_stage().map_or(&[][..], |stage| &stage.config.volumes);
        written.retain(|(path, _)| !volumes.iter().any(|(volume, _)| path.starts_with(&**volume)));
        let npm = start.startup().is_some_and(|startup| {
            let before = startup.before.iter().filter_map(|command| command.words.first());
            let app = startup.app.iter().take(1).map(|(word, _)| word);
            before.chain(app).any(|word| matches!(word.rsplit('/').next(), Some("npm" | "npx")))
        });
        let set = start.image.final_stage().map_or(&[][..], |stage| &stage.config.env);
        let names = container.env.iter().map(|v| &v.name).chain(set.iter().map(|s| &s.name));
        let moved = names.into_iter().any(|name| name.eq_ignore_ascii_case("npm_config_cache"))
            || container
                .mounts
                .iter()
                .any(|m| m.target.contains("/.npm") || m.target.starts_with("/home"));
        if npm && !moved {
            written.push(("~/.npm".to_owned(), true));
        }
    }
    written.retain(|(path, _)| !writable(path));
    let mut seen = std::collections::BTreeSet::new();
    written.retain(|(path, _)| seen.insert(path.clone()));
    written
}

/// The directories to mount memory over so that all of it can be written; `None` where a file has
/// none of them above it, whose own directory may hold what the image brings, or `~` is no path.
fn mounts(written: &[(String, bool)]) -> Option<Vec<&str>> {
    let covered = |path: &str| {
        written.iter().any(|(dir, is_dir)| {
            *is_dir && path.strip_prefix(&**dir).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    let open = written.iter().filter(|(path, _)| !covered(path));
    open.map(|(path, dir)| (*dir && path.starts_with('/')).then_some(&**path)).collect()
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let container = &cx.delivery[*service.containers.first()?];
    let path = cx.path(container.file).to_owned();
    let name = &container.name;
    let text = match &container.kind {
        ContainerKind::Compose { .. } => {
            format!("services:\n  {name}:\n    read_only: true\n    tmpfs:\n      - /tmp\n")
        }
        ContainerKind::Kubernetes { .. } => format!(
            "containers:\n  - name: {name}\n    securityContext:\n      readOnlyRootFilesystem: true\n    volumeMounts:\n      - {{name: tmp, mountPath: /tmp}}\nvolumes:\n  - name: tmp\n    emptyDir: {{}}\n"
        ),
    };
    let starts = startup::starts(cx, Subject::Service(service.id));
    // What a program writes must be known, or it stops at its first write.
    let read = program::code(service).is_ok_and(|code| !code.is_plain());
    let known = read && blind(service).is_none();
    let edits = mending::set_in_each(cx, service, |container| {
        let start = starts.iter().find(|s| s.container.is_some_and(|c| std::ptr::eq(c, container)));
        if !known || !mending::is_compose(container) || start.is_none() {
            return Vec::new();
        }
        let written = written(service, container, start);
        let Some(mounts) = mounts(&written) else {
            return Vec::new();
        };
        let mut keys = Vec::new();
        if container.read_only.known() != Some(&true) {
            keys.push(("read_only", Data::scalar("true")));
        }
        if !mounts.is_empty() {
            keys.push(("tmpfs", Data::list(&mounts)));
        }
        keys
    });
    Some(Fix::of_edits(
        "make the root file system read-only, with memory over what is written",
        Safety::Review,
        mending::snippet(&path, "yaml", text),
        edits,
    ))
}
