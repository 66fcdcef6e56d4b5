//! Third-party images by what they are: stores of data, poolers before them, consoles to them.

use plimsoll_model::container::{Container, DependsOn};
pub(crate) use plimsoll_model::datastore::Kind;

use crate::{ContainerSubject, Cx, composed};

/// The third-party containers for production that keep data, or give access to some.
pub(crate) fn of_no_service<'a>(cx: &Cx<'a>) -> impl Iterator<Item = (&'a Container, Kind)> {
    cx.containers_of_no_service().into_iter().filter_map(
        |ContainerSubject { container, .. }| {
            Some((container, container.keeps.or_else(|| by_port(container))?))
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
    let mut found = Vec::new();
    for dependency in &container.depends_on {
        let Some(other) = composed::beside(cx, container, &dependency.service) else { continue };
        if matches!(other.keeps, Some(Kind::Store | Kind::Pooler)) && !other.job {
            found.push((dependency, other));
        }
    }
    found
}

/// The text that names a container's image, where it depends on a variable.
pub(crate) fn written(cx: &Cx<'_>, container: &Container) -> Option<String> {
    let span = container.image.span()?;
    let bytes = cx.delivery.tree.read(span.file).ok()?;
    let text = String::from_utf8_lossy(span.range.slice(&bytes)).into_owned();
    Some(text.trim().trim_matches(['"', '\'']).to_owned())
}
