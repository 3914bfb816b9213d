//! One session: a loop over one enum of events. Documents change only here; everything that thinks works on a snapshot, on
//! one of two threads, and may be thrown away.

mod convert;
mod requests;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use gen_lsp_types as lsp;
use lang::Vocabulary;
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Ended;
use crate::analysis::{Analysis, AnalysisHost, Problems, ReadFile};
use crate::lines::Encoding;
use crate::transport::{self, Incoming};
use work::{Answer, Worker};

/// Events that wait; whoever is faster than the session waits with them.
const MOST_EVENTS: usize = 64;

/// Everything that can happen.
pub(crate) enum Event {
    /// The client said something.
    Incoming(Incoming),
    /// The client is gone.
    Closed,
    /// A request was answered, from a snapshot of that version of that document.
    Answered(Answer),
    /// A snapshot was checked.
    Checked(Box<Analysis>, Problems),
}

/// Where a session stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before `initialize`.
    New,
    Running,
    /// After `shutdown`.
    Over,
}

struct Session<W> {
    output: W,
    phase: Phase,
    encoding: Encoding,
    host: AnalysisHost,
    asking: Worker,
    checking: Worker,
    /// Requests that are being answered, with the document they are about and its version then.
    pending: BTreeMap<RequestId, Option<(Arc<str>, i32)>>,
    /// Whether a check is under way, and whether something changed since it began.
    busy: bool,
    stale: bool,
    /// Where the client shows problems now, so that they can be taken away.
    shown: BTreeSet<Arc<str>>,
}

/// Serves one client.
pub(crate) fn serve(
    input: impl Read + Send + 'static,
    output: impl Write,
    vocabulary: Vocabulary,
    read: ReadFile,
) -> io::Result<Ended> {
    let (sender, events) = sync_channel(MOST_EVENTS);
    let reader = sender.clone();
    // Not joined: it may be blocked in a read that only the client can end.
    thread::Builder::new().name("lsp-read".to_owned()).spawn(move || listen(input, &reader))?;
    let mut session = Session {
        output,
        phase: Phase::New,
        encoding: Encoding::default(),
        host: AnalysisHost::new(vocabulary, read),
        asking: Worker::start("lsp-ask", sender.clone())?,
        checking: Worker::start("lsp-check", sender)?,
        pending: BTreeMap::new(),
        busy: false,
        stale: false,
        shown: BTreeSet::new(),
    };
    session.run(&events)
}

fn listen(input: impl Read, events: &SyncSender<Event>) {
    let mut input = BufReader::new(input);
    while let Ok(Some(incoming)) = transport::read(&mut input) {
        let is_exit =
            matches!(&incoming, Incoming::Message(Message::Notification(n)) if n.method == "exit");
        if events.send(Event::Incoming(incoming)).is_err() || is_exit {
            return;
        }
    }
    let _ = events.send(Event::Closed);
}

impl<W: Write> Session<W> {
    fn run(&mut self, events: &Receiver<Event>) -> io::Result<Ended> {
        while let Ok(event) = events.recv() {
            match event {
                Event::Incoming(Incoming::Message(Message::Notification(note)))
                    if note.method == "exit" =>
                {
                    return Ok(if self.phase == Phase::Over {
                        Ended::Orderly
                    } else {
                        Ended::Abrupt
                    });
                }
                Event::Incoming(Incoming::Message(Message::Request(request))) => {
                    self.request(request)?
                }
                Event::Incoming(Incoming::Message(Message::Notification(note))) => {
                    self.notification(note)?;
                }
                // The session asks nothing, so no response is awaited.
                Event::Incoming(Incoming::Message(Message::Response(_))) => {}
                Event::Incoming(Incoming::Malformed(id, code, reason)) => {
                    transport::write_error(&mut self.output, &id, code, &reason)?;
                }
                Event::Closed => return Ok(Ended::Abrupt),
                Event::Answered(answer) => self.answered(answer)?,
                Event::Checked(analysis, problems) => self.checked(&analysis, &problems)?,
            }
            self.check();
        }
        Ok(Ended::Abrupt)
    }

    fn request(&mut self, request: Request) -> io::Result<()> {
        match (self.phase, request.method.as_str()) {
            (Phase::New, "initialize") => self.initialize(request),
            (Phase::New, _) => {
                self.refuse(request.id, ErrorCode::ServerNotInitialized, "`initialize` comes first")
            }
            (Phase::Over, _) => {
                self.refuse(request.id, ErrorCode::InvalidRequest, "the session is shut down")
            }
            (Phase::Running, "initialize") => {
                self.refuse(request.id, ErrorCode::InvalidRequest, "`initialize` was said before")
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::Over;
                self.send(Response::new_ok(request.id, Value::Null))
            }
            (Phase::Running, _) => self.ask(request),
        }
    }

    fn initialize(&mut self, request: Request) -> io::Result<()> {
        // Only one field matters, and clients are wrong in others.
        let offered = request.params.pointer("/capabilities/general/positionEncodings");
        let offered = offered.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let offers = |name: &str| offered.iter().any(|offer| offer == name);
        self.encoding = if offers("utf-8") { Encoding::Utf8 } else { Encoding::Utf16 };
        self.phase = Phase::Running;
        let result = lsp::InitializeResult {
            capabilities: requests::capabilities(self.encoding),
            server_info: Some(lsp::ServerInfo {
                name: "gwc".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        };
        match serde_json::to_value(result) {
            Ok(result) => self.send(Response::new_ok(request.id, result)),
            Err(error) => self.refuse(request.id, ErrorCode::InternalError, &error.to_string()),
        }
    }

    /// Hands a request to a worker, with a snapshot.
    fn ask(&mut self, request: Request) -> io::Result<()> {
        let Some(row) = requests::row(&request.method) else {
            let reason =
                format!("`{}` is not served", request.method.chars().take(80).collect::<String>());
            return self.refuse(request.id, ErrorCode::MethodNotFound, &reason);
        };
        if self.pending.contains_key(&request.id) {
            return self.refuse(request.id, ErrorCode::InvalidRequest, "this id is in use");
        }
        let about = request.params.pointer("/textDocument/uri").and_then(Value::as_str);
        let about = about.and_then(|uri| self.host.document(uri));
        let about = about.map(|document| (document.uri.clone(), document.version));
        let (analysis, encoding, id) = (self.host.analysis(), self.encoding, request.id.clone());
        let task = move || {
            let result = (row.answer)(&analysis, encoding, request.params);
            Event::Answered(Answer { id: request.id, result })
        };
        let failed = {
            let id = id.clone();
            move || Event::Answered(Answer { id, result: Err(work::failure()) })
        };
        if self.asking.give(task, failed) {
            self.pending.insert(id, about);
            return Ok(());
        }
        self.refuse(id, ErrorCode::RequestFailed, "too many requests are waiting")
    }

    fn answered(&mut self, answer: Answer) -> io::Result<()> {
        // Not pending any more: it was cancelled, and answered as such.
        let Some(about) = self.pending.remove(&answer.id) else { return Ok(()) };
        let current = |(uri, version): &(Arc<str>, i32)| {
            self.host.document(uri).is_some_and(|document| document.version == *version)
        };
        if !about.as_ref().is_none_or(current) {
            return self.refuse(answer.id, ErrorCode::ContentModified, "the document has changed");
        }
        let response = Response { id: answer.id, response_result: answer.result };
        self.send(response)
    }

    fn notification(&mut self, note: Notification) -> io::Result<()> {
        if self.phase != Phase::Running {
            return Ok(());
        }
        match note.method.as_str() {
            "textDocument/didOpen" => {
                if let Some(params) = read::<lsp::DidOpenTextDocumentParams>(note) {
                    let document = params.text_document;
                    let uri = document.uri.as_ref();
                    let kept = self.host.open(uri, document.version, document.text);
                    self.stale = true;
                    if !kept {
                        return self.warn_of_bounds(uri);
                    }
                }
            }
            "textDocument/didChange" => {
                if let Some(params) = read::<lsp::DidChangeTextDocumentParams>(note) {
                    let changes = params.content_changes.into_iter().map(convert::change);
                    let document = params.text_document;
                    let uri = document.text_document_identifier.uri;
                    let uri = uri.as_ref();
                    let kept = self.host.change(uri, document.version, changes, self.encoding);
                    self.stale = true;
                    if !kept {
                        return self.warn_of_bounds(uri);
                    }
                }
            }
            "textDocument/didClose" => {
                if let Some(params) = read::<lsp::DidCloseTextDocumentParams>(note) {
                    self.host.close(params.text_document.uri.as_ref());
                    self.stale = true;
                }
            }
            // A saved file may be one that another document imports without its being open.
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                self.host.forget();
                self.stale = true;
            }
            "$/cancelRequest" => {
                let id = note.params.get("id").cloned();
                let id = id.and_then(|id| serde_json::from_value::<RequestId>(id).ok());
                if let Some(id) = id.filter(|id| self.pending.remove(id).is_some()) {
                    return self.refuse(id, ErrorCode::RequestCanceled, "cancelled");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn warn_of_bounds(&mut self, uri: &str) -> io::Result<()> {
        let message =
            format!("`{uri}` is not checked: too many documents are open, or too large ones");
        let params = serde_json::json!({ "type": 2, "message": message });
        self.send(Notification { method: "window/showMessage".to_owned(), params })
    }

    /// Starts a check if something changed and none is under way; so at most one is behind.
    fn check(&mut self) {
        if self.busy || !self.stale || self.phase != Phase::Running {
            return;
        }
        let analysis = Box::new(self.host.analysis());
        let failed = {
            let analysis = analysis.clone();
            move || Event::Checked(analysis, Problems::default())
        };
        let task = move || {
            let problems = analysis.problems();
            Event::Checked(analysis, problems)
        };
        if self.checking.give(task, failed) {
            (self.busy, self.stale) = (true, false);
        }
    }

    /// Shows what was found, for documents that are still what was checked.
    fn checked(&mut self, analysis: &Analysis, problems: &Problems) -> io::Result<()> {
        self.busy = false;
        if self.phase != Phase::Running {
            return Ok(());
        }
        let mut shown = BTreeSet::new();
        let gone: Vec<Arc<str>> =
            self.shown.iter().filter(|uri| !problems.contains_key(*uri)).cloned().collect();
        for uri in gone {
            self.publish(&uri, None, Vec::new())?;
        }
        for (uri, found) in problems {
            let now = self.host.document(uri).map(|document| document.version);
            let then = analysis.document(uri).map(|document| document.version);
            if now != then {
                // It is checked again already; what it shows meanwhile stays.
                shown.extend(self.shown.get(uri).cloned());
                continue;
            }
            let diagnostics: Vec<lsp::Diagnostic> =
                found.iter().map(|found| convert::diagnostic(found, self.encoding)).collect();
            if !diagnostics.is_empty() {
                shown.insert(uri.clone());
            }
            self.publish(uri, now, diagnostics)?;
        }
        self.shown = shown;
        Ok(())
    }

    fn publish(
        &mut self,
        uri: &str,
        version: Option<i32>,
        diagnostics: Vec<lsp::Diagnostic>,
    ) -> io::Result<()> {
        let params = lsp::PublishDiagnosticsParams { uri: uri.into(), version, diagnostics };
        match serde_json::to_value(params) {
            Ok(params) => self.send(Notification {
                method: "textDocument/publishDiagnostics".to_owned(),
                params,
            }),
            Err(_) => Ok(()),
        }
    }

    fn refuse(&mut self, id: RequestId, code: ErrorCode, reason: &str) -> io::Result<()> {
        self.send(Response::new_err(id, code as i32, reason.to_owned()))
    }

    fn send(&mut self, message: impl Into<Message>) -> io::Result<()> {
        transport::write(&mut self.output, &message.into())
    }
}

/// The parameters of a notification. Malformed ones are passed over: there is nobody to tell.
fn read<P: DeserializeOwned>(note: Notification) -> Option<P> {
    serde_json::from_value(note.params).ok()
}
