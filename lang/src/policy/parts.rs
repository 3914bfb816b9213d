//! What an expression is made of, for whoever walks through one.

use super::{Expr, ExprKind};

/// The expressions directly in it.
pub fn children(kind: &ExprKind) -> Vec<&Expr> {
    match kind {
        ExprKind::Const(_)
        | ExprKind::Input(_)
        | ExprKind::Field(..)
        | ExprKind::Capture(_)
        | ExprKind::Local(_)
        | ExprKind::Error => Vec::new(),
        ExprKind::Not(a) | ExprKind::Present(a) | ExprKind::Member(a, _) => vec![a],
        ExprKind::Compare(_, a, b)
        | ExprKind::In(a, b)
        | ExprKind::Coalesce(a, b)
        | ExprKind::Arithmetic(_, a, b)
        | ExprKind::Quantified(_, _, a, b) => vec![a, b],
        ExprKind::And(all)
        | ExprKind::Or(all)
        | ExprKind::Call(_, all)
        | ExprKind::Template(all)
        | ExprKind::List(all) => all.iter().collect(),
        ExprKind::Record(fields) => fields.iter().map(|(_, value)| value).collect(),
        ExprKind::Match(subject, arms) => {
            std::iter::once(&**subject).chain(arms.iter().map(|arm| &arm.value)).collect()
        }
    }
}

/// The expressions directly in it, to be changed.
pub fn children_mut(kind: &mut ExprKind) -> Vec<&mut Expr> {
    match kind {
        ExprKind::Const(_)
        | ExprKind::Input(_)
        | ExprKind::Field(..)
        | ExprKind::Capture(_)
        | ExprKind::Local(_)
        | ExprKind::Error => Vec::new(),
        ExprKind::Not(a) | ExprKind::Present(a) | ExprKind::Member(a, _) => vec![a],
        ExprKind::Compare(_, a, b)
        | ExprKind::In(a, b)
        | ExprKind::Coalesce(a, b)
        | ExprKind::Arithmetic(_, a, b)
        | ExprKind::Quantified(_, _, a, b) => vec![a, b],
        ExprKind::And(all)
        | ExprKind::Or(all)
        | ExprKind::Call(_, all)
        | ExprKind::Template(all)
        | ExprKind::List(all) => all.iter_mut().collect(),
        ExprKind::Record(fields) => fields.iter_mut().map(|(_, value)| value).collect(),
        ExprKind::Match(subject, arms) => std::iter::once(&mut **subject)
            .chain(arms.iter_mut().map(|arm| &mut arm.value))
            .collect(),
    }
}
