//! YAML: keys and items set in mappings and sequences, in block and in flow style.

use std::collections::{HashMap, VecDeque};

use plimsoll_source::{Derived, Edit, FileId, Span, TextRange, Tree};
use plimsoll_syntax::yaml::{self, NodeId, Style, Value, Yaml};

use super::{Data, Text, replace};

/// A YAML file that is to be changed.
#[derive(Debug)]
pub struct Document {
    text: Text,
    yaml: Yaml,
    /// The nodes that aliases stand for, sorted.
    shared: Vec<NodeId>,
    /// Values by their own place and by that of their key; aliases left out.
    places: HashMap<TextRange, NodeId>,
    /// Entries and items by their place, that of their key and that of their value: what holds them,
    /// and at which index. Of several at one place the outermost.
    entries: HashMap<TextRange, Held>,
    /// The same by value.
    holders: HashMap<NodeId, Held>,
}

/// Opens a file; `None` where it does not parse.
#[must_use]
pub fn open(tree: &Tree, file: FileId) -> Option<Document> {
    let text = Text::of(tree, file)?;
    let whole = Span::new(file, TextRange::of(0, text.bytes.len()));
    let parsed = yaml::parse(Derived::verbatim(text.bytes.to_vec(), whole));
    let yaml = parsed.tree;
    parsed.errors.is_empty().then(|| {
        let (shared, places) = (yaml.shared(), places(&yaml));
        let (entries, holders) = entries(&yaml);
        Document { text, yaml, shared, places, entries, holders }
    })
}

fn places(yaml: &Yaml) -> HashMap<TextRange, NodeId> {
    let mut places = HashMap::new();
    let mut todo: Vec<Value<'_>> = yaml.roots().collect();
    while let Some(value) = todo.pop() {
        if value.is_alias() {
            continue;
        }
        places.entry(value.raw().range).or_insert(value.id());
        for (key, value) in value.pairs().filter(|(_, value)| !value.is_alias()) {
            places.insert(key.raw().range, value.id());
            todo.push(value);
        }
        todo.extend(value.items());
    }
    places
}

/// What holds an entry or item, and at which index.
type Held = (NodeId, usize);

fn entries(yaml: &Yaml) -> (HashMap<TextRange, Held>, HashMap<NodeId, Held>) {
    let (mut entries, mut holders) = (HashMap::new(), HashMap::new());
    let mut todo: VecDeque<Value<'_>> = yaml.roots().collect();
    while let Some(value) = todo.pop_front() {
        if value.is_alias() {
            continue;
        }
        for (at, (key, inner)) in value.pairs().enumerate() {
            let held = (value.id(), at);
            let (key, own) = (key.raw().range, inner.raw().range);
            for place in [key.cover(own), key, own] {
                entries.entry(place).or_insert(held);
            }
            holders.insert(inner.id(), held);
            todo.push_back(inner);
        }
        for (at, inner) in value.items().enumerate() {
            let held = (value.id(), at);
            entries.entry(inner.raw().range).or_insert(held);
            holders.insert(inner.id(), held);
            todo.push_back(inner);
        }
    }
    (entries, holders)
}

impl Document {
    /// Takes the entry or item out that stands at a place, and what holds it where that would be
    /// empty. `None` where an anchor shares it, or it shares its lines with something else.
    #[must_use]
    pub fn remove(&self, at: Span) -> Option<Edit> {
        let (mut holder, mut index) =
            *self.entries.get(&at.range).filter(|_| at.file == self.text.file)?;
        loop {
            let value = self.yaml.value(holder);
            if self.is_shared(value) || value.is_partial() {
                return None;
            }
            let spans: Vec<TextRange> = match value.is_map() {
                true => value.pairs().map(|(k, v)| k.raw().range.cover(v.raw().range)).collect(),
                false => value.items().map(|item| item.raw().range).collect(),
            };
            let own = *spans.get(index)?;
            if spans.len() == 1 {
                (holder, index) = *self.holders.get(&holder)?;
                continue;
            }
            if value.is_flow() {
                // Up to the next one, or from the end of the one before.
                let (start, end) = match index.checked_sub(1).and_then(|at| spans.get(at)) {
                    Some(before) => (before.end, own.end),
                    None => (own.start, spans.get(1)?.start),
                };
                return Some(replace(Span::new(self.text.file, TextRange::new(start, end)), ""));
            }
            return self.lines_out(own, value.is_map());
        }
    }

    /// Takes the lines of an entry or item of a block out, if they are its alone.
    fn lines_out(&self, own: TextRange, is_entry: bool) -> Option<Edit> {
        let start = self.text.line_start(own.start);
        let before = self.text.slice(start, own.start).trim_ascii();
        let alone = if is_entry { before.is_empty() } else { before == b"-" };
        let mut end =
            self.text.next_line(last_byte(own)).unwrap_or(super::offset(self.text.bytes.len()));
        // What set it off goes with it: no file begins with a blank line, nor are there two.
        let is_blank = |at| self.text.slice(at, self.text.line_stop(at)).trim_ascii().is_empty();
        if start.checked_sub(1).is_none_or(|at| is_blank(self.text.line_start(at))) {
            while let Some(next) = self.text.next_line(end).filter(|_| is_blank(end)) {
                end = next;
            }
        }
        let span = Span::new(self.text.file, TextRange::new(start, end));
        alone.then(|| replace(span, ""))
    }

    /// The mapping that stands at a place, or whose key does.
    #[must_use]
    pub fn map_at(&self, at: Span) -> Option<Value<'_>> {
        self.at(at).filter(|value| value.is_map())
    }

    /// The scalar that stands exactly at a place: an item, or the value of a key.
    #[must_use]
    pub fn scalar_at(&self, at: Span) -> Option<Value<'_>> {
        self.at(at).filter(|value| value.text().is_some())
    }

    fn at(&self, at: Span) -> Option<Value<'_>> {
        let id = self.places.get(&at.range).filter(|_| at.file == self.text.file)?;
        Some(self.yaml.value(*id))
    }

    /// Adds to the end of a scalar on one line, within its quotes.
    #[must_use]
    pub fn append(&self, scalar: Value<'_>, text: &str) -> Option<Edit> {
        let (_, end) = self.inside(scalar)?;
        Some(self.text.insert(end, text))
    }

    /// Adds to the start of a scalar on one line, within its quotes.
    #[must_use]
    pub fn prepend(&self, scalar: Value<'_>, text: &str) -> Option<Edit> {
        let (start, _) = self.inside(scalar)?;
        Some(self.text.insert(start, text))
    }

    /// Puts another text in the place of a scalar on one line, within its quotes.
    #[must_use]
    pub fn rewrite(&self, scalar: Value<'_>, text: &str) -> Option<Edit> {
        let (start, end) = self.inside(scalar)?;
        Some(replace(Span::new(self.text.file, TextRange::new(start, end)), text))
    }

    /// Puts a plain text in the place of a whole scalar, its quotes or block and the indicator of it
    /// included.
    #[must_use]
    pub fn rewrite_whole(&self, at: Span, text: &str) -> Option<Edit> {
        let scalar = self.scalar_at(at).filter(|s| !s.is_alias() && !self.is_shared(*s))?;
        let range = scalar.raw().range;
        let old = self.text.slice(range.start, range.end);
        let block = matches!(scalar.style()?, Style::Literal | Style::Folded);
        if block && !old.starts_with(b"|") && !old.starts_with(b">") || scalar.tag().is_some() {
            return None;
        }
        // A block ends with its last line.
        let end = if old.ends_with(b"\n") { self.text.eol() } else { "" };
        Some(replace(Span::new(self.text.file, range), format!("{text}{end}")))
    }

    /// Puts quotes of the shell around a place within a scalar, as its own quotes want them. `None`
    /// where the scalar would begin with them, or others share it.
    #[must_use]
    pub fn quote_within(&self, at: Span) -> Option<Edit> {
        let (start, end) = (at.range.start, at.range.end);
        if at.file != self.text.file {
            return None;
        }
        let holds = |range: &&TextRange| range.start <= start && end <= range.end;
        let range = self.places.keys().filter(holds).min_by_key(|range| range.len())?;
        let scalar = self.at(Span::new(at.file, *range)).filter(|value| value.text().is_some())?;
        if scalar.is_alias() || self.is_shared(scalar) {
            return None;
        }
        let quote = match scalar.style()? {
            Style::Plain if range.start == start => return None,
            Style::Double => "\\\"",
            Style::Plain | Style::Single | Style::Literal | Style::Folded => "\"",
        };
        let own = String::from_utf8_lossy(self.text.slice(start, end));
        Some(replace(at, format!("{quote}{own}{quote}")))
    }

    /// Whether what is put at a place within a scalar is read as it is written: no quotes of its own are
    /// about it, and no others share it.
    #[must_use]
    pub fn is_verbatim(&self, at: Span) -> bool {
        let holds = |range: &&TextRange| {
            at.file == self.text.file && range.start <= at.range.start && at.range.end <= range.end
        };
        let range = self.places.keys().filter(holds).min_by_key(|range| range.len());
        let value = range.and_then(|range| self.at(Span::new(at.file, *range)));
        value.is_some_and(|value| {
            let plain = matches!(value.style(), Some(Style::Plain | Style::Literal));
            plain && !value.is_alias() && !self.is_shared(value)
        })
    }

    /// Puts another text in the place of a scalar, and a note into a comment behind it: in the place of
    /// one that is there if that is a version, too. `None` where something else stands behind it.
    #[must_use]
    pub fn rewrite_noted(&self, scalar: Value<'_>, text: &str, note: &str) -> Option<Edit> {
        let (start, end) = self.inside(scalar)?;
        let close = scalar.raw().range.end;
        let stop = self.text.line_stop(close);
        let rest = std::str::from_utf8(self.text.slice(close, stop)).ok()?.trim();
        let quote = String::from_utf8_lossy(self.text.slice(end, close));
        let known = rest.strip_prefix('#').map(|comment| comment.trim().trim_start_matches('v'));
        let version =
            known.is_none_or(|comment| comment.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
        if !version || known.is_none() && !rest.is_empty() {
            return None;
        }
        let span = Span::new(self.text.file, TextRange::new(start, stop));
        Some(replace(span, format!("{text}{quote} # {note}")))
    }

    /// Puts another entry in the place of one with a scalar on one line: `key: value` in a mapping,
    /// `key=value` in a sequence. `None` where an anchor shares it.
    #[must_use]
    pub fn rewrite_entry(&self, at: Span, key: &str, value: &str) -> Option<Edit> {
        let (holder, index) = *self.entries.get(&at.range).filter(|_| at.file == self.text.file)?;
        let holder = self.yaml.value(holder);
        if self.is_shared(holder) || holder.is_partial() {
            return None;
        }
        if !holder.is_map() {
            return self.rewrite(holder.items().nth(index)?, &format!("{key}={value}"));
        }
        let (name, old) = holder.pairs().nth(index)?;
        self.inside(old)?;
        let range = name.raw().range.cover(old.raw().range);
        let text = format!("{key}: {value}");
        Some(replace(Span::new(self.text.file, range), text))
    }

    /// Lets the document's own mapping have this value for a key; a new one stands apart from what is
    /// above it where those that are there do.
    #[must_use]
    pub fn set_section(&self, key: &str, data: &Data) -> Option<Vec<Edit>> {
        let root = self.yaml.root()?;
        let mut edits = self.set(root, key, data)?;
        let there = root.pairs().any(|(name, _)| name.text() == Some(key));
        let apart = root.pairs().skip(1).any(|(name, _)| {
            let start = self.text.line_start(name.raw().range.start);
            let above = self.text.line_start(start.saturating_sub(1));
            self.text.slice(above, start).trim_ascii().is_empty()
        });
        if let (false, true, [only]) = (there, apart, &mut edits[..]) {
            only.insert.splice(0..0, self.text.eol().bytes());
        }
        Some(edits)
    }

    /// Puts an item of a sequence in block style behind the one at a place, in the way of those that are
    /// there: apart from each other by an empty line, or not. Its lines begin with their own dash.
    #[must_use]
    pub fn item_behind(&self, at: Span, text: &str) -> Option<Edit> {
        // A list begins where its first item does, and that where its first key does.
        let mut items = self.holders.iter().filter(|(item, (list, _))| {
            !self.yaml.value(*list).is_map() && self.yaml.value(**item).raw().range == at.range
        });
        let (&item, &(list, index)) = items.next().filter(|_| at.file == self.text.file)?;
        let (list, item) = (self.yaml.value(list), self.yaml.value(item));
        if items.next().is_some() || list.is_flow() || self.is_shared(list) {
            return None;
        }
        let column = self.dash(item)?;
        let start = self.text.line_start(item.raw().range.start);
        let above = self.text.slice(self.text.line_start(start.saturating_sub(1)), start);
        let apart = index > 0 && above.trim_ascii().is_empty();
        let mut lines: Vec<String> = text.lines().map(|line| format!("{column}{line}")).collect();
        if apart {
            lines.insert(0, String::new());
        }
        // A block scalar holds the empty lines behind it.
        let raw = item.raw().range;
        let blanks = self.text.slice(raw.start, raw.end);
        let end = raw.start + super::offset(blanks.trim_ascii_end().len());
        let end = self.past_comments(end.saturating_sub(1), column.len());
        Some(self.text.lines_after(end, &lines))
    }

    /// The mapping whose entry, or its key or value, stands at a place.
    #[must_use]
    pub fn holder(&self, at: Span) -> Option<Value<'_>> {
        let (holder, _) = self.entries.get(&at.range).filter(|_| at.file == self.text.file)?;
        Some(self.yaml.value(*holder)).filter(|value| value.is_map())
    }

    /// The same as [`Document::set`]; a new entry stands right behind that of another key, where there
    /// is one.
    #[must_use]
    pub fn set_behind(
        &self,
        map: Value<'_>,
        behind: &str,
        key: &str,
        data: &Data,
    ) -> Option<Vec<Edit>> {
        let place = map.pairs().find(|(name, _)| name.text() == Some(behind));
        let there = map.pairs().any(|(name, _)| name.text() == Some(key));
        let shared = map.is_alias() || self.is_shared(map) || map.is_partial();
        match place {
            Some((name, value)) if !there && !shared && !map.is_flow() => {
                let (first, _) = map.pairs().next()?;
                let start = first.raw().range.start;
                let column = start - self.text.line_start(start);
                let mut lines = Vec::new();
                block(&mut lines, column as usize, self.step(map), key, data);
                let end = last_byte(value.raw().range).max(last_byte(name.raw().range));
                Some(vec![self.text.lines_after(end, &lines)])
            }
            _ => self.set(map, key, data),
        }
    }

    /// Puts an entry before a key of the document's own mapping; `head` begins it
    /// and may name an anchor (`key: &anchor`). `None` where `before` is not there, or `key` is.
    #[must_use]
    pub fn set_before(&self, before: &str, key: &str, head: &str, data: &Data) -> Option<Edit> {
        let map = self.yaml.root().filter(|root| root.is_map() && !root.is_flow())?;
        let (place, _) = map.pairs().find(|(name, _)| name.text() == Some(before))?;
        if map.pairs().any(|(name, _)| name.text() == Some(key)) {
            return None;
        }
        let mut lines = vec![head.to_owned()];
        let step = self.step(map);
        match data {
            Data::Map(entries) => {
                entries.iter().for_each(|(key, data)| block(&mut lines, step, step, key, data));
            }
            Data::Scalar(_) | Data::List(_) => return None,
        }
        let start = self.text.line_start(place.raw().range.start);
        // Where entries follow each other without an empty line, these do.
        let above =
            self.text.slice(self.text.line_start(start.saturating_sub(1)), start).trim_ascii();
        if above.is_empty() || above.starts_with(b"#") {
            lines.push(String::new());
        }
        Some(self.text.insert(start, super::whole(&lines, self.text.eol())))
    }

    /// Whether an anchor of this name stands anywhere in the text.
    #[must_use]
    pub fn has_anchor(&self, name: &str) -> bool {
        memchr::memmem::find(&self.text.bytes, format!("&{name}").as_bytes()).is_some()
    }

    /// Where the text of a scalar starts and ends, its quotes left out; `None` for what others share
    /// and for what stands in a block.
    fn inside(&self, scalar: Value<'_>) -> Option<(u32, u32)> {
        let range = scalar.raw().range;
        match scalar.style().filter(|_| !scalar.is_alias() && !self.is_shared(scalar))? {
            Style::Plain => Some((range.start, range.end)),
            Style::Single | Style::Double => Some((range.start + 1, range.end.checked_sub(1)?)),
            Style::Literal | Style::Folded => None,
        }
    }

    /// Whether aliases stand for it, too.
    fn is_shared(&self, value: Value<'_>) -> bool {
        self.shared.binary_search(&value.id()).is_ok()
    }

    /// Lets the mapping `map` have this value for a key: added behind its last entry, or what is
    /// there completed. A scalar that is there is replaced; a sequence gets the items that it lacks.
    /// `None` where an anchor shares what would change, or it is of another kind.
    #[must_use]
    pub fn set(&self, map: Value<'_>, key: &str, data: &Data) -> Option<Vec<Edit>> {
        if !map.is_map() || map.is_alias() || self.is_shared(map) || map.is_partial() {
            return None;
        }
        let own = map.pairs().rfind(|(name, _)| name.text() == Some(key));
        match own {
            None => Some(vec![self.add(map, key, data)?]),
            Some((_, value)) => self.complete(value, data),
        }
    }

    /// Lets a value be, or hold, what `data` says.
    fn complete(&self, value: Value<'_>, data: &Data) -> Option<Vec<Edit>> {
        if value.is_alias() || self.is_shared(value) || value.is_partial() || value.tag().is_some()
        {
            return None;
        }
        match data {
            Data::Scalar(text) => {
                let is_plain = value.text().is_some_and(|text| !text.is_empty());
                is_plain.then(|| vec![replace(value.span(), text.as_bytes())])
            }
            Data::Map(entries) => {
                let set = entries.iter().map(|(key, data)| self.set(value, key, data));
                Some(set.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
            }
            Data::List(items) => {
                let lacks = |item: &&String| {
                    let plain = item.trim_matches(['"', '\'']);
                    !value.items().any(|one| one.text() == Some(plain))
                };
                let missing: Vec<&String> = items.iter().filter(lacks).collect();
                let last = value.items().last()?;
                if value.is_flow() {
                    let text: String = missing.iter().map(|item| format!(", {item}")).collect();
                    return Some(vec![self.text.insert(last.raw().range.end, text)]);
                }
                // A block sequence: `- ` at the column of the others.
                let column = self.dash(last)?;
                let lines: Vec<String> =
                    missing.iter().map(|item| format!("{column}- {item}")).collect();
                let end = last_byte(value.raw().range);
                Some(vec![self.text.lines_after(end, &lines)])
            }
        }
    }

    /// The blanks before the dash of an item; `None` where something else stands before it.
    fn dash(&self, item: Value<'_>) -> Option<String> {
        let start = item.raw().range.start;
        let before = self.text.slice(self.text.line_start(start), start);
        let before = before.trim_ascii_end().strip_suffix(b"-")?;
        let blank = before.iter().all(|b| *b == b' ');
        blank.then(|| " ".repeat(before.len()))
    }

    /// A new entry behind the last one of a mapping.
    fn add(&self, map: Value<'_>, key: &str, data: &Data) -> Option<Edit> {
        let (first, _) = map.pairs().next()?;
        let (last_key, last) = map.pairs().next_back()?;
        if map.is_flow() {
            let end = last.raw().range.end.max(last_key.raw().range.end);
            return Some(self.text.insert(end, format!(", {key}: {}", flow(data))));
        }
        let start = first.raw().range.start;
        let column = start - self.text.line_start(start);
        let mut lines = Vec::new();
        let step = self.step(map);
        block(&mut lines, column as usize, step, key, data);
        let end = last_byte(map.raw().range).max(last_byte(last_key.raw().range));
        Some(self.text.lines_after(self.past_comments(end, column as usize), &lines))
    }

    /// The end of the comments behind a mapping that stand deeper than its keys: they are about its last
    /// entry.
    fn past_comments(&self, end: u32, column: usize) -> u32 {
        let (mut end, mut next) = (end, self.text.next_line(end));
        while let Some(start) = next {
            let line = self.text.slice(start, self.text.line_stop(start));
            let blanks = line.iter().take_while(|b| **b == b' ').count();
            match line.get(blanks) {
                // More may follow.
                None => {}
                Some(b'#') if blanks > column => end = start + super::offset(blanks),
                Some(_) => break,
            }
            next = self.text.next_line(start);
        }
        end
    }

    /// How far what is nested stands right of what it is nested in: as within this mapping, else as
    /// in the document's first nesting, else two.
    fn step(&self, map: Value<'_>) -> usize {
        let column = |value: Value<'_>| {
            let start = value.raw().range.start;
            (start - self.text.line_start(start)) as usize
        };
        let of = |map: Value<'_>| {
            map.pairs().find_map(|(key, value)| {
                let block = !value.is_flow() && !value.is_alias();
                let dash = || self.dash(value.items().next()?).map(|blanks| blanks.len());
                let inner = value.pairs().next().map(|(first, _)| column(first));
                let inner = inner.or_else(dash).filter(|_| block)?;
                inner.checked_sub(column(key)).filter(|step| (1..=8).contains(step))
            })
        };
        of(map).or_else(|| self.yaml.roots().find_map(of)).unwrap_or(2)
    }
}

/// The last byte of a range, for its line.
const fn last_byte(range: TextRange) -> u32 {
    if range.end > range.start { range.end - 1 } else { range.end }
}

/// Entries of a mapping in block style, as one would write them at a column.
#[must_use]
pub fn written(column: usize, entries: &[(&str, Data)]) -> String {
    let mut lines = Vec::new();
    for (key, data) in entries {
        block(&mut lines, column, 2, key, data);
    }
    super::whole(&lines, "\n")
}

/// An entry in block style.
fn block(lines: &mut Vec<String>, column: usize, step: usize, key: &str, data: &Data) {
    // What hostile nesting could make of this is bounded by the caller, who writes the data.
    let blanks = " ".repeat(column);
    match data {
        Data::Scalar(text) => lines.push(format!("{blanks}{key}: {text}")),
        Data::List(items) => {
            lines.push(format!("{blanks}{key}:"));
            let inner = " ".repeat(column + step);
            lines.extend(items.iter().map(|item| format!("{inner}- {item}")));
        }
        Data::Map(entries) => {
            lines.push(format!("{blanks}{key}:"));
            for (key, data) in entries {
                block(lines, column + step, step, key, data);
            }
        }
    }
}

/// A value in flow style.
fn flow(data: &Data) -> String {
    match data {
        Data::Scalar(text) => text.clone(),
        Data::List(items) => format!("[{}]", items.join(", ")),
        Data::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, data)| format!("{key}: {}", flow(data))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::edited;
    use super::*;

    #[track_caller]
    fn check(before: &str, path: &[&str], key: &str, data: &Data, expected: Option<&str>) {
        let tree = Tree::from_memory([("compose.yml", before)]);
        let document = open(&tree, FileId(0)).expect("it parses");
        let root = document.yaml.root().expect("a root");
        let map = root.path(path).expect("a mapping");
        let edits = document.set(map, key, data);
        assert_eq!(edited(&tree, edits).as_deref(), expected, "{before}");
    }

    #[test]
    fn comments_stay_with_what_they_are_about() {
        let init = Data::scalar("true");
        check(
            "services:\n  a:\n    environment:\n      X: 1\n\n      # Mail\n      # Y: 2\n  # b\n  b: {}\n",
            &["services", "a"],
            "init",
            &init,
            Some(
                "services:\n  a:\n    environment:\n      X: 1\n\n      # Mail\n      # Y: 2\n    init: true\n  # b\n  b: {}\n",
            ),
        );
        check(
            "a:\n  b: 1\n  # c: 2\n",
            &["a"],
            "init",
            &init,
            Some("a:\n  b: 1\n  init: true\n  # c: 2\n"),
        );
    }

    #[test]
    fn keys_are_added_at_the_column_of_the_others() {
        let init = Data::scalar("true");
        check(
            "services:\n  web:\n    image: a # the image\n    # ports:\n\n  db:\n    image: b\n",
            &["services", "web"],
            "init",
            &init,
            Some(
                "services:\n  web:\n    image: a # the image\n    init: true\n    # ports:\n\n  db:\n    image: b\n",
            ),
        );
        check(
            "services:\r\n    web:\r\n        image: a",
            &["services", "web"],
            "init",
            &init,
            Some("services:\r\n    web:\r\n        image: a\r\n        init: true"),
        );
        check(
            "services: {web: {image: a}}\n",
            &["services", "web"],
            "init",
            &init,
            Some("services: {web: {image: a, init: true}}\n"),
        );
        let empty = "services:\n  web:\n    image:\n";
        check(
            empty,
            &["services", "web"],
            "init",
            &init,
            Some(&format!("{empty}    init: true\n")),
        );
    }

    #[test]
    fn items_stand_apart_where_others_do() {
        let check = |before: &str, at: &str, expected: &str| {
            let tree = Tree::from_memory([("ci.yml", before)]);
            let document = open(&tree, FileId(0)).expect("it parses");
            let start = super::super::offset(before.find(at).expect("it is there"));
            let items = document
                .holders
                .iter()
                .filter(|(_, (list, _))| !document.yaml.value(*list).is_map());
            let mut items = items.map(|(item, _)| document.yaml.value(*item).raw().range);
            let item = items.find(|range| range.start == start).expect("an item");
            let edit = document.item_behind(Span::new(FileId(0), item), "- c: |\n    d");
            assert_eq!(edited(&tree, edit.map(|edit| vec![edit])).as_deref(), Some(expected));
        };
        check("s:\n- a: 1\n- b: 2\nt: 1\n", "a: 1", "s:\n- a: 1\n- c: |\n    d\n- b: 2\nt: 1\n");
        check("s:\n- a: 1\n", "a: 1", "s:\n- a: 1\n- c: |\n    d\n");
        check(
            "s:\n  - a: 1\n\n  - b: |\n      x\n\nt: 1",
            "b: |",
            "s:\n  - a: 1\n\n  - b: |\n      x\n\n  - c: |\n      d\n\nt: 1",
        );
    }

    #[test]
    fn sections_stand_apart_where_others_do_and_entries_are_rewritten() {
        let edit = |before: &str, make: &dyn Fn(&Document) -> Option<Vec<Edit>>| {
            let tree = Tree::from_memory([("compose.yml", before)]);
            edited(&tree, make(&open(&tree, FileId(0)).expect("it parses")))
        };
        let network = Data::map("data", Data::map("internal", Data::scalar("true")));
        let section = |d: &Document| d.set_section("networks", &network);
        assert_eq!(
            edit("services:\n  a: {}\n\nvolumes:\n  b:\n", &section).as_deref(),
            Some(
                "services:\n  a: {}\n\nvolumes:\n  b:\n\nnetworks:\n  data:\n    internal: true\n"
            )
        );
        assert_eq!(
            edit("services:\n  a: {}\nvolumes:\n  b:\n", &section).as_deref(),
            Some("services:\n  a: {}\nvolumes:\n  b:\nnetworks:\n  data:\n    internal: true\n")
        );
        let second = |d: &Document| {
            let env = d.yaml.root()?.path(&["env"])?;
            let at = match env.is_map() {
                true => env.pairs().map(|(k, v)| k.raw().range.cover(v.raw().range)).nth(1)?,
                false => env.items().map(|item| item.raw().range).nth(1)?,
            };
            Some(vec![d.rewrite_entry(Span::new(FileId(0), at), "B_FILE", "/b")?])
        };
        assert_eq!(
            edit("env:\n  A: 1\n  B: \"${X}\" # x\n", &second).as_deref(),
            Some("env:\n  A: 1\n  B_FILE: /b # x\n")
        );
        assert_eq!(
            edit("env:\n  - A=1\n  - 'B=2'\n", &second).as_deref(),
            Some("env:\n  - A=1\n  - 'B_FILE=/b'\n")
        );
        assert_eq!(edit("x: &x\n  A: 1\n  B: 2\nenv: *x\n", &second), None);
    }

    #[test]
    fn what_is_there_is_completed() {
        let limits = Data::map(
            "resources",
            Data::map(
                "limits",
                Data::Map(vec![
                    ("cpus".to_owned(), Data::scalar("\"1.0\"")),
                    ("memory".to_owned(), Data::scalar("512M")),
                ]),
            ),
        );
        check(
            "services:\n    web:\n        deploy:\n            replicas: 2\n",
            &["services", "web"],
            "deploy",
            &limits,
            Some(
                "services:\n    web:\n        deploy:\n            replicas: 2\n            resources:\n                limits:\n                    cpus: \"1.0\"\n                    memory: 512M\n",
            ),
        );
        check(
            "web:\n  cap_drop:\n  - NET_RAW # ping\n  init: false # why\n",
            &["web"],
            "cap_drop",
            &Data::list(&["ALL"]),
            Some("web:\n  cap_drop:\n  - NET_RAW # ping\n  - ALL\n  init: false # why\n"),
        );
        check(
            "web:\n  cap_drop: [NET_RAW]\n",
            &["web"],
            "cap_drop",
            &Data::list(&["ALL"]),
            Some("web:\n  cap_drop: [NET_RAW, ALL]\n"),
        );
        check(
            "web:\n  init: false # why\n",
            &["web"],
            "init",
            &Data::scalar("true"),
            Some("web:\n  init: true # why\n"),
        );
    }

    #[track_caller]
    fn check_removed(before: &str, at: &str, expected: Option<&str>) {
        let tree = Tree::from_memory([("compose.yml", before)]);
        let document = open(&tree, FileId(0)).expect("it parses");
        let start = before.find(at).expect("it is there");
        let span = Span::new(FileId(0), TextRange::of(start, start + at.len()));
        let edit = document.remove(span);
        assert_eq!(edited(&tree, edit.map(|edit| vec![edit])).as_deref(), expected, "{before}");
    }

    #[test]
    fn entries_and_items_are_taken_out() {
        check_removed("a: 1\nb: 2 # why\nc: 3\n", "b", Some("a: 1\nc: 3\n"));
        check_removed("a: 1\nb:\n  c: 2\n", "2", Some("a: 1\n"));
        check_removed("a: 1\nb:\n  - x:1\n", "x:1", Some("a: 1\n"));
        check_removed("a:\n  - x\n  - y\nb: 1\n", "x", Some("a:\n  - y\nb: 1\n"));
        check_removed("a: [x, y, z]\n", "x", Some("a: [y, z]\n"));
        check_removed("a: [x, y, z]\n", "z", Some("a: [x, y]\n"));
        check_removed("w: {a: 1, b: [2]}\n", "2", Some("w: {a: 1}\n"));
        check_removed("- a: 1\n  b: 2\n", "a: 1", None);
        check_removed("a: 1\n", "a", None);
        check_removed("x: &x\n  a: 1\n  b: 2\ny: *x\n", "a", None);
    }

    #[test]
    fn what_is_shared_is_left_alone() {
        let text = "x: &x\n  a: 1\nweb:\n  <<: *x\n  b: 1\nlogs: *x\n";
        check(text, &["x"], "c", &Data::scalar("1"), None);
        check(text, &["logs"], "c", &Data::scalar("1"), None);
        check(
            text,
            &["web"],
            "c",
            &Data::scalar("1"),
            Some(&text.replace("b: 1\n", "b: 1\n  c: 1\n")),
        );
    }
}
