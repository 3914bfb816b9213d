//! Orders tests by what they cost and how much they decide: of several that must all hold, cheap ones that seldom do come
//! first; of several of which one must, cheap ones that often do. Reading has no effect, so the answer is the same; what
//! somebody has to wait for comes last, so that nobody waits where another test decides.

use lang::Value;
use lang::policy::Compare;
use lang::vocab::ExprId;

use crate::program::{Expr, Program};

/// What a test costs, and how likely it is to hold: rough, and the same on every machine.
#[derive(Clone, Copy, Debug)]
struct Weight {
    cost: f64,
    holds: f64,
}

/// The parts in the order in which they are best tested, where all must hold or (not `all`) one must.
pub(crate) fn ordered(program: &Program, parts: &[ExprId], all: bool) -> Vec<ExprId> {
    let mut weighed: Vec<(f64, ExprId)> = parts
        .iter()
        .map(|part| {
            let Weight { cost, holds } = weight(program, *part);
            // What a test costs for each time that it ends the matter.
            (cost / if all { 1.0 - holds } else { holds }.max(0.01), *part)
        })
        .collect();
    weighed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    weighed.into_iter().map(|(_, part)| part).collect()
}

fn weight(program: &Program, id: ExprId) -> Weight {
    let both = |a: ExprId, b: ExprId| read(program, a) + read(program, b);
    match program.expr(id) {
        Expr::Const(value) => Weight { cost: 0.0, holds: if value.is_true() { 1.0 } else { 0.0 } },
        Expr::Not(inner) => {
            let Weight { cost, holds } = weight(program, *inner);
            Weight { cost, holds: 1.0 - holds }
        }
        Expr::And(parts) => joined(program, parts, true),
        Expr::Or(parts) => joined(program, parts, false),
        Expr::Compare(how, a, b) => Weight {
            cost: 2.0 + both(*a, *b),
            holds: match how {
                Compare::Eq => 0.1,
                Compare::Ne => 0.9,
                _ => 0.5,
            },
        },
        Expr::In(item, of) => {
            let n = match program.expr(*of) {
                Expr::Const(Value::List(items)) => items.len(),
                Expr::Const(Value::Set(items)) => items.len(),
                _ => 1,
            };
            let n = f64::from(u32::try_from(n).unwrap_or(u32::MAX));
            Weight { cost: 2.0 + n.min(8.0) / 2.0 + both(*item, *of), holds: (n / 10.0).min(0.5) }
        }
        Expr::Present(inner) => Weight { cost: 1.0 + read(program, *inner), holds: 0.5 },
        _ => Weight { cost: 1.0 + read(program, id), holds: 0.3 },
    }
}

fn joined(program: &Program, parts: &[ExprId], all: bool) -> Weight {
    let weights = parts.iter().map(|part| weight(program, *part));
    let none = Weight { cost: 0.0, holds: if all { 1.0 } else { 0.0 } };
    weights.fold(none, |sum, part| Weight {
        cost: sum.cost + part.cost,
        holds: if all {
            sum.holds * part.holds
        } else {
            1.0 - (1.0 - sum.holds) * (1.0 - part.holds)
        },
    })
}

/// What it costs to compute a value.
fn read(program: &Program, id: ExprId) -> f64 {
    let own = match program.expr(id) {
        Expr::Const(_) | Expr::Input(_) => return 0.0,
        Expr::Capture(_) | Expr::Local(_) => 1.0,
        Expr::Slot(slot) => match program.slot(*slot) {
            // What has to be awaited: contents, and what stands in them.
            Some(slot) if matches!(&*slot.field, "req.json" | "req.body.size") => 1_000.0,
            Some(slot) if slot.key.is_some() => 4.0,
            _ => 1.0,
        },
        Expr::Call(..) => 6.0,
        Expr::Template(_) | Expr::List(_) | Expr::Set(_) | Expr::Record(_) => 10.0,
        // So many items as a short list has.
        Expr::Quantified(..) => 40.0,
        _ => 1.0,
    };
    let mut operands = 0.0;
    program.expr(id).each_operand(&mut |operand| operands += read(program, operand));
    own + operands
}
