//! What machine code calls back: the layout it shares with us, and two functions behind one way of calling. Their pointers
//! stand in the context; there is no address in the code.
#![expect(unsafe_code, reason = "machine code hands over pointers that it was given")]

use std::any::Any;
use std::cell::Cell as Held;
use std::mem::offset_of;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::frame::SlotId;
use crate::index::Cell;
use crate::interp::run::{Run, View};
use crate::program::code::{Check, Place, Source};

/// What a compiled block is given. The machine code knows it by the offsets below.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Context {
    /// The bit of the method, or zero.
    bit: u64,
    /// Not zero once a method was missed.
    missed: u64,
    /// The bits of the client's IPv4 address, or [`NO_V4`].
    client: u64,
    host: Given,
    path: Given,
    read: extern "C" fn(*mut Context, u64, *mut Slot) -> u64,
    check: extern "C" fn(*mut Context, u64) -> u64,
}

/// A text of the request.
#[repr(C)]
#[derive(Debug)]
struct Given {
    at: *const u8,
    len: usize,
}

/// What a source says, as machine code keeps it on its stack.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Slot {
    /// One of the states below; zero before it was read.
    state: u64,
    /// Where the text begins, or the bits of an IPv4 address.
    at: u64,
    /// The length of the text.
    len: u64,
}

/// A run: what the machine code knows of it, and behind that what the functions here do.
#[repr(C)]
pub(super) struct Asked<'a, 'r> {
    context: Context,
    run: &'a Run<'r>,
    cell: &'a Cell,
    host: u32,
    /// A panic on the way, which may not cross machine code.
    panic: Held<Option<Box<dyn Any + Send>>>,
}

pub(super) const BIT: i32 = offset_of!(Context, bit) as i32;
pub(super) const MISSED: i32 = offset_of!(Context, missed) as i32;
pub(super) const CLIENT: i32 = offset_of!(Context, client) as i32;
pub(super) const HOST_AT: i32 = offset_of!(Context, host.at) as i32;
pub(super) const HOST_LEN: i32 = offset_of!(Context, host.len) as i32;
pub(super) const PATH_AT: i32 = offset_of!(Context, path.at) as i32;
pub(super) const PATH_LEN: i32 = offset_of!(Context, path.len) as i32;
pub(super) const READ: i32 = offset_of!(Context, read) as i32;
pub(super) const CHECK: i32 = offset_of!(Context, check) as i32;

pub(super) const SLOT_SIZE: u32 = size_of::<Slot>() as u32;
pub(super) const SLOT_STATE: i32 = offset_of!(Slot, state) as i32;
pub(super) const SLOT_AT: i32 = offset_of!(Slot, at) as i32;
pub(super) const SLOT_LEN: i32 = offset_of!(Slot, len) as i32;

/// The head says no IPv4 address of the client.
pub(super) const NO_V4: u64 = u64::MAX;

/// There is no value.
pub(super) const ABSENT: i64 = 1;
/// A text.
pub(super) const TEXT: i64 = 2;
/// An IPv4 address.
pub(super) const V4: i64 = 3;
/// Something else; the interpreter knows what.
pub(super) const OTHER: i64 = 4;
/// The decision cannot go on here: something is pending.
pub(super) const STOP: i64 = 5;

/// The method, and a segment of the path, as numbers for sources; slots have theirs below them.
const METHOD: u64 = 1 << 32;
const SEGMENT: u64 = 2 << 32;

/// The number by which machine code asks for a source.
pub(super) fn number(source: Source) -> Option<u64> {
    match source {
        Source::Slot(slot) => Some(u64::from(slot.0)),
        Source::Method => Some(METHOD),
        Source::Segment(Place { from, behind }) => {
            Some(SEGMENT | u64::from(behind) << 16 | u64::from(from))
        }
        Source::Host | Source::Path | Source::Integer(_) | Source::Client(_) | Source::Anew(_) => {
            None
        }
    }
}

/// The source that machine code asks for.
#[inline]
fn source(number: u64) -> Source {
    match number {
        slot if slot < METHOD => Source::Slot(SlotId(slot as u32)),
        METHOD => Source::Method,
        segment => Source::Segment(Place { from: segment as u16, behind: (segment >> 16) as u16 }),
    }
}

impl<'a, 'r> Asked<'a, 'r> {
    #[inline(always)]
    pub(super) fn new(run: &'a Run<'r>, cell: &'a Cell, host: u32) -> Asked<'a, 'r> {
        let client = match run.head.client {
            Some(IpAddr::V4(address)) => u64::from(address.to_bits()),
            _ => NO_V4,
        };
        let given = |text: &str| Given { at: text.as_ptr(), len: text.len() };
        let context = Context {
            bit: u64::from(run.head.method.bit().0),
            missed: 0,
            client,
            host: given(run.head.host),
            path: given(run.head.path),
            read,
            check,
        };
        Asked { context, run, cell, host, panic: Held::new(None) }
    }

    /// Notes a method that was missed, and goes on with a panic that was caught on the way.
    #[inline(always)]
    pub(super) fn settle(self) {
        if self.context.missed != 0 {
            self.run.missed.set(true);
        }
        if let Some(panic) = self.panic.into_inner() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Reads a source into a place on the caller's stack; gives its state.
extern "C" fn read(context: *mut Context, source: u64, into: *mut Slot) -> u64 {
    // SAFETY: machine code passes on the pointer that `Block::run` gave it, to the whole of a run that outlives the call;
    // nobody writes to it meanwhile.
    let asked = unsafe { &*context.cast::<Asked<'_, '_>>() };
    let seen = guarded(asked, || {
        let said = match self::source(source) {
            Source::Slot(slot) => asked.run.view_of_slot(slot),
            source => asked.run.view(source),
        };
        said.ok()
    });
    let slot = match seen {
        None => Slot { state: STOP as u64, at: 0, len: 0 },
        Some(View::Absent) => Slot { state: ABSENT as u64, at: 0, len: 0 },
        Some(View::Text(at, len)) => {
            Slot { state: TEXT as u64, at: at.expose_provenance() as u64, len: len as u64 }
        }
        Some(View::V4(bits)) => Slot { state: V4 as u64, at: u64::from(bits), len: 0 },
        Some(View::Other) => Slot { state: OTHER as u64, at: 0, len: 0 },
    };
    let state = slot.state;
    // SAFETY: the place is one on the stack of the calling block, which reserved the size of a slot there.
    unsafe { into.write(slot) };
    state
}

/// Makes the check of one instruction: 1 if it holds, 0 if not, [`STOP`] if that cannot be said now.
extern "C" fn check(context: *mut Context, op: u64) -> u64 {
    // SAFETY: as in `read`.
    let asked = unsafe { &*context.cast::<Asked<'_, '_>>() };
    let holds = guarded(asked, || {
        let op = asked.cell.code.ops.get(op as usize)?;
        if let Check::Method(methods) = &op.check {
            let holds = asked.run.has_method(methods);
            asked.run.missed.set(asked.run.missed.get() | !holds);
            return Some(holds);
        }
        asked.run.holds(&op.check, &asked.cell.candidates, asked.host).ok()
    });
    holds.map_or(STOP as u64, u64::from)
}

/// What `step` says; `None` where it panics, which is kept for later.
fn guarded<T>(asked: &Asked<'_, '_>, step: impl FnOnce() -> Option<T>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(done) => done,
        Err(panic) => {
            asked.panic.set(Some(panic));
            None
        }
    }
}
