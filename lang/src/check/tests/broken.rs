//! Policies broken in every place: nothing panics, everything has a place in the text, and one slip makes few words.

use super::policies::WHOLE;
use super::*;

/// The policy in pieces: words, literals, single marks and blanks.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (piece, left) = rest.split_at(end);
        pieces.push(piece);
        rest = left;
    }
    pieces
}

fn held(text: &str) -> Checked {
    let (checked, source) = checked(text);
    for diag in &checked.diags {
        let labels = diag.labels.iter().map(|label| label.span);
        let edits = diag.fixes.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
        for span in labels.chain(edits) {
            assert!(source.text.get(span.range()).is_some(), "{diag:?}\n{text}");
        }
        assert!(!diag.message.contains('\n'), "{diag:?}");
    }
    checked
}

#[test]
fn a_lost_piece_is_one_mistake() {
    let pieces = pieces(WHOLE);
    let mut counts = [0_usize; 64];
    let mut worst: Vec<(usize, String)> = Vec::new();
    for lost in (0..pieces.len()).step_by(7) {
        if pieces[lost].trim().is_empty() {
            continue;
        }
        let text: String =
            pieces.iter().enumerate().filter(|(at, _)| *at != lost).map(|(_, p)| *p).collect();
        let found = held(&text).diags;
        counts[found.len().min(63)] += 1;
        if found.len() > 2 {
            let before: String = pieces[lost.saturating_sub(12)..lost].concat();
            let codes: Vec<String> =
                found.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
            worst.push((found.len(), format!("{before}<{}> {}", pieces[lost], codes.join("; "))));
        }
    }
    worst.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let shown: Vec<String> = worst.iter().map(|(_, text)| text.clone()).collect();
    let few: usize = counts.iter().take(3).sum();
    let all: usize = counts.iter().sum();
    assert!(few * 100 >= all * 97, "{counts:?}\n{}", shown.join("\n"));
    assert!(worst.first().is_none_or(|(count, _)| *count <= 4), "{}", shown.join("\n"));
}
