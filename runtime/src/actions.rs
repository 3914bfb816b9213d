//! What a policy can do: one file per verb in `actions/`, its row beside its behaviour, and one word in the list
//! below; after the verbs stands what `apply` puts in place of an item. An action touches the exchange only: its request, its plan for forwarding, or its response.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use compiler::Matcher;
use compiler::program::{Call, Route};
use lang::Value;
use lang::vocab::identity::CLAIMS;
use lang::vocab::{Action, Argument, ExprId};

use crate::cache::Store;
use crate::exchange::{Answer, Exchange, UpstreamId};
use crate::failure::Failure;
use crate::limits::Limits;
use crate::splice::{self, Splice};

mod add;
mod cache;
mod forward;
mod limit;
mod place;
mod prelude;
mod redirect;
mod require;
mod respond;
mod rewrite;
mod set;
mod unset;

pub(crate) use limit::BLOCK as LIMIT;

/// What comes of an action on the way in.
pub type Outcome = Result<Flow, Failure>;

/// How the exchange goes on.
#[derive(Debug)]
pub enum Flow {
    /// With the next statement.
    Next,
    /// With the upstream that the plan names.
    Forward,
    /// With this answer.
    Reply(Box<Answer>),
}

/// The behaviour of an action. What it needs to know of the policy is in it once it is built.
pub(crate) trait Act: Sized {
    /// The action, from its line of the policy; the error says what is wrong with it. The instance that stood in the
    /// same place before a reload is offered.
    fn build(making: &Making<'_>, before: Option<&Self>) -> Result<Self, String>;

    /// What it does before the request is forwarded or answered.
    fn on_request(&self, ex: &mut Exchange) -> impl Future<Output = Outcome>;

    /// What it does on the way back, when there is an answer.
    fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure>;
}

/// What an action is built from.
#[derive(Clone, Copy, Debug)]
pub struct Making<'m> {
    /// Its line.
    pub call: &'m Call,
    /// The route in which the line stands.
    pub route: &'m Route,
    /// Whether it stands behind the statement that forwards or answers.
    pub way_back: bool,
    /// The program.
    pub matcher: &'m Matcher,
    /// The upstreams, by name.
    pub upstreams: &'m HashMap<Arc<str>, UpstreamId>,
    /// The counts of its limits.
    pub(crate) limits: &'m RefCell<Limits>,
    /// Where answers are kept.
    pub(crate) cache: Option<&'m Arc<Store>>,
}

impl Making<'_> {
    /// The line's arguments, inputs bound.
    pub fn arguments(&self) -> Vec<Argument> {
        self.call.args.iter().map(|&expr| self.matcher.argument(expr)).collect()
    }

    /// Arguments as far as they are known.
    pub fn known(arguments: &[Argument]) -> Vec<Option<&Value>> {
        let known = arguments.iter().map(|argument| match argument {
            Argument::Constant(value) => Some(value),
            Argument::Expression(_) => None,
        });
        known.collect()
    }

    /// The expression that is the `at`th argument.
    pub fn expression(&self, at: usize) -> Option<ExprId> {
        self.call.args.get(at).copied()
    }

    /// The auths whose claims the `at`th argument reads.
    pub(crate) fn auths(&self, at: usize) -> Vec<Arc<str>> {
        let program = self.matcher.program();
        let slots = program.reads(self.expression(at));
        let slots = slots.into_iter().filter_map(|slot| program.slot(slot));
        slots
            .filter(|slot| *slot.field == *CLAIMS.path)
            .filter_map(|slot| slot.key.clone())
            .collect()
    }

    /// The upstream of this name.
    pub fn upstream(&self, name: &str) -> Result<UpstreamId, String> {
        let known = self.upstreams.get(name).copied();
        known.ok_or_else(|| format!("names `{name}`, which is no upstream"))
    }

    /// The text that the `at`th argument gives, part by part.
    pub(crate) fn splice(&self, at: usize, form: splice::Form) -> Result<Splice, String> {
        let expr = self.expression(at).ok_or("needs a value")?;
        Ok(Splice::of(self.matcher, self.route, expr, form))
    }

    /// Refuses a line that would change what is already sent.
    pub fn must_be_on_the_way_in(&self) -> Result<(), String> {
        match self.way_back {
            true => Err("comes too late: the request is already sent or answered".to_owned()),
            false => Ok(()),
        }
    }

    /// Says which parameter of `row` a decoding error is about.
    pub fn blame(row: &Action) -> impl FnOnce((usize, String)) -> String {
        |(at, reason)| match row.params.get(at) {
            Some(param) => format!("cannot take its `{}`: {reason}", param.name),
            None => reason,
        }
    }
}

/// Declares the verbs, and behind them what has none: each word is a file in `actions/` with its `ROW` and its
/// `Instance`.
macro_rules! actions {
    ($($verb:ident,)*; $($applied:ident,)*) => {
        /// The row of every verb.
        pub static ROWS: &[&Action] = &[$(&$verb::ROW,)*];

        /// The row of what `apply` puts in place of an item.
        static APPLIED: &[&Action] = &[$(&$applied::ROW,)*];

        actions!(@built $($verb,)* $($applied,)*);
    };
    (@built $($name:ident,)*) => {

        /// An action as it stands in a route, built.
        #[expect(non_camel_case_types, reason = "a verb is registered by one word")]
        pub(crate) enum Built {
            $($name($name::Instance),)*
        }

        impl Built {
            /// The action that `making` tells of.
            pub(crate) fn build(
                making: &Making<'_>,
                before: Option<&Built>,
            ) -> Result<Built, String> {
                match &*making.call.action {
                    $(stringify!($name) => {
                        let before = match before {
                            Some(Built::$name(before)) => Some(before),
                            _ => None,
                        };
                        <$name::Instance as Act>::build(making, before).map(Built::$name)
                    })*
                    _ => Err("is no action".to_owned()),
                }
            }

            /// See [`Act::on_request`].
            pub(crate) async fn on_request(&self, ex: &mut Exchange) -> Outcome {
                match self {
                    $(Built::$name(action) => action.on_request(ex).await,)*
                }
            }

            /// See [`Act::on_response`].
            pub(crate) fn on_response(&self, ex: &mut Exchange) -> Result<(), Failure> {
                match self {
                    $(Built::$name(action) => action.on_response(ex),)*
                }
            }
        }
    };
}

actions![add, cache, forward, redirect, require, respond, rewrite, set, unset,; limit,];

/// The row of the action of this name.
pub(crate) fn row(name: &str) -> Option<&'static Action> {
    ROWS.iter().chain(APPLIED).find(|row| row.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_and_the_list_agree() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/actions");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
            .filter(|name| !["place", "prelude"].contains(&name.as_str()))
            .collect();
        files.sort();
        let mut rows: Vec<&str> = ROWS.iter().chain(APPLIED).map(|row| row.name).collect();
        rows.sort_unstable();
        assert_eq!(files, rows);
    }
}
