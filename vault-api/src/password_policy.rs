//! `password-policies/<name>`: how generated passwords look, in Vault's HCL.

use serde::{Deserialize, Serialize};

use crate::sensitive::Sensitive;

/// POST and GET `password-policies/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PasswordPolicy {
    /// The HCL text: `length = 20` and `rule "charset" { … }`.
    pub policy: String,
}

/// GET `password-policies/<name>/generate`: an example; nothing uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GeneratedPassword {
    /// The example.
    pub password: Sensitive<String>,
}
