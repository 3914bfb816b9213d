//! What a decision reads, and what it keeps while one request lasts. It knows no request: whoever asks brings a
//! [`Fill`].

use std::cell::RefCell;
use std::sync::Arc;

use lang::policy::LocalId;
use lang::{Ty, Value};

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
    /// The type of one reading.
    pub ty: Ty,
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
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    slots: Vec<Option<Value>>,
    captures: Vec<(Arc<str>, Value)>,
    locals: Vec<(LocalId, Value)>,
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

    /// The value read of this slot before.
    pub(crate) fn slot(&self, slot: SlotId) -> Option<Value> {
        self.state.borrow().slots.get(slot.0 as usize).cloned().flatten()
    }

    /// Keeps what was read of this slot.
    pub(crate) fn keep(&self, slot: SlotId, value: Value) {
        let slots = &mut self.state.borrow_mut().slots;
        let at = slot.0 as usize;
        if slots.len() <= at {
            slots.resize(at + 1, None);
        }
        if let Some(place) = slots.get_mut(at) {
            *place = Some(value);
        }
    }

    /// The segment captured under this name.
    pub fn capture(&self, name: &str) -> Value {
        let state = self.state.borrow();
        let found = state.captures.iter().find(|(captured, _)| &**captured == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Replaces what is captured.
    pub(crate) fn set_captures(&self, captures: Vec<(Arc<str>, Value)>) {
        self.state.borrow_mut().captures = captures;
    }

    /// The value last kept under this name.
    pub fn local(&self, name: LocalId) -> Value {
        let state = self.state.borrow();
        let found = state.locals.iter().rev().find(|(local, _)| *local == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Takes back the last `set_local`.
    pub(crate) fn drop_local(&self) {
        self.state.borrow_mut().locals.pop();
    }
}
