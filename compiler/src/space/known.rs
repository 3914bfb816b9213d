//! What expressions come to where everything they read has a value that somebody names: that is computed, so that nothing
//! about it is unknown there.

use std::collections::{BTreeMap, HashSet};

use lang::Value;
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;

use super::formula::Formula;
use super::reading::Cut;
use super::term::{AtomId, Term};
use super::test::Test;
use crate::frame::{Fill, Frame, Read, SlotId};
use crate::interp::Interp;
use crate::program::Expr;

/// The most ways to give values to what one expression reads.
const MOST: usize = 64;

/// The most of all expressions together.
const MOST_ALL: usize = 4_000;

/// The most steps of computing all of them.
const STEPS: u64 = 500_000;

/// Slots with their values, and absence otherwise.
struct Named<'n>(&'n [(SlotId, Value)]);

impl Fill for Named<'_> {
    fn fill(&self, id: SlotId) -> Read<'_> {
        let named = self.0.iter().find(|(slot, _)| *slot == id);
        Read::Value(named.map(|(_, value)| value.clone()).unwrap_or_default())
    }

    fn path(&self) -> &str {
        ""
    }
}

impl Cut<'_> {
    /// For each computed field and all named values that it is computed of: what is true of it.
    pub(super) fn facts(&mut self) -> Vec<Formula> {
        let mut computed: BTreeMap<ExprId, Vec<u32>> = BTreeMap::new();
        for (at, atom) in (0..).zip(&self.atoms) {
            if let Term::Computed(id, 0) = atom.term {
                computed.entry(id).or_default().push(at);
            }
        }
        let mut facts = Vec::new();
        let mut steps: u64 = 0;
        for (id, atoms) in computed {
            let ways = self.ways(id).unwrap_or_default();
            if facts.len() + ways.len() > MOST_ALL {
                break;
            }
            steps =
                steps.saturating_add(self.constants.steps(id).saturating_mul(ways.len() as u64));
            if steps > STEPS {
                break;
            }
            for way in ways {
                let Some(value) = self.computed(id, &way) else { continue };
                let mut all = Vec::with_capacity(atoms.len());
                for at in &atoms {
                    let Some(atom) = self.atoms.get(*at as usize) else { continue };
                    let holds = atom.test.holds(&value);
                    let atom = Formula::Atom(AtomId(*at));
                    all.push(if holds { atom } else { atom.not() });
                }
                let here: Vec<Formula> = way
                    .iter()
                    .map(|(slot, value)| self.is(Term::of(self.program, *slot), value))
                    .collect();
                facts.push(Formula::any(vec![Formula::all(here).not(), Formula::all(all)]));
            }
        }
        facts
    }

    /// Every way to give named values to all that an expression reads. `None` if there is something else to it.
    fn ways(&self, id: ExprId) -> Option<Vec<Vec<(SlotId, Value)>>> {
        let mut slots = Vec::new();
        let mut seen = HashSet::new();
        let (mut items, mut locals) = (HashSet::new(), Vec::new());
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if self.constants.get(id).is_some() || !seen.insert(id) {
                continue;
            }
            let expr = self.program.expr(id);
            match expr {
                Expr::Slot(slot) => slots.push(*slot),
                Expr::Local(local) => locals.push(*local),
                Expr::Quantified(_, item, ..) => drop(items.insert(*item)),
                Expr::Capture(_) | Expr::Input(_) => return None,
                _ => {}
            }
            expr.each_operand(&mut |operand| open.push(operand));
        }
        if locals.iter().any(|local| !items.contains(local)) {
            return None;
        }
        let mut ways: Vec<Vec<(SlotId, Value)>> = vec![Vec::new()];
        for slot in slots {
            let named = self.named(slot)?;
            if ways.len() * named.len() > MOST {
                return None;
            }
            let with = |way: &Vec<(SlotId, Value)>, value: &Value| {
                way.iter().cloned().chain([(slot, value.clone())]).collect()
            };
            ways = ways.iter().flat_map(|way| named.iter().map(|v| with(way, v))).collect();
        }
        Some(ways)
    }

    /// The values of a slot that are asked for by name, and absence where that is asked for.
    fn named(&self, slot: SlotId) -> Option<Vec<Value>> {
        let asked = self.program.slot(slot)?;
        if !asked.stable || *asked.field == *CLAIMS.path || &*asked.field == "req.path" {
            return None;
        }
        let term = Term::of(self.program, slot);
        let mut named: Vec<Value> = Vec::new();
        for atom in self.atoms.iter().filter(|atom| atom.term == term && atom.kind.is_none()) {
            match &atom.test {
                Test::Present => named.push(Value::Absent),
                test => named.extend(test.points().unwrap_or_default().into_iter().cloned()),
            }
            if named.len() > MOST {
                return None;
            }
        }
        named.sort_unstable();
        named.dedup();
        Some(named)
    }

    fn computed(&self, id: ExprId, way: &[(SlotId, Value)]) -> Option<Value> {
        let Cut { program, constants, .. } = *self;
        let frame = Frame::new();
        Interp { program, constants, frame: &frame, fill: &Named(way) }.value(id).ok()
    }
}
