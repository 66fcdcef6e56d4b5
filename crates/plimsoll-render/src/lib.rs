//! Report to bytes: a file a format. A renderer decides nothing and escapes everything.
//!
//! A file name, a service's name or an excerpt is hostile input to a terminal, a Markdown table and
//! an annotation: each renderer has one function that every text from outside passes through.

mod csv;
mod diff;
mod github;
mod gitlab;
mod html;
mod instance;
mod json;
mod junit;
mod markdown;
mod operations;
mod plain;
mod sarif;
mod terminal;
mod terminal_operations;
mod view;

pub use csv::csv;
pub use diff::diff;
pub use github::{github, github_summary};
pub use gitlab::gitlab;
pub use html::html;
pub use json::{SCHEMA_VERSION, json, schema};
pub use junit::junit;
pub use markdown::{markdown, markdown_of};
pub use sarif::sarif;
pub use terminal::{Style, terminal, wrapped};
pub use view::{Profile, Show, View, matches};
