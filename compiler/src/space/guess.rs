//! Requests that may belong to a set although something about it is unknown. Where an answer is wanted that no class
//! tells, a value is made for which it should be given; whether it is, a replay finds out. And what is unknown is named.

use std::collections::BTreeMap;
use std::sync::Arc;

use lang::policy::{Compare, LocalId, Quantifier};
use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::building::is_free;
use super::cut::{COOKIES, ELSEWHERE, HOSTS, RESTS, SEGMENTS, SUBJECTS, VALUES, can_say, example};
use super::diagram::Set;
use super::identity::carries_token;
use super::patience::Patience;
use super::sets::Space;
use super::term::Term;
use super::test::Test;
use crate::frame::SlotId;
use crate::pattern::{Plain, plain};
use crate::program::{Expr, Program};

/// Something on which a set depends and that no request can be made to fit.
#[derive(Clone, Debug)]
pub(crate) struct Blame {
    /// The expression that cannot be followed, if it is known.
    pub(crate) expr: Option<ExprId>,
    /// Whether it could be, if less were asked of the same field.
    pub(crate) is_large: bool,
}

/// What is wanted of a text: how it begins, what it holds, how it ends.
#[derive(Default)]
struct Wanted {
    begins: String,
    holds: String,
    ends: String,
}

impl Space {
    /// Values of a request that may belong to the set, the plainest first: a guess, to be replayed.
    pub(crate) fn guesses(
        &self,
        set: Set,
        program: &Program,
        patience: &Patience,
    ) -> Vec<Vec<(Term, Value)>> {
        let Some(plainly) = self.values(set) else { return Vec::new() };
        let mut guess = plainly.clone();
        let mut texts: BTreeMap<Term, Wanted> = BTreeMap::new();
        for (field, class) in self.diagram.pick(set).unwrap_or_default() {
            let Some(field) = self.fields.get(field).filter(|field| !field.settable) else {
                continue;
            };
            match (&field.alone, &field.term) {
                (Some((test, _)), term) if class == 0 => match wanted(test, term, patience) {
                    Some(plain) => texts.entry(term.clone()).or_default().add(plain),
                    None => {
                        if let (Term::Computed(id, _), Some(value)) = (term, passing(test)) {
                            solve(program, *id, value, &mut guess);
                        }
                    }
                },
                (None, Term::Slot(slot)) if is_of_cookies(program, *slot) => {
                    // Whoever says a cookie says the field.
                    let is_there =
                        field.samples.get(class as usize).is_some_and(|one| !one.is_absent());
                    let free = cookies(program).find(|slot| {
                        !carries_token(program, *slot) && !says(&guess, &Term::Slot(*slot))
                    });
                    if let Some(slot) = free.filter(|_| is_there) {
                        put(&mut guess, Term::Slot(slot), Value::string("x"));
                    }
                }
                (Some((Test::True, _)), Term::Computed(id, _)) => {
                    solve(program, *id, Value::Bool(false), &mut guess);
                }
                (None, Term::Computed(id, _)) => {
                    if let Some(value) = field.samples.get(class as usize) {
                        solve(program, *id, value.clone(), &mut guess);
                    }
                }
                _ => {}
            }
        }
        for (term, wanted) in texts {
            let text = wanted.text();
            match term {
                Term::Computed(id, _) => solve(program, id, Value::string(text), &mut guess),
                Term::Path => {
                    let slash = if text.starts_with('/') { "" } else { "/" };
                    put(&mut guess, Term::Path, Value::string(format!("{slash}{text}")));
                }
                term => put(&mut guess, term, Value::string(text)),
            }
        }
        fit_content(program, &mut guess);
        let is_possible = |guess: &[(Term, Value)]| {
            guess.iter().all(|(term, value)| can_be(program, term, value))
        };
        let is_free = is_possible(&guess)
            && guess.iter().filter(|said| !plainly.contains(said)).all(|(term, _)| match term {
                Term::Slot(slot) => {
                    (is_free(program, *slot) || is_made_freely(program, *slot))
                        && !carries_token(program, *slot)
                }
                _ => true,
            });
        let mut guesses = Vec::new();
        if is_possible(&plainly) {
            guesses.push(plainly);
        }
        guesses.extend(Some(guess).filter(|_| is_free));
        // Where nothing is said of who asks, it may matter all the same.
        let who: Vec<SlotId> = ["client.ip", "conn.peer"]
            .into_iter()
            .filter_map(|field| program.slot_of(field, None))
            .collect();
        if let Some(slot) = who.first() {
            let is_open = |guess: &&Vec<(Term, Value)>| {
                guess.iter().all(|(term, _)| !who.iter().any(|slot| *term == Term::Slot(*slot)))
            };
            let elsewhere = Value::ip(ELSEWHERE.into());
            let elsewhere: Vec<Vec<(Term, Value)>> = guesses
                .iter()
                .filter(is_open)
                .map(|guess| [&guess[..], &[(Term::Slot(*slot), elsewhere.clone())]].concat())
                .collect();
            guesses.extend(elsewhere);
        }
        guesses
    }

    /// What no request can be made to fit, of all that the set depends on.
    pub(crate) fn blamed(&self, set: Set) -> Vec<Blame> {
        let support = self.diagram.support(set);
        let fields = support.into_iter().filter_map(|field| self.fields.get(field));
        let blamed = fields.filter(|field| !field.settable).filter_map(|field| {
            let by = field.alone.as_ref().and_then(|(_, by)| *by);
            match &field.term {
                Term::Unknown(..) => None,
                Term::Computed(id, _) => Some(Blame { expr: Some(*id), is_large: false }),
                _ => {
                    let language = field.alone.as_ref().and_then(|(test, _)| test.language());
                    Some(Blame { expr: by, is_large: language.is_some() })
                }
            }
        });
        blamed.collect()
    }
}

impl Wanted {
    fn add(&mut self, plain: Plain) {
        match plain {
            Plain::Is(text) | Plain::Begins(text) => self.begins = text,
            Plain::Holds(text) => self.holds.push_str(&text),
            Plain::Ends(text) => self.ends = text,
        }
    }

    fn text(self) -> String {
        self.begins + &self.holds + &self.ends
    }
}

/// What a test wants of a text, if it is one of texts.
fn wanted(test: &Test, term: &Term, patience: &Patience) -> Option<Plain> {
    let language = test.language()?;
    plain(&language).or_else(|| {
        let pattern = patience.pattern(&language)?;
        let text = example(*term == Term::Path, &pattern, patience)?;
        Some(Plain::Holds(text.to_string()))
    })
}

/// A value that passes the test, if one is plain to see.
fn passing(test: &Test) -> Option<Value> {
    let next = |value: &Value, by: i64| match value {
        Value::Int(value) => Some(Value::Int(value.saturating_add(by))),
        _ => None,
    };
    match test {
        Test::True => Some(Value::Bool(true)),
        Test::Present => Some(Value::string("x")),
        Test::Compare(Compare::Eq | Compare::Ge | Compare::Le, with) => Some(with.clone()),
        Test::Compare(Compare::Gt | Compare::Ne, with) => next(with, 1),
        Test::Compare(Compare::Lt, with) => next(with, -1),
        Test::In(Value::List(items)) => items.first().and_then(within),
        Test::In(of) => within(of),
        Test::Matches(patterns) => patterns.first().and_then(within),
        _ => None,
    }
}

/// A value that lies in this one.
fn within(of: &Value) -> Option<Value> {
    Some(match of {
        Value::Range(ends) => ends.0.clone(),
        Value::Cidr(network) => Value::Ip(network.network()),
        Value::List(_) | Value::Set(_) | Value::Map(_) | Value::Regex(_) => return None,
        one => one.clone(),
    })
}

/// Puts values where the expression reads, such that it should come to this one.
fn solve(program: &Program, id: ExprId, value: Value, guess: &mut Vec<(Term, Value)>) {
    match (program.expr(id), value) {
        (Expr::Slot(slot), value) => put_slot(program, *slot, value, guess),
        (Expr::Coalesce(first, _), value) => solve(program, *first, value, guess),
        (Expr::Member(base, name), value) if !value.is_absent() => {
            let part = Value::Map(Arc::new(BTreeMap::from([(name.clone(), value)])));
            solve(program, *base, part, guess);
        }
        (Expr::Not(inner), Value::Bool(holds)) => {
            solve(program, *inner, Value::Bool(!holds), guess);
        }
        (Expr::And(parts), Value::Bool(true)) => {
            parts.iter().for_each(|part| solve(program, *part, Value::Bool(true), guess));
        }
        (Expr::Or(parts), Value::Bool(true)) => {
            parts.iter().take(1).for_each(|part| solve(program, *part, Value::Bool(true), guess));
        }
        (Expr::In(item, of), Value::Bool(true)) => {
            let wanted = said(program, *item, guess).unwrap_or_else(|| Value::string("x"));
            hold(program, *of, wanted, guess);
        }
        // One item that fits is enough for `any`, one that does not for `all` to fail.
        (Expr::Quantified(how, item, list, predicate), Value::Bool(holds))
            if holds == (*how == Quantifier::Any) =>
        {
            hold(program, *list, fitting(program, *item, *predicate, holds), guess);
        }
        (Expr::Present(inner), Value::Bool(true)) => {
            solve(program, *inner, Value::string("x"), guess);
        }
        (Expr::Compare(how, a, b), Value::Bool(true)) => {
            let same = matches!(how, Compare::Eq | Compare::Ge | Compare::Le);
            let value = [a, b].into_iter().find_map(|side| said(program, *side, guess));
            let value = value.filter(|_| same).unwrap_or_else(|| Value::string("x"));
            for side in [a, b].into_iter().filter(|_| same) {
                solve(program, *side, value.clone(), guess);
            }
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
            solve(program, *argument, Value::string(text), guess);
        }
        _ => {}
    }
}

/// Whether a slot reads the field in which cookies stand.
fn is_of_cookies(program: &Program, slot: SlotId) -> bool {
    let slot = program.slot(slot);
    slot.is_some_and(|slot| (&*slot.field, slot.key.as_deref()) == ("req.header", Some("cookie")))
}

/// The slots that read a cookie each.
fn cookies(program: &Program) -> impl Iterator<Item = SlotId> {
    let slots = (0..).map(SlotId).zip(&program.slots);
    slots.filter(|(_, slot)| &*slot.field == "req.cookie").map(|(id, _)| id)
}

/// Whether a field is said to be something, or not to be there.
fn says(guess: &[(Term, Value)], term: &Term) -> bool {
    guess.iter().any(|(said, _)| said == term)
}

/// Whether a slot reads all values of a field of which nothing else is asked.
fn is_made_freely(program: &Program, all: SlotId) -> bool {
    let Some(slot) = program.slot(all) else { return false };
    match (&*slot.field, slot.key.as_deref()) {
        ("req.header.all", Some("host" | "cookie" | "content-length" | "transfer-encoding")) => {
            false
        }
        ("req.header.all" | "req.query.all", _) => one_of_all(program, all).is_none(),
        _ => false,
    }
}

/// Gives what a slot reads this value.
fn put_slot(program: &Program, slot: SlotId, value: Value, guess: &mut Vec<(Term, Value)>) {
    let is_path = program.slot(slot).is_some_and(|slot| &*slot.field == "req.path");
    match (Term::of(program, slot), value) {
        (Term::Slot(_), value) if is_path => put(guess, Term::Path, value),
        (Term::Method, Value::String(text)) => put(guess, Term::Method, Value::Method(text)),
        (term, value) => put(guess, term, value),
    }
}

/// Puts values where a list is made of what the request says, such that it should hold this one.
fn hold(program: &Program, list: ExprId, item: Value, guess: &mut Vec<(Term, Value)>) {
    match program.expr(list) {
        Expr::Coalesce(first, _) => hold(program, *first, item, guess),
        Expr::Call(function, arguments) if function.name == "split" => {
            if let Some(text) = arguments.first() {
                solve(program, *text, item, guess);
            }
        }
        Expr::Slot(slot) => match one_of_all(program, *slot) {
            // What is said once is all that such a list holds.
            Some(one) => put(guess, Term::Slot(one), item),
            None => {
                let said = match known(guess, &Term::Slot(*slot)) {
                    Some(Value::List(said)) => said.to_vec(),
                    _ => Vec::new(),
                };
                let all = said.into_iter().chain([item]);
                put(guess, Term::Slot(*slot), Value::list(all));
            }
        },
        _ => {}
    }
}

/// The slot that reads the one value of which this one reads all, if the program asks for it.
fn one_of_all(program: &Program, all: SlotId) -> Option<SlotId> {
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

/// What an expression comes to if a field is given a value already.
fn said(program: &Program, id: ExprId, guess: &[(Term, Value)]) -> Option<Value> {
    match program.expr(id) {
        Expr::Const(value) => Some(value.clone()),
        Expr::Slot(slot) => known(guess, &Term::of(program, *slot)),
        Expr::Coalesce(first, _) => said(program, *first, guess),
        _ => None,
    }
}

/// Whether a request can say this there.
fn can_be(program: &Program, term: &Term, value: &Value) -> bool {
    if let Term::Slot(slot) = term
        && program.slot(*slot).is_some_and(|slot| &*slot.field == "req.json")
    {
        return value.is_absent() || is_document(value);
    }
    if let Value::List(items) = value {
        return items.iter().all(|item| can_be(program, term, item));
    }
    let Some(text) = value.as_str() else { return true };
    let is_number = |slot: &SlotId| {
        let slot = program.slot(*slot);
        slot.is_some_and(|slot| matches!(slot.ty.present(), Ty::Status | Ty::Int | Ty::Size))
    };
    match term {
        Term::Slot(slot) if is_number(slot) => false,
        Term::Path => can_say(&RESTS, text),
        Term::Segment(_) => text.is_empty() || can_say(&SEGMENTS, text),
        Term::Host => can_say(&HOSTS, text),
        Term::Method => {
            !text.is_empty() && text != "CONNECT" && text.bytes().all(|b| b.is_ascii_uppercase())
        }
        Term::Slot(slot) => match program.slot(*slot).map(|slot| &*slot.field) {
            Some("req.header" | "req.header.all") => can_say(&VALUES, text),
            Some("req.cookie") => can_say(&COOKIES, text),
            Some("req.path") => can_say(&RESTS, text),
            Some("req.host") => can_say(&HOSTS, text),
            Some("conn.tls.client") => can_say(&SUBJECTS, text),
            _ => true,
        },
        _ => true,
    }
}

/// Says nothing of how long the content is where that is shorter than the document in it: it is as long as that.
fn fit_content(program: &Program, guess: &mut Vec<(Term, Value)>) {
    let is_of = |term: &Term, field: &str| match term {
        Term::Slot(slot) => program.slot(*slot).is_some_and(|slot| &*slot.field == field),
        _ => false,
    };
    let said = guess.iter().find(|(term, _)| is_of(term, "req.json"));
    let Some((_, document)) = said.filter(|(_, document)| !document.is_absent()) else { return };
    let length = crate::said::document(document).len();
    guess.retain(|(term, value)| match value {
        Value::Size(size) if is_of(term, "req.body.size") => {
            usize::try_from(*size).is_ok_and(|size| size >= length)
        }
        _ => true,
    });
}

/// Whether a document can say this: else it is read as something else than it was written as.
fn is_document(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::String(_) => true,
        Value::Float(number) => number.is_finite(),
        Value::List(items) => items.iter().all(is_document),
        Value::Map(fields) => fields.values().all(is_document),
        _ => false,
    }
}

fn known(guess: &[(Term, Value)], term: &Term) -> Option<Value> {
    let known = guess.iter().find(|(other, value)| other == term && !value.is_absent());
    known.map(|(_, value)| value.clone())
}

/// Gives a field this value; of a document, what it had is kept.
fn put(guess: &mut Vec<(Term, Value)>, term: Term, value: Value) {
    let value = match (known(guess, &term), value) {
        (Some(Value::Map(old)), Value::Map(new)) => Value::Map(Arc::new(joined(&old, &new))),
        (_, value) => value,
    };
    guess.retain(|(other, _)| *other != term);
    guess.push((term, value));
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
