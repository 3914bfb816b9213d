//! Which paths an upstream may be asked for: the policy's own segments, and what a client chooses among them.

use std::sync::Arc;

use lang::policy::{LocalId, Path, Segment};
use lang::segment::{Relation, Segments, path_relation, split};
use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::{Kind, Reason};
use crate::program::{Expr, named};
use crate::proof::basis::Basis;

/// The paths that a statement leaves.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    path: Path,
    /// Whether it is all of these.
    exact: bool,
}

/// What stands in a segment that is being put together.
#[derive(Default)]
struct Held {
    words: String,
    /// The type of what a request says in it, if there is something.
    said: Option<Ty>,
    is_mixed: bool,
}

/// The deepest that a text is looked into.
const DEEPEST: u32 = 64;

/// What it means that a client chooses among other paths.
pub(super) fn verdict(old: &Shape, new: &Shape) -> Option<Reason> {
    let more = || {
        let why = "the client chooses among more paths that the upstream gets";
        Some((Kind::Loosened, why.to_owned()))
    };
    let fewer = || {
        let why = "the client chooses among fewer paths that the upstream gets";
        Some((Kind::Tightened, why.to_owned()))
    };
    match path_relation(&old.path, &new.path) {
        Relation::Inside if new.exact => more(),
        Relation::Around if old.exact => fewer(),
        // What the policy says before them keeps a client from all the others.
        _ if lies_beneath(&old.path, &new.path) || goes_on(&old.path, &new.path) => more(),
        _ if lies_beneath(&new.path, &old.path) || goes_on(&new.path, &old.path) => fewer(),
        _ => None,
    }
}

/// Whether the paths are the others with segments of the policy's own before them.
fn lies_beneath(path: &Path, other: &Path) -> bool {
    let Some(n_before) = path.segments.len().checked_sub(other.segments.len()) else {
        return false;
    };
    let (before, behind) = path.segments.split_at(n_before);
    let same = behind.iter().zip(&other.segments);
    n_before > 0
        && path.rest == other.rest
        && before.iter().all(|segment| matches!(segment, Segment::Literal(_)))
        && same.into_iter().all(|(a, b)| Segments::of(a) == Segments::of(b))
}

/// Whether the paths are the others, of which a client says the last segment, with segments of the policy's own behind them.
fn goes_on(path: &Path, other: &Path) -> bool {
    let n_before = other.segments.len();
    let Some((before, behind)) = path.segments.split_at_checked(n_before) else { return false };
    let same = before.iter().zip(&other.segments);
    !behind.is_empty()
        && !other.rest
        && matches!(other.segments.last(), Some(Segment::Capture(..)))
        && behind.iter().all(|segment| matches!(segment, Segment::Literal(_)))
        && same.into_iter().all(|(a, b)| Segments::of(a) == Segments::of(b))
}

impl Shape {
    /// The paths of a route that are sent on as they come.
    pub(super) fn of_route(path: &Path) -> Shape {
        Shape { path: path.clone(), exact: true }
    }

    /// The paths that a value comes to in a route with this path.
    pub(super) fn of(
        basis: &Basis<'_>,
        value: ExprId,
        lets: &[(LocalId, ExprId)],
        route: &Path,
    ) -> Shape {
        let mut making = Making {
            basis,
            lets,
            route,
            shape: Shape { path: Path { segments: Vec::new(), rest: false }, exact: true },
            held: Held::default(),
        };
        making.add(value, 0);
        making.close();
        making.shape
    }
}

struct Making<'m> {
    basis: &'m Basis<'m>,
    lets: &'m [(LocalId, ExprId)],
    route: &'m Path,
    shape: Shape,
    held: Held,
}

impl Making<'_> {
    fn add(&mut self, id: ExprId, depth: u32) {
        let program = &self.basis.program;
        if let Some(value) = self.basis.constants.get(id) {
            match value.as_str() {
                Some(words) => self.words(words),
                None if value.is_absent() => {}
                None => self.words(&value.to_string()),
            }
            return;
        }
        match program.expr(id) {
            Expr::Template(parts) if depth < DEEPEST => {
                parts.iter().for_each(|part| self.add(*part, depth + 1));
            }
            Expr::Local(local) if depth < DEEPEST => match named(self.lets, *local) {
                Some(value) => self.add(value, depth + 1),
                None => self.rest(),
            },
            Expr::Slot(slot) => {
                let slot = program.slot(*slot);
                match slot.map_or("", |slot| &*slot.field) {
                    "req.path" => self.beneath(0),
                    "up.path" => self.rest(),
                    _ => self.said(slot.map_or(Ty::String, |slot| slot.ty.present().clone())),
                }
            }
            Expr::Capture(name) => {
                let ty = self.route.segments.iter().find_map(|segment| match segment {
                    Segment::Capture(known, ty) if known == name => Some(ty.clone()),
                    _ => None,
                });
                self.said(ty.unwrap_or(Ty::String));
            }
            Expr::Call(function, arguments) if function.name == "strip_prefix" => {
                match self.stripped(arguments) {
                    Some(n_segments) => self.beneath(n_segments),
                    None => self.rest(),
                }
            }
            _ => self.said(Ty::String),
        }
    }

    /// How many of the route's segments are taken away of the request's path.
    fn stripped(&self, arguments: &[ExprId]) -> Option<usize> {
        let [path, beginning] = arguments else { return None };
        let Expr::Slot(slot) = self.basis.program.expr(*path) else { return None };
        let is_path = self.basis.program.slot(*slot).is_some_and(|slot| &*slot.field == "req.path");
        let beginning = self.basis.constants.get(*beginning).and_then(Value::as_str)?;
        let beginning = beginning.strip_suffix('/').unwrap_or(beginning);
        let own: Vec<&str> = split(beginning).collect();
        let mut pairs = own.iter().enumerate();
        let same = pairs.all(|(at, text)| match self.route.segments.get(at) {
            Some(Segment::Literal(literal)) => **literal == **text,
            _ => false,
        });
        (is_path && beginning.starts_with('/') && same).then_some(own.len())
    }

    fn words(&mut self, words: &str) {
        for (at, piece) in words.split('/').enumerate() {
            if at > 0 {
                self.close();
            }
            self.held.is_mixed |= !piece.is_empty() && self.held.said.is_some();
            self.held.words.push_str(piece);
        }
    }

    fn said(&mut self, ty: Ty) {
        self.held.is_mixed |= !self.held.words.is_empty() || self.held.said.is_some();
        self.held.said = Some(ty);
    }

    /// The route's segments behind so many.
    fn beneath(&mut self, n_segments: usize) {
        self.close();
        if self.shape.path.rest {
            return;
        }
        let own = self.route.segments.get(n_segments..).unwrap_or_default();
        self.shape.path.segments.extend(own.iter().cloned());
        self.shape.path.rest = self.route.rest;
    }

    /// Anything.
    fn rest(&mut self) {
        self.close();
        (self.shape.path.rest, self.shape.exact) = (true, false);
    }

    fn close(&mut self) {
        let Held { words, said, is_mixed } = std::mem::take(&mut self.held);
        let segment = match said {
            None if words.is_empty() => return,
            None => Segment::Literal(Arc::from(words)),
            Some(ty) => {
                self.shape.exact &= !is_mixed;
                Segment::Capture(Arc::from(""), if is_mixed { Ty::String } else { ty })
            }
        };
        match self.shape.path.rest {
            // What is behind everything beneath is something of that.
            true => self.shape.exact = false,
            false => self.shape.path.segments.push(segment),
        }
    }
}
