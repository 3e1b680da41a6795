//! kill -9 at random: nothing acknowledged is lost, nothing is torn, the set hash holds, the store opens.
//!
//! The test runs its own binary again as the child that writes. `ROTUNDA_STORE_KILLS` sets the number of
//! cycles for each engine (10 by default).

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test: what fails ends it")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use vault_core::entropy::{Entropy, OsEntropy, SeededEntropy, random_bytes};
use vault_core::store::batch::Batch;
use vault_core::store::contract::TEST_KEY;
use vault_core::store::{EngineKind, EngineOptions, Store, ring};

const CHILD: &str = "ROTUNDA_STORE_KILL_CHILD";

fn open(kind: EngineKind, dir: &Path) -> Store {
    let store = Store::open_dir(kind, dir, &EngineOptions::default(), Arc::new(OsEntropy)).unwrap();
    if store.is_initialised().unwrap() {
        store.unlock(&TEST_KEY).unwrap();
    } else {
        store.bootstrap(&TEST_KEY, Batch::new()).unwrap();
    }
    store
}

/// Does nothing by itself: it is the body of the child that the tests below start and kill.
#[test]
fn child_writes_until_it_is_killed() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (engine, dir) = task.split_once(':').unwrap();
    let kind = if engine == "sled" { EngineKind::Sled } else { EngineKind::Redb };
    let mut told = std::io::stdout();
    told.write_all(b"\nopening\n").unwrap();
    told.flush().unwrap();
    let store = open(kind, Path::new(dir));
    told.write_all(b"open\n").unwrap();
    ring::write(&store, &mut told, u64::MAX).unwrap();
}

struct Writer {
    child: Child,
    lines: Receiver<String>,
}

fn start(kind: EngineKind, dir: &Path) -> Writer {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}:{}", kind.as_str(), dir.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (tell, lines) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // A line without its end was cut off by the kill: it was not told.
        while out.read_line(&mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with('\n') {
            if tell.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    Writer { child, lines }
}

impl Writer {
    fn wait_for(&self, word: &str) {
        while self.lines.recv().expect("the child ended by itself").trim_end() != word {}
    }

    /// Kills it, and gives all that it told since the last word waited for.
    fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

fn cycles() -> u64 {
    std::env::var("ROTUNDA_STORE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

fn survives_kills(kind: EngineKind) {
    let dir = tempfile::tempdir().unwrap();
    let entropy = SeededEntropy::new(42);
    let below = |limit: u64| u64::from_le_bytes(random_bytes(&entropy as &dyn Entropy)) % limit;
    let mut told = vec![0_u64; usize::try_from(ring::TASKS).unwrap()];
    let (mut kills_in_start, mut acknowledged) = (0_u32, 0_usize);
    for cycle in 0..cycles() {
        // Every third cycle a start-up is killed first, at a random moment of its recovery.
        if cycle % 3 == 2 {
            let writer = start(kind, dir.path());
            writer.wait_for("opening");
            let moment = Duration::from_micros(below(8_000));
            if matches!(writer.lines.recv_timeout(moment), Err(RecvTimeoutError::Timeout)) {
                kills_in_start += 1;
            }
            note(&mut told, &writer.kill());
        }
        let writer = start(kind, dir.path());
        writer.wait_for("open");
        let mut lines = String::new();
        for _ in 0..below(600) {
            lines += &writer.lines.recv().expect("the child ended by itself");
        }
        lines += &writer.kill();
        acknowledged += lines.lines().count();
        note(&mut told, &lines);

        let store = open(kind, dir.path());
        let report = ring::check(&store, &told).unwrap();
        let verified = store.verify().unwrap();
        assert!(report.lost == 0 && report.torn == 0, "{} cycle {cycle}: {report:?}", kind.as_str());
        assert!(verified.is_intact(), "{} cycle {cycle}: {verified:?}", kind.as_str());
    }
    let mut out = std::io::stderr();
    writeln!(
        out,
        "{}: {} kills, {kills_in_start} more during start-up, {acknowledged} acknowledged, 0 lost, 0 torn",
        kind.as_str(),
        cycles()
    )
    .unwrap();
    assert!(acknowledged > 0);
}

fn note(told: &mut [u64], lines: &str) {
    for (known, new) in told.iter_mut().zip(ring::parse(lines)) {
        *known = (*known).max(new);
    }
}

#[test]
fn sled_survives_kills() {
    survives_kills(EngineKind::Sled);
}

#[test]
fn redb_survives_kills() {
    survives_kills(EngineKind::Redb);
}
