//! `rotunda drill`: the fault drill of `rotunda-drill`, with its progress on standard error and its table on standard
//! output.

use std::io::Write;

use anyhow::{Context, Result};
use rotunda_drill::fault::{Fault, Kind};
use rotunda_drill::table::Report;
use rotunda_drill::{Plan, run as play};
use vault_cli::{DrillArgs, Exit, Format, OutputArgs};

use crate::server::say;
use crate::shutdown;

/// Plays the drill and prints its table. A signal ends it early: what it started is taken away, and nothing is printed.
///
/// # Errors
/// When it could not be played: programs are missing, a server or the vault does not come up.
pub async fn run(args: DrillArgs, output: OutputArgs) -> Result<Exit> {
    let plan = plan(&args)?;
    if let Err(rotunda_drill::Unplayable(sentence)) = plan.check() {
        anyhow::bail!(sentence);
    }
    let told_to_end = shutdown::signals().context("cannot listen for signals")?;
    let report = tokio::select! {
        report = play(&plan, &tell) => report?,
        name = told_to_end => {
            tell(&format!("{name}: taking everything away"));
            return Ok(Exit::OfCommand(if name == "SIGINT" { 130 } else { 143 }));
        }
    };
    print(&report, &output)?;
    Ok(if report.is_as_expected() { Exit::Done } else { Exit::Refused })
}

fn plan(args: &DrillArgs) -> Result<Plan> {
    let named = |words: &[&'static str]| args.only.iter().any(|only| words.contains(&only.as_str()));
    let faults = Fault::ALL.into_iter().filter(|fault| named(&[fault.word()])).collect::<Vec<_>>();
    let kinds = Kind::ALL.into_iter().filter(|kind| named(&[kind.word()])).collect::<Vec<_>>();
    Ok(Plan {
        program: std::env::current_exe().context("this program does not find itself")?,
        faults: if faults.is_empty() { Fault::ALL.to_vec() } else { faults },
        kinds: if kinds.is_empty() { Kind::ALL.to_vec() } else { kinds },
        accounts: usize::from(args.accounts),
        keep: args.keep,
    })
}

/// A line of progress.
fn tell(line: &str) {
    // Who cannot be told can be drilled all the same.
    let _ = writeln!(std::io::stderr(), "rotunda drill: {line}");
}

fn print(report: &Report, output: &OutputArgs) -> Result<()> {
    for folder in &report.kept {
        tell(&format!("kept: {folder}"));
    }
    if let Some(field) = &output.field {
        let all = report.json();
        let value = all.get(field).with_context(|| format!("there is no field {field:?}"))?;
        return say(&value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned));
    }
    match output.format {
        Format::Json => say(&serde_json::to_string_pretty(&report.json())?),
        Format::Markdown => say(report.markdown().trim_end()),
        Format::Table | Format::Csv => say(report.text(rotunda_drill::table::terminal_width()).trim_end()),
    }
}
