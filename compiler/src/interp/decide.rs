//! Finding the route: the virtual hosts that answer for the host, in each the cells that hold the path, in these the
//! candidates in the decided order. Says nothing about why; that is `explain`.

use std::sync::Arc;

use crate::decision::Decision;
use crate::frame::Head;
use crate::interp::{Interp, Pending};
use crate::program::code::Methods;
use crate::program::{Candidate, Listener, VirtualHost};
use lang::segment::split;

impl Interp<'_> {
    /// Which route of the listener answers.
    pub(crate) fn decide(&self, listener: &Listener, head: &Head<'_>) -> Result<Decision, Pending> {
        self.decide_by(listener, head, |_| {})
    }

    /// As [`Interp::decide`]; `tried` is told of each candidate whose conditions were tested, while what it captures is
    /// in the frame.
    pub(crate) fn decide_by(
        &self,
        listener: &Listener,
        head: &Head<'_>,
        mut tried: impl FnMut(&Candidate),
    ) -> Result<Decision, Pending> {
        let segments: Vec<&str> = split(head.path).collect();
        let mut others: Vec<(&Candidate, &[Arc<str>])> = Vec::new();
        for host in listener.hosts.find(head.host) {
            for candidate in candidates(host, &segments) {
                match candidate.methods.as_deref() {
                    Some(methods)
                        if !methods.iter().any(|method| **method == *head.method.name()) =>
                    {
                        others.push((candidate, methods));
                    }
                    _ => {
                        let takes = self.takes(candidate, &segments)?;
                        tried(candidate);
                        if takes {
                            self.capture(candidate, &segments);
                            return Ok(Decision::Route(candidate.route));
                        }
                    }
                }
            }
        }
        let mut allowed = Methods::default();
        for (candidate, methods) in others {
            let takes = self.takes(candidate, &segments)?;
            tried(candidate);
            if takes {
                allowed.add(&Methods::of(methods));
            }
        }
        self.frame.set_captures(Vec::new());
        Ok(Decision::without_route(allowed))
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
    let cells = cells(host, segments);
    let n_cells = cells.iter().filter(|cell| !cell.is_empty()).count();
    let mut found: Vec<&Candidate> =
        cells.into_iter().flatten().filter_map(|at| host.candidates.get(*at)).collect();
    // A cell is in order already.
    if n_cells > 1 {
        found.sort_by_key(|candidate| candidate.rank);
    }
    found.into_iter()
}

/// The cells that hold these segments, each with its candidates in order.
pub(crate) fn cells<'p>(host: &'p VirtualHost, segments: &[&str]) -> Vec<&'p [usize]> {
    let mut cells: Vec<&[usize]> = Vec::new();
    let mut open = vec![(0, 0)];
    while let Some((node, depth)) = open.pop() {
        let Some(node) = host.nodes.get(node) else { continue };
        cells.push(&node.beneath);
        let Some(segment) = segments.get(depth) else {
            cells.push(&node.here);
            continue;
        };
        open.extend(node.literals.get(*segment).map(|next| (*next, depth + 1)));
        let captures = node.captures.iter().filter(|(kind, _)| kind.holds(segment));
        open.extend(captures.map(|(_, next)| (*next, depth + 1)));
    }
    cells
}
