//! The connections (lanes) of one endpoint on one core: opened one at a time, filled evenly, closed when unused. Each is
//! driven by a task of this core. They send no request.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, timeout};

use super::kind;
use crate::upstream::connect::Socket;
use crate::upstream::failure::Kind;

/// Streams on one lane, if the endpoint allows as many.
const MOST_STREAMS: usize = 128;

/// Streams that are opened before the endpoint has said how many it takes; more would risk a refusal. Those that
/// come meanwhile wait in the lane, for less than a round trip.
const BEFORE_SETTINGS: usize = 1;

/// The header section of an answer.
const MOST_HEAD: u32 = 64 * 1024;

/// How much of a body may come before it is read. A lane's window is that of all its streams together: clients that
/// do not read theirs must not hold up the others.
const WINDOW: u32 = 256 * 1024;

/// How much of a request's body is taken before the endpoint does.
const SEND_BUFFER: usize = 128 * 1024;

/// A lane on which requests wait, and nothing comes, is asked for a sign of life this often.
const PING: Duration = Duration::from_secs(20);

/// The connections of one endpoint on one core.
#[derive(Default)]
pub(in crate::upstream) struct Lanes {
    list: RefCell<Vec<Rc<Lane>>>,
    /// One lane is opened at a time: a hundred requests that arrive together need one, not a hundred.
    opening: Cell<bool>,
    opened: Notify,
}

/// A place for one stream on a lane.
pub(in crate::upstream) struct Stream {
    lane: Rc<Lane>,
}

struct Lane {
    sender: RefCell<SendRequest<Bytes>>,
    /// Whether it has brought an answer, and so the endpoint's settings.
    answered: Cell<bool>,
    pulse: Rc<Pulse>,
    /// When the last stream ended.
    since: Cell<Instant>,
    /// Dropped behind the sender, it tells the task that drives the lane that there is no lane any more.
    _left: oneshot::Sender<()>,
}

/// What a lane and the task that drives it know of each other.
#[derive(Default)]
struct Pulse {
    streams: Cell<usize>,
    /// Whether anything has come since it was looked at last.
    heard: Cell<bool>,
}

impl Lanes {
    /// A stream on an open lane, or on one that `open` opens; says whether the lane was there before. Whoever waits
    /// bounds the wait.
    pub(in crate::upstream) async fn stream<F>(
        &self,
        open: impl Fn() -> F,
    ) -> Result<(Stream, bool), Kind>
    where
        F: Future<Output = Result<Socket, Kind>>,
    {
        loop {
            if let Some(stream) = self.free() {
                return Ok((stream, true));
            }
            if self.opening.get() {
                self.opened.notified().await;
                continue;
            }
            let _opening = Opening::begin(self);
            let lane = Rc::new(Lane::open(open().await?).await?);
            self.list.borrow_mut().push(lane.clone());
            return Ok((Stream::on(lane), false));
        }
    }

    /// Closes lanes without streams that were unused for `keep`, and forgets those that were closed.
    pub(in crate::upstream) fn sweep(&self, now: Instant, keep: Duration) {
        self.list.borrow_mut().retain(|lane| {
            let unused = lane.streams() == 0 && now.duration_since(lane.since.get()) >= keep;
            !unused && !lane.is_closed()
        });
    }

    /// How many there are.
    pub(in crate::upstream) fn count(&self) -> usize {
        self.list.borrow().len()
    }

    fn free(&self) -> Option<Stream> {
        let mut list = self.list.borrow_mut();
        list.retain(|lane| !lane.is_closed());
        let emptiest = list.iter().filter(|lane| lane.streams() < lane.most());
        emptiest.min_by_key(|lane| lane.streams()).map(|lane| Stream::on(lane.clone()))
    }
}

impl Lane {
    async fn open(socket: Socket) -> Result<Lane, Kind> {
        let pulse = Rc::new(Pulse::default());
        let socket = Heard { socket, pulse: pulse.clone() };
        let handshake = Builder::new()
            .enable_push(false)
            .initial_max_send_streams(BEFORE_SETTINGS)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(MOST_STREAMS as u32 * WINDOW)
            .max_send_buffer_size(SEND_BUFFER)
            .max_header_list_size(MOST_HEAD)
            .handshake(socket)
            .await;
        let (sender, connection) = handshake.map_err(|error| kind(&error))?;
        let (left, leaves) = oneshot::channel();
        spawn_local(drive(connection, pulse.clone(), leaves));
        Ok(Lane {
            sender: RefCell::new(sender),
            answered: Cell::new(false),
            pulse,
            since: Cell::new(Instant::now()),
            _left: left,
        })
    }

    fn streams(&self) -> usize {
        self.pulse.streams.get()
    }

    /// Streams it takes at a time: the endpoint's own word, as soon as its settings have come.
    fn most(&self) -> usize {
        let allowed = self.sender.borrow().current_max_send_streams();
        match self.answered.get() || allowed != BEFORE_SETTINGS {
            true => allowed.min(MOST_STREAMS),
            false => MOST_STREAMS,
        }
    }

    /// Whether it takes no more streams: the connection has ended, or the endpoint has said goodbye.
    fn is_closed(&self) -> bool {
        let ready = self.sender.borrow_mut().poll_ready(&mut Context::from_waker(Waker::noop()));
        matches!(ready, Poll::Ready(Err(_)))
    }
}

impl Stream {
    fn on(lane: Rc<Lane>) -> Stream {
        lane.pulse.streams.set(lane.streams() + 1);
        Stream { lane }
    }

    /// What begins it.
    pub(super) fn sender(&self) -> SendRequest<Bytes> {
        self.lane.sender.borrow().clone()
    }

    /// Takes in that an answer has come.
    pub(super) fn answered(&self) {
        self.lane.answered.set(true);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.lane.pulse.streams.set(self.lane.streams().saturating_sub(1));
        self.lane.since.set(Instant::now());
    }
}

/// A lane being opened; whatever comes of it, those who wait look again.
struct Opening<'a>(&'a Lanes);

impl<'a> Opening<'a> {
    fn begin(lanes: &'a Lanes) -> Opening<'a> {
        lanes.opening.set(true);
        Opening(lanes)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.opening.set(false);
        self.0.opened.notify_waiters();
    }
}

/// Moves the frames of a lane until it ends.
async fn drive<IO>(
    mut connection: Connection<Heard<IO>, Bytes>,
    pulse: Rc<Pulse>,
    leaves: oneshot::Receiver<()>,
) where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let pings = connection.ping_pong();
    let end = tokio::select! {
        end = &mut connection => end,
        () = silence(pings, &pulse) => {
            tracing::debug!("an upstream gives no sign of life");
            return;
        }
        // Nothing is under way any more; what is left to say is goodbye.
        _ = leaves => timeout(PING, connection).await.unwrap_or(Ok(())),
    };
    if let Err(error) = end {
        tracing::debug!(%error, "connection to an upstream ended");
    }
}

/// Ends when the endpoint gives no sign of life while requests wait for it.
async fn silence(pings: Option<PingPong>, pulse: &Pulse) {
    let Some(mut pings) = pings else { return pending().await };
    loop {
        sleep(PING).await;
        if pulse.heard.take() || pulse.streams.get() == 0 {
            continue;
        }
        match timeout(PING, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // The connection itself knows better why it ends.
            Ok(Err(_)) => pending().await,
            Err(_) => return,
        }
    }
}

/// A socket that says whether anything comes.
struct Heard<IO> {
    socket: IO,
    pulse: Rc<Pulse>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Heard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        if read.is_ready() {
            self.pulse.heard.set(true);
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Heard<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lane_ends_when_nothing_comes_on_which_requests_wait() {
        for (streams, lasts) in [(1, Some(2 * PING)), (0, None)] {
            let (client, _server) = duplex(1 << 16);
            let pulse = Rc::new(Pulse::default());
            pulse.streams.set(streams);
            let socket = Heard { socket: client, pulse: pulse.clone() };
            let (sender, connection) = Builder::new().handshake(socket).await.unwrap();
            let (_left, leaves) = oneshot::channel();
            let begun = Instant::now();
            let driven = timeout(10 * PING, drive(connection, pulse, leaves)).await;
            assert_eq!(driven.ok().map(|()| begun.elapsed()), lasts);
            drop(sender);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_that_is_given_up_says_goodbye() {
        let (client, mut server) = duplex(1 << 16);
        let socket = Heard { socket: client, pulse: Rc::default() };
        let (sender, connection) = Builder::new().handshake(socket).await.unwrap();
        let (left, leaves) = oneshot::channel();
        let given_up = async move {
            sleep(PING).await;
            drop((sender, left));
        };
        tokio::join!(drive(connection, Rc::default(), leaves), given_up);
        let mut said = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut server, &mut said).await.unwrap();
        // GOAWAY is the last of its frames: eight bytes behind its head.
        let last = said.len() - 9 - 8;
        assert_eq!(said[last..][..4], [0, 0, 8, 7]);
    }
}
