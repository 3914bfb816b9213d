//! Writing header blocks. A field that is said a second time is entered into the client's table, and
//! is one byte from then on: most answers say the same. What is said once enters nothing.

use smallvec::SmallVec;

use super::table::{STATIC, Table};
use super::{Field, Name, huffman};

/// The size of the table that is used: what a client has unless it says otherwise (RFC 9113 section
/// 6.5.2). One that has less gets none.
const TABLE: usize = 4096;
/// The fields that are remembered, by a hash of name and value.
const SEEN: usize = 64;
/// Longer values are not entered.
const LONGEST_VALUE: usize = 256;

/// Static names that a response may have begin here; before are those of requests' pseudo fields.
const FIRST_NAME: usize = 14;
const LONGEST_NAME: usize = 27;

/// The static names by their length: places in [`STATIC`], and where each length begins.
static BY_LENGTH: ([u8; STATIC.len()], [usize; LONGEST_NAME + 2]) = by_length();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "it is evaluated by the compiler, which stops at a wrong index"
)]
const fn by_length() -> ([u8; STATIC.len()], [usize; LONGEST_NAME + 2]) {
    let (mut places, mut begins) = ([0; STATIC.len()], [0; LONGEST_NAME + 2]);
    let (mut length, mut count) = (0, 0);
    while length <= LONGEST_NAME {
        begins[length] = count;
        let mut at = FIRST_NAME;
        while at < STATIC.len() {
            if STATIC[at].0.len() == length {
                places[count] = at as u8;
                count += 1;
            }
            at += 1;
        }
        length += 1;
    }
    begins[LONGEST_NAME + 1] = count;
    (places, begins)
}

/// Writes the header blocks of a connection, in order.
#[derive(Debug)]
pub(in crate::http2) struct Encoder {
    table: Table,
    /// The entries that were made so far.
    entered: u32,
    /// Empty before the first field.
    seen: Vec<Seen>,
    table_is_used: bool,
    /// What the next block says of the table's size before all else.
    says: Says,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    hash: u32,
    /// The number of the entry, counted from 1; 0 is none yet.
    entry: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Nothing,
    Unused,
    Emptied,
}

impl Encoder {
    pub(in crate::http2) fn new() -> Encoder {
        Encoder {
            table: Table::new(TABLE),
            entered: 0,
            seen: Vec::new(),
            table_is_used: true,
            says: Says::Nothing,
        }
    }

    /// The client says how large the table may be.
    pub(in crate::http2) fn limit(&mut self, size: u32) {
        if self.table_is_used && usize::try_from(size).is_ok_and(|size| size < TABLE) {
            self.rest();
            (self.table_is_used, self.says) = (false, Says::Unused);
        }
    }

    /// Gives the memory of the table back; it fills anew.
    pub(in crate::http2) fn rest(&mut self) {
        if self.entered > 0 {
            self.says = Says::Emptied;
        }
        (self.table, self.entered, self.seen) = (Table::new(TABLE), 0, Vec::new());
    }

    /// Begins a block.
    pub(in crate::http2) fn begin(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.says, Says::Nothing) {
            Says::Nothing => {}
            Says::Unused => out.push(0x20),
            Says::Emptied => {
                out.push(0x20);
                integer(TABLE, 5, 0x20, out);
            }
        }
    }

    /// Appends a field; its name in lower case.
    pub(in crate::http2) fn field(&mut self, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
        // A cookie is marked as none that others may keep in a table either (RFC 7541 section
        // 7.1.3).
        if name.eq_ignore_ascii_case(b"set-cookie") {
            return literal(name, value, 0x10, 4, out);
        }
        if !self.table_is_used || value.len() > LONGEST_VALUE {
            return literal(name, value, 0, 4, out);
        }
        if self.seen.is_empty() {
            self.seen = vec![Seen::default(); SEEN];
        }
        let hash = hash(name, value);
        let place = usize::try_from(hash).unwrap_or(0) % SEEN;
        let Some(seen) = self.seen.get_mut(place) else { return };
        if seen.hash != hash {
            *seen = Seen { hash, entry: 0 };
            return literal(name, value, 0, 4, out);
        }
        if let Some(back) = self.entered.checked_sub(seen.entry).filter(|_| seen.entry > 0) {
            let index = STATIC.len() + 1 + usize::try_from(back).unwrap_or(usize::MAX / 2);
            if let Ok(field) = self.table.get(index)
                && field.value == value
                && field.name.eq_ignore_ascii_case(name)
            {
                return integer(index, 7, 0x80, out);
            }
        }
        self.entered = self.entered.saturating_add(1);
        seen.entry = self.entered;
        literal(name, value, 0x40, 6, out);
        let lower: SmallVec<[u8; 64]> = name.iter().map(u8::to_ascii_lowercase).collect();
        self.table.insert(Field { kind: Name::Plain, clean: true, name: &lower, value });
    }
}

/// A hash of a field, whatever the case of its name. Two fields with the same one push each other
/// out, and cost bytes.
fn hash(name: &[u8], value: &[u8]) -> u32 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = (name.len() as u64) << 32 | value.len() as u64;
    for (text, fold) in [(name, 0x2020_2020_2020_2020), (value, 0)] {
        for word in text.chunks_exact(8) {
            let word = <[u8; 8]>::try_from(word).map_or(0, u64::from_le_bytes);
            hash = (hash.rotate_left(5) ^ (word | fold)).wrapping_mul(PRIME);
        }
        // What is left is covered by the last eight bytes, or by both ends of a short text.
        let word = match (text.last_chunk::<8>(), text.first_chunk::<4>(), text.last_chunk::<4>()) {
            (Some(word), ..) => u64::from_le_bytes(*word),
            (None, Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
            }
            _ => text.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        hash = (hash.rotate_left(5) ^ (word | fold)).wrapping_mul(PRIME);
    }
    // Never 0, which is a place that nothing was seen in.
    (hash >> 32) as u32 | 1
}

/// Appends `:status`.
pub(in crate::http2) fn status(status: u16, out: &mut Vec<u8>) {
    let known = match status {
        200 => 8,
        204 => 9,
        206 => 10,
        304 => 11,
        400 => 12,
        404 => 13,
        500 => 14,
        other => {
            out.push(0x08);
            return text(itoa::Buffer::new().format(other).as_bytes(), out);
        }
    };
    out.push(0x80 | known);
}

/// Appends `content-length`.
pub(in crate::http2) fn length(length: u64, out: &mut Vec<u8>) {
    // The name has the index 28.
    out.extend_from_slice(&[0x0f, 28 - 15]);
    text(itoa::Buffer::new().format(length).as_bytes(), out);
}

/// Appends a field that is spelled out, in the form that says whether it is entered.
fn literal(name: &[u8], value: &[u8], form: u8, bits: u32, out: &mut Vec<u8>) {
    match place(name) {
        Some(at) => integer(at + 1, bits, form, out),
        None => {
            out.push(form);
            lower_text(name, out);
        }
    }
    text(value, out);
}

/// Where a name stands in the static table.
fn place(name: &[u8]) -> Option<usize> {
    let (places, begins) = &BY_LENGTH;
    let (&begin, &end) = (begins.get(name.len())?, begins.get(name.len() + 1)?);
    let mut places = places.get(begin..end)?.iter().map(|&at| usize::from(at));
    places.find(|&at| {
        STATIC.get(at).is_some_and(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
    })
}

/// An integer whose first `bits` are the last of a byte that begins with `form`.
fn integer(value: usize, bits: u32, form: u8, out: &mut Vec<u8>) {
    let mask = (1_usize << bits) - 1;
    let low = |value: usize| u8::try_from(value & 0xff).unwrap_or(0);
    if value < mask {
        return out.push(form | low(value));
    }
    out.push(form | low(mask));
    let mut left = value - mask;
    while left >= 0x80 {
        out.push(0x80 | low(left & 0x7f));
        left >>= 7;
    }
    out.push(low(left));
}

/// A text, coded where that is shorter.
fn text(text: &[u8], out: &mut Vec<u8>) {
    let coded = huffman::coded_len(text);
    if coded < text.len() {
        integer(coded, 7, 0x80, out);
        huffman::encode(text, out);
    } else {
        integer(text.len(), 7, 0, out);
        out.extend_from_slice(text);
    }
}

/// The same of a name, in lower case.
fn lower_text(name: &[u8], out: &mut Vec<u8>) {
    if name.iter().any(u8::is_ascii_uppercase) {
        let lower: SmallVec<[u8; 64]> = name.iter().map(u8::to_ascii_lowercase).collect();
        text(&lower, out);
    } else {
        text(name, out);
    }
}
