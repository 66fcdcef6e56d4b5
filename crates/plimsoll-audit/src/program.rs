//! The program behind a service, or why it cannot be asked.

use plimsoll_model::Why;
use plimsoll_model::code::{Code, Hides};
use plimsoll_source::Span;

use crate::ServiceSubject;

/// The service's program, where it is read from its entry.
///
/// # Errors
/// Why it is not read, and where that is seen.
pub(crate) fn code<'a>(service: ServiceSubject<'a>) -> Result<&'a Code, (Why, Span)> {
    let Some(code) = &service.service.code else { return Err((Why::Unsupported, service.place)) };
    match code.entry.unknown() {
        Some((why, at)) => Err((why, at.unwrap_or(service.place))),
        None if code.entry.is_absent() => Err((Why::NeedsRun, service.place)),
        None => Ok(code),
    }
}

/// The first place behind which anything may lie.
pub(crate) fn gap(code: &Code) -> Option<(Why, Span)> {
    let mut gaps = code.gaps.iter().filter(|gap| gap.hides == Hides::Anything);
    gaps.next().map(|gap| (gap.why, gap.at))
}

/// The first place behind which routes may lie.
pub(crate) fn gap_of_routes(code: &Code) -> Option<(Why, Span)> {
    code.gaps.first().map(|gap| (gap.why, gap.at))
}
