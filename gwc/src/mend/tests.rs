//! What holds of every mend, whatever the mistake: tried on the policies of the catalogue and on examples that lack a word.

use std::path::Path;

use lang::diag::CATALOGUE;
use lang::{Source, SourceId};

use super::*;

/// Files of a policy by name, the first one first.
type Files = Vec<(String, String)>;

/// Of the words of the examples every so many-th is left out, each in a policy of its own.
const STRIDE: usize = 5;

#[test]
fn policies_of_the_catalogue_are_mended_without_harm() {
    for entry in CATALOGUE {
        for (at, files) in failing(entry.explain).iter().enumerate() {
            harmless(files, &format!("{} {at}", entry.slug));
        }
    }
}

#[test]
fn an_example_that_lacks_a_word_is_mended_without_harm() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut at = 0;
    for name in ["canary", "hosts", "internal", "quickstart", "spa"] {
        let mut files: Files = Vec::new();
        for entry in std::fs::read_dir(examples.join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "gw") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
        files.sort_by_key(|(name, _)| name != "gateway.gw");
        for file in 0..files.len() {
            for word in words(&files[file].1) {
                at += 1;
                if at % STRIDE == 0 {
                    let mut lacking = files.clone();
                    lacking[file].1.replace_range(word.clone(), "");
                    harmless(&lacking, &format!("{name} without {:?}", &files[file].1[word]));
                }
            }
        }
    }
}

/// A mend leaves fewer mistakes, touches nothing that nothing is said of, and is done after one run.
fn harmless(files: &Files, what: &str) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let first = [folder.path().join(&files[0].0)];
    let checks = load::check_all(&first).unwrap();
    let before = Faults::of(&checks);
    let mended = mend(&first).unwrap();
    let after = Faults::of(&mended.checks);
    let (most, left) = (before.up_to(before.sight()), after.up_to(before.sight()));
    assert!(left <= most, "{what}: {left} mistakes after {most}");
    if !mended.done.is_empty() {
        assert!((left, after.remarks) < (most, before.remarks) || left < most, "{what}: in vain");
    }
    for (path, text) in &mended.texts {
        std::fs::write(path, text).unwrap();
    }
    assert!(mend(&first).unwrap().done.is_empty(), "{what}: a second run mends more");
    // Once all errors are gone, what is only remarked is mended too.
    if after.up_to(3) == 0 {
        return;
    }
    for check in &checks {
        for (file, source) in check.files.iter().zip(check.sources.iter()) {
            let Some(text) = mended.texts.get(&load::canonical(file)) else { continue };
            for item in untold(check, source) {
                assert!(text.contains(item), "{what}: this was touched:\n{item}");
            }
        }
    }
}

/// The items of a file of which nothing is said.
fn untold<'s>(check: &Check, source: &'s Source) -> Vec<&'s str> {
    let (tree, _) = lang::parse(source);
    let starts: Vec<usize> = tree.pieces().iter().map(|piece| piece.start() as usize).collect();
    let ends = starts.iter().copied().skip(1).chain([source.text.len()]);
    let labels = check.diags.iter().flat_map(|diag| &diag.labels);
    let own = labels.filter(|label| label.span.source == source.id);
    let places: Vec<usize> = own.map(|label| label.span.start as usize).collect();
    let is_told = |item: &std::ops::Range<usize>| {
        places.iter().any(|place| (item.start..=item.end).contains(place))
    };
    let items = starts.iter().copied().zip(ends).map(|(start, end)| start..end);
    items.filter(|item| !is_told(item)).map(|item| source.text[item].trim()).collect()
}

/// The policies of a page that are to fail.
fn failing(page: &str) -> Vec<Files> {
    let mut found: Vec<Files> = Vec::new();
    let mut is_of_it = false;
    let mut parts = page.split("```");
    parts.next();
    for block in parts.step_by(2) {
        let (head, text) = block.split_once('\n').unwrap_or((block, ""));
        let words: Vec<&str> = head.split(' ').collect();
        match words.as_slice() {
            ["gw", "fails"] => {
                is_of_it = true;
                found.push(vec![("gateway.gw".to_owned(), text.to_owned())]);
            }
            ["gw", name] if name.ends_with(".gw") && is_of_it => {
                found.last_mut().unwrap().push(((*name).to_owned(), text.to_owned()));
            }
            _ => is_of_it = false,
        }
    }
    found
}

/// The words and marks of a text, strings whole, without comments.
fn words(text: &str) -> Vec<std::ops::Range<usize>> {
    let source = Source::new(SourceId(0), "example.gw", text);
    let (tree, _) = lang::parse(&source);
    let leaves = tree.leaves().map(|leaf| leaf.span().range());
    leaves
        .filter(|leaf| {
            let word = text[leaf.clone()].trim();
            !word.is_empty() && !word.starts_with("//")
        })
        .collect()
}
