//! What can be wrong with a trail, in words for the person who has to act on it.

use std::fmt;

use super::super::checkpoint::PublicKey;
use super::super::head::Head;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line of the file, counted from 1, at which it shows.
    pub line: u64,
    /// What it is.
    pub kind: FindingKind,
}

/// The kinds of damage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// The file has no lines.
    Empty,
    /// The first line does not open a trail.
    NoBeginning,
    /// A line that opens a trail stands inside it.
    SecondBeginning,
    /// The file does not follow the one named by the caller, or claims a beginning it cannot have.
    OtherBeginning,
    /// The line's hash does not fit its bytes, or it is no line of a trail.
    Altered,
    /// Lines are missing before this one.
    Missing {
        /// The first missing number.
        from: u64,
        /// The last missing number.
        to: u64,
    },
    /// The line's number was passed already.
    OutOfOrder {
        /// The line's number.
        seq: u64,
        /// The number before it.
        after: u64,
    },
    /// The number is right, but the line before is not the one this line was written after.
    Unlinked,
    /// A checkpoint's signature is not good.
    BadSignature,
    /// A checkpoint is signed by another key than the one expected.
    OtherKey {
        /// The key it names.
        found: PublicKey,
    },
    /// A `recovered` line names no torn bytes that stand before it, or others.
    FalseRecovery,
    /// The vault itself noted, when it opened the file, that lines were gone from the end.
    TailLost {
        /// The last line that had been there.
        expected: Head,
    },
    /// The file ends inside a line.
    Torn {
        /// How many bytes of it there are.
        bytes: u64,
    },
    /// The file ends before the expected line.
    Truncated {
        /// The line that should be there.
        expected: Head,
    },
    /// The expected line is there but reads otherwise.
    OtherHead {
        /// The line that should be there.
        expected: Head,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty: everything was removed, or nothing was written"),
            Self::NoBeginning => f.write_str(
                "the first line does not open a trail: lines before it were removed, or this is another kind of file",
            ),
            Self::SecondBeginning => {
                f.write_str("a trail begins here, inside a file: two files were put together")
            }
            Self::OtherBeginning => {
                f.write_str("the file does not continue the one before it: a file between them is missing")
            }
            Self::Altered => f.write_str("the line was changed after it was written"),
            Self::Missing { from, to } if from == to => write!(f, "entry {from} was removed before this line"),
            Self::Missing { from, to } => write!(f, "entries {from} to {to} were removed before this line"),
            Self::OutOfOrder { seq, after } => {
                write!(f, "entry {seq} stands after entry {after}: lines were moved or duplicated")
            }
            Self::Unlinked => {
                f.write_str("the line was not written after the one before it: that one was replaced")
            }
            Self::BadSignature => f.write_str("the checkpoint's signature is not good: the chain was rewritten"),
            Self::OtherKey { found } => {
                write!(f, "the checkpoint is signed by the key {found}, which is not this trail's")
            }
            Self::FalseRecovery => {
                f.write_str("the line closes a torn write that is not there, or not in this form: it was changed")
            }
            Self::TailLost { expected } => write!(
                f,
                "when the vault opened the file, it ended before entry {}: lines were removed, or lost by a power cut",
                expected.seq
            ),
            Self::Torn { bytes } => {
                write!(f, "the file ends {bytes} bytes into a line: the write was cut short, or the end cut off")
            }
            Self::Truncated { expected } => {
                write!(f, "the file ends here, but entry {} had been written: its end was cut off", expected.seq)
            }
            Self::OtherHead { expected } => {
                write!(f, "entry {} is not the one that had been written: the end was replaced", expected.seq)
            }
        }
    }
}
