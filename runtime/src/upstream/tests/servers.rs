//! Servers for tests: each connection gets a script.

use std::cell::Cell;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

/// A server that runs `script` on each connection, with the connection's number from 0.
pub(super) async fn scripted<F, T>(script: F) -> SocketAddr
where
    F: Fn(usize, TcpStream) -> T + 'static,
    T: Future<Output = ()> + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn_local(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            spawn_local(script(number, stream));
        }
    });
    address
}

/// Answers every request (without content) on kept connections.
pub(super) async fn answering(text: &'static str) -> SocketAddr {
    counting(text).await.0
}

/// The same, and the number of connections so far.
pub(super) async fn counting(text: &'static str) -> (SocketAddr, Rc<Cell<usize>>) {
    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let address = scripted(move |number, mut stream| {
        counted.set(number + 1);
        async move {
            while !head(&mut stream).await.is_empty() {
                let length = text.len();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{text}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    (address, count)
}

/// Accepts and says nothing.
pub(super) async fn silent() -> SocketAddr {
    scripted(|_, stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await
}

/// An address where nobody listens.
pub(super) async fn gone() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Reads a head, byte by byte; empty if the connection was closed instead.
pub(super) async fn head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8(head).unwrap()
}

/// Answers the first request of each connection with `answer`, then closes.
pub(super) async fn saying(answer: &'static str) -> SocketAddr {
    scripted(move |_, mut stream| async move {
        head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await
}
