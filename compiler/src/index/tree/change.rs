//! A tree in which some cells ask something else than before. Its nodes stay where they are, and all other cells what they
//! are; where paths came or went, a host is built anew.

use std::sync::Arc;

use super::build::asks_nothing;
use super::{Cell, CellRef, LINE, Line, NOWHERE, Side, Tree};
use crate::lower::bind::Bind;
use crate::program::{Candidate, Program, VirtualHost};
use lang::segment::Segments;

/// Where more cells are changed, equal ones are looked for, as they are when a tree is built.
const MOST_CHANGED: usize = 16;

/// So many cells may be made after a tree was built, and one for so many that it was built with.
const MOST_OWN: usize = 64;
const SHARE_OWN: usize = 8;

/// One of the two places for cells that a node of a program has.
type Place = (usize, bool);

impl Tree {
    /// The tree of a host that was `old` and had this one. `None` if it has to be built anew.
    pub(in crate::index) fn after(
        &self,
        old: &VirtualHost,
        new: &VirtualHost,
        bind: Bind<'_>,
    ) -> Option<Tree> {
        let is_alike = old.nodes.len() == new.nodes.len()
            && old.candidates.len() == new.candidates.len()
            && !(self.side.is_plain || old.is_ranked || new.is_ranked);
        let changed = if is_alike { changed(bind.program, old, new)? } else { return None };
        let mut tree =
            Changing { tree: self, lines: None, side: Side::clone(&self.side), moved: Vec::new() };
        for place in changed {
            tree.put(cell(old, place)?, new, cell(new, place)?, bind)?;
        }
        tree.note_moved()?;
        let n_own = tree.side.own.len();
        let lines = tree.lines.unwrap_or_else(|| self.lines.clone());
        let side = Arc::new(tree.side);
        (n_own <= MOST_OWN + side.cells.len() / SHARE_OWN).then_some(Tree { lines, side })
    }
}

/// A tree that is being changed.
struct Changing<'t> {
    tree: &'t Tree,
    /// Its lines, once one of them says something else.
    lines: Option<Arc<[Line]>>,
    side: Side,
    /// Of each cell that has another first candidate now that one, the one before, and where it stands.
    moved: Vec<(usize, usize, u32)>,
}

impl Changing<'_> {
    /// Puts a cell with the candidates `now` in the place of the one with these.
    fn put(
        &mut self,
        old: &[usize],
        new: &VirtualHost,
        now: &[usize],
        bind: Bind<'_>,
    ) -> Option<()> {
        let (first_old, first) = (*old.first()?, *now.first()?);
        let place = *self.tree.side.places.get(first_old)?;
        if place == NOWHERE {
            // No path leads there.
            return Some(());
        }
        let known = self.tree.cell_at(place)?;
        let candidates = now.iter().map(|at| new.candidates.get(*at));
        let candidates: Vec<&Candidate> = candidates.collect::<Option<_>>()?;
        let made = if asks_nothing(candidates.first()?) {
            CellRef::Always(u32::try_from(first).ok()?)
        } else {
            let numbers: Result<Box<[u32]>, _> = now.iter().map(|at| u32::try_from(*at)).collect();
            let code = Arc::new(bind.cell(&candidates));
            let n_built = self.side.cells.len();
            let own = match known {
                CellRef::Cell(number) => (number as usize).checked_sub(n_built),
                CellRef::None | CellRef::Always(_) => None,
            };
            let own = own.unwrap_or(self.side.own.len());
            self.side.own.put(own, Arc::new(Cell { code, candidates: numbers.ok()? }));
            CellRef::Cell(u32::try_from(n_built + own).ok()?)
        };
        if first != first_old {
            self.moved.push((first, first_old, place));
        }
        if made != known {
            let lines = self.lines.get_or_insert_with(|| Arc::from(&*self.tree.lines));
            let word = place as usize / 2;
            let word = Arc::make_mut(lines).get_mut(word / LINE)?.0.get_mut(word % LINE)?;
            let (shift, code) = ((place % 2) * 32, u64::from(made.code()));
            *word = *word & !(u64::from(u32::MAX) << shift) | code << shift;
        }
        Some(())
    }

    /// Notes where cells stand by their first candidates of now. One may be what another one's was.
    fn note_moved(&mut self) -> Option<()> {
        if self.moved.is_empty() {
            return Some(());
        }
        let mut places = self.side.places.to_vec();
        for (_, first_old, _) in &self.moved {
            *places.get_mut(*first_old)? = NOWHERE;
        }
        for (first, _, place) in &self.moved {
            *places.get_mut(*first)? = *place;
        }
        self.side.places = places.into();
        Some(())
    }
}

/// The cells that ask something else than before. `None` if they are many, or if paths came or went.
fn changed(program: &Program, old: &VirtualHost, new: &VirtualHost) -> Option<Vec<Place>> {
    let mut cells: Vec<Place> = Vec::new();
    for at in new.nodes.apart(&old.nodes) {
        let (one, other) = (old.nodes.get(at)?, new.nodes.get(at)?);
        if one.literals != other.literals || one.captures != other.captures {
            return None;
        }
        for (one, other, is_beneath) in
            [(&one.here, &other.here, false), (&one.beneath, &other.beneath, true)]
        {
            if one.is_empty() != other.is_empty() {
                return None;
            }
            if one != other {
                cells.push((at, is_beneath));
            }
        }
    }
    for at in new.candidates.apart(&old.candidates) {
        let (one, other) = (old.candidates.get(at)?, new.candidates.get(at)?);
        if !ask_alike(one, other) {
            cells.push(place(program, new, other)?);
        }
        if cells.len() > MOST_CHANGED {
            return None;
        }
    }
    cells.sort_unstable();
    cells.dedup();
    Some(cells)
}

/// Whether candidates are asked the same.
fn ask_alike(one: &Candidate, other: &Candidate) -> bool {
    let captures = |of: &'_ Candidate| of.reads_captures.then(|| of.captures.clone());
    (&one.methods, &one.code) == (&other.methods, &other.code) && captures(one) == captures(other)
}

/// Where a candidate stands.
fn place(program: &Program, host: &VirtualHost, candidate: &Candidate) -> Option<Place> {
    let (path, _) = program.route(candidate.route)?.paths.get(candidate.path)?;
    let mut node = 0;
    for segment in &path.segments {
        let from = host.nodes.get(node)?;
        node = match Segments::of(segment) {
            Segments::Literal(text) => *from.literals.get(&text)?,
            other => from.captures.iter().find(|(kind, _)| *kind == other)?.1,
        };
    }
    Some((node, path.rest))
}

/// The candidates at a place.
fn cell(host: &VirtualHost, (node, is_beneath): Place) -> Option<&[usize]> {
    let node = host.nodes.get(node)?;
    Some(if is_beneath { &node.beneath } else { &node.here })
}
