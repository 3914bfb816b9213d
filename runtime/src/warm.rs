//! Machine code for what a program decides often, made beside the threads that serve. Until it is there, and where none can
//! be made, the interpreter decides; a request never waits for it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::exchange::Decider;
use crate::telemetry::Telemetry;

/// How long after its start a program is looked at first. Later looks come ever more seldom.
const FIRST: Duration = Duration::from_secs(1);

/// The longest time between two looks.
const LONGEST: Duration = Duration::from_secs(60);

/// Looks after a program as long as somebody uses it; on the runtime of whoever calls.
pub(crate) fn tend(decider: &Arc<Decider>, telemetry: &Arc<Telemetry>) {
    tokio::spawn(watch(Arc::downgrade(decider), telemetry.clone()));
}

async fn watch(decider: Weak<Decider>, telemetry: Arc<Telemetry>) {
    let mut wait = FIRST;
    loop {
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST);
        let Some(decider) = decider.upgrade() else { return };
        // It may take as long as some thousand blocks take, and health checks on this runtime must not wait for it.
        let made = tokio::task::spawn_blocking(move || decider.matcher.compile_hot()).await;
        match made {
            Ok(Ok(made)) => telemetry.metrics.compiled_blocks.add(made.blocks as u64),
            Ok(Err(reason)) => {
                tracing::warn!(%reason, "decisions stay with the interpreter");
                return;
            }
            Err(_) => return,
        }
    }
}
