//! Everything that is counted, and the page that shows it. Labels take their values from the policy alone (listeners,
//! routes, limits), never from a request: a client cannot make a new series.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use super::record::Record;
use super::shards::{Counter, Shards};
use super::text::Page;
use crate::auth::{REASONS, Verdict};
use crate::cache::{Store, Use};

/// A listener and a route.
type RouteKey = (Arc<str>, Arc<str>);

/// All counters of a gateway.
#[derive(Debug)]
pub struct Metrics {
    cores: usize,
    started: SystemTime,
    routes: Mutex<BTreeMap<RouteKey, Arc<RouteSeries>>>,
    listeners: Mutex<BTreeMap<Arc<str>, Arc<ListenerSeries>>>,
    auths: Mutex<BTreeMap<Arc<str>, Arc<AuthSeries>>>,
    limits: Mutex<BTreeMap<Arc<str>, Arc<LimitSeries>>>,
    cached: [Shards<Counter>; Use::ALL.len()],
    store: Mutex<Weak<Store>>,
    left_out: Shards<Counter>,
    /// Lines of the access log that nobody will read.
    pub log_lines_dropped: Shards<Counter>,
    /// Reloads that went live.
    pub reloads_ok: Counter,
    /// Blocks of residual code that became machine code.
    pub compiled_blocks: Counter,
    /// Reloads that were refused.
    pub reloads_failed: Counter,
    /// Certificates that were replaced while serving.
    pub certificates_reloaded: Counter,
    /// Changed certificate files that were refused.
    pub certificates_failed: Counter,
}

/// What is counted for one route on one listener. The policy's engine holds it, so that a request finds it without
/// a search.
#[derive(Debug)]
pub struct RouteSeries {
    shares: Shards<RouteShare>,
}

#[derive(Debug, Default)]
struct RouteShare {
    /// By first digit; the first place is for clients that left before there was a status.
    statuses: [Counter; 6],
    received: Counter,
    sent: Counter,
    micros: Counter,
    /// One for each of [`BOUNDS`], and what is beyond.
    buckets: [Counter; BOUNDS.len() + 1],
}

/// What is counted for one listener.
#[derive(Debug)]
pub struct ListenerSeries {
    /// Connections taken.
    pub connections: Shards<Counter>,
    /// Connections open now.
    pub active: Shards<Counter>,
    /// Connections on which TLS or the PROXY protocol failed.
    pub handshakes_failed: Shards<Counter>,
    refusals: [Shards<Counter>; Limit::ALL.len()],
}

/// What is counted for one limit of the policy.
#[derive(Debug)]
pub struct LimitSeries {
    /// Requests that were refused.
    pub refused: Shards<Counter>,
    /// Requests whose key found no place and shared a count with others.
    pub crowded: Shards<Counter>,
}

/// What is counted for one auth.
#[derive(Debug)]
pub struct AuthSeries {
    known: Shards<Counter>,
    /// One for each of [`REASONS`].
    unknown: [Shards<Counter>; REASONS.len()],
}

/// A limit at which something was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// `cap connections`.
    Connections,
    /// `cap connections_per_client`.
    ConnectionsPerClient,
    /// The files that the process may have open.
    Files,
    /// `cap handshakes`.
    Handshakes,
    /// `timeout handshake`.
    HandshakeTime,
    /// `cap header`.
    Header,
    /// `cap headers`.
    Headers,
    /// `cap target`.
    Target,
    /// `cap body`.
    Body,
    /// `cap idle`, and `timeout header` before anything came.
    Idle,
    /// `cap streams`.
    Streams,
    /// `timeout header`.
    HeaderTime,
    /// `timeout body`.
    BodyTime,
    /// `timeout send`.
    SendTime,
    /// `cap overhead`.
    Overhead,
    /// `cap unread`.
    Unread,
    /// `timeout linger`.
    LingerTime,
    /// Streams of an HTTP/2 connection that were reset young.
    Resets,
    /// Frames of an HTTP/2 connection that brought nothing.
    Frames,
}

/// Upper bounds of the duration's buckets, in microseconds and as the page writes them, in seconds.
const BOUNDS: [(u64, &str); 14] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
    (60_000_000, "60"),
];

const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Limit {
    const ALL: [(Limit, &'static str); 19] = [
        (Limit::Connections, "connections"),
        (Limit::ConnectionsPerClient, "connections_per_client"),
        (Limit::Files, "files"),
        (Limit::Handshakes, "handshakes"),
        (Limit::HandshakeTime, "handshake_time"),
        (Limit::Header, "header"),
        (Limit::Headers, "headers"),
        (Limit::Target, "target"),
        (Limit::Body, "body"),
        (Limit::Idle, "idle"),
        (Limit::Streams, "streams"),
        (Limit::HeaderTime, "header_time"),
        (Limit::BodyTime, "body_time"),
        (Limit::SendTime, "send_time"),
        (Limit::Overhead, "overhead"),
        (Limit::Unread, "unread"),
        (Limit::LingerTime, "linger_time"),
        (Limit::Resets, "resets"),
        (Limit::Frames, "frames"),
    ];

    /// The limit behind a client's failure of this name, if it is one of a connection's.
    pub fn behind(failure: &str) -> Option<Limit> {
        match failure {
            "timeout" => Some(Limit::BodyTime),
            "head-too-large" => Some(Limit::Header),
            "too-many-fields" => Some(Limit::Headers),
            "target-too-long" => Some(Limit::Target),
            "body-too-large" => Some(Limit::Body),
            "head-timeout" => Some(Limit::HeaderTime),
            "client-timeout" => Some(Limit::SendTime),
            "chunk-overhead" => Some(Limit::Overhead),
            "stream-resets" => Some(Limit::Resets),
            "frame-flood" => Some(Limit::Frames),
            _ => None,
        }
    }
}

impl Metrics {
    pub(super) fn new(cores: usize) -> Metrics {
        Metrics {
            cores: cores.max(1),
            started: SystemTime::now(),
            routes: Mutex::default(),
            listeners: Mutex::default(),
            auths: Mutex::default(),
            limits: Mutex::default(),
            cached: std::array::from_fn(|_| Shards::new(cores)),
            store: Mutex::default(),
            left_out: Shards::new(cores),
            log_lines_dropped: Shards::new(cores),
            reloads_ok: Counter::default(),
            compiled_blocks: Counter::default(),
            reloads_failed: Counter::default(),
            certificates_reloaded: Counter::default(),
            certificates_failed: Counter::default(),
        }
    }

    /// The cores that count here.
    pub fn cores(&self) -> usize {
        self.cores
    }

    /// The series of a route on a listener; the same one for the same names, so that counters survive a reload.
    /// Requests without a route have the name `-`.
    pub fn route(&self, listener: &Arc<str>, route: &Arc<str>) -> Arc<RouteSeries> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let series = || Arc::new(RouteSeries { shares: Shards::new(self.cores) });
        routes.entry((listener.clone(), route.clone())).or_insert_with(series).clone()
    }

    /// The series of a listener; the same one for the same name.
    pub fn listener(&self, name: &str) -> Arc<ListenerSeries> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let series = || Arc::new(ListenerSeries::new(self.cores));
        listeners.entry(name.into()).or_insert_with(series).clone()
    }

    /// The series of a policy's limit; the same one for the same name.
    pub fn limit(&self, name: &str) -> Arc<LimitSeries> {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let count = || Shards::new(self.cores);
        let series = || Arc::new(LimitSeries { refused: count(), crowded: count() });
        limits.entry(name.into()).or_insert_with(series).clone()
    }

    /// Counts how a request fared with the cache.
    pub(crate) fn used(&self, used: Use) {
        let known = Use::ALL.iter().zip(&self.cached).find(|((known, _), _)| *known == used);
        if let Some((_, shards)) = known {
            shards.add(1);
        }
    }

    /// Counts values that answers went without.
    pub(crate) fn left_out(&self, times: u32) {
        self.left_out.add(u64::from(times));
    }

    /// From now on this is the cache of the gateway.
    pub(crate) fn shows(&self, store: &Arc<Store>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(store);
    }

    /// The series of an auth; the same one for the same name.
    pub fn auth(&self, name: &str) -> Arc<AuthSeries> {
        let mut auths = self.auths.lock().unwrap_or_else(PoisonError::into_inner);
        auths.entry(name.into()).or_insert_with(|| Arc::new(AuthSeries::new(self.cores))).clone()
    }

    /// Forgets the series that nobody holds, and of routes those of which `routes` does not know the name on their
    /// listener: a route that was not asked for since the last reload is held by nobody. Called once a reload is over.
    pub fn forget_unused<'r>(&self, routes: &dyn Fn(&str) -> HashSet<&'r str>) {
        let mut of_routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known: Option<(Arc<str>, HashSet<&str>)> = None;
        // By listener, so that each is asked about once.
        of_routes.retain(|(listener, route), series| {
            let known = match &mut known {
                Some(known) if known.0 == *listener => known,
                known => known.insert((listener.clone(), routes(listener))),
            };
            known.1.contains(&**route) || Arc::strong_count(series) > 1
        });
        drop(of_routes);
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|_, series| Arc::strong_count(series) > 1);
        let mut auths = self.auths.lock().unwrap_or_else(PoisonError::into_inner);
        auths.retain(|_, series| Arc::strong_count(series) > 1);
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.retain(|_, series| Arc::strong_count(series) > 1);
    }

    /// Writes every family that is counted here.
    pub fn write(&self, page: &mut Page) {
        let started = self.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        page.single(
            "gw_start_time_seconds",
            "gauge",
            "When the gateway started, in seconds since the epoch.",
            started.as_secs_f64(),
        );
        self.write_routes(page);
        self.write_listeners(page);
        self.write_auths(page);
        self.write_limits(page);
        self.write_cache(page);
        page.family("gw_reloads_total", "counter", "Reloads of the policy, by result.");
        page.sample("gw_reloads_total", &[("result", "ok")], self.reloads_ok.value());
        page.sample("gw_reloads_total", &[("result", "failed")], self.reloads_failed.value());
        page.family("gw_certificate_reloads_total", "counter", "Changed certificates, by result.");
        let certificates = "gw_certificate_reloads_total";
        page.sample(certificates, &[("result", "ok")], self.certificates_reloaded.value());
        page.sample(certificates, &[("result", "failed")], self.certificates_failed.value());
        page.single(
            "gw_compiled_blocks_total",
            "counter",
            "Conditions of routes that became machine code.",
            self.compiled_blocks.value(),
        );
        page.single(
            "gw_answer_values_left_out_total",
            "counter",
            "Values of statements on the way back that the answer could not have.",
            self.left_out.sum(),
        );
        page.single(
            "gw_log_lines_dropped_total",
            "counter",
            "Lines of the access log dropped because their reader was too slow.",
            self.log_lines_dropped.sum(),
        );
    }

    fn write_routes(&self, page: &mut Page) {
        // Only the references are copied under the lock: a slow page must not keep a reload waiting.
        let routes: Vec<_> = self
            .routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|((listener, route), series)| (listener.clone(), route.clone(), series.sum()))
            .filter(|(_, _, sum)| sum.n_requests() > 0)
            .collect();
        page.family("gw_requests_total", "counter", "Requests, by route and class of status.");
        for (listener, route, sum) in &routes {
            for (class, count) in CLASSES.iter().zip(sum.statuses).filter(|(_, count)| *count > 0) {
                let labels = [("listener", &**listener), ("route", &**route), ("status", class)];
                page.sample("gw_requests_total", &labels, count);
            }
        }
        page.family("gw_request_bytes_total", "counter", "Bytes of requests' bodies, by route.");
        for (listener, route, sum) in &routes {
            let labels = [("listener", &**listener), ("route", &**route)];
            page.sample("gw_request_bytes_total", &labels, sum.received);
        }
        page.family("gw_response_bytes_total", "counter", "Bytes of responses' bodies, by route.");
        for (listener, route, sum) in &routes {
            let labels = [("listener", &**listener), ("route", &**route)];
            page.sample("gw_response_bytes_total", &labels, sum.sent);
        }
        page.family(
            "gw_request_duration_seconds",
            "histogram",
            "From a request's first byte to its response's last, by route.",
        );
        for (listener, route, sum) in &routes {
            sum.write_durations(page, listener, route);
        }
    }

    fn write_limits(&self, page: &mut Page) {
        let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let limits: Vec<_> =
            limits.iter().map(|(name, series)| (name.clone(), series.clone())).collect();
        if limits.is_empty() {
            return;
        }
        let refused = "gw_limited_total";
        page.family(refused, "counter", "Requests refused by a limit of the policy, by limit.");
        for (name, series) in &limits {
            page.sample(refused, &[("limit", name)], series.refused.sum());
        }
        let crowded = "gw_limit_crowded_total";
        page.family(crowded, "counter", "Requests whose key had to share a count, by limit.");
        for (name, series) in &limits {
            page.sample(crowded, &[("limit", name)], series.crowded.sum());
        }
    }

    fn write_cache(&self, page: &mut Page) {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let Some(store) = store else { return };
        let requests = "gw_cache_requests_total";
        page.family(requests, "counter", "Requests of routes with a cache, by what came of it.");
        for ((_, result), shards) in Use::ALL.iter().zip(&self.cached) {
            page.sample(requests, &[("result", result)], shards.sum());
        }
        let bytes = "Bytes that kept answers take.";
        page.single("gw_cache_bytes", "gauge", bytes, store.weight());
        let most = "Bytes that kept answers may take.";
        page.single("gw_cache_bytes_limit", "gauge", most, store.memory());
    }

    fn write_auths(&self, page: &mut Page) {
        let auths: Vec<_> = self
            .auths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(name, series)| (name.clone(), series.clone()))
            .collect();
        if auths.is_empty() {
            return;
        }
        let family = "gw_auth_requests_total";
        page.family(family, "counter", "Requests that an auth was asked about, by what it found.");
        for (name, series) in &auths {
            for (result, count) in series.results().filter(|(_, count)| *count > 0) {
                page.sample(family, &[("auth", &**name), ("result", result)], count);
            }
        }
    }

    fn write_listeners(&self, page: &mut Page) {
        let listeners: Vec<_> = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(name, series)| (name.clone(), series.clone()))
            .collect();
        page.family("gw_connections_total", "counter", "Connections taken, by listener.");
        for (name, series) in &listeners {
            page.sample("gw_connections_total", &[("listener", name)], series.connections.sum());
        }
        page.family("gw_connections_active", "gauge", "Connections open now, by listener.");
        for (name, series) in &listeners {
            page.sample("gw_connections_active", &[("listener", name)], series.active.sum());
        }
        let failed = "gw_handshakes_failed_total";
        page.family(failed, "counter", "Connections on which TLS or the PROXY protocol failed.");
        for (name, series) in &listeners {
            page.sample(failed, &[("listener", name)], series.handshakes_failed.sum());
        }
        page.family("gw_refusals_total", "counter", "What was refused at a limit, by limit.");
        for (name, series) in &listeners {
            for (limit, count) in series.refusals() {
                let labels = [("listener", &**name), ("limit", limit)];
                page.sample("gw_refusals_total", &labels, count);
            }
        }
    }
}

impl AuthSeries {
    fn new(cores: usize) -> AuthSeries {
        let unknown = std::array::from_fn(|_| Shards::new(cores));
        AuthSeries { known: Shards::new(cores), unknown }
    }

    /// Counts what was found out about a request.
    pub fn observe(&self, verdict: &Verdict) {
        let shards = match verdict {
            Verdict::Known(_) => Some(&self.known),
            Verdict::Unknown(reason) => self.unknown.get(*reason as usize),
        };
        if let Some(shards) = shards {
            shards.add(1);
        }
    }

    /// What was found out so far, by result.
    pub fn results(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let unknown = REASONS.iter().zip(&self.unknown);
        let unknown = unknown.map(|(reason, shards)| (reason.slug(), shards.sum()));
        std::iter::once(("known", self.known.sum())).chain(unknown)
    }
}

impl ListenerSeries {
    fn new(cores: usize) -> ListenerSeries {
        ListenerSeries {
            connections: Shards::new(cores),
            active: Shards::new(cores),
            handshakes_failed: Shards::new(cores),
            refusals: std::array::from_fn(|_| Shards::new(cores)),
        }
    }

    /// Counts a refusal.
    pub fn refused(&self, limit: Limit) {
        let known = Limit::ALL.iter().zip(&self.refusals).find(|((known, _), _)| *known == limit);
        if let Some((_, shards)) = known {
            shards.add(1);
        }
    }

    /// The refusals so far, by limit.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Limit::ALL.iter().zip(&self.refusals).map(|((_, name), shards)| (*name, shards.sum()))
    }
}

impl RouteSeries {
    /// Counts a finished exchange.
    pub fn observe(&self, record: &Record<'_>) {
        let share = self.shares.here();
        let class = usize::from(record.status / 100);
        if let Some(count) = share.statuses.get(class).or_else(|| share.statuses.first()) {
            count.add(1);
        }
        share.received.add(record.received);
        share.sent.add(record.sent);
        let micros = micros(record.duration);
        share.micros.add(micros);
        let bucket = BOUNDS.partition_point(|(bound, _)| *bound < micros);
        if let Some(count) = share.buckets.get(bucket) {
            count.add(1);
        }
    }

    fn sum(&self) -> RouteSum {
        let mut sum = RouteSum::default();
        for share in self.shares.iter() {
            for (total, count) in sum.statuses.iter_mut().zip(&share.statuses) {
                *total += count.value();
            }
            for (total, count) in sum.buckets.iter_mut().zip(&share.buckets) {
                *total += count.value();
            }
            sum.received += share.received.value();
            sum.sent += share.sent.value();
            sum.micros += share.micros.value();
        }
        sum
    }
}

#[derive(Default)]
struct RouteSum {
    statuses: [u64; 6],
    received: u64,
    sent: u64,
    micros: u64,
    buckets: [u64; BOUNDS.len() + 1],
}

impl RouteSum {
    fn n_requests(&self) -> u64 {
        self.statuses.iter().sum()
    }

    fn write_durations(&self, page: &mut Page, listener: &str, route: &str) {
        let mut below = 0;
        let bounds = BOUNDS.iter().map(|(_, seconds)| *seconds).chain(["+Inf"]);
        for (bound, count) in bounds.zip(self.buckets) {
            below += count;
            let labels = [("listener", listener), ("route", route), ("le", bound)];
            page.sample("gw_request_duration_seconds_bucket", &labels, below);
        }
        let labels = [("listener", listener), ("route", route)];
        let seconds = self.micros as f64 / 1e6;
        page.sample("gw_request_duration_seconds_sum", &labels, seconds);
        // The buckets' own total, so that a page written under traffic agrees with itself.
        page.sample("gw_request_duration_seconds_count", &labels, below);
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(status: u16, millis: u64) -> Record<'static> {
        Record {
            time: SystemTime::UNIX_EPOCH,
            listener: "web",
            client: std::net::Ipv4Addr::LOCALHOST.into(),
            protocol: "HTTP/1.1",
            scheme: "http",
            method: "GET",
            host: "",
            path: "/",
            query: None,
            logged: None,
            status,
            received: 5,
            sent: 7,
            route: None,
            upstream: None,
            address: None,
            tries: 0,
            duration: Duration::from_millis(millis),
            first_byte: None,
            left_out: 0,
            failure: None,
            id: None,
        }
    }

    #[test]
    fn requests_are_counted_by_route_and_class() {
        let metrics = Metrics::new(1);
        let series = metrics.route(&"web".into(), &"shop.user".into());
        for (status, millis) in [(200, 1), (204, 30), (503, 90_000), (0, 0)] {
            series.observe(&record(status, millis));
        }
        metrics.listener("web").refused(Limit::Body);
        metrics.auth("token").observe(&Verdict::Unknown(crate::auth::Reason::Expired));
        let mut page = Page::default();
        metrics.write(&mut page);
        let page = page.finish();
        for line in [
            "gw_requests_total{listener=\"web\",route=\"shop.user\",status=\"2xx\"} 2",
            "gw_requests_total{listener=\"web\",route=\"shop.user\",status=\"none\"} 1",
            "gw_request_duration_seconds_bucket{listener=\"web\",route=\"shop.user\",le=\"0.001\"} 2",
            "gw_request_duration_seconds_bucket{listener=\"web\",route=\"shop.user\",le=\"60\"} 3",
            "gw_request_duration_seconds_bucket{listener=\"web\",route=\"shop.user\",le=\"+Inf\"} 4",
            "gw_response_bytes_total{listener=\"web\",route=\"shop.user\"} 28",
            "gw_refusals_total{listener=\"web\",limit=\"body\"} 1",
            "gw_auth_requests_total{auth=\"token\",result=\"token-expired\"} 1",
        ] {
            assert!(page.lines().any(|written| written == line), "{line}\n{page}");
        }
    }

    #[test]
    fn series_live_as_long_as_somebody_holds_them_or_the_policy_has_their_route() {
        let metrics = Metrics::new(1);
        let route = |name: &str| metrics.route(&"web".into(), &name.into());
        let held = route("a");
        route("b").observe(&record(200, 1));
        drop(route("c"));
        metrics.forget_unused(&|listener| match listener {
            "web" => HashSet::from(["b", "d"]),
            _ => HashSet::new(),
        });
        assert!(Arc::ptr_eq(&held, &route("a")));
        assert_eq!(route("b").sum().n_requests(), 1);
        assert_eq!(metrics.routes.lock().unwrap().len(), 2);
    }
}
