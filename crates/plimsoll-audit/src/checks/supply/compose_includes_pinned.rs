//! # What is built from elsewhere is named by its commit
//!
//! A `build` whose context is a repository elsewhere names a commit: `https://…/app.git#<40 digits>`.
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
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: https://git.example/acme/web.git#0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- builds nothing from elsewhere
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why,
};
use plimsoll_model::Fact;

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
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP074", relation: Relation::Wider }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("compose_includes_pinned.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "is built from a branch of elsewhere: name the commit",
    partial: "",
    pass: "what is built from elsewhere is named by its commit",
    none: "builds nothing from elsewhere that moves",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let context = container.build.as_ref().map(|build| &build.context);
    if let Some(Fact::Unknown(Why::OutOfTree, Some(at))) = context {
        let text = cx.text_of(*at).unwrap_or_default();
        let text = text.trim().trim_matches(['"', '\'']);
        let remote = text.contains("://") || text.starts_with("git@") || text.contains(".git");
        let commit = text.split_once('#').is_some_and(|(_, at)| {
            let at = at.split(':').next().unwrap_or(at);
            at.len() == 40 && at.bytes().all(|b| b.is_ascii_hexdigit())
        });
        if remote && !commit {
            asked.bad.push(Evidence::contradicts(*at, "names no commit"));
        }
    }
    asked.verdict(&container, &WORDS)
}
