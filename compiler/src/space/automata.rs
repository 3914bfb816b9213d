//! Texts cut into classes by patterns: the product of small automata, walked from the shortest text on. It gives up at a
//! number of states, and says so.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use rustc_hash::FxHashMap;

/// The most states of the product that are looked at.
const STATES: usize = 100_000;

/// The most places of automata that are looked at on the way.
pub(super) const WORK: usize = 4_000_000;

/// The most bytes of one pattern's automaton.
pub(super) const SIZE: usize = 1 << 20;

/// A pattern as an automaton over bytes. One that asks for the ends of words knows those of ASCII alone: after any other
/// byte it is lost, and takes nothing for certain.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    dfa: Arc<dense::DFA<Vec<u32>>>,
    may_be_lost: bool,
}

// A pattern is the same one as what it was copied from.
impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        Arc::ptr_eq(&self.dfa, &other.dfa)
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.dfa).hash(state);
    }
}

/// Where an automaton stands after a text; `None` once its pattern has fitted, because then it fits whatever follows.
pub(super) type At = Option<StateID>;

/// What texts are told apart by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Apart {
    /// Whether the pattern takes them.
    Taken(Pattern),
    /// Where they lead the pattern from here.
    Led(Pattern, At),
    /// Whether the pattern takes what led here with them behind it.
    TakenFrom(Pattern, At),
}

impl Pattern {
    /// `None` if its automaton is larger than so many bytes, or there cannot be one.
    pub(super) fn new(pattern: &str, size: usize) -> Option<Pattern> {
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Unanchored)
            .accelerate(false)
            .unicode_word_boundary(true)
            .dfa_size_limit(Some(size))
            .determinize_size_limit(Some(size));
        let syntax = syntax::Config::new().utf8(false);
        let dfa = dense::Builder::new().configure(config).syntax(syntax).build(pattern).ok()?;
        let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern).ok()?;
        let may_be_lost = parsed.properties().look_set().contains_word_unicode();
        Some(Pattern { dfa: Arc::new(dfa), may_be_lost })
    }

    /// Whether there are texts of which it cannot say whether it takes them.
    pub(super) fn may_be_lost(&self) -> bool {
        self.may_be_lost
    }

    /// Where it stands before any text.
    pub(super) fn start(&self) -> Option<At> {
        let config = start::Config::new().anchored(Anchored::No);
        let state = self.dfa.start_state(&config).ok()?;
        Some((!self.dfa.is_match_state(state)).then_some(state))
    }

    /// Where it stands after one more byte.
    pub(super) fn step(&self, at: At, byte: u8) -> At {
        let state = at?;
        if self.dfa.is_quit_state(state) {
            return at;
        }
        let next = self.dfa.next_state(state, byte);
        (!self.dfa.is_match_state(next)).then_some(next)
    }

    /// Where it stands after more text.
    pub(super) fn run(&self, at: At, text: &str) -> At {
        text.bytes().fold(at, |at, byte| self.step(at, byte))
    }

    /// Whether it takes the text that led here, if nothing follows; `None` if it is lost.
    pub(super) fn takes(&self, at: At) -> Option<bool> {
        let Some(state) = at else { return Some(true) };
        if self.dfa.is_quit_state(state) {
            return None;
        }
        let end = self.dfa.next_eoi_state(state);
        (!self.dfa.is_quit_state(end)).then(|| self.dfa.is_match_state(end))
    }

    /// Whether it takes this text; `None` if it is lost in it.
    pub(super) fn fits(&self, text: &str) -> Option<bool> {
        self.takes(self.run(self.start()?, text))
    }

    /// Whether nothing that follows changes what it says.
    pub(super) fn is_settled(&self, at: At) -> bool {
        at.is_none_or(|state| self.dfa.is_dead_state(state) || self.dfa.is_quit_state(state))
    }
}

/// One text for each way in which texts can be told apart. `None` if that takes more looks than are `left`, or cannot be.
///
/// Only texts that fit `domain` and are none of `points` count.
pub(super) fn samples(
    apart: &[Apart],
    domain: &Pattern,
    points: &BTreeSet<Arc<str>>,
    left: &mut usize,
) -> Option<Vec<Arc<str>>> {
    let mut tracks = vec![Track::new(&Apart::Taken(domain.clone()))?];
    for apart in apart {
        tracks.push(Track::new(apart)?);
    }
    Walk::new(tracks, points)?.walk(left)
}

/// An automaton on its way.
struct Track {
    pattern: Pattern,
    start: At,
    /// Whether it tells by where it stands rather than by what it takes.
    by_place: bool,
    /// Where it stands after most texts, and what it tells there.
    usual: At,
    usually: Tells,
}

impl Track {
    fn new(apart: &Apart) -> Option<Track> {
        let (pattern, start, by_place) = match apart {
            Apart::Taken(pattern) => (pattern, pattern.start()?, false),
            Apart::Led(pattern, at) => (pattern, *at, true),
            Apart::TakenFrom(pattern, at) => (pattern, *at, false),
        };
        // What no pattern asks for leads an anchored one to its end and any other back to its beginning.
        let usual = pattern.run(start, "~~~~");
        let mut track = Track {
            pattern: pattern.clone(),
            start,
            by_place,
            usual,
            usually: Tells::Taken(false),
        };
        track.usually = track.tells(usual);
        Some(track)
    }

    fn tells(&self, at: At) -> Tells {
        match self.by_place {
            true => Tells::Led(at),
            false => self.pattern.takes(at).map_or(Tells::Lost, Tells::Taken),
        }
    }
}

/// What a track tells of a text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Tells {
    Taken(bool),
    Led(At),
    Lost,
}

/// Where every automaton stands after a text.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    /// Those that do not stand where they usually do, by number: of very many patterns a text concerns few.
    at: Vec<(u32, At)>,
    /// The set of those among them that nothing leads anywhere else.
    settled: usize,
    /// Where the text stands among the points: a prefix of some, by number.
    point: Option<usize>,
}

/// Sets of tracks that stay where they are whatever follows, each kept once and by number: of patterns that lie in each
/// other, each text settles many, and no step has to look at these again.
struct Settled {
    sets: Vec<Arc<[Step]>>,
    known: FxHashMap<Arc<[Step]>, usize>,
    n_kept: usize,
}

impl Settled {
    fn new() -> Settled {
        let none: Arc<[Step]> = Arc::from([]);
        let known = [(Arc::clone(&none), 0)].into_iter().collect();
        Settled { sets: vec![none], known, n_kept: 0 }
    }

    fn of(&self, set: usize) -> &[Step] {
        self.sets.get(set).map_or(&[], |set| set)
    }

    fn holds(&self, set: usize, track: u32) -> bool {
        self.of(set).binary_search_by_key(&track, |(number, _)| *number).is_ok()
    }

    /// The set with these as well. `None` if that are too many.
    fn with(&mut self, set: usize, more: Vec<Step>) -> Option<usize> {
        if more.is_empty() {
            return Some(set);
        }
        let mut all = [self.of(set), &more].concat();
        all.sort_unstable_by_key(|(number, _)| *number);
        let all: Arc<[Step]> = all.into();
        if let Some(known) = self.known.get(&all) {
            return Some(*known);
        }
        self.n_kept += all.len();
        if self.n_kept > WORK {
            return None;
        }
        self.known.insert(Arc::clone(&all), self.sets.len());
        self.sets.push(all);
        Some(self.sets.len() - 1)
    }
}

/// What the tracks tell of a text that do not tell what they usually do, by number.
type Answer = Vec<(u32, Tells)>;

struct Walk {
    /// The first is of the domain.
    tracks: Vec<Track>,
    /// Prefixes of points: next ones by byte, and whether it is a point.
    prefixes: Vec<(HashMap<u8, usize>, bool)>,
    /// One byte for each class of bytes that all automata and points treat alike, the most readable first; with each the
    /// tracks that it leads away from where they usually stand, and to where.
    bytes: Vec<(u8, Vec<Step>)>,
}

/// A track, and where it goes from where it usually stands.
type Step = (u32, At);

impl Walk {
    fn new(tracks: Vec<Track>, points: &BTreeSet<Arc<str>>) -> Option<Walk> {
        let mut prefixes: Vec<(HashMap<u8, usize>, bool)> = vec![(HashMap::new(), false)];
        for point in points {
            let mut at = 0;
            for byte in point.bytes() {
                let next = prefixes.len();
                let (children, _) = prefixes.get_mut(at)?;
                at = *children.entry(byte).or_insert(next);
                if at == next {
                    prefixes.push((HashMap::new(), false));
                }
                if prefixes.len() > STATES {
                    return None;
                }
            }
            prefixes.get_mut(at)?.1 = true;
        }
        let of_points: BTreeSet<u8> = points.iter().flat_map(|point| point.bytes()).collect();
        let mut seen = BTreeSet::new();
        let readable = (b'a'..=b'z').chain(b'0'..=b'9').chain(*b"-._/").chain(b'A'..=b'Z');
        let all = readable.chain(b'!'..=b'~').chain(0..=255);
        let bytes = all.filter(|byte| {
            let class = |track: &Track| track.pattern.dfa.byte_classes().get(*byte);
            let class: Vec<u8> = tracks.iter().map(class).collect();
            seen.insert((class, of_points.contains(byte).then_some(*byte)))
        });
        let leads = |byte: u8| {
            let next = (0..).zip(&tracks).map(|(number, track)| {
                let next = track.pattern.step(track.usual, byte);
                (number, next, next != track.usual)
            });
            let away = next.filter(|(.., away)| *away).map(|(number, next, _)| (number, next));
            (byte, away.collect())
        };
        let bytes = bytes.map(leads).collect();
        Some(Walk { tracks, prefixes, bytes })
    }

    /// Visits states in the order of their shortest texts.
    fn walk(&self, left: &mut usize) -> Option<Vec<Arc<str>>> {
        let mut settled = Settled::new();
        let start = self.start(&mut settled)?;
        let mut texts: HashMap<Answer, Arc<str>> = HashMap::new();
        let mut order: Vec<Answer> = Vec::new();
        // A state, the one it was reached from, and by which byte.
        let mut states: Vec<(State, usize, u8)> = vec![(start.clone(), 0, 0)];
        let mut numbers: FxHashMap<State, usize> = FxHashMap::default();
        numbers.insert(start, 0);
        let mut open: VecDeque<usize> = VecDeque::from([0]);
        let mut note =
            |states: &[(State, usize, u8)], at: usize, settled: &Settled| -> Option<()> {
                let state = &states.get(at)?.0;
                let is_point = state.point.and_then(|p| self.prefixes.get(p)).is_some_and(|p| p.1);
                if is_point || !self.is_whole(state)? {
                    return Some(());
                }
                let answer = self.answer(state, settled)?;
                if !texts.contains_key(&answer) {
                    texts.insert(answer.clone(), text(states, at)?);
                    order.push(answer);
                }
                Some(())
            };
        while let Some(at) = open.pop_front() {
            if at > 0 {
                note(&states, at, &settled)?;
            }
            for (byte, away) in &self.bytes {
                let from = &states.get(at)?.0;
                *left = left.checked_sub(1 + from.at.len() + away.len())?;
                let Some(next) = self.step(from, *byte, away, &mut settled)? else { continue };
                // Most steps lead to where others led: only what is new is kept.
                if numbers.contains_key(&next) {
                    continue;
                }
                numbers.insert(next.clone(), states.len());
                open.push_back(states.len());
                states.push((next, at, *byte));
                if states.len() > STATES {
                    return None;
                }
            }
        }
        // The empty text is the least telling example; it stands for its class only if no other can.
        note(&states, 0, &settled)?;
        order.iter().map(|answer| texts.get(answer).cloned()).collect()
    }

    fn start(&self, settled: &mut Settled) -> Option<State> {
        let unusual = (0..).zip(&self.tracks).filter(|(_, track)| track.start != track.usual);
        let all = unusual.map(|(number, track)| (number, track.start)).collect();
        let (at, more) = self.parted(all);
        Some(State { at, settled: settled.with(0, more)?, point: Some(0) })
    }

    /// The tracks that go on, and those that are settled. The domain is looked at after each step.
    fn parted(&self, all: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
        all.into_iter().partition(|(number, at)| {
            let track = self.tracks.get(*number as usize);
            *number == 0 || track.is_some_and(|track| !track.pattern.is_settled(*at))
        })
    }

    /// The state after one more byte; the inner `None` where no text of the domain goes on so.
    #[expect(clippy::option_option, reason = "giving up and leading nowhere are different answers")]
    fn step(
        &self,
        from: &State,
        byte: u8,
        away: &[Step],
        settled: &mut Settled,
    ) -> Option<Option<State>> {
        let mut at = Vec::with_capacity(from.at.len() + away.len());
        let is_usual = |(number, _): &Step| !settled.holds(from.settled, *number);
        let mut away = away.iter().copied().filter(is_usual).peekable();
        for (number, state) in &from.at {
            while let Some((other, next)) = away.next_if(|(other, _)| other < number) {
                at.push((other, next));
            }
            // This one stands elsewhere.
            away.next_if(|(other, _)| other == number);
            let track = self.tracks.get(*number as usize)?;
            let next = track.pattern.step(*state, byte);
            if next != track.usual {
                at.push((*number, next));
            }
        }
        at.extend(away);
        let (at, more) = self.parted(at);
        let point = from.point.and_then(|point| self.prefixes.get(point)?.0.get(&byte).copied());
        let mut next = State { at, settled: from.settled, point };
        // The domain binds both ends of its texts.
        let (domain, at) = self.domain(&next)?;
        if at.is_some() && domain.pattern.is_settled(at) {
            return Some(None);
        }
        next.settled = settled.with(from.settled, more)?;
        Some(Some(next))
    }

    /// The domain, and where it stands.
    fn domain(&self, state: &State) -> Option<(&Track, At)> {
        let track = self.tracks.first()?;
        let unusual = state.at.first().filter(|(number, _)| *number == 0);
        Some((track, unusual.map_or(track.usual, |(_, at)| *at)))
    }

    /// Whether the text that leads here is one of the domain.
    fn is_whole(&self, state: &State) -> Option<bool> {
        let (track, at) = self.domain(state)?;
        track.pattern.takes(at)
    }

    /// What the tracks behind the domain tell of the text that leads here.
    fn answer(&self, state: &State, settled: &Settled) -> Option<Answer> {
        let mut answer = Answer::new();
        let going = state.at.iter().filter(|(number, _)| *number > 0);
        for (number, at) in going.chain(settled.of(state.settled)) {
            let track = self.tracks.get(*number as usize)?;
            let tells = track.tells(*at);
            if tells != track.usually {
                answer.push((*number, tells));
            }
        }
        answer.sort_unstable_by_key(|(number, _)| *number);
        Some(answer)
    }
}

/// The text that led to a state.
fn text(states: &[(State, usize, u8)], mut at: usize) -> Option<Arc<str>> {
    let mut bytes = Vec::new();
    while at > 0 {
        let (_, from, byte) = states.get(at)?;
        bytes.push(*byte);
        at = *from;
    }
    bytes.reverse();
    String::from_utf8(bytes).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Pattern {
        Pattern::new(r"\A(?s:.)*\z", SIZE).unwrap()
    }

    fn samples_of(patterns: &[&str], points: &[&str]) -> Vec<Arc<str>> {
        let apart = |pattern: &&str| Apart::Taken(Pattern::new(pattern, SIZE).unwrap());
        let patterns: Vec<Apart> = patterns.iter().map(apart).collect();
        let points = points.iter().map(|&p| Arc::from(p)).collect();
        samples(&patterns, &all(), &points, &mut WORK.clone()).unwrap()
    }

    #[test]
    fn every_way_to_fit_has_a_text() {
        let found = samples_of(&[r"\Aab", r"b\z"], &[]);
        let mut ways: Vec<_> =
            found.iter().map(|t| (t.starts_with("ab"), t.ends_with('b'))).collect();
        ways.sort_unstable();
        assert_eq!(ways, [(false, false), (false, true), (true, false), (true, true)]);
    }

    #[test]
    fn points_are_no_samples() {
        let found = samples_of(&[r"\Aa?\z"], &["a", ""]);
        assert!(found.iter().all(|text| text.len() > 1 || &**text == "b"), "{found:?}");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_pattern_too_large_is_given_up() {
        assert!(Pattern::new(r"(?:a|b)*a(?:a|b){20}", SIZE).is_none());
    }

    #[test]
    fn words_that_are_not_of_ascii_have_a_text_of_their_own() {
        let word = Pattern::new(r"\bb\b", SIZE).unwrap();
        assert_eq!(
            (word.fits("a b"), word.fits("ab"), word.fits("é b")),
            (Some(true), Some(false), None)
        );
        let texts = samples_of(&[r"\bb\b"], &[]);
        let mut told: Vec<_> = texts.iter().map(|text| word.fits(text)).collect();
        told.sort_unstable();
        assert_eq!(told, [None, Some(false), Some(true)]);
    }
}
