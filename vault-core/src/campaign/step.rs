//! Decides how a campaign goes on.
//!
//! Pure: the caller commits the record that comes back, with the accounts that the event was about, and then does
//! what [`task`] says of it. The task depends on the record alone, so a restart goes on where the last commit was.

use std::collections::BTreeMap;

use super::item::State;
use super::{Campaign, Paused, Phase, Tally, WAVE_GROWTH, WAVE_MAX, Wave};
use crate::clock::Timestamp;

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// More accounts were written down.
    Gathered {
        /// How many of each target.
        found: BTreeMap<String, u64>,
        /// The last name that was looked at; `None` when there are no more.
        last: Option<Vec<u8>>,
    },
    /// Accounts stand otherwise than before.
    Settled(Vec<Change>),
    /// Somebody pauses it.
    Pause {
        /// Who.
        by: String,
    },
    /// Somebody lets it go on.
    Resume,
    /// Somebody ends it. What is under way goes on to its end.
    Cancel {
        /// Who.
        by: String,
    },
}

/// That an account stands otherwise than before.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its target.
    pub target: String,
    /// How it stood.
    pub before: State,
    /// How it stands.
    pub after: State,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Write down the next accounts, those after this name.
    Gather(Option<Vec<u8>>),
    /// Rotate the pending accounts from this number up to, and without, that.
    Rotate(u64, u64),
    /// Look now and then at the accounts that wait.
    Watch,
    /// Nothing.
    Rest,
}

/// Why nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is over.
    #[error("the campaign is over")]
    Over,
    /// It is not paused.
    #[error("the campaign is not paused")]
    NotPaused,
    /// It is paused already.
    #[error("the campaign is paused already")]
    Already,
}

/// What is to be done about `campaign`.
#[must_use]
pub fn task(campaign: &Campaign) -> Task {
    if campaign.paused.is_some() {
        return Task::Rest;
    }
    match &campaign.phase {
        Phase::Gathering { after } => Task::Gather(after.clone()),
        Phase::Wave => Task::Rotate(campaign.wave.from, campaign.wave.to),
        Phase::Watching => Task::Watch,
        Phase::Ended { .. } => Task::Rest,
    }
}

/// The record after `event`.
///
/// # Errors
/// [`Refusal`] by cause; nothing changes then.
pub fn step(mut campaign: Campaign, event: Event, now: Timestamp) -> Result<Campaign, Refusal> {
    match event {
        Event::Gathered { found, last } => gathered(&mut campaign, found, last),
        Event::Settled(changes) => changes.iter().for_each(|change| settled(&mut campaign, change)),
        _ if campaign.is_over() => return Err(Refusal::Over),
        Event::Pause { .. } if campaign.paused.is_some() => return Err(Refusal::Already),
        Event::Pause { by } => campaign.paused = Some(Paused::By(by)),
        Event::Resume if campaign.paused.is_none() => return Err(Refusal::NotPaused),
        Event::Resume => {
            campaign.paused = None;
            campaign.wave.failed = 0;
            campaign.going_since = now;
            campaign.settled_before = campaign.settled();
        }
        Event::Cancel { by } => {
            campaign.phase = Phase::Ended { at: now, cancelled: Some(by) };
        }
    }
    go_on(&mut campaign, now);
    Ok(campaign)
}

fn gathered(campaign: &mut Campaign, found: BTreeMap<String, u64>, last: Option<Vec<u8>>) {
    for (target, count) in found {
        campaign.tally.total += count;
        campaign.targets.entry(target).or_default().total += count;
    }
    // Whoever cancelled it meanwhile has ended it.
    if let Phase::Gathering { after } = &mut campaign.phase {
        match last {
            Some(last) => *after = Some(last),
            None => campaign.phase = Phase::Wave,
        }
    }
}

fn settled(campaign: &mut Campaign, change: &Change) {
    let target = campaign.targets.entry(change.target.clone()).or_default();
    for tally in [&mut campaign.tally, target] {
        count(tally, &change.before, |count| *count = count.saturating_sub(1));
        count(tally, &change.after, |count| *count += 1);
    }
    match &change.after {
        State::Failed { class, .. } => *campaign.failures.entry(class.clone()).or_default() += 1,
        State::Skipped(why) => *campaign.skips.entry(why.word().to_owned()).or_default() += 1,
        _ => {}
    }
    if change.before == State::Pending {
        campaign.wave.settled += 1;
        campaign.wave.failed += u64::from(matches!(change.after, State::Failed { .. }));
    }
}

fn count(tally: &mut Tally, state: &State, change: impl FnOnce(&mut u64)) {
    match state {
        State::Pending => {}
        State::Waiting { .. } => change(&mut tally.waiting),
        State::Rotated { .. } => change(&mut tally.rotated),
        State::Failed { .. } => change(&mut tally.failed),
        State::Skipped(_) => change(&mut tally.skipped),
    }
}

/// Stops, or moves to the next wave, or ends, if it is time for that.
fn go_on(campaign: &mut Campaign, now: Timestamp) {
    let Wave { number, from, to, settled, failed } = campaign.wave;
    let size = to - from;
    if campaign.phase == Phase::Wave
        && campaign.paused.is_none()
        && failed * 100 > u64::from(campaign.options.stop_at) * size
    {
        campaign.paused = Some(Paused::Failures);
    }
    if campaign.paused.is_some() {
        return;
    }
    if campaign.phase == Phase::Wave && settled >= size {
        let left = campaign.tally.total.saturating_sub(to);
        let next = match (number, campaign.options.canary) {
            (0, 0) => WAVE_MAX,
            (0, canary) => canary.min(WAVE_MAX),
            // A canary of which none rotated has proven nothing.
            (_, 1..) if campaign.tally.rotated == 0 => campaign.options.canary.min(WAVE_MAX),
            _ => size.saturating_mul(WAVE_GROWTH).min(WAVE_MAX),
        };
        if left > 0 {
            campaign.wave =
                Wave { number: number + 1, from: to, to: to + next.min(left), settled: 0, failed: 0 };
            return;
        }
        campaign.phase = Phase::Watching;
    }
    if campaign.phase == Phase::Watching && campaign.tally.waiting == 0 {
        campaign.phase = Phase::Ended { at: now, cancelled: None };
    }
}
