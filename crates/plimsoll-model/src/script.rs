//! Programs: shell scripts and Makefile recipes, what they call and what that makes them.

use plimsoll_source::{Derived, FileId, Span};
use plimsoll_syntax::shell::Script;

use crate::pipeline::Role;
use crate::purpose::Purpose;

/// A shell script, or a target of a Makefile.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file.
    pub file: FileId,
    /// The Makefile target; `None` for a script.
    pub target: Option<String>,
    /// The text that was parsed.
    pub text: Derived,
    /// The program.
    pub script: Script,
    /// What it does, from what it calls.
    pub roles: Vec<Role>,
    /// Commands run, as far as literal, with their places: what checks look through.
    pub calls: Vec<(Vec<String>, Span)>,
    /// What it is for.
    pub purpose: Purpose,
}
