//! What a policy's author says of all requests: `assert`, as data. Whether it is so is for the compiler to prove.

use std::sync::Arc;

use super::{Compare, Expr, RouteId};
use crate::source::Span;

/// A claim about every request.
#[derive(Clone, Debug)]
pub struct Assert {
    /// Its name.
    pub name: Arc<str>,
    /// The listeners it speaks of, as places in [`super::Policy::blocks`]; empty for every one.
    pub listeners: Vec<usize>,
    /// The requests it speaks of.
    pub of: Claim,
    /// What is to hold of each.
    pub expect: Claim,
    /// Whether it may stay without a proof, as the author says.
    pub unproved: Option<Unproved>,
    /// Its name's place.
    pub span: Span,
    /// The place of what is to hold.
    pub expect_span: Span,
}

/// `@unproved("why")`.
#[derive(Clone, Debug)]
pub struct Unproved {
    /// The author's reason.
    pub why: Arc<str>,
    /// What goes if it is not to be said.
    pub span: Span,
}

/// Something that holds of a request and of what comes of it, or does not.
#[derive(Clone, Debug)]
pub enum Claim {
    /// A condition on the request itself.
    Request(Expr),
    /// The gateway answers by itself, without asking an upstream, and with 400 or above.
    Denied,
    /// The gateway answers by itself.
    Responded,
    /// How the status that is sent compares to this one.
    Status(Compare, u16),
    /// This route answers, or any.
    Route(Option<RouteId>),
    /// A statement of this policy runs.
    Applied(Arc<str>),
    /// It is counted by this limit, or by any.
    Limited(Option<Arc<str>>),
    /// Its answer may come from the cache, and be kept there.
    Cached,
    /// It goes to this upstream, or to any.
    Forwarded(Option<Arc<str>>),
    /// A header field of a message: what was sent nowhere has none.
    Header(Message, Arc<str>, HeaderIs),
    /// Not this.
    Not(Box<Claim>),
    /// All of these.
    All(Vec<Claim>),
    /// One of these.
    Any(Vec<Claim>),
}

/// A message that the gateway sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Message {
    /// `up`: the request to the upstream.
    Up,
    /// `resp`: the answer to the client.
    Resp,
}

/// What a header field is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HeaderIs {
    /// There.
    Present,
    /// Exactly this.
    Text(Arc<str>),
}

impl Claim {
    /// Every condition on the request that is in it.
    pub fn requests(&self) -> Vec<&Expr> {
        match self {
            Claim::Request(condition) => vec![condition],
            Claim::Not(inner) => inner.requests(),
            Claim::All(parts) | Claim::Any(parts) => {
                parts.iter().flat_map(Claim::requests).collect()
            }
            _ => Vec::new(),
        }
    }
}
