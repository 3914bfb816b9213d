//! A module: a file of a team, and the ground that the policy's first file gives it. It says what may be in the file and
//! changes nothing of what the file means.

use std::fmt;
use std::sync::Arc;

use super::{Host, Path, Segment};
use crate::hosts::{host_holds, host_relation};
use crate::segment::{Relation, Segments, path_relation, split};
use crate::source::{SourceId, Span};

/// A module of a policy.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its name; those of its routes and upstreams begin with it.
    pub name: Arc<str>,
    /// The listeners it may be on, as places in [`super::Policy::blocks`].
    pub listeners: Vec<usize>,
    /// What it owns.
    pub grounds: Vec<Ground>,
    /// Its own file first, then those that nobody else uses. None where it is closed, or could not be read.
    pub files: Vec<SourceId>,
    /// Whether it was left out on purpose, and its ground answers 503.
    pub closed: bool,
    /// The asserts of the first file that name something of it, and are judged by nobody while it is not there.
    pub unjudged: Vec<Arc<str>>,
    /// Its name's place in the first file.
    pub span: Span,
    /// The whole item's place there.
    pub item: Span,
}

/// Hosts and paths that belong to a module: every request that fits both.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The hosts.
    pub host: Host,
    /// The paths.
    pub path: Path,
    /// Where that is said.
    pub span: Span,
}

impl Module {
    /// Whether a request for this host and path, both in their normal form, belongs to it.
    pub fn owns(&self, host: &str, path: &str) -> bool {
        self.grounds
            .iter()
            .any(|ground| host_holds(&ground.host, host) && path_holds(&ground.path, path))
    }
}

impl Ground {
    /// Whether every request of this host pattern and path pattern belongs to it.
    pub fn holds(&self, host: &Host, path: &Path) -> bool {
        let inside = |relation| matches!(relation, Relation::Equal | Relation::Inside);
        inside(host_relation(host, &self.host)) && inside(path_relation(path, &self.path))
    }

    /// Whether some request belongs to it and is of these patterns.
    pub fn meets(&self, host: &Host, path: &Path) -> bool {
        host_relation(host, &self.host) != Relation::Disjoint
            && path_relation(path, &self.path) != Relation::Disjoint
    }
}

fn path_holds(pattern: &Path, path: &str) -> bool {
    let mut segments = split(path);
    let fits = pattern
        .segments
        .iter()
        .all(|wanted| segments.next().is_some_and(|segment| Segments::of(wanted).holds(segment)));
    fits && (pattern.rest || segments.next().is_none())
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place(&self.host, &self.path))
    }
}

/// A host pattern and a path pattern as a sentence says them, in backticks: `shop.example/billing/**`.
pub fn place(host: &Host, path: &Path) -> String {
    match host {
        Host::Any => format!("`{path}` on every host"),
        host => format!("`{host}{path}`"),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Any => f.write_str("*"),
            Host::Exact(name) => f.write_str(name),
            Host::OneLabel(rest) => write!(f, "*.{rest}"),
            Host::Labels(rest) => write!(f, "**.{rest}"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Capture(name, ty) if *ty == crate::Ty::String => write!(f, "/{{{name}}}")?,
                Segment::Capture(name, ty) => write!(f, "/{{{name}: {ty}}}")?,
            }
        }
        if self.rest { f.write_str("/**") } else { Ok(()) }
    }
}
