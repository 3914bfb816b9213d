//! The pure functions of the language: one file each, its row beside its behaviour. Nothing here knows a request.

use crate::types::Ty;
use crate::vocab::{Function, Param};

/// The most items of a list that a function gives: what a list may hold is bounded.
pub const MOST_ITEMS: usize = 256;

/// Declares the shelf: each word is a file in `functions/` with a `ROW`.
macro_rules! functions {
    ($($name:ident,)*) => {
        /// Every function, by name.
        pub static FUNCTIONS: &[&Function] = &[$(&$name::ROW,)*];
    };
}

mod base64;
mod contains;
mod ends_with;
mod int;
mod ip;
mod length;
mod lower;
mod matches;
mod split;
mod starts_with;
mod strip_prefix;
mod text;
mod trim;
mod upper;

functions![
    base64,
    contains,
    ends_with,
    int,
    ip,
    length,
    lower,
    matches,
    split,
    starts_with,
    strip_prefix,
    text,
    trim,
    upper,
];

/// The row of a parameter that may depend on the request.
const fn param(name: &'static str, ty: fn() -> Ty, doc: &'static str) -> Param {
    Param { dynamic: true, ..constant(name, ty, doc) }
}

/// The row of a parameter that must be constant.
const fn constant(name: &'static str, ty: fn() -> Ty, doc: &'static str) -> Param {
    let accepts = Param::anything;
    Param { name, ty, default: None, dynamic: false, rest: false, accepts, hint: None, doc }
}
