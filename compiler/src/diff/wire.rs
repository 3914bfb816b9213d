//! How upstreams are asked: whether somebody may listen on the way, or answer in their place.

use std::sync::Arc;

use lang::Value;
use lang::policy;

use crate::diff::{Kind, Reason};
use crate::proof::basis::Side;

/// How sure it is that nobody listens on the way to an upstream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Wire {
    Cleartext,
    Unverified,
    Verified,
    /// By authorities that the policy names.
    Pinned,
}

/// What it means for protection that the upstreams are asked otherwise.
pub(super) fn verdict(old: Option<Wire>, new: Option<Wire>) -> Option<Reason> {
    let (old, new) = (old?, new?);
    let told = |kind, words: &str| Some((kind, words.to_owned()));
    match (old, new) {
        (old, new) if old == new => None,
        (_, Wire::Cleartext) => told(Kind::Loosened, "the upstream is no longer asked over TLS"),
        (Wire::Cleartext, _) => told(Kind::Tightened, "the upstream is asked over TLS"),
        (_, Wire::Unverified) => told(Kind::Loosened, "the upstream's certificate is not verified"),
        (Wire::Unverified, _) => told(Kind::Tightened, "the upstream's certificate is verified"),
        (_, Wire::Verified) => {
            told(Kind::Loosened, "more authorities are believed of the upstream's certificate")
        }
        _ => told(Kind::Tightened, "fewer authorities are believed of the upstream's certificate"),
    }
}

/// How the upstreams are asked that a statement names: what is least sure counts.
pub(super) fn wire(side: &Side<'_>, step: &policy::Step) -> Option<Wire> {
    let policy::StepKind::Act(call) = &step.kind else { return None };
    let name = |expr: &policy::Expr| match &expr.kind {
        policy::ExprKind::Const(Value::Item(name)) => Some(name.clone()),
        _ => None,
    };
    let named: Vec<Arc<str>> = match call.arms.as_slice() {
        [] => call.args.first().and_then(name).into_iter().collect(),
        arms => arms.iter().filter_map(|(_, to)| name(to)).collect(),
    };
    let of = |name: &Arc<str>| {
        let is = |block: &&policy::Block| block.row.name == "upstream" && block.name == *name;
        let block = side.policy.blocks.iter().find(is)?;
        let line = block.settings.iter().find(|line| line.row.name == "tls");
        let Some(line) = line else { return Some(Wire::Cleartext) };
        let told = |name| {
            let at = line.row.place_of(name);
            at.and_then(|at| line.args.get(at)).map(|arg| &arg.kind)
        };
        let is_pinned = |ca: &&policy::ExprKind| !matches!(ca, policy::ExprKind::Const(value) if value.is_absent());
        Some(match told("verify") {
            None | Some(policy::ExprKind::Const(Value::Bool(true))) => {
                if told("ca").filter(is_pinned).is_some() { Wire::Pinned } else { Wire::Verified }
            }
            _ => Wire::Unverified,
        })
    };
    named.iter().filter_map(of).min()
}
