//! The table of expected against seen: as text, Markdown and JSON.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::judge::{Row, Verdict};

/// A fault on a server, or what was looked at when everything was over.
#[derive(Clone, Debug)]
pub struct Part {
    /// The fault's word; `end` for what was looked at when everything was over.
    pub word: &'static str,
    /// What happened, for people.
    pub title: &'static str,
    /// Where: `postgresql`, `ldap` or `vault`.
    pub place: &'static str,
    /// What was expected and seen.
    pub rows: Vec<Row>,
    /// Why it was left out.
    pub left_out: Option<String>,
    /// The times t0 to t8 of its incident, as the vault tells them; `null` where there was none.
    pub marks: Value,
}

/// What a drill came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order in which they were played.
    pub parts: Vec<Part>,
    /// How many accounts were in the vault's care.
    pub accounts: usize,
    /// How long it took, in whole seconds.
    pub seconds: u64,
    /// What was left on the disk because it was asked for.
    pub kept: Vec<String>,
}

impl Part {
    /// Whether all of it was as expected. What was left out is no failure.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.rows.iter().all(|row| row.verdict == Verdict::AsExpected)
    }

    /// The verdict in words.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        if self.left_out.is_some() {
            "left out"
        } else if self.is_as_expected() {
            "as expected"
        } else {
            "OTHERWISE"
        }
    }
}

impl Report {
    /// Whether something was played, and all of it was as expected.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        let is_played = self.parts.iter().any(|part| part.left_out.is_none());
        is_played && self.parts.iter().all(Part::is_as_expected)
    }

    /// One sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let played: Vec<&Part> = self.parts.iter().filter(|part| part.left_out.is_none()).collect();
        let rows = played.iter().map(|part| part.rows.len()).sum::<usize>();
        let good = played.iter().flat_map(|part| &part.rows);
        let good = good.filter(|row| row.verdict == Verdict::AsExpected).count();
        let verdict =
            if self.is_as_expected() { "everything was seen as expected" } else { "NOT as expected" };
        format!("{verdict}: {good} of {rows} looks, {} accounts, {} s", self.accounts, self.seconds)
    }

    /// For people; the lines of the table are broken at `width` columns.
    #[must_use]
    pub fn text(&self, width: u16) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).force_no_tty().set_header(["", "expected", "seen", ""]);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        // What is looked at and the verdict are never broken: by the first the rows are told apart.
        for column in [0, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let mut heads = Vec::new();
        for part in &self.parts {
            heads.push((table.row_count(), format!("{}, {}: {}", part.place, part.title, part.verdict())));
            for row in &part.rows {
                table.add_row([row.aspect.word(), &row.expected, &row.seen, row.verdict.word()]);
            }
        }
        self.with_heads(&table, &heads)
    }

    /// Puts a line of its own before the rows of each part: columns need not make room for it.
    fn with_heads(&self, table: &Table, heads: &[(usize, String)]) -> String {
        // One text for each row; a row that was broken has several lines.
        let whole: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        let mut text = String::new();
        let mut lines = whole.into_iter();
        if let Some(header) = lines.next() {
            text.push_str(&header);
            text.push('\n');
        }
        let (mut row, mut heads) = (0, heads.iter().peekable());
        for line in lines {
            // Only the first line of a row begins with the aspect.
            let begins = !line.starts_with("  ");
            while let Some((_, head)) = heads.next_if(|(first, _)| begins && *first <= row) {
                text.push_str(&format!("\n{head}\n"));
            }
            row += usize::from(begins);
            text.push_str(&line);
            text.push('\n');
        }
        for (_, head) in heads {
            text.push_str(&format!("\n{head}\n"));
        }
        for part in &self.parts {
            if let Some(why) = &part.left_out {
                text.push_str(&format!("left out: {}, {}: {why}\n", part.place, part.title));
            }
        }
        text.push_str(&format!("\n{}\n", self.sentence()));
        text
    }

    /// A table in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("| where | fault | | expected | seen | |\n|---|---|---|---|---|---|\n");
        for part in &self.parts {
            if let Some(why) = &part.left_out {
                text.push_str(&format!(
                    "| {} | {} | | | {} | left out |\n",
                    part.place,
                    part.title,
                    cell(why)
                ));
            }
            for row in &part.rows {
                let (expected, seen) = (cell(&row.expected), cell(&row.seen));
                let (aspect, verdict) = (row.aspect.word(), row.verdict.word());
                let (place, title) = (part.place, part.title);
                text.push_str(&format!(
                    "| {place} | {title} | {aspect} | {expected} | {seen} | {verdict} |\n"
                ));
            }
        }
        text.push_str(&format!("\n{}\n", self.sentence()));
        text
    }

    /// Everything, for scripts.
    #[must_use]
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "aspect": row.aspect.word(), "expected": row.expected, "seen": row.seen,
                "as_expected": row.verdict == Verdict::AsExpected,
            })
        };
        let part = |part: &Part| {
            json!({
                "fault": part.word, "title": part.title, "place": part.place, "left_out": part.left_out,
                "as_expected": part.is_as_expected(), "marks": part.marks,
                "rows": part.rows.iter().map(row).collect::<Vec<_>>(),
            })
        };
        json!({
            "as_expected": self.is_as_expected(), "accounts": self.accounts, "seconds": self.seconds,
            "kept": self.kept, "parts": self.parts.iter().map(part).collect::<Vec<_>>(),
        })
    }
}

/// How wide the terminal is; a hundred columns when standard output goes elsewhere.
#[must_use]
pub fn terminal_width() -> u16 {
    Table::new().width().filter(|columns| *columns > 0).unwrap_or(WIDTH)
}

/// A cell of Markdown: a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Columns where nobody says how many there are.
const WIDTH: u16 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Aspect;

    fn row(aspect: Aspect, seen: &str, verdict: Verdict) -> Row {
        Row { aspect, expected: "one incident of the target".to_owned(), seen: seen.to_owned(), verdict }
    }

    fn part(place: &'static str, rows: Vec<Row>) -> Part {
        Part {
            word: "stopped",
            title: "the server is stopped",
            place,
            rows,
            left_out: None,
            marks: Value::Null,
        }
    }

    fn report() -> Report {
        let good = row(Aspect::Class, "one incident of the target", Verdict::AsExpected);
        let bad = row(Aspect::Grouped, "20 incidents | of accounts", Verdict::Otherwise);
        let parts = vec![part("postgresql", vec![good.clone()]), part("ldap", vec![good, bad])];
        Report { parts, accounts: 40, seconds: 7, kept: Vec::new() }
    }

    #[test]
    fn one_row_that_is_otherwise_spoils_the_whole_and_an_empty_drill_proves_nothing() {
        let mut report = report();
        assert!(
            !report.is_as_expected() && report.parts[0].is_as_expected() && !report.parts[1].is_as_expected()
        );
        assert_eq!(report.json()["as_expected"], false);
        report.parts.pop();
        assert!(report.is_as_expected());
        report.parts[0].left_out = Some("no module".to_owned());
        assert!(!report.is_as_expected(), "everything was left out");
        assert!(!Report::default().is_as_expected());
    }

    #[test]
    fn the_text_has_a_head_for_each_part_and_a_line_for_each_row() {
        let text = report().text(100);
        let lines: Vec<&str> = text.lines().collect();
        let at = |head: &str| lines.iter().position(|line| line.starts_with(head)).unwrap();
        assert_eq!(at("postgresql, the server is stopped: as expected"), 2, "{text}");
        assert!(lines[3].trim_start().starts_with("class") && lines[3].ends_with("ok"), "{text}");
        assert_eq!(at("ldap, the server is stopped: OTHERWISE"), 5, "{text}");
        assert!(lines[7].trim_start().starts_with("grouped") && lines[7].ends_with("OTHERWISE"), "{text}");
        assert!(text.ends_with("NOT as expected: 2 of 3 looks, 40 accounts, 7 s\n"), "{text}");
    }

    #[test]
    fn a_narrow_terminal_gets_lines_that_fit_and_loses_no_word() {
        let text = report().text(44);
        let table: Vec<&str> = text.lines().filter(|line| !line.contains(", ")).collect();
        assert!(table.iter().all(|line| line.chars().count() <= 44), "{text}");
        for word in ["incidents", "OTHERWISE", "target", "accounts"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert_eq!(text.matches("the server is stopped").count(), 2);
    }

    #[test]
    fn markdown_has_as_many_cells_in_each_row_whatever_was_seen() {
        let text = report().markdown();
        for line in text.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 7, "{line}");
        }
        assert_eq!(text.matches("OTHERWISE").count(), 1);
    }
}
