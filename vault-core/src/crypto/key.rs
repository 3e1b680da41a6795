//! One type per level of the key hierarchy.
//!
//! Every key is 32 bytes in a box: wiped when dropped, never copied by a move, shown as its type's name
//! and nothing else, and without `Clone`, `PartialEq` or `Serialize`.

use std::fmt;

use zeroize::Zeroizing;

use super::kdf;
use crate::entropy::Entropy;

/// Length of every key of the hierarchy, in bytes.
pub(crate) const KEY_BYTES: usize = 32;

/// How every key comes about. The only ways: drawn, read from its stored bytes, or written in place.
pub(crate) trait Key: Sized {
    /// A key written in place by `write`, so that no copy stays on the stack.
    fn build(write: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self;

    /// Draws a new key.
    fn generate(entropy: &dyn Entropy) -> Self {
        Self::build(|bytes| entropy.fill(bytes))
    }

    /// A key from its stored bytes; `None` when there are not 32 of them.
    fn from_slice(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == KEY_BYTES).then(|| Self::build(|key| key.copy_from_slice(bytes)))
    }
}

macro_rules! key {
    ($($(#[$doc:meta])* $vis:vis $name:ident)*) => {$(
        $(#[$doc])*
        $vis struct $name(Box<Zeroizing<[u8; KEY_BYTES]>>);

        impl Key for $name {
            fn build(write: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
                let mut bytes = Box::new(Zeroizing::new([0; KEY_BYTES]));
                write(&mut bytes);
                Self(bytes)
            }
        }

        impl $name {
            /// The bytes themselves. The name marks every place where a key is looked at.
            #[must_use]
            $vis fn expose(&self) -> &[u8; KEY_BYTES] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )*};
}

key! {
    /// What the shares or the passphrase yield. Wraps the root key and nothing else.
    pub(crate) UnsealKey
    /// Seals the keyring. It stays the same while generations rotate, so rotation needs no shares.
    pub RootKey
    /// The secret of one key generation, as the keyring stores it.
    pub(crate) GenerationSecret
    /// Encrypts one version of one record, then is forgotten.
    pub(crate) DataKey
    /// A key for one purpose, the same through all generations.
    pub PurposeKey
    /// A key derived from another for one use.
    pub(crate) DerivedKey
}

impl PurposeKey {
    /// `HMAC-SHA-256[key](message)` (RFC 2104, FIPS 198-1).
    ///
    /// The caller separates uses: one purpose key, one kind of message.
    #[must_use]
    pub fn hmac_sha256(&self, message: &[u8]) -> [u8; 32] {
        kdf::hmac_sha256(self.expose(), message)
    }
}

/// One key generation, ready for use: a separate wrapping key per suite.
///
/// Derived once when the keyring is loaded. Separate keys, so that no bytes serve as an
/// XChaCha20-Poly1305 key and as HKDF input at the same time.
pub(crate) struct GenerationKey {
    secret: GenerationSecret,
    xchacha: DerivedKey,
    aes_input: DerivedKey,
}

impl GenerationKey {
    /// Draws a new generation.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        Self::from_secret(GenerationSecret::generate(entropy))
    }

    /// The generation of a stored secret.
    pub(crate) fn from_secret(secret: GenerationSecret) -> Self {
        let derive = |info| DerivedKey::build(|out| kdf::hkdf_sha256(b"", secret.expose(), info, out));
        let (xchacha, aes_input) = (derive(INFO_XCHACHA), derive(INFO_AES_INPUT));
        Self { secret, xchacha, aes_input }
    }

    /// The secret, for the keyring's own stored form.
    pub(crate) fn secret(&self) -> &GenerationSecret {
        &self.secret
    }

    /// Wraps data keys with XChaCha20-Poly1305.
    pub(crate) fn xchacha(&self) -> &DerivedKey {
        &self.xchacha
    }

    /// Yields one wrapping key per salt for AES-256-GCM.
    pub(crate) fn aes_input(&self) -> &DerivedKey {
        &self.aes_input
    }
}

impl fmt::Debug for GenerationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GenerationKey(redacted)")
    }
}

const INFO_XCHACHA: &[u8] = b"rotunda v1 generation xchacha20-poly1305";
const INFO_AES_INPUT: &[u8] = b"rotunda v1 generation aes-256-gcm";
