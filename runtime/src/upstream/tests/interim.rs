//! Interim answers of an upstream on their way to the client.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::passing::relayed;
use super::*;

const HINT: &str =
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.css>\r\nServer: x\r\n\r\n";

/// A server that says `first`, and `then` when it has waited.
async fn saying(first: &'static str, then: &'static str) -> SocketAddr {
    servers::scripted(move |_, mut stream| async move {
        while !servers::head(&mut stream).await.is_empty() {
            stream.write_all(first.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            // It may have had enough of us.
            let _ = stream.write_all(then.as_bytes()).await;
        }
    })
    .await
}

/// All that a client is told that sends `text`; without `Date`.
async fn told(address: SocketAddr, text: &str) -> String {
    let mut client = relayed(upstream(address)).await;
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
