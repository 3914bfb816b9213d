//! What a program computes, as bytes. Functions stand there by name and are looked up in the vocabulary.

use lang::policy::{Arithmetic, Compare, InputId, LocalId, Quantifier};
use lang::vocab::{ExprId, Function};

use super::Unfit;
use super::bytes::{Reader, Writer, damaged};
use super::coded::{Coded, coded};
use crate::frame::SlotId;
use crate::program::{Expr, MatchArm};

coded! { number ExprId }
coded! { number InputId }
coded! { number LocalId }
coded! { number SlotId }

coded! { enum Expr {
    0 => Const(a), 1 => Input(a), 2 => Slot(a), 3 => Capture(a), 4 => Local(a), 5 => Not(a), 6 => And(a), 7 => Or(a),
    8 => Compare(how, a, b), 9 => In(a, b), 10 => Present(a), 11 => Coalesce(a, b), 12 => Arithmetic(how, a, b),
    13 => Member(a, name), 14 => Call(function, a), 15 => Template(a), 16 => Match(a, arms),
    17 => Quantified(how, name, a, b), 18 => List(a), 19 => Set(a), 20 => Record(a),
} }

coded! { struct MatchArm { patterns, value } }
coded! { enum Compare { 0 => Eq, 1 => Ne, 2 => Lt, 3 => Le, 4 => Gt, 5 => Ge } }
coded! { enum Arithmetic { 0 => Add, 1 => Sub, 2 => Mul, 3 => Div } }
coded! { enum Quantifier { 0 => Any, 1 => All, 2 => Count } }

impl Coded for &'static Function {
    fn put(&self, out: &mut Writer) {
        self.name.to_owned().put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let name = String::take(from)?;
        let row = from.vocabulary.function(&name);
        row.ok_or(Unfit::Unknown { kind: "function", name })
    }
}
