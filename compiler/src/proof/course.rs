//! What comes of a request that a route takes: each way through the statements is a course, with what sends a request on
//! it and what is known at its end. As data; `proof/courses.rs` finds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::policy::Message;
use lang::vocab::ExprId;

use crate::caching::Answers;
use crate::frame::SlotId;
use crate::space::Test;

/// One way through a route's statements, or past all routes.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// What must hold, or must not, for a request to come this way.
    pub(crate) guards: Vec<(ExprId, bool)>,
    /// Texts of which one passes its test, so that it cannot stand where it is put, of a request that is refused for that.
    pub(crate) unfit: Option<Vec<(ExprId, Test)>>,
    /// Texts that do not pass these tests, of a request that was not refused for them.
    pub(crate) stands: Vec<(ExprId, Test)>,
    /// How many statements begin.
    pub(crate) ran: usize,
    /// What comes of the request.
    pub(crate) end: End,
    /// The statement that decides that.
    pub(crate) at: Option<usize>,
    /// What is answered.
    pub(crate) status: Status,
    /// What is known to have become of header fields.
    pub(crate) headers: Vec<(Message, Arc<str>, Header)>,
    /// Whether the answer is the gateway's own, so that its other headers are known.
    pub(crate) own: bool,
    /// The limits that count the request, in order.
    pub(crate) limits: Vec<Arc<str>>,
    /// Whether answers are kept for others, and if so for whom; for nobody, where fields are read that say who asks.
    pub(crate) caches: Option<Result<Answers, BTreeSet<SlotId>>>,
    /// Whether a statement did what is not known here.
    pub(crate) blurred: bool,
    /// Whether every request that fits the guards may come this way. Not so for one whose value is refused.
    pub(crate) sure: bool,
    /// The statements that may refuse a value of the request.
    pub(crate) doubts: Vec<usize>,
    /// Values that a statement puts somewhere, and that a request can make longer than what can stand there.
    pub(crate) long: Vec<ExprId>,
}

/// What comes of a request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum End {
    /// Nothing yet.
    Open,
    /// No route answers: 404.
    Nobody,
    /// Routes answer other methods: 405.
    Method,
    /// A requirement does not hold.
    Denied,
    /// A limit is used up. Any request may come to that: it depends on those before it.
    Limited(Arc<str>),
    /// A value of the request cannot stand where a statement puts it.
    Unfit,
    /// Its content is longer than what is read: whatever it is, or if it does not declare how long it is.
    Long(Reads),
    /// The gateway answers by itself.
    Answered,
    /// This upstream is asked.
    Forwarded(Arc<str>),
}

/// What of a content is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Reads {
    /// How long it is, which is known of one that declares it.
    Length,
    /// What it says.
    All,
}

/// What is known of the status.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Status {
    /// It is this.
    Known(u16),
    /// It is what this gives.
    Computed(ExprId),
    /// Nothing: an upstream says it.
    Unknown,
}

/// What a statement made of a header field.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Header {
    /// It has this value.
    Value(ExprId),
    /// It has this value, but for blanks at its ends.
    Trimmed(ExprId),
    /// The same, if it can stand in a header field; else it is not there.
    Fitting(ExprId),
    /// It says this.
    Text(Arc<str>),
    /// This value, which is there, stands beside what was there before.
    Added(ExprId),
    /// It is there, whatever it says.
    There,
    /// It is taken away.
    Absent,
    /// Nobody knows.
    Unknown,
}

impl Course {
    pub(super) fn begin() -> Course {
        Course {
            guards: Vec::new(),
            unfit: None,
            stands: Vec::new(),
            ran: 0,
            end: End::Open,
            at: None,
            status: Status::Unknown,
            headers: Vec::new(),
            own: true,
            limits: Vec::new(),
            caches: None,
            blurred: false,
            sure: true,
            doubts: Vec::new(),
            long: Vec::new(),
        }
    }

    /// The course of a request that no route takes.
    pub(crate) fn past(end: End) -> Course {
        let status = if end == End::Method { 405 } else { 404 };
        Course { end, status: Status::Known(status), ..Course::begin() }
    }

    /// Whether an upstream is asked.
    pub(crate) fn to(&self) -> Option<&Arc<str>> {
        match &self.end {
            End::Forwarded(to) => Some(to),
            _ => None,
        }
    }

    /// Whether it is that of requests a value of which is refused, and nothing but that value tells which these are.
    pub(crate) fn is_judged(&self) -> bool {
        self.end == End::Unfit && self.unfit.is_none()
    }

    /// Everything that is computed for a request that comes this way: what sends it there, and what it ends with.
    pub(crate) fn exprs(&self) -> impl Iterator<Item = ExprId> + '_ {
        let headers = self.headers.iter().filter_map(|(.., header)| match header {
            Header::Value(id) | Header::Trimmed(id) | Header::Fitting(id) | Header::Added(id) => {
                Some(*id)
            }
            Header::Text(_) | Header::There | Header::Absent | Header::Unknown => None,
        });
        let status = match self.status {
            Status::Computed(id) => Some(id),
            Status::Known(_) | Status::Unknown => None,
        };
        self.guards.iter().map(|(id, _)| *id).chain(headers).chain(status)
    }

    /// What statements made of a header field, if any did.
    pub(super) fn made(&self, message: Message, name: &Arc<str>) -> Option<&Header> {
        let mut headers = self.headers.iter();
        headers.find(|(of, known, _)| (*of, known) == (message, name)).map(|(.., header)| header)
    }

    pub(super) fn put(&mut self, message: Message, name: &Arc<str>, header: Header) {
        self.headers.retain(|(of, known, _)| (*of, known) != (message, name));
        self.headers.push((message, name.clone(), header));
    }

    /// Another answer takes the place of the one there was.
    pub(super) fn answer(&mut self, status: Status, own: bool) {
        self.headers.retain(|(message, ..)| *message == Message::Up);
        self.status = status;
        self.own = own;
    }
}
