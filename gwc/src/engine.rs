//! From a checked program to an engine: inputs bound, actions and upstreams built. It opens no socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use compiler::{Backend, Program};
use lang::{SourceId, Sources, Value};
use miette::{Report, miette};
use runtime::engine::{Aim, BuildError, Engine, Ground};
use runtime::gateway::LaunchError;

use crate::bounds;
use crate::inputs::{self, Secrets, Unbound};
use crate::report::places::{at_places, together};

/// What is said of several things for which a policy is not served.
const UNSERVED: &str = "the policy cannot be served";

/// The engine of `program`, with values from `with`, to serve after `previous`: what stays as it was is taken over.
/// `backend` decides its requests.
pub fn build(
    program: Program,
    with: Option<&Path>,
    sources: &Sources,
    previous: Option<&Engine>,
    backend: Backend,
) -> miette::Result<Engine> {
    let bound = inputs::bind(&program.inputs, with, sources, &[]);
    let built = bound.and_then(|bound| try_build(program, bound, sources, previous, backend));
    built.map_err(|unbuilt| unbuilt.report)
}

/// As [`build`], with inputs bound to these values; the error tells its places.
pub fn try_build(
    program: Program,
    bound: Vec<Value>,
    sources: &Sources,
    previous: Option<&Engine>,
    backend: Backend,
) -> Result<Engine, Unbound> {
    let engine = on(program, bound, sources, previous, (backend, Aim::Serve))?;
    bounds::hold(&engine, sources)?;
    Ok(engine)
}

/// The engine of `program`, with values from `with`, to ask but not to serve: it opens no file of an upstream, and no
/// secret.
pub fn rehearsing(
    program: Program,
    with: Option<&Path>,
    sources: &Sources,
    backend: Backend,
) -> miette::Result<Engine> {
    let bound = inputs::bind_unserved(&program.inputs, with, sources, Secrets::Unread);
    let engine = bound.and_then(|bound| on(program, bound, sources, None, (backend, Aim::Ask)));
    engine.map_err(|unbuilt| unbuilt.report)
}

/// The engine of `program`, with values from `with`, for its own tests: it opens no file of an upstream, and secrets and
/// keys that are not there are none.
pub fn trying(program: Program, with: Option<&Path>, sources: &Sources) -> miette::Result<Engine> {
    let bound = inputs::bind_unserved(&program.inputs, with, sources, Secrets::Spared);
    bound.map_err(|unbound| unbound.report).and_then(|bound| tried(program, bound, sources))
}

/// The same with inputs bound to these values: what these do not fit is told as it is before serving.
pub fn tried(program: Program, bound: Vec<Value>, sources: &Sources) -> miette::Result<Engine> {
    let engine = on(program, bound, sources, None, (Backend::Interp, Aim::Try));
    let held = engine.and_then(|engine| {
        bounds::hold(&engine, sources)?;
        Ok(engine)
    });
    held.map_err(|unbuilt| unbuilt.report)
}

/// Why listeners of an engine cannot listen, as it is told.
pub fn unlaunched(errors: Vec<LaunchError>, sources: &Sources) -> Report {
    let report = |error: LaunchError| {
        let place: Vec<_> = error.span.iter().map(|span| (*span, String::new())).collect();
        at_places(error.message, error.help.as_deref(), &place, sources)
    };
    together(UNSERVED, errors.into_iter().map(report).collect())
}

fn on(
    program: Program,
    bound: Vec<Value>,
    sources: &Sources,
    previous: Option<&Engine>,
    (backend, aim): (Backend, Aim),
) -> Result<Engine, Unbound> {
    // The matcher forgets what secrets are.
    let inputs = bound.clone();
    let program = Arc::new(program);
    let matcher = match previous {
        Some(engine) => compiler::load_after(program, bound, backend, &engine.decider.matcher),
        None => compiler::load(program, bound, backend),
    };
    let matcher = matcher.map_err(|error| miette!("{error}"))?;
    let folder = |source| folder(sources, source);
    let ground = Ground { folder: &folder, inputs: &inputs, previous, aim };
    Engine::build(matcher, ground).map_err(|errors| {
        let places = errors.iter().map(|error| error.span).collect();
        let report = |error: BuildError| {
            at_places(error.message, error.help.as_deref(), &[(error.span, String::new())], sources)
        };
        let report = together(UNSERVED, errors.into_iter().map(report).collect());
        Unbound { report, places }
    })
}

/// The folder of a file of the policy: where relative paths that stand in it begin.
pub fn folder(sources: &Sources, source: SourceId) -> PathBuf {
    let file = sources.get(source).map(|source| Path::new(&*source.name));
    file.and_then(Path::parent).map(Path::to_owned).unwrap_or_default()
}
