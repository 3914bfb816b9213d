//! What is proved of all requests: that asserts hold. A claim is decided on sets of requests, exactly or not at all, and
//! an example that contradicts one is replayed before it is shown.
//!
//! Proofs speak of the requests that reach a policy: those in the normal form, within the gateway's limits.

use std::collections::HashMap;

use lang::diag::proved_by_default::{self, proved_by_default};
use lang::diag::undecided_assert::undecided_assert;
use lang::diag::unproved_assert::{self, proved_all_the_same, unproved_assert};
use lang::diag::vacuous_assert::{no_such_outcome, vacuous_assert};
use lang::policy::{Assert, Claim, Host, Policy};
use lang::{Diag, Value};

use crate::lower::Joined;
use crate::program::Program;

mod act;
pub(crate) mod basis;
mod claims;
mod content;
pub(crate) mod course;
mod courses;
mod defaults;
pub(crate) mod follow;
pub(crate) mod judged;
mod length;
mod narrow;
pub(crate) mod opaque;
mod outcome;
pub(crate) mod replay;
pub(crate) mod search;
pub(crate) mod sent;
mod spelled;
mod values;

use basis::{Basis, Known};
use claims::{Asked, asked};
use defaults::Defaults;
use outcome::{Outcome, one};
pub(crate) use search::Spoken;
use search::Why;

/// What is to be said of a policy's asserts: those refuted or undecided, those that speak of nothing, those let stand.
/// The program is the policy's own, as [`crate::lower()`] gives it.
pub fn prove(policy: &Policy, program: &Program) -> Vec<Diag> {
    prove_noting(policy, program).0
}

/// As [`prove`], with a request of which each assert that holds speaks.
pub(crate) fn prove_noting(policy: &Policy, program: &Program) -> (Vec<Diag>, Vec<Option<Spoken>>) {
    let mut diags = Vec::new();
    let mut spoken = Vec::with_capacity(policy.asserts.len());
    each(policy, program, &policy.asserts, None, |assert, outcome| {
        let of = match &outcome {
            Outcome::Holds(of) => of.clone(),
            _ => None,
        };
        spoken.push(of);
        diags.extend(said(assert, outcome));
        true
    });
    (diags, spoken)
}

/// Whether these asserts hold of every request for one of these hosts, and for each a request there of which it speaks,
/// if it does. `None` if one does not hold, or is not known to.
pub(crate) fn hold_within(
    policy: &Policy,
    program: &Program,
    asserts: &[Assert],
    hosts: &[Host],
) -> Option<Vec<Option<Spoken>>> {
    let mut spoken = Vec::with_capacity(asserts.len());
    each(policy, program, asserts, Some(hosts), |_, outcome| match outcome {
        Outcome::Holds(of) => {
            spoken.push(of);
            true
        }
        _ => false,
    });
    (spoken.len() == asserts.len()).then_some(spoken)
}

/// What is to be said of asserts where inputs have these values, one for each, absent where its default holds. Only those
/// are looked at of which a check said, in `found`, that they hold by default or stand without a proof: others hold
/// whatever inputs are.
pub fn prove_bound(
    policy: &Policy,
    program: &Program,
    found: &[Diag],
    values: &[Value],
) -> Vec<Diag> {
    let is_open = |assert: &&Assert| {
        let codes = [proved_by_default::ENTRY.code, unproved_assert::ENTRY.code];
        found.iter().any(|diag| diag.span() == assert.span && codes.contains(&diag.code))
    };
    let asserts: Vec<Assert> = policy.asserts.iter().filter(is_open).cloned().collect();
    if asserts.is_empty() {
        return Vec::new();
    }
    let (basis, claims) = basis(policy, program, &asserts);
    let given: HashMap<&str, &Value> =
        program.inputs.iter().zip(values).map(|(input, value)| (&*input.name, value)).collect();
    let basis = basis.bound(|input| {
        let given = given.get(&*input.name).filter(|value| !value.is_absent());
        match (given, &input.default) {
            (Some(value), _) => Some((*value).clone()),
            (None, Some(default)) => Some(default.clone()),
            // Nothing is given, and there may be nothing.
            (None, None) => Some(Value::Absent),
        }
    });
    let mut known = Known::default();
    let outcomes = asserts.iter().zip(&claims).map(|(assert, claims)| {
        let outcome = one(&basis, assert, claims, None, &mut known);
        said(assert, outcome)
    });
    outcomes.flatten().filter(Diag::is_error).collect()
}

/// A policy with its program, and what its asserts ask.
fn basis<'p>(
    policy: &'p Policy,
    program: &'p Program,
    asserts: &[Assert],
) -> (Basis<'p>, Vec<(Asked, Asked)>) {
    let (basis, claims) = Basis::new(&[(policy, program)], Joined::ByType, |exprs| {
        let both = |assert: &Assert, exprs: &mut _| {
            (asked(&assert.of, program, exprs), asked(&assert.expect, program, exprs))
        };
        asserts.iter().map(|assert| both(assert, exprs)).collect()
    });
    (basis.followed(), claims)
}

/// Hands over what comes of each assert, as long as that is asked for.
fn each(
    policy: &Policy,
    program: &Program,
    asserts: &[Assert],
    within: Option<&[Host]>,
    mut take: impl FnMut(&Assert, Outcome) -> bool,
) {
    if asserts.is_empty() {
        return;
    }
    let (basis, claims) = basis(policy, program, asserts);
    let mut known = Known::default();
    let mut defaults = Defaults::of(&basis);
    for (assert, claims) in asserts.iter().zip(&claims) {
        let mut outcome = one(&basis, assert, claims, within, &mut known);
        if let Outcome::Undecided(_, why) = &outcome
            && !basis.program.inputs.is_empty()
        {
            outcome = defaults.decide(assert, claims, within, why).unwrap_or(outcome);
        }
        if !take(assert, outcome) {
            break;
        }
    }
}

/// What is to be said of an assert.
fn said(assert: &Assert, outcome: Outcome) -> Option<Diag> {
    let name = &*assert.name;
    match (outcome, &assert.unproved) {
        (Outcome::Refuted(diag), _) => Some(diag),
        (Outcome::ByDefault(inputs), _) => Some(proved_by_default(assert.span, name, &inputs)),
        (Outcome::Undecided(..), Some(said)) => Some(unproved_assert(assert.span, name, &said.why)),
        (Outcome::Undecided(span, why), None) => {
            let (span, why, help) = match why {
                Why::Opaque { at, why, help, .. } => (at, why, help),
                why => {
                    let (why, help) = reason(&why);
                    (span, why.to_owned(), help.to_owned())
                }
            };
            Some(undecided_assert(assert.expect_span, name, (span, &why), &help))
        }
        (Outcome::Holds(None), _) if names_outcome(&assert.of) => {
            Some(no_such_outcome(assert.span, name))
        }
        (Outcome::Holds(None), _) => {
            Some(vacuous_assert(assert.span, name, names_route(&assert.of)))
        }
        (Outcome::Holds(_), Some(said)) => Some(proved_all_the_same(assert.span, name, said.span)),
        (Outcome::Holds(_), None) => None,
    }
}

/// Whether a claim says what comes of requests, and not only which they are.
fn names_outcome(claim: &Claim) -> bool {
    match claim {
        Claim::Request(_) | Claim::Route(Some(_)) => false,
        Claim::All(parts) | Claim::Any(parts) => parts.iter().any(names_outcome),
        Claim::Not(inner) => names_outcome(inner),
        _ => true,
    }
}

/// Whether a claim names a route.
fn names_route(claim: &Claim) -> bool {
    match claim {
        Claim::Route(route) => route.is_some(),
        Claim::All(parts) | Claim::Any(parts) => parts.iter().any(names_route),
        Claim::Not(inner) => names_route(inner),
        _ => false,
    }
}

/// Why it is undecided, and what would make it decidable.
fn reason(why: &Why) -> (&'static str, &'static str) {
    match why {
        Why::Size => (
            "there is too much to decide here",
            "claim it of fewer requests at once: `for req where req.host == \"…\"`",
        ),
        Why::Upstream => (
            "the upstream says what is answered here",
            "claim what the policy itself decides, such as what it sets behind `forward`",
        ),
        Why::Refusal => (
            "a value of the request may be refused here",
            "claim `denied or …` too: a request whose value cannot stand there is answered 400",
        ),
        Why::Long => (
            "content that routes are chosen by is read up to 16 MiB, and more is answered 413",
            "let no more pass, by `cap body=16MiB` on the listener; or claim it where `req.body.size <= 16MiB`",
        ),
        Why::Trusted => (
            "a proxy that the listener trusts says this header field, by its `trust`",
            "claim a header field that statements set, or take the field away before `forward`",
        ),
        Why::Written => (
            "the gateway writes this header field by itself, as connection and content need it",
            "claim a header field that statements set",
        ),
        Why::Arrival => (
            "what a request says in one place limits what it can say in another",
            "claim it of fewer fields at once, or of shorter values",
        ),
        Why::Token => (
            "one token would have to say what several auths want of it",
            "claim it of one auth at once: `authenticated(by=…)`",
        ),
        Why::Computed | Why::Opaque { .. } => (
            "what is computed on the way here cannot be taken apart",
            "compare what the request says, as it came, with constants",
        ),
    }
}
