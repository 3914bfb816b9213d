//! What comes of one assert: it is looked for on each listener, and an example that contradicts it becomes a diagnostic.

use lang::diag::proof_disagreement::proof_disagreement;
use lang::diag::refuted_assert::refuted_assert;
use lang::policy::{Assert, Host, Input};
use lang::vocab::ExprId;
use lang::{Diag, Span, Value};

use super::basis::{Basis, Known, Side};
use super::claims::Asked;
use super::course::End;
use super::narrow::Narrow;
use super::search::{Ending, Found, Question, Spoken, Why, search, speaks_of};
use crate::program::{Route, Step};
use crate::space::{arriving, believes, door};

/// What comes of an assert.
pub(super) enum Outcome {
    /// There is no request that contradicts it; and one of which it speaks, if there is any.
    Holds(Option<Spoken>),
    /// The same where inputs are what they are by default; which those are on which that hangs.
    ByDefault(String),
    /// A finished diagnostic says why it does not.
    Refuted(Diag),
    /// There may be one; where that hangs, and why.
    Undecided(Span, Why),
}

/// What comes of it, of requests for one of the hosts `within` if some are given.
pub(super) fn one(
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

/// What inputs are taken to be in an example: those that its route or the claim reads.
fn inputs(basis: &Basis<'_>, side: &Side<'_>, ending: &Ending, claims: [&Asked; 2]) -> String {
    let mut roots: Vec<ExprId> = claims.into_iter().flat_map(Asked::conditions).collect();
    let of = |route: &Route| -> Vec<ExprId> {
        let conditions = route.conditions.iter().map(|(id, _)| *id);
        conditions.chain(route.steps.iter().flat_map(Step::exprs)).collect()
    };
    match ending.route.and_then(|id| basis.route(side, id)) {
        Some(route) => roots.extend(of(route)),
        None => roots.extend(basis.program.routes.iter().flat_map(|route| of(route))),
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
fn fate(side: &Side<'_>, ending: &Ending) -> String {
    let route = ending.route.and_then(|id| side.policy.routes.get(id.0 as usize));
    let route = route.map_or("", |route| &*route.name);
    match &ending.end {
        End::Nobody | End::Method => "no route answers".to_owned(),
        End::Denied => format!("`{route}` refuses a request"),
        End::Forwarded(to) => format!("`{route}` forwards a request to `{to}`"),
        End::Limited(limit) => {
            format!("`{route}` refuses a request that is beyond the limit `{limit}`")
        }
        End::Long(_) => format!("`{route}` refuses content of more than 16 MiB"),
        End::Answered | End::Unfit | End::Open => format!("`{route}` answers a request"),
    }
}

fn place(end: &End) -> &'static str {
    match end {
        End::Denied | End::Limited(_) => "it is refused here",
        End::Long(_) => "so much is not read here, and answered 413",
        End::Forwarded(_) => "it is forwarded here",
        _ => "it is answered here",
    }
}
