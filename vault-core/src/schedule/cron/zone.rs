//! Local time and instants, and the changes of the clock between them.

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// What the clocks of `zone` show at `at`.
pub(super) fn local(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// How far the clocks of `zone` are ahead of UTC at `at`.
pub(super) fn offset(zone: Tz, at: DateTime<Utc>) -> FixedOffset {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix()
}

/// The first instant at which the clocks of `zone` show `local`, or the end of the gap that skips it.
pub(super) fn first_instant(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
        LocalResult::None => {
            // Offsets lie within ±24 h, so the change does too; no zone has two changes in four days.
            let near = local.and_utc();
            Some(change_between(zone, near.checked_sub_signed(REACH)?, near.checked_add_signed(REACH)?))
        }
    }
}

/// The first second after `from` at which the offset is no longer that of `from`, given that it is another
/// at `to`. With several changes between them, one of those that leave the offset of `from`.
pub(super) fn change_between(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> DateTime<Utc> {
    let before = offset(zone, from);
    let (mut low, mut high) = (from.timestamp(), to.timestamp());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let at = DateTime::from_timestamp(middle, 0).unwrap_or(to);
        if offset(zone, at) == before {
            low = middle;
        } else {
            high = middle;
        }
    }
    DateTime::from_timestamp(high, 0).unwrap_or(to)
}

const REACH: TimeDelta = TimeDelta::hours(48);
