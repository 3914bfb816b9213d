//! A comparison for a pull request.

use compiler::diff::Kind;

use super::page::{KINDS, Page};

/// The whole as Markdown.
pub(super) fn text(page: &Page<'_>) -> String {
    let mut text = String::new();
    for (kind, _, title) in KINDS {
        let changes: Vec<_> = page.of(kind).collect();
        let settings = if kind == Kind::Changed { Vec::new() } else { page.settings_of(kind) };
        if changes.is_empty() && settings.is_empty() {
            continue;
        }
        text.push_str(&format!("### {title}\n\n"));
        if !changes.is_empty() {
            text.push_str("| before → after | example | more |\n|---|---|---|\n");
        }
        for change in &changes {
            let mut details = page.details(change);
            let example =
                if change.example.is_ok() { code(&details.remove(0)) } else { String::new() };
            text.push_str(&format!(
                "| {} | {example} | {} |\n",
                cell(&page.sentence(change)),
                details.iter().map(|line| cell(line)).collect::<Vec<_>>().join("<br>")
            ));
        }
        if !changes.is_empty() {
            text.push('\n');
        }
        list(&mut text, &settings);
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

fn list(text: &mut String, lines: &[String]) {
    text.extend(lines.iter().map(|line| format!("- {line}\n")));
    if !lines.is_empty() {
        text.push('\n');
    }
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A text as code in a cell.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", cell(text).replace('`', "'")) }
}
