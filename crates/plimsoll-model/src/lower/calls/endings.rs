//! Which commands end the program, or may: what stands behind them is reached only without.

use plimsoll_syntax::shell::{self, CommandId, CommandKind, Connector, Dialect, Item, ListId};

use super::{Unit, Walker};
use crate::flow::{After, RedirectOp};

impl<'a> Walker<'a> {
    pub(super) fn learn_endings(&mut self, unit: Unit<'a>, bodies: &[(&'a str, CommandId)]) {
        let outer = std::mem::replace(&mut self.unit, unit);
        let returns = std::mem::take(&mut self.returns);
        let exits = std::mem::take(&mut self.exits);
        for _ in 0..8 {
            let before = self.failing.len() + self.ending.len();
            for &(name, body) in bodies {
                if !self.failing.contains(name) && self.may_end(body, 0) {
                    self.failing.insert(name);
                }
                if !self.ending.contains_key(name)
                    && let Some(after) = self.ends(body, 0)
                {
                    self.ending.insert(name, after);
                }
            }
            if self.failing.len() + self.ending.len() == before {
                break;
            }
        }
        (self.returns, self.exits) = (returns, exits);
        self.unit = outer;
    }

    /// What a list makes of the program, where it ends it on every way.
    pub(super) fn list_ends(&self, list: ListId, depth: usize) -> Option<After> {
        if depth >= 24 {
            return None;
        }
        let items = &self.unit.script.list(list).items;
        let mut guarded = false;
        for item in items {
            let chained = matches!(item.then, Connector::And | Connector::Or);
            if !guarded
                && item.then != Connector::Background
                && let [id] = item.pipeline.as_slice()
                && let Some(after) = self.ends(*id, depth + 1)
            {
                return Some(after);
            }
            guarded = chained;
        }
        None
    }

    /// Whether what a trap runs ends the program with a failure.
    pub(super) fn trap_ends(&self, body: &str) -> bool {
        let script = shell::parse(body.as_bytes(), Dialect::Bash);
        let Some(root) = script.root else { return false };
        script.list(root).items.iter().any(|item| {
            let [id] = item.pipeline.as_slice() else { return false };
            let CommandKind::Simple { words, .. } = &script.command(*id).kind else { return false };
            let word = |at: usize| words.get(at).and_then(|&word| script.literal(word));
            match word(0).as_deref() {
                Some("exit") => word(1).as_deref() != Some("0"),
                Some(name) => self.ending.get(name) == Some(&After::Fails),
                None => false,
            }
        })
    }

    pub(super) fn item_ends(&self, item: &Item) -> Option<After> {
        match item.pipeline.as_slice() {
            [id] => self.ends(*id, 0),
            _ => None,
        }
    }

    /// What a command makes of the program, where it ends it on every way.
    pub(super) fn ends(&self, id: CommandId, depth: usize) -> Option<After> {
        if depth >= 24 {
            return None;
        }
        match &self.unit.script.command(id).kind {
            CommandKind::Simple { words, .. } => {
                let word = |i: usize| words.get(i).and_then(|&w| self.unit.script.literal(w));
                let name = word(0)?;
                let well = words.len() < 2 || word(1).as_deref() == Some("0");
                match name.as_str() {
                    "exit" => self.exited(if well { After::Ends } else { After::Fails }),
                    "return" => {
                        let &(fails, succeeds) = self.returns.last()?;
                        let after = if well { succeeds } else { fails };
                        (after != After::GoesOn).then_some(after)
                    }
                    "exec" if words.len() > 1 => Some(After::Ends),
                    name => match self.ending.get(name) {
                        Some(after) => self.exited(*after),
                        None => (!self.functions.contains_key(name)
                            && matches!(name, "die" | "fail" | "fatal" | "abort" | "bail"))
                        .then_some(After::Fails),
                    },
                }
            }
            CommandKind::Group(list) => self.list_ends(*list, depth),
            CommandKind::If { branches, otherwise: Some(otherwise) } => {
                let mut lists = branches.iter().map(|(_, body)| *body).chain([*otherwise]);
                lists.try_fold(After::Fails, |all, list| match self.list_ends(list, depth)? {
                    After::Fails => Some(all),
                    other => Some(other),
                })
            }
            _ => None,
        }
    }

    /// What an end of the shell makes of the program, which is its own unless a subshell runs.
    fn exited(&self, after: After) -> Option<After> {
        let Some(&(fails, succeeds)) = self.exits.last() else { return Some(after) };
        let after = if after == After::Fails { fails } else { succeeds };
        (after != After::GoesOn).then_some(after)
    }

    /// Whether the right side of `||` can itself end in a failure on purpose.
    pub(super) fn item_may_fail(&self, item: &Item) -> bool {
        item.pipeline.last().is_some_and(|&id| self.may_end(id, 0))
    }

    /// Whether a list leaves the loop around it: what a loop that tries again does on success.
    pub(super) fn leaves_loop(&self, list: ListId) -> bool {
        self.unit.script.list(list).items.iter().any(|item| self.pipeline_leaves(&item.pipeline))
    }

    /// Whether one of some commands goes on elsewhere.
    pub(super) fn pipeline_leaves(&self, commands: &[CommandId]) -> bool {
        commands.iter().any(|&id| match &self.unit.script.command(id).kind {
            CommandKind::Simple { words, .. } => words
                .first()
                .and_then(|&word| self.unit.script.literal(word))
                .is_some_and(|name| matches!(name.as_str(), "exit" | "return" | "break")),
            CommandKind::Group(list) => self.leaves_loop(*list),
            _ => false,
        })
    }

    pub(super) fn list_may_end(&self, list: ListId, depth: usize) -> bool {
        let items = &self.unit.script.list(list).items;
        depth < 24 && items.iter().any(|i| i.pipeline.iter().any(|&c| self.may_end(c, depth + 1)))
    }

    /// Whether a command contains an `exit`, `return` or `false` that fails, or calls what does.
    pub(super) fn may_end(&self, id: CommandId, depth: usize) -> bool {
        if depth >= 24 {
            return false;
        }
        match &self.unit.script.command(id).kind {
            CommandKind::Simple { words, .. } => {
                let word = |i: usize| words.get(i).and_then(|&w| self.unit.script.literal(w));
                let Some(name) = word(0) else { return false };
                match name.as_str() {
                    "exit" | "return" => word(1).as_deref() != Some("0"),
                    "false" => true,
                    // Undefined here, some names say that they stop.
                    name => {
                        self.failing.contains(name)
                            || (!self.functions.contains_key(name)
                                && matches!(name, "die" | "fail" | "fatal" | "abort" | "bail"))
                    }
                }
            }
            CommandKind::Subshell(list) | CommandKind::Group(list) => {
                self.list_may_end(*list, depth)
            }
            CommandKind::If { branches, otherwise } => branches
                .iter()
                .map(|(_, body)| *body)
                .chain(*otherwise)
                .any(|body| self.list_may_end(body, depth)),
            CommandKind::Loop { body, .. } | CommandKind::For { body, .. } => {
                self.list_may_end(*body, depth)
            }
            CommandKind::Case { arms, .. } => {
                arms.iter().any(|(_, body)| self.list_may_end(*body, depth))
            }
            CommandKind::Test(_) | CommandKind::Arithmetic => true,
            CommandKind::Function { .. } => false,
        }
    }

    /// Whether all that an item does is to say something, or to end well.
    pub(super) fn item_only_says(&self, item: &Item, depth: usize) -> bool {
        matches!(item.pipeline.as_slice(), [id] if self.only_says(*id, depth))
    }

    pub(super) fn list_only_says(&self, list: ListId, depth: usize) -> bool {
        let items = &self.unit.script.list(list).items;
        depth < 24 && items.iter().all(|item| self.item_only_says(item, depth + 1))
    }

    fn only_says(&self, id: CommandId, depth: usize) -> bool {
        let command = self.unit.script.command(id);
        // What it writes to a file may be read.
        let kept = command.redirects.iter().any(|redirect| {
            let target = self.unit.script.literal(redirect.target);
            let aside = target.is_some_and(|to| to.starts_with("/dev/"));
            !aside && !matches!(redirect.op, RedirectOp::DupOut | RedirectOp::Heredoc)
        });
        match &command.kind {
            _ if kept => false,
            CommandKind::Simple { words, assignments } => {
                let word = |at: usize| words.get(at).and_then(|&w| self.unit.script.literal(w));
                let says = match word(0).as_deref() {
                    Some("true" | ":" | "echo" | "printf") => word(1).as_deref() != Some("-v"),
                    Some("exit" | "return") => word(1).as_deref() == Some("0"),
                    _ => false,
                };
                says && assignments.is_empty()
            }
            CommandKind::Group(list) | CommandKind::Subshell(list) => {
                self.list_only_says(*list, depth)
            }
            CommandKind::If { branches, otherwise } => {
                let mut bodies = branches.iter().map(|(_, body)| *body).chain(*otherwise);
                bodies.all(|body| self.list_only_says(body, depth))
            }
            _ => false,
        }
    }

    /// Whether the last part of a pipe only passes on what it reads.
    pub(super) fn passes_on(&self, item: &Item) -> bool {
        const PASSES: [&str; 11] =
            ["tee", "cat", "tail", "head", "sed", "awk", "sort", "ts", "cut", "tr", "column"];
        let last = item.pipeline.last().and_then(|&id| self.unit.script.argv(id));
        let last = last.and_then(<[_]>::first).and_then(|&word| self.unit.script.literal(word));
        last.is_some_and(|last| PASSES.contains(&&*last))
    }
}
