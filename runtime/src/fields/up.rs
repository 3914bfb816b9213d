//! `up`: the request that is sent to the upstream. It begins as the client's and is what `set`, `unset` and `rewrite`
//! change.

use compiler::Read;
use lang::vocab::{Field, Key, Phase};
use lang::{Ty, Value};

use super::{FieldEntry, joined, optional, written};

pub(super) const ENTRIES: &[FieldEntry] = &[
    FieldEntry {
        row: Field {
            path: "up.header",
            key: Key::IgnoreCase,
            ty: || Ty::String.optional(),
            from: Phase::Route,
            written: Some(written::HEADER),
            doc: "A header field of the request being sent. It begins as the client's without the fields that concern one connection only, and with `x-forwarded-for`, `-proto`, `-host` and `via` as the gateway writes them.",
            example: "set up.header[\"x-user\"] = req.header[\"x-caller\"]",
        },
        read: |ex, key| joined(ex.up().headers.all(key)),
    },
    FieldEntry {
        row: Field {
            path: "up.path",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Route,
            written: Some(written::PATH),
            doc: "The path being sent: the request's, until `rewrite` or `set` changes it. It always is in the normal form.",
            example: "set up.path = \"/v2{req.path}\"",
        },
        read: |ex, _| Read::Text(ex.up().target.path()),
    },
    FieldEntry {
        row: Field {
            path: "up.query",
            key: Key::None,
            ty: || Ty::String.optional(),
            from: Phase::Route,
            written: Some(written::QUERY),
            doc: "The query being sent, without its `?`; absent if there is none.",
            example: "unset up.query",
        },
        read: |ex, _| optional(ex.up().target.query()),
    },
    FieldEntry {
        row: Field {
            path: "up.host",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Route,
            written: Some(written::HOST),
            doc: "The host being asked for: the request's, unless `set`, `forward` with `host=` or the upstream's own `host` says otherwise.",
            example: "set up.host = \"internal.example\"",
        },
        read: |ex, _| Read::Value(Value::string(ex.up().target.authority())),
    },
    FieldEntry {
        row: Field {
            path: "up.address",
            key: Key::None,
            ty: || Ty::String.optional(),
            from: Phase::Response,
            written: None,
            doc: "The address and port of the endpoint that answered; absent if none did.",
            example: "set resp.header[\"x-served-by\"] = up.address",
        },
        read: |ex, _| {
            let address = ex.address.map(|address| Value::string(address.to_string()));
            Read::Value(address.unwrap_or_default())
        },
    },
];
