//! Report to bytes: a file a format. A renderer decides nothing and escapes everything.
//!
//! A file name, a service's name or an excerpt is hostile input to a terminal, a Markdown table and
//! an annotation: each renderer has one function that every text from outside passes through.

mod json;
mod markdown;
mod terminal;
mod view;

pub use json::{SCHEMA_VERSION, json, schema};
pub use markdown::{markdown, markdown_of};
pub use terminal::{Style, terminal};
pub use view::{Show, View};
