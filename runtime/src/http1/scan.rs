//! Finding the end of a head while it arrives, each byte looked at once, line endings checked.

use crate::message::Fault;

/// How far a head was scanned. One scan serves one head.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan {
    at: usize,
    line: usize,
}

impl Scan {
    /// A scan at the beginning of a head.
    pub fn new() -> Scan {
        Scan::default()
    }

    /// The length of the head in `buffer`, its blank line included; `None` while that is missing.
    ///
    /// A bare LF is refused as soon as it is seen, a head of more than `cap` bytes as soon as it is
    /// certain.
    pub fn find(&mut self, buffer: &[u8], cap: usize) -> Result<Option<usize>, Fault> {
        while let Some(found) = feed(buffer.get(self.at..).unwrap_or_default()) {
            let feed = self.at + found;
            let line = buffer.get(self.line..feed).unwrap_or_default();
            if line.last() != Some(&b'\r') {
                return Err(Fault::LineEnding);
            }
            self.at = feed + 1;
            self.line = self.at;
            if line.len() == 1 {
                return if self.at > cap { Err(Fault::HeadTooLarge) } else { Ok(Some(self.at)) };
            }
        }
        self.at = buffer.len();
        if self.at >= cap { Err(Fault::HeadTooLarge) } else { Ok(None) }
    }

    /// Whether nothing was looked at.
    pub(crate) fn is_new(&self) -> bool {
        self.at == 0
    }

    /// Whether the start line is still incomplete.
    pub fn in_first_line(&self) -> bool {
        self.line == 0
    }
}

/// Where the first LF stands. Most lines are so short that a search which prepares itself takes longer.
fn feed(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const SHORT: usize = 64;
    let (mut at, mut rest) = (0, text);
    while at < SHORT
        && let Some((eight, behind)) = rest.split_first_chunk()
    {
        let differing = u64::from_le_bytes(*eight) ^ (ONES * u64::from(b'\n'));
        let found = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
        rest = behind;
    }
    memchr::memchr(b'\n', rest).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_however_the_bytes_are_cut() {
        let head = b"GET / HTTP/1.1\r\na: b\r\n\r\nrest";
        let mut scan = Scan::new();
        for len in 0..24 {
            assert_eq!(scan.find(&head[..len], 100), Ok(None), "{len}");
        }
        assert_eq!(scan.find(head, 100), Ok(Some(24)));
    }

    #[test]
    fn a_feed_is_found_wherever_it_stands() {
        for length in 0..100 {
            assert_eq!(feed(&vec![b'\x0b'; length]), None);
            for at in 0..length {
                let mut text = vec![b'\x0b'; length];
                text[at] = b'\n';
                if let Some(behind) = text.get_mut(at + 3) {
                    *behind = b'\n';
                }
                assert_eq!(feed(&text), Some(at));
            }
        }
    }

    #[test]
    fn caps_and_bare_feeds_are_seen_early() {
        assert_eq!(Scan::new().find(b"GET / HTTP/1.1\n", 100), Err(Fault::LineEnding));
        assert_eq!(Scan::new().find(b"a\r\nb\n\r\n", 100), Err(Fault::LineEnding));
        assert_eq!(Scan::new().find(b"aaaaaaaaaaa", 10), Err(Fault::HeadTooLarge));
        assert_eq!(Scan::new().find(b"aaaaaaa\r\n\r\n", 10), Err(Fault::HeadTooLarge));
    }
}
