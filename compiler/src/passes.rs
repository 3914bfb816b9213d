//! What is done to a program around routing, in order; one pass is one file in `passes/`. `order` works where conditions
//! become code, the others on the program as a whole. A pass changes how
//! a program says something and never what it says, and shows in its text.

use crate::program::Program;
use crate::verify;

/// A step from a program to a better one.
type Pass = fn(&mut Program);

/// Declares the passes: each word is a file in `passes/` with a `run`.
macro_rules! passes {
    ($shelf:ident: $($name:ident,)*) => {
        const $shelf: &[(&str, Pass)] = &[$((stringify!($name), $name::run),)*];
    };
}

mod fold;
pub(crate) mod order;
mod settle;
mod sweep;

passes![BEFORE: fold, sweep,];
passes![BEHIND: settle,];

/// Runs the passes that come before routing.
pub(crate) fn run(program: &mut Program) {
    all(program, BEFORE);
}

/// Runs those that work on candidates.
pub(crate) fn run_routed(program: &mut Program) {
    all(program, BEHIND);
}

fn all(program: &mut Program, passes: &[(&str, Pass)]) {
    for (name, pass) in passes {
        pass(program);
        // INVARIANT: a pass keeps what `verify` states; loading looks again.
        debug_assert_eq!(verify(program), Ok(()), "after {name}");
    }
}
