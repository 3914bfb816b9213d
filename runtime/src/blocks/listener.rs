//! `listener`: where the gateway takes connections, with which certificates, whom it believes, and at which caps.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use lang::vocab::decode::Size;
use lang::vocab::{
    Argument, Block, Decode, Exclusive, ExprId, Guard, Setting, Stricter, Times, Without,
};
use lang::{Span, Ty, Value, params};

use super::{BlockError, read_line};
use crate::listen::BindAddress;
use crate::message::{Scheme, is_token};
use crate::serve::Limits;
use crate::values::{Bytes, Count, Wait};

/// The language's row.
pub static ROW: Block = Block {
    name: "listener",
    applied: None,
    exclusive: Some(Exclusive {
        setting: "bind",
        clash: overlap,
        help: "give each its own port, or put both behind one listener",
    }),
    settings: &[
        Setting {
            name: "bind",
            params: Bind::PARAMS,
            times: Times::Some,
            within: &[],
            guards: &[Guard::of(&["address"], Stricter::Unknown, Without::More)],
            doc: "An address to take connections at. Several lines bind several addresses.",
            example: "bind \":443\", proto=[h1, h2]",
        },
        Setting {
            name: "tls",
            params: Tls::PARAMS,
            times: Times::Any,
            within: &[],
            guards: &[
                Guard::of(&["min"], Stricter::More, Without::First),
                Guard::of(&["client_ca"], Stricter::Given, Without::First),
                Guard::of(&["client"], Stricter::Word("required"), Without::First)
                    .beside("client_ca"),
            ],
            doc: "A certificate. With one such line or more, every address of the listener speaks TLS. The client's SNI chooses among them by the names in the certificates; the first line answers for every other name. The files are read again when they change; a relative path begins in the folder of the policy's file.",
            example: "tls cert=\"/etc/gw/shop.pem\", key=\"/etc/gw/shop.key\", min=1.2",
        },
        Setting {
            name: "trust",
            params: Trust::PARAMS,
            times: Times::Any,
            within: &[],
            guards: &[
                Guard::of(&["what"], Stricter::Unknown, Without::More),
                Guard::of(&["from"], Stricter::Believed, Without::More),
            ],
            doc: "Believes what peers in these networks say about the client. Without it `client.ip` is the peer, whatever a header says.",
            example: "trust proxy_protocol, from=[10.0.0.0/8]",
        },
        Setting {
            name: "cap",
            params: Cap::PARAMS,
            times: Times::Optional,
            within: &[],
            guards: &[
                Guard::of(&["header"], Stricter::Less, Without::Default),
                Guard::of(&["headers"], Stricter::Less, Without::Default),
                Guard::of(&["target"], Stricter::Less, Without::Default),
                Guard::of(&["body"], Stricter::Less, Without::Default),
                Guard::of(&["idle"], Stricter::Less, Without::Default),
                Guard::of(&["streams"], Stricter::Less, Without::Default),
                Guard::of(&["connections"], Stricter::Less, Without::Default),
                Guard::of(&["connections_per_client"], Stricter::Less, Without::Default)
                    .or_part("connections", 4),
                Guard::of(&["handshakes"], Stricter::Less, Without::Default),
                Guard::of(&["overhead"], Stricter::Less, Without::Default),
                Guard::of(&["unread"], Stricter::Less, Without::Default),
            ],
            doc: "The most that one connection, or all of them together, may take.",
            example: "cap header=32KiB, headers=100, body=10MiB, idle=60s, streams=100",
        },
        Setting {
            name: "timeout",
            params: Timeout::PARAMS,
            times: Times::Optional,
            within: &[],
            guards: &[
                Guard::of(&["handshake"], Stricter::Less, Without::Default),
                Guard::of(&["header"], Stricter::Less, Without::Default),
                Guard::of(&["body"], Stricter::Less, Without::Default),
                Guard::of(&["send"], Stricter::Less, Without::Default),
                Guard::of(&["linger"], Stricter::Less, Without::Default),
            ],
            doc: "How long a client may keep the gateway waiting. Every wait is finite.",
            example: "timeout handshake=10s, header=10s, body=30s, send=30s, linger=2s",
        },
        Setting {
            name: "log",
            params: LogLine::PARAMS,
            times: Times::Optional,
            within: &[],
            guards: &[],
            doc: "What the access log says of a request beside its line of its own. Without it no header field of a request is written.",
            example: "log headers=[\"user-agent\", \"x-debug\"]",
        },
        Setting {
            name: "cost",
            params: CostLine::PARAMS,
            times: Times::Optional,
            within: &[],
            guards: &[],
            doc: "The most that a request may cost at worst, whatever route of the listener answers it. A route that may cost more is an error of the policy. `gwc cost` tells what each route costs.",
            example: "cost time=30s, buffer=1MiB, tests=50",
        },
    ],
    doc: "A place where the gateway takes connections. Routes say with `on` which listeners they answer for.",
    example: "listener web { bind \":8080\" }",
};

params! {
    /// One `bind` line.
    #[derive(Clone, Debug)]
    pub struct Bind {
        /// `":8080"` for every address of the machine, or `"127.0.0.1:8080"`, `"[::1]:8080"`. Port 0 takes a free one.
        address: BindAddress,
        /// The versions of HTTP that are spoken. Over TLS the client chooses by ALPN; in cleartext a client of HTTP/2 begins with its preface.
        proto: Protocols = "[h1, h2]",
    }
}

params! {
    /// One `tls` line.
    #[derive(Clone, Debug)]
    pub struct Tls {
        /// A PEM file: the certificate, then the rest of its chain.
        cert: String,
        /// A PEM file: the certificate's private key.
        key: String,
        /// The lowest version of TLS that is accepted: `1.2` or `1.3`.
        min: TlsVersion = "1.2",
        /// A PEM file of authorities: a client must show a certificate of theirs to be served. Its subject is `conn.tls.client`.
        client_ca: Option<String>,
        /// Whether a client may come without a certificate after all.
        client: ClientAuth = "required",
    }
}

params! {
    /// One `trust` line.
    #[derive(Clone, Debug)]
    pub struct Trust {
        /// `proxy_protocol`: each connection from there begins with a PROXY protocol header, version 1 or 2. `forwarded`: the right-most address of `X-Forwarded-For` that is not itself trusted is the client.
        what: Trusted,
        /// The networks of the proxies.
        from: Vec<IpNet>,
    }
}

params! {
    /// The `cap` line.
    #[derive(Clone, Debug)]
    pub struct Cap {
        /// The largest request head, start line included. Beyond it: 431.
        header: Bytes<1024, MOST_HEADER> = "32KiB",
        /// The most header fields, at most 256. Beyond it: 431.
        headers: Count<1, MOST_FIELDS> = "100",
        /// The longest request target. Beyond it: 414.
        target: Bytes<16, MOST_HEADER> = "8KiB",
        /// The largest request body. Beyond it: 413.
        body: Size = "10MiB",
        /// How long a connection may wait for its next request.
        idle: Wait<1> = "60s",
        /// The most concurrent streams of an HTTP/2 connection.
        streams: Count<1, 10_000> = "100",
        /// The most open connections of the listener. Beyond it they are closed at once.
        connections: Count<1, { u32::MAX }> = "20000",
        /// The most open connections of one client: of an address, or of a /64 of version 6. Beyond it they are closed at once. Unsaid, a quarter of `connections`, but for who comes from the machine itself. Whom a `trust` line names speaks for many clients, and is not bounded.
        connections_per_client: Option<Count<1, { u32::MAX }>>,
        /// The most TLS handshakes under way. Beyond it connections are closed at once.
        handshakes: Count<1, { u32::MAX }> = "1000",
        /// The most bytes that a body may have besides its content: extensions of chunks, and trailers. Beyond it: 400.
        overhead: Bytes<0, MOST_HEADER> = "8KiB",
        /// The most content that is read and thrown away where nobody wants it, so that the connection can be kept; sixteen times as much behind a last answer, so that this one arrives. Beyond it the connection is closed, or the stream reset.
        unread: Size = "64KiB",
    }
}

params! {
    /// The `timeout` line.
    #[derive(Clone, Debug)]
    pub struct Timeout {
        /// For the PROXY protocol header and the TLS handshake, together.
        handshake: Wait<1> = "10s",
        /// For a whole request head, from its first byte on. Beyond it: 408.
        header: Wait<1> = "10s",
        /// Between two pieces of a request's body. Beyond it: 408.
        body: Wait<1> = "30s",
        /// For the client to take the next piece of an answer.
        send: Wait<1> = "30s",
        /// For what is still to come of a request that is answered already, and for the client's close behind a last answer; and for the answer to a client that has closed its side, as one that left has too.
        linger: Wait<1> = "2s",
    }
}

params! {
    /// The `log` line.
    #[derive(Clone, Debug)]
    pub struct LogLine {
        /// The header fields of the request whose values are written, at most 16. `gwc replay` reads them. Fields that carry credentials cannot be named.
        headers: Logged,
    }
}

params! {
    /// The `cost` line.
    #[derive(Clone, Debug)]
    pub struct CostLine {
        /// Until all of an upstream's answer is here, over all tries.
        time: Option<Wait<365>>,
        /// How much of a request's content is kept in memory before it is answered or sent on.
        buffer: Option<Size>,
        /// How many tests are made until a route answers.
        tests: Option<Count<0, { u32::MAX }>>,
    }
}

/// The most that a request may cost; nothing is no bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Until all of an upstream's answer is here, over all tries.
    pub time: Option<Duration>,
    /// Bytes of a request's content in memory.
    pub buffer: Option<u64>,
    /// Tests until a route answers.
    pub tests: Option<u32>,
    /// The line.
    pub span: Span,
}

/// A version of HTTP on a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proto {
    /// HTTP/1.1 and 1.0.
    H1,
    /// HTTP/2.
    H2,
}

/// The versions of HTTP on an address: one at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Protocols {
    /// Whether HTTP/1 is spoken.
    pub h1: bool,
    /// Whether HTTP/2 is spoken.
    pub h2: bool,
}

/// The lowest version of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// What is believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trusted {
    /// The PROXY protocol's header.
    ProxyProtocol,
    /// `X-Forwarded-For`.
    Forwarded,
}

/// Names of header fields whose values the access log may hold, in lower case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logged(pub Arc<[Arc<str>]>);

/// Whether a client needs a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientAuth {
    /// Without one there is no connection.
    Required,
    /// One that is shown must be good.
    Optional,
}

/// A whole `listener`.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Its name.
    pub name: Arc<str>,
    /// Its addresses, with the line that says so; never empty.
    pub binds: Vec<BindConfig>,
    /// Its certificates; none means cleartext.
    pub tls: Vec<TlsConfig>,
    /// From where a PROXY protocol header is expected.
    pub proxy_protocol: Vec<IpNet>,
    /// Whose `X-Forwarded-For` is believed.
    pub forwarded: Vec<IpNet>,
    /// The caps of each connection.
    pub limits: Arc<Limits>,
    /// The most open connections.
    pub connections: usize,
    /// The most open connections of one client, if the policy says so.
    pub per_client: Option<usize>,
    /// The most handshakes under way.
    pub handshakes: usize,
    /// How long a connection may take until its first request may begin.
    pub handshake: Duration,
    /// The header fields of a request that its line in the access log holds, and the line of the policy that says so.
    pub logged: (Arc<[Arc<str>]>, Span),
    /// What a request may cost, if the policy says so.
    pub cost: Option<Bounds>,
}

/// One address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BindConfig {
    /// Where.
    pub address: BindAddress,
    /// Whether HTTP/1 is spoken.
    pub h1: bool,
    /// Whether HTTP/2 is spoken.
    pub h2: bool,
    /// The line.
    pub span: Span,
}

/// One certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsConfig {
    /// PEM of the chain.
    pub cert: PathBuf,
    /// PEM of the private key.
    pub key: PathBuf,
    /// Whether TLS 1.2 is refused.
    pub only_13: bool,
    /// Authorities for clients, and whether a client needs a certificate.
    pub client: Option<(PathBuf, ClientAuth)>,
    /// The line.
    pub span: Span,
}

/// Every default of the rows, for a listener that says nothing.
pub(crate) const CONNECTIONS: u32 = 20_000;
const HANDSHAKES: u32 = 1000;

/// So many clients it takes, at least, to have all connections of a listener.
const CLIENTS: usize = 4;
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A head is held in memory whole; more than this is no head.
const MOST_HEADER: u64 = 1 << 20;

const MOST_FIELDS: u32 = Limits::MAX_FIELDS as u32;

/// A line of the access log stays far shorter than what reads it takes.
const MOST_LOGGED: usize = 16;

/// Fields that prove who asks (RFC 9110, section 11; RFC 6265).
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

impl ListenerConfig {
    /// A cleartext listener at `address` with every default: for tests and tools.
    pub fn plain(name: &str, address: BindAddress) -> ListenerConfig {
        let bind = BindConfig { address, h1: true, h2: true, span: Span::default() };
        ListenerConfig { binds: vec![bind], ..ListenerConfig::empty(name.into()) }
    }

    /// Reads the item. `argument` gives the arguments, inputs bound; the errors are all that were found.
    pub fn read(
        block: &compiler::program::Block,
        argument: &dyn Fn(ExprId) -> Argument,
    ) -> Result<ListenerConfig, Vec<BlockError>> {
        let mut config = ListenerConfig::empty(block.name.clone());
        let mut errors = Vec::new();
        for setting in &block.settings {
            if let Err(error) = config.read_setting(setting, argument) {
                errors.push(error);
            }
        }
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }

    /// How many connections of the `most` that are taken one client may have.
    pub fn of_one_client(&self, most: usize) -> usize {
        self.per_client.unwrap_or(most.div_ceil(CLIENTS))
    }

    /// Whether a peer speaks for clients that are not itself.
    pub fn speaks_for_others(&self, peer: IpAddr) -> bool {
        let named = self.proxy_protocol.iter().chain(&self.forwarded);
        named.into_iter().any(|network| network.contains(&peer.to_canonical()))
    }

    /// Whether its addresses speak TLS.
    pub fn is_tls(&self) -> bool {
        !self.tls.is_empty()
    }

    /// Why no request of this scheme comes to it, if none does.
    pub fn keeps_out(&self, scheme: Scheme) -> Option<String> {
        let name = &self.name;
        match (scheme, self.is_tls()) {
            (Scheme::Https, false) => {
                Some(format!("`{name}` speaks no TLS: a request to it begins with `http://`"))
            }
            (Scheme::Http, true) => Some(format!(
                "`{name}` speaks nothing but TLS: a request to it begins with `https://`"
            )),
            _ => None,
        }
    }

    /// Whether a client can show a certificate at all: without authorities it is asked for none.
    pub fn takes_certificates(&self) -> bool {
        self.tls.iter().any(|line| line.client.is_some())
    }

    /// Whether each client must show one, whichever name it asks for: without it there is no connection.
    pub fn demands_certificates(&self) -> bool {
        let demands = |line: &TlsConfig| matches!(line.client, Some((_, ClientAuth::Required)));
        self.is_tls() && self.tls.iter().all(demands)
    }

    fn empty(name: Arc<str>) -> ListenerConfig {
        ListenerConfig {
            name,
            binds: Vec::new(),
            tls: Vec::new(),
            proxy_protocol: Vec::new(),
            forwarded: Vec::new(),
            limits: Arc::default(),
            connections: CONNECTIONS as usize,
            per_client: None,
            handshakes: HANDSHAKES as usize,
            handshake: HANDSHAKE,
            logged: (Arc::default(), Span::default()),
            cost: None,
        }
    }

    fn read_setting(
        &mut self,
        setting: &compiler::program::Setting,
        argument: &dyn Fn(ExprId) -> Argument,
    ) -> Result<(), BlockError> {
        let span = setting.span;
        match &*setting.name {
            "bind" => {
                let line = read_line(setting, Bind::PARAMS, Bind::decode, argument)?;
                let Bind { address, proto: Protocols { h1, h2 } } = line;
                self.binds.push(BindConfig { address, h1, h2, span });
            }
            "tls" => {
                let line = read_line(setting, Tls::PARAMS, Tls::decode, argument)?;
                self.tls.push(TlsConfig {
                    cert: line.cert.into(),
                    key: line.key.into(),
                    only_13: line.min == TlsVersion::Tls13,
                    client: line.client_ca.map(|file| (file.into(), line.client)),
                    span,
                });
            }
            "trust" => {
                let line = read_line(setting, Trust::PARAMS, Trust::decode, argument)?;
                match line.what {
                    Trusted::ProxyProtocol => self.proxy_protocol.extend(line.from),
                    Trusted::Forwarded => self.forwarded.extend(line.from),
                }
            }
            "cap" => {
                let line = read_line(setting, Cap::PARAMS, Cap::decode, argument)?;
                self.cap(&line);
            }
            "timeout" => {
                let line = read_line(setting, Timeout::PARAMS, Timeout::decode, argument)?;
                self.timeout(&line);
            }
            "log" => {
                let line = read_line(setting, LogLine::PARAMS, LogLine::decode, argument)?;
                self.logged = (line.headers.0, span);
            }
            "cost" => {
                let line = read_line(setting, CostLine::PARAMS, CostLine::decode, argument)?;
                self.cost = Some(Bounds {
                    time: line.time.map(|time| time.0),
                    buffer: line.buffer.map(|buffer| buffer.0),
                    tests: line.tests.map(|tests| tests.0),
                    span,
                });
            }
            other => {
                let message = format!("a listener has no setting `{other}`");
                return Err(BlockError::new(span, message));
            }
        }
        Ok(())
    }

    fn cap(&mut self, line: &Cap) {
        let limits = Arc::make_mut(&mut self.limits);
        limits.head_bytes = line.header.0 as usize;
        limits.fields = line.headers.0 as usize;
        limits.target_bytes = line.target.0 as usize;
        limits.body_bytes = line.body.0;
        limits.idle = line.idle.0;
        limits.streams = line.streams.0;
        self.connections = line.connections.0 as usize;
        self.per_client = line.connections_per_client.map(|most| most.0 as usize);
        self.handshakes = line.handshakes.0 as usize;
        limits.overhead_bytes = line.overhead.0 as usize;
        limits.drain_bytes = line.unread.0;
    }

    fn timeout(&mut self, line: &Timeout) {
        self.handshake = line.handshake.0;
        let limits = Arc::make_mut(&mut self.limits);
        limits.head = line.header.0;
        limits.body_idle = line.body.0;
        limits.send_idle = line.send.0;
        limits.linger = line.linger.0;
    }
}

/// Whether two addresses share connections: with shared ports the kernel would not refuse them.
fn overlap(one: &Value, other: &Value) -> bool {
    match (BindAddress::decode(one), BindAddress::decode(other)) {
        (Ok(one), Ok(other)) => one.overlaps(other),
        _ => false,
    }
}

impl Decode for BindAddress {
    const HINT: Option<&'static str> =
        Some("write `\":8080\"`, `\"127.0.0.1:8080\"` or `\"[::1]:8080\"`");

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<BindAddress, String> {
        String::decode(value)?
            .parse()
            .map_err(|error: crate::listen::NotAnAddress| error.to_string())
    }
}

impl Decode for Protocols {
    const HINT: Option<&'static str> = Some("write `proto=[h1, h2]`");

    fn ty() -> Ty {
        Vec::<Proto>::ty()
    }

    fn decode(value: &Value) -> Result<Protocols, String> {
        let named = Vec::<Proto>::decode(value)?;
        let (h1, h2) = (named.contains(&Proto::H1), named.contains(&Proto::H2));
        if h1 || h2 { Ok(Protocols { h1, h2 }) } else { Err("this names no protocol".to_owned()) }
    }
}

impl Decode for Logged {
    const HINT: Option<&'static str> = Some("write `headers=[\"user-agent\", \"x-debug\"]`");

    fn ty() -> Ty {
        Vec::<String>::ty()
    }

    fn decode(value: &Value) -> Result<Logged, String> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for written in Vec::<String>::decode(value)? {
            let name: Arc<str> = written.to_ascii_lowercase().into();
            if !is_token(name.as_bytes()) {
                return Err(format!("`{written}` is no name of a header field"));
            }
            if CREDENTIALS.contains(&&*name) {
                return Err(format!("`{written}` carries credentials, which no log may hold"));
            }
            if &*name == "host" {
                return Err("the host is in every line of the log, as `host`".to_owned());
            }
            if names.contains(&name) {
                return Err(format!("`{written}` is named twice"));
            }
            names.push(name);
        }
        match names.len() {
            0 => Err("this names no header field".to_owned()),
            1..=MOST_LOGGED => Ok(Logged(names.into())),
            more => Err(format!("these are {more} fields, more than {MOST_LOGGED}")),
        }
    }
}

impl Decode for TlsVersion {
    const HINT: Option<&'static str> = Some("write `min=1.2` or `min=1.3`");

    fn ty() -> Ty {
        Ty::Float
    }

    fn decode(value: &Value) -> Result<TlsVersion, String> {
        match f64::decode(value)? {
            1.2 => Ok(TlsVersion::Tls12),
            1.3 => Ok(TlsVersion::Tls13),
            other => Err(format!("`{other}` is no version of TLS that is spoken here")),
        }
    }
}

macro_rules! words {
    ($($ty:ident $(, $hint:literal)? { $($word:literal => $value:expr,)* })*) => {
        $(impl Decode for $ty {
            $(const HINT: Option<&'static str> = Some($hint);)?

            fn ty() -> Ty {
                Ty::one_of(&[$($word),*])
            }

            fn decode(value: &Value) -> Result<Self, String> {
                match value.as_str() {
                    $(Some($word) => Ok($value),)*
                    _ => Err(format!("expected {}, found `{value}`", Self::ty())),
                }
            }
        })*
    };
}

words! {
    Proto { "h1" => Proto::H1, "h2" => Proto::H2, }
    Trusted, "write whose word counts, as in `trust forwarded, from=[10.0.0.0/8]`" { "proxy_protocol" => Trusted::ProxyProtocol, "forwarded" => Trusted::Forwarded, }
    ClientAuth { "required" => ClientAuth::Required, "optional" => ClientAuth::Optional, }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, args: u32) -> compiler::program::Setting {
        let args = (0..args).map(ExprId).collect();
        compiler::program::Setting { name: name.into(), args, span: Span::default() }
    }

    fn read(name: &str, values: Vec<Value>) -> Result<ListenerConfig, BlockError> {
        let mut config = ListenerConfig::empty("web".into());
        let argument = |id: ExprId| Argument::Constant(values[id.0 as usize].clone());
        config.read_setting(&line(name, values.len() as u32), &argument)?;
        Ok(config)
    }

    fn cap(header: u64, headers: i64) -> Vec<Value> {
        vec![
            Value::Size(header),
            Value::Int(headers),
            Value::Size(8 << 10),
            Value::Size(10 << 20),
            Value::Duration(Duration::from_secs(60)),
            Value::Int(100),
            Value::Int(i64::from(CONNECTIONS)),
            Value::Absent,
            Value::Int(i64::from(HANDSHAKES)),
            Value::Size(8 << 10),
            Value::Size(64 << 10),
        ]
    }

    #[test]
    fn an_unsaid_cap_is_the_row_s_default() {
        let said = read("cap", cap(32 << 10, 100)).unwrap();
        let unsaid = ListenerConfig::empty("web".into());
        assert_eq!(format!("{said:?}"), format!("{unsaid:?}"));
        let default = |name: &str| {
            let row = Cap::PARAMS.iter().find(|param| param.name == name);
            row.and_then(|param| param.default).unwrap_or_default().to_owned()
        };
        assert_eq!(default("header"), Value::Size(unsaid.limits.head_bytes as u64).to_string());
        assert_eq!(default("headers"), unsaid.limits.fields.to_string());
        assert_eq!(default("target"), Value::Size(unsaid.limits.target_bytes as u64).to_string());
        assert_eq!(default("body"), Value::Size(unsaid.limits.body_bytes).to_string());
        assert_eq!(default("streams"), unsaid.limits.streams.to_string());
        assert_eq!(default("connections"), unsaid.connections.to_string());
        assert_eq!(default("handshakes"), unsaid.handshakes.to_string());
        let limits = &unsaid.limits;
        assert_eq!(default("overhead"), Value::Size(limits.overhead_bytes as u64).to_string());
        assert_eq!(default("unread"), Value::Size(limits.drain_bytes).to_string());
        let seconds = |length: Duration| format!("{}s", length.as_secs());
        assert_eq!(default("idle"), seconds(unsaid.limits.idle));
        let times: Vec<_> = Timeout::PARAMS.iter().filter_map(|param| param.default).collect();
        let Limits { head, body_idle, send_idle, linger, .. } = **limits;
        assert_eq!(times, [unsaid.handshake, head, body_idle, send_idle, linger].map(seconds));
    }

    #[test]
    fn values_out_of_bounds_are_refused_by_name() {
        let message = |result: Result<ListenerConfig, BlockError>| result.unwrap_err().message;
        assert!(message(read("cap", cap(1, 100))).contains("`header`"));
        assert!(message(read("cap", cap(32 << 10, 1000))).contains("`headers`"));
        let protocols = Value::list([Value::string("h1")]);
        let bind = |address: &str| read("bind", vec![Value::string(address), protocols.clone()]);
        assert!(message(bind("8080")).contains("`8080`"));
        assert_eq!(bind(":8080").unwrap().binds.len(), 1);
    }
}
