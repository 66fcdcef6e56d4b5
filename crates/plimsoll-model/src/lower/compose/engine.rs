//! What a compose service asks of the engine, and what its project has for all: networks, volumes.

use plimsoll_syntax::yaml::Value;

use super::interpolate::{Vars, interpolate};
use super::service::{Named, Service, boolean};
use crate::engine::{Engine, Hook, Network, Said, Setting, Unusual, Volume};
use crate::fact::{Fact, Why};

/// Keys of `deploy` that only a swarm heeds.
const SWARM_ONLY: [&str; 3] = ["update_config", "rollback_config", "placement"];

/// Keys of commands that run around start and stop.
const HOOKS: [&str; 3] = ["post_start", "pre_stop", "pre_start"];

/// What a service asks of the engine.
pub(super) fn engine(service: &Service<'_>) -> Engine {
    let text = |key: &str| service.text(&[key]);
    let mut links = service.texts(&["links"]);
    links.extend(service.texts(&["external_links"]));
    let reserved = &["deploy", "resources", "reservations", "devices"][..];
    let gpus = service.first(&["gpus"]).or_else(|| service.first(reserved));
    let unusual = Unusual {
        cap_add: service.texts(&["cap_add"]),
        pid: text("pid"),
        ipc: text("ipc"),
        uts: text("uts"),
        userns: text("userns_mode"),
        cgroup: text("cgroup"),
        cgroup_parent: text("cgroup_parent"),
        devices: devices(service),
        device_rules: service.texts(&["device_cgroup_rules"]),
        gpus: gpus.map(|(_, value)| value.span()),
        sysctls: pairs(service, &["sysctls"]),
        ulimits: ulimits(service),
        log_driver: service.text(&["logging", "driver"]),
        log_options: pairs(service, &["logging", "options"]),
        labels: pairs(service, &["labels"]),
        group_add: service.texts(&["group_add"]),
        dns: service.texts(&["dns"]),
        links,
        hooks: hooks(service),
        provider: service.first(&["provider"]).map(|(_, value)| value.span()),
        api_socket: service.bool(&["use_api_socket"]),
        oom_kill_disable: service.bool(&["oom_kill_disable"]),
        oom_score_adj: text("oom_score_adj"),
        platform: text("platform"),
        pull_policy: text("pull_policy"),
        replicas: service.text_of(&[&["deploy", "replicas"], &["scale"]]),
        restart_attempts: service.text(&["deploy", "restart_policy", "max_attempts"]),
        update_failure_action: service.text(&["deploy", "update_config", "failure_action"]),
    };
    Engine {
        container_name: text("container_name"),
        security_opt: service.texts(&["security_opt"]),
        network_mode: service.text_of(&[&["network_mode"], &["net"]]),
        networks: networks_of(service),
        aliases: aliases(service),
        swarm_only: SWARM_ONLY
            .iter()
            .filter_map(|key| {
                let (_, value) = service.first(&["deploy", key])?;
                Some(((*key).to_owned(), value.span()))
            })
            .collect(),
        unusual: unusual.once(),
    }
}

/// The names of the networks that it joins.
fn networks_of(service: &Service<'_>) -> Vec<Said> {
    let mut all = service.all(&["networks"]);
    all.reverse();
    let mut out = Named::default();
    for (layer, value) in all {
        for (key, _) in layer.entries(value) {
            if let Some(name) = key.text() {
                out.put(name, (name.to_owned(), key.span()));
            }
        }
        for item in if value.is_map() { Vec::new() } else { layer.items(value) } {
            if let Some(name) = layer.lenient(item) {
                out.put(&name.clone(), (name, item.span()));
            }
        }
    }
    out.items
}

/// Its other names on its networks.
fn aliases(service: &Service<'_>) -> Vec<String> {
    let all = service.all(&["networks"]);
    let networks = all.into_iter().flat_map(|(layer, value)| {
        let joined = layer.entries(value).into_iter();
        joined.filter_map(move |(_, network)| Some((layer, network.get("aliases")?)))
    });
    let aliases = networks.flat_map(|(layer, list)| {
        layer.items(list).into_iter().filter_map(move |item| layer.lenient(item))
    });
    aliases.collect()
}

/// The host's side of the devices, those that are replaced left out.
fn devices(service: &Service<'_>) -> Vec<Said> {
    let mut out = Named::default();
    for (layer, item) in service.list(&["devices"]) {
        let (source, target) = if item.is_map() {
            let of = |key: &str| item.get(key).and_then(|value| layer.lenient(value));
            let Some(source) = of("source") else { continue };
            let target = of("target").unwrap_or_else(|| source.clone());
            (source, target)
        } else {
            let Some(text) = layer.lenient(item) else { continue };
            let mut parts = text.split(':');
            let source = parts.next().unwrap_or_default().to_owned();
            let target = parts.next().unwrap_or(&source).to_owned();
            (source, target)
        };
        out.put(&target, (source, item.span()));
    }
    out.items
}

/// Names and values of a mapping or of a list of `name=value`, those of later layers winning.
fn pairs(service: &Service<'_>, keys: &[&str]) -> Vec<Setting> {
    let mut all = service.all(keys);
    all.reverse();
    let mut out = Named::default();
    for (layer, value) in all {
        for (key, value) in layer.entries(value) {
            let Some(name) = key.text() else { continue };
            let span = key.span().cover(value.span());
            let value = layer.lenient(value).unwrap_or_default();
            out.put(name, Setting { name: name.to_owned(), value, span });
        }
        for item in if value.is_map() { Vec::new() } else { layer.items(value) } {
            let Some(text) = layer.lenient(item) else { continue };
            let (name, value) = text.split_once('=').unwrap_or((&text, ""));
            let setting = Setting {
                name: name.trim().to_owned(),
                value: value.trim().to_owned(),
                span: item.span(),
            };
            out.put(name, setting);
        }
    }
    out.items
}

fn ulimits(service: &Service<'_>) -> Vec<Setting> {
    let mut all = service.all(&["ulimits"]);
    all.reverse();
    let mut out = Named::default();
    for (layer, value) in all {
        for (key, value) in layer.entries(value) {
            let Some(name) = key.text() else { continue };
            let mut put = |bound: &str, value: Value<'_>| {
                let span = key.span().cover(value.span());
                let setting = |value| Setting { name: name.to_owned(), value, span };
                let text = value.text().map(|text| interpolate(text, &layer.vars).value);
                out.put(&format!("{name} {bound}"), setting(text.unwrap_or_default()));
            };
            if value.is_map() {
                for bound in ["soft", "hard"] {
                    if let Some(value) = value.get(bound) {
                        put(bound, value);
                    }
                }
            } else {
                put("soft", value);
            }
        }
    }
    out.items
}

fn hooks(service: &Service<'_>) -> Vec<Hook> {
    let mut hooks = Vec::new();
    for when in HOOKS {
        for (layer, item) in service.list(&[when]) {
            let text = |key: &str| item.get(key).map_or(Fact::Absent, |value| layer.fact(value));
            let privileged = match text("privileged") {
                Fact::Known { value, at, how } => match boolean(&value) {
                    Some(value) => Fact::Known { value, at, how },
                    None => Fact::Unknown(Why::Unparsed, at.span),
                },
                other => other.map(|_| false),
            };
            hooks.push(Hook { when, user: text("user"), privileged, span: item.span() });
        }
    }
    hooks
}

/// The networks of a file's top level.
pub(super) fn networks<'a>(root: Value<'a>) -> impl Iterator<Item = Network> + use<'a> {
    root.get("networks").map(Value::entries).unwrap_or_default().into_iter().filter_map(
        |(key, value)| {
            let internal = match value.get("internal") {
                None => Fact::Absent,
                Some(internal) => match internal.text().and_then(boolean) {
                    Some(on) => Fact::declared(on, internal.span()),
                    None => Fact::Unknown(Why::Dynamic, Some(internal.span())),
                },
            };
            Some(Network {
                name: key.text()?.to_owned(),
                internal,
                external: is_external(value),
                called: value
                    .get("name")
                    .or_else(|| value.path(&["external", "name"]))
                    .and_then(|name| name.text().map(str::to_owned)),
                span: key.span(),
            })
        },
    )
}

/// The named volumes of a file's top level.
pub(super) fn volumes<'a>(
    root: Value<'a>,
    vars: &'a Vars,
) -> impl Iterator<Item = Volume> + use<'a> {
    let entries = root.get("volumes").map(Value::entries).unwrap_or_default();
    entries.into_iter().filter_map(move |(key, value)| {
        let text = |keys: &[&str]| {
            let text = value.path(keys)?.text()?;
            vars.spend(text.len()).then(|| interpolate(text, vars).value)
        };
        let local = text(&["driver"]).is_none_or(|driver| driver == "local");
        let options = text(&["driver_opts", "o"]).unwrap_or_default();
        let binds = options.split(',').any(|word| matches!(word.trim(), "bind" | "rbind"));
        let tmpfs = text(&["driver_opts", "type"]).is_some_and(|kind| kind == "tmpfs");
        Some(Volume {
            name: key.text()?.to_owned(),
            device: text(&["driver_opts", "device"]).filter(|_| local && binds),
            tmpfs: (local && tmpfs).then_some(options),
            external: is_external(value),
            span: key.span(),
        })
    })
}

pub(super) fn is_external(value: Value<'_>) -> bool {
    value.get("external").is_some_and(|e| e.is_map() || e.bool() == Some(true))
}

/// Words of an option that is written with commas.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect()
}
