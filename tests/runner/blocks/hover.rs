//! `lsp hover` and `lsp completion`: what the editor shows at `$0`, which stands in the case's policy.

use lang::Vocabulary;
use libtest_mimic::Failed;
use lsp::analysis::AnalysisHost;
use lsp::ide;

use super::{Update, at, compare};
use crate::page::{Block, Case};

const URI: &str = "file:///gateway.gw";

/// Asks at the cursor, and compares what is shown.
pub fn run(case: &Case, block: &Block) -> Result<Option<Update>, Failed> {
    let policy = case.of("file").chain(case.of("gw")).find(|policy| policy.text.contains("$0"));
    let policy = policy.ok_or_else(|| at(case, block, "there is no `$0` in the policy"))?;
    let cursor = policy.text.find("$0").unwrap_or_default();
    let text = policy.text.replacen("$0", "", 1);
    let vocabulary: Vocabulary = runtime::vocabulary();
    let mut host = AnalysisHost::new(vocabulary, |_| Err(std::io::ErrorKind::NotFound.into()));
    host.open(URI, 1, text);
    let analysis = host.analysis();
    let found = match block.name() {
        Some("hover") => ide::hover::hover(&analysis, URI, cursor)
            .map(|hover| hover.markdown)
            .unwrap_or_default(),
        Some("completion") => {
            let items = ide::complete::complete(&analysis, URI, cursor);
            items.iter().flatten().map(|item| format!("{}\n", item.text)).collect()
        }
        _ => return Err(at(case, block, "`lsp hover` or `lsp completion`")),
    };
    // A Markdown page cannot hold another's fences.
    compare(case, block, &found.replace("```", "~~~"))
}
