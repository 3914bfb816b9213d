//! Mending policies by the edits that their diagnostics carry: which are applied, whether that helped, and why the rest is
//! left. Texts only; it writes no file.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use lang::diag::Edit;
use lang::syntax::Kind;
use lang::{Diag, Severity, Source, SourceId, Span};
use miette::miette;

use crate::built;
use crate::load::{self, Check, Overlay};

/// How often policies are checked at most, so that the work is bounded however many mends there are: the longer they are,
/// the less often.
const MAX_CHECKS: usize = 60;
const LEAST_CHECKS: usize = 8;

/// How many bytes are checked at most where that is oftener than the least.
const MAX_CHECKED: usize = 12 << 20;

/// How many mistakes of one line are mended before it has to have fewer of them.
const MOST_IN_A_LINE: usize = 8;

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
    /// How many errors are left, by the reason why.
    pub(crate) left: BTreeMap<Left, usize>,
    /// How many errors of those that are left could not be found before others were mended.
    pub(crate) uncovered: usize,
}

/// Why an error is left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Left {
    /// Its mends are several, or a guess.
    Choice,
    /// It carries none.
    Author,
    /// It stands in an item whose syntax has to be mended by hand, and may be an echo of that.
    Beside,
    /// Its mend was tried, and did not make it better.
    Vain,
    /// The bound on the work was reached.
    Untried,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Left::Choice => "to be chosen: its mends are several, or a guess",
            Left::Author => "to be written: only its author knows what",
            Left::Beside => "in an item that cannot be read as a whole: mend that first",
            Left::Vain => "with a mend that was tried, and did not make it better",
            Left::Untried => "not tried: run `gwc fix` again",
        })
    }
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
    severity: Severity,
}

impl Mend {
    /// What it mends and how, wherever that is.
    fn key(&self) -> (String, String) {
        (self.done.message.clone(), self.done.title.clone())
    }
}

/// How many errors there are in the syntax, in the meaning, in the order of routes and in what is proved and summed up of
/// them. The last two kinds show only where there is none of the kinds before.
#[derive(Clone, Copy, Default)]
struct Faults {
    errors: [usize; 4],
    remarks: usize,
}

impl Faults {
    fn of(checks: &[Check]) -> Faults {
        let mut faults = Faults::default();
        for diag in checks.iter().flat_map(|check| &check.diags) {
            match diag.severity {
                Severity::Error => faults.errors[kind(diag)] += 1,
                Severity::Warning | Severity::Note => faults.remarks += 1,
            }
        }
        faults
    }

    /// The last kind of errors that can be seen beside these.
    fn sight(&self) -> usize {
        match self.errors {
            [0, 0, 0, _] => 3,
            [0, 0, ..] => 2,
            _ => 1,
        }
    }

    /// How many errors there are, of the kinds up to this one.
    fn up_to(&self, kind: usize) -> usize {
        self.errors.iter().take(kind + 1).sum()
    }
}

fn kind(diag: &Diag) -> usize {
    match diag.code {
        code if code.starts_with("E01") => 0,
        code if code.starts_with("E08") => 2,
        code if code.starts_with("E09") || code == lang::diag::beyond_cost::ENTRY.code => 3,
        _ => 1,
    }
}

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
    let first = Faults::of(&checks);
    let sources = checks.iter().flat_map(|check| check.sources.iter());
    let n_bytes: usize = sources.map(|source| source.text.len()).sum();
    let mut mending = Mending {
        most: (MAX_CHECKED / n_bytes.max(1)).clamp(LEAST_CHECKS, MAX_CHECKS),
        paths,
        before,
        texts: Overlay::new(),
        done: Vec::new(),
        checks,
        n_checks: 0,
        useless: HashSet::new(),
        open: HashSet::new(),
    };
    loop {
        if mending.n_checks >= mending.most {
            break;
        }
        let mut mends = mending.mends();
        if let Some(first) = mends.iter().position(|mend| mending.open.contains(&mend.key()))
            && mends.iter().all(|mend| mending.open.contains(&mend.key()))
        {
            mending.follow(mends.swap_remove(first))?;
            continue;
        }
        mends.retain(|mend| !mending.open.contains(&mend.key()));
        if mends.is_empty() {
            break;
        }
        mending.apply(mends)?;
    }
    let left = mending.left();
    let now = Faults::of(&mending.checks);
    let uncovered = now.up_to(3) - now.up_to(first.sight());
    let Mending { before, texts, done, checks, .. } = mending;
    Ok(Mended { before, texts, done, checks, left, uncovered })
}

struct Mending<'p> {
    paths: &'p [PathBuf],
    before: Overlay,
    texts: Overlay,
    done: Vec<Done>,
    checks: Vec<Check>,
    n_checks: usize,
    /// How often they are checked at most.
    most: usize,
    /// Mends that did not help: the message, and what they would do.
    useless: HashSet<(String, String)>,
    /// Those that led from one mistake to another one: tried last, with what mends that.
    open: HashSet<(String, String)>,
}

impl Mending<'_> {
    /// The mends there are, no two of which touch.
    fn mends(&self) -> Vec<Mend> {
        // Where edits end, by where they begin.
        let mut taken: BTreeMap<PathBuf, BTreeMap<u32, u32>> = BTreeMap::new();
        let mut mends = Vec::new();
        for check in &self.checks {
            let (files, unread) = (canonical(check), unread(check));
            for diag in check.diags.iter().filter(|diag| !is_beside(diag, &unread)) {
                let Some(mend) = self.mend_of(check, &files, diag) else { continue };
                let touches = mend.edits.iter().any(|(file, edit)| {
                    let before = taken.get(file).map(|taken| taken.range(..=edit.span.end));
                    let nearest = before.and_then(|mut before| before.next_back());
                    nearest.is_some_and(|(_, end)| edit.span.start <= *end)
                });
                if touches {
                    continue;
                }
                for (file, edit) in &mend.edits {
                    let places = taken.entry(file.clone()).or_default();
                    let end = places.entry(edit.span.start).or_default();
                    *end = edit.span.end.max(*end);
                }
                mends.push(mend);
            }
        }
        // What is only said of a policy without errors waits until there are none.
        let is_error = |mend: &Mend| mend.severity == Severity::Error;
        if mends.iter().any(is_error) {
            mends.retain(is_error);
        }
        mends
    }

    /// The mend of a diagnostic, if it is meant beyond doubt and not known to be in vain.
    fn mend_of(&self, check: &Check, files: &[PathBuf], diag: &Diag) -> Option<Mend> {
        let fix = diag.certain_fix()?;
        let edits: Option<Vec<(PathBuf, Edit)>> = fix
            .edits
            .iter()
            .map(|edit| {
                let file = files.get(edit.span.source.0 as usize)?;
                Some((file.clone(), edit.clone()))
            })
            .collect();
        let span = diag.span();
        let source = check.sources.get(span.source);
        let done = Done {
            file: source.map(|source| source.name.to_string()).unwrap_or_default(),
            line: source.map_or(0, |source| source.line_column(span.start).line),
            message: diag.message.clone(),
            title: fix.title.clone(),
        };
        let mend = Mend { edits: edits?, done, severity: diag.severity };
        (!self.useless.contains(&mend.key())).then_some(mend)
    }

    /// Applies these if that helps; else each half of them; a single one that does not help is put aside.
    fn apply(&mut self, mut mends: Vec<Mend>) -> miette::Result<()> {
        // What did not help in one place is not tried in a thousand others.
        mends.retain(|mend| !self.useless.contains(&mend.key()));
        if mends.is_empty() || self.n_checks >= self.most {
            return Ok(());
        }
        self.n_checks += 1;
        let mut leads_on = false;
        if let Some(texts) = self.texts(&mends) {
            let checks = load::check_all_with(self.paths, &texts)?;
            let (before, after) = (Faults::of(&self.checks), Faults::of(&checks));
            if helps(&mends, before, after) {
                self.texts = texts;
                self.checks = checks;
                self.done.extend(mends.into_iter().map(|mend| mend.done));
                return Ok(());
            }
            leads_on = after.up_to(before.sight()) == before.up_to(before.sight());
        }
        if let [only] = mends.as_slice() {
            let is_open = leads_on && only.severity == Severity::Error;
            let of = if is_open { &mut self.open } else { &mut self.useless };
            of.insert(only.key());
            return Ok(());
        }
        let n_done = self.done.len();
        let rest = mends.split_off(mends.len() / 2);
        self.apply(mends)?;
        if self.done.len() == n_done {
            return self.apply(rest);
        }
        // The places of the other half are those of a text that is no more: they are found again.
        Ok(())
    }

    /// Applies a mend behind which another mistake shows, and then what mends that one, line by line as long as it takes:
    /// of a line only the first mistake of its syntax is told. Kept if there are fewer mistakes in the end.
    fn follow(&mut self, first: Mend) -> miette::Result<()> {
        let before = Faults::of(&self.checks);
        let (texts, n_done, key) = (self.texts.clone(), self.done.len(), first.key());
        let mut checks = None;
        let mut next = Some(first);
        for _ in 0..MOST_IN_A_LINE {
            let Some(mend) = next.take().filter(|_| self.n_checks < self.most) else { break };
            self.n_checks += 1;
            let Some(mended) = self.texts(std::slice::from_ref(&mend)) else { break };
            let found = load::check_all_with(self.paths, &mended)?;
            let (now, most) = (Faults::of(&found), before.up_to(before.sight()));
            if now.up_to(before.sight()) > most {
                break;
            }
            self.texts = mended;
            let old = std::mem::replace(&mut self.checks, found);
            checks.get_or_insert(old);
            let place = (mend.done.file.clone(), mend.done.line);
            self.done.push(mend.done);
            if now.up_to(before.sight()) < most {
                return Ok(());
            }
            let at = |mend: &Mend| (mend.done.file == place.0) && mend.done.line == place.1;
            next = self.mends().into_iter().find(at);
        }
        self.texts = texts;
        self.done.truncate(n_done);
        if let Some(checks) = checks {
            self.checks = checks;
        }
        self.open.remove(&key);
        self.useless.insert(key);
        Ok(())
    }

    /// Why the errors that are left are.
    fn left(&self) -> BTreeMap<Left, usize> {
        let mut left = BTreeMap::new();
        for check in &self.checks {
            let (files, unread) = (canonical(check), unread(check));
            for diag in check.diags.iter().filter(|diag| diag.is_error()) {
                let why = match diag.certain_fix() {
                    _ if is_beside(diag, &unread) => Left::Beside,
                    None if diag.fixes.is_empty() => Left::Author,
                    None => Left::Choice,
                    Some(_) if self.mend_of(check, &files, diag).is_some() => Left::Untried,
                    Some(_) => Left::Vain,
                };
                *left.entry(why).or_default() += 1;
            }
        }
        left
    }

    /// The texts with these mends in them. None if an edit lies outside of its text, or one takes code into a comment.
    fn texts(&self, mends: &[Mend]) -> Option<Overlay> {
        let mut edits: BTreeMap<&PathBuf, Vec<&Edit>> = BTreeMap::new();
        for (file, edit) in mends.iter().flat_map(|mend| &mend.edits) {
            edits.entry(file).or_default().push(edit);
        }
        let mut texts = self.texts.clone();
        for (file, mut edits) in edits {
            let before = self.text(file)?;
            edits.sort_by_key(|edit| edit.span.start);
            let (mut text, mut from) = (String::with_capacity(before.len()), 0);
            for edit in &edits {
                let range = edit.span.range();
                text.push_str(before.get(from..range.start)?);
                text.push_str(&edit.text);
                from = range.end;
            }
            text.push_str(before.get(from..)?);
            if !keeps_comments(&before, &text, &edits) {
                return None;
            }
            texts.insert(file.clone(), text);
        }
        Some(texts)
    }

    fn text(&self, file: &PathBuf) -> Option<String> {
        self.checks.iter().find_map(|check| {
            let at = check.files.iter().position(|known| load::canonical(known) == *file)?;
            let source = check.sources.iter().nth(at)?;
            Some(source.text.to_string())
        })
    }
}

/// Whether what these edits, in order, leave alone is code or comment as it was before. Only what follows a `//` that an edit
/// makes a part of something else, as in a URL without quotes, may become code.
fn keeps_comments(before: &str, after: &str, edits: &[&Edit]) -> bool {
    let (old, new) = (comments(before), comments(after));
    let inside = |comments: &[Range<usize>], at: usize| {
        let next = comments.partition_point(|comment| comment.end <= at);
        comments.get(next).filter(|comment| comment.start <= at).cloned()
    };
    let is_edited = |at: usize| edits.iter().any(|edit| edit.span.range().contains(&at));
    // Of what is left between two edits, where it begins in the one text and in the other.
    let (mut from, mut to) = (0, 0);
    let ends = edits.iter().map(|edit| (edit.span.range(), edit.text.len()));
    for (gone, n_new) in ends.chain([(before.len()..before.len(), 0)]) {
        let left = before.get(from..gone.start).unwrap_or("");
        for (at, _) in left.char_indices().filter(|(_, letter)| !letter.is_whitespace()) {
            match (inside(&old, from + at), inside(&new, to + at)) {
                (Some(_), Some(_)) | (None, None) => {}
                (Some(comment), None) if is_edited(comment.start) => {}
                _ => return false,
            }
        }
        to += left.len() + n_new;
        from = gone.end;
    }
    true
}

/// Where the comments of a text are, in order.
fn comments(text: &str) -> Vec<Range<usize>> {
    let (tree, _) = lang::parse(&Source::new(SourceId(0), "", text));
    let leaves = tree.leaves().filter(|leaf| matches!(leaf.kind(), Kind::Comment | Kind::Doc));
    leaves.map(|leaf| leaf.span().range()).collect()
}

/// Whether a policy with these mends in it is a better one: each did away with a mistake, and brought none to light but such
/// as could not be seen before.
fn helps(mends: &[Mend], before: Faults, after: Faults) -> bool {
    let sight = before.sight();
    let (errors, left) = (before.up_to(sight), after.up_to(sight));
    match mends {
        [mend, ..] if mend.severity != Severity::Error => {
            left <= errors && after.remarks + mends.len() <= before.remarks
        }
        _ => left + mends.len() <= errors,
    }
}

/// The files of a check, by their canonical paths.
fn canonical(check: &Check) -> Vec<PathBuf> {
    check.files.iter().map(|file| load::canonical(file)).collect()
}

/// The places of the items in which something has to be chosen before they can be read, in order: what else is wrong with
/// these may be an echo of that.
fn unread(check: &Check) -> Vec<Span> {
    let is_chosen = |diag: &&Diag| kind(diag) == 0 && diag.certain_fix().is_none();
    let mut chosen: BTreeMap<SourceId, Vec<u32>> = BTreeMap::new();
    for span in check.diags.iter().filter(is_chosen).map(Diag::span) {
        chosen.entry(span.source).or_default().push(span.start);
    }
    let mut unread = Vec::new();
    for (id, mut places) in chosen {
        let Some(source) = check.sources.get(id) else { continue };
        let (tree, _) = lang::parse(source);
        let starts = tree.pieces().iter().map(|piece| piece.start());
        let ends = starts.clone().skip(1).chain([source.text.len() as u32 + 1]);
        let items = starts.zip(ends).map(|(start, end)| Span { source: id, start, end });
        places.sort_unstable();
        unread.extend(items.filter(|item| {
            let next = places.partition_point(|place| *place < item.start);
            places.get(next).is_some_and(|place| *place < item.end)
        }));
    }
    unread
}

/// Whether what a diagnostic says, or what its mend would change, lies in one of these items.
fn is_beside(diag: &Diag, unread: &[Span]) -> bool {
    let edits = diag.fixes.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
    let mut places = edits.chain([diag.span()]);
    kind(diag) != 0
        && places.any(|place| {
            let begins = |item: &Span| (item.source, item.start) <= (place.source, place.start);
            let before = unread.partition_point(begins).checked_sub(1);
            before.and_then(|at| unread.get(at)).is_some_and(|item| {
                item.source == place.source && (item.start..item.end).contains(&place.start)
            })
        })
}

#[cfg(test)]
mod tests;
