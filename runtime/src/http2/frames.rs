//! What each frame of a client does to its connection.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use tokio::time::Instant;

use super::flow::Window;
use super::frame::{self, Code, Frame, Head, PREFACE, Settings, Wrong};
use super::machine::{Block, Fatal, Leaving, Machine};
use super::receive::{Inbox, STREAM_WINDOW, count};
use super::request::{self, Read, Room, Trailing};
use super::send::Sending;
use super::streams::{Fate, Stream};
use crate::body::{BodyError, Side};
use crate::message::{Fault, Headers, Method};
use crate::serve::{Bite, End, Handler, Outgoing};

impl<H, F> Machine<'_, H, F>
where
    H: Handler,
    F: Future<Output = Outgoing<H::Ticket>>,
{
    /// Takes the whole frames that `bytes` begins with; how many bytes that were. What is wrong
    /// with them ends in [`Machine::fatal`].
    pub(super) fn feed(&mut self, bytes: &[u8], room: &mut Room, now: Instant) -> usize {
        self.now = now;
        let mut at = 0;
        if let Some(expected) = PREFACE.get(self.preface..).filter(|left| !left.is_empty()) {
            at = expected.len().min(bytes.len());
            if bytes.get(..at) != expected.get(..at) {
                self.fatal = Some(Code::Protocol.into());
                return at;
            }
            self.preface += at;
        }
        while self.fatal.is_none() {
            let Some(head) = bytes.get(at..).and_then(Head::read) else { break };
            if let Err(code) = self.is_next(&head) {
                self.fatal = Some(code.into());
                break;
            }
            let begin = at + frame::HEAD;
            let Some(payload) = bytes.get(begin..begin + head.len) else { break };
            at = begin + head.len;
            if let Err(fatal) = self.frame(&head, payload, room) {
                self.fatal = Some(fatal);
            }
        }
        at
    }

    /// Whether a frame may come now.
    fn is_next(&self, head: &Head) -> Result<(), Code> {
        if head.len > frame::MOST {
            return Err(Code::FrameSize);
        }
        let in_order = match &self.block {
            Some(block) => head.is_continuation() && head.stream == block.stream,
            None => self.settled || head.is_settings(),
        };
        if in_order { Ok(()) } else { Err(Code::Protocol) }
    }

    fn frame(&mut self, head: &Head, payload: &[u8], room: &mut Room) -> Result<(), Fatal> {
        let id = head.stream;
        match head.parse(payload) {
            Err(Wrong::Connection(code)) => Err(code.into()),
            Err(Wrong::Stream(code)) => self.stream_error(id, code),
            Ok(Frame::Data { data, end }) => self.data(id, data, head.len - data.len(), end),
            Ok(Frame::Headers { block, end, whole: true, depends }) => {
                self.section(id, block, end, depends, room)
            }
            Ok(Frame::Headers { block, end, whole: false, depends }) => {
                let (bytes, since) = (block.to_vec(), self.now);
                self.block = Some(Block { stream: id, end, depends, bytes, since });
                Ok(())
            }
            Ok(Frame::Continuation { block, whole }) => self.continuation(block, whole, room),
            Ok(Frame::Priority { depends }) => {
                self.calm.spent(self.now)?;
                if depends == id { self.stream_error(id, Code::Protocol) } else { Ok(()) }
            }
            Ok(Frame::Reset) => self.client_reset(id),
            Ok(Frame::Settings(settings)) => self.settings(settings),
            Ok(Frame::SettingsAck) => {
                self.acknowledged = true;
                Ok(self.calm.spent(self.now)?)
            }
            Ok(Frame::Ping(opaque)) => {
                self.calm.spent(self.now)?;
                frame::ping(opaque, true, &mut self.out);
                Ok(())
            }
            Ok(Frame::Pong(opaque)) => {
                self.calm.spent(self.now)?;
                self.ponged(opaque);
                Ok(())
            }
            Ok(Frame::GoAway) => {
                self.left = true;
                Ok(self.calm.spent(self.now)?)
            }
            Ok(Frame::Window(more)) => self.widen(id, more),
            Ok(Frame::Unknown) => Ok(self.calm.spent(self.now)?),
        }
    }

    fn continuation(&mut self, more: &[u8], whole: bool, room: &mut Room) -> Result<(), Fatal> {
        self.calm.spent(self.now)?;
        // More than that is not even read to keep the tables in step.
        let most = self.limits.head_bytes.saturating_mul(2).saturating_add(frame::MOST);
        let block = self.block.as_mut().ok_or(Code::Protocol)?;
        block.bytes.extend_from_slice(more);
        if block.bytes.len() > most {
            return Err(Fault::HeadTooLarge.into());
        }
        match self.block.take_if(|_| whole) {
            Some(Block { stream, end, depends, bytes, .. }) => {
                self.section(stream, &bytes, end, depends, room)
            }
            None => Ok(()),
        }
    }

    /// A whole header block.
    fn section(
        &mut self,
        id: u32,
        block: &[u8],
        end: bool,
        depends: Option<u32>,
        room: &mut Room,
    ) -> Result<(), Fatal> {
        if id.is_multiple_of(2) {
            return Err(Code::Protocol.into());
        }
        if let Some(at) = self.streams.find(id) {
            return self.trailers(at, block, end, room);
        }
        if id > self.last {
            return self.open(id, block, end, depends, room);
        }
        request::skip(&mut self.decoder, block, room).map_err(|_| Code::Compression)?;
        match self.streams.fate(id) {
            None if self.skips => Err(Code::Protocol.into()),
            fate => self.late(id, fate),
        }
    }

    /// A new stream.
    fn open(
        &mut self,
        id: u32,
        block: &[u8],
        end: bool,
        depends: Option<u32>,
        room: &mut Room,
    ) -> Result<(), Fatal> {
        self.skips |= id != if self.last == 0 { 1 } else { self.last + 2 };
        let refused = self.streams.is_full() || self.leaving == Leaving::Known;
        if self.leaving != Leaving::Known {
            self.last = id;
        }
        if refused {
            if self.streams.is_full() {
                self.handler.bit(Bite::Streams);
            }
            request::skip(&mut self.decoder, block, room).map_err(|_| Code::Compression)?;
            self.turn_away(id, Code::Refused);
            // Who does not know the limit yet cannot keep to it.
            return if self.acknowledged {
                Ok(self.calm.abandoned(self.now, self.now)?)
            } else {
                Ok(self.calm.spent(self.now)?)
            };
        }
        self.calm.opened();
        let read = request::read(&mut self.decoder, block, room, self.scheme, self.limits);
        let (asked, refusal) = match read.map_err(|_| Code::Compression)? {
            Read::Request(asked) if end && asked.length.is_some_and(|length| length > 0) => {
                (None, None)
            }
            _ if depends == Some(id) => (None, None),
            Read::Request(asked) => (Some(asked), None),
            Read::Refused(refusal) => (None, Some(refusal)),
            Read::Malformed => (None, None),
        };
        let (method, declared, expects) = match (&asked, &refusal) {
            (Some(asked), _) => (asked.request.method.clone(), asked.length, asked.expects),
            (_, Some(refusal)) => (refusal.method.clone().unwrap_or(Method::Get), None, false),
            (None, None) => {
                self.turn_away(id, Code::Protocol);
                return Ok(self.calm.abandoned(self.now, self.now)?);
            }
        };
        let sending = refusal
            .map(|refusal| Sending::new(self.handler, &method, self.handler.refuse(refusal)));
        let answered = sending.is_some();
        let (begun, initial, room) = (self.now, self.initial, self.limits.body_bytes);
        let opened = self.streams.open(id, |waker| Stream {
            id,
            begun,
            method,
            inbox: (!end && asked.is_some())
                .then(|| Rc::new(RefCell::new(Inbox::new(waker.clone(), expects)))),
            asked,
            sending,
            answered: None,
            ended: end,
            declared,
            room,
            receiving: Window::new(STREAM_WINDOW),
            owed: 0,
            window: Window::new(initial),
            queued: false,
            parked: false,
        });
        match opened {
            Some(at) if answered => self.queue(at),
            Some(at) => self.opened.push(at),
            None => {}
        }
        Ok(())
    }

    /// A header block on an open stream: its trailer section, or nothing that may come.
    fn trailers(
        &mut self,
        at: usize,
        block: &[u8],
        end: bool,
        room: &mut Room,
    ) -> Result<(), Fatal> {
        let trailing = request::trailers(&mut self.decoder, block, room, self.limits);
        let trailing = trailing.map_err(|_| Code::Compression)?;
        let Some(stream) = self.streams.stream(at) else { return Ok(()) };
        let id = stream.id;
        if stream.ended {
            return self.stream_error(id, Code::StreamClosed);
        }
        match trailing {
            Trailing::Fields(fields) if end => self.content_ended(at, Some(fields)),
            Trailing::Broken(error) if end => {
                if let Some(inbox) = &stream.inbox {
                    let unread = inbox.borrow_mut().fail(error);
                    self.owed = self.owed.saturating_add(count(unread));
                }
                self.content_ended(at, None)
            }
            _ => self.stream_error(id, Code::Protocol),
        }
    }

    /// Content.
    fn data(&mut self, id: u32, data: &[u8], padding: usize, end: bool) -> Result<(), Fatal> {
        let len = data.len() + padding;
        if !self.receiving.take(len) {
            return Err(Code::FlowControl.into());
        }
        let Some(at) = self.streams.find(id) else {
            self.owed = self.owed.saturating_add(count(len));
            return self.late(id, self.streams.fate(id));
        };
        let Some(stream) = self.streams.stream(at) else { return Ok(()) };
        let size = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let left = stream.declared.map(|left| left.checked_sub(size));
        let wrong = if stream.ended {
            Some(Code::StreamClosed)
        } else if !stream.receiving.take(len) {
            Some(Code::FlowControl)
        } else if left == Some(None) {
            Some(Code::Protocol)
        } else {
            None
        };
        if let Some(code) = wrong {
            self.owed = self.owed.saturating_add(count(len));
            return self.stream_error(id, code);
        }
        stream.declared = left.flatten();
        stream.owed = stream.owed.saturating_add(count(padding));
        let room = stream.room.checked_sub(size);
        stream.room = room.unwrap_or(0);
        let (mut dropped, mut kept) = (padding, false);
        if let Some(inbox) = &stream.inbox {
            let mut inbox = inbox.borrow_mut();
            if room.is_none() {
                dropped += inbox.fail(BodyError::too_large(Side::Client));
            } else {
                kept = inbox.push(data);
            }
        }
        if !kept {
            dropped += data.len();
        }
        let over = room.is_none() && stream.answered.is_some();
        self.owed = self.owed.saturating_add(count(dropped));
        if end {
            return self.content_ended(at, None);
        }
        if over {
            self.handler.bit(Bite::Unread);
            self.reset(at, Code::None, End::Complete);
        }
        if data.is_empty() {
            return Ok(self.calm.spent(self.now)?);
        }
        self.calm.content(data.len());
        Ok(())
    }

    /// The client has sent all of a request; what it declared must have come.
    fn content_ended(&mut self, at: usize, trailers: Option<Headers>) -> Result<(), Fatal> {
        let Some(stream) = self.streams.stream(at) else { return Ok(()) };
        if stream.declared.is_some_and(|left| left > 0) {
            let id = stream.id;
            return self.stream_error(id, Code::Protocol);
        }
        stream.ended = true;
        if let Some(inbox) = &stream.inbox {
            inbox.borrow_mut().end(trailers.filter(|trailers| !trailers.is_empty()));
        }
        if stream.answered.is_some() {
            self.close(at, Fate::Ended, End::Complete);
        }
        Ok(())
    }

    fn client_reset(&mut self, id: u32) -> Result<(), Fatal> {
        match self.streams.find(id) {
            Some(at) => {
                // One that has its answer only does not want to go on.
                let begun = self
                    .streams
                    .stream(at)
                    .filter(|stream| stream.answered.is_none())
                    .map(|stream| stream.begun);
                self.close(at, Fate::Abandoned, End::ClientClosed);
                match begun {
                    Some(begun) => Ok(self.calm.abandoned(begun, self.now)?),
                    None => Ok(self.calm.spent(self.now)?),
                }
            }
            None if id > self.last => Err(Code::Protocol.into()),
            None => Ok(self.calm.spent(self.now)?),
        }
    }

    fn settings(&mut self, settings: Settings<'_>) -> Result<(), Fatal> {
        const TABLE: u16 = 1;
        const PUSH: u16 = 2;
        const WINDOW: u16 = 4;
        const FRAME: u16 = 5;
        self.settled = true;
        self.calm.spent(self.now)?;
        let mut initial = self.initial;
        for (id, value) in settings.iter() {
            match id {
                TABLE => self.encoder.limit(value),
                PUSH if value > 1 => return Err(Code::Protocol.into()),
                WINDOW if value > 0x7fff_ffff => return Err(Code::FlowControl.into()),
                WINDOW => initial = value,
                FRAME if !(16_384..=16_777_215).contains(&value) => {
                    return Err(Code::Protocol.into());
                }
                _ => {}
            }
        }
        // Only where it ends: a frame can move it a thousand times.
        let by = i64::from(initial) - i64::from(self.initial);
        self.initial = initial;
        if by != 0 {
            for at in self.streams.all().collect::<Vec<_>>() {
                let Some(stream) = self.streams.stream(at) else { continue };
                stream.window.shift(by).map_err(|_| Code::FlowControl)?;
                if stream.sending.is_some() {
                    self.queue(at);
                }
            }
        }
        frame::settings_ack(&mut self.out);
        Ok(())
    }

    /// `WINDOW_UPDATE`.
    fn widen(&mut self, id: u32, more: u32) -> Result<(), Fatal> {
        self.calm.spent(self.now)?;
        if id == 0 {
            let shut = self.window.open() == 0;
            self.window.widen(more).map_err(|_| Code::FlowControl)?;
            if shut {
                for at in self.streams.all().collect::<Vec<_>>() {
                    let stream = self.streams.stream(at);
                    if stream.is_some_and(|stream| std::mem::take(&mut stream.parked)) {
                        self.queue(at);
                    }
                }
            }
            return Ok(());
        }
        let Some(at) = self.streams.find(id) else {
            return if id > self.last { Err(Code::Protocol.into()) } else { Ok(()) };
        };
        let Some(stream) = self.streams.stream(at) else { return Ok(()) };
        if stream.window.widen(more).is_err() {
            return self.stream_error(id, Code::FlowControl);
        }
        if stream.sending.is_some() {
            self.queue(at);
        }
        Ok(())
    }

    /// A frame on a stream that is closed, or was never opened (RFC 9113 section 5.1).
    fn late(&mut self, id: u32, fate: Option<Fate>) -> Result<(), Fatal> {
        if id > self.last && self.leaving != Leaving::Known {
            return Err(Code::Protocol.into());
        }
        match fate {
            Some(Fate::Ended) => Err(Code::StreamClosed.into()),
            Some(Fate::Abandoned) => {
                self.calm.spent(self.now)?;
                self.turn_away(id, Code::StreamClosed);
                Ok(())
            }
            Some(Fate::Reset) | None => Ok(self.calm.spent(self.now)?),
        }
    }

    /// An error of one stream; of the connection, if there is no such stream to be reset.
    fn stream_error(&mut self, id: u32, code: Code) -> Result<(), Fatal> {
        match self.streams.find(id) {
            Some(at) => {
                let begun = self.streams.stream(at).map_or(self.now, |stream| stream.begun);
                self.reset(at, code, End::ClientClosed);
                // A client that has us reset its streams is no better than one that does it.
                Ok(self.calm.abandoned(begun, self.now)?)
            }
            None if id > self.last => Err(code.into()),
            None => Ok(self.calm.spent(self.now)?),
        }
    }

    /// Resets a stream that has no place.
    fn turn_away(&mut self, id: u32, code: Code) {
        frame::reset(id, code, &mut self.out);
        self.streams.remember(id, Fate::Reset);
    }
}
