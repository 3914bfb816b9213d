//! The mends that diagnostics carry, for a part of a document. Nothing is invented here: a fix is born with its diagnostic.

use std::ops::Range;

use super::TextEdit;
use crate::analysis::{Analysis, Document, Found};

/// One mend.
#[derive(Clone, Debug)]
pub struct QuickFix {
    /// What it does, as a menu says it.
    pub title: String,
    /// What it mends.
    pub mends: Found,
    /// The edits of each file.
    pub edits: Vec<(Document, TextEdit)>,
}

/// The mends of all mistakes that touch `range` of the document.
pub fn fixes(analysis: &Analysis, uri: &str, range: &Range<usize>) -> Vec<QuickFix> {
    let problems = analysis.problems();
    let Some(found) = problems.get(uri) else { return Vec::new() };
    let touching = found.iter().filter(|found| {
        let span = found.diag.span().range();
        span.start <= range.end && range.start <= span.end
    });
    let of = |mends: &Found| {
        let fixes = mends.diag.fixes.iter().map(|fix| {
            let edits = fix.edits.iter().filter_map(|edit| {
                let document = mends.files.get(edit.span.source.0 as usize)?;
                let edit = TextEdit { range: edit.span.range(), text: edit.text.clone() };
                Some((document.clone(), edit))
            });
            QuickFix { title: fix.title.clone(), mends: mends.clone(), edits: edits.collect() }
        });
        fixes.collect::<Vec<_>>()
    };
    touching.flat_map(of).collect()
}
