//! What a policy can do: one file per verb in `actions/`, its row beside its behaviour, and one word in the list
//! below. An action touches the exchange only: its request, its plan for forwarding, or its response.

use lang::vocab::Action;

mod forward;
mod redirect;
mod require;
mod respond;
mod rewrite;
mod set;
mod unset;

/// Declares the verbs: each word is a file in `actions/` with its `ROW`.
macro_rules! actions {
    ($($name:ident,)*) => {
        /// The row of every action.
        pub static ROWS: &[&Action] = &[$(&$name::ROW,)*];
    };
}

actions![forward, redirect, require, respond, rewrite, set, unset,];
