//! What is proved of all requests: that asserts hold. A claim is decided on sets of requests, exactly or not at all, and
//! an example that contradicts one is replayed before it is shown.
//!
//! Proofs speak of the requests that reach a policy: those in the normal form, within the gateway's limits.

use std::collections::HashMap;

use lang::diag::proof_disagreement::proof_disagreement;
use lang::diag::proved_by_default::{self, proved_by_default};
use lang::diag::refuted_assert::refuted_assert;
use lang::diag::undecided_assert::undecided_assert;
use lang::diag::unproved_assert::{self, proved_all_the_same, unproved_assert};
use lang::diag::vacuous_assert::{no_such_outcome, vacuous_assert};
use lang::policy::{Assert, Claim, Host, Input, Policy};
use lang::vocab::ExprId;
use lang::{Diag, Span, Value};

use crate::program::{Program, Route, Step};
use crate::space::{arriving, believes, door};

mod act;
pub(crate) mod basis;
mod claims;
pub(crate) mod course;
mod courses;
mod defaults;
mod narrow;
pub(crate) mod opaque;
pub(crate) mod replay;
pub(crate) mod search;
pub(crate) mod sent;
mod values;

use basis::{Basis, Known};
use claims::{Asked, asked};
use course::End;
use defaults::Defaults;
use narrow::Narrow;
pub(crate) use search::Spoken;
use search::{Ending, Found, Question, Why, search, speaks_of};

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

/// What comes of an assert.
enum Outcome {
    /// There is no request that contradicts it; and one of which it speaks, if there is any.
    Holds(Option<Spoken>),
    /// The same where inputs are what they are by default; which those are on which that hangs.
    ByDefault(String),
    /// A finished diagnostic says why it does not.
    Refuted(Diag),
    /// There may be one; where that hangs, and why.
    Undecided(Span, Why),
}

/// A policy with its program, and what its asserts ask.
fn basis<'p>(
    policy: &'p Policy,
    program: &'p Program,
    asserts: &[Assert],
) -> (Basis<'p>, Vec<(Asked, Asked)>) {
    Basis::new(&[(policy, program)], |exprs| {
        let both = |assert: &Assert, exprs: &mut _| {
            (asked(&assert.of, exprs), asked(&assert.expect, exprs))
        };
        asserts.iter().map(|assert| both(assert, exprs)).collect()
    })
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

fn one(
    basis: &Basis<'_>,
    assert: &Assert,
    (of, expect): &(Asked, Asked),
    within: Option<&[Host]>,
    known: &mut Known,
) -> Outcome {
    let Some(&side) = basis.sides.first() else { return Outcome::Holds(None) };
    let name = &*assert.name;
    let mut doubt: Option<(Span, Why)> = None;
    let mut spoken = None;
    let narrow = Narrow::of(of, &basis.program, within);
    for (listener, table) in side.lowered.listeners.iter().enumerate() {
        if !assert.listeners.is_empty() && !assert.listeners.contains(&table.block) {
            continue;
        }
        let arriving = arriving(side.policy, table.block);
        let believes = believes(side.policy, table.block);
        let (arriving, narrow) = (&arriving, &narrow);
        let question = Question { basis, side, listener, arriving, believes, of, expect, narrow };
        let door = door(side.policy, table.block);
        match search(&question, known) {
            Found::Nothing => {}
            Found::Undecided(span, why) => doubt = doubt.or(Some((span, why))),
            Found::Witness(witness, ending) => {
                let example = witness.text(&basis.program, door);
                let fate = fate(&side, &ending);
                let with = inputs(basis, &side, &ending, [of, expect]);
                let diag = refuted_assert(assert.expect_span, name, (&example, &with), &fate);
                return Outcome::Refuted(match ending.span {
                    Some(span) => diag.label(span, place(&ending.end)),
                    None => diag,
                });
            }
            Found::Disagreement(witness) => {
                let example = witness.text(&basis.program, door);
                return Outcome::Refuted(proof_disagreement(assert.span, name, &example));
            }
        }
        spoken = spoken.or_else(|| speaks_of(&question, known));
    }
    doubt.map_or(Outcome::Holds(spoken), |(span, why)| Outcome::Undecided(span, why))
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

/// What inputs are taken to be in an example: those that its route or the claim reads.
fn inputs(
    basis: &Basis<'_>,
    side: &basis::Side<'_>,
    ending: &Ending,
    claims: [&Asked; 2],
) -> String {
    let mut roots: Vec<ExprId> = claims.into_iter().flat_map(Asked::conditions).collect();
    let of = |route: &Route| -> Vec<ExprId> {
        let conditions = route.conditions.iter().map(|(id, _)| *id);
        conditions.chain(route.steps.iter().flat_map(Step::exprs)).collect()
    };
    match ending.route.and_then(|id| basis.route(side, id)) {
        Some(route) => roots.extend(of(route)),
        None => roots.extend(basis.program.routes.iter().flat_map(of)),
    }
    let said = basis.inputs(roots).into_iter().filter_map(|(id, value)| {
        let input = basis.program.inputs.get(id.0 as usize)?;
        Some(shown(input, value?))
    });
    said.collect::<Vec<_>>().join(" and ")
}

/// An input with its value.
fn shown(input: &Input, value: &Value) -> String {
    let default = if input.default.as_ref() == Some(value) { ", its default" } else { "" };
    format!("{} = {value}{default}", input.name)
}

/// What becomes of an example.
fn fate(side: &basis::Side<'_>, ending: &Ending) -> String {
    let route = ending.route.and_then(|id| side.policy.routes.get(id.0 as usize));
    let route = route.map_or("", |route| &*route.name);
    match &ending.end {
        End::Nobody | End::Method => "no route answers".to_owned(),
        End::Denied => format!("`{route}` refuses a request"),
        End::Forwarded(to) => format!("`{route}` forwards a request to `{to}`"),
        End::Limited(limit) => {
            format!("`{route}` refuses a request that is beyond the limit `{limit}`")
        }
        End::Answered | End::Unfit | End::Open => format!("`{route}` answers a request"),
    }
}

fn place(end: &End) -> &'static str {
    match end {
        End::Denied | End::Limited(_) => "it is refused here",
        End::Forwarded(_) => "it is forwarded here",
        _ => "it is answered here",
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
        Why::Written => (
            "the gateway writes this header field by itself, as connection and content need it",
            "claim a header field that statements set",
        ),
        Why::Computed | Why::Opaque { .. } => (
            "what is computed on the way here cannot be taken apart",
            "compare what the request says, as it came, with constants",
        ),
    }
}
