//! `rewrite`: asks the upstream for another path than the client did.

use super::prelude::*;
use crate::splice::{self, Splice};

pub(super) type Instance = Rewriting;

pub(super) static ROW: Action = Action {
    name: "rewrite",
    params: Rewrite::PARAMS,
    form: Form::Plain,
    phase: Phase::Route,
    ends: Ends::No,
    late: false,
    methods: &[],
    coherent: None,
    asserts: None,
    doc: "Puts another path in the request being sent; the query stays. A value spliced in stands within one segment, so it can add neither a segment nor a query; only text of the request's own path keeps its `/`. A `match` or `??` that is all of it chooses among paths, each put together by itself. A value that cannot stand there (empty, `.`, `..` or with a `/`) is answered with 400.",
    example: "rewrite \"/internal/users/{path.id}\"",
};

params! {
    /// The path that is asked for instead.
    pub struct Rewrite {
        /// The path, beginning with `/`.
        path: Dyn<SentPath>,
    }
}

/// A path as the policy says it. What a request brings into it is judged part by part where it is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SentPath(String);

impl Decode for SentPath {
    const HINT: Option<&'static str> = Some(
        "write the new path as one text, `rewrite \"/b/{id}\"` with what `path` captures, or `rewrite \"/b{strip_prefix(req.path, \"/a\")}\"` for all that is beneath `/a`",
    );

    fn ty() -> Ty {
        Ty::String
    }

    fn decode(value: &Value) -> Result<SentPath, String> {
        String::decode(value).map(SentPath)
    }

    fn accepts(known: Known<'_>) -> Result<(), String> {
        splice::path_of(known)
    }
}

/// A path, ready to be filled in.
pub(crate) struct Rewriting(Splice);

impl Act for Rewriting {
    fn build(making: &Making<'_>, _: Option<&Rewriting>) -> Result<Rewriting, String> {
        making.must_be_on_the_way_in()?;
        Rewrite::decode(&making.arguments()).map_err(Making::blame(&ROW))?;
        Ok(Rewriting(path(making)?))
    }

    async fn on_request(&self, ex: &mut Exchange) -> Outcome {
        let path = self.0.path(ex)?;
        ex.change_up(|up| up.target.set_path(&path)).map_err(|_| Failure::Value)?;
        Ok(Flow::Next)
    }

    fn on_response(&self, _: &mut Exchange) -> Result<(), Failure> {
        Ok(())
    }
}

/// The path that the first argument gives; what is wrong with the policy's own part of it, or of one of those among which
/// it chooses, is told.
pub(super) fn path(making: &Making<'_>) -> Result<Splice, String> {
    let path = making.splice(0, splice::Form::Path)?;
    for known in path.known() {
        splice::path_of(Known::Text(&known))
            .map_err(|reason| format!("cannot do this: {reason}"))?;
    }
    Ok(path)
}
