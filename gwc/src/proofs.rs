//! Asserts that hang on inputs, proved with the values that these are bound to: a check proves them for the defaults, and
//! what is served has the values.

use compiler::{Program, prove_bound};
use lang::{Diag, Sources, Value};

use crate::inputs::Unbound;
use crate::load::{self, Check};

/// The word without which a text claims nothing.
const WORD: &str = "assert";

/// Refuses a policy that has an assert which does not hold with these values of its inputs, or for which that cannot be
/// decided. Of a built program, `is_built`, the texts that it was made of are read.
pub(crate) fn hold(
    check: &Check,
    program: &Program,
    bound: &[Value],
    is_built: bool,
) -> Result<(), Unbound> {
    if program.inputs.is_empty() {
        return Ok(());
    }
    if !is_built {
        return refuse(&prove_bound(&check.policy, program, &check.diags, bound), &check.sources);
    }
    if !check.sources.iter().any(|source| source.text.contains(WORD)) {
        return Ok(());
    }
    let again = load::check_texts_of(&check.sources)?;
    let Some(proved) = &again.program else {
        let errors: Vec<Diag> = again.diags.iter().filter(|d| d.is_error()).cloned().collect();
        return refuse(&errors, &again.sources);
    };
    // By name: the same texts have the same inputs.
    let value = |name: &str| {
        let at = program.inputs.iter().position(|input| *input.name == *name);
        at.and_then(|at| bound.get(at)).cloned().unwrap_or_default()
    };
    let values: Vec<Value> = proved.inputs.iter().map(|input| value(&input.name)).collect();
    refuse(&prove_bound(&again.policy, proved, &again.diags, &values), &again.sources)
}

fn refuse(wrong: &[Diag], sources: &Sources) -> Result<(), Unbound> {
    match wrong {
        [] => Ok(()),
        wrong => {
            let what = "the policy's asserts do not hold with the values of its inputs";
            Err(Unbound::because(what, wrong, sources))
        }
    }
}
