//! The answer of every LIST.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names below a path, sorted; a name that ends in `/` has more below it.
///
/// An empty listing is answered as 404 without it, as Vault does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The names.
    #[serde(default)]
    pub keys: Vec<String>,
    /// More about each name, where the resource has something to say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub key_info: BTreeMap<String, Value>,
}
