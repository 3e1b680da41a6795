//! Faults that hurt every account of a target.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::time::Instant;

use super::{Before, Played, class, is_closed, is_of_target};
use crate::expected::{self, BY_ITSELF};
use crate::fault::Fault;
use crate::judge::Aspect;
use crate::stage::Stage;

/// The server is shut down, and later started again.
pub(super) async fn stopped(stage: &mut Stage<'_>, played: &mut Played) -> Result<()> {
    let members = stage.accounts.clone();
    let before = Before::of(stage, &members).await?;
    stage.server.stop()?;
    ensure!(
        stage.rotate(&members).await?.iter().all(|done| !done),
        "a rotation succeeded on a stopped server"
    );
    let id = before.detected(stage, played).await?;
    grouped(stage, &before, &id, members.len(), played).await?;
    before.notified(stage, played).await?;
    let (incident, beneath) = (stage.incident(&id).await?, stage.beneath(&id).await?);
    played.words(Aspect::Class, class(&incident));
    let parked = beneath.iter().filter(|state| *state == "parked").count();
    let goes_on =
        if incident.get("next_attempt").is_some_and(Value::is_string) { "goes on trying" } else { "waits" };
    played.words(Aspect::Acted, format!("{goes_on}, {parked} parked"));
    let was_open = !is_closed(&incident);
    stage.server.start_again().await?;
    before.healed(stage, &members, (&id, Some(was_open)), played).await?;
    // Nothing was typed.
    played.words(Aspect::Remedied, BY_ITSELF);
    Ok(())
}

/// The management credential is refused: changed by somebody, or expired.
pub(super) async fn management(stage: &mut Stage<'_>, fault: Fault, played: &mut Played) -> Result<()> {
    let members = stage.accounts.clone();
    let before = Before::of(stage, &members).await?;
    let refused = stage.server.management_refused().await?;
    if fault == Fault::Expired {
        stage.server.expire_management().await?;
    } else {
        stage.server.set_management("somebody-changed-it-1").await?;
    }
    ensure!(
        stage.rotate(&members).await?.iter().all(|done| !done),
        "a rotation succeeded without management"
    );
    let id = before.detected(stage, played).await?;
    grouped(stage, &before, &id, members.len(), played).await?;
    before.notified(stage, played).await?;
    let (incident, beneath) = (stage.incident(&id).await?, stage.beneath(&id).await?);
    played.words(Aspect::Class, class(&incident));
    let parked = beneath.iter().filter(|state| *state == "parked").count();
    played.words(Aspect::Acted, format!("{parked} of {} parked", members.len()));
    let was_open = !is_closed(&incident);
    // Long enough that a loop would show.
    tokio::time::sleep(LOOP_WOULD_SHOW).await;
    played.count(Aspect::Bounded, stage.server.management_refused().await? - refused);

    let password = format!("mended-by-hand-{}", fault.word());
    stage.server.set_management(&password).await?;
    stage.management.clone_from(&password);
    let target = stage.target.clone();
    let (shown, words) = if fault == Fault::Expired {
        ("target write NAME password=-", format!("target write {target} password=-"))
    } else {
        ("incident do ID set_password", format!("incident do {id} set_password --account {target}"))
    };
    let typed = stage.typed(&words, &password).await?;
    played.words(Aspect::Remedied, typed.told(shown));
    before.healed(stage, &members, (&id, Some(was_open)), played).await
}

/// Waits until all are beneath the target's incident, and tells how many incidents there are.
async fn grouped(
    stage: &Stage<'_>,
    before: &Before,
    id: &str,
    accounts: usize,
    played: &mut Played,
) -> Result<()> {
    let deadline = Instant::now() + JOINED_WITHIN;
    while stage.beneath(id).await?.len() < accounts && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let opened = before.opened(stage).await?;
    let words = if opened.iter().all(is_of_target) {
        expected::target_group(before.count(stage).await?, stage.beneath(id).await?.len())
    } else {
        let own = opened.iter().filter(|incident| !is_of_target(incident)).count();
        format!("{} incidents, {own} of accounts", opened.len())
    };
    played.words(Aspect::Grouped, words);
    Ok(())
}

/// All have failed by the time their rotations were answered; what lags is the drill's own looking.
const JOINED_WITHIN: Duration = Duration::from_secs(30);
const LOOP_WOULD_SHOW: Duration = Duration::from_secs(4);
