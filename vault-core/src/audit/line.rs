//! One line of the trail: its exact bytes, and how it is read back.
//!
//! ```text
//!   {"seq":N,"time":"…","type":"…", body ,"prev":"<64 hex>" ,"hash":"<64 hex>"} \n
//!   └──────────────── covered ────────────────────────────┘
//! ```
//!
//! `hash` is SHA-256 over the bytes of the line before `,"hash":"`, so any tool can recompute it, and no
//! canonical JSON is needed: what was written is what is hashed. `prev` is the `hash` of the line before.

use std::fmt;
use std::io::Write;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::checkpoint::Checkpoint;
use super::head::Head;
use crate::clock::Timestamp;

/// The hash of one line.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LineHash([u8; 32]);

impl LineHash {
    /// What the first line of a trail names as its predecessor.
    pub const ZERO: Self = Self([0; 32]);

    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
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

impl fmt::Display for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<LineHash> for String {
    fn from(hash: LineHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for LineHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a hash is 64 lower-case hexadecimal digits")
    }
}

/// What the chain says about itself, under the key `chain` of lines of type `chain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ChainEvent {
    /// The first line of every file.
    Opened {
        /// The version of this format.
        format: u32,
        /// The key that signs this file's checkpoints, in hex.
        public_key: String,
    },
    /// A signature over everything before it.
    Checkpoint(Checkpoint),
    /// The lines just before this one are the torn rest of a write that a crash or a full disk cut short.
    Recovered {
        /// How many bytes, without the line feed that closes them.
        torn_bytes: u64,
        /// Their hash, so that nothing else can be passed off as them.
        torn_sha256: LineHash,
    },
    /// On opening, the file ended before the line that the head file names.
    TailLost {
        /// The line that the head file named.
        expected: Head,
    },
}

impl ChainEvent {
    /// As the body of a line.
    pub(super) fn to_body(&self) -> String {
        // A struct of integers and strings always serialises.
        let event = serde_json::to_string(self).unwrap_or_default();
        format!("\"chain\":{event}")
    }
}

/// The `type` of lines that hold a [`ChainEvent`].
pub(super) const CHAIN: &str = "chain";

/// A line that was read and whose hash fits its bytes. Its place in the chain is not checked yet.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at: Head,
    pub(super) prev: LineHash,
    pub(super) time: String,
    pub(super) chain: Option<ChainEvent>,
}

/// Writes a line after `prev`, with its line feed, into `out`; returns its number and hash.
pub(super) fn compose(out: &mut Vec<u8>, prev: Head, now: Timestamp, kind: &str, body: &str) -> Head {
    let seq = prev.seq.saturating_add(1);
    let begin = out.len();
    // Writing to memory does not fail.
    let _ = write!(
        out,
        "{{\"seq\":{seq},\"time\":\"{now}\",\"type\":\"{kind}\",{body},\"prev\":\"{}\"",
        prev.hash
    );
    let hash = LineHash::of(out.get(begin..).unwrap_or_default());
    let _ = writeln!(out, "{HASH_KEY}{hash}\"}}");
    Head { seq, hash }
}

/// Reads a line, given without its line feed; `None` when its hash does not fit or it is not one of ours.
pub(super) fn read(bytes: &[u8]) -> Option<Line> {
    let (covered, suffix) = bytes.split_at_checked(bytes.len().checked_sub(SUFFIX_LENGTH)?)?;
    let hex = suffix.strip_prefix(HASH_KEY.as_bytes())?.strip_suffix(b"\"}")?;
    let hash = LineHash::parse(std::str::from_utf8(hex).ok()?)?;
    if LineHash::of(covered) != hash {
        return None;
    }
    let fields: Fields = serde_json::from_slice(bytes).ok()?;
    (fields.chain.is_some() == (fields.kind == CHAIN)).then_some(Line {
        at: Head { seq: fields.seq, hash },
        prev: fields.prev,
        time: fields.time,
        chain: fields.chain,
    })
}

/// The fields that the chain needs; the others belong to the reader of the trail.
#[derive(Deserialize)]
struct Fields {
    seq: u64,
    time: String,
    #[serde(rename = "type")]
    kind: String,
    prev: LineHash,
    #[serde(default)]
    chain: Option<ChainEvent>,
}

/// The longest line, with its line feed: far above any entry, since strings are digests by then.
pub(super) const LINE_BYTES_MAX: usize = 8 << 20;

const HASH_KEY: &str = ",\"hash\":\"";
const SUFFIX_LENGTH: usize = HASH_KEY.len() + 64 + "\"}".len();

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Vec<u8> {
        let mut out = Vec::new();
        let _ = compose(&mut out, Head::GENESIS, Timestamp::EPOCH, "request", "\"request\":{\"a\":1}");
        out
    }

    #[test]
    fn a_line_has_exactly_these_bytes() {
        assert_eq!(String::from_utf8(line()).unwrap(), GOLDEN);
    }

    #[test]
    fn a_line_reads_back_and_any_flipped_bit_is_refused() {
        let line = line();
        let line = line.strip_suffix(b"\n").unwrap();
        let read_back = read(line).unwrap();
        assert_eq!((read_back.at.seq, read_back.prev), (1, LineHash::ZERO));
        for index in 0..line.len() {
            for bit in 0..8 {
                let mut flipped = line.to_vec();
                flipped[index] ^= 1 << bit;
                assert!(read(&flipped).is_none(), "byte {index} bit {bit}");
            }
        }
        for length in 0..line.len() {
            assert!(read(&line[..length]).is_none(), "cut to {length}");
        }
    }

    #[test]
    fn a_chain_event_needs_the_chain_type() {
        let event = ChainEvent::Recovered { torn_bytes: 3, torn_sha256: LineHash::ZERO };
        for (kind, readable) in [("chain", true), ("system", false)] {
            let mut out = Vec::new();
            let _ = compose(&mut out, Head::GENESIS, Timestamp::EPOCH, kind, &event.to_body());
            assert_eq!(read(out.strip_suffix(b"\n").unwrap()).is_some(), readable, "{kind}");
        }
    }

    // The hash is from: printf %s '{"seq":1,…,"prev":"0…0"' | sha256sum
    const GOLDEN: &str = concat!(
        "{\"seq\":1,\"time\":\"1970-01-01T00:00:00.000Z\",\"type\":\"request\",\"request\":{\"a\":1}",
        ",\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\"",
        ",\"hash\":\"e13afdd0924cd75de6c0d69a0834d53a954afd0982beff1fe24e45d73469b73d\"}\n",
    );
}
