//! Why a request gets no answer from whom it was meant for: one enum that says whose fault it is, and the one place
//! where a failure becomes a status, a text and a word for the log. No text of it names what is behind the gateway.

use std::sync::Arc;

use crate::auth::Reason;
use crate::body::{BodyError, Side};
use crate::exchange::Answer;
use crate::http1::reason;
use crate::message::Fault;
use crate::upstream;

/// A request's failure.
#[derive(Debug)]
pub enum Failure {
    /// No route takes the request.
    NoRoute,
    /// Routes take the path, but only by these methods.
    Method(Vec<Arc<str>>),
    /// The request is not in a form that is served.
    Malformed(Fault),
    /// The connection was made for another host, of which the listener demands more (RFC 9110, section 15.5.20).
    Misdirected,
    /// It came through gateways like this one so often that it goes in circles (RFC 9110, section 7.6.3).
    Loop,
    /// A `require` of the policy does not hold; the status and text are its own.
    Denied {
        /// The status.
        status: u16,
        /// The text; the status' own words when absent.
        text: Option<String>,
    },
    /// A limit of the policy is used up; the status and text are its own.
    Limited {
        /// The status.
        status: u16,
        /// The text; the status' own words when absent.
        text: Option<String>,
    },
    /// A `require` of the policy asks who somebody is, and it is not known.
    Unknown {
        /// The status.
        status: u16,
        /// The text; the status' own words when absent.
        text: Option<String>,
        /// Why it is not known.
        reason: Reason,
    },
    /// A value of the request stands where a statement cannot use it, such as a line break on its way into a header.
    Value,
    /// The content broke while the gateway waited for it.
    Content(BodyError),
    /// The upstream gave no answer.
    Upstream(upstream::Kind),
    /// Something that cannot be; the word is for the log.
    Ours(&'static str),
}

/// Whose fault a failure is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The client's.
    Client,
    /// The upstream's.
    Upstream,
    /// The gateway's, or that of its limits.
    Gateway,
}

impl Whose {
    /// The word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Whose::Client => "client",
            Whose::Upstream => "upstream",
            Whose::Gateway => "gateway",
        }
    }
}

impl Failure {
    /// Whose fault it is.
    pub fn whose(&self) -> Whose {
        match self {
            Failure::Loop | Failure::Unknown { reason: Reason::NoKeys, .. } => Whose::Gateway,
            Failure::NoRoute
            | Failure::Method(_)
            | Failure::Malformed(_)
            | Failure::Misdirected
            | Failure::Denied { .. }
            | Failure::Limited { .. }
            | Failure::Unknown { .. }
            | Failure::Value => Whose::Client,
            Failure::Content(error) => match (error.side, error.status()) {
                (Side::Upstream, _) => Whose::Upstream,
                (Side::Gateway, 500..) => Whose::Gateway,
                _ => Whose::Client,
            },
            Failure::Upstream(kind) => match kind.fault() {
                upstream::Fault::Client => Whose::Client,
                upstream::Fault::Upstream => Whose::Upstream,
                upstream::Fault::Gateway => Whose::Gateway,
            },
            Failure::Ours(_) => Whose::Gateway,
        }
    }

    /// A stable word for the log and for metrics.
    pub fn slug(&self) -> &'static str {
        match self {
            Failure::NoRoute => "no-route",
            Failure::Method(_) => "method",
            Failure::Malformed(fault) => fault.name(),
            Failure::Misdirected => "misdirected",
            Failure::Loop => "loop",
            Failure::Denied { .. } => "denied",
            Failure::Limited { .. } => "limited",
            Failure::Unknown { reason, .. } => reason.slug(),
            Failure::Value => "value",
            Failure::Content(error) => error.name(),
            // What the client did to its content is told by the same words, wherever it was read.
            Failure::Upstream(upstream::Kind::RequestBody(error)) => error.name(),
            Failure::Upstream(kind) => kind.slug(),
            Failure::Ours(what) => what,
        }
    }

    /// Whether this slug is that of an answer which the policy alone decides, whatever the network does.
    pub fn is_decided(slug: &str) -> bool {
        let denied = Failure::Denied { status: 403, text: None };
        [Failure::NoRoute, Failure::Method(Vec::new()), denied].iter().any(|one| one.slug() == slug)
    }

    /// The status that answers it.
    pub fn status(&self) -> u16 {
        match self {
            Failure::NoRoute => 404,
            Failure::Method(_) => 405,
            Failure::Malformed(fault) => fault.status(),
            Failure::Misdirected => 421,
            Failure::Loop => 508,
            Failure::Denied { status, .. }
            | Failure::Limited { status, .. }
            | Failure::Unknown { status, .. } => *status,
            Failure::Value => 400,
            Failure::Content(error) => error.status(),
            Failure::Upstream(kind) => upstream_status(kind),
            Failure::Ours(_) => 500,
        }
    }

    /// The answer: a status, a short plain text, and what RFC 9110 wants beside it.
    pub fn answer(&self) -> Answer {
        let status = self.status();
        let text = match self {
            Failure::Denied { text: Some(text), .. }
            | Failure::Limited { text: Some(text), .. }
            | Failure::Unknown { text: Some(text), .. } => text.clone(),
            Failure::Malformed(fault) => format!("{status} {}: {fault}\n", reason(status)),
            // An unregistered status has no words.
            _ => format!("{}\n", format!("{status} {}", reason(status)).trim_end()),
        };
        let mut answer = Answer::text(status, "text/plain; charset=utf-8", text);
        if let Failure::Method(allowed) = self {
            // RFC 9110, section 15.5.6: a 405 says what is allowed. Methods of a policy are tokens.
            let _ = answer.response.headers.append("allow", allowed.join(", "));
        }
        if let Failure::Unknown { status: 401, reason, .. } = self {
            // RFC 9110, section 15.5.2: a 401 says how to become known.
            let _ = answer.response.headers.append("www-authenticate", reason.challenge());
        }
        if let Failure::Upstream(kind) = self
            && let Some(wait) = kind.retry_after()
        {
            // Whole seconds (RFC 9110, section 10.2.3), and never at once.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let _ = answer.response.headers.append("retry-after", seconds.to_string());
        }
        answer
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Failure {
        Failure::Content(error)
    }
}

/// 504 where time ran out, 503 where another try later may help and nobody was asked, 502 otherwise.
fn upstream_status(kind: &upstream::Kind) -> u16 {
    match kind {
        kind if kind.is_timeout() => 504,
        upstream::Kind::NoEndpoint | upstream::Kind::Unresolved => 503,
        kind if kind.retry_after().is_some() => 503,
        upstream::Kind::RequestBody(error) => error.status(),
        kind if kind.fault() == upstream::Fault::Client => 400,
        _ => 502,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_failure_has_a_status_a_text_and_somebody_at_fault() {
        let timeout = || BodyError::timeout(Side::Client);
        for (failure, status, whose) in [
            (Failure::NoRoute, 404, Whose::Client),
            (Failure::Malformed(Fault::PathEncodedSlash), 400, Whose::Client),
            (Failure::Content(timeout()), 408, Whose::Client),
            (Failure::Content(BodyError::too_large(Side::Gateway)), 413, Whose::Client),
            (Failure::Upstream(upstream::Kind::NoEndpoint), 503, Whose::Upstream),
            (Failure::Upstream(upstream::Kind::FirstByteTimeout), 504, Whose::Upstream),
            (Failure::Upstream(upstream::Kind::Pending), 503, Whose::Gateway),
            (
                Failure::Upstream(upstream::Kind::Files(std::io::ErrorKind::Other.into())),
                503,
                Whose::Gateway,
            ),
            (Failure::Upstream(upstream::Kind::QueueTimeout), 503, Whose::Gateway),
            (Failure::Upstream(upstream::Kind::Open(Duration::ZERO)), 503, Whose::Upstream),
            (Failure::Ours("argument"), 500, Whose::Gateway),
        ] {
            assert_eq!((failure.status(), failure.whose()), (status, whose), "{failure:?}");
            let answer = failure.answer();
            let text = String::from_utf8(answer.body.as_full().unwrap().to_vec()).unwrap();
            assert!(text.starts_with(&status.to_string()) && text.len() < 120, "{text}");
        }
    }

    #[test]
    fn who_is_asked_too_much_says_when_to_come_back() {
        let told = |kind| {
            let answer = Failure::Upstream(kind).answer();
            answer.response.headers.text("retry-after").map(str::to_owned)
        };
        assert_eq!(told(upstream::Kind::Requests).as_deref(), Some("1"));
        assert_eq!(told(upstream::Kind::QueueTimeout).as_deref(), Some("1"));
        let left = Duration::from_millis(4001);
        assert_eq!(told(upstream::Kind::Ejected(left)).as_deref(), Some("5"));
        assert_eq!(told(upstream::Kind::NoEndpoint), None);
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let answer = Failure::Method(vec!["GET".into(), "HEAD".into()]).answer();
        assert_eq!(answer.response.headers.text("allow"), Some("GET, HEAD"));
    }
}
