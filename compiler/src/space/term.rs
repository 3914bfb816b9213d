//! The fields of a space: what of a request is cut into classes, and what stands for itself.

use std::sync::Arc;

use lang::vocab::ExprId;

use crate::frame::SlotId;
use crate::program::Program;

/// What a field of the space is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Term {
    /// The request's host.
    Host,
    /// The segment of the path at this place.
    Segment(usize),
    /// What stands in the path behind so many segments.
    Rest(usize),
    /// The whole path, as patterns ask it; its segments and what is behind them are the fields.
    Path,
    /// The request's method.
    Method,
    /// What a slot reads.
    Slot(SlotId),
    /// A claim of whoever asks: the slot of an auth's claims, and the claim's name.
    Claim(SlotId, Arc<str>),
    /// Whether a claim that is a list or a set holds this text.
    Held(SlotId, Arc<str>, Arc<str>),
    /// What an expression computes; no request can be made to fit it. The number tells apart what one expression is in
    /// different places, where captures or locals mean other things.
    Computed(ExprId, u32),
    /// Whether the request's `connection` names this field, so that it is not passed on.
    Stripped(Arc<str>),
    /// What nobody knows before an upstream answers, by number.
    Unknown(u32, Of),
}

impl Term {
    /// The field of the space that a slot is. The path is none: its segments are.
    pub(super) fn of(program: &Program, slot: SlotId) -> Term {
        match program.slot(slot).map(|slot| &*slot.field) {
            Some("req.host") => Term::Host,
            Some("req.method") => Term::Method,
            _ => Term::Slot(slot),
        }
    }
}

/// What is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Of {
    /// A status.
    Status,
    /// A header field, which may be absent.
    Header,
}

/// A test on a field, by its place in the [`Cut`] that read it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct AtomId(pub(super) u32);
