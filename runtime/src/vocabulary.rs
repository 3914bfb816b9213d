//! The one table of everything a policy can name: gathered here, declared beside the behaviour. It adds nothing of
//! its own.

use std::sync::LazyLock;

use lang::functions;
use lang::vocab::{Field, Function, Vocabulary};

use crate::{actions, balance, blocks, fields, upstream};

/// Every row there is: what the checker, the editor and the reference read.
pub fn vocabulary() -> Vocabulary {
    static FIELDS: LazyLock<Vec<&'static Field>> =
        LazyLock::new(|| fields::entries().map(|entry| &entry.row).collect());
    // Beside the language's own functions stand those that mean something in a block only.
    static FUNCTIONS: LazyLock<Vec<&'static Function>> =
        LazyLock::new(|| functions::FUNCTIONS.iter().copied().chain([&upstream::DNS]).collect());
    Vocabulary {
        fields: &FIELDS,
        functions: &FUNCTIONS,
        actions: actions::ROWS,
        balancers: balance::ROWS,
        blocks: blocks::ROWS,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_a_doc_and_an_example() {
        let vocabulary = vocabulary();
        let rows = (vocabulary.fields.iter().map(|row| ("field", row.path, row.doc, row.example)))
            .chain(vocabulary.actions.iter().map(|row| ("action", row.name, row.doc, row.example)))
            .chain(
                vocabulary.balancers.iter().map(|row| ("balance", row.name, row.doc, row.example)),
            )
            .chain(vocabulary.blocks.iter().map(|row| ("block", row.name, row.doc, row.example)))
            .chain(
                vocabulary.functions.iter().map(|row| ("function", row.name, row.doc, row.name)),
            );
        let mut names = BTreeSet::new();
        for (kind, name, doc, example) in rows {
            assert!(names.insert((kind, name)), "{kind} {name} stands twice");
            assert!(doc.ends_with('.'), "{kind} {name}: a doc is sentences");
            assert!(example.contains(name.split('.').next_back().unwrap()), "{kind} {name}");
        }
    }

    #[test]
    fn every_parameter_has_a_doc() {
        let vocabulary = vocabulary();
        let settings = vocabulary.blocks.iter().flat_map(|block| block.settings);
        let params = (vocabulary.actions.iter().map(|row| (row.name, row.params)))
            .chain(vocabulary.balancers.iter().map(|row| (row.name, row.params)))
            .chain(settings.map(|row| (row.name, row.params)))
            .flat_map(|(of, params)| params.iter().map(move |param| (of, param)));
        for (of, param) in params {
            assert!(param.doc.trim().ends_with('.'), "{of}: {}", param.name);
            assert!(!param.name.starts_with("r#"), "{of}: {}", param.name);
        }
    }
}
