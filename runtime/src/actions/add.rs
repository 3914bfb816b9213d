//! `add`: puts one more field of a name beside those that are there.

use super::place::{Assigned, Place};
use super::prelude::*;

pub(super) type Instance = Adding;

pub(super) static ROW: Action = Action {
    name: "add",
    params: &[],
    form: Form::Append,
    phase: Phase::Route,
    ends: Ends::No,
    late: true,
    methods: &[],
    coherent: None,
    asserts: None,
    doc: "Puts one more header field beside those of its name: `up.header` before `forward`, `resp.header` behind it. An absent value adds nothing. A value of the request that cannot stand there is answered with 400 on the way in, and adds nothing on the way back. Fields that have one value, such as `location`, are `set`.",
    example: "add up.header[\"x-tag\"] = \"eu\"",
};

/// A place and what comes beside what is there.
pub(crate) struct Adding {
    place: Place,
    value: Assigned,
}

impl Act for Adding {
    fn build(making: &Making<'_>, _: Option<&Adding>) -> Result<Adding, String> {
        let place = Place::of(making)?;
        if !place.repeats() {
            return Err("cannot put a second value where there is one".to_owned());
        }
        let value = Assigned::of(making, &place)?;
        Ok(Adding { place, value })
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        self.on_response(ex).map(|()| Flow::Next)
    }

    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
        let value = self.value.value(ex)?;
        self.place.add(ex, &value)
    }
}
