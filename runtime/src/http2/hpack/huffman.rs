//! The code of RFC 7541 appendix B. It is canonical: the lengths alone say every code.

use super::Garbled;

/// The length in bits of the code of each byte.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, //
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, //
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, //
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, //
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, //
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, //
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, //
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, //
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, //
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, //
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, //
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, //
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, //
];

const LONGEST: usize = 30;
/// Codes of up to so many bits are found by one look into a table.
const SHORT: usize = 8;

struct Code {
    /// The code of each byte, right-aligned.
    codes: [u32; 256],
    /// The bytes in the order of their codes.
    sorted: [u8; 256],
    /// By length: the first code of that length, and the place of its byte in `sorted`.
    first: [(u32, u32); LONGEST + 2],
    /// By the next eight bits: a byte and the length of its code; length 0 is a longer code.
    short: [(u8, u8); 1 << SHORT],
}

static CODE: Code = code();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "it is evaluated by the compiler, which stops at a wrong index"
)]
const fn code() -> Code {
    let mut made = Code {
        codes: [0; 256],
        sorted: [0; 256],
        first: [(0, 0); LONGEST + 2],
        short: [(0, 0); 1 << SHORT],
    };
    let (mut length, mut next, mut count) = (1, 0_u32, 0_usize);
    while length <= LONGEST {
        made.first[length] = (next, count as u32);
        let mut byte = 0;
        while byte < 256 {
            if LENGTHS[byte] as usize == length {
                made.codes[byte] = next;
                made.sorted[count] = byte as u8;
                if length <= SHORT {
                    let (mut tail, tails) = (0, 1 << (SHORT - length));
                    while tail < tails {
                        made.short[((next as usize) << (SHORT - length)) + tail] =
                            (byte as u8, length as u8);
                        tail += 1;
                    }
                }
                next += 1;
                count += 1;
            }
            byte += 1;
        }
        next <<= 1;
        length += 1;
    }
    // No code is longer: the one that ends the text is the last of the longest.
    made.first[LONGEST + 1] = (u32::MAX, count as u32);
    made
}

/// Appends the text that `coded` stands for.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), Garbled> {
    // The bits that are not used yet, left-aligned.
    let (mut bits, mut have) = (0_u64, 0_usize);
    let mut bytes = coded.iter();
    loop {
        while have <= 56 {
            let Some(&byte) = bytes.next() else { break };
            bits |= u64::from(byte) << (56 - have);
            have += 8;
        }
        let (byte, length) =
            CODE.short.get((bits >> (64 - SHORT)) as usize).copied().unwrap_or_default();
        let (byte, length) = match usize::from(length) {
            0 if have > SHORT => match long(bits) {
                Some(found) if found.1 <= have => found,
                _ => return padding(bits, have),
            },
            0 => return padding(bits, have),
            length if length > have => return padding(bits, have),
            length => (byte, length),
        };
        out.push(byte);
        bits <<= length;
        have -= length;
    }
}

/// A code of more than [`SHORT`] bits; `None` if it is the one that ends the text.
fn long(bits: u64) -> Option<(u8, usize)> {
    for length in SHORT + 1..=LONGEST {
        let code = u32::try_from(bits >> (64 - length)).ok()?;
        let (&(first, place), &(_, end)) = (CODE.first.get(length)?, CODE.first.get(length + 1)?);
        let offset = code.checked_sub(first)?;
        if offset < end - place {
            return Some((*CODE.sorted.get((place + offset) as usize)?, length));
        }
    }
    None
}

/// What is left behind the last code: fewer than eight bits, all set (RFC 7541 section 5.2).
fn padding(bits: u64, have: usize) -> Result<(), Garbled> {
    let ones = (bits | (u64::MAX >> have.min(63))) == u64::MAX;
    if have < 8 && (have == 0 || ones) { Ok(()) } else { Err(Garbled) }
}

/// The bytes that `text` takes when it is coded.
pub(super) fn coded_len(text: &[u8]) -> usize {
    let length = |&byte: &u8| LENGTHS.get(usize::from(byte)).map_or(0, |&bits| usize::from(bits));
    text.iter().map(length).sum::<usize>().div_ceil(8)
}

/// Appends `text`, coded.
pub(super) fn encode(text: &[u8], out: &mut Vec<u8>) {
    // The bits that are not written yet are the last of so many.
    let (mut bits, mut have) = (0_u64, 0_u32);
    for &byte in text {
        let at = usize::from(byte);
        let (code, length) =
            (CODE.codes.get(at).copied().unwrap_or(0), LENGTHS.get(at).copied().unwrap_or(0));
        bits = bits << length | u64::from(code);
        have += u32::from(length);
        if have >= 32 {
            have -= 32;
            out.extend_from_slice(&((bits >> have & 0xffff_ffff) as u32).to_be_bytes());
        }
    }
    // Behind the last code come ones.
    while have > 0 {
        let missing = 8_u32.saturating_sub(have);
        have = (have + missing) - 8;
        out.push(((bits << missing | ((1 << missing) - 1)) >> have & 0xff) as u8);
    }
}
