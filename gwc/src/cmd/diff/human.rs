//! A comparison for people.

use super::page::{Page, SAME, UNDECIDED};

/// The whole as text.
pub(super) fn text(page: &Page<'_>) -> String {
    let mut text = String::new();
    for (title, changes, settings) in page.kinds() {
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
