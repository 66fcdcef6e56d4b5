//! What fixes of containers share: whom a finding is about, and what their images need to start.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::container::{Container, ContainerKind, Port};
use plimsoll_model::image::Image;
use plimsoll_model::mend::{Data, yaml};
use plimsoll_model::reference::ImageRef;
use plimsoll_source::{Edit, FileId};

use super::{has, is_compose, is_unprivileged, set_in, snippet, together};
use crate::{Cx, Finding, Fix, Safety, Snippet};

/// The containers that a finding speaks against, without those of which that is accepted: of the
/// service that it is about, or of those that are no service's.
pub(crate) fn against<'a>(cx: &Cx<'a>, finding: &Finding) -> Vec<&'a Container> {
    let all: Vec<&Container> = match cx.service_of(finding) {
        Some(service) => service.containers.iter().map(|&id| &cx.delivery[id]).collect(),
        None => cx.containers_of_no_service().iter().map(|subject| subject.container).collect(),
    };
    let open = finding.evidence.iter().filter(|e| e.is_against() && e.waived.is_none());
    let members: BTreeSet<Option<&str>> = open.map(|e| e.member.as_deref()).collect();
    let is_meant = |container: &&Container| {
        members.contains(&None) || members.contains(&Some(&*container.label))
    };
    all.into_iter().filter(is_meant).collect()
}

/// A fix for review that sets keys in each container that a finding speaks against; where none can be
/// edited, what one would write there (`sample`).
pub(crate) fn setting(
    cx: &Cx<'_>,
    finding: &Finding,
    does: &'static str,
    keys: impl Fn(&Container) -> Vec<(&'static str, Data)>,
    sample: impl Fn(&Container) -> Vec<(&'static str, Data)>,
) -> Option<Fix> {
    let containers = against(cx, finding);
    let first = containers.first()?;
    let snippet = sample_in(cx, first, &together(sample(first)));
    let edits: Vec<Edit> = set_in(cx, &containers, keys);
    Some(Fix::of_edits(does, Safety::Review, snippet, edits))
}

/// What one would write into the block of a container.
pub(crate) fn sample_in(
    cx: &Cx<'_>,
    container: &Container,
    entries: &[(&str, Data)],
) -> Option<Snippet> {
    let name = &container.name;
    let text = match &container.kind {
        ContainerKind::Compose { .. } => {
            format!("services:\n  {name}:\n{}", yaml::written(4, entries))
        }
        ContainerKind::Kubernetes { .. } => {
            format!("containers:\n  - name: {name}\n{}", yaml::written(4, entries))
        }
    };
    snippet(cx.path(container.file), "yaml", text)
}

/// What stores give back to the root that hands their data to their user, and then becomes it.
const STORE: &[&str] = &["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"];

/// Images of others, by repository, with the capabilities that their start needs. Official ones stand
/// without `library/`.
const NEEDS: [(&str, &[&str]); 19] = [
    ("caddy", &["NET_BIND_SERVICE"]),
    ("grafana/grafana", &[]),
    ("grafana/loki", &[]),
    ("mariadb", STORE),
    ("memcached", &[]),
    ("mongo", STORE),
    ("mysql", STORE),
    ("nginx", &["CHOWN", "NET_BIND_SERVICE", "SETGID", "SETUID"]),
    ("pgvector/pgvector", STORE),
    ("postgis/postgis", STORE),
    ("postgres", STORE),
    ("prom/alertmanager", &[]),
    ("prom/node-exporter", &[]),
    ("prom/prometheus", &[]),
    ("rabbitmq", STORE),
    ("redis", STORE),
    ("timescale/timescaledb", STORE),
    ("traefik", &["NET_BIND_SERVICE"]),
    ("valkey/valkey", STORE),
];

/// The capabilities that a container keeps when it drops all; `None` where that is not known: a process
/// that starts as root may need what it has until it has become its own user.
fn capabilities(cx: &Cx<'_>, container: &Container) -> Option<Vec<&'static str>> {
    let image = container.image_id.map(|id| &cx.delivery[id]);
    let user = container.user.known().map(|user| user.split(':').next().unwrap_or_default().trim());
    let named = user.is_some_and(|user| !matches!(user, "" | "0" | "root") && !user.contains('$'));
    let (kept, known): (&[&str], bool) = match image {
        Some(image) => (&[], named || user.is_none() && is_unprivileged(image)),
        None => match needs(container.named.as_ref()?) {
            Some(needs) if !named => (needs, user.is_none()),
            _ => (&[], named),
        },
    };
    // Within a container's own network the kernel gives low ports away, within the host's it does not.
    let low = |port: &Port| port.container.parse::<u16>().is_ok_and(|port| port < 1024);
    let mut kept = kept.to_vec();
    if container.ports.iter().any(low) && !kept.contains(&"NET_BIND_SERVICE") {
        kept.push("NET_BIND_SERVICE");
        kept.sort_unstable();
    }
    known.then_some(kept)
}

/// Whether a container runs an image of others whose needs are known.
pub(crate) fn is_known(container: &Container) -> bool {
    container.named.as_ref().is_some_and(|image| needs(image).is_some())
}

fn needs(image: &ImageRef) -> Option<&'static [&'static str]> {
    if image.registry != "docker.io" {
        return None;
    }
    let name = image.repository.strip_prefix("library/").unwrap_or(&image.repository);
    NEEDS.iter().find(|(known, _)| *known == name).map(|(_, needs)| *needs)
}

/// What lets a container drop all capabilities, where it is known which it needs.
pub(crate) fn drop_all(cx: &Cx<'_>, container: &Container) -> Vec<(&'static str, Data)> {
    let kept = capabilities(cx, container).filter(|_| !is_privileged(container));
    kept.map_or_else(Vec::new, |kept| dropping(container, &kept))
}

/// The keys by which a container drops all capabilities but these.
pub(crate) fn dropping(container: &Container, kept: &[&str]) -> Vec<(&'static str, Data)> {
    let all = Data::list(&["ALL"]);
    match (is_compose(container), kept) {
        (true, []) => vec![("cap_drop", all)],
        (true, _) => vec![("cap_drop", all), ("cap_add", Data::list(kept))],
        (false, _) => {
            let add = (!kept.is_empty()).then(|| ("add".to_owned(), Data::list(kept)));
            let own = std::iter::once(("drop".to_owned(), all)).chain(add);
            vec![("securityContext", Data::map("capabilities", Data::Map(own.collect())))]
        }
    }
}

/// What forbids a container new privileges, unless that is turned off on purpose or its image brings
/// `sudo`, which then refuses to work.
pub(crate) fn no_new_privileges(cx: &Cx<'_>, container: &Container) -> Vec<(&'static str, Data)> {
    let image: Option<&Image> = container.image_id.map(|id| &cx.delivery[id]);
    let sudo = image.is_some_and(|image| has(cx, image, "sudo"));
    if !container.no_new_privileges.is_absent() || is_privileged(container) || sudo {
        return Vec::new();
    }
    forbidding(container)
}

/// The keys that forbid a container new privileges.
pub(crate) fn forbidding(container: &Container) -> Vec<(&'static str, Data)> {
    if is_compose(container) {
        return vec![("security_opt", Data::list(&["no-new-privileges:true"]))];
    }
    vec![("securityContext", Data::map("allowPrivilegeEscalation", Data::scalar("false")))]
}

/// What bounds the number of a container's processes: threads count, and some programs have many.
pub(crate) fn pids(cx: &Cx<'_>, container: &Container) -> Vec<(&'static str, Data)> {
    // Another limit, wherever it stands, would contradict this one.
    if !is_compose(container) || !container.pids_limit.is_absent() || is_privileged(container) {
        return Vec::new();
    }
    let many = is_large(cx, container);
    vec![("pids_limit", Data::scalar(if many { "2000" } else { "200" }))]
}

/// Images, by a part of their names.
const MANY: [&str; 19] = [
    "browserless",
    "cassandra",
    "chrome",
    "clickhouse",
    "elasticsearch",
    "gotenberg",
    "jenkins",
    "kafka",
    "keycloak",
    "mongo",
    "mssql",
    "neo4j",
    "opensearch",
    "playwright",
    "selenium",
    "solr",
    "sonarqube",
    "tomcat",
    "zookeeper",
];

/// Whether a container's image, or what that is built from, is known to need many threads, and much
/// memory with them.
pub(crate) fn is_large(cx: &Cx<'_>, container: &Container) -> bool {
    let name = crate::composed::image_name(cx, container).unwrap_or_default();
    MANY.iter().any(|many| name.contains(many)) || name.contains("jdk")
}

fn is_privileged(container: &Container) -> bool {
    container.privileged.known() == Some(&true)
}

/// A log of three files of ten megabytes.
pub(crate) fn bounded_log() -> Data {
    let options = [("max-size", "10m"), ("max-file", "\"3\"")];
    let options = options.map(|(key, value)| (key.to_owned(), Data::scalar(value)));
    Data::Map(vec![
        ("driver".to_owned(), Data::scalar("json-file")),
        ("options".to_owned(), Data::Map(options.to_vec())),
    ])
}

/// Bounds the logs of containers: of two and more in one file that say nothing by a fragment above
/// `services`, else each by itself.
pub(crate) fn bound_logs(cx: &Cx<'_>, containers: &[&Container]) -> Vec<Edit> {
    let mut by_file: BTreeMap<FileId, Vec<&Container>> = BTreeMap::new();
    for container in containers {
        by_file.entry(container.file).or_default().push(container);
    }
    let mut edits = Vec::new();
    for (file, containers) in by_file {
        let silent = |c: &&Container| {
            c.engine.log_driver.is_absent() && c.engine.log_options.is_empty() && c.open.is_none()
        };
        let (silent, others): (Vec<_>, Vec<_>) = containers.into_iter().partition(silent);
        let fragment =
            super::document(cx, file).filter(|d| !d.has_anchor("logging")).and_then(|d| {
                d.set_before("services", "x-logging", "x-logging: &logging", &bounded_log())
            });
        let several = silent.len() > 1 && fragment.is_some();
        let own = if several { Data::scalar("*logging") } else { bounded_log() };
        let silent = silent.into_iter().map(|container| (container, own.clone()));
        let all = silent.chain(others.into_iter().map(|container| (container, bounded_log())));
        // A project is bounded or not: one log that grows fills the disk.
        let set = all.map(|(container, log)| super::set(cx, container, &[("logging", log)]));
        if let Some(set) = set.collect::<Option<Vec<_>>>() {
            edits.extend(fragment.filter(|_| several));
            edits.extend(set.into_iter().flatten());
        }
    }
    edits
}
