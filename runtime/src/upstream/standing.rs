//! How an endpoint did lately, as all cores see it: its errors in a row, and whether it is ejected for them. Whoever sees
//! good answers only reads it: nothing is written while all is well. It asks nobody and chooses no endpoint.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use super::causes::Causes;

/// When an endpoint is ejected: left alone because of what it answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EjectConfig {
    /// After so many errors in a row.
    pub errors: u32,
    /// None of which is older than this.
    pub over: Duration,
    /// An answer that takes longer to begin is an error too.
    pub slower: Option<Duration>,
    /// For how long the first time; it grows while it is needed again and again.
    pub lasts: Duration,
    /// How many of a hundred endpoints may be ejected at a time.
    pub at_most: u32,
    /// How long it takes until an endpoint that comes back has its whole share of requests.
    pub slow_start: Duration,
    /// What is an error.
    pub on: Causes,
}

/// One endpoint's standing. Times are milliseconds since it became known; those that write at the same moment may count
/// one error less.
#[derive(Debug)]
pub(super) struct Standing {
    known: Instant,
    errors: AtomicU32,
    /// The first of them.
    since: AtomicU64,
    /// The end of the last ejection; 0 where there was none.
    until: AtomicU64,
    /// How long that was.
    lasted: AtomicU64,
    /// Ejections with less time between them than the one before took.
    times: AtomicU32,
}

/// An ejection is no longer than so many first ones.
const MOST_TIMES: u32 = 10;

/// The share with which an endpoint comes back.
const FIRST_SHARE: f32 = 0.1;

impl EjectConfig {
    /// How many of so many endpoints may be ejected at a time: at least one, where there are others; all of them only if
    /// the policy says 100%.
    pub(super) fn most(&self, n_endpoints: usize) -> usize {
        match (self.at_most, n_endpoints) {
            (0, _) => 0,
            (100.., n) => n,
            (share, n) => (n * share as usize / 100).max(1).min(n.saturating_sub(1)),
        }
    }
}

impl Default for Standing {
    fn default() -> Standing {
        Standing {
            known: Instant::now(),
            errors: AtomicU32::new(0),
            since: AtomicU64::new(0),
            until: AtomicU64::new(0),
            lasted: AtomicU64::new(0),
            times: AtomicU32::new(0),
        }
    }
}

impl Standing {
    /// It answered well.
    pub(super) fn good(&self) {
        if self.errors.load(Relaxed) != 0 {
            self.errors.store(0, Relaxed);
        }
    }

    /// It did not. Says whether that was once too often.
    pub(super) fn bad(&self, eject: &EjectConfig, now: Instant) -> bool {
        let (ms, errors) = (self.ms(now), self.errors.load(Relaxed));
        let old = ms.saturating_sub(self.since.load(Relaxed)) > millis(eject.over);
        let errors = if errors == 0 || old { 0 } else { errors };
        if errors == 0 {
            self.since.store(ms, Relaxed);
        }
        self.errors.store(errors.saturating_add(1), Relaxed);
        errors.saturating_add(1) >= eject.errors
    }

    /// It is left alone from now on. Says for how long.
    pub(super) fn eject(&self, eject: &EjectConfig, now: Instant) -> Duration {
        let ms = self.ms(now);
        let (until, lasted) = (self.until.load(Relaxed), self.lasted.load(Relaxed));
        let again = until != 0 && ms <= until.saturating_add(lasted);
        let times = if again { self.times.load(Relaxed).saturating_add(1) } else { 1 };
        let times = times.min(MOST_TIMES);
        let length = eject.lasts.saturating_mul(times);
        self.times.store(times, Relaxed);
        self.lasted.store(millis(length), Relaxed);
        self.until.store(ms.saturating_add(millis(length)), Relaxed);
        self.errors.store(0, Relaxed);
        length
    }

    /// It could not be ejected, as too many are: it begins anew.
    pub(super) fn spare(&self) {
        self.errors.store(0, Relaxed);
    }

    /// How long it is still left alone.
    pub(super) fn ejected(&self, now: Instant) -> Option<Duration> {
        match self.until.load(Relaxed) {
            0 => None,
            until => {
                let left = until.checked_sub(self.ms(now)).filter(|left| *left > 0);
                left.map(Duration::from_millis)
            }
        }
    }

    /// The share of its requests that it gets: less than 1 for a while after it came back.
    pub(super) fn share(&self, eject: &EjectConfig, now: Instant) -> f32 {
        match self.until.load(Relaxed) {
            0 => 1.0,
            until => {
                let back = Duration::from_millis(self.ms(now).saturating_sub(until));
                let whole = eject.slow_start;
                if back >= whole {
                    return 1.0;
                }
                (back.as_secs_f32() / whole.as_secs_f32()).max(FIRST_SHARE)
            }
        }
    }

    fn ms(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.known))
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn config() -> EjectConfig {
        EjectConfig {
            errors: 3,
            over: seconds(10),
            slower: None,
            lasts: seconds(30),
            at_most: 50,
            slow_start: seconds(10),
            on: Causes::trouble(),
        }
    }

    #[test]
    fn errors_count_in_a_row_and_while_they_are_new() {
        let (standing, eject) = (Standing::default(), config());
        let now = standing.known + seconds(100);
        assert!(!standing.bad(&eject, now) && !standing.bad(&eject, now));
        standing.good();
        assert!(!standing.bad(&eject, now) && !standing.bad(&eject, now));
        assert!(!standing.bad(&eject, now + seconds(11)), "the first ones are forgotten");
        assert!(!standing.bad(&eject, now + seconds(12)));
        assert!(standing.bad(&eject, now + seconds(13)));
    }

    #[test]
    fn it_is_left_alone_longer_if_that_was_not_enough() {
        let (standing, eject) = (Standing::default(), config());
        let mut now = standing.known;
        for length in [30, 60, 90] {
            assert_eq!(standing.eject(&eject, now), seconds(length));
            now += seconds(length) - Duration::from_millis(1);
            assert_eq!(standing.ejected(now), Some(Duration::from_millis(1)));
            now += Duration::from_millis(1);
            assert_eq!(standing.ejected(now), None);
        }
        now += seconds(91);
        assert_eq!(standing.eject(&eject, now), seconds(30), "it was well for as long");
        for _ in 0..20 {
            standing.eject(&eject, now);
        }
        assert_eq!(standing.eject(&eject, now), seconds(300));
    }

    #[test]
    fn it_comes_back_slowly() {
        let (standing, eject) = (Standing::default(), config());
        let now = standing.known;
        assert_eq!(standing.share(&eject, now), 1.0);
        standing.eject(&eject, now);
        let shares = [30, 35, 39, 40].map(|at| standing.share(&eject, now + seconds(at)));
        assert_eq!(shares, [0.1, 0.5, 0.9, 1.0]);
    }

    #[test]
    fn one_stays_unless_the_policy_says_otherwise() {
        let most = |at_most, n| EjectConfig { at_most, ..config() }.most(n);
        assert_eq!([1, 2, 3, 5, 10].map(|n| most(40, n)), [0, 1, 1, 2, 4]);
        assert_eq!([1, 2, 3].map(|n| most(99, n)), [0, 1, 2]);
        assert_eq!([1, 3].map(|n| (most(100, n), most(0, n))), [(1, 0), (3, 0)]);
    }
}
