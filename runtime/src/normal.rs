//! The one normal form of a request (language reference, "One normal form of a request").
//! Computed once, before any predicate looks; what cannot be brought into it is refused by name.

mod authority;
mod fields;
mod path;
/// Reading the query of a target.
pub mod query;

pub use authority::authority;
pub use fields::single_valued;
pub(crate) use fields::{unmask, unmask_one};
pub use path::path;
pub use query::query;
