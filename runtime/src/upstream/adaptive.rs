//! How many requests an upstream may owe an answer, found out from how long its answers take. One limit for all cores,
//! because only together they see what the upstream can do: places are the one thing that cores write for each request,
//! for those upstreams that a policy asks it for. What the limit should be is worked out in `gradient`, ten times a
//! second at most.

mod gradient;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use self::gradient::Gradient;
use super::breaker::Permit;
use super::failure::Kind;

/// Within what the limit moves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdaptiveConfig {
    /// The limit is never less.
    pub min: u32,
    /// The limit is never more.
    pub max: u32,
    /// So many hundredths longer than at best an answer may take before the limit falls.
    pub buffer: u32,
    /// How long it is remembered what an answer takes at best.
    pub interval: Duration,
}

impl Default for AdaptiveConfig {
    fn default() -> AdaptiveConfig {
        AdaptiveConfig { min: 4, max: 1000, buffer: 25, interval: Duration::from_secs(60) }
    }
}

/// The limit of one upstream, and what was measured to find it.
#[derive(Debug)]
pub(super) struct Adaptive {
    pub(super) config: AdaptiveConfig,
    places: Semaphore,
    /// Places that are gone as soon as they are given back: the limit fell while they were taken.
    owed: AtomicU32,
    limit: AtomicU32,
    window: Window,
    /// Begins anew with each measurement at a lower limit, in which older requests say nothing.
    epoch: AtomicU32,
    /// INVARIANT: whoever changes the limit holds it.
    gradient: Mutex<Gradient>,
}

/// The answers since the limit was last worked out.
#[derive(Debug)]
struct Window {
    known: Instant,
    /// How long the last ones took, in microseconds.
    samples: [AtomicU32; SAMPLES],
    n_samples: AtomicU32,
    /// The most requests that were under way.
    peak: AtomicU32,
    /// When it is over, in milliseconds since `known`.
    ends: AtomicU64,
    /// Samples of an earlier epoch are left out.
    epoch: AtomicU32,
}

/// The right to be owed an answer.
pub(super) struct Slot<'a> {
    of: &'a Adaptive,
    permit: Option<SemaphorePermit<'a>>,
    epoch: u32,
}

/// Of so many answers the median is taken.
const SAMPLES: usize = 64;
/// Fewer say nothing.
const LEAST: u32 = 10;
/// A window is no shorter, but where a measurement holds requests back.
const WINDOW: Duration = Duration::from_millis(100);

impl Adaptive {
    /// Begins with a limit that hardly any upstream is overwhelmed by.
    pub(super) fn new(config: AdaptiveConfig, now: Instant) -> Adaptive {
        let gradient = Gradient::new(&config, now);
        let limit = gradient.limit();
        Adaptive {
            places: Semaphore::new(limit as usize),
            owed: AtomicU32::new(0),
            limit: AtomicU32::new(limit),
            window: Window::new(now),
            epoch: AtomicU32::new(0),
            gradient: Mutex::new(gradient),
            config,
        }
    }

    /// The limit now.
    pub(super) fn limit(&self) -> u32 {
        self.limit.load(Relaxed)
    }

    /// Takes a place for whoever has `permit`. If all are taken, waits until `by`, unless `most` requests of the upstream
    /// wait already; first come, first served.
    pub(super) async fn enter(
        &self,
        permit: &Permit,
        most: u32,
        by: Instant,
        waits: impl FnOnce(),
    ) -> Result<Slot<'_>, Kind> {
        let place = match self.places.try_acquire() {
            Ok(place) => place,
            Err(_) => {
                let _waiting = permit.breaker().wait(most)?;
                waits();
                let place = Box::pin(timeout_at(by, self.places.acquire())).await;
                // The semaphore is never closed, so a failure to acquire can only mean that time ran out.
                place.ok().and_then(Result::ok).ok_or(Kind::QueueTimeout)?
            }
        };
        Ok(Slot { of: self, permit: Some(place), epoch: self.epoch.load(Relaxed) })
    }

    fn n_under_way(&self) -> u32 {
        let places = u64::from(self.limit()) + u64::from(self.owed.load(Relaxed));
        let free = self.places.available_permits() as u64;
        u32::try_from(places.saturating_sub(free)).unwrap_or(u32::MAX)
    }

    fn took(&self, took: Duration, epoch: u32, now: Instant) {
        if epoch < self.window.epoch.load(Relaxed) {
            return;
        }
        if !self.window.count(took, self.n_under_way(), now) {
            return;
        }
        // Whoever finds it taken comes at the same moment, and has no more to say.
        let mut gradient = match self.gradient.try_lock() {
            Ok(gradient) => gradient,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let (median, peak) = self.window.close();
        gradient.turn(&self.config, median, peak, now);
        let epoch = match gradient.is_measuring() {
            true => self.epoch.fetch_add(1, Relaxed).wrapping_add(1),
            false => 0,
        };
        self.window.open(self.n_under_way(), epoch, now);
        self.set(gradient.limit());
    }

    /// Makes `limit` the number of places.
    fn set(&self, limit: u32) {
        let before = self.limit.swap(limit, Relaxed);
        if limit > before {
            let more = limit - before;
            let pay = |owed: u32| Some(owed.saturating_sub(more));
            let owed = self.owed.fetch_update(Relaxed, Relaxed, pay).unwrap_or_default();
            self.places.add_permits(more.saturating_sub(owed) as usize);
        } else {
            let less = before - limit;
            let gone = self.places.forget_permits(less as usize) as u32;
            self.owed.fetch_add(less.saturating_sub(gone), Relaxed);
        }
    }
}

impl Window {
    fn new(now: Instant) -> Window {
        Window {
            known: now,
            samples: [const { AtomicU32::new(0) }; SAMPLES],
            n_samples: AtomicU32::new(0),
            peak: AtomicU32::new(0),
            ends: AtomicU64::new(millis(WINDOW)),
            epoch: AtomicU32::new(0),
        }
    }

    /// Takes in an answer. Says whether there are enough now.
    fn count(&self, took: Duration, n_under_way: u32, now: Instant) -> bool {
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let at = self.n_samples.fetch_add(1, Relaxed);
        if let Some(sample) = self.samples.get(at as usize % SAMPLES) {
            sample.store(took, Relaxed);
        }
        if n_under_way > self.peak.load(Relaxed) {
            self.peak.fetch_max(n_under_way, Relaxed);
        }
        at + 1 >= LEAST && self.ms(now) >= self.ends.load(Relaxed)
    }

    /// The median of its answers, and the most requests that were under way.
    fn close(&self) -> (Duration, u32) {
        let mut samples = self.samples.each_ref().map(|sample| sample.load(Relaxed));
        let n_samples = (self.n_samples.load(Relaxed) as usize).min(SAMPLES);
        let taken = samples.get_mut(..n_samples).unwrap_or_default();
        taken.sort_unstable();
        let median = taken.get(n_samples / 2).copied().unwrap_or_default();
        (Duration::from_micros(u64::from(median)), self.peak.load(Relaxed))
    }

    /// Begins anew; with an epoch, only for requests that begin in it, and as short as can be.
    fn open(&self, n_under_way: u32, epoch: u32, now: Instant) {
        let length = if epoch == 0 { WINDOW } else { Duration::ZERO };
        self.n_samples.store(0, Relaxed);
        self.peak.store(n_under_way, Relaxed);
        self.ends.store(self.ms(now) + millis(length), Relaxed);
        self.epoch.store(epoch, Relaxed);
    }

    fn ms(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.known))
    }
}

impl Slot<'_> {
    /// An answer has begun, or was not there in time, after so long.
    pub(super) fn took(self, took: Duration, now: Instant) {
        self.of.took(took, self.epoch, now);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let pays = |owed: u32| owed.checked_sub(1);
        if self.of.owed.fetch_update(Relaxed, Relaxed, pays).is_ok() {
            permit.forget();
        }
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::breaker::Share;
    use super::*;

    fn config() -> AdaptiveConfig {
        AdaptiveConfig { min: 2, max: 40, ..AdaptiveConfig::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn places_follow_the_limit_also_while_they_are_taken() {
        let adaptive = Adaptive::new(config(), Instant::now());
        let share = Share::of(&Arc::default());
        let permit = share.take(99).ok().unwrap();
        let enter = || {
            let entered = adaptive.enter(&permit, 99, Instant::now(), || ());
            futures_util::FutureExt::now_or_never(entered).and_then(Result::ok)
        };
        let mut slots: Vec<_> = std::iter::from_fn(enter).collect();
        assert_eq!((slots.len(), adaptive.n_under_way()), (20, 20));
        adaptive.set(5);
        assert_eq!(adaptive.n_under_way(), 20);
        while slots.len() > 5 {
            slots.pop();
            assert!(enter().is_none(), "a place that is owed is not given again");
        }
        slots.pop();
        slots.extend(enter());
        assert_eq!((slots.len(), adaptive.n_under_way()), (5, 5));
        adaptive.set(3);
        adaptive.set(7);
        slots.extend(std::iter::from_fn(enter));
        assert_eq!((slots.len(), adaptive.n_under_way()), (7, 7));
        drop(slots);
        assert_eq!((adaptive.places.available_permits(), adaptive.owed.load(Relaxed)), (7, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_served_in_turn_and_not_for_ever() {
        let config = AdaptiveConfig { min: 1, max: 1, ..config() };
        let adaptive = Adaptive::new(config, Instant::now());
        let share = Share::of(&Arc::default());
        let permit = share.take(9).ok().unwrap();
        let by = Instant::now() + Duration::from_secs(2);
        let enter = async || adaptive.enter(&permit, 1, by, || ()).await;
        let first = enter().await.ok().unwrap();
        let (second, third) = tokio::join!(enter(), async {
            let third = enter().await;
            drop(first);
            third
        });
        assert!(second.is_ok());
        assert!(matches!(third, Err(Kind::Pending)), "the newest is refused");
        assert!(matches!(enter().await, Err(Kind::QueueTimeout)));
        assert_eq!(Instant::now(), by);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_needs_answers_and_time() {
        let adaptive = Adaptive::new(config(), Instant::now());
        let share = Share::of(&Arc::default());
        let permit = share.take(99).ok().unwrap();
        let by = Instant::now() + Duration::from_secs(9);
        let answer = async |slots: &mut Vec<Slot<'_>>| {
            let slot = slots.pop().unwrap();
            slot.took(Duration::from_millis(10), Instant::now());
        };
        let mut slots = Vec::new();
        for _ in 0..20 {
            slots.push(adaptive.enter(&permit, 99, by, || ()).await.ok().unwrap());
        }
        for _ in 0..LEAST {
            answer(&mut slots).await;
        }
        assert_eq!(adaptive.limit(), 20, "it is too early");
        tokio::time::advance(WINDOW).await;
        answer(&mut slots).await;
        assert_eq!(adaptive.limit(), 24, "all were taken, and none was slow");
    }
}
