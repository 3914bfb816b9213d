//! A small vocabulary, and policies of any size over it: for the benchmark, and for the test that a session says what a
//! whole check says.

use std::fmt::Write as _;

use lang::Ty;
use lang::vocab::{self, Ends, Form, Key, Phase, Times, Vocabulary};

static HEADER: vocab::Field = vocab::Field {
    path: "req.header",
    key: Key::IgnoreCase,
    ty: || Ty::String.optional(),
    from: Phase::Request,
    written: None,
    doc: "",
    example: "",
};

static CLIENT: vocab::Field = vocab::Field {
    path: "client.ip",
    key: Key::None,
    ty: || Ty::Ip,
    from: Phase::Request,
    written: None,
    doc: "",
    example: "",
};

static HOST: vocab::Field = plain("req.host");

static PATH: vocab::Field = plain("req.path");

const fn plain(path: &'static str) -> vocab::Field {
    vocab::Field {
        path,
        key: Key::None,
        ty: || Ty::String,
        from: Phase::Request,
        written: None,
        doc: "",
        example: "",
    }
}

static RESPOND: vocab::Action = vocab::Action {
    name: "respond",
    params: &[
        param("status", || Ty::Status, Some("200")),
        param("body", || Ty::String.optional(), None),
    ],
    form: Form::Plain,
    phase: Phase::Request,
    ends: Ends::Responds,
    late: true,
    coherent: None,
    asserts: None,
    methods: &[],
    doc: "",
    example: "",
};

static REQUIRE: vocab::Action = vocab::Action {
    name: "require",
    params: &[param("condition", || Ty::Bool, None), param("else", || Ty::Status.optional(), None)],
    form: Form::Plain,
    phase: Phase::Request,
    ends: Ends::No,
    late: true,
    coherent: None,
    asserts: Some("condition"),
    methods: &[],
    doc: "",
    example: "",
};

static LISTENER: vocab::Block = vocab::Block {
    name: "listener",
    exclusive: None,
    applied: None,
    settings: &[vocab::Setting {
        name: "bind",
        params: &[param("address", || Ty::String, None)],
        times: Times::Some,
        within: &[],
        guards: &[],
        doc: "",
        example: "",
    }],
    doc: "",
    example: "",
};

static FIELDS: [&vocab::Field; 4] = [&HEADER, &CLIENT, &HOST, &PATH];
static ACTIONS: [&vocab::Action; 2] = [&RESPOND, &REQUIRE];
static BLOCKS: [&vocab::Block; 1] = [&LISTENER];

/// What the policies can name.
pub(crate) const VOCABULARY: Vocabulary = Vocabulary {
    fields: &FIELDS,
    functions: lang::functions::FUNCTIONS,
    actions: &ACTIONS,
    balancers: &[],
    blocks: &BLOCKS,
    budgets: &[],
};

const fn param(name: &'static str, ty: fn() -> Ty, default: Option<&'static str>) -> vocab::Param {
    let accepts = vocab::Param::anything;
    vocab::Param { name, ty, default, dynamic: true, rest: false, accepts, hint: None, doc: "" }
}

/// Twenty routes a host: exact paths, captures, methods, whole subtrees, and narrower ones by header and address.
pub(crate) fn routes(n_routes: usize, n_hosts: usize) -> String {
    let mut text = String::from("edition 2026\n\nlistener web { bind \":8080\" }\n");
    for at in 0..n_routes {
        let (host, kind) = (at % n_hosts, at / n_hosts);
        let path = match kind % 10 {
            0 => "/".to_owned(),
            1..=3 => format!("/v1/things{}", kind % 10 / 2),
            4 | 5 => format!("/v1/users/{{id: Int}}/{}", kind / 2),
            6 => "/v1/users/{name}".to_owned(),
            7 => format!("/files{kind}/**"),
            _ => format!("/v1/page{kind}"),
        };
        let narrower = match kind % 10 {
            2 | 5 => "  method GET\n  where req.header[\"x-debug\"] == \"1\"\n",
            3 => "  method POST, PUT\n",
            9 => "  where client.ip in 10.0.0.0/8\n",
            _ => "",
        };
        // A second row of routes for the same host lies beneath another path.
        let under = if kind >= 10 { format!("/b{}", kind / 10) } else { String::new() };
        let path = if path == "/" && !under.is_empty() { under } else { format!("{under}{path}") };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\nroute r{at} on web {{\n  host \"h{host}.shop.example\"\n  path \"{path}\"\n{narrower}  respond 200, \"{at}\"\n}}\n"
        );
    }
    text
}
