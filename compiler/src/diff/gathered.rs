//! Requests that share an answer of the cache with others on one side and not on the other, because another route answers
//! them there.

use std::collections::BTreeMap;

use lang::policy::RouteId;

use crate::diff::Kind;
use crate::diff::pairing::{Pair, Pairing};
use crate::diff::part::{Part, Parts};
use crate::space::{Set, Space, Undecided};

/// Adds requests whose answers are shared with others on one side alone: what is kept is kept for the route that asks for
/// it. Where only the URL tells which route that is, no answer was another's.
pub(super) fn add(
    pairing: &Pairing<'_>,
    space: &mut Space,
    [old, new]: [&Parts; 2],
    pairs: &mut Vec<Pair>,
) -> Result<(), Undecided> {
    let is_shared = |part: &&Part| part.chosen.kept().is_some_and(|kept| kept.is_shared);
    let [olds, news] =
        [old, new].map(|all| Vec::from_iter(all.values().flatten().filter(is_shared)));
    let mut met: Vec<(&Part, &Part, Set)> = Vec::new();
    for one in &olds {
        for other in news.iter().filter(|other| one.is_concerned(other)) {
            let both = space.meet(one.set, other.set)?;
            if both != Set::NONE && one.fate.exposure.shares_as(&other.fate.exposure) {
                met.push((one, other, both));
            }
        }
    }
    for (gathers, why) in [
        (true, (Kind::Loosened, "its answer is shared with requests that another route answered")),
        (false, (Kind::Tightened, "its answer is no longer shared with all that shared it")),
    ] {
        let mut of: BTreeMap<Option<RouteId>, BTreeMap<Option<RouteId>, usize>> = BTreeMap::new();
        for (at, (one, other, _)) in met.iter().enumerate() {
            let (whole, part) = if gathers { (other, one) } else { (one, other) };
            let parts = of.entry(whole.taken).or_default();
            parts.entry(part.taken).or_insert(at);
            if whole.kept {
                // It takes those that it takes on the other side, too.
                parts.entry(None).or_insert(at);
            }
        }
        for parts in of.values().filter(|parts| parts.len() > 1) {
            let mut all = parts.values().filter_map(|at| met.get(*at));
            let by_more = |(one, other, _): &&(&Part, &Part, Set)| {
                pairing.hangs_on_more(0, one.taken) || pairing.hangs_on_more(1, other.taken)
            };
            if let Some((one, other, both)) = all.find(by_more) {
                let why = Some((why.0, why.1.to_owned()));
                pairs.push(pairing.pair(space, (one, other), *both, why)?);
            }
        }
    }
    Ok(())
}
