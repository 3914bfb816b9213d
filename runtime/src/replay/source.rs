//! Where a slot is read from, and whether a record holds that. What is not known here is held by none.

use std::sync::Arc;

use compiler::Slot;

use super::{Recorded, Said};

/// The part of a request from which a slot is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// Scheme, method, host and path.
    Line,
    /// The query.
    Query,
    /// The header field of this name.
    Field(Arc<str>),
    /// The content.
    Content,
    /// Its length: known of one that is not, if the head declares it.
    Size,
    /// The client's address.
    Client,
    /// Something else: the handshake, a token, an answer.
    Elsewhere,
}

impl Source {
    pub(super) fn of(slot: &Slot) -> Source {
        match (&*slot.field, &slot.key) {
            ("req.method" | "req.host" | "req.path" | "req.scheme", None) => Source::Line,
            ("req.target", None) | ("req.query" | "req.query.all", Some(_)) => Source::Query,
            ("req.header" | "req.header.all", Some(name)) => Source::Field(name.clone()),
            ("req.cookie", Some(_)) => Source::Field(Arc::from("cookie")),
            ("req.json", None) => Source::Content,
            ("req.body.size", None) => Source::Size,
            ("client.ip", None) => Source::Client,
            _ => Source::Elsewhere,
        }
    }

    /// Whether the record holds it.
    pub(super) fn is_held(&self, recorded: &Recorded<'_>) -> bool {
        match (self, &recorded.said) {
            (Source::Line, _) => true,
            (Source::Client, _) => recorded.sender.is_some(),
            (Source::Query, Said::Line { query, .. }) => *query,
            (Source::Query, Said::Head { .. }) => true,
            (Source::Field(name), Said::Head { lacks, .. }) => !lacks.contains(&&**name),
            (Source::Field(name), Said::Line { fields, .. }) => {
                fields.iter().any(|field| *field.name == **name)
            }
            (Source::Content | Source::Size, Said::Head { content, .. }) => content.is_some(),
            (Source::Content | Source::Size, Said::Line { .. }) | (Source::Elsewhere, _) => false,
        }
    }

    /// Whether a request can do without it.
    pub(super) fn may_be_absent(&self) -> bool {
        match self {
            Source::Query | Source::Field(_) | Source::Content | Source::Size => true,
            Source::Line | Source::Client | Source::Elsewhere => false,
        }
    }
}
