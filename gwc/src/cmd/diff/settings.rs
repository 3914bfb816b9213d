//! Configured items that are not the same: a line for each setting, with what that means for protection.

use compiler::diff::{ItemChange, Kind, Said, SettingChange};

use super::page::{Page, place, text};
use crate::load::Check;

impl Page<'_> {
    /// What is set otherwise, and items that are new or gone: what each means for protection, in words.
    pub(super) fn settings(&self) -> impl Iterator<Item = (Kind, String)> {
        self.comparison.items.iter().flat_map(|item| {
            let whole = item.settings.is_empty().then(|| self.whole(item));
            whole.into_iter().chain(item.settings.iter().map(|setting| self.line(item, setting)))
        })
    }

    /// Those of a kind.
    pub(super) fn settings_of(&self, kind: Kind) -> Vec<String> {
        self.settings().filter(|(of, _)| *of == kind).map(|(_, words)| words).collect()
    }

    /// `listener admin is new`.
    fn whole(&self, item: &ItemChange) -> (Kind, String) {
        let at = item.new.map(|span| place(self.new, span));
        let at = at.or_else(|| item.old.map(|span| place(self.old, span))).unwrap_or_default();
        (item.verdict(), format!("{} {} {} ({at})", item.kind, item.name, became(item)))
    }

    /// `listener web: cap body=1MiB → cap body=1GiB`.
    fn line(&self, item: &ItemChange, setting: &SettingChange) -> (Kind, String) {
        let at = match (&setting.old, &setting.new) {
            (_, Some(Said::Line(span))) => place(self.new, *span),
            (Some(Said::Line(span)), None) => place(self.old, *span),
            _ => item.new.map(|span| place(self.new, span)).unwrap_or_default(),
        };
        (setting.kind, format!("{} {}: {} ({at})", item.kind, item.name, self.setting(setting)))
    }

    /// `tls verify=false → tls`.
    fn setting(&self, SettingChange { name, old, new, .. }: &SettingChange) -> String {
        let said = |said: &Option<Said>, check| said.as_ref().map(|said| self.said(check, said));
        let is_text = matches!((old, new), (Some(Said::Text(_)), _) | (_, Some(Said::Text(_))));
        let name = if is_text { format!("{name} ") } else { String::new() };
        match (said(old, self.old), said(new, self.new)) {
            (Some(old), Some(new)) if old == new => format!("{name}{new} means something else"),
            (Some(old), Some(new)) => format!("{name}{old} → {new}"),
            (None, Some(new)) => format!("{name}{new} is new"),
            (old, None) => format!("{name}{} is gone", old.unwrap_or_default()),
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
