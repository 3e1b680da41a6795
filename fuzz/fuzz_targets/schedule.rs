//! Cron texts: no text panics, every next occurrence is later, and the text of a schedule reads back.
#![no_main]

use chrono_tz::Tz;
use libfuzzer_sys::fuzz_target;
use vault_core::clock::Timestamp;
use vault_core::schedule::Cron;

fuzz_target!(|input: (&str, i64, u16)| {
    let (text, after, zone) = input;
    let Ok(cron) = Cron::parse(text) else { return };
    assert_eq!(Cron::parse(cron.as_str()).as_ref(), Ok(&cron));
    let zones = chrono_tz::TZ_VARIANTS;
    let zone: Tz = zones[usize::from(zone) % zones.len()];
    let after = Timestamp::from_millis(after);
    if let Some(next) = cron.next_after(zone, after) {
        assert!(next > after);
    }
});
