//! Where a client is sent: over which scheme, and whether it says the host.

use lang::Value;
use lang::policy::LocalId;
use lang::vocab::ExprId;

use crate::diff::put::{Put, put};
use crate::diff::{Kind, Reason};
use crate::program::Expr;
use crate::proof::basis::Basis;

/// Where a client is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sends {
    scheme: Scheme,
    /// Whether the client says the host, but for the one that it has asked for.
    by_client: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scheme {
    Secure,
    Cleartext,
    /// The one by which the request came.
    Same,
    Unknown,
}

/// What it means where a client is sent.
pub(super) fn verdict([before, after]: [Option<&Sends>; 2], secure: [bool; 2]) -> Vec<Reason> {
    let by_client = |sends: Option<&Sends>| sends.is_some_and(|sends| sends.by_client);
    let mut reasons = Vec::new();
    match (by_client(before), by_client(after)) {
        (false, true) => {
            reasons.push((Kind::Loosened, "the client chooses the host that it is sent to".into()));
        }
        (true, false) => reasons.push((
            Kind::Tightened,
            "the client no longer chooses the host that it is sent to".into(),
        )),
        _ => {}
    }
    let [from, to] = secure;
    if let (Some(before), Some(after)) = (before, after) {
        match (before.is_secure(from), after.is_secure(to)) {
            (Some(true), Some(false)) => {
                reasons.push((Kind::Loosened, "the client is no longer sent on over TLS".into()))
            }
            (Some(false), Some(true)) => {
                reasons.push((Kind::Tightened, "the client is sent on over TLS".into()));
            }
            (Some(true), None) => reasons.push((
                Kind::Unclear,
                "whether the client is sent on over TLS hangs on what is computed".into(),
            )),
            _ => {}
        }
    }
    reasons
}

impl Sends {
    /// Where a value sends it.
    pub(super) fn to(basis: &Basis<'_>, value: ExprId, lets: &[(LocalId, ExprId)]) -> Sends {
        let program = &basis.program;
        let text = |id: ExprId| match basis.constants.get(id) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => None,
        };
        let parts = match program.expr(value) {
            Expr::Template(parts) => parts.clone(),
            _ => vec![value],
        };
        let mut parts = parts.into_iter();
        let first = parts.next();
        let Some(begin) = first.and_then(text) else {
            let own = first.is_some_and(|id| match program.expr(id) {
                Expr::Slot(slot) => program
                    .slot(*slot)
                    .is_some_and(|slot| matches!(&*slot.field, "req.path" | "req.target")),
                _ => false,
            });
            let by_client =
                !own && first.is_some_and(|id| matches!(put(basis, id, lets), Put::Client(_)));
            let scheme = if own { Scheme::Same } else { Scheme::Unknown };
            return Sends { scheme, by_client };
        };
        let lower = begin.to_ascii_lowercase();
        let schemes =
            [("https://", Scheme::Secure), ("http://", Scheme::Cleartext), ("//", Scheme::Same)];
        let found = schemes.iter().find_map(|(words, scheme)| {
            lower.strip_prefix(words).map(|rest| (rest.to_owned(), *scheme))
        });
        let Some((mut authority, scheme)) = found else {
            let scheme = if lower.contains(':') { Scheme::Unknown } else { Scheme::Same };
            return Sends { scheme, by_client: false };
        };
        let ends = |text: &str| text.contains(['/', '?', '#']);
        let mut by_client = false;
        for part in parts {
            if ends(&authority) {
                break;
            }
            let is_host = match program.expr(part) {
                Expr::Slot(slot) => {
                    let slot = program.slot(*slot);
                    // Behind it the host has ended.
                    match slot.map_or("", |slot| &*slot.field) {
                        "req.target" | "req.path" => break,
                        _ => is_host(basis, part),
                    }
                }
                _ => is_host(basis, part),
            };
            by_client |= !is_host && matches!(put(basis, part, lets), Put::Client(_));
            authority = text(part).map_or_else(String::new, |text| text.to_string());
        }
        Sends { scheme, by_client }
    }

    /// Whether what follows goes over TLS, where the request came so or did not.
    fn is_secure(&self, came: bool) -> Option<bool> {
        match self.scheme {
            Scheme::Secure => Some(true),
            Scheme::Cleartext => Some(false),
            Scheme::Same => Some(came),
            Scheme::Unknown => None,
        }
    }
}

/// Whether it is the host that is asked for, with a port or without.
fn is_host(basis: &Basis<'_>, id: ExprId) -> bool {
    match basis.program.expr(id) {
        Expr::Slot(slot) => basis.program.slot(*slot).is_some_and(|slot| {
            matches!(
                (&*slot.field, slot.key.as_deref()),
                ("req.host", None) | ("req.header", Some("host"))
            )
        }),
        Expr::Coalesce(first, other) => {
            is_host(basis, *first) && basis.constants.get(*other).is_some()
        }
        _ => false,
    }
}
