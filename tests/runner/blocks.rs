//! What each kind of block means. One kind is one file; this door runs a case's blocks in order.

pub mod console;
pub mod decide;
pub mod hover;
pub mod http;
pub mod ingress;
pub mod policy;

use std::ops::Range;
use std::path::PathBuf;

use libtest_mimic::Failed;

use crate::page::{Block, Case};

/// The kinds of blocks that are tests. Others are prose, and allowed outside the suite only.
pub const KINDS: &[&str] = &[
    "gw",
    "formatted",
    "diagnostics",
    "program",
    "decide",
    "http",
    "upstream",
    "console",
    "lsp",
    "yaml",
    "toml",
    "file",
];

/// A block that is to be rewritten.
#[derive(Clone, Debug)]
pub struct Update {
    /// The page.
    pub page: PathBuf,
    /// Its bytes that go.
    pub range: Range<usize>,
    /// What comes in their place.
    pub text: String,
}

/// Runs a case: its policy is checked, and every expectation held against it.
pub fn run(case: &Case, strict: bool) -> Result<Vec<Update>, Failed> {
    let mut updates = Vec::new();
    if case.of("gw").next().is_some() && case.of("yaml").next().is_none() {
        policy::check(case)?;
        if !strict {
            policy::shown(case)?;
        }
    }
    for block in &case.blocks {
        match expect(case, block, strict) {
            Ok(update) => updates.extend(update),
            // What is rewritten may be what the rest was held against: it is held again by the next run.
            Err(_) if !updates.is_empty() => break,
            Err(failed) => return Err(failed),
        }
    }
    Ok(updates)
}

fn expect(case: &Case, block: &Block, strict: bool) -> Result<Option<Update>, Failed> {
    match block.kind() {
        "gw" | "toml" | "upstream" | "file" => Ok(None),
        "formatted" => policy::formatted(case, block),
        "diagnostics" => policy::diagnostics(case, block),
        "program" => policy::program(case, block),
        "decide" => decide::run(case, block).map(|()| None),
        "http" => http::run(case, block).map(|()| None),
        "console" => console::run(case, block),
        "lsp" => hover::run(case, block),
        "yaml" => ingress::run(case, block),
        other if strict => Err(at(case, block, &format!("`{other}` is no kind of block"))),
        _ => Ok(None),
    }
}

/// Compares what is expected with what there is; an update instead, if pages are being rewritten.
pub fn compare(case: &Case, block: &Block, found: &str) -> Result<Option<Update>, Failed> {
    let found = if found.is_empty() || found.ends_with('\n') {
        found.to_owned()
    } else {
        format!("{found}\n")
    };
    if block.text == found {
        return Ok(None);
    }
    if crate::updating() {
        return Ok(Some(Update {
            page: case.page.clone(),
            range: block.range.clone(),
            text: found,
        }));
    }
    let diff = similar::TextDiff::from_lines(&block.text, &found);
    let mut text = String::from("expected (-) and found (+) differ; UPDATE=1 rewrites the page\n");
    for change in diff.iter_all_changes() {
        text.push_str(&format!("{}{}", change.tag(), change.value()));
        if change.missing_newline() {
            text.push('\n');
        }
    }
    Err(at(case, block, &text))
}

/// A failure with its place on the page.
pub fn at(case: &Case, block: &Block, what: &str) -> Failed {
    format!("{}:{}: {what}", case.page.display(), block.line).into()
}
