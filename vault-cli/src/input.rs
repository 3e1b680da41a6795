//! What a command sends: settings as `key=value`, and secrets from where nobody sees them.

pub(crate) mod secret;

use std::fs;

use serde_json::{Map, Value};

use crate::{console::Console, failure::Failure};

/// How a value that came from a file or from standard input is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Kept byte for byte, as Vault's command line does.
    AsIs,
    /// One final newline is not part of the value, as editors and `echo` add it.
    WithoutNewline,
}

/// Reads `key=value`, `key=@file`, `key=-`, and `@file.json` or `-` for a whole object.
///
/// # Errors
/// A word has no `=`, a key comes twice, a file cannot be read, or JSON is no object.
pub(crate) fn settings(
    words: &[String],
    ending: Ending,
    console: &mut Console,
) -> Result<Map<String, Value>, Failure> {
    let mut settings = Map::new();
    let mut input_taken = false;
    for word in words {
        if let Some(object) = whole_object(word, &mut input_taken, console)? {
            settings.extend(object);
            continue;
        }
        let Some((key, text)) = word.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::usage(format!(
                "{word:?} is no setting: write key=value, key=@file or key=-"
            )));
        };
        let value = match text {
            "-" => from_input(key, ending, &mut input_taken, console)?,
            _ => match text.strip_prefix('@') {
                Some(path) => ended(read_file(path)?, ending),
                None => {
                    warn_if_secret(key, console);
                    // `\@` and `\-` write a value that begins with such a sign, as in Vault.
                    text.strip_prefix('\\')
                        .filter(|rest| rest.starts_with(['@', '-']))
                        .unwrap_or(text)
                        .to_owned()
                }
            },
        };
        if settings.insert(key.to_owned(), Value::from(value)).is_some() {
            return Err(Failure::usage(format!("{key} is given twice")));
        }
    }
    Ok(settings)
}

/// Reads `key=value` for the query of a read or list.
///
/// # Errors
/// As [`settings`].
pub(crate) fn parameters(words: &[String], console: &mut Console) -> Result<Vec<(String, String)>, Failure> {
    let settings = settings(words, Ending::AsIs, console)?;
    Ok(settings
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => (key, text),
            other => (key, other.to_string()),
        })
        .collect())
}

/// Reads a document from a file, or from standard input for `-`.
///
/// # Errors
/// It cannot be read or is no UTF-8.
pub(crate) fn document(source: &str, console: &mut Console) -> Result<String, Failure> {
    if source == "-" { read_input(console) } else { read_file(source) }
}

fn whole_object(
    word: &str,
    input_taken: &mut bool,
    console: &mut Console,
) -> Result<Option<Map<String, Value>>, Failure> {
    let text = match word.strip_prefix('@') {
        Some(path) => read_file(path)?,
        None if word == "-" => {
            take_input(input_taken)?;
            read_input(console)?
        }
        None => return Ok(None),
    };
    // The message must not quote the text: it may hold a secret.
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err(Failure::usage(format!("{word} must hold a JSON object"))),
        Err(error) => Err(Failure::usage(format!(
            "{word} holds no JSON: line {}, column {}",
            error.line(),
            error.column()
        ))),
    }
}

fn from_input(
    key: &str,
    ending: Ending,
    input_taken: &mut bool,
    console: &mut Console,
) -> Result<String, Failure> {
    take_input(input_taken)?;
    if console.input_is_terminal() {
        return secret::asked(&format!("{key} (hidden): "), console);
    }
    Ok(ended(read_input(console)?, ending))
}

fn take_input(taken: &mut bool) -> Result<(), Failure> {
    if std::mem::replace(taken, true) {
        return Err(Failure::usage("standard input can be read once: only one value may be `-`"));
    }
    Ok(())
}

fn read_input(console: &mut Console) -> Result<String, Failure> {
    console.read_input().map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))
}

fn read_file(path: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read {path}: {error}")))
}

fn ended(mut text: String, ending: Ending) -> String {
    if ending == Ending::WithoutNewline && text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

fn warn_if_secret(key: &str, console: &mut Console) {
    if SECRET_KEYS.contains(&key) {
        console.warning(&format!(
            "other users of this machine can see {key} in the process list: write {key}=- or {key}=@file"
        ));
    }
}

/// Keys whose values should not be arguments.
const SECRET_KEYS: [&str; 6] = ["password", "passphrase", "token", "key", "secret_id", "client_token"];

#[cfg(test)]
mod tests;
