//! What every action's file needs.

pub(super) use std::time::Duration;

pub(super) use lang::vocab::decode::{Decode, Document, Dyn, Percent, UpstreamName};
pub(super) use lang::vocab::{Action, Argument, Ends, Form, Known, Phase};
pub(super) use lang::{Ty, Value, params};

pub(super) use super::{Act, Flow, Making, Outcome};
pub(super) use crate::exchange::{Answer, Exchange};
pub(super) use crate::failure::Failure;
