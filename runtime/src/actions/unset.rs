//! `unset`: takes a field off the request being sent, or off the answer.

use lang::vocab::{Action, Ends, Form, Phase};

pub(super) static ROW: Action = Action {
    name: "unset",
    params: &[],
    form: Form::Place,
    phase: Phase::Route,
    ends: Ends::No,
    asserts: None,
    doc: "Takes a field away: `up.…` before `forward`, `resp.…` behind it. It does nothing if there is none.",
    example: "unset up.header[\"authorization\"]",
};
