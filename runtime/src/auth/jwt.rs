//! `jwt`: signed tokens (RFC 7519) that others issue. A token counts if a known key has signed it by an accepted algorithm,
//! it is issued by and meant for whom the policy says, its time has come and is not over, and its claims are of their
//! types. Anything less is no token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use compiler::program::Block;
use lang::{Ty, Value};

use super::from::From;
use super::reason::Reason;
use super::{Making, Verdict};
use crate::blocks::BlockError;
use crate::exchange::Exchange;

mod cache;
mod keys;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod typed;
mod verify;

pub use settings::{FUNCTIONS, ROW};

use keys::Algorithms;
use store::Store;

/// A `jwt` as all cores share it.
#[derive(Debug)]
pub struct Jwt {
    told: Told,
    store: Arc<Store>,
    /// Never the same for two of one process.
    id: u64,
}

/// What it was told: two that were told the same are one.
#[derive(Clone, PartialEq, Debug)]
struct Told {
    name: Arc<str>,
    /// Who may have issued a token; anybody whose key is known, if nobody is named.
    issuers: Vec<String>,
    /// For whom a token may be meant. One that names an audience is refused if none is named here (RFC 7519, section
    /// 4.1.3).
    audiences: Vec<String>,
    /// The algorithms that may be used; those of each key, if none is named.
    accept: Option<Algorithms>,
    /// By how much clocks may differ.
    leeway: Duration,
    /// Where a token is looked for, in order.
    from: Vec<From>,
    /// A record: the types of the claims.
    claims: Ty,
    /// What claims are that are left out.
    defaults: Arc<BTreeMap<Arc<str>, Value>>,
}

impl Jwt {
    /// The auth of a block whose claims have these types; `before`, if that was told the same and has the same keys.
    pub(super) fn build(
        block: &Block,
        claims: Ty,
        making: &Making<'_>,
        before: Option<&Arc<Jwt>>,
    ) -> Result<Arc<Jwt>, Vec<BlockError>> {
        let (told, sources) = settings::read(block, claims, making)?;
        let store = Store::build(&told, sources, making, block.span)?;
        if let Some(before) = before
            && before.told == told
            && before.store.is_told(&store)
        {
            return Ok(Arc::clone(before));
        }
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Jwt { told, store: Arc::new(store), id }))
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.told.name
    }

    pub(super) fn is_carried_by(&self, name: &str) -> bool {
        self.told.from.iter().any(|from| from.is_field(name))
    }

    pub(super) fn tend(&self) {
        self.store.tend();
    }

    pub(super) fn fetches(&self) -> (usize, Duration) {
        self.store.fetches()
    }

    pub(super) async fn wait(&self) {
        self.store.wait().await;
    }

    /// Who asks. `None`: keys are on their way that may tell, unless it waits no more.
    pub(super) fn ask(&self, ex: &Exchange, at_last: bool) -> Option<Verdict> {
        let found = self.told.from.iter().find_map(|from| from.token(ex));
        let Some(token) = found else { return Some(Verdict::Unknown(Reason::Missing)) };
        let now = ex.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let keys = self.store.keys();
        if let Some(claims) = cache::find(self.id, keys.generation, &token, now) {
            return Some(Verdict::Known(claims));
        }
        Some(match verify::verify(&self.told, &token, now, &keys) {
            Ok(verified) => {
                cache::keep(self.id, keys.generation, &token, &verified);
                Verdict::Known(verified.claims)
            }
            Err(Reason::Key) if !at_last && self.store.ask_for_more() => return None,
            Err(Reason::Key) if self.store.is_empty_handed() => Verdict::Unknown(Reason::NoKeys),
            Err(reason) => Verdict::Unknown(reason),
        })
    }
}
