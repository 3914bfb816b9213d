//! How a body breaks, and whose fault that is.

use std::fmt;

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The client whose request it is.
    Client,
    /// The server that the request went to.
    Upstream,
    /// This gateway: its own limits or its own shutdown.
    Gateway,
}

/// What happened to the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BodyFault {
    /// The connection ended before the body did.
    Closed,
    /// Nothing came for as long as the limit allows.
    Timeout,
    /// The framing is wrong; the word is that of the [`crate::message::Fault`].
    Malformed(&'static str),
    /// There is more of it than the cap allows.
    TooLarge,
    /// The stream was reset.
    Reset,
}

/// A body that broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BodyError {
    /// Whose fault it is.
    pub side: Side,
    /// What happened.
    pub fault: BodyFault,
}

impl BodyError {
    /// The connection of `side` ended inside the body.
    pub fn closed(side: Side) -> BodyError {
        BodyError { side, fault: BodyFault::Closed }
    }

    /// `side` sent nothing for too long.
    pub fn timeout(side: Side) -> BodyError {
        BodyError { side, fault: BodyFault::Timeout }
    }

    /// `side` sent what is no body; `name` says why in one word.
    pub fn malformed(side: Side, name: &'static str) -> BodyError {
        BodyError { side, fault: BodyFault::Malformed(name) }
    }

    /// `side` sent more than the cap.
    pub fn too_large(side: Side) -> BodyError {
        BodyError { side, fault: BodyFault::TooLarge }
    }

    /// `side` reset the stream.
    pub fn reset(side: Side) -> BodyError {
        BodyError { side, fault: BodyFault::Reset }
    }

    /// A stable word for logs, such as `timeout`.
    pub fn name(&self) -> &'static str {
        match self.fault {
            BodyFault::Closed => "closed",
            BodyFault::Timeout => "timeout",
            BodyFault::Malformed(name) => name,
            BodyFault::TooLarge => "body-too-large",
            BodyFault::Reset => "reset",
        }
    }

    /// The status that a response would have, were it not begun yet.
    pub fn status(&self) -> u16 {
        match (self.side, self.fault) {
            (Side::Client, BodyFault::TooLarge) => 413,
            (Side::Client, BodyFault::Timeout) => 408,
            (Side::Client, _) => 400,
            (Side::Upstream, BodyFault::Timeout) => 504,
            (Side::Upstream, _) => 502,
            (Side::Gateway, BodyFault::TooLarge) => 413,
            (Side::Gateway, _) => 500,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.side {
            Side::Client => "client",
            Side::Upstream => "upstream",
            Side::Gateway => "gateway",
        };
        write!(f, "body of the {who}: {}", self.name())
    }
}

impl std::error::Error for BodyError {}
