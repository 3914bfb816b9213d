//! A comparison for people.

use compiler::diff::Kind;

use super::page::{KINDS, Page, SAME, UNDECIDED};

/// The whole as text.
pub(super) fn text(page: &Page<'_>) -> String {
    let mut text = String::new();
    for (kind, _, title) in KINDS {
        let changes: Vec<_> = page.of(kind).collect();
        // What is neither looser nor stricter is told behind the requests.
        let settings = if kind == Kind::Changed { Vec::new() } else { page.settings_of(kind) };
        if changes.is_empty() && settings.is_empty() {
            continue;
        }
        text.push_str(&format!("{title}\n"));
        for change in changes {
            text.push_str(&format!("  {}\n", page.sentence(change)));
            text.extend(page.details(change).iter().map(|line| format!("    {}\n", line.plain())));
        }
        text.extend(settings.iter().map(|line| format!("  {}\n", line.plain())));
    }
    let undecided = page.undecided();
    if !undecided.is_empty() {
        text.push_str(&format!("{UNDECIDED}\n"));
    }
    for (line, details) in undecided {
        text.push_str(&format!("  {}\n", line.plain()));
        text.extend(details.iter().map(|line| format!("    {}\n", line.plain())));
    }
    if page.is_quiet() {
        text.push_str(&format!("{SAME}\n"));
    }
    for (title, lines) in page.rest() {
        text.push_str(&format!("{title}\n"));
        text.extend(lines.iter().map(|line| format!("  {}\n", line.plain())));
    }
    text
}
