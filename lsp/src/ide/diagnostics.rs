//! What is wrong with the open documents, by the same checker that `gwc check` runs.

use std::sync::Arc;

use crate::analysis::{Analysis, Found, Problems};

/// What is wrong with each file of each policy. One file may be part of several; what they find in it is said once.
pub(crate) fn problems(analysis: &Analysis) -> Problems {
    let mut problems = Problems::new();
    for document in analysis.documents() {
        problems.insert(document.uri.clone(), Vec::new());
    }
    for checked in analysis.checks() {
        for diag in &checked.diags {
            let Some(file) = checked.file(diag.span()) else { continue };
            let found = problems.entry(file.uri.clone()).or_default();
            let said = |known: &Found| {
                let same = known.diag.code == diag.code && known.diag.message == diag.message;
                same && known.diag.span().range() == diag.span().range()
            };
            if !found.iter().any(said) {
                found.push(Found { diag: diag.clone(), files: Arc::clone(&checked.files) });
            }
        }
    }
    problems
}
