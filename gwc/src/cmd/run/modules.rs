//! Which text each module is served by: its file as it is, what was loaded before that went wrong, or none. A module that
//! fails keeps no other from its news, and its ground never falls to anybody else. Reads and checks; serves nothing.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lang::diag::{unknown_name, wrong_kind};
use lang::policy::Module;
use lang::{Diag, Span};
use runtime::gateway::{ModuleState, Serves};

use super::prepare::{Refused, located};
use crate::load::{self, Check, Overlay, Standing};
use crate::report::{Color, human};

/// What was good of each module when it was served last, by its name.
#[derive(Clone, Default)]
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

/// The modules that fail, on the way to a policy that can be served.
pub(super) struct Troubles<'s> {
    shelf: &'s Shelf,
    /// Whether an engine is there that could stay: then a module is closed only if it was never good.
    running: bool,
    failing: BTreeMap<String, Failing>,
    /// Every file that was looked at, those of failing modules included.
    pub(super) files: Vec<PathBuf>,
    /// What is known of the policy, where it is served as its files say.
    pub(super) standing: Option<Standing>,
    said: HashSet<String>,
}

/// How a failing module is served, and what is wrong with it.
struct Failing {
    serves: Serves,
    reason: String,
}

/// Reads and checks a policy, without what fails of it; what the check says is printed.
pub(super) fn load(path: &Path, troubles: &mut Troubles<'_>) -> Result<Check, Refused> {
    // Each turn moves a module one step down, or ends.
    loop {
        let check = troubles.check(path)?;
        if troubles.said.is_empty() {
            troubles.print(&check);
        }
        if check.program.is_some() {
            return Ok(check);
        }
        let blamed = blamed(&check, |name| troubles.may_have_lost(name)).unwrap_or_default();
        let moves = |(name, reason)| troubles.step_down(name, reason);
        if blamed.is_empty() || !blamed.into_iter().all(moves) {
            troubles.print(&check);
            return Err(Refused::policy(&check, troubles.files.clone()));
        }
    }
}

impl<'s> Troubles<'s> {
    /// None so far.
    pub(super) fn new(shelf: &'s Shelf, running: bool) -> Troubles<'s> {
        let (failing, files, said) = (BTreeMap::new(), Vec::new(), HashSet::new());
        Troubles { shelf, running, failing, files, standing: None, said }
    }

    /// The modules that are not served as their files say.
    pub(super) fn names(&self) -> Vec<&str> {
        self.failing.keys().map(|name| &**name).collect()
    }

    /// Lays what is wrong at these places to modules. False where it is not theirs alone, or where nothing is left to do
    /// about them.
    pub(super) fn lay(&mut self, check: &Check, places: &[Span], reason: &str) -> bool {
        let mut names: Vec<String> = Vec::new();
        for place in places {
            match in_file(&check.policy.modules, *place) {
                Some(module) => names.push(module.name.to_string()),
                None => return false,
            }
        }
        names.sort_unstable();
        names.dedup();
        !names.is_empty() && names.into_iter().all(|name| self.step_down(name, reason.to_owned()))
    }

    /// What of each module is served.
    pub(super) fn states(&self, check: &Check) -> Vec<ModuleState> {
        check.policy.modules.iter().map(|module| self.state(module, check)).collect()
    }

    fn check(&mut self, path: &Path) -> Result<Check, Refused> {
        let of = |wanted| self.failing.iter().filter(move |(_, how)| how.serves == wanted);
        let kept = of(Serves::LastGood).filter_map(|(name, _)| self.shelf.good.get(name));
        let overlay: Overlay = kept.flat_map(|good| good.files.clone()).collect();
        let closed: Vec<&str> = of(Serves::Nothing).map(|(name, _)| &**name).collect();
        let (check, standing) = load::check_standing(path, &overlay, &closed)
            .map_err(|report| Refused::world(report, vec![path.to_owned()]))?;
        self.standing = standing;
        for file in &check.files {
            if !self.files.contains(file) {
                self.files.push(file.clone());
            }
        }
        Ok(check)
    }

    /// Moves a module from its file to its last good text, and from there to nothing. False where that is not possible, or
    /// worse than what runs.
    fn step_down(&mut self, name: String, reason: String) -> bool {
        let is_known = self.shelf.good.contains_key(&name);
        let serves = match self.failing.get(&name).map(|how| how.serves) {
            None | Some(Serves::Current) if is_known => Serves::LastGood,
            None | Some(Serves::Current) => Serves::Nothing,
            Some(Serves::LastGood) if !self.running => Serves::Nothing,
            // What runs is better than a closed module.
            Some(Serves::LastGood | Serves::Nothing) => return false,
        };
        // The first reason is what its file is to be mended by.
        self.failing.entry(name).or_insert(Failing { serves, reason }).serves = serves;
        true
    }

    /// Whether what a module has not may have been in its last good text, which is not looked at yet.
    fn may_have_lost(&self, name: &str) -> bool {
        let is_tried = self.failing.get(name).is_some_and(|how| how.serves == Serves::LastGood);
        self.shelf.good.contains_key(name) && !is_tried
    }

    fn state(&self, module: &Module, check: &Check) -> ModuleState {
        let known = self.shelf.good.get(&*module.name);
        let how = self.failing.get(&*module.name);
        let serves = how.map_or(Serves::Current, |how| how.serves);
        let since = match (serves, known) {
            (Serves::LastGood, Some(good)) => good.since,
            (Serves::Current, Some(good)) if good.files == texts(module, check) => good.since,
            _ => SystemTime::now(),
        };
        let reason = how.map(|how| how.reason.clone());
        let unjudged = module.unjudged.clone();
        ModuleState { name: module.name.clone(), serves, since, reason, unjudged }
    }

    /// Prints what was not said before.
    fn print(&mut self, check: &Check) {
        let fresh = check.found().filter(|(_, diag)| !self.said.contains(&diag.message));
        human::print_all(fresh, Color::Auto);
        self.said.extend(check.diags.iter().map(|diag| diag.message.clone()));
    }
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

/// A module's own texts.
fn texts(module: &Module, check: &Check) -> Overlay {
    let files = module.files.iter().filter_map(|id| {
        let path = check.files.get(id.0 as usize)?.clone();
        Some((path, check.sources.get(*id)?.text.to_string()))
    });
    files.collect()
}

/// The modules to which every error can be laid, each with a reason; none if one is nobody's.
fn blamed(check: &Check, lost: impl Fn(&str) -> bool) -> Option<Vec<(String, String)>> {
    let modules = &check.policy.modules;
    let errors = || check.diags.iter().filter(|diag| diag.is_error());
    // Of a module in whose file something else is wrong nobody knows what it has.
    let failing: HashSet<&str> =
        errors().filter_map(|diag| in_file(modules, diag.span())).map(|of| &*of.name).collect();
    let fails = |module: &Module| lost(&module.name) || failing.contains(&*module.name);
    let mut blamed: Vec<(String, String)> = Vec::new();
    for diag in errors() {
        let module = culprit(diag, modules, fails)?;
        if blamed.iter().all(|(name, _)| **name != *module.name) {
            blamed.push((module.name.to_string(), located(diag, &check.sources)));
        }
    }
    (!blamed.is_empty()).then_some(blamed)
}

/// The module in whose file the mistake is, or which it is about. A name that the first file asks for and a module has not
/// is the module's mistake if it may have `lost` it; else it was never there, and whoever asks for it is wrong.
fn culprit<'c>(
    diag: &Diag,
    modules: &'c [Module],
    lost: impl Fn(&Module) -> bool,
) -> Option<&'c Module> {
    let of = diag.span();
    let absent = |module: &&Module| {
        let item = module.item;
        let inside = item.source == of.source && item.start <= of.start && of.end <= item.end;
        module.files.is_empty() && !module.closed && inside
    };
    let missing = (diag.code == lang::diag::import_failed::ENTRY.code)
        .then(|| modules.iter().find(absent))
        .flatten();
    let is_name = [unknown_name::ENTRY.code, wrong_kind::ENTRY.code].contains(&diag.code);
    let may_be = |module: &&Module| !is_name || lost(module);
    let mentioned =
        || diag.labels.iter().find_map(|label| in_file(modules, label.span)).filter(may_be);
    in_file(modules, of).or(missing).or_else(mentioned)
}

/// The module in whose files a place is.
fn in_file(modules: &[Module], place: Span) -> Option<&Module> {
    modules.iter().find(|module| place.source.0 != 0 && module.files.contains(&place.source))
}
