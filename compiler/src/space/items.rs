//! Quantifiers over lists that the policy says: the predicate is asked of each item, and what it computes of the item alone
//! is known.

use lang::Value;
use lang::policy::{LocalId, Quantifier};
use lang::vocab::ExprId;

use super::test::Test;
use super::{Cut, Env, Formula};
use crate::frame::Frame;
use crate::interp::{Interp, Nothing, ops};
use crate::program::Expr;

/// The most items of a list that a quantifier is taken apart into.
const MOST: usize = 64;

impl Cut<'_> {
    /// A quantifier over a list that the policy says, item by item.
    pub(super) fn each(
        &mut self,
        how: Quantifier,
        item: LocalId,
        list: ExprId,
        predicate: ExprId,
        env: Env<'_>,
    ) -> Option<Formula> {
        let list = self.constant(list)?;
        let (items, whole) = ops::items(&list);
        if how == Quantifier::Count || items.len() > MOST {
            return None;
        }
        let mut parts = Vec::with_capacity(items.len());
        for value in items {
            self.bound.push((item, value.clone()));
            parts.push(self.ask(predicate, &Test::True, env));
            self.bound.pop();
        }
        Some(match how {
            Quantifier::All if whole => Formula::all(parts),
            Quantifier::All => Formula::Always(false),
            _ => Formula::any(parts),
        })
    }

    /// The value of an expression in which an item of a quantifier stands for one of a list, if nothing else is asked.
    pub(super) fn folded(&self, id: ExprId) -> Option<Value> {
        if self.bound.is_empty() {
            return None;
        }
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let expr = self.program.expr(id);
            match expr {
                _ if self.constants.get(id).is_some() => continue,
                Expr::Local(local) if self.bound.iter().any(|(known, _)| known == local) => {}
                Expr::Slot(_) | Expr::Capture(_) | Expr::Local(_) | Expr::Input(_) => return None,
                _ => {}
            }
            expr.each_operand(&mut |operand| open.push(operand));
        }
        let frame = Frame::new();
        for (item, value) in &self.bound {
            frame.set_local(*item, value.clone());
        }
        let Cut { program, constants, .. } = *self;
        Interp { program, constants, frame: &frame, fill: &Nothing }.value(id).ok()
    }
}
