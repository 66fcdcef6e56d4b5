//! # The compose file holds no secret
//!
//! Every variable and build argument of the service that means a secret takes its value from
//! `${NAME}` without a default, from the caller, or from a file of `secrets:`; and no file of
//! secrets that git tracks is mounted.
//!
//! Whoever can read the repository, now or in ten years, has what the compose file spells out. A
//! default (`${DB_PASSWORD:-postgres}`) is the password of every installation where someone forgot
//! to set it. A tracked key that is mounted is the running system's key.
//!
//! Write `${NAME:?set it}`, or give the secret as a file of `secrets:`; take tracked keys out of git
//! and replace them.
//!
//! A service without any secret passes. Kubernetes manifests are not asked here. Only what the
//! deployment really loads counts: a file that operators may add with `-f` does not.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       DB_PASSWORD: Tr0ub4dor # <- `DB_PASSWORD` is written out
//! ```
//!
//! In a URL, as a list:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       - DATABASE_URL=postgres://app:Tr0ub4dor@${DB_HOST}/app # <- `DATABASE_URL` is written out
//! ```
//!
//! In a file that the compose file writes:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.4.2
//!     configs: [app]
//!   web:
//!     image: acme/web:1.2.0
//! configs:
//!   app:
//!     content: |
//!       port: 3000
//!       db_password: Tr0ub4dor-9x # <- is written out in `configs`
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       DB_PASSWORD: ${DB_PASSWORD:?set it} # <- takes `DB_PASSWORD` from outside
//! ```
//!
//! From outside:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       - DATABASE_URL=postgres://app:${DB_PASSWORD}@${DB_HOST}/app
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: # <- nothing that means a secret is set
//!     build: .
//!     environment:
//!       DB_PASSWORD_FILE: /run/secrets/db_password
//!       TOKEN_TTL: 15m
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       DB_PASSWORD: ${DB_PASSWORD:-postgres} # <- `DB_PASSWORD` has a default
//! ```
//!
//! A password within a URL has a default, whatever its variable is called:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       MAIN_URL: postgres://app:${PW:-hunter2}@db/app # <- has a default
//! ```
//!
//! The whole URL is the default:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       MONGODB_URI: ${MONGODB_URI:-mongodb://admin:hunter2@db:27017} # <- `MONGODB_URI` has a default
//! ```
//!
//! A tracked key is mounted:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     secrets: [token] # <- git tracks
//! secrets:
//!   token:
//!     file: ./secrets/token
//! ```
//! `secrets/token`:
//! ```text
//! not-a-real-token
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `secrets/file-permissions`: who may read a secret that arrives as a file.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll_model::container::{Container, ContainerKind, EnvValue, EnvVar, MountKind};
use plimsoll_model::mend::replace;
use plimsoll_model::purpose::Purpose;
use plimsoll_model::secret::{is_placeholder, is_secret_name, literal_secret};
use plimsoll_source::{Edit, Span, TextRange};

use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part,
    Place, Relation, Role, Run, Safety, Section, ServiceSubject, Severity, Snippet, Status,
    Verdict, composed, delivered, mending, passwords,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/none-in-compose",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.10", "CICD-SEC-6", "CC6.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "variable",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0020", relation: Relation::Same },
                Equivalent {
                    tool: "docksec",
                    rule: "compose-plaintext-secret-env",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "kics",
                    rule: "passwords_and_secrets",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "catalogue", rule: "CMP036", relation: Relation::Same },
            ],
        },
        Part {
            name: "url",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0021", relation: Relation::Same },
                Equivalent {
                    tool: "kics",
                    rule: "passwords_and_secrets",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "catalogue", rule: "CMP037", relation: Relation::Same },
            ],
        },
        Part {
            name: "default",
            equivalents: &[Equivalent {
                tool: "catalogue",
                rule: "CMP038",
                relation: Relation::Same,
            }],
        },
        Part {
            name: "file",
            equivalents: &[Equivalent {
                tool: "catalogue",
                rule: "CMP039",
                relation: Relation::Narrower,
            }],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&IN_COMPOSE],
    source: include_str!("none_in_compose.rs"),
    run: Run::Both(run, of_no_service),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let containers = service.containers.iter().map(|&id| (id, &cx.delivery[id]));
    let judged = containers.filter(|(_, c)| matches!(c.kind, ContainerKind::Compose { .. })).map(
        |(id, container)| {
            (
                Arc::clone(&container.label),
                judge(cx, ContainerSubject { id, container, service: Some(service) }),
            )
        },
    );
    crate::driver::join(judged.collect(), IN_COMPOSE.name, service.place)
}

fn of_no_service(cx: &Cx<'_>) -> Verdict {
    composed::of_no_service(cx, IN_COMPOSE.name, |container| {
        let compose = matches!(container.kind, ContainerKind::Compose { .. });
        compose.then(|| judge(cx, container))
    })
}

fn judge(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut found: Vec<(Outcome, Evidence)> =
        variables(container.container).filter_map(of_variable).collect();
    let mounted =
        container.mounts.iter().filter_map(|m| Some((m.span, delivered::secret_in(cx, m)?)));
    let given = container
        .secrets
        .iter()
        .filter_map(|used| Some((used.span, delivered::tracked(cx, used.file.as_deref()?)?)));
    found.extend(mounted.chain(given).map(|(span, file)| {
        let says = format!("mounts `{}`, which git tracks", cx.path(file));
        (Outcome::Partial, Evidence::contradicts(span, says).part("file"))
    }));
    // Its settings, which `configs:` write out in the same file.
    let configured =
        container.mounts.iter().any(|m| m.kind == MountKind::Config && m.tree_path.is_none());
    let written = cx.delivery.secrets.written.iter().filter(|_| configured);
    found.extend(written.filter(|written| written.span.file == container.file).map(|written| {
        let says = format!("`{}` is written out in `configs`", written.name);
        (Outcome::Fail, Evidence::contradicts(written.span, says).part("variable"))
    }));
    // What a tracked file of variables gives is no more from outside than what stands here.
    for (path, at) in &container.env_files {
        let Some(file) = path.known().and_then(|path| delivered::tracked(cx, path)) else {
            continue;
        };
        let holds = cx.delivery.secrets.files.iter().any(|secret| {
            secret.file == file && secret.kind != plimsoll_model::secret::SecretKind::Example
        });
        if holds {
            let says = format!("reads `{}`, which git tracks", cx.path(file));
            found.push((Outcome::Partial, Evidence::contradicts(*at, says).part("file")));
        }
    }
    found.sort_by_key(|(outcome, _)| match outcome {
        Outcome::Fail => 0,
        Outcome::Partial => 1,
        _ => 2,
    });
    let mut found = found.into_iter();
    let verdict = match found.next() {
        Some((Outcome::Fail, evidence)) => Verdict::fail(
            format!("{} in the compose file: take it from outside", evidence.says),
            evidence,
        ),
        Some((Outcome::Partial, evidence)) => Verdict::partial(
            "a secret has a default, or is a file that git tracks: take it out",
            evidence,
        ),
        shown => match (container.open, shown) {
            (Some((why, at)), _) => Verdict::unknown(
                why,
                "not all of what describes the container is read",
                Evidence::context(at, "what follows is not read"),
            ),
            (None, Some((_, evidence))) => {
                Verdict::pass("every secret of the container comes from outside", evidence)
            }
            (None, None) => Verdict::pass(
                "the compose file sets no secret",
                Evidence::missing_in(container.span, "nothing that means a secret is set"),
            ),
        },
    };
    verdict.and_all(found.map(|(_, evidence)| evidence))
}

fn variables(container: &Container) -> impl Iterator<Item = &EnvVar> {
    let args = container.build.iter().flat_map(|build| &build.args);
    container.env.iter().chain(args)
}

/// Whether a reference has a default that is a secret: its own, or its variable's (`secret`), name
/// means one.
fn is_weak(secret: bool, of: &str, default: Option<&str>) -> bool {
    let default = default.unwrap_or("");
    (secret || is_secret_name(of)) && !is_placeholder(default)
        || literal_secret("", default).is_some()
}

/// What a variable says about secrets; nothing where it is about none.
fn of_variable(var: &EnvVar) -> Option<(Outcome, Evidence)> {
    let (name, at) = (&var.name, var.span);
    // A password within a URL is found by its form, whatever the variable is called.
    let part = |text: &str| if text.contains("://") { "url" } else { "variable" };
    let out = |text: &str| {
        let evidence = Evidence::contradicts(at, format!("`{name}` is written out"));
        (Outcome::Fail, evidence.part(part(text)))
    };
    match &var.value {
        // What compose has read holds no reference of its own any more: a `$` is one of the password's.
        EnvValue::Literal(text) => literal_secret(name, text)
            .or_else(|| literal_secret(name, &passwords::plain_dollars(text)))
            .map(|_| out(text)),
        EnvValue::Interpolated { text, refs, around, value } => {
            let secret = is_secret_name(name);
            let weak = refs.iter().find(|(of, default)| is_weak(secret, of, default.as_deref()));
            // A password within a URL, which a default gives.
            let weak = weak.or_else(|| {
                let of = refs
                    .iter()
                    .find(|(_, default)| default.as_deref().is_some_and(|d| !d.is_empty()));
                let url = value.as_deref().filter(|value| value.contains("://"))?;
                of.filter(|_| literal_secret("", url).is_some())
            });
            // What is left without the references may be a secret in itself.
            let whole = weak.is_none() && literal_secret("", text).is_some();
            if whole || literal_secret("", around).is_some() {
                Some(out(text))
            } else if let Some((of, _)) = weak {
                let says = format!("`{of}` has a default: whoever sets nothing has it");
                Some((Outcome::Partial, Evidence::contradicts(at, says).part("default")))
            } else {
                let of = refs.iter().find(|(of, _)| secret || is_secret_name(of))?;
                Some((Outcome::Pass, Evidence::shows(at, format!("takes `{}` from outside", of.0))))
            }
        }
        EnvValue::Secret | EnvValue::Elsewhere | EnvValue::Caller => is_secret_name(name)
            .then(|| (Outcome::Pass, Evidence::shows(at, format!("takes `{name}` from outside")))),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let edits = required(cx, finding);
    if !edits.is_empty() {
        let does = "let whoever starts it set the secret, in CI too: nobody does who relied on the \
                    default";
        return Some(Fix::of_edits(does, Safety::Review, None, edits));
    }
    let service = cx.service_of(finding)?;
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let (container, name) = containers.into_iter().find_map(|container| {
        let bad = variables(container).find(|var| {
            of_variable(var).is_some_and(|(outcome, _)| outcome != Outcome::Pass)
                && is_secret_name(&var.name)
        })?;
        Some((container, &bad.name))
    })?;
    let text = format!(
        "services:\n  {}:\n    environment:\n      {name}: ${{{name}:?set it}}\n",
        container.name
    );
    Some(Fix {
        does: "take the value from outside, and change it: it is known".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet { path: cx.path(container.file).to_owned(), language: "yaml", text }),
        patch: None,
    })
}

/// Takes the defaults of secrets away: `${DB_PASSWORD:-postgres}` is `${DB_PASSWORD:?set it}`.
fn required(cx: &Cx<'_>, finding: &Finding) -> Vec<Edit> {
    let of_default: BTreeSet<Span> = finding
        .evidence
        .iter()
        .filter(|e| e.part == "default" && e.role == Role::Contradicts && e.waived.is_none())
        .filter_map(|e| match e.place {
            Place::Span(span) => Some(span),
            _ => None,
        })
        .collect();
    let all = cx.delivery.containers.iter().flat_map(variables);
    let found = all.filter(|var| of_default.contains(&var.span));
    let edits: BTreeSet<Edit> =
        found.filter_map(|var| without_default(cx, var)).flatten().collect();
    edits.into_iter().collect()
}

fn without_default(cx: &Cx<'_>, var: &EnvVar) -> Option<Vec<Edit>> {
    let EnvValue::Interpolated { refs, .. } = &var.value else { return None };
    let at = var.value_span;
    let own = Purpose::of_path(cx.path(at.file)).is_production();
    let document = mending::document(cx, at.file).filter(|_| own)?;
    let text = cx.text_of(at)?;
    let secret = is_secret_name(&var.name);
    let mut edits = Vec::new();
    for (of, default) in refs {
        let Some(default) = default.as_deref().filter(|d| is_weak(secret, of, Some(d))) else {
            continue;
        };
        // As it is written there, once.
        let forms = [":-", "-"].map(|sign| format!("${{{of}{sign}{default}}}"));
        let mut places = forms.iter().flat_map(|form| text.match_indices(form.as_str()));
        let (start, form) = places.next()?;
        if places.next().is_some() {
            return None;
        }
        let start = at.range.start + u32::try_from(start).ok()?;
        let range = TextRange::new(start, start + u32::try_from(form.len()).ok()?);
        let place = Span::new(at.file, range);
        document.is_verbatim(place).then_some(())?;
        edits.push(replace(place, format!("${{{of}:?set it}}")));
    }
    (!edits.is_empty()).then_some(edits)
}
