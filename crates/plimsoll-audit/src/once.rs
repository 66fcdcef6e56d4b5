//! What subject after subject asks of all the repository: answered once an audit.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use plimsoll_model::{PackageId, PipelineId};
use plimsoll_source::Span;

use crate::Cx;

/// The answers so far. Without them ([`Cx::new`]) each is found anew.
#[derive(Debug, Default)]
pub(crate) struct Once {
    /// [`crate::composed::has_swarm`].
    pub(crate) has_swarm: OnceLock<bool>,
    /// [`crate::releasing::pairs`].
    pub(crate) pairs: OnceLock<Arc<BTreeSet<String>>>,
    /// [`crate::ci::running`].
    pub(crate) running: OnceLock<Arc<[PipelineId]>>,
    /// [`crate::links::by_last_name`].
    pub(crate) packages: OnceLock<Arc<HashMap<String, Vec<PackageId>>>>,
    /// The directories of packages that are not Node's.
    pub(crate) of_others: OnceLock<Arc<HashSet<String>>>,
    /// Where a script looks for secrets.
    pub(crate) scans: OnceLock<Option<Span>>,
    /// Of each kind of database, what takes its data out.
    pub(crate) dumps: [OnceLock<BackedUp>; 5],
    /// The containers that take backups, and where that shows.
    pub(crate) keepers: OnceLock<Arc<[(Span, Span)]>>,
}

/// What keeps the data of a kind of database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BackedUp {
    /// A program or a step, here.
    By(Span),
    /// A document says how, here.
    Told(Span),
    /// Nothing; and whether something here deploys.
    Not {
        /// Something does.
        deploys: bool,
    },
}

impl Cx<'_> {
    /// The first answer to a question about all of the repository, for who asks again. What is
    /// asked must not depend on who asks.
    pub(crate) fn once<T: Clone>(
        &self,
        place: impl Fn(&Once) -> &OnceLock<T>,
        ask: impl FnOnce() -> T,
    ) -> T {
        match self.once {
            Some(once) => place(once).get_or_init(ask).clone(),
            None => ask(),
        }
    }
}
