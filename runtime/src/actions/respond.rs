//! `respond`: the gateway answers by itself.

use lang::document::{MOST, write_within};

use super::prelude::*;
use crate::values::FinalStatus;

pub(super) type Instance = Responder;

pub(super) static ROW: Action = Action {
    name: "respond",
    params: Respond::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::Responds,
    late: true,
    methods: &[],
    coherent: Some(coherent),
    asserts: None,
    doc: "Answers without an upstream: with a text, an HTML page or a JSON document, at most one of them. The statements behind it run on the answer.",
    example: "respond 200, \"hello\"",
};

params! {
    /// The answer.
    pub struct Respond {
        /// The status.
        status: Dyn<FinalStatus> = "200",
        /// A text, sent as `text/plain; charset=utf-8`.
        body: Option<Dyn<String>>,
        /// A page, sent as `text/html; charset=utf-8`. It cannot depend on the request, so that nobody can put markup into it.
        html: Option<String>,
        /// A document, sent as `application/json`: members in the order of their names, without those that are absent.
        json: Option<Dyn<Document>>,
    }
}

/// An answer, ready to be filled in.
pub(crate) struct Responder(Respond);

impl Responder {
    fn answer(&self, ex: &Exchange) -> Result<Answer, Failure> {
        let Respond { status, body, html, json } = &self.0;
        let FinalStatus(status) = ex.eval(status)?;
        if let Some(html) = html {
            return Ok(Answer::text(status, "text/html; charset=utf-8", html.clone()));
        }
        if let Some(json) = json {
            let Document(document) = ex.eval(json)?;
            let mut text = String::new();
            if !write_within(&document, MOST, &mut text) {
                return Err(Failure::Value);
            }
            return Ok(Answer::text(status, "application/json", text));
        }
        let text = ex.eval_optional(body.as_ref())?.unwrap_or_default();
        Ok(Answer::text(status, "text/plain; charset=utf-8", text))
    }
}

impl Act for Responder {
    fn build(making: &Making<'_>, _: Option<&Responder>) -> Result<Responder, String> {
        let arguments = making.arguments();
        coherent(&Making::known(&arguments)).map_err(Making::blame(&ROW))?;
        Respond::decode(&arguments).map(Responder).map_err(Making::blame(&ROW))
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        self.answer(ex).map(|answer| Flow::Reply(Box::new(answer)))
    }

    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
        ex.answer = Some(self.answer(ex)?);
        Ok(())
    }
}

/// At most one content, and none where the status has none (RFC 9110, sections 15.3.5 and 15.4.5).
fn coherent(arguments: &[Option<&Value>]) -> Result<(), (usize, String)> {
    let status = match arguments.first() {
        Some(Some(Value::Status(status))) => Some(*status),
        _ => None,
    };
    let given =
        |(_, value): &(usize, &Option<&Value>)| value.is_none_or(|value| !value.is_absent());
    let mut contents = arguments.iter().enumerate().skip(1).filter(given);
    let first = contents.next();
    match (status, first, contents.next()) {
        (Some(status @ (204 | 205 | 304)), Some((at, _)), _) => {
            Err((at, format!("an answer of status {status} has no content")))
        }
        (_, Some((one, _)), Some((other, _))) => {
            let name = |at: usize| Respond::PARAMS.get(at).map_or("", |param| param.name);
            Err((other, format!("an answer has one content: `{}` or `{}`", name(one), name(other))))
        }
        _ => Ok(()),
    }
}
