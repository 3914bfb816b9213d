//! How long the texts are at most that a statement puts somewhere: what is longer than a text may be that is put together
//! is refused like any other value that cannot stand there.

use std::collections::HashMap;

use lang::Value;
use lang::document::MOST;
use lang::eval::TEXT;
use lang::vocab::ExprId;

use super::values::{Stands, Values};
use crate::frame::SlotId;
use crate::program::{Expr, Program, named};
use crate::space::MOST_READ;

/// What a head may hold where no listener says more.
const HEAD: usize = 64 << 10;

/// The most that a listener lets a head hold.
const MOST_HEAD: usize = 1 << 20;

/// The longest value that is no text.
const PLAIN: usize = 512;

/// How many bytes may stand for one where text is encoded: in a query or a path, and in the normal form of a path.
const ENCODED: usize = 3;

/// The same in a document.
const ESCAPED: usize = 6;

impl Values<'_> {
    /// Whether no request makes this longer than what can stand there.
    pub(super) fn is_short(&self, id: ExprId, stands: Stands) -> bool {
        let encoded = if stands == Stands::Field { 1 } else { ENCODED };
        self.is_within(id, TEXT / encoded)
    }

    /// Whether no request makes a longer document of this than is written.
    pub(super) fn is_written(&self, id: ExprId) -> bool {
        // A number of a content may have many more figures than it was said with.
        self.is_within(id, (MOST / ESCAPED).min(MOST_READ - 1))
    }

    /// Whether it is known how long it is at most.
    pub(super) fn is_bounded(&self, id: ExprId) -> bool {
        self.longest(id, HEAD, &mut HashMap::new()) < usize::MAX
    }

    fn is_within(&self, id: ExprId, most: usize) -> bool {
        let within = |head| self.longest(id, head, &mut HashMap::new()) <= most;
        within(MOST_HEAD) || within(head(self.program))
    }

    /// The most bytes of a value.
    fn longest(&self, id: ExprId, head: usize, known: &mut HashMap<ExprId, usize>) -> usize {
        if let Some(value) = self.constants.get(id) {
            return value.as_str().map_or(PLAIN, str::len);
        }
        if let Some(known) = known.get(&id) {
            return *known;
        }
        let mut of = |id: &ExprId| self.longest(*id, head, known);
        let length = match self.program.expr(id) {
            Expr::Slot(slot) => self.longest_said(*slot, head),
            Expr::Capture(_) => head.saturating_mul(ENCODED),
            Expr::Local(local) => {
                let value = named(self.locals, *local);
                value.map_or(usize::MAX, |value| of(&value))
            }
            Expr::Member(base, _) => of(base),
            Expr::Coalesce(first, second) => of(first).max(of(second)),
            Expr::Match(_, arms) => arms.iter().map(|arm| of(&arm.value)).max().unwrap_or(0),
            Expr::Template(parts) | Expr::List(parts) | Expr::Set(parts) => sum(parts, &mut of),
            Expr::Record(fields) => fields.iter().fold(PLAIN, |sum, (name, value)| {
                sum.saturating_add(name.len() + PLAIN).saturating_add(of(value))
            }),
            Expr::Call(function, parts) if function.keeps => sum(parts, &mut of),
            // Four characters for three bytes.
            Expr::Call(_, parts) => sum(parts, &mut of).saturating_mul(2),
            Expr::Const(_) | Expr::Input(_) => head,
            _ => PLAIN,
        };
        known.insert(id, length);
        length
    }

    /// The most bytes that a request says in a field.
    fn longest_said(&self, slot: SlotId, head: usize) -> usize {
        match self.program.slot(slot).map_or("", |slot| &*slot.field) {
            "req.json" => MOST_READ,
            "req.path" | "req.target" => head.saturating_mul(ENCODED),
            // What statements and upstreams make of a message is not known here.
            field if ["up.", "resp.", "origin."].iter().any(|of| field.starts_with(of)) => {
                usize::MAX
            }
            _ => head,
        }
    }
}

/// The values side by side.
fn sum(parts: &[ExprId], of: &mut dyn FnMut(&ExprId) -> usize) -> usize {
    parts.iter().fold(PLAIN, |sum, part| sum.saturating_add(of(part)))
}

/// The most that a listener of the program lets a head hold.
fn head(program: &Program) -> usize {
    let listeners = program.blocks.iter().filter(|block| &*block.kind == "listener");
    let caps = listeners.flat_map(|block| &block.settings).filter(|line| &*line.name == "cap");
    let sizes = caps.flat_map(|line| &line.args).filter_map(|arg| match program.expr(*arg) {
        Expr::Const(Value::Size(bytes)) => usize::try_from(*bytes).ok(),
        Expr::Const(_) => None,
        // An input says how much.
        _ => Some(MOST_HEAD),
    });
    // A body may be larger than any head.
    sizes.filter(|bytes| *bytes <= MOST_HEAD).fold(HEAD, usize::max)
}
