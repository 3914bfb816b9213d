//! What counts as a difference: between two policies, or between a record and a policy. What is not known is no
//! difference, and is told by itself.

use compiler::diff::Kind;
use runtime::replay::{End, Fate};

use super::side::{Side, Verdict, answered, refuses};
use super::tally::{Key, LONGEST, Recorded, Tally};
use crate::report::{Line, shown};

/// What a kind of requests comes to in a comparison.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Relation {
    /// The same, or nothing that could be compared.
    Same,
    /// It fares differently.
    Changed(Change),
    /// What it depends on is not in the log.
    Unknown(String),
}

/// A difference.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Change {
    /// What it means for protection; none where only the route is another one.
    pub(super) kind: Option<Kind>,
    /// What became of it.
    pub(super) old: Told,
    /// What becomes of it.
    pub(super) new: Told,
}

/// What becomes of a request, in words.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Told {
    /// `forwarded to users`.
    pub(super) words: Line,
    /// The route, with its place where a policy has it.
    pub(super) route: Option<(String, Option<String>)>,
}

/// Compares what is known of a kind of requests.
pub(super) fn relation(tally: &Tally, key: &Key, first: &Side, second: Option<&Side>) -> Relation {
    match (key.second, second) {
        (Some(new), Some(side)) => between(key.first, first, new, side),
        _ => since(tally, key.was, key.first, first),
    }
}

fn told(side: &Side, verdict: Verdict) -> Told {
    let route = side.route(verdict).map(|(name, place)| (name.to_owned(), Some(place)));
    Told { words: side.words(verdict), route }
}

/// Between two policies.
fn between(old: Verdict, old_side: &Side, new: Verdict, new_side: &Side) -> Relation {
    if let Some(reads) = old_side.reads(old).or_else(|| new_side.reads(new)) {
        return Relation::Unknown(reads);
    }
    let kind = kind(refuses(old), refuses(new));
    different(kind, told(old_side, old), told(new_side, new))
}

/// Between what was recorded and a policy.
fn since(tally: &Tally, was: Recorded, now: Verdict, side: &Side) -> Relation {
    if let Some(reads) = side.reads(now) {
        return Relation::Unknown(reads);
    }
    let own = own_status(now);
    match was {
        Recorded::Unknown => Relation::Same,
        Recorded::Seen(status) => match own {
            // Whose answer a client saw it cannot tell: an upstream's is not ours to know.
            Own::None | Own::Some(None) => Relation::Same,
            Own::Some(Some(known)) if known == status => Relation::Same,
            Own::Some(Some(_)) => {
                let old = Told { words: Line::words(&format!("status {status}")), route: None };
                let kind = kind(status >= 400, refuses(now));
                Relation::Changed(Change { kind: Some(kind), old, new: told(side, now) })
            }
        },
        Recorded::Logged { status, route, upstream } => {
            let new = told(side, now);
            let same = match (now, own, upstream) {
                (Some(fate), Own::None, Some(to)) => side.may_ask(fate, tally.name(to)),
                (_, Own::Some(known), None) => known.is_none_or(|known| known == status),
                _ => false,
            };
            let route = route.map(|route| (tally.name(route).to_owned(), None));
            let words = match (upstream, &route) {
                _ if same => new.words.clone(),
                (Some(to), _) => {
                    Line::words("forwarded to ").and_code(&shown(tally.name(to), LONGEST))
                }
                (None, None) if matches!(status, 404 | 405) => {
                    Line::words(&format!("{status}, no route"))
                }
                (None, _) => Line::words(&answered(status)),
            };
            let refused = upstream.is_none() && status >= 400;
            different(kind(refused, refuses(now)), Told { words, route }, new)
        }
    }
}

/// The status of an answer, if it is the gateway's own.
enum Own {
    /// An upstream answers.
    None,
    /// The gateway answers, with this if the policy says it.
    Some(Option<u16>),
}

fn own_status(verdict: Verdict) -> Own {
    let Some(Fate { end, .. }) = verdict else { return Own::Some(Some(0)) };
    match end {
        End::Forwarded | End::Unknown(_) => Own::None,
        End::Refused(fault) => Own::Some(Some(fault.status())),
        End::NotFound => Own::Some(Some(404)),
        End::Method => Own::Some(Some(405)),
        End::Denied(status) | End::Answered(status) => Own::Some(status),
    }
}

fn different(kind: Kind, old: Told, new: Told) -> Relation {
    let name = |told: &Told| told.route.as_ref().map(|(name, _)| name.clone());
    match (old.words.plain() == new.words.plain(), name(&old) == name(&new)) {
        (true, true) => Relation::Same,
        (true, false) => Relation::Changed(Change { kind: None, old, new }),
        (false, _) => Relation::Changed(Change { kind: Some(kind), old, new }),
    }
}

fn kind(refused: bool, refuses: bool) -> Kind {
    match (refused, refuses) {
        (true, false) => Kind::Loosened,
        (false, true) => Kind::Tightened,
        _ => Kind::Changed,
    }
}
