//! The operator's door: health, readiness, metrics, the running policy's hash. It has a thread of its own, so that it
//! answers while cores are busy, and it changes nothing.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::telemetry::text;

/// What the door shows.
pub(crate) trait Report: Send + Sync + 'static {
    /// Whether new connections are welcome.
    fn is_ready(&self) -> bool;
    /// The page of metrics.
    fn metrics(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>>;
    /// The running policy.
    fn policy(&self) -> serde_json::Value;
}

/// The running door; it closes when dropped.
#[derive(Debug)]
pub(crate) struct Admin {
    address: SocketAddr,
    socket: std::net::TcpListener,
    leave: Arc<Notify>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Connections at a time; more wait.
const CONNECTIONS: usize = 32;
/// How long a connection may last.
const LIFE: Duration = Duration::from_secs(60);
/// How long a request's head may take, and a connection may idle.
const HEAD: Duration = Duration::from_secs(10);

/// Serves `report` at `address`: on the socket `taken` from another process, if it listens there.
pub(crate) fn start(
    address: SocketAddr,
    taken: Option<std::net::TcpListener>,
    report: Arc<dyn Report>,
) -> io::Result<Admin> {
    let cannot = |error: io::Error| {
        let reason = crate::listen::why_not(&error);
        io::Error::new(error.kind(), format!("cannot serve the admin API at `{address}`: {reason}"))
    };
    let is_there = |socket: &std::net::TcpListener| {
        let there = socket.local_addr().ok();
        there.is_some_and(|there| {
            there.ip() == address.ip() && [0, there.port()].contains(&address.port())
        })
    };
    let socket = match taken.filter(is_there) {
        Some(socket) => socket,
        None => std::net::TcpListener::bind(address).map_err(cannot)?,
    };
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let (leave, own) = (Arc::new(Notify::new()), socket.try_clone()?);
    let left = leave.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("gw-admin".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = stopped => {}
                () = accept(own, left, report) => {}
            }
        });
        runtime.shutdown_background();
    })?;
    Ok(Admin { address, socket, leave, stop: Some(stop), thread: Some(thread) })
}

impl Admin {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Admin {
    /// Its socket once more.
    pub(crate) fn lend(&self) -> io::Result<std::net::TcpListener> {
        self.socket.try_clone()
    }

    /// Takes no more connections; those that are there are served on.
    pub(crate) fn leave(&self) {
        self.leave.notify_one();
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(socket: std::net::TcpListener, leave: Arc<Notify>, report: Arc<dyn Report>) {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the admin API is not served"),
    };
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let mut spare = listener.as_fd().try_clone_to_owned().ok();
    loop {
        let Ok(seat) = seats.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = leave.notified() => return std::future::pending().await,
        };
        match accepted {
            Ok((stream, _)) => {
                let report = report.clone();
                tokio::spawn(async move {
                    let _seat = seat;
                    let _ = tokio::time::timeout(LIFE, serve(stream, report)).await;
                });
            }
            // Where the process has no file left, the spare one makes place for the next try.
            Err(_) if spare.take().is_some() => continue,
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        if spare.is_none() {
            spare = listener.as_fd().try_clone_to_owned().ok();
        }
    }
}

async fn serve(stream: TcpStream, report: Arc<dyn Report>) {
    let service = service_fn(move |request| {
        let report = report.clone();
        async move { Ok::<_, Infallible>(answer(request, &*report).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "an admin connection failed");
    }
}

async fn answer(request: Request<Incoming>, report: &dyn Report) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let (status, kind, body) = match request.uri().path() {
        "/healthz" | "/readyz" | "/metrics" | "/policy" if !is_read(request.method()) => {
            let mut refused =
                page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "405 Method Not Allowed\n".into());
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        "/healthz" => (StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" if report.is_ready() => (StatusCode::OK, TEXT, "ready\n".to_owned()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, TEXT, "not ready\n".to_owned()),
        "/metrics" => (StatusCode::OK, text::CONTENT_TYPE, report.metrics().await),
        "/policy" => (StatusCode::OK, "application/json", format!("{}\n", report.policy())),
        _ => (StatusCode::NOT_FOUND, TEXT, "404 Not Found\n".to_owned()),
    };
    page(status, kind, body)
}

fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

fn page(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
