//! What stands on one line: the head of an item or a statement, expressions and types.

use super::doc::Doc;
use super::{count_comments, is_trivia, own_block};
use crate::syntax::{Kind, Node};

/// A whole line with its block on the same line, where the author wrote it so and that is possible.
pub(super) fn inline(node: Node<'_>) -> Option<String> {
    // Its own doc comments stand on lines before it.
    let written = node.children().skip_while(|child| is_trivia(child.kind()));
    if written.map(count_comments).sum::<usize>() > 0 {
        return None;
    }
    let mut n_comments = 0;
    let mut line = head(node, &mut n_comments).flat()?;
    if let Some(block) = own_block(node) {
        line.push(' ');
        line.push_str(&inline_block(block)?);
    }
    Some(line)
}

fn inline_block(block: Node<'_>) -> Option<String> {
    if block.text().contains('\n') || block.is_broken() {
        return None;
    }
    let mut out = String::from("{");
    let mut last = None;
    for node in block.children() {
        if is_trivia(node.kind()) || node.kind() == Kind::Mark {
            continue;
        }
        out.push_str(match last {
            None => " ",
            Some(Kind::Arm | Kind::Field) => ", ",
            Some(_) => "; ",
        });
        out.push_str(&inline(node)?);
        last = Some(node.kind());
    }
    out.push_str(if last.is_some() { " }" } else { "}" });
    Some(out)
}

/// What stands before the block of an item, a statement, a field or an arm.
pub(super) fn head(node: Node<'_>, n_comments: &mut usize) -> Doc {
    let mut parts = Vec::new();
    let mut glue = true;
    let mut n_args = 0;
    for child in node.children() {
        let kind = child.kind();
        if is_trivia(kind) || kind == Kind::Block || kind == Kind::MissingMark {
            continue;
        }
        let is_mark = kind == Kind::Mark;
        let before = kind == Kind::Params
            || kind == Kind::Returns && child.text().starts_with(':')
            || is_mark && matches!(child.text(), "," | ":" | ".");
        if !glue && !before {
            parts.push(Doc::text(" "));
        }
        glue = is_mark && matches!(child.text(), "." | "@");
        parts.push(match kind {
            Kind::Arg => {
                n_args += 1;
                arg(child, n_args == 1 && node.kind() == Kind::Stmt, false, n_comments)
            }
            _ => doc(child, false, n_comments),
        });
    }
    Doc::Concat(parts)
}

/// Any node; `free` where newlines are.
fn doc(node: Node<'_>, free: bool, n_comments: &mut usize) -> Doc {
    match node.kind() {
        Kind::Params | Kind::List => bracket(node, "[", n_comments),
        Kind::Names | Kind::Record => bracket(node, "{", n_comments),
        Kind::TypeRecord | Kind::Type | Kind::TypeAtom | Kind::TypeArgs => {
            Doc::text(type_text(node))
        }
        Kind::Call => call(node, n_comments),
        Kind::Index => index(node, n_comments),
        Kind::Member => concat(node, free, n_comments),
        Kind::Unary => unary(node, free, n_comments),
        Kind::Binary => {
            let mut parts = Vec::new();
            binary(node, free, &mut parts, n_comments);
            if free { Doc::Group(vec![Doc::Nest(parts)]) } else { Doc::Concat(parts) }
        }
        Kind::Match => match_doc(node, n_comments),
        Kind::Paren => Doc::Group(vec![
            Doc::text("("),
            Doc::Nest(vec![Doc::Soft, inner(node, n_comments)]),
            Doc::Soft,
            Doc::text(")"),
        ]),
        Kind::Arg => arg(node, false, free, n_comments),
        Kind::Entry => entry(node, n_comments),
        Kind::Is => spaced(node, free, n_comments),
        Kind::Field
        | Kind::Clause
        | Kind::Provider
        | Kind::Returns
        | Kind::ValueClause
        | Kind::Alias => head(node, n_comments),
        Kind::Annotation => annotation(node, n_comments),
        _ => Doc::text(node.text()),
    }
}

/// The children that are no trivia.
fn solid<'t>(node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    node.children().filter(|child| !is_trivia(child.kind()))
}

fn concat(node: Node<'_>, free: bool, n_comments: &mut usize) -> Doc {
    Doc::Concat(solid(node).map(|child| doc(child, free, n_comments)).collect())
}

fn spaced(node: Node<'_>, free: bool, n_comments: &mut usize) -> Doc {
    let mut parts = Vec::new();
    for child in solid(node) {
        if !parts.is_empty() {
            parts.push(Doc::text(" "));
        }
        parts.push(doc(child, free, n_comments));
    }
    Doc::Concat(parts)
}

fn unary(node: Node<'_>, free: bool, n_comments: &mut usize) -> Doc {
    let word = node.child(Kind::Op).is_some_and(|op| op.text() == "not");
    if word { spaced(node, free, n_comments) } else { concat(node, free, n_comments) }
}

/// A row of operators breaks before each or before none.
fn binary(node: Node<'_>, free: bool, parts: &mut Vec<Doc>, n_comments: &mut usize) {
    let mut is_left = true;
    for child in solid(node) {
        match child.kind() {
            Kind::Op if child.text() == ".." => parts.push(Doc::text("..")),
            Kind::Op => {
                let text = child.text().split_whitespace().collect::<Vec<_>>().join(" ");
                parts.push(if free { Doc::Line } else { Doc::text(" ") });
                parts.push(Doc::text(text + " "));
            }
            Kind::Binary if is_left && same_row(node, child) => {
                binary(child, free, parts, n_comments)
            }
            _ => parts.push(doc(child, free, n_comments)),
        }
        is_left = false;
    }
}

fn same_row(outer: Node<'_>, left: Node<'_>) -> bool {
    let op = |node: Node<'_>| node.child(Kind::Op).map(|op| op.text().to_owned());
    op(outer) == op(left)
}

fn arg(node: Node<'_>, is_target: bool, free: bool, n_comments: &mut usize) -> Doc {
    let mut parts: Vec<Doc> = Vec::new();
    let plain = solid(node).next().is_some_and(|first| {
        first.kind() == Kind::Word || first.kind() == Kind::Name && !is_target
    });
    for child in solid(node) {
        if child.kind() == Kind::Mark && child.text() == "=" {
            parts.push(Doc::text(if plain { "=" } else { " = " }));
        } else {
            parts.push(doc(child, free, n_comments));
        }
    }
    Doc::Concat(parts)
}

fn entry(node: Node<'_>, n_comments: &mut usize) -> Doc {
    let mut parts = Vec::new();
    for child in solid(node) {
        match child.kind() {
            Kind::Mark => parts.push(Doc::text(": ")),
            _ => parts.push(doc(child, true, n_comments)),
        }
    }
    Doc::Concat(parts)
}

fn index(node: Node<'_>, n_comments: &mut usize) -> Doc {
    Doc::Concat(solid(node).map(|child| doc(child, false, n_comments)).collect())
}

fn inner(node: Node<'_>, n_comments: &mut usize) -> Doc {
    let inside = solid(node).filter(|child| child.kind() != Kind::Mark);
    Doc::Concat(inside.map(|child| doc(child, true, n_comments)).collect())
}

fn call(node: Node<'_>, n_comments: &mut usize) -> Doc {
    let callee = solid(node).next().filter(|first| first.kind() != Kind::Mark);
    let mut parts: Vec<Doc> =
        callee.map(|callee| doc(callee, false, n_comments)).into_iter().collect();
    parts.push(bracket(node, "(", n_comments));
    Doc::Concat(parts)
}

fn annotation(node: Node<'_>, n_comments: &mut usize) -> Doc {
    concat(node, false, n_comments)
}

/// Elements in brackets: on one line, or each on its own with a comma behind it. A comment keeps its place before or
/// behind its element.
fn bracket(node: Node<'_>, open: &str, n_comments: &mut usize) -> Doc {
    let (open, close, edge) = match (node.kind(), open) {
        (Kind::Params, _) | (_, "(") => ("(", ")", Doc::Soft),
        (_, "[") => ("[", "]", Doc::Soft),
        _ => ("{", "}", Doc::Line),
    };
    let mut lines: Vec<Doc> = Vec::new();
    let mut inside = false;
    let mut newline = false;
    let mut has_comments = false;
    let mut elements = 0;
    for child in node.children() {
        let kind = child.kind();
        if !inside {
            inside = kind == Kind::Mark && child.text() == open;
            continue;
        }
        match kind {
            Kind::Newline | Kind::Blank => newline = true,
            Kind::Space | Kind::Mark | Kind::MissingMark => {}
            Kind::Comment | Kind::Doc => {
                *n_comments += 1;
                has_comments = true;
                let text = Doc::text(child.text().trim_end());
                match lines.last_mut() {
                    Some(last) if !newline => {
                        let before = std::mem::replace(last, Doc::Hard);
                        *last = Doc::Concat(vec![before, Doc::text(" "), text]);
                    }
                    _ => lines.push(text),
                }
            }
            _ => {
                elements += 1;
                let element = doc(child, true, n_comments);
                lines.push(Doc::Concat(vec![Doc::Group(vec![element]), Doc::Text(String::new())]));
                newline = false;
            }
        }
    }
    if lines.is_empty() {
        return Doc::text(format!("{open}{close}"));
    }
    let mut seen = 0;
    let mut parts = vec![edge.clone()];
    for (at, line) in lines.into_iter().enumerate() {
        if at > 0 {
            parts.push(Doc::Line);
        }
        parts.push(with_comma(line, &mut seen, elements));
    }
    if has_comments {
        parts.push(Doc::Concat(vec![]));
    }
    let end = if has_comments { Doc::Hard } else { edge };
    Doc::Group(vec![Doc::text(open), Doc::Nest(parts), end, Doc::text(close)])
}

/// Puts the comma right behind the element, before a comment on its line.
fn with_comma(line: Doc, seen: &mut usize, elements: usize) -> Doc {
    match line {
        Doc::Concat(mut parts) => {
            let is_element = matches!(parts.get(1), Some(Doc::Text(text)) if text.is_empty());
            if is_element {
                *seen += 1;
                let comma = if *seen == elements { Doc::Broken(",") } else { Doc::text(",") };
                if let Some(slot) = parts.get_mut(1) {
                    *slot = comma;
                }
            } else if let Some(first) = parts.first_mut() {
                let element = std::mem::replace(first, Doc::Hard);
                *first = with_comma(element, seen, elements);
            }
            Doc::Concat(parts)
        }
        other => other,
    }
}

/// A match keeps its arms on one line where the author wrote them so and they fit.
fn match_doc(node: Node<'_>, n_comments: &mut usize) -> Doc {
    let mut parts = Vec::new();
    for child in solid(node) {
        if !parts.is_empty() {
            parts.push(Doc::text(" "));
        }
        match child.kind() {
            Kind::Block => parts.push(arms(child, n_comments)),
            _ => parts.push(doc(child, false, n_comments)),
        }
    }
    Doc::Concat(parts)
}

fn arms(block: Node<'_>, n_comments: &mut usize) -> Doc {
    let on_lines = block.text().contains('\n');
    let mut parts: Vec<Doc> = Vec::new();
    let mut newline = false;
    let mut blank = false;
    for child in block.children() {
        match child.kind() {
            Kind::Newline => newline = true,
            Kind::Blank => (newline, blank) = (true, true),
            Kind::Space | Kind::Mark => {}
            Kind::Comment | Kind::Doc => {
                *n_comments += 1;
                if newline || parts.is_empty() {
                    parts.push(Doc::Hard);
                } else {
                    parts.push(Doc::text(" "));
                }
                parts.push(Doc::text(child.text().trim_end()));
                newline = true;
            }
            _ => {
                if !parts.is_empty() && !on_lines {
                    parts.push(Doc::Flat(","));
                }
                if blank && !parts.is_empty() {
                    parts.push(Doc::Hard);
                }
                parts.push(if on_lines { Doc::Hard } else { Doc::Line });
                parts.push(arm(child, n_comments));
                (newline, blank) = (false, false);
            }
        }
    }
    if parts.is_empty() {
        return Doc::text("{}");
    }
    let end = if on_lines { Doc::Hard } else { Doc::Line };
    Doc::Group(vec![Doc::text("{"), Doc::Nest(parts), end, Doc::text("}")])
}

fn arm(node: Node<'_>, n_comments: &mut usize) -> Doc {
    match own_block(node) {
        // Statements inside an expression stay as they are written.
        Some(_) => {
            *n_comments += count_comments(node);
            Doc::Raw(node.text().to_owned())
        }
        None => head(node, n_comments),
    }
}

fn type_text(node: Node<'_>) -> String {
    let mut out = String::new();
    for child in solid(node) {
        match child.kind() {
            Kind::Mark if child.text() == "|" => out.push_str(" | "),
            Kind::Mark if child.text() == "," => out.push_str(", "),
            Kind::Mark if child.text() == "{" => out.push_str("{ "),
            Kind::Mark if child.text() == "}" => out.push_str(" }"),
            Kind::Type | Kind::TypeAtom | Kind::TypeArgs | Kind::TypeRecord => {
                out.push_str(&type_text(child));
            }
            Kind::Field => {
                let mut n_comments = 0;
                out.push_str(&head(child, &mut n_comments).flat().unwrap_or_default());
            }
            _ => out.push_str(child.text()),
        }
    }
    // A trailing comma says nothing on one line.
    out.replace("{  }", "{}").replace(",  }", " }")
}
