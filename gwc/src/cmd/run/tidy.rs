//! Giving memory back: a policy takes several times as much while it is checked as it does while it is served.

use std::thread::Builder;
use std::time::Duration;

/// The allocator keeps what is free for a second, in case it is wanted again.
const KEPT: Duration = Duration::from_millis(1200);

/// Gives back what is not wanted again by then. Nobody waits for it: a thread that ends has the allocator look for what has
/// been free long enough, and this one does nothing else.
pub(super) fn soon() {
    let thread = Builder::new().name("gw-tidy".to_owned());
    // Without it memory is kept, which harms nobody.
    let _ = thread.spawn(|| std::thread::sleep(KEPT));
}
