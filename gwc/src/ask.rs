//! A request as a person writes it, and its way into a rehearsal.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use compiler::program::Program;
use compiler::{Backend, Change, ListenerId, RouteId, Wish, said};
use lang::quoted::is_plain;
use lang::{Policy, Sources, Value};
use miette::miette;
use runtime::auth::Identity;
use runtime::engine::Engine;
use runtime::message::Scheme;
use runtime::normal::query;
use runtime::rehearsal::{self, Over, Question, Rehearsal, hangs_on_certificate, rehearse};
use runtime::serve::Refusal;

use crate::report::shown;
use crate::told::{self, BLANKS, Content, MOST_CONTENT};

/// Letters of what was written that an error repeats.
const MOST_SHOWN: usize = 400;

/// A request that nobody sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    scheme: Scheme,
    port: u16,
    method: String,
    authority: String,
    /// With its query, as it is sent.
    target: String,
    /// In order; without `host`.
    headers: Vec<(String, String)>,
    from: IpAddr,
    over: Over,
    content: Content,
    /// Whether it comes in HTTP/1.0.
    is_old: bool,
    on: Option<String>,
    /// Who is to have been verified, in words and as that; one for each auth.
    who: Vec<(String, Identity)>,
}

impl Ask {
    /// Reads `METHOD URL`, and what an example says behind it; the method alone may be left out. More headers are
    /// `name: value`.
    pub fn parse(
        request: &str,
        headers: &[String],
        from: IpAddr,
        on: Option<&str>,
    ) -> miette::Result<Ask> {
        let told = told::read(request)?;
        let request = &*told.request;
        let help = "write it as `GET https://shop.example/path?query`";
        let wrong = |what: &str| miette!(help = help, "`{}` {what}", shown(request, MOST_SHOWN));
        let (method, url) = request.split_once(' ').unwrap_or(("GET", request));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("has no scheme"))?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(wrong("has a scheme that is neither `http` nor `https`")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        // `OPTIONS http://x.example*` asks about the whole server.
        let (authority, target) = match authority.strip_suffix('*') {
            Some(authority) if target.is_empty() => (authority, "*"),
            _ => (authority, target),
        };
        if authority.is_empty() && !told.is_old {
            return Err(wrong("has no host"));
        }
        // A fragment never leaves the client (RFC 3986, section 3.5).
        let target = target.split('#').next().unwrap_or("");
        let slash = if target.starts_with('/') || target == "*" { "" } else { "/" };
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let mut ask = Ask {
            scheme,
            port: port.unwrap_or(scheme.default_port()),
            method: method.to_owned(),
            authority: authority.to_owned(),
            target: format!("{slash}{target}"),
            headers: Vec::new(),
            from: told.from.unwrap_or(from),
            over: told.over.clone(),
            content: told.content,
            is_old: told.is_old,
            on: on.or(told.on.as_deref()).map(str::to_owned),
            who: Vec::new(),
        };
        for header in told.headers.iter().chain(headers) {
            let (name, value) = header.split_once(':').ok_or_else(|| {
                let header = shown(header, MOST_SHOWN);
                miette!(help = "write it as `name: value`", "the header `{header}` has no colon")
            })?;
            if header.contains(['\r', '\n']) {
                let name = shown(name, MOST_SHOWN);
                return Err(miette!("the header `{name}` has a line break"));
            }
            let value = value.trim_matches(BLANKS);
            match name.eq_ignore_ascii_case("host") {
                true => value.clone_into(&mut ask.authority),
                false => ask.headers.push((name.to_owned(), value.to_owned())),
            }
        }
        if request.contains(['\r', '\n']) {
            return Err(wrong("has a line break"));
        }
        if let Some(length) = ask.declared() {
            ask.declares(length)?;
            ask.content.length = length;
        }
        ask.content = ask.content.settled();
        Ok(ask)
    }

    /// The same request, sent by whom `words` say, too.
    pub fn sent_by(mut self, words: &str, who: Identity) -> Ask {
        self.who.retain(|(_, known)| known.auth != who.auth);
        self.who.push((words.to_owned(), who));
        self
    }

    /// The same request, with this content.
    pub fn holding(self, document: &str) -> miette::Result<Ask> {
        let told = self.content.clone();
        let content = Content { document: document.to_owned(), length: 0 };
        let ask = Ask { content, ..self };
        let length = document.len() as u64;
        match ask.declared() {
            Some(declared) if declared != length => Err(ask.contradicts(declared)),
            _ if !told.document.is_empty() => Err(miette!("its content is told twice")),
            _ if told.length > 0 && told.length != length => Err(miette!(
                "`req.body.size` is told as {}, and the content has {length} bytes",
                Value::Size(told.length)
            )),
            _ => Ok(ask),
        }
    }

    /// The length of the content that its head declares, if that is one. Content that ends by itself has none.
    fn declared(&self) -> Option<u64> {
        match self.header("transfer-encoding") {
            Some(_) => None,
            None => self.header("content-length")?.parse().ok(),
        }
    }

    /// The first header field of this name.
    fn header(&self, name: &str) -> Option<&str> {
        let is = |(given, _): &&(String, String)| given.eq_ignore_ascii_case(name);
        self.headers.iter().find(is).map(|(_, value)| &**value)
    }

    /// Refuses a declared length that its content cannot have: what is not told of it is blank.
    fn declares(&self, length: u64) -> miette::Result<()> {
        if length > MOST_CONTENT {
            return Err(miette!("a content of {} is not made up", Value::Size(length)));
        }
        match length < self.content.bytes().len() as u64 {
            true => Err(self.contradicts(length)),
            false => Ok(()),
        }
    }

    fn contradicts(&self, length: u64) -> miette::Report {
        let n = self.content.bytes().len();
        miette!("`content-length` says {length}, and the content has {n} bytes")
    }

    /// The same request, over a connection on which the client shows a certificate of this subject.
    pub fn certified(mut self, subject: &str) -> miette::Result<Ask> {
        if self.scheme != Scheme::Https {
            return Err(miette!("a client shows a certificate over `https` only"));
        }
        self.over.client = Some(subject.to_owned());
        Ok(self)
    }

    /// Who is to have been verified by this auth, in words.
    pub fn who_of(&self, auth: &str) -> Option<&str> {
        self.who.iter().find(|(_, who)| *who.auth == *auth).map(|(words, _)| &**words)
    }

    /// Its method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Its host, with the port if one was written.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Its host.
    pub fn host(&self) -> &str {
        self.host_and_port().0
    }

    /// Its host, and the port with its colon.
    fn host_and_port(&self) -> (&str, &str) {
        match self.authority.rfind(':').map(|at| self.authority.split_at(at)) {
            Some((host, port)) if port.bytes().skip(1).all(|byte| byte.is_ascii_digit()) => {
                (host, port)
            }
            _ => (&self.authority, ""),
        }
    }

    /// Its path as it is sent, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or("")
    }

    /// The head as HTTP/1.1 writes it.
    fn head(&self) -> Vec<u8> {
        let Ask { method, target, authority, .. } = self;
        let version = if self.is_old { "1.0" } else { "1.1" };
        let mut head = format!("{method} {target} HTTP/{version}\r\n");
        if !authority.is_empty() {
            head.push_str(&format!("host: {authority}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        // Clients declare the length of what they send, unless it ends by itself.
        let is_framed = ["content-length", "transfer-encoding"].map(|name| self.header(name));
        let length = self.content.bytes().len();
        if length > 0 && is_framed == [None, None] {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    fn question<'q>(&self, listener: ListenerId, head: &'q [u8]) -> Question<'q> {
        let who = self.who.iter().map(|(_, who)| who.clone()).collect();
        let (over, content) = (self.over.clone(), self.content.bytes());
        Question { listener, head, scheme: self.scheme, client: self.from, over, content, who }
    }

    /// What would have to change in it for `route` to answer.
    pub fn wish(
        &self,
        engine: &Engine,
        listener: ListenerId,
        route: RouteId,
        policy: &Policy,
    ) -> Result<Wish, Refusal> {
        rehearsal::wish(engine, &self.question(listener, &self.head()), route, policy)
    }

    /// This request with the change made. `None` if what `gwc why` is told cannot say it.
    pub fn changed(&self, change: &Change, program: &Program) -> Option<Ask> {
        let mut ask = self.clone();
        ask.method = change.method.to_string();
        let (host, port) = self.host_and_port();
        if !host.trim_end_matches('.').eq_ignore_ascii_case(&change.host) {
            // No host has no port either, and only an old request says none.
            ask.is_old |= change.host.is_empty();
            ask.authority = match change.host.is_empty() {
                true => String::new(),
                false => format!("{}{port}", change.host),
            };
        }
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_str(), None),
        };
        let mut pairs: Vec<String> =
            query.into_iter().flat_map(|query| query.split('&')).map(str::to_owned).collect();
        let mut target = None;
        // All values of a name say more than what it reads as.
        let (lists, single): (Vec<_>, Vec<_>) = change
            .slots
            .iter()
            .filter_map(|(slot, value)| Some((program.slot(*slot)?, value)))
            .partition(|(slot, _)| slot.field.ends_with(".all"));
        for (slot, value) in single.into_iter().chain(lists) {
            let text = match value {
                Value::Absent => None,
                value => Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            };
            let texts: Vec<String> = match value {
                Value::List(values) => values
                    .iter()
                    .map(|one| one.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?,
                _ => text.clone().into_iter().collect(),
            };
            match (&*slot.field, slot.key.as_deref()) {
                ("req.header", Some("host")) => ask.authority = text?,
                ("req.header" | "req.header.all", Some(key)) => {
                    ask.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
                    ask.headers.extend(texts.into_iter().map(|text| (key.to_owned(), text)));
                }
                ("req.query" | "req.query.all", Some(key)) => {
                    pairs.retain(|pair| query::pairs(pair).all(|(name, _)| name != key));
                    let name = escaped(key);
                    pairs.extend(texts.iter().map(|text| format!("{name}={}", escaped(text))));
                }
                ("req.cookie", Some(key)) => {
                    let is_cookie = |name: &str| name.eq_ignore_ascii_case("cookie");
                    let mut cookies: Vec<String> = ask
                        .headers
                        .iter()
                        .filter(|(name, _)| is_cookie(name))
                        .flat_map(|(_, value)| value.split(';'))
                        .map(|cookie| cookie.trim_matches(BLANKS).to_owned())
                        .filter(|cookie| cookie.split('=').next() != Some(key))
                        .collect();
                    cookies.extend(text.map(|text| format!("{key}={}", said::cookie(&text))));
                    ask.headers.retain(|(name, _)| !is_cookie(name));
                    if !cookies.is_empty() {
                        ask.headers.push(("cookie".to_owned(), cookies.join("; ")));
                    }
                }
                ("req.target", None) => target = text.filter(|text| text.starts_with('/')),
                ("client.ip", None) => ask.from = text?.parse().ok()?,
                ("conn.peer", None) => ask.over.peer = Some(text?.parse().ok()?),
                ("conn.sni", None) => ask.over.sni = Some(text),
                ("conn.alpn", None) => ask.over.alpn = Some(text),
                ("conn.tls.version", None) => ask.over.version = Some(text?),
                ("conn.tls.client", None) => ask.over.client = text,
                // What else is said of the content hangs on both.
                ("req.json" | "req.body.size", None) => {}
                _ => return None,
            }
        }
        ask.content = self.content_with(change, program)?;
        ask.declare();
        for (slot, claims) in &change.who {
            let auth = program.slot(*slot)?.key.clone()?;
            ask.who.retain(|(_, known)| known.auth != auth);
            if let Value::Map(said) = claims {
                let words = said::known(&auth, said);
                ask = ask.sent_by(&words, Identity { auth, claims: claims.clone() });
            }
        }
        let path = if change.same_path { path } else { change.path.as_str() };
        ask.target = match (target, pairs.is_empty()) {
            (Some(target), _) => target,
            (None, true) => path.to_owned(),
            (None, false) => format!("{path}?{}", pairs.join("&")),
        };
        // What would be read otherwise than it was written is no proposal.
        (ask.again().as_ref() == Some(&ask)).then_some(ask)
    }

    /// Its content with the change made: a document as it is to be, and as long as it is to be.
    fn content_with(&self, change: &Change, program: &Program) -> Option<Content> {
        let of = |field: &str| {
            let slot = program.slot_of(field, None)?;
            change.slots.iter().find(|(changed, _)| *changed == slot).map(|(_, value)| value)
        };
        let (document, size) = (of("req.json"), of("req.body.size"));
        let given = self.content.bytes().len() as u64;
        let declared = program.slot_of("req.header", Some("content-length"));
        let declared = change.slots.iter().find(|(slot, _)| Some(*slot) == declared);
        let declared = declared.and_then(|(_, value)| value.as_str()?.parse().ok());
        let size = size.cloned().or(declared.map(Value::Size));
        let document = match document {
            Some(Value::Absent) => String::new(),
            Some(document) => said::document(document),
            None => self.content.document.clone(),
        };
        let length = match size {
            Some(Value::Size(length)) if length <= MOST_CONTENT => length,
            Some(_) => return None,
            // Where somebody asks how long it is, it stays as long if it can.
            None if program.slot_of("req.body.size", None).is_some() => {
                given.max(document.len() as u64)
            }
            None => 0,
        };
        let fits = document.len() as u64 <= length || (size.is_none() && length == 0);
        // What is longer than it is to be is blank instead; a document that has to be there says itself that it is not.
        Some(Content { document: if fits { document } else { String::new() }, length }.settled())
    }

    /// Lets its head declare how long its content is, where it declared that.
    fn declare(&mut self) {
        let length = self.content.bytes().len();
        let is = |name: &str| name.eq_ignore_ascii_case("content-length");
        for (_, value) in self.headers.iter_mut().filter(|(name, _)| is(name)) {
            *value = length.to_string();
        }
    }

    /// As `gwc why` takes it: the request with what is told of it, header fields, and a content that stands by itself.
    fn words(&self) -> (String, Vec<String>, Option<&str>) {
        let Ask { method, authority, target, .. } = self;
        let port =
            match self.host_and_port().1.is_empty() && self.port != self.scheme.default_port() {
                true => format!(":{}", self.port),
                false => String::new(),
            };
        let mut line = format!("{method} {}://{authority}{port}{target}", self.scheme.as_str());
        line.push_str(if self.is_old { " in HTTP/1.0" } else { "" });
        let host = (!port.is_empty()).then(|| ("host".to_owned(), authority.clone()));
        let headers = host.iter().chain(&self.headers);
        // What is not seen as it stands is told as in an example; all then, since their order says something.
        let is_seen = self.headers.iter().all(|(_, value)| value.chars().all(is_plain));
        let (seen, unseen) = match is_seen {
            true => (headers.map(|(name, value)| format!("{name}: {value}")).collect(), Vec::new()),
            false => {
                let told =
                    |(name, value): &(String, String)| format!("{name}: {}", said::said(value));
                (Vec::new(), headers.map(told).collect::<Vec<_>>())
            }
        };
        let body = self.content.by_itself();
        let content = if body.is_some() { Vec::new() } else { self.content.words() };
        let told = content.into_iter().chain(told::of_connection(&self.over)).chain(unseen);
        for (at, told) in told.enumerate() {
            line.push_str(if at == 0 { " with " } else { " and " });
            line.push_str(&told);
        }
        (line, seen, body)
    }

    /// The same as its words are read, if they are read at all; who sends it is taken for granted.
    fn again(&self) -> Option<Ask> {
        let (line, headers, body) = self.words();
        let mut ask = Ask::parse(&line, &headers, self.from, self.on.as_deref()).ok()?;
        if let Some(body) = body {
            ask = ask.holding(body).ok()?;
        }
        Some(Ask { who: self.who.clone(), ..ask })
    }

    /// As `gwc why` takes it, for a shell.
    pub fn text(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let (line, headers, body) = self.words();
        let mut text = quoted(&line);
        for header in headers {
            text.push_str(&format!(" -H {}", quoted(&header)));
        }
        if let Some(body) = body {
            text.push_str(&format!(" --body {}", quoted(body)));
        }
        if self.from != IpAddr::V4(Ipv4Addr::LOCALHOST) {
            text.push_str(&format!(" --from {}", self.from));
        }
        for (words, _) in &self.who {
            text.push_str(&format!(" --as {}", quoted(words)));
        }
        if let Some(on) = &self.on {
            text.push_str(&format!(" --on {on}"));
        }
        text
    }

    /// The listener it comes to: the one named; else the only one, the only one of its scheme, or the only one of these
    /// that binds its port.
    pub fn listener(&self, program: &Program, engine: &Engine) -> miette::Result<ListenerId> {
        let names: Vec<&str> = program.listeners.iter().map(|listener| &*listener.name).collect();
        if let Some(on) = &self.on {
            return program.listener(on).ok_or_else(|| {
                let help = match lang::vocab::nearest(on, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", names.join(", ")),
                };
                miette!(help = help, "there is no listener `{}`", shown(on, MOST_SHOWN))
            });
        }
        let tls = self.scheme == Scheme::Https;
        let of_scheme = || engine.listeners.iter().filter(|of| of.tls.is_empty() != tls);
        let on_port =
            of_scheme().filter(|of| of.binds.iter().any(|b| b.address.port() == self.port));
        let on_port: Vec<&str> = on_port.map(|listener| &*listener.name).collect();
        let of_scheme: Vec<&str> = of_scheme().map(|listener| &*listener.name).collect();
        match [&names[..], &of_scheme, &on_port].into_iter().find(|found| found.len() == 1) {
            Some(found) => {
                program.listener(found[0]).ok_or_else(|| miette!("there is no listener"))
            }
            None if names.is_empty() => Err(miette!("the policy has no listener")),
            None => {
                let could = if of_scheme.is_empty() { &names } else { &of_scheme };
                let help = format!("name it with `--on`: {}", could.join(", "));
                Err(miette!(help = help, "several listeners could take the request"))
            }
        }
    }

    /// Refuses a connection that the listener does not let come about: over TLS where it speaks none, and without where it
    /// does; with a certificate of the client where it asks for none, and without where it demands one and what becomes of
    /// the request hangs on it.
    pub fn connects(&self, engine: &Engine, listener: ListenerId) -> miette::Result<()> {
        let listeners = &engine.program().listeners;
        let name = listeners.get(listener.0 as usize).map_or("", |listener| &listener.name);
        let config = engine.listeners.iter().find(|config| *config.name == *name);
        let Some(config) = config else { return Ok(()) };
        if self.over.client.is_none()
            && let Some(reason) = config.keeps_out(self.scheme)
        {
            return Err(miette!("{reason}"));
        }
        let shaken = [
            ("conn.sni", self.over.sni.as_ref().is_some_and(Option::is_some)),
            ("conn.alpn", self.over.alpn.as_ref().is_some_and(Option::is_some)),
            ("conn.tls.version", self.over.version.is_some()),
        ];
        let shaken = shaken.iter().find(|(_, said)| *said && self.scheme == Scheme::Http);
        if let Some((field, _)) = shaken {
            return Err(miette!("`{name}` speaks no TLS: `{field}` is absent there"));
        }
        if self.over.client.is_some() {
            return match config.takes_certificates() {
                true => Ok(()),
                false => Err(miette!(
                    help = "it asks for one where a `tls` line of it has a `client_ca`",
                    "no client shows `{name}` a certificate"
                )),
            };
        }
        let demanded = self.scheme == Scheme::Https && config.demands_certificates();
        if demanded && hangs_on_certificate(engine, &self.question(listener, &self.head())) {
            return Err(miette!(
                help = "say whose, as in `--certificate CN=client`",
                "`{name}` demands a certificate, without which the handshake fails"
            ));
        }
        Ok(())
    }

    /// Walks it through the policy.
    pub fn put(&self, engine: &Engine, listener: ListenerId) -> Result<Rehearsal, Refusal> {
        rehearse(engine, &self.question(listener, &self.head()))
    }
}

/// The engine of a program, with its inputs bound as `gwc run` binds them. It opens no socket.
pub fn engine(program: Program, with: Option<&Path>, sources: &Sources) -> miette::Result<Engine> {
    crate::engine::rehearsing(program, with, sources, Backend::Interp)
}

/// Percent-encodes what has a meaning in a query.
fn escaped(part: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:@!$'()*,".contains(&byte);
    part.bytes().fold(String::new(), |mut text, byte| {
        match plain(byte) {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}
