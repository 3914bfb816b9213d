//! The query: kept as it was sent, validated, and read as pairs when somebody asks.

use std::borrow::Cow;

use crate::message::Fault;

/// The query of a request line, if it is one: visible ASCII without `#`, every `%` followed by two
/// hex digits.
pub fn query(text: &[u8]) -> Result<&str, Fault> {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'%' => {
                let two = (bytes.next(), bytes.next());
                let (Some(high), Some(low)) = two else { return Err(Fault::PercentInvalid) };
                if !(high.is_ascii_hexdigit() && low.is_ascii_hexdigit()) {
                    return Err(Fault::PercentInvalid);
                }
            }
            b'#' => return Err(Fault::QueryCharacter),
            b'!'..=b'~' => {}
            _ => return Err(Fault::QueryCharacter),
        }
    }
    std::str::from_utf8(text).map_err(|_| Fault::QueryCharacter)
}

/// The decoded `name=value` pairs of a query, in order; `+` is a space, a pair without `=` has an
/// empty value, empty pairs are skipped.
pub fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The value of `name`, if exactly one pair has that name.
pub fn unique<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let mut found = pairs(query).filter(|(key, _)| key == name).map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// All values of `name`, in order.
pub fn all<'q>(query: &'q str, name: &'q str) -> impl Iterator<Item = Cow<'q, str>> {
    pairs(query).filter(move |(key, _)| key == name).map(|(_, value)| value)
}

/// Undoes the form encoding; bytes that are no UTF-8 become U+FFFD.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [byte, rest @ ..] = bytes {
        bytes = rest;
        match (byte, rest) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                match (char::from(*high).to_digit(16), char::from(*low).to_digit(16)) {
                    (Some(high), Some(low)) => {
                        out.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
                        bytes = after;
                    }
                    _ => out.push(b'%'),
                }
            }
            _ => out.push(*byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let all: Vec<_> = pairs("a=1&b=x+y%26&&c&d=%C3%A4=2").collect();
        let all: Vec<_> = all.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(all, [("a", "1"), ("b", "x y&"), ("c", ""), ("d", "ä=2")]);
    }

    #[test]
    fn unique_means_once_however_it_is_spelt() {
        assert_eq!(unique("q=1&r=2", "q").as_deref(), Some("1"));
        assert_eq!(unique("q=1&%71=2", "q"), None);
        assert_eq!(unique("r=2", "q"), None);
    }

    #[test]
    fn a_query_is_validated() {
        assert_eq!(query(b"a=%20&b=|"), Ok("a=%20&b=|"));
        assert_eq!(query(b"a=%2"), Err(Fault::PercentInvalid));
        assert_eq!(query(b"a#b"), Err(Fault::QueryCharacter));
        assert_eq!(query(b"a b"), Err(Fault::QueryCharacter));
        assert_eq!(query(b"a\xffb"), Err(Fault::QueryCharacter));
    }
}
