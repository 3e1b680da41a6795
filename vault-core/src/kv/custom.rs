//! What people note about a secret: names with short texts, readable by whoever may see the metadata.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names with texts, within their limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomMetadata(BTreeMap<String, String>);

/// Why notes were refused: every cause, in Vault's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.0))]
pub struct CustomError(Vec<String>);

impl CustomMetadata {
    /// Checks the limits.
    ///
    /// # Errors
    /// [`CustomError`] with every name and text that does not fit; texts are not quoted.
    pub fn new(entries: BTreeMap<String, String>) -> Result<Self, CustomError> {
        if entries.len() > CUSTOM_KEYS_MAX {
            let text =
                format!("payload must contain at most {CUSTOM_KEYS_MAX} keys, provided {}", entries.len());
            return Err(CustomError(vec![text]));
        }
        let faults: Vec<String> = entries.iter().flat_map(|(key, value)| faults(key, value)).collect();
        if faults.is_empty() { Ok(Self(entries)) } else { Err(CustomError(faults)) }
    }

    /// These notes with `patch` merged in: `None` takes a name away.
    ///
    /// # Errors
    /// As [`new`](Self::new), for what would come of it.
    pub fn patched(&self, patch: BTreeMap<String, Option<String>>) -> Result<Self, CustomError> {
        let mut entries = self.0.clone();
        for (key, value) in patch {
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
        }
        Self::new(entries)
    }

    /// The names with their texts.
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

fn faults(key: &str, value: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let is_printable = |text: &str| !text.chars().any(char::is_control);
    if key.is_empty() || key.len() > CUSTOM_KEY_BYTES_MAX {
        faults.push(format!(
            "length of key {key:?} is {} but must be 0 < len(key) <= {CUSTOM_KEY_BYTES_MAX}",
            key.len()
        ));
    }
    if value.is_empty() || value.len() > CUSTOM_VALUE_BYTES_MAX {
        faults.push(format!(
            "length of value for key {key:?} is {} but must be 0 < len(value) <= {CUSTOM_VALUE_BYTES_MAX}",
            value.len()
        ));
    }
    if !is_printable(key) {
        faults.push(format!("key {key:?} contains unprintable characters"));
    }
    if !is_printable(value) {
        faults.push(format!("value for key {key:?} contains unprintable characters"));
    }
    faults
}

/// As Go's multierror prints a list.
fn listed(faults: &[String]) -> String {
    let count = if faults.len() == 1 { "1 error".to_owned() } else { format!("{} errors", faults.len()) };
    let lines: String = faults.iter().map(|fault| format!("\t* {PREFIX}: {fault}\n")).collect();
    format!("{count} occurred:\n{lines}\n")
}

const PREFIX: &str = "custom_metadata validation failed";
/// Most names.
pub const CUSTOM_KEYS_MAX: usize = 64;
const CUSTOM_KEY_BYTES_MAX: usize = 128;
const CUSTOM_VALUE_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn limits_are_those_of_vault() {
        let (key, value) = ("k".repeat(128), "v".repeat(512));
        assert!(CustomMetadata::new(entries(&[(&key, &value)])).is_ok());
        for (key, value, fault) in [
            (format!("{key}k"), "v".to_owned(), "length of key"),
            (String::new(), "v".to_owned(), "length of key \"\" is 0"),
            ("k".to_owned(), format!("{value}v"), "length of value for key \"k\" is 513"),
            ("k".to_owned(), String::new(), "length of value"),
            ("k\n".to_owned(), "v".to_owned(), "contains unprintable characters"),
            ("k".to_owned(), "\u{7}".to_owned(), "value for key \"k\" contains unprintable"),
        ] {
            let error = CustomMetadata::new(entries(&[(&key, &value)])).unwrap_err().to_string();
            assert!(error.contains(fault) && error.starts_with("1 error occurred:\n\t* custom"), "{error}");
        }
        let many: BTreeMap<_, _> = (0..=CUSTOM_KEYS_MAX).map(|n| (n.to_string(), "v".to_owned())).collect();
        let error = CustomMetadata::new(many).unwrap_err().to_string();
        assert!(error.contains("at most 64 keys, provided 65"), "{error}");
    }

    #[test]
    fn a_patch_sets_and_takes_away() {
        let custom = CustomMetadata::new(entries(&[("a", "1"), ("b", "2")])).unwrap();
        let patch = BTreeMap::from([("a".to_owned(), None), ("c".to_owned(), Some("3".to_owned()))]);
        assert_eq!(custom.patched(patch).unwrap().entries(), &entries(&[("b", "2"), ("c", "3")]));
    }
}
