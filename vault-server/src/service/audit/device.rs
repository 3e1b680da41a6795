//! One further audit device: a thread that writes, and a queue in front of it.
//!
//! The chained file decides whether a request is served; a device gets a copy. So a device that is slow or gone
//! holds up nobody for longer than [`PATIENCE`], once: from then on nobody waits for it until it writes again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use vault_core::clock::Timestamp;

use super::sink::Sink;

/// A device at work. Its thread ends when the last clone is dropped and the queue is written.
#[derive(Clone)]
pub(super) struct Device {
    name: Arc<str>,
    queue: SyncSender<Order>,
    health: Arc<Health>,
}

/// How a device fares.
#[derive(Default)]
struct Health {
    /// Whether it is behind, so that nobody waits for it.
    behind: AtomicBool,
    /// Whether it has not taken the last line.
    ill: AtomicBool,
    failures: AtomicU64,
    /// When it took a line last, in milliseconds; 0 before the first.
    written_at: AtomicI64,
}

/// How a device fares, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceHealth {
    /// Whether it has taken the last line that it was given.
    pub takes_lines: bool,
    /// Whether it does not keep up.
    pub behind: bool,
    /// Lines that it has not taken since it was started.
    pub failures: u64,
    /// When it took a line last.
    pub written_at: Option<Timestamp>,
}

enum Order {
    /// A line of that time, and who waits for it.
    Write(Arc<str>, Timestamp, SyncSender<()>),
    /// The file was moved away: begin a new one.
    Reopen,
}

impl Device {
    /// Starts the thread; `None` when the system gives none.
    pub(super) fn start(name: &str, sink: Sink) -> Option<Self> {
        let (queue, orders) = sync_channel(QUEUE);
        let (name, health): (Arc<str>, Arc<Health>) = (name.into(), Arc::default());
        let device = Self { name: Arc::clone(&name), queue, health: Arc::clone(&health) };
        let thread = std::thread::Builder::new().name("audit-device".to_owned());
        thread.spawn(move || work(&name, sink, &orders, &health)).ok().map(|_detached| device)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Writes a line, or queues it when the device is behind. Never fails: the chained file has the entry.
    pub(super) fn write(&self, line: &Arc<str>, now: Timestamp) {
        let (written, told) = sync_channel(1);
        match self.queue.try_send(Order::Write(Arc::clone(line), now, written)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.health.failed();
                tracing::error!(device = %self.name, "an audit device is too far behind: an entry is not in it");
                return;
            }
        }
        let behind = &self.health.behind;
        if !behind.load(Ordering::Relaxed) && told.recv_timeout(PATIENCE).is_err() {
            behind.store(true, Ordering::Relaxed);
            tracing::warn!(device = %self.name, "an audit device does not keep up");
        }
    }

    pub(super) fn health(&self) -> DeviceHealth {
        let written_at = self.health.written_at.load(Ordering::Relaxed);
        DeviceHealth {
            takes_lines: !self.health.ill.load(Ordering::Relaxed),
            behind: self.health.behind.load(Ordering::Relaxed),
            failures: self.health.failures.load(Ordering::Relaxed),
            written_at: (written_at != 0).then(|| Timestamp::from_millis(written_at)),
        }
    }

    pub(super) fn reopen(&self) {
        // One that is too far behind to hear of it goes on with the file it has.
        let _ = self.queue.try_send(Order::Reopen);
    }
}

impl Health {
    fn failed(&self) {
        self.ill.store(true, Ordering::Relaxed);
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn wrote(&self, at: Timestamp) {
        self.ill.store(false, Ordering::Relaxed);
        self.written_at.store(at.as_millis(), Ordering::Relaxed);
    }
}

fn work(name: &str, mut sink: Sink, orders: &Receiver<Order>, health: &Health) {
    let (mut well, mut next) = (true, None);
    while let Some(order) = next.take().or_else(|| orders.recv().ok()) {
        let (line, at, written) = match order {
            Order::Reopen => {
                sink.close();
                continue;
            }
            Order::Write(line, at, written) => (line, at, written),
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
        if well {
            health.wrote(at)
        } else {
            health.failed()
        }
        // Nobody may be waiting any more.
        let _ = written.try_send(());
        // Kept up with only when nothing waits; else every request would find it behind once more.
        next = orders.try_recv().ok();
        if well && next.is_none() {
            health.behind.store(false, Ordering::Relaxed);
        }
    }
}

/// Lines that wait for a device at most.
const QUEUE: usize = 4096;
/// How long a request waits for a device that keeps up.
const PATIENCE: Duration = Duration::from_millis(250);
