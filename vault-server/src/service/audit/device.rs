//! One further audit device: a thread that writes, and a queue in front of it.
//!
//! The chained file decides whether a request is served; a device gets a copy. So a device that is slow or gone
//! holds up nobody for longer than [`PATIENCE`], once: from then on nobody waits for it until it writes again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::sink::Sink;

/// A device at work. Its thread ends when the last clone is dropped and the queue is written.
#[derive(Clone)]
pub(super) struct Device {
    name: Arc<str>,
    queue: SyncSender<Order>,
    /// Whether it is behind, so that nobody waits for it.
    behind: Arc<AtomicBool>,
}

enum Order {
    /// A line, and who waits for it.
    Write(Arc<str>, SyncSender<()>),
    /// The file was moved away: begin a new one.
    Reopen,
}

impl Device {
    /// Starts the thread; `None` when the system gives none.
    pub(super) fn start(name: &str, sink: Sink) -> Option<Self> {
        let (queue, orders) = sync_channel(QUEUE);
        let (name, behind): (Arc<str>, Arc<AtomicBool>) = (name.into(), Arc::default());
        let device = Self { name: Arc::clone(&name), queue, behind: Arc::clone(&behind) };
        let thread = std::thread::Builder::new().name("audit-device".to_owned());
        thread.spawn(move || work(&name, sink, &orders, &behind)).ok().map(|_detached| device)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Writes a line, or queues it when the device is behind. Never fails: the chained file has the entry.
    pub(super) fn write(&self, line: &Arc<str>) {
        let (written, told) = sync_channel(1);
        match self.queue.try_send(Order::Write(Arc::clone(line), written)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                tracing::error!(device = %self.name, "an audit device is too far behind: an entry is not in it");
                return;
            }
        }
        if !self.behind.load(Ordering::Relaxed) && told.recv_timeout(PATIENCE).is_err() {
            self.behind.store(true, Ordering::Relaxed);
            tracing::warn!(device = %self.name, "an audit device does not keep up");
        }
    }

    pub(super) fn reopen(&self) {
        // One that is too far behind to hear of it goes on with the file it has.
        let _ = self.queue.try_send(Order::Reopen);
    }
}

fn work(name: &str, mut sink: Sink, orders: &Receiver<Order>, behind: &AtomicBool) {
    let (mut well, mut next) = (true, None);
    while let Some(order) = next.take().or_else(|| orders.recv().ok()) {
        let (line, written) = match order {
            Order::Reopen => {
                sink.close();
                continue;
            }
            Order::Write(line, written) => (line, written),
        };
        let outcome = sink.write(&line);
        match &outcome {
            Ok(()) if !well => tracing::info!(device = name, "an audit device takes entries again"),
            // Told once; whoever waits goes on, as the entry is in the chained file.
            Err(error) if well => {
                tracing::error!(device = name, %error, "an audit device does not take entries");
            }
            Ok(()) | Err(_) => {}
        }
        well = outcome.is_ok();
        // Nobody may be waiting any more.
        let _ = written.try_send(());
        // Kept up with only when nothing waits; else every request would find it behind once more.
        next = orders.try_recv().ok();
        if well && next.is_none() {
            behind.store(false, Ordering::Relaxed);
        }
    }
}

/// Lines that wait for a device at most.
const QUEUE: usize = 4096;
/// How long a request waits for a device that keeps up.
const PATIENCE: Duration = Duration::from_millis(250);
