//! What all threads of a gateway share beside a request's path: its phase, what is being served, and the way to its
//! cores. It is also what the admin API reports.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};

use super::layout::{Listener, refresh};
use super::modules::{self, ModuleState};
use super::snapshot::{Snapshot, UpstreamSample};
use super::worker::{Order, WorkerHandle};
use crate::admin::Report;
use crate::telemetry::Telemetry;
use crate::telemetry::text::Page;

/// Where a gateway is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Starting = 0,
    Serving = 1,
    Draining = 2,
}

pub(super) struct Shared<S: Snapshot> {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) listeners: ArcSwap<Vec<Arc<Listener>>>,
    pub(super) cores: Vec<WorkerHandle<S>>,
    phase: AtomicU8,
    /// How many connections the process has files for.
    room: AtomicUsize,
    policy: Mutex<Policy>,
    modules: Mutex<Vec<ModuleState>>,
}

#[derive(Default)]
struct Policy {
    hash: String,
    since: Option<SystemTime>,
    refused: Option<(SystemTime, String)>,
}

/// How often certificate files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long a page of metrics waits for a core.
const SAMPLE: Duration = Duration::from_secs(1);
/// A reason is kept no longer than this.
const MOST_REASON: usize = 4096;

impl<S: Snapshot> Shared<S> {
    pub(super) fn new(telemetry: Arc<Telemetry>, cores: Vec<WorkerHandle<S>>) -> Shared<S> {
        Shared {
            telemetry,
            listeners: ArcSwap::default(),
            cores,
            phase: AtomicU8::new(Phase::Starting as u8),
            room: AtomicUsize::new(usize::MAX),
            policy: Mutex::default(),
            modules: Mutex::default(),
        }
    }

    pub(super) fn n_workers(&self) -> usize {
        self.cores.len()
    }

    pub(super) fn workers(&self) -> impl Iterator<Item = &mpsc::Sender<Order<S>>> {
        self.cores.iter().map(|core| &core.orders)
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub(super) fn room(&self) -> usize {
        self.room.load(Ordering::Relaxed)
    }

    pub(super) fn set_room(&self, room: usize) {
        self.room.store(room, Ordering::Relaxed);
    }

    /// The open connections of all listeners.
    pub(super) fn n_open(&self) -> usize {
        self.cores.iter().map(|core| core.load.0.load(Ordering::Relaxed)).sum()
    }

    pub(super) fn went_live(&self, hash: &str) {
        let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        *policy = Policy { hash: hash.to_owned(), since: Some(SystemTime::now()), refused: None };
    }

    pub(super) fn refused(&self, reason: &str) {
        let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = reason.chars().take(MOST_REASON).collect();
        policy.refused = Some((SystemTime::now(), reason));
    }

    pub(super) fn tell_modules(&self, mut modules: Vec<ModuleState>) {
        for reason in modules.iter_mut().filter_map(|module| module.reason.as_mut()) {
            *reason = reason.chars().take(MOST_REASON).collect();
        }
        *self.lock_modules() = modules;
    }

    fn lock_modules(&self) -> MutexGuard<'_, Vec<ModuleState>> {
        self.modules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What all cores have counted of their upstreams, added up by name.
    async fn upstreams(&self) -> Vec<UpstreamSample> {
        let mut replies = Vec::new();
        for orders in self.workers() {
            let (reply, sampled) = oneshot::channel();
            if orders.try_send(Order::Sample(reply)).is_ok() {
                replies.push(sampled);
            }
        }
        let mut all: Vec<UpstreamSample> = Vec::new();
        for sampled in replies {
            // A core too busy to answer is missing from this page; the next one has it.
            let Ok(Ok(samples)) = tokio::time::timeout(SAMPLE, sampled).await else { continue };
            for sample in samples {
                match all.iter_mut().find(|known| known.name == sample.name) {
                    Some(known) => add(known, &sample),
                    None => all.push(sample),
                }
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn write_certificates(&self, page: &mut Page) {
        let name = "gw_certificate_end_time_seconds";
        page.family(name, "gauge", "When a certificate ends, in seconds since the epoch.");
        for listener in self.listeners.load().iter() {
            for (file, end) in listener.tls.iter().flat_map(|tls| tls.ends()) {
                page.sample(name, &[("listener", &listener.config.name), ("file", &file)], end);
            }
        }
    }
}

impl<S: Snapshot> Report for Shared<S> {
    fn is_ready(&self) -> bool {
        self.phase.load(Ordering::Acquire) == Phase::Serving as u8
    }

    fn metrics(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>> {
        Box::pin(async {
            let mut page = Page::default();
            self.telemetry.metrics.write(&mut page);
            self.write_certificates(&mut page);
            modules::write(&mut page, &self.lock_modules());
            write_upstreams(&mut page, &self.upstreams().await);
            page.finish()
        })
    }

    fn policy(&self) -> serde_json::Value {
        let policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = policy
            .refused
            .as_ref()
            .map(|(at, reason)| serde_json::json!({ "at": seconds(*at), "reason": reason }));
        serde_json::json!({
            "hash": policy.hash,
            "since": policy.since.map(seconds),
            "last_failed_reload": refused,
            "modules": modules::to_json(&self.lock_modules()),
        })
    }
}

/// A moment as seconds since the epoch.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn add(known: &mut UpstreamSample, more: &UpstreamSample) {
    known.requests += more.requests;
    known.active += more.active;
    known.connects += more.connects;
    known.retries += more.retries;
    known.unbudgeted += more.unbudgeted;
    known.ejections += more.ejections;
    known.openings += more.openings;
    known.waited += more.waited;
    for (word, count) in &more.failures {
        match known.failures.iter_mut().find(|(known, _)| known == word) {
            Some((_, sum)) => *sum += count,
            None => known.failures.push((word, *count)),
        }
    }
}

fn write_upstreams(page: &mut Page, upstreams: &[UpstreamSample]) {
    let mut family = |name: &str, kind: &str, help: &str, value: fn(&UpstreamSample) -> u64| {
        page.family(name, kind, help);
        for upstream in upstreams {
            page.sample(name, &[("upstream", &upstream.name)], value(upstream));
        }
    };
    family("gw_upstream_requests_total", "counter", "Requests sent, by upstream.", |of| {
        of.requests
    });
    family("gw_upstream_requests_active", "gauge", "Requests under way, by upstream.", |of| {
        of.active
    });
    family("gw_upstream_connects_total", "counter", "Connections opened, by upstream.", |of| {
        of.connects
    });
    family("gw_upstream_retries_total", "counter", "Requests sent again, by upstream.", |of| {
        of.retries
    });
    family(
        "gw_upstream_retries_unbudgeted_total",
        "counter",
        "Requests not sent again because the retry budget was spent, by upstream.",
        |of| of.unbudgeted,
    );
    family("gw_upstream_endpoints", "gauge", "Endpoints, by upstream.", |of| of.endpoints);
    family(
        "gw_upstream_endpoints_usable",
        "gauge",
        "Endpoints that requests are sent to, by upstream.",
        |of| of.usable,
    );
    family("gw_upstream_ejections_total", "counter", "Endpoints ejected, by upstream.", |of| {
        of.ejections
    });
    family(
        "gw_upstream_endpoints_ejected",
        "gauge",
        "Endpoints that are ejected now, by upstream.",
        |of| of.ejected,
    );
    family(
        "gw_upstream_breaker_openings_total",
        "counter",
        "How often the breaker opened, by upstream.",
        |of| of.openings,
    );
    family("gw_upstream_breaker_open", "gauge", "1 while the breaker is open.", |of| of.open);
    family("gw_upstream_pending", "gauge", "Requests that wait for a place, by upstream.", |of| {
        of.waiting
    });
    family(
        "gw_upstream_pending_total",
        "counter",
        "Requests that had to wait for a place, by upstream.",
        |of| of.waited,
    );
    let name = "gw_upstream_adaptive_limit";
    page.family(name, "gauge", "Requests that may wait for an answer at a time, by upstream.");
    for upstream in upstreams {
        if let Some(limit) = upstream.adaptive_limit {
            page.sample(name, &[("upstream", &upstream.name)], limit);
        }
    }
    let name = "gw_upstream_failures_total";
    page.family(name, "counter", "Requests that an upstream did not answer, by reason.");
    for upstream in upstreams {
        for (word, count) in upstream.failures.iter().filter(|(_, count)| *count > 0) {
            page.sample(name, &[("upstream", &upstream.name), ("reason", word)], count);
        }
    }
}

/// Looks at certificate files again and again, until the gateway is gone.
pub(super) async fn watch_certificates<S: Snapshot>(shared: Weak<Shared<S>>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        // Disks may hang; health checks on this runtime must not.
        let look = tokio::task::spawn_blocking(move || {
            for listener in shared.listeners.load().iter() {
                if let Some(tls) = &listener.tls {
                    refresh(tls, &shared.telemetry);
                }
            }
        });
        let _ = look.await;
    }
}
