//! Mending policies by the edits that their diagnostics carry: which are applied, and whether that helped. Texts only;
//! it writes no file.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use lang::diag::Edit;
use lang::{Diag, Severity};
use miette::miette;

use crate::built;
use crate::load::{self, Check, Overlay};

/// How often policies are checked at most, so that the work is bounded however many mends there are.
const MAX_CHECKS: usize = 60;

/// What mending came to.
pub(crate) struct Mended {
    /// The texts as they were read, by canonical path.
    pub(crate) before: Overlay,
    /// The new texts.
    pub(crate) texts: Overlay,
    /// What was done, in order.
    pub(crate) done: Vec<Done>,
    /// The policies as they check now.
    pub(crate) checks: Vec<Check>,
}

/// A mend that was applied.
pub(crate) struct Done {
    /// The file's name as reports write it.
    pub(crate) file: String,
    /// The line, in the text that the mend was applied to.
    pub(crate) line: u32,
    /// What it mended.
    pub(crate) message: String,
    /// What it does.
    pub(crate) title: String,
}

/// A mend that could be applied.
struct Mend {
    edits: Vec<(PathBuf, Edit)>,
    done: Done,
}

impl Mend {
    /// What it mends and how, wherever that is.
    fn key(&self) -> (String, String) {
        (self.done.message.clone(), self.done.title.clone())
    }
}

/// Errors of the syntax, of the meaning and of the order of routes, then warnings. Each kind only shows once there is none
/// of the kinds before, so a mend helps if it makes this smaller.
type Faults = [usize; 4];

/// Applies every mend that is meant beyond doubt and helps, until there is none left.
pub(crate) fn mend(paths: &[PathBuf]) -> miette::Result<Mended> {
    if let Some(path) = paths.iter().find(|path| built::is_built(path)) {
        return Err(miette!(
            help = "mend the policy that it was built of, and build it again",
            "`{}` is a built program",
            path.display()
        ));
    }
    let checks = load::check_all(paths)?;
    let files = checks.iter().flat_map(|check| check.files.iter().zip(check.sources.iter()));
    let before = files.map(|(file, source)| (load::canonical(file), source.text.to_string()));
    let before = before.collect();
    let mut mending = Mending {
        paths,
        now: Mended { before, texts: Overlay::new(), done: Vec::new(), checks },
        n_checks: 0,
        useless: HashSet::new(),
    };
    loop {
        let mends = mending.mends();
        if mends.is_empty() || mending.n_checks >= MAX_CHECKS {
            return Ok(mending.now);
        }
        mending.apply(mends)?;
    }
}

struct Mending<'p> {
    paths: &'p [PathBuf],
    now: Mended,
    n_checks: usize,
    /// Mends that did not help: the message, and what they would do.
    useless: HashSet<(String, String)>,
}

impl Mending<'_> {
    /// The mends there are, no two of which touch.
    fn mends(&self) -> Vec<Mend> {
        let mut taken: BTreeMap<PathBuf, Vec<(u32, u32)>> = BTreeMap::new();
        let mut mends = Vec::new();
        for check in &self.now.checks {
            // Where something does not parse and has to be chosen, what the rest was meant to be is not known.
            let is_syntax = |diag: &Diag| diag.code.starts_with("E01");
            let unread =
                check.diags.iter().any(|diag| is_syntax(diag) && diag.certain_fix().is_none());
            for diag in check.diags.iter().filter(|diag| !unread || is_syntax(diag)) {
                let Some(fix) = diag.certain_fix() else { continue };
                if self.useless.contains(&(diag.message.clone(), fix.title.clone())) {
                    continue;
                }
                let edits: Option<Vec<(PathBuf, Edit)>> = fix
                    .edits
                    .iter()
                    .map(|edit| {
                        let file = check.files.get(edit.span.source.0 as usize)?;
                        Some((load::canonical(file), edit.clone()))
                    })
                    .collect();
                let Some(edits) = edits else { continue };
                let touches = edits.iter().any(|(file, edit)| {
                    taken.get(file).is_some_and(|taken| {
                        taken
                            .iter()
                            .any(|&(start, end)| edit.span.start <= end && start <= edit.span.end)
                    })
                });
                if touches {
                    continue;
                }
                for (file, edit) in &edits {
                    let places = taken.entry(file.clone()).or_default();
                    places.push((edit.span.start, edit.span.end));
                }
                let span = diag.span();
                let source = check.sources.get(span.source);
                let done = Done {
                    file: source.map(|source| source.name.to_string()).unwrap_or_default(),
                    line: source.map_or(0, |source| source.line_column(span.start).line),
                    message: diag.message.clone(),
                    title: fix.title.clone(),
                };
                mends.push(Mend { edits, done });
            }
        }
        mends
    }

    /// Applies these if that helps; else each half of them; a single one that does not help is put aside.
    fn apply(&mut self, mut mends: Vec<Mend>) -> miette::Result<()> {
        // What did not help in one place is not tried in a thousand others.
        mends.retain(|mend| !self.useless.contains(&mend.key()));
        if mends.is_empty() || self.n_checks >= MAX_CHECKS {
            return Ok(());
        }
        self.n_checks += 1;
        if let Some(texts) = self.texts(&mends) {
            let checks = load::check_all_with(self.paths, &texts)?;
            if faults(&checks) < faults(&self.now.checks) {
                self.now.texts = texts;
                self.now.checks = checks;
                self.now.done.extend(mends.into_iter().map(|mend| mend.done));
                return Ok(());
            }
        }
        if let [only] = mends.as_slice() {
            self.useless.insert(only.key());
            return Ok(());
        }
        let n_done = self.now.done.len();
        let rest = mends.split_off(mends.len() / 2);
        self.apply(mends)?;
        if self.now.done.len() == n_done {
            return self.apply(rest);
        }
        // The places of the other half are those of a text that is no more: they are found again.
        Ok(())
    }

    /// The texts with these mends in them. None if an edit lies outside of its text.
    fn texts(&self, mends: &[Mend]) -> Option<Overlay> {
        let mut edits: BTreeMap<&PathBuf, Vec<&Edit>> = BTreeMap::new();
        for (file, edit) in mends.iter().flat_map(|mend| &mend.edits) {
            edits.entry(file).or_default().push(edit);
        }
        let mut texts = self.now.texts.clone();
        for (file, mut edits) in edits {
            let mut text = self.text(file)?;
            edits.sort_by_key(|edit| edit.span.start);
            for edit in edits.into_iter().rev() {
                let range = edit.span.range();
                text.get(range.clone())?;
                text.replace_range(range, &edit.text);
            }
            texts.insert(file.clone(), text);
        }
        Some(texts)
    }

    fn text(&self, file: &PathBuf) -> Option<String> {
        self.now.checks.iter().find_map(|check| {
            let at = check.files.iter().position(|known| load::canonical(known) == *file)?;
            let source = check.sources.iter().nth(at)?;
            Some(source.text.to_string())
        })
    }
}

fn faults(checks: &[Check]) -> Faults {
    let mut faults = [0; 4];
    for diag in checks.iter().flat_map(|check| &check.diags) {
        let kind = match diag.severity {
            Severity::Error if diag.code.starts_with("E01") => 0,
            Severity::Error if diag.code.starts_with("E08") => 2,
            Severity::Error => 1,
            Severity::Warning => 3,
            Severity::Note => continue,
        };
        faults[kind] += 1;
    }
    faults
}
