//! What all cores share of one upstream: its configuration, its present endpoints and the tasks that tend them.
//! Cores read it; only the control runtime's tasks write, and never on a request's path.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::adaptive::Adaptive;
use super::breaker::Breaker;
use super::config::{Endpoints, Server, UpstreamConfig};
use super::discover::{self, Lookup};
use super::endpoint::{Endpoint, EndpointSet};
use super::health;
use super::standing::EjectConfig;
use super::tls::{Client, TlsError};

/// How often a server that is written with a name is looked up.
const REFRESH: Duration = Duration::from_secs(30);

/// An upstream as all cores share it. It lives as long as a snapshot or a core uses it, and its tasks with it.
pub struct Group {
    /// What it was told.
    pub config: UpstreamConfig,
    /// Never the same for two groups of one process.
    pub(super) id: u64,
    pub(super) tls: Option<Client>,
    sources: Vec<Source>,
    set: ArcSwap<EndpointSet>,
    /// The generation of `set`, for those who look at every request.
    now: AtomicU64,
    /// The generation of `set`, for those who wait for a new one.
    generation: watch::Sender<u64>,
    /// What each source stands for now; absent until its name is resolved for the first time.
    found: Mutex<Vec<Option<Vec<Endpoint>>>>,
    pub(super) breaker: Arc<Breaker>,
    pub(super) adaptive: Option<Arc<Adaptive>>,
    /// Held while it is decided whether an endpoint is ejected, so that two cores do not eject two of one too many.
    ejecting: Mutex<()>,
    tended: AtomicBool,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// A server, and how often its name is looked up.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) server: Server,
    pub(super) refresh: Duration,
}

impl Group {
    /// The group for `config`. If `previous` was told the same, it is the answer, so that connections, health and
    /// counters survive a reload; otherwise the endpoints they share keep at least their health and their standing, and
    /// the breaker and the adaptive limit what they know.
    /// Fails if a file of `config` cannot be read.
    pub fn build(
        config: UpstreamConfig,
        previous: Option<&Arc<Group>>,
    ) -> Result<Arc<Group>, TlsError> {
        let tls = config.tls.as_ref().map(|tls| Client::build(tls, config.protocol)).transpose()?;
        if let Some(previous) = previous
            && previous.config == config
            && previous.tls == tls
        {
            return Ok(previous.clone());
        }
        let sources = sources(&config.endpoints);
        let found = sources
            .iter()
            .map(|source| {
                let address = source.server.address()?;
                let Server { host, weight, .. } = &source.server;
                Some(vec![Endpoint::new(address, host.clone(), *weight)])
            })
            .collect();
        // INVARIANT: ids begin at 1 and generations are never 0, so that a fresh core sees a change.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let group = Group {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            tls,
            sources,
            set: ArcSwap::default(),
            now: AtomicU64::new(0),
            generation: watch::Sender::new(0),
            found: Mutex::new(found),
            breaker: previous.map(|previous| previous.breaker.clone()).unwrap_or_default(),
            adaptive: adaptive(&config, previous),
            ejecting: Mutex::default(),
            tended: AtomicBool::new(false),
            tasks: Mutex::default(),
            config,
        };
        if let Some(previous) = previous {
            group.inherit(previous);
        }
        group.assemble();
        Ok(Arc::new(group))
    }

    /// The group as a test has it: of the health of its endpoints nothing is known yet, names stand for an address of
    /// the documentation, and TLS is not spoken.
    pub(super) fn imagined(of: &Arc<Group>) -> Arc<Group> {
        let config = UpstreamConfig { tls: None, ..of.config.clone() };
        // Only files of TLS can be missing.
        let Ok(group) = Group::build(config, None) else { return of.clone() };
        for (place, source) in group.sources.iter().enumerate() {
            if source.server.address().is_none() {
                let Server { host, port, weight } = &source.server;
                let address = ([192, 0, 2, 1], *port).into();
                group.found(place, vec![Endpoint::new(address, host.clone(), *weight)]);
            }
        }
        group
    }

    /// Begins to look up names and to check health, once, on the runtime that this is called in. That should be
    /// one which serves no requests. The tasks end when the group is dropped.
    pub fn tend(self: &Arc<Group>) {
        self.tend_with(discover::system());
    }

    /// Like [`Group::tend`], with another way to look up names.
    pub fn tend_with(self: &Arc<Group>, lookup: Lookup) {
        if self.tended.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut tasks = Vec::new();
        for (place, source) in self.sources.iter().enumerate() {
            if source.server.address().is_none() {
                let task =
                    discover::follow(Arc::downgrade(self), place, source.clone(), lookup.clone());
                tasks.push(tokio::spawn(task).abort_handle());
            }
        }
        if self.config.health.is_some() {
            tasks.push(tokio::spawn(health::watch(Arc::downgrade(self))).abort_handle());
        }
        *self.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
    }

    /// The endpoints now.
    pub fn endpoints(&self) -> Arc<EndpointSet> {
        self.set.load_full()
    }

    /// The generation of the endpoints now: cheaper to compare than the set is to fetch.
    pub(super) fn generation(&self) -> u64 {
        self.now.load(Ordering::Acquire)
    }

    /// Whether some name has an answer, or some server needs none.
    pub fn is_resolved(&self) -> bool {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).iter().any(Option::is_some)
    }

    /// Waits until [`Group::is_resolved`]. For a start-up, and for the first requests; bound it.
    pub async fn resolved(&self) {
        let mut news = self.generation.subscribe();
        while !self.is_resolved() {
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    /// News about the generation.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Says what a source stands for now.
    pub(super) fn found(&self, place: usize, endpoints: Vec<Endpoint>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = found.get_mut(place) {
            *slot = Some(endpoints);
        }
        drop(found);
        self.assemble();
    }

    /// Has an endpoint left alone for a while, if not too many are already. Says whether it is.
    pub(super) fn eject(&self, endpoint: &Endpoint, eject: &EjectConfig, now: Instant) -> bool {
        let _deciding = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        let set = self.endpoints();
        let taking = || set.list.iter().filter(|one| one.weight > 0);
        let is_in = |one: &Endpoint| one.standing.ejected(now).is_none();
        let n_ejected = taking().filter(|one| !is_in(one)).count();
        let mut others = taking().filter(|one| !one.is_same_place(endpoint));
        let stays = eject.at_most >= 100 || others.any(|one| one.is_usable() && is_in(one));
        let ejects = is_in(endpoint) && stays && n_ejected < eject.most(taking().count());
        let (upstream, address) = (&*self.config.name, endpoint.address);
        if ejects {
            let seconds = endpoint.standing.eject(eject, now).as_secs();
            tracing::warn!(upstream, %address, seconds, "endpoint ejected");
        } else {
            endpoint.standing.spare();
        }
        ejects
    }

    /// Puts the endpoints of all sources in place, if they are others than before.
    fn assemble(&self) {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = found.iter().flatten().flatten().map(Endpoint::copy).collect();
        let now = self.set.load();
        // Held until the set is stored, so that of two sources the later one sees what the first has done.
        if let Some(next) = now.next(&self.config.name, wanted) {
            let generation = next.generation;
            self.set.store(Arc::new(next));
            self.now.store(generation, Ordering::Release);
            drop(found);
            self.generation.send_replace(generation);
        } else {
            drop(found);
            self.generation.send_modify(|_| ());
        }
    }

    /// Takes over what `previous` knows about names and health.
    fn inherit(&self, previous: &Group) {
        let before = previous.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for (slot, source) in found.iter_mut().zip(&self.sources) {
            if slot.is_some() {
                continue;
            }
            let known = previous.sources.iter().position(|known| {
                known.server.host == source.server.host && known.server.port == source.server.port
            });
            if let Some(Some(endpoints)) = known.and_then(|place| before.get(place)) {
                let weighed = endpoints.iter().map(|endpoint| {
                    Endpoint::new(endpoint.address, endpoint.host.clone(), source.server.weight)
                });
                *slot = Some(weighed.collect());
            }
        }
        let mut set = previous.endpoints();
        if self.config.health != previous.config.health {
            let unasked = set.list.iter().map(|endpoint| Arc::new(endpoint.unasked()));
            let list = unasked.collect();
            set = Arc::new(EndpointSet { generation: set.generation + 1, list });
        }
        self.now.store(set.generation, Ordering::Release);
        self.set.store(set);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }
}

/// The limit that is found out: the one there is, if it moves within the same bounds.
fn adaptive(config: &UpstreamConfig, previous: Option<&Arc<Group>>) -> Option<Arc<Adaptive>> {
    let wanted = config.adaptive.as_ref()?;
    let known = previous.and_then(|previous| previous.adaptive.clone());
    let known = known.filter(|known| known.config == *wanted);
    Some(known.unwrap_or_else(|| Arc::new(Adaptive::new(wanted.clone(), Instant::now()))))
}

fn sources(endpoints: &Endpoints) -> Vec<Source> {
    match endpoints {
        Endpoints::Servers(servers) => servers
            .iter()
            .map(|server| Source { server: server.clone(), refresh: REFRESH })
            .collect(),
        Endpoints::Dns { server, refresh } => {
            vec![Source { server: server.clone(), refresh: *refresh }]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::endpoint::Health;

    fn config(servers: &[&str]) -> UpstreamConfig {
        let servers = servers.iter().map(|text| Server::parse(text, 1).unwrap()).collect();
        UpstreamConfig::of("users", servers)
    }

    #[test]
    fn the_same_configuration_is_the_same_group() {
        let first = Group::build(config(&["127.0.0.1:1"]), None).unwrap();
        let second = Group::build(config(&["127.0.0.1:1"]), Some(&first)).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn another_group_inherits_health() {
        let first = Group::build(config(&["127.0.0.1:1", "127.0.0.1:2"]), None).unwrap();
        first.endpoints().list[1].set_health(Health::Unhealthy);
        let second = Group::build(config(&["127.0.0.1:2", "127.0.0.1:3"]), Some(&first)).unwrap();
        let health: Vec<_> = second.endpoints().list.iter().map(|one| one.health()).collect();
        assert_eq!(health, [Health::Unhealthy, Health::Unknown]);

        let checked =
            UpstreamConfig { health: Some(Default::default()), ..config(&["127.0.0.1:2"]) };
        let third = Group::build(checked, Some(&second)).unwrap();
        assert_eq!(third.endpoints().list[0].health(), Health::Unknown, "asked in another way");
    }

    #[test]
    fn a_name_waits_for_its_answer() {
        let group = Group::build(config(&["users.svc:80"]), None).unwrap();
        assert!(!group.is_resolved());
        assert!(group.endpoints().list.is_empty());
        group.found(0, vec![Endpoint::new("127.0.0.1:80".parse().unwrap(), "users.svc".into(), 1)]);
        assert!(group.is_resolved());
        let next = Group::build(config(&["users.svc:80", "127.0.0.1:9"]), Some(&group)).unwrap();
        assert_eq!(next.endpoints().list.len(), 2, "the answer is inherited");
    }
}
