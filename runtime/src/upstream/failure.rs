//! Why an upstream gave no answer: what happened, whose fault it is, and what that means for another try.
//! What the client is told about it is decided elsewhere.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::causes::Cause;
use crate::body::{Body, BodyError, Side};

/// Interim answers (1xx) before the final one; who says more has none.
pub(super) const MOST_INTERIM: usize = 16;

/// A request without an answer.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub kind: Kind,
    /// The endpoint it happened with; absent before one was chosen.
    pub address: Option<SocketAddr>,
    /// Whether a byte of the request may have reached the endpoint.
    pub sent: bool,
    /// The request's body, if all of it is still here.
    pub body: Option<Body>,
    /// How many tries there were.
    pub tries: u32,
}

/// A request that got no answer from the endpoint it was sent to.
pub(super) struct Lost {
    pub(super) kind: Kind,
    /// Whether the endpoint may have seen it.
    pub(super) sent: bool,
    /// The body, if it is whole.
    pub(super) body: Option<Body>,
}

/// What happened.
#[derive(Debug, thiserror::Error)]
pub enum Kind {
    /// The upstream's name has never been resolved.
    #[error("no address of the upstream is known")]
    Unresolved,
    /// There is no endpoint, or none is healthy.
    #[error("no endpoint of the upstream is healthy")]
    NoEndpoint,
    /// There are endpoints, and those that are well are ejected; for so long at least.
    #[error("every endpoint of the upstream that is well is ejected")]
    Ejected(Duration),
    /// As many requests as allowed already wait.
    #[error("too many requests wait for the upstream")]
    Pending,
    /// No place became free in time.
    #[error("no place among the requests of the upstream became free in time")]
    QueueTimeout,
    /// As many requests as allowed are already under way.
    #[error("too many requests are under way with the upstream")]
    Requests,
    /// Too many requests failed lately; nobody is asked for so long.
    #[error("the breaker is open, because too many requests failed")]
    Open(Duration),
    /// The machine has no socket to give us; no endpoint was asked.
    #[error("no connection can be opened: {0}")]
    Files(#[source] io::Error),
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The TLS handshake failed, or ALPN did not agree.
    #[error("TLS handshake failed: {0}")]
    Tls(String),
    /// No connection or handshake in time.
    #[error("no connection in time")]
    ConnectTimeout,
    /// No head of an answer in time.
    #[error("no answer in time")]
    FirstByteTimeout,
    /// The whole exchange took too long.
    #[error("the exchange took too long")]
    TotalTimeout,
    /// The connection was lost before the head of an answer.
    #[error("the connection was lost before an answer: {0}")]
    Reset(#[source] io::Error),
    /// What came is no answer.
    #[error("malformed answer: {0}")]
    Malformed(String),
    /// The request cannot be put into the upstream's protocol.
    #[error("the request cannot be sent: {0}")]
    Request(String),
    /// The request's own body failed while it was sent on.
    #[error("the request's {0}")]
    RequestBody(#[source] BodyError),
}

/// Whose fault a failure is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The client's.
    Client,
    /// The upstream's.
    Upstream,
    /// Ours, or our limits'.
    Gateway,
}

impl Kind {
    /// What a connection that could not be opened tells: of the endpoint, or of us alone.
    pub(super) fn of_connect(error: io::Error) -> Kind {
        use rustix::io::Errno;
        let ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        match Errno::from_io_error(&error) {
            Some(errno) if ours.contains(&errno) => Kind::Files(error),
            _ => Kind::Connect(error),
        }
    }

    /// A word for logs and metrics.
    pub fn slug(&self) -> &'static str {
        self.slug_and_fault().0
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.slug_and_fault().1
    }

    /// Whether time ran out: 504 rather than 502.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Kind::ConnectTimeout | Kind::FirstByteTimeout | Kind::TotalTimeout)
    }

    /// After how long it is worth asking again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Kind::Ejected(left) | Kind::Open(left) => Some(*left),
            Kind::Pending | Kind::QueueTimeout | Kind::Requests | Kind::Files(_) => {
                Some(Duration::ZERO)
            }
            _ => None,
        }
    }

    /// Its place in [`SLUGS`].
    pub(super) fn index(&self) -> usize {
        SLUGS.iter().position(|slug| *slug == self.slug()).unwrap_or_default()
    }

    fn slug_and_fault(&self) -> (&'static str, Fault) {
        match self {
            Kind::Unresolved => ("unresolved", Fault::Upstream),
            Kind::NoEndpoint => ("no_endpoint", Fault::Upstream),
            Kind::Ejected(_) => ("ejected", Fault::Upstream),
            Kind::Pending => ("breaker_pending", Fault::Gateway),
            Kind::QueueTimeout => ("queue_timeout", Fault::Gateway),
            Kind::Requests => ("breaker_requests", Fault::Gateway),
            Kind::Open(_) => ("breaker_open", Fault::Upstream),
            Kind::Files(_) => ("files", Fault::Gateway),
            Kind::Connect(_) => ("connect", Fault::Upstream),
            Kind::Tls(_) => ("tls", Fault::Upstream),
            Kind::ConnectTimeout => ("connect_timeout", Fault::Upstream),
            Kind::FirstByteTimeout => ("first_byte_timeout", Fault::Upstream),
            Kind::TotalTimeout => ("total_timeout", Fault::Upstream),
            Kind::Reset(_) => ("reset", Fault::Upstream),
            Kind::Malformed(_) => ("malformed", Fault::Upstream),
            Kind::Request(_) => ("request", Fault::Client),
            Kind::RequestBody(error) => match error.side {
                Side::Client => ("request_body", Fault::Client),
                Side::Upstream | Side::Gateway => ("request_body", Fault::Gateway),
            },
        }
    }
}

/// Every word [`Kind::slug`] can say, in the order of the counters.
pub const SLUGS: [&str; 17] = [
    "unresolved",
    "no_endpoint",
    "ejected",
    "breaker_pending",
    "queue_timeout",
    "breaker_requests",
    "breaker_open",
    "files",
    "connect",
    "tls",
    "connect_timeout",
    "first_byte_timeout",
    "total_timeout",
    "reset",
    "malformed",
    "request",
    "request_body",
];

impl Failure {
    /// What came of the try, if another one might end otherwise: not what is the client's fault or ours, and not where
    /// nobody was there to be asked.
    pub fn cause(&self) -> Option<Cause> {
        match self.kind {
            Kind::Connect(_) | Kind::Tls(_) | Kind::ConnectTimeout => Some(Cause::Connect),
            Kind::Reset(_) if !self.sent => Some(Cause::Connect),
            Kind::Reset(_) => Some(Cause::Reset),
            Kind::FirstByteTimeout | Kind::TotalTimeout => Some(Cause::Timeout),
            Kind::Malformed(_) => Some(Cause::Malformed),
            Kind::Unresolved
            | Kind::NoEndpoint
            | Kind::Ejected(_)
            | Kind::Pending
            | Kind::QueueTimeout
            | Kind::Requests
            | Kind::Open(_)
            | Kind::Files(_)
            | Kind::Request(_)
            | Kind::RequestBody(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_lack_is_not_the_endpoint_s_fault() {
        let errno = |errno: rustix::io::Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        let failed = |error| {
            let kind = Kind::of_connect(error);
            let fault = kind.fault();
            let failure = Failure { kind, address: None, sent: false, body: None, tries: 1 };
            (fault, failure.cause())
        };
        assert_eq!(failed(errno(rustix::io::Errno::MFILE)), (Fault::Gateway, None));
        assert_eq!(failed(errno(rustix::io::Errno::NFILE)), (Fault::Gateway, None));
        let refused = (Fault::Upstream, Some(Cause::Connect));
        assert_eq!(failed(errno(rustix::io::Errno::CONNREFUSED)), refused);
    }
}
