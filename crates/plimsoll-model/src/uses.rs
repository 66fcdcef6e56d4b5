//! Where scripts are named: by commands, steps, containers and schedulers, and by what images copy.
//!
//! Found once for all scripts, by their file names: asked script by script, every script would be
//! compared with every other.

use foldhash::{HashMap, HashSet};
use plimsoll_source::Span;

use crate::ProgramId;

/// What is known of a file name.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The commands that name it in a word or in what they read, of any program, in order: the
    /// program, and which of its flow's commands.
    pub commands: Vec<(ProgramId, usize)>,
    /// The first step of a pipeline whose commands name it.
    pub step: Option<Span>,
    /// The first word of a container's command, or line of a scheduler's file, that names it.
    pub start: Option<Span>,
}

/// Where the repository's scripts are named.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    pub(crate) names: HashMap<String, Named>,
    pub(crate) copied: HashSet<String>,
}

impl Uses {
    /// What names a script of this file name; `None` for a name that no script has.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Named> {
        self.names.get(name)
    }

    /// Whether an image built here copies this file by its name.
    #[must_use]
    pub fn copies(&self, path: &str) -> bool {
        self.copied.contains(path)
    }
}
