//! # Containers run with what they need and no more
//!
//! Every deployment drops all capabilities, forbids new privileges, and limits the number of
//! processes: `cap_drop: [ALL]`, `security_opt: [no-new-privileges:true]` and `pids_limit` in
//! compose, `capabilities.drop: [ALL]` and `allowPrivilegeEscalation: false` in Kubernetes, whose nodes
//! limit processes themselves.
//!
//! Whoever gets into the process has what the container was given: a dozen capabilities by default, the
//! SUID programs of the image, and as many processes as the host can bear.
//!
//! Set all three, and give back the one capability that the service shows to need (`cap_add:
//! [NET_BIND_SERVICE]`).
//!
//! Some of them are PARTIAL, and so are all of them without the profiles that the engine holds every
//! container by (`seccomp:unconfined`). `privileged: true` takes all of it back. A read-only file system and limits
//! of memory have checks of their own.
//!
//! Given: node-service
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders: # <- no capability is dropped
//!     build: .
//! ```
//!
//! Taken back:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     privileged: true # <- all capabilities
//!     cap_drop: [ALL]
//!     security_opt: ["no-new-privileges:true"]
//!     pids_limit: 200
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     cap_drop:
//!       - ALL # <- drops all capabilities
//!     security_opt:
//!       - no-new-privileges:true # <- forbids new privileges
//!     pids_limit: 200 # <- limits processes
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! (absent)
//! ```
//! `k8s/orders.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: { name: orders }
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: orders
//!           image: orders
//!           securityContext:
//!             allowPrivilegeEscalation: false # <- forbids new privileges
//!             capabilities: { drop: [ALL] } # <- drops all capabilities
//! ```
//! `scripts/build.sh`:
//! ```sh
//! docker build -t orders .
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders: # <- no limit of processes
//!     build: .
//!     cap_drop:
//!       - all # <- drops all capabilities
//!     security_opt:
//!       - no-new-privileges
//!     deploy:
//!       resources:
//!         limits: { pids: -1 }
//! ```
//!
//! All that is dropped comes back:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: # <- no capability is dropped
//!     build: .
//!     cap_drop: [ALL]
//!     cap_add: [ALL]
//!     security_opt: ["no-new-privileges:true"]
//!     pids_limit: 200
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     pids_limit: ${PIDS} # <- variable
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! (absent)
//! ```

use std::sync::Arc;

use plimsoll_model::Fact;
use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::mend::Data;
use plimsoll_source::Span;

use crate::conditions::HAS_DESCRIPTOR;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Outcome, Part, Run, Section, ServiceSubject,
    Severity, Status, Verdict, Why, asked, composed, mending, startup,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/hardened",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.3", "CIS-D 5.25", "CIS-D 5.28"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("hardened.rs"),
    run: Run::Both(run, of_no_service),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let judged = containers.map(|container| (Arc::clone(&container.label), judge(container)));
    let verdict = crate::driver::join(judged.collect(), HAS_DESCRIPTOR.name, service.place);
    match verdict.outcome() {
        // What is there in part, another may complete.
        Outcome::Fail | Outcome::Partial => startup::unless_elsewhere(cx, service, verdict),
        _ => verdict,
    }
}

fn of_no_service(cx: &Cx<'_>) -> Verdict {
    composed::of_no_service(cx, HAS_DESCRIPTOR.name, |container| Some(judge(&container)))
}

/// One of the settings: whether it is set, and how that is said.
struct Setting {
    set: Fact<bool>,
    shows: &'static str,
    lacks: &'static str,
}

fn settings(container: &Container) -> Vec<Setting> {
    let mut settings = vec![
        Setting {
            set: asked::drops_all(container),
            shows: "drops all capabilities",
            lacks: "no capability is dropped, or not all",
        },
        Setting {
            set: container.no_new_privileges.clone(),
            shows: "forbids new privileges",
            lacks: "new privileges are not forbidden",
        },
    ];
    if matches!(container.kind, ContainerKind::Compose { .. }) {
        // Zero and less mean: as many as the host bears.
        let limited = |text: String| text.trim().parse::<i64>().is_ok_and(|limit| limit > 0);
        settings.push(Setting {
            set: container.pids_limit.clone().map(limited),
            shows: "limits processes",
            lacks: "no limit of processes",
        });
    }
    settings
}

fn judge(container: &Container) -> Verdict {
    if let Fact::Known { value: true, at, .. } = &container.privileged {
        let at = at.span.unwrap_or(container.span);
        let message = "`privileged: true` gives it the host: take it away";
        return Verdict::fail(message, Evidence::contradicts(at, "has all capabilities"));
    }
    let place = container.span;
    let (mut set, mut lacks, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for setting in settings(container) {
        match setting.set {
            Fact::Known { value: true, at, .. } => {
                set.push(Evidence::shows(at.span.unwrap_or(place), setting.shows));
            }
            Fact::Unknown(why, at) => open.push((why, at.unwrap_or(place))),
            _ => lacks.push(Evidence::missing_in(place, setting.lacks)),
        }
    }
    lacks.extend(
        asked::unheld(container).map(|at| Evidence::contradicts(at, "takes the profile away")),
    );
    let unknown = |why: Why, at: Span| {
        let message = "whether the container is hardened depends on what is not known";
        Verdict::unknown(why, message, Evidence::context(at, "a variable, or what is not read"))
    };
    let (some, first_open) = (!set.is_empty(), open.first().copied());
    let mut lacks = lacks.into_iter();
    match (lacks.next(), first_open) {
        (Some(_), Some((why, at))) if !some => unknown(why, at).and_all(lacks),
        (None, Some((why, at))) => unknown(why, at).and_all(set),
        (Some(first), _) if some => {
            let message = "only some of cap_drop, no-new-privileges and a limit of processes";
            Verdict::partial(message, first).and_all(lacks).and_all(set)
        }
        (Some(first), _) => {
            let message = "drop all capabilities, forbid new privileges, limit processes";
            Verdict::fail(message, first).and_all(lacks)
        }
        (None, None) => {
            let mut set = set.into_iter();
            match set.next() {
                Some(first) => {
                    Verdict::pass("it has no privilege that it was not given", first).and_all(set)
                }
                None => unknown(Why::Internal, place),
            }
        }
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let sample = |container: &Container| {
        let limit = mending::is_compose(container).then(|| ("pids_limit", Data::scalar("200")));
        let keys = mending::containers::dropping(container, &[]).into_iter();
        keys.chain(mending::containers::forbidding(container)).chain(limit).collect()
    };
    let does =
        "take away what it does not need; the number of processes is a starting point: measure it";
    let keys = |container: &Container| lacking(cx, container);
    mending::containers::setting(cx, finding, does, keys, sample)
}

/// What a container lacks, as far as it is known to do without.
fn lacking(cx: &Cx<'_>, container: &Container) -> Vec<(&'static str, Data)> {
    let dropped = asked::drops_all(container).is_absent();
    let capabilities =
        if dropped { mending::containers::drop_all(cx, container) } else { Vec::new() };
    let keys =
        capabilities.into_iter().chain(mending::containers::no_new_privileges(cx, container));
    keys.chain(mending::containers::pids(cx, container)).collect()
}
