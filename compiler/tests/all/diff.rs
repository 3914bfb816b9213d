//! Comparisons against brute force: two random policies over the world of `reference.rs`, request by request.

use std::collections::BTreeSet;

use compiler::diff::{Kind, compare};
use compiler::lower;
use lang::policy::{Assert, Claim, Policy};
use lang::{Span, Value};
use proptest::prelude::*;

use crate::build::*;
use crate::proof::{Fate, fate, routed, settled, way};
use crate::reference::{recipe, world};

fn words(fate: &Fate) -> String {
    match (&fate.to, fate.route) {
        (Some(to), _) => format!("forwarded to {to}"),
        (None, None) if fate.status == 405 => "405, no route takes the method".to_owned(),
        (None, None) => "404, no route".to_owned(),
        (None, Some(_)) if fate.responded => format!("answered with {}", fate.status),
        (None, Some(_)) => format!("denied with {}", fate.status),
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn policies_differ_as_brute_force_says(
        made in prop::collection::vec((recipe(), way()), 1..4),
        at in 0_usize..4,
        other in prop::option::of((recipe(), way())),
        same_choice in any::<bool>(),
    ) {
        let mut changed = made.clone();
        let at = at % changed.len();
        match other {
            Some((recipe, way)) => {
                let kept = changed[at].0.clone();
                changed[at] = (if same_choice { kept } else { recipe }, way);
            }
            None => drop(changed.remove(at)),
        }
        let build = |made: &[(crate::reference::Recipe, crate::proof::Way)]| {
            let routes = made.iter().enumerate().map(|(at, (r, w))| routed(&format!("r{at}"), r, w));
            settled(routes.collect())
        };
        let (Some(old), Some(new)) = (build(&made), build(&changed)) else { return Ok(()) };
        let (old_program, new_program) = (lower(&old).0.unwrap(), lower(&new).0.unwrap());
        let said = compare((&old, &old_program), (&new, &new_program));
        prop_assert!(said.undecided.is_empty() && said.disagreements.is_empty(), "{:?}", said);
        let (old_matcher, new_matcher) = (matcher(&old), matcher(&new));
        let mut expected: BTreeSet<(String, String)> = BTreeSet::new();
        let mut otherwise: Option<String> = None;
        // Requests for which an upstream got the policy's word, or nothing, and gets what the client says, and the other way
        // round.
        let mut exposed: BTreeSet<(Kind, String, String)> = BTreeSet::new();
        // Outcomes of requests in which the client says the very word that policies set: who it is from is not seen of them.
        let mut unseen: BTreeSet<(String, String)> = BTreeSet::new();
        // What the requests say in `h` that a route of a side lets through: where that is not all that anybody says, the route
        // holds them to something.
        let mut heard: BTreeSet<(Kind, Option<u32>, Option<String>)> = BTreeSet::new();
        let mut words_said: BTreeSet<Option<String>> = BTreeSet::new();
        for request in world() {
            for u in [None, Some("z")] {
                let (a, _) = fate(&old, &old_matcher, &request, (false, u), (200, false));
                let (b, _) = fate(&new, &new_matcher, &request, (false, u), (200, false));
                let pair = (words(&a), words(&b));
                let h = request.says("req.header", Some("h"));
                let word = h.as_str().map(str::to_owned);
                words_said.insert(word.clone());
                for (kind, fate) in [(Kind::Loosened, &a), (Kind::Tightened, &b)] {
                    heard.extend(fate.to.is_some().then(|| (kind, fate.route, word.clone())));
                }
                // What a policy sets by itself may be what the client said.
                let is_own = h == Value::string("1");
                let both = a.to.is_some() && b.to.is_some();
                if is_own && both {
                    unseen.insert(pair.clone());
                }
                if !is_own && both {
                    // Whether what the client says is among what the upstream gets; nothing where that cannot be seen of this
                    // request.
                    let by_client = |fate: &Fate, name: &str| {
                        let got = fate.up.iter().find(|(known, _)| *known == name)?.1.clone();
                        let said = match name {
                            "h" => vec![h.clone()],
                            _ => vec![h.clone(), Value::string(u?)],
                        };
                        match got.as_str() {
                            None => (name == "h" && !h.is_absent()).then_some(false),
                            // As it was said, or with something added to it.
                            Some(got) => Some(said.iter().filter_map(Value::as_str).any(|said| {
                                let behind = got.strip_prefix(said);
                                behind.is_some_and(|more| more.is_empty() || more.starts_with(", "))
                            })),
                        }
                    };
                    let kinds = ["h", "u"].map(|name| match (by_client(&a, name), by_client(&b, name)) {
                        (Some(false), Some(true)) => Some(Kind::Loosened),
                        (Some(true), Some(false)) => Some(Kind::Tightened),
                        _ => None,
                    });
                    let kind = kinds.into_iter().flatten().min();
                    exposed.extend(kind.map(|kind| (kind, pair.0.clone(), pair.1.clone())));
                }
                if pair.0 != pair.1 {
                    expected.insert(pair);
                } else if a.up != b.up || a.framed != b.framed && !a.denied {
                    otherwise = Some(format!("{request:?} {a:?} {b:?}"));
                }
            }
        }
        let differing = said.changes.iter().filter(|change| change.old.words != change.new.words);
        let found: BTreeSet<(String, String)> =
            differing.map(|change| (change.old.words.clone(), change.new.words.clone())).collect();
        prop_assert_eq!(&found, &expected);
        let same_words = said.changes.iter().any(|change| change.old.words == change.new.words);
        prop_assert!(otherwise.is_none() || same_words, "{:?}", otherwise);
        for change in &said.changes {
            prop_assert!(change.example.is_ok(), "{:?}", change);
            let refuses = |words: &str| {
                ["404", "405", "denied", "answered with 404"].iter().any(|w| words.starts_with(w))
            };
            let kind = match (refuses(&change.old.words), refuses(&change.new.words)) {
                (true, false) => Kind::Loosened,
                (false, true) => Kind::Tightened,
                // What is kept from an upstream is compared below.
                _ => change.kind,
            };
            prop_assert_eq!(change.kind, kind);
            let exposes = change.because.iter().any(|why| why.contains("client"));
            let as_before = refuses(&change.old.words) == refuses(&change.new.words);
            prop_assert_eq!(as_before && kind != Kind::Changed, exposes, "{:?}", change);
            let seen = (kind, change.old.words.clone(), change.new.words.clone());
            let is_unseen = unseen.contains(&(seen.1.clone(), seen.2.clone()));
            let by = if kind == Kind::Loosened { &change.old } else { &change.new };
            let route = by.route.as_ref().and_then(|(name, _)| name.strip_prefix('r')?.parse().ok());
            let is_held = change.because.iter().any(|why| why.contains("certain values"))
                && words_said.iter().any(|h| !heard.contains(&(kind, route, h.clone())));
            // What a condition asks may hold nobody to anything: that is all that is said then.
            let is_open = kind == Kind::Unclear
                && change.because.iter().any(|why| why.contains("as before cannot be told"));
            let is_seen = exposed.contains(&seen) || is_unseen || is_held || is_open;
            prop_assert!(!exposes || is_seen, "{:?}", change);
        }
        for (kind, old, new) in exposed {
            // Others of the same class may lose more.
            let told = said.changes.iter().any(|change| {
                (&*change.old.words, &*change.new.words) == (&*old, &*new) && change.kind <= kind
            });
            prop_assert!(told, "{kind:?} {old} {new}: {said:?}");
        }
    }
}

#[test]
fn a_policy_is_like_itself() {
    let routes = || vec![route("a").path(&["/a/{x}"]), route("b").when(is(header("h"), "1"))];
    let (old, new) = (policy(routes()), policy(routes()));
    let programs = (lower(&old).0.unwrap(), lower(&new).0.unwrap());
    assert!(compare((&old, &programs.0), (&new, &programs.1)).is_same());
}

/// Ten thousand routes on five hundred hosts; `moved` of them go elsewhere.
fn many(moved: usize) -> Policy {
    let mut routes = Vec::new();
    for n in 0..9_999 {
        let (host, path) = (format!("h{}.example", n % 500), format!("/p{}/{{id: Int}}", n / 500));
        let mut route = route(&format!("r{n}")).host(&[&host]).path(&[&path]);
        route.steps = vec![forward(if n % 997 == 0 && n / 997 < moved { "q" } else { "p" })];
        routes.push(route);
    }
    routes.push(route("rest"));
    policy(routes)
}

#[test]
fn ten_thousand_routes_that_differ_in_ten_are_compared_in_no_time() {
    let (old, new) = (many(0), many(10));
    let programs = (lower(&old).0.unwrap(), lower(&new).0.unwrap());
    // Comparing each route with each would take minutes.
    let said = compare((&old, &programs.0), (&new, &programs.1));
    assert_eq!(said.changes.len(), 1);
    assert_eq!(said.changes[0].places, 10);
    assert_eq!(said.changes[0].new.words, "forwarded to q");

    let mut gone = many(0);
    drop(gone.routes.pop());
    let program = lower(&gone).0.unwrap();
    let said = compare((&old, &programs.0), (&gone, &program));
    assert_eq!(said.changes.len(), 1, "{said:?}");
    assert_eq!(said.changes[0].new.words, "404, no route");
}

#[test]
fn a_claim_about_ten_thousand_routes_is_decided() {
    let mut policy = many(0);
    let claim = |name: &str, of, expect| Assert {
        name: name.into(),
        listeners: Vec::new(),
        of,
        expect,
        unproved: None,
        span: Span::default(),
        expect_span: Span::default(),
    };
    let host = Claim::Request(is(field(&HOST, None), "h7.example"));
    policy.asserts = vec![
        claim(
            "all",
            Claim::All(Vec::new()),
            Claim::Not(Box::new(Claim::Forwarded(Some("q".into())))),
        ),
        claim("host", host, Claim::Any(vec![Claim::Forwarded(Some("p".into())), Claim::Responded])),
    ];
    let program = lower(&policy).0.unwrap();
    assert_eq!(compiler::prove(&policy, &program), []);

    policy.asserts = vec![claim("none", Claim::All(Vec::new()), Claim::Forwarded(None))];
    let said = compiler::prove(&policy, &program);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].message, "`none` does not hold: `rest` answers a request");
}
