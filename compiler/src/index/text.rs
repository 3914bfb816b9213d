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
    /// Of all of it.
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
#[inline]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    match bytes.last_chunk() {
        Some(chunk) => {
            let before = (at + 8).saturating_sub(bytes.len());
            if before >= 8 { 0 } else { u64::from_le_bytes(*chunk) >> (before * 8) }
        }
        None => {
            let left = bytes.get(at..).unwrap_or_default();
            left.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
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

/// The hash of a whole text.
#[inline]
pub(super) fn hash(seed: u64, text: &[u8]) -> u64 {
    let (chunks, rest) = text.as_chunks();
    let mut hash = seed;
    for chunk in chunks {
        hash = mix(hash, u64::from_le_bytes(*chunk));
    }
    if !rest.is_empty() {
        hash = mix(hash, word(text, chunks.len() * 8));
    }
    settle(hash)
}

/// Whether a text is what these words say; their number is that of the text's, begun ones counted.
#[inline]
pub(super) fn is_text(words: &[u64], text: &[u8]) -> bool {
    let (chunks, rest) = text.as_chunks();
    let whole = chunks.iter().zip(words).all(|(chunk, word)| u64::from_le_bytes(*chunk) == *word);
    whole
        && (rest.is_empty()
            || words.get(chunks.len()).is_some_and(|last| *last == word(text, chunks.len() * 8)))
}

/// A text as words.
pub(super) fn words(text: &str) -> impl Iterator<Item = u64> {
    let bytes = text.as_bytes();
    (0..bytes.len()).step_by(8).map(|at| word(bytes, at))
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
        return Segment { first, hash: settle(first), end: at + n as usize / 8 };
    }
    if at + 8 >= path.len() {
        return Segment { first, hash: settle(first), end: path.len() };
    }
    long_segment(path, at, first)
}

/// The hash that a segment with this text has.
pub(super) fn segment_hash(text: &str) -> u64 {
    let mut words = words(text);
    let first = words.next().unwrap_or_default();
    settle(words.fold(first, mix))
}

/// The same for one of more than eight bytes.
#[inline]
fn long_segment(path: &[u8], start: usize, first: u64) -> Segment {
    let mut hash = first;
    let mut at = start + 8;
    loop {
        let next = word(path, at);
        let slash = marks(next, SLASHES);
        if slash != 0 {
            let n = slash.trailing_zeros() & !7;
            // A word of which nothing belongs to the segment is none of its hash.
            let all = if n == 0 { hash } else { mix(hash, next & ((1 << n) - 1)) };
            return Segment { first, hash: settle(all), end: at + n as usize / 8 };
        }
        if at + 8 >= path.len() {
            return Segment { first, hash: settle(mix(hash, next)), end: path.len() };
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
            assert_eq!(held.len(), text.len().div_ceil(8));
            assert!(is_text(&held, text.as_bytes()));
            if let Some(less) =
                text.get(..text.len().saturating_sub(1)).filter(|_| text.len() % 8 != 1)
            {
                assert_eq!(is_text(&held, less.as_bytes()), text.is_empty(), "{text}");
            }
        }
    }
}
