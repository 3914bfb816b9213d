//! Decisions, 404 and 405, captures, pending slots, and why the others lost.

use std::sync::Arc;

use compiler::explain::{Failure, Loss, Rule, Verdict};
use compiler::{Ask, Backend, Frame, load, lower};
use lang::policy::Compare;
use lang::{Ty, Value};

use crate::build::*;

#[test]
fn the_narrower_host_then_path_then_condition_is_tried_first() {
    let matcher = matcher(&policy(vec![
        route("all"),
        route("wild").host(&["**.x"]),
        route("one").host(&["*.x"]),
        route("exact").host(&["a.x"]),
        route("below").host(&["*.x"]).path(&["/a/**"]),
        route("id").host(&["*.x"]).path(&["/a/{id: Int}"]),
        route("debug").host(&["*.x"]).path(&["/a/{n: Int}"]).when(is(header("d"), "1")),
    ]));
    for (request, answer) in [
        (get("y/"), "all"),
        (get("b.a.x/"), "wild"),
        (get("b.x/"), "one"),
        (get("a.x/a/1"), "exact"),
        (get("b.x/a"), "below"),
        (get("b.x/a/"), "below"),
        (get("b.x/a/7"), "id"),
        (get("b.x/a/07"), "below"),
        (get("b.x/a/7").header("d", "1"), "debug"),
        (get("b.x/a/7").header("d", "2"), "id"),
        (get("b.x/a/x").header("d", "1"), "below"),
    ] {
        assert_eq!(decide(&matcher, &request), answer, "{request:?}");
    }
}

#[test]
fn a_candidate_whose_condition_fails_lets_broader_ones_try() {
    let matcher = matcher(&policy(vec![
        route("exact").host(&["a.x"]).path(&["/a"]).when(is(header("d"), "1")),
        route("below").host(&["a.x"]).path(&["/**"]).method(&["GET"]),
        route("wild").host(&["*.x"]).path(&["/a"]),
    ]));
    assert_eq!(decide(&matcher, &get("a.x/a").header("d", "1")), "exact");
    assert_eq!(decide(&matcher, &get("a.x/a")), "below");
    assert_eq!(decide(&matcher, &get("a.x/a").method("POST")), "wild");
    assert_eq!(decide(&matcher, &get("a.x/b").method("POST")), "405 GET");
    assert_eq!(decide(&matcher, &get("b.x/b")), "404");
}

#[test]
fn allow_names_what_would_be_taken() {
    let matcher = matcher(&policy(vec![
        route("read").path(&["/a"]).method(&["GET", "HEAD"]),
        route("write").path(&["/a"]).method(&["PUT"]).when(is(header("d"), "1")),
    ]));
    assert_eq!(decide(&matcher, &get("x/a").method("POST")), "405 GET, HEAD");
    let debug = get("x/a").method("POST").header("d", "1");
    assert_eq!(decide(&matcher, &debug), "405 GET, HEAD, PUT");
}

#[test]
fn captures_are_typed_and_belong_to_the_answer() {
    let matcher = matcher(&policy(vec![
        route("a").path(&["/{tenant}/{id: Int}"]).when(not(is(capture("tenant"), "t"))),
        route("b").path(&["/{tenant}/**"]),
    ]));
    let program = matcher.program().clone();
    let frame = Frame::new();
    let listener = program.listener("web").unwrap();
    for (request, captured) in [
        (get("x/acme/-7"), vec![("tenant", Value::string("acme")), ("id", Value::Int(-7))]),
        (get("x/t/7"), vec![("tenant", Value::string("t"))]),
    ] {
        let fill = World(&program, &request);
        matcher.decide(&Ask { listener, head: request.head(), frame: &frame, fill: &fill });
        let captured: Vec<_> = captured.into_iter().map(|(n, v)| (Arc::from(n), v)).collect();
        assert_eq!(matcher.captures(&frame, &World(&program, &request)), captured);
    }
}

#[test]
fn a_decision_says_what_it_waits_for() {
    let large = compare(Compare::Gt, field(&SIZE, None), Value::Size(10));
    let matcher = matcher(&policy(vec![route("large").path(&["/a"]).when(large), route("rest")]));
    assert_eq!(decide(&matcher, &get("x/a")), "pending req.body.size");
    assert_eq!(decide(&matcher, &get("x/b")), "rest");
    let sized = get("x/a").with("req.body.size", Value::Size(11));
    assert_eq!(decide(&matcher, &sized), "large");
}

#[test]
fn absence_fails_every_test_and_not_turns_that_around() {
    let matcher = matcher(&policy(vec![
        route("ne").path(&["/ne"]).when(compare(Compare::Ne, header("d"), Value::string("1"))),
        route("not").path(&["/not"]).when(not(is(header("d"), "1"))),
        route("in").path(&["/in"]).when(is_in(header("d"), Value::list([Value::string("1")]))),
    ]));
    assert_eq!(decide(&matcher, &get("x/ne")), "404");
    assert_eq!(decide(&matcher, &get("x/not")), "not");
    assert_eq!(decide(&matcher, &get("x/in")), "404");
}

#[test]
fn every_loser_knows_why() {
    let policy = policy(vec![
        route("host").host(&["y"]),
        route("path").path(&["/b"]),
        route("method").path(&["/a"]).method(&["PUT"]).when(is(header("d"), "2")),
        route("where").path(&["/a"]).when(is(header("d"), "1")),
        route("wins").host(&["x"]).path(&["/a/**"]),
        route("later").path(&["/**"]),
        route("behind").host(&["x"]),
    ]);
    let matcher = matcher(&policy);
    let request = get("x/a");
    let program = matcher.program().clone();
    let listener = program.listener("web").unwrap();
    let (frame, fill) = (Frame::new(), World(&program, &request));
    let told = matcher.explain(&Ask { listener, head: request.head(), frame: &frame, fill: &fill });
    let wins = program.route_named("wins").unwrap();
    let expected = [
        Verdict::Lost(Loss::Host),
        Verdict::Lost(Loss::Path),
        Verdict::Lost(Loss::Method(vec![Arc::from("PUT")])),
        Verdict::Lost(Loss::Condition(vec![Failure {
            span: lang::Span::default(),
            found: vec![("req.header[\"d\"]".to_owned(), Value::Absent)],
            computed: Vec::new(),
        }])),
        Verdict::Answers,
        Verdict::Lost(Loss::Later(wins, Rule::Host)),
        Verdict::Lost(Loss::Later(wins, Rule::Path)),
    ];
    assert_eq!(told.routes.into_iter().map(|(_, v)| v).collect::<Vec<_>>(), expected);
}

#[test]
fn inputs_are_bound_and_checked() {
    let mut policy = policy(vec![route("region").when(compare_input("x-region")), route("rest")]);
    policy.inputs.push(lang::policy::Input {
        name: Arc::from("region"),
        ty: Ty::String,
        from: lang::policy::From::Given,
        default: None,
        doc: Arc::from(""),
        span: lang::Span::default(),
    });
    let program = Arc::new(lower(&policy).0.unwrap());
    let eu = load(program.clone(), vec![Value::string("eu")], Backend::Interp).unwrap();
    assert_eq!(decide(&eu, &get("x/").header("x-region", "eu")), "region");
    assert_eq!(decide(&eu, &get("x/").header("x-region", "us")), "rest");
    let missing = load(program.clone(), vec![Value::Absent], Backend::Interp);
    assert_eq!(missing.unwrap_err().to_string(), "the input `region` has no value");
    assert!(load(program.clone(), vec![Value::Int(1)], Backend::Interp).is_err());
    assert!(load(program, Vec::new(), Backend::Interp).is_err());
}

fn compare_input(name: &str) -> lang::policy::Expr {
    use lang::policy::{Expr, ExprKind, InputId};
    let input =
        Expr { kind: ExprKind::Input(InputId(0)), ty: Ty::String, span: lang::Span::default() };
    boolean(ExprKind::Compare(Compare::Eq, Box::new(header(name)), Box::new(input)))
}

#[test]
fn a_program_prints_as_text() {
    let condition = or(vec![
        and(vec![is(header("a"), "1"), not(is(header("b"), "2"))]),
        is_in(field(&IP, None), Value::list([Value::Cidr("10.0.0.0/8".parse().unwrap())])),
    ]);
    let policy = policy(vec![
        route("one").host(&["*.x"]).path(&["/a/{id: Int}/**"]).method(&["GET"]).when(condition),
        route("rest"),
    ]);
    let program = lower(&policy).0.unwrap();
    let expected = r#"slot 0 req.header["a"]: String?
slot 1 req.header["b"]: String?
slot 2 client.ip: Ip
listener web
on web
  host *.x
    path /a/{Int}/**
      0 one id=1 on GET
        0: client.ip in [10.0.0.0/8] ? pass : 1
        1: req.header["a"] == "1" ? 2 : fail
        2: req.header["b"] == "2" ? fail : pass
  host any
    path /**
      0 rest
route one
  respond "one"
route rest
  respond "rest"
"#;
    assert_eq!(program.to_string(), expected);
}

#[test]
fn a_decision_allocates_nothing() {
    let office = Value::Cidr("10.0.0.0/8".parse().unwrap());
    let beneath = call("starts_with", vec![header("p"), constant(Value::string("/x"))]);
    let matcher = matcher(&policy(vec![
        route("first")
            .host(&["*.x"])
            .path(&["/a/{id}/b"])
            .method(&["GET", "PUT"])
            .when(and(vec![is(header("d"), "1"), is_in(field(&IP, None), office), not(beneath)]))
            .when(is(capture("id"), "7")),
        route("count").host(&["a.x"]).path(&["/a/{n: Int}/b"]).when(compare(
            Compare::Lt,
            capture("n"),
            Value::Int(5),
        )),
        route("rest"),
    ]));
    struct Slices<'r>(Vec<Option<&'r Request>>);
    impl compiler::Fill for Slices<'_> {
        fn path(&self) -> &str {
            self.0[0].map_or("", |request| &request.path)
        }
        fn fill(&self, slot: compiler::SlotId) -> compiler::Read<'_> {
            // Two headers that are there, one that is not, and the address.
            match slot.0 {
                0 => compiler::Read::Text("1"),
                1 => compiler::Read::Value(Value::Ip("10.1.2.3".parse().unwrap())),
                _ => compiler::Read::Value(Value::Absent),
            }
        }
    }
    let listener = matcher.program().listener("web").unwrap();
    for (request, answer) in
        [(get("b.x/a/7/b"), "first"), (get("a.x/a/3/b"), "count"), (get("a.x/a/30/c"), "rest")]
    {
        let world = Slices(vec![Some(&request)]);
        let head = request.head();
        let mut decision = None;
        let heap = allocation_counter::measure(|| {
            let ask = Ask { listener, head, frame: &Frame::new(), fill: &world };
            decision = Some(matcher.decide(&ask));
        });
        let route = matcher.program().route_named(answer).unwrap();
        assert_eq!(decision, Some(compiler::Decision::Route(route)), "{answer}");
        assert_eq!(heap.count_total, 0, "{answer}");
    }
}
