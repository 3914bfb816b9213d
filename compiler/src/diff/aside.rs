//! Ways of which no request tells whether it goes there: beyond a limit, with content that does not say first how long it
//! is, with a value of which nobody knows whether it can stand where it is put. Limits are compared as such; here it is
//! looked at what is answered on these ways, and whether a statement that may refuse a value still comes first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::effect::Does;
use super::fate::Fate;
use super::pairing::{Pair, Pairing};
use super::part::{Part, Parts};
use crate::proof::course::{End, Reads};
use crate::space::{Set, Space, Undecided};

/// What sends requests there.
#[derive(PartialEq, Eq)]
enum Cause<'p> {
    /// This limit is used up.
    Limit(&'p Arc<str>),
    /// A content turns out to be too long.
    Long,
    /// What this statement puts somewhere cannot stand there.
    Unfit(&'p Does),
}

impl<'p> Cause<'p> {
    fn of(part: &'p Part) -> Option<Cause<'p>> {
        match &part.course.end {
            End::Limited(limit) => Some(Cause::Limit(limit)),
            End::Long(Reads::Length) => Some(Cause::Long),
            End::Unfit => part.fate.refusing().map(|effect| Cause::Unfit(&effect.does)),
            _ => None,
        }
    }
}

/// Adds to `pairs`, which are those of the ways that requests tell (`told`), what differs on those `aside` of them. The old
/// side stands first.
pub(super) fn compare(
    pairing: &Pairing<'_>,
    space: &mut Space,
    told: [&Parts; 2],
    aside: [&Parts; 2],
    pairs: &mut Vec<Pair>,
) -> Result<(), Undecided> {
    let [old, new] = aside.map(all);
    let is_judged = |part: &&Part| part.course.is_judged();
    // What fares otherwise anyway is told of by that.
    let same = match old.iter().chain(&new).any(is_judged) {
        true => same(space, told)?,
        false => Set::NONE,
    };
    let mut found = BTreeMap::new();
    for one in &old {
        let Some(cause) = Cause::of(one) else { continue };
        let is_like = |other: &&&Part| Cause::of(other).as_ref() == Some(&cause);
        for other in new.iter().filter(is_like).filter(|other| one.is_concerned(other)) {
            let key = (one.fate.key(), other.fate.key());
            if key.0 == key.1 || found.contains_key(&key) {
                continue;
            }
            let mut both = pairing.differing(space, (one, other))?;
            if is_judged(one) {
                both = space.meet(both, same)?;
            }
            if both == Set::NONE {
                continue;
            }
            let statements = between(&one.fate, &other.fate);
            let is_told = |pair: &Pair| between(&pair.old, &pair.new) == statements;
            if !pairs.iter().any(is_told) {
                found.insert(key, pairing.pair(space, (one, other), both, None)?);
            }
        }
    }
    for (own, others, told, is_old) in [(&old, &new, told[1], true), (&new, &old, told[0], false)] {
        for part in own.iter().filter(|part| is_judged(part)) {
            let cause = Cause::of(part);
            let mut like = others.iter().filter(|other| Cause::of(other) == cause).peekable();
            // What only one side puts there is told of by that.
            if like.peek().is_none() {
                continue;
            }
            let mut rest = space.meet(part.set, same)?;
            for other in like {
                rest = space.minus(rest, other.set)?;
            }
            for other in all(told).into_iter().filter(|other| part.is_concerned(other)) {
                let (one, other) = if is_old { (*part, other) } else { (other, *part) };
                let key = (one.fate.key(), other.fate.key());
                let met = if is_old { other.set } else { one.set };
                let both = space.meet(rest, met)?;
                if both != Set::NONE && !found.contains_key(&key) {
                    found.insert(key, pairing.pair(space, (one, other), both, None)?);
                }
            }
        }
    }
    pairs.extend(found.into_values());
    Ok(())
}

fn all(parts: &Parts) -> Vec<&Part> {
    parts.values().flatten().collect()
}

/// The requests that fare alike for all that they tell.
fn same(space: &mut Space, [old, new]: [&Parts; 2]) -> Result<Set, Undecided> {
    let mut same = Vec::new();
    for (key, olds) in old {
        let Some(news) = new.get(key) else { continue };
        let before = space.join_all(olds.iter().map(|part| part.set).collect())?;
        let after = space.join_all(news.iter().map(|part| part.set).collect())?;
        same.push(space.meet(before, after)?);
    }
    space.join_all(same)
}

/// What only one of two does that are told by the same words.
fn between<'f>(old: &'f Fate, new: &'f Fate) -> Option<[Vec<&'f Does>; 2]> {
    (old.words == new.words).then(|| Fate::apart(old, new))
}
