//! The plain evaluator: what a typed expression means, said as simply as it can be. It is the constant folder's engine
//! and the compiler's oracle, so it takes no short cut and knows no program.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::policy::{Arithmetic, Arm, Compare, Expr, ExprKind, InputId, LocalId, Quantifier};
use crate::types::Ty;
use crate::value::{Rate, Value};
use crate::vocab::Field;

/// The most items a quantifier looks at; a longer list counts as if it ended there for `count`, and `any` and `all`
/// see no further. `all` of a longer list is false, so that what nobody looked at is not vouched for.
pub const ITEMS: usize = 1024;

/// The most bytes of a text that is put together. A longer one is cut off a little behind that, so that it is told from one
/// that is whole; nothing is sent with such a text in its head.
pub const TEXT: usize = 4 << 20;

/// The world an expression reads.
pub trait World {
    /// An input's value.
    fn input(&self, input: InputId) -> Value;
    /// A field's value, for its key where it has one.
    fn field(&self, field: &'static Field, key: Option<&str>) -> Value;
    /// What the route's path captured.
    fn capture(&self, name: &str) -> Value;
    /// The value of a `let`.
    fn local(&self, local: LocalId) -> Value;

    /// Told what each expression that was evaluated came to, its parts before it. For whoever keeps account.
    fn came(&self, _: &Expr, _: &Value) {}

    /// Told which arm a `match` took, before that is evaluated.
    fn took(&self, _: &Arm) {}
}

/// A world in which there is nothing: for constants.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl World for Nothing {
    fn input(&self, _: InputId) -> Value {
        Value::Absent
    }

    fn field(&self, _: &'static Field, _: Option<&str>) -> Value {
        Value::Absent
    }

    fn capture(&self, _: &str) -> Value {
        Value::Absent
    }

    fn local(&self, _: LocalId) -> Value {
        Value::Absent
    }
}

/// A world with one more local in it.
struct With<'w> {
    outer: &'w dyn World,
    name: LocalId,
    value: Value,
}

impl World for With<'_> {
    fn input(&self, input: InputId) -> Value {
        self.outer.input(input)
    }

    fn field(&self, field: &'static Field, key: Option<&str>) -> Value {
        self.outer.field(field, key)
    }

    fn capture(&self, name: &str) -> Value {
        self.outer.capture(name)
    }

    fn local(&self, local: LocalId) -> Value {
        if local == self.name { self.value.clone() } else { self.outer.local(local) }
    }

    fn came(&self, expr: &Expr, value: &Value) {
        self.outer.came(expr, value);
    }

    fn took(&self, arm: &Arm) {
        self.outer.took(arm);
    }
}

/// The value of `expr` in `world`. Total: what cannot be (a checked policy has none of it) is absent.
pub fn eval(expr: &Expr, world: &dyn World) -> Value {
    let value = computed(expr, world);
    world.came(expr, &value);
    value
}

fn computed(expr: &Expr, world: &dyn World) -> Value {
    match &expr.kind {
        ExprKind::Const(value) => value.clone(),
        ExprKind::Input(input) => world.input(*input),
        ExprKind::Field(field, key) => world.field(field, key.as_deref()),
        ExprKind::Capture(name) => world.capture(name),
        ExprKind::Local(local) => world.local(*local),
        ExprKind::Not(inner) => Value::Bool(!eval(inner, world).is_true()),
        ExprKind::And(parts) => Value::Bool(parts.iter().all(|part| eval(part, world).is_true())),
        ExprKind::Or(parts) => Value::Bool(parts.iter().any(|part| eval(part, world).is_true())),
        ExprKind::Compare(how, a, b) => {
            Value::Bool(compare(*how, &eval(a, world), &eval(b, world)))
        }
        ExprKind::In(item, of) => Value::Bool(is_in(&eval(item, world), &eval(of, world))),
        ExprKind::Present(inner) => Value::Bool(!eval(inner, world).is_absent()),
        ExprKind::Coalesce(first, second) => match eval(first, world) {
            Value::Absent => eval(second, world),
            present => present,
        },
        ExprKind::Arithmetic(how, a, b) => arithmetic(*how, &eval(a, world), &eval(b, world)),
        ExprKind::Member(base, name) => member(&eval(base, world), name),
        ExprKind::Call(function, arguments) => {
            let values: Vec<Value> = arguments.iter().map(|part| eval(part, world)).collect();
            (function.eval)(&values)
        }
        ExprKind::Template(parts) => together(parts.iter().map(|part| eval(part, world))),
        ExprKind::Match(subject, arms) => {
            let subject = eval(subject, world);
            let Some(arm) = arms.iter().find(|arm| holds(arm, &subject)) else {
                return Value::Absent;
            };
            world.took(arm);
            eval(&arm.value, world)
        }
        ExprKind::Quantified(how, name, list, predicate) => {
            quantified(*how, *name, &eval(list, world), predicate, world)
        }
        ExprKind::List(items) => {
            let values = items.iter().map(|item| eval(item, world));
            match &expr.ty {
                Ty::Set(_) => Value::Set(Arc::new(values.collect())),
                _ => Value::list(values),
            }
        }
        ExprKind::Record(fields) => {
            let pairs = fields.iter().map(|(name, value)| (name.clone(), eval(value, world)));
            let present = pairs.filter(|(_, value)| !value.is_absent());
            Value::Map(Arc::new(present.collect::<BTreeMap<_, _>>()))
        }
        ExprKind::Error => Value::Absent,
    }
}

/// A comparison; with an absent side it is false.
pub fn compare(how: Compare, a: &Value, b: &Value) -> bool {
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
pub fn is_in(item: &Value, of: &Value) -> bool {
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

/// Whether an address or a network lies in a network, or a value in a range.
fn lies_in(item: &Value, of: &Value) -> bool {
    match (item, of) {
        (Value::Ip(address), Value::Cidr(network)) => network.contains(address),
        (Value::Ip(address), Value::Ip(other)) => address == other,
        (Value::Cidr(inner), Value::Cidr(network)) => network.contains(inner),
        (item, Value::Range(ends)) => *item >= ends.0 && *item <= ends.1,
        _ => false,
    }
}

/// Whether an arm of a `match` takes this subject.
pub fn holds(arm: &Arm, subject: &Value) -> bool {
    match &arm.patterns {
        None => true,
        Some(patterns) => {
            patterns.iter().any(|pattern| subject == pattern || lies_in(subject, pattern))
        }
    }
}

/// `base.name`; absent where it is not there. A JSON `null` is there.
pub fn member(base: &Value, name: &str) -> Value {
    match base {
        Value::Map(fields) => fields.get(name).cloned().unwrap_or_default(),
        _ => Value::Absent,
    }
}

/// Arithmetic that saturates. Amounts that have no negative values end at zero.
pub fn arithmetic(how: Arithmetic, a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(match how {
            Arithmetic::Add => a.saturating_add(*b),
            Arithmetic::Sub => a.saturating_sub(*b),
            Arithmetic::Mul => a.saturating_mul(*b),
            Arithmetic::Div if *b == 0 => return Value::Absent,
            Arithmetic::Div => a.saturating_div(*b),
        }),
        (Value::Float(a), Value::Float(b)) => float(how, *a, *b),
        (Value::Int(a), Value::Float(b)) => float(how, *a as f64, *b),
        (Value::Float(a), Value::Int(b)) => float(how, *a, *b as f64),
        (Value::Duration(a), b) => {
            let ms =
                |value: &std::time::Duration| u64::try_from(value.as_millis()).unwrap_or(u64::MAX);
            let other = match b {
                Value::Duration(b) => ms(b),
                other => natural(other),
            };
            amount(how, ms(a), other)
                .map_or(Value::Absent, |ms| Value::Duration(std::time::Duration::from_millis(ms)))
        }
        (Value::Size(a), b) => {
            let other = if let Value::Size(b) = b { *b } else { natural(b) };
            amount(how, *a, other).map_or(Value::Absent, Value::Size)
        }
        (Value::Rate(a), b) => amount(how, a.count, natural(b))
            .map_or(Value::Absent, |count| Value::Rate(Rate { count, per: a.per })),
        (Value::Time(a), Value::Duration(b)) => {
            let seconds = i64::try_from(b.as_secs()).unwrap_or(i64::MAX);
            arithmetic(how, &Value::Int(*a), &Value::Int(seconds)).into_time()
        }
        _ => Value::Absent,
    }
}

impl Value {
    fn into_time(self) -> Value {
        if let Value::Int(seconds) = self { Value::Time(seconds) } else { Value::Absent }
    }
}

fn natural(value: &Value) -> u64 {
    if let Value::Int(value) = value { u64::try_from(*value).unwrap_or(0) } else { 0 }
}

fn amount(how: Arithmetic, a: u64, b: u64) -> Option<u64> {
    match how {
        Arithmetic::Add => Some(a.saturating_add(b)),
        Arithmetic::Sub => Some(a.saturating_sub(b)),
        Arithmetic::Mul => Some(a.saturating_mul(b)),
        Arithmetic::Div => a.checked_div(b),
    }
}

fn float(how: Arithmetic, a: f64, b: f64) -> Value {
    let value = match how {
        Arithmetic::Add => a + b,
        Arithmetic::Sub => a - b,
        Arithmetic::Mul => a * b,
        Arithmetic::Div => a / b,
    };
    Value::Float(if value.is_nan() { 0.0 } else { value.clamp(f64::MIN, f64::MAX) })
}

fn quantified(
    how: Quantifier,
    name: LocalId,
    list: &Value,
    predicate: &Expr,
    world: &dyn World,
) -> Value {
    let items: Vec<&Value> = match list {
        Value::List(items) => items.iter().take(ITEMS + 1).collect(),
        Value::Set(items) => items.iter().take(ITEMS + 1).collect(),
        _ => Vec::new(),
    };
    let fits = |item: &&&Value| {
        let inner = With { outer: world, name, value: (**item).clone() };
        eval(predicate, &inner).is_true()
    };
    let seen = items.get(..ITEMS).unwrap_or(&items);
    match how {
        Quantifier::Any => Value::Bool(seen.iter().any(|item| fits(&item))),
        Quantifier::All => Value::Bool(items.len() <= ITEMS && seen.iter().all(|item| fits(&item))),
        Quantifier::Count => {
            let count = seen.iter().filter(|item| fits(item)).count();
            Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
        }
    }
}

/// A text put together of values, one behind the other.
pub fn together(parts: impl IntoIterator<Item = impl Borrow<Value>>) -> Value {
    let mut text = String::new();
    for part in parts {
        write_plain(&mut text, part.borrow());
        if text.len() > TEXT {
            break;
        }
    }
    cut(text)
}

/// The text, cut off behind [`TEXT`] bytes.
pub fn cut(mut text: String) -> Value {
    if let Some(end) = (TEXT + 1..text.len()).find(|at| text.is_char_boundary(*at)) {
        text.truncate(end);
    }
    Value::string(text)
}

/// A value inside text: strings stand without quotes.
fn write_plain(text: &mut String, value: &Value) {
    match value {
        Value::String(part) => text.push_str(part),
        Value::Absent => {}
        // Writing to a string does not fail.
        other => drop(write!(text, "{other}")),
    }
}
