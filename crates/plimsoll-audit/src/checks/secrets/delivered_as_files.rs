//! # Secrets arrive as files
//!
//! The service gets its secrets as files (`secrets:` in compose, a Secret volume in Kubernetes) and
//! reads them from there, often by a variable `…_FILE`; not as environment variables.
//!
//! Variables are seen in `docker inspect` and `/proc`, are handed to every child, and end up in crash
//! reports and logs. A file has an owner and a mode, and can be replaced while the service runs.
//!
//! Declare the secret under `secrets:`, and point a variable to it: `DB_PASSWORD_FILE:
//! /run/secrets/db_password`. Many images know the form; in Node, read it once at start.
//!
//! The fix, for review, does it where the image is known to read the file and nothing else reads the variable:
//! the value still comes from the same variable of whoever starts the project.
//!
//! Variables are PARTIAL, never a failure: where their values come from is another question
//! (`secrets/none-in-compose`). A password within a URL counts.
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
//!   api:
//!     build: .
//!     environment:
//!       DB_PASSWORD_FILE: /run/secrets/db_password
//!       TOKEN_TTL: 15m
//!     secrets:
//!       - db_password # <- as a file
//! secrets:
//!   db_password: { file: ./secrets/db_password }
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
//!       STRIPE_SECRET_KEY: ${STRIPE_SECRET_KEY} # <- `STRIPE_SECRET_KEY` is a variable
//! ```
//!
//! Within a URL, beside one that is a file:
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
//!       - DATABASE_URL=postgres://app:${DB_PASS}@db/app # <- `DATABASE_URL` is a variable
//!     secrets: [token]
//! secrets:
//!   token: { file: ./secrets/token }
//! ```
//!
//! Of a datastore whose image reads files; who else is given the same value keeps it:
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
//!       STRIPE_KEY_FILE: /run/secrets/stripe_key
//!     secrets: [stripe_key]
//!   db:
//!     image: postgres:17.2
//!     environment:
//!       POSTGRES_USER: app
//!       POSTGRES_PASSWORD: ${DB_PASSWORD} # <- `POSTGRES_PASSWORD` is a variable
//! secrets:
//!   stripe_key: { file: ./secrets/stripe_key }
//! ```
//!
//! One that its health check reads:
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
//!   db:
//!     image: mysql:8.4.6
//!     environment:
//!       - MYSQL_ROOT_PASSWORD=${ROOT_PASSWORD:?set it} # <- `MYSQL_ROOT_PASSWORD` is a variable
//!       - MYSQL_PASSWORD # <- `MYSQL_PASSWORD` is a variable
//!     healthcheck:
//!       test: mysqladmin ping -p$${MYSQL_ROOT_PASSWORD}
//! ```
//!
//! Of a Secret:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `k8s/api.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: { name: api }
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: api
//!           image: registry.example/api:1.4.2
//!           envFrom:
//!             - secretRef: { name: api } # <- as variables
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: registry.example/api:1.4.2
//!     build: .
//! ```
//!
//! ## Cannot tell
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
//!     env_file: ../api.env # <- Audit the directory
//! ```
//!
//! ## Does not apply
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
//!       PORT: 3000
//! ```

use std::sync::Arc;

use plimsoll_model::container::Container;

use crate::conditions::GETS_SECRETS;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, ServiceSubject, Severity, Snippet, Status, Verdict, composed, delivered, mending,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/delivered-as-files",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-K 5.4.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kics", rule: "3d658f8b", relation: Relation::Narrower },
            Equivalent { tool: "checkov", rule: "CKV_K8S_35", relation: Relation::Narrower },
            Equivalent {
                tool: "kube-linter",
                rule: "read-secret-from-env-var",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "kubesec",
                rule: "SecretsAsEnvironmentVariables",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "kubescape", rule: "C-0207", relation: Relation::Narrower },
            Equivalent {
                tool: "kyverno",
                rule: "disallow-secrets-from-env-vars",
                relation: Relation::Narrower,
            },
        ],
    }],
    when: &[&GETS_SECRETS],
    source: include_str!("delivered_as_files.rs"),
    run: Run::Both(run, of_no_service),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let judged = service.containers.iter().filter_map(|&id| {
        let container = &cx.delivery[id];
        Some((Arc::clone(&container.label), judge(cx, container)?))
    });
    crate::driver::join(judged.collect(), GETS_SECRETS.name, service.place)
}

fn of_no_service(cx: &Cx<'_>) -> Verdict {
    composed::of_no_service(cx, GETS_SECRETS.name, |container| judge(cx, &container))
}

/// `None` for a container that gets no secret.
fn judge(cx: &Cx<'_>, container: &Container) -> Option<Verdict> {
    let variables: Vec<Evidence> = delivered::as_variables(container)
        .into_iter()
        .map(|(name, at)| {
            let says = if name.is_empty() {
                "a Secret's values arrive as variables".to_owned()
            } else {
                format!("`{name}` is a variable")
            };
            Evidence::contradicts(at, says)
        })
        .collect();
    let files = delivered::secrets(cx, container);
    let files = files
        .iter()
        .map(|secret| Evidence::shows(secret.span, format!("`{}` arrives as a file", secret.name)));
    let mut variables = variables.into_iter();
    if let Some(first) = variables.next() {
        let message = "secrets arrive as environment variables: give them as files";
        return Some(Verdict::partial(message, first).and_all(variables).and_all(files));
    }
    if let Some((why, at)) = delivered::unread_variables(container) {
        let evidence = Evidence::context(at, "variables that are not here may hold secrets");
        let message = "a file of variables is not in the tree: secrets may arrive by it";
        return Some(Verdict::unknown(why, message, evidence).and_all(files));
    }
    let mut files = files;
    let first = files.next()?;
    Some(match container.open {
        Some((why, at)) => {
            let evidence = Evidence::context(at, why.decide());
            Verdict::unknown(why, "not all of what describes the container is read", evidence)
        }
        None => Verdict::pass("secrets arrive as files", first).and_all(files),
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let containers = mending::containers::against(cx, finding);
    let mended = mending::compose::as_files(cx, &containers);
    if !mended.edits.is_empty() {
        let sources: Vec<&str> = mended.sources.iter().map(String::as_str).collect();
        let mut does = format!(
            "give datastores as files what `{}` holds; programs that read it as a variable still do",
            sources.join("`, `")
        );
        for file in &mended.files {
            does += &format!("; write the value to `{}` before it starts", clip(file));
        }
        for (name, who) in &mended.kept {
            does += &format!("; `{name}` stays, {who} reads it");
        }
        return Some(Fix::of_edits(does, Safety::Review, None, mended.edits));
    }
    let (container, name) =
        containers.into_iter().filter(|c| mending::is_compose(c)).find_map(|c| {
            let mut names = delivered::as_variables(c).into_iter().map(|(name, _)| name);
            Some((c, names.find(|name| !name.is_empty())?))
        })?;
    let file = name.to_ascii_lowercase();
    let text = format!(
        "services:\n  {0}:\n    environment:\n      {name}_FILE: /run/secrets/{file}\n    secrets: [{file}]\nsecrets:\n  {file}:\n    file: ./secrets/{file}\n",
        container.name
    );
    let does = match mended.kept.first() {
        Some((name, who)) => {
            format!("`{name}` stays a variable: {who} reads it; give it as a file")
        }
        None => "give the secret as a file, and read it from there".to_owned(),
    };
    Some(Fix {
        does: does.into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet { path: cx.path(container.file).to_owned(), language: "yaml", text }),
        patch: None,
    })
}
