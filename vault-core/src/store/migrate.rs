//! Copies a store from one engine to another, and compares.

use super::engine::{Engine, EngineError, RawOp};

/// Why a migration stopped. The source is never changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The source cannot be read.
    #[error("the source cannot be read")]
    From(#[source] EngineError),
    /// The target cannot be written or read.
    #[error("the target failed")]
    To(#[source] EngineError),
    /// The target holds records: a copy over them would mix two stores.
    #[error("the target is not empty")]
    NotEmpty,
    /// After the copy the target differs from the source, at this entry (counted from 1).
    #[error("the target differs from the source at entry {0}")]
    Differs(u64),
}

/// Copies every entry, the head record with them, so the copy opens under the same integrity key and
/// stands at the same commit. Calls `progress` with the number of entries done. The source must not be
/// written meanwhile.
///
/// # Errors
/// [`MigrateError`] by cause; the target is then of no use and should be removed.
pub fn migrate(
    from: &dyn Engine,
    to: &dyn Engine,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, MigrateError> {
    if !to.scan(&[], None, 1).map_err(MigrateError::To)?.is_empty() {
        return Err(MigrateError::NotEmpty);
    }
    let mut done: u64 = 0;
    let mut cursor: Option<Vec<u8>> = None;
    loop {
        let page = from.scan(&[], cursor.as_deref(), PAGE_ROWS).map_err(MigrateError::From)?;
        let Some((last, _)) = page.last() else {
            break;
        };
        cursor = Some(last.clone());
        done = done.saturating_add(u64::try_from(page.len()).unwrap_or(u64::MAX));
        let ops: Vec<RawOp> = page.into_iter().map(|(key, value)| RawOp::Put(key, value)).collect();
        to.apply(&ops).map_err(MigrateError::To)?;
        progress(done);
    }
    compare(from, to)?;
    Ok(done)
}

/// Walks both in step.
fn compare(from: &dyn Engine, to: &dyn Engine) -> Result<(), MigrateError> {
    let mut cursor: Option<Vec<u8>> = None;
    let mut same: u64 = 0;
    loop {
        let left = from.scan(&[], cursor.as_deref(), PAGE_ROWS).map_err(MigrateError::From)?;
        let right = to.scan(&[], cursor.as_deref(), PAGE_ROWS).map_err(MigrateError::To)?;
        if left != right {
            let equal = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
            let equal = u64::try_from(equal).unwrap_or(u64::MAX);
            return Err(MigrateError::Differs(same.saturating_add(equal).saturating_add(1)));
        }
        let Some((last, _)) = left.last() else {
            return Ok(());
        };
        same = same.saturating_add(u64::try_from(left.len()).unwrap_or(u64::MAX));
        cursor = Some(last.clone());
    }
}

/// Rows copied in one transaction: with values at their limit still a bounded piece of memory.
const PAGE_ROWS: usize = 64;
