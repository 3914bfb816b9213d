//! A request as an example: made of the values that a set asks for, shown as a person would write it, and replayed through
//! the interpreter before anybody sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use lang::policy::{Host, Path, Segment};
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;
use lang::{Ty, Value};

use crate::caching::IDENTITY;
use crate::frame::{Fill, Frame, Head, Method, Read, Slot, SlotId};
use crate::interp::{Constants, Interp, ops};
use crate::lower::condition::jump_code;
use crate::passing::SINGLE;
use crate::program::{Program, Route};
use crate::said::{cookie, document, known, said};
use crate::space::{
    Door, ELSEWHERE, Fact, SOME_ID, Term, are_told_alike, is_host_name, is_sayable,
    may_share_token, names, settled, sources, stands_in,
};
use lang::hosts::host_holds;
use lang::segment::{Segments, split};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) method: Arc<str>,
    pub(crate) host: Arc<str>,
    pub(crate) path: String,
    pub(crate) slots: Vec<(SlotId, Value)>,
    /// The header fields that its `connection` names.
    pub(crate) stripped: Vec<Arc<str>>,
    /// What whoever sends it is known by.
    pub(crate) claims: Vec<Said>,
    /// What holds of whatever comes to the listener that it is for.
    arriving: Vec<Fact>,
    /// Whether its content does not declare how long it is.
    pub(crate) is_chunked: bool,
    /// Whether it is a guess: what it does not say, and no request is free to say, is not known then. Of others it does not
    /// matter.
    is_guess: bool,
}

/// What a token says: by the slot of its auth's claims and the claim's name.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    auth: SlotId,
    claim: Arc<str>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// The claim is this, or is not there.
    Value(Value),
    /// The claim holds this text.
    Holds(Arc<str>),
}

/// Over which protocol it comes.
const SCHEME: &str = "req.scheme";

/// The subject of the client's certificate.
const CERTIFICATE: &str = "conn.tls.client";

/// The subject of a certificate of which nothing is asked.
const SOMEBODY: &str = "CN=x";

/// What there is only where it comes over TLS.
const OVER_TLS: [&str; 4] = ["conn.tls.version", CERTIFICATE, "conn.sni", "conn.alpn"];

/// A request as the interpreter reads it.
struct World<'w> {
    program: &'w Program,
    witness: &'w Witness,
}

impl Witness {
    /// A request for the host and the path pattern that has these values, where they say something, to a listener of which
    /// these facts hold.
    pub(crate) fn new(
        (host, path): (&Host, &Path),
        values: Vec<(Term, Value)>,
        arriving: &[Fact],
    ) -> Witness {
        let mut witness = Witness {
            method: Arc::from("GET"),
            host: sample_host(host),
            path: String::new(),
            slots: Vec::new(),
            stripped: Vec::new(),
            claims: Vec::new(),
            arriving: arriving.to_vec(),
            is_chunked: false,
            is_guess: false,
        };
        let mut segments: Vec<Option<Arc<str>>> = path
            .segments
            .iter()
            .map(|segment| Some(Arc::from(Segments::of(segment).sample())))
            .collect();
        let mut ended = usize::MAX;
        let mut says_method = false;
        let mut rest: Option<(usize, Arc<str>)> = None;
        let mut whole: Option<Arc<str>> = None;
        for (term, value) in values {
            match (term, value) {
                (Term::Method, Value::Method(name)) => {
                    witness.method = name;
                    says_method = true;
                }
                (Term::Host, Value::String(name)) => witness.host = name,
                (Term::Segment(at), Value::String(text)) => {
                    if segments.len() <= at {
                        segments.resize(at + 1, None);
                    }
                    if let Some(segment) = segments.get_mut(at) {
                        *segment = Some(text);
                    }
                }
                (Term::Rest(at), Value::String(text)) => rest = Some((at, text)),
                (Term::Path, Value::String(text)) => whole = Some(text),
                (Term::Segment(at) | Term::Rest(at), _) => ended = ended.min(at),
                (Term::Slot(slot), value) => witness.slots.push((slot, value)),
                (Term::Stripped(name), value) if value.is_true() => witness.stripped.push(name),
                (Term::Claim(auth, claim), value) => {
                    witness.claims.push(Said { auth, claim, what: What::Value(value) });
                }
                (Term::Held(auth, claim, text), value) if value.is_true() => {
                    witness.claims.push(Said { auth, claim, what: What::Holds(text) });
                }
                _ => {}
            }
        }
        if let Some(path) = whole {
            witness.path = path.to_string();
            return witness;
        }
        if let Some((at, _)) = &rest {
            segments.resize(*at, None);
        }
        segments.truncate(ended);
        for segment in &segments {
            witness.path.push('/');
            witness.path.push_str(segment.as_deref().unwrap_or("x"));
        }
        if let Some((_, text)) = rest.filter(|(at, _)| *at <= ended) {
            witness.path.push_str(&text);
        } else if segments.is_empty() {
            witness.path.push(if ended == 0 { '*' } else { '/' });
        }
        if witness.path == "*" && !says_method {
            witness.method = Arc::from("OPTIONS");
        }
        witness
    }

    /// The same for values that are a guess.
    pub(crate) fn guess(
        place: (&Host, &Path),
        values: Vec<(Term, Value)>,
        arriving: &[Fact],
    ) -> Witness {
        Witness { is_guess: true, ..Witness::new(place, values, arriving) }
    }

    /// The same request, over this scheme where it is not settled over which.
    pub(crate) fn over(mut self, program: &Program, scheme: &'static str) -> Witness {
        let Some(slot) = program.slot_of(SCHEME, None) else { return self };
        if settled(&self.arriving, SCHEME).is_none() && self.said(program, (SCHEME, None)).is_none()
        {
            let secure = OVER_TLS.iter().find_map(|field| {
                let said = self.said(program, (field, None))?;
                (!said.is_absent()).then_some("https")
            });
            self.slots.push((slot, Value::string(secure.unwrap_or(scheme))));
        }
        self
    }

    /// The same request as another program reads it.
    pub(crate) fn moved(&self, from: &Program, to: &Program) -> Witness {
        let place = |id: SlotId| {
            let slot = from.slot(id)?;
            to.slot_of(&slot.field, slot.key.as_deref())
        };
        let slots = self.slots.iter().filter_map(|(id, value)| Some((place(*id)?, value.clone())));
        let mut slots: Vec<(SlotId, Value)> = slots.collect();
        for (at, slot) in to.slots.iter().enumerate() {
            let id = SlotId(at as u32);
            if !slots.iter().any(|(known, _)| *known == id) {
                slots.extend(self.implied(from, slot).map(|value| (id, value)));
            }
        }
        let claims = self.claims.iter();
        let claims =
            claims.filter_map(|said| Some(Said { auth: place(said.auth)?, ..said.clone() }));
        Witness { slots, claims: claims.collect(), ..self.clone() }
    }

    /// Whether its listener lets it through: what it says is what comes there, its header section and its target are no
    /// longer than is read, and its host is one.
    pub(crate) fn arrives(&self, program: &Program) -> bool {
        let length = |value: &Value| value.as_str().map_or(0, str::len);
        // What stands around a name and its value.
        const AROUND: usize = 4;
        let (mut n_fields, mut head, mut query) = (1 + self.stripped.len(), self.host.len(), 0);
        for (id, value) in self.slots.iter().filter(|(_, value)| !value.is_absent()) {
            let Some(slot) = program.slot(*id) else { continue };
            let name = slot.key.as_deref().unwrap_or_default();
            let (n_said, said) = match value {
                Value::List(all) => (all.len(), all.iter().map(length).sum()),
                one => (1, length(one)),
            };
            let own = n_said * (name.len() + AROUND) + said;
            match &*slot.field {
                "req.header.all" if n_said > 1 && SINGLE.contains(&name) => return false,
                "req.header" | "req.header.all" | "req.cookie" => {
                    n_fields += n_said;
                    head += own;
                }
                "req.query" | "req.query.all" => query += own,
                _ => {}
            }
        }
        let document = self.said(program, ("req.json", None)).filter(|value| !value.is_absent());
        let fits = match (document, self.said(program, ("req.body.size", None))) {
            (Some(document), Some(Value::Size(size))) => {
                self::document(document).len() as u64 <= *size
            }
            _ => true,
        };
        // Whatever is expected of a connection is met there or refused, and `*` has no query.
        let is_met = |all: &Value| all.is_absent() || items(all).next().is_none();
        let expects = self.said(program, ("req.header.all", Some("expect")));
        let is_starred = self.path == "*" && !self.query(program).is_empty();
        // Of what `connection` names beside what it is said to say, it would say both.
        let connection = self.said(program, ("req.header", Some("connection")));
        let is_said_twice = connection.is_some_and(|said| !said.is_absent());
        let is_open = self.said(program, (SCHEME, None)).and_then(Value::as_str) == Some("http");
        let is_secret = OVER_TLS
            .iter()
            .any(|field| self.said(program, (field, None)).is_some_and(|value| !value.is_absent()));
        if !fits
            || is_starred
            || expects.is_some_and(|all| !is_met(all))
            || (is_open && is_secret)
            || (is_said_twice && !self.stripped.is_empty())
            || !self.is_forwarded(program)
        {
            return false;
        }
        let target = self.path.len() + query;
        (self.host.is_empty() || is_host_name(&self.host))
            && self.arriving.iter().all(|fact| match fact {
                Fact::Longest { header, target: most, fields } => {
                    n_fields <= *fields && head + target <= *header && target <= *most
                }
                fact => self.fits(program, fact),
            })
    }

    /// Whether what it says of one field does not contradict a fact of its listener.
    fn fits(&self, program: &Program, fact: &Fact) -> bool {
        let said = |field| self.said(program, (field, None));
        match fact {
            Fact::Present(field, there) => {
                said(field).is_none_or(|value| value.is_absent() != *there)
            }
            Fact::Is(field, text) => said(field).is_none_or(|value| value.as_str() == Some(*text)),
            Fact::AtMost("req.body.size", most) => {
                self.size(program).is_none_or(|size| Value::Size(size) <= *most)
            }
            Fact::AtMost(field, most) => said(field).is_none_or(|value| value <= most),
            Fact::OneOf(field, words) => {
                said(field).is_none_or(|value| value.is_absent() || words.contains(value))
            }
            Fact::Peer(believed) => match (said("client.ip"), said("conn.peer")) {
                (Some(client), Some(peer)) if client != peer => {
                    believed.iter().any(|by| ops::is_in(peer, &Value::list([by.clone()])))
                }
                _ => true,
            },
            Fact::Two | Fact::Longest { .. } => true,
        }
    }

    /// Whether a client that speaks through another is the one of whom `x-forwarded-for` tells, where that is read.
    fn is_forwarded(&self, program: &Program) -> bool {
        let said = |name| self.said(program, (name, None)).filter(|value| !value.is_absent());
        let (Some(client), Some(peer)) = (said("client.ip"), said("conn.peer")) else {
            return true;
        };
        let told = self.said(program, ("req.header", Some("x-forwarded-for")));
        client == peer
            || told.is_none_or(|told| told.as_str().is_some_and(|told| told == client.to_string()))
    }

    /// The claims of an auth that has any: those that are asked for, and what a token must say besides.
    fn token(&self, id: SlotId, of: &Ty) -> Value {
        let Ty::Record(fields) = of.present() else { return Value::Map(Arc::default()) };
        let mut token = BTreeMap::new();
        for (name, ty) in fields.iter() {
            let said: Vec<&What> = self
                .claims
                .iter()
                .filter(|said| said.auth == id && said.claim == *name)
                .map(|said| &said.what)
                .collect();
            #[expect(clippy::mutable_key_type, reason = "texts alone, which nothing changes")]
            let held: BTreeSet<Value> = said
                .iter()
                .filter_map(|what| match what {
                    What::Holds(text) => Some(Value::String(text.clone())),
                    What::Value(_) => None,
                })
                .collect();
            let value = said.iter().find_map(|what| match what {
                What::Value(value) => Some(value.clone()),
                What::Holds(_) => None,
            });
            let is_there = !value.as_ref().is_some_and(Value::is_absent)
                && (value.is_some() || !held.is_empty() || !ty.is_optional());
            if !is_there {
                continue;
            }
            token.insert(
                name.clone(),
                match (ty.present(), value) {
                    (Ty::List(_), _) => Value::list(held),
                    (Ty::Set(_), _) => Value::Set(Arc::new(held)),
                    (Ty::Record(_) | Ty::Map(_) | Ty::Json, _) => Value::Map(Arc::default()),
                    (_, Some(value)) => value,
                    (ty, None) => usual(ty),
                },
            );
        }
        Value::Map(Arc::new(token))
    }

    /// What the auth of a slot is to have verified, of `given` what is not asked for; absent where it is to know nobody.
    pub(crate) fn claims_of(
        &self,
        program: &Program,
        (id, value): &(SlotId, Value),
        given: &Value,
    ) -> Value {
        let slot = program.slot(*id).filter(|_| !value.is_absent());
        let Some(Value::Map(token)) = slot.map(|slot| self.token(*id, &slot.ty)) else {
            return Value::Absent;
        };
        let mut token = BTreeMap::clone(&token);
        if let Value::Map(given) = given {
            let is_asked =
                |name: &str| self.claims.iter().any(|of| of.auth == *id && *of.claim == *name);
            let kept = given.iter().filter(|(name, _)| !is_asked(name));
            token.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
        }
        Value::Map(Arc::new(token))
    }

    /// Whether auths that look for their tokens in the same places know whoever sends it by what one token can say.
    pub(crate) fn is_of_one_token(&self, program: &Program) -> bool {
        let known: Vec<(&str, Value)> = self
            .slots
            .iter()
            .filter(|(_, value)| !value.is_absent())
            .filter_map(|(id, _)| {
                let slot = program.slot(*id)?;
                let auth = slot.key.as_deref().filter(|_| *slot.field == *CLAIMS.path)?;
                Some((auth, self.token(*id, &slot.ty)))
            })
            .collect();
        known.iter().enumerate().all(|(at, (one, says))| {
            let mut others = known.iter().skip(at + 1);
            others.all(|(other, and)| {
                !may_share_token(program, one, other)
                    || (are_told_alike(program, one, other) && agree(says, and))
            })
        })
    }

    /// Whether the slot holds a token of somebody who is known: what it looks like is not shown.
    pub(crate) fn is_token(&self, program: &Program, slot: &Slot) -> bool {
        let known = self.slots.iter().filter(|(_, value)| !value.is_absent());
        let mut auths = known
            .filter_map(|(id, _)| program.slot(*id).filter(|slot| *slot.field == *CLAIMS.path));
        auths.any(|auth| {
            let from = sources(program, auth.key.as_deref().unwrap_or_default());
            from.iter().any(|source| stands_in(source, slot))
        })
    }

    /// Whether its `connection` names this header field, so that it is not passed on.
    pub(crate) fn strips(&self, program: &Program, name: &str) -> bool {
        let said = self.said(program, ("req.header", Some("connection"))).and_then(Value::as_str);
        self.stripped.iter().any(|stripped| **stripped == *name)
            || said.is_some_and(|said| names(said, name))
    }

    /// As the head of a request.
    pub(crate) fn head(&self) -> Head<'_> {
        Head { host: &self.host, path: &self.path, method: Method::of(&self.method), client: None }
    }

    /// What the interpreter reads of it.
    pub(crate) fn fill<'w>(&'w self, program: &'w Program) -> impl Fill + 'w {
        World { program, witness: self }
    }

    /// Whether the route takes it at this host pattern and this path pattern, by the code that decides.
    pub(crate) fn is_taken(
        &self,
        (program, constants): (&Program, &Constants),
        route: &Route,
        path: &Path,
        host: &Host,
    ) -> bool {
        let segments: Vec<&str> = split(&self.path).collect();
        let method = route.methods.as_ref().is_none_or(|(all, _)| all.contains(&self.method));
        if !method || !host_holds(host, &self.host) || !path_holds(path, &segments) {
            return false;
        }
        let frame = Frame::new();
        let captured = path.segments.iter().zip(&segments).filter_map(|(segment, text)| {
            let Segment::Capture(name, _) = segment else { return None };
            Some((name.clone(), Segments::of(segment).value(text)))
        });
        frame.set_captures(captured.collect());
        let fill = World { program, witness: self };
        let interp = Interp { program, constants, frame: &frame, fill: &fill };
        let conditions: Vec<ExprId> = route.conditions.iter().map(|(id, _)| *id).collect();
        interp.passes(&jump_code(program, &conditions)) == Ok(true)
    }

    /// As a person would write it: `GET https://shop.example/a?q=1 from 10.0.0.1 with x-debug: 1`.
    pub(crate) fn text(&self, program: &Program, door: Door<'_>) -> String {
        let scheme = self.said(program, (SCHEME, None)).and_then(Value::as_str);
        let scheme = scheme.filter(|_| settled(&self.arriving, SCHEME).is_none());
        let scheme = scheme.unwrap_or(door.scheme);
        let mut text = format!("{} {scheme}://{}{}", self.method, self.host, self.path);
        text.push_str(&self.query(program));
        let mut details: Vec<String> = Vec::new();
        let mut from = String::new();
        for (id, value) in &self.slots {
            let Some(slot) = program.slot(*id) else { continue };
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match (&*slot.field, slot.key.as_deref()) {
                (field, None) if settled(&self.arriving, field).is_some() => {}
                ("conn.sni" | "conn.alpn", None) if value.is_absent() && scheme == "https" => {
                    details.push(format!("{} absent", slot.field));
                }
                (SCHEME, None) => {}
                _ if value.is_absent() || self.is_token(program, slot) => {}
                (field, Some(auth)) if field == CLAIMS.path => {
                    let Value::Map(claims) = self.token(*id, &slot.ty) else { continue };
                    details.push(known(auth, &claims));
                }
                // They stand in the target, above.
                ("req.query" | "req.query.all", Some(_)) => {}
                ("req.header.all", Some(key)) => {
                    details.extend(items(value).map(|one| format!("{key}: {}", said(one))));
                }
                ("req.header", Some(key)) => details.push(format!("{key}: {}", said(&plain))),
                // They stand in one field, below.
                ("req.cookie", Some(_)) => {}
                ("req.body.size", None) if *value == Value::Size(0) => {}
                ("req.json", None) => details.push(format!("content {}", document(value))),
                ("client.ip", None) => from = format!(" from {plain}"),
                ("conn.peer", None) => match self.said(program, ("client.ip", None)) {
                    None => from = format!(" from {plain}"),
                    Some(client) if client == value => {}
                    Some(_) => details.push(format!("conn.peer = {plain}")),
                },
                (field, Some(key)) => details.push(format!("{field}[{key:?}] = {value}")),
                (field, None) => details.push(format!("{field} = {value}")),
            }
        }
        if self.said(program, (CERTIFICATE, None)).is_none()
            && let Some(slot) = program.slot_of(CERTIFICATE, None)
            && let Some(subject) = program.slot(slot).and_then(|slot| self.implied(program, slot))
        {
            details.push(format!("{CERTIFICATE} = {subject}"));
        }
        let cookies = self.cookies(program, false);
        details.extend(cookies.iter().map(|cookies| format!("cookie: {}", said(cookies))));
        details.extend(self.is_chunked.then(|| "transfer-encoding: chunked".to_owned()));
        details.extend(self.stripped.iter().map(|name| format!("connection: {name}")));
        if self.host.is_empty() {
            text.push_str(" in HTTP/1.0");
        }
        text.push_str(&from);
        for (at, detail) in details.iter().enumerate() {
            text.push_str(if at == 0 { " with " } else { " and " });
            text.push_str(detail);
        }
        if let Some(name) = door.name {
            text.push_str(" on ");
            text.push_str(name);
        }
        text
    }
}

impl Witness {
    /// What a field reads that nothing is said of, because something is said of another one.
    fn implied(&self, program: &Program, slot: &Slot) -> Option<Value> {
        match &*slot.field {
            // Where only one is said, the client is whoever opened the connection.
            "conn.peer" => self.said(program, ("client.ip", None)).cloned(),
            "client.ip" => self.said(program, ("conn.peer", None)).cloned(),
            // Without one nobody gets through.
            CERTIFICATE => {
                let is_demanded = self.arriving.contains(&Fact::Present(CERTIFICATE, true));
                is_demanded.then(|| Value::string(SOMEBODY))
            }
            "req.target" => Some(Value::string(format!("{}{}", self.path, self.query(program)))),
            "req.header" => match slot.key.as_deref() {
                Some(key @ ("cookie" | "host" | "content-length" | "transfer-encoding")) => {
                    Some(self.written(program, key).map_or(Value::Absent, Value::string))
                }
                key => {
                    let all = self.said(program, ("req.header.all", key))?;
                    let all: Vec<&str> = items(all).collect();
                    (!all.is_empty()).then(|| Value::string(all.join(", ")))
                }
            },
            "req.header.all" | "req.query.all" => Some(self.all(program, slot)),
            "req.query" => {
                let all = self.said(program, ("req.query.all", slot.key.as_deref()))?;
                let mut all = items(all).map(Value::string);
                all.next().filter(|_| all.next().is_none())
            }
            "req.body.size" => self.size(program).map(Value::Size),
            _ => None,
        }
    }

    /// What a header field says that other things say too.
    fn written(&self, program: &Program, name: &str) -> Option<String> {
        match name {
            "cookie" => self.cookies(program, true),
            "host" => (!self.host.is_empty()).then(|| self.host.to_string()),
            "content-length" => match self.size(program)? {
                0 => None,
                _ if self.is_chunked => None,
                size => Some(size.to_string()),
            },
            _ => None,
        }
    }

    /// How long its content is, if it says that: a document is its content.
    fn size(&self, program: &Program) -> Option<u64> {
        if let Some(Value::Size(size)) = self.said(program, ("req.body.size", None)) {
            return Some(*size);
        }
        let document = self.said(program, ("req.json", None));
        let document = document.filter(|document| !document.is_absent())?;
        Some(self::document(document).len() as u64)
    }

    /// What its target says behind the path: what is said of the query, with the `?`.
    pub(crate) fn query(&self, program: &Program) -> String {
        let mut text = String::new();
        for (id, value) in &self.slots {
            let slot = program.slot(*id);
            let Some((slot, key)) = slot.and_then(|slot| Some((slot, slot.key.as_deref()?))) else {
                continue;
            };
            let said: Vec<&str> = match &*slot.field {
                "req.query" => value.as_str().into_iter().collect(),
                "req.query.all" => items(value).collect(),
                _ => continue,
            };
            for one in said {
                text.push(if text.is_empty() { '?' } else { '&' });
                escape(&mut text, key);
                text.push('=');
                escape(&mut text, one);
            }
        }
        text
    }

    /// What the `cookie` field says where cookies are said.
    fn cookies(&self, program: &Program, with_tokens: bool) -> Option<String> {
        let pairs = self.slots.iter().filter_map(|(id, value)| {
            let slot = program.slot(*id)?;
            let name = slot.key.as_deref().filter(|_| &*slot.field == "req.cookie")?;
            let is_said = with_tokens || !self.is_token(program, slot);
            Some(format!("{name}={}", cookie(value.as_str().filter(|_| is_said)?)))
        });
        let pairs: Vec<String> = pairs.collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The values of a header field or of the query, of which the request says one at most.
    fn all(&self, program: &Program, slot: &Slot) -> Value {
        let one = slot.field.strip_suffix(".all").unwrap_or_default();
        if let Some(said) = self.said(program, (one, slot.key.as_deref())) {
            return Value::list(Some(said).filter(|value| !value.is_absent()).cloned());
        }
        let name = slot.key.as_deref().filter(|_| one == "req.header");
        Value::list(name.and_then(|name| self.written(program, name)).map(Value::string))
    }

    /// What it says of this field (and key), if that was asked.
    pub(crate) fn said(
        &self,
        program: &Program,
        (field, key): (&str, Option<&str>),
    ) -> Option<&Value> {
        let is = |id: SlotId| {
            let slot = program.slot(id);
            slot.is_some_and(|slot| (&*slot.field, slot.key.as_deref()) == (field, key))
        };
        self.slots.iter().find(|(id, _)| is(*id)).map(|(_, value)| value)
    }
}

impl Fill for World<'_> {
    fn path(&self) -> &str {
        &self.witness.path
    }

    fn is_open(&self) -> bool {
        self.witness.is_guess
    }

    fn fill(&self, id: SlotId) -> Read<'_> {
        let Some(slot) = self.program.slot(id) else {
            return Read::Value(Value::Absent);
        };
        if let Some(value) = settled(&self.witness.arriving, &slot.field) {
            return Read::Value(value);
        }
        let given = self.witness.slots.iter().find(|(slot, _)| *slot == id);
        if let Some((_, value)) = given {
            // What a token looks like is not for a guess to know.
            if self.witness.is_guess
                && !value.is_absent()
                && self.witness.is_token(self.program, slot)
            {
                return Read::Pending;
            }
            let known = *slot.field == *CLAIMS.path && !value.is_absent();
            return Read::Value(match known {
                true => self.witness.token(id, &slot.ty),
                false => value.clone(),
            });
        }
        Read::Value(match &*slot.field {
            "req.method" => Value::Method(self.witness.method.clone()),
            "req.host" => Value::String(self.witness.host.clone()),
            "req.path" => Value::string(self.witness.path.as_str()),
            _ => match self.witness.implied(self.program, slot) {
                Some(value) => value,
                None if self.witness.is_guess && !is_sayable(self.program, id) => {
                    return Read::Pending;
                }
                None => plain(slot),
            },
        })
    }
}

/// Whether a path of these segments is one of the pattern's.
pub(crate) fn path_holds(path: &Path, segments: &[&str]) -> bool {
    let enough = segments.len() >= path.segments.len();
    let exact = path.rest || segments.len() == path.segments.len();
    let kinds = path.segments.iter().map(Segments::of);
    enough && exact && kinds.zip(segments).all(|(kind, segment)| kind.holds(segment))
}

/// Whether two records say the same of what both speak of.
fn agree(one: &Value, other: &Value) -> bool {
    let (Value::Map(one), Value::Map(other)) = (one, other) else { return true };
    one.iter().all(|(name, value)| other.get(name).is_none_or(|other| other == value))
}

/// A value for a claim that nobody asks about.
fn usual(ty: &Ty) -> Value {
    match ty {
        Ty::String => Value::string("x"),
        Ty::Uuid => Value::string("00000000-0000-4000-8000-000000000000"),
        Ty::Int => Value::Int(1),
        Ty::Float => Value::Float(1.0),
        Ty::Bool => Value::Bool(false),
        Ty::Time => Value::Time(0),
        Ty::Ip => Value::ip(ELSEWHERE.into()),
        Ty::OneOf(words) => words.first().cloned().map_or(Value::Absent, Value::String),
        _ => Value::Absent,
    }
}

/// A value for a slot that nobody asks about, or of which it does not matter what it says: one that it can have.
fn plain(slot: &Slot) -> Value {
    match &slot.ty {
        // The gateway makes it, and never an empty one.
        Ty::String if *slot.field == *IDENTITY => Value::string(SOME_ID),
        Ty::Bool => Value::Bool(false),
        Ty::Int => Value::Int(0),
        Ty::String => Value::string(""),
        Ty::Duration => Value::Duration(Duration::ZERO),
        Ty::Size => Value::Size(0),
        // A request of which nobody says where it comes from is sent from here.
        Ty::Ip => Value::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Ty::Method => Value::Method(Arc::from("GET")),
        Ty::Status => Value::Status(200),
        Ty::List(_) | Ty::Set(_) => Value::list([]),
        Ty::OneOf(words) => words.first().cloned().map_or(Value::Absent, Value::String),
        _ => Value::Absent,
    }
}

fn sample_host(host: &Host) -> Arc<str> {
    match host {
        Host::Any => Arc::from("any.example"),
        Host::Exact(name) => name.clone(),
        Host::OneLabel(suffix) | Host::Labels(suffix) => Arc::from(format!("any.{suffix}")),
    }
}

/// The texts of a list.
fn items(list: &Value) -> impl Iterator<Item = &str> {
    let items = match list {
        Value::List(items) => items.iter(),
        _ => [].iter(),
    };
    items.filter_map(Value::as_str)
}

/// Percent-encodes what has a meaning in a query.
fn escape(text: &mut String, part: &str) {
    for byte in part.bytes() {
        match byte {
            plain if plain.is_ascii_alphanumeric() => text.push(char::from(plain)),
            plain if b"-._~/:@!$'()*,".contains(&plain) => text.push(char::from(plain)),
            // Writing to a string does not fail.
            other => drop(write!(text, "%{other:02X}")),
        }
    }
}
