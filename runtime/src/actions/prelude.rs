//! What every action's file needs.

pub(super) use std::time::Duration;

pub(super) use lang::params;
pub(super) use lang::vocab::decode::{Decode, Document, Dyn, Percent, Status, UpstreamName};
pub(super) use lang::vocab::{Action, Argument, Ends, Form, Phase};

pub(super) use super::{Act, Flow, Making, Outcome};
pub(super) use crate::exchange::{Answer, Exchange};
pub(super) use crate::failure::Failure;
