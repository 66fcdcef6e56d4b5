//! Which image references name what this repository builds.

use std::collections::{BTreeMap, BTreeSet};

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
    pub(crate) fn of(images: &[Image], containers: &[Container]) -> Self {
        let mut built = Self::default();
        for (index, image) in images.iter().enumerate() {
            let id = ImageId(u32::try_from(index).unwrap_or(u32::MAX));
            for name in &image.names {
                built.add(name, id);
            }
        }
        for container in containers {
            if let (Some(id), Some(name)) = (container.image_id, container.image.known()) {
                built.add(name, id);
            }
        }
        built
    }

    fn add(&mut self, name: &str, id: ImageId) {
        let Some(reference) = ImageRef::parse(name) else { return };
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

fn repository(reference: &ImageRef) -> String {
    format!("{}/{}", reference.registry, reference.repository)
}

fn owner(reference: &ImageRef) -> String {
    match reference.repository.split_once('/') {
        Some((owner, _)) => format!("{}/{owner}", reference.registry),
        None => reference.registry.clone(),
    }
}
