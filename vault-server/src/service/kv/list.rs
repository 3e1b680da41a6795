//! Names below a folder, read page by page; folders are stepped over, not read through.

use vault_core::kv::{Folding, SECRET_PATH_BYTES_MAX};
use vault_core::mount::Mount;
use vault_core::store::key::Table;

use super::KvService;
use crate::barrier::LoadError;

impl KvService {
    /// The names below `folder` (empty for the mount's root), sorted, folders with a slash at the end.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(&self, mount: &Mount, folder: &str) -> Result<Vec<String>, LoadError> {
        if folder.len() > SECRET_PATH_BYTES_MAX {
            return Ok(Vec::new());
        }
        let plain = self.fold(mount, folder, Table::KvSecret)?;
        let versioned = match mount.kv_version() {
            2 => self.fold(mount, folder, Table::KvMetadata)?,
            _ => Folding::default(),
        };
        Ok(versioned.merged(plain))
    }

    fn fold(&self, mount: &Mount, folder: &str, table: Table) -> Result<Folding, LoadError> {
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let prefix = mount.key(below.as_bytes());
        let mut folding = Folding::default();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.names(table, &prefix, after.as_deref(), PAGE)?;
            let below = |name: &Vec<u8>| name.get(prefix.len()..).map(<[u8]>::to_vec);
            for name in page.iter().filter_map(below).filter_map(|name| String::from_utf8(name).ok()) {
                folding.add(&name);
            }
            match page.last().and_then(below) {
                Some(last) if page.len() == PAGE => {
                    after = Some([prefix.as_slice(), &Folding::next_after(&last)].concat());
                }
                _ => return Ok(folding),
            }
        }
    }
}

const PAGE: usize = 256;
