//! Requests that are sent again, over real sockets.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::body::BodyError;

const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";

fn config_with(addresses: &[SocketAddr], on: Causes) -> UpstreamConfig {
    let backoff = (Duration::from_millis(1), Duration::from_millis(2));
    let retry = RetryConfig { on, backoff, ..RetryConfig::default() };
    UpstreamConfig { retry, ..config(addresses) }
}

/// Content that comes in pieces of a kilobyte, so many, with a pause before the second.
struct Pieces(usize, bool);

impl crate::body::Source for Pieces {
    fn poll_chunk(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<bytes::Bytes, BodyError>>> {
        if std::mem::take(&mut self.1) {
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        self.1 = true;
        std::task::Poll::Ready(left.map(|_| Ok(bytes::Bytes::from_static(&[b'x'; 1024]))))
    }
}

#[test]
fn another_endpoint_is_preferred() {
    on_a_core(async {
        let (busy, good) = (servers::saying(BUSY).await, servers::answering("good").await);
        let upstream = upstream_of(config_with(&[busy, good], Causes::trouble()));
        for _ in 0..10 {
            let answer = upstream.ask(&request(Method::Get), Body::empty(), &terms()).await;
            assert_eq!(text(answer.unwrap()).await, (200, "good".to_owned()));
        }
        assert!(upstream.counters().retries.get() >= 5, "each of them had its turn");
        assert_eq!(upstream.counters().active.get(), 0);
    });
}

#[test]
fn what_streams_is_kept_while_it_is_short() {
    on_a_core(async {
        for (pieces, tries) in [(10, 2), (100, 1)] {
            let address = servers::scripted(|number, mut stream| async move {
                let head = servers::head(&mut stream).await;
                assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
                // All of it is read, so that the answer is not lost with the connection.
                let mut content = Vec::new();
                while !content.ends_with(b"0\r\n\r\n") {
                    assert!(stream.read_buf(&mut content).await.unwrap() > 0);
                }
                let status = if number == 0 { "503 Busy" } else { "200 OK" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            })
            .await;
            let upstream = upstream_of(config_with(&[address], Causes::trouble()));
            let body = Body::source(Pieces(pieces, false), None);
            let answer = upstream.ask(&request(Method::Put), body, &terms()).await.unwrap();
            assert_eq!(answer.tries, tries);
            assert_eq!(answer.response.status, if tries == 2 { 200 } else { 503 });
        }
    });
}

#[test]
fn a_lost_answer_is_asked_for_again_if_nothing_of_it_was_passed_on() {
    on_a_core(async {
        let half = servers::saying("HTTP/1.1 200 OK\r\nConte").await;
        let cut = servers::saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
        let good = servers::answering("good").await;
        let upstream = upstream_of(config_with(&[half, good], Causes::lost()));
        for _ in 0..4 {
            let answer = upstream.ask(&request(Method::Get), Body::empty(), &terms()).await;
            assert_eq!(text(answer.unwrap()).await.1, "good");
        }
        let upstream = upstream_of(config_with(&[cut], Causes::lost()));
        let answer = upstream.ask(&request(Method::Get), Body::empty(), &terms()).await.unwrap();
        assert_eq!(answer.tries, 1);
        assert!(answer.body.collect(64).await.is_err());
    });
}

#[test]
fn the_budget_bounds_what_is_sent_again() {
    on_a_core(async {
        let upstream = upstream_of(config_with(&[servers::saying("").await], Causes::lost()));
        for _ in 0..50 {
            let failure = upstream.ask(&request(Method::Get), Body::empty(), &terms()).await;
            assert!(matches!(failure.err().unwrap().kind, Kind::Reset(_)));
        }
        let retries = upstream.counters().retries.get();
        assert!(
            (15..=25).contains(&retries),
            "10 to begin with, 10 of 50, some for time: {retries}"
        );
        assert_eq!(upstream.counters().requests.get(), 50 + retries);
        assert!(upstream.counters().unbudgeted.get() > 25);
    });
}
