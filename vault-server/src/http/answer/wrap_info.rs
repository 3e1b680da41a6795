//! The `wrap_info` of an answer that was put away.

use serde_json::{Value, json};
use vault_core::secret::SecretString;

use crate::service::token::Wrapped;

/// Where an answer was put instead of being shown.
pub struct WrapInfo {
    /// The token that opens it, once.
    pub token: SecretString,
    /// The token's accessor.
    pub accessor: String,
    /// How long it can be opened, in seconds.
    pub ttl: u64,
    /// When it was made, as RFC 3339.
    pub creation_time: String,
    /// The path that the answer came from.
    pub creation_path: String,
    /// The accessor of a token inside.
    pub wrapped_accessor: Option<String>,
}

impl WrapInfo {
    /// What is told of an answer that was wrapped under this token.
    #[must_use]
    pub fn of(wrapped: &Wrapped, wrapped_accessor: Option<String>) -> Self {
        let token = &wrapped.token;
        Self {
            token: SecretString::new(wrapped.plain.expose().to_owned()),
            accessor: token.accessor().to_string(),
            ttl: token.creation_ttl().as_secs(),
            creation_time: token.created_at().to_rfc3339(),
            creation_path: token.path().to_owned(),
            wrapped_accessor,
        }
    }

    pub(super) fn json(&self) -> Value {
        let mut out = json!({
            "token": self.token.expose(),
            "accessor": self.accessor,
            "ttl": self.ttl,
            "creation_time": self.creation_time,
            "creation_path": self.creation_path,
        });
        if let (Some(map), Some(accessor)) = (out.as_object_mut(), &self.wrapped_accessor) {
            map.insert("wrapped_accessor".to_owned(), Value::from(accessor.clone()));
        }
        out
    }
}
