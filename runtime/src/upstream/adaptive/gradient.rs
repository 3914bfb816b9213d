//! What the limit should be: a gradient, as in Envoy's adaptive concurrency filter and Netflix's concurrency-limits. The
//! best median that answers took is compared with the median of now, and the limit moves by the ratio, with room for its
//! square root. Two things are done otherwise, because they are what users of those suffer from. A limit that was not
//! reached says nothing, so it does not grow until it protects from nothing. And what answers take at best is measured
//! while there is little to do if ever there is, else with half of the limit rather than with next to none (and half of
//! that, as long as it makes answers quicker), and those who have to wait for that are not refused. It knows no clock
//! and no request.

use std::time::Duration;

use tokio::time::Instant;

use super::AdaptiveConfig;

/// The law of one limit.
#[derive(Debug)]
pub(super) struct Gradient {
    limit: f64,
    /// What answers take at best; not known before the first window.
    best: Option<Duration>,
    /// The best of those windows, since `since`, in which there was little to do.
    calm: Option<Duration>,
    /// When `best` was measured, and after how long it is again.
    since: Instant,
    holds: Duration,
    measuring: Option<Measuring>,
}

/// `best` is measured with a lower limit.
#[derive(Clone, Copy, Debug)]
struct Measuring {
    /// The limit to go back to.
    limit: f64,
    /// What was taken for the best before.
    before: Duration,
}

/// Where it begins, if the configuration lets it.
const FIRST: u32 = 20;
/// The first measurement comes so soon, as nobody knows how much there was to do when the first answers came.
const SOON: Duration = Duration::from_secs(1);
/// In one window the limit falls to no less than this share of it.
const STEEPEST: f64 = 0.5;
/// Differences below this are those of clocks and schedulers.
const NOISE: Duration = Duration::from_millis(1);

impl Gradient {
    pub(super) fn new(config: &AdaptiveConfig, now: Instant) -> Gradient {
        let limit = f64::from(FIRST.clamp(config.min, config.max.max(config.min)));
        let holds = config.interval.min(SOON);
        Gradient { limit, best: None, calm: None, since: now, holds, measuring: None }
    }

    /// The limit: at least 1.
    pub(super) fn limit(&self) -> u32 {
        // INVARIANT: it lies between the bounds of the configuration.
        (self.limit as u32).max(1)
    }

    /// Whether the limit is lower for a moment, to see what answers take then.
    pub(super) fn is_measuring(&self) -> bool {
        self.measuring.is_some()
    }

    /// Takes in a window: the median of its answers, and the most requests that were under way.
    pub(super) fn turn(
        &mut self,
        config: &AdaptiveConfig,
        median: Duration,
        peak: u32,
        now: Instant,
    ) {
        if let Some(measuring) = self.measuring {
            self.measure(config, measuring, median, now);
            return;
        }
        let best = self.best.map_or(median, |best| best.min(median));
        self.best = Some(best);
        let is_calm = f64::from(peak) * 2.0 < self.limit;
        if is_calm {
            self.calm = Some(self.calm.map_or(median, |calm| calm.min(median)));
        } else {
            let fair = fair(best, config.buffer);
            let ratio = fair.as_secs_f64() / median.as_secs_f64().max(f64::MIN_POSITIVE);
            let moved = self.limit * ratio.clamp(STEEPEST, 1.0) + self.limit.sqrt();
            self.limit = within(moved, config);
        }
        if now.saturating_duration_since(self.since) < self.holds {
            return;
        }
        match self.calm {
            Some(calm) => self.measured(config, calm, now),
            None => {
                self.measuring = Some(Measuring { limit: self.limit, before: best });
                self.limit = within(self.limit / 2.0, config);
            }
        }
    }

    /// Takes in what answers take with the lower limit. If that is better than ever, it may be better still with half of
    /// it: what was known was known of an upstream that had too much to do.
    fn measure(
        &mut self,
        config: &AdaptiveConfig,
        Measuring { limit, before }: Measuring,
        median: Duration,
        now: Instant,
    ) {
        if fair(median, config.buffer) < before && self.limit > f64::from(config.min) {
            self.measuring = Some(Measuring { limit, before: median });
            self.limit = within(self.limit / 2.0, config);
            return;
        }
        (self.measuring, self.limit) = (None, limit);
        self.measured(config, median, now);
    }

    fn measured(&mut self, config: &AdaptiveConfig, best: Duration, now: Instant) {
        (self.best, self.calm, self.since) = (Some(best), None, now);
        self.holds = config.interval;
    }
}

/// How long an answer may take where it takes `best` at best.
fn fair(best: Duration, buffer: u32) -> Duration {
    let buffer = (best / 100).saturating_mul(buffer);
    best.saturating_add(buffer.max(NOISE))
}

fn within(limit: f64, config: &AdaptiveConfig) -> f64 {
    limit.min(f64::from(config.max)).max(f64::from(config.min))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// An upstream that answers so many requests at a time, each in `takes`; what is beyond stands in its queue.
    struct Model {
        at_a_time: f64,
        takes: Duration,
    }

    /// A gateway in front of it, to which so many clients are always asking something.
    struct Gateway {
        config: AdaptiveConfig,
        gradient: Gradient,
        now: Instant,
    }

    impl Gateway {
        fn new() -> Gateway {
            let (config, now) = (AdaptiveConfig::default(), Instant::now());
            Gateway { gradient: Gradient::new(&config, now), config, now }
        }

        /// So many windows pass. Says the least and the greatest limit.
        fn pass(&mut self, model: &Model, clients: u32, windows: u32) -> (u32, u32) {
            let (mut least, mut greatest) = (u32::MAX, 0);
            for _ in 0..windows {
                let under_way = clients.min(self.gradient.limit());
                let takes = model.takes.mul_f64((f64::from(under_way) / model.at_a_time).max(1.0));
                self.now += 100 * MS;
                self.gradient.turn(&self.config, takes, under_way, self.now);
                least = least.min(self.gradient.limit());
                greatest = greatest.max(self.gradient.limit());
            }
            (least, greatest)
        }
    }

    #[test]
    fn the_limit_finds_what_the_upstream_can_do_and_stays_there() {
        for at_a_time in [8.0, 40.0, 300.0] {
            let mut gateway = Gateway::new();
            let model = Model { at_a_time, takes: 10 * MS };
            gateway.pass(&model, 2000, 200);
            // Ten minutes of too much to do, with a measurement each minute.
            let (least, greatest) = gateway.pass(&model, 2000, 6000);
            let per = |limit: u32| f64::from(limit) / at_a_time;
            // But for the measurements the upstream is busy, and its queue is never much longer than what it works on.
            assert!(per(least) >= 0.5 && per(greatest) <= 2.0, "{at_a_time}: {least}..{greatest}");
        }
    }

    #[test]
    fn a_limit_that_is_not_reached_stays() {
        let mut gateway = Gateway::new();
        let model = Model { at_a_time: 1000.0, takes: 10 * MS };
        assert_eq!(gateway.pass(&model, 5, 6000), (20, 20));
        let (_, greatest) = gateway.pass(&model, 50, 6000);
        assert!((50..=140).contains(&greatest), "it grows with what there is to do: {greatest}");
    }

    #[test]
    fn it_falls_when_answers_take_ten_times_as_long_and_recovers() {
        let mut gateway = Gateway::new();
        let well = Model { at_a_time: 50.0, takes: 10 * MS };
        gateway.pass(&well, 200, 50);
        let before = gateway.gradient.limit();
        let ill = Model { takes: 100 * MS, ..well };
        gateway.pass(&ill, 200, 20);
        let during = gateway.gradient.limit();
        assert!(before >= 50 && during <= 6, "{before}, {during}");
        gateway.pass(&well, 200, 50);
        assert!(gateway.gradient.limit() >= 50, "{}", gateway.gradient.limit());
    }

    #[test]
    fn what_stays_slow_is_taken_for_what_it_is() {
        let mut gateway = Gateway::new();
        gateway.pass(&Model { at_a_time: 50.0, takes: 10 * MS }, 200, 50);
        let slow = Model { at_a_time: 50.0, takes: 40 * MS };
        gateway.pass(&slow, 200, 30);
        assert!(gateway.gradient.limit() < 20);
        gateway.pass(&slow, 200, 700);
        assert!(gateway.gradient.limit() >= 50, "{}", gateway.gradient.limit());
    }

    #[test]
    fn very_short_answers_may_vary() {
        let best = Duration::from_micros(300);
        assert_eq!(fair(best, 25), Duration::from_micros(1300));
        assert_eq!(fair(100 * MS, 25), 125 * MS);
    }
}
