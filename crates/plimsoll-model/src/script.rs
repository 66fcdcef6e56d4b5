//! Programs: shell scripts and Makefile recipes, what they call and what that makes them; and the
//! processes that a process manager starts.

use plimsoll_source::{Derived, FileId, Span};
use plimsoll_syntax::shell::Script;

use crate::flow::{Command, Flow};
use crate::package::script::FileState;
use crate::pipeline::Role;
use crate::purpose::Purpose;

/// A shell script, or a target of a Makefile.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file.
    pub file: FileId,
    /// The Makefile target; `None` for a script.
    pub target: Option<String>,
    /// The text that was parsed.
    pub text: Derived,
    /// The program.
    pub script: Script,
    /// Its lines share a shell; those of a Makefile's recipe don't, unless it says `.ONESHELL`.
    pub one_shell: bool,
    /// What it does, from what it calls.
    pub roles: Vec<Role>,
    /// What it does, command by command.
    pub flow: Flow,
    /// Scripts that a Makefile's target runs by a path of the tree, whether they are there or not;
    /// not those whose failure it ignores.
    pub runs: Vec<(String, Span)>,
    /// What it is for.
    pub purpose: Purpose,
}

impl Program {
    /// The programs it runs, in order: no function, nothing of the shell's own, no trap.
    pub fn calls(&self) -> impl Iterator<Item = &Command> {
        let flow = &self.flow;
        flow.commands.iter().filter(|command| command.is_run() && !flow.is_aside(command))
    }
}

/// A process that PM2 starts.
#[derive(Clone, Debug)]
pub struct Process {
    /// The file that configures it.
    pub file: FileId,
    /// The key `script`.
    pub span: Span,
    /// Its value.
    pub written: String,
    /// The file that it names, relative to the root.
    pub path: String,
    /// Whether that is there.
    pub state: FileState,
}
