//! What values mean to each other, beyond what the language's plain evaluator says already.

use std::cmp::Ordering;

use lang::Value;
pub(crate) use lang::eval::{ITEMS, arithmetic, compare, is_in, member, together};
use lang::policy::Compare;

use crate::program::MatchArm;

/// The arm that takes the subject, and which of them that is.
pub(crate) fn arm<'a>(subject: &Value, arms: &'a [MatchArm]) -> Option<(usize, &'a MatchArm)> {
    let takes = |patterns: &Vec<Value>| matches(subject, patterns);
    arms.iter().enumerate().find(|(_, arm)| arm.patterns.as_ref().is_none_or(takes))
}

/// Whether an arm with these patterns takes the subject.
pub(crate) fn matches(subject: &Value, patterns: &[Value]) -> bool {
    patterns.iter().any(|pattern| subject == pattern || is_in(subject, pattern))
}

/// Whether a comparison holds of two values that lie to each other like this.
pub(crate) fn ordered(how: Compare, order: Ordering) -> bool {
    match how {
        Compare::Eq => order.is_eq(),
        Compare::Ne => order.is_ne(),
        Compare::Lt => order.is_lt(),
        Compare::Le => order.is_le(),
        Compare::Gt => order.is_gt(),
        Compare::Ge => order.is_ge(),
    }
}

/// The items a quantifier looks at, and whether these are all.
pub(crate) fn items(list: &Value) -> (Vec<&Value>, bool) {
    match list {
        Value::List(items) => (items.iter().take(ITEMS).collect(), items.len() <= ITEMS),
        Value::Set(items) => (items.iter().take(ITEMS).collect(), items.len() <= ITEMS),
        _ => (Vec::new(), true),
    }
}
