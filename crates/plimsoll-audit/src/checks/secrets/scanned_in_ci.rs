//! # Every change is scanned for secrets
//!
//! A workflow that the forge runs looks for secrets in this service's files, or in all, with
//! gitleaks, TruffleHog, detect-secrets or the like.
//!
//! A key that is pushed once is public for good. A hook on a laptop helps only where it is
//! installed, so a configuration that no workflow runs is half of it; an empty baseline is none.
//!
//! Run the scan on every push, over the whole repository, and let it fail. A pre-commit hook counts
//! when a workflow runs `pre-commit`. The fix, for review, writes a workflow of its own where
//! others run, none looks for secrets and no tool is chosen but gitleaks.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.secrets.baseline`:
//! ```json
//! ```
//! <- the baseline is empty
//!
//! Another part of the tree is scanned:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `web/index.html`:
//! ```html
//! <p>
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan: # <- nothing looks for secrets
//!     steps:
//!       - run: cd web && gitleaks dir .
//! ```
//!
//! The forge refuses the workflow, for a job without steps:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   review:
//!     runs-on: ubuntu-24.04
//!   secrets:
//!     runs-on: ubuntu-24.04
//!     steps:
//!       - run: gitleaks dir .
//! ```
//! <- nothing looks for secrets
//!
//! The forge refuses what it calls, and so the caller:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/nightly.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scans:
//!     uses: ./.github/workflows/scans.yml
//! ```
//! `.github/workflows/scans.yml`:
//! ```yaml
//! on: workflow_call
//! jobs:
//!   secrets:
//!     runs-on: ubuntu-24.04
//!     needs: checks
//!     steps:
//!       - run: gitleaks dir .
//! ```
//! <- nothing looks for secrets
//!
//! ## Fixed
//!
//! `.github/workflows/secrets.yml`:
//! ```yaml
//! # Looks for secrets in every commit that is pushed or proposed, whatever it touches.
//! name: secrets
//!
//! on:
//!   push:
//!   pull_request:
//!
//! permissions: {}
//!
//! concurrency:
//!   group: secrets-${{ github.event_name }}-${{ github.ref }}
//!   cancel-in-progress: ${{ github.event_name == 'pull_request' }}
//!
//! jobs:
//!   gitleaks:
//!     name: Look for secrets
//!     runs-on: ubuntu-24.04
//!     timeout-minutes: 15
//!     permissions:
//!       contents: read # to check out
//!       pull-requests: read # gitleaks asks which commits are proposed
//!     steps:
//!       - uses: actions/checkout@fbc6f3992d24b796d5a048ff273f7fcc4a7b6c09 # v5.1.0
//!         with:
//!           fetch-depth: 0 # secrets are looked for in every commit
//!           persist-credentials: false
//!       - uses: gitleaks/gitleaks-action@e0c47f4f8be36e29cdc102c57e68cb5cbf0e8d1e # v3.0.0
//!         env:
//!           GITHUB_TOKEN: ${{ github.token }}
//!           GITLEAKS_ENABLE_COMMENTS: "false"
//!           # An organisation needs its own, which is free; a person needs none.
//!           GITLEAKS_LICENSE: ${{ secrets.GITLEAKS_LICENSE }}
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.gitlab-ci.yml`:
//! ```yaml
//! include:
//!   - template: Security/Secret-Detection.gitlab-ci.yml # <- looks for secrets
//! ```
//!
//! The hooks, run by the forge too:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.pre-commit-config.yaml`:
//! ```yaml
//! repos:
//!   - repo: https://github.com/gitleaks/gitleaks
//!     hooks:
//!       - id: gitleaks # <- looks for secrets
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   hooks:
//!     steps:
//!       - run: pre-commit run --all-files
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.pre-commit-config.yaml`:
//! ```yaml
//! repos:
//!   - repo: https://github.com/gitleaks/gitleaks
//!     hooks:
//!       - id: gitleaks # <- no workflow runs it
//! ```
//!
//! A baseline that nothing compares with:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.secrets.baseline`:
//! ```json
//! {"version": "1.5.0", "plugins_used": [{"name": "AWSKeyDetector"}], "results": {}} // <- no workflow runs it
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   security:
//!     uses: acme/workflows/.github/workflows/security.yml@v1 # <- is not in the tree
//! ```
//!
//! ## See also
//!
//! - `secrets/none-in-build-context`: what is in the tree already.

use plimsoll_model::pipeline::{Forge, RoleKind};
use plimsoll_source::{Create, Derived, Patch, Span, TextRange};
use plimsoll_syntax::yaml;

use crate::ci::{Ci, Whose, nowhere, running, template};
use crate::mending::{delivery, pins};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, ServiceSubject, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/scanned-in-ci",
    section: Section::ImageScanning,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "chain-bench", rule: "2.3.8", relation: Relation::Same },
            Equivalent {
                tool: "pipefort",
                rule: "cicd-sec-6-secret-scanning-off",
                relation: Relation::Wider,
            },
        ],
    }],
    when: &[],
    source: include_str!("scanned_in_ci.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

const BASELINE: &str = ".secrets.baseline";
/// Configurations of scanners, at the root.
const TOML: [&str; 2] = [".gitleaks.toml", "gitleaks.toml"];
const TOOLS: [&str; 5] = ["gitleaks", "trufflehog", "detect-secrets", "ggshield", "git-secrets"];

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let ci = Ci::of(cx, service);
    let (kept, empty) = baseline(cx);
    let by_empty = |words: &[String]| {
        empty.is_some() && words.iter().any(|word| word.starts_with("detect-secrets"))
    };
    let all = ci.roles(|kind| kind == RoleKind::ScanSecrets);
    let ours = || all.iter().filter(|r| r.whose == Whose::Ours && !by_empty(&r.role.words));
    let pass = "a workflow that runs looks for secrets";
    if let Some(ran) = ours().find(|ran| ran.role.masked.is_none()) {
        return Verdict::pass(pass, Evidence::shows(ran.role.span, "looks for secrets"));
    }
    if let Some(span) = template(&ci, "Secret-Detection") {
        return Verdict::pass(pass, Evidence::shows(span, "looks for secrets"));
    }
    if let Some(ran) = ours().next() {
        let evidence = Evidence::contradicts(ran.role.span, "its failure is ignored");
        let message = "a workflow looks for secrets, but what it finds is ignored";
        return Verdict::partial(message, evidence);
    }
    if let Some(unread) = ci.unread() {
        return unread;
    }
    let script = || {
        let mut roles = cx.delivery.programs.iter().flat_map(|program| &program.roles);
        roles.find(|role| role.kind == RoleKind::ScanSecrets).map(|role| role.span)
    };
    let script = || cx.once(|once| &once.scans, script);
    let idle = hook(cx).or(toml(cx)).or(kept).or_else(script);
    if let Some(span) = idle {
        let evidence = Evidence::shows(span, "no workflow runs it");
        return Verdict::partial("a secret scan is configured, but no workflow runs it", evidence);
    }
    let empty = empty.map(|span| Evidence::context(span, "the baseline is empty or invalid"));
    let message = match empty {
        Some(_) => "no workflow looks for secrets, and the baseline is empty or invalid",
        None => "no workflow looks for secrets: run gitleaks on every push",
    };
    let hooks = Evidence::missing_file(".pre-commit-config.yaml", "no hook looks for secrets");
    let hooks = cx.delivery.tree.find(".pre-commit-config.yaml").is_none().then_some(hooks);
    Verdict::fail(message, nowhere(cx, "nothing looks for secrets"))
        .and_all(empty)
        .and_all(hooks)
        .and_all(ci.inert())
}

/// The text of a file at the root, if there is one that can be read.
fn text(cx: &Cx<'_>, path: &str) -> Option<Derived> {
    let file = cx.delivery.tree.find(path)?;
    let bytes = cx.delivery.tree.read(file).ok()?;
    let span = Span::new(file, TextRange::of(0, bytes.len()));
    Some(Derived::verbatim(bytes.to_vec(), span))
}

/// The baseline of detect-secrets: its place if it is one, and if it is none.
fn baseline(cx: &Cx<'_>) -> (Option<Span>, Option<Span>) {
    let Some(text) = text(cx, BASELINE) else { return (None, None) };
    let place = text.whole();
    let start = cx.start_of(place.file);
    let parsed = yaml::parse_json(text);
    let valid = parsed.errors.is_empty()
        && parsed.tree.root().is_some_and(|root| {
            root.get("version").is_some() && root.get("plugins_used").is_some()
        });
    if valid { (Some(place), None) } else { (None, Some(start)) }
}

/// The hook of the pre-commit configuration that looks for secrets.
fn hook(cx: &Cx<'_>) -> Option<Span> {
    let parsed = yaml::parse(text(cx, ".pre-commit-config.yaml")?);
    let repos = parsed.tree.root().and_then(|root| root.get("repos"))?;
    let hooks = repos.items().filter_map(|repo| repo.get("hooks")).flat_map(|hooks| hooks.items());
    let mut ids = hooks.filter_map(|hook| hook.get("id"));
    let names_tool = |id: &str| TOOLS.iter().any(|tool| id.starts_with(tool));
    ids.find(|id| id.text().is_some_and(names_tool)).map(|id| id.span())
}

/// A configuration of gitleaks that parses.
fn toml(cx: &Cx<'_>) -> Option<Span> {
    TOML.iter().find_map(|path| {
        let text = text(cx, path)?;
        let read = std::str::from_utf8(text.text()).ok()?;
        let parses = read.parse::<toml_edit::DocumentMut>().is_ok_and(|doc| !doc.is_empty());
        parses.then(|| text.whole())
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if let Some(whole) = delivery::pipeline(cx, finding) {
        return Some(whole);
    }
    let path = ".github/workflows/secrets.yml";
    let (checkout, checkout_is) = pins::action("actions/checkout", "v5")?;
    let (gitleaks, gitleaks_is) = pins::action("gitleaks/gitleaks-action", "v3")?;
    let text = WORKFLOW
        .replace("<checkout>", &format!("actions/checkout@{checkout} # {checkout_is}"))
        .replace("<gitleaks>", &format!("gitleaks/gitleaks-action@{gitleaks} # {gitleaks_is}"));
    let bytes = text.clone().into_bytes();
    let create = vec![Create { path: path.to_owned(), bytes, executable: false }];
    let free = is_missing(cx, finding) && cx.delivery.tree.find(path).is_none();
    Some(Fix {
        does:
            "look for secrets in every commit that is pushed; what it finds has to be changed, or \
               accepted in `.gitleaksignore`"
                .into(),
        safety: if free { Safety::Review } else { Safety::Sketch },
        snippet: mending::snippet(path, "yaml", text),
        patch: free.then(|| Patch { create, ..Patch::default() }),
    })
}

/// Whether a workflow of its own is what is missing: others run, none looks for secrets yet, no other
/// tool is chosen, and no other forge runs what is here.
fn is_missing(cx: &Cx<'_>, finding: &Finding) -> bool {
    let Some(service) = cx.service_of(finding) else { return false };
    let looks = Ci::of(cx, service).roles(|kind| kind == RoleKind::ScanSecrets);
    let mut forges = cx.delivery.pipelines.iter().map(|pipeline| &pipeline.forge);
    let chosen = hook(cx).or_else(|| baseline(cx).0).and_then(|at| cx.text_of(at));
    looks.iter().all(|ran| ran.whose == Whose::Others)
        && !running(cx).is_empty()
        && forges.all(|forge| matches!(forge, Forge::GitHub | Forge::GitHubAction))
        && chosen.is_none_or(|tool| tool.starts_with("gitleaks"))
        && cx.delivery.tree.outside().is_none()
}

/// What stands in angle brackets is put in.
const WORKFLOW: &str = r#"# Looks for secrets in every commit that is pushed or proposed, whatever it touches.
name: secrets

on:
  push:
  pull_request:

permissions: {}

concurrency:
  group: secrets-${{ github.event_name }}-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}

jobs:
  gitleaks:
    name: Look for secrets
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    permissions:
      contents: read # to check out
      pull-requests: read # gitleaks asks which commits are proposed
    steps:
      - uses: <checkout>
        with:
          fetch-depth: 0 # secrets are looked for in every commit
          persist-credentials: false
      - uses: <gitleaks>
        env:
          GITHUB_TOKEN: ${{ github.token }}
          GITLEAKS_ENABLE_COMMENTS: "false"
          # An organisation needs its own, which is free; a person needs none.
          GITLEAKS_LICENSE: ${{ secrets.GITLEAKS_LICENSE }}
"#;
