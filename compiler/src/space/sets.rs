//! Sets of requests over the fields that were asked, and what there is to know of them: whether there is anything in one,
//! how two lie to each other, and a request that belongs to one.

use std::sync::Arc;

use lang::Value;
use lang::policy::LocalId;
use lang::segment::Relation;
use lang::vocab::ExprId;

use super::diagram::{Diagram, Set, Undecided};
use super::fields::Field;
use super::formula::Formula;
use super::reading::Mirror;
use super::solve::Names;
use super::term::{AtomId, Term};

/// Sets over the fields that were asked.
#[derive(Debug)]
pub(crate) struct Space {
    pub(super) fields: Vec<Field>,
    pub(super) diagram: Diagram,
    pub(super) atoms: Vec<Set>,
    /// What formulas have in common, and the requests of it, once they are known.
    pub(super) shared: Vec<(Arc<Formula>, Option<Set>)>,
    /// What names mean in what is computed.
    pub(super) names: Names,
    /// Every request there can be: behind the end of a path there is nothing, and nobody is known without a token.
    pub(super) possible: Set,
    /// What holds of computed values by what they are computed of.
    pub(super) facts: Set,
}

impl Space {
    /// The requests that a formula takes.
    pub(crate) fn set(&mut self, formula: &Formula) -> Result<Set, Undecided> {
        let set = self.build(formula)?;
        self.diagram.meet(set, self.possible)
    }

    /// The requests of a set that a formula takes.
    pub(crate) fn within(&mut self, set: Set, formula: &Formula) -> Result<Set, Undecided> {
        let taken = self.build(formula)?;
        self.diagram.meet(set, taken)
    }

    /// Whether all that was asked is told by classes of what requests say: nothing stands for itself, nothing is computed.
    pub(crate) fn is_exact(&self) -> bool {
        let is_computed = |field: &Field| matches!(field.term, Term::Computed(..));
        self.fields.iter().all(|field| field.alone.is_none() && !is_computed(field))
    }

    /// The requests in both.
    pub(crate) fn meet(&mut self, a: Set, b: Set) -> Result<Set, Undecided> {
        self.diagram.meet(a, b)
    }

    /// How two sets lie to each other.
    pub(crate) fn relation(&mut self, a: Set, b: Set) -> Result<Relation, Undecided> {
        self.diagram.relation(a, b)
    }

    /// The requests in the first and not in the second.
    pub(crate) fn minus(&mut self, a: Set, b: Set) -> Result<Set, Undecided> {
        self.diagram.minus(a, b)
    }

    /// The requests in one of these.
    pub(crate) fn join_all(&mut self, mut sets: Vec<Set>) -> Result<Set, Undecided> {
        // In pairs, so that no side grows faster than it must.
        while sets.len() > 1 {
            let mut joined = Vec::with_capacity(sets.len().div_ceil(2));
            for pair in sets.chunks(2) {
                joined.push(match pair {
                    [a, b] => self.diagram.join(*a, *b)?,
                    rest => rest.first().copied().unwrap_or(Set::NONE),
                });
            }
            sets = joined;
        }
        Ok(sets.first().copied().unwrap_or(Set::NONE))
    }

    /// Values that make a request belong to the set, as far as it matters. `None` where no request can be made to belong
    /// to it for certain; that does not mean there is none.
    pub(crate) fn witness(&mut self, set: Set) -> Option<Vec<(Term, Value)>> {
        let fields = &self.fields;
        let opaque = |field: usize| fields.get(field).is_none_or(|field| !field.settable);
        let diagram = &mut self.diagram;
        let mut certain = || {
            if self.facts == Set::ALL {
                return diagram.whatever(set, &opaque);
            }
            // Of every request something is computed that fits the facts; nothing else is to be feared.
            let unfit = diagram.negate(self.facts)?;
            let either = diagram.join(set, unfit)?;
            let certain = diagram.whatever(either, &opaque)?;
            let outside = diagram.negate(set)?;
            let never = diagram.whatever(outside, &opaque)?;
            diagram.minus(certain, never)
        };
        let certain = certain().ok()?;
        self.values(certain)
    }

    /// Like [`Space::witness`], but as if computed values could be chosen: a guess, to be replayed.
    pub(crate) fn guess(&self, set: Set) -> Option<Vec<(Term, Value)>> {
        self.values(set)
    }

    /// The fields on which the set hangs and which no request can be made to fit.
    pub(crate) fn computed(&self, set: Set) -> Vec<Term> {
        let fields = self.diagram.support(set).into_iter();
        let fields = fields.filter_map(|field| self.fields.get(field));
        let mut terms: Vec<Term> =
            fields.filter(|field| !field.settable).map(|field| field.term.clone()).collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// What names stand for in what a field computes.
    pub(crate) fn lets(&self, term: &Term) -> &[(LocalId, ExprId)] {
        match term {
            Term::Computed(_, place) => self.names.env(*place).locals,
            _ => &[],
        }
    }

    /// Fields for which the set lies in a few classes, and these.
    pub(crate) fn allowed(&self, set: Set) -> Vec<(usize, Vec<u32>)> {
        let fields = self.diagram.support(set).into_iter();
        fields.filter_map(|field| Some((field, self.diagram.allowed(set, field)?))).collect()
    }

    pub(super) fn values(&self, set: Set) -> Option<Vec<(Term, Value)>> {
        let picked = self.diagram.pick(set)?;
        let values = picked.into_iter().filter_map(|(field, class)| {
            let field = self.fields.get(field).filter(|field| field.settable)?;
            Some((field.term.clone(), field.samples.get(class as usize)?.clone()))
        });
        Some(values.collect())
    }

    pub(super) fn build(&mut self, formula: &Formula) -> Result<Set, Undecided> {
        Ok(match formula {
            Formula::Always(true) => Set::ALL,
            Formula::Always(false) => Set::NONE,
            Formula::Atom(AtomId(at)) => self.atoms.get(*at as usize).copied().ok_or(Undecided)?,
            Formula::Not(inner) => {
                let inner = self.build(inner)?;
                self.diagram.negate(inner)?
            }
            Formula::All(parts) => {
                let mut all = Set::ALL;
                for part in parts {
                    let part = self.build(part)?;
                    all = self.diagram.meet(all, part)?;
                }
                all
            }
            Formula::Any(parts) => {
                let parts: Result<Vec<Set>, Undecided> =
                    parts.iter().map(|part| self.build(part)).collect();
                self.join_all(parts?)?
            }
            Formula::Shared(at) => {
                let (formula, known) = self.shared.get(*at as usize).cloned().ok_or(Undecided)?;
                match known {
                    Some(set) => set,
                    None => {
                        let set = self.build(&formula)?;
                        if let Some((_, known)) = self.shared.get_mut(*at as usize) {
                            *known = Some(set);
                        }
                        set
                    }
                }
            }
        })
    }

    /// The requests in which two fields are in classes of the same sample.
    pub(super) fn same(&mut self, mirror: &Mirror) -> Result<Set, Undecided> {
        let place = |term: &Term| {
            self.fields.iter().position(|field| field.term == *term && field.settable)
        };
        let (Some(one), Some(other)) = (place(&mirror.one), place(&mirror.other)) else {
            return Ok(Set::ALL);
        };
        let samples = |at: usize| self.fields.get(at).map(|field| field.samples.clone());
        let (mine, theirs) = (samples(one).unwrap_or_default(), samples(other).unwrap_or_default());
        let mut alike = vec![self.build(&mirror.unless)?];
        for (class, sample) in (0..).zip(&mine) {
            let Some(at) = theirs.iter().position(|theirs| theirs == sample) else { continue };
            let here = self.diagram.classes(one, &[class])?;
            let there = self.diagram.classes(other, &[at as u32])?;
            alike.push(self.diagram.meet(here, there)?);
        }
        self.join_all(alike)
    }

    /// The paths there can be: an empty segment is the last, and behind the end there is nothing.
    pub(super) fn paths(&mut self) -> Result<Set, Undecided> {
        let segments: Vec<usize> = self
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| {
                matches!(field.term, Term::Segment(_) | Term::Rest(_)) && field.settable
            })
            .map(|(at, _)| at)
            .collect();
        let mut possible = Set::ALL;
        for pair in segments.windows(2) {
            let [before, after] = pair else { continue };
            // The first two classes of a segment are the end and the empty text.
            let ended = self.diagram.classes(*before, &[0, 1])?;
            let nothing = self.diagram.classes(*after, &[0])?;
            let more = self.diagram.minus(ended, nothing)?;
            possible = self.diagram.minus(possible, more)?;
        }
        Ok(possible)
    }
}
