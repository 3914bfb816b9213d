//! A world small enough to go through: which requests each route takes, and from that the order, as the language
//! reference says it. The compiler must say the same of random policies.
//!
//! The world has every value that the policies name, and one of each kind that they do not, so that what holds of all its
//! requests holds of all requests.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::eval::{World, eval};
use lang::policy::{
    Arithmetic, Compare, Expr, Host, InputId, LocalId, Path, Policy, Route, Segment,
};
use lang::vocab::Field;
use lang::{Ty, Value};
use proptest::prelude::*;

use crate::build::*;

const HOSTS: &[&str] = &["any", "a.x", "*.x", "**.x"];
const PATHS: &[&str] = &["/", "/a", "/a/", "/a/b", "/a/**", "/b/**", "/**"];
const CAPTURING: &[&str] =
    &["/{x}", "/a/{x}", "/{x}/b", "/{x: a|b}", "/{x: a|b}/**", "/{x}/**", TWO];
/// Of `/a/b` these two capture different segments (E0409).
const CROSSING: &str = "/a/{x}";
const CROSSED: &str = "/{x}/b";
/// The one path that captures more than `x`.
const TWO: &str = "/{x}/{y}";
const COUNTING: &[&str] = &["/{x: Int}", "/a/{x: Int}", "/{x: Int}/**", "/{x: Int}/b"];

/// How a route is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    hosts: Vec<usize>,
    pub(crate) shelf: usize,
    paths: Vec<usize>,
    methods: Option<Vec<&'static str>>,
    condition: Option<Condition>,
}

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Atom(usize),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    (0_usize..25).prop_map(Condition::Atom).prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|c| Condition::Not(Box::new(c))),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::And),
            prop::collection::vec(inner, 1..3).prop_map(Condition::Or),
        ]
    })
}

pub(crate) fn recipe() -> impl Strategy<Value = Recipe> {
    let methods = prop_oneof![
        3 => Just(None),
        1 => Just(Some(vec!["GET"])),
        1 => Just(Some(vec!["POST"])),
        1 => Just(Some(vec!["GET", "POST"])),
    ];
    (
        prop_oneof![
            2 => Just(vec![1]),
            3 => prop::collection::vec(0..HOSTS.len(), 1..3)
        ],
        0_usize..4,
        prop::collection::vec(0_usize..7, 1..3),
        methods,
        prop::option::weighted(0.7, condition()),
    )
        .prop_map(|(hosts, shelf, paths, methods, condition)| Recipe {
            hosts,
            shelf,
            paths,
            methods,
            condition,
        })
}

pub(crate) fn made(name: &str, recipe: &Recipe) -> Route {
    let mut hosts: Vec<&str> = recipe.hosts.iter().map(|at| HOSTS[*at]).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let shelf = [PATHS, PATHS, CAPTURING, COUNTING][recipe.shelf];
    let mut paths: Vec<&str> = recipe.paths.iter().map(|at| shelf[at % shelf.len()]).collect();
    paths.sort_unstable();
    paths.dedup();
    // Every path of a route captures the same names.
    if paths.contains(&TWO) {
        paths = vec![TWO];
    }
    // No policy has two paths that hold one request and capture differently of it.
    if paths.contains(&CROSSING) {
        paths.retain(|path| *path != CROSSED);
    }
    let mut route = route(name).host(&hosts).path(&paths);
    if let Some(methods) = &recipe.methods {
        route = route.method(methods);
    }
    if let Some(condition) = &recipe.condition {
        route = route.when(expression(condition, recipe.shelf));
    }
    route
}

pub(crate) fn expression(condition: &Condition, shelf: usize) -> Expr {
    let all = |parts: &[Condition]| parts.iter().map(|part| expression(part, shelf)).collect();
    let text = |text: &str| Value::string(text);
    match condition {
        Condition::Not(inner) => not(expression(inner, shelf)),
        Condition::And(parts) => and(all(parts)),
        Condition::Or(parts) => or(all(parts)),
        Condition::Atom(0) => is(header("h"), "1"),
        Condition::Atom(1) => is(header("h"), "2"),
        Condition::Atom(2) => is_in(header("h"), Value::list([text("1"), text("12")])),
        Condition::Atom(3) => {
            call("starts_with", vec![coalesce(header("h"), "1"), constant(text("1"))])
        }
        Condition::Atom(4) => compare(Compare::Ne, header("h"), text("1")),
        Condition::Atom(5) => is(header("i"), "1"),
        Condition::Atom(6) => is(field(&HOST, None), "a.x"),
        Condition::Atom(7) => is(field(&PATH, None), "/a/b"),
        Condition::Atom(8) => {
            compare(Compare::Eq, field(&METHOD, None), Value::Method(Arc::from("GET")))
        }
        Condition::Atom(9) => call("starts_with", vec![field(&PATH, None), constant(text("/a/"))]),
        Condition::Atom(10) => call("ends_with", vec![field(&PATH, None), constant(text("zz"))]),
        Condition::Atom(11) => matches(field(&PATH, None), "^/(a|[^/]*zz)(/|$)"),
        Condition::Atom(12) => matches(field(&PATH, None), "/b(/|$)"),
        Condition::Atom(13) => is(call("lower", vec![coalesce(header("h"), "1")]), "x"),
        Condition::Atom(14) => {
            compare(Compare::Ge, call("length", vec![coalesce(header("h"), "")]), Value::Int(2))
        }
        Condition::Atom(15) => one_of(
            &["1", "x"],
            call("starts_with", vec![call("lower", vec![coalesce(header("h"), "2")]), item()]),
        ),
        Condition::Atom(16) => compare(Compare::Ge, number(), Value::Int(2)),
        Condition::Atom(17) => {
            let twice = arithmetic(Arithmetic::Mul, number(), Value::Int(2));
            let more = arithmetic(Arithmetic::Add, twice, Value::Int(1));
            compare(Compare::Lt, more, Value::Int(10))
        }
        // What the listener settles, compared with what a request says as it likes.
        Condition::Atom(18) => sides(Compare::Eq, header("h"), field(&SCHEME, None)),
        Condition::Atom(19) => {
            let name = coalesce(field(&SNI, None), "1");
            sides(Compare::Eq, coalesce(header("h"), "2"), name)
        }
        Condition::Atom(20) => {
            let spoken = either(field(&ALPN, None), field(&SCHEME, None));
            sides(Compare::Ne, coalesce(header("h"), "http"), spoken)
        }
        Condition::Atom(21) => {
            let version = coalesce(field(&VERSION, None), "x");
            sides(Compare::Eq, call("lower", vec![coalesce(header("h"), "1")]), version)
        }
        Condition::Atom(22) => {
            let items = vec![field(&SCHEME, None), constant(text("1"))];
            let list = expr(lang::policy::ExprKind::List(items), Ty::list(Ty::String));
            boolean(lang::policy::ExprKind::In(Box::new(header("h")), Box::new(list)))
        }
        Condition::Atom(23) => sides(Compare::Ne, header("h"), field(&CLIENT, None)),
        Condition::Atom(_) if shelf == 2 => is(capture("x"), "a"),
        Condition::Atom(_) if shelf == 3 => compare(Compare::Lt, capture("x"), Value::Int(5)),
        Condition::Atom(_) => boolean(lang::policy::ExprKind::Present(Box::new(header("h")))),
    }
}

/// The whole number that `h` says.
fn number() -> Expr {
    let read = call("int", vec![coalesce(header("h"), "")]);
    let none = Box::new(constant(Value::Int(0)));
    expr(lang::policy::ExprKind::Coalesce(Box::new(read), none), Ty::Int)
}

/// Every request of the world.
pub(crate) fn world() -> Vec<Request> {
    let segments = ["a", "b", "1", "7", "zz", "q"];
    let mut paths: Vec<String> = vec!["/".to_owned()];
    for one in segments {
        paths.extend([format!("/{one}"), format!("/{one}/")]);
        for two in segments {
            paths.extend(["", "/", "/zz"].map(|end| format!("/{one}/{two}{end}")));
        }
    }
    // Among them numbers of one figure and of two, below five and above, with the `1` and without; the schemes; and what claims say of
    // a field to which something is added, as one value and as what stood there before.
    let headers = [
        "", "1", "12", "19", "1y", "2", "3", "+3", "7", "30", "x", "X", "xx", "y", "yy", "z",
        "z, 1", "2, 1", "http", "https",
    ]
    .map(Some);
    let headers: Vec<Option<&str>> = [None].into_iter().chain(headers).collect();
    let mut requests = Vec::new();
    for host in ["y", "a.x", "f.x", "g.f.x"] {
        for path in &paths {
            for method in ["GET", "POST", "PUT"] {
                for h in headers.iter().copied() {
                    for i in [None, Some("1")] {
                        let mut request = get(&format!("{host}{path}")).method(method);
                        for (name, value) in [("h", h), ("i", i)] {
                            if let Some(value) = value {
                                request = request.header(name, value);
                            }
                        }
                        requests.push(request);
                    }
                }
            }
        }
    }
    requests
}

/// A route at one of its hosts and paths, and the requests it takes, by number; and those it would take but for the method.
pub(crate) struct Place<'p> {
    pub(crate) route: usize,
    /// The path, by its place in the route.
    pub(crate) path: usize,
    hosts: BTreeSet<&'p str>,
    paths: BTreeSet<&'p str>,
    pub(crate) takes: BTreeSet<usize>,
    but_method: BTreeSet<usize>,
}

pub(crate) struct Reading<'r> {
    pub(crate) request: &'r Request,
    pub(crate) path: &'r Path,
}

impl World for Reading<'_> {
    fn input(&self, _: InputId) -> Value {
        Value::Absent
    }

    fn field(&self, field: &'static Field, key: Option<&str>) -> Value {
        self.request.says(field.path, key)
    }

    fn capture(&self, name: &str) -> Value {
        for (segment, text) in self.path.segments.iter().zip(self.request.path[1..].split('/')) {
            match segment {
                Segment::Capture(known, Ty::Int) if &**known == name => {
                    return text.parse().map_or(Value::Absent, Value::Int);
                }
                Segment::Capture(known, _) if &**known == name => return Value::string(text),
                _ => {}
            }
        }
        Value::Absent
    }

    fn local(&self, _: LocalId) -> Value {
        Value::Absent
    }
}

fn in_host(host: &Host, name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    match host {
        Host::Any => true,
        Host::Exact(exact) => &**exact == name,
        Host::OneLabel(suffix) => labels[1..].join(".") == **suffix,
        Host::Labels(suffix) => (1..labels.len()).any(|from| labels[from..].join(".") == **suffix),
    }
}

fn in_path(path: &Path, text: &str) -> bool {
    let segments: Vec<&str> = text[1..].split('/').collect();
    let fits = path.segments.iter().zip(&segments).all(|(pattern, segment)| match pattern {
        Segment::Literal(text) => &**text == *segment,
        Segment::Capture(_, Ty::Int) => segment.parse::<i64>().is_ok(),
        Segment::Capture(_, Ty::OneOf(words)) => words.iter().any(|word| &**word == *segment),
        Segment::Capture(..) => !segment.is_empty(),
    });
    let n = path.segments.len();
    fits && if path.rest { segments.len() >= n } else { segments.len() == n }
}

pub(crate) fn places<'p>(policy: &Policy, requests: &'p [Request]) -> Vec<Place<'p>> {
    let mut places = Vec::new();
    for (number, route) in policy.routes.iter().enumerate() {
        for (host, _) in &route.hosts {
            for (at_path, (path, _)) in route.paths.iter().enumerate() {
                let mut place = Place {
                    route: number,
                    path: at_path,
                    hosts: names(requests, |r| &r.host, |name| in_host(host, name)),
                    paths: names(requests, |r| &r.path, |text| in_path(path, text)),
                    takes: BTreeSet::new(),
                    but_method: BTreeSet::new(),
                };
                for (at, request) in requests.iter().enumerate() {
                    if !in_host(host, &request.host) || !in_path(path, &request.path) {
                        continue;
                    }
                    let reading = Reading { request, path };
                    if !route.conditions.iter().all(|c| eval(c, &reading).is_true()) {
                        continue;
                    }
                    let methods = route.methods.as_ref();
                    if methods.is_none_or(|(all, _)| all.iter().any(|m| **m == *request.method)) {
                        place.takes.insert(at);
                    } else {
                        place.but_method.insert(at);
                    }
                }
                places.push(place);
            }
        }
    }
    places
}

/// How two places lie to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Apart,
    First,
    Second,
    Same,
    Open,
}

fn compared<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> Standing {
    match (a.is_subset(b), b.is_subset(a)) {
        (true, true) => Standing::Same,
        (true, false) => Standing::First,
        (false, true) => Standing::Second,
        (false, false) => Standing::Open,
    }
}

fn standing(a: &Place<'_>, b: &Place<'_>) -> Standing {
    if a.takes.is_disjoint(&b.takes) {
        return Standing::Apart;
    }
    match compared(&a.hosts, &b.hosts) {
        Standing::Same => match compared(&a.paths, &b.paths) {
            Standing::Same => compared(&a.takes, &b.takes),
            decided => decided,
        },
        decided => decided,
    }
}

fn names<'r>(
    requests: &'r [Request],
    of: impl Fn(&'r Request) -> &'r String,
    holds: impl Fn(&str) -> bool,
) -> BTreeSet<&'r str> {
    let all: BTreeSet<&str> = requests.iter().map(|request| &**of(request)).collect();
    all.into_iter().filter(|name| holds(name)).collect()
}

/// What the reference says of a policy.
#[derive(Default, Debug, PartialEq, Eq)]
struct Said {
    open: BTreeSet<(usize, usize)>,
    same: BTreeSet<(usize, usize)>,
    unreached: BTreeSet<usize>,
}

fn said_by_reference(policy: &Policy, places: &[Place<'_>], standings: &[Vec<Standing>]) -> Said {
    let mut said = Said::default();
    for (i, a) in places.iter().enumerate() {
        for (j, b) in places.iter().enumerate().skip(i + 1) {
            let pair = (a.route.min(b.route), a.route.max(b.route));
            match standings[i][j] {
                _ if a.route == b.route => {}
                Standing::Open => drop(said.open.insert(pair)),
                Standing::Same => drop(said.same.insert(pair)),
                _ => {}
            }
        }
    }
    // A pair is reported once, by what is found first of it.
    let both: Vec<_> = said.open.intersection(&said.same).copied().collect();
    for pair in both {
        said.open.remove(&pair);
    }
    let blamed: BTreeSet<usize> =
        said.open.iter().chain(&said.same).flat_map(|(a, b)| [*a, *b]).collect();
    for number in 0..policy.routes.len() {
        let reached = places.iter().enumerate().filter(|(_, p)| p.route == number).any(|(i, p)| {
            let earlier = places
                .iter()
                .enumerate()
                .filter(|(j, other)| other.route != number && standings[*j][i] == Standing::First);
            let taken: BTreeSet<usize> =
                earlier.flat_map(|(_, p)| p.takes.iter().copied()).collect();
            !p.takes.is_subset(&taken)
        });
        if !reached && !blamed.contains(&number) {
            said.unreached.insert(number);
        }
    }
    said
}

fn said_by_compiler(diags: &[lang::Diag]) -> Said {
    let mut said = Said::default();
    for diag in diags {
        let route = |at: usize| (diag.labels[at].span.start / 10) as usize;
        let pair = || (route(0).min(route(1)), route(0).max(route(1)));
        match diag.code {
            "E0801" | "E0802" => drop(said.open.insert(pair())),
            "E0804" => drop(said.same.insert(pair())),
            "E0805" => drop(said.unreached.insert(route(0))),
            // Its labels are what the route asks for; the route is named.
            "E0806" => {
                let name = diag.message.split('`').nth(1).and_then(|name| name.strip_prefix('r'));
                said.unreached.insert(name.and_then(|number| number.parse().ok()).unwrap());
            }
            other => panic!("{other}: {}", diag.message),
        }
    }
    said
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn the_compiler_says_what_the_reference_says(
        recipes in prop::collection::vec(recipe(), 2..5),
    ) {
        let routes = recipes.iter().enumerate().map(|(at, r)| made(&format!("r{at}"), r));
        let mut policy = policy(routes.collect());
        let requests = world();
        let places = places(&policy, &requests);
        let standings: Vec<Vec<Standing>> =
            places.iter().map(|a| places.iter().map(|b| standing(a, b)).collect()).collect();
        let expected = said_by_reference(&policy, &places, &standings);
        let found = said_by_compiler(&compiler::lower(&policy).1);
        prop_assert_eq!(&found, &expected);

        // With a word for every pair that needs one, decisions follow the words and the rules.
        for (first, second) in &expected.open {
            before(&mut policy, *first, *second);
        }
        let (program, diags) = compiler::lower(&policy);
        let Some(program) = program else {
            prop_assert!(!expected.same.is_empty() || diags.iter().any(|d| d.code != "E0801" && d.code != "E0802"));
            return Ok(());
        };
        compiler::verify(&program).unwrap();
        let matcher = matcher(&policy);
        for (number, request) in requests.iter().enumerate() {
            let answer = decide(&matcher, request);
            let taking: Vec<usize> =
                (0..places.len()).filter(|at| places[*at].takes.contains(&number)).collect();
            if taking.is_empty() {
                let mut methods: Vec<&str> = places
                    .iter()
                    .filter(|place| place.but_method.contains(&number))
                    .flat_map(|place| policy.routes[place.route].methods.iter().flat_map(|(all, _)| all))
                    .map(|method| &**method)
                    .collect();
                methods.sort_unstable();
                methods.dedup();
                let nobody = match methods.as_slice() {
                    [] => "404".to_owned(),
                    some => format!("405 {}", some.join(", ")),
                };
                prop_assert_eq!(answer, nobody, "{:?}", request);
                continue;
            }
            let first = |a: usize, b: usize| {
                let pair = (places[a].route, places[b].route);
                match standings[a][b] {
                    _ if pair.0 == pair.1 => true,
                    Standing::First => true,
                    Standing::Open => expected.open.contains(&pair),
                    _ => false,
                }
            };
            let winner = taking.iter().find(|a| taking.iter().all(|b| *a == b || first(**a, *b)));
            let winner = winner.map(|at| policy.routes[places[*at].route].name.to_string());
            prop_assert_eq!(Some(answer), winner, "{:?}", request);
        }
    }
}
