//! Claims that hang on inputs, decided for what these are by default: an example is made of the defaults, and a claim that
//! holds with them is proved so far. Whoever binds inputs otherwise proves it again.

use std::collections::{BTreeMap, BTreeSet};

use lang::policy::{Assert, Host, InputId};

use super::basis::{Basis, Known, plain};
use super::claims::Asked;
use super::outcome::{Outcome, one};
use super::search::Why;

/// How often inputs on which a claim turns out to hang are bound, before all are.
const MOST: usize = 4;

/// What has been bound so far.
pub(super) struct Defaults<'b, 'p> {
    basis: &'b Basis<'p>,
    /// With the defaults of these inputs, or of all.
    bound: BTreeMap<Option<BTreeSet<InputId>>, (Basis<'p>, Known)>,
    /// With the defaults of all, and what is made up for the rest.
    made_up: Option<(Basis<'p>, Known)>,
}

impl<'b, 'p> Defaults<'b, 'p> {
    pub(super) fn of(basis: &'b Basis<'p>) -> Defaults<'b, 'p> {
        Defaults { basis, bound: BTreeMap::new(), made_up: None }
    }

    /// What comes of a claim that is undecided for the reason `why` while inputs may be anything, if defaults decide it.
    pub(super) fn decide(
        &mut self,
        assert: &Assert,
        claims: &(Asked, Asked),
        within: Option<&[Host]>,
        why: &Why,
    ) -> Option<Outcome> {
        let mut why = why.clone();
        let mut some = BTreeSet::new();
        for _ in 0..MOST {
            let Why::Opaque { inputs, .. } = &why else { break };
            let before = some.len();
            some.extend(inputs.iter().copied().filter(|id| self.has_default(*id)));
            if some.len() == before {
                break;
            }
            match self.with(Some(&some), assert, claims, within) {
                Outcome::Undecided(_, next) => why = next,
                // With the others at their defaults an example says what all are.
                Outcome::Refuted(_) => break,
                _ => return self.proved(assert, &some),
            }
        }
        match self.with(None, assert, claims, within) {
            Outcome::Refuted(diag) => return Some(Outcome::Refuted(diag)),
            Outcome::Holds(_) => {
                let inputs = 0..self.basis.program.inputs.len() as u32;
                let all = inputs.map(InputId).filter(|id| self.has_default(*id)).collect();
                return self.proved(assert, &all);
            }
            _ => {}
        }
        // Whoever says why it may stand knows what the inputs are.
        if assert.unproved.is_some()
            || self.basis.program.inputs.iter().all(|i| i.default.is_some())
        {
            return None;
        }
        let basis = self.basis;
        let (made_up, known) = self.made_up.get_or_insert_with(|| {
            let value =
                |input: &lang::policy::Input| input.default.clone().or_else(|| plain(&input.ty));
            (basis.bound(value), Known::default())
        });
        let outcome = one(made_up, assert, claims, within, known);
        matches!(outcome, Outcome::Refuted(_)).then_some(outcome)
    }

    /// What comes of a claim with the defaults of some inputs, or of all.
    fn with(
        &mut self,
        some: Option<&BTreeSet<InputId>>,
        assert: &Assert,
        claims: &(Asked, Asked),
        within: Option<&[Host]>,
    ) -> Outcome {
        let basis = self.basis;
        let (bound, known) = self.bound.entry(some.cloned()).or_insert_with(|| {
            let is_meant = |name: &str| {
                let at = basis.program.inputs.iter().position(|input| *input.name == *name);
                some.is_none_or(|some| at.is_some_and(|at| some.contains(&InputId(at as u32))))
            };
            let value = |input: &lang::policy::Input| {
                input.default.clone().filter(|_| is_meant(&input.name))
            };
            (basis.bound(value), Known::default())
        });
        one(bound, assert, claims, within, known)
    }

    fn has_default(&self, id: InputId) -> bool {
        let input = self.basis.program.inputs.get(id.0 as usize);
        input.is_some_and(|input| input.default.is_some())
    }

    /// That it holds with the defaults of these. Where it may stand without a proof, nothing is to be said of that.
    fn proved(&self, assert: &Assert, some: &BTreeSet<InputId>) -> Option<Outcome> {
        if assert.unproved.is_some() {
            return None;
        }
        let said = some.iter().filter_map(|id| {
            let input = self.basis.program.inputs.get(id.0 as usize)?;
            Some(format!("{} = {}", input.name, input.default.as_ref()?))
        });
        Some(Outcome::ByDefault(said.collect::<Vec<_>>().join(" and ")))
    }
}
