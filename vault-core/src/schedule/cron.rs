//! Cron texts by the rules that people know from crontab(5), evaluated by the `cron` crate.
//!
//! The crate speaks Quartz: seconds first, `1` is Sunday, day of month *and* day of week. Here five fields
//! are the usual ones (six begin with seconds, seven end with years), `0` and `7` are Sunday and `1` is
//! Monday, and when both day fields are restricted either of them suffices.
//!
//! Changes of the clock: a schedule that names hours fires once a day, whatever the clocks do — at the first
//! valid instant when its time is skipped, at the first of the two when it is repeated. A schedule of every
//! hour (`*/15 * * * *`) follows elapsed time: it neither pauses nor doubles.

mod field;
mod zone;

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use cron::{Schedule, TimeUnitSpec};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use field::{FIELD_NAMES, is_restricted, is_well_formed, weekdays};

/// A schedule that was read and has occurrences.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    /// One schedule, or two whose occurrences are united: by day of month and by day of week.
    schedules: Vec<Schedule>,
    is_every_hour: bool,
}

/// Why a text is no schedule. The caller mends it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// Longer than any schedule.
    #[error("the schedule is too long; at most 256 characters")]
    TooLong,
    /// Not five, six or seven fields.
    #[error(
        "the schedule has {0} fields; write five: minute, hour, day of month, month, day of week (such as \"0 3 * * *\")"
    )]
    FieldCount(usize),
    /// A word with `@` that is none of ours.
    #[error("the word is unknown; use @hourly, @daily, @weekly, @monthly or @yearly")]
    UnknownWord,
    /// One field cannot be read.
    #[error(
        "the field {name} cannot be read: {text:?}; use numbers or names, lists (1,15), ranges (1-5), steps (*/10) or *"
    )]
    Field {
        /// The field's name.
        name: &'static str,
        /// What stands in it.
        text: String,
    },
    /// It names a day that no year has.
    #[error("the schedule never comes; check day of month and month")]
    Never,
}

impl Cron {
    /// Reads a schedule.
    ///
    /// # Errors
    /// [`CronError`], whose text says what to mend.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(CronError::TooLong);
        }
        let text = text.trim();
        let long = if text.starts_with('@') { shorthand(text)? } else { text };
        let fields = seven_fields(long)?;
        for (name, field) in FIELD_NAMES.iter().zip(&fields) {
            if !is_well_formed(field) {
                return Err(field_error(name, field));
            }
        }
        let schedules = schedules(&fields)?;
        let is_every_hour = schedules.iter().all(|schedule| schedule.hours().is_all());
        let this = Self { text: text.to_owned(), schedules, is_every_hour };
        this.next_local(DateTime::UNIX_EPOCH.naive_utc()).ok_or(CronError::Never)?;
        Ok(this)
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first occurrence after `after` by the clocks of `zone`; `None` when there is none until 2100.
    #[must_use]
    pub fn next_after(&self, zone: Tz, after: Timestamp) -> Option<Timestamp> {
        if after >= CALENDAR_END {
            return None;
        }
        let after = after.max(Timestamp::EPOCH).to_utc();
        let next =
            if self.is_every_hour { self.next_elapsed(zone, after) } else { self.next_by_clock(zone, after) };
        next.map(Timestamp::from_utc)
    }

    /// Follows the clock on the wall: each local time counts once, at the first instant that shows it or,
    /// when none does, at the end of the gap it falls into.
    ///
    /// That instant never moves backwards as local time goes on, so the first one past `after` is the next.
    fn next_by_clock(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut local = zone::local(zone, after);
        loop {
            local = self.next_local(local)?;
            let at = zone::first_instant(zone, local)?;
            if at > after {
                return Some(at);
            }
        }
    }

    /// Follows elapsed time: reads the schedule at the present offset from UTC, and again where it changes.
    fn next_elapsed(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut from = after;
        loop {
            let offset = zone::offset(zone, from);
            let local = self.next_local(zone::local(zone, from))?;
            let at = local.checked_sub_offset(offset)?.and_utc();
            if zone::offset(zone, at) == offset {
                return Some(at);
            }
            from = zone::change_between(zone, from, at);
            let local = zone::local(zone, from).and_utc();
            if self.schedules.iter().any(|schedule| schedule.includes(local)) {
                return Some(from);
            }
        }
    }

    /// The next local time of the schedule, as if there were no zones: the crate is given UTC only.
    fn next_local(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        let next = |schedule: &Schedule| schedule.after(&after.and_utc()).next();
        self.schedules.iter().filter_map(next).min().map(|next| next.naive_utc())
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cron").field(&self.text).finish()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

impl TryFrom<String> for Cron {
    type Error = CronError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

fn shorthand(word: &str) -> Result<&'static str, CronError> {
    Ok(match word.to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => return Err(CronError::UnknownWord),
    })
}

/// The fields in the crate's order; seconds are 0 and years any when not written.
fn seven_fields(text: &str) -> Result<[&str; 7], CronError> {
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    match *fields.as_slice() {
        [minute, hour, day, month, weekday] => Ok(["0", minute, hour, day, month, weekday, "*"]),
        [second, minute, hour, day, month, weekday] => Ok([second, minute, hour, day, month, weekday, "*"]),
        [second, minute, hour, day, month, weekday, year] => {
            Ok([second, minute, hour, day, month, weekday, year])
        }
        _ => Err(CronError::FieldCount(fields.len())),
    }
}

fn schedules(fields: &[&str; 7]) -> Result<Vec<Schedule>, CronError> {
    let [second, minute, hour, day, month, weekday, year] = *fields;
    let days_of_week = weekdays(weekday).ok_or_else(|| field_error("day of week", weekday))?;
    let read = |day: &str, weekday: &str| {
        let text = [second, minute, hour, day, month, weekday, year].join(" ");
        text.parse::<Schedule>().map_err(|_| culprit(fields))
    };
    if is_restricted(day) && is_restricted(weekday) {
        Ok(vec![read(day, "*")?, read("*", &days_of_week)?])
    } else {
        Ok(vec![read(day, &days_of_week)?])
    }
}

/// Finds the field that the crate refuses by giving it each field alone.
fn culprit(fields: &[&str; 7]) -> CronError {
    for (index, (name, field)) in FIELD_NAMES.iter().zip(fields).enumerate() {
        // The day of week was put into words already.
        let mut alone = ["*"; 7];
        if let Some(place) = alone.get_mut(index).filter(|_| index != WEEKDAY_INDEX) {
            *place = field;
        }
        if alone.join(" ").parse::<Schedule>().is_err() {
            return field_error(name, field);
        }
    }
    CronError::Never
}

fn field_error(name: &'static str, text: &str) -> CronError {
    CronError::Field { name, text: text.chars().take(64).collect() }
}

const WEEKDAY_INDEX: usize = 5;
const TEXT_BYTES_MAX: usize = 256;

/// The start of 2101: the crate knows no years from then on.
const CALENDAR_END: Timestamp = Timestamp::from_secs(4_133_980_800);

#[cfg(test)]
mod tests;
