//! What walks over a program can rely on beyond what `verify` says: nothing in it is so deep or so often shared that a
//! walk runs out of stack or time. What was lowered from a policy is far below; what was made up need not be.

use super::Unfit;
use super::bytes::damaged;
use crate::program::{Program, VirtualHost};

/// How deep an expression may be.
const MOST_DEEP: u32 = 1_000;

/// How many evaluations one of an expression may come to.
const MOST_STEPS: u64 = 1 << 20;

/// How many segments a path tree may be deep.
const MOST_SEGMENTS: u32 = 1_000;

/// Whether the program is within them. Its operands stand before their users.
pub(super) fn bounded(program: &Program) -> Result<(), Unfit> {
    let mut known: Vec<(u32, u64)> = Vec::with_capacity(program.exprs.len());
    for expr in program.exprs.iter() {
        let (mut deep, mut steps) = (0, 1_u64);
        expr.each_operand(&mut |operand| {
            let (below, more) = known.get(operand.0 as usize).copied().unwrap_or_default();
            deep = deep.max(below);
            steps = steps.saturating_add(more);
        });
        if deep >= MOST_DEEP || steps > MOST_STEPS {
            return Err(damaged("an expression is too large"));
        }
        known.push((deep + 1, steps));
    }
    let mut hosts = program.listeners.iter().flat_map(|listener| &listener.hosts.list);
    hosts.try_for_each(|host| is_tree(host))
}

/// Whether each node is reached by one way, and none by a long one. Children stand behind their parents.
fn is_tree(host: &VirtualHost) -> Result<(), Unfit> {
    let mut depths: Vec<Option<u32>> = vec![None; host.nodes.len()];
    for (at, node) in host.nodes.iter().enumerate() {
        let depth = depths.get(at).copied().flatten().unwrap_or(0);
        let children = node.literals.values().chain(node.captures.iter().map(|(_, child)| child));
        for child in children {
            match depths.get_mut(*child) {
                Some(unseen @ None) if depth < MOST_SEGMENTS => *unseen = Some(depth + 1),
                _ => return Err(damaged("the paths of a host are no tree")),
            }
        }
    }
    Ok(())
}
