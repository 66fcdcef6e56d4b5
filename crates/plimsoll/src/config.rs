//! `plimsoll.toml`: found in the audited directory, read, and explained when it is wrong.

use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use plimsoll_audit::{Policy, PolicyError};

const NAME: &str = "plimsoll.toml";

/// The policy of the directory, the default where it has no file.
pub(crate) fn read(root: &Path, color: bool) -> Result<Policy, String> {
    let path = root.join(NAME);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Policy::default()),
        Err(error) => return Err(format!("error: {}: {error}", path.display())),
    };
    Policy::parse(&text).map_err(|errors| {
        let shown: Vec<String> =
            errors.iter().map(|e| explain(&path.display().to_string(), &text, e, color)).collect();
        shown.join("\n\n")
    })
}

fn explain(path: &str, text: &str, error: &PolicyError, color: bool) -> String {
    let end = error.range.end.min(text.len());
    let range = error.range.start.min(end)..end;
    let snippet = Snippet::source(text).path(path).annotation(AnnotationKind::Primary.span(range));
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut group = Level::ERROR.primary_title(&*error.message).element(snippet);
    if let Some(help) = &error.help {
        group = group.element(Level::HELP.message(&**help));
    }
    renderer.render(&[group]).to_string()
}
