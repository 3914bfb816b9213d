//! `discover dns(…)`: follows the addresses of a name. A failure never empties an upstream: the last good answer
//! stays until there is a better one.
//!
//! Names are asked of the servers in `resolv.conf`, after `/etc/hosts`, by hickory: `getaddrinfo` tells no time to
//! live, cannot be given up once begun, and occupies a thread for as long as it likes.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig, ServerOrderingStrategy};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::time::{Instant, sleep, timeout};

use super::endpoint::{Endpoint, MOST_ENDPOINTS};
use super::group::{Group, Source};

/// The addresses of a name, and how long they hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The addresses, in any order.
    pub addresses: Vec<IpAddr>,
    /// The time to live.
    pub ttl: Duration,
}

/// A way to look up a name. The error is for the log.
pub type Lookup = Arc<
    dyn Fn(Arc<str>) -> Pin<Box<dyn Future<Output = Result<Answer, String>> + Send>> + Send + Sync,
>;

/// No name is asked for more often.
const SOONEST: Duration = Duration::from_secs(1);

/// A look-up that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The system's resolver. `resolv.conf` and `/etc/hosts` are read anew for each look-up, so that a change of either
/// is noticed; a look-up happens once a second at most.
pub fn system() -> Lookup {
    Arc::new(|name| Box::pin(async move { ask(&name).await }))
}

async fn ask(name: &str) -> Result<Answer, String> {
    // Without a `resolv.conf` there still are `/etc/hosts` and `localhost`.
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        TokioResolver::builder_with_config(
            ResolverConfig::default(),
            TokioRuntimeProvider::default(),
        )
    });
    let options = builder.options_mut();
    // The cache is ours: the endpoints themselves.
    options.cache_size = 0;
    // A host without a route to IPv6 would count half its endpoints as dead.
    options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    let resolver = builder.build().map_err(|error| error.to_string())?;
    let found =
        resolver.lookup_ip(name).await.map_err(|error| match error.is_no_records_found() {
            // The resolver's own words print the query as Rust would.
            true => "it has no address".to_owned(),
            false => error.to_string(),
        })?;
    let ttl = found.valid_until().saturating_duration_since(std::time::Instant::now());
    Ok(Answer { addresses: found.iter().take(MOST_ENDPOINTS).collect(), ttl })
}

/// Keeps the endpoints of one source of `group` fresh, until the group is gone.
pub(super) async fn follow(group: Weak<Group>, place: usize, source: Source, lookup: Lookup) {
    let mut failures = 0;
    loop {
        let begun = Instant::now();
        let answer = match timeout(PATIENCE, lookup(source.server.host.clone())).await {
            Ok(Ok(answer)) if answer.addresses.is_empty() => Err("no address".to_owned()),
            Ok(answer) => answer,
            Err(_) => Err("no answer in time".to_owned()),
        };
        let Some(group) = group.upgrade() else { return };
        let wait = match answer {
            Ok(answer) => {
                failures = 0;
                group.found(place, endpoints(&source, &answer));
                source.refresh.min(answer.ttl.max(SOONEST))
            }
            Err(reason) => {
                let name = &*source.server.host;
                tracing::warn!(upstream = &*group.config.name, name, reason, "name not resolved");
                failures += 1;
                source.refresh.min(SOONEST * 2_u32.saturating_pow(failures - 1).min(64))
            }
        };
        drop(group);
        let spread = wait.mul_f64(0.9 + 0.2 * fastrand::f64()).max(SOONEST);
        sleep(spread.saturating_sub(begun.elapsed()).max(SOONEST / 2)).await;
    }
}

/// Sorted, because servers rotate their answers and an order is not a change.
fn endpoints(source: &Source, answer: &Answer) -> Vec<Endpoint> {
    let mut addresses = answer.addresses.clone();
    addresses.sort_unstable();
    addresses.dedup();
    let server = &source.server;
    addresses
        .into_iter()
        .map(|ip| {
            Endpoint::new(SocketAddr::new(ip, server.port), server.host.clone(), server.weight)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;
    use crate::upstream::config::{Endpoints, Server, UpstreamConfig};
    use crate::upstream::endpoint::Health;

    /// Answers in order, then repeats the last one.
    fn scripted(answers: Vec<Result<Answer, String>>) -> Lookup {
        let answers = Mutex::new(VecDeque::from(answers));
        Arc::new(move |_| {
            let mut answers = answers.lock().unwrap();
            let answer =
                if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            Box::pin(async move { answer.unwrap() })
        })
    }

    fn answer(addresses: &[&str], ttl: u64) -> Result<Answer, String> {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Ok(Answer { addresses, ttl: Duration::from_secs(ttl) })
    }

    fn group() -> Arc<Group> {
        let server = Server::parse("users.svc:80", 1).unwrap();
        let endpoints = Endpoints::Dns { server, refresh: Duration::from_secs(10) };
        Group::build(UpstreamConfig { endpoints, ..UpstreamConfig::of("users", vec![]) }, None)
            .unwrap()
    }

    fn addresses(group: &Group) -> Vec<String> {
        group.endpoints().list.iter().map(|endpoint| endpoint.address.to_string()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_followed() {
        let group = group();
        group.tend_with(scripted(vec![
            answer(&["10.0.0.2", "10.0.0.1"], 60),
            answer(&["10.0.0.1", "10.0.0.3"], 60),
        ]));
        group.resolved().await;
        assert_eq!(addresses(&group), ["10.0.0.1:80", "10.0.0.2:80"]);
        group.endpoints().list[0].set_health(Health::Healthy);
        sleep(Duration::from_secs(12)).await;
        assert_eq!(addresses(&group), ["10.0.0.1:80", "10.0.0.3:80"]);
        assert_eq!(
            group.endpoints().list[0].health(),
            Health::Healthy,
            "what stays is not disturbed"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_answer_stays() {
        let group = group();
        let gone = Err("NXDOMAIN".to_owned());
        group.tend_with(scripted(vec![
            answer(&["10.0.0.1"], 1),
            gone.clone(),
            answer(&[], 5),
            gone,
        ]));
        group.resolved().await;
        sleep(Duration::from_secs(300)).await;
        assert_eq!(addresses(&group), ["10.0.0.1:80"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_start_is_tried_again_soon_and_order_is_no_change() {
        let group = group();
        group.tend_with(scripted(vec![
            Err("SERVFAIL".to_owned()),
            answer(&["10.0.0.2", "10.0.0.1"], 1),
            answer(&["10.0.0.1", "10.0.0.2"], 1),
        ]));
        timeout(Duration::from_secs(3), group.resolved()).await.unwrap();
        let generation = group.endpoints().generation;
        sleep(Duration::from_secs(60)).await;
        assert_eq!(group.endpoints().generation, generation);
    }

    #[tokio::test]
    async fn the_system_knows_localhost() {
        let answer = system()("localhost".into()).await.unwrap();
        assert!(answer.addresses.iter().all(IpAddr::is_loopback) && !answer.addresses.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_hangs_is_given_up() {
        let group = group();
        let calls = Arc::new(Mutex::new(0));
        let counted = calls.clone();
        group.tend_with(Arc::new(move |_| {
            *counted.lock().unwrap() += 1;
            Box::pin(std::future::pending())
        }));
        sleep(Duration::from_secs(60)).await;
        assert!(*calls.lock().unwrap() > 2);
        let weak = Arc::downgrade(&group);
        drop(group);
        assert!(weak.upgrade().is_none(), "tasks do not keep a group alive");
    }
}
