//! Text as words of eight bytes: reading, hashing and comparing them without a loop over bytes. Plain arithmetic, so that
//! it is the same on every machine.

/// `/` in every byte.
const SLASHES: u64 = u64::from_le_bytes([b'/'; 8]);
const LOW: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// What hashes are multiplied by: odd, with bits all over.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A name as it is looked up: what stands at its two ends, which says all of a name of up to [`ENDS`] bytes.
#[derive(Clone, Copy)]
pub(super) struct Name<'t> {
    text: &'t [u8],
    /// Sixteen bytes of either end, which may overlap. Of a shorter name eight bytes of either end, of one that is
    /// shorter still all it has; zeros behind that.
    pub(super) ends: [u64; 4],
}

/// Bytes that ends hold.
const ENDS: usize = 32;

/// A segment of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    /// Its first eight bytes; of a shorter one what ends it, too, and zeros behind.
    pub(super) first: u64,
    /// Of all of it.
    pub(super) hash: u64,
    /// Where it ends: the place of a `/`, or the path's length.
    pub(super) end: usize,
}

impl<'t> Name<'t> {
    #[inline(always)]
    pub(super) fn of(text: &'t [u8]) -> Name<'t> {
        let pair = |bytes: &[u8; 16]| {
            let bytes = u128::from_le_bytes(*bytes);
            (bytes as u64, (bytes >> 64) as u64)
        };
        let ends = match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) => {
                let ((a, b), (c, d)) = (pair(first), pair(last));
                [a, b, c, d]
            }
            _ => match (text.first_chunk(), text.last_chunk()) {
                (Some(first), Some(last)) => {
                    [u64::from_le_bytes(*first), u64::from_le_bytes(*last), 0, 0]
                }
                _ => [short(text), 0, 0, 0],
            },
        };
        Name { text, ends }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    #[inline(always)]
    pub(super) fn hash(&self, seed: u64) -> u64 {
        let [a, b, c, d] = self.ends;
        let hash = folded(a ^ seed ^ self.len() as u64, b ^ FACTOR);
        let hash = folded(c ^ hash, d ^ FACTOR);
        if self.len() > ENDS { mixed(hash, self.text) } else { hash }
    }

    /// What its ends do not hold, as words.
    pub(super) fn more(&self) -> impl Iterator<Item = u64> + 't {
        between(self.text)
    }

    /// Whether another name of this length that ends alike goes on as these words between its ends.
    #[inline(always)]
    pub(super) fn goes_on(&self, words: &[u64]) -> bool {
        self.len() <= ENDS || goes_on(self.text, words)
    }
}

/// What the ends of a name do not hold, as words.
fn between(name: &[u8]) -> impl Iterator<Item = u64> {
    let between = name.get(ENDS / 2..name.len().saturating_sub(ENDS / 2)).unwrap_or_default();
    (0..between.len()).step_by(8).map(|at| word(between, at))
}

#[inline(never)]
fn goes_on(name: &[u8], words: &[u64]) -> bool {
    let n_words = between(name).count();
    words.get(..n_words).is_some_and(|words| between(name).eq(words.iter().copied()))
}

/// The eight bytes at a place, the first one lowest; zeros behind the end.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => last_word(bytes, at),
    }
}

/// The same where fewer than eight bytes are left: those before it are read too and shifted out.
#[inline(always)]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    let left = bytes.len().wrapping_sub(at) & 7;
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

/// What a path says from a place on that is no further than its end: eight bytes, the first one lowest. Behind its end
/// stand a `/` and zeros, so that every segment ends alike.
#[inline(always)]
pub(super) fn ahead(path: &[u8], at: usize) -> u64 {
    match path.get(at..).and_then(<[u8]>::first_chunk) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => last_word(path, at) | u64::from(b'/') << ((path.len().wrapping_sub(at) & 7) * 8),
    }
}

/// What is ahead where a path goes on with this text and a segment ends with it: as many words as it takes.
pub(super) fn label(text: &str) -> impl DoubleEndedIterator<Item = u64> {
    (0..=text.len() / 8).map(|at| ahead(text.as_bytes(), at * 8))
}

/// One more word into a hash.
#[inline(always)]
fn mix(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(FACTOR).rotate_left(26)
}

/// What the ends of a name do not hold into its hash.
#[inline(never)]
fn mixed(hash: u64, name: &[u8]) -> u64 {
    between(name).fold(hash, mix)
}

/// All bits of a product, in as many as its factors have.
#[inline(always)]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
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

/// Where the segment that begins at a place ends.
#[inline(always)]
pub(super) fn end(path: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = path.get(at..).and_then(<[u8]>::first_chunk) {
        let slash = marks(u64::from_le_bytes(*chunk), SLASHES);
        if slash != 0 {
            return at + slash.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    match marks(last_word(path, at.min(path.len())), SLASHES) {
        0 => path.len(),
        slash => at + slash.trailing_zeros() as usize / 8,
    }
}

/// The segment with this number, as [`lang::segment::split`] counts them.
pub(crate) fn nth(path: &str, number: usize) -> Option<&str> {
    let bytes = path.as_bytes();
    let mut at = bytes.first().filter(|first| **first == b'/').map(|_| 1)?;
    for _ in 0..number {
        at = end(bytes, at) + 1;
        if at > bytes.len() {
            return None;
        }
    }
    path.get(at..end(bytes, at))
}

/// The segment that begins at a place, which must not lie behind the path's end.
#[inline(always)]
pub(super) fn segment(path: &[u8], at: usize) -> Segment {
    let first = ahead(path, at);
    let slash = marks(first, SLASHES);
    let (first, hash, end) = match slash {
        0 => {
            let (hash, end) = long_segment(path, at + 8, first);
            (first, hash, end)
        }
        slash => {
            let first = ending(first, slash);
            (first, first, at + slash.trailing_zeros() as usize / 8)
        }
    };
    Segment { first, hash: hash.wrapping_mul(FACTOR), end }
}

/// What of a word belongs to a segment, and the `/` that ends it.
#[inline(always)]
fn ending(word: u64, slash: u64) -> u64 {
    // Up to the lowest mark, which is the highest bit of the slash.
    word & (slash ^ (slash - 1))
}

/// The hash, not yet settled, and the end of a segment whose first eight bytes lie before this place.
#[inline(never)]
fn long_segment(path: &[u8], mut at: usize, first: u64) -> (u64, usize) {
    let mut hash = first;
    loop {
        let next = ahead(path, at);
        let slash = marks(next, SLASHES);
        if slash != 0 {
            let end = at + slash.trailing_zeros() as usize / 8;
            return (mix(hash, ending(next, slash)), end);
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
            assert_eq!(label(text).next(), Some(alone.first));
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
    fn names_are_told_apart() {
        let long = "abcdefgh".repeat(6);
        let mut texts: Vec<String> = (0..=long.len()).map(|length| long[..length].into()).collect();
        for place in [0, 7, 8, 15, 16, 20, 31, 32, 40, 47] {
            let mut other = long.clone();
            other.replace_range(place..=place, "x");
            texts.push(other);
        }
        for one in &texts {
            let of = Name::of(one.as_bytes());
            let more: Vec<u64> = of.more().collect();
            for other in &texts {
                let given = Name::of(other.as_bytes());
                let same = of.len() == given.len() && of.ends == given.ends && given.goes_on(&more);
                assert_eq!(same, one == other, "{one} {other}");
                assert_eq!(of.hash(7) == given.hash(7), one == other, "{one} {other}");
            }
        }
    }
}
