//! TOML with places: a flat tree over `toml_edit`.

use plimsoll_source::{Derived, Span, TextRange};
use toml_edit::{Document, Item, Key, TableLike};

use crate::{Parsed, SyntaxError};

/// More dots than this in one key are no one's.
const MAX_DOTS: usize = 64;

/// A parsed document; empty where it does not parse.
#[derive(Clone, Debug)]
pub struct Toml {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
struct Node {
    key: Option<String>,
    span: Span,
    kind: Kind,
    children: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Kind {
    Table,
    Array,
    Text(String),
    Bool(bool),
    Other,
}

/// A value in a document.
#[derive(Clone, Copy, Debug)]
pub struct Value<'t> {
    toml: &'t Toml,
    index: usize,
}

/// Parses a document. It is empty where the text is no TOML: there is no reading on after an error.
#[must_use]
pub fn parse(text: &Derived) -> Parsed<Toml> {
    let mut toml = Toml { nodes: Vec::new() };
    let whole = text.whole();
    let failed = |toml: Toml, range: TextRange, message: String| Parsed {
        tree: toml,
        errors: vec![SyntaxError { span: text.span(range), message, fatal: true }],
    };
    toml.nodes.push(Node { key: None, span: whole, kind: Kind::Table, children: Vec::new() });
    if let Some(at) = nested_too_deep(text.text()) {
        return failed(toml, TextRange::of(at, at + 1), "nests too deep".to_owned());
    }
    let Ok(source) = std::str::from_utf8(text.text()) else {
        return failed(toml, TextRange::of(0, text.text().len()), "is not UTF-8".to_owned());
    };
    match Document::parse(source) {
        Ok(document) => {
            for (key, item) in keyed(document.as_table()) {
                add(&mut toml, text, 0, key, item);
            }
            Parsed { tree: toml, errors: Vec::new() }
        }
        Err(error) => {
            let range = error.span().unwrap_or(0..0);
            let end = range.end.min(source.len()).max(range.start);
            failed(toml, TextRange::of(range.start.min(end), end), error.message().to_owned())
        }
    }
}

/// Where a key has more parts than a tree may have levels: `toml_edit` bounds only brackets.
fn nested_too_deep(bytes: &[u8]) -> Option<usize> {
    let mut dots = 0;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'.' => dots += 1,
            b'=' | b',' | b'{' | b'}' | b'[' | b']' | b'\n' => dots = 0,
            _ => {}
        }
        if dots > MAX_DOTS {
            return Some(at);
        }
    }
    None
}

/// The entries of a table with their keys.
fn keyed(table: &dyn TableLike) -> impl Iterator<Item = (Option<&Key>, &Item)> {
    table.iter().map(|(name, item)| (table.key(name), item))
}

/// Adds an item and what is below it.
fn add(toml: &mut Toml, text: &Derived, parent: usize, key: Option<&Key>, item: &Item) {
    let place =
        |range: Option<std::ops::Range<usize>>| range.map(|r| TextRange::of(r.start, r.end));
    let own = place(item.span());
    let range = match (place(key.and_then(Key::span)), own) {
        (Some(key), Some(own)) if key.start <= own.start => key.cover(own),
        (key, own) => own.or(key).unwrap_or(TextRange::new(0, 0)),
    };
    let kind = match item {
        Item::Value(value) if value.is_array() => Kind::Array,
        Item::ArrayOfTables(_) => Kind::Array,
        _ if item.as_table_like().is_some() => Kind::Table,
        _ => match (item.as_str(), item.as_bool()) {
            (Some(text), _) => Kind::Text(text.to_owned()),
            (_, Some(holds)) => Kind::Bool(holds),
            _ => Kind::Other,
        },
    };
    // A table is shown by its header.
    let range = match (&kind, place(key.and_then(Key::span))) {
        (Kind::Table, Some(key)) if item.is_table() => key,
        _ => range,
    };
    let key = key.map(|key| key.get().to_owned());
    let index = toml.nodes.len();
    toml.nodes.push(Node { key, span: text.span(range), kind, children: Vec::new() });
    if let Some(parent) = toml.nodes.get_mut(parent) {
        parent.children.push(index);
    }
    if let Some(table) = item.as_table_like() {
        for (key, item) in keyed(table) {
            add(toml, text, index, key, item);
        }
    }
    if let Some(array) = item.as_array() {
        for value in array {
            let kind = match (value.as_str(), value.as_inline_table()) {
                (_, Some(_)) => Kind::Table,
                (Some(text), _) => Kind::Text(text.to_owned()),
                _ => Kind::Other,
            };
            let range = place(value.span()).unwrap_or(TextRange::new(0, 0));
            let at = toml.nodes.len();
            let span = text.span(range);
            toml.nodes.push(Node { key: None, span, kind, children: Vec::new() });
            if let Some(parent) = toml.nodes.get_mut(index) {
                parent.children.push(at);
            }
            if let Some(table) = value.as_inline_table() {
                for (key, item) in keyed(table) {
                    add(toml, text, at, key, item);
                }
            }
        }
    }
    if let Some(tables) = item.as_array_of_tables() {
        for table in tables {
            let range = place(table.span()).unwrap_or(TextRange::new(0, 0));
            let at = toml.nodes.len();
            let span = text.span(range);
            toml.nodes.push(Node { key: None, span, kind: Kind::Table, children: Vec::new() });
            if let Some(parent) = toml.nodes.get_mut(index) {
                parent.children.push(at);
            }
            for (key, item) in keyed(table) {
                add(toml, text, at, key, item);
            }
        }
    }
}

impl Toml {
    /// The table of the whole document.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value { toml: self, index: 0 }
    }
}

impl<'t> Value<'t> {
    fn node(self) -> Option<&'t Node> {
        self.toml.nodes.get(self.index)
    }

    /// The values in a table or array, in the order in which the document is kept.
    pub fn items(self) -> impl Iterator<Item = Value<'t>> {
        let children = self.node().map(|node| &*node.children).unwrap_or_default();
        children.iter().map(move |&index| Value { toml: self.toml, index })
    }

    /// The value at a way of keys.
    #[must_use]
    pub fn at(self, keys: &[&str]) -> Option<Value<'t>> {
        keys.iter().try_fold(self, |value, key| value.items().find(|v| v.key() == Some(*key)))
    }

    /// The key at which it stands.
    #[must_use]
    pub fn key(self) -> Option<&'t str> {
        self.node()?.key.as_deref()
    }

    /// The text of a string.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        match &self.node()?.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    #[must_use]
    pub fn bool(self) -> Option<bool> {
        match self.node()?.kind {
            Kind::Bool(holds) => Some(holds),
            _ => None,
        }
    }

    /// Whether it is a table.
    #[must_use]
    pub fn is_table(self) -> bool {
        self.node().is_some_and(|node| matches!(node.kind, Kind::Table))
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        self.node().is_some_and(|node| matches!(node.kind, Kind::Array))
    }

    /// Key and value; of a table, its key in the header.
    #[must_use]
    pub fn span(self) -> Option<Span> {
        Some(self.node()?.span)
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::FileId;

    use super::*;

    fn text(source: &str) -> Derived {
        let whole = Span::new(FileId(0), TextRange::of(0, source.len()));
        Derived::verbatim(source.as_bytes().to_vec(), whole)
    }

    /// The text, and the place's text, of the value at a way of keys.
    #[track_caller]
    fn check(source: &str, keys: &[&str], expected: Option<(&str, &str)>) {
        let parsed = parse(&text(source));
        let found = parsed.tree.root().at(keys).map(|value| {
            let span = value
                .span()
                .map_or("", |span| &source[span.range.start as usize..span.range.end as usize]);
            (value.text().unwrap_or("-"), span)
        });
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn values_have_places() {
        check("[a.b]\nc = \"x\"\n", &["a", "b", "c"], Some(("x", "c = \"x\"")));
        check("a.b = { c = 'x' }", &["a", "b", "c"], Some(("x", "c = 'x'")));
        check("[a.b]\nc = 1\n", &["a", "b"], Some(("-", "b")));
        check("a = [\"x\"]", &["a"], Some(("-", "a = [\"x\"]")));
        check("a = ", &["a"], None);
        check(&format!("{}a = 1", "a.".repeat(100_000)), &["a"], None);
        check(&format!("x = {}", "[".repeat(100_000)), &["x"], None);
    }

    #[test]
    fn no_prefix_panics() {
        let source = "[[a]]\nb = [{ c = \"d\" }, 1, true]\n[e.f]\ng = '''h'''\n\u{e9} = 1";
        for end in 0..source.len() {
            let Some(source) = source.get(..end) else { continue };
            let parsed = parse(&text(source));
            assert!(parsed.errors.len() < 2);
        }
    }
}
