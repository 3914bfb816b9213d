//! Values put where an expression reads, such that it should come to what is wanted. Whether it does, a replay finds out.

use std::collections::BTreeMap;
use std::sync::Arc;

use lang::eval::compare;
use lang::policy::{Compare, LocalId, Quantifier};
use lang::segment::Segments;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::cut::ELSEWHERE;
use super::formula::{Env, Place};
use super::identity::{self, BOUND};
use super::term::Term;
use crate::frame::SlotId;
use crate::program::{Expr, Program, named};

/// The most values of a type that are tried.
const SAMPLES: usize = 8;

/// The most items that a list is made to hold.
const MOST_ITEMS: i64 = 8;

/// What names mean in what is computed.
#[derive(Debug)]
pub(super) struct Names {
    /// By the number of their meaning less one.
    pub(super) places: Vec<Place>,
}

impl Names {
    /// What names mean at this place.
    pub(super) fn env(&self, place: u32) -> Env<'_> {
        let at = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
        let place = at.and_then(|at| self.places.get(at));
        place.map_or(Env { captures: &[], locals: &[] }, Place::env)
    }
}

/// What a request is made to say, value by value.
pub(super) struct Guess<'g> {
    pub(super) program: &'g Program,
    pub(super) keeps: Keeps,
    pub(super) said: Vec<(Term, Value)>,
    /// How many expressions may still be looked at.
    pub(super) steps: usize,
}

/// The most expressions that are looked at for one guess.
pub(super) const STEPS: usize = 40_000;

/// Which of two sides that are compared stays as it is, where one has to change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    First,
    Second,
}

impl Guess<'_> {
    /// Puts values where the expression reads, such that it should come to this one.
    pub(super) fn solve(&mut self, id: ExprId, value: Value, env: Env<'_>) {
        let Some(steps) = self.steps.checked_sub(1) else { return };
        self.steps = steps;
        let program = self.program;
        match (program.expr(id), value) {
            (Expr::Slot(slot), value) => self.put_slot(*slot, value),
            (Expr::Capture(name), value) if !value.is_absent() => {
                if let Some((_, place, _)) = env.captures.iter().find(|(known, ..)| known == name) {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    self.put(Term::Segment(*place), Value::string(text));
                }
            }
            (Expr::Coalesce(first, _), value) => self.solve(*first, value, env),
            (Expr::Local(local), value) => {
                if let Some(named) = named(env.locals, *local) {
                    self.solve(named, value, env);
                }
            }
            (Expr::Member(base, name), value) if !value.is_absent() => {
                match identity::token(program, *base) {
                    Some(_) if BOUND.contains(&&**name) => {}
                    Some(auth) => self.put(Term::Claim(auth, name.clone()), value),
                    None => {
                        let part = Value::Map(Arc::new(BTreeMap::from([(name.clone(), value)])));
                        self.solve(*base, part, env);
                    }
                }
            }
            (Expr::Not(inner), Value::Bool(holds)) => {
                self.solve(*inner, Value::Bool(!holds), env);
            }
            (Expr::And(parts), Value::Bool(true)) => {
                parts.iter().for_each(|part| self.solve(*part, Value::Bool(true), env));
            }
            (Expr::Or(parts), Value::Bool(true)) => {
                parts.iter().take(1).for_each(|part| self.solve(*part, Value::Bool(true), env));
            }
            (Expr::In(item, of), Value::Bool(true)) => {
                let wanted = self.values(*item, env).into_iter().next();
                let wanted = wanted.unwrap_or_else(|| Value::string("x"));
                self.hold(*of, wanted.clone(), env);
                self.solve(*item, wanted, env);
            }
            // One item that fits is enough for `any`, one that does not for `all` to fail.
            (Expr::Quantified(how, item, list, predicate), Value::Bool(holds))
                if holds == (*how == Quantifier::Any) =>
            {
                self.hold(*list, fitting(program, *item, *predicate, holds), env);
            }
            (Expr::Quantified(Quantifier::Count, item, list, predicate), Value::Int(many)) => {
                for _ in 0..many.min(MOST_ITEMS) {
                    self.hold(*list, fitting(program, *item, *predicate, true), env);
                }
            }
            (Expr::Present(inner), Value::Bool(true)) => {
                self.solve(*inner, Value::string("x"), env);
            }
            (Expr::Compare(how, a, b), Value::Bool(holds)) => {
                self.relate((*how, *a, *b), holds, env);
            }
            (Expr::Call(function, arguments), value) => {
                let [argument] = arguments.as_slice() else { return };
                let text = match (function.name, value) {
                    ("length", Value::Int(length)) => {
                        "x".repeat(usize::try_from(length).unwrap_or_default().min(1_000))
                    }
                    ("lower" | "upper" | "trim" | "text", Value::String(text)) => text.to_string(),
                    ("int" | "ip", value) if !value.is_absent() => value.to_string(),
                    _ => return,
                };
                self.solve(*argument, Value::string(text), env);
            }
            _ => {}
        }
    }

    /// Puts values on two sides such that they compare so, or do not. What is said already stays as far as it can.
    fn relate(&mut self, (how, a, b): (Compare, ExprId, ExprId), holds: bool, env: Env<'_>) {
        let [ones, others] = [a, b].map(|side| self.values(side, env));
        let takes = |side, value: &Value| self.takes(side, value, env);
        let both = |own: &[Value], other: &[Value], side| -> Vec<Value> {
            let all = own.iter().chain(other.iter().filter(|value| takes(side, value)));
            all.cloned().collect()
        };
        let (ones, others) = (both(&ones, &others, a), both(&others, &ones, b));
        let fit = |one: &Value, other: &Value| compare(how, one, other) == holds;
        let mut pairs: Vec<(usize, usize)> = (0..ones.len())
            .flat_map(|one| (0..others.len()).map(move |other| (one, other)))
            .collect();
        pairs.sort_by_key(|(one, other)| match self.keeps {
            Keeps::First => (*one, *other),
            Keeps::Second => (*other, *one),
        });
        let values = pairs
            .into_iter()
            .filter_map(|(one, other)| Some((ones.get(one)?.clone(), others.get(other)?.clone())));
        if let Some((one, other)) = values.into_iter().find(|(one, other)| fit(one, other)) {
            self.solve(a, one, env);
            self.solve(b, other, env);
        }
    }

    /// What an expression may come to: what is said of it first, then some that it comes to where that is said.
    fn values(&self, id: ExprId, env: Env<'_>) -> Vec<Value> {
        let said = self.value(id, env);
        let samples = self.ty(id, env).map(|ty| samples(&ty)).unwrap_or_default();
        let more = samples.into_iter().filter(|sample| said.as_ref() != Some(sample));
        said.iter().cloned().chain(more).collect()
    }

    /// What an expression comes to by what is said.
    fn value(&self, id: ExprId, env: Env<'_>) -> Option<Value> {
        let program = self.program;
        match program.expr(id) {
            Expr::Const(value) => Some(value.clone()),
            Expr::Slot(slot) => self.known(&Term::of(program, *slot)),
            Expr::Capture(name) => {
                let (_, place, kind) = env.captures.iter().find(|(known, ..)| known == name)?;
                Some(kind.value(self.known(&Term::Segment(*place))?.as_str()?))
            }
            Expr::Member(base, name) => {
                let auth = identity::token(program, *base)?;
                self.known(&Term::Claim(auth, name.clone()))
            }
            Expr::Coalesce(first, _) => self.value(*first, env),
            Expr::Local(local) => self.value(named(env.locals, *local)?, env),
            _ => None,
        }
    }

    /// What an expression is, if values of that can be put where it reads.
    fn ty(&self, id: ExprId, env: Env<'_>) -> Option<Ty> {
        let program = self.program;
        match program.expr(id) {
            Expr::Slot(slot) => program.slot(*slot).map(|slot| slot.ty.present().clone()),
            Expr::Capture(name) => {
                let (_, _, kind) = env.captures.iter().find(|(known, ..)| known == name)?;
                Some(match kind {
                    Segments::Int => Ty::Int,
                    Segments::Uuid => Ty::Uuid,
                    kind => match kind.words() {
                        Some(words) => Ty::OneOf(words.into()),
                        None => Ty::String,
                    },
                })
            }
            Expr::Member(base, name) => match identity::token(program, *base) {
                Some(auth) => {
                    identity::claim(&program.slot(auth)?.ty, name).map(|ty| ty.present().clone())
                }
                None => Some(Ty::String),
            },
            Expr::Coalesce(first, _) => self.ty(*first, env),
            Expr::Local(local) => self.ty(named(env.locals, *local)?, env),
            Expr::Call(function, _) => Some((function.returns)().present().clone()),
            _ => None,
        }
    }

    /// Whether an expression may come to this value.
    fn takes(&self, id: ExprId, value: &Value, env: Env<'_>) -> bool {
        self.ty(id, env).is_some_and(|ty| match (ty, value) {
            (Ty::String, Value::String(_)) | (Ty::Int, Value::Int(_)) => true,
            (Ty::OneOf(words), Value::String(word)) => words.contains(word),
            (ty, value) => samples(&ty).contains(value),
        })
    }

    /// Gives what a slot reads this value.
    fn put_slot(&mut self, slot: SlotId, value: Value) {
        let is_path = self.program.slot(slot).is_some_and(|slot| &*slot.field == "req.path");
        match (Term::of(self.program, slot), value) {
            (Term::Slot(_), value) if is_path => self.put(Term::Path, value),
            (Term::Method, Value::String(text)) => self.put(Term::Method, Value::Method(text)),
            (term, value) => self.put(term, value),
        }
    }

    /// Puts values where a list is made of what the request says, such that it should hold this one.
    fn hold(&mut self, list: ExprId, item: Value, env: Env<'_>) {
        let program = self.program;
        match program.expr(list) {
            Expr::Coalesce(first, _) => self.hold(*first, item, env),
            Expr::Call(function, arguments) if function.name == "split" => {
                if let Some(text) = arguments.first() {
                    self.solve(*text, item, env);
                }
            }
            Expr::Member(base, name) => match (identity::token(program, *base), item) {
                (Some(auth), Value::String(text)) if !BOUND.contains(&&**name) => {
                    self.put(Term::Held(auth, name.clone(), text), Value::Bool(true));
                }
                _ => {}
            },
            Expr::Slot(slot) => match one_of_all(program, *slot) {
                // What is said once is all that such a list holds.
                Some(one) => self.put(Term::Slot(one), item),
                None => {
                    let said = match self.known(&Term::Slot(*slot)) {
                        Some(Value::List(said)) => said.to_vec(),
                        _ => Vec::new(),
                    };
                    let all = said.into_iter().chain([item]);
                    self.put(Term::Slot(*slot), Value::list(all));
                }
            },
            _ => {}
        }
    }

    fn known(&self, term: &Term) -> Option<Value> {
        let known = self.said.iter().find(|(other, value)| other == term && !value.is_absent());
        known.map(|(_, value)| value.clone())
    }

    /// Gives a field this value; of a document, what it had is kept.
    pub(super) fn put(&mut self, term: Term, value: Value) {
        let value = match (self.known(&term), value) {
            (Some(Value::Map(old)), Value::Map(new)) => Value::Map(Arc::new(joined(&old, &new))),
            (_, value) => value,
        };
        self.said.retain(|(other, _)| *other != term);
        self.said.push((term, value));
    }
}

/// Some values of a type, different ones, the usual one first.
fn samples(ty: &Ty) -> Vec<Value> {
    let uuid = |last: u8| Value::string(format!("00000000-0000-4000-8000-00000000000{last}"));
    match ty {
        Ty::String => vec![Value::string("x"), Value::string("y")],
        Ty::Int => vec![Value::Int(1), Value::Int(2), Value::Int(0)],
        Ty::Size => vec![Value::Size(1), Value::Size(2), Value::Size(0)],
        Ty::Time => vec![Value::Time(1), Value::Time(2), Value::Time(0)],
        Ty::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Ty::Uuid => vec![uuid(0), uuid(1)],
        Ty::Ip => vec![Value::ip(ELSEWHERE.into()), Value::ip([127, 0, 0, 1].into())],
        Ty::OneOf(words) => words.iter().take(SAMPLES).cloned().map(Value::String).collect(),
        _ => Vec::new(),
    }
}

/// The slot that reads the one value of which this one reads all, if the program asks for it.
pub(super) fn one_of_all(program: &Program, all: SlotId) -> Option<SlotId> {
    let all = program.slot(all)?;
    let field = all.field.strip_suffix(".all")?;
    program.slot_of(field, all.key.as_deref())
}

/// An item for which a predicate should hold, or should not.
fn fitting(program: &Program, item: LocalId, predicate: ExprId, holds: bool) -> Value {
    let is_item = |id: &ExprId| matches!(program.expr(*id), Expr::Local(local) if *local == item);
    let text = |id: &ExprId| match program.expr(*id) {
        Expr::Const(value @ Value::String(_)) => Some(value.clone()),
        _ => None,
    };
    let named = match program.expr(predicate) {
        Expr::Compare(Compare::Eq, a, b) if is_item(a) => text(b),
        Expr::Compare(Compare::Eq, a, b) if is_item(b) => text(a),
        Expr::Call(_, arguments) => match arguments.as_slice() {
            [first, other] if is_item(first) => text(other),
            _ => None,
        },
        Expr::And(parts) => {
            return parts
                .first()
                .map_or_else(|| Value::string("x"), |part| fitting(program, item, *part, holds));
        }
        _ => None,
    };
    match named {
        Some(value) if holds => value,
        Some(value) if value.as_str() == Some("x") => Value::string("y"),
        _ => Value::string("x"),
    }
}

fn joined(
    old: &BTreeMap<Arc<str>, Value>,
    new: &BTreeMap<Arc<str>, Value>,
) -> BTreeMap<Arc<str>, Value> {
    let mut all = old.clone();
    for (name, value) in new {
        let value = match (all.get(name), value) {
            (Some(Value::Map(old)), Value::Map(new)) => Value::Map(Arc::new(joined(old, new))),
            // What is asked of it as a text it says as it is.
            (
                Some(old @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))),
                Value::String(text),
            ) if old.to_string() == **text => {
                continue;
            }
            (_, value) => value.clone(),
        };
        all.insert(name.clone(), value);
    }
    all
}
