//! Delivery files in formats that are not read, known by their names alone.

use plimsoll_source::Tracking;

use super::cx::Cx;
use super::{kustomize, purpose, skaffold};
use crate::purpose::PurposeKind;
use crate::{Unsupported, UnsupportedKind as Kind};

/// Every such file, in path order. What is vendored, an example or a test answers for nothing.
pub(super) fn read(cx: &Cx<'_>) -> Vec<Unsupported> {
    cx.tree
        .entries()
        .filter(|(_, entry)| entry.tracking != Tracking::Ignored)
        .filter_map(|(file, entry)| kind(&entry.path).map(|kind| (file, entry, kind)))
        .filter(|(_, entry, _)| {
            matches!(
                purpose::of_path(&entry.path).kind,
                PurposeKind::Production | PurposeKind::Development
            )
        })
        .filter(|(file, _, kind)| match kind {
            Kind::Skaffold => !skaffold::is_plain(cx, *file),
            Kind::Kustomize => !kustomize::is_plain(cx, *file),
            _ => true,
        })
        .map(|(file, _, kind)| Unsupported { file, kind })
        .collect()
}

/// The format of the file at this path. Forges that read one fixed path count only there.
fn kind(path: &str) -> Option<Kind> {
    match path {
        ".circleci/config.yml" | ".circleci/config.yaml" => return Some(Kind::CircleCi),
        ".drone.yml" | ".drone.yaml" | ".drone.star" | ".drone.jsonnet" => {
            return Some(Kind::Drone);
        }
        ".travis.yml" => return Some(Kind::Travis),
        "bitbucket-pipelines.yml" => return Some(Kind::Bitbucket),
        "appveyor.yml" | ".appveyor.yml" => return Some(Kind::AppVeyor),
        ".woodpecker.yml" | ".woodpecker.yaml" => return Some(Kind::Woodpecker),
        ".semaphore/semaphore.yml" => return Some(Kind::Semaphore),
        ".cirrus.yml" => return Some(Kind::CirrusCi),
        _ => {}
    }
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    if yaml && dir == ".woodpecker" {
        return Some(Kind::Woodpecker);
    }
    if yaml && dir == ".buildkite" {
        return Some(Kind::Buildkite);
    }
    if yaml && (name.starts_with("azure-pipelines") || dir == ".azure-pipelines") {
        return Some(Kind::AzurePipelines);
    }
    if yaml && dir == ".woodpecker" {
        return Some(Kind::Woodpecker);
    }
    match name {
        // Their triggers name any path.
        "cloudbuild.yaml" | "cloudbuild.yml" | "cloudbuild.json" => Some(Kind::CloudBuild),
        "buildspec.yml" | "buildspec.yaml" => Some(Kind::CodeBuild),
        "Chart.yaml" | "Chart.yml" | "helmfile.yaml" | "helmfile.yml" => Some(Kind::Helm),
        "kustomization.yaml" | "kustomization.yml" | "Kustomization" => Some(Kind::Kustomize),
        "Jenkinsfile" => Some(Kind::Jenkins),
        _ if skaffold::is_one(name) => Some(Kind::Skaffold),
        _ if name.starts_with("Jenkinsfile.") || name.ends_with(".jenkinsfile") => {
            Some(Kind::Jenkins)
        }
        _ if name.ends_with(".tf") || name.ends_with(".tf.json") => Some(Kind::Terraform),
        _ if name.ends_with(".nomad") || name.ends_with(".nomad.hcl") => Some(Kind::Nomad),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    use super::*;

    #[test]
    fn formats_are_known_by_name_where_their_tool_reads_them() {
        let tree = Tree::from_memory(
            [
                ".circleci/config.yml",
                "a/.circleci/config.yml",
                "deploy/chart/Chart.yaml",
                "examples/chart/Chart.yaml",
                "infra/main.tf",
                "a/Jenkinsfile",
                "a/cloudbuild.yaml",
                "a/appveyor.yml",
                ".woodpecker/test.yaml",
                "vendor/x/main.tf",
                ".buildkite/pipeline.yml",
                "k8s/kustomization.yaml",
                "k8s/deploy.yaml",
            ]
            .map(|path| (path, "patches: []")),
        );
        let found: Vec<_> = read(&Cx::new(&tree))
            .iter()
            .map(|u| format!("{} {:?}", tree.path(u.file), u.kind))
            .collect();
        assert_eq!(
            found,
            [
                ".buildkite/pipeline.yml Buildkite",
                ".circleci/config.yml CircleCi",
                ".woodpecker/test.yaml Woodpecker",
                "a/Jenkinsfile Jenkins",
                "a/cloudbuild.yaml CloudBuild",
                "deploy/chart/Chart.yaml Helm",
                "infra/main.tf Terraform",
                "k8s/kustomization.yaml Kustomize",
            ]
        );
    }
}
