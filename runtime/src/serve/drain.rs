//! Telling the connections of one core that it is time to finish, or to end at once, and learning
//! when they have. Local to a core: flags and wakers, no lock.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long a connection on which nothing is under way is kept when it is time to finish: a request may be on its way on
/// it, and would be lost with the connection. It is answered, and that closes it.
pub const GRACE: Duration = Duration::from_secs(1);

/// The end that tells. Dropping it tells nothing.
#[derive(Clone, Default)]
pub struct Drainer {
    state: Rc<State>,
}

/// The end that a connection holds, for as long as it lives.
pub struct Drain {
    state: Rc<State>,
    place: usize,
}

#[derive(Default)]
struct State {
    draining: Cell<bool>,
    cut: Cell<bool>,
    // One place for each live connection; `None` inside is a connection that never waited.
    wakers: RefCell<Vec<Option<Waker>>>,
    free: RefCell<Vec<usize>>,
    live: Cell<usize>,
    watchers: RefCell<Vec<Waker>>,
}

impl Drainer {
    /// A drainer without connections.
    pub fn new() -> Drainer {
        Drainer::default()
    }

    /// The end for one more connection.
    pub fn drain(&self) -> Drain {
        let mut wakers = self.state.wakers.borrow_mut();
        let place = self.state.free.borrow_mut().pop().unwrap_or_else(|| {
            wakers.push(None);
            wakers.len() - 1
        });
        self.state.live.set(self.state.live.get() + 1);
        Drain { state: Rc::clone(&self.state), place }
    }

    /// Tells all connections to finish what is in flight and to close.
    pub fn start(&self) {
        self.state.draining.set(true);
        self.wake();
    }

    /// Tells all connections to end at once.
    pub fn cut(&self) {
        self.state.cut.set(true);
        self.state.draining.set(true);
        self.wake();
    }

    fn wake(&self) {
        // Copied, because who is woken may come back at once.
        let woken: Vec<Waker> = self.state.wakers.borrow().iter().flatten().cloned().collect();
        woken.into_iter().for_each(Waker::wake);
    }

    /// The connections that are still open.
    pub fn live(&self) -> usize {
        self.state.live.get()
    }

    /// Waits until no connection is open. The caller bounds this wait.
    pub async fn finished(&self) {
        poll_fn(|cx| {
            if self.live() == 0 {
                return Poll::Ready(());
            }
            let mut watchers = self.state.watchers.borrow_mut();
            if !watchers.iter().any(|waker| waker.will_wake(cx.waker())) {
                watchers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

impl Drain {
    /// A drain that nobody starts, for a connection on its own.
    pub fn never() -> Drain {
        Drainer::new().drain()
    }

    /// Whether it is time to finish.
    pub fn is_started(&self) -> bool {
        self.state.draining.get()
    }

    /// Ready when it is time to finish.
    pub fn poll_started(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_started() {
            return Poll::Ready(());
        }
        self.register(cx);
        Poll::Pending
    }

    /// Ready when it is time to end at once.
    pub fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.cut.get() {
            return Poll::Ready(());
        }
        self.register(cx);
        Poll::Pending
    }

    fn register(&self, cx: &mut Context<'_>) {
        if let Some(place) = self.state.wakers.borrow_mut().get_mut(self.place)
            && !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            *place = Some(cx.waker().clone());
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        if let Some(place) = self.state.wakers.borrow_mut().get_mut(self.place) {
            *place = None;
        }
        self.state.free.borrow_mut().push(self.place);
        self.state.live.set(self.state.live.get().saturating_sub(1));
        if self.state.live.get() == 0 {
            let watchers = std::mem::take(&mut *self.state.watchers.borrow_mut());
            watchers.into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drainer_waits_for_its_connections() {
        let drainer = Drainer::new();
        let (one, two) = (drainer.drain(), drainer.drain());
        drop(two);
        let three = drainer.drain();
        let connection = async {
            poll_fn(|cx| one.poll_started(cx)).await;
            tokio::task::yield_now().await;
            drop((one, three));
        };
        let end = async {
            assert_eq!(drainer.live(), 2);
            tokio::task::yield_now().await;
            drainer.start();
            drainer.finished().await;
        };
        tokio::join!(connection, end);
        assert_eq!(drainer.live(), 0);
    }

    #[tokio::test]
    async fn who_was_told_to_finish_can_be_cut_after_all() {
        let drainer = Drainer::new();
        let drain = drainer.drain();
        let connection = async {
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                drain.poll_cut(cx)
            })
            .await;
            polls
        };
        let end = async {
            tokio::task::yield_now().await;
            drainer.start();
            tokio::task::yield_now().await;
            drainer.cut();
        };
        assert!(tokio::join!(connection, end).0 >= 2);
    }
}
