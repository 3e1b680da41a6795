//! Spans: what was done, from when to when, and as a part of what, in the terms of OpenTelemetry's
//! [trace data model](https://opentelemetry.io/docs/specs/otel/trace/api/). Whoever exports them knows the wire; here
//! nothing does.

mod context;

use std::fmt;

use crate::clock::Timestamp;
use crate::entropy::{Entropy, random_bytes};
use crate::rotation::fault::FaultClass;

pub use self::context::Caller;

/// One trace: all that belongs to one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// From its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// One span of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl SpanId {
    /// From its bytes; `None` for zeroes, by which no span may go.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// A new one.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        let [first, rest @ ..] = random_bytes::<8>(entropy);
        let [b, c, d, e, f, g, h] = rest;
        // Never zero, whatever is drawn.
        Self([first | 1, b, c, d, e, f, g, h])
    }

    /// The eight bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// Where a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its trace.
    pub trace: TraceId,
    /// Its id in that.
    pub span: SpanId,
}

/// What a span is to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something of the vault's own.
    Internal,
    /// A call to somebody else.
    Client,
    /// The order of something that is done later.
    Producer,
}

/// What is told of a span. Never a secret, and no text that came from a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word, a name, an id.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// An attribute: its name, and what it says.
pub type Attribute = (&'static str, Value);

/// Something that happened in the course of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What, as a stable word.
    pub name: String,
    /// More about it.
    pub attributes: Vec<Attribute>,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it is.
    pub place: Place,
    /// The span of the same trace that it is a part of.
    pub parent: Option<SpanId>,
    /// What was done, as a stable word.
    pub name: &'static str,
    /// What it is to others.
    pub kind: Kind,
    /// When it began, in nanoseconds since the Unix epoch.
    pub began: u64,
    /// When it ended, the same; never before it began.
    pub ended: u64,
    /// By what it failed; `None` when it did not.
    pub failed: Option<FaultClass>,
    /// About it.
    pub attributes: Vec<Attribute>,
    /// In its course.
    pub moments: Vec<Moment>,
    /// What it has to do with, elsewhere.
    pub links: Vec<Place>,
}

/// A moment in nanoseconds since the Unix epoch; what was before that is the epoch.
#[must_use]
pub fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(0).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn no_span_goes_by_zeroes() {
        assert_eq!(SpanId::from_bytes([0; 8]), None);
        let entropy = SeededEntropy::new(7);
        let (one, two) = (SpanId::random(&entropy), SpanId::random(&entropy));
        assert_ne!(one, two);
        assert_eq!(one.to_string().len(), 16);
    }

    #[test]
    fn moments_are_in_nanoseconds() {
        assert_eq!(nanos(Timestamp::from_millis(1_500)), 1_500_000_000);
        assert_eq!(nanos(Timestamp::from_millis(-1)), 0);
    }
}
