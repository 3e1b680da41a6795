//! Ending cleanly: one signal to stop, one count of what still runs.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Says when to stop, and waits for what still runs. Cheap to clone.
#[derive(Clone, Default)]
pub struct Shutdown {
    stop: CancellationToken,
    running: TaskTracker,
}

impl Shutdown {
    /// Nothing runs and nobody asked to stop.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everything to stop. More than once is no harm.
    pub fn begin(&self) {
        self.stop.cancel();
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Ends when it is asked to stop.
    pub async fn begun(&self) {
        self.stop.cancelled().await;
    }

    /// Runs `work` as a task that [`drained`](Self::drained) waits for.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.running.spawn(work)
    }

    /// Ends when no task runs any more. Only after [`begin`](Self::begin).
    pub async fn drained(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

/// Listens for the system asking the process to end: SIGTERM or SIGINT. From the moment this returns neither
/// ends the process by itself any more; the future gives the name of the first that comes.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn signals() -> std::io::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
