//! A session says what a whole check says, whatever is changed: routes that come and go, move to other hosts, take other
//! names, lose tokens, and come back.

use std::sync::Arc;

use compiler::{Backend, Matcher, Program, Session, load, load_after};
use lang::syntax::Trees;
use lang::{Diag, Source, SourceId, Unit};
use proptest::prelude::*;

use crate::build::{Request, cases, decide, get};

#[path = "../../benches/check/policy.rs"]
pub(crate) mod policy;

use policy::{VOCABULARY, routes};

/// Both answers, and whether the session looked at everything.
fn both(trees: &Trees, session: &mut Session, text: &str) -> (Vec<Diag>, Vec<Diag>, bool) {
    let source = Source::new(SourceId(0), "a.gw", text);
    let (tree, found) = trees.parse(&source);
    let warm = session.check(&[Unit { source: &source, tree: &tree, uses: Vec::new() }], found);
    let (tree, found) = lang::parse(&source);
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    let cold = compiler::check(&[unit], &VOCABULARY, found);
    (warm.diags, cold.diags, warm.whole.is_some())
}

/// A policy that is served: its program, made ready, and what is known of its text.
struct Served {
    session: Option<Session>,
    program: Program,
    matcher: Option<Matcher>,
}

impl Served {
    /// Nothing yet.
    fn new() -> Served {
        Served { session: None, program: Program::default(), matcher: None }
    }

    /// Takes a text: what a fresh program of it says, what this one says, and whether it was made anew. Nothing where
    /// something is wrong with it.
    fn take(&mut self, text: &str) -> Option<(Vec<String>, Vec<String>, bool)> {
        let source = Source::new(SourceId(0), "a.gw", text);
        let (tree, found) = lang::parse(&source);
        let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
        let whole = compiler::check(std::slice::from_ref(&unit), &VOCABULARY, found);
        let (outline, _) = lang::outline(&source);
        let outlined = Unit { tree: &outline, ..unit.clone() };
        let known = self.session.as_mut();
        let changed = known.and_then(|session| session.program(&[outlined], &self.program));
        let is_new = changed.is_none();
        assert!(is_new || whole.diags.is_empty(), "{:#?}", whole.diags);
        let fresh = whole.program.clone()?;
        self.program = changed.unwrap_or_else(|| fresh.clone());
        if is_new {
            self.session = Session::of(&[unit], &whole, VOCABULARY);
        }
        compiler::verify(&self.program).unwrap();
        let program = Arc::new(self.program.clone());
        let loaded = match &self.matcher {
            Some(before) => load_after(program, Vec::new(), Backend::Jit, before),
            None => load(program, Vec::new(), Backend::Jit),
        };
        self.matcher = Some(loaded.unwrap());
        Some((said(&fresh), said(&self.program), is_new))
    }

    /// What it answers to a few requests, and what a matcher says that was made of its program alone.
    fn answers(&self) -> (Vec<String>, Vec<String>) {
        let known = self.matcher.as_ref().unwrap();
        let fresh = load(known.program().clone(), Vec::new(), Backend::Interp).unwrap();
        let answers = |matcher| asked().map(|request| decide(matcher, &request)).collect();
        (answers(known), answers(&fresh))
    }

    /// How many cells and hosts have machine code now that had none.
    fn n_compiled(&self) -> usize {
        self.matcher.as_ref().unwrap().compile_all().unwrap().blocks
    }
}

/// Requests for whatever a policy of these tests, changed or not, may have routes for.
fn asked() -> impl Iterator<Item = Request> {
    let hosts = ["h1.shop.example", "h2.shop.example", "s.example", "b.example", "x.s.example"];
    let paths = ["/", "/v1/things1", "/v2/things1", "/v1/users/7/2", "/v1/users/x", "/files7/a"];
    let more = ["/b1/v1/page9", "/v1/page8", "/wide/a", "/w3/a", "/a", "/b", "/x/y"];
    let paths = paths.into_iter().chain(more);
    paths.flat_map(move |path| hosts.map(|host| format!("{host}{path}"))).flat_map(|url| {
        [
            get(&url),
            get(&url).header("x-debug", "1"),
            get(&url).header("x-debug", "2"),
            get(&url).method("POST"),
        ]
    })
}

/// What a program says of each host and of each route, whatever their order.
fn said(program: &Program) -> Vec<String> {
    let text = program.to_string();
    let (mut said, mut listener) = (Vec::<String>::new(), String::new());
    for line in text.lines().filter(|line| !line.starts_with("slot ")) {
        if line.starts_with("on ") {
            listener = line.to_owned();
        } else if !line.starts_with(' ') {
            listener.clear();
        }
        let begins = line.starts_with("  host ") && !listener.is_empty();
        match said.last_mut().filter(|_| line.starts_with(' ') && !begins) {
            Some(last) => last.push_str(line),
            None => said.push(format!("{listener}{line}")),
        }
    }
    said.sort_unstable();
    said
}

/// A policy with some of everything that may lie between items: values, a host for all, lines of `before`.
fn varied(n_routes: usize, n_hosts: usize) -> String {
    let mut text = routes(n_routes, n_hosts);
    text.push_str(
        "\nlet debug = req.header[\"x-debug\"] == \"1\"\n\
         \nroute all on web {\n  respond 404\n}\n\
         \nroute wide on web {\n  host \"*.shop.example\"\n  path \"/wide/{a}\"\n  where debug\n  respond 200\n}\n\
         \nroute left on web before right {\n  host \"b.example\"\n  path \"/{x}/y\"\n  respond 200\n}\n\
         \nroute right on web {\n  host \"b.example\"\n  path \"/x/{y}\"\n  respond 200\n}\n\
         \nsite s on web {\n  host \"s.example\", \"t.example\"\n  route a {\n    path \"/a\"\n    respond 200\n  }\n\
         \n  route b {\n    path \"/b\"\n    respond 201\n  }\n}\n",
    );
    text
}

/// The same with claims, all true: of everything, of one listener, of hosts and paths, of routes by name, and one that
/// speaks of one route alone.
fn claimed(n_routes: usize, n_hosts: usize) -> String {
    let mut text = varied(n_routes, n_hosts);
    text.push_str(
        "\nlistener other { bind \":8081\" }\n\
         \nroute elsewhere on other {\n  host \"**.example\"\n  respond 503\n}\n\
         \nroute inner on web {\n  host \"*.s.example\"\n  path \"/x\"\n  respond 200\n}\n\
         \nassert nothing_breaks on web {\n  for req\n  expect status < 500\n}\n\
         \nassert others_are_told on other {\n  for req where not responded\n  expect denied and route is absent\n}\n\
         \nassert shops {\n  for req where ends_with(req.host, \".shop.example\") and responded\n  expect status in [200, 404, 503]\n}\n\
         \nassert page on web {\n  for req where starts_with(req.path, \"/v1\") and route == r16\n  expect status == 200 and req.host != \"h1.shop.example\"\n}\n\
         \nassert second {\n  for req where req.host == \"s.example\" and status == 201\n  expect req.path == \"/b\"\n}\n\
         \nassert debugged {\n  for req where req.header[\"x-debug\"] == \"1\" and req.host == \"h2.shop.example\"\n  expect not status in [500, 503] or route == elsewhere\n}\n",
    );
    text
}

/// A route changed, added, dropped or renamed, or a token taken out of it.
fn edited(text: &str, kind: usize, at: usize, other: usize) -> String {
    let begins: Vec<usize> = text.match_indices("\nroute ").map(|(at, _)| at + 1).collect();
    let pick = |n: usize| begins[n % begins.len()];
    let item = |n: usize| {
        let start = pick(n);
        let end = text[start..].find("\n}\n").map_or(text.len(), |end| start + end + 3);
        start..end
    };
    let range = item(at);
    let mut changed = text.to_owned();
    match kind {
        0 => changed.replace_range(range, ""),
        1 => changed.insert_str(range.start, &text[item(other)]),
        2 => {
            let copy = text[item(other)].replacen("route ", "route z", 1);
            changed.insert_str(range.start, &copy);
        }
        3 => {
            let moved = text[range.clone()].replace("h1.", "h2.").replace("/v1", "/v2");
            changed.replace_range(range, &moved);
        }
        4 => {
            let renamed = text[range.clone()].replacen("route ", "route q", 1);
            changed.replace_range(range, &renamed);
        }
        5 => {
            let source = Source::new(SourceId(0), "a.gw", text);
            let (tree, _) = lang::parse(&source);
            let leaves: Vec<_> = tree.leaves().map(|leaf| leaf.span().range()).collect();
            let tokens: Vec<_> =
                leaves.into_iter().filter(|leaf| !text[leaf.clone()].trim().is_empty()).collect();
            changed.replace_range(tokens[other % tokens.len()].clone(), "");
        }
        6 => changed = text.replace("/wide/{a}", "/v1/{a}"),
        7 => changed = text.replacen(" == \"1\"", " == \"2\"", 1 + other % 3),
        8 => changed.replace_range(range.start..range.start, "// a line more\n\n"),
        9 => {
            let status = ["404", "500", "201", "503"][other % 4];
            let answer =
                text[range.clone()].replacen("respond 200", &format!("respond {status}"), 1);
            changed.replace_range(range, &answer);
        }
        10 => {
            let host =
                ["**.example", "*.shop.example", "h3.shop.example", "*.s.example"][other % 4];
            let wide = format!(
                "\nroute w{at} on web {{\n  host \"{host}\"\n  path \"/w{at}/**\"\n  respond 200\n}}\n"
            );
            changed.insert_str(range.start, &wide);
        }
        11 => changed = text.replacen("path \"/b\"", "path \"/c\"", 1),
        12 => changed = text.replacen("respond 201", "respond 200", 1),
        _ => changed = text.replacen("before right", "", 1),
    }
    changed
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn a_session_says_what_a_whole_check_says(
        edits in prop::collection::vec((0..14_usize, 0..1_000_usize, 0..1_000_usize, any::<bool>()), 1..8),
        claims in any::<bool>(),
    ) {
        let (trees, mut session) = (Trees::default(), Session::new(VOCABULARY));
        let mut text = if claims { claimed(20, 4) } else { varied(40, 4) };
        let mut served = Served::new();
        let (warm, cold, _) = both(&trees, &mut session, &text);
        prop_assert_eq!(warm, cold);
        prop_assert!(served.take(&text).is_some());
        for (kind, at, other, keep) in edits {
            let changed = edited(&text, kind, at, other);
            let (warm, cold, _) = both(&trees, &mut session, &changed);
            prop_assert_eq!(warm, cold, "{}", changed);
            if let Some((fresh, known, _)) = served.take(&changed) {
                prop_assert_eq!(fresh, known, "{}", changed);
                let (after, alone) = served.answers();
                prop_assert_eq!(after, alone, "{}", changed);
                served.n_compiled();
            }
            if keep {
                text = changed;
            }
        }
    }
}

#[test]
fn a_changed_route_is_all_that_is_looked_at() {
    for text in [varied(60, 6), claimed(60, 6)] {
        only_changes_are_looked_at(&text);
    }
}

fn only_changes_are_looked_at(text: &str) {
    let (trees, mut session) = (Trees::default(), Session::new(VOCABULARY));
    let (found, _, is_whole) = both(&trees, &mut session, text);
    assert!(is_whole, "nothing was known");
    assert!(found.is_empty(), "{found:#?}");
    for (from, to) in
        [("200, \"17\"", "404"), ("route r18 ", "route other "), ("/files7", "/stuff")]
    {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        let (warm, cold, whole) = both(&trees, &mut session, &changed);
        assert!(warm.is_empty() && cold.is_empty(), "{warm:#?}");
        assert!(!whole, "{from} is one route");
    }
}

#[test]
fn a_changed_route_leaves_the_program_of_all_others() {
    for text in [varied(600, 30), claimed(60, 6)] {
        let mut served = Served::new();
        served.take(&text).unwrap();
        for (from, to, n_hosts) in [
            ("200, \"17\"", "404", 1),
            ("route r18 ", "route other ", 1),
            ("  host \"s.example\", \"t.example\"", "  host \"s.example\", \"u.example\"", 3),
            ("\n// a comment", "", 0),
        ] {
            let before = served.program.clone();
            let changed = text.replacen(from, to, 1);
            let (fresh, known, is_new) = served.take(&changed).unwrap();
            assert!(!is_new, "{from} is one item");
            assert_eq!(fresh, known);
            let hosts = |program: &Program| {
                let listeners = program.listeners.iter();
                listeners.flat_map(|one| &one.hosts.list).cloned().collect::<Vec<_>>()
            };
            let kept = hosts(&before);
            let is_kept = |host| kept.iter().any(|known| Arc::ptr_eq(known, host));
            let n_made = hosts(&served.program).iter().filter(|host| !is_kept(host)).count();
            assert!(n_made <= n_hosts, "{from}: {n_made}");
            // And back, so that each change is one of the same text.
            assert!(!served.take(&text).unwrap().2);
        }
    }
}

#[test]
fn a_changed_route_makes_its_own_cells_anew() {
    let text = varied(600, 30);
    let mut served = Served::new();
    served.take(&text).unwrap();
    assert!(served.n_compiled() > 10);
    for (from, to, n_compiled) in [
        ("200, \"17\"", "404", 0),
        ("route r18 ", "route other ", 0),
        (
            "GET\n  where req.header[\"x-debug\"] == \"1\"",
            "GET\n  where req.header[\"x-debug\"] == \"2\"",
            1,
        ),
        // A host with few routes is one function, from its paths on.
        ("path \"/wide/{a}\"", "path \"/narrow/{a}\"", 1),
        ("  host \"s.example\", \"t.example\"", "  host \"s.example\", \"u.example\"", 0),
        (
            "\nroute r18 on",
            "\nroute more on web {\n  host \"h1.shop.example\"\n  path \"/more\"\n  method PATCH\n  respond 200\n}\n\nroute r18 on",
            1,
        ),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(!served.take(&changed).unwrap().2, "{from} is one item");
        let (after, alone) = served.answers();
        assert_eq!(after, alone, "{from}");
        assert_eq!(served.n_compiled(), n_compiled, "{from}");
        // And back: what is there again is no longer known.
        assert!(!served.take(&text).unwrap().2);
        served.n_compiled();
    }
}

#[test]
fn a_shared_requirement_is_told_of_when_the_last_route_in_which_it_asked_something_goes() {
    let with = |routes: &[&str]| {
        let mut text = String::from(
            "edition 2026\n\nlistener web { bind \":8080\" }\n\npolicy inner { require req.path != \"/a\" }\n\npolicy outer { apply inner }\n",
        );
        for (at, lines) in routes.iter().enumerate() {
            text.push_str(&format!(
                "\nroute r{at} on web {{\n  host \"h{at}.example\"\n  {lines}\n  respond 200\n}}\n"
            ));
        }
        text
    };
    let (idle, asking) = ("path \"/b\"\n  apply outer", "path \"/a/**\"\n  apply outer");
    for (before, after, n_told) in [
        (&[idle, asking][..], &[idle][..], 1),
        (&[idle, asking], &[idle, "path \"/a/**\""], 1),
        (&[idle, asking], &[idle, idle], 1),
        (&[idle, asking], &[idle, asking, asking], 0),
        (&[asking, asking], &[idle, asking], 0),
    ] {
        let (trees, mut session) = (Trees::default(), Session::new(VOCABULARY));
        let (found, _, _) = both(&trees, &mut session, &with(before));
        assert!(found.is_empty(), "{found:#?}");
        let (warm, cold, _) = both(&trees, &mut session, &with(after));
        assert_eq!(warm, cold);
        assert_eq!(warm.len(), n_told, "{warm:#?}");
    }
    // What is known by and by is known as well.
    let (trees, mut session) = (Trees::default(), Session::new(VOCABULARY));
    both(&trees, &mut session, &with(&[asking, asking]));
    both(&trees, &mut session, &with(&[idle, asking]));
    let (warm, cold, _) = both(&trees, &mut session, &with(&[idle, "path \"/c\""]));
    assert_eq!((warm.len(), cold.len()), (1, 1), "{warm:#?}");
}
