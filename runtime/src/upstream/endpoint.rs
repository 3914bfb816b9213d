//! Endpoints and sets of them, as all cores see them. A set never changes; a new one replaces it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::time::Instant;

use super::standing::Standing;
use crate::balance::stable_hash;

/// No upstream has more endpoints; what is beyond is left out, with a warning.
pub const MOST_ENDPOINTS: usize = 1024;

/// A place which answers requests.
#[derive(Debug)]
pub struct Endpoint {
    /// Where it is.
    pub address: SocketAddr,
    /// The name or the address under which the policy knows it, without the port.
    pub host: Arc<str>,
    /// Its share of requests relative to the others; 0 takes none.
    pub weight: u32,
    /// The hash of its address, the same on every core and in every process.
    pub id: u64,
    health: Arc<AtomicU8>,
    pub(super) standing: Arc<Standing>,
}

/// How an endpoint answered its health checks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// Not asked yet, or not often enough: used.
    Unknown,
    /// Well.
    Healthy,
    /// Not well: not used.
    Unhealthy,
}

/// The endpoints of an upstream at one time.
#[derive(Debug, Default)]
pub struct EndpointSet {
    /// Counts the sets of this upstream.
    pub generation: u64,
    /// The endpoints, each address and host once.
    pub list: Vec<Arc<Endpoint>>,
}

impl Endpoint {
    /// An endpoint whose health nobody knows.
    pub fn new(address: SocketAddr, host: Arc<str>, weight: u32) -> Endpoint {
        let id = stable_hash(address.to_string().as_bytes());
        let (health, standing) = (Arc::default(), Arc::default());
        Endpoint { address, host, weight, id, health, standing }
    }

    /// The same endpoint, with the same health and standing.
    pub(super) fn copy(&self) -> Endpoint {
        Endpoint { health: self.health.clone(), ..self.unasked() }
    }

    /// The same endpoint with the same standing, whose health nobody knows.
    pub(super) fn unasked(&self) -> Endpoint {
        let Endpoint { host, standing, .. } = self;
        Endpoint { host: host.clone(), health: Arc::default(), standing: standing.clone(), ..*self }
    }

    /// `host:port`: what is asked for where nobody says which host.
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.address.port()),
            false => format!("{}:{}", self.host, self.address.port()),
        }
    }

    /// How it is. One relaxed load.
    pub fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            0 => Health::Unknown,
            1 => Health::Healthy,
            _ => Health::Unhealthy,
        }
    }

    /// Whether requests may go there.
    pub fn is_usable(&self) -> bool {
        self.health() != Health::Unhealthy
    }

    /// Says how it is. Only its health check does.
    pub fn set_health(&self, health: Health) {
        let number = match health {
            Health::Unknown => 0,
            Health::Healthy => 1,
            Health::Unhealthy => 2,
        };
        self.health.store(number, Ordering::Relaxed);
    }

    /// Whether `other` is the same place, whatever its weight.
    pub fn is_same_place(&self, other: &Endpoint) -> bool {
        self.address == other.address && self.host == other.host
    }
}

impl EndpointSet {
    /// The next set: `wanted` without repetitions and in bounds, where a place known before keeps its health.
    /// Nothing, if that is what there is already.
    pub fn next(&self, name: &str, wanted: Vec<Endpoint>) -> Option<EndpointSet> {
        let mut list: Vec<Arc<Endpoint>> = Vec::with_capacity(wanted.len().min(MOST_ENDPOINTS));
        for mut endpoint in wanted {
            if list.iter().any(|other| other.is_same_place(&endpoint)) {
                continue;
            }
            if list.len() == MOST_ENDPOINTS {
                tracing::warn!(upstream = name, most = MOST_ENDPOINTS, "endpoints left out");
                break;
            }
            let known = self.list.iter().find(|known| known.is_same_place(&endpoint));
            list.push(match known {
                Some(known) if known.weight == endpoint.weight => known.clone(),
                Some(known) => {
                    endpoint.health = known.health.clone();
                    endpoint.standing = known.standing.clone();
                    Arc::new(endpoint)
                }
                None => Arc::new(endpoint),
            });
        }
        let unchanged = list.len() == self.list.len()
            && list.iter().zip(&self.list).all(|(one, other)| Arc::ptr_eq(one, other));
        (!unchanged).then_some(EndpointSet { generation: self.generation + 1, list })
    }

    /// How many requests may go to.
    pub fn n_usable(&self) -> usize {
        self.list.iter().filter(|endpoint| endpoint.is_usable()).count()
    }

    /// How many are ejected.
    pub fn n_ejected(&self) -> usize {
        let now = Instant::now();
        self.list.iter().filter(|endpoint| endpoint.standing.ejected(now).is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(port: u16, weight: u32) -> Endpoint {
        Endpoint::new(SocketAddr::from(([127, 0, 0, 1], port)), "localhost".into(), weight)
    }

    #[test]
    fn what_stays_keeps_its_health() {
        let first = EndpointSet::default().next("x", vec![endpoint(1, 1), endpoint(2, 1)]).unwrap();
        first.list[0].set_health(Health::Unhealthy);
        assert!(first.next("x", vec![endpoint(1, 1), endpoint(2, 1)]).is_none());

        let second = first.next("x", vec![endpoint(1, 5), endpoint(3, 1)]).unwrap();
        assert_eq!(second.list[0].health(), Health::Unhealthy);
        assert_eq!(second.list[0].weight, 5);
        assert_eq!(second.list[1].health(), Health::Unknown);
        assert_eq!(second.n_usable(), 1);
    }

    #[test]
    fn sets_are_bounded_and_hold_no_doubles() {
        let many = (1..=2000).chain(1..=10).map(|port| endpoint(port, 1)).collect();
        assert_eq!(EndpointSet::default().next("x", many).unwrap().list.len(), MOST_ENDPOINTS);
        let twice = vec![endpoint(1, 1), endpoint(1, 1)];
        assert_eq!(EndpointSet::default().next("x", twice).unwrap().list.len(), 1);
    }
}
