//! What is known of a registered plugin.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::protocol::Described;

/// A plugin as it was registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Its name in the catalog.
    pub name: String,
    /// The file in the plugin directory.
    pub command: String,
    /// The file's SHA-256 in hex.
    pub sha256: String,
    /// Arguments; no secret belongs here.
    #[serde(default)]
    pub args: Vec<String>,
    /// Added to its environment; no secret belongs here.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What it has said of itself when it was registered.
    #[serde(default)]
    pub described: Option<Described>,
}

impl Registration {
    /// Checks what can be checked without a look at the file.
    ///
    /// # Errors
    /// A sentence that says what to mend.
    pub fn check(&self) -> Result<(), String> {
        let is_digest = self.sha256.len() == 64 && self.sha256.chars().all(|c| c.is_ascii_hexdigit());
        if !is_digest {
            return Err("sha256 must be the SHA-256 of the file in hex (64 characters)".to_owned());
        }
        if self.command.is_empty() || self.command.contains('/') || self.command.starts_with('.') {
            return Err(
                "command must be the name of a file that lies directly in the plugin directory".to_owned()
            );
        }
        if self.args.iter().any(|text| text.contains('\0'))
            || self
                .env
                .iter()
                .any(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0'))
        {
            return Err("args and env must not hold NUL, and each line of env is NAME=VALUE".to_owned());
        }
        if let Some(name) = self.env.keys().find(|name| steers_the_linker(name)) {
            return Err(format!(
                "env must not hold {name}: LD_* and GLIBC_TUNABLES change which code is loaded"
            ));
        }
        Ok(())
    }

    /// The whole environment of a run: nothing of the vault's own.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        let fixed =
            [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")];
        let mut all: BTreeMap<String, String> =
            fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.extend(self.env.clone());
        all
    }
}

/// Whether the dynamic linker obeys this variable. What it loads is not the file whose digest was registered.
fn steers_the_linker(name: &str) -> bool {
    name.starts_with("LD_") || name == "GLIBC_TUNABLES"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_steer_the_dynamic_linker_are_refused_by_name() {
        let with = |name: &str| {
            let env = BTreeMap::from([(name.to_owned(), "/tmp/x.so".to_owned())]);
            let registration = Registration {
                name: "plugin".to_owned(),
                command: "plugin".to_owned(),
                sha256: "0".repeat(64),
                args: Vec::new(),
                env,
                described: None,
            };
            registration.check()
        };
        for name in ["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_", "GLIBC_TUNABLES"] {
            let refusal = with(name).unwrap_err();
            assert!(refusal.contains(name) && !refusal.contains("/tmp/x.so"), "{refusal}");
        }
        for name in ["LDAP_HOST", "MY_LD_PRELOAD", "COLOUR"] {
            assert_eq!(with(name), Ok(()), "{name}");
        }
    }
}
