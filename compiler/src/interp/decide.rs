//! Finding the route: the virtual hosts that answer for the host, in each the cells that hold the path, in these the
//! candidates in the decided order. Says nothing about why; that is `explain`.

use std::sync::Arc;

use crate::frame::Head;
use crate::interp::{Interp, Pending};
use crate::matcher::Decision;
use crate::program::{Candidate, Listener, VirtualHost};
use crate::segment::split;

impl Interp<'_> {
    /// Which route of the listener answers.
    pub(crate) fn decide(&self, listener: &Listener, head: &Head<'_>) -> Result<Decision, Pending> {
        let segments: Vec<&str> = split(head.path).collect();
        let mut others: Vec<(&Candidate, &[Arc<str>])> = Vec::new();
        for host in listener.hosts.find(head.host) {
            for candidate in candidates(host, &segments) {
                match candidate.methods.as_deref() {
                    Some(methods) if !methods.iter().any(|method| **method == *head.method) => {
                        others.push((candidate, methods));
                    }
                    _ => {
                        if self.takes(candidate, &segments)? {
                            self.capture(candidate, &segments);
                            return Ok(Decision::Route(candidate.route));
                        }
                    }
                }
            }
        }
        let mut allowed: Vec<Arc<str>> = Vec::new();
        for (candidate, methods) in others {
            if self.takes(candidate, &segments)? {
                allowed.extend(methods.iter().cloned());
            }
        }
        self.frame.set_captures(Vec::new());
        allowed.sort_unstable();
        allowed.dedup();
        Ok(if allowed.is_empty() {
            Decision::NotFound
        } else {
            Decision::MethodNotAllowed(allowed)
        })
    }

    /// Whether everything but host, path and method lets the candidate answer.
    pub(crate) fn takes(&self, candidate: &Candidate, segments: &[&str]) -> Result<bool, Pending> {
        if candidate.reads_captures {
            self.capture(candidate, segments);
        }
        self.passes(&candidate.code)
    }

    /// Puts what the candidate captures into the frame.
    pub(crate) fn capture(&self, candidate: &Candidate, segments: &[&str]) {
        let captured = candidate.captures.iter().map(|(name, place, kind)| {
            (name.clone(), segments.get(*place).map(|text| kind.value(text)).unwrap_or_default())
        });
        self.frame.set_captures(captured.collect());
    }
}

/// The candidates whose path pattern holds these segments, in the decided order.
pub(crate) fn candidates<'p>(
    host: &'p VirtualHost,
    segments: &[&str],
) -> impl Iterator<Item = &'p Candidate> {
    let mut places = Vec::new();
    collect(host, 0, segments, &mut places);
    let mut found: Vec<&Candidate> =
        places.into_iter().flatten().filter_map(|at| host.candidates.get(*at)).collect();
    found.sort_by_key(|candidate| candidate.rank);
    found.into_iter()
}

fn collect<'p>(
    host: &'p VirtualHost,
    node: usize,
    segments: &[&str],
    places: &mut Vec<&'p [usize]>,
) {
    let Some(node) = host.nodes.get(node) else { return };
    places.push(&node.beneath);
    let Some((segment, rest)) = segments.split_first() else {
        places.push(&node.here);
        return;
    };
    if let Some(&next) = node.literals.get(*segment) {
        collect(host, next, rest, places);
    }
    for (kind, next) in &node.captures {
        if kind.holds(segment) {
            collect(host, *next, rest, places);
        }
    }
}
