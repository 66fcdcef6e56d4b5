//! Shell programs, POSIX and bash: one tree for scripts, RUN instructions and workflow steps.
//!
//! Source of the rules: the POSIX Shell Command Language and the bash reference manual.
//! Places are ranges of the text that was parsed; whoever holds the [`plimsoll_source::Derived`]
//! text maps them to files.

mod commands;
mod parser;
mod words;

use plimsoll_source::TextRange;

/// Index of a [`List`] in its [`Script`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub u32);
/// Index of a [`Command`] in its [`Script`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u32);
/// Index of a [`Word`] in its [`Script`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WordId(pub u32);

/// A parsed program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Script {
    /// The interpreter line's text after `#!`, where there is one.
    pub shebang: Option<String>,
    /// The program itself.
    pub root: Option<ListId>,
    /// All lists.
    pub lists: Vec<List>,
    /// All commands.
    pub commands: Vec<Command>,
    /// All words.
    pub words: Vec<Word>,
    /// Comments, from `#` to the end of the line.
    pub comments: Vec<TextRange>,
    /// What was wrong.
    pub errors: Vec<ShellError>,
    /// What neither POSIX nor dash nor BusyBox knows, read as bash reads it. Filled only for
    /// [`Dialect::Posix`]: whether it is wrong depends on which shell `sh` is there.
    pub beyond: Vec<ShellError>,
}

/// What is wrong with a program, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShellError {
    /// Where.
    pub range: TextRange,
    /// What is wrong.
    pub message: String,
}

/// Pipelines one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct List {
    /// The pipelines.
    pub items: Vec<Item>,
    /// From the first to the last byte.
    pub range: TextRange,
}

/// One pipeline and how it is joined to the next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// The commands of the pipeline.
    pub pipeline: Vec<CommandId>,
    /// `! pipeline`.
    pub negated: bool,
    /// What stands between this pipeline and the next one.
    pub then: Connector,
    /// The pipeline, with its `!` and the reserved word `time`, which is read over.
    pub range: TextRange,
}

/// What follows a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connector {
    /// `;`, a line end or the end of the list.
    Seq,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `&`.
    Background,
}

/// One command with its redirections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// What it is.
    pub kind: CommandKind,
    /// Its redirections.
    pub redirects: Vec<Redirect>,
    /// From its first to its last byte, redirections included.
    pub range: TextRange,
}

/// The kinds of commands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// `A=1 cmd arg…`; only assignments when there is no word.
    Simple {
        /// Assignments before the command.
        assignments: Vec<Assignment>,
        /// Command name and arguments.
        words: Vec<WordId>,
    },
    /// `( … )`.
    Subshell(ListId),
    /// `{ …; }`.
    Group(ListId),
    /// `if … then … elif … then … else … fi`.
    If {
        /// Condition and body of each branch.
        branches: Vec<(ListId, ListId)>,
        /// The `else` body.
        otherwise: Option<ListId>,
    },
    /// `while` / `until`.
    Loop {
        /// Whether it is `until`.
        until: bool,
        /// The condition.
        condition: ListId,
        /// The body.
        body: ListId,
    },
    /// `for name in words`; `select` too.
    For {
        /// The variable (empty for the arithmetic form).
        name: String,
        /// The words; `None` for `"$@"`.
        words: Option<Vec<WordId>>,
        /// The body.
        body: ListId,
    },
    /// `case word in …`.
    Case {
        /// What is matched.
        subject: WordId,
        /// Patterns and body of each arm.
        arms: Vec<(Vec<WordId>, ListId)>,
    },
    /// `name() …`.
    Function {
        /// Its name.
        name: String,
        /// Its body, a compound command.
        body: CommandId,
    },
    /// `[[ … ]]`: its words, operators included.
    Test(Vec<WordId>),
    /// `(( … ))`.
    Arithmetic,
}

/// `NAME=value`, `NAME+=value`, `NAME=(a b)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// The variable, with a subscript where there is one (`a[1]`).
    pub name: String,
    /// The value; `None` for an array.
    pub value: Option<WordId>,
    /// The elements of an array value.
    pub array: Vec<WordId>,
    /// Whether it appends.
    pub append: bool,
    /// The whole assignment.
    pub range: TextRange,
}

/// One redirection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Redirect {
    /// The descriptor written before the operator.
    pub fd: Option<u32>,
    /// The variable of `{name}>file`, which receives the descriptor.
    pub fd_variable: Option<String>,
    /// The operator.
    pub op: RedirectOp,
    /// The target: a file, a descriptor, a here-document's delimiter or a here-string.
    pub target: WordId,
    /// The body of a here-document (as written; tabs not stripped).
    pub heredoc: Option<Heredoc>,
    /// The whole redirection, without the here-document's body.
    pub range: TextRange,
}

/// The body of a here-document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Heredoc {
    /// Where the body stands, its terminator line excluded.
    pub range: TextRange,
    /// The body as a word: one literal when the delimiter was quoted.
    pub body: WordId,
    /// Whether variables in it are expanded.
    pub expand: bool,
    /// `<<-`.
    pub strip_tabs: bool,
}

/// Redirection operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RedirectOp {
    /// `<`
    Read,
    /// `>` and `>|`
    Write,
    /// `>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `<&`
    DupIn,
    /// `>&`
    DupOut,
    /// `&>`
    WriteBoth,
    /// `&>>`
    AppendBoth,
    /// `<<` and `<<-`
    Heredoc,
    /// `<<<`
    HereString,
}

/// A word before expansion.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Word {
    /// Where it stands.
    pub range: TextRange,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Where it stands: a literal with the quotes next to it, an expansion from its `$` to its end.
    pub range: TextRange,
    /// What it is.
    pub kind: PartKind,
    /// Whether it stands within quotes (no splitting, no globbing).
    pub quoted: bool,
}

/// The kinds of parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PartKind {
    /// Text, quotes and escapes resolved.
    Literal(String),
    /// `$name`, `${name}`, `${name<op>word}`; the name may be special (`@`, `1`, `?`) or an array
    /// element (`a[@]`).
    Variable {
        /// The variable.
        name: String,
        /// What follows the name within braces: `:-`, `-`, `:?`, `#`, `%%`, `/` … and its word.
        op: Option<(String, WordId)>,
        /// `${#name}`: its length. `${!name}`: indirection, kept as the name `!name`.
        length: bool,
    },
    /// `$(…)` or backticks.
    Substitution(ListId),
    /// `<(…)` or `>(…)`.
    ProcessSubstitution(ListId),
    /// `$((…))`. Commands substituted in it are in [`Script::commands`], with no list above them.
    Arithmetic,
}

impl Script {
    /// The list of this index.
    #[must_use]
    pub fn list(&self, id: ListId) -> &List {
        &self.lists[id.0 as usize]
    }

    /// The command of this index.
    #[must_use]
    pub fn command(&self, id: CommandId) -> &Command {
        &self.commands[id.0 as usize]
    }

    /// The word of this index.
    #[must_use]
    pub fn word(&self, id: WordId) -> &Word {
        &self.words[id.0 as usize]
    }

    /// The text of a word that holds no variable and no substitution; `None` otherwise.
    #[must_use]
    pub fn literal(&self, id: WordId) -> Option<String> {
        let mut text = String::new();
        for part in &self.word(id).parts {
            match &part.kind {
                PartKind::Literal(literal) => text.push_str(literal),
                _ => return None,
            }
        }
        Some(text)
    }

    /// A word as one would say it: quotes resolved, `$x` for a variable, `$(…)` for a substitution.
    #[must_use]
    pub fn word_text(&self, id: WordId) -> String {
        let mut text = String::new();
        self.write_text(id, &mut text);
        text
    }

    /// Recursion ends: words nest no deeper than [`crate::MAX_DEPTH`].
    fn write_text(&self, id: WordId, out: &mut String) {
        for part in &self.word(id).parts {
            match &part.kind {
                PartKind::Literal(text) => out.push_str(text),
                PartKind::Variable { name, op: None, length: false } => {
                    let braces = name.contains(['[', '!']) && name.len() > 1;
                    out.push_str(if braces { "${" } else { "$" });
                    out.push_str(name);
                    out.push_str(if braces { "}" } else { "" });
                }
                PartKind::Variable { name, op, length } => {
                    out.push_str(if *length { "${#" } else { "${" });
                    out.push_str(name);
                    if let Some((op, word)) = op {
                        out.push_str(op);
                        self.write_text(*word, out);
                    }
                    out.push('}');
                }
                PartKind::Substitution(_) => out.push_str("$(…)"),
                PartKind::ProcessSubstitution(_) => out.push_str("<(…)"),
                PartKind::Arithmetic => out.push_str("$((…))"),
            }
        }
    }

    /// All simple commands in text order, at any depth: in substitutions, here-documents and
    /// function bodies too.
    pub fn simple_commands(&self) -> impl Iterator<Item = CommandId> {
        let mut found: Vec<(u32, CommandId)> = (0u32..)
            .zip(&self.commands)
            .filter(|(_, command)| matches!(command.kind, CommandKind::Simple { .. }))
            .map(|(id, command)| (command.range.start, CommandId(id)))
            .collect();
        found.sort_by_key(|(start, _)| *start);
        found.into_iter().map(|(_, id)| id)
    }

    /// The name and arguments of a simple command; `None` for others and for bare assignments.
    #[must_use]
    pub fn argv(&self, id: CommandId) -> Option<&[WordId]> {
        match &self.command(id).kind {
            CommandKind::Simple { words, .. } if !words.is_empty() => Some(words),
            _ => None,
        }
    }
}

/// Which shell's grammar to read. Both are read alike; [`Script::beyond`] tells what is bash only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// POSIX plus what BusyBox and dash know.
    Posix,
    /// Bash, a superset good enough for every script met.
    #[default]
    Bash,
}

/// Parses a program. Errors are in the tree; what could be read is there.
///
/// Line ends may be LF or CRLF. A quote that never ends costs its own line only. What nests deeper
/// than [`crate::MAX_DEPTH`] is skipped to the end of its line.
#[must_use]
pub fn parse(text: &[u8], dialect: Dialect) -> Script {
    parser::parse(text, dialect)
}
