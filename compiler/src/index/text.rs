//! Text as words of eight bytes: reading, hashing and comparing them without a loop over bytes. Plain arithmetic, so that
//! it is the same on every machine.

use crate::names::same;
use crate::program::code::Place;

/// `/` in every byte.
const SLASHES: u64 = u64::from_le_bytes([b'/'; 8]);
const LOW: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// What hashes are multiplied by: odd, with bits all over.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const OTHER_FACTOR: u64 = 0xbf58_476d_1ce4_e5b9;

/// A name as it is looked up: what stands at its two ends, which says all of a name of up to [`ENDS`] bytes.
#[derive(Clone, Copy)]
pub(super) struct Name<'t> {
    text: &'t [u8],
    /// Sixteen bytes of either end, which may overlap. Of a shorter name eight bytes of either end, of one that is
    /// shorter still all it has; zeros behind that.
    pub(super) ends: [u64; 4],
}

/// Bytes that ends hold.
pub(super) const ENDS: usize = 32;

/// A segment of a path. Its words are those of [`label`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    /// Its first word.
    pub(super) first: u64,
    /// Its second word; zero where there is none; a hash of all others where there are more.
    pub(super) rest: u64,
    /// Its bytes.
    pub(super) length: usize,
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
        if self.len() < ENDS / 2 {
            return hash;
        }
        let hash = folded(c ^ hash, d ^ FACTOR);
        if self.len() > ENDS { mixed(hash, self.text) } else { hash }
    }

    /// What its ends do not hold, as words.
    pub(super) fn more(&self) -> impl Iterator<Item = u64> + 't {
        between(self.text)
    }
}

/// What the ends of a name do not hold, as words.
fn between(name: &[u8]) -> impl Iterator<Item = u64> {
    let between = name.get(ENDS / 2..name.len().saturating_sub(ENDS / 2)).unwrap_or_default();
    (0..between.len()).step_by(8).map(|at| word(between, at))
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

/// A path to read words from.
pub(super) trait Path: Copy {
    /// How many bytes it has.
    fn len(self) -> usize;

    /// These, and maybe some behind them.
    fn bytes<'p>(self) -> &'p [u8]
    where
        Self: 'p;

    /// What it says from a place on that is no further than its end: eight bytes, the first one lowest. Behind its end
    /// stand a `/` and zeros, so that every segment ends alike.
    fn ahead(self, at: usize) -> u64;
}

impl Path for &[u8] {
    #[inline(always)]
    fn len(self) -> usize {
        self.len()
    }

    fn bytes<'p>(self) -> &'p [u8]
    where
        Self: 'p,
    {
        self
    }

    #[inline(always)]
    fn ahead(self, at: usize) -> u64 {
        match self.get(at..).and_then(<[u8]>::first_chunk) {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => {
                last_word(self, at) | u64::from(b'/') << ((self.len().wrapping_sub(at) & 7) * 8)
            }
        }
    }
}

/// A copy of a short path with what stands behind its end, so that every word is read alike.
pub(super) struct Padded {
    bytes: [u8; PADDED + 8],
    length: usize,
}

/// Bytes of a padded path with what ends it, and one to spare; a power of two.
const PADDED: usize = 64;

impl Padded {
    /// Room for one.
    #[inline(always)]
    pub(super) fn new() -> Padded {
        Padded { bytes: [0; PADDED + 8], length: 0 }
    }

    /// Takes the copy of a path that [is short](is_short).
    #[inline(always)]
    pub(super) fn put(&mut self, path: &[u8]) {
        let bytes = &mut self.bytes;
        if !(put_ends::<32>(path, bytes)
            || put_ends::<16>(path, bytes)
            || put_ends::<8>(path, bytes))
        {
            bytes.iter_mut().zip(path).take(8).for_each(|(to, from)| *to = *from);
        }
        if let Some(end) = bytes.get_mut(path.len()) {
            *end = b'/';
        }
        self.length = path.len();
    }
}

/// Whether a path can be padded.
#[inline(always)]
pub(super) fn is_short(path: &[u8]) -> bool {
    path.len() <= PADDED - 2
}

/// Copies a path that is no shorter than this and no longer than twice this: its two ends, which may overlap.
#[inline(always)]
fn put_ends<const N: usize>(path: &[u8], bytes: &mut [u8; PADDED + 8]) -> bool {
    let (Some(first), Some(last)) = (path.first_chunk::<N>(), path.last_chunk::<N>()) else {
        return false;
    };
    if let Some(behind) = bytes.get_mut(path.len() - N..).and_then(<[u8]>::first_chunk_mut) {
        *behind = *last;
    }
    if let Some(begin) = bytes.first_chunk_mut() {
        *begin = *first;
    }
    true
}

impl Path for &Padded {
    #[inline(always)]
    fn len(self) -> usize {
        self.length
    }

    fn bytes<'p>(self) -> &'p [u8]
    where
        Self: 'p,
    {
        &self.bytes
    }

    #[inline(always)]
    fn ahead(self, at: usize) -> u64 {
        let behind = self.bytes.get(at & (PADDED - 1)..).and_then(<[u8]>::first_chunk);
        behind.map_or(0, |chunk| u64::from_le_bytes(*chunk))
    }
}

/// A text and what ends a segment behind it, as words; the last one has its last byte highest and zeros before the first.
pub(super) fn label(text: &str) -> impl DoubleEndedIterator<Item = u64> {
    let bytes = text.as_bytes();
    let last = bytes.len() / 8;
    (0..=last).map(move |number| match bytes.ahead(number * 8) {
        word if number == last => word << ((7 - bytes.len() % 8) * 8),
        word => word,
    })
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

/// Where the segment ends that begins at a place, which must not lie behind the path's end.
#[inline(always)]
pub(super) fn end(path: impl Path, mut at: usize) -> usize {
    loop {
        let slash = marks(path.ahead(at), SLASHES);
        if slash != 0 {
            return at + slash.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
}

/// The segment at a place.
pub(crate) fn nth(path: &str, place: Place) -> Option<&str> {
    let at = start(path.as_bytes(), place)?;
    path.get(at..end(path.as_bytes(), at))
}

/// Where the segment ends that begins at a byte, which must not lie behind the path's end.
#[cfg(feature = "jit")]
pub(crate) fn end_of(path: &str, at: usize) -> usize {
    end(path.as_bytes(), at)
}

/// Whether the segment at a place is this text, which has no `/`.
#[inline(always)]
pub(crate) fn is_nth(path: &str, place: Place, text: &str) -> bool {
    let ahead = start(path.as_bytes(), place).and_then(|at| path.as_bytes().get(at..));
    ahead.and_then(|ahead| ahead.split_at_checked(text.len())).is_some_and(|(segment, behind)| {
        same(segment, text.as_bytes()) && matches!(behind.first(), None | Some(b'/'))
    })
}

/// Where the segment at a place begins.
#[inline(always)]
fn start(path: &[u8], place: Place) -> Option<usize> {
    let mut at = usize::from(place.from);
    if at > path.len() || path.first() != Some(&b'/') {
        return None;
    }
    for _ in 0..place.behind {
        at = end(path, at) + 1;
        if at > path.len() {
            return None;
        }
    }
    Some(at)
}

/// The segment that begins at a place, which must not lie behind the path's end.
#[inline(always)]
pub(super) fn segment(path: impl Path, at: usize) -> Segment {
    short_segment(path, at).unwrap_or_else(|| {
        let (first, second) = (path.ahead(at), path.ahead(at + 8));
        let (rest, length) = long_rest(path, at + 16, second);
        Segment { first, rest, length: 8 + length }
    })
}

/// The same if it ends within two words.
#[inline(always)]
pub(super) fn short_segment(path: impl Path, at: usize) -> Option<Segment> {
    let first = path.ahead(at);
    if let Some((first, length)) = last(first) {
        return Some(Segment { first, rest: 0, length });
    }
    let (rest, length) = last(path.ahead(at + 8))?;
    Some(Segment { first, rest, length: 8 + length })
}

impl Segment {
    #[inline(always)]
    pub(super) fn hash(&self) -> u64 {
        folded(self.first ^ FACTOR, self.rest ^ OTHER_FACTOR)
    }
}

/// Of a word with the end of a segment in it the word that a label ends with, and how many bytes lie before the end.
#[inline(always)]
fn last(word: u64) -> Option<(u64, usize)> {
    let slash = marks(word, SLASHES);
    if slash == 0 {
        return None;
    }
    let bit = slash.trailing_zeros();
    Some((word << (63 - bit), bit as usize / 8))
}

/// What stands for the words of a segment from the second on, of which this place is behind, and how many bytes they are.
#[cold]
#[inline(never)]
fn long_rest(path: impl Path, at: usize, second: u64) -> (u64, usize) {
    let (mut hash, mut next) = (second, at);
    loop {
        let word = path.ahead(next);
        if let Some((word, length)) = last(word) {
            return (mix(hash, word), next - at + 8 + length);
        }
        hash = mix(hash, word);
        next += 8;
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
            assert_eq!(alone.length, text.len());
            assert_eq!(label(text).next(), Some(alone.first));
            for (before, behind) in [("/", ""), ("/", "/"), ("/x/", "/y"), ("/x/", "/0123456789")] {
                let path = format!("{before}{text}{behind}");
                assert_eq!(segment(path.as_bytes(), before.len()), alone, "{path}");
            }
        }
    }

    #[test]
    fn segments_are_counted_as_they_are_split() {
        for path in ["", "*", "/", "//", "/a", "/a/", "/a/bc/0123456789/x//y", "/0123456/01234567"]
        {
            let split: Vec<&str> = lang::segment::split(path).collect();
            for number in 0..10 {
                let place = Place { from: 1, behind: number as u16 };
                let told = nth(path, place);
                assert_eq!(told, split.get(number).copied(), "{path} {number}");
                for text in ["", "a", "b", "bc", "0123456789", "0123456", "012345", "y", "yy"] {
                    assert_eq!(is_nth(path, place, text), told == Some(text), "{path} {text}");
                }
            }
        }
        let place = Place { from: 8, behind: 1 };
        assert_eq!(nth("/api/v1/orders/7", place), Some("7"));
        assert_eq!(nth("/api/v1", place), None);
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
            for other in &texts {
                let given = Name::of(other.as_bytes());
                let is_alike = of.len() == given.len() && of.ends == given.ends;
                assert_eq!(is_alike && of.more().eq(given.more()), one == other, "{one} {other}");
                assert_eq!(of.hash(7) == given.hash(7), one == other, "{one} {other}");
            }
        }
    }
}
