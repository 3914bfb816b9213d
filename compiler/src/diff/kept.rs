//! Which requests a cache answers: of two that keep answers alike, one may keep them for others than the other does.

use std::sync::Arc;

use lang::Value;

use crate::caching::{Asks, READ};
use crate::proof::basis::{Basis, Side};
use crate::proof::course::Course;
use crate::space::{Cut, Env, Formula, Term};

/// What becomes of a request at the cache of its route.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Kept {
    /// Whether it is answered from there, and what it brings kept for others; else it goes past.
    pub(super) is_shared: bool,
    /// Whether it says who asks.
    pub(super) says: bool,
}

/// What makes a good example of a request, what matters most first: no terms of its own, and nothing else that matters to
/// caches alone.
pub(super) fn plainly(asks: &Asks, cut: &mut Cut<'_>) -> Vec<Formula> {
    let own = cut.condition(asks.has_own_terms, WHOLE).not();
    let plain = asks.plain.iter().map(|id| cut.condition(*id, WHOLE));
    std::iter::once(own).chain(plain).collect()
}

/// Nothing that is asked has a name of a route's own.
const WHOLE: Env<'static> = Env { captures: &[], locals: &[] };

/// What tells which requests those are.
pub(super) struct Lookup<'l> {
    pub(super) basis: &'l Basis<'l>,
    pub(super) asks: &'l Asks,
}

impl Lookup<'_> {
    /// What becomes of the requests of a course at its cache, if it has one.
    pub(super) fn cases(
        &self,
        side: &Side<'_>,
        course: &Course,
        cut: &mut Cut<'_>,
    ) -> Vec<(Formula, Option<Kept>)> {
        let of = course.caches.as_ref().filter(|_| course.to().is_some());
        let Some((answers, carriers)) = of.zip(self.basis.carriers(side)) else {
            return vec![(Formula::Always(true), None)];
        };
        let mut has = |ids: Vec<_>| -> Vec<Formula> {
            ids.into_iter().map(|id| cut.condition(id, WHOLE)).collect()
        };
        let mut says = has(self.asks.says(carriers));
        let shared = match answers {
            Ok(answers) => {
                let mut past = has(self.asks.past(answers).collect());
                past.extend(has(vec![self.asks.has_own_terms]));
                let read = cut.methods(Some(&READ.map(Arc::from)));
                Formula::all(vec![read, Formula::any(past).not()])
            }
            Err(fields) => {
                let nothing = fields.iter().map(|slot| cut.is(Term::Slot(*slot), &Value::Absent));
                says.extend(nothing.map(|nothing| nothing.not()));
                Formula::Always(false)
            }
        };
        let says = Formula::any(says);
        let mut cases = Vec::new();
        for (is_shared, shared) in [(true, shared.clone()), (false, shared.not())] {
            for (says, of) in [(false, says.clone().not()), (true, says.clone())] {
                let concerned = Formula::all(vec![shared.clone(), of]);
                cases.push((concerned, Some(Kept { is_shared, says })));
            }
        }
        cases.retain(|(concerned, _)| !concerned.is_never());
        cases
    }
}
