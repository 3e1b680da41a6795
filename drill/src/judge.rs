//! The judge: what was expected held against what was seen. Pure, so that its own errors are found without a server.

use std::time::Duration;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// How long after the harm the incident was opened.
    Detected,
    /// The class of the incident.
    Class,
    /// How many incidents there are for how many accounts.
    Grouped,
    /// How many messages told of it.
    Notified,
    /// What the vault did about it by itself.
    Acted,
    /// How often the server refused, or was asked for, what could do harm.
    Bounded,
    /// What a person had to type, and how that ended.
    Remedied,
    /// When the incident was closed.
    Closed,
    /// Whether what the vault hands out works, and what was before does not.
    Intact,
    /// Whether it could be played to the end.
    Played,
}

impl Aspect {
    /// How it is called.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Class => "class",
            Self::Grouped => "grouped",
            Self::Notified => "notified",
            Self::Acted => "acted",
            Self::Bounded => "bounded",
            Self::Remedied => "remedied by",
            Self::Closed => "closed",
            Self::Intact => "logins",
            Self::Played => "played",
        }
    }
}

/// What is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// These words.
    Is(String),
    /// This many, of what.
    Exactly(u64, &'static str),
    /// This many at most, of what.
    AtMost(u64, &'static str),
    /// Within this time.
    Within(Duration),
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// These words.
    Words(String),
    /// So many.
    Count(u64),
    /// After this time.
    After(Duration),
}

/// What became of one expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Seen as expected.
    AsExpected,
    /// Seen, and otherwise.
    Otherwise,
    /// Expected and not seen, or seen and not expected.
    Unmatched,
}

impl Verdict {
    /// How it is called.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AsExpected => "ok",
            Self::Otherwise => "OTHERWISE",
            Self::Unmatched => "NOT SEEN",
        }
    }
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What was looked at.
    pub aspect: Aspect,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// What that comes to.
    pub verdict: Verdict,
}

/// A row for each expectation, in their order, and one for each thing that was seen and not expected. Of several things
/// seen of one aspect each must be as expected.
#[must_use]
pub fn judge(expected: &[(Aspect, Want)], seen: &[(Aspect, Seen)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (aspect, want) in expected {
        let before = rows.len();
        for (_, seen) in seen.iter().filter(|(other, _)| other == aspect) {
            let verdict = if fits(want, seen) { Verdict::AsExpected } else { Verdict::Otherwise };
            rows.push(Row { aspect: *aspect, expected: wanted(want), seen: told(want, seen), verdict });
        }
        if rows.len() == before {
            let (expected, seen) = (wanted(want), "nothing".to_owned());
            rows.push(Row { aspect: *aspect, expected, seen, verdict: Verdict::Unmatched });
        }
    }
    for (aspect, seen) in seen.iter().filter(|(aspect, _)| expected.iter().all(|(other, _)| other != aspect))
    {
        let (expected, seen) = ("nothing".to_owned(), told(&Want::Is(String::new()), seen));
        rows.push(Row { aspect: *aspect, expected, seen, verdict: Verdict::Unmatched });
    }
    rows
}

fn fits(want: &Want, seen: &Seen) -> bool {
    match (want, seen) {
        (Want::Is(want), Seen::Words(seen)) => want == seen,
        (Want::Exactly(want, _), Seen::Count(seen)) => want == seen,
        (Want::AtMost(most, _), Seen::Count(seen)) => seen <= most,
        (Want::Within(most), Seen::After(seen)) => seen <= most,
        _ => false,
    }
}

fn wanted(want: &Want) -> String {
    match want {
        Want::Is(words) => words.clone(),
        Want::Exactly(count, of) => format!("{count} {of}"),
        Want::AtMost(count, of) => format!("at most {count} {of}"),
        Want::Within(time) => format!("within {} s", time.as_secs()),
    }
}

fn told(want: &Want, seen: &Seen) -> String {
    match (want, seen) {
        (_, Seen::Words(words)) => words.clone(),
        (Want::Exactly(_, of) | Want::AtMost(_, of), Seen::Count(count)) => format!("{count} {of}"),
        (_, Seen::Count(count)) => count.to_string(),
        (_, Seen::After(time)) => format!("after {:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Seen {
        Seen::Words(text.to_owned())
    }

    fn is(text: &str) -> Want {
        Want::Is(text.to_owned())
    }

    fn verdicts(expected: &[(Aspect, Want)], seen: &[(Aspect, Seen)]) -> Vec<Verdict> {
        judge(expected, seen).into_iter().map(|row| row.verdict).collect()
    }

    #[test]
    fn each_kind_of_expectation_is_met_at_its_bound_and_missed_beyond() {
        let (within, after) =
            (Want::Within(Duration::from_secs(60)), |millis| Seen::After(Duration::from_millis(millis)));
        for (want, seen, verdict) in [
            (is("drift"), words("drift"), Verdict::AsExpected),
            (is("drift"), words("unreachable"), Verdict::Otherwise),
            (is("drift"), words("drift "), Verdict::Otherwise),
            (Want::Exactly(1, "messages"), Seen::Count(1), Verdict::AsExpected),
            (Want::Exactly(1, "messages"), Seen::Count(0), Verdict::Otherwise),
            (Want::Exactly(1, "messages"), Seen::Count(2), Verdict::Otherwise),
            (Want::AtMost(4, "logins refused"), Seen::Count(0), Verdict::AsExpected),
            (Want::AtMost(4, "logins refused"), Seen::Count(4), Verdict::AsExpected),
            (Want::AtMost(4, "logins refused"), Seen::Count(5), Verdict::Otherwise),
            (within.clone(), after(60_000), Verdict::AsExpected),
            (within.clone(), after(60_001), Verdict::Otherwise),
            // Something of another kind never fits.
            (within, words("within 60 s"), Verdict::Otherwise),
            (Want::Exactly(1, "messages"), words("1 messages"), Verdict::Otherwise),
            (is("1"), Seen::Count(1), Verdict::Otherwise),
        ] {
            let rows = judge(&[(Aspect::Class, want)], &[(Aspect::Class, seen)]);
            assert_eq!((rows.len(), rows[0].verdict), (1, verdict), "{rows:?}");
        }
    }

    #[test]
    fn what_was_not_looked_at_is_no_success() {
        assert_eq!(verdicts(&[(Aspect::Class, is("drift"))], &[]), [Verdict::Unmatched]);
        let other = [(Aspect::Acted, words("drift"))];
        assert_eq!(
            verdicts(&[(Aspect::Class, is("drift"))], &other),
            [Verdict::Unmatched, Verdict::Unmatched]
        );
        assert_eq!(verdicts(&[], &other), [Verdict::Unmatched]);
    }

    #[test]
    fn of_several_looks_at_one_thing_each_counts() {
        let seen = [(Aspect::Closed, words("closed")), (Aspect::Closed, words("open"))];
        let expected = [(Aspect::Closed, is("closed"))];
        assert_eq!(verdicts(&expected, &seen), [Verdict::AsExpected, Verdict::Otherwise]);
    }

    #[test]
    fn a_row_says_what_was_expected_and_seen_in_the_same_words() {
        let expected = [(Aspect::Bounded, Want::AtMost(4, "logins refused"))];
        let rows = judge(&expected, &[(Aspect::Bounded, Seen::Count(9))]);
        assert_eq!(
            (rows[0].expected.as_str(), rows[0].seen.as_str()),
            ("at most 4 logins refused", "9 logins refused")
        );
        let rows = judge(&[(Aspect::Detected, Want::Within(Duration::from_secs(60)))], &[]);
        assert_eq!((rows[0].expected.as_str(), rows[0].seen.as_str()), ("within 60 s", "nothing"));
    }
}
