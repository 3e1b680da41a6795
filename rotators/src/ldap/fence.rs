//! A change that cannot come late: it takes a mark with it, and without the mark it does nothing.
//!
//! ```text
//!   apply    remove marks of this rotation ── add a fresh mark ── answered ── { remove that mark; set the password }
//!   settle   remove marks of this rotation
//! ```
//!
//! One modification of an entry happens wholly or not at all (RFC 4511, section 4.6), and removing a value that is not
//! there fails it. The last request is sent only once its mark was acknowledged. So when `settle` has
//! removed the mark, a request that was held up on its way finds none and fails, whenever it arrives; a mark that
//! arrives late has no request that takes it.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use ldap3::Mod;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Outcome;
use vault_core::secret::SecretString;

use super::account::Account;
use super::classify::{self, NO_SUCH_ATTRIBUTE, Reply, SUCCESS};
use super::command::{SALT_BYTES, salted_password, unicode_password};
use super::config::Schema;
use super::session::{Failure, Session};

/// Where marks are put, and whose they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fence<'a> {
    pub(super) attribute: &'a str,
    pub(super) rotation: RotationId,
}

impl Fence<'_> {
    /// Removes what earlier attempts of this rotation left, so that none of their requests can take effect any more.
    pub(super) async fn lower(self, session: &mut Session<'_>, account: &Account) -> Result<(), Fault> {
        for mark in account.values_with(self.attribute, &self.prefix()) {
            let remove = vec![Mod::Delete(bytes(self.attribute), HashSet::from([mark.into_bytes()]))];
            match session.modify(account.dn(), remove).await {
                // That it is gone already is as good: its request has taken it.
                Ok(Reply { code: SUCCESS | NO_SUCH_ATTRIBUTE, .. }) => {}
                Ok(reply) => return Err(classify::mark(&reply, session.place())),
                Err(Failure::Unsent | Failure::Silent) => return Err(session.silence()),
            }
        }
        Ok(())
    }

    /// Sets the password. `Err` says that it certainly did not happen.
    pub(super) async fn change(
        self,
        session: &mut Session<'_>,
        account: &Account,
        schema: Schema,
        password: &SecretString,
    ) -> Result<Outcome, Fault> {
        self.lower(session, account).await?;
        let text = format!("{}{}", self.prefix(), HEXLOWER.encode(&random::<8>(session)?));
        let mark = HashSet::from([bytes(&text)]);
        let add = vec![Mod::Add(bytes(self.attribute), mark.clone())];
        match session.modify(account.dn(), add).await {
            Ok(Reply { code: SUCCESS, .. }) => {}
            Ok(reply) => return Err(classify::mark(&reply, session.place())),
            Err(Failure::Unsent | Failure::Silent) => return Err(session.silence()),
        }
        let remove = Mod::Delete(bytes(self.attribute), mark);
        // What management cannot see it could not take away again in `lower`.
        let entry = session.entry(account.dn(), &[self.attribute]).await?;
        if entry.is_none_or(|entry| Account::of(entry).values_with(self.attribute, &text).is_empty()) {
            let _ = session.modify(account.dn(), vec![remove]).await;
            let what = "the management credential may not read the attribute in fence_attribute";
            return Err(session.fault(FaultClass::PermissionDenied, what));
        }
        let (attribute, value) = match schema {
            Schema::OpenLdap => ("userPassword", salted_password(password, random::<SALT_BYTES>(session)?)),
            Schema::ActiveDirectory => ("unicodePwd", unicode_password(password)),
        };
        let set = Mod::Replace(bytes(attribute), HashSet::from([value]));
        let answer = session.modify(account.dn(), vec![remove.clone(), set]).await;
        if let Ok(Reply { code: NO_SUCH_ATTRIBUTE, .. }) = answer {
            let what = "the mark of this change was gone: another attempt of the same rotation is under way";
            return Ok(Outcome::Unknown(session.fault(FaultClass::Ambiguous, what)));
        }
        let outcome = super::outcome(answer, session);
        if let Outcome::NotApplied(_) = outcome {
            // Only for tidiness: a mark without its request does nothing, and the next attempt removes it.
            let _ = session.modify(account.dn(), vec![remove]).await;
        }
        Ok(outcome)
    }

    fn prefix(self) -> String {
        format!("rotunda:{}:", self.rotation)
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn random<const N: usize>(session: &Session<'_>) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| session.fault(FaultClass::Unreachable, "this machine gives no random numbers"))?;
    Ok(bytes)
}
