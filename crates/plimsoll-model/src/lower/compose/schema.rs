//! What a compose file may hold: which keys stand where, and whether they take a text, a list or a
//! mapping.
//!
//! Source of the rules: the schema of the Compose specification.

use plimsoll_source::Span;
use plimsoll_syntax::yaml::Value;

use super::interpolate::{Text, Vars, interpolate};
use crate::lower::keys::{self, Key, LIST, MAP, MAX_VALUES, TEXT, items, key, keys, named};
use crate::near;

/// The most variables of one file.
const MAX_VARIABLES: usize = 1000;

const FILE: &[Key] = &[
    named("configs", MAP, "a config", SOURCE),
    key("include", LIST),
    key("models", MAP),
    key("name", TEXT),
    named("networks", MAP, "a network", NETWORK),
    named("secrets", MAP, "a secret", SOURCE),
    named("services", MAP, "a service", SERVICE),
    key("version", TEXT),
    named("volumes", MAP, "a volume", VOLUME),
];

const SERVICE: &[Key] = &[
    key("annotations", LIST | MAP),
    key("attach", TEXT),
    key("blkio_config", MAP),
    keys("build", TEXT | MAP, BUILD),
    key("cap_add", LIST),
    key("cap_drop", LIST),
    key("cgroup", TEXT),
    key("cgroup_parent", TEXT),
    key("command", TEXT | LIST),
    key("configs", LIST),
    key("container_name", TEXT),
    key("cpu_count", TEXT),
    key("cpu_percent", TEXT),
    key("cpu_period", TEXT),
    key("cpu_quota", TEXT),
    key("cpu_rt_period", TEXT),
    key("cpu_rt_runtime", TEXT),
    key("cpu_shares", TEXT),
    key("cpus", TEXT),
    key("cpuset", TEXT),
    key("credential_spec", MAP),
    named("depends_on", LIST | MAP, "a dependency", DEPENDENCY),
    keys("deploy", MAP, DEPLOY),
    key("develop", MAP),
    key("device_cgroup_rules", LIST),
    key("devices", LIST),
    key("dns", TEXT | LIST),
    key("dns_opt", LIST),
    key("dns_search", TEXT | LIST),
    key("domainname", TEXT),
    key("entrypoint", TEXT | LIST),
    items("env_file", TEXT | LIST, "an entry of `env_file`", ENV_FILE),
    key("environment", LIST | MAP),
    key("expose", LIST),
    keys("extends", TEXT | MAP, &[key("file", TEXT), key("service", TEXT)]),
    key("external_links", LIST),
    key("extra_hosts", LIST | MAP),
    key("gpus", TEXT | LIST),
    key("group_add", LIST),
    keys("healthcheck", MAP, HEALTHCHECK),
    key("hostname", TEXT),
    key("image", TEXT),
    key("init", TEXT),
    key("ipc", TEXT),
    key("isolation", TEXT),
    key("label_file", TEXT | LIST),
    key("labels", LIST | MAP),
    key("links", LIST),
    keys("logging", MAP, &[key("driver", TEXT), key("options", MAP)]),
    key("mac_address", TEXT),
    key("mem_limit", TEXT),
    key("mem_reservation", TEXT),
    key("mem_swappiness", TEXT),
    key("memswap_limit", TEXT),
    key("models", LIST | MAP),
    key("network_mode", TEXT),
    named("networks", LIST | MAP, "a network", JOINED),
    key("oom_kill_disable", TEXT),
    key("oom_score_adj", TEXT),
    key("pid", TEXT),
    key("pids_limit", TEXT),
    key("platform", TEXT),
    items("ports", LIST, "an entry of `ports`", PORT),
    key("post_start", LIST),
    key("pre_start", LIST),
    key("pre_stop", LIST),
    key("privileged", TEXT),
    key("profiles", LIST),
    key("provider", MAP),
    key("pull_policy", TEXT),
    key("pull_refresh_after", TEXT),
    key("read_only", TEXT),
    key("restart", TEXT),
    key("runtime", TEXT),
    key("scale", TEXT),
    key("secrets", LIST),
    key("security_opt", LIST),
    key("shm_size", TEXT),
    key("stdin_open", TEXT),
    key("stop_grace_period", TEXT),
    key("stop_signal", TEXT),
    key("storage_opt", MAP),
    key("sysctls", LIST | MAP),
    key("tmpfs", TEXT | LIST),
    key("tty", TEXT),
    key("ulimits", MAP),
    key("use_api_socket", TEXT),
    key("user", TEXT),
    key("userns_mode", TEXT),
    key("uts", TEXT),
    items("volumes", LIST, "an entry of `volumes`", MOUNT),
    key("volumes_from", LIST),
    key("working_dir", TEXT),
];

const BUILD: &[Key] = &[
    key("additional_contexts", LIST | MAP),
    key("args", LIST | MAP),
    key("cache_from", LIST),
    key("cache_to", LIST),
    key("context", TEXT),
    key("dockerfile", TEXT),
    key("dockerfile_inline", TEXT),
    key("entitlements", LIST),
    key("extra_hosts", LIST | MAP),
    key("isolation", TEXT),
    key("labels", LIST | MAP),
    key("network", TEXT),
    key("no_cache", TEXT),
    key("no_cache_filter", TEXT | LIST),
    key("platforms", LIST),
    key("privileged", TEXT),
    key("provenance", TEXT),
    key("pull", TEXT),
    key("sbom", TEXT),
    key("secrets", LIST),
    key("shm_size", TEXT),
    key("ssh", TEXT | LIST | MAP),
    key("tags", LIST),
    key("target", TEXT),
    key("ulimits", MAP),
];

const DEPENDENCY: &[Key] = &[key("condition", TEXT), key("required", TEXT), key("restart", TEXT)];

const DEPLOY: &[Key] = &[
    key("endpoint_mode", TEXT),
    key("labels", LIST | MAP),
    key("mode", TEXT),
    key("placement", MAP),
    key("replicas", TEXT),
    keys("resources", MAP, RESOURCES),
    keys("restart_policy", MAP, RESTART),
    keys("rollback_config", MAP, UPDATE),
    keys("update_config", MAP, UPDATE),
];

const RESOURCES: &[Key] = &[
    keys("limits", MAP, &[key("cpus", TEXT), key("memory", TEXT), key("pids", TEXT)]),
    keys(
        "reservations",
        MAP,
        &[
            key("cpus", TEXT),
            key("devices", LIST),
            key("generic_resources", LIST),
            key("memory", TEXT),
        ],
    ),
];

const RESTART: &[Key] =
    &[key("condition", TEXT), key("delay", TEXT), key("max_attempts", TEXT), key("window", TEXT)];

const UPDATE: &[Key] = &[
    key("delay", TEXT),
    key("failure_action", TEXT),
    key("max_failure_ratio", TEXT),
    key("monitor", TEXT),
    key("order", TEXT),
    key("parallelism", TEXT),
];

const ENV_FILE: &[Key] = &[key("format", TEXT), key("path", TEXT), key("required", TEXT)];

const HEALTHCHECK: &[Key] = &[
    key("disable", TEXT),
    key("interval", TEXT),
    key("retries", TEXT),
    key("start_interval", TEXT),
    key("start_period", TEXT),
    key("test", TEXT | LIST),
    key("timeout", TEXT),
];

const JOINED: &[Key] = &[
    key("aliases", LIST),
    key("driver_opts", MAP),
    key("gw_priority", TEXT),
    key("interface_name", TEXT),
    key("ipv4_address", TEXT),
    key("ipv6_address", TEXT),
    key("link_local_ips", LIST),
    key("mac_address", TEXT),
    key("priority", TEXT),
];

const PORT: &[Key] = &[
    key("app_protocol", TEXT),
    key("host_ip", TEXT),
    key("mode", TEXT),
    key("name", TEXT),
    key("protocol", TEXT),
    key("published", TEXT),
    key("target", TEXT),
];

const MOUNT: &[Key] = &[
    key("bind", MAP),
    key("consistency", TEXT),
    key("image", MAP),
    key("read_only", TEXT),
    key("source", TEXT),
    key("target", TEXT),
    key("tmpfs", MAP),
    key("type", TEXT),
    key("volume", MAP),
];

const NETWORK: &[Key] = &[
    key("attachable", TEXT),
    key("driver", TEXT),
    key("driver_opts", MAP),
    key("enable_ipv4", TEXT),
    key("enable_ipv6", TEXT),
    key("external", TEXT | MAP),
    key("internal", TEXT),
    key("ipam", MAP),
    key("labels", LIST | MAP),
    key("name", TEXT),
];

const VOLUME: &[Key] = &[
    key("driver", TEXT),
    key("driver_opts", MAP),
    key("external", TEXT | MAP),
    key("labels", LIST | MAP),
    key("name", TEXT),
];

const SOURCE: &[Key] = &[
    key("content", TEXT),
    key("driver", TEXT),
    key("driver_opts", MAP),
    key("environment", TEXT),
    key("external", TEXT | MAP),
    key("file", TEXT),
    key("labels", LIST | MAP),
    key("name", TEXT),
    key("template_driver", TEXT),
];

/// Where a file is not what compose loads, and why.
pub(super) fn faults(root: Value<'_>) -> Vec<(Span, String)> {
    let mut more = Vec::new();
    let mut found = keys::faults(root, FILE, "a compose file", &mut |name, value| match name {
        "ports" => {
            let ports = value.items().filter_map(|item| Some((item.span(), port(item.text()?)?)));
            more.extend(ports);
        }
        "depends_on" => {
            let inner = value.entries().into_iter().filter_map(|(_, v)| v.get("condition"));
            more.extend(inner.filter_map(|value| Some((value.span(), condition(value)?))));
        }
        _ => {}
    });
    found.append(&mut more);
    found
}

/// What is wrong with the condition of a dependency.
fn condition(value: Value<'_>) -> Option<String> {
    const CONDITIONS: [&str; 3] =
        ["service_started", "service_healthy", "service_completed_successfully"];
    let text = value.text().filter(|text| !text.contains('$') && !CONDITIONS.contains(text))?;
    let near = near::nearest(text, &CONDITIONS);
    let meant = near.map_or(String::new(), |near| format!(": `{near}` is"));
    let text: String = text.chars().take(40).collect();
    Some(format!("`{text}` is no condition{meant}"))
}

/// What is wrong with `[[address:]host:]container[/protocol]`; `None` too where a variable decides.
fn port(text: &str) -> Option<String> {
    let text = interpolate(text, &Vars::none()).value;
    let (ports, _) = text.split_once('/').unwrap_or((&text, ""));
    if ports.contains('$') {
        return None;
    }
    // An address of version 6 has colons of its own.
    let ports = ports.rsplit_once(']').map_or(ports, |(_, rest)| rest.trim_start_matches(':'));
    let mut parts = ports.rsplit(':');
    let range = |part: &str| -> Option<(u16, u16)> {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.parse().ok()?, to.parse().ok()?);
        (from <= to).then_some((from, to))
    };
    let shown: String = text.chars().take(40).collect();
    let wrong = || Some(format!("`{shown}` is no port"));
    let Some(container) = range(parts.next()?) else { return wrong() };
    let host = parts.next().filter(|host| !host.is_empty())?;
    // `127.0.0.1:80` is an address and a port in one's mind only.
    let Some(host) = range(host) else { return wrong() };
    let length = |(from, to): (u16, u16)| to - from;
    let uneven = length(host) != length(container) && length(container) != 0;
    uneven.then(|| format!("`{shown}`: the ranges are not of one length"))
}

/// The variables that a file asks for without a default and without saying that they are required,
/// each at its first place; and whether it asks for any at all.
pub(super) fn wanted(root: Value<'_>, vars: &Vars) -> (Vec<(String, Span)>, bool) {
    const SECTIONS: [&str; 6] = ["name", "services", "networks", "volumes", "secrets", "configs"];
    let (mut found, mut any) = (Vec::new(), false);
    let mut left = MAX_VALUES;
    let mut todo: Vec<Value<'_>> = SECTIONS.iter().rev().filter_map(|key| root.get(key)).collect();
    while let Some(value) = todo.pop() {
        left -= 1;
        if left == 0 || found.len() > MAX_VARIABLES {
            break;
        }
        let Some(bytes) = value.bytes() else {
            let from = todo.len();
            todo.extend(value.items());
            todo.extend(value.entries().into_iter().map(|(_, inner)| inner));
            todo[from..].reverse();
            continue;
        };
        if memchr::memchr(b'$', bytes).is_some() && vars.spend(bytes.len()) {
            let Text { bare, refs, .. } = interpolate(value.text().unwrap_or_default(), vars);
            any |= !refs.is_empty();
            found.extend(bare.into_iter().map(|name| (name, value.span())));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|(name, _)| seen.insert(name.clone()));
    (found, any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers() {
        let check = |text: &str, right: bool| assert_eq!(port(text).is_none(), right, "{text}");
        check("80", true);
        check("8080:80/tcp", true);
        check("127.0.0.1:8080:80", true);
        check("127.0.0.1::80", true);
        check("[::1]:8080:80", true);
        check("8000-8010:80-90", true);
        check("8000-8010:80", true);
        check("${PORT:-80}:80", true);
        check("${PORT}:80", true);
        check("http:80", false);
        check("8080:99999", false);
        check("8000-8010:80-81", false);
        check("90-80:90-80", false);
    }
}
