//! # No build runs what it downloads in one breath
//!
//! No RUN of a stage that is built hands a download to a shell or an interpreter: `curl … | sh`,
//! `sh -c "$(curl …)"`, `bash <(curl …)`.
//!
//! Whoever can change what stands behind that address runs code in the build, with its secrets and its network,
//! and what it leaves behind ships in the image. Nobody sees what ran, and the next build may get another.
//!
//! Download a release, compare its checksum, run it. An address that names a full commit is as good. PARTIAL: it
//! names a version.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:13
//! RUN curl -fsSL https://get.example.com | sh # <- is run unchecked
//! RUN bash -c "$(wget -qO- https://example.com/agent.sh)" # <- is run unchecked
//! CMD ["/app"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:13
//! RUN curl -fsSLo get.sh https://get.example.com/1.2.3/get.sh \ # <- is no shell
//!     && echo "0a1b  get.sh" | sha256sum --check \
//!     && sh get.sh
//! CMD ["/app"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:13
//! RUN curl -fsSL https://example.com/tool-1.2.3.tar.gz | tar xz -C /opt # <- is no shell
//! CMD ["/app"]
//! ```
//!
//! In a stage that nothing builds:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:13 AS tools
//! RUN curl -fsSL https://get.example.com | sh
//!
//! FROM debian:13
//! RUN wget -q https://example.com/x # <- is no shell
//! CMD ["/app"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:13
//! RUN curl -fsSL https://example.com/v1.2.3/install.sh | sh # <- names a version
//! CMD ["/app"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:13
//! RUN apt-get update && apt-get install -y curl
//! CMD ["/app"]
//! ```
//!
//! ## See also
//!
//! - `supply/no-pipe-to-shell`: the same of operational scripts.
//! - `pipeline/verified-installers`: the same of pipelines.

use plimsoll_model::flow::Flow;
use plimsoll_model::image::{Image, StepKind};

use crate::conditions::DOWNLOADS_IN_ITS_BUILD;
use crate::downloads::{self, Moves};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, ImageSubject, Part, Relation, Run, Section,
    Severity, Status, Verdict, scripts,
};

pub(super) static CHECK: Check = Check {
    id: "build/no-pipe-to-shell",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CICD-SEC-3", "SSDF PW.4"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "pipe-to-shell", relation: Relation::Same },
            Equivalent { tool: "droast", rule: "DF021", relation: Relation::Same },
        ],
    }],
    when: &[&DOWNLOADS_IN_ITS_BUILD],
    source: include_str!("no_pipe_to_shell.rs"),
    run: Run::EachImage(run),
    fix: None,
};

/// What the RUNs of the stages that are built do, of those that download.
fn downloading(image: &Image) -> impl Iterator<Item = Flow> {
    let stages = image.stages_built().into_iter().filter_map(|stage| image.stages.get(stage));
    stages.flat_map(|stage| &stage.steps).filter_map(|step| match &step.kind {
        StepKind::Run(run) if downloads::names_one(run.text.text()) => Some(run.flow()),
        _ => None,
    })
}

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let (mut open, mut versioned, mut fine) = (Vec::new(), Vec::new(), Vec::new());
    for flow in downloading(image.image) {
        for command in flow.commands.iter().filter(|command| !flow.is_aside(command)) {
            match downloads::piped(&flow, command).map(|ran| Moves::of(&ran.address)) {
                Some(Moves::Yes) => {
                    open.push(Evidence::contradicts(command.span, "is run unchecked"));
                }
                Some(Moves::Version) => {
                    let says = "is run unchecked; names a version";
                    versioned.push(Evidence::contradicts(command.span, says));
                }
                Some(Moves::No) => fine.push(Evidence::shows(command.span, "names a commit")),
                None if downloads::fetches(command) => {
                    fine.push(Evidence::shows(command.span, "what reads it is no shell"));
                }
                None => {}
            }
        }
    }
    let mut versioned = scripts::once(versioned).into_iter();
    if open.is_empty()
        && let Some(first) = versioned.next()
    {
        let message =
            "what is downloaded is run unchecked, and names a version: compare a checksum";
        return Verdict::partial(message, first).and_all(versioned);
    }
    if open.is_empty() && image.broken {
        return cx.unparsed(image);
    }
    let fails = "the build runs what it downloads: download a release, compare its checksum";
    let none = || Evidence::context(cx.start_of(image.file), "runs no download");
    scripts::verdict(open, fails, fine, "no download is run in one breath", none)
}
