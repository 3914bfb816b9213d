//! The names of a message's header fields, as they are looked for: of each a mark of one byte, eight to a word. Whoever
//! reads a head notes them once, in the order of its fields; a name is then looked for in a few words, and compared with a
//! field or two.

/// The marks of a message's first fields.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    words: [u64; WORDS],
    /// How many fields there are.
    n: usize,
    /// For each mark what [`Names::place`] says.
    by_mark: [u8; MARKS],
}

/// Where a name's field may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// There is none.
    Nowhere,
    /// At this place, or there is none.
    At(usize),
    /// At several.
    Several,
}

/// What is noted of a name, whatever the case of its letters. Others may have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark(u8);

/// The places of fields that may have a name, in order.
#[derive(Clone, Debug)]
pub struct Places<'n> {
    names: &'n Names,
    /// The mark in every byte.
    wanted: u64,
    /// The next word; behind the last one the next of those that are not noted.
    next: usize,
    /// What was found in the word before: the highest bit of each byte that is it.
    found: u64,
}

/// How often a message has a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Only {
    /// It has none.
    Nowhere,
    /// Once, at this place.
    At(usize),
    /// More than once.
    Often,
}

const WORDS: usize = 4;

/// How many marks there are.
const MARKS: usize = 128;

/// What is noted of a mark: that no field has it, and that it is not noted which ones do. All else is the place of the one
/// that does, and one.
const NONE: u8 = 0;
const SEVERAL: u8 = u8::MAX;

/// Fields behind so many are not noted; each of them may have any name.
const NOTED: usize = WORDS * 8;

const LOW: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

impl Mark {
    /// The mark of a name.
    #[inline]
    pub fn of(name: &[u8]) -> Mark {
        // Letters of either case have these bits in common.
        let bits = |byte: Option<&u8>| byte.map_or(0, |byte| byte & 0x1f);
        let [first, last] = [name.first(), name.last()].map(bits);
        let before = bits(name.get(name.len().wrapping_sub(3)));
        let mixed = (name.len() as u8)
            .wrapping_add(first.wrapping_mul(3))
            .wrapping_add(last.wrapping_mul(5))
            .wrapping_add(before.wrapping_mul(11));
        // No mark is zero, as places are that hold none.
        Mark(mixed | 0x80)
    }

    /// Its number among all marks.
    #[inline(always)]
    fn number(self) -> usize {
        usize::from(self.0) % MARKS
    }
}

impl Default for Names {
    /// Those of no fields.
    fn default() -> Names {
        Names { words: [0; WORDS], n: 0, by_mark: [NONE; MARKS] }
    }
}

impl Names {
    /// Notes one more field.
    #[inline]
    pub fn push(&mut self, mark: Mark) {
        if let Some(word) = self.words.get_mut(self.n / 8) {
            *word |= u64::from(mark.0) << (self.n % 8 * 8);
        }
        self.n += 1;
        let noted = &mut self.by_mark[mark.number()];
        *noted = match (*noted, u8::try_from(self.n)) {
            (NONE, Ok(behind)) => behind,
            _ => SEVERAL,
        };
    }

    /// Where fields with a name of this mark may stand: at no other place there is one.
    #[inline(always)]
    pub fn places(&self, mark: Mark) -> Places<'_> {
        Places { names: self, wanted: u64::from(mark.0) * LOW, next: 0, found: 0 }
    }

    /// Where the field of a name with this mark may stand.
    #[inline(always)]
    pub fn place(&self, mark: Mark) -> Place {
        match self.by_mark[mark.number()] {
            NONE => Place::Nowhere,
            SEVERAL => Place::Several,
            behind => Place::At(usize::from(behind) - 1),
        }
    }

    /// Where the field of a name with this mark stands; `is_it` tells by a place whether it is one.
    pub fn only(&self, mark: Mark, is_it: impl Fn(usize) -> bool) -> Only {
        let mut places = self.places(mark).filter(|place| is_it(*place));
        match (places.next(), places.next()) {
            (None, _) => Only::Nowhere,
            (Some(place), None) => Only::At(place),
            (Some(_), Some(_)) => Only::Often,
        }
    }
}

/// The highest bit of each byte that is zero, and of a few above one.
#[inline(always)]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let Some(word) = self.names.words.get(self.next) else {
                let place = NOTED + self.next - WORDS;
                self.next += 1;
                return (place < self.names.n).then_some(place);
            };
            if self.next * 8 >= self.names.n {
                return None;
            }
            self.found = zeros(word ^ self.wanted);
            self.next += 1;
        }
        let place = (self.next - 1) * 8 + self.found.trailing_zeros() as usize / 8;
        self.found &= self.found - 1;
        Some(place)
    }
}

/// Whether two texts are the same. Short ones are compared as words, where they stand.
#[inline(always)]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    if let (Some(a), Some(b), Some(c), Some(d)) =
        (one.first_chunk(), other.first_chunk(), one.last_chunk(), other.last_chunk())
    {
        let ends = (word(a) ^ word(b)) | (word(c) ^ word(d));
        return ends == 0 && (one.len() <= 16 || one == other);
    }
    let word = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    if let (Some(a), Some(b)) = (one.first_chunk(), other.first_chunk())
        && let (Some((_, c)), Some((_, d))) = (one.split_last_chunk(), other.split_last_chunk())
    {
        return (word(a) ^ word(b)) | (word(c) ^ word(d)) == 0;
    }
    if let (Some(a), Some(b), Some(c), Some(d)) =
        (one.first_chunk::<2>(), other.first_chunk(), one.last_chunk::<2>(), other.last_chunk())
    {
        return a == b && c == d;
    }
    one.first() == other.first()
}

/// Whether two names of fields are the same, whatever the case of their letters.
#[inline]
pub fn same_name(one: &[u8], other: &[u8]) -> bool {
    same(one, other) || is_case_alone(one, other)
}

/// Whether names that are not the same differ by the case of their letters alone.
#[inline(never)]
fn is_case_alone(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_byte_for_byte() {
        let text = b"abcdefghijklmnopqrstuvwxyz0123456789";
        for length in 0..text.len() {
            let one = &text[..length];
            assert!(same(one, &text.to_vec()[..length]));
            assert!(!same(one, &text[..length + 1]));
            for at in 0..length {
                let mut other = one.to_vec();
                other[at] = b'-';
                assert!(!same(one, &other), "{length} {at}");
            }
        }
        assert!(same_name(b"X-Beta", b"x-beta") && !same_name(b"x-beta", b"x-betb"));
    }

    #[test]
    fn every_name_is_found_where_it_stands_and_hardly_elsewhere() {
        let common = ["Accept", "User-Agent", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Cookie", "te"];
        for n in [0, 1, 7, 8, 9, 31, 32, 33, 70] {
            let names: Vec<String> = (0..n)
                .map(|at| match common.get(at % 9) {
                    Some(name) => (*name).to_owned(),
                    None => format!("x-{at}"),
                })
                .collect();
            let mut noted = Names::default();
            names.iter().for_each(|name| noted.push(Mark::of(name.as_bytes())));
            let (mut looked_at, mut stand) = (0, 0);
            for wanted in common.iter().copied().chain(["x-7", "x-69", "", "other"]) {
                let places: Vec<usize> =
                    noted.places(Mark::of(wanted.to_ascii_lowercase().as_bytes())).collect();
                assert!(places.is_sorted() && places.iter().all(|place| *place < n), "{places:?}");
                let is_it = |place: &usize| names[*place].eq_ignore_ascii_case(wanted);
                let there: Vec<usize> = (0..n).filter(is_it).collect();
                assert!(there.iter().all(|place| places.contains(place)), "{wanted} {names:?}");
                let mark = Mark::of(wanted.as_bytes());
                match noted.place(mark) {
                    Place::Nowhere => assert!(places.iter().all(|place| *place >= NOTED)),
                    Place::At(at) => assert!(there.iter().all(|place| *place == at)),
                    Place::Several => {}
                }
                let only = noted.only(mark, |place| is_it(&place));
                match *there {
                    [] => assert_eq!(only, Only::Nowhere),
                    [place] => assert_eq!(only, Only::At(place)),
                    _ => assert_eq!(only, Only::Often),
                }
                looked_at += places.iter().filter(|place| **place < NOTED).count();
                stand += there.len();
            }
            assert!(looked_at <= stand + 4, "{looked_at} {stand} {n}");
        }
    }
}
