//! Interim answers of an upstream on their way to the client.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

use super::passing::{relay, relayed};
use super::*;

const HINT: &str =
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.css>\r\nServer: x\r\n\r\n";

const PAUSE: Duration = Duration::from_millis(20);

/// A server that says `first`, and `then` when it has waited.
async fn saying(first: &'static str, then: &'static str) -> SocketAddr {
    servers::scripted(move |_, mut stream| async move {
        while !servers::head(&mut stream).await.is_empty() {
            stream.write_all(first.as_bytes()).await.unwrap();
            sleep(PAUSE).await;
            // It may have had enough of us.
            let _ = stream.write_all(then.as_bytes()).await;
        }
    })
    .await
}

/// A server of HTTP/2 that says so many hints, and then that all is well.
async fn hinting(hints: usize) -> Rc<Upstream> {
    let address = servers::scripted(move |_, stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut answer))) = connection.accept().await {
            for _ in 0..hints {
                let hint = http::Response::builder().status(103).header("server", "x");
                let hint = hint.header("link", "</a.css>").header("link", "</b.css>");
                answer.send_informational(hint.body(()).unwrap()).unwrap();
            }
            let head = http::Response::builder().header("content-length", 2).body(()).unwrap();
            let mut content = answer.send_response(head, false).unwrap();
            content.send_data("ok".into(), true).unwrap();
        }
    });
    let protocol = Protocol::Http2;
    upstream_of(UpstreamConfig { protocol, ..config(&[address.await]) })
}

/// The frames in `bytes`: what they are, and what they hold.
fn frames(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let (payload, next) = rest.split_at(u32::from_be_bytes([0, *a, *b, *c]) as usize);
        frames.push((*kind, payload));
        bytes = next;
    }
    frames
}

/// A client that takes no more at a time than `room`, before it has sent `text`.
async fn narrow(room: usize, address: SocketAddr, text: &[u8]) -> DuplexStream {
    let (mut client, server) = duplex(room);
    tokio::task::spawn_local(relay(server, upstream(address)));
    client.write_all(text).await.unwrap();
    client
}

/// All that a client is told that reads nothing at first.
async fn slowly(mut client: DuplexStream) -> Vec<u8> {
    sleep(5 * PAUSE).await;
    let mut told = Vec::new();
    let _ = timeout(5 * PAUSE, client.read_to_end(&mut told)).await;
    told
}

/// All that a client is told that sends `text`; without `Date`.
async fn told(address: SocketAddr, text: &str) -> String {
    told_by(upstream(address), text).await
}

async fn told_by(upstream: Rc<Upstream>, text: &str) -> String {
    let mut client = relayed(upstream).await;
    client.write_all(text.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    client.read_to_end(&mut told).await.unwrap();
    let told = String::from_utf8(told).unwrap().replace("\r\n", "\n");
    told.split_inclusive('\n').filter(|line| !line.starts_with("Date: ")).collect()
}

const ASKED: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const FINAL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const TOLD: &str = "HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n\nok";
const HINTED: &str = "HTTP/1.1 103 Early Hints\nlink: </a.css>\nlink: </b.css>\n\n";

#[test]
fn they_are_passed_on_to_who_knows_of_them() {
    on_a_core(async {
        assert_eq!(told(saying(HINT, FINAL).await, ASKED).await, format!("{HINTED}{TOLD}"));
        let both = [HINT, FINAL].concat().leak();
        assert_eq!(told(saying(both, "").await, ASKED).await, format!("{HINTED}{TOLD}"));
        let old = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
        assert_eq!(told(saying(HINT, FINAL).await, old).await, TOLD);
        // The gateway asks for no `100 Continue`, and answers who does.
        let unasked = "HTTP/1.1 100 Continue\r\n\r\n";
        assert_eq!(told(saying(unasked, FINAL).await, ASKED).await, TOLD);
    });
}

#[test]
fn there_is_an_end_to_them() {
    on_a_core(async {
        let told = told(saying(HINT.repeat(50).leak(), FINAL).await, ASKED).await;
        let last = "HTTP/1.1 502 Bad Gateway\nContent-Length: 0\nConnection: close\n\n";
        assert!(told.ends_with(last), "{told}");
        assert_eq!(told.matches("103 Early Hints").count(), 16);
    });
}

#[test]
fn a_client_of_http2_hears_them() {
    on_a_core(async {
        let client = relayed(upstream(saying(HINT, FINAL).await)).await;
        let (mut send, connection) = h2::client::handshake(client).await.unwrap();
        tokio::task::spawn_local(connection);
        let request = http::Request::get("http://a/").body(()).unwrap();
        let (mut answer, _) = send.send_request(request, true).unwrap();
        let hint = std::future::poll_fn(|cx| answer.poll_informational(cx)).await;
        let hint = hint.unwrap().unwrap();
        assert_eq!((hint.status().as_u16(), hint.headers().len()), (103, 2));
        assert_eq!(answer.await.unwrap().status(), 200);
    });
}

#[test]
fn an_upstream_of_http2_says_them_too() {
    on_a_core(async {
        assert_eq!(told_by(hinting(2).await, ASKED).await, format!("{HINTED}{HINTED}{TOLD}"));
        let told = told_by(hinting(17).await, ASKED).await;
        assert!(
            told.ends_with("HTTP/1.1 502 Bad Gateway\nContent-Length: 0\nConnection: close\n\n")
        );
        assert_eq!(told.matches("103 Early Hints").count(), 16);
    });
}

#[test]
fn one_that_was_begun_ends_before_another_protocol_begins() {
    on_a_core(async {
        const SWITCH: &str =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes";
        let asks = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
        let mut client = narrow(32, saying(HINT, SWITCH).await, asks.as_bytes()).await;
        // Half of the hint has been written when the answer comes.
        sleep(3 * PAUSE).await;
        let (mut told, mut room) = (Vec::new(), [0; 256]);
        while !told.ends_with(b"bytes") {
            let count = client.read(&mut room).await.unwrap();
            told.extend_from_slice(&room[..count]);
        }
        let told = String::from_utf8(told).unwrap().replace("\r\n", "\n");
        let switched = "HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: upgrade\n\nbytes";
        assert_eq!(told, format!("{HINTED}{switched}"));
    });
}

#[test]
fn who_does_not_take_them_goes_without() {
    on_a_core(async {
        let long = format!("HTTP/1.1 103 Early Hints\r\nLink: </{}>\r\n\r\n", "a".repeat(15_000));
        let server = saying(long.repeat(16).leak(), FINAL).await;
        let client = narrow(512, server, ASKED.as_bytes()).await;
        let told = slowly(client).await;
        let told = String::from_utf8_lossy(&told);
        assert!((1..16).contains(&told.matches("103 Early Hints").count()));
        assert!(told.ends_with("ok"));

        // A connection of HTTP/2, and a request.
        const ASKED_OF_TWO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
            \0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x";
        let client = narrow(512, server, ASKED_OF_TWO).await;
        let told = slowly(client).await;
        let frames = frames(&told);
        // That of the answer is one of them.
        let heads = frames.iter().filter(|(kind, _)| *kind == 1).count();
        assert!((2..17).contains(&heads), "{heads}");
        assert!(frames.contains(&(0, b"ok")));
    });
}
