//! Which fields may stand behind the content of a message, whichever version carried it.

/// Fields that frame, route or authenticate were read before they could be seen in a trailer
/// section (RFC 9110 section 6.5.1).
const FORBIDDEN: &[&str] = &[
    "transfer-encoding",
    "content-length",
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "content-encoding",
    "content-type",
    "content-range",
    "cache-control",
    "expect",
    "range",
    "max-forwards",
    "location",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-real-ip",
];

/// Whether a field of this name may stand in a trailer section.
pub(crate) fn may_trail(name: &[u8]) -> bool {
    !FORBIDDEN.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes()))
}
