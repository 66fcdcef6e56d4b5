//! The program of each service: from the module that its container starts through its imports.
//!
//! [`entry`] finds that module, [`graph`] the files that imports lead to, [`eval`] follows what they
//! do, with what packages do told by [`host`], [`http`], [`signals`], [`environment`] and [`writes`];
//! here, what was noted becomes [`Code`].

mod entry;
mod environment;
mod eval;
mod facts;
mod failures;
mod graph;
mod host;
mod http;
mod language;
mod nest;
mod next;
mod plain;
mod python;
pub(crate) mod requests;
mod routes;
mod signals;
mod undo;
mod value;
mod writes;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use plimsoll_source::{FileId, Span, TextRange, Tree};
use plimsoll_syntax::javascript::{self, STACK};
use rayon::prelude::*;

use super::cx::Cx;
use crate::code::{Code, Handler, Language, Listen, Opened, Resource, Unverified};
use crate::container::{Container, Said};
use crate::fact::{Fact, How, Origin, Why};
use crate::image::Image;
use crate::service::Service;
use crate::{ContainerId, Delivery};
use eval::Eval;
use graph::Graph;
use value::Value;

pub(crate) use undo::down;

/// The program of a service, and those of its containers where they start different ones.
pub(super) type Programs = (Option<Code>, BTreeMap<ContainerId, Option<Code>>);

/// What descriptors set in the environment.
#[derive(Default)]
struct Set {
    /// Variables, and what they are set to; `None` where that differs or is not known.
    values: BTreeMap<String, Option<Rc<str>>>,
    /// Why others may be set, too.
    hidden: Option<(Why, Span)>,
    /// Containers are described, and so all that is set.
    is_deployed: bool,
}

/// The program of each service, in their order; `None` where none of ours is started.
pub(super) fn read(cx: &Cx<'_>, delivery: &Delivery) -> Vec<Programs> {
    let none = || delivery.services.iter().map(|_| (None, BTreeMap::new())).collect();
    // What no image holds, no container of ours starts; and threads cost more than a small tree.
    if delivery.services.iter().all(|service| service.images.is_empty()) {
        return none();
    }
    let graph = Graph::new(cx, delivery);
    let work = || -> Vec<Programs> {
        let services = delivery.services.par_iter();
        services
            .map(|service| {
                let code = program(&graph, service, None);
                let by = by_container(&graph, service);
                graph.forget(&service.dir);
                (code, by)
            })
            .collect()
    };
    // Reading nested text and following calls within calls takes more stack than usual.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads())
        .stack_size(STACK)
        .build();
    match pool {
        Ok(pool) => pool.install(work),
        Err(_) => none(),
    }
}

fn program(graph: &Graph<'_>, service: &Service, only: Option<ContainerId>) -> Option<Code> {
    match entry::find(graph, service, only) {
        Some(entry) => match entry.known().and_then(|&file| next::package(graph, file)) {
            Some(package) => Some(next::read(graph, package, entry, &words(graph, service, only))),
            None => {
                let mut eval = Eval::new(graph);
                eval.mode = mode(graph.delivery, service);
                eval.set = set(graph.delivery, service, only);
                Some(of(eval, entry))
            }
        },
        None => python::read(graph, service, only).or_else(|| plain::read(graph, service, only)),
    }
}

/// The words that start a service, or one of its containers.
fn words(graph: &Graph<'_>, service: &Service, only: Option<ContainerId>) -> Vec<String> {
    let startups = &graph.delivery.startups;
    let containers = service.containers.iter().copied().map(Some).chain([None]);
    let mut all = containers
        .filter(|id| only.is_none() || *id == only)
        .flat_map(|id| service.images.iter().filter_map(move |&image| startups.get(&(image, id))));
    let first = all.find(|startup| !startup.app.is_empty());
    first.map(|one| one.app.iter().map(|(word, _)| word.clone()).collect()).unwrap_or_default()
}

/// The program of each container that runs as a service, where they start different ones: a worker
/// that shares the image of the API.
fn by_container(graph: &Graph<'_>, service: &Service) -> BTreeMap<ContainerId, Option<Code>> {
    let delivery = graph.delivery;
    let run: Vec<ContainerId> =
        service.containers.iter().copied().filter(|&id| !delivery[id].job).collect();
    let words = |&id: &ContainerId| {
        let startup = delivery.startups.get(&(delivery[id].image_id?, Some(id)))?;
        Some(startup.app.iter().map(|(word, _)| &**word).collect::<Vec<&str>>())
    };
    let commands: BTreeSet<_> = run.iter().map(words).collect();
    if commands.len() < 2 {
        return BTreeMap::new();
    }
    let entries: Vec<_> = run.iter().map(|&id| entry::find(graph, service, Some(id))).collect();
    let known = |entry: &Option<Fact<FileId>>| entry.as_ref().map(|entry| entry.known().copied());
    let first = entries.first().map(known);
    let same = entries.iter().all(|entry| Some(known(entry)) == first);
    if same && (first != Some(None) || !python::differ(graph, service)) {
        return BTreeMap::new();
    }
    let mut read: BTreeMap<Vec<&str>, Option<Code>> = BTreeMap::new();
    let each = run.iter().map(|&id| {
        let words = words(&id).unwrap_or_default();
        let code = read.entry(words).or_insert_with(|| program(graph, service, Some(id)));
        (id, code.clone())
    });
    each.collect()
}

/// Where a file turns the verification of certificates off: a module, or settings in lines.
pub(crate) fn unverified(tree: &Tree, file: FileId) -> Result<Vec<Unverified>, (Why, Span)> {
    let start = Span::new(file, TextRange::new(0, 0));
    let Ok(bytes) = tree.read(file) else { return Err((Why::Unreadable, start)) };
    let name = crate::path::name(tree.path(file));
    let says = |word: &[u8]| memchr::memmem::find(&bytes, word).is_some();
    if name.ends_with(".py") {
        let parsed = plimsoll_syntax::python::read(file, &bytes);
        return match parsed.errors.iter().find(|error| error.fatal) {
            Some(error) => Err((Why::Unparsed, error.span)),
            None => Ok(python::unverified::unverified(&parsed.tree)),
        };
    }
    if name.ends_with(".ini") {
        let signs: [&[u8]; 3] = [b"sslmode", b"ssl_", b"tls"];
        let open = signs.into_iter().any(says);
        return if open { Err((Why::Unsupported, start)) } else { Ok(Vec::new()) };
    }
    if !says(b"rejectUnauthorized") {
        return Ok(Vec::new());
    }
    let parsed = javascript::read(name, file, &bytes);
    match parsed.errors.iter().find(|error| error.fatal) {
        Some(error) => Err((Why::Unparsed, error.span)),
        None => Ok(facts::unverified(&parsed.tree)),
    }
}

/// Where nothing else is known.
fn nowhere() -> Span {
    Span::new(FileId(0), TextRange::new(0, 0))
}

/// The variables that descriptors and Dockerfiles set where the service runs: to what, where that is
/// the same everywhere.
fn set(delivery: &Delivery, service: &Service, only: Option<ContainerId>) -> Set {
    type Values = BTreeMap<String, Option<Rc<str>>>;
    let of_image = |image: &Image| -> Values {
        let env = image.final_stage().map(|stage| &*stage.config.env).unwrap_or_default();
        let value = |value: Option<&Fact<String>>| value?.known().map(|text| text.as_str().into());
        env.iter().map(|one| (one.name.clone(), value(one.value.as_ref()))).collect()
    };
    let of_container = |container: &Container| {
        let mut set = container.image_id.map(|id| of_image(&delivery[id])).unwrap_or_default();
        let given = container.given.iter().filter_map(|given| given.variables.known());
        let given = given.flat_map(|vars| vars.iter().map(|var| &var.name));
        let names: BTreeSet<&String> =
            given.chain(container.env.iter().map(|var| &var.name)).collect();
        set.extend(names.into_iter().map(|name| match container.says(name) {
            Said::Value(text, _) => (name.clone(), Some(text.into())),
            _ => (name.clone(), None),
        }));
        set
    };
    let containers = service.containers.iter().filter(|&&id| only.is_none_or(|only| only == id));
    let containers = containers.map(|&id| &delivery[id]).filter(|container| !container.job);
    let containers: Vec<&Container> = containers.collect();
    let hidden = containers.iter().find_map(|container| container.hides_variables());
    let is_deployed = !containers.is_empty();
    let mut all: Vec<Values> = containers.into_iter().map(of_container).collect();
    if all.is_empty() {
        all.extend(service.images.iter().map(|&id| of_image(&delivery[id])));
    }
    let mut all = all.into_iter();
    let mut whole = all.next().unwrap_or_default();
    for other in all {
        for (name, value) in &mut whole {
            if other.get(name) != Some(value) {
                *value = None;
            }
        }
        for name in other.into_keys() {
            whole.entry(name).or_insert(None);
        }
    }
    Set { values: whole, hidden, is_deployed }
}

/// What NODE_ENV is wherever the service runs: decides what programs do in production only.
fn mode(delivery: &Delivery, service: &Service) -> Option<Rc<str>> {
    const NAME: &str = "NODE_ENV";
    let of_image = |image: &Image| {
        let env = &image.final_stage()?.config.env;
        let setting = env.iter().find(|setting| setting.name == NAME)?;
        setting.value.as_ref()?.known().cloned()
    };
    let of_container = |container: &Container| match container.says(NAME) {
        Said::Value(text, _) => Some(text.to_owned()),
        Said::Unknown(..) | Said::Hidden(..) => None,
        Said::Nothing => of_image(&delivery[container.image_id?]),
    };
    let containers = service.containers.iter().map(|&id| of_container(&delivery[id]));
    let images = service.images.iter().map(|&id| of_image(&delivery[id]));
    let mut said: Vec<Option<String>> = containers.collect();
    if said.is_empty() {
        said.extend(images);
    }
    let first = said.first().cloned().flatten()?;
    said.iter().all(|one| one.as_deref() == Some(&*first)).then(|| first.as_str().into())
}

/// The program that begins with a module.
fn of(mut eval: Eval<'_>, entry: Fact<FileId>) -> Code {
    if let Some(&file) = entry.known() {
        eval.run(file);
        eval.follow_handlers();
    }
    // What is read where nothing calls it yet, by its text.
    for file in eval.order.clone() {
        if let Ok(module) = eval.graph.module(file) {
            eval.facts.written_reads(&module);
        }
    }
    code(eval, entry, Language::JavaScript)
}

/// What was noted, as the facts that checks ask.
fn code(mut eval: Eval<'_>, entry: Fact<FileId>, language: Language) -> Code {
    let routes = if eval.python.is_some() { eval.py_routes() } else { eval.routes() };
    let start_failure = eval.start_failure();
    let mut listens: Vec<Listen> = eval.facts.listens.iter().map(listen).collect();
    let mut seen = Vec::new();
    listens.retain(|listen| {
        !seen.contains(&listen.at) && {
            seen.push(listen.at);
            true
        }
    });
    let handlers = handlers(&eval);
    let opens = eval.facts.opens.iter().map(|open| Opened {
        kind: open.kind,
        name: open.name.clone(),
        at: open.at,
        at_start: open.at_start,
        via: open.via,
        address: open.address.clone(),
    });
    let opens = opens.collect();
    let facts = &mut eval.facts;
    facts.environment.sort_by_key(|read| read.at);
    facts.writes.sort_by_key(|write| write.at);
    facts.imports.sort_by_key(|import| import.at);
    facts.unverified.sort_by_key(|unverified| unverified.at);
    Code {
        language,
        entry,
        modules: std::mem::take(&mut eval.order),
        gaps: std::mem::take(&mut facts.gaps),
        listens,
        routes,
        handlers,
        all_handlers: false,
        opens,
        start_failure,
        environment: std::mem::take(&mut facts.environment),
        writes: std::mem::take(&mut facts.writes),
        imports: std::mem::take(&mut facts.imports),
        unverified: std::mem::take(&mut facts.unverified),
        migrates: facts.migrates,
    }
}

fn listen(listening: &facts::Listening) -> Listen {
    let value = &listening.port;
    let place = match value {
        Value::Env(env) if env.at != nowhere() => env.at,
        _ => listening.at,
    };
    let port = match value.unset() {
        Value::Undefined | Value::Null => Fact::Absent,
        unset => match unset.as_number() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a port")]
            Some(port) if (0.0..=65_535.0).contains(&port) => {
                Fact::Known { value: port as u16, at: Origin::at(place), how: How::Declared }
            }
            _ => Fact::Unknown(Why::Dynamic, Some(place)),
        },
    };
    Listen {
        port,
        variables: value.names(),
        host: facts::text(&listening.host, listening.at),
        host_variables: listening.host.names(),
        tls: listening.tls,
        at: listening.at,
    }
}

fn handlers(eval: &Eval<'_>) -> Vec<Handler> {
    let facts = &eval.facts;
    let started = |order: facts::Order| {
        let before = || facts.opens.iter().filter(move |open| open.at_start && open.order < order);
        // A pool that is made is not yet connected: only what was waited for, or runs by itself.
        let runs = |kind| matches!(kind, Resource::Server | Resource::Worker | Resource::Timer);
        before().find(|open| open.order.after_await || runs(open.kind))?;
        let first = before().filter(|open| open.via.is_some()).min_by_key(|open| open.order);
        first.map(|open| open.via.unwrap_or(open.at))
    };
    let closes_a_server = |handling: &facts::Handling| {
        let closed = handling.closes.iter().filter_map(|(index, _)| facts.opens.get(*index));
        let slow = [Resource::Server, Resource::Worker, Resource::Queue];
        eval.python.is_none() && closed.into_iter().any(|open| slow.contains(&open.kind))
    };
    let handlers = facts.handlers.iter().map(|handling| {
        let exits = handling.exits.iter().find(|(code, _)| *code == Some(0));
        let exits = exits.or(handling.exits.first()).map(|(code, at)| {
            let code = match code {
                Some(code) => facts::known(*code, *at),
                None => Fact::Unknown(Why::Dynamic, Some(*at)),
            };
            (code, *at)
        });
        Handler {
            signal: handling.signal.clone(),
            at: handling.at,
            late: started(handling.order),
            closes: handling.closes.clone(),
            exits,
            cuts: handling.at_once.filter(|_| closes_a_server(handling)),
            ignored: handling.ignored,
            timeout: handling.timeout.clone(),
            unknown: handling.unknown,
        }
    });
    handlers.collect()
}
