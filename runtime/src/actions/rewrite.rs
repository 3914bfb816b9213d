//! `rewrite`: asks the upstream for another path than the client did.

use lang::params;
use lang::vocab::{Action, Dyn, Ends, Form, Phase};

pub(super) static ROW: Action = Action {
    name: "rewrite",
    params: Rewrite::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::No,
    asserts: None,
    doc: "Puts another path in the request being sent; the query stays. A value spliced in stands within one segment, so it can add neither a segment nor a query; only text of the request's own path keeps its `/`. A value that cannot stand there (empty, `.`, `..` or with a `/`) is answered with 400.",
    example: "rewrite \"/internal/users/{path.id}\"",
};

params! {
    /// The path that is asked for instead.
    pub struct Rewrite {
        /// The path, beginning with `/`.
        path: Dyn<String>,
    }
}
