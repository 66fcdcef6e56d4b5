//! # No process can gain privileges
//!
//! Every container sets `no-new-privileges` under `security_opt`, or in Kubernetes
//! `allowPrivilegeEscalation: false`.
//!
//! Programs with the set-user-ID bit (`su`, `mount`, whatever an image brings) then give nobody root: an
//! attacker in an unprivileged process stays there.
//!
//! Set it. Few programs need more: those that become another user by `sudo` or `ping` with file
//! capabilities. The fix, for review, sets it where
//! nothing is said, unless the image holds `sudo`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- sets no `no-new-privileges`
//!     image: acme/web:1.2.0
//! ```
//!
//! Turned off:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     security_opt:
//!       - no-new-privileges:false # <- allows new privileges
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     security_opt:
//!       - no-new-privileges:true # <- forbids new privileges
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     security_opt: [no-new-privileges] # <- forbids new privileges
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     security_opt: ["no-new-privileges:${LOCKED}"] # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Section, Severity, Status, Verdict, mending,
};
use plimsoll_model::Fact;

pub(super) static CHECK: Check = Check {
    id: "runtime/no-new-privileges",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: Some("runtime/hardened"),
    after: &[],
    controls: &["CIS-D 5.25", "CIS-K 5.2.6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "flag",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0003", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "27fcc7d6", relation: Relation::Same },
                Equivalent { tool: "semgrep", rule: "no-new-privileges", relation: Relation::Same },
                Equivalent {
                    tool: "docksec",
                    rule: "compose-no-new-privileges",
                    relation: Relation::Same,
                },
                Equivalent { tool: "kics", rule: "5572cc5e", relation: Relation::Same },
                Equivalent { tool: "checkov", rule: "CKV_K8S_20", relation: Relation::Same },
                Equivalent { tool: "trivy", rule: "KSV-0001", relation: Relation::Same },
                Equivalent {
                    tool: "kube-linter",
                    rule: "privilege-escalation-container",
                    relation: Relation::Same,
                },
                Equivalent { tool: "catalogue", rule: "CMP003", relation: Relation::Same },
                Equivalent { tool: "catalogue", rule: "K8S002", relation: Relation::Same },
            ],
        },
        Part {
            name: "options",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0003", relation: Relation::Wider },
                Equivalent { tool: "kics", rule: "27fcc7d6", relation: Relation::Wider },
                Equivalent { tool: "kics", rule: "610e266e", relation: Relation::Same },
                Equivalent {
                    tool: "semgrep",
                    rule: "no-new-privileges",
                    relation: Relation::Wider,
                },
                Equivalent {
                    tool: "docksec",
                    rule: "compose-no-new-privileges",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "catalogue", rule: "CMP003", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "CMP016", relation: Relation::Same },
            ],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("no_new_privileges.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "may gain privileges: set `no-new-privileges:true`",
    partial: "",
    pass: "no process can gain privileges",
    none: "",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let place = container.span;
    match &container.no_new_privileges {
        Fact::Known { value: true, at, .. } => {
            let at = at.span.unwrap_or(place);
            asked.good.push(Evidence::shows(at, "forbids new privileges"));
        }
        Fact::Known { at, .. } => {
            let at = at.span.unwrap_or(place);
            asked.bad.push(Evidence::contradicts(at, "allows new privileges").part("flag"));
        }
        Fact::Absent => {
            let part = if container.engine.security_opt.is_empty() { "options" } else { "flag" };
            asked.bad.push(Evidence::missing_in(place, "sets no `no-new-privileges`").part(part));
        }
        Fact::Unknown(why, at) => asked.open = Some((*why, at.unwrap_or(place))),
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::containers::setting(
        cx,
        finding,
        "forbid new privileges: `sudo` and file capabilities stop working in it",
        |container| mending::containers::no_new_privileges(cx, container),
        mending::containers::forbidding,
    )
}
