//! Header sections to and from the map of the `http` crate, for HTTP/2.
//! Connection fields never cross: HTTP/2 has none (RFC 9113 section 8.2.2).

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use super::headers::{Headers, InvalidField};

/// The fields as a map with lower-case names, for an HTTP/2 message.
///
/// Connection-specific fields and `host` are left out, and of `te` all but `trailers`.
pub fn header_map(headers: &Headers) -> Result<HeaderMap, InvalidField> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.raw() {
        if stays_behind(name) {
            continue;
        }
        if name.eq_ignore_ascii_case(b"te") && !value.eq_ignore_ascii_case(b"trailers") {
            continue;
        }
        let name = HeaderName::from_bytes(name).map_err(|_| InvalidField::Name)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| InvalidField::Value)?;
        map.try_append(name, value).map_err(|_| InvalidField::TooLarge)?;
    }
    Ok(map)
}

/// The fields of a map, in its order.
pub fn headers_from_map(map: &HeaderMap) -> Result<Headers, InvalidField> {
    let text = map.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    let mut headers = Headers::with_capacity(text + 192);
    for (name, value) in map {
        headers.append(name.as_str(), value.as_bytes())?;
    }
    Ok(headers)
}

/// Joins the `cookie` fields that HTTP/2 lets a client split (RFC 9113 section 8.2.3).
pub fn join_cookies(headers: &mut Headers) -> Result<(), InvalidField> {
    if headers.all("cookie").nth(1).is_none() {
        return Ok(());
    }
    let crumbs: Vec<&[u8]> = headers.all("cookie").collect();
    let joined = crumbs.join(&b"; "[..]);
    headers.set("cookie", joined)
}

fn stays_behind(name: &[u8]) -> bool {
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host"]
        .iter()
        .any(|field| name.eq_ignore_ascii_case(field.as_bytes()))
}
