//! Heads broken at random, for tests that hold our readers against another one.

/// Changes, adds or takes away up to two bytes: new ones are of `bytes`.
pub(super) fn mangle(text: &mut Vec<u8>, bytes: &[u8], random: &mut fastrand::Rng) {
    for _ in 0..random.usize(0..3) {
        let at = random.usize(..text.len());
        let byte = bytes[random.usize(..bytes.len())];
        match random.u8(..3) {
            0 => text[at] = byte,
            1 => text.insert(at, byte),
            _ => drop(text.remove(at)),
        }
        if text.is_empty() {
            break;
        }
    }
}

/// Whether a line of it ends in a bare LF.
pub(super) fn has_bare_feed(text: &[u8]) -> bool {
    let is_bare = |at: usize| at == 0 || text[at - 1] != b'\r';
    (0..text.len()).any(|at| text[at] == b'\n' && is_bare(at))
}
