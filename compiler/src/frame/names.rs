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
                    names: names.clone().into(),
                };
                if let Some(perfect) = made.filled() {
                    return perfect;
                }
            }
        }
        Names { names: names.into(), ..Names::default() }
    }

    /// The place of a name, in whatever case it is written.
    #[inline]
    pub fn place(&self, name: &[u8]) -> Option<usize> {
        if self.table.is_empty() {
            return self.names.iter().position(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        }
        let place = usize::from(*self.table.get(self.slot(name))?).checked_sub(1)?;
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
    #[inline]
    fn slot(&self, name: &[u8]) -> usize {
        let byte = |at: usize| u64::from(name.get(at).copied().unwrap_or(0) | 0x20);
        let last = name.len().saturating_sub(1);
        let key = byte(0) | byte(last) << 8 | byte(last / 2) << 16 | (name.len() as u64) << 24;
        (key.wrapping_mul(self.factor) >> self.shift) as usize
    }
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
        let names = Names::new(["abcde", "abcxe"].map(Arc::from));
        assert_eq!(names.place(b"ABCXE"), Some(1));
        assert_eq!(names.place(b"abcze"), None);
    }
}
