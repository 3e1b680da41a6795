//! Mounts, moves and tunes. Each is committed before it is seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vault_core::clock::Timestamp;
use vault_core::id::{MigrationId, MountId};
use vault_core::kv::MountSettings;
use vault_core::mount::{Kind, Mount, MountPath, MountTable, TableError, Tuning};
use vault_core::store::batch::Require;

use super::{MIGRATIONS_KEPT, Migration, MountError, MountService, NewMount};
use crate::barrier::Transaction;

/// What a tune changes; `None` leaves things as they are.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// For people.
    pub description: Option<String>,
    /// `Some(None)` for the vault's own.
    pub default_ttl: Option<Option<Duration>>,
    /// `Some(None)` for the vault's own.
    pub max_ttl: Option<Option<Duration>>,
    /// `unauth`, `hidden` or empty.
    pub listing_visibility: Option<String>,
    /// What kind of tokens logins give.
    pub token_type: Option<String>,
    /// Kept and shown.
    pub force_no_cache: Option<bool>,
    /// Settings of the engine that are set or replaced.
    pub options: BTreeMap<String, String>,
}

impl MountService {
    /// Mounts an engine. `longest` is what `max_ttl` is where it is not set.
    ///
    /// # Errors
    /// [`MountError`] by cause; nothing was mounted.
    pub async fn enable(
        &self,
        new: NewMount,
        longest: Duration,
        now: Timestamp,
    ) -> Result<Arc<Mount>, MountError> {
        let _changing = self.inner.changing.lock().await;
        check_options(new.kind, &new.options)?;
        check_ttls(&new.tuning, longest)?;
        let id = self.new_id(now);
        let mount = Arc::new(Mount {
            id,
            path: new.path,
            kind: new.kind,
            accessor: Mount::accessor_of(new.kind, id),
            description: new.description,
            options: new.options,
            tuning: new.tuning,
            local: new.local,
            seal_wrap: new.seal_wrap,
            kv: MountSettings::default(),
            created_at: now,
            ending: false,
        });
        let table = self.table().with(Arc::clone(&mount))?;
        let mut transaction = self.inner.barrier.transaction()?;
        transaction.put(*id.as_bytes(), Require::Absent, &*mount);
        self.commit(transaction, table).await?;
        Ok(mount)
    }

    /// Moves a mount, with everything in it.
    ///
    /// # Errors
    /// [`MountError`] by cause; nothing was moved.
    pub async fn remount(
        &self,
        from: &MountPath,
        to: MountPath,
        now: Timestamp,
    ) -> Result<Migration, MountError> {
        let _changing = self.inner.changing.lock().await;
        let table = self.table();
        let moved = Mount { path: to.clone(), ..(**table.movable(from)?).clone() };
        self.replace(&table, moved).await?;
        let id = MigrationId::generate(now, &*self.inner.entropy);
        let migration = Migration { id, from: from.clone(), to };
        let mut migrations = self.migrations();
        migrations.push_front(migration.clone());
        migrations.truncate(MIGRATIONS_KEPT);
        Ok(migration)
    }

    /// Changes settings. `longest` is what `max_ttl` is where it is not set.
    ///
    /// # Errors
    /// [`MountError`] by cause; nothing was changed.
    pub async fn tune(&self, path: &MountPath, change: Change, longest: Duration) -> Result<(), MountError> {
        let _changing = self.inner.changing.lock().await;
        let table = self.table();
        let mut mount = (**table.movable(path)?).clone();
        check_change(&mount, &change)?;
        let tuning = &mut mount.tuning;
        change.default_ttl.into_iter().for_each(|ttl| tuning.default_ttl = ttl);
        change.max_ttl.into_iter().for_each(|ttl| tuning.max_ttl = ttl);
        change.listing_visibility.into_iter().for_each(|visibility| tuning.listing_visibility = visibility);
        tuning.token_type = change.token_type.or(tuning.token_type.take());
        tuning.force_no_cache = change.force_no_cache.unwrap_or(tuning.force_no_cache);
        check_ttls(tuning, longest)?;
        mount.description = change.description.unwrap_or(mount.description);
        mount.options.extend(change.options);
        self.replace(&table, mount).await
    }

    /// Changes what a KV mount of version 2 keeps. `decide` gets the settings as they are.
    ///
    /// # Errors
    /// [`MountError`] by cause; nothing was changed.
    pub async fn configure_kv(
        &self,
        id: MountId,
        decide: impl FnOnce(&mut MountSettings) + Send,
    ) -> Result<(), MountError> {
        let _changing = self.inner.changing.lock().await;
        let table = self.table();
        let mount = table.with_id(id).ok_or(MountError::Gone)?;
        let mut changed = (**mount).clone();
        decide(&mut changed.kv);
        changed.kv.check()?;
        self.replace(&table, changed).await
    }

    /// Stops a mount from answering. [`Teardown`](super::Teardown) takes away what is in it.
    ///
    /// # Errors
    /// [`MountError`] by cause; nothing was changed.
    pub(super) async fn end(&self, path: &MountPath) -> Result<Arc<Mount>, MountError> {
        let _changing = self.inner.changing.lock().await;
        let (table, mount) = self.table().without(path)?;
        let ending = Mount { ending: true, ..(*mount).clone() };
        let loaded = self.inner.barrier.load::<Mount>(*mount.id.as_bytes())?;
        let loaded = loaded.ok_or_else(|| TableError::Absent(path.clone()))?;
        let mut transaction = self.inner.barrier.transaction()?;
        transaction.put(*mount.id.as_bytes(), loaded.require(), &ending);
        self.commit(transaction, table).await?;
        Ok(mount)
    }

    async fn replace(&self, table: &MountTable, mount: Mount) -> Result<(), MountError> {
        let mount = Arc::new(mount);
        let table = table.replacing(Arc::clone(&mount))?;
        let loaded = self.inner.barrier.load::<Mount>(*mount.id.as_bytes())?;
        let loaded = loaded.ok_or_else(|| TableError::Absent(mount.path.clone()))?;
        let mut transaction = self.inner.barrier.transaction()?;
        transaction.put(*mount.id.as_bytes(), loaded.require(), &*mount);
        self.commit(transaction, table).await
    }

    async fn commit(&self, transaction: Transaction, table: MountTable) -> Result<(), MountError> {
        self.inner.barrier.commit(transaction).await?;
        // A seal that came between has forgotten the table: it is read anew at the next unseal.
        if !self.inner.barrier.is_sealed() {
            self.inner.table.store(Some(Arc::new(table)));
        }
        Ok(())
    }
}

/// A lease that asks for nothing must not live longer than any may.
pub(super) fn check_ttls(tuning: &Tuning, longest: Duration) -> Result<(), MountError> {
    let max = tuning.max_ttl.unwrap_or(longest);
    match tuning.default_ttl {
        Some(default) if default > max => Err(MountError::Option(format!(
            "backend max lease TTL of {} would be less than backend default lease TTL of {}",
            max.as_secs(),
            default.as_secs()
        ))),
        _ => Ok(()),
    }
}

/// Options of an engine are texts; those that it knows must make sense.
fn check_options(kind: Kind, options: &BTreeMap<String, String>) -> Result<(), MountError> {
    match (kind, options.get("version").map(String::as_str)) {
        (Kind::Kv, Some("1" | "2") | None) => Ok(()),
        (Kind::Kv, Some(_)) => Err(MountError::Option("the option 'version' of kv is 1 or 2".to_owned())),
        _ => Ok(()),
    }
}

fn check_change(mount: &Mount, change: &Change) -> Result<(), MountError> {
    check_options(mount.kind, &change.options)?;
    let asked = change.options.get("version").map(String::as_str);
    if mount.kind == Kind::Kv && asked == Some("1") && mount.kv_version() == 2 {
        return Err(MountError::Option("cannot downgrade mount from version 2".to_owned()));
    }
    Ok(())
}
