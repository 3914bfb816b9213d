//! One recorded request, as every kind of log tells it, and why one cannot be asked.

use runtime::message::Scheme;
use runtime::replay::{Said, Sender};

/// A recorded request.
#[derive(Clone, Debug)]
pub(super) struct Entry<'e> {
    /// The listener that it came to, if the log says so.
    pub(super) listener: Option<&'e str>,
    /// Its scheme; the listener's, if the log does not say.
    pub(super) scheme: Option<Scheme>,
    /// Its port, if the log says so.
    pub(super) port: Option<u16>,
    /// Who sent it, if the log says so.
    pub(super) sender: Option<Sender>,
    /// What it said.
    pub(super) said: Said<'e>,
    /// For people.
    pub(super) shown: Shown<'e>,
    /// What became of it.
    pub(super) was: Was<'e>,
}

/// A request as people write it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'e> {
    pub(super) method: &'e str,
    pub(super) host: &'e str,
    pub(super) target: &'e str,
}

/// What became of a request when it was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Was<'e> {
    /// It is not known, or came of something else than a policy's decision.
    Unknown,
    /// A client saw this status.
    Seen(u16),
    /// The gateway says so.
    Logged { status: u16, route: Option<&'e str>, upstream: Option<&'e str> },
}

/// Why something in a log is not asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Skip {
    /// It cannot be understood.
    Unreadable(String),
    /// It was refused before any policy, and too little of it was written down. No policy would have let it pass,
    /// or it never came whole.
    Refused,
    /// It was refused for a cap of its listener, which another policy may raise, and too little of it was written down.
    Capped,
    /// Its path was cut when it was written down.
    Cut,
    /// It is none that goes to a gateway: `data:`, an extension's own.
    Foreign,
}
