//! Patterns that are plain text: what they ask of a text can be compared and need not be matched.

use regex_syntax::hir::{Hir, HirKind, Look};

/// What a pattern asks, where that is one text at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Plain {
    /// It is this text.
    Is(String),
    /// It begins so.
    Begins(String),
    /// It ends so.
    Ends(String),
    /// It holds this somewhere.
    Holds(String),
}

/// Reads a pattern. `None` if it asks for more than one text, or is none.
pub(crate) fn plain(pattern: &str) -> Option<Plain> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let parts: &[Hir] = match hir.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(&hir),
    };
    let is = |hir: &Hir, look| *hir.kind() == HirKind::Look(look);
    match parts {
        [start, one, end] if is(start, Look::Start) && is(end, Look::End) => {
            text(one).map(Plain::Is)
        }
        [start, one] if is(start, Look::Start) => text(one).map(Plain::Begins),
        [one, end] if is(end, Look::End) => text(one).map(Plain::Ends),
        [one] => text(one).map(Plain::Holds),
        _ => None,
    }
}

fn text(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => String::from_utf8(literal.0.to_vec()).ok(),
        HirKind::Empty => Some(String::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Plain, plain};

    #[test]
    fn plain_text_is_told_from_patterns() {
        let of = |text: &str| text.to_owned();
        assert_eq!(plain("^/a$"), Some(Plain::Is(of("/a"))));
        assert_eq!(plain(r"\A/a"), Some(Plain::Begins(of("/a"))));
        assert_eq!(plain("a$"), Some(Plain::Ends(of("a"))));
        assert_eq!(plain("[.]php"), Some(Plain::Holds(of(".php"))));
        for pattern in ["^/a|b$", "^/[0-9]", "a+", "(?i)a", "("] {
            assert_eq!(plain(pattern), None, "{pattern}");
        }
    }
}
