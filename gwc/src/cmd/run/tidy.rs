//! Giving memory back: a policy takes several times as much while it is checked as it does while it is served, and what was
//! served before a reload is not needed any more.

use std::sync::Arc;
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use runtime::engine::Engine;

/// The allocator keeps what is free for a second, in case it is wanted again.
const KEPT: Duration = Duration::from_millis(1200);
/// How often it is looked whether requests still use an engine, and for how long.
const LOOK: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

/// Gives back what is not wanted again by then, and the engine that was served before. Nobody waits for it: a large engine
/// takes a while to take apart, and a core that did it would answer nobody meanwhile; and a thread that ends has the
/// allocator look for what has been free long enough.
pub(super) fn soon(before: Option<Arc<Engine>>) {
    let work = move || {
        let until = Instant::now() + LONGEST;
        let is_used = |engine: &Arc<Engine>| Arc::strong_count(engine) > 1;
        while before.as_ref().is_some_and(is_used) && Instant::now() < until {
            sleep(LOOK);
        }
        drop(before);
        sleep(KEPT);
    };
    // Without it memory is kept, and a core may be busy for a moment, which harms nobody for long.
    let _ = Builder::new().name("gw-tidy".to_owned()).spawn(work);
}
