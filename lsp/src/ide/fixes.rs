//! The mends that diagnostics carry, for a part of a document. Nothing is invented here: a fix is born with its diagnostic.

use std::ops::Range;
use std::sync::Arc;

use lang::Diag;

use super::TextEdit;
use crate::analysis::{Analysis, Document};

/// One mend.
#[derive(Clone, Debug)]
pub struct QuickFix {
    /// What it does, as a menu says it.
    pub title: String,
    /// What it mends.
    pub diag: Diag,
    /// The files of the check, for the places of the diagnostic.
    pub files: Arc<Vec<Document>>,
    /// The edits of each file.
    pub edits: Vec<(Document, TextEdit)>,
}

/// The mends of all mistakes that touch `range` of the document.
pub fn fixes(analysis: &Analysis, uri: &str, range: &Range<usize>) -> Vec<QuickFix> {
    let problems = analysis.problems();
    let Some(found) = problems.get(uri) else { return Vec::new() };
    let touching = found.diags.iter().filter(|diag| {
        let span = diag.span().range();
        span.start <= range.end && range.start <= span.end
    });
    let mut all = Vec::new();
    for diag in touching {
        for fix in &diag.fixes {
            let edits = fix.edits.iter().filter_map(|edit| {
                let document = found.files.get(edit.span.source.0 as usize)?;
                let edit = TextEdit { range: edit.span.range(), text: edit.text.clone() };
                Some((document.clone(), edit))
            });
            all.push(QuickFix {
                title: fix.title.clone(),
                diag: diag.clone(),
                files: found.files.clone(),
                edits: edits.collect(),
            });
        }
    }
    all
}
