//! Placeholder, to be filled.

/// Backoff.
#[must_use]
pub fn backoff(
    attempt: u32,
    base: std::time::Duration,
    cap: std::time::Duration,
    draw: u64,
) -> std::time::Duration {
    let full = base.saturating_mul(1u32 << attempt.saturating_sub(1).min(16)).min(cap);
    let millis = u64::try_from(full.as_millis()).unwrap_or(u64::MAX);
    std::time::Duration::from_millis(millis / 2 + draw % (millis / 2 + 1))
}
