//! A comparison for a pull request.

use super::page::{Page, UNDECIDED};
use crate::report::Line;

/// The whole as Markdown.
pub(super) fn text(page: &Page<'_>) -> String {
    let mut text = String::new();
    for (title, changes, settings) in page.kinds() {
        text.push_str(&format!("### {title}\n\n"));
        if !changes.is_empty() {
            text.push_str("| before → after | example | more |\n|---|---|---|\n");
        }
        for change in &changes {
            let mut details = page.details(change).into_iter();
            text.push_str(&format!(
                "| {} | {} | {} |\n",
                Line::words(&page.sentence(change)).cell(),
                details.next().map(|example| example.cell()).unwrap_or_default(),
                details.map(|line| line.cell()).collect::<Vec<_>>().join("<br>")
            ));
        }
        if !changes.is_empty() {
            text.push('\n');
        }
        list(&mut text, &settings);
    }
    let undecided = page.undecided();
    if !undecided.is_empty() {
        text.push_str(&format!("### {UNDECIDED}\n\n| before → after | more |\n|---|---|\n"));
        for (line, details) in &undecided {
            let details = details.iter().map(Line::cell).collect::<Vec<_>>().join("<br>");
            text.push_str(&format!("| {} | {details} |\n", line.cell()));
        }
        text.push('\n');
    }
    if page.is_quiet() {
        text.push_str("No request is treated differently.\n\n");
    }
    for (title, lines) in page.rest() {
        text.push_str(&format!("### {title}\n\n"));
        list(&mut text, &lines);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn list(text: &mut String, lines: &[Line]) {
    text.extend(lines.iter().map(|line| format!("- {}\n", line.markdown())));
    if !lines.is_empty() {
        text.push('\n');
    }
}
