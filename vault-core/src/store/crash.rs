//! An engine that stops at a chosen write, for simulations of a crash at every step.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::engine::{Engine, EngineError, RawEntry, RawOp};

/// On which side of a write the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing of it reaches the disk.
    Before,
    /// All of it is on the disk, and nobody was told.
    After,
}

/// Wraps an engine. From the chosen write on every call fails, as if the process were gone; what a restart
/// would find is [`CrashEngine::survivor`].
pub struct CrashEngine {
    inner: Arc<dyn Engine>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    applies: u64,
    plan: Option<(u64, Moment)>,
    is_crashed: bool,
}

impl CrashEngine {
    /// Wraps `inner`, without a crash planned.
    #[must_use]
    pub fn new(inner: Arc<dyn Engine>) -> Arc<Self> {
        Arc::new(Self { inner, state: Mutex::default() })
    }

    /// Plans the crash at a write counted from here, the next one being 1.
    pub fn crash_at(&self, write: u64, moment: Moment) {
        let mut state = self.state();
        state.plan = Some((state.applies.saturating_add(write), moment));
    }

    /// How many writes were asked for, the crashed one included.
    #[must_use]
    pub fn applies(&self) -> u64 {
        self.state().applies
    }

    /// Whether the crash has happened.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.state().is_crashed
    }

    /// The engine as a restart finds it.
    #[must_use]
    pub fn survivor(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.inner)
    }

    fn alive(&self) -> Result<(), EngineError> {
        if self.is_crashed() { Err(crashed()) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for CrashEngine {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.alive()?;
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RawEntry>, EngineError> {
        self.alive()?;
        self.inner.scan(prefix, after, limit)
    }

    fn apply(&self, ops: &[RawOp]) -> Result<(), EngineError> {
        self.alive()?;
        let moment = {
            let mut state = self.state();
            state.applies = state.applies.saturating_add(1);
            let applies = state.applies;
            let moment = state.plan.filter(|(at, _)| *at == applies).map(|(_, moment)| moment);
            state.is_crashed = moment.is_some();
            moment
        };
        match moment {
            None => self.inner.apply(ops),
            Some(Moment::Before) => Err(crashed()),
            Some(Moment::After) => self.inner.apply(ops).and(Err(crashed())),
        }
    }

    fn rest(&self) -> Result<(), EngineError> {
        self.alive()?;
        self.inner.rest()
    }
}

fn crashed() -> EngineError {
    EngineError::Io(io::Error::other("simulated crash"))
}
