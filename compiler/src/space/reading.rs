//! What conditions ask, gathered test by test before anything is cut: classes depend on all that is asked.

use std::collections::HashMap;

use lang::Value;
use lang::policy::{Compare, LocalId};
use lang::segment::Segments;
use lang::vocab::ExprId;

use super::few::Case;
use super::formula::{Formula, Place};
use super::patience::Patience;
use super::shared::Shared;
use super::term::{AtomId, Term};
use super::test::Test;
use crate::frame::SlotId;
use crate::interp::Constants;
use crate::lower::expr::Key;
use crate::program::Program;

/// Reads conditions, and cuts fields by what they ask.
pub(crate) struct Cut<'p> {
    pub(super) program: &'p Program,
    pub(super) constants: &'p Constants,
    pub(super) patience: &'p Patience,
    pub(super) atoms: Vec<Atom>,
    /// Atoms by field and by what is written of their test.
    pub(super) known: HashMap<(Term, String), AtomId>,
    /// What names mean where expressions are computed, by number less one.
    pub(super) places: Vec<Place>,
    /// How many expressions were computed of what may differ each time.
    pub(super) n_fresh: u32,
    /// How many tests were asked for the condition at hand.
    pub(super) n_asked: usize,
    /// What was asked of what names stand for.
    pub(super) shared: Shared,
    /// What holds of every request there can be.
    pub(super) rules: Vec<Formula>,
    /// What holds of computed values by what they are computed of.
    pub(super) facts: Vec<Formula>,
    /// Two fields that are one, where that is so.
    pub(super) mirror: Option<Mirror>,
    /// The items of lists that quantifiers are taken apart into, innermost last.
    pub(super) bound: Vec<(LocalId, Value)>,
    /// What is taken to be so while a test is asked case by case, innermost last.
    pub(super) cases: Vec<Case>,
    /// How many cases there are together of what is asked at the moment.
    pub(super) n_cases: usize,
    /// The expression that is asked at the moment.
    pub(super) asking: Option<ExprId>,
    /// Numbers of what expressions mean, by what they are where names stand for what they name.
    pub(super) meanings: HashMap<Key, u32>,
    /// By what they mean, the expressions that came first, and what names stand for in these.
    pub(super) computed: HashMap<u32, (ExprId, Lets)>,
    /// Of each two sides that are compared for being equal or not, the comparison that came first.
    pub(super) compared: HashMap<(u32, u32), (ExprId, Compare, Lets)>,
    /// The slots of claims of which the rules are known.
    pub(super) ruled: Vec<SlotId>,
}

/// What names stand for.
pub(super) type Lets = Vec<(LocalId, ExprId)>;

/// Two fields of the same type that say the same.
pub(super) struct Mirror {
    pub(super) one: Term,
    pub(super) other: Term,
    /// For these requests they need not.
    pub(super) unless: Formula,
}

pub(super) struct Atom {
    pub(super) term: Term,
    pub(super) kind: Option<Segments>,
    pub(super) test: Test,
    /// The expression that first asks so, where that is a comparison or a function.
    pub(super) by: Option<ExprId>,
}

impl<'p> Cut<'p> {
    /// Nothing read yet. `constants` has the value of each expression that no request changes.
    pub(crate) fn new(
        program: &'p Program,
        constants: &'p Constants,
        patience: &'p Patience,
    ) -> Cut<'p> {
        Cut {
            program,
            constants,
            patience,
            atoms: Vec::new(),
            known: HashMap::new(),
            places: Vec::new(),
            n_fresh: 0,
            n_asked: 0,
            shared: Shared::default(),
            rules: Vec::new(),
            facts: Vec::new(),
            mirror: None,
            bound: Vec::new(),
            cases: Vec::new(),
            n_cases: 1,
            asking: None,
            meanings: HashMap::new(),
            computed: HashMap::new(),
            compared: HashMap::new(),
            ruled: Vec::new(),
        }
    }

    /// Whether host or path were asked, or what is computed of them.
    pub(crate) fn asks_head(&self) -> bool {
        let is_head = |slot: SlotId| {
            let slot = self.program.slot(slot);
            slot.is_some_and(|slot| matches!(&*slot.field, "req.host" | "req.path" | "req.target"))
        };
        self.atoms.iter().any(|atom| match &atom.term {
            Term::Host | Term::Segment(_) | Term::Path => true,
            Term::Computed(id, _) => self.program.reads([*id]).into_iter().any(is_head),
            _ => false,
        })
    }

    /// Whether the host was asked.
    pub(crate) fn asks_host(&self) -> bool {
        self.atoms.iter().any(|atom| atom.term == Term::Host)
    }

    pub(super) fn atom(&mut self, term: Term, kind: Option<Segments>, test: Test) -> Formula {
        let text = format!("{kind:?} {}", test.written());
        let by = self.asking;
        let id = *self.known.entry((term.clone(), text)).or_insert_with(|| {
            self.atoms.push(Atom { term, kind, test, by });
            AtomId(self.atoms.len() as u32 - 1)
        });
        Formula::Atom(id)
    }

    /// The requests of which the field says just this.
    pub(crate) fn is(&mut self, term: Term, value: &Value) -> Formula {
        match (&term, value) {
            (Term::Segment(_), Value::String(text)) => {
                self.atom(term, None, Test::Segment(Segments::Literal(text.clone())))
            }
            (_, Value::Absent) => Formula::Not(Box::new(self.atom(term, None, Test::Present))),
            (_, value) => {
                self.atom(term, None, Test::Compare(lang::policy::Compare::Eq, value.clone()))
            }
        }
    }
}
