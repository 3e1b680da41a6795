//! Names of records, read without opening them.

use vault_core::store::batch::Revision;
use vault_core::store::key::Table;

use super::{Barrier, LoadError};

impl Barrier {
    /// The names alone, as [`list`](Self::list) orders them; also the way to read an index table.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn names(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, LoadError> {
        let _open = self.keyring()?;
        let entries = self.inner.store.scan(table, prefix, after, limit).map_err(LoadError::Store)?;
        Ok(entries.into_iter().map(|(name, _)| name).collect())
    }

    /// What follows the prefix in each name that begins with it, in order; a page at a time, so that a large table
    /// is held neither here nor by the store. A name that is no text is left out.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn names_below(&self, table: Table, prefix: &[u8]) -> Result<Vec<String>, LoadError> {
        let mut names = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.names(table, prefix, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(names) };
            after = Some(last.clone());
            let name = |key: &Vec<u8>| String::from_utf8(key.get(prefix.len()..)?.to_vec()).ok();
            names.extend(page.iter().filter_map(name));
        }
    }

    /// The names with their revisions, of records of any kind, without opening them.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn revisions(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Revision)>, LoadError> {
        let _open = self.keyring()?;
        let entries = self.inner.store.scan(table, prefix, after, limit).map_err(LoadError::Store)?;
        Ok(entries.into_iter().map(|(name, stored)| (name, stored.revision)).collect())
    }
}

/// Names that are read at once.
const PAGE: usize = 256;
