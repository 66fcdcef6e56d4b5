//! # Every acceptance is in force and accepts something
//!
//! A finding may be accepted: by an `[[accept]]` entry of `plimsoll.toml`, or by a comment
//! `plimsoll: accept CHECK until 2027-01-31 -- reason` beside what is accepted. It keeps its
//! outcome, and fails no run.
//!
//! An acceptance that outlives its finding hides the next one, which nobody decided on; one that
//! cannot be read, or is over, accepts nothing, and its author thinks that it does.
//!
//! Take out what accepts nothing any more, renew or mend what is over, and give the reason.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! # plimsoll: accept build/copies-not-adds -- unpacks the release # <- finds nothing here
//! COPY src /app/src
//! # plimsoll: accept build/copies-not-adds # <- gives no reason
//! ADD test /app/test
//! CMD ["node", "/app/src/main.js"]
//! ```
//! `src/main.js`:
//! ```js
//! ```
//! `test/main.js`:
//! ```js
//! ```
//!
//! A word that is near a check, and is none:
//!
//! `Dockerfile`:
//! ```dockerfile
//! # plimsoll: accept-file image/pinned-digset -- the mirror has no digests # <- image/pinned-digest
//! FROM node:20-alpine
//! CMD ["node", "/app/src/main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY src /app/src
//! # plimsoll: accept build/copies-not-adds -- an archive in disguise # <- accepts
//! ADD test /app/test
//! CMD ["node", "/app/src/main.js"]
//! ```
//!
//! With the word that it was:
//!
//! `Dockerfile`:
//! ```dockerfile
//! # plimsoll: accept-file image/pinned-digest -- the mirror has no digests # <- accepts
//! FROM node:20-alpine
//! CMD ["node", "/app/src/main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! # plimsoll: accept runtime/non-root until 2099-12-31 by @platform -- it binds port 80 # <- accepts
//! USER root
//! CMD ["node", "/app/src/main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/src/main.js"]
//! ```

use crate::conditions::ACCEPTS;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Place, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "policy/acceptances-current",
    section: Section::Files,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&ACCEPTS],
    source: include_str!("acceptances_current.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut stale = cx.waivers.stale(cx).into_iter().map(|stale| {
        let evidence = match stale.place {
            Place::Span(span) => Evidence::contradicts(span, stale.says),
            Place::File(file) => Evidence::contradicts(cx.start_of(file), stale.says),
            Place::AbsentPath(path) => Evidence::missing_file(path.as_str(), stale.says),
        };
        evidence.severity(stale.severity)
    });
    if let Some(first) = stale.next() {
        let message = "acceptances are over, accept nothing or cannot be read: mend each";
        return Verdict::fail(message, first).and_all(stale);
    }
    let says = "the first of those that are in force and accept something";
    let shows = match cx.waivers.first() {
        Some(Place::Span(span)) => Evidence::shows(span, says),
        Some(Place::File(file)) => Evidence::shows(cx.start_of(file), says),
        Some(Place::AbsentPath(path)) => Evidence::missing_file(path.as_str(), says),
        None => Evidence::missing_file(crate::CONFIG_NAME, "nothing is accepted"),
    };
    Verdict::pass("every acceptance is in force and accepts something", shows)
}
