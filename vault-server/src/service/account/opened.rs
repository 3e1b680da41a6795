//! A credential that was put away in a wrapped answer, and is opened by somebody else than who asked for it.

use serde_json::Value;
use vault_core::account::Subject;
use vault_core::identity::Principal;
use vault_core::lease::Lease;
use vault_core::path::AccountPath;

use super::{AccountError, AccountService};

impl AccountService {
    /// Makes durable that `reader` is being given what is in `envelope`, the answer of `path`, if that is a credential
    /// of an account that is still stored.
    ///
    /// # Errors
    /// [`AccountError`] by cause; then it is not handed out.
    pub async fn opened(
        &self,
        path: &str,
        envelope: &Value,
        role: Option<&AccountPath>,
        reader: &Principal,
    ) -> Result<(), AccountError> {
        let Some(password) = envelope.pointer("/data/password").and_then(Value::as_str) else {
            return Ok(());
        };
        let subject = match envelope.get("lease_id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
            Some(id) => {
                let lease = self.engine.barrier().load::<Lease>(id)?;
                lease.and_then(|lease| Subject::from_key(&lease.value.subject))
            }
            None => {
                let read =
                    path.strip_prefix("accounts/creds/").and_then(|path| AccountPath::parse(path).ok());
                read.or_else(|| role.cloned()).map(Subject::Account)
            }
        };
        let Some(subject) = subject else { return Ok(()) };
        let Some(account) = self.engine.account(&subject)? else { return Ok(()) };
        for version in account.value.versions.stored() {
            let stored = self.engine.stored(&account.value, version.number)?;
            if stored.is_some_and(|stored| stored.login.password.ct_eq(password)) {
                self.knowers.note(&account.value, version.number, reader).await?;
            }
        }
        Ok(())
    }
}
