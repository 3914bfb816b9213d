//! A claim on one course: the requests for which it holds, as a formula; and whether it holds for one request, as the
//! interpreter sees it. The second holds the first to account.

use std::net::IpAddr;
use std::sync::Arc;

use lang::Value;
use lang::policy::{Claim, Compare, HeaderIs, Message, RouteId};
use lang::vocab::ExprId;

use crate::caching::{self, Carriers, READ};
use crate::interp::{Interp, ops};
use crate::lower::expr::Exprs;
use crate::order::witness::Witness;
use crate::program::{Program, Step};
use crate::proof::course::{Course, End, Status};
use crate::proof::sent::{Field, field, is_of_client, original};
use crate::space::{Cut, Env, Formula, Of, Test, can_be_said, host_and_port, trimmed};

/// A claim whose expressions are those of a program.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Request(ExprId),
    Denied,
    Responded,
    Status(Compare, u16),
    Route(Option<RouteId>),
    Applied(Arc<str>),
    Limited(Option<Arc<str>>),
    Cached(caching::Asks),
    Forwarded(Option<Arc<str>>),
    Header(Message, Arc<str>, HeaderIs, ExprId),
    Not(Box<Asked>),
    All(Vec<Asked>),
    Any(Vec<Asked>),
}

/// A course and the route it belongs to, if one answers.
#[derive(Clone, Copy)]
pub(crate) struct Way<'w> {
    pub(crate) course: &'w Course,
    pub(crate) route: Option<(RouteId, &'w [Step])>,
    /// Whether the listener may believe what a peer says about the client.
    pub(crate) believes: bool,
}

/// The claim with its expressions added to the program's.
pub(crate) fn asked(claim: &Claim, program: &Program, exprs: &mut Exprs) -> Asked {
    let all = |parts: &[Claim], exprs: &mut Exprs| -> Vec<Asked> {
        parts.iter().map(|part| asked(part, program, exprs)).collect()
    };
    match claim {
        Claim::Request(condition) => Asked::Request(exprs.lower(condition)),
        Claim::Denied => Asked::Denied,
        Claim::Responded => Asked::Responded,
        Claim::Status(how, status) => Asked::Status(*how, *status),
        Claim::Route(route) => Asked::Route(*route),
        Claim::Applied(policy) => Asked::Applied(policy.clone()),
        Claim::Limited(by) => Asked::Limited(by.clone()),
        Claim::Cached => Asked::Cached(caching::Asks::add(&[Carriers::of(program)], exprs)),
        Claim::Forwarded(to) => Asked::Forwarded(to.clone()),
        Claim::Header(message, name, is) => {
            Asked::Header(*message, name.clone(), is.clone(), original(*message, name, exprs))
        }
        Claim::Not(inner) => Asked::Not(Box::new(asked(inner, program, exprs))),
        Claim::All(parts) => Asked::All(all(parts, exprs)),
        Claim::Any(parts) => Asked::Any(all(parts, exprs)),
    }
}

impl Asked {
    /// Whether it asks for the status, so that 404 and 405 may differ in it.
    pub(crate) fn asks_status(&self) -> bool {
        match self {
            Asked::Status(..) => true,
            Asked::Not(inner) => inner.asks_status(),
            Asked::All(parts) | Asked::Any(parts) => parts.iter().any(Asked::asks_status),
            _ => false,
        }
    }

    /// Whether it asks what comes of a request, and not only what the request says.
    pub(crate) fn asks_outcome(&self) -> bool {
        match self {
            Asked::Request(_) => false,
            Asked::Not(inner) => inner.asks_outcome(),
            Asked::All(parts) | Asked::Any(parts) => parts.iter().any(Asked::asks_outcome),
            _ => true,
        }
    }

    /// Whether it asks what an upstream may answer.
    pub(crate) fn asks_answer(&self) -> bool {
        match self {
            Asked::Status(..) => true,
            Asked::Header(message, ..) => *message == Message::Resp,
            Asked::Not(inner) => inner.asks_answer(),
            Asked::All(parts) | Asked::Any(parts) => parts.iter().any(Asked::asks_answer),
            _ => false,
        }
    }

    /// Whether it asks for a header field that the gateway may write by itself, without a statement.
    pub(crate) fn asks_written(&self, way: Way<'_>) -> bool {
        match self {
            Asked::Header(message, name, ..) => {
                let is_open = matches!(
                    field(way, *message, name),
                    Field::Unknown | Field::There | Field::Host
                );
                is_open && !way.course.blurred && way.course.made(*message, name).is_none()
            }
            Asked::Not(inner) => inner.asks_written(way),
            Asked::All(parts) | Asked::Any(parts) => {
                parts.iter().any(|part| part.asks_written(way))
            }
            _ => false,
        }
    }

    /// Whether it asks for a header field that peers say whom the listener trusts.
    pub(crate) fn asks_believed(&self) -> bool {
        match self {
            Asked::Header(Message::Up, name, ..) => is_of_client(name),
            Asked::Not(inner) => inner.asks_believed(),
            Asked::All(parts) | Asked::Any(parts) => parts.iter().any(Asked::asks_believed),
            _ => false,
        }
    }

    /// The conditions on a request that it asks.
    pub(crate) fn conditions(&self) -> Vec<ExprId> {
        match self {
            Asked::Request(id) => vec![*id],
            Asked::Not(inner) => inner.conditions(),
            Asked::All(parts) | Asked::Any(parts) => {
                parts.iter().flat_map(Asked::conditions).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What its claims about the cache ask.
    pub(crate) fn of_cache(&self) -> Option<&caching::Asks> {
        match self {
            Asked::Cached(asks) => Some(asks),
            Asked::Not(inner) => inner.of_cache(),
            Asked::All(parts) | Asked::Any(parts) => parts.iter().find_map(Asked::of_cache),
            _ => None,
        }
    }

    /// The requests of the course for which it holds.
    pub(crate) fn formula(&self, cut: &mut Cut<'_>, way: Way<'_>, env: Env<'_>) -> Formula {
        let course = way.course;
        if let Some(holds) = self.settled(way) {
            return Formula::Always(holds);
        }
        match self {
            Asked::Request(id) => cut.condition(*id, Env { captures: &[], locals: &[] }),
            Asked::Denied => match &course.end {
                End::Forwarded(_) => Formula::Always(false),
                _ => status(cut, course, Compare::Ge, 400, env),
            },
            Asked::Status(how, than) => status(cut, course, *how, *than, env),
            Asked::Header(message, name, is, original) => {
                header(cut, way, (*message, name), is, *original, env)
            }
            Asked::Cached(asks) => {
                let (Some(Ok(answers)), Some(_)) = (&course.caches, course.to()) else {
                    return Formula::Always(false);
                };
                let mut all = vec![cut.methods(Some(&READ.map(Arc::from)))];
                all.push(cut.condition(asks.has_own_terms, env).not());
                all.extend(asks.past(answers).map(|has| cut.condition(has, env).not()));
                Formula::all(all)
            }
            Asked::Not(inner) => inner.formula(cut, way, env).not(),
            Asked::All(parts) => {
                Formula::all(parts.iter().map(|part| part.formula(cut, way, env)).collect())
            }
            Asked::Any(parts) => {
                Formula::any(parts.iter().map(|part| part.formula(cut, way, env)).collect())
            }
            plain => Formula::Always(plain.plainly(way)),
        }
    }

    /// Whether it holds of all requests that come this way, or of none, whatever they say. `None` if that is not plain to
    /// see: most claims name a route, and what they ask of its requests is not read at the others.
    pub(crate) fn settled(&self, way: Way<'_>) -> Option<bool> {
        let one = |parts: &[Asked], holds: bool| {
            let mut all = Some(!holds);
            for part in parts {
                match part.settled(way) {
                    Some(known) if known == holds => return Some(holds),
                    Some(_) => {}
                    None => all = None,
                }
            }
            all
        };
        match self {
            Asked::Not(inner) => inner.settled(way).map(|holds| !holds),
            Asked::All(parts) => one(parts, false),
            Asked::Any(parts) => one(parts, true),
            Asked::Denied => match &way.course.end {
                End::Forwarded(_) => Some(false),
                _ => known_status(way.course, Compare::Ge, 400),
            },
            Asked::Status(how, than) => known_status(way.course, *how, *than),
            Asked::Request(_) | Asked::Header(..) | Asked::Cached(_) => None,
            plain => Some(plain.plainly(way)),
        }
    }

    /// Whether it holds for the request that comes this way. `None` where an upstream decides.
    pub(crate) fn holds(&self, seen: &Seen<'_>, way: Way<'_>) -> Option<bool> {
        let course = way.course;
        match self {
            Asked::Request(id) => seen.interp.holds(*id).ok(),
            Asked::Denied => match &course.end {
                End::Forwarded(_) => Some(false),
                _ => seen.status(course, Compare::Ge, 400),
            },
            Asked::Status(how, than) => seen.status(course, *how, *than),
            Asked::Header(message, name, is, original) => {
                seen.header(way, (*message, name), is, *original)
            }
            Asked::Cached(asks) => {
                let (Some(Ok(answers)), Some(_)) = (&course.caches, course.to()) else {
                    return Some(false);
                };
                let is_read = READ.contains(&&*seen.witness.method);
                let past = asks.past(answers).chain([asks.has_own_terms]);
                let past: Option<Vec<bool>> = past.map(|id| seen.interp.holds(id).ok()).collect();
                Some(is_read && !past?.contains(&true))
            }
            Asked::Not(inner) => Some(!inner.holds(seen, way)?),
            Asked::All(parts) => {
                let all: Vec<Option<bool>> = parts.iter().map(|p| p.holds(seen, way)).collect();
                match all.contains(&Some(false)) {
                    true => Some(false),
                    false => all.into_iter().collect::<Option<Vec<bool>>>().map(|_| true),
                }
            }
            Asked::Any(parts) => {
                let all: Vec<Option<bool>> = parts.iter().map(|p| p.holds(seen, way)).collect();
                match all.contains(&Some(true)) {
                    true => Some(true),
                    false => all.into_iter().collect::<Option<Vec<bool>>>().map(|_| false),
                }
            }
            plain => Some(plain.plainly(way)),
        }
    }

    /// What the course alone decides.
    fn plainly(&self, way: Way<'_>) -> bool {
        match self {
            Asked::Responded => way.course.end == End::Answered,
            Asked::Route(route) => {
                way.route.is_some_and(|(id, _)| route.is_none_or(|route| route == id))
            }
            Asked::Applied(policy) => way.route.is_some_and(|(_, steps)| {
                let ran = steps.iter().take(way.course.ran);
                ran.flat_map(|step| &step.via).any(|via| via == policy)
            }),
            Asked::Limited(by) => {
                let mut limits = way.course.limits.iter();
                limits.any(|limit| by.as_ref().is_none_or(|by| by == limit))
            }
            Asked::Forwarded(to) => {
                let at = way.course.to();
                at.is_some_and(|at| to.as_ref().is_none_or(|to| to == at))
            }
            _ => false,
        }
    }
}

/// How the status compares, where the course ends with one that is written there.
fn known_status(course: &Course, how: Compare, than: u16) -> Option<bool> {
    match &course.status {
        Status::Known(status) => Some(compares(*status, how, than)),
        Status::Computed(_) | Status::Unknown => None,
    }
}

fn compares(status: u16, how: Compare, than: u16) -> bool {
    ops::compare(how, &Value::Status(status), &Value::Status(than))
}

fn status(cut: &mut Cut<'_>, course: &Course, how: Compare, than: u16, env: Env<'_>) -> Formula {
    let test = Test::Compare(how, Value::Status(than));
    match &course.status {
        Status::Known(status) => Formula::Always(compares(*status, how, than)),
        Status::Computed(id) => cut.ask(*id, &test, env),
        Status::Unknown => cut.unknown(0, Of::Status, test),
    }
}

/// What is asked of a value.
fn test(is: &HeaderIs) -> Test {
    match is {
        HeaderIs::Present => Test::Present,
        HeaderIs::Text(text) => Test::Compare(Compare::Eq, Value::String(text.clone())),
    }
}

fn header(
    cut: &mut Cut<'_>,
    way: Way<'_>,
    (message, name): (Message, &Arc<str>),
    is: &HeaderIs,
    original: ExprId,
    env: Env<'_>,
) -> Formula {
    let test = test(is);
    match field(way, message, name) {
        Field::Absent => Formula::Always(false),
        Field::Value(id) => cut.ask(id, &test, env),
        Field::Text(text) => Formula::Always(test.holds(&Value::String(text.clone()))),
        Field::Nearly { value, sure } => {
            let there = cut.ask(value, &Test::Present, env);
            match is {
                HeaderIs::Present if sure => there,
                // What is said is what the value is, if that can be said.
                HeaderIs::Text(text) if !can_be_said(text) || trimmed(text) != &**text => {
                    Formula::Always(false)
                }
                _ => {
                    let is = match is {
                        HeaderIs::Present => Formula::Always(false),
                        HeaderIs::Text(_) => cut.ask(value, &test, env),
                    };
                    let number = 1 + 2 * original.0 + u32::from(message == Message::Up);
                    let open = cut.unknown(number, Of::Header, test);
                    Formula::any(vec![is, Formula::all(vec![there, open])])
                }
            }
        }
        Field::Beside { value, client } => {
            let HeaderIs::Text(text) = is else { return Formula::Always(true) };
            let number = 1 + 2 * original.0 + u32::from(message == Message::Up);
            let Some(behind) = plain(cut, value) else {
                return cut.unknown(number, Of::Header, test);
            };
            let passes = copied(cut, client, (name, original), &Test::Present, env);
            let alone = Formula::Always(**text == *behind);
            let beside =
                match text.strip_suffix(&*behind).and_then(|before| before.strip_suffix(", ")) {
                    // The client may have said nothing in its last field, or in one field what is said here.
                    Some(before) if trimmed(before).ends_with(',') => {
                        let open = cut.unknown(number, Of::Header, test);
                        Formula::all(vec![passes.clone(), open])
                    }
                    Some(before) => {
                        let before = Test::Compare(Compare::Eq, Value::string(before));
                        copied(cut, client, (name, original), &before, env)
                    }
                    None => Formula::Always(false),
                };
            Formula::any(vec![Formula::all(vec![passes.not(), alone]), beside])
        }
        Field::There if matches!(test, Test::Present) => Formula::Always(true),
        Field::Scheme => cut.ask(original, &test, env),
        Field::Peer => match is {
            HeaderIs::Present => Formula::Always(true),
            HeaderIs::Text(text) => match written_address(text) {
                Some(address) => cut.ask(original, &Test::Compare(Compare::Eq, address), env),
                None => Formula::Always(false),
            },
        },
        Field::Host => {
            let named = |host: &str| Test::Compare(Compare::Eq, Value::string(host));
            match is {
                HeaderIs::Present => cut.ask(original, &named(""), env).not(),
                HeaderIs::Text(text) => {
                    let (host, _) = host_and_port(text);
                    if host.is_empty() {
                        return Formula::Always(false);
                    }
                    // Which port was written is not for a policy to know.
                    let number = 1 + 2 * original.0 + u32::from(message == Message::Up);
                    let port = cut.unknown(number, Of::Header, test);
                    Formula::all(vec![cut.ask(original, &named(host), env), port])
                }
            }
        }
        Field::Copied { always } => copied(cut, always, (name, original), &test, env),
        // The name's own expression tells one unknown from the next.
        Field::There | Field::Unknown => {
            let number = 1 + 2 * original.0 + u32::from(message == Message::Up);
            cut.unknown(number, Of::Header, test)
        }
    }
}

/// What is asked of the client's field, where that passes.
fn copied(
    cut: &mut Cut<'_>,
    always: bool,
    (name, original): (&Arc<str>, ExprId),
    test: &Test,
    env: Env<'_>,
) -> Formula {
    let copied = cut.ask(original, test, env);
    if always {
        return copied;
    }
    let stripped = cut.stripped(name);
    Formula::all(vec![copied, stripped.not()])
}

/// The policy's own text, where it is sent as it stands.
fn plain(cut: &Cut<'_>, value: ExprId) -> Option<Arc<str>> {
    match cut.constant(value)? {
        Value::String(text) if !text.is_empty() && trimmed(&text) == &*text => Some(text),
        _ => None,
    }
}

/// The address that a text is, as the gateway writes it.
fn written_address(text: &str) -> Option<Value> {
    let address: IpAddr = text.parse().ok()?;
    (address.to_canonical().to_string() == text).then_some(Value::Ip(address))
}

/// One request, seen by the interpreter.
pub(crate) struct Seen<'s> {
    pub(crate) interp: Interp<'s>,
    pub(crate) witness: &'s Witness,
}

impl Seen<'_> {
    fn status(&self, course: &Course, how: Compare, than: u16) -> Option<bool> {
        let status = match &course.status {
            Status::Known(status) => Value::Status(*status),
            Status::Computed(id) => self.interp.value(*id).ok()?,
            Status::Unknown => return None,
        };
        Some(ops::compare(how, &status, &Value::Status(than)))
    }

    fn header(
        &self,
        way: Way<'_>,
        (message, name): (Message, &Arc<str>),
        is: &HeaderIs,
        original: ExprId,
    ) -> Option<bool> {
        let value = match field(way, message, name) {
            Field::Absent => Value::Absent,
            Field::Value(id) => self.interp.value(id).ok()?,
            Field::Text(text) => Value::String(text.clone()),
            Field::Nearly { value, sure } => match self.interp.value(value).ok()? {
                Value::Absent => Value::Absent,
                Value::String(text) if sure || can_be_said(&text) => Value::string(trimmed(&text)),
                _ => return None,
            },
            Field::Beside { value, client } => {
                let passes = client || !self.witness.strips(self.interp.program, name);
                let before = self.interp.value(original).ok()?;
                let value = self.interp.value(value).ok()?;
                match (before.as_str().filter(|_| passes), value.as_str()?) {
                    (None, value) => Value::string(trimmed(value)),
                    (Some(_), "") => return None,
                    (Some(before), value) if trimmed(value) == value => {
                        Value::string(format!("{before}, {value}"))
                    }
                    (Some(_), _) => return None,
                }
            }
            Field::There => return matches!(is, HeaderIs::Present).then_some(true),
            Field::Copied { always: false } if self.witness.strips(self.interp.program, name) => {
                Value::Absent
            }
            Field::Copied { .. } | Field::Scheme => self.interp.value(original).ok()?,
            Field::Peer => Value::string(self.interp.value(original).ok()?.to_string()),
            Field::Host => {
                let host = self.interp.value(original).ok()?;
                let host = host.as_str().unwrap_or_default();
                return match is {
                    HeaderIs::Present => Some(!host.is_empty()),
                    HeaderIs::Text(text) if host.is_empty() || host_and_port(text).0 != host => {
                        Some(false)
                    }
                    HeaderIs::Text(_) => None,
                };
            }
            Field::Unknown => return None,
        };
        Some(test(is).holds(&value))
    }
}
