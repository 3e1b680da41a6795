//! Standard output, standard error and standard input, as values that a test can replace.
//!
//! Results go to standard output, everything for people's attention to standard error. Nothing here panics
//! when a pipe is closed.

use std::io::{self, IsTerminal as _, Read, Write};

use serde_json::Value;

use crate::{args::output::Format, failure::Failure};

/// Where a command reads and prints.
pub(crate) struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    input: Box<dyn Read>,
    /// Whether a person sits there: prompts and progress only then.
    input_is_terminal: bool,
    out_is_terminal: bool,
    err_is_terminal: bool,
    out_colour: bool,
    err_colour: bool,
    format: Format,
}

/// How a word is emphasised on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something failed.
    Bad,
    /// Something needs attention.
    Warn,
    /// All is well.
    Good,
}

impl Console {
    /// The process's own streams.
    pub(crate) fn of_terminal(no_colour: bool) -> Self {
        let colour_wanted = !no_colour && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            input: Box::new(io::stdin()),
            input_is_terminal: io::stdin().is_terminal(),
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
            out_colour: colour_wanted && io::stdout().is_terminal(),
            err_colour: colour_wanted && io::stderr().is_terminal(),
            format: Format::Table,
        }
    }

    pub(crate) fn printing(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Whether the result is read by people, not by programs.
    pub(crate) const fn is_for_people(&self) -> bool {
        matches!(self.format, Format::Table)
    }

    pub(crate) const fn input_is_terminal(&self) -> bool {
        self.input_is_terminal
    }

    pub(crate) const fn shows_progress(&self) -> bool {
        self.err_is_terminal
    }

    /// Prints text to standard output as it is.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Prints one bare value: with a newline for people, without one for `$(…)` and pipes, as in Vault.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub(crate) fn bare(&mut self, value: &str) -> io::Result<()> {
        if self.out_is_terminal { self.line(value) } else { self.text(value) }
    }

    /// Prints one line to standard output.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    /// Prints JSON to standard output.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub(crate) fn json(&mut self, value: &Value) -> io::Result<()> {
        self.line(&format!("{value:#}"))
    }

    /// Tells the person something beside the result; a closed standard error changes nothing.
    pub(crate) fn note(&mut self, sentence: &str) {
        let _ = writeln!(self.err, "{sentence}");
    }

    /// Tells the person what to look at although the command goes on.
    pub(crate) fn warning(&mut self, sentence: &str) {
        let word = tinted(self.err_colour, Tone::Warn, "warning:");
        self.note(&format!("{word} {sentence}"));
    }

    /// Prints why the command failed: for people, or as JSON on standard error for programs.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        if self.format == Format::Json {
            self.note(&format!("{:#}", failure.to_json()));
            return;
        }
        let word = tinted(self.err_colour, Tone::Bad, "error:");
        self.note(&format!("{word} {failure}"));
        if let Some(hint) = failure.hint() {
            self.note(&format!("  {hint}"));
        }
    }

    /// Emphasises a word of a result.
    pub(crate) fn emphasised(&self, tone: Tone, word: &str) -> String {
        tinted(self.out_colour, tone, word)
    }

    /// Reads standard input to its end.
    ///
    /// # Errors
    /// It cannot be read, is no UTF-8, or is longer than [`INPUT_BYTES_MAX`].
    pub(crate) fn read_input(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.input.by_ref().take(INPUT_BYTES_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > INPUT_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than 32 MiB"));
        }
        Ok(text)
    }

    /// Asks on the terminal without showing what is typed.
    ///
    /// # Errors
    /// There is no terminal.
    pub(crate) fn ask_hidden(&mut self, question: &str) -> io::Result<String> {
        if !self.input_is_terminal {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "there is no terminal to ask on"));
        }
        rpassword::prompt_password(question)
    }
}

fn tinted(colour: bool, tone: Tone, word: &str) -> String {
    let code = match tone {
        Tone::Bad => "31;1",
        Tone::Warn => "33",
        Tone::Good => "32",
    };
    if colour { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.to_owned() }
}

/// The server takes no longer body.
const INPUT_BYTES_MAX: u64 = 32 * 1024 * 1024;

#[cfg(test)]
pub(crate) mod fake;
