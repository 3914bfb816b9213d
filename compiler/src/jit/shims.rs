//! What machine code calls back: the layout it shares with us, and three functions behind one way of calling. The context
//! says where their pointers stand; there is no address in the code.
#![expect(unsafe_code, reason = "machine code hands over pointers that it was given")]

use std::any::Any;
use std::cell::Cell as Held;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Said, plan};
use crate::frame::{Ask, Read, SlotId};
use crate::index::{Scope, text};
use crate::interp::Bound;
use crate::interp::run::{Run, View};
use crate::program::code::{Check, MethodBit, Place, Source};
use lang::Value;
use lang::segment::Segments;

/// What a compiled block is given. The machine code knows it by the offsets below.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Context {
    /// The bit of the method, or zero.
    bit: u64,
    /// The bits of the cells in which a method was missed.
    missed: u64,
    /// The bits of the methods with which a host would have answered.
    allowed: u64,
    /// The bits of the client's IPv4 address, or [`NO_V4`].
    client: u64,
    host: Given,
    path: Given,
    functions: &'static Functions,
}

/// What it calls.
#[repr(C)]
#[derive(Debug)]
struct Functions {
    read: extern "C" fn(*mut Context, u64, *mut View) -> u64,
    read_slot: extern "C" fn(*mut Context, u64, *mut View) -> u64,
    check: extern "C" fn(*mut Context, u64, u64) -> u64,
    segment: extern "C" fn(*mut Context, u64, u64) -> u64,
}

static FUNCTIONS: Functions = Functions { read, read_slot, check, segment };

/// A text of the request.
#[repr(C)]
#[derive(Debug)]
struct Given {
    at: *const u8,
    len: usize,
}

/// A decision being made: what the machine code knows of it, and behind that what the functions here do.
#[repr(C)]
pub(crate) struct Asked<'a> {
    context: Context,
    bound: &'a Bound,
    ask: &'a Ask<'a>,
    scope: Scope<'a>,
}

thread_local! {
    /// A panic on the way, which may not cross machine code.
    static PANIC: Held<Option<Box<dyn Any + Send>>> = const { Held::new(None) };
}

pub(super) const BIT: i32 = offset_of!(Context, bit) as i32;
pub(super) const MISSED: i32 = offset_of!(Context, missed) as i32;
pub(super) const ALLOWED: i32 = offset_of!(Context, allowed) as i32;
pub(super) const CLIENT: i32 = offset_of!(Context, client) as i32;
pub(super) const HOST_AT: i32 = offset_of!(Context, host.at) as i32;
pub(super) const HOST_LEN: i32 = offset_of!(Context, host.len) as i32;
pub(super) const PATH_AT: i32 = offset_of!(Context, path.at) as i32;
pub(super) const PATH_LEN: i32 = offset_of!(Context, path.len) as i32;
pub(super) const FUNCTIONS_AT: i32 = offset_of!(Context, functions) as i32;
pub(super) const READ_AT: i32 = offset_of!(Functions, read) as i32;
pub(super) const READ_SLOT_AT: i32 = offset_of!(Functions, read_slot) as i32;
pub(super) const CHECK_AT: i32 = offset_of!(Functions, check) as i32;
pub(super) const SEGMENT_AT: i32 = offset_of!(Functions, segment) as i32;

pub(super) const SLOT_SIZE: u32 = size_of::<View>() as u32;
pub(super) const SLOT_STATE: i32 = offset_of!(View, state) as i32;
pub(super) const SLOT_AT: i32 = offset_of!(View, at) as i32;
pub(super) const SLOT_LEN: i32 = offset_of!(View, len) as i32;

/// The client's address is not one of IPv4. It lies in no range of those.
pub(super) const NO_V4: u64 = u64::MAX;

/// A capture does not take a segment.
pub(super) const NOT_TAKEN: i64 = -1;
/// The answer to a check that cannot be made now.
const STOP: u64 = View::STOP as u64;

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

/// The function that reads a source, by its place among them.
pub(super) fn function(source: Source) -> i32 {
    if matches!(source, Source::Slot(_)) { READ_SLOT_AT } else { READ_AT }
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

impl<'a> Asked<'a> {
    #[inline(always)]
    pub(crate) fn new(
        bound: &'a Bound,
        ask: &'a Ask<'a>,
        scope: Scope<'a>,
        client: u64,
    ) -> Asked<'a> {
        let given = |text: &str| Given { at: text.as_ptr(), len: text.len() };
        let context = Context {
            bit: u64::from(ask.head.method.bit().0),
            missed: 0,
            allowed: 0,
            client,
            host: given(ask.head.host),
            path: given(ask.head.path),
            functions: &FUNCTIONS,
        };
        Asked { context, bound, ask, scope }
    }

    /// The same for the interpreter.
    fn run(&self) -> Run<'a> {
        Run::new(self.bound, self.ask)
    }

    #[inline(never)]
    fn put_read(&self, slot: SlotId, read: Read<'_>, into: *mut View) -> u64 {
        if let Read::Value(Value::Absent) = read {
            self.ask.frame.keep(slot, Value::Absent);
            return put(View::new(View::ABSENT), into);
        }
        put(self.run().view_of_read(slot, read), into)
    }

    /// That no candidate answers.
    #[inline(always)]
    pub(super) fn leaves(&self) -> Said {
        let Context { missed, allowed, .. } = self.context;
        Said::Leaves { is_missed: missed != 0, allowed: MethodBit(allowed as u16) }
    }
}

/// Goes on with a panic that was caught on the way: there is none unless machine code gives up.
#[cold]
#[inline(never)]
pub(super) fn given_up() -> Said {
    if let Some(panic) = PANIC.take() {
        std::panic::resume_unwind(panic);
    }
    Said::Nothing
}

/// Reads a source into a place on the caller's stack; gives its state.
extern "C" fn read(context: *mut Context, source: u64, into: *mut View) -> u64 {
    // SAFETY: machine code passes on the pointer that `Block::run` gave it, to the whole of what outlives the call; nobody
    // writes to it meanwhile.
    let asked = unsafe { &*context.cast::<Asked<'_>>() };
    let state = guarded(|| Some(put(asked.run().view(self::source(source)), into)));
    state.unwrap_or(STOP)
}

/// The same for a slot, by its number.
extern "C" fn read_slot(context: *mut Context, slot: u64, into: *mut View) -> u64 {
    // SAFETY: as in `read`.
    let asked = unsafe { &*context.cast::<Asked<'_>>() };
    let slot = SlotId(slot as u32);
    if !asked.ask.frame.is_new(slot) {
        return read(context, u64::from(slot.0), into);
    }
    let state = guarded(|| {
        let read = asked.ask.fill.fill(slot);
        // As most are.
        if let Read::Text(text) = read {
            return Some(put(View::text(text), into));
        }
        Some(asked.put_read(slot, read, into))
    });
    state.unwrap_or(STOP)
}

/// Puts what a source says where machine code asked for it; gives its state.
#[inline(always)]
fn put(view: View, into: *mut View) -> u64 {
    // SAFETY: the place is one on the stack of the calling function, which reserved the size of a view there.
    unsafe { into.write(view) };
    view.state
}

/// Where the segment ends that begins at this byte, if a capture of the kind takes it, else [`NOT_TAKEN`].
extern "C" fn segment(context: *mut Context, at: u64, kind: u64) -> u64 {
    // SAFETY: as in `read`.
    let asked = unsafe { &*context.cast::<Asked<'_>>() };
    let path = asked.ask.head.path;
    let end = text::end_of(path, at as usize);
    let holds = match kind {
        plan::ANY => (at as usize) < end,
        kind => {
            let kind = if kind == plan::INT { Segments::Int } else { Segments::Uuid };
            path.get(at as usize..end).is_some_and(|segment| kind.holds(segment))
        }
    };
    if holds { end as u64 } else { NOT_TAKEN as u64 }
}

/// Makes the check of one instruction of a cell: 1 if it holds, 0 if not, [`STOP`] if that cannot be said now.
extern "C" fn check(context: *mut Context, cell: u64, op: u64) -> u64 {
    // SAFETY: as in `read`.
    let asked = unsafe { &*context.cast::<Asked<'_>>() };
    let holds = guarded(|| {
        let cell = asked.scope.cell(cell as u32)?;
        let op = cell.code.ops.get(op as usize)?;
        if let Check::Method(methods) = &op.check {
            return Some(asked.run().has_method(methods));
        }
        asked.run().holds(&op.check, &cell.candidates, asked.scope.host()).ok()
    });
    holds.map_or(STOP, u64::from)
}

/// What `step` says; `None` where it panics, which is kept for later.
fn guarded<T>(step: impl FnOnce() -> Option<T>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(done) => done,
        Err(panic) => {
            PANIC.set(Some(panic));
            None
        }
    }
}
