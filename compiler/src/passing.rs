//! Which header fields of a message the gateway takes once, passes on, takes off or writes by itself. The runtime keeps to
//! these names, and proofs know by them what becomes of a field.

/// Fields that concern one connection only (RFC 9110, section 7.6.1): they are taken off before a message is passed on.
/// With them goes `Proxy`, which nobody means to send: programs behind a CGI take it for their own setting `HTTP_PROXY`,
/// and ask whom the client says.
pub const HOP: &[&str] = &[
    "proxy",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-authentication-info",
];

/// End-to-end fields that `Connection` may not name: stripping them would change what a request
/// means (its length, who asks, what may be cached). A request that tries is refused.
pub const PROTECTED: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "content-disposition",
    "authorization",
    "cookie",
    "set-cookie",
    "cache-control",
    "vary",
    "etag",
    "expires",
    "date",
    "age",
    "location",
    "range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    "accept",
    "accept-encoding",
    "accept-language",
    "origin",
    "referer",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-real-ip",
    "forwarded",
    "via",
    "expect",
    "trailer",
    "www-authenticate",
    "strict-transport-security",
    "access-control-allow-origin",
];

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

/// What a proxy says about the client, beside every other name that begins with `x-forwarded-`: unless the listener
/// believes the peer, what came is taken off.
pub const CLIENT: &[&str] =
    &["forwarded", "x-real-ip", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
