//! JSON: members set in objects, in the indentation of those that are there.

use plimsoll_source::{Derived, Edit, FileId, Span, TextRange, Tree};
use plimsoll_syntax::yaml::{self, Value, Yaml};

use super::{Text, replace};

/// A JSON file that is to be changed.
pub struct Document {
    text: Text,
    yaml: Yaml,
}

/// Opens a file; `None` where it does not parse.
#[must_use]
pub fn open(tree: &Tree, file: FileId) -> Option<Document> {
    let text = Text::of(tree, file)?;
    let whole = Span::new(file, TextRange::of(0, text.bytes.len()));
    let parsed = yaml::parse_json(Derived::verbatim(text.bytes.to_vec(), whole));
    parsed.errors.is_empty().then_some(Document { text, yaml: parsed.tree })
}

impl Document {
    /// Lets the member at a path of keys be this string: replaced where it is there, else added at
    /// the end of its object, which is made where there is none.
    #[must_use]
    pub fn set(&self, path: &[&str], value: &str) -> Option<Edit> {
        let value = quoted(value);
        let mut object = self.yaml.root()?;
        for (depth, key) in path.iter().enumerate() {
            let rest = path.get(depth + 1..).unwrap_or_default();
            match object.get(key) {
                Some(found) if rest.is_empty() => {
                    return found.text().map(|_| replace(found.span(), value));
                }
                Some(found) => object = found,
                None => return self.add(object, key, rest, &value),
            }
        }
        None
    }

    /// A new member at the end of an object; `rest` are the objects between it and the value.
    fn add(&self, object: Value<'_>, key: &str, rest: &[&str], value: &str) -> Option<Edit> {
        if !object.is_map() {
            return None;
        }
        let range = object.raw().range;
        let eol = self.text.eol();
        let last = object.pairs().next_back();
        // An object on one line stays on one.
        let inside = self.text.slice(range.start, range.end);
        if last.is_some() && !inside.contains(&b'\n') {
            let nested = rest
                .iter()
                .rev()
                .fold(value.to_owned(), |inner, key| format!("{{ {}: {inner} }}", quoted(key)));
            let (_, last) = last?;
            let text = format!(", {}: {nested}", quoted(key));
            return Some(self.text.insert(last.raw().range.end, text));
        }
        let outer = self.text.indent(range.start);
        let own = object.pairs().next().map(|(first, _)| self.text.indent(first.raw().range.start));
        let step = self.step();
        let own = own.unwrap_or_else(|| format!("{outer}{step}"));
        let mut text = format!("{}: ", quoted(key));
        for (depth, key) in rest.iter().enumerate() {
            text += &format!("{{{eol}{own}{}{}: ", step.repeat(depth + 1), quoted(key));
        }
        text += value;
        for depth in (0..rest.len()).rev() {
            text += &format!("{eol}{own}{}}}", step.repeat(depth));
        }
        Some(match last {
            Some((_, last)) => self.text.insert(last.raw().range.end, format!(",{eol}{own}{text}")),
            None => replace(object.span(), format!("{{{eol}{own}{text}{eol}{outer}}}")),
        })
    }

    /// How far members stand right of their object's line: as the first member of the whole does.
    fn step(&self) -> String {
        let first = self.yaml.root().and_then(|root| root.pairs().next());
        let step = first.map(|(key, _)| self.text.indent(key.raw().range.start));
        step.filter(|step| !step.is_empty()).unwrap_or_else(|| "  ".to_owned())
    }
}

/// A string as JSON writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::edited;
    use super::*;

    #[track_caller]
    fn check(before: &str, path: &[&str], value: &str, expected: Option<&str>) {
        let tree = Tree::from_memory([("package.json", before)]);
        let document = open(&tree, FileId(0)).expect("it parses");
        let edit = document.set(path, value);
        assert_eq!(edited(&tree, edit.map(|edit| vec![edit])).as_deref(), expected, "{before}");
    }

    #[test]
    fn members_are_added_and_replaced() {
        let path = ["scripts", "clean"];
        check(
            "{\n    \"name\": \"a\",\n    \"scripts\": {\n        \"build\": \"tsc\"\n    }\n}\n",
            &path,
            "rm -rf dist",
            Some(
                "{\n    \"name\": \"a\",\n    \"scripts\": {\n        \"build\": \"tsc\",\n        \"clean\": \"rm -rf dist\"\n    }\n}\n",
            ),
        );
        check(
            "{\r\n\t\"name\": \"a\"\r\n}",
            &path,
            "x",
            Some("{\r\n\t\"name\": \"a\",\r\n\t\"scripts\": {\r\n\t\t\"clean\": \"x\"\r\n\t}\r\n}"),
        );
        check("{\"a\": {\"b\": 1}}", &["a", "c"], "x", Some("{\"a\": {\"b\": 1, \"c\": \"x\"}}"));
        check(
            "{\n  \"scripts\": {}\n}\n",
            &path,
            "x",
            Some("{\n  \"scripts\": {\n    \"clean\": \"x\"\n  }\n}\n"),
        );
        check(
            "{\n  \"scripts\": { \"clean\": \"old\" }\n}\n",
            &path,
            "say \"x\"",
            Some("{\n  \"scripts\": { \"clean\": \"say \\\"x\\\"\" }\n}\n"),
        );
        check("[]", &path, "x", None);
    }
}
