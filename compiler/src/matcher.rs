//! A loaded program: inputs bound, ready to decide. Whoever asks cannot tell which backend answers.

use std::sync::Arc;

use lang::Value;
use lang::vocab::{Argument, ExprId};

use crate::frame::{Fill, Frame, Head, SlotId};
use crate::program::{Program, RouteId};

/// Which route answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// This one; its captures are in the frame.
    Route(RouteId),
    /// None, but these methods would find one: 405.
    MethodNotAllowed(Vec<Arc<str>>),
    /// None: 404.
    NotFound,
    /// It depends on a slot that is pending: wait for it and decide again.
    Pending(SlotId),
}

/// A program with its inputs bound.
#[derive(Debug)]
pub struct Matcher {
    program: Arc<Program>,
    inputs: Vec<Value>,
}

impl Matcher {
    /// The program it runs.
    pub fn program(&self) -> &Program {
        &self.program
    }
}
