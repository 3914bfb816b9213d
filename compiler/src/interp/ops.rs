//! What values mean to each other.

use std::cmp::Ordering;
use std::fmt::Write as _;

use lang::Value;
use lang::policy::{Arithmetic, Compare};

/// The most items a quantifier looks at.
const ITEMS: usize = 1024;

/// A comparison; with an absent side it is false.
pub(crate) fn compare(how: Compare, a: &Value, b: &Value) -> bool {
    if a.is_absent() || b.is_absent() {
        return false;
    }
    let order = a.cmp(b);
    match how {
        Compare::Eq => order == Ordering::Equal,
        Compare::Ne => order != Ordering::Equal,
        Compare::Lt => order == Ordering::Less,
        Compare::Le => order != Ordering::Greater,
        Compare::Gt => order == Ordering::Greater,
        Compare::Ge => order != Ordering::Less,
    }
}

/// Membership; absence is in nothing.
pub(crate) fn is_in(item: &Value, of: &Value) -> bool {
    match (item, of) {
        (Value::Absent, _) => false,
        (item, Value::List(items)) => items.iter().any(|of| item == of || lies_in(item, of)),
        (item, Value::Set(items)) => {
            items.contains(item) || items.iter().any(|of| lies_in(item, of))
        }
        (Value::String(key), Value::Map(fields)) => fields.contains_key(key),
        (item, of) => lies_in(item, of),
    }
}

/// Whether an arm with these patterns takes the subject.
pub(crate) fn matches(subject: &Value, patterns: &[Value]) -> bool {
    patterns.iter().any(|pattern| subject == pattern || lies_in(subject, pattern))
}

fn lies_in(item: &Value, of: &Value) -> bool {
    match (item, of) {
        (Value::Ip(address), Value::Cidr(network)) => network.contains(address),
        (Value::Ip(address), Value::Ip(other)) => address == other,
        (Value::Cidr(inner), Value::Cidr(network)) => network.contains(inner),
        (item, Value::Range(ends)) => *item >= ends.0 && *item <= ends.1,
        _ => false,
    }
}

/// The items a quantifier looks at, and whether these are all.
pub(super) fn items(list: &Value) -> (Vec<&Value>, bool) {
    match list {
        Value::List(items) => (items.iter().take(ITEMS).collect(), items.len() <= ITEMS),
        Value::Set(items) => (items.iter().take(ITEMS).collect(), items.len() <= ITEMS),
        _ => (Vec::new(), true),
    }
}

/// `base.name`; absent where it is not there.
pub(super) fn member(base: &Value, name: &str) -> Value {
    match base {
        Value::Map(fields) => fields.get(name).cloned().unwrap_or_default(),
        _ => Value::Absent,
    }
}

/// Text put together: strings stand without quotes, absence leaves nothing.
pub(super) fn text(parts: &[Value]) -> Value {
    let mut text = String::new();
    for part in parts {
        match part {
            Value::String(part) => text.push_str(part),
            Value::Absent => {}
            // Writing to a string does not fail.
            other => drop(write!(text, "{other}")),
        }
    }
    Value::string(text)
}

/// Arithmetic that saturates.
pub(super) fn arithmetic(how: Arithmetic, a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(match how {
            Arithmetic::Add => a.saturating_add(*b),
            Arithmetic::Sub => a.saturating_sub(*b),
            Arithmetic::Mul => a.saturating_mul(*b),
            Arithmetic::Div if *b == 0 => return Value::Absent,
            Arithmetic::Div => a.saturating_div(*b),
        }),
        _ => Value::Absent,
    }
}
