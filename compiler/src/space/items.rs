//! Quantifiers over lists that the policy says: the predicate is asked of each item, and what it computes of the item alone
//! is known. Where those that fit are counted, each way to come to a number is a case.

use lang::Value;
use lang::policy::{LocalId, Quantifier};
use lang::vocab::ExprId;

use super::formula::{Env, Formula};
use super::known::{Named, Reading, Way};
use super::reading::Cut;
use super::test::Test;
use crate::frame::Frame;
use crate::interp::{Interp, ops};
use crate::program::Expr;

/// The most steps that a quantifier may take whose items are looked at one by one.
const MOST: u64 = 40_000;

/// The most of them that may fit or not, as a request says, where they are counted: so many tell 1,024 cases apart.
const MOST_COUNTED: usize = 10;

impl Cut<'_> {
    /// A quantifier over a list that the policy says, item by item.
    pub(super) fn each(
        &mut self,
        id: ExprId,
        (how, item, list, predicate): (Quantifier, LocalId, ExprId, ExprId),
        env: Env<'_>,
    ) -> Option<Formula> {
        let list = self.constant(list)?;
        let (items, whole) = ops::items(&list);
        if how == Quantifier::Count || self.constants.steps(id) > MOST {
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

    /// A test on how many items of a list that the policy says fit a predicate.
    pub(super) fn counted(
        &mut self,
        id: ExprId,
        (item, list, predicate): (LocalId, ExprId, ExprId),
        test: &Test,
        env: Env<'_>,
    ) -> Option<Formula> {
        let list = self.constant(list)?;
        let (items, _) = ops::items(&list);
        if self.constants.steps(id) > MOST {
            return None;
        }
        let mut certain = 0;
        let mut open = Vec::new();
        for value in items {
            self.bound.push((item, value.clone()));
            let fits = self.ask(predicate, &Test::True, env);
            self.bound.pop();
            match fits {
                Formula::Always(fits) => certain += i64::from(fits),
                fits => open.push(fits),
            }
        }
        if open.len() > MOST_COUNTED {
            return None;
        }
        Some(count(&open, certain, test))
    }

    /// The value of an expression in which an item of a quantifier stands for one of a list, or a field has the value of a
    /// case, if nothing else is asked.
    pub(super) fn folded(&self, id: ExprId) -> Option<Value> {
        let nothing = self.bound.is_empty() && self.cases.is_empty();
        if nothing || self.constants.steps(id) > MOST {
            return None;
        }
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let expr = self.program.expr(id);
            match expr {
                _ if self.constants.get(id).is_some() || self.is_case(id) => continue,
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
        let cases = self.cases.iter();
        let way: Way = cases.filter_map(|(of, value)| Some((of.clone(), value.clone()?))).collect();
        let captured = way.iter().filter_map(|(reading, value)| match reading {
            Reading::Capture(name, ..) => Some((name.clone(), value.clone())),
            _ => None,
        });
        frame.set_captures(captured.collect());
        let Cut { program, constants, .. } = *self;
        Interp { program, constants, frame: &frame, fill: &Named(&way) }.value(id).ok()
    }
}

/// Whether the test holds of how many of these are true, beside so many that are.
fn count(open: &[Formula], certain: i64, test: &Test) -> Formula {
    let Some((first, rest)) = open.split_first() else {
        return Formula::Always(test.holds(&Value::Int(certain)));
    };
    let with = count(rest, certain + 1, test);
    let without = count(rest, certain, test);
    Formula::any(vec![
        Formula::all(vec![first.clone(), with]),
        Formula::all(vec![first.clone().not(), without]),
    ])
}
