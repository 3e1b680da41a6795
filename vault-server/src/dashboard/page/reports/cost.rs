//! What incidents cost: people's hours month by month, and the credentials that took most of them.

use vault_api::report::{ReportGroup, RotationReport, Work};

use crate::dashboard::plot::{Bar, Drawing, bars, number};

/// The months of a year, and what they took.
pub(super) struct Costs {
    pub(super) drawing: Drawing,
    pub(super) rows: Vec<Row>,
    /// What is counted in, where that is known; empty where there is a price without a name.
    pub(super) currency: Option<String>,
}

/// The credentials that took most.
pub(super) struct Costly {
    /// None where none took anything.
    pub(super) drawing: Option<Drawing>,
    pub(super) rows: Vec<Row>,
    /// Those that are not among them: what they took is in no row.
    pub(super) left_out: u64,
}

/// A month or a credential.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) hours: String,
    pub(super) cost: String,
    pub(super) reviewed: u64,
    pub(super) unreviewed: u64,
}

pub(super) fn costs(report: &RotationReport) -> Costs {
    let currency = report.currency.as_deref();
    let drawn: Vec<Bar> = report.groups.iter().map(|month| bar(month, currency)).collect();
    Costs {
        drawing: bars("costs", "Hours of work, month by month", &drawn, None),
        rows: report.groups.iter().map(|month| row(month, currency)).collect(),
        currency: report.work.cost.map(|_| report.currency.clone().unwrap_or_default()),
    }
}

pub(super) fn costly(report: &RotationReport) -> Costly {
    let currency = report.currency.as_deref();
    let took = || report.groups.iter().filter(|account| account.work.staff_minutes > 0);
    let drawn: Vec<Bar> = took().map(|account| bar(account, currency)).collect();
    Costly {
        drawing: (!drawn.is_empty()).then(|| bars("costly", "Hours of work, by credential", &drawn, None)),
        rows: took().map(|account| row(account, currency)).collect(),
        left_out: report.left_out,
    }
}

fn bar(part: &ReportGroup, currency: Option<&str>) -> Bar {
    let hours = hours(&part.work);
    let said = match cost(&part.work, currency) {
        Some(cost) => format!("{hours} h, {cost}"),
        None => format!("{hours} h"),
    };
    Bar { name: part.name.clone(), value: number(part.work.staff_minutes), said, is_bad: false }
}

fn row(part: &ReportGroup, currency: Option<&str>) -> Row {
    Row {
        name: part.name.clone(),
        hours: hours(&part.work),
        cost: cost(&part.work, currency).unwrap_or_else(|| "–".to_owned()),
        reviewed: part.work.reviewed,
        unreviewed: part.work.unreviewed,
    }
}

/// To a tenth, rounded half up.
fn hours(work: &Work) -> String {
    let tenths = work.staff_minutes.saturating_add(3) / 6;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn cost(work: &Work, currency: Option<&str>) -> Option<String> {
    work.cost.map(|cost| match currency {
        Some(currency) => format!("{cost:.2} {currency}"),
        None => format!("{cost:.2}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, staff_minutes: u64, cost: Option<f64>) -> ReportGroup {
        let work = Work { reviewed: 2, unreviewed: 1, staff_minutes, cost };
        ReportGroup { name: name.to_owned(), work, ..ReportGroup::default() }
    }

    #[test]
    fn hours_are_told_to_a_tenth_and_a_price_where_there_is_one() {
        for (minutes, want) in
            [(0, "0.0"), (2, "0.0"), (3, "0.1"), (57, "1.0"), (90, "1.5"), (6_000, "100.0")]
        {
            assert_eq!(hours(&part("m", minutes, None).work), want, "{minutes}");
        }
        let dear = part("m", 90, Some(127.5)).work;
        assert_eq!(cost(&dear, Some("EUR")).as_deref(), Some("127.50 EUR"));
        assert_eq!(cost(&dear, None).as_deref(), Some("127.50"));
        assert_eq!(cost(&part("m", 90, None).work, Some("EUR")), None);
    }

    #[test]
    fn what_took_nothing_is_not_costly() {
        let report = |groups| RotationReport { groups, ..RotationReport::default() };
        let told = costly(&report(vec![part("dear", 30, None), part("free", 0, None)]));
        let names: Vec<&str> = told.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!((names, told.drawing.is_some()), (vec!["dear"], true));
        assert!(costly(&report(vec![part("free", 0, None)])).drawing.is_none());
    }
}
