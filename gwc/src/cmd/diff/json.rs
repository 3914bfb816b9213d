//! A comparison for programs.

use compiler::diff::{Also, Answered, Change, Kind, Outcome as Fate, Said, Undecided};
use serde_json::{Value as Json, json};

use super::page::{KINDS, Page, no_example, place, statements, text};
use super::settings::became;
use crate::load::Check;
use crate::report::Line;

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
    let answered = |(route, refused): &Answered, check: &Check| {
        json!({
            "route": route.as_ref().map(|(name, _)| &**name),
            "place": route.as_ref().map(|(_, span)| place(check, *span)),
            "refused": refused.as_ref().map(|span| text(check, *span)),
        })
    };
    let answers = |of: &[(String, String)]| -> Json {
        of.iter().map(|(field, value)| (field.clone(), json!(value))).collect()
    };
    let also = |also: &Also| {
        json!({
            "example": also.example,
            "answers": answers(&also.answers),
            "old": answered(&also.old, page.old),
            "new": answered(&also.new, page.new),
        })
    };
    let told = |change: &Change| {
        let mut told = json!({
            "kind": word(change.kind),
            "because": change.because,
            "listener": &*change.listener,
            "old": side(&change.old, page.old),
            "new": side(&change.new, page.new),
        });
        match &change.example {
            Ok(example) => {
                told["example"] = json!(example);
                told["answers"] = answers(&change.answers);
                let given = change.given.iter().map(|(name, value)| (&**name, json!(value)));
                told["given"] = given.collect();
                told["places"] = json!(change.places);
                told["also"] = change.also.iter().map(also).collect();
            }
            Err(why) => told["why"] = json!(no_example(why).plain()),
        }
        told
    };
    let undecided = page.comparison.undecided.iter().map(|undecided| match undecided {
        Undecided::Perhaps(change) => told(change),
        Undecided::TooMuch(of, span) => {
            json!({ "why": "there is too much to decide", "place": page.place(*of, *span) })
        }
        Undecided::TooMany(of, span) => {
            json!({ "why": "more may differ than is told", "place": page.place(*of, *span) })
        }
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
        "changes": page.comparison.changes.iter().map(told).collect::<Vec<_>>(),
        "ownership": page.ownership().iter().map(Line::plain).collect::<Vec<_>>(),
        "items": items.collect::<Vec<_>>(),
        "undecided": undecided.collect::<Vec<_>>(),
        "internal": page.comparison.disagreements,
    })
}

/// What a change means for protection, in a word.
fn word(kind: Kind) -> &'static str {
    KINDS.iter().find(|(of, ..)| *of == kind).map_or("", |(_, word, _)| word)
}
