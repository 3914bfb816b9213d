//! How many requests may be sent a second time: a share of all, so that an upstream in trouble is not asked ever more
//! often. It decides how many, never which.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// What may be saved up from requests, in hundredths of a retry: enough for all that one endpoint loses at once when it
/// goes away.
const MOST: u32 = 100_000;
/// What there is in the beginning, and what time alone gives back.
const FLOOR: u32 = 1_000;
/// The time in which one retry comes back where there are few requests: a share of nearly nothing is nothing.
const TRICKLE: Duration = Duration::from_secs(1);

/// One core's budget for one upstream. What is given back by time is counted when it is asked for.
#[derive(Debug)]
pub(super) struct Budget {
    hundredths: Cell<u32>,
    since: Cell<Option<Instant>>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { hundredths: Cell::new(FLOOR), since: Cell::new(None) }
    }
}

impl Budget {
    /// A request was sent, of which so many hundredths may be sent again.
    pub(super) fn earn(&self, share: u32) {
        self.hundredths.set(self.hundredths.get().saturating_add(share).min(MOST));
    }

    /// Takes one retry out of it, if there is one. Without a share there is none.
    pub(super) fn spend(&self, share: u32) -> bool {
        if share == 0 {
            return false;
        }
        let now = Instant::now();
        let waited = now.saturating_duration_since(self.since.get().unwrap_or(now));
        let back = u32::try_from(waited.as_millis() * 100 / TRICKLE.as_millis());
        let back = back.unwrap_or(u32::MAX);
        if back > 0 || self.since.get().is_none() {
            self.since.set(Some(now));
        }
        let have = self.hundredths.get();
        let have = have.saturating_add(back).min(FLOOR.max(have));
        let left = have.checked_sub(100);
        self.hundredths.set(left.unwrap_or(have));
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_in_five_may_be_sent_again() {
        let budget = Budget::default();
        let first = (0..100).filter(|_| budget.spend(20)).count();
        assert_eq!(first, 10);
        let mut again = 0;
        for _ in 0..100 {
            budget.earn(20);
            again += usize::from(budget.spend(20));
        }
        assert_eq!(again, 20);
        assert!(!Budget::default().spend(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_upstream_has_a_retry_each_second() {
        let budget = Budget::default();
        while budget.spend(20) {}
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(!budget.spend(20));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert!(budget.spend(20) && !budget.spend(20));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!((0..100).filter(|_| budget.spend(20)).count(), 10);
    }
}
