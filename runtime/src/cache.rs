//! A shared cache of upstreams' answers (RFC 9111), in memory: a policy says which answers are kept, for how long, and
//! what tells requests apart. What is kept is what the upstream said; the statements of the route run on it each time.
//!
//! Here is the way of one request: found, waited for, or fetched. What may be kept stands in `rules`, where it is kept in
//! `store`. Nobody gets what another was answered for who he is: see [`Rule::applies`].

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use compiler::caching::{Answers, NO_STORE, OWN_TERMS};
use tokio::time::{Instant, timeout};

use crate::auth::Identity;
use crate::body::{Body, BodyError};
use crate::exchange::Exchange;
use crate::message::{Headers, Method, Request, Response};
use crate::pipeline::{Got, Sending};
use crate::upstream;

mod gather;
mod key;
mod rules;
mod store;
mod validate;

#[cfg(test)]
mod tests;

pub(crate) use key::Part;
pub(crate) use store::Store;

use gather::{Gathered, begun, gather};
use key::Key;
use store::{Found, Join, Lead, Stored};

/// What a policy says of the answers to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Rule {
    /// For how long they answer others.
    pub(crate) fresh: Duration,
    /// For how long after that they still do, while a new one is fetched or where none can be had.
    pub(crate) stale: Duration,
    /// Answers with more content are not kept.
    pub(crate) largest: usize,
    /// Whether everybody gets the same answer.
    pub(crate) public: bool,
    /// Who gets answers of the cache: nobody where the route reads who asks and the key does not say so.
    pub(crate) answers: Option<Answers>,
    /// Header fields that the policy itself sends: where it gives no key they tell requests apart.
    pub(crate) sent: Vec<Arc<str>>,
}

/// What the plan of one request says.
#[derive(Clone, Debug)]
pub(crate) struct Caching {
    pub(crate) rule: Arc<Rule>,
    pub(crate) store: Arc<Store>,
    /// The route, and what the policy adds to the key.
    pub(crate) parts: Vec<Part>,
}

/// How a request fared with the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// A kept answer is still fresh.
    Hit,
    /// A kept answer is not, and answers all the same.
    Stale,
    /// There was none.
    Miss,
    /// There was none, and somebody else was fetching it.
    Collapsed,
    /// The request is not one for the cache.
    Bypass,
}

/// Why there is no answer.
pub(crate) enum Lost {
    /// The upstream gave none.
    Upstream(Box<upstream::Failure>),
    /// Its content broke before any of it was passed on.
    Content(BodyError),
}

/// How long a follower waits at most for the one before it, where all tries of its own may take `total`.
pub(crate) fn longest_wait(total: Duration) -> Duration {
    Duration::from_secs(30).min(total)
}

impl Use {
    /// Each, with its word for metrics.
    pub(crate) const ALL: [(Use, &'static str); 5] = [
        (Use::Hit, "hit"),
        (Use::Stale, "stale"),
        (Use::Miss, "miss"),
        (Use::Collapsed, "collapsed"),
        (Use::Bypass, "bypass"),
    ];
}

impl Rule {
    /// Whether the request is one for the cache if it has no content. The others are those with conditions of their own,
    /// and those that say who asks in a way for which neither the key nor the policy answers.
    fn applies(&self, ex: &Exchange) -> bool {
        let headers = &ex.request.headers;
        let is_read = matches!(ex.request.method, Method::Get | Method::Head);
        is_read
            && !OWN_TERMS.iter().any(|name| headers.contains(name))
            && !headers.lists("cache-control", NO_STORE)
            && self.answers.as_ref().is_some_and(|of| !of.past().any(|name| says_who(ex, name)))
    }
}

/// Whether a request says in this header field who asks. Who is only made up to be known, as in a test, says it in each
/// field in which the auth looks for its token.
fn says_who(ex: &Exchange, name: &str) -> bool {
    let is_carrier = |known: &Identity| {
        let mut auths = ex.decider.auths.iter();
        auths.any(|auth| *auth.name() == known.auth && auth.is_carried_by(name))
    };
    ex.request.headers.contains(name) || ex.connection.identities.iter().any(is_carrier)
}

/// The answer to a request, from the cache where it has one.
pub(crate) async fn answer(
    ex: &Exchange,
    caching: Caching,
    sending: Sending,
    content: Body,
) -> Result<(Got, Use), Lost> {
    let Caching { rule, store, parts } = caching;
    let applies = rule.applies(ex);
    // What proofs say of a request without content is true of one that could have had some, too.
    let content = if applies { begun(content).await.map_err(Lost::Content)? } else { content };
    if !applies || !content.is_empty() {
        let mut got = sending.fetch(content, ex.upgrade.as_ref()).await.map_err(Lost::Upstream)?;
        tell(&mut got.response, "fwd=bypass");
        return Ok((got, Use::Bypass));
    }
    let key = Key::of(&sending.request, &parts, &rule.sent);
    let fetching = Fetching { rule, store, key, sending: Rc::new(sending) };
    let client = &ex.request;
    let (at, found) = fetching.find();
    let old = match found {
        Found::Fresh(kept) => return Ok((fetching.hit(client, &kept, Use::Hit), Use::Hit)),
        Found::Stale(kept) => {
            if let Join::Lead(lead) = fetching.store.join(&at) {
                let (fetching, old) = (fetching.clone(), Arc::clone(&kept));
                // If it fails, what is kept stays.
                tokio::task::spawn_local(async move {
                    let _ = fetching.ask(Some(&old)).await;
                    drop(lead);
                });
            }
            return Ok((fetching.hit(client, &kept, Use::Stale), Use::Stale));
        }
        Found::Passing => return fetching.miss(client, None, None, Use::Miss).await,
        Found::Missing(old) => old,
    };
    if client.method == Method::Head {
        let got = fetching.sending.fetch(Body::empty(), None).await;
        let mut got = got.map_err(Lost::Upstream)?;
        tell(&mut got.response, "fwd=miss");
        return Ok((got, Use::Miss));
    }
    match fetching.store.join(&at) {
        Join::Lead(lead) => fetching.miss(client, Some(lead), old, Use::Miss).await,
        Join::Follow(leader) => {
            // Only once: whoever finds nothing then asks by itself, so that a failing upstream is not asked in turn.
            let longest = longest_wait(fetching.sending.timeouts.total);
            let _ = timeout(longest, leader.acquire()).await;
            match fetching.find() {
                (_, Found::Fresh(kept)) => {
                    Ok((fetching.hit(client, &kept, Use::Collapsed), Use::Collapsed))
                }
                _ => fetching.miss(client, None, None, Use::Miss).await,
            }
        }
    }
}

/// What fetches an answer and keeps it. Cheap to clone, for who fetches in the background.
#[derive(Clone)]
struct Fetching {
    rule: Arc<Rule>,
    store: Arc<Store>,
    key: Key,
    sending: Rc<Sending>,
}

/// What came of asking the upstream.
enum Came {
    /// This is kept now; who answered, after so many tries.
    Kept(Arc<Stored>, (std::net::SocketAddr, u32)),
    /// This is not kept.
    Passed(Box<Got>),
}

impl Fetching {
    fn find(&self) -> (Key, Found) {
        self.store.find(&self.key, &self.sending.request.headers, &self.rule, Instant::now())
    }

    /// A kept answer as this client gets it.
    fn hit(&self, client: &Request, kept: &Stored, used: Use) -> Got {
        let age = kept.at.elapsed();
        let mut got = self.got(client, kept);
        let seconds = kept.age.saturating_add(age.as_secs());
        // A section that has no room for it goes without.
        let _ = got.response.headers.set("age", seconds.to_string());
        let left = self.rule.fresh.as_secs_f64() - age.as_secs_f64();
        let how = match used {
            Use::Collapsed => "fwd=miss; collapsed".to_owned(),
            // Of what was fresh until now nothing is left: `-0` is no number of seconds.
            _ => format!("hit; ttl={}", left.ceil() + 0.0),
        };
        tell(&mut got.response, &how);
        got
    }

    fn got(&self, client: &Request, kept: &Stored) -> Got {
        let (response, body) = validate::answer(client, kept);
        let reads = self.sending.reads_origin;
        let origin = if reads { kept.response.headers.clone() } else { Headers::new() };
        Got { origin: (kept.response.status, origin), response, body, tunnel: None, from: None }
    }

    /// Asks the upstream for this client.
    async fn miss(
        &self,
        client: &Request,
        lead: Option<Lead>,
        old: Option<Arc<Stored>>,
        used: Use,
    ) -> Result<(Got, Use), Lost> {
        let came = self.ask(old.as_deref()).await?;
        drop(lead);
        let why = if old.is_some() { "fwd=stale" } else { "fwd=miss" };
        let got = match came {
            Came::Kept(kept, from) => {
                let mut got = self.got(client, &kept);
                tell(&mut got.response, &format!("{why}; stored"));
                Got { from: Some(from), ..got }
            }
            Came::Passed(mut got) => {
                tell(&mut got.response, why);
                *got
            }
        };
        Ok((got, used))
    }

    /// Asks the upstream, and keeps the answer if it may.
    async fn ask(&self, old: Option<&Stored>) -> Result<Came, Lost> {
        let mut sending = self.sending.to_get();
        validate::make_unconditional(&mut sending.request, old);
        let got = sending.fetch(Body::empty(), None).await.map_err(Lost::Upstream)?;
        let asked = &self.sending.request.headers;
        if let (304, Some(old), Some(from)) = (got.response.status, old, got.from) {
            let kept = Arc::new(old.confirmed(&got.response, Instant::now()));
            self.store.keep(&self.key, asked, &kept);
            return Ok(Came::Kept(kept, from));
        }
        let largest = self.store.largest(self.rule.largest);
        let is_short = got.body.content_length().is_none_or(|length| length <= largest as u64);
        let may = rules::may_keep(&got.response, &self.rule);
        let Some(from) = got.from.filter(|_| may && is_short) else {
            // A failure says nothing about the next answer.
            if got.response.status < 500 {
                self.store.pass(&self.key, Instant::now());
            }
            return Ok(Came::Passed(Box::new(got)));
        };
        let Got { origin, response, body, tunnel, .. } = got;
        match gather(body, largest).await.map_err(Lost::Content)? {
            Gathered::Whole(content) => {
                let kept = Arc::new(Stored::new(response, content, Instant::now()));
                self.store.keep(&self.key, asked, &kept);
                Ok(Came::Kept(kept, from))
            }
            Gathered::Longer(body) => {
                self.store.pass(&self.key, Instant::now());
                let got = Got { origin, response, body, tunnel, from: Some(from) };
                Ok(Came::Passed(Box::new(got)))
            }
        }
    }
}

/// Says in `Cache-Status` (RFC 9211) how it was.
fn tell(response: &mut Response, how: &str) {
    // A section that has no room for it goes without.
    let _ = response.headers.append("cache-status", format!("gw; {how}"));
}
