//! Drops what nobody uses: expressions that nothing leads to, and slots that none of the others reads.

use lang::vocab::ExprId;

use crate::frame::SlotId;
use crate::program::{Expr, Program};

/// Sweeps expressions and slots.
pub(super) fn run(program: &mut Program) {
    let mut used = vec![false; program.exprs.len()];
    let mark = |id: ExprId, used: &mut [bool]| {
        if let Some(used) = used.get_mut(id.0 as usize) {
            *used = true;
        }
    };
    program.each_root_mut(&mut |root| mark(*root, &mut used));
    for (at, expr) in program.exprs.iter().enumerate().rev() {
        if used.get(at) == Some(&true) {
            expr.each_operand(&mut |operand| mark(operand, &mut used));
        }
    }
    let mut read = vec![false; program.slots.len()];
    for (expr, _) in program.exprs.iter().zip(&used).filter(|(_, used)| **used) {
        if let Expr::Slot(slot) = expr
            && let Some(read) = read.get_mut(slot.0 as usize)
        {
            *read = true;
        }
    }
    let (exprs, slots) = (numbers(&used), numbers(&read));
    let expr_at = |id: ExprId| ExprId(exprs.get(id.0 as usize).copied().unwrap_or_default());
    let mut kept = used.into_iter();
    let mut left = std::mem::take(&mut program.exprs).into_vec();
    left.retain(|_| kept.next() == Some(true));
    let mut kept = read.into_iter();
    program.slots.retain(|_| kept.next() == Some(true));
    for expr in &mut left {
        expr.each_operand_mut(&mut |operand| *operand = expr_at(*operand));
        if let Expr::Slot(slot) = expr {
            *slot = SlotId(slots.get(slot.0 as usize).copied().unwrap_or_default());
        }
    }
    program.exprs = left.into();
    program.each_root_mut(&mut |root| *root = expr_at(*root));
    program.note_reads();
}

/// The new number of each thing that is kept.
fn numbers(kept: &[bool]) -> Vec<u32> {
    let mut next = 0;
    let number = |kept: &bool| {
        let number = next;
        next += u32::from(*kept);
        number
    };
    kept.iter().map(number).collect()
}
