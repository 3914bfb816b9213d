//! Where a connection keeps its exchange: memory that lasts from one to the next while the connection is busy.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Room for one future, which serves one exchange after the other. It takes memory with the first one.
pub(super) struct Room<F> {
    place: Option<(Pin<Box<F>>, Counted)>,
}

/// What is to be done in a room, and what came of it.
pub(super) struct Desk<T, R> {
    task: Cell<Option<T>>,
    result: Cell<Option<R>>,
}

/// One of the rooms of this core that take memory.
struct Counted;

/// So many rooms of a core are kept for what comes next; a connection beyond them takes memory for each exchange.
const MOST: usize = 128;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

/// Whether this core has so many rooms that one which waits is to be given back at once.
pub(super) fn is_crowded() -> bool {
    TAKEN.get() > MOST
}

impl<F: Future> Room<F> {
    pub(super) fn new() -> Room<F> {
        Room { place: None }
    }

    /// Has `task` done by the future that works at the desk, which is the same at each call and is made by `enter`.
    pub(super) async fn run<T, R>(
        &mut self,
        task: T,
        desk: &Desk<T, R>,
        enter: impl FnOnce() -> F,
    ) -> R {
        desk.task.set(Some(task));
        let (place, _) = self.place.get_or_insert_with(|| (Box::pin(enter()), Counted::new()));
        poll_fn(|cx| desk.poll_result(cx, place.as_mut())).await
    }
}

impl<T, R> Desk<T, R> {
    pub(super) fn new() -> Desk<T, R> {
        Desk { task: Cell::new(None), result: Cell::new(None) }
    }

    /// Does what is put on the desk with `work`, for ever.
    pub(super) async fn work(&self, work: impl AsyncFn(T) -> R) {
        loop {
            let task = poll_fn(|_| self.task.take().map_or(Poll::Pending, Poll::Ready)).await;
            self.result.set(Some(work(task).await));
        }
    }

    fn poll_result(&self, cx: &mut Context<'_>, worker: Pin<&mut impl Future>) -> Poll<R> {
        let _ = worker.poll(cx);
        self.result.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Counted {
    fn new() -> Counted {
        TAKEN.set(TAKEN.get() + 1);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        TAKEN.set(TAKEN.get().saturating_sub(1));
    }
}
