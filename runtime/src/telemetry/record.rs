//! What is kept of one exchange once it is over, and its form as a line of JSON. Of the header section it holds the host
//! and the fields that the listener's `log` names, and of the query its length alone: both may carry secrets. `gwc replay`
//! reads what is written here.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::trace::RequestId;
use crate::message::Headers;

/// One finished exchange.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    /// When the request's first byte came.
    pub time: SystemTime,
    /// The listener.
    pub listener: &'r str,
    /// `client.ip`.
    pub client: IpAddr,
    /// As in a start line: `HTTP/1.1`.
    pub protocol: &'r str,
    /// `http` or `https`; empty where the request was not understood that far.
    pub scheme: &'r str,
    /// The method; empty where the request was not understood that far.
    pub method: &'r str,
    /// The normalised host, or empty.
    pub host: &'r str,
    /// The normalised path without its query, or empty.
    pub path: &'r str,
    /// The length of the query in bytes; absent where there was none.
    pub query: Option<usize>,
    /// The header fields that are written, by their names in lower case, and the section that they stand in. Those of a
    /// request that was refused before it had one are not known.
    pub logged: Option<(&'r [Arc<str>], &'r Headers)>,
    /// The status sent to the client; 0 if it left before there was one.
    pub status: u16,
    /// Bytes of the request's body that were read.
    pub received: u64,
    /// Bytes of the response's body that were written.
    pub sent: u64,
    /// The route that answered.
    pub route: Option<&'r str>,
    /// The upstream that was asked last.
    pub upstream: Option<&'r str>,
    /// The endpoint that was asked last.
    pub address: Option<SocketAddr>,
    /// How many tries that took; written where it is more than one.
    pub tries: u32,
    /// From the request's first byte to the response's last.
    pub duration: Duration,
    /// From the request's first byte to the head of the upstream's answer.
    pub first_byte: Option<Duration>,
    /// How often a statement on the way back had a value that the answer cannot have; written where that was so.
    pub left_out: u32,
    /// What went wrong.
    pub failure: Option<Fault<'r>>,
    /// `req.id`; absent where the request was refused before it had one.
    pub id: Option<RequestId>,
}

/// What went wrong, and whose fault it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault<'r> {
    /// A stable word: `connect-refused`.
    pub what: &'r str,
    /// `client`, `upstream` or `gateway`.
    pub whose: &'r str,
}

/// Bytes of one string in a line; what is longer is cut. The head's cap bounds a request, not a line.
const MOST_TEXT: usize = 2048;

/// Bytes of the values of one header field; what is longer is cut.
const MOST_FIELD: usize = 1024;

impl Record<'_> {
    /// Appends the line, with its newline.
    pub fn write_json(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(b"{\"time\":\"");
        write_time(line, self.time);
        line.push(b'"');
        text(line, "listener", self.listener);
        text(line, "client", &self.client.to_canonical().to_string());
        text(line, "protocol", self.protocol);
        if !self.scheme.is_empty() {
            text(line, "scheme", self.scheme);
        }
        text(line, "method", self.method);
        text(line, "host", self.host);
        text(line, "path", self.path);
        if let Some(query) = self.query {
            number(line, "query_bytes", query as u64);
        }
        if let Some((names, section)) = self.logged
            && !names.is_empty()
        {
            fields(line, names, section);
        }
        number(line, "status", u64::from(self.status));
        number(line, "received", self.received);
        number(line, "sent", self.sent);
        optional(line, "route", self.route);
        optional(line, "upstream", self.upstream);
        if let Some(address) = self.address {
            text(line, "address", &address.to_string());
        }
        if self.tries > 1 {
            number(line, "tries", u64::from(self.tries));
        }
        milliseconds(line, "duration_ms", self.duration);
        if let Some(first_byte) = self.first_byte {
            milliseconds(line, "first_byte_ms", first_byte);
        }
        if self.left_out > 0 {
            number(line, "left_out", u64::from(self.left_out));
        }
        if let Some(failure) = self.failure {
            text(line, "failure", failure.what);
            text(line, "fault", failure.whose);
        }
        if let Some(id) = self.id {
            text(line, "id", &id.to_string());
        }
        line.extend_from_slice(b"}\n");
    }
}

fn key(line: &mut Vec<u8>, name: &str) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
}

fn text(line: &mut Vec<u8>, name: &str, value: &str) {
    key(line, name);
    write_string(line, value, &mut { MOST_TEXT });
}

/// The fields of these names: a text, a list where one stands several times, `null` where there is none.
fn fields(line: &mut Vec<u8>, names: &[Arc<str>], section: &Headers) {
    key(line, "headers");
    for (at, name) in names.iter().enumerate() {
        line.push(if at == 0 { b'{' } else { b',' });
        write_string(line, name, &mut { MOST_TEXT });
        line.push(b':');
        let mut room = MOST_FIELD;
        let mut values = section.all(name).map(String::from_utf8_lossy);
        match (values.next(), values.next()) {
            (None, _) => line.extend_from_slice(b"null"),
            (Some(only), None) => write_string(line, &only, &mut room),
            (Some(first), Some(second)) => {
                for (at, value) in [first, second].into_iter().chain(values).enumerate() {
                    line.push(if at == 0 { b'[' } else { b',' });
                    write_string(line, &value, &mut room);
                }
                line.push(b']');
            }
        }
    }
    line.push(b'}');
}

fn optional(line: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        text(line, name, value);
    }
}

fn number(line: &mut Vec<u8>, name: &str, value: u64) {
    key(line, name);
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Milliseconds with three digits behind the point.
fn milliseconds(line: &mut Vec<u8>, name: &str, length: Duration) {
    key(line, name);
    let micros = length.as_micros();
    line.extend_from_slice(itoa::Buffer::new().format(micros / 1000).as_bytes());
    line.push(b'.');
    digits(line, (micros % 1000) as u32, 3);
}

/// A JSON string. Control characters are escaped, the C1 ones and the Unicode line ends too: a terminal or a
/// line-based reader must not be steered by a request. It takes of `room`, and is cut where that ends.
fn write_string(line: &mut Vec<u8>, value: &str, room: &mut usize) {
    line.push(b'"');
    for character in value.chars() {
        let Some(left) = room.checked_sub(character.len_utf8()) else {
            line.extend_from_slice("…".as_bytes());
            break;
        };
        *room = left;
        match character {
            '"' | '\\' => line.extend_from_slice(&[b'\\', character as u8]),
            ' '..='~' => line.push(character as u8),
            '\0'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                line.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
            }
            _ => line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    line.push(b'"');
}

/// RFC 3339 in UTC with milliseconds.
fn write_time(line: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, (since.as_secs() % 86_400) as u32);
    let (year, month, day) = civil(days);
    digits(line, year, 4);
    for (mark, value) in [(b'-', month), (b'-', day), (b'T', second / 3600)] {
        line.push(mark);
        digits(line, value, 2);
    }
    for value in [second / 60 % 60, second % 60] {
        line.push(b':');
        digits(line, value, 2);
    }
    line.push(b'.');
    digits(line, since.subsec_millis(), 3);
    line.push(b'Z');
}

/// Year, month and day of a day counted from the epoch: the calendar repeats every 400 years, and a year that begins
/// in March has its leap day last.
fn civil(days: u64) -> (u32, u32, u32) {
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    ((era * 400 + year + late) as u32, month as u32, of_month as u32)
}

fn digits(line: &mut Vec<u8>, value: u32, width: usize) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(value);
    line.extend(std::iter::repeat_n(b'0', width.saturating_sub(text.len())));
    line.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An exchange in which everything is known.
    pub(in crate::telemetry) fn record() -> Record<'static> {
        Record {
            time: SystemTime::UNIX_EPOCH,
            listener: "web",
            client: "::ffff:192.0.2.1".parse().unwrap(),
            protocol: "HTTP/1.1",
            scheme: "https",
            method: "GET",
            host: "shop.example",
            path: "/a",
            query: Some(3),
            logged: None,
            status: 502,
            received: 1,
            sent: 2,
            route: Some("shop.user"),
            upstream: Some("users"),
            address: Some(SocketAddr::from(([127, 0, 0, 1], 8080))),
            tries: 3,
            duration: Duration::from_micros(12_034),
            first_byte: None,
            left_out: 0,
            failure: Some(Fault { what: "refused", whose: "upstream" }),
            id: Some(RequestId::random()),
        }
    }

    fn string(value: &str) -> String {
        let mut line = Vec::new();
        write_string(&mut line, value, &mut { MOST_TEXT });
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_request_cannot_break_its_line() {
        assert_eq!(
            string("a\"b\\c\n\u{1b}[2J\u{9b}\u{2028}é"),
            "\"a\\\"b\\\\c\\u000a\\u001b[2J\\u009b\\u2028é\""
        );
        assert!(string(&"x".repeat(10_000)).len() < 3000);
    }

    #[test]
    fn times_are_written_as_rfc_3339() {
        let written = |seconds, millis| {
            let mut line = Vec::new();
            let time = SystemTime::UNIX_EPOCH
                + Duration::from_secs(seconds)
                + Duration::from_millis(millis);
            write_time(&mut line, time);
            String::from_utf8(line).unwrap()
        };
        assert_eq!(written(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(951_782_400, 7), "2000-02-29T00:00:00.007Z");
        assert_eq!(written(1_795_529_921, 120), "2026-11-24T14:18:41.120Z");
        assert_eq!(written(4_107_542_399, 999), "2100-02-28T23:59:59.999Z");
    }

    #[test]
    fn a_line_is_one_json_object() {
        let mut line = Vec::new();
        record().write_json(&mut line);
        assert_eq!(line.pop(), Some(b'\n'));
        let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(json["client"], "192.0.2.1");
        assert_eq!((&json["scheme"], &json["query_bytes"]), (&"https".into(), &3.into()));
        assert_eq!(json["duration_ms"], 12.034);
        assert_eq!(json["tries"], 3);
        assert_eq!(json["fault"], "upstream");
        assert!(json.get("headers").is_none());
    }

    #[test]
    fn named_fields_are_written_and_no_others() {
        let mut section = Headers::new();
        section.append("X-Tag", "a").unwrap();
        section.append("Authorization", "Bearer secret").unwrap();
        section.append("x-tag", "b").unwrap();
        section.append("user-agent", b"caf\xe9").unwrap();
        section.append("x-long", "y".repeat(5000)).unwrap();
        let names: [Arc<str>; 4] = ["x-tag", "user-agent", "x-none", "x-long"].map(Arc::from);
        let mut line = Vec::new();
        Record { logged: Some((&names, &section)), ..record() }.write_json(&mut line);
        assert!(line.len() < 3000);
        let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let headers = &json["headers"];
        assert_eq!(headers["x-tag"], serde_json::json!(["a", "b"]));
        assert_eq!(headers["user-agent"], "caf\u{fffd}");
        assert_eq!(headers["x-none"], serde_json::Value::Null);
        assert!(headers["x-long"].as_str().unwrap().ends_with("y…"));
        assert_eq!(headers.as_object().unwrap().len(), 4);
    }
}
