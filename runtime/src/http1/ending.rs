//! The ends of an exchange and of a connection: content left unread, closing so that the answer
//! arrives, turning into a tunnel.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::connection::{Connection, Switched};
use super::{Framing, Persistence, Wire, encode_response};
use crate::clock;
use crate::serve::{Bite, End, Handler};
use crate::transport::socket_of;
use crate::upgrade::copy;

impl<'c, IO, H> Connection<'c, IO, H>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Handler,
{
    /// Reads what the handler left of the content; false if that is too much or takes too long.
    pub(super) async fn discard(&self) -> bool {
        if self.shared.borrow().is_read() {
            self.shared.borrow_mut().end_content();
            return true;
        }
        let deadline = clock::now() + self.limits.linger;
        let mut left = self.limits.drain_bytes;
        let declared = self.shared.borrow().content().and_then(|one| one.decoder.left());
        if declared.is_some_and(|declared| declared > left) {
            self.handler.bit(Bite::Unread);
            return false;
        }
        poll_fn(|cx| {
            let mut shared = self.shared.borrow_mut();
            if shared.content().is_some_and(|content| content.held || content.broken) {
                return Poll::Ready(false);
            }
            while let Poll::Ready(next) = shared.poll_content(cx) {
                let len = match next {
                    None => {
                        shared.end_content();
                        return Poll::Ready(true);
                    }
                    Some(Err(_)) => return Poll::Ready(false),
                    Some(Ok(chunk)) => u64::try_from(chunk.len()).unwrap_or(u64::MAX),
                };
                match left.checked_sub(len) {
                    Some(rest) => left = rest,
                    None => {
                        self.handler.bit(Bite::Unread);
                        return Poll::Ready(false);
                    }
                }
            }
            shared.alarm.poll(cx, deadline).map(|()| {
                self.handler.bit(Bite::Linger);
                false
            })
        })
        .await
    }

    /// Closes a connection on which nothing is left unread.
    pub(super) async fn close(self) {
        // A socket says goodbye when it is dropped.
        if socket_of(&self.shared.borrow().wire.io).is_some() {
            return;
        }
        let limit = self.limits.linger;
        let closing = poll_fn(|cx| {
            let io = &mut self.shared.borrow_mut().wire.io;
            std::pin::Pin::new(io).poll_shutdown(cx)
        });
        // Whether the client hears it or not, it is over.
        if timeout(limit, closing).await.is_err() {
            self.handler.bit(Bite::Linger);
        }
    }

    /// Closes our side, then reads on for a while: closing with bytes unread resets the connection
    /// and may destroy the answer before the client reads it.
    pub(super) async fn linger(self) {
        let limit = self.limits.linger;
        let shared = &self.shared;
        let lingering = async {
            let closed = poll_fn(|cx| {
                let io = &mut shared.borrow_mut().wire.io;
                std::pin::Pin::new(io).poll_shutdown(cx)
            });
            if closed.await.is_err() {
                return;
            }
            let mut left = self.limits.behind_the_last();
            loop {
                let read = poll_fn(|cx| {
                    let wire = &mut shared.borrow_mut().wire;
                    wire.buffer.clear();
                    wire.poll_fill(cx, 0)
                });
                match read.await {
                    Ok(count @ 1..) => match left.checked_sub(count as u64) {
                        Some(rest) => left = rest,
                        None => return self.handler.bit(Bite::Unread),
                    },
                    Ok(0) | Err(_) => return,
                }
            }
        };
        if timeout(limit, lingering).await.is_err() {
            self.handler.bit(Bite::Linger);
        }
    }

    /// Resets the connection; over TLS it is left without a goodbye, which says the same.
    pub(super) fn cut(self) {
        if let Some(socket) = socket_of(&self.shared.borrow().wire.io) {
            // Should it not work, the connection ends as others do.
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }

    /// Sends the 101 and copies from then on.
    pub(super) async fn tunnel(self, switched: Box<Switched<'c, H>>) {
        let Switched { response, mut tunnel, mut settle } = *switched;
        let limits = self.limits;
        let Ok(shared) = Rc::try_unwrap(self.shared) else {
            // Only content holds the connection besides us, and an upgrade has none.
            return settle.finish(End::Dropped);
        };
        let mut shared = shared.into_inner();
        let interim = shared.take_interim();
        let Wire { mut io, buffer } = shared.wire;
        let mut head = Vec::new();
        encode_response(&mut head, &response, Framing::None, false, Persistence::Implied);
        head.extend_from_slice(&tunnel.read_ahead);
        let writing = async {
            // An interim response that was begun must end before this one begins.
            if let Some(mut interim) = interim {
                poll_fn(|cx| interim.poll_finish(cx, &mut io)).await?;
            }
            io.write_all(&head).await?;
            io.flush().await
        };
        match timeout(limits.send_idle, writing).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return settle.finish(End::ClientClosed),
            Err(_) => return settle.finish(End::ClientTimeout),
        }
        let ahead = u64::try_from(tunnel.read_ahead.len()).unwrap_or(0);
        let copied =
            copy(&mut io, buffer.freeze(), &mut *tunnel.io, Bytes::new(), limits.idle).await;
        settle.bytes = copied.back + ahead;
        settle.received = copied.forth;
        settle.finish(match copied.error {
            None => End::Complete,
            Some(error) if error.kind() == std::io::ErrorKind::TimedOut => End::ClientTimeout,
            Some(_) => End::ClientClosed,
        });
    }
}
