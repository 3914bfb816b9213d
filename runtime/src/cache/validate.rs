//! Conditions: those of a client, answered from what is kept (RFC 9110, section 13), and those that the gateway sends to
//! have what it keeps confirmed.

use super::store::Stored;
use crate::body::Body;
use crate::message::{Method, Request, Response, list, trim};

/// Fields of a request that ask whether something changed.
const CONDITIONS: &[&str] = &["if-none-match", "if-modified-since"];

/// Fields that a 304 has of the answer that it stands for (RFC 9110, section 15.4.5).
const OF_304: &[&str] =
    &["cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary"];

/// The answer to a client from what is kept: all of it, its head alone, or that nothing changed.
pub(super) fn answer(client: &Request, kept: &Stored) -> (Response, Body) {
    if kept.response.status == 200 && is_unchanged(client, kept) {
        let mut response = Response::new(304);
        for (name, value) in kept.response.headers.iter() {
            if OF_304.iter().any(|of| of.eq_ignore_ascii_case(name)) {
                // What stood in one section has room in another.
                let _ = response.headers.append(name, value);
            }
        }
        return (response, Body::empty());
    }
    let body = match client.method {
        Method::Head => Body::empty(),
        _ => Body::full(kept.content.clone()),
    };
    (kept.response.clone(), body)
}

/// Takes the client's conditions off, so that all of the answer comes; of what is kept, if anything is, the upstream may
/// say that it did not change.
pub(super) fn make_unconditional(request: &mut Request, kept: Option<&Stored>) {
    for name in CONDITIONS {
        request.headers.remove(name);
    }
    let Some(kept) = kept.filter(|kept| kept.response.status == 200) else { return };
    let of = |name| kept.response.headers.get(name);
    let condition = of("etag").map(|tag| ("if-none-match", tag));
    let condition = condition.or_else(|| Some(("if-modified-since", of("last-modified")?)));
    if let Some((name, value)) = condition {
        // Without it all of the answer comes.
        let _ = request.headers.set(name, value);
    }
}

/// Whether the client has what is kept already. `If-None-Match` decides alone, where there is one.
fn is_unchanged(client: &Request, kept: &Stored) -> bool {
    let of = |name| kept.response.headers.get(name);
    if client.headers.contains("if-none-match") {
        let known = of("etag").map(weak);
        return client.headers.all("if-none-match").flat_map(list).any(|tag| {
            let tag = trim(tag);
            tag == b"*" || known.is_some_and(|known| weak(tag) == known)
        });
    }
    let date =
        |value: Option<&[u8]>| httpdate::parse_http_date(std::str::from_utf8(value?).ok()?).ok();
    let since = date(client.headers.get("if-modified-since"));
    since.zip(date(of("last-modified"))).is_some_and(|(since, changed)| changed <= since)
}

/// Tags are compared weakly here (RFC 9110, section 8.8.3.2).
fn weak(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}
