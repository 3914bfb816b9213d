//! `unset`: takes a field off the request being sent, or off the answer.

use super::place::Place;
use super::prelude::*;

pub(super) type Instance = Unsetting;

pub(super) static ROW: Action = Action {
    name: "unset",
    params: &[],
    form: Form::Place,
    phase: Phase::Route,
    ends: Ends::No,
    late: true,
    methods: &[],
    coherent: None,
    asserts: None,
    doc: "Takes a field away: `up.…` before `forward`, `resp.…` behind it. It does nothing if there is none.",
    example: "unset up.header[\"authorization\"]",
};

/// A place to be emptied.
pub(crate) struct Unsetting(Place);

impl Act for Unsetting {
    fn build(making: &Making<'_>, _: Option<&Unsetting>) -> Result<Unsetting, String> {
        let place = Place::of(making)?;
        place.accepts(Known::Value(&Value::Absent))?;
        Ok(Unsetting(place))
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        self.on_response(ex).map(|()| Flow::Next)
    }

    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
        self.0.put(ex, &Value::Absent)
    }
}
