//! Every request that is answered: one line in the table, one short function from parameters to a feature and back. What the
//! server says it can do is read off the same table.

use gen_lsp_types as lsp;
use gen_lsp_types::Request;
use lsp_server::{ErrorCode, ResponseError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::convert;
use crate::analysis::Analysis;
use crate::ide;
use crate::lines::Encoding;

/// One request.
pub(super) struct Row {
    method: lsp::LspRequestMethod<'static>,
    /// Answers it from a snapshot.
    pub(super) answer: fn(&Analysis, Encoding, Value) -> Result<Value, ResponseError>,
    announce: fn(&mut lsp::ServerCapabilities),
}

/// What an answer is made from.
type Feature<R> = fn(&Analysis, Encoding, <R as Request>::Params) -> <R as Request>::Result;

macro_rules! rows {
    ($($request:ident => $feature:ident, $announce:expr;)*) => {
        const ROWS: &[Row] = &[$(Row {
            method: lsp::$request::METHOD,
            answer: |analysis, encoding, params| {
                let feature: Feature<lsp::$request> = $feature;
                answer(params, |params| feature(analysis, encoding, params))
            },
            announce: $announce,
        },)*];
    };
}

rows! {
    HoverRequest => hover, |can| can.hover_provider = Some(lsp::HoverProvider::Bool(true));
    CompletionRequest => complete, |can| can.completion_provider = Some(lsp::CompletionOptions {
        trigger_characters: Some(vec![".".to_owned()]),
        ..lsp::CompletionOptions::default()
    });
    DocumentFormattingRequest => format, |can| {
        can.document_formatting_provider = Some(lsp::DocumentFormattingProvider::Bool(true));
    };
    DefinitionRequest => definition, |can| {
        can.definition_provider = Some(lsp::DefinitionProvider::Bool(true));
    };
    ReferencesRequest => references, |can| {
        can.references_provider = Some(lsp::ReferencesProvider::Bool(true));
    };
    RenameRequest => rename, |can| can.rename_provider = Some(lsp::RenameProvider::Bool(true));
    DocumentSymbolRequest => symbols, |can| {
        can.document_symbol_provider = Some(lsp::DocumentSymbolProvider::Bool(true));
    };
    CodeActionRequest => fixes, |can| {
        can.code_action_provider = Some(lsp::CodeActionProvider::CodeActionOptions(lsp::CodeActionOptions {
            code_action_kinds: Some(vec![lsp::CodeActionKind::QuickFix]),
            ..lsp::CodeActionOptions::default()
        }));
    };
}

/// The row of a method, if it is served.
pub(super) fn row(method: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.method.as_str() == method)
}

/// What the server can do.
pub(super) fn capabilities(encoding: Encoding) -> lsp::ServerCapabilities {
    let mut can = lsp::ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => lsp::PositionEncodingKind::UTF8,
            Encoding::Utf16 => lsp::PositionEncodingKind::UTF16,
            Encoding::Utf32 => lsp::PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(lsp::TextDocumentSync::Options(lsp::TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(lsp::TextDocumentSyncKind::Incremental),
            save: Some(lsp::Save::Bool(true)),
            ..lsp::TextDocumentSyncOptions::default()
        })),
        ..lsp::ServerCapabilities::default()
    };
    ROWS.iter().for_each(|row| (row.announce)(&mut can));
    can
}

fn answer<P: DeserializeOwned, R: Serialize>(
    params: Value,
    feature: impl FnOnce(P) -> R,
) -> Result<Value, ResponseError> {
    let error = |code: ErrorCode, error: serde_json::Error| ResponseError {
        code: code as i32,
        message: error.to_string(),
        data: None,
    };
    let params = serde_json::from_value(params).map_err(|e| error(ErrorCode::InvalidParams, e))?;
    serde_json::to_value(feature(params)).map_err(|e| error(ErrorCode::InternalError, e))
}

/// The document and the byte that a request is about.
fn place<'p>(
    analysis: &Analysis,
    encoding: Encoding,
    at: &'p lsp::TextDocumentPositionParams,
) -> Option<(&'p str, usize)> {
    let uri = at.text_document.uri.as_ref();
    let position = (at.position.line, at.position.character);
    Some((uri, analysis.document(uri)?.offset(position, encoding)))
}

fn hover(analysis: &Analysis, encoding: Encoding, params: lsp::HoverParams) -> Option<lsp::Hover> {
    let (uri, offset) = place(analysis, encoding, &params.text_document_position_params)?;
    let document = analysis.document(uri)?;
    let hover = ide::hover::hover(analysis, uri, offset)?;
    Some(convert::hover(document, hover, encoding))
}

fn complete(
    analysis: &Analysis,
    encoding: Encoding,
    params: lsp::CompletionParams,
) -> Option<lsp::CompletionResponse> {
    let (uri, offset) = place(analysis, encoding, &params.text_document_position_params)?;
    let document = analysis.document(uri)?;
    let proposals = ide::complete::complete(analysis, uri, offset)?;
    let items = proposals.into_iter().map(|item| convert::proposal(document, item, encoding));
    Some(lsp::CompletionResponse::CompletionItemList(items.collect()))
}

fn format(
    analysis: &Analysis,
    encoding: Encoding,
    params: lsp::DocumentFormattingParams,
) -> Option<Vec<lsp::TextEdit>> {
    let uri = params.text_document.uri.as_ref();
    let document = analysis.document(uri)?;
    let edits = ide::format::format(analysis, uri)?;
    Some(edits.iter().map(|edit| convert::text_edit(document, edit, encoding)).collect())
}

fn definition(
    analysis: &Analysis,
    encoding: Encoding,
    params: lsp::DefinitionParams,
) -> Option<lsp::DefinitionResponse> {
    let (uri, offset) = place(analysis, encoding, &params.text_document_position_params)?;
    let place = ide::names::definition(analysis, uri, offset)?;
    let location = convert::place(&place, encoding);
    Some(lsp::DefinitionResponse::Definition(lsp::Definition::Location(location)))
}

fn references(
    analysis: &Analysis,
    encoding: Encoding,
    params: lsp::ReferenceParams,
) -> Option<Vec<lsp::Location>> {
    let (uri, offset) = place(analysis, encoding, &params.text_document_position_params)?;
    let with_definition = params.context.include_declaration;
    let places = ide::names::references(analysis, uri, offset, with_definition);
    Some(places.iter().map(|place| convert::place(place, encoding)).collect())
}

fn rename(
    analysis: &Analysis,
    encoding: Encoding,
    params: lsp::RenameParams,
) -> Option<lsp::WorkspaceEdit> {
    let (uri, offset) = place(analysis, encoding, &params.text_document_position_params)?;
    let edits = ide::names::rename(analysis, uri, offset, &params.new_name)?;
    Some(convert::workspace_edit(&edits, encoding))
}

fn symbols(
    analysis: &Analysis,
    encoding: Encoding,
    params: lsp::DocumentSymbolParams,
) -> Option<lsp::DocumentSymbolResponse> {
    let uri = params.text_document.uri.as_ref();
    let document = analysis.document(uri)?;
    let symbols = ide::symbols::symbols(analysis, uri)?;
    let symbols = symbols.into_iter().map(|symbol| convert::symbol(document, symbol, encoding));
    Some(lsp::DocumentSymbolResponse::DocumentSymbolList(symbols.collect()))
}

fn fixes(
    analysis: &Analysis,
    encoding: Encoding,
    params: lsp::CodeActionParams,
) -> Option<Vec<lsp::CodeActionResponse>> {
    let wanted = |only: &Vec<lsp::CodeActionKind>| {
        only.contains(&lsp::CodeActionKind::QuickFix) || only.contains(&lsp::CodeActionKind::Empty)
    };
    if !params.context.only.as_ref().is_none_or(wanted) {
        return Some(Vec::new());
    }
    let uri = params.text_document.uri.as_ref();
    let ends = [params.range.start, params.range.end];
    let ends = ends.map(|position| (position.line, position.character));
    let range = analysis.document(uri)?.range(ends, encoding);
    let fixes = ide::fixes::fixes(analysis, uri, &range);
    let actions = fixes.iter().map(|fix| convert::quick_fix(fix, encoding));
    Some(actions.map(lsp::CodeActionResponse::CodeAction).collect())
}
