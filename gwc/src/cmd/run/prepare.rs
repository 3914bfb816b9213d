//! From a policy's file to an engine that can be served, or to everything that is wrong with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;

use lang::{Diag, Sources};
use miette::{IntoDiagnostic, Report, WrapErr};
use runtime::engine::Engine;
use runtime::gateway::{LaunchError, ModuleState, hash};
use tokio::sync::oneshot;

use super::Args;
use super::modules::{self, Shelf, Troubles};
use crate::inputs::{self, files};
use crate::load::{self, Check, Standing};
use crate::report::{place, say};
use crate::{Outcome, built, engine, proofs};

/// A policy that can be served.
pub(super) struct Prepared {
    pub(super) engine: Arc<Engine>,
    /// Its name by content.
    pub(super) hash: String,
    /// Every file that it depends on.
    pub(super) watched: Vec<PathBuf>,
    pub(super) check: Check,
    /// What of each module is served.
    pub(super) modules: Vec<ModuleState>,
    /// What is known for the next time.
    pub(super) standing: Option<Standing>,
}

/// A policy that cannot.
pub(super) struct Refused {
    /// In one line, for `/policy`.
    pub(super) reason: String,
    /// The files that were read to find out; absent in part where reading failed.
    pub(super) watched: Vec<PathBuf>,
    /// What was not printed while checking.
    report: Option<Report>,
}

/// The same policy after a change, if a look at what changed is enough. `known` is what is known of the one that is
/// served.
pub(super) fn prepare_again(
    args: &Args,
    served: &Engine,
    shelf: &Shelf,
    known: &mut Option<Standing>,
) -> Option<Prepared> {
    let mut check = known.as_mut()?.again(&args.path, served.program())?;
    // From here on it knows more than what is served, unless this will be.
    let standing = known.take();
    let mut watched: Vec<PathBuf> = args.with.iter().chain(&check.files).cloned().collect();
    let program = check.program.take()?;
    watched.extend(files(&program.inputs, &check.sources));
    watched.sort_unstable();
    watched.dedup();
    let bound = inputs::bind(&program.inputs, args.with.as_deref(), &check.sources, &[]).ok()?;
    let engine = engine::try_build(program, bound, &check.sources, Some(served), args.backend());
    let modules = Troubles::new(shelf, true).states(&check);
    let hash = of_sources(&check.sources);
    Some(Prepared { engine: Arc::new(engine.ok()?), hash, watched, check, modules, standing })
}

/// Reads, checks, binds and builds. What the check says, warnings included, is printed on the way.
pub(super) fn prepare(
    args: &Args,
    previous: Option<&Engine>,
    shelf: &Shelf,
) -> Result<Prepared, Refused> {
    let mut troubles = Troubles::new(shelf, previous.is_some());
    let mut watched: Vec<PathBuf> = args.with.iter().cloned().collect();
    let (check, named, engine) = loop {
        let (mut check, named) = load(args, &mut troubles)?;
        watched.extend(troubles.files.iter().cloned());
        let Some(program) = check.program.take() else {
            return Err(Refused::policy(&check, watched));
        };
        watched.extend(files(&program.inputs, &check.sources));
        let failing = troubles.names();
        let bound = inputs::bind(&program.inputs, args.with.as_deref(), &check.sources, &failing);
        let proved = bound.and_then(|bound| {
            proofs::hold(&check, &program, &bound, named.is_some()).map(|()| bound)
        });
        // The program has what is needed of the routes from here on.
        drop(std::mem::take(&mut check.policy.routes));
        let built = proved.and_then(|bound| {
            engine::try_build(program, bound, &check.sources, previous, args.backend())
        });
        match built {
            Ok(engine) => break (check, named, engine),
            Err(unbuilt) => {
                let refused = Refused::world(unbuilt.report, watched.clone());
                if !troubles.lay(&check, &unbuilt.places, &refused.reason) {
                    return Err(refused);
                }
                refused.print();
            }
        }
    };
    watched.sort_unstable();
    watched.dedup();
    let modules = troubles.states(&check);
    let hash = named.unwrap_or_else(|| of_sources(&check.sources));
    // Claims that may hang on values are proved for those that are served, of everything.
    let hangs = !check.policy.asserts.is_empty() && !engine.program().inputs.is_empty();
    let is_known = troubles.names().is_empty() && !hangs;
    let standing = troubles.standing.take().filter(|_| is_known);
    Ok(Prepared { engine: Arc::new(engine), hash, watched, check, modules, standing })
}

/// What comes of the files as they are now, and what is known for the next time.
pub(super) type Anew = (Result<Prepared, Refused>, Option<Standing>);

/// Prepares what the files say now in place of what is served, on a thread of its own: whoever wants the gateway to stop
/// meanwhile waits for no check. `known` is what is known of the policy that is served.
pub(super) fn anew(
    args: &Arc<Args>,
    served: Option<Arc<Engine>>,
    shelf: &Arc<Shelf>,
    mut known: Option<Standing>,
) -> miette::Result<oneshot::Receiver<Anew>> {
    let (tell, told) = oneshot::channel();
    let (args, shelf) = (args.clone(), shelf.clone());
    let work = move || {
        let engine = served.as_deref();
        let again = engine.and_then(|engine| prepare_again(&args, engine, &shelf, &mut known));
        let prepared = again.map_or_else(|| prepare(&args, engine, &shelf), Ok);
        drop((served, shelf));
        // Who is told nothing any more stops.
        let _ = tell.send((prepared, known));
    };
    let apart = Builder::new().name("gw-reload".to_owned()).stack_size(load::STACK);
    apart.spawn(work).into_diagnostic().wrap_err("there is no thread to check the policy on")?;
    Ok(told)
}

/// A policy's name by content.
fn of_sources(sources: &Sources) -> String {
    hash(sources.iter().map(|one| (&*one.name, &*one.text)))
}

/// Reads a policy, or what was built of one and the hash it has.
fn load(args: &Args, troubles: &mut Troubles<'_>) -> Result<(Check, Option<String>), Refused> {
    let key = args.require_signature.as_deref();
    if key.is_none() && !built::is_built(&args.path) {
        return Ok((modules::load(&args.path, troubles)?, None));
    }
    troubles.files.push(args.path.clone());
    troubles.files.extend(key.map(Path::to_owned));
    let built = built::read(&args.path, key)
        .map_err(|report| Refused::world(report, troubles.files.clone()))?;
    Ok((Check::of_built(built.program, built.sources), Some(built.hash)))
}

/// A diagnostic in one line, with its place.
pub(super) fn located(diag: &Diag, sources: &Sources) -> String {
    let span = diag.span();
    match place(sources, span) {
        none if none.is_empty() => diag.to_string(),
        place => format!("{place}: {}[{}]: {diag}", diag.code, diag.slug),
    }
}

impl Refused {
    /// What the gateway itself says against it.
    pub(super) fn launch(errors: Vec<LaunchError>, sources: &Sources) -> Refused {
        Refused::world(engine::unlaunched(errors, sources), Vec::new())
    }

    /// Prints what has not been printed yet.
    pub(super) fn print(&self) {
        if let Some(report) = &self.report {
            say!("{report:?}");
        }
    }

    /// The outcome of a gateway that never started.
    pub(super) fn at_start(self) -> miette::Result<Outcome> {
        self.report.map_or(Ok(Outcome::Faulty), Err)
    }

    /// A policy that does not check.
    pub(super) fn policy(check: &Check, watched: Vec<PathBuf>) -> Refused {
        let first = check.diags.iter().find(|diag| diag.is_error());
        let reason = first.map_or_else(String::new, |diag| located(diag, &check.sources));
        Refused { reason, watched, report: None }
    }

    /// A policy that cannot be read, bound or built.
    pub(super) fn world(report: Report, watched: Vec<PathBuf>) -> Refused {
        let related = report.related().into_iter().flatten();
        let mut reasons: Vec<String> = related.map(ToString::to_string).collect();
        if reasons.is_empty() {
            reasons.push(report.to_string());
        }
        Refused { reason: reasons.join("; "), watched, report: Some(report) }
    }
}
