//! The names that a program looks for among many, such as header fields: a perfect hash over few names, so that each
//! incoming name costs one look. It knows what the names are of as little as what stands behind them.

use std::sync::Arc;

/// Names in any letter case, each with its place.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By hash: the place plus one, zero for none.
    table: Box<[u16]>,
    shift: u32,
    factor: u64,
    /// A bit for each length that a name has, the last for all longer ones.
    lengths: u64,
    names: Box<[Arc<str>]>,
}

/// How many factors are tried before the table is made larger.
const TRIES: u64 = 64;

/// Tables are made larger up to this: beyond it, names that collide are looked for one by one.
const LARGEST: u32 = 16;

impl Names {
    /// A table of these names, each of which counts once; their places are those in the list. Names beyond 65,534 are
    /// left out.
    pub fn new(names: impl IntoIterator<Item = Arc<str>>) -> Names {
        let names: Vec<Arc<str>> = names.into_iter().take(usize::from(u16::MAX) - 1).collect();
        let lengths = names.iter().fold(0, |bits, name| bits | length(name.as_bytes()));
        let first = (names.len() * 2).next_power_of_two().max(2).trailing_zeros();
        for bits in first..=LARGEST.max(first) {
            for try_ in 0..TRIES {
                let made = Names {
                    table: vec![0; 1 << bits].into(),
                    shift: 64 - bits,
                    factor: 0x9e37_79b9_7f4a_7c15_u64
                        .wrapping_add(try_ << 1)
                        .rotate_left(try_ as u32 * 2)
                        | 1,
                    lengths,
                    names: names.clone().into(),
                };
                if let Some(perfect) = made.filled() {
                    return perfect;
                }
            }
        }
        Names { lengths, names: names.into(), ..Names::default() }
    }

    /// The place of a name, in whatever case it is written.
    #[inline]
    pub fn place(&self, name: &[u8]) -> Option<usize> {
        if self.lengths & length(name) == 0 {
            return None;
        }
        let Some(place) = self.table.get(self.slot(name)) else { return self.search(name) };
        let place = usize::from(*place).checked_sub(1)?;
        let known = self.names.get(place)?;
        name.eq_ignore_ascii_case(known.as_bytes()).then_some(place)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Without a table: one by one.
    #[cold]
    fn search(&self, name: &[u8]) -> Option<usize> {
        self.names.iter().position(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    }

    fn filled(mut self) -> Option<Names> {
        for (at, name) in self.names.iter().enumerate() {
            let slot = self.slot(name.as_bytes());
            match self.table.get_mut(slot) {
                Some(free @ 0) => *free = at as u16 + 1,
                _ => return None,
            }
        }
        Some(self)
    }

    /// By length, both ends and the middle: names of header fields differ in these, and case is one bit of each.
    #[inline(always)]
    fn slot(&self, name: &[u8]) -> usize {
        let (Some(first), Some(last)) = (name.first(), name.last()) else { return 0 };
        let middle = name.get(name.len() / 2).copied().unwrap_or_default();
        let bytes = u64::from(*first) | u64::from(*last) << 8 | u64::from(middle) << 16;
        let key = (bytes | 0x20_2020) ^ (name.len() as u64) << 24;
        (key.wrapping_mul(self.factor) >> self.shift) as usize
    }
}

/// The bit of a name's length.
#[inline(always)]
fn length(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_place_in_any_case() {
        let words = ["x-beta", "x-data", "x-user", "accept", "", "x-debug", "x-trace-id", "cookie"];
        let names = Names::new(words.map(Arc::from));
        for (at, word) in words.into_iter().enumerate() {
            assert_eq!(names.place(word.to_ascii_uppercase().as_bytes()), Some(at), "{word}");
        }
        assert_eq!(names.place(b"x-bota"), None);
        assert_eq!(names.place(b"user-agent"), None);
        assert_eq!(Names::new([]).place(b"a"), None);
    }

    #[test]
    fn names_that_no_table_parts_are_found_one_by_one() {
        let names = Names::new(["abcdef", "abxdef"].map(Arc::from));
        assert_eq!(names.place(b"ABXDEF"), Some(1));
        assert_eq!(names.place(b"abzdef"), None);
    }
}
