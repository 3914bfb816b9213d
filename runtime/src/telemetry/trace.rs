//! Identities by which one request is followed through logs and upstreams. Operator messages themselves go through
//! `tracing` where they arise; nothing here writes any.

use std::fmt;

/// The identity of a request: 128 bits at random, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RequestId(u128);

impl RequestId {
    /// A new one. Its randomness makes it unique, not secret.
    pub fn random() -> RequestId {
        RequestId(fastrand::u128(..))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
