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
    methods: &[],
    coherent: None,
    asserts: None,
    doc: "Gives a field a value: `up.…` before `forward`, `resp.…` behind it. An absent value takes the field away. What is written replaces every header field of that name. A value of the request that cannot stand there, such as a line break in a header field, is answered with 400 on the way in; on the way back it counts as absent, and `left_out` in the access log tells of it.",
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
