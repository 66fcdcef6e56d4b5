//! # Both colours have all that is deployed together
//!
//! Where a script starts services of one colour, everything that is built from the same source has a
//! colour too, or is started by it as well; the services that it starts beside do not bring the
//! uncoloured version back; and its `-f` list leaves no `compose.override.yaml` out that sets build
//! arguments.
//!
//! A worker that stays behind runs old code on the new schema. A `depends_on: [api]` of the proxy starts
//! the third copy that nobody meant. A list of files replaces the automatic one: the colour is then built
//! without what the override adds.
//!
//! Give the worker its colours, start the proxy with `--no-deps`, name the override in the list.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web-blue:
//!     build: ./web
//!     image: shop/web:blue
//!   web-green:
//!     build: ./web
//!     image: shop/web:green
//!   worker:
//!     build: ./web
//!     command: node worker.js
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d "web-$1" # <- `worker`
//! docker compose exec caddy caddy reload
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d "web-$1" worker # <- all
//! docker compose exec caddy caddy reload
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web-blue:
//!     build: ./web
//!   web-green:
//!     build: ./web
//!   worker-blue:
//!     build: ./web
//!   worker-green:
//!     build: ./web
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d "web-$1" "worker-$1" # <- all
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: ./web
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! ```

use std::collections::BTreeSet;

use plimsoll_model::container::Container;
use plimsoll_model::flow::Command;
use plimsoll_source::Span;

use crate::answers::Answers;
use crate::conditions::SCRIPT_STARTS_A_COLOUR;
use crate::evidence::clip;
use crate::releasing::{container, is_coloured, pairs, place, starts};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/whole-service-set-switched",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/whole-service-set-switched",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_STARTS_A_COLOUR],
    source: include_str!("whole_service_set_switched.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let paired = pairs(cx);
    let ups: Vec<(&Command, Vec<&str>)> = commands(script.program)
        .filter(|command| starts(command))
        .filter_map(|command| Some((command, command.compose()?.services())))
        .collect();
    let coloured = ups.iter().find(|(_, names)| names.iter().any(|name| is_coloured(name)));
    let Some((first, _)) = coloured else { return answers.joined("", "", "") };
    let started = |name: &str| ups.iter().any(|(_, n)| n.is_empty() || n.contains(&name));
    match left_behind(cx, &paired).find(|name| !started(name)) {
        Some(name) => {
            let says = format!("`{}` of the same source stays behind", clip(name));
            answers.bad(place(cx, &script.flow, first), says);
        }
        None => answers.good(place(cx, &script.flow, first), "all of one source is started"),
    }
    for (command, names) in &ups {
        let alone = command.words.iter().any(|word| word == "--no-deps");
        for name in names.iter().filter(|name| !alone && !is_coloured(name)) {
            let depends = container(cx, name).map_or(&[][..], |c| &c.depends_on);
            if let Some(base) = depends.iter().find(|d| paired.contains(&d.service)) {
                let says = format!("`{}` brings `{}` back", clip(name), clip(&base.service));
                answers.bad(place(cx, &script.flow, command), says);
            }
        }
    }
    if let Some((at, file)) = forgotten_override(cx, script, first) {
        answers.bad(at, format!("leaves `{}` out", clip(&file)));
    }
    answers.joined(
        "one colour is not all that is deployed together: start or colour the rest",
        "both colours have all that is deployed together",
        "it cannot be told what is deployed together",
    )
}

/// Services without colours that are built from the source of one that has them, and are no other
/// name of it.
fn left_behind<'a>(
    cx: &Cx<'a>,
    paired: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let context = |c: &'a Container| c.build.as_ref().and_then(|build| build.context.known());
    let all: Vec<&Container> = cx.delivery.containers.iter().collect();
    let of_colours: BTreeSet<&String> =
        all.iter().filter(|c| is_coloured(&c.name)).filter_map(|c| context(c)).collect();
    let plain = all.into_iter().filter(move |c| {
        c.purpose.is_production() && !is_coloured(&c.name) && !paired.contains(&c.name)
    });
    plain
        .filter(move |c| context(c).is_some_and(|context| of_colours.contains(context)))
        .map(|c| &*c.name)
}

/// The override of compose that a list of `-f` leaves out although it sets build arguments.
fn forgotten_override(
    cx: &Cx<'_>,
    script: ScriptSubject<'_>,
    up: &Command,
) -> Option<(Span, String)> {
    const NAMES: [&str; 4] = [
        "docker-compose.override.yml",
        "docker-compose.override.yaml",
        "compose.override.yml",
        "compose.override.yaml",
    ];
    let listed: Vec<&str> = up.compose()?.options.iter().map(String::as_str).collect();
    if !listed.iter().any(|word| *word == "-f" || *word == "--file") {
        return None;
    }
    let name = NAMES.into_iter().find(|name| cx.delivery.tree.find(name).is_some())?;
    if listed.iter().any(|word| word.ends_with(name)) {
        return None;
    }
    let file = cx.delivery.tree.find(name)?;
    let mut args = cx.delivery.containers.iter().flat_map(|c| c.build.iter().flat_map(|b| &b.args));
    args.find(|arg| arg.span.file == file)?;
    // Where the list is written, if in a variable.
    let set = script.flow.sets.iter().find(|set| {
        set.value.contains("-f ")
            && listed.iter().any(|w| w.ends_with("yml") && set.value.contains(w))
    });
    let up = place(cx, &script.flow, up);
    Some((set.map_or(up, |set| set.span), name.to_owned()))
}
