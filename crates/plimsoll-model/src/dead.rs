//! Branches for a failure that `set -e` has already ended the program for.
//!
//! Source of the rules: the POSIX Shell Command Language, «set», option `-e`: it does not apply in
//! the condition of `if`, `while` and `until`, in all but the last command of a list of `&&` and
//! `||`, and behind `!`; what a function or compound does there is exempt as a whole.

use std::collections::BTreeSet;

use plimsoll_source::TextRange;
use plimsoll_syntax::shell::{
    Command, CommandId, CommandKind, Connector, Item, ListId, PartKind, Script, WordId,
};

/// A test of `$?` that finds 0 whenever it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadBranch {
    /// The command whose failure it asks about.
    pub command: TextRange,
    /// The test.
    pub test: TextRange,
}

/// The dead branches of a program, in order; and whether `set -e` is ever in effect in it.
#[must_use]
pub fn dead_branches(script: &Script) -> (Vec<DeadBranch>, bool) {
    let by_shebang = script.shebang.as_deref().is_some_and(|shebang| {
        shebang.split_whitespace().skip(1).any(|word| is_short(word, '-', 'e'))
    });
    let names = functions(script).map(|(name, _)| name).collect();
    let found = Vec::new();
    let mut walk = Walk { script, names, found, on: by_shebang, off: false, asked: false };
    if let Some(root) = script.root {
        walk.list(root, by_shebang, false);
    }
    // A function runs under what its callers set: only where that never changes is it known.
    let on = walk.on;
    for (_, body) in functions(script) {
        walk.command(body, false, false);
    }
    walk.asked |= walk.is_substituted();
    if on && !walk.off && !walk.asked {
        for (_, body) in functions(script) {
            walk.command(body, true, false);
        }
    }
    walk.found.sort_by_key(|dead| dead.test);
    walk.found.dedup();
    (walk.found, walk.on)
}

fn functions(script: &Script) -> impl Iterator<Item = (&str, CommandId)> {
    script.commands.iter().filter_map(|command| match &command.kind {
        CommandKind::Function { name, body } => Some((&**name, *body)),
        _ => None,
    })
}

/// `-e`, `-eu`: a letter among short options.
fn is_short(word: &str, sign: char, letter: char) -> bool {
    word.strip_prefix(sign).is_some_and(|rest| !rest.starts_with(sign) && rest.contains(letter))
}

struct Walk<'a> {
    script: &'a Script,
    /// The functions.
    names: BTreeSet<&'a str>,
    found: Vec<DeadBranch>,
    /// `set -e` was met, and `set +e`.
    on: bool,
    off: bool,
    /// A function is called where failures are asked about.
    asked: bool,
}

impl<'a> Walk<'a> {
    /// Follows a list under `errexit`, or where it does not apply (`exempt`); what holds after it.
    /// Recursion ends: lists nest no deeper than [`plimsoll_syntax::MAX_DEPTH`].
    fn list(&mut self, id: ListId, mut errexit: bool, exempt: bool) -> bool {
        let items = &self.script.list(id).items;
        for (at, item) in items.iter().enumerate() {
            if errexit && !exempt {
                self.judge(items, at);
            }
            let joined = matches!(item.then, Connector::And | Connector::Or);
            let exempt = exempt || item.negated || joined;
            self.asked |= exempt && self.calls(item);
            for &command in &item.pipeline {
                let after = self.command(command, errexit, exempt);
                if item.pipeline.len() == 1 && item.then != Connector::Background {
                    errexit = after;
                }
            }
        }
        errexit
    }

    fn command(&mut self, id: CommandId, errexit: bool, exempt: bool) -> bool {
        match &self.script.command(id).kind {
            CommandKind::Simple { words, .. } => return self.set(words, errexit),
            CommandKind::Subshell(list) => {
                self.list(*list, errexit, exempt);
            }
            CommandKind::Group(list) => return self.list(*list, errexit, exempt),
            CommandKind::If { branches, otherwise } => {
                let mut after = errexit;
                for (condition, body) in branches {
                    self.list(*condition, errexit, true);
                    after &= self.list(*body, errexit, exempt);
                }
                if let Some(body) = otherwise {
                    after &= self.list(*body, errexit, exempt);
                }
                return after;
            }
            CommandKind::Loop { condition, body, .. } => {
                self.list(*condition, errexit, true);
                return errexit & self.list(*body, errexit, exempt);
            }
            CommandKind::For { body, .. } => return errexit & self.list(*body, errexit, exempt),
            CommandKind::Case { arms, .. } => {
                let mut after = errexit;
                for (_, body) in arms {
                    after &= self.list(*body, errexit, exempt);
                }
                return after;
            }
            CommandKind::Function { .. } | CommandKind::Test(_) | CommandKind::Arithmetic => {}
        }
        errexit
    }

    /// What `set` makes of it.
    fn set(&mut self, words: &[WordId], errexit: bool) -> bool {
        let script = self.script;
        let mut words = words.iter().map(|&word| script.literal(word).unwrap_or_default());
        if words.next().as_deref() != Some("set") {
            return errexit;
        }
        let mut now = errexit;
        let mut named = None;
        for word in words {
            if let Some(on) = named.take().filter(|_| word == "errexit") {
                now = on;
                self.off |= !on;
            }
            if is_short(&word, '-', 'e') {
                now = true;
            }
            if is_short(&word, '+', 'e') {
                now = false;
                self.off = true;
            }
            if is_short(&word, '-', 'o') || is_short(&word, '+', 'o') {
                named = Some(word.starts_with('-'));
            }
        }
        self.on |= now;
        now
    }

    /// Whether an item tests the status of the one before it, which is 0.
    fn judge(&mut self, items: &[Item], at: usize) {
        let Some(before) = at.checked_sub(1) else { return };
        let Some((command, item)) = items.get(before).zip(items.get(at)) else { return };
        let chained = before.checked_sub(1).and_then(|first| items.get(first));
        let chained = chained.is_some_and(|first| first.then != Connector::Seq);
        if chained || command.negated || command.then != Connector::Seq || !self.ends(command) {
            return;
        }
        if self.tests(item, "?") {
            self.found.push(DeadBranch { command: command.range, test: self.test_of(item) });
        }
        // `status=$?`, and its test.
        let Some(name) = self.keeps(item) else { return };
        for later in items.iter().skip(at + 1) {
            if self.tests(later, name) {
                self.found.push(DeadBranch { command: command.range, test: self.test_of(later) });
                return;
            }
            if self.simple(later).is_none_or(|command| assigns(command, name)) {
                return;
            }
        }
    }

    fn simple(&self, item: &Item) -> Option<&'a Command> {
        let [command] = &*item.pipeline else { return None };
        let command = self.script.command(*command);
        matches!(command.kind, CommandKind::Simple { .. }).then_some(command)
    }

    /// Whether a failure of this pipeline ends the program: a command, or an assignment of one's
    /// output.
    fn ends(&self, item: &Item) -> bool {
        let last = item.pipeline.last().map(|&id| &self.script.command(id).kind);
        match last {
            Some(CommandKind::Simple { words, assignments }) => {
                let runs = |word: &WordId| {
                    let mut parts = self.script.word(*word).parts.iter();
                    parts.any(|part| matches!(part.kind, PartKind::Substitution(_)))
                };
                let first = words.first().and_then(|&word| self.script.literal(word));
                let shell = ["set", "trap", "shift", "unset", "exit", "return"];
                match first {
                    Some(name) => !shell.contains(&&*name),
                    None => {
                        !words.is_empty() || assignments.iter().any(|a| a.value.iter().any(runs))
                    }
                }
            }
            Some(CommandKind::Subshell(_)) => true,
            _ => false,
        }
    }

    /// The variable that keeps `$?`.
    fn keeps(&self, item: &Item) -> Option<&'a str> {
        let CommandKind::Simple { assignments, words } = &self.simple(item)?.kind else {
            return None;
        };
        let [one] = &**assignments else { return None };
        let value = self.script.word(one.value?);
        let [part] = &*value.parts else { return None };
        let status = matches!(&part.kind, PartKind::Variable { name, .. } if name == "?");
        (status && words.is_empty()).then_some(&*one.name)
    }

    /// Whether an item goes elsewhere when a variable with a status is not 0.
    fn tests(&self, item: &Item, name: &str) -> bool {
        let [id] = &*item.pipeline else { return false };
        match &self.script.command(*id).kind {
            CommandKind::If { branches, otherwise } => {
                let Some((condition, _)) = branches.first() else { return false };
                let [test] = &*self.script.list(*condition).items else { return false };
                let more = branches.len() > 1 || otherwise.is_some();
                match self.asks_for_failure(test, name) {
                    Some(fails) => fails != test.negated || more,
                    None => false,
                }
            }
            CommandKind::Case { subject, .. } => self.is_status(*subject, name),
            _ => match (self.asks_for_failure(item, name), item.then) {
                (Some(fails), Connector::And) => fails != item.negated,
                (Some(fails), Connector::Or) => fails == item.negated,
                _ => false,
            },
        }
    }

    /// Whether a test of this variable holds when it is not 0; `None` where it is no such test.
    fn asks_for_failure(&self, item: &Item, name: &str) -> Option<bool> {
        let [id] = &*item.pipeline else { return None };
        let words = match &self.script.command(*id).kind {
            CommandKind::Simple { words, .. } => {
                let first = self.script.literal(*words.first()?)?;
                matches!(&*first, "[" | "test").then_some(words)?
            }
            CommandKind::Test(words) => words,
            _ => return None,
        };
        words.iter().any(|&word| self.is_status(word, name)).then(|| {
            let texts: Vec<String> =
                words.iter().filter_map(|&word| self.script.literal(word)).collect();
            let has = |wanted: &[&str]| texts.iter().any(|text| wanted.contains(&&**text));
            !(has(&["-eq", "=", "=="]) && has(&["0"]))
        })
    }

    fn is_status(&self, word: WordId, name: &str) -> bool {
        let [part] = &*self.script.word(word).parts else { return false };
        matches!(&part.kind, PartKind::Variable { name: is, op: None, length: false } if is == name)
    }

    fn test_of(&self, item: &Item) -> TextRange {
        let first = item.pipeline.first().map(|&id| self.script.command(id));
        match first.map(|command| (&command.kind, command.range)) {
            Some((CommandKind::If { branches, .. }, range)) => {
                let condition = branches.first().map(|(list, _)| self.script.list(*list).range);
                condition.map_or(range, |condition| TextRange::new(range.start, condition.end))
            }
            Some((CommandKind::Case { subject, .. }, range)) => {
                TextRange::new(range.start, self.script.word(*subject).range.end)
            }
            _ => item.range,
        }
    }

    /// Whether a function of the program is called.
    fn calls(&self, item: &Item) -> bool {
        item.pipeline.iter().any(|&id| match &self.script.command(id).kind {
            CommandKind::Simple { words, .. } => {
                let first = words.first().and_then(|&word| self.script.literal(word));
                first.is_some_and(|name| self.names.contains(&*name))
            }
            _ => false,
        })
    }

    /// Whether a function is called in `$(…)`, where bash takes `-e` back.
    fn is_substituted(&self) -> bool {
        let parts = self.script.words.iter().flat_map(|word| &word.parts);
        let mut lists = parts.filter_map(|part| match part.kind {
            PartKind::Substitution(list) | PartKind::ProcessSubstitution(list) => Some(list),
            _ => None,
        });
        lists.any(|list| self.script.list(list).items.iter().any(|item| self.calls(item)))
    }
}

fn assigns(command: &Command, name: &str) -> bool {
    match &command.kind {
        CommandKind::Simple { assignments, .. } => assignments.iter().any(|a| a.name == name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_syntax::shell::{Dialect, parse};

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let script = parse(text.as_bytes(), Dialect::Bash);
        let (found, _) = dead_branches(&script);
        let found: Vec<&str> =
            found.iter().map(|d| &text[d.test.start as usize..d.test.end as usize]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn tests_after_a_command_are_dead() {
        check("set -e\na\nif [ $? -ne 0 ]; then exit 1; fi", &["if [ $? -ne 0 ]"]);
        check("#!/bin/sh -e\na | b\n[ \"$?\" != 0 ] && exit 1", &["[ \"$?\" != 0 ]"]);
        check(
            "set -euo pipefail\nx=$(a)\nif [[ $? -eq 0 ]]; then b; else c; fi",
            &["if [[ $? -eq 0 ]]"],
        );
        check(
            "set -o errexit\na\nr=$?\necho x\nif test $r -gt 0; then exit; fi",
            &["if test $r -gt 0"],
        );
        check("set -e\nf() { a; [ $? -eq 0 ] || exit 1; }\nf", &["[ $? -eq 0 ]"]);
        check("set -e\na\ncase $? in 0) ;; *) exit 1;; esac", &["case $?"]);
    }

    #[test]
    fn tests_that_can_run_are_not() {
        check("a\nif [ $? -ne 0 ]; then exit 1; fi", &[]);
        check("set -e\nset +e\na\nif [ $? -ne 0 ]; then exit 1; fi", &[]);
        check("set -e\na && b\nif [ $? -ne 0 ]; then exit 1; fi", &[]);
        check("set -e\na || true\nif [ $? -ne 0 ]; then exit 1; fi", &[]);
        check("set -e\n! a\nif [ $? -ne 0 ]; then exit 1; fi", &[]);
        check("set -e\nif a; then b; fi\nif [ $? -ne 0 ]; then exit 1; fi", &[]);
        check("set -e\na\nif [ $? -eq 0 ]; then echo done; fi", &[]);
        check("set -e\n{ a; [ $? -eq 0 ] || exit 1; } || b", &[]);
        check("set -e\nf() { a; [ $? -eq 0 ] || exit 1; }\nif f; then b; fi", &[]);
        check("set -e\nf() { a; [ $? -eq 0 ] || exit 1; }\nf || b", &[]);
        check("set -e\nif x; then set +e; fi\na\n[ $? -ne 0 ] && exit 1", &[]);
    }
}
