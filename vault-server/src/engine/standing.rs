//! Counts how accounts, their leases and the open incidents stand, for the metrics.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use vault_core::account::standing::{AgeCounts, Standing};
use vault_core::account::{Account, Health, Readable, Subject};
use vault_core::clock::Timestamp;
use vault_core::id::IncidentId;
use vault_core::incident::{Incident, IncidentState};
use vault_core::lease::LeaseState;
use vault_core::path::Name;
use vault_core::rotation::heartbeat;
use vault_core::schedule::RotationPolicy;
use vault_core::store::key::Table;
use vault_core::target::pace::Heartbeats;

use super::Engine;
use super::drive::Chain;
use super::heartbeat::ARMED_MAX;
use super::meter::rotation::PLUGIN;
pub use super::meter::standing::Leases;
use super::meter::standing::{OpenIncidents, Standings};
use crate::barrier::LoadError;

/// What was counted last, in the walks that are made for the metrics once a minute.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Ages of credentials and leases of accounts.
    pub accounts: Option<Count<(AgeCounts, Leases)>>,
    /// Dynamic leases.
    pub dynamic: Option<Count<Leases>>,
}

/// A count.
#[derive(Clone, Copy, Debug)]
pub struct Count<T> {
    /// In which unsealing.
    closings: u64,
    /// When the walk began.
    pub at: Timestamp,
    /// What there was.
    pub of: T,
}

/// What accounts have in common, read once in a walk.
#[derive(Default)]
struct Known {
    kinds: BTreeMap<Name, &'static str>,
    policies: BTreeMap<Name, Option<RotationPolicy>>,
    heartbeats: BTreeMap<Name, Option<Heartbeats>>,
    /// Accounts that have another heartbeat than their settings ask for.
    unarmed: Vec<Subject>,
    late: i64,
}

impl Engine {
    /// Counts until the server stops: incidents often, for their age is what pages; accounts once a minute.
    pub(crate) async fn count_standing_until_stop(self) {
        let (mut rounds, mut minutes) = (0_u32, 0_u32);
        loop {
            if rounds == 0 {
                self.board().minute();
            }
            let counted = match self.count_incidents() {
                Ok(()) if rounds == 0 => self.count_accounts().await,
                other => other,
            };
            let counted = match counted {
                Ok(()) if rounds == 0 && minutes.is_multiple_of(UNREVIEWED_MINUTES) => {
                    self.count_unreviewed().await
                }
                other => other,
            };
            let pause = match counted {
                Ok(()) => {
                    rounds = (rounds + 1) % ROUNDS;
                    minutes = minutes.wrapping_add(u32::from(rounds == 0));
                    COUNT_EVERY
                }
                // Soon after the unsealing there is something to show.
                Err(LoadError::Sealed) => {
                    (rounds, minutes) = (0, 0);
                    LOOK_AGAIN
                }
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "metrics were not counted");
                    COUNT_EVERY
                }
            };
            tokio::select! {
                () = self.inner.shutdown.begun() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Counts open incidents by class, and finds the oldest of each severity.
    ///
    /// # Errors
    /// [`LoadError`] by cause; what was shown before stays.
    pub fn count_incidents(&self) -> Result<(), LoadError> {
        let (now, mut open) = (self.now(), OpenIncidents::default());
        let mut after: Option<Vec<u8>> = None;
        loop {
            let names = self.inner.barrier.names(Table::OpenIncident, &[], after.as_deref(), PAGE)?;
            let Some(last) = names.last() else { break };
            after = Some(last.clone());
            for name in &names {
                let Ok(id) = <[u8; 16]>::try_from(name.as_slice()) else { continue };
                // One that cannot be read must not hide the others; it may have been closed meanwhile, too.
                let Ok(Some(incident)) =
                    self.inner.barrier.load::<Incident>(*IncidentId::from_stored(id).as_bytes())
                else {
                    continue;
                };
                let incident = incident.value;
                // One that is merged into another is counted with that; as old and as bad as it is, it is all the same.
                if incident.merged.into.is_none() {
                    *open.of.entry((incident.class, incident.severity())).or_default() += 1;
                }
                let age = incident.marks.t3.map_or(0, |opened| seconds(now.since(opened)));
                let oldest = open.oldest.entry(incident.severity()).or_default();
                *oldest = age.max(*oldest);
            }
        }
        self.inner.meter.standing.incidents(&open);
        self.count_circuits()
    }

    /// Finds the incident that has waited longest for its review since it was repaired.
    ///
    /// # Errors
    /// [`LoadError`] by cause; what was shown before stays.
    pub async fn count_unreviewed(&self) -> Result<(), LoadError> {
        let (now, mut oldest, mut after) = (self.now(), 0, None::<Vec<u8>>);
        loop {
            let page = self.inner.barrier.list_each::<Incident>(b"", after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            // One that is merged into another is reviewed with that; one that cannot be read must not hide the others.
            let waits = |incident: &Incident| {
                let is_closed = incident.state == IncidentState::Closed && incident.merged.into.is_none();
                incident.marks.t7.filter(|_| is_closed && incident.marks.t8.is_none())
            };
            let waiting = page.iter().filter_map(|(_, incident)| waits(&incident.as_ref().ok()?.value));
            oldest = waiting.map(|repaired| seconds(now.since(repaired))).fold(oldest, i64::max);
            tokio::task::yield_now().await;
        }
        self.inner.meter.standing.unreviewed(oldest);
        Ok(())
    }

    /// Counts how accounts and their leases stand.
    ///
    /// # Errors
    /// [`LoadError`] by cause; what was shown before stays.
    pub async fn count_accounts(&self) -> Result<(), LoadError> {
        let (now, mut counted, mut known) = (self.now(), Standings::default(), Known::default());
        let closings = self.inner.barrier.closings();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.inner.barrier.list_each::<Account>(b"", after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (_, account) in page {
                // One that is damaged must not hide how all others stand.
                if let Ok(account) = account {
                    self.count_account(&account.value, now, &mut known, &mut counted);
                }
            }
            tokio::task::yield_now().await;
        }
        for (target, unacked) in self.inner.consumers.tally().targets {
            let of = counted.accounts.entry(self.kind_of(&target)).or_default();
            of.unacked += whole(unacked.count);
            of.version_lag = of.version_lag.max(whole(unacked.versions));
            of.past_half += whole(unacked.past_half);
        }
        let count = (counted.age_counts, counted.leases);
        self.counted_mut().accounts = Some(Count { closings, at: now, of: count });
        self.inner.meter.standing.accounts(self.inner.rotators.kinds(), counted);
        self.inner.meter.circuits.counted_late(known.late);
        self.arm_heartbeats(known.unarmed).await;
        Ok(())
    }

    fn count_account(&self, account: &Account, now: Timestamp, known: &mut Known, counted: &mut Standings) {
        let policy = self.policy_of(account, &mut known.policies);
        let standing = Standing::of(account, policy.as_ref(), now);
        self.count_heartbeat(account, now, known);
        let kind =
            *known.kinds.entry(account.target.clone()).or_insert_with(|| self.kind_of(&account.target));
        let late = standing.overdue.filter(|late| *late >= A_MINUTE).map(seconds);
        let of = counted.accounts.entry(kind).or_default();
        of.overdue += i64::from(late.is_some());
        of.overdue_max = of.overdue_max.max(late.unwrap_or(0));
        of.parked += i64::from(standing.is_parked);
        of.unverified += i64::from(matches!(account.readable(), Readable::Doubtful(_)));
        counted.out_of_sync += i64::from(matches!(account.health, Health::Refused(_)));
        if let Some(lease) = &account.lending.holder {
            let is_active = lease.state == LeaseState::Active;
            let ending = lease.closing.filter(|_| lease.state == LeaseState::Revoking);
            counted.leases.add(is_active.then_some(lease.expires_at), ending, now);
        }
        counted.age_counts.add(&standing);
        counted.ages.extend(
            standing
                .ratio()
                .map(|ratio| u32::try_from(ratio).unwrap_or(u32::MAX))
                .map(|ratio| f64::from(ratio) / 1e6),
        );
    }

    /// What was counted last in this unsealing; nothing before the first count.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let (closings, counted) = (self.inner.barrier.closings(), self.counted_mut().clone());
        Counted {
            accounts: counted.accounts.filter(|count| count.closings == closings),
            dynamic: counted.dynamic.filter(|count| count.closings == closings),
        }
    }

    /// Notes how dynamic leases stood at `at`.
    pub(super) fn counted_dynamic(&self, closings: u64, at: Timestamp, leases: Leases) {
        self.counted_mut().dynamic = Some(Count { closings, at, of: leases });
        self.inner.meter.standing.leases("dynamic", leases);
    }

    fn counted_mut(&self) -> MutexGuard<'_, Counted> {
        self.inner.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_heartbeat(&self, account: &Account, now: Timestamp, known: &mut Known) {
        let of_target = || self.target(&account.target).ok().flatten().map(|target| target.value.heartbeats);
        let Some(target) = *known.heartbeats.entry(account.target.clone()).or_insert_with(of_target) else {
            return;
        };
        let every = self.heartbeat_of(account, target);
        if known.unarmed.len() < ARMED_MAX && !heartbeat::fits(account, every.unwrap_or_default(), now) {
            known.unarmed.push(account.subject.clone());
        }
        let seen = match account.health {
            Health::Verified(at) => at,
            Health::Unknown | Health::Refused(_) => account.created_at,
        };
        let is_late = every.is_some_and(|every| now.since(seen) > every.saturating_mul(2));
        known.late += i64::from(is_late && account.versions.current.is_some());
    }

    /// The rotation policy of an account; `known` are those that were read already. Of one that cannot be read nothing is
    /// measured: the account's own status says what is wrong with it.
    pub(crate) fn policy_of(
        &self,
        account: &Account,
        known: &mut BTreeMap<Name, Option<RotationPolicy>>,
    ) -> Option<RotationPolicy> {
        let own = || self.rotation_policy(account).ok().flatten();
        match (&account.settings.own_rotation, &account.settings.rotation_policy) {
            (None, Some(name)) => known.entry(name.clone()).or_insert_with(own).clone(),
            _ => own(),
        }
    }

    /// The kind of rotator that serves a target, as a label.
    pub(super) fn kind_of(&self, target: &Name) -> &'static str {
        let target = self.target(target).ok().flatten();
        target
            .and_then(|target| self.inner.rotators.find(&target.value.rotator))
            .map_or(PLUGIN, |rotator| rotator.kind())
    }
}

impl Leases {
    /// Counts a lease that lasts until `expires_at`, or has been ending since `ending`.
    pub(super) fn add(&mut self, expires_at: Option<Timestamp>, ending: Option<Timestamp>, now: Timestamp) {
        let past = |at: Timestamp| now.since(at) >= A_MINUTE;
        self.active += i64::from(expires_at.is_some());
        self.overdue += i64::from(expires_at.is_some_and(past));
        self.stuck += i64::from(ending.is_some_and(past));
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

/// What takes less is on its way.
const A_MINUTE: Duration = Duration::from_secs(60);
/// So many minutes for each look for what waits for its review: that reads every incident there was.
const UNREVIEWED_MINUTES: u32 = 10;
/// How often incidents are counted.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// How long to wait while the vault is sealed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After how many of those accounts are counted, too.
const ROUNDS: u32 = 4;
/// Records read at a time.
const PAGE: usize = 500;
