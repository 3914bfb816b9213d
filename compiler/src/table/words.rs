//! Which of some known texts a text is: a hash table that compares short texts by their words alone.

use lang::Value;

/// Known texts, each with a number: its place among all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// A power of two, and at least twice as many as there are texts.
    table: Box<[Option<Entry>]>,
}

#[derive(Clone, Debug)]
struct Entry {
    ends: (u64, u64),
    number: u32,
    text: Box<str>,
}

/// What hashes are multiplied by: odd, with bits all over.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Texts of at most so many bytes are told apart by their length, first and last word.
const SHORT: usize = 16;

impl Words {
    /// These texts, in their order. There are no two equal ones.
    pub(super) fn new(texts: &[&str]) -> Words {
        if texts.is_empty() {
            return Words::default();
        }
        let size = (texts.len() * 2).next_power_of_two();
        let mut table: Vec<Option<Entry>> = vec![None; size];
        for (number, text) in texts.iter().enumerate() {
            let ends = ends(text.as_bytes());
            let mut at = hash(ends, text.as_bytes()) & (size - 1);
            while table.get(at).is_some_and(Option::is_some) {
                at = (at + 1) & (size - 1);
            }
            if let Some(place) = table.get_mut(at) {
                *place = Some(Entry { ends, number: number as u32, text: Box::from(*text) });
            }
        }
        Words { table: table.into() }
    }

    /// The number of the text that a value is, if it is a known one.
    #[inline(always)]
    pub(super) fn number_of(&self, value: &Value) -> Option<u32> {
        match value {
            Value::String(text) => self.number(text),
            _ => None,
        }
    }

    /// The number of the text, if it is a known one.
    #[inline(always)]
    pub(super) fn number(&self, text: &str) -> Option<u32> {
        let bytes = text.as_bytes();
        let ends = ends(bytes);
        let mask = self.table.len().wrapping_sub(1);
        let mut at = hash(ends, bytes) & mask;
        loop {
            let entry = self.table.get(at)?.as_ref()?;
            if entry.ends == ends
                && entry.text.len() == bytes.len()
                && (bytes.len() <= SHORT || *entry.text == *text)
            {
                return Some(entry.number);
            }
            at = (at + 1) & mask;
        }
    }
}

/// The first and the last eight bytes, which overlap in a text of fewer than sixteen; all of a text of fewer than eight.
#[inline(always)]
fn ends(text: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
    }
    (text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0)
}

#[inline(always)]
fn hash((first, last): (u64, u64), text: &[u8]) -> usize {
    let mut hash = (first ^ last.rotate_left(29) ^ text.len() as u64).wrapping_mul(FACTOR);
    if text.len() > SHORT {
        hash = between(hash, text);
    }
    (hash >> 32) as usize
}

/// What stands between the ends of a long text into its hash.
#[inline(never)]
fn between(hash: u64, text: &[u8]) -> u64 {
    let (chunks, _) = text.as_chunks();
    chunks.iter().fold(hash, |hash, chunk| {
        (hash.rotate_left(26) ^ u64::from_le_bytes(*chunk)).wrapping_mul(FACTOR)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_from_all_others() {
        let long = "abcdefgh".repeat(5);
        let mut texts: Vec<String> =
            (0..=long.len()).map(|length| long[..length].to_owned()).collect();
        texts.extend((0..300).map(|at| format!("the-tenant-of-number-{at:04}-is-the-one")));
        texts.extend((0..300).map(|at| format!("t{at}")));
        let known: Vec<&str> = texts.iter().map(String::as_str).collect();
        let words = Words::new(&known);
        for (number, text) in texts.iter().enumerate() {
            assert_eq!(words.number(text), Some(number as u32), "{text}");
        }
        for other in ["b", "abd", "abcdefghh", "t300", "the-tenant-of-number-0300-is-the-one"] {
            assert_eq!(words.number(other), None, "{other}");
        }
        assert_eq!(Words::default().number("a"), None);
    }
}
