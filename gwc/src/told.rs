//! What an example says behind its URL, as `gwc check` shows it: `… from 10.0.0.1 with x-debug: 1 and conn.sni absent on web`.
//! So an example can be given to `gwc why` as it stands.

use std::net::IpAddr;

use compiler::said;
use lang::quoted::{self, Quoted, is_plain};
use lang::{Span, Value};
use miette::miette;
use runtime::rehearsal::Over;
use serde::de::IgnoredAny;

/// A request and what is told of it.
#[derive(Clone, Default, Debug)]
pub(crate) struct Told {
    /// The method and the URL.
    pub(crate) request: String,
    /// Header fields, as `name: value`.
    pub(crate) headers: Vec<String>,
    /// Whether it comes in HTTP/1.0, which may name no host.
    pub(crate) is_old: bool,
    pub(crate) from: Option<IpAddr>,
    /// The listener.
    pub(crate) on: Option<String>,
    /// Who sends it, as `--as` says it: one for each auth.
    pub(crate) who: Vec<String>,
    /// What it comes over.
    pub(crate) over: Over,
    pub(crate) content: Content,
    /// What is told of an answer, as it is written: no route hangs on that.
    pub(crate) answer: Vec<String>,
}

/// What is told of the content.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Content {
    /// What it begins with, as it is sent.
    pub(crate) document: String,
    /// How long the content is at least, in bytes: what the document does not fill is blank.
    pub(crate) length: u64,
}

/// What may stand around the value of a header field without being part of it (RFC 9110, section 5.6.3).
pub(crate) const BLANKS: [char; 2] = [' ', '\t'];

/// More content than this is not made up.
pub(crate) const MOST_CONTENT: u64 = 64 << 20;

impl Content {
    /// The content itself.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.document.clone().into_bytes();
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        bytes.resize(bytes.len().max(length), b' ');
        bytes
    }

    /// The same, with a length only where the document does not say it.
    pub(crate) fn settled(self) -> Content {
        let length = self.length;
        let is_longer = length > self.document.len() as u64;
        Content { length: if is_longer { length } else { 0 }, ..self }
    }

    /// Whether it is one document of JSON, so that it ends by itself.
    fn is_document(&self) -> bool {
        serde_json::from_str::<IgnoredAny>(&self.document)
            .is_ok_and(|_| self.document.trim() == self.document)
    }

    /// The content, if it is none that is better told.
    pub(crate) fn by_itself(&self) -> Option<&str> {
        let Content { document, length } = self;
        let is_seen = !document.is_empty() && *length == 0 && document.chars().all(is_plain);
        (is_seen && !self.is_document()).then_some(document)
    }

    /// As it is told: behind ` with ` or ` and `.
    pub(crate) fn words(&self) -> Vec<String> {
        let document = match &self.document {
            document if document.is_empty() => None,
            document if self.is_document() && document.chars().all(is_plain) => {
                Some(format!("content {document}"))
            }
            document => Some(format!("body = {}", Quoted(document))),
        };
        let is_longer = self.length > self.document.len() as u64;
        let length = is_longer.then(|| format!("req.body.size = {}", Value::Size(self.length)));
        document.into_iter().chain(length).collect()
    }
}

/// What is said of a connection, as it is told: behind ` with ` or ` and `.
pub(crate) fn of_connection(over: &Over) -> Vec<String> {
    let said = |field: &str, text: &String| format!("{field} = {}", Value::string(text.as_str()));
    let may_be_absent = |field: &str, text: &Option<String>| match text {
        Some(text) => said(field, text),
        None => format!("{field} absent"),
    };
    let words = [
        over.peer.map(|peer| format!("conn.peer = {peer}")),
        over.sni.as_ref().map(|name| may_be_absent("conn.sni", name)),
        over.alpn.as_ref().map(|name| may_be_absent("conn.alpn", name)),
        over.version.as_ref().map(|version| said("conn.tls.version", version)),
        over.client.as_ref().map(|subject| said("conn.tls.client", subject)),
    ];
    words.into_iter().flatten().collect()
}

/// Reads a request and what stands behind it.
pub(crate) fn read(text: &str) -> miette::Result<Told> {
    let text = text.trim_ascii();
    let mut words = text.splitn(3, ' ');
    let (Some(method), Some(url), Some(behind)) = (words.next(), words.next(), words.next()) else {
        return Ok(Told { request: text.to_owned(), ..Told::default() });
    };
    let mut told = Told { request: format!("{method} {url}"), ..Told::default() };
    let wrong = || {
        miette!(
            help = "behind the URL stands what `gwc check` says there, as in `from 10.0.0.1 with x-a: 1 and conn.sni absent on web`; \
                a blank in a URL is `%20`",
            "`{text}` has something behind its URL that is not understood"
        )
    };
    let mut left = format!(" {behind}");
    if let Some(behind) = left.strip_prefix(" in HTTP/1.0") {
        told.is_old = true;
        left = behind.to_owned();
    }
    if let Some(behind) = left.strip_prefix(" from ") {
        let (address, behind) = behind.split_once(' ').map_or((behind, ""), |(a, b)| (a, b));
        told.from = Some(address.parse().map_err(|_| wrong())?);
        left = if behind.is_empty() { String::new() } else { format!(" {behind}") };
    }
    let mut left = left.as_str();
    let mut joint = " with ";
    while let Some(behind) = left.strip_prefix(joint) {
        left = detail(behind, &mut told).ok_or_else(wrong)?;
        joint = " and ";
    }
    if let Some(name) = left.strip_prefix(" on ") {
        told.on = Some(name.to_owned());
        left = "";
    }
    if left.is_empty() { Ok(told) } else { Err(wrong()) }
}

/// Takes what is told first; what is left stands behind it.
fn detail<'t>(text: &'t str, told: &mut Told) -> Option<&'t str> {
    let word = text.find([':', ' ', '(']).unwrap_or(text.len());
    let (name, behind) = text.split_at(word);
    let is_content = name == "content" && told.content.document.is_empty();
    if let Some(behind) = behind.strip_prefix(' ').filter(|_| is_content) {
        // Where a document ends it says by itself.
        let mut documents = serde_json::Deserializer::from_str(behind).into_iter::<IgnoredAny>();
        documents.next()?.ok()?;
        let (document, behind) = behind.split_at_checked(documents.byte_offset())?;
        document.clone_into(&mut told.content.document);
        return Some(behind);
    }
    if let Some(behind) = behind.strip_prefix(" absent") {
        match name {
            "conn.sni" => told.over.sni = Some(None),
            "conn.alpn" => told.over.alpn = Some(None),
            _ => return None,
        }
        return Some(behind);
    }
    if let Some(behind) = behind.strip_prefix(" = ") {
        let (written, behind) = said::literal(behind)?;
        // A text is told between quotes here, whatever is in it.
        let text = quoted::read(written).filter(|(_, left)| left.is_empty());
        let value = text.map_or_else(|| written.to_owned(), |(text, _)| text);
        match name {
            "body" if told.content.document.is_empty() => told.content.document = value,
            _ if ["origin.", "up.", "resp."].iter().any(|root| name.starts_with(root)) => {
                told.answer.push(format!("{name} = {written}"));
            }
            "conn.peer" => told.over.peer = Some(value.parse().ok()?),
            "conn.sni" => told.over.sni = Some(Some(value)),
            "conn.alpn" => told.over.alpn = Some(Some(value)),
            "conn.tls.version" => told.over.version = Some(value),
            "conn.tls.client" => told.over.client = Some(value),
            "req.body.size" => match lang::literal::literal(&value, Span::default(), None) {
                Ok((Value::Size(bytes), _)) if bytes <= MOST_CONTENT => told.content.length = bytes,
                _ => return None,
            },
            _ => return None,
        }
        return Some(behind);
    }
    if behind.starts_with('(') {
        let end = closing(behind)?;
        told.who.push(format!("{name}{}", behind.get(..end)?));
        return behind.get(end..);
    }
    let behind = behind.strip_prefix(": ")?;
    let (value, behind) = said::read(behind)?;
    told.headers.push(format!("{name}: {value}"));
    Some(behind)
}

/// Where the bracket ends that the text begins with.
fn closing(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ')' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_example_is_read_as_it_is_shown() {
        let told = read(
            "GET https://a.example/x from 10.0.0.1 with x-a: 1 and cookie: \"c=a and b\" and if-match: \"v1\" and x-b: \"\" \
             and conn.sni absent and token(sub=\"a)\", n=1) and staff(group=\"x\") and req.body.size = 11B on web",
        )
        .unwrap();
        assert_eq!(told.request, "GET https://a.example/x");
        assert_eq!(told.headers, ["x-a: 1", "cookie: c=a and b", "if-match: \"v1\"", "x-b: "]);
        assert_eq!(told.over.sni, Some(None));
        assert_eq!(told.who, ["token(sub=\"a)\", n=1)", "staff(group=\"x\")"]);
        assert_eq!((told.content.length, told.on.as_deref()), (11, Some("web")));
        assert_eq!(told.from, Some("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_document_is_read_to_its_end() {
        let document = r#"{"a":" and x: 1","b":[1,2]}"#;
        for document in [document, "3", "\"on\""] {
            let text = format!(
                "POST http://a.example/ with content {document} and x-a: 1 and req.body.size = 64B on web"
            );
            let told = read(&text).unwrap();
            assert_eq!(told.content.document, document);
            assert_eq!((told.content.bytes().len(), told.on.as_deref()), (64, Some("web")));
            assert_eq!(
                told.content.words(),
                [format!("content {document}"), "req.body.size = 64B".to_owned()]
            );
        }
        assert!(read("POST http://a.example/ with content {\"a\"").is_err());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in ["GET http://a.example/ b", "GET http://a/ with x", "GET http://a/ from here"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(read("http://a.example/").unwrap().request, "http://a.example/");
    }

    /// Texts of which somebody could think that they are something else.
    fn hostile() -> impl Iterator<Item = String> {
        const PIECES: [&str; 25] = [
            "",
            "a",
            " ",
            "\t",
            "\"",
            "\\",
            "{",
            "}",
            "(",
            ")",
            "]",
            "=",
            ", ",
            ": ",
            " and x: 1",
            " on web",
            "\\u{61}",
            "'",
            "\0",
            "\n",
            "\u{7f}",
            "\u{85}",
            "\u{a0}",
            "\u{ad}",
            "\u{3000}",
        ];
        let pairs = PIECES.iter().flat_map(|one| PIECES.iter().map(move |two| (one, two)));
        pairs.flat_map(|(one, two)| PIECES.iter().map(move |three| format!("{one}{two}{three}")))
    }

    #[test]
    fn any_text_in_any_place_is_read_as_it_was_written() {
        for text in hostile() {
            let value = Value::string(text.as_str());
            let scope = Value::list([value.clone(), Value::string("x")]);
            let claims = BTreeMap::from([("scope".into(), scope), ("sub".into(), value.clone())]);
            let known = said::known("token", &claims);
            let over = Over {
                sni: Some(Some(text.clone())),
                alpn: Some(None),
                client: Some(text.clone()),
                ..Over::default()
            };
            let document = said::document(&value);
            let mut words = vec![known.clone(), format!("x-a: {}", said::said(&text))];
            words.push(format!("content {document}"));
            words.extend(of_connection(&over));
            words.push(format!("origin.header[\"x\"] = {value}"));
            words.push(known.clone());
            let line = format!("GET https://a.example/ with {} on web", words.join(" and "));
            let told = read(&line).unwrap_or_else(|_| panic!("{line}"));
            assert_eq!(told.headers, [format!("x-a: {text}")]);
            assert_eq!((told.over.sni, told.over.alpn), (over.sni, over.alpn), "{line}");
            assert_eq!(told.over.client, over.client);
            assert_eq!(told.who, [known.clone(), known]);
            assert_eq!(told.content.document, document);
            assert_eq!(serde_json::from_str::<String>(&document).ok(), Some(text));
            assert_eq!(told.answer, [format!("origin.header[\"x\"] = {value}")]);
            assert_eq!(told.on.as_deref(), Some("web"));
        }
    }
}
