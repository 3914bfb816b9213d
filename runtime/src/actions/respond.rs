//! `respond`: the gateway answers by itself.

use lang::params;
use lang::vocab::decode::{Document, Status};
use lang::vocab::{Action, Dyn, Ends, Form, Phase};

pub(super) static ROW: Action = Action {
    name: "respond",
    params: Respond::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::Responds,
    asserts: None,
    doc: "Answers without an upstream: with a text, an HTML page or a JSON document, at most one of them. The statements behind it run on the answer.",
    example: "respond 200, \"hello\"",
};

params! {
    /// The answer.
    pub struct Respond {
        /// The status.
        status: Dyn<Status> = "200",
        /// A text, sent as `text/plain; charset=utf-8`.
        body: Option<Dyn<String>>,
        /// A page, sent as `text/html; charset=utf-8`. It cannot depend on the request, so that nobody can put markup into it.
        html: Option<String>,
        /// A document, sent as `application/json`.
        json: Option<Dyn<Document>>,
    }
}
