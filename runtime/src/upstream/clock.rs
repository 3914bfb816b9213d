//! The time limits of an answer's body: a pause between two pieces, and the whole exchange.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Watches over one body. A timer is made at the first wait and moved only when it fires, so that a body which
/// flows costs none.
pub(super) struct Clock {
    idle: Duration,
    until: Instant,
    heard: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    /// A clock that allows pauses of `idle` and ends at `until`.
    pub(super) fn new(idle: Duration, until: Instant) -> Clock {
        Clock { idle, until, heard: Instant::now(), timer: None }
    }

    /// Something came.
    pub(super) fn hear(&mut self) {
        self.heard = Instant::now();
    }

    /// Ready once time has run out.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let end = self.until.min(self.heard + self.idle);
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_and_the_whole_are_bounded() {
        let begun = Instant::now();
        let mut clock = Clock::new(Duration::from_secs(3), begun + Duration::from_secs(10));
        poll_fn(|cx| clock.poll_end(cx)).await;
        assert_eq!(begun.elapsed().as_secs(), 3);

        let begun = Instant::now();
        let mut clock = Clock::new(Duration::from_secs(3), begun + Duration::from_secs(10));
        loop {
            tokio::select! {
                () = poll_fn(|cx| clock.poll_end(cx)) => break,
                () = sleep(Duration::from_secs(2)) => clock.hear(),
            }
        }
        assert_eq!(begun.elapsed().as_secs(), 10);
    }
}
