//! What could be written at a place: keywords between items, verbs at the start of a line, argument names, fields, functions
//! and the policy's own names elsewhere. Every word is a row's or the policy's.

use std::ops::Range;

use lang::syntax::ast::{Assignment, Expr, Item, Line, items};
use lang::syntax::{Keyword, Kind, Node, Tree};
use lang::vocab::Param;
use lang::vocab::clauses::{CLAUSES, MODULE, OWNS};
use lang::vocab::trial;
use lang::{Ty, Vocabulary};

use super::context::{self, Row};
use super::hover;
use crate::analysis::{Analysis, Document};

/// One proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// The word, as it would stand in the text.
    pub text: String,
    /// What it is, in a word.
    pub kind: ProposalKind,
    /// Markdown; empty for the policy's own names.
    pub doc: String,
    /// What it takes the place of.
    pub range: Range<usize>,
}

/// What a proposal is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProposalKind {
    /// The word an item begins with.
    Keyword,
    /// The word a line begins with.
    Verb,
    /// The name of an argument.
    Argument,
    /// A field.
    Field,
    /// A function.
    Function,
    /// An algorithm.
    Algorithm,
    /// An item of the policy.
    Item,
}

/// The words of items, which are grammar and have no rows.
const KEYWORDS: &[Keyword] = &[
    Keyword::Edition,
    Keyword::Use,
    Keyword::Param,
    Keyword::Secret,
    Keyword::Let,
    Keyword::Fn,
    Keyword::Listener,
    Keyword::Upstream,
    Keyword::Auth,
    Keyword::Limit,
    Keyword::Store,
    Keyword::Module,
    Keyword::Policy,
    Keyword::Site,
    Keyword::Route,
    Keyword::Assert,
    Keyword::Test,
];

/// What could stand at byte `offset` of the document.
pub fn complete(analysis: &Analysis, uri: &str, offset: usize) -> Option<Vec<Proposal>> {
    let document = analysis.document(uri)?;
    let place = place(document, offset)?;
    let tree = analysis.tree(document);
    let path = context::path_to(&tree, offset);
    if path.iter().any(|node| matches!(node.kind(), Kind::Comment | Kind::Doc | Kind::StrText)) {
        return None;
    }
    let mut out = Out { range: place.range.clone(), proposals: Vec::new() };
    let item = enclosing(&tree, offset);
    match item {
        None if place.first => out.keywords(KEYWORDS),
        None => {}
        Some((keyword, _)) if place.first => verbs(analysis, keyword, &mut out),
        Some((_, item)) => values(analysis, &tree, (item, &path), &place, &mut out),
    }
    Some(out.proposals)
}

/// The word under the cursor.
struct Place<'t> {
    /// From the word's first byte to the cursor.
    range: Range<usize>,
    /// Whether nothing else stands before it on its line.
    first: bool,
    /// Whether a `,` or a `=` stands before it on its line.
    later: bool,
    /// The argument whose value it is: the name in front of a `=`.
    argument: Option<&'t str>,
    /// The dotted path before the word, with its last dot: `req.`.
    base: &'t str,
}

struct Out {
    range: Range<usize>,
    proposals: Vec<Proposal>,
}

fn place(document: &Document, offset: usize) -> Option<Place<'_>> {
    let before = document.text.get(..offset)?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before.trim_end_matches(is_word).len();
    let base_start = before.trim_end_matches(|c: char| is_word(c) || c == '.' || c == '?').len();
    let line = before.get(..base_start)?;
    let line = line.rsplit(['\n', ';', '{']).next()?;
    let base = before.get(base_start..start)?;
    let first = line.trim().is_empty() && base.is_empty();
    let later = line.contains([',', '=']);
    let argument =
        line.trim_end().strip_suffix('=').and_then(|line| line.rsplit([' ', ',', '(']).next());
    Some(Place { range: start..offset, first, later, argument, base })
}

/// The innermost item whose block the place is in.
fn enclosing(tree: &Tree, offset: usize) -> Option<(Keyword, Node<'_>)> {
    let inside = |item: &Item<'_>| {
        let block = item.head().block().map(|block| block.span().range());
        block.is_some_and(|block| block.start < offset && offset <= block.end)
    };
    let mut around = items(tree).find(inside).and_then(of_kind)?;
    loop {
        let mut inner = around.1.head().block().into_iter().flat_map(|block| block.items());
        match inner.find(inside).and_then(of_kind) {
            Some(item) => around = item,
            None => return Some((around.0, around.1.head().node())),
        }
    }
}

fn of_kind(item: Item<'_>) -> Option<(Keyword, Item<'_>)> {
    match item.head().node().kind() {
        Kind::Item(keyword) => Some((keyword, item)),
        _ => None,
    }
}

fn verbs(analysis: &Analysis, item: Keyword, out: &mut Out) {
    let vocabulary = analysis.vocabulary();
    if let Some(block) = vocabulary.block(item.as_str()) {
        for row in block.settings {
            out.row(row.name, ProposalKind::Verb, Row::Setting(row));
        }
        return;
    }
    let own = match item {
        Keyword::Test => trial::CLAUSES,
        Keyword::Module => MODULE,
        _ => &[],
    };
    if !own.is_empty() {
        for row in own {
            out.row(row.name, ProposalKind::Verb, Row::Clause(row));
        }
        return;
    }
    if !matches!(item, Keyword::Route | Keyword::Site | Keyword::Policy) {
        return;
    }
    for row in CLAUSES {
        out.row(row.name, ProposalKind::Verb, Row::Clause(row));
    }
    for row in vocabulary.actions {
        out.row(row.name, ProposalKind::Verb, Row::Action(row));
    }
    if item == Keyword::Site {
        out.keywords(&[Keyword::Route]);
    }
}

fn values(
    analysis: &Analysis,
    tree: &Tree,
    (item, path): (Node<'_>, &[Node<'_>]),
    place: &Place<'_>,
    out: &mut Out,
) {
    if item.kind() == Kind::Item(Keyword::Module) {
        OWNS.iter().for_each(|name| out.plain(&format!("{name}="), ProposalKind::Argument));
        return;
    }
    let is_test = item.kind() == Kind::Item(Keyword::Test);
    let of_tests = trial::vocabulary(analysis.vocabulary());
    let vocabulary = if is_test { &of_tests } else { analysis.vocabulary() };
    let base = place.base.replace("?.", ".");
    let row = if base.is_empty() { line_of(vocabulary, (item, path), place) } else { None };
    let expected = match row {
        Some(Row::Clause(clause)) if clause.name == "apply" => {
            vec![Keyword::Policy, Keyword::Limit]
        }
        Some(row) => {
            let params = context::params(row);
            let param = match place.argument {
                Some(name) => params.iter().find(|param| param.name == name),
                None if place.later && !matches!(row, Row::Function(_)) => None,
                None => params.first(),
            };
            param.and_then(item_kind).into_iter().collect()
        }
        None => Vec::new(),
    };
    let is_stub = is_test && matches!(row, Some(Row::Clause(clause)) if clause.name == "stub");
    if !expected.is_empty() {
        names(tree, &expected, out);
        // A stub is written as an assignment.
        if !is_stub && place.argument.is_none() {
            arguments(row, out);
        }
        return;
    }
    if is_stub {
        for row in trial::STUBS {
            out.row(row.name, ProposalKind::Function, Row::Function(row));
        }
        return;
    }
    if is_test {
        in_test(tree, item, &base, out);
    }
    for row in vocabulary.fields {
        if let Some(rest) = row.path.strip_prefix(base.as_str()) {
            // Of a path only the part up to the next dot: `req`, then `header`.
            let word = rest.split('.').next().unwrap_or(rest);
            if word == rest {
                out.row(word, ProposalKind::Field, Row::Field(row));
            } else {
                out.plain(word, ProposalKind::Field);
            }
        }
    }
    if !base.is_empty() {
        return;
    }
    if !is_test || place.argument.is_none() {
        arguments(row, out);
    }
    if matches!(row, Some(Row::Setting(setting)) if setting.name == "balance") {
        for row in vocabulary.balancers {
            out.row(row.name, ProposalKind::Algorithm, Row::Balancer(row));
        }
    }
    // A function that gives no value belongs to the parameter that takes what it gives.
    let takes = |given: &Ty| {
        row.is_some_and(|row| context::params(row).iter().any(|param| (param.ty)() == *given))
    };
    for row in vocabulary.functions {
        let given = (row.returns)();
        if !matches!(given, Ty::Item(_)) || takes(&given) {
            out.row(row.name, ProposalKind::Function, Row::Function(row));
        }
    }
    names(tree, &[Keyword::Param, Keyword::Let, Keyword::Fn, Keyword::Auth], out);
}

/// What a test can name besides: the route that answered, every route, and the row of its table.
fn in_test(tree: &Tree, item: Node<'_>, base: &str, out: &mut Out) {
    for route in routes(tree) {
        if let Some(rest) = route.strip_prefix(base) {
            out.plain(rest, ProposalKind::Item);
        }
    }
    if base.is_empty() {
        out.row(trial::ROUTE.path, ProposalKind::Field, Row::Field(&trial::ROUTE));
        let block = Item::from_node(item).and_then(|item| item.head().block());
        for line in block.into_iter().flat_map(|block| block.lines()) {
            if let Line::Stmt(line) = line
                && line.verb().is_some_and(|verb| verb.text == "each")
                && let Some(Assignment { target: Expr::Name(name), .. }) = line.assignment()
            {
                out.plain(name.word().text, ProposalKind::Item);
            }
        }
    }
}

/// The names of the file's routes, those of sites with the site's.
fn routes(tree: &Tree) -> Vec<String> {
    let mut names = Vec::new();
    for item in items(tree) {
        let Some(name) = item.head().name().map(|name| name.text) else { continue };
        match item {
            Item::Route(_) => names.push(name.to_owned()),
            Item::Site(_) => {
                let inner = item.head().block().into_iter().flat_map(|block| block.items());
                let inner = inner.filter_map(|inner| inner.head().name());
                names.extend(inner.map(|inner| format!("{name}.{}", inner.text)));
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty() && !name.ends_with('.'));
    names
}

/// The verb or function whose arguments stand at the place.
fn line_of(
    vocabulary: &Vocabulary,
    (item, path): (Node<'_>, &[Node<'_>]),
    place: &Place<'_>,
) -> Option<Row> {
    let inside = path.iter().any(|node| node.kind() == Kind::Stmt);
    let called = if inside { context::callee(vocabulary, path) } else { None };
    called.or_else(|| {
        let stmt = item.descendants().filter(|node| node.kind() == Kind::Stmt);
        let line = stmt.filter(|stmt| stmt.span().start as usize <= place.range.start).last();
        let (Kind::Item(keyword), verb) = (item.kind(), line?.child(Kind::Verb)?) else {
            return None;
        };
        context::verb(vocabulary, keyword, verb.text())
    })
}

/// The kind of item that a parameter names, if it names one of the policy's.
fn item_kind(param: &Param) -> Option<Keyword> {
    match (param.ty)().present() {
        Ty::Item("upstream") => Some(Keyword::Upstream),
        Ty::Item("listener") => Some(Keyword::Listener),
        _ => None,
    }
}

fn arguments(row: Option<Row>, out: &mut Out) {
    for param in row.map(context::params).unwrap_or_default() {
        out.row(&format!("{}=", param.name), ProposalKind::Argument, Row::Param(param));
    }
}

/// The policy's own names of these kinds.
fn names(tree: &Tree, kinds: &[Keyword], out: &mut Out) {
    let wanted = |item: &Item<'_>| match item.head().node().kind() {
        Kind::Item(keyword) => kinds.contains(&keyword),
        _ => false,
    };
    for item in items(tree).filter(wanted) {
        if let Some(name) = item.head().name().filter(|name| !name.text.is_empty()) {
            out.plain(name.text, ProposalKind::Item);
        }
    }
}

impl Out {
    fn row(&mut self, text: &str, kind: ProposalKind, row: Row) {
        let doc = hover::of_row(row);
        self.push(text, kind, doc);
    }

    fn plain(&mut self, text: &str, kind: ProposalKind) {
        self.push(text, kind, String::new());
    }

    fn keywords(&mut self, keywords: &[Keyword]) {
        for keyword in keywords {
            self.plain(keyword.as_str(), ProposalKind::Keyword);
        }
    }

    fn push(&mut self, text: &str, kind: ProposalKind, doc: String) {
        if !self.proposals.iter().any(|known| known.text == text && known.kind == kind) {
            let (text, range) = (text.to_owned(), self.range.clone());
            self.proposals.push(Proposal { text, kind, doc, range });
        }
    }
}
