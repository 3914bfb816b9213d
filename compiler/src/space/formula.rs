//! Boolean combinations of tests on fields, and what names mean where they are asked.

use std::sync::Arc;

use lang::policy::LocalId;
use lang::segment::Segments;
use lang::vocab::ExprId;

use super::term::AtomId;

/// A condition.
#[derive(Clone, Debug)]
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
