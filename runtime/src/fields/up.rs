//! `up`: the request that is sent to the upstream. It begins as the client's and is what `set`, `unset` and `rewrite`
//! change.

use lang::Ty;
use lang::vocab::{Field, Key, Phase};

use super::FieldEntry;

pub(super) const ENTRIES: &[FieldEntry] = &[
    FieldEntry {
        row: Field {
            path: "up.header",
            key: Key::IgnoreCase,
            ty: || Ty::String.optional(),
            from: Phase::Route,
            writable: true,
            doc: "A header field of the request being sent. Fields that concern one connection only, and `x-forwarded-*`, are written when it is sent.",
            example: "set up.header[\"x-user\"] = req.header[\"x-caller\"]",
        },
    },
    FieldEntry {
        row: Field {
            path: "up.path",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Route,
            writable: true,
            doc: "The path being sent: the request's, until `rewrite` or `set` changes it. It always is in the normal form.",
            example: "set up.path = \"/v2{req.path}\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "up.query",
            key: Key::None,
            ty: || Ty::String.optional(),
            from: Phase::Route,
            writable: true,
            doc: "The query being sent, without its `?`; absent if there is none.",
            example: "unset up.query",
        },
    },
    FieldEntry {
        row: Field {
            path: "up.host",
            key: Key::None,
            ty: || Ty::String,
            from: Phase::Route,
            writable: true,
            doc: "The host being asked for: the request's, until `set` or the upstream's `host` changes it.",
            example: "set up.host = \"internal.example\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "up.address",
            key: Key::None,
            ty: || Ty::String.optional(),
            from: Phase::Response,
            writable: false,
            doc: "The address and port of the endpoint that answered; absent if none did.",
            example: "set resp.header[\"x-served-by\"] = up.address",
        },
    },
];
