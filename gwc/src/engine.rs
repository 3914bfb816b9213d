//! From a checked program to an engine: inputs bound, actions and upstreams built. It opens no socket.

use std::path::Path;
use std::sync::Arc;

use compiler::{Backend, Program};
use lang::Sources;
use miette::miette;
use runtime::engine::{BuildError, Engine};

use crate::inputs;
use crate::report::places::{at_places, together};

/// The engine of `program`, with values from `with`. Upstreams and actions that stay as they were are taken over from
/// `previous`.
pub fn build(
    program: Program,
    with: Option<&Path>,
    sources: &Sources,
    previous: Option<&Engine>,
) -> miette::Result<Engine> {
    let bound = inputs::bind(&program.inputs, with, sources)?;
    let matcher = compiler::load(Arc::new(program), bound, Backend::default())
        .map_err(|error| miette!("{error}"))?;
    Engine::build(matcher, previous).map_err(|errors| {
        let report = |error: BuildError| {
            at_places(error.message, error.help.as_deref(), &[(error.span, String::new())], sources)
        };
        together("the policy cannot be served", errors.into_iter().map(report).collect())
    })
}
