//! HTTP/2, against hyper's server.

use std::cell::Cell;
use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::sleep;

use super::*;
use crate::body::{BodyError, Side};

type Chunks = futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>;

fn h2(address: SocketAddr) -> UpstreamConfig {
    UpstreamConfig { protocol: Protocol::Http2, ..config(&[address]) }
}

/// Answers with what it was sent, and with trailers. `/slow` takes a while.
async fn echo(
    request: http::Request<Incoming>,
) -> Result<http::Response<StreamBody<Chunks>>, Infallible> {
    assert_eq!(request.version(), http::Version::HTTP_2);
    assert_eq!(request.uri().authority().unwrap(), "users.example");
    assert_eq!(request.uri().path_and_query().unwrap(), "/a?b=c");
    assert_eq!(request.headers().get("te").map(|te| te.as_bytes()), Some(&b"trailers"[..]));
    sleep(Duration::from_millis(20)).await;
    let content = request.into_body().collect().await.unwrap().to_bytes();
    let trailers = http::HeaderMap::from_iter([("x-t".parse().unwrap(), "1".parse().unwrap())]);
    let frames = vec![Ok(Frame::data(content)), Ok(Frame::trailers(trailers))];
    Ok(http::Response::new(StreamBody::new(futures_util::stream::iter(frames))))
}

async fn server(most: u32) -> (SocketAddr, Rc<Cell<usize>>) {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let address = servers::scripted(move |number, stream| {
        counted.set(number + 1);
        async move {
            let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let serve = builder
                .max_concurrent_streams(most)
                .serve_connection(TokioIo::new(stream), service_fn(echo));
            let _ = serve.await;
        }
    })
    .await;
    (address, count)
}

fn trailing() -> Terms<'static> {
    Terms { takes_trailers: true, ..terms() }
}

async fn post(upstream: &Upstream, body: Body) -> Answer {
    upstream
        .send(&request(Method::Post), body, &trailing())
        .await
        .unwrap_or_else(|failure| panic!("{failure:?}"))
}

#[test]
fn many_requests_share_one_connection() {
    on_a_core(async {
        let (address, connections) = server(200).await;
        let upstream = upstream_of(h2(address));
        let all = (0..100).map(|n| {
            let upstream = upstream.clone();
            async move {
                let answer = post(&upstream, Body::full(format!("number {n}"))).await;
                assert_eq!(answer.response.version, crate::message::Version::Http2);
                assert_eq!(text(answer).await, (200, format!("number {n}")));
            }
        });
        futures_util::future::join_all(all).await;
        assert_eq!(connections.get(), 1);
        assert_eq!(upstream.counters().active.get(), 0);
        assert_eq!(upstream.counters().reuses.get(), 99);
    });
}

#[test]
fn more_streams_than_allowed_get_another_connection() {
    on_a_core(async {
        let (address, connections) = server(2).await;
        let upstream = upstream_of(h2(address));
        text(post(&upstream, Body::full("x")).await).await;
        let all = (0..6).map(|_| async { text(post(&upstream, Body::full("x")).await).await });
        futures_util::future::join_all(all).await;
        assert!(connections.get() > 1, "but none was refused");
    });
}

#[test]
fn large_bodies_and_trailers_pass() {
    on_a_core(async {
        const SIZE: usize = 3 << 20;
        let (address, _) = server(10).await;
        let upstream = upstream_of(h2(address));
        let mut answer = post(&upstream, Body::full(vec![b'x'; SIZE])).await;
        let mut size = 0;
        while let Some(chunk) = answer.body.next().await {
            size += chunk.unwrap().len();
        }
        assert_eq!(size, SIZE);
        assert_eq!(answer.body.take_trailers().unwrap().text("x-t"), Some("1"));
        assert_eq!(upstream.counters().active.get(), 0);
    });
}

struct Broken(bool);

impl crate::body::Source for Broken {
    fn poll_chunk(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, BodyError>>> {
        let first = std::mem::take(&mut self.0);
        std::task::Poll::Ready(Some(if first {
            Ok(Bytes::from_static(b"x"))
        } else {
            Err(BodyError::closed(Side::Client))
        }))
    }
}

#[test]
fn a_client_s_broken_body_resets_the_stream_only() {
    on_a_core(async {
        let (address, connections) = server(10).await;
        let upstream = upstream_of(h2(address));
        let body = Body::source(Broken(true), None);
        let sent = upstream.send(&request(Method::Post), body, &trailing()).await;
        let failure = sent.err().unwrap();
        assert_eq!(failure.kind.fault(), Fault::Client, "{:?}", failure.kind);
        text(post(&upstream, Body::full("x")).await).await;
        assert_eq!(connections.get(), 1);
    });
}

#[test]
fn a_server_that_speaks_http1_is_a_failure() {
    on_a_core(async {
        let upstream = upstream_of(h2(servers::answering("no").await));
        let sent = upstream.send(&request(Method::Get), Body::empty(), &terms()).await;
        let failure = sent.err().unwrap();
        assert_eq!(failure.kind.fault(), Fault::Upstream, "{:?}", failure.kind);
        let upstream = upstream_of(h2(servers::silent().await));
        let mut short = terms();
        short.timeouts.first_byte = Duration::from_millis(40);
        let failure =
            upstream.send(&request(Method::Get), Body::empty(), &short).await.err().unwrap();
        assert!(matches!(failure.kind, Kind::FirstByteTimeout), "{:?}", failure.kind);
        assert_eq!(upstream.counters().active.get(), 0);
    });
}

#[test]
fn lanes_get_old_and_closed_ones_are_replaced() {
    on_a_core(async {
        let (address, connections) = server(10).await;
        let timeouts = Timeouts { keep: Duration::from_millis(20), ..Timeouts::default() };
        let upstream = upstream_of(UpstreamConfig { timeouts, ..h2(address) });
        text(post(&upstream, Body::full("x")).await).await;
        upstream.sweep();
        assert_eq!(upstream.n_idle(), 1);
        sleep(Duration::from_millis(30)).await;
        upstream.sweep();
        assert_eq!(upstream.n_idle(), 0);
        text(post(&upstream, Body::full("x")).await).await;
        assert_eq!(connections.get(), 2);
    });
}

#[test]
fn requests_that_cross_a_goodbye_go_elsewhere() {
    on_a_core(async {
        let address = servers::scripted(|_, stream| async move {
            let served = Rc::new(Cell::new(0));
            let counted = served.clone();
            let answer = service_fn(move |request| {
                counted.set(counted.get() + 1);
                echo(request)
            });
            let mut connection = std::pin::pin!(
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), answer)
            );
            // It says goodbye as soon as it has seen three requests.
            let mut leaving = false;
            std::future::poll_fn(|cx| {
                let end = connection.as_mut().poll(cx);
                if served.get() >= 3 && !std::mem::replace(&mut leaving, true) {
                    connection.as_mut().graceful_shutdown();
                    cx.waker().wake_by_ref();
                }
                end.map(drop)
            })
            .await;
        })
        .await;
        let upstream = upstream_of(h2(address));
        for _ in 0..10 {
            text(post(&upstream, Body::full("x")).await).await;
        }
        let all = (0..20).map(|_| async { text(post(&upstream, Body::full("x")).await).await });
        futures_util::future::join_all(all).await;
        assert!(upstream.counters().connects.get() > 3);
        assert_eq!(upstream.counters().active.get(), 0);
    });
}

#[test]
fn a_refused_stream_is_sent_again_whatever_its_method() {
    on_a_core(async {
        let address = servers::scripted(|_, stream| async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let mut refused = false;
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                if !std::mem::replace(&mut refused, true) {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                    continue;
                }
                tokio::task::spawn_local(async move {
                    let mut body = request.into_body();
                    let mut content = Vec::new();
                    while let Some(Ok(piece)) = body.data().await {
                        content.extend_from_slice(&piece);
                    }
                    let mut sending =
                        respond.send_response(http::Response::new(()), false).unwrap();
                    sending.send_data(content.into(), true).unwrap();
                });
            }
        })
        .await;
        let upstream = upstream_of(h2(address));
        let mut pieces = ["he", "llo"].into_iter();
        let body = Body::source(Streams(move || pieces.next()), None);
        let answer = upstream.ask(&request(Method::Post), body, &terms()).await;
        let answer = answer.unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(text(answer).await, (200, "hello".to_owned()));
    });
}

/// A body that comes in pieces.
struct Streams<F>(F);

impl<F: FnMut() -> Option<&'static str>> crate::body::Source for Streams<F> {
    fn poll_chunk(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, BodyError>>> {
        let piece = (self.0)().map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        std::task::Poll::Ready(piece)
    }
}

#[test]
fn health_is_asked_in_http2() {
    on_a_core(async {
        let address = servers::scripted(|_, stream| async move {
            let answer = service_fn(|request: http::Request<Incoming>| async move {
                assert_eq!(request.method(), "HEAD");
                assert_eq!(request.uri().path(), "/up");
                let answer = http::Response::builder().status(418).body(String::new());
                Ok::<_, Infallible>(answer.unwrap())
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), answer).await;
        })
        .await;
        for (expect, health) in [((418, 418), Health::Healthy), ((200, 299), Health::Unhealthy)] {
            let asked = HealthConfig {
                method: "HEAD".into(),
                path: "/up".into(),
                every: Duration::from_millis(10),
                expect,
                ..HealthConfig::default()
            };
            let config = UpstreamConfig { health: Some(asked), ..h2(address) };
            let group = Group::build(config, None).unwrap();
            group.tend();
            while group.endpoints().list[0].health() == Health::Unknown {
                sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(group.endpoints().list[0].health(), health);
        }
    });
}
