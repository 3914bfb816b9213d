//! Residual code to a table: the ways through each candidate as rows, what they ask of each source as groups; and whether
//! that is worth it.

use std::net::Ipv4Addr;

use lang::Value;
use lang::policy::Compare;

use super::needs::{AnyOf, needs, of_text};
use super::windows::Windows;
use super::words::Words;
use super::{Asks, Group, Leaves, METHODS, Many, One, Part, Row, Sort, Table, Tables, WIDTHS};
use crate::frame::{Slot, SlotId};
use crate::interp::ops;
use crate::program::Program;
use crate::program::code::{Check, Code, Goal, Source};

/// The most ways through one candidate. Of one that has more only the method is asked here.
const WAYS: usize = 16;

/// The most instructions that are followed for one candidate.
const STEPS: usize = 512;

/// The most bits that all answers of one group have for rows.
const ANSWERS: usize = 1 << 22;

/// The most words of bits of one table: a mebibyte.
const BITS: usize = 1 << 16;

/// A source is worth asking at once if so many rows depend on it.
const FEW: usize = 4;

/// Instructions that the code of a candidate takes that is asked alone.
const TAKING: u32 = 150;

/// Fewer candidates are asked one after the other.
const LEAST: usize = 8;

/// What must hold, or must not: instructions.
type Way = Vec<(usize, bool)>;

/// The table of some code, if there can be one and it is wanted.
///
/// It is worth its making where it takes less than half of what the code is expected to. What the code takes is one check
/// of each candidate, half of a second, a quarter of a third, and so on, since a request is seldom one that the first
/// candidates take and often one that none does; what the table takes is one look at each group and its sets. The weights
/// are instructions, as they were counted.
pub(crate) fn build(code: &Code, program: &Program, tables: Tables) -> Option<Table> {
    let n_candidates = code.starts.len().checked_sub(1)?;
    let least = match tables {
        Tables::Never => return None,
        Tables::Worth => LEAST,
        Tables::Everywhere => 1,
    };
    let is_named = |check: &Check| matches!(check, Check::Method(of) if of.others.is_some());
    if n_candidates < least || code.ops.iter().any(|op| is_named(&op.check)) {
        return None;
    }
    let build = Build { code, program };
    let mut rows: Vec<Row> = Vec::with_capacity(n_candidates);
    let mut ways: Vec<Way> = Vec::with_capacity(n_candidates);
    for candidate in 0..n_candidates {
        let (own, is_whole) = build.ways(candidate)?;
        let row = Row { candidate: candidate as u32, is_whole, rest: Part::default() };
        rows.extend(own.iter().map(|_| row));
        ways.extend(own);
    }
    let is_method = |op: usize| matches!(build.check(op), Some(Check::Method(_)));
    // What no group says for certain.
    let besides = |way: &Way| way.iter().copied().filter(|(op, _)| !is_method(*op)).collect();
    let mut rests: Vec<Way> = ways.iter().map(besides).collect();
    let width = *WIDTHS.iter().find(|width| **width * 64 >= rows.len())?;
    let mut sets = Sets { width, bits: Vec::new() };
    let mut groups: Vec<(u32, Group)> = Vec::new();
    let mut is_asked = vec![false; code.ops.len()];
    let few = if tables == Tables::Everywhere { 1 } else { FEW };
    let (asked, group_of) = build.asked();
    for (number, asked) in asked.into_iter().enumerate() {
        let is_own = |op: &usize| group_of.get(*op) == Some(&Some(number));
        let own = |way: &Way| way.iter().copied().filter(|(op, _)| is_own(op)).collect();
        let own: Vec<Way> = ways.iter().map(own).collect();
        if own.iter().filter(|own| !own.is_empty()).count() < few {
            continue;
        }
        let Some((mut group, cost)) = build.group(&asked, &own, &mut rests, &mut sets) else {
            continue;
        };
        // Everywhere nothing is left out that a table can do.
        group.few = if tables == Tables::Everywhere { 0 } else { cost / TAKING };
        for op in asked.ops {
            if let Some(is_asked) = is_asked.get_mut(op) {
                *is_asked = true;
            }
        }
        groups.push((cost, group));
    }
    let mut rest: Vec<(u32, bool)> = Vec::new();
    for (row, own) in rows.iter_mut().zip(rests) {
        let from = rest.len() as u32;
        rest.extend(own.into_iter().map(|(op, holds)| (op as u32, holds)));
        row.rest = Part { from, to: rest.len() as u32 };
    }
    let table = groups.iter().map(|(cost, _)| *cost).sum::<u32>();
    let table = 60 + table + (groups.len() * width * 3) as u32;
    if tables == Tables::Worth && 2 * table > build.cost() || sets.bits.len() > BITS {
        return None;
    }
    // What leaves many rows for little comes first, so that the rest is often not asked at all.
    let worth = |(cost, group): &(u32, Group)| {
        let n_rows: u32 = group.cares.iter().map(|word| word.count_ones()).sum();
        cost * 64 / n_rows.max(1)
    };
    groups.sort_by_key(worth);
    let takes = |way: &Way, class: usize| {
        way.iter().all(|(op, _)| match build.check(*op) {
            Some(Check::Method(methods)) => methods.common >> class & 1 != 0,
            _ => true,
        })
    };
    let methods = (0..METHODS).map(|class| {
        let rows: Vec<bool> = ways.iter().map(|way| takes(way, class)).collect();
        sets.whole(&rows).into_vec()
    });
    Some(Table {
        all: sets.whole(&vec![true; rows.len()]),
        rows: rows.into(),
        rest: rest.into(),
        probes: build.probes(&is_asked),
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        methods: methods.flatten().collect(),
        bits: sets.bits.into(),
    })
}

struct Build<'b> {
    code: &'b Code,
    program: &'b Program,
}

/// Instructions that ask the same source in the same manner, in order.
struct Asked<'b> {
    key: Key<'b>,
    ops: Vec<usize>,
}

#[derive(PartialEq)]
enum Key<'b> {
    Text(Source),
    Number(Source, Sort),
    List(Source),
    Holds(Source),
    Check(&'b Check),
}

/// Sets of rows being made.
struct Sets {
    /// How many words hold a bit for each row.
    width: usize,
    bits: Vec<(u32, u64)>,
}

impl Sets {
    fn whole(&self, rows: &[bool]) -> Box<[u64]> {
        let mut words = vec![0; self.width];
        for (at, _) in rows.iter().enumerate().filter(|(_, holds)| **holds) {
            if let Some(word) = words.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
        }
        words.into()
    }

    /// Keeps what is not nothing of a set.
    fn part(&mut self, rows: &[bool]) -> Part {
        let from = self.bits.len() as u32;
        let words = self.whole(rows);
        let words = words.iter().enumerate().filter(|(_, word)| **word != 0);
        self.bits.extend(words.map(|(at, word)| (at as u32, *word)));
        Part { from, to: self.bits.len() as u32 }
    }
}

impl<'b> Build<'b> {
    fn check(&self, op: usize) -> Option<&'b Check> {
        self.code.ops.get(op).map(|op| &op.check)
    }

    /// The ways through a candidate, and whether they are all there is to it.
    fn ways(&self, candidate: usize) -> Option<(Vec<Way>, bool)> {
        let start = *self.code.starts.get(candidate)? as usize;
        let end = *self.code.starts.get(candidate + 1)? as usize;
        let mut found: Vec<Way> = Vec::new();
        let mut open: Vec<(usize, Way)> = vec![(start, Vec::new())];
        if start == end {
            return Some((vec![Vec::new()], true));
        }
        let mut steps = 0;
        while let Some((at, way)) = open.pop() {
            let op = self.code.ops.get(at)?;
            steps += 1;
            if steps > STEPS || found.len() > WAYS {
                let method = matches!(self.check(start), Some(Check::Method(_)));
                let way = if method { vec![(start, true)] } else { Vec::new() };
                return Some((vec![way], false));
            }
            for (holds, goal) in [false, true].map(|holds| (holds, op.goal(holds))) {
                let longer = || way.iter().copied().chain([(at, holds)]).collect();
                match goal {
                    Goal::Take(taken) if taken as usize == candidate => found.push(longer()),
                    Goal::Op(next) if (next as usize) < end => open.push((next as usize, longer())),
                    Goal::Op(_) | Goal::Take(_) | Goal::Leave => {}
                }
            }
        }
        Some((found, true))
    }

    /// All instructions that a group can ask, by group; and the group of each instruction.
    fn asked(&self) -> (Vec<Asked<'b>>, Vec<Option<usize>>) {
        let mut all: Vec<Asked<'b>> = Vec::new();
        let mut group_of = vec![None; self.code.ops.len()];
        for ((op, of), group_of) in self.code.ops.iter().enumerate().zip(&mut group_of) {
            let Some(key) = self.key(&of.check) else { continue };
            let known = all.iter().position(|asked| asked.key == key);
            let group = known.unwrap_or_else(|| {
                all.push(Asked { key, ops: Vec::new() });
                all.len() - 1
            });
            *group_of = Some(group);
            all.get_mut(group).into_iter().for_each(|asked| asked.ops.push(op));
        }
        (all, group_of)
    }

    fn key(&self, check: &'b Check) -> Option<Key<'b>> {
        let source = check.source()?;
        // What says something else each time it is read is read where the code reads it.
        if matches!(source, Source::Anew(_)) {
            return None;
        }
        Some(match check {
            Check::Equal(..) | Check::OneOf(..) => Key::Text(source),
            Check::Compare(_, Compare::Eq | Compare::Ne, value)
                if matches!(**value, Value::String(_)) =>
            {
                Key::Text(source)
            }
            Check::Compare(_, _, value) => match sort(value) {
                Some(sort) => Key::Number(source, sort),
                None => Key::Check(check),
            },
            Check::Within(_, networks) if networks.v6().is_empty() => Key::Number(source, Sort::V4),
            Check::Lists(..) => Key::List(source),
            check => match looked_for(check).is_empty() {
                true => Key::Check(check),
                false => Key::Holds(source),
            },
        })
    }

    fn slot(&self, source: Source) -> Option<(SlotId, &'b Slot)> {
        let (Source::Slot(id) | Source::Anew(id) | Source::Client(id)) = source else {
            return None;
        };
        Some((id, self.program.slot(id)?))
    }

    /// The slot that somebody may have to wait for.
    fn waits(&self, source: Source) -> Option<SlotId> {
        self.slot(source).filter(|(_, slot)| slot.may_wait()).map(|(id, _)| id)
    }

    /// Every slot that somebody may have to wait for and that no group asks.
    fn probes(&self, is_asked: &[bool]) -> Box<[SlotId]> {
        let mut probes: Vec<SlotId> = Vec::new();
        for (op, is_asked) in self.code.ops.iter().zip(is_asked) {
            match &op.check {
                Check::Symbolic(test, _) => {
                    let read = self.program.reads(test.operands());
                    let slot = |id: &SlotId| self.program.slot(*id);
                    probes
                        .extend(read.into_iter().filter(|id| slot(id).is_none_or(Slot::may_wait)));
                }
                check if !is_asked => {
                    probes.extend(check.source().and_then(|source| self.waits(source)));
                }
                _ => {}
            }
        }
        probes.sort_unstable();
        probes.dedup();
        probes.into()
    }

    /// A group, and what it costs to ask it. What it says for certain is taken from what rows ask besides.
    fn group(
        &self,
        asked: &Asked<'b>,
        own: &[Way],
        rests: &mut [Way],
        sets: &mut Sets,
    ) -> Option<(Group, u32)> {
        let source = asked.ops.first().and_then(|op| self.check(*op)).and_then(Check::source);
        let waits = source.and_then(|source| self.waits(source));
        let made = match (&asked.key, source) {
            (Key::Text(_), Some(source)) => self.text(asked, source, own)?,
            (Key::Number(_, sort), Some(source)) => self.number(asked, *sort, source, own)?,
            (Key::List(_), Some(source)) => self.list(asked, source, own),
            (Key::Holds(_), Some(source)) => self.holds(asked, source, own),
            (Key::Check(check), _) => {
                let asks = How::One(One::Check(*asked.ops.first()? as u32));
                let answers = by_class(own, 2, |_, class| class == 1)?;
                Made { asks, answers, said: own.to_vec(), cost: cost(check) }
            }
            _ => return None,
        };
        let is_trusted = made.said.iter().any(|said| !said.is_empty());
        for (rest, said) in rests.iter_mut().zip(made.said) {
            // Both are in the order of the way.
            let mut said = said.into_iter().peekable();
            rest.retain(|one| said.next_if_eq(one).is_none());
        }
        let Answers { cares, free, alive, dead } = made.answers;
        let asks = match made.asks {
            How::One(one) => {
                let masks = alive.iter().map(|rows| {
                    let alive: Vec<bool> = rows.iter().zip(&free).map(|(a, b)| *a || *b).collect();
                    sets.whole(&alive).into_vec()
                });
                Asks::One(one, masks.flatten().collect())
            }
            How::Many(many) => Asks::Many(
                many,
                Leaves {
                    free: sets.whole(&free),
                    by: alive
                        .iter()
                        .zip(&dead)
                        .map(|(a, d)| (sets.part(a), sets.part(d)))
                        .collect(),
                },
            ),
        };
        let group = Group { asks, cares: sets.whole(&cares), few: 0, is_trusted, waits };
        Some((group, made.cost))
    }

    fn text(&self, asked: &Asked<'b>, source: Source, own: &[Way]) -> Option<Made> {
        let mut texts: Vec<&str> = Vec::new();
        for op in &asked.ops {
            match self.check(*op)? {
                Check::Equal(_, text) => texts.push(text),
                Check::OneOf(_, of) => texts.extend(of.0.iter().map(|text| &**text)),
                Check::Compare(_, _, value) => texts.extend(value.as_str()),
                _ => {}
            }
        }
        texts.sort_unstable();
        texts.dedup();
        let holds = |op, class: usize| {
            // The class behind the last text is that of all others, the one behind it that of no text.
            let text = texts.get(class).copied();
            match self.check(op) {
                Some(Check::Equal(_, one)) => text == Some(&**one),
                Some(Check::OneOf(_, of)) => text.is_some_and(|text| of.hold(text)),
                Some(Check::Compare(_, how, value)) => match how {
                    Compare::Eq => text == value.as_str(),
                    _ => class <= texts.len() && text != value.as_str(),
                },
                _ => false,
            }
        };
        let answers = by_class(own, texts.len() + 2, holds)?;
        let asks = How::One(One::Text(source, Words::new(&texts), texts.len() as u32));
        Some(Made { asks, answers, said: own.to_vec(), cost: reading(source) + 40 })
    }

    fn number(&self, asked: &Asked<'b>, sort: Sort, source: Source, own: &[Way]) -> Option<Made> {
        let mut starts: Vec<i64> = Vec::new();
        for op in &asked.ops {
            match self.check(*op)? {
                Check::Compare(_, _, value) => {
                    let at = sort.number(value)?;
                    starts.extend([Some(at), at.checked_add(1)].into_iter().flatten());
                }
                Check::Within(_, networks) => {
                    for (first, last) in networks.v4() {
                        starts.extend([i64::from(*first), i64::from(*last) + 1]);
                    }
                }
                _ => {}
            }
        }
        starts.sort_unstable();
        starts.dedup();
        let holds = |op, class: usize| {
            // The number at which the interval begins stands for it; the class behind the last is that of no number.
            let number = match class.checked_sub(1) {
                None => starts.first().map(|first| first.saturating_sub(1)),
                Some(before) => starts.get(before).copied(),
            };
            let Some(value) = number.and_then(|number| sort.value(number)) else { return false };
            match (self.check(op), &value) {
                (Some(Check::Compare(_, how, with)), value) => ops::compare(*how, value, with),
                (Some(Check::Within(_, networks)), Value::Ip(address)) => networks.hold(address),
                _ => false,
            }
        };
        let answers = by_class(own, starts.len() + 2, holds)?;
        let asks = How::One(One::Number(source, sort, starts.into()));
        Some(Made { asks, answers, said: own.to_vec(), cost: reading(source) + 30 })
    }

    fn list(&self, asked: &Asked<'b>, source: Source, own: &[Way]) -> Made {
        let text = |op: usize| match self.check(op) {
            Some(Check::Lists(_, text)) => Some(&**text),
            _ => None,
        };
        let mut texts: Vec<&str> = asked.ops.iter().filter_map(|op| text(*op)).collect();
        texts.sort_unstable();
        texts.dedup();
        let number = |op: usize| text(op).and_then(|text| texts.binary_search(&text).ok());
        let mut answers = Answers::none(own.len(), texts.len());
        let mut said = Vec::with_capacity(own.len());
        for (row, own) in own.iter().enumerate() {
            let needed = own.iter().find(|(_, holds)| *holds).and_then(|(op, _)| number(*op));
            if let Some(needed) = needed {
                answers.free(row, false);
                answers.lives(row, needed);
            }
            // One thing that the list must hold has its set; of more the row asks.
            let is_said = |(op, holds): &(usize, bool)| !holds || number(*op) == needed;
            said.push(own.iter().copied().filter(is_said).collect());
            for (op, _) in own.iter().filter(|(_, holds)| !*holds) {
                number(*op).into_iter().for_each(|number| answers.dies(row, number));
            }
        }
        Made {
            asks: How::Many(Many::List(source, Words::new(&texts))),
            answers,
            said,
            cost: reading(source) + 160,
        }
    }

    fn holds(&self, asked: &Asked<'b>, source: Source, own: &[Way]) -> Made {
        let needs: Vec<Vec<AnyOf>> =
            asked.ops.iter().filter_map(|op| self.check(*op)).map(looked_for).collect();
        let (windows, numbers) = Windows::choose(&needs);
        let n_numbers = numbers.iter().flatten().map(|number| number + 1).max().unwrap_or(0);
        let mut answers = Answers::none(own.len(), n_numbers as usize);
        for (row, own) in own.iter().enumerate() {
            let place = |op: usize| asked.ops.binary_search(&op).ok();
            let needed = own.iter().filter(|(_, holds)| *holds).filter_map(|(op, _)| place(*op));
            let mut needed = needed.filter_map(|place| numbers.get(place));
            if let Some(numbers) = needed.find(|numbers| !numbers.is_empty()) {
                answers.free(row, false);
                numbers.iter().for_each(|number| answers.lives(row, *number as usize));
            }
        }
        let passes = if windows.has_short() { 2 } else { 1 };
        Made {
            asks: How::Many(Many::Holds(source, windows)),
            answers,
            // What is found is a reason to ask.
            said: vec![Way::new(); own.len()],
            cost: reading(source) + 250 * passes,
        }
    }

    /// What the code is expected to take.
    fn cost(&self) -> u32 {
        let candidates = self.code.starts.windows(2).map(|ends| match ends {
            [start, end] => {
                let ops = (*start as usize..*end as usize).filter_map(|op| self.check(op));
                ops.take(8).enumerate().map(|(at, check)| cost(check) >> at).sum()
            }
            _ => 0,
        });
        candidates.sum()
    }
}

struct Made {
    asks: How,
    answers: Answers,
    /// What of each row it says for certain.
    said: Vec<Way>,
    cost: u32,
}

enum How {
    One(One),
    Many(Many),
}

/// What becomes of each row, by answer.
struct Answers {
    cares: Vec<bool>,
    free: Vec<bool>,
    alive: Vec<Vec<bool>>,
    dead: Vec<Vec<bool>>,
}

impl Answers {
    /// No row depends on anything yet.
    fn none(n_rows: usize, n_answers: usize) -> Answers {
        let nothing = vec![vec![false; n_rows]; n_answers];
        Answers {
            cares: vec![false; n_rows],
            free: vec![true; n_rows],
            alive: nothing.clone(),
            dead: nothing,
        }
    }

    fn free(&mut self, row: usize, is_free: bool) {
        if let (Some(free), Some(cares)) = (self.free.get_mut(row), self.cares.get_mut(row)) {
            *free = is_free;
            *cares = true;
        }
    }

    fn lives(&mut self, row: usize, answer: usize) {
        if let Some(alive) = self.alive.get_mut(answer).and_then(|rows| rows.get_mut(row)) {
            *alive = true;
        }
    }

    fn dies(&mut self, row: usize, answer: usize) {
        if let Some(dead) = self.dead.get_mut(answer).and_then(|rows| rows.get_mut(row)) {
            *dead = true;
        }
        if let Some(cares) = self.cares.get_mut(row) {
            *cares = true;
        }
    }
}

/// What becomes of each row where there is one answer: `holds` says what an instruction makes of it. `None` if there are
/// too many answers.
fn by_class(
    own: &[Way],
    n_classes: usize,
    holds: impl Fn(usize, usize) -> bool,
) -> Option<Answers> {
    if n_classes * own.len() > ANSWERS {
        return None;
    }
    let mut answers = Answers::none(own.len(), n_classes);
    for (row, own) in own.iter().enumerate().filter(|(_, own)| !own.is_empty()) {
        answers.free(row, false);
        for class in 0..n_classes {
            if own.iter().all(|(op, wanted)| holds(*op, class) == *wanted) {
                answers.lives(row, class);
            }
        }
    }
    Some(answers)
}

/// What of a text can be looked for, if a check needs some.
fn looked_for(check: &Check) -> Vec<AnyOf> {
    match check {
        Check::Begins(_, text) | Check::Ends(_, text) | Check::Contains(_, text) => of_text(text),
        Check::Matches(_, fit) => needs(fit.pattern().0.as_str()),
        _ => Vec::new(),
    }
}

/// Instructions that a check takes.
fn cost(check: &Check) -> u32 {
    match check {
        Check::Method(_) => 20,
        Check::Symbolic(..) => 200,
        Check::Matches(source, _) => reading(*source) + 250,
        Check::Contains(source, _) => reading(*source) + 100,
        Check::Lists(source, _) => reading(*source) + 40,
        check => 20 + check.source().map_or(0, reading),
    }
}

/// Instructions that it takes to come to what a source says.
fn reading(source: Source) -> u32 {
    match source {
        Source::Host | Source::Path | Source::Method | Source::Client(_) => 5,
        Source::Segment(_) | Source::Integer(_) => 40,
        Source::Slot(_) | Source::Anew(_) => 25,
    }
}

fn sort(value: &Value) -> Option<Sort> {
    let sort = match value {
        Value::Int(_) => Sort::Int,
        Value::Time(_) => Sort::Time,
        Value::Status(_) => Sort::Status,
        Value::Size(_) => Sort::Size,
        _ => return None,
    };
    sort.number(value).map(|_| sort)
}

impl Sort {
    fn value(self, number: i64) -> Option<Value> {
        Some(match self {
            Sort::Int => Value::Int(number),
            Sort::Time => Value::Time(number),
            Sort::Status => Value::Status(u16::try_from(number).ok()?),
            Sort::Size => Value::Size(u64::try_from(number).ok()?),
            Sort::V4 => Value::Ip(Ipv4Addr::from_bits(u32::try_from(number).ok()?).into()),
        })
    }
}
