//! The lines of an `upstream` block that are about trouble: what is sent again, who is left alone.
//! What comes of them stands beside what they tend.

use lang::params;
use lang::types::Ty;
use lang::value::Value;
use lang::vocab::{Argument, Decode, Setting, Times};

use crate::upstream::causes::Causes;
use crate::upstream::retry::{Only, RetryConfig};
use crate::upstream::standing::EjectConfig;
use crate::values::{Count, Pause, Share, Wait};

/// `retry`.
pub(super) const RETRY: Setting = Setting {
    name: "retry",
    params: RetryLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[],
    doc: "When a request is sent again, and how often at most: `retry 0` never does. Another endpoint is preferred. It happens only while the content can be sent once more (what streams is kept up to 64 KiB), never after a byte of an answer was passed on, and `timeout total` bounds all tries together. What an endpoint has seen nothing of is sent again whatever its method, and costs no budget. Without the line: the defaults.",
    example: "retry 2, on=[connect, 502, 503], only=idempotent, budget=20%, backoff=25ms..250ms",
};

/// `eject`.
pub(super) const EJECT: Setting = Setting {
    name: "eject",
    params: EjectLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[],
    doc: "Leaves an endpoint alone for a while that fails again and again: after so many errors in a row, of all its requests on all cores. Each time it is needed again soon it takes longer, up to ten times as long. When every endpoint is ejected, which takes `at_most=100%`, the answer is 503.",
    example: "eject errors=5, over=10s, slower=800ms, lasts=30s, at_most=40%",
};

params! {
    /// `eject`.
    pub struct EjectLine {
        /// So many errors in a row are too many.
        errors: Count<1, 1000> = "5",
        /// Errors that are further apart than this are not in a row.
        over: Wait<1> = "10s",
        /// An answer that takes longer to begin is an error too. The time in which a client sends its content is not
        /// counted.
        slower: Option<Wait<1>>,
        /// How long it is left alone the first time.
        lasts: Wait<1> = "30s",
        /// How many of the endpoints may be left alone at a time: at least one where there are others, all of them only with
        /// `100%`.
        at_most: Share = "50%",
        /// How long it takes until an endpoint that comes back has its whole share of the requests; it begins with a tenth.
        slow_start: Wait<1> = "10s",
        /// What is an error: the words of `retry`.
        on: Causes = "[connect, reset, timeout, malformed, 5xx]",
    }
}

params! {
    /// `retry`.
    pub struct RetryLine {
        /// How often one request is sent again at most.
        retries: Count<0, 10> = "2",
        /// After what: `connect` (there was no connection, and nothing was seen of the request), `reset` (it was lost before
        /// an answer), `timeout` (no answer began in time), `malformed` (what came is no answer), or a status.
        on: Causes = "[connect, reset]",
        /// What an endpoint may have seen is sent again if its method is `idempotent`, or whatever it is: `any`.
        only: Only = "idempotent",
        /// How many of the requests may be sent again, on each core. Where there are few, one each second may.
        budget: Share = "20%",
        /// The shortest and the longest wait before it; drawn at random below a bound that doubles each time. After
        /// `connect` another endpoint is asked at once, if there is one.
        backoff: Pause = "25ms..250ms",
    }
}

/// Reads a `retry` line.
pub(super) fn retry(given: &[Argument]) -> Result<RetryConfig, (usize, String)> {
    let RetryLine { retries, on, only, budget, backoff } = RetryLine::decode(given)?;
    Ok(RetryConfig {
        retries: retries.0,
        on,
        only,
        budget: budget.hundredths(),
        backoff: (backoff.0, backoff.1),
    })
}

/// Reads an `eject` line.
pub(super) fn eject(given: &[Argument]) -> Result<EjectConfig, (usize, String)> {
    let EjectLine { errors, over, slower, lasts, at_most, slow_start, on } =
        EjectLine::decode(given)?;
    Ok(EjectConfig {
        errors: errors.0,
        over: over.0,
        slower: slower.map(|slower| slower.0),
        lasts: lasts.0,
        at_most: at_most.hundredths(),
        slow_start: slow_start.0,
        on,
    })
}

impl Decode for Only {
    fn ty() -> Ty {
        Ty::one_of(&["idempotent", "any"])
    }

    fn decode(value: &Value) -> Result<Only, String> {
        match value {
            Value::String(word) if &**word == "idempotent" => Ok(Only::Idempotent),
            Value::String(word) if &**word == "any" => Ok(Only::Any),
            other => Err(format!("expected {}, found `{other}`", Self::ty())),
        }
    }
}
