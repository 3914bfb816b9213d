//! The promise that every ticket comes back once, whatever becomes of the connection.

use super::{End, Handler, Sent};

/// Holds a ticket until the answer is sent; dropped early, it reports [`End::Dropped`].
pub(crate) struct Settle<'h, H: Handler> {
    handler: &'h H,
    ticket: Option<H::Ticket>,
    /// Bytes of content sent so far.
    pub(crate) bytes: u64,
    /// Bytes a tunnel received so far.
    pub(crate) received: u64,
}

impl<'h, H: Handler> Settle<'h, H> {
    pub(crate) fn new(handler: &'h H, ticket: H::Ticket) -> Settle<'h, H> {
        Settle { handler, ticket: Some(ticket), bytes: 0, received: 0 }
    }

    /// Gives the ticket back.
    pub(crate) fn finish(mut self, end: End) {
        self.end(end);
    }

    /// Gives the ticket back, once.
    pub(crate) fn end(&mut self, end: End) {
        if let Some(ticket) = self.ticket.take() {
            let sent = Sent { bytes: self.bytes, received: self.received, end };
            self.handler.finished(ticket, sent);
        }
    }
}

impl<H: Handler> Drop for Settle<'_, H> {
    fn drop(&mut self) {
        self.end(End::Dropped);
    }
}
