//! What the expectations of a test see: what came of the last request, the row of the table, the policy's inputs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lang::eval::{World, member};
use lang::policy::{InputId, LocalId};
use lang::vocab::Field;
use lang::{Span, Value};

use super::ask::Answered;
use crate::fields::document;
use crate::telemetry::log::Kept;
use crate::upstream::Call;

/// What came of a request.
pub(super) struct Last {
    pub(super) answered: Answered,
    calls: Vec<Call>,
    /// The line in the access log.
    log: Value,
    /// The statement that refused it.
    pub(super) refused_by: Option<Span>,
}

/// The world of a test's expressions.
pub(super) struct View<'v> {
    inputs: &'v [Value],
    row: Option<&'v (LocalId, Value)>,
    pub(super) last: Option<&'v Last>,
}

impl Last {
    /// The answer, the requests that upstreams got for it, and the line that `log` has of it.
    pub(super) fn of(answered: Answered, calls: Vec<Call>, log: &Kept) -> Last {
        Last { answered, calls, log: document(&log.take()), refused_by: None }
    }

    /// A part of its line in the access log.
    pub(super) fn log(&self, name: &str) -> Value {
        member(&self.log, name)
    }

    fn calls<'l>(&'l self, upstream: &'l str) -> impl DoubleEndedIterator<Item = &'l Call> {
        self.calls.iter().filter(move |call| *call.upstream == *upstream)
    }

    fn field(&self, path: &str, key: Option<&str>) -> Value {
        let key = key.unwrap_or_default();
        let answer = &self.answered;
        match path {
            "route" => self.log("route"),
            "status" | "resp.status" => Value::Status(answer.status),
            "resp.header" => answer.headers.get(key).map_or(Value::Absent, text),
            "resp.body" => text(&answer.content),
            "resp.json" => document(&answer.content),
            "resp.cut" => answer.cut.map_or(Value::Absent, Value::string),
            "resp.time" => Value::Duration(answer.time),
            "called" => Value::Bool(self.calls(key).next().is_some()),
            "calls" => Value::Int(i64::try_from(self.calls(key).count()).unwrap_or(i64::MAX)),
            "sent" => self.calls(key).next_back().map_or(Value::Absent, sent),
            "log.header" => match member(&self.log("headers"), key) {
                Value::List(values) => {
                    let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                    Value::string(values.join(", "))
                }
                Value::String(value) => Value::String(value),
                _ => Value::Absent,
            },
            _ => match (path.strip_prefix("log."), self.log(path.trim_start_matches("log."))) {
                (Some("status"), Value::Int(code)) => {
                    u16::try_from(code).map_or(Value::Absent, Value::Status)
                }
                (Some("client"), Value::String(address)) => {
                    address.parse().map_or(Value::Absent, Value::ip)
                }
                // The log says how long in milliseconds.
                (Some(length @ ("duration" | "first_byte")), _) => {
                    match self.log(&format!("{length}_ms")) {
                        Value::Float(ms) => Value::Duration(milliseconds(ms)),
                        Value::Int(ms) => Value::Duration(milliseconds(ms as f64)),
                        _ => Value::Absent,
                    }
                }
                (_, value) => value,
            },
        }
    }
}

impl<'v> View<'v> {
    /// What is seen with these inputs, in this row, after this request.
    pub(super) fn of(
        inputs: &'v [Value],
        row: Option<&'v (LocalId, Value)>,
        last: Option<&'v Last>,
    ) -> View<'v> {
        View { inputs, row, last }
    }
}

impl World for View<'_> {
    fn input(&self, input: InputId) -> Value {
        self.inputs.get(input.0 as usize).cloned().unwrap_or_default()
    }

    fn field(&self, field: &'static Field, key: Option<&str>) -> Value {
        self.last.map_or(Value::Absent, |last| last.field(field.path, key))
    }

    fn capture(&self, _: &str) -> Value {
        Value::Absent
    }

    fn local(&self, local: LocalId) -> Value {
        match self.row {
            Some((row, value)) if *row == local => value.clone(),
            _ => Value::Absent,
        }
    }
}

fn milliseconds(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

fn text(bytes: &[u8]) -> Value {
    Value::string(String::from_utf8_lossy(bytes))
}

/// A request that an upstream got. Names of header fields are in lower case; of several of one name it is the first.
fn sent(call: &Call) -> Value {
    let request = &call.request;
    let mut headers: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    for (name, value) in request.headers.iter() {
        headers.entry(name.to_ascii_lowercase().into()).or_insert_with(|| text(value));
    }
    headers.insert("host".into(), Value::string(request.target.authority()));
    let parts = [
        ("method", Value::Method(request.method.as_str().into())),
        ("host", Value::string(request.target.host())),
        ("path", Value::string(request.target.path())),
        ("query", request.target.query().map_or(Value::Absent, Value::string)),
        ("header", Value::Map(Arc::new(headers))),
        ("body", text(&call.content)),
        ("json", document(&call.content)),
    ];
    Value::Map(Arc::new(parts.into_iter().map(|(name, value)| (name.into(), value)).collect()))
}
