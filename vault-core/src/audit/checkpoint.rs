//! Signed checkpoints: whoever rewrites the trail before one would have to forge a signature.
//!
//! The hash chain alone binds lines to each other, but anyone could recompute it after an edit. A
//! checkpoint signs the chain so far with Ed25519 (RFC 8032), so a reader needs only the public key.
//!
//! ```text
//!   signed = "rotunda audit checkpoint v1\0" ‖ seq u64 ‖ prev [32] ‖ reason u8 ‖ has_commit u8 ‖ commit u64
//!            ‖ the line's time, RFC 3339 text                              all integers big-endian
//! ```

use std::fmt;

use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::head::Head;
use super::line::ChainEvent;
use crate::clock::Timestamp;

/// The public half of a checkpoint key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the 32 bytes of RFC 8032; whether they are a usable point shows when a signature is checked.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 lower-case hexadecimal digits; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Holds the private key of the checkpoints, wiped on drop.
pub struct CheckpointSigner(SigningKey);

impl CheckpointSigner {
    /// Derives the key pair from 32 secret bytes, as RFC 8032 section 5.1.5.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// What verifiers pin.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// A checkpoint that signs the chain up to and including `prev`.
    pub(super) fn sign(
        &self,
        prev: Head,
        reason: CheckpointReason,
        commit: Option<u64>,
        now: Timestamp,
    ) -> ChainEvent {
        let message = message(prev, reason, commit, &now.to_rfc3339());
        ChainEvent::Checkpoint(Checkpoint {
            reason,
            commit,
            public_key: self.public_key().to_string(),
            signature: HEXLOWER.encode(&self.0.sign(&message).to_bytes()),
        })
    }
}

impl fmt::Debug for CheckpointSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CheckpointSigner").field(&self.public_key()).finish()
    }
}

/// Why a checkpoint was written; the last two end a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CheckpointReason {
    /// The file was opened.
    Start,
    /// Enough entries or enough time since the last one.
    Interval,
    /// The file was handed over to a following one.
    Rotated,
    /// The vault ended cleanly.
    Closed,
}

impl CheckpointReason {
    /// Whether nothing follows in the same file, so that a file that ends here is whole.
    pub(super) fn ends_file(self) -> bool {
        matches!(self, Self::Rotated | Self::Closed)
    }

    fn code(self) -> u8 {
        match self {
            Self::Start => 1,
            Self::Interval => 2,
            Self::Rotated => 3,
            Self::Closed => 4,
        }
    }
}

/// The signature as it stands in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub(super) reason: CheckpointReason,
    /// The store's commit number at that time, to line the trail up with the store; absent when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<u64>,
    pub(super) public_key: String,
    signature: String,
}

impl Checkpoint {
    /// Whether the signature by `key` covers the chain up to `prev` and this line's own fields.
    pub(super) fn is_signed_by(&self, key: PublicKey, prev: Head, time: &str) -> bool {
        let signature = HEXLOWER.decode(self.signature.as_bytes()).ok();
        let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
        let (Some(signature), Ok(key)) = (signature, VerifyingKey::from_bytes(&key.0)) else { return false };
        key.verify_strict(&message(prev, self.reason, self.commit, time), &signature).is_ok()
    }
}

/// Every field before `time` has a fixed width, so two different checkpoints never sign the same bytes.
fn message(prev: Head, reason: CheckpointReason, commit: Option<u64>, time: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(DOMAIN.len() + 50 + time.len());
    out.extend_from_slice(DOMAIN);
    out.extend_from_slice(&prev.seq.to_be_bytes());
    out.extend_from_slice(prev.hash.as_bytes());
    out.push(reason.code());
    out.push(u8::from(commit.is_some()));
    out.extend_from_slice(&commit.unwrap_or(0).to_be_bytes());
    out.extend_from_slice(time.as_bytes());
    out
}

const DOMAIN: &[u8] = b"rotunda audit checkpoint v1\0";

#[cfg(test)]
mod tests {
    use super::super::line::LineHash;
    use super::*;

    fn signed(commit: Option<u64>) -> Checkpoint {
        let signer = CheckpointSigner::from_seed(&[9; 32]);
        match signer.sign(head(), CheckpointReason::Interval, commit, Timestamp::EPOCH) {
            ChainEvent::Checkpoint(checkpoint) => checkpoint,
            other => panic!("{other:?}"),
        }
    }

    fn head() -> Head {
        Head { seq: 41, hash: LineHash::of(b"line 41") }
    }

    #[test]
    fn a_signature_covers_every_field() {
        let key = CheckpointSigner::from_seed(&[9; 32]).public_key();
        let time = Timestamp::EPOCH.to_rfc3339();
        let good = signed(Some(7));
        assert!(good.is_signed_by(key, head(), &time));

        let other_key = CheckpointSigner::from_seed(&[8; 32]).public_key();
        assert!(!good.is_signed_by(other_key, head(), &time));
        assert!(!good.is_signed_by(PublicKey::from_bytes([0; 32]), head(), &time));
        assert!(!good.is_signed_by(key, Head { seq: 42, ..head() }, &time));
        assert!(!good.is_signed_by(key, Head { hash: LineHash::ZERO, ..head() }, &time));
        assert!(!good.is_signed_by(key, head(), "1970-01-01T00:00:00.001Z"));
        for changed in [
            Checkpoint { commit: Some(8), ..good.clone() },
            Checkpoint { commit: None, ..good.clone() },
            Checkpoint { reason: CheckpointReason::Closed, ..good.clone() },
            Checkpoint { signature: "zz".into(), ..good.clone() },
        ] {
            assert!(!changed.is_signed_by(key, head(), &time), "{changed:?}");
        }
        assert!(!Checkpoint { commit: Some(0), ..signed(None) }.is_signed_by(key, head(), &time));
    }

    #[test]
    fn debug_shows_only_the_public_key() {
        let signer = CheckpointSigner::from_seed(&[9; 32]);
        assert_eq!(format!("{signer:?}"), format!("CheckpointSigner({})", signer.public_key()));
    }
}
