//! What a decision comes to. How it is made is the interpreter's, and why the explanation's.

use std::sync::Arc;

use crate::frame::SlotId;
use crate::program::RouteId;

/// Which route answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// This one; its captures are in the frame.
    Route(RouteId),
    /// None, but these methods would find one: 405. Sorted.
    MethodNotAllowed(Vec<Arc<str>>),
    /// None: 404.
    NotFound,
    /// It depends on a slot that is pending: wait for it and decide again.
    Pending(SlotId),
}

impl Decision {
    /// What it comes to when no route answers, with the methods that would have found one.
    pub(crate) fn without_route(mut allowed: Vec<Arc<str>>) -> Decision {
        allowed.sort_unstable();
        allowed.dedup();
        match allowed.is_empty() {
            true => Decision::NotFound,
            false => Decision::MethodNotAllowed(allowed),
        }
    }
}
