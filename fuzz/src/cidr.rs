//! Blocks of addresses: read back as they are shown, and decided bit by bit a second time.

use std::net::IpAddr;

use vault_core::identity::cidr::{CidrBlock, allows, are_within};

/// Reads each line as a block and as an address, and holds all against all.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = || text.lines().take(LINES_MAX);
    let blocks: Vec<CidrBlock> = lines().filter_map(|line| CidrBlock::parse(line).ok()).collect();
    let mut addresses: Vec<IpAddr> = lines().filter_map(|line| line.trim().parse().ok()).collect();
    addresses.extend(blocks.iter().flat_map(ends));
    for block in &blocks {
        assert_eq!(CidrBlock::parse(&block.to_string()), Ok(*block));
        assert_eq!(CidrBlock::parse(&block.with_length()), Ok(*block));
        for address in &addresses {
            assert_eq!(block.contains(*address), slow_contains(block, *address), "{block} {address}");
        }
        // What arrives mapped into IPv6 is IPv4, which no block of IPv6 holds.
        let plain = |end: &IpAddr| end.to_canonical() == *end;
        assert!(ends(block).iter().filter(|end| plain(end)).all(|end| block.contains(*end)), "{block}");
        for other in &blocks {
            assert_eq!(block.covers(other), slow_covers(block, other), "{block} covers {other}");
        }
    }
    for address in addresses {
        let slow = blocks.is_empty() || blocks.iter().any(|block| slow_contains(block, address));
        assert_eq!(allows(&blocks, address), slow);
    }
    assert!(are_within(&blocks, &blocks) && are_within(&blocks, &[]));
}

/// The first and the last address, from the block's own text.
fn ends(block: &CidrBlock) -> [IpAddr; 2] {
    let (bits, length) = bits_of(block);
    let end = |rest: bool| {
        let bits: Vec<bool> =
            bits.iter().enumerate().map(|(at, bit)| if at < length { *bit } else { rest }).collect();
        let number = bits.iter().fold(0u128, |number, bit| (number << 1) | u128::from(*bit));
        match u32::try_from(number) {
            Ok(number) if bits.len() == 32 => IpAddr::from(number.to_be_bytes()),
            _ => IpAddr::from(number.to_be_bytes()),
        }
    };
    [end(false), end(true)]
}

fn slow_contains(block: &CidrBlock, address: IpAddr) -> bool {
    let (own, length) = bits_of(block);
    let other = bits(address.to_canonical());
    own.len() == other.len() && own.iter().zip(&other).take(length).all(|(own, other)| own == other)
}

fn slow_covers(block: &CidrBlock, other: &CidrBlock) -> bool {
    let ((own, length), (other, other_length)) = (bits_of(block), bits_of(other));
    let begins = own.iter().zip(&other).take(length).all(|(own, other)| own == other);
    own.len() == other.len() && length <= other_length && begins
}

/// The address of a block bit by bit, and how many of them count.
fn bits_of(block: &CidrBlock) -> (Vec<bool>, usize) {
    let text = block.with_length();
    let (address, length) = text.split_once('/').unwrap_or((&text, ""));
    let address = address.parse::<IpAddr>().unwrap_or(IpAddr::from([0; 4]));
    (bits(address), length.parse().unwrap_or(0))
}

fn bits(address: IpAddr) -> Vec<bool> {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect()
}

const LINES_MAX: usize = 8;
