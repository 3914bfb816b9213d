//! Values of which every core has its own share, so that no two cores write to one cache line on a request's path.
//! A reader sums the shares.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static CORE: Cell<usize> = const { Cell::new(0) };
}

/// Says that this thread is core `core`, counted from 0. Threads that never say so share one place of their own.
pub fn enter_core(core: usize) {
    CORE.set(core + 1);
}

/// A share of `T` for each core, made at its first use: most routes are served by few cores, and many by none.
#[derive(Debug)]
pub struct Shards<T> {
    shares: Box<[OnceLock<Box<Padded<T>>>]>,
}

/// On its own cache lines; two, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded<T>(T);

impl<T: Default> Shards<T> {
    /// Shares for `cores` cores and for the threads that are none.
    pub fn new(cores: usize) -> Shards<T> {
        Shards { shares: (0..=cores).map(|_| OnceLock::new()).collect() }
    }

    /// This thread's share.
    pub fn here(&self) -> &T {
        let share = self.shares.get(CORE.get()).or_else(|| self.shares.first());
        // INVARIANT: `new` makes at least one share.
        #[expect(clippy::expect_used, reason = "there is always the share of other threads")]
        let share = share.expect("a share");
        &share.get_or_init(Box::default).0
    }

    /// Every share that was used.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.shares.iter().filter_map(|share| share.get().map(|share| &share.0))
    }
}

/// A number that grows. Written by one core, read by anybody.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Takes `n` back: for numbers that say how many there are now.
    pub fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// The number now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Shards<Counter> {
    /// Adds `n` to this core's share.
    pub fn add(&self, n: u64) {
        self.here().add(n);
    }

    /// Takes `n` back. A share alone may wrap, where one core adds and another takes; the sum does not.
    pub fn sub(&self, n: u64) {
        self.here().sub(n);
    }

    /// The sum of all shares.
    pub fn sum(&self) -> u64 {
        self.iter().fold(0, |sum, share| sum.wrapping_add(share.value()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_all_threads_are_summed() {
        let shards = Shards::<Counter>::new(2);
        shards.add(1);
        std::thread::scope(|scope| {
            for core in 0..4 {
                let shards = &shards;
                scope.spawn(move || {
                    enter_core(core);
                    shards.add(10);
                });
            }
        });
        shards.sub(3);
        assert_eq!(shards.sum(), 38);
    }
}
