//! What is shown of an account: states, never secrets.

use std::collections::BTreeMap;

use vault_api::account::{
    AccountEvent, AccountHistory, AccountStatus, CredentialAge, Holder, LoginsCounted, Waiter,
};
use vault_api::incident::FailureFacts;
use vault_api::rehearsal::LastRehearsal;
use vault_api::silence::Silenced;
use vault_core::account::plan::HistoryEntry;
use vault_core::account::standing::Standing;
use vault_core::account::{Account, Health, Subject};
use vault_core::clock::Timestamp;
use vault_core::incident::group::Member;
use vault_core::incident::{Incident, Kind};
use vault_core::lease::LeaseState;
use vault_core::lease::line::WAITER_KEPT;
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::run::Stage;
use vault_core::schedule::RotationPolicy;
use vault_core::silence::{Silence, covers};
use vault_core::target::Target;
use vault_core::team::{Team, Whose};

use super::{AccountError, AccountService, PAGE};
use crate::barrier::{LoadError, Loaded};
use crate::engine::board::{Find, Found, held_until, state};
use crate::engine::group::member_name;
use crate::engine::record::history_prefix;
use crate::engine::silence::silences;
use crate::engine::team;
use crate::service::rehearsal::summary;
use crate::service::silence::silenced;

impl AccountService {
    /// How an account stands.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub fn status(&self, path: &AccountPath) -> Result<AccountStatus, AccountError> {
        let subject = Subject::Account(path.clone());
        let Some(loaded) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
        Ok(self.view(&loaded.value)?)
    }

    /// How an account or management credential stands.
    pub(in crate::service) fn view(&self, account: &Account) -> Result<AccountStatus, LoadError> {
        let barrier = self.engine.barrier();
        let team = team::of_account(barrier, account)?;
        self.view_under(account, team, &silences(barrier)?, &mut BTreeMap::new())
    }

    /// The same, where all silences are at hand, whose it is, and the rotation policies that were met already.
    fn view_under(
        &self,
        account: &Account,
        team: Option<Team>,
        silences: &[Loaded<Silence>],
        policies: &mut BTreeMap<Name, Option<RotationPolicy>>,
    ) -> Result<AccountStatus, LoadError> {
        let number = |version: Option<vault_core::account::Version>| version.map(|version| version.number);
        let settings = &account.settings;
        Ok(AccountStatus {
            target: account.target.to_string(),
            username: account.username.clone(),
            alternate_username: settings.alternate_username.clone(),
            username_in_use: settings
                .alternate_username
                .as_ref()
                .and(account.versions.current)
                .map(|current| account.username_of(current).to_owned()),
            state: state(account),
            version: number(account.versions.current).unwrap_or(0),
            pending_version: number(account.versions.pending),
            last_rotation: account.last_rotation.map(|at| at.to_rfc3339()),
            next_rotation: account.next_rotation.map(|at| at.to_rfc3339()),
            last_verified: match account.health {
                Health::Verified(at) => Some(at.to_rfc3339()),
                Health::Unknown | Health::Refused(_) => None,
            },
            next_heartbeat: account.beat.next.map(|at| at.to_rfc3339()),
            held_until: held_until(account, self.engine.now()).map(Timestamp::to_rfc3339),
            lockout: self.logins_counted(account)?,
            silenced: self.silenced(account, silences),
            failure: self.failure(account)?,
            holder: account.lending.holder.as_ref().map(|lease| Holder {
                principal: lease.borrower.name.clone(),
                lease_id: Some(lease.id.clone()),
                since: Some(lease.issued_at.to_rfc3339()),
                expires_at: Some(lease.expires_at.to_rfc3339()),
                reason: lease.reason.clone(),
                ticket: lease.ticket.clone(),
                state: lease_word(lease.state).to_owned(),
                // Known where the caller is.
                own: false,
            }),
            line: account
                .lending
                .line
                .iter()
                .filter(|waiter| self.engine.now().since(waiter.asked_at) < WAITER_KEPT)
                .map(|waiter| Waiter {
                    principal: waiter.name.clone(),
                    since: Some(waiter.since.to_rfc3339()),
                })
                .collect(),
            consumers: None,
            pool: None,
            rehearsal: self.rehearsed(&account.subject)?,
            rotation_policy: settings.rotation_policy.as_ref().map(ToString::to_string),
            password_policy: settings.password_policy.as_ref().map(ToString::to_string),
            max_ttl: settings.max_ttl.map(|ttl| ttl.as_secs()),
            age: self.aged(account, policies),
            team: team.map(String::from),
        })
    }

    fn aged(
        &self,
        account: &Account,
        policies: &mut BTreeMap<Name, Option<RotationPolicy>>,
    ) -> Option<CredentialAge> {
        let policy = self.engine.policy_of(account, policies);
        let standing = Standing::of(account, policy.as_ref(), self.engine.now());
        Some(CredentialAge {
            seconds: standing.age?.as_secs(),
            period_seconds: standing.period.map(|period| period.as_secs()),
            percent: standing.ratio().map(|millionths| millionths / 10_000),
        })
    }

    /// Of two names the one for which more count.
    fn logins_counted(&self, account: &Account) -> Result<Option<LoginsCounted>, LoadError> {
        let names = [Some(&account.username), account.settings.alternate_username.as_ref()];
        let mut worst: Option<LoginsCounted> = None;
        for username in names.into_iter().flatten() {
            let Some(counted) = self.engine.counted_logins(&account.target, username)? else { continue };
            let refused = u64::from(counted.all.refused);
            if worst.as_ref().is_none_or(|worst| worst.refused < refused) {
                worst = Some(LoginsCounted {
                    username: username.clone(),
                    refused,
                    threshold: u64::from(counted.all.lockout.threshold),
                    until: Some(counted.all.until.to_rfc3339()),
                    held_until: counted.held_until.map(Timestamp::to_rfc3339),
                });
            }
        }
        Ok(worst)
    }

    fn silenced(&self, account: &Account, silences: &[Loaded<Silence>]) -> Option<Silenced> {
        let (subject, now) = (account.subject.key(), self.engine.now());
        let all = silences.iter().map(|silence| &silence.value);
        covers(all, &subject, account.target.as_str(), now).map(silenced)
    }

    /// A record that cannot be read must not hide how the account stands; the log tells of it.
    fn rehearsed(&self, subject: &Subject) -> Result<Option<LastRehearsal>, LoadError> {
        match self.engine.rehearsal(subject) {
            Ok(rehearsal) => Ok(rehearsal.and_then(|rehearsal| rehearsal.last).as_ref().map(summary)),
            Err(LoadError::Sealed) => Err(LoadError::Sealed),
            Err(error) => {
                tracing::error!(%subject, %error, "the record of a rehearsal cannot be read");
                Ok(None)
            }
        }
    }

    fn failure(&self, account: &Account) -> Result<FailureFacts, LoadError> {
        let incident = match account.incident {
            Some(id) => self.engine.barrier().load::<Incident>(*id.as_bytes())?.map(|loaded| loaded.value),
            None => None,
        };
        // Of its target's incident, what the account itself has to do with it.
        let member = incident.as_ref().filter(|incident| incident.kind == Kind::Target);
        let member = member.map(|group| member_name(group.id, &account.subject.key()));
        let member = match member {
            Some(name) => self.engine.barrier().load::<Member>(name)?.map(|loaded| loaded.value),
            None => None,
        };
        let told = member
            .map(|member| (member.class, member.detail))
            .or_else(|| incident.map(|incident| (incident.class, incident.detail)));
        let fault = account.stage.run().and_then(|run| run.fault.as_ref());
        let told = told.or_else(|| fault.map(|fault| (fault.class, fault.detail.clone())));
        let waiting = match &account.stage {
            // One of those that wait is let through then; all others follow as soon as the target answers.
            _ if account.waits => {
                self.engine.circuit(&account.target).shut_until().map(|until| until.to_rfc3339())
            }
            Stage::Waiting { at, .. } => Some(account.held().map_or(*at, |held| held.max(*at)).to_rfc3339()),
            _ => None,
        };
        Ok(FailureFacts {
            class: told.as_ref().map(|(class, _)| class.to_string()),
            detail: told.map(|(_, detail)| detail),
            incident: account.incident.map(|id| id.to_string()),
            attempts: account.stage.run().map(|run| u64::from(run.attempts)),
            next_attempt: waiting,
        })
    }

    /// What happened to an account, oldest first.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub fn history(&self, path: &AccountPath) -> Result<AccountHistory, AccountError> {
        let subject = Subject::Account(path.clone());
        if self.engine.account(&subject)?.is_none() {
            return Err(AccountError::NotFound);
        }
        let prefix = history_prefix(&subject);
        let mut events = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.engine.barrier().list::<HistoryEntry>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            events.extend(page.into_iter().map(|(_, entry)| event(entry.value)));
            if !full {
                return Ok(AccountHistory { events });
            }
        }
    }

    /// The accounts below `prefix`, as Vault lists: names at this level, folders with a slash.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(&self, prefix: &str) -> Result<Vec<String>, LoadError> {
        let mut base = format!("a/{prefix}");
        if !prefix.is_empty() && !base.ends_with('/') {
            base.push('/');
        }
        let mut keys: Vec<String> = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let names = self.engine.barrier().names(
                vault_core::store::key::Table::Account,
                base.as_bytes(),
                after.as_deref(),
                PAGE,
            )?;
            let full = names.len() == PAGE;
            after = names.last().cloned();
            for name in names {
                let Some(rest) = std::str::from_utf8(&name).ok().and_then(|name| name.strip_prefix(&base))
                else {
                    continue;
                };
                let key = match rest.split_once('/') {
                    Some((folder, _)) => format!("{folder}/"),
                    None => rest.to_owned(),
                };
                if keys.last() != Some(&key) {
                    keys.push(key);
                }
            }
            if !full {
                keys.dedup();
                return Ok(keys);
            }
        }
    }

    /// The accounts of `whose` that fit and of which `may`, if it is given, says that they may be told of, by path, with their status: `limit` of
    /// them, after so many. Reads from disk, so not for a thread that answers requests.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn statuses(
        &self,
        find: Find,
        whose: Whose,
        may: Option<&dyn Fn(&Subject) -> bool>,
        (skip, limit): (usize, usize),
    ) -> Result<Found<(String, AccountStatus)>, LoadError> {
        let silences = silences(self.engine.barrier())?;
        let find = if whose == Whose::Any { find } else { find.of(whose, self.teams()?) };
        let found = self.engine.board().find(&find, may, self.engine.now(), skip, limit)?;
        let mut of_targets: BTreeMap<Name, Option<Team>> = BTreeMap::new();
        let (mut part, mut policies) = (Vec::with_capacity(found.part.len()), BTreeMap::new());
        for subject in found.part {
            // It may have been removed since.
            let Some(account) = self.engine.account(&subject)? else { continue };
            let account = account.value;
            // Many live on one target, which is read once.
            let team = match (&account.settings.team, of_targets.get(&account.target)) {
                (Some(own), _) => Some(own.clone()),
                (None, Some(known)) => known.clone(),
                (None, None) => {
                    let team = team::of_account(self.engine.barrier(), &account)?;
                    of_targets.entry(account.target.clone()).or_insert(team).clone()
                }
            };
            part.push((subject.to_string(), self.view_under(&account, team, &silences, &mut policies)?));
        }
        Ok(Found { part, total: found.total })
    }

    /// The teams of those targets that have one. A target that cannot be read has none.
    fn teams(&self) -> Result<BTreeMap<Name, Team>, LoadError> {
        let (mut teams, mut after) = (BTreeMap::new(), None::<Vec<u8>>);
        loop {
            let page = self.engine.barrier().list_each::<Target>(&[], after.as_deref(), PAGE)?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|(name, _)| name.clone());
            let targets = page.into_iter().filter_map(|(_, loaded)| loaded.ok());
            teams.extend(targets.filter_map(|target| Some((target.value.name, target.value.team?))));
            if is_last {
                return Ok(teams);
            }
        }
    }
}

/// A lease's state as it stands in answers.
pub(in crate::service) fn lease_word(state: LeaseState) -> &'static str {
    match state {
        LeaseState::Active => "active",
        LeaseState::Revoking => "revoking",
        LeaseState::Closed => "closed",
    }
}

fn event(entry: HistoryEntry) -> AccountEvent {
    let kind = serde_json::to_value(entry.kind).unwrap_or_default();
    AccountEvent {
        at: entry.at.to_rfc3339(),
        kind: kind.as_str().unwrap_or_default().to_owned(),
        version: entry.version,
        class: entry.class.map(|class| class.to_string()),
        detail: entry.detail,
        principal: entry.principal,
        rotation_id: entry.rotation.map(|id| id.to_string()),
    }
}
