//! Where keys are kept: those of files and secrets for good, those of URLs as they are fetched. Fetching is a task beside
//! requests; a set that cannot be fetched or holds nothing leaves the one before in its place.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use lang::{Span, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::keys::{self, Algorithms, Key, KeySet};
use super::settings::{Keys, Source};
use super::{Making, Told};
use crate::auth::Aim;
use crate::blocks::BlockError;
use crate::upstream::{Fetcher, Url};

/// What a source gave: its contents, and the keys in them.
type Given = (Vec<u8>, Vec<Key>);

/// The keys of one `jwt`.
pub(super) struct Store {
    name: Arc<str>,
    accept: Option<Algorithms>,
    remotes: Vec<Remote>,
    /// What files and secrets held when they were read: other contents are other keys.
    material: Vec<Vec<u8>>,
    fixed: Vec<Key>,
    /// What each remote gave last.
    fetched: Mutex<Vec<Option<Given>>>,
    set: ArcSwap<KeySet>,
    /// How many fetches are over, good or bad, for those who wait for one.
    over: watch::Sender<u64>,
    /// Fetches under way.
    underway: AtomicU64,
    tended: AtomicBool,
    born: Instant,
    /// When somebody asked for more keys last, in milliseconds since it was born; 0 for never.
    asked: AtomicU64,
}

struct Remote {
    url: Url,
    refresh: Duration,
    ca: Option<std::path::PathBuf>,
    /// Nothing, where nobody will fetch.
    fetcher: Option<Fetcher>,
    soon: Arc<Notify>,
}

/// No file or answer is larger.
const MOST_BYTES: usize = 256 << 10;

/// A fetch that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request waits no longer for keys.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// Unknown keys have keys fetched no more often.
const SELDOM: Duration = Duration::from_secs(5);

/// Two fetches of one place are at least so far apart.
const SOONEST: Duration = Duration::from_secs(1);

/// Never the same for two sets of one process.
static GENERATION: AtomicU64 = AtomicU64::new(1);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Store {
    /// Reads files and secrets, and fetches nothing.
    pub(super) fn build(
        told: &Told,
        sources: Vec<Keys>,
        making: &Making<'_>,
        span: Span,
    ) -> Result<Store, Vec<BlockError>> {
        let accept = told.accept.clone();
        let (mut errors, mut remotes) = (Vec::new(), Vec::new());
        let (mut material, mut fixed) = (Vec::new(), Vec::new());
        for line in sources {
            match local(&line, making, accept.as_ref()) {
                Ok(Some((bytes, keys))) => {
                    material.push(bytes);
                    fixed.extend(keys);
                }
                Ok(None) => match remote(line, making) {
                    Ok(remote) => remotes.push(remote),
                    Err(error) => errors.push(error),
                },
                Err(error) => errors.push(error),
            }
        }
        if making.aim == Aim::Serve && errors.is_empty() && fixed.is_empty() && remotes.is_empty() {
            let message = format!("auth `{}` has no keys", told.name);
            errors.push(BlockError::new(span, message));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let set = ArcSwap::from_pointee(KeySet { generation: generation(), list: fixed.clone() });
        Ok(Store {
            name: told.name.clone(),
            accept,
            fetched: Mutex::new(vec![None; remotes.len()]),
            remotes,
            material,
            fixed,
            set,
            over: watch::Sender::new(0),
            underway: AtomicU64::new(0),
            tended: AtomicBool::new(false),
            born: Instant::now(),
            asked: AtomicU64::new(0),
        })
    }

    /// Whether another one has its keys from the same places, with the same contents as far as they are read once.
    pub(super) fn is_told(&self, other: &Store) -> bool {
        let same = |(a, b): (&Remote, &Remote)| {
            let fetchers = match (&a.fetcher, &b.fetcher) {
                (Some(a), Some(b)) => a == b,
                (a, b) => a.is_none() && b.is_none(),
            };
            a.url == b.url && a.refresh == b.refresh && a.ca == b.ca && fetchers
        };
        self.material == other.material
            && self.remotes.len() == other.remotes.len()
            && self.remotes.iter().zip(&other.remotes).all(same)
    }

    /// The keys of the moment.
    pub(super) fn keys(&self) -> arc_swap::Guard<Arc<KeySet>> {
        self.set.load()
    }

    /// Whether keys are missing that no fetch has brought yet.
    pub(super) fn is_empty_handed(&self) -> bool {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        fetched.iter().any(Option::is_none)
    }

    /// Has keys fetched, because one is not known. Whether it is worth waiting for.
    pub(super) fn ask_for_more(&self) -> bool {
        if self.remotes.is_empty() || !self.tended.load(Ordering::Relaxed) {
            return false;
        }
        if self.underway.load(Ordering::Acquire) > 0 {
            return true;
        }
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let before = self.asked.load(Ordering::Relaxed);
        let seldom = u64::try_from(SELDOM.as_millis()).unwrap_or(u64::MAX);
        let is_due = before == 0 || now.saturating_sub(before) >= seldom;
        if is_due
            && self
                .asked
                .compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            // Before anybody is woken, so that whoever comes next waits too.
            let n = u64::try_from(self.remotes.len()).unwrap_or(0);
            self.underway.fetch_add(n, Ordering::AcqRel);
            self.remotes.iter().for_each(|remote| remote.soon.notify_one());
            return true;
        }
        self.underway.load(Ordering::Acquire) > 0
    }

    /// How many keys a request may have fetched before it is known who asks, and how long it waits for them at most.
    pub(super) fn fetches(&self) -> (usize, Duration) {
        let wait = if self.remotes.is_empty() { Duration::ZERO } else { LONGEST_WAIT };
        (self.remotes.len(), wait)
    }

    /// Waits until the fetches that are under way are over, for a bounded time.
    pub(super) async fn wait(&self) {
        let mut over = self.over.subscribe();
        let all_over = async {
            while self.underway.load(Ordering::Acquire) > 0 && over.changed().await.is_ok() {}
        };
        // In time or not, what there is then is asked.
        let _ = timeout(LONGEST_WAIT, all_over).await;
    }

    /// Begins to fetch, once, on the runtime in whose context it is called. Its tasks end when the store is gone.
    pub(super) fn tend(self: &Arc<Store>) {
        if self.remotes.is_empty() || self.tended.swap(true, Ordering::Relaxed) {
            return;
        }
        for place in 0..self.remotes.len() {
            // Before the first request can come: it waits for this.
            self.underway.fetch_add(1, Ordering::AcqRel);
            tokio::spawn(follow(Arc::downgrade(self), place));
        }
    }

    /// Takes in what a fetch has brought.
    fn take(&self, place: usize, bytes: Vec<u8>) -> Result<(), String> {
        let keys = keys::of_set(&bytes, self.accept.as_ref())?;
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = fetched.get_mut(place) else { return Ok(()) };
        if known.as_ref().is_some_and(|(known, _)| *known == bytes) {
            return Ok(());
        }
        let (name, n) = (&*self.name, keys.len());
        tracing::info!(auth = name, keys = n, "keys fetched");
        *known = Some((bytes, keys));
        let all = fetched.iter().flatten().flat_map(|(_, keys)| keys);
        let list = self.fixed.iter().chain(all).cloned().collect();
        self.set.store(Arc::new(KeySet { generation: generation(), list }));
        Ok(())
    }
}

fn generation() -> u64 {
    GENERATION.fetch_add(1, Ordering::Relaxed)
}

/// Fetches the keys of one place again and again, and whenever somebody asks, until the store is gone.
async fn follow(store: Weak<Store>, place: usize) {
    let mut failures = 0_u32;
    loop {
        let Some(strong) = store.upgrade() else { return };
        let Some(remote) = strong.remotes.get(place) else { return };
        let Some(fetcher) = remote.fetcher.clone() else { return };
        let (url, refresh, soon) = (remote.url.clone(), remote.refresh, Arc::clone(&remote.soon));
        drop(strong);
        let answer = match timeout(PATIENCE, fetcher.get(&url, MOST_BYTES)).await {
            Ok(answer) => answer,
            Err(_) => Err("no answer in time".to_owned()),
        };
        let Some(strong) = store.upgrade() else { return };
        let wait = match answer.and_then(|bytes| strong.take(place, bytes)) {
            Ok(()) => {
                failures = 0;
                refresh
            }
            Err(reason) => {
                let name = &*strong.name;
                tracing::warn!(auth = name, %url, reason, "keys not fetched");
                failures += 1;
                refresh.min(SOONEST * 2_u32.saturating_pow(failures - 1).min(64))
            }
        };
        let less = |n: u64| n.checked_sub(1);
        // It cannot be zero: whoever has begun this has counted it.
        let _ = strong.underway.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        strong.over.send_modify(|over| *over += 1);
        drop(strong);
        sleep(SOONEST.min(wait)).await;
        let spread = wait.saturating_sub(SOONEST).mul_f64(0.9 + 0.1 * fastrand::f64());
        tokio::select! {
            () = sleep(spread) => {
                let Some(strong) = store.upgrade() else { return };
                strong.underway.fetch_add(1, Ordering::AcqRel);
            }
            () = soon.notified() => {}
        }
    }
}

/// The contents and keys of a file or a secret; nothing for a URL.
fn local(
    line: &Keys,
    making: &Making<'_>,
    accept: Option<&Algorithms>,
) -> Result<Option<Given>, BlockError> {
    let wrong = |what: &str, reason: String| {
        BlockError::new(line.span, format!("{what} gives no keys: {reason}"))
    };
    let file = |path: &str| {
        let path = (making.folder)(line.span.source).join(path);
        let what = format!("`{}`", path.display());
        read(&path).map(|bytes| (bytes, what.clone())).map_err(|reason| wrong(&what, reason))
    };
    let is_there = |path: &str| (making.folder)(line.span.source).join(path).exists();
    let secret = |at: u32| match making.inputs.get(at as usize) {
        Some(Value::String(secret)) => Some(secret.as_bytes().to_vec()),
        _ => None,
    };
    match &line.source {
        Source::Fetched(_) => Ok(None),
        // A rehearsal asks for no token, and opens nothing.
        Source::Set(_) | Source::Pem(_) | Source::Secret(_) if making.aim == Aim::Ask => {
            Ok(Some(Default::default()))
        }
        // Tests say by `as=` who sends a request, and need no keys for that.
        Source::Set(path) | Source::Pem(path) if making.aim == Aim::Try && !is_there(path) => {
            Ok(Some(Default::default()))
        }
        Source::Secret(at) if making.aim == Aim::Try && secret(*at).is_none() => {
            Ok(Some(Default::default()))
        }
        Source::Set(path) => {
            let (bytes, what) = file(path)?;
            let keys = keys::of_set(&bytes, accept).map_err(|reason| wrong(&what, reason))?;
            Ok(Some((bytes, keys)))
        }
        Source::Pem(path) => {
            let (bytes, what) = file(path)?;
            let keys = keys::of_pem(&bytes, accept).map_err(|reason| wrong(&what, reason))?;
            Ok(Some((bytes, keys)))
        }
        Source::Secret(at) => {
            let Some(secret) = secret(*at) else {
                return Err(wrong("the secret", "it has no value".to_owned()));
            };
            let key =
                keys::of_secret(&secret, accept).map_err(|reason| wrong("the secret", reason))?;
            Ok(Some((secret, vec![key])))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let most = MOST_BYTES as u64;
    std::fs::File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    match bytes.len() > MOST_BYTES {
        true => Err("it is larger than 256 KiB".to_owned()),
        false => Ok(bytes),
    }
}

fn remote(line: Keys, making: &Making<'_>) -> Result<Remote, BlockError> {
    let Keys { source, refresh, ca, span } = line;
    let Source::Fetched(url) = source else {
        return Err(BlockError::new(span, "is no source of keys"));
    };
    let fetcher =
        match making.aim {
            Aim::Serve => Some(Fetcher::build(&url, ca.as_deref()).map_err(|error| {
                BlockError::new(span, format!("keys cannot be fetched: {error}"))
            })?),
            Aim::Try | Aim::Ask => None,
        };
    Ok(Remote { url, refresh, ca, fetcher, soon: Arc::default() })
}
