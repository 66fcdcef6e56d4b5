//! Shell: words of a command found by their place, so that a flag goes where the command reads it;
//! and what follows from its failure.

use plimsoll_source::{Derived, Edit, Span, TextRange, Tree};
use plimsoll_syntax::shell::{
    self, CommandId, CommandKind, Connector, Dialect, ListId, PartKind, RedirectOp, Script, WordId,
};

use super::{Text, after, replace};

/// The words of the command that stands at `at`, with their places; `None` where several texts
/// make it, or a word is not written out.
#[must_use]
pub fn words(text: &Derived, script: &Script, at: Span) -> Option<Vec<(String, Span)>> {
    let is_it = |id: &CommandId| text.span(script.command(*id).range) == at;
    let id = script.simple_commands().find(is_it)?;
    let words = script.argv(id)?;
    words
        .iter()
        .map(|&word| Some((script.literal(word)?, text.span(script.word(word).range))))
        .collect()
}

/// Puts a word behind the first that is one of `names` (`npm ci` → `npm ci --omit=dev`).
#[must_use]
pub fn add_word(words: &[(String, Span)], names: &[&str], word: &str) -> Option<Edit> {
    let (_, place) = words.iter().find(|(text, _)| names.contains(&&**text))?;
    Some(after(*place, format!(" {word}")))
}

/// The words of the command at `at` as they are written, quotes and variables included, with their
/// places. `None` where it is a part of a pipe, sets variables or reads a file, so that it could not be
/// given something else; and where its text is put together from pieces.
#[must_use]
pub fn written(
    tree: &Tree,
    text: &Derived,
    script: &Script,
    at: Span,
) -> Option<Vec<(String, Span)>> {
    let is_it = |id: CommandId| text.span(script.command(id).range) == at;
    let mut items = script.lists.iter().flat_map(|list| &list.items);
    let id = items.find_map(|item| match item.pipeline[..] {
        [only] if is_it(only) => Some(only),
        _ => None,
    })?;
    let command = script.command(id);
    let CommandKind::Simple { assignments, words } = &command.kind else { return None };
    let reads = |op| !matches!(op, RedirectOp::Write | RedirectOp::Append | RedirectOp::DupOut);
    if !assignments.is_empty() || command.redirects.iter().any(|redirect| reads(redirect.op)) {
        return None;
    }
    let word = |&word: &WordId| {
        let range = script.word(word).range;
        let own = String::from_utf8_lossy(range.slice(text.text())).into_owned();
        Some((own, place(tree, text, range)?))
    };
    words.iter().map(word).collect()
}

/// Lets the failure of the command at `at` end the program: `|| exit 1` behind it; where something
/// follows `||` already, `true` gives way to it, and what says something says it before. `None` where
/// it stands within another construct, a trap is set, or its text is put together from pieces.
#[must_use]
pub fn exit_on_failure(
    tree: &Tree,
    text: &Derived,
    script: &Script,
    at: Span,
) -> Option<Vec<Edit>> {
    // What is done at the end may end it otherwise.
    let word = |id: CommandId, at: usize| script.literal(*script.argv(id)?.get(at)?);
    if script.simple_commands().any(|id| word(id, 0).as_deref() == Some("trap")) {
        return None;
    }
    let list = script.list(script.root?);
    let is_it = |id: CommandId| text.span(script.command(id).range) == at;
    let index = list.items.iter().position(|item| match item.pipeline[..] {
        [only] => !item.negated && is_it(only),
        _ => false,
    })?;
    let item = list.items.get(index)?;
    match item.then {
        Connector::Seq => Some(vec![after(place(tree, text, item.range)?, " || exit 1")]),
        Connector::Or => {
            let handler = list.items.get(index + 1).filter(|next| next.then == Connector::Seq)?;
            let [only] = handler.pipeline[..] else { return None };
            let CommandKind::Simple { words, .. } = &script.command(only).kind else { return None };
            let words: Vec<String> =
                words.iter().map(|&word| script.literal(word)).collect::<Option<_>>()?;
            let whole = place(tree, text, handler.range)?;
            match words.first().map(String::as_str)? {
                "true" | ":" => Some(vec![replace(whole, "exit 1")]),
                "echo" | "printf" => {
                    let start = TextRange::new(whole.range.start, whole.range.start);
                    let open = replace(Span::new(whole.file, start), "{ ");
                    Some(vec![open, after(whole, "; exit 1; }")])
                }
                _ => None,
            }
        }
        Connector::And | Connector::Background => None,
    }
}

/// Takes away what swallows the failure of the command at `at`: `|| true`, or a word about it. `None`
/// as for [`exit_on_failure`].
#[must_use]
pub fn unmask(tree: &Tree, text: &Derived, script: &Script, at: Span) -> Option<Edit> {
    let list = script.list(script.root?);
    let is_it = |id: CommandId| text.span(script.command(id).range) == at;
    let index = list.items.iter().position(|item| match item.pipeline[..] {
        [only] => !item.negated && is_it(only) && item.then == Connector::Or,
        _ => false,
    })?;
    let (item, next) = (list.items.get(index)?, list.items.get(index + 1)?);
    let [only] = next.pipeline[..] else { return None };
    let CommandKind::Simple { words, .. } = &script.command(only).kind else { return None };
    let name = script.literal(*words.first()?)?;
    if !matches!(&*name, "true" | ":" | "echo" | "printf") || next.then == Connector::Or {
        return None;
    }
    let tail = TextRange::new(item.range.end, next.range.end);
    Some(replace(place(tree, text, tail)?, ""))
}

/// A program that is a file, byte for byte, and parses: to be changed.
pub struct Source<'a> {
    text: &'a Derived,
    script: &'a Script,
    file: Text,
}

/// Opens the program of a script; `None` where its text is put together, or has errors.
#[must_use]
pub fn open<'a>(tree: &Tree, text: &'a Derived, script: &'a Script) -> Option<Source<'a>> {
    let file = Text::of(tree, text.file())?;
    let whole = script.errors.is_empty() && *file.bytes == *text.text();
    whole.then_some(Source { text, script, file })
}

impl Source<'_> {
    /// Whether its first line asks for bash.
    #[must_use]
    pub fn is_bash(&self) -> bool {
        self.script.shebang.as_ref().is_some_and(|line| line.contains("bash"))
    }

    /// The line end that it uses.
    #[must_use]
    pub fn line_end(&self) -> &'static str {
        self.file.eol()
    }

    /// The calls of `set` with options that it begins with, and where its first other command is.
    fn settings(&self) -> (Vec<CommandId>, Option<CommandId>) {
        let mut settings = Vec::new();
        let Some(root) = self.script.root else { return (settings, None) };
        for item in &self.script.list(root).items {
            match item.pipeline[..] {
                [only] if item.then == Connector::Seq && self.is_setting(only) => {
                    settings.push(only);
                }
                [first, ..] => return (settings, Some(first)),
                [] => {}
            }
        }
        (settings, None)
    }

    fn is_setting(&self, id: CommandId) -> bool {
        let words = self.script.argv(id).unwrap_or_default();
        let mut literal = words.iter().map(|&word| self.script.literal(word));
        literal.next().flatten().as_deref() == Some("set")
            && literal
                .next()
                .flatten()
                .is_some_and(|option| option.len() > 1 && option.starts_with('-') && option != "--")
    }

    /// Puts a line behind the options that it begins with; where it sets none, before its first
    /// command.
    #[must_use]
    pub fn begin_with(&self, line: &str) -> Option<Edit> {
        let (settings, first) = self.settings();
        if let Some(&last) = settings.last() {
            let end = self.script.command(last).range.end;
            return Some(self.file.lines_after(end.checked_sub(1)?, &[line.to_owned()]));
        }
        let start = self.script.command(first?).range.start;
        let start = self.file.line_start(start);
        Some(self.file.insert(start, super::whole(&[line.to_owned()], self.file.eol())))
    }

    /// Sets options for the whole program: letters of `set`, and `pipefail`; those that it begins with
    /// are kept. `None` where how it does that is not understood.
    #[must_use]
    pub fn set_options(&self, letters: &str, pipefail: bool) -> Option<Edit> {
        let (settings, _) = self.settings();
        let Some(&setting) = settings.first() else {
            let end = if pipefail { "o pipefail" } else { "" };
            return self.begin_with(&format!("set -{letters}{end}"));
        };
        let words = self.script.argv(setting)?;
        let literal: Option<Vec<String>> =
            words.iter().map(|&word| self.script.literal(word)).collect();
        let literal = literal?;
        let own: Vec<&str> = literal.iter().map(String::as_str).collect();
        let (options, rest) = match own[..] {
            ["set", options] if !options.contains('o') => (options, ""),
            ["set", options, "pipefail"] if options.ends_with('o') => (options, " pipefail"),
            _ => {
                let end = if pipefail { "o pipefail" } else { "" };
                return self.begin_with(&format!("set -{letters}{end}"));
            }
        };
        let own = options.trim_start_matches('-').trim_end_matches('o');
        let missing: String = letters.chars().filter(|letter| !own.contains(*letter)).collect();
        let end = if pipefail || !rest.is_empty() { "o pipefail" } else { "" };
        let first = self.script.word(*words.get(1)?).range;
        let range = TextRange::new(first.start, self.script.word(*words.last()?).range.end);
        Some(replace(self.text.span(range), format!("-{missing}{own}{end}")))
    }

    /// The word that names a program within a command: its own, one of its arguments (what `docker exec`
    /// runs), or one in a quoted program that it hands to a shell. `None` where there are several.
    #[must_use]
    pub fn word(&self, at: Span, name: &str) -> Option<Span> {
        let within = |range: TextRange| at.range.start <= range.start && range.end <= at.range.end;
        let mut found = Vec::new();
        let commands = self.script.simple_commands();
        let commands = commands.filter(|id| within(self.script.command(*id).range));
        for &word in commands.flat_map(|id| self.script.argv(id).unwrap_or_default()) {
            let range = self.script.word(word).range;
            match self.script.literal(word) {
                Some(text) if text == name => found.push(range),
                Some(_) => found.extend(self.inner(range, name)),
                None => {}
            }
        }
        found.sort_unstable();
        found.dedup();
        let [only] = found[..] else { return None };
        Some(self.text.span(only))
    }

    /// The words that name a program within a word that is one text in single quotes.
    fn inner(&self, range: TextRange, name: &str) -> Vec<TextRange> {
        let text = range.slice(self.text.text());
        let Some(inside) = text.strip_prefix(b"'").and_then(|text| text.strip_suffix(b"'")) else {
            return Vec::new();
        };
        if inside.contains(&b'\'') {
            return Vec::new();
        }
        let script = shell::parse(inside, Dialect::Posix);
        let words = script.simple_commands().flat_map(|id| script.argv(id).unwrap_or_default());
        let named = words.filter(|&&word| script.literal(word).as_deref() == Some(name));
        named.map(|&word| script.word(word).range.shifted(range.start + 1)).collect()
    }

    /// Lets a declaration only declare, and the value follow on a line of its own: `local x` and
    /// `x=$(…)`. `None` where it declares several, or has options.
    #[must_use]
    pub fn split_declaration(&self, at: Span) -> Option<Edit> {
        let is_it = |id: &CommandId| self.text.span(self.script.command(*id).range) == at;
        let id = self.script.simple_commands().find(is_it)?;
        let [keyword, value] = *self.script.argv(id)? else { return None };
        let keyword = self.script.literal(keyword)?;
        if !matches!(&*keyword, "local" | "export") || !self.script.command(id).redirects.is_empty()
        {
            return None;
        }
        let range = self.script.word(value).range;
        let text = std::str::from_utf8(range.slice(self.text.text())).ok()?;
        let (name, _) = text.split_once('=')?;
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let line = self.file.line_start(at.range.start);
        let alone = self.file.slice(line, at.range.start).iter().all(u8::is_ascii_whitespace);
        let list = self.script.list(self.script.root?);
        // What follows on its line, or what it is a condition of, would be about something else.
        let rest = self.file.slice(at.range.end, self.file.line_stop(at.range.end)).trim_ascii();
        if !plain || !alone || !(rest.is_empty() || rest.starts_with(b"#")) || list.items.is_empty()
        {
            return None;
        }
        let end = range.start + u32::try_from(name.len()).ok()?;
        let indent = self.file.indent(at.range.start);
        Some(self.file.insert(end, format!("{}{indent}{name}", self.file.eol())))
    }

    /// Puts a command into the condition that asks for its status on the next line: `a` and
    /// `if [ $? -ne 0 ]` are `if ! a`.
    #[must_use]
    pub fn join_branch(&self, command: TextRange, test: TextRange) -> Option<Edit> {
        const FAILED: [&str; 5] =
            ["[ $? -ne 0 ]", "[ $? != 0 ]", "[ \"$?\" -ne 0 ]", "[[ $? -ne 0 ]]", "[[ $? != 0 ]]"];
        let text = |start: u32, end: u32| {
            std::str::from_utf8(TextRange::new(start, end).slice(self.text.text())).ok()
        };
        let between = text(command.end, test.end)?;
        let (blank, condition) = between.split_at(between.find("if ")?);
        let follows = blank.trim().is_empty() && blank.contains('\n');
        let asks = FAILED.contains(&condition.strip_prefix("if ")?.trim());
        let span = self.text.span(TextRange::new(command.start, test.end));
        let command = text(command.start, command.end)?;
        (follows && asks).then(|| replace(span, format!("if ! {command}")))
    }

    /// The redirection to a file that the command at `at` ends with: the place of its target, and
    /// the target as written.
    #[must_use]
    pub fn output(&self, at: Span) -> Option<(Span, String)> {
        let within = |range: TextRange| at.range.start <= range.start && range.end <= at.range.end;
        let writes = |redirect: &&shell::Redirect| {
            redirect.op == shell::RedirectOp::Write && redirect.fd.is_none_or(|fd| fd == 1)
        };
        let commands = self.script.commands.iter().filter(|command| within(command.range));
        let mut found: Vec<TextRange> = commands
            .flat_map(|command| command.redirects.iter().filter(writes))
            .map(|redirect| self.script.word(redirect.target).range)
            .collect();
        found.sort_unstable();
        found.dedup();
        let [only] = found[..] else { return None };
        let text = String::from_utf8_lossy(only.slice(self.text.text())).into_owned();
        Some((self.text.span(only), text))
    }

    /// Lets the program end where the command at `at` fails, wherever that is a statement of its own:
    /// `|| exit 1` behind it. `None` for conditions, and where something depends on it already.
    #[must_use]
    pub fn or_exit(&self, at: Span) -> Option<Edit> {
        let mut conditions: Vec<ListId> = Vec::new();
        for command in &self.script.commands {
            match &command.kind {
                CommandKind::If { branches, .. } => {
                    conditions.extend(branches.iter().map(|(condition, _)| *condition));
                }
                CommandKind::Loop { condition, .. } => conditions.push(*condition),
                _ => {}
            }
        }
        let is_it = |id: CommandId| self.text.span(self.script.command(id).range) == at;
        let lists = self
            .script
            .lists
            .iter()
            .enumerate()
            .filter(|(id, _)| !conditions.iter().any(|condition| condition.0 as usize == *id));
        lists.map(|(_, list)| list).find_map(|list| {
            let index = list
                .items
                .iter()
                .position(|item| matches!(item.pipeline[..], [only] if is_it(only)))?;
            let item = list.items.get(index)?;
            let first = index == 0 || list.items.get(index - 1)?.then == Connector::Seq;
            let alone = first && item.then == Connector::Seq && !item.negated;
            alone.then(|| after(at, " || exit 1"))
        })
    }

    /// Puts quotes around a variable that the shell splits: around its whole word where nothing else in
    /// that means something to the shell.
    #[must_use]
    pub fn quote(&self, at: Span) -> Option<Edit> {
        let holds = |range: TextRange| range.start <= at.range.start && at.range.end <= range.end;
        let words = self.script.words.iter().filter(|word| holds(word.range));
        let word = words.min_by_key(|word| word.range.len())?;
        let is_it = |part: &&shell::Part| part.range == at.range && !part.quoted;
        let part = word.parts.iter().find(is_it)?;
        let written = |range: TextRange| std::str::from_utf8(range.slice(self.text.text())).ok();
        let own = written(part.range)?;
        if !matches!(part.kind, PartKind::Variable { .. }) || own.contains(['"', '\\', '`', '\'']) {
            return None;
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-:=@+,".contains(&b);
        let whole = word.parts.iter().all(|part| match part.kind {
            PartKind::Literal(_) => part.range.slice(self.text.text()).iter().copied().all(plain),
            PartKind::Variable { .. } => written(part.range).is_some_and(|own| !own.contains('"')),
            _ => false,
        });
        let range = if whole { word.range } else { part.range };
        Some(replace(self.text.span(range), format!("\"{}\"", written(range)?)))
    }

    /// The words that are this text, in quotes or not. `None` where it stands elsewhere, too: in a word
    /// that is more, in a comment, in a program that another runs.
    #[must_use]
    pub fn everywhere(&self, text: &str) -> Option<Vec<Span>> {
        let ids = (0..self.script.words.len()).map(|id| WordId(super::offset(id)));
        let same = ids.filter(|id| self.script.literal(*id).as_deref() == Some(text));
        let mut found: Vec<TextRange> = same.map(|id| self.script.word(id).range).collect();
        found.sort_unstable();
        found.dedup();
        let all = memchr::memmem::find_iter(&self.file.bytes, text.as_bytes()).count();
        (found.len() == all).then(|| found.into_iter().map(|range| self.text.span(range)).collect())
    }

    /// Lets the first argument of the command at `at`, a program in double quotes, be expanded when it
    /// runs and not before: in single quotes, its variables in double ones.
    #[must_use]
    pub fn expand_late(&self, at: Span) -> Option<Edit> {
        let is_it = |id: &CommandId| self.text.span(self.script.command(*id).range) == at;
        let id = self.script.simple_commands().find(is_it)?;
        let word = self.script.word(*self.script.argv(id)?.get(1)?);
        let text = std::str::from_utf8(word.range.slice(self.text.text())).ok()?;
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains(['"', '\'', '\\', '`']) || inner.contains("$(") {
            return None;
        }
        let mut out = String::new();
        let mut done = word.range.start + 1;
        for part in word.parts.iter().filter(|p| matches!(p.kind, PartKind::Variable { .. })) {
            let before = TextRange::new(done, part.range.start).slice(self.text.text());
            let own = part.range.slice(self.text.text());
            out += &String::from_utf8_lossy(before);
            out += &format!("\"{}\"", String::from_utf8_lossy(own));
            done = part.range.end;
        }
        let rest = TextRange::new(done, word.range.end - 1).slice(self.text.text());
        out += &String::from_utf8_lossy(rest);
        Some(replace(self.text.span(word.range), format!("'{out}'")))
    }

    /// Puts a line behind the statement of the program's own list in which `at` lies, where nothing but
    /// a line end follows that. `None` for what stands in functions and branches.
    #[must_use]
    pub fn follow(&self, at: Span, line: &str) -> Option<Edit> {
        let list = self.script.list(self.script.root?);
        let item = list.items.iter().position(|item| {
            item.range.start <= at.range.start && at.range.end <= item.range.end
        })?;
        let own = list.items.get(item)?;
        let alone = item == 0 || list.items.get(item - 1)?.then == Connector::Seq;
        let simple = own
            .pipeline
            .iter()
            .all(|id| matches!(self.script.command(*id).kind, CommandKind::Simple { .. }));
        let heredoc = own.pipeline.iter().any(|id| {
            self.script.command(*id).redirects.iter().any(|redirect| redirect.heredoc.is_some())
        });
        let rest = self.file.slice(own.range.end, self.file.line_stop(own.range.end)).trim_ascii();
        let ends = rest.is_empty() || rest.starts_with(b"#");
        if own.then != Connector::Seq || !alone || !simple || heredoc || !ends {
            return None;
        }
        let indent = self.file.indent(own.range.start);
        Some(self.file.lines_after(own.range.end.checked_sub(1)?, &[format!("{indent}{line}")]))
    }
}

/// Where a range of the text stands, if it stands there byte for byte.
fn place(tree: &Tree, text: &Derived, range: TextRange) -> Option<Span> {
    let span = text.span(range);
    let bytes = tree.read(span.file).ok()?;
    let same = span.range.slice(&bytes) == range.slice(text.text());
    (same && !range.is_empty()).then_some(span)
}

#[cfg(test)]
mod tests {
    use plimsoll_source::FileId;
    use plimsoll_syntax::shell::{Dialect, parse};

    use super::super::tests::edited;
    use super::*;

    #[track_caller]
    fn check(before: &str, expected: Option<&str>) {
        let tree = Tree::from_memory([("start.sh", before)]);
        let whole = Span::new(FileId(0), TextRange::of(0, before.len()));
        let text = Derived::verbatim(before.as_bytes().to_vec(), whole);
        let script = parse(before.as_bytes(), Dialect::Posix);
        let start = before.find("migrate").expect("a migration");
        let at = Span::new(FileId(0), TextRange::of(start, start + "migrate".len()));
        let edits = exit_on_failure(&tree, &text, &script, at);
        assert_eq!(edited(&tree, edits).as_deref(), expected, "{before}");
    }

    #[test]
    fn what_swallows_a_failure_is_taken_away() {
        for (before, expected) in [
            ("migrate || true && run\n", Some("migrate && run\n")),
            ("migrate || echo no; run\n", Some("migrate; run\n")),
            ("migrate || retry\n", None),
            ("migrate; run\n", None),
        ] {
            let tree = Tree::from_memory([("start.sh", before)]);
            let whole = Span::new(FileId(0), TextRange::of(0, before.len()));
            let text = Derived::verbatim(before.as_bytes().to_vec(), whole);
            let script = parse(before.as_bytes(), Dialect::Posix);
            let at = Span::new(FileId(0), TextRange::of(0, "migrate".len()));
            let edit = unmask(&tree, &text, &script, at);
            assert_eq!(edited(&tree, edit.map(|edit| vec![edit])).as_deref(), expected, "{before}");
        }
    }

    /// What a program becomes by an edit.
    #[track_caller]
    fn check_source(
        before: &str,
        make: impl Fn(&Source<'_>) -> Option<Edit>,
        expected: Option<&str>,
    ) {
        let tree = Tree::from_memory([("start.sh", before)]);
        let whole = Span::new(FileId(0), TextRange::of(0, before.len()));
        let text = Derived::verbatim(before.as_bytes().to_vec(), whole);
        let script = parse(before.as_bytes(), Dialect::Bash);
        let source = open(&tree, &text, &script).expect("it parses");
        let edit = make(&source);
        assert_eq!(edited(&tree, edit.map(|edit| vec![edit])).as_deref(), expected, "{before}");
    }

    #[test]
    fn options_join_those_that_are_there() {
        let options = |letters: &'static str, pipefail| {
            move |source: &Source<'_>| source.set_options(letters, pipefail)
        };
        check_source(
            "#!/bin/bash\n# Deploys\n\ngit pull\n",
            options("eu", true),
            Some("#!/bin/bash\n# Deploys\n\nset -euo pipefail\ngit pull\n"),
        );
        check_source("set -e\nx\n", options("e", true), Some("set -eo pipefail\nx\n"));
        check_source("set -u # y\nx\n", options("e", false), Some("set -eu # y\nx\n"));
        check_source("set -uo pipefail\nx\n", options("e", false), Some("set -euo pipefail\nx\n"));
        check_source(
            "set -o errexit\nx\n",
            options("", true),
            Some("set -o errexit\nset -o pipefail\nx\n"),
        );
    }

    fn span(text: &str, part: &str) -> Span {
        let start = text.find(part).expect("it is there");
        Span::new(FileId(0), TextRange::of(start, start + part.len()))
    }

    #[test]
    fn programs_are_found_where_they_are_named() {
        for (before, expected) in [
            ("docker exec db psql -U a\n", Some("docker exec db psql -1 -U a\n")),
            (
                "docker exec db sh -c 'psql \"$A\"'\n",
                Some("docker exec db sh -c 'psql -1 \"$A\"'\n"),
            ),
            ("docker exec psql psql -U a\n", None),
        ] {
            let at = span(before, before.trim_end());
            let make =
                |source: &Source<'_>| Some(after(source.word(at, "psql")?, " -1".to_owned()));
            check_source(before, make, expected);
        }
    }

    #[test]
    fn declarations_are_split_where_they_stand_alone() {
        let split = |before: &'static str, part: &'static str| {
            let at = span(before, part);
            move |source: &Source<'_>| source.split_declaration(at)
        };
        let before = "f() {\n  local x=$(a b) # c\n}\n";
        check_source(
            before,
            split(before, "local x=$(a b)"),
            Some("f() {\n  local x\n  x=$(a b) # c\n}\n"),
        );
        let before = "f() { local x=$(a); }\n";
        check_source(before, split(before, "local x=$(a)"), None);
    }

    #[test]
    fn statements_end_the_program_wherever_they_stand() {
        let or_exit = |before: &'static str| {
            let at = span(before, "cd a");
            move |source: &Source<'_>| source.or_exit(at)
        };
        for (before, expected) in [
            ("f() {\n  cd a\n}\n", Some("f() {\n  cd a || exit 1\n}\n")),
            ("if x; then cd a; fi\n", Some("if x; then cd a || exit 1; fi\n")),
            ("if cd a; then x; fi\n", None),
            ("while cd a; do x; done\n", None),
            ("x && cd a\n", None),
            ("cd a && x\n", None),
        ] {
            check_source(before, or_exit(before), expected);
        }
    }

    #[test]
    fn what_is_split_is_quoted() {
        let quote = |before: &'static str, part: &'static str| {
            let at = span(before, part);
            move |source: &Source<'_>| source.quote(at)
        };
        for (before, part, expected) in [
            ("rm -rf $A/b\n", "$A", Some("rm -rf \"$A/b\"\n")),
            ("rm -rf ${A}/*\n", "${A}", Some("rm -rf \"${A}\"/*\n")),
            ("rm -rf ~/$A\n", "$A", Some("rm -rf ~/\"$A\"\n")),
            ("rm -rf \"$A\"\n", "$A", None),
        ] {
            check_source(before, quote(before, part), expected);
        }
    }

    #[test]
    fn traps_are_expanded_when_they_run() {
        let late = |before: &'static str| {
            let at = span(before, before.trim_end());
            move |source: &Source<'_>| source.expand_late(at)
        };
        for (before, expected) in [
            ("trap \"rm -rf $d/x\" EXIT\n", Some("trap 'rm -rf \"$d\"/x' EXIT\n")),
            ("trap \"rm '$d'\" EXIT\n", None),
            ("trap 'rm $d' EXIT\n", None),
        ] {
            check_source(before, late(before), expected);
        }
    }

    #[test]
    fn a_text_is_found_where_it_is_a_whole_word() {
        let count = |source: &Source<'_>| {
            source.everywhere("/tmp/a").map(|all| replace(all[0], all.len().to_string()))
        };
        check_source("x > /tmp/a\ny \"/tmp/a\"\n", count, Some("x > 2\ny \"/tmp/a\"\n"));
        check_source("x > /tmp/a\ny /tmp/ab\n", count, None);
        check_source("x > /tmp/a\nssh h 'y /tmp/a'\n", count, None);
    }

    #[test]
    fn a_command_moves_into_the_condition_on_it() {
        let before = "a b\nif [ $? -ne 0 ]; then\n  exit 1\nfi\n";
        let join =
            |source: &Source<'_>| source.join_branch(TextRange::new(0, 3), TextRange::new(7, 19));
        check_source(before, join, Some("if ! a b; then\n  exit 1\nfi\n"));
        check_source("a b\n#  [ $? -ne 0 ]\n", join, None);
    }

    #[test]
    fn lines_follow_whole_statements() {
        let follow = |before: &'static str, part: &'static str| {
            let at = span(before, part);
            move |source: &Source<'_>| source.follow(at, "mv a b")
        };
        let before = "dump |\n  gzip > a\nx\n";
        check_source(before, follow(before, "gzip > a"), Some("dump |\n  gzip > a\nmv a b\nx\n"));
        let before = "dump > a || exit 1\n";
        check_source(before, follow(before, "dump > a"), None);
        let before = "if x; then dump > a; fi\n";
        check_source(before, follow(before, "dump > a"), None);
    }

    #[test]
    fn a_failure_ends_the_program() {
        check("migrate # first\nrun\n", Some("migrate || exit 1 # first\nrun\n"));
        check("migrate || true\nrun\n", Some("migrate || exit 1\nrun\n"));
        check(
            "migrate || echo \"it failed\"; run\n",
            Some("migrate || { echo \"it failed\"; exit 1; }; run\n"),
        );
        check("migrate || retry || true\n", None);
        check("trap 'exit 0' EXIT\nmigrate\n", None);
        check("if migrate; then run; fi\n", None);
        check("migrate | tee log\n", None);
    }
}
