//! `require`: goes on only if something holds.

use super::prelude::*;
use crate::values::RefusalStatus;

pub(super) type Instance = Requirement;

pub(super) static ROW: Action = Action {
    name: "require",
    params: Require::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::No,
    late: true,
    coherent: None,
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
        r#else: RefusalStatus = "403",
        /// The text that is answered then; the status' own words when not given.
        body: Option<Dyn<String>>,
    }
}

/// A requirement, built.
pub(crate) struct Requirement(Require);

impl Act for Requirement {
    fn build(making: &Making<'_>, _: Option<&Requirement>) -> Result<Requirement, String> {
        Require::decode(&making.arguments()).map(Requirement).map_err(Making::blame(&ROW))
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        self.on_response(ex).map(|()| Flow::Next)
    }

    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
        // Fails closed: what is not `true` is refused, whatever it is.
        if ex.eval(&self.0.condition).unwrap_or(false) {
            return Ok(());
        }
        let text = ex.eval_optional(self.0.body.as_ref())?;
        Err(Failure::Denied { status: self.0.r#else.0, text })
    }
}
