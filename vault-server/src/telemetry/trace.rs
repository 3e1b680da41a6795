//! Traces: spans on their way to a collector that speaks OTLP. Off unless the configuration names one.
//!
//! ```text
//!   engine ── span ──► queue, bounded ──► export: batches, repeats ──► collector: POST of protobuf
//!                        │ full                │ refused, or not taken for long
//!                        └──────► dropped, counted ◄──────┘
//! ```
//!
//! A collector that is slow or away costs spans, and nothing else: no rotation waits for it.

pub(crate) mod collector;
mod export;
mod wire;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault_core::entropy::Entropy;
use vault_core::trace::{Caller, Place, Span};

use self::collector::Collector;
pub use self::collector::CollectorError;
use self::export::Exporter;
use super::metrics::Metrics;
use crate::config::Telemetry;

/// Where spans are handed in. Cheap to clone.
#[derive(Clone)]
pub struct Tracer {
    way: Option<Way>,
    meter: TraceMeter,
}

/// The way to the exporter.
#[derive(Clone)]
struct Way {
    queue: mpsc::Sender<Span>,
    task: Arc<Mutex<Task>>,
    stop: CancellationToken,
}

/// What takes the spans out of the queue.
enum Task {
    /// It does not run yet.
    Ready(Box<Exporter>),
    /// It runs.
    Running(JoinHandle<()>),
    /// It is over.
    Ended,
}

impl Tracer {
    /// A tracer as it is configured, at rest until [`start`](Self::start).
    ///
    /// # Errors
    /// [`CollectorError`] by cause, for the files that the configuration names.
    pub fn new(
        config: Option<&Telemetry>,
        metrics: &Metrics,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, CollectorError> {
        let meter = TraceMeter::new(metrics);
        let Some(config) = config else { return Ok(Self { way: None, meter }) };
        let collector = Collector::new(config)?;
        let (queue, spans) = mpsc::channel(QUEUE_MAX);
        let stop = CancellationToken::new();
        let exporter = Exporter::new(spans, collector, meter.clone(), Arc::clone(entropy), stop.clone());
        let task = Arc::new(Mutex::new(Task::Ready(Box::new(exporter))));
        Ok(Self { way: Some(Way { queue, task, stop }), meter })
    }

    /// Begins to export.
    pub fn start(&self) {
        let Some(way) = &self.way else { return };
        let mut task = way.task.lock().unwrap_or_else(PoisonError::into_inner);
        *task = match std::mem::replace(&mut *task, Task::Ended) {
            Task::Ready(exporter) => Task::Running(tokio::spawn(exporter.run())),
            other => other,
        };
    }

    /// Whether anybody wants spans.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.way.is_some()
    }

    /// Hands in a span. Never waits: what does not fit is dropped, and counted.
    pub fn record(&self, span: Span) {
        let Some(way) = &self.way else { return };
        match way.queue.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.meter.dropped(Loss::QueueFull, 1),
            // Nobody sends any more.
            Err(TrySendError::Closed(_)) => self.meter.dropped(Loss::Unreachable, 1),
        }
    }

    /// Runs `work`, which a caller's span asked for.
    pub(crate) fn asked_by<T: Send + 'static>(
        &self,
        caller: Option<Caller>,
        work: Pin<Box<dyn Future<Output = T> + Send>>,
    ) -> Pin<Box<dyn Future<Output = T> + Send>> {
        match caller.filter(|caller| self.is_on() && caller.is_sampled) {
            Some(caller) => Box::pin(CALLER.scope(caller.place, work)),
            None => work,
        }
    }

    /// `work`, to be run by a task of its own, for the caller that asked for what runs here.
    pub(crate) fn carried<T: Send + 'static>(
        work: impl Future<Output = T> + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = T> + Send>> {
        match Self::caller() {
            Some(caller) => Box::pin(CALLER.scope(caller, work)),
            None => Box::pin(work),
        }
    }

    /// The span of the caller that asked for what runs here.
    pub(crate) fn caller() -> Option<Place> {
        CALLER.try_with(|caller| *caller).ok()
    }

    /// Sends what is still in the queue, within a few seconds, and ends.
    pub async fn finish(&self) {
        let Some(way) = &self.way else { return };
        way.stop.cancel();
        let task =
            std::mem::replace(&mut *way.task.lock().unwrap_or_else(PoisonError::into_inner), Task::Ended);
        let Task::Running(mut task) = task else { return };
        // It ends by itself in that time, and has counted what is lost.
        if tokio::time::timeout(FINISH_MAX * 2, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// What is counted of spans.
#[derive(Clone)]
pub(crate) struct TraceMeter {
    exported: Counter,
    dropped: Family<LossLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LossLabels {
    reason: &'static str,
}

/// Why a span has not arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// More than can be kept.
    QueueFull,
    /// The collector did not answer for too long, or not before the end.
    Unreachable,
    /// The collector does not want it.
    Refused,
}

impl Loss {
    const ALL: [Self; 3] = [Self::QueueFull, Self::Unreachable, Self::Refused];

    const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
        }
    }
}

impl TraceMeter {
    fn new(metrics: &Metrics) -> Self {
        let meter = Self { exported: Counter::default(), dropped: Family::default() };
        for loss in Loss::ALL {
            meter.dropped(loss, 0);
        }
        metrics.register(|registry| {
            registry.register(
                "trace_spans_exported",
                "Spans that the collector has taken",
                meter.exported.clone(),
            );
            registry.register(
                "trace_spans_dropped",
                "Spans that no collector has taken, by why",
                meter.dropped.clone(),
            );
        });
        meter
    }

    fn exported(&self, spans: u64) {
        self.exported.inc_by(spans);
    }

    fn dropped(&self, loss: Loss, spans: u64) {
        self.dropped.get_or_create(&LossLabels { reason: loss.as_str() }).inc_by(spans);
    }
}

tokio::task_local! {
    static CALLER: Place;
}

/// Spans that wait at once: some hundred rotations.
const QUEUE_MAX: usize = 4_096;
/// How long the end waits for the collector.
const FINISH_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
