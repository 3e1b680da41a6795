//! Looks into the chained file while it is written.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use vault_core::audit::search::{Bounds, Found, Query, search};

use super::{AuditService, AuditUnavailable};

/// From where a search goes on: a line of the file, by its place and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    offset: u64,
    /// 0 for what is no line.
    seq: u64,
}

/// Why nothing was looked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The vault is sealed.
    #[error(transparent)]
    Unavailable(#[from] AuditUnavailable),
    /// A new file was begun since the search began.
    #[error(
        "a new audit file was begun since this search: begin it anew; the old file is where it was moved to"
    )]
    Moved,
    /// The file cannot be read.
    #[error("the audit file cannot be read")]
    Io(#[from] std::io::Error),
}

impl Cursor {
    /// Reads what [`Display`](std::fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (offset, seq) = text.split_once('-')?;
        Some(Self { offset: offset.parse().ok()?, seq: seq.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.offset, self.seq)
    }
}

impl AuditService {
    /// Looks for lines, the newest first, from the end of the file or from where a search ended. Reads the disk, so not
    /// on a thread that answers requests.
    ///
    /// # Errors
    /// [`SearchError`] by cause.
    pub fn search(
        &self,
        query: &Query,
        from: Option<Cursor>,
        bounds: Bounds,
    ) -> Result<(Found, Option<Cursor>), SearchError> {
        self.live()?;
        let mut file = File::open(&self.inner.path)?;
        if let Some(cursor) = from
            && at(&mut file, cursor.offset)? != cursor
        {
            return Err(SearchError::Moved);
        }
        let found = search(&mut file, from.map(|cursor| cursor.offset), query, bounds)?;
        let next = found.next.map(|offset| at(&mut file, offset)).transpose()?;
        Ok((found, next))
    }
}

/// The line that begins at `offset`.
fn at(file: &mut File, offset: u64) -> std::io::Result<Cursor> {
    file.seek(SeekFrom::Start(offset))?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    let text = String::from_utf8_lossy(&head);
    let digits = text.strip_prefix("{\"seq\":").and_then(|rest| rest.split(',').next());
    Ok(Cursor { offset, seq: digits.and_then(|digits| digits.parse().ok()).unwrap_or(0) })
}

/// Enough for the number of a line.
const HEAD: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let cursor = Cursor { offset: 12, seq: 7 };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for text in ["", "12", "-", "a-1", "1-b", "-1-2"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
