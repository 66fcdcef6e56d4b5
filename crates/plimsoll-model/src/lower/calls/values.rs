//! What the words stand for: variables as they are set, branch by branch, and expansions.

use foldhash::HashSet;
use plimsoll_source::{Span, TextRange};
use plimsoll_syntax::shell::{Assignment, CommandKind, ListId, Part, PartKind, WordId};

use super::{ARRAY, Ctx, MAX_CALLS, MAX_DEPTH, MAX_READS, MAX_VALUE, Walker, Way, moved, parent};
use crate::flow::{Cwd, Expansion, ROOT, Read, RegionId, RegionKind, Set, show};

impl<'a> Walker<'a> {
    /// Walks one of several ways, and takes its effects on variables back; what it set comes out.
    pub(super) fn branch(&mut self, list: ListId, ctx: Ctx, changed: &mut Vec<String>) -> Way {
        let (mark, cwd) = (self.log.len(), self.cwd.clone());
        let options = (self.errexit, self.pipefail, self.nounset, self.xtrace);
        let way = self.list(list, ctx, false);
        if way == Way::Goes {
            changed.extend(self.changed_since(mark).into_iter().map(|(name, _)| name));
            if self.cwd != cwd {
                changed.push(String::new());
            }
        }
        self.undo_to(mark);
        self.cwd = cwd;
        (self.errexit, self.pipefail, self.nounset, self.xtrace) = options;
        way
    }

    pub(super) fn join(&mut self, mut changed: Vec<String>) {
        changed.sort();
        changed.dedup();
        for name in changed {
            if name.is_empty() {
                self.cwd = Cwd::Unknown;
            } else {
                self.set(&name, Value::Unknown);
            }
        }
    }

    pub(super) fn undo_to(&mut self, mark: usize) {
        while self.log.len() > mark {
            let Some((name, old)) = self.log.pop() else { return };
            match old {
                Some(value) => self.vars.insert(name, value),
                None => self.vars.remove(&name),
            };
        }
    }

    /// After something that may not have run: what it set has no single value.
    pub(super) fn forget_since(&mut self, mark: usize) {
        let grown: Vec<(String, Option<Value>)> = self.grown_since(mark);
        let names = self.changed_since(mark).into_iter().map(|(name, _)| name).collect();
        self.join(names);
        for (name, old) in grown {
            if let Some(old) = old {
                self.set(&name, old);
            }
        }
    }

    /// What was set since, but for what only grew, with its value before.
    pub(super) fn changed_since(&self, mark: usize) -> Vec<(String, Option<Value>)> {
        self.set_since(mark, false)
    }

    /// The arrays that only grew since: on every way they begin as they did before.
    pub(super) fn grown_since(&self, mark: usize) -> Vec<(String, Option<Value>)> {
        self.set_since(mark, true)
    }

    pub(super) fn set_since(&self, mark: usize, grown: bool) -> Vec<(String, Option<Value>)> {
        let mut seen = HashSet::default();
        let first = self.log[mark..].iter().filter(|(name, _)| seen.insert(name));
        let grew = |name: &String, old: &Option<Value>| {
            matches!((old, self.vars.get(name)), (Some(Value::Many(old)), Some(Value::Many(new)))
                if new.starts_with(old))
        };
        first.filter(|(name, old)| grew(name, old) == grown).cloned().collect()
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        if let Value::One(text) = &value {
            let seen = self.seen.entry(name.to_owned()).or_default();
            if seen.len() < 8 && !text.is_empty() && !seen.contains(text) {
                seen.push(text.clone());
            }
        }
        let old = self.vars.insert(name.to_owned(), value);
        self.log.push((name.to_owned(), old));
    }

    /// Notes the expansions of a word that becomes those from `at` on.
    pub(super) fn expanded(&self, word: WordId, at: usize, out: &mut Vec<Expansion>) {
        // One word, whatever stands around it.
        let plain = |value: &str| {
            !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || "*?[$`".contains(c))
        };
        for part in &self.unit.script.word(word).parts {
            let (name, op, known) = match &part.kind {
                PartKind::Variable { name, length: true, .. } => (name.as_str(), None, true),
                PartKind::Variable { name, op, .. } => {
                    let one = matches!(self.vars.get(name.as_str()),
                        Some(Value::One(value)) if plain(value));
                    let number = matches!(name.as_str(), "?" | "#" | "$" | "!" | "-");
                    (name.as_str(), op.as_ref().map(|(op, _)| op.clone()), number || one)
                }
                PartKind::Substitution(_) => ("", None, false),
                _ => continue,
            };
            let name = name.split('[').next().unwrap_or(name).to_owned();
            let (splits, span) = (!part.quoted && !known, self.span(part.range));
            out.push(Expansion { word: at, name, op, splits, span });
        }
    }

    /// Texts that the words' variables without a single value were set to.
    pub(super) fn possible(&self, words: &[WordId]) -> Vec<String> {
        let mut found = Vec::new();
        for &word in words {
            for part in &self.unit.script.word(word).parts {
                if let PartKind::Variable { name, .. } = &part.kind
                    && !matches!(self.vars.get(name.as_str()), Some(Value::One(_)))
                    && let Some(seen) = self.seen.get(name)
                {
                    found.extend(seen.iter().cloned());
                }
            }
        }
        found
    }

    /// Notes that a variable is set.
    pub(super) fn noted(
        &mut self,
        name: &str,
        value: String,
        span: Span,
        region: RegionId,
        local: bool,
    ) {
        let name = name.split('[').next().unwrap_or(name);
        if let Some((_, locals)) = self.inside.last_mut().filter(|_| local) {
            locals.insert(name.to_owned());
        }
        // What a function has made its own stays so, in what it calls as well.
        let local = local || self.inside.iter().any(|(_, locals)| locals.contains(name));
        let sets = &mut self.shared.flow.sets;
        if is_name(name) && sets.len() < MAX_CALLS {
            let at = self.shared.flow.commands.len();
            sets.push(Set {
                name: name.to_owned(),
                value,
                span,
                at,
                region,
                local,
                evaluated: false,
            });
        }
    }

    /// Notes what an arithmetic expression reads and sets.
    pub(super) fn arithmetic(&mut self, text: &str, span: Span, ctx: Ctx) {
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let before = rest[..start].trim_end();
            let number = rest[..start].ends_with(|c: char| c.is_ascii_digit());
            let name = &rest[start..];
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, behind) = name.split_at(end.unwrap_or(name.len()));
            let next = behind.trim_start();
            rest = behind;
            if number || before.ends_with("${") {
                continue;
            }
            let assigns = next.starts_with('=') && !next.starts_with("==");
            let sets = assigns
                || ["++", "--", "+=", "-=", "*=", "/=", "%="].iter().any(|op| next.starts_with(op))
                || before.ends_with("++")
                || before.ends_with("--");
            if !assigns {
                self.reading(name, None, span, ctx);
            }
            if sets {
                self.noted(name, String::new(), span, ctx.region, false);
                self.set(name, Value::Unknown);
            }
        }
    }

    pub(super) fn reading(
        &mut self,
        name: &str,
        op: Option<(String, String)>,
        span: Span,
        ctx: Ctx,
    ) {
        let name = name.split('[').next().unwrap_or(name);
        let reads = &mut self.shared.flow.reads;
        if is_name(name) && reads.len() < MAX_READS {
            let at = self.shared.flow.commands.len();
            let nounset = self.nounset;
            reads.push(Read { name: name.to_owned(), op, span, at, region: ctx.region, nounset });
        }
    }

    /// Walks the programs that a word substitutes, and notes the variables it reads.
    pub(super) fn substitutions(&mut self, word: WordId, ctx: Ctx) {
        let script = self.unit.script;
        for part in &script.word(word).parts {
            let span = self.span(part.range);
            match &part.kind {
                PartKind::Substitution(list) | PartKind::ProcessSubstitution(list) => {
                    let mut ignored = Vec::new();
                    let region = self.open(ctx.region, RegionKind::Substitution, span, true);
                    self.branch(*list, Ctx { tail: true, region, ..ctx }, &mut ignored);
                }
                PartKind::Variable { name, op: Some((op, inner)), length }
                    if self.depth < MAX_DEPTH =>
                {
                    let text = (!length).then(|| (op.clone(), script.word_text(*inner)));
                    self.reading(name, text, span, ctx);
                    self.depth += 1;
                    self.substitutions(*inner, ctx);
                    self.depth -= 1;
                    if matches!(op.as_str(), ":=" | "=") {
                        self.noted(name, script.word_text(*inner), span, ctx.region, false);
                    }
                }
                PartKind::Variable { name, .. } => self.reading(name, None, span, ctx),
                PartKind::Arithmetic => {
                    let text = self.source(part.range);
                    self.arithmetic(&text, span, ctx);
                }
                _ => {}
            }
        }
    }

    pub(super) fn assign(&mut self, assignment: &Assignment, region: RegionId) {
        let value = match assignment.value {
            Some(word) => known(self.value(word)),
            None => {
                let mut fields = Vec::new();
                for &word in &assignment.array {
                    self.fields(word, &mut fields);
                }
                Value::Many(fields)
            }
        };
        let shown = match &value {
            Value::One(text) => show(text),
            Value::Many(_) | Value::Unknown => String::new(),
        };
        self.noted(&assignment.name, shown, self.span(assignment.range), region, false);
        let value = if assignment.append {
            match (self.vars.get(&assignment.name), value) {
                (Some(Value::One(old)), Value::One(new)) => known(format!("{old}{new}")),
                (Some(Value::Many(old)), Value::Many(new)) if old.len() + new.len() < 256 => {
                    Value::Many([old.as_slice(), &new].concat())
                }
                (_, Value::One(new)) => {
                    self.set(&assignment.name, Value::One(new));
                    Value::Unknown
                }
                _ => Value::Unknown,
            }
        } else {
            value
        };
        self.set(&assignment.name, value);
    }

    /// A word as one text.
    pub(super) fn value(&self, word: WordId) -> String {
        let mut text = String::new();
        for part in &self.unit.script.word(word).parts {
            text.push_str(&self.part(part));
            if text.len() > MAX_VALUE {
                break;
            }
        }
        text
    }

    /// A word as the fields it becomes.
    pub(super) fn fields(&self, word: WordId, out: &mut Vec<String>) {
        self.fields_at(word, false, out);
    }

    /// The same; where it stands `first` and names the command, a default counts as the value.
    pub(super) fn fields_at(&self, word: WordId, first: bool, out: &mut Vec<String>) {
        if out.len() > 4096 {
            return;
        }
        let parts = &self.unit.script.word(word).parts;
        if let [head, elements @ .., tail] = parts.as_slice()
            && let (PartKind::Literal(head), PartKind::Literal(tail)) = (&head.kind, &tail.kind)
            && let Some(name) = head.strip_suffix("=(")
            && tail == ")"
        {
            // `local name=(a b)`: a literal blank is what the reader put between elements.
            let glue = |part: &Part| {
                !part.quoted && matches!(&part.kind, PartKind::Literal(text) if text == " ")
            };
            let mut text = format!("{name}={ARRAY}");
            for element in elements.split(glue).filter(|element| !element.is_empty()) {
                let array = match element {
                    [Part { kind: PartKind::Variable { name, op: None, .. }, .. }] => {
                        match (name.as_str(), name.strip_suffix("[@]")) {
                            ("@", _) => self.frames.last(),
                            (_, Some(name)) => match self.vars.get(name) {
                                Some(Value::Many(values)) => Some(values),
                                _ => None,
                            },
                            _ => None,
                        }
                    }
                    _ => None,
                };
                if let Some(values) = array {
                    values.iter().for_each(|value| text.extend([ARRAY.to_string(), value.clone()]));
                } else {
                    text.push(ARRAY);
                    element.iter().for_each(|part| text.push_str(&self.part(part)));
                }
            }
            out.push(text);
            return;
        }
        if let [part] = parts.as_slice()
            && let PartKind::Variable { name, op, length: false } = &part.kind
        {
            let rest = op.as_ref().map(|(op, rest)| (op.as_str(), self.unit.script.literal(*rest)));
            if matches!(name.as_str(), "@" | "*")
                && let Some(frame) = self.frames.last()
            {
                let from = match &rest {
                    None => Some(1),
                    Some((":", Some(from))) => from.trim().parse::<usize>().ok(),
                    Some(_) => None,
                };
                if let Some(from) = from {
                    out.extend(frame.iter().skip(from.saturating_sub(1)).cloned());
                    return;
                }
            }
            let array = name.strip_suffix("[@]").or_else(|| name.strip_suffix("[*]"));
            if op.is_none()
                && let Some(Value::Many(values)) = array.and_then(|array| self.vars.get(array))
            {
                out.extend(values.iter().cloned());
                return;
            }
            let value = match &rest {
                None => self.lookup(name),
                Some((":-" | "-", rest)) if first => self.lookup(name).or_else(|| rest.clone()),
                Some(_) => None,
            };
            if !part.quoted
                && let Some(value) = value
            {
                let value = default_of(&value).filter(|_| first).unwrap_or(&value);
                out.extend(value.split_whitespace().map(str::to_owned));
                return;
            }
        }
        out.push(self.value(word));
    }

    pub(super) fn part(&self, part: &Part) -> String {
        let known = match &part.kind {
            PartKind::Literal(text) => {
                if !self.has_expression(part.range) {
                    return text.clone();
                }
                let source = self.source(part.range);
                return source.trim_matches(['"', '\'']).to_owned();
            }
            PartKind::Variable { name, op: None, length: false } => self.lookup(name),
            PartKind::Variable { name, op: Some((op, rest)), length: false } => {
                match (name.as_str(), op.as_str()) {
                    // `${0%/*}` and `${BASH_SOURCE[0]%/*}`: the script's directory.
                    (_, "%") if self.unit.script.literal(*rest).as_deref() == Some("/*") => {
                        self.lookup(name).map(|path| parent(&path))
                    }
                    (_, ":-" | "-" | ":=" | "=" | ":?" | "?") => self.lookup(name),
                    _ => None,
                }
            }
            PartKind::Substitution(list) => self.place(*list),
            _ => None,
        };
        known.unwrap_or_else(|| self.source(part.range).trim_matches('"').to_owned())
    }

    pub(super) fn has_expression(&self, range: TextRange) -> bool {
        let from = self.unit.exprs.partition_point(|e| e.end <= range.start);
        self.unit.exprs.get(from).is_some_and(|e| e.start < range.end)
    }

    pub(super) fn lookup(&self, name: &str) -> Option<String> {
        if let Some(value) = self.vars.get(name) {
            return match value {
                Value::One(text) => Some(text.clone()),
                _ => None,
            };
        }
        if name == "0" || name.starts_with("BASH_SOURCE") {
            let me = if name == "0" { self.start.me.as_deref() } else { self.unit.path };
            return me.map(|me| format!("{ROOT}/{me}"));
        }
        if let (Ok(n), Some(frame)) = (name.parse::<usize>(), self.frames.last()) {
            return frame.get(n.checked_sub(1)?).cloned();
        }
        match name {
            "PWD" => match &self.cwd {
                Cwd::Tree(dir) => Some(format!("{ROOT}/{dir}")),
                _ => None,
            },
            "GITHUB_WORKSPACE" | "CI_PROJECT_DIR" => Some(format!("{ROOT}/")),
            _ => None,
        }
    }

    /// The directory that a substitution prints, in the few idioms that everybody uses.
    pub(super) fn place(&self, list: ListId) -> Option<String> {
        let items = &self.unit.script.list(list).items;
        let mut cwd = self.cwd.clone();
        let mut printed = None;
        for item in items {
            let [id] = item.pipeline.as_slice() else { return None };
            let CommandKind::Simple { words, .. } = &self.unit.script.command(*id).kind else {
                return None;
            };
            let mut fields = Vec::new();
            if self.depth >= MAX_DEPTH || words.len() > 8 {
                return None;
            }
            for &word in words {
                // One level only: a substitution within is the same few idioms.
                fields.push(self.shallow(word)?);
            }
            let text: Vec<&str> = fields.iter().map(String::as_str).collect();
            match text.as_slice() {
                ["cd", "--" | "-P", dir] | ["cd", dir] => cwd = moved(&cwd, dir),
                ["pwd"] | ["pwd", "-P"] => match &cwd {
                    Cwd::Tree(dir) => printed = Some(format!("{ROOT}/{dir}")),
                    _ => return None,
                },
                ["dirname", "--", path] | ["dirname", path] => printed = Some(parent(path)),
                ["realpath" | "readlink", path] | ["readlink", "-f", path] => {
                    printed = Some((*path).to_owned());
                }
                ["git", "rev-parse", "--show-toplevel"]
                | ["git", "-C", _, "rev-parse", "--show-toplevel"] => {
                    printed = Some(format!("{ROOT}/"));
                }
                _ => return None,
            }
        }
        printed
    }

    pub(super) fn shallow(&self, word: WordId) -> Option<String> {
        let mut text = String::new();
        for part in &self.unit.script.word(word).parts {
            match &part.kind {
                PartKind::Literal(literal) => text.push_str(literal),
                PartKind::Variable { name, length: false, .. } => {
                    text.push_str(&self.lookup(name)?);
                }
                PartKind::Substitution(list) => {
                    // Nesting is bounded by the parser; each list is read once a mention.
                    let items = &self.unit.script.list(*list).items;
                    let [item] = items.as_slice() else { return None };
                    let [id] = item.pipeline.as_slice() else { return None };
                    let CommandKind::Simple { words, .. } = &self.unit.script.command(*id).kind
                    else {
                        return None;
                    };
                    let words: Option<Vec<String>> = words
                        .iter()
                        .map(|&w| {
                            let parts = &self.unit.script.word(w).parts;
                            parts.iter().try_fold(String::new(), |text, part| match &part.kind {
                                PartKind::Literal(literal) => Some(text + literal),
                                PartKind::Variable { name, length: false, .. } => {
                                    Some(text + &self.lookup(name)?)
                                }
                                _ => None,
                            })
                        })
                        .collect();
                    match words?.as_slice() {
                        [name, path] if name == "dirname" => text.push_str(&parent(path)),
                        [name, dashes, path] if name == "dirname" && dashes == "--" => {
                            text.push_str(&parent(path));
                        }
                        [name, path] if name == "realpath" => text.push_str(path),
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        Some(text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    One(String),
    Many(Vec<String>),
    /// Set, to what depends on the way taken.
    Unknown,
}

/// The default in a text that is nothing but `${NAME:-default}`.
pub(super) fn default_of(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?;
    let (name, default) = inner.split_once(":-")?;
    (is_name(name) && !default.contains('}')).then_some(default)
}

/// Whether a text is a variable's name.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The value in `local name=value`: an array where it is written as one.
pub(super) fn declared(value: &str) -> Value {
    match value.strip_prefix(ARRAY) {
        Some(fields) => Value::Many(fields.split(ARRAY).skip(1).map(str::to_owned).collect()),
        None => known(value.to_owned()),
    }
}

pub(super) fn known(text: String) -> Value {
    if text.len() > MAX_VALUE { Value::Unknown } else { Value::One(text) }
}
