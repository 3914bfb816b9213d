//! From an accepted socket to a served connection: PROXY protocol, TLS, then HTTP, each within its time. And what to do
//! when the machine has no more sockets to give.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::TcpStream;

use super::connection::{Connection, TlsFacts};
use super::failure::{is_leaving, reason};
use super::forwarded::contains;
use super::proxy_protocol::{self, Header};
use crate::blocks::listener::BindConfig;
use crate::clock;
use crate::gateway::Listener;
use crate::message::Scheme;
use crate::serve::{Drain, Handler, Life, Protocol, Service, Terms};
use crate::telemetry::metrics::Limit;
use crate::transport::ClientTransport as Transport;

/// A connection that a socket has given.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) listener: Arc<Listener>,
    /// Which of the listener's `bind` lines it came to.
    pub(crate) bind: usize,
}

/// The way of a connection: what must be before its first request, then the requests.
enum Course<H> {
    Opens(Pin<Box<dyn Future<Output = Option<Served<H>>>>>),
    Serves(Served<H>),
}

type Served<H> = Life<'static, Transport, H>;

/// Serves a connection to its end with the handler that `session` makes for it; nothing, where it has ended already.
pub(crate) fn serve_connection<H: Handler + 'static>(
    taken: Taken,
    drain: Drain,
    session: impl FnOnce(Connection) -> H + 'static,
) -> Option<impl Future<Output = ()> + Unpin> {
    match is_plain(&taken.listener, taken.peer) {
        true => plain(taken, drain, session).map(Course::Serves),
        false => Some(Course::Opens(Box::pin(in_time(taken, drain, session)))),
    }
}

impl<H: Handler + 'static> Future for Course<H> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            *self = match &mut *self {
                Course::Serves(life) => return Pin::new(life).poll(cx),
                Course::Opens(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Some(life) => Course::Serves(life),
                    None => return Poll::Ready(()),
                },
            }
        }
    }
}

fn begin<H: Handler + 'static>(
    transport: Transport,
    connection: Connection,
    listener: &Listener,
    bind: &BindConfig,
    drain: Drain,
    session: impl FnOnce(Connection) -> H,
) -> Served<H> {
    let tls = connection.tls.as_ref();
    let protocol = match (tls.and_then(|tls| tls.alpn), bind.h1, bind.h2) {
        (Some("h2"), _, _) | (None, false, true) => Protocol::Http2,
        (None, true, true) => Protocol::Auto,
        _ => Protocol::Http1,
    };
    let scheme = if tls.is_some() { Scheme::Https } else { Scheme::Http };
    let terms = Terms { protocol, scheme };
    let limits = listener.config.limits.clone();
    Life::begin(transport, Service { terms, limits, drain, handler: session(connection) })
}

/// Whether requests begin with the connection's first byte.
fn is_plain(listener: &Listener, peer: SocketAddr) -> bool {
    listener.tls.is_none() && !contains(&listener.config.proxy_protocol, peer.ip())
}

fn plain<H>(taken: Taken, drain: Drain, session: impl FnOnce(Connection) -> H) -> Option<Served<H>>
where
    H: Handler + 'static,
{
    let Taken { stream, peer, listener, bind } = taken;
    let bind = listener.config.binds.get(bind)?;
    let connection = connection(&listener, peer.ip(), peer.ip(), None);
    Some(begin(Transport::Plain(stream), connection, &listener, bind, drain, session))
}

/// [`ready`] within the listener's time; nothing, and counted, where that fails.
async fn in_time<H>(
    taken: Taken,
    drain: Drain,
    session: impl FnOnce(Connection) -> H,
) -> Option<Served<H>>
where
    H: Handler + 'static,
{
    let Taken { stream, peer, listener, bind } = taken;
    let bind = listener.config.binds.get(bind)?;
    let limit = listener.config.handshake;
    // A drain does not end it: for the client, a request is on its way already.
    let ready = tokio::select! {
        biased;
        () = poll_fn(|cx| drain.poll_cut(cx)) => return None,
        ready = tokio::time::timeout(limit, ready(stream, peer, &listener, bind)) => ready,
    };
    match ready {
        Ok(Ok((transport, connection))) => {
            Some(begin(transport, connection, &listener, bind, drain, session))
        }
        Ok(Err(error)) => {
            listener.series.handshakes_failed.add(1);
            if is_leaving(&error) {
                tracing::debug!(listener = %listener.config.name, %peer, %error, "handshake failed");
            } else {
                say(&listener, peer, &reason(&error));
            }
            None
        }
        Err(_) => {
            listener.series.refused(Limit::HandshakeTime);
            say(&listener, peer, "it took longer than `timeout handshake`");
            None
        }
    }
}

/// Says why a handshake failed, if it is time to.
fn say(listener: &Listener, peer: SocketAddr, reason: &str) {
    if let Some(failed) = listener.failures.turn(clock::now()) {
        tracing::info!(listener = %listener.config.name, %peer, reason, failed, "handshake failed");
    }
}

/// Takes a connection to where its first request may begin.
async fn ready(
    mut stream: TcpStream,
    peer: SocketAddr,
    listener: &Listener,
    bind: &BindConfig,
) -> io::Result<(Transport, Connection)> {
    let mut source = peer.ip();
    if contains(&listener.config.proxy_protocol, peer.ip())
        && let Header::Source(address) = proxy_protocol::read(&mut stream).await?
    {
        source = address.ip();
    }
    let (transport, tls) = match &listener.tls {
        None => (Transport::Plain(stream), None),
        Some(tls) => {
            let _turn = Turn::take(listener)?;
            let (stream, facts) = tls.accept(stream, bind).await?;
            (Transport::Tls(Box::new(stream)), Some(Box::new(facts)))
        }
    };
    Ok((transport, connection(listener, peer.ip(), source, tls)))
}

fn connection(
    listener: &Listener,
    peer: IpAddr,
    source: IpAddr,
    tls: Option<Box<TlsFacts>>,
) -> Connection {
    Connection {
        listener: listener.config.name.clone(),
        peer,
        source,
        tls,
        forwarded: listener.forwarded.clone(),
        series: listener.series.clone(),
        identities: Box::default(),
    }
}

/// A place among the handshakes under way.
struct Turn<'l>(&'l AtomicUsize);

impl Turn<'_> {
    fn take(listener: &Listener) -> io::Result<Turn<'_>> {
        let under_way = listener.handshakes().fetch_add(1, Ordering::Relaxed);
        let turn = Turn(listener.handshakes());
        if under_way >= listener.config.handshakes {
            listener.series.refused(Limit::Handshakes);
            return Err(io::Error::other("too many handshakes are under way"));
        }
        Ok(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How a socket waits when the machine has no more connections to give. Trying again at once would only burn the
/// core that is needed to end some.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    next: Option<Duration>,
}

impl Backoff {
    /// All is well.
    pub(crate) fn reset(&mut self) {
        self.next = None;
    }

    /// Waits as `error` deserves: not at all where one client has left, longer and longer where files run out.
    pub(crate) async fn wait(&mut self, error: &io::Error) {
        let gone = [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::Interrupted,
        ];
        if gone.contains(&error.kind()) {
            return;
        }
        let wait = self.next.unwrap_or(Duration::from_millis(10));
        if self.next.is_none() {
            tracing::error!(%error, "connections cannot be taken for now");
        }
        self.next = Some((wait * 2).min(Duration::from_secs(1)));
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waiting_grows_to_a_second_and_ends_with_success() {
        let mut backoff = Backoff::default();
        let exhausted = io::Error::from_raw_os_error(24);
        let mut waits = Vec::new();
        for _ in 0..10 {
            let began = tokio::time::Instant::now();
            backoff.wait(&exhausted).await;
            waits.push(began.elapsed().as_millis());
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
        backoff.reset();
        let began = tokio::time::Instant::now();
        backoff.wait(&io::ErrorKind::ConnectionAborted.into()).await;
        assert!(began.elapsed().is_zero());
    }
}
