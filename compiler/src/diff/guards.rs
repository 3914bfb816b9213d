//! Whether a line of a configured item that is not the same protects more or less than before, as far as its row tells and
//! its values are known without a request.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;
use lang::vocab::{self, ExprId, Guard, Param, Stricter, Without};
use lang::{Span, Ty, Value};

use super::Kind;
use super::items::Line;
use crate::interp::Constants;
use crate::program::Setting;

/// The lines of one setting in one block.
#[derive(Clone, Copy)]
pub(super) struct Own<'b> {
    /// The one that is looked at, if the block has it.
    pub(super) line: Option<&'b Setting>,
    /// The first of the block.
    pub(super) first: Option<&'b Setting>,
    /// The type of the claims that are read, where they are.
    pub(super) claims: Option<&'b Ty>,
}

/// What it means for protection that `new` stands where `old` did.
pub(super) fn verdict(
    constants: &Constants,
    row: &vocab::Setting,
    old: Own<'_>,
    new: Own<'_>,
) -> Kind {
    let sides = Sides { constants, row, old, new };
    let told = row.guards.iter().filter_map(|guard| sides.of(guard));
    told.min().unwrap_or(Kind::Changed)
}

/// Whether lines that add up say together what those of the other side say: all that are like this one but for what is
/// believed by each.
pub(super) fn say_together(
    constants: &Constants,
    (line, written): &Line<'_>,
    old: &[Line<'_>],
    new: &[Line<'_>],
) -> bool {
    let row = written.row;
    let Some(guard) = row.guards.iter().find(|guard| guard.stricter == Stricter::Believed) else {
        return false;
    };
    let is_guarded = |at: usize| {
        let name = row.params.get(at).map(|param| param.name);
        name.is_some_and(|name| guard.params.contains(&name))
    };
    let rest = |line: &Setting| -> Vec<ExprId> {
        let args = line.args.iter().enumerate();
        args.filter(|(at, _)| !is_guarded(*at)).map(|(_, arg)| *arg).collect()
    };
    let all = |lines: &[Line<'_>]| -> Option<Vec<Value>> {
        let alike = lines.iter().map(|(line, _)| *line);
        let alike = alike.filter(|other| other.name == line.name && rest(other) == rest(line));
        let args = alike.flat_map(|line| line.args.iter().enumerate());
        let args = args.filter(|(at, _)| is_guarded(*at));
        args.map(|(_, arg)| constants.get(*arg).cloned()).collect()
    };
    all(old).zip(all(new)).is_some_and(|(old, new)| lie_in(&old, &new) && lie_in(&new, &old))
}

/// What protects on one side.
enum Held {
    /// These values; `None` is one that only loading tells.
    Values(Vec<Option<Value>>),
    /// Less than any line.
    Less,
    /// More than any line.
    More,
    Unknown,
}

struct Sides<'b> {
    constants: &'b Constants,
    row: &'b vocab::Setting,
    old: Own<'b>,
    new: Own<'b>,
}

impl Sides<'_> {
    /// What one guard says; nothing where it is the same.
    fn of(&self, guard: &Guard) -> Option<Kind> {
        if let Stricter::Types = guard.stricter {
            return self.of_claims(guard);
        }
        if let Some(name) = guard.beside
            && ![self.old, self.new].iter().all(|own| self.gives(own.line.or(own.first), name))
        {
            return None;
        }
        let args = |own: &Own<'_>| own.line.map(|line| self.args(line, guard));
        if let (Some(old), Some(new)) = (args(&self.old), args(&self.new))
            && old == new
        {
            return None;
        }
        let kind = match (self.held(self.old, guard), self.held(self.new, guard)) {
            (Held::Less, Held::Less) | (Held::More, Held::More) => None,
            (Held::Less, Held::Values(_) | Held::More) | (Held::Values(_), Held::More) => {
                Some(Kind::Tightened)
            }
            (Held::Values(_), Held::Less) | (Held::More, Held::Values(_) | Held::Less) => {
                Some(Kind::Loosened)
            }
            (Held::Values(old), Held::Values(new)) => {
                let known = |all: Vec<Option<Value>>| all.into_iter().collect::<Option<Vec<_>>>();
                match (known(old), known(new)) {
                    (Some(old), Some(new)) => between(guard.stricter, &old, &new),
                    _ => Some(Kind::Unclear),
                }
            }
            (Held::Unknown, _) | (_, Held::Unknown) => Some(Kind::Unclear),
        };
        match (guard.stricter, kind) {
            (Stricter::Believed, Some(Kind::Tightened)) => Some(Kind::Unclear),
            (_, kind) => kind,
        }
    }

    /// The arguments of a guard. One parameter that takes what is left has more than one.
    fn args(&self, line: &Setting, guard: &Guard) -> Vec<ExprId> {
        let params = self.row.params;
        let places = guard.params.iter().filter_map(|name| place(params, name));
        let args = places.flat_map(|(at, param)| {
            let end = if param.rest { line.args.len() } else { at + 1 };
            line.args.get(at..end).unwrap_or_default()
        });
        args.copied().collect()
    }

    /// Whether a line gives this parameter.
    fn gives(&self, line: Option<&Setting>, name: &str) -> bool {
        let at = place(self.row.params, name).map(|(at, _)| at);
        let arg = line.zip(at).and_then(|(line, at)| line.args.get(at));
        arg.is_some_and(|arg| self.constants.get(*arg).is_none_or(|value| !value.is_absent()))
    }

    fn held(&self, own: Own<'_>, guard: &Guard) -> Held {
        let line = match (own.line, guard.without) {
            (Some(line), _) => line,
            (None, Without::First) => match own.first {
                Some(first) => first,
                None => return Held::Less,
            },
            (None, Without::Less) => return Held::Less,
            (None, Without::More) => return Held::More,
            (None, Without::Unknown) => return Held::Unknown,
            (None, Without::Default) => {
                let params = guard.params.iter().filter_map(|name| place(self.row.params, name));
                let values = params.map(|(_, param)| usual(param)).collect();
                return Held::Values(self.or_part(None, guard, values));
            }
            (None, Without::Value(text)) => {
                let params = guard.params.iter().filter_map(|name| place(self.row.params, name));
                return Held::Values(params.map(|(_, param)| literal(param, text)).collect());
            }
        };
        let args = self.args(line, guard).into_iter();
        let values = args.map(|arg| self.constants.get(arg).cloned()).collect();
        Held::Values(self.or_part(Some(line), guard, values))
    }

    /// The values, with a part of another one in place of those that are not given.
    fn or_part(
        &self,
        line: Option<&Setting>,
        guard: &Guard,
        values: Vec<Option<Value>>,
    ) -> Vec<Option<Value>> {
        let whole = guard.part.and_then(|(name, parts)| {
            let (at, param) = place(self.row.params, name)?;
            let given = line.and_then(|line| line.args.get(at));
            let whole = given.map_or_else(|| usual(param), |arg| self.constants.get(*arg).cloned());
            match whole? {
                Value::Int(whole) => {
                    whole.checked_add(parts - 1)?.checked_div(parts).map(Value::Int)
                }
                _ => None,
            }
        });
        let is_given =
            |value: &Option<Value>| guard.part.is_none() || *value != Some(Value::Absent);
        values.into_iter().map(|one| if is_given(&one) { one } else { whole.clone() }).collect()
    }

    /// Which tokens have the claims that are read, by their types and by what is put where one is left out.
    fn of_claims(&self, guard: &Guard) -> Option<Kind> {
        let read = |own: Own<'_>| -> Claims {
            let Some(Ty::Record(fields)) = own.claims else { return Claims::default() };
            let line = own.line.map(|line| self.args(line, guard)).unwrap_or_default();
            let defaults = match line.first().and_then(|arg| self.constants.get(*arg)) {
                Some(Value::Map(defaults)) => defaults.clone(),
                _ => Arc::default(),
            };
            let of = |(name, ty): &(Arc<str>, Ty)| {
                let claim = Claim { ty: ty.clone(), default: defaults.get(name).cloned() };
                (name.clone(), claim)
            };
            fields.iter().map(of).collect()
        };
        let (old, new) = (read(self.old), read(self.new));
        let (keeps, takes) = (takes(&old, &new), takes(&new, &old));
        match (keeps, takes) {
            (true, true) if old == new => None,
            // What is read of a token that leaves something out decides elsewhere.
            (true, true) | (false, false) => Some(Kind::Unclear),
            (false, true) => Some(Kind::Loosened),
            (true, false) => Some(Kind::Tightened),
        }
    }
}

type Claims = BTreeMap<Arc<str>, Claim>;

#[derive(PartialEq)]
struct Claim {
    ty: Ty,
    default: Option<Value>,
}

impl Claim {
    fn may_be_left_out(&self) -> bool {
        self.default.is_some() || self.ty.is_optional()
    }
}

/// Whether the claims take every token that the other ones take.
fn takes(these: &Claims, those: &Claims) -> bool {
    these.iter().all(|(name, claim)| match those.get(name) {
        None => claim.may_be_left_out() && *claim.ty.present() == Ty::Json,
        Some(other) => {
            (claim.may_be_left_out() || !other.may_be_left_out())
                && holds(claim.ty.present(), other.ty.present())
        }
    })
}

/// Whether what is given for `narrow` can be given for `wide`.
fn holds(wide: &Ty, narrow: &Ty) -> bool {
    match (wide, narrow) {
        (wide, narrow) if wide == narrow => true,
        (Ty::Json, _) | (Ty::Float, Ty::Int) => true,
        (Ty::String, Ty::OneOf(_) | Ty::Uuid | Ty::Ip) => true,
        (Ty::OneOf(words), Ty::OneOf(fewer)) => fewer.iter().all(|word| words.contains(word)),
        (Ty::List(wide) | Ty::Set(wide), Ty::List(narrow) | Ty::Set(narrow)) => holds(wide, narrow),
        _ => false,
    }
}

/// What it means that `new` stands where `old` did; nothing where they are the same.
fn between(stricter: Stricter, old: &[Value], new: &[Value]) -> Option<Kind> {
    if old == new {
        return None;
    }
    let by =
        |strict: &dyn Fn(&Value) -> bool| match (old.iter().all(strict), new.iter().all(strict)) {
            (true, false) => Kind::Loosened,
            (false, true) => Kind::Tightened,
            _ => Kind::Unclear,
        };
    Some(match stricter {
        Stricter::Less => by_size(old.cmp(new)),
        Stricter::More => by_size(new.cmp(old)),
        Stricter::True => by(&Value::is_true),
        Stricter::Word(word) => by(&|value| value.as_str() == Some(word)),
        Stricter::Given => by(&|value| !value.is_absent()),
        Stricter::Fewer | Stricter::Believed => match (lie_in(new, old), lie_in(old, new)) {
            (true, true) => return None,
            (true, false) => Kind::Tightened,
            (false, true) => Kind::Loosened,
            (false, false) => Kind::Unclear,
        },
        Stricter::Types | Stricter::Unknown => Kind::Unclear,
    })
}

fn by_size(order: Ordering) -> Kind {
    if order == Ordering::Less { Kind::Loosened } else { Kind::Tightened }
}

/// Whether each of the items, and of the items of lists among them, is one of the others or lies in one.
fn lie_in(these: &[Value], those: &[Value]) -> bool {
    fn items(all: &[Value]) -> Vec<&Value> {
        let flat = all.iter().flat_map(|value| match value {
            Value::List(items) => items.iter().collect(),
            Value::Set(items) => items.iter().collect(),
            Value::Absent => Vec::new(),
            one => vec![one],
        });
        flat.collect()
    }
    let those = items(those);
    // Networks side by side are one.
    let networks = IpNet::aggregate(&those.iter().filter_map(|item| network(item)).collect());
    items(these).into_iter().all(|item| match network(item) {
        Some(item) => networks.iter().any(|wider| wider.contains(&item)),
        None => those.contains(&item),
    })
}

/// An address as the network that has no other.
fn network(value: &Value) -> Option<IpNet> {
    match value {
        Value::Cidr(network) => Some(*network),
        Value::Ip(address) => Some(IpNet::from(*address)),
        _ => None,
    }
}

fn place<'p>(params: &'p [Param], name: &str) -> Option<(usize, &'p Param)> {
    params.iter().enumerate().find(|(_, param)| param.name == name)
}

/// What a parameter is where nothing is said.
fn usual(param: &Param) -> Option<Value> {
    match param.default {
        Some(text) => literal(param, text),
        None => (param.ty)().is_optional().then_some(Value::Absent),
    }
}

fn literal(param: &Param, text: &str) -> Option<Value> {
    let ty = (param.ty)();
    let value = lang::literal::literal(text, Span::default(), Some(ty.present()));
    value.ok().map(|(value, _)| value)
}
