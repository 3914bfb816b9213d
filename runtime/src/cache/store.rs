//! Where answers are kept: so many bytes of them, shared by all cores, the least used ones going first; and who is
//! fetching which, so that one fetch serves all who wait for it. No lock is held while anybody waits.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::key::Key;
use super::{Rule, rules};
use crate::message::{Headers, Response};

/// The cache of an engine.
pub(crate) struct Store {
    memory: u64,
    kept: Cache<Key, Kept, Weight>,
    flights: Vec<Mutex<HashMap<Key, Arc<Semaphore>>>>,
    state: RandomState,
}

/// What is kept under a key.
#[derive(Clone)]
enum Kept {
    /// An answer.
    Answer(Arc<Stored>),
    /// Answers that differ by these fields of the request, each under a key of its own.
    Varies(Arc<[Arc<str>]>),
    /// The last answer was not for others: who asks now does not wait for another.
    Passing(Instant),
}

/// An answer that is kept.
#[derive(Debug)]
pub(super) struct Stored {
    /// When it came.
    pub(super) at: Instant,
    /// Its age by then, in seconds.
    pub(super) age: u64,
    /// Its head, without what concerned the connection.
    pub(super) response: Response,
    /// Its content.
    pub(super) content: Bytes,
}

/// What is found under a key.
pub(super) enum Found {
    /// An answer.
    Fresh(Arc<Stored>),
    /// An answer that may still be given, while a new one is fetched.
    Stale(Arc<Stored>),
    /// What came last was not kept.
    Passing,
    /// Nothing; or an answer that may be given once the upstream confirms it.
    Missing(Option<Arc<Stored>>),
}

/// Who fetches.
pub(super) enum Join {
    /// Whoever asked; until it lets go others wait.
    Lead(Lead),
    /// Somebody else, who is over when this is closed.
    Follow(Arc<Semaphore>),
}

/// The right to fetch for a key.
pub(super) struct Lead {
    store: Arc<Store>,
    key: Key,
    over: Arc<Semaphore>,
}

#[derive(Clone)]
struct Weight;

/// Tables of who fetches: cores seldom meet at one.
const FLIGHTS: usize = 16;

/// Parts of the cache that have a lock each.
const PARTS: usize = 4;

/// What an entry takes beside its text.
const OVERHEAD: usize = 256;

/// What an answer takes on average, as a guess for tables.
const USUAL: u64 = 16 << 10;

impl Store {
    /// A cache of `memory` bytes.
    pub(crate) fn new(memory: u64) -> Store {
        let items = usize::try_from(memory / USUAL).unwrap_or(usize::MAX).max(64);
        let options = OptionsBuilder::new()
            .shards(PARTS)
            .estimated_items_capacity(items)
            .weight_capacity(memory)
            .build();
        let hasher = DefaultHashBuilder::default();
        let kept = match options {
            Ok(options) => Cache::with_options(options, Weight, hasher, Default::default()),
            // INVARIANT: all that options must have is set above.
            Err(_) => Cache::with_weighter(items, memory, Weight),
        };
        let flights = (0..FLIGHTS).map(|_| Mutex::default()).collect();
        Store { memory, kept, flights, state: RandomState::new() }
    }

    /// The bytes that it may take.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    /// The bytes that it takes now.
    pub(crate) fn weight(&self) -> u64 {
        self.kept.weight()
    }

    /// Forgets everything: a test begins anew.
    pub(crate) fn forget(&self) {
        self.kept.clear();
    }

    /// The longest content that is kept, where a policy allows `wanted`.
    pub(super) fn largest(&self, wanted: usize) -> usize {
        let most = usize::try_from(self.memory / 8).unwrap_or(usize::MAX);
        wanted.min(most)
    }

    /// What is kept for a request with these header fields, and under which key it is or would be.
    pub(super) fn find(
        &self,
        key: &Key,
        headers: &Headers,
        rule: &Rule,
        now: Instant,
    ) -> (Key, Found) {
        let (key, kept) = match self.kept.get(key) {
            Some(Kept::Varies(names)) => {
                let key = key.variant(&names, headers);
                let kept = self.kept.get(&key);
                (key, kept)
            }
            kept => (key.clone(), kept),
        };
        let found = match kept {
            Some(Kept::Answer(stored)) => {
                let age = now.saturating_duration_since(stored.at);
                let stale = || rules::may_be_stale(&stored.response.headers);
                if age < rule.fresh {
                    Found::Fresh(stored)
                } else if age < rule.fresh.saturating_add(rule.stale) && stale() {
                    Found::Stale(stored)
                } else {
                    Found::Missing(Some(stored))
                }
            }
            Some(Kept::Passing(since)) if now.saturating_duration_since(since) < rule.fresh => {
                Found::Passing
            }
            _ => Found::Missing(None),
        };
        (key, found)
    }

    /// Keeps an answer to a request with these header fields.
    pub(super) fn keep(&self, key: &Key, headers: &Headers, stored: &Arc<Stored>) {
        let answer = Kept::Answer(stored.clone());
        match rules::varying(&stored.response.headers) {
            Some(names) if names.is_empty() => self.kept.insert(key.clone(), answer),
            Some(names) => {
                let variant = key.variant(&names, headers);
                self.kept.insert(key.clone(), Kept::Varies(names.into()));
                self.kept.insert(variant, answer);
            }
            None => {}
        }
    }

    /// Notes that the answer was not for others.
    pub(super) fn pass(&self, key: &Key, now: Instant) {
        self.kept.insert(key.clone(), Kept::Passing(now));
    }

    /// Fetches, or waits for who does.
    pub(super) fn join(self: &Arc<Store>, key: &Key) -> Join {
        let Some(flights) = self.flights(key) else {
            let over = Arc::new(Semaphore::new(0));
            return Join::Lead(Lead { store: Arc::clone(self), key: key.clone(), over });
        };
        let mut flights = flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(over) = flights.get(key) {
            return Join::Follow(over.clone());
        }
        let over = Arc::new(Semaphore::new(0));
        flights.insert(key.clone(), over.clone());
        Join::Lead(Lead { store: Arc::clone(self), key: key.clone(), over })
    }

    fn flights(&self, key: &Key) -> Option<&Mutex<HashMap<Key, Arc<Semaphore>>>> {
        self.flights.get(self.state.hash_one(key) as usize % FLIGHTS)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if let Some(flights) = self.store.flights(&self.key) {
            flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        }
        self.over.close();
    }
}

impl Stored {
    /// What came at `at`.
    pub(super) fn new(mut response: Response, content: Bytes, at: Instant) -> Stored {
        let age = response.headers.text("age").and_then(|age| age.trim().parse().ok());
        response.headers.remove("age");
        // The upstream may not have said it; who asks with HEAD is to know.
        let _ = response.headers.set("content-length", content.len().to_string());
        Stored { at, age: age.unwrap_or(0), response, content }
    }

    /// The same content, of which the upstream said at `at` that it is still right (RFC 9111, section 4.3.4).
    pub(super) fn confirmed(&self, by: &Response, at: Instant) -> Stored {
        let mut response = self.response.clone();
        for (name, value) in by.headers.iter() {
            let is_of_content = ["content-", "transfer-"].iter().any(|start| {
                name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
            });
            if !is_of_content {
                let _ = response.headers.set(name, value);
            }
        }
        Stored::new(response, self.content.clone(), at)
    }
}

impl Weighter<Key, Kept> for Weight {
    fn weight(&self, key: &Key, kept: &Kept) -> u64 {
        let own = match kept {
            Kept::Answer(stored) => {
                let head = stored.response.headers.raw();
                let head = head.map(|(name, value)| name.len() + value.len() + 16).sum::<usize>();
                stored.content.len() + head
            }
            Kept::Varies(names) => names.iter().map(|name| name.len() + 32).sum(),
            Kept::Passing(_) => 0,
        };
        (own + key.0.len() + OVERHEAD) as u64
    }
}
