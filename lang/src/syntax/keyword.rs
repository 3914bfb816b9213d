//! The words an item begins with, and the nearest of them to a word that is none.

/// What kind of item it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Keyword {
    /// `edition 2026`.
    Edition,
    /// `use "./net.gw" { office }`.
    Use,
    /// `param region: String from env("R")`.
    Param,
    /// `secret key from file("/run/key")`.
    Secret,
    /// `let office = […]`.
    Let,
    /// `fn f(x: Int) -> Bool = x > 1`.
    Fn,
    /// `listener web { … }`.
    Listener,
    /// `upstream app { … }`.
    Upstream,
    /// `auth token = jwt { … }`.
    Auth,
    /// `limit caller(rate: Rate) { … }`.
    Limit,
    /// `store cache = memory { … }`.
    Store,
    /// `module m on web from "./m.gw" { … }`.
    Module,
    /// `policy api(scope: String) { … }`.
    Policy,
    /// `site shop on web { … }`.
    Site,
    /// `route r on web { … }`.
    Route,
    /// `assert a { … }`.
    Assert,
    /// `test "name" { … }`.
    Test,
    /// A word that begins no item.
    Unknown,
}

const WORDS: &[(&str, Keyword)] = &[
    ("edition", Keyword::Edition),
    ("use", Keyword::Use),
    ("param", Keyword::Param),
    ("secret", Keyword::Secret),
    ("let", Keyword::Let),
    ("fn", Keyword::Fn),
    ("listener", Keyword::Listener),
    ("upstream", Keyword::Upstream),
    ("auth", Keyword::Auth),
    ("limit", Keyword::Limit),
    ("store", Keyword::Store),
    ("module", Keyword::Module),
    ("policy", Keyword::Policy),
    ("site", Keyword::Site),
    ("route", Keyword::Route),
    ("assert", Keyword::Assert),
    ("test", Keyword::Test),
];

impl Keyword {
    /// The keyword written exactly so.
    pub fn from_word(word: &str) -> Option<Keyword> {
        WORDS.iter().find(|(text, _)| *text == word).map(|&(_, keyword)| keyword)
    }

    /// How it is written.
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|&&(_, keyword)| keyword == self).map_or("", |(text, _)| text)
    }

    /// The keyword that `word` most probably was to be.
    pub(super) fn nearest(word: &str) -> Option<Keyword> {
        let scored =
            WORDS.iter().map(|&(text, keyword)| (distance(word, text), text.len(), keyword));
        let near = scored.filter(|(score, length, _)| *score <= (length / 3).clamp(1, 2));
        let near = near.filter(|_| word.len() > 1);
        near.min_by_key(|(score, ..)| *score).map(|(.., keyword)| keyword)
    }
}

/// How many letters to add, drop, change or swap with their neighbour to make `a` into `b`.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let best = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}
