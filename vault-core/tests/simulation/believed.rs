//! No version is believed to work, or to be dead, that was not asked.

use vault_core::account::{Account, Version};
use vault_core::rotation::port::{Probe, Verification};
use vault_core::rotation::step::{Event, Finding, Retirement};

use crate::world::World;

/// What an answer says of a stored version: whether it works.
fn said(account: &Account, event: &Event) -> Vec<(Option<Version>, bool)> {
    let versions = account.versions;
    match event {
        Event::Checked(Probe::Works) => vec![(versions.current, true)],
        Event::Checked(Probe::Refused) => vec![(versions.current, false)],
        Event::CheckedPrevious(Probe::Works) => vec![(versions.previous, true)],
        Event::CheckedPrevious(Probe::Refused) => vec![(versions.previous, false)],
        Event::Verified(Verification::Verified | Verification::RightsLost(_)) => {
            vec![(versions.pending, true)]
        }
        Event::Verified(Verification::Refused(_)) => vec![(versions.pending, false)],
        Event::Probed(Finding::Works(number)) => {
            vec![(versions.stored().find(|version| version.number == *number), true)]
        }
        Event::Probed(Finding::NoneWorks) => {
            versions.stored().map(|version| (Some(version), false)).collect()
        }
        // Of a name that was never used nothing is stored.
        Event::Retired(Retirement::Dead { .. }) if versions.previous.is_none() => Vec::new(),
        Event::Retired(Retirement::Dead { .. }) => vec![(versions.previous, false)],
        Event::Retired(Retirement::StillValid) => vec![(versions.previous, true)],
        Event::Retired(Retirement::CurrentRefused { old_works }) => {
            vec![(versions.current, false), (versions.previous, *old_works)]
        }
        _ => Vec::new(),
    }
}

/// What the last call's answer says rests on a login of that call, or on one that was refused before in the same doubt.
pub(crate) fn check(world: &World, key: &str, event: &Event) -> Result<(), String> {
    let account = &world.accounts[key];
    let before = account.stage.run().map(|run| run.refused.as_slice()).unwrap_or_default();
    for (version, works) in said(account, event) {
        let number = version.map(|version| version.number);
        let shown = number.and_then(|number| world.login(key, number)).and_then(|(name, secret)| {
            let state = world.target.0.lock().unwrap();
            state.door.last(name, secret)
        });
        let is_known = !works && number.is_some_and(|number| before.contains(&number));
        // A candidate that was refused once is asked again before it is believed.
        let asks_again = account.versions.pending.is_some_and(|pending| Some(pending.number) == number);
        if shown != Some(works) && (!is_known || asks_again || shown.is_some()) {
            return Err(format!(
                "{key}: version {number:?} is believed to be {}, and its login was {shown:?}: {event:?}",
                if works { "alive" } else { "dead" }
            ));
        }
    }
    Ok(())
}
