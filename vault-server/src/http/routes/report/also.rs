//! `also` of `reports/rotation`: further reports from the same walk over the records.

use vault_core::incident::report::Window;

use super::parts;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::routes::incident::moment_of;
use crate::service::report::{Asked, Terms};

/// Reads `target,rotator@2026-11-01T00:00:00Z`: adds to `asked`, whose first report is the one that these go with, what is
/// asked for besides; the words by which that is told. It ends with the first one, and begins with it where no time stands
/// behind the `@`.
pub(super) fn asked(context: &Context, asked: &mut Vec<Asked>) -> Result<Vec<String>, ApiError> {
    let text = context.fields().text("also")?.unwrap_or_default();
    let Some(first) = asked.first().copied().filter(|_| !text.is_empty()) else { return Ok(Vec::new()) };
    let mut words: Vec<String> = Vec::new();
    for one in text.split(',') {
        let (word, from) = one.split_once('@').unwrap_or((one, ""));
        let Some(by) = parts(word).filter(|_| !word.is_empty()) else {
            let what =
                "also is a list of class, target, rotator, team, account and month with commas between";
            return Err(ApiError::invalid(format!(
                "{what}, each with @ and a time where it begins elsewhere"
            )));
        };
        if words.iter().any(|other| other == word) {
            return Err(ApiError::invalid(format!("also names {word} twice")));
        }
        let from = if from.is_empty() { first.window.from } else { moment_of("the time in also", from)? };
        if from >= first.window.to || !from.is_in_calendar() {
            return Err(ApiError::invalid(
                "what also asks for must begin before to, and not before the year 0",
            ));
        }
        words.push(word.to_owned());
        // Single times to repair are told of the first one alone.
        let terms = Terms { durations: false, ..first.terms };
        asked.push(Asked { window: Window { from, ..first.window }, by, terms });
    }
    Ok(words)
}
