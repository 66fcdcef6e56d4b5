//! Bytes to syntax, with the exact place of everything, and without ever failing.
//!
//! A parser here returns [`Parsed`]: the best tree it could make, and what was wrong with the text.
//! It never panics, never loops, never recurses deeper than [`MAX_DEPTH`], and knows nothing of
//! delivery: what a `FROM` or a `services:` key means is the model's business.
//! Trees are arenas (vectors and indices), so that a hostile text cannot overflow the stack on drop.

pub mod caddyfile;
pub mod directives;
pub mod dockerfile;
pub mod dotenv;
pub mod envvar;
pub mod expression;
pub mod hcl;
pub mod ignorefile;
pub mod javascript;
pub mod nginx;
pub mod program;
pub mod properties;
pub mod python;
pub mod shell;
pub mod tokens;
pub mod toml;
pub mod xml;
pub mod yaml;

use plimsoll_source::Span;

/// The nesting that any parser here follows; what is deeper is an error at its place.
pub const MAX_DEPTH: usize = 256;

/// A tree and what was wrong with its text; never a `Result`.
#[derive(Clone, Debug)]
pub struct Parsed<T> {
    /// The tree, as good as it could be made.
    pub tree: T,
    /// What was wrong, in text order.
    pub errors: Vec<SyntaxError>,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub span: Span,
    /// What is wrong, in words for the user («unterminated here-document `EOF`»).
    pub message: String,
    /// Whether the reader gave up on the rest of the text (or of the document).
    pub fatal: bool,
}
