//! The suite's runner: pages of `tests/suite`, the book and the examples, each heading a test.
//!
//! `cargo test -p gw-tests --test suite [FILTER]` runs them; `UPDATE=1` rewrites the expected blocks.

pub mod asked;
pub mod blocks;
pub mod built;
pub mod caps;
pub mod faults;
pub mod gateway;
pub mod handover;
pub mod load;
pub mod modules;
pub mod overload;
pub mod page;
pub mod peers;
pub mod reloads;
pub mod scripted;
pub mod unheard;
pub mod word;

/// What a test written in Rust is: it fails with a reason.
pub type Test = fn() -> Result<(), libtest_mimic::Failed>;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use libtest_mimic::{Failed, Trial};

use blocks::Update;
use page::Case;

/// The workspace's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Every page that is run: the suite, the book, the examples and the README.
pub fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    for folder in ["tests/suite", "docs/src", "examples"] {
        collect(&root().join(folder), "md", &mut pages);
    }
    // The catalogue's pages are run from the catalogue.
    pages.retain(|page| !page.starts_with(root().join("docs/src/errors")));
    pages.sort();
    pages
}

fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, extension, files);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
}

/// The tests of all pages, and of the pages of the diagnostics' catalogue.
pub fn trials() -> Vec<Trial> {
    let mut trials = peers::trials();
    trials.extend(asked::trials());
    trials.extend(built::trials());
    trials.extend(faults::trials());
    trials.extend(handover::trials());
    trials.extend(unheard::trials());
    trials.extend(overload::trials());
    trials.extend(caps::trials());
    trials.extend(modules::trials());
    trials.extend(reloads::trials());
    for path in pages() {
        let inside = path.strip_prefix(root()).unwrap_or(&path).to_owned();
        let in_suite = inside.starts_with("tests/suite");
        let title = inside.strip_prefix("tests/suite").unwrap_or(&inside).with_extension("");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for case in page::parse(&path, &title.to_string_lossy(), &text) {
            trials.extend(trial(case, in_suite));
        }
    }
    let mut policies = Vec::new();
    collect(&root().join("examples"), "gw", &mut policies);
    policies.sort();
    for path in policies {
        let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        trials.push(Trial::test(name, move || blocks::policy::example(&path)));
    }
    for entry in lang::diag::CATALOGUE {
        let name = format!("explain/{}", entry.slug);
        let cases = page::parse(Path::new(entry.slug), &name, entry.explain);
        let blocks = cases.into_iter().flat_map(|case| case.blocks).collect();
        let case = Case { page: entry.slug.into(), name: name.clone(), blocks };
        trials.push(Trial::test(name, move || blocks::policy::explained(&case, entry)));
    }
    trials
}

/// The case's test, if there is anything in it to hold.
fn trial(case: Case, in_suite: bool) -> Option<Trial> {
    let known = case.blocks.iter().any(|block| blocks::KINDS.contains(&block.kind()));
    if !known && !in_suite {
        return None;
    }
    Some(Trial::test(case.name.clone(), move || {
        let updates = blocks::run(&case, in_suite)?;
        UPDATES.lock().map_err(|_| Failed::from("another test panicked"))?.extend(updates);
        Ok(())
    }))
}

static UPDATES: Mutex<Vec<Update>> = Mutex::new(Vec::new());

/// Whether expected blocks are rewritten instead of compared.
pub fn updating() -> bool {
    std::env::var_os("UPDATE").is_some_and(|set| set == "1")
}

/// Writes what the tests would have expected into the pages.
pub fn write_updates() -> std::io::Result<usize> {
    let mut updates = UPDATES.lock().map(|updates| updates.clone()).unwrap_or_default();
    // From the end of each page, so that earlier ranges stay true.
    updates.sort_by_key(|update| std::cmp::Reverse((update.page.clone(), update.range.start)));
    for update in &updates {
        let mut text = std::fs::read_to_string(&update.page)?;
        text.replace_range(update.range.clone(), &update.text);
        std::fs::write(&update.page, text)?;
    }
    Ok(updates.len())
}
