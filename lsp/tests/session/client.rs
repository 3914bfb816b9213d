//! A client of the protocol, as small as one can be, and the vocabulary that its server is given.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{self, BufRead, BufReader, PipeWriter, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gw_lsp as lsp;
use lang::Vocabulary;
use lang::types::Ty;
use lang::vocab::{Action, Block, Ends, Field, Form, Key, Param, Phase, Setting, Times};
use serde_json::{Value, json};

pub(crate) const URI: &str = "file:///policy/gateway.gw";

pub(crate) const POLICY: &str = "\
edition 2026

listener web { bind \":8080\" }

/// Greets.
route hello on web {
  path \"/hello\"
  where req.header[\"x-greet\"] == \"1\"
  respond 200, \"hello\"
}

site shop on web {
  /// Sells.
  route sell { respond 200 }
}
";

/// What stands on the disk as `/policy/net.gw`.
pub(crate) const NET: &str = "\
edition 2026

/// Where we sit.
pub let office = [10.0.0.0/8]
";

/// Nothing takes longer than this, so a test that would hang fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    input: Option<PipeWriter>,
    messages: Receiver<Value>,
    server: Option<JoinHandle<io::Result<lsp::Ended>>>,
    id: i32,
    /// Notifications that arrived while something else was awaited.
    waiting: Vec<Value>,
}

impl Client {
    pub(crate) fn start() -> Client {
        let (server_input, input) = io::pipe().unwrap();
        let (output, server_output) = io::pipe().unwrap();
        let read = |path: &std::path::Path| match path.to_str() {
            Some("/policy/net.gw") => Ok(NET.to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        let server =
            thread::spawn(move || lsp::serve(server_input, server_output, vocabulary(), read));
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = receive(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Client { input: Some(input), messages, server: Some(server), id: 0, waiting: Vec::new() }
    }

    pub(crate) fn initialize(&mut self, encodings: &[&str]) -> Value {
        let capabilities = json!({ "general": { "positionEncodings": encodings } });
        let hello = self.request(
            "initialize",
            json!({ "processId": null, "rootUri": null, "capabilities": capabilities }),
        );
        self.notify("initialized", json!({}));
        hello.unwrap()
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub(crate) fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.id += 1;
        let id = self.id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer =
            self.await_message(|message| message["id"] == id && message.get("method").is_none());
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }

    pub(crate) fn open(&mut self, uri: &str, version: i32, text: &str) {
        let document = json!({ "uri": uri, "languageId": "gw", "version": version, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub(crate) fn change(&mut self, uri: &str, version: i32, changes: Value) {
        let document = json!({ "uri": uri, "version": version });
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": changes }),
        );
    }

    pub(crate) fn close(&mut self, uri: &str) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }

    /// The problems of that version of the document.
    pub(crate) fn problems(&mut self, uri: &str, version: i32) -> Value {
        self.published(uri, json!(version))
    }

    /// The problems of the document once it is closed.
    pub(crate) fn cleared(&mut self, uri: &str) -> Value {
        self.published(uri, Value::Null)
    }

    /// The next problems of the document that are as wanted.
    pub(crate) fn problems_until(&mut self, uri: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let note = self.await_message(|message| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && wanted(&params["diagnostics"])
        });
        note["params"]["diagnostics"].clone()
    }

    /// The parameters of a request about the place `further` characters behind the start of `word` in `text`.
    pub(crate) fn at(&self, text: &str, word: &str, further: usize) -> Value {
        let offset = text.find(word).unwrap() + further;
        let line = text[..offset].matches('\n').count();
        let character = offset - text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } })
    }

    /// The text shown for the place `further` characters behind the start of `word` in `text`.
    pub(crate) fn hover(&mut self, text: &str, word: &str, further: usize) -> String {
        let at = self.at(text, word, further);
        let hover = self.request("textDocument/hover", at).unwrap();
        hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// The next answer to something that could not be understood.
    pub(crate) fn next_error(&mut self) -> Value {
        self.await_message(|message| message.get("error").is_some())
    }

    pub(crate) fn hang_up(&mut self) {
        self.input = None;
    }

    pub(crate) fn ended(&mut self) -> lsp::Ended {
        self.server.take().unwrap().join().unwrap().unwrap()
    }

    fn published(&mut self, uri: &str, version: Value) -> Value {
        let note = self.await_message(|message| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && *params.get("version").unwrap_or(&Value::Null) == version
        });
        note["params"]["diagnostics"].clone()
    }

    fn await_message(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(at);
        }
        loop {
            let message =
                self.messages.recv_timeout(PATIENCE).expect("the server says nothing more");
            if fits(&message) {
                return message;
            }
            self.waiting.push(message);
        }
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }
}

fn receive(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((_, value)) => length = value.parse().unwrap(),
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

fn vocabulary() -> Vocabulary {
    Vocabulary {
        fields: FIELDS,
        functions: &[],
        actions: ACTIONS,
        balancers: &[],
        blocks: BLOCKS,
        budgets: &[],
    }
}

static FIELDS: &[&Field] = &[
    &Field {
        path: "req.header",
        key: Key::IgnoreCase,
        ty: || Ty::Optional(Ty::String.into()),
        from: Phase::Request,
        written: None,
        doc: "One header.",
        example: "where req.header[\"x\"] == \"1\"",
    },
    &Field {
        path: "conn.peer",
        key: Key::None,
        ty: || Ty::Ip,
        from: Phase::Connection,
        written: None,
        doc: "Who connects.",
        example: "where conn.peer in 10.0.0.0/8",
    },
    &Field {
        path: "req.host",
        key: Key::None,
        ty: || Ty::String,
        from: Phase::Request,
        written: None,
        doc: "The host.",
        example: "where req.host == \"a\"",
    },
];

static ACTIONS: &[&Action] = &[&RESPOND];
static BLOCKS: &[&Block] = &[&LISTENER, &UPSTREAM];

static RESPOND: Action = Action {
    name: "respond",
    params: &[
        param("status", || Ty::Status, Some("200")),
        param("body", || Ty::String, Some("\"\"")),
    ],
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::Responds,
    late: true,
    coherent: None,
    asserts: None,
    methods: &[],
    doc: "Answers without an upstream.",
    example: "respond 200, \"hello\"",
};

static LISTENER: Block = Block {
    name: "listener",
    exclusive: None,
    applied: None,
    settings: &[Setting {
        name: "bind",
        params: &[param("address", || Ty::String, None)],
        times: Times::Some,
        within: &[],
        guards: &[],
        doc: "Where it listens.",
        example: "bind \":8080\"",
    }],
    doc: "Where connections come in.",
    example: "listener web { bind \":8080\" }",
};

static UPSTREAM: Block = Block {
    name: "upstream",
    exclusive: None,
    applied: None,
    settings: &[],
    doc: "Where requests go.",
    example: "upstream app {}",
};

const fn param(name: &'static str, ty: fn() -> Ty, default: Option<&'static str>) -> Param {
    let accepts = Param::anything;
    Param {
        name,
        ty,
        default,
        dynamic: true,
        rest: false,
        accepts,
        hint: None,
        doc: "What it says.",
    }
}
