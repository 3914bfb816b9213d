//! What the compiler promises, on policies built by hand: the order and its messages, decisions, explanations, and all of
//! it against a reference that goes through a small world request by request.

#![expect(clippy::unwrap_used, reason = "in a test, that is a failure")]

// By the floor's short name, as everywhere.
extern crate gw_compiler as compiler;

mod artifact;
mod build;
mod decide;
mod diff;
mod jit;
mod judge;
mod order;
mod passes;
mod proof;
mod reference;
mod requirement;
mod served;
mod session;
mod table;
mod text;
