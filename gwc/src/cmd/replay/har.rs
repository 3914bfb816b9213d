//! HAR 1.2 as it streams by: one entry is held at a time, and none larger than a bound. What an entry's request says is
//! made of it in `har/request.rs`.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::entry::{Entry, Skip};

mod request;

/// The largest entry that is read, contents of answers included.
const LARGEST: u64 = 64 << 20;

/// The largest request of an entry that is read.
const LARGEST_REQUEST: u64 = 8 << 20;

/// Whoever takes entries: each with its number, from 1 on.
pub(super) type Hand<'h> = dyn FnMut(u64, Result<Entry<'_>, Skip>) + 'h;

/// Whether a text begins as an archive does.
pub(super) fn is_archive(begin: &[u8]) -> bool {
    let begin = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begin).trim_ascii_start();
    let rest = begin.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let rest = rest.and_then(|rest| rest.strip_prefix(b"\"log\"")).map(<[u8]>::trim_ascii_start);
    rest.is_some_and(|rest| rest.starts_with(b":"))
}

/// Reads an archive and hands its entries over. The error says why it was not read to its end.
pub(super) fn read(from: impl Read, hand: &mut Hand<'_>) -> Result<(), String> {
    let left = Rc::new(Cell::new(LARGEST));
    let bounded = Bounded { from, left: Rc::clone(&left), begun: false };
    let mut json = serde_json::Deserializer::from_reader(bounded);
    let walk = Walk { left: &left, hand, number: 0, level: Level::Top };
    walk.deserialize(&mut json).and_then(|()| json.end()).map_err(|error| error.to_string())
}

/// A reader that ends in an error where more is asked for than is left.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<u64>>,
    begun: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(room)?;
        if n > 0 && !std::mem::replace(&mut self.begun, true) && room.first() == Some(&0xef) {
            // A byte order mark means nothing: the deserializer reads a byte at a time, and takes blanks.
            let mut rest = [0; 2];
            self.from.read_exact(&mut rest)?;
            if let Some(first) = room.first_mut() {
                *first = b' ';
            }
        }
        match self.left.get().checked_sub(n as u64) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::other("an entry is too large")),
        }
        Ok(n)
    }
}

/// Where in an archive a walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The whole.
    Top,
    /// `log`.
    Log,
    /// `log.entries`.
    Entries,
}

/// Walks down to the entries.
struct Walk<'w, 'h> {
    left: &'w Cell<u64>,
    hand: &'w mut Hand<'h>,
    number: u64,
    level: Level,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        match self.level {
            Level::Top | Level::Log => from.deserialize_map(self),
            Level::Entries => from.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Top => "an archive",
            Level::Log => "`log` to be an object",
            Level::Entries => "`entries` to be a list",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (wanted, level) = match self.level {
            Level::Top => ("log", Level::Log),
            _ => ("entries", Level::Entries),
        };
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key != wanted {
                map.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut found, true) {
                return Err(Error::custom(format_args!("`{wanted}` stands there twice")));
            } else {
                let (left, hand) = (self.left, &mut *self.hand);
                map.next_value_seed(Walk { left, hand, number: 0, level })?;
            }
        }
        if found { Ok(()) } else { Err(Error::custom(format_args!("there is no `{wanted}`"))) }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            self.left.set(LARGEST);
            let Some(picked) = list.next_element_seed(Pick { left: self.left, of: Of::Entry })?
            else {
                return Ok(());
            };
            self.number += 1;
            request::read(&picked, &mut |entry| (self.hand)(self.number, entry));
        }
    }
}

/// What is kept of an entry.
#[derive(Default)]
struct Picked {
    request: Option<Value>,
    status: Option<u64>,
}

/// Keeps what is asked about of an entry or of its answer, whatever stands in their place.
#[derive(Clone, Copy)]
struct Pick<'p> {
    left: &'p Cell<u64>,
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Entry,
    Response,
}

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Picked;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Picked, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Picked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Picked, A::Error> {
        let mut picked = Picked::default();
        while let Some(key) = map.next_key::<String>()? {
            match (self.of, key.as_str()) {
                (Of::Entry, "request") => {
                    let before = self.left.get();
                    self.left.set(before.min(LARGEST_REQUEST));
                    picked.request = Some(map.next_value()?);
                    let used = before.min(LARGEST_REQUEST) - self.left.get();
                    self.left.set(before - used);
                }
                (Of::Entry, "response") => {
                    let of = Of::Response;
                    picked.status = map.next_value_seed(Pick { of, ..self })?.status;
                }
                (Of::Response, "status") => picked.status = map.next_value::<Value>()?.as_u64(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(picked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Picked, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Picked::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Picked, E> {
        Ok(Picked::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Picked, E> {
        Ok(Picked::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Picked, E> {
        Ok(Picked::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Picked, E> {
        Ok(Picked::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Picked, E> {
        Ok(Picked::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Picked, E> {
        Ok(Picked::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &[u8]) -> (Vec<String>, Result<(), String>) {
        let mut found = Vec::new();
        let result = read(text, &mut |number, entry| {
            let told = entry.map(|entry| format!("{} {:?}", entry.shown.target, entry.was));
            found.push(format!("{number}: {told:?}"));
        });
        (found, result)
    }

    #[test]
    fn an_entry_of_another_shape_hides_none_of_the_others() {
        let text = br#"
            {"log": {"version": "1.2", "pages": [[]], "entries": [
                null, 7, "x", [{}], {"request": 5}, {"response": [1]},
                {"response": {"content": {"text": "x"}, "status": 204},
                 "request": {"method": "GET", "url": "https://x.example/a?b#c"}, "timings": {}}
            ], "comment": ""}}"#;
        assert!(is_archive(text));
        let (found, result) = read_all(text);
        assert_eq!(result, Ok(()));
        assert_eq!(found.len(), 7);
        assert_eq!(found[6], r#"7: Ok("/a?b Seen(204)")"#);
        assert!(found[..6].iter().all(|entry| entry.contains("Err(Unreadable")), "{found:?}");
        assert_eq!(read_all(&[b"\xef\xbb\xbf", &text[..]].concat()).0.len(), 7);
    }

    #[test]
    fn what_breaks_off_is_told_after_what_was_read() {
        let text = br#"{"log":{"entries":[{"request":{"method":"GET","url":"http://x/"}},{"req"#;
        let (found, result) = read_all(text);
        assert_eq!(found.len(), 1);
        assert!(result.unwrap_err().starts_with("EOF"));
        for (text, what) in [
            ("{\"log\":[]}", "expected `log` to be an object"),
            ("{\"log\":{}}", "there is no `entries`"),
            ("{}", "there is no `log`"),
        ] {
            assert!(read_all(text.as_bytes()).1.unwrap_err().contains(what), "{text}");
        }
    }

    #[test]
    fn no_entry_takes_more_than_its_bound() {
        let mut text = br#"{"log":{"entries":[{"request":{"method":""#.to_vec();
        text.resize(text.len() + LARGEST_REQUEST as usize, b'x');
        assert!(read_all(&text).1.unwrap_err().contains("an entry is too large"));
        let deep = [&br#"{"log":{"entries":[{"request":"#[..], &[b'['; 100_000]].concat();
        assert!(read_all(&deep).1.unwrap_err().contains("recursion limit"));
    }
}
