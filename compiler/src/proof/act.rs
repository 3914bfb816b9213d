//! What one statement makes of a course: where it goes on, where it ends, what is known behind it. It reads rows, so an
//! action that is new here leaves nothing known behind it rather than something wrong.

use std::sync::Arc;

use lang::policy::{self, Expr as Written, ExprKind, Message};
use lang::vocab::{Ends, ExprId, Form};
use lang::{Span, Value};

use super::course::{Course, End, Header, Status};
use super::values::{Stands, Values};
use crate::caching::{Answers, Carriers};
use crate::interp::ops;
use crate::program::{Call, Expr, Step};
use crate::space::{Test, trimmed};

/// What comes of a statement is not known.
pub(super) struct Untold;

/// A statement.
pub(super) struct Act<'s> {
    pub(super) values: Values<'s>,
    /// What must hold for the route to answer.
    pub(super) conditions: &'s [(ExprId, Span)],
    /// All statements of the route.
    pub(super) steps: &'s [Step],
    /// Where auths look for tokens.
    pub(super) carriers: &'s Carriers,
    /// Its place.
    pub(super) at: usize,
    pub(super) call: &'s policy::Call,
    pub(super) lowered: &'s Call,
}

impl Act<'_> {
    /// Where courses go on behind the statement, and where they end in it.
    pub(super) fn advance(
        &self,
        mut course: Course,
        next: &mut Vec<Course>,
        done: &mut Vec<Course>,
    ) -> Result<(), Untold> {
        let row = self.call.row;
        if let Some(id) = row.asserts.and_then(|name| self.argument(name)) {
            let mut denied = course.clone();
            denied.guards.push((id, false));
            denied.answer(self.status("else"), true);
            if denied.end == End::Open {
                denied.end = End::Denied;
            }
            denied.at = Some(self.at);
            done.push(denied);
            course.guards.push((id, true));
            next.push(course);
            return Ok(());
        }
        match (row.ends, row.form) {
            (Ends::Forwards, _) if course.end == End::Open => {
                if self.argument("host").is_some_and(|host| !self.values.fits(host, Stands::Host)) {
                    self.may_refuse(&mut course, None, done);
                }
                let targets = self.targets();
                if targets.is_empty() {
                    return Err(Untold);
                }
                for to in targets {
                    let mut course = course.clone();
                    course.end = End::Forwarded(to);
                    course.at = Some(self.at);
                    course.answer(Status::Unknown, false);
                    next.push(course);
                }
            }
            (Ends::Responds, _) => {
                let location = self.argument("location");
                let document = self.argument("json");
                let is_long = |id: &ExprId| match location {
                    Some(_) => !self.values.is_short(*id, Stands::Query),
                    None => !self.values.is_written(*id),
                };
                let long = location.or(document).filter(is_long);
                course.long.extend(long);
                if long.is_some() || location.is_some_and(|place| !self.values.is_place(place)) {
                    self.may_refuse(&mut course, None, done);
                }
                if course.end == End::Open {
                    course.end = End::Answered;
                }
                course.at = Some(self.at);
                course.answer(self.status("status"), true);
                if let Some(location) = location {
                    course.put(Message::Resp, &Arc::from("location"), self.location(location));
                }
                if document.is_some() && matches!(course.status, Status::Known(_)) {
                    let json = Header::Text(Arc::from("application/json"));
                    course.put(Message::Resp, &Arc::from("content-type"), json);
                }
                next.push(course);
            }
            (Ends::No, Form::Assign | Form::Append) => {
                let value = self.lowered.args.first().map(|value| self.by_status(*value, &course));
                let (field, key) = self.lowered.place.as_ref().ok_or(Untold)?;
                let stands = match &**field {
                    "up.path" => Stands::Path,
                    "up.query" => Stands::Query,
                    "up.host" => Stands::Host,
                    _ => Stands::Field,
                };
                let long = value.filter(|value| !self.values.is_short(*value, stands));
                course.long.extend(long);
                let fits = value.is_some_and(|value| {
                    self.values.fits(value, stands)
                        || self.values.is_held(value, stands, &course.guards)
                });
                // On the way back nothing is refused: what does not fit is left out.
                if !fits && field.starts_with("up.") {
                    // What is too long may say anything.
                    let is_told = |id: &ExprId| long.is_none() || self.values.is_presumed(*id);
                    let texts = value.and_then(|id| match stands {
                        Stands::Field => {
                            Some(id).filter(is_told).and_then(|id| self.values.texts(id))
                        }
                        Stands::Path if long.is_none() => self.values.misspelt(id),
                        Stands::Path | Stands::Query | Stands::Host => None,
                    });
                    self.may_refuse(&mut course, texts, done);
                }
                let message = match &**field {
                    "up.header" => Some(Message::Up),
                    "resp.header" => Some(Message::Resp),
                    _ => None,
                };
                match (&**field, message.zip(key.as_ref()), value) {
                    (_, Some((message, key)), Some(value)) => {
                        let before = course.made(message, key);
                        let header = match (row.form, message) {
                            (Form::Assign, Message::Resp) if !fits => Header::Fitting(value),
                            (Form::Assign, _) => self.assigned(value),
                            (_, Message::Resp) if !fits => match before {
                                Some(Header::Text(_) | Header::Added(_) | Header::There) => {
                                    Header::There
                                }
                                _ => Header::Unknown,
                            },
                            _ => self.added(key, value, before),
                        };
                        course.put(message, key, header);
                    }
                    ("resp.status", ..) => {
                        let written = self.call.args.first();
                        let known = value.and_then(|value| self.values.constants.get(value));
                        course.status = match known {
                            Some(Value::Status(known)) => Status::Known(*known),
                            _ => written.map_or(Status::Unknown, |w| status(w, value)),
                        };
                    }
                    _ => {}
                }
                next.push(course);
            }
            (Ends::No, Form::Place) => {
                match &self.lowered.place {
                    Some((field, Some(key))) if &**field == "up.header" => {
                        course.put(Message::Up, key, Header::Absent);
                    }
                    Some((field, Some(key))) if &**field == "resp.header" => {
                        course.put(Message::Resp, key, Header::Absent);
                    }
                    _ => {}
                }
                next.push(course);
            }
            (Ends::No, Form::Applied) => {
                let name = self.call.args.first().and_then(item).ok_or(Untold)?;
                course.limits.push(name.clone());
                let mut over = course.clone();
                over.answer(self.status("status"), true);
                over.end = End::Limited(name);
                over.at = Some(self.at);
                done.push(over);
                next.push(course);
            }
            _ if row.name == "cache" => {
                let Values { program, constants, .. } = self.values;
                let is_true = |id| constants.get(id) != Some(&Value::Bool(false));
                let public = self.argument("public").is_some_and(is_true);
                let key = self.argument("key");
                let asked = (self.conditions, self.steps);
                course.caches = Some(Answers::of(program, self.carriers, public, key, asked));
                next.push(course);
            }
            _ if row.name == "rewrite" => {
                let path = self.lowered.args.first().copied();
                let long = path.filter(|path| !self.values.is_short(*path, Stands::Path));
                course.long.extend(long);
                if path.is_none_or(|path| !self.values.fits(path, Stands::Path)) {
                    let texts = path.filter(|_| long.is_none());
                    let texts = texts.and_then(|path| self.values.misspelt(path));
                    self.may_refuse(&mut course, texts, done);
                }
                next.push(course);
            }
            _ => {
                course.blurred = true;
                course.headers.clear();
                course.status = Status::Unknown;
                self.may_refuse(&mut course, None, done);
                next.push(course);
            }
        }
        Ok(())
    }

    /// The course behind the statement, which always holds.
    pub(super) fn hold(&self, course: Course) -> Result<Course, Untold> {
        let (mut next, mut ended) = (Vec::new(), Vec::new());
        self.advance(course, &mut next, &mut ended)?;
        // Nothing in an `always` branches or refuses, but what would do so is not known here.
        match next.pop() {
            Some(course) if next.is_empty() && ended.is_empty() => Ok(course),
            _ => Err(Untold),
        }
    }

    /// What a value is where it is chosen by the status of the answer, and that is known: what always holds is said once for
    /// answers of many statuses.
    fn by_status(&self, value: ExprId, course: &Course) -> ExprId {
        let Values { program, .. } = self.values;
        let is_status =
            |id: ExprId| program.read_by(id).is_some_and(|(_, slot)| &*slot.field == "resp.status");
        match (program.expr(value), &course.status) {
            (Expr::Match(subject, arms), Status::Known(status)) if is_status(*subject) => {
                let arm = ops::arm(&Value::Status(*status), arms);
                arm.map_or(value, |(_, arm)| arm.value)
            }
            _ => value,
        }
    }

    /// Adds the course of requests whose values are refused here: for one of these texts, if that is known.
    fn may_refuse(
        &self,
        course: &mut Course,
        texts: Option<Vec<(ExprId, Test)>>,
        done: &mut Vec<Course>,
    ) {
        course.doubts.push(self.at);
        let mut unfit = course.clone();
        unfit.unfit = texts.clone();
        unfit.sure = false;
        unfit.at = Some(self.at);
        if unfit.end == End::Open {
            unfit.end = End::Unfit;
            unfit.answer(Status::Known(400), true);
        } else {
            unfit.answer(Status::Unknown, true);
        }
        if unfit.blurred {
            unfit.status = Status::Unknown;
        }
        done.push(unfit);
        course.stands.extend(texts.into_iter().flatten());
    }

    /// What a header field is once this value was put there.
    fn assigned(&self, value: ExprId) -> Header {
        match self.values.constants.get(value) {
            _ if self.values.has_firm_ends(value) => Header::Value(value),
            Some(Value::String(text)) => Header::Text(Arc::from(trimmed(text))),
            _ => Header::Trimmed(value),
        }
    }

    /// What a header field is once this value was put beside what was made of it before.
    fn added(&self, name: &str, value: ExprId, before: Option<&Header>) -> Header {
        let is_there = match self.values.program.expr(value) {
            Expr::Const(value) => !value.is_absent(),
            Expr::Template(_) | Expr::Capture(_) => true,
            _ => false,
        };
        // Cookies are put together in a way of their own.
        if let Some(joined) =
            before.filter(|_| name != "cookie").and_then(|before| self.joined(before, value))
        {
            return Header::Text(joined);
        }
        match before {
            Some(Header::Absent) => self.assigned(value),
            Some(Header::There | Header::Text(_) | Header::Added(_)) => Header::There,
            None if is_there => Header::Added(value),
            Some(_) if is_there => Header::There,
            _ => Header::Unknown,
        }
    }

    /// Two of the policy's own texts as one value of a header field (RFC 9110, section 5.3).
    fn joined(&self, before: &Header, value: ExprId) -> Option<Arc<str>> {
        let text = |id: ExprId| match self.values.constants.get(id) {
            Some(Value::String(text)) if !trimmed(text).is_empty() => {
                Some(Arc::from(trimmed(text)))
            }
            _ => None,
        };
        let before: Arc<str> = match before {
            Header::Value(id) => text(*id)?,
            Header::Text(text) if !text.is_empty() => text.clone(),
            _ => return None,
        };
        Some(Arc::from(format!("{before}, {}", text(value)?)))
    }

    /// What `location` says: the policy's own words as they stand, if nothing in them is encoded on the way.
    fn location(&self, id: ExprId) -> Header {
        let stands = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:?=&".contains(&byte);
        match self.values.program.expr(id) {
            Expr::Const(Value::String(text)) if text.bytes().all(stands) => {
                Header::Text(text.clone())
            }
            _ => Header::There,
        }
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.call.row.place_of(name)
    }

    fn argument(&self, name: &str) -> Option<ExprId> {
        let id = self.lowered.args.get(self.place_of(name)?).copied()?;
        let absent = matches!(self.values.program.expr(id), Expr::Const(Value::Absent));
        (!absent).then_some(id)
    }

    fn status(&self, name: &str) -> Status {
        let at = self.place_of(name);
        let written = at.and_then(|at| self.call.args.get(at));
        written.map_or(Status::Unknown, |written| status(written, self.argument(name)))
    }

    /// The upstreams that may be asked.
    fn targets(&self) -> Vec<Arc<str>> {
        let no_share = |written: &Written| match &written.kind {
            ExprKind::Const(Value::Percent(share)) => *share <= 0.0,
            _ => false,
        };
        let mut targets: Vec<Arc<str>> = match self.call.arms.as_slice() {
            [] => self.call.args.first().and_then(item).into_iter().collect(),
            arms => {
                let arms = arms.iter().filter(|(share, _)| !no_share(share));
                arms.filter_map(|(_, to)| item(to)).collect()
            }
        };
        targets.sort_unstable();
        targets.dedup();
        targets
    }
}

/// The item that is named.
fn item(written: &Written) -> Option<Arc<str>> {
    match &written.kind {
        ExprKind::Const(Value::Item(name)) => Some(name.clone()),
        _ => None,
    }
}

fn status(written: &Written, lowered: Option<ExprId>) -> Status {
    match (&written.kind, lowered) {
        (ExprKind::Const(Value::Status(status)), _) => Status::Known(*status),
        (_, Some(id)) => Status::Computed(id),
        _ => Status::Unknown,
    }
}
