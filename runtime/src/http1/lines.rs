//! Reading a head in one pass: each byte is looked at once, and a field is noted where it stands. Stricter than RFC 9112
//! lets a recipient be: no bare LF or CR, no space around a name, no folding.

use crate::message::{Fault, Headers, Known, Reading, SCORE, is_value_byte, token_kind};

/// A text that is read line by line.
pub(super) struct Lines<'h> {
    text: &'h [u8],
    at: usize,
}

impl<'h> Lines<'h> {
    pub(super) fn new(text: &'h [u8]) -> Lines<'h> {
        Lines { text, at: 0 }
    }

    /// Takes the bytes for which `is_one` is true, and the one behind them, which must be `end`.
    pub(super) fn word(&mut self, end: u8, is_one: impl Fn(u8) -> bool) -> Option<&'h [u8]> {
        let rest = self.text.get(self.at..)?;
        let length = rest.iter().position(|byte| !is_one(*byte))?;
        if rest.get(length) != Some(&end) {
            return None;
        }
        self.at += length + 1;
        rest.get(..length)
    }

    /// Takes `bytes`, if they come next.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> bool {
        let comes = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(bytes));
        self.at += if comes { bytes.len() } else { 0 };
        comes
    }

    /// Takes `HTTP/1.0` or `HTTP/1.1`; whether it is the latter. So is a later minor version, which may say nothing that
    /// 1.1 reads otherwise (RFC 9110 section 2.5).
    pub(super) fn minor(&mut self) -> Option<bool> {
        let version: &[u8; 8] = self.text.get(self.at..)?.first_chunk()?;
        self.at += 8;
        match version {
            b"HTTP/1.1" => Some(true),
            b"HTTP/1.0" => Some(false),
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Some(true),
            _ => None,
        }
    }

    /// Takes three digits.
    pub(super) fn code(&mut self) -> Option<u16> {
        let digits: &[u8; 3] = self.text.get(self.at..)?.first_chunk()?;
        self.at += 3;
        digits.iter().try_fold(0, |code, digit| {
            digit.is_ascii_digit().then(|| code * 10 + u16::from(digit - b'0'))
        })
    }

    /// Reads the field lines and the empty line behind them; where that ends. `keep(known, name, value)` says whether a
    /// field is kept, or why all are refused; so are more than `most`.
    pub(super) fn fields(
        self,
        most: usize,
        mut keep: impl FnMut(Known, &'h [u8], &'h [u8]) -> Result<bool, Fault>,
    ) -> Result<(Headers, usize), Fault> {
        let text = self.text.get(self.at..).unwrap_or_default();
        if text.starts_with(b"\r\n") {
            return Ok((Headers::new(), self.at + 2));
        }
        u32::try_from(text.len()).map_err(|_| Fault::HeadTooLarge)?;
        let mut reading = Reading::new();
        let (mut at, mut left) = (0, most);
        loop {
            let line = text.get(at..).unwrap_or_default();
            if let [b'\r', behind @ ..] = line {
                if behind.first() != Some(&b'\n') {
                    return Err(Fault::LineEnding);
                }
                let end = at + 2;
                return Ok((reading.of(text.get(..end).unwrap_or_default()), self.at + end));
            }
            let (colon, kinds) = name_length(line);
            let (name, behind) = line.split_at_checked(colon).unwrap_or_default();
            let [b':', behind @ ..] = behind else { return Err(Fault::FieldName) };
            if name.is_empty() {
                return Err(Fault::FieldName);
            }
            // Nearly always it is one space.
            let (mut value, mut start) = match behind {
                [b' ', rest @ ..] => (rest, colon + 2),
                _ => (behind, colon + 1),
            };
            while let [b' ' | b'\t', rest @ ..] = value {
                value = rest;
                start += 1;
            }
            let (value, behind) = value.split_at_checked(value_length(value)).unwrap_or_default();
            match behind {
                [b'\r', b'\n', ..] => {}
                [b'\n', ..] | [] => return Err(Fault::LineEnding),
                _ => return Err(Fault::FieldValue),
            }
            left = left.checked_sub(1).ok_or(Fault::TooManyFields)?;
            let next = at + start + value.len() + 2;
            let mut trimmed = value;
            while let [rest @ .., b' ' | b'\t'] = trimmed {
                trimmed = rest;
            }
            let mut known = Known::recognise(name);
            if kinds & SCORE != 0 {
                known = known.with(Known::SCORED);
            }
            if keep(known, name, trimmed)? {
                let is_line = start == colon + 2
                    && trimmed.len() == value.len()
                    && matches!(line.get(colon + 1), Some(b' '));
                let begin = (at + start) as u32;
                let end = begin + trimmed.len() as u32;
                reading.note(known, name, at as u32, begin..end, is_line);
            }
            at = next;
        }
    }
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// How many bytes of `text` can stand in a name before one that cannot, and what [`token_kind`] says of those of them that
/// are no letters and hyphens. Eight are looked at together: nearly all are.
#[inline]
fn name_length(text: &[u8]) -> (usize, u8) {
    let (mut at, mut kinds) = (0, 0);
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*eight);
        // Seven bits of each byte, so that no sum reaches into the next one.
        let low = word & !HIGH;
        let letter = low | (ONES * 0x20);
        let from_a = letter + ONES * (0x80 - b'a' as u64);
        let behind_z = letter + ONES * (0x7f - b'z' as u64);
        let but_hyphen = (low ^ (ONES * b'-' as u64)) + ONES * 0x7f;
        let other = ((!(from_a & !behind_z) & but_hyphen) | word) & HIGH;
        if other == 0 {
            at += 8;
            continue;
        }
        at += other.trailing_zeros() as usize / 8;
        match text.get(at).map_or(0, |byte| token_kind(*byte)) {
            0 => return (at, kinds),
            kind => kinds |= kind,
        }
        at += 1;
    }
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| {
        let kind = token_kind(*byte);
        kinds |= kind;
        kind == 0
    });
    (at + length.unwrap_or(rest.len()), kinds)
}

/// How many bytes of `text` can stand in a value before one that cannot. Many are looked at together.
#[inline]
fn value_length(text: &[u8]) -> usize {
    let (mut at, mut rest) = (0, text);
    while let Some((eight, behind)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*eight);
        // The lowest bit is in the first byte that is below a space, or a DEL; above it there may be others.
        let below = word.wrapping_sub(ONES * 0x20) & !word;
        let delete = word ^ (ONES * 0x7f);
        let found = (below | (delete.wrapping_sub(ONES) & !delete)) & HIGH;
        if found != 0 {
            let first = found.trailing_zeros() as usize / 8;
            if eight.get(first) != Some(&b'\t') {
                return at + first;
            }
            at += first + 1;
            rest = text.get(at..).unwrap_or_default();
            continue;
        }
        at += 8;
        rest = behind;
        if at >= LONG {
            while let Some((many, behind)) = rest.split_first_chunk::<32>()
                && !many.iter().fold(false, |any, byte| any | (*byte < b' ') | (*byte == 0x7f))
            {
                at += 32;
                rest = behind;
            }
        }
    }
    at + rest.iter().take_while(|byte| is_value_byte(**byte)).count()
}

/// A value as long as this may be much longer.
const LONG: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::mangle::{has_bare_feed, mangle};

    /// Names and values.
    type Fields = Vec<(Vec<u8>, Vec<u8>)>;

    /// What httparse makes of field lines: names and values, or a fault.
    fn theirs(text: &[u8], most: usize) -> Result<Fields, Fault> {
        let mut room = vec![httparse::EMPTY_HEADER; most];
        match httparse::parse_headers(text, &mut room) {
            Ok(httparse::Status::Complete((end, fields))) if end == text.len() => Ok(fields
                .iter()
                .map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec()))
                .collect()),
            Ok(_) => Err(Fault::LineEnding),
            Err(httparse::Error::HeaderName) => Err(Fault::FieldName),
            Err(httparse::Error::HeaderValue) => Err(Fault::FieldValue),
            Err(httparse::Error::NewLine) => Err(Fault::LineEnding),
            Err(httparse::Error::TooManyHeaders) => Err(Fault::TooManyFields),
            Err(error) => panic!("{error}"),
        }
    }

    fn ours(text: &[u8], most: usize) -> Result<Fields, Fault> {
        let (headers, end) = Lines::new(text).fields(most, |_, _, _| Ok(true))?;
        if end < text.len() {
            return Err(Fault::LineEnding);
        }
        Ok(headers.raw().map(|(name, value)| (name.to_vec(), value.to_vec())).collect())
    }

    #[test]
    fn what_is_read_is_what_httparse_reads_and_less_is_let_through() {
        const LINES: &[&str] = &[
            "Accept: */*\r\n",
            "x-trace:0af7651916cd43dd8448eb211c80319c\r\n",
            "Cookie: \ta=b; c=\"d\"\t \r\n",
            "Empty:\r\n",
            "Blank: \t \r\n",
            "\u{e9}: x\r\n",
            "a: \u{e9}\u{fc}\u{7f}\r\n",
        ];
        const BYTES: &[u8] = b"\r\n\r\n :\t\0\x1f\x7f\x80\xff,;aZ-_\"(";
        let mut random = fastrand::Rng::with_seed(2026);
        let (mut read, mut refused) = (0, 0);
        for _ in 0..60_000 {
            let mut text = Vec::new();
            (0..random.usize(0..4)).for_each(|_| {
                text.extend_from_slice(LINES[random.usize(..LINES.len())].as_bytes());
            });
            text.extend_from_slice(b"\r\n");
            mangle(&mut text, BYTES, &mut random);
            let (ours, theirs) = (ours(&text, 3), theirs(&text, 3));
            let shown = text.escape_ascii();
            match (&ours, &theirs) {
                (Ok(ours), Ok(theirs)) => {
                    read += 1;
                    assert_eq!(ours, theirs, "{shown}");
                }
                (Ok(_), Err(_)) => panic!("{shown} is let through, against {theirs:?}"),
                // A line that ends in a bare LF.
                (Err(_), Ok(_)) => {
                    assert!(has_bare_feed(&text), "{shown}: {ours:?}");
                }
                (Err(_), Err(_)) => refused += 1,
            }
        }
        assert!(read > 10_000 && refused > 10_000, "{read} {refused}");
    }

    #[test]
    fn names_and_values_end_where_they_cannot_go_on_wherever_that_is() {
        for byte in 0..=u8::MAX {
            for at in 0..80 {
                let mut text = [b'a'; 81];
                text[at] = byte;
                let end = if is_value_byte(byte) { 81 } else { at };
                assert_eq!(value_length(&text), end, "{byte} at {at}");
                let (length, kinds) = name_length(&text);
                assert_eq!(length, if token_kind(byte) != 0 { 81 } else { at }, "{byte} at {at}");
                assert_eq!(kinds & SCORE != 0, byte == b'_', "{byte} at {at}");
            }
        }
    }
}
