//! A list that a changed program shares with the one it was made of: what both begin with is there once.

use std::sync::Arc;

/// Rows by number. Those of the beginning may be shared, and stay as they are.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    shared: Arc<Vec<T>>,
    own: Vec<Arc<T>>,
}

impl<T> Rows<T> {
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
        Both { n: self.len(), rows: shared.chain(own) }
    }

    /// Adds one behind them.
    pub fn push(&mut self, row: T) {
        match Arc::get_mut(&mut self.shared).filter(|_| self.own.is_empty()) {
            Some(rows) => rows.push(row),
            None => self.own.push(Arc::new(row)),
        }
    }

    /// Whether they begin with these, shared with them.
    pub(crate) fn continues(&self, before: &Rows<T>) -> bool {
        let same = |(one, other): (&Arc<T>, &Arc<T>)| Arc::ptr_eq(one, other);
        Arc::ptr_eq(&self.shared, &before.shared)
            && self.own.len() >= before.own.len()
            && self.own.iter().zip(&before.own).all(same)
    }
}

impl<T: Clone> Rows<T> {
    /// All of them, as a list of one's own.
    pub fn into_vec(self) -> Vec<T> {
        let mut rows = Arc::unwrap_or_clone(self.shared);
        rows.extend(self.own.into_iter().map(Arc::unwrap_or_clone));
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
        Rows { shared: Arc::new(rows), own: Vec::new() }
    }
}

impl<T> FromIterator<T> for Rows<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Rows<T> {
        Rows::from(Vec::from_iter(rows))
    }
}

/// Rows of both parts, counted.
struct Both<I> {
    n: usize,
    rows: I,
}

impl<I: Iterator> Iterator for Both<I> {
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

impl<I: DoubleEndedIterator> DoubleEndedIterator for Both<I> {
    fn next_back(&mut self) -> Option<I::Item> {
        let row = self.rows.next_back();
        self.n -= usize::from(row.is_some());
        row
    }
}

impl<I: Iterator> ExactSizeIterator for Both<I> {}
