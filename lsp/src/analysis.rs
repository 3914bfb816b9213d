//! What the editor has open, and what can be asked of it. `AnalysisHost` is the one mutable holder; an `Analysis` is a snapshot
//! that never changes, so that work never sees a half-edited world.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use lang::syntax::Tree;
use lang::{Diag, Source, SourceId, Vocabulary};

mod checked;
mod known;

pub use checked::Checked;
use known::Known;

use crate::ide;
use crate::lines::{Encoding, Lines};

/// Reads a file that is imported but not open in the editor. Bounded by whoever hands it in.
pub type ReadFile = fn(&Path) -> io::Result<String>;

/// Documents an editor may have open.
const MOST_DOCUMENTS: usize = 1_000;
/// Bytes of all documents together.
const LARGEST_TOTAL: usize = 256 << 20;

/// One document, at one version.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its address, as the editor writes it.
    pub uri: Arc<str>,
    /// The editor's count of its changes.
    pub version: i32,
    /// The whole text.
    pub text: Arc<str>,
    /// The lines of that text.
    pub lines: Arc<Lines>,
}

/// A change to a document.
#[derive(Clone, Debug)]
pub struct Change {
    /// From where to where, as line and character; `None` is the whole text.
    pub range: Option<[(u32, u32); 2]>,
    /// What stands there afterwards.
    pub text: String,
}

/// The documents as they are now.
#[derive(Debug)]
pub struct AnalysisHost {
    now: Analysis,
}

/// The documents as they were at one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Analysis {
    documents: BTreeMap<Arc<str>, Document>,
    vocabulary: Vocabulary,
    read: ReadFile,
    known: Arc<Known>,
    /// Made by whoever asks first, and shared by all clones of this snapshot.
    checks: Arc<OnceLock<Vec<Checked>>>,
}

/// One mistake, and the files that its labels point into.
#[derive(Clone, Debug)]
pub struct Found {
    /// The mistake.
    pub diag: Diag,
    /// Every file of the check, by the number of its source.
    pub files: Arc<Vec<Document>>,
}

/// What is wrong, by the address of the file. Every open document is among them, even if nothing is wrong with it.
pub type Problems = BTreeMap<Arc<str>, Vec<Found>>;

impl Document {
    /// A document of this text.
    pub fn new(uri: impl Into<Arc<str>>, version: i32, text: impl Into<Arc<str>>) -> Document {
        let text = text.into();
        let lines = Arc::new(Lines::new(&text));
        Document { uri: uri.into(), version, text, lines }
    }

    /// The bytes between two positions, in order whichever comes first.
    pub fn range(&self, range: [(u32, u32); 2], encoding: Encoding) -> Range<usize> {
        let [from, to] =
            range.map(|(line, character)| self.lines.offset(&self.text, line, character, encoding));
        from.min(to)..from.max(to)
    }

    /// The byte at a position.
    pub fn offset(&self, (line, character): (u32, u32), encoding: Encoding) -> usize {
        self.lines.offset(&self.text, line, character, encoding)
    }

    /// The text as a source of its own.
    pub fn source(&self, id: SourceId) -> Source {
        Source::new(id, self.uri.clone(), self.text.clone())
    }
}

impl AnalysisHost {
    /// Nothing is open.
    pub fn new(vocabulary: Vocabulary, read: ReadFile) -> AnalysisHost {
        let (documents, known, checks) = (BTreeMap::new(), Arc::default(), Arc::default());
        AnalysisHost { now: Analysis { documents, vocabulary, read, known, checks } }
    }

    /// The open document of this address.
    pub fn document(&self, uri: &str) -> Option<&Document> {
        self.now.document(uri)
    }

    /// A snapshot.
    pub fn analysis(&self) -> Analysis {
        self.now.clone()
    }

    /// Opens a document, or puts its text in place of what was open under its address. Beyond the bounds it
    /// stays closed, and this is `false`.
    pub fn open(&mut self, uri: &str, version: i32, text: String) -> bool {
        self.forget();
        self.now.documents.remove(uri);
        self.keep(Document::new(uri, version, text))
    }

    /// Applies changes one after the other, each to what the one before it left. An unknown document stays unknown; one that
    /// outgrows the bounds is closed, and this is `false`.
    pub fn change(
        &mut self,
        uri: &str,
        version: i32,
        changes: impl IntoIterator<Item = Change>,
        encoding: Encoding,
    ) -> bool {
        let Some(document) = self.now.documents.remove(uri) else { return true };
        self.forget();
        let mut text = document.text.to_string();
        let mut lines = document.lines;
        let mut fresh = true;
        for change in changes {
            let Some([from, to]) = change.range else {
                (text, fresh) = (change.text, false);
                continue;
            };
            if !fresh {
                lines = Arc::new(Lines::new(&text));
            }
            let place = |(line, character)| lines.offset(&text, line, character, encoding);
            let (from, to) = (place(from), place(to));
            text.replace_range(from.min(to)..from.max(to), &change.text);
            fresh = false;
            if text.len() > LARGEST_TOTAL {
                return false;
            }
        }
        self.keep(Document::new(document.uri, version, text))
    }

    /// Closes a document.
    pub fn close(&mut self, uri: &str) {
        self.forget();
        self.now.documents.remove(uri);
    }

    /// Forgets what was found, because a file that is not open may have changed.
    pub fn forget(&mut self) {
        self.now.checks = Arc::default();
    }

    fn keep(&mut self, document: Document) -> bool {
        let total: usize = self.now.documents.values().map(|document| document.text.len()).sum();
        let fits = total.saturating_add(document.text.len()) <= LARGEST_TOTAL;
        let fits = fits && self.now.documents.len() < MOST_DOCUMENTS;
        if fits {
            self.now.documents.insert(document.uri.clone(), document);
        }
        fits
    }
}

impl Analysis {
    /// The open document of this address.
    pub fn document(&self, uri: &str) -> Option<&Document> {
        self.documents.get(uri)
    }

    /// Every open document.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    /// What a policy can name.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The text of a file, open or not.
    pub fn file(&self, path: &Path) -> io::Result<Document> {
        let same = |document: &&Document| {
            crate::uri::path_of(&document.uri).is_some_and(|known| known == path)
        };
        if let Some(document) = self.documents().find(same) {
            return Ok(document.clone());
        }
        let text = (self.read)(path)?;
        Ok(Document::new(crate::uri::of_path(path), 0, text))
    }

    /// The syntax of a source, and what is wrong with it.
    pub fn parse(&self, source: &Source) -> (Tree, Vec<Diag>) {
        self.known.parse(source)
    }

    /// The syntax of a document by itself.
    pub fn tree(&self, document: &Document) -> Tree {
        self.parse(&document.source(SourceId(0))).0
    }

    /// The check of each policy: of every open document that no other policy imports.
    pub fn checks(&self) -> impl Iterator<Item = &Checked> {
        self.checks.get_or_init(|| self.check_all()).iter()
    }

    fn check_all(&self) -> Vec<Checked> {
        let all: Vec<Checked> =
            self.documents().map(|document| checked::check(self, document)).collect();
        let imports = |checked: &Checked, uri: &Arc<str>| {
            checked.files.iter().skip(1).any(|file| file.uri == *uri)
        };
        let root = |checked: &Checked| checked.files.first().map(|root| root.uri.clone());
        // What a module uses of the file that grants it does not make that file a part of the module.
        let grants = |checked: &Checked, by: &Checked| {
            let mut files =
                checked.modules.iter().filter_map(|file| checked.files.get(file.0 as usize));
            root(by).is_some_and(|uri| files.any(|file| file.uri == uri))
        };
        let imported: Vec<bool> = all
            .iter()
            .map(|checked| {
                let by = |by: &Checked, uri: &Arc<str>| imports(by, uri) && !grants(checked, by);
                root(checked).is_some_and(|uri| all.iter().any(|other| by(other, &uri)))
            })
            .collect();
        let (mut kept, mut rest) = (Vec::new(), Vec::new());
        for (checked, imported) in all.into_iter().zip(imported) {
            if imported { rest.push(checked) } else { kept.push(checked) }
        }
        // Documents that import each other have no root among them; the first that nothing covers stands for them.
        for checked in rest {
            let covered = |uri: &Arc<str>| kept.iter().any(|other| imports(other, uri));
            if root(&checked).is_some_and(|uri| !covered(&uri)) {
                kept.push(checked);
            }
        }
        kept
    }

    /// What is wrong with each document.
    pub fn problems(&self) -> Problems {
        ide::diagnostics::problems(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> AnalysisHost {
        let vocabulary = Vocabulary {
            fields: &[],
            functions: &[],
            actions: &[],
            balancers: &[],
            blocks: &[],
            budgets: &[],
        };
        AnalysisHost::new(vocabulary, |_| Err(io::ErrorKind::NotFound.into()))
    }

    #[test]
    fn changes_apply_one_after_the_other() {
        let mut host = host();
        let _ = host.open("a", 1, "one\ntwo \u{1f600} three\n".to_owned());
        let changes = [
            Change { range: Some([(1, 7), (1, 12)]), text: "3".to_owned() },
            Change { range: Some([(0, 3), (1, 0)]), text: " ".to_owned() },
            Change { range: Some([(0, 99), (99, 0)]), text: "!".to_owned() },
        ];
        host.change("a", 2, changes, Encoding::Utf16);
        let document = host.document("a").unwrap();
        assert_eq!((&*document.text, document.version), ("one two \u{1f600} 3!", 2));
        host.change("a", 3, [Change { range: None, text: "x".to_owned() }], Encoding::Utf16);
        assert_eq!(&*host.document("a").unwrap().text, "x");
    }

    #[test]
    fn a_snapshot_does_not_change() {
        let mut host = host();
        host.open("a", 1, "one".to_owned());
        let before = host.analysis();
        host.change("a", 2, [Change { range: None, text: "two".to_owned() }], Encoding::Utf16);
        host.close("a");
        assert_eq!(before.document("a").map(|document| &*document.text), Some("one"));
        host.change("a", 3, [Change { range: None, text: "x".to_owned() }], Encoding::Utf16);
        assert!(host.document("a").is_none());
    }
}
