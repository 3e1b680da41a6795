//! `rotunda report ended` and `rotunda report attempts`: what the report adds up, page after page.

use serde::de::DeserializeOwned;
use vault_api::report::{EndedAttempts, EndedRotations};

use super::asked;
use crate::{
    args::report::LogArgs,
    command::Session,
    failure::{Exit, Failure},
    output,
};

/// A page as a table, and the place where the next one begins.
type Page = (String, Option<String>);

/// Page after page, so that a long log shows as it comes.
pub(super) async fn pages<T: DeserializeOwned>(
    path: &str,
    args: LogArgs,
    page: fn(&T) -> Page,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let mut after: Option<String> = None;
    loop {
        let given = [("from", args.from.clone()), ("to", args.to.clone()), ("after", after)];
        let answer = session.ask("reading the log", asked(path, given)).await?;
        let (table, next) = page(&answer.read_data()?);
        session.show(&answer, |_, _| Ok(table))?;
        after = next;
        if after.is_none() {
            return Ok(Exit::Done);
        }
    }
}

pub(super) fn ended(page: &EndedRotations) -> Page {
    let rows: Vec<Vec<String>> = page
        .rotations
        .iter()
        .map(|one| {
            vec![
                output::shown(&one.ended_at),
                output::shown(&one.subject),
                output::shown(&one.target),
                output::optional(one.team.as_deref()),
                one.attempts.to_string(),
                one.class
                    .as_deref()
                    .map_or("succeeded".to_owned(), |class| format!("parked: {}", output::shown(class))),
            ]
        })
        .collect();
    (output::columns(&["ENDED", "SUBJECT", "TARGET", "TEAM", "ATTEMPTS", "HOW"], &rows), page.next.clone())
}

pub(super) fn attempts(page: &EndedAttempts) -> Page {
    let rows: Vec<Vec<String>> = page
        .attempts
        .iter()
        .map(|one| {
            let failed = || output::optional(one.class.as_deref());
            vec![
                output::shown(&one.at),
                output::shown(&one.subject),
                output::shown(&one.target),
                output::optional(one.team.as_deref()),
                one.number.to_string(),
                output::optional(one.phase.as_deref()),
                if one.succeeded { "succeeded".to_owned() } else { failed() },
            ]
        })
        .collect();
    (
        output::columns(&["ENDED", "SUBJECT", "TARGET", "TEAM", "ATTEMPT", "STEP", "HOW"], &rows),
        page.next.clone(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_tells_how_each_ended_and_where_the_next_begins() {
        let one = json!({"subject": "db/app", "target": "pg", "ended_at": "2026-11-21T03:00:00.000Z", "attempts": 4});
        let mut parked = one.clone();
        parked["class"] = json!("unreachable");
        parked["team"] = json!("payments");
        let page = json!({"rotations": [one, parked], "next": "1.x"});
        let (text, next) = ended(&serde_json::from_value(page).unwrap());
        assert_eq!(
            (text.as_str(), next.as_deref()),
            (
                "\
ENDED                     SUBJECT  TARGET  TEAM      ATTEMPTS  HOW
2026-11-21T03:00:00.000Z  db/app   pg      -         4         succeeded
2026-11-21T03:00:00.000Z  db/app   pg      payments  4         parked: unreachable
",
                Some("1.x")
            )
        );
        let tried = json!({"attempts": [
            {"subject": "app", "target": "pg", "at": "2026-11-21T03:00:00.000Z", "number": 1, "class": "tls", "phase": "apply", "team": "dba"},
            {"subject": "app", "target": "pg", "at": "2026-11-21T03:01:00.000Z", "number": 2, "succeeded": true},
        ]});
        let (text, next) = attempts(&serde_json::from_value(tried).unwrap());
        assert_eq!(
            (text.as_str(), next),
            (
                "\
ENDED                     SUBJECT  TARGET  TEAM  ATTEMPT  STEP   HOW
2026-11-21T03:00:00.000Z  app      pg      dba   1        apply  tls
2026-11-21T03:01:00.000Z  app      pg      -     2        -      succeeded
",
                None
            )
        );
    }
}
