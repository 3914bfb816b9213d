//! Sets of hosts, decided exactly: which hosts a pattern takes, and how two patterns lie to each other.

use crate::policy::Host;
use crate::segment::Relation;

/// Whether the host is one of the pattern's.
pub fn host_holds(pattern: &Host, host: &str) -> bool {
    let stem = |suffix: &str| host.strip_suffix(suffix).and_then(|stem| stem.strip_suffix('.'));
    match pattern {
        Host::Any => true,
        Host::Exact(name) => **name == *host,
        Host::OneLabel(suffix) => {
            stem(suffix).is_some_and(|label| !label.is_empty() && !label.contains('.'))
        }
        Host::Labels(suffix) => {
            stem(suffix).is_some_and(|labels| labels.split('.').all(|label| !label.is_empty()))
        }
    }
}

/// How the hosts of two patterns lie to each other.
pub fn host_relation(a: &Host, b: &Host) -> Relation {
    use Host::{Any, Exact, Labels, OneLabel};
    let below = |inner: &str, outer: &str| {
        inner.strip_suffix(outer).is_some_and(|stem| stem.ends_with('.'))
    };
    match (a, b) {
        (a, b) if a == b => Relation::Equal,
        (_, Any) => Relation::Inside,
        (Any, _) => Relation::Around,
        (Exact(name), wild @ (OneLabel(_) | Labels(_))) => {
            if host_holds(wild, name) {
                Relation::Inside
            } else {
                Relation::Disjoint
            }
        }
        (OneLabel(_) | Labels(_), Exact(_)) => host_relation(b, a).reversed(),
        (OneLabel(inner), Labels(outer)) if inner == outer || below(inner, outer) => {
            Relation::Inside
        }
        (Labels(inner), Labels(outer)) if below(inner, outer) => Relation::Inside,
        (Labels(outer), OneLabel(inner) | Labels(inner))
            if inner == outer || below(inner, outer) =>
        {
            Relation::Around
        }
        _ => Relation::Disjoint,
    }
}
