//! The language: from text to a typed policy.
//!
//! A policy flows one way: **text → `Tree` → `Policy`**. Pure: no clock, disk, socket or task, and no action known by name.

pub mod diag;
pub mod source;

pub use diag::{Diag, Edit, Entry, Fix, Label, Severity};
pub use source::{LineColumn, Source, SourceId, Sources, Span};
