//! Long content from socket to socket, both ways, through the whole of HTTP/1.1.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http1::Wire;
use crate::serve::{self, Drain, Handler, Incoming, Outgoing, Protocol, Refusal, Sent};
use crate::transport::ClientTransport;

/// Sends what comes to an upstream, and its answer back.
struct Relay(Rc<Upstream>);

impl Handler for Relay {
    type Ticket = ();

    async fn handle(&self, incoming: Incoming) -> Outgoing<()> {
        let Incoming { body, upgrade, .. } = incoming;
        let terms = Terms { upgrade: upgrade.as_ref(), ..terms() };
        let answer = self.0.send(&request(Method::Post), body, &terms).await;
        let (response, body, tunnel) = match answer {
            Ok(answer) => (answer.response, answer.body, answer.tunnel),
            Err(_) => (Response::new(502), Body::empty(), None),
        };
        Outgoing { response, body, tunnel, ticket: () }
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<()> {
        let (response, body) = refusal.answer();
        Outgoing { response, body, tunnel: None, ticket: () }
    }

    fn finished(&self, (): (), _: Sent) {}
}

/// A connection to a relay in front of `upstream`.
pub(super) async fn relayed(upstream: Rc<Upstream>) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        let (stream, _) = listener.accept().await.unwrap();
        relay(ClientTransport::Plain(stream), upstream).await;
    });
    TcpStream::connect(address).await.unwrap()
}

/// Relays what comes from a client to `upstream`.
pub(super) async fn relay<IO>(client: IO, upstream: Rc<Upstream>)
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let terms = serve::Terms { protocol: Protocol::Auto, scheme: Scheme::Http };
    let (limits, drain, handler) = (Arc::default(), Drain::never(), Relay(upstream));
    serve::serve(client, serve::Service { terms, limits, drain, handler }).await;
}

/// A server that sends back what it gets; `most` bytes of it at most, then it closes.
async fn echoing(most: usize) -> SocketAddr {
    servers::scripted(move |_, mut stream| async move {
        loop {
            let head = servers::head(&mut stream).await;
            let Some(length) = length(&head) else { return };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let (mut left, mut room) = (length, vec![0; 50_000]);
            while left > 0 {
                let count = stream.read(&mut room).await.unwrap();
                if count == 0 || length - left + count > most {
                    return;
                }
                stream.write_all(&room[..count]).await.unwrap();
                left -= count;
            }
        }
    })
    .await
}

fn length(head: &str) -> Option<usize> {
    let line =
        head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-length:"))?;
    line.split(':').nth(1)?.trim().parse().ok()
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Sends content and reads the answer's, which may end early.
async fn exchange(client: &mut TcpStream, sent: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = client.split();
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", sent.len());
    let writing = async {
        write.write_all(head.as_bytes()).await.unwrap();
        // Who answers with less closes.
        let _ = write.write_all(sent).await;
    };
    let reading = async {
        let mut buffer = BytesMut::new();
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert_ne!(read.read_buf(&mut buffer).await.unwrap(), 0, "no answer");
        };
        let head = String::from_utf8(buffer.split_to(end).to_vec()).unwrap();
        let wanted = length(&head).unwrap();
        while buffer.len() < wanted {
            if !matches!(read.read_buf(&mut buffer).await, Ok(1..)) {
                break;
            }
        }
        buffer.to_vec()
    };
    tokio::join!(writing, reading).1
}

#[test]
fn long_content_arrives_as_it_was_sent_and_connections_go_on() {
    on_a_core(async {
        let upstream = upstream(echoing(usize::MAX).await);
        let mut client = relayed(upstream.clone()).await;
        for size in [3_000_000, 10, 70_000, 65_536, 200_000] {
            let sent = content(size);
            let answer = exchange(&mut client, &sent).await;
            assert!(answer == sent, "{size}: {} bytes came back", answer.len());
        }
        assert_eq!((upstream.counters().connects.get(), upstream.n_idle()), (1, 1));
    });
}

#[test]
fn content_that_ends_early_ends_the_connection() {
    on_a_core(async {
        let upstream = upstream(echoing(500_000).await);
        let mut client = relayed(upstream.clone()).await;
        let sent = content(2_000_000);
        let answer = exchange(&mut client, &sent).await;
        assert!(answer.len() < sent.len() && sent.starts_with(&answer));
        assert!(!matches!(client.read(&mut [0; 8]).await, Ok(1..)));
        assert_eq!(upstream.n_idle(), 0);
    });
}

#[test]
fn an_answer_that_breaks_does_not_end_like_a_whole_one() {
    on_a_core(async {
        // Whoever has closed its side waits for a next piece for so long only.
        for (wrong, closes, breaks) in
            [("zz\r\n", false, true), ("0\r\n\r\n", false, false), ("", true, true)]
        {
            let upstream = servers::scripted(move |_, mut stream| async move {
                servers::head(&mut stream).await;
                let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
                stream.write_all(begun.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
                stream.write_all(wrong.as_bytes()).await.unwrap();
                let _ = stream.read_u8().await;
            });
            let mut client = relayed(super::upstream(upstream.await)).await;
            client.write_all(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").await.unwrap();
            if closes {
                client.shutdown().await.unwrap();
            }
            let read = client.read_to_end(&mut Vec::new()).await;
            assert_eq!(read.is_err(), breaks, "{read:?}");
        }
    });
}

#[test]
fn a_wire_takes_what_is_short_and_what_is_long() {
    on_a_core(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut wire = Wire::new(listener.accept().await.unwrap().0);
        let sent = content(300_000);
        let mut came = Vec::new();
        let reading = async {
            while came.len() < sent.len() {
                let count = std::future::poll_fn(|cx| wire.poll_fill(cx, 0)).await.unwrap();
                assert_eq!(count, wire.buffer.len());
                came.extend_from_slice(&wire.buffer.split());
            }
        };
        let writing = async {
            for piece in [&sent[..10], &sent[10..40_000], &sent[40_000..]] {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(reading, writing);
        assert!(came == sent);
    });
}
