//! Takes spans out of the queue and sends them in batches; again, where the collector may take them later.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vault_core::entropy::{Entropy, random_bytes};
use vault_core::trace::Span;

use super::collector::{Collector, Refusal, count};
use super::{Loss, TraceMeter};

/// The task that exports.
pub(super) struct Exporter {
    queue: mpsc::Receiver<Span>,
    collector: Collector,
    meter: TraceMeter,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
    /// Whether the last batch was not taken: told once, until one is.
    is_failing: bool,
}

impl Exporter {
    pub(super) fn new(
        queue: mpsc::Receiver<Span>,
        collector: Collector,
        meter: TraceMeter,
        entropy: Arc<dyn Entropy>,
        stop: CancellationToken,
    ) -> Self {
        Self { queue, collector, meter, entropy, stop, is_failing: false }
    }

    /// Exports until it is told to stop, and then what is in the queue.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        let mut batch = Vec::new();
        loop {
            batch.clear();
            let taken = tokio::select! {
                taken = self.queue.recv_many(&mut batch, BATCH_MAX) => taken,
                () = stop.cancelled() => break,
            };
            if taken == 0 {
                return;
            }
            // The steps of a rotation come one after the other, and go together.
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = stop.cancelled() => {}
            }
            while batch.len() < BATCH_MAX
                && let Ok(span) = self.queue.try_recv()
            {
                batch.push(span);
            }
            self.deliver(&batch).await;
        }
        self.queue.close();
        batch.clear();
        while self.queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
            self.deliver(&batch).await;
            batch.clear();
        }
    }

    /// Sends a batch until it is taken, refused, or too old.
    async fn deliver(&mut self, batch: &[Span]) {
        let spans = count(batch.len());
        let mut waited = Duration::ZERO;
        let mut tries = 0;
        loop {
            let (why, after) = match self.collector.send(batch).await {
                Ok(rejected) => {
                    self.meter.exported(spans - rejected);
                    self.meter.dropped(Loss::Refused, rejected);
                    if std::mem::take(&mut self.is_failing) {
                        tracing::info!("the collector takes spans again");
                    }
                    return;
                }
                Err(Refusal::ForGood(why)) => {
                    self.failing(&why);
                    return self.meter.dropped(Loss::Refused, spans);
                }
                Err(Refusal::ForNow { why, after }) => (why, after),
            };
            self.failing(&why);
            let wait = pause(tries, after, u64::from_be_bytes(random_bytes(&*self.entropy)));
            waited = waited.saturating_add(wait);
            tries += 1;
            if waited > TRY_FOR || self.stop.is_cancelled() {
                return self.meter.dropped(Loss::Unreachable, spans);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Once more, now, and then never.
                () = self.stop.cancelled() => {}
            }
        }
    }

    fn failing(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(why, "the collector does not take spans; what is lost is counted");
        }
    }
}

/// How long to wait after so many tries: what the collector says, or twice as long each time, with jitter of a half.
fn pause(tries: u32, after: Option<Duration>, draw: u64) -> Duration {
    if let Some(after) = after {
        return after.clamp(PAUSE_MIN, PAUSE_MAX);
    }
    let whole = PAUSE_MIN.saturating_mul(1 << tries.min(10)).min(PAUSE_MAX);
    let half = whole / 2;
    let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_millis(draw % millis)
}

/// Spans in one POST, at most.
const BATCH_MAX: usize = 512;
/// How long a batch waits for more.
const GATHER: Duration = Duration::from_secs(1);
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// For how long a batch is repeated. New spans wait meanwhile, as many as the queue takes.
const TRY_FOR: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_the_collector_may_ask_for_longer_ones() {
        let least: Vec<u128> = (0..8).map(|tries| pause(tries, None, 0).as_millis()).collect();
        assert_eq!(least, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
        assert!(pause(3, None, u64::MAX) < Duration::from_secs(8));
        assert_eq!(pause(0, Some(Duration::from_secs(20)), 0), Duration::from_secs(20));
        assert_eq!(pause(0, Some(Duration::from_secs(9_999)), 0), PAUSE_MAX);
        assert_eq!(pause(0, Some(Duration::ZERO), 0), PAUSE_MIN);
    }
}
