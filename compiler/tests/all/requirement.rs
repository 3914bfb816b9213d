//! Requirements against brute force: of random routes over the world of `reference.rs`, what is said to be met by all is met
//! by every request that comes to it, and what is said to be met by none by none. What the few requests of that world all do
//! need not hold of every one: a number that overflows is not among them.

use compiler::lower;
use compiler::requirement::{Met, requirements};
use lang::eval::eval;
use lang::policy::StepKind;
use proptest::prelude::*;

use crate::build::*;
use crate::proof::{routed, settled, way};
use crate::reference::{Reading, places, recipe, world};

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn requirements_are_met_as_brute_force_says(
        made in prop::collection::vec((recipe(), way()), 1..4),
    ) {
        let routes = made.iter().enumerate().map(|(at, (r, w))| routed(&format!("r{at}"), r, w));
        let Some(policy) = settled(routes.collect()) else { return Ok(()) };
        let program = lower(&policy).0.unwrap();
        let requests = world();
        let places = places(&policy, &requests);
        let mut judged = requirements(&policy, &program).into_iter();
        for (number, route) in policy.routes.iter().enumerate() {
            let own = places.iter().filter(|place| place.route == number);
            let mut coming: Vec<Reading<'_>> = own
                .flat_map(|place| {
                    let path = &route.paths[place.path].0;
                    place.takes.iter().map(|at| Reading { request: &requests[*at], path })
                })
                .collect();
            for step in &route.steps {
                let StepKind::Act(call) = &step.kind else { continue };
                if call.row.name != "require" {
                    continue;
                }
                let n_coming = coming.len();
                coming.retain(|reading| eval(&call.args[0], reading).is_true());
                let judged = judged.next().unwrap();
                prop_assert_eq!(judged.route.0 as usize, number);
                let met = coming.len();
                let is_right = match judged.met {
                    Met::ByAll => met == n_coming,
                    Met::ByNone => met == 0,
                    Met::BySome => true,
                };
                prop_assert!(is_right, "{:?} of {met} in {n_coming}: {:#?}", judged.met, call.args[0]);
            }
        }
        prop_assert!(judged.next().is_none());
    }
}

/// What is required before is known however many lines that is, and whatever else is required between them.
#[test]
fn requirements_in_a_long_row_are_decided() {
    let (k, l) = (r#"(req.header["k"] ?? "")"#, r#"(req.header["l"] ?? "")"#);
    let mut text = "edition 2026\nlistener web { bind \":8080\" }\nroute a on web {\n".to_owned();
    for at in 0..1_000 {
        text += &format!("require {k} != \"z{at}\"\nrequire {l} != \"z{at}\"\n");
    }
    text += &format!("require {k} in [\"z7\", \"z9\", \"a\"] or {l} == \"b\"\n");
    text += &format!("require {k} != \"z7\"\nrequire {l} == \"z7\"\n");
    text += &format!("require {l} == \"z8\"\nrespond 204 }}\n");
    let (policy, source) = read(&text);
    let program = lower(&policy).0.unwrap();
    let judged = requirements(&policy, &program).into_iter();
    let decided = judged.filter(|judged| judged.met != Met::BySome);
    let decided: Vec<_> = decided.map(|judged| (judged.met, source.slice(judged.span))).collect();
    assert_eq!(
        decided,
        [
            (Met::ByAll, r#"(req.header["k"] ?? "") != "z7""#),
            (Met::ByNone, r#"(req.header["l"] ?? "") == "z7""#),
        ]
    );
}
