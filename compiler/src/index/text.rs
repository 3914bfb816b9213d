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
    /// Of all of it, to be settled.
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
    let left = bytes.len().saturating_sub(at) & 7;
    match bytes.last_chunk() {
        // By two steps, so that nothing is left where nothing is to be.
        Some(chunk) => u64::from_le_bytes(*chunk) >> 8 >> ((7 - left) * 8),
        None => short(bytes.get(at..).unwrap_or_default()),
    }
}

/// A text of fewer than eight bytes: its ends, which may overlap.
#[inline]
fn short(text: &[u8]) -> u64 {
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
            u64::from(first) | (u64::from(last) << (((text.len() - 4) * 8) & 63))
        }
        _ => text.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    }
}

/// What a path says from a place on, no further than its end: eight bytes, the first one lowest. Behind its end stand a
/// `/` and zeros, so that every segment ends alike.
#[inline(always)]
pub(super) fn ahead(path: &[u8], at: usize) -> u64 {
    match path.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => {
            let left = path.len().saturating_sub(at) & 7;
            last_word(path, at) | u64::from(b'/') << (left * 8)
        }
    }
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

/// The hash of a whole text: sixteen bytes a step, the last ones overlapping those before.
#[inline(always)]
pub(super) fn hash(seed: u64, text: &[u8]) -> u64 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let (chunks, rest) = text.as_chunks::<16>();
    let mut hash = seed ^ text.len() as u64;
    for chunk in chunks {
        let [a, b] = chunk.as_chunks().0 else { continue };
        hash = folded(word(a) ^ hash, word(b) ^ FACTOR);
    }
    let (a, b) = match (text.last_chunk::<16>(), rest.first_chunk(), rest.last_chunk()) {
        (Some(last), ..) => match last.as_chunks().0 {
            [a, b] => (word(a), word(b)),
            _ => (0, 0),
        },
        (None, Some(first), Some(last)) => (word(first), word(last)),
        _ => (short(rest), 0),
    };
    folded(a ^ hash, b ^ FACTOR)
}

/// All bits of a product, in as many as its factors have.
#[inline(always)]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// How many words hold a text of so many bytes: there is one behind all whole ones, be it zero.
#[inline(always)]
pub(super) fn n_words(length: usize) -> usize {
    length / 8 + 1
}

/// Whether a text is what these words begin with.
#[inline(always)]
pub(super) fn is_text(words: &[u64], text: &[u8]) -> bool {
    let (chunks, rest) = text.as_chunks();
    let Some((last, whole)) = words.get(..=chunks.len()).and_then(<[u64]>::split_last) else {
        return false;
    };
    chunks.iter().zip(whole).all(|(chunk, word)| u64::from_le_bytes(*chunk) == *word)
        && *last == last_word(text, text.len() - rest.len())
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

/// Where the segment that begins at a place ends.
#[inline]
pub(super) fn end(path: &[u8], mut at: usize) -> usize {
    while at < path.len() {
        let slash = marks(ahead(path, at), SLASHES);
        if slash != 0 {
            return at + slash.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    path.len()
}

/// The segment with this number, as [`lang::segment::split`] counts them.
pub(crate) fn nth(path: &str, number: usize) -> Option<&str> {
    let bytes = path.as_bytes();
    let mut at = bytes.first().filter(|first| **first == b'/').map(|_| 1)?;
    for _ in 0..number {
        at = end(bytes, at) + 1;
    }
    path.get(at..end(bytes, at).max(at))
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
    fn segments_are_counted_as_they_are_split() {
        for path in ["", "*", "/", "//", "/a", "/a/", "/a/bc/0123456789/x//y", "/0123456/01234567"]
        {
            let split: Vec<&str> = lang::segment::split(path).collect();
            for number in 0..10 {
                assert_eq!(nth(path, number), split.get(number).copied(), "{path} {number}");
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
