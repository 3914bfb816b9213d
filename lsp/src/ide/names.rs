//! The policy's own names: where one is defined, everywhere it is used, and its renaming.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use lang::Span;
use lang::check::{Definition, Meaning};

use super::TextEdit;
use crate::analysis::{Analysis, Checked, Document};

/// A part of a document.
#[derive(Clone, Debug)]
pub struct Place {
    /// The document.
    pub document: Document,
    /// The bytes.
    pub range: Range<usize>,
}

/// Words that are grammar wherever they stand.
const RESERVED: &[&str] = &["and", "or", "not", "in", "is", "match", "true", "false", "pub"];

/// Where the name at byte `offset` is defined; for the path of a `use`, the file.
pub fn definition(analysis: &Analysis, uri: &str, offset: usize) -> Option<Place> {
    let (checked, at) = analysis.checks().find_map(|checked| {
        let source = checked.source_of(uri)?;
        Some((checked, Span::new(source, offset, offset)))
    })?;
    let holds =
        |span: &Span| span.source == at.source && span.start <= at.start && at.start <= span.end;
    if let Some((_, target)) = checked.uses.iter().find(|(span, _)| holds(span)) {
        let document = checked.files.get(target.0 as usize)?.clone();
        return Some(Place { document, range: 0..0 });
    }
    let definition = checked.index().definition(checked.index().at(at)?.meaning)?;
    let document = checked.file(definition.span)?.clone();
    Some(Place { document, range: definition.span.range() })
}

/// Everywhere the name at byte `offset` stands, in every policy that is open; with its definition or without.
pub fn references(
    analysis: &Analysis,
    uri: &str,
    offset: usize,
    with_definition: bool,
) -> Vec<Place> {
    let Some(target) = target(analysis, uri, offset) else { return Vec::new() };
    let mut found: BTreeMap<(Arc<str>, usize), Place> = BTreeMap::new();
    for checked in analysis.checks() {
        for occurrence in &checked.index().occurrences {
            let Some(definition) = checked.index().definition(occurrence.meaning) else { continue };
            if key(checked, definition) != Some((target.uri.clone(), target.range.clone())) {
                continue;
            }
            let (Some(document), range) = (checked.file(occurrence.span), occurrence.span.range())
            else {
                continue;
            };
            let is_definition = document.uri == target.uri && range == target.range;
            if with_definition || !is_definition {
                let place = Place { document: document.clone(), range: range.clone() };
                found.insert((document.uri.clone(), range.start), place);
            }
        }
    }
    found.into_values().collect()
}

/// The edits that give the name at byte `offset` another; `None` if it is none of the policy's own, or if `name` is no name.
pub fn rename(
    analysis: &Analysis,
    uri: &str,
    offset: usize,
    name: &str,
) -> Option<Vec<(Document, TextEdit)>> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !first || !rest || RESERVED.contains(&name) {
        return None;
    }
    let target = target(analysis, uri, offset)?;
    let edit = |place: Place| {
        let written = place.document.text.get(place.range.clone())?;
        // `site.route` names a route by two words, of which the last is its own.
        let own = written.rsplit('.').next()?;
        let range = place.range.end - own.len()..place.range.end;
        (own == &*target.name).then(|| (place.document, TextEdit { range, text: name.to_owned() }))
    };
    references(analysis, uri, offset, true).into_iter().map(edit).collect()
}

/// A definition, by its place.
struct Target {
    uri: Arc<str>,
    range: Range<usize>,
    name: Arc<str>,
}

fn target(analysis: &Analysis, uri: &str, offset: usize) -> Option<Target> {
    analysis.checks().find_map(|checked| {
        let at = Span::new(checked.source_of(uri)?, offset, offset);
        let occurrence = checked.index().at(at)?;
        let Meaning::Definition(_) = occurrence.meaning else { return None };
        let definition = checked.index().definition(occurrence.meaning)?;
        let (uri, range) = key(checked, definition)?;
        Some(Target { uri, range, name: definition.name.clone() })
    })
}

/// What a definition is known by across checks, whose numbers differ.
fn key(checked: &Checked, definition: &Definition) -> Option<(Arc<str>, Range<usize>)> {
    Some((checked.file(definition.span)?.uri.clone(), definition.span.range()))
}
