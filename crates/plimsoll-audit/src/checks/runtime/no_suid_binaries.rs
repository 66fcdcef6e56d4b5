//! # No binary raises privileges
//!
//! SUID and SGID bits are stripped from the image that ships, or it has no such files, or the
//! platform forbids their effect (`no-new-privileges`).
//!
//! A SUID binary runs as its owner, root, whoever starts it: it is the usual way from a process
//! that was taken over to root in its container.
//!
//! Strip the bits after the last package is installed, and set `no-new-privileges`. `sudo` and its
//! kin have no use in a container that starts as its own user.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN apk add --no-cache sudo # <- sudo
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! Set after they were stripped:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +
//! RUN chmod u+s /usr/bin/tool # <- sets SUID
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} + || true # <- stripped
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Passes
//!
//! Nothing to strip:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM gcr.io/distroless/static-debian12 # <- no SUID
//! COPY app /app
//! ENTRYPOINT ["/app"]
//! ```
//!
//! The platform forbids it:
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
//!     security_opt:
//!       - no-new-privileges:true # <- no new privileges
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- nothing strips
//! RUN apk add --no-cache dumb-init
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/team/base:4 # <- base
//! CMD ["node", "/app/main.js"]
//! ```

use plimsoll_model::base::{self, Family};
use plimsoll_model::image::{Base, EffectKind, Image, StepKind};
use plimsoll_model::mend::{Data, dockerfile};
use plimsoll_model::{Why, user};
use plimsoll_source::{Edit, Span};
use plimsoll_syntax::dockerfile::Keyword;

use crate::conditions::HAS_IMAGE;
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Safety, Section, ServiceSubject, Severity, Status, Subject, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/no-suid-binaries",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 4.8"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "dockle", rule: "CIS-DI-0008", relation: Relation::Wider },
            Equivalent { tool: "docker-bench", rule: "4.8", relation: Relation::Wider },
        ],
    }],
    when: &[&HAS_IMAGE],
    source: include_str!("no_suid_binaries.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let starts = startup::starts(cx, Subject::Service(service.id));
    startup::judge(service, &starts, |start| of_start(cx, start))
}

/// Packages whose purpose is a SUID binary.
const BRINGS_SUID: [&str; 8] =
    ["sudo", "sudo-ldap", "doas", "opendoas", "doas-sudo-shim", "policykit-1", "polkit", "pkexec"];

/// What sets SUID bits and what strips them, in order.
enum Touch {
    Sets(Span, String),
    Strips(Span),
}

fn touches(image: &Image, target: usize) -> Vec<Touch> {
    let mut found = Vec::new();
    // A base that this repository builds is stripped, or not, where it is made.
    if let Some(ours) = image.root_base(target).and_then(|root| root.ours.as_deref()) {
        found.extend(ours.target.into_iter().flat_map(|target| touches(ours, target)));
    }
    for step in image.steps_with_bases(target) {
        match &step.kind {
            StepKind::Copy(copy) => {
                if let Some((mode, _)) = copy.chmod.as_ref().filter(|(mode, _)| sets_suid(mode)) {
                    found.push(Touch::Sets(step.span, format!("--chmod={mode} sets SUID")));
                }
            }
            StepKind::Run(run) => {
                // Only root may change the bits of files that are root's.
                let root = step.user.as_deref().is_none_or(user::is_root);
                for effect in &run.effects {
                    match &effect.kind {
                        EffectKind::StripSuid if root => found.push(Touch::Strips(effect.span)),
                        EffectKind::Chmod { mode, .. } if sets_suid(mode) => {
                            found.push(Touch::Sets(effect.span, format!("chmod {mode} sets SUID")));
                        }
                        EffectKind::Install(install) => {
                            let name = |p: &String| {
                                p.split(['=', '~', '<', '>', '@']).next().unwrap_or(p).to_owned()
                            };
                            let brings = install
                                .packages
                                .iter()
                                .map(name)
                                .find(|p| BRINGS_SUID.contains(&&**p));
                            found.extend(brings.map(|p| {
                                Touch::Sets(effect.span, format!("{p} brings a SUID binary"))
                            }));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether a mode sets SUID: `u+s`, `+s`, `4755`. SGID alone is for directories that groups share.
fn sets_suid(mode: &str) -> bool {
    if mode.bytes().all(|b| b.is_ascii_digit()) {
        let digits = mode.trim_start_matches('0');
        return digits.len() == 4 && matches!(digits.as_bytes().first(), Some(b'4'..=b'7'));
    }
    mode.split(',').any(|clause| {
        let Some(at) = clause.find(['+', '=']) else { return false };
        let (who, bits) = clause.split_at(at);
        bits.contains('s') && (who.is_empty() || who.contains(['u', 'a']))
    })
}

fn of_start(cx: &Cx<'_>, start: &Start<'_>) -> Verdict {
    let image = start.image;
    let Some(target) = image.target else { return startup::unparsed(cx, image) };
    let touches = touches(image, target);
    let stripped = touches.iter().rposition(|touch| matches!(touch, Touch::Strips(_)));
    let since = touches.get(stripped.map_or(0, |at| at + 1)..).unwrap_or_default();
    let mut sets = since.iter().filter_map(|touch| match touch {
        Touch::Sets(at, says) => Some(Evidence::contradicts(*at, says.clone())),
        Touch::Strips(_) => None,
    });
    if let Some(first) = sets.next() {
        let message =
            "SUID bits are added and stay: take out what adds them, or strip them at the end";
        return Verdict::fail(message, first).and_all(sets);
    }
    if let Some(container) = start.container.filter(|c| c.no_new_privileges.known() == Some(&true))
    {
        let at = container.no_new_privileges.span().unwrap_or(container.span);
        let message = "the platform grants no new privileges: SUID bits have no effect";
        return Verdict::pass(message, Evidence::shows(at, "no new privileges"));
    }
    if image.broken {
        return startup::unparsed(cx, image);
    }
    if let Some(Touch::Strips(at)) = stripped.and_then(|at| touches.get(at)) {
        return Verdict::pass("SUID and SGID bits are stripped", Evidence::shows(*at, "stripped"));
    }
    let Some(root) = image.origin(target) else { return startup::unparsed(cx, image) };
    let bare = match &root.base {
        Base::Scratch => true,
        Base::External(reference) => base::family(reference) == Family::Distroless,
        _ => false,
    };
    if bare {
        let message = "the base has no SUID binaries, and none is added";
        return Verdict::pass(message, Evidence::shows(root.from, "no SUID binaries in it"));
    }
    if root.config.base_unknown {
        return Verdict::unknown(
            Why::NeedsNetwork,
            "the base may strip SUID bits or bring them: strip them here",
            Evidence::context(root.base_span, "not a base that is known"),
        );
    }
    let place = image.final_stage().map_or(root.from, |stage| stage.from);
    let verdict = Verdict::partial(
        "nothing strips the SUID bits that the base brings: strip them, or forbid new privileges",
        Evidence::missing_in(place, "nothing strips SUID bits in this stage"),
    );
    verdict.and_all(
        start.container.map(|c| Evidence::missing_in(c.span, "does not set no-new-privileges")),
    )
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let image = &cx.delivery[*service.images.first()?];
    let mut starts = startup::starts(cx, Subject::Service(service.id));
    starts.retain(|start| of_start(cx, start).outcome() == Outcome::Partial);
    let forbid = |start: &Start<'_>| {
        let container = start.container?;
        let key = match mending::is_compose(container) {
            true => ("security_opt", Data::list(&["no-new-privileges:true"])),
            false => {
                let refuse = Data::map("allowPrivilegeEscalation", Data::scalar("false"));
                ("securityContext", refuse)
            }
        };
        mending::set(cx, container, &[key])
    };
    let mut edits: Vec<Edit> = starts.iter().filter_map(forbid).flatten().collect();
    // Where a descriptor can forbid their effect, the image stays as it is.
    if edits.is_empty() {
        edits = starts.iter().filter_map(|start| strip(cx, start.image)).collect();
        edits.dedup();
    }
    Some(Fix::of_edits(
        "forbid new privileges, or strip SUID and SGID bits after the last package",
        Safety::Review,
        mending::snippet(&image.path, "dockerfile", format!("{STRIP}\n")),
        edits,
    ))
}

const STRIP: &str = "RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} + || true";

/// The bits stripped where root is still at work: before the first USER of the stage that ships, or
/// its command.
fn strip(cx: &Cx<'_>, image: &Image) -> Option<Edit> {
    let stage = image.final_stage()?;
    let own = image.syntax.instructions.get(stage.first..stage.end)?;
    let user = own.iter().find(|one| one.keyword == Keyword::User);
    let base_is_root = match stage.base {
        Base::External(ref reference) => base::user(reference) == Some(""),
        _ => false,
    };
    if !base_is_root || !mending::has(cx, image, "find") || !mending::has(cx, image, "sh") {
        return None;
    }
    match user {
        Some(user) => {
            // What is installed after it would bring bits again.
            let later = stage.steps.iter().skip_while(|step| step.span < user.span);
            let installs = later.into_iter().any(|step| matches!(step.kind, StepKind::Run(_)));
            (!installs)
                .then(|| dockerfile::insert_before(&cx.delivery.tree, image, user, &[STRIP]))?
        }
        None => dockerfile::settle(&cx.delivery.tree, image, stage, &[STRIP]),
    }
}
