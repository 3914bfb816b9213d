//! Machine code for residual code that is run often. It says what `interp/run.rs` says, or says nothing and leaves the
//! decision to it. Making it takes time and belongs on a thread that serves nobody; memory is never writable and
//! executable at once, and lives as long as the code it was made for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use crate::index::Cell;
use crate::interp::run::Run;
use crate::matcher::{Compiled, Refused};
use crate::program::code::{Code, Goal};

mod emit;
mod entry;
mod shims;

use entry::Block;

/// After so many runs code is worth a compiler's time.
const HOT: u32 = 1_000;

/// The most codes that are compiled at a time.
const MOST: usize = 4_096;

/// The machine code of one [`Code`], once there is some.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    runs: AtomicU32,
    block: OnceLock<Option<Block>>,
}

impl Machine {
    /// Runs it. `None` if there is none, or the interpreter has to say.
    #[inline]
    pub(crate) fn run(&self, run: &Run<'_>, cell: &Cell, host: u32) -> Option<Goal> {
        match self.block.get() {
            Some(Some(block)) => block.run(run, cell, host),
            Some(None) => None,
            None => {
                // Once it is hot nobody writes here any more, so cores do not quarrel over what they all run.
                if self.runs.load(Ordering::Relaxed) < HOT {
                    self.runs.fetch_add(1, Ordering::Relaxed);
                }
                None
            }
        }
    }

    fn is_wanted(&self, at_once: bool) -> bool {
        self.block.get().is_none() && (at_once || self.runs.load(Ordering::Relaxed) >= HOT)
    }
}

impl Clone for Machine {
    /// A copy of code begins without.
    fn clone(&self) -> Machine {
        Machine::default()
    }
}

/// Makes machine code for those of the codes that are hot, or for all of them; says how much. All are in one mapping.
pub(crate) fn compile<'c>(
    codes: impl Iterator<Item = &'c Arc<Code>>,
    at_once: bool,
) -> Result<Compiled, Refused> {
    let wanted: Vec<&Arc<Code>> =
        codes.filter(|code| code.machine.is_wanted(at_once)).take(MOST).collect();
    let (worth, idle): (Vec<&Arc<Code>>, Vec<&Arc<Code>>) =
        wanted.into_iter().partition(|code| emit::is_worth(code));
    for code in idle {
        // Nobody else is slowed down by setting it twice.
        let _ = code.machine.block.set(None);
    }
    if worth.is_empty() {
        return Ok(Compiled::default());
    }
    let (blocks, bytes) = entry::blocks(&worth)?;
    let made = Compiled { blocks: blocks.len(), bytes };
    for (code, block) in worth.into_iter().zip(blocks) {
        let _ = code.machine.block.set(Some(block));
    }
    Ok(made)
}

/// The machine code of some residual code, disassembled; none if there is to be none.
pub(crate) fn listing(code: &Code) -> Result<Option<String>, Refused> {
    emit::is_worth(code).then(|| entry::listing(code)).transpose()
}
