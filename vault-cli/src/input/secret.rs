//! Secrets from standard input or a hidden prompt.

use vault_api::Sensitive;

use super::{Ending, ended, read_input};
use crate::{console::Console, failure::Failure};

/// Takes a secret: an argument (with a warning), `-` or no terminal for standard input, else a hidden prompt.
///
/// # Errors
/// Nothing was given, or standard input cannot be read.
pub(crate) fn given(
    argument: Option<&Sensitive<String>>,
    what: &str,
    console: &mut Console,
) -> Result<Sensitive<String>, Failure> {
    let text = match argument.map(|argument| argument.expose().as_str()) {
        Some("-") | None if !console.input_is_terminal() => {
            ended(read_input(console)?, Ending::WithoutNewline)
        }
        Some("-") | None => asked(&format!("{what} (hidden): "), console)?,
        Some(text) => {
            console.warning(&format!("other users of this machine can see the {what} in the process list"));
            text.to_owned()
        }
    };
    if text.is_empty() {
        return Err(Failure::usage(format!("no {what} was given")));
    }
    Ok(Sensitive::new(text))
}

/// Takes a new secret: twice from a prompt, so that a slip of the fingers is noticed, or from standard input.
///
/// # Errors
/// The two differ, nothing was given, or standard input cannot be read.
pub(crate) fn chosen(what: &str, console: &mut Console) -> Result<Sensitive<String>, Failure> {
    let first = given(None, what, console)?;
    if console.input_is_terminal()
        && asked(&format!("{what} once more (hidden): "), console)? != *first.expose()
    {
        return Err(Failure::usage(format!("the two entries of the {what} differ; nothing was done")));
    }
    Ok(first)
}

/// Asks on the terminal without showing what is typed.
///
/// # Errors
/// The terminal cannot be read.
pub(super) fn asked(question: &str, console: &mut Console) -> Result<String, Failure> {
    console.ask_hidden(question).map_err(|error| Failure::usage(format!("cannot ask: {error}")))
}
