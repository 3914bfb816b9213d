//! Sums, differences, products and quotients with a number that the policy says, compared with another one: that is a
//! comparison of the other side. Arithmetic saturates, so each of them grows with its other side.

use lang::policy::{Arithmetic, Compare};
use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::formula::{Env, Formula};
use super::reading::Cut;
use super::test::Test;
use crate::program::Expr;
use lang::segment::Segments;

impl Cut<'_> {
    /// A test on what is computed of two numbers of which the policy says one, as a test on the other.
    pub(super) fn sum(
        &mut self,
        how: Arithmetic,
        (a, b): (ExprId, ExprId),
        test: &Test,
        env: Env<'_>,
    ) -> Option<Formula> {
        let (side, by) = match (self.constant(a), self.constant(b)) {
            (None, Some(Value::Int(by))) => (a, by),
            (Some(Value::Int(by)), None) if matches!(how, Arithmetic::Add | Arithmetic::Mul) => {
                (b, by)
            }
            _ => return None,
        };
        let grows = match how {
            Arithmetic::Add | Arithmetic::Sub => true,
            Arithmetic::Mul | Arithmetic::Div => by > 0,
        };
        if !grows || !self.is_int(side, env) {
            return None;
        }
        let there = self.ask(side, &Test::Present, env);
        let (compare, with) = match test {
            Test::Present => return Some(there),
            Test::Compare(compare, Value::Int(with)) => (*compare, i128::from(*with)),
            _ => return None,
        };
        let mut at_least = |bound: i128| match least(how, by, bound) {
            Least::Any => there.clone(),
            Least::None => Formula::Always(false),
            Least::From(least) => {
                self.ask(side, &Test::Compare(Compare::Ge, Value::Int(least)), env)
            }
        };
        let mut below = |bound: i128| Formula::all(vec![there.clone(), at_least(bound).not()]);
        Some(match compare {
            Compare::Lt => below(with),
            Compare::Le => below(with + 1),
            Compare::Ge => at_least(with),
            Compare::Gt => at_least(with + 1),
            Compare::Eq => Formula::all(vec![below(with + 1), at_least(with)]),
            Compare::Ne => Formula::any(vec![below(with), at_least(with + 1)]),
        })
    }

    /// Whether the value is a whole number, where there is one.
    fn is_int(&self, id: ExprId, env: Env<'_>) -> bool {
        match self.program.expr(id) {
            Expr::Const(value) => matches!(value, Value::Int(_) | Value::Absent),
            Expr::Slot(slot) => {
                let slot = self.program.slots.get(slot.0 as usize);
                slot.is_some_and(|slot| *slot.ty.present() == Ty::Int)
            }
            Expr::Input(input) => {
                let input = self.program.inputs.get(input.0 as usize);
                input.is_some_and(|input| *input.ty.present() == Ty::Int)
            }
            Expr::Capture(name) => {
                let captured = env.captures.iter().find(|(captured, ..)| captured == name);
                captured.is_some_and(|(.., kind)| matches!(kind, Segments::Int))
            }
            Expr::Local(local) => {
                let named = env.locals.iter().rev().find(|(named, _)| named == local);
                named.is_some_and(|(_, value)| self.is_int(*value, env))
            }
            Expr::Call(function, _) => *(function.returns)().present() == Ty::Int,
            Expr::Coalesce(a, b) | Expr::Arithmetic(_, a, b) => {
                self.is_int(*a, env) && self.is_int(*b, env)
            }
            Expr::Match(_, arms) => arms.iter().all(|arm| self.is_int(arm.value, env)),
            _ => false,
        }
    }
}

/// From where on what is computed of a number is not below a bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Least {
    /// From the first number on.
    Any,
    /// From this one on.
    From(i64),
    /// It always is.
    None,
}

/// The least number of which `how` with `by`, which grows with it, gives `bound` or more.
fn least(how: Arithmetic, by: i64, bound: i128) -> Least {
    // What saturates ends there.
    if bound <= i128::from(i64::MIN) {
        return Least::Any;
    }
    if bound > i128::from(i64::MAX) {
        return Least::None;
    }
    let by = i128::from(by);
    let least = match how {
        Arithmetic::Add => bound - by,
        Arithmetic::Sub => bound + by,
        // The next whole number.
        Arithmetic::Mul => -(-bound).div_euclid(by),
        // What is cut off is cut off towards nought.
        Arithmetic::Div if bound > 0 => bound * by,
        Arithmetic::Div => (bound - 1) * by + 1,
    };
    match i64::try_from(least) {
        Ok(least) => Least::From(least),
        Err(_) if least < 0 => Least::Any,
        Err(_) => Least::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lang::eval::arithmetic;

    #[test]
    fn the_least_number_is_the_first_that_comes_to_the_bound() {
        let numbers =
            [i64::MIN, i64::MIN + 1, -11, -7, -3, -1, 0, 1, 2, 5, 9, i64::MAX - 1, i64::MAX];
        let ways = [Arithmetic::Add, Arithmetic::Sub, Arithmetic::Mul, Arithmetic::Div];
        for how in ways {
            for by in numbers {
                if by <= 0 && matches!(how, Arithmetic::Mul | Arithmetic::Div) {
                    continue;
                }
                for bound in numbers.into_iter().map(i128::from).chain([i128::from(i64::MAX) + 1]) {
                    let least = least(how, by, bound);
                    for number in (-40..40).chain(numbers) {
                        let Value::Int(given) =
                            arithmetic(how, &Value::Int(number), &Value::Int(by))
                        else {
                            panic!("{how:?} of {number} and {by} is no number")
                        };
                        let is_least = match least {
                            Least::Any => true,
                            Least::From(least) => number >= least,
                            Least::None => false,
                        };
                        assert_eq!(
                            i128::from(given) >= bound,
                            is_least,
                            "{how:?} {number} {by} {bound}"
                        );
                    }
                }
            }
        }
    }
}
