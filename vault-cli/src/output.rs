//! From the server's data to columns that people read.
//!
//! Cells come from other people too (reasons, notes, names), so control characters are shown, never sent to
//! the terminal.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value};

/// Lines up rows under headings; nothing is wrapped, so that everything can be copied.
pub(crate) fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    table.set_header(headings);
    for row in rows {
        table.add_row(row);
    }
    lines(&table)
}

/// Lines up names and values; a value keeps its trailing blanks, for it may be a password.
pub(crate) fn record<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<(&str, String)> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    pairs.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// The pairs of an object as the server sent them, those in `first` before the others.
pub(crate) fn pairs<'a>(object: &'a Map<String, Value>, first: &[&str]) -> Vec<(&'a str, String)> {
    let rank = |name: &str| first.iter().position(|wanted| *wanted == name).unwrap_or(first.len());
    let mut pairs: Vec<(&str, String)> =
        object.iter().map(|(name, value)| (name.as_str(), cell(value))).collect();
    // Stable: what is not named keeps its alphabetical order.
    pairs.sort_by_key(|(name, _)| rank(name));
    pairs
}

/// One value in one cell.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => shown(text),
        Value::Array(elements) if elements.is_empty() => NOTHING.to_owned(),
        Value::Array(elements)
            if elements.iter().all(|element| !element.is_object() && !element.is_array()) =>
        {
            elements.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => shown(&other.to_string()),
    }
}

/// An optional text in one cell.
pub(crate) fn optional(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).map_or_else(|| NOTHING.to_owned(), shown)
}

/// Text with its control characters made visible.
pub(crate) fn shown(text: &str) -> String {
    if !text.chars().any(is_unseen) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        if is_unseen(letter) {
            shown.extend(letter.escape_default())
        } else {
            shown.push(letter)
        }
        shown
    })
}

/// What a terminal obeys instead of showing it: control characters, and what turns the direction of a text (Unicode's
/// `Bidi_Control`), by which a name could look like another.
fn is_unseen(letter: char) -> bool {
    let turns = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter.is_control() || turns
}

/// A value without quotes, for `--field`.
pub(crate) fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn lines(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        // The preset pads each cell on the left as well; the first column starts at the margin here.
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        text.push('\n');
    }
    text
}

/// What stands for no value.
const NOTHING: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_without_borders_or_trailing_blanks() {
        let rows =
            [vec!["db/app".to_owned(), "idle".to_owned()], vec!["a".to_owned(), "quarantined".to_owned()]];
        assert_eq!(columns(&["PATH", "STATE"], &rows), "PATH    STATE\ndb/app  idle\na       quarantined\n");
    }

    #[test]
    fn a_record_puts_the_named_pairs_first() {
        let Value::Object(data) = serde_json::json!({
            "b": null, "a": ["x", 1], "username": "app", "deep": {"n": 1.0}, "empty": "", "password": "p w"
        }) else {
            unreachable!()
        };
        let text = record(pairs(&data, &["username", "password"]));
        assert_eq!(
            text,
            "username  app\npassword  p w\na         x, 1\nb         -\ndeep      {\"n\":1.0}\nempty     -\n"
        );
    }

    #[test]
    fn what_others_wrote_cannot_drive_the_terminal() {
        let text = record([("reason", cell(&Value::from("fine\u{1b}[2J\nstate  ok")))]);
        assert_eq!(text, "reason  fine\\u{1b}[2J\\nstate  ok\n");
    }
}
