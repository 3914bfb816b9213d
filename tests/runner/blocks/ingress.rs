//! `yaml ingress`: Kubernetes objects. The `gw` block behind them is their translation, which must check clean; a
//! `notes` word shows what is noted.

use kubernetes::{Document, Settings};
use libtest_mimic::Failed;

use super::{Update, at, compare, policy};
use crate::page::{Block, Case};

/// Translates, checks the result, and compares it.
pub fn run(case: &Case, block: &Block) -> Result<Option<Update>, Failed> {
    if !block.has("ingress") {
        return Err(at(case, block, "only `yaml ingress` is known"));
    }
    let document = Document { name: "objects.yaml", text: &block.text };
    let translation = kubernetes::translate(&[document], &Settings::default());
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join(policy::ROOT), &translation.text)?;
    let check = policy::checked(folder.path())?;
    if let Some(diag) = check.diags.iter().find(|diag| diag.severity != lang::Severity::Note) {
        let rendered = gwc::report::human::render(diag, &check.sources, false);
        return Err(at(
            case,
            block,
            &format!("the translation is not clean:\n{rendered}\n{}", translation.text),
        ));
    }
    let expected =
        case.of("gw").next().ok_or_else(|| at(case, block, "there is no `gw` block to compare"))?;
    let mut found = translation.text;
    for note in &translation.notes {
        found.push_str(&format!("// {note}\n"));
    }
    compare(case, expected, &found)
}
