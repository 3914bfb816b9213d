//! Content that is longer than what is read of one: where a policy asks for it, such a request is answered 413, before any
//! statement but those in an `always`. How long a content is that declares it is known without reading.

use std::collections::HashSet;

use lang::policy::{Compare, Policy, RouteId};
use lang::vocab::ExprId;
use lang::{Ty, Value};

use super::course::{Course, End, Reads, Status};
use crate::lower::expr::Exprs;
use crate::order::witness::Witness;
use crate::program::{Expr, Program, Step};
use crate::space::{MOST_READ, lets_long};

/// What is asked of a content, as expressions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    /// Whether it is longer than what is read.
    pub(super) is_long: ExprId,
    /// Whether it declares how long it is.
    is_declared: ExprId,
}

impl Content {
    /// Adds them to the others.
    pub(super) fn add(exprs: &mut Exprs) -> Content {
        let size = exprs.read("req.body.size", None, Ty::Size);
        let most = exprs.intern(Expr::Const(Value::Size(MOST_READ as u64)));
        let length = exprs.read("req.header", Some("content-length".into()), Ty::String.optional());
        Content {
            is_long: exprs.intern(Expr::Compare(Compare::Gt, size, most)),
            is_declared: exprs.intern(Expr::Present(length)),
        }
    }

    /// The course of requests that end where a route reads their content, if it does.
    pub(super) fn course(self, program: &Program, steps: &[Step]) -> Option<Course> {
        let reads = reads(program, steps.iter().flat_map(Step::exprs))?;
        let at = steps.iter().position(|step| self::reads(program, step.exprs()) == Some(reads));
        let mut guards = vec![(self.is_long, true)];
        if reads == Reads::Length {
            guards.push((self.is_declared, false));
        }
        let (end, status) = (End::Long(reads), Status::Known(413));
        Some(Course { guards, at, end, status, ..Course::begin() })
    }
}

/// What these expressions ask of the content, if they do.
pub(super) fn reads(program: &Program, roots: impl IntoIterator<Item = ExprId>) -> Option<Reads> {
    let reads =
        program.reads(roots).into_iter().filter_map(|slot| match &*program.slot(slot)?.field {
            "req.json" => Some(Reads::All),
            "req.body.size" => Some(Reads::Length),
            _ => None,
        });
    reads.max()
}

/// The routes of a policy that read a content, which may be longer than what is read of one.
pub(super) fn reached(policy: &Policy, lowered: &Program) -> HashSet<RouteId> {
    let open = lowered.listeners.iter().filter(|listener| lets_long(policy, listener.block));
    let candidates = open.flat_map(|open| &open.hosts.list).flat_map(|host| &host.candidates);
    let is_reading = |id: &RouteId| {
        lowered.route(*id).is_some_and(|route| {
            let conditions = route.conditions.iter().map(|(id, _)| *id);
            reads(lowered, conditions.chain(route.steps.iter().flat_map(Step::exprs))).is_some()
        })
    };
    let routes: HashSet<RouteId> = candidates.map(|candidate| candidate.route).collect();
    routes.into_iter().filter(is_reading).collect()
}

/// Whether the content of an example is longer than what is read.
pub(super) fn is_long(program: &Program, witness: &Witness) -> bool {
    let size = witness.said(program, ("req.body.size", None));
    matches!(size, Some(&Value::Size(size)) if size > MOST_READ as u64)
}

/// The example with a content that does not declare how long it is, as HTTP/1.1 says that. `None` where the policy asks
/// for what would tell.
pub(super) fn undeclared(program: &Program, mut witness: Witness) -> Option<Witness> {
    let tells = |key: Option<&str>| key == Some("transfer-encoding");
    let mut slots = program.slots.iter();
    let is_asked = slots.any(|slot| &*slot.field == "conn.alpn" || tells(slot.key.as_deref()));
    witness.is_chunked = true;
    (!is_asked).then_some(witness)
}
