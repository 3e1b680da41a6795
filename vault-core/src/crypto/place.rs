//! Where a record stands: what its ciphertext is bound to.

use crate::store::key::Table;

/// A record's place in the store. A record sealed for one place opens at no other.
///
/// The key generation is bound too; the keyring adds it, since it chooses the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The namespace; empty for the root.
    pub namespace: &'a str,
    /// What kind of record it is.
    pub table: Table,
    /// The record's name within its table.
    pub name: &'a [u8],
    /// Which version of the record: the store's revision, so that an older version put back does not open.
    pub revision: u64,
}

impl Place<'_> {
    /// `label ‖ header ‖ len(namespace) ‖ namespace ‖ table ‖ len(name) ‖ name ‖ revision`
    ///
    /// Each text of variable length follows its own length (8 bytes, big endian), so no two places
    /// have the same bytes. `header` is the sealed record's own: format, suite, key generation.
    pub(super) fn associated_data(&self, header: &[u8]) -> Vec<u8> {
        let fixed = LABEL.len() + header.len() + 8 + 1 + 8 + 8;
        let mut out = Vec::with_capacity(fixed + self.namespace.len() + self.name.len());
        out.extend_from_slice(LABEL);
        out.extend_from_slice(header);
        append_with_length(&mut out, self.namespace.as_bytes());
        out.push(self.table.byte());
        append_with_length(&mut out, self.name);
        out.extend_from_slice(&self.revision.to_be_bytes());
        out
    }
}

fn append_with_length(out: &mut Vec<u8>, field: &[u8]) {
    out.extend_from_slice(&(field.len() as u64).to_be_bytes());
    out.extend_from_slice(field);
}

/// Separates records from every other use of associated data.
const LABEL: &[u8] = b"rotunda record";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_moves_between_two_fields_changes_the_associated_data() {
        // Without the lengths, both would read: label, header, 8, 8, "a", revision.
        let place = |namespace, name| Place { namespace, table: Table::Account, name, revision: 1 };
        assert_eq!(Table::Account.byte(), 8);
        let one = place("", b"\x08a").associated_data(&[1, 2]);
        let other = place("\x08", b"a").associated_data(&[1, 2]);
        assert_ne!(one, other);
    }
}
