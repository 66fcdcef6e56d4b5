//! HCL with places, as bake files are written in it: blocks with labels and attributes. Templates keep
//! their form (`${NAME}`), for who knows the variables; what is computed otherwise is no value here.

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Attribute, Body};
use hcl_edit::template::{Element, Template};
use plimsoll_source::{Derived, Span, TextRange};

use crate::{Parsed, SyntaxError};

/// A document's blocks, in text order.
#[derive(Clone, Debug, Default)]
pub struct Hcl {
    /// The blocks of the top level.
    pub blocks: Vec<Block>,
}

/// A block: `target "app" { … }`.
#[derive(Clone, Debug)]
pub struct Block {
    /// `target`.
    pub kind: String,
    /// `app`.
    pub labels: Vec<String>,
    /// Its attributes, in text order.
    pub attributes: Vec<(String, Value)>,
    /// The whole block.
    pub span: Span,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string or number; what is put in stands as `${NAME}`, and as `${}` where it is computed.
    Text(String),
    /// `[…]`.
    List(Vec<Value>),
    /// `{…}`.
    Map(Vec<(String, Value)>),
    /// Anything else: computed, a boolean, null.
    Other,
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Eq for Value {}

impl Value {
    /// Its text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its parts, where it is a list.
    #[must_use]
    pub fn list(&self) -> &[Self] {
        match &self.kind {
            Kind::List(values) => values,
            _ => &[],
        }
    }

    /// Its entries, where it is a map.
    #[must_use]
    pub fn map(&self) -> &[(String, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }
}

/// Parses a document. It is empty where the text is no HCL: there is no reading on after an error.
#[must_use]
pub fn parse(text: &Derived) -> Parsed<Hcl> {
    let failed = |range: TextRange, message: String| Parsed {
        tree: Hcl::default(),
        errors: vec![SyntaxError { span: text.span(range), message, fatal: true }],
    };
    let bytes = text.text();
    let Ok(source) = std::str::from_utf8(bytes) else {
        return failed(TextRange::of(0, bytes.len()), "is not UTF-8".to_owned());
    };
    match source.parse::<Body>() {
        Ok(body) => {
            let blocks = body.blocks().map(|block| Block {
                kind: block.ident.to_string(),
                labels: block.labels.iter().map(|label| label.as_str().to_owned()).collect(),
                attributes: block.body.attributes().map(|a| attribute(text, a)).collect(),
                span: place(text, hcl_edit::Span::span(block)),
            });
            Parsed { tree: Hcl { blocks: blocks.collect() }, errors: Vec::new() }
        }
        Err(error) => {
            let at = error.location().offset().min(bytes.len());
            failed(TextRange::of(at, at), error.message().to_owned())
        }
    }
}

fn place(text: &Derived, range: Option<std::ops::Range<usize>>) -> Span {
    let range = range.unwrap_or_default();
    let end = range.end.min(text.text().len());
    text.span(TextRange::of(range.start.min(end), end))
}

fn attribute(text: &Derived, attribute: &Attribute) -> (String, Value) {
    (attribute.key.to_string(), value(text, &attribute.value))
}

/// Bounded by what the parser nests.
fn value(text: &Derived, of: &Expression) -> Value {
    let kind = match of {
        Expression::Array(list) => Kind::List(list.iter().map(|one| value(text, one)).collect()),
        Expression::Object(object) => {
            let entries = object.iter().filter_map(|(key, entry)| {
                let key = match key {
                    ObjectKey::Ident(name) => name.to_string(),
                    ObjectKey::Expression(key) => template(key)?,
                };
                Some((key, value(text, entry.expr())))
            });
            Kind::Map(entries.collect())
        }
        other => template(other).map_or(Kind::Other, Kind::Text),
    };
    Value { kind, span: place(text, hcl_edit::Span::span(of)) }
}

/// A string, with the variables in it as `${NAME}`.
fn template(of: &Expression) -> Option<String> {
    let joined = |template: &Template| {
        let parts = template.iter().map(|element| match element {
            Element::Literal(text) => text.to_string(),
            Element::Interpolation(put) => variable(&put.expr),
            Element::Directive(_) => "${}".to_owned(),
        });
        parts.collect::<String>()
    };
    match of {
        Expression::String(text) => Some(text.to_string()),
        Expression::Number(number) => Some(number.to_string()),
        Expression::StringTemplate(parts) => Some(joined(parts)),
        Expression::HeredocTemplate(heredoc) => Some(joined(&heredoc.template)),
        Expression::Parenthesis(inner) => template(inner.inner()),
        Expression::Variable(_) => Some(variable(of)),
        _ => None,
    }
}

fn variable(of: &Expression) -> String {
    match of {
        Expression::Variable(name) => format!("${{{}}}", name.as_str()),
        _ => "${}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::FileId;

    use super::*;

    fn show(value: &Value) -> String {
        match &value.kind {
            Kind::Text(text) => format!("{text:?}"),
            Kind::List(values) => {
                format!("[{}]", values.iter().map(show).collect::<Vec<_>>().join(" "))
            }
            Kind::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| format!("{key}={}", show(value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
            }
            Kind::Other => "?".to_owned(),
        }
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let whole = Span::new(FileId(0), TextRange::of(0, source.len()));
        let parsed = parse(&Derived::verbatim(source.as_bytes().to_vec(), whole));
        let mut found: Vec<String> = Vec::new();
        for block in &parsed.tree.blocks {
            let head =
                source.lines().nth(source[..block.span.range.start as usize].matches('\n').count());
            assert!(head.is_some_and(|line| line.starts_with(&block.kind)), "{head:?}");
            let attributes = block.attributes.iter().map(|(key, value)| {
                let at = value.span.range.start as usize..value.span.range.end as usize;
                format!("{key}={}@{}", show(value), source[at].lines().count())
            });
            found.push(format!(
                "{} {:?} {}",
                block.kind,
                block.labels,
                attributes.collect::<Vec<_>>().join(" ")
            ));
        }
        found.extend(parsed.errors.iter().map(|e| format!("error at {}", e.span.range.start)));
        assert_eq!(found.join("\n"), expected);
    }

    #[test]
    fn blocks_attributes_and_templates() {
        check(
            "variable \"TAG\" { default = \"latest\" }\n\
             # a comment\n\
             target \"app\" {\n\
             \x20 inherits = [\"_base\"]\n\
             \x20 tags = [\"registry.example/app:${TAG}\", TAG]\n\
             \x20 args = { NODE = 20, \"X\" = upper(TAG) }\n\
             \x20 context = join(\"/\", [\"a\"])\n\
             \x20 dockerfile-inline = <<EOT\nFROM alpine\nRUN echo ${TAG}\nEOT\n\
             }\n",
            "variable [\"TAG\"] default=\"latest\"@1\n\
             target [\"app\"] inherits=[\"_base\"]@1 \
             tags=[\"registry.example/app:${TAG}\" \"${TAG}\"]@1 \
             args={NODE=\"20\" X=?}@1 context=?@1 \
             dockerfile-inline=\"FROM alpine\\nRUN echo ${TAG}\\n\"@4",
        );
    }

    #[test]
    fn what_is_no_hcl_says_where() {
        check("target \"app\" {\n  context = \n}\n", "error at 27");
        check(&format!("a = {}", "[".repeat(100_000)), "error at 69");
    }
}
