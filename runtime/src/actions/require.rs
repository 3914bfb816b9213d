//! `require`: goes on only if something holds.

use lang::params;
use lang::vocab::decode::Status;
use lang::vocab::{Action, Dyn, Ends, Form, Phase};

pub(super) static ROW: Action = Action {
    name: "require",
    params: Require::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::No,
    asserts: Some("condition"),
    doc: "Goes on only if the condition holds; otherwise the gateway answers and the statements behind it do not run. They may rely on it: what is required to be present is present there.",
    example: "require client.ip in 10.0.0.0/8, else=403",
};

params! {
    /// What must hold, and what is answered if it does not.
    pub struct Require {
        /// What must hold.
        condition: Dyn<bool>,
        /// The status that is answered if it does not.
        r#else: Status = "403",
        /// The text that is answered then; the status' own words when not given.
        body: Option<Dyn<String>>,
    }
}
