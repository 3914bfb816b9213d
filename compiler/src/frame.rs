//! What a decision reads, and what it keeps while one request lasts. It knows no request: whoever asks brings a
//! [`Fill`].

use std::cell::RefCell;
use std::sync::Arc;

use lang::Value;
use lang::policy::LocalId;

/// A slot, by its place in [`crate::Program::slots`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SlotId(pub u32);

/// One thing a program reads: a field, looked into with a key where it has one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Slot {
    /// The field's path: `req.header`.
    pub field: Arc<str>,
    /// The key, normalised: `x-user`.
    pub key: Option<Arc<str>>,
    /// Whether it reads the same as long as the request lasts. Others are read anew each time.
    pub stable: bool,
}

/// The answer to one reading.
#[derive(Clone, Debug)]
pub enum Read {
    /// The value; [`Value::Absent`] where there is none.
    Value(Value),
    /// Not there yet: somebody has to wait for it (a body, for `req.json`).
    Pending,
}

/// Brings the world in: reads a slot of the request at hand.
pub trait Fill {
    /// The slot's value now. Absent where its phase has not come.
    fn fill(&self, slot: SlotId) -> Read;
}

/// The head of a request as far as routes are found by it, in the normal form.
#[derive(Clone, Copy, Debug)]
pub struct Head<'r> {
    /// Lower case, without port or trailing dot; empty where there is none.
    pub host: &'r str,
    /// The normalised path, beginning with `/` (or `*`).
    pub path: &'r str,
    /// The method, in its own case.
    pub method: &'r str,
}

/// What one request's evaluations share: values read once, captures, locals.
#[derive(Debug, Default)]
pub struct Frame {
    pub(crate) state: RefCell<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) slots: Vec<Option<Value>>,
    pub(crate) captures: Vec<(Arc<str>, Value)>,
    pub(crate) locals: Vec<(LocalId, Value)>,
}

impl Frame {
    /// A frame for one request.
    pub fn new() -> Frame {
        Frame::default()
    }

    /// Keeps the value of a `let`.
    pub fn set_local(&self, local: LocalId, value: Value) {
        self.state.borrow_mut().locals.push((local, value));
    }

    /// Forgets what was read of this slot, because what it reads has come or has changed.
    pub fn forget(&self, slot: SlotId) {
        if let Some(kept) = self.state.borrow_mut().slots.get_mut(slot.0 as usize) {
            *kept = None;
        }
    }

    /// The captured segments of the route that answers, by name.
    pub fn captures(&self) -> Vec<(Arc<str>, Value)> {
        self.state.borrow().captures.clone()
    }
}
