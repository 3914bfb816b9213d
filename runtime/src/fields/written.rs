//! What may be put into the fields that statements change. Fields that frame a message or name its connection are the
//! gateway's own business: a policy that could write them could smuggle.

use compiler::passing;
use lang::Value;
use lang::vocab::{Decode, Known, Shield, Spliced, Written};

use crate::message::Headers;
use crate::normal;
use crate::splice::{path_of, plain};
use crate::values::{Authority, FinalStatus};

/// A header field.
pub(super) const HEADER: Written =
    Written { accepts: header, repeats: repeats_header, shields: |_| None };

/// A header field of an answer.
pub(super) const ANSWER: Written = Written { shields: shields_client, ..HEADER };

/// The status of an answer.
pub(super) const STATUS: Written = once(|_, known| match known {
    Known::Value(Value::Absent) => Err("every answer has a status".to_owned()),
    known => FinalStatus::accepts(known),
});

/// A path.
pub(super) const PATH: Written = once(|_, known| match known {
    Known::Value(Value::Absent) => Err("every request has a path".to_owned()),
    known => path_of(known),
});

/// A query.
pub(super) const QUERY: Written = once(|_, known| match known {
    // What a request brings is encoded there.
    Known::Value(Value::Absent) | Known::Text(_) | Known::Spliced(_) | Known::Nothing => Ok(()),
    Known::Value(value) => {
        let text = plain(value);
        let query = normal::query(text.as_bytes());
        query.map(drop).map_err(|_| format!("`{text}` cannot be a query"))
    }
});

/// A host.
pub(super) const HOST: Written = once(|_, known| match known {
    Known::Value(Value::Absent) => Err("every request has a host".to_owned()),
    known => Authority::accepts(known),
});

/// Fields that the gateway writes itself (RFC 9110, sections 7.6.1 and 8.6; RFC 9112, section 6).
const OWN: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields of an answer that have one value, beside those of a request.
const SINGLE: &[&str] = &["age", "etag", "expires", "location", "retry-after", "server"];

const fn once(accepts: fn(&str, Known<'_>) -> Result<(), String>) -> Written {
    Written { accepts, repeats: |_| false, shields: |_| None }
}

fn header(name: &str, known: Known<'_>) -> Result<(), String> {
    if name == "host" {
        return Err("`host` is not changed as a header: `up.host` is the host asked for".to_owned());
    }
    if OWN.contains(&name) {
        return Err(format!("`{name}` cannot be changed: the gateway writes it itself"));
    }
    let stands = |text: &str| Headers::new().append(name, text).map_err(|error| error.to_string());
    match known {
        Known::Value(Value::Absent) | Known::Nothing => stands(""),
        Known::Value(value) => stands(&plain(value)),
        Known::Text(parts) => parts.iter().flatten().try_for_each(|text| stands(text)),
        Known::Spliced(parts) => stands(&plain(&Spliced::whole(parts))),
    }
}

fn repeats_header(name: &str) -> bool {
    !OWN.contains(&name) && !SINGLE.contains(&name) && !passing::SINGLE.contains(&name)
}

/// What browsers and caches are held to, what lets other sites read an answer (Fetch, section 3.3.3), and what says which
/// software answers (RFC 9110, section 10.2.4).
fn shields_client(name: &str) -> Option<Shield> {
    match name {
        "access-control-allow-credentials"
        | "access-control-allow-headers"
        | "access-control-allow-methods"
        | "access-control-allow-origin"
        | "access-control-allow-private-network"
        | "access-control-expose-headers"
        | "timing-allow-origin" => Some(Shield::Opens),
        "cache-control"
        | "clear-site-data"
        | "content-security-policy"
        | "cross-origin-embedder-policy"
        | "cross-origin-opener-policy"
        | "cross-origin-resource-policy"
        | "permissions-policy"
        | "referrer-policy"
        | "strict-transport-security"
        | "x-content-type-options"
        | "x-frame-options"
        | "x-permitted-cross-domain-policies"
        | "x-robots-tag"
        | "x-xss-protection" => Some(Shield::Holds),
        "server"
        | "x-aspnet-version"
        | "x-aspnetmvc-version"
        | "x-generator"
        | "x-powered-by"
        | "x-runtime"
        | "x-version" => Some(Shield::Hides),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frames_a_message_is_not_written() {
        for name in OWN {
            assert!(header(name, Known::Nothing).is_err(), "{name}");
        }
        assert_eq!(header("x-a", Known::Nothing), Ok(()));
        assert!(header("x a", Known::Nothing).is_err());
        assert!(header("x-a", Known::Value(&Value::string("a\r\nb: c"))).is_err());
        assert!(header("x-a", Known::Text(&[None, Some("\n")])).is_err());
        assert_eq!(header("x-a", Known::Text(&[None, Some(" b")])), Ok(()));
    }

    #[test]
    fn what_every_message_has_is_not_taken_away() {
        let absent = Known::Value(&Value::Absent);
        for written in [STATUS, PATH, HOST] {
            assert!((written.accepts)("", absent).is_err());
        }
        assert_eq!((QUERY.accepts)("", absent), Ok(()));
    }
}
