//! What a caller says of the trace that its request belongs to: the header `traceparent` of
//! [W3C Trace Context](https://www.w3.org/TR/trace-context-1/#traceparent-header).

use data_encoding::HEXLOWER;

use super::{Place, SpanId, TraceId};

/// The caller's own span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Where it is.
    pub place: Place,
    /// Whether it is recorded: of a trace that nobody keeps, nothing is added.
    pub is_sampled: bool,
}

impl Caller {
    /// Reads `traceparent`; `None` for what is none, which is as good as no header (section 3.2).
    ///
    /// A version that came later may say more at the end, after a hyphen; version `ff` is forbidden.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let version = byte(parts.next()?)?;
        let trace: [u8; 16] = bytes(parts.next()?)?;
        let span = SpanId::from_bytes(bytes(parts.next()?)?)?;
        let flags = byte(parts.next()?)?;
        let is_more = parts.next().is_some();
        if version == 0xff || trace == [0; 16] || (version == 0 && is_more) {
            return None;
        }
        let place = Place { trace: TraceId::from_bytes(trace), span };
        Some(Self { place, is_sampled: flags & SAMPLED != 0 })
    }
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn byte(text: &str) -> Option<u8> {
    bytes(text).map(|[byte]| byte)
}

/// The flag of a trace that is recorded.
const SAMPLED: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_recommendation_are_read() {
        let sampled = Caller::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(sampled.place.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(sampled.place.span.to_string(), "00f067aa0ba902b7");
        assert!(sampled.is_sampled);
        let unsampled = Caller::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap();
        assert!(!unsampled.is_sampled);
        let later = Caller::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future");
        assert!(later.is_some());
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        for header in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
            "00-ébf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Caller::parse(header), None, "{header}");
        }
    }
}
