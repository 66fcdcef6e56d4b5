//! # The process can use the files it needs
//!
//! The user that the process runs as owns what was copied for it, by `COPY --chown` or by a `chown`
//! that comes after the user exists and after the files are there.
//!
//! A process that may not write its log directory or cache dies at its first request, or at the
//! first release in which it writes; and `chown` to a user that does not exist yet breaks the build.
//!
//! Copy with `--chown`, or run `chown -R` once, after the last COPY and before USER. The strictest
//! layout satisfies this and keeps the code out of the process's reach: code owned by root and
//! readable for all, and one `chown` for each directory that is written. Whether these are all
//! that the code writes stands in its source, which is not read yet: the answer is then that it
//! cannot be told.
//!
//! ## Fails
//!
//! A log directory that stays root's:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! RUN mkdir -p /app/logs # <- root's
//! USER node
//! CMD ["node", "main.js"]
//! ```
//!
//! The user does not exist yet:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! RUN chown -R web:web /app # <- before
//! RUN addgroup -g 1001 -S web && adduser -S web -u 1001 -G web
//! USER web
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! RUN mkdir -p /app/logs && chown -R node:node /app # <- given to
//! USER node
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN addgroup -g 1001 -S web && adduser -S web -u 1001 -G web
//! WORKDIR /app
//! COPY --chown=1001:1001 main.js ./ # <- given to
//! COPY entrypoint.sh /usr/local/bin/
//! USER web
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Partial
//!
//! Only one of two directories that are made to be written in:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! RUN mkdir -p /app/logs /app/uploads # <- root's
//! RUN chown node /app/logs
//! USER node
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! Code that root owns is readable; whether it writes is not known:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./ # <- root's
//! USER node
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY main.js /app/
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## See also
//!
//! - `runtime/non-root`: there is such a user at all.

use plimsoll_model::Why;
use plimsoll_model::image::{EffectKind, Image};
use plimsoll_model::user::{self, RunsAs, Who};
use plimsoll_source::Span;

use crate::conditions::HAS_ITS_OWN_USER;
use crate::ownership::{Put, puts};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Snippet, Status, Verdict, startup,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/owned-by-user",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &["runtime/non-root"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "tally",
            rule: "tally/copy-after-user-without-chown",
            relation: Relation::Narrower,
        }],
    }],
    when: &[&HAS_ITS_OWN_USER],
    source: include_str!("owned_by_user.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let target = image.target.filter(|_| !image.broken);
    let Some((stage, runs_as)) = target.and_then(|s| Some((s, user::runs_as(image.image, s)?)))
    else {
        return startup::unparsed(cx, image.image);
    };
    if let Some(early) = chown_before_user(image.image, stage, &runs_as) {
        return Verdict::fail(
            format!("`{}` owns nothing before it exists: create it above the chown", runs_as.name),
            Evidence::contradicts(early, "before the user is created"),
        );
    }
    let puts = puts(image.image, stage, &runs_as);
    let (given, kept): (Vec<&Put>, Vec<&Put>) = puts.iter().partition(|put| put.given.is_some());
    let mut spans: Vec<Span> = given.iter().filter_map(|put| put.given).collect();
    spans.dedup();
    let name = &runs_as.name;
    let shows = spans.iter().map(|at| Evidence::shows(*at, format!("given to `{name}`")));
    let mut roots = kept.iter().filter(|put| put.written);
    if let Some(first) = roots.next() {
        let evidence = Evidence::contradicts(first.at, format!("{} stays root's", first.path));
        let rest =
            roots.map(|put| Evidence::contradicts(put.at, format!("{} stays root's", put.path)));
        let message = format!("`{name}` cannot write {}: chown it before USER", first.path);
        return match given.is_empty() {
            true => Verdict::fail(message, evidence).and_all(rest),
            false => Verdict::partial(message, evidence).and_all(rest).and_all(shows),
        };
    }
    let mut shows = shows;
    match (shows.next(), kept.first()) {
        (Some(first), None) => {
            Verdict::pass(format!("what was copied belongs to `{name}`"), first).and_all(shows)
        }
        (first, other) => {
            let place = other.map_or(runs_as.at, |put| put.at);
            Verdict::unknown(
                Why::Unsupported,
                format!("what `{name}` writes stands in the source: look whether root owns it"),
                Evidence::context(place, "root's: it can be read, and not written"),
            )
            .and_all(first)
        }
    }
}

/// A `chown` to a named user that is created only later.
fn chown_before_user(image: &Image, stage: usize, runs_as: &RunsAs) -> Option<Span> {
    let Who::Created { at: made, .. } = runs_as.who else { return None };
    let effects = image.effects(stage);
    let created = effects.iter().position(|(_, effect)| effect.span == made)?;
    effects.iter().take(created).find_map(|(_, effect)| match &effect.kind {
        EffectKind::Chown { owner, .. } => {
            let user = owner.split([':', '.']).next().unwrap_or(owner);
            let named = user == runs_as.name && !user.bytes().all(|b| b.is_ascii_digit());
            named.then_some(effect.span)
        }
        _ => None,
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let image = &cx.delivery[*service.images.first()?];
    let stage = image.target?;
    let runs_as = user::runs_as(image, stage)?;
    let name = &runs_as.name;
    let group = runs_as.group.as_ref().unwrap_or(name);
    let workdir = image.final_stage()?.config.workdir.clone().filter(|dir| dir != "/")?;
    let mut dirs: Vec<String> = puts(image, stage, &runs_as)
        .into_iter()
        .filter(|put| put.written)
        .map(|put| put.path)
        .collect();
    if dirs.is_empty() {
        dirs.push(format!("{workdir}/logs"));
    }
    let dirs = dirs.join(" ");
    Some(Fix {
        does: "give the user the directories that it writes".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "dockerfile",
            text: format!("RUN mkdir -p {dirs} && chown -R {name}:{group} {dirs}\nUSER {name}\n"),
        }),
        patch: None,
    })
}
