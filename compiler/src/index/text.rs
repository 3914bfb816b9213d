//! Text as words of eight bytes: reading, hashing and comparing them without a loop over bytes. Plain arithmetic, so that
//! it is the same on every machine.

/// `/` in every byte.
const SLASHES: u64 = u64::from_le_bytes([b'/'; 8]);
const LOW: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// What hashes are multiplied by: odd, with bits all over.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A segment of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    /// Its first eight bytes, zeros behind its end.
    pub(super) first: u64,
    /// Of all of it, to be settled: few segments are looked for by it.
    pub(super) hash: u64,
    /// Where it ends: the place of a `/`, or the path's length.
    pub(super) end: usize,
}

/// The eight bytes at a place, the first one lowest; zeros behind the end.
#[inline(always)]
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => last_word(bytes, at),
    }
}

/// The same where fewer than eight bytes are left: those before it are read too and shifted out.
#[inline(always)]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    match bytes.last_chunk() {
        Some(chunk) => {
            let before = (at + 8).wrapping_sub(bytes.len());
            let word = u64::from_le_bytes(*chunk);
            if before < 8 { word >> (before * 8) } else { 0 }
        }
        None => short_word(bytes, at),
    }
}

/// The same of a text of fewer than eight bytes.
#[inline(never)]
fn short_word(bytes: &[u8], at: usize) -> u64 {
    let left = bytes.get(at..).unwrap_or_default();
    left.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// One more word into a hash.
#[inline(always)]
pub(super) fn mix(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(FACTOR).rotate_left(26)
}

/// The last step of a hash: afterwards every bit depends on every byte.
#[inline(always)]
pub(super) fn settle(hash: u64) -> u64 {
    hash.wrapping_mul(FACTOR)
}

/// The bytes of `word` that equal the byte spread over `spread`, marked by their highest bit. Exact for the lowest one;
/// a byte above it may be marked wrongly.
#[inline(always)]
pub(super) fn marks(word: u64, spread: u64) -> u64 {
    let same = word ^ spread;
    same.wrapping_sub(LOW) & !same & HIGH
}

/// A byte in every byte.
#[inline(always)]
pub(super) fn spread(byte: u8) -> u64 {
    u64::from(byte) * LOW
}

/// The hash of a whole text.
#[inline(always)]
pub(super) fn hash(seed: u64, text: &[u8]) -> u64 {
    let mut hash = seed;
    let mut rest = text;
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*chunk));
        rest = behind;
    }
    settle(mix(hash, last_word(text, text.len() - rest.len())))
}

/// How many words hold a text of so many bytes: there is one behind all whole ones, be it zero.
#[inline(always)]
pub(super) fn n_words(length: usize) -> usize {
    length / 8 + 1
}

/// Whether a text is what these words begin with.
#[inline(always)]
pub(super) fn is_text(mut words: &[u64], text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        match words.split_first() {
            Some((word, others)) if u64::from_le_bytes(*chunk) == *word => words = others,
            _ => return false,
        }
        rest = behind;
    }
    words.first().is_some_and(|last| *last == last_word(text, text.len() - rest.len()))
}

/// A text as words.
pub(super) fn words(text: &str) -> impl Iterator<Item = u64> {
    let bytes = text.as_bytes();
    (0..n_words(bytes.len())).map(|at| word(bytes, at * 8))
}

/// The hash that a segment with this text has.
pub(super) fn segment_hash(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let hash =
        (8..bytes.len()).step_by(8).fold(word(bytes, 0), |hash, at| mix(hash, word(bytes, at)));
    settle(hash)
}

/// The segment that begins at a place.
#[inline(always)]
pub(super) fn segment(path: &[u8], at: usize) -> Segment {
    let first = word(path, at);
    let slash = marks(first, SLASHES);
    if slash != 0 {
        let n = slash.trailing_zeros() & !7;
        // Below the mark, which is the slash's highest bit, and without the slash.
        let first = first & ((1 << n) - 1);
        return Segment { first, hash: first, end: at + n as usize / 8 };
    }
    if at + 8 >= path.len() {
        return Segment { first, hash: first, end: path.len() };
    }
    let (hash, end) = long_segment(path, at + 8, first);
    Segment { first, hash, end }
}

/// The hash, not yet settled, and the end of a segment whose first eight bytes lie before this place.
#[inline(never)]
fn long_segment(path: &[u8], mut at: usize, first: u64) -> (u64, usize) {
    let mut hash = first;
    loop {
        let next = word(path, at);
        let slash = marks(next, SLASHES);
        if slash != 0 {
            let n = slash.trailing_zeros() & !7;
            // A word of which nothing belongs to the segment is none of its hash.
            let all = if n == 0 { hash } else { mix(hash, next & ((1 << n) - 1)) };
            return (all, at + n as usize / 8);
        }
        if at + 8 >= path.len() {
            return (mix(hash, next), path.len());
        }
        hash = mix(hash, next);
        at += 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_at_slashes_and_hash_by_their_text_alone() {
        for text in
            ["", "a", "1234567", "12345678", "123456789", "0123456789abcdef", "0123456789abcdefg"]
        {
            let alone = segment(text.as_bytes(), 0);
            assert_eq!(alone.end, text.len());
            for (before, behind) in [("/", ""), ("/", "/"), ("/x/", "/y"), ("/x/", "/0123456789")] {
                let path = format!("{before}{text}{behind}");
                let found = segment(path.as_bytes(), before.len());
                assert_eq!(found.end, before.len() + text.len(), "{path}");
                assert_eq!((found.hash, found.first), (alone.hash, alone.first), "{path}");
            }
        }
    }

    #[test]
    fn words_hold_the_text_and_nothing_else() {
        for text in ["", "a", "abcdefgh", "abcdefghi"] {
            let held: Vec<u64> = words(text).collect();
            assert_eq!(held.len(), n_words(text.len()));
            for other in ["", "a", "abcdefg", "abcdefgh", "abcdefgx", "abcdefghi", "abcdefghj"] {
                assert_eq!(is_text(&held, other.as_bytes()), other == text, "{text} {other}");
            }
        }
    }
}
