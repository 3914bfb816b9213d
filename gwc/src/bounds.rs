//! What is known of a policy only once its blocks are read together: whether its routes keep the bounds on what they may
//! cost, and whether a log would hold tokens. Asked with the defaults of params where it is only checked, with their values
//! where it is to be served.

use std::sync::Arc;

use compiler::{Backend, Program};
use lang::policy::Input;
use lang::{Diag, Sources, Ty, Value};
use runtime::cost::beyond;
use runtime::engine::{Aim, Engine, Ground};
use runtime::exposure::exposed;

use crate::engine::folder;
use crate::inputs::Unbound;

/// What is beyond a bound, as far as the defaults of the policy's params tell. Where one has none and nothing can be built
/// without it, that is told when it has a value.
pub(crate) fn exceeded(program: &Program, sources: &Sources) -> Vec<Diag> {
    let mut settings = program.blocks.iter().flat_map(|block| &block.settings);
    if !settings.any(|setting| matches!(&*setting.name, "cost" | "log")) {
        return Vec::new();
    }
    imagined(program.clone(), sources).as_ref().map(wrong).unwrap_or_default()
}

fn wrong(engine: &Engine) -> Vec<Diag> {
    let mut wrong = beyond(engine);
    wrong.extend(exposed(engine));
    wrong
}

/// Refuses an engine that is to serve while something in it is beyond a bound.
pub(crate) fn hold(engine: &Engine, sources: &Sources) -> Result<(), Unbound> {
    let (what, wrong) = match (beyond(engine), exposed(engine)) {
        (beyond, _) if !beyond.is_empty() => ("the policy costs more than it allows", beyond),
        (_, exposed) if !exposed.is_empty() => ("the log would hold tokens", exposed),
        _ => return Ok(()),
    };
    Err(Unbound::because(what, &wrong, sources))
}

/// The engine of `program` with the defaults of its params and a text in place of each secret; none if it cannot be built
/// of these.
fn imagined(program: Program, sources: &Sources) -> Option<Engine> {
    let value = |input: &Input| match input.ty {
        Ty::Secret => Value::string("0".repeat(64)),
        _ => Value::Absent,
    };
    let inputs: Vec<Value> = program.inputs.iter().map(value).collect();
    let matcher = compiler::load(Arc::new(program), inputs.clone(), Backend::default()).ok()?;
    let folder = |source| folder(sources, source);
    let ground = Ground { folder: &folder, inputs: &inputs, previous: None, aim: Aim::Ask };
    Engine::build(matcher, ground).ok()
}
