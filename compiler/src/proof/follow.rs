//! What statements read of a message on its way, said of the request as it came: at each statement the path, the query, a
//! header field or the status are what those before it have left. Where nobody knows that (the gateway writes the field,
//! an upstream has answered) the reading stays what it is, and proofs take it for nothing in particular.

use std::collections::HashMap;
use std::sync::Arc;

use lang::functions::FUNCTIONS;
use lang::policy::{self, LocalId, Message};
use lang::vocab::ExprId;
use lang::{Span, Ty, Value};

use super::act::Act;
use super::course::{Course, End, Header, Status};
use super::sent::{Field, is_bare, is_passed_on, passed};
use super::values::{Stands, Values};
use crate::caching::Carriers;
use crate::frame::{OWN_STATUS, Slot, SlotId};
use crate::interp::Constants;
use crate::lower::expr::Key;
use crate::program::{Expr, Program, Route, Step, StepKind, locals};

/// Whether a slot reads of a message what a statement may have made of it, or an upstream.
pub(crate) fn is_on_its_way(slot: &Slot) -> bool {
    ["up.", "origin.", "resp."].iter().any(|of| slot.field.starts_with(of))
}

/// Says in the statements of the program, which are those of `written`, what they read of messages on their way.
pub(super) fn follow<'w>(
    program: &mut Program,
    spans: &mut Vec<Span>,
    constants: &Constants,
    (written, believes, head): (impl Iterator<Item = &'w policy::Route>, bool, usize),
) {
    if !program.slots.iter().any(is_on_its_way) {
        return;
    }
    let known = program.exprs.iter().zip(0..).map(|(expr, at)| (Key::of(expr), ExprId(at)));
    let known = known.collect();
    let (sizes, unnamed) = (Vec::new(), HashMap::new());
    let mut rewriting =
        Rewriting { program, constants, spans, known, sizes, unnamed, believes, head };
    for (at, written) in written.enumerate() {
        let Some(route) = rewriting.program.routes.get(at).cloned() else { continue };
        let roots = route.steps.iter().flat_map(Step::exprs);
        if rewriting.program.reads(roots).into_iter().any(|slot| rewriting.is_on_its_way(slot)) {
            let route = rewriting.route(written, Route::clone(&route));
            if let Some(place) = rewriting.program.routes.get_mut(at) {
                *place = Arc::new(route);
            }
        }
    }
}

/// A reading that comes to more expressions than these is not followed: statements that each read twice what the one before
/// them has left would double it line by line. Where the same ones come again and again, fewer are enough.
const MOST: usize = 1_024;

/// See [`MOST`].
const MOST_REPEATED: usize = 128;

/// What stands at a statement, beside what its course says.
struct Sent {
    path: Option<ExprId>,
    query: Option<ExprId>,
    host: Option<ExprId>,
}

struct Rewriting<'p> {
    program: &'p mut Program,
    constants: &'p Constants,
    /// Where each expression is first written.
    spans: &'p mut Vec<Span>,
    /// By what is written of it.
    known: HashMap<Key, ExprId>,
    /// How many expressions each is made of, those that stand in it twice counted twice.
    sizes: Vec<usize>,
    /// Lets whose values read what is not known: what is not known has no name.
    unnamed: HashMap<LocalId, ExprId>,
    /// Whether some listener may believe what a peer says about the client.
    believes: bool,
    /// The most bytes of a request's head.
    head: usize,
}

impl Rewriting<'_> {
    fn route(&mut self, written: &policy::Route, mut route: Route) -> Route {
        let mut course = Course::begin();
        let mut sent =
            Sent { path: Some(self.read("req.path", None, Ty::String)), query: None, host: None };
        for (at, step) in written.steps.iter().enumerate() {
            let Some(lowered) = route.steps.get_mut(at) else { break };
            // What always holds does so for every answer, and reads another one each time.
            let is_here = !matches!(lowered.kind, StepKind::Always(_));
            lowered.each_expr_mut(&mut |id| {
                *id = self.rewritten(*id, &|rewriting, slot| {
                    let stands = is_here.then(|| rewriting.stands(slot, &course, &sent)).flatten();
                    stands.filter(|value| rewriting.is_short(*value))
                });
            });
            if let StepKind::Let(local, value) = &lowered.kind
                && self.program.reads([*value]).into_iter().any(|slot| self.is_on_its_way(slot))
            {
                self.unnamed.insert(*local, *value);
            }
            let locals = locals(&route.steps);
            let (program, constants) = (&*self.program, self.constants);
            let (locals, head) = (&*locals, self.head);
            let values = Values { program, constants, locals, head, paths: &route.paths };
            // Whom a cache answers is not read on the way.
            let carriers = &Carriers::default();
            let act = |call, lowered| Act {
                values,
                conditions: &route.conditions,
                steps: &route.steps,
                carriers,
                at,
                call,
                lowered,
            };
            let (policy::StepKind::Act(call), Some(StepKind::Act(lowered))) =
                (&step.kind, route.steps.get(at).map(|step| &step.kind))
            else {
                continue;
            };
            let (mut next, mut ended) = (Vec::new(), Vec::new());
            if act(call, lowered).advance(course.clone(), &mut next, &mut ended).is_err() {
                break;
            }
            // Where there are several, they differ in whom they ask.
            let Some(one) = next.into_iter().next() else { break };
            let has_answer = course.end == End::Open && one.end != End::Open;
            course = one;
            let answers = has_answer || call.row.ends == lang::vocab::Ends::Responds;
            if answers {
                let steps = written.steps.iter().zip(&route.steps).take(at);
                for (held, lowered) in steps {
                    let (policy::StepKind::Always(held), StepKind::Always(lowered)) =
                        (&held.kind, &lowered.kind)
                    else {
                        continue;
                    };
                    for pair in held.iter().zip(lowered) {
                        if let (policy::StepKind::Act(call), StepKind::Act(lowered)) =
                            (&pair.0.kind, &pair.1.kind)
                        {
                            let before = course.clone();
                            course = act(call, lowered)
                                .hold(before)
                                .unwrap_or_else(|_| Course { blurred: true, ..course.clone() });
                        }
                    }
                }
            }
            let place = lowered.place.as_ref().map(|(field, _)| &**field);
            let value = lowered.args.first().copied();
            match (&*lowered.action, place) {
                ("rewrite", _) | (_, Some("up.path")) => {
                    sent.path = value.filter(|value| self.is_path(*value));
                }
                (_, Some("up.host")) => {
                    sent.host = value.filter(|value| self.is_host(*value));
                }
                (_, Some("up.query")) => {
                    sent.query = match value {
                        Some(value) => Some(value).filter(|value| self.is_query(*value)),
                        None => Some(self.constant(Value::Absent)),
                    };
                }
                _ => {}
            }
            if answers || course.blurred {
                // From here on nothing is sent any more; or nobody knows what is.
                (sent.path, sent.query, sent.host) = (None, None, None);
            }
        }
        route
    }

    /// What a reading is at a statement; nothing, if nobody knows.
    fn stands(&mut self, slot: SlotId, course: &Course, sent: &Sent) -> Option<ExprId> {
        let Slot { field, key, .. } = self.program.slot(slot)?.clone();
        if course.blurred {
            return None;
        }
        let is_open = course.end == End::Open;
        match (&*field, key) {
            ("up.path", None) if is_open => sent.path,
            ("up.query", None) if is_open => sent.query,
            ("up.host", None) if is_open => sent.host,
            ("up.header", Some(name)) if is_open => match course.made(Message::Up, &name) {
                Some(header) => self.made(header),
                None => match [true, false].map(|believes| passed(&name, believes)) {
                    [Field::Absent, Field::Absent] => Some(self.constant(Value::Absent)),
                    // Several cookies are put together on their way.
                    [Field::Copied { always: true }, Field::Copied { always: true }]
                        if &*name != "cookie" =>
                    {
                        Some(self.read("req.header", Some(name), Ty::String.optional()))
                    }
                    [_, Field::Peer] if !self.believes => {
                        let peer = self.read("conn.peer", None, Ty::Ip);
                        Some(self.intern(Expr::Template(vec![peer]), Span::default()))
                    }
                    [_, Field::Scheme] if !self.believes => {
                        Some(self.read("req.scheme", None, Ty::one_of(&["http", "https"])))
                    }
                    _ => None,
                },
            },
            ("resp.header", Some(name)) if !is_open && &*name != "date" => {
                match course.made(Message::Resp, &name) {
                    Some(header) => self.made(header),
                    None if course.own && is_bare(&name) => Some(self.constant(Value::Absent)),
                    None if !course.own && is_bare(&name) && is_passed_on(&name) => {
                        self.answered("origin.header", Some(&name))
                    }
                    None => None,
                }
            }
            ("resp.status", None) if !is_open => match &course.status {
                Status::Known(status) => Some(self.constant(Value::Status(*status))),
                Status::Computed(id) => Some(*id),
                Status::Unknown if !course.own => {
                    let answered = self.answered("origin.status", None)?;
                    let own = self.read(OWN_STATUS, None, Ty::Status);
                    Some(self.intern(Expr::Coalesce(answered, own), Span::default()))
                }
                Status::Unknown => None,
            },
            _ => None,
        }
    }

    /// What an upstream says in a field, where that is asked of (see [`Basis::answered`](super::basis::Basis::answered)).
    fn answered(&mut self, field: &str, key: Option<&str>) -> Option<ExprId> {
        let slot = self.program.slot_of(field, key)?;
        let is_asked = self.program.slot(slot)?.stable;
        is_asked.then(|| self.intern(Expr::Slot(slot), Span::default()))
    }

    /// What a header field says that a statement made, as it is read behind that.
    fn made(&mut self, header: &Header) -> Option<ExprId> {
        let program = &*self.program;
        let (constants, head) = (self.constants, self.head);
        let values = Values { program, constants, locals: &[], head, paths: &[] };
        match header {
            Header::Value(id) if values.is_text(*id) => Some(*id),
            Header::Trimmed(id) if values.is_text(*id) => {
                let trim = FUNCTIONS.iter().find(|function| function.name == "trim")?;
                Some(self.intern(Expr::Call(trim, vec![*id]), Span::default()))
            }
            Header::Text(text) => Some(self.constant(Value::String(text.clone()))),
            Header::Absent => Some(self.constant(Value::Absent)),
            _ => None,
        }
    }

    /// Whether it is short enough to be followed.
    fn is_short(&mut self, id: ExprId) -> bool {
        let size = self.size(id);
        let is_plain = |size| size <= 2 * self.program.walk([id], &[]).count();
        size <= MOST_REPEATED || (size <= MOST && is_plain(size))
    }

    /// Of how many expressions it is made.
    fn size(&mut self, id: ExprId) -> usize {
        let (sizes, program) = (&mut self.sizes, &*self.program);
        // Operands stand before their users.
        for expr in program.exprs.iter().take(id.0 as usize + 1).skip(sizes.len()) {
            let mut size: usize = 1;
            expr.each_operand(&mut |operand| {
                let operand = sizes.get(operand.0 as usize).copied().unwrap_or(usize::MAX);
                size = size.saturating_add(operand);
            });
            sizes.push(size);
        }
        sizes.get(id.0 as usize).copied().unwrap_or(usize::MAX)
    }

    /// Whether it is a path that is sent as it stands.
    fn is_path(&self, id: ExprId) -> bool {
        let is_plain = |text: &str| Stands::Path.takes(text) && !text.contains("//");
        let is_own = |id: ExprId| match self.program.expr(id) {
            Expr::Slot(slot) => {
                let slot = self.program.slot(*slot);
                slot.is_some_and(|slot| &*slot.field == "req.path")
            }
            _ => false,
        };
        match self.program.expr(id) {
            Expr::Const(Value::String(text)) => is_plain(text),
            Expr::Template(parts) => match parts.as_slice() {
                [first, path] => match self.program.expr(*first) {
                    Expr::Const(Value::String(text)) => {
                        is_plain(text) && !text.ends_with('/') && is_own(*path)
                    }
                    _ => false,
                },
                _ => false,
            },
            _ => is_own(id),
        }
    }

    /// Whether it is a query that is sent as it stands.
    fn is_query(&self, id: ExprId) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=&".contains(&byte);
        match self.program.expr(id) {
            Expr::Const(Value::String(text)) => !text.is_empty() && text.bytes().all(is_plain),
            Expr::Const(value) => value.is_absent(),
            _ => false,
        }
    }

    /// Whether it is a host that is asked for as it stands.
    fn is_host(&self, id: ExprId) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || b"0123456789-.".contains(&byte);
        match self.program.expr(id) {
            Expr::Const(Value::String(text)) => !text.is_empty() && text.bytes().all(is_plain),
            _ => false,
        }
    }

    fn is_on_its_way(&self, slot: SlotId) -> bool {
        self.program.slot(slot).is_some_and(is_on_its_way)
    }

    /// The expression with readings as `stands` says that they are.
    fn rewritten(
        &mut self,
        id: ExprId,
        stands: &dyn Fn(&mut Self, SlotId) -> Option<ExprId>,
    ) -> ExprId {
        let mut done: HashMap<ExprId, ExprId> = HashMap::new();
        // Operands stand before their users.
        let mut all: Vec<ExprId> = self.program.walk([id], &[]).map(|(id, _)| id).collect();
        all.sort_unstable();
        for at in all {
            let mut expr = self.program.expr(at).clone();
            let other = match &expr {
                Expr::Slot(slot) if self.is_on_its_way(*slot) => stands(self, *slot),
                Expr::Local(local) => self.unnamed.get(local).copied(),
                _ => None,
            };
            let mut changed = false;
            expr.each_operand_mut(&mut |operand| {
                let other = done.get(operand).copied().unwrap_or(*operand);
                changed |= other != *operand;
                *operand = other;
            });
            let other = other.or_else(|| {
                changed.then(|| {
                    let span = self.spans.get(at.0 as usize).copied().unwrap_or_default();
                    self.intern(expr, span)
                })
            });
            done.insert(at, other.unwrap_or(at));
        }
        done.get(&id).copied().unwrap_or(id)
    }

    fn constant(&mut self, value: Value) -> ExprId {
        self.intern(Expr::Const(value), Span::default())
    }

    /// The reading of a field of the request as it came.
    fn read(&mut self, field: &str, key: Option<Arc<str>>, ty: Ty) -> ExprId {
        let slot = self.program.slot_of(field, key.as_deref()).unwrap_or_else(|| {
            let field = Arc::from(field);
            self.program.slots.push(Slot { field, key, ty, stable: true });
            SlotId(self.program.slots.len() as u32 - 1)
        });
        self.intern(Expr::Slot(slot), Span::default())
    }

    fn intern(&mut self, expr: Expr, span: Span) -> ExprId {
        let key = Key::of(&expr);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let id = ExprId(self.program.exprs.len() as u32);
        self.program.exprs.push(expr);
        self.spans.resize(id.0 as usize, Span::default());
        self.spans.push(span);
        self.known.insert(key, id);
        id
    }
}
