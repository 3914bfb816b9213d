//! Everything towards upstreams: endpoints, their health, connections to them, and the one verb `ask`.
//! It knows no policy and decides no answer; it is told what to send, and says what came of it.

mod adaptive;
mod breaker;
mod budget;
mod causes;
mod clock;
mod config;
mod connect;
mod counters;
mod discover;
mod document;
mod endpoint;
mod failure;
mod group;
mod health;
mod http1;
mod http2;
mod pool;
mod retry;
mod roster;
mod settings;
mod standing;
mod stub;
mod tls;
mod upload;
mod view;

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

pub use adaptive::AdaptiveConfig;
pub use breaker::BreakerConfig;
pub use causes::{Cause, Causes};
pub use config::{
    AllDown, Endpoints, HealthConfig, Limits, NotAServer, Protocol, Server, Timeouts, TlsConfig,
    UpstreamConfig,
};
pub use counters::Counters;
pub use discover::{Answer as DnsAnswer, Lookup, system as system_resolver};
pub use document::{Fetcher, Url};
pub use endpoint::{Endpoint, EndpointSet, Health, MOST_ENDPOINTS};
pub use failure::{Failure, Fault, Kind, SLUGS};
pub use group::Group;
pub use retry::{Only, RetryConfig};
pub use roster::Roster;
pub use settings::{Algorithm, BLOCK, BUDGETS, DNS, Line, SettingError, Source, Told, read};
pub use standing::EjectConfig;
pub(crate) use stub::{Call, Does, Stubs};
pub use tls::TlsError;

use self::adaptive::Slot;
use self::breaker::{Probe, Share};
use self::budget::Budget;
use self::clock::after;
use self::connect::{Socket, connect};
use self::counters::more;
use self::failure::Lost;
use self::pool::{Hold, Seat};
use self::view::{Openness, View};
use crate::balance::{Key, Pick};
use crate::body::Body;
use crate::clock::now;
use crate::message::{Request, Response};
use crate::upgrade::{Tunnel, Upgrade};

/// An upstream as one core uses it: its own connections, counts and balancer over the endpoints that all share.
pub struct Upstream {
    group: Arc<Group>,
    counters: Rc<Counters>,
    pick: Box<dyn Pick>,
    wire: Wire,
    connector: Option<TlsConnector>,
    view: RefCell<Rc<View>>,
    breaker: Rc<Share>,
    budget: Budget,
}

/// What stands between an upstream and its endpoints.
enum Wire {
    Http1,
    Http2,
    /// Nothing: a test says what they do.
    Stubs(Rc<Stubs>),
}

/// What is known about a request besides the request.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The client's address, as the listener's `trust` says.
    pub client: IpAddr,
    /// What `balance hash` hashes; absent where it is not asked for or evaluates to nothing.
    pub hash_key: Option<&'a [u8]>,
    /// Endpoints that failed this request before. They are used when there is no other.
    pub excluded: &'a [SocketAddr],
    /// What the client offers to switch to; passed on over HTTP/1.1 only.
    pub upgrade: Option<&'a Upgrade>,
    /// Whether the client takes trailers (`TE: trailers`).
    pub takes_trailers: bool,
    /// The time limits: [`UpstreamConfig::timeouts`], or what the route says instead.
    pub timeouts: Timeouts,
}

/// An upstream's answer.
pub struct Answer {
    /// The head. Hop-by-hop fields are still there; never an interim response but 101.
    pub response: Response,
    /// The content. It carries the connection: read to its end, the connection can be used again; dropped before,
    /// it is closed. Its waits are bounded by the time limits of the request.
    pub body: Body,
    /// Who answered.
    pub address: SocketAddr,
    /// When it came.
    pub timings: Timings,
    /// The other end of the connection, with a 101.
    pub tunnel: Option<Box<Tunnel>>,
    /// How many tries there were.
    pub tries: u32,
}

/// When an answer came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timings {
    /// When there was a connection.
    pub connected: Instant,
    /// When the head of the answer was there.
    pub answered: Instant,
    /// Whether the connection had been used before.
    pub reused: bool,
}

impl Upstream {
    /// The upstream of `group` on this core, without connections.
    pub(crate) fn new(group: Arc<Group>) -> Upstream {
        Upstream {
            counters: Rc::default(),
            pick: group.config.balance.build(),
            wire: match group.config.protocol {
                Protocol::Http1 => Wire::Http1,
                Protocol::Http2 => Wire::Http2,
            },
            connector: group.tls.as_ref().map(tls::Client::connector),
            view: RefCell::default(),
            breaker: Share::of(&group.breaker),
            budget: Budget::default(),
            group,
        }
    }

    /// The upstream of `group`, whose endpoints do what a test says.
    fn stubbed(group: Arc<Group>, stubs: Rc<Stubs>) -> Upstream {
        Upstream { wire: Wire::Stubs(stubs), ..Upstream::new(group) }
    }

    /// The upstream of `group` in place of one that had the same name: it counts on, and if only what is above the
    /// connections has changed it takes over those that go to the same places.
    pub(crate) fn succeed(group: Arc<Group>, before: &Upstream) -> Upstream {
        let (now, then) = (&group.config, before.config());
        let same_wire = now.protocol == then.protocol
            && now.tls == then.tls
            && group.tls == before.group.tls
            && now.limits == then.limits;
        let view = same_wire.then(|| before.view().next(group.endpoints(), &now.limits));
        let (counters, breaker) = (before.counters.clone(), before.breaker.clone());
        let view = RefCell::new(Rc::new(view.unwrap_or_default()));
        Upstream { counters, breaker, view, ..Upstream::new(group) }
    }

    /// What it was told.
    pub fn config(&self) -> &UpstreamConfig {
        &self.group.config
    }

    /// What all cores share of it.
    pub fn group(&self) -> &Arc<Group> {
        &self.group
    }

    /// What this core has counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The requests that wait for a place, on all cores together.
    pub fn n_waiting(&self) -> u32 {
        self.breaker.breaker().n_waiting()
    }

    /// How many requests may wait for an answer at a time, on all cores together, if that is found out.
    pub fn adaptive_limit(&self) -> Option<u32> {
        self.group.adaptive.as_ref().map(|adaptive| adaptive.limit())
    }

    /// Whether the breaker is open.
    pub fn is_open(&self) -> bool {
        self.breaker.breaker().is_open()
    }

    /// The connections of this core that are unused now; with HTTP/2, all of its connections.
    pub fn n_idle(&self) -> usize {
        self.view().seats.iter().map(|seat| seat.n_idle() + seat.lanes.count()).sum()
    }

    /// One try: sends `request` to one of the endpoints and waits for the head of the answer.
    ///
    /// The request is sent as it is, but for hop-by-hop fields and framing: host, forwarding fields and the like are
    /// the caller's. Only where it names no host, as HTTP/1.0 may, the endpoint's own is asked for. It is sent once, with one exception: when a connection that had been used before turns out to be
    /// closed, and nothing of the body is lost, and the method is idempotent or nothing was written, then a new
    /// connection is tried. Every wait is bounded by `terms.timeouts`; dropping the future gives the request up.
    pub(crate) async fn send(
        &self,
        request: &Request,
        body: Body,
        terms: &Terms<'_>,
    ) -> Result<Answer, Box<Failure>> {
        more(&self.counters.requests);
        let begun = now();
        let probe = match self.pass(begun) {
            Ok(probe) => probe,
            Err(kind) => return Err(self.failure(unsent(kind, body), None)),
        };
        let Chosen { view, place, hold, slot } = match self.choose(terms, begun).await {
            Ok(chosen) => chosen,
            Err((kind, address)) => return Err(self.failure(unsent(kind, body), address)),
        };
        // Borrowed, not cloned: the count of its users is a thing that all cores would write.
        let Some(endpoint) = view.set.list.get(place) else {
            return Err(self.failure(unsent(Kind::NoEndpoint, body), None));
        };
        let mut named = None;
        if request.target.host().is_empty() {
            let mut request = request.clone();
            // A name that cannot be an authority leaves the request as it is.
            let _ = request.target.set_authority(&endpoint.authority());
            named = Some(Box::new(request));
        }
        let request = named.as_deref().unwrap_or(request);
        let is_here = body.as_full().is_some();
        let until = after(begun, terms.timeouts.total);
        let by = after(now(), terms.timeouts.connect).min(until);
        let attempt = Attempt { upstream: self, endpoint, request, terms, begun, by, until };
        let result = match &self.wire {
            Wire::Http1 => attempt.http1(body, hold).await,
            Wire::Http2 => Box::pin(attempt.http2(body, hold)).await,
            Wire::Stubs(stubs) => Box::pin(attempt.stub(stubs, body, hold)).await,
        };
        let result = result.map_err(|lost| self.failure(lost, Some(endpoint.address)));
        self.judge(endpoint, (probe, slot), &result, terms, is_here);
        result
    }

    /// Whether the breaker lets a request through.
    fn pass(&self, now: Instant) -> Result<Option<Probe<'_>>, Kind> {
        match self.group.config.breaker.errors {
            Some(_) => self.breaker.breaker().pass(now),
            None => Ok(None),
        }
    }

    /// Takes in what came of a try: for the adaptive limit, for the breaker, and for the standing of the endpoint.
    /// `was_here` says that the content did not have to be waited for.
    fn judge(
        &self,
        endpoint: &Endpoint,
        (probe, slot): (Option<Probe<'_>>, Option<Slot<'_>>),
        result: &Result<Answer, Box<Failure>>,
        terms: &Terms<'_>,
        was_here: bool,
    ) {
        let UpstreamConfig { eject, breaker, .. } = &self.group.config;
        if slot.is_none() && eject.is_none() && breaker.errors.is_none() {
            return;
        }
        let (cause, took) = match result {
            Ok(answer) => {
                let Timings { connected, answered, .. } = answer.timings;
                let took = was_here.then(|| answered.saturating_duration_since(connected));
                (Some(Cause::Status(answer.response.status)), took)
            }
            // What was left of the time of other tries says nothing about this endpoint.
            Err(failure) if matches!(failure.kind, Kind::TotalTimeout) => {
                (failure.cause().filter(|_| terms.excluded.is_empty()), None)
            }
            Err(failure) => (failure.cause(), None),
        };
        let Some(cause) = cause else { return };
        let now = now();
        if let Some(slot) = slot {
            match (cause, took) {
                // What is refused at once says nothing about what an answer takes.
                (Cause::Status(..500), Some(took)) => slot.took(took, now),
                (Cause::Timeout, _) => slot.took(terms.timeouts.first_byte, now),
                _ => {}
            }
        }
        if self.breaker.settle(breaker, probe, breaker.on.has(cause), now) {
            more(&self.counters.openings);
            tracing::warn!(upstream = %self.group.config.name, "breaker opened");
        }
        let Some(eject) = eject else { return };
        let is_slow = eject.slower.zip(took).is_some_and(|(slower, took)| took > slower);
        if !is_slow && !eject.on.has(cause) {
            endpoint.standing.good();
        } else if endpoint.standing.bad(eject, now) && self.group.eject(endpoint, eject, now) {
            more(&self.counters.ejections);
        }
    }

    /// Closes connections that were unused for too long, or that their endpoints have closed.
    pub(crate) fn sweep(&self) {
        let keep = self.group.config.timeouts.keep;
        self.view().seats.iter().for_each(|seat| seat.sweep(keep));
    }

    /// An endpoint, and the right to send it one request.
    async fn choose(
        &self,
        terms: &Terms<'_>,
        begun: Instant,
    ) -> Result<Chosen<'_>, (Kind, Option<SocketAddr>)> {
        let until = |length: Duration| after(begun, length.min(terms.timeouts.total));
        let by = until(terms.timeouts.queue);
        if self.view().set.list.is_empty() && !self.group.is_resolved() {
            let resolved = timeout_at(until(terms.timeouts.connect), self.group.resolved());
            Box::pin(resolved).await.map_err(|_| (Kind::Unresolved, None))?;
        }
        let BreakerConfig { requests, pending, .. } = self.group.config.breaker;
        let permit = self.breaker.take(requests).map_err(|kind| (kind, None))?;
        let slot = match &self.group.adaptive {
            None => None,
            Some(adaptive) => {
                let entered = adaptive.enter(&permit, pending, by, || more(&self.counters.waited));
                Some(entered.await.map_err(|kind| (kind, None))?)
            }
        };
        let (view, now) = (self.view(), now());
        let Some(place) = self.place(&view, terms, now) else {
            return Err((self.nobody(&view, now), None));
        };
        let seat = view.seats.get(place).ok_or((Kind::NoEndpoint, None))?;
        match seat.enter(&self.counters, permit, pending, by).await {
            Ok(hold) => Ok(Chosen { view, place, hold, slot }),
            Err(kind) => Err((kind, view.set.list.get(place).map(|endpoint| endpoint.address))),
        }
    }

    /// Why nobody is there to answer.
    fn nobody(&self, view: &View, now: Instant) -> Kind {
        let well = view.set.list.iter().filter(|one| one.weight > 0 && one.is_usable());
        let back = well.filter_map(|one| one.standing.ejected(now)).min();
        match self.group.config.eject {
            Some(_) => back.map_or(Kind::NoEndpoint, Kind::Ejected),
            None => Kind::NoEndpoint,
        }
    }

    /// Who is to answer. Wishes are given up one after the other until there is somebody: not one that could not be
    /// connected to lately or has just come back, not one that failed this request before, and (only if the policy wants
    /// that) not one that fails its health check or is ejected.
    fn place(&self, view: &View, terms: &Terms<'_>, now: Instant) -> Option<usize> {
        let key = Key { client: terms.client, hash: terms.hash_key };
        let eject = self.group.config.eject.as_ref();
        let among = |excluded, open| self.pick.pick(&view.open(excluded, open, eject), &key);
        let health = self.group.config.health.as_ref();
        let any = health.is_some_and(|health| health.all_down == AllDown::Ignore);
        among(terms.excluded, Openness::Fresh(now))
            .or_else(|| among(terms.excluded, Openness::Healthy(now)))
            .or_else(|| among(&[], Openness::Healthy(now)))
            .or_else(|| if any { among(terms.excluded, Openness::Any) } else { None })
            .or_else(|| if any { among(&[], Openness::Any) } else { None })
    }

    /// The endpoints now. Costs one look at a number while they have not changed.
    fn view(&self) -> Rc<View> {
        let mut view = self.view.borrow_mut();
        if view.set.generation != self.group.generation() {
            *view = Rc::new(view.next(self.group.endpoints(), &self.group.config.limits));
        }
        view.clone()
    }

    fn failure(&self, lost: Lost, address: Option<SocketAddr>) -> Box<Failure> {
        let Lost { kind, sent, body } = lost;
        self.counters.failed(&kind);
        Box::new(Failure { kind, address, sent, body, tries: 1 })
    }
}

/// An endpoint by its place in a view, and the right to send it one request.
struct Chosen<'a> {
    view: Rc<View>,
    place: usize,
    hold: Hold,
    /// Held until an answer begins, and not while its content is read: a slow reader is no work for the upstream.
    slot: Option<Slot<'a>>,
}

/// So often an endpoint may turn a stream away before the request fails: with a goodbye that crossed it on the way,
/// and again on connections that were about to end too. The time to connect bounds it as well.
const MOST_REFUSALS: u32 = 16;

/// One request at one endpoint.
struct Attempt<'a> {
    upstream: &'a Upstream,
    endpoint: &'a Endpoint,
    request: &'a Request,
    terms: &'a Terms<'a>,
    begun: Instant,
    /// Until when there must be a connection.
    by: Instant,
    /// Until when all must be over.
    until: Instant,
}

impl Attempt<'_> {
    async fn http1(&self, mut body: Body, hold: Hold) -> Result<Answer, Lost> {
        let seat = hold.seat().clone();
        let again = self.request.method.is_idempotent();
        let mut used = seat.take(again);
        loop {
            let unused = used.as_ref().map(|(_, unused)| *unused);
            let reused = unused.is_some();
            let session = match used.take() {
                Some((session, _)) => session,
                // Seldom: it has no room in every exchange.
                None => match Box::pin(self.connect(&seat, None)).await {
                    Ok(socket) => Box::new(http1::Session::new(socket)),
                    Err(kind) => return Err(unsent(kind, body)),
                },
            };
            let connected = now();
            let Terms { upgrade, takes_trailers, timeouts, .. } = self.terms;
            let exchange = session.exchange(
                self.request,
                body,
                *upgrade,
                *takes_trailers,
                timeouts,
                self.until,
            );
            let lost = match exchange.await {
                Ok(reply) => {
                    if reused {
                        more(&self.upstream.counters.reuses);
                    }
                    let timings = Timings { connected, answered: now(), reused };
                    let (response, body, tunnel) = reply.open(hold, timeouts, self.until);
                    return Ok(Answer {
                        response,
                        body,
                        address: self.endpoint.address,
                        timings,
                        tunnel,
                        tries: 1,
                    });
                }
                Err(lost) => lost,
            };
            let harmless = !lost.sent || again;
            if let (Kind::Reset(_), Some(unused)) = (&lost.kind, unused) {
                seat.saw(unused, false);
            }
            match lost {
                Lost { kind: Kind::Reset(_), body: Some(whole), .. } if reused && harmless => {
                    more(&self.upstream.counters.reopened);
                    seat.forget();
                    body = whole;
                }
                lost => return Err(lost),
            }
        }
    }

    async fn http2(&self, mut body: Body, mut hold: Hold) -> Result<Answer, Lost> {
        let seat = hold.seat().clone();
        let secure = self.upstream.connector.is_some();
        let mut refused = 0;
        loop {
            let stream = seat.lanes.stream(|| self.connect(&seat, Some(b"h2")));
            let (stream, reused) = match timeout_at(self.by, stream).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(kind)) => return Err(unsent(kind, body)),
                Err(_) => return Err(unsent(Kind::ConnectTimeout, body)),
            };
            let connected = now();
            let Terms { timeouts, takes_trailers, .. } = self.terms;
            let ask = http2::Ask {
                request: self.request,
                secure,
                takes_trailers: *takes_trailers,
                timeouts,
                until: self.until,
            };
            let lost = match stream.exchange(&ask, body, hold).await {
                Ok((response, body)) => {
                    if reused {
                        more(&self.upstream.counters.reuses);
                    }
                    let timings = Timings { connected, answered: now(), reused };
                    let address = self.endpoint.address;
                    return Ok(Answer { response, body, address, timings, tunnel: None, tries: 1 });
                }
                Err(lost) => lost,
            };
            match lost {
                (Lost { kind: Kind::Reset(_), sent: false, body: Some(whole) }, back)
                    if refused < MOST_REFUSALS =>
                {
                    more(&self.upstream.counters.reopened);
                    refused += 1;
                    body = whole;
                    hold = back;
                }
                (lost, _) => return Err(lost),
            }
        }
    }

    async fn connect(&self, seat: &Seat, alpn: Option<&[u8]>) -> Result<Socket, Kind> {
        more(&self.upstream.counters.connects);
        let tls = self.upstream.group.tls.as_ref().zip(self.upstream.connector.as_ref());
        let socket = timeout_at(self.by, connect(self.endpoint, tls, alpn)).await;
        let socket = socket.unwrap_or(Err(Kind::ConnectTimeout));
        if !matches!(socket, Err(Kind::Files(_))) {
            seat.tried(socket.is_ok());
        }
        socket
    }
}

fn unsent(kind: Kind, body: Body) -> Lost {
    Lost { kind, sent: false, body: Some(body) }
}

#[cfg(test)]
mod tests;
