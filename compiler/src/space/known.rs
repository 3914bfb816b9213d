//! What expressions come to where everything they read has a value that somebody names: that is computed, so that nothing
//! about it is unknown there.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use lang::policy::{Compare, LocalId};
use lang::segment::Segments;
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;
use lang::{Ty, Value};

use super::formula::{Captures, Formula, Place};
use super::identity::{claim, token};
use super::reading::{Cut, Lets};
use super::term::{AtomId, Term};
use super::test::Test;
use crate::frame::{Fill, Frame, Read, SlotId};
use crate::interp::Interp;
use crate::program::{Expr, named};

/// The most ways to give values to what one expression reads.
const MOST: usize = 256;

/// The most of all expressions together.
const MOST_ALL: usize = 4_000;

/// The most names that stand for something in one expression.
const MOST_LETS: usize = 64;

/// The most steps of computing all of them.
const STEPS: u64 = 500_000;

/// What an expression reads.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Reading {
    Slot(SlotId),
    /// What a path captures: its name, the place of the segment, and the kind.
    Capture(Arc<str>, usize, Segments),
    /// A claim of whoever asks: the slot of an auth's claims, and the claim's name.
    Claim(SlotId, Arc<str>),
}

/// Values for all that an expression reads.
pub(super) type Way = Vec<(Reading, Value)>;

/// What is read with its values, and absence otherwise.
pub(super) struct Named<'n>(pub(super) &'n Way);

impl Fill for Named<'_> {
    fn fill(&self, id: SlotId) -> Read<'_> {
        let mut claims = BTreeMap::new();
        for (reading, value) in self.0.iter().filter(|(_, value)| !value.is_absent()) {
            match reading {
                Reading::Slot(slot) if *slot == id => return Read::Value(value.clone()),
                Reading::Claim(slot, name) if *slot == id => {
                    claims.insert(name.clone(), value.clone());
                }
                _ => {}
            }
        }
        Read::Value(match claims.is_empty() {
            true => Value::Absent,
            false => Value::Map(Arc::new(claims)),
        })
    }

    fn path(&self) -> &str {
        ""
    }
}

impl Cut<'_> {
    /// For each computed field and all named values that it is computed of: what is true of it.
    pub(super) fn facts(&mut self) -> Vec<Formula> {
        let mut computed: BTreeMap<(ExprId, u32), Vec<u32>> = BTreeMap::new();
        for (at, atom) in (0..).zip(&self.atoms) {
            if let Term::Computed(id, place) = atom.term {
                computed.entry((id, place)).or_default().push(at);
            }
        }
        let mut facts = Vec::new();
        let mut steps: u64 = 0;
        for ((id, place), atoms) in computed {
            let truth = atoms.iter().copied().find(|at| {
                self.atoms.get(*at as usize).is_some_and(|atom| matches!(atom.test, Test::True))
            });
            if let Some(truth) = truth {
                facts.extend(self.sides(id, place, &Formula::Atom(AtomId(truth))));
            }
            let Some(lets) = self.lets(place) else { continue };
            let ways = self.ways(id, &lets, place).unwrap_or_default();
            if facts.len() + ways.len() > MOST_ALL {
                break;
            }
            let each = [id].into_iter().chain(lets.iter().map(|(_, value)| *value));
            let each = each.fold(0_u64, |sum, id| sum.saturating_add(self.constants.steps(id)));
            steps = steps.saturating_add(each.saturating_mul(ways.len() as u64));
            if steps > STEPS {
                break;
            }
            for way in ways {
                let Some(value) = self.computed(id, &lets, &way) else { continue };
                let mut all = Vec::with_capacity(atoms.len());
                for at in &atoms {
                    let Some(atom) = self.atoms.get(*at as usize) else { continue };
                    let holds = atom.test.holds(&value);
                    let atom = Formula::Atom(AtomId(*at));
                    all.push(if holds { atom } else { atom.not() });
                }
                let here = way.iter().map(|(reading, value)| self.reads(reading, value)).collect();
                facts.push(Formula::any(vec![Formula::all(here).not(), Formula::all(all)]));
            }
        }
        facts
    }

    /// What is true of a comparison for being equal or not, for each named value of a side that is one reading: it says
    /// there whether the other side is that.
    fn sides(&mut self, id: ExprId, place: u32, truth: &Formula) -> Vec<Formula> {
        let Expr::Compare(how @ (Compare::Eq | Compare::Ne), a, b) = self.program.expr(id) else {
            return Vec::new();
        };
        let (how, a, b) = (*how, *a, *b);
        let Some(place) = self.place(place) else { return Vec::new() };
        let env = place.env();
        let mut facts = Vec::new();
        for (one, other) in [(a, b), (b, a)] {
            let Some(reading) = self.reading(one, env.captures) else { continue };
            for value in self.named(&reading).unwrap_or_default() {
                if value.is_absent() {
                    continue;
                }
                let here = self.reads(&reading, &value);
                let is = self.ask(other, &Test::Compare(Compare::Eq, value), env);
                let says = match how {
                    Compare::Eq => is,
                    _ => Formula::all(vec![self.ask(other, &Test::Present, env), is.not()]),
                };
                let same = Formula::any(vec![
                    Formula::all(vec![truth.clone(), says.clone()]),
                    Formula::all(vec![truth.clone().not(), says.not()]),
                ]);
                facts.push(Formula::any(vec![here.not(), same]));
            }
        }
        facts
    }

    /// What names mean where an expression stands in this place.
    fn place(&self, place: u32) -> Option<Place> {
        match place.checked_sub(1) {
            None => Some(Place::default()),
            Some(place) => self.places.get(place as usize).cloned(),
        }
    }

    /// What an expression reads, if it is nothing but that.
    pub(super) fn reading(&self, id: ExprId, captures: &Captures) -> Option<Reading> {
        match self.program.expr(id) {
            Expr::Slot(slot) => Some(Reading::Slot(*slot)),
            Expr::Capture(name) => {
                let (_, at, kind) = captures.iter().find(|(captured, ..)| captured == name)?;
                Some(Reading::Capture(name.clone(), *at, kind.clone()))
            }
            Expr::Member(base, name) => {
                Some(Reading::Claim(token(self.program, *base)?, name.clone()))
            }
            _ => None,
        }
    }

    /// The requests of which this reading is this value.
    pub(super) fn reads(&mut self, reading: &Reading, value: &Value) -> Formula {
        match reading {
            Reading::Slot(slot) => self.is(Term::of(self.program, *slot), value),
            Reading::Capture(_, place, kind) => {
                let test = Test::Compare(Compare::Eq, value.clone());
                self.atom(Term::Segment(*place), Some(kind.clone()), test)
            }
            Reading::Claim(slot, name) => {
                let there = self.atom(Term::Slot(*slot), None, Test::Present);
                let claim = Term::Claim(*slot, name.clone());
                let is = match value.is_absent() && !self.is_optional(*slot, name) {
                    true => Formula::Always(false),
                    false => self.is(claim, value),
                };
                match value.is_absent() {
                    true => Formula::any(vec![there.not(), is]),
                    false => Formula::all(vec![there, is]),
                }
            }
        }
    }

    /// Whether a token need not say this claim.
    fn is_optional(&self, slot: SlotId, name: &str) -> bool {
        let of = self.program.slot(slot);
        of.and_then(|of| claim(&of.ty, name)).is_none_or(Ty::is_optional)
    }

    /// What names stand for in this place, each behind those that it is computed of. `None` if they have no such order,
    /// or are too many.
    fn lets(&self, place: u32) -> Option<Lets> {
        let mut lets = self.place(place)?.lets;
        lets.sort_unstable();
        lets.dedup();
        let is_before = |at: usize| {
            let (before, behind) = lets.split_at(at);
            let [(_, value), ..] = behind else { return true };
            self.program.walk([*value], &[]).all(|(_, expr)| match expr {
                Expr::Local(local) => {
                    named(behind, *local).is_none() || named(before, *local).is_some()
                }
                _ => true,
            })
        };
        (lets.len() <= MOST_LETS && (0..lets.len()).all(is_before)).then_some(lets)
    }

    /// Every way to give named values to all that an expression reads, where it stands in this place. `None` if there is
    /// something else to it.
    fn ways(&self, id: ExprId, lets: &[(LocalId, ExprId)], place: u32) -> Option<Vec<Way>> {
        let captures = &self.place(place)?.captures;
        let mut readings = Vec::new();
        let mut seen = HashSet::new();
        let (mut items, mut locals) = (HashSet::new(), Vec::new());
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if self.constants.get(id).is_some() || !seen.insert(id) {
                continue;
            }
            let expr = self.program.expr(id);
            if let Some(reading) = self.reading(id, captures) {
                readings.push(reading);
                continue;
            }
            match expr {
                Expr::Capture(_) => return None,
                Expr::Local(local) => match named(lets, *local) {
                    Some(value) => open.push(value),
                    None => locals.push(*local),
                },
                Expr::Quantified(_, item, ..) => drop(items.insert(*item)),
                Expr::Input(_) => return None,
                _ => {}
            }
            expr.each_operand(&mut |operand| open.push(operand));
        }
        if locals.iter().any(|local| !items.contains(local)) {
            return None;
        }
        let mut ways: Vec<Way> = vec![Vec::new()];
        for reading in readings {
            let named = self.named(&reading)?;
            if ways.len() * named.len() > MOST {
                return None;
            }
            let with = |way: &Way, value: &Value| {
                way.iter().cloned().chain([(reading.clone(), value.clone())]).collect()
            };
            ways = ways.iter().flat_map(|way| named.iter().map(|v| with(way, v))).collect();
        }
        Some(ways)
    }

    /// The values of a reading that are asked for by name, and absence where that is asked for.
    fn named(&self, reading: &Reading) -> Option<Vec<Value>> {
        let mut named = match reading {
            Reading::Slot(slot) => self.named_of(*slot)?,
            Reading::Capture(_, place, kind) => self.captured(*place, kind),
            Reading::Claim(slot, name) => self.claimed(*slot, name),
        };
        named.sort_unstable();
        named.dedup();
        (named.len() <= MOST).then_some(named)
    }

    fn named_of(&self, slot: SlotId) -> Option<Vec<Value>> {
        let asked = self.program.slot(slot)?;
        if !asked.stable || *asked.field == *CLAIMS.path || &*asked.field == "req.path" {
            return None;
        }
        Some(self.points(&Term::of(self.program, slot)))
    }

    /// A token that nobody is known by has no claims.
    fn claimed(&self, slot: SlotId, name: &Arc<str>) -> Vec<Value> {
        let mut named = self.points(&Term::Claim(slot, name.clone()));
        named.push(Value::Absent);
        named
    }

    fn captured(&self, place: usize, kind: &Segments) -> Vec<Value> {
        let mut texts: Vec<Arc<str>> = Vec::new();
        for atom in self.atoms.iter().filter(|atom| atom.term == Term::Segment(place)) {
            match (&atom.kind, &atom.test) {
                (None, Test::Segment(of)) => {
                    texts.extend(of.words().unwrap_or_default().iter().cloned());
                }
                (Some(_), test) => {
                    let points = test.points().unwrap_or_default().into_iter();
                    texts.extend(points.map(|point| match point {
                        Value::String(text) => text.clone(),
                        number => Arc::from(number.to_string()),
                    }));
                }
                _ => {}
            }
        }
        texts.retain(|text| kind.holds(text));
        texts.iter().map(|text| kind.value(text)).collect()
    }

    /// The values to which the field is compared, and absence where that is asked for.
    fn points(&self, term: &Term) -> Vec<Value> {
        let mut named: Vec<Value> = Vec::new();
        for atom in self.atoms.iter().filter(|atom| atom.term == *term && atom.kind.is_none()) {
            match &atom.test {
                Test::Present => named.push(Value::Absent),
                test => named.extend(test.points().unwrap_or_default().into_iter().cloned()),
            }
        }
        named
    }

    /// What an expression comes to with these values.
    fn computed(&self, id: ExprId, lets: &[(LocalId, ExprId)], way: &Way) -> Option<Value> {
        let Cut { program, constants, .. } = *self;
        let frame = Frame::new();
        let captures = way.iter().filter_map(|(reading, value)| match reading {
            Reading::Capture(name, ..) => Some((name.clone(), value.clone())),
            _ => None,
        });
        frame.set_captures(captures.collect());
        let interp = Interp { program, constants, frame: &frame, fill: &Named(way) };
        for (local, value) in lets {
            frame.set_local(*local, interp.value(*value).ok()?);
        }
        interp.value(id).ok()
    }
}
