//! Where tokens are stored: the keys of their records and indices.
//!
//! ```text
//!  Token       digest (32)                       ► sealed Token
//!  Accessor    accessor text                     ► sealed TokenDigest
//!  TokenChild  parent digest (32) child digest (32)   ► empty
//!  TokenLease  digest (32) lease id              ► empty
//!  MountToken  mount id (16) digest (32)         ► empty
//! ```

use super::accessor::Accessor;
use super::digest::{TOKEN_DIGEST_BYTES, TokenDigest};
use crate::id::MountId;
use crate::store::key::{Key, Table};

/// The record of a token.
#[must_use]
pub fn token(digest: &TokenDigest) -> Key {
    Key::new(Table::Token, *digest.as_bytes())
}

/// From an accessor to its token's digest.
#[must_use]
pub fn accessor(accessor: &Accessor) -> Key {
    Key::new(Table::Accessor, accessor.as_str())
}

/// The entry of a child under its parent.
#[must_use]
pub fn child(parent: &TokenDigest, child: &TokenDigest) -> Key {
    Key::new(Table::TokenChild, joined(parent, child.as_bytes()))
}

/// What the keys of all children of `parent` begin with.
#[must_use]
pub fn children(parent: &TokenDigest) -> Key {
    Key::new(Table::TokenChild, *parent.as_bytes())
}

/// The child that a key of [`children`] names; `None` for a key of another table or form.
#[must_use]
pub fn child_of(key: &Key) -> Option<TokenDigest> {
    if key.table != Table::TokenChild || key.name.len() != 2 * TOKEN_DIGEST_BYTES {
        return None;
    }
    key.name.get(TOKEN_DIGEST_BYTES..).and_then(TokenDigest::from_slice)
}

/// The entry of a lease under the token that holds it.
#[must_use]
pub fn lease(digest: &TokenDigest, lease_id: &[u8]) -> Key {
    Key::new(Table::TokenLease, joined(digest, lease_id))
}

/// What the keys of all leases of a token begin with.
#[must_use]
pub fn leases(digest: &TokenDigest) -> Key {
    Key::new(Table::TokenLease, *digest.as_bytes())
}

/// The lease id that a key of [`leases`] names; `None` for a key of another table or form.
#[must_use]
pub fn lease_of(key: &Key) -> Option<&[u8]> {
    if key.table != Table::TokenLease {
        return None;
    }
    key.name.get(TOKEN_DIGEST_BYTES..).filter(|id| !id.is_empty())
}

/// The entry of a token under the mount where its holder logged in.
#[must_use]
pub fn of_mount(mount: MountId, digest: &TokenDigest) -> Key {
    Key::new(Table::MountToken, [mount.as_bytes().as_slice(), digest.as_bytes()].concat())
}

/// A digest is of fixed length, so the parts cannot run into each other.
fn joined(digest: &TokenDigest, rest: &[u8]) -> Vec<u8> {
    [digest.as_bytes().as_slice(), rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_and_leases_are_found_under_their_token_and_read_back() {
        let (parent, kid) = (TokenDigest::from_bytes([1; 32]), TokenDigest::from_bytes([2; 32]));
        let key = child(&parent, &kid);
        assert!(key.to_bytes().starts_with(&children(&parent).to_bytes()));
        assert!(!key.to_bytes().starts_with(&children(&kid).to_bytes()));
        assert_eq!(child_of(&key), Some(kid));
        assert_eq!(child_of(&children(&parent)), None);
        assert_eq!(child_of(&token(&parent)), None);

        let held = lease(&parent, b"accounts/creds/a/b/1");
        assert!(held.to_bytes().starts_with(&leases(&parent).to_bytes()));
        assert_eq!(lease_of(&held), Some(&b"accounts/creds/a/b/1"[..]));
        assert_eq!(lease_of(&leases(&parent)), None);
        assert_eq!(lease_of(&key), None);
    }
}
