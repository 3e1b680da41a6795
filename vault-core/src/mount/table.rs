//! All mounts, and which one a path belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Class, Kind, Mount, MountPath, Tuning};
use crate::clock::Timestamp;
use crate::id::MountId;
use crate::kv::MountSettings;

/// The mounts that answer. A change makes a new table; whoever looks at one sees no half of a change.
#[derive(Clone, Debug, Default)]
pub struct MountTable {
    /// By full path. None is below another, so that a path belongs to one mount at most.
    mounts: BTreeMap<String, Arc<Mount>>,
    /// Mounts whose records cannot be read, so that nobody knows where they are.
    unread: BTreeSet<MountId>,
}

/// Why a mount was not added, moved or taken away. The texts are Vault's where clients know them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Something is mounted just there.
    #[error("path is already in use at {}", .0.listed())]
    InUse(MountPath),
    /// Something is mounted above or below.
    #[error("path is already in use at {}", .0.listed())]
    Overlaps(MountPath),
    /// Nothing is mounted there.
    #[error("no mount at {0}")]
    Absent(MountPath),
    /// It is built in, and stays where it is.
    #[error("{0} is built in and cannot be mounted, moved or disabled")]
    BuiltIn(MountPath),
    /// A record cannot be read, and its mount may belong just there.
    #[error(
        "the record of the mount {0} cannot be read, and nobody knows its path: until it is restored from a backup, \
         nothing is mounted anew, and a path that belongs to no other mount may be its"
    )]
    Unread(MountId),
}

impl MountTable {
    /// A table of what is built in. `id_of` gives each its id, always the same for the same path.
    #[must_use]
    pub fn built_in(id_of: impl Fn(&str) -> MountId) -> Self {
        let mount = |kind: &Kind| {
            let path = MountPath::built_in(kind.built_in_path());
            let id = id_of(path.as_str());
            let accessor = accessor(*kind, id);
            let mount = Mount {
                id,
                path,
                kind: *kind,
                accessor,
                description: description(*kind).to_owned(),
                options: BTreeMap::new(),
                tuning: Tuning::default(),
                local: *kind == Kind::Cubbyhole,
                seal_wrap: false,
                kv: MountSettings::default(),
                created_at: Timestamp::EPOCH,
                ending: false,
            };
            (mount.path.as_str().to_owned(), Arc::new(mount))
        };
        let mounts = Kind::ALL.iter().filter(|kind| kind.is_built_in()).map(mount).collect();
        Self { mounts, unread: BTreeSet::new() }
    }

    /// The mount that `path` belongs to, and what is left of the path below it.
    #[must_use]
    pub fn find<'p>(&self, path: &'p str) -> Option<(&Arc<Mount>, &'p str)> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            let (head, rest) = path.split_at_checked(end)?;
            if let Some(mount) = self.mounts.get(head) {
                return Some((mount, rest.strip_prefix('/').unwrap_or(rest)));
            }
        }
        None
    }

    /// The mount just at `path`.
    #[must_use]
    pub fn at(&self, path: &MountPath) -> Option<&Arc<Mount>> {
        self.mounts.get(path.as_str())
    }

    /// The mount with this id.
    #[must_use]
    pub fn with_id(&self, id: MountId) -> Option<&Arc<Mount>> {
        self.mounts.values().find(|mount| mount.id == id)
    }

    /// The mounts of `class`, by path.
    pub fn of(&self, class: Class) -> impl Iterator<Item = &Arc<Mount>> {
        self.mounts.values().filter(move |mount| mount.kind.class() == class)
    }

    /// The mounts whose records cannot be read.
    pub fn unread(&self) -> impl Iterator<Item = MountId> {
        self.unread.iter().copied()
    }

    /// The table with a mount whose record cannot be read: from here on no place is certainly free.
    #[must_use]
    pub fn with_unread(&self, id: MountId) -> Self {
        let mut table = self.clone();
        table.unread.insert(id);
        table
    }

    /// The table with `mount` in it.
    ///
    /// # Errors
    /// [`TableError::InUse`], [`TableError::Overlaps`] or [`TableError::Unread`].
    pub fn with(&self, mount: Arc<Mount>) -> Result<Self, TableError> {
        self.check_free(&mount.path)?;
        Ok(self.clone().holding(mount))
    }

    /// The table with `mount` in place of the one with its id, which may stand elsewhere.
    ///
    /// # Errors
    /// As [`with`](Self::with), the place that is left aside.
    pub fn replacing(&self, mount: Arc<Mount>) -> Result<Self, TableError> {
        let mut rest = self.clone();
        rest.mounts.retain(|_, other| other.id != mount.id);
        let stays = self.at(&mount.path).is_some_and(|other| other.id == mount.id);
        if stays { Ok(rest.holding(mount)) } else { rest.with(mount) }
    }

    fn holding(mut self, mount: Arc<Mount>) -> Self {
        self.mounts.insert(mount.path.as_str().to_owned(), mount);
        self
    }

    /// The table without what is at `path`, and what was there.
    ///
    /// # Errors
    /// [`TableError::Absent`] or [`TableError::BuiltIn`].
    pub fn without(&self, path: &MountPath) -> Result<(Self, Arc<Mount>), TableError> {
        let mount = Arc::clone(self.movable(path)?);
        let mut rest = self.clone();
        rest.mounts.remove(path.as_str());
        Ok((rest, mount))
    }

    /// What is at `path`, when it may be moved or taken away.
    ///
    /// # Errors
    /// [`TableError::Absent`] or [`TableError::BuiltIn`].
    pub fn movable(&self, path: &MountPath) -> Result<&Arc<Mount>, TableError> {
        let mount = self.at(path).ok_or_else(|| TableError::Absent(path.clone()))?;
        if mount.kind.is_built_in() { Err(TableError::BuiltIn(path.clone())) } else { Ok(mount) }
    }

    fn check_free(&self, path: &MountPath) -> Result<(), TableError> {
        if self.at(path).is_some() {
            return Err(TableError::InUse(path.clone()));
        }
        let is_above =
            |above: &str, below: &str| below.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
        let overlap = self.mounts.values().find(|other| {
            is_above(other.path.as_str(), path.as_str()) || is_above(path.as_str(), other.path.as_str())
        });
        if let Some(other) = overlap {
            return Err(TableError::Overlaps(other.path.clone()));
        }
        self.unread().next().map_or(Ok(()), |id| Err(TableError::Unread(id)))
    }
}

/// The public handle of a mount: its kind, and a part of its id that is random.
pub(super) fn accessor(kind: Kind, id: MountId) -> String {
    let hex: String = id.as_bytes().iter().rev().take(4).map(|byte| format!("{byte:02x}")).collect();
    let class = if kind.class() == Class::Auth { "auth_" } else { "" };
    format!("{class}{}_{hex}", kind.as_str())
}

fn description(kind: Kind) -> &'static str {
    match kind {
        Kind::System => "system endpoints used for control, policy and debugging",
        Kind::Cubbyhole => "per-token private secret storage",
        Kind::Token => "token based credentials",
        Kind::Accounts => "accounts on targets, and their credentials",
        Kind::Targets => "systems on which accounts live",
        Kind::Pools => "accounts that are lent from a common stock",
        Kind::RotationPolicies => "when credentials are rotated",
        Kind::PasswordPolicies => "how passwords are made",
        Kind::Campaigns => "the rotation of many accounts",
        Kind::Incidents => "failures, from their first evidence until verified healthy",
        Kind::Reports => "what was measured",
        Kind::Kv | Kind::Database | Kind::Ldap | Kind::Approle | Kind::Userpass => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn mount(class: Class, kind: Kind, path: &str, seed: u64) -> Arc<Mount> {
        let id = MountId::generate(Timestamp::from_secs(1), &SeededEntropy::new(seed));
        Arc::new(Mount {
            id,
            path: MountPath::parse(class, path).unwrap(),
            kind,
            accessor: accessor(kind, id),
            description: String::new(),
            options: BTreeMap::new(),
            tuning: Tuning::default(),
            local: false,
            seal_wrap: false,
            kv: MountSettings::default(),
            created_at: Timestamp::from_secs(1),
            ending: false,
        })
    }

    fn table() -> MountTable {
        let id = MountId::generate(Timestamp::from_secs(1), &SeededEntropy::new(9));
        MountTable::built_in(|_| id)
            .with(mount(Class::Secret, Kind::Kv, "secret", 1))
            .and_then(|table| table.with(mount(Class::Secret, Kind::Kv, "team/kv", 2)))
            .and_then(|table| table.with(mount(Class::Auth, Kind::Approle, "ci", 3)))
            .unwrap()
    }

    #[test]
    fn a_path_belongs_to_one_mount() {
        let table = table();
        for (path, want) in [
            ("secret/data/app", Some(("secret", "data/app"))),
            ("secret", Some(("secret", ""))),
            ("secrets/x", None),
            ("team/kv/x", Some(("team/kv", "x"))),
            ("team/x", None),
            ("auth/ci/login", Some(("auth/ci", "login"))),
            ("auth/token/create", Some(("auth/token", "create"))),
            ("auth/other", None),
            ("sys/health", Some(("sys", "health"))),
            ("", None),
        ] {
            let found = table.find(path).map(|(mount, rest)| (mount.path.as_str(), rest));
            assert_eq!(found, want, "{path}");
        }
    }

    #[test]
    fn no_mount_is_above_or_below_another() {
        let table = table();
        for (path, want) in [
            ("secret", "path is already in use at secret/"),
            ("secret/below", "path is already in use at secret/"),
            ("team", "path is already in use at team/kv/"),
            ("sys", "path is already in use at sys/"),
            ("sys/x", "path is already in use at sys/"),
        ] {
            let error = table.with(mount(Class::Secret, Kind::Kv, path, 7)).unwrap_err();
            assert_eq!(error.to_string(), want);
        }
    }

    #[test]
    fn what_moves_takes_its_id_along_and_leaves_its_place() {
        let table = table();
        let secret = Arc::clone(table.find("secret/x").unwrap().0);
        let moved = Mount { path: MountPath::parse(Class::Secret, "kept").unwrap(), ..(*secret).clone() };
        let after = table.replacing(Arc::new(moved)).unwrap();
        assert!(after.find("secret/x").is_none());
        assert_eq!(after.find("kept/x").unwrap().0.id, secret.id);
        let onto_itself = table.replacing(secret).unwrap();
        assert!(onto_itself.find("secret/x").is_some());
    }

    #[test]
    fn while_a_record_cannot_be_read_no_place_is_free_and_everything_stays_where_it_is() {
        let secret = Arc::clone(table().find("secret/x").unwrap().0);
        let id = MountId::generate(Timestamp::from_secs(1), &SeededEntropy::new(8));
        let table = table().with_unread(id);
        let new = |path| mount(Class::Secret, Kind::Kv, path, 7);
        assert_eq!(table.with(new("elsewhere")).unwrap_err(), TableError::Unread(id));
        assert_eq!(table.with(new("secret")).unwrap_err(), TableError::InUse(secret.path.clone()));
        let moved = Mount { path: MountPath::parse(Class::Secret, "kept").unwrap(), ..(*secret).clone() };
        assert_eq!(table.replacing(Arc::new(moved)).unwrap_err(), TableError::Unread(id));
        let tuned = Mount { description: "tuned".to_owned(), ..(*secret).clone() };
        let tuned = table.replacing(Arc::new(tuned)).unwrap();
        assert_eq!(tuned.find("secret/x").unwrap().0.description, "tuned");
        let (rest, _) = tuned.without(&secret.path).unwrap();
        assert_eq!(rest.unread().collect::<Vec<_>>(), [id]);
    }

    #[test]
    fn what_is_built_in_stays() {
        let table = table();
        let sys = MountPath::built_in("sys");
        assert_eq!(table.without(&sys).unwrap_err(), TableError::BuiltIn(sys));
        let nowhere = MountPath::parse(Class::Secret, "nowhere").unwrap();
        assert_eq!(table.without(&nowhere).unwrap_err(), TableError::Absent(nowhere));
        let ci = MountPath::parse(Class::Auth, "ci").unwrap();
        let (after, taken) = table.without(&ci).unwrap();
        assert_eq!(taken.path, ci);
        assert!(after.find("auth/ci/login").is_none());
    }
}
