//! What a word of a policy means: the row's documentation for what the language can name, the doc comment and the head of
//! the item for what the policy names itself.

use std::fmt::Write;
use std::ops::Range;

use lang::syntax::ast::{Head, Item, items};
use lang::syntax::{Kind, Tree};
use lang::vocab::{Action, Form, Key, Param, Phase};

use super::context::{self, Row};
use crate::analysis::Analysis;

/// What to show, and for which bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hover {
    /// Markdown.
    pub markdown: String,
    /// The word it is about.
    pub range: Range<usize>,
}

/// What is known of the word at byte `offset` of the document.
pub fn hover(analysis: &Analysis, uri: &str, offset: usize) -> Option<Hover> {
    let document = analysis.document(uri)?;
    let tree = analysis.tree(document);
    let path = context::path_to(&tree, offset);
    let node = path.last()?;
    let range = node.span().range();
    if let Some(row) = context::row(analysis.vocabulary(), &path) {
        return Some(Hover { markdown: of_row(row), range });
    }
    if matches!(node.kind(), Kind::Name | Kind::Word) {
        let markdown = of_item(&tree, node.text())?;
        return Some(Hover { markdown, range });
    }
    None
}

/// The page of a row.
pub(super) fn of_row(row: Row) -> String {
    match row {
        Row::Action(row) => page(&signature(row), row.doc, row.params, row.example),
        Row::Balancer(row) => page(row.name, row.doc, row.params, row.example),
        Row::Block(row) => page(row.name, row.doc, &[], row.example),
        Row::Clause(row) => page(row.name, row.doc, &[], row.example),
        Row::Setting(row) => {
            page(&with_params(row.name, row.params), row.doc, row.params, row.example)
        }
        Row::Field(row) => {
            let key = match row.key {
                Key::None => "",
                Key::Exact | Key::IgnoreCase => "[…]",
            };
            let head = format!("{}{key}: {}", row.path, (row.ty)());
            let mut text = page(&head, row.doc, &[], row.example);
            let change = if row.writable { ", may be `set`" } else { "" };
            let _ = write!(text, "\n\nExists {}{change}.", phase(row.from));
            text
        }
        Row::Function(row) => {
            let params: Vec<String> = row.params.iter().map(param_head).collect();
            let head = format!("{}({}) -> {}", row.name, params.join(", "), (row.returns)());
            let example = row.examples.first().map(|(call, value)| format!("{call} // {value}"));
            page(&head, row.doc, row.params, example.as_deref().unwrap_or_default())
        }
        Row::Param(param) => page(&param_head(param), param.doc, &[], ""),
    }
}

fn page(head: &str, doc: &str, params: &[Param], example: &str) -> String {
    let mut text = format!("```gw\n{head}\n```\n\n{doc}");
    if !params.is_empty() {
        text.push('\n');
    }
    for param in params {
        let _ = write!(text, "\n- `{}`: {}", param_head(param), param.doc);
    }
    if !example.is_empty() {
        let _ = write!(text, "\n\n```gw\n{example}\n```");
    }
    text
}

fn signature(row: &Action) -> String {
    match row.form {
        Form::Plain => with_params(row.name, row.params),
        Form::Assign => format!("{} PLACE = VALUE", row.name),
        Form::Place => format!("{} PLACE", row.name),
        Form::Arms { pattern, value } => {
            format!(
                "{}\n{} {{ {} => {} }}",
                with_params(row.name, row.params),
                row.name,
                pattern(),
                value()
            )
        }
    }
}

fn with_params(name: &str, params: &[Param]) -> String {
    let params: Vec<String> = params.iter().map(param_head).collect();
    format!("{name} {}", params.join(", ")).trim_end().to_owned()
}

fn param_head(param: &Param) -> String {
    let default = param.default.map(|default| format!(" = {default}")).unwrap_or_default();
    let rest = if param.rest { "…" } else { "" };
    format!("{}{rest}: {}{default}", param.name, (param.ty)())
}

fn phase(from: Phase) -> &'static str {
    match from {
        Phase::Connection => "from the connection on",
        Phase::Request => "from the request on",
        Phase::Route => "in the route that answers",
        Phase::Response => "on the way back, after `forward` or `respond`",
        Phase::Origin => "after `forward`",
    }
}

/// The head and the doc comment of the item called `name`, which may be in a site and written `site.name`.
fn of_item(tree: &Tree, name: &str) -> Option<String> {
    let top = items(tree).collect::<Vec<_>>();
    let inner = top.iter().filter_map(|item| item.head().block()).flat_map(|block| block.items());
    let all = top.iter().copied().chain(inner);
    let is_named = |item: &Item<'_>| item.head().name().is_some_and(|word| word.text == name);
    let item = all.into_iter().find(is_named)?;
    let head = item.head();
    let mut text = format!("```gw\n{}\n```", first_line(head));
    if let Some(docs) = head.docs() {
        let _ = write!(text, "\n\n{docs}");
    }
    Some(text)
}

/// The item up to its block.
fn first_line(head: &Head<'_>) -> String {
    let node = head.node();
    let from = head.keyword().map_or(0, |word| (word.span.start - head.span().start) as usize);
    let to = head
        .block()
        .map_or(node.text().len(), |block| (block.span().start - head.span().start) as usize);
    node.text()
        .get(from..to)
        .unwrap_or_default()
        .trim()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
