//! What comes of a request that a route takes, statement by statement: each way through the statements is a course, with
//! what sends a request on it and what is known at its end. It reads rows, so an action that is new here leaves nothing
//! known behind it rather than something wrong.

use std::sync::Arc;

use lang::Value;
use lang::policy::{self, Expr as Written, ExprKind, LocalId, Message};
use lang::vocab::{Ends, ExprId, Form};

use crate::program::{Call, Expr, Program, Route, Step, StepKind};

/// The most courses of one route.
const MOST: usize = 512;

/// One way through a route's statements, or past all routes.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// What must hold, or must not, for a request to come this way.
    pub(crate) guards: Vec<(ExprId, bool)>,
    /// How many statements begin.
    pub(crate) ran: usize,
    /// What comes of the request.
    pub(crate) end: End,
    /// The statement that decides that.
    pub(crate) at: Option<usize>,
    /// What is answered.
    pub(crate) status: Status,
    /// What is known to have become of header fields.
    pub(crate) headers: Vec<(Message, Arc<str>, Header)>,
    /// Whether the answer is the gateway's own, so that its other headers are known.
    pub(crate) own: bool,
    /// The limits that count the request, in order.
    pub(crate) limits: Vec<Arc<str>>,
    /// Whether the answer may be kept for others, and if so whether for all: also for requests that say who asks.
    pub(crate) caches: Option<bool>,
    /// Whether a statement did what is not known here.
    pub(crate) blurred: bool,
    /// Whether every request that fits the guards may come this way. Not so for one whose value is refused.
    pub(crate) sure: bool,
    /// A statement that may refuse a value of the request.
    pub(crate) doubt: Option<usize>,
}

/// What comes of a request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum End {
    /// Nothing yet.
    Open,
    /// No route answers: 404.
    Nobody,
    /// Routes answer other methods: 405.
    Method,
    /// A requirement does not hold.
    Denied,
    /// A limit is used up. Any request may come to that: it depends on those before it.
    Limited(Arc<str>),
    /// A value of the request cannot stand where a statement puts it.
    Unfit,
    /// The gateway answers by itself.
    Answered,
    /// This upstream is asked.
    Forwarded(Arc<str>),
}

/// What is known of the status.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Status {
    /// It is this.
    Known(u16),
    /// It is what this gives.
    Computed(ExprId),
    /// Nothing: an upstream says it.
    Unknown,
}

/// What a statement made of a header field.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Header {
    /// It has this value.
    Value(ExprId),
    /// It has this value, but for blanks at its ends.
    Trimmed(ExprId),
    /// The same, if it can stand in a header field; else it is not there.
    Fitting(ExprId),
    /// It says this.
    Text(Arc<str>),
    /// This value, which is there, stands beside what was there before.
    Added(ExprId),
    /// It is there, whatever it says.
    There,
    /// It is taken away.
    Absent,
    /// Nobody knows.
    Unknown,
}

impl Course {
    fn begin() -> Course {
        Course {
            guards: Vec::new(),
            ran: 0,
            end: End::Open,
            at: None,
            status: Status::Unknown,
            headers: Vec::new(),
            own: true,
            limits: Vec::new(),
            caches: None,
            blurred: false,
            sure: true,
            doubt: None,
        }
    }

    /// The course of a request that no route takes.
    pub(crate) fn past(end: End) -> Course {
        let status = if end == End::Method { 405 } else { 404 };
        Course { end, status: Status::Known(status), ..Course::begin() }
    }

    /// Whether an upstream is asked.
    pub(crate) fn to(&self) -> Option<&Arc<str>> {
        match &self.end {
            End::Forwarded(to) => Some(to),
            _ => None,
        }
    }

    /// What statements made of a header field, if any did.
    pub(super) fn made(&self, message: Message, name: &Arc<str>) -> Option<&Header> {
        let mut headers = self.headers.iter();
        headers.find(|(of, known, _)| (*of, known) == (message, name)).map(|(.., header)| header)
    }

    fn put(&mut self, message: Message, name: &Arc<str>, header: Header) {
        self.headers.retain(|(of, known, _)| (*of, known) != (message, name));
        self.headers.push((message, name.clone(), header));
    }

    /// Another answer takes the place of the one there was.
    fn answer(&mut self, status: Status, own: bool) {
        self.headers.retain(|(message, ..)| *message == Message::Up);
        self.status = status;
        self.own = own;
    }
}

/// The values that the lets of a route name, in the order in which they are written.
pub(crate) fn locals(steps: &[Step]) -> Vec<(LocalId, ExprId)> {
    let named = steps.iter().flat_map(|step| match &step.kind {
        StepKind::Let(local, value) => vec![(*local, *value)],
        StepKind::Act(_) => Vec::new(),
        StepKind::Always(held) => locals(held),
    });
    named.collect()
}

/// Every course of a route, whose statements the program has in the same order. The error is the statement at which there
/// are too many, or of which it is not known what comes of it.
pub(crate) fn courses(
    program: &Program,
    written: &policy::Route,
    route: &Route,
) -> Result<Vec<Course>, usize> {
    let locals = locals(&route.steps);
    let mut done = Vec::new();
    let mut open = vec![Course::begin()];
    let mut standing: Vec<Act<'_>> = Vec::new();
    for (at, (step, lowered)) in written.steps.iter().zip(&route.steps).enumerate() {
        let mut next = Vec::new();
        if let (policy::StepKind::Always(held), StepKind::Always(lowered)) =
            (&step.kind, &lowered.kind)
        {
            for pair in held.iter().zip(lowered) {
                if let (policy::StepKind::Act(call), StepKind::Act(lowered)) =
                    (&pair.0.kind, &pair.1.kind)
                {
                    standing.push(Act {
                        program,
                        locals: &locals,
                        steps: &route.steps,
                        at,
                        call,
                        lowered,
                    });
                }
            }
        }
        for mut course in open {
            course.ran = at + 1;
            match (&step.kind, &lowered.kind) {
                (policy::StepKind::Act(call), StepKind::Act(lowered)) => {
                    let act =
                        Act { program, locals: &locals, steps: &route.steps, at, call, lowered };
                    let (mut on, mut ended) = (Vec::new(), Vec::new());
                    act.advance(course, &mut on, &mut ended).map_err(|_| at)?;
                    let answered = call.row.ends != Ends::No;
                    for one in on {
                        next.push(match answered {
                            true => hold(&standing, one).map_err(|_| at)?,
                            false => one,
                        });
                    }
                    for one in ended {
                        done.push(hold(&standing, one).map_err(|_| at)?);
                    }
                }
                _ => next.push(course),
            }
        }
        open = next;
        if open.len() + done.len() > MOST {
            return Err(at);
        }
    }
    done.extend(open);
    Ok(done)
}

/// What comes of a statement is not known.
struct Untold;

/// Does what always holds to a course that has its answer.
fn hold(standing: &[Act<'_>], course: Course) -> Result<Course, Untold> {
    standing.iter().try_fold(course, |course, act| act.hold(course))
}

/// Where a value is put.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Field,
    Path,
    Query,
    Host,
}

/// What is taken off the ends of a header field's value (RFC 9110, section 5.5).
const BLANKS: [char; 2] = [' ', '\t'];

/// A text as a header field says it.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(BLANKS)
}

/// Whether a header field can say this text.
pub(super) fn can_be_said(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// Fields of the request whose text can stand in a header field, because it stood in one or is of fewer characters.
const FIELD_LIKE: &[&str] = &[
    "conn.alpn",
    "conn.peer",
    "conn.sni",
    "conn.tls.version",
    "req.header",
    "req.host",
    "req.method",
    "req.path",
    "req.target",
    "req.scheme",
    "req.id",
    "client.ip",
];

impl Stands {
    /// Whether these words can stand there, as far as that is plain to see.
    fn takes(self, words: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        match self {
            Stands::Field => can_be_said(words),
            Stands::Query => true,
            Stands::Path => {
                words.starts_with('/') && words.bytes().all(|byte| byte == b'/' || is_plain(byte))
            }
            Stands::Host => {
                words.len() <= 253
                    && words
                        .split('.')
                        .all(|label| (1..=63).contains(&label.len()) && label.bytes().all(is_plain))
            }
        }
    }
}

/// A statement.
struct Act<'s> {
    program: &'s Program,
    locals: &'s [(LocalId, ExprId)],
    steps: &'s [Step],
    at: usize,
    call: &'s policy::Call,
    lowered: &'s Call,
}

impl Act<'_> {
    /// Where courses go on behind the statement, and where they end in it.
    fn advance(
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
                if self.argument("host").is_some_and(|host| !self.fits(host, Stands::Host)) {
                    self.may_refuse(&mut course, done);
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
                if location.is_some_and(|location| !self.is_place(location)) {
                    self.may_refuse(&mut course, done);
                }
                if course.end == End::Open {
                    course.end = End::Answered;
                }
                course.at = Some(self.at);
                course.answer(self.status("status"), true);
                if let Some(location) = location {
                    course.put(Message::Resp, &Arc::from("location"), self.location(location));
                }
                if self.argument("json").is_some() && matches!(course.status, Status::Known(_)) {
                    let json = Header::Text(Arc::from("application/json"));
                    course.put(Message::Resp, &Arc::from("content-type"), json);
                }
                next.push(course);
            }
            (Ends::No, Form::Assign | Form::Append) => {
                let value = self.lowered.args.first().copied();
                let (field, key) = self.lowered.place.as_ref().ok_or(Untold)?;
                let stands = match &**field {
                    "up.path" => Stands::Path,
                    "up.query" => Stands::Query,
                    "up.host" => Stands::Host,
                    _ => Stands::Field,
                };
                let fits = value.is_some_and(|value| self.fits(value, stands));
                // On the way back nothing is refused: what does not fit is left out.
                if !fits && field.starts_with("up.") {
                    self.may_refuse(&mut course, done);
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
                            _ => self.added(value, before),
                        };
                        course.put(message, key, header);
                    }
                    ("resp.status", ..) => {
                        let written = self.call.args.first();
                        course.status = written.map_or(Status::Unknown, |w| status(w, value));
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
                let is_true =
                    |id: ExprId| !matches!(self.program.expr(id), Expr::Const(Value::Bool(false)));
                let by_key = |id: ExprId| self.program.tells_who(id, self.steps);
                let for_all = self.argument("public").is_some_and(is_true)
                    || self.argument("key").is_some_and(by_key);
                let is_kept = for_all || !self.program.asks_who(self.steps);
                course.caches = is_kept.then_some(for_all);
                next.push(course);
            }
            _ if row.name == "rewrite" => {
                if self.lowered.args.first().is_none_or(|path| !self.fits(*path, Stands::Path)) {
                    self.may_refuse(&mut course, done);
                }
                next.push(course);
            }
            _ => {
                course.blurred = true;
                course.headers.clear();
                course.status = Status::Unknown;
                self.may_refuse(&mut course, done);
                next.push(course);
            }
        }
        Ok(())
    }

    /// The course behind the statement, which always holds.
    fn hold(&self, course: Course) -> Result<Course, Untold> {
        let (mut next, mut ended) = (Vec::new(), Vec::new());
        self.advance(course, &mut next, &mut ended)?;
        // Nothing in an `always` branches or refuses, but what would do so is not known here.
        match next.pop() {
            Some(course) if next.is_empty() && ended.is_empty() => Ok(course),
            _ => Err(Untold),
        }
    }

    /// Adds the course of requests whose values are refused here.
    fn may_refuse(&self, course: &mut Course, done: &mut Vec<Course>) {
        let mut unfit = course.clone();
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
        course.doubt = Some(self.at);
    }

    /// What a header field is once this value was put there.
    fn assigned(&self, value: ExprId) -> Header {
        match self.program.expr(value) {
            _ if self.has_firm_ends(value) => Header::Value(value),
            Expr::Const(Value::String(text)) => Header::Text(Arc::from(trimmed(text))),
            _ => Header::Trimmed(value),
        }
    }

    /// Whether no text that this comes to begins or ends with a blank.
    fn has_firm_ends(&self, id: ExprId) -> bool {
        match self.program.expr(id) {
            Expr::Const(Value::String(text)) => trimmed(text) == &**text,
            Expr::Const(_) | Expr::Capture(_) => true,
            Expr::Local(local) => {
                let value = self.locals.iter().find(|(named, _)| named == local);
                value.is_some_and(|(_, value)| self.has_firm_ends(*value))
            }
            Expr::Slot(slot) => {
                let slot = self.program.slots.get(slot.0 as usize);
                slot.is_some_and(|slot| FIELD_LIKE.contains(&&*slot.field))
            }
            Expr::Coalesce(first, second) => {
                [first, second].iter().all(|value| self.has_firm_ends(**value))
            }
            Expr::Match(_, arms) => arms.iter().all(|arm| self.has_firm_ends(arm.value)),
            Expr::Template(parts) => {
                let words = |id: &ExprId| match self.program.expr(*id) {
                    Expr::Const(Value::String(text)) => Some(text),
                    _ => None,
                };
                // Beside a value that may be empty the words of the policy are the end.
                let first = parts.iter().find_map(words);
                let last = parts.iter().rev().find_map(words);
                let rest = parts.iter().filter(|part| words(part).is_none());
                first.is_none_or(|text| !text.starts_with(BLANKS))
                    && last.is_none_or(|text| !text.ends_with(BLANKS))
                    && rest.copied().all(|part| self.has_firm_ends(part))
            }
            _ => false,
        }
    }

    /// What a header field is once this value was put beside what was made of it before.
    fn added(&self, value: ExprId, before: Option<&Header>) -> Header {
        let is_there = match self.program.expr(value) {
            Expr::Const(value) => !value.is_absent(),
            Expr::Template(_) | Expr::Capture(_) => true,
            _ => false,
        };
        match before {
            Some(Header::Absent) => self.assigned(value),
            Some(Header::There | Header::Text(_) | Header::Added(_)) => Header::There,
            None if is_there => Header::Added(value),
            Some(_) if is_there => Header::There,
            _ => Header::Unknown,
        }
    }

    /// What `location` says: the policy's own words as they stand, if nothing in them is encoded on the way.
    fn location(&self, id: ExprId) -> Header {
        let stands = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:?=&".contains(&byte);
        match self.program.expr(id) {
            Expr::Const(Value::String(text)) if text.bytes().all(stands) => {
                Header::Text(text.clone())
            }
            _ => Header::There,
        }
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.call.row.params.iter().position(|param| param.name == name)
    }

    fn argument(&self, name: &str) -> Option<ExprId> {
        let id = self.lowered.args.get(self.place_of(name)?).copied()?;
        let absent = matches!(self.program.expr(id), Expr::Const(Value::Absent));
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

    /// Whether the value can stand there, whatever the request says. The policy's own words at the top of it are judged
    /// where they are written.
    fn fits(&self, id: ExprId, stands: Stands) -> bool {
        match (self.program.expr(id), stands) {
            // Whatever cannot stand in a query is encoded there.
            (_, Stands::Query) | (Expr::Const(_), _) => true,
            (Expr::Template(parts), Stands::Field) => {
                parts.iter().all(|part| self.fits(*part, stands))
            }
            (Expr::Template(parts), Stands::Path) => self.is_path(parts),
            _ => self.comes_to_fit(id, stands),
        }
    }

    /// The same of a value that may be one of several.
    fn comes_to_fit(&self, id: ExprId, stands: Stands) -> bool {
        match self.program.expr(id) {
            Expr::Const(Value::String(words)) => stands.takes(words),
            Expr::Const(value) => stands == Stands::Field || value.is_absent(),
            Expr::Local(local) => {
                let value = self.locals.iter().find(|(named, _)| named == local);
                value.is_some_and(|(_, value)| self.comes_to_fit(*value, stands))
            }
            Expr::Slot(slot) => {
                let slot = self.program.slots.get(slot.0 as usize);
                slot.is_some_and(|slot| match (&*slot.field, stands) {
                    ("req.path", Stands::Path) => true,
                    (field, Stands::Field) => FIELD_LIKE.contains(&field),
                    _ => false,
                })
            }
            Expr::Capture(_) => stands != Stands::Host,
            Expr::Template(parts) if stands == Stands::Field => {
                parts.iter().all(|part| self.comes_to_fit(*part, stands))
            }
            Expr::Coalesce(first, second) => {
                [first, second].iter().all(|value| self.comes_to_fit(**value, stands))
            }
            Expr::Match(_, arms) if stands != Stands::Path => {
                arms.iter().all(|arm| self.comes_to_fit(arm.value, stands))
            }
            _ => false,
        }
    }

    /// Whether these parts are a path together, whatever the request says: each fits, and none that the policy says
    /// makes dots of its own with what a request says beside it.
    fn is_path(&self, parts: &[ExprId]) -> bool {
        let words = |id: &ExprId| match self.program.expr(*id) {
            Expr::Const(value) => value.as_str(),
            _ => None,
        };
        let is_one = |id: &ExprId| match self.program.expr(*id) {
            Expr::Slot(_) | Expr::Capture(_) => self.comes_to_fit(*id, Stands::Path),
            _ => words(id).is_some(),
        };
        let are_dots = |segment: Option<&str>| {
            let dot = |c: char| ".%2eE".contains(c);
            segment.is_some_and(|segment| !segment.is_empty() && segment.chars().all(dot))
        };
        let apart = parts.windows(2).all(|pair| match pair {
            [before, behind] => match (words(before), words(behind)) {
                (Some(before), _) => !are_dots(before.rsplit('/').next()),
                (None, Some(behind)) => !are_dots(behind.split('/').next()),
                (None, None) => true,
            },
            _ => true,
        });
        apart && parts.iter().all(is_one)
    }

    /// Whether it is a place to send a client to, whatever the request says: text that begins with the policy's own.
    fn is_place(&self, id: ExprId) -> bool {
        let own = |id: ExprId| match self.program.expr(id) {
            Expr::Const(value) => value.as_str().is_some_and(|text| !text.is_empty()),
            _ => false,
        };
        match self.program.expr(id) {
            Expr::Template(parts) => {
                parts.first().is_some_and(|part| own(*part))
                    && parts.iter().all(|part| self.fits(*part, Stands::Field))
            }
            _ => own(id),
        }
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
