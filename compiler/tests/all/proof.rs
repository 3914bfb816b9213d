//! Asserts against brute force: random routes, statements and claims over the world of `reference.rs`. What is said to be
//! proved holds of every request there, what is refuted of some does not, and nothing stays undecided that can be known.

use std::sync::Arc;

use compiler::{Ask, Decision, Frame, Matcher, lower, prove};
use lang::eval::{World, eval};
use lang::policy::{
    Assert, Claim, Compare, Expr, ExprKind, HeaderIs, InputId, LocalId, Message, Policy, Route,
    RouteId, Step, StepKind,
};
use lang::vocab::Field;
use lang::{Span, Value};
use proptest::prelude::*;

use crate::build::*;
use crate::reference::{Condition, Recipe, condition, expression, made, recipe, world};

/// A route's statements.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    requires: Vec<(Condition, u16)>,
    /// What is put into the path.
    spliced: usize,
    up: usize,
    end: usize,
    framed: bool,
}

impl Way {
    /// The same with something of which not every value can stand in a path.
    fn splicing(self, spliced: usize) -> Way {
        Way { spliced, ..self }
    }
}

pub(crate) fn way() -> impl Strategy<Value = Way> {
    let status = prop_oneof![Just(403_u16), Just(401)];
    (prop::collection::vec((condition(), status), 0..3), 0_usize..7, 0_usize..4, any::<bool>())
        .prop_map(|(requires, up, end, framed)| Way { requires, spliced: 0, up, end, framed })
}

/// A value for a path, of the policy's own words where the request says none.
fn spliced(which: usize) -> Option<Expr> {
    let (i, text) = (|| header("i"), |text: &str| constant(Value::string(text)));
    Some(match which {
        1 => coalesce(i(), ""),
        2 => coalesce(i(), ".."),
        3 => coalesce(i(), "a/b"),
        4 => call("lower", vec![coalesce(i(), "A/B")]),
        5 => coalesce(i(), "b"),
        6 => chosen(
            i(),
            vec![
                (vec![Value::Absent], text("/a")),
                (vec![Value::string("1")], text("")),
                (vec![], text("b")),
            ],
        ),
        7 => chosen(i(), vec![(vec![Value::Absent], text(".;a")), (vec![], coalesce(i(), ".."))]),
        _ => return None,
    })
}

fn via(mut step: Step, policy: &str) -> Step {
    step.via.push(Arc::from(policy));
    step
}

pub(crate) fn routed(name: &str, recipe: &Recipe, way: &Way) -> Route {
    let mut route = made(name, recipe);
    route.steps.clear();
    for (condition, status) in &way.requires {
        let step = require(expression(condition, recipe.shelf), *status);
        route.steps.push(if *status == 401 { via(step, "guard") } else { step });
    }
    route.steps.extend(spliced(way.spliced).map(rewrite));
    match way.up {
        0 => {}
        1 => route.steps.push(set(true, "u", constant(Value::string("1")))),
        2 => route.steps.push(set(true, "u", header("h"))),
        3 => route.steps.push(set(true, "h", constant(Value::string("1")))),
        4 => route.steps.push(unset(true, "h")),
        5 => route.steps.push(add(true, "u", constant(Value::string("1")))),
        _ => route.steps.push(add(true, "h", constant(Value::string("1")))),
    }
    route.steps.push(match way.end {
        0 => forward("p"),
        1 => forward("q"),
        2 => respond(200),
        _ => respond(404),
    });
    if way.framed {
        route.steps.push(set(false, "r", constant(Value::string("1"))));
    }
    route
}

fn claim() -> impl Strategy<Value = Claim> {
    let how = prop_oneof![Just(Compare::Eq), Just(Compare::Lt), Just(Compare::Ge)];
    let status = prop_oneof![Just(200_u16), Just(400), Just(401), Just(403), Just(404), Just(405)];
    let text = prop_oneof![3 => Just("1"), 1 => Just("z, 1"), 1 => Just("2, 1")];
    let is = prop_oneof![
        1 => Just(HeaderIs::Present),
        2 => text.prop_map(|text| HeaderIs::Text(Arc::from(text))),
    ];
    let name =
        prop_oneof![Just((Message::Up, "u")), Just((Message::Up, "h")), Just((Message::Resp, "r"))];
    let leaf = prop_oneof![
        3 => condition().prop_map(|c| Claim::Request(expression(&c, 0))),
        2 => Just(Claim::Denied),
        1 => Just(Claim::Responded),
        2 => (how, status).prop_map(|(how, status)| Claim::Status(how, status)),
        1 => prop::option::of(0_u32..3).prop_map(|at| Claim::Route(at.map(RouteId))),
        1 => Just(Claim::Applied(Arc::from("guard"))),
        2 => prop_oneof![Just(None), Just(Some("p")), Just(Some("q"))]
            .prop_map(|to| Claim::Forwarded(to.map(Arc::from))),
        2 => (name, is).prop_map(|((of, name), is)| Claim::Header(of, Arc::from(name), is)),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|c| Claim::Not(Box::new(c))),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Claim::All),
            prop::collection::vec(inner, 1..4).prop_map(Claim::Any),
        ]
    })
}

/// A request with what its route captured.
struct Reading<'r> {
    request: &'r Request,
    captures: Vec<(Arc<str>, Value)>,
}

impl World for Reading<'_> {
    fn input(&self, _: InputId) -> Value {
        Value::Absent
    }

    fn field(&self, field: &'static Field, key: Option<&str>) -> Value {
        self.request.says(field.path, key)
    }

    fn capture(&self, name: &str) -> Value {
        let found = self.captures.iter().find(|(known, _)| &**known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn local(&self, _: LocalId) -> Value {
        Value::Absent
    }
}

/// What becomes of a request, told the plain way.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    pub(crate) route: Option<u32>,
    pub(crate) denied: bool,
    pub(crate) responded: bool,
    pub(crate) status: u16,
    pub(crate) applied: bool,
    pub(crate) to: Option<Arc<str>>,
    pub(crate) up: Vec<(&'static str, Value)>,
    pub(crate) framed: Value,
}

fn item(expr: &Expr) -> Value {
    match &expr.kind {
        ExprKind::Const(value) => value.clone(),
        _ => Value::Absent,
    }
}

/// The client's `connection` names `h` if `stripped`, and it sends `u`; `upstream` is the status that an upstream answers with, and whether it sends `r` by itself.
pub(crate) fn fate(
    policy: &Policy,
    matcher: &Matcher,
    request: &Request,
    (stripped, u): (bool, Option<&str>),
    upstream: (u16, bool),
) -> (Fate, Vec<(Arc<str>, Value)>) {
    let program = matcher.program();
    let listener = program.listener("web").unwrap();
    let frame = Frame::new();
    let fill = World2(program, request);
    let decision =
        matcher.decide(&Ask { listener, head: request.head(), frame: &frame, fill: &fill });
    let captures = matcher.captures(&frame, &World2(program, request));
    let reading = Reading { request, captures: captures.clone() };
    let id = match decision {
        Decision::Route(id) => id,
        Decision::MethodNotAllowed(_) => {
            return (Fate { denied: true, status: 405, ..Fate::default() }, captures);
        }
        _ => return (Fate { denied: true, status: 404, ..Fate::default() }, captures),
    };
    let mut fate = Fate { route: Some(id.0), ..Fate::default() };
    let h = reading.field(&HEADER, Some("h"));
    let mut up = vec![
        ("h", if stripped { Value::Absent } else { h }),
        ("u", u.map_or(Value::Absent, Value::string)),
    ];
    for step in &policy.routes[id.0 as usize].steps {
        let StepKind::Act(call) = &step.kind else { continue };
        fate.applied |= !step.via.is_empty();
        let place = call.place.as_ref().map(|place| (place.field.path, place.key.clone().unwrap()));
        match (call.row.name, place) {
            ("require", _) if !eval(&call.args[0], &reading).is_true() => {
                let Value::Status(status) = item(&call.args[1]) else { unreachable!() };
                fate.denied = true;
                fate.status = status;
                break;
            }
            ("rewrite", _) => {
                let ExprKind::Template(parts) = &call.args[0].kind else { unreachable!() };
                let value = eval(&parts[1], &reading);
                if !is_segment(value.as_str().unwrap_or_default()) {
                    fate.denied = true;
                    fate.status = 400;
                    break;
                }
            }
            ("forward", _) => {
                let Value::Item(to) = item(&call.args[0]) else { unreachable!() };
                fate.to = Some(to);
                fate.status = upstream.0;
                fate.up = std::mem::take(&mut up);
                fate.framed = if upstream.1 { Value::string("0") } else { Value::Absent };
            }
            ("respond", _) => {
                let Value::Status(status) = item(&call.args[0]) else { unreachable!() };
                fate.responded = true;
                fate.denied = status >= 400;
                fate.status = status;
            }
            (_, Some(("resp.header", _))) => fate.framed = eval(&call.args[0], &reading),
            ("add", Some((_, key))) => {
                let value = eval(&call.args[0], &reading);
                let there = &mut up.iter_mut().find(|(name, _)| *name == &*key).unwrap().1;
                *there = match (there.as_str(), value.as_str()) {
                    (Some(there), Some(value)) => Value::string(format!("{there}, {value}")),
                    _ => value,
                };
            }
            ("set", Some((_, key))) => {
                up.iter_mut().find(|(name, _)| *name == &*key).unwrap().1 =
                    eval(&call.args[0], &reading);
            }
            ("unset", Some((_, key))) => {
                up.iter_mut().find(|(name, _)| *name == &*key).unwrap().1 = Value::Absent;
            }
            _ => {}
        }
    }
    (fate, captures)
}

use crate::build::World as World2;

fn holds(claim: &Claim, fate: &Fate, request: &Request) -> bool {
    match claim {
        Claim::Request(condition) => {
            eval(condition, &Reading { request, captures: Vec::new() }).is_true()
        }
        Claim::Denied => fate.denied,
        Claim::Responded => fate.responded,
        Claim::Status(how, than) => match how {
            Compare::Eq => fate.status == *than,
            Compare::Lt => fate.status < *than,
            _ => fate.status >= *than,
        },
        Claim::Route(None) => fate.route.is_some(),
        Claim::Route(Some(id)) => fate.route == Some(id.0),
        Claim::Applied(_) => fate.applied,
        // These policies have neither limits nor a cache.
        Claim::Limited(_) | Claim::Cached => false,
        Claim::Forwarded(to) => {
            fate.to.as_ref().is_some_and(|at| to.as_ref().is_none_or(|to| to == at))
        }
        Claim::Header(message, name, is) => {
            let value = match message {
                Message::Up => fate
                    .up
                    .iter()
                    .find(|(known, _)| *known == &**name)
                    .map(|(_, value)| value.clone())
                    .unwrap_or_default(),
                Message::Resp => fate.framed.clone(),
            };
            match is {
                HeaderIs::Present => !value.is_absent(),
                HeaderIs::Text(text) => value == Value::String(text.clone()),
            }
        }
        Claim::Not(inner) => !holds(inner, fate, request),
        Claim::All(parts) => parts.iter().all(|part| holds(part, fate, request)),
        Claim::Any(parts) => parts.iter().any(|part| holds(part, fate, request)),
    }
}

/// Whether it says this text of what is sent up.
fn says(claim: &Claim, text: &str) -> bool {
    match claim {
        Claim::Header(Message::Up, _, HeaderIs::Text(said)) => **said == *text,
        Claim::Not(inner) => says(inner, text),
        Claim::All(parts) | Claim::Any(parts) => parts.iter().any(|part| says(part, text)),
        _ => false,
    }
}

/// Whether an upstream has a say in it.
fn asks_upstream(claim: &Claim) -> bool {
    match claim {
        Claim::Status(..) | Claim::Header(Message::Resp, ..) => true,
        Claim::Not(inner) => asks_upstream(inner),
        Claim::All(parts) | Claim::Any(parts) => parts.iter().any(asks_upstream),
        _ => false,
    }
}

/// A policy of these routes in which nothing is left open, if there is one.
pub(crate) fn settled(routes: Vec<Route>) -> Option<Policy> {
    let mut policy = policy(routes);
    for _ in 0..4 {
        let (program, diags) = lower(&policy);
        if program.is_some() {
            return Some(policy);
        }
        for diag in diags {
            let route = |at: usize| (diag.labels[at].span.start / 10) as usize;
            match diag.code {
                "E0801" | "E0802" => {
                    before(&mut policy, route(0).min(route(1)), route(0).max(route(1)));
                }
                _ => return None,
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn asserts_hold_as_brute_force_says(
        made in prop::collection::vec((recipe(), way(), 0_usize..12), 1..4),
        claims in prop::collection::vec((prop::option::of(claim()), claim()), 6),
    ) {
        let routes = made.iter().enumerate().map(|(at, (recipe, way, spliced))| {
            routed(&format!("r{at}"), recipe, &way.clone().splicing(*spliced))
        });
        let Some(mut policy) = settled(routes.collect()) else { return Ok(()) };
        policy.asserts = claims
            .iter()
            .enumerate()
            .map(|(at, (of, expect))| Assert {
                name: Arc::from(format!("a{at}")),
                listeners: Vec::new(),
                of: of.clone().unwrap_or(Claim::All(Vec::new())),
                expect: expect.clone(),
                unproved: None,
                span: Span { start: at as u32, ..Span::default() },
                expect_span: Span { start: at as u32, ..Span::default() },
            })
            .collect();
        let program = lower(&policy).0.unwrap();
        let said = prove(&policy, &program);
        let matcher = matcher(&policy);
        // What claims say of `u`, and what was there before something was added.
        let mut sent = vec![None, Some("1"), Some("z")];
        for (text, others) in [("z, 1", &["z, 1"][..]), ("2, 1", &["2", "2, 1"])] {
            if policy.asserts.iter().any(|a| says(&a.of, text) || says(&a.expect, text)) {
                sent.extend(others.iter().copied().map(Some));
            }
        }
        let mut spoken = vec![false; claims.len()];
        let mut broken: Vec<Option<String>> = vec![None; claims.len()];
        let mut world = world();
        if made.iter().any(|(.., which)| spliced(*which).is_some()) {
            // Nothing but `i` is put into a path: one that can stand there, and one that cannot.
            let plain = world.iter().filter(|request| request.says("req.header", Some("i")).is_absent());
            let more: Vec<Request> = plain
                .flat_map(|request| ["2", ".."].map(|i| request.clone().header("i", i)))
                .collect();
            world.extend(more);
        }
        for request in world {
            for sent in sent.iter().copied().flat_map(|u| [(false, u), (true, u)]) {
                let mut forwards = true;
                for upstream in [(200, false), (401, true), (404, false), (500, false), (403, true)] {
                    let (fate, _) = fate(&policy, &matcher, &request, sent, upstream);
                    for (at, assert) in policy.asserts.iter().enumerate() {
                        if broken[at].is_some() || !holds(&assert.of, &fate, &request) {
                            continue;
                        }
                        spoken[at] = true;
                        if !holds(&assert.expect, &fate, &request) {
                            broken[at] = Some(format!("{request:?} {sent:?} {fate:?}"));
                        }
                    }
                    forwards = fate.to.is_some();
                    if !forwards {
                        break;
                    }
                }
                if !forwards {
                    break;
                }
            }
        }
        for (at, assert) in policy.asserts.iter().enumerate() {
            let diag = said.iter().find(|diag| diag.span().start == at as u32);
            let code = diag.map(|diag| diag.code);
            let about = || format!("{:#?}\n{:?}\n{:?}", assert, diag, broken[at]);
            match code {
                Some("E0901") => prop_assert!(broken[at].is_some(), "{}", about()),
                Some("E0902") => {
                    let open = asks_upstream(&assert.of) || asks_upstream(&assert.expect);
                    prop_assert!(open, "{}", about());
                }
                Some("W0903") => prop_assert!(!spoken[at], "{}", about()),
                None => prop_assert!(broken[at].is_none(), "{}", about()),
                Some(_) => prop_assert!(false, "{}", about()),
            }
        }
    }
}
