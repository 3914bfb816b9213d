//! How long the texts are at most that a statement puts somewhere: what is longer than a text may be that is put together
//! is refused like any other value that cannot stand there.

use std::collections::HashMap;

use lang::document::MOST;
use lang::eval::TEXT;
use lang::vocab::ExprId;

use super::values::{Stands, Values};
use crate::frame::SlotId;
use crate::program::{Expr, named};
use crate::space::MOST_READ;

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

    /// Whether it is presumed to be short although it is not known how long it is at most: where an upstream's answer says it,
    /// or what stood in one place of a message is put in another, with no more than the policy's own words beside it.
    pub(super) fn is_presumed(&self, id: ExprId) -> bool {
        let is_own = |part: &&ExprId| self.constants.get(**part).is_some();
        let mut grows = false;
        for (id, expr) in self.program.walk([id], self.locals) {
            let slot = self.program.read_by(id).map_or("", |(_, slot)| &*slot.field);
            if ["resp.", "origin."].iter().any(|of| slot.starts_with(of)) {
                return true;
            }
            grows |= match expr {
                Expr::Template(parts) => parts.iter().filter(|part| !is_own(part)).count() > 1,
                Expr::Call(function, _) => !function.keeps,
                _ => false,
            };
        }
        !grows && self.longest(id, &mut HashMap::new()) == usize::MAX
    }

    fn is_within(&self, id: ExprId, most: usize) -> bool {
        self.longest(id, &mut HashMap::new()) <= most
    }

    /// The most bytes of a value.
    fn longest(&self, id: ExprId, known: &mut HashMap<ExprId, usize>) -> usize {
        if let Some(value) = self.constants.get(id) {
            return value.as_str().map_or(PLAIN, str::len);
        }
        if let Some(known) = known.get(&id) {
            return *known;
        }
        let mut of = |id: &ExprId| self.longest(*id, known);
        let length = match self.program.expr(id) {
            Expr::Slot(slot) => self.longest_said(*slot),
            Expr::Capture(_) => self.head.saturating_mul(ENCODED),
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
            Expr::Const(_) | Expr::Input(_) => self.head,
            _ => PLAIN,
        };
        known.insert(id, length);
        length
    }

    /// The most bytes that a request says in a field.
    fn longest_said(&self, slot: SlotId) -> usize {
        match self.program.slot(slot).map_or("", |slot| &*slot.field) {
            "req.json" => MOST_READ,
            "req.path" | "req.target" => self.head.saturating_mul(ENCODED),
            // What statements and upstreams make of a message is not known here.
            field if ["up.", "resp.", "origin."].iter().any(|of| field.starts_with(of)) => {
                usize::MAX
            }
            _ => self.head,
        }
    }
}

/// The values side by side.
fn sum(parts: &[ExprId], of: &mut dyn FnMut(&ExprId) -> usize) -> usize {
    parts.iter().fold(PLAIN, |sum, part| sum.saturating_add(of(part)))
}
