//! Which texts that a request says keep a path from being one: what is put into a path stands within a segment of it, and
//! one that would be empty, dots or more than a segment is refused.

use lang::Value;
use lang::vocab::ExprId;
use lang::vocab::identity::CLAIMS;

use super::values::Values;
use crate::program::{Expr, named};
use crate::space::{Test, Within};

/// A part of a path that is put together.
enum Part {
    /// The policy's own words.
    Words(String),
    /// A captured segment.
    Segment,
    /// Any other value.
    Value(ExprId),
}

/// What stands before a value in its segment, or behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// Something with which the segment is no dots, whatever the value is.
    More,
    /// Nobody knows.
    Unknown,
}

/// What a value is made of, as far as that says how it is spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The request's own path.
    Path,
    Segment,
    Value,
}

/// The deepest that a text is looked into.
const DEEPEST: u32 = 64;

impl Values<'_> {
    /// The values of which one has to pass its test for the path to be refused. `None` where that is not known.
    pub(super) fn misspelt(&self, id: ExprId) -> Option<Vec<(ExprId, Test)>> {
        let mut parts = Vec::new();
        self.take_apart(id, &mut parts, 0)?;
        let mut found = Vec::new();
        let mut before = Beside::Nothing;
        for (at, part) in parts.iter().enumerate() {
            before = match part {
                Part::Words(words) => match words.rsplit_once('/') {
                    Some((_, "")) => Beside::Nothing,
                    Some((_, last)) => beside(last),
                    None => beside(words),
                },
                Part::Segment => match before {
                    Beside::Unknown => Beside::Unknown,
                    Beside::Nothing | Beside::More => Beside::More,
                },
                Part::Value(value) => {
                    let behind = match parts.get(at + 1) {
                        None => Beside::Nothing,
                        Some(Part::Words(words)) if words.starts_with('/') => Beside::Nothing,
                        Some(Part::Words(words)) => beside(words),
                        Some(Part::Segment | Part::Value(_)) => Beside::Unknown,
                    };
                    let within = match (before, behind) {
                        (Beside::Nothing, Beside::Nothing) => Within::Whole,
                        (Beside::Nothing, Beside::More) => Within::Beginning,
                        (Beside::More, _) => Within::Rest,
                        _ => return None,
                    };
                    if !self.is_figures(*value) {
                        let is_told = self.is_text(*value) && self.is_there(*value);
                        found.push((*value, is_told.then_some(Test::Misspelt(within))?));
                    }
                    Beside::More
                }
            };
        }
        Some(found)
    }

    fn take_apart(&self, id: ExprId, parts: &mut Vec<Part>, depth: u32) -> Option<()> {
        if let Some(value) = self.constants.get(id) {
            let words = match value {
                Value::Absent => String::new(),
                value => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            };
            match parts.last_mut() {
                Some(Part::Words(before)) => before.push_str(&words),
                _ => parts.push(Part::Words(words)),
            }
            return Some(());
        }
        match self.program.expr(id) {
            Expr::Template(pieces) if depth < DEEPEST => {
                return pieces
                    .iter()
                    .try_for_each(|piece| self.take_apart(*piece, parts, depth + 1));
            }
            Expr::Capture(_) => parts.push(Part::Segment),
            _ => match self.kind(id, depth)? {
                Kind::Value => parts.push(Part::Value(id)),
                // How much of a path it is, or of a segment, is not known.
                Kind::Path | Kind::Segment => return None,
            },
        }
        Some(())
    }

    /// What a value can be made of. What merely chooses between texts does not flow into them. `None` where nothing but
    /// the policy's own words does.
    fn kind(&self, id: ExprId, depth: u32) -> Option<Kind> {
        if depth >= DEEPEST {
            return Some(Kind::Value);
        }
        let all = |ids: &[ExprId]| {
            let kinds = ids.iter().filter(|id| self.constants.get(**id).is_none());
            let kinds = kinds.filter_map(|id| self.kind(*id, depth + 1));
            kinds.reduce(|a, b| if a == b { a } else { Kind::Value })
        };
        match self.program.expr(id) {
            Expr::Slot(slot) => {
                let field = self.program.slot(*slot).map_or("", |slot| &*slot.field);
                Some(if matches!(field, "req.path" | "up.path") { Kind::Path } else { Kind::Value })
            }
            Expr::Capture(_) => Some(Kind::Segment),
            Expr::Coalesce(first, second) => all(&[*first, *second]),
            Expr::Template(pieces) | Expr::Call(_, pieces) => all(pieces),
            Expr::Match(_, arms) => all(&arms.iter().map(|arm| arm.value).collect::<Vec<_>>()),
            Expr::Local(local) => all(&[named(self.locals, *local)?]),
            _ => Some(Kind::Value),
        }
    }

    /// Whether it is never absent: what is absent is an empty text.
    fn is_there(&self, id: ExprId) -> bool {
        match self.program.expr(id) {
            Expr::Const(value) => !value.is_absent(),
            Expr::Slot(slot) => {
                let slot = self.program.slot(*slot);
                slot.is_some_and(|slot| !slot.ty.is_optional() && *slot.field != *CLAIMS.path)
            }
            Expr::Coalesce(_, second) => self.is_there(*second),
            Expr::Match(_, arms) => arms.iter().all(|arm| self.is_there(arm.value)),
            Expr::Local(local) => {
                named(self.locals, *local).is_some_and(|value| self.is_there(value))
            }
            Expr::Call(function, _) => !(function.returns)().is_optional(),
            Expr::Template(_) => true,
            _ => false,
        }
    }
}

/// What words are that stand beside a value in its segment.
fn beside(words: &str) -> Beside {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_~".contains(c);
    match words.trim_start_matches('.').starts_with(is_plain) {
        true => Beside::More,
        false => Beside::Unknown,
    }
}
