//! Who has something to do: each stream rings a bit, and the connection's task is woken for the
//! first of them. While the task runs, nobody wakes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

const BITS: usize = 64;

/// One bit for each stream.
#[derive(Debug)]
pub(super) struct Bell {
    words: Box<[AtomicU64]>,
    task: AtomicWaker,
}

/// The waker of one stream.
struct Cord {
    bell: Arc<Bell>,
    place: usize,
}

impl Bell {
    /// A bell for so many streams.
    pub(super) fn new(streams: usize) -> Arc<Bell> {
        let words = (0..streams.div_ceil(BITS).max(1)).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Bell { words, task: AtomicWaker::new() })
    }

    /// The waker of the stream at `place`.
    pub(super) fn waker(self: &Arc<Bell>, place: usize) -> Waker {
        Waker::from(Arc::new(Cord { bell: Arc::clone(self), place }))
    }

    /// The task runs: it will look before it rests.
    pub(super) fn hush(&self) {
        self.task.take();
    }

    /// The task is about to rest; false if there is something to do after all.
    pub(super) fn arm(&self, task: &Waker) -> bool {
        self.task.register(task);
        self.words.iter().all(|word| word.load(Ordering::Acquire) == 0)
    }

    /// The number of words that [`Bell::take`] knows.
    pub(super) fn words(&self) -> usize {
        self.words.len()
    }

    /// The places in one word that rang, as bits from `word * 64` on; they are silent again.
    pub(super) fn take(&self, word: usize) -> u64 {
        self.words.get(word).map_or(0, |word| {
            // Reading does not take the cache line from another core, as swapping would.
            if word.load(Ordering::Relaxed) == 0 { 0 } else { word.swap(0, Ordering::AcqRel) }
        })
    }
}

impl Wake for Cord {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(word) = self.bell.words.get(self.place / BITS) {
            word.fetch_or(1 << (self.place % BITS), Ordering::AcqRel);
            self.bell.task.wake();
        }
    }
}
