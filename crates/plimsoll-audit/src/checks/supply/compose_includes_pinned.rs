//! # What is taken from elsewhere is named by its commit
//!
//! A `build` whose context is a repository elsewhere, and an `include` of a compose file from there, name a
//! commit: `https://…/app.git#<40 digits>`; an `include` from a registry names a digest.
//!
//! A branch or tag is moved by whoever has that repository: the next build on the host runs code that nobody
//! here has seen.
//!
//! Write the commit behind `#`, and let a bot raise it.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: https://git.example/acme/web.git#main # <- names no commit
//! ```
//!
//! Of a compose file:
//!
//! `compose.yaml`:
//! ```yaml
//! include:
//!   - oci://registry.example/acme/base:latest # <- names no digest
//!   - path: https://git.example/acme/base.git#main # <- names no commit
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: https://git.example/acme/web.git#0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c
//! ```
//!
//! Of a compose file:
//!
//! `compose.yaml`:
//! ```yaml
//! include:
//!   - oci://registry.example/acme/base@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c0f5a1c3e6b7d9a2c4e8f1b3d
//!   - path: https://git.example/acme/base.git#0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c:compose.yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- takes nothing from elsewhere
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::answers::Answers;
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    Why, composed,
};
use plimsoll_model::Fact;
use plimsoll_source::Span;

pub(super) static CHECK: Check = Check {
    id: "supply/compose-includes-pinned",
    section: Section::BuildSecurity,
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP074", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("compose_includes_pinned.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for composed in composed::projects(cx) {
        for (text, at) in &composed.project.remotes {
            judge(&mut answers, text, *at);
        }
        for container in &composed.containers {
            let context = container.build.as_ref().map(|build| &build.context);
            if let Some(Fact::Unknown(Why::OutOfTree, Some(at))) = context {
                let text = cx.text_of(*at).unwrap_or_default();
                let text = text.trim().trim_matches(['"', '\'']);
                if text.contains("://") || text.starts_with("git@") || text.contains(".git") {
                    judge(&mut answers, text, *at);
                }
            }
        }
        if let Some(first) = composed.containers.first() {
            answers.good(first.span, "takes nothing from elsewhere that moves");
        }
    }
    answers.joined(
        "a compose file takes what moves from elsewhere: name the commit",
        "what compose files take from elsewhere is named by its commit",
        "it cannot be told what compose files take from elsewhere",
    )
}

fn judge(answers: &mut Answers, text: &str, at: Span) {
    let digits = |text: &str, count| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if text.starts_with("oci://") {
        match text.split_once("@sha256:").is_some_and(|(_, digest)| digits(digest, 64)) {
            true => answers.good(at, "names a digest"),
            false => answers.bad(at, "names no digest"),
        }
        return;
    }
    let commit = text
        .split_once('#')
        .is_some_and(|(_, reference)| digits(reference.split(':').next().unwrap_or(reference), 40));
    match commit {
        true => answers.good(at, "names a commit"),
        false => answers.bad(at, "names no commit"),
    }
}
