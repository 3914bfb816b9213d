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
