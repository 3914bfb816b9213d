//! What it means for protection that one policy exposes this and another one that.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::vocab::Shield;

use super::{Exposure, Field, Piece};
use crate::diff::put::{By, Put, remade};
use crate::diff::spelling::{self, Held, Spelling};
use crate::diff::{Kind, Reason, sends, shape, wire};
use crate::proof::sent::{Reach, reach};

/// The header fields that one of the two passes on as a client says them, and the other does not. `believes` is whether the
/// listener may believe what a peer says about the client.
pub(in crate::diff) fn passing(old: &Exposure, new: &Exposure, believes: bool) -> Vec<Arc<str>> {
    let both = old.forwards && new.forwards;
    let names = both.then(|| old.fields.keys().chain(new.fields.keys()));
    let up = names.into_iter().flatten().filter(|(up, _)| *up);
    let passes = |of: &Exposure, name| of.put(name, believes).0.passes();
    let told = up.filter(|name| {
        let other = if passes(old, name) { new } else { old };
        passes(old, name) != passes(new, name) && other.put(name, believes).0.is_firm()
    });
    let names: BTreeSet<Arc<str>> = told.map(|(_, name)| name.clone()).collect();
    names.into_iter().collect()
}

/// The header fields of answers that the two do not set alike.
pub(in crate::diff) fn answering(old: &Exposure, new: &Exposure) -> BTreeSet<Arc<str>> {
    let names = old.fields.keys().chain(new.fields.keys()).filter(|(up, _)| !*up);
    let put = |of: &Exposure, name| of.answers(name).0;
    let other = names.filter(|name| put(old, name) != put(new, name));
    other.map(|(_, name)| name.clone()).collect()
}

/// What it means for protection that `new` is exposed where `old` was, and why. What a client says in the fields of
/// `unsaid` reaches no upstream. Requests come to each over TLS as `secure` says, and `believes` is whether the listener may
/// believe what a peer says about the client.
pub(in crate::diff) fn verdict(
    old: &Exposure,
    new: &Exposure,
    (unsaid, believes): (&[Arc<str>], bool),
    secure: [bool; 2],
) -> Vec<Reason> {
    let names: BTreeSet<&(bool, Arc<str>)> = old.fields.keys().chain(new.fields.keys()).collect();
    let both = old.forwards && new.forwards;
    let answers = both && !old.own && !new.own;
    let told: BTreeSet<&Arc<str>> = old.told().chain(new.told()).filter(|_| answers).collect();
    let fields = names.into_iter().filter_map(|name| {
        let ((before, a), (after, b)) = (old.put(name, believes), new.put(name, believes));
        let all = [old, new].map(|side| side.fields.get(name).is_some_and(|field| field.all));
        if before == after {
            return None;
        }
        match name.0 {
            true if unsaid.contains(&name.1) => None,
            true if both => sent(&name.1, &before, &after)
                .or_else(|| picked(&name.1, [old, new]))
                .or_else(|| spelled(&name.1, [(old, &before), (new, &after)])),
            true => None,
            false => {
                let is_told = told.contains(&name.1) && a.or(b).is_none();
                let as_before = old.own == new.own && !is_told;
                answered((&name.1, a.or(b), all), (&before, &after), as_before)
            }
        }
    });
    let mut reasons: Vec<Reason> = fields.collect();
    reasons.extend(told.into_iter().filter_map(|name| told_on(name, old, new)));
    if both {
        let pieces = [Piece::Path, Piece::Query, Piece::Host].into_iter();
        reasons.extend(pieces.filter_map(|piece| asked_for(piece, old, new)));
        reasons.extend(wire::verdict(old.wire, new.wire));
    }
    reasons.extend(shared(old, new));
    reasons.extend(elsewhere(old, new, secure));
    reasons
}

/// What it means where a client is sent.
pub(in crate::diff) fn elsewhere(old: &Exposure, new: &Exposure, secure: [bool; 2]) -> Vec<Reason> {
    let is_open = [old, new].iter().all(|of| of.open.contains(&Piece::Host));
    sends::verdict([old, new].map(|of| of.sends.as_ref()), secure, is_open)
}

impl Exposure {
    fn put(&self, name: &(bool, Arc<str>), believes: bool) -> (Put, Option<Shield>) {
        if !name.0 {
            return self.answers(name);
        }
        let untouched = match reach(&name.1, believes) {
            Reach::AsSaid => self.came(&name.1),
            Reach::Never => Put::Kept,
            // Only `via` goes on with what stood in it.
            Reach::Otherwise if believes || &*name.1 == "via" => Put::Passes,
            Reach::Otherwise => Put::Written,
        };
        match self.fields.get(name) {
            Some(Field { added: Some(added), shield, .. }) if !untouched.passes() => {
                (added.clone(), *shield)
            }
            Some(Field { put: Put::Passes, shield, .. }) => (self.came(&name.1), *shield),
            Some(field) => (field.put.clone(), field.shield),
            None => (untouched, None),
        }
    }

    /// What a client says in a header field as it came.
    fn came(&self, name: &str) -> Put {
        self.came.fields.get(name).map_or(Put::Passes, |(put, _)| put.clone())
    }

    /// What becomes of a field of the answer.
    fn answers(&self, name: &(bool, Arc<str>)) -> (Put, Option<Shield>) {
        match self.fields.get(name) {
            Some(Field { put: Put::Kept, shield, .. }) if self.own => (Put::Passes, *shield),
            Some(field) => (field.put.clone(), field.shield),
            None => (Put::Passes, None),
        }
    }

    /// The header fields of the upstream's answer that statements pass on.
    fn told(&self) -> impl Iterator<Item = &Arc<str>> {
        self.fields.values().flat_map(|field| &field.tells)
    }

    /// Whether the client gets what the upstream says in a header field, wherever that then stands.
    fn lets(&self, name: &Arc<str>) -> bool {
        let own = self.fields.get(&(false, name.clone()));
        let is_left = own.is_none_or(|field| field.put.passes() || field.put == Put::Unknown);
        is_left || self.told().any(|told| told == name)
    }
}

/// A header field of the upstream's answer that a statement passes on. What holds the client to something is told as that.
fn told_on(name: &Arc<str>, old: &Exposure, new: &Exposure) -> Option<Reason> {
    let own = (false, name.clone());
    let (before, after) = (old.answers(&own), new.answers(&own));
    if before.1.or(after.1) == Some(Shield::Holds) {
        // Of several policies of this kind all hold; of all others one, and nobody says which.
        let is_own = |(put, _): &(Put, _)| matches!(put, Put::Own(_) | Put::Said);
        let is_beside = is_own(&before) && is_own(&after) && !name.starts_with("content-security");
        let told = (is_beside && !old.lets(name) && new.lets(name))
            .then(|| format!("the upstream's `{name}` now reaches the client beside the policy's"));
        return told.map(|words| (Kind::Loosened, words));
    }
    match (old.lets(name), new.lets(name)) {
        (false, true) => {
            Some((Kind::Loosened, format!("the upstream's `{name}` now reaches the client")))
        }
        (true, false) => {
            Some((Kind::Tightened, format!("the upstream's `{name}` no longer reaches the client")))
        }
        _ => None,
    }
}

/// A field of the request that is sent.
fn sent(name: &str, old: &Put, new: &Put) -> Option<Reason> {
    Some(match (old, new) {
        (Put::Kept, new) if new.passes() => {
            (Kind::Loosened, format!("the client's `{name}` now reaches the upstream"))
        }
        (old, Put::Kept) if old.passes() => {
            (Kind::Tightened, format!("the client's `{name}` no longer reaches the upstream"))
        }
        (Put::Identity(_), new) if new.passes() => (
            Kind::Loosened,
            format!("the upstream gets `{name}` as the client says it, and not as it was verified"),
        ),
        (old, Put::Identity(_)) if old.passes() => (
            Kind::Tightened,
            format!("the upstream gets `{name}` as it was verified, and not as the client says it"),
        ),
        (Put::Own(_) | Put::Said, new) if new.passes() => (
            Kind::Loosened,
            format!("the upstream gets `{name}` as the client says it, and not as the policy does"),
        ),
        (Put::Written, new) if new.passes() => (
            Kind::Loosened,
            format!(
                "the upstream gets `{name}` as the client says it, and not as the gateway does"
            ),
        ),
        (old, Put::Written) if old.passes() => (
            Kind::Tightened,
            format!(
                "the upstream gets `{name}` as the gateway says it, and not as the client does"
            ),
        ),
        // The host that was asked for is what the gateway says there by itself.
        (Put::Client(made), Put::Written) | (Put::Written, Put::Client(made))
            if made.is_host && name == "x-forwarded-host" =>
        {
            return None;
        }
        (old, Put::Own(_) | Put::Said) if old.passes() => (
            Kind::Tightened,
            format!("the upstream gets `{name}` as the policy says it, and not as the client does"),
        ),
        (old, Put::Client(_)) if old.is_firm() => (
            Kind::Loosened,
            format!("`{name}`, which the upstream gets, is now made of what the client says"),
        ),
        (Put::Client(_), new) if new.is_firm() => (
            Kind::Tightened,
            format!("`{name}`, which the upstream gets, is no longer made of what the client says"),
        ),
        (Put::Identity(_), Put::Own(_) | Put::Identity(_)) => (
            Kind::Unclear,
            format!("`{name}`, which tells the upstream who asks, is made of something else"),
        ),
        (old, Put::Unknown) if old.is_firm() => (
            Kind::Unclear,
            format!("whether the client's `{name}` reaches the upstream is not known"),
        ),
        (old, new) => return otherwise(&format!("`{name}`"), old, new),
    })
}

/// Who chooses what stands in a field of the request that is sent.
fn picked(name: &Arc<str>, [old, new]: [&Exposure; 2]) -> Option<Reason> {
    let choosers = |of: &Exposure| of.fields.get(&(true, name.clone())).map(|field| field.choosers);
    match (choosers(old)?, choosers(new)?) {
        ((false, true), (true, _)) => Some((
            Kind::Loosened,
            format!(
                "what the client says chooses `{name}`, which the upstream gets, where what is verified did"
            ),
        )),
        ((true, _), (false, true)) => Some((
            Kind::Tightened,
            format!(
                "what is verified chooses `{name}`, which the upstream gets, where what the client says did"
            ),
        )),
        _ => None,
    }
}

/// How much a client chooses of a field of the request that is sent.
fn spelled(name: &Arc<str>, sides: [(&Exposure, &Put); 2]) -> Option<Reason> {
    let any = Spelling::any();
    let [before, after] = sides.map(|(of, put)| match of.fields.get(&(true, name.clone())) {
        Some(Field { put: Put::Client(_), spelling, .. }) => spelling.as_ref(),
        Some(Field { put, .. }) if !put.passes() => None,
        _ if *put == Put::Passes => Some(&any),
        _ => of.came.fields.get(name).map(|(_, spelled)| spelled),
    });
    let kind = spelling::verdict(before?, after?, Held::Whole)?;
    let part = spelling::part(kind);
    Some((kind, format!("the client chooses {part} of `{name}`, which the upstream gets")))
}

/// A piece of what an upstream is asked for.
fn asked_for(piece: Piece, old: &Exposure, new: &Exposure) -> Option<Reason> {
    let put = |of: &Exposure| of.target.get(&piece).map_or(Put::Passes, |(put, _)| put.clone());
    let (before, after) = (put(old), put(new));
    // Where all requests have the same, it is as firm as the policy's own word.
    let is_open = old.open.contains(&piece) && new.open.contains(&piece);
    let is_asked = |put: &Put| match put {
        // The host that was asked for is what is sent on anyway.
        Put::Client(made) => piece == Piece::Host && made.is_host,
        put => put.passes(),
    };
    let is_firm = |put: &Put| put.is_firm() || (is_asked(put) && !is_open);
    // What neither touches is the request's own, wherever its routes may take it.
    let is_put = [old, new].iter().any(|of| of.target.contains_key(&piece));
    let word = piece.word();
    match (is_firm(&before), is_firm(&after)) {
        (true, false) => {
            Some((Kind::Loosened, format!("the client chooses the {word} that the upstream gets")))
        }
        (false, true) => Some((
            Kind::Tightened,
            format!("the client no longer chooses the {word} that the upstream gets"),
        )),
        (false, false) if is_put => {
            let came = |of: &Exposure, put: Put| match put.passes() {
                true => of.came.pieces.get(&piece).cloned().unwrap_or(put),
                false => put,
            };
            let made = remade(&came(old, before), &came(new, after));
            let told = made.map(|made| told_of(&format!("the {word}"), made));
            match made {
                Some((kind, by)) if by == By::Verified || kind != Kind::Unclear => told,
                _ => chosen_of(piece, old, new)
                    .filter(|(kind, _)| told.is_none() || *kind != Kind::Tightened)
                    .or(told),
            }
        }
        _ => otherwise(&format!("the {word}"), &before, &after),
    }
}

/// How much a client chooses of a piece of which it says something on both sides.
fn chosen_of(piece: Piece, old: &Exposure, new: &Exposure) -> Option<Reason> {
    // As it came, a query is whatever the client says.
    let any = Spelling::any();
    let spelled = [old, new].map(|of| {
        let spelled = of.target.get(&piece).map(|(_, spelled)| spelled);
        spelled.or(match piece {
            Piece::Path => of.came.path.as_ref(),
            Piece::Query => Some(&any),
            Piece::Host => None,
        })
    });
    let kind = match spelled {
        [Some(before), Some(after)] => spelling::verdict(before, after, piece.held()),
        _ => None,
    };
    let shaped = match (piece, &old.shape, &new.shape) {
        (Piece::Path, Some(old), Some(new)) => shape::verdict(old, new),
        _ => None,
    };
    match shaped {
        Some((Kind::Tightened, _)) if kind == Some(Kind::Unclear) => {}
        Some(told) => return Some(told),
        None => {}
    }
    let kind = kind?;
    let part = spelling::part(kind);
    let word = piece.word();
    Some((kind, format!("the client chooses {part} of the {word} that the upstream gets")))
}

/// Something that the upstream gets, of which a client says as much as before or as little, but for what it is held to in it.
fn otherwise(what: &str, old: &Put, new: &Put) -> Option<Reason> {
    remade(old, new).map(|made| told_of(what, made))
}

/// The same in words.
fn told_of(what: &str, (kind, by): (Kind, By)) -> Reason {
    let told = match (by, kind) {
        (By::Verified, Kind::Loosened) => {
            "which the upstream gets, is now made of what the client says where it was of what is verified"
        }
        (By::Verified, Kind::Tightened) => {
            "which the upstream gets, is now made of what is verified where it was of what the client says"
        }
        (By::Verified, _) => "which tells the upstream who asks, is made of something else",
        (By::Held, Kind::Loosened) => {
            "which the upstream gets, is now made of whatever the client says where it was held to certain values"
        }
        (By::Held, Kind::Tightened) => {
            "which the upstream gets, is now held to certain values where it was made of whatever the client says"
        }
        (By::Held, _) => {
            "which the upstream gets, is made of something else: whether the client is held there as before cannot be told"
        }
    };
    (kind, format!("{what}, {told}"))
}

/// A field of the answer. Only where the new policy asks an upstream `as_before` is it told what becomes of
/// what that says.
fn answered(
    (name, shield, [before_all, after_all]): (&str, Option<Shield>, [bool; 2]),
    (old, new): (&Put, &Put),
    as_before: bool,
) -> Option<Reason> {
    let by_client = |put: &Put| matches!(put, Put::Client(_));
    let is_said =
        |put: &Put| by_client(put) || matches!(put, Put::Own(_) | Put::Identity(_) | Put::Said);
    let lets_all = |put: &Put, all| all || by_client(put);
    let opens = (lets_all(old, before_all), lets_all(new, after_all));
    Some(match (shield, is_said(old), is_said(new)) {
        (Some(Shield::Opens), true, true) if opens == (false, true) => {
            (Kind::Loosened, format!("`{name}` lets in whoever asks"))
        }
        (Some(Shield::Opens), true, true) if opens == (true, false) => {
            (Kind::Tightened, format!("`{name}` no longer lets in whoever asks"))
        }
        (Some(Shield::Holds | Shield::Opens), true, true) => {
            (Kind::Unclear, format!("`{name}` says something else"))
        }
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
        (Some(Shield::Hides), true, _) if new.passes() => {
            (Kind::Loosened, format!("the upstream's `{name}` now reaches the client"))
        }
        (Some(Shield::Hides), _, true) if old.passes() => {
            (Kind::Tightened, format!("the upstream's `{name}` no longer reaches the client"))
        }
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
fn shared(old: &Exposure, new: &Exposure) -> Option<Reason> {
    let told = |kind, words: &str| Some((kind, words.to_owned()));
    let says = [old, new].iter().any(|of| of.kept.is_some_and(|kept| kept.says));
    let goes_past = |of: &Exposure| of.kept.is_some_and(|kept| !kept.is_shared);
    match (&old.cache, &new.cache) {
        (None, Some(_)) if says => {
            told(Kind::Loosened, "answers to requests that say who asks are kept and shared")
        }
        (Some(_), None) if says => told(
            Kind::Tightened,
            "answers to requests that say who asks are no longer kept and shared",
        ),
        (None, Some(_)) if goes_past(old) => {
            told(Kind::Changed, "the cache answers it now, where it went past")
        }
        (Some(_), None) if goes_past(new) => {
            told(Kind::Changed, "it goes past the cache now, where that answered it")
        }
        (Some(old), Some(new)) => match (new.is_subset(old), old.is_subset(new)) {
            (true, true) => None,
            (true, false) => told(
                Kind::Loosened,
                "the cache's key has fewer parts: more requests share one answer",
            ),
            (false, true) => told(
                Kind::Tightened,
                "the cache's key has more parts: fewer requests share one answer",
            ),
            (false, false) => {
                told(Kind::Unclear, "the cache's key is another: other requests share one answer")
            }
        },
        _ => None,
    }
}
