//! What `set`, `add` and `unset` change, and how. What may stand there is said by the fields' own rows.

use std::sync::Arc;

use lang::eval::TEXT;

use super::prelude::*;
use crate::exchange::Up;
use crate::message::Headers;
use crate::normal;
use crate::splice::{self, Splice, plain};

/// A place that can be changed.
#[derive(Debug)]
pub(super) enum Place {
    UpHeader(Arc<str>),
    UpPath,
    UpQuery,
    UpHost,
    RespHeader(Arc<str>),
    RespStatus,
}

impl Place {
    /// The place that the line names.
    pub(super) fn of(making: &Making<'_>) -> Result<Place, String> {
        let (field, key) = making.call.place.as_ref().ok_or("names no place")?;
        let name = || key.clone().ok_or_else(|| format!("needs a name: `{field}[\"name\"]`"));
        let place = match &**field {
            "up.header" => Place::UpHeader(name()?),
            "up.path" => Place::UpPath,
            "up.query" => Place::UpQuery,
            "up.host" => Place::UpHost,
            "resp.header" => Place::RespHeader(name()?),
            "resp.status" => Place::RespStatus,
            other => return Err(format!("cannot change `{other}`")),
        };
        place.accepts(Known::Nothing)?;
        match (place.is_up(), making.way_back) {
            (true, true) => Err("comes too late: the request is already sent".to_owned()),
            (false, false) => Err("comes too early: there is no answer yet".to_owned()),
            _ => Ok(place),
        }
    }

    /// What is wrong with putting such a value there.
    pub(super) fn accepts(&self, known: Known<'_>) -> Result<(), String> {
        let (path, key) = match self {
            Place::UpHeader(name) => ("up.header", &**name),
            Place::UpPath => ("up.path", ""),
            Place::UpQuery => ("up.query", ""),
            Place::UpHost => ("up.host", ""),
            Place::RespHeader(name) => ("resp.header", &**name),
            Place::RespStatus => ("resp.status", ""),
        };
        let written = crate::fields::entry(path).and_then(|entry| entry.row.written);
        let written = written.ok_or_else(|| format!("cannot change `{path}`"))?;
        (written.accepts)(key, known).map_err(|reason| format!("cannot do this: {reason}"))
    }

    /// Puts `value` beside what is there; an absent one changes nothing. Only a header field has room for another.
    pub(super) fn add(&self, ex: &mut Exchange, value: &Value) -> Result<(), Failure> {
        if value.is_absent() {
            return Ok(());
        }
        let stands = whole(value);
        match self {
            Place::UpHeader(name) => {
                let value = stands?;
                let added = ex.change_up(|up| {
                    normal::unmask_one(&mut up.headers, name);
                    up.headers.append(name, value)
                });
                added.map_err(|_| Failure::Value)
            }
            Place::RespHeader(name) => {
                change_answer(ex, |answer| {
                    stands.is_ok_and(|value| answer.response.headers.append(name, value).is_ok())
                });
                Ok(())
            }
            _ => Err(Failure::Ours("add")),
        }
    }

    /// Whether one more can stand there.
    pub(super) fn repeats(&self) -> bool {
        let (path, key) = match self {
            Place::UpHeader(name) => ("up.header", name),
            Place::RespHeader(name) => ("resp.header", name),
            _ => return false,
        };
        let written = crate::fields::entry(path).and_then(|entry| entry.row.written);
        written.is_some_and(|written| (written.repeats)(key))
    }

    /// Whether it is of the request being sent.
    fn is_up(&self) -> bool {
        !matches!(self, Place::RespHeader(_) | Place::RespStatus)
    }

    /// Puts `value` there; an absent one takes away what is there. An answer that there is goes without what it cannot
    /// have, a request is not sent so.
    pub(super) fn put(&self, ex: &mut Exchange, value: &Value) -> Result<(), Failure> {
        match self {
            Place::UpHeader(name) => ex.change_up(|up| {
                normal::unmask_one(&mut up.headers, name);
                put_header(&mut up.headers, name, value)
            }),
            Place::UpPath => {
                let path = whole(value)?;
                ex.change_up(|up| up.target.set_path(&path)).map_err(|_| Failure::Value)
            }
            Place::UpQuery => {
                let query = (!value.is_absent()).then(|| whole(value)).transpose()?;
                ex.change_up(|up| up.target.set_query(query.as_deref())).map_err(|_| Failure::Value)
            }
            Place::UpHost => {
                let host = whole(value)?;
                ex.change_up(|up| set_host(up, &host))
            }
            Place::RespHeader(name) => {
                change_answer(ex, |answer| {
                    let headers = &mut answer.response.headers;
                    let stands = put_header(headers, name, value).is_ok();
                    if !stands {
                        headers.remove(name);
                    }
                    stands
                });
                Ok(())
            }
            Place::RespStatus => {
                if let Value::Status(status) = value {
                    change_answer(ex, |answer| put_status(answer, *status));
                }
                Ok(())
            }
        }
    }
}

/// How the value of an assignment is found.
pub(super) enum Assigned {
    /// Whatever the expression gives.
    Whole(Dyn<Document>),
    /// A path or a query, part by part.
    Path(Splice),
    Query(Splice),
}

impl Assigned {
    /// The value that the line gives `place`.
    pub(super) fn of(making: &Making<'_>, place: &Place) -> Result<Assigned, String> {
        match place {
            Place::UpPath => super::rewrite::path(making).map(Assigned::Path),
            Place::UpQuery => {
                let [value] = making.arguments().try_into().map_err(|_| "needs one value")?;
                match value {
                    Argument::Constant(value) => {
                        place.accepts(Known::Value(&value))?;
                        constant(&value)
                    }
                    // An optional value may be absent, which a text in parts cannot be.
                    Argument::Expression(_) => {
                        making.splice(0, splice::Form::Query).map(Assigned::Query)
                    }
                }
            }
            _ => {
                let [value] = making.arguments().try_into().map_err(|_| "needs one value")?;
                match value {
                    Argument::Constant(value) => {
                        place.accepts(Known::Value(&value))?;
                        constant(&value)
                    }
                    Argument::Expression(expr) => Ok(Assigned::Whole(Dyn::Expression(expr))),
                }
            }
        }
    }

    /// The value for this request.
    pub(super) fn value(&self, ex: &Exchange) -> Result<Value, Failure> {
        match self {
            Assigned::Whole(Dyn::Expression(expr)) => Ok(ex.evaluate(*expr)),
            Assigned::Whole(Dyn::Constant(value, _)) => Ok(value.clone()),
            Assigned::Path(path) => path.path(ex).map(Value::string),
            Assigned::Query(query) => Ok(query.query(ex)?.map_or(Value::Absent, Value::string)),
        }
    }
}

fn constant(value: &Value) -> Result<Assigned, String> {
    Document::decode(value)
        .map(|_| Assigned::Whole(Dyn::Constant(value.clone(), std::marker::PhantomData)))
}

fn put_header(headers: &mut Headers, name: &str, value: &Value) -> Result<(), Failure> {
    if value.is_absent() {
        headers.remove(name);
        return Ok(());
    }
    headers.set(name, whole(value)?).map_err(|_| Failure::Value)
}

/// A value as a text, if it is not one that was cut off: nobody is sent the half of a text, or one that no head holds.
fn whole(value: &Value) -> Result<String, Failure> {
    Some(plain(value)).filter(|text| text.len() <= TEXT).ok_or(Failure::Value)
}

fn set_host(up: &mut Up, host: &str) -> Result<(), Failure> {
    up.target.set_authority(host).map_err(|_| Failure::Value)?;
    up.host_set = true;
    Ok(())
}

/// Changes the answer, if there is one, and notes where that cannot be.
fn change_answer(ex: &mut Exchange, change: impl FnOnce(&mut Answer) -> bool) {
    if let Some(answer) = &mut ex.answer
        && !change(answer)
    {
        ex.left_out += 1;
    }
}

/// A status that has no content loses it, and what was to become a tunnel does not with another status. One that
/// announces an answer cannot be given.
fn put_status(answer: &mut Answer, status: u16) -> bool {
    if answer.response.status == status {
        return true;
    }
    if status < 200 {
        return false;
    }
    if answer.tunnel.take().is_some() {
        answer.body = crate::body::Body::empty();
        answer.response.headers.remove("upgrade");
    }
    answer.response.status = status;
    if matches!(status, 204 | 304) {
        answer.body = crate::body::Body::empty();
        answer.response.headers.remove("content-length");
    }
    true
}
