//! The lines of an `upstream` block: their rows, and what they make of an [`UpstreamConfig`]. It checks what a type
//! cannot say (a port, a time that must not be zero); it opens and looks up nothing.

mod budget;
mod trouble;

use std::fmt;
use std::sync::Arc;

use lang::types::Ty;
use lang::value::Value;
use lang::vocab::decode::{Method, Status};
use lang::vocab::{Argument, Block, Decode, Dyn, Function, Known, Param, Repeat, Setting, Times};
use lang::{Span, params};

pub use budget::BUDGETS;

use super::config::{
    AllDown, Endpoints, HealthConfig, Protocol, Server, TlsConfig, UpstreamConfig,
};
use crate::balance::Balance;
use crate::values::{Authority, Count, Wait};

/// `upstream`.
pub static BLOCK: Block = Block {
    name: "upstream",
    settings: SETTINGS,
    exclusive: None,
    applied: None,
    doc: "A group of endpoints that answer the same requests: where they are, how one is chosen, how they are watched and how long they may take.",
    example: "upstream users {\n  server  \"10.0.4.10:8080\", weight=3\n  server  \"10.0.4.11:8080\"\n  balance least_request\n  timeout connect=500ms, first_byte=2s\n}",
};

/// `dns(…)` in `discover`.
pub static DNS: Function = Function {
    name: "dns",
    params: &[Param {
        name: "name",
        ty: || Ty::String,
        default: None,
        dynamic: false,
        rest: false,
        accepts: |known| match known {
            Known::Value(value) => Place::decode(value).map(drop),
            Known::Text(_) | Known::Nothing => Ok(()),
        },
        hint: Place::HINT,
        doc: "A name and a port: `users.svc:8080`.",
    }],
    returns: || Ty::Item(SOURCE),
    doc: "All addresses of a name, as endpoints of an upstream. The last good answer stays while a later one fails.",
    examples: &[],
    texts: None,
    eval: |arguments| match arguments {
        [Value::String(name)] => Value::Item(format!("dns:{name}").into()),
        _ => Value::Absent,
    },
};

/// The kind of item that `discover` takes.
const SOURCE: &str = "source";

const SETTINGS: &[Setting] = &[
    Setting {
        name: "server",
        params: ServerLine::PARAMS,
        times: Times::Group("endpoints", Repeat::Yes),
        within: &[],
        guards: &[],
        doc: "One endpoint. A name instead of an address is looked up again and again, and each of its addresses is an endpoint. One that cannot be connected to is left alone for a second, then for longer, while there are others.",
        example: "server \"10.0.4.10:8080\", weight=3",
    },
    Setting {
        name: "discover",
        params: DiscoverLine::PARAMS,
        times: Times::Group("endpoints", Repeat::No),
        within: &[],
        guards: &[],
        doc: "The endpoints are found, and followed as they change. Those that stay keep their connections and their health.",
        example: "discover dns(\"users.svc:8080\"), refresh=10s",
    },
    Setting {
        name: "balance",
        params: BalanceLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[],
        doc: "How one of the endpoints is chosen for a request: an algorithm, then its own parameters. Without it: `round_robin`.",
        example: "balance least_request, choices=2",
    },
    Setting {
        name: "health",
        params: HealthLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[],
        doc: "Asks every endpoint again and again, and sends no requests to those that do not answer well. An endpoint that has not been asked yet is used.",
        example: "health GET, \"/healthz\", every=5s, timeout=1s, rise=2, fall=3",
    },
    Setting {
        name: "timeout",
        params: TimeoutLine::PARAMS,
        times: Times::Optional,
        within: &[("connect", "total"), ("first_byte", "total")],
        guards: &[],
        doc: "How long anything may take. A connection that is not made, or an answer that does not begin in time, is answered with 504.",
        example: "timeout connect=500ms, first_byte=2s, total=5s",
    },
    trouble::RETRY,
    trouble::EJECT,
    trouble::BREAKER,
    Setting {
        name: "tls",
        params: TlsLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &["ca", "server_name", "verify"],
        doc: "Speaks TLS with the endpoints and verifies their certificates.",
        example: "tls ca=\"/etc/gw/internal-ca.pem\"",
    },
    Setting {
        name: "proto",
        params: ProtoLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[],
        doc: "What is spoken with the endpoints: HTTP/1.1, or HTTP/2 (with `tls` agreed by ALPN, otherwise by prior knowledge).",
        example: "proto h2",
    },
    Setting {
        name: "host",
        params: HostLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[],
        doc: "The host that the endpoints are asked for, instead of the one that the client asks for.",
        example: "host \"users.internal\"",
    },
    Setting {
        name: "cap",
        params: CapLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[],
        doc: "How much each endpoint may hold, on each core. What is beyond waits, as far as `breaker` lets it.",
        example: "cap requests=256, idle=16",
    },
];

params! {
    /// `server`.
    pub struct ServerLine {
        /// An address or a name, and a port.
        address: Place,
        /// Its share of requests relative to the other servers; 0 takes none.
        weight: u32 = "1",
    }
}

params! {
    /// `discover`.
    pub struct DiscoverLine {
        /// Where endpoints are found: `dns("name:port")`.
        source: Source,
        /// The longest time between two look-ups; an answer that holds for less is asked for sooner.
        refresh: Wait<365> = "30s",
    }
}

params! {
    /// `balance`; what follows the name are the parameters of that balancer.
    pub struct BalanceLine {
        /// The algorithm.
        algorithm: Algorithm,
    }
}

params! {
    /// `health`.
    pub struct HealthLine {
        /// The method to ask with.
        method: Method = "GET",
        /// The path to ask for.
        path: AskedPath = "\"/\"",
        /// The time between two questions to one endpoint, give or take a tenth.
        every: Wait<365> = "5s",
        /// How long an answer may take.
        timeout: Wait<365> = "1s",
        /// Good answers in a row that bring an endpoint back.
        rise: Count<1, 1000> = "2",
        /// Bad answers in a row that take an endpoint out.
        fall: Count<1, 1000> = "3",
        /// The status of a good answer; any 2xx when not given.
        expect: Option<Status>,
        /// What happens when no endpoint is well: `refuse` answers 503, `ignore` sends to all of them.
        all_down: AllDown = "refuse",
    }
}

params! {
    /// `timeout`.
    pub struct TimeoutLine {
        /// For a place, a connection and its TLS handshake, together.
        connect: Wait<365> = "2s",
        /// From the last byte of the request to the first of the answer.
        first_byte: Wait<365> = "30s",
        /// For the whole exchange; upgraded connections are not bound by it.
        total: Wait<365> = "1h",
        /// Between two pieces of an answer, and for an upgraded connection without traffic.
        idle: Wait<365> = "60s",
        /// How long an unused connection is kept.
        keep: Wait<365> = "60s",
    }
}

params! {
    /// `tls`.
    pub struct TlsLine {
        /// A PEM file of the authorities to trust, instead of the system's. A relative path begins in the folder of
        /// the policy's file.
        ca: Option<String>,
        /// The name to ask for and to verify; the server's own when not given.
        server_name: Option<VerifiedName>,
        /// Whether certificates are verified.
        verify: bool = "true",
    }
}

params! {
    /// `proto`.
    pub struct ProtoLine {
        /// `h1` or `h2`.
        protocol: Protocol,
    }
}

params! {
    /// `host`.
    pub struct HostLine {
        /// The host, with a port if it is not the scheme's own.
        host: Authority,
    }
}

params! {
    /// `cap`.
    pub struct CapLine {
        /// Requests under way with one endpoint; with HTTP/1.1, its connections.
        requests: Count<1, { u32::MAX }> = "1024",
        /// Unused connections that are kept for one endpoint.
        idle: u32 = "512",
    }
}

/// A host and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place(Server);

/// A path, with a query perhaps, as a request's first line has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AskedPath(Arc<str>);

/// A name that a certificate can be for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct VerifiedName(Arc<str>);

/// Where endpoints are found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// A name and a port.
    Dns(Server),
}

/// The name of a balancer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Algorithm(pub Arc<str>);

/// A line of the block as the program hands it over: one argument for each parameter; for `balance`, the name
/// and then one for each parameter of that balancer.
#[derive(Clone, Debug)]
pub struct Line {
    /// The verb.
    pub name: Arc<str>,
    /// The arguments, inputs bound.
    pub arguments: Vec<Argument>,
    /// Where the policy says so.
    pub span: Span,
}

/// A line which cannot be honoured.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct SettingError {
    /// The verb.
    pub setting: Arc<str>,
    /// The parameter, if it is about one.
    pub parameter: Option<&'static str>,
    /// What is wrong with its value; lower case, no full stop.
    pub reason: String,
    /// Where the policy says so.
    pub span: Span,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parameter {
            Some(parameter) => write!(f, "`{parameter}` of `{}`: {}", self.setting, self.reason),
            None => write!(f, "`{}` {}", self.setting, self.reason),
        }
    }
}

/// What an `upstream` block says.
#[derive(Clone, Debug)]
pub struct Told {
    /// All of it that is the same for every request.
    pub config: UpstreamConfig,
    /// What `balance hash` hashes, evaluated for each request by whoever sends it.
    pub hash_key: Option<Dyn<String>>,
}

/// Reads the block `name`. All lines that cannot be honoured are reported.
pub fn read(name: &str, lines: &[Line]) -> Result<Told, Vec<SettingError>> {
    let mut told = Told { config: UpstreamConfig::of(name, Vec::new()), hash_key: None };
    let errors: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let (at, reason) = take(&mut told, line).err()?;
            let parameter = parameter(line, at);
            Some(SettingError { setting: line.name.clone(), parameter, reason, span: line.span })
        })
        .collect();
    if errors.is_empty() { Ok(told) } else { Err(errors) }
}

/// The name of a line's parameter; behind the name of a balancer stand its own.
fn parameter(line: &Line, at: usize) -> Option<&'static str> {
    let params = BLOCK.setting(&line.name)?.params;
    let own = || match line.arguments.first()? {
        Argument::Constant(Value::Item(name)) => {
            let row = crate::balance::ROWS.iter().find(|row| row.name == &**name)?;
            row.params.get(at.checked_sub(params.len())?)
        }
        _ => None,
    };
    params.get(at).or_else(own).map(|param| param.name)
}

/// Takes in one line; the error names the parameter by its place.
fn take(told: &mut Told, line: &Line) -> Result<(), (usize, String)> {
    let config = &mut told.config;
    let given = &line.arguments;
    match &*line.name {
        "server" => {
            let ServerLine { address: Place(server), weight } = ServerLine::decode(given)?;
            let server = Server { weight, ..server };
            match &mut config.endpoints {
                Endpoints::Servers(servers) => servers.push(server),
                Endpoints::Dns { .. } => return Err((0, "stands beside `discover`".to_owned())),
            }
        }
        "discover" => {
            let DiscoverLine { source: Source::Dns(server), refresh } =
                DiscoverLine::decode(given)?;
            config.endpoints = Endpoints::Dns { server, refresh: refresh.0 };
        }
        "balance" => {
            let (name, own) = given.split_first().ok_or((0, "is missing".to_owned()))?;
            let Algorithm(name) = Algorithm::decode_argument(name).map_err(|reason| (0, reason))?;
            let (balance, key) =
                Balance::read(&name, own).map_err(|(at, reason)| (at + 1, reason))?;
            config.balance = balance;
            told.hash_key = key;
        }
        "health" => config.health = Some(health(HealthLine::decode(given)?)),
        "timeout" => {
            let TimeoutLine { connect, first_byte, total, idle, keep } =
                TimeoutLine::decode(given)?;
            config.timeouts = super::config::Timeouts {
                connect: connect.0,
                first_byte: first_byte.0,
                total: total.0,
                idle: idle.0,
                keep: keep.0,
            };
        }
        "eject" => config.eject = Some(trouble::eject(given)?),
        "breaker" => config.breaker = trouble::breaker(given)?,
        "retry" => config.retry = trouble::retry(given)?,
        "tls" => {
            let TlsLine { ca, server_name, verify } = TlsLine::decode(given)?;
            let (ca, server_name) = (ca.map(Into::into), server_name.map(|name| name.0));
            config.tls = Some(TlsConfig { ca, server_name, verify });
        }
        "proto" => config.protocol = ProtoLine::decode(given)?.protocol,
        "host" => {
            let HostLine { host: Authority(host) } = HostLine::decode(given)?;
            config.host = Some(host.into());
        }
        "cap" => {
            let CapLine { requests, idle } = CapLine::decode(given)?;
            config.limits =
                super::config::Limits { requests: requests.0 as usize, idle: idle as usize };
        }
        _ => return Err((usize::MAX, "is no setting of an upstream".to_owned())),
    }
    Ok(())
}

fn health(line: HealthLine) -> HealthConfig {
    HealthConfig {
        method: line.method.0,
        path: line.path.0,
        every: line.every.0,
        timeout: line.timeout.0,
        rise: line.rise.0,
        fall: line.fall.0,
        expect: line.expect.map_or((200, 299), |Status(code)| (code, code)),
        all_down: line.all_down,
    }
}

impl Decode for Place {
    const HINT: Option<&'static str> =
        Some("write an address or a name, and a port, as in `\"10.0.4.10:8080\"`");

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<Place, String> {
        let text = String::decode(value)?;
        Server::parse(&text, 1).map(Place).map_err(|error| error.to_string())
    }
}

impl Decode for AskedPath {
    const HINT: Option<&'static str> = Some("write a path as in `\"/healthz\"`");

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<AskedPath, String> {
        let text = <Arc<str>>::decode(value)?;
        match text.parse::<http::uri::PathAndQuery>() {
            Ok(_) if text.starts_with('/') => Ok(AskedPath(text)),
            _ => Err(format!("`{text}` is not a path")),
        }
    }
}

impl Decode for VerifiedName {
    const HINT: Option<&'static str> =
        Some("write a name as in `\"users.internal\"`, without a port");

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<VerifiedName, String> {
        let text = <Arc<str>>::decode(value)?;
        match rustls::pki_types::ServerName::try_from(&*text) {
            Ok(_) => Ok(VerifiedName(text)),
            Err(_) => Err(format!("`{text}` is no name that a certificate can be for")),
        }
    }
}

impl Decode for Source {
    fn ty() -> Ty {
        Ty::Item(SOURCE)
    }

    fn decode(value: &Value) -> Result<Source, String> {
        match value {
            Value::Item(text) => match text.strip_prefix("dns:") {
                Some(server) => {
                    Server::parse(server, 1).map(Source::Dns).map_err(|error| error.to_string())
                }
                None => Err(format!("`{text}` is not known here")),
            },
            other => Err(format!("expected `dns(…)`, found `{other}`")),
        }
    }
}

impl Decode for Algorithm {
    fn ty() -> Ty {
        Ty::Item("balancer")
    }

    fn decode(value: &Value) -> Result<Algorithm, String> {
        match value {
            Value::Item(name) => Ok(Algorithm(name.clone())),
            other => Err(format!("expected a balancer, found `{other}`")),
        }
    }
}

impl Decode for Protocol {
    fn ty() -> Ty {
        Ty::one_of(&["h1", "h2"])
    }

    fn decode(value: &Value) -> Result<Protocol, String> {
        match value {
            Value::String(word) if &**word == "h1" => Ok(Protocol::Http1),
            Value::String(word) if &**word == "h2" => Ok(Protocol::Http2),
            other => Err(format!("expected {}, found `{other}`", Self::ty())),
        }
    }
}

impl Decode for AllDown {
    fn ty() -> Ty {
        Ty::one_of(&["refuse", "ignore"])
    }

    fn decode(value: &Value) -> Result<AllDown, String> {
        match value {
            Value::String(word) if &**word == "refuse" => Ok(AllDown::Refuse),
            Value::String(word) if &**word == "ignore" => Ok(AllDown::Ignore),
            other => Err(format!("expected {}, found `{other}`", Self::ty())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn line(name: &str, values: Vec<Value>) -> Line {
        let arguments = values.into_iter().map(Argument::Constant).collect();
        Line { name: name.into(), arguments, span: Span::default() }
    }

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn a_block_is_read() {
        let told = read(
            "users",
            &[
                line("server", vec![text("10.0.4.10:8080"), Value::Int(3)]),
                line("server", vec![text("users.svc:8080"), Value::Int(1)]),
                line("balance", vec![Value::Item("least_request".into()), Value::Int(3)]),
                line("proto", vec![text("h2")]),
                line("tls", vec![Value::Absent, text("users.internal"), Value::Bool(true)]),
                line("cap", vec![Value::Int(7), Value::Int(1)]),
            ],
        )
        .unwrap();
        let config = told.config;
        let Endpoints::Servers(servers) = config.endpoints else { panic!() };
        assert_eq!((servers[0].weight, servers[1].port), (3, 8080));
        assert_eq!(config.balance, crate::balance::LeastRequest { choices: Count(3) }.into());
        assert_eq!(config.protocol, Protocol::Http2);
        assert_eq!(config.tls.unwrap().server_name.as_deref(), Some("users.internal"));
        assert_eq!((config.limits.requests, config.limits.idle), (7, 1));
    }

    #[test]
    fn a_name_is_discovered() {
        let source = (DNS.eval)(&[text("users.svc:8080")]);
        let refresh = Value::Duration(Duration::from_secs(10));
        let told = read("users", &[line("discover", vec![source, refresh])]).unwrap();
        assert!(
            matches!(told.config.endpoints, Endpoints::Dns { server, .. } if server.port == 8080)
        );
    }

    #[test]
    fn every_bad_line_is_told() {
        let zero = Value::Duration(Duration::ZERO);
        let errors = read(
            "users",
            &[
                line("server", vec![text("nonsense"), Value::Int(1)]),
                line("timeout", vec![zero.clone(), zero.clone(), zero.clone(), zero.clone(), zero]),
                line("balance", vec![Value::Item("least_request".into()), Value::Int(0)]),
            ],
        )
        .unwrap_err();
        let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`address` of `server`: `nonsense` is not `host:port`",
                "`connect` of `timeout`: `0ms` is not between 1ms and 365d",
                "`choices` of `balance`: `0` is not between 1 and 16",
            ]
        );
    }

    #[test]
    fn defaults_of_rows_are_the_defaults_of_the_configuration() {
        let rows =
            (super::super::config::Timeouts::default(), super::super::config::Limits::default());
        let param = |params: &[Param], name: &str| {
            params.iter().find(|param| param.name == name).and_then(|param| param.default)
        };
        assert_eq!(rows.0.connect, Duration::from_secs(2));
        assert_eq!(param(TimeoutLine::PARAMS, "connect"), Some("2s"));
        assert_eq!(rows.0.total, Duration::from_secs(3600));
        assert_eq!(param(TimeoutLine::PARAMS, "total"), Some("1h"));
        assert_eq!(param(CapLine::PARAMS, "requests"), Some(&*rows.1.requests.to_string()));
        assert_eq!(param(CapLine::PARAMS, "idle"), Some(&*rows.1.idle.to_string()));
    }
}
