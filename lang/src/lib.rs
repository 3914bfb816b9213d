//! The language: from text to a typed policy.
//!
//! A policy flows one way: **text → `Tree` → `Policy`**. Pure: no clock, disk, socket or task, and no action known by name.

pub mod check;
pub mod diag;
pub mod document;
pub mod eval;
mod foreign;
mod format;
pub mod functions;
pub mod hosts;
pub mod literal;
pub mod policy;
pub mod quoted;
pub mod segment;
pub mod source;
pub mod syntax;
pub mod types;
pub mod value;
pub mod vocab;

pub use check::{Checked, Index, ModuleFile, Unit, check, check_without, modules, uses};
pub use diag::{Diag, Edit, Entry, Fix, Label, Mends, Severity};
pub use format::format;
pub use policy::Policy;
pub use source::{LineColumn, Source, SourceId, Sources, Span};
pub use syntax::{Tree, outline, parse};
pub use types::Ty;
pub use value::Value;
pub use vocab::Vocabulary;
