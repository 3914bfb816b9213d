//! What is done to a program between lowering and routing, in order; one pass is one file in `passes/`. A pass changes how
//! a program says something and never what it says, and shows in its text.

use crate::program::Program;
use crate::verify;

/// A step from a program to a better one.
type Pass = fn(&mut Program);

/// Declares the passes: each word is a file in `passes/` with a `run`.
macro_rules! passes {
    ($($name:ident,)*) => {
        /// Every pass by name, in the order in which they run.
        const PASSES: &[(&str, Pass)] = &[$((stringify!($name), $name::run),)*];
    };
}

mod fold;
mod sweep;

passes![fold, sweep,];

/// Runs every pass.
pub(crate) fn run(program: &mut Program) {
    for (name, pass) in PASSES {
        pass(program);
        // INVARIANT: a pass keeps what `verify` states; loading looks again.
        debug_assert_eq!(verify(program), Ok(()), "after {name}");
    }
}
