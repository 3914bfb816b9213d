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
