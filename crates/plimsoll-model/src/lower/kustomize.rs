//! Kustomizations: whether one changes no more of its manifests than their names and images, and
//! which images it writes over.
//!
//! Source of the rules: Kustomize's reference of `kustomization.yaml` (v1beta1).

use std::collections::BTreeSet;

use plimsoll_source::{Derived, FileId, Span, TextRange, Tracking, normalize_path};
use plimsoll_syntax::yaml::{self, Value, Yaml};

use super::{cx::Cx, link, purpose};
use crate::container::{Container, ContainerKind};
use crate::fact::{Fact, Why};
use crate::path;

/// What Kustomize calls its file.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Keys that leave what runs in a pod as it is, but for the images that it names.
const PLAIN: [&str; 16] = [
    "apiVersion",
    "kind",
    "metadata",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "resources",
    "bases",
    "images",
    "replicas",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "includeSelectors",
    "sortOptions",
    "buildMetadata",
];
/// The most files and directories that a kustomization is followed to.
const MAX_RESOURCES: usize = 5_000;

/// Whether a kustomization brings nothing but manifests of the tree, which are read as they stand.
/// One that is empty brings nothing.
pub(super) fn is_plain(cx: &Cx<'_>, file: FileId) -> bool {
    let Some(yaml) = parse(cx, file) else { return false };
    let of_tree = |value: Value<'_>| {
        value.text().is_some_and(|at| !at.contains("://") && !at.contains("?ref="))
            && value.text().is_some_and(|at| leads(cx, file, at).is_some())
    };
    yaml.roots().filter(|root| !root.is_null()).all(|root| {
        root.is_map()
            && root
                .entries()
                .iter()
                .all(|(key, _)| key.text().is_some_and(|key| PLAIN.contains(&key)))
            && resources(root).all(of_tree)
    })
}

/// Writes the images of the kustomizations over those of the manifests that they bring: those for
/// production, for want of them all. Of several that differ, the one that says least counts.
pub(super) fn write_images(cx: &Cx<'_>, containers: &mut [Container]) {
    let all = (cx.tree.entries())
        .filter(|(_, entry)| entry.tracking != Tracking::Ignored && is_one(&entry.path));
    let over = all.filter_map(|(file, entry)| {
        let yaml =
            parse(cx, file).filter(|y| y.roots().any(|root| root.get("images").is_some()))?;
        Some((purpose::of_path(&entry.path).is_production(), yaml, brings(cx, file)))
    });
    let over: Vec<(bool, Yaml, BTreeSet<FileId>)> = over.collect();
    if over.is_empty() {
        return;
    }
    for container in containers {
        if !matches!(container.kind, ContainerKind::Kubernetes { .. }) {
            continue;
        }
        let Some(image) = container.image.known().cloned() else { continue };
        let here = over.iter().filter(|(_, _, brings)| brings.contains(&container.file));
        let here: Vec<_> = here.collect();
        let serves = here.iter().any(|(serves, ..)| *serves);
        let here = here.into_iter().filter(|(one, ..)| *one == serves);
        let written = here.map(|(_, yaml, _)| written(yaml, &image));
        // One that leaves it as it is says what the manifest says.
        let written: Vec<_> = written.collect();
        if written.iter().any(Option::is_none) {
            continue;
        }
        let says = |image: &str| {
            (
                image.contains('@'),
                image.rsplit(':').next().is_some_and(|t| t.contains(|c: char| c.is_ascii_digit())),
            )
        };
        if let Some((image, at)) = written.into_iter().flatten().min_by_key(|(i, _)| says(i)) {
            container.image = Fact::declared(image, at);
        }
    }
}

/// Marks the containers whose rights a kustomization for production patches: what they come to is not
/// read.
pub(super) fn open_patched(cx: &Cx<'_>, containers: &mut [Container]) {
    let all = (cx.tree.entries())
        .filter(|(_, entry)| entry.tracking != Tracking::Ignored && is_one(&entry.path))
        .filter(|(_, entry)| purpose::of_path(&entry.path).is_production());
    let patched = all.filter_map(|(file, _)| {
        let yaml = parse(cx, file)?;
        let found = yaml.roots().flat_map(|root| patches(cx, file, root));
        let found: Vec<(String, Span)> = found.filter(|(text, _)| is_about_rights(text)).collect();
        (!found.is_empty()).then(|| (found, brings(cx, file)))
    });
    for (found, brings) in patched.collect::<Vec<_>>() {
        for container in containers.iter_mut().filter(|c| brings.contains(&c.file)) {
            let ContainerKind::Kubernetes { name, .. } = &container.kind else { continue };
            let own = found.iter().find(|(text, _)| text.contains(&**name));
            let Some((text, at)) = own else { continue };
            container.open = container.open.or(Some((Why::Unsupported, *at)));
            if text.contains("runAsUser") {
                container.user = Fact::Unknown(Why::Unsupported, Some(*at));
            }
        }
    }
}

/// The patches of a kustomization, each with whom it is for, and where it is named.
fn patches(cx: &Cx<'_>, file: FileId, root: Value<'_>) -> Vec<(String, Span)> {
    let keys = ["patches", "patchesStrategicMerge", "patchesJson6902"];
    let entries = keys.into_iter().filter_map(|key| root.get(key)).flat_map(Value::items);
    let of_entry = |entry: Value<'_>| {
        let named = entry.get("path").or(Some(entry)).and_then(Value::text);
        let inner = entry.get("patch").and_then(Value::text).or(named).unwrap_or_default();
        let other = (!inner.contains('\n')).then(|| leads(cx, file, inner)).flatten();
        let bytes = other.and_then(|other| cx.bytes(other).ok());
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let target = entry.path(&["target", "name"]).and_then(Value::text).unwrap_or_default();
        (format!("{target}\n{}", text.unwrap_or_else(|| inner.to_owned())), entry.span())
    };
    entries.map(of_entry).collect()
}

fn is_about_rights(patch: &str) -> bool {
    const WORDS: [&str; 6] =
        ["securityContext", "privileged", "runAsUser", "hostNetwork", "hostPID", "hostIPC"];
    WORDS.iter().any(|word| patch.contains(word))
}

/// An image as a kustomization writes it.
fn written(yaml: &Yaml, image: &str) -> Option<(String, Span)> {
    let name = link::untagged(image);
    let entries = yaml.roots().filter_map(|root| root.get("images")).flat_map(Value::items);
    let entry =
        entries.filter(|entry| entry.get("name").and_then(Value::text) == Some(name)).last()?;
    let text = |key: &str| entry.get(key).filter(|value| !value.is_null());
    let new = text("newName").and_then(Value::text).unwrap_or(name);
    let tail = image.get(name.len()..).unwrap_or_default();
    let (tail, at) = match (text("digest"), text("newTag")) {
        (Some(digest), _) => (format!("@{}", digest.text()?), digest.span()),
        (None, Some(tag)) => (format!(":{}", tag.text()?), tag.span()),
        (None, None) => (tail.to_owned(), entry.span()),
    };
    Some((format!("{new}{tail}"), at))
}

/// The manifests that a kustomization brings, through those that it builds on.
fn brings(cx: &Cx<'_>, file: FileId) -> BTreeSet<FileId> {
    let mut found = BTreeSet::from([file]);
    let mut todo = vec![file];
    while let Some(file) = todo.pop() {
        let Some(yaml) = parse(cx, file) else { continue };
        for at in yaml.roots().flat_map(resources).filter_map(Value::text) {
            let Some(next) = leads(cx, file, at) else { continue };
            if found.len() < MAX_RESOURCES && found.insert(next) && is_one(cx.tree.path(next)) {
                todo.push(next);
            }
        }
    }
    found
}

fn is_one(path: &str) -> bool {
    NAMES.contains(&path::name(path))
}

/// The file that a resource is: a manifest, or the kustomization of a directory.
fn leads(cx: &Cx<'_>, file: FileId, resource: &str) -> Option<FileId> {
    let dir = path::parent(cx.tree.path(file));
    let at = normalize_path(&format!("{dir}/{resource}"))?;
    cx.tree.find(&at).or_else(|| {
        NAMES.iter().find_map(|name| cx.tree.find(&normalize_path(&format!("{at}/{name}"))?))
    })
}

fn resources(root: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    ["resources", "bases"].into_iter().filter_map(move |key| root.get(key)).flat_map(Value::items)
}

fn parse(cx: &Cx<'_>, file: FileId) -> Option<Yaml> {
    let bytes = cx.bytes(file).ok()?;
    let span = Span::new(file, TextRange::of(0, bytes.len()));
    let parsed = yaml::parse(Derived::verbatim(bytes, span));
    parsed.errors.is_empty().then_some(parsed.tree)
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec:\n  containers:\n    - {name: api, image: 'acme/api:dev'}\n";

    /// The image that runs, and how many files are left unread, where an overlay builds on a base.
    #[track_caller]
    fn check(overlay: &str, expected: &str) {
        let files = [
            ("k8s/base/pod.yaml", POD),
            ("k8s/base/kustomization.yaml", "resources: [pod.yaml]\n"),
            ("k8s/overlays/live/kustomization.yaml", overlay),
            ("k8s/empty/kustomization.yaml", ""),
        ];
        let delivery = crate::lower(&Tree::from_memory(files));
        let images: Vec<&str> = (delivery.containers.iter())
            .filter_map(|container| container.image.known().map(|image| &**image))
            .collect();
        assert_eq!(
            format!("{} {}", images.join(","), delivery.unsupported.len()),
            expected,
            "{overlay}"
        );
    }

    #[test]
    fn whose_rights_are_patched_is_open() {
        let check = |overlay: &str, expected: bool| {
            let files = [
                ("k8s/base/pod.yaml", POD),
                ("k8s/base/kustomization.yaml", "resources: [pod.yaml]\n"),
                ("k8s/live/root.yaml", "metadata: {name: api}\nspec: {hostNetwork: true}\n"),
                ("k8s/live/kustomization.yaml", overlay),
            ];
            let delivery = crate::lower(&Tree::from_memory(files));
            let open = delivery.containers.iter().any(|container| container.open.is_some());
            assert_eq!(open, expected, "{overlay}");
        };
        let base = "resources: [../base]\n";
        check(&format!("{base}patches: [{{path: root.yaml}}]\n"), true);
        check(&format!("{base}patchesStrategicMerge: [root.yaml]\n"), true);
        let own = "patch: '[{op: add, path: /spec/securityContext, value: {runAsUser: 0}}]'";
        check(&format!("{base}patches: [{{{own}, target: {{name: api}}}}]\n"), true);
        check(&format!("{base}patches: [{{{own}, target: {{name: web}}}}]\n"), false);
        let scaled = "patch: '[{op: add, path: /spec/replicas, value: 2}]'";
        check(&format!("{base}patches: [{{{scaled}, target: {{name: api}}}}]\n"), false);
    }

    #[test]
    fn what_only_names_images_is_read() {
        let overlay = |rest: &str| format!("resources: [../../base]\n{rest}");
        check(&overlay("namespace: live\n"), "acme/api:dev 0");
        let image = |rest: &str| overlay(&format!("images: [{{name: acme/api, {rest}}}]\n"));
        check(&image("newTag: 1.2.3"), "acme/api:1.2.3 0");
        check(&image("newName: other/api, newTag: '5'"), "other/api:5 0");
        check(&image("digest: 'sha256:0a'"), "acme/api@sha256:0a 0");
        check(&overlay("images: [{name: web, newTag: 1}]\n"), "acme/api:dev 0");
        // What changes more, or comes from elsewhere, is not known.
        check(&overlay("patches: [{path: p.yaml}]\n"), "acme/api:dev 1");
        check("resources: [../../base, 'https://example.test/x.yaml']\n", "acme/api:dev 1");
        check("resources: [../gone]\n", "acme/api:dev 1");
    }
}
