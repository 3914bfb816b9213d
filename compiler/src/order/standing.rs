//! How two routes stand to each other. Only words: who compares is `compare`, who judges is `before`.

/// How two routes stand to each other somewhere, whatever `before` says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Standing {
    /// No request is taken by both.
    Apart,
    /// The first is narrower.
    Before(By),
    /// The second is narrower.
    Behind(By),
    /// They take the same requests.
    Same,
}

/// What of it is narrower.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum By {
    /// The host.
    Host,
    /// The path.
    Path,
    /// Methods and `where`.
    Condition,
}
