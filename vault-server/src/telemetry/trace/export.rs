//! Takes spans out of the queue and sends them in batches; again, where the collector may take them later.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vault_core::entropy::{Entropy, random_bytes};
use vault_core::trace::Span;

use super::collector::{Collector, Refusal, count};
use super::{FINISH_MAX, Loss, TraceMeter};

/// The task that exports.
pub(super) struct Exporter {
    queue: mpsc::Receiver<Span>,
    collector: Collector,
    meter: TraceMeter,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
    /// When all is over, once it is told to stop.
    until: OnceLock<Instant>,
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
        let until = OnceLock::new();
        Self { queue, collector, meter, entropy, stop, until, is_failing: false }
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
        let (began, mut tries) = (Instant::now(), 0);
        loop {
            let sent = tokio::select! {
                sent = self.collector.send(batch) => sent,
                () = self.end() => Err(Refusal::ForNow { why: "it did not answer before the end".into(), after: None }),
            };
            let (why, after) = match sent {
                Ok(rejected) => return self.took(spans, rejected),
                Err(Refusal::ForGood(why)) => {
                    self.failing(&why);
                    return self.meter.dropped(Loss::Refused, spans);
                }
                Err(Refusal::ForNow { why, after }) => (why, after),
            };
            self.failing(&why);
            let wait = pause(tries, after, u64::from_be_bytes(random_bytes(&*self.entropy)));
            tries += 1;
            if began.elapsed().saturating_add(wait) > TRY_FOR || self.stop.is_cancelled() {
                return self.meter.dropped(Loss::Unreachable, spans);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Once more, now, and then never.
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// The collector has taken a batch, but for so many of its spans.
    fn took(&mut self, spans: u64, rejected: u64) {
        self.meter.exported(spans - rejected);
        self.meter.dropped(Loss::Refused, rejected);
        if rejected > 0 {
            self.failing(&format!("it did not want {rejected} of {spans}"));
        } else if std::mem::take(&mut self.is_failing) {
            tracing::info!("the collector takes spans again");
        }
    }

    /// Ends when no time is left, once it is told to stop.
    async fn end(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep_until(*self.until.get_or_init(|| Instant::now() + FINISH_MAX)).await;
    }

    fn failing(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(why, "the collector does not take spans; what is lost is counted");
        }
    }
}

/// How long to wait after so many tries: what the collector says, however long; or twice as long each time, with jitter
/// of a half.
fn pause(tries: u32, after: Option<Duration>, draw: u64) -> Duration {
    if let Some(after) = after {
        return after.max(PAUSE_MIN);
    }
    let whole = PAUSE_MIN.saturating_mul(1 << tries.min(10)).min(PAUSE_MAX);
    let half = whole / 2;
    let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_millis(draw % millis)
}

/// Spans in one POST, at most.
pub(super) const BATCH_MAX: usize = 512;
/// How long a batch waits for more.
const GATHER: Duration = Duration::from_secs(1);
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// For how long a batch is repeated; what the collector wants to have later than that is given up. New spans wait meanwhile, as many as the queue takes.
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
        assert_eq!(pause(0, Some(Duration::from_secs(120)), 0), Duration::from_secs(120));
        assert_eq!(pause(0, Some(Duration::ZERO), 0), PAUSE_MIN);
    }
}
