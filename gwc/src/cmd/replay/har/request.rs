//! The request of an archive's entry as HTTP/1.1 would write it, and what of it an archive never holds.

use runtime::message::Scheme;
use runtime::replay::Said;
use serde_json::Value;

use super::Picked;
use crate::cmd::replay::entry::{Entry, Shown, Skip, Was};

/// Fields that browsers leave out of what they export, although they were sent. Where one is missing, nothing is known of
/// it.
const WITHHELD: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Makes a request of what was kept of an entry, and hands it over.
pub(super) fn read(picked: &Picked, hand: &mut dyn FnMut(Result<Entry<'_>, Skip>)) {
    let wrong = |what: &str| Err(Skip::Unreadable(what.to_owned()));
    let Some(request) = picked.request.as_ref().and_then(Value::as_object) else {
        return hand(wrong("the entry has no `request`"));
    };
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let (Some(method), Some(url)) = (text("method"), text("url")) else {
        return hand(wrong("the request has no `method` or no `url`"));
    };
    let Some((scheme, rest)) = url.split_once(':') else {
        return hand(wrong("the request's `url` is not absolute"));
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => Scheme::Http,
        "https" | "wss" => Scheme::Https,
        _ => return hand(Err(Skip::Foreign)),
    };
    let Some(rest) = rest.strip_prefix("//") else {
        return hand(wrong("the request's `url` has no host"));
    };
    // A fragment and a password never leave the client in a target (RFC 3986, section 3.5; RFC 9110, section 4.2.4).
    let rest = rest.split('#').next().unwrap_or("");
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let authority = authority.rsplit('@').next().unwrap_or("");
    let fields = pairs(request.get("headers"));
    let named = |name: &str| {
        let found = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    };
    let authority = named(":authority").or(named("host")).unwrap_or(authority);
    let slash = if target.starts_with('/') { "" } else { "/" };
    let target = format!("{slash}{target}");
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());

    let cookies = cookies(&fields, request.get("cookies"));
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {authority}\r\n");
    for (name, value) in &fields {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if !name.starts_with(':') && !is("host") && !is("cookie") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if let Some(cookies) = &cookies {
        head.push_str(&format!("cookie: {cookies}\r\n"));
    }
    head.push_str("\r\n");
    // Each line was to end where it ends; what has a line break in it would be read as something else.
    let n_lines = head.bytes().filter(|byte| *byte == b'\n').count();
    let n_fields = fields
        .iter()
        .filter(|(name, _)| !name.starts_with(':') && !is_any(name, &["host", "cookie"]))
        .count();
    if n_lines != 3 + n_fields + usize::from(cookies.is_some())
        || head.bytes().filter(|byte| *byte == b'\r').count() != n_lines
    {
        return hand(wrong("the request has a line break where none can stand"));
    }
    let lacks: Vec<&'static str> = WITHHELD
        .into_iter()
        .filter(|name| match *name {
            "cookie" => cookies.is_none(),
            name => named(name).is_none(),
        })
        .collect();
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    let said = match fields.is_empty() {
        // Every request has fields: these were not written down.
        true => Said::Line { method, host, target: &target, query: true, fields: &[] },
        false => {
            Said::Head { head: head.as_bytes(), lacks: &lacks, content: content(request, &fields) }
        }
    };
    let was = match picked.status.and_then(|status| u16::try_from(status).ok()) {
        Some(status @ 100..=599) => Was::Seen(status),
        _ => Was::Unknown,
    };
    hand(Ok(Entry {
        listener: None,
        scheme: Some(scheme),
        port: Some(port.unwrap_or(scheme.default_port())),
        sender: None,
        said,
        shown: Shown { method, host: authority, target: &target },
        was,
    }));
}

fn is_any(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// The names and values of a list; what has another shape is none.
fn pairs(list: Option<&Value>) -> Vec<(&str, &str)> {
    let list = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let pairs = list.iter().filter_map(|pair| {
        let text = |name: &str| pair.get(name).and_then(Value::as_str);
        Some((text("name")?, text("value")?))
    });
    pairs.collect()
}

/// What `Cookie` said: HTTP/2 may have sent it in pieces, and some archives hold it in their own list alone.
fn cookies(fields: &[(&str, &str)], list: Option<&Value>) -> Option<String> {
    let sent = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let sent: Vec<&str> = sent.map(|(_, value)| *value).collect();
    if !sent.is_empty() {
        return Some(sent.join("; "));
    }
    let listed: Vec<String> =
        pairs(list).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!listed.is_empty()).then(|| listed.join("; "))
}

/// The content, if all of it is there: as much as the head declares, where it does.
fn content(request: &serde_json::Map<String, Value>, fields: &[(&str, &str)]) -> Option<Vec<u8>> {
    let size = request.get("bodySize").and_then(Value::as_i64).unwrap_or(-1);
    let declared = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let declared = declared.and_then(|(_, length)| length.trim().parse::<u64>().ok());
    let content = match request.get("postData").filter(|data| !data.is_null()) {
        None => (size <= 0).then(Vec::new),
        Some(data) if data.get("encoding").is_some() => None,
        Some(data) => {
            let text = data.get("text").and_then(Value::as_str)?;
            let is_whole = size < 0 || u64::try_from(size).ok() == Some(text.len() as u64);
            is_whole.then(|| text.as_bytes().to_vec())
        }
    };
    content.filter(|content| declared.is_none_or(|length| length == content.len() as u64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(request: Value) -> String {
        let picked = Picked { request: Some(request), status: None };
        let mut told = String::new();
        read(&picked, &mut |entry| {
            told = match entry {
                Ok(entry) => match entry.said {
                    Said::Head { head, lacks, content } => {
                        let head = String::from_utf8_lossy(head).replace("\r\n", "|");
                        format!("{head} {lacks:?} {content:?}")
                    }
                    line => format!("{line:?}"),
                },
                Err(skip) => format!("{skip:?}"),
            };
        });
        told
    }

    #[test]
    fn an_http_2_entry_is_a_request_like_any_other() {
        let told = said(json!({
            "method": "POST", "url": "https://u:p@shop.example:8443?q=1#f", "httpVersion": "h2",
            "headers": [
                { "name": ":authority", "value": "shop.example:8443" },
                { "name": ":path", "value": "/?q=1" },
                { "name": "cookie", "value": "a=1" },
                { "name": "cookie", "value": "b=2" },
                { "name": "X-A", "value": "é" },
            ],
            "bodySize": 2, "postData": { "mimeType": "application/json", "text": "{}" },
        }));
        assert_eq!(
            told,
            "POST /?q=1 HTTP/1.1|host: shop.example:8443|X-A: é|cookie: a=1; b=2|| \
             [\"authorization\", \"proxy-authorization\"] Some([123, 125])"
        );
    }

    #[test]
    fn what_was_not_written_down_is_not_taken_for_absent() {
        let told = said(json!({
            "method": "POST", "url": "wss://x.example/",
            "headers": [{ "name": "Host", "value": "x.example" }],
            "cookies": [{ "name": "a", "value": "1" }], "bodySize": 5,
        }));
        assert!(told.contains("cookie: a=1|| [\"authorization\", \"proxy-authorization\"] None"));
        let told = said(json!({ "method": "GET", "url": "http://x.example/a", "headers": [] }));
        assert!(told.starts_with("Line"), "{told}");
    }

    #[test]
    fn no_value_becomes_a_field_of_its_own() {
        for value in ["1\r\nx-b: 2", "1\nx-b: 2", "1\r"] {
            let told = said(json!({
                "method": "GET", "url": "http://x.example/",
                "headers": [{ "name": "x-a", "value": value }],
            }));
            assert!(told.contains("line break"), "{told}");
        }
        for url in ["data:,x", "chrome-extension://x/y", "about:blank"] {
            assert_eq!(said(json!({ "method": "GET", "url": url })), "Foreign");
        }
        for url in ["/a", "https:x"] {
            assert!(said(json!({ "method": "GET", "url": url })).starts_with("Unreadable"));
        }
    }
}
