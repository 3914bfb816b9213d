//! What answers on a connection: each request takes the engine of the moment and keeps it to its end, and is recorded
//! once, whatever becomes of it. What happens to it in between is the pipeline's.

use std::cell::{OnceCell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use compiler::{ListenerId, RouteId};
use tokio::time::Instant;

use crate::auth::Auth;
use crate::blocks::ListenerConfig;
use crate::clock;
use crate::engine::Engine;
use crate::exchange::{Decides, Exchange};
use crate::failure::{Failure, Whose};
use crate::gateway::{Snapshot, UpstreamSample};
use crate::limits::LimitId;
use crate::listen::Connection;
use crate::message::Version;
use crate::pipeline::{Place, pass};
use crate::serve::{Bite, End, Handler, Incoming, Outgoing, Refusal, Sent};
use crate::telemetry::metrics::{AuthSeries, Limit, LimitSeries};
use crate::telemetry::{Fault, Record, RouteSeries, Telemetry};
use crate::upstream::Roster;
use crate::watch::Watch;

/// What one core keeps while engines come and go.
pub struct Core {
    live: RefCell<Option<Rc<Live>>>,
    /// The engine before, if it had listeners that the one of the moment has not: their last connections are being
    /// drained, and are answered by what they were made for.
    before: RefCell<Option<Rc<Live>>>,
    roster: Rc<Roster>,
    telemetry: Arc<Telemetry>,
    /// What the calendar of a test says, and when its clock said so.
    calendar: Option<(SystemTime, Instant)>,
}

/// An engine as one core uses it.
struct Live {
    engine: Arc<Engine>,
    decider: Decides,
    series: Vec<Series>,
    /// Where auths count, by name.
    auths: Vec<(Arc<str>, Arc<AuthSeries>)>,
    limits: Vec<Arc<LimitSeries>>,
    watch: Option<Rc<dyn Watch>>,
}

/// Where requests of one listener are counted, and what of them is written down.
struct Series {
    listener: Arc<str>,
    logged: Arc<[Arc<str>]>,
    /// By route, looked up for its first request: a core that enters an engine with very many routes answers meanwhile.
    routes: Box<[OnceCell<Arc<RouteSeries>>]>,
    none: Arc<RouteSeries>,
}

/// An engine as one core uses it, for tests of its policy.
pub(crate) struct Imagined(Rc<Live>);

/// What answers the requests of one connection.
pub struct Session {
    core: Rc<Core>,
    connection: Rc<Connection>,
}

/// What is remembered of an exchange until its answer is sent.
pub struct Ticket {
    live: Rc<Live>,
    listener: Option<ListenerId>,
    /// Nothing, for what never became an exchange.
    ex: Option<Box<Exchange>>,
    began: SystemTime,
    status: u16,
    refusal: Option<Box<Refusal>>,
}

impl Snapshot for Engine {
    type Core = Core;
    type Session = Session;

    fn listeners(&self) -> &[ListenerConfig] {
        &self.listeners
    }

    fn tend(&self, telemetry: &Arc<Telemetry>) {
        crate::warm::tend(&self.decider, telemetry);
        self.upstreams.iter().for_each(|destination| destination.group.tend());
        self.decider.auths.iter().for_each(Auth::tend);
    }

    fn settle(&self, telemetry: &Arc<Telemetry>) {
        let program = self.program();
        telemetry.metrics.forget_unused(&|listener| {
            let listener = program.listeners.iter().find(|known| *known.name == *listener);
            let hosts = listener.into_iter().flat_map(|listener| &listener.hosts.list);
            let routes = hosts.flat_map(|host| &host.candidates).map(|candidate| candidate.route);
            routes.filter_map(|route| Some(&*program.route(route)?.name)).collect()
        });
    }

    fn core(telemetry: &Arc<Telemetry>) -> Core {
        let telemetry = Arc::clone(telemetry);
        let (live, before) = (RefCell::default(), RefCell::default());
        Core { live, before, roster: Roster::start(), telemetry, calendar: None }
    }

    fn enter(self: Arc<Engine>, core: &Core) {
        let groups: Vec<_> =
            self.upstreams.iter().map(|destination| destination.group.clone()).collect();
        let next = Rc::new(Live::new(self, &core.telemetry));
        let last = core.live.replace(Some(Rc::clone(&next)));
        *core.before.borrow_mut() = last.filter(|last| !next.has_listeners_of(last));
        core.roster.retain(&groups);
    }

    fn session(core: &Rc<Core>, connection: Connection) -> Session {
        Session { core: Rc::clone(core), connection: Rc::new(connection) }
    }

    fn sample(core: &Core) -> Vec<UpstreamSample> {
        let mut samples = Vec::new();
        core.roster.each(|upstream| {
            let (counters, endpoints) = (upstream.counters(), upstream.group().endpoints());
            samples.push(UpstreamSample {
                name: upstream.config().name.clone(),
                requests: counters.requests.get(),
                active: counters.active.get(),
                connects: counters.connects.get(),
                retries: counters.retries.get(),
                unbudgeted: counters.unbudgeted.get(),
                ejections: counters.ejections.get(),
                openings: counters.openings.get(),
                waited: counters.waited.get(),
                waiting: u64::from(upstream.n_waiting()),
                adaptive_limit: upstream.adaptive_limit().map(u64::from),
                ejected: endpoints.n_ejected() as u64,
                open: u64::from(upstream.is_open()),
                failures: counters.failures().collect(),
                usable: endpoints.n_usable() as u64,
                endpoints: endpoints.list.len() as u64,
            });
        });
        samples
    }
}

impl Imagined {
    /// As one core uses `engine`, while `watch` looks on.
    pub(crate) fn of(engine: Arc<Engine>, telemetry: &Telemetry, watch: Rc<dyn Watch>) -> Imagined {
        Imagined(Rc::new(Live { watch: Some(watch), ..Live::new(engine, telemetry) }))
    }

    /// A core that has served nothing yet, with these upstreams. Its calendar begins at `epoch`, and goes by the clock of
    /// the runtime in whose context this is called.
    pub(crate) fn core(
        &self,
        telemetry: &Arc<Telemetry>,
        roster: Rc<Roster>,
        epoch: SystemTime,
    ) -> Rc<Core> {
        let live = RefCell::new(Some(Rc::clone(&self.0)));
        let telemetry = Arc::clone(telemetry);
        let calendar = Some((epoch, Instant::now()));
        Rc::new(Core { live, before: RefCell::default(), roster, telemetry, calendar })
    }
}

impl Live {
    fn new(engine: Arc<Engine>, telemetry: &Telemetry) -> Live {
        let program = engine.program();
        let series = program.listeners.iter().map(|listener| {
            let config = engine.listeners.iter().find(|config| config.name == listener.name);
            let name: Arc<str> = Arc::from("-");
            Series {
                listener: listener.name.clone(),
                logged: config.map(|config| config.logged.0.clone()).unwrap_or_default(),
                routes: program.routes.iter().map(|_| OnceCell::new()).collect(),
                none: telemetry.metrics.route(&listener.name, &name),
            }
        });
        let series = series.collect();
        let auths = engine.decider.auths.iter();
        let auths = auths.map(|auth| (auth.name().clone(), telemetry.metrics.auth(auth.name())));
        let auths = auths.collect();
        let limits = engine.limits.names().map(|name| telemetry.metrics.limit(name)).collect();
        if let Some(store) = &engine.cache {
            telemetry.metrics.shows(store);
        }
        let decider = Rc::new(Arc::clone(&engine.decider));
        Live { decider, series, limits, auths, watch: None, engine }
    }

    /// Whether it has every listener that `other` has.
    fn has_listeners_of(&self, other: &Live) -> bool {
        let (program, other) = (self.engine.program(), other.engine.program());
        other.listeners.iter().all(|listener| program.listener(&listener.name).is_some())
    }

    /// The header fields that a request's line holds.
    fn logged(&self, listener: Option<ListenerId>) -> &[Arc<str>] {
        let series = listener.and_then(|listener| self.series.get(listener.0 as usize));
        series.map_or(&[], |series| &series.logged)
    }

    /// Where a request is counted; without a route if none answers.
    fn series(
        &self,
        listener: Option<ListenerId>,
        route: Option<RouteId>,
        telemetry: &Telemetry,
    ) -> Option<&RouteSeries> {
        let series = self.series.get(listener?.0 as usize)?;
        let of_route = route.and_then(|route| {
            let place = series.routes.get(route.0 as usize)?;
            let name = &self.engine.program().route(route)?.name;
            Some(place.get_or_init(|| telemetry.metrics.route(&series.listener, name)))
        });
        Some(of_route.unwrap_or(&series.none))
    }
}

impl Handler for Session {
    type Ticket = Option<Ticket>;

    fn handle(&self, incoming: Incoming) -> impl Future<Output = Outgoing<Option<Ticket>>> {
        // Before anything waits, so that what is waited with is small.
        let begun = self.begin(incoming);
        async move {
            let Some((live, mut underway)) = begun else { return nothing_to_serve() };
            let place = Place {
                engine: &live.engine,
                listener: underway.listener,
                roster: &self.core.roster,
            };
            if let Some(ex) = underway.ex.as_deref_mut()
                && let Err(failure) = pass(&place, ex).await
            {
                ex.fail(&failure);
            }
            underway.finish()
        }
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<Option<Ticket>> {
        let Some((live, listener)) = self.live() else { return nothing_to_serve() };
        let failure = Failure::Malformed(refusal.fault);
        let answer = failure.answer();
        let ticket = Ticket {
            live,
            listener,
            ex: None,
            began: clock::calendar(),
            status: failure.status(),
            refusal: Some(Box::new(refusal)),
        };
        Outgoing {
            response: answer.response,
            body: answer.body,
            tunnel: None,
            ticket: Some(ticket),
        }
    }

    fn bit(&self, bite: Bite) {
        self.connection.series.refused(match bite {
            Bite::Idle => Limit::Idle,
            Bite::Streams => Limit::Streams,
            Bite::Unread => Limit::Unread,
            Bite::Linger => Limit::LingerTime,
        });
    }

    fn finished(&self, ticket: Option<Ticket>, sent: Sent) {
        if let Some(ticket) = ticket {
            self.record(&ticket, Some(sent));
        }
    }
}

/// The answer of a core that has no engine yet.
fn nothing_to_serve() -> Outgoing<Option<Ticket>> {
    let answer = Failure::NoRoute.answer();
    Outgoing { response: answer.response, body: answer.body, tunnel: None, ticket: None }
}

impl Session {
    /// An exchange, with the engine that it keeps to its end.
    fn begin(&self, incoming: Incoming) -> Option<(Rc<Live>, Underway<'_>)> {
        let (live, listener) = self.live()?;
        let Incoming { request, body, upgrade } = incoming;
        let (connection, decider) = (Rc::clone(&self.connection), Rc::clone(&live.decider));
        let mut ex = Box::new(Exchange::new(connection, decider, request, body, upgrade));
        ex.watch.clone_from(&live.watch);
        if let Some((epoch, begun)) = self.core.calendar {
            ex.time = epoch + begun.elapsed();
        }
        let underway = Underway { session: self, live: Rc::clone(&live), listener, ex: Some(ex) };
        Some((live, underway))
    }

    /// The engine of the moment, and the connection's listener in it; for one that it has no more, the engine before.
    fn live(&self) -> Option<(Rc<Live>, Option<ListenerId>)> {
        let live = self.core.live.borrow().clone()?;
        if let Some(listener) = self.listener(&live) {
            return Some((live, Some(listener)));
        }
        let before = self.core.before.borrow().clone();
        match before.and_then(|before| Some((self.listener(&before)?, before))) {
            Some((listener, before)) => Some((before, Some(listener))),
            None => Some((live, None)),
        }
    }

    /// The listener of the connection, in this engine.
    fn listener(&self, live: &Live) -> Option<ListenerId> {
        live.engine.program().listener(&self.connection.listener)
    }

    /// Counts an exchange that is over, and writes its line.
    fn record(&self, ticket: &Ticket, sent: Option<Sent>) {
        let ex = ticket.ex.as_deref();
        let route = ex.and_then(|ex| ex.route);
        let listener = ticket.listener;
        let Some(series) = ticket.live.series(listener, route, &self.core.telemetry) else {
            // No engine has the connection's listener: it was removed two reloads ago, and nothing counts for it.
            return;
        };
        let engine = &ticket.live.engine;
        let refused = ticket.refusal.as_deref();
        let request = ex.map(|ex| &ex.request);
        let method = request.map(|request| request.method.as_str()).or_else(|| {
            refused.and_then(|refusal| refusal.method.as_ref()).map(|method| method.as_str())
        });
        let upstream = ex.and_then(|ex| ex.plan.to).and_then(|id| engine.upstream(id));
        let record = Record {
            time: ticket.began,
            listener: &self.connection.listener,
            client: ex.map_or(self.connection.source, Exchange::client),
            protocol: request.map_or(Version::Http11, |request| request.version).as_str(),
            scheme: request.map_or("", |request| request.target.scheme().as_str()),
            method: method.unwrap_or_default(),
            host: request.map_or("", |request| request.target.host()),
            path: request.map_or("", |request| request.target.path()),
            query: request.and_then(|request| request.target.query()).map(str::len),
            logged: request.map(|request| (ticket.live.logged(listener), &request.headers)),
            status: ticket.status,
            received: ex.map_or(0, Exchange::received) + sent.map_or(0, |sent| sent.received),
            sent: sent.map_or(0, |sent| sent.bytes),
            route: route.and_then(|route| engine.plan(route)).map(|plan| &*plan.name),
            upstream: upstream.map(|destination| &*destination.name),
            address: ex.and_then(|ex| ex.address),
            tries: ex.map_or(0, |ex| ex.tries),
            duration: ex
                .map(|ex| clock::now().saturating_duration_since(ex.started))
                .unwrap_or_default(),
            first_byte: ex.and_then(|ex| ex.first_byte),
            left_out: ex.map_or(0, |ex| ex.left_out),
            failure: fault(ex, refused, sent),
            id: ex.map(|ex| ex.id),
        };
        let of_client = record.failure.filter(|failure| failure.whose == Whose::Client.as_str());
        if let Some(limit) = of_client.and_then(|failure| Limit::behind(failure.what)) {
            self.connection.series.refused(limit);
        }
        let of = |id: Option<LimitId>| ticket.live.limits.get(id?.0);
        if let Some(series) = of(ex.and_then(|ex| ex.limited)) {
            series.refused.add(1);
        }
        if let Some(series) = of(ex.and_then(|ex| ex.crowded)) {
            series.crowded.add(1);
        }
        if record.left_out > 0 {
            self.core.telemetry.metrics.left_out(record.left_out);
        }
        if let Some(used) = ex.and_then(|ex| ex.cached) {
            self.core.telemetry.metrics.used(used);
        }
        if let Some(ex) = ex {
            for (name, verdict) in ex.verdicts.borrow().iter() {
                let counted = ticket.live.auths.iter().find(|(auth, _)| auth == name);
                if let Some((_, series)) = counted {
                    series.observe(verdict);
                }
            }
        }
        self.core.telemetry.finish(series, &record);
    }
}

/// What went wrong: with the answer, else with its sending.
fn fault<'r>(
    ex: Option<&'r Exchange>,
    refused: Option<&'r Refusal>,
    sent: Option<Sent>,
) -> Option<Fault<'r>> {
    let of = |what, whose: Whose| Some(Fault { what, whose: whose.as_str() });
    if let Some(refusal) = refused {
        return of(refusal.fault.name(), Whose::Client);
    }
    if let Some((what, whose)) = ex.and_then(|ex| ex.fault) {
        return of(what, whose);
    }
    match sent.map(|sent| sent.end) {
        None | Some(End::ClientClosed) => of("client-closed", Whose::Client),
        Some(End::Complete) => None,
        Some(End::ClientTimeout) => of("client-timeout", Whose::Client),
        Some(End::Body(error)) => of(error.name(), Failure::Content(error).whose()),
        Some(End::WrongLength) => of("wrong-length", Whose::Upstream),
        Some(End::Dropped) => of("dropped", Whose::Gateway),
    }
}

/// An exchange that is not answered yet. Dropped, because the client went away, it is recorded without a status.
struct Underway<'s> {
    session: &'s Session,
    live: Rc<Live>,
    listener: Option<ListenerId>,
    ex: Option<Box<Exchange>>,
}

impl Underway<'_> {
    /// The answer, and what is to be remembered of the exchange.
    fn finish(mut self) -> Outgoing<Option<Ticket>> {
        let mut ex = self.ex.take();
        let answer = ex.as_mut().and_then(|ex| ex.answer.take());
        let answer = answer.unwrap_or_else(|| Failure::Ours("no-answer").answer());
        let ticket = self.ticket(ex, answer.response.status);
        Outgoing {
            response: answer.response,
            body: answer.body,
            tunnel: answer.tunnel,
            ticket: Some(ticket),
        }
    }

    fn ticket(&self, ex: Option<Box<Exchange>>, status: u16) -> Ticket {
        let began = ex.as_ref().map_or_else(clock::calendar, |ex| ex.time);
        let (live, listener) = (Rc::clone(&self.live), self.listener);
        Ticket { live, listener, ex, began, status, refusal: None }
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if let Some(ex) = self.ex.take() {
            let ticket = self.ticket(Some(ex), 0);
            self.session.record(&ticket, None);
        }
    }
}
