//! What of a request reaches an upstream, what of an answer reaches the client, and who shares an answer: compared by what
//! is kept from whom. What a policy does not touch passes; what it takes away is kept; what it sets is its own word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::Value;
use lang::policy::{self, LocalId, Message};
use lang::vocab::identity::CLAIMS;
use lang::vocab::{ExprId, Shield};

use super::Kind;
use super::bounds::parts;
use super::choices::Chosen;
use crate::caching::Answers;
use crate::program::{Call, Expr, Step, locals};
use crate::proof::basis::Basis;
use crate::proof::course::{Course, Header};

/// What is exposed on one way through a route.
#[derive(Clone, Default, Debug)]
pub(super) struct Exposure {
    /// Whether an upstream is asked; then what the policy does not touch passes.
    forwards: bool,
    fields: BTreeMap<(bool, Arc<str>), Field>,
    cache: Option<Cache>,
}

/// A header field that the policy touches.
#[derive(Clone, Debug)]
struct Field {
    put: Put,
    shield: Option<Shield>,
}

/// What becomes of a header field.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Put {
    /// It is as it came.
    Passes,
    /// It is taken away.
    Kept,
    /// The policy says it, by who the gateway knows asks.
    Identity(ExprId),
    /// The policy says it.
    Own(ExprId),
    /// It is there.
    Said,
    /// Nobody knows.
    Unknown,
}

/// Who shares an answer.
#[derive(Clone, Debug)]
struct Cache {
    /// Whose, of those who say who they are.
    answers: Answers,
    /// What tells requests apart.
    parts: BTreeSet<ExprId>,
}

impl Exposure {
    /// What a course exposes.
    pub(super) fn of(
        basis: &Basis<'_>,
        course: &Course,
        steps: &[Step],
        chosen: &Chosen,
    ) -> Exposure {
        let lets = locals(steps);
        let fields = course.headers.iter().map(|(message, name, header)| {
            let up = *message == Message::Up;
            let header = match header {
                Header::Value(value) | Header::Trimmed(value) | Header::Fitting(value) => {
                    &Header::Value(chosen.get(value).copied().unwrap_or(*value))
                }
                // Beside it stands what the client says.
                Header::Added(_) | Header::There if up => &Header::Unknown,
                other => other,
            };
            let put = match header {
                Header::Absent => Put::Kept,
                Header::Unknown => Put::Unknown,
                Header::Added(value) => Put::Own(*value),
                Header::Text(_) | Header::There => Put::Said,
                Header::Value(value) if up && echoes(basis, *value, name, &lets) => Put::Passes,
                Header::Value(value) if says_who(basis, *value, &lets) => Put::Identity(*value),
                Header::Value(value) | Header::Trimmed(value) | Header::Fitting(value) => {
                    Put::Own(*value)
                }
            };
            ((up, name.clone()), Field { put, shield: None })
        });
        Exposure { forwards: course.to().is_some(), fields: fields.collect(), cache: None }
    }

    /// Notes a statement that runs.
    pub(super) fn note(
        &mut self,
        basis: &Basis<'_>,
        course: &Course,
        (call, row): (&Call, &policy::Call),
        chosen: &Chosen,
    ) {
        if let Some(place) = &row.place
            && let Some(key) = &place.key
            && let Some(written) = place.field.written
            && let Some(field) =
                self.fields.get_mut(&(place.field.path == "up.header", key.clone()))
        {
            field.shield = (written.shields)(key);
        }
        if row.row.name != "cache" {
            return;
        }
        let key = row.row.params.iter().position(|param| param.name == "key");
        let key = key.and_then(|at| call.args.get(at));
        let key = key.map(|key| parts(basis, chosen.get(key).copied().unwrap_or(*key)));
        let sent = self.fields.iter().filter(|((up, _), _)| *up);
        let sent = sent.filter_map(|(_, field)| match field.put {
            Put::Own(value) | Put::Identity(value) => Some(value),
            Put::Passes | Put::Kept | Put::Said | Put::Unknown => None,
        });
        let parts = key.filter(|parts| !parts.is_empty()).unwrap_or_else(|| sent.collect());
        self.cache = course.caches.map(|answers| Cache { answers, parts });
    }
}

/// A reason for which protection is another one, in words.
pub(super) type Reason = (Kind, String);

/// The header fields that one of the two passes on as a client says them, and the other does not.
pub(super) fn passing(old: &Exposure, new: &Exposure) -> Vec<Arc<str>> {
    let both = old.forwards && new.forwards;
    let names = both.then(|| old.fields.keys().chain(new.fields.keys()));
    let up = names.into_iter().flatten().filter(|(up, _)| *up);
    let passes = |of: &Exposure, name| of.put(name).0 == Put::Passes;
    let told = up.filter(|name| {
        let other = if passes(old, name) { new } else { old };
        passes(old, name) != passes(new, name)
            && matches!(other.put(name).0, Put::Kept | Put::Identity(_))
    });
    let names: BTreeSet<Arc<str>> = told.map(|(_, name)| name.clone()).collect();
    names.into_iter().collect()
}

/// What it means for protection that `new` is exposed where `old` was, and why. What a client says in the fields of
/// `unsaid` reaches no upstream.
pub(super) fn verdict(old: &Exposure, new: &Exposure, unsaid: &[Arc<str>]) -> Vec<Reason> {
    let names: BTreeSet<&(bool, Arc<str>)> = old.fields.keys().chain(new.fields.keys()).collect();
    let fields = names.into_iter().filter_map(|name| {
        let ((before, a), (after, b)) = (old.put(name), new.put(name));
        if before == after {
            return None;
        }
        match name.0 {
            true if unsaid.contains(&name.1) => None,
            true if old.forwards && new.forwards => sent(&name.1, &before, &after),
            true => None,
            false => {
                let as_before = old.forwards == new.forwards;
                answered(&name.1, a.or(b), (&before, &after), as_before)
            }
        }
    });
    fields.chain(shared(old.cache.as_ref(), new.cache.as_ref())).collect()
}

impl Exposure {
    fn put(&self, name: &(bool, Arc<str>)) -> (Put, Option<Shield>) {
        match self.fields.get(name) {
            // An answer of the gateway's own has what the policy sets and no more.
            Some(Field { put: Put::Kept, shield }) if !self.forwards => (Put::Passes, *shield),
            Some(field) => (field.put.clone(), field.shield),
            None => (Put::Passes, None),
        }
    }
}

/// A field of the request that is sent.
fn sent(name: &str, old: &Put, new: &Put) -> Option<Reason> {
    Some(match (old, new) {
        (Put::Kept, Put::Passes) => {
            (Kind::Loosened, format!("the client's `{name}` now reaches the upstream"))
        }
        (Put::Passes, Put::Kept) => {
            (Kind::Tightened, format!("the client's `{name}` no longer reaches the upstream"))
        }
        (Put::Identity(_), Put::Passes) => (
            Kind::Loosened,
            format!("the upstream gets `{name}` as the client says it, and not as it was verified"),
        ),
        (Put::Passes, Put::Identity(_)) => (
            Kind::Tightened,
            format!("the upstream gets `{name}` as it was verified, and not as the client says it"),
        ),
        (Put::Identity(_), Put::Own(_) | Put::Identity(_)) => (
            Kind::Unclear,
            format!("`{name}`, which tells the upstream who asks, is made of something else"),
        ),
        _ => return None,
    })
}

/// A field of the answer. Only where the new policy asks an upstream `as_before` is it told what becomes of
/// what that says.
fn answered(
    name: &str,
    shield: Option<Shield>,
    (old, new): (&Put, &Put),
    as_before: bool,
) -> Option<Reason> {
    let is_said = |put: &Put| matches!(put, Put::Own(_) | Put::Identity(_) | Put::Said);
    Some(match (shield, is_said(old), is_said(new)) {
        (Some(_), true, true) => (Kind::Unclear, format!("`{name}` says something else")),
        (Some(Shield::Holds), true, false) => {
            (Kind::Loosened, format!("the client is no longer held to `{name}`"))
        }
        (Some(Shield::Holds), false, true) => {
            (Kind::Tightened, format!("the client is held to `{name}`"))
        }
        (Some(Shield::Opens), false, true) => {
            (Kind::Loosened, format!("`{name}` lets other sites in"))
        }
        (Some(Shield::Opens), true, false) => {
            (Kind::Tightened, format!("`{name}` no longer lets other sites in"))
        }
        _ if !as_before => return None,
        (shield, ..) => match (old, new, shield) {
            (Put::Passes, Put::Kept, Some(Shield::Holds)) => {
                (Kind::Loosened, format!("the client is no longer held to the upstream's `{name}`"))
            }
            (Put::Kept, Put::Passes, Some(Shield::Holds)) => {
                (Kind::Tightened, format!("the client is held to the upstream's `{name}`"))
            }
            (Put::Kept, Put::Passes, _) => {
                (Kind::Loosened, format!("the upstream's `{name}` now reaches the client"))
            }
            (Put::Passes, Put::Kept, _) => {
                (Kind::Tightened, format!("the upstream's `{name}` no longer reaches the client"))
            }
            _ => return None,
        },
    })
}

/// Who shares an answer. A key of fewer parts gives one the answer that was made for another.
fn shared(old: Option<&Cache>, new: Option<&Cache>) -> Option<Reason> {
    let answers = |cache: Option<&Cache>| cache.map_or(Answers::NOBODY, |cache| cache.answers);
    let told = |kind, words: &str| Some((kind, words.to_owned()));
    let (before, now) = (answers(old), answers(new));
    match (before.exceeds(&now), now.exceeds(&before)) {
        (_, true) => {
            return told(
                Kind::Loosened,
                "answers to requests that say who asks are kept and shared",
            );
        }
        (true, false) => {
            return told(
                Kind::Tightened,
                "answers to requests that say who asks are no longer kept and shared",
            );
        }
        _ => {}
    }
    let (old, new) = (&old?.parts, &new?.parts);
    match (new.is_subset(old), old.is_subset(new)) {
        (true, true) => None,
        (true, false) => {
            told(Kind::Loosened, "the cache's key has fewer parts: more requests share one answer")
        }
        (false, true) => {
            told(Kind::Tightened, "the cache's key has more parts: fewer requests share one answer")
        }
        (false, false) => {
            told(Kind::Unclear, "the cache's key is another: other requests share one answer")
        }
    }
}

/// Whether a value is what the request says in the same field.
fn echoes(basis: &Basis<'_>, value: ExprId, name: &str, lets: &[(LocalId, ExprId)]) -> bool {
    match basis.program.expr(value) {
        Expr::Slot(slot) => {
            basis.program.slots.get(slot.0 as usize).is_some_and(|slot| {
                &*slot.field == "req.header" && slot.key.as_deref() == Some(name)
            })
        }
        Expr::Coalesce(first, other) => {
            let is_nothing = matches!(basis.constants.get(*other), Some(Value::Absent));
            is_nothing && echoes(basis, *first, name, lets)
        }
        Expr::Local(local) => {
            let named = lets.iter().find(|(known, _)| known == local);
            named.is_some_and(|(_, value)| echoes(basis, *value, name, lets))
        }
        _ => false,
    }
}

/// Whether a value comes of what the gateway has verified: claims, the client's certificate or address.
fn says_who(basis: &Basis<'_>, value: ExprId, lets: &[(LocalId, ExprId)]) -> bool {
    basis.program.walk([value], lets).any(|(_, expr)| {
        let Expr::Slot(slot) = expr else { return false };
        let slot = basis.program.slots.get(slot.0 as usize);
        let field = slot.map_or("", |slot| &*slot.field);
        field == CLAIMS.path || field.starts_with("conn.") || field.starts_with("client.")
    })
}
