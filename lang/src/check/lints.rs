//! What is probably not meant, though it is no mistake. Lints are silent where there is an error: what looks unused may
//! only be misspelt elsewhere.

use super::context::{Context, State};
use crate::diag::unused::unused;
use crate::syntax::Keyword;

/// Adds the lints over whole files.
pub(super) fn lint(cx: &mut Context<'_>) {
    let broken = cx.units.iter().any(|unit| unit.tree.nodes().any(|node| node.is_broken()));
    if broken || cx.diags.iter().any(|diag| diag.is_error()) {
        return;
    }
    let unread = std::mem::take(&mut cx.unread);
    cx.diags.extend(unread);
    let found: Vec<_> = cx
        .items
        .iter()
        .filter(|item| {
            let is_kept = item.used || item.view.head().is_pub() || item.name.starts_with('_');
            let counts = matches!(
                item.keyword,
                Keyword::Let
                    | Keyword::Fn
                    | Keyword::Upstream
                    | Keyword::Policy
                    | Keyword::Limit
                    | Keyword::Param
                    | Keyword::Secret
            );
            counts && !cx.is_lent(item.unit) && !is_kept && !matches!(item.state, State::Broken)
        })
        .map(|item| unused(item.span, item.keyword.as_str(), item.name))
        .collect();
    cx.diags.extend(found);
}
