//! Runs residual code: one check after the other, each on what the request says where it stands. It copies nothing that
//! is only compared. A compiler of the same code has this file to agree with.

use std::cell::Cell;
use std::net::IpAddr;

use lang::Value;

use crate::frame::{Captured, Head, Read, SlotId};
use crate::index::text;
use crate::interp::{Interp, Pending, ops};
use crate::program::ListenerId;
use crate::program::code::{Check, Code, Goal, MethodBit, Methods, Source};
use lang::segment::Segments;

/// A decision being made.
pub(crate) struct Run<'r> {
    pub(crate) interp: &'r Interp<'r>,
    pub(crate) head: &'r Head<'r>,
    pub(crate) listener: ListenerId,
    /// The text that was read last: candidates of a cell ask for the same one after the other.
    text: Cell<Option<(&'r str, SlotId)>>,
}

/// What a source says.
#[derive(Clone, Copy)]
pub(crate) enum Seen<'r> {
    Absent,
    Text(&'r str),
    Ip(IpAddr),
    Value(&'r Value),
}

impl<'r> Seen<'r> {
    #[inline]
    fn of(value: &'r Value) -> Seen<'r> {
        match value {
            Value::Absent => Seen::Absent,
            Value::String(text) => Seen::Text(text),
            Value::Ip(address) => Seen::Ip(*address),
            other => Seen::Value(other),
        }
    }

    #[inline]
    fn is_text(self, holds: impl Fn(&str) -> bool) -> bool {
        matches!(self, Seen::Text(text) if holds(text))
    }
}

/// What a source says, in parts that machine code understands. A text lies in the request or the frame, and stays there as
/// long as the decision takes.
#[cfg(feature = "jit")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum View {
    Absent,
    /// Where it begins, and how long it is.
    Text(*const u8, usize),
    /// The bits of an IPv4 address.
    V4(u32),
    Other,
}

#[cfg(feature = "jit")]
impl View {
    #[inline]
    fn of(seen: Seen<'_>) -> View {
        match seen {
            Seen::Absent => View::Absent,
            Seen::Text(text) => View::Text(text.as_ptr(), text.len()),
            Seen::Ip(IpAddr::V4(address)) => View::V4(address.to_bits()),
            Seen::Ip(IpAddr::V6(_)) | Seen::Value(_) => View::Other,
        }
    }
}

impl<'r> Run<'r> {
    /// A decision at this listener.
    #[inline]
    pub(crate) fn new(interp: &'r Interp<'r>, head: &'r Head<'r>, listener: ListenerId) -> Run<'r> {
        Run { interp, head, listener, text: Cell::new(None) }
    }

    /// Runs the code of a cell with these candidates of the host; notes in `missed` that a method was missed.
    #[inline]
    pub(crate) fn code(
        &self,
        code: &Code,
        candidates: &[u32],
        host: u32,
        missed: &mut bool,
    ) -> Result<Goal, Pending> {
        if let Some(table) = &code.table
            && let Some(goal) = table.run(self, code, candidates, host, missed)
        {
            return Ok(goal);
        }
        #[cfg(feature = "jit")]
        if let Some(goal) = code.machine.run(self, code, candidates, host, missed) {
            return Ok(goal);
        }
        let mut goal = code.entry;
        while let Goal::Op(at) = goal {
            // INVARIANT: jumps are in range; `lower/bind.rs` makes no others.
            let Some(op) = code.ops.get(at as usize) else { return Ok(Goal::Leave) };
            let holds = match &op.check {
                Check::Method(methods) => {
                    let holds = self.has_method(methods);
                    *missed |= !holds;
                    holds
                }
                check => self.holds(check, candidates, host)?,
            };
            goal = if holds { op.yes } else { op.no };
        }
        Ok(goal)
    }

    /// The methods with one of which the candidate with this place would answer, if the request has none of them.
    pub(crate) fn missed_methods<'c>(
        &self,
        code: &'c Code,
        place: usize,
        candidates: &[u32],
        host: u32,
    ) -> Result<Option<&'c Methods>, Pending> {
        let (Some(start), Some(end)) = (code.starts.get(place), code.starts.get(place + 1)) else {
            return Ok(None);
        };
        let mut at = *start;
        let mut missed = None;
        while at < *end {
            let Some(op) = code.ops.get(at as usize) else { return Ok(None) };
            let holds = match &op.check {
                Check::Method(methods) if self.has_method(methods) => return Ok(None),
                Check::Method(methods) => {
                    missed = Some(methods);
                    true
                }
                check => self.holds(check, candidates, host)?,
            };
            match if holds { op.yes } else { op.no } {
                Goal::Op(next) => at = next,
                Goal::Take(taken) => return Ok(missed.filter(|_| taken as usize == place)),
                Goal::Leave => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Whether the request's method is one of these.
    pub(crate) fn has_method(&self, methods: &Methods) -> bool {
        methods.hold(MethodBit::of(self.head.method), self.head.method)
    }

    /// Whether a check holds that is not of the method.
    #[inline]
    pub(crate) fn holds(
        &self,
        check: &Check,
        candidates: &[u32],
        host: u32,
    ) -> Result<bool, Pending> {
        let Check::Symbolic(test, candidate) = check else { return self.direct(check) };
        let candidate = candidates.get(*candidate as usize).copied();
        let captured = candidate.map(|candidate| self.captured(host, candidate));
        self.interp.frame.capture_as(captured);
        self.interp.test(test)
    }

    /// What a source says, for machine code.
    #[cfg(feature = "jit")]
    pub(crate) fn view(&self, source: Source) -> Result<View, Pending> {
        let seen = match source {
            Source::Slot(slot) => match self.seen(slot)? {
                Some(seen) => seen,
                // A text that is made anew each time is kept by nobody.
                None => {
                    let kept = self.interp.frame.with_slot(slot, |value| View::of(Seen::of(value)));
                    return Ok(kept.unwrap_or(View::Other));
                }
            },
            Source::Segment(at) => match text::nth(self.head.path, usize::from(at)) {
                Some(segment) => Seen::Text(segment),
                None => Seen::Absent,
            },
            _ => return Ok(View::Other),
        };
        Ok(View::of(seen))
    }

    /// Whether somebody has to wait for the slot.
    pub(crate) fn is_pending(&self, slot: SlotId) -> bool {
        let Interp { frame, fill, .. } = self.interp;
        !frame.is_absent(slot)
            && frame.with_slot(slot, |_| ()).is_none()
            && matches!(fill.fill(slot), Read::Pending)
    }

    /// The captures of a candidate of this listener.
    #[inline]
    pub(crate) fn captured(&self, host: u32, candidate: u32) -> Captured {
        Captured { listener: self.listener, host, candidate }
    }

    #[inline]
    fn direct(&self, check: &Check) -> Result<bool, Pending> {
        match check {
            Check::Equal(source, text) => {
                self.look(*source, |seen| seen.is_text(|seen| *seen == **text))
            }
            Check::Within(source, networks) => self.look(*source, |seen| match seen {
                Seen::Ip(address) => networks.hold(&address),
                _ => false,
            }),
            Check::OneOf(source, texts) => {
                self.look(*source, |seen| seen.is_text(|seen| texts.hold(seen)))
            }
            Check::Begins(source, text) => {
                self.look(*source, |seen| seen.is_text(|seen| seen.starts_with(&**text)))
            }
            Check::Ends(source, text) => {
                self.look(*source, |seen| seen.is_text(|seen| seen.ends_with(&**text)))
            }
            Check::Contains(source, text) => {
                self.look(*source, |seen| seen.is_text(|seen| seen.contains(&**text)))
            }
            Check::Matches(source, fit) => {
                self.look(*source, |seen| seen.is_text(|seen| fit.is_in(seen)))
            }
            Check::Present(source) => self.look(*source, |seen| !matches!(seen, Seen::Absent)),
            Check::True(source) => {
                self.look(*source, |seen| matches!(seen, Seen::Value(Value::Bool(true))))
            }
            Check::Lists(source, text) => self.look(*source, |seen| match seen {
                Seen::Value(of) => lists(of, text),
                _ => false,
            }),
            Check::Compare(source, how, with) => self.look(*source, |seen| match seen {
                Seen::Absent => false,
                Seen::Text(text) => match &**with {
                    Value::String(with) => ops::ordered(*how, text.cmp(with)),
                    with => ops::compare(*how, &Value::string(text), with),
                },
                Seen::Ip(address) => ops::compare(*how, &Value::Ip(address), with),
                Seen::Value(value) => ops::compare(*how, value, with),
            }),
            // Both need more than a source, and are made before it comes to that.
            Check::Method(_) | Check::Symbolic(..) => Ok(false),
        }
    }

    /// What `see` makes of what a source says.
    #[inline]
    pub(crate) fn look<T>(
        &self,
        source: Source,
        mut see: impl FnMut(Seen<'_>) -> T,
    ) -> Result<T, Pending> {
        Ok(match source {
            Source::Slot(slot) => return self.look_at_slot(slot, see),
            Source::Host => see(Seen::Text(self.head.host)),
            Source::Path => see(Seen::Text(self.head.path)),
            // Methods are compared with methods only, and by their text.
            Source::Method => see(Seen::Text(self.head.method)),
            Source::Segment(at) => match text::nth(self.head.path, usize::from(at)) {
                Some(segment) => see(Seen::Text(segment)),
                None => see(Seen::Absent),
            },
            Source::Integer(at) => {
                let segment = text::nth(self.head.path, usize::from(at));
                let value = segment.map(|segment| Segments::Int.value(segment));
                see(value.as_ref().map_or(Seen::Absent, Seen::of))
            }
        })
    }

    #[inline]
    fn look_at_slot<T>(
        &self,
        slot: SlotId,
        mut see: impl FnMut(Seen<'_>) -> T,
    ) -> Result<T, Pending> {
        match self.seen(slot)? {
            Some(seen) => Ok(see(seen)),
            None => self.look_at_kept(slot, see),
        }
    }

    /// What a slot says, where that stands in the request or is small; `None` where the frame keeps it.
    #[inline]
    fn seen(&self, slot: SlotId) -> Result<Option<Seen<'r>>, Pending> {
        if let Some((text, known)) = self.text.get()
            && known == slot
        {
            return Ok(Some(Seen::Text(text)));
        }
        let Interp { frame, fill, .. } = *self.interp;
        if frame.is_absent(slot) {
            return Ok(Some(Seen::Absent));
        }
        if frame.has_kept(slot) {
            return Ok(None);
        }
        Ok(Some(match fill.fill(slot) {
            Read::Text(text) => {
                if self.interp.is_stable(slot) {
                    self.text.set(Some((text, slot)));
                }
                Seen::Text(text)
            }
            Read::Value(Value::Ip(address)) => Seen::Ip(address),
            Read::Kept(value) => Seen::of(value),
            Read::Value(Value::Absent) => {
                self.interp.keep(slot, Value::Absent);
                Seen::Absent
            }
            Read::Value(value) => {
                self.interp.keep(slot, value);
                return Ok(None);
            }
            Read::Pending => return Err(Pending(slot)),
        }))
    }

    /// The same for what is not stable, or is kept in the frame.
    #[inline(never)]
    fn look_at_kept<T>(
        &self,
        slot: SlotId,
        mut see: impl FnMut(Seen<'_>) -> T,
    ) -> Result<T, Pending> {
        let Interp { frame, fill, .. } = *self.interp;
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
