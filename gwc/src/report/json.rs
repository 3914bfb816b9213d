//! One JSON object a diagnostic: stable for scripts and editors.

use lang::{Diag, Sources, Span};
use serde::Serialize;

#[derive(Serialize)]
struct Object<'d> {
    code: &'d str,
    slug: &'d str,
    severity: String,
    message: &'d str,
    #[serde(flatten)]
    place: Place<'d>,
    labels: Vec<Label<'d>>,
    help: Option<&'d str>,
    fixes: Vec<Fix<'d>>,
}

/// Where something is: bytes from 0, lines and columns (in characters) from 1, ends exclusive.
#[derive(Serialize)]
pub(super) struct Place<'d> {
    file: &'d str,
    span: Range,
}

#[derive(Serialize)]
struct Range {
    start: Point,
    end: Point,
}

#[derive(Serialize)]
struct Point {
    byte: u32,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Label<'d> {
    #[serde(flatten)]
    place: Place<'d>,
    text: &'d str,
}

#[derive(Serialize)]
struct Fix<'d> {
    title: &'d str,
    /// Whether a tool may apply it unasked.
    certain: bool,
    /// Whether there are others, which exclude it.
    alternative: bool,
    edits: Vec<Edit<'d>>,
}

#[derive(Serialize)]
struct Edit<'d> {
    #[serde(flatten)]
    place: Place<'d>,
    text: &'d str,
}

/// The diagnostic as one line of JSON.
pub(crate) fn line(diag: &Diag, sources: &Sources) -> String {
    let object = Object {
        code: diag.code,
        slug: diag.slug,
        severity: diag.severity.to_string(),
        message: &diag.message,
        place: place(diag.span(), sources),
        labels: diag
            .labels
            .iter()
            .map(|label| Label { place: place(label.span, sources), text: &label.text })
            .collect(),
        help: diag.help.as_deref(),
        fixes: diag
            .fixes
            .iter()
            .map(|fix| Fix {
                title: &fix.title,
                certain: fix.certain,
                alternative: diag.fixes.len() > 1,
                edits: fix
                    .edits
                    .iter()
                    .map(|edit| Edit { place: place(edit.span, sources), text: &edit.text })
                    .collect(),
            })
            .collect(),
    };
    serde_json::json!(object).to_string()
}

fn place(span: Span, sources: &Sources) -> Place<'_> {
    let source = sources.get(span.source);
    let point = |byte| {
        let at = source.map(|source| source.line_column(byte));
        Point { byte, line: at.map_or(1, |at| at.line), column: at.map_or(1, |at| at.column) }
    };
    Place {
        file: source.map_or("", |source| &source.name),
        span: Range { start: point(span.start), end: point(span.end) },
    }
}
