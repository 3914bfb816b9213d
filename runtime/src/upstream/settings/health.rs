//! The line of an `upstream` block that says how its endpoints are asked whether they are well.

use std::sync::Arc;

use lang::params;
use lang::types::Ty;
use lang::value::Value;
use lang::vocab::decode::{Method, Status};
use lang::vocab::{Argument, Decode, Setting, Times};

use crate::upstream::config::{AllDown, HealthConfig};
use crate::values::{Count, Wait};

/// `health`.
pub(super) const HEALTH: Setting = Setting {
    name: "health",
    params: HealthLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[],
    doc: "Asks every endpoint again and again, and sends no requests to those that do not answer well. An endpoint that has not been asked yet is used.",
    example: "health GET, \"/healthz\", every=5s, timeout=1s, rise=2, fall=3",
};

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

/// A path, with a query perhaps, as a request's first line has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AskedPath(Arc<str>);

/// Reads a `health` line.
pub(super) fn health(given: &[Argument]) -> Result<HealthConfig, (usize, String)> {
    let line = HealthLine::decode(given)?;
    Ok(HealthConfig {
        method: line.method.0,
        path: line.path.0,
        every: line.every.0,
        timeout: line.timeout.0,
        rise: line.rise.0,
        fall: line.fall.0,
        expect: line.expect.map_or((200, 299), |Status(code)| (code, code)),
        all_down: line.all_down,
    })
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
