//! `rotunda report …`.

use clap::{Args, Subcommand};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportWord {
    /// Failed rotations and times to detect, acknowledge, mitigate and repair
    Rotation(RotationArgs),
    /// What the report adds up: each rotation that ended
    #[command(
        after_help = "Examples:\n  rotunda report ended\n  rotunda report ended --from 2026-01-01T00:00:00Z --format json"
    )]
    Ended(LogArgs),
    /// What the report adds up: each attempt of a rotation
    #[command(
        after_help = "Examples:\n  rotunda report attempts\n  rotunda report attempts --from 2026-01-01T00:00:00Z --format json"
    )]
    Attempts(LogArgs),
    /// How many accounts fail, are overdue, due soon or held, and in which state they are
    #[command(
        after_help = "Examples:\n  rotunda report standing\n  rotunda report standing --within 7d --format csv"
    )]
    Standing(StandingArgs),
    /// How old credentials are, by their policies
    #[command(after_help = "Examples:\n  rotunda report ages\n  rotunda report ages --limit 10 --format csv")]
    Ages(AgesArgs),
    /// What is due and not rotated, or soon will be
    #[command(
        after_help = "Examples:\n  rotunda report due\n  rotunda report due --within 7d --format markdown"
    )]
    Due(DueArgs),
}

/// `rotunda report rotation`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda report rotation
  rotunda report rotation --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z --format json
  rotunda report rotation --from 2026-01-01T00:00:00Z --by month --format csv > rotation.csv
  rotunda report rotation --by target --worst 10
  rotunda report rotation --by team --hourly-cost 85.50
  rotunda report rotation --from 2026-01-01T00:00:00Z --by account --limit 10
  rotunda report rotation --by target --also team,month@2026-01-01T00:00:00Z

By account those come first that took most staff time: the costly credentials.
--also costs one walk over the records together with the rest; each may begin at a time of its own, behind an @.
Open incidents count with their age so far (`>` before a figure: it may be more), and in no mean.
docs/measures.md says what each figure is.")]
pub(crate) struct RotationArgs {
    /// From this time on (RFC 3339); 30 days before the end
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until this time (RFC 3339); now
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Also in parts
    #[arg(long, value_name = "WHAT", value_parser = ["class", "target", "rotator", "team", "account", "month"])]
    pub(crate) by: Option<String>,
    /// Of the targets or rotators only so many, those first where most failed
    #[arg(long, value_name = "COUNT", requires = "by")]
    pub(crate) worst: Option<String>,
    /// By account, how many are named; 100
    #[arg(long, value_name = "COUNT", requires = "by")]
    pub(crate) limit: Option<String>,
    /// More reports from the same walk, by the words of --by with commas between, such as team,month@2026-01-01T00:00:00Z
    #[arg(long, value_name = "WHAT")]
    pub(crate) also: Option<String>,
    /// What share of rotations shall succeed, in per cent; 99.5
    #[arg(long, value_name = "PERCENT")]
    pub(crate) objective: Option<String>,
    /// What an hour of staff costs, such as 85.50; as the vault was told
    #[arg(long, value_name = "COST")]
    pub(crate) hourly_cost: Option<String>,
}

/// `rotunda report ended` and `rotunda report attempts`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// From this time on (RFC 3339); 30 days before the end
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until this time (RFC 3339); now
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

/// `rotunda report standing`.
#[derive(Debug, Args)]
pub(crate) struct StandingArgs {
    /// How far ahead to look; 24h
    #[arg(long, value_name = "DURATION")]
    pub(crate) within: Option<String>,
}

/// `rotunda report ages`.
#[derive(Debug, Args)]
pub(crate) struct AgesArgs {
    /// How many accounts are named; 100
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<String>,
}

/// `rotunda report due`.
#[derive(Debug, Args)]
pub(crate) struct DueArgs {
    /// How far ahead to look; 24h
    #[arg(long, value_name = "DURATION")]
    pub(crate) within: Option<String>,
    /// How many accounts are named; 100
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<String>,
}
