//! Random decisions that a seed replays.

use std::time::Duration;

use vault_core::entropy::{Entropy, OsEntropy, SeededEntropy, random_bytes};

/// A stream of random decisions.
pub(crate) struct Chance(SeededEntropy);

impl Chance {
    pub(crate) fn of(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// The seed that was asked for, or a fresh one.
    pub(crate) fn seed() -> u64 {
        let asked = std::env::var("ROTUNDA_KILL_SEED").ok().and_then(|text| text.parse().ok());
        asked.unwrap_or_else(|| u64::from_be_bytes(random_bytes(&OsEntropy)) >> 16)
    }

    /// A stream of its own for one task of one round.
    pub(crate) fn branch(&self) -> Self {
        Self::of(self.number())
    }

    fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// A number below `end`. The tiny bias of the remainder does not matter here.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.number() % end
    }

    /// True once in `times`.
    pub(crate) fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A time span between these milliseconds.
    pub(crate) fn millis(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }

    /// Waits for a random time between these milliseconds.
    pub(crate) async fn pause(&self, from: u64, to: u64) {
        tokio::time::sleep(self.millis(from, to)).await;
    }
}
