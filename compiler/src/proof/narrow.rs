//! Where the requests lie that are asked about: a claim's `for` says in plain words which host it means, or beneath which
//! path; and whoever knows that the rest has not changed asks about some hosts. Most candidates of a large policy have
//! nothing to do with that, and need not be looked at to find out.

use std::sync::Arc;

use lang::Value;
use lang::hosts::{host_holds, host_relation};
use lang::policy::{Compare, Host, Path, Segment};
use lang::segment::{Relation, path_relation, split};
use lang::vocab::ExprId;

use crate::program::{Expr, Program};
use crate::proof::claims::Asked;
use crate::space::{Cut, Formula};

/// The requests that are asked about lie in here.
#[derive(Debug, Default)]
pub(crate) struct Narrow<'h> {
    host: Option<Arc<str>>,
    path: Option<Path>,
    /// Only requests for one of these are asked about.
    within: Option<&'h [Host]>,
}

impl<'h> Narrow<'h> {
    /// What a claim's `for` says, of requests for one of these hosts if some are given.
    pub(crate) fn of(asked: &Asked, program: &Program, within: Option<&'h [Host]>) -> Narrow<'h> {
        let mut narrow = Narrow { within, ..Narrow::default() };
        narrow.asked(asked, program);
        narrow
    }

    /// Whether a request for this host may be meant.
    pub(crate) fn fits_host(&self, host: &Host) -> bool {
        let meets = |other: &Host| host_relation(other, host) != Relation::Disjoint;
        self.host.as_ref().is_none_or(|name| host_holds(host, name))
            && self.within.is_none_or(|within| within.iter().any(meets))
    }

    /// The requests for the hosts that are asked about.
    pub(crate) fn within(&self, cut: &mut Cut<'_>) -> Formula {
        let hosts = self.within.map(|hosts| hosts.iter().map(|host| cut.host(host)).collect());
        hosts.map_or(Formula::Always(true), Formula::any)
    }

    /// Whether a request for a path of this pattern may be meant.
    pub(crate) fn fits_path(&self, path: &Path) -> bool {
        let within = |narrow| path_relation(path, narrow) != Relation::Disjoint;
        self.path.as_ref().is_none_or(within)
    }

    fn asked(&mut self, asked: &Asked, program: &Program) {
        match asked {
            Asked::Request(id) => self.condition(*id, program),
            Asked::All(parts) => parts.iter().for_each(|part| self.asked(part, program)),
            _ => {}
        }
    }

    fn condition(&mut self, id: ExprId, program: &Program) {
        match program.expr(id) {
            Expr::And(parts) => parts.iter().for_each(|part| self.condition(*part, program)),
            Expr::Compare(Compare::Eq, a, b) => {
                for (field, text) in [(a, b), (b, a)] {
                    let Some(text) = text_of(*text, program) else { continue };
                    match field_of(*field, program) {
                        Some("req.host") => self.host = Some(text.clone()),
                        Some("req.path") => self.path = path(text, false),
                        _ => {}
                    }
                }
            }
            Expr::Call(function, arguments) if function.name == "starts_with" => {
                if let [field, text] = arguments.as_slice()
                    && field_of(*field, program) == Some("req.path")
                    && let Some(text) = text_of(*text, program)
                {
                    self.path = path(text, true);
                }
            }
            _ => {}
        }
    }
}

/// The field that is read, where it has no key.
fn field_of(id: ExprId, program: &Program) -> Option<&str> {
    let Expr::Slot(slot) = program.expr(id) else { return None };
    let slot = program.slot(*slot)?;
    slot.key.is_none().then_some(&*slot.field)
}

fn text_of(id: ExprId, program: &Program) -> Option<&Arc<str>> {
    match program.expr(id) {
        Expr::Const(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// This path alone, or all that begin so: by whole segments, so that there may be more of them.
fn path(text: &str, begins: bool) -> Option<Path> {
    if !text.starts_with('/') {
        return None;
    }
    let mut segments: Vec<Segment> =
        split(text).map(|segment| Segment::Literal(segment.into())).collect();
    if begins {
        segments.pop();
    }
    Some(Path { segments, rest: begins })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(text: &str, begins: bool, pattern: &str, rest: bool) -> bool {
        let segments = split(pattern).map(|segment| match segment {
            "{}" => Segment::Capture("x".into(), lang::Ty::String),
            literal => Segment::Literal(literal.into()),
        });
        let pattern = Path { segments: segments.collect(), rest };
        Narrow { path: path(text, begins), ..Narrow::default() }.fits_path(&pattern)
    }

    #[test]
    fn what_may_be_meant_is_kept() {
        assert!(fits("/a", false, "/a", false) && fits("/a", false, "/a", true));
        assert!(fits("/a/", false, "/a", true) && !fits("/a/", false, "/a", false));
        assert!(fits("/a", false, "/{}", false) && !fits("/a/b", false, "/{}", false));
        assert!(fits("/a/b", true, "/a/bc", false) && fits("/a/b", true, "/a", true));
        assert!(!fits("/a/b", true, "/b/c", true) && fits("/", true, "/b", false));
        assert!(fits("*", false, "/b", false));
    }
}
