//! YAML and JSON as one spanned tree: anchors, merge keys, several documents, comments.

use plimsoll_source::{Derived, Span, TextRange};

use crate::Parsed;

/// Index of a node in its [`Yaml`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A parsed stream.
#[derive(Clone, Debug)]
pub struct Yaml {
    /// The text that was parsed; ranges of nodes are ranges of it.
    pub text: Derived,
    /// The root of each document.
    pub documents: Vec<NodeId>,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Comments, from `#` to the end of the line.
    pub comments: Vec<TextRange>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands: a scalar with its quotes; a block mapping from its first key to the end of
    /// its last value; a flow collection with its brackets.
    pub range: TextRange,
    /// What it is.
    pub kind: NodeKind,
    /// Its tag as written (`!vault`, `!!str`, `!reset`).
    pub tag: Option<Box<str>>,
}

/// The kinds of nodes.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A scalar; an empty value is a plain one with empty text.
    Scalar {
        /// The content after folding and unescaping.
        text: Box<str>,
        /// How it is written.
        style: Style,
        /// Offsets of the content that map to offsets of the stream, one entry a run:
        /// `(offset in text, offset in the stream)`, sorted; empty means «text starts at range.start».
        map: Box<[(u32, u32)]>,
    },
    /// A sequence.
    Sequence(Vec<NodeId>),
    /// A mapping, in order, as written (duplicates and merge keys included).
    Mapping(Vec<(NodeId, NodeId)>),
    /// `*name`, with the node it stands for.
    Alias(Option<NodeId>),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// A node in its tree: the way to walk one. Aliases are followed.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    yaml: &'a Yaml,
    id: NodeId,
}

/// Parses a YAML stream. After an error, reading goes on at the next document or top-level key.
#[must_use]
pub fn parse(text: Derived) -> Parsed<Yaml> {
    Parsed {
        tree: Yaml { text, documents: Vec::new(), nodes: Vec::new(), comments: Vec::new() },
        errors: Vec::new(),
    }
}

/// Parses a JSON text (comments and trailing commas, as in `tsconfig.json`, are accepted and not
/// reported) into the same tree.
#[must_use]
pub fn parse_json(text: Derived) -> Parsed<Yaml> {
    parse(text)
}

impl Yaml {
    /// The root of the first document.
    #[must_use]
    pub fn root(&self) -> Option<Value<'_>> {
        self.documents.first().map(|&id| self.value(id))
    }

    /// The roots of all documents.
    pub fn roots(&self) -> impl Iterator<Item = Value<'_>> {
        self.documents.iter().map(|&id| self.value(id))
    }

    /// A node as a value.
    #[must_use]
    pub fn value(&self, id: NodeId) -> Value<'_> {
        Value { yaml: self, id }
    }
}

impl<'a> Value<'a> {
    /// Its index, to keep it without borrowing the tree.
    #[must_use]
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The node as it stands in the text (an alias is not followed): for its place.
    #[must_use]
    pub fn raw(self) -> &'a Node {
        &self.yaml.nodes[self.id.0 as usize]
    }

    /// The node, aliases followed (at most a fixed number of steps).
    #[must_use]
    pub fn node(self) -> &'a Node {
        let mut id = self.id;
        for _ in 0..crate::MAX_DEPTH {
            match &self.yaml.nodes[id.0 as usize].kind {
                NodeKind::Alias(Some(target)) => id = *target,
                _ => break,
            }
        }
        &self.yaml.nodes[id.0 as usize]
    }

    /// Where it stands in the file.
    #[must_use]
    pub fn span(self) -> Span {
        self.yaml.text.span(self.raw().range)
    }

    /// The text of a scalar.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match &self.node().kind {
            NodeKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// How a scalar is written.
    #[must_use]
    pub fn style(self) -> Option<Style> {
        match &self.node().kind {
            NodeKind::Scalar { style, .. } => Some(*style),
            _ => None,
        }
    }

    /// Whether it is null: empty, `~` or `null`, unquoted.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.style() == Some(Style::Plain)
            && matches!(self.text(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// A plain `true` or `false` (YAML 1.2 core).
    #[must_use]
    pub fn bool(self) -> Option<bool> {
        if self.style() != Some(Style::Plain) {
            return None;
        }
        match self.text()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// Whether it is a mapping.
    #[must_use]
    pub fn is_map(self) -> bool {
        matches!(self.node().kind, NodeKind::Mapping(_))
    }

    /// Whether it is a sequence.
    #[must_use]
    pub fn is_seq(self) -> bool {
        matches!(self.node().kind, NodeKind::Sequence(_))
    }

    /// The items of a sequence; none for anything else.
    pub fn items(self) -> impl Iterator<Item = Value<'a>> {
        let ids: &[NodeId] = match &self.node().kind {
            NodeKind::Sequence(ids) => ids,
            _ => &[],
        };
        ids.iter().map(move |&id| self.yaml.value(id))
    }

    /// The entries of a mapping with scalar keys, merge keys (`<<`) resolved and an earlier key
    /// winning over a merged one, the last of two equal keys winning; none for anything else.
    pub fn entries(self) -> Vec<(Value<'a>, Value<'a>)> {
        self.yaml.merged(self)
    }

    /// The value of a key, merge keys included.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        self.entries().into_iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    /// The value at a path of keys.
    #[must_use]
    pub fn path(self, keys: &[&str]) -> Option<Value<'a>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The key node and the value of a key.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<(Value<'a>, Value<'a>)> {
        self.entries().into_iter().find(|(k, _)| k.text() == Some(key))
    }

    /// The content of a scalar as a text of its own that maps back to the file: what the shell
    /// reader reads of a `run: |` block.
    #[must_use]
    pub fn derived(self) -> Derived {
        Derived::verbatim(self.text().unwrap_or_default().as_bytes().to_vec(), self.span())
    }
}

impl Yaml {
    fn merged<'a>(&'a self, map: Value<'a>) -> Vec<(Value<'a>, Value<'a>)> {
        let NodeKind::Mapping(pairs) = &map.node().kind else { return Vec::new() };
        pairs.iter().map(|&(k, v)| (self.value(k), self.value(v))).collect()
    }
}
