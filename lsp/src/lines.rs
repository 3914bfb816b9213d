//! Between the positions of the protocol (line and character, in the encoding agreed upon) and bytes of a text. Total:
//! a position outside of the text means the nearest place inside.

/// What a position's character counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, which every client understands.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

/// Where the lines of a text begin. To the protocol `\n`, `\r\n` and a lone `\r` end a line; the language knows only the
/// first two, so this is not the line table of a `lang::Source`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    /// The lines of `text`.
    pub fn new(text: &str) -> Lines {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|&(at, &byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at as u32 + 1)).collect();
        Lines { starts }
    }

    /// Line and character of byte `offset` of `text`, the text that these are the lines of.
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> (u32, u32) {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|&start| start as usize <= offset).max(1) - 1;
        let start = self.starts.get(line).map_or(0, |&start| start as usize);
        let before = text.get(start..offset).unwrap_or_default();
        let character = match encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
            Encoding::Utf32 => before.chars().count(),
        };
        (line as u32, character as u32)
    }

    /// The byte of `text` at a position. Beyond the end of a line it is that end; within a character, its start.
    pub fn offset(&self, text: &str, line: u32, character: u32, encoding: Encoding) -> usize {
        let line = line as usize;
        let Some(start) = self.starts.get(line).map(|&start| start as usize) else {
            return text.len();
        };
        let end = self.starts.get(line + 1).map_or(text.len(), |&next| next as usize);
        let content = text.get(start..end).unwrap_or_default().trim_end_matches(['\r', '\n']);
        let mut left = character as usize;
        for (at, c) in content.char_indices() {
            let width = match encoding {
                Encoding::Utf8 => c.len_utf8(),
                Encoding::Utf16 => c.len_utf16(),
                Encoding::Utf32 => 1,
            };
            if left < width {
                return start + at;
            }
            left -= width;
        }
        start + content.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_bytes() {
        let text = "a\u{1f600}b\r\n\u{e9}\n\nz";
        let lines = Lines::new(text);
        for (offset, utf8, utf16, utf32) in [
            (0, (0, 0), (0, 0), (0, 0)),
            (5, (0, 5), (0, 3), (0, 2)),
            (6, (0, 6), (0, 4), (0, 3)),
            (8, (1, 0), (1, 0), (1, 0)),
            (10, (1, 2), (1, 1), (1, 1)),
            (11, (2, 0), (2, 0), (2, 0)),
            (13, (3, 1), (3, 1), (3, 1)),
        ] {
            for (encoding, at) in
                [(Encoding::Utf8, utf8), (Encoding::Utf16, utf16), (Encoding::Utf32, utf32)]
            {
                assert_eq!(lines.position(text, offset, encoding), at, "{offset} {encoding:?}");
                assert_eq!(lines.offset(text, at.0, at.1, encoding), offset, "{at:?} {encoding:?}");
            }
        }
    }

    #[test]
    fn positions_outside_of_the_text() {
        let text = "ab\r\nc\u{1f600}";
        let lines = Lines::new(text);
        assert_eq!(lines.offset(text, 0, 99, Encoding::Utf16), 2);
        assert_eq!(lines.offset(text, 9, 0, Encoding::Utf16), text.len());
        assert_eq!(lines.offset(text, u32::MAX, u32::MAX, Encoding::Utf8), text.len());
        assert_eq!(lines.offset(text, 1, 2, Encoding::Utf16), 5, "within a surrogate pair");
        assert_eq!(lines.position(text, 999, Encoding::Utf16), (1, 3));
        assert_eq!(lines.position(text, 7, Encoding::Utf16), (1, 1), "within a character");
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line() {
        let lines = Lines::new("a\rb\r\nc");
        assert_eq!(lines.offset("a\rb\r\nc", 2, 0, Encoding::Utf16), 5);
    }
}
