//! `set`: gives a field of the request being sent, or of the answer, a value.

use super::place::{Assigned, Place};
use super::prelude::*;

pub(super) type Instance = Setting;

pub(super) static ROW: Action = Action {
    name: "set",
    params: &[],
    form: Form::Assign,
    phase: Phase::Route,
    ends: Ends::No,
    late: true,
    coherent: None,
    asserts: None,
    doc: "Gives a field a value: `up.…` before `forward`, `resp.…` behind it. An absent value takes the field away. What is written replaces every header field of that name.",
    example: "set up.header[\"x-user\"] = req.header[\"x-caller\"]",
};

/// A place and what comes there.
pub(crate) struct Setting {
    place: Place,
    value: Assigned,
}

impl Act for Setting {
    fn build(making: &Making<'_>, _: Option<&Setting>) -> Result<Setting, String> {
        let place = Place::of(making)?;
        let value = Assigned::of(making, &place)?;
        Ok(Setting { place, value })
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        self.on_response(ex).map(|()| Flow::Next)
    }

    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
        let value = self.value.value(ex)?;
        self.place.put(ex, &value)
    }
}
