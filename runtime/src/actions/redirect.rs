//! `redirect`: sends the client elsewhere.

use super::prelude::*;
use crate::splice::{self, Splice};
use crate::values::RedirectStatus;

pub(super) type Instance = Redirection;

pub(super) static ROW: Action = Action {
    name: "redirect",
    params: Redirect::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::Responds,
    late: true,
    methods: &[],
    coherent: None,
    asserts: None,
    doc: "Answers with a `Location`: 301 or 308 for good, 302 or 307 for now, 303 to be asked for with `GET`. 307 and 308 keep the method. The statements behind it run on the answer.",
    example: "redirect 308, \"https://{req.host}{req.target}\"",
};

params! {
    /// Where the client is sent.
    pub struct Redirect {
        /// The status: 301, 302, 303, 307 or 308.
        status: RedirectStatus = "302",
        /// The place, an absolute URI or a path. A value spliced into text stands within one component; only the request's own host, path and query stand as they are. Whatever cannot stand in a URI is percent-encoded; a value that would be `.` or `..` in place of a segment of the path is answered with 400.
        location: Dyn<Location>,
    }
}

/// A text that is one at least.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Location(String);

impl Decode for Location {
    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<Location, String> {
        match String::decode(value)? {
            text if text.is_empty() => {
                Err("an empty text is no place to send a client to".to_owned())
            }
            text => Ok(Location(text)),
        }
    }

    fn accepts(known: Known<'_>) -> Result<(), String> {
        match known {
            Known::Value(value) => Self::decode(value).map(drop),
            Known::Spliced(parts) => splice::place_of(parts),
            Known::Text(_) | Known::Nothing => Ok(()),
        }
    }
}

/// A redirection, ready to be filled in.
pub(crate) struct Redirection {
    status: u16,
    location: Splice,
}

impl Redirection {
    fn answer(&self, ex: &Exchange) -> Result<Answer, Failure> {
        let location = self.location.location(ex)?;
        let mut answer = Answer::text(self.status, "text/plain; charset=utf-8", "");
        answer.response.headers.append("location", location).map_err(|_| Failure::Value)?;
        Ok(answer)
    }
}

impl Act for Redirection {
    fn build(making: &Making<'_>, _: Option<&Redirection>) -> Result<Redirection, String> {
        let redirect = Redirect::decode(&making.arguments()).map_err(Making::blame(&ROW))?;
        let RedirectStatus(status) = redirect.status;
        let location = making.splice(1, splice::Form::Location)?;
        Ok(Redirection { status, location })
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        self.answer(ex).map(|answer| Flow::Reply(Box::new(answer)))
    }

    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
        ex.answer = Some(self.answer(ex)?);
        Ok(())
    }
}
