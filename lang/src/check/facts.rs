//! Flow typing: what is known to be present where. A condition that held says which of its parts are there.

use std::collections::HashSet;
use std::sync::Arc;

use crate::policy::{Expr, ExprKind, InputId, LocalId};
use crate::types::Ty;

/// What is known to be present.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    present: HashSet<Known>,
    /// Whether something stands before that was reported, and may have said that anything is present.
    lost: bool,
}

/// Something that is the same each time it is read: a field with its key, a local, an input, or a part of one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Known {
    root: Root,
    members: Vec<Arc<str>>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Root {
    Field(&'static str, Option<Arc<str>>),
    Local(LocalId),
    Input(InputId),
    Capture(Arc<str>),
}

impl Facts {
    pub(super) fn add(&mut self, other: &Facts) {
        self.present.extend(other.present.iter().cloned());
        self.lost |= other.lost;
    }

    /// Takes note that a condition or a policy was reported: what it would have asked for is not known.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// Whether what may be absent may as well have been asked for, by something that was reported.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Takes note that `expr` is present, and so is all that it is a part of.
    pub(super) fn learn(&mut self, expr: &Expr) {
        let Some(mut known) = known(expr) else { return };
        loop {
            self.present.insert(known.clone());
            if known.members.pop().is_none() {
                break;
            }
        }
    }

    /// Takes note that a field was changed: what was known of it no longer holds.
    pub(super) fn forget(&mut self, path: &'static str, key: Option<&str>) {
        self.present.retain(
            |known| !matches!(&known.root, Root::Field(p, k) if *p == path && k.as_deref() == key),
        );
    }

    /// Keeps what is known of fields that `lasts` names, and of everything that is no field.
    pub(super) fn keep(&mut self, lasts: impl Fn(&str) -> bool) {
        self.present.retain(|known| match &known.root {
            Root::Field(path, _) => lasts(path),
            Root::Local(_) | Root::Input(_) | Root::Capture(_) => true,
        });
    }

    fn both(self, other: &Facts) -> Facts {
        let present = self.present.intersection(&other.present).cloned().collect();
        Facts { present, lost: self.lost || other.lost }
    }
}

/// The same expression with what is known of it: `T` instead of `T?`.
pub(super) fn narrow(facts: &Facts, mut expr: Expr) -> Expr {
    if let Ty::Optional(inner) = &expr.ty
        && !facts.present.is_empty()
        && known(&expr).is_some_and(|known| facts.present.contains(&known))
    {
        expr.ty = Ty::clone(inner);
    }
    expr
}

/// What is present if the condition turns out as `outcome`.
pub(super) fn learned(condition: &Expr, outcome: bool) -> Facts {
    let mut facts = Facts::default();
    match (&condition.kind, outcome) {
        (ExprKind::Present(inner), true) => facts.learn(inner),
        // A comparison with an absent side is false, and absence is in nothing.
        (ExprKind::Compare(_, a, b) | ExprKind::In(a, b), true) => {
            facts.learn(a);
            facts.learn(b);
        }
        (ExprKind::Not(inner), _) => return learned(inner, !outcome),
        (ExprKind::And(parts), true) | (ExprKind::Or(parts), false) => {
            for part in parts {
                facts.add(&learned(part, outcome));
            }
        }
        (ExprKind::And(parts), false) | (ExprKind::Or(parts), true) => {
            let mut each = parts.iter().map(|part| learned(part, outcome));
            if let Some(first) = each.next() {
                return each.fold(first, |all, part| all.both(&part));
            }
        }
        _ => {}
    }
    facts
}

pub(super) fn known(expr: &Expr) -> Option<Known> {
    let mut members = Vec::new();
    let mut at = expr;
    let root = loop {
        match &at.kind {
            ExprKind::Field(field, key) => break Root::Field(field.path, key.clone()),
            ExprKind::Local(local) => break Root::Local(*local),
            ExprKind::Input(input) => break Root::Input(*input),
            ExprKind::Capture(name) => break Root::Capture(name.clone()),
            ExprKind::Member(base, name) => {
                members.push(name.clone());
                at = base;
            }
            _ => return None,
        }
    };
    members.reverse();
    Some(Known { root, members })
}
