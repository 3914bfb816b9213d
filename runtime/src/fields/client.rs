//! `client`: who asks, which behind a trusted proxy is not who connected.

use compiler::Read;
use lang::vocab::{Field, Key, Phase};
use lang::{Ty, Value};

use super::FieldEntry;

pub(super) const ENTRIES: &[FieldEntry] = &[FieldEntry {
    row: Field {
        path: "client.ip",
        key: Key::None,
        ty: || Ty::Ip,
        from: Phase::Connection,
        written: None,
        doc: "The client's address: the peer, unless a `trust` on the listener says whom to believe instead.",
        example: "where client.ip in [10.0.0.0/8, fd00::/8]",
    },
    read: |ex, _| Read::Value(Value::ip(ex.client())),
}];
