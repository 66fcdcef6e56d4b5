//! XML with places: elements with their text and attributes, in one flat list.
//!
//! Entities other than the five of XML itself are left as written; a document type is not read, so
//! that nothing expands.

use plimsoll_source::{Derived, Span, TextRange};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::{MAX_DEPTH, Parsed, SyntaxError};

/// More elements than this are no manifest's.
const MAX_ELEMENTS: usize = 200_000;

/// A document's elements, in text order.
#[derive(Clone, Debug, Default)]
pub struct Xml {
    elements: Vec<Node>,
}

#[derive(Clone, Debug)]
struct Node {
    name: String,
    parent: Option<usize>,
    attributes: Vec<(String, String)>,
    text: String,
    range: TextRange,
    span: Span,
    children: Vec<usize>,
}

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub struct Element<'x> {
    xml: &'x Xml,
    index: usize,
}

/// Parses a document; what stands after an error is not read.
#[must_use]
pub fn parse(text: &Derived) -> Parsed<Xml> {
    let bytes = text.text();
    let mut xml = Xml::default();
    let mut errors = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let Ok(source) = std::str::from_utf8(bytes) else {
        let span = text.span(TextRange::of(0, bytes.len()));
        errors.push(SyntaxError { span, message: "is not UTF-8".to_owned(), fatal: true });
        return Parsed { tree: xml, errors };
    };
    let mut reader = Reader::from_str(source);
    reader.config_mut().check_end_names = true;
    let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
    loop {
        let from = at(reader.buffer_position());
        let event = reader.read_event();
        let to = at(reader.buffer_position());
        let here = TextRange::of(from.min(to), to);
        let mut fail = |message: String| {
            errors.push(SyntaxError { span: text.span(here), message, fatal: true });
        };
        match event {
            Ok(Event::Start(tag)) => {
                if open.len() >= MAX_DEPTH || xml.elements.len() >= MAX_ELEMENTS {
                    fail("nests too deep, or is too large".to_owned());
                    break;
                }
                open.push(xml.add(text, &tag, open.last().copied(), here));
            }
            Ok(Event::Empty(tag)) => {
                if xml.elements.len() >= MAX_ELEMENTS {
                    fail("is too large".to_owned());
                    break;
                }
                xml.add(text, &tag, open.last().copied(), here);
            }
            Ok(Event::End(_)) => {
                if let Some(node) = open.pop().and_then(|index| xml.elements.get_mut(index)) {
                    node.range = node.range.cover(here);
                    node.span = text.span(node.range);
                }
            }
            Ok(Event::Text(inner)) => xml.append(&open, &inner),
            Ok(Event::CData(inner)) => xml.append(&open, &inner),
            Ok(Event::GeneralRef(name)) => {
                let text = match &*name {
                    "amp" => "&".to_owned(),
                    "lt" => "<".to_owned(),
                    "gt" => ">".to_owned(),
                    "quot" => "\"".to_owned(),
                    "apos" => "'".to_owned(),
                    other => format!("&{other};"),
                };
                xml.append(&open, &text);
            }
            Ok(Event::Eof) => {
                if !open.is_empty() {
                    fail("ends within an element".to_owned());
                }
                break;
            }
            Ok(_) => {}
            Err(error) => {
                fail(error.to_string());
                break;
            }
        }
    }
    Parsed { tree: xml, errors }
}

fn local(name: &str) -> String {
    name.rsplit_once(':').map_or(name, |(_, local)| local).to_owned()
}

impl Xml {
    fn add(
        &mut self,
        text: &Derived,
        tag: &BytesStart<'_>,
        parent: Option<usize>,
        range: TextRange,
    ) -> usize {
        let attributes = tag.attributes().flatten().take(100).map(|attribute| {
            let value = attribute.value.into_owned();
            (local(attribute.key.into_inner()), value)
        });
        let index = self.elements.len();
        let node = Node {
            name: local(tag.name().into_inner()),
            parent,
            attributes: attributes.collect(),
            text: String::new(),
            range,
            span: text.span(range),
            children: Vec::new(),
        };
        self.elements.push(node);
        if let Some(parent) = parent.and_then(|parent| self.elements.get_mut(parent)) {
            parent.children.push(index);
        }
        index
    }

    fn append(&mut self, open: &[usize], text: &str) {
        if let Some(node) = open.last().and_then(|&index| self.elements.get_mut(index)) {
            node.text.push_str(text);
        }
    }

    /// The outermost element.
    #[must_use]
    pub fn root(&self) -> Option<Element<'_>> {
        self.elements.first().map(|_| Element { xml: self, index: 0 })
    }

    /// Every element of a name, in text order.
    pub fn named<'x>(&'x self, name: &'x str) -> impl Iterator<Item = Element<'x>> {
        let found = self.elements.iter().enumerate().filter(move |(_, node)| node.name == name);
        found.map(move |(index, _)| Element { xml: self, index })
    }
}

impl<'x> Element<'x> {
    fn node(self) -> Option<&'x Node> {
        self.xml.elements.get(self.index)
    }

    /// Its name without a prefix.
    #[must_use]
    pub fn name(self) -> &'x str {
        self.node().map_or("", |node| &node.name)
    }

    /// Its own text, without that of elements in it, trimmed.
    #[must_use]
    pub fn text(self) -> &'x str {
        self.node().map_or("", |node| node.text.trim())
    }

    /// The value of an attribute, entities as written.
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<&'x str> {
        let mut attributes = self.node()?.attributes.iter();
        attributes.find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The elements directly in it.
    pub fn children(self) -> impl Iterator<Item = Element<'x>> {
        let children = self.node().map(|node| &*node.children).unwrap_or_default();
        children.iter().map(move |&index| Element { xml: self.xml, index })
    }

    /// The first element at a way of names.
    #[must_use]
    pub fn at(self, names: &[&str]) -> Option<Element<'x>> {
        names.iter().try_fold(self, |element, name| element.children().find(|e| e.name() == *name))
    }

    /// The element in which it stands.
    #[must_use]
    pub fn parent(self) -> Option<Element<'x>> {
        Some(Element { xml: self.xml, index: self.node()?.parent? })
    }

    /// From its first tag to its last.
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

    /// The text, and the place's text, of the element at a way of names.
    #[track_caller]
    fn check(source: &str, names: &[&str], expected: Option<(&str, &str)>) {
        let parsed = parse(&text(source));
        let found = parsed.tree.root().and_then(|root| root.at(names)).map(|element| {
            let span = element
                .span()
                .map_or("", |span| &source[span.range.start as usize..span.range.end as usize]);
            (element.text(), span)
        });
        assert_eq!(found.as_ref().map(|(a, b)| (*a, *b)), expected, "{source}");
    }

    #[test]
    fn elements_have_places() {
        check("<a><b>x</b></a>", &["b"], Some(("x", "<b>x</b>")));
        check("<?xml version='1'?>\n<a><n:b> x </n:b></a>", &["b"], Some(("x", "<n:b> x </n:b>")));
        check("<a><b><!-- no -->x&amp;y<![CDATA[<]]></b></a>", &["b"], {
            Some(("x&y<", "<b><!-- no -->x&amp;y<![CDATA[<]]></b>"))
        });
        check("<a><b c='d'/></a>", &["b"], Some(("", "<b c='d'/>")));
        check("<!DOCTYPE a [<!ENTITY x 'yy'>]><a><b>&x;</b></a>", &["b"], {
            Some(("&x;", "<b>&x;</b>"))
        });
        check("<a><b>", &["b"], Some(("", "<b>")));
        check(&"<a>".repeat(100_000), &["b"], None);
    }

    #[test]
    fn no_prefix_panics() {
        let source = "<a b=\"c\" d='e'><!-- f --><g>&lt;\u{e9}</g><![CDATA[h]]><i/></a>";
        for end in 0..source.len() {
            let Some(source) = source.get(..end) else { continue };
            assert!(parse(&text(source)).errors.len() < 2);
        }
    }
}
