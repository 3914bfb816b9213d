//! The pages of the catalogue: what fails fails so, and what is mended is clean.

use super::*;
use crate::diag::{CATALOGUE, Entry};

fn blocks<'p>(page: &'p str, kind: &str) -> Vec<&'p str> {
    let fence = format!("```gw {kind}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// The pages of syntax, of route order, of several files and of values that only the runtime's rows refuse are held to
/// the truth in rooms of their own.
fn is_ours(entry: &Entry) -> bool {
    let single = !entry.explain.contains(".gw\n");
    single
        && entry.slug != "bad-value"
        && ["E02", "E03", "E04", "E05", "W06"].iter().any(|ours| entry.code.starts_with(ours))
}

#[test]
fn every_page_is_true() {
    for entry in CATALOGUE.iter().filter(|entry| is_ours(entry)) {
        for text in blocks(entry.explain, "fails") {
            let found = said(text);
            let codes: Vec<&str> = found.lines().map(|line| &line[..5]).collect();
            assert_eq!(codes, [entry.code], "{}:\n{text}\n{found}", entry.slug);
        }
        for text in blocks(entry.explain, "mended") {
            assert_eq!(said(text), "", "{}:\n{text}", entry.slug);
        }
    }
}

#[test]
fn what_is_offered_mends() {
    for entry in CATALOGUE.iter().filter(|entry| is_ours(entry)) {
        for text in blocks(entry.explain, "fails") {
            for fix in checked(text).0.diags.iter().flat_map(|diag| &diag.fixes) {
                let mut edits = fix.edits.clone();
                edits.sort_by_key(|edit| std::cmp::Reverse((edit.span.start, edit.span.end)));
                let mut mended = text.to_owned();
                for edit in edits {
                    mended.replace_range(edit.span.range(), &edit.text);
                }
                let found = said(&mended);
                let same = found.lines().any(|line| line.starts_with(entry.code));
                let broken = found.lines().any(|line| line.starts_with("E01"));
                assert!(!same && !broken, "{}: {}\n{mended}\n{found}", entry.slug, fix.title);
            }
        }
    }
}

#[test]
fn codes_and_slugs_are_used_once() {
    for (at, entry) in CATALOGUE.iter().enumerate() {
        for other in &CATALOGUE[at + 1..] {
            assert!(entry.code != other.code && entry.slug != other.slug, "{}", entry.slug);
        }
    }
}
