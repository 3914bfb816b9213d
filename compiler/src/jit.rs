//! Machine code for what is decided often: for a host with few routes all of it, from the path on; of other hosts for a
//! cell. It says what the interpreter says, or says nothing and leaves the decision to it. Making it takes time and belongs
//! on a thread that serves nobody; memory is never writable and executable at once, and lives as long as what it was made
//! for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::frame::Ask;
use crate::index::{Cell, Scope};
use crate::interp::Bound;
use crate::matcher::{Compiled, Refused};
use crate::program::VirtualHost;
use crate::program::code::{Code, MethodBit};

mod emit;
mod entry;
mod plan;
mod shims;

use entry::Block;
use plan::Plan;

/// After so many runs code is worth a compiler's time.
const HOT: u32 = 1_000;

/// The most blocks that are made at a time.
const MOST: usize = 4_096;

/// The machine code of one [`Code`] or one host, once there is some.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    runs: AtomicU32,
    block: OnceLock<Option<Block>>,
}

/// What machine code is made of.
pub(crate) enum Part<'c> {
    /// A cell's code.
    Cell(&'c Code),
    /// A host with these cells.
    Host(&'c VirtualHost, Vec<(u32, &'c Cell)>),
}

/// What machine code says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// This candidate answers.
    Takes(u32),
    /// None does. Whether a method was missed, and of a host the bits of those with which it would have answered.
    Leaves { is_missed: bool, allowed: MethodBit },
    /// There is none, or the interpreter has to say.
    Nothing,
}

impl Machine {
    /// Runs it, if there is some.
    #[inline(always)]
    pub(crate) fn run(&self, bound: &Bound, ask: &Ask<'_>, scope: Scope<'_>) -> Said {
        match self.block.get() {
            Some(Some(block)) => block.run(bound, ask, scope),
            Some(None) => Said::Nothing,
            None => {
                // Once it is hot nobody writes here any more, so cores do not quarrel over what they all run.
                if self.runs.load(Ordering::Relaxed) < HOT {
                    self.runs.fetch_add(1, Ordering::Relaxed);
                }
                Said::Nothing
            }
        }
    }

    /// Whether it was found not to be worth any.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.block.get(), Some(None))
    }

    fn is_wanted(&self, at_once: bool) -> bool {
        self.block.get().is_none() && (at_once || self.runs.load(Ordering::Relaxed) >= HOT)
    }
}

impl Clone for Machine {
    /// A copy begins without.
    fn clone(&self) -> Machine {
        Machine::default()
    }
}

impl<'c> Part<'c> {
    /// What to do, step by step; `None` if that is not worth machine code.
    fn plan(self) -> Option<Plan<'c>> {
        let plan = match self {
            Part::Cell(code) => Some(plan::of_cell(code)),
            Part::Host(host, cells) => plan::of_host(host, cells.into_iter()),
        };
        plan.filter(emit::is_worth)
    }
}

/// Whether a host with these cells may be one function.
pub(crate) fn may_be_whole(host: &VirtualHost, cells: &[Cell]) -> bool {
    // A table is asked before machine code.
    let are_plain = cells.iter().all(|cell| cell.code.table.is_none());
    !cells.is_empty() && are_plain && plan::may_be_whole(host)
}

/// Makes machine code for those of the parts that are hot, or for all of them; says how much. All are in one mapping.
pub(crate) fn compile<'c>(
    parts: impl Iterator<Item = (&'c Machine, Part<'c>)>,
    at_once: bool,
) -> Result<Compiled, Refused> {
    let wanted = parts.filter(|(machine, _)| machine.is_wanted(at_once)).take(MOST);
    let (mut machines, mut plans) = (Vec::new(), Vec::new());
    for (machine, part) in wanted {
        match part.plan() {
            Some(plan) => {
                machines.push(machine);
                plans.push(plan);
            }
            // Nobody else is slowed down by setting it twice.
            None => drop(machine.block.set(None)),
        }
    }
    if plans.is_empty() {
        return Ok(Compiled::default());
    }
    let (blocks, bytes) = entry::blocks(&plans)?;
    let made = Compiled { blocks: blocks.len(), bytes };
    for (machine, block) in machines.into_iter().zip(blocks) {
        let _ = machine.block.set(Some(block));
    }
    Ok(made)
}

/// The machine code of a part, disassembled; none if there is to be none.
pub(crate) fn listing(part: Part<'_>) -> Result<Option<String>, Refused> {
    part.plan().map(|plan| entry::listing(&plan)).transpose()
}
