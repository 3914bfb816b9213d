//! `require`: goes on only if something holds.

use std::sync::Arc;

use super::prelude::*;
use crate::auth::{self, Reason};
use crate::values::RefusalStatus;

pub(super) type Instance = Requirement;

pub(super) static ROW: Action = Action {
    name: "require",
    params: Require::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::No,
    late: true,
    methods: &[],
    coherent: None,
    asserts: Some("condition"),
    doc: "Goes on only if the condition holds; otherwise the gateway answers and the statements behind it do not run. They may rely on it: what is required to be present is present there. An auth by itself asks whether it is known who sends the request.",
    example: "require client.ip in 10.0.0.0/8, else=403",
};

params! {
    /// What must hold, and what is answered if it does not.
    pub struct Require {
        /// What must hold.
        condition: Dyn<bool>,
        /// The status that is answered if it does not; 401 where nothing is asked for but an auth.
        r#else: RefusalStatus = "403",
        /// The text that is answered then; the status' own words when not given.
        body: Option<Dyn<String>>,
    }
}

/// A requirement, built.
pub(crate) struct Requirement {
    told: Require,
    /// The auths that its condition asks.
    auths: Vec<Arc<str>>,
}

impl Act for Requirement {
    fn build(making: &Making<'_>, _: Option<&Requirement>) -> Result<Requirement, String> {
        let told = Require::decode(&making.arguments()).map_err(Making::blame(&ROW))?;
        Ok(Requirement { told, auths: making.auths(0) })
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        self.on_response(ex).map(|()| Flow::Next)
    }

    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
        // Fails closed: what is not `true` is refused, whatever it is.
        if ex.eval(&self.told.condition).unwrap_or(false) {
            return Ok(());
        }
        let text = ex.eval_optional(self.told.body.as_ref())?;
        let status = self.told.r#else.0;
        // What is wrong with a token says more than that another one is missing.
        let reasons = self.auths.iter().filter_map(|auth| auth::reason(ex, auth));
        match reasons.max_by_key(|reason| *reason != Reason::Missing) {
            Some(reason) => Err(Failure::Unknown { status, text, reason }),
            None => Err(Failure::Denied { status, text }),
        }
    }
}
