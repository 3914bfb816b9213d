//! Values made up: of a type, near a constant, and what a pattern fits. Random, but by a seed of its own, so that what is
//! found once is found again.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use lang::value::Rate;
use lang::{Ty, Value};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Numbers by chance (SplitMix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`; zero where there is nothing below it.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.number() % bound as u64) as usize }
    }

    /// True once in `n`.
    pub(super) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        of.get(self.below(of.len()))
    }
}

/// A value of this type; one of `near`, or beside it, where it can be.
pub(super) fn value(ty: &Ty, near: &[Value], names: &[Arc<str>], chance: &mut Chance) -> Value {
    deep(ty, near, names, chance, 3)
}

fn deep(ty: &Ty, near: &[Value], names: &[Arc<str>], chance: &mut Chance, depth: usize) -> Value {
    let fitting: Vec<&Value> = near.iter().filter(|value| fits(value, ty)).collect();
    if !chance.once_in(4)
        && let Some(known) = chance.pick(&fitting)
    {
        let known = (*known).clone();
        return if chance.once_in(3) { beside(&known, chance) } else { known };
    }
    let small = chance.number() % 7;
    let items = |of: &Ty, chance: &mut Chance| -> Vec<Value> {
        let n = if depth == 0 { 0 } else { chance.below(4) };
        (0..n).map(|_| deep(of, near, names, chance, depth - 1)).collect()
    };
    match ty {
        Ty::Optional(_) if chance.once_in(3) => Value::Absent,
        Ty::Optional(inner) => deep(inner, near, names, chance, depth),
        Ty::Bool => Value::Bool(small.is_multiple_of(2)),
        Ty::Int => Value::Int(small as i64 - 2),
        Ty::Float => Value::Float(small as f64 - 2.5),
        Ty::Percent => Value::Percent(small as f64 * 20.0),
        Ty::Duration => Value::Duration(Duration::from_secs(small)),
        Ty::Size => Value::Size(small * 1024),
        Ty::Rate => Value::Rate(Rate { count: small + 1, per: Duration::from_secs(1) }),
        Ty::Ip => Value::Ip(Ipv4Addr::from(chance.number() as u32).into()),
        Ty::Cidr => Value::Ip(IpAddr::V4(Ipv4Addr::from(chance.number() as u32))),
        Ty::Method => Value::Method(Arc::from(["GET", "POST", "BREW"][small as usize % 3])),
        Ty::Status => Value::Status(200 + 100 * (small as u16 % 4)),
        Ty::Time => Value::Time(1_700_000_000 + small as i64),
        Ty::Uuid => Value::string(format!("00000000-0000-4000-8000-{small:012}")),
        Ty::OneOf(words) => chance.pick(words).map_or(Value::Absent, |w| Value::String(w.clone())),
        Ty::List(of) => Value::list(items(of, chance)),
        Ty::Set(of) => Value::Set(Arc::new(items(of, chance).into_iter().collect())),
        Ty::Map(of) => {
            let values = items(of, chance);
            let named = values.into_iter().filter_map(|v| Some((chance.pick(names)?.clone(), v)));
            Value::Map(Arc::new(named.collect()))
        }
        Ty::Record(fields) => {
            let parts = fields.iter().map(|(name, ty)| {
                (name.clone(), deep(ty, near, names, chance, depth.saturating_sub(1)))
            });
            Value::Map(Arc::new(parts.filter(|(_, value)| !value.is_absent()).collect()))
        }
        Ty::Json => match small {
            0 => Value::Null,
            1 => Value::Bool(true),
            2 => Value::Int(1),
            3 | 4 if depth > 0 => deep(&Ty::Map(Arc::new(Ty::Json)), near, names, chance, depth),
            5 if depth > 0 => Value::list(items(&Ty::Json, chance)),
            _ => deep(&Ty::String, near, names, chance, depth),
        },
        Ty::String => Value::string(["", "a", "1", "x-y", "é", "A", "other"][small as usize]),
        Ty::Range(of) => {
            let end = deep(of, near, names, chance, depth.saturating_sub(1));
            Value::Range(Arc::new((end.clone(), end)))
        }
        Ty::Regex | Ty::Secret | Ty::Item(_) | Ty::Error => Value::Absent,
    }
}

fn fits(value: &Value, ty: &Ty) -> bool {
    matches!(
        (value, ty.present()),
        (Value::String(_), Ty::String | Ty::Json)
            | (Value::Int(_), Ty::Int | Ty::Json)
            | (Value::Bool(_), Ty::Json)
            | (Value::Float(_), Ty::Float | Ty::Json)
            | (Value::Ip(_), Ty::Ip)
            | (Value::Method(_), Ty::Method)
            | (Value::Status(_), Ty::Status)
            | (Value::Size(_), Ty::Size)
            | (Value::Duration(_), Ty::Duration)
            | (Value::Time(_), Ty::Time)
    )
}

/// A value of the same type that is not quite the same.
fn beside(value: &Value, chance: &mut Chance) -> Value {
    let step = if chance.once_in(2) { 1 } else { -1 };
    match value {
        Value::String(text) => Value::string(beside_text(text, chance)),
        Value::Int(number) => Value::Int(number.saturating_add(step)),
        Value::Time(number) => Value::Time(number.saturating_add(step)),
        Value::Float(number) => Value::Float(number + step as f64),
        Value::Size(bytes) => Value::Size(bytes.saturating_add_signed(step)),
        Value::Ip(IpAddr::V4(ip)) => {
            Value::Ip(Ipv4Addr::from(u32::from(*ip).wrapping_add_signed(step as i32)).into())
        }
        same => same.clone(),
    }
}

/// A text that differs from this one by a letter, or by little.
pub(super) fn beside_text(text: &str, chance: &mut Chance) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = chance.below(letters.len());
    match (chance.below(5), letters.get_mut(at)) {
        (0, Some(letter)) => *letter = if *letter == 'q' { 'z' } else { 'q' },
        (1, Some(letter)) if letter.is_lowercase() => *letter = letter.to_ascii_uppercase(),
        (2, Some(_)) => drop(letters.pop()),
        (3, _) => letters.insert(0, 'q'),
        _ => letters.push('q'),
    }
    letters.into_iter().collect()
}

/// The constants that a test against this one tells apart.
pub(super) fn parts(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::List(items) => items.iter().take(64).for_each(|item| parts(item, into)),
        Value::Set(items) => items.iter().take(64).for_each(|item| parts(item, into)),
        Value::Map(fields) => {
            into.extend(fields.keys().take(64).map(|name| Value::String(name.clone())));
            fields.values().take(64).for_each(|item| parts(item, into));
        }
        Value::Range(ends) => {
            parts(&ends.0, into);
            parts(&ends.1, into);
        }
        Value::Cidr(network) => {
            into.extend([network.network(), network.broadcast()].map(Value::Ip));
        }
        Value::Regex(pattern) => {
            if let Ok(hir) = regex_syntax::parse(pattern.0.as_str()) {
                into.push(Value::string(fitting(&hir)));
            }
        }
        Value::Absent | Value::Null | Value::Secret(_) | Value::Item(_) => {}
        plain => into.push(plain.clone()),
    }
}

/// A text that the pattern fits, unless it looks at what is around.
fn fitting(pattern: &Hir) -> String {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => String::new(),
        HirKind::Literal(text) => String::from_utf8_lossy(&text.0).into_owned(),
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().first().map(|range| range.start().to_string()).unwrap_or_default()
        }
        HirKind::Class(Class::Bytes(class)) => class
            .ranges()
            .first()
            .map(|range| char::from(range.start()).to_string())
            .unwrap_or_default(),
        HirKind::Repetition(many) => fitting(&many.sub).repeat(many.min.clamp(1, 8) as usize),
        HirKind::Capture(group) => fitting(&group.sub),
        HirKind::Concat(parts) => parts.iter().map(fitting).collect(),
        HirKind::Alternation(parts) => parts.first().map(fitting).unwrap_or_default(),
    }
}
