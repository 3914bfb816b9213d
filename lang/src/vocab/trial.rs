//! The words of a `test`: its lines, what a stub may do, and what an `expect` may ask. Their behaviour is the trial's;
//! stubs are plain values, so that they can be kept, nested and put into tables.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::{Clause, Field, Function, Key, Known, Param, Phase, Vocabulary};
use crate::functions::FUNCTIONS;
use crate::types::Ty;
use crate::value::Value;

/// The lines of a test.
pub const CLAUSES: &[Clause] = &[
    Clause {
        name: "each",
        doc: "Runs the test once for each row of a list, from the beginning each time. The name stands for the row in the lines below. It is the first line of the test.",
        example: "each case = [{ path: \"/a\", status: 200 }, { path: \"/b\", status: 404 }]",
    },
    Clause {
        name: "stub",
        doc: "Says what an upstream answers from here on: `respond(…)`, `refuse`, `reset`, `delay(…)`, `drip(…)` or `sequence(…)`. Nothing is connected to. An upstream that is asked without a stub fails the test.",
        example: "stub users = respond(200, json={ id: 7 })",
    },
    Clause {
        name: "send",
        doc: "Sends a request through the policy and waits for the whole answer, by the code that serves real ones. The listener is the one named by `on`; else the only one, the only one that binds the URL's port, or the only one of its scheme; one with `tls` takes `https` alone, any other `http`. What was sent before has left its traces.",
        example: "send GET, \"https://shop.example/v1/users/7\", headers={ \"x-debug\": \"1\" }, from=10.0.0.1",
    },
    Clause {
        name: "advance",
        doc: "Lets time pass. The clock of a test stands still but for this and for what stubs wait.",
        example: "advance 30s",
    },
    Clause {
        name: "expect",
        doc: "What must hold of the last `send`. Of several conditions joined by `and`, each that does not hold is reported, with what was found.",
        example: "expect route == shop.user and status == 403 and not called(users)",
    },
];

/// What `send` takes.
pub const SEND: &[Param] = &[
    param("method", || Ty::Method, "The method."),
    param("url", || Ty::String, "Where it goes: scheme, host, path and query."),
    param("headers", headers, "Its header fields; one that is absent is left out."),
    param("body", || Ty::String.optional(), "Its content."),
    param("json", || Ty::Json.optional(), "Its content, as a document; the content type says so."),
    param("from", || Ty::Ip.optional(), "Who sends it; 127.0.0.1 when not given."),
    param("on", || Ty::Item("listener").optional(), "The listener that it comes to."),
    param(
        AS,
        || Ty::Item("identity").optional(),
        "Who sends it: an auth with claims that count as verified, as in `as=token(sub=\"u1\")`, or a list of them. No token is sent.",
    ),
    param(
        CERTIFICATE,
        || Ty::String.optional(),
        "The subject of the client's certificate, which counts as verified, as in `certificate=\"CN=deploy\"`. Over `https` only; no certificate is shown when not given.",
    ),
];

/// The parameter of `send` that says whose certificate is shown.
const CERTIFICATE: &str = "certificate";

/// The parameter of `send` that says who is to have been verified.
pub const AS: &str = "as";

/// What a `stub` is told: its line is written as an assignment.
pub const STUBBED: &[Param] = &[
    param("upstream", || Ty::Item("upstream"), "Who answers so."),
    param("does", stub, "What it does."),
];

/// What `advance` takes.
pub const ADVANCE: &[Param] = &[param("time", || Ty::Duration, "How long.")];

/// What `expect` takes.
pub const EXPECT: &[Param] = &[param("condition", || Ty::Bool, "What must hold.")];

/// The type of what an upstream does in a test.
pub const STUB: Ty = Ty::Item("stub");

/// What an upstream may do. Each gives a map that says under `stub` which it is.
pub static STUBS: &[&Function] = &[&RESPOND, &REFUSE, &RESET, &DELAY, &DRIP, &SEQUENCE];

static RESPOND: Function = Function {
    name: "respond",
    params: &[
        Param {
            accepts: |known| match known {
                Known::Value(Value::Status(status @ ..200)) => {
                    Err(format!("an upstream does not answer with {status}"))
                }
                _ => Ok(()),
            },
            hint: Some("an answer begins at 200: no stub goes on in another protocol"),
            ..param("status", || Ty::Status, "The status.")
        },
        param("body", || Ty::String.optional(), "The content."),
        param("json", || Ty::Json.optional(), "The content, as a document."),
        param("headers", headers, "The header fields; one that is absent is left out."),
    ],
    returns: stub,
    doc: "The upstream answers.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |values| made("respond", &RESPOND, values),
};

static REFUSE: Function = Function {
    name: "refuse",
    params: &[],
    returns: stub,
    doc: "The upstream refuses the connection: it sees nothing of the request.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |values| made("refuse", &REFUSE, values),
};

static RESET: Function = Function {
    name: "reset",
    params: &[],
    returns: stub,
    doc: "The upstream takes the request and drops the connection.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |values| made("reset", &RESET, values),
};

static DELAY: Function = Function {
    name: "delay",
    params: &[
        param("time", || Ty::Duration, "How long."),
        param("then", stub, "What it does after that."),
    ],
    returns: stub,
    doc: "The upstream takes the request and its time.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |values| made("delay", &DELAY, values),
};

static DRIP: Function = Function {
    name: "drip",
    params: &[
        param("then", stub, "What it answers: a `respond` with content."),
        param("every", || Ty::Duration, "The pause before each piece."),
        param("bytes", || Ty::Int.optional(), "The size of a piece; one byte when not given."),
    ],
    returns: stub,
    doc: "The upstream answers, and sends the content in pieces.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |values| made("drip", &DRIP, values),
};

static SEQUENCE: Function = Function {
    name: "sequence",
    params: &[Param { rest: true, ..param("stubs", || Ty::list(STUB), "One for each request.") }],
    returns: stub,
    doc: "The upstream does one after the other, and goes on doing the last.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |values| made("sequence", &SEQUENCE, values),
};

/// A number as a status: rows of tables say `404`, which by itself is a number. It has no name that could be written.
pub static STATUS: Function = Function {
    name: "",
    params: &[param("code", || Ty::Int, "The number.")],
    returns: || Ty::Status,
    doc: "A number as a status.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |values| match values {
        [Value::Int(code @ 100..=599)] => u16::try_from(*code).map_or(Value::Absent, Value::Status),
        _ => Value::Absent,
    },
};

/// What an `expect` asks about an upstream, and the field whose key is the upstream's name.
pub static QUESTIONS: &[(&Function, &Field)] =
    &[(&CALLED, &CALLED_FIELD), (&CALLS, &CALLS_FIELD), (&SENT, &SENT_FIELD)];

static CALLED: Function = Function {
    name: "called",
    params: &[param("upstream", || Ty::Item("upstream"), "The upstream.")],
    returns: || Ty::Bool,
    doc: "Whether the last `send` reached the upstream. A refused connection reaches nobody.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |_| Value::Absent,
};

static CALLS: Function = Function {
    name: "calls",
    params: &[param("upstream", || Ty::Item("upstream"), "The upstream.")],
    returns: || Ty::Int,
    doc: "How often the last `send` reached the upstream.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |_| Value::Absent,
};

static SENT: Function = Function {
    name: "sent",
    params: &[param("upstream", || Ty::Item("upstream"), "The upstream.")],
    returns: sent,
    doc: "The last request that the upstream got of the last `send`: `method`, `host`, `path`, `query`, `header[…]`, `body` and `json`. Nothing of it is there if it got none.",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |_| Value::Absent,
};

static CALLED_FIELD: Field = keyed("called", || Ty::Bool, Key::Exact, "See `called(…)`.");
static CALLS_FIELD: Field = keyed("calls", || Ty::Int, Key::Exact, "See `calls(…)`.");
static SENT_FIELD: Field = keyed("sent", sent, Key::Exact, "See `sent(…)`.");

/// The route that answered. Its type is made of the policy's routes; it is never looked up by path.
pub static ROUTE: Field =
    field("route", || Ty::String.optional(), "The route that answered; absent where none did.");

/// What an `expect` reads of the answer and of the line in the access log.
pub static FIELDS: &[&Field] = &[
    &field("status", || Ty::Status, "The status of the answer."),
    &field("resp.status", || Ty::Status, "The status of the answer."),
    &keyed(
        "resp.header",
        || Ty::String.optional(),
        Key::IgnoreCase,
        "A header field of the answer.",
    ),
    &field("resp.body", || Ty::String, "The content of the answer, as far as it came."),
    &field("resp.json", || Ty::Json, "The content of the answer, as a document."),
    &field(
        "resp.cut",
        || Ty::String.optional(),
        "Why the content of the answer ended early, in one word; absent where it did not.",
    ),
    &field("resp.time", || Ty::Duration, "How long the whole answer took, by the test's clock."),
    &field("log.listener", || Ty::String, "The listener, in the access log."),
    &field("log.client", || Ty::Ip.optional(), "The client's address, in the access log."),
    &field("log.protocol", || Ty::String, "The protocol, in the access log."),
    &field("log.method", || Ty::String, "The method, in the access log."),
    &field("log.host", || Ty::String, "The host, in the access log."),
    &field("log.path", || Ty::String, "The path, in the access log."),
    &keyed(
        "log.header",
        || Ty::String.optional(),
        Key::IgnoreCase,
        "A header field of the request, in the access log; absent where the listener's `log` does not name it.",
    ),
    &field("log.status", || Ty::Status, "The status, in the access log."),
    &field("log.received", || Ty::Int, "Bytes of the request's content, in the access log."),
    &field("log.sent", || Ty::Int, "Bytes of the answer's content, in the access log."),
    &field("log.route", || Ty::String.optional(), "The route, in the access log."),
    &field(
        "log.upstream",
        || Ty::String.optional(),
        "The upstream that was asked last, in the access log.",
    ),
    &field(
        "log.tries",
        || Ty::Int.optional(),
        "How often the upstream was tried, in the access log; absent where it was once.",
    ),
    &field(
        "log.address",
        || Ty::String.optional(),
        "The endpoint that was asked last, in the access log: `\"10.0.0.1:80\"`.",
    ),
    &field("log.duration", || Ty::Duration, "How long it all took, in the access log."),
    &field(
        "log.first_byte",
        || Ty::Duration.optional(),
        "How long it took until the upstream's answer began, in the access log.",
    ),
    &field("log.failure", || Ty::String.optional(), "What went wrong, in the access log."),
    &field("log.fault", || Ty::String.optional(), "Whose fault it was, in the access log."),
];

/// The vocabulary of tests, inside a policy that has this one.
pub fn vocabulary(served: &Vocabulary) -> Vocabulary {
    static ALL: LazyLock<Vec<&'static Function>> = LazyLock::new(|| {
        let asked = QUESTIONS.iter().map(|(row, _)| *row);
        FUNCTIONS.iter().chain(STUBS).copied().chain(asked).collect()
    });
    Vocabulary { fields: FIELDS, functions: &ALL, ..*served }
}

/// What a line of a test takes.
pub fn params(clause: &Clause) -> &'static [Param] {
    match clause.name {
        "stub" => STUBBED,
        "send" => SEND,
        "advance" => ADVANCE,
        "expect" => EXPECT,
        _ => &[],
    }
}

/// Whether a field is one that only tests read.
pub fn is_seen(field: &Field) -> bool {
    FIELDS.iter().copied().chain([&ROUTE]).any(|known| std::ptr::eq(known, field))
}

const fn param(name: &'static str, ty: fn() -> Ty, doc: &'static str) -> Param {
    Param {
        name,
        ty,
        default: None,
        dynamic: true,
        rest: false,
        accepts: |_| Ok(()),
        hint: None,
        doc,
    }
}

const fn field(path: &'static str, ty: fn() -> Ty, doc: &'static str) -> Field {
    keyed(path, ty, Key::None, doc)
}

const fn keyed(path: &'static str, ty: fn() -> Ty, key: Key, doc: &'static str) -> Field {
    Field { path, key, ty, from: Phase::Connection, written: None, doc, example: "" }
}

fn stub() -> Ty {
    STUB
}

fn headers() -> Ty {
    Ty::Map(Arc::new(Ty::String.optional())).optional()
}

/// Nothing of it is there where an upstream got no request.
fn sent() -> Ty {
    let fields = [
        ("method", Ty::Method),
        ("host", Ty::String),
        ("path", Ty::String),
        ("query", Ty::String),
        ("header", Ty::Map(Arc::new(Ty::String))),
        ("body", Ty::String),
    ];
    let fields = fields.into_iter().map(|(name, ty)| (name.into(), ty.optional()));
    Ty::Record(fields.chain([("json".into(), Ty::Json)]).collect())
}

/// What was called with what, as a map.
fn made(name: &'static str, row: &Function, values: &[Value]) -> Value {
    let mut parts = BTreeMap::from([("stub".into(), Value::string(name))]);
    for (param, value) in row.params.iter().zip(values) {
        if !value.is_absent() {
            parts.insert(Arc::from(param.name), value.clone());
        }
    }
    Value::Map(Arc::new(parts))
}
