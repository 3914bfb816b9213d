//! Messages over a pair of streams, within bounds. What cannot be understood is reported as such and skipped; framing that
//! is lost ends the stream, because nothing behind it can be trusted.
//!
//! lsp-server brings the types; its own reader stops at the first malformed payload and believes any length.

use std::io::{self, BufRead, Read, Write};

use lsp_server::{ErrorCode, Message};
use serde_json::{Value, json};

/// Bytes of one message.
const LARGEST_MESSAGE: u64 = 64 << 20;
/// Bytes of one header line.
const LONGEST_HEADER: u64 = 4 << 10;
/// Header lines of one message.
const MOST_HEADERS: usize = 16;

/// What was read.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message.
    Message(Message),
    /// Something else: the id to answer, if it had one, the code and the reason.
    Malformed(Value, ErrorCode, String),
}

/// Reads one message; `None` at the end of the stream, and where the framing is lost.
pub(crate) fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(length) = length(input)? else { return Ok(None) };
    if length > LARGEST_MESSAGE {
        let skipped = io::copy(&mut input.by_ref().take(length), &mut io::sink())?;
        if skipped < length {
            return Ok(None);
        }
        let reason = format!("a message is larger than {LARGEST_MESSAGE} bytes");
        return Ok(Some(Incoming::Malformed(Value::Null, ErrorCode::InvalidRequest, reason)));
    }
    let mut body = Vec::new();
    if input.by_ref().take(length).read_to_end(&mut body)? < length as usize {
        return Ok(None);
    }
    Ok(Some(parse(&body)))
}

fn parse(body: &[u8]) -> Incoming {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => {
            let reason = format!("a message is not JSON: {error}");
            return Incoming::Malformed(Value::Null, ErrorCode::ParseError, reason);
        }
    };
    let id = value.get("id").cloned();
    let malformed = |reason: &str| {
        let id = id.clone().unwrap_or_default();
        Incoming::Malformed(id, ErrorCode::InvalidRequest, reason.to_owned())
    };
    if value
        .get("params")
        .is_some_and(|params| !params.is_object() && !params.is_array() && !params.is_null())
    {
        return malformed("`params` is neither an object nor an array");
    }
    let has_method = value.get("method").is_some();
    match serde_json::from_value(value) {
        // An id which is no string and no 32-bit number would otherwise make a notification of a request, never answered.
        Ok(Message::Notification(_)) if id.is_some() && has_method => {
            malformed("the id of a request is a string or a 32-bit integer")
        }
        Ok(message) => Incoming::Message(message),
        Err(_) => malformed("a message is not a request, a notification or a response"),
    }
}

/// The length of the message to come, from its headers.
fn length(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut length = None;
    for _ in 0..MOST_HEADERS {
        let mut line = Vec::new();
        input.by_ref().take(LONGEST_HEADER).read_until(b'\n', &mut line)?;
        let Some(line) = line.strip_suffix(b"\n") else { return Ok(None) };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            match length {
                Some(_) => return Ok(length),
                // A stray blank line between two messages harms nobody.
                None => continue,
            }
        }
        let Some((name, value)) =
            std::str::from_utf8(line).ok().and_then(|line| line.split_once(':'))
        else {
            return Ok(None);
        };
        if name.trim().eq_ignore_ascii_case("Content-Length") {
            match value.trim().parse() {
                Ok(number) if length.is_none() => length = Some(number),
                _ => return Ok(None),
            }
        }
    }
    Ok(None)
}

/// Writes one message.
pub(crate) fn write(output: &mut impl Write, message: &Message) -> io::Result<()> {
    message.write(output)
}

/// Answers what was malformed; the id is null where it is not known, which [`Message`] has no form for.
pub(crate) fn write_error(
    output: &mut impl Write,
    id: &Value,
    code: ErrorCode,
    reason: &str,
) -> io::Result<()> {
    let id = if id.is_string() || id.is_number() { id.clone() } else { Value::Null };
    let error = json!({ "code": code as i32, "message": reason });
    let body = json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(mut text: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Some(incoming)) = read(&mut text) {
            all.push(match incoming {
                Incoming::Message(Message::Request(request)) => {
                    format!("request {}", request.method)
                }
                Incoming::Message(Message::Notification(note)) => {
                    format!("notification {}", note.method)
                }
                Incoming::Message(Message::Response(_)) => "response".to_owned(),
                Incoming::Malformed(id, code, _) => format!("malformed {id} {}", code as i32),
            });
        }
        all
    }

    fn framed(bodies: &[&str]) -> Vec<u8> {
        bodies
            .iter()
            .map(|body| format!("Content-Length: {}\r\n\r\n{body}", body.len()))
            .collect::<String>()
            .into()
    }

    #[test]
    fn what_is_malformed_is_skipped() {
        let bytes = framed(&[
            r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#,
            "{",
            "[]",
            r#"{"id":5000000000,"method":"b"}"#,
            r#"{"id":7,"method":"b","params":3}"#,
            r#"{"method":"c","params":null}"#,
            r#"{"id":1,"result":null}"#,
            "\u{e9}",
        ]);
        let expected = [
            "request a",
            "malformed null -32700",
            "malformed null -32600",
            "malformed 5000000000 -32600",
            "malformed 7 -32600",
            "notification c",
            "response",
            "malformed null -32700",
        ];
        assert_eq!(read_all(&bytes), expected);
    }

    #[test]
    fn lost_framing_ends_the_stream() {
        for bytes in [
            &b"hello\r\n\r\n"[..],
            b"Content-Length: x\r\n\r\n",
            b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
            b"Content-Length: 99\r\n\r\n{}",
            b"Content-Length: 99999999999999\r\n\r\n{}",
            b"A: 1\r\n",
        ] {
            assert!(read_all(bytes).is_empty());
        }
        assert!(read_all(&vec![b'a'; 1 << 20]).is_empty());
        assert!(read_all("A: 1\r\n".repeat(1000).as_bytes()).is_empty());
    }
}
