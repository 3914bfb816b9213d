//! One request and its answer, from the decision to the last statement. It holds what actions may touch and answers
//! what programs read; it sends nothing and decides nothing.

use std::cell::{Cell, OnceCell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use compiler::{Ask, Fill, Frame, Head, ListenerId, Matcher, Method, Read, RouteId, SlotId};
use lang::Value;
use lang::vocab::{Decode, Dyn, ExprId};
use tokio::time::Instant;

use crate::auth::{Auth, Verdict};
use crate::body::Body;
use crate::cache::{Caching, Use};
use crate::clock;
use crate::failure::{Failure, Whose};
use crate::fields::Reader;
use crate::limits::LimitId;
use crate::listen::Connection;
use crate::message::{
    Forwarded, Headers, Request, Response, Target, append_via, passes, strip_hop_by_hop,
};
use crate::normal;
use crate::telemetry::trace::RequestId;
use crate::upgrade::{Tunnel, Upgrade};
use crate::watch::Watch;

pub use compiler::MOST_READ;

/// The pseudonym under which the gateway stands in `Via` (RFC 9110, section 7.6.3).
const PSEUDONYM: &str = "gw";

/// A program that can decide, with the reader of each of its slots.
#[derive(Debug)]
pub struct Decider {
    /// Runs the program.
    pub matcher: Matcher,
    /// One for each of the program's slots.
    pub readers: Vec<Reader>,
    /// Who finds out who asks.
    pub auths: Vec<Auth>,
}

/// A decider as one core holds it: all cores share what it points to, and counting references to that on every request
/// would have them write to one place.
pub type Decides = Rc<Arc<Decider>>;

/// One request and its answer.
pub struct Exchange {
    /// What it came over.
    pub connection: Rc<Connection>,
    /// What decides about it, to its end, whatever is loaded meanwhile.
    pub decider: Decides,
    /// The request in its normal form. Nothing changes it.
    pub request: Request,
    /// Its content.
    pub content: Content,
    /// What the client offers to switch to.
    pub upgrade: Option<Upgrade>,
    /// Captures, locals and what was read.
    pub frame: Frame,
    /// The route that answers, once that is decided.
    pub route: Option<RouteId>,
    /// How it is to be forwarded.
    pub plan: Plan,
    /// The endpoint that answered.
    pub address: Option<SocketAddr>,
    /// How many tries it took to get an answer from an upstream, or to have none; 0 where none was asked.
    pub tries: u32,
    /// What went wrong, if something did: a word, and whose fault it was.
    pub fault: Option<(&'static str, Whose)>,
    /// The limit that refused it.
    pub(crate) limited: Option<LimitId>,
    /// A limit that had no place for its key.
    pub(crate) crowded: Option<LimitId>,
    /// How often a statement on the way back had a value that the answer cannot have.
    pub(crate) left_out: u32,
    /// How it fared with the cache.
    pub(crate) cached: Option<Use>,
    /// Header fields that its answer gets, whoever gives that.
    pub(crate) told: Vec<(&'static str, String)>,
    /// Bytes of the content that were read; nothing, where there is no content.
    received: Option<Rc<Cell<u64>>>,
    /// The upstream's answer as it came.
    pub origin: Option<Origin>,
    /// The answer being sent.
    pub answer: Option<Answer>,
    /// By what it is known in logs.
    pub id: RequestId,
    /// When it began.
    pub started: Instant,
    /// The same on the calendar.
    pub time: SystemTime,
    /// How long it took until the head of the upstream's answer.
    pub first_byte: Option<Duration>,
    /// Who looks on; nobody, but in tests of the policy.
    pub(crate) watch: Option<Rc<dyn Watch>>,
    /// What auths have found out, each at most once.
    pub verdicts: RefCell<Vec<(Arc<str>, Verdict)>>,
    up: OnceCell<Up>,
    json: OnceCell<Value>,
    client: Cell<Option<IpAddr>>,
}

/// A request's content, streaming until somebody needs all of it.
#[derive(Debug)]
pub enum Content {
    /// It flows by.
    Streaming(Body),
    /// All of it is here.
    Whole(Bytes),
    /// It is on its way to the upstream; so many bytes of it, if that was declared.
    Sent(Option<u64>),
}

/// An upstream, by its place in the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UpstreamId(pub usize);

/// What the way to the upstream should be like.
#[derive(Clone, Default, Debug)]
pub struct Plan {
    /// Where the request goes.
    pub to: Option<UpstreamId>,
    /// How long the whole exchange may take; the upstream's own limit when absent.
    pub timeout: Option<Duration>,
    /// How long the head of an answer may take; the upstream's own limit when absent.
    pub first_byte: Option<Duration>,
    /// Whether the answer may come from the cache, and how.
    pub(crate) cache: Option<Box<Caching>>,
}

/// The head of the request being sent.
#[derive(Clone, Debug)]
pub struct Up {
    /// The target. Its host is the client's unless `host_set`.
    pub target: Target,
    /// The header section, without `Host`.
    pub headers: Headers,
    /// Whether the policy chose the host; otherwise the upstream's own `host` counts, if it has one.
    pub host_set: bool,
    /// Whether the client takes trailers.
    pub takes_trailers: bool,
    /// Through how many gateways like this one the request came, or how often through this one.
    pub passes: usize,
}

/// The head of the upstream's answer, kept for statements that read `origin`.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The status.
    pub status: u16,
    /// The header section; empty where no statement of the route reads it.
    pub headers: Headers,
}

/// An answer on its way to the client.
#[derive(Debug)]
pub struct Answer {
    /// The head.
    pub response: Response,
    /// The content.
    pub body: Body,
    /// For a 101, the other end.
    pub tunnel: Option<Box<Tunnel>>,
}

impl Exchange {
    /// The exchange that `request` begins.
    pub fn new(
        connection: Rc<Connection>,
        decider: Decides,
        request: Request,
        body: Body,
        upgrade: Option<Upgrade>,
    ) -> Exchange {
        let (content, received) = if body.is_empty() {
            (Content::Whole(Bytes::new()), None)
        } else {
            let received = Rc::new(Cell::new(0));
            (Content::Streaming(body.counted(Rc::clone(&received))), Some(received))
        };
        Exchange {
            connection,
            decider,
            request,
            content,
            upgrade,
            frame: Frame::new(),
            route: None,
            plan: Plan::default(),
            address: None,
            tries: 0,
            fault: None,
            limited: None,
            crowded: None,
            left_out: 0,
            cached: None,
            told: Vec::new(),
            received,
            origin: None,
            answer: None,
            id: RequestId::random(),
            started: clock::now(),
            time: clock::calendar(),
            first_byte: None,
            watch: None,
            verdicts: RefCell::default(),
            up: OnceCell::new(),
            json: OnceCell::new(),
            client: Cell::new(None),
        }
    }

    /// Bytes of the content that were read.
    pub fn received(&self) -> u64 {
        self.received.as_ref().map_or(0, |received| received.get())
    }

    /// What a route is decided on by.
    pub fn ask(&self, listener: ListenerId) -> Ask<'_> {
        Ask { listener, head: self.head(), frame: &self.frame, fill: self }
    }

    /// What routes are found by.
    pub fn head(&self) -> Head<'_> {
        Head {
            host: self.request.target.host(),
            path: self.request.target.path(),
            method: Method::of(self.request.method.as_str()),
            client: Some(self.client().to_canonical()),
        }
    }

    /// The value of an argument for this request.
    pub fn eval<T: Decode>(&self, argument: &Dyn<T>) -> Result<T, Failure> {
        let decoded = match argument {
            Dyn::Constant(value, _) => T::decode(value),
            Dyn::Expression(expr) => T::decode(&self.evaluate(*expr)),
        };
        // The checker has seen to the type; what still does not fit is its mistake or ours.
        decoded.map_err(|_| Failure::Ours("argument"))
    }

    /// The value of an argument that may be left out or absent.
    pub fn eval_optional<T: Decode>(
        &self,
        argument: Option<&Dyn<T>>,
    ) -> Result<Option<T>, Failure> {
        match argument {
            None => Ok(None),
            Some(Dyn::Expression(expr)) => {
                Option::<T>::decode(&self.evaluate(*expr)).map_err(|_| Failure::Ours("argument"))
            }
            Some(constant) => self.eval(constant).map(Some),
        }
    }

    /// The value of an expression of the program.
    pub fn evaluate(&self, expr: ExprId) -> Value {
        self.decider.matcher.eval(expr, &self.frame, self)
    }

    /// Which of its alternatives an expression of the program takes that chooses.
    pub(crate) fn chosen(&self, choice: ExprId) -> Option<usize> {
        self.decider.matcher.chosen(choice, &self.frame, self)
    }

    /// The head of the request being sent. Until something changes it, it is the client's, without what concerned
    /// the connection to the client only, and with what a proxy adds.
    pub fn up(&self) -> &Up {
        self.up.get_or_init(|| self.up_of(self.request.headers.clone()))
    }

    /// What is sent if no statement says otherwise, made of the client's header section.
    fn up_of(&self, headers: Headers) -> Up {
        Up::of(&self.request, headers, &self.connection)
    }

    /// Changes the head of the request being sent.
    pub fn change_up<T>(&mut self, change: impl FnOnce(&mut Up) -> T) -> T {
        let mut up = self.take_up();
        let result = change(&mut up);
        self.up = OnceCell::from(up);
        result
    }

    /// Takes the head of the request being sent. Read afterwards, it is the client's again.
    pub fn take_up(&mut self) -> Up {
        self.up.take().unwrap_or_else(|| self.up_of(self.request.headers.clone()))
    }

    /// The same, for who knows that nothing looks at the request's header section any more.
    pub fn use_up(&mut self) -> Up {
        // It may say who the client is, which is told later on.
        self.client();
        let headers = std::mem::take(&mut self.request.headers);
        self.up.take().unwrap_or_else(|| self.up_of(headers))
    }

    /// The client's address: the peer's, unless the listener believes somebody else about it.
    pub fn client(&self) -> IpAddr {
        if let Some(known) = self.client.get() {
            return known;
        }
        // Collected, because the section yields its fields from the front only.
        let source = self.connection.source;
        if !self.connection.trusts_forwarded() {
            self.client.set(Some(source));
            return source;
        }
        let chain: Vec<&[u8]> = self.request.headers.all("x-forwarded-for").collect();
        let client = self.connection.client(chain.into_iter());
        self.client.set(Some(client));
        client
    }

    /// Waits until all of the content is here. More than [`MOST_READ`] bytes are refused with 413.
    pub async fn read_content(&mut self) -> Result<(), Failure> {
        if let Content::Streaming(body) = &mut self.content {
            let bytes = std::mem::take(body).collect(MOST_READ).await?;
            self.content = Content::Whole(bytes);
        }
        Ok(())
    }

    /// The content, to be sent on. Unless all of it is here, afterwards there is none.
    pub fn take_content(&mut self) -> Body {
        match &mut self.content {
            Content::Streaming(body) => {
                let body = std::mem::take(body);
                self.content = Content::Sent(body.content_length());
                body
            }
            // It stays readable for the statements on the way back.
            Content::Whole(bytes) => Body::full(bytes.clone()),
            Content::Sent(_) => Body::empty(),
        }
    }

    /// Answers with a failure, and notes whose fault it was.
    pub fn fail(&mut self, failure: &Failure) {
        self.fault = Some((failure.slug(), failure.whose()));
        self.reply(failure.answer());
    }

    /// Answers, and tells what is to be told once.
    pub fn reply(&mut self, mut answer: Answer) {
        for (name, value) in self.told.drain(..) {
            // A section that has no room for it goes without.
            let _ = answer.response.headers.append(name, value);
        }
        self.answer = Some(answer);
    }

    /// The content as a document, absent if it is none; `None` while it is not all here.
    pub fn json(&self) -> Option<&Value> {
        let Content::Whole(bytes) = &self.content else { return None };
        Some(self.json.get_or_init(|| crate::fields::document(bytes)))
    }

    /// The head of the answer being sent, if there is an answer.
    pub fn response(&self) -> Option<&Response> {
        self.answer.as_ref().map(|answer| &answer.response)
    }
}

impl Fill for Exchange {
    fn path(&self) -> &str {
        self.request.target.path()
    }

    fn fill(&self, slot: SlotId) -> Read<'_> {
        match self.decider.readers.get(slot.0 as usize) {
            Some(reader) => reader.read(self),
            None => Read::Value(Value::Absent),
        }
    }
}

impl Up {
    /// What is sent if no statement says otherwise.
    fn of(request: &Request, mut headers: Headers, connection: &Connection) -> Up {
        let hop = strip_hop_by_hop(&mut headers);
        normal::unmask(&mut headers);
        // A section that has no room left for these is far beyond the cap on heads, and goes as it is.
        let _ = Forwarded {
            peer: connection.source,
            scheme: request.target.scheme(),
            host: request.target.host(),
            port: request.target.port(),
            trusted: connection.trusts_forwarded(),
        }
        .write(&mut headers);
        let passes = passes(&headers, PSEUDONYM);
        let _ = append_via(&mut headers, request.version, PSEUDONYM);
        let takes_trailers = hop.trailers;
        Up { target: request.target.clone(), headers, host_set: false, takes_trailers, passes }
    }
}

impl Answer {
    /// An answer with a text.
    pub fn text(status: u16, content_type: &str, text: impl Into<Bytes>) -> Answer {
        let mut response = Response::new(status);
        let body = Body::full(text);
        if !body.is_empty() {
            // Content types are literals of ours.
            let _ = response.headers.append("content-type", content_type);
        }
        Answer { response, body, tunnel: None }
    }
}

#[cfg(test)]
pub(crate) mod sample {
    //! Exchanges for the tests of whoever works on them.

    use compiler::program::Expr;
    use compiler::{Backend, Program};

    use super::*;
    use crate::message::{self, Scheme};
    use crate::telemetry::Telemetry;

    /// An exchange over a program that holds these expressions and slots.
    pub(crate) fn exchange(
        exprs: Vec<Expr>,
        slots: Vec<compiler::Slot>,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Exchange {
        let readers = slots.iter().map(|slot| Reader::of(slot).unwrap()).collect();
        let program = Program { exprs: exprs.into(), slots, ..Program::default() };
        let matcher = compiler::load(Arc::new(program), vec![], Backend::Interp).unwrap();
        let metrics = &Telemetry::silent(1).metrics;
        let address = IpAddr::from([192, 0, 2, 7]);
        let connection = Connection {
            listener: "web".into(),
            peer: address,
            source: address,
            tls: None,
            forwarded: Arc::default(),
            series: metrics.listener("web"),
            identities: Box::default(),
        };
        let target = Target::new(Scheme::Http, b"Shop.Example:8080", target.as_bytes()).unwrap();
        let mut request = Request::new(message::Method::Get, target);
        for (name, value) in headers {
            request.headers.append(name, value).unwrap();
        }
        let decider = Rc::new(Arc::new(Decider { matcher, readers, auths: Vec::new() }));
        Exchange::new(Rc::new(connection), decider, request, Body::empty(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_begins_as_what_came_without_the_connection() {
        let headers = [
            ("Connection", "x-hop, te"),
            ("X-Hop", "1"),
            ("TE", "trailers"),
            ("X-Kept", "1"),
            ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-Proto", "https"),
        ];
        let ex = sample::exchange(vec![], vec![], "/a?b", &headers);
        let up = ex.up();
        assert!(up.takes_trailers && !up.host_set);
        let all: Vec<_> = up.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        let expected =
            ["x-kept", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via"];
        assert_eq!(all, expected);
        assert_eq!(up.headers.text("x-forwarded-for"), Some("192.0.2.7"));
        assert_eq!(up.headers.text("x-forwarded-proto"), Some("http"));
        assert_eq!(up.headers.text("x-forwarded-host"), Some("shop.example:8080"));
        assert_eq!(up.headers.text("via"), Some("1.1 gw"));
    }
}
