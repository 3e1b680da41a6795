//! The parameters of a request, read leniently as Vault's clients need it.
//!
//! Clients send numbers and booleans as strings, lists as one string, durations in four spellings.
//! Each accessor knows one meaning. What no accessor asked for is reported as a warning, never refused.

mod form;
mod reserved;
mod typed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use vault_core::schedule::span;
use vault_core::secret::{SecretString, wipe};
use vault_core::target::pace::{EVERY_MAX, EVERY_MIN};
use vault_core::team::Team;

use super::error::ApiError;

/// The JSON object of a request's body, or the query of a read. Wiped when dropped.
pub struct Fields {
    /// Always an object.
    object: Value,
    asked: Asked,
    /// Whether the wish for a dry run stood there more than once.
    twice_dry_run: bool,
}

impl Default for Fields {
    fn default() -> Self {
        Self { object: Value::Object(Map::new()), asked: Asked::default(), twice_dry_run: false }
    }
}

/// The names that a handler has asked for; shared with the dispatcher, which warns of the others.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<BTreeSet<String>>>);

impl Asked {
    fn note(&self, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
    }

    /// All that were asked for.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Those of `names` that nobody asked for.
    pub(super) fn unasked(&self, names: &[String]) -> Vec<String> {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().filter(|name| !asked.contains(*name)).cloned().collect()
    }
}

impl Fields {
    /// Reads a body: an object, or nothing, or `null`. The content type is of no interest.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn from_body(body: &[u8]) -> Result<Self, ApiError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(object @ Value::Object(_)) => {
                let twice_dry_run = Self::stands_twice(body, "dry_run");
                let fields = Self { object, asked: Asked::default(), twice_dry_run };
                Self::check_names(body).map(|()| fields)
            }
            Ok(Value::Null) => Ok(Self::default()),
            Ok(other) => Err(ApiError::invalid(format!(
                "failed to decode JSON input: expected an object, found {}",
                kind(&other)
            ))),
            // The category and place only: serde's own text may quote the input.
            Err(error) => Err(ApiError::invalid(format!(
                "failed to decode JSON input: syntax error at line {} column {}",
                error.line(),
                error.column()
            ))),
        }
    }

    /// From the query of a read, delete or list.
    #[must_use]
    pub fn from_query(pairs: BTreeMap<String, String>) -> Self {
        let object = pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        Self { object, asked: Asked::default(), twice_dry_run: false }
    }

    /// Whether the wish for a dry run stood in the body more than once, at any depth: only one of them was read.
    pub(super) fn has_twice_dry_run(&self) -> bool {
        self.twice_dry_run
    }

    pub(super) fn asked(&self) -> Asked {
        self.asked.clone()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.object.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
    }

    /// The whole object, as it came, for the audit entry and for policies with parameters.
    #[must_use]
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// The whole object for a handler that takes whatever it is given, so that no warning is given.
    #[must_use]
    pub fn whole(&self) -> &Value {
        self.names().iter().for_each(|name| self.asked.note(name));
        &self.object
    }

    /// Whether there is no parameter at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.object.as_object().is_none_or(Map::is_empty)
    }

    /// The value as it came; `None` when absent or `null`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.asked.note(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Says that `names` are understood although they change nothing, so that no warning is given.
    pub fn ignore(&self, names: &[&str]) {
        for name in names {
            self.asked.note(name);
        }
    }

    /// Text; a number or boolean is taken as its spelling.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for a list or an object.
    pub fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        self.value(name).map(|value| scalar(name, value)).transpose()
    }

    /// Text of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] naming the parameter and the limit.
    pub fn bounded_text(&self, name: &str, bytes_max: usize) -> Result<Option<String>, ApiError> {
        match self.text(name)? {
            Some(text) if text.len() > bytes_max => {
                Err(ApiError::invalid(format!("'{name}' is longer than {bytes_max} bytes")))
            }
            text => Ok(text),
        }
    }

    /// Text that must be there and not empty.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] naming the parameter.
    pub fn required_text(&self, name: &str) -> Result<String, ApiError> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| ApiError::invalid(format!("missing '{name}'")))
    }

    /// The parameters below `name`, which is an object or absent.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn nested(&self, name: &str) -> Result<Option<Self>, ApiError> {
        match self.value(name) {
            None => Ok(None),
            Some(object @ Value::Object(_)) => {
                Ok(Some(Self { object: object.clone(), asked: Asked::default(), twice_dry_run: false }))
            }
            Some(_) => Err(ApiError::invalid(format!("'{name}' must be an object"))),
        }
    }

    /// Secret text.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] when it is not text; the message does not show it.
    pub fn secret(&self, name: &str) -> Result<Option<SecretString>, ApiError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(SecretString::new(text.clone()))),
            Some(_) => Err(ApiError::invalid(format!("'{name}' must be a string"))),
        }
    }

    /// A duration: a number of seconds, `"3600"`, `"1h"`, `"1d"`. Empty and zero are "unset".
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn duration(&self, name: &str) -> Result<Option<Duration>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        span::parse(&text).map_err(|error| {
            ApiError::invalid(format!(
                "'{name}' must be a duration such as 3600, \"90s\", \"1h30m\" or \"1d\": {error}"
            ))
        })
    }

    /// How often a credential is looked at: a duration, or zero or `off` for never. `Some(None)` is an empty text: as it
    /// is where nothing is said.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn heartbeat(&self, name: &str) -> Result<Option<Option<Duration>>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.trim().is_empty() {
            return Ok(Some(None));
        }
        let every = if text.trim() == "off" { None } else { self.duration(name)? };
        match every {
            None => Ok(Some(Some(Duration::ZERO))),
            Some(every) if (EVERY_MIN..=EVERY_MAX).contains(&every) => Ok(Some(Some(every))),
            Some(_) => {
                Err(ApiError::invalid(format!("'{name}' must be between 5s and 90d, or \"off\" for never")))
            }
        }
    }

    /// Who looks after something. `Some(None)` is an empty text: nobody that is named.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for what is no name of a team.
    pub fn team(&self, name: &str) -> Result<Option<Option<Team>>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.is_empty() {
            return Ok(Some(None));
        }
        let team = Team::parse(&text).map_err(|error| ApiError::invalid(format!("'{name}': {error}")))?;
        Ok(Some(Some(team)))
    }

    /// A whole number that is not negative; also as a string.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn count(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.is_empty() {
            return Ok(None);
        }
        let number = text
            .parse()
            .map_err(|_| ApiError::invalid(format!("'{name}' must be a whole number, zero or more")))?;
        Ok(Some(number))
    }

    /// Yes or no; also as a string in any spelling of Go's `ParseBool`.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.is_empty() {
            return Ok(None);
        }
        parse_flag(&text)
            .map(Some)
            .ok_or_else(|| ApiError::invalid(format!("'{name}' must be true or false")))
    }

    /// A true list of texts; a single text is a list of one, commas and all.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn list(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(|item| scalar(name, item)).collect::<Result<_, _>>().map(Some)
            }
            Some(Value::String(text)) if text.is_empty() => Ok(Some(Vec::new())),
            Some(value) => Ok(Some(vec![scalar(name, value)?])),
        }
    }

    /// A list of texts, or one text split at its commas; blanks around each are cut.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn comma_list(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(items) = self.list(name)? else { return Ok(None) };
        let is_text = self.value(name).is_some_and(Value::is_string);
        let parts = items.iter().flat_map(|item| {
            let item = item.as_str();
            if is_text { item.split(',').collect::<Vec<_>>() } else { vec![item] }
        });
        Ok(Some(parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()))
    }

    /// Names with texts: an object, an object in a string, or `name=value` (one, or a list of them).
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything else.
    pub fn text_map(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, ApiError> {
        let wrong = || ApiError::invalid(format!("'{name}' must be an object of strings"));
        let object = |map: &Map<String, Value>| -> Result<BTreeMap<String, String>, ApiError> {
            map.iter().map(|(key, value)| Ok((key.clone(), scalar(name, value)?))).collect()
        };
        let pair = |text: &str| {
            text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        };
        let map = match self.value(name) {
            None => Ok(None),
            Some(Value::Object(map)) => object(map).map(Some),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) if text.trim_start().starts_with('{') => {
                let map = serde_json::from_str(text).map_err(|_| wrong())?;
                object(&map).map(Some)
            }
            Some(Value::String(text)) => {
                text.split(',').map(pair).collect::<Option<_>>().map(Some).ok_or_else(wrong)
            }
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().and_then(pair))
                .collect::<Option<_>>()
                .map(Some)
                .ok_or_else(wrong),
            Some(_) => Err(wrong()),
        }?;
        map.iter().flat_map(BTreeMap::keys).try_for_each(|name| Self::check_name(name))?;
        Ok(map)
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        wipe(&mut self.object);
    }
}

/// `1`, `t`, `TRUE`, `true` and so on, as Go's `ParseBool` takes them.
pub(super) fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn scalar(name: &str, value: &Value) -> Result<String, ApiError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(ApiError::invalid(format!("'{name}' must be a string, not {}", kind(value))))
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
