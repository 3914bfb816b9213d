//! What an `auth` gives: the claims of whoever asks, once they are verified. Every auth has claims of its own types, so
//! that they are no field of the vocabulary; what is read is this row, with the auth's name as its key.

use super::{Field, Key, Phase};
use crate::types::Ty;

/// The verified claims of an auth; absent where there are none. Its type is the record that the auth declares, and its
/// key the auth's name; it is never looked up by path.
pub static CLAIMS: Field = Field {
    path: "auth",
    key: Key::Exact,
    ty: || Ty::Json.optional(),
    from: Phase::Request,
    written: None,
    doc: "The verified claims of an auth; absent where there are none.",
    example: "require token",
};

/// The type of a parameter that takes `{ name: Type = default, … }`: claims by name. What arrives is a map of the
/// defaults; the types are those of what is read.
pub const DECLARED: Ty = Ty::Item("claims");

/// The row of an auth's provider: `auth token = jwt { … }` is configured as `auth jwt`.
pub fn row_name(provider: &str) -> String {
    format!("auth {provider}")
}

/// The provider that a row is of, if it is one's.
pub fn provider(row: &str) -> Option<&str> {
    row.strip_prefix("auth ")
}
