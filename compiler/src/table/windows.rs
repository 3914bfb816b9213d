//! Texts looked for together: of each one window of eight bytes, or of four where it is shorter, and one pass over the text
//! at hand that looks every window of it up. A small filter in front answers for almost all of them. What is found is a
//! reason to ask, no answer: windows do not tell letter case, and are less than the text they stand for.

use std::collections::HashMap;

use super::needs::{AnyOf, SHORTEST, folded};

/// Windows that are looked for, each with a number: its place among all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows {
    long: Lookup,
    short: Lookup,
}

/// Windows of one width.
#[derive(Clone, Debug, Default)]
struct Lookup {
    /// A bit for each hash that some window has. None if there is no window.
    filter: Option<Box<[u64; WORDS]>>,
    /// A power of two, and at least twice as many as there are windows. The number of an empty place is [`EMPTY`].
    table: Box<[(u64, u32)]>,
}

/// Words of a filter: half a page. Of a thousand windows, one in thirty others passes.
const WORDS: usize = 512;

/// What is left of a hash is the place of its bit.
const SHIFT: u32 = 64 - (WORDS * 64).trailing_zeros();

const EMPTY: u32 = u32::MAX;

/// `0x20` in every byte.
const FOLD: u64 = u64::from_le_bytes([0x20; 8]);

/// What hashes are multiplied by: odd, with bits all over.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

const LONG: usize = 8;

impl Windows {
    /// Chooses windows for what each of several patterns needs, and gives the numbers of each pattern's: if none of them
    /// is found, the pattern does not fit. A pattern that needs nothing has none.
    pub(super) fn choose(needs: &[Vec<AnyOf>]) -> (Windows, Vec<Vec<u32>>) {
        // What few others have tells most.
        let mut users: HashMap<(u64, bool), u32> = HashMap::new();
        for needs in needs {
            let mut own: Vec<(u64, bool)> =
                needs.iter().flatten().flat_map(|text| windows(text)).collect();
            own.sort_unstable();
            own.dedup();
            own.into_iter().for_each(|window| *users.entry(window).or_default() += 1);
        }
        let rarest = |text: &Vec<u8>| {
            let counted =
                windows(text).map(|window| (users.get(&window).copied().unwrap_or(0), window));
            counted.min()
        };
        let mut numbers: HashMap<(u64, bool), u32> = HashMap::new();
        let mut chosen = Vec::with_capacity(needs.len());
        for needs in needs {
            let best = needs.iter().filter_map(|any| {
                let windows: Vec<(u32, (u64, bool))> =
                    any.iter().map(rarest).collect::<Option<_>>()?;
                let is_short = windows.iter().any(|(_, (_, is_short))| *is_short);
                let users: u32 = windows.iter().map(|(users, _)| users).sum();
                Some((is_short, users, windows))
            });
            let best = best.min().map(|(.., windows)| windows).unwrap_or_default();
            let mut own: Vec<u32> = Vec::with_capacity(best.len());
            for (_, window) in best {
                let next = numbers.len() as u32;
                own.push(*numbers.entry(window).or_insert(next));
            }
            own.sort_unstable();
            own.dedup();
            chosen.push(own);
        }
        let of = |short: bool| {
            let of = numbers.iter().filter(|((_, is_short), _)| *is_short == short);
            Lookup::new(of.map(|((window, _), number)| (*window, *number)).collect())
        };
        (Windows { long: of(false), short: of(true) }, chosen)
    }

    /// Whether it looks for anything of fewer than eight bytes, which is another pass.
    pub(super) fn has_short(&self) -> bool {
        self.short.filter.is_some()
    }

    /// Calls `found` with the number of each window that the text holds, as often as it does.
    #[inline]
    pub(super) fn find(&self, text: &str, mut found: impl FnMut(u32)) {
        let bytes = text.as_bytes();
        if let Some(filter) = &self.long.filter {
            for window in bytes.windows(LONG) {
                let Ok(window) = <[u8; LONG]>::try_from(window) else { break };
                self.long.look(filter, u64::from_le_bytes(window) | FOLD, &mut found);
            }
        }
        if let Some(filter) = &self.short.filter {
            for window in bytes.windows(SHORTEST) {
                let Ok(window) = <[u8; SHORTEST]>::try_from(window) else { break };
                let word = u64::from(u32::from_le_bytes(window)) | (FOLD >> 32);
                self.short.look(filter, word, &mut found);
            }
        }
    }
}

impl Lookup {
    fn new(windows: Vec<(u64, u32)>) -> Lookup {
        if windows.is_empty() {
            return Lookup::default();
        }
        let size = (windows.len() * 2).next_power_of_two();
        let mut filter = Box::new([0; WORDS]);
        let mut table = vec![(0, EMPTY); size];
        for (window, number) in windows {
            let hash = window.wrapping_mul(FACTOR);
            let bit = hash >> SHIFT;
            filter[bit as usize / 64] |= 1 << (bit % 64);
            let mut at = place(hash, size - 1);
            while table.get(at).is_some_and(|(_, number)| *number != EMPTY) {
                at = (at + 1) & (size - 1);
            }
            if let Some(place) = table.get_mut(at) {
                *place = (window, number);
            }
        }
        Lookup { filter: Some(filter), table: table.into() }
    }

    #[inline(always)]
    fn look(&self, filter: &[u64; WORDS], window: u64, found: &mut impl FnMut(u32)) {
        let hash = window.wrapping_mul(FACTOR);
        let bit = hash >> SHIFT;
        if filter[bit as usize / 64] >> (bit % 64) & 1 != 0 {
            self.settle(window, hash, found);
        }
    }

    /// Almost nothing comes here that is not looked for.
    #[inline(never)]
    fn settle(&self, window: u64, hash: u64, found: &mut impl FnMut(u32)) {
        let mask = self.table.len().wrapping_sub(1);
        let mut at = place(hash, mask);
        while let Some((known, number)) = self.table.get(at).filter(|(_, number)| *number != EMPTY)
        {
            if *known == window {
                found(*number);
                return;
            }
            at = (at + 1) & mask;
        }
    }
}

#[inline(always)]
fn place(hash: u64, mask: usize) -> usize {
    (hash >> 20) as usize & mask
}

/// The windows of a folded text, and whether they are short ones.
fn windows(text: &[u8]) -> impl Iterator<Item = (u64, bool)> {
    let (width, is_short) = if text.len() >= LONG { (LONG, false) } else { (SHORTEST, true) };
    text.windows(width).map(move |window| {
        let word = window.iter().rev().fold(0, |word, byte| word << 8 | u64::from(folded(*byte)));
        (word, is_short)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::needs::of_text;

    #[test]
    fn each_pattern_is_found_by_a_window_that_few_others_have() {
        let texts = ["/api/v1/orders/", "/api/v1/users/", "/API/V1/Items", "/export", "log"];
        let needs: Vec<Vec<AnyOf>> = texts.iter().map(|text| of_text(text)).collect();
        let (windows, numbers) = Windows::choose(&needs);
        let found = |text: &str| {
            let mut seen = Vec::new();
            windows.find(text, |number| seen.push(number));
            let is_found = |own: &&Vec<u32>| own.iter().any(|one| seen.contains(one));
            numbers.iter().map(|own| is_found(&own)).collect::<Vec<bool>>()
        };
        assert!(windows.has_short());
        assert_eq!(found("/api/v1/orders/7"), [true, false, false, false, false]);
        assert_eq!(found("/api/v1/users/7/export"), [false, true, false, true, false]);
        assert_eq!(found("/api/v1/items"), [false, false, true, false, false]);
        for nothing in ["", "/", "/api/v1/", "/log"] {
            assert_eq!(found(nothing), [false; 5], "{nothing}");
        }
    }
}
