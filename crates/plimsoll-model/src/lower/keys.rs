//! Which keys a YAML file of a known format may hold, and whether they take a text, a list or a
//! mapping: the walk through it; the tables are the formats' own.

use plimsoll_source::Span;
use plimsoll_syntax::yaml::Value;

use crate::near;

/// Forms of a value, to be added up.
pub(super) const TEXT: u8 = 1;
/// A sequence.
pub(super) const LIST: u8 = 2;
/// A mapping.
pub(super) const MAP: u8 = 4;
/// A scalar that is true or false.
pub(super) const SWITCH: u8 = 8;
/// A scalar that is a number.
pub(super) const NUMBER: u8 = 16;

/// The most values that are looked at in one file; aliases can make a small one endless.
pub(super) const MAX_VALUES: usize = 200_000;
/// The most faults of one file.
const MAX_FAULTS: usize = 50;

/// A key that may stand somewhere.
pub(super) struct Key {
    name: &'static str,
    forms: u8,
    below: Below,
}

/// What stands below a key, where that is known.
enum Below {
    Anything,
    /// These keys.
    Keys(&'static [Key]),
    /// Names, and these keys below each, which is called so.
    Named(&'static str, &'static [Key]),
    /// Items, and these keys in those that are mappings.
    Items(&'static str, &'static [Key]),
}

/// A key with anything below it.
pub(super) const fn key(name: &'static str, forms: u8) -> Key {
    Key { name, forms, below: Below::Anything }
}

/// A key with these below it.
pub(super) const fn keys(name: &'static str, forms: u8, keys: &'static [Key]) -> Key {
    Key { name, forms, below: Below::Keys(keys) }
}

/// A key with names below it, and these keys below each.
pub(super) const fn named(
    name: &'static str,
    forms: u8,
    of: &'static str,
    keys: &'static [Key],
) -> Key {
    Key { name, forms, below: Below::Named(of, keys) }
}

/// A key with a list below it, and these keys in its items.
pub(super) const fn items(
    name: &'static str,
    forms: u8,
    of: &'static str,
    keys: &'static [Key],
) -> Key {
    Key { name, forms, below: Below::Items(of, keys) }
}

/// Where a file holds what its format does not know, and why. `each` sees the value of every key
/// that is known and of a right form.
pub(super) fn faults(
    root: Value<'_>,
    known: &'static [Key],
    of: &str,
    each: &mut dyn FnMut(&'static str, Value<'_>),
) -> Vec<(Span, String)> {
    let mut walk = Walk { found: Vec::new(), left: MAX_VALUES, each };
    walk.keys(root, known, of);
    walk.found
}

struct Walk<'w> {
    found: Vec<(Span, String)>,
    left: usize,
    each: &'w mut dyn FnMut(&'static str, Value<'_>),
}

impl Walk<'_> {
    fn entries<'a>(&mut self, value: Value<'a>) -> Vec<(Value<'a>, Value<'a>)> {
        let entries = if self.left == 0 { Vec::new() } else { value.entries() };
        self.left = self.left.saturating_sub(entries.len() + 1);
        entries
    }

    fn fault(&mut self, at: Value<'_>, says: String) {
        if self.found.len() < MAX_FAULTS {
            self.found.push((at.span(), says));
        }
    }

    fn keys(&mut self, map: Value<'_>, known: &'static [Key], of: &str) {
        debug_assert!(known.is_sorted_by_key(|key| key.name), "{of}: its keys are looked up");
        for (name, value) in self.entries(map) {
            let Some(text) = name.text() else { continue };
            if text.starts_with("x-") || text == "<<" {
                continue;
            }
            let Ok(at) = known.binary_search_by_key(&text, |key| key.name) else {
                let words: Vec<&str> = known.iter().map(|key| key.name).collect();
                let near = near::nearest(text, &words);
                let meant = near.map_or(String::new(), |near| format!(": `{near}` is"));
                let text: String = text.chars().take(40).collect();
                self.fault(name, format!("`{text}` is no key of {of}{meant}"));
                continue;
            };
            if let Some(key) = known.get(at) {
                self.value(key, value);
            }
        }
    }

    fn value(&mut self, key: &'static Key, value: Value<'_>) {
        let form = match () {
            () if value.is_map() => MAP,
            () if value.is_seq() => LIST,
            () => TEXT,
        };
        // What is left empty, or tagged (`!reset`), has no form of its own; an expression may have any.
        let expression = value.text().is_some_and(|text| text.starts_with("${{"));
        if value.is_null() || value.is_unknown() || value.tag().is_some() || expression {
            return;
        }
        let name = key.name;
        let fits = match value.text() {
            Some(text) if key.forms & (SWITCH | NUMBER) != 0 => scalar(key.forms, text),
            _ => key.forms & form != 0,
        };
        if !fits {
            self.fault(value, format!("`{name}` takes {}", forms(key.forms)));
            return;
        }
        (self.each)(name, value);
        match key.below {
            Below::Keys(known) if form == MAP => self.keys(value, known, &format!("`{name}`")),
            Below::Named(of, known) if form == MAP => {
                for (_, inner) in self.entries(value) {
                    if inner.is_map() {
                        self.keys(inner, known, of);
                    }
                }
            }
            Below::Items(of, known) if form == LIST => {
                for item in value.items() {
                    if self.left == 0 {
                        return;
                    }
                    self.left -= 1;
                    if item.is_map() {
                        self.keys(item, known, of);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether a text is a switch or a number, as it is wanted; a variable may be.
fn scalar(forms: u8, text: &str) -> bool {
    let switch = matches!(&*text.to_ascii_lowercase(), "true" | "false");
    let number = text.parse::<f64>().is_ok_and(f64::is_finite);
    text.contains('$') || forms & SWITCH != 0 && switch || forms & NUMBER != 0 && number
}

fn forms(forms: u8) -> &'static str {
    match forms {
        TEXT => "a text, a number or a switch",
        SWITCH => "true or false",
        NUMBER => "a number",
        LIST => "a list",
        MAP => "a mapping",
        f if f == TEXT | LIST => "a text or a list",
        f if f == TEXT | MAP => "a text or a mapping",
        _ => "a list or a mapping",
    }
}
