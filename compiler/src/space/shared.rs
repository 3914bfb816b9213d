//! Tests of what names stand for. Each is asked once and worked out once: where each name stands for a choice among what the
//! one before it is, what would be asked of them doubles line by line.

use std::collections::HashMap;
use std::sync::Arc;

use lang::policy::LocalId;
use lang::segment::Segments;
use lang::vocab::ExprId;

use super::formula::{Env, Formula};
use super::reading::Cut;
use super::test::Test;

/// What was asked of names.
#[derive(Default)]
pub(super) struct Shared {
    /// What was asked, by number.
    pub(super) formulas: Vec<Formula>,
    /// What names mean where the following was asked.
    captures: Vec<(Arc<str>, usize, Segments)>,
    locals: Vec<(LocalId, ExprId)>,
    /// By the name and by what is written of the test.
    known: HashMap<(LocalId, String), Formula>,
}

impl Cut<'_> {
    /// The requests for which the test holds of what the name stands for.
    pub(super) fn ask_named(
        &mut self,
        (local, value): (LocalId, ExprId),
        test: &Test,
        env: Env<'_>,
    ) -> Formula {
        // Case by case, or item by item, it is another question each time.
        let is_plain = self.bound.is_empty() && self.cases.is_empty();
        let is_here =
            |shared: &Shared| shared.captures == env.captures && shared.locals == env.locals;
        if !is_here(&self.shared) {
            self.shared.captures = env.captures.to_vec();
            self.shared.locals = env.locals.to_vec();
            self.shared.known.clear();
        }
        let asked = (local, test.written());
        if let Some(known) = self.shared.known.get(&asked).filter(|_| is_plain) {
            return known.clone();
        }
        let n_fresh = self.n_fresh;
        let formula = self.ask(value, test, env);
        let formula = self.share(formula);
        // What was given up, or may be another thing each time, is asked again.
        if is_plain && self.n_fresh == n_fresh && is_here(&self.shared) {
            self.shared.known.insert(asked, formula.clone());
        }
        formula
    }

    /// The same formula, to be written again and again at no cost.
    pub(super) fn share(&mut self, formula: Formula) -> Formula {
        if matches!(formula, Formula::Always(_) | Formula::Atom(_) | Formula::Shared(_)) {
            return formula;
        }
        self.shared.formulas.push(formula);
        Formula::Shared(self.shared.formulas.len() as u32 - 1)
    }
}
