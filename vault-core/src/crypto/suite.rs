//! Which cipher a sealed record uses.

/// An authenticated cipher, by the byte that names it in a header. Never reuse a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Suite {
    /// AES-256 in Galois/Counter mode, 96-bit nonce, 128-bit tag (NIST SP 800-38D).
    Aes256Gcm = 1,
    /// XChaCha20-Poly1305, 192-bit nonce, 128-bit tag (draft-irtf-cfrg-xchacha-03). The default: its
    /// nonces can be random at any volume, and its speed needs no special instructions.
    #[default]
    XChaCha20Poly1305 = 2,
}

impl Suite {
    /// Both suites, in the order of their byte.
    pub const ALL: [Self; 2] = [Self::Aes256Gcm, Self::XChaCha20Poly1305];

    /// The byte that names this suite in a header.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The suite that `byte` names; `None` when this version knows none.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Aes256Gcm),
            2 => Some(Self::XChaCha20Poly1305),
            _ => None,
        }
    }

    /// The name in configuration and status.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::XChaCha20Poly1305 => "xchacha20-poly1305",
        }
    }

    /// The suite of a [`name`](Self::name); `None` when there is none of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Nonce length in bytes.
    pub(super) const fn nonce_bytes(self) -> usize {
        match self {
            Self::Aes256Gcm => 12,
            Self::XChaCha20Poly1305 => 24,
        }
    }
}

/// Tag length in bytes, the same in both suites.
pub(super) const TAG_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_suite_is_found_by_its_byte_and_by_its_name() {
        for suite in Suite::ALL {
            assert_eq!(Suite::from_byte(suite.byte()), Some(suite));
            assert_eq!(Suite::parse(suite.name()), Some(suite));
        }
    }

    #[test]
    fn every_other_byte_names_no_suite() {
        let known = (0..=u8::MAX).filter(|byte| Suite::from_byte(*byte).is_some()).collect::<Vec<_>>();
        assert_eq!(known, [1, 2]);
        assert_eq!(Suite::parse("aes-128-gcm"), None);
    }
}
