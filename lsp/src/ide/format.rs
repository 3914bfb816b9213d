//! The canonical form of a document, as the one edit that leads there.

use super::TextEdit;
use crate::analysis::Analysis;

/// The edits that format the document: none if it is in its form already, or if it does not parse.
pub fn format(analysis: &Analysis, uri: &str) -> Option<Vec<TextEdit>> {
    let document = analysis.document(uri)?;
    let source = document.source(lang::SourceId(0));
    let (tree, diags) = analysis.parse(&source);
    if diags.iter().any(lang::Diag::is_error) {
        return None;
    }
    Some(difference(&document.text, &lang::format(&source, &tree)).into_iter().collect())
}

/// The smallest single replacement that makes `new` of `old`, so that cursors outside of it stay where they are.
fn difference(old: &str, new: &str) -> Option<TextEdit> {
    if old == new {
        return None;
    }
    let same = |a: &(char, char)| a.0 == a.1;
    let front: usize =
        old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old_rest, new_rest) = (old.get(front..)?, new.get(front..)?);
    let back: usize = old_rest
        .chars()
        .rev()
        .zip(new_rest.chars().rev())
        .take_while(same)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let text = new_rest.get(..new_rest.len() - back)?.to_owned();
    Some(TextEdit { range: front..old.len() - back, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edit_is_small_and_right() {
        for (old, new) in [
            ("a  b\n", "a b\n"),
            ("aa", "aaa"),
            ("", "x"),
            ("x", ""),
            ("\u{e9}a", "\u{e8}a"),
            ("abc", "abc"),
            ("a\u{1f600}", "a\u{1f601}b"),
        ] {
            let mut text = old.to_owned();
            if let Some(edit) = difference(old, new) {
                text.replace_range(edit.range, &edit.text);
            }
            assert_eq!(text, new);
        }
        assert_eq!(
            difference("a  b\n", "a b\n"),
            Some(TextEdit { range: 2..3, text: String::new() })
        );
    }
}
