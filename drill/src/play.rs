//! Plays one fault: does harm, watches what the vault makes of it, mends it as a person would, and looks whether
//! everything is well again.

mod account;
mod target;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use vault_core::clock::Timestamp;

use crate::expected::{self, CLOSED_AFTER_PROOF, CLOSED_BY_ITSELF, TO_THE_END};
use crate::fault::Fault;
use crate::judge::{Aspect, Seen};
use crate::stage::{Credential, Member, Stage, now, until};

/// What was seen of one fault.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) seen: Vec<(Aspect, Seen)>,
    /// Why it was left out, where this server cannot have that fault.
    pub(crate) left_out: Option<String>,
    /// The incident with its marks, as the vault told it last.
    pub(crate) incident: Value,
}

impl Played {
    fn words(&mut self, aspect: Aspect, words: impl Into<String>) {
        self.seen.push((aspect, Seen::Words(words.into())));
    }

    fn count(&mut self, aspect: Aspect, count: u64) {
        self.seen.push((aspect, Seen::Count(count)));
    }
}

/// Plays it. What goes wrong on the way is seen, too.
pub(crate) async fn play(stage: &mut Stage<'_>, fault: Fault) -> Played {
    let mut played = Played::default();
    let outcome = match fault {
        Fault::Stopped => target::stopped(stage, &mut played).await,
        Fault::Refused | Fault::Expired => target::management(stage, fault, &mut played).await,
        Fault::Locked => account::locked(stage, &mut played).await,
        Fault::Drift => account::drift(stage, &mut played).await,
        Fault::Cut => account::cut(stage, &mut played).await,
        Fault::Policy => account::policy(stage, &mut played).await,
    };
    played.words(Aspect::Played, ending(outcome));
    played
}

/// What is seen of all accounts when everything is over.
pub(crate) async fn at_the_end(stage: &Stage<'_>) -> Played {
    let mut played = Played::default();
    let outcome = async {
        let credentials = stage.credentials(&stage.accounts).await?;
        let (let_in, all) = (stage.let_in(&credentials).await?, credentials.len());
        played.words(Aspect::Intact, format!("{let_in} of {all} let in"));
        let open = stage.incidents().await?.iter().filter(|incident| !is_closed(incident)).count();
        played.count(Aspect::Closed, open as u64);
        Ok(())
    };
    let outcome = outcome.await;
    played.words(Aspect::Played, ending(outcome));
    played
}

fn ending(outcome: Result<()>) -> String {
    outcome.map_or_else(|error| format!("broke off: {error:#}"), |()| TO_THE_END.to_owned())
}

/// How things stood before the harm.
struct Before {
    at: Timestamp,
    /// How often each incident was opened.
    openings: BTreeMap<String, u64>,
    pages: usize,
    credentials: Vec<Credential>,
}

impl Before {
    /// Looks at everything; the harm comes right after.
    async fn of(stage: &Stage<'_>, members: &[Member]) -> Result<Self> {
        let credentials = stage.credentials(members).await?;
        let openings =
            stage.incidents().await?.iter().map(|one| (id(one).to_owned(), openings(one))).collect();
        Ok(Self { at: now(), openings, pages: stage.pages(), credentials })
    }

    /// The incidents that were opened, or opened again, since then.
    async fn opened(&self, stage: &Stage<'_>) -> Result<Vec<Value>> {
        let is_new = |one: &Value| openings(one) > self.openings.get(id(one)).copied().unwrap_or_default();
        Ok(stage.incidents().await?.into_iter().filter(is_new).collect())
    }

    /// How many openings there were since then.
    async fn count(&self, stage: &Stage<'_>) -> Result<u64> {
        let opened = self.opened(stage).await?;
        Ok(opened
            .iter()
            .map(|one| openings(one) - self.openings.get(id(one)).copied().unwrap_or_default())
            .sum())
    }

    /// Waits for the first incident since then, and notes when it was detected.
    async fn detected(&self, stage: &Stage<'_>, played: &mut Played) -> Result<String> {
        let first =
            until("an incident", PATIENCE, || async { Ok(self.opened(stage).await?.into_iter().next()) });
        let id = id(&first.await?).to_owned();
        let incident = stage.incident(&id).await?;
        if let Some(at) = opened_at(&incident, self.at) {
            played.seen.push((Aspect::Detected, Seen::After(at.since(self.at))));
        }
        Ok(id)
    }

    /// Waits for the message, and a moment longer for one too many.
    async fn notified(&self, stage: &Stage<'_>, played: &mut Played) -> Result<()> {
        let came = || async { Ok((stage.pages() > self.pages).then_some(())) };
        // None at all is seen as such.
        let _ = until("a message", PATIENCE, came).await;
        tokio::time::sleep(ONE_TOO_MANY).await;
        played.count(Aspect::Notified, (stage.pages() - self.pages) as u64);
        Ok(())
    }

    /// Waits until the incident is closed, and holds against each other what the vault hands out and what the server
    /// takes.
    async fn healed(
        &self,
        stage: &Stage<'_>,
        members: &[Member],
        (id, was_open): (&str, Option<bool>),
        played: &mut Played,
    ) -> Result<()> {
        let closed = until("the end of the incident", PATIENCE, || async {
            Ok(Some(stage.incident(id).await?).filter(is_closed))
        });
        let incident = closed.await?;
        let has_t7 = incident.pointer("/marks/t7").is_some_and(Value::is_string);
        played.incident = incident;
        let words = match (was_open, has_t7) {
            (Some(true), true) => CLOSED_AFTER_PROOF,
            (None, true) => CLOSED_BY_ITSELF,
            (Some(false), _) => "closed before it was mended",
            (_, false) => "closed without t7",
        };
        played.words(Aspect::Closed, words);
        let after = stage.credentials(members).await?;
        let (new, old) = (stage.let_in(&after).await?, stage.let_in(&self.credentials).await?);
        played.words(Aspect::Intact, expected::logins(members.len(), new, self.credentials.len() - old));
        Ok(())
    }
}

fn id(incident: &Value) -> &str {
    incident.get("id").and_then(Value::as_str).unwrap_or_default()
}

fn is_closed(incident: &Value) -> bool {
    incident.get("state").is_some_and(|state| state == "closed")
}

fn class(incident: &Value) -> &str {
    incident.get("class").and_then(Value::as_str).unwrap_or_default()
}

fn is_of_target(incident: &Value) -> bool {
    incident.get("kind").is_some_and(|kind| kind == "target")
}

/// How often it was opened.
fn openings(incident: &Value) -> u64 {
    1 + incident.get("reopened").and_then(Value::as_u64).unwrap_or_default()
}

/// When it was opened, or opened again, after this moment.
fn opened_at(incident: &Value, after: Timestamp) -> Option<Timestamp> {
    let lines = incident.get("events").and_then(Value::as_array)?.iter();
    let openings = lines.filter(|line| {
        line.get("kind").and_then(Value::as_str).is_some_and(|kind| ["opened", "reopened"].contains(&kind))
    });
    openings.filter_map(|line| Timestamp::parse_rfc3339(line.get("at")?.as_str()?)).find(|at| *at >= after)
}

/// The one account of this place that a fault is played on; each fault has one of its own.
fn member(stage: &Stage<'_>, place: usize) -> Result<Member> {
    stage.accounts.get(place).cloned().context("too few accounts")
}

/// How long the drill waits for what must come: with room for a circuit breaker's longest pause on a busy machine.
const PATIENCE: Duration = Duration::from_secs(420);
const ONE_TOO_MANY: Duration = Duration::from_millis(1500);
