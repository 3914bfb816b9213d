//! Of which type a value is, where that is known: a program keeps the types of what it reads, and no others.

use lang::policy::LocalId;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::diff::effect::Captured;
use crate::program::{Expr, Program, named};
use crate::space::identity::claimed;

/// The most names that stand for one another.
const NAMES: usize = 64;

/// The type of what an expression comes to where it is there. What it may be among several is what the first is.
pub(super) fn ty(
    program: &Program,
    mut id: ExprId,
    lets: &[(LocalId, ExprId)],
    captured: &[Captured],
) -> Option<Ty> {
    for _ in 0..NAMES {
        let ty = match program.expr(id) {
            Expr::Local(local) => {
                id = named(lets, *local)?;
                continue;
            }
            Expr::Coalesce(first, _) => {
                id = *first;
                continue;
            }
            Expr::Match(_, arms) => {
                id = arms.first()?.value;
                continue;
            }
            Expr::Const(Value::String(_)) | Expr::Template(_) => Ty::String,
            Expr::Const(Value::Int(_)) | Expr::Arithmetic(..) => Ty::Int,
            Expr::Const(Value::Ip(_)) => Ty::Ip,
            Expr::Input(input) => program.inputs.get(input.0 as usize)?.ty.clone(),
            Expr::Slot(slot) => program.slot(*slot)?.ty.clone(),
            Expr::Capture(name) => {
                match captured.iter().find(|known| known.name == *name)?.is_number {
                    true => Ty::Int,
                    false => Ty::String,
                }
            }
            Expr::Call(function, _) => (function.returns)(),
            Expr::Member(of, name) => claimed(program, *of, name)?.clone(),
            _ => return None,
        };
        return Some(ty.present().clone());
    }
    None
}
