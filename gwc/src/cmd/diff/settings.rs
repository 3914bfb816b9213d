//! Configured items that are not the same: a line for each setting, with what that means for protection.

use compiler::diff::{ItemChange, Kind, Said, SettingChange};

use super::page::{Page, place, text};
use crate::load::Check;
use crate::report::Line;

impl Page<'_> {
    /// What is set otherwise, and items that are new or gone: what each means for protection, in words.
    pub(super) fn settings(&self) -> impl Iterator<Item = (Kind, Line)> {
        self.comparison.items.iter().flat_map(|item| {
            let whole = item.settings.is_empty().then(|| self.whole(item));
            whole.into_iter().chain(item.settings.iter().map(|setting| self.line(item, setting)))
        })
    }

    /// Those of a kind.
    pub(super) fn settings_of(&self, kind: Kind) -> Vec<Line> {
        self.settings().filter(|(of, _)| *of == kind).map(|(_, words)| words).collect()
    }

    /// `listener admin is new`.
    fn whole(&self, item: &ItemChange) -> (Kind, Line) {
        let at = item.new.map(|span| place(self.new, span));
        let at = at.or_else(|| item.old.map(|span| place(self.old, span))).unwrap_or_default();
        let words = format!("{} {} {} (", item.kind, item.name, became(item));
        (item.verdict(), Line::words(&words).and_code(&at).and(")"))
    }

    /// `listener web: cap body=1MiB → cap body=1GiB`.
    fn line(&self, item: &ItemChange, setting: &SettingChange) -> (Kind, Line) {
        let at = match (&setting.old, &setting.new) {
            (_, Some(Said::Line(span))) => place(self.new, *span),
            (Some(Said::Line(span)), None) => place(self.old, *span),
            _ => item.new.map(|span| place(self.new, span)).unwrap_or_default(),
        };
        let line = Line::words(&format!("{} {}: ", item.kind, item.name));
        (setting.kind, self.setting(line, setting).and(" (").and_code(&at).and(")"))
    }

    /// `tls verify=false → tls`.
    fn setting(&self, line: Line, SettingChange { name, old, new, .. }: &SettingChange) -> Line {
        let said = |said: &Option<Said>, check| said.as_ref().map(|said| self.said(check, said));
        let is_text = matches!((old, new), (Some(Said::Text(_)), _) | (_, Some(Said::Text(_))));
        let line = if is_text { line.and(&format!("{name} ")) } else { line };
        match (said(old, self.old), said(new, self.new)) {
            (Some(old), Some(new)) if old == new => {
                line.and_code(&new).and(" means something else")
            }
            (Some(old), Some(new)) => line.and_code(&old).and(" → ").and_code(&new),
            (None, Some(new)) => line.and_code(&new).and(" is new"),
            (old, None) => line.and_code(&old.unwrap_or_default()).and(" is gone"),
        }
    }

    pub(super) fn said(&self, check: &Check, said: &Said) -> String {
        match said {
            Said::Line(span) => text(check, *span),
            Said::Text(text) => text.clone(),
        }
    }
}

/// What became of an item.
pub(super) fn became(item: &ItemChange) -> &'static str {
    match (item.old, item.new) {
        (None, _) => "is new",
        (_, None) => "is gone",
        _ => "is set otherwise",
    }
}
