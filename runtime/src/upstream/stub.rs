//! What stands for the endpoints of a test's upstreams: it takes requests and answers as it was told, by the clock of the
//! test. Who is asked, how often and for how long is decided by the same code as for real ones.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::clock::{Clock, after};
use super::failure::{Kind, Lost};
use super::pool::Hold;
use super::{Answer, Attempt, Timings, unsent};
use crate::body::{Body, BodyError, Side, Source};
use crate::clock::now;
use crate::message::{Request, Response};
use crate::serve::Alarm;

/// What the upstreams of one test do, and what they were asked.
#[derive(Default)]
pub(crate) struct Stubs {
    courses: RefCell<HashMap<Arc<str>, Course>>,
    calls: RefCell<Vec<Call>>,
    missing: RefCell<Option<Arc<str>>>,
}

/// What an endpoint does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// Answers.
    Respond(Response, Bytes),
    /// Takes no connection.
    Refuse,
    /// Takes the request, and drops the connection.
    Reset,
    /// Takes its time before that.
    Delay(Duration, Box<Does>),
    /// Answers that, its content in pieces of so many bytes with a pause before each.
    Drip(Box<Does>, Duration, usize),
    /// One after the other, then the last for ever.
    Sequence(Vec<Does>),
}

/// A request that reached an upstream.
#[derive(Debug)]
pub(crate) struct Call {
    /// The upstream's name.
    pub(crate) upstream: Arc<str>,
    /// Its head.
    pub(crate) request: Request,
    /// Its content.
    pub(crate) content: Bytes,
}

struct Course {
    does: Does,
    /// Requests that it has had.
    had: usize,
}

impl Stubs {
    /// From now on this upstream does so.
    pub(crate) fn set(&self, upstream: Arc<str>, does: Does) {
        self.courses.borrow_mut().insert(upstream, Course { does, had: 0 });
    }

    /// The requests since the last time, by their time.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        self.calls.take()
    }

    /// An upstream that was asked and had nothing to do, if there was one since the last time.
    pub(crate) fn take_missing(&self) -> Option<Arc<str>> {
        self.missing.take()
    }

    fn next(&self, upstream: &Arc<str>) -> Option<Does> {
        let mut courses = self.courses.borrow_mut();
        let Some(course) = courses.get_mut(upstream) else {
            *self.missing.borrow_mut() = Some(upstream.clone());
            return None;
        };
        course.had += 1;
        Some(course.does.turn(course.had - 1))
    }
}

impl Does {
    /// What it does with the `n`th request.
    fn turn(&self, n: usize) -> Does {
        match self {
            Does::Sequence(all) => match all.get(n).or(all.last()) {
                Some(does) => does.turn(n),
                None => Does::Refuse,
            },
            Does::Delay(time, then) => Does::Delay(*time, Box::new(then.turn(n))),
            Does::Drip(then, every, bytes) => Does::Drip(Box::new(then.turn(n)), *every, *bytes),
            plain => plain.clone(),
        }
    }

    /// How long it takes to refuse a connection, if that is what it does.
    fn refuses(&self) -> Option<Duration> {
        match self {
            Does::Refuse => Some(Duration::ZERO),
            Does::Delay(time, then) => Some(then.refuses()?.saturating_add(*time)),
            _ => None,
        }
    }
}

impl Attempt<'_> {
    /// The request, at an endpoint that does what the test says.
    pub(super) async fn stub(&self, stubs: &Stubs, body: Body, hold: Hold) -> Result<Answer, Lost> {
        let upstream = &self.upstream.group.config.name;
        let mut does = stubs.next(upstream).unwrap_or(Does::Refuse);
        if let Some(time) = does.refuses() {
            let due = after(self.begun, time);
            sleep_until(due.min(self.by)).await;
            hold.seat().tried(false);
            let refused = || Kind::Connect(io::ErrorKind::ConnectionRefused.into());
            return Err(unsent(if due > self.by { Kind::ConnectTimeout } else { refused() }, body));
        }
        hold.seat().tried(true);
        let connected = now();
        // It is no longer than a test makes it up, and all of it is here.
        let content =
            body.collect(usize::MAX).await.map_err(|error| sent(Kind::RequestBody(error)))?;
        stubs.calls.borrow_mut().push(Call {
            upstream: upstream.clone(),
            request: self.request.clone(),
            content,
        });
        let first_byte = after(Instant::now(), self.terms.timeouts.first_byte);
        let mut drip = None;
        loop {
            match does {
                Does::Delay(time, then) => {
                    let (due, end) = (after(Instant::now(), time), first_byte.min(self.until));
                    sleep_until(due.min(end)).await;
                    if due > end {
                        let is_total = end == self.until && end < first_byte;
                        let kind =
                            if is_total { Kind::TotalTimeout } else { Kind::FirstByteTimeout };
                        return Err(sent(kind));
                    }
                    does = *then;
                }
                Does::Drip(then, every, bytes) => {
                    drip = Some((every, bytes));
                    does = *then;
                }
                Does::Respond(response, content) => {
                    let has_content = response.may_have_content(&self.request.method);
                    let content = if has_content { content } else { Bytes::new() };
                    let body = match drip {
                        None => Body::full(content),
                        Some((every, bytes)) => {
                            let length = content.len() as u64;
                            let clock = Clock::new(self.terms.timeouts.idle, self.until);
                            let due = after(Instant::now(), every);
                            let (alarm, idle) = (Alarm::new(), Alarm::new());
                            let left = Drip { content, every, bytes, due, alarm, clock, idle };
                            Body::source(left, Some(length))
                        }
                    };
                    let timings = Timings { connected, answered: now(), reused: false };
                    let address = self.endpoint.address;
                    return Ok(Answer { response, body, address, timings, tunnel: None, tries: 1 });
                }
                Does::Refuse | Does::Reset | Does::Sequence(_) => {
                    return Err(sent(Kind::Reset(io::ErrorKind::ConnectionReset.into())));
                }
            }
        }
    }
}

fn sent(kind: Kind) -> Lost {
    Lost { kind, sent: true, body: None }
}

/// Content that comes in pieces.
struct Drip {
    content: Bytes,
    every: Duration,
    bytes: usize,
    due: Instant,
    alarm: Alarm,
    clock: Clock,
    idle: Alarm,
}

impl Source for Drip {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.content.is_empty() {
            return Poll::Ready(None);
        }
        if self.clock.poll_end(cx, &mut self.idle).is_ready() {
            return Poll::Ready(Some(Err(BodyError::timeout(Side::Upstream))));
        }
        if self.alarm.poll(cx, self.due).is_pending() {
            return Poll::Pending;
        }
        self.clock.hear();
        self.due = after(Instant::now(), self.every);
        let size = self.bytes.clamp(1, self.content.len());
        Poll::Ready(Some(Ok(self.content.split_to(size))))
    }
}
