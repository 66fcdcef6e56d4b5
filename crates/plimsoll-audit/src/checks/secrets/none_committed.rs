//! # No secret is committed
//!
//! Git tracks no private key, wallet, `.env` with values, list of credentials, and no script or
//! manifest that writes a password out. What lies in no service's directory is shown with the repository.
//!
//! Whoever can read the repository, a clone of it or a backup has the secret, and its history keeps
//! it after the file is gone. What was committed once must be taken for known.
//!
//! Change what the secret opens, then take the file out of git (`git rm --cached`), ignore it, and
//! purge the history. Files are judged by what is in them: a PEM header, 64 numbers of a key pair, a
//! value under a secret's name; base64 hides nothing. Placeholders, templates and examples are nothing. PARTIAL: only
//! fixtures of tests, settings of development, or values that everybody guesses (`postgres`).
//!
//! ## Fails
//!
//! `services/mint/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `services/mint/hot-wallet.json`:
//! ```json
//! [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32] // <- a Solana key pair
//! ```
//!
//! Of no service, a list of credentials:
//!
//! `infrastructure/pgbouncer/userlist.txt`:
//! ```text
//! "app" "hunter2" # <- users and passwords
//! ```
//!
//! A script:
//!
//! `operations/smoke.sh`:
//! ```sh
//! #!/bin/sh
//! PGPASSWORD=Tr0ub4dor-9x psql -U app -c "SELECT 1" # <- `PGPASSWORD` is written out
//! ```
//!
//! What Kubernetes is given:
//!
//! `k8s/api.yaml`:
//! ```yaml
//! apiVersion: v1
//! kind: Secret
//! metadata: { name: api }
//! data:
//!   DB_PASSWORD: VHIwdWI0ZG9yLTl4 # <- `DB_PASSWORD` is written out
//! ---
//! apiVersion: v1
//! kind: ConfigMap
//! metadata: { name: api }
//! data:
//!   app.properties: |
//!     port=3000
//!     jwt.secret=9f8a7b6c5d4e3f2a1b0c # <- is written out
//! ---
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: { name: api }
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: api
//!           image: acme/api:1.4.2
//!           env: [{ name: API_TOKEN, value: 5d4e3f2a1b0c9f8a7b6c }] # <- `API_TOKEN` is written out
//! ```
//!
//! Variables, whatever their file is called:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.3
//!     env_file: [{ path: config/web.conf }]
//! ```
//! `config/web.conf`:
//! ```text
//! PORT=3000
//! DB_PASSWORD=Tr0ub4dor-9x # <- `DB_PASSWORD` has a value
//! ```
//!
//! Settings:
//!
//! `services/mint/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `services/mint/.env`:
//! ```text
//! PORT=3000
//! JWT_SECRET=9f8a7b6c5d4e3f2a1b0c # <- `JWT_SECRET` has a value
//! ```
//!
//! ## Fixed
//!
//! `services/mint/hot-wallet.json`:
//! ```json
//! (absent)
//! ```
//!
//! ## Passes
//!
//! A template, and a value from outside:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.env.example`:
//! ```text
//! JWT_SECRET=9f8a7b6c5d4e3f2a1b0c
//! ```
//! `smoke.sh`:
//! ```sh
//! #!/bin/sh
//! PGPASSWORD=${DB_PASSWORD:?set it} psql -U app -c "SELECT 1"
//! ```
//!
//! ## Partial
//!
//! A test's:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `tests/fixtures/signer.pem`:
//! ```text
//! -----BEGIN PRIVATE KEY----- # <- of tests
//! MC4CAQAwBQYDK2VwBCIEIEhFTExPV09STERIRUxMT1dPUkxESEVMTE9XT1JMREg1
//! -----END PRIVATE KEY-----
//! ```
//!
//! What everybody guesses:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `setup.sh`:
//! ```sh
//! #!/bin/sh
//! export POSTGRES_PASSWORD=postgres # <- everybody guesses it
//! ```
//!
//! ## Does not apply
//!
//! `notes.txt`:
//! ```text
//! Nothing is delivered from here.
//! ```
//!
//! ## See also
//!
//! - `secrets/none-in-build-context`, `secrets/none-in-compose`, `secrets/none-in-image-env`

use plimsoll_model::purpose::{Purpose, PurposeKind};
use plimsoll_model::secret::{SecretFile, SecretKind, WrittenSecret};
use plimsoll_source::{FileId, Span, Tracking};

use crate::conditions::DELIVERS;
use crate::evidence::clip;
use crate::owner::{of_none, of_service};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, ServiceSubject, Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/none-committed",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CICD-SEC-6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "trivy", rule: "secret", relation: Relation::Wider },
            Equivalent { tool: "gitleaks", rule: "private-key", relation: Relation::Narrower },
        ],
    }],
    when: &[&DELIVERS],
    source: include_str!("none_committed.rs"),
    run: Run::Both(of_a_service, of_the_repository),
    fix: Some(fix),
};

/// How many secrets are shown.
const MAX_SHOWN: usize = 50;

fn of_a_service(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let secrets = &cx.delivery.secrets;
    let files = of_service(cx, service, &secrets.files, |secret| cx.path(secret.file));
    let written = of_service(cx, service, &secrets.written, |written| cx.path(written.span.file));
    judge(cx, &files, &written, service.place)
}

fn of_the_repository(cx: &Cx<'_>) -> Verdict {
    let secrets = &cx.delivery.secrets;
    let files = of_none(cx, &secrets.files, |secret| cx.path(secret.file));
    let written = of_none(cx, &secrets.written, |written| cx.path(written.span.file));
    let first = cx.delivery.read.first().copied().unwrap_or(FileId(0));
    judge(cx, &files, &written, cx.start_of(first))
}

/// A secret, and how bad it is: `None` where only tests or everybody know it.
struct Found {
    name: String,
    evidence: Evidence,
    real: Option<Severity>,
}

fn judge(cx: &Cx<'_>, files: &[&SecretFile], written: &[&WrittenSecret], place: Span) -> Verdict {
    let tree = &cx.delivery.tree;
    // Outside a work tree nothing says what is tracked: all that is there would be committed.
    let git = tree.is_tracked();
    let committed = |file: FileId| match tree.entry(file).tracking {
        Tracking::Tracked => true,
        Tracking::Untracked => !git,
        Tracking::Ignored => false,
    };
    let files = files.iter().filter(|secret| committed(secret.file));
    let written = written.iter().filter(|written| committed(written.span.file));
    let mut found: Vec<Found> = files.filter_map(|secret| of_file(cx, secret)).collect();
    found.extend(written.filter_map(|written| of_program(cx, written)));
    // The worst first; of equals the first in path order.
    found.sort_by_key(|found| found.real.map_or(Severity::ALL.len(), |s| s as usize));
    let real = found.first().is_some_and(|found| found.real.is_some());
    let name = found.first().map(|found| found.name.clone()).unwrap_or_default();
    let mut evidence = found.into_iter().map(|found| found.evidence).take(MAX_SHOWN);
    match evidence.next() {
        Some(first) if real => {
            let message = format!("{name} is in git: change what it opens, then take it out");
            Verdict::fail(message, first).and_all(evidence)
        }
        Some(first) => {
            let message = format!("{name} is in git, for tests or as a default: generate it");
            Verdict::partial(message, first).and_all(evidence)
        }
        None => {
            let evidence = Evidence::missing_in(place, "git tracks no secret here");
            Verdict::pass("git tracks no secret", evidence)
        }
    }
}

fn of_file(cx: &Cx<'_>, secret: &SecretFile) -> Option<Found> {
    let path = cx.path(secret.file);
    let severity = match secret.kind {
        SecretKind::PrivateKey | SecretKind::Wallet => Severity::Critical,
        SecretKind::DotEnv | SecretKind::Credentials => Severity::High,
        SecretKind::Example => return None,
    };
    let key = severity == Severity::Critical;
    let (says, real) = match purpose(path) {
        // Others' code, and what shows how it is done.
        PurposeKind::Vendored => return None,
        PurposeKind::Example if !key => return None,
        PurposeKind::Example => (format!("{}, of an example", secret.because), None),
        PurposeKind::Test => (format!("{}, of tests", secret.because), None),
        PurposeKind::Development if !key => (format!("{}, of development", secret.because), None),
        _ if secret.guessed => (format!("{}, and everybody guesses it", secret.because), None),
        _ => (secret.because.clone(), Some(severity)),
    };
    let evidence = Evidence::contradicts(secret.span, says);
    let evidence = evidence.severity(real.unwrap_or(Severity::Medium));
    Some(Found { name: format!("`{}`", clip(path)), evidence, real })
}

/// What a file is for, by its path and by the words of its name: `e2e_env.sh`.
fn purpose(path: &str) -> PurposeKind {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let mut words = name.split(['.', '_', '-']);
    let mut dirs = path.rsplit_once('/').map_or("", |(dirs, _)| dirs).split('/');
    let tests = words.any(|word| matches!(word, "e2e" | "fixture" | "fixtures" | "mock" | "ci"))
        || dirs.any(|dir| matches!(dir, "ci" | ".ci"));
    match Purpose::of_path(path).kind {
        PurposeKind::Production if tests => PurposeKind::Test,
        kind => kind,
    }
}

fn of_program(cx: &Cx<'_>, written: &WrittenSecret) -> Option<Found> {
    let name = clip(&written.name);
    let what = format!("`{name}` is written out");
    let (says, real) = match purpose(cx.path(written.span.file)) {
        PurposeKind::Vendored => return None,
        PurposeKind::Example if !written.proved => return None,
        PurposeKind::Test | PurposeKind::Example => (format!("{what}, for tests"), None),
        PurposeKind::Development if !written.proved => (format!("{what}, for development"), None),
        _ if written.guessed => (format!("{what}, and everybody guesses it"), None),
        _ => (what, Some(Severity::High)),
    };
    let evidence = Evidence::contradicts(written.span, says);
    let evidence = evidence.severity(real.unwrap_or(Severity::Low));
    let path = cx.path(written.span.file);
    let described = path.ends_with(".yaml") || path.ends_with(".yml");
    let holder = if described { "manifest" } else { "script" };
    Some(Found { name: format!("`{name}` of a {holder}"), evidence, real })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let mut paths: Vec<&str> =
        of_service(cx, service, &cx.delivery.secrets.files, |s| cx.path(s.file))
            .into_iter()
            .filter(|secret| secret.kind != SecretKind::Example)
            .map(|secret| cx.path(secret.file))
            .collect();
    // A path with a line end is no line to paste.
    paths.retain(|path| !path.contains(char::is_control));
    paths.truncate(10);
    if paths.is_empty() || !finding.is_problem() {
        return None;
    }
    // Whatever a file is called, a shell that gets these lines takes it for one word.
    let quoted = |text: String| format!("'{}'", text.replace('\'', "'\\''"));
    let commands =
        paths.iter().map(|path| format!("git rm --cached -- {}\n", quoted((*path).to_owned())));
    let ignores =
        paths.iter().map(|path| format!("echo {} >> .gitignore\n", quoted(format!("/{path}"))));
    Some(Fix {
        does: "take the files out of git once what they open is changed".into(),
        safety: Safety::Review,
        snippet: Some(Snippet {
            path: ".gitignore".to_owned(),
            language: "sh",
            text: commands.chain(ignores).collect(),
        }),
        patch: None,
    })
}
