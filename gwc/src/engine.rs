//! From a checked program to an engine: inputs bound, actions and upstreams built. It opens no socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use compiler::{Backend, Program};
use lang::{SourceId, Sources};
use miette::miette;
use runtime::engine::{BuildError, Engine, Ground};

use crate::inputs;
use crate::report::places::{at_places, together};

/// The engine of `program`, with values from `with`, to serve after `previous`: what stays as it was is taken over.
/// `backend` decides its requests.
pub fn build(
    program: Program,
    with: Option<&Path>,
    sources: &Sources,
    previous: Option<&Engine>,
    backend: Backend,
) -> miette::Result<Engine> {
    on(program, with, sources, previous, Some(backend))
}

/// The engine of `program`, with values from `with`, to ask but not to serve: it opens no file of an upstream.
pub fn rehearsing(
    program: Program,
    with: Option<&Path>,
    sources: &Sources,
) -> miette::Result<Engine> {
    on(program, with, sources, None, None)
}

fn on(
    program: Program,
    with: Option<&Path>,
    sources: &Sources,
    previous: Option<&Engine>,
    serves: Option<Backend>,
) -> miette::Result<Engine> {
    let bound = inputs::bind(&program.inputs, with, sources)?;
    // The matcher forgets what secrets are.
    let inputs = bound.clone();
    let matcher = compiler::load(Arc::new(program), bound, serves.unwrap_or_default())
        .map_err(|error| miette!("{error}"))?;
    let folder = |source| folder(sources, source);
    let serves = serves.is_some();
    Engine::build(matcher, Ground { folder: &folder, inputs: &inputs, previous, serves }).map_err(
        |errors| {
            let report = |error: BuildError| {
                at_places(
                    error.message,
                    error.help.as_deref(),
                    &[(error.span, String::new())],
                    sources,
                )
            };
            together("the policy cannot be served", errors.into_iter().map(report).collect())
        },
    )
}

/// The folder of a file of the policy: where relative paths that stand in it begin.
pub fn folder(sources: &Sources, source: SourceId) -> PathBuf {
    let file = sources.get(source).map(|source| Path::new(&*source.name));
    file.and_then(Path::parent).map(Path::to_owned).unwrap_or_default()
}
