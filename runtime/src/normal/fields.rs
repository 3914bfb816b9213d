//! Fields that have one value: two of them mean two readers may believe different ones.

use crate::message::{Fault, Headers};

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
    let mut seen: u64 = 0;
    for (name, _) in headers.raw() {
        let row = SINGLE.iter().position(|single| name.eq_ignore_ascii_case(single.as_bytes()));
        if let Some(row) = row {
            let bit = 1_u64.checked_shl(u32::try_from(row).unwrap_or(0)).unwrap_or(0);
            if seen & bit != 0 {
                return Err(Fault::FieldRepeated);
            }
            seen |= bit;
        }
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
    }
}
