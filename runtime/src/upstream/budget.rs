//! How many requests may be sent a second time: a share of all, so that an upstream in trouble is not asked ever more
//! often. It decides how many, never which.

use std::cell::Cell;

/// What each request adds, in hundredths of a retry: one in five may be sent again.
const SHARE: u32 = 20;
/// What may be saved up, and what there is in the beginning, in hundredths.
const MOST: u32 = 10_000;
const FIRST: u32 = 1_000;

/// One core's budget for one upstream.
#[derive(Debug)]
pub(super) struct Budget {
    hundredths: Cell<u32>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { hundredths: Cell::new(FIRST) }
    }
}

impl Budget {
    /// A request was sent.
    pub(super) fn earn(&self) {
        self.hundredths.set((self.hundredths.get() + SHARE).min(MOST));
    }

    /// Takes one retry out of it, if there is one.
    pub(super) fn spend(&self) -> bool {
        let left = self.hundredths.get().checked_sub(100);
        left.inspect(|left| self.hundredths.set(*left)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_five_may_be_sent_again() {
        let budget = Budget::default();
        let first = (0..100).filter(|_| budget.spend()).count();
        assert_eq!(first, 10);
        let mut again = 0;
        for _ in 0..100 {
            budget.earn();
            again += usize::from(budget.spend());
        }
        assert_eq!(again, 20);
    }
}
