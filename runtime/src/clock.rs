//! What time it is, asked of the system once for all that a connection does at one wake-up.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

thread_local! {
    static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
    static AGAIN: Cell<bool> = const { Cell::new(false) };
    static CALENDAR: Cell<Option<(Instant, SystemTime)>> = const { Cell::new(None) };
}

/// How long the calendar is taken to go as the clock does, before it is looked at again.
const LOOK: Duration = Duration::from_millis(500);

/// How often a core wakes at least. No connection waits for less.
const TICK: Duration = Duration::from_millis(500);

/// Wakes a core now and then, for ever. Of a timer that is the first of all the runtime tells itself with a write to a
/// file, and wakes once more for it; so there is always one that comes before those of connections.
pub(crate) async fn tick() {
    loop {
        tokio::time::sleep(TICK).await;
    }
}

/// The time: that of the wake-up under way on this core, if one is.
pub(crate) fn now() -> Instant {
    NOW.get().unwrap_or_else(Instant::now)
}

/// The same on the calendar.
pub(crate) fn calendar() -> SystemTime {
    let Some(now) = NOW.get() else { return SystemTime::now() };
    if let Some((then, time)) = CALENDAR.get()
        && let Some(since) = now.checked_duration_since(then)
        && since < LOOK
    {
        return time + since;
    }
    let time = SystemTime::now();
    CALENDAR.set(Some((now, time)));
    time
}

/// Says that whatever is done at this wake-up is looked at again at once, when others have had their turn.
pub(crate) fn give_way() {
    AGAIN.set(NOW.get().is_some());
}

/// Whether that was said: the connection whose wake-up this is need not ask to be woken.
pub(crate) fn gives_way() -> bool {
    AGAIN.get()
}

/// Runs `work`, for which time stands still.
pub(crate) fn standing<T>(work: impl FnOnce() -> T) -> T {
    struct Stands;
    impl Drop for Stands {
        fn drop(&mut self) {
            NOW.set(None);
            AGAIN.set(false);
        }
    }
    NOW.set(Some(Instant::now()));
    let _stands = Stands;
    work()
}
