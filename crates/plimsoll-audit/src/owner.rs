//! Whose a path is: the service's in whose directory it lies, or no one's.

use plimsoll_model::service::Service;

use crate::{Cx, ServiceSubject};

/// The directory of the service that a path belongs to: the nearest one. What lies at the root of
/// several services is no one's.
pub(crate) fn owner<'a>(cx: &Cx<'a>, path: &str) -> Option<&'a str> {
    let services = &cx.delivery.services;
    let mut dir = path;
    while let Some((above, _)) = dir.rsplit_once('/') {
        dir = above;
        let first = services.partition_point(|service| &*service.dir < dir);
        let mut here =
            services.iter().skip(first).take_while(|service| service.dir == dir).take(64);
        if let Some(found) = here.find(|service| audited(cx, service)) {
            return Some(&found.dir);
        }
    }
    let mut all = services.iter().filter(|service| audited(cx, service));
    let single = all.next().filter(|_| all.next().is_none())?;
    single.dir.is_empty().then_some(&*single.dir)
}

fn audited(cx: &Cx<'_>, service: &Service) -> bool {
    service.purpose.is_production() || cx.policy.purposes.contains(&service.purpose.kind)
}

/// Those of some things, in the order of their paths, that belong to a service.
pub(crate) fn of_service<'a, T>(
    cx: &Cx<'a>,
    service: ServiceSubject<'a>,
    things: &'a [T],
    path: impl Fn(&T) -> &'a str,
) -> Vec<&'a T> {
    let dir = &*service.dir;
    let below = below(things, dir, |thing, end| path(thing) < end).iter();
    below.filter(|thing| owner(cx, path(thing)) == Some(dir)).collect()
}

/// Those of some things, in the order of their paths, that lie below a directory. `is_before` says whether a
/// thing's path comes before another.
pub(crate) fn below<'t, T>(
    things: &'t [T],
    dir: &str,
    is_before: impl Fn(&T, &str) -> bool,
) -> &'t [T] {
    if dir.is_empty() {
        return things;
    }
    // `/` and the character after it enclose what lies below.
    let (first, end) = (format!("{dir}/"), format!("{dir}0"));
    let from = things.partition_point(|thing| is_before(thing, &first));
    let to = things.partition_point(|thing| is_before(thing, &end));
    things.get(from..to).unwrap_or_default()
}

/// Those that belong to no service.
pub(crate) fn of_none<'a, T>(
    cx: &Cx<'a>,
    things: &'a [T],
    path: impl Fn(&T) -> &'a str,
) -> Vec<&'a T> {
    things.iter().filter(|thing| owner(cx, path(thing)).is_none()).collect()
}
