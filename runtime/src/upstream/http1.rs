//! HTTP/1.1 towards one endpoint: a connection is a value which the caller drives, without a task or a channel
//! between them. The request goes up while the answer may already come down. It opens no connections and keeps none.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::clock::{Clock, Turn, begin};
use super::config::Timeouts;
use super::connect::Socket;
use super::failure::{Kind, Lost, MOST_INTERIM};
use super::pool::Hold;
use super::upload::{Broken, Upload};
use crate::body::{Body, BodyError, Pipe, Side, Source};
use crate::http1::{
    Decoded, Decoder, Framing, ResponseHead, Scan, Wire, parse_response, read_response,
};
use crate::message::{Fault, Headers, Method, Request, Response};
use crate::serve::{Alarm, Limits, hints};
use crate::transport::Transport;
use crate::upgrade::{Tunnel, Upgrade};

/// The head of an answer.
const MOST_HEAD: usize = 64 * 1024;

/// Chunk extensions and trailers of one answer.
const MOST_OVERHEAD: usize = 16 * 1024;

/// A connection between two exchanges.
pub(super) struct Session {
    wire: Wire<Socket>,
    /// Whoever waits on it waits by this.
    alarm: Alarm,
}

/// The head of an answer, and the connection which brings the rest.
pub(super) struct Reply {
    head: ResponseHead,
    session: Box<Session>,
    /// What is left of the request, when the answer came early.
    upload: Option<Box<Upload>>,
}

impl Session {
    /// A new connection.
    pub(super) fn new(socket: Socket) -> Session {
        Session { wire: Wire::new(socket), alarm: Alarm::new() }
    }

    /// Whether the endpoint has neither closed it nor said something unasked. Does not wait, and on a quiet
    /// connection makes no system call: the runtime knows that nothing has come.
    pub(super) fn is_quiet(&mut self) -> bool {
        if !self.wire.buffer.is_empty() {
            return false;
        }
        if let Some(socket) = self.wire.io.socket() {
            let read = socket.try_read(&mut [0]);
            return read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        }
        self.wire.poll_fill(&mut Context::from_waker(Waker::noop()), 0).is_pending()
    }

    /// Whether the system says so too: what has come in this very moment the runtime does not know yet.
    pub(super) fn is_open(&self) -> bool {
        let socket = match &self.wire.io {
            Transport::Plain(stream) => stream,
            Transport::Tls(stream) => stream.get_ref().0,
        };
        let mut byte = [std::mem::MaybeUninit::uninit()];
        let seen = socket2::SockRef::from(socket).peek(&mut byte);
        seen.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn exchange(
        mut self: Box<Session>,
        request: &Request,
        body: Body,
        upgrade: Option<&Upgrade>,
        takes_trailers: bool,
        timeouts: &Timeouts,
        until: Instant,
    ) -> Result<Reply, Lost> {
        let turn = Turn::new();
        let mut upload = Upload::new(request, body, upgrade, takes_trailers, turn.clone());
        let mut download = Head { method: &request.method, scan: Scan::new(), interim: 0 };
        let Session { wire, alarm } = &mut *self;
        let answer = poll_fn(|cx| {
            if let Poll::Ready(Err(Broken::Body(error))) = upload.poll(cx, &mut wire.io) {
                return Poll::Ready(Err(Kind::RequestBody(error)));
            }
            if upload.gives_way() {
                return Poll::Pending;
            }
            // When the endpoint takes no more of the request it may still have said why.
            download.poll(cx, wire, &mut upload)
        });
        let head = match begin(answer, alarm, &turn, timeouts.first_byte, until).await {
            Ok(Ok(head)) => head,
            Ok(Err(kind)) | Err(kind) => {
                // Half an answer is proof that the request was worked on.
                let untouched = self.wire.buffer.is_empty() && download.interim == 0;
                let (sent, body) = upload.give_back();
                return Err(Lost { kind, sent, body: body.filter(|_| untouched) });
            }
        };
        let asked = || upgrade.is_some_and(|upgrade| upgrade.offers(&head.response.headers));
        if head.response.status == 101 && !(upload.is_done() && asked()) {
            let kind = Kind::Malformed("101 to a request which did not ask for it".to_owned());
            return Err(Lost { kind, sent: true, body: None });
        }
        // While nothing was passed on, the client can still be told that this is no answer.
        if head.framing == Framing::Chunked
            && let Some(fault) = Decoder::begins_wrong(&self.wire.buffer, MOST_OVERHEAD)
        {
            let kind = Kind::Malformed(fault.to_string());
            return Err(Lost { kind, sent: true, body: None });
        }
        let upload = (!upload.is_done()).then(|| Box::new(upload));
        Ok(Reply { head, session: self, upload })
    }
}

impl Reply {
    /// The answer. Its body carries the connection, and gives it to the pool of `hold` after the last byte; if
    /// the body is dropped before, the connection is closed.
    pub(super) fn open(
        self,
        hold: Hold,
        timeouts: &Timeouts,
        until: Instant,
    ) -> (Response, Body, Option<Box<Tunnel>>) {
        let Reply { head: ResponseHead { response, framing, persistent }, mut session, upload } =
            self;
        if response.status == 101 {
            let read_ahead = session.wire.buffer.split().freeze();
            let io = Box::new(Switched { socket: session.wire.io, _hold: hold });
            return (response, Body::empty(), Some(Box::new(Tunnel { io, read_ahead })));
        }
        // What a 204 announces it may also send, and that would be taken for the next answer.
        let announced = || response.headers.text("content-length").is_some_and(|text| text != "0");
        let persistent = persistent && !(response.status == 204 && announced());
        let mut connection = Connection { session, hold, persistent };
        let decoder = Decoder::new(framing, u64::MAX, MOST_OVERHEAD);
        if decoder.is_done() {
            connection.end(upload.is_none());
            return (response, Body::empty(), None);
        }
        if upload.is_none()
            && let Some(all) = connection.all(framing)
        {
            connection.end(true);
            return (response, Body::full(all), None);
        }
        let length = decoder.left();
        let clock = Clock::new(timeouts.idle, until);
        let download = Download { connection: Some(connection), upload, decoder, clock };
        (response, Body::source(download, length), None)
    }
}

/// The head of an answer on its way.
struct Head<'r> {
    method: &'r Method,
    scan: Scan,
    interim: usize,
}

impl Head<'_> {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire<Socket>,
        upload: &mut Upload,
    ) -> Poll<Result<ResponseHead, Kind>> {
        loop {
            match self.take(wire)? {
                Some(head) if head.response.status == 101 || head.response.status >= 200 => {
                    return Poll::Ready(Ok(head));
                }
                Some(head) => {
                    self.interim += 1;
                    if self.interim > MOST_INTERIM {
                        let reason = "too many interim answers".to_owned();
                        return Poll::Ready(Err(Kind::Malformed(reason)));
                    }
                    // Whoever asked to be told to go on was asked by us, or answered by us.
                    match head.response.status {
                        100 => upload.expected(cx),
                        _ => hints::tell(&head.response),
                    }
                }
                None => match ready!(wire.poll_fill(cx, 0)) {
                    Ok(0) => {
                        return Poll::Ready(Err(Kind::Reset(io::ErrorKind::UnexpectedEof.into())));
                    }
                    Ok(_) => {}
                    Err(error) => return Poll::Ready(Err(Kind::Reset(error))),
                },
            }
        }
    }

    fn take(&mut self, wire: &mut Wire<Socket>) -> Result<Option<ResponseHead>, Kind> {
        if wire.buffer.is_empty() {
            return Ok(None);
        }
        // Nearly always all of it comes at once, and its end is found while it is read.
        if self.scan.is_new()
            && let Ok((head, end)) = read_response(&wire.buffer, self.method, Limits::MAX_FIELDS)
            && end <= MOST_HEAD
        {
            wire.buffer.advance(end);
            return Ok(Some(head));
        }
        let malformed = |fault: Fault| Kind::Malformed(fault.to_string());
        let Some(end) = self.scan.find(&wire.buffer, MOST_HEAD).map_err(malformed)? else {
            return Ok(None);
        };
        self.scan = Scan::new();
        let text = wire.buffer.get(..end).unwrap_or_default();
        let head = parse_response(text, self.method, Limits::MAX_FIELDS).map_err(malformed)?;
        wire.buffer.advance(end);
        Ok(Some(head))
    }
}

/// A connection whose exchange is not over.
struct Connection {
    session: Box<Session>,
    hold: Hold,
    persistent: bool,
}

impl Connection {
    /// All of a body, if all of it is here.
    fn all(&mut self, framing: Framing) -> Option<Bytes> {
        let Framing::Length(length) = framing else { return None };
        let length = usize::try_from(length).ok()?;
        let buffer = &mut self.session.wire.buffer;
        match buffer.len() >= length {
            // Without a second owner it need not be shared.
            true if buffer.len() == length => Some(std::mem::take(buffer).freeze()),
            true => Some(buffer.split_to(length).freeze()),
            false => None,
        }
    }

    /// The answer is over: if the request is `sent` to its end too, the connection goes to the pool, before its
    /// place is free for the next request.
    fn end(self, sent: bool) {
        let Connection { mut session, hold, persistent } = self;
        // What came behind the answer belongs to nobody.
        if persistent && sent && session.wire.buffer.is_empty() {
            session.wire.rest();
            hold.seat().keep(session);
        }
    }
}

/// The body of an answer on its way.
struct Download {
    /// Nothing, once the last byte was read.
    connection: Option<Connection>,
    upload: Option<Box<Upload>>,
    decoder: Decoder,
    clock: Clock,
}

impl Source for Download {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.poll_upload(cx);
        loop {
            let Some(connection) = &mut self.connection else { return Poll::Ready(None) };
            let Session { wire, .. } = &mut *connection.session;
            match self.decoder.decode(&mut wire.buffer) {
                Ok(Decoded::Chunk(chunk)) => {
                    self.clock.hear();
                    // Who knows the length does not ask again after the last byte.
                    if self.decoder.is_done() {
                        self.end();
                    }
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Ok(Decoded::Done) => {
                    self.end();
                    return Poll::Ready(None);
                }
                Ok(Decoded::More) => {}
                Err(fault) => return self.fail(BodyError::malformed(Side::Upstream, fault.name())),
            }
            match wire.poll_fill(cx, self.decoder.next_bytes()) {
                Poll::Ready(Ok(0)) if self.decoder.end().is_ok() => {}
                Poll::Ready(Ok(0)) => return self.fail(BodyError::closed(Side::Upstream)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return self.fail(BodyError::reset(Side::Upstream)),
                Poll::Pending => {
                    ready!(self.clock.poll_end(cx, &mut connection.session.alarm));
                    return self.fail(BodyError::timeout(Side::Upstream));
                }
            }
        }
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.decoder.take_trailers()
    }

    fn can_pass(&self) -> bool {
        self.decoder.passable() > 0
            && self.connection.as_ref().is_some_and(|connection| {
                let Wire { io, buffer } = &connection.session.wire;
                buffer.is_empty() && io.socket().is_some()
            })
    }

    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
    ) -> Poll<Result<usize, BodyError>> {
        self.poll_upload(cx);
        let Some(connection) = &mut self.connection else { return Poll::Pending };
        let Session { wire, alarm } = &mut *connection.session;
        let Some(socket) = wire.io.socket() else { return Poll::Pending };
        let error = match pipe.poll_fill(cx, socket, self.decoder.passable()) {
            Poll::Ready(Ok(count @ 1..)) => {
                self.clock.hear();
                self.decoder.passed(count as u64);
                if self.decoder.is_done() {
                    self.end();
                }
                return Poll::Ready(Ok(count));
            }
            Poll::Ready(Ok(0)) => BodyError::closed(Side::Upstream),
            Poll::Ready(Err(_)) => BodyError::reset(Side::Upstream),
            Poll::Pending => {
                ready!(self.clock.poll_end(cx, alarm));
                BodyError::timeout(Side::Upstream)
            }
        };
        self.connection = None;
        Poll::Ready(Err(error))
    }
}

impl Download {
    /// Goes on with the request. Its failure is no matter: the answer is there.
    fn poll_upload(&mut self, cx: &mut Context<'_>) {
        if let (Some(upload), Some(connection)) = (&mut self.upload, &mut self.connection) {
            match upload.poll(cx, &mut connection.session.wire.io) {
                Poll::Ready(Ok(())) => self.upload = None,
                Poll::Ready(Err(_)) => {
                    connection.persistent = false;
                    self.upload = None;
                }
                Poll::Pending => {}
            }
        }
    }

    fn end(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.end(self.upload.is_none());
        }
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.connection = None;
        Poll::Ready(Some(Err(error)))
    }
}

/// The transport of an upgraded connection; it occupies its place as long as it lives.
struct Switched {
    socket: Socket,
    _hold: Hold,
}

impl AsyncRead for Switched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Switched {
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
        bufs: &[io::IoSlice<'_>],
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
