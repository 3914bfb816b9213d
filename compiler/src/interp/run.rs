//! Runs residual code: one check after the other, each on what the request says where it stands. It copies nothing that
//! is only compared. A compiler of the same code has this file to agree with.

use std::cell::Cell;
use std::net::IpAddr;

use lang::Value;
use lang::policy::Compare;

use crate::frame::{Ask, Captured, Read, SlotId};
#[cfg(feature = "jit")]
use crate::index::Scope;
use crate::index::{self, text};
use crate::interp::{Bound, Interp, Pending, ops};
#[cfg(feature = "jit")]
use crate::jit::Said;
use crate::names::same;
use crate::program::code::{Check, Goal, Methods, Op, Place, Source};
use lang::segment::Segments;

/// A decision being made.
pub(crate) struct Run<'r> {
    bound: &'r Bound,
    pub(crate) ask: &'r Ask<'r>,
    /// Whether a method was missed.
    pub(crate) missed: Cell<bool>,
    /// The text that was read last: candidates of a cell ask for the same one after the other.
    text: Cell<Option<(&'r str, SlotId)>>,
}

/// What a source says.
#[derive(Clone, Copy)]
pub(crate) enum Seen<'r> {
    Absent,
    Text(&'r str),
    Ip(IpAddr),
    Int(i64),
    Value(&'r Value),
}

/// What a slot says, where that lies somewhere for as long as the request lasts.
pub(crate) enum Lying<'r> {
    Value(&'r Value),
    Text(&'r str),
}

impl<'r> Seen<'r> {
    #[inline]
    fn of(value: &'r Value) -> Seen<'r> {
        match value {
            Value::Absent => Seen::Absent,
            Value::String(text) => Seen::Text(text),
            Value::Ip(address) => Seen::Ip(*address),
            Value::Int(number) => Seen::Int(*number),
            other => Seen::Value(other),
        }
    }

    #[inline]
    fn is_text(self, holds: impl FnOnce(&str) -> bool) -> bool {
        matches!(self, Seen::Text(text) if holds(text))
    }

    /// Whether a check holds of it.
    fn holds(self, check: &Check) -> bool {
        match check {
            Check::Equal(_, text) => self.is_text(|seen| same(seen.as_bytes(), text.as_bytes())),
            Check::Within(_, networks) => {
                matches!(self, Seen::Ip(address) if networks.hold(&address))
            }
            Check::OneOf(_, texts) => self.is_text(|seen| texts.hold(seen)),
            Check::Begins(_, text) => self.is_text(|seen| {
                let begin = seen.as_bytes().get(..text.len());
                begin.is_some_and(|begin| same(begin, text.as_bytes()))
            }),
            Check::Ends(_, text) => self.is_text(|seen| {
                let behind = seen.len().checked_sub(text.len());
                let end = behind.and_then(|behind| seen.as_bytes().get(behind..));
                end.is_some_and(|end| same(end, text.as_bytes()))
            }),
            Check::Contains(_, text) => self.is_text(|seen| seen.contains(&**text)),
            Check::Matches(_, fit) => self.is_text(|seen| fit.is_in(seen)),
            Check::Present(_) => !matches!(self, Seen::Absent),
            Check::True(_) => matches!(self, Seen::Value(Value::Bool(true))),
            Check::Lists(_, text) => matches!(self, Seen::Value(of) if lists(of, text)),
            Check::Compare(_, how, with) => self.compares(*how, with),
            // They need more than a source, and are made before it comes to that.
            Check::Method(_) | Check::Symbolic(..) => false,
        }
    }

    fn compares(self, how: Compare, with: &Value) -> bool {
        match (self, with) {
            (Seen::Absent, _) => false,
            (Seen::Text(text), Value::String(with)) => ops::ordered(how, text.cmp(with)),
            (Seen::Text(text), with) => ops::compare(how, &Value::string(text), with),
            (Seen::Int(number), Value::Int(with)) => ops::ordered(how, number.cmp(with)),
            (Seen::Int(number), with) => ops::compare(how, &Value::Int(number), with),
            (Seen::Ip(address), with) => ops::compare(how, &Value::Ip(address), with),
            (Seen::Value(value), with) => ops::compare(how, value, with),
        }
    }
}

/// What a source says, in parts that machine code understands and keeps on its stack. A text lies in the request or the
/// frame, and stays there as long as the decision takes.
#[cfg(feature = "jit")]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// One of the states below; zero before it was read.
    pub(crate) state: u64,
    /// Where the text begins, or the bits of an IPv4 address.
    pub(crate) at: u64,
    /// The length of the text.
    pub(crate) len: u64,
}

#[cfg(feature = "jit")]
impl View {
    /// There is no value.
    pub(crate) const ABSENT: i64 = 1;
    /// A text.
    pub(crate) const TEXT: i64 = 2;
    /// An IPv4 address.
    pub(crate) const V4: i64 = 3;
    /// Something else; the interpreter knows what.
    pub(crate) const OTHER: i64 = 4;
    /// Somebody has to wait for it.
    pub(crate) const STOP: i64 = 5;

    #[inline(always)]
    pub(crate) fn new(state: i64) -> View {
        View { state: state as u64, at: 0, len: 0 }
    }

    #[inline(always)]
    pub(crate) fn text(text: &str) -> View {
        let at = text.as_ptr().expose_provenance();
        View { state: Self::TEXT as u64, at: at as u64, len: text.len() as u64 }
    }

    #[inline]
    fn of(seen: Seen<'_>) -> View {
        match seen {
            Seen::Absent => View::new(View::ABSENT),
            Seen::Text(text) => View::text(text),
            Seen::Ip(IpAddr::V4(address)) => {
                View { at: u64::from(address.to_bits()), ..View::new(View::V4) }
            }
            Seen::Ip(IpAddr::V6(_)) | Seen::Int(_) | Seen::Value(_) => View::new(View::OTHER),
        }
    }
}

impl<'r> Run<'r> {
    /// A decision.
    #[inline(always)]
    pub(crate) fn new(bound: &'r Bound, ask: &'r Ask<'r>) -> Run<'r> {
        Run { bound, ask, missed: Cell::new(false), text: Cell::new(None) }
    }

    /// The interpreter that it stands on.
    pub(crate) fn interp(&self) -> Interp<'r> {
        self.bound.interp(self.ask.frame, self.ask.fill)
    }

    /// The candidate that answers of a cell of the host with this place; notes it if a method was missed.
    #[inline(always)]
    pub(crate) fn cell(&self, cell: &index::Cell, host: u32) -> Result<Option<u32>, Pending> {
        let taken = |goal| match goal {
            Goal::Take(place) => cell.candidates.get(place as usize).copied(),
            _ => None,
        };
        if let Some(table) = &cell.code.table
            && let Some(goal) = table.run(self, cell, host)
        {
            return Ok(taken(goal));
        }
        #[cfg(feature = "jit")]
        match cell.code.machine.run(self.bound, self.ask, Scope::Cell(cell, host)) {
            Said::Takes(place) => return Ok(taken(Goal::Take(place))),
            Said::Leaves { is_missed, .. } => {
                self.missed.set(self.missed.get() | is_missed);
                return Ok(None);
            }
            Said::Nothing => {}
        }
        self.interpret(cell, host).map(taken)
    }

    /// What machine code of all of a host says.
    #[cfg(feature = "jit")]
    pub(crate) fn by_machine(&self, host: &index::Host) -> Said {
        match host.machine() {
            Some(machine) => machine.run(self.bound, self.ask, Scope::Host(host)),
            None => Said::Nothing,
        }
    }

    /// The same by its code alone, and as a goal.
    #[inline(always)]
    pub(crate) fn interpret(&self, cell: &index::Cell, host: u32) -> Result<Goal, Pending> {
        self.walk(cell, host, cell.code.entry, &cell.code.ops, |methods| {
            let holds = self.has_method(methods);
            self.missed.set(self.missed.get() | !holds);
            holds
        })
    }

    /// Where a cell's code leads from a place in it, as long as that is one of these instructions, with which it begins;
    /// `method` says whether the method is one of these.
    #[inline(always)]
    fn walk(
        &self,
        cell: &index::Cell,
        host: u32,
        from: Goal,
        ops: &[Op],
        method: impl Fn(&Methods) -> bool,
    ) -> Result<Goal, Pending> {
        let mut goal = from.packed();
        while let Some(op) = ops.get(goal as usize) {
            // What is asked most stands in place.
            let holds = match &op.check {
                Check::Method(methods) => method(methods),
                Check::Equal(Source::Slot(slot), text) => match self.text_of_slot(*slot) {
                    Ok(seen) => same(seen.as_bytes(), text.as_bytes()),
                    Err(read) => self.holds_of(&op.check, *slot, read)?,
                },
                Check::Equal(Source::Segment(place), text) => {
                    text::is_nth(self.ask.head.path, *place, text)
                }
                Check::Within(Source::Client(_), networks) => match &self.ask.head.client {
                    Some(address) => networks.hold(address),
                    None => self.holds(&op.check, &cell.candidates, host)?,
                },
                check => self.holds(check, &cell.candidates, host)?,
            };
            goal = op.packed_goal(holds);
        }
        Ok(Goal::unpacked(goal))
    }

    /// The methods with one of which the candidate with this place would answer, if the request has none of them.
    pub(crate) fn missed_methods<'c>(
        &self,
        cell: &'c index::Cell,
        place: usize,
        host: u32,
    ) -> Result<Option<&'c Methods>, Pending> {
        let code = &*cell.code;
        let (Some(start), Some(end)) = (code.starts.get(place), code.starts.get(place + 1)) else {
            return Ok(None);
        };
        let ops = code.ops.get(..*end as usize).unwrap_or_default();
        let first = ops.get(*start as usize);
        let Some((op, Check::Method(methods))) = first.map(|op| (op, &op.check)) else {
            return Ok(None);
        };
        if self.has_method(methods) {
            return Ok(None);
        }
        let goal = self.walk(cell, host, op.goal(true), ops, |_| true)?;
        Ok(Some(methods).filter(|_| goal == Goal::Take(place as u32)))
    }

    /// Whether the request's method is one of these.
    #[inline]
    pub(crate) fn has_method(&self, methods: &Methods) -> bool {
        methods.hold(self.ask.head.method)
    }

    /// Whether a check holds that is not of the method.
    #[inline(never)]
    pub(crate) fn holds(
        &self,
        check: &Check,
        candidates: &[u32],
        host: u32,
    ) -> Result<bool, Pending> {
        if let Some(source) = check.source() {
            return self.look(source, |seen| seen.holds(check));
        }
        let Check::Symbolic(test, candidate) = check else { return Ok(false) };
        let candidate = candidates.get(*candidate as usize).copied();
        let captured = candidate.map(|candidate| self.captured(host, candidate));
        self.ask.frame.capture_as(captured);
        self.interp().test(test)
    }

    /// What was read of a slot says, for machine code.
    #[cfg(feature = "jit")]
    pub(crate) fn view_of_read(&self, slot: SlotId, read: Read<'_>) -> View {
        match read {
            Read::Text(text) => View::text(text),
            Read::Pending => View::new(View::STOP),
            Read::Kept(value) => View::of(Seen::of(value)),
            Read::Value(value) => match self.seen_anew(slot, value) {
                Some(seen) => View::of(seen),
                None => self.view_of_kept(slot),
            },
        }
    }

    /// What a source says, for machine code.
    #[cfg(feature = "jit")]
    pub(crate) fn view(&self, source: Source) -> View {
        match (self.seen(source), source) {
            (Ok(Some(seen)), _) => View::of(seen),
            (Ok(None), Source::Slot(slot)) => self.view_of_kept(slot),
            (Ok(None), _) => View::new(View::OTHER),
            (Err(Pending(_)), _) => View::new(View::STOP),
        }
    }

    #[cfg(feature = "jit")]
    fn view_of_kept(&self, slot: SlotId) -> View {
        let kept = self.ask.frame.with_slot(slot, |value| View::of(Seen::of(value)));
        // A text that is made anew each time is kept by nobody.
        kept.unwrap_or(View::new(View::OTHER))
    }

    /// Whether somebody has to wait for the slot.
    pub(crate) fn is_pending(&self, slot: SlotId) -> bool {
        let Ask { frame, fill, .. } = *self.ask;
        (frame.is_new(slot) || !frame.is_absent(slot) && !frame.has_kept(slot))
            && matches!(fill.fill(slot), Read::Pending)
    }

    /// What a source says, if it is a slot of which nothing was known and that lies somewhere. What was made for us is
    /// kept, and [`Run::look`] finds it.
    #[inline(always)]
    pub(crate) fn lying(&self, source: Source) -> Option<Lying<'r>> {
        let Ask { frame, fill, .. } = *self.ask;
        match source {
            Source::Slot(slot) if frame.is_new(slot) => match fill.fill(slot) {
                Read::Kept(value) => Some(Lying::Value(value)),
                Read::Text(text) => Some(Lying::Text(text)),
                Read::Value(value) => {
                    self.seen_anew(slot, value);
                    None
                }
                Read::Pending => None,
            },
            _ => None,
        }
    }

    /// The captures of a candidate of this listener.
    #[inline]
    pub(crate) fn captured(&self, host: u32, candidate: u32) -> Captured {
        Captured { listener: self.ask.listener, host, candidate }
    }

    /// What `see` makes of what a source says.
    #[inline]
    pub(crate) fn look<T>(
        &self,
        source: Source,
        see: impl FnMut(Seen<'_>) -> T,
    ) -> Result<T, Pending> {
        let mut see = see;
        match (self.seen(source)?, source) {
            (Some(seen), _) => Ok(see(seen)),
            (None, Source::Slot(slot) | Source::Anew(slot) | Source::Client(slot)) => {
                self.look_at_kept(slot, see)
            }
            (None, _) => Ok(see(Seen::Absent)),
        }
    }

    /// What a source says, where that stands in the request or is small; `None` where the frame keeps it, or nobody.
    #[inline(always)]
    fn seen(&self, source: Source) -> Result<Option<Seen<'r>>, Pending> {
        let segment = |place: Place| text::nth(self.ask.head.path, place);
        Ok(Some(match source {
            Source::Slot(slot) => return self.seen_of_slot(slot),
            Source::Anew(_) => return Ok(None),
            Source::Client(slot) => match self.ask.head.client {
                Some(address) => Seen::Ip(address),
                None => return self.seen_of_slot(slot),
            },
            Source::Host => Seen::Text(self.ask.head.host),
            Source::Path => Seen::Text(self.ask.head.path),
            // Methods are compared with methods only, and by their text.
            Source::Method => Seen::Text(self.ask.head.method.name()),
            Source::Segment(at) => segment(at).map_or(Seen::Absent, Seen::Text),
            Source::Integer(at) => match segment(at).map(|text| Segments::Int.value(text)) {
                Some(Value::Int(number)) => Seen::Int(number),
                _ => Seen::Absent,
            },
        }))
    }

    #[inline(always)]
    fn seen_of_slot(&self, slot: SlotId) -> Result<Option<Seen<'r>>, Pending> {
        match self.text_of_slot(slot) {
            Ok(text) => Ok(Some(Seen::Text(text))),
            Err(read) => self.seen_otherwise(slot, read),
        }
    }

    /// The text that a slot is, as most are; else what was read of it now, if that had to be.
    #[inline(always)]
    fn text_of_slot(&self, slot: SlotId) -> Result<&'r str, Option<Read<'r>>> {
        if let Some((text, known)) = self.text.get()
            && known == slot
        {
            return Ok(text);
        }
        if !self.ask.frame.is_new(slot) {
            return Err(None);
        }
        match self.ask.fill.fill(slot) {
            Read::Text(text) => {
                self.text.set(Some((text, slot)));
                Ok(text)
            }
            read => Err(Some(read)),
        }
    }

    /// Whether a check holds of a slot that was no text.
    #[inline(never)]
    fn holds_of(
        &self,
        check: &Check,
        slot: SlotId,
        read: Option<Read<'r>>,
    ) -> Result<bool, Pending> {
        match self.seen_otherwise(slot, read)? {
            Some(seen) => Ok(seen.holds(check)),
            None => self.look_at_kept(slot, |seen| seen.holds(check)),
        }
    }

    /// What a slot says that was no text.
    #[inline(never)]
    fn seen_otherwise(
        &self,
        slot: SlotId,
        read: Option<Read<'r>>,
    ) -> Result<Option<Seen<'r>>, Pending> {
        let Ask { frame, fill, .. } = *self.ask;
        if read.is_none() && frame.is_absent(slot) {
            return Ok(Some(Seen::Absent));
        }
        if read.is_none() && frame.has_kept(slot) {
            return Ok(None);
        }
        match read.unwrap_or_else(|| fill.fill(slot)) {
            Read::Text(text) => Ok(Some(Seen::Text(text))),
            Read::Kept(value) => Ok(Some(Seen::of(value))),
            Read::Pending => Err(Pending(slot)),
            Read::Value(value) => Ok(self.seen_anew(slot, value)),
        }
    }

    /// What a value that was made for us says.
    #[inline(never)]
    fn seen_anew(&self, slot: SlotId, value: Value) -> Option<Seen<'r>> {
        let seen = match value {
            Value::Ip(address) => Some(Seen::Ip(address)),
            Value::Int(number) => Some(Seen::Int(number)),
            Value::Absent => Some(Seen::Absent),
            _ => None,
        };
        self.ask.frame.keep(slot, value);
        seen
    }

    /// What `see` makes of what is not stable, or is kept in the frame.
    #[inline(never)]
    fn look_at_kept<T>(
        &self,
        slot: SlotId,
        mut see: impl FnMut(Seen<'_>) -> T,
    ) -> Result<T, Pending> {
        let Ask { frame, fill, .. } = *self.ask;
        if let Some(answer) = frame.with_slot(slot, |value| see(Seen::of(value))) {
            return Ok(answer);
        }
        match fill.fill(slot).into_value() {
            Some(value) => Ok(see(Seen::of(&value))),
            None => Err(Pending(slot)),
        }
    }
}

/// Whether a list or set holds the text, or a map has it for a key.
fn lists(of: &Value, text: &str) -> bool {
    let is = |item: &Value| matches!(item, Value::String(item) if **item == *text);
    match of {
        Value::List(items) => items.iter().any(is),
        Value::Set(items) => items.iter().any(is),
        Value::Map(fields) => fields.contains_key(text),
        _ => false,
    }
}
