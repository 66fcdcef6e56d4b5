//! Whether a file says the same outside of what an edit changed: the words that its reader sees, in
//! their order, each within the same blocks.
//!
//! The bytes there are the same in any case. What they mean may not be: a quote that is never closed,
//! a block that ends too early or an indentation that is one too deep changes what follows.

use std::collections::BTreeSet;

use plimsoll_source::{Derived, FileId, Patch, Span, TextRange, Tree};
use plimsoll_syntax::yaml::{Style, Value, Yaml};
use plimsoll_syntax::{caddyfile, directives, dockerfile, nginx, shell, yaml};

use super::offset;
use crate::lower::{is_dockerfile_name, server_of_name};
use crate::path;
use crate::proxy::Server;

/// What an edit makes of a file: the bytes that it takes away, and those that stand there instead.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    /// Where it was in the file as it was.
    pub old: TextRange,
    /// Where it is in the file as it is.
    pub new: TextRange,
}

/// The path of a file that a patch lets say something else outside of what it changes.
#[must_use]
pub fn misread(before: &Tree, after: &Tree, patch: &Patch) -> Option<String> {
    let mut edits: Vec<_> = patch.edits.iter().collect();
    edits.sort_by_key(|edit| (edit.span.file, edit.span.range.start, edit.span.range.end));
    edits.chunk_by(|a, b| a.span.file == b.span.file).find_map(|edits| {
        let (mut removed, mut inserted) = (0, 0);
        let changed = edits.iter().map(|edit| {
            let old = edit.span.range;
            let start = old.start + inserted - removed;
            let len = offset(edit.insert.len());
            (removed, inserted) = (removed + old.len(), inserted + len);
            Changed { old, new: TextRange::new(start, start + len) }
        });
        let changed: Vec<Changed> = changed.collect();
        let file = edits.first()?.span.file;
        let path = before.path(file);
        let (old, new) = (before.read(file).ok()?, after.read(after.find(path)?).ok()?);
        (!says_the_same(path, &old, &new, &changed)).then(|| path.to_owned())
    })
}

/// Whether a file says the same before and after these changes, which are in order, wherever they
/// are not. What we have no reader for does.
#[must_use]
pub fn says_the_same(path: &str, old: &[u8], new: &[u8], changed: &[Changed]) -> bool {
    let (Some(was), Some(is)) = (Outline::of(path, old), Outline::of(path, new)) else {
        return true;
    };
    // A line that is put between lines is no part of their words; within one it is.
    let ends = |place: &Changed| {
        let (insert, rest) = (place.new.slice(new), old.get(place.old.start as usize..));
        let before = old.get(..place.old.end as usize).unwrap_or_default();
        let breaks = rest.is_none_or(|rest| rest.is_empty() || rest.starts_with(b"\n"));
        let begins = before.is_empty() || before.ends_with(b"\n");
        (breaks && insert.starts_with(b"\n"), begins && insert.ends_with(b"\n"))
    };
    let places = |pick: fn(&Changed) -> TextRange| -> Vec<Place> {
        let place = |at: &Changed| Place { range: pick(at), apart: ends(at) };
        changed.iter().map(place).collect()
    };
    // How far what lies behind the first `n` changes has moved.
    let moved = |at: u32| -> i64 {
        let before = changed.partition_point(|change| change.old.end <= at);
        let ends = changed.get(before.wrapping_sub(1));
        ends.map_or(0, |last| i64::from(last.new.end) - i64::from(last.old.end))
    };
    let was_said = was.outside(&places(|change| change.old));
    let is_said = is.outside(&places(|change| change.new));
    let stays = |was: u32, is: u32| i64::from(was) + moved(was) == i64::from(is);
    let same = |(was, is): (&Said<'_>, &Said<'_>)| {
        let blocks = || was.within.iter().zip(&is.within);
        stays(was.at, is.at)
            && (was.len, was.text, was.within.len()) == (is.len, is.text, is.within.len())
            && blocks().all(|(was, is)| was.1 == is.1 && stays(was.0, is.0))
    };
    is.errors <= was.errors
        && was_said.len() == is_said.len()
        && was_said.iter().zip(&is_said).all(same)
}

/// A place that was changed, and whether line ends stand between it and what comes before and behind.
struct Place {
    range: TextRange,
    apart: (bool, bool),
}

/// Whether a range is inside of what was changed, or a part of the same word.
fn is_touched(range: TextRange, places: &[Place]) -> bool {
    let first = places.partition_point(|place| place.range.end < range.start);
    let near = places.iter().skip(first).take_while(|place| place.range.start <= range.end);
    near.into_iter().any(|place| {
        let behind = place.apart.0 && range.end == place.range.start;
        let before = place.apart.1 && range.start == place.range.end;
        !behind && !before
    })
}

/// A word, as it is read.
#[derive(Debug)]
struct Said<'a> {
    at: u32,
    len: u32,
    text: &'a str,
    /// Where the blocks begin that it stands in, and what they are called.
    within: Vec<(u32, &'a str)>,
}

/// What stands for any comment: it is still there, whatever it says.
const COMMENT: &str = "#";

/// What a file says, flat.
#[derive(Default)]
struct Outline {
    /// Words with their places.
    words: Vec<(TextRange, String)>,
    /// Blocks: the whole, what opens it, and its name.
    blocks: Vec<(TextRange, TextRange, String)>,
    errors: usize,
}

impl Outline {
    fn of(path: &str, bytes: &[u8]) -> Option<Self> {
        let whole = Span::new(FileId(0), TextRange::of(0, bytes.len()));
        let text = Derived::verbatim(bytes.to_vec(), whole);
        let name = path::name(path).to_ascii_lowercase();
        let ends = |end: &str| name.rsplit_once('.').is_some_and(|(_, found)| found == end);
        let mut outline = Self::default();
        if ends("yml") || ends("yaml") {
            outline.yaml(yaml::parse(text));
        } else if ends("json") {
            outline.yaml(yaml::parse_json(text));
        } else if is_dockerfile_name(path) {
            outline.dockerfile(&text);
        } else if ends("sh") || ends("bash") || bytes.starts_with(b"#!/bin/") {
            outline.shell(&text);
        } else {
            let parsed = match server_of_name(path)? {
                Server::Caddy => caddyfile::parse(&text),
                Server::Nginx => nginx::parse(&text),
            };
            outline.errors = parsed.errors.len();
            outline.directives(&parsed.tree);
        }
        outline.words.sort();
        // What holds another comes first.
        outline.blocks.sort_by_key(|(whole, ..)| (whole.start, std::cmp::Reverse(whole.end)));
        Some(outline)
    }

    fn word(&mut self, range: TextRange, text: impl Into<String>) {
        if !range.is_empty() {
            self.words.push((range, text.into()));
        }
    }

    /// The words outside of what was changed, each with the blocks that it stands in, as far as what
    /// opens them was not changed.
    fn outside(&self, places: &[Place]) -> Vec<Said<'_>> {
        let mut blocks = self.blocks.iter().peekable();
        let mut open: Vec<(u32, (u32, &str))> = Vec::new();
        let mut said = Vec::new();
        for (range, text) in &self.words {
            while let Some((whole, head, name)) =
                blocks.next_if(|(whole, ..)| whole.start <= range.start)
            {
                open.retain(|(end, _)| *end > whole.start);
                if !is_touched(*head, places) {
                    open.push((whole.end, (head.start, name)));
                }
            }
            open.retain(|(end, _)| *end > range.start);
            if !is_touched(*range, places) {
                // Behind the last word of a block, a comment is in it as soon as the block goes on.
                let within =
                    open.iter().map(|(_, block)| *block).filter(|_| text != COMMENT).collect();
                said.push(Said { at: range.start, len: range.len(), text, within });
            }
        }
        said
    }

    fn yaml(&mut self, parsed: plimsoll_syntax::Parsed<Yaml>) {
        let yaml = parsed.tree;
        self.errors += parsed.errors.len();
        for &comment in &yaml.comments {
            self.word(comment, COMMENT);
        }
        let mut todo: Vec<(Value<'_>, bool)> = yaml.roots().map(|root| (root, false)).collect();
        while let Some((value, runs)) = todo.pop() {
            let own = value.raw().range;
            if value.is_alias() {
                self.word(own, "*");
                continue;
            }
            if let Some((tag, span)) = value.tag() {
                self.word(span.range, tag);
            }
            for (key, inner) in value.pairs() {
                let (at, name) = (key.raw().range, key.text().unwrap_or_default());
                self.word(at, format!("{name}:"));
                self.blocks.push((at.cover(inner.raw().range), at, name.to_owned()));
                todo.push((inner, name == "run"));
            }
            for item in value.items() {
                let at = item.raw().range;
                self.blocks.push((at, TextRange::new(at.start, at.start), "-".to_owned()));
                todo.push((item, false));
            }
            let Some(text) = value.text() else { continue };
            let is_block = matches!(value.style(), Some(Style::Literal | Style::Folded));
            // A block goes on as long as its lines are indented.
            let end = own.end + u32::from(is_block);
            self.word(TextRange::new(own.start, end), text);
            if runs && is_block {
                self.shell(&value.derived());
            }
        }
    }

    fn dockerfile(&mut self, text: &Derived) {
        let parsed = dockerfile::parse(text);
        self.errors += parsed.errors.len();
        for span in &parsed.tree.comments {
            self.word(span.range, COMMENT);
        }
        for instruction in &parsed.tree.instructions {
            let keyword = instruction.keyword_span.range;
            let name = format!("{:?}", instruction.keyword);
            self.word(keyword, name.clone());
            self.blocks.push((instruction.span.range, keyword, name));
            for flag in &instruction.flags {
                self.word(flag.span.range, flag.name.clone());
            }
            let inner = instruction.inner.iter().flat_map(|inner| &inner.words);
            for word in instruction.words.iter().chain(inner) {
                self.word(word.span.range, word.text.clone());
            }
            for pair in &instruction.pairs {
                let value = pair.value.as_ref().map_or("", |value| &value.text);
                self.word(pair.span.range, format!("{}={value}", pair.key.text));
            }
            if instruction.keyword == dockerfile::Keyword::Run && !instruction.json {
                self.shell(&instruction.args);
            }
            for document in &instruction.heredocs {
                self.word(document.span.range, document.name.clone());
                self.shell(&document.body);
            }
        }
    }

    fn shell(&mut self, text: &Derived) {
        let script = shell::parse(text.text(), shell::Dialect::Bash);
        self.errors += script.errors.len();
        let at = |range: TextRange| text.span(range).range;
        for &comment in &script.comments {
            self.word(at(comment), COMMENT);
        }
        // What is assigned is a part of the assignment, as it is of `export NAME=value`.
        let assigned = script.commands.iter().flat_map(|command| match &command.kind {
            shell::CommandKind::Simple { assignments, .. } => &assignments[..],
            _ => &[],
        });
        let mut values = BTreeSet::new();
        for assignment in assigned {
            self.word(at(assignment.range), assignment.name.clone());
            values.extend(assignment.value);
        }
        for id in (0..offset(script.words.len())).map(shell::WordId) {
            if !values.contains(&id) {
                self.word(at(script.word(id).range), script.word_text(id));
            }
        }
        for list in &script.lists {
            for (index, item) in list.items.iter().enumerate() {
                let text = format!("{} {}", item.negated, item.pipeline.len());
                self.word(at(item.range), text);
                // What joins two, between them.
                if let Some(next) = list.items.get(index + 1) {
                    let between = TextRange::new(item.range.end, next.range.start);
                    self.word(at(between), format!("{:?}", item.then));
                }
            }
        }
        for command in &script.commands {
            use shell::CommandKind as Kind;
            let name = match &command.kind {
                Kind::Simple { .. } => continue,
                Kind::Subshell(_) => "(",
                Kind::Group(_) => "{",
                Kind::If { .. } => "if",
                Kind::Loop { until: true, .. } => "until",
                Kind::Loop { .. } => "while",
                Kind::For { .. } => "for",
                Kind::Case { .. } => "case",
                Kind::Function { name, .. } => name,
                Kind::Test(_) => "[[",
                Kind::Arithmetic => "((",
            };
            let whole = command.range;
            let head = TextRange::new(whole.start, whole.start + 1);
            self.blocks.push((at(whole), at(head), name.to_owned()));
        }
    }

    fn directives(&mut self, tree: &directives::Directives) {
        for directive in &tree.all {
            for word in &directive.words {
                self.word(word.span.range, word.text.clone());
            }
            if directive.block.is_some() {
                let (whole, head) = (directive.whole.range, directive.head.range);
                self.blocks.push((whole, head, directive.name().to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Edit;

    use super::*;

    /// Puts a text in the place of another, which stands there once, and says whether the rest of
    /// the file means what it did.
    #[track_caller]
    fn check(path: &str, before: &str, old: &str, new: &str, expected: bool) {
        let tree = Tree::from_memory([(path, before)]);
        let start = before.find(old).expect("it is there");
        // What both begin with is not changed.
        let same = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
        let (new, span) =
            (&new[same..], Span::new(FileId(0), TextRange::of(start + same, start + old.len())));
        let patch = Patch { edits: vec![Edit { span, insert: new.into() }], ..Patch::default() };
        let after = tree.apply(&patch).expect("it applies");
        let read = misread(&tree, &after, &patch);
        assert_eq!(read.is_none(), expected, "{path}: {old:?} → {new:?}");
        assert!(read.is_none_or(|file| file == path));
    }

    #[test]
    fn what_follows_a_change_means_what_it_did() {
        let compose = "a:\n  b: 1\n  c: [x, y]\n  # why\nd:\n  - e: 2\n    f: 3\n";
        for (old, new, same) in [
            ("  c:", "  n: 5\n  c:", true),
            ("b: 1", "b: 2", true),
            ("1\n", "\n    k: 1\n", true),
            ("[x", "[w, x", true),
            ("1\n", "'1\n", false),
            ("  b: 1\n", "  n:\n", true),
            ("  b: 1\n", "", true),
            ("d:\n", "", false),
            ("2\n", "2\n  - g: 1\n", false),
            ("3\n", "3\n  - g: 1\n", true),
        ] {
            check("compose.yaml", compose, old, new, same);
        }
        let workflow = "steps:\n  - run: |\n      a b\n      c || d\n  - run: e\n";
        for (old, new, same) in [
            ("a b", "a -x b", true),
            ("a b\n", "a b\n      n\n", true),
            ("a b\n", "a b\n    n\n", false),
            ("a b", "a \"b", false),
            ("a b", "if a b", false),
            ("  - run: e\n", "  - run: f\n  - run: e\n", true),
        ] {
            check("w.yml", workflow, old, new, same);
        }
        let commented = "steps:\n  - name: a (b, c)\n    uses: d@1 # v1\n  - uses: e\n";
        for (old, new) in
            [("# v1\n", "# v1\n    with:\n      f: g\n"), ("# v1", "# v1\n    with:\n      f: g")]
        {
            check("w.yml", commented, old, new, true);
        }
        let image = "FROM a\nRUN b && \\\n    c d\nCOPY e f\nCMD [\"g\"]\n";
        for (old, new, same) in [
            ("COPY", "USER 1\nCOPY", true),
            ("b &&", "b; n &&", true),
            ("c d\n", "c d && n\n", true),
            ("c d\n", "c d && \\\n", false),
            ("b &&", "b \"&&", false),
            ("COPY e", "COPY --chown=1 e", true),
            ("f\n", "f \\\n", false),
        ] {
            check("Dockerfile", image, old, new, same);
        }
        let script = "#!/bin/sh\na b # why\nif c; then\n  d\nfi\nlocal x=$(e f)\n";
        for (old, new, same) in [
            ("a b", "set -e\na b", true),
            ("a b", "(a b", false),
            ("c;", "c; then :; fi; if c;", false),
            ("  d\n", "  d\n  n\n", true),
            ("local x", "local x\nx", true),
        ] {
            check("run.sh", script, old, new, same);
        }
        let proxy = "server {\n  listen 80;\n  location / {\n    a b;\n  }\n}\n";
        for (old, new, same) in [
            ("    a b;\n", "    a b;\n    c d;\n", true),
            ("  listen 80;\n", "  listen 80;\n}\nserver {\n", false),
            ("    a b;\n", "    a {\n", false),
        ] {
            check("nginx.conf", proxy, old, new, same);
        }
        check("package.json", "{\"a\": {\"b\": 1}, \"c\": 2}", "1}", "1, \"d\": 3}", true);
        check("package.json", "{\"a\": {\"b\": 1}, \"c\": 2}", "1}", "1, \"d\": {}", false);
        check("notes.txt", "a\nb\n", "a", "\"a", true);
    }
}
