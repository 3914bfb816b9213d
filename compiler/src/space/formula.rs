//! Boolean combinations of tests on fields, and what names mean where they are asked.

use std::sync::Arc;

use lang::policy::LocalId;
use lang::segment::Segments;
use lang::vocab::ExprId;

use super::term::AtomId;

/// A condition.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Formula {
    /// Always or never.
    Always(bool),
    /// A test on a field.
    Atom(AtomId),
    /// Not this.
    Not(Box<Formula>),
    /// All of these.
    All(Vec<Formula>),
    /// One of these.
    Any(Vec<Formula>),
    /// What is asked of a name or of a choice: it is worked out once, however often it stands there.
    Shared(u32),
}

impl Formula {
    /// All of these, without what does not matter to that.
    pub(crate) fn all(parts: Vec<Formula>) -> Formula {
        if parts.iter().any(|part| matches!(part, Formula::Always(false))) {
            return Formula::Always(false);
        }
        let kept = parts.into_iter().filter(|part| !matches!(part, Formula::Always(true)));
        let mut kept: Vec<Formula> = kept.collect();
        match kept.len() {
            0 => Formula::Always(true),
            1 => kept.remove(0),
            _ => Formula::All(kept),
        }
    }

    /// One of these, without what does not matter to that.
    pub(crate) fn any(parts: Vec<Formula>) -> Formula {
        let parts = parts.into_iter().map(Formula::not).collect();
        Formula::all(parts).not()
    }

    /// Not this.
    pub(crate) fn not(self) -> Formula {
        match self {
            Formula::Always(holds) => Formula::Always(!holds),
            Formula::Not(inner) => *inner,
            other => Formula::Not(Box::new(other)),
        }
    }

    /// What the first of these cases says of a request that takes it.
    pub(super) fn first(cases: &[(Formula, Formula)]) -> Formula {
        Formula::halved(cases).1
    }

    /// Whether one of the cases takes a request, and what the first that does says. Halved, so that what is said of many
    /// cases is neither long nor deep.
    fn halved(cases: &[(Formula, Formula)]) -> (Formula, Formula) {
        match cases {
            [] => (Formula::Always(false), Formula::Always(false)),
            [(taken, value)] => (taken.clone(), Formula::all(vec![taken.clone(), value.clone()])),
            _ => {
                let (before, behind) = cases.split_at(cases.len() / 2);
                let (taken, first) = Formula::halved(before);
                let (elsewhere, other) = Formula::halved(behind);
                let other = Formula::all(vec![taken.clone().not(), other]);
                (Formula::any(vec![taken, elsewhere]), Formula::any(vec![first, other]))
            }
        }
    }

    /// Whether no request can make it true.
    pub(crate) fn is_never(&self) -> bool {
        matches!(self, Formula::Always(false))
    }
}

/// What a route's path captures: name, place of the segment, kind.
pub(crate) type Captures = [(Arc<str>, usize, Segments)];

/// What names mean where a condition is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Env<'e> {
    /// What the path captures.
    pub(crate) captures: &'e Captures,
    /// What the statements before have named.
    pub(crate) locals: &'e [(LocalId, ExprId)],
}

/// What names mean where something is computed.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Place {
    pub(super) captures: Vec<(Arc<str>, usize, Segments)>,
    pub(super) lets: Vec<(LocalId, ExprId)>,
}

impl Place {
    pub(super) fn env(&self) -> Env<'_> {
        Env { captures: &self.captures, locals: &self.lets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many parts it has, and how deep it is.
    fn size(formula: &Formula) -> (usize, usize) {
        match formula {
            Formula::Always(_) | Formula::Atom(_) | Formula::Shared(_) => (1, 1),
            Formula::Not(inner) => {
                let (parts, depth) = size(inner);
                (parts + 1, depth + 1)
            }
            Formula::All(parts) | Formula::Any(parts) => {
                let (n_parts, deepest) = parts
                    .iter()
                    .map(size)
                    .fold((0, 0), |(sum, most), (parts, depth)| (sum + parts, most.max(depth)));
                (n_parts + 1, deepest + 1)
            }
        }
    }

    #[test]
    fn many_cases_are_neither_long_nor_deep() {
        let atom = |at: u32| Formula::Atom(AtomId(at));
        let cases: Vec<(Formula, Formula)> = (0..4096).map(|at| (atom(at), atom(at + 1))).collect();
        let (parts, depth) = size(&Formula::first(&cases));
        assert!(parts < 100 * cases.len() && depth < 64, "{parts} {depth}");
    }
}
