//! HTTP/1.1: framing, reuse, early and late answers, upgrades, time limits.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::*;
use crate::body::{BodyError, BodyFault, Side, Source};
use crate::message::Headers;

/// A body of these pieces; it never ends, if `endless`.
struct Pieces {
    pieces: VecDeque<Result<Bytes, BodyError>>,
    endless: bool,
}

impl Source for Pieces {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self.pieces.pop_front() {
            None if self.endless => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

fn pieces(pieces: &[&'static str], endless: bool) -> Pieces {
    let pieces = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
    Pieces { pieces, endless }
}

async fn get(upstream: &Upstream) -> Result<Answer, Box<Failure>> {
    upstream.send(&request(Method::Get), Body::empty(), &terms()).await
}

async fn failure(answer: &'static str) -> Kind {
    let upstream = upstream(servers::saying(answer).await);
    get(&upstream).await.err().expect("no answer was expected").kind
}

async fn broken_body(answer: &'static str) -> BodyError {
    let upstream = upstream(servers::saying(answer).await);
    let answer = get(&upstream).await.unwrap();
    let error = answer.body.collect(1 << 20).await.unwrap_err();
    assert_eq!(upstream.n_idle(), 0);
    assert_eq!(upstream.counters().active.get(), 0);
    error
}

#[test]
fn connections_are_used_again() {
    on_a_core(async {
        let (address, connections) = servers::counting("hello").await;
        let upstream = upstream(address);
        for round in 0..5 {
            let answer = get(&upstream).await.unwrap();
            assert_eq!(answer.timings.reused, round > 0);
            assert_eq!(text(answer).await, (200, "hello".to_owned()));
        }
        assert_eq!(connections.get(), 1);
        assert_eq!((upstream.counters().connects.get(), upstream.counters().reuses.get()), (1, 4));
        assert_eq!(upstream.n_idle(), 1);
    });
}

#[test]
fn what_must_not_be_sent_twice_is_not_lost_with_a_connection_that_closes() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            while !servers::head(&mut stream).await.is_empty() {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                if tokio::time::timeout(Duration::from_millis(3), stream.readable()).await.is_err()
                {
                    return;
                }
            }
        })
        .await;
        let upstream = upstream(address);
        let post = request(Method::Post);
        let mut lost = 0;
        for _ in 0..100 {
            match upstream.send(&post, Body::empty(), &terms()).await {
                Ok(answer) => assert_eq!(text(answer).await, (200, "ok".to_owned())),
                Err(_) => lost += 1,
            }
            // Just when the endpoint closes.
            sleep(Duration::from_millis(3)).await;
        }
        assert!(lost <= 1, "one tells how long it waits: {lost}");
    });
}

#[test]
fn a_connection_in_steady_use_carries_what_must_not_be_sent_twice() {
    on_a_core(async {
        let (address, connections) = servers::counting("hello").await;
        let upstream = upstream(address);
        for _ in 0..5 {
            let answer = upstream.send(&request(Method::Post), Body::empty(), &terms()).await;
            text(answer.unwrap()).await;
        }
        assert_eq!(connections.get(), 1);
    });
}

#[test]
fn an_endpoint_is_asked_for_its_own_host_where_nobody_names_one() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            let head = servers::head(&mut stream).await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let upstream = upstream(address);
        let nameless = Request::new(Method::Get, Target::new(Scheme::Http, b"", b"/").unwrap());
        let answer = upstream.send(&nameless, Body::empty(), &terms()).await.unwrap();
        let (_, head) = text(answer).await;
        assert!(head.contains(&format!("\r\nHost: {address}\r\n")), "{head}");
    });
}

#[test]
fn a_dropped_body_closes_its_connection() {
    on_a_core(async {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello";
        let upstream = upstream(servers::saying(answer).await);
        let answer = get(&upstream).await.unwrap();
        assert_eq!(upstream.counters().active.get(), 1);
        drop(answer);
        assert_eq!((upstream.counters().active.get(), upstream.n_idle()), (0, 0));
    });
}

#[test]
fn the_request_is_written_once_and_whole() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            let seen = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let expected = "POST /a?b=c HTTP/1.1\r\nHost: users.example\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello";
            assert_eq!(seen, expected, "in one piece");
            stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        })
        .await;
        let mut post = request(Method::Post);
        post.headers.append("X-A", "1").unwrap();
        post.headers.append("Keep-Alive", "timeout=5").unwrap();
        let answer = upstream(address).send(&post, Body::full("hello"), &terms()).await.unwrap();
        assert_eq!(text(answer).await, (201, String::new()));
    });
}

#[test]
fn bodies_of_unknown_length_are_chunked_both_ways() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            let head = servers::head(&mut stream).await.to_lowercase();
            assert!(head.contains("transfer-encoding: chunked"), "{head}");
            let mut body = Vec::new();
            while !body.ends_with(b"0\r\n\r\n") {
                body.push(stream.read_u8().await.unwrap());
            }
            assert!(
                body.starts_with(b"3\r\nabc\r\n4e20\r\n"),
                "{}",
                String::from_utf8_lossy(&body[..20])
            );
            for part in [
                "HTTP/1.1 200 OK\r\nTrans",
                "fer-Encoding: chunked\r\n\r\n",
                "3;x=y\r\nab",
                "c\r\n0\r\nX-T: 1\r\n",
                "\r\n",
            ] {
                stream.write_all(part.as_bytes()).await.unwrap();
                sleep(Duration::from_millis(5)).await;
            }
            assert!(servers::head(&mut stream).await.is_empty());
        })
        .await;
        let upstream = upstream(address);
        let mut body = pieces(&["abc"], false);
        body.pieces.push_back(Ok(Bytes::from(vec![b'x'; 20_000])));
        let body = Body::source(body, None);
        let mut answer = upstream.send(&request(Method::Post), body, &terms()).await.unwrap();
        assert_eq!(answer.body.content_length(), None);
        let mut all = Vec::new();
        while let Some(chunk) = answer.body.next().await {
            all.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(all, b"abc");
        assert_eq!(answer.body.take_trailers().unwrap().text("x-t"), Some("1"));
        assert_eq!(upstream.n_idle(), 1);
    });
}

#[test]
fn large_bodies_flow_both_ways_at_once() {
    on_a_core(async {
        const SIZE: usize = 8 << 20;
        let address = servers::scripted(|_, mut stream| async move {
            servers::head(&mut stream).await;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // An echo: it stalls unless both sides move.
            let (mut read, mut write) = stream.split();
            let mut read = (&mut read).take(SIZE as u64);
            tokio::io::copy(&mut read, &mut write).await.unwrap();
            sleep(Duration::from_secs(5)).await;
        })
        .await;
        let upstream = upstream(address);
        let pieces = (0..SIZE / 65536).map(|n| Ok(Bytes::from(vec![n as u8; 65536]))).collect();
        let body = Body::source(Pieces { pieces, endless: false }, Some(SIZE as u64));
        let answer = upstream.send(&request(Method::Put), body, &terms()).await.unwrap();
        let all = answer.body.collect(SIZE).await.unwrap();
        assert_eq!(all.len(), SIZE);
        assert!(
            all.chunks(65536)
                .enumerate()
                .all(|(n, piece)| piece.iter().all(|byte| *byte == n as u8))
        );
        assert_eq!(upstream.n_idle(), 1, "the request was sent to its end meanwhile");
    });
}

#[test]
fn an_answer_may_come_byte_by_byte() {
    on_a_core(async {
        let answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n";
        let address = servers::scripted(move |_, mut stream| async move {
            stream.set_nodelay(true).unwrap();
            while !servers::head(&mut stream).await.is_empty() {
                for byte in answer.bytes() {
                    stream.write_all(&[byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        })
        .await;
        let upstream = upstream(address);
        for _ in 0..3 {
            assert_eq!(text(get(&upstream).await.unwrap()).await, (200, "abcd".to_owned()));
        }
        assert_eq!(upstream.counters().connects.get(), 1);
    });
}

#[test]
fn answers_without_content_keep_the_connection() {
    on_a_core(async {
        let address = servers::scripted(|number, mut stream| async move {
            assert_eq!(number, 0, "one connection is enough");
            for answer in [
                "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
                "HTTP/1.1 204 No Content\r\n\r\n",
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
                "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ] {
                servers::head(&mut stream).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        })
        .await;
        let upstream = upstream(address);
        for (method, status) in
            [(Method::Head, 200), (Method::Get, 204), (Method::Get, 304), (Method::Get, 200)]
        {
            let answer = upstream.send(&request(method), Body::empty(), &terms()).await.unwrap();
            assert_eq!(text(answer).await, (status, String::new()));
        }
    });
}

#[test]
fn connections_that_end_with_the_answer_are_not_kept() {
    on_a_core(async {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n",
        ] {
            let upstream = upstream(servers::saying(answer).await);
            assert_eq!(text(get(&upstream).await.unwrap()).await, (200, "hi".to_owned()));
            assert_eq!(upstream.n_idle(), 0, "{answer}");
        }
    });
}

/// A server which answers once on each connection and closes the first when it is used again.
async fn forgetful() -> SocketAddr {
    servers::scripted(|number, mut stream| async move {
        servers::head(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        servers::head(&mut stream).await;
    })
    .await
}

#[test]
fn a_connection_closed_at_reuse_is_replaced_once() {
    on_a_core(async {
        let upstream = upstream(forgetful().await);
        assert_eq!(text(get(&upstream).await.unwrap()).await.1, "0");
        let put = upstream.send(&request(Method::Put), Body::full("x"), &terms()).await.unwrap();
        assert_eq!(text(put).await.1, "1");
        assert_eq!(upstream.counters().reopened.get(), 1);
        assert_eq!(upstream.counters().requests.get(), 2);
    });
}

#[test]
fn what_is_not_idempotent_is_not_sent_twice() {
    on_a_core(async {
        let upstream = upstream(forgetful().await);
        text(get(&upstream).await.unwrap()).await;
        let post = upstream.send(&request(Method::Post), Body::full("x"), &terms()).await;
        let failure = post.err().unwrap();
        assert!(matches!(failure.kind, Kind::Reset(_)) && failure.sent);
        assert_eq!(failure.cause(), Some(Cause::Reset));
    });
}

#[test]
fn a_streamed_body_is_not_sent_twice() {
    on_a_core(async {
        let upstream = upstream(forgetful().await);
        text(get(&upstream).await.unwrap()).await;
        let body = Body::source(pieces(&["a", "b"], false), None);
        let failure = upstream.send(&request(Method::Put), body, &terms()).await.err().unwrap();
        assert!(matches!(failure.kind, Kind::Reset(_)) && failure.body.is_none());
    });
}

#[test]
fn half_an_answer_is_not_tried_again() {
    on_a_core(async {
        let address = servers::scripted(|number, mut stream| async move {
            assert_eq!(number, 0);
            servers::head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            servers::head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 20").await.unwrap();
        })
        .await;
        let upstream = upstream(address);
        text(get(&upstream).await.unwrap()).await;
        let failure = get(&upstream).await.err().unwrap();
        assert!(matches!(failure.kind, Kind::Reset(_)) && failure.body.is_none());
    });
}

#[test]
fn closed_idle_connections_are_noticed_before_they_are_used() {
    on_a_core(async {
        let upstream =
            upstream(servers::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await);
        text(get(&upstream).await.unwrap()).await;
        sleep(Duration::from_millis(20)).await;
        let post = upstream.send(&request(Method::Post), Body::full("x"), &terms()).await;
        assert_eq!(text(post.unwrap()).await.0, 200);
        assert_eq!(upstream.counters().reopened.get(), 0);
        sleep(Duration::from_millis(20)).await;
        upstream.sweep();
        assert_eq!(upstream.n_idle(), 0);
    });
}

#[test]
fn idle_connections_get_old() {
    on_a_core(async {
        let address = servers::answering("x").await;
        let timeouts = Timeouts { keep: Duration::from_millis(20), ..Timeouts::default() };
        let upstream = upstream_of(UpstreamConfig { timeouts, ..config(&[address]) });
        text(get(&upstream).await.unwrap()).await;
        upstream.sweep();
        assert_eq!(upstream.n_idle(), 1);
        sleep(Duration::from_millis(30)).await;
        upstream.sweep();
        assert_eq!(upstream.n_idle(), 0);
    });
}

#[test]
fn an_early_answer_is_heard_while_the_request_still_goes_up() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            servers::head(&mut stream).await;
            let answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
            stream.write_all(answer).await.unwrap();
            sleep(Duration::from_secs(5)).await;
        })
        .await;
        let upstream = upstream(address);
        let body = Body::source(pieces(&["a"], true), None);
        let answer = upstream.send(&request(Method::Post), body, &terms()).await.unwrap();
        assert_eq!(text(answer).await, (413, "big".to_owned()));
        assert_eq!(upstream.n_idle(), 0, "the connection is in the middle of a request");
    });
}

#[test]
fn a_connection_that_ends_with_an_early_answer_is_not_kept() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            servers::head(&mut stream).await;
            let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n";
            stream.write_all(head).await.unwrap();
            let mut body = [0; 4];
            stream.read_exact(&mut body).await.unwrap();
            stream.write_all(b"yes").await.unwrap();
            sleep(Duration::from_secs(5)).await;
        })
        .await;
        let upstream = upstream(address);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let body = Body::source(Late(receiver), Some(4));
        let answer = upstream.send(&request(Method::Post), body, &terms()).await.unwrap();
        sender.send(Bytes::from_static(b"late")).unwrap();
        assert_eq!(text(answer).await, (200, "yes".to_owned()));
        assert_eq!(upstream.n_idle(), 0);
    });
}

/// One piece, when it comes.
struct Late(tokio::sync::oneshot::Receiver<Bytes>);

impl Source for Late {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.0.is_terminated() {
            return Poll::Ready(None);
        }
        std::pin::Pin::new(&mut self.0).poll(cx).map(|piece| piece.ok().map(Ok))
    }
}

#[test]
fn an_answer_is_heard_though_the_endpoint_takes_no_more() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            servers::head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            // It reads a while before it closes, as a good server does.
            let mut rest = vec![0; 65536];
            for _ in 0..100 {
                let _ =
                    tokio::time::timeout(Duration::from_millis(1), stream.read(&mut rest)).await;
            }
        })
        .await;
        let pieces = (0..1000).map(|_| Ok(Bytes::from(vec![0; 65536]))).collect();
        let body = Body::source(Pieces { pieces, endless: true }, None);
        let answer = upstream(address).send(&request(Method::Post), body, &terms()).await.unwrap();
        assert_eq!(answer.response.status, 403);
    });
}

#[test]
fn the_body_waits_for_100_continue() {
    on_a_core(async {
        let address = servers::scripted(|number, mut stream| async move {
            servers::head(&mut stream).await;
            let early = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
            assert!(early.is_err(), "the body must wait");
            match number {
                0 => stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap(),
                1 => {
                    return stream
                        .write_all(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
                        .await
                        .unwrap();
                }
                // This one has never heard of it.
                _ => {}
            }
            let mut body = [0; 5];
            stream.read_exact(&mut body).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
            stream.write_all(&[answer, &body[..]].concat()).await.unwrap();
        })
        .await;
        let upstream = upstream(address);
        let mut post = request(Method::Post);
        post.headers.append("Expect", "100-continue").unwrap();
        for expected in [(200, "hello"), (417, ""), (200, "hello")] {
            let answer = upstream.send(&post, Body::full("hello"), &terms()).await.unwrap();
            let (status, body) = text(answer).await;
            assert_eq!((status, &*body), expected);
            assert_eq!(upstream.n_idle(), 0);
        }
    });
}

#[test]
fn an_upgrade_hands_over_the_connection_and_what_was_read() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            let head = servers::head(&mut stream).await;
            assert!(head.contains("Connection: upgrade\r\n") && head.contains("Upgrade: echo\r\n"), "{head}");
            let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhi";
            stream.write_all(answer).await.unwrap();
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.unwrap();
        })
        .await;
        let upstream = upstream(address);
        let upgrade = Upgrade { protocol: "echo".to_owned() };
        let terms = Terms { upgrade: Some(&upgrade), ..terms() };
        let answer = upstream.send(&request(Method::Get), Body::empty(), &terms).await.unwrap();
        assert_eq!(answer.response.status, 101);
        assert_eq!(answer.response.headers.text("upgrade"), Some("echo"));
        let mut tunnel = answer.tunnel.unwrap();
        assert_eq!(&tunnel.read_ahead[..], b"hi");
        tunnel.io.write_all(b"ping").await.unwrap();
        let mut echo = [0; 4];
        tunnel.io.read_exact(&mut echo).await.unwrap();
        assert_eq!(&echo, b"ping");
        assert_eq!(upstream.counters().active.get(), 1);
        drop(tunnel);
        assert_eq!((upstream.counters().active.get(), upstream.n_idle()), (0, 0));
    });
}

#[test]
fn an_upgrade_may_be_declined_and_may_not_be_forced() {
    on_a_core(async {
        let upgrade = Upgrade { protocol: "echo".to_owned() };
        let terms = Terms { upgrade: Some(&upgrade), ..terms() };
        let upstream = upstream(servers::answering("no").await);
        let answer = upstream.send(&request(Method::Get), Body::empty(), &terms).await.unwrap();
        assert!(answer.tunnel.is_none());
        assert_eq!(text(answer).await, (200, "no".to_owned()));

        let forced = failure("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").await;
        assert!(matches!(forced, Kind::Malformed(_)));
        let other = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo, other\r\n\r\n";
        let upstream = super::upstream(servers::saying(other).await);
        let answer = upstream.send(&request(Method::Get), Body::empty(), &terms).await;
        assert!(matches!(answer.err().unwrap().kind, Kind::Malformed(_)), "nobody offered `other`");
    });
}

#[test]
fn what_is_no_answer_is_refused() {
    on_a_core(async {
        for answer in [
            "garbage\r\n\r\n",
            "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 999 No\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\n",
        ] {
            assert!(matches!(failure(answer).await, Kind::Malformed(_)), "{answer}");
        }
        assert!(matches!(failure("").await, Kind::Reset(_)));
        assert!(matches!(failure("HTTP/1.1 200 O").await, Kind::Reset(_)));
        let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000)).leak();
        assert!(matches!(failure(large).await, Kind::Malformed(_)));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(300)).leak();
        assert!(matches!(failure(many).await, Kind::Malformed(_)));
        let chatty = "HTTP/1.1 102 Processing\r\n\r\n".repeat(20).leak();
        assert!(matches!(failure(chatty).await, Kind::Malformed(_)));
    });
}

#[test]
fn broken_bodies_say_what_broke() {
    on_a_core(async {
        let cut = broken_body("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
        assert_eq!(cut, BodyError::closed(Side::Upstream));
        let cut =
            broken_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
                .await;
        assert_eq!(cut, BodyError::closed(Side::Upstream));
        let bad =
            broken_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n")
                .await;
        assert!(matches!(bad, BodyError { side: Side::Upstream, fault: BodyFault::Malformed(_) }));
    });
}

#[test]
fn a_client_s_broken_body_is_the_client_s_fault() {
    on_a_core(async {
        let address = servers::silent().await;
        for (mut source, length) in [
            (pieces(&["abc"], false), Some(10)),
            (pieces(&["abc", "defghijklm"], false), Some(5)),
            (pieces(&["abc"], false), None),
        ] {
            if length.is_none() {
                source.pieces.push_back(Err(BodyError::closed(Side::Client)));
            }
            let upstream = upstream(address);
            let body = Body::source(source, length);
            let sent = upstream.send(&request(Method::Put), body, &terms()).await;
            let failure = sent.err().unwrap();
            assert!(matches!(failure.kind, Kind::RequestBody(_)), "{:?}", failure.kind);
            assert_eq!(failure.kind.fault(), Fault::Client);
            assert_eq!(failure.cause(), None);
        }
    });
}

#[test]
fn every_wait_is_bounded() {
    on_a_core(async {
        let soon = Duration::from_millis(40);
        let get = request(Method::Get);

        let silent = upstream(servers::silent().await);
        let mut first_byte = terms();
        first_byte.timeouts.first_byte = soon;
        let failure = silent.send(&get, Body::empty(), &first_byte).await.err().unwrap();
        assert!(matches!(failure.kind, Kind::FirstByteTimeout) && failure.sent);

        let mut total = terms();
        total.timeouts.total = soon;
        let failure = silent.send(&get, Body::empty(), &total).await.err().unwrap();
        assert!(matches!(failure.kind, Kind::TotalTimeout));

        let address = servers::scripted(|_, mut stream| async move {
            servers::head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n").await.unwrap();
            for _ in 0..100 {
                sleep(Duration::from_millis(15)).await;
                if stream.write_all(b"x").await.is_err() {
                    return;
                }
            }
        })
        .await;
        let trickling = upstream(address);
        let answer = trickling.send(&get, Body::empty(), &total).await.unwrap();
        assert_eq!(answer.body.collect(100).await, Err(BodyError::timeout(Side::Upstream)));

        let mut idle = terms();
        idle.timeouts.idle = Duration::from_millis(5);
        let answer = trickling.send(&get, Body::empty(), &idle).await.unwrap();
        assert_eq!(answer.body.collect(100).await, Err(BodyError::timeout(Side::Upstream)));
        assert_eq!(trickling.counters().active.get(), 0);
    });
}

#[test]
fn times_beyond_all_measure_are_no_trouble() {
    on_a_core(async {
        let upstream = upstream(servers::answering("x").await);
        let ages = Duration::MAX;
        let timeouts = Timeouts {
            queue: ages,
            connect: ages,
            first_byte: ages,
            total: ages,
            idle: ages,
            keep: ages,
        };
        let terms = Terms { timeouts, ..terms() };
        let answer = upstream.send(&request(Method::Get), Body::empty(), &terms).await.unwrap();
        assert_eq!(text(answer).await.1, "x");
        upstream.sweep();
    });
}

#[test]
fn a_request_given_up_leaves_nothing_behind() {
    on_a_core(async {
        let upstream = upstream(servers::silent().await);
        let request = request(Method::Get);
        let terms = terms();
        let gone = tokio::time::timeout(
            Duration::from_millis(20),
            upstream.send(&request, Body::empty(), &terms),
        );
        assert!(gone.await.is_err());
        assert_eq!((upstream.counters().active.get(), upstream.n_idle()), (0, 0));
    });
}

#[test]
fn an_early_answer_that_closes_is_not_kept_once_the_request_is_sent() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            servers::head(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\none";
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut body = Vec::new();
            while !body.ends_with(b"0\r\n\r\n") {
                body.push(stream.read_u8().await.unwrap());
            }
            sleep(Duration::from_millis(5)).await;
            stream.write_all(b"two").await.unwrap();
            std::future::pending::<()>().await;
        })
        .await;
        let upstream = upstream(address);
        struct Late(tokio::sync::mpsc::UnboundedReceiver<Bytes>);
        impl Source for Late {
            fn poll_chunk(
                &mut self,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Result<Bytes, BodyError>>> {
                self.0.poll_recv(cx).map(|chunk| chunk.map(Ok))
            }
        }
        let (send, late) = tokio::sync::mpsc::unbounded_channel();
        send.send(Bytes::from_static(b"a")).unwrap();
        let body = Body::source(Late(late), None);
        let mut answer = upstream.send(&request(Method::Post), body, &terms()).await.unwrap();
        assert_eq!(answer.body.next().await, Some(Ok(Bytes::from_static(b"one"))));
        drop(send);
        assert_eq!(answer.body.next().await, Some(Ok(Bytes::from_static(b"two"))));
        assert_eq!(answer.body.next().await, None);
        assert_eq!(upstream.n_idle(), 0);
    });
}

#[test]
fn a_connection_whose_204_announced_content_is_not_kept() {
    on_a_core(async {
        for (length, kept) in [(0, 1), (3, 0)] {
            let address = servers::scripted(move |_, mut stream| async move {
                servers::head(&mut stream).await;
                let head = format!("HTTP/1.1 204 No Content\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                std::future::pending::<()>().await;
            })
            .await;
            let upstream = upstream(address);
            assert_eq!(text(get(&upstream).await.unwrap()).await, (204, String::new()));
            assert_eq!(upstream.n_idle(), kept, "{length}");
        }
    });
}

#[test]
fn trailers_of_a_request_stay_here() {
    on_a_core(async {
        let address = servers::scripted(|_, mut stream| async move {
            servers::head(&mut stream).await;
            let mut body = String::new();
            while !body.ends_with("\r\n\r\n") {
                body.push(char::from(stream.read_u8().await.unwrap()));
            }
            assert_eq!(body, "3\r\nabc\r\n0\r\n\r\n");
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        })
        .await;
        let mut trailers = Headers::new();
        trailers.append("x-user", "root").unwrap();
        let body = Body::source(pieces(&["abc"], false), None).with_trailers(trailers);
        let answer = upstream(address).send(&request(Method::Post), body, &terms()).await.unwrap();
        assert_eq!(text(answer).await, (200, String::new()));
    });
}
