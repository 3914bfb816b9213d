//! From what a test says of an upstream to what its endpoints do.

use bytes::Bytes;
use lang::Value;
use lang::eval::member;

use crate::message::Response;
use crate::upstream::Does;

/// What a stub's value means. The error says why it means nothing.
pub(super) fn does(stub: &Value) -> Result<Does, String> {
    let then = || does(&member(stub, "then")).map(Box::new);
    match member(stub, "stub").as_str() {
        Some("respond") => respond(stub),
        Some("refuse") => Ok(Does::Refuse),
        Some("reset") => Ok(Does::Reset),
        Some("delay") => match member(stub, "time") {
            Value::Duration(time) => Ok(Does::Delay(time, then()?)),
            _ => Err("a delay needs its time".to_owned()),
        },
        Some("drip") => {
            let bytes = match member(stub, "bytes") {
                Value::Absent => 1,
                Value::Int(bytes @ 1..) => usize::try_from(bytes).unwrap_or(usize::MAX),
                _ => return Err("a piece has at least one byte".to_owned()),
            };
            match (member(stub, "every"), then()?) {
                (Value::Duration(every), then) if matches!(*then, Does::Respond(..)) => {
                    Ok(Does::Drip(then, every, bytes))
                }
                _ => Err("only a `respond` comes in pieces".to_owned()),
            }
        }
        Some("sequence") => match member(stub, "stubs") {
            Value::List(all) if !all.is_empty() => {
                all.iter().map(does).collect::<Result<_, _>>().map(Does::Sequence)
            }
            _ => Err("a sequence has at least one part".to_owned()),
        },
        _ => Err("this is no stub".to_owned()),
    }
}

fn respond(stub: &Value) -> Result<Does, String> {
    let status = match member(stub, "status") {
        Value::Status(status @ 200..) => status,
        other => return Err(format!("an upstream does not answer with {other}")),
    };
    let mut response = Response::new(status);
    if let Value::Map(headers) = member(stub, "headers") {
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_absent()) {
            let text = value.as_str().unwrap_or_default();
            response.headers.append(name, text).map_err(|error| format!("`{name}`: {error}"))?;
        }
    }
    let content = match (member(stub, "body"), member(stub, "json")) {
        (Value::String(text), Value::Absent) => Bytes::copy_from_slice(text.as_bytes()),
        (Value::Absent, Value::Absent) => Bytes::new(),
        (Value::Absent, json) => {
            let mut text = String::new();
            lang::document::write(&json, &mut text);
            if !response.headers.contains("content-type") {
                // A name and a value of ours.
                let _ = response.headers.append("content-type", "application/json");
            }
            Bytes::from(text)
        }
        _ => return Err("an answer has one content, not `body` and `json`".to_owned()),
    };
    Ok(Does::Respond(response, content))
}
