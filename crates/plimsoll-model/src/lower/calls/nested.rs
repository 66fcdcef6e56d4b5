//! Programs within the program: sourced files, `sh -c` strings, here-documents fed to a shell.

use foldhash::{HashMap, HashSet};
use plimsoll_source::{Derived, DerivedBuilder, Span, TextRange};
use plimsoll_syntax::shell::{self, Dialect, PartKind};

use super::super::reach;
use super::values::{Value, is_name};
use super::wrappers::{WRAPPERS, entered, inside, is_option, positional_from, unwrap};
use super::{Ctx, MAX_DEPTH, MAX_HANDED, Start, Unit, Walker, run};
use crate::flow::{Command as Call, Cwd, RegionKind, Set};

impl<'a> Walker<'a> {
    /// Reads a file of the tree in place.
    pub(super) fn sourced(&mut self, at: usize, ctx: Ctx) {
        let call = &self.shared.flow.commands[at];
        let dir = self.unit.path.map_or("", reach::parent);
        let unit = [dir, ""]
            .iter()
            .find_map(|start| self.library.0.get(call.path(1, start)?.as_str()).copied());
        let Some((unit, path, root)) =
            unit.and_then(|unit| Some((unit, unit.path?, unit.script.root?)))
        else {
            return;
        };
        if self.sourcing.contains(&path) || self.sourcing.len() > 16 || self.depth + 8 >= MAX_DEPTH
        {
            return;
        }
        let span = call.span;
        let region = self.open(ctx.region, RegionKind::Sourced(path.to_owned()), span, true);
        self.sourcing.push(path);
        self.learn(unit);
        self.depth += 4;
        let outer = std::mem::replace(&mut self.unit, unit);
        self.list(root, Ctx { region, ..ctx }.idle(), false);
        self.unit = outer;
        self.depth -= 4;
        self.sourcing.pop();
    }

    /// Notes the variables that `eval` of a computed text may set: it holds their names.
    pub(super) fn evaluated(&mut self, text: &str, span: Span, ctx: Ctx) {
        // `eval echo "\$$name"` asks for a value, and sets none.
        let asks = text.starts_with("echo ") && !text.contains([';', '&', '|', '\n', '(', '`']);
        if asks || !text.contains(['$', '`']) {
            return;
        }
        let mut seen = HashSet::default();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in words.filter(|word| word.len() > 1 && is_name(word)).take(4096) {
            if seen.len() < 256 && seen.insert(name) {
                let at = self.shared.flow.commands.len();
                self.shared.flow.sets.push(Set {
                    name: name.to_owned(),
                    value: String::new(),
                    span,
                    at,
                    region: ctx.region,
                    local: false,
                    evaluated: true,
                });
            }
        }
    }

    /// Programs handed to another shell, here or elsewhere.
    pub(super) fn inner_programs(&mut self, call: &Call, heredoc: Option<TextRange>, ctx: Ctx) {
        let words = &call.words;
        let at = call.at;
        match call.program() {
            "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" => {
                let flag = words.iter().skip(1).take_while(|w| w.starts_with('-')).count();
                let command = words[1..=flag].iter().any(|w| is_option(w, 'c'));
                if let Some(text) = words.get(flag + 1).filter(|_| command) {
                    let errexit = words[1..=flag].iter().any(|w| is_option(w, 'e'));
                    let text = text.clone();
                    self.nested(&text, Some(errexit), at, ctx, Shell::Other);
                } else if words.len() == flag + 1
                    || words[1..=flag].iter().any(|w| is_option(w, 's'))
                {
                    let errexit = words[1..=flag].iter().any(|w| is_option(w, 'e'));
                    self.fed(heredoc, Some(errexit), at, ctx, Shell::Other);
                }
            }
            "su" | "runuser" => {
                if let Some(flag) = words.iter().position(|w| w == "-c" || w == "--command")
                    && let Some(text) = words.get(flag + 1)
                {
                    self.nested(text, None, at, ctx, Shell::Other);
                }
            }
            "ssh" => {
                let host = positional_from(words, 1, SSH_VALUES);
                let rest = host.and_then(|host| words.get(host + 1..)).unwrap_or_default();
                let text = rest.join(" ");
                match fed_to_shell(&text) {
                    Some(errexit) => self.fed(heredoc, Some(errexit), at, ctx, Shell::Remote),
                    None => self.nested(&text, None, at, ctx, Shell::Remote),
                }
            }
            "docker" | "podman" | "nerdctl" | "docker-compose" | "kubectl" => {
                if let Some(from) = inside(words) {
                    let mut inner = call.with_words(from);
                    if let Some(program) = entered(words, from) {
                        inner.words.insert(0, program.clone());
                        inner.raw.insert(0, program);
                    }
                    inner.cwd = Cwd::Unknown;
                    inner.redirects = Vec::new();
                    inner.wrappers = Vec::new();
                    if !inner.words.is_empty() && self.depth + 8 < MAX_DEPTH {
                        self.depth += 4;
                        let mut inner = unwrap(inner);
                        let kind = RegionKind::Nested { host: at };
                        let region = self.open(ctx.region, kind, call.span, true);
                        inner.region = region;
                        inner.at = self.record(inner.clone());
                        self.inner_programs(&inner, heredoc, Ctx { region, ..ctx });
                        self.depth -= 4;
                    }
                }
            }
            _ => {}
        }
    }

    /// A program given as a here-document.
    pub(super) fn fed(
        &mut self,
        heredoc: Option<TextRange>,
        errexit: Option<bool>,
        host: usize,
        ctx: Ctx,
        shell: Shell,
    ) {
        if let Some(range) = heredoc {
            let mut builder = DerivedBuilder::new();
            builder.append(self.unit.text, range);
            let text = builder.finish(self.shared.flow.commands[host].span);
            self.nested_text(&text, errexit, host, ctx, shell);
        }
    }

    pub(super) fn nested(
        &mut self,
        text: &str,
        errexit: Option<bool>,
        host: usize,
        ctx: Ctx,
        shell: Shell,
    ) {
        let span = self.shared.flow.commands[host].span;
        let mut builder = DerivedBuilder::new();
        builder.computed(text.as_bytes(), span);
        self.nested_text(&builder.finish(span), errexit, host, ctx, shell);
    }

    pub(super) fn nested_text(
        &mut self,
        text: &Derived,
        errexit: Option<bool>,
        host: usize,
        mut ctx: Ctx,
        shell: Shell,
    ) {
        if self.depth + 32 >= MAX_DEPTH {
            return;
        }
        let script = shell::parse(text.text(), Dialect::Bash);
        let call = &self.shared.flow.commands[host];
        let (span, masked, cwd) = (call.span, call.masked, call.cwd.clone());
        let remote = ctx.remote || shell == Shell::Remote;
        let mut inherited = HashMap::default();
        if shell == Shell::Same {
            let names = script.words.iter().filter_map(|word| match word.parts.as_slice() {
                [part] => match &part.kind {
                    PartKind::Literal(name) => Some(name.as_str()),
                    _ => None,
                },
                _ => None,
            });
            for name in names {
                if let Some((&name, &found)) = self.functions.get_key_value(name) {
                    inherited.insert(name, found);
                }
            }
            self.walked.extend(inherited.keys());
        }
        // Only what the text speaks of is handed on: many programs may be nested in one. Functions
        // that it calls speak of others.
        let mut vars = Vec::new();
        if shell != Shell::Remote {
            let names = script.words.iter().flat_map(|word| &word.parts);
            let names = names.filter_map(|part| match &part.kind {
                PartKind::Variable { name, .. } => Some(name),
                _ => None,
            });
            let handed = !inherited.is_empty() && self.vars.len() <= MAX_HANDED;
            let all = self.vars.keys().filter(|_| handed);
            let mut seen = HashSet::default();
            for name in names.chain(all) {
                if let Some(Value::One(value)) = self.vars.get(name)
                    && seen.insert(name)
                {
                    vars.push((name.clone(), value.clone()));
                }
            }
            vars.sort();
        }
        let same = shell == Shell::Same;
        let start = Start {
            errexit: errexit.unwrap_or(same && self.errexit),
            pipefail: same && self.pipefail,
            nounset: same && self.nounset,
            xtrace: same && self.xtrace,
            cwd: if remote { Cwd::Unknown } else { cwd },
            me: None,
            vars,
            lines_apart: false,
            remote,
        };
        if !same {
            ctx.region = self.open(ctx.region, RegionKind::Nested { host }, span, true);
            (ctx.tested, ctx.ignores) = (false, false);
        }
        let ctx = Ctx { remote, tail: true, masked, ..ctx };
        let unit = Unit { text, script: &script, exprs: &[], path: None };
        run(unit, self.library, &start, self.shared, ctx, self.depth + 24, &inherited);
    }
}

/// Which shell runs a nested program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    /// The one that runs the program: `eval`, `trap`.
    Same,
    /// Another one.
    Other,
    /// One on another machine.
    Remote,
}

pub(super) const SSH_VALUES: &[&str] =
    &["-i", "-p", "-o", "-l", "-F", "-J", "-L", "-R", "-D", "-b", "-c", "-m", "-S", "-W", "-E"];

/// Whether what `ssh` runs is a shell that reads its program from the standard input, and then
/// whether under `-e`: nothing, `bash -s`, `sudo -u app bash -e`.
pub(super) fn fed_to_shell(text: &str) -> Option<bool> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let wrapper = WRAPPERS.iter().find(|(name, own, _)| name == word && *own == 0);
        at = match wrapper {
            Some((_, _, values)) => positional_from(&words, at + 1, values)?,
            None if word.split_once('=').is_some_and(|(name, _)| is_name(name)) => at + 1,
            None => break,
        };
    }
    let Some(program) = words.get(at) else { return Some(false) };
    let flags = words.get(at + 1..).unwrap_or_default();
    let reads = flags.iter().all(|word| word.starts_with('-') && !is_option(word, 'c'))
        || flags.iter().take_while(|word| word.starts_with('-')).any(|word| is_option(word, 's'));
    let shell = matches!(
        program.rsplit('/').next().unwrap_or(program),
        "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh"
    );
    (shell && reads).then(|| flags.iter().any(|word| is_option(word, 'e')))
}
