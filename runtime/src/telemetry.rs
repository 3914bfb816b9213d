//! What the gateway tells about itself while it serves: one line for each request, counters, operator messages.
//! Recording never waits, never takes a lock that another core holds, and keeps no header's value that the policy does not
//! name.

pub mod log;
pub mod metrics;
pub mod record;
pub mod shards;
pub mod text;
pub mod trace;

use std::sync::Arc;

pub use log::{LogError, Output};
pub use metrics::{Metrics, RouteSeries};
pub use record::{Fault, Record};
pub use shards::{Counter, Shards, enter_core};

/// Counters and the access log of one gateway. Shared by its cores; each writes only to its own share.
#[derive(Debug)]
pub struct Telemetry {
    /// Everything that is counted.
    pub metrics: Metrics,
    log: Option<log::Log>,
}

impl Telemetry {
    /// Telemetry for `cores` cores, with the access log going to `output`.
    pub fn start(cores: usize, output: Output) -> Result<Arc<Telemetry>, LogError> {
        Ok(Arc::new(Telemetry { metrics: Metrics::new(cores), log: log::Log::start(output)? }))
    }

    /// Telemetry that counts and writes no log: for tests and for asking a policy without serving it.
    pub fn silent(cores: usize) -> Arc<Telemetry> {
        Arc::new(Telemetry { metrics: Metrics::new(cores), log: None })
    }

    /// Telemetry whose lines are kept for whoever asks for them: for tests of a policy.
    pub(crate) fn kept() -> (Arc<Telemetry>, log::Kept) {
        let (log, kept) = log::Log::kept();
        (Arc::new(Telemetry { metrics: Metrics::new(1), log: Some(log) }), kept)
    }

    /// Whether a line is written for each request.
    pub fn logs(&self) -> bool {
        self.log.is_some()
    }

    /// Counts a finished exchange in its route's `series`, and writes its line.
    pub fn finish(&self, series: &RouteSeries, record: &Record<'_>) {
        series.observe(record);
        if let Some(log) = &self.log {
            log.write(record, &self.metrics.log_lines_dropped);
        }
    }

    /// Hands over the lines that this core has gathered. A core calls it before it ends.
    pub fn flush_core(&self) {
        if let Some(log) = &self.log {
            log.flush_core(&self.metrics.log_lines_dropped);
        }
    }

    /// Hands over this core's lines soon after they were gathered, for ever. Each core runs it once.
    pub async fn flush_when_due(&self) {
        match &self.log {
            Some(log) => log.flush_when_due(&self.metrics.log_lines_dropped).await,
            None => std::future::pending().await,
        }
    }

    /// Opens the log's file anew, after it was moved away.
    pub fn reopen_log(&self) {
        if let Some(log) = &self.log {
            log.reopen();
        }
    }

    /// Waits until everything handed over so far is written, at most for `limit`.
    pub fn flush_log(&self, limit: std::time::Duration) {
        if let Some(log) = &self.log {
            log.flush(limit);
        }
    }
}
