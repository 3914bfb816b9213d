//! Tree to text, in the one canonical format: two blanks a step, one blank between parts, lines of at most 100
//! columns where a bracket allows a break, blank lines kept one at a time. Comments stay where they are, and what did
//! not parse is left as it was, byte for byte.

mod doc;
mod expr;

use crate::source::Source;
use crate::syntax::{Kind, Node, Tree};
use doc::{INDENT, WIDTH, write};

/// The canonical text of a file. Formatting it again changes nothing.
pub fn format(source: &Source, tree: &Tree) -> String {
    debug_assert_eq!(source.id, tree.source());
    let mut printer = Printer::default();
    printer.lines(tree.nodes(), 0);
    if !printer.out.is_empty() && !printer.out.ends_with('\n') {
        printer.out.push('\n');
    }
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    /// How many comments were written; none may be lost.
    n_comments: usize,
}

/// What the place between two lines holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Nothing: still on the same line.
    Nothing,
    /// A line's end.
    Newline,
    /// A blank line.
    Blank,
}

impl Printer {
    /// Prints the lines of a file or of a block: items, statements, arms, fields and comments.
    fn lines<'t>(&mut self, nodes: impl Iterator<Item = Node<'t>>, indent: usize) {
        let mut between = Between::Nothing;
        let mut is_first = self.out.is_empty();
        let mut is_empty = true;
        for node in nodes {
            match node.kind() {
                Kind::Newline if between == Between::Nothing => between = Between::Newline,
                Kind::Blank => between = Between::Blank,
                Kind::Newline | Kind::Space | Kind::Mark => {}
                Kind::Comment | Kind::Doc if between == Between::Nothing && !is_first => {
                    self.out.push(' ');
                    self.comment(node);
                }
                _ => {
                    let blank = between == Between::Blank && !is_empty;
                    self.next_line(indent, is_first, blank);
                    self.line(node, indent);
                    is_empty = false;
                    between = Between::Nothing;
                }
            }
            is_first &= self.out.is_empty();
        }
    }

    fn next_line(&mut self, indent: usize, is_first: bool, blank: bool) {
        if !is_first {
            self.out.push('\n');
            if blank {
                self.out.push('\n');
            }
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn comment(&mut self, node: Node<'_>) {
        self.n_comments += 1;
        self.out.push_str(node.text().trim_end());
    }

    /// Prints one line, with its block.
    fn line(&mut self, node: Node<'_>, indent: usize) {
        if matches!(node.kind(), Kind::Comment | Kind::Doc) {
            self.comment(node);
            return;
        }
        let (length, n_before) = (self.out.len(), self.n_comments);
        if !must_stay(node) {
            self.canonical(node, indent);
            let n_written = self.n_comments - n_before;
            if n_written == count_comments(node) {
                return;
            }
        }
        // A comment stands where no line can end, or something did not parse: the author's text stays.
        self.out.truncate(length);
        self.n_comments = n_before + count_comments(node);
        self.out.push_str(node.text());
    }

    fn canonical(&mut self, node: Node<'_>, indent: usize) {
        for doc in node.children().take_while(|child| is_trivia(child.kind())) {
            if doc.kind() == Kind::Doc {
                self.comment(doc);
                self.next_line(indent, false, false);
            }
        }
        let block = own_block(node);
        if let Some(line) = expr::inline(node)
            && indent + line.chars().count() <= WIDTH
        {
            self.out.push_str(&line);
            return;
        }
        let mut n_comments = 0;
        let head = expr::head(node, &mut n_comments);
        write(&head, indent, if block.is_some() { 2 } else { 0 }, &mut self.out);
        self.n_comments += n_comments;
        if let Some(block) = block {
            self.block(block, indent);
        }
    }

    /// Prints a block over several lines.
    fn block(&mut self, block: Node<'_>, indent: usize) {
        if block.children().all(|node| {
            matches!(node.kind(), Kind::Space | Kind::Newline | Kind::Blank | Kind::Mark)
        }) {
            self.out.push_str(" {}");
            return;
        }
        self.out.push_str(" {");
        self.lines(block.children(), indent + INDENT);
        self.next_line(indent, false, false);
        self.out.push('}');
    }
}

/// Whether a line is left as it is.
fn must_stay(node: Node<'_>) -> bool {
    let has_block = own_block(node).is_some();
    match node.kind() {
        Kind::Item(_) | Kind::Stmt | Kind::Arm if has_block => {
            node.is_mended()
                || node.children().any(|child| child.kind() != Kind::Block && child.is_broken())
        }
        _ => node.is_mended() || node.is_broken(),
    }
}

/// The block that a line ends with.
fn own_block(node: Node<'_>) -> Option<Node<'_>> {
    node.child(Kind::Block)
}

fn is_trivia(kind: Kind) -> bool {
    matches!(kind, Kind::Space | Kind::Newline | Kind::Blank | Kind::Comment | Kind::Doc)
}

fn count_comments(node: Node<'_>) -> usize {
    node.descendants().filter(|node| matches!(node.kind(), Kind::Comment | Kind::Doc)).count()
}
