//! What claims are read with, and what is said of a text that is none.

use crate::check::context::Context;
use crate::check::routes::Plan;
use crate::diag::wrong_form::wrong_form;
use crate::policy::{Claim, RouteId};
use crate::source::Span;

/// What claims are read with.
pub(super) struct Claims<'c, 'a> {
    pub(super) plans: &'c [Plan<'a>],
    pub(super) ids: &'c [Option<RouteId>],
    pub(super) depth: u32,
}

impl Claims<'_, '_> {
    /// What is said of a field of a message that is no header field of it.
    pub(super) fn not_of_message(&self, cx: &mut Context<'_>, span: Span, field: &str) -> Claim {
        let help = match field {
            "resp.status" => "what is answered is `status`: `status == 200`, `status in 4xx`",
            _ => {
                "of what is sent an assert knows where it goes, `forwarded(to=…)`, and its header fields, such as `up.header[\"x\"] == \"1\"`"
            }
        };
        let diag = wrong_form(span, format!("an assert knows no `{field}`"), "not understood here");
        cx.report(diag.help(help));
        nothing()
    }

    pub(super) fn not_a_claim(&self, cx: &mut Context<'_>, span: Span) -> Claim {
        let diag = wrong_form(span, "this is no claim about an outcome", "not understood here");
        cx.report(diag.help(
            "an outcome is `denied`, `responded`, `forwarded(to=…)`, `applied(policy=…)`, `limited(by=…)`, `cached`, `authenticated(by=…)`, `status == …`, `route == …`, or a header such as `up.header[\"x\"] is absent`",
        ));
        nothing()
    }
}

/// A claim that was reported.
pub(super) fn nothing() -> Claim {
    Claim::All(Vec::new())
}
