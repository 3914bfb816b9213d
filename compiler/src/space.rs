//! Sets of requests, exactly: each field a condition asks is cut into finitely many classes (`space/cut.rs`), and sets are
//! decision diagrams over these (`space/diagram.rs`). Emptiness, inclusion and witnesses are then a matter of looking. What
//! is too large or cannot be taken apart ends in [`Undecided`] or in a field that stands for itself; never in a guess.
//!
//! First every condition is read with a [`Cut`], because classes depend on all that is asked; then [`Cut::finish`] makes
//! the [`Space`] in which formulas are sets.

mod arrival;
mod automata;
mod before;
mod building;
mod conditions;
mod cut;
mod diagram;
mod few;
mod fields;
mod formula;
mod guess;
pub(crate) mod identity;
mod items;
mod known;
mod language;
mod meaning;
mod paths;
mod patience;
mod reading;
mod relations;
mod sets;
mod shared;
mod solve;
mod sums;
mod term;
mod test;

pub use arrival::MOST_READ;
pub(crate) use arrival::lets_long;
pub(crate) use arrival::{Door, Fact, arriving, believes, door, longest_head, scheme, settled};
pub(crate) use building::is_sayable;
pub(crate) use cut::{ELSEWHERE, SOME_ID, is_host_name, may_be};
pub(crate) use diagram::{Set, Undecided};
pub(crate) use formula::{Env, Formula};
pub(crate) use guess::Blame;
pub(crate) use identity::{are_told_alike, may_share_token, sources, stands_in};
pub(crate) use language::{can_be_said, trimmed};
pub(crate) use patience::Patience;
pub(crate) use reading::Cut;
pub(crate) use relations::host_and_port;
pub(crate) use sets::Space;
pub(crate) use term::{Of, Term};
pub(crate) use test::{Test, Within, names};
