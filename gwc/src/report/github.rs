//! Workflow commands, which GitHub shows beside the changed lines of a pull request.

use lang::{Diag, Severity, Sources};

use super::shown;

/// The diagnostic as one workflow command.
pub(crate) fn line(diag: &Diag, sources: &Sources) -> String {
    let command = match diag.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let span = diag.span();
    let mut place = String::new();
    if let Some(source) = sources.get(span.source) {
        let (start, end) = (source.line_column(span.start), source.line_column(span.end));
        place = format!(
            "file={},line={},endLine={},col={},endColumn={},",
            property(&source.name),
            start.line,
            end.line,
            start.column,
            end.column
        );
    }
    let title = property(&format!("{} {}", diag.code, diag.slug));
    let mut text = diag.message.clone();
    if let Some(label) = diag.labels.first() {
        text.push_str(&format!(": {}", label.text));
    }
    if let Some(help) = &diag.help {
        text.push_str(&format!("\nhelp: {help}"));
    }
    format!("::{command} {place}title={title}::{}", data(&shown::lines(&text)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
