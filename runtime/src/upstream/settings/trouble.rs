//! The lines of an `upstream` block that are about trouble: what is sent again. What comes of them stands beside what
//! they tend.

use lang::params;
use lang::types::Ty;
use lang::value::Value;
use lang::vocab::{Argument, Decode, Setting, Times};

use crate::upstream::causes::Causes;
use crate::upstream::retry::{Only, RetryConfig};
use crate::values::{Count, Pause, Share};

/// `retry`.
pub(super) const RETRY: Setting = Setting {
    name: "retry",
    params: RetryLine::PARAMS,
    times: Times::Optional,
    within: &[],
    doc: "When a request is sent again, and how often at most: `retry 0` never does. Another endpoint is preferred. It happens only while the content can be sent once more (what streams is kept up to 64 KiB), never after a byte of an answer was passed on, and `timeout total` bounds all tries together. What an endpoint has seen nothing of is sent again whatever its method, and costs no budget. Without the line: the defaults.",
    example: "retry 2, on=[connect, 502, 503], only=idempotent, budget=20%, backoff=25ms..250ms",
};

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The arguments of a line on which nothing is written, read from the row.
    fn presets(params: &[lang::vocab::Param]) -> Vec<Argument> {
        let values = params.iter().map(|param| {
            let Some(text) = param.default else { return Value::Absent };
            let word = |text: &str| Value::string(text.trim());
            match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
                Some(items) => Value::list(items.split(',').map(word)),
                None => match lang::literal::literal(text, lang::Span::default(), None) {
                    Ok((value, _)) => value,
                    Err(_) => word(text),
                },
            }
        });
        values.map(Argument::Constant).collect()
    }

    #[test]
    fn what_the_rows_say_is_what_is_done_without_a_line() {
        assert_eq!(retry(&presets(RetryLine::PARAMS)), Ok(RetryConfig::default()));
    }
}
