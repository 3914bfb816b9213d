//! What a client may do that costs us more than it: resets of young streams, and frames that bring
//! nothing. Each has a bound; beyond it the connection ends (RFC 9113 section 10.5).

use std::time::Duration;

use tokio::time::Instant;

use crate::message::Fault;

/// So many streams may end young before that is held against a client; then no more than half of
/// all may.
const YOUNG_RESETS: u32 = 128;
/// A stream that is reset younger than this cost us more than the client.
const YOUNG: Duration = Duration::from_secs(1);

/// The most frames that may bring nothing, in a row.
const PATIENCE: u32 = 1000;
/// How much patience comes back in a second.
const PER_SECOND: u64 = 100;
/// What a request gives back of it, and a frame of content in either direction: as many as a
/// client may want to say about it.
const REQUEST: u32 = 16;
const CONTENT: u32 = 4;
/// Content in smaller pieces gives nothing back.
const SMALL: usize = 256;

/// What a client is held to.
#[derive(Debug)]
pub(super) struct Calm {
    patience: u32,
    since: Instant,
    opened: u32,
    abandoned: u32,
}

impl Calm {
    pub(super) fn new(now: Instant) -> Calm {
        Calm { patience: PATIENCE, since: now, opened: 0, abandoned: 0 }
    }

    /// A stream was opened.
    pub(super) fn opened(&mut self) {
        self.opened = self.opened.saturating_add(1);
        self.earn(REQUEST);
    }

    /// A stream that began at `begun` was reset: by the client, or by us because the client broke
    /// the rules, which costs us the same.
    pub(super) fn abandoned(&mut self, begun: Instant, now: Instant) -> Result<(), Fault> {
        if now.duration_since(begun) < YOUNG {
            self.abandoned = self.abandoned.saturating_add(1);
        }
        let too_many = self.abandoned >= YOUNG_RESETS && self.abandoned > self.opened / 2;
        if too_many { Err(Fault::StreamResets) } else { Ok(()) }
    }

    /// A frame of `len` bytes of content came or went.
    pub(super) fn content(&mut self, len: usize) {
        if len >= SMALL {
            self.earn(CONTENT);
        }
    }

    /// A frame came that brings nothing.
    pub(super) fn spent(&mut self, now: Instant) -> Result<(), Fault> {
        if self.patience == 0 {
            let millis = u64::try_from(now.duration_since(self.since).as_millis()).unwrap_or(0);
            let back = millis.saturating_mul(PER_SECOND) / 1000;
            self.patience = u32::try_from(back).unwrap_or(PATIENCE).min(PATIENCE);
            self.since = now;
        }
        self.patience = self.patience.checked_sub(1).ok_or(Fault::FrameFlood)?;
        Ok(())
    }

    fn earn(&mut self, more: u32) {
        self.patience = (self.patience + more).min(PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_and_comes_back() {
        let mut now = Instant::now();
        let mut calm = Calm::new(now);
        assert!((0..1000).all(|_| calm.spent(now).is_ok()));
        assert_eq!(calm.spent(now), Err(Fault::FrameFlood));
        calm.content(16_384);
        assert!((0..4).all(|_| calm.spent(now).is_ok()) && calm.spent(now).is_err());
        calm.content(1);
        assert!(calm.spent(now).is_err());
        now += Duration::from_secs(1);
        assert!((0..100).all(|_| calm.spent(now).is_ok()) && calm.spent(now).is_err());
    }

    #[test]
    fn resets_of_young_streams_are_held_against_a_client() {
        let now = Instant::now();
        let mut calm = Calm::new(now);
        for round in 1..=128 {
            calm.opened();
            assert!(calm.abandoned(now, now + YOUNG).is_ok());
            assert_eq!(calm.abandoned(now, now).is_ok(), round < 128);
        }
        (0..200).for_each(|_| calm.opened());
        assert!(calm.abandoned(now, now).is_ok());
    }
}
