//! One timer for a connection, moved lazily: a wait that ends before its limit costs no timer.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Sleep};

/// A timer whose deadline may be different at each poll.
#[derive(Default)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    // Who is woken when it goes off.
    waker: Option<Waker>,
}

impl Alarm {
    /// A timer that is not armed.
    pub(crate) fn new() -> Alarm {
        Alarm::default()
    }

    /// Ready once `deadline` has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = match &mut self.sleep {
            Some(sleep) => sleep,
            empty => empty.insert(Box::pin(tokio::time::sleep_until(deadline))),
        };
        let known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        // A timer that goes off too early is moved then; only one that is too late is moved now.
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        } else if known && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        if !known {
            self.waker = Some(cx.waker().clone());
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
