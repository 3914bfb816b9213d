//! A comparison for programs.

use compiler::diff::{Kind, Outcome as Fate, Said};
use serde_json::{Value as Json, json};

use super::page::{KINDS, Page, no_example, place, statements};
use super::settings::became;
use crate::load::Check;

/// The whole as an object.
pub(super) fn object(page: &Page<'_>) -> Json {
    let side = |fate: &Fate, check: &Check| {
        json!({
            "outcome": fate.words,
            "route": fate.route.as_ref().map(|(name, _)| &**name),
            "place": fate.route.as_ref().map(|(_, span)| place(check, *span)),
            "statements": statements(check, fate),
            "policies": fate.applied.iter().map(|name| &**name).collect::<Vec<_>>(),
        })
    };
    let changes = page.comparison.changes.iter().map(|change| {
        json!({
            "kind": word(change.kind),
            "because": change.because,
            "listener": &*change.listener,
            "old": side(&change.old, page.old),
            "new": side(&change.new, page.new),
            "example": change.example.as_ref().ok(),
            "no_example": change.example.as_ref().err().map(no_example),
            "places": change.places,
        })
    });
    let items = page.comparison.items.iter().map(|item| {
        let settings = item.settings.iter().map(|setting| {
            let said = |said: &Option<Said>, check| said.as_ref().map(|s| page.said(check, s));
            json!({
                "name": &*setting.name,
                "protection": word(setting.kind),
                "old": said(&setting.old, page.old),
                "new": said(&setting.new, page.new),
            })
        });
        json!({
            "kind": &*item.kind,
            "name": &*item.name,
            "change": became(item),
            "protection": item.settings.is_empty().then(|| word(item.verdict())),
            "settings": settings.collect::<Vec<_>>(),
        })
    });
    json!({
        "changes": changes.collect::<Vec<_>>(),
        "ownership": page.ownership(),
        "items": items.collect::<Vec<_>>(),
        "undecided": page.undecided(),
        "internal": page.comparison.disagreements,
    })
}

/// What a change means for protection, in a word.
fn word(kind: Kind) -> &'static str {
    KINDS.iter().find(|(of, ..)| *of == kind).map_or("", |(_, word, _)| word)
}
