//! What the commands of a RUN do to the image.

use plimsoll_source::{Derived, Span};
use plimsoll_syntax::shell::Script;

use crate::base::Family;
use crate::image::Effect;

/// A RUN's program and where it runs.
pub(super) struct Program<'a> {
    /// Its text.
    pub(super) text: &'a Derived,
    /// Its syntax.
    pub(super) script: &'a Script,
    /// The working directory (absolute).
    pub(super) workdir: &'a str,
    /// `--mount` values with their places.
    pub(super) mounts: &'a [(String, Span)],
    /// The base's family, where known: BusyBox and shadow tools differ.
    pub(super) family: Option<Family>,
    /// The value of a build variable, where known.
    pub(super) variables: &'a dyn Fn(&str) -> Option<String>,
}

/// The effects of its commands, in order.
pub(super) fn effects(program: &Program<'_>) -> Vec<Effect> {
    let _ = (
        program.text,
        program.script,
        program.workdir,
        program.mounts,
        program.family,
        program.variables,
    );
    Vec::new()
}
