//! Between plain data and the protocol's types. The only room, with `requests`, that knows both.

use gen_lsp_types as lsp;
use lang::{Severity, Span};
use std::collections::BTreeMap;
use std::ops::Range;

use crate::analysis::{Change, Document, Found};
use crate::ide::TextEdit;
use crate::ide::complete::{Proposal, ProposalKind};
use crate::ide::fixes::QuickFix;
use crate::ide::hover::Hover;
use crate::ide::names::Place;
use crate::ide::symbols::Symbol;
use crate::lines::Encoding;

pub(super) fn change(change: lsp::TextDocumentContentChangeEvent) -> Change {
    match change {
        lsp::TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
            let ends = [part.range.start, part.range.end];
            let range = Some(ends.map(|position| (position.line, position.character)));
            Change { range, text: part.text }
        }
        lsp::TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
            Change { range: None, text: whole.text }
        }
    }
}

pub(super) fn range(document: &Document, bytes: &Range<usize>, encoding: Encoding) -> lsp::Range {
    let position = |offset| {
        let (line, character) = document.lines.position(&document.text, offset, encoding);
        lsp::Position { line, character }
    };
    lsp::Range { start: position(bytes.start), end: position(bytes.end) }
}

pub(super) fn diagnostic(found: &Found, encoding: Encoding) -> lsp::Diagnostic {
    let Found { diag, files } = found;
    let place = |span: Span| {
        let document = files.get(span.source.0 as usize)?;
        Some((document, range(document, &span.range(), encoding)))
    };
    let mut message = diag.message.clone();
    if let Some(reason) = diag.labels.first().filter(|label| !label.text.is_empty()) {
        message = format!("{message}: {}", reason.text);
    }
    if let Some(help) = &diag.help {
        message = format!("{message}\nhelp: {help}");
    }
    let related = diag.labels.iter().skip(1).filter_map(|label| {
        let (document, range) = place(label.span)?;
        let location = lsp::Location { uri: (&*document.uri).into(), range };
        Some(lsp::DiagnosticRelatedInformation { location, message: label.text.clone() })
    });
    let related: Vec<lsp::DiagnosticRelatedInformation> = related.collect();
    let unneeded = diag.slug.starts_with("unused") || diag.slug.starts_with("unreachable");
    lsp::Diagnostic {
        range: place(diag.span()).map(|(_, range)| range).unwrap_or_default(),
        severity: Some(match diag.severity {
            Severity::Error => lsp::DiagnosticSeverity::Error,
            Severity::Warning => lsp::DiagnosticSeverity::Warning,
            Severity::Note => lsp::DiagnosticSeverity::Information,
        }),
        code: Some(lsp::Code::String(diag.code.to_owned())),
        source: Some("gw".to_owned()),
        message: lsp::Message::String(message),
        tags: unneeded.then(|| vec![lsp::DiagnosticTag::Unnecessary]),
        related_information: (!related.is_empty()).then_some(related),
        ..lsp::Diagnostic::default()
    }
}

pub(super) fn text_edit(document: &Document, edit: &TextEdit, encoding: Encoding) -> lsp::TextEdit {
    lsp::TextEdit { range: range(document, &edit.range, encoding), new_text: edit.text.clone() }
}

/// Edits of several files, as one change that is made whole or not at all.
pub(super) fn workspace_edit(
    edits: &[(Document, TextEdit)],
    encoding: Encoding,
) -> lsp::WorkspaceEdit {
    let mut by_file: BTreeMap<&str, (&Document, Vec<lsp::Edit>)> = BTreeMap::new();
    for (document, edit) in edits {
        let edits = &mut by_file.entry(&document.uri).or_insert((document, Vec::new())).1;
        edits.push(lsp::Edit::TextEdit(text_edit(document, edit, encoding)));
    }
    let changes = by_file.into_values().map(|(document, edits)| {
        let text_document = lsp::OptionalVersionedTextDocumentIdentifier {
            // A file that is not open has no version.
            version: (document.version != 0).then_some(document.version),
            text_document_identifier: lsp::TextDocumentIdentifier { uri: (&*document.uri).into() },
        };
        lsp::DocumentChange::TextDocumentEdit(lsp::TextDocumentEdit { text_document, edits })
    });
    lsp::WorkspaceEdit {
        document_changes: Some(changes.collect()),
        ..lsp::WorkspaceEdit::default()
    }
}

pub(super) fn place(place: &Place, encoding: Encoding) -> lsp::Location {
    let uri = (&*place.document.uri).into();
    lsp::Location { uri, range: range(&place.document, &place.range, encoding) }
}

pub(super) fn quick_fix(fix: &QuickFix, encoding: Encoding) -> lsp::CodeAction {
    lsp::CodeAction {
        title: fix.title.clone(),
        kind: Some(lsp::CodeActionKind::QuickFix),
        diagnostics: Some(vec![diagnostic(&fix.mends, encoding)]),
        is_preferred: Some(fix.mends.diag.fixes.len() == 1),
        edit: Some(workspace_edit(&fix.edits, encoding)),
        ..lsp::CodeAction::default()
    }
}

pub(super) fn hover(document: &Document, hover: Hover, encoding: Encoding) -> lsp::Hover {
    lsp::Hover {
        contents: lsp::Contents::MarkupContent(markdown(hover.markdown)),
        range: Some(range(document, &hover.range, encoding)),
    }
}

pub(super) fn proposal(
    document: &Document,
    proposal: Proposal,
    encoding: Encoding,
) -> lsp::CompletionItem {
    let edit = TextEdit { range: proposal.range, text: proposal.text.clone() };
    let edit = text_edit(document, &edit, encoding);
    lsp::CompletionItem {
        label: proposal.text,
        kind: Some(match proposal.kind {
            ProposalKind::Keyword | ProposalKind::Verb => lsp::CompletionItemKind::Keyword,
            ProposalKind::Argument => lsp::CompletionItemKind::Property,
            ProposalKind::Field => lsp::CompletionItemKind::Field,
            ProposalKind::Function => lsp::CompletionItemKind::Function,
            ProposalKind::Algorithm => lsp::CompletionItemKind::EnumMember,
            ProposalKind::Item => lsp::CompletionItemKind::Reference,
        }),
        documentation: (!proposal.doc.is_empty())
            .then(|| lsp::Documentation::MarkupContent(markdown(proposal.doc))),
        text_edit: Some(lsp::CompletionItemTextEdit::TextEdit(edit)),
        ..lsp::CompletionItem::default()
    }
}

pub(super) fn symbol(
    document: &Document,
    symbol: Symbol,
    encoding: Encoding,
) -> lsp::DocumentSymbol {
    let children: Vec<lsp::DocumentSymbol> =
        symbol.children.into_iter().map(|child| self::symbol(document, child, encoding)).collect();
    lsp::DocumentSymbol {
        name: symbol.name,
        kind: match symbol.keyword.as_str() {
            "listener" | "upstream" | "store" | "auth" => lsp::SymbolKind::Object,
            "param" | "secret" | "let" => lsp::SymbolKind::Constant,
            "fn" | "policy" | "limit" => lsp::SymbolKind::Function,
            "site" | "module" => lsp::SymbolKind::Namespace,
            _ => lsp::SymbolKind::Method,
        },
        detail: Some(symbol.keyword),
        range: range(document, &symbol.range, encoding),
        selection_range: range(document, &symbol.name_range, encoding),
        children: (!children.is_empty()).then_some(children),
        tags: None,
        #[expect(deprecated, reason = "the struct has the field, and no default")]
        deprecated: None,
    }
}

fn markdown(value: String) -> lsp::MarkupContent {
    lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value }
}
