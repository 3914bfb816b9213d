//! Patterns over the whole path, segment by segment: where a segment leads a pattern is all that matters of it to what
//! follows, so segments are told apart by that, and so is what stands behind the last one that has a field of its own.

use std::collections::{BTreeSet, HashMap};

use lang::Value;

use super::automata::{Apart, At, Pattern};
use super::cut;
use super::diagram::{Diagram, Set, Undecided};
use super::patience::Patience;
use super::test::Test;

/// The most places at which patterns may stand before a segment.
const MOST: usize = 4_000;

/// The most places together with segments they are led by.
const WORK: usize = 4_000_000;

/// Patterns on their way over the segments of a path.
pub(super) struct Patterns {
    /// Each with the number of its atom.
    all: Vec<(usize, Pattern)>,
    /// Where they may stand before the next segment, where it still matters what follows.
    live: BTreeSet<(usize, At)>,
    /// The fields of the segments so far, and last of what is behind them: number and samples.
    fields: Vec<(usize, Vec<Value>)>,
}

/// The one path without a segment: that of `OPTIONS *`.
const ASTERISK: &str = "*";

/// The classes of whole paths for which a test holds.
pub(super) fn holding(test: &Test, samples: &[Value]) -> Vec<u32> {
    let asterisk = Value::string(ASTERISK);
    let path =
        |sample: &'_ Value| if sample.is_absent() { asterisk.clone() } else { sample.clone() };
    let classes = (0..).zip(samples).filter(|(_, sample)| test.holds(&path(sample)));
    classes.map(|(class, _)| class).collect()
}

impl Patterns {
    /// Before the first segment. `None` if one of them is too large.
    pub(super) fn new(patterns: Vec<(usize, String)>, patience: &Patience) -> Option<Patterns> {
        let mut all = Vec::with_capacity(patterns.len());
        let mut live = BTreeSet::new();
        for (number, (atom, pattern)) in patterns.into_iter().enumerate() {
            let pattern = patience.pattern(&pattern)?;
            live.insert((number, pattern.start()?));
            all.push((atom, pattern));
        }
        let mut patterns = Patterns { all, live, fields: Vec::new() };
        patterns.settle()?;
        Some(patterns)
    }

    /// How the next segment must be told apart. `None` if that cannot be said.
    pub(super) fn apart(&self) -> Option<Vec<Apart>> {
        let mut apart = BTreeSet::new();
        for (number, at) in &self.live {
            let (_, pattern) = self.all.get(*number)?;
            let at = pattern.step(*at, b'/');
            if !pattern.is_settled(at) {
                apart.insert((*number, at));
            }
        }
        let apart = apart.into_iter().filter_map(|(number, at)| {
            self.all.get(number).map(|(_, pattern)| Apart::Led(pattern.clone(), at))
        });
        Some(apart.collect())
    }

    /// Goes on behind a segment whose field was cut so. `None` if there are too many places to stand.
    pub(super) fn advance(&mut self, field: usize, samples: &[Value]) -> Option<()> {
        if self.live.len().saturating_mul(samples.len()) > WORK {
            return None;
        }
        let mut live = BTreeSet::new();
        for (number, at) in &self.live {
            let (_, pattern) = self.all.get(*number)?;
            let before = pattern.step(*at, b'/');
            for text in samples.iter().filter_map(Value::as_str).filter(|text| !text.is_empty()) {
                live.insert((*number, pattern.run(before, text)));
            }
        }
        self.live = live;
        self.fields.push((field, samples.to_vec()));
        self.settle()
    }

    /// The classes of what stands behind the segments. `None` if that takes too long to find out.
    pub(super) fn rest(&mut self, field: usize, patience: &Patience) -> Option<Vec<Value>> {
        let from = |(number, at): &(usize, At)| {
            self.all.get(*number).map(|(_, pattern)| Apart::TakenFrom(pattern.clone(), *at))
        };
        let apart: Vec<Apart> = self.live.iter().filter_map(from).collect();
        let samples = cut::rest(&apart, patience)?;
        if self.live.len().saturating_mul(samples.len()) > WORK {
            return None;
        }
        self.fields.push((field, samples.clone()));
        Some(samples)
    }

    /// For each atom the requests whose path its pattern takes.
    pub(super) fn sets(&self, diagram: &mut Diagram) -> Result<Vec<(usize, Set)>, Undecided> {
        let mut sets = Vec::with_capacity(self.all.len());
        for (atom, pattern) in &self.all {
            let start = pattern.start().ok_or(Undecided)?;
            let set = self.set(diagram, pattern, 0, start, &mut HashMap::new())?;
            sets.push((*atom, set));
        }
        Ok(sets)
    }

    /// The requests whose path goes on from this place so that the pattern, which stands here, takes it.
    fn set(
        &self,
        diagram: &mut Diagram,
        pattern: &Pattern,
        place: usize,
        at: At,
        memo: &mut HashMap<(usize, At), Set>,
    ) -> Result<Set, Undecided> {
        let ended = |at: At| -> Result<Set, Undecided> {
            Ok(if pattern.takes(at).ok_or(Undecided)? { Set::ALL } else { Set::NONE })
        };
        if pattern.is_settled(at) {
            return ended(at);
        }
        if let Some(known) = memo.get(&(place, at)) {
            return Ok(*known);
        }
        let (field, samples) = self.fields.get(place).ok_or(Undecided)?;
        let is_rest = place + 1 == self.fields.len();
        let mut sets = Vec::with_capacity(samples.len());
        for sample in samples {
            let led = |from: At, text: &str| pattern.run(from, text);
            sets.push(match sample.as_str() {
                None if place == 0 => ended(led(at, ASTERISK))?,
                None => ended(at)?,
                Some(text) if is_rest => ended(led(at, text))?,
                Some("") => ended(led(at, "/"))?,
                Some(text) => {
                    let at = led(led(at, "/"), text);
                    self.set(diagram, pattern, place + 1, at, memo)?
                }
            });
        }
        let set = diagram.split(*field, &sets)?;
        memo.insert((place, at), set);
        Ok(set)
    }

    fn settle(&mut self) -> Option<()> {
        let all = &self.all;
        self.live.retain(|(number, at)| {
            all.get(*number).is_some_and(|(_, pattern)| !pattern.is_settled(*at))
        });
        (self.live.len() <= MOST).then_some(())
    }
}
