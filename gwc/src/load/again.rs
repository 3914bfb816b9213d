//! A policy that is served, checked again after a change: what the change cannot have touched is not parsed, checked or
//! lowered again. Where that is not certain to come to the same, there is no answer, and a whole check has one.

use std::panic::resume_unwind;
use std::path::Path;
use std::thread::Builder;

use compiler::artifact::{pack, unpack};
use compiler::{Program, Session};
use lang::Policy;
use lang::policy::Module;

use super::{Check, Overlay, Texts, gather};

/// As much as the first thread of a process has.
pub(crate) const STACK: usize = 8 << 20;

/// What is known of a policy in which nothing was wrong.
pub struct Standing {
    session: Session,
    modules: Vec<Module>,
}

/// Checks the policy that begins in this file, without the modules of the names in `closed`: their files are not read, and
/// what they own is answered 503. Texts of `overlay` stand for those of files. If all is as the files say and nothing is
/// wrong, it is known then.
pub fn check_standing(
    path: &Path,
    overlay: &Overlay,
    closed: &[&str],
) -> miette::Result<(Check, Option<Standing>)> {
    // A thread has memory of its own: what is needed to check a policy is several times what is left of it, and goes as a
    // whole when that is copied out of it.
    let work = || checked(path, overlay, closed);
    let checked = std::thread::scope(|scope| {
        let apart = Builder::new().name("gw-check".to_owned()).stack_size(STACK);
        match apart.spawn_scoped(scope, work) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => work(),
        }
    });
    let (mut check, standing, packed) = checked?;
    if let Some(program) = packed.and_then(|bytes| unpack(&bytes, &runtime::vocabulary()).ok()) {
        check.program = Some(program);
    }
    let settled = |known: Standing| Standing { session: known.session.settled(), ..known };
    Ok((check, standing.map(settled)))
}

/// What a check has to say; what is known then, if that is to be kept; and the program as bytes.
type Checked = (Check, Option<Standing>, Option<Vec<u8>>);

fn checked(path: &Path, overlay: &Overlay, closed: &[&str]) -> miette::Result<Checked> {
    let gathered = gather(path, &Texts::Files(overlay), (closed, ""), lang::parse)?;
    let whole = gathered.check(closed);
    let is_whole = overlay.is_empty() && closed.is_empty();
    let session =
        is_whole.then(|| Session::of(&gathered.units(), &whole, runtime::vocabulary())).flatten();
    let modules = whole.policy.modules.clone();
    let standing = session.map(|session| Standing { session, modules });
    let packed = whole.program.as_ref().map(pack);
    Ok((gathered.told(whole), standing, packed))
}

impl Standing {
    /// The policy as its files are now; `program` is that of what is known. `None` where it takes a whole check.
    pub fn again(&mut self, path: &Path, program: &Program) -> Option<Check> {
        let overlay = Overlay::new();
        let gathered = gather(path, &Texts::Files(&overlay), (&[], ""), lang::outline).ok()?;
        let program = self.session.program(&gathered.units(), program)?;
        let policy = Policy { modules: self.modules.clone(), ..Policy::default() };
        Some(Check {
            sources: gathered.sources,
            files: gathered.files,
            policy,
            program: Some(program),
            unproved: None,
            diags: Vec::new(),
        })
    }
}
