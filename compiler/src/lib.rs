//! From a typed policy to a match-and-action program, and from a program to decisions. Pure.
//!
//! `lower(&Policy) -> Program`, `load(Program, inputs, Backend) -> Matcher`, `Matcher::decide`.

pub mod frame;
pub mod matcher;
pub mod program;

pub use frame::{Fill, Frame, Head, Read, Slot, SlotId};
pub use matcher::{Decision, Matcher};
pub use program::{Program, RouteId};
