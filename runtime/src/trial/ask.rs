//! A test's request on its way: from the line of the test to what a connection would have handed over, and back to what
//! a client would have got.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use lang::Value;
use lang::quoted::Escaped;
use tokio::time::Instant;

use super::Trial;
use crate::auth::Identity;
use crate::blocks::ListenerConfig;
use crate::body::{Body, BodyError, Side, Source};
use crate::exchange::MOST_READ;
use crate::gateway::Snapshot;
use crate::http1::{Framing, parse_request};
use crate::listen::{Connection, Over};
use crate::message::{Fault, Headers, Method, Scheme};
use crate::serve::{End, Handler, Incoming, Outgoing, Refusal, Sent};
use crate::session::{Core, Ticket};

/// No content of more bytes is made up.
const MOST_BLANKS: usize = 64 << 20;

/// What a client got.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) content: Bytes,
    /// Why the content ended early.
    pub(super) cut: Option<&'static str>,
    pub(super) time: std::time::Duration,
}

/// What is asked for, taken apart.
struct Url<'u> {
    scheme: Scheme,
    authority: &'u str,
    port: u16,
    target: String,
}

/// Sends a request, and waits for the whole answer. The arguments are those of `send`, in order.
pub(super) async fn send(
    trial: &Trial,
    core: &Rc<Core>,
    arguments: &[Value],
) -> Result<Answered, String> {
    let [method, url, headers, body, json, from, on, who, certificate] = arguments else {
        return Err("it says too little".to_owned());
    };
    let url = Url::parse(url.as_str().unwrap_or_default())?;
    let listener = listener(trial, &url, on)?;
    let mut lines = String::new();
    let content = content((body, json), headers, &mut lines)?;
    let head = head(method.as_str().unwrap_or("GET"), &url, headers, lines)?;
    let client = match from {
        Value::Ip(client) => *client,
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let begun = Instant::now();
    let parsed = parse_request(&head, url.scheme, &listener.limits);
    let sni = url.authority.rsplit_once(':').map_or(url.authority, |(host, _)| host);
    let sni = (url.scheme == Scheme::Https).then(|| sni.to_ascii_lowercase());
    let series = trial.telemetry.metrics.listener(&listener.name);
    let mut connection = Connection {
        forwarded: listener.forwarded.clone().into(),
        identities: Identity::all(who),
        ..Connection::imagined(&listener.name, client, sni.as_deref(), series)
    };
    let name = &listener.name;
    match certificate.as_str() {
        Some(_) if connection.tls.is_none() => {
            return Err("a client shows a certificate over `https` only".to_owned());
        }
        Some(_) if !listener.takes_certificates() => {
            return Err(format!(
                "no client shows `{name}` a certificate: none of its `tls` lines has a `client_ca`"
            ));
        }
        Some(subject) => {
            connection.is_over(&Over { client: Some(subject.to_owned()), ..Over::default() });
        }
        None if connection.tls.is_some() && listener.demands_certificates() => {
            return Err(format!(
                "`{name}` demands a certificate, without which the handshake fails: say whose, as in `certificate=\"CN=client\"`"
            ));
        }
        None => {}
    }
    if let Some(reason) = listener.keeps_out(url.scheme) {
        return Err(reason);
    }
    let session = <crate::engine::Engine as Snapshot>::session(core, connection);
    let is_head = method.as_str() == Some("HEAD");
    let finished = |ticket, sent| session.finished(ticket, sent);
    let outgoing = match parsed {
        Err(refusal) => session.refuse(refusal),
        Ok(head) => {
            let is_too_large = content.len() as u64 > listener.limits.body_bytes;
            let body = match head.framing {
                // How long it is is seen when it comes.
                Framing::Chunked => Body::source(Chunk { content, is_too_large }, None),
                _ if is_too_large => {
                    let method = Some(head.request.method);
                    let refusal = Refusal { method, ..Refusal::of(Fault::BodyTooLarge) };
                    return Ok(receive(session.refuse(refusal), begun, is_head, finished).await);
                }
                _ => Body::full(content),
            };
            let incoming = Incoming { request: head.request, body, upgrade: head.upgrade };
            session.handle(incoming).await
        }
    };
    Ok(receive(outgoing, begun, is_head, finished).await)
}

/// Content in one chunk (`Transfer-Encoding: chunked`), whose size the gateway reads first.
struct Chunk {
    content: Bytes,
    is_too_large: bool,
}

impl Source for Chunk {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let content = std::mem::take(&mut self.content);
        if content.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match self.is_too_large {
            true => Err(BodyError::too_large(Side::Client)),
            false => Ok(content),
        }))
    }
}

/// Reads the answer to its end, as a client does.
async fn receive(
    outgoing: Outgoing<Option<Ticket>>,
    begun: Instant,
    is_head: bool,
    finished: impl FnOnce(Option<Ticket>, Sent),
) -> Answered {
    let Outgoing { response, mut body, ticket, .. } = outgoing;
    let mut content = Vec::new();
    let mut end = End::Complete;
    if !is_head && response.may_have_content(&Method::Get) {
        while let Some(next) = body.next().await {
            match next {
                Ok(_) if content.len() > MOST_READ => end = End::Dropped,
                Ok(bytes) => {
                    content.extend_from_slice(&bytes);
                    continue;
                }
                Err(error) => end = End::Body(error),
            }
            break;
        }
    }
    let cut = match end {
        End::Body(error) => Some(error.name()),
        End::Dropped => Some("too-large"),
        _ => None,
    };
    finished(ticket, Sent { bytes: content.len() as u64, received: 0, end });
    let (status, headers) = (response.status, response.headers);
    Answered { status, headers, content: content.into(), cut, time: begun.elapsed() }
}

fn listener<'t>(trial: &'t Trial, url: &Url<'_>, on: &Value) -> Result<&'t ListenerConfig, String> {
    let all = &trial.engine.listeners;
    match on {
        Value::Item(name) => all.iter().find(|one| one.name == *name),
        _ => trial.engine.listener_for(url.scheme, url.port),
    }
    .ok_or_else(|| match all.len() {
        0 => "the policy has no listener".to_owned(),
        _ => {
            let names: Vec<&str> = all.iter().map(|one| &*one.name).collect();
            format!("several listeners could take it: name one of {} by `on`", names.join(", "))
        }
    })
}

/// The content, and the lines of the head that it needs: it declares its length, unless it ends by itself. Where the head
/// declares a length and nothing is said of the content, it is that many blanks.
fn content(
    (body, json): (&Value, &Value),
    headers: &Value,
    lines: &mut String,
) -> Result<Bytes, String> {
    let ends_itself = said(headers, "transfer-encoding").is_some();
    let declared = declared(headers).filter(|_| !ends_itself);
    let text = match (body, json) {
        (Value::String(text), _) => text.to_string(),
        (_, Value::Absent) => {
            let length = declared.unwrap_or_default();
            return match usize::try_from(length) {
                Ok(length) if length <= MOST_BLANKS => Ok(vec![b' '; length].into()),
                _ => Err(format!("a content of {length} bytes is not made up")),
            };
        }
        (_, json) => {
            lines.push_str("content-type: application/json\r\n");
            let mut text = String::new();
            lang::document::write(json, &mut text);
            text
        }
    };
    match declared {
        // What a header says that is no length, or is one beside another end, is the gateway's to refuse.
        None if ends_itself || said(headers, "content-length").is_some() => {}
        None => lines.push_str(&format!("content-length: {}\r\n", text.len())),
        Some(length) if length == text.len() as u64 => {}
        Some(length) => {
            let n = text.len();
            return Err(format!("`content-length` says {length}, and the content has {n} bytes"));
        }
    }
    Ok(Bytes::from(text))
}

/// The length that the head declares, if it is one.
fn declared(headers: &Value) -> Option<u64> {
    said(headers, "content-length")?.parse().ok()
}

/// What the header field of this name says.
fn said<'h>(headers: &'h Value, name: &str) -> Option<&'h str> {
    let Value::Map(headers) = headers else { return None };
    let is = |(given, _): &(&Arc<str>, &Value)| given.eq_ignore_ascii_case(name);
    let value = headers.iter().find(is)?.1.as_str()?;
    Some(value.trim_matches([' ', '\t']))
}

/// The head as HTTP/1.1 writes it.
fn head(method: &str, url: &Url<'_>, headers: &Value, lines: String) -> Result<Vec<u8>, String> {
    let mut head = format!("{method} {} HTTP/1.1\r\n", url.target);
    let mut host = url.authority;
    let mut fields = String::new();
    let mut lines = lines;
    if let Value::Map(headers) = headers {
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_absent()) {
            let value = value.as_str().unwrap_or_default();
            if [&**name, value].iter().any(|text| text.contains(['\r', '\n'])) {
                return Err(format!("`{}` has a line break in it", Escaped(name)));
            }
            if name.eq_ignore_ascii_case("host") {
                host = value;
                continue;
            }
            if name.eq_ignore_ascii_case("content-type") {
                lines = lines.replace("content-type: application/json\r\n", "");
            }
            fields.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("host: {host}\r\n{fields}{lines}\r\n"));
    Ok(head.into_bytes())
}

impl<'u> Url<'u> {
    fn parse(text: &'u str) -> Result<Url<'u>, String> {
        let wrong =
            || format!("`{}` is not a URL: write it as `https://shop.example/path`", Escaped(text));
        let (scheme, rest) = match text.split_once("://").ok_or_else(wrong)? {
            ("http", rest) => (Scheme::Http, rest),
            ("https", rest) => (Scheme::Https, rest),
            _ => return Err(wrong()),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.is_empty() || text.contains(['\r', '\n']) {
            return Err(wrong());
        }
        // A fragment never leaves the client (RFC 3986, section 3.5).
        let target = target.split('#').next().unwrap_or_default();
        let slash = if target.starts_with('/') { "" } else { "/" };
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port = port.unwrap_or(scheme.default_port());
        Ok(Url { scheme, authority, port, target: format!("{slash}{target}") })
    }
}
