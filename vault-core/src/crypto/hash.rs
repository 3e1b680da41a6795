//! Plain digests, for callers who need one of a text of theirs, and for names of records that hide nothing.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// A hash function of the SHA-2 family (FIPS 180-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// By the name that Vault gives it, such as `sha2-256`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sha2-224" => Some(Self::Sha224),
            "sha2-256" => Some(Self::Sha256),
            "sha2-384" => Some(Self::Sha384),
            "sha2-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The digest of `input`.
    #[must_use]
    pub fn digest(self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha224 => Sha224::digest(input).to_vec(),
            Self::Sha256 => Sha256::digest(input).to_vec(),
            Self::Sha384 => Sha384::digest(input).to_vec(),
            Self::Sha512 => Sha512::digest(input).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180-4, the message "abc".
        for (name, want) in [
            ("sha2-224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            ("sha2-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "sha2-384",
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                "sha2-512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            assert_eq!(HEXLOWER.encode(&Hash::parse(name).unwrap().digest(b"abc")), want);
        }
        assert_eq!(Hash::parse("md5"), None);
    }
}
