//! Third-party images by what they are: stores of data, poolers before them, consoles to them.

use plimsoll_model::container::{Container, ContainerKind, DependsOn};
pub(crate) use plimsoll_model::datastore::{Kind, kind};
use plimsoll_model::image::Base;
use plimsoll_model::reference::ImageRef;

use crate::{ContainerSubject, Cx};

/// What a container runs, where its image (or the base of the one that is built here) says so.
pub(crate) fn of(cx: &Cx<'_>, container: &Container) -> Option<Kind> {
    match container.image_id {
        Some(id) => {
            let image = &cx.delivery[id];
            match &image.root_base(image.target?)?.base {
                Base::External(reference) => kind(reference),
                _ => None,
            }
        }
        None => kind(&reference(cx, container)?),
    }
}

/// The third-party containers for production that keep data, or give access to some.
pub(crate) fn of_no_service<'a>(cx: &Cx<'a>) -> impl Iterator<Item = (&'a Container, Kind)> {
    cx.containers_of_no_service().into_iter().filter_map(
        |ContainerSubject { container, .. }| {
            Some((container, of(cx, container).or_else(|| by_port(container))?))
        },
    )
}

/// An image whose name says nothing that publishes the port of a well-known datastore.
fn by_port(container: &Container) -> Option<Kind> {
    const PORTS: [u16; 9] = [1433, 2379, 3306, 5432, 5672, 6379, 9042, 11211, 27017];
    let published = container.ports.iter().filter(|port| port.host.is_some());
    let known = |port: &plimsoll_model::container::Port| {
        crate::ports::number(&port.container).is_some_and(|number| PORTS.contains(&number))
    };
    published.into_iter().any(known).then_some(Kind::Store)
}

/// The datastores (and their poolers) that a container's `depends_on` names, with the containers
/// of its compose project that they are.
pub(crate) fn awaited<'a>(
    cx: &Cx<'a>,
    container: &'a Container,
) -> Vec<(&'a DependsOn, &'a Container)> {
    let ContainerKind::Compose { project } = container.kind else { return Vec::new() };
    let mut found = Vec::new();
    for dependency in &container.depends_on {
        let is_it = |other: &&Container| {
            other.kind == ContainerKind::Compose { project } && other.name == dependency.service
        };
        let Some(other) = cx.delivery.containers.iter().find(is_it) else { continue };
        if matches!(of(cx, other), Some(Kind::Store | Kind::Pooler)) && !other.job {
            found.push((dependency, other));
        }
    }
    found
}

/// The image that a container names. Variables that nothing sets stand for something unknown: of
/// `${REGISTRY}/postgres:${TAG}`, the name is known all the same.
pub(crate) fn reference(cx: &Cx<'_>, container: &Container) -> Option<ImageRef> {
    if let Some(name) = container.image.known() {
        return ImageRef::parse(name);
    }
    ImageRef::parse(&without_references(&written(cx, container)?))
}

/// The text that names a container's image, where it depends on a variable.
pub(crate) fn written(cx: &Cx<'_>, container: &Container) -> Option<String> {
    let span = container.image.span()?;
    let bytes = cx.delivery.tree.read(span.file).ok()?;
    let text = String::from_utf8_lossy(span.range.slice(&bytes)).into_owned();
    Some(text.trim().trim_matches(['"', '\'']).to_owned())
}

/// References to variables as a word that names nothing.
fn without_references(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        out.push_str("unknown");
        rest = match after.strip_prefix('{') {
            Some(inner) => inner.split_once('}').map_or("", |(_, rest)| rest),
            None => after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'),
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, expected: Option<Kind>) {
        let reference = ImageRef::parse(&without_references(image)).expect("a reference");
        assert_eq!(kind(&reference), expected, "{image}");
    }

    #[test]
    fn images_by_their_names() {
        for image in [
            "postgres:17",
            "bitnami/postgresql",
            "timescale/timescaledb-ha:pg17",
            "confluentinc/cp-kafka",
            "mcr.microsoft.com/mssql/server:2022-latest",
            "${REGISTRY:-docker.io}/mongo:${TAG}",
            "amazon/dynamodb-local",
            "quay.io/minio/minio",
        ] {
            check(image, Some(Kind::Store));
        }
        check("edoburu/pgbouncer:latest", Some(Kind::Pooler));
        check("mongo-express", Some(Kind::Console));
        check("provectuslabs/kafka-ui", Some(Kind::Console));
        check("dpage/pgadmin4:9", Some(Kind::Console));
        for image in [
            "oliver006/redis_exporter",
            "minio/mc",
            "postgres-backup-local",
            "node:20",
            "haproxy:3",
        ] {
            check(image, None);
        }
    }
}
