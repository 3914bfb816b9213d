//! What a decision comes to. How it is made is the interpreter's, and why the explanation's.

use crate::frame::SlotId;
use crate::program::RouteId;
use crate::program::code::Methods;

/// Which route answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// This one; its captures are in the frame.
    Route(RouteId),
    /// None, but these methods would find one: 405.
    MethodNotAllowed(Methods),
    /// None: 404.
    NotFound,
    /// It depends on a slot that is pending: wait for it and decide again.
    Pending(SlotId),
}

impl Decision {
    /// What it comes to when no route answers, with the methods that would have found one.
    pub(crate) fn without_route(allowed: Methods) -> Decision {
        match allowed.is_empty() {
            true => Decision::NotFound,
            false => Decision::MethodNotAllowed(allowed),
        }
    }
}
