//! # No build argument holds a secret
//!
//! No ARG of the Dockerfile, and no argument that a compose file, a bake file or a pipeline passes
//! to the build, is a secret by its name or by its value.
//!
//! Build arguments stand in the image's history and in the build's provenance: whoever may pull the
//! image reads them with `docker history`.
//!
//! Mount the secret where it is needed: `RUN --mount=type=secret,id=npm_token …`.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ARG API_KEY=0b7c5a3e9f1d # <- `API_KEY` has a default
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//!
//! Handed on to the image's environment:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ARG NPM_TOKEN
//! ENV TOKEN="Bearer ${NPM_TOKEN}" # <- keeps `NPM_TOKEN`
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- it takes no argument
//! RUN --mount=type=secret,id=api_key npm ci
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG NODE=20
//! FROM node:${NODE}-alpine # <- none of its 3 arguments is a secret
//! ARG GIT_SHA
//! ARG TOKEN_URL=https://login.acme.example/token
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! ARG NPM_TOKEN # <- `NPM_TOKEN` is a secret by its name
//! RUN npm config set //registry.example/:_authToken=$NPM_TOKEN && npm ci
//!
//! FROM node:20-alpine
//! COPY --from=builder /app /app
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY <<EOF /etc/motd
//! hello
//! ```
//!
//! ## See also
//!
//! - `secrets/none-in-image-env`: what ENV keeps.

use plimsoll_model::image::StepKind;
use plimsoll_model::secret::{is_placeholder, is_secret_name, literal_secret};
use plimsoll_syntax::dockerfile::{Keyword, Pair};

use crate::conditions::HAS_IMAGE;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Outcome, Part,
    Relation, Run, Safety, Section, Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/none-in-build-args",
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
            Equivalent {
                tool: "semgrep",
                rule: "secret-in-build-arg",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "trivy", rule: "DS-0031", relation: Relation::Wider },
        ],
    }],
    when: &[&HAS_IMAGE],
    source: include_str!("none_in_build_args.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let mut found: Vec<(Outcome, Evidence)> = Vec::new();
    let args: Vec<&Pair> = pairs(image, Keyword::Arg).collect();
    let mut secret = Vec::new();
    for pair in &args {
        let name = &pair.key.text;
        let default = pair.value.as_ref().map_or("", |word| word.text.trim_matches(['"', '\'']));
        let named = is_secret_name(name);
        if literal_secret(name, default).is_some() {
            let says = format!("`{name}` has a default");
            found.push((Outcome::Fail, Evidence::contradicts(pair.span, says)));
        } else if named {
            let says = format!("`{name}` is a secret by its name");
            found.push((Outcome::Partial, Evidence::contradicts(pair.span, says)));
        }
        if named {
            secret.push(&**name);
        }
    }
    for pair in pairs(image, Keyword::Env) {
        let value = pair.value.as_ref().map_or("", |word| &word.text);
        if let Some(name) = secret.iter().find(|name| refers(value, name)) {
            let says = format!("keeps `{name}` in the environment");
            found.push((Outcome::Fail, Evidence::contradicts(pair.span, says)));
        }
    }
    for arg in &image.build_args {
        let name = &arg.name;
        let value = arg.value.known().map_or("", |value| value);
        if literal_secret(name, value).is_some() {
            let says = format!("`{name}` is passed, written out");
            found.push((Outcome::Fail, Evidence::contradicts(arg.span, says)));
        } else if is_secret_name(name) && (arg.value.known().is_none() || is_placeholder(value)) {
            let says = format!("`{name}` is passed to the build");
            found.push((Outcome::Partial, Evidence::contradicts(arg.span, says)));
        } else if let Some(of) = arg.refs.iter().find(|of| is_secret_name(of)) {
            let says = format!("`{name}` is passed with `{of}` in it");
            found.push((Outcome::Partial, Evidence::contradicts(arg.span, says)));
        }
    }
    found.sort_by_key(|(outcome, _)| *outcome != Outcome::Fail);
    let mut found = found.into_iter();
    match found.next() {
        Some((Outcome::Fail, evidence)) => {
            let message = format!("{}: mount it as a secret, and change it", evidence.says);
            Verdict::fail(message, evidence)
        }
        _ if image.broken => cx.unparsed(image),
        Some((_, evidence)) => {
            let message = format!("{}: mount it as a secret instead", evidence.says);
            Verdict::partial(message, evidence)
        }
        None => match image.stages.first() {
            None => cx.unparsed(image),
            Some(stage) => {
                let says = match args.len() + image.build_args.len() {
                    0 => "it takes no argument".to_owned(),
                    n => format!("none of its {n} arguments is a secret"),
                };
                let evidence = Evidence::missing_in(stage.from, says);
                Verdict::pass("no build argument holds a secret", evidence)
            }
        },
    }
    .and_all(found.map(|(_, evidence)| evidence))
}

/// The pairs of every ARG or ENV of the file, those before the first FROM included.
fn pairs(image: ImageSubject<'_>, keyword: Keyword) -> impl Iterator<Item = &Pair> {
    let instructions = image.image.syntax.instructions.iter();
    instructions.filter(move |i| i.keyword == keyword).flat_map(|i| &i.pairs)
}

/// Whether a text holds `$NAME` or `${NAME…}`.
fn refers(text: &str, name: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let rest = rest.strip_prefix('{').unwrap_or(rest).strip_prefix(name);
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_';
        rest.is_some_and(|rest| !rest.starts_with(goes_on))
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let (image, name) = service.images.iter().find_map(|&id| {
        let image = ImageSubject { id, image: &cx.delivery[id], service: Some(service) };
        let declared = pairs(image, Keyword::Arg).map(|pair| &pair.key.text);
        let passed = image.image.build_args.iter().map(|arg| &arg.name);
        let name = declared.chain(passed).find(|name| is_secret_name(name))?;
        Some((image.image, name.as_str()))
    })?;
    let id = name.to_ascii_lowercase();
    // The command that uses it.
    let command = image.stages.iter().flat_map(|stage| &stage.steps).find_map(|step| {
        let StepKind::Run(run) = &step.kind else { return None };
        let text = String::from_utf8_lossy(run.text.text()).trim().to_owned();
        refers(&text, name).then_some(text)
    })?;
    Some(Fix {
        does: format!("mount `{name}` where it is used, and take the ARG away").into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "dockerfile",
            text: format!(
                "# docker build --secret id={id},env={name}\n\
                 RUN --mount=type=secret,id={id},env={name} {command}\n"
            ),
        }),
        patch: None,
    })
}
