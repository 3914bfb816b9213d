//! What serves after a change decides as what is loaded anew: a policy with many routes at few hosts, and changes to
//! its conditions, methods, answers, paths and hosts, one after the other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use compiler::{Backend, Matcher, Session, load, load_after};
use lang::{Source, SourceId, Unit};
use proptest::prelude::*;

use crate::build::{Request, cases, decide, get};
use crate::session::policy::VOCABULARY;

/// A route, by its host, its path, and which of the routes there it is.
type Place = (usize, usize, usize);

/// What a route asks besides, and answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Route {
    method: usize,
    condition: usize,
    answer: usize,
}

/// The routes of a policy, in the order in which they are written.
type Routes = BTreeMap<Place, Route>;

const METHODS: [&str; 4] = ["", "GET", "POST, PUT", "PURGE"];

const CONDITIONS: [&str; 7] = [
    "",
    "req.header[\"x-debug\"] == \"1\"",
    "req.header[\"x-debug\"] == \"2\"",
    "client.ip in 10.0.0.0/8",
    "req.header[\"x-kind\"] in [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]",
    "starts_with(req.header[\"x-kind\"] ?? \"\", \"a\") or req.path == \"/p1/q\"",
    "matches(req.header[\"x-kind\"] ?? \"\", re\"^[a-c]+$\")",
];

/// The path of a number, and two that it holds.
fn path(number: usize) -> (String, [String; 2]) {
    let at = number / 8;
    let all = |text: &str| (text.to_owned(), [text.to_owned(), format!("{text}/more")]);
    match number % 8 {
        0 => all(&format!("/p{at}")),
        1 => all(&format!("/p{at}/q")),
        2 => (format!("/p{at}/{{n: Int}}"), [format!("/p{at}/7"), format!("/p{at}/70000")]),
        3 => (format!("/p{at}/{{n}}"), [format!("/p{at}/bob"), format!("/p{at}/x")]),
        4 => (format!("/p{at}/**"), [format!("/p{at}/q/r"), format!("/p{at}/z/")]),
        5 => (
            format!("/p{at}/{{n}}/items"),
            [format!("/p{at}/a/items"), format!("/p{at}/7/items/b")],
        ),
        6 => all(&format!("/very-long-segment-{at}/and-a-second-one/c")),
        _ => (
            format!("/files{at}/{{n: Uuid}}/**"),
            [
                format!("/files{at}/0b0c5d9e-1f7a-4d3c-8a66-2f4f3f2e1d0c"),
                format!("/files{at}/0B0C5D9E-1f7a-4d3c-8a66-2f4f3f2e1d0c/a/b"),
            ],
        ),
    }
}

/// The pattern of a host, and a host that it is for.
fn host(number: usize) -> (String, String) {
    match number {
        0 => ("*.wide.example".to_owned(), "a.wide.example".to_owned()),
        1 => ("**.wide.example".to_owned(), "a.b.wide.example".to_owned()),
        2 => ("a.wide.example".to_owned(), "a.wide.example".to_owned()),
        _ => (format!("h{number}.example"), format!("h{number}.example")),
    }
}

/// The policy as text.
fn text(routes: &Routes) -> String {
    let mut text = String::from("edition 2026\n\nlistener web { bind \":8080\" }\n");
    for (&(at_host, at_path, nth), route) in routes {
        let _ = write!(
            text,
            "\nroute r{at_host}_{at_path}_{nth} on web {{\n  host \"{}\"\n  path \"{}\"\n",
            host(at_host).0,
            path(at_path).0
        );
        if route.method > 0 {
            let _ = writeln!(text, "  method {}", METHODS[route.method]);
        }
        let mut conditions = Vec::from([CONDITIONS[route.condition]]);
        if route.answer % 3 == 1 {
            conditions.push(match at_path % 8 {
                2 => "path.n > 100",
                3 | 5 => "path.n != \"bob\"",
                _ => "",
            });
        }
        conditions.retain(|condition| !condition.is_empty());
        if !conditions.is_empty() {
            let _ = writeln!(text, "  where ({})", conditions.join(") and ("));
        }
        let _ = writeln!(text, "  respond 200, \"{}\"\n}}", route.answer);
    }
    text
}

/// Requests for every route there is.
fn asked(routes: &Routes) -> Vec<Request> {
    let mut places: Vec<(usize, usize)> = routes.keys().map(|(a, b, _)| (*a, *b)).collect();
    places.dedup();
    let urls = places.into_iter().flat_map(|(at_host, at_path)| {
        path(at_path).1.map(|path| format!("{}{path}", host(at_host).1))
    });
    urls.flat_map(|url| {
        [
            get(&url),
            get(&url).header("x-debug", "1"),
            get(&url).header("x-debug", "2").header("x-kind", "abc"),
            get(&url).header("x-kind", "d").method("POST"),
            get(&url).method("PURGE"),
        ]
    })
    .collect()
}

/// What serves.
struct Served {
    session: Session,
    matcher: Matcher,
}

/// A program of a text alone, and what a session knows of it; nothing if the routes have no order.
fn whole(text: &str) -> Option<Served> {
    let source = Source::new(SourceId(0), "a.gw", text);
    let (tree, found) = lang::parse(&source);
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    let whole = compiler::check(std::slice::from_ref(&unit), &VOCABULARY, found);
    let session = Session::of(&[unit], &whole, VOCABULARY)?;
    let matcher = load(Arc::new(whole.program?), Vec::new(), Backend::Interp).unwrap();
    Some(Served { session, matcher })
}

impl Served {
    /// Takes a text that is right; says whether it was made of what was there.
    fn take(&mut self, text: &str) -> bool {
        let source = Source::new(SourceId(0), "a.gw", text);
        let (tree, _) = lang::outline(&source);
        let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
        let next = self.session.program(&[unit], self.matcher.program());
        let is_made = next.is_some();
        match next {
            Some(program) => {
                compiler::verify(&program).unwrap();
                let next =
                    load_after(Arc::new(program), Vec::new(), Backend::Interp, &self.matcher);
                self.matcher = next.unwrap();
            }
            None => *self = whole(text).unwrap(),
        }
        is_made
    }
}

/// One change of a policy.
fn edit(routes: &mut Routes, (kind, at, other): (usize, usize, usize)) {
    let place = *routes.keys().nth(at % routes.len()).unwrap();
    let (at_host, at_path, nth) = place;
    let route = routes[&place];
    match kind {
        0..4 => {
            let condition = other % CONDITIONS.len();
            routes.insert(place, Route { condition, ..route });
        }
        4 | 5 => {
            routes.insert(place, Route { method: other % METHODS.len(), ..route });
        }
        6 | 7 => {
            routes.insert(place, Route { answer: other, ..route });
        }
        8 => drop(routes.remove(&place)),
        9 => drop(routes.insert((at_host, at_path, nth + 1 + other % 3), route)),
        10 => {
            // At another path.
            routes.remove(&place);
            routes.entry((at_host, other % 200, 0)).or_insert(route);
        }
        11 => {
            // At another host, which may be new.
            routes.remove(&place);
            routes.entry((other % 8, at_path, 0)).or_insert(route);
        }
        12 => routes.retain(|(host, ..), _| *host != at_host || other % 4 > 0),
        _ => {
            // A few at once.
            for (_, route) in routes.range_mut(place..).take(1 + other % 20) {
                route.condition = other % CONDITIONS.len();
            }
        }
    }
}

/// A policy with so many routes at a few hosts.
fn policy(n: usize) -> Routes {
    let route = |at: usize| {
        let (method, condition) = match at % 5 {
            1 => (1, 0),
            2 => (0, 1),
            3 => (2, 3),
            _ => (0, 0),
        };
        ((at % 5, at / 5, 0), Route { method, condition, answer: at })
    };
    (0..n).map(route).collect()
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn what_serves_after_changes_decides_as_what_is_loaded_anew(
        n in 20..400_usize,
        edits in prop::collection::vec((0..14_usize, 0..10_000_usize, 0..10_000_usize), 1..20),
    ) {
        let mut routes = policy(n);
        let mut served = whole(&text(&routes)).unwrap();
        for each in edits {
            let mut changed = routes.clone();
            edit(&mut changed, each);
            let text = text(&changed);
            // What has no order is not served.
            let fresh = match whole(&text) {
                Some(fresh) if !changed.is_empty() => fresh,
                _ => continue,
            };
            served.take(&text);
            routes = changed;
            for request in asked(&routes) {
                let (after, alone) =
                    (decide(&served.matcher, &request), decide(&fresh.matcher, &request));
                prop_assert_eq!(after, alone, "{:?} of {}\n{}", each, request.path, text);
            }
        }
    }
}

#[test]
fn a_condition_comes_and_goes_among_many_routes() {
    let mut routes: Routes =
        (0..400).map(|at| ((3, at, 0), Route { method: 0, condition: 0, answer: 0 })).collect();
    let mut served = whole(&text(&routes)).unwrap();
    for round in 0..5 {
        // Of nothing to something, to something else, and back; at other cells each time, and at the same ones.
        for (at, condition) in [(7, 1), (7, 2), (300, 1), (7, 0), (301, 4), (300, 0), (301, 5)] {
            let place = (3, (at + round % 2 * 8) % 400, 0);
            routes.get_mut(&place).unwrap().condition = condition;
            let text = text(&routes);
            assert!(served.take(&text), "one route is plain");
            let fresh = whole(&text).unwrap();
            for request in asked(&routes) {
                let alone = decide(&fresh.matcher, &request);
                assert_eq!(decide(&served.matcher, &request), alone, "{}", request.path);
            }
        }
    }
}

/// Asserts that what serves after each of these texts decides as what is loaded anew, and was made of what was there.
fn follows(texts: &[String], paths: &[&str]) {
    let mut served = whole(&texts[0]).unwrap();
    for text in &texts[1..] {
        let is_made = served.take(text);
        let fresh = whole(text).unwrap();
        assert!(is_made, "{text}");
        for path in paths {
            let url = format!("a.example{path}");
            let requests = [
                get(&url),
                get(&url).header("x-debug", "1"),
                get(&url).method("PUT"),
                get(&url).method("POST").header("x-debug", "2"),
            ];
            for request in requests {
                let alone = decide(&fresh.matcher, &request);
                assert_eq!(decide(&served.matcher, &request), alone, "{path} of\n{text}");
            }
        }
    }
}

/// A policy of these routes: a name, a path, and what else is said of it.
fn of_routes(routes: &[(&str, &str, &str)]) -> String {
    let mut text = String::from("edition 2026\n\nlistener web { bind \":8080\" }\n");
    for (name, path, more) in routes {
        let _ = write!(
            text,
            "\nroute {name} on web {{\n  host \"a.example\"\n  path \"{path}\"\n  {more}\n  respond 200\n}}\n"
        );
    }
    text
}

#[test]
fn a_route_moves_from_one_cell_to_another() {
    let routes = |path| {
        of_routes(&[
            ("public_get", "/public", "method GET"),
            ("public_post", "/public", "method POST"),
            ("admin", "/admin", "where req.header[\"x-debug\"] == \"1\""),
            ("status_get", "/status", "method GET"),
            ("status_put", path, "method PUT"),
        ])
    };
    let texts = ["/status", "/public", "/status"].map(routes);
    follows(&texts, &["/public", "/admin", "/status"]);
}

#[test]
fn routes_change_places_in_the_text() {
    let all =
        [("a", "/a", ""), ("c", "/c", ""), ("beneath_a", "/a/**", ""), ("beneath_c", "/c/**", "")];
    let swapped = [all[0], all[1], all[3], all[2]];
    let texts = [of_routes(&all), of_routes(&swapped), of_routes(&all)];
    follows(&texts, &["/a", "/c", "/a/x", "/c/x", "/x"]);
}

proptest! {
    #![proptest_config(cases(24))]

    /// Several routes to a cell, in an order of text that is any, and routes that move between cells.
    #[test]
    fn cells_whose_candidates_change_decide_as_what_is_loaded_anew(
        edits in prop::collection::vec((0..3_usize, 0..100_usize, 0..100_usize), 1..12),
    ) {
        const PATHS: [&str; 4] = ["/a", "/b", "/a/**", "/c/{n}"];
        const MORE: [&str; 4] = [
            "method GET",
            "method POST",
            "method PUT",
            "method DELETE\n  where req.header[\"x-debug\"] == \"1\"",
        ];
        let names: Vec<String> = (0..10).map(|at| format!("r{at}")).collect();
        let mut routes: Vec<(usize, usize, usize)> = (0..10).map(|at| (at, at / 4, at % 4)).collect();
        let text = |routes: &[(usize, usize, usize)]| {
            let rows = routes.iter().map(|(name, path, more)| (&*names[*name], PATHS[*path], MORE[*more]));
            of_routes(&rows.collect::<Vec<_>>())
        };
        let mut served = whole(&text(&routes)).unwrap();
        for (kind, at, other) in edits {
            let mut changed = routes.clone();
            let (at, n) = (at % changed.len(), changed.len());
            match kind {
                0 => changed.swap(at, other % n),
                1 => changed[at].1 = other % PATHS.len(),
                _ => changed[at].2 = other % MORE.len(),
            }
            let text = text(&changed);
            let Some(fresh) = whole(&text) else { continue };
            served.take(&text);
            routes = changed;
            for path in ["/a", "/b", "/a/x", "/c/x", "/c"] {
                let url = format!("a.example{path}");
                for method in ["GET", "POST", "PUT", "DELETE"] {
                    let request = get(&url).method(method).header("x-debug", "1");
                    let alone = decide(&fresh.matcher, &request);
                    prop_assert_eq!(decide(&served.matcher, &request), alone, "{} {}\n{}", method, path, text);
                }
            }
        }
    }
}

#[test]
fn listeners_share_what_finds_the_same_routes() {
    let text =
        "edition 2026\n\nlistener web { bind \":8080\" }\nlistener other { bind \":8081\" }\n
route a on web, other { host \"a.example\"\n path \"/a\"\n respond 200 }
route b on other { host \"b.example\"\n path \"/a\"\n respond 200 }\n";
    let served = whole(text).unwrap();
    let bytes = compiler::artifact::pack(served.matcher.program());
    let read = compiler::artifact::unpack(&bytes, &VOCABULARY).unwrap();
    for program in [&**served.matcher.program(), &read] {
        let hosts = |listener: &compiler::program::Listener| -> Vec<_> {
            let shared =
                listener.hosts.list.iter().filter(|host| host.host.to_string() == "a.example");
            shared.cloned().collect()
        };
        let (one, other) = (hosts(&program.listeners[0]), hosts(&program.listeners[1]));
        assert!(Arc::ptr_eq(&one[0], &other[0]));
    }
}
