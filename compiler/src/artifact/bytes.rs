//! Bytes written and read one after the other: numbers of seven bits a byte, lengths before what they count. It knows no
//! program. Reading never goes beyond the end, and makes room only for what the rest can hold.

use std::collections::HashSet;
use std::sync::Arc;

use lang::Vocabulary;

use super::Unfit;

/// How deep what is read may be nested: deeper than a policy that checks can make it.
const MOST_DEEP: usize = 160;

/// Where things are written.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

/// Where they are read, and the vocabulary in which names are looked up.
pub(super) struct Reader<'r> {
    rest: &'r [u8],
    deep: usize,
    /// Equal texts are one: names of hosts and actions stand in very many places.
    texts: HashSet<Arc<str>>,
    pub(super) vocabulary: &'r Vocabulary,
}

impl Writer {
    pub(super) fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    pub(super) fn number(&mut self, number: u128) {
        let mut left = number;
        while left >= 0x80 {
            self.byte((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        self.byte(left as u8);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

impl<'r> Reader<'r> {
    pub(super) fn new(rest: &'r [u8], vocabulary: &'r Vocabulary) -> Reader<'r> {
        Reader { rest, deep: 0, texts: HashSet::new(), vocabulary }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Unfit> {
        let (first, rest) = self.rest.split_first().ok_or_else(ends)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u128, Unfit> {
        let mut number = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            // The nineteenth byte has room for two bits.
            if (bits << shift) >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(damaged("a number is too large"))
    }

    pub(super) fn raw(&mut self, length: usize) -> Result<&'r [u8], Unfit> {
        let (found, rest) = self.rest.split_at_checked(length).ok_or_else(ends)?;
        self.rest = rest;
        Ok(found)
    }

    /// A text, which is there once.
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text: Arc<str> = Arc::from(text);
        self.texts.insert(text.clone());
        text
    }

    /// How many follow, each of which takes a byte at least.
    pub(super) fn length(&mut self) -> Result<usize, Unfit> {
        let length = usize::try_from(self.number()?).map_err(|_| ends())?;
        if length > self.rest.len() { Err(ends()) } else { Ok(length) }
    }

    /// Reads something that may hold its like.
    pub(super) fn nested<T>(
        &mut self,
        take: impl FnOnce(&mut Self) -> Result<T, Unfit>,
    ) -> Result<T, Unfit> {
        if self.deep >= MOST_DEEP {
            return Err(damaged("it is nested too deep"));
        }
        self.deep += 1;
        let taken = take(self);
        self.deep -= 1;
        taken
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), Unfit> {
        if self.rest.is_empty() { Ok(()) } else { Err(damaged("it holds more than a program")) }
    }
}

pub(super) fn damaged(what: &str) -> Unfit {
    Unfit::Damaged(what.to_owned())
}

fn ends() -> Unfit {
    damaged("something in it is longer than the rest")
}

/// CRC-32 as in IEEE 802.3: it finds accidents, and no intent.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let mut value = at as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 };
                bit += 1;
            }
            table[at] = value;
            at += 1;
        }
        table
    };
    let step = |sum: u32, byte: &u8| TABLE[usize::from(sum as u8 ^ byte)] ^ (sum >> 8);
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_WORDS: Vocabulary = Vocabulary {
        fields: &[],
        functions: &[],
        actions: &[],
        balancers: &[],
        blocks: &[],
        budgets: &[],
    };

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn numbers_of_every_size_come_back() {
        for number in (0..128).flat_map(|bits| [1 << bits, (1_u128 << bits) - 1]).chain([u128::MAX])
        {
            let mut out = Writer::default();
            out.number(number);
            let bytes = out.bytes();
            let mut from = Reader::new(&bytes, &NO_WORDS);
            assert_eq!(from.number(), Ok(number));
            assert_eq!(from.end(), Ok(()));
        }
        assert!(Reader::new(&[0xff; 40], &NO_WORDS).number().is_err());
        assert!(Reader::new(&[0x80; 18], &NO_WORDS).number().is_err());
    }
}
