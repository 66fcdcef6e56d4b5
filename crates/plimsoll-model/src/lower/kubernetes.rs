//! Kubernetes manifests to containers: workloads as they stand in the tree, before any kustomization.
//!
//! Source of the rules: the Kubernetes API reference (`core/v1`, `apps/v1`, `batch/v1`). Charts are
//! no manifests: what their templates come to is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_source::{Entry, EntryKind, FileId, Span, TextRange, Tracking};
use plimsoll_syntax::Parsed;
use plimsoll_syntax::yaml::{self, Value, Yaml};
use rayon::prelude::*;

use super::cx::Cx;
use super::{compose, purpose};
use crate::container::{
    Container, ContainerKind, EnvFrom, EnvValue, EnvVar, Mount, MountKind, Port, SecretUse,
    keeps_others_out,
};
use crate::delivery::Problem;
use crate::engine::{Engine, Unusual};
use crate::fact::{Fact, Why};
use crate::image::{Exec, HealthTest, Healthcheck};

const WHAT: &str = "Kubernetes manifest";

/// How many list items, and keys of those, are looked at in one file: aliases can make a
/// small file endless.
const MAX_ITEMS: usize = 1_000_000;

/// How deep a `List` may lie in a `List`.
const MAX_LISTS: usize = 4;

/// The containers of the manifests of the tree, in (file, place) order.
pub(super) fn read(cx: &Cx<'_>) -> Vec<Container> {
    let read: Vec<Manifest> =
        candidates(cx).into_par_iter().map(|file| manifest(cx, file)).collect();
    let (mut containers, mut doors) = (Vec::new(), Vec::new());
    for manifest in read {
        containers.extend(manifest.containers);
        doors.extend(manifest.doors);
    }
    doors.truncate(MAX_DOORS);
    let open = |(mut container, labels): (Container, Labels)| {
        let leads = |door: &&Door| door.selector.iter().all(|label| labels.contains(label));
        container.exposed_by = doors.iter().filter(leads).map(|door| door.at).collect();
        container
    };
    containers.into_iter().map(open).collect()
}

/// How many Services that open a port are looked at for each container.
const MAX_DOORS: usize = 1_000;

/// Labels, as name and value.
type Labels = Vec<(String, String)>;

/// What a file describes: its containers with the labels of their pods, and its Services that are
/// open from outside the cluster.
#[derive(Default)]
struct Manifest {
    containers: Vec<(Container, Labels)>,
    doors: Vec<Door>,
}

/// A Service of type `NodePort` or `LoadBalancer`.
struct Door {
    selector: Labels,
    at: Span,
}

/// The files that may hold manifests: no templates of charts.
pub(super) fn candidates(cx: &Cx<'_>) -> Vec<FileId> {
    let charts: BTreeSet<&str> = cx
        .tree
        .entries()
        .filter_map(|(_, entry)| match entry.path.rsplit_once('/') {
            Some((dir, "Chart.yaml")) => Some(dir),
            None if &*entry.path == "Chart.yaml" => Some(""),
            _ => None,
        })
        .collect();
    let files = cx.tree.entries();
    files
        .filter(|(_, entry)| is_candidate(entry) && !is_template(&entry.path, &charts))
        .map(|(file, _)| file)
        .collect()
}

fn is_candidate(entry: &Entry) -> bool {
    let path = &*entry.path;
    (path.ends_with(".yaml") || path.ends_with(".yml"))
        && matches!(entry.kind, EntryKind::File { .. })
        && entry.tracking != Tracking::Ignored
        && !path.starts_with(".github/")
        && !compose::is_named_compose(path)
        && !purpose::is_vendored(path)
}

/// Whether a file is one of a chart's templates.
fn is_template(path: &str, charts: &BTreeSet<&str>) -> bool {
    path.match_indices("templates/").any(|(at, _)| {
        let dir = &path[..at];
        (dir.is_empty() || dir.ends_with('/')) && charts.contains(dir.trim_end_matches('/'))
    })
}

fn manifest(cx: &Cx<'_>, file: FileId) -> Manifest {
    // Most YAML files are none of ours; that one of those cannot be read is not our trouble.
    let Ok(bytes) = cx.tree.read(file) else { return Manifest::default() };
    let has = |needle: &[u8]| memchr::memmem::find(&bytes, needle).is_some();
    let door = || has(b"LoadBalancer") || has(b"NodePort");
    if !has(b"apiVersion") || !has(b"kind:") || !has(b"containers:") && !door() {
        return Manifest::default();
    }
    let Some(text) = cx.text(file, WHAT) else { return Manifest::default() };
    let template = has(b"{{");
    let Parsed { tree: yaml, errors } = yaml::parse(text);
    // What a tool fills in first need not parse as it stands.
    for error in errors.into_iter().filter(|_| !template) {
        cx.problem(Problem { span: error.span, message: error.message, what: WHAT });
    }
    let purpose = purpose::of_path(cx.tree.path(file));
    let mut reader = Reader { file, yaml: &yaml, left: MAX_ITEMS, out: Manifest::default() };
    for root in yaml.roots() {
        reader.resource(root, 0);
    }
    let mut manifest = reader.out;
    for (container, _) in &mut manifest.containers {
        container.purpose = purpose.clone();
    }
    manifest
}

/// The scalars of a mapping.
fn labels(map: Option<Value<'_>>) -> Labels {
    let entries = map.into_iter().flat_map(|map| map.pairs()).take(100);
    let entries = entries.filter_map(|(k, v)| Some((k.text()?.to_owned(), v.text()?.to_owned())));
    entries.collect()
}

struct Reader<'a> {
    file: FileId,
    yaml: &'a Yaml,
    left: usize,
    out: Manifest,
}

/// A pod and what it belongs to.
struct Pod<'a> {
    workload: &'a str,
    name: &'a str,
    spec: Value<'a>,
    volumes: BTreeMap<&'a str, Value<'a>>,
}

impl<'a> Reader<'a> {
    fn resource(&mut self, root: Value<'a>, depth: usize) {
        let Some(kind) = root.get("kind").and_then(Value::text) else { return };
        let path: &[&str] = match kind {
            "Pod" => &["spec"],
            "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "Job" => &["spec", "template", "spec"],
            "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
            "List" if depth < MAX_LISTS => {
                for item in self.items(root.get("items")) {
                    self.resource(item, depth + 1);
                }
                return;
            }
            "Service" => {
                let said = root.path(&["spec", "type"]);
                let kind = said.and_then(|kind| Some((kind.text()?, kind.span())));
                let selector = labels(root.path(&["spec", "selector"]));
                if let Some(("NodePort" | "LoadBalancer", at)) = kind
                    && !selector.is_empty()
                {
                    self.out.doors.push(Door { selector, at });
                }
                return;
            }
            _ => return,
        };
        let Some(spec) = root.path(path) else { return };
        let around = path.split_last().map_or(&[][..], |(_, around)| around);
        let pod_labels = labels(root.path(&[around, &["metadata", "labels"]].concat()));
        let named = |value: Value<'a>| Some((value.get("name")?.text()?, value));
        let pod = Pod {
            workload: kind,
            name: root.path(&["metadata", "name"]).and_then(Value::text).unwrap_or_default(),
            spec,
            volumes: self.items(spec.get("volumes")).into_iter().filter_map(named).collect(),
        };
        for (key, init) in [("initContainers", true), ("containers", false)] {
            for item in self.items(spec.get(key)) {
                if item.is_map() {
                    let mut container = self.container(&pod, item, init);
                    if let Some((why, span)) = container.open {
                        leave_open(&mut container, why, span);
                    }
                    self.out.containers.push((container, pod_labels.clone()));
                }
            }
        }
    }

    /// The items of a sequence, as long as there are not too many in the file.
    fn items(&mut self, list: Option<Value<'a>>) -> Vec<Value<'a>> {
        let mut items = Vec::new();
        for item in list.into_iter().flat_map(Value::items) {
            if self.left == 0 {
                break;
            }
            // Whoever looks for a key goes through all of them.
            self.left = self.left.saturating_sub(1 + item.pairs().count());
            items.push(item);
        }
        items
    }

    fn container(&mut self, pod: &Pod<'a>, item: Value<'a>, init: bool) -> Container {
        // What the container does not say, the pod says for all of its containers.
        let secure = |key: &str| {
            item.path(&["securityContext", key])
                .or_else(|| pod.spec.path(&["securityContext", key]))
        };
        let open = match (item.is_partial() || pod.spec.is_partial(), self.left) {
            (true, _) => Some((Why::Unparsed, item.span())),
            (false, 0) => Some((Why::TooLarge, item.span())),
            (false, _) => None,
        };
        let limit = |name: &str| text(item.path(&["resources", "limits", name]));
        let (env, mut secrets) = self.env(item);
        let (mounts, volumes) = self.mounts(pod, item);
        secrets.extend(volumes);
        // An init container that always restarts is a sidecar.
        let sidecar = item.get("restartPolicy").and_then(Value::text) == Some("Always");
        let restart = item.get("restartPolicy").or_else(|| pod.spec.get("restartPolicy"));
        let cap_drop = self.items(item.path(&["securityContext", "capabilities", "drop"]));
        let range = item.raw().range;
        Container {
            name: item.get("name").and_then(Value::text).unwrap_or_default().to_owned(),
            label: Arc::default(),
            kind: ContainerKind::Kubernetes {
                workload: pod.workload.to_owned(),
                name: pod.name.to_owned(),
                init,
            },
            file: self.file,
            span: item.span(),
            overlays: Vec::new(),
            taken_back: Vec::new(),
            purpose: crate::purpose::Purpose::production(),
            image: text(item.get("image")),
            named: None,
            keeps: None,
            build: None,
            image_id: None,
            env,
            env_files: Vec::new(),
            env_from: self.env_from(item),
            given: Vec::new(),
            ports: self.ports(item),
            mounts,
            secrets,
            read_only: boolean(item.path(&["securityContext", "readOnlyRootFilesystem"])),
            init: Fact::Absent,
            user: text(secure("runAsUser")),
            run_as_non_root: boolean(secure("runAsNonRoot")),
            no_new_privileges: boolean(item.path(&["securityContext", "allowPrivilegeEscalation"]))
                .map(|allowed| !allowed),
            privileged: boolean(item.path(&["securityContext", "privileged"])),
            cap_drop: cap_drop
                .iter()
                .filter_map(|name| Some((name.text()?.to_owned(), name.span())))
                .collect(),
            engine: Engine {
                unusual: Unusual {
                    cap_add: self
                        .items(item.path(&["securityContext", "capabilities", "add"]))
                        .iter()
                        .filter_map(|name| Some((name.text()?.to_owned(), name.span())))
                        .collect(),
                    ..Unusual::default()
                }
                .once(),
                ..Engine::default()
            },
            pids_limit: Fact::Absent,
            exposed_by: Vec::new(),
            host_network: boolean(pod.spec.get("hostNetwork")),
            cpu_limit: limit("cpu"),
            memory_limit: limit("memory"),
            requests: requests(item),
            healthcheck: self.probe(item, "livenessProbe"),
            readiness: self.probe(item, "readinessProbe"),
            depends_on: Vec::new(),
            restart: text(restart),
            command: self.exec(item.get("args")),
            entrypoint: self.exec(item.get("command")),
            stop_grace: match text(pod.spec.get("terminationGracePeriodSeconds")) {
                Fact::Known { value, at, how } => match value.parse() {
                    Ok(value) => Fact::Known { value, at, how },
                    Err(_) => Fact::Unknown(Why::Unparsed, at.span),
                },
                other => other.map(|_| 0),
            },
            stop_signal: Fact::Absent,
            profiles: Vec::new(),
            job: (init && !sidecar) || matches!(pod.workload, "Job" | "CronJob"),
            comments: compose::comments(self.yaml, from_dash(self.yaml, range), range),
            optional: Vec::new(),
            open,
        }
    }

    fn env(&mut self, item: Value<'a>) -> (Vec<EnvVar>, Vec<SecretUse>) {
        let (mut env, mut secrets) = (Vec::new(), Vec::new());
        for var in self.items(item.get("env")) {
            let Some(name) = var.get("name").and_then(Value::text) else { continue };
            let value = var.get("value");
            let from = var.get("valueFrom");
            let secret = from.and_then(|from| from.get("secretKeyRef"));
            if let Some(secret) = secret {
                secrets.push(reference(secret, var.span()));
            }
            let value_span = value.or(from).map_or(var.span(), Value::span);
            let value = match (value.and_then(Value::text), from) {
                _ if secret.is_some() => EnvValue::Secret,
                (Some(text), _) => expansions(text),
                (None, Some(_)) => EnvValue::Elsewhere,
                (None, None) => EnvValue::Literal(String::new()),
            };
            env.push(EnvVar { name: name.to_owned(), value, span: var.span(), value_span });
        }
        for source in self.items(item.get("envFrom")) {
            if let Some(secret) = source.get("secretRef") {
                secrets.push(reference(secret, source.span()));
            }
        }
        (env, secrets)
    }

    /// What it takes from ConfigMaps and other stores, key by key or whole.
    fn env_from(&mut self, item: Value<'a>) -> Vec<EnvFrom> {
        let text = |value: Option<Value<'a>>| value.and_then(Value::text).map(str::to_owned);
        let mut found = Vec::new();
        for set in self.items(item.get("envFrom")) {
            found.push(EnvFrom {
                config: text(set.path(&["configMapRef", "name"])),
                key: None,
                prefix: text(set.get("prefix")).unwrap_or_default(),
                at: set.span(),
            });
        }
        for var in self.items(item.get("env")) {
            let Some(key) = var.path(&["valueFrom", "configMapKeyRef"]) else { continue };
            let key = (text(key.get("key")), text(var.get("name")), text(key.get("name")));
            let (Some(key), Some(name), config) = key else { continue };
            let at = var.span();
            found.push(EnvFrom { config, key: Some((key, name)), prefix: String::new(), at });
        }
        found
    }

    fn ports(&mut self, item: Value<'a>) -> Vec<Port> {
        let of = |port: Value<'a>, key: &str| Some(port.get(key)?.text()?.to_owned());
        self.items(item.get("ports"))
            .into_iter()
            .filter_map(|port| {
                Some(Port {
                    container: of(port, "containerPort")?,
                    protocol: of(port, "protocol")
                        .map_or_else(|| "tcp".to_owned(), |p| p.to_ascii_lowercase()),
                    host: of(port, "hostPort"),
                    address: of(port, "hostIP"),
                    span: port.span(),
                })
            })
            .collect()
    }

    fn mounts(&mut self, pod: &Pod<'a>, item: Value<'a>) -> (Vec<Mount>, Vec<SecretUse>) {
        let (mut mounts, mut secrets) = (Vec::new(), Vec::new());
        for mount in self.items(item.get("volumeMounts")) {
            let Some(name) = mount.get("name").and_then(Value::text) else { continue };
            let target = mount.get("mountPath").and_then(Value::text).unwrap_or_default();
            let volume = pod.volumes.get(name).copied();
            let (kind, source) = volume.map_or((MountKind::Volume, None), |v| self.volume(v));
            if let (MountKind::Secret, Some(volume)) = (kind, volume) {
                let name = source.unwrap_or(name).to_owned();
                secrets.push(SecretUse {
                    name,
                    file: None,
                    restricted: has_mode(volume),
                    as_file: true,
                    enforced: true,
                    span: mount.span(),
                });
            }
            let always = matches!(kind, MountKind::Secret | MountKind::Config);
            mounts.push(Mount {
                kind,
                source: source.unwrap_or(name).to_owned(),
                device: None,
                options: Vec::new(),
                tree_path: None,
                target: target.to_owned(),
                read_only: always || mount.get("readOnly").and_then(Value::bool) == Some(true),
                span: mount.span(),
            });
        }
        (mounts, secrets)
    }

    /// What kind of volume it is, and the name or path of what it holds.
    fn volume(&mut self, volume: Value<'a>) -> (MountKind, Option<&'a str>) {
        let name = |keys: &[&str]| volume.path(keys).and_then(Value::text);
        if volume.get("secret").is_some() {
            return (MountKind::Secret, name(&["secret", "secretName"]));
        }
        if volume.path(&["csi", "driver"]).and_then(Value::text) == Some("secrets-store.csi.k8s.io")
        {
            let class = ["csi", "volumeAttributes", "secretProviderClass"];
            return (MountKind::Secret, name(&class));
        }
        if let Some(projected) = volume.get("projected") {
            let sources = self.items(projected.get("sources"));
            let secret = sources.iter().find_map(|source| source.get("secret"));
            return match secret {
                Some(secret) => (MountKind::Secret, secret.get("name").and_then(Value::text)),
                None => (MountKind::Config, None),
            };
        }
        if volume.get("configMap").is_some() || volume.get("downwardAPI").is_some() {
            return (MountKind::Config, name(&["configMap", "name"]));
        }
        if volume.get("hostPath").is_some() {
            return (MountKind::Bind, name(&["hostPath", "path"]));
        }
        match name(&["emptyDir", "medium"]) {
            Some("Memory") => (MountKind::Tmpfs, None),
            _ => (MountKind::Volume, name(&["persistentVolumeClaim", "claimName"])),
        }
    }

    fn exec(&mut self, list: Option<Value<'a>>) -> Option<Exec> {
        let list = list.filter(|list| list.is_seq())?;
        let words = self
            .items(Some(list))
            .into_iter()
            .filter_map(|word| Some((word.text()?.to_owned(), word.span())))
            .collect();
        Some(Exec { words, shell: false, shell_words: Vec::new(), span: list.span() })
    }

    fn probe(&mut self, item: Value<'a>, key: &str) -> Option<Healthcheck> {
        let probe = item.get(key).filter(|probe| !probe.is_null())?;
        let of = |value: Value<'a>, key: &str| Some(value.get(key)?.text()?.to_owned());
        let port = |value: Value<'a>| of(value, "port");
        let test = if let Some(get) = probe.get("httpGet") {
            port(get).map(|port| HealthTest::Http {
                path: of(get, "path").unwrap_or_else(|| "/".to_owned()),
                port,
                tls: get.get("scheme").is_some_and(|scheme| scheme.text() == Some("HTTPS")),
            })
        } else if let Some(exec) = probe.get("exec") {
            self.exec(exec.get("command")).map(|exec| {
                HealthTest::Exec(exec.words.into_iter().map(|(word, _)| word).collect())
            })
        } else {
            let tcp = probe.get("tcpSocket").and_then(port).map(HealthTest::Port);
            tcp.or_else(|| probe.get("grpc").and_then(port).map(HealthTest::Grpc))
        };
        let setting = |key: &str| {
            let value = probe.get(key)?;
            Some((value.text()?.to_owned(), value.span()))
        };
        // A startup probe holds the others back until it succeeds.
        let startup = item.get("startupProbe").filter(|probe| !probe.is_null());
        Some(Healthcheck {
            test: test.unwrap_or(HealthTest::Unknown),
            span: probe.span(),
            interval: setting("periodSeconds"),
            timeout: setting("timeoutSeconds"),
            start_period: setting("initialDelaySeconds")
                .or_else(|| startup.map(|probe| ("startupProbe".to_owned(), probe.span()))),
            retries: setting("failureThreshold"),
        })
    }
}

/// Makes what nothing was read for unknown: the rest of the file may say it.
fn leave_open(container: &mut Container, why: Why, at: Span) {
    fn open<T>(fact: &mut Fact<T>, why: Why, at: Span) {
        if fact.is_absent() {
            *fact = Fact::Unknown(why, Some(at));
        }
    }
    let Container { image, user, cpu_limit, memory_limit, restart, .. } = &mut *container;
    for fact in [image, user, cpu_limit, memory_limit, restart] {
        open(fact, why, at);
    }
    let Container { read_only, run_as_non_root, no_new_privileges, privileged, requests, .. } =
        &mut *container;
    for fact in [read_only, run_as_non_root, no_new_privileges, privileged, requests] {
        open(fact, why, at);
    }
    open(&mut container.host_network, why, at);
    open(&mut container.stop_grace, why, at);
}

fn text(value: Option<Value<'_>>) -> Fact<String> {
    match value {
        None => Fact::Absent,
        Some(value) if value.is_null() => Fact::Absent,
        Some(value) => match value.text() {
            Some(text) => Fact::declared(text.to_owned(), value.span()),
            None => Fact::Unknown(Why::Unparsed, Some(value.span())),
        },
    }
}

fn boolean(value: Option<Value<'_>>) -> Fact<bool> {
    match value {
        None => Fact::Absent,
        Some(value) if value.is_null() => Fact::Absent,
        Some(value) => match value.bool() {
            Some(bool) => Fact::declared(bool, value.span()),
            None => Fact::Unknown(Why::Unparsed, Some(value.span())),
        },
    }
}

/// Whether both requests are set; one that is not is as large as the limit.
fn requests(item: Value<'_>) -> Fact<bool> {
    let Some(resources) = item.get("resources") else { return Fact::Absent };
    let set = |name: &str| {
        let of = |key: &str| resources.path(&[key, name]).is_some_and(|value| !value.is_null());
        of("requests") || of("limits")
    };
    match resources.get("requests").or_else(|| resources.get("limits")) {
        None => Fact::Absent,
        Some(at) => Fact::declared(set("cpu") && set("memory"), at.span()),
    }
}

/// The range of a list item with the dash before it.
fn from_dash(yaml: &Yaml, item: TextRange) -> TextRange {
    let near = TextRange::new(item.start.saturating_sub(256), item.start);
    let before = near.slice(yaml.text.text()).trim_ascii_end();
    match before.split_last() {
        Some((b'-', rest)) => {
            TextRange::new(near.start + TextRange::of(0, rest.len()).end, item.end)
        }
        _ => item,
    }
}

/// A Secret whose values become variables.
fn reference(secret: Value<'_>, span: Span) -> SecretUse {
    SecretUse {
        name: secret.get("name").and_then(Value::text).unwrap_or_default().to_owned(),
        file: None,
        restricted: false,
        as_file: false,
        enforced: true,
        span,
    }
}

/// Whether a volume sets a mode that keeps other users out of its files, for all or for each.
fn has_mode(volume: Value<'_>) -> bool {
    ["secret", "projected"].iter().filter_map(|key| volume.get(key)).any(|source| {
        let items = source.get("items");
        let restricted = |value: Value<'_>, key: &str| {
            value.get(key).and_then(Value::text).is_some_and(keeps_others_out)
        };
        restricted(source, "defaultMode")
            || items.is_some_and(|items| {
                items.items().next().is_some() && items.items().all(|i| restricted(i, "mode"))
            })
    })
}

/// A value with `$(NAME)` in it, which the kubelet fills in; `$$` stands for a dollar.
fn expansions(text: &str) -> EnvValue {
    let (mut refs, mut around) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        around.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        let name = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        rest = match name {
            Some((name, more)) => {
                refs.push((name.to_owned(), None));
                more
            }
            None => {
                around.push('$');
                after.strip_prefix('$').unwrap_or(after)
            }
        };
    }
    around.push_str(rest);
    if refs.is_empty() {
        return EnvValue::Literal(around);
    }
    EnvValue::Interpolated { text: text.to_owned(), refs, around, value: None }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    use super::*;
    use crate::lower::compose::tests::dump;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &str) {
        let tree = Tree::from_memory(files.iter().copied());
        let containers = read(&Cx::new(&tree));
        assert_eq!(dump(&tree, &containers).trim(), expected.trim());
    }

    #[test]
    fn a_deployment_is_read() {
        let text = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 45
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
      initContainers:
        - name: migrate
          image: api:1
          args: [npm, run, migrate]
        - name: proxy
          image: proxy:1
          restartPolicy: Always
      containers:
        # the service itself
        - name: api
          image: api:1
          ports: [{containerPort: 3000}]
          env:
            - name: DB_PASSWORD
              valueFrom: {secretKeyRef: {name: db, key: password}}
            - {name: URL, value: \"http://$(HOST):80\"}
            - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
          envFrom: [{secretRef: {name: all}}]
          securityContext:
            readOnlyRootFilesystem: true
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
          resources:
            limits: {cpu: 500m, memory: 256Mi}
          volumeMounts:
            - {name: keys, mountPath: /keys}
            - {name: tmp, mountPath: /tmp}
          livenessProbe:
            httpGet: {path: /health, port: 3000}
            periodSeconds: 10
          readinessProbe: {tcpSocket: {port: http}}
      volumes:
        - {name: keys, secret: {secretName: wallet, defaultMode: 256}}
        - {name: tmp, emptyDir: {medium: Memory}}
";
        check(
            &[("k8s/api.yaml", text), ("chart/Chart.yaml", ""), ("chart/templates/a.yaml", text)],
            "\
migrate k8s/api.yaml:17 Production Deployment/api init job
  image api:1
  user 1000
  command npm run migrate
  stop_grace 45
proxy k8s/api.yaml:20 Production Deployment/api init
  image proxy:1
  user 1000
  restart Always
  stop_grace 45
api k8s/api.yaml:25 Production Deployment/api
  image api:1
  user 1000
  env DB_PASSWORD Secret
  env URL Interpolated { text: \"http://$(HOST):80\", refs: [(\"HOST\", None)], around: \"http://:80\", value: None }
  env NODE Elsewhere
  port None None 3000
  mount Secret wallet None /keys ro
  mount Tmpfs tmp None /tmp
  secret db None enforced
  secret all None enforced
  secret wallet None file mode enforced
  read_only true
  no_new_privileges true
  cap_drop ALL
  limits 500m 256Mi
  healthcheck Http { path: \"/health\", port: \"3000\", tls: false } interval 10
  readiness Port(\"http\")
  stop_grace 45
  comment # the service itself",
        );
    }

    #[test]
    fn jobs_and_lists_are_read() {
        check(
            &[(
                "all.yml",
                "\
apiVersion: v1
kind: List
items:
  - apiVersion: batch/v1
    kind: CronJob
    metadata: {name: nightly}
    spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: b}], restartPolicy: Never}}}}}
  - {kind: Pod, spec: {containers: [{name: p, image: q, command: [x]}]}}
",
            )],
            "\
a all.yml:7 Production CronJob/nightly job
  image b
  restart Never
p all.yml:8 Production Pod/
  image q
  entrypoint x",
        );
    }

    #[test]
    fn what_a_syntax_error_hides_is_unknown() {
        let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      image: b\n      args: [x\n";
        let tree = Tree::from_memory([("p.yaml", text)]);
        let delivery = crate::lower(&tree);
        let container = &delivery.containers[0];
        assert_eq!(container.image.known().map(String::as_str), Some("b"));
        assert_eq!(container.privileged.unknown().map(|(why, _)| why), Some(Why::Unparsed));
        assert_eq!(delivery.problems.len(), 1);
    }

    #[test]
    fn values_of_wrong_types_harm_nothing() {
        for spec in [
            "5",
            "[]",
            "{containers: 5}",
            "{containers: [5, [], {name: {}}]}",
            "{containers: {a: b}}",
        ] {
            let text = format!("apiVersion: v1\nkind: Pod\nspec: {spec} # containers:\n");
            let tree = Tree::from_memory([("p.yaml", text)]);
            assert!(read(&Cx::new(&tree)).len() < 2);
        }
        let keys = "env ports volumeMounts securityContext resources livenessProbe command image";
        for key in keys.split(' ') {
            for value in
                ["5", "[5, [], {}, null]", "{a: {}, limits: [], httpGet: []}", "null", "*no"]
            {
                let text = format!(
                    "apiVersion: v1\nkind: Pod\nspec:\n  volumes: [5]\n  containers:\n    - name: a\n      {key}: {value}\n"
                );
                let tree = Tree::from_memory([("p.yaml", text)]);
                assert_eq!(read(&Cx::new(&tree)).len(), 1, "{key}: {value}");
            }
        }
    }
}
