//! A request's tries: which failures are worth another one, at which endpoint, after which wait, and within which bounds.
//! It sends nothing itself; what a single try is stands in `send`.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::causes::{Cause, Causes};
use super::clock::after;
use super::config::{Protocol, Timeouts};
use super::counters::more;
use super::failure::Failure;
use super::view::Openness;
use super::{Answer, Terms, Upstream};
use crate::balance::Seats;
use crate::body::{Body, Tape};
use crate::clock;
use crate::message::Request;

/// When a request is sent again.
#[derive(Clone, PartialEq, Debug)]
pub struct RetryConfig {
    /// How often at most.
    pub retries: u32,
    /// After what.
    pub on: Causes,
    /// Which requests, of those that an endpoint may have seen.
    pub only: Only,
    /// How many of a hundred requests may be sent again, of those that an endpoint may have seen.
    pub budget: u32,
    /// The shortest and the longest wait before it.
    pub backoff: (Duration, Duration),
}

impl Default for RetryConfig {
    fn default() -> RetryConfig {
        RetryConfig {
            retries: 2,
            on: Causes::lost(),
            only: Only::Idempotent,
            budget: 20,
            backoff: (Duration::from_millis(25), Duration::from_millis(250)),
        }
    }
}

/// Which requests may reach an endpoint twice.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Only {
    /// Those of which that means no more than once (RFC 9110, section 9.2.2).
    #[default]
    Idempotent,
    /// Every one.
    Any,
}

/// A content of unknown length, or one that streams, is kept for another try up to this length.
const MOST_KEPT: usize = 64 * 1024;

impl RetryConfig {
    /// The longest wait before the `n`th try, counted from 1: before the first there is none.
    pub(crate) fn longest_wait(&self, n: u32) -> Duration {
        let (least, most) = self.backoff;
        match n.checked_sub(1) {
            None | Some(0) => Duration::ZERO,
            Some(doublings) => {
                least.saturating_mul(2_u32.saturating_pow(doublings)).min(most).max(least)
            }
        }
    }

    /// The wait before the `n`th try: anywhere between the shortest and the longest, so that those who failed together
    /// do not come back together.
    fn wait(&self, n: u32) -> Duration {
        let least = self.backoff.0;
        let longest = self.longest_wait(n);
        least + longest.saturating_sub(least).mul_f64(fastrand::f64())
    }
}

impl Upstream {
    /// Sends `request` and waits for the head of an answer, as the upstream's `retry` says at one endpoint after the
    /// other. All tries together are bounded by the total time of `terms`; nothing of an answer that is followed by
    /// another try has been passed on. Dropping the future gives the request up.
    pub async fn ask(
        &self,
        request: &Request,
        body: Body,
        terms: &Terms<'_>,
    ) -> Result<Answer, Box<Failure>> {
        let retry = &self.group.config.retry;
        self.budget.earn(retry.budget);
        let until = after(clock::now(), terms.timeouts.total);
        let twice = retry.only == Only::Any || request.method.is_idempotent();
        // Over HTTP/2 an endpoint may vouch for not having touched what it was sent.
        let vouched = self.group.config.protocol == Protocol::Http2 && retry.on.has(Cause::Connect);
        let keeps = retry.retries > 0 && (vouched || twice && retry.on.has_seen());
        let (replay, mut body) = Replay::of(body, keeps);
        let mut failed: Vec<SocketAddr> = Vec::new();
        let mut tries = 0;
        loop {
            tries += 1;
            let total = until.saturating_duration_since(clock::now());
            let timeouts = Timeouts { total, ..terms.timeouts };
            let terms = Terms { excluded: &failed, timeouts, ..*terms };
            let mut outcome = self.send(request, body, &terms).await;
            let (cause, address, back) = match &mut outcome {
                Ok(answer) => {
                    answer.tries = tries;
                    (Some(Cause::Status(answer.response.status)), Some(answer.address), None)
                }
                Err(failure) => {
                    failure.tries = tries;
                    (failure.cause(), failure.address, failure.body.take())
                }
            };
            let (Some(cause), Some(address)) = (cause, address) else { return outcome };
            let is_unseen = cause == Cause::Connect;
            if tries > retry.retries || !retry.on.has(cause) || !(is_unseen || twice) {
                return outcome;
            }
            // What has just opened the breaker is the better answer than that it is open.
            if self.is_open() {
                return outcome;
            }
            let Some(whole) = back.or_else(|| replay.play()) else { return outcome };
            if !failed.contains(&address) {
                failed.push(address);
            }
            // Nobody has more to do because of a connection that was not made, so the next one is asked at once.
            let wait = match is_unseen && self.has_other(&failed) {
                true => Duration::ZERO,
                false => retry.wait(tries + 1),
            };
            if Instant::now() + wait >= until {
                return outcome;
            }
            if !is_unseen && !self.budget.spend(retry.budget) {
                more(&self.counters.unbudgeted);
                return outcome;
            }
            more(&self.counters.retries);
            tracing::debug!(upstream = %self.group.config.name, %address, ?cause, "sent again");
            drop(outcome);
            if !wait.is_zero() {
                Box::pin(sleep(wait)).await;
            }
            body = whole;
        }
    }

    /// Whether there is an endpoint that has not failed this request, and is not known to fail.
    fn has_other(&self, failed: &[SocketAddr]) -> bool {
        let view = self.view();
        let open =
            view.open(failed, Openness::Fresh(Instant::now()), self.group.config.eject.as_ref());
        (0..open.count()).any(|seat| open.weight(seat) > 0 && open.open(seat))
    }
}

/// A request's content, for tries after the first.
enum Replay {
    /// It passes once; whoever has not taken of it gives it back.
    Once,
    /// There is none.
    Empty,
    /// What was read of it is kept.
    Kept(Tape),
}

impl Replay {
    /// What is kept of `body`, if it is worth it, and what is sent first.
    fn of(body: Body, keeps: bool) -> (Replay, Body) {
        if body.is_empty() {
            return (Replay::Empty, body);
        }
        let is_here = body.as_full().is_some();
        let is_long = body.content_length().is_some_and(|length| length > MOST_KEPT as u64);
        if !keeps || (is_long && !is_here) {
            return (Replay::Once, body);
        }
        let tape = Tape::new(body, MOST_KEPT);
        let first = tape.play();
        (Replay::Kept(tape), first)
    }

    /// The whole content once more.
    fn play(&self) -> Option<Body> {
        match self {
            Replay::Once => None,
            Replay::Empty => Some(Body::empty()),
            Replay::Kept(tape) => tape.replayable().then(|| tape.play()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_between_their_bounds() {
        let retry = RetryConfig::default();
        let longest: Vec<u128> = (1..=6).map(|n| retry.longest_wait(n).as_millis()).collect();
        assert_eq!(longest, [0, 50, 100, 200, 250, 250]);
        for n in 2..100 {
            let wait = retry.wait(n);
            assert!((retry.backoff.0..=retry.longest_wait(n)).contains(&wait), "{n}: {wait:?}");
        }
        let none = RetryConfig { backoff: (Duration::ZERO, Duration::ZERO), ..retry };
        assert_eq!(none.wait(9), Duration::ZERO);
    }
}
