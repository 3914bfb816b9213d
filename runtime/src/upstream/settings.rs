//! The lines of an `upstream` block: their rows, and what they make of an [`UpstreamConfig`]. It checks what a type
//! cannot say (a port, a time that must not be zero); it opens and looks up nothing.

mod budget;
mod endpoints;
mod health;
mod overload;
mod trouble;
mod wire;

use std::fmt;
use std::sync::Arc;

use lang::types::Ty;
use lang::value::Value;
use lang::vocab::{Argument, Block, Decode, Dyn, Setting, Times};
use lang::{Span, params};

pub use budget::BUDGETS;
pub use endpoints::{DNS, Source};

use super::config::{Timeouts, UpstreamConfig};
use crate::balance::Balance;
use crate::values::Wait;

/// `upstream`.
pub static BLOCK: Block = Block {
    name: "upstream",
    settings: SETTINGS,
    exclusive: None,
    applied: None,
    doc: "A group of endpoints that answer the same requests: where they are, how one is chosen, how they are watched and how long they may take.",
    example: "upstream users {\n  server  \"10.0.4.10:8080\", weight=3\n  server  \"10.0.4.11:8080\"\n  balance least_request\n  timeout connect=500ms, first_byte=2s\n}",
};

const SETTINGS: &[Setting] = &[
    endpoints::SERVER,
    endpoints::DISCOVER,
    Setting {
        name: "balance",
        params: BalanceLine::PARAMS,
        times: Times::Optional,
        within: &[],
        guards: &[],
        doc: "How one of the endpoints is chosen for a request: an algorithm, then its own parameters. Without it: `round_robin`.",
        example: "balance least_request, choices=2",
    },
    health::HEALTH,
    Setting {
        name: "timeout",
        params: TimeoutLine::PARAMS,
        times: Times::Optional,
        within: &[("connect", "total"), ("first_byte", "total"), ("queue", "total")],
        guards: &[],
        doc: "How long anything may take. A connection that is not made, or an answer that does not begin in time, is answered with 504.",
        example: "timeout connect=500ms, first_byte=2s, total=5s",
    },
    trouble::RETRY,
    trouble::EJECT,
    overload::BREAKER,
    overload::ADAPTIVE,
    overload::CAP,
    wire::TLS,
    wire::PROTO,
    wire::HOST,
];

params! {
    /// `balance`; what follows the name are the parameters of that balancer.
    pub struct BalanceLine {
        /// The algorithm.
        algorithm: Algorithm,
    }
}

params! {
    /// `timeout`.
    pub struct TimeoutLine {
        /// For a connection and its TLS handshake, together.
        connect: Wait<365> = "2s",
        /// From the last byte of the request to the first of the answer.
        first_byte: Wait<365> = "30s",
        /// For the whole exchange; upgraded connections are not bound by it.
        total: Wait<365> = "1h",
        /// Between two pieces of an answer, and for an upgraded connection without traffic.
        idle: Wait<365> = "60s",
        /// How long an unused connection is kept.
        keep: Wait<365> = "60s",
        /// For a place, where there is none; see `cap`, `breaker` and `adaptive_concurrency`. Then the answer is 503.
        queue: Wait<365> = "2s",
    }
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
        "server" => endpoints::server(&mut config.endpoints, given)?,
        "discover" => config.endpoints = endpoints::discover(given)?,
        "balance" => {
            let (name, own) = given.split_first().ok_or((0, "is missing".to_owned()))?;
            let Algorithm(name) = Algorithm::decode_argument(name).map_err(|reason| (0, reason))?;
            let (balance, key) =
                Balance::read(&name, own).map_err(|(at, reason)| (at + 1, reason))?;
            config.balance = balance;
            told.hash_key = key;
        }
        "health" => config.health = Some(health::health(given)?),
        "timeout" => {
            let TimeoutLine { connect, first_byte, total, idle, keep, queue } =
                TimeoutLine::decode(given)?;
            config.timeouts = Timeouts {
                queue: queue.0,
                connect: connect.0,
                first_byte: first_byte.0,
                total: total.0,
                idle: idle.0,
                keep: keep.0,
            };
        }
        "eject" => config.eject = Some(trouble::eject(given)?),
        "breaker" => config.breaker = overload::breaker(given)?,
        "adaptive_concurrency" => config.adaptive = Some(overload::adaptive(given)?),
        "retry" => config.retry = trouble::retry(given)?,
        "tls" => config.tls = Some(wire::tls(given)?),
        "proto" => config.protocol = wire::proto(given)?,
        "host" => config.host = Some(wire::host(given)?),
        "cap" => config.limits = overload::cap(given)?,
        _ => return Err((usize::MAX, "is no setting of an upstream".to_owned())),
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lang::vocab::Param;

    use super::*;
    use crate::upstream::adaptive::AdaptiveConfig;
    use crate::upstream::breaker::BreakerConfig;
    use crate::upstream::causes::Causes;
    use crate::upstream::config::{Endpoints, Limits, Protocol};
    use crate::upstream::retry::RetryConfig;
    use crate::values::Count;

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
                line("timeout", vec![zero; 6]),
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

    /// The arguments of a line on which nothing is written, read from its row.
    fn presets(params: &[Param]) -> Vec<Argument> {
        let values = params.iter().map(|param| {
            let Some(text) = param.default else { return Value::Absent };
            let word = |text: &str| Value::string(text.trim());
            match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
                Some(items) => Value::list(items.split(',').map(word)),
                None => match lang::literal::literal(text, Span::default(), None) {
                    Ok((value, _)) => value,
                    Err(_) => word(text),
                },
            }
        });
        values.map(Argument::Constant).collect()
    }

    #[test]
    fn what_the_rows_say_is_what_is_done_without_a_line() {
        let said = |name: &str| {
            let arguments = presets(BLOCK.setting(name).unwrap().params);
            let line = Line { name: name.into(), arguments, span: Span::default() };
            read("users", &[line]).unwrap().config
        };
        assert_eq!(said("timeout").timeouts, Timeouts::default());
        assert_eq!(said("retry").retry, RetryConfig::default());
        assert_eq!(said("breaker").breaker, BreakerConfig::default());
        assert_eq!(said("cap").limits, Limits::default());
        assert_eq!(said("eject").eject.map(|eject| eject.on), Some(Causes::trouble()));
        assert_eq!(said("adaptive_concurrency").adaptive, Some(AdaptiveConfig::default()));
    }
}
