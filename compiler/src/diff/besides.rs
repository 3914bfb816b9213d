//! What is asked of requests and answers besides what policies read, so that an example can say it: what stood in a field
//! before a statement changes it, and a query where one is sent on.

use std::sync::Arc;

use lang::Ty;
use lang::policy::{Policy, StepKind};
use lang::vocab::{Ends, ExprId};

use super::effect::Does;
use crate::caching::{Asks, Carriers};
use crate::frame::Slot;
use crate::lower::expr::Exprs;
use crate::program::{Expr, Program};
use crate::proof::basis::Basis;

/// Asks it, and what tells which requests a cache answers, if any route has one.
pub(super) fn ask(
    exprs: &mut Exprs,
    policies: [&Policy; 2],
    carriers: [&Program; 2],
) -> Option<Asks> {
    let read = exprs.slots().iter().map(|slot| (slot.field.clone(), slot.key.clone()));
    let read: Vec<_> = read.collect();
    let steps =
        policies.into_iter().flat_map(|policy| &policy.routes).flat_map(|route| &route.steps);
    let mut open: Vec<&StepKind> = steps.map(|step| &step.kind).collect();
    let mut changed: Vec<(Arc<str>, Option<Arc<str>>)> = Vec::new();
    let mut caches = false;
    while let Some(step) = open.pop() {
        match step {
            StepKind::Act(call) => {
                caches |= call.row.name == "cache";
                let names_host = call.row.ends == Ends::Forwards;
                changed.extend(names_host.then(|| (Arc::from("up.host"), None)));
                let place = call.place.as_ref();
                changed.extend(place.map(|at| (Arc::from(at.field.path), at.key.clone())));
            }
            StepKind::Always(held) => open.extend(held.iter().map(|step| &step.kind)),
            StepKind::Let(..) => {}
        }
    }
    // What a value comes to where nothing is said.
    exprs.intern(Expr::NOTHING);
    let mut is_query_changed = false;
    for (field, key) in read.into_iter().chain(changed) {
        match (&*field, key) {
            ("up.header" | "up.header.all", Some(name)) => drop(exprs.header(&name)),
            ("resp.header" | "resp.header.all", Some(name)) => {
                exprs.read("origin.header", Some(name), Ty::String.optional());
            }
            ("resp.status", None) => {
                exprs.read("origin.status", None, Ty::Status.optional());
            }
            ("up.query" | "req.target", None) => is_query_changed = true,
            ("up.host", None) => drop(exprs.read("req.host", None, Ty::String)),
            _ => {}
        }
    }
    if is_query_changed {
        let is_read = |key: &Arc<str>| {
            exprs
                .slots()
                .iter()
                .any(|slot| *slot.field == *"req.query" && slot.key.as_ref() == Some(key))
        };
        let mut keys =
            std::iter::once(Arc::from("q")).chain((0..).map(|n: u32| Arc::from(format!("q{n}"))));
        let key = keys.find(|key| !is_read(key));
        exprs.read("req.query", key, Ty::String.optional());
    }
    caches.then(|| Asks::add(&carriers.map(Carriers::of), exprs))
}

/// What a client says where a statement puts something into the request that is sent.
pub(super) fn as_came(basis: &Basis<'_>, does: &Does) -> Vec<ExprId> {
    let program = &basis.program;
    let place = does.place.as_ref().map(|(field, key)| (&**field, key.as_deref()));
    let is_there = |expr: &Expr| match (expr, place) {
        (Expr::Capture(_), Some(("up.path", _)) | None) => true,
        (Expr::Slot(slot), Some((field, key))) => {
            program.slot(*slot).is_some_and(|slot| match (field, &*slot.field) {
                ("up.header" | "up.header.all", "req.header") => slot.key.as_deref() == key,
                ("up.query", "req.query") | ("up.host", "req.host") => true,
                _ => false,
            })
        }
        _ => false,
    };
    basis.said().iter().copied().filter(|id| is_there(program.expr(*id))).collect()
}

/// What reads what stood in a field before statements change it, or what a part of it says.
pub(super) fn source(program: &Program, (field, key): (&str, Option<&str>)) -> Option<ExprId> {
    let of = match field {
        "up.header" | "up.header.all" => "req.header",
        "resp.header" | "resp.header.all" => "origin.header",
        "resp.status" => "origin.status",
        "up.query" | "req.target" => "req.query",
        _ => return None,
    };
    let is = |slot: &Slot| *slot.field == *of && (of == "req.query" || slot.key.as_deref() == key);
    let reads = |expr: &Expr| match expr {
        Expr::Slot(slot) => program.slot(*slot).is_some_and(is),
        _ => false,
    };
    // Of a query it is the key that no policy reads, which is asked last.
    program.exprs.iter().rposition(reads).map(|at| ExprId(at as u32))
}
