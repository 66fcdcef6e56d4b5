//! `$NAME` and `${NAME:-word}` in the values of a compose file, with the project's `.env` file.
//!
//! Source of the rules: the Compose specification, «Interpolation».

use std::cell::Cell;
use std::collections::BTreeMap;

use plimsoll_source::Span;
use plimsoll_syntax::dotenv::Dotenv;

use crate::container::EnvValue;

/// How deep defaults may lie in defaults.
const MAX_NESTED: usize = 32;

/// What one project may cost to read, in values looked at and bytes filled in. A service of a real
/// project costs a hundred or so; aliases and variables can make a small file endless.
const BUDGET: usize = 4_000_000;

/// The variables that a project's `.env` file sets.
pub(super) struct Vars {
    values: BTreeMap<String, (String, Span)>,
    left: Cell<usize>,
}

impl Vars {
    /// No variables.
    pub(super) fn none() -> Self {
        Self { values: BTreeMap::new(), left: Cell::new(BUDGET) }
    }

    /// The variables of a `.env` file; a later line sees those before it.
    pub(super) fn of(dotenv: &Dotenv) -> Self {
        let mut vars = Self::none();
        for entry in &dotenv.entries {
            // A bare name takes its value from the caller's environment, as if it were not there.
            let Some(written) = &entry.value else { continue };
            let value = if entry.expand {
                let text = interpolate(written, &vars);
                if !text.known {
                    vars.values.remove(&entry.name);
                    continue;
                }
                text.value
            } else {
                written.clone()
            };
            vars.values.insert(entry.name.clone(), (value, entry.value_span));
        }
        vars
    }

    /// Takes `cost` from the budget; whether some is left.
    pub(super) fn spend(&self, cost: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(cost));
        self.left.get() > 0
    }

    /// The value of a variable.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|(value, _)| value.as_str())
    }

    fn get(&self, name: &str) -> Option<&(String, Span)> {
        self.values.get(name).filter(|(value, _)| self.spend(value.len()))
    }
}

/// A value with its references filled in.
#[derive(Default)]
pub(super) struct Text {
    /// The text; a reference that nothing gives a value stays, as `${NAME}`.
    pub(super) value: String,
    /// Whether every reference was given a value.
    pub(super) known: bool,
    /// The name and the default (or the word after `:+`) of each reference.
    pub(super) refs: Vec<(String, Option<String>)>,
    /// The names that are asked for with neither a default nor `:?`, and that nothing here gives.
    pub(super) bare: Vec<String>,
    /// The text around the references.
    pub(super) around: String,
    /// The places in the `.env` file that values came from.
    pub(super) from: Vec<Span>,
}

impl Text {
    /// As the value of an environment variable.
    pub(super) fn env_value(self, written: &str) -> EnvValue {
        if self.refs.is_empty() {
            return EnvValue::Literal(self.value);
        }
        EnvValue::Interpolated {
            text: written.to_owned(),
            refs: self.refs,
            around: self.around,
            value: self.known.then_some(self.value),
        }
    }

    fn literal(&mut self, text: &str) {
        self.value.push_str(text);
        self.around.push_str(text);
    }
}

/// Fills in the references of `text`. A `$` that starts none is kept.
pub(super) fn interpolate(text: &str, vars: &Vars) -> Text {
    fill(text, vars, 0)
}

fn fill(text: &str, vars: &Vars, depth: usize) -> Text {
    let mut out = Text { known: true, ..Text::default() };
    let mut rest = text;
    while let Some(dollar) = memchr::memchr(b'$', rest.as_bytes()) {
        out.literal(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(more) = after.strip_prefix('$') {
            out.literal("$");
            rest = more;
        } else if let Some(open) = after.strip_prefix('{') {
            // What compose refuses to load is kept as it stands.
            let Some((inside, more)) = braced(open) else {
                out.literal(&rest[dollar..]);
                out.known = false;
                return out;
            };
            match inside.split_at(name_len(inside)) {
                ("", _) => {
                    out.literal(&rest[dollar..rest.len() - more.len()]);
                    out.known = false;
                }
                (name, modifier) => reference(&mut out, name, modifier, vars, depth),
            }
            rest = more;
        } else if name_len(after) > 0 {
            let (name, more) = after.split_at(name_len(after));
            reference(&mut out, name, "", vars, depth);
            rest = more;
        } else {
            out.literal("$");
            rest = after;
        }
    }
    out.literal(rest);
    out
}

/// What stands before the closing brace, and what after it.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = memchr::memchr2(b'{', b'}', &bytes[from..]) {
        let at = from + found;
        if bytes[at] == b'}' {
            open -= 1;
            if open == 0 {
                return Some((&text[..at], &text[at + 1..]));
            }
        } else if at > 0 && bytes[at - 1] == b'$' {
            open += 1;
        }
        from = at + 1;
    }
    None
}

fn name_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.first().is_none_or(u8::is_ascii_digit) {
        return 0;
    }
    bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
}

/// Appends what `${name modifier}` stands for.
fn reference(out: &mut Text, name: &str, modifier: &str, vars: &Vars, depth: usize) {
    let (operator, word) = [":-", "-", ":+", "+"]
        .iter()
        .find_map(|op| modifier.strip_prefix(op).map(|word| (*op, word)))
        .unwrap_or(("", ""));
    let given = vars.get(name).filter(|(value, _)| !operator.starts_with(':') || !value.is_empty());
    let word = match (operator, depth < MAX_NESTED && vars.spend(word.len())) {
        ("", _) => None,
        (_, false) => Some(Text { value: format!("${{{name}}}"), ..Text::default() }),
        (_, true) => Some(fill(word, vars, depth + 1)),
    };
    // A default that is nothing but references is no text that someone wrote down.
    let default = word.as_ref().and_then(|word| {
        let bare = word.around.is_empty() && !word.refs.is_empty();
        (!bare || word.refs.iter().any(|(_, default)| default.is_some()))
            .then(|| word.value.clone())
    });
    out.refs.push((name.to_owned(), default));
    if modifier.is_empty() && given.is_none() {
        out.bare.push(name.to_owned());
    }
    if let Some(word) = &word {
        out.refs.extend(word.refs.iter().cloned());
        if given.is_none() {
            out.bare.extend(word.bare.iter().cloned());
        }
    }
    match (operator.ends_with('+'), given, word) {
        (false, Some((value, at)), _) => {
            out.value.push_str(value);
            out.from.push(*at);
        }
        (false, None, Some(word)) => {
            out.value.push_str(&word.value);
            out.known &= word.known;
            out.from.extend(word.from);
        }
        (true, Some((_, at)), Some(word)) => {
            out.value.push_str(&word.value);
            out.known &= word.known;
            out.from.push(*at);
            out.from.extend(word.from);
        }
        // Nothing in the tree sets it; the caller's environment may.
        _ => {
            out.value.push_str("${");
            out.value.push_str(name);
            out.value.push('}');
            out.known = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::{Derived, FileId, TextRange};
    use plimsoll_syntax::dotenv;

    use super::*;

    fn vars(text: &str) -> Vars {
        let span = Span::new(FileId(0), TextRange::of(0, text.len()));
        Vars::of(&dotenv::parse(&Derived::verbatim(text.as_bytes().to_vec(), span)).tree)
    }

    #[test]
    fn references_are_filled_in_as_compose_does() {
        let vars = vars("A=one\nEMPTY=\nB=${A}2\nC=$UNSET\nRAW='$A'\n");
        let check = |text: &str, value: &str, known: bool| {
            let read = interpolate(text, &vars);
            assert_eq!((&*read.value, read.known), (value, known), "{text}");
        };
        check("plain $$A $ 5", "plain $A $ 5", true);
        check("${} ${ ${A}", "${} ${ ${A}", false);
        check("$A-${B}.$RAW", "one-one2.$A", true);
        check("${C}", "${C}", false);
        check("${EMPTY:-x}${EMPTY-y}${UNSET-z}", "xz", true);
        check("${UNSET:-${A}}${UNSET:-${NO}}", "one${NO}", false);
        check("${A:?say}${UNSET:?say}", "one${UNSET}", false);
        check("${A:+yes}${EMPTY+yes}", "yesyes", true);
        check("${UNSET:+yes}", "${UNSET}", false);
    }

    #[test]
    fn references_keep_their_defaults() {
        let check = |text: &str, refs: &[(&str, Option<&str>)], around: &str| {
            let read = interpolate(text, &Vars::none());
            let found: Vec<_> = read.refs.iter().map(|(n, d)| (&**n, d.as_deref())).collect();
            assert_eq!((&*found, &*read.around), (refs, around), "{text}");
        };
        check("postgres://${U}:${P:-pw}@db", &[("U", None), ("P", Some("pw"))], "postgres://:@db");
        check("${A:-${B}}", &[("A", None), ("B", None)], "");
        check("${A:-${B:-lit}}", &[("A", Some("lit")), ("B", Some("lit"))], "");
        check("${A:?must be set}", &[("A", None)], "");
    }

    #[test]
    fn hostile_values_stay_small() {
        let mut text = "A0=xxxxxxxxxxxxxxxx\n".to_owned();
        for i in 1..100 {
            text.push_str(&format!("A{i}=$A{0}$A{0}\n", i - 1));
        }
        let read = interpolate("$A99", &vars(&text));
        assert!(read.value.len() < 3 * BUDGET);
        assert!(!interpolate(&"${A:-".repeat(10_000), &Vars::none()).value.is_empty());
        let nested = format!("{}{}", "${A:-".repeat(5_000), "}".repeat(5_000));
        assert!(!interpolate(&nested, &Vars::none()).known);
    }
}
