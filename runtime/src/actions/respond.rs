//! `respond`: the gateway answers by itself.

use super::prelude::*;

pub(super) type Instance = Responder;

pub(super) static ROW: Action = Action {
    name: "respond",
    params: Respond::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::Responds,
    asserts: None,
    doc: "Answers without an upstream: with a text, an HTML page or a JSON document, at most one of them. The statements behind it run on the answer.",
    example: "respond 200, \"hello\"",
};

params! {
    /// The answer.
    pub struct Respond {
        /// The status.
        status: Dyn<Status> = "200",
        /// A text, sent as `text/plain; charset=utf-8`.
        body: Option<Dyn<String>>,
        /// A page, sent as `text/html; charset=utf-8`. It cannot depend on the request, so that nobody can put markup into it.
        html: Option<String>,
        /// A document, sent as `application/json`.
        json: Option<Dyn<Document>>,
    }
}

/// An answer, ready to be filled in.
pub(crate) struct Responder(Respond);

impl Responder {
    fn answer(&self, ex: &Exchange) -> Result<Answer, Failure> {
        let Respond { status, body, html, json } = &self.0;
        let Status(status) = ex.eval(status)?;
        if let Some(html) = html {
            return Ok(Answer::text(status, "text/html; charset=utf-8", html.clone()));
        }
        if let Some(json) = json {
            let Document(document) = ex.eval(json)?;
            let mut text = String::new();
            crate::fields::write_document(&document, &mut text);
            return Ok(Answer::text(status, "application/json", text));
        }
        let text = ex.eval_optional(body.as_ref())?.unwrap_or_default();
        Ok(Answer::text(status, "text/plain; charset=utf-8", text))
    }
}

impl Act for Responder {
    fn build(making: &Making<'_>, _: Option<&Responder>) -> Result<Responder, String> {
        let respond = Respond::decode(&making.arguments()).map_err(Making::blame(&ROW))?;
        let given = [respond.body.is_some(), respond.html.is_some(), respond.json.is_some()];
        if given.into_iter().filter(|&given| given).count() > 1 {
            return Err("takes one of `body`, `html` and `json`, not several".to_owned());
        }
        if let Dyn::Constant(lang::Value::Status(status), _) = respond.status
            && status < 200
        {
            return Err(format!("cannot end an exchange with {status}"));
        }
        Ok(Responder(respond))
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        self.answer(ex).map(|answer| Flow::Reply(Box::new(answer)))
    }

    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
        ex.answer = Some(self.answer(ex)?);
        Ok(())
    }
}
