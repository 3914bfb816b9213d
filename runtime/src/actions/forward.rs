//! `forward`: an upstream answers.

use std::time::Duration;

use lang::params;
use lang::vocab::decode::{Percent, UpstreamName};
use lang::vocab::{Action, Decode, Dyn, Ends, Form, Phase};

pub(super) static ROW: Action = Action {
    name: "forward",
    params: Forward::PARAMS,
    form: Form::Arms { pattern: Percent::ty, value: UpstreamName::ty },
    phase: Phase::Route,
    ends: Ends::Forwards,
    asserts: None,
    doc: "Sends the request to an upstream, or by shares to several. The statements behind it run on the answer, also on the gateway's own 502, 503 or 504 when the upstream gave none. Connection fields are taken off, `X-Forwarded-For`, `-Proto` and `-Host` are written, and an upgrade such as WebSocket is passed through.",
    example: "forward { 95% => users, 5% => users_next }",
};

params! {
    /// Where the request goes.
    pub struct Forward {
        /// The upstream; or arms with the share of each.
        upstream: UpstreamName,
        /// How long the whole exchange may take; the upstream's `timeout` when not given.
        timeout: Option<Duration>,
        /// How long one try may take until the answer begins; the upstream's `timeout` when not given.
        first_byte: Option<Duration>,
        /// The host that is asked for; the client's when not given.
        host: Option<Dyn<String>>,
    }
}
