//! An engine in memory: for tests, and for a vault that shall forget everything.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::engine::{Engine, EngineError, RawEntry, RawOp};

/// A sorted map. "On disk" here means that the process lives.
#[derive(Debug, Default)]
pub struct MemoryEngine(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Engine for MemoryEngine {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RawEntry>, EngineError> {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let range = map.range::<[u8], _>((lower_bound(prefix, after), Bound::Unbounded));
        let found = range.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn apply(&self, ops: &[RawOp]) -> Result<(), EngineError> {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for op in ops {
            match op {
                RawOp::Put(key, value) => map.insert(key.clone(), value.clone()),
                RawOp::Delete(key) => map.remove(key),
            };
        }
        Ok(())
    }
}

/// Where a scan begins: at the prefix, or behind `after` when that is further on.
pub(crate) fn lower_bound<'a>(prefix: &'a [u8], after: Option<&'a [u8]>) -> Bound<&'a [u8]> {
    match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    }
}
