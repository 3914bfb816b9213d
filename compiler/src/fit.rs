//! A pattern made ready to be matched: a small automaton that reads a text once, byte by byte, and needs no memory
//! beside. All patterns of a loaded program share one budget of memory; those that it has no room for, and texts that an
//! automaton cannot read, are matched by the pattern as it came, in linear time as well.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use lang::value::Pattern;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

/// The bytes that the automata of one program may take together.
const TOTAL: usize = 5 << 19;

/// The bytes that an automaton may take while it is made.
const EACH: usize = 1 << 17;

/// A pattern, ready.
#[derive(Clone)]
pub struct Fit {
    pattern: Pattern,
    walk: Option<Walk>,
}

/// The patterns of a program that were made ready so far: equal ones are one.
#[derive(Clone, Debug)]
pub(crate) struct Fits {
    known: Arc<HashMap<Arc<str>, Arc<Fit>>>,
    /// The bytes that are left.
    left: usize,
    /// Whether one did not find room.
    is_full: bool,
}

/// An automaton as one table: from a state, which is the place of its row, and the class of a byte to the next state. The
/// last class is the end of the text. Places in the first row stand for no state, but for what ends the walk.
#[derive(Clone)]
struct Walk {
    classes: Box<[u8; 256]>,
    table: Box<[u16]>,
    width: u16,
    start: u16,
}

/// Nothing that follows lets the pattern fit.
const DEAD: u16 = 0;
/// It has fitted.
const FITTED: u16 = 1;
/// The automaton cannot read on.
const LOST: u16 = 2;

impl Default for Fits {
    fn default() -> Fits {
        Fits { known: Arc::default(), left: TOTAL, is_full: false }
    }
}

impl Fits {
    /// Whether one did not find room that these still had.
    pub(crate) fn is_fuller(&self, before: &Fits) -> bool {
        self.is_full && !before.is_full
    }

    /// The pattern, ready.
    pub(crate) fn of(&mut self, pattern: &Pattern) -> Arc<Fit> {
        let text = pattern.0.as_str();
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let walk = Walk::new(text);
        self.is_full |= walk.as_ref().is_some_and(|walk| walk.size() > self.left);
        let walk = walk.filter(|walk| walk.size() <= self.left);
        self.left -= walk.as_ref().map_or(0, Walk::size);
        let fit = Arc::new(Fit { pattern: pattern.clone(), walk });
        Arc::make_mut(&mut self.known).insert(Arc::from(text), fit.clone());
        fit
    }
}

impl Fit {
    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Whether it fits somewhere in the text.
    #[inline]
    pub fn is_in(&self, text: &str) -> bool {
        let known = self.walk.as_ref().and_then(|walk| walk.fits(text));
        known.unwrap_or_else(|| self.pattern.0.is_match(text))
    }
}

impl PartialEq for Fit {
    fn eq(&self, other: &Fit) -> bool {
        self.pattern.0.as_str() == other.pattern.0.as_str()
    }
}

impl fmt::Debug for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pattern.fmt(f)
    }
}

impl Walk {
    /// `None` if the automaton is too large, or there cannot be one.
    fn new(pattern: &str) -> Option<Walk> {
        let hir = regex_syntax::parse(pattern).ok()?;
        // An automaton over bytes would find an empty match inside of a letter, where there is none.
        if hir.properties().look_set().contains_word_ascii() {
            return None;
        }
        let nfa = thompson::Compiler::new().build_from_hir(&hir).ok()?;
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Unanchored)
            .accelerate(false)
            // Bytes for which this is not exact are never read: the walk gives up before.
            .unicode_word_boundary(true)
            .dfa_size_limit(Some(EACH))
            .determinize_size_limit(Some(2 * EACH));
        let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        Walk::of(&dfa)
    }

    fn of(dfa: &dense::DFA<Vec<u32>>) -> Option<Walk> {
        let classes = dfa.byte_classes();
        let samples: Vec<Option<u8>> =
            classes.representatives(..).map(|unit| unit.as_u8()).collect();
        let width = u16::try_from(samples.len().max(usize::from(LOST) + 1)).ok()?;
        let mut walk = Walk {
            classes: Box::new(std::array::from_fn(|byte| classes.get(byte as u8))),
            table: Box::default(),
            width,
            start: DEAD,
        };
        let mut rows: Vec<u16> = vec![DEAD; usize::from(width)];
        let mut places: HashMap<StateID, u16> = HashMap::new();
        let mut open: Vec<StateID> = Vec::new();
        let mut place = |state: StateID, open: &mut Vec<StateID>| -> Option<u16> {
            if dfa.is_match_state(state) {
                return Some(FITTED);
            } else if dfa.is_dead_state(state) {
                return Some(DEAD);
            } else if dfa.is_quit_state(state) {
                return Some(LOST);
            }
            let next = u16::try_from((places.len() + 1) * usize::from(width)).ok()?;
            let place = *places.entry(state).or_insert(next);
            if place == next {
                open.push(state);
            }
            Some(place)
        };
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
        walk.start = place(start, &mut open)?;
        // Rows are written in the order in which states got their places.
        let mut written = 0;
        while let Some(state) = open.get(written).copied() {
            written += 1;
            let first = rows.len();
            for sample in &samples {
                let next = match sample {
                    Some(byte) => dfa.next_state(state, *byte),
                    None => dfa.next_eoi_state(state),
                };
                let next = place(next, &mut open)?;
                rows.push(next);
            }
            // The end of the text has the last place of a row.
            rows.resize(first + usize::from(width), DEAD);
            if let (Some(end), Some(last)) =
                (rows.get(first + samples.len() - 1).copied(), rows.last_mut())
            {
                *last = end;
            }
        }
        walk.table = rows.into();
        Some(walk)
    }

    fn size(&self) -> usize {
        size_of::<Walk>() + 256 + self.table.len() * 2
    }

    /// Whether its pattern fits; `None` if it cannot read the text.
    #[inline]
    fn fits(&self, text: &str) -> Option<bool> {
        let mut at = self.start;
        for byte in text.bytes() {
            if at < self.width {
                break;
            }
            let class = self.classes[usize::from(byte)];
            at = *self.table.get(usize::from(at) + usize::from(class))?;
        }
        if at >= self.width {
            at = *self.table.get(usize::from(at) + usize::from(self.width) - 1)?;
        }
        match at {
            FITTED => Some(true),
            LOST => None,
            // What is left at the end of the text has not fitted.
            _ => Some(false),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Patterns with anchors, classes, letters beyond ASCII, repetitions, either case, and what fits nothing at all.
    pub(crate) fn pattern() -> impl Strategy<Value = String> {
        let atom = prop::sample::select(vec![
            "a",
            "b",
            "/",
            "é",
            "K",
            "ß",
            ".",
            "ab",
            "/api/",
            "orders",
            "[a-c]",
            "[^/]",
            r"\w",
            r"\d",
            r"\pL",
            "(?i:ab)",
            "(?i:straße)",
            "(?i:k)",
            r"\b",
            r"\B",
            "^",
            "$",
            r"\A",
            r"\z",
            "(?m:^)",
            "(?m:$)",
            "(?-u:[a-z])",
            r"(?-u:\b)",
            r"(?-u:\B)",
            "()",
            r"\x{1F600}",
            "(?s:.)",
        ])
        .prop_map(str::to_owned);
        atom.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                3 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                2 => prop::collection::vec(inner.clone(), 1..4)
                    .prop_map(|parts| format!("(?:{})", parts.join("|"))),
                2 => (inner.clone(), prop::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "*?"]))
                    .prop_map(|(part, many)| format!("(?:{part}){many}")),
                1 => inner.prop_map(|part| format!("(?i:{part})")),
            ]
        })
    }

    pub(crate) fn text() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "a",
            "b",
            "c",
            "/",
            "é",
            "É",
            "k",
            "\u{212A}",
            "ß",
            "ẞ",
            "ab",
            "AB",
            "/api/",
            "orders",
            "ORDERS",
            "straße",
            "STRASSE",
            "7",
            " ",
            "\n",
            "-",
            "\u{1F600}",
        ]);
        prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn it_says_what_the_pattern_says(pattern in pattern(), texts in prop::collection::vec(text(), 8)) {
            let Some(pattern) = lang::literal::compiled(&pattern) else { return Ok(()) };
            let fit = Fits::default().of(&pattern);
            for text in texts {
                prop_assert_eq!(fit.is_in(&text), pattern.0.is_match(&text), "{:?} {:?}", pattern, text);
            }
        }
    }

    #[test]
    fn what_the_budget_has_no_room_for_is_matched_as_it_came() {
        let mut fits = Fits { left: 1_500, ..Fits::default() };
        let mut n_made = 0;
        for at in 0..20 {
            let pattern = lang::literal::compiled(&format!("^/a{at}/[0-9]+$")).unwrap();
            let fit = fits.of(&pattern);
            n_made += usize::from(fit.walk.is_some());
            assert!(fit.is_in(&format!("/a{at}/7")) && !fit.is_in(&format!("/a{at}/x")));
        }
        assert!((1..4).contains(&n_made), "{n_made}");
        let large = lang::literal::compiled(r"(?-u)a[ab]{14}$").unwrap();
        assert!(Fits::default().of(&large).walk.is_none());
    }
}
