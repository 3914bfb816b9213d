//! `conn`: the connection that a request came over, as the listener saw it.

use compiler::Read;
use lang::vocab::{Field, Key, Phase};
use lang::{Ty, Value};

use super::{FieldEntry, optional};

pub(super) const ENTRIES: &[FieldEntry] = &[
    FieldEntry {
        row: Field {
            path: "conn.peer",
            key: Key::None,
            ty: || Ty::Ip,
            from: Phase::Connection,
            written: None,
            doc: "The address at the other end of the connection. Behind a proxy this is the proxy; `client.ip` is whom it speaks for.",
            example: "where conn.peer in 10.0.0.0/8",
        },
        read: |ex, _| Read::Value(Value::ip(ex.connection.peer)),
    },
    FieldEntry {
        row: Field {
            path: "conn.sni",
            key: Key::None,
            ty: || Ty::String.optional(),
            from: Phase::Connection,
            written: None,
            doc: "The name that the client asked for in its TLS handshake, in lower case. Absent without TLS, or when the client sent none.",
            example: "where conn.sni == \"shop.example\"",
        },
        read: |ex, _| optional(ex.connection.tls.as_ref().and_then(|tls| tls.sni.as_deref())),
    },
    FieldEntry {
        row: Field {
            path: "conn.alpn",
            key: Key::None,
            ty: || Ty::String.optional(),
            from: Phase::Connection,
            written: None,
            doc: "The protocol that the TLS handshake agreed on, such as `h2` or `http/1.1`. Absent without TLS, or when none was offered.",
            example: "where conn.alpn == \"h2\"",
        },
        read: |ex, _| optional(ex.connection.tls.as_ref().and_then(|tls| tls.alpn)),
    },
    FieldEntry {
        row: Field {
            path: "conn.tls.version",
            key: Key::None,
            ty: || Ty::one_of(&["1.2", "1.3"]).optional(),
            from: Phase::Connection,
            written: None,
            doc: "The version of TLS that the connection speaks. Absent without TLS.",
            example: "require conn.tls.version == \"1.3\", else=403",
        },
        read: |ex, _| optional(ex.connection.tls.as_ref().map(|tls| tls.version)),
    },
    FieldEntry {
        row: Field {
            path: "conn.tls.client",
            key: Key::None,
            ty: || Ty::String.optional(),
            from: Phase::Connection,
            written: None,
            doc: "The subject of the client's certificate, once it is verified against the listener's authorities, as RFC 4514 writes it: `CN=deploy,O=partner`, the most specific part first and no blanks between. Absent when the listener asks for none or the client has none.",
            example: "require conn.tls.client is present, else=403",
        },
        read: |ex, _| optional(ex.connection.tls.as_ref().and_then(|tls| tls.client.as_deref())),
    },
];
