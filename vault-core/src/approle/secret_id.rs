//! A secret id: how it is made, counted and ended.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Builder;

use super::role::AppRole;
use crate::clock::Timestamp;
use crate::entropy::{Entropy, random_bytes};
use crate::id::{AppRoleId, MountId};
use crate::identity::cidr::{self, CidrBlock};
use crate::secret::SecretString;

/// What the vault keeps of a secret id. Stored sealed under its digest, below its role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretId {
    /// The role it was made for.
    pub role: AppRoleId,
    /// A public handle.
    pub accessor: String,
    /// Logins left; zero for no limit.
    pub num_uses: u32,
    /// How long it lives from its making; `None` for ever.
    pub ttl: Option<Duration>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last counted down.
    pub updated_at: Timestamp,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// What is noted on the tokens of its logins.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// From where logins may come; empty for anywhere that the role allows.
    #[serde(default)]
    pub cidr_list: Vec<CidrBlock>,
    /// From where its tokens may be used, in place of what the role says; empty for the role's.
    #[serde(default)]
    pub token_bound_cidrs: Vec<CidrBlock>,
}

/// What is asked of a new secret id. [`Default`] leaves everything to the role.
#[derive(Clone, Debug, Default)]
pub struct NewSecretId {
    /// What is to be noted on the tokens of its logins.
    pub metadata: BTreeMap<String, String>,
    /// From where logins may come.
    pub cidr_list: Vec<CidrBlock>,
    /// From where its tokens may be used.
    pub token_bound_cidrs: Vec<CidrBlock>,
    /// How many logins; `Some(0)` for no limit, `None` for the role's.
    pub num_uses: Option<u32>,
    /// How long; `Some(None)` for ever, `None` for the role's.
    pub ttl: Option<Option<Duration>>,
}

/// Why a secret id was not made. The texts are Vault's where clients know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretIdError {
    /// The role asks for none.
    #[error("bind_secret_id is not set on the role")]
    NotBound,
    /// More logins than the role gives.
    #[error("num_uses cannot be higher than the role's secret_id_num_uses")]
    TooManyUses,
    /// A longer life than the role gives.
    #[error("ttl cannot be longer than the role's secret_id_ttl")]
    TooLong,
    /// Addresses that the role does not allow.
    #[error("the CIDR blocks of a secret ID must be a subset of those of its role")]
    NotWithinRole,
    /// Too much metadata.
    #[error("at most 64 metadata entries, each of at most 1024 bytes")]
    MetadataTooLarge,
}

/// What a login does to a secret id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a login that is not stored can be repeated"]
pub enum Spent {
    /// It has no limit; nothing to store.
    Unlimited,
    /// Store this record.
    Counted(SecretId),
    /// The last login: remove the record.
    Last,
}

impl SecretId {
    /// Makes the record of a secret id; `max_ttl` is the mount's longest life.
    ///
    /// # Errors
    /// [`SecretIdError`] by the rule that was broken.
    pub fn issue(
        role: &AppRole,
        new: NewSecretId,
        max_ttl: Duration,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, SecretIdError> {
        if !role.bind_secret_id {
            return Err(SecretIdError::NotBound);
        }
        if !cidr::are_within(&new.cidr_list, &role.secret_id_bound_cidrs)
            || !cidr::are_within(&new.token_bound_cidrs, &role.parameters.bound_cidrs)
        {
            return Err(SecretIdError::NotWithinRole);
        }
        let fits = |(key, value): (&String, &String)| key.len() + value.len() <= METADATA_ENTRY_BYTES_MAX;
        if new.metadata.len() > METADATA_ENTRIES_MAX || !new.metadata.iter().all(fits) {
            return Err(SecretIdError::MetadataTooLarge);
        }
        let ttl = life(role, new.ttl)?.map(|ttl| ttl.min(max_ttl));
        Ok(Self {
            role: role.id,
            accessor: draw(entropy).expose().to_owned(),
            num_uses: uses(role, new.num_uses)?,
            ttl,
            created_at: now,
            updated_at: now,
            expires_at: ttl.map(|ttl| now.plus(ttl)),
            metadata: new.metadata,
            cidr_list: new.cidr_list,
            token_bound_cidrs: new.token_bound_cidrs,
        })
    }

    /// Whether it belongs to `role` and has not ended.
    #[must_use]
    pub fn is_live(&self, role: &AppRole, now: Timestamp) -> bool {
        self.role == role.id && !self.has_expired(now)
    }

    /// Whether its time is over.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// Counts one login. Store the outcome before the login is answered.
    pub fn spend(&self, now: Timestamp) -> Spent {
        match self.num_uses {
            0 => Spent::Unlimited,
            1 => Spent::Last,
            left => Spent::Counted(Self { num_uses: left - 1, updated_at: now, ..self.clone() }),
        }
    }
}

fn uses(role: &AppRole, asked: Option<u32>) -> Result<u32, SecretIdError> {
    let most = role.secret_id_num_uses;
    match asked {
        None => Ok(most),
        Some(asked) if most > 0 && (asked == 0 || asked > most) => Err(SecretIdError::TooManyUses),
        Some(asked) => Ok(asked),
    }
}

fn life(role: &AppRole, asked: Option<Option<Duration>>) -> Result<Option<Duration>, SecretIdError> {
    match (asked, role.secret_id_ttl) {
        (None, of_role) => Ok(of_role),
        (Some(asked), None) => Ok(asked),
        (Some(Some(asked)), Some(most)) if asked <= most => Ok(Some(asked)),
        (Some(_), Some(_)) => Err(SecretIdError::TooLong),
    }
}

/// Draws a secret id, or an accessor: a UUID of 122 bits of chance.
#[must_use]
pub fn draw(entropy: &dyn Entropy) -> SecretString {
    let uuid = Builder::from_random_bytes(random_bytes(entropy)).into_uuid();
    SecretString::new(uuid.hyphenated().to_string())
}

/// The digest under which a secret id of the role named `role` is stored. `hmac_sha256` is HMAC-SHA256 under
/// the keyring's token key; the NUL keeps the message apart from every token.
#[must_use]
pub fn digest(
    mount: MountId,
    role: &str,
    secret_id: &str,
    hmac_sha256: impl FnOnce(&[u8]) -> [u8; 32],
) -> [u8; 32] {
    let parts = [DIGEST_LABEL, mount.as_bytes(), role.as_bytes(), b"\0", secret_id.as_bytes()];
    let mut message = zeroize::Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| message.extend_from_slice(part));
    hmac_sha256(&message)
}

const DIGEST_LABEL: &[u8] = b"approle secret id\0";
const METADATA_ENTRIES_MAX: usize = 64;
const METADATA_ENTRY_BYTES_MAX: usize = 1024;
/// Longest secret id that somebody chooses, in bytes.
pub const SECRET_ID_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    const NOW: Timestamp = Timestamp::from_secs(1_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn role() -> AppRole {
        let fresh = AppRole::new(NOW, &SeededEntropy::new(1));
        AppRole { secret_id_num_uses: 3, secret_id_ttl: Some(Duration::from_secs(60)), ..fresh }
    }

    fn issue(role: &AppRole, new: NewSecretId) -> Result<SecretId, SecretIdError> {
        SecretId::issue(role, new, DAY, NOW, &SeededEntropy::new(2))
    }

    #[test]
    fn a_secret_id_is_never_wider_than_its_role() {
        let new = NewSecretId::default;
        let secs = |count| Some(Some(Duration::from_secs(count)));
        for (asked, want) in [
            (new(), Ok((3, Some(60)))),
            (NewSecretId { num_uses: Some(1), ttl: secs(10), ..new() }, Ok((1, Some(10)))),
            (NewSecretId { num_uses: Some(4), ..new() }, Err(SecretIdError::TooManyUses)),
            (NewSecretId { num_uses: Some(0), ..new() }, Err(SecretIdError::TooManyUses)),
            (NewSecretId { ttl: secs(61), ..new() }, Err(SecretIdError::TooLong)),
            (NewSecretId { ttl: Some(None), ..new() }, Err(SecretIdError::TooLong)),
        ] {
            let got = issue(&role(), asked.clone());
            let got = got.map(|made| (made.num_uses, made.ttl.map(|ttl| ttl.as_secs())));
            assert_eq!(got, want, "{asked:?}");
        }
        let free = AppRole { secret_id_num_uses: 0, secret_id_ttl: None, ..role() };
        let made = issue(&free, NewSecretId { num_uses: Some(9), ttl: secs(999_999), ..new() }).unwrap();
        assert_eq!((made.num_uses, made.ttl), (9, Some(DAY)), "cut at the mount's maximum");
        assert!(issue(&free, new()).unwrap().expires_at.is_none());
        let open = AppRole { bind_secret_id: false, ..role() };
        assert_eq!(issue(&open, new()).err(), Some(SecretIdError::NotBound));
    }

    #[test]
    fn each_login_counts_until_none_is_left() {
        let mut left = issue(&role(), NewSecretId::default()).unwrap();
        for want in [2, 1] {
            let Spent::Counted(next) = left.spend(NOW.plus(DAY)) else { panic!("{left:?}") };
            assert_eq!((next.num_uses, next.updated_at), (want, NOW.plus(DAY)));
            left = next;
        }
        assert_eq!(left.spend(NOW), Spent::Last);
        assert_eq!(SecretId { num_uses: 0, ..left }.spend(NOW), Spent::Unlimited);
    }

    #[test]
    fn it_ends_at_its_instant_and_with_its_role() {
        let made = issue(&role(), NewSecretId::default()).unwrap();
        assert!(made.is_live(&role(), NOW.plus(Duration::from_secs(59))));
        assert!(!made.is_live(&role(), NOW.plus(Duration::from_secs(60))));
        let other = AppRole::new(NOW, &SeededEntropy::new(9));
        assert!(!made.is_live(&other, NOW), "a later role of the same name");
    }

    #[test]
    fn the_digest_binds_mount_role_and_text() {
        let mount = |seed| MountId::generate(NOW, &SeededEntropy::new(seed));
        let of = |mount, role, text: &str| {
            let mut message = Vec::new();
            let _ = digest(mount, role, text, |bytes| {
                message = bytes.to_vec();
                [0; 32]
            });
            message
        };
        let one = of(mount(1), "a", "b");
        for other in [of(mount(2), "a", "b"), of(mount(1), "b", "b"), of(mount(1), "a", "c")] {
            assert_ne!(one, other);
        }
    }
}
