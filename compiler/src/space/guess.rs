//! Requests that may belong to a set although something about it is unknown. Where an answer is wanted that no class
//! tells, a value is made for which it should be given; whether it is, a replay finds out. And what is unknown is named.

use std::collections::BTreeMap;

use lang::policy::Compare;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::building::is_free;
use super::cut::{
    COOKIES, ELSEWHERE, HOSTS, IDS, NAMES, RESTS, SEGMENTS, SUBJECTS, VALUES, can_say, example,
    is_host_name,
};
use super::diagram::Set;
use super::few::PROTOCOLS;
use super::identity::carries_token;
use super::patience::Patience;
use super::sets::Space;
use super::solve::{Guess, Keeps, STEPS, one_of_all};
use super::term::Term;
use super::test::Test;
use crate::frame::SlotId;
use crate::pattern::{Plain, plain};
use crate::program::Program;

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
        let is_possible = |guess: &[(Term, Value)]| {
            guess.iter().all(|(term, value)| can_be(program, term, value))
        };
        let is_free = |guess: &Vec<(Term, Value)>| {
            guess.iter().filter(|said| !plainly.contains(said)).all(|(term, _)| match term {
                Term::Slot(slot) => {
                    (is_free(program, *slot) || is_made_freely(program, *slot))
                        && !carries_token(program, *slot)
                }
                _ => true,
            })
        };
        let mut guesses = vec![plainly.clone()];
        for keeps in [Keeps::First, Keeps::Second] {
            let guess = self.solved(set, &plainly, (program, keeps), patience);
            if is_free(&guess) && !guesses.contains(&guess) {
                guesses.push(guess);
            }
        }
        guesses.retain(|guess| is_possible(guess));
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

    /// The values with others put where something is computed, such that what the set wants of that should come out.
    fn solved(
        &self,
        set: Set,
        plainly: &[(Term, Value)],
        (program, keeps): (&Program, Keeps),
        patience: &Patience,
    ) -> Vec<(Term, Value)> {
        let mut guess = Guess { program, keeps, said: plainly.to_vec(), steps: STEPS };
        let mut texts: BTreeMap<Term, Wanted> = BTreeMap::new();
        for (field, class) in self.diagram.pick(set).unwrap_or_default() {
            let Some(field) = self.fields.get(field).filter(|field| !field.settable) else {
                continue;
            };
            if let (None, Term::Slot(slot)) = (&field.alone, &field.term)
                && is_of_cookies(program, *slot)
            {
                // Whoever says a cookie says the field.
                let is_there =
                    field.samples.get(class as usize).is_some_and(|one| !one.is_absent());
                let free = cookies(program).find(|slot| {
                    !carries_token(program, *slot) && !says(&guess.said, &Term::Slot(*slot))
                });
                if let Some(slot) = free.filter(|_| is_there) {
                    guess.put(Term::Slot(slot), Value::string("x"));
                }
                continue;
            }
            let wanted = match &field.alone {
                Some(test) if class == 0 => match wanted(test, &field.term, patience) {
                    Some(plain) => {
                        texts.entry(field.term.clone()).or_default().add(plain);
                        None
                    }
                    None => passing(test),
                },
                Some(Test::True) => Some(Value::Bool(false)),
                Some(_) => None,
                None => field.samples.get(class as usize).cloned(),
            };
            if let (Term::Computed(id, place), Some(value)) = (&field.term, wanted) {
                guess.solve(*id, value, self.names.env(*place));
            }
        }
        for (term, wanted) in texts {
            let text = wanted.text();
            match term {
                Term::Computed(id, place) => {
                    guess.solve(id, Value::string(text), self.names.env(place));
                }
                Term::Path => {
                    let slash = if text.starts_with('/') { "" } else { "/" };
                    guess.put(Term::Path, Value::string(format!("{slash}{text}")));
                }
                term => guess.put(term, Value::string(text)),
            }
        }
        fit_content(program, &mut guess.said);
        guess.said
    }

    /// What no request can be made to fit, of all that the set depends on.
    pub(crate) fn blamed(&self, set: Set) -> Vec<Blame> {
        let support = self.diagram.support(set);
        let fields = support.into_iter().filter_map(|field| self.fields.get(field));
        let blamed = fields.filter(|field| !field.settable).filter_map(|field| match &field.term {
            Term::Unknown(..) => None,
            Term::Computed(id, _) => Some(Blame { expr: Some(*id), is_large: false }),
            _ => {
                let language = field.alone.as_ref().and_then(Test::language);
                Some(Blame { expr: field.by, is_large: language.is_some() })
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
        Term::Slot(slot) => match program.slot(*slot) {
            None => true,
            Some(slot) => match (&*slot.field, slot.ty.present()) {
                ("req.header" | "req.header.all", _) => can_say(&VALUES, text),
                ("req.cookie", _) => can_say(&COOKIES, text),
                ("req.path", _) => can_say(&RESTS, text),
                ("req.host", _) => can_say(&HOSTS, text),
                ("conn.sni", _) => can_say(&NAMES, text) && is_host_name(text),
                ("req.id", _) => can_say(&IDS, text),
                ("conn.alpn", _) => PROTOCOLS.contains(&text),
                ("conn.tls.client", _) => can_say(&SUBJECTS, text),
                (_, Ty::OneOf(words)) => words.iter().any(|word| **word == *text),
                _ => true,
            },
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
