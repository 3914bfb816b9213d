//! Endpoints that are ejected and breakers that open, over real sockets.

use super::*;

fn eject() -> EjectConfig {
    EjectConfig {
        errors: 2,
        over: Duration::from_secs(10),
        slower: None,
        lasts: Duration::from_millis(300),
        at_most: 50,
        slow_start: Duration::from_millis(1),
        on: Causes::trouble(),
    }
}

fn once() -> RetryConfig {
    RetryConfig { retries: 0, ..RetryConfig::default() }
}

/// The addresses that answered so many requests, in order and each once in a row; those that failed are told as well.
async fn asked(upstream: &Upstream, n: usize) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for _ in 0..n {
        addresses.push(match upstream.ask(&request(Method::Get), Body::empty(), &terms()).await {
            Ok(answer) => {
                let address = answer.address;
                drop(answer.body.collect(1 << 20).await);
                address
            }
            Err(failure) => failure.address.unwrap(),
        });
    }
    addresses
}

#[test]
fn an_endpoint_that_fails_is_left_alone_and_comes_back() {
    on_a_core(async {
        let (bad, good) = (servers::saying("").await, servers::answering("x").await);
        let upstream = upstream_of(UpstreamConfig {
            eject: Some(eject()),
            retry: once(),
            ..config(&[bad, good])
        });
        asked(&upstream, 4).await;
        assert_eq!(upstream.counters().ejections.get(), 1);
        assert_eq!(asked(&upstream, 10).await, [good; 10]);
        assert_eq!(upstream.group().endpoints().n_ejected(), 1);
        tokio::time::sleep(Duration::from_millis(310)).await;
        assert!(asked(&upstream, 2).await.contains(&bad), "it has its turn again");
    });
}

#[test]
fn a_reload_keeps_who_is_ejected_and_what_is_open() {
    on_a_core(async {
        let (bad, good) = (servers::saying("").await, servers::answering("x").await);
        let mut told = UpstreamConfig {
            eject: Some(EjectConfig { lasts: Duration::from_secs(60), ..eject() }),
            retry: once(),
            ..config(&[bad, good])
        };
        let roster = Roster::start();
        let first = Group::build(told.clone(), None).unwrap();
        roster.retain(std::slice::from_ref(&first));
        asked(&roster.of(&first), 4).await;

        told.health = Some(HealthConfig::default());
        told.breaker = BreakerConfig { errors: Some(30), least: 4, ..BreakerConfig::default() };
        let second = Group::build(told.clone(), Some(&first)).unwrap();
        roster.retain(std::slice::from_ref(&second));
        assert_eq!(asked(&roster.of(&second), 6).await, [good; 6]);

        told.eject = None;
        let third = Group::build(told.clone(), Some(&second)).unwrap();
        roster.retain(std::slice::from_ref(&third));
        let upstream = roster.of(&third);
        while !upstream.is_open() {
            asked(&upstream, 1).await;
        }
        told.timeouts.idle = Duration::from_secs(7);
        let fourth = Group::build(told, Some(&third)).unwrap();
        roster.retain(std::slice::from_ref(&fourth));
        let refused = roster.of(&fourth).ask(&request(Method::Get), Body::empty(), &terms()).await;
        assert!(matches!(refused.err().unwrap().kind, Kind::Open(_)));
    });
}

#[test]
fn requests_are_bounded() {
    on_a_core(async {
        let breaker = BreakerConfig { requests: 2, ..BreakerConfig::default() };
        let address = servers::silent().await;
        let upstream = upstream_of(UpstreamConfig { breaker, retry: once(), ..config(&[address]) });
        let get = request(Method::Get);
        let mut short = terms();
        short.timeouts.first_byte = Duration::from_millis(100);
        let ask = || async { upstream.ask(&get, Body::empty(), &short).await.err().unwrap().kind };
        for _ in 0..2 {
            let (first, second, third) = tokio::join!(ask(), ask(), ask());
            assert!(matches!((first, second), (Kind::FirstByteTimeout, Kind::FirstByteTimeout)));
            assert!(matches!(third, Kind::Requests), "and the places are given back");
        }
    });
}

#[test]
fn a_slow_client_does_not_make_a_slow_endpoint() {
    on_a_core(async {
        let slower = Some(Duration::from_millis(20));
        let eject = EjectConfig { slower, errors: 1, at_most: 100, ..eject() };
        let address = servers::answering("x").await;
        let upstream = upstream_of(UpstreamConfig { eject: Some(eject), ..config(&[address]) });
        struct Late(std::pin::Pin<Box<tokio::time::Sleep>>);
        impl crate::body::Source for Late {
            fn poll_chunk(
                &mut self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<bytes::Bytes, crate::body::BodyError>>> {
                Future::poll(self.0.as_mut(), cx).map(|()| None)
            }
        }
        let late = Late(Box::pin(tokio::time::sleep(Duration::from_millis(60))));
        let body = Body::source(late, Some(0));
        upstream.ask(&request(Method::Get), body, &terms()).await.unwrap();
        assert_eq!(upstream.counters().ejections.get(), 0);
    });
}
