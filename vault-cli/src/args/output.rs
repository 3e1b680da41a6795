//! How results are printed.

use clap::{Args, ValueEnum};

/// The flags that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// For people, or for programs
    #[arg(long, global = true, value_enum, env = "VAULT_FORMAT", default_value_t = Format::Table)]
    pub format: Format,
    /// Print only this field of the data, as it is
    #[arg(long, global = true, value_name = "NAME")]
    pub field: Option<String>,
    /// No colours, also not on a terminal (NO_COLOR does the same)
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// The form of results on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns.
    #[default]
    Table,
    /// The server's whole answer; lists as an array of names, as Vault's command line prints them.
    Json,
    /// Comma-separated values, of reports.
    Csv,
    /// A Markdown table, of reports and of the drill.
    Markdown,
}

impl Format {
    /// How the server calls a form of text that it writes itself; `None` for what is drawn here.
    pub(crate) const fn of_server(self) -> Option<&'static str> {
        match self {
            Self::Table | Self::Json => None,
            Self::Csv => Some("csv"),
            Self::Markdown => Some("markdown"),
        }
    }
}
