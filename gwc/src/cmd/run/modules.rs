//! Which text each module is served by: its file as it is, what was loaded before that went wrong, or none. A module that
//! fails keeps no other from its news, and its ground never falls to anybody else. Reads and checks; serves nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lang::policy::Module;
use lang::{Diag, Span};
use runtime::gateway::{ModuleState, Serves};

use super::prepare::{Refused, located};
use crate::load::{self, Check, Overlay};
use crate::report::{Color, human};

/// What was good of each module when it was served last, by its name.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) good: BTreeMap<String, Good>,
}

/// The texts of a module that were served.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Good {
    /// By the path under which each was opened.
    pub(super) files: Overlay,
    pub(super) since: SystemTime,
}

/// A policy that can be built.
pub(super) struct Loaded {
    pub(super) check: Check,
    /// Every file that was looked at, those of failing modules included.
    pub(super) files: Vec<PathBuf>,
    pub(super) modules: Vec<ModuleState>,
}

/// How a failing module is served, and what is wrong with it.
struct Failing {
    serves: Serves,
    reason: String,
}

/// Reads and checks a policy; what the check says is printed. `running` is whether an engine is there that could stay:
/// then a module is closed only if it was never good.
pub(super) fn load(path: &Path, shelf: &Shelf, running: bool) -> Result<Loaded, Refused> {
    let world = |report| Refused::world(report, vec![path.to_owned()]);
    let mut check = load::check(path).map_err(world)?;
    print(&check, |_| true);
    let said: Vec<Diag> = check.diags.clone();
    let mut files = check.files.clone();
    let mut failing: BTreeMap<String, Failing> = BTreeMap::new();
    // Each turn moves a module one step down, or ends.
    while check.program.is_none() {
        let stuck = match blamed(&check) {
            None => true,
            Some(blamed) => blamed.into_iter().any(|(name, reason)| {
                step_down(&mut failing, shelf, running, name, reason).is_err()
            }),
        };
        if stuck {
            print(&check, |diag| !said.iter().any(|known| known.message == diag.message));
            return Err(Refused::policy(&check, files));
        }
        let kept = failing.iter().filter(|(_, how)| how.serves == Serves::LastGood);
        let kept = kept.filter_map(|(name, _)| shelf.good.get(name));
        let overlay: Overlay = kept.flat_map(|good| good.files.clone()).collect();
        let closed = failing.iter().filter(|(_, how)| how.serves == Serves::Nothing);
        let closed: Vec<&str> = closed.map(|(name, _)| &**name).collect();
        check = load::check_without(path, &overlay, &closed).map_err(world)?;
        files.extend(
            check.files.iter().filter(|file| !files.contains(file)).cloned().collect::<Vec<_>>(),
        );
    }
    let modules = check.policy.modules.iter().map(|module| state(module, &check, shelf, &failing));
    let modules = modules.collect();
    Ok(Loaded { check, files, modules })
}

impl Shelf {
    /// Keeps what is served of each module, and forgets those that the policy does not have.
    pub(super) fn keep(&mut self, check: &Check, states: &[ModuleState]) {
        let mut good = BTreeMap::new();
        for (module, state) in check.policy.modules.iter().zip(states) {
            let name = module.name.to_string();
            let kept = match state.serves {
                Serves::Nothing => None,
                Serves::LastGood => self.good.remove(&name),
                Serves::Current => Some(Good { files: texts(module, check), since: state.since }),
            };
            if let Some(kept) = kept {
                good.insert(name, kept);
            }
        }
        self.good = good;
    }
}

/// Moves a module from its file to its last good text, and from there to nothing. An error where that is not possible, or
/// worse than what runs.
fn step_down(
    failing: &mut BTreeMap<String, Failing>,
    shelf: &Shelf,
    running: bool,
    name: String,
    reason: String,
) -> Result<(), ()> {
    let is_known = shelf.good.contains_key(&name);
    let serves = match failing.get(&name).map(|how| how.serves) {
        None | Some(Serves::Current) if is_known => Serves::LastGood,
        None | Some(Serves::Current) => Serves::Nothing,
        Some(Serves::LastGood) if !running => Serves::Nothing,
        // What runs is better than a closed module.
        Some(Serves::LastGood | Serves::Nothing) => return Err(()),
    };
    // The first reason is what its file is to be mended by.
    failing.entry(name).or_insert(Failing { serves, reason }).serves = serves;
    Ok(())
}

fn state(
    module: &Module,
    check: &Check,
    shelf: &Shelf,
    failing: &BTreeMap<String, Failing>,
) -> ModuleState {
    let known = shelf.good.get(&*module.name);
    let how = failing.get(&*module.name);
    let serves = how.map_or(Serves::Current, |how| how.serves);
    let since = match (serves, known) {
        (Serves::LastGood, Some(good)) => good.since,
        (Serves::Current, Some(good)) if good.files == texts(module, check) => good.since,
        _ => SystemTime::now(),
    };
    ModuleState {
        name: module.name.clone(),
        serves,
        since,
        reason: how.map(|how| how.reason.clone()),
    }
}

/// A module's own texts.
fn texts(module: &Module, check: &Check) -> Overlay {
    let files = module.files.iter().filter_map(|id| {
        let path = check.files.get(id.0 as usize)?.clone();
        Some((path, check.sources.get(*id)?.text.to_string()))
    });
    files.collect()
}

/// The modules to which every error can be laid, each with a reason; none if one is nobody's.
fn blamed(check: &Check) -> Option<Vec<(String, String)>> {
    let mut blamed: Vec<(String, String)> = Vec::new();
    for diag in check.diags.iter().filter(|diag| diag.is_error()) {
        let module = culprit(diag, &check.policy.modules)?;
        if blamed.iter().all(|(name, _)| **name != *module.name) {
            blamed.push((module.name.to_string(), located(diag, &check.sources)));
        }
    }
    (!blamed.is_empty()).then_some(blamed)
}

/// The module in whose file the mistake is, or which it is about.
fn culprit<'c>(diag: &Diag, modules: &'c [Module]) -> Option<&'c Module> {
    let in_file = |span: Span| {
        modules.iter().find(|module| span.source.0 != 0 && module.files.contains(&span.source))
    };
    let of = diag.span();
    let lost = |module: &&Module| {
        let item = module.item;
        let inside = item.source == of.source && item.start <= of.start && of.end <= item.end;
        module.files.is_empty() && !module.closed && inside
    };
    let missing = (diag.code == lang::diag::import_failed::ENTRY.code)
        .then(|| modules.iter().find(lost))
        .flatten();
    let mentioned = || diag.labels.iter().find_map(|label| in_file(label.span));
    in_file(of).or(missing).or_else(mentioned)
}

fn print(check: &Check, is_news: impl Fn(&Diag) -> bool) {
    for diag in check.diags.iter().filter(|diag| is_news(diag)) {
        human::print(diag, &check.sources, Color::Auto);
    }
}
