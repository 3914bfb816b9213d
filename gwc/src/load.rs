//! The only reader of `.gw` files: finds them, follows `use`, checks, and keeps everything a report needs. Of a built program
//! it takes the texts that it was made of, as if they were files.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use compiler::{Program, Whole};
use lang::check::Unit;
use lang::syntax::Keyword;
use lang::{Diag, Policy, Source, SourceId, Sources, Span, Tree};
use miette::{IntoDiagnostic, Report, WrapErr, miette};

mod again;

pub(crate) use again::STACK;
pub use again::{Standing, check_standing};

use crate::bytes::read_bytes;
use crate::{bounds, built};

/// The largest policy file that is read, in bytes.
pub const MAX_BYTES: u64 = 32 << 20;

/// The most files that one policy may consist of, and the most that a directory may bring.
const MAX_FILES: usize = 10_000;

/// How deep directories are searched.
const MAX_DEPTH: usize = 32;

/// One policy, checked: the file it begins in and all files it uses.
pub struct Check {
    /// The files, the first one first.
    pub sources: Sources,
    /// Their paths, in the same order.
    pub files: Vec<PathBuf>,
    /// What was understood.
    pub policy: Policy,
    /// What runs; none if there are errors.
    pub program: Option<Program>,
    /// What would run, where nothing is wrong but that asserts do not hold: to be asked, and never to be served.
    pub unproved: Option<Program>,
    /// What is wrong, in the order of places.
    pub diags: Vec<Diag>,
}

impl Check {
    /// What is known of a program that was built elsewhere: what runs, and no policy.
    pub fn of_built(program: Program, sources: Sources) -> Check {
        let files = sources.iter().map(|source| PathBuf::from(&*source.name)).collect();
        let (policy, diags) = (Policy::default(), Vec::new());
        Check { sources, files, policy, program: Some(program), unproved: None, diags }
    }

    /// What is wrong, each with the texts that its places are in.
    pub fn found(&self) -> impl Iterator<Item = (&Sources, &Diag)> {
        self.diags.iter().map(|diag| (&self.sources, diag))
    }

    /// The files that belong to modules.
    fn module_files(&self) -> impl Iterator<Item = &PathBuf> {
        let sources = self.policy.modules.iter().flat_map(|module| &module.files);
        // Checked by itself, a module's file is the first one.
        let others = sources.filter(|source| source.0 != 0);
        others.filter_map(|source| self.files.get(source.0 as usize))
    }
}

/// The places of a file's `use` items, and what they lead to.
type Uses = Vec<(Span, Result<SourceId, String>)>;

/// Texts that stand for those of files, by canonical path or by the path under which a file is opened.
pub type Overlay = HashMap<PathBuf, String>;

/// Where the texts of a policy are.
enum Texts<'t> {
    /// In files, but for those of the overlay.
    Files(&'t Overlay),
    /// In a built program, by the paths that the files would have.
    Built(Overlay),
}

/// Checks every policy that the paths name. A file that another one uses is checked as part of that one.
pub fn check_all(paths: &[PathBuf]) -> miette::Result<Vec<Check>> {
    check_all_with(paths, &Overlay::new())
}

/// As [`check_all`], with some files' texts in place of what they say.
pub fn check_all_with(paths: &[PathBuf], overlay: &Overlay) -> miette::Result<Vec<Check>> {
    let (checks, unread) = check_each(paths, overlay)?;
    unread.into_iter().next().map_or(Ok(checks), Err)
}

/// As [`check_all_with`]; a file that cannot be read hides nothing about the others.
pub fn check_each(
    paths: &[PathBuf],
    overlay: &Overlay,
) -> miette::Result<(Vec<Check>, Vec<Report>)> {
    let files = policies(paths)?;
    let (mut checks, mut unread) = (Vec::new(), Vec::new());
    let mut used: Vec<(Option<PathBuf>, PathBuf)> = Vec::new();
    for file in &files {
        let check = match check_with(file, overlay) {
            Ok(check) => check,
            Err(report) => {
                unread.push(report);
                continue;
            }
        };
        let by = file.canonicalize().ok();
        let files = check.files.iter().skip(1).filter_map(|path| path.canonicalize().ok());
        used.extend(files.map(|path| (by.clone(), path)));
        checks.push((by, check));
    }
    // What a module uses of the file that grants it does not make that file a part of the module.
    let grants: HashSet<(PathBuf, PathBuf)> = checks
        .iter()
        .filter_map(|(path, check)| Some((path.clone()?, check)))
        .flat_map(|(path, check)| {
            let files = check.module_files().filter_map(|file| file.canonicalize().ok());
            files.map(move |file| (file, path.clone())).collect::<Vec<_>>()
        })
        .collect();
    let used: HashSet<PathBuf> = used
        .into_iter()
        .filter(|(by, path)| {
            by.as_ref().is_none_or(|by| !grants.contains(&(by.clone(), path.clone())))
        })
        .map(|(_, path)| path)
        .collect();
    let named: HashSet<_> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
    checks.retain(|(path, _)| {
        path.as_ref().is_none_or(|path| named.contains(path) || !used.contains(path))
    });
    let mut checks: Vec<Check> = checks.into_iter().map(|(_, check)| check).collect();
    for check in &mut checks {
        // Nor does it hang on what is proved.
        let program = check.program.as_ref().or(check.unproved.as_ref());
        let exceeded = program.map(|program| bounds::exceeded(program, &check.sources));
        check.diags.extend(exceeded.unwrap_or_default());
        check.diags.sort_by_key(|diag| (diag.span(), diag.code));
    }
    report_once(&mut checks);
    Ok((checks, unread))
}

/// Checks the policy that begins in this file.
pub fn check(path: &Path) -> miette::Result<Check> {
    check_with(path, &Overlay::new())
}

/// Whether what was found at the first path is what is to be found at the second, as far as that is seen without looking
/// closer.
pub fn is_the_same(first: &Path, check: &Check, second: &Path) -> bool {
    let mut sources = check.sources.iter();
    match (sources.next(), sources.next()) {
        // What it uses would be looked for elsewhere.
        (Some(only), None) if canonical(first) != canonical(second) => {
            // A pipe is read once.
            second.is_file() && read(second).is_ok_and(|text| *text == *only.text)
        }
        _ => canonical(first) == canonical(second),
    }
}

/// As [`check`], with some files' texts in place of what they say.
pub fn check_with(path: &Path, overlay: &Overlay) -> miette::Result<Check> {
    check_all_of(path, overlay, "")
}

/// As [`check`], with `more` behind the text of the first file.
pub fn check_more(path: &Path, more: &str) -> miette::Result<Check> {
    check_all_of(path, &Overlay::new(), more)
}

fn check_all_of(path: &Path, overlay: &Overlay, more: &str) -> miette::Result<Check> {
    if built::is_built(path) {
        return check_built(path, more);
    }
    check_texts(path, &Texts::Files(overlay), (&[], more))
}

/// Checks the texts that a built program was made of.
fn check_built(path: &Path, more: &str) -> miette::Result<Check> {
    check_sources(&built::read(path, None)?.sources, more)
}

/// Checks the texts of a built program that was read, the first one first.
pub fn check_texts_of(sources: &Sources) -> miette::Result<Check> {
    check_sources(sources, "")
}

fn check_sources(sources: &Sources, more: &str) -> miette::Result<Check> {
    let text = |source: &lang::Source| (plain(Path::new(&*source.name)), source.text.to_string());
    let texts = sources.iter().map(text).collect();
    let first = sources.iter().next().map(|source| PathBuf::from(&*source.name));
    check_texts(&first.unwrap_or_default(), &Texts::Built(texts), (&[], more))
}

fn check_texts(
    path: &Path,
    texts: &Texts<'_>,
    (closed, more): (&[&str], &str),
) -> miette::Result<Check> {
    let gathered = gather(path, texts, (closed, more), lang::parse)?;
    let whole = gathered.check(closed);
    Ok(gathered.told(whole))
}

/// The files of a policy, read and parsed.
struct Gathered {
    sources: Sources,
    files: Vec<PathBuf>,
    parsed: Vec<(Tree, Uses)>,
    /// What the parser said.
    diags: Vec<Diag>,
}

/// Reads a policy's files, one after the other as they are named.
fn gather(
    path: &Path,
    texts: &Texts<'_>,
    (closed, more): (&[&str], &str),
    parse: fn(&Source) -> (Tree, Vec<Diag>),
) -> miette::Result<Gathered> {
    let mut files = vec![path.to_owned()];
    let mut sources = Sources::default();
    let mut known: HashMap<PathBuf, SourceId> = HashMap::new();
    let mut parsed: Vec<(Tree, Uses)> = Vec::new();
    let mut diags = Vec::new();

    let key = texts.key(path);
    let mut text = match texts.known(&key, path) {
        Some(text) => text.clone(),
        None => read(path)?,
    };
    text.push_str(more);
    let first = sources.add(path.to_string_lossy(), text).id;
    known.insert(key, first);
    while let Some(source) = sources.get(SourceId(parsed.len() as u32)).cloned() {
        let (tree, found) = parse(&source);
        diags.extend(found);
        let folder = files[source.id.0 as usize].parent().map(Path::to_owned).unwrap_or_default();
        let mut uses = Vec::new();
        let mut links = lang::uses(&tree);
        if parsed.is_empty() {
            let modules = lang::modules(&tree).into_iter();
            let open = modules.filter(|module| !closed.contains(&&*module.name));
            links.extend(open.map(|module| (module.file, module.span)));
        }
        for (written, span) in links {
            let used = folder.join(&written);
            let key = texts.key(&used);
            let target = match known.get(&key) {
                Some(&id) => Ok(id),
                None if known.len() >= MAX_FILES => {
                    Err(format!("a policy has at most {MAX_FILES} files"))
                }
                None => texts.used(&key, &used).map(|text| {
                    let id = sources.add(used.to_string_lossy(), text).id;
                    files.push(used);
                    known.insert(key, id);
                    id
                }),
            };
            uses.push((span, target));
        }
        parsed.push((tree, uses));
    }
    Ok(Gathered { sources, files, parsed, diags })
}

impl Gathered {
    fn units(&self) -> Vec<Unit<'_>> {
        let parsed = self.parsed.iter().zip(self.sources.iter());
        parsed.map(|((tree, uses), source)| Unit { source, tree, uses: uses.clone() }).collect()
    }

    fn check(&self, closed: &[&str]) -> Whole {
        let found = self.diags.clone();
        compiler::check_without(&self.units(), &runtime::vocabulary(), found, closed)
    }

    fn told(self, whole: Whole) -> Check {
        let Gathered { sources, files, .. } = self;
        let Whole { policy, program, unproved, diags, .. } = whole;
        Check { sources, files, policy, program, unproved, diags }
    }
}

impl Texts<'_> {
    /// The one path of a file.
    fn key(&self, path: &Path) -> PathBuf {
        match self {
            Texts::Files(_) => canonical(path),
            Texts::Built(_) => plain(path),
        }
    }

    /// The text of a file, if it is known without reading.
    fn known(&self, key: &Path, path: &Path) -> Option<&String> {
        match self {
            Texts::Files(overlay) => overlay.get(key).or_else(|| overlay.get(path)),
            Texts::Built(texts) => texts.get(key),
        }
    }

    /// The text of a file that is named by a `use`.
    fn used(&self, key: &Path, path: &Path) -> Result<String, String> {
        match (self.known(key, path), self) {
            (Some(text), _) => Ok(text.clone()),
            (None, Texts::Files(_)) => read_used(path),
            (None, Texts::Built(_)) => {
                Err(format!("`{}` is not in the built program", path.display()))
            }
        }
    }
}

/// The policies that the paths name.
pub fn policies(paths: &[PathBuf]) -> miette::Result<Vec<PathBuf>> {
    files(paths, &["gw"])
}

/// The files that the paths name: files as they are, directories searched for names that end in one of `endings`.
pub fn files(paths: &[PathBuf], endings: &[&str]) -> miette::Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    for path in paths {
        let kind = std::fs::metadata(path).into_diagnostic().wrap_err_with(|| unreadable(path))?;
        if !kind.is_dir() {
            files.insert(path.clone());
            continue;
        }
        let before = files.len();
        search(path, endings, MAX_DEPTH, &mut files)?;
        if files.len() == before {
            let wanted = endings.join("`, `.");
            return Err(miette!("there is no `.{wanted}` file in `{}`", path.display()));
        }
    }
    Ok(files.into_iter().collect())
}

fn search(
    folder: &Path,
    endings: &[&str],
    depth: usize,
    files: &mut BTreeSet<PathBuf>,
) -> miette::Result<()> {
    if depth == 0 {
        return Err(miette!("`{}` is nested deeper than {MAX_DEPTH} folders", folder.display()));
    }
    for entry in std::fs::read_dir(folder).into_diagnostic().wrap_err_with(|| unreadable(folder))? {
        let entry = entry.into_diagnostic().wrap_err_with(|| unreadable(folder))?;
        // The kind of the entry itself: links to folders are not followed, so that no cycle is walked.
        let kind = entry.file_type().into_diagnostic().wrap_err_with(|| unreadable(folder))?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            search(&path, endings, depth - 1, files)?;
        } else if path
            .extension()
            .is_some_and(|found| endings.iter().any(|ending| found == *ending))
        {
            files.insert(path);
        }
        if files.len() > MAX_FILES {
            return Err(miette!("more than {MAX_FILES} files in `{}`", folder.display()));
        }
    }
    Ok(())
}

/// The text of a policy.
pub fn read(path: &Path) -> miette::Result<String> {
    read_bounded(path).map_err(|problem| miette!("{}: {problem}", unreadable(path)))
}

/// As [`read`], for a file named by a `use`: the caller has a place to report the problem at.
fn read_used(path: &Path) -> Result<String, String> {
    let text = read_bounded(path).map_err(|problem| format!("{}: {problem}", unreadable(path)))?;
    // One word about a file that was never meant to be a policy, instead of one about each of its lines.
    let has_edition =
        text.lines().any(|line| line.trim_start_matches('\u{feff}').starts_with("edition"));
    match has_edition || begins_with_item(&text) {
        true => Ok(text),
        false => Err(format!("`{}` is no policy: it does not say its edition", path.display())),
    }
}

/// Whether the first line of code begins an item of ours, so that only the edition is missing in front of it.
fn begins_with_item(text: &str) -> bool {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.starts_with("//");
    let Some(line) = text.lines().find(is_code) else { return false };
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let word = line.split(' ').next().unwrap_or("");
    Keyword::from_word(word).is_some() && line.contains(['{', '"', '='])
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let bytes = read_bytes(path, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("it is not UTF-8 (line {line}, byte {valid})")
    })
}

/// What is said of a text over the bound.
pub fn too_large(path: &Path) -> Report {
    miette!("`{}` is larger than {} MiB", path.display(), MAX_BYTES >> 20)
}

fn unreadable(path: &Path) -> String {
    format!("`{}` could not be read", path.display())
}

/// A path without `.` and `..`, as far as its own words tell: one file, one path.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The one path of a file, or the path as it is where there is none.
pub fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A file used by several policies has its mistakes reported with the first.
fn report_once(checks: &mut [Check]) {
    let mut seen = HashSet::new();
    for check in checks {
        let sources = &check.sources;
        check.diags.retain(|diag| {
            let span = diag.span();
            let file = sources.get(span.source).map(|source| canonical(Path::new(&*source.name)));
            seen.insert((file, span.start, span.end, diag.code, diag.message.clone()))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_hides_nothing_about_the_others() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.gw"), b"edition 2026\n// \xff").unwrap();
        std::fs::write(folder.path().join("b.gw"), "edition 2026\nroute all on web {}\n").unwrap();
        let (checks, unread) = check_each(&[folder.path().to_owned()], &Overlay::new()).unwrap();
        assert_eq!(unread.len(), 1);
        assert!(unread[0].to_string().contains("not UTF-8 (line 2"), "{}", unread[0]);
        assert_eq!(checks.len(), 1);
        assert!(checks[0].diags.iter().any(|diag| diag.slug == "unknown-name"));
    }

    #[test]
    fn one_file_has_one_path() {
        let plain = |text| plain(Path::new(text));
        assert_eq!(plain("./a/../b/c.gw"), Path::new("b/c.gw"));
        assert_eq!(plain("../../c.gw"), Path::new("../../c.gw"));
        assert_eq!(plain("/x/../c.gw"), Path::new("/c.gw"));
    }
}
