//! Takes away secret ids whose time is over or whose role is gone.

use vault_core::approle::SecretId;
use vault_core::clock::Timestamp;
use vault_core::mount::Mount;

use super::{ApproleError, ApproleService, PAGE};

impl ApproleService {
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

/// The name of the role and the digest of the secret id in a key below a mount.
fn parts(rest: &[u8]) -> Option<(String, [u8; 32])> {
    let (head, digest) = rest.split_last_chunk::<32>()?;
    let name = head.strip_suffix(b"\0")?;
    Some((String::from_utf8(name.to_vec()).ok()?, *digest))
}
