//! Reports as tables: CSV for spreadsheets, Markdown for people.

use vault_api::report::{
    AgeBucket, AgeReport, DueReport, ReportGroup, RotationReport, Spread, StandingReport,
};

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn new(head: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { head: head.iter().map(|cell| (*cell).to_owned()).collect(), rows }
    }

    /// As RFC 4180 has it. No cell is a formula to a spreadsheet: one that begins like that gets a `'` before it. So does one
    /// that begins with a `'`: whoever takes one away has what was said.
    #[must_use]
    pub fn csv(&self) -> String {
        let line = |row: &Vec<String>| row.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",");
        self.lines().map(|row| line(row) + "\r\n").collect()
    }

    /// A Markdown table, in which nothing of a cell is markup.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|cell| markdown_cell(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = format!("|{}\n", "---|".repeat(self.head.len()));
        let rows: String = self.rows.iter().map(line).collect();
        format!("{}{rule}{rows}", line(&self.head))
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.head).chain(&self.rows)
    }
}

/// Spreadsheets take a cell for a formula by its first character, also after a quote of the format's own.
fn csv_cell(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

fn markdown_cell(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    for character in cell.chars() {
        match character {
            '\r' | '\n' => out.push(' '),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '~' | '#' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

/// The rotation report: a row for the whole and one for each part; where parts are left out, a last one of the kind `left_out`
/// whose name says how many.
#[must_use]
pub fn rotation(report: &RotationReport) -> Sheet {
    let mut head: Vec<String> = COUNTS.iter().map(|name| (*name).to_owned()).collect();
    for measure in ["ttd", "ttn", "tta", "ttm", "ttr"] {
        head.extend(SPREAD.iter().map(|name| format!("{measure}_{name}")));
    }
    let whole = ReportGroup {
        name: "total".to_owned(),
        window: report.window.clone(),
        rotations: report.rotations,
        attempts: report.attempts,
        budget: report.budget,
        incidents: report.incidents,
        work: report.work,
        ttd: report.ttd,
        ttn: report.ttn,
        tta: report.tta,
        ttm: report.ttm,
        ttr: report.ttr,
        repairs: Vec::new(),
        change: None,
    };
    let currency = report.currency.as_deref();
    let parts = report.groups.iter().map(|part| group("part", part, currency));
    let mut rows: Vec<Vec<String>> = std::iter::once(group("total", &whole, currency)).chain(parts).collect();
    rows.extend(beyond(report.left_out, head.len()));
    Sheet { head, rows }
}

/// The last row of a file that is not whole: it says so itself.
fn beyond(left_out: u64, cells: usize) -> Option<Vec<String>> {
    let mut row = vec![String::new(); cells];
    row.splice(..2, ["left_out".to_owned(), left_out.to_string()]);
    (left_out > 0).then_some(row)
}

fn group(kind: &str, part: &ReportGroup, currency: Option<&str>) -> Vec<String> {
    let (rotations, attempts, incidents) = (part.rotations, part.attempts, part.incidents);
    let mut row = vec![
        kind.to_owned(),
        part.name.clone(),
        part.window.from.clone(),
        part.window.to.clone(),
        rotations.succeeded.to_string(),
        rotations.failed.to_string(),
        optional(rotations.failure_share),
        attempts.succeeded.to_string(),
        attempts.failed.to_string(),
        optional(attempts.failure_share),
        optional(part.budget.rotations.map(|burn| burn.rate)),
        optional(part.budget.rotations.map(|burn| burn.spent)),
        incidents.opened.to_string(),
        incidents.resolved.to_string(),
        incidents.open.to_string(),
        optional(incidents.oldest_open_seconds),
        incidents.never_acknowledged.to_string(),
        incidents.never_notified.to_string(),
        incidents.withdrawn.to_string(),
        part.work.reviewed.to_string(),
        part.work.unreviewed.to_string(),
        part.work.staff_minutes.to_string(),
        optional(part.work.cost),
        part.work.cost.and(currency).unwrap_or_default().to_owned(),
    ];
    for measure in [&part.ttd, &part.ttn, &part.tta, &part.ttm, &part.ttr] {
        row.extend(spread(measure));
    }
    row
}

fn spread(spread: &Spread) -> [String; SPREAD.len()] {
    [
        spread.n.to_string(),
        spread.completed.to_string(),
        spread.censored.to_string(),
        spread.suspect.to_string(),
        optional(spread.mean),
        optional(spread.p50),
        spread.p50_is_floor.to_string(),
        optional(spread.p90),
        spread.p90_is_floor.to_string(),
        optional(spread.max),
        spread.max_is_floor.to_string(),
    ]
}

/// How accounts and their consumers stand: a row for each figure.
#[must_use]
pub fn standing(report: &StandingReport) -> Sheet {
    let whole = [
        ("accounts", report.accounts),
        ("failing", report.failing),
        ("overdue", report.overdue),
        ("soon", report.soon),
        ("never_rotated", report.never_rotated),
        ("held", report.held),
        ("lent", report.lent),
        ("lent_late", report.lent_late),
        ("revoking", report.revoking),
    ];
    let row = |kind: &str, name: &str, count: u64| vec![kind.to_owned(), name.to_owned(), count.to_string()];
    let states = report.by_state.iter().map(|(state, count)| row("state", state, *count));
    let consumers = &report.consumers;
    let totals = [("current", consumers.current), ("lagging", consumers.lagging)];
    let totals = totals.into_iter().map(|(name, count)| row("consumers", name, count));
    let behind = consumers.behind.iter().map(|(by, count)| row("behind", by, *count));
    let whole = whole.into_iter().map(|(name, count)| row("total", name, count));
    let to = |bucket: &AgeBucket| bucket.to.map_or_else(String::new, |to| format!(" to {to}"));
    let ages = report.ages.buckets.iter();
    let ages = ages.map(|bucket| row("age", &format!("{}{}", bucket.from, to(bucket)), bucket.accounts));
    let leases = [("lease", report.leases.account), ("dynamic_lease", report.leases.dynamic)];
    let leases = leases.into_iter().flat_map(|(kind, counts)| {
        let counts = [("live", counts.live), ("overdue", counts.overdue), ("stuck", counts.stuck)];
        counts.map(|(name, count)| row(kind, name, count))
    });
    // What was not counted yet is left out, and not told as none.
    let leases: Vec<Vec<String>> = leases.filter(|_| report.leases.as_of.is_some()).collect();
    let rows = whole.chain(states).chain(totals).chain(behind).chain(ages).chain(leases);
    Sheet::new(&["kind", "name", "count"], rows.collect())
}

/// The ages: a row for each account that the report names, and one that says how many it leaves out.
#[must_use]
pub fn ages(report: &AgeReport) -> Sheet {
    let row = |account: &vault_api::report::AgedAccount| {
        vec![
            account.account.clone(),
            account.target.clone(),
            account.age_seconds.to_string(),
            account.period_seconds.to_string(),
            account.ratio.to_string(),
            account.never_rotated.to_string(),
        ]
    };
    let head = ["account", "target", "age_seconds", "period_seconds", "ratio", "never_rotated"];
    let rows = report.oldest.iter().map(row).chain(beyond(report.left_out, head.len()));
    Sheet::new(&head, rows.collect())
}

/// What is due: a row for each account that the report names, and one that says how many it leaves out.
#[must_use]
pub fn due(report: &DueReport) -> Sheet {
    let row = |account: &vault_api::report::DueAccount| {
        vec![
            account.account.clone(),
            account.target.clone(),
            account.state.clone(),
            account.due_at.clone().unwrap_or_default(),
            optional(account.overdue_seconds),
            account.held_until.clone().unwrap_or_default(),
            account.never_rotated.to_string(),
            account.incident.clone().unwrap_or_default(),
        ]
    };
    let head = [
        "account",
        "target",
        "state",
        "due_at",
        "overdue_seconds",
        "held_until",
        "never_rotated",
        "incident",
    ];
    let rows = report.listed.iter().map(row).chain(beyond(report.left_out, head.len()));
    Sheet::new(&head, rows.collect())
}

/// Nothing is an empty cell, never a zero.
fn optional(figure: Option<impl ToString>) -> String {
    figure.map_or_else(String::new, |figure| figure.to_string())
}

const COUNTS: [&str; 24] = [
    "kind",
    "name",
    "from",
    "to",
    "rotations_succeeded",
    "rotations_failed",
    "rotation_failure_share",
    "attempts_succeeded",
    "attempts_failed",
    "attempt_failure_share",
    "burn_rate",
    "budget_spent",
    "incidents_opened",
    "incidents_resolved",
    "incidents_open",
    "oldest_open_seconds",
    "never_acknowledged",
    "never_notified",
    "withdrawn",
    "reviewed",
    "unreviewed",
    "staff_minutes",
    "cost",
    "currency",
];
const SPREAD: [&str; 11] = [
    "n",
    "completed",
    "censored",
    "suspect",
    "mean",
    "p50",
    "p50_is_floor",
    "p90",
    "p90_is_floor",
    "max",
    "max_is_floor",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(cells: &[&str]) -> Sheet {
        Sheet::new(&["name"], cells.iter().map(|cell| vec![(*cell).to_owned()]).collect())
    }

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_out_of_its_place() {
        for (cell, csv, markdown) in [
            ("db/app", "db/app", "db/app"),
            ("=1+2", "'=1+2", "=1+2"),
            ("+1", "'+1", "+1"),
            ("-1", "'-1", "-1"),
            ("@sum", "'@sum", "@sum"),
            ("'=1", "''=1", "'=1"),
            ("\t=1", "'\t=1", "\t=1"),
            ("a,b", "\"a,b\"", "a,b"),
            ("=\"a\",b", "\"'=\"\"a\"\",b\"", "=\"a\",b"),
            ("a\r\nb", "\"a\r\nb\"", "a  b"),
            ("a|b", "a|b", "a\\|b"),
            ("<b>&", "<b>&", "\\<b\\>\\&"),
        ] {
            assert_eq!(sheet(&[cell]).csv(), format!("name\r\n{csv}\r\n"), "{cell:?}");
            assert_eq!(sheet(&[cell]).markdown(), format!("| name |\n|---|\n| {markdown} |\n"), "{cell:?}");
        }
    }

    #[test]
    fn every_row_has_a_cell_for_each_head() {
        let report = RotationReport { groups: vec![ReportGroup::default()], ..RotationReport::default() };
        let sheet = rotation(&report);
        assert_eq!(sheet.rows.len(), 2);
        assert!(sheet.rows.iter().all(|row| row.len() == sheet.head.len()), "{sheet:?}");
    }
}
