//! # Actions and called workflows are pinned to a commit
//!
//! Every `uses:` of another repository names a full commit, every `docker://` image a digest.
//!
//! A tag is moved with one push. Who takes over an action's account, or its maintainer's token, puts code into
//! every pipeline that says `@v4`, with all that those hold: it has happened to actions that thousands use.
//!
//! Write the commit with the version in a comment, and let Dependabot or Renovate keep both:
//! `uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0`. GitHub's own actions
//! (`actions/*`, `github/*`) by a version alone are PARTIAL: who runs their jobs trusts that owner anyway. The fix,
//! for review, knows the commits of much used actions by a dated table, asks the others' repositories and registries
//! with `--resolve`, and invents none.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: aquasecurity/trivy-action@master # <- a branch or tag
//!       - uses: docker://alpine:3.20 # <- no digest
//!   call:
//!     uses: example/shared/.github/workflows/build.yml@v1 # <- a branch or tag
//! ```
//!
//! Of one that the fix knows:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5 # <- a branch or tag
//!       - uses: docker/login-action@v4 # <- a branch or tag
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: aquasecurity/trivy-action@b6643a29fecd7f34b3597bc6acb0a98b03d33ff8 # <- a commit
//!       - uses: docker://alpine@sha256:0a4eaa0eecf5f8c050e5bba433f58c052be7587ee8af3e8b3910ef9ab5fbe9f5
//!   call:
//!     uses: example/shared/.github/workflows/build.yml@b6643a29fecd7f34b3597bc6acb0a98b03d33ff8
//! ```
//!
//! Of one that the fix knows:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@fbc6f3992d24b796d5a048ff273f7fcc4a7b6c09 # v5.1.0
//!       - uses: docker/login-action@4907a6ddec9925e35a0a9e82d7399ccc52663121 # v4.1.0
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # <- a commit
//!       - uses: ./.github/actions/build
//! ```
//! `.github/actions/build/action.yml`:
//! ```yaml
//! runs: { using: composite, steps: [] }
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5 # <- a branch or tag
//! ```
//!
//! ## Does not apply
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make
//! ```

use std::collections::BTreeSet;

use plimsoll_model::reference::ImageRef;

use crate::conditions::USES_ACTIONS;
use crate::mending::resolved;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "supply/actions-pinned",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "actions",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "pin-action", relation: Relation::Same },
                Equivalent { tool: "zizmor", rule: "unpinned-uses", relation: Relation::Same },
                Equivalent {
                    tool: "scorecard",
                    rule: "Pinned-Dependencies",
                    relation: Relation::Wider,
                },
                Equivalent {
                    tool: "kics",
                    rule: "unpinned_actions_full_length_commit_sha",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "semgrep",
                    rule: "third-party-action-not-pinned-to-commit-sha",
                    relation: Relation::Narrower,
                },
            ],
        },
        Part {
            name: "workflows",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "pin-reusable", relation: Relation::Same },
                Equivalent { tool: "zizmor", rule: "unpinned-uses", relation: Relation::Same },
            ],
        },
        Part {
            name: "images",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "pin-image", relation: Relation::Wider },
                Equivalent { tool: "zizmor", rule: "unpinned-uses", relation: Relation::Wider },
            ],
        },
    ],
    when: &[&USES_ACTIONS],
    source: include_str!("actions_pinned.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut known, mut good) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let steps = workflows::live(cx).flat_map(|pipeline| &pipeline.jobs).flat_map(|job| &job.steps);
    for (uses, span) in steps.filter_map(|step| step.uses.as_ref()) {
        let uses = uses.trim();
        if uses.starts_with("./") || uses == "." || uses.contains("${{") || !seen.insert(*span) {
            continue;
        }
        if let Some(image) = uses.strip_prefix("docker://") {
            match image.contains("@sha256:") {
                true => good.push(Evidence::shows(*span, "a digest")),
                false => {
                    bad.push(Evidence::contradicts(*span, "an image with no digest").part("images"))
                }
            }
            continue;
        }
        let (name, version) = uses.rsplit_once('@').unwrap_or((uses, ""));
        let commit = version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit());
        if commit {
            good.push(Evidence::shows(*span, "a commit"));
            continue;
        }
        let part = if name.contains("/.github/workflows/") { "workflows" } else { "actions" };
        let says =
            if version.is_empty() { "no version at all" } else { "a branch or tag, which moves" };
        let evidence = Evidence::contradicts(*span, says).part(part);
        let owner = name.split('/').next().unwrap_or_default().to_ascii_lowercase();
        match matches!(&*owner, "actions" | "github") && part == "actions" {
            true => known.push(evidence.severity(Severity::Low)),
            false => bad.push(evidence),
        }
    }
    let right = "actions and called workflows are pinned to a commit";
    if bad.is_empty() {
        let wrong = "GitHub's own actions are pinned to versions: pin them to commits";
        return workflows::judged(cx, known, Verdict::partial, wrong, right, good);
    }
    bad.extend(known);
    let wrong = "actions of others are taken by a tag or branch: pin them to a commit";
    workflows::none(cx, bad, wrong, right)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let mut sample = None;
    let mut day = None;
    let edits = mending::in_places(cx, finding, |document, at| {
        let uses = document.scalar_at(at)?;
        let text = uses.text()?.trim();
        if let Some(image) = text.strip_prefix("docker://").and_then(ImageRef::parse) {
            let digest = resolved::digest(cx, &image)?;
            day = resolved::day(cx);
            return document.append(uses, &format!("@{digest}"));
        }
        let (name, tag) = text.rsplit_once('@')?;
        let shipped = mending::pins::action(name, tag);
        let (commit, version) = match shipped {
            Some((commit, version)) => (commit.to_owned(), version.to_owned()),
            None => {
                let found = resolved::commit(cx, repository(name)?, tag)?;
                day = resolved::day(cx);
                found
            }
        };
        // The version stands in a comment behind it, where nothing else does.
        document.rewrite_noted(uses, &format!("{name}@{commit}"), &version)
    });
    if let Some(at) = mending::against(finding).next().filter(|_| edits.is_empty()) {
        let text = cx.text_of(at)?;
        let text = text.trim_matches(['"', '\'']);
        let look = match text.strip_prefix("docker://") {
            Some(image) => {
                format!(
                    "docker buildx imagetools inspect --format '{{{{.Manifest.Digest}}}}' {image}\n"
                )
            }
            None => {
                let (name, tag) = text.rsplit_once('@').unwrap_or((text, "HEAD"));
                format!("git ls-remote {} {tag}\n", repository(name)?)
            }
        };
        sample = mending::snippet(cx.path(at.file), "sh", look);
    }
    let does = match day {
        Some(day) => format!("pin to what the tags named in {} or {day}", mending::pins::MADE),
        None => format!("pin to what the tags named in {}", mending::pins::MADE),
    };
    Some(Fix::of_edits(does, Safety::Review, sample, edits))
}

/// Where an action or called workflow is fetched from: several may live in one repository.
fn repository(name: &str) -> Option<String> {
    let (owner, rest) = name.split_once('/')?;
    Some(format!("https://github.com/{owner}/{}", rest.split('/').next()?))
}
