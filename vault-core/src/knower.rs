//! Who knows: each principal that was given the plaintext of a version of a credential, for as long as that
//! version is stored.
//!
//! A receipt ([`crate::consumer`]) says which version a token fetched last, for the sake of consumers; it ages out,
//! makes room for others and goes with its token. This one is kept until the version is gone, and is on disk before
//! the plaintext leaves. Several tokens of one login are one knower: what one of them saw, all of them may know.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::clock::Timestamp;
use crate::consumer::Who;
use crate::crypto::hash::Hash;
use crate::identity::{Origin, Principal};

/// That a principal was given a version of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knower {
    /// When the account was configured: one of the same path that was deleted is another account.
    pub account: Timestamp,
    /// The version.
    pub version: u64,
    /// Who.
    pub who: Who,
    /// The public name of the token that it was given to first.
    pub accessor: String,
    /// The name for people.
    pub name: String,
    /// When it was given first.
    pub since: Timestamp,
}

impl Knower {
    /// `principal`, who is being given `version` of `account`.
    #[must_use]
    pub fn new(account: &Account, version: u64, principal: &Principal, now: Timestamp) -> Self {
        Self {
            account: account.created_at,
            version,
            who: Who::of(principal),
            accessor: principal.accessor().as_str().to_owned(),
            name: principal.display_name().to_owned(),
            since: now,
        }
    }

    /// Sixteen bytes that stand for who it is, the same for all tokens of one login or entity.
    #[must_use]
    pub fn mark(&self) -> Vec<u8> {
        let mut text = match &self.who {
            Who::Entity(id) => [b"e", id.as_bytes()].concat(),
            Who::Login(Origin { mount, principal }) => {
                [b"l", mount.as_bytes().as_slice(), principal.as_bytes()].concat()
            }
            Who::Token => [b"t", self.accessor.as_bytes()].concat(),
        };
        // Two accounts of one path, one after the other, are two.
        text.extend_from_slice(&self.account.as_millis().to_be_bytes());
        let mut digest = Hash::Sha256.digest(&text);
        digest.truncate(MARK_BYTES);
        digest
    }
}

/// Whom is asked for: whoever matches any of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Named {
    /// As it was asked for.
    pub text: String,
    /// An entity.
    pub entity: Option<String>,
    /// A role or user that logs in.
    pub login: Option<Origin>,
    /// The public name of a token.
    pub accessor: Option<String>,
    /// The name for people.
    pub name: Option<String>,
}

impl Named {
    /// Whether a principal of these facts is meant.
    #[must_use]
    pub fn means(&self, who: &Who, accessor: &str, name: &str) -> bool {
        let is_who = match who {
            Who::Entity(id) => self.entity.as_ref() == Some(id),
            Who::Login(origin) => self.login.as_ref() == Some(origin),
            Who::Token => false,
        };
        is_who || self.accessor.as_deref() == Some(accessor) || self.name.as_deref() == Some(name)
    }
}

/// Enough that two do not meet.
const MARK_BYTES: usize = 16;
