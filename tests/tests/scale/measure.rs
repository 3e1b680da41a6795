//! One start of the program: how long until it serves, and how much memory it then holds.

use std::fmt;
use std::time::Instant;

use vault_tests::vault::Vault;

/// What one start showed.
pub(crate) struct Measured {
    /// From the start of the process to the first 200 of `sys/health`, unsealing included.
    seconds: f64,
    /// Resident memory at that moment, in MiB.
    memory: f64,
}

/// What several starts showed.
#[derive(Default)]
pub(crate) struct Figures {
    seconds: Vec<f64>,
    memory: Vec<f64>,
}

impl Measured {
    /// Starts the stopped vault, measures, and stops it again.
    pub(crate) async fn of(vault: &mut Vault) -> Self {
        let began = Instant::now();
        vault.start_again().await.unwrap();
        let seconds = began.elapsed().as_secs_f64();
        let memory = resident_mib(vault);
        vault.terminate().unwrap();
        Self { seconds, memory }
    }
}

/// The resident memory of the running program.
pub(crate) fn resident_mib(vault: &Vault) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", vault.pid().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024.0
}

impl Figures {
    pub(crate) fn add(&mut self, measured: Measured) {
        self.seconds.push(measured.seconds);
        self.memory.push(measured.memory);
    }

    /// The median of the start-up times, in seconds.
    pub(crate) fn start(&self) -> f64 {
        spread(&self.seconds)[1]
    }

    /// The median of the memory, in MiB.
    pub(crate) fn memory(&self) -> f64 {
        spread(&self.memory)[1]
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = spread(&self.seconds).map(|seconds| seconds * 1000.0);
        let [d, e, g] = spread(&self.memory);
        write!(f, "start {a:.0} – {b:.0} – {c:.0} ms, resident {d:.1} – {e:.1} – {g:.1} MiB")
    }
}

/// Least, median and most.
fn spread(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}
