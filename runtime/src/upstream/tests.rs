//! The client against servers that do what they are told, over real sockets.

mod http1;
mod http2;
mod interim;
mod passing;
mod retry;
mod servers;
mod tls;
mod trouble;

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;
use crate::message::{Method, Scheme, Target};

/// Runs a test as a core runs: one thread, one `LocalSet`. No test may take ten seconds.
fn on_a_core<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = async { timeout(Duration::from_secs(10), test).await };
    LocalSet::new().block_on(&runtime, bounded).expect("the test hangs");
}

fn config(addresses: &[SocketAddr]) -> UpstreamConfig {
    let servers = addresses.iter().map(|address| Server::parse(&address.to_string(), 1).unwrap());
    UpstreamConfig::of("test", servers.collect())
}

fn upstream_of(config: UpstreamConfig) -> Rc<Upstream> {
    Rc::new(Upstream::new(Group::build(config, None).unwrap()))
}

fn upstream(address: SocketAddr) -> Rc<Upstream> {
    upstream_of(config(&[address]))
}

fn terms() -> Terms<'static> {
    Terms {
        client: IpAddr::from([192, 0, 2, 1]),
        hash_key: None,
        excluded: &[],
        upgrade: None,
        takes_trailers: false,
        timeouts: Timeouts {
            queue: Duration::from_millis(1500),
            connect: Duration::from_millis(1500),
            first_byte: Duration::from_millis(1500),
            total: Duration::from_secs(5),
            idle: Duration::from_millis(1500),
            keep: Duration::from_secs(60),
        },
    }
}

fn request(method: Method) -> Request {
    Request::new(method, Target::new(Scheme::Http, b"users.example", b"/a?b=c").unwrap())
}

async fn text(answer: Answer) -> (u16, String) {
    let body = answer.body.collect(1 << 20).await.unwrap();
    (answer.response.status, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn failed_endpoints_are_left_aside() {
    on_a_core(async {
        let good = servers::answering("good").await;
        let gone = servers::gone().await;
        let upstream = upstream_of(config(&[gone, good]));
        let get = request(Method::Get);
        let mut failures = 0;
        for _ in 0..20 {
            match upstream.send(&get, Body::empty(), &terms()).await {
                Ok(answer) => assert_eq!(answer.address, good),
                Err(failure) => {
                    failures += 1;
                    assert_eq!(failure.address, Some(gone));
                    assert!(matches!(failure.kind, Kind::Connect(_)) && !failure.sent);
                    assert_eq!(failure.cause(), Some(Cause::Connect), "nothing was sent");
                    let excluded = [gone];
                    let again = Terms { excluded: &excluded, ..terms() };
                    let answer = upstream.send(&get, failure.body.unwrap(), &again).await.unwrap();
                    assert_eq!(answer.address, good);
                }
            }
        }
        assert_eq!(failures, 1, "and then it is left alone for a while");
        let told: Vec<_> = upstream.counters().failures().filter(|(_, count)| *count > 0).collect();
        assert_eq!(told, [("connect", failures)]);
        assert_eq!(upstream.counters().active.get(), 0);
    });
}

#[test]
fn the_only_endpoint_is_tried_again_though_it_failed() {
    on_a_core(async {
        let address = servers::answering("only").await;
        let terms = Terms { excluded: &[address], ..terms() };
        let answer = upstream(address).send(&request(Method::Get), Body::empty(), &terms).await;
        assert_eq!(text(answer.unwrap()).await, (200, "only".to_owned()));
    });
}

#[test]
fn unhealthy_endpoints_get_nothing_unless_the_policy_says_so() {
    on_a_core(async {
        for (all_down, works) in [(AllDown::Refuse, false), (AllDown::Ignore, true)] {
            let address = servers::answering("up").await;
            let health = Some(HealthConfig { all_down, ..HealthConfig::default() });
            let upstream = upstream_of(UpstreamConfig { health, ..config(&[address]) });
            upstream.group().endpoints().list[0].set_health(Health::Unhealthy);
            let answer = upstream.send(&request(Method::Get), Body::empty(), &terms()).await;
            assert_eq!(answer.is_ok(), works);
            if let Err(failure) = answer {
                assert!(matches!(failure.kind, Kind::NoEndpoint));
                assert!(failure.body.is_some());
            }
        }
    });
}

#[test]
fn requests_wait_for_a_name_but_not_for_ever() {
    on_a_core(async {
        let address = servers::answering("found").await;
        let server = Server::parse(&format!("users.svc:{}", address.port()), 1).unwrap();
        let group = Group::build(UpstreamConfig::of("test", vec![server]), None).unwrap();
        let roster = Roster::start();
        let upstream = roster.of(&group);
        let get = request(Method::Get);
        let mut short = terms();
        short.timeouts.connect = Duration::from_millis(30);
        let failure = upstream.send(&get, Body::empty(), &short).await.err().unwrap();
        assert!(matches!(failure.kind, Kind::Unresolved));

        group.tend_with(Arc::new(move |_| {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Ok(DnsAnswer { addresses: vec![address.ip()], ttl: Duration::from_secs(60) })
            })
        }));
        let answer = upstream.send(&get, Body::empty(), &terms()).await.unwrap();
        assert_eq!(text(answer).await.1, "found");
        assert!(Rc::ptr_eq(&upstream, &roster.of(&group)));
        roster.retain(&[]);
        assert!(!Rc::ptr_eq(&upstream, &roster.of(&group)));
    });
}

#[test]
fn a_changed_configuration_with_the_same_endpoints_works_at_once() {
    on_a_core(async {
        let address = servers::answering("x").await;
        let first = Group::build(config(&[address]), None).unwrap();
        let limits = Limits { idle: 7, ..Limits::default() };
        let changed = UpstreamConfig { limits, ..config(&[address]) };
        let second = Group::build(changed, Some(&first)).unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        let upstream = Upstream::new(second);
        let answer = upstream.send(&request(Method::Get), Body::empty(), &terms()).await;
        assert_eq!(text(answer.unwrap()).await.0, 200);
    });
}

#[test]
fn a_reload_keeps_counts_and_connections() {
    on_a_core(async {
        let (address, connections) = servers::counting("x").await;
        let other = servers::answering("y").await;
        let roster = Roster::start();
        let get = request(Method::Get);
        let first = Group::build(config(&[address]), None).unwrap();
        roster.retain(std::slice::from_ref(&first));
        text(roster.of(&first).send(&get, Body::empty(), &terms()).await.unwrap()).await;

        let timeouts = Timeouts { idle: Duration::from_secs(9), ..Timeouts::default() };
        let balance = crate::balance::Random {}.into();
        let changed = UpstreamConfig { timeouts, balance, ..config(&[other, address]) };
        let second = Group::build(changed, Some(&first)).unwrap();
        roster.retain(std::slice::from_ref(&second));
        let upstream = roster.of(&second);
        assert_eq!((upstream.counters().requests.get(), upstream.n_idle()), (1, 1));
        for _ in 0..20 {
            text(upstream.send(&get, Body::empty(), &terms()).await.unwrap()).await;
        }
        assert_eq!((upstream.counters().requests.get(), connections.get()), (21, 1));

        // A straggler of the old engine is served, and not kept.
        let old = roster.of(&first);
        text(old.send(&get, Body::empty(), &terms()).await.unwrap()).await;
        assert!(!Rc::ptr_eq(&old, &roster.of(&first)));

        let protocol = Protocol::Http2;
        let third = UpstreamConfig { protocol, ..config(&[other, address]) };
        let third = Group::build(third, Some(&second)).unwrap();
        roster.retain(std::slice::from_ref(&third));
        assert_eq!(roster.of(&third).n_idle(), 0, "another protocol needs other connections");
    });
}

#[test]
fn a_full_upstream_refuses_at_once() {
    on_a_core(async {
        let address = servers::silent().await;
        let limits = Limits { requests: 1, idle: 1 };
        let breaker = BreakerConfig { pending: 1, ..BreakerConfig::default() };
        let upstream = upstream_of(UpstreamConfig { limits, breaker, ..config(&[address]) });
        let get = request(Method::Get);
        let mut short = terms();
        short.timeouts.first_byte = Duration::from_millis(100);
        let send =
            || async { upstream.send(&get, Body::empty(), &short).await.err().unwrap().kind };
        let (first, second, third) = tokio::join!(send(), send(), send());
        assert!(matches!(first, Kind::FirstByteTimeout));
        assert!(matches!(second, Kind::FirstByteTimeout), "had its turn");
        assert!(matches!(third, Kind::Pending));
        assert_eq!(upstream.counters().waited.get(), 1);
    });
}

#[test]
fn a_change_of_endpoints_keeps_the_connections_of_those_that_stay() {
    on_a_core(async {
        let (one, connections) = servers::counting("one").await;
        let other = servers::answering("other").await;
        let server = |address: SocketAddr, weight| {
            Endpoint::new(address, address.ip().to_string().into(), weight)
        };
        let upstream = upstream(one);
        let get = request(Method::Get);
        for (list, requests) in [
            (vec![server(one, 1)], 1),
            (vec![server(one, 3), server(other, 1)], 8),
            (vec![server(one, 1)], 1),
        ] {
            upstream.group().found(0, list);
            for _ in 0..requests {
                text(upstream.send(&get, Body::empty(), &terms()).await.unwrap()).await;
            }
        }
        assert_eq!(connections.get(), 1);
        assert_eq!(upstream.n_idle(), 1, "those of the one that is gone are closed");
    });
}
