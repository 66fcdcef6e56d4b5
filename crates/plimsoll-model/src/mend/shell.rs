//! Shell: words of a command found by their place, so that a flag goes where the command reads it.

use plimsoll_source::{Derived, Edit, Span};
use plimsoll_syntax::shell::{CommandId, Script};

use super::after;

/// The words of the command that stands at `at`, with their places; `None` where several texts
/// make it, or a word is not written out.
#[must_use]
pub fn words(text: &Derived, script: &Script, at: Span) -> Option<Vec<(String, Span)>> {
    let is_it = |id: &CommandId| text.span(script.command(*id).range) == at;
    let id = script.simple_commands().find(is_it)?;
    let words = script.argv(id)?;
    words
        .iter()
        .map(|&word| Some((script.literal(word)?, text.span(script.word(word).range))))
        .collect()
}

/// Puts a word behind the first that is one of `names` (`npm ci` → `npm ci --omit=dev`).
#[must_use]
pub fn add_word(words: &[(String, Span)], names: &[&str], word: &str) -> Option<Edit> {
    let (_, place) = words.iter().find(|(text, _)| names.contains(&&**text))?;
    Some(after(*place, format!(" {word}")))
}
