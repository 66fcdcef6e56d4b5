//! # No ENV holds a secret
//!
//! No ENV of the Dockerfile, in any stage, gives a value to a name that means a secret, or holds
//! something that has a secret's form.
//!
//! ENV is written into the image's configuration: whoever may pull the image reads it with
//! `docker inspect`, without starting anything, and it stays in every copy after it was changed.
//!
//! Delete the ENV, change the secret, and give it to the container when it starts.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ENV PORT=3000 \
//!     JWT_SECRET=super-secret-signing-key # <- `JWT_SECRET` is written out
//! CMD ["node", "main.js"]
//! ```
//!
//! By its form, in a builder, through an argument's default:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! ARG DB=postgres://app:Tr0ub4dor@db.acme.example/app
//! ENV DATABASE_URL=$DB # <- `DATABASE_URL` is written out
//! RUN npm run build
//!
//! FROM node:20-alpine
//! COPY --from=builder /app /app
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- none of its 1 settings is a secret
//! ENV PORT=3000
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! A file's path is no secret, nor is what is only about one:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- none of its 2 settings is a secret
//! ENV DB_PASSWORD_FILE=/run/secrets/db_password TOKEN_EXPIRY=3600
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ENV API_KEY="" # <- `API_KEY` is empty
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! What the builder passes ends up in the image:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ARG NPM_TOKEN
//! ENV NPM_TOKEN=$NPM_TOKEN # <- comes from a variable
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `secrets/none-in-build-args`: what an argument leaves behind.

use plimsoll_model::image::StepKind;
use plimsoll_model::secret::{is_placeholder, is_secret_name, literal_secret};
use plimsoll_model::{Fact, Why};

use crate::conditions::HAS_IMAGE;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/none-in-image-env",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.10"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "hadolint", rule: "DL3064", relation: Relation::Wider },
            Equivalent {
                tool: "buildkit",
                rule: "SecretsUsedInArgOrEnv",
                relation: Relation::Wider,
            },
            Equivalent { tool: "trivy", rule: "DS-0031", relation: Relation::Wider },
            Equivalent { tool: "dockle", rule: "CIS-DI-0010", relation: Relation::Wider },
        ],
    }],
    when: &[&HAS_IMAGE],
    source: include_str!("none_in_image_env.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let (mut spelled, mut open, mut empty, mut count) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (index, stage) in image.stages.iter().enumerate() {
        let ships = image.ships(index);
        let settings = stage.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Env(settings) => Some(settings),
            _ => None,
        });
        for setting in settings.flatten() {
            count += 1;
            let name = &setting.name;
            match &setting.value {
                Some(Fact::Known { value, .. }) if literal_secret(name, value).is_some() => {
                    let evidence = |says| Evidence::contradicts(setting.span, says);
                    let written = format!("`{name}` is written out");
                    spelled.push(match ships {
                        true => evidence(written),
                        false => evidence(format!("{written}, in a stage that does not ship"))
                            .severity(Severity::High),
                    });
                }
                _ if !is_secret_name(name) => {}
                Some(Fact::Unknown(..)) => {
                    let says = format!("`{name}` comes from a variable");
                    open.push(Evidence::context(setting.span, says));
                }
                Some(Fact::Known { value, .. }) if !is_placeholder(value) => {}
                _ => empty.push(Evidence::contradicts(setting.span, format!("`{name}` is empty"))),
            }
        }
    }
    let spelled_first = spelled.first().map(|evidence: &Evidence| evidence.says.to_string());
    let mut found = spelled.into_iter().chain(open.clone()).chain(empty);
    match (found.next(), image.stages.first()) {
        (Some(evidence), _) if spelled_first.is_some() => {
            let says = spelled_first.unwrap_or_default();
            Verdict::fail(format!("{says}: delete the ENV, change the secret"), evidence)
        }
        _ if image.broken => return cx.unparsed(image),
        (Some(evidence), _) if !open.is_empty() => {
            let message = "an ENV takes a secret's value from a build argument or the base image";
            Verdict::unknown(Why::Dynamic, message, evidence)
        }
        (Some(evidence), _) => {
            Verdict::partial("an ENV names a secret and is empty: delete it", evidence)
        }
        (None, Some(stage)) => {
            let says = format!("none of its {count} settings is a secret");
            Verdict::pass("no ENV holds a secret", Evidence::missing_in(stage.from, says))
        }
        (None, None) => return cx.unparsed(image),
    }
    .and_all(found)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let images = service.images.iter().map(|&id| &cx.delivery[id]);
    let steps = images.flat_map(|image| &image.stages).flat_map(|stage| &stage.steps);
    let names: Vec<String> = steps
        .filter_map(|step| match &step.kind {
            StepKind::Env(settings) => Some(settings),
            _ => None,
        })
        .flatten()
        .filter(|s| is_secret_name(&s.name))
        .map(|s| format!("      {0}: ${{{0}:?}}\n", s.name))
        .collect();
    (!names.is_empty()).then(|| Fix {
        does: "delete the ENV, and set it where the container is started".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: "compose.yaml".to_owned(),
            language: "yaml",
            text: format!("services:\n  {}:\n    environment:\n{}", service.name, names.concat()),
        }),
        patch: None,
    })
}
