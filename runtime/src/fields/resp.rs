//! `resp`: the answer being sent to the client, whoever made it.

use compiler::Read;
use lang::vocab::{Field, Key, Phase};
use lang::{Ty, Value};

use super::{FieldEntry, joined, listed, written};

pub(super) const ENTRIES: &[FieldEntry] = &[
    FieldEntry {
        row: Field {
            path: "resp.status",
            key: Key::None,
            ty: || Ty::Status,
            from: Phase::Response,
            written: Some(written::STATUS),
            doc: "The status being sent. One below 200 cannot be given. An answer that was to switch protocols does not where another status is set.",
            example: "set resp.status = 404",
        },
        read: |ex, _| {
            Read::Value(
                ex.response().map_or(Value::Absent, |response| Value::Status(response.status)),
            )
        },
    },
    FieldEntry {
        row: Field {
            path: "resp.header",
            key: Key::IgnoreCase,
            ty: || Ty::String.optional(),
            from: Phase::Response,
            written: Some(written::ANSWER),
            doc: "A header field of the answer being sent; joined with `, ` if it stands several times. Setting it puts one field in the place of all of that name.",
            example: "set resp.header[\"x-frame-options\"] = \"DENY\"",
        },
        read: |ex, key| match ex.response() {
            Some(response) => joined(response.headers.all(key)),
            None => Read::Value(Value::Absent),
        },
    },
    FieldEntry {
        row: Field {
            path: "resp.header.all",
            key: Key::IgnoreCase,
            ty: || Ty::list(Ty::String),
            from: Phase::Response,
            written: None,
            doc: "All header fields of this name in the answer being sent, in order; empty if there is none.",
            example: "let cookies = resp.header.all(\"set-cookie\")",
        },
        read: |ex, key| match ex.response() {
            Some(response) => listed(&response.headers, key),
            None => Read::Value(Value::list([])),
        },
    },
];
