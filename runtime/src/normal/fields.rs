//! Fields that have one value: two of them mean two readers may believe different ones.

use crate::message::{Fault, Headers, Known};

/// The request fields that may stand once (their definition is no list, RFC 9110 section 5.3).
pub const SINGLE: &[&str] = &[
    "authorization",
    "content-disposition",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "date",
    "expect",
    "from",
    "host",
    "if-modified-since",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "max-forwards",
    "origin",
    "proxy-authorization",
    "range",
    "referer",
    "sec-websocket-key",
    "sec-websocket-version",
    "user-agent",
];

/// Refuses a section in which a field of [`SINGLE`] stands twice.
pub fn single_valued(headers: &Headers) -> Result<(), Fault> {
    let mut seen = Known::default();
    for known in headers.known().filter(|known| known.meets(Known::SINGLE)) {
        if known.meets(seen) {
            return Err(Fault::FieldRepeated);
        }
        seen = seen.with(known);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_is_refused_whatever_the_case() {
        let mut headers = Headers::new();
        headers.append("Accept", "a").unwrap();
        headers.append("accept", "b").unwrap();
        headers.append("Authorization", "x").unwrap();
        assert_eq!(single_valued(&headers), Ok(()));
        headers.append("authorization", "x").unwrap();
        assert_eq!(single_valued(&headers), Err(Fault::FieldRepeated));
        for name in SINGLE {
            let mut headers = Headers::new();
            headers.append(name, "a").unwrap();
            assert_eq!(single_valued(&headers), Ok(()), "{name}");
            headers.append(&name.to_ascii_uppercase(), "b").unwrap();
            assert_eq!(single_valued(&headers), Err(Fault::FieldRepeated), "{name}");
        }
    }
}
