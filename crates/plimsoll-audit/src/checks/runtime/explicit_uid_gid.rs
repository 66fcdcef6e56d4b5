//! # The process runs with fixed user and group numbers
//!
//! The user has a number that the Dockerfile gives, and so has the primary group it runs in.
//!
//! Volumes, other containers and policies know numbers, not names. A number that the tool picks
//! changes with what was installed before; and a group that was created and is not the user's
//! primary one owns files that the process cannot use through it.
//!
//! Give both when the user is created. BusyBox's `adduser -S` puts the user into `nogroup` unless
//! `-G` names another group.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN addgroup -S web && adduser -S web -G web # <- no number
//! USER web
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN addgroup -g 1001 -S web && adduser -S web -G web -u 1001 # <- 1001
//! USER web
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/team/base:4
//! USER 1001:1001 # <- 1001:1001
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:12-slim
//! RUN groupadd -g 1001 web && useradd -u 1001 -g web web # <- 1001
//! USER 1001
//! CMD ["/usr/bin/web"]
//! ```
//!
//! ## Partial
//!
//! The group is created and never becomes the user's:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN addgroup -g 1001 -S web && adduser -S web -u 1001 # <- primary group
//! USER web
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! A user that the base defines, and a number alone, which runs in root's group:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! USER node # <- 1000:1000
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! Or:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! COPY app /usr/bin/app
//! USER 1001 # <- no group
//! CMD ["app"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/team/base:4
//! USER web
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## See also
//!
//! - `runtime/non-root`: it is another user than root at all.

use plimsoll_model::image::{EffectKind, Image, StepKind};
use plimsoll_model::mend::{self, dockerfile};
use plimsoll_model::user::{self, RunsAs, Who};
use plimsoll_source::{Edit, Span, TextRange};

use crate::conditions::HAS_ITS_OWN_USER;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Status, Verdict, mending, startup,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/explicit-uid-gid",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &["runtime/non-root"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "hadolint",
            rule: "DL3066",
            relation: Relation::Narrower,
        }],
    }],
    when: &[&HAS_ITS_OWN_USER],
    source: include_str!("explicit_uid_gid.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let Some(stage) = image.target.filter(|_| !image.broken) else {
        return startup::unparsed(cx, image.image);
    };
    let Some(runs_as) = user::runs_as(image.image, stage) else {
        return startup::unparsed(cx, image.image);
    };
    let RunsAs { at, name, group, who, .. } = &runs_as;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let gid_of = |group: &str| user::gid(image.image, stage, group).filter(|gid| number(gid));
    let explicit = group.as_deref().and_then(gid_of);
    if let (true, Some(gid)) =
        (number(name), explicit.as_ref().filter(|g| Some(*g) == group.as_ref()))
    {
        return Verdict::pass(
            format!("the process runs as {name}:{gid}"),
            Evidence::shows(*at, format!("runs as {name}:{gid}")),
        );
    }
    match who {
        Who::Number => Verdict::partial(
            format!("USER {name} gives no group: write USER {name}:{name}"),
            Evidence::contradicts(*at, "no group: it runs in root's"),
        ),
        Who::OfBase { uid, gid, at: base, .. } => Verdict::partial(
            format!("`{name}` is the base's user: write USER {uid}:{gid}"),
            Evidence::contradicts(*at, format!("the base has it as {uid}:{gid}")),
        )
        .and(Evidence::context(*base, "defines it")),
        Who::Created { at: made, uid, group: primary, group_is_default, .. } => {
            let uid = uid.as_deref().filter(|uid| number(uid));
            let own = primary.as_deref().filter(|_| !group_is_default).and_then(gid_of);
            let gid = if group.is_some() { explicit } else { own };
            match (uid, gid) {
                (Some(uid), Some(gid)) => Verdict::pass(
                    format!("the process runs as {uid}:{gid}"),
                    Evidence::shows(*made, format!("{uid}:{gid}")),
                ),
                (Some(uid), None) => {
                    let says = match primary {
                        Some(group) if *group_is_default => {
                            format!("its primary group is `{group}`, by default")
                        }
                        Some(group) => format!("its primary group `{group}` has no number here"),
                        None => "its primary group gets a number of the tool's choice".to_owned(),
                    };
                    let message = format!(
                        "`{name}` is {uid}, its primary group is not set: name one with a number"
                    );
                    let groups = image.effects(stage).into_iter().filter_map(|(_, effect)| {
                        let EffectKind::AddGroup { name, .. } = &effect.kind else { return None };
                        let says = format!("creates `{name}`, which is not its primary group");
                        Some(Evidence::context(effect.span, says))
                    });
                    Verdict::partial(message, Evidence::contradicts(*made, says)).and_all(groups)
                }
                (None, Some(gid)) => Verdict::partial(
                    format!("`{name}` is created in group {gid} without a user number: give one"),
                    Evidence::contradicts(*made, "no user number"),
                ),
                (None, None) => Verdict::fail(
                    format!("`{name}` is created without numbers: give a user and a group number"),
                    Evidence::contradicts(*made, "no number"),
                )
                .and(Evidence::contradicts(*at, "runs as it")),
            }
        }
        Who::Nowhere => Verdict::fail(
            format!("nothing creates `{name}`, so it has no number: create it with one"),
            Evidence::contradicts(*at, "nothing creates it"),
        ),
        Who::Root | Who::Unknown(..) => startup::unparsed(cx, image.image),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let image = &cx.delivery[*service.images.first()?];
    let edits = service.images.iter().filter_map(|&id| number(&cx.delivery[id]));
    Some(Fix::of_edits(
        "give user and primary group fixed numbers",
        Safety::Review,
        mending::snippet(&image.path, "dockerfile", startup::create_user(image)),
        edits.flatten().collect(),
    ))
}

/// The numbers written where the account is made or, of one that the base made, where it is named.
fn number(image: &Image) -> Option<Vec<Edit>> {
    let stage = image.target.filter(|_| dockerfile::is_editable(image))?;
    let RunsAs { at, name, group, variable, who } = user::runs_as(image, stage)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let word = || {
        let user = image.syntax.instructions.iter().find(|one| one.span == at)?;
        user.words.first().map(|word| word.span)
    };
    match who {
        Who::OfBase { uid, gid, .. } if !variable && group.is_none() => {
            Some(vec![mend::replace(word()?, format!("{uid}:{gid}"))])
        }
        Who::Number if !variable && group.is_none() => {
            Some(vec![mend::replace(word()?, format!("{name}:{name}"))])
        }
        Who::Created { at: made, uid, group: primary, group_is_default, .. } if group.is_none() => {
            let all = image.effects(stage);
            let words = |span: Span| {
                all.iter().find_map(|(step, effect)| match &step.kind {
                    StepKind::Run(run) if effect.span == span => mending::words(run, effect),
                    _ => None,
                })
            };
            let maker = words(made)?;
            let (program, place) = maker.first()?;
            let busybox = program == "adduser";
            if !busybox && program != "useradd" {
                return None;
            }
            let number = uid.as_deref().filter(|uid| is_number(uid)).unwrap_or("1001");
            let mut edits = Vec::new();
            let mut flags = String::new();
            if uid.is_none() {
                flags += &format!(" -u {number}");
            }
            // A group of the same name or of its own, made before the user.
            let groups = all.iter().take_while(|(_, effect)| effect.span != made);
            let groups: Vec<(Span, &String, Option<&String>)> = groups
                .filter_map(|(_, effect)| match &effect.kind {
                    EffectKind::AddGroup { name, gid } => Some((effect.span, name, gid.as_ref())),
                    _ => None,
                })
                .collect();
            let set = primary.as_ref().filter(|_| !group_is_default);
            match groups.iter().rev().find(|(_, own, _)| set.is_none_or(|set| set == *own)) {
                Some((span, own, gid)) => {
                    if gid.is_none() {
                        let (_, at) = words(*span)?.into_iter().next()?;
                        edits.push(mend::after(at, format!(" -g {number}")));
                    }
                    if set.is_none() {
                        flags += &format!(" {} {own}", if busybox { "-G" } else { "-g" });
                    }
                }
                None if set.is_none() => {
                    let makes = if busybox { "addgroup -S" } else { "groupadd" };
                    let before =
                        Span::new(place.file, TextRange::new(place.range.start, place.range.start));
                    let makes = format!("{makes} -g {number} {name} && ");
                    edits.push(mend::replace(before, makes));
                    flags += &format!(" {} {name}", if busybox { "-G" } else { "-g" });
                }
                // Its group is one of the base's, or has no number that is known.
                None => return None,
            }
            // At the end, as those write them who forgot them first.
            if let Some((_, last)) = maker.last().filter(|_| !flags.is_empty()) {
                edits.push(mend::after(*last, flags));
            }
            Some(edits)
        }
        _ => None,
    }
}
