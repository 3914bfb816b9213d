//! The walk over what a program computes, for whoever looks for something in its expressions.

use std::collections::HashSet;

use lang::policy::LocalId;
use lang::vocab::ExprId;

use crate::program::{Expr, Program, named};

/// Expressions and everything that they are computed of: each once, from the left, before its operands.
pub(crate) struct Walk<'p> {
    program: &'p Program,
    /// What locals stand for.
    lets: &'p [(LocalId, ExprId)],
    open: Vec<ExprId>,
    seen: HashSet<ExprId>,
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
        Walk { program: self, lets, open, seen: HashSet::new() }
    }
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
