//! `redirect`: sends the client elsewhere.

use lang::params;
use lang::vocab::decode::Status;
use lang::vocab::{Action, Dyn, Ends, Form, Phase};

pub(super) static ROW: Action = Action {
    name: "redirect",
    params: Redirect::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::Responds,
    asserts: None,
    doc: "Answers with a `Location`: 301 or 308 for good, 302 or 307 for now, 303 to be asked for with `GET`. 307 and 308 keep the method. The statements behind it run on the answer.",
    example: "redirect 308, \"https://{req.host}{req.target}\"",
};

params! {
    /// Where the client is sent.
    pub struct Redirect {
        /// The status: 301, 302, 303, 307 or 308.
        status: Status = "302",
        /// The place, an absolute URI or a path. Whatever cannot stand in a URI is percent-encoded.
        location: Dyn<String>,
    }
}
