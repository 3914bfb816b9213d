//! The tests' vocabulary: a few rows of each kind, shaped like the real ones.

use std::sync::LazyLock;

use crate::functions::FUNCTIONS;
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::{
    Action, Balancer, Block, Ends, Field, Form, Function, Key, Known, Param, Phase, Repeat,
    Setting, Times, Vocabulary, Written,
};

/// All of it.
pub(super) fn vocabulary() -> Vocabulary {
    static FUNCTIONS_AND_DNS: LazyLock<Vec<&'static Function>> =
        LazyLock::new(|| FUNCTIONS.iter().copied().chain([&DNS]).collect());
    Vocabulary {
        fields: FIELDS,
        functions: &FUNCTIONS_AND_DNS,
        actions: ACTIONS,
        balancers: BALANCERS,
        blocks: BLOCKS,
        budgets: &[],
    }
}

static DNS: Function = Function {
    name: "dns",
    params: &[given("name", || Ty::String)],
    returns: || Ty::Item("source"),
    doc: "",
    examples: &[],
    texts: None,
    keeps: false,
    eval: |arguments| match arguments {
        [Value::String(name)] => Value::Item(format!("dns:{name}").into()),
        _ => Value::Absent,
    },
};

const fn given(name: &'static str, ty: fn() -> Ty) -> Param {
    let accepts = Param::anything;
    Param { name, ty, default: None, dynamic: false, rest: false, accepts, hint: None, doc: "" }
}

const fn dynamic(name: &'static str, ty: fn() -> Ty) -> Param {
    Param { dynamic: true, ..given(name, ty) }
}

const fn preset(name: &'static str, ty: fn() -> Ty, text: &'static str) -> Param {
    Param { default: Some(text), ..given(name, ty) }
}

const fn field(path: &'static str, key: Key, ty: fn() -> Ty, from: Phase) -> Field {
    Field { path, key, ty, from, written: None, doc: "", example: "" }
}

const fn writable(path: &'static str, key: Key, ty: fn() -> Ty, from: Phase) -> Field {
    Field { written: Some(Written::ANYTHING), ..field(path, key, ty, from) }
}

fn text() -> Ty {
    Ty::String.optional()
}

fn texts() -> Ty {
    Ty::list(Ty::String)
}

const FIELDS: &[&Field] = &[
    &field("conn.peer", Key::None, || Ty::Ip, Phase::Connection),
    &field("conn.sni", Key::None, text, Phase::Connection),
    &field("client.ip", Key::None, || Ty::Ip, Phase::Connection),
    &field("req.method", Key::None, || Ty::Method, Phase::Request),
    &field("req.host", Key::None, || Ty::String, Phase::Request),
    &field("req.path", Key::None, || Ty::String, Phase::Request),
    &field("req.target", Key::None, || Ty::String, Phase::Request),
    &field("req.scheme", Key::None, || Ty::one_of(&["http", "https"]), Phase::Request),
    &field("req.query", Key::Exact, text, Phase::Request),
    &field("req.query.all", Key::Exact, texts, Phase::Request),
    &field("req.header", Key::IgnoreCase, text, Phase::Request),
    &field("req.cookie", Key::Cookie, text, Phase::Request),
    &field("req.body.size", Key::None, || Ty::Size, Phase::Request),
    &field("req.json", Key::None, || Ty::Json.optional(), Phase::Request),
    &writable("up.header", Key::IgnoreCase, text, Phase::Route),
    &writable("up.path", Key::None, || Ty::String, Phase::Route),
    &field("up.address", Key::None, text, Phase::Origin),
    &field("origin.status", Key::None, || Ty::Status.optional(), Phase::Origin),
    &field("origin.header", Key::IgnoreCase, text, Phase::Origin),
    &writable("resp.status", Key::None, || Ty::Status, Phase::Response),
    &writable("resp.header", Key::IgnoreCase, text, Phase::Response),
];

const fn action(
    name: &'static str,
    params: &'static [Param],
    form: Form,
    ends: Ends,
    asserts: Option<&'static str>,
) -> Action {
    Action {
        name,
        params,
        form,
        phase: Phase::Route,
        ends,
        late: true,
        methods: &[],
        coherent: None,
        asserts,
        doc: "",
        example: "",
    }
}

const ACTIONS: &[&Action] = &[
    &action(
        "forward",
        &[
            given("upstream", || Ty::Item("upstream")),
            given("timeout", || Ty::Duration.optional()),
            dynamic("host", text),
        ],
        Form::Arms { pattern: || Ty::Percent, value: || Ty::Item("upstream") },
        Ends::Forwards,
        None,
    ),
    &action(
        "respond",
        &[
            Param { default: Some("200"), ..dynamic("status", || Ty::Status) },
            dynamic("body", text),
            dynamic("json", || Ty::Json.optional()),
        ],
        Form::Plain,
        Ends::Responds,
        None,
    ),
    &action(
        "redirect",
        &[dynamic("status", || Ty::Status), dynamic("to", || Ty::String)],
        Form::Plain,
        Ends::Responds,
        None,
    ),
    &action(
        "require",
        &[dynamic("condition", || Ty::Bool), preset("r#else", || Ty::Status, "403")],
        Form::Plain,
        Ends::No,
        Some("condition"),
    ),
    &action("rewrite", &[dynamic("path", || Ty::String)], Form::Plain, Ends::No, None),
    &action("set", &[], Form::Assign, Ends::No, None),
    &action("unset", &[], Form::Place, Ends::No, None),
    &action("sign", &[given("key", || Ty::Secret)], Form::Plain, Ends::No, None),
];

const BALANCERS: &[&Balancer] = &[
    &Balancer { name: "random", params: &[], doc: "", example: "" },
    &Balancer { name: "round_robin", params: &[], doc: "", example: "" },
    &Balancer {
        name: "least_request",
        params: &[preset("choices", || Ty::Int, "2")],
        doc: "",
        example: "",
    },
    &Balancer { name: "hash", params: &[dynamic("key", text)], doc: "", example: "" },
];

fn with_port(known: Known<'_>) -> Result<(), String> {
    match known {
        Known::Value(Value::String(text)) if !text.contains(':') => {
            Err(format!("`{text}` is not `host:port`"))
        }
        _ => Ok(()),
    }
}

const fn setting(name: &'static str, params: &'static [Param], times: Times) -> Setting {
    Setting {
        name,
        params,
        times,
        within: &[],
        guards: &[],
        doc: "",
        example: "server \"127.0.0.1:3000\"",
    }
}

const BLOCKS: &[&Block] = &[
    &Block {
        name: "listener",
        exclusive: None,
        applied: None,
        settings: &[
            setting(
                "bind",
                &[
                    given("address", || Ty::String),
                    preset("proto", || Ty::list(Ty::one_of(&["h1", "h2", "h3"])), "[h1, h2]"),
                ],
                Times::Some,
            ),
            setting(
                "tls",
                &[
                    given("cert", || Ty::String),
                    given("key", || Ty::String),
                    preset("min", || Ty::Float, "1.2"),
                ],
                Times::Any,
            ),
            setting(
                "trust",
                &[
                    given("what", || Ty::one_of(&["proxy_protocol", "forwarded"])),
                    given("from", || Ty::list(Ty::Cidr)),
                ],
                Times::Any,
            ),
            setting(
                "cap",
                &[
                    preset("header", || Ty::Size, "32KiB"),
                    preset("headers", || Ty::Int, "100"),
                    preset("idle", || Ty::Duration, "60s"),
                ],
                Times::Optional,
            ),
        ],
        doc: "",
        example: "",
    },
    &Block {
        name: "upstream",
        exclusive: None,
        applied: None,
        settings: &[
            setting(
                "server",
                &[
                    Param { accepts: with_port, ..given("address", || Ty::String) },
                    preset("weight", || Ty::Int, "1"),
                ],
                Times::Group("endpoints", Repeat::Yes),
            ),
            setting(
                "discover",
                &[
                    given("source", || Ty::Item("source")),
                    preset("refresh", || Ty::Duration, "30s"),
                ],
                Times::Group("endpoints", Repeat::No),
            ),
            setting("balance", &[given("algorithm", || Ty::Item("balancer"))], Times::Optional),
            setting(
                "health",
                &[
                    preset("method", || Ty::Method, "GET"),
                    preset("path", || Ty::String, "\"/\""),
                    preset("every", || Ty::Duration, "5s"),
                ],
                Times::Optional,
            ),
            setting(
                "retry",
                &[
                    given("count", || Ty::Int),
                    given("on", || Ty::list(Ty::one_of(&["connect", "502", "503"]))),
                    given("backoff", || Ty::Range(std::sync::Arc::new(Ty::Duration)).optional()),
                ],
                Times::Optional,
            ),
        ],
        doc: "",
        example: "",
    },
];
