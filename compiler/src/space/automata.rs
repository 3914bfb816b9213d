//! Texts cut into classes by patterns: the product of small automata, walked from the shortest text on. It gives up at a
//! number of states, and says so.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

/// The most states of the product that are looked at.
const STATES: usize = 20_000;

/// The most bytes of one pattern's automaton.
const SIZE: usize = 1 << 20;

/// One text for each way in which texts fit the patterns. `None` if that takes too long to find out, or cannot be.
///
/// Only texts that fit `domain` and are none of `points` count.
pub(super) fn samples(
    patterns: &[String],
    domain: &str,
    points: &BTreeSet<Arc<str>>,
) -> Option<Vec<Arc<str>>> {
    let mut automata = vec![automaton(domain)?];
    for pattern in patterns {
        automata.push(automaton(pattern)?);
    }
    Walk::new(automata, points)?.walk()
}

fn automaton(pattern: &str) -> Option<dense::DFA<Vec<u32>>> {
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Unanchored)
        .accelerate(false)
        .dfa_size_limit(Some(SIZE))
        .determinize_size_limit(Some(SIZE));
    dense::Builder::new().configure(config).build(pattern).ok()
}

/// Where every automaton stands after a text.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    /// Each automaton's state; `None` once its pattern has fitted, because then it fits whatever follows.
    at: Vec<Option<StateID>>,
    /// Where the text stands among the points: a prefix of some, by number.
    point: Option<usize>,
}

struct Walk {
    automata: Vec<dense::DFA<Vec<u32>>>,
    /// Prefixes of points: next ones by byte, and whether it is a point.
    prefixes: Vec<(HashMap<u8, usize>, bool)>,
    /// One byte for each class of bytes that all automata and points treat alike, the most readable first.
    bytes: Vec<u8>,
}

impl Walk {
    fn new(automata: Vec<dense::DFA<Vec<u32>>>, points: &BTreeSet<Arc<str>>) -> Option<Walk> {
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
            let class: Vec<u8> = automata.iter().map(|dfa| dfa.byte_classes().get(*byte)).collect();
            seen.insert((class, of_points.contains(byte).then_some(*byte)))
        });
        let bytes = bytes.collect();
        Some(Walk { automata, prefixes, bytes })
    }

    /// Visits states in the order of their shortest texts.
    fn walk(&self) -> Option<Vec<Arc<str>>> {
        let start = self.start()?;
        let mut texts: HashMap<Vec<bool>, Arc<str>> = HashMap::new();
        let mut order: Vec<Vec<bool>> = Vec::new();
        // A state, the one it was reached from, and by which byte.
        let mut states: Vec<(State, usize, u8)> = vec![(start.clone(), 0, 0)];
        let mut numbers: HashMap<State, usize> = HashMap::from([(start, 0)]);
        let mut open: VecDeque<usize> = VecDeque::from([0]);
        let mut note = |states: &[(State, usize, u8)], at: usize| -> Option<()> {
            let answer = self.answer(&states.get(at)?.0)?;
            let is_point =
                states.get(at)?.0.point.and_then(|p| self.prefixes.get(p)).is_some_and(|p| p.1);
            if answer.first() == Some(&true) && !is_point && !texts.contains_key(&answer) {
                texts.insert(answer.clone(), text(states, at)?);
                order.push(answer);
            }
            Some(())
        };
        while let Some(at) = open.pop_front() {
            if at > 0 {
                note(&states, at)?;
            }
            for byte in &self.bytes {
                let next = self.step(&states.get(at)?.0, *byte)?;
                let Some(next) = next else { continue };
                if let std::collections::hash_map::Entry::Vacant(entry) =
                    numbers.entry(next.clone())
                {
                    entry.insert(states.len());
                    open.push_back(states.len());
                    states.push((next, at, *byte));
                    if states.len() > STATES {
                        return None;
                    }
                }
            }
        }
        // The empty text is the least telling example; it stands for its class only if no other can.
        note(&states, 0)?;
        order.iter().map(|answer| texts.get(answer).cloned()).collect()
    }

    fn start(&self) -> Option<State> {
        let config = start::Config::new().anchored(Anchored::No);
        let mut at = Vec::new();
        for dfa in &self.automata {
            let state = dfa.start_state(&config).ok()?;
            at.push((!dfa.is_match_state(state)).then_some(state));
        }
        Some(State { at, point: Some(0) })
    }

    /// The state after one more byte; the inner `None` where no text of the domain goes on so.
    #[expect(clippy::option_option, reason = "giving up and leading nowhere are different answers")]
    fn step(&self, from: &State, byte: u8) -> Option<Option<State>> {
        let mut at = Vec::with_capacity(from.at.len());
        for (dfa, state) in self.automata.iter().zip(&from.at) {
            let next = state.map(|state| dfa.next_state(state, byte));
            match next {
                Some(state) if dfa.is_quit_state(state) => return None,
                Some(state) if dfa.is_match_state(state) => at.push(None),
                Some(state) => {
                    if at.is_empty() && dfa.is_dead_state(state) {
                        return Some(None);
                    }
                    at.push(Some(state));
                }
                None => at.push(None),
            }
        }
        let point = from.point.and_then(|point| self.prefixes.get(point)?.0.get(&byte).copied());
        Some(Some(State { at, point }))
    }

    /// Which automata take the text that leads here.
    fn answer(&self, state: &State) -> Option<Vec<bool>> {
        let mut answer = Vec::with_capacity(state.at.len());
        for (dfa, at) in self.automata.iter().zip(&state.at) {
            let Some(at) = at else {
                answer.push(true);
                continue;
            };
            let end = dfa.next_eoi_state(*at);
            if dfa.is_quit_state(end) {
                return None;
            }
            answer.push(dfa.is_match_state(end));
        }
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

    fn samples_of(patterns: &[&str], points: &[&str]) -> Vec<Arc<str>> {
        let patterns: Vec<String> = patterns.iter().map(|&p| p.to_owned()).collect();
        let points = points.iter().map(|&p| Arc::from(p)).collect();
        samples(&patterns, r"\A(?s:.)*\z", &points).unwrap()
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
        let points = BTreeSet::new();
        assert_eq!(samples(&[r"(?:a|b)*a(?:a|b){20}".to_owned()], r"\A(?s:.)*\z", &points), None);
        assert_eq!(samples(&[r"\bé".to_owned()], r"\A(?s:.)*\z", &points), None);
    }
}
