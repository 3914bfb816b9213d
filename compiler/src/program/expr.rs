//! What a program computes: value code as a list of expressions, each naming its operands by number. No expression
//! fails, waits or loops beyond the length of a list.

use std::sync::Arc;

use lang::Value;
use lang::policy::{Arithmetic, Compare, InputId, LocalId, Quantifier};
use lang::vocab::{ExprId, Function};

use crate::frame::SlotId;

/// One expression.
#[derive(Clone, Debug)]
pub enum Expr {
    /// Itself.
    Const(Value),
    /// An input; constant once the program is loaded.
    Input(InputId),
    /// What the request at hand says.
    Slot(SlotId),
    /// A captured segment.
    Capture(Arc<str>),
    /// A `let`, or the item of a quantifier.
    Local(LocalId),
    /// Plain negation: true for everything but `true`.
    Not(ExprId),
    /// Whether all are true, from the left.
    And(Vec<ExprId>),
    /// Whether one is true, from the left.
    Or(Vec<ExprId>),
    /// A comparison; false where a side is absent.
    Compare(Compare, ExprId, ExprId),
    /// Membership; absence is in nothing.
    In(ExprId, ExprId),
    /// Whether there is a value.
    Present(ExprId),
    /// The first unless it is absent, else the second.
    Coalesce(ExprId, ExprId),
    /// Arithmetic that saturates.
    Arithmetic(Arithmetic, ExprId, ExprId),
    /// A part of a record, map or document.
    Member(ExprId, Arc<str>),
    /// A pure function.
    Call(&'static Function, Vec<ExprId>),
    /// Text put together.
    Template(Vec<ExprId>),
    /// The value of the first arm that takes the subject.
    Match(ExprId, Vec<MatchArm>),
    /// `any`, `all` or `count`: the item's name, the list, the predicate.
    Quantified(Quantifier, LocalId, ExprId, ExprId),
    /// A list.
    List(Vec<ExprId>),
    /// A set.
    Set(Vec<ExprId>),
    /// A record; absent parts are left out.
    Record(Vec<(Arc<str>, ExprId)>),
}

/// An arm of a match.
#[derive(Clone, Debug)]
pub struct MatchArm {
    /// What it takes: equal values, or networks and ranges that hold the subject. `None` takes everything.
    pub patterns: Option<Vec<Value>>,
    /// Its value.
    pub value: ExprId,
}

impl Expr {
    /// The absent value.
    pub const NOTHING: Expr = Expr::Const(Value::Absent);

    /// Calls `each` with every operand, from the left.
    pub fn each_operand(&self, each: &mut dyn FnMut(ExprId)) {
        match self {
            Expr::Const(_) | Expr::Input(_) | Expr::Slot(_) | Expr::Capture(_) | Expr::Local(_) => {
            }
            Expr::Not(inner) | Expr::Present(inner) | Expr::Member(inner, _) => each(*inner),
            Expr::Compare(_, a, b)
            | Expr::In(a, b)
            | Expr::Coalesce(a, b)
            | Expr::Arithmetic(_, a, b)
            | Expr::Quantified(_, _, a, b) => {
                each(*a);
                each(*b);
            }
            Expr::And(parts)
            | Expr::Or(parts)
            | Expr::Call(_, parts)
            | Expr::Template(parts)
            | Expr::List(parts)
            | Expr::Set(parts) => parts.iter().for_each(|part| each(*part)),
            Expr::Match(subject, arms) => {
                each(*subject);
                arms.iter().for_each(|arm| each(arm.value));
            }
            Expr::Record(fields) => fields.iter().for_each(|(_, value)| each(*value)),
        }
    }

    /// Calls `each` with every operand, from the left, to be replaced.
    pub fn each_operand_mut(&mut self, each: &mut dyn FnMut(&mut ExprId)) {
        match self {
            Expr::Const(_) | Expr::Input(_) | Expr::Slot(_) | Expr::Capture(_) | Expr::Local(_) => {
            }
            Expr::Not(inner) | Expr::Present(inner) | Expr::Member(inner, _) => each(inner),
            Expr::Compare(_, a, b)
            | Expr::In(a, b)
            | Expr::Coalesce(a, b)
            | Expr::Arithmetic(_, a, b)
            | Expr::Quantified(_, _, a, b) => {
                each(a);
                each(b);
            }
            Expr::And(parts)
            | Expr::Or(parts)
            | Expr::Call(_, parts)
            | Expr::Template(parts)
            | Expr::List(parts)
            | Expr::Set(parts) => parts.iter_mut().for_each(each),
            Expr::Match(subject, arms) => {
                each(subject);
                arms.iter_mut().for_each(|arm| each(&mut arm.value));
            }
            Expr::Record(fields) => fields.iter_mut().for_each(|(_, value)| each(value)),
        }
    }

    /// The values of which it is one, where it does nothing but choose.
    pub(crate) fn alternatives(&self) -> Option<Vec<ExprId>> {
        match self {
            Expr::Coalesce(first, second) => Some(vec![*first, *second]),
            Expr::Match(_, arms) => Some(arms.iter().map(|arm| arm.value).collect()),
            _ => None,
        }
    }

    /// Whether it always gives a Boolean; `None` where that depends on what it reads.
    pub fn is_boolean(&self) -> Option<bool> {
        match self {
            Expr::Const(value) => Some(matches!(value, Value::Bool(_))),
            Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Compare(..)
            | Expr::In(..)
            | Expr::Present(_)
            | Expr::Quantified(Quantifier::Any | Quantifier::All, ..) => Some(true),
            Expr::Quantified(Quantifier::Count, ..)
            | Expr::Template(_)
            | Expr::Arithmetic(..)
            | Expr::List(_)
            | Expr::Set(_)
            | Expr::Record(_) => Some(false),
            Expr::Call(function, _) => Some(*(function.returns)().present() == lang::Ty::Bool),
            Expr::Input(_)
            | Expr::Slot(_)
            | Expr::Capture(_)
            | Expr::Local(_)
            | Expr::Coalesce(..)
            | Expr::Member(..)
            | Expr::Match(..) => None,
        }
    }
}
