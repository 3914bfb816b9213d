//! A list that a changed program shares with the one it was made of: what both begin with is there once.

use std::sync::Arc;

use super::pieces::{Counted, Pieces};

/// Rows by number. Those of the beginning may be shared, and stay as they are.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    shared: Arc<Vec<T>>,
    own: Pieces<Arc<T>>,
}

impl<T> Rows<T> {
    /// None, with room for so many.
    pub(crate) fn with_capacity(n: usize) -> Rows<T> {
        Rows::from(Vec::with_capacity(n))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shared.len() + self.own.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many were added since the beginning was made.
    pub fn n_added(&self) -> usize {
        self.own.len()
    }

    /// The row with this number.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        let own = || self.own.get(at.wrapping_sub(self.shared.len()));
        self.shared.get(at).or_else(|| own().map(|row| &**row))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> + DoubleEndedIterator {
        let (shared, own) = (self.shared.iter(), self.own.iter().map(|row| &**row));
        Counted { n: self.len(), rows: shared.chain(own) }
    }

    /// Those from this number on.
    pub(crate) fn iter_from(&self, first: usize) -> impl Iterator<Item = &T> {
        let shared = self.shared.get(first..).unwrap_or_default();
        let own = self.own.iter_from(first.saturating_sub(self.shared.len()));
        shared.iter().chain(own.map(|row| &**row))
    }

    /// Adds one behind them.
    pub fn push(&mut self, row: T) {
        match Arc::get_mut(&mut self.shared).filter(|_| self.own.is_empty()) {
            Some(rows) => rows.push(row),
            None => self.own.extend([Arc::new(row)]),
        }
    }

    /// Adds several behind them, which are not shared with whatever shares the others.
    pub(crate) fn add(&mut self, rows: Vec<T>) {
        self.own.extend(rows.into_iter().map(Arc::new));
    }

    /// Whether they begin with these, shared with them.
    pub(crate) fn continues(&self, before: &Rows<T>) -> bool {
        let is_shared = |at: usize| match (self.own.get(at), before.own.get(at)) {
            (Some(row), Some(old)) => Arc::ptr_eq(row, old),
            (_, old) => old.is_none(),
        };
        Arc::ptr_eq(&self.shared, &before.shared)
            && self.own.len() >= before.own.len()
            && self.own.apart(&before.own).all(is_shared)
    }
}

impl<T: Clone> Rows<T> {
    /// All of them, as a list of one's own.
    pub fn into_vec(self) -> Vec<T> {
        let mut rows = Arc::unwrap_or_clone(self.shared);
        rows.extend(self.own.iter().map(|row| T::clone(row)));
        rows
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Rows<T> {
        Rows::from(Vec::new())
    }
}

impl<T> From<Vec<T>> for Rows<T> {
    fn from(rows: Vec<T>) -> Rows<T> {
        Rows { shared: Arc::new(rows), own: Pieces::default() }
    }
}

impl<T> FromIterator<T> for Rows<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Rows<T> {
        Rows::from(Vec::from_iter(rows))
    }
}
