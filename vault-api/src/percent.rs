//! Shares as people read them.

use std::fmt;

/// A share of a whole, shown in per cent: with one digit after the point, and with up to three more where what is not 0 % or
/// not 100 % would look like it with fewer.
///
/// So one failure in 2,500 leaves `99.96 %`, and not `100.0 %`. What is nearer than that is `< 0.0001 %`, `> 99.9999 %` or, where
/// more than the whole can be (a budget that is overdrawn), `> 100.0000 %`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        let is_end = is_end(&percent.to_string());
        let told = (1..=DIGITS_MAX)
            .map(|digits| format!("{percent:.digits$}"))
            .find(|told| is_end || !self::is_end(told));
        match told {
            Some(told) => write!(formatter, "{told} %"),
            None if percent < 50.0 => formatter.write_str("< 0.0001 %"),
            None if percent < 100.0 => formatter.write_str("> 99.9999 %"),
            None => formatter.write_str("> 100.0000 %"),
        }
    }
}

/// Whether a number reads as nothing or as all.
fn is_end(told: &str) -> bool {
    let whole = told.split_once('.').filter(|(_, part)| part.bytes().all(|digit| digit == b'0'));
    matches!(whole.map_or(told, |(whole, _)| whole), "0" | "100")
}

/// Shares are told in millionths.
const DIGITS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_as_none_or_as_all_that_is_not() {
        for (share, want) in [
            (0.0, "0.0 %"),
            (1.0, "100.0 %"),
            (0.5, "50.0 %"),
            (0.166_666, "16.7 %"),
            (1.0 - 0.000_4, "99.96 %"),
            (0.999_6, "99.96 %"),
            (0.999_96, "99.996 %"),
            (0.999_999, "99.9999 %"),
            (0.999_4, "99.9 %"),
            (0.000_4, "0.04 %"),
            (0.000_001, "0.0001 %"),
            (0.000_000_1, "< 0.0001 %"),
            (0.999_999_9, "> 99.9999 %"),
            (1.000_4, "100.04 %"),
            (1.000_000_1, "> 100.0000 %"),
            (10.0, "1000.0 %"),
        ] {
            assert_eq!(Percent(share).to_string(), want, "{share}");
        }
    }
}
