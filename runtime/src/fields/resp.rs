//! `resp`: the answer being sent to the client, whoever made it.

use lang::Ty;
use lang::vocab::{Field, Key, Phase};

use super::FieldEntry;

pub(super) const ENTRIES: &[FieldEntry] = &[
    FieldEntry {
        row: Field {
            path: "resp.status",
            key: Key::None,
            ty: || Ty::Status,
            from: Phase::Response,
            writable: true,
            doc: "The status being sent.",
            example: "set resp.status = 404",
        },
    },
    FieldEntry {
        row: Field {
            path: "resp.header",
            key: Key::IgnoreCase,
            ty: || Ty::String.optional(),
            from: Phase::Response,
            writable: true,
            doc: "A header field of the answer being sent; joined with `, ` if it stands several times. Setting it puts one field in the place of all of that name.",
            example: "set resp.header[\"x-frame-options\"] = \"DENY\"",
        },
    },
    FieldEntry {
        row: Field {
            path: "resp.header.all",
            key: Key::IgnoreCase,
            ty: || Ty::list(Ty::String),
            from: Phase::Response,
            writable: false,
            doc: "All header fields of this name in the answer being sent, in order; empty if there is none.",
            example: "let cookies = resp.header.all(\"set-cookie\")",
        },
    },
];
