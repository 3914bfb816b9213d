//! Requests that one part of the old side and one of the new share: whether they fare differently, what that means for
//! protection, and one of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lang::Span;
use lang::policy::RouteId;

use crate::diff::alike::alike;
use crate::diff::counts::Counts;
use crate::diff::effect::{Does, Place};
use crate::diff::example::{Found, Ground};
use crate::diff::exposure::Exposure;
use crate::diff::fate::{Fate, Reach};
use crate::diff::free::Free;
use crate::diff::idle::Said;
use crate::diff::kept::Kept;
use crate::diff::part::{Part, Parts};
use crate::diff::{Kind, Reason, Side as Which, Verdict, bounds, exposure};
use crate::space::{Formula, Set, Space, Undecided};

/// The most pairs of statements of one region that are told of one kind of requests.
const MOST_BETWEEN: usize = 64;

/// Why more is let through where nothing that protects has changed.
const UNFIT: &str = "a value that cannot stand where it was put is put there no longer";

/// Requests that have one fate on the old side and another on the new.
#[derive(Debug)]
pub(super) struct Pair {
    /// With what is exposed on both sides where a client is held as the old one holds it: that may be lost.
    pub(super) old: Fate,
    pub(super) new: Fate,
    /// What is exposed where it is held as the new side holds it, if that is otherwise: that may be gained.
    gains: Option<Box<[Exposure; 2]>>,
    pub(super) found: Found,
    /// Header fields of which nothing that a client says can matter: none of these requests has any, or it is not passed on.
    unsaid: Vec<Arc<str>>,
    /// What their answers mean for other requests, where that is another thing.
    besides: Option<Reason>,
    /// Whether the listener may believe what a peer says about the client.
    believes: bool,
    /// Whether requests come to either side over TLS.
    secure: [bool; 2],
}

impl Pair {
    /// What pairs of one kind share.
    pub(super) fn key(&self, listener: &str, verdict: &Verdict) -> String {
        let (old, new) = (&self.old, &self.new);
        match old.words == new.words {
            // Only their effects differ: these tell them apart.
            true => {
                let differing = Fate::apart(old, new);
                format!("{listener} {verdict:?} {:?} {differing:?}", old.words)
            }
            false => format!("{listener} {verdict:?} {:?} {:?}", old.words, new.words),
        }
    }

    /// What the difference means for protection.
    pub(super) fn verdict(&self, counts: &Counts) -> Verdict {
        let (old, new) = (&self.old, &self.new);
        let mut kind = Kind::Changed;
        match (old.reach, new.reach) {
            (Reach::Unfit, Reach::Asked | Reach::Through) => {
                return (Kind::Changed, vec![UNFIT.to_owned()]);
            }
            // What is answered to a message that is out of form protects nobody.
            (Reach::Redirected | Reach::Asked | Reach::Through, Reach::Unfit) => {
                return (Kind::Changed, Vec::new());
            }
            (Reach::Refused | Reach::Redirected, Reach::Asked) => {
                let why = "the upstream is asked before the request is refused";
                return (Kind::Loosened, vec![why.to_owned()]);
            }
            (Reach::Refused | Reach::Redirected | Reach::Asked, Reach::Through) => {
                return (Kind::Loosened, Vec::new());
            }
            (Reach::Asked | Reach::Through, Reach::Refused | Reach::Redirected) => {
                // Who is sent elsewhere may be sent where somebody else likes.
                let sent = self.exposed(|old, new| exposure::elsewhere(old, new, self.secure));
                let loosened = sent.into_iter().filter(|(kind, _)| *kind == Kind::Loosened);
                let reasons: Vec<String> = loosened.map(|(_, why)| why).collect();
                let kind = if reasons.is_empty() { Kind::Tightened } else { Kind::Loosened };
                return (kind, reasons);
            }
            (Reach::Through, Reach::Asked) | (Reach::Redirected, Reach::Refused) => {
                kind = Kind::Tightened;
            }
            // Who is sent elsewhere is let in nowhere.
            _ => {}
        }
        let reasons = match old.route.is_some() && new.route.is_some() {
            true => {
                let said = (&*self.unsaid, self.believes);
                let mut reasons =
                    self.exposed(|old, new| exposure::verdict(old, new, said, self.secure));
                // Limits count what is refused, too: that is how guessing is slowed down.
                reasons.extend(bounds::verdict(&old.bounds, &new.bounds, counts));
                reasons.extend(self.besides.clone());
                let is_let = |place: &Place| !new.judged.contains(place);
                if new.reach == Reach::Through && old.judged.iter().any(is_let) {
                    reasons.push((Kind::Changed, UNFIT.to_owned()));
                }
                reasons
            }
            // Past all routes nothing is exposed, and nothing is there to be guessed.
            false => self.exposed(|old, new| exposure::elsewhere(old, new, self.secure)),
        };
        let kind = reasons.iter().map(|(kind, _)| *kind).chain([kind]).min().unwrap_or(kind);
        (kind, reasons.into_iter().map(|(_, words)| words).collect())
    }

    /// What is lost of what the old side held a client to, and what is gained by what the new side holds it to.
    fn exposed(&self, judge: impl Fn(&Exposure, &Exposure) -> Vec<Reason>) -> Vec<Reason> {
        let mut reasons = judge(&self.old.exposure, &self.new.exposure);
        if let Some([old, new]) = self.gains.as_deref() {
            let is_gain = |(kind, _): &Reason| *kind == Kind::Tightened;
            reasons.retain(|reason| !is_gain(reason));
            reasons.extend(judge(old, new).into_iter().filter(is_gain));
        }
        reasons
    }
}

/// The statements between which requests change sides: the routes that take them, what refuses them there, and what becomes
/// of them at the cache.
type Between = [(Option<RouteId>, Option<Span>, Option<Kept>); 2];

/// The routes that take them.
type Routes = (Option<RouteId>, Option<RouteId>);

/// What only one of two does, if nothing but header fields differs.
type Differing<'f> = Option<BTreeSet<(Which, &'f Does)>>;

fn between<'f>(olds: &'f [Part], news: &'f [Part]) -> Differing<'f> {
    let (old, new) = (&olds.first()?.fate, &news.first()?.fate);
    if old.words != new.words {
        return None;
    }
    let sides = [Which::Old, Which::New].into_iter().zip(Fate::apart(old, new));
    let all = sides.flat_map(|(which, all)| all.into_iter().map(move |does| (which, does)));
    let all: BTreeSet<(Which, &Does)> = all.collect();
    all.iter().all(|(_, does)| does.is_of_header()).then_some(all)
}

/// Whether it is several of these.
fn is_made_of(all: &BTreeSet<(Which, &Does)>, parts: &[&BTreeSet<(Which, &Does)>]) -> bool {
    let within = parts.iter().filter(|part| part.len() < all.len() && part.is_subset(all));
    let told: BTreeSet<&(Which, &Does)> = within.flat_map(|part| part.iter()).collect();
    told.len() == all.len()
}

/// How requests of two parts are compared.
pub(super) struct Pairing<'b> {
    pub(super) ground: Ground<'b>,
    /// The requests with which statements do nothing.
    pub(super) nothing: BTreeMap<Does, Formula>,
    pub(super) said: BTreeMap<Arc<str>, Said>,
    /// The requests that say anything at all in what statements read.
    pub(super) free: Free,
    pub(super) secure: [bool; 2],
}

impl Pairing<'_> {
    /// Every pair of parts that share requests and fare differently, once for each two statements between which these change
    /// sides, and whether there are more than are told. Where several header fields differ in which each also differs alone,
    /// that is told.
    pub(super) fn told(
        &self,
        space: &mut Space,
        old_parts: &Parts,
        new_parts: &Parts,
    ) -> Result<(Vec<Pair>, bool), Undecided> {
        let keys = old_parts.iter().flat_map(|old| new_parts.iter().map(move |new| (old, new)));
        let keys = keys.filter(|((old, _), (new, _))| old != new);
        let mut keys: Vec<_> =
            keys.map(|((_, olds), (_, news))| (between(olds, news), olds, news)).collect();
        keys.sort_by_key(|(differing, olds, _)| {
            let goes_past = olds.first().is_some_and(|part| part.fate.goes_past);
            (differing.as_ref().map_or(0, BTreeSet::len), goes_past)
        });
        let (mut pairs, mut is_cut) = (Vec::new(), false);
        let mut alone: HashMap<Routes, Vec<&BTreeSet<(Which, &Does)>>> = HashMap::new();
        for (differing, olds, news) in &keys {
            let mut found: BTreeMap<Between, Pair> = BTreeMap::new();
            for one in *olds {
                for other in *news {
                    if !one.is_concerned(other) {
                        continue;
                    }
                    let between =
                        [one, other].map(|part| (part.taken, part.fate.by, part.chosen.kept()));
                    let known = found.get(&between).map(|pair| pair.found.is_example());
                    let is_beyond = known.is_none() && found.len() >= MOST_BETWEEN;
                    if known == Some(true) || (is_beyond && is_cut) {
                        continue;
                    }
                    let told = alone.get(&(one.taken, other.taken)).map_or(&[][..], Vec::as_slice);
                    if differing.as_ref().is_some_and(|all| is_made_of(all, told)) {
                        continue;
                    }
                    let both = self.differing(space, (one, other))?;
                    if both == Set::NONE {
                        continue;
                    }
                    if is_beyond {
                        is_cut = true;
                        continue;
                    }
                    let pair = self.pair(space, (one, other), both, None)?;
                    if known.is_none() || pair.found.is_example() {
                        found.insert(between, pair);
                    }
                }
            }
            for ([(old, ..), (new, ..)], pair) in &found {
                if let Some(differing) = differing.as_ref().filter(|_| pair.found.is_example()) {
                    alone.entry((*old, *new)).or_default().push(differing);
                }
            }
            pairs.extend(found.into_values());
        }
        Ok((pairs, is_cut))
    }

    /// Whether something besides the URL tells which requests a side's route takes.
    pub(super) fn hangs_on_more(&self, side: usize, id: Option<RouteId>) -> bool {
        let Some((side, id)) = self.ground.sides.get(side).map(|(side, _)| side).zip(id) else {
            return false;
        };
        let basis = self.ground.basis;
        let Some(route) = basis.route(side, id) else { return false };
        let asked = route.conditions.iter().map(|(condition, _)| *condition);
        let url =
            ["req.path", "req.query", "req.query.all", "req.target", "req.host", "req.scheme"];
        route.methods.is_some()
            || basis.program.walk(asked, &[]).slots().any(|(_, slot)| !url.contains(&&*slot.field))
    }

    /// The requests of both parts that do not fare alike for all that is known.
    pub(super) fn differing(
        &self,
        space: &mut Space,
        (one, other): (&Part, &Part),
    ) -> Result<Set, Undecided> {
        let both = space.meet(one.set, other.set)?;
        if both == Set::NONE || one.fate.words != other.fate.words {
            return Ok(both);
        }
        let told = (one.told(), other.told());
        let same =
            alike((self.ground.basis, self.ground.believes), space, both, told, &self.nothing)?;
        space.minus(both, same)
    }

    /// The two parts, with an example among `both`, which is another thing for other requests for the reason that stands
    /// `besides`.
    pub(super) fn pair(
        &self,
        space: &mut Space,
        (one, other): (&Part, &Part),
        both: Set,
        besides: Option<Reason>,
    ) -> Result<Pair, Undecided> {
        let believes = self.ground.believes;
        let (mut shows, mut unsaid) = (Vec::new(), Vec::new());
        let (before, after) = (&one.fate.exposure, &other.fate.exposure);
        for name in exposure::passing(before, after, believes) {
            let said = self.said.get(&name);
            let says = said.map_or(Ok(Set::ALL), |said| space.set(&said.reaches))?;
            match space.meet(both, says)? {
                Set::NONE => unsaid.push(name),
                _ => shows.push(says),
            }
        }
        for says in one.says.iter().chain(other.says.iter()) {
            shows.push(space.set(says)?);
        }
        let answered = exposure::answering(before, after);
        for (name, gets) in one.answered.iter().chain(other.answered.iter()) {
            if answered.contains(name) {
                shows.push(space.set(gets)?);
            }
        }
        let found = self.ground.find(space, (one, other), both, (&shows, besides.is_none()))?;
        let [(old, _), (new, _)] = &self.ground.sides;
        let basis = self.ground.basis;
        let lost = self.free.holds(basis, space, (old, one))?;
        let gained = self.free.holds(basis, space, (new, other))?;
        let held = |holds| [before, after].map(|of| of.clone().held(basis, holds));
        let gains = (lost != gained).then(|| Box::new(held(&gained)));
        let [old, new] = held(&lost);
        let old = Fate { exposure: old, ..one.fate.clone() };
        let new = Fate { exposure: new, ..other.fate.clone() };
        Ok(Pair { old, new, gains, found, unsaid, besides, believes, secure: self.secure })
    }
}
