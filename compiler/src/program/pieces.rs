//! A list in pieces, which a changed program shares with the one it was made of: a copy of it holds the same pieces, and
//! what is changed in the copy is a copy of one piece. Two such lists are told apart by their pieces, without a look at
//! what both share.

use std::ops::Range;
use std::sync::Arc;

/// Rows by number, in pieces of so many; the last one may be shorter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pieces<T>(Vec<Arc<[T]>>);

/// Rows of a piece: few, so that a copy of one is quick, and many, so that there are few pieces.
const LENGTH: usize = 64;

impl<T> Pieces<T> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * LENGTH + last.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The row with this number.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at / LENGTH)?.get(at % LENGTH)
    }

    /// The first row.
    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> + DoubleEndedIterator + Clone {
        Counted { n: self.len(), rows: self.0.iter().flat_map(|piece| piece.iter()) }
    }

    /// Those from this number on.
    pub(crate) fn iter_from(&self, first: usize) -> impl Iterator<Item = &T> {
        let pieces = self.0.get(first / LENGTH..).unwrap_or_default();
        pieces.iter().flat_map(|piece| piece.iter()).skip(first % LENGTH)
    }

    /// The numbers of the rows that do not stand in a piece that both share.
    pub(crate) fn apart(&self, before: &Pieces<T>) -> impl Iterator<Item = usize> {
        let is_shared =
            |at: usize, piece| before.0.get(at).is_some_and(|old| Arc::ptr_eq(old, piece));
        let apart = self.0.iter().enumerate().filter(move |(at, piece)| !is_shared(*at, piece));
        apart.flat_map(|(at, piece)| numbers(at, piece.len()))
    }

    /// Whether both are the same pieces.
    pub(crate) fn is_same(&self, before: &Pieces<T>) -> bool {
        self.0.len() == before.0.len() && self.apart(before).next().is_none()
    }
}

/// The numbers of a piece's rows.
fn numbers(piece: usize, length: usize) -> Range<usize> {
    piece * LENGTH..piece * LENGTH + length
}

impl<T: Clone> Pieces<T> {
    /// The row with this number, to be changed.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        Arc::make_mut(self.0.get_mut(at / LENGTH)?).get_mut(at % LENGTH)
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(|piece| Arc::make_mut(piece).iter_mut())
    }

    /// Puts another row in the place of the one with this number, or behind the last.
    pub(crate) fn put(&mut self, at: usize, row: T) {
        match self.get_mut(at) {
            Some(place) => *place = row,
            None => self.extend([row]),
        }
    }

    /// Leaves out what stands behind so many.
    pub(crate) fn truncate(&mut self, n: usize) {
        if n < self.len() {
            self.0.truncate(n.div_ceil(LENGTH));
            if let Some(last) = self.0.last_mut()
                && let Some(left) = last.get(..n - (n.div_ceil(LENGTH) - 1) * LENGTH)
            {
                *last = left.into();
            }
        }
    }
}

impl<T: PartialEq> Pieces<T> {
    /// The same rows, with those pieces of `before` that are alike.
    pub(crate) fn sharing(mut self, before: &Pieces<T>) -> Pieces<T> {
        for (piece, old) in self.0.iter_mut().zip(&before.0) {
            if piece == old {
                *piece = old.clone();
            }
        }
        self
    }
}

impl<T: Clone> Extend<T> for Pieces<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, rows: I) {
        let last = self.0.pop_if(|last| last.len() < LENGTH);
        let mut all = Vec::with_capacity(LENGTH);
        all.extend(last.iter().flat_map(|last| last.iter().cloned()));
        all.extend(rows);
        add(&mut self.0, all);
    }
}

/// Adds pieces of these rows.
fn add<T>(pieces: &mut Vec<Arc<[T]>>, rows: Vec<T>) {
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        pieces.push(rows.by_ref().take(LENGTH).collect());
    }
}

impl<T> Default for Pieces<T> {
    fn default() -> Pieces<T> {
        Pieces(Vec::new())
    }
}

impl<T> From<Vec<T>> for Pieces<T> {
    fn from(rows: Vec<T>) -> Pieces<T> {
        let mut pieces = Vec::with_capacity(rows.len().div_ceil(LENGTH));
        add(&mut pieces, rows);
        Pieces(pieces)
    }
}

impl<T> FromIterator<T> for Pieces<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Pieces<T> {
        Pieces::from(Vec::from_iter(rows))
    }
}

impl<'p, T> IntoIterator for &'p Pieces<T> {
    type Item = &'p T;
    type IntoIter = std::iter::FlatMap<
        std::slice::Iter<'p, Arc<[T]>>,
        std::slice::Iter<'p, T>,
        fn(&'p Arc<[T]>) -> std::slice::Iter<'p, T>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().flat_map(|piece| piece.iter())
    }
}

/// Rows, counted.
#[derive(Clone)]
pub(super) struct Counted<I> {
    pub(super) n: usize,
    pub(super) rows: I,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let row = self.rows.next();
        self.n -= usize::from(row.is_some());
        row
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n, Some(self.n))
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Counted<I> {
    fn next_back(&mut self) -> Option<I::Item> {
        let row = self.rows.next_back();
        self.n -= usize::from(row.is_some());
        row
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_row_is_a_piece_of_its_own() {
        let before: Pieces<usize> = (0..200).collect();
        let mut after = before.clone();
        assert!(after.is_same(&before));
        *after.get_mut(70).unwrap() = 7;
        assert!(after.apart(&before).eq(64..128));
        assert_eq!((before.get(70), after.get(70), after.len()), (Some(&70), Some(&7), 200));
        *after.get_mut(70).unwrap() = 70;
        assert!(!after.is_same(&before) && after.sharing(&before).is_same(&before));
    }

    #[test]
    fn rows_are_added_behind_and_left_out_there() {
        for n in [0, 1, 63, 64, 65, 128, 129] {
            let before: Pieces<usize> = (0..n).collect();
            let mut after = before.clone();
            after.put(n, n);
            after.extend(n + 1..n + 70);
            assert!(after.iter().copied().eq(0..n + 70));
            assert!(after.iter_from(n).copied().eq(n..n + 70));
            assert!(after.iter().rev().copied().eq((0..n + 70).rev()));
            assert_eq!(after.len(), n + 70);
            assert!(after.apart(&before).eq(n / LENGTH * LENGTH..n + 70));
            after.truncate(n);
            assert!(after.iter().copied().eq(0..n));
            assert_eq!((after.len(), after.is_empty()), (n, n == 0));
        }
    }
}
