//! `req`: the request in its normal form, as routes see it. What is sent on is `up`.

use lang::Ty;
use lang::vocab::{Field, Key, Phase};

use super::FieldEntry;

pub(super) const ENTRIES: &[FieldEntry] = &[
    FieldEntry {
        row: Field {
            path: "req.method",
            key: Key::None,
            ty: || Ty::Method,
            from: Phase::Request,
            writable: false,
            doc: "The request method, in its own case.",
            example: "where req.method == GET",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.host",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Request,
            writable: false,
            doc: "The host asked for, in lower case, without port or trailing dot. Empty only for an HTTP/1.0 request that names none.",
            example: "where req.host == \"shop.example\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.path",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Request,
            writable: false,
            doc: "The path in its normal form: unreserved characters decoded, dot segments removed, `//` merged.",
            example: "where req.path == \"/index.html\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.target",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Request,
            writable: false,
            doc: "The path and, where there is one, `?` and the query.",
            example: "redirect 308, \"https://{req.host}{req.target}\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.scheme",
            key: Key::None,
            ty: || Ty::one_of(&["http", "https"]),
            from: Phase::Request,
            writable: false,
            doc: "`https` if the request came over TLS, `http` otherwise.",
            example: "where req.scheme == \"https\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.query",
            key: Key::Exact,
            ty: || Ty::String.optional(),
            from: Phase::Request,
            writable: false,
            doc: "A parameter of the query, decoded (`+` is a space). Present only if its name stands there exactly once: servers disagree about which of two counts, so a policy decides by neither. `req.query.all` has them all.",
            example: "where req.query[\"q\"] is present",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.query.all",
            key: Key::Exact,
            ty: || Ty::list(Ty::String),
            from: Phase::Request,
            writable: false,
            doc: "All values of a parameter of the query, decoded, in order; empty if there is none.",
            example: "where \"x\" in req.query.all(\"tag\")",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.header",
            key: Key::IgnoreCase,
            ty: || Ty::String.optional(),
            from: Phase::Request,
            writable: false,
            doc: "The value of a header field. A field that stands several times is one value, joined with `, ` (RFC 9110, section 5.3), so that sending it twice can neither hide it nor pass a comparison; one that may stand only once was refused before. Bytes that are no UTF-8 read as U+FFFD.",
            example: "where req.header[\"x-debug\"] == \"1\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.header.all",
            key: Key::IgnoreCase,
            ty: || Ty::list(Ty::String),
            from: Phase::Request,
            writable: false,
            doc: "The values of all header fields of this name, in order; empty if there is none.",
            example: "where \"1\" in req.header.all(\"x-debug\")",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.cookie",
            key: Key::Exact,
            ty: || Ty::String.optional(),
            from: Phase::Request,
            writable: false,
            doc: "The value of a cookie, without quotes around it. Present only if its name stands there exactly once: servers disagree about which of two counts.",
            example: "where req.cookie[\"beta\"] == \"1\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.body.size",
            key: Key::None,
            ty: || Ty::Size,
            from: Phase::Request,
            writable: false,
            doc: "The length of the content. Reading it buffers the content first, up to the listener's `cap body`.",
            example: "require req.body.size <= 1MiB, else=413",
        },
    },
    FieldEntry {
        row: Field {
            path: "req.json",
            key: Key::None,
            ty: || Ty::Json.optional(),
            from: Phase::Request,
            writable: false,
            doc: "The content as a JSON document; absent if it is none, or nested deeper than 64 levels. Reading it buffers the content first, up to the listener's `cap body`.",
            example: "require req.json is present, else=400",
        },
    },
];
