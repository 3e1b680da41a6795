//! Reading a credential: never one that the vault knows to be dead.

use vault_core::account::{Readable, Subject};
use vault_core::consumer::Fetched;
use vault_core::identity::Principal;
use vault_core::lease::Lease;
use vault_core::path::AccountPath;
use vault_core::schedule::RotationPolicy;
use vault_core::secret::SecretString;

use super::{AccountError, AccountService};
use crate::engine::READ_WAIT;

/// A credential that is handed out.
#[derive(Debug)]
pub struct Credential {
    /// The name on the target.
    pub username: String,
    /// The password.
    pub password: SecretString,
    /// Its version.
    pub version: u64,
    /// When it was promoted.
    pub last_rotation: Option<vault_core::clock::Timestamp>,
    /// When it will be replaced.
    pub next_rotation: Option<vault_core::clock::Timestamp>,
    /// When it is rotated, where the account itself says so.
    pub own_rotation: Option<RotationPolicy>,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

impl AccountService {
    /// The current credential. A read that comes while it is being changed waits, bounded, for the outcome.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn credential(
        &self,
        path: &AccountPath,
        reader: &Principal,
    ) -> Result<Credential, AccountError> {
        let subject = Subject::Account(path.clone());
        let mut waited = false;
        for _ in 0..READS_MAX {
            let Some(loaded) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
            let account = loaded.value;
            let readable = account.readable();
            let in_motion = matches!(readable, Readable::Changing | Readable::Doubtful(_));
            if in_motion && !waited && self.engine.flights().is_driving(&subject.key()) {
                waited = true;
                drop(self.engine.flights().take(&subject.key(), READ_WAIT).await);
                continue;
            }
            let (version, warning) = match readable {
                Readable::Yes(version) => (version, None),
                Readable::Doubtful(version) => (version, Some(DOUBTFUL)),
                Readable::Changing => return Err(AccountError::Busy(CHANGING.to_owned())),
                Readable::Refused => return Err(AccountError::Busy(REFUSED.to_owned())),
                Readable::NotYet => return Err(AccountError::Busy(NOT_YET.to_owned())),
            };
            // On disk before it leaves: when its reader leaves, this version has to go. What took that time may have
            // been overtaken by a rotation.
            if self.knowers.note(&account, version, reader).await? {
                continue;
            }
            // A rotation may have wiped that version since: then read again.
            if let Some(stored) = self.engine.stored(&account, version)? {
                let lent = account.lending.holder.as_ref().and_then(|lease| lent_to_another(lease, reader));
                self.consumers.fetched(&account, reader, Fetched { version, lent: None });
                return Ok(Credential {
                    username: stored.login.username,
                    password: stored.login.password,
                    version,
                    last_rotation: account.last_rotation,
                    next_rotation: account.next_rotation,
                    own_rotation: account.settings.own_rotation,
                    warnings: warning.map(str::to_owned).into_iter().chain(lent).collect(),
                });
            }
        }
        Err(AccountError::Busy(CHANGING.to_owned()))
    }
}

/// Services go on while a person has the account in hand, but nobody shares it without knowing.
fn lent_to_another(lease: &Lease, reader: &Principal) -> Option<String> {
    let is_holder = lease.borrower.id == reader.id();
    (!is_holder).then(|| {
        let (name, until) = (&lease.borrower.name, lease.expires_at.to_rfc3339());
        format!("the account is checked out by {name} until {until}; this password ends with that lease")
    })
}

const READS_MAX: u32 = 8;
const DOUBTFUL: &str = "a change of this password was sent to its target and no answer came; it may not work until that is resolved";
const CHANGING: &str =
    "the credential is being changed and the new one is not verified yet; try again in a moment";
const REFUSED: &str = "the target refuses the stored password, because it was changed outside; see accounts/status and reconcile or rotate it";
const NOT_YET: &str =
    "the account has no credential yet, because its first rotation has not succeeded; see accounts/status";
