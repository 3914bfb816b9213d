//! The lines of a log of any size, one after the other, in a buffer that does not grow. A line that is too long is told
//! and passed over.

use std::io::{self, Read};

/// The longest line that is read. The gateway's own are far shorter, whatever a request says.
pub(super) const LONGEST: usize = 64 << 10;

const BUFFER: usize = 4 * LONGEST;

/// Reads lines.
pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Lines so far.
    number: u64,
}

/// A line with its number, from 1 on; nothing where it is too long.
pub(super) type Line<'l> = (u64, Option<&'l [u8]>);

impl<R: Read> Lines<R> {
    pub(super) fn of(from: R) -> Lines<R> {
        Lines { from, buffer: vec![0; BUFFER], start: 0, end: 0, number: 0 }
    }

    /// The next line, without its end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        let mut too_long = false;
        let (from, to) = loop {
            let held = self.buffer.get(self.start..self.end).unwrap_or_default();
            let fresh = held.get(searched..).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                let from = self.start;
                self.start += searched + at + 1;
                break (from, self.start - 1);
            }
            searched = held.len();
            if searched > LONGEST {
                // What was read of it is of no use.
                too_long = true;
                (self.start, self.end, searched) = (0, 0, 0);
            }
            if !self.fill()? {
                let from = self.start;
                self.start = self.end;
                if from == self.end && !too_long {
                    return Ok(None);
                }
                break (from, self.end);
            }
        };
        self.number += 1;
        let line = self.buffer.get(from..to).unwrap_or_default();
        let fits = !too_long && line.len() <= LONGEST;
        Ok(Some((self.number, fits.then_some(line))))
    }

    /// Reads more; `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.from.read(room) {
                Ok(n) => {
                    self.end += n;
                    return Ok(n > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives little at a time.
    struct Slowly<'s>(&'s [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(room.len());
            room[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn lengths(text: &[u8], step: usize) -> Vec<(u64, Option<usize>)> {
        let mut lines = Lines::of(Slowly(text, step));
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            found.push((number, line.map(<[u8]>::len)));
        }
        found
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        for step in [1, 2, 7, BUFFER] {
            let expected = [(1, Some(2)), (2, Some(0)), (3, Some(3))];
            assert_eq!(lengths(b"ab\n\ncde", step), expected);
            assert_eq!(lengths(b"ab\n\ncde\n", step), expected);
        }
        assert!(lengths(b"", 1).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line() {
        for size in [LONGEST + 1, 3 * BUFFER] {
            let mut text = vec![b'x'; size];
            text.extend_from_slice(b"\nab\n");
            for step in [977, BUFFER] {
                assert_eq!(lengths(&text, step), [(1, None), (2, Some(2))]);
            }
            assert_eq!(lengths(&text[..size], 977), [(1, None)]);
        }
        let fits = vec![b'x'; LONGEST];
        assert_eq!(lengths(&fits, 977), [(1, Some(LONGEST))]);
    }
}
