//! The whole drill: what runs, in which order, and what is taken away afterwards.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::expected;
use crate::fault::{Fault, Kind};
use crate::judge::{Aspect, Seen, Want, judge};
use crate::play::{self, Played};
use crate::receiver::Receiver;
use crate::stage::{POLICY, Stage};
use crate::table::{Part, Report};
use crate::vault::Vault;

/// What to play.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `rotunda` program, which is started as the drill's vault and typed at.
    pub program: PathBuf,
    /// The faults, each once on each server.
    pub faults: Vec<Fault>,
    /// The servers.
    pub kinds: Vec<Kind>,
    /// How many accounts there are on all servers together; at least [`ACCOUNTS_MIN`] on each.
    pub accounts: usize,
    /// Whether the folders stay on the disk.
    pub keep: bool,
}

/// Why nothing was played: what is asked for cannot be had here.
#[derive(Debug)]
pub struct Unplayable(pub String);

impl Plan {
    /// Whether this can be played on this machine.
    ///
    /// # Errors
    /// [`Unplayable`] with a sentence that says what to install or to ask for.
    pub fn check(&self) -> std::result::Result<(), Unplayable> {
        let missing: Vec<Kind> = self.kinds.iter().copied().filter(|kind| !kind.is_installed()).collect();
        if !missing.is_empty() {
            let all = |part: fn((&'static str, &'static str)) -> &'static str| {
                missing.iter().map(|kind| part(kind.needs())).collect::<Vec<_>>()
            };
            let (programs, packages) = (all(|needs| needs.0).join(", "), all(|needs| needs.1).join(" "));
            let mut sentence = format!("missing: {programs}; on Debian: apt-get install {packages}");
            if let Some(there) = self.kinds.iter().find(|kind| kind.is_installed()) {
                sentence
                    .push_str(&format!("; or play on what is there: rotunda drill --only {}", there.word()));
            }
            return Err(Unplayable(sentence));
        }
        let least = ACCOUNTS_MIN * self.kinds.len();
        if self.accounts < least {
            return Err(Unplayable(format!(
                "--accounts must be at least {least}: {ACCOUNTS_MIN} on each server"
            )));
        }
        Ok(())
    }
}

/// Plays it. `progress` is told what happens, a line at a time.
///
/// # Errors
/// When a server or the vault does not come up. What goes wrong later is in the report.
pub async fn run(plan: &Plan, progress: &(dyn Fn(&str) + Sync)) -> Result<Report> {
    let began = Instant::now();
    progress("starting a vault of its own");
    let mut vault = Vault::start(plan.program.clone()).await?;
    let receiver = Receiver::start().await?;
    prepare(&vault, &receiver).await?;
    let mut report = Report { accounts: plan.accounts, ..Report::default() };
    let mut kept = Vec::new();
    let share = plan.accounts / plan.kinds.len().max(1);
    let mut acts = Vec::new();
    for (place, kind) in plan.kinds.iter().enumerate() {
        let more = usize::from(place < plan.accounts % plan.kinds.len().max(1));
        progress(&format!("starting {}, with {} accounts", kind.word(), share + more));
        acts.push(Stage::set(*kind, &vault, &receiver, share + more).await?);
    }
    // Both at once: they have nothing in common but the vault.
    let mut acts = acts.into_iter().map(|stage| act(stage, plan, progress));
    let (first, second) = tokio::join!(option(acts.next()), option(acts.next()));
    for (parts, stage) in [first, second].into_iter().flatten() {
        report.parts.extend(parts);
        if plan.keep {
            kept.push(stage.keep()?);
        }
    }
    progress("looking at the vault itself");
    report.parts.push(of_the_vault(&vault, &receiver).await);
    vault.stop()?;
    if plan.keep {
        kept.push(vault.keep()?);
    }
    report.kept = kept.into_iter().map(|folder| folder.display().to_string()).collect();
    report.seconds = began.elapsed().as_secs();
    Ok(report)
}

async fn option<T>(work: Option<impl Future<Output = T>>) -> Option<T> {
    match work {
        Some(work) => Some(work.await),
        None => None,
    }
}

/// A rotation policy with short pauses, and a webhook that tells the drill of incidents.
async fn prepare(vault: &Vault, receiver: &Receiver) -> Result<()> {
    let policy = json!({ "rotation_period": "24h", "retries": 3, "retry_base": "2s", "retry_cap": "5s" });
    vault.wrote(&format!("rotation-policies/{POLICY}"), policy).await?;
    let webhook = json!({ "url": receiver.url(), "events": "incident.opened,incident.closed" });
    let made = vault.wrote("sys/webhooks/drill", webhook).await?;
    receiver.trust(made.get("secret").and_then(Value::as_str).unwrap_or_default())
}

/// Plays all faults on one server.
async fn act<'a>(
    mut stage: Stage<'a>,
    plan: &Plan,
    progress: &(dyn Fn(&str) + Sync),
) -> (Vec<Part>, Stage<'a>) {
    let (kind, mut parts) = (stage.kind, Vec::new());
    for fault in Fault::ALL.into_iter().filter(|fault| plan.faults.contains(fault)) {
        progress(&format!("{}: {}", kind.word(), fault.title()));
        let played = play::play(&mut stage, fault).await;
        let expected = expected::of(fault, kind, stage.accounts.len());
        let part = part((fault.word(), fault.title(), kind.word()), &expected, played);
        progress(&format!("{}: {}: {}", kind.word(), fault.title(), part.verdict()));
        parts.push(part);
    }
    let played = play::at_the_end(&stage).await;
    let expected = expected::at_the_end(stage.accounts.len());
    parts.push(part(("end", "all accounts when everything is over", kind.word()), &expected, played));
    (parts, stage)
}

fn part(
    (word, title, place): (&'static str, &'static str, &'static str),
    expected: &[(Aspect, Want)],
    played: Played,
) -> Part {
    let rows = if played.left_out.is_some() { Vec::new() } else { judge(expected, &played.seen) };
    let marks = played.incident.get("marks").cloned().unwrap_or_default();
    Part { word, title, place, rows, left_out: played.left_out, marks }
}

/// What is seen of the vault itself when everything is over.
async fn of_the_vault(vault: &Vault, receiver: &Receiver) -> Part {
    let mut played = Played::default();
    let outcome: Result<()> = async {
        played.seen.push((Aspect::Notified, Seen::Count(receiver.forged())));
        let file = vault.audit_file().display().to_string();
        let audit = vault.typed(&["audit", "verify", &file, "--allow-open-tail"], "").await?;
        let words = if audit.code == 0 { "audit trail intact".to_owned() } else { audit.output };
        played.seen.push((Aspect::Acted, Seen::Words(words)));
        let store = vault.typed(&["operator", "verify"], "").await?;
        ensure!(store.code == 0, "operator verify: {}", store.errors);
        let is_whole = store.output.lines().any(|line| line.starts_with("store") && line.ends_with("whole"));
        let words = if is_whole { "store whole".to_owned() } else { store.output };
        played.seen.push((Aspect::Closed, Seen::Words(words)));
        Ok(())
    }
    .await;
    let ending =
        outcome.map_or_else(|error| format!("broke off: {error:#}"), |()| expected::TO_THE_END.to_owned());
    played.seen.push((Aspect::Played, Seen::Words(ending)));
    part(("end", "the vault when everything is over", "vault"), &expected::of_the_vault(), played)
}

/// Each fault of an account has an account of its own.
pub const ACCOUNTS_MIN: usize = 4;
/// More would take hours.
pub const ACCOUNTS_MAX: usize = 2000;
