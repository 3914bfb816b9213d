//! Bounds on what one upstream may hold of the gateway: requests under way, requests that wait, and none at all for a
//! while after too many have failed. What all cores share is touched seldom: places are taken by the handful, failures
//! are counted by each core, and only the verdict is written down for all.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use super::causes::Causes;
use super::failure::Kind;

/// How much an upstream may hold, on all cores together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BreakerConfig {
    /// Requests that wait for a place at an endpoint; one more is refused.
    pub pending: u32,
    /// Requests under way; one more is refused.
    pub requests: u32,
    /// After how many errors in a hundred tries nobody is asked for a while; never when absent.
    pub errors: Option<u32>,
    /// The time that is looked at.
    pub over: Duration,
    /// For how long nobody is asked, until one request is let through to see.
    pub lasts: Duration,
    /// Fewer tries than this say nothing, on one core.
    pub least: u32,
    /// What is an error.
    pub on: Causes,
}

impl Default for BreakerConfig {
    fn default() -> BreakerConfig {
        BreakerConfig {
            pending: 1024,
            requests: 16_384,
            errors: None,
            over: Duration::from_secs(30),
            lasts: Duration::from_secs(10),
            least: 10,
            on: Causes::trouble(),
        }
    }
}

/// One upstream's breaker, as all cores share it. It survives changes of the configuration, as the requests do.
#[derive(Debug)]
pub(super) struct Breaker {
    known: Instant,
    taken: AtomicU32,
    waiting: AtomicU32,
    /// Until when nobody is asked, in milliseconds since `known`; 0 while everybody is.
    until: AtomicU64,
    /// Whether a request is out to see whether that may end.
    probing: AtomicBool,
    /// How often it has closed again: what was counted before says nothing any more.
    closings: AtomicU32,
}

/// A breaker as one core uses it.
pub(super) struct Share {
    breaker: Arc<Breaker>,
    /// Places that this core has taken and does not use now.
    spare: Cell<u32>,
    window: RefCell<Window>,
}

/// The right to have one request under way with the upstream.
pub(super) struct Permit {
    share: Rc<Share>,
    most: u32,
}

/// A request in the queue; leaves it also when it is given up.
pub(super) struct Waiting<'a>(&'a Breaker);

/// The request that is let through to see. If nothing comes of it, another one may be.
pub(super) struct Probe<'a>(&'a Breaker);

/// Parts of the time that is looked at.
const SLOTS: u64 = 10;

/// Tries and errors of the last while, in slots of a tenth of it.
#[derive(Default, Debug)]
struct Window {
    closings: u32,
    at: u64,
    slots: [(u32, u32); SLOTS as usize],
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker {
            known: Instant::now(),
            taken: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            until: AtomicU64::new(0),
            probing: AtomicBool::new(false),
            closings: AtomicU32::new(0),
        }
    }
}

impl Breaker {
    /// Whether it is open: nobody is asked, but for one who sees.
    pub(super) fn is_open(&self) -> bool {
        self.until.load(Relaxed) != 0
    }

    /// How many requests wait.
    pub(super) fn n_waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }

    /// A place in the queue, if there is one.
    pub(super) fn wait(&self, most: u32) -> Result<Waiting<'_>, Kind> {
        let before = self.waiting.fetch_add(1, Relaxed);
        let waiting = Waiting(self);
        if before < most { Ok(waiting) } else { Err(Kind::Pending) }
    }

    /// Whether a request may be sent. Costs one look at a number while all is well.
    pub(super) fn pass(&self, now: Instant) -> Result<Option<Probe<'_>>, Kind> {
        let until = self.until.load(Relaxed);
        if until == 0 {
            return Ok(None);
        }
        match until.checked_sub(self.ms(now)) {
            Some(left) if left > 0 => Err(Kind::Open(Duration::from_millis(left))),
            _ if self.probing.swap(true, Relaxed) => Err(Kind::Open(Duration::ZERO)),
            _ => Ok(Some(Probe(self))),
        }
    }

    fn ms(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.known))
    }

    fn open(&self, lasts: Duration, now: Instant) {
        self.until.store(self.ms(now).saturating_add(millis(lasts)).max(1), Relaxed);
    }
}

impl Permit {
    /// The breaker that it is of.
    pub(super) fn breaker(&self) -> &Breaker {
        &self.share.breaker
    }
}

impl Share {
    /// This core's share of `breaker`.
    pub(super) fn of(breaker: &Arc<Breaker>) -> Rc<Share> {
        let (breaker, spare) = (breaker.clone(), Cell::new(0));
        Rc::new(Share { breaker, spare, window: RefCell::default() })
    }

    /// What all cores share of it.
    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// The right to have one more request under way, of so many.
    pub(super) fn take(self: &Rc<Share>, most: u32) -> Result<Permit, Kind> {
        let permit = || Permit { share: self.clone(), most };
        if let Some(spare) = self.spare.get().checked_sub(1) {
            self.spare.set(spare);
            return Ok(permit());
        }
        let handful = handful(most);
        let before = self.breaker.taken.fetch_add(handful, Relaxed);
        if before.saturating_add(handful) <= most {
            self.spare.set(handful - 1);
            return Ok(permit());
        }
        let keeps = u32::from(before < most);
        self.breaker.taken.fetch_sub(handful - keeps, Relaxed);
        if keeps == 1 { Ok(permit()) } else { Err(Kind::Requests) }
    }

    fn give(&self, most: u32) {
        let (spare, handful) = (self.spare.get() + 1, handful(most));
        let keeps = if handful == 1 { 0 } else { handful };
        let back = if spare > 2 * keeps { spare - keeps } else { 0 };
        if back > 0 {
            self.breaker.taken.fetch_sub(back, Relaxed);
        }
        self.spare.set(spare - back);
    }

    /// Takes in what came of a try. Says whether it opened the breaker.
    pub(super) fn settle(
        &self,
        config: &BreakerConfig,
        probe: Option<Probe<'_>>,
        is_error: bool,
        now: Instant,
    ) -> bool {
        let (Some(share), breaker) = (config.errors, &self.breaker) else { return false };
        if probe.is_some() {
            if is_error {
                breaker.open(config.lasts, now);
            } else {
                breaker.closings.fetch_add(1, Relaxed);
                breaker.until.store(0, Relaxed);
            }
            return is_error;
        }
        if breaker.is_open() {
            return false;
        }
        let (tries, errors) = self.window.borrow_mut().count(breaker, config.over, is_error, now);
        let opens = is_error
            && tries >= config.least
            && u64::from(errors) * 100 >= u64::from(tries) * u64::from(share);
        if opens {
            breaker.open(config.lasts, now);
        }
        opens
    }
}

impl Window {
    /// Counts a try, and says how many there were lately and how many of them were errors.
    fn count(
        &mut self,
        breaker: &Breaker,
        over: Duration,
        is_error: bool,
        now: Instant,
    ) -> (u32, u32) {
        let at = breaker.ms(now) / (millis(over) / SLOTS).max(1);
        let closings = breaker.closings.load(Relaxed);
        let passed = if closings == self.closings { at.saturating_sub(self.at) } else { SLOTS };
        for slot in 0..passed.min(SLOTS) {
            if let Some(slot) = self.slots.get_mut(((at + SLOTS - slot) % SLOTS) as usize) {
                *slot = (0, 0);
            }
        }
        (self.at, self.closings) = (at, closings);
        if let Some((tries, errors)) = self.slots.get_mut((at % SLOTS) as usize) {
            *tries = tries.saturating_add(1);
            *errors = errors.saturating_add(u32::from(is_error));
        }
        self.slots.iter().fold((0, 0), |(tries, errors), slot| {
            (tries.saturating_add(slot.0), errors.saturating_add(slot.1))
        })
    }
}

/// So many places are taken from what all cores share at a time: one, where there are few.
fn handful(most: u32) -> u32 {
    (most / 256).clamp(1, 32)
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.share.give(self.most);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.breaker.taken.fetch_sub(self.spare.get(), Relaxed);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.0.probing.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn places_are_bounded_over_all_cores() {
        for most in [1, 7, 300, 4096] {
            let breaker = Arc::new(Breaker::default());
            let cores = [Share::of(&breaker), Share::of(&breaker)];
            let mut permits = Vec::new();
            // Spare places of the other core are out of reach, a handful at most.
            while let Ok(permit) = cores[permits.len() % 2].take(most) {
                permits.push(permit);
            }
            let n_permits = permits.len() as u32;
            assert!(n_permits <= most && n_permits > most - handful(most), "{n_permits} of {most}");
            assert!(matches!(cores[n_permits as usize % 2].take(most), Err(Kind::Requests)));
            permits.pop();
            assert!(cores.iter().any(|core| core.take(most).is_ok()));
            drop(permits);
            let kept: u32 = cores.iter().map(|core| core.spare.get()).sum();
            assert_eq!(breaker.taken.load(Relaxed), kept);
            drop(cores);
            assert_eq!(breaker.taken.load(Relaxed), 0);
        }
    }

    #[test]
    fn the_queue_is_bounded() {
        let breaker = Breaker::default();
        let first = breaker.wait(1);
        assert!(first.is_ok() && matches!(breaker.wait(1), Err(Kind::Pending)));
        drop(first);
        assert!(breaker.wait(1).is_ok());
        assert_eq!(breaker.waiting.load(Relaxed), 0);
    }

    #[test]
    fn too_many_errors_open_it_and_one_good_answer_closes_it() {
        let breaker = Arc::new(Breaker::default());
        let (share, other) = (Share::of(&breaker), Share::of(&breaker));
        let config = BreakerConfig { errors: Some(60), ..BreakerConfig::default() };
        let now = breaker.known + seconds(100);
        let tell = |error, at| share.settle(&config, None, error, now + seconds(at));
        for at in 0..4 {
            assert!(!tell(false, at));
        }
        for at in 4..9 {
            assert!(!tell(true, at), "fewer than ten");
        }
        assert!(tell(true, 9), "six of ten");
        assert!(!other.settle(&config, None, true, now + seconds(9)), "it is open for all");
        let refused = breaker.pass(now + seconds(15)).err();
        assert!(matches!(refused, Some(Kind::Open(left)) if left == seconds(4)));

        let again = now + seconds(19);
        let probe = breaker.pass(again).ok().unwrap();
        assert!(probe.is_some() && breaker.pass(again).is_err());
        drop(probe);
        let probe = breaker.pass(again).ok().unwrap();
        assert!(share.settle(&config, probe, true, again), "it was too early");
        let again = again + seconds(10);
        let probe = breaker.pass(again).ok().unwrap();
        assert!(!share.settle(&config, probe, false, again));
        assert!(breaker.pass(again).is_ok_and(|probe| probe.is_none()));
        assert!(!tell(true, 29), "what was counted before is forgotten");
    }

    #[test]
    fn what_is_old_says_nothing() {
        let breaker = Arc::new(Breaker::default());
        let share = Share::of(&breaker);
        let config = BreakerConfig { errors: Some(60), ..BreakerConfig::default() };
        assert!(!share.settle(&config, None, false, breaker.known));
        let now = breaker.known + seconds(100);
        for _ in 0..9 {
            assert!(!share.settle(&config, None, true, now));
        }
        assert!(!share.settle(&config, None, true, now + seconds(31)));
        for _ in 0..8 {
            assert!(!share.settle(&config, None, true, now + seconds(55)));
        }
        assert!(share.settle(&config, None, true, now + seconds(58)));
    }
}
