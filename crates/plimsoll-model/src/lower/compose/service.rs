//! A compose service made of layers (what it extends, its file, override files), as a container.

use std::rc::Rc;
use std::sync::Arc;

use plimsoll_source::{Derived, DerivedBuilder, FileId, Span, TextRange};
use plimsoll_syntax::yaml::Value;

use super::interpolate::{Text, Vars, interpolate};
use super::{engine, words};
use crate::container::{
    Build, Container, ContainerKind, DependsOn, EnvVar, Mount, MountKind, Overlay, Port, SecretUse,
    keeps_others_out,
};
use crate::engine::Volume;
use crate::fact::{Fact, How, Origin, Why};
use crate::image::{Exec, HealthTest, Healthcheck};
use crate::purpose::Purpose;

/// One place that describes a service.
#[derive(Clone)]
pub(super) struct Layer<'a> {
    /// Its file.
    pub(super) file: FileId,
    /// The path of its file.
    pub(super) path: &'a str,
    /// What relative paths in it start from, relative to the root.
    pub(super) dir: Rc<str>,
    /// Where compose is called from, relative to the root, as far as the file tells.
    pub(super) caller: Option<Rc<str>>,
    /// The variables of its project.
    pub(super) vars: Rc<Vars>,
    /// The service's name, as the key.
    pub(super) key: Value<'a>,
    /// What stands under it,
    pub(super) map: Value<'a>,
    /// and the same by key, merge keys resolved: a container is asked for a hundred keys.
    pub(super) keys: Rc<[(&'a str, Value<'a>)]>,
    /// Its comments.
    pub(super) comments: Rc<[Span]>,
}

/// A service with everything that is said of it, what wins last.
#[derive(Clone)]
pub(super) struct Service<'a> {
    /// Its layers; never empty.
    pub(super) layers: Vec<Layer<'a>>,
    /// The layer that makes it the service it is; those before it are extended.
    pub(super) own: usize,
    /// Why more may be said of it.
    pub(super) open: Option<(Why, Span)>,
}

/// A top-level `secrets:` or `configs:` entry.
#[derive(Clone)]
pub(super) struct Source {
    /// The file, relative to the root.
    pub(super) file: Option<String>,
    /// It is the platform's (`external: true`): Swarm's.
    pub(super) external: bool,
    /// The entry.
    pub(super) span: Span,
}

/// Named [`Source`]s of a project.
pub(super) type Sources = std::collections::BTreeMap<String, Source>;

impl<'a> Layer<'a> {
    /// The value of a key of the service.
    fn get(&self, key: &str) -> Option<Value<'a>> {
        self.keys.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    /// The entries of a mapping, within the budget.
    pub(super) fn entries(&self, value: Value<'a>) -> Vec<(Value<'a>, Value<'a>)> {
        if !self.vars.spend(1) {
            return Vec::new();
        }
        let entries = value.entries();
        if self.vars.spend(entries.len()) { entries } else { Vec::new() }
    }

    /// The items of a sequence, or the value itself where one stands for a list of one.
    pub(super) fn items(&self, value: Value<'a>) -> Vec<Value<'a>> {
        if !self.vars.spend(1) {
            return Vec::new();
        }
        if !value.is_seq() {
            return if value.is_null() { Vec::new() } else { vec![value] };
        }
        let items: Vec<_> = value.items().collect();
        if self.vars.spend(items.len()) { items } else { Vec::new() }
    }

    /// A scalar with its references filled in.
    pub(super) fn read(&self, value: Value<'a>) -> Option<Text> {
        let text = value.text()?;
        self.vars.spend(text.len()).then(|| interpolate(text, &self.vars))
    }

    /// A scalar's text; references without a value stay in it.
    pub(super) fn lenient(&self, value: Value<'a>) -> Option<String> {
        self.read(value).map(|text| text.value)
    }

    /// A scalar as a fact.
    pub(super) fn fact(&self, value: Value<'a>) -> Fact<String> {
        match self.read(value) {
            None => Fact::Unknown(Why::Unparsed, Some(value.span())),
            Some(text) if !text.known => Fact::Unknown(Why::Dynamic, Some(value.span())),
            Some(text) => Fact::Known {
                value: text.value,
                at: origin(value.span(), text.from),
                how: How::Declared,
            },
        }
    }

    /// A path of the host that is written in the layer, relative to the root. `$PWD` is where compose
    /// is called from, which is not where the file lies.
    pub(super) fn in_tree(&self, path: &str) -> Result<String, Why> {
        match (path.strip_prefix("${PWD}"), &self.caller) {
            (None, _) => in_tree(&self.dir, path),
            (Some(_), None) => Err(Why::Dynamic),
            (Some(rest), Some(caller)) => in_tree(caller, rest.trim_start_matches('/')),
        }
    }

    /// A path of the host, relative to the root.
    pub(super) fn host_path(&self, value: Value<'a>) -> Fact<String> {
        match self.lenient(value) {
            None => Fact::Unknown(Why::Unparsed, Some(value.span())),
            Some(path) => match self.in_tree(&path) {
                Ok(path) => Fact::declared(path, value.span()),
                Err(why) => Fact::Unknown(why, Some(value.span())),
            },
        }
    }
}

/// What a scalar, or each item of a list, says.
fn texts(layer: &Layer<'_>, value: Value<'_>) -> Vec<String> {
    match value.is_seq() {
        true => layer.items(value).into_iter().filter_map(|item| layer.lenient(item)).collect(),
        false => layer.lenient(value).into_iter().collect(),
    }
}

fn origin(span: Span, overrode: Vec<Span>) -> Origin {
    Origin { span: Some(span), overrode: (!overrode.is_empty()).then(|| Arc::new(overrode)) }
}

/// A path of the host that stands in a file whose paths start at `dir`, relative to the root.
pub(super) fn in_tree(dir: &str, path: &str) -> Result<String, Why> {
    // Where compose is called from: below the root, that may be the root or the file's directory.
    let path = match path.strip_prefix("${PWD}") {
        Some(_) if !dir.is_empty() => return Err(Why::Dynamic),
        Some(rest) => rest.trim_start_matches('/'),
        None => path,
    };
    if path.contains("${") {
        return Err(Why::Dynamic);
    }
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with(['/', '~', '\\']) || drive {
        return Err(Why::OutOfTree);
    }
    plimsoll_source::normalize_path(&format!("{dir}/{path}")).ok_or(Why::OutOfTree)
}

impl<'a> Service<'a> {
    /// What the layers say at a path of keys, what wins first, down to a `!reset` or `!override`.
    pub(super) fn all(&self, keys: &[&str]) -> Vec<(&Layer<'a>, Value<'a>)> {
        let mut found = Vec::new();
        'layers: for layer in self.layers.iter().rev() {
            let mut value = layer.map;
            let mut last = false;
            for (depth, key) in keys.iter().enumerate() {
                // Whoever looks for a key goes through all of them; aliases may share a large map.
                if !layer.vars.spend(1) || !layer.vars.spend(value.pairs().count() / 2) {
                    break 'layers;
                }
                let next = if depth == 0 { layer.get(key) } else { value.get(key) };
                let Some(next) = next else {
                    if last {
                        break 'layers;
                    }
                    continue 'layers;
                };
                match next.tag() {
                    Some(("!reset", _)) => break 'layers,
                    Some(("!override", _)) => last = true,
                    _ => {}
                }
                value = next;
            }
            if !value.is_null() {
                found.push((layer, value));
            }
            if last {
                break;
            }
        }
        found
    }

    /// What wins at a path of keys.
    pub(super) fn first(&self, keys: &[&str]) -> Option<(&Layer<'a>, Value<'a>)> {
        self.all(keys).into_iter().next()
    }

    /// Keys that a later layer resets or replaces whole, with what the layers before said.
    fn taken_back(&self) -> Vec<(String, Span, Vec<String>)> {
        let mut found = Vec::new();
        for (at, layer) in self.layers.iter().enumerate().skip(1) {
            for (key, value) in layer.entries(layer.map) {
                let (Some(name), Some((tag, _))) = (key.text(), value.tag()) else { continue };
                if !matches!(tag, "!reset" | "!override") {
                    continue;
                }
                let own: Vec<String> = match tag {
                    "!override" => texts(layer, value),
                    _ => Vec::new(),
                };
                let before = self.layers[..at].iter().rev().find_map(|layer| {
                    layer.vars.spend(1).then(|| layer.map.get(name)).flatten().map(|v| (layer, v))
                });
                let Some((layer, before)) = before.filter(|(_, before)| !before.is_null()) else {
                    continue;
                };
                let gone = texts(layer, before).into_iter().filter(|text| !own.contains(text));
                found.push((name.to_owned(), value.span(), gone.take(64).collect()));
            }
        }
        found
    }

    /// Why more may be said than is read.
    fn open(&self) -> Option<(Why, Span)> {
        let cut = self.layers.iter().find(|layer| !layer.vars.spend(0));
        self.open.or_else(|| Some((Why::TooLarge, cut?.key.span())))
    }

    fn absent<T>(&self) -> Fact<T> {
        match self.open() {
            Some((why, span)) => Fact::Unknown(why, Some(span)),
            None => Fact::Absent,
        }
    }

    /// The scalar that wins at a path of keys.
    pub(super) fn text(&self, keys: &[&str]) -> Fact<String> {
        let found = self.all(keys);
        let Some(((layer, value), overrode)) = found.split_first() else { return self.absent() };
        let mut fact = layer.fact(*value);
        if let Fact::Known { at, .. } = &mut fact {
            let from = at.overrode.iter().flat_map(|spans| spans.iter().copied());
            let overrode = overrode.iter().map(|(_, value)| value.span());
            *at = origin(value.span(), from.chain(overrode).collect());
        }
        fact
    }

    /// The first of these that is said.
    pub(super) fn text_of(&self, paths: &[&[&str]]) -> Fact<String> {
        let said = paths.iter().find(|keys| self.first(keys).is_some());
        said.map_or_else(|| self.absent(), |keys| self.text(keys))
    }

    /// The truth value that wins at a path of keys.
    pub(super) fn bool(&self, keys: &[&str]) -> Fact<bool> {
        match self.text(keys) {
            Fact::Known { value, at, how } => match boolean(&value) {
                Some(value) => Fact::Known { value, at, how },
                None => Fact::Unknown(Why::Unparsed, at.span),
            },
            Fact::Absent => Fact::Absent,
            Fact::Unknown(why, span) => Fact::Unknown(why, span),
        }
    }

    /// Items of a list that all layers add to, in merge order.
    pub(super) fn list(&self, keys: &[&str]) -> Vec<(&Layer<'a>, Value<'a>)> {
        let mut all = self.all(keys);
        all.reverse();
        all.into_iter()
            .flat_map(|(layer, value)| {
                layer.items(value).into_iter().map(move |item| (layer, item))
            })
            .collect()
    }

    /// Texts of a list that all layers add to.
    pub(super) fn texts(&self, keys: &[&str]) -> Vec<(String, Span)> {
        self.list(keys)
            .into_iter()
            .filter_map(|(layer, item)| Some((layer.lenient(item)?, item.span())))
            .collect()
    }

    /// Variables of a mapping or of a list of `NAME=value`, those of later layers winning.
    fn variables(&self, keys: &[&str]) -> Vec<EnvVar> {
        let mut all = self.all(keys);
        all.reverse();
        let mut out = Named::default();
        for (layer, value) in all {
            for (key, value) in layer.entries(value) {
                let Some(name) = key.text() else { continue };
                out.put(name, variable(layer, name, key, value));
            }
            for item in if value.is_seq() { layer.items(value) } else { Vec::new() } {
                let Some(var) = listed_variable(layer, item) else { continue };
                out.put(&var.name.clone(), var);
            }
        }
        out.items
    }

    /// The container that the platform would start.
    pub(super) fn container(&self, cx: &Context<'_>) -> Container {
        let own = &self.layers[self.own];
        let security = self.texts(&["security_opt"]);
        let (mounts, secrets) = self.mounts(cx);
        Container {
            name: own.key.text().unwrap_or_default().to_owned(),
            label: Arc::default(),
            kind: ContainerKind::Compose { project: cx.project },
            file: own.file,
            span: own.key.span(),
            overlays: (0..self.layers.len())
                .filter(|&i| i != self.own)
                .map(|i| self.layers[i].key.span())
                .collect(),
            taken_back: self.taken_back(),
            purpose: self.purpose(cx.purpose),
            image: self.text(&["image"]),
            named: None,
            keeps: None,
            build: self.build(),
            image_id: None,
            env: self.variables(&["environment"]),
            env_files: self
                .list(&["env_file"])
                .into_iter()
                .map(|(layer, item)| {
                    (layer.host_path(item.get("path").unwrap_or(item)), item.span())
                })
                .collect(),
            env_from: Vec::new(),
            given: Vec::new(),
            ports: self.ports(),
            mounts,
            secrets,
            read_only: self.bool(&["read_only"]),
            init: self.bool(&["init"]),
            user: self.text(&["user"]),
            run_as_non_root: Fact::Absent,
            no_new_privileges: security
                .iter()
                .rev()
                .find_map(|(option, span)| {
                    let rest = option.trim().strip_prefix("no-new-privileges")?;
                    let value = rest.trim_start_matches([':', '=']).trim();
                    let fact = |value| Fact::declared(value, *span);
                    Some(match boolean(value) {
                        _ if value.is_empty() => fact(true),
                        Some(value) => fact(value),
                        None => Fact::Unknown(Why::Dynamic, Some(*span)),
                    })
                })
                .unwrap_or_else(|| self.absent()),
            privileged: self.bool(&["privileged"]),
            cap_drop: self.texts(&["cap_drop"]),
            engine: engine::engine(self),
            pids_limit: self
                .text_of(&[&["deploy", "resources", "limits", "pids"], &["pids_limit"]]),
            exposed_by: Vec::new(),
            host_network: self.text_of(&[&["network_mode"], &["net"]]).map(|mode| mode == "host"),
            cpu_limit: self.text_of(&[
                &["deploy", "resources", "limits", "cpus"],
                &["cpus"],
                &["cpu_quota"],
            ]),
            memory_limit: self
                .text_of(&[&["deploy", "resources", "limits", "memory"], &["mem_limit"]]),
            requests: Fact::Absent,
            healthcheck: self.healthcheck(),
            readiness: None,
            depends_on: self.depends_on(),
            restart: self.text_of(&[&["restart"], &["deploy", "restart_policy", "condition"]]),
            command: self.exec("command"),
            entrypoint: self.exec("entrypoint"),
            stop_grace: match self.text(&["stop_grace_period"]) {
                Fact::Known { value, at, how } => match seconds(&value) {
                    Some(value) => Fact::Known { value, at, how },
                    None => Fact::Unknown(Why::Unparsed, at.span),
                },
                other => other.map(|_| 0),
            },
            stop_signal: self.text(&["stop_signal"]),
            profiles: self.texts(&["profiles"]).into_iter().map(|(name, _)| name).collect(),
            job: false,
            comments: self.comments(),
            optional: Vec::new(),
            open: self.open(),
        }
    }

    /// What it adds to a container that it does not define.
    pub(super) fn overlay(&self, cx: &Context<'_>) -> Overlay {
        let own = &self.layers[self.own];
        let (mounts, secrets) = self.mounts(cx);
        Overlay {
            file: own.file,
            span: own.key.span(),
            env: self.variables(&["environment"]),
            mounts,
            secrets,
            comments: self.comments(),
        }
    }

    /// Whether it says what to run: an image, a build, or a service to be like.
    pub(super) fn stands_alone(&self) -> bool {
        ["image", "build", "extends"].iter().any(|key| self.first(&[key]).is_some())
    }

    /// Whether a file says so by itself, whatever other files say.
    pub(super) fn stands_alone_in(&self, file: FileId) -> bool {
        let says = |layer: &Layer<'a>| {
            ["image", "build", "extends"].iter().any(|key| layer.map.get(key).is_some())
        };
        self.layers.iter().any(|layer| layer.file == file && says(layer))
    }

    /// Whether it is only said of by a file that is merged over others, and none says what to run.
    pub(super) fn overrides_nothing(&self) -> bool {
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).contains(".override.");
        self.open.is_none()
            && !self.stands_alone()
            && self.first(&["provider"]).is_none()
            && self.layers.iter().all(|layer| name(layer.path))
    }

    /// Whether nothing at all says what to run.
    pub(super) fn runs_nothing(&self) -> bool {
        self.open.is_none() && !self.stands_alone() && self.first(&["provider"]).is_none()
    }

    fn comments(&self) -> Vec<Span> {
        self.layers.iter().flat_map(|layer| layer.comments.iter().copied()).collect()
    }

    fn purpose(&self, of_file: &Purpose) -> Purpose {
        let profiles = self.texts(&["profiles"]);
        let Some((first, span)) = profiles.first() else { return of_file.clone() };
        let of_profile =
            |name: &str| crate::lower::purpose::of_path(&format!("compose.{name}.yml"));
        let kind = of_profile(first).kind;
        let agreed = profiles.iter().all(|(name, _)| of_profile(name).kind == kind);
        if !of_file.is_production() || !agreed || of_profile(first).is_production() {
            return of_file.clone();
        }
        Purpose { kind, because: format!("its profile is `{first}`"), at: Some(*span) }
    }

    fn build(&self) -> Option<Build> {
        let (layer, value) = self.first(&["build"])?;
        let key = layer.map.entry("build").map(|(key, _)| key.span());
        let span = match key.filter(|key| key.file == value.span().file) {
            Some(key) if key.range.end <= value.span().range.start => key.cover(value.span()),
            _ => value.span(),
        };
        // `build: dir` is short for `build: { context: dir }`.
        let of = |key: &str| {
            self.all(&["build"]).into_iter().find_map(|(layer, build)| {
                let value = if build.is_map() {
                    build.get(key).filter(|value| !value.is_null())?
                } else if key == "context" {
                    build
                } else {
                    return None;
                };
                Some((layer, value))
            })
        };
        let context = match of("context") {
            None => in_tree(&layer.dir, ".")
                .map_or(Fact::Unknown(Why::OutOfTree, Some(span)), Fact::default_of),
            Some((layer, value)) => match layer.lenient(value) {
                Some(text) if is_remote(&text) => Fact::Unknown(Why::OutOfTree, Some(value.span())),
                _ => layer.host_path(value),
            },
        };
        let inline = of("dockerfile_inline");
        let dockerfile = match (inline, of("dockerfile")) {
            (Some((layer, value)), _) => {
                let name = self.layers[self.own].key.text().unwrap_or_default();
                Fact::declared(format!("{}#{name}", layer.path), value.span())
            }
            (None, None) => match &context {
                Fact::Known { value, .. } => Fact::default_of(joined(value, "Dockerfile")),
                _ => Fact::Unknown(context.unknown().map_or(Why::Dynamic, |u| u.0), Some(span)),
            },
            (None, Some((layer, value))) => {
                let at = Some(value.span());
                match (layer.lenient(value), &context) {
                    (None, _) => Fact::Unknown(Why::Unparsed, at),
                    (Some(path), Fact::Known { value: context, .. }) => {
                        let found = match path.starts_with("${PWD}") {
                            true => layer.in_tree(&path),
                            false => in_tree(context, &path),
                        };
                        match found {
                            Ok(path) => Fact::declared(path, value.span()),
                            Err(why) => Fact::Unknown(why, at),
                        }
                    }
                    (Some(_), context) => {
                        Fact::Unknown(context.unknown().map_or(Why::Dynamic, |u| u.0), at)
                    }
                }
            }
        };
        Some(Build {
            context,
            dockerfile,
            inline: inline.map(|(_, value)| dollars_unescaped(&value.derived())),
            target: of("target")
                .and_then(|(layer, value)| Some((layer.lenient(value)?, value.span()))),
            args: self.variables(&["build", "args"]),
            span,
            key: key.unwrap_or(span),
        })
    }

    fn ports(&self) -> Vec<Port> {
        let mut ports = Named::default();
        for (layer, item) in self.list(&["ports"]) {
            let of = |key: &str| item.get(key).and_then(|value| layer.lenient(value));
            let (address, host, container, protocol) = if item.is_map() {
                let Some(target) = of("target") else { continue };
                // The short form's address is taken in the long one, too.
                let (address, host) = match of("published") {
                    Some(text) if text.contains('.') => match text.split_once(':') {
                        Some((address, host)) => (Some(address.to_owned()), Some(host.to_owned())),
                        None => (Some(text), None),
                    },
                    host => (None, host),
                };
                (of("host_ip").or(address), host, target, of("protocol"))
            } else {
                let Some(text) = layer.lenient(item) else { continue };
                let (address, host, container) = port(&text);
                (address, host, container, text.rsplit_once('/').map(|(_, p)| p.to_owned()))
            };
            let protocol =
                protocol.map_or_else(|| "tcp".to_owned(), |text| text.to_ascii_lowercase());
            // Without a published port the engine picks one: it is open to the host all the same.
            let host = Some(host.unwrap_or_default());
            // What identifies a port where files are merged.
            let key = format!("{address:?} {host:?} {container} {protocol}");
            let port = Port { container, host, address, protocol, span: item.span() };
            let key = if self.layers.len() > 1 { key } else { format!("{}", ports.items.len()) };
            ports.put(&key, port);
        }
        let mut ports = ports.items;
        for (text, span) in self.texts(&["expose"]) {
            let (container, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
            let (container, protocol) = (container.to_owned(), protocol.to_ascii_lowercase());
            ports.push(Port { container, host: None, address: None, protocol, span });
        }
        ports
    }

    fn mounts(&self, cx: &Context<'_>) -> (Vec<Mount>, Vec<SecretUse>) {
        let mut mounts = Named::default();
        for (layer, item) in self.list(&["volumes"]) {
            let mount =
                if item.is_map() { long_mount(layer, item) } else { short_mount(layer, item) };
            if let Some(mut mount) = mount {
                if let Some(volume) = cx
                    .volumes
                    .get(&mount.source)
                    .filter(|_| mount.kind == MountKind::Volume && !mount.source.is_empty())
                {
                    mount.device.clone_from(&volume.device);
                    mount.options.extend(volume.tmpfs.iter().flat_map(|o| engine::words(o)));
                }
                let key = mount.target.trim_end_matches('/').to_owned();
                mounts.put(&key, mount);
            }
        }
        for (text, span) in self.texts(&["tmpfs"]) {
            let (target, options) = text.split_once(':').unwrap_or((&text, ""));
            let target = target.to_owned();
            let mount = Mount {
                kind: MountKind::Tmpfs,
                source: String::new(),
                device: None,
                options: engine::words(options),
                tree_path: None,
                target: target.clone(),
                read_only: false,
                span,
            };
            mounts.put(&target, mount);
        }
        let mut secrets = Named::default();
        for (layer, item) in self.list(&["secrets"]) {
            let Some(granted) = Granted::read(layer, item) else { continue };
            let source = cx.secrets.get(&granted.source);
            let target = granted.target.unwrap_or_else(|| granted.source.clone());
            let target = crate::lower::absolute("/run/secrets", &target);
            let file = source.and_then(|s| s.file.clone());
            mounts.put(
                &target,
                Mount {
                    kind: MountKind::Secret,
                    source: file.clone().unwrap_or_else(|| granted.source.clone()),
                    device: None,
                    options: Vec::new(),
                    tree_path: file.clone(),
                    target: target.clone(),
                    read_only: true,
                    span: item.span(),
                },
            );
            let used = SecretUse {
                name: granted.source,
                file,
                restricted: granted.restricted,
                as_file: true,
                enforced: source.is_some_and(|s| s.external),
                span: item.span(),
            };
            secrets.put(&target, used);
        }
        for (layer, item) in self.list(&["configs"]) {
            let Some(granted) = Granted::read(layer, item) else { continue };
            let file = cx.configs.get(&granted.source).and_then(|s| s.file.clone());
            let target = granted.target.unwrap_or_else(|| granted.source.clone());
            let target = crate::lower::absolute("/", &target);
            let mount = Mount {
                kind: MountKind::Config,
                source: file.clone().unwrap_or(granted.source),
                device: None,
                options: Vec::new(),
                tree_path: file,
                target: target.clone(),
                read_only: true,
                span: item.span(),
            };
            mounts.put(&target, mount);
        }
        (mounts.items, secrets.items)
    }

    fn healthcheck(&self) -> Option<Healthcheck> {
        let (_, whole) = self.first(&["healthcheck"])?;
        let setting = |key: &str| {
            let (layer, value) = self.first(&["healthcheck", key])?;
            Some((layer.lenient(value)?, value.span()))
        };
        let disabled = self.bool(&["healthcheck", "disable"]).known() == Some(&true);
        let test = match self.first(&["healthcheck", "test"]) {
            _ if disabled => HealthTest::Disabled,
            None => HealthTest::Unknown,
            Some((layer, value)) if value.is_seq() => {
                let words: Vec<_> =
                    layer.items(value).into_iter().map(|item| layer.lenient(item)).collect();
                match words.into_iter().collect::<Option<Vec<_>>>() {
                    None => HealthTest::Unknown,
                    Some(words) => match words.split_first() {
                        Some((first, _)) if first == "NONE" => HealthTest::Disabled,
                        Some((first, rest)) if first == "CMD" => HealthTest::Exec(rest.to_vec()),
                        Some((first, rest)) if first == "CMD-SHELL" => {
                            HealthTest::Shell(rest.join(" "))
                        }
                        _ => HealthTest::Unknown,
                    },
                }
            }
            Some((layer, value)) => {
                layer.lenient(value).map_or(HealthTest::Unknown, HealthTest::Shell)
            }
        };
        Some(Healthcheck {
            test,
            span: whole.span(),
            interval: setting("interval"),
            timeout: setting("timeout"),
            start_period: setting("start_period"),
            retries: setting("retries"),
        })
    }

    fn depends_on(&self) -> Vec<DependsOn> {
        let mut all = self.all(&["depends_on"]);
        all.reverse();
        let mut out = Named::default();
        let mut put = |service: String, condition: Option<String>, required, span| {
            let condition = condition.unwrap_or_else(|| "service_started".to_owned());
            out.put(&service.clone(), DependsOn { service, condition, required, span });
        };
        for (layer, value) in all {
            for (key, value) in layer.entries(value) {
                let Some(name) = key.text() else { continue };
                let condition = value.get("condition").and_then(|v| layer.lenient(v));
                let required = value.get("required").and_then(|v| layer.lenient(v));
                let required = required.and_then(|text| boolean(&text)) != Some(false);
                put(name.to_owned(), condition, required, key.span().cover(value.span()));
            }
            for item in if value.is_map() { Vec::new() } else { layer.items(value) } {
                if let Some(name) = layer.lenient(item) {
                    put(name, None, true, item.span());
                }
            }
        }
        out.items
    }

    /// `command` or `entrypoint`: compose splits a string into words itself, no shell runs.
    fn exec(&self, key: &str) -> Option<Exec> {
        let (layer, value) = self.first(&[key])?;
        let words = if value.is_seq() {
            layer
                .items(value)
                .into_iter()
                .filter_map(|item| Some((layer.lenient(item)?, item.span())))
                .collect()
        } else {
            let line = layer.lenient(value)?;
            let verbatim = value.text() == Some(&line);
            let derived = value.derived();
            words::split(&line)
                .into_iter()
                .map(|(word, range)| {
                    let span = if verbatim {
                        derived.span(TextRange::of(range.start, range.end))
                    } else {
                        value.span()
                    };
                    (word, span)
                })
                .collect()
        };
        Some(Exec { words, shell: false, shell_words: Vec::new(), span: value.span() })
    }
}

/// What a service is read with.
pub(super) struct Context<'a> {
    /// Index of its project.
    pub(super) project: usize,
    /// What its files are for.
    pub(super) purpose: &'a Purpose,
    /// Top-level `secrets:`.
    pub(super) secrets: &'a Sources,
    /// Top-level `configs:`.
    pub(super) configs: &'a Sources,
    /// Top-level `volumes:`.
    pub(super) volumes: &'a std::collections::BTreeMap<String, Volume>,
}

/// A list in which a later entry of the same name replaces the earlier one.
pub(super) struct Named<T> {
    pub(super) items: Vec<T>,
    index: foldhash::HashMap<String, usize>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { items: Vec::new(), index: foldhash::HashMap::default() }
    }
}

impl<T> Named<T> {
    pub(super) fn put(&mut self, name: &str, item: T) {
        match self.index.get(name).and_then(|&at| self.items.get_mut(at)) {
            Some(slot) => *slot = item,
            None => {
                self.index.insert(name.to_owned(), self.items.len());
                self.items.push(item);
            }
        }
    }
}

/// A secret or config that a service is given.
struct Granted {
    source: String,
    target: Option<String>,
    restricted: bool,
}

impl Granted {
    fn read<'a>(layer: &Layer<'a>, item: Value<'a>) -> Option<Self> {
        if !item.is_map() {
            return Some(Self { source: layer.lenient(item)?, target: None, restricted: false });
        }
        let of = |key: &str| item.get(key).and_then(|value| layer.lenient(value));
        Some(Self {
            source: of("source")?,
            target: of("target"),
            restricted: of("mode").is_some_and(|mode| keeps_others_out(&mode)),
        })
    }
}

fn variable<'a>(layer: &Layer<'a>, name: &str, key: Value<'a>, value: Value<'a>) -> EnvVar {
    use crate::container::EnvValue;
    let read = match value.text() {
        Some(written) if !value.is_null() => layer.read(value).map(|text| text.env_value(written)),
        _ => None,
    };
    let (span, value_span) = (key.span().cover(value.span()), value.span());
    let (value, value_span) = match read {
        Some(value) => (value, value_span),
        None if value.is_null() => (EnvValue::Caller, span),
        None => (EnvValue::Elsewhere, value_span),
    };
    EnvVar { name: name.to_owned(), value, span, value_span }
}

/// An item `NAME=value` or `NAME` of a list of variables.
fn listed_variable<'a>(layer: &Layer<'a>, item: Value<'a>) -> Option<EnvVar> {
    use crate::container::EnvValue;
    let written = item.text()?;
    let span = item.span();
    let Some((name, value)) = written.split_once('=') else {
        let name = layer.lenient(item)?;
        return Some(EnvVar { name, value: EnvValue::Caller, span, value_span: span });
    };
    if !layer.vars.spend(written.len()) {
        return None;
    }
    let from = written.len() - value.len();
    let value_span = match value {
        "" => span,
        _ => item.derived().span(TextRange::of(from, written.len())),
    };
    let value = interpolate(value, &layer.vars).env_value(value);
    Some(EnvVar { name: interpolate(name, &layer.vars).value, value, span, value_span })
}

/// `[[address:]host:]container[/protocol]`.
fn port(text: &str) -> (Option<String>, Option<String>, String) {
    let text = text.split('/').next().unwrap_or(text);
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match text.rsplit_once(':') {
        None => (None, None, text.to_owned()),
        Some((rest, container)) => match rest.rsplit_once(':') {
            // `[::1]:80:80`, and `[::1]::80` for any port of the host.
            Some((address, host)) if !host.ends_with(']') => {
                (some(address.trim_matches(['[', ']'])), some(host), container.to_owned())
            }
            _ => (None, some(rest), container.to_owned()),
        },
    }
}

fn short_mount<'a>(layer: &Layer<'a>, item: Value<'a>) -> Option<Mount> {
    let text = layer.lenient(item)?;
    // The colon of a Windows drive separates nothing.
    let drive = text.as_bytes().get(1) == Some(&b':')
        && matches!(text.as_bytes().get(2), Some(b'\\' | b'/'))
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    let from = if drive { 2 } else { 0 };
    let (source, rest) = match text.get(from..)?.split_once(':') {
        Some((source, rest)) => (text.get(..from + source.len())?, rest),
        None => ("", &*text),
    };
    let (target, mode) = rest.split_once(':').unwrap_or((rest, ""));
    let bind = drive || source.starts_with(['.', '/', '~', '\\']) || source.starts_with("${");
    Some(Mount {
        kind: if bind { MountKind::Bind } else { MountKind::Volume },
        source: source.to_owned(),
        device: None,
        options: engine::words(mode),
        tree_path: bind.then(|| layer.in_tree(source).ok()).flatten(),
        target: target.to_owned(),
        read_only: mode.split(',').any(|option| option == "ro"),
        span: item.span(),
    })
}

fn long_mount<'a>(layer: &Layer<'a>, item: Value<'a>) -> Option<Mount> {
    let of = |key: &str| item.get(key).and_then(|value| layer.lenient(value));
    let kind = match &*of("type")? {
        "bind" | "npipe" => MountKind::Bind,
        "tmpfs" => MountKind::Tmpfs,
        _ => MountKind::Volume,
    };
    let source = of("source").or_else(|| of("src")).unwrap_or_default();
    let bind = kind == MountKind::Bind && !source.is_empty();
    let propagation = item.path(&["bind", "propagation"]).and_then(|value| layer.lenient(value));
    Some(Mount {
        kind,
        device: None,
        options: propagation.into_iter().collect(),
        tree_path: bind.then(|| layer.in_tree(&source).ok()).flatten(),
        source,
        target: of("target").or_else(|| of("destination")).unwrap_or_default(),
        read_only: of("read_only").or_else(|| of("readonly")).and_then(|v| boolean(&v))
            == Some(true),
        span: item.span(),
    })
}

/// A directory and a name in it.
pub(super) fn joined(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// Something that is fetched.
pub(super) fn is_remote(context: &str) -> bool {
    context.contains("://")
        || context.starts_with("git@")
        || context.starts_with("github.com/")
        || context.ends_with(".git")
        || context.contains(".git#")
}

/// A text with `$$` made `$`, as compose hands it to the builder; references stay as written.
fn dollars_unescaped(text: &Derived) -> Derived {
    let bytes = text.text();
    let mut builder = DerivedBuilder::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(bytes, b"$$") {
        builder.append(text, TextRange::of(from, at + 1));
        from = at + 2;
    }
    builder.append(text, TextRange::of(from, bytes.len()));
    builder.finish(text.whole())
}

/// What compose takes for true and false.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match &*text.to_ascii_lowercase() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A duration such as `1m30s` in whole seconds, rounded down.
fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut micros = 0_f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        micros += number
            * match &rest[..unit] {
                "us" | "µs" => 1.0,
                "ms" => 1e3,
                "s" => 1e6,
                "m" => 6e7,
                "h" => 3.6e9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and casts of large numbers saturate"
    )]
    let whole = (micros / 1e6) as u64;
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let check = |text: &str, value: Option<u64>| assert_eq!(seconds(text), value, "{text}");
        check("1m30s", Some(90));
        check("1.5h", Some(5400));
        check("1500ms", Some(1));
        check("30", None);
        check("", None);
        check("5 apples", None);
        check("9999999999999999999999h", Some(u64::MAX));
    }

    #[test]
    fn ports_are_read() {
        let check = |text: &str, expected: (Option<&str>, Option<&str>, &str)| {
            let (address, host, container) = port(text);
            assert_eq!((address.as_deref(), host.as_deref(), &*container), expected, "{text}");
        };
        check("80", (None, None, "80"));
        check("8080:80/tcp", (None, Some("8080"), "80"));
        check("127.0.0.1:8080:80", (Some("127.0.0.1"), Some("8080"), "80"));
        check("127.0.0.1::80", (Some("127.0.0.1"), None, "80"));
        check("[::1]:8080:80", (Some("::1"), Some("8080"), "80"));
        check("${PORT}:80", (None, Some("${PORT}"), "80"));
        check("3000-3005:4000-4005", (None, Some("3000-3005"), "4000-4005"));
    }
}
