//! What is proved of all requests: that asserts hold. A claim is decided on sets of requests, exactly or not at all, and
//! an example that contradicts one is replayed before it is shown.
//!
//! Proofs speak of the requests that reach a policy: those in the normal form, within the gateway's limits.

use lang::diag::proof_disagreement::proof_disagreement;
use lang::diag::refuted_assert::refuted_assert;
use lang::diag::undecided_assert::undecided_assert;
use lang::diag::unproved_assert::{proved_all_the_same, unproved_assert};
use lang::diag::vacuous_assert::vacuous_assert;
use lang::policy::{Assert, Policy};
use lang::{Diag, Span};

use crate::program::Program;
use crate::space::{arriving, scheme};

pub(crate) mod basis;
mod claims;
pub(crate) mod course;
mod narrow;
pub(crate) mod replay;
pub(crate) mod search;

use basis::{Basis, Known};
use claims::{Asked, asked};
use course::End;
use narrow::Narrow;
use search::{Ending, Found, Question, Why, search, speaks_of_some};

/// What is to be said of a policy's asserts: those refuted or undecided, those that speak of nothing, those let stand.
/// The program is the policy's own, as [`crate::lower()`] gives it.
pub fn prove(policy: &Policy, program: &Program) -> Vec<Diag> {
    if policy.asserts.is_empty() {
        return Vec::new();
    }
    let (basis, claims) = Basis::new(&[(policy, program)], |exprs| {
        let both = |assert: &Assert, exprs: &mut _| {
            (asked(&assert.of, exprs), asked(&assert.expect, exprs))
        };
        policy.asserts.iter().map(|assert| both(assert, exprs)).collect::<Vec<_>>()
    });
    let mut known = Known::default();
    let asserts = policy.asserts.iter().zip(&claims);
    asserts.filter_map(|(assert, claims)| one(&basis, assert, claims, &mut known)).collect()
}

fn one(
    basis: &Basis<'_>,
    assert: &Assert,
    (of, expect): &(Asked, Asked),
    known: &mut Known,
) -> Option<Diag> {
    let side = *basis.sides.first()?;
    let name = &*assert.name;
    let mut doubt: Option<(Span, Why)> = None;
    let mut speaks = false;
    let narrow = Narrow::of(of, &basis.program);
    for (listener, table) in side.lowered.listeners.iter().enumerate() {
        if !assert.listeners.is_empty() && !assert.listeners.contains(&table.block) {
            continue;
        }
        let arriving = arriving(side.policy, table.block);
        let question =
            Question { basis, side, listener, arriving: &arriving, of, expect, narrow: &narrow };
        let scheme = scheme(side.policy, table.block);
        match search(&question, known) {
            Found::Nothing => {}
            Found::Undecided(span, why) => doubt = doubt.or(Some((span, why))),
            Found::Witness(witness, ending) => {
                let example = witness.text(&basis.program, scheme);
                let diag =
                    refuted_assert(assert.expect_span, name, &example, &fate(&side, &ending));
                return Some(match ending.span {
                    Some(span) => diag.label(span, place(&ending.end)),
                    None => diag,
                });
            }
            Found::Disagreement(witness) => {
                let example = witness.text(&basis.program, scheme);
                return Some(proof_disagreement(assert.span, name, &example));
            }
        }
        speaks = speaks || speaks_of_some(&question, known);
    }
    match (doubt, &assert.unproved) {
        (Some(_), Some(said)) => Some(unproved_assert(assert.span, name, &said.why)),
        (Some((span, why)), None) => {
            Some(undecided_assert(assert.expect_span, name, (span, reason(why))))
        }
        (None, _) if !speaks => Some(vacuous_assert(assert.span, name)),
        (None, Some(said)) => Some(proved_all_the_same(assert.span, name, said.span)),
        (None, None) => None,
    }
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

fn reason(why: Why) -> &'static str {
    match why {
        Why::Size => "there is too much to decide here",
        Why::Upstream => "the upstream says what is answered here",
        Why::Refusal => "a value of the request may be refused here",
        Why::Computed => "what is computed on the way here cannot be taken apart",
    }
}
