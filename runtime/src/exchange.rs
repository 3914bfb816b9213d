//! One request and its answer, from the decision to the last statement. It holds what actions may touch and answers
//! what programs read; it sends nothing and decides nothing.

use std::cell::{Cell, OnceCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use compiler::{Fill, Frame, Head, Matcher, Read, RouteId, SlotId};
use ipnet::IpNet;
use lang::Value;
use lang::vocab::decode::{Decode, Dyn, ExprId};
use tokio::time::Instant;

use crate::body::Body;
use crate::failure::Failure;
use crate::fields::Reader;
use crate::message::{Forwarded, Headers, Request, Response, Target, append_via, strip_hop_by_hop};
use crate::upgrade::{Tunnel, Upgrade};

/// The pseudonym under which the gateway stands in `Via` (RFC 9110, section 7.6.3).
const PSEUDONYM: &str = "gw";

/// What the listener knows of a connection: the same for all its exchanges.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The listener's name.
    pub listener: Arc<str>,
    /// The other end.
    pub peer: SocketAddr,
    /// Whom it speaks for: the peer, or the source that a trusted PROXY header named.
    pub client: IpAddr,
    /// The networks whose `X-Forwarded-For` is believed; `None` believes nobody's.
    pub believed: Option<Arc<[IpNet]>>,
    /// What the TLS handshake agreed on; absent over cleartext.
    pub tls: Option<Tls>,
    /// The most bytes of a request's content that are kept for a policy to read.
    pub body_cap: u64,
}

/// What a TLS handshake agreed on.
#[derive(Clone, Debug)]
pub struct Tls {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// The name asked for, in lower case.
    pub sni: Option<Arc<str>>,
    /// The protocol agreed on.
    pub alpn: Option<Arc<str>>,
    /// The subject of the client's certificate, verified.
    pub client: Option<Arc<str>>,
}

/// A program that can decide, with the reader of each of its slots.
#[derive(Debug)]
pub struct Decider {
    /// Runs the program.
    pub matcher: Matcher,
    /// One for each of the program's slots.
    pub readers: Vec<Reader>,
}

/// One request and its answer.
pub struct Exchange {
    /// What it came over.
    pub connection: Rc<Connection>,
    /// What decides about it, to its end, whatever is loaded meanwhile.
    pub decider: Arc<Decider>,
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
    /// The upstream's answer as it came.
    pub origin: Option<Origin>,
    /// The answer being sent.
    pub answer: Option<Answer>,
    /// When it began.
    pub started: Instant,
    /// The same on the calendar.
    pub time: SystemTime,
    /// How long it took until the head of the upstream's answer.
    pub first_byte: Option<Duration>,
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
    /// It is on its way to the upstream.
    Sent,
}

/// An upstream, by its place in the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UpstreamId(pub usize);

/// What the way to the upstream should be like.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Plan {
    /// Where the request goes.
    pub to: Option<UpstreamId>,
    /// How long the whole exchange may take; the upstream's own limit when absent.
    pub timeout: Option<Duration>,
    /// How long the head of an answer may take; the upstream's own limit when absent.
    pub first_byte: Option<Duration>,
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
    pub tunnel: Option<Tunnel>,
}

impl Exchange {
    /// The exchange that `request` begins.
    pub fn new(
        connection: Rc<Connection>,
        decider: Arc<Decider>,
        request: Request,
        body: Body,
        upgrade: Option<Upgrade>,
    ) -> Exchange {
        let content = match body.as_full() {
            Some([]) => Content::Whole(Bytes::new()),
            _ => Content::Streaming(body),
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
            origin: None,
            answer: None,
            started: Instant::now(),
            time: SystemTime::now(),
            first_byte: None,
            up: OnceCell::new(),
            json: OnceCell::new(),
            client: Cell::new(None),
        }
    }

    /// What routes are found by.
    pub fn head(&self) -> Head<'_> {
        Head {
            host: self.request.target.host(),
            path: self.request.target.path(),
            method: self.request.method.as_str(),
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

    /// The head of the request being sent. Until something changes it, it is the client's, without what concerned
    /// the connection to the client only, and with what a proxy adds.
    pub fn up(&self) -> &Up {
        self.up.get_or_init(|| Up::of(&self.request, &self.connection))
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
        self.up.take().unwrap_or_else(|| Up::of(&self.request, &self.connection))
    }

    /// The client's address: the peer's, unless the listener believes somebody else about it.
    pub fn client(&self) -> IpAddr {
        if let Some(known) = self.client.get() {
            return known;
        }
        let client = match &self.connection.believed {
            None => self.connection.client,
            Some(believed) => {
                forwarded_for(self.connection.client, believed, &self.request.headers)
            }
        };
        self.client.set(Some(client));
        client
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
    fn fill(&self, slot: SlotId) -> Read {
        match self.decider.readers.get(slot.0 as usize) {
            Some(reader) => reader.read(self),
            None => Read::Value(Value::Absent),
        }
    }
}

impl Up {
    /// What is sent if no statement says otherwise.
    fn of(request: &Request, connection: &Connection) -> Up {
        let mut headers = request.headers.clone();
        let hop = strip_hop_by_hop(&mut headers);
        // A section that has no room left for these is far beyond the cap on heads, and goes as it is.
        let _ = Forwarded {
            peer: connection.client,
            scheme: request.target.scheme(),
            host: &request.target.authority(),
            trusted: connection.believes(connection.client),
        }
        .write(&mut headers);
        let _ = append_via(&mut headers, request.version, PSEUDONYM);
        if hop.trailers {
            let _ = headers.append("te", "trailers");
        }
        Up { target: request.target.clone(), headers, host_set: false }
    }
}

impl Connection {
    /// Whether what `address` says about clients is believed.
    fn believes(&self, address: IpAddr) -> bool {
        let believed = self.believed.as_deref().unwrap_or_default();
        holds(believed, address)
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

/// The client that a chain of believed proxies speaks for: from the right, the first address that is not theirs.
/// What stands left of it the client may have made up.
fn forwarded_for(peer: IpAddr, believed: &[IpNet], headers: &Headers) -> IpAddr {
    let mut client = peer;
    let fields: Vec<&[u8]> = headers.all("x-forwarded-for").collect();
    let hops = fields.iter().rev().flat_map(|field| field.rsplit(|&byte| byte == b','));
    for hop in hops {
        if !holds(believed, client) {
            break;
        }
        match std::str::from_utf8(hop).ok().and_then(|hop| hop.trim().parse().ok()) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

fn holds(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_first_that_is_no_proxy() {
        let believed = ["10.0.0.0/8".parse().unwrap()];
        let client = |peer: &str, fields: &[&str]| {
            let mut headers = Headers::new();
            for field in fields {
                headers.append("X-Forwarded-For", field).unwrap();
            }
            forwarded_for(peer.parse().unwrap(), &believed, &headers).to_string()
        };
        assert_eq!(client("192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9", "198.51.100.1,10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, nonsense"]), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["2001:db8::1"]), "2001:db8::1");
    }
}
