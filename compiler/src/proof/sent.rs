//! What is known of a header field that is sent at the end of a course: what its statements made of it, or what the gateway
//! does with such a field by itself.

use std::sync::Arc;

use lang::Ty;
use lang::policy::Message;
use lang::vocab::ExprId;

use crate::lower::expr::Exprs;
use crate::passing::{CLIENT, HOP, PROTECTED};
use crate::proof::claims::Way;
use crate::proof::course::Header;

/// What is known of a field.
pub(super) enum Field<'c> {
    /// It has this value, or is not there if that is absent.
    Value(ExprId),
    /// It has nearly this value: without blanks at its ends, and unless that is `sure` perhaps not at all.
    Nearly {
        value: ExprId,
        sure: bool,
    },
    /// It says this.
    Text(&'c Arc<str>),
    /// The client's, if there is one; and if it passes, which it may not `always`.
    Copied {
        always: bool,
    },
    /// This value, beside the client's if there is one; and if that passes, which it may not always (`client`).
    Beside {
        value: ExprId,
        client: bool,
    },
    /// The scheme by which the request came.
    Scheme,
    /// The address of whoever opened the connection.
    Peer,
    /// The host that was asked for, if one was, and perhaps a port behind it.
    Host,
    /// It is there, and what it says is not known.
    There,
    Absent,
    Unknown,
}

/// Fields of a request that are written with the connection to the upstream, or with the content, in mind.
const UP_WRITTEN: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields of a request by which the cache asks whether something has changed.
const CONDITIONS: &[&str] = &["if-modified-since", "if-none-match"];

/// Fields that the gateway may put on its own answers.
const RESP_WRITTEN: &[&str] = &[
    "allow",
    "connection",
    "content-length",
    "content-type",
    "keep-alive",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Whether an answer of the gateway's own has no such field, unless a statement puts it there.
pub(crate) fn is_bare(name: &str) -> bool {
    name != "location" && !RESP_WRITTEN.contains(&name)
}

/// Whether a field of an upstream's answer reaches the client as the upstream says it.
pub(crate) fn is_passed_on(name: &str) -> bool {
    !HOP.contains(&name) && !["age", "cache-status", "content-length", "date"].contains(&name)
}

/// What of the request as it came a field of this name says, if no statement makes anything of it.
pub(super) fn original(message: Message, name: &Arc<str>, exprs: &mut Exprs) -> ExprId {
    match (message, &**name) {
        (Message::Up, "x-forwarded-proto") => {
            exprs.read("req.scheme", None, Ty::one_of(&["http", "https"]))
        }
        (Message::Up, "x-forwarded-for") => exprs.read("conn.peer", None, Ty::Ip),
        (Message::Up, "x-forwarded-host") => exprs.read("req.host", None, Ty::String),
        _ => exprs.header(name),
    }
}

/// What is known of this field at the end of a course.
pub(super) fn field<'c>(way: Way<'c>, message: Message, name: &Arc<str>) -> Field<'c> {
    let course = way.course;
    if message == Message::Up && course.to().is_none() {
        return Field::Absent;
    }
    // RFC 9110, section 6.6.1: an answer without a date gets one, whatever statements do.
    if message == Message::Resp && &**name == "date" {
        return Field::There;
    }
    // The cache asks for all of an answer, or whether the one that it keeps has changed.
    let asks_again = CONDITIONS.contains(&&**name) && matches!(course.caches, Some(Ok(_)));
    if course.blurred || (message == Message::Up && asks_again) {
        return Field::Unknown;
    }
    let own = message == Message::Resp && course.own && !RESP_WRITTEN.contains(&&**name);
    match course.made(message, name) {
        Some(Header::Value(id)) => Field::Value(*id),
        Some(Header::Trimmed(value)) => Field::Nearly { value: *value, sure: true },
        Some(Header::Fitting(value)) => Field::Nearly { value: *value, sure: false },
        Some(Header::Text(text)) => Field::Text(text),
        Some(Header::Absent) => Field::Absent,
        // Beside nothing it stands alone.
        Some(Header::Added(id)) if own => Field::Nearly { value: *id, sure: true },
        // Cookies are put together in a way of their own.
        Some(Header::Added(id)) if message == Message::Up && &**name != "cookie" => {
            match passed(name, way.believes) {
                Field::Copied { always } => Field::Beside { value: *id, client: always },
                Field::Absent => Field::Nearly { value: *id, sure: true },
                _ => Field::There,
            }
        }
        Some(Header::Added(_) | Header::There) => Field::There,
        Some(Header::Unknown) => Field::Unknown,
        None if message == Message::Up => passed(name, way.believes),
        None if own => Field::Absent,
        None => Field::Unknown,
    }
}

/// How far what a client says in a field reaches, where no statement touches it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// To the upstream, as it was said.
    AsSaid,
    /// The upstream gets none of it, and nothing in its place.
    Never,
    /// The gateway writes the field, perhaps with what the client says in it.
    Otherwise,
}

/// How far what a client says in a field of this name reaches. `believes` is whether the listener may believe what a peer
/// says about the client.
pub(crate) fn reach(name: &str, believes: bool) -> Reach {
    match passed(name, believes) {
        Field::Copied { .. } => Reach::AsSaid,
        Field::Absent => Reach::Never,
        _ => Reach::Otherwise,
    }
}

/// Whether a field says who the client is, so that what a peer says there is believed where the listener trusts it.
pub(crate) fn is_of_client(name: &str) -> bool {
    CLIENT.contains(&name) || name.starts_with("x-forwarded-")
}

/// What becomes of a client's field that no statement touches.
pub(super) fn passed<'c>(name: &str, believes: bool) -> Field<'c> {
    match name {
        "via" => Field::There,
        "x-forwarded-for" | "x-forwarded-proto" if believes => Field::There,
        "x-forwarded-for" => Field::Peer,
        "x-forwarded-proto" => Field::Scheme,
        "x-forwarded-host" if believes => Field::Unknown,
        "x-forwarded-host" => Field::Host,
        name if is_of_client(name) => match believes {
            true => Field::Unknown,
            false => Field::Absent,
        },
        name if UP_WRITTEN.contains(&name) => Field::Unknown,
        name if HOP.contains(&name) => Field::Absent,
        // As a word of `connection`, `close` names no field.
        name => Field::Copied { always: PROTECTED.contains(&name) || name == "close" },
    }
}
