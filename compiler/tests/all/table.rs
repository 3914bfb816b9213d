//! Decision tables against the interpreter: random policies on every request of the world of `reference.rs`, and a policy
//! whose routes are told apart by what is long to ask.

use std::sync::Arc;

use compiler::{Backend, Matcher, Tables, load_with, lower};
use lang::Value;
use lang::policy::{Compare, Policy};
use proptest::prelude::*;

use crate::build::*;
use crate::proof::{routed, settled, way};
use crate::reference::{recipe, world};

/// Without tables, and with all that can be.
fn matchers(policy: &Policy) -> [Matcher; 2] {
    let program = Arc::new(lower(policy).0.unwrap());
    [Tables::Never, Tables::Everywhere]
        .map(|tables| load_with(program.clone(), Vec::new(), Backend::Interp, tables).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn tables_say_what_the_interpreter_says(
        made in prop::collection::vec((recipe(), way()), 1..6),
    ) {
        let routes = made.iter().enumerate().map(|(at, (r, w))| routed(&format!("r{at}"), r, w));
        let Some(policy) = settled(routes.collect()) else { return Ok(()) };
        let [plain, tabled] = matchers(&policy);
        for request in world() {
            prop_assert_eq!(decide(&plain, &request), decide(&tabled, &request), "{:?}", request);
        }
    }
}

#[test]
fn a_table_waits_for_what_its_code_waits_for() {
    let large = |least| compare(Compare::Gt, field(&SIZE, None), Value::Size(least));
    let policy = policy(vec![
        route("large").path(&["/a"]).when(is(header("d"), "1")).when(large(10)),
        route("other").path(&["/a"]).when(is(header("d"), "2")),
        route("rest"),
    ]);
    for matcher in matchers(&policy) {
        let asked = |d: &str| get("x/a").header("d", d);
        assert_eq!(decide(&matcher, &asked("1")), "pending req.body.size");
        assert_eq!(decide(&matcher, &asked("2")), "other");
        assert_eq!(decide(&matcher, &asked("3")), "rest");
        let sized = |size| asked("1").with("req.body.size", Value::Size(size));
        assert_eq!([11, 10].map(|size| decide(&matcher, &sized(size))), ["large", "rest"]);
    }
}

/// Patterns, texts in either case and beyond ASCII: each alone says what all of them together do.
#[test]
fn patterns_looked_for_together_fit_as_each_alone() {
    let patterns = [
        "^/api/v[0-9]+/orders/[0-9]+$",
        "(?i)/API/v1/users",
        "/files/.*report.*[.](?:zip|tar)$",
        "(?i)stra(?:ß|ss)e",
        "^/a*b?$",
        r"/\pL{3}/\d+$",
        "(?:login|logout|signin)/",
        r"\bend\b",
    ];
    let routes = patterns.iter().enumerate().map(|(at, pattern)| {
        route(&format!("r{at}"))
            .path(&["/all"])
            .when(is(header("n"), &at.to_string()))
            .when(matches(header("p"), pattern))
    });
    let [plain, tabled] = matchers(&policy(routes.collect()));
    for (at, pattern) in patterns.iter().enumerate() {
        let fits = lang::literal::compiled(pattern).unwrap().0;
        for text in [
            "",
            "/",
            "/api/v1/orders/7",
            "/api/v1/orders/",
            "/Api/V1/USERS",
            "/files/x/report-7.zip",
            "/files/REPORT.zip",
            "/STRASSE",
            "/Straße",
            "/straſſe",
            "/ab",
            "/äöü/7",
            "/x/logout/",
            "the end",
            "bending",
        ] {
            let request = get("x/all").header("n", &at.to_string()).header("p", text);
            let expected = if fits.is_match(text) { format!("r{at}") } else { "404".to_owned() };
            assert_eq!(decide(&plain, &request), expected, "{pattern} {text}");
            assert_eq!(decide(&tabled, &request), expected, "{pattern} {text}");
        }
    }
}
