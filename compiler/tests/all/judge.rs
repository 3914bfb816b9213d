//! The judge: it finds nothing where all say the same, and finds a program that is not its policy's.

use std::sync::Arc;

use compiler::judge::judge;
use lang::Value;
use lang::policy::Compare;
use proptest::prelude::*;

use crate::build::*;
use crate::proof::{routed, settled, way};
use crate::reference::recipe;

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn all_say_the_same_of_random_policies(
        made in prop::collection::vec((recipe(), way()), 1..5),
        seed in any::<u64>(),
    ) {
        let routes = made.iter().enumerate().map(|(at, (r, w))| routed(&format!("r{at}"), r, w));
        let Some(policy) = settled(routes.collect()) else { return Ok(()) };
        let program = Arc::new(compiler::lower(&policy).0.unwrap());
        let judged = judge(&policy, &program, seed, 100).unwrap();
        prop_assert!(judged.differences.is_empty(), "{:#?}", judged.differences);
        prop_assert_eq!(judged.requests, 100);
    }
}

/// Each is one change away from the policy, and found.
#[test]
fn a_program_of_another_policy_is_found() {
    let routes = |text: &str, least: i64, path: &str| {
        vec![
            route("a")
                .host(&["*.x"])
                .path(&["/a/{id: Int}"])
                .method(&["GET"])
                .when(is(header("h"), text))
                .when(compare(Compare::Ge, capture("id"), Value::Int(least))),
            route("b").path(&[path]),
        ]
    };
    let of = policy(routes("1", 10, "/b/**"));
    let judged = |routes| {
        let program = compiler::lower(&policy(routes)).0.unwrap();
        judge(&of, &Arc::new(program), 7, 2_000).unwrap()
    };
    let same = judged(routes("1", 10, "/b/**"));
    assert!(same.differences.is_empty(), "{:#?}", same.differences);
    assert!(same.blocks > 0 && same.answered > 200, "{same:?}");
    for other in [
        routes("2", 10, "/b/**"),
        routes("1", 11, "/b/**"),
        routes("1", 10, "/b"),
        routes("1", 10, "/**"),
    ] {
        assert!(!judged(other).differences.is_empty());
    }
}

/// Two routes that share only requests which cannot come to the listener have no order there, and each evaluator may begin
/// with another one.
#[test]
fn what_cannot_come_is_not_asked() {
    let of_tls = sides(Compare::Ne, header("h"), field(&CLIENT, None));
    let routes = vec![
        route("a")
            .host(&["a.x"])
            .path(&["/{x}"])
            .when(or(vec![is(field(&PATH, None), "/zz"), of_tls])),
        route("b").host(&["a.x"]).path(&["/a/**"]),
    ];
    let policy = policy(routes);
    let program = Arc::new(compiler::lower(&policy).0.unwrap());
    let judged = judge(&policy, &program, 7, 2_000).unwrap();
    assert!(judged.differences.is_empty(), "{:#?}", judged.differences);
}

#[test]
fn the_same_seed_makes_the_same_requests() {
    let policy = policy(vec![route("a").path(&["/a"]).when(is(header("h"), "1")), route("b")]);
    let program = Arc::new(compiler::lower(&policy).0.unwrap());
    let answered = |seed| judge(&policy, &program, seed, 500).unwrap().answered;
    assert_eq!(answered(1), answered(1));
}
