//! The lines of an `upstream` block that say how much is too much.

use lang::params;
use lang::vocab::{Argument, Setting, Times};

use crate::upstream::adaptive::AdaptiveConfig;
use crate::upstream::breaker::BreakerConfig;
use crate::upstream::causes::Causes;
use crate::upstream::config::Limits;
use crate::values::{Count, Share, Wait};

/// `cap`.
pub(super) const CAP: Setting = Setting {
    name: "cap",
    params: CapLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[],
    doc: "How much each endpoint may hold, on each core. What is beyond waits, as far as `breaker` lets it.",
    example: "cap requests=256, idle=16",
};

/// `breaker`.
pub(super) const BREAKER: Setting = Setting {
    name: "breaker",
    params: BreakerLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[],
    doc: "How much the upstream may hold of the gateway, on all cores together, and when it is asked nothing at all. What is beyond is answered with 503 and `Retry-After` at once. With `errors` the breaker opens when that share of the tries fails; after `lasts` one request is let through, and what comes of it closes the breaker or leaves it open for as long again. Without the line: the defaults.",
    example: "breaker pending=1000, requests=4096, errors=60%, over=30s",
};

/// `adaptive_concurrency`.
pub(super) const ADAPTIVE: Setting = Setting {
    name: "adaptive_concurrency",
    params: AdaptiveLine::PARAMS,
    times: Times::Optional,
    within: &[],
    guards: &[],
    doc: "Finds out how many requests the upstream can answer at a time without becoming slower, on all cores together, and has no more wait for an answer; a request is counted until its answer begins. What is beyond waits, as far as `breaker` and `timeout queue` let it. The limit falls while answers take longer than they did when there was little to do, and grows while they do not and it is reached. For an upstream whose answers all take about as long. Without the line: no such limit.",
    example: "adaptive_concurrency min=4, max=1000, buffer=25%",
};

params! {
    /// `cap`.
    pub struct CapLine {
        /// Requests under way with one endpoint; with HTTP/1.1, its connections.
        requests: Count<1, { u32::MAX }> = "1024",
        /// Unused connections that are kept for one endpoint.
        idle: u32 = "512",
    }
}

params! {
    /// `breaker`.
    pub struct BreakerLine {
        /// Requests that wait for a place at an endpoint; see `cap`.
        pending: u32 = "1024",
        /// Requests under way.
        requests: Count<1, { u32::MAX }> = "16384",
        /// The share of tries that may fail; never opens when not given.
        errors: Option<Share>,
        /// The time in which tries are counted, on each core.
        over: Wait<1> = "30s",
        /// How long nobody is asked.
        lasts: Wait<1> = "10s",
        /// Fewer tries than this say nothing.
        least: Count<1, 1_000_000> = "10",
        /// What is an error: the words of `retry`.
        on: Causes = "[connect, reset, timeout, malformed, 5xx]",
    }
}

params! {
    /// `adaptive_concurrency`.
    pub struct AdaptiveLine {
        /// The limit is never less, unless `max` is.
        min: Count<1, 1_000_000> = "4",
        /// The limit is never more.
        max: Count<1, 1_000_000> = "1000",
        /// So much longer, at least a millisecond, an answer may take than it does at best, before the limit falls.
        buffer: Share = "25%",
        /// How long it is remembered what an answer takes at best. If there was much to do all the while, it is measured
        /// again with half of the limit for a moment, and half of that while it helps; others wait. What has become slower
        /// for another reason than load has its limit back after that.
        interval: Wait<1> = "60s",
    }
}

/// Reads a `cap` line.
pub(super) fn cap(given: &[Argument]) -> Result<Limits, (usize, String)> {
    let CapLine { requests, idle } = CapLine::decode(given)?;
    Ok(Limits { requests: requests.0 as usize, idle: idle as usize })
}

/// Reads a `breaker` line.
pub(super) fn breaker(given: &[Argument]) -> Result<BreakerConfig, (usize, String)> {
    let BreakerLine { pending, requests, errors, over, lasts, least, on } =
        BreakerLine::decode(given)?;
    Ok(BreakerConfig {
        pending,
        requests: requests.0,
        errors: errors.map(Share::hundredths),
        over: over.0,
        lasts: lasts.0,
        least: least.0,
        on,
    })
}

/// Reads an `adaptive_concurrency` line.
pub(super) fn adaptive(given: &[Argument]) -> Result<AdaptiveConfig, (usize, String)> {
    let AdaptiveLine { min, max, buffer, interval } = AdaptiveLine::decode(given)?;
    Ok(AdaptiveConfig {
        min: min.0.min(max.0),
        max: max.0,
        buffer: buffer.hundredths(),
        interval: interval.0,
    })
}
