//! The counts of a policy's limits: one table for each limit, whatever routes apply it, shared by all cores. A reload
//! keeps the table of a limit that stays. What is counted, and what is answered, is for the action that asks.

use std::sync::Arc;

use tokio::time::Instant;

pub(crate) mod key;
pub(crate) mod table;

pub(crate) use table::{Pace, Table, Taken};

/// A limit, by its place in the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct LimitId(pub(crate) usize);

/// The tables of an engine.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    list: Vec<Arc<Table>>,
    /// The widest window of each, if all are known.
    windows: Vec<Option<u64>>,
    before: Vec<Arc<Table>>,
}

impl Limits {
    /// None yet; those of `before` are taken over by the limits that stay.
    pub(crate) fn after(before: Option<&Limits>) -> Limits {
        let before = before.map(|limits| limits.list.clone()).unwrap_or_default();
        Limits { before, ..Limits::default() }
    }

    /// The table of the limit of this name. `pace` is that of the place which applies it, as far as it is known.
    pub(crate) fn table(
        &mut self,
        name: &Arc<str>,
        most: u32,
        pace: Option<Pace>,
    ) -> (LimitId, Arc<Table>) {
        let window = pace.map(Pace::window);
        if let Some(at) = self.list.iter().position(|table| table.name == *name)
            && let (Some(table), Some(widest)) = (self.list.get(at), self.windows.get_mut(at))
        {
            *widest = widest.zip(window).map(|(a, b)| a.max(b));
            return (LimitId(at), table.clone());
        }
        let kept = self.before.iter().find(|table| (&table.name, table.most) == (name, most));
        let table = kept.cloned().unwrap_or_else(|| Arc::new(Table::new(name.clone(), most)));
        self.list.push(table.clone());
        self.windows.push(window);
        (LimitId(self.list.len() - 1), table)
    }

    /// Lets go of the limits that are gone. Where a limit became wider, nobody waits longer than it makes them.
    pub(crate) fn settle(&mut self) {
        let before = std::mem::take(&mut self.before);
        let now = Instant::now();
        for (table, window) in self.list.iter().zip(&self.windows) {
            if let Some(window) = window
                && before.iter().any(|known| Arc::ptr_eq(known, table))
            {
                table.shorten(now, *window);
            }
        }
    }

    /// The names of the limits, by [`LimitId`].
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.list.iter().map(|table| &table.name)
    }

    /// Forgets every count: a test begins anew.
    pub(crate) fn forget(&self) {
        self.list.iter().for_each(|table| table.forget());
    }
}
