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
        // What was left as it was keeps its distance to a comment, too.
        let (mut is_raw, mut space) = (false, "");
        for node in nodes {
            match node.kind() {
                Kind::Newline if between == Between::Nothing => between = Between::Newline,
                Kind::Blank => between = Between::Blank,
                Kind::Space => space = node.text(),
                Kind::Newline | Kind::Mark => {}
                Kind::Comment | Kind::Doc if between == Between::Nothing && !is_first => {
                    self.out.push_str(if is_raw { space } else { " " });
                    self.comment(node);
                }
                _ => {
                    let blank = between == Between::Blank && !is_empty;
                    self.next_line(indent, is_first, blank);
                    is_raw = !self.line(node, indent);
                    space = "";
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

    /// Prints one line, with its block. False where it was left as it was.
    fn line(&mut self, node: Node<'_>, indent: usize) -> bool {
        if matches!(node.kind(), Kind::Comment | Kind::Doc) {
            self.comment(node);
            return true;
        }
        let (length, n_before) = (self.out.len(), self.n_comments);
        if !must_stay(node) {
            self.canonical(node, indent);
            let n_written = self.n_comments - n_before;
            if n_written == count_comments(node) {
                return true;
            }
        }
        // A comment stands where no line can end, or something did not parse: the author's text stays.
        self.out.truncate(length);
        self.n_comments = n_before + count_comments(node);
        self.out.push_str(node.text());
        false
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
    // A block that belongs to nothing would become the block of the line it is put behind.
    let is_loose = |child: Node<'_>| child.kind() == Kind::Error && child.text().starts_with('{');
    // Broken parts that share a line with others are not torn apart.
    let is_fragile = |block: Node<'_>| {
        block.is_broken() && (!block.text().contains('\n') || block.children().any(is_loose))
    };
    match node.kind() {
        _ if own_block(node).is_some_and(is_fragile) => true,
        Kind::Item(_) | Kind::Stmt | Kind::Arm if own_block(node).is_some() => {
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
