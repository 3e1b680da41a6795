//! Credentials that the API makes: one more of them, and those that are taken away.

use serde_json::Value;
use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Minted, Minting, Outcome, Probe};
use vault_core::secret::SecretString;

use super::api::Answer;
use super::classify::Purpose;
use super::config::Config;
use super::login::try_login;
use super::management::{Changed, Found, Key, Manager};
use super::service::{Keys, Making};
use super::template::{self, Values};
use super::{command, parse, pointer, refused, say};

/// Has the API make a credential. `Err` and `NotMade` say that it certainly did not.
pub(super) async fn mint(job: Job<'_>) -> Result<Minting, Fault> {
    command::check_name(job.username).map_err(refused)?;
    let config = parse(job.spec)?;
    let Making::Target(keys) = &config.service.making else {
        return Err(say(&config, FaultClass::Preflight, "the vault brings the passwords of this API"));
    };
    let manager = Manager::open(&config, job.management).await?;
    let account = manager.account(job.username).await?;
    let lifetime = config.service.lifetime;
    let values = Values {
        rotation: Some(job.rotation),
        expires: lifetime.map(|lifetime| begun(job.rotation).plus(lifetime)),
        lifetime_seconds: lifetime.map(|lifetime| lifetime.as_secs()),
        ..account.values()
    };
    Ok(match manager.change(&keys.create, Purpose::Create, &values).await {
        Changed::Done(mut answer) => match minted(keys, &mut answer) {
            Some(minted) => Minting::Made(minted),
            None => {
                let what = "a credential was made, and its handle or secret is not where create.handle and create.secret say, or no address can name it";
                Minting::Unknown(say(&config, FaultClass::Ambiguous, what))
            }
        },
        Changed::Not(fault) => Minting::NotMade(fault),
        Changed::Unknown(fault) => Minting::Unknown(fault),
    })
}

/// What the API has made.
fn minted(keys: &Keys, answer: &mut Answer) -> Option<Minted> {
    let handle = answer.body.pointer(&keys.handle).and_then(pointer::handle_in)?;
    let username = match &keys.username {
        Some(place) => Some(answer.body.pointer(place).and_then(pointer::name_in)?),
        None => None,
    };
    let Some(Value::String(text)) = answer.body.pointer_mut(&keys.secret) else { return None };
    let password = SecretString::new(std::mem::take(text));
    if password.expose().is_empty() {
        return None;
    }
    Some(Minted { handle, username, password })
}

/// When a rotation began: an id of version 7 holds it (RFC 9562, section 5.7).
fn begun(rotation: RotationId) -> Timestamp {
    let [a, b, c, d, e, f, ..] = *rotation.as_bytes();
    Timestamp::from_millis(i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

/// Looks whether the list shows the new credential with its label, by which one that is lost would be found; then
/// deletes those that somebody else has made before the vault took the account over.
pub(super) async fn adopt(
    manager: &Manager<'_>,
    keys: &Keys,
    account: &Found<'_>,
    job: Job<'_>,
    keeps_others: bool,
) -> Result<(), Fault> {
    let all = manager.credentials(keys, account).await?;
    // By the id it would be settled, by the mark swept.
    let rotation = job.rotation.to_string();
    let shows = |label: &str| label.contains(&rotation) || template::is_ours(label, &account.mark);
    let own = all.iter().find(|key| job.handles.pending == Some(&key.handle));
    if !own.is_some_and(|key| shows(&key.label)) {
        let what = "the list of the account's credentials does not show the new one with its label: compare credentials.handle and credentials.label, and the API's longest name, with the description";
        return Err(manager.unexplained(what));
    }
    if keeps_others {
        return Ok(());
    }
    manager
        .delete_all(
            keys,
            account,
            all.iter().map(|key| key.handle.as_str()).filter(|handle| !job.handles.know(handle)),
        )
        .await
}

/// Deletes the old credential; then those that bear the label of this target and account and that nobody knows: a
/// request that came after its rotation was settled has made them.
pub(super) async fn retire(job: Job<'_>, old: &Login) -> Result<Outcome, Fault> {
    let config = parse(job.spec)?;
    let Making::Target(keys) = &config.service.making else {
        // The change has replaced the old one.
        return Ok(Outcome::Applied);
    };
    let manager = Manager::open(&config, job.management).await?;
    let account = manager.account(job.username).await?;
    let told = match job.handles.previous {
        Some(handle) => Some(handle.to_owned()),
        None => match own_handle(&config, old).await? {
            Own::Dead => None,
            Own::Handle(handle) => Some(handle),
        },
    };
    if let Some(handle) = told.filter(|handle| job.handles.current != Some(handle)) {
        match manager.delete(keys, &account, &handle).await {
            Changed::Done(_) => manager.gone(keys, &account, &[&handle]).await?,
            Changed::Not(fault) => return Ok(Outcome::NotApplied(fault)),
            Changed::Unknown(fault) => return Ok(Outcome::Unknown(fault)),
        }
    }
    if job.handles.current.is_some() {
        let all = manager.credentials(keys, &account).await?;
        let ours = |key: &&Key| template::is_ours(&key.label, &account.mark);
        let lost = all.iter().filter(ours).map(|key| key.handle.as_str());
        let lost = lost.filter(|handle| !job.handles.know(handle));
        manager.delete_all(keys, &account, lost).await?;
    }
    Ok(Outcome::Applied)
}

/// What a credential tells of itself that a person has brought.
enum Own {
    Dead,
    Handle(String),
}

async fn own_handle(config: &Config, old: &Login) -> Result<Own, Fault> {
    let (probe, answer) = try_login(config, old).await;
    match probe {
        Probe::Refused => return Ok(Own::Dead),
        Probe::Works => {}
        Probe::Blocked(fault) | Probe::Inconclusive(fault) => return Err(fault),
    }
    let place = config.service.login.handle.as_ref();
    let handle = place.zip(answer.as_ref()).and_then(|(place, answer)| answer.body.pointer(place));
    handle.and_then(pointer::handle_in).map(Own::Handle).ok_or_else(|| {
        let what = "which of the account's credentials the old one is is not known (the description has no login.handle, or it is none that an address can name): delete it by hand";
        say(config, FaultClass::OldStillValid, what)
    })
}
