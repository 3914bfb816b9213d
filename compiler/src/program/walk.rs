//! The walk over what a program computes, for whoever looks for something in its expressions.

use lang::policy::LocalId;
use lang::vocab::ExprId;
use rustc_hash::FxHashSet;

use crate::frame::{Slot, SlotId};
use crate::program::{Expr, Program, named};

/// Expressions and everything that they are computed of: each once, from the left, before its operands.
pub(crate) struct Walk<'p> {
    program: &'p Program,
    /// What locals stand for.
    lets: &'p [(LocalId, ExprId)],
    open: Vec<ExprId>,
    seen: FxHashSet<ExprId>,
}

impl Program {
    /// These expressions and everything that they are computed of. Where it is known what a local stands for (`lets`), the
    /// walk goes on there.
    pub(crate) fn walk<'p>(
        &'p self,
        roots: impl IntoIterator<Item = ExprId>,
        lets: &'p [(LocalId, ExprId)],
    ) -> Walk<'p> {
        let mut open: Vec<ExprId> = roots.into_iter().collect();
        open.reverse();
        Walk { program: self, lets, open, seen: FxHashSet::default() }
    }

    /// Whether something holds of a value, whatever it is made of. `by` says of one expression of which others it has to
    /// hold besides, and nothing where it does not hold; a local is what it stands for (`lets`). Each expression is asked
    /// once, however many ways lead to it: lets that each name the one before them twice would double the ways line by line.
    pub(crate) fn is_of_all<'p>(
        &'p self,
        id: ExprId,
        lets: &[(LocalId, ExprId)],
        mut by: impl FnMut(ExprId, &'p Expr) -> Option<Vec<ExprId>>,
    ) -> bool {
        let (mut open, mut seen) = (vec![id], FxHashSet::default());
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let besides = match self.expr(id) {
                Expr::Local(local) => named(lets, *local).map(|value| vec![value]),
                expr => by(id, expr),
            };
            match besides {
                Some(besides) => open.extend(besides),
                None => return false,
            }
        }
        true
    }
}

impl<'p> Walk<'p> {
    /// The slots that are read on the way.
    pub(crate) fn slots(self) -> impl Iterator<Item = (SlotId, &'p Slot)> {
        let program = self.program;
        self.filter_map(|(id, _)| program.read_by(id))
    }
}

/// What holds by itself, or does not.
pub(crate) fn plainly(holds: bool) -> Option<Vec<ExprId>> {
    holds.then(Vec::new)
}

impl<'p> Iterator for Walk<'p> {
    type Item = (ExprId, &'p Expr);

    fn next(&mut self) -> Option<(ExprId, &'p Expr)> {
        let id = loop {
            let id = self.open.pop()?;
            if self.seen.insert(id) {
                break id;
            }
        };
        let expr = self.program.expr(id);
        if let Expr::Local(local) = expr {
            self.open.extend(named(self.lets, *local));
        }
        let known = self.open.len();
        expr.each_operand(&mut |operand| self.open.push(operand));
        self.open.get_mut(known..).unwrap_or_default().reverse();
        Some((id, expr))
    }
}
