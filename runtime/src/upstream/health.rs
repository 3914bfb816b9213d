//! Active health checks: endpoints are asked from one place, and every core reads what came of it.
//! hyper asks: nothing here is on a request's path.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::config::{HealthConfig, Protocol};
use super::connect::{Socket, connect};
use super::endpoint::{Endpoint, Health};
use super::failure::Kind;
use super::group::Group;

/// A head larger than this is no good answer.
const MOST_HEAD: usize = 64 * 1024;

/// How an endpoint did lately. It starts unknown, which counts as usable: an endpoint that has just been added,
/// or a gateway that has just started, should not refuse what would have worked. From unknown, the first good
/// answer is enough and `fall` bad ones are needed; afterwards `rise` and `fall` in a row.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Pulse {
    health: Health,
    /// Answers in a row that speak against `health`.
    streak: u32,
}

impl Pulse {
    /// Takes in one answer; says whether the health has changed.
    fn beat(&mut self, good: bool, rise: u32, fall: u32) -> bool {
        let (next, needed) = match (self.health, good) {
            (Health::Unknown, true) => (Health::Healthy, 1),
            (Health::Unhealthy, true) => (Health::Healthy, rise.max(1)),
            (Health::Unknown | Health::Healthy, false) => (Health::Unhealthy, fall.max(1)),
            (Health::Healthy, true) | (Health::Unhealthy, false) => {
                self.streak = 0;
                return false;
            }
        };
        self.streak += 1;
        if self.streak < needed {
            return false;
        }
        *self = Pulse { health: next, streak: 0 };
        true
    }
}

/// Has every endpoint of `group` asked, each by a task of its own, until the group is gone.
pub(super) async fn watch(group: Weak<Group>) {
    let Some(mut news) = group.upgrade().map(|group| group.news()) else { return };
    // Dropping the set ends its tasks.
    let mut tasks = JoinSet::new();
    let mut asked: HashMap<(SocketAddr, Arc<str>), AbortHandle> = HashMap::new();
    loop {
        let Some(strong) = group.upgrade() else { return };
        let set = strong.endpoints();
        asked.retain(|(address, host), task| {
            let stays = set.list.iter().any(|one| one.address == *address && one.host == *host);
            if !stays {
                task.abort();
            }
            stays
        });
        let connector = strong.tls.as_ref().map(|client| client.connector());
        for endpoint in &set.list {
            asked.entry((endpoint.address, endpoint.host.clone())).or_insert_with(|| {
                tasks.spawn(ask_on(group.clone(), endpoint.clone(), connector.clone()))
            });
        }
        drop(strong);
        while tasks.try_join_next().is_some() {}
        if news.changed().await.is_err() {
            return;
        }
    }
}

/// Asks one endpoint over and over.
async fn ask_on(group: Weak<Group>, endpoint: Arc<Endpoint>, connector: Option<TlsConnector>) {
    let Some(config) = group.upgrade().and_then(|group| group.config.health.clone()) else {
        return;
    };
    let mut pulse = Pulse { health: endpoint.health(), streak: 0 };
    // The first questions are spread, so that a thousand endpoints are not asked in one breath.
    sleep(config.every.min(Duration::from_secs(1)).mul_f64(fastrand::f64())).await;
    loop {
        let Some(strong) = group.upgrade() else { return };
        let answer = timeout(config.timeout, ask(&strong, &config, &endpoint, connector.as_ref()));
        let answer = answer.await.unwrap_or_else(|_| Some(Err("no answer in time".to_owned())));
        if let Some(answer) = answer
            && pulse.beat(answer.is_ok(), config.rise, config.fall)
        {
            endpoint.set_health(pulse.health);
            let (upstream, address) = (&*strong.config.name, endpoint.address);
            match answer {
                Ok(()) => tracing::info!(upstream, %address, "endpoint healthy"),
                Err(reason) => tracing::warn!(upstream, %address, reason, "endpoint unhealthy"),
            }
        }
        drop(strong);
        sleep(config.every.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
    }
}

/// One question on a connection of its own: it should also notice when no new one can be made. Nothing, where it is us
/// who cannot ask.
async fn ask(
    group: &Group,
    config: &HealthConfig,
    endpoint: &Endpoint,
    connector: Option<&TlsConnector>,
) -> Option<Result<(), String>> {
    let http2 = group.config.protocol == Protocol::Http2;
    let alpn = http2.then_some(&b"h2"[..]);
    let tls = group.tls.as_ref().zip(connector);
    match connect(endpoint, tls, alpn).await {
        Ok(socket) => Some(ask_over(socket, group, config, endpoint).await),
        Err(Kind::Files(_)) => None,
        Err(error) => Some(Err(error.to_string())),
    }
}

async fn ask_over(
    socket: Socket,
    group: &Group,
    config: &HealthConfig,
    endpoint: &Endpoint,
) -> Result<(), String> {
    let http2 = group.config.protocol == Protocol::Http2;
    let request = question(group, config, endpoint, http2)?;
    let failed = |error: hyper::Error| error.to_string();
    let mut driver = JoinSet::new();
    let response = if http2 {
        let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        let (mut sender, connection) =
            builder.handshake(TokioIo::new(socket)).await.map_err(failed)?;
        driver.spawn(connection);
        sender.send_request(request).await.map_err(failed)?
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MOST_HEAD)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(failed)?;
        driver.spawn(connection);
        sender.send_request(request).await.map_err(failed)?
    };
    let (first, last) = config.expect;
    let status = response.status().as_u16();
    if (first..=last).contains(&status) { Ok(()) } else { Err(format!("status {status}")) }
}

fn question(
    group: &Group,
    config: &HealthConfig,
    endpoint: &Endpoint,
    http2: bool,
) -> Result<http::Request<Empty<Bytes>>, String> {
    let host = match &group.config.host {
        Some(host) => host.to_string(),
        None => endpoint.authority(),
    };
    let builder = http::Request::builder()
        .method(&*config.method)
        .header("user-agent", concat!("gw-health/", env!("CARGO_PKG_VERSION")));
    let builder = if http2 {
        let scheme = if group.tls.is_some() { "https" } else { "http" };
        builder.uri(format!("{scheme}://{host}{}", config.path))
    } else {
        builder.uri(&*config.path).header("host", host)
    };
    builder.body(Empty::new()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::upstream::config::{Server, UpstreamConfig};

    #[test]
    fn a_pulse_needs_rise_and_fall() {
        let mut pulse = Pulse { health: Health::Unknown, streak: 0 };
        let mut beats = |answers: &str| {
            for answer in answers.chars() {
                pulse.beat(answer == '+', 2, 3);
            }
            pulse.health
        };
        assert_eq!(beats("--"), Health::Unknown);
        assert_eq!(beats("+"), Health::Healthy, "one good answer ends not knowing");
        assert_eq!(beats("--+--"), Health::Healthy, "not in a row");
        assert_eq!(beats("-"), Health::Unhealthy);
        assert_eq!(beats("+-+"), Health::Unhealthy);
        assert_eq!(beats("+"), Health::Healthy);
    }

    /// A server which answers every connection with the status of the moment; 0 is silence.
    async fn server(status: Arc<AtomicU16>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let status = status.load(Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut head = [0; 1024];
                    let length = stream.read(&mut head).await.unwrap();
                    assert!(head[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"));
                    if status == 0 {
                        std::future::pending::<()>().await;
                    }
                    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                });
            }
        });
        address
    }

    async fn until(endpoint: &Endpoint, health: Health) {
        timeout(Duration::from_secs(5), async {
            while endpoint.health() != health {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn endpoints_fall_and_rise() {
        let status = Arc::new(AtomicU16::new(200));
        let address = server(status.clone()).await;
        let health = HealthConfig {
            path: "/healthz".into(),
            every: Duration::from_millis(20),
            timeout: Duration::from_millis(200),
            ..HealthConfig::default()
        };
        let servers = vec![Server::parse(&address.to_string(), 1).unwrap()];
        let config =
            UpstreamConfig { health: Some(health), ..UpstreamConfig::of("users", servers) };
        let group = Group::build(config, None).unwrap();
        let endpoint = group.endpoints().list[0].clone();
        assert!(endpoint.is_usable());
        group.tend();
        until(&endpoint, Health::Healthy).await;
        for bad in [500, 0, 301] {
            status.store(bad, Ordering::Relaxed);
            until(&endpoint, Health::Unhealthy).await;
            status.store(204, Ordering::Relaxed);
            until(&endpoint, Health::Healthy).await;
        }
    }
}
