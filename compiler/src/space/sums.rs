//! Sums, differences, products and quotients with a number that the policy says, compared with another one: that is a
//! comparison of the other side. Arithmetic saturates, so each of them grows with its other side.

use lang::policy::{Arithmetic, Compare, Quantifier};
use lang::segment::Segments;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::formula::{Env, Formula};
use super::identity::{claim, token};
use super::reading::Cut;
use super::test::Test;
use crate::program::Expr;
use crate::program::walk::plainly;

impl Cut<'_> {
    /// A test on what is computed of two numbers of which the policy says one, as a test on the other.
    pub(super) fn sum(
        &mut self,
        how: Arithmetic,
        (a, b): (ExprId, ExprId),
        test: &Test,
        env: Env<'_>,
    ) -> Option<Formula> {
        let turns = matches!(how, Arithmetic::Add | Arithmetic::Mul);
        let (side, by) = match (self.constant(a), self.constant(b)) {
            (None, Some(by)) => (a, by),
            (Some(by), None) if turns => (b, by),
            _ => return None,
        };
        let is_int = self.is_int(side, env);
        let (by, line) = match (by, is_int) {
            (Value::Int(by), true) => (i128::from(by), INTEGERS),
            // An amount by how much it is changed, or how often it is taken.
            (Value::Size(by), false) if matches!(how, Arithmetic::Add | Arithmetic::Sub) => {
                (i128::from(by), SIZES)
            }
            (Value::Int(by), false)
                if side == a && !matches!(how, Arithmetic::Add | Arithmetic::Sub) =>
            {
                (i128::from(by), SIZES)
            }
            _ => return None,
        };
        let grows = match how {
            Arithmetic::Add | Arithmetic::Sub => true,
            Arithmetic::Mul | Arithmetic::Div => by > 0,
        };
        if !grows || !(is_int || self.is_size(side, env)) {
            return None;
        }
        let there = self.ask(side, &Test::Present, env);
        let (compare, with) = match test {
            Test::Present => return Some(there),
            Test::Compare(compare, Value::Int(with)) if is_int => (*compare, i128::from(*with)),
            Test::Compare(compare, Value::Size(with)) if !is_int => (*compare, i128::from(*with)),
            _ => return None,
        };
        let mut at_least = |bound: i128| match least(how, by, bound, line) {
            Least::Any => there.clone(),
            Least::None => Formula::Always(false),
            Least::From(least) => match value(is_int, least) {
                Some(least) => self.ask(side, &Test::Compare(Compare::Ge, least), env),
                // INVARIANT: what lies in the line is a number of its kind.
                None => Formula::Always(false),
            },
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

    /// Whether it is a field or an input that is declared to be of this type.
    fn is_read_as(&self, expr: &Expr, ty: &Ty) -> bool {
        let declared = match expr {
            Expr::Slot(slot) => self.program.slot(*slot).map(|slot| &slot.ty),
            Expr::Input(input) => self.program.inputs.get(input.0 as usize).map(|input| &input.ty),
            _ => None,
        };
        declared.is_some_and(|declared| declared.present() == ty)
    }

    /// Whether the value is an amount of bytes, where there is one.
    fn is_size(&self, id: ExprId, env: Env<'_>) -> bool {
        self.program.is_of_all(id, env.locals, |_, expr| {
            plainly(match expr {
                Expr::Const(value) => matches!(value, Value::Size(_) | Value::Absent),
                Expr::Arithmetic(_, a, _) => return Some(vec![*a]),
                expr => self.is_read_as(expr, &Ty::Size),
            })
        })
    }

    /// Whether the value is a whole number, where there is one.
    fn is_int(&self, id: ExprId, env: Env<'_>) -> bool {
        self.program.is_of_all(id, env.locals, |_, expr| {
            plainly(match expr {
                Expr::Const(value) => matches!(value, Value::Int(_) | Value::Absent),
                Expr::Slot(_) | Expr::Input(_) => self.is_read_as(expr, &Ty::Int),
                Expr::Capture(name) => {
                    let captured = env.captures.iter().find(|(captured, ..)| captured == name);
                    captured.is_some_and(|(.., kind)| matches!(kind, Segments::Int))
                }
                Expr::Call(function, _) => *(function.returns)().present() == Ty::Int,
                Expr::Member(base, name) => {
                    let slot = token(self.program, *base).and_then(|at| self.program.slot(at));
                    let ty = slot.and_then(|slot| claim(&slot.ty, name));
                    ty.is_some_and(|ty| *ty.present() == Ty::Int)
                }
                Expr::Quantified(Quantifier::Count, ..) => true,
                Expr::Arithmetic(_, a, b) => return Some(vec![*a, *b]),
                expr => return expr.alternatives(),
            })
        })
    }
}

/// The first and the last number of a kind.
type Line = (i128, i128);

const INTEGERS: Line = (i64::MIN as i128, i64::MAX as i128);
const SIZES: Line = (0, u64::MAX as i128);

/// A number of the kind.
fn value(is_int: bool, number: i128) -> Option<Value> {
    match is_int {
        true => i64::try_from(number).ok().map(Value::Int),
        false => u64::try_from(number).ok().map(Value::Size),
    }
}

/// From where on what is computed of a number is not below a bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Least {
    /// From the first number on.
    Any,
    /// From this one on.
    From(i128),
    /// It always is.
    None,
}

/// The least number of which `how` with `by`, which grows with it, gives `bound` or more.
fn least(how: Arithmetic, by: i128, bound: i128, (first, last): Line) -> Least {
    // What saturates ends there.
    if bound <= first {
        return Least::Any;
    }
    if bound > last {
        return Least::None;
    }
    let least = match how {
        Arithmetic::Add => bound - by,
        Arithmetic::Sub => bound + by,
        // The next whole number.
        Arithmetic::Mul => -(-bound).div_euclid(by),
        // What is cut off is cut off towards nought.
        Arithmetic::Div if bound > 0 => bound.saturating_mul(by),
        Arithmetic::Div => (bound - 1) * by + 1,
    };
    match least {
        least if least <= first => Least::Any,
        least if least > last => Least::None,
        least => Least::From(least),
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
                    let least = least(how, i128::from(by), bound, INTEGERS);
                    for number in (-40..40).chain(numbers) {
                        let Value::Int(given) =
                            arithmetic(how, &Value::Int(number), &Value::Int(by))
                        else {
                            panic!("{how:?} of {number} and {by} is no number")
                        };
                        let is_least = match least {
                            Least::Any => true,
                            Least::From(least) => i128::from(number) >= least,
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

    #[test]
    fn amounts_end_at_nought() {
        let amounts = [0, 1, 2, 3, 10, 1024, u64::MAX - 1, u64::MAX];
        for how in [Arithmetic::Add, Arithmetic::Sub, Arithmetic::Mul, Arithmetic::Div] {
            for by in amounts {
                let times = matches!(how, Arithmetic::Mul | Arithmetic::Div);
                let with = match times {
                    true if by == 0 || i64::try_from(by).is_err() => continue,
                    true => Value::Int(by as i64),
                    false => Value::Size(by),
                };
                for bound in amounts {
                    let least = least(how, i128::from(by), i128::from(bound), SIZES);
                    for amount in (0..40).chain(amounts) {
                        let Value::Size(given) = arithmetic(how, &Value::Size(amount), &with)
                        else {
                            panic!("{how:?} of {amount} and {with} is no amount")
                        };
                        let is_least = match least {
                            Least::Any => true,
                            Least::From(least) => i128::from(amount) >= least,
                            Least::None => false,
                        };
                        assert_eq!(given >= bound, is_least, "{how:?} {amount} {by} {bound}");
                    }
                }
            }
        }
    }
}
