//! What every reader gets: the tree, and one way to open a file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashSet;
use plimsoll_source::{Derived, FileId, Span, TextRange, Tree, Unreadable};
use plimsoll_syntax::shell::Script;

use crate::Delivery;
use crate::delivery::Problem;

/// The readers' context. Readers run in parallel; what they note is sorted at the end.
pub(super) struct Cx<'a> {
    /// The tree.
    pub(super) tree: &'a Tree,
    problems: Mutex<Vec<Problem>>,
    /// Which files were looked at.
    read: Vec<AtomicBool>,
    scripts: Mutex<HashSet<Arc<Script>>>,
}

impl<'a> Cx<'a> {
    /// A context over `tree`.
    pub(super) fn new(tree: &'a Tree) -> Self {
        let read = tree.entries().map(|_| AtomicBool::new(false)).collect();
        Self { tree, problems: Mutex::default(), read, scripts: Mutex::default() }
    }

    /// The bytes of a file, and a record that it was looked at.
    pub(super) fn bytes(&self, file: FileId) -> Result<Arc<[u8]>, Unreadable> {
        if let Some(read) = self.read.get(file.0 as usize) {
            read.store(true, Ordering::Relaxed);
        }
        self.tree.read(file)
    }

    /// A delivery file as a text; that it cannot be read is a problem of the repository. `what`
    /// names its kind: `Dockerfile`.
    pub(super) fn text(&self, file: FileId, what: &'static str) -> Option<Derived> {
        match self.bytes(file) {
            Ok(bytes) => {
                let span = Span::new(file, TextRange::of(0, bytes.len()));
                Some(Derived::verbatim(bytes, span))
            }
            Err(why) => {
                let message = match why {
                    Unreadable::Denied(says) => format!("cannot be read: {says}"),
                    Unreadable::TooLarge { len, limit } => {
                        format!("is {len} bytes long; at most {limit} are read")
                    }
                    Unreadable::Link => {
                        "is a link that leaves the tree, loops or leads nowhere".to_owned()
                    }
                    Unreadable::Changed => "changed while it was read".to_owned(),
                };
                self.problem(Problem {
                    span: Span::new(file, TextRange::new(0, 0)),
                    message,
                    what,
                });
                None
            }
        }
    }

    /// Keeps a program once for all texts that are equal: its ranges are of the text, not of a file. Many
    /// services run the same commands.
    pub(super) fn once(&self, script: &mut Arc<Script>) {
        let mut met = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = met.get(script) {
            *script = Arc::clone(found);
        } else {
            met.insert(Arc::clone(script));
        }
    }

    /// Notes something that is wrong with a delivery file.
    pub(super) fn problem(&self, problem: Problem) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }

    /// Puts what was noted into the model.
    pub(super) fn finish(self, mut delivery: Delivery) -> Delivery {
        let mut problems = self.problems.into_inner().unwrap_or_else(PoisonError::into_inner);
        problems.sort();
        problems.dedup();
        delivery.problems = problems;
        let read =
            (0..).map(FileId).zip(self.read).filter(|(_, read)| read.load(Ordering::Relaxed));
        delivery.read = read.map(|(file, _)| file).collect();
        delivery
    }
}
