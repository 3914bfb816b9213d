//! Computes what no request and no input changes: constant expressions become constants, `and` and `or` lose what does not
//! matter to them, a `match` or `??` whose outcome is known becomes it.

use lang::Value;
use lang::vocab::ExprId;

use crate::interp::{self, ops};
use crate::lower::expr::Exprs;
use crate::program::{Expr, Program};

/// What an expression becomes.
enum Folded {
    /// This one.
    Expr(Expr),
    /// One that is there already.
    Known(ExprId),
}

/// Folds every expression.
pub(super) fn run(program: &mut Program) {
    let constants = interp::constants(program, &[]);
    let mut folded = Exprs::default();
    let mut places: Vec<ExprId> = Vec::with_capacity(program.exprs.len());
    for (expr, at) in std::mem::take(&mut program.exprs).into_vec().into_iter().zip(0..) {
        let constant = constants.get(ExprId(at)).cloned();
        let mut expr = constant.map_or(expr, Expr::Const);
        expr.each_operand_mut(&mut |operand| *operand = moved(&places, *operand));
        places.push(match simpler(expr, &folded) {
            Folded::Expr(expr) => folded.intern(expr),
            Folded::Known(place) => place,
        });
    }
    program.exprs = folded.finish().0.into();
    program.each_root_mut(&mut |root| *root = moved(&places, *root));
    program.note_reads();
}

fn moved(places: &[ExprId], id: ExprId) -> ExprId {
    places.get(id.0 as usize).copied().unwrap_or(id)
}

fn simpler(expr: Expr, exprs: &Exprs) -> Folded {
    let constant = |id: ExprId| match exprs.expr(id) {
        Some(Expr::Const(value)) => Some(value),
        _ => None,
    };
    match expr {
        Expr::And(parts) => joined(parts, true, &constant, Expr::And),
        Expr::Or(parts) => joined(parts, false, &constant, Expr::Or),
        Expr::Coalesce(first, second) => match constant(first) {
            Some(Value::Absent) => Folded::Known(second),
            Some(_) => Folded::Known(first),
            None => Folded::Expr(Expr::Coalesce(first, second)),
        },
        Expr::Match(subject, arms) => {
            match constant(subject).and_then(|subject| ops::arm(subject, &arms)) {
                Some((_, arm)) => Folded::Known(arm.value),
                None => Folded::Expr(Expr::Match(subject, arms)),
            }
        }
        other => Folded::Expr(other),
    }
}

/// `and` (which `neutral` true leaves as it is) or `or` without the constants among its parts.
fn joined<'e>(
    mut parts: Vec<ExprId>,
    neutral: bool,
    constant: &dyn Fn(ExprId) -> Option<&'e Value>,
    join: fn(Vec<ExprId>) -> Expr,
) -> Folded {
    let known = |id: ExprId| constant(id).map(Value::is_true);
    if parts.iter().any(|part| known(*part) == Some(!neutral)) {
        return Folded::Expr(Expr::Const(Value::Bool(!neutral)));
    }
    parts.retain(|part| known(*part).is_none());
    if parts.is_empty() {
        Folded::Expr(Expr::Const(Value::Bool(neutral)))
    } else {
        Folded::Expr(join(parts))
    }
}
