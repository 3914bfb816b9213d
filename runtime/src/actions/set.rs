//! `set`: gives a field of the request being sent, or of the answer, a value.

use lang::vocab::{Action, Ends, Form, Phase};

pub(super) static ROW: Action = Action {
    name: "set",
    params: &[],
    form: Form::Assign,
    phase: Phase::Route,
    ends: Ends::No,
    asserts: None,
    doc: "Gives a field a value: `up.…` before `forward`, `resp.…` behind it. An absent value takes the field away. What is written replaces every header field of that name.",
    example: "set up.header[\"x-user\"] = req.header[\"x-caller\"]",
};
