//! How many files the process may have open, and how many connections that leaves room for: clients never get the last
//! ones, so that upstreams can be asked and the operator's door answers.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is kept from clients, of four: one that waits needs no upstream, so less than half.
const KEPT: usize = 4;

/// How many are taken to be open where the system does not say.
const USUAL: usize = 64;

/// As many files as the process may have without asking anybody: systems start it with fewer, for the sake of programs
/// that cannot count beyond 1024.
pub fn raise_file_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Where that is refused, `room` counts with what there is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// How many files may be open; nothing, where that is not bounded.
pub(super) fn limit() -> Option<usize> {
    getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok())
}

/// How many connections of clients there is room for, all listeners together, in a process that has opened what it needs
/// to serve.
pub(super) fn room() -> usize {
    limit().map_or(usize::MAX, |most| share(most, n_open()))
}

fn share(most: usize, open: usize) -> usize {
    let left = most.saturating_sub(open);
    (left - left.div_ceil(KEPT)).max(1)
}

fn n_open() -> usize {
    std::fs::read_dir("/dev/fd").map_or(USUAL, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_what_is_left_is_kept() {
        assert_eq!(share(1024, 24), 750);
        assert_eq!(share(80, 20), 45);
        assert_eq!(share(10, 20), 1, "somebody can always ask");
    }
}
