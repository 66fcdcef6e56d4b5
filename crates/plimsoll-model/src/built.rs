//! Which image references name what this repository builds.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::Tree;

use crate::ImageId;
use crate::container::Container;
use crate::image::{Base, Image};
use crate::reference::ImageRef;

/// The names under which this repository's images are known, and their owners.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// `registry/repository` → the image.
    names: BTreeMap<String, ImageId>,
    /// The same with a tag that is written out: one repository may hold several images of ours.
    tagged: BTreeMap<String, ImageId>,
    /// `registry/owner` of those names; the registry alone where a name has no owner.
    owners: BTreeSet<String>,
    /// Names of what is built here without a Dockerfile.
    others: BTreeSet<String>,
}

impl Built {
    /// What builds and descriptors call the images.
    pub(crate) fn of(
        tree: &Tree,
        images: &[Image],
        containers: &[Container],
        others: &[String],
    ) -> Self {
        let others = others.iter().filter_map(|name| Some(repository(&named(name)?)));
        let mut built = Self { others: others.collect(), ..Self::default() };
        for (index, image) in images.iter().enumerate() {
            let id = ImageId(u32::try_from(index).unwrap_or(u32::MAX));
            for name in &image.names {
                built.add(images, name, id);
            }
        }
        for container in containers {
            let Some(id) = container.image_id else { continue };
            match (container.image.known(), container.image.span()) {
                (Some(name), _) => built.add(images, name, id),
                // A variable that is the tag leaves the name as it is.
                (None, Some(at)) => {
                    let Ok(bytes) = tree.read(at.file) else { continue };
                    let text = String::from_utf8_lossy(at.range.slice(&bytes)).into_owned();
                    built.add(images, text.trim().trim_matches(['"', '\'']), id);
                }
                (None, None) => {}
            }
        }
        built
    }

    fn add(&mut self, images: &[Image], name: &str, id: ImageId) {
        let Some(reference) = named(name) else { return };
        // What is called like an official image is no proof that the others are ours.
        if !reference.is_official() {
            self.owners.insert(owner(&reference));
        }
        // An image that is given the name of its own base (`FROM mysql:8.0` built as `mysql:8.0`)
        // does not start from itself: that name means what is published.
        let stages = images.get(id.0 as usize).into_iter().flat_map(|image| &image.stages);
        let own = repository(&reference);
        let bases: Vec<ImageRef> = stages.filter_map(|stage| reference_of(&stage.base)).collect();
        if let Some(tag) = reference.tag.as_deref().filter(|tag| !tag.contains('$'))
            && !bases.iter().any(|base| base.tag == reference.tag && repository(base) == own)
        {
            self.tagged.entry(format!("{own}:{tag}")).or_insert(id);
        }
        if !bases.iter().any(|base| repository(base) == own) {
            self.names.entry(own).or_insert(id);
        }
    }

    /// The image of this repository that a stage starts from: that of the same name and tag, else
    /// of the name, since many builds give a tag of their own.
    #[must_use]
    pub fn base(&self, base: &Base) -> Option<ImageId> {
        self.image(&reference_of(base)?)
    }

    /// The image that a reference names, if it is built here.
    #[must_use]
    pub fn image(&self, reference: &ImageRef) -> Option<ImageId> {
        let name = repository(reference);
        let tagged =
            reference.tag.as_ref().and_then(|tag| self.tagged.get(&format!("{name}:{tag}")));
        tagged.or_else(|| self.names.get(&name)).copied()
    }

    /// Whether it is built here without a Dockerfile (by jib, buildpacks): by a tool that writes its
    /// tag when it deploys.
    #[must_use]
    pub fn is_built_otherwise(&self, reference: &ImageRef) -> bool {
        reference.tag.is_none() && self.others.contains(&repository(reference))
    }

    /// Whether it is built here, or by the owner of what is built here.
    #[must_use]
    pub fn is_ours(&self, reference: &ImageRef) -> bool {
        self.image(reference).is_some() || self.owners.contains(&owner(reference))
    }
}

/// A name as far as it is written out: only its tag may hold variables or expressions.
pub(crate) fn named(text: &str) -> Option<ImageRef> {
    let head = text.split('$').next().unwrap_or(text);
    if head.len() == text.len() {
        return ImageRef::parse(text);
    }
    let start = head.rfind('/').map_or(0, |at| at + 1);
    let colon = head[start..].find(':')?;
    ImageRef::parse(&head[..start + colon])
}

fn reference_of(base: &Base) -> Option<ImageRef> {
    match base {
        Base::External(reference) => Some(reference.clone()),
        Base::Dynamic(written) => named(written),
        Base::Scratch | Base::Stage(_) => None,
    }
}

fn repository(reference: &ImageRef) -> String {
    format!("{}/{}", reference.registry, reference.repository)
}

fn owner(reference: &ImageRef) -> String {
    match reference.repository.split_once('/') {
        Some((owner, _)) => format!("{}/{owner}", reference.registry),
        None => reference.registry.clone(),
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    /// What each Dockerfile's stages start from: the Dockerfile that is built under that name.
    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let delivery = crate::lower(&Tree::from_memory(files.iter().copied()));
        let bases = delivery.images.iter().flat_map(|image| {
            let of = |stage: &crate::image::Stage| delivery.built.base(&stage.base);
            image.stages.iter().map(move |stage| (&image.path, of(stage)))
        });
        let shown: Vec<String> = bases
            .map(|(path, base)| format!("{path} < {}", base.map_or("-", |id| &delivery[id].path)))
            .collect();
        assert_eq!(shown, expected);
    }

    const BASE: (&str, &str) = ("base/Dockerfile", "FROM node:22-slim\nUSER node\n");

    #[test]
    fn a_base_is_ours_by_its_name_whatever_its_tag() {
        let compose =
            "services:\n  base:\n    build: ./base\n    image: ghcr.io/acme/base:${VERSION}\n";
        let workflow = "on: push\njobs:\n  a:\n    steps:\n      - uses: docker/build-push-action@v6\n        with: {context: base, push: true, tags: 'ghcr.io/acme/base:${{ github.sha }}'}\n";
        let app = ("app/Dockerfile", "ARG BRANCH=develop\nFROM ghcr.io/acme/base:${BRANCH}\n");
        let ours = ["app/Dockerfile < base/Dockerfile", "base/Dockerfile < -"];
        check(&[BASE, app, ("compose.yaml", compose)], &ours);
        check(&[BASE, app, (".github/workflows/a.yml", workflow)], &ours);
        let open = ("app/Dockerfile", "ARG BRANCH\nFROM ghcr.io/acme/base:${BRANCH}\n");
        check(&[BASE, open, ("compose.yaml", compose)], &ours);
        let other = ("app/Dockerfile", "ARG BASE=base\nARG V\nFROM ghcr.io/acme/other:${V}\n");
        check(
            &[BASE, other, ("compose.yaml", compose)],
            &["app/Dockerfile < -", "base/Dockerfile < -"],
        );
    }

    #[test]
    fn an_image_is_not_its_own_base() {
        check(
            &[
                ("db/Dockerfile", "FROM mysql:8.0\n"),
                ("compose.yaml", "services:\n  db:\n    build: ./db\n    image: mysql:8.0\n"),
            ],
            &["db/Dockerfile < -"],
        );
    }
}
