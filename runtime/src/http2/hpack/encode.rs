//! Writing header blocks. Every field is a literal that enters no table: what a client's table may
//! hold is then nothing to keep track of, and writing costs no search.

use smallvec::SmallVec;

use super::huffman;
use super::table::STATIC;

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

/// Begins the first block of a connection: the table is not used, and so has no size.
pub(in crate::http2) fn lead(out: &mut Vec<u8>) {
    out.push(0x20);
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

/// Appends a field; its name in lower case. A cookie is marked as none that others may keep in
/// a table either (RFC 7541 section 7.1.3).
pub(in crate::http2) fn field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let kept_out = name.eq_ignore_ascii_case(b"set-cookie");
    let form = if kept_out { 0x10 } else { 0 };
    match place(name) {
        Some(at) => integer(at + 1, 4, form, out),
        None => {
            out.push(form);
            lower_text(name, out);
        }
    }
    text(value, out);
}

/// Appends `content-length`.
pub(in crate::http2) fn length(length: u64, out: &mut Vec<u8>) {
    // The name has the index 28.
    out.extend_from_slice(&[0x0f, 28 - 15]);
    text(itoa::Buffer::new().format(length).as_bytes(), out);
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
