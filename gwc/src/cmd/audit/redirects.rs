//! Redirects that lead where the request says: whoever is sent a link to this site may end on another one. The host that a
//! request came to, its path and its target lead nowhere else.

use std::collections::HashMap;

use lang::Value;
use lang::policy::{Expr, ExprKind, LocalId, Route, Step, StepKind};

/// Locals that stand in each other are not followed further; what lies deeper counts as said by the request.
const MOST_DEEP: usize = 32;

/// The statements of a route that tell a client to go where the request says.
pub(super) fn led(route: &Route) -> Vec<&Step> {
    let mut found = Vec::new();
    let mut locals = HashMap::new();
    walk(&route.steps, &mut locals, &mut found);
    found
}

fn walk<'r>(steps: &'r [Step], locals: &mut HashMap<LocalId, &'r Expr>, found: &mut Vec<&'r Step>) {
    for step in steps {
        match &step.kind {
            StepKind::Let(local, value) => drop(locals.insert(*local, value)),
            StepKind::Always(inner) => walk(inner, locals, found),
            StepKind::Act(call) => {
                let at = call.row.place_of("location");
                let is_field = call.place.as_ref().is_some_and(|place| {
                    place.field.path == "resp.header" && place.key.as_deref() == Some("location")
                });
                let location = match (call.row.name, is_field) {
                    ("redirect", _) => at.and_then(|at| call.args.get(at)),
                    (_, true) => call.args.first(),
                    _ => None,
                };
                // What a redirect takes of the request is encoded, what a field is set to stands as it is.
                let aim = Aim { locals, is_encoded: !is_field };
                if location.is_some_and(|location| aim.is_open(location, 0)) {
                    found.push(step);
                }
            }
        }
    }
}

struct Aim<'a, 'r> {
    locals: &'a HashMap<LocalId, &'r Expr>,
    is_encoded: bool,
}

/// How far the words of the policy have fixed where a location leads.
enum Fixed {
    /// Not at all.
    Nothing,
    /// A `/`, behind which another one would begin a host.
    Slash,
    /// Up to the host, or into it.
    Host { is_empty: bool },
    /// The host.
    All,
}

impl Aim<'_, '_> {
    /// Whether the request may say the host.
    fn is_open(&self, value: &Expr, depth: usize) -> bool {
        if depth > MOST_DEEP {
            return true;
        }
        match &value.kind {
            ExprKind::Local(local) => {
                self.locals.get(local).is_none_or(|value| self.is_open(value, depth + 1))
            }
            ExprKind::Match(_, arms) => arms.iter().any(|arm| self.is_open(&arm.value, depth + 1)),
            ExprKind::Coalesce(a, b) => self.is_open(a, depth + 1) || self.is_open(b, depth + 1),
            ExprKind::Template(_) => {
                let mut parts = Vec::new();
                self.flatten(value, &mut parts, depth);
                self.is_open_text(&parts)
            }
            _ => self.is_open_text(&[value]),
        }
    }

    fn flatten<'e>(&'e self, value: &'e Expr, parts: &mut Vec<&'e Expr>, depth: usize) {
        match &value.kind {
            ExprKind::Template(inner) if depth <= MOST_DEEP => {
                inner.iter().for_each(|part| self.flatten(part, parts, depth + 1));
            }
            ExprKind::Local(local) if depth <= MOST_DEEP => match self.locals.get(local) {
                Some(value) => self.flatten(value, parts, depth + 1),
                None => parts.push(value),
            },
            _ => parts.push(value),
        }
    }

    fn is_open_text(&self, parts: &[&Expr]) -> bool {
        let mut before = String::new();
        for part in parts {
            let fixed = fixed(&before);
            match &part.kind {
                _ if matches!(fixed, Fixed::All) => return false,
                ExprKind::Const(Value::String(text)) => before.push_str(text),
                // Who runs the gateway says where it leads.
                ExprKind::Const(_) | ExprKind::Input(_) => return false,
                ExprKind::Field(row, _) => match (row.path, fixed) {
                    ("req.scheme", Fixed::Nothing) => before.push_str("http"),
                    ("req.host" | "up.host", Fixed::Host { is_empty: true }) => {
                        before.push_str("host")
                    }
                    // A path begins with one `/`, and only one.
                    ("req.path" | "req.target" | "up.path", Fixed::Nothing) => return false,
                    ("req.path" | "req.target" | "up.path", Fixed::Host { is_empty: false }) => {
                        return false;
                    }
                    (_, Fixed::Slash) if self.is_encoded && !is_path(row.path) => return false,
                    _ => return true,
                },
                ExprKind::Capture(_) if matches!(fixed, Fixed::Slash) => return false,
                _ if matches!(fixed, Fixed::Slash) && self.is_encoded => return false,
                _ => return true,
            }
        }
        false
    }
}

fn is_path(field: &str) -> bool {
    matches!(field, "req.path" | "req.target" | "up.path")
}

fn fixed(before: &str) -> Fixed {
    let host = before.find("://").map(|at| at + "://".len());
    let host = host.or(before.starts_with("//").then_some("//".len()));
    match host.and_then(|at| before.get(at..)) {
        Some(host) if host.contains(['/', '?', '#', '\\']) => Fixed::All,
        Some(host) => Fixed::Host { is_empty: host.is_empty() },
        None if before == "/" => Fixed::Slash,
        None if before.contains(['/', '?', '#']) => Fixed::All,
        None => Fixed::Nothing,
    }
}
