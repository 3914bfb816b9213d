//! The words that mean an outcome, which texts speak of one, and what other gateways call it.

use crate::check::context::{Context, Entry, Scope};
use crate::check::fields;
use crate::diag::Diag;
use crate::diag::unknown_name::unknown_name;
use crate::foreign;
use crate::syntax::Keyword;
use crate::syntax::ast;

/// The words that mean an outcome.
pub(super) const OUTCOMES: &[&str] = &[
    "denied",
    "responded",
    "forwarded",
    "applied",
    "limited",
    "cached",
    "authenticated",
    "status",
    "route",
];

/// How deep claims may nest.
pub(super) const DEEPEST: u32 = 64;

/// Whether it speaks of an outcome, and not of the request alone.
pub(super) fn speaks(written: ast::Expr<'_>, depth: u32) -> bool {
    if depth > DEEPEST {
        return false;
    }
    let inner = |of: Option<ast::Expr<'_>>| of.is_some_and(|of| speaks(of, depth + 1));
    let word = |text: &str| OUTCOMES.contains(&text);
    match written {
        ast::Expr::Name(name) => word(name.text()),
        ast::Expr::Call(call) => match call.callee() {
            Some(ast::Expr::Name(name)) => word(name.text()),
            _ => false,
        },
        ast::Expr::Paren(paren) => inner(paren.inner()),
        ast::Expr::Unary(unary) => inner(unary.operand()),
        ast::Expr::Binary(binary) => inner(binary.left()) || inner(binary.right()),
        ast::Expr::Is(is) => inner(is.operand()),
        ast::Expr::Index(index) => index.base().is_some_and(is_sent),
        ast::Expr::Member(_) => is_sent(written),
        _ => false,
    }
}

/// Whether it is of a message that the gateway sends.
fn is_sent(written: ast::Expr<'_>) -> bool {
    let words = fields::words(written).unwrap_or_default();
    words.first().is_some_and(|first| matches!(first.text, "up" | "resp"))
}

/// Says what a word of a claim is called here.
pub(super) fn misnamed(
    cx: &Context<'_>,
    scope: &Scope<'_>,
    written: ast::Expr<'_>,
) -> Option<Diag> {
    let word = match written {
        ast::Expr::Name(name) => name.word(),
        ast::Expr::Call(call) => match call.callee()? {
            ast::Expr::Name(name) => name.word(),
            _ => return None,
        },
        _ => return None,
    };
    let meant = foreign::outcome(word.text)?;
    let is_call = matches!(written, ast::Expr::Call(_));
    // A value or function of the policy may be called so.
    let entry = cx.names.get(scope.unit).and_then(|names| names.get(word.text));
    if let Some(Entry::Item(id)) = entry
        && matches!(
            cx.item(*id).keyword,
            Keyword::Let | Keyword::Fn | Keyword::Param | Keyword::Auth
        )
    {
        return None;
    }
    let diag = unknown_name(word.span, "outcome", word.text, None).help(meant.help);
    Some(match meant.ours.filter(|_| !is_call) {
        Some(ours) => diag.suggest(format!("write `{ours}`"), word.span, ours),
        None => diag,
    })
}
