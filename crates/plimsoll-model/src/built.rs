//! Which image references name what this repository builds.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::Tree;

use crate::ImageId;
use crate::container::Container;
use crate::image::Image;
use crate::reference::ImageRef;

/// The names under which this repository's images are known, and their owners.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// `registry/repository` → the image.
    names: BTreeMap<String, ImageId>,
    /// `registry/owner` of those names; the registry alone where a name has no owner.
    owners: BTreeSet<String>,
}

impl Built {
    /// What builds and descriptors call the images.
    pub(crate) fn of(tree: &Tree, images: &[Image], containers: &[Container]) -> Self {
        let mut built = Self::default();
        for (index, image) in images.iter().enumerate() {
            let id = ImageId(u32::try_from(index).unwrap_or(u32::MAX));
            for name in &image.names {
                built.add(name, id);
            }
        }
        for container in containers {
            let Some(id) = container.image_id else { continue };
            match (container.image.known(), container.image.span()) {
                (Some(name), _) => built.add(name, id),
                // A variable that is the tag leaves the name as it is.
                (None, Some(at)) => {
                    let Ok(bytes) = tree.read(at.file) else { continue };
                    let text = String::from_utf8_lossy(at.range.slice(&bytes)).into_owned();
                    built.add(text.trim().trim_matches(['"', '\'']), id);
                }
                (None, None) => {}
            }
        }
        built
    }

    fn add(&mut self, name: &str, id: ImageId) {
        let name = match name.contains('$') {
            true => untagged(name),
            false => name,
        };
        let Some(reference) = ImageRef::parse(name).filter(|_| !name.contains('$')) else { return };
        // What is called like an official image is no proof that the others are ours.
        if !reference.is_official() {
            self.owners.insert(owner(&reference));
        }
        self.names.entry(repository(&reference)).or_insert(id);
    }

    /// The image that a reference names, if it is built here.
    #[must_use]
    pub fn image(&self, reference: &ImageRef) -> Option<ImageId> {
        self.names.get(&repository(reference)).copied()
    }

    /// Whether it is built here, or by the owner of what is built here.
    #[must_use]
    pub fn is_ours(&self, reference: &ImageRef) -> bool {
        self.image(reference).is_some() || self.owners.contains(&owner(reference))
    }
}

/// A name that holds a variable, without what follows the colon after its last part.
fn untagged(name: &str) -> &str {
    let from = name.find('$').unwrap_or(name.len());
    let slash = name.get(..from).and_then(|before| before.rfind('/')).map_or(0, |at| at + 1);
    match name.get(slash..).and_then(|last| last.find(':')) {
        Some(colon) => name.get(..slash + colon).unwrap_or(name),
        None => name,
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
    use super::untagged;

    #[test]
    fn a_variable_as_the_tag_leaves_the_name() {
        let check = |name: &str, expected: &str| assert_eq!(untagged(name), expected);
        check("ghcr.io/acme/base:${VERSION}", "ghcr.io/acme/base");
        check("ghcr.io/acme/base:${VERSION:-1}", "ghcr.io/acme/base");
        check("registry:5000/base:$TAG", "registry:5000/base");
        check("${REGISTRY:-x}/base:1", "${REGISTRY");
    }
}
