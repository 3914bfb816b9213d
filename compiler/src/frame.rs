//! What a decision reads, and what it keeps while one request lasts. It knows no request: whoever asks brings a
//! [`Fill`].

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::sync::Arc;

use lang::policy::LocalId;
use lang::vocab::identity::CLAIMS;
use lang::{Ty, Value};

use crate::program::ListenerId;
use crate::program::code::MethodBit;

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

/// What stands, in proofs alone, for the status that the gateway answers with where no upstream does: policies read it by the
/// name of the status that is sent.
pub(crate) const OWN_STATUS: &str = "origin.own";

impl Slot {
    /// What it reads, as a policy writes it.
    pub fn written(&self) -> String {
        match (&*self.field, &self.key) {
            (OWN_STATUS, _) => "resp.status".to_owned(),
            (field, Some(auth)) if field == CLAIMS.path => auth.to_string(),
            (field @ ("req.header.all" | "req.query.all"), Some(key)) => {
                format!("{field}({key:?})")
            }
            (field, Some(key)) => format!("{field}[{key:?}]"),
            (field, None) => field.to_owned(),
        }
    }

    /// Whether it is what an upstream has answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.field.starts_with("origin.")
    }

    /// Whether somebody may have to wait for it: for the request's content, or for what hangs on keys. Of what is new here
    /// that is presumed.
    pub(crate) fn may_wait(&self) -> bool {
        let root = self.field.split('.').next().unwrap_or_default();
        matches!(&*self.field, "req.json" | "req.body.size")
            || !matches!(root, "req" | "conn" | "client" | "up" | "origin" | "resp")
    }
}

/// The answer to one reading.
#[derive(Clone, Debug)]
pub enum Read<'r> {
    /// The value; [`Value::Absent`] where there is none.
    Value(Value),
    /// The same, where it lies somewhere already.
    Kept(&'r Value),
    /// Text that stands in the request as it is. It is a [`Value::String`] that nobody had to copy.
    Text(&'r str),
    /// Not there yet: somebody has to wait for it (a body, for `req.json`).
    Pending,
}

/// Brings the world in: reads a slot of the request at hand.
pub trait Fill {
    /// The slot's value now. Absent where its phase has not come.
    fn fill(&self, slot: SlotId) -> Read<'_>;

    /// The path by which the route was found, as [`Head::path`]: captures are segments of it.
    fn path(&self) -> &str;

    /// Whether it is not known what an input is that is not bound. Else it says nothing.
    fn is_open(&self) -> bool {
        false
    }
}

/// The head of a request as far as routes are found by it, in the normal form.
#[derive(Clone, Copy, Debug)]
pub struct Head<'r> {
    /// Lower case, without port or trailing dot; empty where there is none.
    pub host: &'r str,
    /// The normalised path, beginning with `/` (or `*`).
    pub path: &'r str,
    /// The method, in its own case.
    pub method: Method<'r>,
    /// The client's address, as `client.ip` reads it; where there is none, that is asked of [`Fill`].
    pub client: Option<IpAddr>,
}

/// What a decision is asked about: a request, with what its evaluations share and who brings in what they read.
#[derive(Clone, Copy)]
pub struct Ask<'r> {
    /// Where it came to.
    pub listener: ListenerId,
    /// Its head.
    pub head: Head<'r>,
    /// What was read of it. A frame serves one request.
    pub frame: &'r Frame,
    /// Who reads it.
    pub fill: &'r dyn Fill,
}

/// The name of a method, and its bit: found once, and asked for by many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Method<'r> {
    name: &'r str,
    bit: MethodBit,
}

/// What one request's evaluations share: values read once, captures, locals.
#[derive(Debug, Default)]
pub struct Frame {
    /// Made when there is something to keep.
    state: RefCell<Option<Box<State>>>,
    captured: Cell<Option<Captured>>,
    /// A bit for each of the first slots that is known to be absent, and [`KEPT`].
    known: Cell<u64>,
}

#[derive(Debug, Default)]
struct State {
    slots: Vec<Option<Value>>,
    captures: Vec<(Arc<str>, Value)>,
    locals: Vec<(LocalId, Value)>,
}

/// The candidate whose captures count. They are segments of the path, and taken from it when somebody reads them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Captured {
    pub(crate) listener: ListenerId,
    /// A place in the listener's list of hosts.
    pub(crate) host: u32,
    /// A place among the host's candidates.
    pub(crate) candidate: u32,
}

impl<'r> Method<'r> {
    /// The method with this name.
    #[inline]
    pub const fn of(name: &'r str) -> Method<'r> {
        Method { name, bit: MethodBit::of(name) }
    }

    /// Its name.
    #[inline]
    pub const fn name(self) -> &'r str {
        self.name
    }

    #[inline]
    pub(crate) fn bit(self) -> MethodBit {
        self.bit
    }
}

impl<'r> Read<'r> {
    /// The value, made one where it is not; `None` while it is pending.
    pub fn into_value(self) -> Option<Value> {
        match self {
            Read::Value(value) => Some(value),
            Read::Kept(value) => Some(value.clone()),
            Read::Text(text) => Some(Value::string(text)),
            Read::Pending => None,
        }
    }

    /// Text that may not be there.
    #[inline]
    pub fn optional(text: Option<&'r str>) -> Read<'r> {
        match text {
            Some(text) => Read::Text(text),
            None => Read::Value(Value::Absent),
        }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.state.get_mut().take() {
            free(state);
        }
    }
}

/// Most requests keep nothing, and have nothing to do with this.
#[cold]
#[inline(never)]
fn free(state: Box<State>) {
    drop(state);
}

impl Frame {
    /// A frame for one request.
    pub fn new() -> Frame {
        Frame::default()
    }

    /// Keeps the value of a `let`.
    pub fn set_local(&self, local: LocalId, value: Value) {
        self.change(|state| state.locals.push((local, value)));
    }

    /// Forgets what was read of this slot, because what it reads has come or has changed.
    pub fn forget(&self, slot: SlotId) {
        self.change(|state| {
            if let Some(kept) = state.slots.get_mut(slot.0 as usize) {
                *kept = None;
            }
        });
        self.known.set(self.known.get() & !absence(slot));
    }

    /// Whether nothing is known of the slot.
    #[inline]
    pub(crate) fn is_new(&self, slot: SlotId) -> bool {
        let known = self.known.get();
        known == 0 || known & (absence(slot) | KEPT) == 0
    }

    /// Whether the slot was found to be absent before.
    #[inline]
    pub(crate) fn is_absent(&self, slot: SlotId) -> bool {
        self.known.get() & absence(slot) != 0
    }

    /// Whether a value read of this slot before is kept.
    #[inline]
    pub(crate) fn has_kept(&self, slot: SlotId) -> bool {
        self.with_slot(slot, |_| ()).is_some()
    }

    /// The value read of this slot before.
    pub(crate) fn slot(&self, slot: SlotId) -> Option<Value> {
        self.with_slot(slot, Value::clone)
    }

    /// What `look` says of the value read of this slot before, if there is one.
    #[inline]
    pub(crate) fn with_slot<T>(&self, slot: SlotId, look: impl FnOnce(&Value) -> T) -> Option<T> {
        self.state.borrow().as_ref()?.slots.get(slot.0 as usize)?.as_ref().map(look)
    }

    /// Keeps what was read of this slot. What takes nothing to read again is not kept: absence is a bit, and what owns no
    /// memory stands in the request as it is.
    #[inline]
    pub(crate) fn keep(&self, slot: SlotId, value: Value) {
        match value {
            Value::Absent => self.known.set(self.known.get() | absence(slot)),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Ip(_)
            | Value::Size(_)
            | Value::Status(_)
            | Value::Time(_) => {}
            value => self.keep_value(slot, value),
        }
    }

    fn keep_value(&self, slot: SlotId, value: Value) {
        let at = slot.0 as usize;
        self.known.set(self.known.get() | KEPT);
        self.change(|state| {
            if state.slots.len() <= at {
                state.slots.resize(at + 1, None);
            }
            if let Some(place) = state.slots.get_mut(at) {
                *place = Some(value);
            }
        });
    }

    /// The candidate whose captures count, unless they were set by value.
    pub(crate) fn captured(&self) -> Option<Captured> {
        self.captured.get()
    }

    /// From here on the captures of this candidate count.
    #[inline]
    pub(crate) fn capture_as(&self, captured: Option<Captured>) {
        self.captured.set(captured);
    }

    /// The segment that was set under this name.
    pub(crate) fn capture(&self, name: &str) -> Value {
        let state = self.state.borrow();
        let captures = state.iter().flat_map(|state| &state.captures);
        let found = captures.into_iter().find(|(captured, _)| &**captured == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// What was set by value.
    pub(crate) fn captures(&self) -> Vec<(Arc<str>, Value)> {
        self.state.borrow().as_ref().map(|state| state.captures.clone()).unwrap_or_default()
    }

    /// From here on these captures count.
    pub(crate) fn set_captures(&self, captures: Vec<(Arc<str>, Value)>) {
        self.captured.set(None);
        self.change(|state| state.captures = captures);
    }

    /// The value last kept under this name.
    pub fn local(&self, name: LocalId) -> Value {
        let state = self.state.borrow();
        let locals = state.iter().flat_map(|state| state.locals.iter().rev());
        let found = locals.into_iter().find(|(local, _)| *local == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Takes back the last `set_local`.
    pub(crate) fn drop_local(&self) {
        self.change(|state| drop(state.locals.pop()));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(self.state.borrow_mut().get_or_insert_default());
    }
}

/// The bit that says that the value of some slot is kept.
const KEPT: u64 = 1 << 63;

/// The bit of a slot; none for slots beyond the first.
#[inline]
fn absence(slot: SlotId) -> u64 {
    1_u64.checked_shl(slot.0).unwrap_or(0) & !KEPT
}
