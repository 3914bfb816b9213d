//! Where two listeners may differ: hosts and paths whose candidates, or the order of these, are not the same.

use std::collections::{HashMap, HashSet};

use lang::Span;
use lang::policy::{Host, Path};

use crate::diff::{Side as Which, fate};
use crate::program::{Listener, VirtualHost};
use crate::proof::basis::{At, Basis, Side};
use lang::segment::Segments;

/// A host and a path at which something differs.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) host: Host,
    pub(super) path: Path,
    /// The candidates of just this host and path that differ, of either side: whoever fits none of them fares the same here.
    pub(super) differing: [Vec<At>; 2],
    /// The route that differs there, for who cannot be told more.
    pub(super) side: Which,
    pub(super) span: Span,
}

/// Numbers for candidates: equal ones have the same.
#[derive(Default)]
pub(super) struct Signatures {
    known: HashMap<(Host, Vec<Segments>, bool, String), u32>,
    of: HashMap<(bool, usize, At), u32>,
}

impl Signatures {
    /// The number of a side's candidate.
    pub(super) fn of(
        &mut self,
        basis: &Basis<'_>,
        (which, side): (Which, &Side<'_>),
        listener: &Listener,
        at: At,
    ) -> Option<u32> {
        let place = (which == Which::New, listener.block, at);
        if let Some(known) = self.of.get(&place) {
            return Some(*known);
        }
        let host = listener.hosts.list.get(at.host)?;
        let candidate = host.candidates.get(at.candidate)?;
        let route = basis.route(side, candidate.route)?;
        let (path, _) = route.paths.get(candidate.path)?;
        let kinds: Vec<Segments> = path.segments.iter().map(Segments::of).collect();
        let text = fate::signature(basis, side, route, &candidate.captures);
        let next = self.known.len() as u32;
        let number = *self.known.entry((host.host.clone(), kinds, path.rest, text)).or_insert(next);
        self.of.insert(place, number);
        Some(number)
    }
}

/// The hosts and paths at which the candidates of the two differ.
pub(super) fn regions(
    basis: &Basis<'_>,
    sides: [(Side<'_>, &Listener); 2],
    signatures: &mut Signatures,
) -> Vec<Region> {
    let mut hosts: Vec<&Host> = Vec::new();
    let mut seen = HashSet::new();
    for (_, listener) in &sides {
        hosts.extend(listener.hosts.list.iter().map(|host| &host.host).filter(|h| seen.insert(*h)));
    }
    let places: Vec<HashMap<&Host, usize>> = sides
        .iter()
        .map(|(_, listener)| {
            listener.hosts.list.iter().enumerate().map(|(at, host)| (&host.host, at)).collect()
        })
        .collect();
    let mut regions: Vec<Region> = Vec::new();
    let mut known: HashMap<(Host, Vec<Segments>, bool), usize> = HashMap::new();
    for host in hosts {
        let mut sequences: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
        let mut ats: [Option<(usize, &VirtualHost)>; 2] = [None, None];
        for (which, (side, listener)) in sides.iter().enumerate() {
            let Some(at) = places.get(which).and_then(|places| places.get(host)).copied() else {
                continue;
            };
            let Some(of) = listener.hosts.list.get(at) else { continue };
            let name = if which == 0 { Which::Old } else { Which::New };
            let numbers = (0..of.candidates.len()).filter_map(|candidate| {
                signatures.of(basis, (name, side), listener, At { host: at, candidate })
            });
            let numbers: Vec<u32> = numbers.collect();
            if let (Some(sequence), Some(place)) = (sequences.get_mut(which), ats.get_mut(which)) {
                *sequence = numbers;
                *place = Some((at, of));
            }
        }
        let [old, new] = &sequences;
        let differing = differing(old, new);
        for (which, candidates) in differing.into_iter().enumerate() {
            let (Some((side, _)), Some(Some((host_at, of)))) = (sides.get(which), ats.get(which))
            else {
                continue;
            };
            for at in candidates {
                let at = At { host: *host_at, candidate: at };
                let Some(candidate) = of.candidates.get(at.candidate) else { continue };
                let Some(route) = basis.route(side, candidate.route) else { continue };
                let Some((path, _)) = route.paths.get(candidate.path) else { continue };
                let kinds: Vec<Segments> = path.segments.iter().map(Segments::of).collect();
                let region = *known.entry((host.clone(), kinds, path.rest)).or_insert_with(|| {
                    regions.push(Region {
                        host: host.clone(),
                        path: path.clone(),
                        differing: [Vec::new(), Vec::new()],
                        side: if which == 0 { Which::Old } else { Which::New },
                        span: route.span,
                    });
                    regions.len() - 1
                });
                let region = regions.get_mut(region);
                let own = region.and_then(|region| region.differing.get_mut(which));
                own.into_iter().for_each(|own| own.push(at));
            }
        }
    }
    regions
}

/// The places at which two sequences differ: what only one has, and everything that changed its order.
fn differing(old: &[u32], new: &[u32]) -> [Vec<usize>; 2] {
    let before = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) =
        (old.get(before..).unwrap_or_default(), new.get(before..).unwrap_or_default());
    let behind = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b);
    let behind = behind.count();
    let middle = |all: &[u32]| -> Vec<(usize, u32)> {
        let end = all.len() - behind;
        (before..end).filter_map(|at| Some((at, *all.get(at)?))).collect()
    };
    let (old, new) = (middle(old), middle(new));
    let numbers = |all: &[(usize, u32)]| all.iter().map(|(_, n)| *n).collect::<HashSet<u32>>();
    let (in_old, in_new) = (numbers(&old), numbers(&new));
    let shared = |all: &[(usize, u32)], other: &HashSet<u32>| {
        all.iter().map(|(_, n)| *n).filter(|n| other.contains(n)).collect::<Vec<u32>>()
    };
    let in_order = shared(&old, &in_new) == shared(&new, &in_old);
    let left = |all: Vec<(usize, u32)>, other: &HashSet<u32>| {
        let kept = all.into_iter().filter(|(_, n)| !in_order || !other.contains(n));
        kept.map(|(at, _)| at).collect::<Vec<usize>>()
    };
    [left(old, &in_new), left(new, &in_old)]
}

#[cfg(test)]
mod tests {
    use super::differing;

    #[test]
    fn what_one_has_and_the_other_has_not() {
        assert_eq!(differing(&[1, 2, 3], &[1, 2, 3]), [vec![], vec![]]);
        assert_eq!(differing(&[1, 2, 3], &[1, 9, 3]), [vec![1], vec![1]]);
        assert_eq!(differing(&[1, 2, 3, 4], &[1, 3, 8, 4]), [vec![1], vec![2]]);
        assert_eq!(differing(&[1, 2], &[2, 1]), [vec![0, 1], vec![0, 1]]);
    }
}
