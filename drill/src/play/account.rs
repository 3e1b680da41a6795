//! Faults that hurt one account. Each is played on an account of its own, so that no incident is opened again.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Before, Played, class, is_closed, is_of_target, member};
use crate::expected::{self, BY_ITSELF};
use crate::fault::Kind;
use crate::judge::Aspect;
use crate::proxy::Mischief;
use crate::stage::{Member, Stage};

/// An administrator locks it.
pub(super) async fn locked(stage: &mut Stage<'_>, played: &mut Played) -> Result<()> {
    let hurt = member(stage, 0)?;
    let before = Before::of(stage, std::slice::from_ref(&hurt)).await?;
    stage.server.lock(&hurt.username, true).await?;
    stage.rotate(std::slice::from_ref(&hurt)).await?;
    let (id, was_open) = told(stage, &before, played).await?;
    played.words(Aspect::Acted, state(stage, &hurt).await?);
    stage.server.lock(&hurt.username, false).await?;
    let typed = stage.typed(&format!("incident do {id} unpark"), "").await?;
    played.words(Aspect::Remedied, typed.told("incident do ID unpark"));
    before.healed(stage, &[hurt], (&id, Some(was_open)), played).await
}

/// Somebody sets its password by hand.
pub(super) async fn drift(stage: &mut Stage<'_>, played: &mut Played) -> Result<()> {
    let hurt = member(stage, 1)?;
    let before = Before::of(stage, std::slice::from_ref(&hurt)).await?;
    stage.server.set_password(&hurt.username, OUTSIDE).await?;
    // A heartbeat finds it as well, in its own time.
    let looked = stage.typed(&format!("account verify {}", hurt.path), "").await?;
    ensure!(looked.code != 0, "a password that was changed outside was verified: {}", looked.output);
    let (id, was_open) = told(stage, &before, played).await?;
    let read = stage.vault.get(&format!("accounts/creds/{}", hurt.path)).await?;
    let served = if read.status == 503 {
        "the dead password is served to nobody"
    } else {
        "the dead password is served"
    };
    played.words(Aspect::Acted, served);
    let typed = stage.typed(&format!("account reconcile {}", hurt.path), "").await?;
    played.words(Aspect::Remedied, typed.told("account reconcile PATH"));
    before.healed(stage, std::slice::from_ref(&hurt), (&id, Some(was_open)), played).await?;
    let is_refused = !stage.server.accepts(&hurt.username, OUTSIDE).await?;
    ensure!(is_refused, "the password that was set outside still works");
    Ok(())
}

/// The change is done, and its answer is lost.
pub(super) async fn cut(stage: &mut Stage<'_>, played: &mut Played) -> Result<()> {
    let hurt = member(stage, 2)?;
    let before = Before::of(stage, std::slice::from_ref(&hurt)).await?;
    let struck = stage.proxy.struck();
    stage.proxy.set(stage.server.cut()).await?;
    let rotated = stage.rotate(std::slice::from_ref(&hurt)).await;
    stage.proxy.set(Mischief::None).await?;
    rotated?;
    let (id, _) = told(stage, &before, played).await?;
    played.count(Aspect::Bounded, stage.proxy.struck() - struck);
    before.healed(stage, std::slice::from_ref(&hurt), (&id, None), played).await?;
    played.words(
        Aspect::Acted,
        advanced(stage, &before, (&hurt, 1), "probed, the change is found and kept").await?,
    );
    // Nothing was typed.
    played.words(Aspect::Remedied, BY_ITSELF);
    Ok(())
}

/// The server's rule refuses what the vault makes.
pub(super) async fn policy(stage: &mut Stage<'_>, played: &mut Played) -> Result<()> {
    let hurt = member(stage, 3)?;
    // Letters alone, and few: neither rule takes it, nor a directory's the stricter one that comes next.
    let weak = r#"length = 20 rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" min-chars = 1 }"#;
    stage.vault.wrote(&format!("password-policies/{WEAK}"), json!({ "policy": weak })).await?;
    if !stage.server.tighten(&hurt.username).await? {
        played.left_out =
            Some("this PostgreSQL has no passwordcheck (Debian: postgresql-contrib)".to_owned());
        return Ok(());
    }
    // A module sees only a password that is not hashed before it is sent.
    if stage.kind == Kind::Postgresql {
        let body = json!({ "password_hashing": "server", "password": stage.management });
        stage.vault.wrote(&format!("targets/config/{}", stage.target), body).await?;
    }
    write(stage, &hurt, WEAK).await?;
    let before = Before::of(stage, std::slice::from_ref(&hurt)).await?;
    let offered = candidates(stage);
    stage.rotate(std::slice::from_ref(&hurt)).await?;
    let (id, was_open) = told(stage, &before, played).await?;
    if stage.kind == Kind::Postgresql {
        before.healed(stage, std::slice::from_ref(&hurt), (&id, None), played).await?;
        played.words(
            Aspect::Acted,
            advanced(stage, &before, (&hurt, 2), "a stricter candidate is taken").await?,
        );
        // Nothing was typed.
        played.words(Aspect::Remedied, BY_ITSELF);
        played.count(Aspect::Bounded, candidates(stage) - offered);
        return Ok(());
    }
    played.words(Aspect::Acted, state(stage, &hurt).await?);
    played.count(Aspect::Bounded, candidates(stage) - offered);
    let long =
        r#"length = 80 rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz0123456789" min-chars = 1 }"#;
    stage.vault.wrote(&format!("password-policies/{LONG}"), json!({ "policy": long })).await?;
    write(stage, &hurt, LONG).await?;
    let typed = stage.typed(&format!("rotate {}", hurt.path), "").await?;
    played.words(Aspect::Remedied, typed.told("rotate PATH"));
    before.healed(stage, &[hurt], (&id, Some(was_open)), played).await
}

/// Gives the account a password policy.
async fn write(stage: &Stage<'_>, hurt: &Member, policy: &str) -> Result<()> {
    let typed = stage.typed(&format!("account write {} password_policy={policy}", hurt.path), "").await?;
    ensure!(typed.code == 0, "account write: {}", typed.errors);
    Ok(())
}

/// How often a password was offered to the server so far.
fn candidates(stage: &Stage<'_>) -> u64 {
    let change = stage.server.change_on_the_wire();
    let sets = |statement: &&String| statement.contains(change);
    stage.proxy.statements().iter().filter(sets).count() as u64
}

/// Waits for the incident and its message, and tells how they look. The incident, and whether it is open.
async fn told(stage: &Stage<'_>, before: &Before, played: &mut Played) -> Result<(String, bool)> {
    let id = before.detected(stage, played).await?;
    before.notified(stage, played).await?;
    let (opened, incident) = (before.opened(stage).await?, stage.incident(&id).await?);
    played.words(Aspect::Class, class(&incident));
    let words = if opened.iter().any(is_of_target) {
        format!("{} incidents, one of the target", opened.len())
    } else {
        expected::account_group(before.count(stage).await?)
    };
    played.words(Aspect::Grouped, words);
    Ok((id, !is_closed(&incident)))
}

/// These words if the account is exactly so many versions further, with nobody's help.
async fn advanced(
    stage: &Stage<'_>,
    before: &Before,
    (hurt, versions): (&Member, u64),
    words: &str,
) -> Result<String> {
    let (now, was) =
        (stage.credential(&hurt.path).await?, before.credentials.first().map_or(0, |one| one.version));
    let is_it = now.version == was + versions;
    Ok(if is_it { words.to_owned() } else { format!("version {} after version {was}", now.version) })
}

/// The account's state in one word.
async fn state(stage: &Stage<'_>, hurt: &Member) -> Result<String> {
    let status = stage.vault.data(&format!("accounts/status/{}", hurt.path)).await?;
    Ok(status.get("state").and_then(Value::as_str).unwrap_or_default().to_owned())
}

const OUTSIDE: &str = "somebody-set-it-0815";
const WEAK: &str = "drill-weak";
const LONG: &str = "drill-long";
