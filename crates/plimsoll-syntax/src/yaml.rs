//! YAML and JSON as one spanned tree: anchors, merge keys, several documents, comments.

use foldhash::HashSet;
use plimsoll_source::{Derived, DerivedBuilder, Span, TextRange};

use crate::{Parsed, SyntaxError};

mod build;
mod content;
mod events;
mod json;

use content::Decoded;

/// Index of a node in its [`Yaml`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A parsed stream. Walk it with [`Value`].
#[derive(Clone, Debug)]
pub struct Yaml {
    /// The text that was parsed; ranges of nodes are ranges of it.
    pub text: Derived,
    /// The root of each document.
    pub documents: Vec<NodeId>,
    /// Comments, from `#` (or `//`, `/*` in JSON) to their end.
    pub comments: Vec<TextRange>,
    /// What was skipped after a fatal error, until reading could go on.
    pub lost: Vec<TextRange>,
    /// For JSON: the first place where the text is not JSON as the standard has it, but a comment
    /// or a trailing comma that lenient readers accept.
    pub relaxed: Option<TextRange>,
    nodes: Vec<Node>,
    /// The children of all collections; a mapping's are key, value, key, value.
    links: Vec<NodeId>,
    /// The contents of scalars that are not a slice of the text.
    decoded: Vec<Decoded>,
    /// The nodes with a tag and where it stands, sorted.
    tags: Vec<(NodeId, TextRange)>,
}

/// One node; twenty bytes, since lockfiles have a million of them.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Where it stands: a scalar with its quotes; a block mapping from its first key to the end of
    /// its last value; a block scalar from its `|` to its last line that is not blank; a flow
    /// collection with its brackets. Tag and anchor are not part of it.
    pub range: TextRange,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// `decoded` is an index into [`Yaml::decoded`]; [`VERBATIM`] where the content is the text
    /// in the node's range, quotes cut off.
    Scalar { style: Style, decoded: u32 },
    /// `count` items from `first` in [`Yaml::links`].
    Sequence { first: u32, count: u32, partial: bool },
    /// `count` links (two an entry). `simple` when its keys are scalars, all different, none `<<`.
    Mapping { first: u32, count: u32, partial: bool, simple: bool },
    /// `*name`; `None` where it stands for nothing, and for a value lost to a syntax error.
    Alias(Option<NodeId>),
}

const VERBATIM: u32 = u32::MAX;

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

/// Parses a YAML stream. After an error, reading goes on at the next top-level key or document.
///
/// Every scan error is fatal (the value it lies in is [partial](Value::is_partial)); duplicate keys
/// and aliases of nothing are not. Bytes that are not UTF-8 are read as `?`.
#[must_use]
pub fn parse(text: Derived) -> Parsed<Yaml> {
    finish(text, events::read)
}

/// Parses a JSON text into the same tree: strings are [`Style::Double`], the rest
/// [`Style::Plain`]. Comments and trailing commas, as in `tsconfig.json`, are no errors, but
/// noted in [`Yaml::relaxed`]. Reading ends at a fatal error; what was read is kept.
#[must_use]
pub fn parse_json(text: Derived) -> Parsed<Yaml> {
    finish(text, json::read)
}

fn finish(text: Derived, read: impl FnOnce(&[u8]) -> build::Built) -> Parsed<Yaml> {
    let built = read(text.text());
    let error = |e: build::Trouble| SyntaxError {
        span: text.span(e.range),
        message: e.message,
        fatal: e.fatal,
    };
    let errors = built.errors.into_iter().map(error).collect();
    let build::Built { documents, comments, lost, relaxed, nodes, links, decoded, tags, .. } =
        built;
    let tree = Yaml { text, documents, comments, lost, relaxed, nodes, links, decoded, tags };
    Parsed { tree, errors }
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

    /// A node as a value; `id` is one of this tree.
    #[must_use]
    pub fn value(&self, id: NodeId) -> Value<'_> {
        Value { yaml: self, id }
    }

    /// The nodes that aliases stand for, sorted: a change of one is a change of them all.
    #[must_use]
    pub fn shared(&self) -> Vec<NodeId> {
        let target = |node: &Node| match node.kind {
            Kind::Alias(target) => target,
            _ => None,
        };
        let mut shared: Vec<NodeId> = self.nodes.iter().filter_map(target).collect();
        shared.sort_unstable();
        shared.dedup();
        shared
    }

    fn links(&self, first: u32, count: u32) -> &[NodeId] {
        &self.links[first as usize..(first + count) as usize]
    }

    /// The pairs of a mapping node as written; none for anything else.
    fn pairs(&self, id: NodeId) -> impl DoubleEndedIterator<Item = (Value<'_>, Value<'_>)> {
        let links = match self.value(id).node().kind {
            Kind::Mapping { first, count, .. } => self.links(first, count),
            _ => &[],
        };
        links.chunks_exact(2).map(|pair| (self.value(pair[0]), self.value(pair[1])))
    }

    /// A mapping and those that its merge keys bring in, the ones that win first. Each is listed
    /// once, where it has most say, so the walk is linear whatever merges what.
    fn layers(&self, map: NodeId) -> Vec<NodeId> {
        /// Looking through so few is faster than hashing them.
        const FEW: usize = 16;
        let mut layers = Vec::new();
        let mut seen = HashSet::default();
        let mut stack = vec![map];
        while let Some(id) = stack.pop() {
            if layers.len() == FEW {
                seen.extend(&layers);
            }
            if layers.len() < FEW && layers.contains(&id) || layers.len() >= FEW && !seen.insert(id)
            {
                continue;
            }
            layers.push(id);
            // The stack turns the order round: what is pushed last wins. Of two `<<` the later
            // wins, as of any two equal keys; within a list the earlier.
            for (_, value) in self.pairs(id).filter(|(key, _)| key.is_merge()) {
                let from = stack.len();
                if value.is_map() {
                    stack.push(value.target());
                }
                stack.extend(value.items().filter(|item| item.is_map()).map(Value::target));
                stack[from..].reverse();
            }
        }
        layers
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

    /// The node, an alias followed: the one that other aliases of the same anchor share.
    #[must_use]
    pub fn node(self) -> &'a Node {
        &self.yaml.nodes[self.target().0 as usize]
    }

    /// The index of [`Value::node`]. An anchor never names an alias, so one step is enough.
    #[must_use]
    pub fn target(self) -> NodeId {
        match self.raw().kind {
            Kind::Alias(Some(target)) => target,
            _ => self.id,
        }
    }

    /// Where it stands in the file; of an alias, the alias.
    #[must_use]
    pub fn span(self) -> Span {
        self.yaml.text.span(self.raw().range)
    }

    /// Whether it is an alias as written (`*name`), or a value that could not be read.
    #[must_use]
    pub fn is_alias(self) -> bool {
        matches!(self.raw().kind, Kind::Alias(_))
    }

    /// Whether it is a collection in brackets: all of JSON's are.
    #[must_use]
    pub fn is_flow(self) -> bool {
        let first = self.raw().range.slice(self.yaml.text.text()).first();
        !self.is_alias() && self.text().is_none() && matches!(first, Some(b'{' | b'['))
    }

    /// Whether nothing can be said of it: an alias of nothing, or a value lost to a syntax error.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        matches!(self.node().kind, Kind::Alias(_))
    }

    /// Whether a syntax error cut this collection short: what it seems not to hold, it may hold.
    #[must_use]
    pub fn is_partial(self) -> bool {
        matches!(
            self.node().kind,
            Kind::Mapping { partial: true, .. } | Kind::Sequence { partial: true, .. }
        )
    }

    /// Its tag as written (`!vault`, `!!str`, `!reset`), and where it stands.
    #[must_use]
    pub fn tag(self) -> Option<(&'a str, Span)> {
        let id = self.target();
        let index = self.yaml.tags.binary_search_by_key(&id, |&(node, _)| node).ok()?;
        let range = self.yaml.tags[index].1;
        let text = std::str::from_utf8(range.slice(self.yaml.text.text())).ok()?;
        Some((text, self.yaml.text.span(range)))
    }

    /// The text of a scalar, folded and unescaped.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        let node = self.node();
        match node.kind {
            Kind::Scalar { decoded: VERBATIM, style } => {
                let bytes = content::inside(node.range, style).slice(self.yaml.text.text());
                Some(std::str::from_utf8(bytes).unwrap_or_default())
            }
            Kind::Scalar { decoded, .. } => Some(&self.yaml.decoded[decoded as usize].text),
            _ => None,
        }
    }

    /// A scalar's text as `text` says, without looking at what is no UTF-8: for comparing.
    #[must_use]
    pub fn bytes(self) -> Option<&'a [u8]> {
        let node = self.node();
        match node.kind {
            Kind::Scalar { decoded: VERBATIM, style } => {
                Some(content::inside(node.range, style).slice(self.yaml.text.text()))
            }
            Kind::Scalar { decoded, .. } => {
                Some(self.yaml.decoded[decoded as usize].text.as_bytes())
            }
            _ => None,
        }
    }

    /// Whether it is a scalar of this text.
    #[must_use]
    pub fn reads(self, wanted: &str) -> bool {
        self.bytes() == Some(wanted.as_bytes())
    }

    /// How a scalar is written.
    #[must_use]
    pub fn style(self) -> Option<Style> {
        match self.node().kind {
            Kind::Scalar { style, .. } => Some(style),
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
        matches!(self.node().kind, Kind::Mapping { .. })
    }

    /// Whether it is a sequence.
    #[must_use]
    pub fn is_seq(self) -> bool {
        matches!(self.node().kind, Kind::Sequence { .. })
    }

    /// A plain `<<` key.
    fn is_merge(self) -> bool {
        self.style() == Some(Style::Plain) && self.reads("<<")
    }

    /// The items of a sequence; none for anything else.
    pub fn items(self) -> impl Iterator<Item = Value<'a>> {
        let ids = match self.node().kind {
            Kind::Sequence { first, count, .. } => self.yaml.links(first, count),
            _ => &[],
        };
        ids.iter().map(move |&id| self.yaml.value(id))
    }

    /// The entries of a mapping with scalar keys, merge keys (`<<`) resolved and a mapping's own
    /// key winning over a merged one, the last of two equal keys winning; none for anything else.
    /// Own keys come first, in order.
    #[must_use]
    pub fn entries(self) -> Vec<(Value<'a>, Value<'a>)> {
        let id = self.target();
        match self.node().kind {
            Kind::Mapping { simple: true, .. } => self.yaml.pairs(id).collect(),
            Kind::Mapping { .. } => {
                let mut seen = HashSet::default();
                let mut entries = Vec::new();
                for layer in self.yaml.layers(id) {
                    let from = entries.len();
                    let own = self.yaml.pairs(layer).rev().filter(|(key, _)| !key.is_merge());
                    entries.extend(
                        own.filter(|(key, _)| key.text().is_some_and(|text| seen.insert(text))),
                    );
                    entries[from..].reverse();
                }
                entries
            }
            _ => Vec::new(),
        }
    }

    /// The entries of a mapping as written: duplicates, merge keys and keys that are not scalars
    /// included.
    pub fn pairs(self) -> impl DoubleEndedIterator<Item = (Value<'a>, Value<'a>)> {
        self.yaml.pairs(self.target())
    }

    /// The value of a key, merge keys included.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The value at a path of keys.
    #[must_use]
    pub fn path(self, keys: &[&str]) -> Option<Value<'a>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The key node and the value of a key, merge keys included. Allocates only where a merge key
    /// has to be followed.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<(Value<'a>, Value<'a>)> {
        let own = |map: NodeId| {
            let is_it = |k: Value<'_>| k.reads(key) && !k.is_merge();
            self.yaml.pairs(map).rev().find(|&(k, _)| is_it(k))
        };
        let id = self.target();
        match self.node().kind {
            Kind::Mapping { simple: true, .. } => own(id),
            Kind::Mapping { .. } => {
                own(id).or_else(|| self.yaml.layers(id).into_iter().skip(1).find_map(own))
            }
            _ => None,
        }
    }

    /// The content of a scalar as a text of its own that maps back to the file: what the shell
    /// reader reads of a `run: |` block. Empty for anything else.
    #[must_use]
    pub fn derived(self) -> Derived {
        let text = &self.yaml.text;
        let node = self.node();
        let place = text.span(node.range);
        let mut builder = DerivedBuilder::new();
        match node.kind {
            Kind::Scalar { decoded: VERBATIM, style } => {
                builder.append(text, content::inside(node.range, style))
            }
            Kind::Scalar { decoded, .. } => {
                let decoded = &self.yaml.decoded[decoded as usize];
                for (bytes, piece) in decoded.pieces() {
                    // Bytes that are not UTF-8 were read as `?`: the same length, yet no copy.
                    if piece.verbatim && piece.origin.slice(text.text()) == bytes {
                        builder.append(text, piece.origin);
                    } else {
                        builder.computed(bytes, text.span(piece.origin));
                    }
                }
            }
            _ => {}
        }
        builder.finish(place)
    }
}
