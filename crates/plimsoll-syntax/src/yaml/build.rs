//! The tree under construction: what the YAML and the JSON reader share.

use foldhash::{HashMap, HashSet};
use plimsoll_source::TextRange;

use super::content::{self, Decoded};
use super::{Kind, Node, NodeId, Style, VERBATIM};
use crate::MAX_DEPTH;

/// More nodes than any real file has; a text with more is cut off.
const MAX_NODES: usize = 4_000_000;

/// How many nodes the aliases of a stream may stand for in all. Whoever walks a tree through its
/// aliases visits at most this many nodes more than there are, whatever the text («billion laughs»).
const MAX_EXPANDED: u64 = 1_000_000;

/// What is wrong, and where.
pub(super) struct Trouble {
    pub(super) range: TextRange,
    pub(super) message: String,
    pub(super) fatal: bool,
}

/// The parts of a tree that was read.
#[derive(Default)]
pub(super) struct Built {
    pub(super) documents: Vec<NodeId>,
    pub(super) comments: Vec<TextRange>,
    pub(super) lost: Vec<TextRange>,
    pub(super) relaxed: Option<TextRange>,
    pub(super) nodes: Vec<Node>,
    pub(super) links: Vec<NodeId>,
    pub(super) decoded: Vec<Decoded>,
    pub(super) tags: Vec<(NodeId, TextRange)>,
    pub(super) errors: Vec<Trouble>,
}

/// A reason to give up reading, at an offset.
pub(super) struct Stop {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Stop {
    pub(super) fn too_deep(at: usize) -> Self {
        Self { at, message: format!("nested deeper than {MAX_DEPTH} levels") }
    }
}

/// How much a node stands for when aliases are followed.
#[derive(Clone, Copy)]
struct Size {
    nodes: u64,
    depth: usize,
}

const ONE: Size = Size { nodes: 1, depth: 1 };

/// An open collection.
struct Frame<'s> {
    id: NodeId,
    map: bool,
    flow: bool,
    /// Where its children start in [`Builder::pending`].
    first: usize,
    anchor: Option<&'s str>,
    size: Size,
    partial: bool,
}

/// Takes nodes in text order.
pub(super) struct Builder<'s> {
    pub(super) built: Built,
    /// The text as the file has it.
    original: &'s [u8],
    stack: Vec<Frame<'s>>,
    /// The children of the open collections.
    pending: Vec<NodeId>,
    /// `None` while the anchored node is open.
    anchors: HashMap<&'s str, Option<(NodeId, Size)>>,
    expanded: u64,
    /// Whether the document has its root.
    rooted: bool,
    /// Whether the start of the document was lost.
    beheaded: bool,
    /// Whether a key that stands twice is an error.
    unique: bool,
}

impl<'s> Builder<'s> {
    pub(super) fn new(original: &'s [u8], unique: bool) -> Self {
        // About what lockfiles have: growing a large table moves it again and again.
        let nodes = Vec::with_capacity((original.len() / 16).min(MAX_NODES));
        Self {
            built: Built { nodes, ..Built::default() },
            original,
            stack: Vec::new(),
            pending: Vec::new(),
            anchors: HashMap::default(),
            expanded: 0,
            rooted: false,
            beheaded: false,
            unique,
        }
    }

    pub(super) fn document(&mut self) {
        self.rooted = false;
        self.beheaded = false;
        self.anchors.clear();
    }

    pub(super) fn error(&mut self, range: TextRange, message: impl Into<String>) {
        self.built.errors.push(Trouble { range, message: message.into(), fatal: false });
    }

    /// Whether the innermost open collection is a mapping (`Some(true)`) or a sequence.
    pub(super) fn in_map(&self) -> Option<bool> {
        self.stack.last().map(|frame| frame.map)
    }

    /// Whether the next node is a value of a mapping rather than a key.
    pub(super) fn awaits_value(&self) -> bool {
        self.stack
            .last()
            .is_some_and(|frame| frame.map && (self.pending.len() - frame.first) % 2 == 1)
    }

    /// Whether the next node is a key.
    pub(super) fn awaits_key(&self) -> bool {
        self.in_map() == Some(true) && !self.awaits_value()
    }

    /// The bytes of the file in a range.
    pub(super) fn original(&self, range: TextRange) -> &'s [u8] {
        range.slice(self.original)
    }

    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Where the root of the document ends that is read, if it has one that is complete.
    pub(super) fn root_end(&self) -> Option<usize> {
        let id =
            self.built.documents.last().filter(|_| self.rooted && self.open_root().is_none())?;
        Some(self.built.nodes[id.0 as usize].range.end as usize)
    }

    fn add(&mut self, range: TextRange, kind: Kind) -> Result<NodeId, Stop> {
        if self.built.nodes.len() >= MAX_NODES {
            let message = format!("more than {MAX_NODES} values");
            return Err(Stop { at: range.start as usize, message });
        }
        let id = NodeId(TextRange::of(self.built.nodes.len(), 0).start);
        self.built.nodes.push(Node { range, kind });
        if self.stack.is_empty() {
            self.built.documents.push(id);
            self.rooted = true;
        } else {
            self.pending.push(id);
        }
        Ok(id)
    }

    fn grow(&mut self, size: Size) {
        if let Some(parent) = self.stack.last_mut() {
            parent.size.nodes = parent.size.nodes.saturating_add(size.nodes);
            parent.size.depth = parent.size.depth.max(size.depth + 1);
        }
    }

    /// Adds a scalar whose content is the text in `range`, quotes cut off.
    pub(super) fn verbatim(&mut self, range: TextRange, style: Style) -> Result<NodeId, Stop> {
        self.grow(ONE);
        self.add(range, Kind::Scalar { style, decoded: VERBATIM })
    }

    /// Adds a scalar with a content of its own.
    pub(super) fn decoded(
        &mut self,
        range: TextRange,
        style: Style,
        content: Decoded,
    ) -> Result<NodeId, Stop> {
        let decoded = TextRange::of(self.built.decoded.len(), 0).start;
        self.built.decoded.push(content);
        self.grow(ONE);
        self.add(range, Kind::Scalar { style, decoded })
    }

    /// Opens a collection at `start`; a block mapping or sequence (not `flow`) ends with its last child.
    pub(super) fn open(&mut self, start: u32, map: bool, flow: bool) -> Result<NodeId, Stop> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(Stop::too_deep(start as usize));
        }
        let range = TextRange::new(start, start + u32::from(flow));
        let id = self.add(range, Kind::Sequence { first: 0, count: 0, partial: false })?;
        let first = self.pending.len();
        let partial = self.beheaded && self.stack.is_empty();
        self.stack.push(Frame { id, map, flow, first, anchor: None, size: ONE, partial });
        Ok(id)
    }

    /// Whether the innermost open collection stands in brackets.
    pub(super) fn in_brackets(&self) -> bool {
        self.stack.last().is_some_and(|frame| frame.flow)
    }

    /// Where the innermost open collection starts.
    pub(super) fn open_start(&self) -> Option<usize> {
        let frame = self.stack.last()?;
        Some(self.built.nodes[frame.id.0 as usize].range.start as usize)
    }

    /// Closes the innermost collection; `end` is the end of a closing bracket.
    pub(super) fn close(&mut self, end: Option<u32>) {
        let Some(frame) = self.stack.pop() else { return };
        let children = &self.pending[frame.first..];
        let nodes = &self.built.nodes;
        let range = nodes[frame.id.0 as usize].range;
        let last = children.last().map_or(range.end, |id| nodes[id.0 as usize].range.end);
        let range = TextRange::new(range.start, end.unwrap_or(last).max(range.end));
        let first = TextRange::of(self.built.links.len(), 0).start;
        let count = TextRange::of(children.len(), 0).start;
        let partial = frame.partial;
        let kind = if frame.map {
            let simple = self.check_keys(frame.first);
            Kind::Mapping { first, count, partial, simple }
        } else {
            Kind::Sequence { first, count, partial }
        };
        self.built.links.extend(self.pending.drain(frame.first..));
        self.built.nodes[frame.id.0 as usize] = Node { range, kind };
        if let Some(name) = frame.anchor {
            // A later anchor of this name inside the node is the one that aliases mean.
            if let Some(anchor @ None) = self.anchors.get_mut(name) {
                *anchor = Some((frame.id, frame.size));
            }
        }
        self.grow(frame.size);
    }

    /// Whether the keys of the mapping that is closing are scalars, all different, none `<<`.
    fn check_keys(&mut self, first: usize) -> bool {
        let keys: Vec<(NodeId, Option<&[u8]>)> =
            self.pending[first..].iter().step_by(2).map(|&id| (id, self.bytes(id))).collect();
        let mut simple =
            keys.iter().all(|(id, key)| key.is_some_and(|key| key != b"<<" || !self.is_plain(*id)));
        let mut twice = Vec::new();
        if keys.len() <= 8 {
            for (index, (id, key)) in keys.iter().enumerate() {
                if key.is_some() && keys[..index].iter().any(|(_, earlier)| earlier == key) {
                    twice.push(*id);
                }
            }
        } else {
            let mut seen = HashSet::with_capacity_and_hasher(keys.len(), Default::default());
            twice.extend(
                keys.iter()
                    .filter(|(_, key)| key.is_some_and(|key| !seen.insert(key)))
                    .map(|(id, _)| *id),
            );
        }
        simple &= twice.is_empty();
        if !self.unique {
            twice.clear();
        }
        for id in twice {
            let key: String = String::from_utf8_lossy(self.bytes(id).unwrap_or_default())
                .chars()
                .take(60)
                .collect();
            self.error(self.built.nodes[id.0 as usize].range, format!("duplicate key `{key}`"));
        }
        simple
    }

    fn is_plain(&self, id: NodeId) -> bool {
        matches!(self.resolve(id).kind, Kind::Scalar { style: Style::Plain, .. })
    }

    fn resolve(&self, id: NodeId) -> Node {
        match self.built.nodes[id.0 as usize] {
            Node { kind: Kind::Alias(Some(target)), .. } => self.built.nodes[target.0 as usize],
            node => node,
        }
    }

    /// The content of a scalar.
    fn bytes(&self, id: NodeId) -> Option<&[u8]> {
        let node = self.resolve(id);
        match node.kind {
            Kind::Scalar { decoded: VERBATIM, style } => {
                Some(content::inside(node.range, style).slice(self.original))
            }
            Kind::Scalar { decoded, .. } => {
                Some(self.built.decoded[decoded as usize].text.as_bytes())
            }
            _ => None,
        }
    }

    /// Names the node that was added last.
    pub(super) fn anchor(&mut self, id: NodeId, name: &'s str) {
        let open = self.stack.last_mut().filter(|frame| frame.id == id);
        let target = match open {
            Some(frame) => {
                frame.anchor = Some(name);
                None
            }
            None => Some((id, ONE)),
        };
        self.anchors.insert(name, target);
    }

    /// Adds `*name`. It becomes a link where there is something to link to that is not around it.
    pub(super) fn alias(&mut self, range: TextRange, name: &str) -> Result<(), Stop> {
        let (target, size, trouble) = match self.anchors.get(name) {
            None => (
                None,
                ONE,
                Some(format!("`*{name}` stands for nothing: no anchor `&{name}` before it")),
            ),
            Some(None) => {
                (None, ONE, Some(format!("`*{name}` stands inside of what it stands for")))
            }
            Some(&Some((_, size))) if self.stack.len() + size.depth > MAX_DEPTH => {
                (None, ONE, Some(format!("`*{name}` nests deeper than {MAX_DEPTH} levels")))
            }
            Some(&Some((_, size))) if self.expanded.saturating_add(size.nodes) > MAX_EXPANDED => {
                (None, ONE, Some(format!("aliases stand for more than {MAX_EXPANDED} values")))
            }
            Some(&Some((target, size))) => (Some(target), size, None),
        };
        self.expanded = self.expanded.saturating_add(if target.is_some() { size.nodes } else { 0 });
        if let Some(message) = trouble {
            self.error(range, message);
        }
        self.grow(size);
        self.add(range, Kind::Alias(target)).map(drop)
    }

    /// Ends what is open after an error at `at`, before reading goes on at `resume`. What touches
    /// the error or reaches past `resume` is dropped, a key without its value gets one of which
    /// nothing is known. With `keep_root` the document goes on, and its root stays open.
    /// Returns where the text starts that was dropped or not read.
    pub(super) fn abandon(&mut self, at: usize, resume: usize, keep_root: bool) -> usize {
        let mut lost = at.min(resume);
        while !self.stack.is_empty() {
            self.cut(at, resume, &mut lost);
            if keep_root && self.stack.len() == 1 {
                return lost;
            }
            self.close(None);
        }
        if let Some(&root) = self.built.documents.last().filter(|_| self.rooted) {
            let range = self.built.nodes[root.0 as usize].range;
            if is_cut(range, at, resume) {
                lost = lost.min(range.start as usize);
                self.built.documents.pop();
                self.rooted = false;
            }
        }
        self.beheaded = keep_root;
        lost
    }

    /// Marks the innermost collection as cut short.
    fn cut(&mut self, at: usize, resume: usize, lost: &mut usize) {
        let Some(frame) = self.stack.last_mut() else { return };
        frame.partial = true;
        let (id, first, map) = (frame.id, frame.first, frame.map);
        while self.pending.len() > first {
            let Some(&last) = self.pending.last() else { break };
            let range = self.built.nodes[last.0 as usize].range;
            if !is_cut(range, at, resume) {
                break;
            }
            *lost = (*lost).min(range.start as usize);
            self.pending.pop();
        }
        let kept = self.pending.get(first..).and_then(<[NodeId]>::last).copied().unwrap_or(id);
        let kept = self.built.nodes[kept.0 as usize].range.end;
        *lost = (*lost).min(kept as usize);
        if map && (self.pending.len() - first) % 2 == 1 {
            let id = NodeId(TextRange::of(self.built.nodes.len(), 0).start);
            self.built
                .nodes
                .push(Node { range: TextRange::new(kept, kept), kind: Kind::Alias(None) });
            self.pending.push(id);
        }
    }

    /// Where the outermost open flow collection starts.
    pub(super) fn open_flow(&self) -> Option<usize> {
        let frame = self.stack.iter().find(|frame| frame.flow)?;
        Some(self.built.nodes[frame.id.0 as usize].range.start as usize)
    }

    /// Whether the root is an open block collection, and of which kind (mapping: true).
    pub(super) fn open_root(&self) -> Option<bool> {
        self.stack.first().filter(|frame| !frame.flow).map(|frame| frame.map)
    }

    /// Where the last child of the root starts that was read as a key or an item.
    pub(super) fn last_entry(&self) -> Option<usize> {
        let root = self.stack.first()?;
        let children = &self.pending
            [root.first..self.stack.get(1).map_or(self.pending.len(), |frame| frame.first)];
        let step = if root.map { 2 } else { 1 };
        let index = children.len().checked_sub(1)? / step * step;
        Some(self.built.nodes[children[index].0 as usize].range.start as usize)
    }

    /// The parts, with everything in text order.
    pub(super) fn finish(mut self) -> Built {
        while !self.stack.is_empty() {
            self.close(None);
        }
        self.built.errors.sort_by_key(|error| error.range.start);
        self.built.comments.sort_unstable();
        self.built.comments.dedup();
        self.built
    }
}

/// Whether a node is not to be trusted after an error at `at`: it touches it (`b` in `a: b: c`), or
/// holds what is read again from `resume` on.
fn is_cut(range: TextRange, at: usize, resume: usize) -> bool {
    let end = range.end as usize;
    end > resume || (end == at && !range.is_empty())
}
