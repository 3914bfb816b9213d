//! Which answers a shared cache may keep (RFC 9111, section 3). How long they are fresh is the policy's word; that an
//! answer is not for others is the upstream's.

use std::sync::Arc;

use super::Rule;
use crate::message::{Headers, Response};

/// Directives of an answer that keep it to whom it was sent, or to be asked for each time.
const NOT_KEPT: &[&str] = &["no-store", "private", "no-cache"];

/// Directives that forbid what is no longer fresh (RFC 9111, sections 5.2.2.2, 5.2.2.8 and 5.2.2.10).
const NOT_STALE: &[&str] = &["must-revalidate", "proxy-revalidate"];

/// Statuses that say something about more than one request.
const STATUSES: &[u16] = &[200, 203, 301, 308, 404, 410];

/// The most fields that `Vary` may name.
const MOST_VARYING: usize = 16;

/// Whether the answer may be given to others.
pub(super) fn may_keep(response: &Response, rule: &Rule) -> bool {
    let headers = &response.headers;
    let says = |directive: &&str| has_directive(headers, directive);
    let streams = headers.text("content-type").is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    });
    STATUSES.contains(&response.status)
        && !NOT_KEPT.iter().any(says)
        && !headers.contains("set-cookie")
        && !streams
        && varying(headers).is_some_and(|names| {
            // What differs by who asks is not for everybody, whatever the policy thinks.
            let says = |name: &Arc<str>| rule.answers.as_ref().is_some_and(|of| of.has(name));
            !rule.public || !names.iter().any(says)
        })
}

/// Whether the answer may be given when it is no longer fresh.
pub(super) fn may_be_stale(headers: &Headers) -> bool {
    !NOT_STALE.iter().any(|directive| has_directive(headers, directive))
}

/// The fields of a request by which the answer differs, in order; nothing, if by more than can be told.
pub(super) fn varying(headers: &Headers) -> Option<Vec<Arc<str>>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for name in headers.all("vary").flat_map(crate::message::list) {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        if name == "*" {
            return None;
        }
        names.push(name.into());
    }
    names.sort_unstable();
    names.dedup();
    (names.len() <= MOST_VARYING).then_some(names)
}

/// Whether `Cache-Control` has the directive, with an argument or without.
fn has_directive(headers: &Headers, directive: &str) -> bool {
    headers.all("cache-control").flat_map(crate::message::list).any(|item| {
        let name = item.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(directive.as_bytes())
    })
}
