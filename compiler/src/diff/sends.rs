//! Where a client is sent: over which scheme, and whether it says the host.

use lang::Value;
use lang::policy::LocalId;
use lang::vocab::ExprId;

use crate::diff::effect::Captured;
use crate::diff::free::Hold;
use crate::diff::put::{Put, put, remade};
use crate::diff::spelling::{self, Held, Spelling};
use crate::diff::{Kind, Reason};
use crate::program::Expr;
use crate::proof::basis::Basis;

/// Where a client is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sends {
    scheme: Scheme,
    host: Host,
    /// What a client says of it, if it says something.
    said: Put,
    /// How the host is spelled.
    authority: Spelling,
}

/// Who says the host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Host {
    /// The policy.
    Named,
    /// Nobody: it is the one that was asked for, which the answer does not name.
    Kept,
    /// The client, by the host that it has asked for.
    Asked,
    /// The client.
    Said,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scheme {
    Secure,
    Cleartext,
    /// The one by which the request came.
    Same,
    Unknown,
}

/// What it means where a client is sent. Where it may ask for several hosts (`is_open`), it says the one that it has asked for.
pub(super) fn verdict(
    [before, after]: [Option<&Sends>; 2],
    secure: [bool; 2],
    is_open: bool,
) -> Vec<Reason> {
    let host = |sends: Option<&Sends>| sends.map(|sends| sends.host);
    let chooses = |one: Option<Host>, other: Option<Host>| match one {
        Some(Host::Said) => other != Some(Host::Said),
        Some(Host::Asked) => is_open && other == Some(Host::Named),
        _ => false,
    };
    let mut reasons = Vec::new();
    match (host(before), host(after)) {
        (one, other) if chooses(other, one) => {
            reasons.push((Kind::Loosened, "the client chooses the host that it is sent to".into()));
        }
        (one, other) if chooses(one, other) => reasons.push((
            Kind::Tightened,
            "the client no longer chooses the host that it is sent to".into(),
        )),
        (Some(Host::Said), Some(Host::Said)) => {
            let kind = before.zip(after).and_then(|(one, other)| {
                let made = remade(&one.said, &other.said).map(|(kind, _)| kind);
                let spelled = || spelling::verdict(&one.authority, &other.authority, Held::End);
                made.filter(|kind| *kind != Kind::Unclear).or_else(spelled).or(made)
            });
            reasons.extend(kind.map(|kind| {
                let part = spelling::part(kind);
                (kind, format!("the client chooses {part} of the host that it is sent to"))
            }));
        }
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
    pub(super) fn to(
        basis: &Basis<'_>,
        value: ExprId,
        made: (&[(LocalId, ExprId)], &[Captured]),
    ) -> Sends {
        let program = &basis.program;
        let (lets, captured) = made;
        let authority = Spelling::of(basis, value, lets, (captured, None)).authority();
        let text = |id: ExprId| match basis.constants.get(id) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => None,
        };
        let parts = match program.expr(value) {
            Expr::Template(parts) => parts.clone(),
            _ => vec![value],
        };
        let first = parts.first().copied();
        let mut parts = parts.into_iter().peekable();
        let mut begin = String::new();
        while let Some(words) = parts.peek().copied().and_then(text) {
            begin.push_str(&words);
            parts.next();
        }
        if begin.is_empty() {
            let own = first.is_some_and(|id| match program.expr(id) {
                Expr::Slot(slot) => program
                    .slot(*slot)
                    .is_some_and(|slot| matches!(&*slot.field, "req.path" | "req.target")),
                _ => false,
            });
            let said = first.map_or(Put::Said, |id| put(basis, id, made));
            let by_client = !own && matches!(said, Put::Client(_));
            return match (own, by_client) {
                (true, _) => Sends { scheme: Scheme::Same, host: Host::Kept, said, authority },
                (_, true) => Sends { scheme: Scheme::Unknown, host: Host::Said, said, authority },
                _ => Sends { scheme: Scheme::Unknown, host: Host::Named, said, authority },
            };
        };
        let lower = begin.to_ascii_lowercase();
        let schemes =
            [("https://", Scheme::Secure), ("http://", Scheme::Cleartext), ("//", Scheme::Same)];
        let found = schemes.iter().find_map(|(words, scheme)| {
            lower.strip_prefix(words).map(|rest| (rest.to_owned(), *scheme))
        });
        let Some((mut text_before, scheme)) = found else {
            let said = Put::Said;
            return match lower.contains(':') {
                true => Sends { scheme: Scheme::Unknown, host: Host::Named, said, authority },
                false => Sends { scheme: Scheme::Same, host: Host::Kept, said, authority },
            };
        };
        let mut said = Put::Said;
        let ends = |text: &str| text.contains(['/', '?', '#']);
        let mut host = Host::Named;
        for part in parts {
            if ends(&text_before) {
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
            if is_host {
                host = host.max(Host::Asked);
            } else if let one @ Put::Client(_) = put(basis, part, made) {
                host = Host::Said;
                said = one.beside(&said);
            }
            text_before = text(part).map_or_else(String::new, |text| text.to_string());
        }
        Sends { scheme, host, said, authority }
    }

    /// Notes how the client is held in what it says of the host.
    pub(super) fn hold(&mut self, hold: &mut dyn FnMut(ExprId) -> Hold) {
        self.said.hold(hold);
        self.authority.hold(hold);
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
