//! # What is published is not built from a cache that others can fill
//!
//! A workflow that publishes (on releases or tags, or by a step that pushes packages, images or releases) restores
//! no cache: `actions/cache`, the caches of `setup-*` actions, `Swatinem/rust-cache`, `cache-from: type=gha`.
//!
//! Every workflow of the default branch can write to the cache, one that a hijacked dependency runs in too. What
//! it leaves there becomes part of the release, signed and attested.
//!
//! Build releases from nothing: take the cache out of that workflow, or switch it off for tags
//! (`cache: false`). The fix, for review, does that; a step whose result others ask for stays. It is PARTIAL: someone has to get into another workflow first.
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: [push, pull_request]
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/cache@v4
//!         with: { path: ~/.npm, key: npm }
//!       - run: npm test
//! ```
//! `.github/workflows/release.yml`:
//! ```yaml
//! on: { push: { tags: ["v*"] } }
//! jobs:
//!   publish:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/setup-go@v5
//!         with: { cache: false }
//!       - run: npm publish
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/release.yml`:
//! ```yaml
//! on: { release: { types: [published] } }
//! jobs:
//!   publish:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/setup-node@v4
//!         with: { node-version: 22, cache: npm } # <- restores a cache
//!       - run: npm publish
//! ```
//!
//! By a step:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: { push: { branches: [main] } }
//! jobs:
//!   publish:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: Swatinem/rust-cache@v2 # <- restores a cache
//!       - run: cargo publish
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::mend::Data;
use plimsoll_model::pipeline::JobStep;
use plimsoll_source::Span;
use plimsoll_syntax::yaml::Value;

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/release-cache-isolated",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "cache-poison", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "cache-poisoning", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("release_cache_isolated.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut bad = Vec::new();
    for pipeline in workflows::github(cx) {
        let by_event = !pipeline.triggers.is_empty()
            && pipeline.triggers.iter().any(|trigger| {
                trigger.event == "release"
                    || trigger.event == "push"
                        && !trigger.tags.is_empty()
                        && trigger.branches.is_empty()
            });
        for job in &pipeline.jobs {
            if !by_event && !job.steps.iter().any(publishes) {
                continue;
            }
            bad.extend(job.steps.iter().filter_map(caches).map(|span| {
                Evidence::contradicts(span, "restores a cache that other workflows fill")
            }));
        }
    }
    let wrong =
        "what is published is built from a cache that others can fill: build it from nothing";
    let right = "what is published is not built from a cache";
    workflows::judged(cx, bad, Verdict::partial, wrong, right, None)
}

/// Where a step restores a cache.
fn caches(step: &JobStep) -> Option<Span> {
    let (_, place) = step.uses.as_ref()?;
    let action = workflows::action(step)?;
    let off = |value: &str| matches!(value, "" | "false" | "no");
    let set = |key: &str| workflows::input(step, key).filter(|(value, _)| !off(value)).map(|i| i.1);
    let by_default = |key: &str| match workflows::input(step, key) {
        Some((value, _)) if off(value) => None,
        Some((_, span)) => Some(span),
        None => Some(*place),
    };
    match &*action {
        "actions/cache" | "actions/cache/restore" => match set("lookup-only") {
            Some(_) => None,
            None => Some(*place),
        },
        "swatinem/rust-cache" | "mozilla-actions/sccache-action" | "hendrikmuhs/ccache-action" => {
            let only_reads =
                workflows::input(step, "lookup-only").is_some_and(|(v, _)| v == "true");
            (!only_reads).then_some(*place)
        }
        "actions/setup-go" => by_default("cache"),
        "actions/setup-node"
        | "actions/setup-python"
        | "actions/setup-java"
        | "actions/setup-dotnet" => set("cache"),
        "ruby/setup-ruby" => set("bundler-cache"),
        "pnpm/action-setup" => set("cache"),
        "astral-sh/setup-uv" => set("enable-cache"),
        "pyo3/maturin-action" => set("sccache").filter(|_| {
            workflows::input(step, "sccache").is_some_and(|(value, _)| !value.contains("${{"))
        }),
        "docker/build-push-action" | "depot/build-push-action" => from_cache(step),
        _ => None,
    }
}

/// Where a step that builds an image reads the cache that all workflows share.
fn from_cache(step: &JobStep) -> Option<Span> {
    let action = workflows::action(step)?;
    let builds = matches!(&*action, "docker/build-push-action" | "depot/build-push-action");
    let input = workflows::input(step, "cache-from").filter(|_| builds);
    input.filter(|(value, _)| is_shared(value)).map(|(_, at)| at)
}

fn is_shared(cache: &str) -> bool {
    cache.contains("type=gha")
}

/// Whether a step publishes what the job built.
fn publishes(step: &JobStep) -> bool {
    const ACTIONS: [&str; 10] = [
        "softprops/action-gh-release",
        "pypa/gh-action-pypi-publish",
        "rubygems/release-gem",
        "js-devtools/npm-publish",
        "goreleaser/goreleaser-action",
        "ncipollo/release-action",
        "actions/create-release",
        "actions/upload-release-asset",
        "svenstaro/upload-release-action",
        "cargo-bins/release-pr",
    ];
    let by_action = workflows::action(step).is_some_and(|name| ACTIONS.contains(&&*name));
    by_action
        || step.commands.iter().any(|command| {
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            matches!(
                words.as_slice(),
                [
                    "npm" | "yarn" | "pnpm" | "cargo" | "poetry" | "uv" | "flit" | "hatch",
                    "publish",
                    ..
                ] | ["twine", "upload", ..]
                    | ["gem", "push", ..]
                    | ["dotnet", "nuget", "push", ..]
                    | ["gh", "release", "create" | "upload", ..]
            )
        })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let steps: Vec<&JobStep> = workflows::github(cx)
        .flat_map(|pipeline| &pipeline.jobs)
        .flat_map(|job| &job.steps)
        .collect();
    let mut edits = mending::in_places(cx, finding, |document, at| {
        let place = |step: &&&JobStep| step.uses.as_ref().is_some_and(|uses| uses.1 == at);
        let Some(step) = steps.iter().find(place) else {
            // An input: on or off, or the name of what is cached.
            let value = document.scalar_at(at)?;
            return match value.text()? {
                "true" => document.rewrite(value, "false"),
                _ => document.remove(at),
            };
        };
        if workflows::action(step).as_deref() == Some("actions/setup-go") {
            let map = document.map_at(step.span)?;
            let off = Data::map("cache", Data::scalar("false"));
            let edits = document.set(map, "with", &off)?;
            return edits.into_iter().next();
        }
        // Others may ask whether it found something.
        document.remove(step.span).filter(|_| step.id.is_none())
    });
    // Nobody reads what it would still write.
    let taken: Vec<Span> = mending::against(finding).collect();
    let reads = |step: &&&JobStep| {
        from_cache(step).is_some_and(|at| !taken.contains(&at))
            || workflows::action(step).is_some_and(|name| name.starts_with("docker/bake-action"))
    };
    if !steps.iter().any(|step| reads(&step)) {
        for step in steps.iter().filter(|step| from_cache(step).is_some()) {
            let Some((_, to)) = workflows::input(step, "cache-to").filter(|(v, _)| is_shared(v))
            else {
                continue;
            };
            let document = mending::document(cx, to.file)?;
            // In a block that has more than these two.
            let more = |map: &Value<'_>| !map.is_flow() && map.pairs().count() > 2;
            if document.holder(to).as_ref().is_some_and(more) {
                edits.extend(document.remove(to));
            }
        }
    }
    let does = "build what is published from nothing: it takes as much longer as the cache saved";
    let fix = Fix::of_edits(does, Safety::Review, None, edits);
    fix.patch.is_some().then_some(fix)
}
