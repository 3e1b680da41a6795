//! Cron texts: no text panics, every next occurrence is later, and the text of a schedule reads back.

use chrono_tz::Tz;
use vault_core::clock::Timestamp;
use vault_core::schedule::Cron;

use super::parts::parts;

/// Reads a schedule and asks for an occurrence: `cron text %% zone %% milliseconds since 1970`.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let mut parts = parts.into_iter();
    let Ok(cron) = Cron::parse(parts.next().unwrap_or_default()) else { return };
    assert_eq!(Cron::parse(cron.as_str()).as_ref(), Ok(&cron));
    let zone: Tz = parts.next().and_then(|name| name.trim().parse().ok()).unwrap_or(Tz::UTC);
    let after = parts.next().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let mut after = Timestamp::from_millis(after);
    for _ in 0..3 {
        let Some(next) = cron.next_after(zone, after) else { return };
        assert!(next > after);
        // Nothing is passed over: a moment before, it is the next one still.
        let before = next.minus(std::time::Duration::from_millis(1)).max(after);
        assert_eq!(cron.next_after(zone, before), Some(next));
        after = next;
    }
}
