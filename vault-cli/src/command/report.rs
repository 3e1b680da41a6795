//! `rotunda report …`.

use vault_api::{
    duration::Seconds,
    report::{RotationReport, Spread},
};

use super::Session;
use crate::{
    args::incident::ReportWord,
    client::Request,
    failure::{Exit, Failure},
    output,
};

pub(super) async fn run(word: ReportWord, session: &mut Session) -> Result<Exit, Failure> {
    let ReportWord::Rotation(args) = word;
    let mut request = Request::get("reports/rotation");
    for (key, value) in [("from", args.from), ("to", args.to)] {
        if let Some(value) = value {
            request = request.with(key, value);
        }
    }
    let answer = session.ask("adding up", request).await?;
    let report: RotationReport = answer.read_data()?;
    session.show(&answer, |_, _| Ok(table(&report)))?;
    Ok(Exit::Done)
}

fn table(report: &RotationReport) -> String {
    let oldest =
        report.incidents.oldest_open_seconds.map_or_else(|| "-".to_owned(), |age| Seconds(age).to_string());
    let mut text = output::record([
        ("window", format!("{} to {}", output::shown(&report.window.from), output::shown(&report.window.to))),
        (
            "rotations",
            format!(
                "{} succeeded, {} failed, {} attempts",
                report.rotations.succeeded, report.rotations.failed, report.rotations.attempts
            ),
        ),
        (
            "incidents",
            format!(
                "{} opened, {} resolved, {} open",
                report.incidents.opened, report.incidents.resolved, report.incidents.open
            ),
        ),
        ("oldest open", oldest),
    ]);
    let rows = [
        spread("to detect (TTD)", &report.ttd),
        spread("to acknowledge (TTA)", &report.tta),
        spread("to mitigate (TTM)", &report.ttm),
        spread("to remediate (TTR)", &report.ttr),
    ];
    text.push('\n');
    text.push_str(&output::columns(&["TIME", "N", "STILL OPEN", "MEAN", "P50", "P90", "MAX"], &rows));
    if !report.by_class.is_empty() {
        let classes: Vec<Vec<String>> = report
            .by_class
            .iter()
            .map(|(class, count)| vec![output::shown(class), count.to_string()])
            .collect();
        text.push('\n');
        text.push_str(&output::columns(&["CLASS", "INCIDENTS"], &classes));
    }
    text
}

fn spread(name: &str, spread: &Spread) -> Vec<String> {
    let seconds =
        |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}s"));
    vec![
        name.to_owned(),
        spread.n.to_string(),
        spread.censored.to_string(),
        seconds(spread.mean),
        seconds(spread.p50),
        seconds(spread.p90),
        seconds(spread.max),
    ]
}
