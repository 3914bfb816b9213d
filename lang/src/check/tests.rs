//! Policies and what is said of them, over a small vocabulary of the tests' own.

use super::*;
use crate::source::Sources;

mod broken;
mod diagnostics;
mod modules;
mod pages;
mod policies;
mod words;

/// A policy of one file, checked: its diagnostics as `code [place] message -> first fix`, a line each.
fn said(text: &str) -> String {
    let (checked, source) = checked(text);
    let lines = checked.diags.iter().map(|diag| {
        let place = source.slice(diag.span()).replace('\n', "⏎");
        let fix = diag.fixes.first().map(|fix| {
            let edits = fix.edits.iter().map(|edit| edit.text.replace('\n', "⏎"));
            format!(" -> {}", edits.collect::<Vec<_>>().join(" … "))
        });
        format!("{} [{place}] {}{}", diag.code, diag.message, fix.unwrap_or_default())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn checked(text: &str) -> (Checked, Source) {
    let source = Source::new(SourceId(0), "test.gw", text);
    let (tree, syntax) = crate::syntax::parse(&source);
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    let mut checked = check(&[unit], &words::vocabulary());
    checked.diags = checked.joined(&syntax);
    (checked, source)
}

/// A policy around the statements of one route.
fn route(body: &str) -> String {
    format!(
        "edition 2026\nlistener web {{ bind \":8080\" }}\npub upstream app {{ server \"127.0.0.1:3000\" }}\npub upstream next {{ server \"127.0.0.1:3001\" }}\nroute all on web {{\n{body}\n}}\n"
    )
}

/// What is said of the statements of one route.
fn of_route(body: &str) -> String {
    said(&route(body))
}

/// What is said of a condition.
fn of_where(condition: &str) -> String {
    of_route(&format!("  where {condition}\n  respond 200"))
}

/// Several files, by name, the first one the root.
fn of_files(files: &[(&str, &str)]) -> (Checked, String) {
    let mut sources = Sources::default();
    for (name, text) in files {
        sources.add(*name, *text);
    }
    let trees: Vec<Tree> = sources.iter().map(|source| crate::syntax::parse(source).0).collect();
    let find = |path: &str| {
        let name = path.trim_start_matches("./");
        let found = sources.iter().find(|source| *source.name == *name);
        found.map(|source| source.id).ok_or_else(|| "there is no such file".to_owned())
    };
    let units: Vec<Unit<'_>> = sources
        .iter()
        .zip(&trees)
        .map(|(source, tree)| {
            let mut links = uses(tree);
            if source.id == SourceId(0) {
                links.extend(modules(tree).into_iter().map(|module| (module.file, module.span)));
            }
            let uses = links.iter().map(|(path, span)| (*span, find(path))).collect();
            Unit { source, tree, uses }
        })
        .collect();
    let checked = check(&units, &words::vocabulary());
    let lines = checked.diags.iter().map(|diag| {
        let source = sources.get(diag.span().source);
        let place = source.map_or("", |source| source.slice(diag.span()));
        let name = source.map_or("", |source| &source.name);
        format!("{} {name} [{place}] {}", diag.code, diag.message)
    });
    let said = lines.collect::<Vec<_>>().join("\n");
    (checked, said)
}
