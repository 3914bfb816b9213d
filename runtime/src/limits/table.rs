//! One limit's counts: for each key the time at which it will have paid for what it took (the generic cell rate
//! algorithm), in a table of fixed size that all cores count in without a lock. Only who comes with a new key holds one, so
//! that no key is counted in two places.
//!
//! A key that has paid is as good as unknown, so its place is free for another. No other place is ever taken: whoever
//! comes with many keys resets nobody. Where a new key finds no place it shares one of a few counts with others like it.

use std::hash::RandomState;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lang::Value;
use lang::value::Rate;
use tokio::time::Instant;

use super::key;

/// Keys in one row: it is one line of a cache.
const PLACES: usize = 4;

/// Counts that keys without a place share.
const SHARED: usize = 64;

/// How fast a key may go on, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pace {
    /// What one request costs.
    interval: u64,
    /// How far ahead of its time a key may be.
    ahead: u64,
}

/// What comes of asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taken {
    /// It may pass.
    Passed {
        /// So many more could follow at once.
        left: u64,
        /// The time until nothing is owed.
        until_full: Duration,
    },
    /// It may not; in this time it may.
    Refused(Duration),
}

/// One limit's counts.
#[derive(Debug)]
pub(crate) struct Table {
    /// The limit's name.
    pub(crate) name: Arc<str>,
    /// How many keys have a count of their own.
    pub(crate) most: u32,
    begun: Instant,
    hashed: RandomState,
    rows: Box<[Row]>,
    shared: Box<[AtomicU64]>,
    used: AtomicBool,
    /// Held by who makes a place.
    making: Mutex<()>,
}

/// Places for keys. A place is free if its time has come, whosever it was.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Row {
    keys: [AtomicU64; PLACES],
    times: [AtomicU64; PLACES],
}

/// No window is longer: a century, in nanoseconds.
const LONGEST: u64 = 100 * 366 * 86_400 * 1_000_000_000;

impl Pace {
    /// So many in a time, and `burst` at once beyond the one whose turn it is; without it a whole period's worth. No
    /// pace, where nothing may pass.
    pub(crate) fn new(rate: Rate, burst: Option<u32>) -> Option<Pace> {
        let per = u64::try_from(rate.per.as_nanos()).unwrap_or(LONGEST).min(LONGEST);
        let interval = per.checked_div(rate.count)?.max(1);
        let burst = burst.map_or(rate.count - 1, u64::from);
        Some(Pace { interval, ahead: interval.saturating_mul(burst).min(LONGEST) })
    }

    /// The longest that a key can be ahead of its time.
    pub(crate) fn window(self) -> u64 {
        self.ahead.saturating_add(self.interval)
    }
}

impl Table {
    /// A table for `most` keys.
    pub(crate) fn new(name: Arc<str>, most: u32) -> Table {
        // A key may stand in either of two rows: so they fill to nine tenths before one of them overflows.
        let rows = (most as usize).div_ceil(PLACES) * 8 / 7;
        let rows = rows.max(1).next_power_of_two();
        Table {
            name,
            most,
            begun: Instant::now(),
            hashed: RandomState::new(),
            rows: (0..rows).map(|_| Row::default()).collect(),
            shared: (0..SHARED).map(|_| AtomicU64::new(0)).collect(),
            used: AtomicBool::new(false),
            making: Mutex::default(),
        }
    }

    /// Takes one for the key at the time `now`. The second part says whether the key had to share a count.
    pub(crate) fn take(&self, key: &Value, ipv6: u32, pace: Pace, now: Instant) -> (Taken, bool) {
        let now = self.time(now);
        let key = key::number(&self.hashed, key, ipv6);
        if let Some(count) = self.place(key, now) {
            return (take(count, pace, now), false);
        }
        let count = self.shared.get(key as usize % SHARED);
        (count.map_or(Taken::Refused(Duration::ZERO), |count| take(count, pace, now)), true)
    }

    /// The key's own count, found or made.
    fn place(&self, key: u64, now: u64) -> Option<&AtomicU64> {
        let rows = [self.row(key), self.row(key.rotate_left(32))];
        let found = || rows.iter().flatten().find_map(|row| row.found(key));
        found().or_else(|| {
            let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
            // Another core may have made the place meanwhile.
            found().or_else(|| self.made(rows, key, now))
        })
    }

    /// A place for a key that has none, in the emptier of its rows, so that both fill alike.
    fn made<'a>(&self, rows: [Option<&'a Row>; 2], key: u64, now: u64) -> Option<&'a AtomicU64> {
        self.used.store(true, Ordering::Relaxed);
        let free = |row: &Row| row.times.iter().filter(|time| is_free(time, now)).count();
        let row = rows.into_iter().flatten().rev().max_by_key(|row| free(row))?;
        let (known, time) = row.places().find(|(_, time)| is_free(time, now))?;
        known.store(key, Ordering::Relaxed);
        Some(time)
    }

    fn row(&self, at: u64) -> Option<&Row> {
        // The number of rows is a power of two.
        self.rows.get(at as usize & (self.rows.len() - 1))
    }

    /// Nanoseconds since a while before the table was made: never 0, and earlier than nothing that was counted.
    fn time(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.begun);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX / 2).saturating_add(1)
    }

    /// Nobody is further ahead than `window`.
    pub(crate) fn shorten(&self, now: Instant, window: u64) {
        let latest = self.time(now).saturating_add(window);
        let places = self.rows.iter().flat_map(|row| &row.times).chain(&self.shared);
        for time in places {
            time.fetch_min(latest, Ordering::Relaxed);
        }
    }

    /// Forgets every count.
    pub(crate) fn forget(&self) {
        if !self.used.swap(false, Ordering::Relaxed) {
            return;
        }
        for row in &self.rows {
            row.keys.iter().chain(&row.times).for_each(|place| place.store(0, Ordering::Relaxed));
        }
        self.shared.iter().for_each(|place| place.store(0, Ordering::Relaxed));
    }
}

impl Row {
    fn places(&self) -> impl Iterator<Item = (&AtomicU64, &AtomicU64)> {
        self.keys.iter().zip(&self.times)
    }

    /// Where the key counts, if it has a place here.
    fn found(&self, key: u64) -> Option<&AtomicU64> {
        self.places().find(|(known, _)| known.load(Ordering::Relaxed) == key).map(|(_, time)| time)
    }
}

fn is_free(time: &AtomicU64, now: u64) -> bool {
    time.load(Ordering::Relaxed) <= now
}

fn take(count: &AtomicU64, pace: Pace, now: u64) -> Taken {
    let mut known = count.load(Ordering::Relaxed);
    loop {
        let due = known.max(now);
        let ahead = due - now;
        if ahead > pace.ahead {
            // Nothing is written: who is refused costs the others nothing.
            return Taken::Refused(Duration::from_nanos(ahead - pace.ahead));
        }
        let next = due.saturating_add(pace.interval);
        match count.compare_exchange_weak(known, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => {
                return Taken::Passed {
                    left: (pace.ahead - ahead) / pace.interval,
                    until_full: Duration::from_nanos(next - now),
                };
            }
            Err(other) => known = other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn pace(count: u64, burst: Option<u32>) -> Pace {
        Pace::new(Rate { count, per: Duration::from_secs(1) }, burst).unwrap()
    }

    fn passes(table: &Table, key: i64, pace: Pace, now: Instant) -> bool {
        matches!(table.take(&Value::Int(key), 64, pace, now).0, Taken::Passed { .. })
    }

    #[test]
    fn a_burst_beyond_the_one_whose_turn_it_is_then_the_rate() {
        let table = Table::new("a".into(), 100);
        let (pace, begun) = (pace(10, Some(20)), Instant::now());
        let passed = (0..50).filter(|_| passes(&table, 1, pace, begun)).count();
        assert_eq!(passed, 21);
        let refused = table.take(&Value::Int(1), 64, pace, begun);
        assert_eq!(refused, (Taken::Refused(Duration::from_millis(100)), false));
        let later = begun + Duration::from_secs(1);
        assert_eq!((0..50).filter(|_| passes(&table, 1, pace, later)).count(), 10);
        assert!(passes(&table, 2, pace, later), "others are not counted with it");
    }

    #[test]
    fn without_a_burst_a_period_s_worth_may_come_at_once() {
        let table = Table::new("a".into(), 100);
        let (pace, begun) = (pace(5, None), Instant::now());
        assert_eq!((0..50).filter(|_| passes(&table, 1, pace, begun)).count(), 5);
        assert!(Pace::new(Rate { count: 0, per: Duration::from_secs(1) }, None).is_none());
    }

    #[test]
    fn many_keys_reset_nobody_and_take_no_memory() {
        let table = Table::new("a".into(), 1_000);
        let (pace, now) = (pace(1, Some(0)), Instant::now());
        for key in 0..500 {
            assert!(passes(&table, key, pace, now));
        }
        let crowd = (1_000..101_000).filter(|key| passes(&table, *key, pace, now)).count();
        assert!(crowd <= table.rows.len() * PLACES + SHARED, "{crowd}");
        for key in 0..500 {
            assert!(!passes(&table, key, pace, now), "{key} was reset");
        }
        let later = now + Duration::from_secs(2);
        assert!((2_000_000..2_000_900).all(|key| passes(&table, key, pace, later)));
    }

    #[test]
    fn cores_count_together() {
        let table = Table::new("a".into(), 1_000);
        let (pace, now) = (pace(10, Some(9)), Instant::now());
        let passed = AtomicU64::new(0);
        // All come with each new key at the same time.
        let start = Barrier::new(4);
        let come = |key| {
            start.wait();
            let times = (0..10).filter(|_| passes(&table, key, pace, now)).count();
            passed.fetch_add(times as u64, Ordering::Relaxed);
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..500).for_each(come));
            }
        });
        assert_eq!(passed.into_inner(), 10 * 500);
    }

    #[test]
    fn a_wider_limit_is_felt_at_once() {
        let table = Table::new("a".into(), 10);
        let now = Instant::now();
        let slow = Pace::new(Rate { count: 1, per: Duration::from_secs(3_600) }, None).unwrap();
        assert!(passes(&table, 1, slow, now));
        let quick = pace(1, None);
        assert!(!passes(&table, 1, quick, now + Duration::from_secs(2)));
        table.shorten(now, quick.window());
        assert!(passes(&table, 1, quick, now + Duration::from_secs(2)));
        table.forget();
        assert!(passes(&table, 1, slow, now));
    }
}
