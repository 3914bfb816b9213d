//! What may still be spent on telling requests apart: the more was given up or spent, the less is tried. A policy made to
//! be hard costs seconds so, and what is not decided is said to be.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::automata::{self, Apart, Pattern, SIZE, WORK};

/// So often something is given up before half as much is tried.
const EACH: u32 = 8;

/// At least one part in so many, as a power of two, is always tried.
const LEAST: u32 = 8;

/// So many of the longest walks through automata may be made before only short ones are.
const WALKS: usize = 48;

/// The patience with one policy.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    given_up: Cell<u32>,
    /// Steps of walks through automata.
    walked: Cell<usize>,
    /// Automata by their patterns: many routes ask the same.
    patterns: RefCell<HashMap<String, Option<Pattern>>>,
    /// What came of walks: a condition is asked again where it is asked together with others.
    walks: RefCell<HashMap<Walk, Option<Vec<Arc<str>>>>>,
}

/// What texts are told apart by, among which, and without which.
type Walk = (Vec<Apart>, Pattern, BTreeSet<Arc<str>>);

/// A walk with more texts than so many is not kept.
const KEPT: usize = 1_000;

impl Patience {
    /// What is left of a limit.
    pub(crate) fn limit(&self, most: usize) -> usize {
        most >> (self.given_up.get() / EACH).min(LEAST)
    }

    /// Something was too large.
    pub(crate) fn give_up(&self) {
        self.given_up.set(self.given_up.get().saturating_add(1));
    }

    /// One text of the domain for each way in which texts can be told apart, as [`automata::samples`] finds them.
    pub(super) fn samples(
        &self,
        apart: &[Apart],
        domain: &Option<Pattern>,
        points: &BTreeSet<Arc<str>>,
    ) -> Option<Vec<Arc<str>>> {
        let domain = domain.as_ref()?;
        let walk: Walk = (apart.to_vec(), domain.clone(), points.clone());
        if let Some(known) = self.walks.borrow().get(&walk) {
            if known.is_none() {
                self.give_up();
            }
            return known.clone();
        }
        let rest = (WALKS * WORK).saturating_sub(self.walked.get());
        let most = self.limit(WORK).min(rest).max(WORK >> LEAST);
        let mut left = most;
        let samples = automata::samples(apart, domain, points, &mut left);
        self.walked.set(self.walked.get().saturating_add(most - left));
        if samples.is_none() {
            self.give_up();
        }
        let n_texts = points.len() + samples.as_ref().map_or(0, Vec::len);
        if n_texts <= KEPT {
            self.walks.borrow_mut().insert(walk, samples.clone());
        }
        samples
    }

    /// A pattern as an automaton; `None` if that is too large, or there cannot be one.
    pub(super) fn pattern(&self, pattern: &str) -> Option<Pattern> {
        if let Some(known) = self.patterns.borrow().get(pattern) {
            return known.clone();
        }
        let made = Pattern::new(pattern, self.limit(SIZE));
        if made.is_none() {
            self.give_up();
        }
        self.patterns.borrow_mut().insert(pattern.to_owned(), made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_are_shorter_once_much_was_walked() {
        let patience = Patience::default();
        let walk = |patterns: [&str; 3]| -> Vec<Apart> {
            patterns.map(|pattern| Apart::Taken(Pattern::new(pattern, SIZE).unwrap())).into()
        };
        let long = walk(["a.{9}z", "b.{9}z", "c.{9}z"]);
        let short = [Apart::Taken(Pattern::new("^a$", SIZE).unwrap())];
        let all = Pattern::new(r"\A(?s:.)*\z", SIZE);
        let samples = |apart: &[Apart]| patience.samples(apart, &all, &BTreeSet::new());
        assert!(samples(&long).is_none() && patience.walked.get() > 0);
        patience.walked.set(WALKS * WORK);
        let before = patience.walked.get();
        // What was walked once is not walked again.
        assert!(samples(&long).is_none() && patience.walked.get() == before);
        let other = walk(["a.{9}y", "b.{9}y", "c.{9}y"]);
        assert!(samples(&other).is_none() && patience.walked.get() - before <= WORK >> LEAST);
        assert_eq!(samples(&short).map(|samples| samples.len()), Some(2));
    }
}
