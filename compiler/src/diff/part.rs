//! One way of faring on one side, with the requests that fare so.

use std::collections::BTreeMap;
use std::sync::Arc;

use lang::policy::RouteId;

use super::alike::{Choices, Told};
use super::choices::Chosen;
use super::fate::{Fate, Key};
use crate::proof::course::Course;
use crate::space::{Formula, Set};

/// Parts by how their requests fare.
pub(super) type Parts = BTreeMap<Key, Vec<Part>>;

/// One way of faring, with where it comes from.
pub(super) struct Part {
    pub(super) fate: Fate,
    pub(super) course: Course,
    pub(super) taken: Option<RouteId>,
    /// Whether who takes these requests differs.
    pub(super) differs: bool,
    /// Whether the other side has who takes them, too.
    pub(super) kept: bool,
    pub(super) choices: Arc<Choices>,
    /// What these requests have chosen.
    pub(super) chosen: Chosen,
    /// What a request says for which a difference is seen.
    pub(super) says: Arc<Vec<Formula>>,
    /// What a request says that gets a header field of the answer.
    pub(super) answered: Arc<Vec<(Arc<str>, Formula)>>,
    /// The requests.
    pub(super) set: Set,
}

impl Part {
    /// Whether requests of both parts may be concerned by what differs.
    pub(super) fn is_concerned(&self, other: &Part) -> bool {
        // Where neither differs who takes a request, both sides try the same one first.
        let is_past = self.taken.is_none() && other.taken.is_none();
        self.differs || other.differs || is_past
    }

    pub(super) fn told(&self) -> Told<'_> {
        Told { fate: &self.fate, choices: &self.choices }
    }
}
