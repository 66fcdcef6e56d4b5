//! Skaffold's configuration: what it builds, and whether it deploys nothing but plain manifests.
//!
//! Source of the rules: the reference of `skaffold.yaml` (v1 to v4).

use plimsoll_source::{FileId, Tracking, normalize_path};
use plimsoll_syntax::yaml::{self, Value, Yaml};

use super::cx::Cx;
use super::link::BuildCall;
use crate::fact::{Fact, Why};
use crate::image::Builder;
use crate::path;

/// Whether a file is one.
pub(super) fn is_one(path: &str) -> bool {
    matches!(path::name(path), "skaffold.yaml" | "skaffold.yml")
}

/// The builds of the artifacts that have a Dockerfile, each seen from the file's directory.
pub(super) fn builds(cx: &Cx<'_>) -> Vec<BuildCall> {
    let files = cx
        .tree
        .entries()
        .filter(|(_, entry)| is_one(&entry.path) && entry.tracking != Tracking::Ignored);
    let mut found = Vec::new();
    for (file, entry) in files {
        let Some(read) = parse(cx, file) else { continue };
        for root in read.roots() {
            let artifacts = root.path(&["build", "artifacts"]);
            for artifact in artifacts.into_iter().flat_map(Value::items) {
                found.extend(build(path::parent(&entry.path), artifact));
            }
        }
    }
    found
}

/// The images that are built without a Dockerfile, by name: Skaffold writes their tags.
pub(super) fn named(cx: &Cx<'_>) -> Vec<String> {
    let files = cx.tree.entries();
    let files =
        files.filter(|(_, entry)| is_one(&entry.path) && entry.tracking != Tracking::Ignored);
    let read = files.filter_map(|(file, _)| parse(cx, file));
    let mut found = Vec::new();
    for yaml in read {
        for root in yaml.roots() {
            let artifacts = root.path(&["build", "artifacts"]);
            let own = artifacts.into_iter().flat_map(Value::items).filter(|one| is_otherwise(*one));
            found.extend(own.filter_map(|one| Some(one.get("image")?.text()?.to_owned())));
        }
    }
    found
}

/// Whether an artifact is built without a Dockerfile.
fn is_otherwise(artifact: Value<'_>) -> bool {
    ["buildpacks", "jib", "bazel", "ko", "custom"].iter().any(|by| artifact.get(by).is_some())
}

fn build(dir: &str, artifact: Value<'_>) -> Option<BuildCall> {
    if is_otherwise(artifact) {
        return None;
    }
    let text = |keys: &[&str]| artifact.path(keys).and_then(Value::text);
    let at = artifact.span();
    let read = |path: String| match path.contains("{{") {
        true => Fact::Unknown(Why::NeedsRun, Some(at)),
        false => normalize_path(&path)
            .map_or(Fact::Unknown(Why::OutOfTree, Some(at)), |path| Fact::declared(path, at)),
    };
    let context = format!("{dir}/{}", text(&["context"]).unwrap_or("."));
    let dockerfile =
        text(&["docker", "dockerfile"]).or(text(&["kaniko", "dockerfile"])).unwrap_or("Dockerfile");
    let target = text(&["docker", "target"]).or(text(&["kaniko", "target"]));
    Some(BuildCall {
        by: Builder::Skaffold,
        span: at,
        dockerfile: read(format!("{context}/{dockerfile}")),
        context: read(context),
        target: target.filter(|target| !target.contains("{{")).map(str::to_owned),
        tags: text(&["image"]).into_iter().map(str::to_owned).collect(),
        args: Vec::new(),
    })
}

/// Whether all that it deploys are manifests that stand in the tree as they are: those are read
/// anyway.
pub(super) fn is_plain(cx: &Cx<'_>, file: FileId) -> bool {
    let Some(read) = parse(cx, file) else { return false };
    read.roots().all(|root| {
        let remote =
            |of: Value<'_>| of.get("git").is_some() || of.get("googleCloudStorage").is_some();
        let profiles = root.get("profiles");
        let deploys = std::iter::once(root).chain(profiles.into_iter().flat_map(Value::items));
        !root.get("requires").into_iter().flat_map(Value::items).any(remote)
            && deploys.into_iter().all(of_manifests)
    })
}

fn of_manifests(config: Value<'_>) -> bool {
    const OTHERS: [&str; 6] = ["helm", "kustomize", "kpt", "docker", "cloudrun", "remoteManifests"];
    let plain = |of: Value<'_>| OTHERS.iter().all(|other| of.get(other).is_none());
    let paths = [&["manifests", "rawYaml"][..], &["deploy", "kubectl", "manifests"]];
    let mut written = paths.iter().filter_map(|keys| config.path(keys)).flat_map(Value::items);
    let patches = config.get("patches").into_iter().flat_map(Value::items);
    let mut patched = patches.filter_map(|patch| patch.get("path").and_then(Value::text));
    ["manifests", "deploy"].iter().filter_map(|key| config.get(key)).all(plain)
        && config.path(&["deploy", "kubectl"]).is_none_or(plain)
        && written.all(|path| path.text().is_some_and(|p| !p.contains("{{") && !p.contains("://")))
        && !patched.any(|path| path.starts_with("/deploy") || path.starts_with("/manifests"))
}

fn parse(cx: &Cx<'_>, file: FileId) -> Option<Yaml> {
    let parsed = yaml::parse(cx.text(file, "skaffold.yaml")?);
    parsed.errors.is_empty().then_some(parsed.tree)
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    use super::*;

    /// What a configuration builds, and whether it deploys only plain manifests.
    #[track_caller]
    fn check(config: &str, expected: &str) {
        let tree = Tree::from_memory([("infra/skaffold.yaml", config)]);
        let cx = Cx::new(&tree);
        let file = tree.find("infra/skaffold.yaml").expect("there");
        let mut found: Vec<String> = builds(&cx)
            .iter()
            .map(|call| {
                let known = |fact: &Fact<String>| fact.known().cloned().unwrap_or("?".to_owned());
                format!(
                    "{} {} {:?}",
                    call.tags.join(","),
                    known(&call.dockerfile),
                    call.context.known()
                )
            })
            .collect();
        found.push(if is_plain(&cx, file) { "plain" } else { "not plain" }.to_owned());
        assert_eq!(found.join("\n"), expected);
    }

    #[test]
    fn artifacts_are_builds_from_their_contexts() {
        check(
            "build:\n  artifacts:\n    - image: me/auth\n      context: ../auth\n    - image: me/web\n      \
             context: web\n      docker: { dockerfile: docker/Dockerfile.prod, target: run }\n    \
             - image: me/pack\n      buildpacks: {}\n",
            "me/auth auth/Dockerfile Some(\"auth\")\n\
             me/web infra/web/docker/Dockerfile.prod Some(\"infra/web\")\nplain",
        );
    }

    #[test]
    fn only_manifests_of_the_tree_are_plain() {
        check("deploy:\n  kubectl:\n    manifests: [./k8s/*]\n", "plain");
        check("manifests:\n  rawYaml: [k8s/*.yaml]\ndeploy:\n  kubectl: {}\n", "plain");
        check("manifests:\n  helm:\n    releases: []\n", "not plain");
        check("deploy:\n  kustomize: {}\n", "not plain");
        check("deploy:\n  kubectl:\n    manifests: ['https://a.example/x.yaml']\n", "not plain");
        check("deploy:\n  kubectl: {}\nprofiles:\n  - deploy:\n      helm: {}\n", "not plain");
        check("profiles:\n  - patches: [{ op: add, path: /deploy/helm }]\n", "not plain");
        check("requires:\n  - git: { repo: 'https://git.example/x' }\n", "not plain");
        check("deploy: [\n", "not plain");
    }
}
