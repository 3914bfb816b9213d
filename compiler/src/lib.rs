//! From a typed policy to a match-and-action program, and from a program to decisions. Pure: no clock, disk, socket
//! or task, and no source text.
//!
//! A policy's way: [`lower()`] makes a [`Program`], [`load`] binds its inputs and gives a [`Matcher`]. A request's way:
//! [`Matcher::decide`] finds the route, [`Matcher::eval`] and [`Matcher::argument`] serve its statements, and
//! [`Matcher::explain`] tells why the others lost.

pub mod artifact;
pub mod burden;
pub mod caching;
pub mod change;
pub mod decision;
pub mod diff;
pub mod explain;
pub mod fit;
pub mod frame;
mod index;
mod interp;
#[cfg(feature = "jit")]
mod jit;
pub mod judge;
pub mod lower;
pub mod matcher;
pub mod names;
mod order;
mod partial;
mod passes;
pub mod passing;
mod pattern;
pub mod program;
pub mod proof;
pub mod requirement;
pub mod said;
pub mod session;
mod space;
pub mod splice;
mod table;
pub mod verify;

pub use change::{Change, Wish};
pub use decision::Decision;
pub use explain::{Explanation, Loss, Verdict};
pub use frame::{Ask, Fill, Frame, Head, Method, Read, Slot, SlotId};
pub use lower::lower;
pub use matcher::{Backend, Compiled, LoadError, Matcher, Refused, load, load_after, load_with};
pub use program::{ListenerId, Program, RouteId};
pub use proof::{prove, prove_bound};
pub use session::{Answer, Session, Whole, check, check_without};
pub use space::MOST_READ;
pub use table::Tables;
pub use verify::verify;
