//! `origin`: the upstream's answer as it came. What is sent to the client is `resp`.

use compiler::Read;
use lang::vocab::{Field, Key, Phase};
use lang::{Ty, Value};

use super::{FieldEntry, joined, listed};

pub(super) const ENTRIES: &[FieldEntry] = &[
    FieldEntry {
        row: Field {
            path: "origin.status",
            key: Key::None,
            ty: || Ty::Status.optional(),
            from: Phase::Origin,
            written: None,
            doc: "The status of the upstream's answer; absent if the upstream gave none and `resp` is the gateway's own 502, 503 or 504.",
            example: "set resp.header[\"x-origin\"] = match origin.status { 5xx => \"failing\", _ => \"well\" }",
        },
        read: |ex, _| {
            Read::Value(
                ex.origin.as_ref().map_or(Value::Absent, |origin| Value::Status(origin.status)),
            )
        },
    },
    FieldEntry {
        row: Field {
            path: "origin.header",
            key: Key::IgnoreCase,
            ty: || Ty::String.optional(),
            from: Phase::Origin,
            written: None,
            doc: "A header field of the upstream's answer; joined with `, ` if it stands several times.",
            example: "set resp.header[\"x-cache\"] = origin.header[\"x-cache-status\"]",
        },
        read: |ex, key| match &ex.origin {
            Some(origin) => joined(origin.headers.all(key)),
            None => Read::Value(Value::Absent),
        },
    },
    FieldEntry {
        row: Field {
            path: "origin.header.all",
            key: Key::IgnoreCase,
            ty: || Ty::list(Ty::String),
            from: Phase::Origin,
            written: None,
            doc: "All header fields of this name in the upstream's answer, in order; empty if there is none.",
            example: "let cookies = origin.header.all(\"set-cookie\")",
        },
        read: |ex, key| match &ex.origin {
            Some(origin) => listed(&origin.headers, key),
            None => Read::Value(Value::list([])),
        },
    },
];
