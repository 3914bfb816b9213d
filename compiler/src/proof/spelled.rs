//! Which texts that a request says keep a path from being one: what is put into a path stands within a segment of it, and
//! one that would be empty, dots or more than a segment is refused.

use lang::vocab::identity::CLAIMS;
use lang::vocab::{ExprId, Joint};

use super::values::Values;
use crate::program::Expr;
use crate::program::walk::plainly;
use crate::space::{Test, Within};
use crate::splice::{self, Form, Part};

/// What stands before a value in its segment, or behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// Something with which the segment is no dots, whatever the value is.
    More,
    /// Nobody knows.
    Unknown,
}

impl Values<'_> {
    /// The values of which one has to pass its test for the path to be refused. `None` where that is not known.
    pub(super) fn misspelt(&self, id: ExprId) -> Option<Vec<(ExprId, Test)>> {
        let text = splice::text((self.program, self.constants), self.locals, id, Form::Path);
        let each: Option<Vec<_>> = text.each().map(|parts| self.misspelt_of(parts)).collect();
        match each?.as_slice() {
            [tests] => Some(tests.clone()),
            // Which of several it is has to hold, too.
            several => several.iter().all(Vec::is_empty).then(Vec::new),
        }
    }

    fn misspelt_of(&self, parts: &[Part]) -> Option<Vec<(ExprId, Test)>> {
        let mut found = Vec::new();
        let mut before = Beside::Nothing;
        for (at, part) in parts.iter().enumerate() {
            before = match part {
                // Words of which a path cannot be made refuse every request.
                Part::Words(words) if !are_whole(words) => return None,
                Part::Words(words) => match words.rsplit_once('/') {
                    Some((_, "")) => Beside::Nothing,
                    Some((_, last)) => beside(last),
                    None => beside(words),
                },
                // How much of a path it is, or of a segment, is not known.
                Part::Value(value, Joint::Kept | Joint::Spelled) if !self.is_capture(*value) => {
                    return None;
                }
                Part::Value(_, Joint::Kept | Joint::Spelled) => match before {
                    Beside::Unknown => Beside::Unknown,
                    Beside::Nothing | Beside::More => Beside::More,
                },
                Part::Value(value, Joint::Value | Joint::Written) => {
                    let behind = match parts.get(at + 1) {
                        None => Beside::Nothing,
                        Some(Part::Words(words)) if words.starts_with('/') => Beside::Nothing,
                        Some(Part::Words(words)) => beside(words),
                        Some(Part::Value(..)) => Beside::Unknown,
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

    fn is_capture(&self, id: ExprId) -> bool {
        matches!(self.program.expr(id), Expr::Capture(_))
    }

    /// Whether it is never absent: what is absent is an empty text.
    fn is_there(&self, id: ExprId) -> bool {
        self.program.is_of_all(id, self.locals, |_, expr| {
            plainly(match expr {
                Expr::Const(value) => !value.is_absent(),
                Expr::Slot(slot) => {
                    let slot = self.program.slot(*slot);
                    slot.is_some_and(|slot| !slot.ty.is_optional() && *slot.field != *CLAIMS.path)
                }
                Expr::Coalesce(_, second) => return Some(vec![*second]),
                Expr::Call(function, _) => !(function.returns)().is_optional(),
                Expr::Template(_) => true,
                expr => return expr.alternatives(),
            })
        })
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

/// Whether words stand in a path as they are, whatever is put between them and others.
fn are_whole(words: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@".contains(c);
    words.split('/').all(|piece| {
        piece.chars().all(is_plain) && (piece.is_empty() || !piece.chars().all(|c| c == '.'))
    })
}
