//! Many candidates decided together: what each source says is looked up once, and gives the candidates that can still
//! answer, all at a time. It is another form of a cell's residual code, made for those that would be walked for long.
//!
//! A row is one way through a candidate's conditions: what must hold and what must not, all together. A group is what
//! rows ask of one source: each of its answers leaves some rows alive. What no group says for certain is asked of the few
//! rows that are left at the end: a row may be alive wrongly until then, and is never dead wrongly.
//!
//! It says what the code says or nothing: where something is pending, or of a kind that was not reckoned with, the code
//! is run. `table/build.rs` makes it and says when.

use std::net::IpAddr;

use lang::Value;

use crate::frame::SlotId;
use crate::index;
use crate::interp::Pending;
use crate::interp::run::{Lying, Run, Seen};
use crate::program::code::{Check, Code, Goal, Source};

mod build;
mod needs;
mod windows;
mod words;

pub(crate) use build::build;
use windows::Windows;
use words::Words;

/// When tables are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tables {
    /// Where they pay.
    #[default]
    Worth,
    /// Wherever there can be one: to be compared with everything else that decides.
    Everywhere,
    /// Nowhere.
    Never,
}

/// The decision of a cell as a table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// All rows as bits.
    all: Box<[u64]>,
    rows: Box<[Row]>,
    /// What rows ask by themselves: instructions, and whether they must hold.
    rest: Box<[(u32, bool)]>,
    groups: Box<[Group]>,
    /// Sets of rows, one behind the other: words of bits, each with its place.
    bits: Box<[(u32, u64)]>,
    /// The rows that take a method, by its class.
    methods: Box<[u64]>,
    /// Slots outside of groups that somebody may have to wait for.
    probes: Box<[SlotId]>,
}

/// One way through the conditions of a candidate. Rows stand in the order of candidates.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// A place in the cell.
    candidate: u32,
    /// Whether it is all of a way. Of one that is not, the candidate's code is asked.
    is_whole: bool,
    /// What it asks besides groups: a part of [`Table::rest`].
    rest: Part,
}

/// What rows ask of one source.
#[derive(Clone, Debug)]
struct Group {
    asks: Asks,
    /// The rows that depend on it.
    cares: Box<[u64]>,
    /// So many rows are sooner asked without it.
    few: u32,
    /// Whether rows leave something to it, and do not ask that themselves.
    is_trusted: bool,
    /// Its slot, if somebody may have to wait for it.
    waits: Option<SlotId>,
}

#[derive(Clone, Debug)]
enum Asks {
    /// One answer; for each, one behind the other, the rows that are alive with it.
    One(One, Box<[u64]>),
    /// Any number of answers.
    Many(Many, Leaves),
}

/// What any number of answers leave.
#[derive(Clone, Debug)]
struct Leaves {
    /// The rows that need none of them.
    free: Box<[u64]>,
    /// For each answer the rows that need it, and the rows that it kills.
    by: Box<[(Part, Part)]>,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    from: u32,
    to: u32,
}

/// How one answer is found.
#[derive(Clone, Debug)]
enum One {
    /// Which text it is: the number of a known one, then the number of all others, then that of no text.
    Text(Source, Words, u32),
    /// In which interval a number of this sort lies: how many of these are not above it; the last one for no number.
    Number(Source, Sort, Box<[i64]>),
    /// Whether the check of this instruction holds.
    Check(u32),
}

/// How several answers are found.
#[derive(Clone, Debug)]
enum Many {
    /// The known texts that a list holds.
    List(Source, Words),
    /// What of these a text holds.
    Holds(Source, Windows),
}

/// Values that lie on a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sort {
    Int,
    Time,
    Status,
    Size,
    V4,
}

/// Classes of methods: each common one, and all others.
const METHODS: usize = 10;

/// The words of a table's sets: one of these numbers.
const WIDTHS: [usize; 3] = [2, 16, 64];

impl Table {
    /// Decides the cell. `None` where its code has to say.
    #[inline(never)]
    pub(crate) fn run(&self, run: &Run<'_>, cell: &index::Cell, host: u32) -> Option<Goal> {
        let cell = Cell { run, code: &cell.code, candidates: &cell.candidates, host };
        match self.all.len() {
            2 => self.decide::<2>(&cell),
            16 => self.decide::<16>(&cell),
            _ => self.decide::<64>(&cell),
        }
    }

    #[inline(always)]
    fn decide<const N: usize>(&self, cell: &Cell<'_, '_>) -> Option<Goal> {
        for slot in &self.probes {
            if cell.run.is_pending(*slot) {
                return None;
            }
        }
        let mut alive: [u64; N] = *self.all.first_chunk()?;
        // Rows that depend on what was not looked up.
        let mut unsure = [0; N];
        for group in &self.groups {
            let cares: &[u64; N] = group.cares.first_chunk()?;
            if is_few(&alive, cares, group.few) {
                // The code would have come to it, and waited.
                if group.waits.is_some_and(|slot| cell.run.is_pending(slot)) {
                    return None;
                }
                if group.few > 0 && group.is_trusted {
                    unsure.iter_mut().zip(cares).for_each(|(unsure, cares)| *unsure |= cares);
                }
                continue;
            }
            match &group.asks {
                Asks::One(one, masks) => {
                    let answer = cell.answer(one)? as usize;
                    let mask = masks.get(answer * N..)?.first_chunk::<N>()?;
                    alive.iter_mut().zip(mask).for_each(|(alive, mask)| *alive &= mask);
                }
                Asks::Many(many, leaves) => {
                    let mut held: [u64; N] = *leaves.free.first_chunk()?;
                    cell.answers(many, |answer| {
                        let Some((needing, killed)) = leaves.by.get(answer as usize) else {
                            return;
                        };
                        for (word, bits) in needing.of(&self.bits) {
                            if let Some(held) = held.get_mut(*word as usize) {
                                *held |= bits;
                            }
                        }
                        for (word, bits) in killed.of(&self.bits) {
                            if let Some(alive) = alive.get_mut(*word as usize) {
                                *alive &= !bits;
                            }
                        }
                    })?;
                    alive.iter_mut().zip(held).for_each(|(alive, held)| *alive &= held);
                }
            }
        }
        let methods = self.methods.get(cell.method() * N..)?.first_chunk::<N>()?;
        let mut others = alive;
        alive.iter_mut().zip(methods).for_each(|(alive, methods)| *alive &= methods);
        if let Some(candidate) = self.first(cell, &alive, &unsure)? {
            return Some(Goal::Take(candidate));
        }
        // A method is missed where nothing else is.
        others.iter_mut().zip(methods).for_each(|(others, methods)| *others &= !methods);
        if self.first(cell, &others, &unsure)?.is_some() {
            cell.run.missed.set(true);
        }
        Some(Goal::Leave)
    }

    /// The first candidate that has one of these rows and lets it answer, whatever the method. `None` if that cannot be
    /// said.
    #[inline]
    fn first(&self, cell: &Cell<'_, '_>, alive: &[u64], unsure: &[u64]) -> Option<Option<u32>> {
        let mut asked = None;
        for (at, (word, unsure)) in alive.iter().zip(unsure).enumerate() {
            let mut word = *word;
            while word != 0 {
                let bit = word.trailing_zeros();
                let row = self.rows.get(at * 64 + bit as usize)?;
                word &= word - 1;
                if row.is_whole && unsure >> bit & 1 == 0 {
                    if cell.hold(row.rest.of(&self.rest))? {
                        return Some(Some(row.candidate));
                    }
                    continue;
                }
                // A candidate's other rows ask the same code.
                if asked != Some(row.candidate) {
                    asked = Some(row.candidate);
                    if cell.takes(row.candidate)? {
                        return Some(asked);
                    }
                }
            }
        }
        Some(None)
    }
}

impl Part {
    #[inline(always)]
    fn of<T>(self, list: &[T]) -> &[T] {
        list.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

/// A cell being decided.
struct Cell<'c, 'r> {
    run: &'c Run<'r>,
    code: &'c Code,
    candidates: &'c [u32],
    host: u32,
}

impl Cell<'_, '_> {
    /// The class of the request's method.
    fn method(&self) -> usize {
        (self.run.ask.head.method.bit().0.trailing_zeros() as usize).min(METHODS - 1)
    }

    /// What is answered. `None` if that cannot be said.
    #[inline(always)]
    fn answer(&self, one: &One) -> Option<u32> {
        match one {
            One::Text(source, words, n_words) => match self.run.lying(*source) {
                Some(Lying::Value(Value::String(text))) => {
                    Some(words.number(text).unwrap_or(*n_words))
                }
                Some(Lying::Text(text)) => Some(words.number(text).unwrap_or(*n_words)),
                _ => self.answer_apart(one),
            },
            One::Number(source, sort, starts) => {
                if let Some(Lying::Value(value)) = self.run.lying(*source)
                    && let Some(number) = sort.number(value)
                {
                    return Some(interval(starts, number));
                }
                self.answer_apart(one)
            }
            One::Check(_) => self.answer_apart(one),
        }
    }

    /// The same wherever the value is, or none.
    #[inline(never)]
    fn answer_apart(&self, one: &One) -> Option<u32> {
        match one {
            One::Text(source, words, n_words) => {
                let answer = self.run.look(*source, |seen| match seen {
                    Seen::Absent => Some(n_words + 1),
                    Seen::Text(text) => Some(words.number(text).unwrap_or(*n_words)),
                    Seen::Ip(_) | Seen::Int(_) | Seen::Value(_) => None,
                });
                answer.ok()?
            }
            One::Number(source, sort, starts) => {
                let answer = self.run.look(*source, |seen| match seen {
                    Seen::Absent => Some(starts.len() as u32 + 1),
                    Seen::Text(_) => None,
                    // Networks of the other version have no group.
                    Seen::Ip(IpAddr::V6(_)) if *sort == Sort::V4 => Some(starts.len() as u32 + 1),
                    Seen::Ip(address) => Some(interval(starts, sort.number(&Value::Ip(address))?)),
                    Seen::Int(number) => Some(interval(starts, sort.number(&Value::Int(number))?)),
                    Seen::Value(value) => Some(interval(starts, sort.number(value)?)),
                });
                answer.ok()?
            }
            One::Check(op) => {
                let op = self.code.ops.get(*op as usize)?;
                Some(u32::from(self.holds(&op.check).ok()?))
            }
        }
    }

    /// Calls `each` with whatever is answered. `None` if that cannot be said.
    #[inline(always)]
    fn answers(&self, many: &Many, mut each: impl FnMut(u32)) -> Option<()> {
        match many {
            Many::List(source, words) => {
                let known = match self.run.lying(*source) {
                    Some(Lying::Value(value)) => each_known(value, words, &mut each),
                    _ => None,
                };
                known.or_else(|| {
                    let known = self.run.look(*source, |seen| match seen {
                        Seen::Absent => Some(()),
                        Seen::Value(value) => each_known(value, words, &mut each),
                        Seen::Text(_) | Seen::Ip(_) | Seen::Int(_) => None,
                    });
                    known.ok()?
                })
            }
            Many::Holds(source, windows) => {
                let known = self.run.look(*source, |seen| match seen {
                    Seen::Absent => Some(()),
                    Seen::Text(text) => {
                        windows.find(text, &mut each);
                        Some(())
                    }
                    Seen::Ip(_) | Seen::Int(_) | Seen::Value(_) => None,
                });
                known.ok()?
            }
        }
    }

    /// Whether these instructions hold and do not, as is said of each. `None` if that cannot be said.
    #[inline(always)]
    fn hold(&self, rest: &[(u32, bool)]) -> Option<bool> {
        for (op, wanted) in rest {
            let op = self.code.ops.get(*op as usize)?;
            if self.holds(&op.check).ok()? != *wanted {
                return Some(false);
            }
        }
        Some(true)
    }

    fn holds(&self, check: &Check) -> Result<bool, Pending> {
        match check {
            // It was asked before, and may be missed.
            Check::Method(_) => Ok(true),
            check => self.run.holds(check, self.candidates, self.host),
        }
    }

    /// Whether the code of this candidate alone lets it answer, whatever the method. `None` if that cannot be said.
    fn takes(&self, place: u32) -> Option<bool> {
        let mut at = *self.code.starts.get(place as usize)?;
        let end = *self.code.starts.get(place as usize + 1)?;
        if at == end {
            return Some(true);
        }
        while at < end {
            let op = self.code.ops.get(at as usize)?;
            match op.goal(self.holds(&op.check).ok()?) {
                Goal::Op(next) => at = next,
                Goal::Take(taken) => return Some(taken == place),
                Goal::Leave => return Some(false),
            }
        }
        Some(false)
    }
}

/// In which of the intervals that begin at these a number lies.
#[inline(always)]
fn interval(starts: &[i64], number: i64) -> u32 {
    starts.partition_point(|start| *start <= number) as u32
}

/// Calls `each` with the known texts of a list or set. `None` if it is neither.
#[inline(always)]
fn each_known(value: &Value, words: &Words, each: impl FnMut(u32)) -> Option<()> {
    match value {
        Value::List(items) => items.iter().filter_map(|item| words.number_of(item)).for_each(each),
        Value::Set(items) => items.iter().filter_map(|item| words.number_of(item)).for_each(each),
        _ => return None,
    }
    Some(())
}

/// Whether at most so many rows are alive that depend on a group.
#[inline(always)]
fn is_few<const N: usize>(alive: &[u64; N], cares: &[u64; N], few: u32) -> bool {
    if few == 0 {
        return alive.iter().zip(cares).fold(0, |both, (alive, cares)| both | alive & cares) == 0;
    }
    let mut left = few;
    for (alive, cares) in alive.iter().zip(cares) {
        let mut both = alive & cares;
        while both != 0 {
            if left == 0 {
                return false;
            }
            left -= 1;
            both &= both - 1;
        }
    }
    true
}

impl Sort {
    /// Where a value of this sort lies; `None` for others, and for what lies beyond the line.
    #[inline]
    fn number(self, value: &Value) -> Option<i64> {
        match (self, value) {
            (Sort::Int, Value::Int(number)) | (Sort::Time, Value::Time(number)) => Some(*number),
            (Sort::Status, Value::Status(code)) => Some(i64::from(*code)),
            (Sort::Size, Value::Size(bytes)) => i64::try_from(*bytes).ok(),
            (Sort::V4, Value::Ip(IpAddr::V4(address))) => Some(i64::from(address.to_bits())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
