//! Blocks of addresses from which something may be used.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A block of addresses, such as `10.0.0.0/8`.
///
/// Shown as Vault shows a token's: a block of one address without its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CidrBlock {
    address: IpAddr,
    length: u8,
}

/// A text is no block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid CIDR block: give an address, or an address and the length of its prefix, such as 10.0.0.0/8"
)]
pub struct CidrError;

impl CidrBlock {
    /// Reads `ADDRESS/LENGTH`, or `ADDRESS` for that address alone.
    ///
    /// # Errors
    /// [`CidrError`].
    pub fn parse(text: &str) -> Result<Self, CidrError> {
        let text = text.trim();
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| CidrError)?;
        let most = bits(address);
        let length = match length {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| CidrError)?
            }
            Some(_) => return Err(CidrError),
            None => most,
        };
        if length > most { Err(CidrError) } else { Ok(Self::unmapped(address, length)) }
    }

    /// A block of IPv4 that is written mapped into IPv6 is the block of IPv4, as in Go: it is held against addresses
    /// that are no longer mapped.
    fn unmapped(address: IpAddr, length: u8) -> Self {
        match (address.to_canonical(), length.checked_sub(MAPPED_BITS)) {
            (canonical @ IpAddr::V4(_), Some(length)) if address.is_ipv6() => {
                Self { address: canonical, length }
            }
            _ => Self { address, length },
        }
    }

    /// Reads each of `texts`.
    ///
    /// # Errors
    /// [`CidrError`] when one of them is none.
    pub fn parse_all(texts: &[String]) -> Result<Vec<Self>, CidrError> {
        texts.iter().map(|text| Self::parse(text)).collect()
    }

    /// Whether `address` is in the block. An IPv4 address that arrives mapped into IPv6 is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.begins(address.to_canonical())
    }

    /// Whether `address` begins as the block does, in the form it is in.
    fn begins(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.length);
                let head = |address: u32| u64::from(address) >> shift;
                head(own.to_bits()) == head(other.to_bits())
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.length);
                let head = |address: u128| address.checked_shr(shift).unwrap_or(0);
                head(own.to_bits()) == head(other.to_bits())
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Whether every address of `other` is in this block.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.length <= other.length && self.begins(other.address)
    }

    /// With its length always, as AppRole shows the blocks of secret ids.
    #[must_use]
    pub fn with_length(&self) -> String {
        format!("{}/{}", self.address, self.length)
    }
}

/// Whether `address` is in one of `blocks`; no blocks are no bounds.
#[must_use]
pub fn allows(blocks: &[CidrBlock], address: IpAddr) -> bool {
    blocks.is_empty() || blocks.iter().any(|block| block.contains(address))
}

/// Whether each of `narrow` lies within one of `wide`; an empty `wide` is no bound.
#[must_use]
pub fn are_within(narrow: &[CidrBlock], wide: &[CidrBlock]) -> bool {
    wide.is_empty() || narrow.iter().all(|block| wide.iter().any(|outer| outer.covers(block)))
}

/// What stands before an IPv4 address that is mapped into IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for CidrBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == bits(self.address) {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.length)
        }
    }
}

impl From<CidrBlock> for String {
    fn from(block: CidrBlock) -> Self {
        block.with_length()
    }
}

impl TryFrom<String> for CidrBlock {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> CidrBlock {
        CidrBlock::parse(text).unwrap()
    }

    #[test]
    fn an_address_is_in_a_block_when_their_heads_are_the_same() {
        for (text, address, want) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3/32", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("::1", "::1", true),
            ("::ffff:10.0.0.0/104", "10.255.0.1", true),
            ("::ffff:10.0.0.0/104", "::ffff:11.0.0.1", false),
            ("::ffff:10.1.2.3", "10.1.2.3", true),
            ("::ffff:10.0.0.0/90", "10.0.0.0", false),
        ] {
            assert_eq!(block(text).contains(address.parse().unwrap()), want, "{text} {address}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "name", "/8"] {
            assert_eq!(CidrBlock::parse(text), Err(CidrError), "{text:?}");
        }
    }

    #[test]
    fn a_narrow_list_lies_within_a_wide_one() {
        let list = |texts: &[&str]| texts.iter().map(|text| block(text)).collect::<Vec<_>>();
        for (narrow, wide, want) in [
            (&["10.1.0.0/16"][..], &["10.0.0.0/8", "192.0.2.0/24"][..], true),
            (&["10.0.0.0/8"], &["10.1.0.0/16"], false),
            (&["10.1.0.0/16", "11.0.0.0/8"], &["10.0.0.0/8"], false),
            (&["11.0.0.0/8"], &[], true),
            (&["::ffff:10.1.0.0/112"], &["10.0.0.0/8"], true),
            (&["::ffff:10.1.0.0/90"], &["0.0.0.0/0"], false),
            (&[], &["10.0.0.0/8"], true),
        ] {
            assert_eq!(are_within(&list(narrow), &list(wide)), want, "{narrow:?} {wide:?}");
        }
    }

    #[test]
    fn it_is_shown_and_stored_as_it_can_be_read() {
        assert_eq!(block("127.0.0.1/32").to_string(), "127.0.0.1");
        assert_eq!(block("127.0.0.1").with_length(), "127.0.0.1/32");
        assert_eq!(block("10.0.0.0/8").to_string(), "10.0.0.0/8");
        let json = serde_json::to_string(&block("::1")).unwrap();
        assert_eq!((json.as_str(), serde_json::from_str(&json).ok()), ("\"::1/128\"", Some(block("::1"))));
    }
}
