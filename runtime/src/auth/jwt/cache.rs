//! Tokens that were verified before, on this core: by a keyed hash of the whole token, so that nobody who sends one can
//! choose where it lands. Bounded; a token is dropped when its time is over or the keys have changed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use lang::Value;

use super::verify::Verified;

/// The most tokens of one half; of both, twice as many.
const MOST: usize = 4096;

/// Two hashes of 64 bits, each with a key of this core's own.
type Key = (u64, u64);

struct Entry {
    auth: u64,
    generation: u64,
    until: i64,
    claims: Value,
}

/// Two halves: what is asked for moves to the young one, and the old one is dropped whole when that is full.
#[derive(Default)]
struct Cache {
    hashers: (RandomState, RandomState),
    young: HashMap<Key, Entry>,
    old: HashMap<Key, Entry>,
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// The claims of a token that this auth has verified with these keys, if its time is not over.
pub(super) fn find(auth: u64, generation: u64, token: &str, now: i64) -> Option<Value> {
    CACHE.with_borrow_mut(|cache| cache.find(auth, generation, token, now))
}

/// Keeps a token.
pub(super) fn keep(auth: u64, generation: u64, token: &str, verified: &Verified) {
    CACHE.with_borrow_mut(|cache| {
        let key = cache.key(auth, token);
        let entry =
            Entry { auth, generation, until: verified.until, claims: verified.claims.clone() };
        cache.put(key, entry);
    });
}

impl Cache {
    fn key(&self, auth: u64, token: &str) -> Key {
        (self.hashers.0.hash_one((auth, token)), self.hashers.1.hash_one((auth, token)))
    }

    fn find(&mut self, auth: u64, generation: u64, token: &str, now: i64) -> Option<Value> {
        let key = self.key(auth, token);
        let entry = match self.young.get(&key) {
            Some(entry) => entry,
            None => {
                let entry = self.old.remove(&key)?;
                self.put(key, entry);
                self.young.get(&key)?
            }
        };
        let holds = entry.auth == auth && entry.generation == generation && now < entry.until;
        if holds {
            return Some(entry.claims.clone());
        }
        self.young.remove(&key);
        None
    }

    fn put(&mut self, key: Key, entry: Entry) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(auth: u64, generation: u64, until: i64) -> Entry {
        Entry { auth, generation, until, claims: Value::Int(1) }
    }

    #[test]
    fn a_token_is_dropped_when_its_time_is_over_or_keys_change() {
        let mut cache = Cache::default();
        let key = cache.key(1, "a.b.c");
        cache.put(key, entry(1, 7, 100));
        assert!(cache.find(1, 7, "a.b.c", 99).is_some());
        assert!(cache.find(2, 7, "a.b.c", 99).is_none(), "another auth");
        assert!(cache.find(1, 8, "a.b.c", 99).is_none(), "other keys");
        assert!(cache.young.is_empty());
        cache.put(key, entry(1, 7, 100));
        assert!(cache.find(1, 7, "a.b.c", 100).is_none(), "its time is over");
        assert!(cache.young.is_empty());
    }

    #[test]
    fn it_never_holds_more_than_two_halves() {
        let mut cache = Cache::default();
        let kept = cache.key(1, "kept");
        cache.put(kept, entry(1, 1, 10));
        for n in 0..3 * MOST {
            let key = cache.key(1, &n.to_string());
            cache.put(key, entry(1, 1, 10));
            assert!(cache.find(1, 1, "kept", 0).is_some(), "what is asked for stays");
        }
        assert!(cache.young.len() + cache.old.len() <= 2 * MOST);
    }
}
