//! A credential that was put away in a wrapped answer, and is opened by somebody else than who asked for it.

use serde_json::Value;
use vault_core::account::Subject;
use vault_core::identity::Principal;
use vault_core::lease::Lease;
use vault_core::path::{AccountPath, Name};

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
        let handed = envelope.pointer("/data/passwords").and_then(Value::as_array);
        let handed = handed.into_iter().flatten().filter_map(|one| one.get("password"));
        let passwords: Vec<&str> =
            envelope.pointer("/data/password").into_iter().chain(handed).filter_map(Value::as_str).collect();
        if passwords.is_empty() {
            return Ok(());
        }
        let subject = match envelope.get("lease_id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
            Some(id) => {
                let lease = self.engine.barrier().load::<Lease>(id)?;
                lease.and_then(|lease| Subject::from_key(&lease.value.subject))
            }
            None => {
                let of = |prefix| path.strip_prefix(prefix).and_then(|path| AccountPath::parse(path).ok());
                let read = of("accounts/creds/").or_else(|| of("accounts/config/")).or_else(|| role.cloned());
                let target = path.strip_prefix("targets/config/").and_then(|name| Name::parse(name).ok());
                read.map(Subject::Account).or(target.map(Subject::Management))
            }
        };
        let Some(subject) = subject else { return Ok(()) };
        let Some(account) = self.engine.account(&subject)? else { return Ok(()) };
        for version in account.value.versions.stored() {
            let stored = match self.engine.stored(&account.value, version.number) {
                // It cannot be told from the others, so it may be what is opened.
                Err(error) if error.is_damage() => None,
                found => Some(found?),
            };
            let is_opened = stored.is_none_or(|stored| {
                stored.is_some_and(|stored| passwords.iter().any(|text| stored.login.password.ct_eq(text)))
            });
            if is_opened {
                self.knowers.note(&account.value, version.number, reader).await?;
            }
        }
        Ok(())
    }
}
