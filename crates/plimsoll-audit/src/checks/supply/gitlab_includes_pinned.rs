//! # What a GitLab pipeline includes stays what it is
//!
//! Every `include:` of another project has a `ref:` that is a commit or a tag, every component a version, and no
//! file is taken from a URL without `integrity:`.
//!
//! What is included runs with the job's variables. A branch of another project, or a page at an address, changes
//! without a change here.
//!
//! Write `ref:` with a full commit, `component: …@1.2.3`, `integrity: sha256-…`. GitLab's own templates are left
//! out: they come with its version.
//!
//! ## Fails
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! include:
//!   - project: company/ci-templates # <- no `ref:`
//!     file: /jobs/build.yml
//!   - remote: https://example.com/template.yml # <- whatever is at that address
//!   - component: gitlab.com/components/sast@main # <- its version moves
//! build:
//!   script: make
//! ```
//!
//! ## Fixed
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! include:
//!   - project: company/ci-templates
//!     file: /jobs/build.yml
//!     ref: a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2
//!   - component: gitlab.com/components/sast@1.4.0
//! build:
//!   script: make
//! ```
//!
//! ## Passes
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! include:
//!   - template: Security/SAST.gitlab-ci.yml
//! build:
//!   script: make
//! ```
//!
//! ## Does not apply
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! build:
//!   script: make
//! ```

use std::collections::BTreeMap;

use plimsoll_model::mend::Data;
use plimsoll_model::pipeline::Forge;
use plimsoll_source::Span;

use crate::conditions::INCLUDES_GITLAB;
use crate::mending::resolved::{self, SAME_FORGE};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "supply/gitlab-includes-pinned",
    section: Section::Pipeline,
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
            Equivalent { tool: "catalogue", rule: "pin-gl-include", relation: Relation::Same },
            Equivalent { tool: "glsec", rule: "GL003", relation: Relation::Same },
            Equivalent { tool: "glsec", rule: "GL041", relation: Relation::Same },
        ],
    }],
    when: &[&INCLUDES_GITLAB],
    source: include_str!("gitlab_includes_pinned.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let all = workflows::started(cx).filter(|pipeline| pipeline.forge == Forge::GitLab);
    let mut bad = Vec::new();
    for (what, span) in all.flat_map(|pipeline| &pipeline.unread) {
        let field = |key: &str| field(what, key);
        let says = if let Some(component) = field("component") {
            let version = component.rsplit_once('@').map_or("", |(_, version)| version);
            (!is_fixed(version)).then_some("its version moves")
        } else if field("project").is_some() {
            match field("ref") {
                None => Some("has no `ref:`: the default branch, which moves"),
                Some(version) if is_fixed(version) => None,
                Some(_) => Some("its branch moves"),
            }
        } else {
            let remote = field("remote").is_some() || what.starts_with("http");
            (remote && field("integrity").is_none()).then_some("whatever is at that address")
        };
        bad.extend(says.map(|says| Evidence::contradicts(*span, says)));
    }
    let wrong = "what the pipeline includes may change by itself: pin it to a commit";
    workflows::none(cx, bad, wrong, "what the pipeline includes stays what it is")
}

/// What a mapping that was not read says of a key.
fn field<'w>(what: &'w str, key: &str) -> Option<&'w str> {
    let mut fields = what.split(", ");
    fields.find_map(|field| field.strip_prefix(key)?.strip_prefix(": "))
}

/// Whether a reference is a commit or looks like a released version.
fn is_fixed(version: &str) -> bool {
    let commit = version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit());
    let bare = version.trim_start_matches(['v', 'V']);
    commit || bare.contains('.') && bare.starts_with(|c: char| c.is_ascii_digit())
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let all = workflows::started(cx).filter(|pipeline| pipeline.forge == Forge::GitLab);
    let unread: BTreeMap<Span, &str> =
        all.flat_map(|p| &p.unread).map(|(what, span)| (*span, &**what)).collect();
    let (mut edits, mut look) = (Vec::new(), String::new());
    for at in mending::against(finding) {
        let Some(what) = unread.get(&at) else { continue };
        let document = mending::document(cx, at.file)?;
        let map = document.map_at(at);
        if let Some(component) = field(what, "component") {
            let Some((name, version)) = component.rsplit_once('@') else { continue };
            // The last part of its path is a folder of the project.
            let Some((project, _)) = name.rsplit_once('/') else { continue };
            let url = format!("https://{project}");
            let pinned =
                resolved::commit(cx, url.clone(), version).and_then(|(commit, version)| {
                    let scalar = map?.get("component")?;
                    document.rewrite_noted(scalar, &format!("{name}@{commit}"), &version)
                });
            match pinned {
                Some(edit) => edits.push(edit),
                None => look += &format!("git ls-remote {url} {version}\n"),
            }
        } else if let Some(project) = field(what, "project") {
            // Of the forge that the repository lies on, which the caller knows.
            let version = field(what, "ref").unwrap_or("HEAD");
            let url = format!("{SAME_FORGE}{project}");
            let pinned =
                resolved::commit(cx, url, version).and_then(|(commit, _)| match map?.get("ref") {
                    Some(scalar) => Some(vec![document.rewrite_noted(scalar, &commit, version)?]),
                    None => document.set(map?, "ref", &Data::scalar(commit)),
                });
            match pinned {
                Some(more) => edits.extend(more),
                None => look += &format!("git ls-remote \"$CI_SERVER_URL/{project}\" {version}\n"),
            }
        } else {
            let address = field(what, "remote").unwrap_or(what);
            look += &format!(
                "curl -fsSL '{address}' | openssl dgst -sha256 -binary | base64 # integrity: sha256-…\n"
            );
        }
    }
    let sample = mending::snippet(cx.path(mending::against(finding).next()?.file), "sh", look);
    let does = match resolved::day(cx) {
        Some(day) => format!("pin to the commits that were named {day}"),
        None => "look up the commit that it names, and write that".to_owned(),
    };
    Some(Fix::of_edits(does, Safety::Review, sample, edits))
}
