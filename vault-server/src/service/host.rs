//! What the machine below says of itself: processors, memory, disks, system.
//!
//! Each part is read by itself and may be missing: under a strict sandbox some of `/proc` is not there, and a disk
//! that is dying may not answer. The rest is told all the same.

mod disk;
mod memory;
mod processor;
mod system;

use std::sync::Arc;
use std::time::Duration;

use procfs::ProcError;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Looks at the machine; one look at a time.
pub struct HostService {
    looking: Arc<Semaphore>,
}

/// What was found.
#[derive(Debug)]
pub struct HostInfo {
    /// The parts that could be read, by name.
    pub parts: Map<String, Value>,
    /// A sentence for each of the others.
    pub missing: Vec<String>,
}

/// Why a part was not read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("{0}")]
    Proc(#[from] ProcError),
    #[error("{0}")]
    System(#[from] std::io::Error),
    #[error("it cannot be written as JSON")]
    Unencodable(#[from] serde_json::Error),
}

type Reader = fn() -> Result<Value, Unread>;

impl Default for HostService {
    fn default() -> Self {
        Self { looking: Arc::new(Semaphore::new(1)) }
    }
}

impl HostService {
    /// Reads every part. Takes no longer than some seconds, whatever hangs.
    pub async fn read(&self) -> HostInfo {
        self.read_parts(&PARTS, PART_MAX).await
    }

    async fn read_parts(&self, parts: &[(&str, Reader)], patience: Duration) -> HostInfo {
        let mut info = HostInfo { parts: Map::new(), missing: Vec::new() };
        // Kept by each reader until it is done, so that what hangs holds one thread and not one for each request.
        let Ok(Ok(permit)) = timeout(patience, Arc::clone(&self.looking).acquire_owned()).await else {
            info.missing.push("an earlier look at this machine has not ended".to_owned());
            return info;
        };
        let permit = Arc::new(permit);
        let reading: Vec<_> = parts
            .iter()
            .map(|(name, read)| {
                let (permit, read) = (Arc::clone(&permit), *read);
                let task = tokio::task::spawn_blocking(move || {
                    let _permit = permit;
                    read()
                });
                (*name, task)
            })
            .collect();
        drop(permit);
        for (name, task) in reading {
            match timeout(patience, task).await {
                Ok(Ok(Ok(part))) => drop(info.parts.insert(name.to_owned(), part)),
                Ok(Ok(Err(error))) => info.missing.push(format!("{name} could not be read: {error}")),
                Ok(Err(_)) => info.missing.push(format!("{name} could not be read")),
                Err(_) => info.missing.push(format!("{name} could not be read in time")),
            }
        }
        info
    }
}

const PARTS: [(&str, Reader); 5] = [
    ("cpu", processor::all),
    ("cpu_times", processor::times),
    ("disk", disk::all),
    ("host", system::read),
    ("memory", memory::read),
];
/// How long one part may take; they are read side by side.
const PART_MAX: Duration = Duration::from_secs(2);

/// `part` of `whole` in percent; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "a percentage needs no 53 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;
    use std::sync::{Mutex, OnceLock};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    /// Its other end is dropped by the test that waits for a part to hang.
    static HELD: OnceLock<Mutex<Receiver<()>>> = OnceLock::new();

    fn hang() -> Result<Value, Unread> {
        let _ = HELD.get().unwrap().lock().unwrap().recv();
        Ok(Value::Null)
    }

    #[tokio::test]
    async fn a_part_that_fails_is_missing_and_the_rest_is_told() {
        let parts: [(&str, Reader); 3] = [
            ("bad", || Err(std::io::Error::other("no such thing").into())),
            ("worse", || panic!("a form that nobody knows")),
            ("good", || Ok(Value::from(1))),
        ];
        let info = HostService::default().read_parts(&parts, LONG).await;
        assert_eq!(info.parts, Map::from_iter([("good".to_owned(), Value::from(1))]));
        assert_eq!(info.missing, ["bad could not be read: no such thing", "worse could not be read"]);
    }

    #[tokio::test]
    async fn a_part_that_hangs_is_waited_for_once_and_keeps_further_looks_away() {
        let (release, hold) = std::sync::mpsc::channel();
        HELD.set(Mutex::new(hold)).unwrap();
        let host = HostService::default();
        let parts: [(&str, Reader); 1] = [("slow", hang)];
        let info = host.read_parts(&parts, Duration::from_millis(1)).await;
        assert_eq!((info.parts.len(), info.missing), (0, vec!["slow could not be read in time".to_owned()]));
        let second = host.read_parts(&parts, Duration::from_millis(1)).await;
        assert_eq!(second.missing, ["an earlier look at this machine has not ended"]);
        drop(release);
        let third = host.read_parts(&parts, LONG).await;
        assert_eq!((third.parts.len(), third.missing.len()), (1, 0));
    }

    #[test]
    fn a_percentage_of_nothing_is_nothing() {
        assert!((percent(1, 4) - 25.0).abs() < f64::EPSILON);
        assert!(percent(1, 0).abs() < f64::EPSILON);
    }
}
