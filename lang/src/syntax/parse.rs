//! Parses one item: mends what can be mended, runs the grammar, and builds the lossless tree out of what it found.

use pest::Parser;
use pest::iterators::{Pair, Pairs};

use super::complain::{self, Complaint};
use super::configs::config;
use super::expr;
use super::keyword::{Keyword, distance};
use super::leaf;
use super::prepare::{Prepared, prepare, prepare_joined};
use super::scan::scan;
use super::split::{first_word, is_doc};
use super::tree::{ItemTree, Kind, NodeData};
use crate::diag::Diag;
use crate::diag::beyond_limits::too_deep;
use crate::diag::foreign_syntax::{foreign_block_comment, foreign_config};
use crate::source::{SourceId, Span};

/// The parser that the grammar makes. Private, because its rules are no promise.
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "syntax/gw.pest"]
    pub(in crate::syntax) struct Grammar;
}

pub(super) use grammar::{Grammar, Rule};

/// Parses the text of one item. Places count from its start.
pub(super) fn parse_item(text: &str) -> ItemTree {
    let unread = |diag: Diag| {
        let mut builder = Builder::new(text, None);
        builder.wrap(Kind::Error, 0, text.len());
        ItemTree { nodes: builder.nodes, mended: true, diags: vec![diag] }
    };
    if let Some(config) = config(text) {
        let line = text.lines().next().map_or(0, |line| line.trim_end().len());
        return unread(foreign_config(Span::new(SourceId(0), 0, line), config));
    }
    let scan = scan(text);
    if let Some(at) = scan.too_deep {
        return unread(too_deep(Span::new(SourceId(0), at, at + 1)));
    }
    let prepared = prepare(text, &scan);
    let first = build(text, &prepared);
    let leading = complain::leading(text, &scan);
    let mut joints = complain::joints(text, &first.complaints);
    joints.retain(|joint| !leading.contains(joint));
    if joints.is_empty() && leading.is_empty() {
        return first.tree(text, &prepared, Vec::new());
    }
    // A statement that goes on in the next line is one mistake, if reading it so leaves fewer. A line that begins with an
    // operator is one in any case, whether the grammar could read it or not.
    let n_known = first.complaints.len() + leading.len();
    let n_joints = joints.len();
    let diags: Vec<Diag> = joints
        .iter()
        .map(|at| complain::goes_on(text, *at))
        .chain(leading.iter().map(|at| complain::begins_with_operator(text, *at)))
        .collect();
    joints.extend(leading);
    joints.sort_unstable();
    let joined = prepare_joined(text, &scan, &joints);
    let second = build(text, &joined);
    if second.complaints.len() + n_joints > n_known {
        return first.tree(text, &prepared, Vec::new());
    }
    second.tree(text, &joined, diags)
}

/// What the grammar made of an item.
struct Built<'t> {
    nodes: Vec<NodeData>,
    complaints: Vec<Complaint<'t>>,
    found: Vec<Diag>,
}

impl Built<'_> {
    fn tree(mut self, text: &str, prepared: &Prepared, known: Vec<Diag>) -> ItemTree {
        if prepared.is_mended
            && let Some(item) = self.nodes.first_mut()
        {
            item.broken = true;
        }
        self.found.extend(known);
        let diags = complain::diags(text, prepared, self.found, &self.complaints);
        ItemTree { nodes: self.nodes, mended: prepared.is_mended, diags }
    }
}

fn build<'t>(text: &'t str, prepared: &'t Prepared) -> Built<'t> {
    let mut found = Vec::new();
    let (chunk, keyword) = entry(prepared, &mut found);
    let mut builder = Builder::new(text, Some(prepared));
    builder.keyword = keyword;
    match Grammar::parse(chunk, &prepared.text) {
        Ok(pairs) => {
            for pair in pairs {
                builder.emit(pair);
            }
            builder.take_junk();
            builder.fill(text.len());
        }
        // INVARIANT: the grammar is total. Should it not be, the text is kept and the item is one error.
        Err(error) => {
            let at = match error.location {
                pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => {
                    at
                }
            };
            builder = Builder::new(text, Some(prepared));
            builder.complaints.push(Complaint {
                rule: Rule::junk,
                start: at,
                end: at,
                from: at,
                verb: None,
            });
            builder.wrap(Kind::Error, 0, text.len());
        }
    }
    Built { nodes: builder.nodes, complaints: builder.complaints, found }
}

/// The leaves of the space between two items.
pub(super) fn parse_space(text: &str, begins_line: bool) -> ItemTree {
    let mut builder = Builder::new(text, None);
    builder.begins_line = begins_line;
    builder.fill(text.len());
    let comments = builder.nodes.iter().filter(|node| node.kind == Kind::Comment);
    let blocks = comments.map(|node| (node.start as usize, node.end as usize));
    let told = |(start, end)| foreign_block_comment(text, start, end, true);
    let diags = blocks.filter_map(told).collect();
    ItemTree { nodes: builder.nodes, mended: false, diags }
}

/// The rule to enter by, and the keyword that is meant.
fn entry(prepared: &Prepared, diags: &mut Vec<Diag>) -> (Rule, Keyword) {
    let start = prepared.text.len() - prepared.text.trim_start().len();
    let rest = prepared.text.get(start..).unwrap_or("");
    let word = first_word(rest);
    let keyword = Keyword::from_word(word).unwrap_or_else(|| {
        let at = rest.find(word).unwrap_or(0) + start;
        let span =
            Span::new(SourceId(0), prepared.original(at), prepared.original(at + word.len()));
        let behind = rest.get(word.len()..).unwrap_or("").trim_start();
        let meant = crate::foreign::item(word).map(|meant| meant.ours);
        let nearest = match meant {
            // What `use` brings in has to be named, which other languages do not: that is said once.
            Some(ours) => ours.and_then(Keyword::from_word).filter(|word| *word != Keyword::Use),
            // Only a test has a text for its name.
            None if behind.starts_with('"') && distance(word, "test") <= 2 => Some(Keyword::Test),
            None => Keyword::nearest(word),
        };
        if word.is_empty() {
            return Keyword::Unknown;
        }
        let diag =
            crate::diag::unknown_item::unknown_item(span, word, nearest.map(Keyword::as_str));
        if word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()) {
            let place = Span { end: span.start, ..span };
            diags.push(diag.help(format!("a file begins with `edition {word}`")).fix(
                "write `edition`",
                place,
                "edition ",
            ));
            return Keyword::Unknown;
        }
        // A host stands where other gateways have the blocks of one.
        let host = rest.split([' ', '\t', '\n', ',', '{']).next().unwrap_or("");
        diags.push(match host.strip_prefix(word).is_some_and(|rest| rest.starts_with('.')) {
            true => diag.help(format!(
                "a host is a line of a `site`: `site NAME on LISTENER {{ host \"{host}\"; … }}`"
            )),
            false => diag,
        });
        nearest.unwrap_or(Keyword::Unknown)
    });
    let rule = match keyword {
        Keyword::Edition => Rule::edition_chunk,
        Keyword::Use => Rule::use_chunk,
        Keyword::Param | Keyword::Secret | Keyword::Let => Rule::value_chunk,
        Keyword::Fn => Rule::fn_chunk,
        Keyword::Module => Rule::module_chunk,
        Keyword::Unknown if word.is_empty() || !rest.contains('{') => Rule::junk_chunk,
        _ => Rule::block_chunk,
    };
    (rule, keyword)
}

/// Builds the nodes of one item in preorder.
pub(super) struct Builder<'t> {
    text: &'t str,
    prepared: Option<&'t Prepared>,
    nodes: Vec<NodeData>,
    /// The nodes that are not closed yet.
    open: Vec<usize>,
    /// The last child that is no trivia, of the top level and of each open node.
    last: Vec<Option<usize>>,
    /// Everything before this place is in a leaf.
    at: usize,
    keyword: Keyword,
    complaints: Vec<Complaint<'t>>,
    verb: Option<&'t str>,
    /// Whether the text begins where a line does.
    begins_line: bool,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str, prepared: Option<&'t Prepared>) -> Builder<'t> {
        let mut last = Vec::with_capacity(16);
        last.push(None);
        Builder {
            text,
            prepared,
            // About as many as there are in the end.
            nodes: Vec::with_capacity(text.len() / 2 + 8),
            open: Vec::with_capacity(16),
            last,
            at: 0,
            keyword: Keyword::Unknown,
            complaints: Vec::new(),
            verb: None,
            begins_line: true,
        }
    }

    /// Where a pair is in the original text.
    pub(super) fn range(&self, pair: &Pair<'t, Rule>) -> (usize, usize) {
        let span = pair.as_span();
        let mut end = span.end();
        // Blanks behind a part belong to nothing, and a comment may be what was blanked.
        if !is_leaf(pair.as_rule()) {
            end = span.start() + pair.as_str().trim_end().len();
        }
        match self.prepared {
            Some(prepared) => (prepared.original(span.start()), prepared.original(end)),
            None => (span.start(), end),
        }
    }

    /// Adds a pair, and the leaves between it and what was added before.
    pub(super) fn emit(&mut self, pair: Pair<'t, Rule>) {
        let (start, end) = self.range(&pair);
        let rule = pair.as_rule();
        match rule {
            Rule::expr | Rule::subject => expr::emit(self, pair.into_inner()),
            Rule::str_text | Rule::hole_text if start == end => {}
            Rule::EOI => {}
            _ if complain::is_error(rule) => self.emit_error(pair, start, end),
            _ => {
                let kind = self.kind_of(&pair);
                let start = match kind {
                    Kind::Stmt | Kind::Arm | Kind::Field | Kind::Item(_) => self.docs_before(start),
                    _ => start,
                };
                self.fill(start);
                if rule == Rule::dashed {
                    self.complain(rule, start, end);
                }
                if is_leaf(rule) {
                    self.leaf(kind, start, end);
                    self.at = self.at.max(end);
                    return;
                }
                let around = self.verb;
                self.begin(kind, start);
                if matches!(kind, Kind::Stmt | Kind::Item(_)) {
                    self.verb = Some(super::split::first_word(pair.as_str()));
                }
                self.emit_all(pair.into_inner());
                self.fill(end);
                self.finish(end);
                self.verb = around;
            }
        }
    }

    /// Adds pairs in order.
    pub(super) fn emit_all(&mut self, pairs: Pairs<'t, Rule>) {
        for pair in pairs {
            self.emit(pair);
        }
    }

    fn emit_error(&mut self, pair: Pair<'t, Rule>, start: usize, end: usize) {
        let rule = pair.as_rule();
        // What is missing is missed right behind the code before it, not behind a comment.
        let (start, end) = match start == end {
            true => (self.code_before(&pair), self.code_before(&pair)),
            false => (start, end),
        };
        let from = self.element_start(start);
        self.complaints.push(Complaint { rule, start, end, from, verb: self.verb });
        let kind = match rule {
            Rule::missing_expr | Rule::missing_type | Rule::missing_value => Kind::Missing,
            _ if complain::is_missing(rule) => Kind::MissingMark,
            _ => Kind::Error,
        };
        if start == end {
            self.fill(start);
            self.begin(kind, start);
            self.mark_broken();
            self.finish(start);
            return;
        }
        self.fill(start);
        self.begin(kind, start);
        self.mark_broken();
        // A block behind a broken line is whole in itself.
        self.emit_all(pair.into_inner());
        self.fill(end);
        self.finish(end);
    }

    /// Where the element that was added last begins, if nothing but space is between it and `start`.
    fn element_start(&self, start: usize) -> usize {
        let last = self.last.last().copied().flatten();
        let node = last.and_then(|last| self.nodes.get(last));
        let is_word = |kind| matches!(kind, Kind::Mark | Kind::Verb | Kind::Keyword);
        node.filter(|node| !is_word(node.kind)).map_or(start, |node| start.min(node.start as usize))
    }

    /// Where the code before a pair ends.
    fn code_before(&self, pair: &Pair<'t, Rule>) -> usize {
        let Some(prepared) = self.prepared else { return self.at };
        let before = prepared.text.get(..pair.as_span().start()).unwrap_or("");
        prepared.original(before.trim_end().len()).max(self.at)
    }

    /// What stands behind an item in its slice belongs to it, as a part that did not parse.
    fn take_junk(&mut self) {
        let (next, end) = (self.nodes.len() as u32, self.at as u32);
        if let Some(NodeData { kind: Kind::Error, .. }) =
            self.last.last().copied().flatten().and_then(|last| self.nodes.get(last))
            && let Some(item) = self.nodes.first_mut()
            && matches!(item.kind, Kind::Item(_))
        {
            (item.next, item.end, item.broken) = (next, end, true);
        }
    }

    /// Adds an error that is one leafy node over a range.
    fn wrap(&mut self, kind: Kind, start: usize, end: usize) {
        self.fill(start);
        self.begin(kind, start);
        self.mark_broken();
        self.fill(end);
        self.finish(end);
    }

    /// Begins a node; what is added until [`Builder::finish`] is beneath it.
    pub(super) fn begin(&mut self, kind: Kind, start: usize) {
        let node = self.nodes.len();
        self.leaf(kind, start, start);
        self.last.push(None);
        self.open.push(node);
    }

    /// Adds a node with nothing beneath it.
    fn leaf(&mut self, kind: Kind, start: usize, end: usize) {
        let node = self.nodes.len();
        if let Some(last) = self.last.last_mut()
            && !matches!(kind, Kind::Space | Kind::Newline | Kind::Blank | Kind::Comment)
        {
            *last = Some(node);
        }
        let (start, end, next) = (start as u32, start.max(end) as u32, node as u32 + 1);
        self.nodes.push(NodeData { kind, broken: false, start, end, next });
    }

    /// Ends the node begun last.
    pub(super) fn finish(&mut self, end: usize) {
        let next = self.nodes.len() as u32;
        self.last.pop();
        if let Some(node) = self.open.pop().and_then(|open| self.nodes.get_mut(open)) {
            node.end = node.start.max(end as u32);
            node.next = next;
        }
    }

    /// Marks the node begun last, and all around it, as broken.
    pub(super) fn mark_broken(&mut self) {
        for &open in self.open.iter().rev() {
            match self.nodes.get_mut(open) {
                Some(node) if !node.broken => node.broken = true,
                _ => break,
            }
        }
    }

    /// Everything before this place is in a leaf.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Reports a complaint about a place that is not a pair of its own.
    pub(super) fn complain(&mut self, rule: Rule, start: usize, end: usize) {
        self.complaints.push(Complaint { rule, start, end, from: start, verb: self.verb });
    }

    fn docs_before(&self, start: usize) -> usize {
        let gap = self.text.get(self.at..start).unwrap_or("");
        let mut offset = self.at;
        let mut docs = None;
        let mut is_behind_code =
            self.at > 0 && !self.text.get(..self.at).is_some_and(|t| t.ends_with('\n'));
        for line in gap.split_inclusive('\n') {
            let trimmed = line.trim_start();
            match trimmed.is_empty() {
                _ if std::mem::take(&mut is_behind_code) => {}
                true if line.ends_with('\n') => docs = None,
                true => {}
                false if is_doc(trimmed) => {
                    docs.get_or_insert(offset + line.len() - trimmed.len());
                }
                false => docs = None,
            }
            offset += line.len();
        }
        docs.unwrap_or(start)
    }

    /// Adds the leaves up to `end`: space, comments, marks.
    pub(super) fn fill(&mut self, end: usize) {
        while self.at < end {
            let rest = self.text.get(self.at..end).unwrap_or("");
            let begins_line = match self.at.checked_sub(1) {
                Some(before) => self.text.as_bytes().get(before) == Some(&b'\n'),
                None => self.begins_line,
            };
            let (kind, length) = leaf::next(rest, begins_line);
            let length = length.clamp(1, end - self.at);
            let start = self.at;
            self.at += length;
            self.leaf(kind, start, self.at);
        }
    }

    fn kind_of(&self, pair: &Pair<'t, Rule>) -> Kind {
        match pair.as_rule() {
            Rule::edition_item
            | Rule::use_item
            | Rule::value_item
            | Rule::fn_item
            | Rule::block_item
            | Rule::module_item
                if self.open.is_empty() =>
            {
                Kind::Item(self.keyword)
            }
            Rule::fn_item | Rule::block_item => {
                Kind::Item(super::split::keyword(pair.as_str()).unwrap_or(Keyword::Unknown))
            }
            Rule::public => Kind::Public,
            Rule::keyword => Kind::Keyword,
            Rule::name | Rule::dashed | Rule::dashed_name => Kind::Name,
            Rule::word | Rule::dashed_word => Kind::Word,
            Rule::verb => Kind::Verb,
            Rule::clause => Kind::Clause,
            Rule::relation | Rule::clause_word | Rule::file_word => Kind::Relation,
            Rule::clause_word_value | Rule::file_clause => Kind::ValueClause,
            Rule::provider => Kind::Provider,
            Rule::annotation => Kind::Annotation,
            Rule::use_alias => Kind::Alias,
            Rule::use_names => Kind::Names,
            Rule::returns => Kind::Returns,
            Rule::params => Kind::Params,
            Rule::field => Kind::Field,
            Rule::block => Kind::Block,
            Rule::plain | Rule::stmt => Kind::Stmt,
            Rule::arg => Kind::Arg,
            Rule::arm => Kind::Arm,
            Rule::call => Kind::Call,
            Rule::literal => Kind::Literal,
            Rule::regex => Kind::Regex,
            Rule::string => Kind::Str,
            Rule::str_text | Rule::brace => Kind::StrText,
            Rule::escape => Kind::Escape,
            Rule::hole => Kind::Hole,
            Rule::capture => Kind::Capture,
            Rule::hole_text => Kind::HoleText,
            Rule::binop | Rule::prefix | Rule::is_not => Kind::Op,
            Rule::match_expr => Kind::Match,
            Rule::list => Kind::List,
            Rule::record => Kind::Record,
            Rule::entry => Kind::Entry,
            Rule::paren => Kind::Paren,
            Rule::ty => Kind::Type,
            Rule::ty_atom => Kind::TypeAtom,
            Rule::optional => Kind::Optional,
            Rule::ty_args => Kind::TypeArgs,
            Rule::ty_record => Kind::TypeRecord,
            _ => Kind::Mark,
        }
    }
}

fn is_leaf(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::public
            | Rule::keyword
            | Rule::name
            | Rule::dashed
            | Rule::dashed_name
            | Rule::dashed_word
            | Rule::word
            | Rule::verb
            | Rule::relation
            | Rule::clause_word
            | Rule::file_word
            | Rule::literal
            | Rule::regex
            | Rule::str_text
            | Rule::brace
            | Rule::escape
            | Rule::hole_text
            | Rule::binop
            | Rule::prefix
            | Rule::is_not
            | Rule::match_word
            | Rule::where_word
            | Rule::optional
    )
}
