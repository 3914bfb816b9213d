//! One policy, checked as `gwc check` does: the file it begins in, every file it imports, and what was found in them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use lang::check::Unit;
use lang::syntax::Tree;
use lang::{Diag, Index, Source, SourceId, Span, Vocabulary};

use super::{Analysis, Document};
use crate::uri;

/// Files of one policy.
const MOST_FILES: usize = 1_000;

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The files, by the number of their source; the first is where the policy begins.
    pub files: Arc<Vec<Document>>,
    /// What is wrong, in the order of places.
    pub diags: Vec<Diag>,
    /// Where each `use` leads to.
    pub uses: Vec<(Span, SourceId)>,
    /// The files that belong to modules which the first file grants.
    pub modules: Vec<SourceId>,
    parsed: Vec<Parsed>,
    vocabulary: Vocabulary,
    /// Made by whoever asks first: most keystrokes ask for diagnostics and no more.
    index: OnceLock<Index>,
}

impl Checked {
    /// The number of a file of this check.
    pub fn source_of(&self, uri: &str) -> Option<SourceId> {
        let at = self.files.iter().position(|file| &*file.uri == uri)?;
        Some(SourceId(at as u32))
    }

    /// The file that a place is in.
    pub fn file(&self, span: Span) -> Option<&Document> {
        self.files.get(span.source.0 as usize)
    }

    /// What stands where.
    pub fn index(&self) -> &Index {
        self.index.get_or_init(|| lang::check(&units(&self.parsed), &self.vocabulary).index)
    }
}

/// One file with its syntax.
#[derive(Debug)]
struct Parsed {
    source: Source,
    tree: Tree,
    uses: Vec<(Span, Result<SourceId, String>)>,
}

/// Checks the policy that begins in `root`.
pub(super) fn check(analysis: &Analysis, root: &Document) -> Checked {
    let mut files = vec![root.clone()];
    let mut known = HashMap::from([(root.uri.to_string(), SourceId(0))]);
    let mut parsed: Vec<Parsed> = Vec::new();
    let mut diags = Vec::new();
    while let Some(file) = files.get(parsed.len()).cloned() {
        let source = file.source(SourceId(parsed.len() as u32));
        let (tree, found) = analysis.parse(&source);
        diags.extend(found);
        let mut uses = Vec::new();
        let mut links = lang::uses(&tree);
        if parsed.is_empty() {
            let modules = lang::modules(&tree).into_iter();
            links.extend(modules.map(|module| (module.file, module.span)));
        }
        for (written, span) in links {
            let target = follow(analysis, &file, &written).and_then(|used| {
                if let Some(&id) = known.get(&*used.uri) {
                    return Ok(id);
                }
                if files.len() >= MOST_FILES {
                    return Err(format!("a policy has at most {MOST_FILES} files"));
                }
                let id = SourceId(files.len() as u32);
                known.insert(used.uri.to_string(), id);
                files.push(used);
                Ok(id)
            });
            uses.push((span, target));
        }
        parsed.push(Parsed { source, tree, uses });
    }
    let vocabulary = *analysis.vocabulary();
    let answer = analysis.known.check(&root.uri, &units(&parsed), &vocabulary, diags);
    let index = answer.whole.map_or_else(OnceLock::new, |whole| OnceLock::from(whole.index));
    let uses = parsed.iter().flat_map(|parsed| &parsed.uses);
    let uses = uses.filter_map(|(span, target)| Some((*span, *target.as_ref().ok()?))).collect();
    let modules = answer.modules.into_iter().filter(|source| source.0 != 0).collect();
    let (files, diags) = (Arc::new(files), answer.diags);
    Checked { files, diags, uses, modules, parsed, vocabulary, index }
}

fn units(parsed: &[Parsed]) -> Vec<Unit<'_>> {
    let all = parsed.iter().map(|parsed| Unit {
        source: &parsed.source,
        tree: &parsed.tree,
        uses: parsed.uses.clone(),
    });
    all.collect()
}

/// The file that `written` names, seen from `file`.
fn follow(analysis: &Analysis, file: &Document, written: &str) -> Result<Document, String> {
    let here = uri::path_of(&file.uri).ok_or("this document is not a file yet")?;
    let folder = here.parent().unwrap_or(Path::new(""));
    let path = uri::plain(&folder.join(written));
    analysis.file(&path).map_err(|error| {
        let reason = error.to_string();
        let mut letters = reason.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
    })
}
