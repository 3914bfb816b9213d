//! SARIF 2.1.0, for code scanning. One run, one rule for each kind of diagnostic found.

use std::collections::BTreeMap;

use lang::{Diag, Severity, Sources, Span};
use serde_json::{Value, json};

/// All diagnostics of one run as a SARIF log.
pub(crate) fn document<'d>(found: impl Iterator<Item = (&'d Sources, &'d Diag)>) -> String {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    let mut results = Vec::new();
    for (sources, diag) in found {
        rules.entry(diag.code).or_insert_with(|| rule(diag));
        results.push(result(diag, sources));
    }
    let driver = json!({
        "name": "gwc",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules.into_values().collect::<Vec<_>>(),
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    });
    format!("{log:#}")
}

fn rule(diag: &Diag) -> Value {
    let explain = lang::diag::entry(diag.code).map_or("", |entry| entry.explain);
    json!({
        "id": diag.code,
        "name": diag.slug,
        "shortDescription": { "text": diag.slug },
        "help": { "text": explain, "markdown": explain },
    })
}

fn result(diag: &Diag, sources: &Sources) -> Value {
    let mut text = diag.message.clone();
    if let Some(help) = &diag.help {
        text.push_str(&format!("\n{help}"));
    }
    let fixes: Vec<Value> = diag
        .fixes
        .iter()
        .map(|fix| {
            let changes: Vec<Value> = fix
                .edits
                .iter()
                .map(|edit| {
                    json!({
                        "artifactLocation": artifact(edit.span, sources),
                        "replacements": [{
                            "deletedRegion": region(edit.span, sources),
                            "insertedContent": { "text": edit.text },
                        }],
                    })
                })
                .collect();
            json!({ "description": { "text": fix.title }, "artifactChanges": changes })
        })
        .collect();
    json!({
        "ruleId": diag.code,
        "level": match diag.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        "message": { "text": text },
        "locations": diag.labels.iter().take(1).map(|label| location(label, sources)).collect::<Vec<_>>(),
        "relatedLocations": diag.labels.iter().skip(1).map(|label| location(label, sources)).collect::<Vec<_>>(),
        "fixes": fixes,
    })
}

fn location(label: &lang::Label, sources: &Sources) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": artifact(label.span, sources),
            "region": region(label.span, sources),
        },
        "message": { "text": label.text },
    })
}

fn artifact(span: Span, sources: &Sources) -> Value {
    let name = sources.get(span.source).map_or("", |source| &source.name);
    json!({ "uri": lsp::encoded(name) })
}

fn region(span: Span, sources: &Sources) -> Value {
    let Some(source) = sources.get(span.source) else { return json!({}) };
    let (start, end) = (source.line_column(span.start), source.line_column(span.end));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "byteOffset": span.start,
        "byteLength": span.len(),
    })
}
