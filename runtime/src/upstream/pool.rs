//! One core's connections to one endpoint: those in use are counted, those unused are kept, the last one first.
//! It opens none and sends nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::breaker::Permit;
use super::config::Limits;
use super::counters::{Counters, less, more};
use super::failure::Kind;
use super::http1::Session;
use super::http2::Lanes;
use crate::clock;

/// The first rest of an endpoint.
const REST: Duration = Duration::from_secs(1);

/// A rest is doubled so often, to 16 seconds.
const MOST_RESTS: u32 = 5;

/// One endpoint, as one core uses it. It outlives changes of the endpoint's weight, and the removal of the endpoint
/// for as long as a request is under way there.
pub(super) struct Seat {
    /// Requests under way.
    pub(super) active: Cell<u32>,
    /// Connections of HTTP/2.
    pub(super) lanes: Lanes,
    room: Arc<Semaphore>,
    /// The most recently used one is last: the others get old and are closed.
    idle: RefCell<Vec<Idle>>,
    most_idle: usize,
    rest: Cell<Rest>,
    /// For how long, as far as was seen, the endpoint leaves unused connections open.
    patience: Cell<Duration>,
}

/// How long an endpoint is taken to leave a connection open of which nothing was seen yet: servers that close unused ones
/// wait for some seconds at least.
const PATIENCE: Duration = Duration::from_secs(2);

/// How an endpoint is left alone after connections to it failed: a second, then twice as long each time.
#[derive(Clone, Copy, Default)]
struct Rest {
    until: Option<Instant>,
    failures: u32,
}

struct Idle {
    session: Box<Session>,
    since: Instant,
}

/// The right to have one request under way with an endpoint. Whoever carries the exchange on holds it: the caller
/// of the endpoint, then the answer's body.
pub(super) struct Hold {
    seat: Rc<Seat>,
    counters: Rc<Counters>,
    _room: OwnedSemaphorePermit,
    _permit: Permit,
}

impl Seat {
    pub(super) fn new(limits: &Limits) -> Seat {
        Seat {
            active: Cell::new(0),
            lanes: Lanes::default(),
            room: Arc::new(Semaphore::new(limits.requests.clamp(1, Semaphore::MAX_PERMITS))),
            idle: RefCell::default(),
            most_idle: limits.idle,
            rest: Cell::default(),
            patience: Cell::new(PATIENCE),
        }
    }

    /// Takes a place for whoever has `permit`. If all are taken, waits until `by`, unless `most` requests of the
    /// upstream wait already.
    pub(super) async fn enter(
        self: &Rc<Seat>,
        counters: &Rc<Counters>,
        permit: Permit,
        most: u32,
        by: Instant,
    ) -> Result<Hold, Kind> {
        let room = match self.room.clone().try_acquire_owned() {
            Ok(room) => room,
            Err(_) => {
                let _waiting = permit.breaker().wait(most)?;
                more(&counters.waited);
                let room = Box::pin(timeout_at(by, self.room.clone().acquire_owned())).await;
                // The semaphore is never closed, so a failure to acquire can only mean that time ran out.
                room.ok().and_then(Result::ok).ok_or(Kind::QueueTimeout)?
            }
        };
        self.active.set(self.active.get() + 1);
        more(&counters.active);
        Ok(Hold { seat: self.clone(), counters: counters.clone(), _room: room, _permit: permit })
    }

    /// Whether connections to it failed so recently that others should be tried first.
    pub(super) fn is_resting(&self, now: Instant) -> bool {
        self.rest.get().until.is_some_and(|until| now < until)
    }

    /// Says how the attempt to connect to it went.
    pub(super) fn tried(&self, connected: bool) {
        let failures = if connected { 0 } else { (self.rest.get().failures + 1).min(MOST_RESTS) };
        let until = (failures > 0).then(|| Instant::now() + REST * 2_u32.pow(failures - 1));
        self.rest.set(Rest { until, failures });
    }

    /// An unused connection that is still open, as far as can be seen without waiting, and for how long it was unused.
    ///
    /// What must not be sent twice is lost with a connection that the endpoint closes at the same moment. So it gets only
    /// one that was used long before the endpoint closes those, and of which the system says too that it is open.
    pub(super) fn take(&self, again: bool) -> Option<(Box<Session>, Duration)> {
        loop {
            let mut idle = self.idle.borrow_mut().pop()?;
            let unused = clock::now().saturating_duration_since(idle.since);
            if !self.saw(unused, idle.session.is_quiet()) {
                continue;
            }
            if again || (unused < self.patience.get() / 2 && idle.session.is_open()) {
                return Some((idle.session, unused));
            }
            // The others are older.
            self.idle.borrow_mut().push(idle);
            return None;
        }
    }

    /// Takes in that a connection which was unused for so long is open or closed; gives the same back.
    pub(super) fn saw(&self, unused: Duration, is_open: bool) -> bool {
        let patience = self.patience.get();
        self.patience.set(if is_open { patience.max(unused) } else { patience.min(unused) });
        is_open
    }

    /// Keeps a connection whose exchange is over.
    pub(super) fn keep(&self, session: Box<Session>) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.most_idle {
            idle.push(Idle { session, since: clock::now() });
        }
    }

    /// Closes every unused connection. After one was found closed by a restart, the others probably are too.
    pub(super) fn forget(&self) {
        // Dropped outside of the borrow.
        let _ = self.idle.take();
    }

    /// Closes what the endpoint has closed, and what was unused for `keep`.
    pub(super) fn sweep(&self, keep: Duration) {
        let now = Instant::now();
        self.idle.borrow_mut().retain_mut(|idle| {
            let unused = now.saturating_duration_since(idle.since);
            unused < keep && self.saw(unused, idle.session.is_quiet())
        });
        self.lanes.sweep(now, keep);
    }

    /// How many connections are unused.
    pub(super) fn n_idle(&self) -> usize {
        self.idle.borrow().len()
    }
}

impl Hold {
    /// The endpoint's connections.
    pub(super) fn seat(&self) -> &Rc<Seat> {
        &self.seat
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.seat.active.set(self.seat.active.get().saturating_sub(1));
        less(&self.counters.active);
    }
}

#[cfg(test)]
mod tests {
    use super::super::breaker::Share;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rests_get_longer_and_end_with_a_connection() {
        let seat = Seat::new(&Limits::default());
        for seconds in [1, 2, 4, 8, 16, 16] {
            seat.tried(false);
            let now = Instant::now();
            assert!(seat.is_resting(now + Duration::from_millis(1000 * seconds - 1)));
            assert!(!seat.is_resting(now + Duration::from_secs(seconds)));
        }
        seat.tried(true);
        assert!(!seat.is_resting(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_bounded_and_so_is_the_queue() {
        let seat = Rc::new(Seat::new(&Limits { requests: 1, idle: 1 }));
        let counters = Rc::new(Counters::default());
        let share = Share::of(&Arc::default());
        let by = Instant::now() + Duration::from_secs(2);
        let enter = async || seat.enter(&counters, share.take(9)?, 1, by).await;

        let first = enter().await.ok().unwrap();
        let (second, third) = tokio::join!(enter(), async {
            let third = enter().await;
            drop(first);
            third
        });
        assert!(second.is_ok());
        assert!(matches!(third, Err(Kind::Pending)));
        assert_eq!((seat.active.get(), counters.active.get()), (1, 1));

        assert!(matches!(enter().await, Err(Kind::QueueTimeout)));
        drop(second);
        assert_eq!((seat.active.get(), counters.active.get()), (0, 0));
    }
}
