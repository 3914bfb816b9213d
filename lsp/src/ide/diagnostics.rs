//! What is wrong with the open documents.

use std::sync::Arc;

use lang::SourceId;

use crate::analysis::{Analysis, Found, Problems};

/// What is wrong with each document.
pub(crate) fn problems(analysis: &Analysis) -> Problems {
    let mut problems = Problems::new();
    for document in analysis.documents() {
        let (_, diags) = analysis.parse(&document.source(SourceId(0)));
        let found = Found { diags, files: Arc::new(vec![document.clone()]) };
        problems.insert(document.uri.clone(), found);
    }
    problems
}
