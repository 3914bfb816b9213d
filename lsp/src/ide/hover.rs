//! What a word of a policy means: the row's documentation for what the language can name, the type and the doc comment for
//! what the policy names itself.

use std::fmt::Write;
use std::ops::Range;

use lang::Span;
use lang::check::{Definition, Meaning};
use lang::vocab::trial;
use lang::vocab::{Action, Form, Key, Param, Phase};

use super::context::Row;
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
    analysis.checks().find_map(|checked| {
        let at = Span::new(checked.source_of(uri)?, offset, offset);
        let occurrence = checked.index().at(at)?;
        let markdown = match occurrence.meaning {
            Meaning::Field(row) => of_row(Row::Field(row)),
            Meaning::Function(row) => of_row(Row::Function(row)),
            Meaning::Action(row) => of_row(Row::Action(row)),
            Meaning::Balancer(row) => of_row(Row::Balancer(row)),
            Meaning::Block(row) => of_row(Row::Block(row)),
            Meaning::Setting(row) => of_row(Row::Setting(row)),
            Meaning::Param(row) => of_row(Row::Param(row)),
            Meaning::Clause(row) => of_row(Row::Clause(row)),
            Meaning::Definition(_) => {
                of_definition(checked.index().definition(occurrence.meaning)?)
            }
        };
        Some(Hover { markdown, range: occurrence.span.range() })
    })
}

/// The head and the doc comment of something that the policy defines.
fn of_definition(definition: &Definition) -> String {
    let ty = definition.ty.as_ref().map(|ty| format!(": {ty}")).unwrap_or_default();
    let mut text = format!("```gw\n{} {}{ty}\n```", definition.kind, definition.name);
    if !definition.doc.is_empty() {
        let _ = write!(text, "\n\n{}", definition.doc);
    }
    text
}

/// The page of a row.
pub(super) fn of_row(row: Row) -> String {
    match row {
        Row::Action(row) => page(&signature(row), row.doc, row.params, row.example),
        Row::Balancer(row) => page(row.name, row.doc, row.params, row.example),
        Row::Block(row) => page(row.name, row.doc, &[], row.example),
        Row::Clause(row) => page(row.name, row.doc, trial::params(row), row.example),
        Row::Setting(row) => {
            page(&with_params(row.name, row.params), row.doc, row.params, row.example)
        }
        Row::Field(row) => {
            let key = match row.key {
                Key::None => "",
                Key::Exact | Key::IgnoreCase | Key::Cookie => "[…]",
            };
            let head = format!("{}{key}: {}", row.path, (row.ty)());
            let mut text = page(&head, row.doc, &[], row.example);
            if trial::is_seen(row) {
                return text;
            }
            let change = if row.is_writable() { ", may be `set`" } else { "" };
            let _ = write!(text, "\n\nExists {}{change}.", phase(row.from));
            text
        }
        Row::Function(row) => {
            let params: Vec<String> = row.params.iter().map(param_head).collect();
            let head = format!("{}({}) -> {}", row.name, params.join(", "), (row.returns)());
            let example = row.examples.first().map(|(call, value)| format!("{call} // {value}"));
            page(&head, row.doc, row.params, example.as_deref().unwrap_or_default())
        }
        Row::Param(param) => page(&param_head(param), &lines(param.doc), &[], ""),
    }
}

fn page(head: &str, doc: &str, params: &[Param], example: &str) -> String {
    let mut text = format!("```gw\n{head}\n```\n\n{doc}");
    if !params.is_empty() {
        text.push('\n');
    }
    for param in params {
        let _ = write!(text, "\n- `{}`: {}", param_head(param), lines(param.doc));
    }
    if !example.is_empty() {
        let _ = write!(text, "\n\n```gw\n{example}\n```");
    }
    text
}

/// A doc comment without the blank behind each `///`.
fn lines(doc: &str) -> String {
    let lines: Vec<&str> = doc.trim().lines().map(str::trim).collect();
    lines.join(" ")
}

fn signature(row: &Action) -> String {
    match row.form {
        Form::Plain | Form::Applied => with_params(row.name, row.params),
        Form::Assign | Form::Append => format!("{} PLACE = VALUE", row.name),
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
