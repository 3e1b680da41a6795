//! Takes away secret ids whose time is over or whose role is gone.

use std::time::Duration;

use vault_core::approle::SecretId;
use vault_core::clock::{Clock, Timestamp};
use vault_core::mount::{Class, Kind, Mount};

use super::{ApproleError, ApproleService, PAGE};
use crate::barrier::LoadError;
use crate::service::mount::MountService;
use crate::shutdown::Shutdown;

impl ApproleService {
    /// Tidies every mount about once an hour, until `shutdown` begins.
    pub async fn tidy_until(&self, mounts: &MountService, clock: &dyn Clock, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(TIDY_EVERY) => {}
            }
            let table = mounts.table();
            for mount in table.of(Class::Auth).filter(|mount| mount.kind == Kind::Approle) {
                match self.tidy(mount, clock.now()).await {
                    Ok(_) | Err(ApproleError::Load(LoadError::Sealed)) => {}
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, mount = %mount.path, "secret ids could not be tidied");
                    }
                }
            }
        }
    }

    /// Removes the secret ids of `mount` that are of no use any more; returns how many.
    ///
    /// # Errors
    /// [`ApproleError`] by cause; what was removed before stays so.
    pub async fn tidy(&self, mount: &Mount, now: Timestamp) -> Result<usize, ApproleError> {
        let prefix = mount.key(b"");
        let mut removed = 0;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.list::<SecretId>(&prefix, after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(removed) };
            after = Some(last.clone());
            for (key, loaded) in page {
                let Some((name, digest)) = parts(key.get(prefix.len()..).unwrap_or_default()) else {
                    continue;
                };
                let role = self.load_role(mount, &name)?;
                if role.is_none_or(|role| !loaded.value.is_live(&role.value, now)) {
                    self.remove(mount, &name, &digest).await?;
                    removed += 1;
                }
            }
        }
    }
}

/// As Vault.
const TIDY_EVERY: Duration = Duration::from_secs(3600);

/// The name of the role and the digest of the secret id in a key below a mount.
fn parts(rest: &[u8]) -> Option<(String, [u8; 32])> {
    let (head, digest) = rest.split_last_chunk::<32>()?;
    let name = head.strip_suffix(b"\0")?;
    Some((String::from_utf8(name.to_vec()).ok()?, *digest))
}
