//! Time limits of an exchange: until the answer begins, between two pieces of its body, and for all of it.
//! One timer for a connection, made at its first wait and moved seldom: an exchange costs none.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Kind;
use crate::clock;
use crate::serve::Alarm;

/// No time limit of a policy is longer.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Watches over the body of an answer.
pub(super) struct Clock {
    idle: Duration,
    until: Instant,
    heard: Instant,
}

/// Whose move it is while a request is sent. Time runs against the upstream only while it is its move: a client
/// that uploads slowly is the listener's affair.
#[derive(Clone)]
pub(super) struct Turn(Rc<Cell<Option<Instant>>>);

impl Clock {
    /// A clock that allows pauses of `idle` and ends at `until`.
    pub(super) fn new(idle: Duration, until: Instant) -> Clock {
        Clock { idle, until, heard: clock::now() }
    }

    /// Something came.
    pub(super) fn hear(&mut self) {
        self.heard = clock::now();
    }

    /// Ready once time has run out.
    pub(super) fn poll_end(&self, cx: &mut Context<'_>, alarm: &mut Alarm) -> Poll<()> {
        alarm.poll(cx, self.until.min(after(self.heard, self.idle)))
    }
}

impl Turn {
    /// The upstream's move, from now on.
    pub(super) fn new() -> Turn {
        Turn(Rc::new(Cell::new(Some(clock::now()))))
    }

    /// The upstream has got something to work on.
    pub(super) fn upstream(&self) {
        self.0.set(Some(clock::now()));
    }

    /// The client has to send more.
    pub(super) fn client(&self) {
        self.0.set(None);
    }

    fn since(&self) -> Option<Instant> {
        self.0.get()
    }
}

/// The time `length` after `begun`. Longer than a year is as good as a year, and cannot overflow.
pub(super) fn after(begun: Instant, length: Duration) -> Instant {
    begun + length.min(LONGEST)
}

/// Waits for `answer` to begin, for `first_byte` of the upstream's own time and until `until` at the latest.
pub(super) async fn begin<T>(
    answer: impl Future<Output = T>,
    alarm: &mut Alarm,
    turn: &Turn,
    first_byte: Duration,
    until: Instant,
) -> Result<T, Kind> {
    let mut answer = pin!(answer);
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(Ok(answer));
            }
            // While it is the client's move there is no end in sight; look again in a while, because the move
            // may pass in a task which does not wake this one.
            let since = turn.since();
            let end = after(since.unwrap_or_else(clock::now), first_byte);
            if alarm.poll(cx, end.min(until)).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= until {
                return Poll::Ready(Err(Kind::TotalTimeout));
            }
            if since.is_some() && turn.since() == since {
                return Poll::Ready(Err(Kind::FirstByteTimeout));
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_and_the_whole_are_bounded() {
        let begun = Instant::now();
        let (clock, mut alarm) = (Clock::new(seconds(3), begun + seconds(10)), Alarm::new());
        poll_fn(|cx| clock.poll_end(cx, &mut alarm)).await;
        assert_eq!(begun.elapsed().as_secs(), 3);

        let begun = Instant::now();
        let mut clock = Clock::new(seconds(3), begun + seconds(10));
        let mut alarm = Alarm::new();
        loop {
            tokio::select! {
                () = poll_fn(|cx| clock.poll_end(cx, &mut alarm)) => break,
                () = sleep(seconds(2)) => clock.hear(),
            }
        }
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_must_begin_in_time() {
        let begun = Instant::now();
        let end = begin(
            pending::<()>(),
            &mut Alarm::new(),
            &Turn::new(),
            seconds(3),
            begun + seconds(10),
        )
        .await;
        assert!(matches!(end, Err(Kind::FirstByteTimeout)));
        assert_eq!(begun.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_is_not_the_upstream_s_fault() {
        let begun = Instant::now();
        let turn = Turn::new();
        turn.client();
        let upload = async {
            sleep(seconds(8)).await;
            turn.upstream();
            pending::<()>().await;
        };
        let end = begin(upload, &mut Alarm::new(), &turn, seconds(3), begun + seconds(60)).await;
        assert!(matches!(end, Err(Kind::FirstByteTimeout)));
        assert_eq!(begun.elapsed().as_secs(), 11);

        let begun = Instant::now();
        turn.client();
        let end =
            begin(pending::<()>(), &mut Alarm::new(), &turn, seconds(3), begun + seconds(10)).await;
        assert!(matches!(end, Err(Kind::TotalTimeout)));
        assert_eq!(begun.elapsed().as_secs(), 10);
    }
}
